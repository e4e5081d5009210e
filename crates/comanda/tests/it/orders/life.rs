//! The life of an order up to the warehouse: placed, reserved, held, cancelled; read in one answer, and told in a timeline.

use comanda_contracts::{OrderAccepted, OrderTimeline, Page};
use serde_json::{Value, json};

use super::counter::order;
use crate::server::Server;
use crate::wait;

#[test]
fn an_order_is_placed_reserved_and_cancelled() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let placed = server.place("o", &[("TEA", 4)]).is(202);
    assert_eq!(placed.header("location"), Some("/v1/orders/o"));
    let accepted: OrderAccepted = placed.read();
    assert_eq!((accepted.order_id.as_str(), accepted.status.as_str()), ("o", "RESERVATION_PENDING"));
    let first = server.get_after("/v1/orders/o", &placed.token()).is(200).json();
    assert!(["RESERVATION_PENDING", "RESERVED"].contains(&first["status"].as_str().unwrap()), "read what was written");

    server.becomes("o", "RESERVED");
    let order = server.order("o");
    let place = &order.lines[0].allocations[0];
    assert_eq!((place.reservation_id.as_str(), place.location_id.as_str(), place.quantity), ("o~1", "main", 4));
    assert_eq!((server.waits("o"), server.counters("TEA")), (vec!["PICKING".to_owned()], (10, 0, 4, 6)));
    let held = server.get("/v1/reservations/o~1").is(200).json();
    assert_eq!(
        (held["state"].as_str(), held.get("expiresAt")),
        (Some("CONFIRMED"), None),
        "an order's hold has no end"
    );

    let reason = json!({"reason": "the buyer has changed their mind"});
    let cancelled = server.post("/v1/orders/o/cancel", &reason).is(200);
    assert_eq!(cancelled.read::<OrderAccepted>().status, "CANCELLED");
    server.counts("TEA", (10, 0, 0, 10));
    assert_eq!(server.waits("o"), [""; 0]);
    assert_eq!(
        server.happened("o"),
        ["PLACED", "RESERVATION_REQUESTED", "RESERVED", "LINES_CANCELLED", "RELEASE_REQUESTED"]
    );
    server.stop().verifies();
}

#[test]
fn an_order_is_read_in_one_answer_with_the_stock_of_its_skus() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.place("o", &[("TEA", 4), ("GONE", 1), ("TEA", 1)]).is(202);
    server.becomes("o", "PARTIALLY_RESERVED");
    server.settle();
    for path in ["/v1/orders/o", "/orders/o"] {
        let answer = server.get(path).is(200);
        let order = answer.json();
        assert_eq!(order["status"], "PARTIALLY_RESERVED");
        let stock: Vec<_> = order["stock"].as_array().unwrap().iter().collect();
        assert_eq!(stock.len(), 2, "each SKU once: {stock:?}");
        assert_eq!((&stock[0]["sku"], &stock[0]["available"]), (&json!("TEA"), &json!(5)));
        assert_eq!((&stock[0]["requested"], &stock[0]["sufficient"]), (&json!(0), &json!(true)), "it holds all of it");
        assert_eq!((&stock[1]["sku"], &stock[1]["known"]), (&json!("GONE"), &json!(false)));
        for part in ["order", "pickLists", "stock"] {
            assert_eq!(order["parts"][part]["status"], "ok", "{order}");
            order["parts"][part]["asOf"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
        }
        // It shows both contexts: its token stands for what was seen of each.
        let token = answer.token();
        assert!(token.contains("fulfillment@") && token.contains("inventory@"), "{token}");
        server.get_after("/v1/stock/TEA", &token).is(200);
        server.get_after("/v1/orders/o/status", &token).is(200);
    }
    server.place_by("large", "BACKORDER", &[("TEA", 7), ("TEA", 2)]).is(202);
    server.becomes("large", "PARTIALLY_RESERVED");
    server.settle();
    for path in ["/v1/orders/large", "/orders/large"] {
        let stock = server.get(path).is(200).json()["stock"][0].clone();
        assert_eq!(
            (&stock["requested"], &stock["sufficient"]),
            (&json!(4), &json!(false)),
            "9 ordered, 5 held: {stock}"
        );
        assert_eq!(stock["available"], 0);
    }
    server.get("/v1/orders/nobody").problem(404, "UNKNOWN_ORDER");
    server.get("/v1/orders/two%20words").problem(422, "INVALID_FIELDS");
}

