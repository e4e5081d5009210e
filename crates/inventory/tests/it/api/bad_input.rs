//! Bad input, one kind at a time: each has its status and code, says where it is wrong, and changes nothing.

use axum::body::Body;
use axum::http::{Method, Request};
use comanda_contracts::{BatchAnswer, Problem};
use serde_json::{Value, json};

use super::shop::{Answer, Shop};

/// Sends a bad reservation; checks that the stock is as before.
async fn refused(body: impl Into<Vec<u8>>, status: u16, code: &str) -> Problem {
    let shop = Shop::open().await;
    let before = shop.stock("TEA").await;
    let problem = shop.post_raw("/v1/reservations", body).await.problem(status, code);
    assert_eq!(shop.stock("TEA").await, before);
    problem
}

async fn refused_line(line: Value, status: u16, code: &str) -> String {
    let problem = refused(json!({ "lines": [line] }).to_string(), status, code).await;
    problem.errors.first().map(|error| error.pointer.clone()).unwrap_or_default()
}

#[tokio::test]
async fn an_orders_reservation_may_be_read_and_not_touched() {
    let shop = Shop::open().await;
    shop.get("/v1/reservations/o1~1").await.problem(404, "UNKNOWN_RESERVATION");
    shop.get("/inventory/reservations/o1~1").await.problem(404, "UNKNOWN_RESERVATION");
    let line = json!({ "sku": "TEA", "quantity": 1 });
    for (path, body) in [
        ("/v1/reservations", json!({ "reservationId": "o1~1", "lines": [line] })),
        ("/v1/reservations/o1~1/confirm", json!({})),
        ("/v1/reservations/o1~1/release", json!({})),
        ("/v1/reservations/o1~1/extend", json!({ "ttlSeconds": 9 })),
        ("/v1/reservations/o1~1/consume", json!({})),
        ("/inventory/TEA/reserve", json!({ "reservationId": "o1~1", "quantity": 1 })),
        ("/inventory/TEA/release", json!({ "reservationId": "o1~1" })),
    ] {
        let problem = shop.post(path, body).await.problem(422, "INVALID_FIELDS");
        assert!(problem.errors[0].pointer.contains("reservationId"), "{path}: {problem:?}");
    }
    let batch = json!({ "reservations": [{ "reservationId": "o1~1", "lines": [line] }] });
    let answer: BatchAnswer = shop.post("/v1/reservations:batch", batch).await.expect(200).json();
    assert_eq!(answer.outcomes[0].status, 422);
    assert_eq!(shop.stock("TEA").await.available, 10);
}

