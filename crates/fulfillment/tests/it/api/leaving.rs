//! Shipments and returns over HTTP: planned, booked, gone, arrived, come back.

use std::sync::Arc;

use axum::http::Method;
use comanda_contracts::{GoodsReturn, OrderStatusAnswer, Page, ReturnAccepted, Shipment, ShipmentAccepted};
use comanda_fulfillment::application::book_shipments::{BookShipments, BookingWaits};
use serde_json::{Value, json};

use super::shop::{Answer, Shop};
use crate::carrier::{Says, ScriptedCarrier};

/// A shop with order `o` of five units, ready to leave.
async fn ready() -> Shop {
    let mut shop = Shop::open().await;
    let order = json!({ "orderId": "o", "lines": [{ "lineId": "1", "sku": "TEA", "qty": 5 }] });
    shop.post("/v1/orders", order).await.expect(202);
    let _ = shop.post("/v1/shipments", shipment()).await.problem(409, "NOTHING_READY");
    shop.answered().await;
    shop.act("/v1/orders/o/ready-to-ship").await.expect(200);
    shop
}

fn shipment() -> Value {
    json!({ "shipmentId": "s", "orderId": "o", "carrier": "dhl" })
}

/// The carrier is asked what there is to ask, and says this.
async fn book(shop: &Shop, seen: &Answer, says: Says) {
    shop.get_after(seen, "/v1/shipments").await.expect(200);
    let (commands, queries) = (shop.house.commands.clone(), shop.house.queries.clone());
    let carrier = Arc::new(ScriptedCarrier::says(&[says]));
    assert_eq!(BookShipments::new("w", commands, queries, carrier, BookingWaits::default()).look().await, 1);
}

async fn status(shop: &Shop) -> String {
    shop.get("/v1/orders/o/status").await.expect(200).json::<OrderStatusAnswer>().status
}

#[tokio::test]
async fn an_order_leaves_arrives_and_comes_back() {
    let shop = ready().await;
    let planned = shop.post("/v1/shipments", shipment()).await.expect(202);
    assert_eq!(planned.header("location"), "/v1/shipments/s");
    let again = shop.post("/v1/shipments", shipment()).await.expect(202);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let problem = shop.act("/v1/shipments/s/dispatch").await.problem(409, "WRONG_TRANSITION");
    assert_eq!((problem.from.as_deref(), problem.to.as_deref()), (Some("PLANNED"), Some("DISPATCHED")));

    book(&shop, &planned, Says::Yes).await;
    let found: Shipment = shop.get("/v1/shipments/s").await.expect(200).json();
    assert_eq!((found.status.as_str(), found.tracking_number.as_deref()), ("BOOKED", Some("T-s")));
    assert_eq!((found.lines[0].quantity, found.lines[0].location_id.as_str()), (5, "main"));
    for _ in 0..2 {
        let gone: ShipmentAccepted = shop.act("/v1/shipments/s/dispatch").await.expect(200).json();
        assert_eq!(gone.status, "DISPATCHED");
    }
    assert_eq!(status(&shop).await, "SHIPPED");
    let news = json!({ "eventId": "1", "status": "DELIVERED", "happenedAt": "2026-03-03T18:00:00Z" });
    for _ in 0..2 {
        shop.post("/v1/shipments/s/tracking", news.clone()).await.expect(200);
    }
    assert_eq!(status(&shop).await, "DELIVERED");

    let lines = json!([{ "lineId": "1", "quantity": 2 }]);
    let request = json!({ "returnId": "r", "orderId": "o", "lines": lines, "reason": "too much" });
    shop.post("/v1/returns", request).await.expect(201);
    let too_many = json!({ "returnId": "t", "orderId": "o", "lines": [{ "lineId": "1", "quantity": 4 }] });
    let problem = shop.post("/v1/returns", too_many).await.problem(409, "ORDER_LINE_HAS_LESS");
    assert_eq!(problem.errors[0].pointer, "/lines/0/quantity");
    let came = json!({ "lines": [{ "lineId": "1", "quantity": 2, "locationId": "main", "disposition": "RESTOCK" }] });
    let received = shop.post("/v1/returns/r/receive", came).await.expect(200);
    assert_eq!(received.json::<ReturnAccepted>().status, "RECEIVED");
    assert_eq!(status(&shop).await, "PARTIALLY_RETURNED");
    let page: Page<GoodsReturn> = shop.get_after(&received, "/v1/returns?status=RECEIVED").await.expect(200).json();
    assert_eq!((page.items.len(), page.items[0].received[0].quantity), (1, 2));
}

#[tokio::test]
async fn a_refused_shipment_is_booked_again_or_given_up() {
    let shop = ready().await;
    let planned = shop.post("/v1/shipments", shipment()).await.expect(202);
    book(&shop, &planned, Says::No).await;
    let found: Shipment = shop.get("/v1/shipments/s").await.expect(200).json();
    assert_eq!((found.status.as_str(), found.reason.as_deref()), ("BOOKING_FAILED", Some("too heavy")));
    let again = shop.act("/v1/shipments/s/rebook").await.expect(200);
    book(&shop, &again, Says::LostQuestion).await;
    let found: Shipment = shop.get("/v1/shipments/s").await.expect(200).json();
    assert_eq!((found.status.as_str(), found.attempts), ("BOOKING_UNKNOWN", 2));
    let void = shop.post("/v1/shipments/s/void", json!({ "reason": "changed" })).await.expect(200);
    let page: Page<Shipment> = shop.get_after(&void, "/v1/shipments?orderId=o&status=VOIDED").await.expect(200).json();
    assert_eq!(page.items.len(), 1);
    let other = json!({ "shipmentId": "t", "orderId": "o", "carrier": "ups" });
    shop.post("/v1/shipments", other).await.expect(202);
}

#[tokio::test]
async fn what_is_wrong_is_named() {
    let shop = ready().await;
    let _ = shop.get("/v1/shipments/none").await.problem(404, "UNKNOWN_SHIPMENT");
    let _ = shop.get("/v1/returns/none").await.problem(404, "UNKNOWN_RETURN");
    for (path, allowed) in
        [("/v1/shipments?status=GONE", "PLANNED, BOOKING, "), ("/v1/returns?status=GONE", "REQUESTED, ")]
    {
        let problem = shop.get(path).await.problem(422, "INVALID_FIELDS");
        assert!(problem.errors[0].detail.starts_with(&format!("is none of {allowed}")), "{problem:?}");
    }
    let wrong =
        json!({ "shipmentId": "a b", "orderId": "o", "carrier": "", "lines": [{ "lineId": "1", "quantity": 0 }] });
    let problem = shop.post("/v1/shipments", wrong).await.problem(422, "INVALID_FIELDS");
    let pointers: Vec<_> = problem.errors.iter().map(|error| error.pointer.as_str()).collect();
    assert_eq!(pointers, ["/shipmentId", "/carrier", "/lines/0/quantity"]);
    let headers = [("if-none-match", "\"1.0\"")];
    let missing = shop.request(Method::GET, "/v1/shipments/none", None, &headers).await;
    let _ = missing.problem(404, "UNKNOWN_SHIPMENT");
}
