//! Hoarding: a key holds back no more units, and none for longer, than it may, by whatever path and however many at once.

use serde_json::{Value, json};

use super::ring::{Key, create, get_with, locked};
use crate::http::{Answer, Request};
use crate::server::Server;
use crate::wait;

/// A server with 1,000 TEA, and a key that may hold `units` of them for a minute at a time.
fn bounded(units: &str) -> (Server, Key) {
    let (server, _) = locked();
    server.stocked("TEA", 1_000);
    let key = create(server.data(), "shop", &["--units-held-max", units, "--hold-seconds-max", "60"]);
    wait::until("the key counts", || (get_with(&server, "/v1/stock", &key.text).status == 200).then_some(()));
    (server, key)
}

fn post(server: &Server, key: &Key, path: &str, body: &Value) -> Answer {
    Request::new(server.addr, "POST", path).bearer(&key.text).json(body).send()
}

fn reserve(server: &Server, key: &Key, id: &str, units: i64) -> Answer {
    let lines = json!([{"sku": "TEA", "quantity": units}]);
    post(server, key, "/v1/reservations", &json!({"reservationId": id, "lines": lines, "ttlSeconds": 60}))
}

#[test]
fn a_key_holds_no_more_than_it_may_until_something_has_ended() {
    let (server, key) = bounded("10");
    reserve(&server, &key, "a", 6).is(201);
    reserve(&server, &key, "b", 4).is(201);
    let refused = reserve(&server, &key, "c", 1).problem(429, "HOLDS_TOO_MUCH");
    assert!(refused.detail.contains("holds 10 units and may hold 10"), "{refused:?}");
    reserve(&server, &key, "a", 6).is(201);
    let short = json!({"reservationId": "d", "quantity": 1});
    // A hold of the short paths has no end, which this key may not have.
    post(&server, &key, "/inventory/TEA/reserve", &short).problem(422, "INVALID_FIELDS");
    let item = |id: &str| json!({"reservationId": id, "lines": [{"sku": "TEA", "quantity": 1}], "ttlSeconds": 60});
    let batch = json!({"reservations": [item("e"), item("f")]});
    let outcomes = post(&server, &key, "/v1/reservations:batch", &batch).is(200).json();
    assert_eq!((&outcomes["accepted"], &outcomes["outcomes"][0]["status"]), (&json!(0), &json!(429)), "{outcomes}");
    post(&server, &key, "/v1/reservations/b/confirm", &json!({})).is(200);
    post(&server, &key, "/v1/reservations/a/release", &json!({})).is(200);
    // A no gives back what was taken for it.
    reserve(&server, &key, "g", 2_000).problem(429, "HOLDS_TOO_MUCH");
    let gone = json!({"reservationId": "h", "lines": [{"sku": "GONE", "quantity": 10}], "ttlSeconds": 60});
    post(&server, &key, "/v1/reservations", &gone).problem(404, "UNKNOWN_SKU");
    reserve(&server, &key, "i", 10).is(201);
    // Nobody else is bounded by it.
    assert_eq!(server.counters("TEA"), (1_000, 10, 4, 986));
    server.reserve("owner", "TEA", 500).is(201);
    server.stop().verifies();
}

#[test]
fn a_hold_that_is_over_counts_no_more() {
    let (server, key) = bounded("10");
    let lines = json!([{"sku": "TEA", "quantity": 10}]);
    let brief = json!({"reservationId": "a", "lines": lines, "ttlSeconds": 1});
    post(&server, &key, "/v1/reservations", &brief).is(201);
    reserve(&server, &key, "b", 10).problem(429, "HOLDS_TOO_MUCH");
    wait::until("the hold is over", || (reserve(&server, &key, "b", 10).status == 201).then_some(()));
}

#[test]
fn no_hold_lasts_longer_than_the_key_may() {
    let (server, key) = bounded("10");
    let asked = |ttl: Value| {
        let mut body = json!({"reservationId": "a", "lines": [{"sku": "TEA", "quantity": 1}], "ttlSeconds": ttl});
        if body["ttlSeconds"].is_null() {
            body.as_object_mut().unwrap().remove("ttlSeconds");
        }
        post(&server, &key, "/v1/reservations", &body)
    };
    for ttl in [json!(61), json!(604_800), Value::Null] {
        let refused = asked(ttl).problem(422, "INVALID_FIELDS");
        assert_eq!(refused.errors[0].pointer, "/ttlSeconds");
    }
    asked(json!(60)).is(201);
    post(&server, &key, "/v1/reservations/a/extend", &json!({"ttlSeconds": 61})).problem(422, "INVALID_FIELDS");
    post(&server, &key, "/v1/reservations/a/extend", &json!({"ttlSeconds": 60})).is(200);
}

#[test]
fn many_at_once_do_not_pass_the_bound_together() {
    let (server, key) = bounded("25");
    let held: usize = std::thread::scope(|scope| {
        let buyers: Vec<_> = (0..16)
            .map(|buyer| {
                let (server, key) = (&server, &key);
                scope.spawn(move || {
                    let held = |n| reserve(server, key, &format!("{buyer}-{n}"), 1).status == 201;
                    (0..8).filter(|n| held(*n)).count()
                })
            })
            .collect();
        buyers.into_iter().map(|buyer| buyer.join().unwrap()).sum()
    });
    assert_eq!(held, 25);
    assert_eq!(server.counters("TEA"), (1_000, 25, 0, 975));
}
