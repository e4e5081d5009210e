//! Incoming: what is to come of each SKU, delivery by delivery, until it has come.

use cqrs::{IndexValue, Projection, ReadModel, Recorded, Rows, ShortText, Timestamp, Unreadable};
use serde::{Deserialize, Serialize};

use crate::domain::ids::{LineId, LocationId};
use crate::domain::stock_item::{Arrival, Inbound, StockEvent, StockItem};

/// Units of one line that are to come.
///
/// The key is `sku/<15 digits of the instant>/location/kind/id/line`: a SKU's rows are in the order of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncomingRow {
    /// The SKU.
    pub sku: ShortText,
    /// What brings them.
    pub by: Inbound,
    /// The line of it.
    pub line: LineId,
    /// Where they are to come.
    pub location: LocationId,
    /// When.
    pub expected_at: Timestamp,
    /// How many.
    pub quantity: i64,
}

impl IncomingRow {
    /// The place of `location` among the indexes.
    pub const BY_LOCATION: usize = 0;
    /// The place of `expected_at` among the indexes.
    pub const BY_EXPECTED_AT: usize = 1;
}

impl ReadModel for IncomingRow {
    const NAME: &'static str = "incoming";
    const VERSION: u32 = 1;
    const INDEXES: &'static [&'static str] = &["location", "expected_at"];

    fn indexes(&self) -> Vec<IndexValue> {
        vec![self.location.as_str().into(), self.expected_at.as_millis().into()]
    }
}

/// Folds stock events into [`IncomingRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct IncomingProjection;

impl Projection for IncomingProjection {
    type Row = IncomingRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<IncomingRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<StockItem>()? else { return Ok(()) };
        let sku = event.stream.id();
        match &*happened {
            StockEvent::Expected(arrival) | StockEvent::Transferred { arrival, .. } => {
                change(rows, sku, arrival, arrival.quantity);
            }
            StockEvent::Withdrawn(arrival) | StockEvent::LostInTransit(arrival) => {
                change(rows, sku, arrival, -arrival.quantity);
            }
            StockEvent::Delivered(delivery) => {
                delivery.fulfils().iter().for_each(|arrival| change(rows, sku, arrival, -arrival.quantity));
            }
            _ => {}
        }
        Ok(())
    }
}

fn change(rows: &mut Rows<IncomingRow>, sku: &str, arrival: &Arrival, delta: i64) {
    let Arrival { by, line, location, expected_at, .. } = arrival;
    let key = format!("{sku}/{:015}/{location}/{by}/{line}", expected_at.as_millis());
    let quantity = rows.get(&key).map_or(0, |row| row.quantity) + delta;
    if quantity == 0 {
        return rows.remove(&key);
    }
    let (by, line, location) = (by.clone(), line.clone(), location.clone());
    rows.put(&key, IncomingRow { sku: sku.into(), by, line, location, expected_at: *expected_at, quantity });
}
