//! Webhooks as they stand, for lists.

use cqrs::{Aggregate, IndexValue, Projection, ReadModel, Recorded, Rows, Unreadable};
use serde::{Deserialize, Serialize};

use super::domain::endpoint::{Endpoint, EndpointEvent, Standing};

/// One webhook; the key is its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookRow(pub Endpoint);

impl WebhookRow {
    /// The place among the indexes of whether it is told.
    pub const BY_ENABLED: usize = 0;
}

impl ReadModel for WebhookRow {
    const NAME: &'static str = "webhooks";
    const VERSION: u32 = 2;
    const KEYED_BY_STREAM: bool = true;
    const INDEXES: &'static [&'static str] = &["enabled"];

    fn indexes(&self) -> Vec<IndexValue> {
        vec![(self.0.standing == Standing::Enabled).into()]
    }
}

/// Folds endpoints' events into [`WebhookRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct WebhookProjection;

impl Projection for WebhookProjection {
    type Row = WebhookRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<WebhookRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Endpoint>()? else { return Ok(()) };
        let webhook = event.stream.id();
        match &*happened {
            EndpointEvent::Registered { .. } => {
                let mut row = WebhookRow::default();
                row.0.apply(&happened);
                rows.put(webhook, row);
            }
            EndpointEvent::Deleted => rows.remove(webhook),
            _ => rows.update(webhook, |row| row.0.apply(&happened)),
        }
        Ok(())
    }
}
