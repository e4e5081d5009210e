//! Owners over HTTP: whom a reservation is for, how it changes hands, and the list of holds that end soon.

use std::time::Duration;

use comanda_contracts::{ExpiringHold, LedgerEntry, Movement, Page, Reservation};
use serde_json::json;

use super::shop::{Answer, Shop};

async fn hold(shop: &Shop, id: &str, sku: &str, owner: Option<&str>, seconds: u64) -> Answer {
    let mut body = json!({
        "reservationId": id, "ttlSeconds": seconds, "lines": [{ "sku": sku, "quantity": 2 }],
    });
    if let Some(owner) = owner {
        body["owner"] = owner.into();
    }
    shop.post("/v1/reservations", body).await.expect(201)
}

async fn transfer(shop: &Shop, id: &str, owner: &str) -> Answer {
    shop.post(&format!("/v1/reservations/{id}/transfer"), json!({ "owner": owner })).await
}

#[tokio::test]
async fn a_reservation_changes_hands_and_keeps_its_end() {
    let shop = Shop::open().await;
    let held: Reservation = hold(&shop, "r", "TEA", Some("ann"), 60).await.json();
    assert_eq!(held.owner.as_deref(), Some("ann"));
    shop.clock.advance(Duration::from_secs(20));
    let seen = transfer(&shop, "r", "bob").await.expect(200);
    let moved: Reservation = seen.json();
    assert_eq!((moved.owner.as_deref(), &moved.expires_at, &moved.lines), (Some("bob"), &held.expires_at, &held.lines));
    let again = transfer(&shop, "r", "bob").await.expect(200);
    assert_eq!((again.header("idempotent-replayed"), again.json::<Reservation>()), ("true", moved));
    let ledger: Page<LedgerEntry> = shop.get_after(&seen, "/v1/stock/TEA/ledger?limit=2").await.expect(200).json();
    let told: Vec<_> =
        ledger.items.iter().map(|entry| (entry.movement, entry.reserved_delta, entry.owner.as_deref())).collect();
    assert_eq!(told, [(Movement::Transferred, 0, Some("bob")), (Movement::Held, 2, Some("ann"))]);
    assert_eq!(shop.stock("TEA").await.reserved, 2);
}

#[tokio::test]
async fn what_has_ended_changes_hands_no_more() {
    let shop = Shop::open().await;
    hold(&shop, "r", "TEA", Some("ann"), 60).await;
    transfer(&shop, "none", "bob").await.problem(404, "UNKNOWN_RESERVATION");
    assert_eq!(transfer(&shop, "r", "a b").await.problem(422, "INVALID_FIELDS").errors[0].pointer, "/owner");
    shop.clock.advance(Duration::from_secs(60));
    let problem = transfer(&shop, "r", "bob").await.problem(409, "WRONG_TRANSITION");
    assert_eq!((problem.from.as_deref(), problem.to.as_deref()), (Some("EXPIRED"), Some("HELD")));
    assert_eq!(problem.allowed, Some(vec!["CONFIRMED".to_owned(), "RELEASED".to_owned()]));
    shop.post("/v1/reservations/o1~1/transfer", json!({ "owner": "bob" })).await.problem(422, "INVALID_FIELDS");
}

/// The reservations of the list, page by page.
async fn listed(shop: &Shop, seen: &Answer, filter: &str, limit: usize) -> Vec<ExpiringHold> {
    let path = format!("/v1/reservations?limit={limit}{filter}");
    let (mut items, mut next) = (Vec::new(), path.clone());
    for _ in 0..50 {
        let page: Page<ExpiringHold> = shop.get_after(seen, &next).await.expect(200).json();
        assert!(page.items.len() <= limit);
        items.extend(page.items);
        let Some(cursor) = page.next_cursor else { return items };
        next = format!("{path}&cursor={cursor}");
    }
    panic!("the list does not end");
}

fn ids(holds: &[ExpiringHold]) -> Vec<&str> {
    holds.iter().map(|hold| hold.reservation_id.as_deref().unwrap_or("-")).collect()
}

#[tokio::test]
async fn holds_that_end_are_listed_the_soonest_first() {
    let shop = Shop::open().await;
    shop.receive("MUG", "main", 10).await;
    hold(&shop, "late", "TEA", Some("ann"), 600).await;
    hold(&shop, "soon", "MUG", Some("bob"), 60).await;
    hold(&shop, "also", "MUG", None, 60).await;
    hold(&shop, "next", "TEA", Some("bob"), 120).await;
    // One command that touches both SKUs: its token covers what both have seen.
    let both = json!([{ "sku": "TEA", "quantity": 1 }, { "sku": "MUG", "quantity": 1 }]);
    let body = json!({ "reservationId": "both", "ttlSeconds": 900, "owner": "eve", "lines": both });
    let seen = shop.post("/v1/reservations", body).await.expect(201);
    for limit in [1, 2, 3, 200] {
        let all = listed(&shop, &seen, "", limit).await;
        assert_eq!(ids(&all), ["also", "soon", "next", "late", "both", "both"], "limit {limit}");
    }
    let soon = &listed(&shop, &seen, "", 2).await[1];
    assert_eq!((soon.sku.as_str(), soon.quantity, soon.owner.as_deref()), ("MUG", 2, Some("bob")));
    assert_eq!((soon.location_id.as_str(), soon.expires_at.as_str()), ("main", "2026-03-01T09:31:00.000Z"));
    for limit in [1, 200] {
        assert_eq!(ids(&listed(&shop, &seen, "&sku=TEA", limit).await), ["next", "late", "both"]);
        assert_eq!(ids(&listed(&shop, &seen, "&owner=bob", limit).await), ["soon", "next"]);
        let before = "&expiringBefore=2026-03-01T09:32:00Z";
        assert_eq!(ids(&listed(&shop, &seen, before, limit).await), ["also", "soon"], "before, not at");
        let all = format!("{before}&sku=MUG&owner=bob");
        assert_eq!(ids(&listed(&shop, &seen, &all, limit).await), ["soon"]);
    }
    shop.get("/v1/reservations?expiringBefore=soon").await.problem(422, "INVALID_FIELDS");
    shop.get("/v1/reservations?cursor=abc").await.problem(400, "INVALID_PARAMETER");
    shop.get("/v1/reservations?limit=201").await.problem(422, "INVALID_FIELDS");
}

#[tokio::test]
async fn the_list_follows_what_becomes_of_a_hold() {
    let shop = Shop::open().await;
    for (id, seconds) in [("a", 60), ("b", 60), ("c", 60), ("d", 60)] {
        hold(&shop, id, "TEA", Some("ann"), seconds).await;
    }
    shop.act("/v1/reservations/a/confirm").await.expect(200);
    shop.act("/v1/reservations/b/release").await.expect(200);
    shop.post("/v1/reservations/c/extend", json!({ "ttlSeconds": 300 })).await.expect(200);
    let seen = transfer(&shop, "c", "bob").await.expect(200);
    let left = listed(&shop, &seen, "", 9).await;
    assert_eq!(ids(&left), ["d", "c"]);
    assert_eq!((left[1].owner.as_deref(), left[1].expires_at.as_str()), (Some("bob"), "2026-03-01T09:35:00.000Z"));
    assert_eq!(ids(&listed(&shop, &seen, "&owner=ann", 9).await), ["d"]);
    shop.clock.advance(Duration::from_secs(60));
    assert_eq!(ids(&listed(&shop, &seen, "", 9).await), ["c"], "what has ended is not listed, swept or not");
}
