//! Give back: an order returns units it does not need any more, all or some. What it has not asked for yet, it never gets.

use std::cmp::min;
use std::sync::Arc;

use cqrs::{Command, Decision, States, Streams};

use super::order::{ForOrder, add_units};
use super::shelves::Shelves;
use super::{Line, LineUnits, Reservation, ReservationEvent, Stage};
use crate::domain::ids::{LineId, LocationId, Quantity, ReservationId};
use crate::domain::stock_item::{Allocation, StockEvent};

/// Gives back what an attempt holds. It never gives back more than that, so doing it again changes nothing.
///
/// An attempt that was not heard of yet leaves a tombstone: its request is refused when it comes.
#[derive(Clone, Debug)]
pub struct GiveBack {
    /// The order and its attempt.
    pub order: ForOrder,
    /// What to give back, by line; all it still holds if empty.
    pub lines: Vec<GiveBackLine>,
}

/// Units of one line to give back.
#[derive(Clone, Debug)]
pub struct GiveBackLine {
    /// The line.
    pub line_id: LineId,
    /// At most so many.
    pub quantity: Quantity,
    /// Only those at this location.
    pub location: Option<LocationId>,
}

/// Why nothing is given back.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum GiveBackRejection {
    /// The reservation has no such line.
    #[error("reservation {reservation_id} has no line {line_id}")]
    UnknownLine {
        /// The reservation.
        reservation_id: ReservationId,
        /// The line.
        line_id: LineId,
    },
}

impl Command for GiveBack {
    const NAME: &'static str = "give-back";
    type Answer = ();
    type Rejection = GiveBackRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Reservation::stream(&self.reservation_id()))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, GiveBackRejection> {
        let reservation_id = self.reservation_id();
        let stream = Reservation::stream(&reservation_id);
        let reservation = states.of(&stream);
        let order_id = self.order.order_id.clone();
        if reservation.stage == Stage::New {
            let tombstone = ReservationEvent::GivenBack { order_id, lines: Vec::new(), ended: true };
            return Ok(Decision::answer(()).record(&stream, tombstone));
        }
        let mut shelves = Shelves::of(states, &reservation);
        if reservation.stage != Stage::Committed {
            return Ok(Decision::answer(()));
        }
        let mut left = (*reservation).clone();
        let lines = self.taken(&mut left)?;
        if lines.is_empty() {
            return Ok(Decision::answer(()));
        }
        for units in &lines {
            let Some(line) = reservation.line(&units.line_id) else { continue };
            for allocation in &units.allocations {
                let hold = line.hold(&reservation_id, allocation, None);
                shelves.record(&line.sku, StockEvent::CommitmentReleased(hold));
            }
        }
        let ended = left.lines.iter().all(|line| line.held() == 0);
        let given_back = ReservationEvent::GivenBack { order_id, lines, ended };
        Ok(shelves.record_in(Decision::answer(()).record(&stream, given_back)))
    }
}

impl GiveBack {
    fn reservation_id(&self) -> ReservationId {
        ReservationId::of_attempt(&self.order.order_id, self.order.attempt)
    }

    /// Takes what is meant out of `left`, and says where it was.
    fn taken(&self, left: &mut Reservation) -> Result<Vec<LineUnits>, GiveBackRejection> {
        let mut taken = Vec::new();
        if self.lines.is_empty() {
            for line in Arc::make_mut(&mut left.lines) {
                take(line, i64::MAX, None, &mut taken);
            }
        }
        for wish in &self.lines {
            let Some(line) = left.line_mut(&wish.line_id) else {
                let (reservation_id, line_id) = (self.reservation_id(), wish.line_id.clone());
                return Err(GiveBackRejection::UnknownLine { reservation_id, line_id });
            };
            take(line, wish.quantity.units(), wish.location.as_ref(), &mut taken);
        }
        Ok(taken)
    }
}

