//! Release: all that a reservation still holds comes back. If it was never reserved, it never will be.

use cqrs::{Command, Decision, States, Streams};

use super::shelves::Shelves;
use super::view::{ReservationAnswer, ReservationState, WrongTransition};
use super::{Line, Reservation, ReservationEvent, Stage};
use crate::domain::ids::ReservationId;
use crate::domain::stock_item::StockEvent;

/// Gives back what is held. Again it changes nothing; after it has expired, nothing but that it cannot be confirmed any more.
///
/// An unknown id leaves a tombstone (a reservation without lines), so that a reserve that comes late is refused.
#[derive(Clone, Debug)]
pub struct Release {
    /// The reservation.
    pub reservation_id: ReservationId,
}

/// Why a reservation is not released.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseRejection {
    /// All of it has left the house.
    #[error(transparent)]
    WrongTransition(#[from] WrongTransition),
}

impl Command for Release {
    const NAME: &'static str = "release";
    type Answer = ReservationAnswer;
    type Rejection = ReleaseRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Reservation::stream(&self.reservation_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReservationAnswer>, ReleaseRejection> {
        let stream = Reservation::stream(&self.reservation_id);
        let reservation = states.of(&stream);
        let mut shelves = Shelves::of(states, &reservation);
        let events = match reservation.state(states.at()) {
            _ if reservation.stage == Stage::New => vec![ReservationEvent::Released],
            ReservationState::Released | ReservationState::Rejected => Vec::new(),
            // Its stock is back already. That its owner gave it up must be known, or a late confirm would hold it again.
            ReservationState::Expired => vec![ReservationEvent::Released],
            from @ ReservationState::Consumed => {
                return Err(WrongTransition::new(from, ReservationState::Released).into());
            }
            _ => {
                give_back(&self.reservation_id, &reservation, reservation.lines.iter(), &mut shelves);
                vec![ReservationEvent::Released]
            }
        };
        Ok(shelves.decide(&self.reservation_id, &stream, &reservation, events))
    }
}

/// Gives back to stock what `lines` hold.
pub(super) fn give_back<'l>(
    id: &ReservationId,
    reservation: &Reservation,
    lines: impl IntoIterator<Item = &'l Line>,
    shelves: &mut Shelves<'_>,
) {
    let released = match reservation.stage {
        Stage::Committed => StockEvent::CommitmentReleased,
        Stage::New | Stage::Reserved | Stage::Released | Stage::Refused => StockEvent::HoldReleased,
    };
    for line in lines {
        for allocation in &line.allocations {
            shelves.record(&line.sku, released(line.hold(id, allocation, reservation.expires_at)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::confirm::Confirm;
    use super::super::consume::Consume;
    use super::super::reserve::ReserveRejection;
    use super::*;
    use crate::domain::fixtures::{at, counters, line, reservation, reserve, stocked, units};

    fn release() -> Release {
        Release { reservation_id: reservation("r") }
    }

    fn confirm() -> Confirm {
        Confirm { reservation_id: reservation("r") }
    }

    #[test]
    fn what_is_held_comes_back_once() {
        let held = stocked(&[("TEA", "main", 5), ("MUG", "main", 5)]).when(reserve("r", &[("TEA", 2), ("MUG", 1)]));
        let released = held.and_when(release());
        assert_eq!(released.answer().reservation.lines[0].held, 0);
        let given = released.given();
        assert_eq!((counters(&given, "TEA"), counters(&given, "MUG")), ((5, 0, 0), (5, 0, 0)));
        let again = given.when(release()).then_nothing();
        assert!(again.answer().repeated);
    }

    #[test]
    fn what_is_committed_comes_back_too_but_not_what_has_left() {
        let confirmed = stocked(&[("TEA", "main", 5)]).when(reserve("r", &[("TEA", 2)])).and_when(confirm()).given();
        assert_eq!(counters(&confirmed.clone().when(release()).given(), "TEA"), (5, 0, 0));
        let some = Consume { reservation_id: reservation("r"), lines: Some(vec![(line("1"), units(1))]) };
        let given = confirmed.when(some).and_when(release()).given();
        assert_eq!(counters(&given, "TEA"), (4, 0, 0));
    }

    #[test]
    fn one_that_has_left_whole_cannot_come_back() {
        let all = Consume { reservation_id: reservation("r"), lines: None };
        let consumed =
            stocked(&[("TEA", "main", 5)]).when(reserve("r", &[("TEA", 2)])).and_when(confirm()).and_when(all);
        let wrong = WrongTransition { from: ReservationState::Consumed, to: ReservationState::Released, allowed: &[] };
        let _ = consumed.and_when(release()).then_rejected(&wrong.into());
    }

    #[test]
    fn an_expired_one_has_given_its_stock_back_and_cannot_be_confirmed_once_released() {
        let held = stocked(&[("TEA", "main", 5)]).when(reserve("r", &[("TEA", 2)])).given();
        let late = held.at(at(1_000)).when(release());
        assert_eq!(late.answer().reservation.state, ReservationState::Released);
        let given = late.given();
        assert_eq!(counters(&given, "TEA"), (5, 0, 0));
        let wrong = WrongTransition::new(ReservationState::Released, ReservationState::Confirmed);
        let _ = given.when(confirm()).then_rejected(&wrong.into()).then_nothing();
    }

    #[test]
    fn a_release_that_comes_first_leaves_a_tombstone() {
        let tombstone = stocked(&[("TEA", "main", 5)])
            .when(release())
            .then_events(&Reservation::stream(&reservation("r")), [ReservationEvent::Released]);
        assert!(tombstone.answer().reservation.lines.is_empty());
        let ended = ReserveRejection::Ended { reservation_id: reservation("r"), state: ReservationState::Released };
        let _ =
            tombstone.and_when(release()).then_nothing().and_when(reserve("r", &[("TEA", 2)])).then_rejected(&ended);
    }
}
