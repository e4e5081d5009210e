//! A stock item: one SKU's counters at every location. It knows quantities, never single holds, so that a million open
//! holds cost the next command nothing.

pub mod adjust;
pub mod assign_bin;
mod backorders;
mod condition;
mod event;
pub mod expire;
mod expiring;
pub mod import;
mod incoming;
pub mod register;
pub mod regrade;
pub mod replenish;
pub mod set_backorders;
mod sourcing;
pub mod take_back;
pub mod update;

use std::collections::BTreeMap;
use std::sync::Arc;

use cqrs::{Aggregate, Stream, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{Bin, LocationId, QUANTITY_MAX, Sku};
pub use backorders::BackorderTerms;
pub use condition::{Condition, Fate};
pub use event::{Disposition, Hold, StockEvent};
pub use expiring::{Bucket, Expiring, expiry};
pub use incoming::{Arrival, DATES_MAX, Delivery, Due, Inbound, Incoming};
pub use sourcing::Allocation;

/// The most units on hand of one SKU at one location.
pub const ON_HAND_MAX: i64 = 1_000_000_000_000;

/// The most events of a stock item between two balances; one decision may add its own to them.
pub const UNBALANCED_EVENTS_MAX: u64 = 1_000;

/// The longest name, in characters.
pub const NAME_LENGTH_MAX: usize = 200;

/// What a SKU is called, and how far it may be sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Details {
    /// Its name for people, 1 to 200 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// Units held back from sale.
    pub safety_stock: i64,
    /// Units that may be promised beyond what is on hand.
    pub backorder_limit: i64,
}

impl Details {
    /// Checks the bounds of each field.
    fn check(&self) -> Result<(), cqrs::Invalid> {
        let mut wrong = Vec::new();
        let mut bad = |pointer: &str, detail: &str| {
            wrong.push(cqrs::InvalidField { pointer: pointer.to_owned(), detail: detail.to_owned() });
        };
        if self.name.as_ref().is_some_and(|name| !(1..=NAME_LENGTH_MAX).contains(&name.chars().count())) {
            bad("/name", "a name has 1 to 200 characters");
        }
        for (pointer, units) in [("/safetyStock", self.safety_stock), ("/backorderLimit", self.backorder_limit)] {
            if !(0..=QUANTITY_MAX).contains(&units) {
                bad(pointer, "a whole number from 0 to 1,000,000,000");
            }
        }
        if wrong.is_empty() { Ok(()) } else { Err(cqrs::Invalid(wrong)) }
    }
}

/// Units of one SKU at one location (or, summed, at all of them).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Level {
    /// Physically there.
    pub on_hand: i64,
    /// Promised for good.
    pub committed: i64,
    /// Held for a while.
    pub reserved: i64,
    /// Physically there, and not sold.
    #[serde(default)]
    pub damaged: i64,
    /// Physically there, and not sold until somebody has looked.
    #[serde(default)]
    pub quality_control: i64,
}

impl Level {
    /// On hand, fit for sale and promised to nobody; negative where more is promised than there is.
    #[must_use]
    pub fn free(&self) -> i64 {
        self.on_hand - self.unavailable()
    }

    /// On hand and fit for sale.
    #[must_use]
    pub fn sound(&self) -> i64 {
        self.on_hand - self.unsold()
    }

    /// On hand and not sold.
    #[must_use]
    pub fn unsold(&self) -> i64 {
        self.damaged + self.quality_control
    }

    /// Promised, or not fit for sale.
    #[must_use]
    pub fn unavailable(&self) -> i64 {
        self.promised() + self.unsold()
    }

    /// Promised, for a while or for good.
    #[must_use]
    pub fn promised(&self) -> i64 {
        self.committed + self.reserved
    }

    /// Each counter with that of `other` added.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            on_hand: self.on_hand + other.on_hand,
            committed: self.committed + other.committed,
            reserved: self.reserved + other.reserved,
            damaged: self.damaged + other.damaged,
            quality_control: self.quality_control + other.quality_control,
        }
    }

    /// Whether no counter is negative.
    fn is_counted(&self) -> bool {
        let Self { on_hand, committed, reserved, damaged, quality_control } = *self;
        [on_hand, committed, reserved, damaged, quality_control].iter().all(|units| *units >= 0)
    }
}

