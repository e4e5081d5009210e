//! A reservation's life over HTTP, one by one and in batches.

use std::time::Duration;

use comanda_contracts::{BatchAnswer, Reservation, ReservationState};
use serde_json::json;

use super::shop::Shop;

#[tokio::test]
async fn what_is_reserved_is_held_and_found() {
    let shop = Shop::open().await;
    let answer = shop.hold("cart-7", 3).await.expect(201);
    assert_eq!(answer.header("location"), "/v1/reservations/cart-7");
    assert_eq!(answer.header("etag"), "\"1\"");
    assert!(!answer.header("consistency-token").is_empty());
    let held: Reservation = answer.json();
    assert_eq!(held.state, ReservationState::Held);
    assert_eq!(held.expires_at.as_deref(), Some("2026-03-01T09:45:00.000Z"), "900 s from now");
    assert_eq!((held.lines[0].line_id.as_str(), held.lines[0].held), ("1", 3));
    assert_eq!(held.lines[0].allocations[0].location_id, "main");

    let read = shop.get_after(&answer, answer.header("location")).await.expect(200);
    assert_eq!(read.json::<Reservation>(), held);
    let stock = shop.stock("TEA").await;
    assert_eq!((stock.reserved, stock.available), (3, 7));
}

#[tokio::test]
async fn the_same_again_is_the_same_answer() {
    let shop = Shop::open().await;
    let first = shop.hold("r", 3).await.expect(201);
    let second = shop.hold("r", 3).await.expect(201);
    assert_eq!(first.body, second.body);
    assert_eq!((first.header("idempotent-replayed"), second.header("idempotent-replayed")), ("", "true"));
    assert_eq!(shop.stock("TEA").await.reserved, 3);
}

#[tokio::test]
async fn what_is_not_there_is_named() {
    let shop = Shop::open().await;
    let line = |sku: &str, quantity: i64| json!({ "sku": sku, "quantity": quantity });
    let body = json!({ "lines": [line("TEA", 6), line("TEA", 5), line("MUG", 1)] });
    let problem = shop.post("/v1/reservations", body.clone()).await.problem(409, "INSUFFICIENT_STOCK");
    let short: Vec<_> = problem.shortfalls.iter().map(|s| (s.sku.as_str(), s.requested, s.available)).collect();
    assert_eq!(short, [("MUG", 1, 0), ("TEA", 11, 10)]);
    assert_eq!(shop.stock("TEA").await.reserved, 0, "all or nothing");

    let mut partial = body;
    partial["allowPartial"] = true.into();
    let held: Reservation = shop.post("/v1/reservations", partial).await.expect(201).json();
    assert_eq!(held.state, ReservationState::PartiallyHeld);
    assert_eq!(held.lines.iter().map(|line| line.held).collect::<Vec<_>>(), [6, 4, 0]);
}

#[tokio::test]
async fn an_id_is_made_for_a_client_without_one() {
    let shop = Shop::open().await;
    let body = json!({ "lines": [{ "sku": "TEA", "quantity": 1 }] });
    let first: Reservation = shop.post("/v1/reservations", body.clone()).await.expect(201).json();
    let second: Reservation = shop.post("/v1/reservations", body).await.expect(201).json();
    assert_ne!(first.reservation_id, second.reservation_id);
    assert_eq!(shop.stock("TEA").await.reserved, 2);
}

