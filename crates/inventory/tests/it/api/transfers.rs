//! Transfers over HTTP: what leaves one location is in transit until it comes, or is lost.

use axum::http::Method;
use comanda_contracts::{IncomingUnits, LedgerEntry, Movement, Page, ReasonCode, Stock, Transfer, TransferState};
use serde_json::{Value, json};

use super::shop::{Answer, Shop};

const MONDAY: &str = "2026-03-09T09:00:00.000Z";

async fn open() -> Shop {
    let shop = Shop::open().await;
    shop.post("/v1/locations", json!({ "locationId": "berlin" })).await.expect(201);
    shop.receive("MUG", "main", 3).await;
    shop
}

fn requested(id: &str, lines: Value) -> Value {
    json!({ "transferId": id, "fromLocationId": "main", "toLocationId": "berlin", "lines": lines })
}

fn four_and_two() -> Value {
    json!([{ "sku": "TEA", "quantity": 4 }, { "sku": "MUG", "quantity": 2 }])
}

async fn in_transit(shop: &Shop, id: &str) -> Answer {
    shop.post("/v1/transfers", requested(id, four_and_two())).await.expect(201);
    shop.post(&format!("/v1/transfers/{id}/ship"), json!({ "expectedAt": MONDAY })).await.expect(200)
}

fn state(answer: &Answer) -> TransferState {
    answer.json::<Transfer>().state
}

/// On hand at each location by its id, and in transit.
fn places(stock: &Stock) -> (Vec<(&str, i64)>, i64) {
    (stock.locations.iter().map(|there| (there.location_id.as_str(), there.on_hand)).collect(), stock.in_transit)
}

#[tokio::test]
async fn goods_leave_are_in_transit_and_come() {
    let shop = open().await;
    let first = shop.post("/v1/transfers", requested("t-1", four_and_two())).await.expect(201);
    assert_eq!((first.header("location"), state(&first)), ("/v1/transfers/t-1", TransferState::Requested));
    let again = shop.post("/v1/transfers", requested("t-1", four_and_two())).await.expect(201);
    assert_eq!((again.header("idempotent-replayed"), again.body.as_slice()), ("true", first.body.as_slice()));
    assert_eq!(shop.stock("TEA").await.available, 10, "a request moves nothing and holds nothing");

    let shipped = shop.post("/v1/transfers/t-1/ship", json!({ "expectedAt": MONDAY })).await.expect(200);
    assert_eq!(state(&shipped), TransferState::Shipped);
    let again = shop.post("/v1/transfers/t-1/ship", json!({ "expectedAt": MONDAY })).await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let stock = shop.stock("TEA").await;
    assert_eq!(places(&stock), (vec![("berlin", 0), ("main", 6)], 4));
    assert_eq!((stock.on_hand, stock.available, stock.incoming), (6, 6, 4));
    let incoming = shop.get_after(&again, "/v1/incoming?sku=TEA&locationId=berlin").await.expect(200);
    let incoming: Page<IncomingUnits> = incoming.json();
    assert_eq!((incoming.items[0].transfer_id.as_deref(), &*incoming.items[0].expected_at), (Some("t-1"), MONDAY));

    let came = shop.post("/v1/transfers/t-1/receive", json!({ "deliveryId": "van-1" })).await.expect(200);
    assert_eq!(state(&came), TransferState::Received);
    let again = shop.post("/v1/transfers/t-1/receive", json!({ "deliveryId": "van-1" })).await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(places(&shop.stock("TEA").await), (vec![("berlin", 4), ("main", 6)], 0));
    let read = shop.get("/v1/transfers/t-1").await.expect(200);
    assert_eq!(read.json::<Transfer>(), came.json::<Transfer>());
    let unchanged = [("if-none-match", read.header("etag"))];
    shop.request(Method::GET, "/v1/transfers/t-1", None, &unchanged).await.expect(304);
}

