//! Orders, lines and answers for tests, by their names.

use cqrs::testkit::Given;
use cqrs::{Process, Stream, Timestamp};

use super::place::{PlaceLine, PlaceOrder};
use super::{Order, OrderEvent, OrderInput, PickFrom, Policy, Priority, ReservedUnits, UnitsAt, Wanted};
use crate::domain::ids::{LineId, LocationId, OrderId, Quantity, Sku};

pub(crate) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

pub(crate) fn id(text: &str) -> OrderId {
    OrderId::parse(text).unwrap()
}

pub(crate) fn line(text: &str) -> LineId {
    LineId::parse(text).unwrap()
}

pub(crate) fn sku(text: &str) -> Sku {
    Sku::parse(text).unwrap()
}

pub(crate) fn place(text: &str) -> LocationId {
    LocationId::parse(text).unwrap()
}

pub(crate) fn stream(text: &str) -> Stream<Order> {
    Order::stream(&id(text))
}

pub(crate) fn nothing() -> Given {
    Given::nothing()
}

/// An order of these SKUs and quantities, on lines 1, 2, …
pub(crate) fn order(text: &str, lines: &[(&str, i64)]) -> PlaceOrder {
    let lines = lines.iter().enumerate().map(|(place, (name, quantity))| PlaceLine {
        line_id: line(&(place + 1).to_string()),
        sku: sku(name),
        quantity: Quantity::parse(*quantity).unwrap(),
    });
    PlaceOrder {
        order_id: id(text),
        lines: lines.collect(),
        policy: Policy::ShipAvailable,
        priority: Priority::Standard,
        promised_at: None,
        customer: None,
    }
}

pub(crate) fn with(policy: Policy, text: &str, lines: &[(&str, i64)]) -> PlaceOrder {
    PlaceOrder { policy, ..order(text, lines) }
}

pub(crate) fn wanted(line_id: &str, name: &str, quantity: i64) -> Wanted {
    Wanted { line_id: line(line_id), sku: sku(name), quantity, exclude: Vec::new() }
}

pub(crate) fn units_at(line_id: &str, attempt: u32, location: &str, quantity: i64) -> UnitsAt {
    UnitsAt { line_id: line(line_id), attempt, location: place(location), quantity }
}

/// What an attempt brought, by line and location; nothing of a line if the quantity is 0.
pub(crate) fn units(lines: &[(&str, &str, i64)]) -> Vec<ReservedUnits> {
    let from = |location: &str, quantity| PickFrom { location: place(location), bin: None, quantity };
    let lines = lines.iter().map(|(line_id, location, quantity)| ReservedUnits {
        line_id: line(line_id),
        from: if *quantity == 0 { Vec::new() } else { vec![from(location, *quantity)] },
        code: None,
    });
    lines.collect()
}

pub(crate) fn reserved(attempt: u32, lines: &[(&str, &str, i64)]) -> OrderInput {
    OrderInput::Reserved { attempt, lines: units(lines) }
}

pub(crate) fn refused(attempt: u32, code: &str, lines: &[&str]) -> OrderInput {
    OrderInput::Refused { attempt, code: code.into(), lines: lines.iter().map(|text| line(text)).collect() }
}

pub(crate) fn found(given: &Given, text: &str) -> Order {
    given.state(&stream(text))
}

/// What the order decides when it is told `input` at `now`.
pub(crate) fn decided(given: &Given, text: &str, input: &OrderInput, now: Timestamp) -> Vec<OrderEvent> {
    found(given, text).decide(input, now)
}

/// The same, and it has happened.
pub(crate) fn told(given: Given, text: &str, input: OrderInput) -> Given {
    let events = decided(&given, text, &input, at(0));
    given.events(&stream(text), events)
}
