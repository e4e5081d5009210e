//! Record cancellation: whether the carrier knows that a void shipment does not leave.

use std::time::Duration;

use cqrs::{Command, Decision, States, Streams};

use super::{Shipment, ShipmentEvent, ShipmentRejection, ShipmentStatus};
use crate::domain::ids::ShipmentId;

/// Records whether the carrier has taken back the booking of a void shipment.
#[derive(Clone, Debug)]
pub struct RecordCancellation {
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// Whether it has; it is told again otherwise.
    pub confirmed: bool,
    /// How long to wait before it is told again.
    pub wait: Duration,
}

impl Command for RecordCancellation {
    const NAME: &'static str = "record-cancellation";
    type Answer = ();
    type Rejection = ShipmentRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Shipment::stream(&self.shipment_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, ShipmentRejection> {
        let (shipment, _) = Shipment::known(&self.shipment_id, states)?;
        let due = shipment.work_at.is_some_and(|cancel_at| cancel_at <= states.at());
        if shipment.status != ShipmentStatus::Voided || !due {
            return Ok(Decision::answer(()));
        }
        let event = if self.confirmed {
            ShipmentEvent::CancellationConfirmed
        } else {
            ShipmentEvent::CancellationDue { cancel_at: states.at().saturating_add(self.wait) }
        };
        Ok(Decision::answer(()).record(&Shipment::stream(&self.shipment_id), event))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::super::void::VoidShipment;
    use super::*;

    #[test]
    fn the_carrier_is_told_until_it_knows() {
        let told = |confirmed| RecordCancellation { shipment_id: id("s"), confirmed, wait: Duration::from_millis(50) };
        let given = booked().when(VoidShipment { shipment_id: id("s"), reason: None }).given();
        let again = ShipmentEvent::CancellationDue { cancel_at: at(50) };
        let when = given.when(told(false)).then_events(&stream("s"), [again]);
        let when = when.and_when(told(true)).then_nothing().given().at(at(50)).when(told(true));
        let when = when.then_events(&stream("s"), [ShipmentEvent::CancellationConfirmed]);
        let _ = when.and_when(told(true)).then_nothing();
    }
}
