//! What becomes of an order that is short: all or nothing, what is there, or the rest later, the oldest promise first.

use std::time::{Duration, Instant};

use comanda_contracts::{Backorder, Demand, Page};
use serde_json::json;

use super::counter::order;
use crate::server::Server;
use crate::wait;

/// A backorder asks again by itself after ten seconds: what comes sooner was told.
const TOLD: Duration = Duration::from_secs(9);

/// The units reserved of each line of the order `id`.
fn reserved(server: &Server, id: &str) -> Vec<i64> {
    server.order(id).lines.iter().map(|line| line.reserved).collect()
}

#[test]
fn ship_complete_takes_all_or_nothing() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.stocked("MUG", 2);
    server.place_by("o", "SHIP_COMPLETE", &[("TEA", 3), ("MUG", 3)]).is(202);
    assert_eq!(server.answered("o"), "REJECTED");
    let codes: Vec<_> = server.order("o").lines.into_iter().map(|line| line.rejected_for.unwrap()).collect();
    assert_eq!(codes, ["ORDER_INCOMPLETE", "INSUFFICIENT_STOCK"], "which one was short is said");
    assert_eq!((server.counters("TEA"), server.counters("MUG")), ((10, 0, 0, 10), (2, 0, 0, 2)));
    server.place_by("p", "SHIP_COMPLETE", &[("TEA", 3), ("MUG", 2)]).is(202);
    assert_eq!((server.answered("p").as_str(), reserved(&server, "p")), ("RESERVED", vec![3, 2]));
    server.stop().verifies();
}

#[test]
fn ship_available_takes_what_is_there_and_it_is_the_usual_policy() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.stocked("MUG", 2);
    let mut body = order("o", "", &[("TEA", 3), ("MUG", 3), ("GONE", 1)]);
    body.as_object_mut().unwrap().remove("policy");
    server.post("/v1/orders", &body).is(202);
    assert_eq!(server.answered("o"), "PARTIALLY_RESERVED");
    let order = server.order("o");
    let line = |n: usize| (order.lines[n].reserved, order.lines[n].rejected, order.lines[n].rejected_for.as_deref());
    assert_eq!(line(0), (3, 0, None));
    assert_eq!(line(1), (2, 1, Some("INSUFFICIENT_STOCK")));
    assert_eq!(line(2), (0, 1, Some("UNKNOWN_SKU")));
    server.received("MUG", "main", 5);
    server.place("p", &[("MUG", 5)]).is(202);
    assert_eq!(server.answered("p"), "RESERVED", "what was rejected is not waited for");
    assert_eq!(reserved(&server, "o"), [3, 2, 0]);
    server.stop().verifies();
}

#[test]
fn a_receipt_serves_the_oldest_promise_first() {
    let server = Server::start();
    server.post("/v1/skus", &json!({"sku": "TEA"})).is(201);
    // Placed in another order than promised; what is promised for no day comes last.
    for (id, promised, quantity) in
        [("none", None, 1), ("later", Some("2031-05-02"), 2), ("sooner", Some("2031-05-01"), 3)]
    {
        let mut body = order(id, "BACKORDER", &[("TEA", quantity)]);
        if let Some(day) = promised {
            body["promisedAt"] = json!(format!("{day}T12:00:00Z"));
        }
        server.post("/v1/orders", &body).is(202);
        server.becomes(id, "BACKORDERED");
        assert_eq!(server.waits(id), ["STOCK"]);
    }
    server.settle();
    let waiting: Page<Backorder> = server.get("/v1/backorders?sku=TEA").is(200).read();
    let turns: Vec<_> = waiting.items.iter().map(|wait| (wait.order_id.as_str(), wait.quantity)).collect();
    assert_eq!(turns, [("sooner", 3), ("later", 2), ("none", 1)]);
    let demand: Page<Demand> = server.get("/v1/demand").is(200).read();
    assert_eq!((demand.items[0].sku.as_str(), demand.items[0].waiting, demand.items[0].lines), ("TEA", 6, 3));

    let told = Instant::now();
    server.received("TEA", "main", 3);
    server.becomes("sooner", "RESERVED");
    assert!(told.elapsed() < TOLD, "it was told: {:?}", told.elapsed());
    assert_eq!((server.status("later").as_str(), server.status("none").as_str()), ("BACKORDERED", "BACKORDERED"));
    assert_eq!(server.counters("TEA"), (3, 0, 3, 0));

    server.received("TEA", "main", 3);
    server.becomes("later", "RESERVED");
    server.becomes("none", "RESERVED");
    assert_eq!(server.counters("TEA"), (6, 0, 6, 0));
    server.settle();
    assert_eq!(server.get("/v1/demand").is(200).json()["items"], json!([]));
    assert_eq!(server.get("/v1/backorders").is(200).json()["items"], json!([]));
    server.stop().verifies();
}