#[test]
fn an_order_on_hold_keeps_its_stock_and_goes_on_when_it_is_let() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.place("o", &[("TEA", 4)]).is(202);
    server.becomes("o", "RESERVED");
    let hold = json!({"reason": "the address is checked"});
    let held: OrderAccepted = server.post("/v1/orders/o/hold", &hold).is(200).read();
    assert_eq!(held.status, "ON_HOLD");
    let order = server.order("o");
    assert_eq!((order.on_hold.as_deref(), order.waits_for.len()), (Some("the address is checked"), 1));
    assert_eq!(order.waits_for[0].code, "RELEASE_OF_HOLD");
    assert!(order.waits_for[0].text.contains("the address is checked"), "{order:?}");
    assert_eq!(server.counters("TEA"), (10, 0, 4, 6));
    let heads = server.heads();
    server.post("/v1/orders/o/hold", &hold).is(200);
    assert_eq!(server.heads(), heads);
    let free: OrderAccepted = server.poke("/v1/orders/o/release-hold").is(200).read();
    assert_eq!(free.status, "RESERVED");
    server.poke("/v1/orders/o/release-hold").is(200);
    assert_eq!(server.waits("o"), ["PICKING"]);
    assert_eq!(server.happened("o"), ["PLACED", "RESERVATION_REQUESTED", "RESERVED", "PUT_ON_HOLD", "HOLD_RELEASED"]);
}

#[test]
fn the_timeline_says_what_happened_who_did_it_and_what_the_order_waits_for() {
    let server = Server::start();
    server.stocked("TEA", 1);
    let body = order("o", "BACKORDER", &[("TEA", 3)]);
    server.request("POST", "/v1/orders").header("x-correlation-id", "call-7").json(&body).send().is(202);
    server.becomes("o", "PARTIALLY_RESERVED");
    let timeline: OrderTimeline = server.get("/v1/orders/o/timeline").is(200).read();
    assert_eq!(timeline.status, "PARTIALLY_RESERVED");
    let stock = timeline.waits_for.iter().find(|waits| waits.code == "STOCK").unwrap();
    assert!(stock.text.contains("2 units of TEA") && stock.since.is_some() && stock.until.is_some(), "{stock:?}");
    let entry = |code: &str| timeline.items.iter().find(|entry| entry.code == code).unwrap();
    assert_eq!(entry("PLACED").command.as_deref(), Some("place-order"));
    assert!(entry("LINES_BACKORDERED").text.contains("2 of line 1"), "{:?}", entry("LINES_BACKORDERED"));
    for entry in &timeline.items {
        // What Inventory answered belongs to the same request as what it was asked.
        assert_eq!(entry.correlation_id.as_deref(), Some("call-7"), "{entry:?}");
        entry.at.parse::<jiff::Timestamp>().unwrap();
    }
    let versions: Vec<_> = timeline.items.iter().map(|entry| entry.version).collect();
    assert!(versions.is_sorted_by(|newer, older| newer > older), "newest first: {versions:?}");
    // The same, one by one.
    let (mut codes, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: OrderTimeline = server.get(&format!("/v1/orders/o/timeline?limit=1{cursor}")).is(200).read();
        codes.extend(page.items.into_iter().map(|entry| entry.code));
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    codes.reverse();
    assert_eq!(codes, server.happened("o"));
    server.get("/v1/orders/nobody/timeline").problem(404, "UNKNOWN_ORDER");
}

#[test]
fn single_lines_and_units_are_cancelled_and_given_back() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.stocked("MUG", 10);
    server.place("o", &[("TEA", 4), ("MUG", 3)]).is(202);
    server.becomes("o", "RESERVED");
    server.post("/v1/orders/o/cancel", &json!({"lines": [{"lineId": "2"}]})).is(200);
    server.counts("MUG", (10, 0, 0, 10));
    let some = json!({"lines": [{"lineId": "1", "qty": 1}]});
    server.post("/v1/orders/o/cancel", &some).problem(400, "INVALID_HEADER");
    for _ in 0..3 {
        let cancel = server.request("POST", "/v1/orders/o/cancel").header("idempotency-key", "one").json(&some);
        assert_eq!(cancel.send().is(200).json()["status"], "RESERVED");
    }
    server.counts("TEA", (10, 0, 3, 7));
    let order = server.order("o");
    let line = |n: usize| (order.lines[n].status.as_str(), order.lines[n].reserved, order.lines[n].cancelled);
    assert_eq!((line(0), line(1)), (("CONFIRMED", 3, 1), ("CANCELLED", 0, 3)));
    let more = json!({"lines": [{"lineId": "1", "quantity": 4}]});
    let more = server.request("POST", "/v1/orders/o/cancel").header("idempotency-key", "two").json(&more).send();
    assert!(more.problem(409, "ORDER_LINE_HAS_LESS").detail.contains("3 units"));
    server.stop().verifies();
}

