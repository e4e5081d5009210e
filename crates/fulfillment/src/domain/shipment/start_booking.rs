//! Start booking: somebody says, durably, that the carrier hears of a shipment now. Only who was told "yes" here may ask it.

use std::sync::Arc;
use std::time::Duration;

use cqrs::{Command, Decision, States, Streams};
use serde::{Deserialize, Serialize};

use super::{Shipment, ShipmentEvent, ShipmentRejection, ShipmentStatus};
use crate::domain::ids::{CarrierId, ShipmentId};

/// Starts the next attempt to book a shipment whose time to be booked has come. Of two who start, one is refused.
#[derive(Clone, Debug)]
pub struct StartBooking {
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// Who asks.
    pub by: Arc<str>,
    /// How long it waits for an answer, at least as long as a call of the carrier can take.
    pub answer_wait: Duration,
    /// How long the carrier may still be taking it after it was asked; longer than `answer_wait`.
    pub settle_wait: Duration,
}

/// What the carrier is asked to take.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BookingIntent {
    /// The attempt, from 1.
    pub attempt: u32,
    /// Attempts since somebody last wanted it booked, this one included.
    pub tried: u32,
    /// The carrier.
    pub carrier: CarrierId,
    /// Boxes in it.
    pub packages: u32,
}

impl Command for StartBooking {
    const NAME: &'static str = "start-booking";
    type Answer = BookingIntent;
    type Rejection = ShipmentRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Shipment::stream(&self.shipment_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<BookingIntent>, ShipmentRejection> {
        let (shipment, planned) = Shipment::known(&self.shipment_id, states)?;
        let now = states.at();
        let due = shipment.work_at.is_some_and(|book_at| book_at <= now);
        if shipment.status != ShipmentStatus::Planned || !due {
            return Err(ShipmentRejection::wrong(&shipment, ShipmentStatus::Booking));
        }
        let (attempt, tried) = (shipment.attempt + 1, shipment.tried + 1);
        let (carrier, packages) = (planned.carrier.clone(), planned.packages);
        let started = ShipmentEvent::BookingStarted {
            attempt,
            by: Arc::clone(&self.by),
            answer_by: now.saturating_add(self.answer_wait),
            settled_by: now.saturating_add(self.settle_wait.max(self.answer_wait)),
        };
        let answer = BookingIntent { attempt, tried, carrier, packages };
        Ok(Decision::answer(answer).record(&Shipment::stream(&self.shipment_id), started))
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;

    #[test]
    fn the_intent_is_recorded_and_a_second_one_refused() {
        let started =
            ShipmentEvent::BookingStarted { attempt: 1, by: "one".into(), answer_by: at(20), settled_by: at(100) };
        let when = planned().when(start()).then_events(&stream("s"), [started]);
        assert_eq!((when.answer().attempt, &when.answer().carrier), (1, &carrier()));
        let other = StartBooking { by: "two".into(), ..start() };
        let _ = when.and_when(other).then_nothing().result().unwrap_err();
    }

    #[test]
    fn an_answer_that_nobody_recorded_in_time_counts_as_lost() {
        let when = asking().at(at(20)).when(start());
        assert!(when.result().is_err());
        let shipment = found(&when.given(), "s");
        assert_eq!((shipment.status(), shipment.work_at()), (ShipmentStatus::BookingUnknown, Some(at(20))));
    }

    #[test]
    fn what_is_not_there_is_not_booked() {
        let unknown = ShipmentRejection::UnknownShipment { shipment_id: id("s") };
        let _ = ready().when(start()).then_rejected(&unknown);
    }
}
