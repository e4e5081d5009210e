//! Void: a shipment does not leave. Its units can be planned anew, and a carrier that may expect it is told.

use std::sync::Arc;

use cqrs::{Command, Decision, Invalid, States, Streams};

use super::plan::ShipmentAnswer;
use super::{Shipment, ShipmentEvent, ShipmentRejection, ShipmentStatus};
use crate::domain::ids::ShipmentId;
use crate::domain::order::hold::REASON_LENGTH_MAX;
use crate::domain::order::{Order, OrderEvent};

/// Voids a shipment that has not left. One that is void stays so.
#[derive(Clone, Debug)]
pub struct VoidShipment {
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// Why, if it is said: 1 to 500 characters.
    pub reason: Option<Arc<str>>,
}

impl Command for VoidShipment {
    const NAME: &'static str = "void-shipment";
    type Answer = ShipmentAnswer;
    type Rejection = ShipmentRejection;

    fn validate(&self) -> Result<(), Invalid> {
        let right = |reason: &Arc<str>| (1..=REASON_LENGTH_MAX).contains(&reason.chars().count());
        let right = self.reason.as_ref().is_none_or(right);
        if right { Ok(()) } else { Err(Invalid::field("/reason", "1 to 500 characters")) }
    }

    fn streams(&self) -> Streams {
        Streams::one(&Shipment::stream(&self.shipment_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ShipmentAnswer>, ShipmentRejection> {
        let (shipment, planned) = Shipment::known(&self.shipment_id, states)?;
        let answer = |repeated| ShipmentAnswer {
            shipment_id: self.shipment_id.clone(),
            status: ShipmentStatus::Voided,
            repeated,
        };
        if shipment.status == ShipmentStatus::Voided {
            return Ok(Decision::answer(answer(true)));
        }
        if !shipment.status.next().contains(&ShipmentStatus::Voided) {
            return Err(ShipmentRejection::wrong(&shipment, ShipmentStatus::Voided));
        }
        let cancel_at = match shipment.status {
            ShipmentStatus::Booked => Some(states.at()),
            // The carrier may still be taking it: what is taken back before that could come after.
            ShipmentStatus::Booking | ShipmentStatus::BookingUnknown => Some(shipment.settled_by.max(states.at())),
            _ => None,
        };
        let voided = ShipmentEvent::Voided { reason: self.reason.clone(), cancel_at };
        let told = OrderEvent::ShipmentVoided { shipment: self.shipment_id.clone(), lines: planned.lines.clone() };
        Ok(Decision::answer(answer(false))
            .record(&Shipment::stream(&self.shipment_id), voided)
            .record(&Order::stream(&planned.order_id), told))
    }
}

#[cfg(test)]
mod tests {
    use super::super::dispatch::Dispatch;
    use super::super::fixtures::*;
    use super::*;
    use crate::domain::order::fixtures as orders;

    fn void() -> VoidShipment {
        VoidShipment { shipment_id: id("s"), reason: None }
    }

    fn voided(cancel_at: Option<i64>) -> ShipmentEvent {
        ShipmentEvent::Voided { reason: None, cancel_at: cancel_at.map(at) }
    }

    #[test]
    fn its_units_can_be_planned_anew() {
        let when = planned().when(void()).then_events(&stream("s"), [voided(None)]);
        let lines = vec![orders::units_at("1", 1, "main", 5)];
        let when = when.then_events(&orders::stream("o"), [OrderEvent::ShipmentVoided { shipment: id("s"), lines }]);
        let when = when.and_when(void()).then_nothing().and_when(start());
        assert!(when.result().is_err());
        assert_eq!(when.and_when(plan("t")).answer().status, ShipmentStatus::Planned);
    }

    #[test]
    fn a_carrier_that_expects_it_is_told_and_one_that_may_is_told_when_that_is_settled() {
        let _ = booked().when(void()).then_events(&stream("s"), [voided(Some(0))]);
        let when = asking().when(void()).then_events(&stream("s"), [voided(Some(100))]);
        // The yes that comes then changes nothing: it is taken back anyway.
        let _ = when.and_when(record(1, yes())).then_nothing();
        let given = asking().when(record(1, lost())).given();
        let _ = given.when(void()).then_events(&stream("s"), [voided(Some(100))]);
    }

    #[test]
    fn a_yes_nobody_expected_is_taken_back() {
        let when = planned().when(void()).and_when(record(1, yes()));
        let _ = when.then_events(&stream("s"), [ShipmentEvent::CancellationDue { cancel_at: at(0) }]);
    }

    #[test]
    fn what_has_left_cannot_be_void() {
        let given = booked().when(Dispatch { shipment_id: id("s") }).given();
        let wrong = super::super::WrongShipmentTransition::new(ShipmentStatus::Dispatched, ShipmentStatus::Voided);
        let _ = given.when(void()).then_nothing().then_rejected(&ShipmentRejection::WrongTransition(wrong));
    }
}
