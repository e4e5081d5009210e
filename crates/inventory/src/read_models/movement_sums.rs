//! Movement sums: what moved for each reason on each day, of one SKU and of all that share a partition.

use std::ops::AddAssign;

use cqrs::{IndexValue, Projection, ReadModel, Recorded, Rows, Unreadable};
use serde::{Deserialize, Serialize};

use super::movements::{Movement, cause, movements};
use crate::domain::ids::LocationId;
use crate::domain::reason::Reason;
use crate::domain::stock_item::StockItem;

/// What stands in place of a SKU in the rows of all SKUs; no SKU is called so.
pub const ALL_SKUS: &str = "~";

/// The length of a day as RFC 3339 writes it: `2026-03-01`.
const DAY_LENGTH: usize = 10;

/// What moved for a reason on a day at a location.
///
/// The key is `sku/day/reason/location`; for all SKUs `~partition/day/reason/location`, because a row is written by one
/// partition: who reads them adds them up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MovementSumRow {
    /// The SKU, or [`ALL_SKUS`].
    pub sku: String,
    /// The day, in UTC.
    pub day: String,
    /// The reason.
    pub reason: Reason,
    /// The location.
    pub location: LocationId,
    /// The sums.
    pub moved: Moved,
}

/// Sums over movements.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Moved {
    /// How many movements.
    pub movements: i64,
    /// Units added to what is on hand.
    pub on_hand_in: i64,
    /// Units taken from what is on hand.
    pub on_hand_out: i64,
    /// Units added to (negative: taken from) what is damaged.
    pub damaged: i64,
    /// Units added to (negative: taken from) what is in quality control.
    pub quality_control: i64,
    /// Units added to (negative: taken from) what is to come.
    pub incoming: i64,
}

impl Moved {
    fn by(movement: &Movement<'_>) -> Self {
        Self {
            movements: 1,
            on_hand_in: movement.delta.on_hand.max(0),
            on_hand_out: (-movement.delta.on_hand).max(0),
            damaged: movement.delta.damaged,
            quality_control: movement.delta.quality_control,
            incoming: movement.incoming,
        }
    }
}

impl AddAssign for Moved {
    fn add_assign(&mut self, more: Self) {
        self.movements += more.movements;
        self.on_hand_in += more.on_hand_in;
        self.on_hand_out += more.on_hand_out;
        self.damaged += more.damaged;
        self.quality_control += more.quality_control;
        self.incoming += more.incoming;
    }
}

impl MovementSumRow {
    /// The place of the SKU among the indexes.
    pub const BY_SKU: usize = 0;
    /// The place of the day among the indexes.
    pub const BY_DAY: usize = 1;
    /// The place of the reason among the indexes.
    pub const BY_REASON: usize = 2;
    /// The place of the location among the indexes.
    pub const BY_LOCATION: usize = 3;
}

impl ReadModel for MovementSumRow {
    const NAME: &'static str = "movement_sums";
    const VERSION: u32 = 2;
    const INDEXES: &'static [&'static str] = &["sku", "day", "reason", "location"];

    fn indexes(&self) -> Vec<IndexValue> {
        let (sku, day, location) = (self.sku.as_str(), self.day.as_str(), self.location.as_str());
        vec![sku.into(), day.into(), self.reason.as_str().into(), location.into()]
    }
}

/// Folds stock events into [`MovementSumRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct MovementSumProjection;

impl Projection for MovementSumProjection {
    type Row = MovementSumRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<MovementSumRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<StockItem>()? else { return Ok(()) };
        let (Some(reason), _) = cause(&happened) else { return Ok(()) };
        let day: String = event.at.to_rfc3339().chars().take(DAY_LENGTH).collect();
        let sku = event.stream.id();
        for movement in movements(&happened) {
            let (location, moved) = (movement.location, Moved::by(&movement));
            for (scope, of) in [(sku.to_owned(), sku), (format!("{ALL_SKUS}{}", event.partition), ALL_SKUS)] {
                let key = format!("{scope}/{day}/{}/{location}", reason.as_str());
                if rows.get(&key).is_none() {
                    let (sku, day, location) = (of.to_owned(), day.clone(), location.clone());
                    rows.put(&key, MovementSumRow { sku, day, reason, location, moved: Moved::default() });
                }
                rows.update(&key, |row| row.moved += moved);
            }
        }
        Ok(())
    }
}
