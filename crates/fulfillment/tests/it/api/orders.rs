//! Orders over HTTP: placed, read, cancelled, held, listed.

use axum::http::Method;
use comanda_contracts::{Backorder, Order, OrderAccepted, OrderStatusAnswer, OrderSummary, OrderTimeline, Page};
use serde_json::{Value, json};

use super::shop::Shop;

fn tea(id: &str, quantity: i64) -> Value {
    json!({ "orderId": id, "lines": [{ "lineId": "1", "sku": "TEA", "qty": quantity }] })
}

async fn status(shop: &Shop, id: &str) -> String {
    shop.get(&format!("/v1/orders/{id}/status")).await.expect(200).json::<OrderStatusAnswer>().status
}

#[tokio::test]
async fn an_order_is_taken_in_and_read_at_once() {
    let mut shop = Shop::open().await;
    for path in ["/v1/orders", "/orders"] {
        let id = path.replace('/', "-");
        let placed = shop.post(path, tea(&id, 2)).await.expect(202);
        assert_eq!(placed.header("location"), format!("/v1/orders/{id}"));
        let accepted: OrderAccepted = placed.json();
        assert_eq!((accepted.order_id.as_str(), accepted.status.as_str()), (id.as_str(), "RESERVATION_PENDING"));
        for read in [format!("/orders/{id}/status"), format!("/v1/orders/{id}/status")] {
            let found: OrderStatusAnswer = shop.get_after(&placed, &read).await.expect(200).json();
            assert_eq!(found.status, "RESERVATION_PENDING");
        }
        let order: Order = shop.get_after(&placed, &format!("/v1/orders/{id}")).await.expect(200).json();
        assert_eq!((order.lines[0].pending, order.waits_for[0].code.as_str()), (2, "RESERVATION"));
        assert!(order.waits_for[0].since.is_some() && order.waits_for[0].until.is_some());
        shop.answered().await;
        let order: Order = shop.get(&format!("{path}/{id}")).await.expect(200).json();
        assert_eq!((order.status.as_str(), order.lines[0].status.as_str()), ("RESERVED", "CONFIRMED"));
        assert_eq!(order.lines[0].allocations[0].reservation_id, format!("{id}~1"));
    }
}

#[tokio::test]
async fn d8_placing_again_is_the_same_success_and_another_body_a_conflict() {
    let mut shop = Shop::open().await;
    let first = shop.post("/v1/orders", tea("o", 2)).await.expect(202);
    shop.answered().await;
    let again = shop.post("/v1/orders", tea("o", 2)).await.expect(202);
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!(status(&shop, "o").await, "RESERVED");
    let problem = shop.post("/orders", tea("o", 3)).await.problem(409, "ID_CONFLICT");
    assert_eq!(problem.instance.as_deref(), Some("/v1/orders/o"));
    assert_eq!(status(&shop, "o").await, "RESERVED");
}

#[tokio::test]
async fn cancelling_gives_everything_back_and_is_safe_to_repeat() {
    let mut shop = Shop::open().await;
    shop.post("/orders", tea("o", 2)).await.expect(202);
    shop.answered().await;
    let cancelled = shop.act("/orders/o/cancel").await.expect(200);
    assert_eq!(cancelled.json::<OrderAccepted>().status, "CANCELLED");
    let again = shop.act("/v1/orders/o/cancel").await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    shop.answered().await;
    assert_eq!(shop.house.inventory.free["TEA"]["main"], 10);
    let problem = shop.post("/v1/orders/o/hold", json!({ "reason": "x" })).await.problem(409, "WRONG_TRANSITION");
    assert_eq!((problem.from.as_deref(), problem.to.as_deref()), (Some("CANCELLED"), Some("ON_HOLD")));
    assert_eq!(problem.allowed, Some(Vec::new()));
}

#[tokio::test]
async fn single_units_are_cancelled_with_a_key() {
    let mut shop = Shop::open().await;
    shop.post("/v1/orders", tea("o", 5)).await.expect(202);
    shop.answered().await;
    let body = json!({ "lines": [{ "lineId": "1", "quantity": 2 }] });
    let _ = shop.post("/v1/orders/o/cancel", body.clone()).await.problem(400, "INVALID_HEADER");
    for _ in 0..2 {
        let headers = [("idempotency-key", "k")];
        let cancelled = shop.request(Method::POST, "/v1/orders/o/cancel", Some(body.to_string()), &headers).await;
        assert_eq!(cancelled.expect(200).json::<OrderAccepted>().status, "RESERVED");
    }
    let order: Order = shop.get("/v1/orders/o").await.expect(200).json();
    assert_eq!((order.lines[0].reserved, order.lines[0].cancelled), (3, 2));
    let unknown = json!({ "lines": [{ "lineId": "9" }] });
    let problem = shop.post("/v1/orders/o/cancel", unknown).await.problem(422, "UNKNOWN_ORDER_LINE");
    assert_eq!(problem.errors[0].pointer, "/lines/0/lineId");
}

