//! Webhooks as they stand, for lists.

use cqrs::{Aggregate, Projection, ReadModel, Recorded, Rows, Unreadable};
use serde::{Deserialize, Serialize};

use super::domain::endpoint::{Endpoint, EndpointEvent};

/// One webhook; the key is its id.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WebhookRow(pub Endpoint);

impl ReadModel for WebhookRow {
    const NAME: &'static str = "webhooks";
    const VERSION: u32 = 1;
    const KEYED_BY_STREAM: bool = true;
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
