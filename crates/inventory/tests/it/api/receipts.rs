//! Receipts, what is to come, and what can be promised by a date, over HTTP.

use axum::http::Method;
use comanda_contracts::{
    AvailabilityAnswer, IncomingUnits, LedgerEntry, Movement, Page, ReasonCode, Receipt, ReceiptState, Stock,
};
use serde_json::{Value, json};

use super::shop::{Answer, Shop};

const MONDAY: &str = "2026-03-09T09:00:00.000Z";
const FRIDAY: &str = "2026-03-13T09:00:00.000Z";

/// A receipt of 100 TEA on Monday and 20 MUG on Friday.
fn announced(id: &str) -> Value {
    json!({
        "receiptId": id, "state": "EXPECTED", "supplierReference": "PO 4711", "expectedAt": MONDAY,
        "lines": [{ "sku": "TEA", "quantity": 100 }, { "sku": "MUG", "quantity": 20, "expectedAt": FRIDAY }],
    })
}

fn delivered(id: &str, quantity: i64, damaged: i64) -> Value {
    json!({ "deliveryId": id, "lines": [{ "lineId": "1", "quantity": quantity, "damaged": damaged }] })
}

fn state(answer: &Answer) -> ReceiptState {
    answer.json::<Receipt>().state
}

#[tokio::test]
async fn goods_are_announced_come_in_parts_and_are_on_hand() {
    let shop = Shop::open().await;
    let first = shop.post("/v1/receipts", announced("po-1")).await.expect(201);
    assert_eq!((first.header("location"), state(&first)), ("/v1/receipts/po-1", ReceiptState::Expected));
    let again = shop.post("/v1/receipts", announced("po-1")).await.expect(201);
    assert_eq!((again.header("idempotent-replayed"), again.body.as_slice()), ("true", first.body.as_slice()));

    let stock = shop.stock("TEA").await;
    assert_eq!((stock.on_hand, stock.available, stock.incoming), (10, 10, 100));
    let expected: Vec<_> = stock.expected.iter().map(|units| (&*units.expected_at, units.quantity)).collect();
    assert_eq!((expected, stock.locations[0].incoming), (vec![(MONDAY, 100)], 100));

    let part = shop.post("/v1/receipts/po-1/receive", delivered("truck-1", 60, 2)).await.expect(200);
    assert_eq!(state(&part), ReceiptState::PartiallyReceived);
    let again = shop.post("/v1/receipts/po-1/receive", delivered("truck-1", 60, 2)).await.expect(200);
    assert_eq!((again.header("idempotent-replayed"), state(&again)), ("true", ReceiptState::PartiallyReceived));
    let stock: Stock = shop.stock("TEA").await;
    assert_eq!((stock.on_hand, stock.damaged, stock.available, stock.incoming), (70, 2, 68, 40));

    let rest = shop.post("/v1/receipts/po-1/receive", json!({ "deliveryId": "truck-2" })).await.expect(200);
    assert_eq!(state(&rest), ReceiptState::Received);
    let read = shop.get("/v1/receipts/po-1").await.expect(200);
    assert_eq!(read.json::<Receipt>(), rest.json::<Receipt>());
    let unchanged = [("if-none-match", read.header("etag"))];
    shop.request(Method::GET, "/v1/receipts/po-1", None, &unchanged).await.expect(304);
    assert_eq!(shop.stock("MUG").await.available, 20);
}

#[tokio::test]
async fn every_unit_that_came_is_in_the_ledger_with_its_reason_and_its_receipt() {
    let shop = Shop::open().await;
    shop.post("/v1/receipts", announced("po-1")).await.expect(201);
    let seen = shop.post("/v1/receipts/po-1/receive", delivered("truck-1", 60, 2)).await.expect(200);
    let ledger: Page<LedgerEntry> = shop.get_after(&seen, "/v1/stock/TEA/ledger").await.expect(200).json();
    let came = &ledger.items[0];
    assert_eq!((came.movement, came.reason_code), (Movement::Received, Some(ReasonCode::Received)));
    assert_eq!((came.on_hand_delta, came.damaged_delta, came.incoming_delta), (60, 2, -60));
    assert_eq!(came.reference_uri.as_deref(), Some("receipt/po-1"));
    assert_eq!((ledger.items[1].movement, ledger.items[1].incoming_delta), (Movement::Expected, 100));
    let incoming: i64 = ledger.items.iter().map(|entry| entry.incoming_delta).sum();
    assert_eq!(incoming, shop.stock("TEA").await.incoming);
}

