//! Adjustments: by a difference, or to a counted number, each with its reason and each done once.

use comanda_contracts::{Adjustment, LedgerEntry, Movement, Page, ReasonCode};
use serde_json::json;

use crate::server::Server;

const PATH: &str = "/v1/stock/adjustments";

#[test]
fn a_difference_is_booked_with_its_reason() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let body = json!({"sku": "TEA", "delta": -3, "reasonCode": "damaged", "referenceUri": "urn:note:7"});
    let booked = server.post(PATH, &body).is(201);
    assert_eq!(booked.header("location"), Some("/v1/stock/TEA/ledger"));
    let adjustment: Adjustment = booked.read();
    assert_eq!((adjustment.delta, adjustment.on_hand, adjustment.available), (-3, 7, 7));
    assert_eq!(adjustment.location_id, "main");
    let ledger = server.get_after("/v1/stock/TEA/ledger", &booked.token()).is(200).read::<Page<LedgerEntry>>();
    let entry = &ledger.items[0];
    assert_eq!((entry.movement, entry.on_hand_delta), (Movement::Adjusted, -3));
    assert_eq!((entry.reason_code, entry.reference_uri.as_deref()), (Some(ReasonCode::Damaged), Some("urn:note:7")));
}

#[test]
fn every_reason_of_the_language_is_taken_and_no_other() {
    let server = Server::start();
    server.stocked("TEA", 10);
    for reason in [
        "correction",
        "cycle_count",
        "damaged",
        "expired",
        "found",
        "lost",
        "stolen",
        "scrapped",
        "received",
        "restock",
        "shrinkage",
        "promotion",
        "quality_control",
        "movement",
        "other",
    ] {
        server.post(PATH, &json!({"sku": "TEA", "delta": 1, "reasonCode": reason})).is(201);
    }
    let answer = server.post(PATH, &json!({"sku": "TEA", "delta": 1, "reasonCode": "whim"}));
    assert_eq!(answer.problem(400, "WRONG_SHAPE").errors[0].pointer, "/reasonCode");
    assert_eq!(server.counters("TEA").0, 25);
}

#[test]
fn a_count_is_booked_only_if_the_books_are_as_the_counter_saw_them() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let set = |to, expected| {
        server.post(PATH, &json!({"sku": "TEA", "set": to, "expected": expected, "reasonCode": "cycle_count"}))
    };
    let done: Adjustment = set(8, 10).is(201).read();
    assert_eq!((done.delta, done.on_hand), (-2, 8));
    let changed = set(9, 10).problem(409, "STOCK_CHANGED");
    assert_eq!((changed.expected, changed.actual), (Some(10), Some(8)));
    assert_eq!(server.counters("TEA").0, 8);
    let answer = server.post(PATH, &json!({"sku": "TEA", "set": 9, "reasonCode": "cycle_count"}));
    assert_eq!(answer.problem(422, "INVALID_FIELDS").errors[0].pointer, "/expected");
    let both = json!({"sku": "TEA", "set": 9, "expected": 8, "delta": 1, "reasonCode": "cycle_count"});
    server.post(PATH, &both).problem(422, "INVALID_FIELDS");
    server.post(PATH, &json!({"sku": "TEA", "reasonCode": "found"})).problem(422, "INVALID_FIELDS");
    server.post(PATH, &json!({"sku": "TEA", "delta": 0, "reasonCode": "found"})).problem(422, "INVALID_FIELDS");
}

#[test]
fn stock_cannot_fall_below_nothing_nor_below_what_is_promised() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.reserve("a", "TEA", 6).is(201);
    let take = |units: i64| server.post(PATH, &json!({"sku": "TEA", "delta": -units, "reasonCode": "lost"}));
    take(11).problem(409, "STOCK_OUT_OF_RANGE");
    take(5).problem(409, "STOCK_PROMISED");
    take(4).is(201);
    assert_eq!(server.counters("TEA"), (6, 6, 0, 0));
}

#[test]
fn an_idempotency_key_makes_a_repetition_the_same_answer() {
    let server = Server::start();
    server.stocked("TEA", 10);
    let send = |key: &str, path: &str, delta: i64| {
        let body = json!({"sku": "TEA", "delta": delta, "reasonCode": "found"});
        server.request("POST", path).header("idempotency-key", key).json(&body).send()
    };
    let first = send("k1", PATH, 1).is(201);
    assert!(!first.is_replayed());
    send("k2", PATH, 5).is(201);
    let again = send("k1", PATH, 1).is(201);
    assert!(again.is_replayed());
    assert_eq!(again.read::<Adjustment>(), first.read(), "as it was answered then, not as it would be now");
    assert_eq!(again.etag(), first.etag());
    send("k1", PATH, 2).problem(422, "IDEMPOTENCY_KEY_REUSED");
    assert_eq!(server.counters("TEA").0, 16);

    let server = server.kill().start();
    let body = json!({"sku": "TEA", "delta": 1, "reasonCode": "found"});
    let later = server.request("POST", PATH).header("idempotency-key", "k1").json(&body).send().is(201);
    assert!(later.is_replayed());
    assert_eq!(later.body, first.body);
    assert_eq!(server.counters("TEA").0, 16);
}

#[test]
fn one_key_sent_many_times_at_once_is_one_effect() {
    let server = Server::start();
    server.stocked("TEA", 16);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let send = || {
            let body = json!({"sku": "TEA", "delta": 3, "reasonCode": "found"});
            server.request("POST", PATH).header("idempotency-key", "same").json(&body).send()
        };
        let senders: Vec<_> = (0..30).map(|_| scope.spawn(send)).collect();
        senders.into_iter().map(|sender| sender.join().unwrap().is(201)).collect()
    });
    assert_eq!(answers.iter().filter(|answer| !answer.is_replayed()).count(), 1);
    assert!(answers.iter().all(|answer| answer.body == answers[0].body));
    assert_eq!(server.counters("TEA").0, 19);
}
