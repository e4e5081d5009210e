//! Record lookup: what the carrier says when it is asked whether it has a shipment.

use std::sync::Arc;
use std::time::Duration;

use cqrs::{Command, Decision, States, Streams};

use super::record_booking::taken;
use super::{Shipment, ShipmentEvent, ShipmentRejection, ShipmentStatus};
use crate::domain::ids::ShipmentId;

/// Records whether the carrier has a shipment whose booking is unknown. What comes late, or again, changes nothing.
#[derive(Clone, Debug)]
pub struct RecordLookup {
    /// The shipment.
    pub shipment_id: ShipmentId,
    /// The attempt that was looked up.
    pub attempt: u32,
    /// What the carrier said.
    pub seen: Seen,
    /// How long to wait before it is asked again, if it has to be.
    pub wait: Duration,
}

/// What the carrier said when it was asked whether it has a shipment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It has it.
    Booked {
        /// The carrier's number for it.
        tracking_number: Arc<str>,
    },
    /// It does not have it. That counts once it can no longer be taking it.
    Absent {
        /// When it was asked, at the earliest.
        asked_at: cqrs::Timestamp,
    },
    /// Nothing: it was not reached, or did not say.
    Nothing,
}

impl Command for RecordLookup {
    const NAME: &'static str = "record-lookup";
    type Answer = ShipmentStatus;
    type Rejection = ShipmentRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Shipment::stream(&self.shipment_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<ShipmentStatus>, ShipmentRejection> {
        let (shipment, planned) = Shipment::known(&self.shipment_id, states)?;
        let (now, attempt) = (states.at(), self.attempt);
        let stream = Shipment::stream(&self.shipment_id);
        if let Seen::Booked { tracking_number } = &self.seen {
            return Ok(taken(&self.shipment_id, &shipment, &planned, attempt, tracking_number, states));
        }
        // Two can look at once; the second one's answer says nothing new.
        let due = shipment.work_at.is_some_and(|look_at| look_at <= now);
        if shipment.status != ShipmentStatus::BookingUnknown || shipment.attempt != attempt || !due {
            return Ok(Decision::answer(shipment.status));
        }
        Ok(match self.seen {
            Seen::Absent { asked_at } if asked_at >= shipment.settled_by => {
                let event = ShipmentEvent::BookingAbsent { attempt, book_at: now };
                Decision::answer(ShipmentStatus::Planned).record(&stream, event)
            }
            _ => {
                let event = ShipmentEvent::LookedUp { attempt, look_at: now.saturating_add(self.wait) };
                Decision::answer(ShipmentStatus::BookingUnknown).record(&stream, event)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::fixtures::*;
    use super::*;

    fn looked(seen: Seen) -> RecordLookup {
        RecordLookup { shipment_id: id("s"), attempt: 1, seen, wait: Duration::from_millis(40) }
    }

    fn absent(ms: i64) -> RecordLookup {
        looked(Seen::Absent { asked_at: at(ms) })
    }

    fn unknown() -> Given {
        asking().when(record(1, lost())).given().at(at(10))
    }

    #[test]
    fn what_is_found_is_booked() {
        let seen = Seen::Booked { tracking_number: "T-1".into() };
        let when = unknown().when(looked(seen.clone())).then_events(&stream("s"), [booked_event(1)]);
        let _ = when.and_when(looked(seen)).then_nothing();
    }

    #[test]
    fn absence_counts_only_when_the_carrier_can_no_longer_be_taking_it() {
        let again = ShipmentEvent::LookedUp { attempt: 1, look_at: at(50) };
        let when = unknown().when(absent(10)).then_events(&stream("s"), [again]);
        let when = when.and_when(absent(10)).then_nothing();
        // It was asked before that, however late the answer is recorded.
        let again = ShipmentEvent::LookedUp { attempt: 1, look_at: at(160) };
        let when = when.given().at(at(120)).when(absent(99)).then_events(&stream("s"), [again]);
        let gone = ShipmentEvent::BookingAbsent { attempt: 1, book_at: at(160) };
        let when = when.given().at(at(160)).when(absent(100)).then_events(&stream("s"), [gone]);
        let when = when.and_when(absent(160)).then_nothing().and_when(start());
        assert_eq!(when.answer().attempt, 2);
        let _ = when.and_when(absent(160)).then_nothing();
    }

    #[test]
    fn a_carrier_that_cannot_say_is_asked_again_for_ever() {
        let mut given = unknown();
        for ms in (10..1_000).step_by(40) {
            let again = ShipmentEvent::LookedUp { attempt: 1, look_at: at(ms + 40) };
            given = given.at(at(ms)).when(looked(Seen::Nothing)).then_events(&stream("s"), [again]).given();
        }
        assert_eq!((found(&given, "s").lookups(), found(&given, "s").status()), (25, ShipmentStatus::BookingUnknown));
    }
}
