//! Transfer: a reservation is for somebody else from now on. Its units and its end stay as they are.

use cqrs::{Command, Decision, States, Streams};

use super::shelves::Shelves;
use super::view::{ReservationAnswer, ReservationState, WrongTransition};
use super::{Reservation, ReservationEvent};
use crate::domain::ids::{OwnerId, ReservationId};
use crate::domain::stock_item::{Hold, StockEvent};

/// Gives a reservation to another owner. To the one who has it already, it changes nothing.
#[derive(Clone, Debug)]
pub struct TransferReservation {
    /// The reservation.
    pub reservation_id: ReservationId,
    /// Whom it is for from now on.
    pub owner: OwnerId,
}

/// Why a reservation is not transferred.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum TransferRejection {
    /// No such reservation.
    #[error("reservation {reservation_id} does not exist")]
    UnknownReservation {
        /// The id.
        reservation_id: ReservationId,
    },
    /// It has ended: nothing is held that could be transferred.
    #[error(transparent)]
    WrongTransition(#[from] WrongTransition),
}

impl Command for TransferReservation {
    const NAME: &'static str = "transfer-reservation";
    type Answer = ReservationAnswer;
    type Rejection = TransferRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Reservation::stream(&self.reservation_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ReservationAnswer>, TransferRejection> {
        let stream = Reservation::stream(&self.reservation_id);
        let reservation = states.of(&stream);
        if !reservation.exists() {
            return Err(TransferRejection::UnknownReservation { reservation_id: self.reservation_id.clone() });
        }
        let mut shelves = Shelves::of(states, &reservation);
        let mut events = Vec::new();
        if reservation.owner.as_ref() != Some(&self.owner) {
            let from = reservation.state(states.at());
            if !from.is_open() {
                return Err(WrongTransition::new(from, ReservationState::Held).into());
            }
            self.hand_over(&reservation, &mut shelves);
            events.push(ReservationEvent::Transferred { owner: self.owner.clone() });
        }
        Ok(shelves.decide(&self.reservation_id, &stream, &reservation, events))
    }
}

impl TransferReservation {
    fn hand_over(&self, reservation: &Reservation, shelves: &mut Shelves<'_>) {
        for line in reservation.lines.iter() {
            for allocation in &line.allocations {
                let hold = line.hold(&self.reservation_id, allocation, reservation.expires_at);
                let hold = Hold { owner: reservation.owner.clone(), ..hold };
                shelves.record(&line.sku, StockEvent::HoldTransferred { hold, owner: self.owner.clone() });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::confirm::Confirm;
    use super::super::consume::Consume;
    use super::super::release::Release;
    use super::super::reserve::{Reserve, ReserveRejection};
    use super::*;
    use crate::domain::fixtures::{at, counters, line, place, reservation, reserve, sku, stocked};
    use crate::domain::stock_item::StockItem;

    fn owner(id: &str) -> OwnerId {
        OwnerId::parse(id).unwrap()
    }

    fn of_ann() -> Reserve {
        Reserve { owner: Some(owner("ann")), ..reserve("r", &[("TEA", 2)]) }
    }

    fn to_bob() -> TransferReservation {
        TransferReservation { reservation_id: reservation("r"), owner: owner("bob") }
    }

    #[test]
    fn a_transferred_hold_keeps_its_units_and_its_end() {
        let hold = Hold {
            reservation: reservation("r"),
            line: line("1"),
            location: place("main"),
            quantity: 2,
            expires_at: Some(at(1_000)),
            owner: Some(owner("ann")),
        };
        let given = stocked(&[("TEA", "main", 5)]).when(of_ann()).given();
        let transferred = given
            .at(at(400))
            .when(to_bob())
            .then_events(&StockItem::stream(&sku("TEA")), [StockEvent::HoldTransferred { hold, owner: owner("bob") }]);
        let view = &transferred.answer().reservation;
        assert_eq!((view.owner.as_ref(), view.expires_at), (Some(&owner("bob")), Some(at(1_000))));
        assert_eq!(counters(&transferred.given(), "TEA"), (5, 0, 2));
    }

    #[test]
    fn the_same_again_changes_nothing_nor_does_the_first_request() {
        let given = stocked(&[("TEA", "main", 5)]).when(of_ann()).and_when(to_bob()).given();
        assert!(given.clone().when(to_bob()).then_nothing().answer().repeated);
        let again = given.clone().when(of_ann()).then_nothing();
        assert_eq!(again.answer().reservation.owner, Some(owner("bob")), "as it stands");
        let conflict = ReserveRejection::IdConflict { reservation_id: reservation("r") };
        let _ = given.when(Reserve { owner: Some(owner("bob")), ..of_ann() }).then_rejected(&conflict);
    }

    #[test]
    fn what_is_committed_can_be_transferred_and_what_has_ended_cannot() {
        let refused = |from| TransferRejection::from(WrongTransition::new(from, ReservationState::Held));
        let held = stocked(&[("TEA", "main", 5)]).when(of_ann()).given();
        let expired = held.clone().at(at(1_000)).when(to_bob());
        let _ = expired.then_rejected(&refused(ReservationState::Expired));
        let released = held.clone().when(Release { reservation_id: reservation("r") });
        let _ = released.and_when(to_bob()).then_rejected(&refused(ReservationState::Released));
        let confirmed = held.when(Confirm { reservation_id: reservation("r") }).given();
        assert_eq!(confirmed.clone().when(to_bob()).answer().reservation.owner, Some(owner("bob")));
        let gone = confirmed.when(Consume { reservation_id: reservation("r"), lines: None });
        let _ = gone.and_when(to_bob()).then_rejected(&refused(ReservationState::Consumed));
        let unknown = TransferRejection::UnknownReservation { reservation_id: reservation("r") };
        let _ = stocked(&[]).when(to_bob()).then_rejected(&unknown);
    }
}
