//! Stock per SKU: its counters at every location, and what of it can be promised.

use std::collections::BTreeMap;
use std::sync::Arc;

use cqrs::{IndexValue, Projection, ReadModel, Recorded, Rows, Timestamp, Unreadable, Version};
use serde::{Deserialize, Serialize};

use super::movements::{expires_at, movements};
use crate::domain::ids::{Bin, LocationId};
use crate::domain::stock_item::{Details, Level, StockEvent, StockItem};

/// One SKU's stock; the key is the SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockRow {
    /// The SKU.
    pub sku: Arc<str>,
    /// Its name, safety stock and backorder limit.
    pub details: Details,
    /// Its counters per location.
    pub levels: BTreeMap<LocationId, Level>,
    /// The bin it lies in, per location that has bins.
    pub bins: BTreeMap<LocationId, Bin>,
    /// Units that can be promised from what is there.
    pub available: i64,
    /// The version of its stream that this row has read.
    pub version: Version,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Nothing of it comes back by itself before this instant.
    pub next_expiry: Option<Timestamp>,
}

impl StockRow {
    /// The place of `available` among the indexes.
    pub const BY_AVAILABLE: usize = 0;
    /// The place of `next_expiry` among the indexes; a row without one has the largest number there is.
    pub const BY_NEXT_EXPIRY: usize = 1;

    /// Its counters over all locations.
    #[must_use]
    pub fn total(&self) -> Level {
        self.levels.values().fold(Level::default(), |sum, level| sum.plus(*level))
    }

    /// Adds `delta` to the counters at `location`.
    pub fn add(&mut self, location: &LocationId, delta: Level) {
        match self.levels.get_mut(location) {
            Some(level) => *level = level.plus(delta),
            None => drop(self.levels.insert(location.clone(), delta)),
        }
        self.available += delta.free();
    }
}

impl ReadModel for StockRow {
    const NAME: &'static str = "stock";
    const VERSION: u32 = 3;
    const INDEXES: &'static [&'static str] = &["available", "next_expiry"];

    fn indexes(&self) -> Vec<IndexValue> {
        let next_expiry = self.next_expiry.unwrap_or(Timestamp::MAX);
        vec![self.available.into(), next_expiry.as_millis().into()]
    }
}

/// Folds stock events into [`StockRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct StockProjection;

impl Projection for StockProjection {
    type Row = StockRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<StockRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<StockItem>()? else { return Ok(()) };
        let sku = event.stream.id();
        if let StockEvent::Registered(details) = &*happened {
            rows.put(sku, registered(sku, details, event));
            return Ok(());
        }
        rows.update(sku, |row| {
            row.version = event.version;
            if !matches!(&*happened, StockEvent::BalanceStruck { .. }) {
                row.updated_at = event.at;
            }
            for movement in movements(&happened) {
                row.add(movement.location, movement.delta);
            }
            if let Some(at) = expires_at(&happened) {
                row.next_expiry = Some(row.next_expiry.map_or(at, |next| next.min(at)));
            }
            match &*happened {
                StockEvent::HoldsExpired { next, .. } => row.next_expiry = *next,
                StockEvent::BinAssigned { location, bin } => {
                    row.add(location, Level::default());
                    row.bins.insert(location.clone(), bin.clone());
                }
                StockEvent::DetailsChanged(details) => {
                    row.available += row.details.safety_stock - details.safety_stock;
                    row.details = details.clone();
                }
                _ => {}
            }
        });
        Ok(())
    }
}

fn registered(sku: &str, details: &Details, event: &Recorded) -> StockRow {
    StockRow {
        sku: sku.into(),
        details: details.clone(),
        levels: BTreeMap::new(),
        bins: BTreeMap::new(),
        available: -details.safety_stock,
        version: event.version,
        updated_at: event.at,
        next_expiry: None,
    }
}
