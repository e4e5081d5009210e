//! Wrong requests about orders: each is refused with a status, a code and the field that is wrong, and changes nothing.

use comanda_contracts::Problem;
use serde_json::{Value, json};

use super::counter::order;
use crate::http::Answer;
use crate::server::Server;

/// A shop with one order that is reserved, and how far its logs have come.
struct Shop {
    server: Server,
    heads: Vec<String>,
}

impl Shop {
    fn open() -> Self {
        let server = Server::start();
        server.stocked("TEA", 10);
        server.place("o", &[("TEA", 2)]).is(202);
        server.becomes("o", "RESERVED");
        Self { heads: server.heads(), server }
    }

    /// Sends what is wrong, sees that it is refused so, and that nothing was recorded.
    #[track_caller]
    fn refuses(&self, method: &str, path: &str, body: &str, status: u16, code: &str, pointer: Option<&str>) -> Problem {
        let mut request = self.server.request(method, path);
        if !body.is_empty() {
            request = request.body("application/json", body);
        }
        let answer: Answer = request.send();
        let problem = answer.problem(status, code);
        let pointers: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
        assert_eq!(pointers, pointer.into_iter().collect::<Vec<_>>(), "{method} {path} {body}: {problem:?}");
        assert_eq!(self.server.heads(), self.heads, "{method} {path} {body} changed something");
        problem
    }
}

/// The body of an order of one line, with one member set to something else.
fn with(pointer: &str, value: Value) -> String {
    let mut body = order("n", "SHIP_AVAILABLE", &[("TEA", 1)]);
    let (above, member) = pointer.rsplit_once('/').unwrap();
    body.pointer_mut(above).unwrap()[member] = value;
    body.to_string()
}

