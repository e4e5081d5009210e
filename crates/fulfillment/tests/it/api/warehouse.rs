//! What the warehouse does with orders, over HTTP.

use comanda_contracts::OrderAccepted;
use serde_json::json;

use super::shop::Shop;

#[tokio::test]
async fn d12_ready_to_ship_is_idempotent_on_both_paths_and_cannot_be_cancelled() {
    let mut shop = Shop::open().await;
    let _ = shop.act("/v1/orders/o/ready-to-ship").await.problem(404, "UNKNOWN_ORDER");
    let order = json!({ "orderId": "o", "lines": [{ "sku": "TEA", "quantity": 1 }] });
    let _ = shop.post("/v1/orders", order).await.expect(202);
    let problem = shop.act("/orders/o/ready-to-ship").await.problem(409, "WRONG_TRANSITION");
    assert_eq!(problem.from.as_deref(), Some("RESERVATION_PENDING"));
    assert_eq!(problem.to.as_deref(), Some("READY_TO_SHIP"));
    assert!(!problem.allowed.unwrap().contains(&"READY_TO_SHIP".to_owned()));
    shop.answered().await;
    let first = shop.act("/v1/orders/o/ready-to-ship").await.expect(200);
    assert_eq!(first.header("idempotent-replayed"), "");
    let again = shop.act("/orders/o/ready-to-ship").await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.json::<OrderAccepted>(), first.json::<OrderAccepted>());
    assert_eq!(again.header("etag"), first.header("etag"));
    let refused = shop.act("/v1/orders/o/cancel").await.problem(409, "WRONG_TRANSITION");
    assert_eq!(refused.from.as_deref(), Some("READY_TO_SHIP"));
}