#[tokio::test]
async fn an_order_rests_and_goes_on_and_its_timeline_says_so() {
    let mut shop = Shop::open().await;
    shop.post("/v1/orders", tea("o", 2)).await.expect(202);
    let held = shop.post("/v1/orders/o/hold", json!({ "reason": "address is checked" })).await.expect(200);
    assert_eq!(held.json::<OrderAccepted>().status, "ON_HOLD");
    let order: Order = shop.get("/v1/orders/o").await.expect(200).json();
    assert_eq!(order.on_hold.as_deref(), Some("address is checked"));
    assert_eq!(order.waits_for[0].code, "RELEASE_OF_HOLD");
    shop.act("/v1/orders/o/release-hold").await.expect(200);
    shop.answered().await;
    let page: OrderTimeline = shop.get("/v1/orders/o/timeline?limit=3").await.expect(200).json();
    let codes = |page: &OrderTimeline| page.items.iter().map(|entry| entry.code.clone()).collect::<Vec<_>>();
    assert_eq!(codes(&page), ["RESERVED", "HOLD_RELEASED", "PUT_ON_HOLD"]);
    assert_eq!(page.waits_for[0].code, "PICKING");
    let next = page.next_cursor.unwrap();
    let page: OrderTimeline = shop.get(&format!("/v1/orders/o/timeline?cursor={next}")).await.expect(200).json();
    assert_eq!(codes(&page), ["RESERVATION_REQUESTED", "PLACED"]);
    assert_eq!(page.items[1].command.as_deref(), Some("place-order"));
    assert!(page.next_cursor.is_none());
}

#[tokio::test]
async fn lists_filter_sort_and_page() {
    let mut shop = Shop::open().await;
    let mut seen = None;
    for (id, promised, customer) in [("a", "2026-03-09", "c1"), ("b", "2026-02-01", "c2"), ("c", "2026-03-08", "c1")] {
        let mut body = tea(id, 4);
        body["promisedAt"] = format!("{promised}T00:00:00Z").into();
        body["customer"] = customer.into();
        body["policy"] = "BACKORDER".into();
        seen = Some(shop.post("/v1/orders", body).await.expect(202));
        shop.answered().await;
        shop.house.clock.advance(std::time::Duration::from_millis(1));
    }
    // The last thing that is written is an answer to a command that changes nothing.
    let last = seen.unwrap();
    let hold = shop.post("/v1/orders/c/hold", json!({ "reason": "x" })).await.expect(200);
    assert!(!last.header("consistency-token").is_empty());
    let ids = async |path: &str| {
        let page: Page<OrderSummary> = shop.get_after(&hold, path).await.expect(200).json();
        (page.items.iter().map(|order| order.order_id.clone()).collect::<String>(), page.next_cursor)
    };
    assert_eq!(ids("/v1/orders").await.0, "abc");
    assert_eq!(ids("/v1/orders?sort=promisedAt").await.0, "bca");
    assert_eq!(ids("/v1/orders?customer=c1").await.0, "ac");
    assert_eq!(ids("/orders?status=RESERVED").await.0, "ab");
    assert_eq!(ids("/orders?status=ON_HOLD").await.0, "c");
    assert_eq!(ids("/v1/late-orders").await.0, "b");
    let (first, next) = ids("/v1/orders?limit=2&sort=promisedAt").await;
    assert_eq!(first, "bc");
    assert_eq!(ids(&format!("/v1/orders?limit=2&sort=promisedAt&cursor={}", next.unwrap())).await.0, "a");
    let page: Page<Backorder> = shop.get_after(&hold, "/v1/backorders?sku=TEA").await.expect(200).json();
    assert_eq!((page.items[0].order_id.as_str(), page.items[0].quantity), ("c", 2));
    let _ = shop.get("/v1/orders?status=LOST").await.problem(422, "INVALID_FIELDS");
    let _ = shop.get("/v1/orders?sort=name").await.problem(422, "INVALID_FIELDS");
}

#[tokio::test]
async fn what_is_wrong_is_told_with_its_place() {
    let shop = Shop::open().await;
    let _ = shop.get("/v1/orders/none").await.problem(404, "UNKNOWN_ORDER");
    let _ = shop.get("/orders/none/status").await.problem(404, "UNKNOWN_ORDER");
    let _ = shop.act("/orders/none/cancel").await.problem(404, "UNKNOWN_ORDER");
    let _ = shop.get("/v1/orders/none/timeline").await.problem(404, "UNKNOWN_ORDER");
    let _ = shop.get("/v1/orders/a%20b").await.problem(422, "INVALID_FIELDS");
    let both = json!({ "lines": [{ "sku": "TEA", "qty": 1, "quantity": 1 }] });
    let _ = shop.post("/v1/orders", both).await.problem(400, "WRONG_SHAPE");
    let wrong = json!({ "lines": [{ "sku": "T E A", "quantity": 0 }], "promisedAt": "tomorrow" });
    let problem = shop.post("/v1/orders", wrong).await.problem(422, "INVALID_FIELDS");
    let pointers: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/lines/0/sku", "/lines/0/quantity", "/promisedAt"]);
    let _ = shop.post("/v1/orders", json!({ "lines": [] })).await.problem(422, "INVALID_FIELDS");
    let many: Vec<_> = (0..2_001).map(|_| json!({ "sku": "TEA", "quantity": 1 })).collect();
    let _ = shop.post("/v1/orders", json!({ "lines": many })).await.problem(422, "INVALID_FIELDS");
    let _ = shop
        .post("/v1/orders", json!({ "customer": "x".repeat(300_000), "lines": [] }))
        .await
        .problem(413, "BODY_TOO_LARGE");
}

#[tokio::test]
async fn an_order_without_an_id_gets_one() {
    let shop = Shop::open().await;
    let placed: OrderAccepted =
        shop.post("/orders", json!({ "lines": [{ "sku": "TEA", "quantity": 1 }] })).await.expect(202).json();
    assert_eq!(status(&shop, &placed.order_id).await, "RESERVATION_PENDING");
}
