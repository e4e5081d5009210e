//! Release one item: the short path, which gives back what a reservation holds of one SKU.

use cqrs::{Command, Decision, States, Streams};

use super::release::{ReleaseRejection, give_back};
use super::shelves::Shelves;
use super::view::{ReservationAnswer, ReservationState, WrongTransition};
use super::{Reservation, ReservationEvent, Stage};
use crate::domain::ids::{ReservationId, Sku};

/// Gives back one SKU; with the last one the reservation is released. Again, it changes nothing.
///
/// What was never reserved leaves a tombstone, so that a reserve of this SKU that comes late is refused.
#[derive(Clone, Debug)]
pub struct ReleaseItem {
    /// The reservation.
    pub reservation_id: ReservationId,
    /// The SKU.
    pub sku: Sku,
}

impl Command for ReleaseItem {
    const NAME: &'static str = "release-item";
    type Answer = ReservationAnswer;
    type Rejection = ReleaseRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Reservation::stream_beside(&self.reservation_id, &self.sku))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReservationAnswer>, ReleaseRejection> {
        let stream = Reservation::stream_beside(&self.reservation_id, &self.sku);
        let reservation = states.of(&stream);
        let mut shelves = Shelves::of(states, &reservation);
        let state = reservation.state(states.at());
        let of_sku = || reservation.lines.iter().filter(|line| line.sku == self.sku);
        let all_gone = of_sku().any(|line| line.consumed > 0) && of_sku().all(|line| line.held() == 0);
        let given_back = reservation.given_back.contains(&self.sku);
        let ended = reservation.stage == Stage::Released;
        if !given_back && all_gone && !ended {
            return Err(WrongTransition::new(state, ReservationState::Released).into());
        }
        let mut events = Vec::new();
        if !given_back && !ended {
            // What has expired is back already.
            if state != ReservationState::Expired {
                give_back(&self.reservation_id, &reservation, of_sku(), &mut shelves);
            }
            events.push(ReservationEvent::ItemReleased { sku: self.sku.clone() });
        }
        Ok(shelves.decide(&self.reservation_id, &stream, &reservation, events))
    }
}

#[cfg(test)]
mod tests {
    use super::super::confirm::Confirm;
    use super::super::consume::Consume;
    use super::super::reserve_item::{ReserveItem, ReserveItemRejection};
    use super::*;
    use crate::domain::fixtures::{counters, found, line, reservation, sku, stocked, units};

    fn release(id: &str) -> ReleaseItem {
        ReleaseItem { reservation_id: reservation("r"), sku: sku(id) }
    }

    fn item(id: &str) -> ReserveItem {
        ReserveItem { reservation_id: reservation("r"), sku: sku(id), quantity: units(2) }
    }

    #[test]
    fn one_sku_comes_back_and_with_the_last_one_the_reservation_is_released() {
        let both = stocked(&[("TEA", "main", 5), ("MUG", "main", 5)]).when(item("TEA")).and_when(item("MUG"));
        let one = both.and_when(release("TEA"));
        assert_eq!(one.answer().reservation.state, ReservationState::Held);
        let again = one.and_when(release("TEA")).then_nothing();
        let none = again.and_when(release("MUG"));
        assert_eq!(none.answer().reservation.state, ReservationState::Released);
        let given = none.given();
        assert_eq!((counters(&given, "TEA"), counters(&given, "MUG")), ((5, 0, 0), (5, 0, 0)));
    }

    #[test]
    fn a_release_that_comes_first_bars_its_sku_and_no_other() {
        let barred = stocked(&[("TEA", "main", 5), ("MUG", "main", 5)]).when(release("TEA"));
        let state = ReservationState::Released;
        let ended = ReserveItemRejection::Ended { reservation_id: reservation("r"), state };
        let refused = barred.and_when(item("TEA")).then_rejected(&ended);
        assert!(refused.and_when(item("MUG")).result().is_ok());
    }

    #[test]
    fn what_has_left_cannot_be_given_back() {
        let both = stocked(&[("TEA", "main", 5), ("MUG", "main", 5)]).when(item("TEA")).and_when(item("MUG"));
        let confirmed = both.and_when(Confirm { reservation_id: reservation("r") });
        let tea = Consume { reservation_id: reservation("r"), lines: Some(vec![(line("TEA"), units(2))]) };
        let wrong = WrongTransition::new(ReservationState::PartiallyConsumed, ReservationState::Released);
        let refused = confirmed.and_when(tea).and_when(release("TEA")).then_rejected(&wrong.into());
        let given = refused.and_when(release("MUG")).given();
        assert_eq!(counters(&given, "MUG"), (5, 0, 0));
        assert_eq!(found(&given, "r").state(cqrs::Timestamp::EPOCH), ReservationState::Consumed);
    }
}