#[tokio::test]
async fn from_held_to_consumed() {
    let shop = Shop::open().await;
    shop.hold("r", 4).await.expect(201);
    let extended = shop.post("/v1/reservations/r/extend", json!({ "ttlSeconds": 1_800 })).await.expect(200);
    assert_eq!(extended.json::<Reservation>().expires_at.as_deref(), Some("2026-03-01T10:00:00.000Z"));
    let confirmed: Reservation = shop.act("/v1/reservations/r/confirm").await.expect(200).json();
    assert_eq!((confirmed.state, confirmed.expires_at), (ReservationState::Confirmed, None));
    let stock = shop.stock("TEA").await;
    assert_eq!((stock.reserved, stock.committed, stock.available), (0, 4, 6));

    let some = json!({ "lines": [{ "lineId": "1", "quantity": 1 }] });
    let path = "/v1/reservations/r/consume";
    shop.post(path, some.clone()).await.problem(400, "INVALID_HEADER");
    for _ in 0..2 {
        let gone = shop.post_with(path, some.clone(), &[("idempotency-key", "first-parcel")]).await;
        let gone: Reservation = gone.expect(200).json();
        assert_eq!((gone.state, gone.lines[0].consumed), (ReservationState::PartiallyConsumed, 1));
    }
    let gone: Reservation = shop.act("/v1/reservations/r/consume").await.expect(200).json();
    assert_eq!((gone.state, gone.lines[0].consumed), (ReservationState::Consumed, 4));
    let again = shop.act("/v1/reservations/r/consume").await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    let stock = shop.stock("TEA").await;
    assert_eq!((stock.on_hand, stock.committed, stock.available), (6, 0, 6));

    let problem = shop.act("/v1/reservations/r/release").await.problem(409, "WRONG_TRANSITION");
    assert_eq!((problem.from.as_deref(), problem.to.as_deref()), (Some("CONSUMED"), Some("RELEASED")));
    assert_eq!(problem.allowed, Some(Vec::new()));
}

#[tokio::test]
async fn a_line_gives_no_more_than_it_holds() {
    let shop = Shop::open().await;
    shop.hold("r", 4).await.expect(201);
    shop.act("/v1/reservations/r/confirm").await.expect(200);
    let take = |line: &str, quantity: i64| json!({ "lines": [{ "lineId": line, "quantity": quantity }] });
    let path = "/v1/reservations/r/consume";
    let key = [("idempotency-key", "k")];
    shop.post_with(path, take("1", 5), &key).await.problem(409, "LINE_HOLDS_LESS");
    shop.post_with(path, take("9", 1), &key).await.problem(422, "UNKNOWN_LINE");
    shop.post_with(path, take("1", 0), &key).await.problem(422, "INVALID_FIELDS");
    shop.post_with(path, json!({ "lines": [] }), &key).await.problem(422, "INVALID_FIELDS");
    assert_eq!(shop.stock("TEA").await.on_hand, 10);
}

#[tokio::test]
async fn what_is_released_comes_back_once() {
    let shop = Shop::open().await;
    shop.hold("r", 4).await.expect(201);
    let released: Reservation = shop.act("/v1/reservations/r/release").await.expect(200).json();
    assert_eq!((released.state, released.lines[0].held), (ReservationState::Released, 0));
    shop.act("/v1/reservations/r/release").await.expect(200);
    assert_eq!(shop.stock("TEA").await.available, 10);
    let problem = shop.hold("r", 4).await.problem(409, "RESERVATION_ENDED");
    assert_eq!(problem.state.as_deref(), Some("RELEASED"));
    let problem = shop.act("/v1/reservations/r/confirm").await.problem(409, "WRONG_TRANSITION");
    assert_eq!(problem.from.as_deref(), Some("RELEASED"));
}

#[tokio::test]
async fn a_release_that_comes_first_wins() {
    let shop = Shop::open().await;
    let early = shop.act("/v1/reservations/late/release").await.expect(204);
    assert!(early.body.is_empty());
    shop.act("/v1/reservations/late/release").await.expect(204);
    shop.hold("late", 1).await.problem(409, "RESERVATION_ENDED");
    assert_eq!(shop.stock("TEA").await.reserved, 0);
}

