//! The life of a reservation over HTTP: held, confirmed, extended, released, consumed, expired.

use comanda_contracts::{Reservation, ReservationState as State, Stock};
use serde_json::{Value, json};

use crate::http::Answer;
use crate::server::Server;
use crate::wait;

fn reservation(server: &Server, id: &str) -> Reservation {
    server.get(&format!("/v1/reservations/{id}")).is(200).read()
}

fn step(server: &Server, id: &str, verb: &str) -> Answer {
    server.poke(&format!("/v1/reservations/{id}/{verb}"))
}

/// A reservation of 2 TEA for `seconds`, in JSON.
fn for_seconds(id: &str, seconds: i64) -> Value {
    json!({"reservationId": id, "ttlSeconds": seconds, "lines": [{"sku": "TEA", "quantity": 2}]})
}

#[test]
fn all_lines_or_nothing() {
    let server = Server::start();
    server.stocked("TEA", 5);
    server.stocked("MUG", 1);
    let body = |mugs| json!({"reservationId": "cart", "lines": [{"sku": "TEA", "quantity": 2}, {"sku": "MUG", "quantity": mugs}]});
    let short = server.post("/v1/reservations", &body(3)).problem(409, "INSUFFICIENT_STOCK");
    assert_eq!(short.shortfalls.len(), 1);
    assert_eq!(
        (short.shortfalls[0].sku.as_str(), short.shortfalls[0].requested, short.shortfalls[0].available),
        ("MUG", 3, 1)
    );
    assert_eq!((server.counters("TEA"), server.counters("MUG")), ((5, 0, 0, 5), (1, 0, 0, 1)));
    server.get("/v1/reservations/cart").problem(404, "UNKNOWN_RESERVATION");

    // A refusal is not remembered under the id: the buyer may ask again.
    let held = server.post("/v1/reservations", &body(1)).is(201);
    assert_eq!(held.header("location"), Some("/v1/reservations/cart"));
    let held: Reservation = held.read();
    assert_eq!(held.state, State::Held);
    assert!(held.expires_at.is_some());
    assert_eq!(
        held.lines.iter().map(|line| (line.line_id.as_str(), line.held)).collect::<Vec<_>>(),
        [("1", 2), ("2", 1)]
    );
    assert_eq!(reservation(&server, "cart"), held);
    assert_eq!((server.counters("TEA"), server.counters("MUG")), ((5, 2, 0, 3), (1, 1, 0, 0)));
}

#[test]
fn a_part_if_a_part_will_do() {
    let server = Server::start();
    server.stocked("TEA", 1);
    server.stocked("MUG", 5);
    let line = |sku: &str, quantity: i64| json!({"sku": sku, "quantity": quantity});
    let part = json!({"reservationId": "part", "allowPartial": true, "lines": [line("TEA", 3), line("MUG", 2)]});
    let held: Reservation = server.post("/v1/reservations", &part).is(201).read();
    assert_eq!(held.state, State::PartiallyHeld);
    assert_eq!(held.lines.iter().map(|line| (line.requested, line.held)).collect::<Vec<_>>(), [(3, 1), (2, 2)]);
    let nothing = json!({"allowPartial": true, "lines": [line("TEA", 1)]});
    server.post("/v1/reservations", &nothing).problem(409, "INSUFFICIENT_STOCK");
}

#[test]
fn several_lines_of_one_sku_share_its_stock() {
    let server = Server::start();
    server.stocked("TEA", 5);
    let body = |second| json!({"lines": [{"sku": "TEA", "quantity": 3}, {"sku": "TEA", "quantity": second}]});
    let short = server.post("/v1/reservations", &body(3)).problem(409, "INSUFFICIENT_STOCK");
    assert_eq!((short.shortfalls.len(), short.shortfalls[0].requested, short.shortfalls[0].available), (1, 6, 5));
    let held: Reservation = server.post("/v1/reservations", &body(2)).is(201).read();
    assert_eq!(held.lines.iter().map(|line| line.held).collect::<Vec<_>>(), [3, 2]);
    assert!(held.reservation_id.len() >= 32, "the server makes an id where the client has none");
    assert_eq!(server.counters("TEA"), (5, 5, 0, 0));
}

