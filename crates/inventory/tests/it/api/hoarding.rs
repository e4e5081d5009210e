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
async fn whoever_hangs_up_on_a_batch_gets_back_what_it_was_refused() {
    let shop = Shop::open().await;
    let batch = bounded("/v1/reservations:batch", &json!({ "reservations": [hold("MUG", 5)] }));
    {
        let mut hung_up = pin!(shop.send(batch));
        assert!(futures::poll!(hung_up.as_mut()).is_pending());
    }
    // Decided after it.
    assert_eq!(shop.stock("MUG").await.available, 0);
    shop.send(bounded("/v1/reservations", &hold("TEA", 6))).await.problem(429, "HOLDS_TOO_MUCH");
    shop.send(bounded("/v1/reservations", &hold("TEA", 5))).await.expect(201);
}
