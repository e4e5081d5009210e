//! Damaged units and quality control over HTTP: who may be sold, who not, and what the ledger says of it.

use comanda_contracts::{
    Capacity, LedgerEntry, Movement, MovementSum, MovementSums, Page, ReasonCode, Regrade, StockMovement,
};
use serde_json::{Value, json};

use super::shop::{Answer, Shop};

async fn regrade(shop: &Shop, quantity: i64, from: &str, to: &str) -> Answer {
    let body = json!({
        "quantity": quantity, "from": from, "to": to, "reasonCode": "quality_control", "referenceUri": "inspection/7",
    });
    shop.post("/v1/stock/TEA/regrade", body).await
}

#[tokio::test]
async fn units_in_quality_control_are_not_sold_until_they_are_released() {
    let shop = Shop::open().await;
    let taken: Regrade = regrade(&shop, 6, "SELLABLE", "QUALITY_CONTROL").await.expect(201).json();
    assert_eq!((taken.on_hand, taken.quality_control, taken.available), (10, 6, 4));
    shop.hold("r", 5).await.problem(409, "INSUFFICIENT_STOCK");
    let stock = shop.stock("TEA").await;
    assert_eq!((stock.quality_control, stock.available, stock.locations[0].quality_control), (6, 4, 6));

    regrade(&shop, 4, "QUALITY_CONTROL", "SELLABLE").await.expect(201);
    let damaged = regrade(&shop, 2, "QUALITY_CONTROL", "DAMAGED").await.expect(201).json::<Regrade>();
    assert_eq!((damaged.damaged, damaged.quality_control, damaged.available), (2, 0, 8));
    shop.hold("r", 8).await.expect(201);
}

#[tokio::test]
async fn damaged_units_leave_and_the_ledger_says_why() {
    let shop = Shop::open().await;
    regrade(&shop, 3, "SELLABLE", "DAMAGED").await.expect(201);
    regrade(&shop, 1, "DAMAGED", "RETURNED_TO_SUPPLIER").await.expect(201);
    let seen = regrade(&shop, 2, "DAMAGED", "SCRAPPED").await.expect(201);
    assert_eq!(seen.header("location"), "/v1/stock/TEA/ledger");
    let stock = shop.stock("TEA").await;
    assert_eq!((stock.on_hand, stock.damaged, stock.available), (7, 0, 7));
    let ledger: Page<LedgerEntry> = shop.get_after(&seen, "/v1/stock/TEA/ledger?limit=3").await.expect(200).json();
    let moved: Vec<_> =
        ledger.items.iter().map(|entry| (entry.movement, entry.on_hand_delta, entry.damaged_delta)).collect();
    let expected = [(Movement::Scrapped, -2, -2), (Movement::ReturnedToSupplier, -1, -1), (Movement::Regraded, 0, 3)];
    assert_eq!(moved, expected);
    let entry = &ledger.items[0];
    let why = (entry.reason_code, entry.reference_uri.as_deref());
    assert_eq!(why, (Some(ReasonCode::QualityControl), Some("inspection/7")));
}

#[tokio::test]
async fn what_is_promised_cannot_be_taken_off_sale() {
    let shop = Shop::open().await;
    shop.hold("r", 7).await.expect(201);
    let problem = regrade(&shop, 4, "SELLABLE", "DAMAGED").await.problem(409, "UNITS_NOT_THERE");
    assert_eq!((problem.expected, problem.actual), (Some(4), Some(3)));
    assert_eq!(shop.stock("TEA").await.damaged, 0);
    regrade(&shop, 3, "SELLABLE", "DAMAGED").await.expect(201);
    let take = json!({ "sku": "TEA", "delta": -8, "reasonCode": "lost" });
    let problem = shop.post("/v1/stock/adjustments", take).await.problem(409, "UNITS_KEPT_UNSOLD");
    assert_eq!(problem.actual, Some(3));
}

