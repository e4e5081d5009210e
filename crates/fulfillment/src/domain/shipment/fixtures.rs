//! Shipments for tests, by their names.

use std::time::Duration;

use cqrs::Timestamp;
use cqrs::testkit::Given;

use super::plan::PlanShipment;
use super::record_booking::{Outcome, RecordBooking};
use super::start_booking::StartBooking;
use super::{Shipment, ShipmentEvent};
use crate::domain::ids::{CarrierId, ShipmentId};
use crate::domain::order::OrderEvent;
use crate::domain::order::fixtures as orders;

pub(crate) fn id(text: &str) -> ShipmentId {
    ShipmentId::parse(text).unwrap()
}

pub(crate) fn carrier() -> CarrierId {
    CarrierId::parse("dhl").unwrap()
}

pub(crate) fn stream(text: &str) -> cqrs::Stream<Shipment> {
    Shipment::stream_of(&id(text), &orders::id("o"))
}

pub(crate) fn found(given: &Given, text: &str) -> Shipment {
    given.state(&stream(text))
}

/// Order `o`, five units of one line, ready to leave from `main`.
pub(crate) fn ready() -> Given {
    let given = Given::nothing().when(orders::order("o", &[("TEA", 5)])).given();
    let given = orders::told(given, "o", orders::reserved(1, &[("1", "main", 5)]));
    given.events(&orders::stream("o"), [OrderEvent::ReadyToShip { implicit: true }])
}

/// All that is ready of `o`.
pub(crate) fn plan(text: &str) -> PlanShipment {
    let (shipment_id, order_id) = (id(text), orders::id("o"));
    PlanShipment { shipment_id, order_id, carrier: carrier(), lines: Vec::new(), from: None, packages: 1 }
}

/// An answer is awaited for 20 ms, and settled 100 ms after the carrier was asked.
pub(crate) fn start() -> StartBooking {
    let (answer_wait, settle_wait) = (Duration::from_millis(20), Duration::from_millis(100));
    StartBooking { shipment_id: id("s"), by: "one".into(), answer_wait, settle_wait }
}

pub(crate) fn record(attempt: u32, outcome: Outcome) -> RecordBooking {
    RecordBooking { shipment_id: id("s"), attempt, outcome, wait: Duration::from_millis(10) }
}

pub(crate) fn yes() -> Outcome {
    Outcome::Booked { tracking_number: "T-1".into() }
}

pub(crate) fn lost() -> Outcome {
    Outcome::Unknown { reason: "timed out".into() }
}

/// Shipment `s` of order `o` was planned.
pub(crate) fn planned() -> Given {
    ready().when(plan("s")).given()
}

/// Its carrier is being asked for the first time.
pub(crate) fn asking() -> Given {
    planned().when(start()).given()
}

/// Its carrier takes it.
pub(crate) fn booked() -> Given {
    asking().when(record(1, yes())).given()
}

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(crate) fn booked_event(attempt: u32) -> ShipmentEvent {
    ShipmentEvent::Booked { attempt, order_id: orders::id("o"), carrier: carrier(), tracking_number: "T-1".into() }
}
