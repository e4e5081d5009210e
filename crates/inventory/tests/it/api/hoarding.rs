//! What a credential may hold back, over HTTP.

use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::http::Request;
use comanda_web::{Caller, HoldLimits, Scopes};
use serde_json::{Value, json};

use super::shop::Shop;

/// A request of somebody who may hold back 5 units.
fn bounded(path: &str, body: &Value) -> Request<Body> {
    let caller = Caller {
        tenant: "default".into(),
        actor: "key:web".into(),
        scopes: Scopes::all(),
        key_id: None,
        holds: HoldLimits { units_max: Some(5), seconds_max: None },
    };
    let request = Request::post(path).header("content-type", "application/json").extension(Arc::new(caller));
    request.body(Body::from(body.to_string())).unwrap()
}

fn hold(sku: &str, quantity: i64) -> Value {
    json!({ "lines": [{ "sku": sku, "quantity": quantity }] })
}

#[tokio::test]
async fn whoever_hangs_up_gets_back_what_he_was_refused() {
    for (path, body) in [
        ("/v1/reservations:batch", json!({ "reservations": [hold("MUG", 5)] })),
        ("/v1/reservations", hold("MUG", 5)),
        ("/inventory/MUG/reserve", json!({ "reservationId": "r", "quantity": 5 })),
    ] {
        let shop = Shop::open().await;
        hang_up(&shop, bounded(path, &body)).await;
        shop.send(bounded("/v1/reservations", &hold("TEA", 6))).await.problem(429, "HOLDS_TOO_MUCH");
        shop.send(bounded("/v1/reservations", &hold("TEA", 5))).await.expect(201);
    }
}

#[tokio::test]
async fn whoever_hangs_up_gets_back_what_he_gave_back() {
    for (path, body) in [
        ("/v1/reservations/r/release", json!({})),
        ("/v1/reservations/r/confirm", json!({})),
        ("/inventory/TEA/release", json!({ "reservationId": "r" })),
    ] {
        let shop = Shop::open().await;
        let held = json!({ "reservationId": "r", "quantity": 5 });
        shop.send(bounded("/inventory/TEA/reserve", &held)).await.expect(204);
        let more = json!({ "reservationId": "s", "quantity": 5 });
        shop.send(bounded("/inventory/TEA/reserve", &more)).await.problem(429, "HOLDS_TOO_MUCH");
        hang_up(&shop, bounded(path, &body)).await;
        shop.send(bounded("/inventory/TEA/reserve", &more)).await.expect(204);
    }
}

/// Sends `request`, and is gone before it is answered.
async fn hang_up(shop: &Shop, request: Request<Body>) {
    {
        let mut hung_up = pin!(shop.send(request));
        assert!(futures::poll!(hung_up.as_mut()).is_pending());
    }
    // Decided after it.
    shop.stock("MUG").await;
}
