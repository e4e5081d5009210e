//! A line of an order: how many of its units are where in their life.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::event::{PickFrom, PlacedLine};
use crate::domain::ids::{Bin, LineId, LocationId, Sku};

/// One line, counted in units. Keyed by its id, never by its SKU.
///
/// `ordered` is the sum of what was cancelled, rejected, waits for stock, is reserved, and of what is asked for
/// ([`OrderLine::untouched`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderLine {
    /// Its id.
    pub line_id: LineId,
    /// What is ordered.
    pub sku: Sku,
    /// Units ordered.
    pub ordered: i64,
    /// Units that will not be served.
    pub rejected: i64,
    /// Why the last of them were rejected.
    pub rejected_for: Option<Arc<str>>,
    /// Units that wait for stock.
    pub backordered: i64,
    /// Units cancelled.
    pub cancelled: i64,
    /// Units that came back.
    pub returned: i64,
    /// Where pickers found units missing: no attempt asks for units of it there again.
    #[serde(default)]
    pub missing_at: BTreeSet<LocationId>,
    /// What is reserved for it, by attempt and location.
    pub units: Vec<Units>,
}

/// Units of one line that one attempt has reserved at one location. Each count includes those after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Units {
    /// The attempt.
    pub attempt: u32,
    /// Where they are, or were.
    pub location: LocationId,
    /// The bin inside it, if it has one.
    pub bin: Option<Bin>,
    /// Reserved, and not given back since.
    pub reserved: i64,
    /// Found missing by a picker; they stay reserved until they are given back.
    pub short: i64,
    /// Picked.
    pub picked: i64,
    /// Packed.
    pub packed: i64,
    /// Said to be ready to leave: they cannot be cancelled any more.
    #[serde(default)]
    pub ready: i64,
    /// Put into shipments, which may have left.
    #[serde(default)]
    pub planned: i64,
    /// Left the house.
    pub shipped: i64,
    /// Arrived.
    pub delivered: i64,
}

impl OrderLine {
    pub(super) fn placed(line: &PlacedLine) -> Self {
        Self {
            line_id: line.line_id.clone(),
            sku: line.sku.clone(),
            ordered: line.quantity,
            rejected: 0,
            rejected_for: None,
            backordered: 0,
            cancelled: 0,
            returned: 0,
            missing_at: BTreeSet::new(),
            units: Vec::new(),
        }
    }

    /// Units reserved, wherever they have come since.
    #[must_use]
    pub fn reserved(&self) -> i64 {
        self.units.iter().map(|units| units.reserved).sum()
    }

    /// Units picked.
    #[must_use]
    pub fn picked(&self) -> i64 {
        self.units.iter().map(|units| units.picked).sum()
    }

    /// Units found missing and not given back yet.
    #[must_use]
    pub fn short(&self) -> i64 {
        self.units.iter().map(|units| units.short).sum()
    }

    /// Units packed.
    #[must_use]
    pub fn packed(&self) -> i64 {
        self.units.iter().map(|units| units.packed).sum()
    }

    /// Units that were said to be ready to leave.
    #[must_use]
    pub fn ready(&self) -> i64 {
        self.units.iter().map(|units| units.ready).sum()
    }

    /// Units that can still be cancelled.
    #[must_use]
    pub fn cancellable(&self) -> i64 {
        self.open() - self.ready()
    }

    /// Units that have left the house.
    #[must_use]
    pub fn shipped(&self) -> i64 {
        self.units.iter().map(|units| units.shipped).sum()
    }

    /// Units that have arrived.
    #[must_use]
    pub fn delivered(&self) -> i64 {
        self.units.iter().map(|units| units.delivered).sum()
    }

    /// Units still to be served in some way: neither rejected nor cancelled.
    #[must_use]
    pub fn open(&self) -> i64 {
        self.ordered - self.rejected - self.cancelled
    }

    /// Open units that are neither reserved nor waiting for stock: they are asked for.
    #[must_use]
    pub fn untouched(&self) -> i64 {
        self.open() - self.reserved() - self.backordered
    }

    pub(super) fn reserve(&mut self, attempt: u32, from: &[PickFrom]) {
        for place in from {
            let known = self.units.iter_mut().find(|u| u.attempt == attempt && u.location == place.location);
            match known {
                Some(units) => units.reserved += place.quantity,
                None => self.units.push(Units {
                    attempt,
                    location: place.location.clone(),
                    bin: place.bin.clone(),
                    reserved: place.quantity,
                    short: 0,
                    picked: 0,
                    packed: 0,
                    ready: 0,
                    planned: 0,
                    shipped: 0,
                    delivered: 0,
                }),
            }
        }
    }

    /// Cancels units: those that wait for stock first. What is reserved among them is given back by an event of its own.
    pub(super) fn cancel(&mut self, quantity: i64) {
        self.cancelled += quantity;
        self.backordered -= self.backordered.min(quantity);
    }

    /// Rejects units: those that are asked for, then those that wait for stock.
    pub(super) fn reject(&mut self, quantity: i64, code: &Arc<str>) {
        self.rejected += quantity;
        self.rejected_for = Some(Arc::clone(code));
        let too_many = -self.untouched();
        self.backordered -= too_many.clamp(0, self.backordered);
    }

    /// Takes units off that are given back, wherever they had come.
    pub(super) fn give_back(&mut self, attempt: u32, location: &LocationId, quantity: i64) {
        for units in self.units.iter_mut().filter(|u| u.attempt == attempt && u.location == *location) {
            units.reserved -= quantity;
            units.short = (units.short - quantity).max(0);
            units.picked = units.picked.min(units.reserved);
            units.packed = units.packed.min(units.picked);
        }
        self.units.retain(|units| units.reserved > 0);
    }

    pub(super) fn make_ready(&mut self, implicit: bool) {
        for units in &mut self.units {
            if implicit {
                units.picked = units.reserved;
                units.packed = units.reserved;
            }
            units.ready = units.packed;
        }
    }
}
