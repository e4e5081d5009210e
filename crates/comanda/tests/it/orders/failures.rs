//! The ways in which the system before this one fails with orders (D4 to D13 of the domain), tried on the whole program.

use comanda_contracts::Order;
use comanda_contracts::events::StockReserved;
use serde_json::json;

use super::counter::{at_once, order};
use super::feed::all;
use super::pair::Pair;
use crate::server::Server;

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{prefix}{n}")).collect()
}

#[test]
fn d4_what_a_cancelled_order_held_comes_back_once_though_the_server_is_killed_before_it_could() {
    let mut server = Server::start();
    server.stocked("TEA", 100);
    for round in 0..3 {
        let ids = names(&format!("o{round}-"), 10);
        for id in &ids {
            server.place(id, &[("TEA", 3)]).is(202);
        }
        assert_eq!(server.answered_all(&ids)["RESERVED"], 10);
        for id in &ids {
            server.poke(&format!("/v1/orders/{id}/cancel")).is(200);
        }
        // Some of it may be on its way to Inventory, all of it, or nothing.
        server = server.kill().start();
        for id in &ids {
            assert!(server.poke(&format!("/v1/orders/{id}/cancel")).is(200).is_replayed());
        }
        server.counts("TEA", (100, 0, 0, 100));
        assert_eq!(server.answered_all(&ids)["CANCELLED"], 10);
    }
    server.stop().verifies();
}

#[test]
fn d5_an_unknown_sku_or_too_little_stock_ends_the_order_and_says_why() {
    let server = Server::start();
    server.stocked("TEA", 1);
    server.place("unknown", &[("GONE", 1)]).is(202);
    server.place_by("short", "SHIP_COMPLETE", &[("TEA", 2)]).is(202);
    for (id, code) in [("unknown", "UNKNOWN_SKU"), ("short", "INSUFFICIENT_STOCK")] {
        assert_eq!(server.answered(id), "REJECTED");
        let order = server.order(id);
        assert_eq!((order.lines[0].status.as_str(), order.lines[0].rejected_for.as_deref()), ("REJECTED", Some(code)));
        assert_eq!(order.waits_for, [], "nobody waits for what will not come");
    }
    assert_eq!(server.counters("TEA"), (1, 0, 0, 1));
    server.stop().verifies();
}

#[test]
fn d7_one_sku_on_two_lines_is_reserved_on_both() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.place("o", &[("TEA", 2), ("TEA", 5)]).is(202);
    assert_eq!(server.answered("o"), "RESERVED");
    let reserved: Vec<_> = server.order("o").lines.iter().map(|line| line.reserved).collect();
    assert_eq!((reserved, server.counters("TEA")), (vec![2, 5], (10, 0, 7, 3)));
    // Together they want more than there is: the second gets what the first has left.
    server.place("p", &[("TEA", 2), ("TEA", 2)]).is(202);
    assert_eq!(server.answered("p"), "PARTIALLY_RESERVED");
    let reserved: Vec<_> = server.order("p").lines.iter().map(|line| line.reserved).collect();
    assert_eq!((reserved, server.counters("TEA")), (vec![2, 1], (10, 0, 10, 0)));
    for id in ["o", "p"] {
        server.poke(&format!("/v1/orders/{id}/cancel")).is(200);
    }
    server.counts("TEA", (10, 0, 0, 10));
    server.stop().verifies();
}

#[test]
fn d8_placing_an_order_again_changes_nothing_whatever_has_become_of_it() {
    let server = Server::start();
    server.stocked("TEA", 10);
    for (id, policy, quantity, status) in [
        ("reserved", "SHIP_AVAILABLE", 2, "RESERVED"),
        ("rejected", "SHIP_COMPLETE", 11, "REJECTED"),
        ("cancelled", "SHIP_AVAILABLE", 1, "CANCELLED"),
    ] {
        server.place_by(id, policy, &[("TEA", quantity)]).is(202);
        server.answered(id);
        if status == "CANCELLED" {
            server.poke(&format!("/v1/orders/{id}/cancel")).is(200);
            server.counts("TEA", (10, 0, 2, 8));
        }
        server.becomes(id, status);
        let (before, heads) = (server.happened(id), server.heads());
        let again = at_once(20, |_| server.place_by(id, policy, &[("TEA", quantity)]));
        for answer in again {
            let answer = answer.is(202);
            assert_eq!((answer.is_replayed(), answer.json()["status"].as_str()), (true, Some(status)));
        }
        assert_eq!((server.happened(id), server.heads()), (before, heads), "nothing was recorded");
        let other = server.place_by(id, policy, &[("TEA", quantity + 1)]).problem(409, "ID_CONFLICT");
        assert_eq!(other.instance, Some(format!("/v1/orders/{id}")));
    }
    assert_eq!(server.counters("TEA"), (10, 0, 2, 8));
    server.stop().verifies();
}

#[test]
fn d9_a_rejected_line_leaks_nothing_of_the_others() {
    let server = Server::start();
    server.stocked("TEA", 1_000);
    server.stocked("MUG", 1);
    let (whole, part) = (names("whole", 20), names("part", 20));
    at_once(20, |n| {
        server.place_by(&whole[n], "SHIP_COMPLETE", &[("TEA", 5), ("MUG", 2)]).is(202);
        server.place(&part[n], &[("GONE", 1), ("TEA", 5)]).is(202);
    });
    assert_eq!(server.answered_all(&whole)["REJECTED"], 20);
    assert_eq!(server.answered_all(&part)["PARTIALLY_RESERVED"], 20);
    assert_eq!((server.counters("TEA"), server.counters("MUG")), ((1_000, 0, 100, 900), (1, 0, 0, 1)));
    at_once(20, |n| server.poke(&format!("/v1/orders/{}/cancel", part[n])).is(200));
    server.counts("TEA", (1_000, 0, 0, 1_000));
    server.stop().verifies();
}