fn take(line: &mut Line, most: i64, location: Option<&LocationId>, taken: &mut Vec<LineUnits>) {
    let mut wanted = most;
    let here = |held: &&mut Allocation| location.is_none_or(|only| *only == held.location);
    for held in line.allocations.iter_mut().filter(here) {
        let units = min(wanted, held.quantity);
        if units > 0 {
            held.quantity -= units;
            wanted -= units;
            add_units(taken, &line.line_id, &held.location, units);
        }
    }
    line.allocations.retain(|held| held.quantity > 0);
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::*;
    use crate::domain::fixtures::{commit, counters, found, line, order, place, stocked, units};
    use crate::domain::reservation::ReservationState;

    fn back(lines: &[(&str, i64, Option<&str>)]) -> GiveBack {
        let line = |&(id, quantity, location): &(&str, i64, Option<&str>)| GiveBackLine {
            line_id: line(id),
            quantity: units(quantity),
            location: location.map(place),
        };
        GiveBack { order: order("o1", 1), lines: lines.iter().map(line).collect() }
    }

    /// Line 1 holds 2 of TEA, line 2 holds 3 of MUG: 2 at main, 1 in Berlin.
    fn committed() -> Given {
        let stock = stocked(&[("TEA", "main", 5), ("MUG", "main", 2), ("MUG", "berlin", 1)]);
        stock.when(commit("o1", &[("TEA", 2), ("MUG", 3)])).given()
    }

    fn given_back(given: Given, command: GiveBack, ended: bool, lines: &[(&str, &[(&str, i64)])]) -> Given {
        let mut expected = Vec::new();
        for (id, at) in lines {
            at.iter().for_each(|(location, quantity)| add_units(&mut expected, &line(id), &place(location), *quantity));
        }
        let order_id = command.order.order_id.clone();
        let event = ReservationEvent::GivenBack { order_id, lines: expected, ended };
        let stream = Reservation::stream(&command.reservation_id());
        given.when(command).then_events(&stream, [event]).given()
    }

    #[test]
    fn all_of_it_comes_back_once() {
        let all: &[(&str, &[(&str, i64)])] = &[("1", &[("main", 2)]), ("2", &[("main", 2), ("berlin", 1)])];
        let given = given_back(committed(), back(&[]), true, all);
        assert_eq!((counters(&given, "TEA"), counters(&given, "MUG")), ((5, 0, 0), (3, 0, 0)));
        assert_eq!(found(&given, "o1~1").state(cqrs::Timestamp::EPOCH), ReservationState::Released);
        let _ = given.when(back(&[])).then_nothing();
    }

    #[test]
    fn some_of_it_comes_back_from_where_it_is_said_to_be() {
        let given = given_back(committed(), back(&[("2", 1, Some("berlin"))]), false, &[("2", &[("berlin", 1)])]);
        assert_eq!(counters(&given, "MUG"), (3, 2, 0));
        let given = given.when(back(&[("2", 1, Some("berlin"))])).then_nothing().given();
        let rest: &[(&str, &[(&str, i64)])] = &[("1", &[("main", 2)]), ("2", &[("main", 2)])];
        let given = given_back(given, back(&[("1", 2, None), ("2", 9, None)]), true, rest);
        assert_eq!((counters(&given, "TEA"), counters(&given, "MUG")), ((5, 0, 0), (3, 0, 0)));
    }

    #[test]
    fn one_line_named_twice_gives_back_no_more_than_it_holds() {
        let twice = back(&[("1", 1, None), ("1", 9, Some("main"))]);
        let given = given_back(committed(), twice, false, &[("1", &[("main", 1), ("main", 1)])]);
        assert_eq!(counters(&given, "TEA"), (5, 0, 0));
    }

    #[test]
    fn a_line_that_is_none_of_it_is_refused_and_one_that_was_refused_has_nothing_to_give() {
        let (reservation_id, line_id) = (back(&[]).reservation_id(), line("9"));
        let unknown = GiveBackRejection::UnknownLine { reservation_id, line_id };
        let _ = committed().when(back(&[("9", 1, None)])).then_rejected(&unknown);
        let refused = stocked(&[("TEA", "main", 0)]).when(commit("o1", &[("TEA", 1)]));
        let _ = refused.and_when(back(&[("1", 1, None)])).then_nothing().and_when(back(&[])).then_nothing();
    }
}
