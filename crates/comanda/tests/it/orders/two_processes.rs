//! Two processes that know of each other only by HTTP: orders pass, kills lose nothing, and what is down is named.

use std::process::Output;

use serde_json::json;

use super::counter::at_once;
use super::pair::Pair;
use crate::http::{Answer, Request};
use crate::server::{complaint, run};
use crate::wait;

#[test]
fn orders_pass_between_two_processes() {
    let pair = Pair::start();
    let (inventory, gateway) = (pair.inventory.server(), pair.fulfillment.server());
    // The gateway passes on what is Inventory's.
    gateway.stocked("TEA", 5);
    assert_eq!(inventory.counters("TEA"), (5, 0, 0, 5));
    gateway.place("o", &[("TEA", 3)]).is(202);
    gateway.becomes("o", "RESERVED");
    gateway.place("p", &[("TEA", 3), ("GONE", 1)]).is(202);
    gateway.becomes("p", "PARTIALLY_RESERVED");
    assert_eq!(inventory.counters("TEA"), (5, 0, 5, 0));
    gateway.place_by("q", "BACKORDER", &[("TEA", 1)]).is(202);
    gateway.becomes("q", "BACKORDERED");
    gateway.poke("/v1/orders/o/cancel").is(200);
    gateway.becomes("q", "RESERVED");
    wait::until("it was given back", || (inventory.counters("TEA") == (5, 0, 3, 2)).then_some(()));

    let answer = gateway.get("/v1/orders/q").is(200);
    let order = answer.json();
    assert_eq!((&order["stock"][0]["available"], &order["parts"]["stock"]["status"]), (&json!(2), &json!("ok")));
    let token = answer.token();
    assert!(token.contains("fulfillment@") && token.contains("inventory@"), "{token}");
    gateway.get_after("/v1/stock/TEA", &token).is(200);
    // Inventory alone knows of no orders, and says so of a path it does not have.
    inventory.get("/v1/orders/q").problem(404, "NOT_FOUND");
    let report = pair.stop_and_verify();
    assert_eq!(
        (&report["orders"], &report["ordersInFlight"], &report["deadLetters"]),
        (&json!(3), &json!(0), &json!(0))
    );
}

#[test]
fn the_gateway_tells_the_events_of_both() {
    let pair = Pair::start();
    let gateway = pair.fulfillment.server();
    gateway.stocked("TEA", 5);
    gateway.place("o", &[("TEA", 3)]).is(202);
    gateway.becomes("o", "RESERVED");
    for (context, kind) in [("fulfillment", "order-reserved"), ("inventory", "stock-reserved")] {
        let events = gateway.get(&format!("/v1/events?context={context}")).is(200).json();
        let found = events.as_array().unwrap().iter().any(|event| event["type"].as_str().unwrap().contains(kind));
        assert!(found, "{context}: {events}");
        gateway.get(&format!("/v1/webhooks?context={context}")).is(200);
    }
}

/// Places an order, again and again until it is acknowledged: a retry is what ids are for.
fn place(gateway: std::net::SocketAddr, id: &str) -> Answer {
    let body = json!({"orderId": id, "lines": [{"sku": "TEA", "quantity": 1}, {"sku": "MUG", "quantity": 1}]});
    wait::until("the order is taken", || {
        let answer = Request::new(gateway, "POST", "/v1/orders").json(&body).try_send()?;
        (answer.status == 202).then_some(answer)
    })
}

#[test]
fn whichever_is_killed_while_orders_are_placed_every_order_ends_and_nothing_leaks() {
    let mut pair = Pair::start();
    pair.fulfillment.server().stocked("TEA", 100_000);
    pair.fulfillment.server().stocked("MUG", 100);
    let gateway = pair.fulfillment.addr();
    let mut ids = Vec::new();
    for round in 0..4 {
        let wanted: Vec<String> = (0..40).map(|n| format!("o{round}-{n}")).collect();
        let some = wanted.len() / 4;
        std::thread::scope(|scope| {
            let (first, then) = wanted.split_at(some);
            first.iter().for_each(|id| drop(place(gateway, id)));
            let placing =
                scope.spawn(|| at_once(4, |n| then.iter().skip(n).step_by(4).for_each(|id| drop(place(gateway, id)))));
            if round % 2 == 0 {
                pair.inventory.kill_and_start()
            } else {
                pair.fulfillment.kill_and_start()
            }
            placing.join().unwrap();
        });
        ids.extend(wanted);
    }
    // Both at once, with the last orders on their way.
    let last: Vec<String> = (0..8).map(|n| format!("last-{n}")).collect();
    last.iter().for_each(|id| drop(place(gateway, id)));
    pair.inventory.kill();
    pair.fulfillment.kill();
    pair.inventory.start();
    pair.fulfillment.start();
    ids.extend(last);

    let server = pair.fulfillment.server();
    let counts = server.answered_all(&ids);
    assert_eq!((counts.get("RESERVED"), counts.get("PARTIALLY_RESERVED")), (Some(&100), Some(&68)), "{counts:?}");
    let inventory = pair.inventory.server();
    assert_eq!(inventory.counters("TEA"), (100_000, 0, 168, 99_832), "each was reserved once");
    assert_eq!(inventory.counters("MUG"), (100, 0, 100, 0));
    let report = pair.stop_and_verify();
    assert_eq!(
        (&report["orders"], &report["ordersInFlight"], &report["deadLetters"]),
        (&json!(168), &json!(0), &json!(0))
    );
}