#[test]
fn d10_a_message_that_was_under_way_when_the_server_was_killed_is_not_lost() {
    let mut server = Server::start();
    server.stocked("TEA", 100_000);
    let mut placed = Vec::new();
    for kill in 0..4 {
        let ids = names(&format!("o{kill}-"), 40);
        // Each is acknowledged; what it set off is wherever it happens to be at the kill.
        at_once(8, |n| {
            for id in ids.iter().skip(n).step_by(8) {
                server.place(id, &[("TEA", 1), ("GONE", 1)]).is(202);
            }
        });
        placed.extend(ids);
        server = server.kill().start();
    }
    assert_eq!(server.answered_all(&placed)["PARTIALLY_RESERVED"], 160);
    assert_eq!(server.counters("TEA"), (100_000, 0, 160, 99_840), "each was reserved once");
    server.stop().verifies();
}

#[test]
fn d11_two_answers_at_once_lose_nothing_of_each_other() {
    let server = Server::start();
    for sku in ["TEA", "MUG"] {
        server.post("/v1/skus", &json!({"sku": sku})).is(201);
    }
    let ids = names("o", 12);
    for id in &ids {
        server.place_by(id, "BACKORDER", &[("TEA", 1), ("MUG", 2)]).is(202);
        server.becomes(id, "BACKORDERED");
    }
    // Each SKU's receipt lets each order ask for another line: two attempts of it are answered side by side.
    at_once(2, |n| match n {
        0 => server.received("TEA", "main", 12),
        _ => server.received("MUG", "main", 24),
    });
    ids.iter().for_each(|id| server.becomes(id, "RESERVED"));
    assert_eq!((server.counters("TEA"), server.counters("MUG")), ((12, 0, 12, 0), (24, 0, 24, 0)));
    for id in &ids {
        let order: Order = server.order(id);
        assert_eq!(order.lines.iter().map(|line| line.reserved).collect::<Vec<_>>(), [1, 2]);
    }
    server.stop().verifies();
}

#[test]
fn d12_ready_to_ship_is_the_same_however_often_it_is_said_and_nothing_is_cancelled_after_it() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.place("o", &[("TEA", 4)]).is(202);
    assert_eq!(server.answered("o"), "RESERVED");
    let answers = at_once(12, |n| match n % 2 {
        0 => server.poke("/v1/orders/o/ready-to-ship"),
        _ => server.poke("/orders/o/ready-to-ship"),
    });
    assert!(answers.iter().all(|answer| answer.status == 200 && answer.json()["status"] == "READY_TO_SHIP"));
    assert_eq!(answers.iter().filter(|answer| !answer.is_replayed()).count(), 1, "it was recorded once");
    let heads = server.heads();
    for cancel in at_once(8, |_| server.poke("/v1/orders/o/cancel")) {
        let wrong = cancel.problem(409, "WRONG_TRANSITION");
        assert_eq!((wrong.from.as_deref(), wrong.to.as_deref()), (Some("READY_TO_SHIP"), Some("CANCELLED")));
    }
    assert_eq!((server.heads(), server.counters("TEA")), (heads, (10, 0, 4, 6)));
    // Nor can what nobody has confirmed become ready.
    server.place_by("p", "SHIP_COMPLETE", &[("TEA", 99)]).is(202);
    assert_eq!(server.answered("p"), "REJECTED");
    server.poke("/v1/orders/p/ready-to-ship").problem(409, "WRONG_TRANSITION");
    server.stop().verifies();
}

#[test]
fn d13_more_than_a_hundred_messages_a_second_go_between_the_contexts() {
    /// What the system before this one moves at best.
    const MESSAGES_A_SECOND: usize = 100;
    let mut pair = Pair::start();
    pair.fulfillment.server().stocked("TEA", 100_000);
    pair.inventory.kill();
    let ids = names("o", 300);
    let gateway = pair.fulfillment.server();
    at_once(8, |n| {
        for id in ids.iter().skip(n).step_by(8) {
            gateway.post("/orders", &order(id, "SHIP_AVAILABLE", &[("TEA", 1)])).is(202);
        }
    });
    // Three hundred requests wait: how fast they go through is no question of how fast they were made.
    pair.inventory.start();
    assert_eq!(pair.fulfillment.server().answered_all(&ids)["RESERVED"], 300);
    let answers = all(pair.inventory.server(), "inventory", 1_000);
    let answers = answers.into_iter().filter(|event| event.event_type == StockReserved::TYPE);
    let mut at: Vec<i64> =
        answers.map(|event| event.time.parse::<jiff::Timestamp>().unwrap().as_millisecond()).collect();
    at.sort_unstable();
    assert_eq!(at.len(), 300);
    let best = at.iter().map(|from| at.iter().filter(|at| (*from..from + 1_000).contains(at)).count()).max();
    assert!(best > Some(MESSAGES_A_SECOND), "{best:?} in the best second");
    pair.stop_and_verify();
}

#[test]
fn a_cancelled_order_stays_cancelled_and_a_hold_does_not_bring_it_back() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.place("o", &[("TEA", 4)]).is(202);
    server.poke("/v1/orders/o/cancel").is(200);
    let hold = server.post("/v1/orders/o/hold", &json!({"reason": "x"})).problem(409, "WRONG_TRANSITION");
    assert_eq!((hold.from.as_deref(), hold.to.as_deref()), (Some("CANCELLED"), Some("ON_HOLD")));
    server.poke("/v1/orders/o/release-hold").is(200);
    server.counts("TEA", (10, 0, 0, 10));
    assert_eq!(server.status("o"), "CANCELLED");
    server.stop().verifies();
}
