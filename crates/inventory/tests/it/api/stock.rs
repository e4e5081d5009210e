//! SKUs, locations, adjustments, availability and the ledger over HTTP.

use axum::http::Method;
use comanda_contracts::{
    Adjustment, AvailabilityAnswer, BinAssignment, LedgerEntry, Movement, Page, ReasonCode, Sku, Stock, StockAtLocation,
};
use serde_json::json;

use super::shop::Shop;

#[tokio::test]
async fn a_sku_is_registered_read_and_changed() {
    let shop = Shop::empty().await;
    let body = json!({ "sku": "TEA", "name": "Green tea", "safetyStock": 2, "backorderLimit": 1 });
    let first = shop.post("/v1/skus", body.clone()).await.expect(201);
    assert_eq!(first.header("location"), "/v1/skus/TEA");
    let again = shop.post("/v1/skus", body).await.expect(201);
    assert_eq!((first.body.as_slice(), again.header("idempotent-replayed")), (again.body.as_slice(), "true"));
    shop.post("/v1/skus", json!({ "sku": "TEA" })).await.problem(409, "ID_CONFLICT");

    let body = Some(json!({ "safetyStock": 5 }).to_string());
    let changed = shop.request(Method::PATCH, "/v1/skus/TEA", body.clone(), &[]).await.expect(200);
    let sku: Sku = changed.json();
    assert_eq!((sku.name.as_deref(), sku.safety_stock, sku.backorder_limit), (Some("Green tea"), 5, 1));
    assert_eq!(shop.get_after(&changed, "/v1/skus/TEA").await.expect(200).json::<Sku>(), sku);
    shop.request(Method::PATCH, "/v1/skus/NONE", body, &[]).await.problem(404, "UNKNOWN_SKU");
}

#[tokio::test]
async fn safety_stock_is_held_back_and_a_backorder_limit_goes_beyond() {
    let shop = Shop::open().await;
    let patch =
        async |body: serde_json::Value| shop.request(Method::PATCH, "/v1/skus/TEA", Some(body.to_string()), &[]).await;
    patch(json!({ "safetyStock": 4 })).await.expect(200);
    shop.hold("a", 7).await.problem(409, "INSUFFICIENT_STOCK");
    patch(json!({ "backorderLimit": 1 })).await.expect(200);
    shop.hold("a", 7).await.expect(201);
    let seen = patch(json!({ "backorderLimit": 0 })).await.expect(200);
    let stock: Stock = shop.get_after(&seen, "/v1/stock/TEA").await.json();
    assert_eq!((stock.available, stock.safety_stock, stock.backorder_limit), (-1, 4, 0));
}

#[tokio::test]
async fn stock_is_kept_per_location() {
    let shop = Shop::open().await;
    let berlin = json!({ "locationId": "berlin", "name": "Berlin" });
    shop.post("/v1/locations", berlin.clone()).await.expect(201);
    assert_eq!(shop.post("/v1/locations", berlin).await.expect(201).header("idempotent-replayed"), "true");
    shop.post("/v1/locations", json!({ "locationId": "berlin" })).await.problem(409, "ID_CONFLICT");
    shop.receive("TEA", "berlin", 5).await;
    let line = json!({ "sku": "TEA", "quantity": 4, "locationId": "berlin" });
    shop.post("/v1/reservations", json!({ "lines": [line] })).await.expect(201);
    let problem = shop.post("/v1/reservations", json!({ "lines": [line] })).await.problem(409, "INSUFFICIENT_STOCK");
    assert_eq!((problem.shortfalls[0].location_id.as_deref(), problem.shortfalls[0].available), (Some("berlin"), 1));
    let stock = shop.stock("TEA").await;
    let at: Vec<_> = stock.locations.iter().map(|l| (l.location_id.as_str(), l.on_hand, l.available)).collect();
    assert_eq!(at, [("berlin", 5, 1), ("main", 10, 10)]);
    assert_eq!((stock.on_hand, stock.available), (15, 11));
}

#[tokio::test]
async fn a_sku_has_a_bin_per_location() {
    let shop = Shop::open().await;
    shop.post("/v1/locations", json!({ "locationId": "berlin" })).await.expect(201);
    let assign = async |path: &str, bin: &str| {
        shop.request(Method::PUT, path, Some(json!({ "bin": bin }).to_string()), &[]).await
    };
    let path = "/v1/stock/TEA/locations/berlin/bin";
    let first = assign(path, "A-01-03-2").await.expect(200);
    let again = assign(path, "A-01-03-2").await.expect(200);
    let replayed = again.header("idempotent-replayed");
    assert_eq!((first.json::<BinAssignment>(), replayed), (again.json::<BinAssignment>(), "true"));
    let stock: Stock = shop.get_after(&first, "/v1/stock/TEA").await.expect(200).json();
    let at: Vec<_> = stock.locations.iter().map(|l| (l.location_id.as_str(), l.bin.as_deref())).collect();
    assert_eq!(at, [("berlin", Some("A-01-03-2")), ("main", None)]);
    let there = shop.get_after(&first, "/v1/locations/berlin/stock").await.expect(200);
    assert_eq!(there.json::<Page<StockAtLocation>>().items[0].bin.as_deref(), Some("A-01-03-2"));
    assert_eq!(assign(path, "A--2").await.problem(422, "INVALID_FIELDS").errors[0].pointer, "/bin");
    assign("/v1/stock/NONE/locations/berlin/bin", "A").await.problem(404, "UNKNOWN_SKU");
    assign("/v1/stock/TEA/locations/nowhere/bin", "A").await.problem(404, "UNKNOWN_LOCATION");
}

