//! Stock per SKU and location: what a place holds.

use std::sync::Arc;

use cqrs::{IndexValue, Projection, ReadModel, Recorded, Rows, Unreadable};
use serde::{Deserialize, Serialize};

use super::movements::movements;
use super::stock::added;
use crate::domain::ids::LocationId;
use crate::domain::stock_item::{Level, StockItem};

/// One SKU at one location; the key is `sku/location`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockAtLocationRow {
    /// The SKU.
    pub sku: Arc<str>,
    /// The location.
    pub location: LocationId,
    /// The counters there.
    pub level: Level,
}

impl StockAtLocationRow {
    /// The place of `location` among the indexes.
    pub const BY_LOCATION: usize = 0;
}

impl ReadModel for StockAtLocationRow {
    const NAME: &'static str = "stock_at_location";
    const VERSION: u32 = 1;
    const INDEXES: &'static [&'static str] = &["location"];

    fn indexes(&self) -> Vec<IndexValue> {
        vec![self.location.as_str().into()]
    }
}

/// Folds stock events into [`StockAtLocationRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct StockAtLocationProjection;

impl Projection for StockAtLocationProjection {
    type Row = StockAtLocationRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<StockAtLocationRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<StockItem>()? else { return Ok(()) };
        let sku = event.stream.id();
        for movement in movements(&happened) {
            let key = format!("{sku}/{}", movement.location);
            if rows.get(&key).is_none() {
                let location = movement.location.clone();
                rows.put(&key, StockAtLocationRow { sku: sku.into(), location, level: Level::default() });
            }
            rows.update(&key, |row| row.level = added(row.level, movement.delta));
        }
        Ok(())
    }
}
