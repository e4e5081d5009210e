//! Stock as of any instant over HTTP.

use std::time::Duration;

use comanda_contracts::{Stock, StockAsOf};

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
    shop.get("/v1/stock/history?sku=TEA").await.problem(400, "INVALID_PARAMETER");
    shop.get("/v1/stock/history?sku=TEA&asOf=2026-03-01T09:30:00Z&at=x").await.problem(400, "INVALID_PARAMETER");
}
