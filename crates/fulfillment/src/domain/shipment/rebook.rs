//! Rebook: a carrier that did not take a shipment is asked again.

use cqrs::{Command, Decision, States, Streams};

use super::plan::ShipmentAnswer;
use super::{Shipment, ShipmentEvent, ShipmentRejection, ShipmentStatus};
use crate::domain::ids::ShipmentId;

/// Has the carrier asked again. One that is being asked, or takes it, stays as it is.
#[derive(Clone, Debug)]
pub struct Rebook {
    /// The shipment.
    pub shipment_id: ShipmentId,
}

impl Command for Rebook {
    const NAME: &'static str = "rebook-shipment";
    type Answer = ShipmentAnswer;
    type Rejection = ShipmentRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Shipment::stream(&self.shipment_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ShipmentAnswer>, ShipmentRejection> {
        let (shipment, _) = Shipment::known(&self.shipment_id, states)?;
        let answer = |status, repeated| ShipmentAnswer { shipment_id: self.shipment_id.clone(), status, repeated };
        match shipment.status {
            ShipmentStatus::BookingFailed => {
                let event = ShipmentEvent::RebookRequested { book_at: states.at() };
                let decision = Decision::answer(answer(ShipmentStatus::Planned, false));
                Ok(decision.record(&Shipment::stream(&self.shipment_id), event))
            }
            status @ (ShipmentStatus::Planned
            | ShipmentStatus::Booking
            | ShipmentStatus::BookingUnknown
            | ShipmentStatus::Booked) => Ok(Decision::answer(answer(status, true))),
            _ => Err(ShipmentRejection::wrong(&shipment, ShipmentStatus::Booking)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::record_booking::Outcome;
    use super::*;

    #[test]
    fn a_refused_shipment_is_asked_for_again_once() {
        let given = asking().when(record(1, Outcome::Refused { reason: "closed".into() })).given();
        let event = ShipmentEvent::RebookRequested { book_at: at(0) };
        let when = given.when(Rebook { shipment_id: id("s") }).then_events(&stream("s"), [event]);
        let when = when.and_when(Rebook { shipment_id: id("s") }).then_nothing().and_when(start());
        assert_eq!((when.answer().attempt, when.answer().tried), (2, 1));
        let when = when.and_when(Rebook { shipment_id: id("s") }).then_nothing();
        assert!(when.answer().repeated);
    }
}