#[tokio::test]
async fn a_repetition_under_a_key_moves_nothing_twice() {
    let shop = Shop::open().await;
    let body = json!({ "quantity": 2, "from": "SELLABLE", "to": "DAMAGED", "reasonCode": "damaged" });
    let key = [("idempotency-key", "fork-lift")];
    let first = shop.post_with("/v1/stock/TEA/regrade", body.clone(), &key).await.expect(201);
    let again = shop.post_with("/v1/stock/TEA/regrade", body, &key).await.expect(201);
    assert_eq!((first.body, again.header("idempotent-replayed")), (again.body.clone(), "true"));
    assert_eq!(shop.stock("TEA").await.damaged, 2);
}

#[tokio::test]
async fn a_change_that_makes_no_sense_is_refused_where_it_is_wrong() {
    let shop = Shop::open().await;
    let whole = json!({ "quantity": 1, "from": "SELLABLE", "to": "DAMAGED", "reasonCode": "damaged" });
    let with = |field: &str, value: Value| {
        let mut body = whole.clone();
        body[field] = value;
        body
    };
    for (body, code, pointer) in [
        (with("quantity", json!(0)), (422, "INVALID_FIELDS"), "/quantity"),
        (with("locationId", json!("a b")), (422, "INVALID_FIELDS"), "/locationId"),
        (with("to", json!("SELLABLE")), (422, "INVALID_FIELDS"), "/to"),
        (with("referenceUri", json!("x".repeat(501))), (422, "INVALID_FIELDS"), "/referenceUri"),
        (with("from", json!("SCRAPPED")), (400, "WRONG_SHAPE"), "/from"),
        (with("reasonCode", json!("whim")), (400, "WRONG_SHAPE"), "/reasonCode"),
        (with("surprise", json!(1)), (400, "WRONG_SHAPE"), "/surprise"),
    ] {
        let problem = shop.post("/v1/stock/TEA/regrade", body).await.problem(code.0, code.1);
        assert_eq!(problem.errors[0].pointer, pointer);
    }
    shop.post("/v1/stock/NONE/regrade", whole.clone()).await.problem(404, "UNKNOWN_SKU");
    shop.post("/v1/stock/TEA/regrade", with("locationId", json!("nowhere"))).await.problem(404, "UNKNOWN_LOCATION");
    assert_eq!(shop.stock("TEA").await.damaged, 0);
}

#[tokio::test]
async fn capacity_and_movements_tell_units_in_quality_control_and_what_is_to_come() {
    let shop = Shop::open().await;
    regrade(&shop, 5, "SELLABLE", "DAMAGED").await.expect(201);
    regrade(&shop, 3, "DAMAGED", "QUALITY_CONTROL").await.expect(201);
    let lines = json!([{ "sku": "TEA", "quantity": 7 }]);
    let announced =
        json!({ "receiptId": "r", "state": "EXPECTED", "expectedAt": "2026-03-09T09:00:00Z", "lines": lines });
    let seen = shop.post("/v1/receipts", announced).await.expect(201);
    let all: Page<Capacity> = shop.get_after(&seen, "/v1/capacity?locationId=main").await.expect(200).json();
    let Capacity { on_hand, reserved, committed, damaged, quality_control, available, incoming, .. } = all.items[0];
    assert_eq!((on_hand, damaged, quality_control, available, incoming), (10, 2, 3, 5, 7));
    assert_eq!(available, on_hand - reserved - committed - damaged - quality_control);

    let moved = shop.get_after(&seen, "/v1/stock/movements?sku=TEA").await.expect(200).json::<Page<StockMovement>>();
    let deltas: Vec<_> = moved.items.iter().map(|moved| (moved.damaged_delta, moved.quality_control_delta)).collect();
    assert_eq!(deltas, [(0, 0), (5, 0), (-3, 3)]);
    let path = "/v1/stock/movements/sums?from=2026-03-01&to=2026-03-01&sku=TEA";
    let sums = shop.get_after(&seen, path).await.expect(200).json::<MovementSums>().sums;
    let sum = |of: fn(&MovementSum) -> i64| sums.iter().map(of).sum::<i64>();
    assert_eq!((sum(|day| day.damaged_delta), sum(|day| day.quality_control_delta)), (2, 3));
}
