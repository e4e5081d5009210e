//! Expiring holds: the reserved units of a SKU by when they come back, so that a read past that instant is exact.

use cqrs::{Projection, ReadModel, Recorded, Rows, Timestamp, Unreadable};
use serde::{Deserialize, Serialize};

use crate::domain::ids::LocationId;
use crate::domain::stock_item::{Hold, StockEvent, StockItem};

/// Units of one SKU at one location that come back at one instant.
///
/// The key is `sku/<15 digits of the instant>/location`: a SKU's rows are in the order of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpiringHoldsRow {
    /// When they come back.
    pub expires_at: Timestamp,
    /// Where they are.
    pub location: LocationId,
    /// How many.
    pub quantity: i64,
}

impl ReadModel for ExpiringHoldsRow {
    const NAME: &'static str = "expiring_holds";
    const VERSION: u32 = 1;
    const KEYED_BY_STREAM: bool = true;
}

/// Folds stock events into [`ExpiringHoldsRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct ExpiringHoldsProjection;

impl Projection for ExpiringHoldsProjection {
    type Row = ExpiringHoldsRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<ExpiringHoldsRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<StockItem>()? else { return Ok(()) };
        let sku = event.stream.id();
        match &*happened {
            StockEvent::Held(hold) => change(rows, sku, hold, hold.expires_at, hold.quantity),
            StockEvent::HoldConfirmed(hold) | StockEvent::HoldReleased(hold) => {
                change(rows, sku, hold, hold.expires_at, -hold.quantity);
            }
            StockEvent::HoldExtended { hold, until } => {
                change(rows, sku, hold, hold.expires_at, -hold.quantity);
                change(rows, sku, hold, Some(*until), hold.quantity);
            }
            StockEvent::HoldsExpired { buckets, .. } => {
                for bucket in buckets {
                    rows.remove(&key(sku, bucket.expires_at, &bucket.location));
                }
            }
            _ => {}
        }
        Ok(())
    }
}

/// Adds `delta` units of `hold`'s location to those that come back at `at`.
fn change(rows: &mut Rows<ExpiringHoldsRow>, sku: &str, hold: &Hold, at: Option<Timestamp>, delta: i64) {
    let Some(expires_at) = at else { return };
    let key = key(sku, expires_at, &hold.location);
    let quantity = rows.get(&key).map_or(0, |row| row.quantity) + delta;
    if quantity == 0 {
        rows.remove(&key);
    } else {
        rows.put(&key, ExpiringHoldsRow { expires_at, location: hold.location.clone(), quantity });
    }
}

fn key(sku: &str, at: Timestamp, location: &LocationId) -> String {
    format!("{sku}/{:015}/{location}", at.as_millis())
}