/// One SKU's stock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StockItem {
    /// The details it was registered with; none if it is unknown.
    registered: Option<Details>,
    details: Details,
    levels: BTreeMap<LocationId, Level>,
    #[serde(default)]
    bins: BTreeMap<LocationId, Bin>,
    expiring: Expiring,
    #[serde(default)]
    incoming: Incoming,
    #[serde(default)]
    backorders: BackorderTerms,
    /// Whether the day has come that `backorders` names.
    #[serde(default)]
    backorders_open: bool,
    /// How often its books were put right, per location.
    #[serde(default)]
    corrections: BTreeMap<LocationId, u64>,
    /// Events since the last balance.
    #[serde(default)]
    unbalanced: u64,
}

impl StockItem {
    /// The stream of `sku`'s stock, in the SKU's own partition.
    #[must_use]
    pub fn stream(sku: &Sku) -> Stream<Self> {
        Stream::new(sku.as_str())
    }

    /// Whether the SKU is known.
    #[must_use]
    pub fn is_registered(&self) -> bool {
        self.registered.is_some()
    }

    /// Its details as they are now.
    #[must_use]
    pub fn details(&self) -> &Details {
        &self.details
    }

    /// Its counters per location.
    #[must_use]
    pub fn levels(&self) -> &BTreeMap<LocationId, Level> {
        &self.levels
    }

    /// Its counters at `location`.
    #[must_use]
    pub fn level(&self, location: &LocationId) -> Level {
        self.levels.get(location).copied().unwrap_or_default()
    }

    /// Its counters over all locations.
    #[must_use]
    pub fn total(&self) -> Level {
        self.levels.values().fold(Level::default(), |sum, level| sum.plus(*level))
    }

    /// The bin it lies in at `location`, if it has one.
    #[must_use]
    pub fn bin(&self, location: &LocationId) -> Option<&Bin> {
        self.bins.get(location)
    }

    /// How often its books were put right at `location`.
    #[must_use]
    pub fn corrections(&self, location: &LocationId) -> u64 {
        self.corrections.get(location).copied().unwrap_or(0)
    }

    /// Units that can be promised from what is there. Negative where backorders or safety stock exceed it.
    #[must_use]
    pub fn available(&self) -> i64 {
        self.total().free() - self.details.safety_stock
    }

    /// The reserved units that end by themselves, by when they do.
    #[must_use]
    pub fn expiring(&self) -> &Expiring {
        &self.expiring
    }

    /// The units that are to come, by when and where they do.
    #[must_use]
    pub fn incoming(&self) -> &Incoming {
        &self.incoming
    }

    /// Whether the promise holds: no counter is negative, and no more is promised or kept unsold than on hand and
    /// backorders cover.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let total = self.total();
        self.levels.values().all(Level::is_counted)
            && total.on_hand + self.details.backorder_limit >= total.unavailable()
            && self.expiring.total() <= total.reserved
            && self.incoming.is_sound()
    }

    fn change(&mut self, location: &LocationId, change: impl FnOnce(&mut Level)) {
        match self.levels.get_mut(location) {
            Some(level) => change(level),
            None => change(self.levels.entry(location.clone()).or_default()),
        }
    }

    /// The balance, once there have been enough events since the last one.
    fn balance(&self) -> Option<StockEvent> {
        let struck = || StockEvent::BalanceStruck { details: self.details.clone(), levels: self.levels.clone() };
        (self.unbalanced >= UNBALANCED_EVENTS_MAX).then(struck)
    }

    fn unreserve(&mut self, hold: &Hold) {
        self.change(&hold.location, |level| level.reserved -= hold.quantity);
        if let Some(at) = hold.expires_at {
            self.expiring.take(at, &hold.location, hold.quantity);
        }
    }
}

