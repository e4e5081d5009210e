//! Movements by reason over HTTP: the list over all SKUs, and sums by day that agree with it.

use std::time::Duration;

use comanda_contracts::{Movement, MovementSums, Page, ReasonCode, StockMovement};
use serde_json::json;

use super::shop::{Answer, Shop};

/// Two days of a shop that starts with 10 TEA at `main` on 2026-03-01: a receipt with one damaged unit, a transfer of
/// which one unit is lost, a theft, and a cart, which has no reason.
async fn two_days() -> (Shop, Answer) {
    let shop = Shop::open().await;
    shop.post("/v1/locations", json!({ "locationId": "berlin" })).await.expect(201);
    let lines = json!([{ "sku": "MUG", "quantity": 5, "damaged": 1 }]);
    shop.post("/v1/receipts", json!({ "receiptId": "r", "state": "RECEIVED", "lines": lines })).await.expect(201);
    let lines = json!([{ "sku": "TEA", "quantity": 4 }]);
    let way = json!({ "transferId": "t", "fromLocationId": "main", "toLocationId": "berlin", "lines": lines });
    shop.post("/v1/transfers", way).await.expect(201);
    shop.post("/v1/transfers/t/ship", json!({ "expectedAt": "2026-03-02T09:00:00Z" })).await.expect(200);
    shop.hold("cart", 2).await.expect(201);
    shop.clock.advance(Duration::from_secs(86_400));
    let came = json!({ "deliveryId": "van", "lines": [{ "lineId": "1", "quantity": 3, "lost": 1 }] });
    shop.post("/v1/transfers/t/receive", came).await.expect(200);
    let theft = json!({ "sku": "MUG", "delta": -2, "reasonCode": "stolen", "referenceUri": "case 7" });
    shop.post("/v1/stock/adjustments", theft).await.expect(201);
    // Its token covers both SKUs.
    let both = json!([{ "sku": "TEA", "quantity": 1 }, { "sku": "MUG", "quantity": 1 }]);
    let seen = shop.post("/v1/reservations", json!({ "lines": both })).await.expect(201);
    (shop, seen)
}

async fn list(shop: &Shop, seen: &Answer, query: &str) -> Page<StockMovement> {
    shop.get_after(seen, &format!("/v1/stock/movements{query}")).await.expect(200).json()
}

#[tokio::test]
async fn what_moved_for_a_reason_is_listed_over_all_skus() {
    let (shop, seen) = two_days().await;
    let all = list(&shop, &seen, "").await.items;
    let mut told: Vec<_> = all.iter().map(|m| (&*m.at, &*m.sku, m.movement, m.reason_code, m.on_hand_delta)).collect();
    told.sort_by_key(|told| (told.0, told.1.to_owned(), -told.4));
    let (first, second) = ("2026-03-01T09:30:00.000Z", "2026-03-02T09:30:00.000Z");
    let expected = [
        (first, "MUG", Movement::Received, ReasonCode::Received, 5),
        (first, "TEA", Movement::Adjusted, ReasonCode::Received, 10),
        (first, "TEA", Movement::TransferShipped, ReasonCode::Movement, 0),
        (first, "TEA", Movement::TransferShipped, ReasonCode::Movement, -4),
        (second, "MUG", Movement::Adjusted, ReasonCode::Stolen, -2),
        (second, "TEA", Movement::TransferReceived, ReasonCode::Movement, 3),
        (second, "TEA", Movement::LostInTransit, ReasonCode::Lost, 0),
    ];
    assert_eq!(told, expected);
    let instants: Vec<_> = all.iter().map(|movement| movement.at.clone()).collect();
    assert!(instants.is_sorted(), "the oldest first");
    let stolen = all.iter().find(|movement| movement.reason_code == ReasonCode::Stolen).unwrap();
    assert_eq!(stolen.reference_uri.as_deref(), Some("case 7"));
}

