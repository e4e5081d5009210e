//! Lists: bounded pages, cursors, filters.

use comanda_contracts::{Location, LowStock, Page, ShortStock, Sku, Stock, StockAtLocation};
use serde::de::DeserializeOwned;
use serde_json::json;

use super::shop::{Answer, Shop};

/// A shop with SKUs `A0` … `A6`, of which those with an even number are there, and the answer to read after.
async fn stocked() -> (Shop, Answer) {
    let shop = Shop::empty().await;
    for i in 0..7 {
        shop.post("/v1/skus", json!({ "sku": format!("A{i}") })).await.expect(201);
    }
    for i in [0, 2, 4, 6] {
        shop.receive(&format!("A{i}"), "main", 1).await;
    }
    // One command that touches every SKU: its token covers what all of them have seen.
    let lines: Vec<_> = (0..7).map(|i| json!({ "sku": format!("A{i}"), "quantity": 1 })).collect();
    let seen = shop.post("/v1/reservations", json!({ "lines": lines, "allowPartial": true })).await.expect(201);
    let held: comanda_contracts::Reservation = seen.json();
    let released = shop.act(&format!("/v1/reservations/{}/release", held.reservation_id)).await.expect(200);
    (shop, released)
}

/// Every item of a list, page by page.
async fn all<T: DeserializeOwned>(shop: &Shop, seen: &Answer, path: &str, limit: usize) -> Vec<T> {
    let mut items = Vec::new();
    let mut next = path.to_owned();
    for _ in 0..50 {
        let page: Page<T> = shop.get_after(seen, &next).await.expect(200).json();
        assert!(page.items.len() <= limit);
        items.extend(page.items);
        let Some(cursor) = page.next_cursor else { return items };
        next = format!("{path}&cursor={cursor}");
    }
    panic!("the list does not end");
}

#[tokio::test]
async fn every_item_comes_once_whatever_the_page() {
    let (shop, seen) = stocked().await;
    for limit in [1, 2, 3, 7, 200] {
        let items: Vec<Stock> = all(&shop, &seen, &format!("/v1/stock?limit={limit}"), limit).await;
        let skus: Vec<_> = items.iter().map(|item| item.sku.as_str()).collect();
        assert_eq!(skus, ["A0", "A1", "A2", "A3", "A4", "A5", "A6"], "limit {limit}");
    }
    assert_eq!(all::<Sku>(&shop, &seen, "/v1/skus?limit=4", 4).await.len(), 7);
}

#[tokio::test]
async fn filters() {
    let (shop, seen) = stocked().await;
    let skus = |items: Vec<Stock>| items.into_iter().map(|item| item.sku).collect::<Vec<_>>();
    let there: Vec<Stock> = all(&shop, &seen, "/v1/stock?onlyAvailable=true&limit=2", 2).await;
    assert_eq!(skus(there), ["A0", "A2", "A4", "A6"]);
    let start: Vec<Stock> = all(&shop, &seen, "/v1/stock?skuPrefix=A3&limit=2", 2).await;
    assert_eq!(skus(start), ["A3"]);
    let low: Vec<LowStock> = all(&shop, &seen, "/v1/low-stock?limit=2", 2).await;
    assert_eq!(low.into_iter().map(|item| item.sku).collect::<Vec<_>>(), ["A1", "A3", "A5"]);
    let short: Vec<ShortStock> = all(&shop, &seen, "/inventory?onlyAvailable=true&limit=3", 3).await;
    assert_eq!(short.len(), 4);
    shop.get("/v1/stock?skuPrefix=%2F").await.problem(422, "INVALID_FIELDS");
}

#[tokio::test]
async fn locations_and_what_they_hold() {
    let (shop, _) = stocked().await;
    for id in ["zurich", "berlin"] {
        shop.post("/v1/locations", json!({ "locationId": id })).await.expect(201);
    }
    shop.receive("A1", "berlin", 3).await;
    let body = json!({ "sku": "A1", "locationId": "berlin", "delta": 1, "reasonCode": "found" });
    let seen = shop.post("/v1/stock/adjustments", body).await.expect(201);
    let holds: Vec<StockAtLocation> = all(&shop, &seen, "/v1/locations/berlin/stock?limit=1", 1).await;
    assert_eq!((holds.len(), holds[0].sku.as_str(), holds[0].on_hand), (1, "A1", 4));
    let seen = shop.post("/v1/locations", json!({ "locationId": "zurich" })).await.expect(201);
    let known: Vec<Location> = all(&shop, &seen, "/v1/locations?limit=2", 2).await;
    assert!(known.iter().any(|location| location.location_id == "main"));
    assert!(known.iter().any(|location| location.location_id == "zurich"));
    for (prefix, found) in [("b", "berlin"), ("m", "main"), ("zurich", "zurich")] {
        let path = format!("/v1/locations?locationIdPrefix={prefix}&limit=1");
        let known: Vec<Location> = all(&shop, &seen, &path, 1).await;
        let ids: Vec<_> = known.iter().map(|location| location.location_id.as_str()).collect();
        assert_eq!(ids, [found], "{prefix}");
    }
    let problem = shop.get("/v1/locations?locationIdPrefix=%20").await.problem(422, "INVALID_FIELDS");
    assert_eq!(problem.errors[0].pointer, "?locationIdPrefix");
    shop.get("/v1/locations/a%20b/stock").await.problem(422, "INVALID_FIELDS");
}

#[tokio::test]
async fn a_cursor_of_another_list_is_refused() {
    let (shop, seen) = stocked().await;
    let page: Page<Stock> = shop.get_after(&seen, "/v1/stock?limit=1").await.expect(200).json();
    let cursor = page.next_cursor.unwrap();
    shop.get(&format!("/v1/stock/A0/ledger?cursor={cursor}")).await.problem(400, "INVALID_PARAMETER");
    shop.get(&format!("/v1/stock?cursor=A{cursor}")).await.problem(400, "INVALID_PARAMETER");
}
