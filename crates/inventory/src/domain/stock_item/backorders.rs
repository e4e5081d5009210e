//! Backorders and preorders: when, and against what, units may be promised that are not there.
//!
//! The backorder limit bounds all of it, always. The terms say more: from which day on it applies (a preorder), and
//! whether only units that are to come may be promised. They hold for new promises; those that were made stand.

use cqrs::Timestamp;
use serde::{Deserialize, Serialize};

use super::{StockEvent, StockItem};
use crate::domain::ids::LocationId;

/// Under which terms units are promised beyond what is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BackorderTerms {
    /// Only from this instant on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Only units that are to come.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub incoming_only: bool,
}

impl BackorderTerms {
    /// Whether they let anything be promised at `at`.
    #[must_use]
    pub fn are_open(&self, at: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= at)
    }

    /// How many units may be promised beyond what is there while they are open, with so many to come.
    #[must_use]
    pub fn allow(&self, limit: i64, incoming: i64) -> i64 {
        if self.incoming_only { limit.min(incoming) } else { limit }
    }
}

impl StockItem {
    /// Under which terms units are promised beyond what is there.
    #[must_use]
    pub fn backorders(&self) -> &BackorderTerms {
        &self.backorders
    }

    /// The units that may be promised beyond what is there now: anywhere, or at `location`.
    pub(super) fn beyond(&self, location: Option<&LocationId>) -> i64 {
        if self.backorders.from.is_some() && !self.backorders_open {
            return 0;
        }
        let incoming = || location.map_or_else(|| self.incoming.total(), |location| self.incoming.at(location));
        self.backorders.allow(self.details.backorder_limit, if self.backorders.incoming_only { incoming() } else { 0 })
    }

    /// What the day brings from which on units are promised beyond what is there.
    pub(super) fn opens(&self, at: Timestamp) -> Option<StockEvent> {
        self.backorders.from.filter(|from| *from <= at && !self.backorders_open)?;
        let after = Self { backorders_open: true, ..self.clone() };
        let quantity = after.promisable(None) - self.promisable(None);
        Some(StockEvent::BackordersOpened { location: self.first(&[]).unwrap_or_else(LocationId::main), quantity })
    }
}

#[cfg(test)]
mod tests {
    use cqrs::Aggregate;

    use super::super::Details;
    use super::*;
    use crate::domain::fixtures::{arrival, at, place};

    /// Two on hand, five may be promised beyond, three are to come to `main`.
    fn item(terms: BackorderTerms) -> StockItem {
        let mut item = StockItem::default();
        for event in [
            StockEvent::Registered(Details { backorder_limit: 5, ..Details::default() }),
            StockEvent::Replenished { location: place("main"), quantity: 2 },
            StockEvent::Expected(arrival("r", "1", 3, 900)),
            StockEvent::BackordersChanged(terms),
        ] {
            item.apply(&event);
        }
        item
    }

    #[test]
    fn against_what_is_to_come_no_more_is_promised_than_that() {
        let free = item(BackorderTerms::default());
        assert_eq!((free.promisable(None), free.promisable(Some(&place("berlin")))), (7, 5));
        let bound = item(BackorderTerms { incoming_only: true, ..BackorderTerms::default() });
        assert_eq!((bound.promisable(None), bound.promisable(Some(&place("main")))), (5, 5));
        assert_eq!(bound.promisable(Some(&place("berlin"))), 0, "nothing is to come there");
    }

    #[test]
    fn nothing_is_promised_beyond_stock_before_its_day_and_all_of_it_from_then_on() {
        let mut item = item(BackorderTerms { from: Some(at(100)), incoming_only: false });
        assert_eq!((item.promisable(None), item.due(at(99))), (2, None));
        let opened = item.due(at(100)).unwrap();
        assert_eq!(opened, StockEvent::BackordersOpened { location: place("main"), quantity: 5 });
        item.apply(&opened);
        assert_eq!((item.promisable(None), item.due(at(100))), (7, None));
        item.apply(&StockEvent::BackordersChanged(BackorderTerms { from: Some(at(200)), incoming_only: false }));
        assert_eq!((item.promisable(None), item.due(at(199))), (2, None), "another day has not come");
    }
}