#[tokio::test]
async fn goods_that_nobody_announced_are_booked_in_at_once() {
    let shop = Shop::open().await;
    let body = json!({
        "receiptId": "walk-in", "state": "RECEIVED",
        "lines": [{ "sku": "TEA", "quantity": 5, "damaged": 1 }, { "sku": "TEA", "quantity": 2 }],
    });
    let first = shop.post("/v1/receipts", body.clone()).await.expect(201);
    assert_eq!(state(&first), ReceiptState::Received);
    let again = shop.post("/v1/receipts", body).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let stock = shop.stock("TEA").await;
    assert_eq!((stock.on_hand, stock.damaged, stock.available, stock.incoming), (17, 1, 16, 0));
    shop.post("/v1/receipts", announced("walk-in")).await.problem(409, "ID_CONFLICT");
}

#[tokio::test]
async fn dates_move_and_what_does_not_come_is_given_up() {
    let shop = Shop::open().await;
    shop.post("/v1/receipts", announced("po-1")).await.expect(201);
    let to_friday = json!({ "lines": [{ "lineId": "1", "expectedAt": FRIDAY }] });
    let moved = shop.post("/v1/receipts/po-1/reschedule", to_friday.clone()).await.expect(200);
    assert_eq!(moved.json::<Receipt>().lines[0].expected_at.as_deref(), Some(FRIDAY));
    let again = shop.post("/v1/receipts/po-1/reschedule", to_friday).await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(shop.stock("TEA").await.expected[0].expected_at, FRIDAY);
    shop.act("/v1/receipts/po-1/close").await.problem(409, "WRONG_TRANSITION");
    shop.post("/v1/receipts/po-1/receive", delivered("truck-1", 60, 0)).await.expect(200);
    let problem = shop.act("/v1/receipts/po-1/cancel").await.problem(409, "WRONG_TRANSITION");
    assert_eq!((problem.from.as_deref(), problem.to.as_deref()), (Some("PARTIALLY_RECEIVED"), Some("CANCELLED")));
    assert_eq!(problem.allowed.unwrap(), ["PARTIALLY_RECEIVED", "RECEIVED", "CLOSED"]);
    let closed = shop.act("/v1/receipts/po-1/close").await.expect(200);
    assert_eq!((state(&closed), closed.json::<Receipt>().lines[0].outstanding), (ReceiptState::Closed, 0));
    assert_eq!(shop.act("/v1/receipts/po-1/close").await.expect(200).header("idempotent-replayed"), "true");
    assert_eq!((shop.stock("TEA").await.incoming, shop.stock("MUG").await.incoming), (0, 0));
    shop.post("/v1/receipts", announced("po-2")).await.expect(201);
    assert_eq!(state(&shop.act("/v1/receipts/po-2/cancel").await.expect(200)), ReceiptState::Cancelled);
    assert_eq!(shop.stock("TEA").await.incoming, 0);
}

#[tokio::test]
async fn a_tenth_more_than_announced_may_come_and_no_more() {
    let shop = Shop::open().await;
    shop.post("/v1/receipts", announced("po-1")).await.expect(201);
    let before = shop.stock("TEA").await;
    let problem =
        shop.post("/v1/receipts/po-1/receive", delivered("d", 111, 0)).await.problem(409, "MORE_THAN_EXPECTED");
    assert_eq!((problem.expected, problem.actual), (Some(110), Some(111)));
    let told =
        "0 units of line 1 have come, 111 more are too many: 100 were announced, so at most 110 in all can be received";
    assert_eq!(problem.detail, told);
    assert_eq!(shop.stock("TEA").await, before);
    shop.post("/v1/receipts/po-1/receive", delivered("d", 110, 0)).await.expect(200);
    let stock = shop.stock("TEA").await;
    assert_eq!((stock.on_hand, stock.incoming), (120, 0));
    shop.post("/v1/receipts/po-1/receive", delivered("d", 60, 0)).await.problem(409, "ID_CONFLICT");
}

