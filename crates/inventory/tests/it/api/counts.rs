//! Cycle counts over HTTP, from the request to the books.

use axum::http::Method;
use comanda_contracts::{Count, CountDifferences, CountState, CountSummary, LedgerEntry, Page, ReasonCode};
use serde_json::{Value, json};

use super::shop::{Answer, Shop};

/// `TEA` and `MUG` in bins of `berlin`, and a count of both by zone.
async fn asked() -> Shop {
    let shop = Shop::open().await;
    shop.post("/v1/locations", json!({ "locationId": "berlin" })).await.expect(201);
    shop.receive("MUG", "berlin", 5).await;
    shop.receive("TEA", "berlin", 9).await;
    let mut seen = None;
    for (sku, bin) in [("TEA", "B-02"), ("MUG", "B-01-1")] {
        let path = format!("/v1/stock/{sku}/locations/berlin/bin");
        seen = Some(shop.request(Method::PUT, &path, Some(json!({ "bin": bin }).to_string()), &[]).await.expect(200));
    }
    // The views have read both once they have read a command that touches both.
    let both = json!([{ "sku": "TEA", "quantity": 1 }, { "sku": "MUG", "quantity": 1 }]);
    let held = shop.post("/v1/reservations", json!({ "reservationId": "both", "lines": both })).await.expect(201);
    shop.act("/v1/reservations/both/release").await.expect(200);
    assert!(seen.is_some());
    let body = json!({ "countId": "c", "locationId": "berlin", "bins": ["B"], "tolerance": 1, "by": "mia" });
    let token = [("consistency-token", held.header("consistency-token"))];
    let answer = shop.post_with("/v1/counts", body.clone(), &token).await.expect(201);
    assert_eq!(answer.header("location"), "/v1/counts/c");
    assert!(!String::from_utf8_lossy(&answer.body).contains("expected"), "the counter is not told");
    let count: Count = answer.json();
    let lines: Vec<_> = count.lines.iter().map(|line| (line.sku.as_str(), line.bin.as_deref())).collect();
    assert_eq!((count.state, lines), (CountState::Requested, vec![("MUG", Some("B-01-1")), ("TEA", Some("B-02"))]));
    let again = shop.post_with("/v1/counts", body, &token).await.expect(201);
    assert_eq!(again.header("idempotent-replayed"), "true");
    shop
}

async fn act(shop: &Shop, verb: &str, by: &str) -> Answer {
    shop.post(&format!("/v1/counts/c/{verb}"), json!({ "by": by })).await
}

async fn record(shop: &Shop, lines: &[(&str, i64)]) -> Answer {
    let lines: Vec<Value> = lines.iter().map(|(sku, units)| json!({ "sku": sku, "quantity": units })).collect();
    shop.post("/v1/counts/c/record", json!({ "by": "tom", "lines": lines })).await
}

#[tokio::test]
async fn from_the_request_to_the_books() {
    let shop = asked().await;
    let half: Count = record(&shop, &[("TEA", 6)]).await.expect(200).json();
    assert_eq!(half.state, CountState::Requested);
    let whole: Count = record(&shop, &[("MUG", 5)]).await.expect(200).json();
    assert_eq!(whole.state, CountState::Counted);
    let problem = act(&shop, "review", "tom").await.problem(409, "NEEDS_ANOTHER_REVIEWER");
    assert_eq!((problem.expected, problem.actual), (Some(1), Some(3)));
    let found: CountDifferences = shop.get("/v1/counts/c/differences").await.expect(200).json();
    assert!(found.needs_another_reviewer);
    let tea = &found.lines[1];
    assert_eq!((tea.expected, tea.booked, tea.counted, tea.difference), (9, Some(9), Some(6), Some(-3)));
    let reviewed: Count = act(&shop, "review", "eve").await.expect(200).json();
    assert_eq!((reviewed.state, reviewed.reviewed_by.as_deref()), (CountState::Reviewed, Some("eve")));
    // Two more come in before the books follow.
    shop.receive("TEA", "berlin", 2).await;
    let seen = act(&shop, "apply", "mia").await.expect(200);
    assert_eq!(seen.json::<Count>().state, CountState::Applied);
    assert_eq!(act(&shop, "apply", "mia").await.expect(200).header("idempotent-replayed"), "true");
    let found: CountDifferences = shop.get("/v1/counts/c/differences").await.expect(200).json();
    assert_eq!((found.lines[1].moved_since, found.lines[1].on_hand), (Some(2), Some(8)));
    let stock = shop.stock("TEA").await;
    assert_eq!(stock.locations[0].on_hand, 8);
    let ledger: Page<LedgerEntry> = shop.get_after(&seen, "/v1/stock/TEA/ledger?limit=1").await.expect(200).json();
    let entry = &ledger.items[0];
    assert_eq!((entry.on_hand_delta, entry.reason_code), (-3, Some(ReasonCode::CycleCount)));
    assert_eq!(entry.reference_uri.as_deref(), Some("count/c"));
}

