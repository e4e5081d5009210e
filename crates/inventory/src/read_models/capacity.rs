//! Capacity per location: what it holds over all SKUs. Every partition has SKUs there, so each keeps a part of the row.

use cqrs::{Combine, Projection, ReadModel, Recorded, Rows, Unreadable, part_key};
use serde::{Deserialize, Serialize};

use super::movements::movements;
use crate::domain::ids::LocationId;
use crate::domain::stock_item::{Level, StockItem};

/// What one partition's SKUs have at one location; the key is `location#partition`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CapacityRow {
    /// The location.
    pub location: LocationId,
    /// The counters there, over all SKUs.
    pub level: Level,
    /// The units that are to come there, over all SKUs.
    pub incoming: i64,
}

impl ReadModel for CapacityRow {
    const NAME: &'static str = "capacity";
    const VERSION: u32 = 2;
}

impl Combine for CapacityRow {
    fn combine(&mut self, part: Self) {
        self.level = self.level.plus(part.level);
        self.incoming += part.incoming;
    }
}

/// Folds stock events into the parts of [`CapacityRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct CapacityProjection;

impl Projection for CapacityProjection {
    type Row = CapacityRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<CapacityRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<StockItem>()? else { return Ok(()) };
        for movement in movements(&happened) {
            let key = part_key(movement.location.as_str(), event);
            if rows.get(&key).is_none() {
                let location = movement.location.clone();
                rows.put(&key, CapacityRow { location, level: Level::default(), incoming: 0 });
            }
            rows.update(&key, |row| {
                row.level = row.level.plus(movement.delta);
                row.incoming += movement.incoming;
            });
        }
        Ok(())
    }
}
