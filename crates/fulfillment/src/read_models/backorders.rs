//! Backorders: the order lines that wait for stock, by SKU, the oldest promise first.

use cqrs::{IndexValue, Projection, ReadModel, Recorded, Rows, Timestamp, Unreadable};
use serde::{Deserialize, Serialize};

use crate::domain::backlog::{Backlog, BacklogEvent, Waiter};
use crate::domain::ids::{LineId, OrderId};

/// Units of one line that wait. The key is `sku/order/line`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackorderRow {
    /// The SKU.
    pub sku: String,
    /// The line, and what it was promised.
    pub waiter: Waiter,
    /// Since when it waits.
    pub since: Timestamp,
}

impl BackorderRow {
    /// The index of its SKU.
    pub const BY_SKU: usize = 0;
    /// The index of its turn: `<promise>/<placed>`, in milliseconds of 19 digits.
    pub const BY_TURN: usize = 1;
}

impl ReadModel for BackorderRow {
    const NAME: &'static str = "backorders";
    const VERSION: u32 = 1;
    const KEYED_BY_STREAM: bool = true;
    const INDEXES: &'static [&'static str] = &["sku", "turn"];

    fn indexes(&self) -> Vec<IndexValue> {
        let promised = self.waiter.promised_at.unwrap_or(Timestamp::MAX).as_millis().max(0);
        let turn = format!("{promised:019}/{:019}", self.waiter.placed_at.as_millis().max(0));
        vec![self.sku.as_str().into(), turn.as_str().into()]
    }
}

/// Folds backlog events into [`BackorderRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct BackorderProjection;

impl Projection for BackorderProjection {
    type Row = BackorderRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<BackorderRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Backlog>()? else { return Ok(()) };
        let sku = event.stream.id();
        match &*happened {
            BacklogEvent::Joined(waiter) => {
                let row = BackorderRow { sku: sku.to_owned(), waiter: waiter.clone(), since: event.at };
                rows.put(&key(sku, &waiter.order_id, &waiter.line_id), row);
            }
            BacklogEvent::Left { order_id, line_id, .. } => rows.remove(&key(sku, order_id, line_id)),
            BacklogEvent::Freed { .. } | BacklogEvent::Offered { .. } | BacklogEvent::Exhausted => {}
        }
        Ok(())
    }
}

fn key(sku: &str, order_id: &OrderId, line_id: &LineId) -> String {
    format!("{sku}/{order_id}/{line_id}")
}