#[test]
fn orders_are_taken_while_inventory_is_down_and_reserved_when_it_is_back() {
    let mut pair = Pair::start();
    pair.fulfillment.server().stocked("TEA", 5);
    pair.fulfillment.server().place("before", &[("TEA", 1)]).is(202);
    pair.fulfillment.server().becomes("before", "RESERVED");
    pair.inventory.kill();

    let gateway = pair.fulfillment.server();
    gateway.place("during", &[("TEA", 2)]).is(202);
    gateway.poke("/v1/orders/before/cancel").is(200);
    assert_eq!(gateway.status("during"), "RESERVATION_PENDING");
    // The order is read all the same; what is missing is named, and why.
    let order = gateway.get("/v1/orders/during").is(200).json();
    assert_eq!((&order["status"], &order["stock"]), (&json!("RESERVATION_PENDING"), &json!(null)));
    let part = &order["parts"]["stock"];
    assert_eq!((&part["status"], &order["parts"]["order"]["status"]), (&json!("unavailable"), &json!("ok")));
    assert!(part["detail"].as_str().unwrap().contains("inventory"), "{part}");
    let stock = gateway.get("/v1/stock/TEA").problem(503, "CONTEXT_UNAVAILABLE");
    assert!(
        stock.detail.contains("inventory") && stock.detail.contains(&pair.inventory.addr().to_string()),
        "{stock:?}"
    );
    assert!(gateway.get("/v1/orders").is(200).json()["items"].is_array());
    gateway.get("/health").is(200);

    pair.inventory.start();
    let gateway = pair.fulfillment.server();
    gateway.becomes("during", "RESERVED");
    wait::until("what was cancelled is back", || {
        (pair.inventory.server().counters("TEA") == (5, 0, 2, 3)).then_some(())
    });
    pair.stop_and_verify();
}

#[test]
fn inventory_goes_on_while_fulfillment_is_down_and_what_it_had_asked_for_is_done() {
    let mut pair = Pair::start();
    pair.fulfillment.server().stocked("TEA", 5);
    pair.fulfillment.server().place("o", &[("TEA", 2)]).is(202);
    pair.fulfillment.kill();
    let inventory = pair.inventory.server();
    inventory.reserve("cart", "TEA", 1).is(201);
    assert_eq!(inventory.get("/ready").status, 200, "it is not ill because another one is");
    pair.fulfillment.start();
    pair.fulfillment.server().becomes("o", "RESERVED");
    assert_eq!(pair.inventory.server().counters("TEA"), (5, 1, 2, 2));
    pair.stop_and_verify();
}

#[track_caller]
fn refused(data: &std::path::Path, arguments: &[&str]) -> Output {
    let mut all = vec!["serve", "--listen", "127.0.0.1:0", "--data", data.to_str().unwrap()];
    all.extend(arguments);
    let output = run(&all);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {}", complaint(&output));
    output
}

#[test]
fn roles_that_do_not_fit_are_refused_with_a_word_of_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let at = "http://127.0.0.1:9";
    for (arguments, said) in [
        (&["--roles", "inventory"][..], &["--fulfillment-at", "add its role"][..]),
        (&["--roles", "fulfillment,gateway"], &["--inventory-at", "add its role"]),
        (&["--inventory-at", at], &["--inventory-at", "leave one of the two out"]),
        (&["--roles", "inventory", "--inventory-at", at, "--fulfillment-at", at], &["--inventory-at", "leave one"]),
        (&["--roles", "inventory", "--fulfillment-at", "nowhere"], &["nowhere", "http://"]),
        (&["--roles", "fulfillment,gateway", "--inventory-at", "ftp://127.0.0.1:9"], &["ftp://127.0.0.1:9", "http://"]),
        (&["--roles", "kitchen"], &["kitchen", "inventory"]),
        (&["--roles", ""], &["--roles"]),
    ] {
        let complaint = complaint(&refused(folder.path(), arguments));
        for word in said {
            assert!(complaint.contains(word), "{arguments:?}: no {word:?} in {complaint}");
        }
    }
}

#[test]
fn two_processes_with_the_same_role_on_one_folder_are_refused() {
    let pair = Pair::start();
    let at = format!("http://{}", pair.inventory.addr());
    let said = refused(pair.inventory.data(), &["--roles", "fulfillment", "--inventory-at", &at]);
    assert!(complaint(&said).contains("stop it or choose another --data"), "{}", complaint(&said));
    pair.stop_and_verify();
}
