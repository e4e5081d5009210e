//! Ship: committed units of an order have left the house, each line from where it was picked.

use std::sync::Arc;

use cqrs::{Command, Decision, States, Streams};

use super::order::{ForOrder, add_units};
use super::shelves::Shelves;
use super::{Line, Reservation, ReservationEvent};
use crate::domain::ids::{LineId, LocationId, Quantity, ReservationId, Sku};
use crate::domain::stock_item::{Allocation, StockEvent};

/// Takes committed units off the books, all lines or none. What has left with the same reference is not taken again.
#[derive(Clone, Debug)]
pub struct Ship {
    /// The order and its attempt.
    pub order: ForOrder,
    /// What they left with, unique in the attempt.
    pub reference: Arc<str>,
    /// What has left.
    pub lines: Vec<ShipLine>,
}

/// Units of one line that have left one location.
#[derive(Clone, Debug)]
pub struct ShipLine {
    /// The line.
    pub line_id: LineId,
    /// How many.
    pub quantity: Quantity,
    /// The location they left.
    pub location: LocationId,
}

/// Why nothing is taken off the books.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ShipRejection {
    /// The attempt has no such line, or is not known.
    #[error("reservation {reservation_id} has no line {line_id}")]
    UnknownLine {
        /// The reservation.
        reservation_id: ReservationId,
        /// The line.
        line_id: LineId,
    },
    /// The line holds less there.
    #[error(
        "line {line_id} of reservation {reservation_id} holds {held} units at {location}: {wanted} cannot have left"
    )]
    TooMuch {
        /// The reservation.
        reservation_id: ReservationId,
        /// The line.
        line_id: LineId,
        /// The location.
        location: LocationId,
        /// Units that have left, as the command says.
        wanted: i64,
        /// Units the line holds there.
        held: i64,
    },
    /// The units were promised as a backorder, and their receipt is not booked yet.
    #[error("{wanted} units of SKU {sku} cannot have left {location}: {on_hand} are on hand; book the receipt first")]
    NotOnHand {
        /// The SKU.
        sku: Sku,
        /// The location.
        location: LocationId,
        /// Units that have left, as the command says.
        wanted: i64,
        /// Units on hand there that are fit for sale.
        on_hand: i64,
    },
}

impl Command for Ship {
    const NAME: &'static str = "ship";
    type Answer = ();
    type Rejection = ShipRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Reservation::stream(&self.reservation_id()))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, ShipRejection> {
        let stream = Reservation::stream(&self.reservation_id());
        let reservation = states.of(&stream);
        let mut shelves = Shelves::of(states, &reservation);
        if self.lines.is_empty() || reservation.shipped_with.contains(&self.reference) {
            return Ok(Decision::answer(()));
        }
        let mut left = (*reservation).clone();
        let mut lines = Vec::with_capacity(self.lines.len());
        for gone in &self.lines {
            let line = left.line_mut(&gone.line_id).ok_or_else(|| ShipRejection::UnknownLine {
                reservation_id: self.reservation_id(),
                line_id: gone.line_id.clone(),
            })?;
            self.take(gone, line, &mut shelves)?;
            add_units(&mut lines, &gone.line_id, &gone.location, gone.quantity.units());
        }
        let (order_id, reference) = (self.order.order_id.clone(), Arc::clone(&self.reference));
        let shipped = ReservationEvent::Shipped { order_id, reference, lines };
        Ok(shelves.record_in(Decision::answer(()).record(&stream, shipped)))
    }
}

impl Ship {
    fn reservation_id(&self) -> ReservationId {
        ReservationId::of_attempt(&self.order.order_id, self.order.attempt)
    }

