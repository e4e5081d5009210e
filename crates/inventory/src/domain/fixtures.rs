//! For unit tests: short names for what the rules are tried on.

use std::time::Duration;

use cqrs::Timestamp;
use cqrs::testkit::Given;

use super::cycle_count::Scope;
use super::cycle_count::record::RecordCount;
use super::cycle_count::request::RequestCount;
use super::ids::{
    ActorId, CountId, DeliveryId, LineId, LocationId, OrderId, Quantity, ReceiptId, ReservationId, Sku, TransferId,
};
use super::location::{Location, LocationDetails, LocationEvent};
use super::receipt::expect::{Expect, ExpectLine};
use super::reservation::commit::{Commit, CommitLine};
use super::reservation::order::ForOrder;
use super::reservation::reserve::{Reserve, ReserveLine};
use super::reservation::{Reservation, Shortfall};
use super::stock_item::{Arrival, Details, Inbound, Level, StockEvent, StockItem};
use super::transfer::request::{RequestTransfer, TransferLine};
use super::transfer::ship::ShipTransfer;

pub(super) fn sku(id: &str) -> Sku {
    Sku::parse(id).unwrap()
}

pub(super) fn place(id: &str) -> LocationId {
    LocationId::parse(id).unwrap()
}

pub(super) fn reservation(id: &str) -> ReservationId {
    ReservationId::parse(id).unwrap()
}

pub(super) fn line(id: &str) -> LineId {
    LineId::parse(id).unwrap()
}

pub(super) fn units(units: i64) -> Quantity {
    Quantity::parse(units).unwrap()
}

pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

/// Registered SKUs with so many units at a location each, and the locations.
pub(super) fn stocked(levels: &[(&str, &str, i64)]) -> Given {
    let mut given = Given::nothing();
    for &(id, location, quantity) in levels {
        let stream = StockItem::stream(&sku(id));
        if !given.state(&stream).is_registered() {
            given = given.events(&stream, [StockEvent::Registered(Details::default())]);
        }
        given = given
            .events(&Location::stream(&place(location)), [LocationEvent::Registered(LocationDetails::default())])
            .events(&stream, [StockEvent::Replenished { location: place(location), quantity }]);
    }
    given
}

/// A reservation for 1,000 ms of `(sku, units)` lines with the ids `1`, `2`, …
pub(super) fn reserve(id: &str, lines: &[(&str, i64)]) -> Reserve {
    let line = |(place, &(id, quantity)): (usize, &(&str, i64))| ReserveLine {
        line_id: line(&(place + 1).to_string()),
        sku: sku(id),
        quantity: units(quantity),
        location: None,
    };
    let lines = lines.iter().enumerate().map(line).collect();
    Reserve {
        reservation_id: reservation(id),
        lines,
        ttl: Some(Duration::from_secs(1)),
        allow_partial: false,
        owner: None,
        strategy: None,
        explain: false,
    }
}

pub(super) fn order(id: &str, attempt: u32) -> ForOrder {
    ForOrder { order_id: OrderId::parse(id).unwrap(), attempt }
}

/// A request of an order's first attempt for `(sku, units)` lines with the ids `1`, `2`, …, all or nothing.
pub(super) fn commit(id: &str, lines: &[(&str, i64)]) -> Commit {
    let line = |(place, &(id, quantity)): (usize, &(&str, i64))| CommitLine {
        line_id: line(&(place + 1).to_string()),
        sku: sku(id),
        quantity: units(quantity),
        exclude: Vec::new(),
    };
    Commit { order: order(id, 1), lines: lines.iter().enumerate().map(line).collect(), allow_partial: false }
}

pub(super) fn receipt(id: &str) -> ReceiptId {
    ReceiptId::parse(id).unwrap()
}

pub(super) fn delivery(id: &str) -> DeliveryId {
    DeliveryId::parse(id).unwrap()
}

/// A receipt at `main` of `(sku, units, when)` lines with the ids `1`, `2`, …
pub(super) fn expect(id: &str, lines: &[(&str, i64, i64)]) -> Expect {
    let line = |(place, &(id, quantity, ms)): (usize, &(&str, i64, i64))| ExpectLine {
        line_id: line(&(place + 1).to_string()),
        sku: sku(id),
        quantity: units(quantity),
        expected_at: at(ms),
    };
    let lines = lines.iter().enumerate().map(line).collect();
    Expect { receipt_id: receipt(id), location: place("main"), supplier_reference: None, lines }
}

/// Units of a receipt's line that are to come to `main`.
pub(super) fn arrival(id: &str, line_id: &str, quantity: i64, ms: i64) -> Arrival {
    let (by, line) = (Inbound::Receipt(receipt(id)), line(line_id));
    Arrival { by, line, location: place("main"), quantity, expected_at: at(ms) }
}

pub(super) fn transfer_id(id: &str) -> TransferId {
    TransferId::parse(id).unwrap()
}

/// A transfer from `main` to `berlin` of `(sku, units)` lines with the ids `1`, `2`, …
pub(super) fn transfer(id: &str, lines: &[(&str, i64)]) -> RequestTransfer {
    let line = |(place, &(id, quantity)): (usize, &(&str, i64))| TransferLine {
        line_id: line(&(place + 1).to_string()),
        sku: sku(id),
        quantity: units(quantity),
    };
    let lines = lines.iter().enumerate().map(line).collect();
    RequestTransfer { transfer_id: transfer_id(id), from: place("main"), to: place("berlin"), lines }
}

pub(super) fn ship(id: &str, ms: i64) -> ShipTransfer {
    ShipTransfer { transfer_id: transfer_id(id), expected_at: at(ms) }
}

pub(super) fn actor(id: &str) -> ActorId {
    ActorId::parse(id).unwrap()
}

pub(super) fn count_id() -> CountId {
    CountId::parse("c").unwrap()
}

/// Mia asks that SKUs be counted at `berlin`; differences of one unit are no matter.
pub(super) fn count(ids: &[&str]) -> RequestCount {
    RequestCount {
        count_id: count_id(),
        location: place("berlin"),
        scope: Scope { skus: ids.iter().map(|id| sku(id)).collect(), ..Scope::default() },
        in_bins: std::collections::BTreeSet::new(),
        tolerance: 1,
        by: actor("mia"),
    }
}

/// Tom has counted `(sku, units)`.
pub(super) fn counted(lines: &[(&str, i64)]) -> RecordCount {
    let counted = lines.iter().map(|&(id, units)| (sku(id), units)).collect();
    RecordCount { count_id: count_id(), by: actor("tom"), counted }
}

/// The counters of a SKU over all locations: on hand, committed, reserved.
pub(super) fn counters(given: &Given, id: &str) -> (i64, i64, i64) {
    let Level { on_hand, committed, reserved, .. } = given.state(&StockItem::stream(&sku(id))).total();
    (on_hand, committed, reserved)
}

/// A reservation as the log has it.
pub(super) fn found(given: &Given, id: &str) -> Reservation {
    given.state(&Reservation::stream(&reservation(id)))
}

pub(super) fn missing(id: &str, location: Option<&str>, requested: i64, available: i64) -> Shortfall {
    Shortfall { sku: sku(id), location: location.map(place), requested, available }
}
