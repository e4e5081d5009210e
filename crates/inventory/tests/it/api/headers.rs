//! The headers: idempotency, preconditions, consistency, correlation.

use axum::http::Method;
use comanda_contracts::Reservation;
use serde_json::json;

use super::shop::Shop;

#[tokio::test]
async fn an_idempotency_key_gives_the_first_answer_again() {
    let shop = Shop::open().await;
    let body = json!({ "lines": [{ "sku": "TEA", "quantity": 2 }] });
    let key = [("idempotency-key", "k-1")];
    let first = shop.post_with("/v1/reservations", body.clone(), &key).await.expect(201);
    let again = shop.post_with("/v1/reservations", body, &key).await.expect(201);
    assert_eq!(first.json::<Reservation>().reservation_id, again.json::<Reservation>().reservation_id);
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!(shop.stock("TEA").await.reserved, 2);

    let other = json!({ "lines": [{ "sku": "TEA", "quantity": 3 }] });
    shop.post_with("/v1/reservations", other.clone(), &key).await.problem(422, "IDEMPOTENCY_KEY_REUSED");
    shop.post_with("/v1/reservations", other, &[("idempotency-key", "k-2")]).await.expect(201);
    assert_eq!(shop.stock("TEA").await.reserved, 5);
}

#[tokio::test]
async fn an_adjustment_under_a_key_is_booked_once() {
    let shop = Shop::open().await;
    let body = json!({ "sku": "TEA", "delta": 5, "reasonCode": "received" });
    for _ in 0..3 {
        shop.post_with("/v1/stock/adjustments", body.clone(), &[("idempotency-key", "delivery")]).await.expect(201);
    }
    assert_eq!(shop.stock("TEA").await.on_hand, 15);
}

#[tokio::test]
async fn a_batch_under_a_key_is_done_once() {
    let shop = Shop::open().await;
    let item = json!({ "lines": [{ "sku": "TEA", "quantity": 2 }] });
    let body = json!({ "reservations": [item, item] });
    for _ in 0..2 {
        shop.post_with("/v1/reservations:batch", body.clone(), &[("idempotency-key", "b")]).await.expect(200);
    }
    assert_eq!(shop.stock("TEA").await.reserved, 4);
}

#[tokio::test]
async fn if_match_refuses_what_was_decided_on_an_old_reading() {
    let shop = Shop::open().await;
    let read = shop.hold("r", 2).await.expect(201);
    let tag = read.header("etag").to_owned();
    let confirm =
        async |tag: &str| shop.request(Method::POST, "/v1/reservations/r/confirm", None, &[("if-match", tag)]).await;
    shop.post("/v1/reservations/r/extend", json!({ "ttlSeconds": 9_000 })).await.expect(200);
    let problem = confirm(&tag).await.problem(412, "VERSION_MISMATCH");
    assert_eq!((problem.expected, problem.actual), (Some(1), Some(2)));
    confirm("W/\"2\"").await.problem(412, "VERSION_MISMATCH");
    confirm("2").await.problem(400, "INVALID_HEADER");
    assert_eq!(shop.stock("TEA").await.committed, 0);
    confirm("\"2\"").await.expect(200);
    confirm("*").await.expect(200);

    let patch = async |tag: &str| {
        let body = Some(json!({ "safetyStock": 1 }).to_string());
        shop.request(Method::PATCH, "/v1/skus/TEA", body, &[("if-match", tag)]).await
    };
    patch("\"1\"").await.problem(412, "VERSION_MISMATCH");
    let tag = shop.get_after(&patch("*").await.expect(200), "/v1/stock/TEA").await.expect(200);
    patch(tag.header("etag")).await.expect(200);
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let shop = Shop::open().await;
    let seen = shop.hold("r", 2).await.expect(201);
    for path in ["/v1/stock/TEA", "/v1/reservations/r", "/v1/skus/TEA", "/inventory/TEA"] {
        let first = shop.get_after(&seen, path).await.expect(200);
        let tag = first.header("etag");
        assert!(!tag.is_empty(), "{path}");
        let again = shop.request(Method::GET, path, None, &[("if-none-match", tag)]).await.expect(304);
        assert!(again.body.is_empty());
        assert_eq!(again.header("etag"), tag);
        shop.request(Method::GET, path, None, &[("if-none-match", "\"0\"")]).await.expect(200);
    }
    let tag = shop.get("/v1/stock/TEA").await.header("etag").to_owned();
    shop.clock.advance(std::time::Duration::from_secs(901));
    let expired = shop.request(Method::GET, "/v1/stock/TEA", None, &[("if-none-match", &tag)]).await.expect(200);
    assert_ne!(expired.header("etag"), tag, "an expiry changes what is read");
    shop.request(Method::GET, "/v1/reservations/r", None, &[("if-none-match", "\"1\"")]).await.expect(200);
}

#[tokio::test]
async fn a_query_with_a_token_sees_what_the_command_did() {
    let shop = Shop::open().await;
    for i in 1..=10 {
        let done = shop.hold(&format!("r{i}"), 1).await.expect(201);
        let stock: comanda_contracts::Stock = shop.get_after(&done, "/v1/stock/TEA").await.expect(200).json();
        assert_eq!(stock.reserved, i);
    }
}

#[tokio::test]
async fn a_head_has_the_headers_of_its_get() {
    let shop = Shop::open().await;
    let seen = shop.hold("r", 2).await.expect(201);
    let get = shop.get_after(&seen, "/v1/stock/TEA").await.expect(200);
    let head = shop.request(Method::HEAD, "/v1/stock/TEA", None, &[]).await.expect(200);
    assert!(head.body.is_empty());
    for name in ["etag", "content-type", "content-length"] {
        assert_eq!(head.header(name), get.header(name));
    }
}

#[tokio::test]
async fn the_correlation_id_reaches_the_ledger() {
    let shop = Shop::open().await;
    let body = json!({ "sku": "TEA", "delta": 5, "reasonCode": "found" });
    let headers = [("x-correlation-id", "ticket-9")];
    let done = shop.post_with("/v1/stock/adjustments", body, &headers).await.expect(201);
    assert_eq!(done.header("x-correlation-id"), "ticket-9");
    let ledger: comanda_contracts::Page<comanda_contracts::LedgerEntry> =
        shop.get_after(&done, "/v1/stock/TEA/ledger?limit=1").await.expect(200).json();
    assert_eq!(ledger.items[0].correlation_id.as_deref(), Some("ticket-9"));
}
