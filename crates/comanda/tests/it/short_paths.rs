//! The short paths: what programs written for the system before this one send must go on working.

use comanda_contracts::{Page, ShortReservation, ShortStock};
use serde_json::{Value, json};

use crate::http::Answer;
use crate::server::Server;

fn reserve(server: &Server, sku: &str, id: &str, quantity: i64) -> Answer {
    server.post(&format!("/inventory/{sku}/reserve"), &json!({"reservationId": id, "quantity": quantity}))
}

fn release(server: &Server, sku: &str, id: &str) -> Answer {
    server.post(&format!("/inventory/{sku}/release"), &json!({"reservationId": id}))
}

fn items(server: &Server, id: &str) -> Vec<(String, i64)> {
    let found: ShortReservation = server.get(&format!("/inventory/reservations/{id}")).is(200).read();
    found.items.into_iter().map(|item| (item.sku, item.quantity)).collect()
}

#[test]
fn reserve_replenish_release_answer_204() {
    let server = Server::start();
    server.post("/v1/skus", &json!({"sku": "TEA"})).is(201);
    let replenished = server.post("/inventory/TEA/replenish", &json!({"quantity": 10})).is(204);
    assert!(replenished.body.is_empty());
    let stock: ShortStock = server.get_after("/inventory/TEA", &replenished.token()).is(200).read();
    assert_eq!((stock.sku.as_str(), stock.available), ("TEA", 10));
    stock.updated_at.parse::<jiff::Timestamp>().unwrap();

    reserve(&server, "TEA", "order-1", 4).is(204);
    assert!(reserve(&server, "TEA", "order-1", 4).is(204).is_replayed());
    assert_eq!(items(&server, "order-1"), [("TEA".to_owned(), 4)]);
    assert_eq!(server.counters("TEA"), (10, 4, 0, 6));
    let short = reserve(&server, "TEA", "order-2", 7).problem(409, "INSUFFICIENT_STOCK");
    assert_eq!((short.shortfalls[0].requested, short.shortfalls[0].available), (7, 6));
    reserve(&server, "TEA", "order-1", 5).problem(409, "ID_CONFLICT");

    release(&server, "TEA", "order-1").is(204);
    release(&server, "TEA", "order-1").is(204);
    release(&server, "TEA", "nobody").is(204);
    reserve(&server, "TEA", "nobody", 1).problem(409, "RESERVATION_ENDED");
    assert_eq!(items(&server, "order-1"), []);
    assert_eq!(server.counters("TEA"), (10, 0, 0, 10));
    server.get("/inventory/reservations/unheard-of").problem(404, "UNKNOWN_RESERVATION");
}

#[test]
fn one_id_may_hold_several_skus() {
    let server = Server::start();
    server.stocked("TEA", 10);
    server.stocked("MUG", 10);
    reserve(&server, "TEA", "order", 1).is(204);
    reserve(&server, "MUG", "order", 2).is(204);
    let mut held = items(&server, "order");
    held.sort();
    assert_eq!(held, [("MUG".to_owned(), 2), ("TEA".to_owned(), 1)]);
    release(&server, "TEA", "order").is(204);
    assert_eq!(items(&server, "order"), [("MUG".to_owned(), 2)]);
    assert_eq!((server.counters("TEA"), server.counters("MUG")), ((10, 0, 0, 10), (10, 2, 0, 8)));
    server.stop().verifies();
}

#[test]
fn a_short_hold_has_no_end_of_its_own_and_can_be_confirmed() {
    let server = Server::start();
    server.stocked("TEA", 10);
    reserve(&server, "TEA", "order", 1).is(204);
    let held: Value = server.get("/v1/reservations/order").is(200).json();
    assert_eq!((held["state"].as_str(), held.get("expiresAt")), (Some("HELD"), None));
    server.poke("/v1/reservations/order/confirm").is(200);
    assert_eq!(server.counters("TEA"), (10, 0, 1, 9));
}

#[test]
fn the_list_shows_all_or_only_what_there_is() {
    let server = Server::start();
    server.stocked("MUG", 1);
    server.stocked("TEA", 2);
    reserve(&server, "MUG", "order", 1).is(204);
    server.settle();
    let skus = |path: &str| {
        let page: Page<ShortStock> = server.get(path).is(200).read();
        page.items.into_iter().map(|item| (item.sku, item.available)).collect::<Vec<_>>()
    };
    assert_eq!(skus("/inventory"), [("MUG".to_owned(), 0), ("TEA".to_owned(), 2)]);
    assert_eq!(skus("/inventory?onlyAvailable=true"), [("TEA".to_owned(), 2)]);
    assert_eq!(skus("/inventory?onlyAvailable=false").len(), 2);
}
