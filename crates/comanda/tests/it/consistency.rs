//! Reading: what one has written is seen, what is unchanged is not sent again, what is of another log is refused.

use std::collections::BTreeMap;

use comanda_contracts::Stock;
use serde_json::json;

use crate::http::Answer;
use crate::server::Server;

#[test]
fn two_hundred_random_writes_are_each_read_back_at_once() {
    let server = Server::start();
    let skus = ["TEA", "MUG", "JAR", "BELL"];
    // On hand and reserved, as they must be.
    let mut books: BTreeMap<&str, (i64, i64)> = BTreeMap::new();
    let mut open: Vec<(String, &str, i64)> = Vec::new();
    for sku in skus {
        server.stocked(sku, 50);
        books.insert(sku, (50, 0));
    }
    let mut luck = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = |bound: usize| {
        luck = luck.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (luck >> 33) as usize % bound
    };
    for n in 0..200 {
        let sku = skus[next(skus.len())];
        let units = 1 + next(5) as i64;
        let (touched, answer) = match next(3) {
            0 => {
                books.get_mut(sku).unwrap().0 += units;
                let body = json!({"sku": sku, "delta": units, "reasonCode": "found"});
                (sku, server.post("/v1/stock/adjustments", &body).is(201))
            }
            1 if !open.is_empty() => {
                let (id, sku, units) = open.swap_remove(next(open.len()));
                books.get_mut(sku).unwrap().1 -= units;
                (sku, server.poke(&format!("/v1/reservations/{id}/release")).is(200))
            }
            _ => {
                let id = format!("r{n}");
                let answer = server.reserve(&id, sku, units);
                let (on_hand, reserved) = books.get_mut(sku).unwrap();
                if on_hand >= &mut (*reserved + units) {
                    *reserved += units;
                    open.push((id, sku, units));
                    (sku, answer.is(201))
                } else {
                    answer.problem(409, "INSUFFICIENT_STOCK");
                    continue;
                }
            }
        };
        let read: Stock = server.get_after(&format!("/v1/stock/{touched}"), &answer.token()).is(200).read();
        let (on_hand, reserved) = books[touched];
        assert_eq!((read.on_hand, read.reserved, read.available), (on_hand, reserved, on_hand - reserved), "write {n}");
    }
    server.stop().verifies();
}

#[test]
fn a_query_gives_a_token_that_keeps_the_next_one_from_going_back() {
    let server = Server::start();
    let token = server.stocked("TEA", 10);
    let first = server.get_after("/v1/stock/TEA", &token).is(200);
    for _ in 0..20 {
        let read = server.get_after("/v1/stock/TEA", &first.token()).is(200);
        assert!(read.read::<Stock>().version >= first.read::<Stock>().version);
    }
}

#[test]
fn a_token_survives_a_kill_and_a_restart() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let token = server.reserve("r", "TEA", 3).is(201).token();
    let server = server.kill().start();
    let read: Stock = server.get_after("/v1/stock/TEA", &token).is(200).read();
    assert_eq!((read.reserved, read.available), (3, 7));
}

#[test]
fn a_token_of_another_log_is_refused() {
    let (one, other) = (Server::start(), Server::start());
    one.stocked("TEA", 10);
    let foreign = other.stocked("TEA", 10);
    let refused = one.get_after("/v1/stock/TEA", &foreign).problem(400, "FOREIGN_TOKEN");
    assert_eq!(refused.errors[0].pointer, "Consistency-Token");
    one.get_after("/v1/stock/TEA", "made up").problem(400, "INVALID_HEADER");
}

#[test]
fn a_token_of_the_future_is_waited_for_and_then_said_to_be_late() {
    let server = Server::start();
    let token = server.stocked("TEA", 10);
    let (place, position) = token.rsplit_once('.').unwrap();
    let ahead = format!("{place}.{}", position.parse::<u64>().unwrap() + 1_000_000);
    let late = server.get_after("/v1/stock/TEA", &ahead);
    late.problem(503, "VIEW_LAGGING");
    assert!(late.header("retry-after").is_some());
}

fn if_none_match(server: &Server, path: &str, etag: &str) -> Answer {
    server.request("GET", path).header("if-none-match", etag).send()
}

#[test]
fn what_has_not_changed_is_not_sent_again() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.reserve("r", "TEA", 3).is(201);
    server.settle();
    for path in ["/v1/stock/TEA", "/v1/reservations/r", "/v1/skus/TEA", "/inventory/TEA"] {
        let first = server.get(path).is(200);
        let same = if_none_match(&server, path, &first.etag()).is(304);
        assert!(same.body.is_empty());
        assert_eq!(same.etag(), first.etag());
        if_none_match(&server, path, "\"0\"").is(200);
    }
    let stock = server.get("/v1/stock/TEA").etag();
    let reservation = server.get("/v1/reservations/r").etag();
    server.poke("/v1/reservations/r/confirm").is(200);
    server.settle();
    if_none_match(&server, "/v1/stock/TEA", &stock).is(200);
    if_none_match(&server, "/v1/reservations/r", &reservation).is(200);
}

#[test]
fn a_transition_may_name_the_version_it_counts_on() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let etag = server.reserve("r", "TEA", 3).is(201).etag();
    let confirm = |etag: &str| server.request("POST", "/v1/reservations/r/confirm").header("if-match", etag).send();
    confirm("\"99\"").problem(412, "VERSION_MISMATCH");
    assert_eq!(server.counters("TEA"), (10, 3, 0, 7));
    confirm(&etag).is(200);
    let body = json!({"sku": "TEA", "delta": 1, "reasonCode": "found"});
    let stale = server.request("POST", "/v1/stock/adjustments").header("if-match", "\"1\"").json(&body).send();
    stale.problem(412, "VERSION_MISMATCH");
    assert_eq!(server.counters("TEA").0, 10);
}
