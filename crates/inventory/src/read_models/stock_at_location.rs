//! Stock per SKU and location: what a place holds.

use cqrs::{IndexValue, Projection, ReadModel, Recorded, Rows, ShortText, Unreadable};
use serde::{Deserialize, Serialize};

use super::movements::movements;
use crate::domain::ids::{Bin, LocationId};
use crate::domain::stock_item::{Level, StockEvent, StockItem};

/// One SKU at one location; the key is `sku/location`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockAtLocationRow {
    /// The SKU.
    pub sku: ShortText,
    /// The location.
    pub location: LocationId,
    /// The counters there.
    pub level: Level,
    /// The bin it lies in, if it has one.
    pub bin: Option<Bin>,
}

impl StockAtLocationRow {
    /// The place of `location` among the indexes.
    pub const BY_LOCATION: usize = 0;
}

impl ReadModel for StockAtLocationRow {
    const NAME: &'static str = "stock_at_location";
    const VERSION: u32 = 3;
    const KEYED_BY_STREAM: bool = true;
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
            update(rows, sku, movement.location, |row| row.level = row.level.plus(movement.delta));
        }
        if let StockEvent::BinAssigned { location, bin } = &*happened {
            update(rows, sku, location, |row| row.bin = Some(bin.clone()));
        }
        Ok(())
    }
}

/// Changes the row of `sku` at `location`, which is made if there is none.
fn update(
    rows: &mut Rows<StockAtLocationRow>,
    sku: &str,
    location: &LocationId,
    change: impl FnOnce(&mut StockAtLocationRow),
) {
    let key = format!("{sku}/{location}");
    if rows.get(&key).is_none() {
        let location = location.clone();
        rows.put(&key, StockAtLocationRow { sku: sku.into(), location, level: Level::default(), bin: None });
    }
    rows.update(&key, change);
}
