//! Bodies that are wrong: each gets a clear problem with the right status, and changes nothing.

use serde_json::{Value, json};

use crate::http::{Answer, Wire};
use crate::server::Server;
use crate::shop::{Shop, pointer};

fn reserve_text(body: &'static str) -> impl FnOnce(&Server) -> Answer {
    move |server| server.request("POST", "/v1/reservations").body("application/json", body).send()
}

/// The field pointed to when `quantity`, as JSON, is asked for.
#[track_caller]
fn quantity(quantity: &str, status: u16, code: &str) {
    let shop = Shop::open();
    let body = format!(r#"{{"reservationId":"r","lines":[{{"sku":"TEA","quantity":{quantity}}}]}}"#);
    let answer = shop.changes_nothing(|server| {
        let reserve = server.request("POST", "/v1/reservations").body("application/json", body.clone()).send();
        let short = format!(r#"{{"reservationId":"r","quantity":{quantity}}}"#);
        let short = server.request("POST", "/inventory/TEA/reserve").body("application/json", short).send();
        assert_eq!(pointer(&short, status, code), "/quantity");
        reserve
    });
    assert_eq!(pointer(&answer, status, code), "/lines/0/quantity");
}

#[test]
fn malformed_json() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(reserve_text(r#"{"reservationId":"r","lines":[{"sku":"TEA","quantity":1}"#));
    assert!(answer.problem(400, "MALFORMED_JSON").detail.contains("line 1 column"));
}

#[test]
fn an_empty_body() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(|server| server.poke("/v1/reservations"));
    // Without a body there is no content type either, and either may be named.
    assert!(matches!(answer.status, 400 | 415), "{answer:?}");
    shop.changes_nothing(reserve_text("")).problem(400, "MALFORMED_JSON");
}

#[test]
fn bytes_that_are_no_text() {
    let shop = Shop::open();
    let body: Vec<u8> = vec![b'{', b'"', 0xff, 0xfe, b'"', b':', b'1', b'}'];
    let answer =
        shop.changes_nothing(|server| server.request("POST", "/v1/skus").body("application/json", body.clone()).send());
    answer.problem(400, "MALFORMED_JSON");
}

#[test]
fn an_unknown_field() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(reserve_text(r#"{"lines":[{"sku":"TEA","quantity":1,"colour":"red"}]}"#));
    assert_eq!(pointer(&answer, 400, "WRONG_SHAPE"), "/lines/0/colour");
    let answer = shop.changes_nothing(|server| server.post("/v1/skus", &json!({"sku": "MUG", "price": 3})));
    assert_eq!(pointer(&answer, 400, "WRONG_SHAPE"), "/price");
}

#[test]
fn a_body_that_is_no_object() {
    let shop = Shop::open();
    for body in ["[]", "null", "7", "\"text\""] {
        let answer = shop.changes_nothing(reserve_text(body));
        assert_eq!(pointer(&answer, 400, "WRONG_SHAPE"), "", "{body}");
        assert!(answer.problem(400, "WRONG_SHAPE").detail.starts_with("invalid"), "{answer:?}");
    }
}

#[test]
fn a_field_that_is_there_twice() {
    let shop = Shop::open();
    let body = r#"{"reservationId":"a","reservationId":"b","lines":[{"sku":"TEA","quantity":1}]}"#;
    shop.changes_nothing(reserve_text(body)).problem(400, "WRONG_SHAPE");
}

#[test]
fn a_missing_field() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(reserve_text(r#"{"lines":[{"sku":"TEA"}]}"#));
    assert_eq!(pointer(&answer, 400, "WRONG_SHAPE"), "/lines/0/quantity");
}

#[test]
fn a_negative_quantity() {
    quantity("-1", 422, "INVALID_FIELDS");
}

#[test]
fn a_quantity_of_zero() {
    quantity("0", 422, "INVALID_FIELDS");
}

#[test]
fn a_huge_quantity() {
    quantity("1000000001", 422, "INVALID_FIELDS");
    quantity("9223372036854775807", 422, "INVALID_FIELDS");
}

#[test]
fn a_quantity_beyond_every_number() {
    quantity("100000000000000000000", 400, "WRONG_SHAPE");
}

#[test]
fn a_fractional_quantity() {
    quantity("1.5", 400, "WRONG_SHAPE");
}

#[test]
fn a_quantity_as_text() {
    quantity("\"1\"", 400, "WRONG_SHAPE");
}

#[test]
fn a_reservation_without_lines() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(reserve_text(r#"{"reservationId":"r","lines":[]}"#));
    assert_eq!(pointer(&answer, 422, "INVALID_FIELDS"), "/lines");
}

#[test]
fn every_wrong_field_is_named_at_once() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(|server| {
        let body = json!({"reservationId": "two words", "ttlSeconds": 0, "lines": [{"sku": "", "quantity": 0}]});
        server.post("/v1/reservations", &body)
    });
    let mut pointers: Vec<_> = answer.problem(422, "INVALID_FIELDS").errors.into_iter().map(|e| e.pointer).collect();
    pointers.sort();
    assert_eq!(pointers, ["/lines/0/quantity", "/lines/0/sku", "/reservationId", "/ttlSeconds"]);
}

fn batch(count: usize) -> Value {
    let item = |n: usize| json!({"reservationId": format!("r{n}"), "lines": [{"sku": "TEA", "quantity": 1}]});
    json!({"reservations": (0..count).map(item).collect::<Vec<_>>()})
}

#[test]
fn an_empty_batch() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(|server| server.post("/v1/reservations:batch", &batch(0)));
    assert_eq!(pointer(&answer, 422, "INVALID_FIELDS"), "/reservations");
}

#[test]
fn a_batch_of_1001_items() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(|server| server.post("/v1/reservations:batch", &batch(1_001)));
    assert_eq!(pointer(&answer, 422, "INVALID_FIELDS"), "/reservations");
}

#[test]
fn a_body_of_one_mebibyte_is_answered_after_it_was_sent() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(|server| {
        let body = format!(r#"{{"reservationId":"{}"}}"#, "r".repeat(1 << 20));
        let head = "POST /v1/reservations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
        let mut wire = Wire::connect(server.addr);
        // All of it is written before the answer is read, as most clients do.
        wire.send(format!("{head}content-length: {}\r\n\r\n", body.len()).as_bytes());
        wire.send(body.as_bytes());
        let answer = wire.answer();
        // The connection is as good as before.
        wire.send(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n");
        wire.answer().is(200);
        answer
    });
    answer.problem(413, "BODY_TOO_LARGE");
}

#[test]
fn a_body_that_waits_for_a_go_ahead_is_refused_before_it_is_sent() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(|server| {
        let mut wire = Wire::connect(server.addr);
        let head = "POST /v1/reservations HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n";
        wire.send(format!("{head}expect: 100-continue\r\ncontent-length: 1048576\r\n\r\n").as_bytes());
        wire.answer()
    });
    answer.problem(413, "BODY_TOO_LARGE");
}

#[test]
fn a_wrong_content_type() {
    let shop = Shop::open();
    for kind in ["text/plain", "application/x-www-form-urlencoded", "application/xml"] {
        let answer = shop.changes_nothing(|server| {
            let body = r#"{"lines":[{"sku":"TEA","quantity":1}]}"#;
            server.request("POST", "/v1/reservations").body(kind, body).send()
        });
        assert_eq!(pointer(&answer, 415, "UNSUPPORTED_MEDIA_TYPE"), "Content-Type");
    }
}

#[test]
fn a_line_id_twice() {
    let shop = Shop::open();
    let answer = shop.changes_nothing(|server| {
        let line = json!({"lineId": "a", "sku": "TEA", "quantity": 1});
        server.post("/v1/reservations", &json!({"reservationId": "r", "lines": [line, line]}))
    });
    assert_eq!(pointer(&answer, 422, "INVALID_FIELDS"), "/lines/1/lineId");
}

#[test]
fn deep_nesting() {
    let shop = Shop::open();
    let deep = "[".repeat(30_000);
    for body in [deep.clone(), format!(r#"{{"lines":{deep}"#), format!(r#"{{"lines":[{{"sku":{deep}"#)] {
        let answer = shop.changes_nothing(|server| {
            server.request("POST", "/v1/reservations").body("application/json", body.clone()).send()
        });
        assert_eq!(answer.status, 400);
        assert!(answer.read::<comanda_contracts::Problem>().code.len() > 3);
    }
}