#[test]
fn a_backorder_takes_part_of_a_receipt_and_waits_for_the_rest() {
    let server = Server::start();
    server.stocked("TEA", 2);
    server.place_by("o", "BACKORDER", &[("TEA", 5)]).is(202);
    server.becomes("o", "PARTIALLY_RESERVED");
    for (units, has) in [(1, 3), (2, 5)] {
        server.received("TEA", "main", units);
        wait::until("it has got them", || (reserved(&server, "o") == [has]).then_some(()));
    }
    server.becomes("o", "RESERVED");
    let attempts: Vec<_> = server.order("o").lines[0].allocations.iter().map(|at| at.quantity).collect();
    assert_eq!(attempts, [2, 1, 2], "each attempt is a reservation of its own");
    assert_eq!(server.counters("TEA"), (5, 0, 5, 0));
    server.poke("/v1/orders/o/cancel").is(200);
    server.counts("TEA", (5, 0, 0, 5));
    server.stop().verifies();
}

#[test]
fn units_that_a_cancelled_order_gives_back_go_to_who_waits() {
    let server = Server::start();
    server.stocked("TEA", 4);
    server.place("first", &[("TEA", 4)]).is(202);
    server.becomes("first", "RESERVED");
    for id in ["second", "third"] {
        server.place_by(id, "BACKORDER", &[("TEA", 2)]).is(202);
        server.becomes(id, "BACKORDERED");
    }
    let told = Instant::now();
    server.poke("/v1/orders/first/cancel").is(200);
    server.becomes("second", "RESERVED");
    server.becomes("third", "RESERVED");
    assert!(told.elapsed() < TOLD, "they were told: {:?}", told.elapsed());
    assert_eq!(server.counters("TEA"), (4, 0, 4, 0));
    server.stop().verifies();
}

#[test]
fn a_cancelled_backorder_leaves_its_turn_to_the_next() {
    let server = Server::start();
    server.post("/v1/skus", &json!({"sku": "TEA"})).is(201);
    for id in ["first", "second"] {
        server.place_by(id, "BACKORDER", &[("TEA", 2)]).is(202);
        server.becomes(id, "BACKORDERED");
    }
    server.poke("/v1/orders/first/cancel").is(200);
    server.received("TEA", "main", 2);
    server.becomes("second", "RESERVED");
    assert_eq!((server.status("first").as_str(), server.counters("TEA")), ("CANCELLED", (2, 0, 2, 0)));
    server.stop().verifies();
}

#[test]
fn a_backorder_waits_through_a_kill_and_is_served_after_it() {
    let server = Server::start();
    server.post("/v1/skus", &json!({"sku": "TEA"})).is(201);
    server.place_by("o", "BACKORDER", &[("TEA", 2)]).is(202);
    server.becomes("o", "BACKORDERED");
    let server = server.kill().start();
    assert_eq!(server.waits("o"), ["STOCK"]);
    server.received("TEA", "main", 2);
    // The news of it may die with the process.
    let server = server.kill().start();
    server.becomes("o", "RESERVED");
    assert_eq!(server.counters("TEA"), (2, 0, 2, 0));
    server.stop().verifies();
}
