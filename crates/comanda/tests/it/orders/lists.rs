//! Lists of orders: by status, customer, age and promise, those that are late, page by page.

use std::collections::BTreeSet;

use comanda_contracts::{OrderSummary, Page};
use serde_json::{Value, json};

use super::counter::order;
use crate::server::Server;

/// Orders `o0` to `o8`, placed one after the other and answered: of every three one is reserved, one rejected, one waits.
fn orders() -> Server {
    let server = Server::start();
    server.stocked("TEA", 3);
    server.post("/v1/skus", &json!({"sku": "NONE"})).is(201);
    for n in 0..9 {
        let (policy, sku) = [("SHIP_AVAILABLE", "TEA"), ("SHIP_COMPLETE", "NONE"), ("BACKORDER", "NONE")][n % 3];
        let mut body = order(&format!("o{n}"), policy, &[(sku, 1)]);
        body["customer"] = json!(format!("customer-{}", n / 3));
        // The later placed, the sooner promised; the last three are promised for no day.
        if n < 6 {
            body["promisedAt"] = json!(format!("2031-01-{:02}T00:00:00Z", 20 - n));
        }
        server.post("/v1/orders", &body).is(202);
        server.becomes(&format!("o{n}"), ["RESERVED", "REJECTED", "BACKORDERED"][n % 3]);
    }
    server.settle();
    server
}

fn page(server: &Server, query: &str) -> Page<OrderSummary> {
    server.get(&format!("/v1/orders?{query}")).is(200).read()
}

fn ids(server: &Server, query: &str) -> Vec<String> {
    page(server, query).items.into_iter().map(|order| order.order_id).collect()
}

/// All pages of a list, one behind the other.
fn pages(server: &Server, query: &str) -> Vec<String> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    for _ in 0..20 {
        let page = page(server, &format!("{query}{cursor}"));
        all.extend(page.items.into_iter().map(|order| order.order_id));
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
    panic!("the pages never end: {all:?}");
}

#[test]
fn lists_filter_and_sort() {
    let server = orders();
    let in_order = |numbers: &[usize]| numbers.iter().map(|n| format!("o{n}")).collect::<Vec<_>>();
    assert_eq!(ids(&server, ""), in_order(&[0, 1, 2, 3, 4, 5, 6, 7, 8]), "the oldest first");
    assert_eq!(ids(&server, "status=RESERVED"), in_order(&[0, 3, 6]));
    assert_eq!(ids(&server, "status=REJECTED"), in_order(&[1, 4, 7]));
    assert_eq!(ids(&server, "status=CANCELLED"), in_order(&[]));
    assert_eq!(ids(&server, "customer=customer-1"), in_order(&[3, 4, 5]));
    assert_eq!(ids(&server, "customer=customer-1&status=BACKORDERED"), in_order(&[5]));
    assert_eq!(ids(&server, "customer=nobody"), in_order(&[]));
    let promised = ids(&server, "sort=promisedAt");
    assert_eq!(promised[..6], in_order(&[5, 4, 3, 2, 1, 0]));
    assert_eq!(promised[6..].iter().cloned().collect::<BTreeSet<_>>(), in_order(&[6, 7, 8]).into_iter().collect());
    assert_eq!(ids(&server, "sort=promisedAt&status=BACKORDERED")[..2], in_order(&[5, 2]));

    let waits = &page(&server, "status=BACKORDERED&customer=customer-1").items[0];
    assert_eq!((waits.lines, waits.pending, waits.backordered), (1, 0, 1));
    assert_eq!(waits.promised_at.as_deref(), Some("2031-01-15T00:00:00.000Z"));
    assert!(waits.since >= waits.placed_at);
    // An order moves with its status.
    let cancelled = server.poke("/v1/orders/o5/cancel").is(200).token();
    let now: Value = server.get_after("/v1/orders?status=CANCELLED", &cancelled).is(200).json();
    assert_eq!((now["items"].as_array().unwrap().len(), &now["items"][0]["orderId"]), (1, &json!("o5")));
    assert_eq!(ids(&server, "status=BACKORDERED"), in_order(&[2, 8]));
}

#[test]
fn pages_show_everything_once() {
    let server = orders();
    for query in [
        "sort=placedAt",
        "sort=promisedAt",
        "status=BACKORDERED",
        "customer=customer-2",
        "status=RESERVED&sort=promisedAt",
    ] {
        let whole = ids(&server, query);
        for limit in [1, 2, 3, 200] {
            assert_eq!(pages(&server, &format!("{query}&limit={limit}")), whole, "{query} by {limit}");
        }
    }
    let cursor = page(&server, "limit=1").next_cursor.unwrap();
    for (path, pointer) in [
        (format!("/v1/orders?sort=promisedAt&cursor={cursor}x"), "?cursor"),
        ("/v1/orders?cursor=never".to_owned(), "?cursor"),
        ("/v1/orders?limit=0".to_owned(), "?limit"),
        ("/v1/orders?limit=201".to_owned(), "?limit"),
        ("/v1/orders?status=LOST".to_owned(), "?status"),
        ("/v1/orders?sort=colour".to_owned(), "?sort"),
        ("/v1/backorders?sku=two%20words".to_owned(), "?sku"),
        ("/v1/demand?limit=-1".to_owned(), "?limit"),
    ] {
        let answer = server.get(&path);
        let code = match answer.status {
            400 => "INVALID_PARAMETER",
            _ => "INVALID_FIELDS",
        };
        let problem = answer.problem(if code == "INVALID_FIELDS" { 422 } else { 400 }, code);
        assert_eq!(problem.errors.first().map(|error| error.pointer.as_str()), Some(pointer), "{path}: {problem:?}");
    }
    for path in ["/v1/orders?colour=red", "/v1/late-orders?sort=placedAt", "/v1/orders?limit=many"] {
        server.get(path).problem(400, "INVALID_PARAMETER");
    }
}

#[test]
fn an_order_is_late_from_its_promise_until_nothing_of_it_has_still_to_leave() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let promised = |id: &str, at: String, quantity: i64| {
        let mut body = order(id, "SHIP_COMPLETE", &[("TEA", quantity)]);
        body["promisedAt"] = json!(at);
        server.post("/v1/orders", &body).is(202);
        server.answered(id)
    };
    let late = || {
        server.settle();
        let page: Page<OrderSummary> = server.get("/v1/late-orders").is(200).read();
        page.items.into_iter().map(|order| order.order_id).collect::<Vec<_>>()
    };
    // Whole milliseconds, as the order keeps them: a promise with more digits is late up to a millisecond before it.
    let soon = jiff::Timestamp::from_millisecond(jiff::Timestamp::now().as_millisecond() + 2_000).unwrap();
    promised("old", "2020-01-01T00:00:00Z".to_owned(), 1);
    promised("older", "2019-01-01T00:00:00Z".to_owned(), 1);
    promised("soon", soon.to_string(), 1);
    promised("far", "2031-01-01T00:00:00Z".to_owned(), 1);
    assert_eq!(promised("rejected", "2020-01-01T00:00:00Z".to_owned(), 99), "REJECTED");
    if jiff::Timestamp::now() < soon {
        let late = late();
        assert!(late == ["older", "old"] || jiff::Timestamp::now() >= soon, "{late:?}");
    }
    // Time alone makes it late.
    crate::wait::until("it is late", || (late() == ["older", "old", "soon"]).then_some(()));
    assert!(jiff::Timestamp::now() >= soon);
    server.poke("/v1/orders/old/cancel").is(200);
    assert_eq!(late(), ["older", "soon"]);
}