    /// Takes the units out of `line` and off the shelf.
    fn take(&self, gone: &ShipLine, line: &mut Line, shelves: &mut Shelves<'_>) -> Result<(), ShipRejection> {
        let (wanted, location) = (gone.quantity.units(), gone.location.clone());
        let here = line.allocations.iter().position(|held| held.location == location);
        let held = here.and_then(|place| line.allocations.get(place)).map_or(0, |held| held.quantity);
        if wanted > held {
            let (reservation_id, line_id) = (self.reservation_id(), gone.line_id.clone());
            return Err(ShipRejection::TooMuch { reservation_id, line_id, location, wanted, held });
        }
        let on_hand = shelves.item(&line.sku).level(&location).sound();
        if wanted > on_hand {
            return Err(ShipRejection::NotOnHand { sku: line.sku.clone(), location, wanted, on_hand });
        }
        let taken = Allocation { location, quantity: wanted };
        let hold = line.hold(&self.reservation_id(), &taken, None);
        shelves.record(&line.sku, StockEvent::Consumed(hold));
        if let Some(held) = here.and_then(|place| line.allocations.get_mut(place)) {
            held.quantity -= wanted;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;
    use crate::domain::fixtures::{commit, counters, found, line, order, place, sku, stocked, units};
    use crate::domain::reason::Reason;
    use crate::domain::reservation::ReservationState;
    use crate::domain::stock_item::adjust::{Adjust, Change};
    use crate::domain::stock_item::update::UpdateSku;

    fn ship(reference: &str, lines: &[(&str, i64, &str)]) -> Ship {
        let line = |&(id, quantity, location): &(&str, i64, &str)| ShipLine {
            line_id: line(id),
            quantity: units(quantity),
            location: place(location),
        };
        Ship { order: order("o1", 1), reference: reference.into(), lines: lines.iter().map(line).collect() }
    }

    /// Line 1 holds 2 of TEA, line 2 holds 3 of MUG: 2 at main, 1 in Berlin.
    fn committed() -> Given {
        let stock = stocked(&[("TEA", "main", 5), ("MUG", "main", 2), ("MUG", "berlin", 1)]);
        stock.when(commit("o1", &[("TEA", 2), ("MUG", 3)])).given()
    }

    #[test]
    fn what_leaves_is_taken_off_once_for_each_reference() {
        let first = ship("s1", &[("1", 1, "main"), ("2", 1, "berlin")]);
        let given = committed().when(first.clone()).given();
        assert_eq!((counters(&given, "TEA"), counters(&given, "MUG")), ((4, 1, 0), (2, 2, 0)));
        assert_eq!(found(&given, "o1~1").state(cqrs::Timestamp::EPOCH), ReservationState::PartiallyConsumed);
        let given = given.when(first).then_answer(&()).then_nothing().given();
        let given = given.when(ship("s2", &[("1", 1, "main"), ("2", 2, "main")])).given();
        assert_eq!((counters(&given, "TEA"), counters(&given, "MUG")), ((3, 0, 0), (0, 0, 0)));
        assert_eq!(found(&given, "o1~1").state(cqrs::Timestamp::EPOCH), ReservationState::Consumed);
    }

    #[test]
    fn never_more_than_is_held_there() {
        let too_much = |location, wanted, held| ShipRejection::TooMuch {
            reservation_id: ReservationId::parse("o1~1").unwrap(),
            line_id: line("2"),
            location: place(location),
            wanted,
            held,
        };
        let _ = committed().when(ship("s", &[("2", 2, "berlin")])).then_rejected(&too_much("berlin", 2, 1));
        let _ = committed().when(ship("s", &[("2", 1, "paris")])).then_rejected(&too_much("paris", 1, 0));
        let twice = ship("s", &[("1", 1, "main"), ("2", 1, "berlin"), ("2", 1, "berlin")]);
        let refused = committed().when(twice).then_rejected(&too_much("berlin", 1, 0)).then_nothing();
        assert_eq!(counters(&refused.given(), "TEA"), (5, 2, 0), "all lines or none");
    }

    #[test]
    fn of_an_unknown_one_nothing_can_have_left() {
        let unknown =
            ShipRejection::UnknownLine { reservation_id: ReservationId::parse("o1~1").unwrap(), line_id: line("1") };
        let _ = stocked(&[("TEA", "main", 5)]).when(ship("s", &[("1", 1, "main")])).then_rejected(&unknown);
    }

    #[test]
    fn what_is_not_on_hand_any_more_cannot_leave() {
        let beyond = UpdateSku { sku: sku("TEA"), name: None, safety_stock: None, backorder_limit: Some(2) };
        let stolen = Adjust {
            sku: sku("TEA"),
            location: place("main"),
            change: Change::Delta(-2),
            reason: Reason::Stolen,
            reference: None,
        };
        let committed = stocked(&[("TEA", "main", 3)]).when(commit("o1", &[("TEA", 3)]));
        let given = committed.and_when(beyond).and_when(stolen).given();
        let (sku, location) = (sku("TEA"), place("main"));
        let early = ShipRejection::NotOnHand { sku, location, wanted: 3, on_hand: 1 };
        let _ = given.when(ship("s", &[("1", 3, "main")])).then_rejected(&early);
    }
}