#[test]
fn wrong_orders() {
    let shop = Shop::open();
    let line = |id: &str| json!({"lineId": id, "sku": "TEA", "quantity": 1});
    let (shape, fields) = ((400, "WRONG_SHAPE"), (422, "INVALID_FIELDS"));
    let many: Vec<_> = (0..2_001).map(|n| line(&n.to_string())).collect();
    for (pointer, value, (status, code)) in [
        ("/orderId", json!("two words"), fields),
        ("/orderId", json!(""), fields),
        ("/orderId", json!("o".repeat(129)), fields),
        ("/orderId", json!(7), shape),
        ("/lines", json!([]), fields),
        ("/lines", json!({}), shape),
        ("/lines", json!(many), fields),
        ("/lines/0/quantity", json!(0), fields),
        ("/lines/0/quantity", json!(-1), fields),
        ("/lines/0/quantity", json!(1_000_000_001), fields),
        ("/lines/0/quantity", json!(1.5), shape),
        ("/lines/0/quantity", json!("1"), shape),
        ("/lines/0/sku", json!("a b"), fields),
        ("/lines/0/lineId", json!("a/b"), fields),
        ("/lines/0/colour", json!("red"), shape),
        ("/policy", json!("SHIP_NEVER"), shape),
        ("/priority", json!("NOW"), shape),
        ("/promisedAt", json!("tomorrow"), fields),
        ("/promisedAt", json!("2031-02-30T00:00:00Z"), fields),
        ("/customer", json!(""), fields),
        ("/customer", json!("c".repeat(129)), fields),
        ("/colour", json!("red"), shape),
    ] {
        let body = with(pointer, value);
        for path in ["/v1/orders", "/orders"] {
            let problem = shop.refuses("POST", path, &body, status, code, Some(pointer));
            assert!(!problem.errors[0].detail.is_empty());
        }
    }
    let twice = json!({"orderId": "n", "lines": [line("a"), line("a")]}).to_string();
    shop.refuses("POST", "/v1/orders", &twice, 422, "INVALID_FIELDS", Some("/lines/1/lineId"));
    let both = r#"{"orderId":"n","lines":[{"sku":"TEA","quantity":1,"qty":1}]}"#;
    assert_eq!(shop.server.request("POST", "/v1/orders").body("application/json", both).send().status, 400);
    shop.refuses("POST", "/v1/orders", r#"{"orderId":"n"}"#, 400, "WRONG_SHAPE", Some("/lines"));
    shop.refuses("POST", "/v1/orders", r#"{"orderId":"#, 400, "MALFORMED_JSON", None);
    shop.server.get("/v1/orders/n").problem(404, "UNKNOWN_ORDER");
}

#[test]
fn every_wrong_field_of_an_order_is_named_at_once() {
    let shop = Shop::open();
    let lines = json!([{"sku": "TEA", "quantity": 0}, {"lineId": " ", "sku": "", "quantity": 1}]);
    let body = json!({"orderId": "a b", "promisedAt": "soon", "lines": lines});
    let problem = shop.server.post("/v1/orders", &body).problem(422, "INVALID_FIELDS");
    let mut pointers: Vec<_> = problem.errors.into_iter().map(|error| error.pointer).collect();
    pointers.sort();
    assert_eq!(pointers, ["/lines/0/quantity", "/lines/1/lineId", "/lines/1/sku", "/orderId", "/promisedAt"]);
    assert_eq!(shop.server.heads(), shop.heads);
}

#[test]
fn wrong_actions() {
    let shop = Shop::open();
    let long = json!({"reason": "x".repeat(501)}).to_string();
    let line = |line: Value| json!({"lines": [line]}).to_string();
    for (path, body, status, code, pointer) in [
        ("/v1/orders/nobody/cancel", "", 404, "UNKNOWN_ORDER", None),
        ("/v1/orders/nobody/hold", r#"{"reason":"x"}"#, 404, "UNKNOWN_ORDER", None),
        ("/v1/orders/nobody/release-hold", "", 404, "UNKNOWN_ORDER", None),
        ("/v1/orders/a%20b/cancel", "", 422, "INVALID_FIELDS", Some("{orderId}")),
        ("/v1/orders/a%20b/hold", r#"{"reason":"x"}"#, 422, "INVALID_FIELDS", Some("{orderId}")),
        ("/orders/a%20b/cancel", "", 422, "INVALID_FIELDS", Some("{orderId}")),
        ("/v1/orders/o/hold", "{}", 400, "WRONG_SHAPE", Some("/reason")),
        ("/v1/orders/o/hold", r#"{"reason":""}"#, 422, "INVALID_FIELDS", Some("/reason")),
        ("/v1/orders/o/hold", &long, 422, "INVALID_FIELDS", Some("/reason")),
        ("/v1/orders/o/cancel", &long, 422, "INVALID_FIELDS", Some("/reason")),
        ("/v1/orders/o/cancel", r#"{"colour":"red"}"#, 400, "WRONG_SHAPE", Some("/colour")),
        ("/v1/orders/o/cancel", r#"{"lines":[]}"#, 422, "INVALID_FIELDS", Some("/lines")),
        ("/v1/orders/o/cancel", &line(json!({"lineId": "9"})), 422, "UNKNOWN_ORDER_LINE", Some("/lines/0/lineId")),
        ("/v1/orders/o/cancel", &line(json!({"lineId": " "})), 422, "INVALID_FIELDS", Some("/lines/0/lineId")),
        (
            "/v1/orders/o/cancel",
            r#"{"lines":[{"lineId":"1"},{"lineId":"1"}]}"#,
            422,
            "INVALID_FIELDS",
            Some("/lines/1/lineId"),
        ),
        (
            "/v1/orders/o/cancel",
            &line(json!({"lineId": "1", "quantity": 0})),
            422,
            "INVALID_FIELDS",
            Some("/lines/0/quantity"),
        ),
        (
            "/v1/orders/o/cancel",
            &line(json!({"lineId": "1", "quantity": 1})),
            400,
            "INVALID_HEADER",
            Some("Idempotency-Key"),
        ),
        ("/v1/orders/o/release-hold", r#"{"reason":"x"}"#, 400, "WRONG_SHAPE", Some("/reason")),
    ] {
        shop.refuses("POST", path, body, status, code, pointer);
    }
    assert_eq!(shop.server.status("o"), "RESERVED");
    assert_eq!(shop.server.counters("TEA"), (10, 0, 2, 8));
}

#[test]
fn methods_that_a_path_does_not_have_are_refused() {
    let shop = Shop::open();
    for (method, path) in [
        ("DELETE", "/v1/orders/o"),
        ("PUT", "/v1/orders"),
        ("GET", "/v1/orders/o/cancel"),
        ("POST", "/v1/orders/o/timeline"),
        ("POST", "/v1/backorders"),
        ("DELETE", "/v1/events?context=inventory"),
        ("PUT", "/v1/webhooks?context=fulfillment"),
    ] {
        shop.refuses(method, path, "", 405, "METHOD_NOT_ALLOWED", None);
    }
    shop.refuses("GET", "/v1/orders/o/colour", "", 404, "NOT_FOUND", None);
}

#[test]
fn an_idempotency_key_makes_one_request_of_many_and_takes_no_other_body() {
    let shop = Shop::open();
    let place = |quantity: i64| {
        let body = json!({"lines": [{"sku": "TEA", "quantity": quantity}]});
        shop.server.request("POST", "/v1/orders").header("idempotency-key", "k").json(&body).send()
    };
    let first = place(1).is(202).json();
    let again = place(1).is(202);
    assert_eq!((again.json()["orderId"].clone(), again.is_replayed()), (first["orderId"].clone(), true));
    place(2).problem(422, "IDEMPOTENCY_KEY_REUSED");
    shop.server.becomes(first["orderId"].as_str().unwrap(), "RESERVED");
    assert_eq!(shop.server.counters("TEA"), (10, 0, 3, 7));
}
