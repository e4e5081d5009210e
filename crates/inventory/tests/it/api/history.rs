//! Stock as of any instant over HTTP.

use std::time::Duration;

use comanda_contracts::{LocationStock, Stock, StockAsOf};
use cqrs::Clock;
use serde_json::json;

use super::shop::Shop;

/// The stock of `TEA` as of an instant of the shop's first day.
async fn as_of(shop: &Shop, time: &str) -> StockAsOf {
    shop.get(&format!("/v1/stock/history?sku=TEA&asOf=2026-03-01T{time}Z")).await.expect(200).json()
}

#[tokio::test]
async fn the_past_is_as_it_was() {
    let shop = Shop::open().await;
    shop.clock.advance(Duration::from_secs(60));
    shop.hold("r", 3).await.expect(201);
    let then: Stock = shop.stock("TEA").await;
    shop.clock.advance(Duration::from_secs(3_600));
    shop.receive("TEA", "main", 5).await;

    let before = as_of(&shop, "09:30:59.999").await;
    assert_eq!((before.on_hand, before.reserved, before.available), (10, 0, 10));
    let held = as_of(&shop, "09:31:00.000").await;
    assert_eq!((held.on_hand, held.reserved, held.available, held.version), (10, 3, 7, then.version));
    assert_eq!(held.locations, then.locations);
    let ended = as_of(&shop, "09:46:00.000").await;
    assert_eq!((ended.reserved, ended.available, ended.version), (0, 10, then.version), "it lasted 900 seconds");
    let now = as_of(&shop, "10:31:00.000").await;
    assert_eq!((now.on_hand, now.available), (15, 15));
    assert_eq!(now.as_of, "2026-03-01T10:31:00.000Z");
}

#[tokio::test]
async fn an_instant_there_is_no_stock_of_is_refused() {
    let shop = Shop::open().await;
    let problem = shop.get("/v1/stock/history?sku=TEA&asOf=2026-03-01T09:30:00.001Z").await;
    let problem = problem.problem(400, "INVALID_PARAMETER");
    assert_eq!(problem.errors[0].pointer, "?asOf");
    assert!(problem.errors[0].detail.contains("2026-03-01T09:30:00.000Z"), "{problem:?}");
    let problem = shop.get("/v1/stock/history?sku=TEA&asOf=2026-02-01T00:00:00Z").await;
    let problem = problem.problem(404, "STOCK_NOT_YET_KNOWN");
    assert!(problem.detail.contains("from 2026-03-01T09:30:00.000Z on"), "{}", problem.detail);
    shop.get("/v1/stock/history?sku=NONE&asOf=2026-03-01T09:30:00Z").await.problem(404, "UNKNOWN_SKU");
    let problem = shop.get("/v1/stock/history?sku=a%20b&asOf=yesterday").await.problem(422, "INVALID_FIELDS");
    let pointers: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["?sku", "?asOf"]);
    let problem = shop.get("/v1/stock/history?sku=TEA").await.problem(400, "INVALID_PARAMETER");
    assert_eq!(problem.errors[0].pointer, "?asOf");
    shop.get("/v1/stock/history?sku=TEA&asOf=2026-03-01T09:30:00Z&at=x").await.problem(400, "INVALID_PARAMETER");
}

/// The day on which goods that are on their way are expected.
const MONDAY: &str = "2026-03-09T09:00:00Z";

/// What a stock tells of what is to come: in all, on its way between locations, and all of it by location.
type ToCome = (i64, i64, Vec<LocationStock>);

/// The instant, and what is told at it of what is to come.
async fn noted(shop: &Shop, notes: &mut Vec<(String, ToCome)>) {
    let now = shop.clock.now().to_rfc3339();
    let Stock { incoming, in_transit, locations, .. } = shop.stock("TEA").await;
    notes.push((now, (incoming, in_transit, locations)));
    shop.clock.advance(Duration::from_secs(1));
}

#[tokio::test]
async fn what_was_to_come_is_told_of_any_instant_also_across_balances() {
    let shop = Shop::open().await;
    shop.post("/v1/locations", json!({ "locationId": "berlin" })).await.expect(201);
    shop.receive("TEA", "main", 2_000).await;
    let mut notes = Vec::new();
    noted(&shop, &mut notes).await;
    let lines = json!([{ "sku": "TEA", "quantity": 9 }]);
    let announced = json!({ "receiptId": "r", "state": "EXPECTED", "expectedAt": MONDAY, "lines": lines });
    shop.post("/v1/receipts", announced).await.expect(201);
    noted(&shop, &mut notes).await;
    let lines = json!([{ "sku": "TEA", "quantity": 4 }]);
    let way = json!({ "transferId": "t", "fromLocationId": "main", "toLocationId": "berlin", "lines": lines });
    shop.post("/v1/transfers", way).await.expect(201);
    shop.post("/v1/transfers/t/ship", json!({ "expectedAt": MONDAY })).await.expect(200);
    noted(&shop, &mut notes).await;
    // Enough happens that a balance is struck, in which nothing stands of what is to come.
    let many: Vec<_> = (0..1_000).map(|_| json!({ "sku": "TEA", "quantity": 1 })).collect();
    shop.post("/v1/reservations", json!({ "reservationId": "many", "lines": many })).await.expect(201);
    shop.act("/v1/reservations/many/release").await.expect(200);
    noted(&shop, &mut notes).await;
    let part = json!({ "deliveryId": "d", "lines": [{ "lineId": "1", "quantity": 3 }] });
    shop.post("/v1/receipts/r/receive", part).await.expect(200);
    noted(&shop, &mut notes).await;
    let came = json!({ "deliveryId": "van", "lines": [{ "lineId": "1", "quantity": 2, "lost": 1 }] });
    shop.post("/v1/transfers/t/receive", came).await.expect(200);
    noted(&shop, &mut notes).await;
    let seen = shop.act("/v1/receipts/r/close").await.expect(200);
    noted(&shop, &mut notes).await;

    let sums: Vec<_> = notes.iter().map(|(_, (incoming, in_transit, _))| (*incoming, *in_transit)).collect();
    assert_eq!(sums, [(0, 0), (9, 0), (13, 4), (13, 4), (10, 4), (7, 1), (1, 1)]);
    for (at, told) in notes {
        let then = shop.get_after(&seen, &format!("/v1/stock/history?sku=TEA&asOf={at}")).await.expect(200);
        let StockAsOf { incoming, in_transit, locations, .. } = then.json();
        assert_eq!((incoming, in_transit, locations), told, "as of {at}");
    }
}
