//! The ways in which systems like this one are known to fail (D1 to D7 of the domain), tried over HTTP.

use serde_json::json;

use crate::http::Answer;
use crate::server::Server;

/// Sends `count` requests at once.
fn at_once(count: usize, send: impl Fn(usize) -> Answer + Sync) -> Vec<Answer> {
    let send = &send;
    std::thread::scope(|scope| {
        let senders: Vec<_> = (0..count).map(|n| scope.spawn(move || send(n))).collect();
        senders.into_iter().map(|sender| sender.join().unwrap()).collect()
    })
}

fn with_status(answers: &[Answer], status: u16) -> usize {
    answers.iter().filter(|answer| answer.status == status).count()
}

#[test]
fn d1_fifty_concurrent_reserves_of_one_against_ten_hold_exactly_ten() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.stocked("MUG", 10);
    let answers = at_once(50, |n| server.reserve(&format!("r{n}"), "TEA", 1));
    assert_eq!((with_status(&answers, 201), with_status(&answers, 409)), (10, 40));
    let short = at_once(50, |n| {
        server.post("/inventory/MUG/reserve", &json!({"reservationId": format!("s{n}"), "quantity": 1}))
    });
    assert_eq!((with_status(&short, 204), with_status(&short, 409)), (10, 40));
    assert_eq!((server.counters("TEA"), server.counters("MUG")), ((10, 10, 0, 0), (10, 10, 0, 0)));
    server.stop().verifies();
}

#[test]
fn d2_concurrent_carts_that_name_the_same_skus_in_other_orders_do_not_block_each_other() {
    let server = Server::start();
    let skus = ["A", "B", "C", "D", "E", "F"];
    for sku in skus {
        server.stocked(sku, 10);
    }
    let answers = at_once(60, |n| {
        let mut order = skus.to_vec();
        order.rotate_left(n % skus.len());
        if n % 2 == 0 {
            order.reverse();
        }
        let lines: Vec<_> = order.iter().map(|sku| json!({"sku": sku, "quantity": 1})).collect();
        server.post("/v1/reservations", &json!({"reservationId": format!("cart{n}"), "lines": lines}))
    });
    assert_eq!((with_status(&answers, 201), with_status(&answers, 409)), (10, 50));
    for sku in skus {
        assert_eq!(server.counters(sku), (10, 10, 0, 0));
    }
}

#[test]
fn d3_and_d4_a_release_works_and_a_failed_one_can_be_repeated() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.reserve("r", "TEA", 4).is(201);
    let release =
        |if_match: &str| server.request("POST", "/v1/reservations/r/release").header("if-match", if_match).send();
    release("\"99\"").problem(412, "VERSION_MISMATCH");
    assert_eq!(server.counters("TEA"), (10, 4, 0, 6));
    release("*").is(200);
    assert_eq!(server.counters("TEA"), (10, 0, 0, 10));
    let again = at_once(20, |_| release("*"));
    assert_eq!(with_status(&again, 200), 20);
    assert_eq!(server.counters("TEA"), (10, 0, 0, 10), "given back once");
}

#[test]
fn d5_being_sold_out_or_unknown_is_no_server_error() {
    let server = Server::start();
    server.stocked("TEA", 1);
    server.reserve("a", "TEA", 2).problem(409, "INSUFFICIENT_STOCK");
    server.reserve("b", "GONE", 1).problem(404, "UNKNOWN_SKU");
    server
        .post("/inventory/TEA/reserve", &json!({"reservationId": "c", "quantity": 2}))
        .problem(409, "INSUFFICIENT_STOCK");
    server.post("/inventory/GONE/replenish", &json!({"quantity": 2})).problem(404, "UNKNOWN_SKU");
}

#[test]
fn d6_ten_thousand_open_holds_do_not_grow_with_what_a_read_or_a_restart_must_do() {
    let server = Server::start();
    server.stocked("TEA", 20_000);
    for batch in 0..10 {
        let item =
            |n: usize| json!({"reservationId": format!("h{batch}-{n}"), "lines": [{"sku": "TEA", "quantity": 1}]});
        let items: Vec<_> = (0..1_000).map(item).collect();
        assert_eq!(
            server.post("/v1/reservations:batch", &json!({"reservations": items})).is(200).json()["accepted"],
            1_000
        );
    }
    assert_eq!(server.counters("TEA"), (20_000, 10_000, 0, 10_000));
    let with_holds = server.get("/v1/stock/TEA").is(200).body.len();
    assert!(with_holds < 1_000, "the stock's size does not grow with its holds: {with_holds} bytes");
    let server = server.kill().start();
    server.reserve("next", "TEA", 1).is(201);
    assert_eq!(server.counters("TEA"), (20_000, 10_001, 0, 9_999));
    server.stop().verifies();
}

#[test]
fn d7_one_sku_on_two_lines_comes_to_an_end() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let line = |id: &str| json!({"lineId": id, "sku": "TEA", "quantity": 3});
    server.post("/v1/reservations", &json!({"reservationId": "r", "lines": [line("a"), line("b")]})).is(201);
    server.poke("/v1/reservations/r/confirm").is(200);
    assert_eq!(server.counters("TEA"), (10, 0, 6, 4));
    let part = json!({"lines": [{"lineId": "b", "quantity": 3}]});
    server.request("POST", "/v1/reservations/r/consume").header("idempotency-key", "b").json(&part).send().is(200);
    let done = server.poke("/v1/reservations/r/consume").is(200).json();
    assert_eq!(done["state"], "CONSUMED");
    assert_eq!(server.counters("TEA"), (4, 0, 0, 4));
}

#[test]
fn d9_a_refused_line_leaks_nothing_of_the_others() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.stocked("MUG", 1);
    let answers = at_once(30, |n| {
        let lines = json!([{"sku": "TEA", "quantity": 1}, {"sku": "MUG", "quantity": 2}]);
        server.post("/v1/reservations", &json!({"reservationId": format!("r{n}"), "lines": lines}))
    });
    assert_eq!(with_status(&answers, 409), 30);
    assert_eq!((server.counters("TEA"), server.counters("MUG")), ((10, 0, 0, 10), (1, 0, 0, 1)));
}

#[test]
fn one_id_sent_by_many_at_once_is_one_reservation() {
    let server = Server::start();
    server.stocked("TEA", 100);
    let answers = at_once(40, |_| server.reserve("same", "TEA", 2));
    assert_eq!(with_status(&answers, 201), 40);
    assert_eq!(answers.iter().filter(|answer| !answer.is_replayed()).count(), 1);
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(server.counters("TEA"), (100, 2, 0, 98));
}