#[test]
fn two_thousand_lines_fit_whatever_their_ids_are() {
    let server = Server::start();
    let sku = "TEAPOT-COPPER-LARGE-01";
    server.stocked(sku, 5_000);
    let line = |n: usize| json!({"lineId": format!("order-77-line-{n:05}"), "sku": sku, "quantity": 1});
    let cart = |lines: usize| json!({"reservationId": "cart", "lines": (0..lines).map(line).collect::<Vec<_>>()});
    let held: Reservation = server.post("/v1/reservations", &cart(2_000)).is(201).read();
    assert_eq!(held.lines.len(), 2_000);
    assert_eq!(server.counters(sku), (5_000, 2_000, 0, 3_000));
    assert_eq!(
        server.post("/v1/reservations", &cart(2_001)).problem(422, "INVALID_FIELDS").errors[0].pointer,
        "/lines"
    );
}

#[test]
fn a_repeated_reserve_is_the_same_success_and_another_body_a_conflict() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let first = server.reserve("r", "TEA", 2).is(201);
    let again = server.reserve("r", "TEA", 2).is(201);
    assert!(again.is_replayed() && !first.is_replayed());
    assert_eq!(again.body, first.body);
    let other = server.reserve("r", "TEA", 3).problem(409, "ID_CONFLICT");
    assert_eq!(other.instance.as_deref(), Some("/v1/reservations/r"));
    assert_eq!(server.counters("TEA"), (10, 2, 0, 8));
}

#[test]
fn a_confirmed_reservation_is_committed_and_leaves_in_parts() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.reserve("r", "TEA", 5).is(201);
    let confirmed: Reservation = step(&server, "r", "confirm").is(200).read();
    assert_eq!((confirmed.state, confirmed.expires_at), (State::Confirmed, None));
    assert!(step(&server, "r", "confirm").is(200).is_replayed());
    assert_eq!(server.counters("TEA"), (10, 0, 5, 5));

    let consume = |line: &str, quantity: i64, key: &str| {
        let body = json!({"lines": [{"lineId": line, "quantity": quantity}]});
        server.request("POST", "/v1/reservations/r/consume").header("idempotency-key", key).json(&body).send()
    };
    let some: Reservation = consume("1", 2, "first").is(200).read();
    assert_eq!((some.state, some.lines[0].held, some.lines[0].consumed), (State::PartiallyConsumed, 3, 2));
    assert!(consume("1", 2, "first").is(200).is_replayed());
    consume("1", 4, "second").problem(409, "LINE_HOLDS_LESS");
    consume("7", 1, "third").problem(422, "UNKNOWN_LINE");
    let keyless = json!({"lines": [{"lineId": "1", "quantity": 1}]});
    let keyless = server.post("/v1/reservations/r/consume", &keyless).problem(400, "INVALID_HEADER");
    assert_eq!(keyless.errors[0].pointer, "Idempotency-Key", "a part consumed again by mistake would be gone twice");
    let all: Reservation = step(&server, "r", "consume").is(200).read();
    assert_eq!((all.state, all.lines[0].held, all.lines[0].consumed), (State::Consumed, 0, 5));
    assert!(step(&server, "r", "consume").is(200).is_replayed());
    assert_eq!(server.counters("TEA"), (5, 0, 0, 5));
    let wrong = step(&server, "r", "release").problem(409, "WRONG_TRANSITION");
    assert_eq!(
        (wrong.from.as_deref(), wrong.to.as_deref(), wrong.allowed),
        (Some("CONSUMED"), Some("RELEASED"), Some(vec![]))
    );
}

#[test]
fn what_is_only_held_cannot_leave() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.reserve("r", "TEA", 5).is(201);
    let wrong = step(&server, "r", "consume").problem(409, "WRONG_TRANSITION");
    assert_eq!(wrong.from.as_deref(), Some("HELD"));
    assert!(wrong.allowed.unwrap().contains(&"CONFIRMED".to_owned()));
    for verb in ["confirm", "consume"] {
        step(&server, "nobody", verb).problem(404, "UNKNOWN_RESERVATION");
    }
    server.post("/v1/reservations/nobody/extend", &json!({"ttlSeconds": 9})).problem(404, "UNKNOWN_RESERVATION");
}

#[test]
fn a_release_gives_back_once_and_ends_the_id() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.reserve("r", "TEA", 5).is(201);
    let released: Reservation = step(&server, "r", "release").is(200).read();
    assert_eq!((released.state, released.lines[0].held), (State::Released, 0));
    assert!(step(&server, "r", "release").is(200).is_replayed());
    assert_eq!(server.counters("TEA"), (10, 0, 0, 10));
    assert_eq!(server.reserve("r", "TEA", 5).problem(409, "RESERVATION_ENDED").state.as_deref(), Some("RELEASED"));
    step(&server, "r", "confirm").problem(409, "WRONG_TRANSITION");

    server.reserve("c", "TEA", 4).is(201);
    step(&server, "c", "confirm").is(200);
    step(&server, "c", "release").is(200);
    assert_eq!(server.counters("TEA"), (10, 0, 0, 10));
}