#[tokio::test]
async fn movements_are_found_by_sku_reason_location_and_time_page_by_page() {
    let (shop, seen) = two_days().await;
    let count = async |query: &str| list(&shop, &seen, query).await.items.len();
    assert_eq!((count("?sku=TEA").await, count("?reason=movement").await), (5, 3));
    assert_eq!((count("?locationId=berlin").await, count("?reason=lost&sku=TEA").await), (3, 1));
    assert_eq!(count("?from=2026-03-02T09:30:00Z").await, 3);
    assert_eq!(count("?to=2026-03-02T09:30:00Z").await, 4);
    assert_eq!(count("?from=2026-03-01T09:30:00.001Z&to=2026-03-02T09:30:00Z").await, 0);
    let all = list(&shop, &seen, "").await.items;
    let (mut paged, mut query) = (Vec::new(), "?limit=2".to_owned());
    loop {
        let page = list(&shop, &seen, &query).await;
        assert!(page.items.len() <= 2);
        paged.extend(page.items);
        match page.next_cursor {
            Some(cursor) => query = format!("?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(paged, all);
}

#[tokio::test]
async fn sums_by_day_and_reason_agree_with_the_list() {
    let (shop, seen) = two_days().await;
    let sums = async |query: &str| {
        let path = format!("/v1/stock/movements/sums?from=2026-03-01&to=2026-03-02{query}");
        shop.get_after(&seen, &path).await.expect(200).json::<MovementSums>().sums
    };
    let told: Vec<_> =
        sums("").await.into_iter().map(|s| (s.day, s.reason_code, s.on_hand_in, s.on_hand_out)).collect();
    let (first, second) = ("2026-03-01".to_owned(), "2026-03-02".to_owned());
    let expected = [
        (first.clone(), ReasonCode::Movement, 0, 4),
        (first, ReasonCode::Received, 15, 0),
        (second.clone(), ReasonCode::Lost, 0, 0),
        (second.clone(), ReasonCode::Movement, 3, 0),
        (second, ReasonCode::Stolen, 0, 2),
    ];
    assert_eq!(told, expected);
    let all = list(&shop, &seen, "").await.items;
    let whole = sums("").await;
    assert_eq!(whole.iter().map(|sum| sum.movements).sum::<i64>(), all.len() as i64);
    assert_eq!(whole.iter().map(|sum| sum.damaged_delta).sum::<i64>(), 1);
    assert_eq!(whole.iter().map(|sum| sum.incoming_delta).sum::<i64>(), 0, "what left has come or is lost");
    let on_hand = whole.iter().map(|sum| sum.on_hand_in - sum.on_hand_out).sum::<i64>();
    assert_eq!(on_hand, shop.stock("TEA").await.on_hand + shop.stock("MUG").await.on_hand);
    assert_eq!(sums("&sku=MUG").await.iter().map(|sum| sum.movements).sum::<i64>(), 2);
    assert_eq!(sums("&locationId=berlin&reason=movement").await.len(), 2);
}

#[tokio::test]
async fn wrong_filters_are_named() {
    let shop = Shop::open().await;
    for (path, pointer) in [
        ("/v1/stock/movements?sku=a%20b", "?sku"),
        ("/v1/stock/movements?from=monday", "?from"),
        ("/v1/stock/movements?limit=201", "?limit"),
        ("/v1/stock/movements/sums?from=2026-03-01&to=2026-13-01", "?to"),
        ("/v1/stock/movements/sums?from=2026-03-02&to=2026-03-01", "?to"),
        ("/v1/stock/movements/sums?from=2026-01-01&to=2026-04-03", "?to"),
    ] {
        let problem = shop.get(path).await.problem(422, "INVALID_FIELDS");
        assert_eq!(problem.errors[0].pointer, pointer, "{path}");
    }
    shop.get("/v1/stock/movements/sums?from=2026-01-01&to=2026-04-02").await.expect(200);
    for path in ["?reason=because", "?since=2026-03-01", "/sums?from=2026-03-01"] {
        shop.get(&format!("/v1/stock/movements{path}")).await.problem(400, "INVALID_PARAMETER");
    }
    shop.post("/v1/skus", json!({ "sku": "movements" })).await.problem(422, "INVALID_FIELDS");
}
