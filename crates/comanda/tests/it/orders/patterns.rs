//! The nine patterns behind the known bugs of shops, where they cross from one context into the other.

use std::time::Duration;

use serde_json::json;

use super::counter::at_once;
use crate::server::Server;

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n}")).collect()
}

#[test]
fn lost_update_carts_and_orders_that_want_the_same_units_get_each_of_them_once() {
    let server = Server::start();
    server.stocked("TEA", 30);
    let orders = names("o", 40);
    let held: usize = at_once(40, |n| {
        server.place_by(&orders[n], "SHIP_COMPLETE", &[("TEA", 1)]).is(202);
        usize::from(server.reserve(&format!("cart{n}"), "TEA", 1).status == 201)
    })
    .into_iter()
    .sum();
    let counts = server.answered_all(&orders);
    let reserved = counts.get("RESERVED").copied().unwrap_or_default();
    assert_eq!(reserved + held, 30, "{counts:?} and {held} carts");
    assert_eq!(counts.values().sum::<usize>(), 40);
    let (held, reserved) = (i64::try_from(held).unwrap(), i64::try_from(reserved).unwrap());
    assert_eq!(server.counters("TEA"), (30, held, reserved, 0));
    server.stop().verifies();
}

#[test]
fn check_and_allocate_what_is_promised_to_an_order_nobody_else_can_take_away() {
    let server = Server::start();
    server.stocked("TEA", 5);
    server.place("o", &[("TEA", 5)]).is(202);
    assert_eq!(server.answered("o"), "RESERVED");
    server.reserve("cart", "TEA", 1).problem(409, "INSUFFICIENT_STOCK");
    // A count that finds less cannot take committed units either.
    let lost = json!({"sku": "TEA", "delta": -1, "reasonCode": "lost"});
    assert_eq!(server.post("/v1/stock/adjustments", &lost).status, 409);
    server.place("p", &[("TEA", 1)]).is(202);
    assert_eq!(server.answered("p"), "REJECTED");
    assert_eq!(server.counters("TEA"), (5, 0, 5, 0));
}

#[test]
fn the_lock_is_not_in_the_caller_orders_and_cancels_of_one_id_from_many_callers_agree() {
    let server = Server::start();
    server.stocked("TEA", 100);
    for round in 0..5 {
        let id = format!("o{round}");
        let answers = at_once(16, |n| match n % 2 {
            0 => server.place(&id, &[("TEA", 7)]),
            _ => server.poke(&format!("/v1/orders/{id}/cancel")),
        });
        // A cancel that came before the order found none; all others were answered alike.
        assert!(answers.iter().all(|answer| matches!(answer.status, 200 | 202 | 404)), "{answers:?}");
        assert_eq!(answers.iter().filter(|a| a.status == 202 && !a.is_replayed()).count(), 1);
        server.poke(&format!("/v1/orders/{id}/cancel")).is(200);
        server.counts("TEA", (100, 0, 0, 100));
        assert_eq!(server.status(&id), "CANCELLED");
    }
    server.stop().verifies();
}

#[test]
fn one_sku_twice_in_a_batch_is_counted_twice() {
    let server = Server::start();
    server.stocked("TEA", 3);
    server.place_by("all", "SHIP_COMPLETE", &[("TEA", 2), ("TEA", 2)]).is(202);
    assert_eq!(server.answered("all"), "REJECTED");
    assert_eq!(server.counters("TEA"), (3, 0, 0, 3));
    server.place_by("fits", "SHIP_COMPLETE", &[("TEA", 2), ("TEA", 1)]).is(202);
    assert_eq!(server.answered("fits"), "RESERVED");
    assert_eq!(server.counters("TEA"), (3, 0, 3, 0));
}

#[test]
fn deadlock_orders_that_name_the_same_skus_in_other_orders_all_end() {
    let server = Server::start();
    let skus = ["A", "B", "C", "D", "E"];
    for sku in skus {
        server.stocked(sku, 20);
    }
    let ids = names("o", 40);
    at_once(40, |n| {
        let mut lines: Vec<_> = skus.iter().map(|sku| (*sku, 1)).collect();
        lines.rotate_left(n % skus.len());
        if n % 2 == 0 {
            lines.reverse();
        }
        server.place_by(&ids[n], "SHIP_COMPLETE", &lines).is(202)
    });
    let counts = server.answered_all(&ids);
    assert_eq!((counts["RESERVED"], counts["REJECTED"]), (20, 20));
    for sku in skus {
        assert_eq!(server.counters(sku), (20, 0, 20, 0));
    }
}