#[tokio::test]
async fn what_is_lost_on_the_way_is_gone_with_its_reason() {
    let shop = open().await;
    in_transit(&shop, "t-1").await;
    let lines = json!([{ "lineId": "1", "quantity": 2, "damaged": 1, "lost": 1 }]);
    let part =
        shop.post("/v1/transfers/t-1/receive", json!({ "deliveryId": "van-1", "lines": lines })).await.expect(200);
    let line = &part.json::<Transfer>().lines[0];
    assert_eq!((line.in_transit, line.received, line.damaged, line.lost), (1, 2, 1, 1));
    assert_eq!(state(&part), TransferState::PartiallyReceived);
    let stock = shop.stock("TEA").await;
    assert_eq!((stock.on_hand, stock.damaged, stock.in_transit), (8, 1, 1));

    let ledger: Page<LedgerEntry> = shop.get_after(&part, "/v1/stock/TEA/ledger?limit=4").await.expect(200).json();
    let told = |entry: &LedgerEntry| (entry.movement, entry.reason_code, entry.on_hand_delta, entry.incoming_delta);
    let expected = [
        (Movement::LostInTransit, Some(ReasonCode::Lost), 0, -1),
        (Movement::TransferReceived, Some(ReasonCode::Movement), 2, -2),
        (Movement::TransferShipped, Some(ReasonCode::Movement), -4, 0),
        (Movement::TransferShipped, Some(ReasonCode::Movement), 0, 4),
    ];
    let mut found: Vec<_> = ledger.items.iter().map(told).collect();
    found[2..].sort_by_key(|entry| entry.2);
    assert_eq!(found, expected);
    assert!(ledger.items.iter().all(|entry| entry.reference_uri.as_deref() == Some("transfer/t-1")));

    let more = json!({ "deliveryId": "van-2", "lines": [{ "lineId": "1", "quantity": 2 }] });
    let problem = shop.post("/v1/transfers/t-1/receive", more).await.problem(409, "MORE_THAN_SHIPPED");
    assert_eq!((problem.expected, problem.actual), (Some(1), Some(2)));
    let other = json!({ "deliveryId": "van-1", "lines": [{ "lineId": "1", "quantity": 1 }] });
    shop.post("/v1/transfers/t-1/receive", other).await.problem(409, "ID_CONFLICT");
    assert_eq!(shop.stock("TEA").await, stock);
}

#[tokio::test]
async fn only_what_is_available_where_it_leaves_can_go() {
    let shop = open().await;
    shop.hold("cart", 7).await.expect(201);
    shop.post("/v1/transfers", requested("t-1", four_and_two())).await.expect(201);
    let problem = shop.post("/v1/transfers/t-1/ship", json!({ "expectedAt": MONDAY })).await;
    let problem = problem.problem(409, "INSUFFICIENT_STOCK");
    let short = &problem.shortfalls[0];
    assert_eq!(
        (&*short.sku, short.location_id.as_deref(), short.requested, short.available),
        ("TEA", Some("main"), 4, 3)
    );
    assert_eq!(shop.stock("MUG").await.on_hand, 3, "all of it or nothing");
    shop.act("/v1/reservations/cart/release").await.expect(200);
    shop.post("/v1/transfers/t-1/ship", json!({ "expectedAt": MONDAY })).await.expect(200);
    let problem = shop.act("/v1/transfers/t-1/cancel").await.problem(409, "WRONG_TRANSITION");
    assert_eq!((problem.from.as_deref(), problem.to.as_deref()), (Some("SHIPPED"), Some("CANCELLED")));
    assert_eq!(problem.allowed.unwrap(), ["PARTIALLY_RECEIVED", "RECEIVED"]);
    shop.hold("cart-2", 7).await.problem(409, "INSUFFICIENT_STOCK");
}