#[test]
fn a_release_that_comes_first_refuses_the_late_reserve() {
    let server = Server::start();
    server.stocked("TEA", 10);
    assert!(step(&server, "late", "release").is(204).body.is_empty());
    assert!(step(&server, "late", "release").is(204).is_replayed());
    assert_eq!(server.reserve("late", "TEA", 1).problem(409, "RESERVATION_ENDED").state.as_deref(), Some("RELEASED"));
    let server = server.kill().start();
    server.reserve("late", "TEA", 1).problem(409, "RESERVATION_ENDED");
    assert_eq!(server.counters("TEA"), (10, 0, 0, 10));
}

#[test]
fn a_hold_ends_at_its_time() {
    let server = Server::start();
    server.stocked("TEA", 2);
    let held = server.post("/v1/reservations", &for_seconds("r", 1)).is(201);
    let etag = server.get_after("/v1/stock/TEA", &held.token()).etag();
    let end = instant(held.read::<Reservation>().expires_at.as_deref().unwrap());
    let mut reads = 0;
    let back = wait::until("the units are back", || {
        let before = now();
        let answer = server.get("/v1/stock/TEA").is(200);
        let after = now();
        reads += 1;
        match answer.json()["available"].as_i64().unwrap() {
            2 => {
                assert!(after >= end, "back {} ms before its end", end - after);
                Some(answer)
            }
            available => {
                assert_eq!(available, 0);
                assert!(before <= end, "still held {} ms after its end", before - end);
                None
            }
        }
    });
    assert!(reads > 1, "it was read while held as well");
    assert_ne!(back.etag(), etag, "what has changed by itself has another ETag");
    // Whatever way it is asked, it is back: nobody had to come and record it.
    let stock: Stock = back.read();
    assert_eq!((stock.reserved, stock.locations[0].reserved, stock.locations[0].available), (0, 0, 2));
    assert_eq!(server.get("/inventory/TEA").is(200).json()["available"], 2);
    let ask = json!({"lines": [{"sku": "TEA", "quantity": 2}]});
    assert_eq!(server.post("/v1/availability:query", &ask).is(200).json()["sufficient"], true);
    assert_eq!(reservation(&server, "r").state, State::Expired);
    assert_eq!(server.reserve("next", "TEA", 2).is(201).json()["state"], "HELD");
    assert_eq!(
        server.post("/v1/reservations", &for_seconds("r", 1)).problem(409, "RESERVATION_ENDED").state.as_deref(),
        Some("EXPIRED")
    );
    // Confirming it would hold again, but there is nothing left.
    step(&server, "r", "confirm").problem(409, "INSUFFICIENT_STOCK");
    step(&server, "next", "release").is(200);
    let again: Reservation = step(&server, "r", "confirm").is(200).read();
    assert_eq!((again.state, again.lines[0].held), (State::Confirmed, 2));
    server.stop().verifies();
}

#[test]
fn an_extended_hold_lasts_longer_and_never_shorter() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let held: Reservation = server.post("/v1/reservations", &for_seconds("r", 2)).is(201).read();
    let extend = |seconds: i64| server.post("/v1/reservations/r/extend", &json!({"ttlSeconds": seconds}));
    let longer: Reservation = extend(600).is(200).read();
    let (short, long) = (instant(&held.expires_at.unwrap()), instant(longer.expires_at.as_deref().unwrap()));
    assert!(long >= short + 590_000, "{short} {long}");
    let same: Reservation = extend(1).is(200).read();
    assert_eq!(same.expires_at, longer.expires_at);
    assert_eq!(extend(0).problem(422, "INVALID_FIELDS").errors[0].pointer, "/ttlSeconds");
    extend(604_801).problem(422, "INVALID_FIELDS");
    // Past its first end it is still held.
    wait::until("the first end has passed", || (now() > short).then_some(()));
    assert_eq!(reservation(&server, "r").state, State::Held);
    assert_eq!(server.counters("TEA"), (10, 2, 0, 8));
    step(&server, "r", "confirm").is(200);
    extend(60).problem(409, "WRONG_TRANSITION");
}

/// Milliseconds since 1970.
fn now() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

fn instant(rfc3339: &str) -> i64 {
    rfc3339.parse::<jiff::Timestamp>().unwrap().as_millisecond()
}
