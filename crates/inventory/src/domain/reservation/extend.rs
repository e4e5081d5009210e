//! Extend: a hold lasts longer. It never gets shorter.

use std::time::Duration;

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::shelves::Shelves;
use super::view::{ReservationAnswer, ReservationState, WrongTransition};
use super::{Reservation, ReservationEvent, TTL_MAX};
use crate::domain::ids::ReservationId;
use crate::domain::stock_item::{StockEvent, expiry};

/// Lets a hold last at least `ttl` from now. One without end stays so.
#[derive(Clone, Debug)]
pub struct Extend {
    /// The reservation.
    pub reservation_id: ReservationId,
    /// How long from now: more than nothing, at most a week.
    pub ttl: Duration,
}

/// Why a hold is not extended.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExtendRejection {
    /// No such reservation.
    #[error("reservation {reservation_id} does not exist")]
    UnknownReservation {
        /// The id.
        reservation_id: ReservationId,
    },
    /// It is no longer held: committed, released or expired.
    #[error(transparent)]
    WrongTransition(#[from] WrongTransition),
}

impl Command for Extend {
    const NAME: &'static str = "extend";
    type Answer = ReservationAnswer;
    type Rejection = ExtendRejection;

    fn validate(&self) -> Result<(), Invalid> {
        if self.ttl.is_zero() || self.ttl > TTL_MAX {
            return Err(Invalid::field("/ttlSeconds", "1 to 604,800"));
        }
        Ok(())
    }

    fn streams(&self) -> Streams {
        Streams::one(&Reservation::stream(&self.reservation_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReservationAnswer>, ExtendRejection> {
        let stream = Reservation::stream(&self.reservation_id);
        let reservation = states.of(&stream);
        if !reservation.exists() {
            return Err(ExtendRejection::UnknownReservation { reservation_id: self.reservation_id.clone() });
        }
        let mut shelves = Shelves::of(states, &reservation);
        let from = reservation.state(states.at());
        if !matches!(from, ReservationState::Held | ReservationState::PartiallyHeld) {
            return Err(WrongTransition::new(from, ReservationState::Held).into());
        }
        let mut events = Vec::new();
        let until = expiry(states.at(), self.ttl);
        if let Some(before) = reservation.expires_at.filter(|before| *before < until) {
            for line in reservation.lines.iter() {
                for allocation in &line.allocations {
                    let hold = line.hold(&self.reservation_id, allocation, Some(before));
                    shelves.record(&line.sku, StockEvent::HoldExtended { hold, until });
                }
            }
            events.push(ReservationEvent::Extended { expires_at: until });
        }
        Ok(shelves.decide(&self.reservation_id, &stream, &reservation, events))
    }
}

#[cfg(test)]
mod tests {
    use super::super::confirm::Confirm;
    use super::super::reserve::Reserve;
    use super::*;
    use crate::domain::fixtures::{at, counters, reservation, reserve, stocked, units};
    use crate::domain::stock_item::replenish::Replenish;

    fn extend(seconds: u64) -> Extend {
        Extend { reservation_id: reservation("r"), ttl: Duration::from_secs(seconds) }
    }

    #[test]
    fn an_extended_hold_outlives_its_first_time() {
        let held = stocked(&[("TEA", "main", 5)]).when(reserve("r", &[("TEA", 2)])).given();
        let extended = held.at(at(900)).when(extend(1));
        assert_eq!(extended.answer().reservation.expires_at, Some(at(1_900)));
        let restock = || Replenish { sku: crate::domain::fixtures::sku("TEA"), location: None, quantity: units(1) };
        let given = extended.given().at(at(1_890)).when(restock()).given();
        assert_eq!(counters(&given, "TEA"), (6, 0, 2));
        assert_eq!(counters(&given.at(at(1_900)).when(restock()).given(), "TEA"), (7, 0, 0));
    }

    #[test]
    fn a_hold_never_gets_shorter_and_one_without_end_stays_so() {
        let held = stocked(&[("TEA", "main", 5)])
            .when(Reserve { ttl: Some(Duration::from_secs(60)), ..reserve("r", &[("TEA", 2)]) });
        let _ = held.and_when(extend(1)).then_nothing();
        let endless = stocked(&[("TEA", "main", 5)]).when(Reserve { ttl: None, ..reserve("r", &[("TEA", 2)]) });
        assert_eq!(endless.and_when(extend(1)).then_nothing().answer().reservation.expires_at, None);
    }

    #[test]
    fn only_what_is_held_can_be_extended() {
        let unknown = ExtendRejection::UnknownReservation { reservation_id: reservation("r") };
        let _ = stocked(&[]).when(extend(1)).then_rejected(&unknown);
        let held = stocked(&[("TEA", "main", 5)]).when(reserve("r", &[("TEA", 2)])).given();
        let refused = |from| ExtendRejection::from(WrongTransition::new(from, ReservationState::Held));
        let expired = held.clone().at(at(1_000)).when(extend(1));
        let _ = expired.then_rejected(&refused(ReservationState::Expired));
        let confirmed = held.when(Confirm { reservation_id: reservation("r") });
        let _ = confirmed.and_when(extend(1)).then_rejected(&refused(ReservationState::Confirmed));
        let _ = stocked(&[]).when(extend(0)).then_invalid("/ttlSeconds");
        let _ = stocked(&[]).when(extend(604_801)).then_invalid("/ttlSeconds");
    }
}
