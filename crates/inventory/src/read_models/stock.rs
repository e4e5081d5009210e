//! Stock per SKU: its counters at every location, and what of it can be promised.

use std::collections::BTreeMap;

use cqrs::{IndexValue, Projection, ReadModel, Recorded, Rows, ShortText, Timestamp, Unreadable, Version};
use serde::{Deserialize, Serialize};

use super::movements::{expires_at, movements};
use crate::domain::ids::{Bin, LocationId};
use crate::domain::stock_item::{BackorderTerms, Details, Incoming, Level, StockEvent, StockItem};

/// One SKU's stock; the key is the SKU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockRow {
    /// The SKU.
    pub sku: ShortText,
    /// Its name, safety stock and backorder limit.
    pub details: Details,
    /// Its counters per location.
    pub levels: BTreeMap<LocationId, Level>,
    /// The bin it lies in, per location that has bins.
    pub bins: BTreeMap<LocationId, Bin>,
    /// The units that are to come, by when and where they do.
    pub incoming: Incoming,
    /// Units that can be promised from what is there.
    pub available: i64,
    /// The version of its stream that this row has read.
    pub version: Version,
    /// When it last changed.
    pub updated_at: Timestamp,
    /// Nothing of it comes back by itself before this instant.
    pub next_expiry: Option<Timestamp>,
    /// Under which terms units are promised beyond what is there.
    pub backorders: BackorderTerms,
    /// Whether the log says that the day they name has come.
    pub backorders_open: bool,
}

impl StockRow {
    /// The place of `available` among the indexes.
    pub const BY_AVAILABLE: usize = 0;
    /// The place of what is next due by itself among the indexes; a row without any has the largest number there is.
    pub const BY_NEXT_EXPIRY: usize = 1;

    /// Its counters over all locations.
    #[must_use]
    pub fn total(&self) -> Level {
        self.levels.values().fold(Level::default(), |sum, level| sum.plus(*level))
    }

    /// Units that can be promised by `by`: what is available now, what is to come until then, and what may be promised
    /// beyond that.
    #[must_use]
    pub fn promisable_by(&self, by: Timestamp) -> i64 {
        let open = self.backorders.are_open(by) && !self.backorders.incoming_only;
        let beyond = if open { self.details.backorder_limit } else { 0 };
        (self.available + self.incoming.until(by) + beyond).max(0)
    }

    /// Units that can be promised at `now`, as a decision would.
    #[must_use]
    pub fn promisable(&self, now: Timestamp) -> i64 {
        let allowed = self.backorders.allow(self.details.backorder_limit, self.incoming.total());
        self.available + if self.backorders.are_open(now) { allowed } else { 0 }
    }

    /// When something changes by itself that the log does not speak of yet: holds end, or backorders open.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let opening = self.backorders.from.filter(|_| !self.backorders_open);
        [self.next_expiry, opening].into_iter().flatten().min()
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
    const KEYED_BY_STREAM: bool = true;
    const INDEXES: &'static [&'static str] = &["available", "next_expiry"];

    fn indexes(&self) -> Vec<IndexValue> {
        let next_due = self.next_due().unwrap_or(Timestamp::MAX);
        vec![self.available.into(), next_due.as_millis().into()]
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
                StockEvent::Expected(arrival) | StockEvent::Transferred { arrival, .. } => row.incoming.add(arrival),
                StockEvent::Withdrawn(arrival) | StockEvent::LostInTransit(arrival) => row.incoming.take(arrival),
                StockEvent::Delivered(delivery) => {
                    delivery.fulfils().iter().for_each(|arrival| row.incoming.take(arrival));
                }
                StockEvent::BackordersChanged(terms) => {
                    row.backorders_open = row.backorders_open && terms.from == row.backorders.from;
                    row.backorders = *terms;
                }
                StockEvent::BackordersOpened { .. } => row.backorders_open = true,
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
        incoming: Incoming::default(),
        available: -details.safety_stock,
        version: event.version,
        updated_at: event.at,
        next_expiry: None,
        backorders: BackorderTerms::default(),
        backorders_open: false,
    }
}
