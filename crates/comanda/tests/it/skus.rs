//! SKUs and locations: registered, repeated, changed, listed.

use comanda_contracts::{Location, Page, Sku, StockAtLocation};
use serde_json::json;

use crate::server::Server;

#[test]
fn a_sku_is_registered_once_however_often_it_is_sent() {
    let server = Server::start();
    let body = json!({"sku": "TEA", "name": "Tea", "safetyStock": 2, "backorderLimit": 3});
    let first = server.post("/v1/skus", &body).is(201);
    assert!(!first.is_replayed());
    assert_eq!(first.header("location"), Some("/v1/skus/TEA"));
    let sku: Sku = first.read();
    assert_eq!((sku.sku.as_str(), sku.name.as_deref()), ("TEA", Some("Tea")));
    assert_eq!((sku.safety_stock, sku.backorder_limit, sku.version), (2, 3, 1));

    let again = server.post("/v1/skus", &body).is(201);
    assert!(again.is_replayed());
    assert_eq!(again.body, first.body);
    let other = server.post("/v1/skus", &json!({"sku": "TEA", "name": "Coffee"}));
    assert_eq!(other.problem(409, "ID_CONFLICT").instance.as_deref(), Some("/v1/skus/TEA"));
    let read = server.get_after("/v1/skus/TEA", &first.token()).is(200);
    assert_eq!(read.read::<Sku>(), sku);
}

#[test]
fn a_change_of_a_sku_names_the_version_it_has_read() {
    let server = Server::start();
    let etag = server.post("/v1/skus", &json!({"sku": "TEA"})).is(201).etag();
    let patch =
        |if_match: &str, body| server.request("PATCH", "/v1/skus/TEA").header("if-match", if_match).json(&body).send();
    let changed = patch(&etag, json!({"safetyStock": 5})).is(200);
    assert_eq!(changed.read::<Sku>().safety_stock, 5);
    let stale = patch(&etag, json!({"safetyStock": 6})).problem(412, "VERSION_MISMATCH");
    assert_eq!((stale.expected, stale.actual), (Some(1), Some(2)));
    patch(&changed.etag(), json!({"name": "Tea"})).is(200);
    let last = patch("*", json!({"backorderLimit": 1})).is(200);
    let sku: Sku = server.get_after("/v1/skus/TEA", &last.token()).is(200).read();
    assert_eq!((sku.name.as_deref(), sku.safety_stock, sku.backorder_limit), (Some("Tea"), 5, 1));
    server.request("PATCH", "/v1/skus/GONE").json(&json!({"safetyStock": 1})).send().problem(404, "UNKNOWN_SKU");
}

#[test]
fn safety_stock_is_not_sold_and_a_backorder_limit_is() {
    let server = Server::start();
    server.post("/v1/skus", &json!({"sku": "SAFE", "safetyStock": 3})).is(201);
    server.received("SAFE", "main", 5);
    let short = server.reserve("a", "SAFE", 3).problem(409, "INSUFFICIENT_STOCK");
    assert_eq!((short.shortfalls[0].requested, short.shortfalls[0].available), (3, 2));
    server.reserve("b", "SAFE", 2).is(201);

    server.post("/v1/skus", &json!({"sku": "LATER", "backorderLimit": 4})).is(201);
    server.received("LATER", "main", 1);
    server.reserve("c", "LATER", 5).is(201);
    server.reserve("d", "LATER", 1).problem(409, "INSUFFICIENT_STOCK");
    assert_eq!(server.counters("LATER"), (1, 5, 0, -4));
    let lowered = server.request("PATCH", "/v1/skus/LATER").json(&json!({"backorderLimit": 3})).send();
    lowered.problem(409, "STOCK_PROMISED");
}

#[test]
fn main_exists_and_further_locations_are_registered() {
    let server = Server::start();
    server.stocked("TEA", 3);
    let body = json!({"locationId": "berlin", "name": "Berlin"});
    let first = server.post("/v1/locations", &body).is(201);
    assert!(server.post("/v1/locations", &body).is(201).is_replayed());
    server.post("/v1/locations", &json!({"locationId": "berlin", "name": "Bonn"})).problem(409, "ID_CONFLICT");
    let locations = server.get_after("/v1/locations", &first.token()).is(200).read::<Page<Location>>().items;
    assert_eq!(locations.iter().map(|l| l.location_id.as_str()).collect::<Vec<_>>(), ["berlin", "main"]);

    let token = server.received("TEA", "berlin", 4);
    let there = server.get_after("/v1/locations/berlin/stock", &token).is(200).read::<Page<StockAtLocation>>().items;
    assert_eq!((there.len(), there[0].on_hand, there[0].available), (1, 4, 4));
    let stock = server.stock("TEA");
    assert_eq!(
        stock.locations.iter().map(|l| (l.location_id.as_str(), l.on_hand)).collect::<Vec<_>>(),
        [("berlin", 4), ("main", 3)]
    );
    let nowhere = json!({"sku": "TEA", "locationId": "atlantis", "delta": 1, "reasonCode": "found"});
    server.post("/v1/stock/adjustments", &nowhere).problem(404, "UNKNOWN_LOCATION");
    assert_eq!(server.get("/v1/locations/atlantis/stock").is(200).json(), json!({"items": []}));
}

#[test]
fn a_line_may_say_where_its_units_must_come_from() {
    let server = Server::start();
    server.stocked("TEA", 3);
    server.post("/v1/locations", &json!({"locationId": "berlin"})).is(201);
    server.received("TEA", "berlin", 1);
    let line = |quantity| json!({"lines": [{"sku": "TEA", "quantity": quantity, "locationId": "berlin"}]});
    let short = server.post("/v1/reservations", &line(2)).problem(409, "INSUFFICIENT_STOCK");
    assert_eq!((short.shortfalls[0].location_id.as_deref(), short.shortfalls[0].available), (Some("berlin"), 1));
    let held = server.post("/v1/reservations", &line(1)).is(201).json();
    assert_eq!(held["lines"][0]["allocations"], json!([{"locationId": "berlin", "quantity": 1}]));
    // Without a place, what is asked for may come from several.
    server.received("TEA", "berlin", 1);
    let both = server.reserve("both", "TEA", 4).is(201).json();
    let places = both["lines"][0]["allocations"].as_array().unwrap();
    assert_eq!(places.iter().map(|place| place["quantity"].as_i64().unwrap()).sum::<i64>(), 4);
    assert_eq!(places.len(), 2);
}