#[tokio::test]
async fn a_hold_ends_at_its_time_and_can_be_confirmed_if_there_still_is_enough() {
    let shop = Shop::open().await;
    shop.hold("r", 8).await.expect(201);
    shop.clock.advance(Duration::from_millis(899_999));
    assert_eq!(shop.stock("TEA").await.available, 2);
    shop.clock.advance(Duration::from_millis(1));
    let read: Reservation = shop.get("/v1/reservations/r").await.expect(200).json();
    assert_eq!((read.state, read.lines[0].held), (ReservationState::Expired, 0));
    assert_eq!(shop.stock("TEA").await.available, 10, "exact, though nothing has swept");
    shop.post("/v1/reservations/r/extend", json!({ "ttlSeconds": 9 })).await.problem(409, "WRONG_TRANSITION");

    shop.hold("other", 5).await.expect(201);
    let problem = shop.act("/v1/reservations/r/confirm").await.problem(409, "INSUFFICIENT_STOCK");
    assert_eq!((problem.shortfalls[0].requested, problem.shortfalls[0].available), (8, 5));
    shop.act("/v1/reservations/other/release").await.expect(200);
    let confirmed: Reservation = shop.act("/v1/reservations/r/confirm").await.expect(200).json();
    assert_eq!(confirmed.state, ReservationState::Confirmed);
}

#[tokio::test]
async fn nothing_can_be_done_with_a_reservation_nobody_made() {
    let shop = Shop::open().await;
    shop.get("/v1/reservations/none").await.problem(404, "UNKNOWN_RESERVATION");
    shop.act("/v1/reservations/none/confirm").await.problem(404, "UNKNOWN_RESERVATION");
    shop.act("/v1/reservations/none/consume").await.problem(404, "UNKNOWN_RESERVATION");
    let extend = shop.post("/v1/reservations/none/extend", json!({ "ttlSeconds": 9 })).await;
    extend.problem(404, "UNKNOWN_RESERVATION");
}

#[tokio::test]
async fn each_item_of_a_batch_has_its_own_outcome() {
    let shop = Shop::open().await;
    let item = |id: &str, sku: &str, quantity: i64| json!({ "reservationId": id, "lines": [{ "sku": sku, "quantity": quantity }] });
    let items = [
        item("a", "TEA", 6),
        item("b", "TEA", 6),
        item("c", "NONE", 1),
        item("d", "TEA", 0),
        item("a", "TEA", 6),
        item("e", "TEA", 4),
    ];
    let answer = shop.post("/v1/reservations:batch", json!({ "reservations": items })).await.expect(200);
    assert!(!answer.header("consistency-token").is_empty());
    let BatchAnswer { accepted, rejected, outcomes } = answer.json();
    assert_eq!((accepted, rejected), (3, 3));
    let statuses: Vec<_> = outcomes.iter().map(|outcome| outcome.status).collect();
    assert_eq!(statuses, [201, 409, 404, 422, 201, 201]);
    assert_eq!(outcomes[0].state, Some(ReservationState::Held));
    let problem = outcomes[1].problem.as_ref().unwrap();
    assert_eq!((problem.code.as_ref(), problem.shortfalls[0].available), ("INSUFFICIENT_STOCK", 4));
    let pointer = |index: usize| outcomes[index].problem.as_ref().unwrap().errors[0].pointer.as_str();
    assert_eq!(pointer(2), "/reservations/2/lines/0/sku");
    assert_eq!(pointer(3), "/reservations/3/lines/0/quantity");
    assert!(outcomes[4].replayed && !outcomes[0].replayed);
    assert_eq!(shop.stock("TEA").await.available, 0);
}

#[tokio::test]
async fn a_batch_of_a_thousand_is_taken() {
    let shop = Shop::open().await;
    let items: Vec<_> = (0..1_000)
        .map(|i| json!({ "reservationId": format!("r{i}"), "lines": [{ "sku": "TEA", "quantity": 1 }] }))
        .collect();
    let answer: BatchAnswer =
        shop.post("/v1/reservations:batch", json!({ "reservations": items })).await.expect(200).json();
    assert_eq!((answer.accepted, answer.rejected), (10, 990));
    assert_eq!(shop.stock("TEA").await.available, 0);
}
