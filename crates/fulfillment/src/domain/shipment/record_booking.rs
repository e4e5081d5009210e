//! Record booking: what the carrier has answered, or that its answer was lost.

use std::sync::Arc;
use std::time::Duration;

use cqrs::{Command, Decision, States, Streams};

use super::{ATTEMPTS_MAX, Planned, Shipment, ShipmentEvent, ShipmentRejection, ShipmentStatus};
use crate::domain::ids::ShipmentId;
use crate::domain::order::{Order, OrderEvent};

/// Records how an attempt to book a shipment went. What comes late, or again, changes nothing, but for a yes.
#[derive(Clone, Debug)]
pub struct RecordBooking {
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// The attempt.
    pub attempt: u32,
    /// How it went.
    pub outcome: Outcome,
    /// How long to wait before the carrier is talked to again, if it has to be.
    pub wait: Duration,
}

/// How an attempt to book went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The carrier takes it.
    Booked {
        /// The carrier's number for it.
        tracking_number: Arc<str>,
    },
    /// The carrier has not heard of it: to ask later is safe.
    NotReached {
        /// Why.
        reason: Arc<str>,
    },
    /// Nobody knows.
    Unknown {
        /// Why.
        reason: Arc<str>,
    },
    /// The carrier does not take it.
    Refused {
        /// Why.
        reason: Arc<str>,
    },
}

impl Command for RecordBooking {
    const NAME: &'static str = "record-booking";
    type Answer = ShipmentStatus;
    type Rejection = ShipmentRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Shipment::stream(&self.shipment_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ShipmentStatus>, ShipmentRejection> {
        let (shipment, planned) = Shipment::known(&self.shipment_id, states)?;
        let again_at = states.at().saturating_add(self.wait);
        let attempt = self.attempt;
        let awaited = shipment.awaits(attempt);
        Ok(match &self.outcome {
            Outcome::Booked { tracking_number } => {
                taken(&self.shipment_id, &shipment, &planned, attempt, tracking_number, states)
            }
            Outcome::NotReached { reason } if awaited && shipment.tried >= ATTEMPTS_MAX => {
                failed(&self.shipment_id, &planned, attempt, reason)
            }
            Outcome::NotReached { reason } if awaited => {
                let event = ShipmentEvent::BookingPostponed { attempt, reason: Arc::clone(reason), book_at: again_at };
                Decision::answer(ShipmentStatus::Planned).record(&Shipment::stream(&self.shipment_id), event)
            }
            Outcome::Unknown { reason } if awaited && shipment.status == ShipmentStatus::Booking => {
                let event = ShipmentEvent::BookingUnknown { attempt, reason: Arc::clone(reason), look_at: again_at };
                Decision::answer(ShipmentStatus::BookingUnknown).record(&Shipment::stream(&self.shipment_id), event)
            }
            Outcome::Refused { reason } if awaited => failed(&self.shipment_id, &planned, attempt, reason),
            Outcome::NotReached { .. } | Outcome::Unknown { .. } | Outcome::Refused { .. } => {
                Decision::answer(shipment.status)
            }
        })
    }
}

/// The carrier has it, whichever attempt that was: one reference is one consignment.
pub(super) fn taken(
    id: &ShipmentId,
    shipment: &Shipment,
    planned: &Planned,
    attempt: u32,
    tracking_number: &Arc<str>,
    states: &States<'_>,
) -> Decision<ShipmentStatus> {
    let stream = Shipment::stream(id);
    match shipment.status {
        ShipmentStatus::Planned
        | ShipmentStatus::Booking
        | ShipmentStatus::BookingUnknown
        | ShipmentStatus::BookingFailed => {
            let booked = ShipmentEvent::Booked {
                attempt,
                order_id: planned.order_id.clone(),
                carrier: planned.carrier.clone(),
                tracking_number: Arc::clone(tracking_number),
            };
            let told =
                OrderEvent::ShipmentBooked { shipment: id.clone(), tracking_number: Arc::clone(tracking_number) };
            Decision::answer(ShipmentStatus::Booked)
                .record(&stream, booked)
                .record(&Order::stream(&planned.order_id), told)
        }
        // It does not leave, and the carrier does not know.
        ShipmentStatus::Voided if shipment.work_at.is_none() => {
            let due = ShipmentEvent::CancellationDue { cancel_at: states.at() };
            Decision::answer(shipment.status).record(&stream, due)
        }
        _ => Decision::answer(shipment.status),
    }
}

fn failed(id: &ShipmentId, planned: &Planned, attempt: u32, reason: &Arc<str>) -> Decision<ShipmentStatus> {
    let event = ShipmentEvent::BookingFailed { attempt, reason: Arc::clone(reason) };
    let told = OrderEvent::BookingFailed { shipment: id.clone(), reason: Arc::clone(reason) };
    Decision::answer(ShipmentStatus::BookingFailed)
        .record(&Shipment::stream(id), event)
        .record(&Order::stream(&planned.order_id), told)
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::*;
    use super::*;
    use crate::domain::order::fixtures as orders;

    fn refused() -> Outcome {
        Outcome::Refused { reason: "too heavy".into() }
    }

    #[test]
    fn a_yes_books_it_once_and_the_order_knows() {
        let when = asking().when(record(1, yes()));
        let when = when.then_events(&stream("s"), [booked_event(1)]);
        let told = OrderEvent::ShipmentBooked { shipment: id("s"), tracking_number: "T-1".into() };
        let when = when.then_events(&orders::stream("o"), [told]);
        let when = when.and_when(record(1, yes())).then_nothing();
        let _ = when.and_when(record(1, refused())).then_nothing();
    }

    #[test]
    fn a_carrier_that_was_not_reached_is_asked_again_later() {
        let when = asking().when(record(1, Outcome::NotReached { reason: "no connection".into() }));
        assert_eq!(when.answer(), &ShipmentStatus::Planned);
        let early = when.and_when(start()).then_nothing();
        assert!(early.result().is_err());
        let given = early.given().at(at(10)).when(start()).given();
        assert_eq!((found(&given, "s").attempt(), found(&given, "s").tried()), (2, 2));
    }

    #[test]
    fn a_lost_answer_is_never_asked_for_again_blindly() {
        let when = asking().when(record(1, lost()));
        assert_eq!(when.answer(), &ShipmentStatus::BookingUnknown);
        let when = when.given().at(at(1_000)).when(start()).then_nothing();
        assert!(when.result().is_err());
        // The answer was there after all.
        let _ = when.and_when(record(1, yes())).then_events(&stream("s"), [booked_event(1)]);
    }

    #[test]
    fn a_no_is_final_until_somebody_wants_it_otherwise() {
        let when = asking().when(record(1, refused()));
        let event = ShipmentEvent::BookingFailed { attempt: 1, reason: "too heavy".into() };
        let told = OrderEvent::BookingFailed { shipment: id("s"), reason: "too heavy".into() };
        let when = when.then_events(&stream("s"), [event]).then_events(&orders::stream("o"), [told]);
        let _ = when.given().at(at(1_000)).when(start()).then_nothing().result().unwrap_err();
    }

    #[test]
    fn what_an_older_attempt_says_changes_nothing_but_for_a_yes() {
        let given = asking().when(record(1, Outcome::NotReached { reason: "no connection".into() })).given();
        let given = given.at(at(10)).when(start()).given();
        for outcome in [refused(), lost(), Outcome::NotReached { reason: "late".into() }] {
            let _ = given.clone().when(record(1, outcome)).then_nothing();
        }
        let _ = given.when(record(1, yes())).then_events(&stream("s"), [booked_event(1)]);
    }
}
