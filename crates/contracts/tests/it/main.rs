//! The shapes on the wire, written out: a change here is a change for every client.

#![allow(clippy::unwrap_used)]

#[cfg(feature = "openapi")]
mod catalogue;
#[cfg(feature = "openapi")]
mod compatibility;
#[cfg(feature = "openapi")]
mod validity;

use comanda_contracts::{
    AdjustmentRequest, Allocation, AssignBin, AvailabilityRequest, BatchRequest, CancelCountRequest, ConsumeRequest,
    Coordinates, CountActRequest, CountedLine, ExpectedUnits, ExtendRequest, LedgerEntry, LocationStock, Movement,
    Page, Problem, ReasonCode, RecordCountRequest, RecountRequest, RegisterLocation, RegisterSku, RegradeRequest,
    RequestCountRequest, Reservation, ReservationLine, ReservationState, ReserveLine, ReserveRequest,
    ShortReleaseRequest, ShortReplenishRequest, ShortReserveRequest, Shortfall, SourcingPlanRequest, Stock,
    TransferRequest, UpdateLocation, UpdateSku,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

fn written<T: Serialize>(value: &T) -> Value {
    serde_json::to_value(value).unwrap()
}

#[test]
fn a_reserve_request_says_only_what_it_must() {
    let request = ReserveRequest {
        lines: vec![ReserveLine { sku: "TEA-01".into(), quantity: 2, ..ReserveLine::default() }],
        ..ReserveRequest::default()
    };
    assert_eq!(written(&request), json!({ "lines": [{ "sku": "TEA-01", "quantity": 2 }] }));
    let whole = json!({
        "reservationId": "cart-7", "ttlSeconds": 60, "allowPartial": true,
        "lines": [{ "lineId": "a", "sku": "TEA-01", "quantity": 2, "locationId": "berlin" }],
    });
    assert_eq!(written(&serde_json::from_value::<ReserveRequest>(whole.clone()).unwrap()), whole);
}

#[test]
fn a_reservation() {
    let reservation = Reservation {
        reservation_id: "cart-7".into(),
        state: ReservationState::PartiallyHeld,
        expires_at: Some("2026-03-01T09:30:00.000Z".into()),
        owner: None,
        lines: vec![ReservationLine {
            line_id: "1".into(),
            sku: "TEA-01".into(),
            requested: 3,
            held: 2,
            backordered: 0,
            allocations: vec![Allocation { location_id: "main".into(), quantity: 2 }],
            consumed: 0,
        }],
        sourcing: Vec::new(),
    };
    let expected = json!({
        "reservationId": "cart-7", "state": "PARTIALLY_HELD", "expiresAt": "2026-03-01T09:30:00.000Z",
        "lines": [{
            "lineId": "1", "sku": "TEA-01", "requested": 3, "held": 2, "consumed": 0,
            "allocations": [{ "locationId": "main", "quantity": 2 }],
        }],
    });
    assert_eq!(written(&reservation), expected);
}

#[test]
fn stock() {
    let main = LocationStock {
        location_id: "main".into(),
        on_hand: 10,
        reserved: 2,
        committed: 1,
        damaged: 1,
        quality_control: 2,
        available: 4,
        incoming: 5,
        bin: Some("A-01-03-2".into()),
    };
    let stock = Stock {
        sku: "TEA-01".into(),
        name: None,
        on_hand: 10,
        reserved: 2,
        committed: 1,
        damaged: 1,
        quality_control: 2,
        safety_stock: 3,
        backorder_limit: 0,
        backorders_from: None,
        backorders_incoming_only: false,
        available: 1,
        incoming: 5,
        in_transit: 0,
        expected: vec![ExpectedUnits {
            expected_at: "2026-03-08T09:00:00.000Z".into(),
            location_id: "main".into(),
            quantity: 5,
        }],
        version: 12,
        updated_at: "2026-03-01T09:30:00.000Z".into(),
        locations: vec![main],
    };
    let expected = json!({
        "sku": "TEA-01", "onHand": 10, "reserved": 2, "committed": 1, "damaged": 1, "qualityControl": 2,
        "safetyStock": 3, "backorderLimit": 0, "available": 1, "incoming": 5, "inTransit": 0, "version": 12,
        "expected": [{ "expectedAt": "2026-03-08T09:00:00.000Z", "locationId": "main", "quantity": 5 }],
        "updatedAt": "2026-03-01T09:30:00.000Z",
        "locations": [{
            "locationId": "main", "onHand": 10, "reserved": 2, "committed": 1, "damaged": 1, "qualityControl": 2,
            "available": 4, "incoming": 5, "bin": "A-01-03-2",
        }],
    });
    assert_eq!(written(&stock), expected);
}

#[test]
fn a_page_of_the_ledger() {
    let entry = LedgerEntry {
        version: 3,
        at: "2026-03-01T09:30:00.000Z".into(),
        movement: Movement::Adjusted,
        location_id: "main".into(),
        on_hand_delta: -2,
        reserved_delta: 0,
        committed_delta: 0,
        damaged_delta: 0,
        incoming_delta: 0,
        quality_control_delta: 0,
        reason_code: Some(ReasonCode::CycleCount),
        reference_uri: None,
        reservation_id: None,
        line_id: None,
        owner: None,
        actor: None,
        correlation_id: None,
    };
    let expected = json!({
        "items": [{
            "version": 3, "at": "2026-03-01T09:30:00.000Z", "movement": "ADJUSTED", "locationId": "main",
            "onHandDelta": -2, "reservedDelta": 0, "committedDelta": 0, "damagedDelta": 0, "qualityControlDelta": 0,
            "incomingDelta": 0, "reasonCode": "cycle_count",
        }],
        "nextCursor": "c",
    });
    assert_eq!(written(&Page { items: vec![entry], next_cursor: Some("c".into()) }), expected);
}

#[test]
fn a_problem_has_the_members_of_rfc_9457_and_its_own() {
    let problem = Problem {
        problem_type: "/problems/insufficient-stock".into(),
        title: "Not enough stock".into(),
        status: 409,
        detail: "2 of 3".into(),
        code: "INSUFFICIENT_STOCK".into(),
        shortfalls: vec![Shortfall { sku: "TEA-01".into(), location_id: None, requested: 3, available: 2 }],
        ..Problem::default()
    };
    let expected = json!({
        "type": "/problems/insufficient-stock", "title": "Not enough stock", "status": 409, "detail": "2 of 3",
        "code": "INSUFFICIENT_STOCK", "shortfalls": [{ "sku": "TEA-01", "requested": 3, "available": 2 }],
    });
    assert_eq!(written(&problem), expected);
}

/// `good` is a `T`, and is none any more with a field that nobody knows.
#[track_caller]
fn is_strict<T: DeserializeOwned>(good: Value) {
    assert!(serde_json::from_value::<T>(good.clone()).is_ok(), "{good}");
    let mut more = good;
    more["surprise"] = json!(1);
    assert!(serde_json::from_value::<T>(more.clone()).is_err(), "{more}");
}

#[test]
fn no_request_takes_a_field_that_nobody_knows() {
    let line = json!({ "sku": "TEA-01", "quantity": 2 });
    is_strict::<RegisterSku>(json!({ "sku": "TEA-01" }));
    is_strict::<UpdateSku>(json!({}));
    is_strict::<RegisterLocation>(json!({ "locationId": "berlin" }));
    is_strict::<UpdateLocation>(json!({ "priority": 1 }));
    is_strict::<SourcingPlanRequest>(json!({ "lines": [line] }));
    is_strict::<Coordinates>(json!({ "latitude": 52.5, "longitude": 13.4 }));
    is_strict::<RequestCountRequest>(json!({ "skus": ["TEA-01"], "by": "mia" }));
    is_strict::<RecordCountRequest>(json!({ "by": "tom", "lines": [line] }));
    is_strict::<CountedLine>(line.clone());
    is_strict::<RecountRequest>(json!({ "by": "mia" }));
    is_strict::<CountActRequest>(json!({ "by": "mia" }));
    is_strict::<CancelCountRequest>(json!({ "by": "mia" }));
    is_strict::<AssignBin>(json!({ "bin": "A-01-03-2" }));
    is_strict::<AdjustmentRequest>(json!({ "sku": "TEA-01", "delta": 1, "reasonCode": "found" }));
    let fate = json!({ "quantity": 1, "from": "DAMAGED", "to": "SCRAPPED", "reasonCode": "scrapped" });
    is_strict::<RegradeRequest>(fate);
    is_strict::<ReserveRequest>(json!({ "lines": [line] }));
    is_strict::<ReserveLine>(line.clone());
    is_strict::<BatchRequest>(json!({ "reservations": [] }));
    is_strict::<ExtendRequest>(json!({ "ttlSeconds": 1 }));
    is_strict::<TransferRequest>(json!({ "owner": "customer-7" }));
    is_strict::<ConsumeRequest>(json!({}));
    is_strict::<AvailabilityRequest>(json!({ "lines": [line] }));
    is_strict::<ShortReserveRequest>(json!({ "reservationId": "r", "quantity": 1 }));
    is_strict::<ShortReplenishRequest>(json!({ "quantity": 1 }));
    is_strict::<ShortReleaseRequest>(json!({ "reservationId": "r" }));
}