#[test]
fn a_lock_is_not_held_while_somebody_thinks_an_order_on_hold_keeps_nobody_waiting() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.place("resting", &[("TEA", 4)]).is(202);
    server.post("/v1/orders/resting/hold", &json!({"reason": "payment is checked"})).is(200);
    server.counts("TEA", (10, 0, 4, 6));
    for id in ["o", "p", "q"] {
        server.place(id, &[("TEA", 2)]).is(202);
        assert_eq!(server.answered(id), "RESERVED");
    }
    assert_eq!((server.status("resting").as_str(), server.counters("TEA")), ("ON_HOLD", (10, 0, 10, 0)));
    server.poke("/v1/orders/resting/release-hold").is(200);
    server.becomes("resting", "RESERVED");
    server.stop().verifies();
}

#[test]
fn compensation_does_not_drift_however_often_orders_are_placed_and_cancelled() {
    let server = Server::start();
    server.stocked("TEA", 40);
    server.stocked("MUG", 10);
    at_once(6, |client| {
        for round in 0..12 {
            let id = format!("o{client}-{round}");
            let policy = ["SHIP_AVAILABLE", "SHIP_COMPLETE", "BACKORDER"][round % 3];
            server.place_by(&id, policy, &[("TEA", 9), ("MUG", 3), ("TEA", 2)]).is(202);
            match round % 4 {
                0 => {} // Cancelled before it is answered.
                1 => drop(server.status(&id)),
                2 => {
                    let line = json!({"lines": [{"lineId": "1"}]});
                    let cancelled = server.post(&format!("/v1/orders/{id}/cancel"), &line);
                    // It may have been rejected already.
                    assert!(matches!(cancelled.status, 200 | 409), "{cancelled:?}");
                }
                _ => drop(crate::wait::until("it is answered", || {
                    Some(server.status(&id)).filter(|status| status != "RESERVATION_PENDING")
                })),
            }
            server.poke(&format!("/v1/orders/{id}/cancel"));
        }
    });
    server.counts("TEA", (40, 0, 0, 40));
    server.counts("MUG", (10, 0, 0, 10));
    let waiting = server.get("/v1/backorders").is(200).json();
    assert_eq!(waiting["items"], json!([]), "nobody waits");
    server.stop().verifies();
}

#[test]
fn expiry_a_cart_that_was_left_serves_an_order_that_waits() {
    let server = Server::start();
    server.stocked("TEA", 3);
    let cart = json!({"reservationId": "cart", "ttlSeconds": 2, "lines": [{"sku": "TEA", "quantity": 3}]});
    server.post("/v1/reservations", &cart).is(201);
    server.place_by("o", "BACKORDER", &[("TEA", 2)]).is(202);
    server.becomes("o", "BACKORDERED");
    // Nobody does anything: the hold ends by itself, and its end is news for whoever waits.
    let began = std::time::Instant::now();
    server.becomes("o", "RESERVED");
    assert!(began.elapsed() < Duration::from_secs(9), "it was told, and did not ask by itself: {:?}", began.elapsed());
    assert_eq!(server.counters("TEA"), (3, 0, 2, 1));
    server.stop().verifies();
}

#[test]
fn a_message_lost_on_the_way_is_fetched_by_whoever_misses_it() {
    let mut server = Server::start();
    server.stocked("TEA", 1_000);
    // A server that is killed at once loses all that its transport carried; the logs are what it starts from.
    for round in 0..6 {
        server.place(&format!("o{round}"), &[("TEA", 1)]).is(202);
        server = server.kill().start();
    }
    assert_eq!(server.answered_all(&names("o", 6))["RESERVED"], 6);
    assert_eq!(server.counters("TEA"), (1_000, 0, 6, 994));
    server.stop().verifies();
}