#[tokio::test]
async fn a_count_is_compared_with_what_was_expected() {
    let shop = Shop::open().await;
    let count = |set: i64, expected: i64| json!({ "sku": "TEA", "set": set, "expected": expected, "reasonCode": "cycle_count", "referenceUri": "count/7" });
    let problem = shop.post("/v1/stock/adjustments", count(8, 9)).await.problem(409, "STOCK_CHANGED");
    assert_eq!((problem.expected, problem.actual), (Some(9), Some(10)));
    let done = shop.post("/v1/stock/adjustments", count(8, 10)).await.expect(201);
    assert_eq!(done.header("location"), "/v1/stock/TEA/ledger");
    let done: Adjustment = done.json();
    assert_eq!((done.delta, done.on_hand, done.available, done.location_id.as_str()), (-2, 8, 8, "main"));

    shop.hold("r", 5).await.expect(201);
    let take = |delta: i64| json!({ "sku": "TEA", "delta": delta, "reasonCode": "lost" });
    shop.post("/v1/stock/adjustments", take(-4)).await.problem(409, "STOCK_PROMISED");
    shop.post("/v1/stock/adjustments", take(-9)).await.problem(409, "STOCK_OUT_OF_RANGE");
    shop.post("/v1/stock/adjustments", take(-3)).await.expect(201);
    assert_eq!(shop.stock("TEA").await.available, 0);
}

#[tokio::test]
async fn the_ledger_adds_up_to_the_counters() {
    let shop = Shop::open().await;
    shop.hold("a", 3).await.expect(201);
    shop.hold("b", 2).await.expect(201);
    shop.act("/v1/reservations/a/confirm").await.expect(200);
    shop.act("/v1/reservations/a/consume").await.expect(200);
    let seen = shop.act("/v1/reservations/b/release").await.expect(200);

    let mut entries: Vec<LedgerEntry> = Vec::new();
    let mut path = "/v1/stock/TEA/ledger?limit=2".to_owned();
    loop {
        let page: Page<LedgerEntry> = shop.get_after(&seen, &path).await.expect(200).json();
        assert!(page.items.len() <= 2);
        entries.extend(page.items);
        match page.next_cursor {
            Some(cursor) => path = format!("/v1/stock/TEA/ledger?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let kinds: Vec<_> = entries.iter().map(|entry| entry.movement).collect();
    let newest_first = [
        Movement::Released,
        Movement::Consumed,
        Movement::Confirmed,
        Movement::Held,
        Movement::Held,
        Movement::Adjusted,
    ];
    assert_eq!(kinds, newest_first);
    assert_eq!(entries[5].reason_code, Some(ReasonCode::Received));
    assert_eq!(entries[4].reservation_id.as_deref(), Some("a"));
    let sum = |delta: fn(&LedgerEntry) -> i64| entries.iter().map(delta).sum::<i64>();
    let stock = shop.stock("TEA").await;
    assert_eq!(sum(|e| e.on_hand_delta), stock.on_hand);
    assert_eq!(sum(|e| e.reserved_delta), stock.reserved);
    assert_eq!(sum(|e| e.committed_delta), stock.committed);
}

#[tokio::test]
async fn availability_answers_line_by_line() {
    let shop = Shop::open().await;
    let seen = shop.hold("r", 2).await.expect(201);
    let line = |sku: &str, quantity: i64| json!({ "sku": sku, "quantity": quantity });
    let body = json!({ "lines": [line("TEA", 5), line("NONE", 1), line("TEA", 4), line("TEA", 3)] });
    let headers = [("consistency-token", seen.header("consistency-token"))];
    let answer: AvailabilityAnswer = shop.post_with("/v1/availability:query", body, &headers).await.expect(200).json();
    assert!(!answer.sufficient);
    let lines: Vec<_> = answer.lines.iter().map(|l| (l.known, l.available, l.sufficient)).collect();
    assert_eq!(lines, [(true, 8, true), (false, 0, false), (true, 8, false), (true, 8, true)]);

    let problem = shop.post("/v1/availability:query", json!({ "lines": [line("TEA", 0)] })).await;
    assert_eq!(problem.problem(422, "INVALID_FIELDS").errors[0].pointer, "/lines/0/quantity");
    shop.post("/v1/availability:query", json!({ "lines": [] })).await.problem(422, "INVALID_FIELDS");
}
