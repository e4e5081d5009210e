//! Backorders and preorders over HTTP: what may be promised that is not there, to whom, and what it is marked as.

use std::time::Duration;

use axum::http::Method;
use comanda_contracts::{AvailabilityAnswer, Backorders, Reservation};
use serde_json::{Value, json};

use super::shop::{Answer, Shop};

/// The shop's clock stands at 2026-03-01T09:30:00Z.
const IN_A_MINUTE: &str = "2026-03-01T09:31:00.000Z";
const MONDAY: &str = "2026-03-09T09:00:00.000Z";

async fn set(shop: &Shop, body: Value) -> Answer {
    shop.request(Method::PUT, "/v1/skus/TEA/backorders", Some(body.to_string()), &[]).await
}

async fn announce(shop: &Shop, quantity: i64) {
    let lines = json!([{ "sku": "TEA", "quantity": quantity }]);
    let body = json!({ "receiptId": "po-1", "state": "EXPECTED", "expectedAt": MONDAY, "lines": lines });
    shop.post("/v1/receipts", body).await.expect(201);
}

/// Of so many units of TEA: whether they could be held now, and what can be promised by `by`.
async fn asked(shop: &Shop, quantity: i64, by: &str) -> (bool, Option<i64>) {
    let seen = shop.post("/v1/skus", json!({ "sku": "TEA" })).await.expect(201);
    let body = json!({ "lines": [{ "sku": "TEA", "quantity": quantity }], "by": by });
    let token = [("consistency-token", seen.header("consistency-token"))];
    let answer = shop.post_with("/v1/availability:query", body, &token).await.expect(200);
    let answer: AvailabilityAnswer = answer.json();
    (answer.sufficient, answer.lines[0].available_to_promise)
}

#[tokio::test]
async fn limit_and_terms_are_set_read_and_known_again() {
    let shop = Shop::open().await;
    let body = json!({ "limit": 5, "from": IN_A_MINUTE, "incomingOnly": true });
    let first = set(&shop, body.clone()).await.expect(200);
    let backorders: Backorders = first.json();
    assert_eq!((backorders.limit, backorders.from.as_deref(), backorders.incoming_only), (5, Some(IN_A_MINUTE), true));
    let again = set(&shop, body).await.expect(200);
    assert_eq!((again.header("idempotent-replayed"), again.json::<Backorders>()), ("true", backorders.clone()));
    let read = shop.get_after(&again, "/v1/skus/TEA/backorders").await.expect(200);
    assert_eq!(read.json::<Backorders>(), backorders);
    assert_eq!(shop.stock("TEA").await.backorder_limit, 5);
    let cleared = set(&shop, json!({ "limit": 5 })).await.expect(200).json::<Backorders>();
    assert_eq!((cleared.from, cleared.incoming_only), (None, false));
}

#[tokio::test]
async fn a_cart_is_told_which_of_its_units_are_not_there_yet() {
    let shop = Shop::open().await;
    set(&shop, json!({ "limit": 5 })).await.expect(200);
    let held = shop.hold("cart", 12).await.expect(201);
    let line = &held.json::<Reservation>().lines[0];
    assert_eq!((line.held, line.backordered), (12, 2));
    shop.hold("other", 4).await.problem(409, "INSUFFICIENT_STOCK");
    shop.act("/v1/reservations/cart/confirm").await.expect(200);
    shop.act("/v1/reservations/cart/consume").await.problem(409, "NOT_ON_HAND");
    shop.receive("TEA", "main", 2).await;
    shop.act("/v1/reservations/cart/consume").await.expect(200);
}

#[tokio::test]
async fn a_preorder_is_promised_from_its_day_on() {
    let shop = Shop::open().await;
    set(&shop, json!({ "limit": 5, "from": IN_A_MINUTE })).await.expect(200);
    assert_eq!(asked(&shop, 11, "2026-03-01T09:30:59.999Z").await, (false, Some(10)));
    assert_eq!(asked(&shop, 11, IN_A_MINUTE).await, (false, Some(15)));
    shop.hold("early", 11).await.problem(409, "INSUFFICIENT_STOCK");
    shop.clock.advance(Duration::from_secs(60));
    assert!(asked(&shop, 11, IN_A_MINUTE).await.0, "the read knows before any command has looked");
    shop.hold("preorder", 11).await.expect(201);
    shop.hold("beyond", 5).await.problem(409, "INSUFFICIENT_STOCK");
}

#[tokio::test]
async fn against_what_is_to_come_no_more_is_promised_than_that() {
    let shop = Shop::open().await;
    set(&shop, json!({ "limit": 100, "incomingOnly": true })).await.expect(200);
    shop.hold("before", 11).await.problem(409, "INSUFFICIENT_STOCK");
    announce(&shop, 3).await;
    assert_eq!(asked(&shop, 13, MONDAY).await, (true, Some(13)));
    assert_eq!(asked(&shop, 14, IN_A_MINUTE).await, (false, Some(10)));
    shop.hold("cart", 13).await.expect(201);
    shop.hold("beyond", 1).await.problem(409, "INSUFFICIENT_STOCK");
    shop.act("/v1/receipts/po-1/cancel").await.expect(200);
    let stock = shop.stock("TEA").await;
    assert_eq!((stock.available, stock.reserved), (-3, 13), "what was promised stands");
}

#[tokio::test]
async fn a_limit_below_what_is_promised_is_refused_with_the_figures() {
    let shop = Shop::open().await;
    set(&shop, json!({ "limit": 5 })).await.expect(200);
    shop.hold("cart", 14).await.expect(201);
    let before = shop.stock("TEA").await;
    let problem = set(&shop, json!({ "limit": 3 })).await.problem(409, "STOCK_PROMISED");
    assert_eq!(problem.actual, Some(4));
    assert!(problem.detail.contains("14 units") && problem.detail.contains("10 on hand"), "{}", problem.detail);
    for (body, pointer) in [
        (json!({ "limit": -1 }), "/limit"),
        (json!({ "limit": 1_000_000_001 }), "/limit"),
        (json!({ "limit": 5, "from": "soon" }), "/from"),
    ] {
        assert_eq!(set(&shop, body).await.problem(422, "INVALID_FIELDS").errors[0].pointer, pointer);
    }
    set(&shop, json!({ "limit": 5, "until": MONDAY })).await.problem(400, "WRONG_SHAPE");
    let body = Some(json!({ "limit": 1 }).to_string());
    shop.request(Method::PUT, "/v1/skus/NONE/backorders", body, &[]).await.problem(404, "UNKNOWN_SKU");
    shop.get("/v1/skus/NONE/backorders").await.problem(404, "UNKNOWN_SKU");
    assert_eq!(shop.stock("TEA").await, before);
}