#[tokio::test]
async fn less_than_is_promised_is_refused_with_figures_and_changes_nothing() {
    let shop = asked().await;
    record(&shop, &[("TEA", 2), ("MUG", 6)]).await.expect(200);
    act(&shop, "review", "eve").await.expect(200);
    shop.hold("r", 15).await.expect(201);
    let problem = act(&shop, "apply", "mia").await.problem(409, "STOCK_PROMISED");
    assert!(problem.detail.contains("SKU TEA: 15 units are promised, 19 on hand"), "{}", problem.detail);
    assert!(problem.detail.ends_with("Release reservations of it, or count it again."), "{}", problem.detail);
    assert_eq!((shop.stock("TEA").await.on_hand, shop.stock("MUG").await.on_hand), (19, 5));
    shop.act("/v1/reservations/r/release").await.expect(200);
    act(&shop, "apply", "mia").await.expect(200);
    assert_eq!((shop.stock("TEA").await.on_hand, shop.stock("MUG").await.on_hand), (12, 6));
}

#[tokio::test]
async fn books_that_were_corrected_since_need_a_recount() {
    let shop = asked().await;
    record(&shop, &[("TEA", 7), ("MUG", 5)]).await.expect(200);
    act(&shop, "review", "eve").await.expect(200);
    let lost = json!({ "sku": "TEA", "locationId": "berlin", "delta": -2, "reasonCode": "lost" });
    shop.post("/v1/stock/adjustments", lost).await.expect(201);
    let problem = act(&shop, "apply", "mia").await.problem(409, "CORRECTED_SINCE");
    assert_eq!((problem.expected, problem.actual), (Some(9), Some(7)));
    let again = json!({ "by": "mia", "skus": ["TEA"] });
    let recount: Count = shop.post("/v1/counts/c/recount", again).await.expect(200).json();
    assert_eq!((recount.state, recount.lines[1].counted), (CountState::Requested, None));
    record(&shop, &[("TEA", 7)]).await.expect(200);
    act(&shop, "review", "tom").await.expect(200);
    act(&shop, "apply", "mia").await.expect(200);
    assert_eq!(shop.stock("TEA").await.locations[0].on_hand, 7);
}

