//! What was to come of each SKU after each event that changed it, so that it can be told of any instant.

use std::collections::BTreeMap;

use cqrs::{Projection, ReadModel, Recorded, Rows, Unreadable, Version};
use serde::{Deserialize, Serialize};

use super::movements::{Movement, movements};
use crate::domain::ids::{LocationId, Sku};
use crate::domain::stock_item::{Incoming, StockEvent, StockItem};

/// The largest version a key can tell, in 15 digits.
const VERSION_MAX: Version = 999_999_999_999_999;

/// Units of a SKU that are to come: sums, without their dates.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToCome {
    /// How many, per location to which any are to come.
    pub places: BTreeMap<LocationId, i64>,
    /// How many of them are on their way between two locations.
    pub in_transit: i64,
}

impl ToCome {
    /// The units that are to come to `location`.
    #[must_use]
    pub fn at(&self, location: &LocationId) -> i64 {
        self.places.get(location).copied().unwrap_or(0)
    }

    /// All units that are to come.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.places.values().sum()
    }

    /// Adds what `movement` adds to what is to come.
    pub fn add(&mut self, movement: &Movement<'_>) {
        self.in_transit += movement.in_transit();
        self.expect(movement.location, movement.incoming);
    }

    fn expect(&mut self, location: &LocationId, units: i64) {
        let left = self.at(location) + units;
        match left {
            0 => drop(self.places.remove(location)),
            left => drop(self.places.insert(location.clone(), left)),
        }
    }
}

impl From<&Incoming> for ToCome {
    fn from(incoming: &Incoming) -> Self {
        let mut sums = Self { in_transit: incoming.in_transit(), ..Self::default() };
        incoming.dates().for_each(|due| sums.expect(&due.location, due.quantity));
        sums
    }
}

/// What is to come of one SKU; the key is the SKU, and for what was to come after an event [`key_of`] it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct IncomingThenRow {
    /// The sums.
    pub to_come: ToCome,
}

impl ReadModel for IncomingThenRow {
    const NAME: &'static str = "incoming_then";
    const VERSION: u32 = 1;
    const KEYED_BY_STREAM: bool = true;
}

/// The key of the row that the event with this version made: a later event's comes before it.
#[must_use]
pub fn key_of(sku: &str, version: Version) -> String {
    format!("{sku}/{:015}", VERSION_MAX.saturating_sub(version))
}

/// The keys that [`key_of`] gives for one SKU begin so.
#[must_use]
pub fn prefix_of(sku: &Sku) -> String {
    format!("{sku}/")
}

/// Folds stock events into [`IncomingThenRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct IncomingThenProjection;

impl Projection for IncomingThenProjection {
    type Row = IncomingThenRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<IncomingThenRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<StockItem>()? else { return Ok(()) };
        if !changes_incoming(&happened) {
            return Ok(());
        }
        let sku = event.stream.id();
        let mut to_come = rows.get(sku).map(|row| row.to_come.clone()).unwrap_or_default();
        movements(&happened).iter().for_each(|movement| to_come.add(movement));
        let row = IncomingThenRow { to_come };
        rows.put(&key_of(sku, event.version), row.clone());
        rows.put(sku, row);
        Ok(())
    }
}

/// Whether `event` is one of the few that add to or take from what is to come.
fn changes_incoming(event: &StockEvent) -> bool {
    match event {
        StockEvent::Expected(_)
        | StockEvent::Withdrawn(_)
        | StockEvent::Transferred { .. }
        | StockEvent::LostInTransit(_) => true,
        StockEvent::Delivered(delivery) => delivery.expected > 0,
        _ => false,
    }
}