#[tokio::test]
async fn transfers_are_listed_by_state_and_location() {
    let shop = open().await;
    shop.post("/v1/transfers", requested("t-2", json!([{ "sku": "TEA", "quantity": 1 }]))).await.expect(201);
    let cancelled = shop.act("/v1/transfers/t-2/cancel").await.expect(200);
    assert_eq!(state(&cancelled), TransferState::Cancelled);
    let seen = in_transit(&shop, "t-1").await;
    let ids = async |query: &str| {
        let page: Page<Transfer> = shop.get_after(&seen, &format!("/v1/transfers{query}")).await.expect(200).json();
        page.items.into_iter().map(|transfer| transfer.transfer_id).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, ["t-1", "t-2"]);
    assert_eq!(ids("?state=SHIPPED&fromLocationId=main&toLocationId=berlin").await, ["t-1"]);
    assert_eq!(ids("?toLocationId=main").await, Vec::<String>::new());
    let problem = shop.get("/v1/transfers?state=GONE").await.problem(422, "INVALID_FIELDS");
    assert_eq!(problem.errors[0].pointer, "?state");
    assert!(problem.errors[0].detail.starts_with("is none of REQUESTED, SHIPPED, "), "{problem:?}");
}

#[tokio::test]
async fn a_transfer_that_is_wrong_is_named_and_changes_nothing() {
    let shop = open().await;
    let before = shop.stock("TEA").await;
    let line = json!([{ "sku": "TEA", "quantity": 1 }]);
    let mut here = requested("t-1", line.clone());
    here["toLocationId"] = json!("main");
    for (body, pointer) in [
        (here, "/toLocationId"),
        (requested("t/1", line.clone()), "/transferId"),
        (requested("t-1", json!([])), "/lines"),
        (requested("t-1", json!([{ "sku": "TEA", "quantity": 0 }])), "/lines/0/quantity"),
        (requested("t-1", json!([{ "lineId": "", "sku": "TEA", "quantity": 1 }])), "/lines/0/lineId"),
    ] {
        let problem = shop.post("/v1/transfers", body.clone()).await.problem(422, "INVALID_FIELDS");
        assert_eq!(problem.errors[0].pointer, pointer, "{body}");
    }
    let unknown = requested("t-1", json!([{ "sku": "NONE", "quantity": 1 }]));
    assert_eq!(shop.post("/v1/transfers", unknown).await.problem(404, "UNKNOWN_SKU").errors[0].pointer, "/lines/0/sku");
    let mut nowhere = requested("t-1", line);
    nowhere["fromLocationId"] = json!("nowhere");
    shop.post("/v1/transfers", nowhere).await.problem(404, "UNKNOWN_LOCATION");
    shop.get("/v1/transfers/t-1").await.problem(404, "UNKNOWN_TRANSFER");
    shop.act("/v1/transfers/t-1/cancel").await.problem(404, "UNKNOWN_TRANSFER");
    let late = shop.post("/v1/transfers/t-1/ship", json!({ "expectedAt": "late" })).await;
    assert_eq!(late.problem(422, "INVALID_FIELDS").errors[0].pointer, "/expectedAt");
    in_transit(&shop, "t-1").await;
    for (line, pointer) in [
        (json!({ "lineId": "1" }), "/lines/0/lost"),
        (json!({ "lineId": "1", "quantity": 1, "damaged": 2 }), "/lines/0/damaged"),
        (json!({ "lineId": "1", "quantity": -1 }), "/lines/0/quantity"),
    ] {
        let body = json!({ "deliveryId": "d", "lines": [line] });
        let problem = shop.post("/v1/transfers/t-1/receive", body).await.problem(422, "INVALID_FIELDS");
        assert_eq!(problem.errors[0].pointer, pointer);
    }
    let other = json!({ "deliveryId": "d", "lines": [{ "lineId": "9", "quantity": 1 }] });
    shop.post("/v1/transfers/t-1/receive", other).await.problem(422, "UNKNOWN_LINE");
    assert_eq!(before.on_hand, shop.stock("TEA").await.on_hand + 4);
}