#[tokio::test]
async fn a_count_goes_no_way_that_is_not_allowed() {
    let shop = asked().await;
    let problem = act(&shop, "apply", "mia").await.problem(409, "WRONG_TRANSITION");
    assert_eq!((problem.from.as_deref(), problem.to.as_deref()), (Some("REQUESTED"), Some("APPLIED")));
    assert_eq!(problem.allowed, Some(vec!["COUNTED".to_owned(), "CANCELLED".to_owned()]));
    record(&shop, &[("TEA", 8)]).await.expect(200);
    record(&shop, &[("TEA", 9)]).await.problem(409, "COUNTED_ALREADY");
    assert_eq!(record(&shop, &[("TEA", 8)]).await.expect(200).header("idempotent-replayed"), "true");
    let problem = record(&shop, &[("NONE", 1)]).await.problem(422, "NOT_IN_COUNT");
    assert_eq!(problem.errors[0].pointer, "/lines/0/sku");
    act(&shop, "cancel", "mia").await.expect(200);
    record(&shop, &[("MUG", 5)]).await.problem(409, "WRONG_TRANSITION");
    shop.get("/v1/counts/none").await.problem(404, "UNKNOWN_COUNT");
    shop.get("/v1/counts/none/differences").await.problem(404, "UNKNOWN_COUNT");
    shop.post("/v1/counts/none/apply", json!({ "by": "mia" })).await.problem(404, "UNKNOWN_COUNT");
}

#[tokio::test]
async fn counts_are_listed_by_place_and_state() {
    let shop = asked().await;
    for id in ["a", "b", "d"] {
        let body = json!({ "countId": id, "skus": ["TEA"], "by": "mia" });
        shop.post("/v1/counts", body).await.expect(201);
    }
    // Each count lives in a partition of its own: the last answer of each says how far to read.
    let ids = async |filter: &str, seen: &Answer| {
        let page: Page<CountSummary> =
            shop.get_after(seen, &format!("/v1/counts?limit=9{filter}")).await.expect(200).json();
        page.items.into_iter().map(|count| count.count_id).collect::<Vec<_>>()
    };
    for id in ["a", "b", "d"] {
        let seen = shop.post(&format!("/v1/counts/{id}/cancel"), json!({ "by": "mia" })).await.expect(200);
        assert!(ids("&state=CANCELLED", &seen).await.contains(&id.to_owned()));
    }
    let seen = act(&shop, "cancel", "mia").await.expect(200);
    assert_eq!(ids("&locationId=berlin&state=CANCELLED", &seen).await, ["c"]);
    assert!(ids("&state=REQUESTED&locationId=berlin", &seen).await.is_empty());
    shop.get("/v1/counts?state=LOST").await.problem(400, "INVALID_PARAMETER");
    shop.get("/v1/counts?locationId=a%20b").await.problem(422, "INVALID_FIELDS");
    shop.get("/v1/counts?cursor=abc").await.problem(400, "INVALID_PARAMETER");
}

#[tokio::test]
async fn a_request_that_makes_no_sense_is_refused_where_it_is_wrong() {
    let shop = Shop::open().await;
    for (body, pointer) in [
        (json!({ "by": "mia" }), "/skus"),
        (json!({ "bins": ["Z"], "by": "mia" }), "/skus"),
        (json!({ "skus": ["a b"], "by": "mia" }), "/skus/0"),
        (json!({ "bins": ["A--1"], "by": "mia" }), "/bins/0"),
        (json!({ "skus": ["TEA"], "by": "" }), "/by"),
        (json!({ "skus": ["TEA"], "by": "Mia Lang" }), "/by"),
        (json!({ "skus": ["TEA"] }), "/by"),
        (json!({ "skus": ["TEA"], "by": "mia", "tolerance": -1 }), "/tolerance"),
        (json!({ "skus": ["TEA"], "by": "mia", "countId": "a b" }), "/countId"),
    ] {
        let problem = shop.post("/v1/counts", body).await.problem(422, "INVALID_FIELDS");
        assert_eq!(problem.errors[0].pointer, pointer);
    }
    shop.post("/v1/counts", json!({ "skus": ["NONE"], "by": "mia" })).await.problem(404, "UNKNOWN_SKU");
    let elsewhere = json!({ "skus": ["TEA"], "locationId": "nowhere", "by": "mia" });
    shop.post("/v1/counts", elsewhere).await.problem(404, "UNKNOWN_LOCATION");
    let made: Count = shop.post("/v1/counts", json!({ "skus": ["TEA"], "by": "mia" })).await.expect(201).json();
    assert_eq!((made.count_id.len(), made.location_id.as_str()), (36, "main"));
}
