//! Demand: how many units of each SKU order lines wait for.

use cqrs::{Projection, ReadModel, Recorded, Rows, Unreadable};
use serde::{Deserialize, Serialize};

use crate::domain::backlog::{Backlog, BacklogEvent};

/// What waits for one SKU; the key is the SKU. There is no row when nothing waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DemandRow {
    /// The SKU.
    pub sku: String,
    /// Units that wait.
    pub units: i64,
    /// Order lines that wait.
    pub lines: i64,
}

impl ReadModel for DemandRow {
    const NAME: &'static str = "demand";
    const VERSION: u32 = 1;
    const KEYED_BY_STREAM: bool = true;
}

/// Folds backlog events into [`DemandRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct DemandProjection;

impl Projection for DemandProjection {
    type Row = DemandRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<DemandRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Backlog>()? else { return Ok(()) };
        match &*happened {
            BacklogEvent::Joined(waiter) => change(rows, event.stream.id(), waiter.quantity, 1),
            BacklogEvent::Left { quantity, .. } => change(rows, event.stream.id(), -quantity, -1),
            BacklogEvent::Freed { .. } | BacklogEvent::Offered { .. } | BacklogEvent::Exhausted => {}
        }
        Ok(())
    }
}

fn change(rows: &mut Rows<DemandRow>, sku: &str, units: i64, lines: i64) {
    let before = rows.get(sku).map(|row| row.as_ref().clone()).unwrap_or_default();
    let row = DemandRow { sku: sku.to_owned(), units: before.units + units, lines: before.lines + lines };
    if row.lines == 0 {
        rows.remove(sku);
    } else {
        rows.put(sku, row);
    }
}