#[test]
fn an_order_waits_on_no_page_but_the_one_that_is_asked_with_its_version() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.place("o", &[("TEA", 4)]).is(202);
    server.becomes("o", "RESERVED");
    let status = server.get("/v1/orders/o/status").is(200);
    let ask = |etag: &str| server.request("GET", "/v1/orders/o/status").header("if-none-match", etag).send();
    assert_eq!(ask(&status.etag()).status, 304);
    let cancel = |etag: &str| server.request("POST", "/v1/orders/o/cancel").header("if-match", etag).send();
    cancel("\"1\"").problem(412, "VERSION_MISMATCH");
    assert_eq!(server.status("o"), "RESERVED");
    cancel(&status.etag()).is(200);
    assert_eq!(ask(&status.etag()).is(200).json()["status"], "CANCELLED");
}

#[test]
fn the_short_paths_go_on_working() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let body = json!({"orderId": "o", "lines": [{"lineId": "a", "sku": "TEA", "qty": 2}]});
    let placed: Value = server.post("/orders", &body).is(202).json();
    assert_eq!(placed, json!({"orderId": "o", "status": "RESERVATION_PENDING"}));
    assert!(server.post("/v1/orders", &body).is(202).is_replayed(), "it is the same interface");
    wait::until("it is reserved", || {
        (server.get("/orders/o/status").is(200).json() == json!({"status": "RESERVED"})).then_some(())
    });
    let order = server.get("/orders/o").is(200).json();
    assert_eq!((&order["orderId"], &order["lines"][0]["lineId"]), (&json!("o"), &json!("a")));
    server.settle();
    let reserved: Page<Value> = server.get("/orders?status=RESERVED").is(200).read();
    assert_eq!((reserved.items.len(), &reserved.items[0]["orderId"]), (1, &json!("o")));
    assert_eq!(server.poke("/orders/o/cancel").is(200).json(), json!({"orderId": "o", "status": "CANCELLED"}));
    server.counts("TEA", (10, 0, 0, 10));
    let unnamed: Value = server.post("/orders", &json!({"lines": [{"sku": "TEA", "qty": 1}]})).is(202).json();
    server.becomes(unnamed["orderId"].as_str().unwrap(), "RESERVED");
    server.get("/orders/nobody/status").problem(404, "UNKNOWN_ORDER");
    server.poke("/orders/nobody/cancel").problem(404, "UNKNOWN_ORDER");
}
