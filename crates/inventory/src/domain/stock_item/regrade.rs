//! Regrade stock: units change their condition (damaged, in quality control, fit for sale again) or leave unsold.

use std::sync::Arc;

use cqrs::{Aggregate, Command, Decision, Invalid, States, Streams};
use serde::{Deserialize, Serialize};

use super::adjust::check_reference;
use super::{Condition, Fate, Level, StockEvent, StockItem};
use crate::domain::ids::{LocationId, Quantity, Sku};
use crate::domain::location::Location;
use crate::domain::reason::Reason;

/// Changes the condition of units at one location. Only units that nobody was promised can be taken off sale.
#[derive(Clone, Debug)]
pub struct Regrade {
    /// The SKU.
    pub sku: Sku,
    /// The location.
    pub location: LocationId,
    /// How many units.
    pub quantity: Quantity,
    /// The condition they are in.
    pub from: Condition,
    /// What becomes of them.
    pub to: Fate,
    /// Why.
    pub reason: Reason,
    /// What it refers to, such as an inspection; at most 500 characters.
    pub reference: Option<Arc<str>>,
}

/// What a change of condition leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Regraded {
    /// The SKU.
    pub sku: Sku,
    /// The location.
    pub location: LocationId,
    /// The counters there now.
    pub level: Level,
    /// Units of the SKU available now, over all locations.
    pub available: i64,
}

/// Why units do not change their condition.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegradeRejection {
    /// No such SKU.
    #[error("SKU {sku} is not registered")]
    UnknownSku {
        /// The SKU.
        sku: Sku,
    },
    /// No such location.
    #[error("location {location} is not registered")]
    UnknownLocation {
        /// The location.
        location: LocationId,
    },
    /// Fewer units are in that condition, or fewer of them are promised to nobody.
    #[error("{wanted} units wanted at {location}, {found} there are in that condition and promised to nobody")]
    NotThere {
        /// The location.
        location: LocationId,
        /// Units to change.
        wanted: i64,
        /// Units that could be changed.
        found: i64,
    },
}

impl Command for Regrade {
    const NAME: &'static str = "regrade";
    type Answer = Regraded;
    type Rejection = RegradeRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if self.to.kept() == Some(self.from) {
            return Err(Invalid::field("/to", "is the condition they are in: name another one"));
        }
        check_reference(self.reference.as_deref())
    }

    fn streams(&self) -> Streams {
        Streams::one(&StockItem::stream(&self.sku)).and_all(Location::stream_unless_main(&self.location))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<Regraded>, RegradeRejection> {
        let stream = StockItem::stream(&self.sku);
        let item = states.of(&stream);
        let Self { sku, location, from, to, .. } = self;
        let known = Location::is_known(states, location);
        if !item.is_registered() {
            return Err(RegradeRejection::UnknownSku { sku: sku.clone() });
        }
        if !known {
            return Err(RegradeRejection::UnknownLocation { location: location.clone() });
        }
        let (wanted, found) = (self.quantity.units(), item.movable(location, *from));
        if wanted > found {
            return Err(RegradeRejection::NotThere { location: location.clone(), wanted, found });
        }
        let (from, to, reason) = (*from, *to, self.reason);
        let (location, reference) = (location.clone(), self.reference.clone());
        let event = StockEvent::Regraded { location, quantity: wanted, from, to, reason, reference };
        let mut after = (*item).clone();
        after.apply(&event);
        let (level, available) = (after.level(&self.location), after.available());
        let answer = Regraded { sku: sku.clone(), location: self.location.clone(), level, available };
        Ok(Decision::answer(answer).record(&stream, event))
    }
}