#[tokio::test]
async fn malformed_json() {
    let problem = refused(r#"{"lines":[{"sku":"TEA","quantity":1}"#, 400, "MALFORMED_JSON").await;
    assert!(problem.detail.contains("line 1 column 36"), "{}", problem.detail);
    refused("", 400, "MALFORMED_JSON").await;
    refused(vec![0xff, 0xfe], 400, "MALFORMED_JSON").await;
}

#[tokio::test]
async fn trailing_garbage() {
    refused(r#"{"lines":[{"sku":"TEA","quantity":1}]} {}"#, 400, "MALFORMED_JSON").await;
}

#[tokio::test]
async fn an_unknown_field() {
    assert_eq!(refused_line(json!({ "sku": "TEA", "qty": 1 }), 400, "WRONG_SHAPE").await, "/lines/0/qty");
    assert_eq!(refused(r#"{"lines":[],"ttl":1}"#, 400, "WRONG_SHAPE").await.errors[0].pointer, "/ttl",);
}

#[tokio::test]
async fn a_missing_field() {
    assert_eq!(refused_line(json!({ "sku": "TEA" }), 400, "WRONG_SHAPE").await, "/lines/0/quantity");
}

#[tokio::test]
async fn negative_zero_and_huge_quantities() {
    for quantity in [-1, 0, 1_000_000_001, i64::MAX, i64::MIN] {
        let line = json!({ "sku": "TEA", "quantity": quantity });
        assert_eq!(refused_line(line, 422, "INVALID_FIELDS").await, "/lines/0/quantity");
    }
    for beyond in ["1e30", "99999999999999999999", "-99999999999999999999"] {
        let body = format!(r#"{{"lines":[{{"sku":"TEA","quantity":{beyond}}}]}}"#);
        assert_eq!(refused(body, 400, "WRONG_SHAPE").await.errors[0].pointer, "/lines/0/quantity");
    }
}

#[tokio::test]
async fn fractional_and_textual_quantities() {
    for quantity in [json!(1.5), json!("1"), json!(true), json!(null), json!([1])] {
        let line = json!({ "sku": "TEA", "quantity": quantity });
        assert_eq!(refused_line(line, 400, "WRONG_SHAPE").await, "/lines/0/quantity");
    }
}

#[tokio::test]
async fn every_wrong_field_is_named_at_once() {
    let body = json!({
        "reservationId": "two words", "ttlSeconds": 0,
        "lines": [{ "sku": "", "quantity": 0 }, { "sku": "TEA", "quantity": 1, "locationId": "a/b" }],
    });
    let problem = refused(body.to_string(), 422, "INVALID_FIELDS").await;
    let mut pointers: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
    pointers.sort_unstable();
    let expected = ["/lines/0/quantity", "/lines/0/sku", "/lines/1/locationId", "/reservationId", "/ttlSeconds"];
    assert_eq!(pointers, expected);
}

#[tokio::test]
async fn no_lines_too_many_lines_and_one_id_twice() {
    assert_eq!(refused(r#"{"lines":[]}"#, 422, "INVALID_FIELDS").await.errors[0].pointer, "/lines");
    let lines = vec![json!({ "sku": "TEA", "quantity": 1 }); 2_001];
    let body = json!({ "lines": lines }).to_string();
    assert!(body.len() < 64 * 1024, "it is refused for its lines, not for its bytes");
    assert_eq!(refused(body, 422, "INVALID_FIELDS").await.errors[0].pointer, "/lines");
    let line = json!({ "lineId": "a", "sku": "TEA", "quantity": 1 });
    let twice = json!({ "lines": [line, line] }).to_string();
    assert_eq!(refused(twice, 422, "INVALID_FIELDS").await.errors[0].pointer, "/lines/1/lineId");
}

#[tokio::test]
async fn a_time_to_live_out_of_range() {
    for seconds in [0, -1, 604_801, i64::MAX] {
        let body = json!({ "ttlSeconds": seconds, "lines": [{ "sku": "TEA", "quantity": 1 }] });
        let problem = refused(body.to_string(), 422, "INVALID_FIELDS").await;
        assert_eq!(problem.errors[0].pointer, "/ttlSeconds");
    }
}

#[tokio::test]
async fn a_body_of_a_mebibyte() {
    let body = json!({ "lines": [{ "sku": "x".repeat(1024 * 1024), "quantity": 1 }] });
    refused(body.to_string(), 413, "BODY_TOO_LARGE").await;
}

#[tokio::test]
async fn deep_nesting() {
    refused("[".repeat(60_000), 400, "WRONG_SHAPE").await;
    refused(format!(r#"{{"lines":{}"#, "[".repeat(60_000)), 400, "WRONG_SHAPE").await;
    refused(r#"{"lines":[{"sku":"#.repeat(3_000), 400, "WRONG_SHAPE").await;
}

#[tokio::test]
async fn the_wrong_content_type() {
    let shop = Shop::open().await;
    for kind in ["text/plain", "application/xml", ""] {
        let body = Body::from(r#"{"lines":[{"sku":"TEA","quantity":1}]}"#);
        let request = Request::post("/v1/reservations").header("content-type", kind).body(body).unwrap();
        shop.send(request).await.problem(415, "UNSUPPORTED_MEDIA_TYPE");
    }
    assert_eq!(shop.stock("TEA").await.reserved, 0);
}

#[tokio::test]
async fn the_wrong_method_and_path() {
    let shop = Shop::open().await;
    let answer = shop.request(Method::DELETE, "/v1/reservations:batch", None, &[]).await;
    assert_eq!(answer.header("allow"), "POST");
    answer.problem(405, "METHOD_NOT_ALLOWED");
    let answer = shop.request(Method::PUT, "/v1/stock/TEA", None, &[]).await;
    assert_eq!(answer.header("allow"), "GET,HEAD");
    answer.problem(405, "METHOD_NOT_ALLOWED");
    shop.get("/v2/stock").await.problem(404, "NOT_FOUND");
}

#[tokio::test]
async fn an_unknown_sku_or_location() {
    let shop = Shop::open().await;
    let line = json!({ "sku": "TEA", "quantity": 1 });
    let body = json!({ "lines": [line, { "sku": "NONE", "quantity": 1 }] });
    let problem = shop.post("/v1/reservations", body).await.problem(404, "UNKNOWN_SKU");
    assert_eq!(problem.errors[0].pointer, "/lines/1/sku");
    let body = json!({ "lines": [{ "sku": "TEA", "quantity": 1, "locationId": "nowhere" }] });
    shop.post("/v1/reservations", body).await.problem(404, "UNKNOWN_LOCATION");
    let adjustment = json!({ "sku": "NONE", "delta": 1, "reasonCode": "found" });
    shop.post("/v1/stock/adjustments", adjustment).await.problem(404, "UNKNOWN_SKU");
    shop.get("/v1/stock/NONE").await.problem(404, "UNKNOWN_SKU");
    shop.get("/v1/stock/NONE/ledger").await.problem(404, "UNKNOWN_SKU");
    shop.get("/v1/skus/NONE").await.problem(404, "UNKNOWN_SKU");
    assert_eq!(shop.stock("TEA").await.reserved, 0);
}

#[tokio::test]
async fn ids_in_the_path_that_are_none() {
    let shop = Shop::open().await;
    for path in ["/v1/stock/two%20words", "/v1/stock/a%2Fb", "/v1/skus/%C3%A9", "/inventory/a%0Ab"] {
        let problem = shop.get(path).await.problem(422, "INVALID_FIELDS");
        assert_eq!(problem.errors[0].pointer, "{sku}", "{path}");
    }
    shop.get("/v1/stock/%ff").await.problem(400, "INVALID_PARAMETER");
    shop.get(&format!("/v1/reservations/{}", "x".repeat(129))).await.problem(422, "INVALID_FIELDS");
    shop.act("/v1/reservations/a%20b/release").await.problem(422, "INVALID_FIELDS");
}

#[tokio::test]
async fn an_empty_batch_and_one_of_a_thousand_and_one() {
    let shop = Shop::open().await;
    let item = json!({ "lines": [{ "sku": "TEA", "quantity": 1 }] });
    for count in [0, 1_001] {
        let body = json!({ "reservations": vec![item.clone(); count] });
        let problem = shop.post("/v1/reservations:batch", body).await.problem(422, "INVALID_FIELDS");
        assert_eq!(problem.errors[0].pointer, "/reservations");
    }
    let lines = json!({ "lines": vec![json!({ "sku": "TEA", "quantity": 1 }); 1_001] });
    let body = json!({ "reservations": [lines, lines] });
    shop.post("/v1/reservations:batch", body).await.problem(422, "INVALID_FIELDS");
    shop.post_raw("/v1/reservations:batch", vec![b' '; 256 * 1024 + 1]).await.problem(413, "BODY_TOO_LARGE");
    assert_eq!(shop.stock("TEA").await.reserved, 0);
}

#[tokio::test]
async fn repeated_and_expired_ids() {
    let shop = Shop::open().await;
    shop.hold("r", 2).await.expect(201);
    shop.hold("r", 3).await.problem(409, "ID_CONFLICT");
    assert_eq!(shop.stock("TEA").await.reserved, 2);
    shop.clock.advance(std::time::Duration::from_secs(901));
    let problem = shop.hold("r", 2).await.problem(409, "RESERVATION_ENDED");
    assert_eq!(problem.state.as_deref(), Some("EXPIRED"));
    assert_eq!(shop.stock("TEA").await.reserved, 0);
}

#[tokio::test]
async fn a_body_where_none_belongs() {
    let shop = Shop::open().await;
    shop.hold("r", 2).await.expect(201);
    shop.post("/v1/reservations/r/confirm", json!({ "sure": true })).await.problem(400, "WRONG_SHAPE");
    shop.post_raw("/v1/reservations/r/release", "{").await.problem(400, "MALFORMED_JSON");
    assert_eq!(shop.stock("TEA").await.reserved, 2);
    shop.post("/v1/reservations/r/confirm", json!({})).await.expect(200);
}

#[tokio::test]
async fn an_adjustment_that_is_neither_or_both() {
    let shop = Shop::open().await;
    let cases = [
        (json!({}), "/delta"),
        (json!({ "delta": 1, "set": 2, "expected": 1 }), "/delta"),
        (json!({ "set": 2 }), "/expected"),
        (json!({ "expected": 2 }), "/expected"),
        (json!({ "delta": 0 }), "/delta"),
        (json!({ "set": -1, "expected": 10 }), "/set"),
    ];
    for (mut body, pointer) in cases {
        body["sku"] = "TEA".into();
        body["reasonCode"] = "correction".into();
        let problem = shop.post("/v1/stock/adjustments", body).await.problem(422, "INVALID_FIELDS");
        assert_eq!(problem.errors[0].pointer, pointer);
    }
    let body = json!({ "sku": "TEA", "delta": 1, "reasonCode": "because" });
    let problem = shop.post("/v1/stock/adjustments", body).await.problem(400, "WRONG_SHAPE");
    assert_eq!(problem.errors[0].pointer, "/reasonCode");
    assert_eq!(shop.stock("TEA").await.on_hand, 10);
}

#[tokio::test]
async fn parameters_and_headers_that_cannot_be_read() {
    let shop = Shop::open().await;
    shop.get("/v1/stock?limit=0").await.problem(422, "INVALID_FIELDS");
    shop.get("/v1/stock?limit=201").await.problem(422, "INVALID_FIELDS");
    shop.get("/v1/stock?limit=many").await.problem(400, "INVALID_PARAMETER");
    shop.get("/v1/stock?colour=green").await.problem(400, "INVALID_PARAMETER");
    shop.get("/v1/stock?cursor=abc").await.problem(400, "INVALID_PARAMETER");
    shop.get("/v1/stock/TEA/ledger?cursor=abc").await.problem(400, "INVALID_PARAMETER");
    let with =
        async |name, value| -> Answer { shop.request(Method::GET, "/v1/stock/TEA", None, &[(name, value)]).await };
    with("consistency-token", "mine").await.problem(400, "INVALID_HEADER");
    let foreign = "00000000000000000000000000000000:0.1";
    with("consistency-token", foreign).await.problem(400, "FOREIGN_TOKEN");
    let body = json!({ "lines": [{ "sku": "TEA", "quantity": 1 }] });
    let answer = shop.post_with("/v1/reservations", body, &[("idempotency-key", "two words")]).await;
    answer.problem(400, "INVALID_HEADER");
    assert_eq!(shop.stock("TEA").await.reserved, 0);
}
