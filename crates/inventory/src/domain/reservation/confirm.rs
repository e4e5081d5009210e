//! Confirm: what is reserved is committed and expires no more. One that has expired is held again first, if it can be.

use cqrs::{Command, Decision, States, Streams, Timestamp};

use super::shelves::{Shelves, Shortfall};
use super::view::{ReservationAnswer, ReservationState, WrongTransition};
use super::{Line, LineUnits, Reservation, ReservationEvent};
use crate::domain::ids::ReservationId;
use crate::domain::stock_item::StockEvent;

/// Commits what is held. Again, it changes nothing.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// The reservation.
    pub reservation_id: ReservationId,
}

/// Why a reservation is not confirmed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfirmRejection {
    /// No such reservation.
    #[error("reservation {reservation_id} does not exist")]
    UnknownReservation {
        /// The id.
        reservation_id: ReservationId,
    },
    /// It was released.
    #[error(transparent)]
    WrongTransition(#[from] WrongTransition),
    /// It had expired, and what it held is no longer there.
    #[error("the reservation had expired, and there is not enough stock for {} of its SKUs", shortfalls.len())]
    InsufficientStock {
        /// All that is missing.
        shortfalls: Vec<Shortfall>,
    },
}

impl Command for Confirm {
    const NAME: &'static str = "confirm";
    type Answer = ReservationAnswer;
    type Rejection = ConfirmRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Reservation::stream(&self.reservation_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReservationAnswer>, ConfirmRejection> {
        let stream = Reservation::stream(&self.reservation_id);
        let reservation = states.of(&stream);
        if !reservation.exists() {
            return Err(ConfirmRejection::UnknownReservation { reservation_id: self.reservation_id.clone() });
        }
        let mut shelves = Shelves::of(states, &reservation);
        let events = match reservation.state(states.at()) {
            ReservationState::Held | ReservationState::PartiallyHeld => {
                self.commit(&reservation.lines, reservation.expires_at, &mut shelves);
                vec![ReservationEvent::Confirmed]
            }
            ReservationState::Expired => {
                let lines = self.hold_again(&reservation, &mut shelves)?;
                self.commit(&lines, None, &mut shelves);
                let beyond = lines.iter().filter(|line| line.beyond > 0);
                let beyond = beyond.map(|line| (line.line_id.clone(), line.beyond)).collect();
                let units = |line: Line| LineUnits { line_id: line.line_id, allocations: line.allocations };
                let lines = lines.into_iter().map(units).collect();
                vec![ReservationEvent::HeldAgain { lines, beyond }, ReservationEvent::Confirmed]
            }
            ReservationState::Confirmed | ReservationState::PartiallyConsumed | ReservationState::Consumed => {
                Vec::new()
            }
            from @ (ReservationState::Released | ReservationState::Rejected) => {
                return Err(WrongTransition::new(from, ReservationState::Confirmed).into());
            }
        };
        Ok(shelves.decide(&self.reservation_id, &stream, &reservation, events))
    }
}

impl Confirm {
    fn commit(&self, lines: &[Line], expires_at: Option<Timestamp>, shelves: &mut Shelves<'_>) {
        for line in lines {
            for allocation in &line.allocations {
                let hold = line.hold(&self.reservation_id, allocation, expires_at);
                shelves.record(&line.sku, StockEvent::HoldConfirmed(hold));
            }
        }
    }

    /// Holds what every line held until it expired, at the same place if that has room; all of it or nothing.
    fn hold_again(&self, reservation: &Reservation, shelves: &mut Shelves<'_>) -> Result<Vec<Line>, ConfirmRejection> {
        let mut lines = reservation.lines.to_vec();
        for insisting in [true, false] {
            for line in lines.iter_mut().filter(|line| line.location.is_some() == insisting) {
                shelves.hold(&self.reservation_id, line, line.held(), None);
            }
        }
        if lines.iter().zip(reservation.lines.iter()).all(|(now, before)| now.held() == before.held()) {
            return Ok(lines);
        }
        let wanted = reservation.lines.iter().map(|line| (line, line.held()));
        Err(ConfirmRejection::InsufficientStock { shortfalls: shelves.shortfalls(wanted) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::release::Release;
    use super::*;
    use crate::domain::fixtures::{at, counters, found, missing, reservation, reserve, stocked};

    fn confirm(id: &str) -> Confirm {
        Confirm { reservation_id: reservation(id) }
    }

    #[test]
    fn what_was_reserved_is_committed_once_and_expires_no_more() {
        let held = stocked(&[("TEA", "main", 5), ("MUG", "main", 5)]).when(reserve("r", &[("TEA", 2), ("MUG", 1)]));
        let given = held.and_when(confirm("r")).given();
        assert_eq!((counters(&given, "TEA"), counters(&given, "MUG")), ((5, 2, 0), (5, 1, 0)));
        let again = given.at(at(9_999)).when(confirm("r")).then_events(&Reservation::stream(&reservation("r")), []);
        assert!(again.answer().repeated);
        assert_eq!(again.answer().reservation.state, ReservationState::Confirmed);
    }

    #[test]
    fn an_expired_one_is_held_again_if_it_can_be() {
        let held = stocked(&[("TEA", "main", 5)]).when(reserve("r", &[("TEA", 2)])).given();
        let given = held.at(at(1_000)).when(confirm("r")).given();
        assert_eq!(counters(&given, "TEA"), (5, 2, 0));
        assert_eq!(found(&given, "r").state(at(9_999)), ReservationState::Confirmed);
    }

    #[test]
    fn an_expired_one_is_held_elsewhere_if_its_place_was_taken() {
        let stock = stocked(&[("TEA", "main", 2), ("TEA", "berlin", 2)]);
        let given = stock.when(reserve("r", &[("TEA", 2)])).given().at(at(1_000));
        let given = given.when(reserve("s", &[("TEA", 2)])).given();
        let confirmed = given.when(confirm("r"));
        assert_eq!(confirmed.answer().reservation.lines[0].allocations[0].location.as_str(), "berlin");
    }

    #[test]
    fn an_expired_one_whose_stock_is_gone_is_refused_whole() {
        let stock = stocked(&[("TEA", "main", 2), ("MUG", "main", 2)]);
        let given = stock.when(reserve("r", &[("MUG", 1), ("TEA", 2)])).given().at(at(1_000));
        let given = given.when(reserve("s", &[("TEA", 1)])).given();
        let shortfalls = vec![missing("TEA", None, 2, 1)];
        let refused = given.when(confirm("r")).then_rejected(&ConfirmRejection::InsufficientStock { shortfalls });
        assert_eq!(counters(&refused.given(), "MUG"), (2, 0, 0));
    }

    #[test]
    fn an_unknown_and_a_released_one_are_refused() {
        let unknown = ConfirmRejection::UnknownReservation { reservation_id: reservation("r") };
        let _ = stocked(&[]).when(confirm("r")).then_rejected(&unknown);
        let wrong = WrongTransition { from: ReservationState::Released, to: ReservationState::Confirmed, allowed: &[] };
        let released = stocked(&[]).when(Release { reservation_id: reservation("r") });
        let _ = released.and_when(confirm("r")).then_rejected(&wrong.into());
    }
}