impl StockItem {
    /// Units at `location` in condition `from` that may leave it: there, and promised to nobody here or elsewhere.
    pub(super) fn movable(&self, location: &LocationId, from: Condition) -> i64 {
        let level = self.level(location);
        let there = from.count(&level).min(level.on_hand);
        // What is promised beyond the stock of one place is promised from all of them.
        let spare = if from == Condition::Sellable { there.min(self.total().free()) } else { there };
        spare.max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::update::UpdateSku;
    use super::*;
    use crate::domain::fixtures::{place, reserve, sku, stocked, units};

    fn regrade(quantity: i64, from: Condition, to: Fate) -> Regrade {
        Regrade {
            sku: sku("TEA"),
            location: place("berlin"),
            quantity: units(quantity),
            from,
            to,
            reason: Reason::QualityControl,
            reference: Some("inspection/7".into()),
        }
    }

    fn refused(wanted: i64, found: i64) -> RegradeRejection {
        RegradeRejection::NotThere { location: place("berlin"), wanted, found }
    }

    #[test]
    fn units_go_through_quality_control_and_are_sold_again_or_leave() {
        let stream = StockItem::stream(&sku("TEA"));
        let event = |quantity, from, to| StockEvent::Regraded {
            location: place("berlin"),
            quantity,
            from,
            to,
            reason: Reason::QualityControl,
            reference: Some("inspection/7".into()),
        };
        let taken = stocked(&[("TEA", "berlin", 10)])
            .when(regrade(6, Condition::Sellable, Fate::QualityControl))
            .then_events(&stream, [event(6, Condition::Sellable, Fate::QualityControl)]);
        let level = Level { on_hand: 10, quality_control: 6, ..Level::default() };
        assert_eq!((taken.answer().level, taken.answer().available), (level, 4));
        let sorted = taken
            .and_when(regrade(3, Condition::QualityControl, Fate::Sellable))
            .and_when(regrade(2, Condition::QualityControl, Fate::Damaged))
            .and_when(regrade(1, Condition::QualityControl, Fate::ReturnedToSupplier));
        let level = Level { on_hand: 9, damaged: 2, ..Level::default() };
        assert_eq!((sorted.answer().level, sorted.answer().available), (level, 7));
        let scrapped = sorted.and_when(regrade(2, Condition::Damaged, Fate::Scrapped));
        assert_eq!(scrapped.answer().level, Level { on_hand: 7, ..Level::default() });
    }

    #[test]
    fn what_is_promised_stays_fit_for_sale() {
        let held = stocked(&[("TEA", "berlin", 10)]).when(reserve("r", &[("TEA", 7)])).given();
        let _ = held.clone().when(regrade(4, Condition::Sellable, Fate::Damaged)).then_rejected(&refused(4, 3));
        assert_eq!(held.when(regrade(3, Condition::Sellable, Fate::Damaged)).answer().available, 0);
    }

    #[test]
    fn what_is_promised_beyond_one_place_is_promised_from_all() {
        let limit = UpdateSku { sku: sku("TEA"), name: None, safety_stock: None, backorder_limit: Some(5) };
        let stock = stocked(&[("TEA", "aachen", 1), ("TEA", "berlin", 4)]).when(limit).given();
        let held = stock.when(reserve("r", &[("TEA", 1)])).and_when(reserve("s", &[("TEA", 6)])).given();
        let item = held.state(&StockItem::stream(&sku("TEA")));
        assert_eq!(item.total().free(), -2, "two wait for goods to come in");
        let _ = held.when(regrade(1, Condition::Sellable, Fate::QualityControl)).then_rejected(&refused(1, 0));
    }

    #[test]
    fn no_more_leaves_a_condition_than_is_in_it() {
        let stock = stocked(&[("TEA", "berlin", 10)]).when(regrade(2, Condition::Sellable, Fate::Damaged)).given();
        let _ = stock.clone().when(regrade(3, Condition::Damaged, Fate::Scrapped)).then_rejected(&refused(3, 2));
        let _ = stock.when(regrade(1, Condition::QualityControl, Fate::Sellable)).then_rejected(&refused(1, 0));
    }

    #[test]
    fn what_is_wrong_in_itself_or_unknown_is_refused() {
        let stock = stocked(&[("TEA", "berlin", 1)]);
        let same = regrade(1, Condition::Damaged, Fate::Damaged);
        let _ = stock.clone().when(same).then_invalid("/to");
        let long =
            Regrade { reference: Some("x".repeat(501).into()), ..regrade(1, Condition::Sellable, Fate::Damaged) };
        let _ = stock.clone().when(long).then_invalid("/referenceUri");
        let other = Regrade { sku: sku("MUG"), ..regrade(1, Condition::Sellable, Fate::Damaged) };
        let _ = stock.clone().when(other).then_rejected(&RegradeRejection::UnknownSku { sku: sku("MUG") });
        let other = Regrade { location: place("nowhere"), ..regrade(1, Condition::Sellable, Fate::Damaged) };
        let _ = stock.when(other).then_rejected(&RegradeRejection::UnknownLocation { location: place("nowhere") });
    }
}