#[tokio::test]
async fn what_can_be_promised_grows_with_the_date() {
    let shop = Shop::open().await;
    shop.request(Method::PATCH, "/v1/skus/TEA", Some(json!({ "backorderLimit": 3 }).to_string()), &[])
        .await
        .expect(200);
    shop.hold("cart", 4).await.expect(201);
    let later = json!({ "receiptId": "po-2", "state": "EXPECTED", "expectedAt": FRIDAY, "lines": [{ "sku": "TEA", "quantity": 7 }] });
    shop.post("/v1/receipts", announced("po-1")).await.expect(201);
    let seen = shop.post("/v1/receipts", later).await.expect(201);
    let token = [("consistency-token", seen.header("consistency-token"))];
    let by = async |by: &str| {
        let lines = [json!({ "sku": "TEA", "quantity": 1 }), json!({ "sku": "NONE", "quantity": 1 })];
        let body = json!({ "lines": lines, "by": by });
        let answer = shop.post_with("/v1/availability:query", body, &token).await.expect(200);
        answer.json::<AvailabilityAnswer>().lines.iter().map(|line| line.available_to_promise).collect::<Vec<_>>()
    };
    assert_eq!(by("2026-03-09T08:59:59.999Z").await, [Some(9), Some(0)]);
    assert_eq!(by(MONDAY).await, [Some(109), Some(0)]);
    assert_eq!(by(FRIDAY).await, [Some(116), Some(0)]);
    let body = json!({ "lines": [{ "sku": "TEA", "quantity": 1 }] });
    let now: AvailabilityAnswer = shop.post_with("/v1/availability:query", body, &token).await.expect(200).json();
    assert_eq!((now.lines[0].available, now.lines[0].available_to_promise), (6, None));
    let body = json!({ "lines": [{ "sku": "TEA", "quantity": 1 }], "by": "next week" });
    let problem = shop.post("/v1/availability:query", body).await.problem(422, "INVALID_FIELDS");
    assert_eq!(problem.errors[0].pointer, "/by");
}

#[tokio::test]
async fn what_is_to_come_is_listed_by_sku_and_date() {
    let shop = Shop::open().await;
    shop.post("/v1/locations", json!({ "locationId": "berlin" })).await.expect(201);
    shop.post("/v1/receipts", announced("po-1")).await.expect(201);
    let mut there = announced("po-2");
    there["locationId"] = json!("berlin");
    let seen = shop.post("/v1/receipts", there).await.expect(201);
    let list = async |query: &str| {
        let page: Page<IncomingUnits> = shop.get_after(&seen, &format!("/v1/incoming{query}")).await.expect(200).json();
        let of = |units: &IncomingUnits| (units.sku.clone(), units.receipt_id.clone().unwrap());
        (page.items.iter().map(of).collect::<Vec<_>>(), page.next_cursor)
    };
    let pair = |sku: &str, id: &str| (sku.to_owned(), id.to_owned());
    let (all, _) = list("").await;
    assert_eq!(all, [pair("MUG", "po-2"), pair("MUG", "po-1"), pair("TEA", "po-2"), pair("TEA", "po-1")]);
    assert_eq!(list("?sku=TEA&locationId=berlin").await.0, [pair("TEA", "po-2")]);
    assert_eq!(list(&format!("?before={FRIDAY}")).await.0, [pair("TEA", "po-2"), pair("TEA", "po-1")]);
    assert_eq!(list(&format!("?before={MONDAY}")).await.0, []);
    let (first, next) = list("?limit=3").await;
    let (rest, end) = list(&format!("?limit=3&cursor={}", next.unwrap())).await;
    assert_eq!(([first, rest].concat(), end), (all, None));
    for (query, pointer) in [("?sku=a%20b", "?sku"), ("?before=soon", "?before"), ("?locationId=%2F", "?locationId")] {
        let problem = shop.get(&format!("/v1/incoming{query}")).await.problem(422, "INVALID_FIELDS");
        assert_eq!(problem.errors[0].pointer, pointer);
    }
    let ids = async |query: &str| {
        let page: Page<Receipt> = shop.get_after(&seen, &format!("/v1/receipts{query}")).await.expect(200).json();
        page.items.into_iter().map(|receipt| receipt.receipt_id).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, ["po-1", "po-2"]);
    assert_eq!(ids("?state=EXPECTED&locationId=berlin").await, ["po-2"]);
    assert_eq!(ids("?state=CLOSED").await, Vec::<String>::new());
    let problem = shop.get("/v1/receipts?state=LOST").await.problem(422, "INVALID_FIELDS");
    assert_eq!(problem.errors[0].pointer, "?state");
    let allowed = "is none of EXPECTED, PARTIALLY_RECEIVED, RECEIVED, CANCELLED, CLOSED";
    assert_eq!(problem.errors[0].detail, allowed);
}