impl Aggregate for StockItem {
    const KIND: &'static str = "stock";
    const FOLD_VERSION: u32 = 4;
    type Event = StockEvent;

    fn apply(&mut self, event: &StockEvent) {
        self.unbalanced += 1;
        match event {
            StockEvent::Registered(details) => {
                self.registered = Some(details.clone());
                self.details = details.clone();
            }
            StockEvent::DetailsChanged(details) => self.details = details.clone(),
            StockEvent::BackordersChanged(terms) => {
                self.backorders_open = self.backorders_open && terms.from == self.backorders.from;
                self.backorders = *terms;
            }
            StockEvent::BackordersOpened { .. } => self.backorders_open = true,
            StockEvent::PromisableRaised { .. } => {}
            StockEvent::Adjusted { location, delta, reason, .. } => {
                self.change(location, |level| level.on_hand += delta);
                if reason.corrects() {
                    *self.corrections.entry(location.clone()).or_default() += 1;
                }
            }
            StockEvent::Replenished { location, quantity } => self.change(location, |level| level.on_hand += quantity),
            StockEvent::Held(hold) => {
                self.change(&hold.location, |level| level.reserved += hold.quantity);
                if let Some(at) = hold.expires_at {
                    self.expiring.add(at, &hold.location, hold.quantity);
                }
            }
            StockEvent::Committed(hold) => self.change(&hold.location, |level| level.committed += hold.quantity),
            StockEvent::HoldConfirmed(hold) => {
                self.unreserve(hold);
                self.change(&hold.location, |level| level.committed += hold.quantity);
            }
            StockEvent::HoldReleased(hold) => self.unreserve(hold),
            StockEvent::CommitmentReleased(hold) => {
                self.change(&hold.location, |level| level.committed -= hold.quantity);
            }
            StockEvent::HoldExtended { hold, until } => {
                if let Some(at) = hold.expires_at {
                    self.expiring.take(at, &hold.location, hold.quantity);
                    self.expiring.add(*until, &hold.location, hold.quantity);
                }
            }
            StockEvent::Consumed(hold) => self.change(&hold.location, |level| {
                level.committed -= hold.quantity;
                level.on_hand -= hold.quantity;
            }),
            StockEvent::Returned { location, quantity, disposition, .. } => {
                self.change(location, |level| *level = level.plus(disposition.adds(*quantity)));
            }
            StockEvent::BinAssigned { location, bin } => {
                self.change(location, |_| {});
                self.bins.insert(location.clone(), bin.clone());
            }
            StockEvent::HoldsExpired { buckets, next } => {
                for bucket in buckets {
                    self.change(&bucket.location, |level| level.reserved -= bucket.quantity);
                }
                self.expiring.expire(buckets, *next);
            }
            StockEvent::Expected(arrival) => {
                self.change(&arrival.location, |_| {});
                self.incoming.add(arrival);
            }
            StockEvent::Withdrawn(arrival) | StockEvent::LostInTransit(arrival) => self.incoming.take(arrival),
            StockEvent::Delivered(delivery) => {
                let added = delivery.adds();
                self.change(&delivery.location, |level| {
                    level.on_hand += added.on_hand;
                    level.damaged += added.damaged;
                });
                delivery.fulfils().iter().for_each(|arrival| self.incoming.take(arrival));
            }
            StockEvent::Transferred { from, arrival } => {
                self.change(from, |level| level.on_hand -= arrival.quantity);
                self.change(&arrival.location, |_| {});
                self.incoming.add(arrival);
            }
            StockEvent::Regraded { location, quantity, from, to, .. } => {
                self.change(location, |level| *level = level.plus(to.moves(*from, *quantity)));
            }
            StockEvent::BalanceStruck { .. } => self.unbalanced = 0,
            StockEvent::HoldTransferred { .. } => {}
        }
    }

    fn due(&self, at: Timestamp) -> Option<StockEvent> {
        let expired = self.expiring.due(at).map(|(buckets, next)| StockEvent::HoldsExpired { buckets, next });
        expired.or_else(|| self.opens(at)).or_else(|| self.balance())
    }
}
