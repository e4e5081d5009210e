//! Take back: goods that were sold have come back and were inspected. The stock follows.

use std::collections::BTreeMap;
use std::sync::Arc;

use cqrs::{Aggregate, Command, Decision, Invalid, States, Streams};

use super::{Disposition, ON_HAND_MAX, StockEvent, StockItem};
use crate::domain::ids::{LocationId, Quantity, Sku};
use crate::domain::location::Location;
use crate::domain::reservation::LINES_MAX;

/// Books goods that came back, all lines or none.
#[derive(Clone, Debug)]
pub struct TakeBack {
    /// What they came back with.
    pub reference: Arc<str>,
    /// What came back: 1 to 2,000 lines.
    pub lines: Vec<TakeBackLine>,
}

/// Units that came back.
#[derive(Clone, Debug)]
pub struct TakeBackLine {
    /// The SKU.
    pub sku: Sku,
    /// How many.
    pub quantity: Quantity,
    /// Where they are now.
    pub location: LocationId,
    /// What becomes of them.
    pub disposition: Disposition,
}

/// Why goods are not booked.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TakeBackRejection {
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
    /// It would exceed 1,000,000,000,000 units at one location.
    #[error("{quantity} more of SKU {sku} at {location} would exceed 1,000,000,000,000")]
    TooMuch {
        /// The SKU.
        sku: Sku,
        /// The location.
        location: LocationId,
        /// Units that came back.
        quantity: i64,
    },
}

impl Command for TakeBack {
    const NAME: &'static str = "take-back";
    type Answer = ();
    type Rejection = TakeBackRejection;

    fn validate(&self) -> Result<(), Invalid> {
        let right = (1..=LINES_MAX).contains(&self.lines.len());
        if right { Ok(()) } else { Err(Invalid::field("/lines", "1 to 2,000 lines")) }
    }

    fn streams(&self) -> Streams {
        Streams::none()
            .and_all(self.lines.iter().map(|line| StockItem::stream(&line.sku)))
            .and_all(self.lines.iter().filter_map(|line| Location::stream_unless_main(&line.location)))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, TakeBackRejection> {
        // As the lines before have left each item: several lines may be of one SKU.
        let mut items: BTreeMap<&Sku, StockItem> = BTreeMap::new();
        let mut decision = Decision::answer(());
        for line in &self.lines {
            let stream = StockItem::stream(&line.sku);
            let item = items.entry(&line.sku).or_insert_with(|| (*states.of(&stream)).clone());
            let event = self.book(line, item, Location::is_known(states, &line.location))?;
            item.apply(&event);
            decision = decision.record(&stream, event);
        }
        Ok(decision)
    }
}

impl TakeBack {
    fn book(&self, line: &TakeBackLine, item: &StockItem, known: bool) -> Result<StockEvent, TakeBackRejection> {
        let (sku, location, quantity) = (line.sku.clone(), line.location.clone(), line.quantity.units());
        if !item.is_registered() {
            return Err(TakeBackRejection::UnknownSku { sku });
        }
        if !known {
            return Err(TakeBackRejection::UnknownLocation { location });
        }
        if item.level(&location).on_hand + line.disposition.adds(quantity).on_hand > ON_HAND_MAX {
            return Err(TakeBackRejection::TooMuch { sku, location, quantity });
        }
        let (disposition, reference) = (line.disposition, Arc::clone(&self.reference));
        Ok(StockEvent::Returned { location, quantity, disposition, reference })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Level;
    use super::*;
    use crate::domain::fixtures::{place, sku, stocked, units};

    fn back(lines: &[(&str, &str, i64, Disposition)]) -> TakeBack {
        let line = |&(id, location, quantity, disposition): &(&str, &str, i64, Disposition)| TakeBackLine {
            sku: sku(id),
            quantity: units(quantity),
            location: place(location),
            disposition,
        };
        TakeBack { reference: "ret-1".into(), lines: lines.iter().map(line).collect() }
    }

    #[test]
    fn what_is_restocked_is_sold_again_what_is_damaged_is_kept_and_scrap_is_only_noted() {
        let stream = StockItem::stream(&sku("TEA"));
        let lines = [
            ("TEA", "berlin", 2, Disposition::Restock),
            ("TEA", "berlin", 3, Disposition::Damaged),
            ("TEA", "berlin", 4, Disposition::Scrap),
        ];
        let event = |quantity, disposition| StockEvent::Returned {
            location: place("berlin"),
            quantity,
            disposition,
            reference: "ret-1".into(),
        };
        let events = [event(2, Disposition::Restock), event(3, Disposition::Damaged), event(4, Disposition::Scrap)];
        let given = stocked(&[("TEA", "berlin", 1)]).when(back(&lines)).then_events(&stream, events).given();
        let item = given.state(&stream);
        assert_eq!(item.level(&place("berlin")), Level { on_hand: 6, damaged: 3, ..Level::default() });
        assert_eq!((item.available(), item.promisable(None)), (3, 3));
    }

    #[test]
    fn one_line_that_cannot_be_booked_books_none() {
        let stock = stocked(&[("TEA", "main", 1)]);
        let lines = [("TEA", "main", 1, Disposition::Restock), ("MUG", "main", 1, Disposition::Restock)];
        let unknown = TakeBackRejection::UnknownSku { sku: sku("MUG") };
        let _ = stock.clone().when(back(&lines)).then_rejected(&unknown).then_nothing();
        let unknown = TakeBackRejection::UnknownLocation { location: place("nowhere") };
        let _ = stock.clone().when(back(&[("TEA", "nowhere", 1, Disposition::Scrap)])).then_rejected(&unknown);
        let _ = stock.when(back(&[])).then_invalid("/lines");
    }
}
