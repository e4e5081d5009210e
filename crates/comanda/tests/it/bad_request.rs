//! Requests to the wrong place, in the wrong way, or about what does not exist: each gets a clear problem and changes nothing.

use serde_json::json;

use crate::shop::{Shop, pointer};

#[test]
fn a_wrong_method() {
    let shop = Shop::open();
    for (method, path, allowed) in [
        ("DELETE", "/v1/reservations/kept", &["GET"][..]),
        ("PUT", "/v1/skus", &["GET", "POST"]),
        ("GET", "/v1/reservations/kept/release", &["POST"]),
        ("POST", "/v1/skus/TEA", &["GET", "PATCH"]),
        ("GET", "/v1/availability:query", &["POST"]),
        ("POST", "/health", &["GET"]),
    ] {
        let answer = shop.changes_nothing(|server| server.request(method, path).send());
        answer.problem(405, "METHOD_NOT_ALLOWED");
        let allow = answer.header("allow").unwrap_or_else(|| panic!("{method} {path} without Allow"));
        for method in allowed {
            assert!(allow.split(',').any(|known| known.trim() == *method), "{path}: {allow}");
        }
    }
}

#[test]
fn a_path_that_does_not_exist() {
    let shop = Shop::open();
    shop.changes_nothing(|server| server.get("/v2/skus")).problem(404, "NOT_FOUND");
}

#[test]
fn an_unknown_sku() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(|server| server.reserve("r", "GONE", 1));
    assert_eq!(pointer(&answer, 404, "UNKNOWN_SKU"), "/lines/0/sku");
    shop.changes_nothing(|server| server.get("/v1/stock/GONE")).problem(404, "UNKNOWN_SKU");
    shop.changes_nothing(|server| server.get("/inventory/GONE")).problem(404, "UNKNOWN_SKU");
    let short = json!({"reservationId": "r", "quantity": 1});
    shop.changes_nothing(|server| server.post("/inventory/GONE/reserve", &short)).problem(404, "UNKNOWN_SKU");
    let adjustment = json!({"sku": "GONE", "delta": 1, "reasonCode": "found"});
    shop.changes_nothing(|server| server.post("/v1/stock/adjustments", &adjustment)).problem(404, "UNKNOWN_SKU");
}

#[test]
fn an_id_that_is_none() {
    let shop = Shop::open();
    let long = "a".repeat(129);
    for id in ["two%20words", "caf%C3%A9", "%22", long.as_str()] {
        for path in [format!("/v1/reservations/{id}"), format!("/v1/stock/{id}"), format!("/inventory/{id}")] {
            let answer = shop.changes_nothing(|server| server.get(&path));
            assert!(pointer(&answer, 422, "INVALID_FIELDS").starts_with('{'), "{path}");
        }
    }
    shop.changes_nothing(|server| server.get("/v1/stock/%ff")).problem(400, "INVALID_PARAMETER");
}

#[test]
fn wrong_parameters_of_lists() {
    let shop = Shop::open();
    for (path, status, code, field) in [
        ("/v1/stock?limit=0", 422, "INVALID_FIELDS", Some("?limit")),
        ("/v1/stock?limit=201", 422, "INVALID_FIELDS", Some("?limit")),
        ("/v1/stock/TEA/ledger?limit=-1", 422, "INVALID_FIELDS", Some("?limit")),
        ("/v1/stock?cursor=made-up", 400, "INVALID_PARAMETER", Some("?cursor")),
        ("/v1/stock?limit=many", 400, "INVALID_PARAMETER", None),
        ("/v1/stock?colour=red", 400, "INVALID_PARAMETER", None),
    ] {
        let problem = shop.changes_nothing(|server| server.get(path)).problem(status, code);
        if let Some(field) = field {
            assert_eq!(problem.errors[0].pointer, field);
        }
    }
}

#[test]
fn headers_that_cannot_be_read() {
    let shop = Shop::open();
    for (header, value) in
        [("idempotency-key", "two words"), ("idempotency-key", ""), ("if-match", "12"), ("if-match", "\"1\", \"2\"")]
    {
        let answer = shop.changes_nothing(|server| {
            let body = json!({"sku": "TEA", "delta": 1, "reasonCode": "found"});
            server.request("POST", "/v1/stock/adjustments").header(header, value).json(&body).send()
        });
        assert_eq!(pointer(&answer, 400, "INVALID_HEADER").to_lowercase(), header);
    }
}
