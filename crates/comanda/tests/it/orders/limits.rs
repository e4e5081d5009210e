//! Backorder limits and orders: a cart may be promised what is not there, an order gets what can be picked and waits.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::server::Server;

/// A backorder asks again by itself after ten seconds: what comes sooner was told.
const TOLD: Duration = Duration::from_secs(9);

/// A server with 2 TEA on hand, 5 more expected, and a limit of 9 beyond.
fn limited() -> Server {
    let server = Server::start();
    server.stocked("TEA", 2);
    let lines = json!([{"sku": "TEA", "quantity": 5}]);
    let expected_at = "2030-03-09T09:00:00Z";
    let announced = json!({"receiptId": "po-1", "state": "EXPECTED", "expectedAt": expected_at, "lines": lines});
    server.post("/v1/receipts", &announced).is(201);
    server.request("PUT", "/v1/skus/TEA/backorders").json(&json!({"limit": 9})).send().is(200);
    server
}

#[test]
fn an_order_is_given_what_is_there_and_a_receipt_brings_the_rest() {
    let server = limited();
    server.place_by("o", "BACKORDER", &[("TEA", 4)]).is(202);
    server.becomes("o", "PARTIALLY_RESERVED");
    assert_eq!(server.counters("TEA"), (2, 0, 2, 0), "the limit of 9 is not for orders");
    let told = Instant::now();
    server.post("/v1/receipts/po-1/receive", &json!({"deliveryId": "truck-1"})).is(200);
    server.becomes("o", "RESERVED");
    assert!(told.elapsed() < TOLD, "it was told: {:?}", told.elapsed());
    assert_eq!(server.counters("TEA"), (7, 0, 4, 3));
    server.stop().verifies();
}

#[test]
fn what_carts_are_promised_beyond_stock_no_order_takes_from_them() {
    let server = limited();
    let cart = server.reserve("cart", "TEA", 6).is(201).json();
    assert_eq!(cart["lines"][0]["backordered"], 4);
    server.place_by("o", "BACKORDER", &[("TEA", 2)]).is(202);
    server.becomes("o", "BACKORDERED");
    server.post("/v1/receipts/po-1/receive", &json!({"deliveryId": "truck-1"})).is(200);
    server.becomes("o", "PARTIALLY_RESERVED");
    assert_eq!(server.counters("TEA"), (7, 6, 1, 0), "the cart has its six, the order what is left");
    let picked: Value = server.get("/v1/orders/o").is(200).json();
    assert_eq!(picked["lines"][0]["allocations"][0]["quantity"], 1, "what it can pick");
    server.stop().verifies();
}