#[tokio::test]
async fn a_receipt_that_is_wrong_is_named_and_changes_nothing() {
    let shop = Shop::open().await;
    let before = (shop.stock("TEA").await, shop.stock("MUG").await);
    let line = |fields: Value| {
        let mut line = json!({ "sku": "TEA", "quantity": 1 });
        fields.as_object().unwrap().iter().for_each(|(name, value)| line[name] = value.clone());
        line
    };
    let receipt = |state: &str, line: Value| json!({ "receiptId": "r", "state": state, "lines": [line] });
    let at = |at: &str| json!({ "expectedAt": at });
    for (body, pointer) in [
        (receipt("EXPECTED", line(json!({}))), "/lines/0/expectedAt"),
        (receipt("EXPECTED", line(at("tomorrow"))), "/lines/0/expectedAt"),
        (receipt("EXPECTED", line(at("1969-12-31T23:59:59Z"))), "/lines/0/expectedAt"),
        (receipt("EXPECTED", line(json!({ "expectedAt": MONDAY, "damaged": 1 }))), "/lines/0/damaged"),
        (receipt("RECEIVED", line(at(MONDAY))), "/lines/0/expectedAt"),
        (receipt("RECEIVED", line(json!({ "damaged": 2 }))), "/lines/0/damaged"),
        (receipt("RECEIVED", line(json!({ "quantity": 0 }))), "/lines/0/quantity"),
        (receipt("RECEIVED", line(json!({ "sku": "a b" }))), "/lines/0/sku"),
        (json!({ "receiptId": "r/1", "state": "RECEIVED", "lines": [line(json!({}))] }), "/receiptId"),
        (json!({ "receiptId": "r", "state": "RECEIVED", "lines": [] }), "/lines"),
    ] {
        let problem = shop.post("/v1/receipts", body.clone()).await.problem(422, "INVALID_FIELDS");
        assert_eq!(problem.errors[0].pointer, pointer, "{body}");
    }
    let unknown = shop.post("/v1/receipts", receipt("RECEIVED", line(json!({ "sku": "NONE" })))).await;
    assert_eq!(unknown.problem(404, "UNKNOWN_SKU").errors[0].pointer, "/lines/0/sku");
    let mut nowhere = receipt("RECEIVED", line(json!({})));
    nowhere["locationId"] = json!("nowhere");
    shop.post("/v1/receipts", nowhere).await.problem(404, "UNKNOWN_LOCATION");
    shop.post("/v1/receipts", receipt("LATER", line(json!({})))).await.problem(400, "WRONG_SHAPE");
    shop.get("/v1/receipts/r").await.problem(404, "UNKNOWN_RECEIPT");
    shop.post("/v1/receipts/r/receive", delivered("d", 1, 0)).await.problem(404, "UNKNOWN_RECEIPT");
    shop.post("/v1/receipts/r/reschedule", json!({ "expectedAt": MONDAY })).await.problem(404, "UNKNOWN_RECEIPT");
    let neither = shop.post("/v1/receipts/r/reschedule", json!({})).await.problem(422, "INVALID_FIELDS");
    assert_eq!(neither.errors[0].pointer, "/expectedAt");
    assert_eq!((shop.stock("TEA").await, shop.stock("MUG").await), before);
    shop.post("/v1/receipts", announced("po-1")).await.expect(201);
    let other = json!({ "deliveryId": "d", "lines": [{ "lineId": "9", "quantity": 1 }] });
    shop.post("/v1/receipts/po-1/receive", other).await.problem(422, "UNKNOWN_LINE");
}
