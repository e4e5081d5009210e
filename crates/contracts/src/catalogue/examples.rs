//! An example of every contract event's `data`: one order of two lines, from request to return.

use serde_json::{Value, json};

const ORDER: &str = "ORD-1001";
const RESERVATION: &str = "ORD-1001~1";
const SHIPMENT: &str = "SHP-1001";

/// The tea, three units; and the one cup there was of the two that were ordered.
fn shipped() -> Value {
    json!([{ "lineId": "1", "quantity": 3 }, { "lineId": "2", "quantity": 1 }])
}

/// The cup that was missing.
fn missing() -> Value {
    json!([{ "lineId": "2", "quantity": 1 }])
}

pub(super) fn stock_reserved() -> Value {
    let tea = json!([
        { "locationId": "main", "quantity": 2, "bin": "A-04-12-2" },
        { "locationId": "north", "quantity": 1 },
    ]);
    json!({
        "reservationId": RESERVATION,
        "orderId": ORDER,
        "attempt": 1,
        "lines": [
            { "lineId": "1", "sku": "TEA-01", "requested": 3, "reserved": 3, "allocations": tea },
            {
                "lineId": "2", "sku": "CUP-07", "requested": 2, "reserved": 1,
                "allocations": [{ "locationId": "main", "quantity": 1 }], "code": "INSUFFICIENT_STOCK",
            },
        ],
    })
}

pub(super) fn stock_reservation_rejected() -> Value {
    json!({
        "reservationId": RESERVATION,
        "orderId": ORDER,
        "attempt": 1,
        "code": "INSUFFICIENT_STOCK",
        "shortfalls": [{ "lineId": "2", "sku": "CUP-07", "requested": 2, "available": 1 }],
    })
}

pub(super) fn reservation_released() -> Value {
    json!({ "reservationId": RESERVATION, "orderId": ORDER, "lines": shipped(), "ended": true })
}

pub(super) fn reservation_consumed() -> Value {
    json!({ "reservationId": RESERVATION, "orderId": ORDER, "reference": SHIPMENT, "lines": shipped() })
}

pub(super) fn stock_became_available() -> Value {
    json!({ "sku": "CUP-07", "locationId": "main", "quantity": 40 })
}

pub(super) fn reserve_stock_requested() -> Value {
    json!({
        "reservationId": RESERVATION,
        "orderId": ORDER,
        "attempt": 1,
        "allowPartial": true,
        "lines": [
            { "lineId": "1", "sku": "TEA-01", "quantity": 3 },
            { "lineId": "2", "sku": "CUP-07", "quantity": 2, "excludeLocations": ["south"] },
        ],
    })
}

pub(super) fn release_reservation_requested() -> Value {
    json!({
        "reservationId": RESERVATION,
        "orderId": ORDER,
        "lines": [{ "lineId": "2", "quantity": 1, "locationId": "main" }],
    })
}

pub(super) fn consume_reservation_requested() -> Value {
    json!({
        "reservationId": RESERVATION,
        "orderId": ORDER,
        "reference": SHIPMENT,
        "lines": [
            { "lineId": "1", "quantity": 2, "locationId": "main" },
            { "lineId": "1", "quantity": 1, "locationId": "north" },
            { "lineId": "2", "quantity": 1, "locationId": "main" },
        ],
    })
}

pub(super) fn goods_returned() -> Value {
    json!({
        "returnId": "RET-1001",
        "orderId": ORDER,
        "lines": [{ "lineId": "1", "sku": "TEA-01", "quantity": 1, "locationId": "main", "disposition": "RESTOCK" }],
    })
}

pub(super) fn order_placed() -> Value {
    json!({
        "orderId": ORDER,
        "lines": [
            { "lineId": "1", "sku": "TEA-01", "quantity": 3 },
            { "lineId": "2", "sku": "CUP-07", "quantity": 2 },
        ],
    })
}

pub(super) fn order_reserved() -> Value {
    json!({ "orderId": ORDER, "complete": false, "lines": shipped() })
}

pub(super) fn order_backordered() -> Value {
    json!({ "orderId": ORDER, "lines": missing() })
}

pub(super) fn order_rejected() -> Value {
    let lines = json!([{ "lineId": "2", "quantity": 1, "code": "INSUFFICIENT_STOCK" }]);
    json!({ "orderId": ORDER, "complete": false, "lines": lines })
}

pub(super) fn order_cancelled() -> Value {
    json!({ "orderId": ORDER, "complete": false, "lines": missing() })
}

pub(super) fn order_ready_to_ship() -> Value {
    json!({ "orderId": ORDER })
}

pub(super) fn shipment_booked() -> Value {
    json!({ "shipmentId": SHIPMENT, "orderId": ORDER, "carrier": "parcel", "trackingNumber": "PX-000-117" })
}

pub(super) fn shipment_dispatched() -> Value {
    json!({ "shipmentId": SHIPMENT, "orderId": ORDER, "lines": shipped() })
}

pub(super) fn shipment_delivered() -> Value {
    json!({ "shipmentId": SHIPMENT, "orderId": ORDER })
}
