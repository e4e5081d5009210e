//! The ledger: every movement of a SKU's stock, newest first, adding up to its counters.

use comanda_contracts::{LedgerEntry, Movement, Page};
use serde_json::json;

use crate::server::Server;

/// The whole ledger of `sku`, read in pages of `limit`.
fn ledger(server: &Server, sku: &str, limit: usize) -> Vec<LedgerEntry> {
    server.settle();
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let page: Page<LedgerEntry> =
            server.get(&format!("/v1/stock/{sku}/ledger?limit={limit}{cursor}")).is(200).read();
        assert!(page.items.len() <= limit);
        all.extend(page.items);
        let Some(next) = page.next_cursor else { return all };
        cursor = format!("&cursor={next}");
        assert!(all.len() < 10_000, "the pages never end");
    }
}

#[test]
fn every_movement_is_there_once_and_they_add_up() {
    let server = Server::start();
    server.stocked("TEA", 100);
    server.post("/inventory/TEA/replenish", &json!({"quantity": 5})).is(204);
    // Two lines of one SKU move at once and share a version: a page may end between them.
    let line = |id: &str| json!({"lineId": id, "sku": "TEA", "quantity": 2});
    for n in 0..20 {
        let body = json!({"reservationId": format!("r{n}"), "lines": [line("a"), line("b"), line("c")]});
        server.post("/v1/reservations", &body).is(201);
        match n % 4 {
            0 => drop(server.poke(&format!("/v1/reservations/r{n}/release")).is(200)),
            1 => drop(server.poke(&format!("/v1/reservations/r{n}/confirm")).is(200)),
            2 => {
                server.poke(&format!("/v1/reservations/r{n}/confirm")).is(200);
                server.poke(&format!("/v1/reservations/r{n}/consume")).is(200);
            }
            _ => {}
        }
        if n % 4 != 3 {
            continue;
        }
        server.poke(&format!("/v1/reservations/r{n}/release")).is(200);
    }
    let all = ledger(&server, "TEA", 200);
    let (on_hand, reserved, committed) = all.iter().fold((0, 0, 0), |sum, entry| {
        (sum.0 + entry.on_hand_delta, sum.1 + entry.reserved_delta, sum.2 + entry.committed_delta)
    });
    assert_eq!((on_hand, reserved, committed), (75, 0, 30));
    assert_eq!(server.counters("TEA"), (75, 0, 30, 45));
    assert!(all.windows(2).all(|pair| pair[0].version >= pair[1].version), "newest first");
    let count = |movement| all.iter().filter(|entry| entry.movement == movement).count();
    assert_eq!((count(Movement::Held), count(Movement::Released), count(Movement::Confirmed)), (60, 30, 30));
    assert_eq!((count(Movement::Consumed), count(Movement::Replenished), count(Movement::Adjusted)), (15, 1, 1));
    for limit in [1, 7] {
        assert_eq!(ledger(&server, "TEA", limit), all, "pages of {limit}");
    }
    let default: Page<LedgerEntry> = server.get("/v1/stock/TEA/ledger").is(200).read();
    assert_eq!(default.items.len(), 50);
    let held = all.iter().find(|entry| entry.movement == Movement::Held).unwrap();
    assert_eq!((held.reservation_id.as_deref(), held.line_id.is_some()), (Some("r19"), true));
    server.stop().verifies();
}

#[test]
fn an_entry_says_which_request_caused_it() {
    let server = Server::start();
    server.stocked("TEA", 100);
    let body = json!({"reservationId": "r", "lines": [{"sku": "TEA", "quantity": 1}]});
    server.request("POST", "/v1/reservations").header("x-correlation-id", "order-77").json(&body).send().is(201);
    let newest = ledger(&server, "TEA", 1).remove(0);
    assert_eq!(newest.correlation_id.as_deref(), Some("order-77"));
    newest.at.parse::<jiff::Timestamp>().unwrap();
}
