//! The warehouse over HTTP: from a pick list to what can leave, waves, and what is refused.

use comanda_contracts::{
    Order, OrderAccepted, OrderPackages, OrderPickLists, OrderStatusAnswer, Page, PickList, PickListAnswer,
    PickListSummary, Wave, WaveReleased, WaveSummary,
};
use serde_json::{Value, json};

use super::shop::Shop;

fn tea(id: &str, quantity: i64) -> Value {
    json!({ "orderId": id, "lines": [{ "lineId": "1", "sku": "TEA", "qty": quantity }] })
}

async fn reserved(shop: &mut Shop, orders: &[(&str, i64)]) {
    for (id, quantity) in orders {
        shop.post("/v1/orders", tea(id, *quantity)).await.expect(202);
    }
    shop.answered().await;
}

async fn status(shop: &Shop, id: &str) -> String {
    shop.get(&format!("/orders/{id}/status")).await.expect(200).json::<OrderStatusAnswer>().status
}

#[tokio::test]
async fn the_pick_list_exists_from_reserved_on() {
    let mut shop = Shop::open().await;
    let _ = shop.get("/orders/o/pick-list").await.problem(404, "UNKNOWN_ORDER");
    shop.post("/orders", tea("o", 2)).await.expect(202);
    for path in ["/orders/o/pick-list", "/v1/orders/o/pick-list"] {
        let problem = shop.get(path).await.problem(409, "NOTHING_TO_PICK");
        assert_eq!(problem.state.as_deref(), Some("RESERVATION_PENDING"));
    }
    let _ = shop.get("/v1/pick-lists/o~1~main").await.problem(404, "UNKNOWN_PICK_LIST");
    shop.answered().await;
    for path in ["/orders/o/pick-list", "/v1/orders/o/pick-list"] {
        let lists: OrderPickLists = shop.get(path).await.expect(200).json();
        assert_eq!((lists.status.as_str(), lists.pick_lists.len()), ("RESERVED", 1));
        let list = &lists.pick_lists[0];
        assert_eq!((list.pick_list_id.as_str(), list.status.as_str()), ("o~1~main", "DRAFT"));
        assert_eq!((list.tasks[0].task_id.as_str(), list.tasks[0].open), ("1", 2));
    }
}

#[tokio::test]
async fn a_list_is_released_picked_packed_and_made_ready() {
    let mut shop = Shop::open().await;
    reserved(&mut shop, &[("o", 3)]).await;
    let _ = shop.act("/v1/pick-lists/o~1~main/tasks/1/pick").await.problem(409, "WRONG_TRANSITION");
    let draft = shop.get("/v1/pick-lists/o~1~main").await.expect(200);
    let released = shop.act("/v1/pick-lists/o~1~main/release").await.expect(200);
    assert_ne!(shop.get("/v1/pick-lists/o~1~main").await.header("etag"), draft.header("etag"));
    assert_eq!(released.json::<PickListAnswer>().status, "RELEASED");
    let again = shop.act("/v1/pick-lists/o~1~main/release").await.expect(200);
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(status(&shop, "o").await, "RESERVED");

    for replayed in ["", "true"] {
        let picked = shop.post("/v1/pick-lists/o~1~main/tasks/1/pick", json!({ "quantity": 2 })).await.expect(200);
        assert_eq!(picked.header("idempotent-replayed"), replayed);
        let answer: PickListAnswer = picked.json();
        assert_eq!((answer.status.as_str(), answer.open), ("IN_PROGRESS", 1));
    }
    let problem = shop.act("/orders/o/ready-to-ship").await.problem(409, "WRONG_TRANSITION");
    assert_eq!((problem.from.as_deref(), problem.to.as_deref()), (Some("PICKING"), Some("READY_TO_SHIP")));
    let _ =
        shop.post("/v1/pick-lists/o~1~main/tasks/1/pick", json!({ "qty": 4 })).await.problem(409, "PICK_TASK_HAS_LESS");
    let _ = shop.act("/v1/pick-lists/o~1~main/tasks/9/pick").await.problem(404, "UNKNOWN_PICK_TASK");
    let picked = shop.act("/v1/pick-lists/o~1~main/tasks/1/pick").await.expect(200);
    assert_eq!(picked.json::<PickListAnswer>().status, "COMPLETED");
    assert_eq!(status(&shop, "o").await, "PICKED");

    let body = json!({ "packageId": "box-1", "lines": [{ "lineId": "1", "quantity": 2 }] });
    shop.post("/v1/orders/o/packages", body.clone()).await.expect(200);
    assert_eq!(shop.post("/v1/orders/o/packages", body).await.expect(200).header("idempotent-replayed"), "true");
    let other = json!({ "packageId": "box-1", "lines": [{ "lineId": "1", "quantity": 1 }] });
    let _ = shop.post("/v1/orders/o/packages", other).await.problem(409, "ID_CONFLICT");
    let more = json!({ "packageId": "box-2", "lines": [{ "lineId": "1", "quantity": 2 }] });
    let problem = shop.post("/v1/orders/o/packages", more).await.problem(409, "ORDER_LINE_HAS_LESS");
    assert_eq!(problem.errors[0].pointer, "/lines/0/quantity");
    let packed = shop.post("/v1/orders/o/packages", json!({ "packageId": "box-2" })).await.expect(200);
    assert_eq!(packed.json::<OrderAccepted>().status, "PACKED");
    let packages: OrderPackages = shop.get("/v1/orders/o/packages").await.expect(200).json();
    let units: Vec<_> = packages.packages.iter().map(|package| package.lines[0].quantity).collect();
    assert_eq!(units, [2, 1]);

    let ready = shop.act("/v1/orders/o/ready-to-ship").await.expect(200);
    assert_eq!(ready.json::<OrderAccepted>().status, "READY_TO_SHIP");
}

#[tokio::test]
async fn d12_ready_to_ship_is_idempotent_and_ends_cancelling() {
    let mut shop = Shop::open().await;
    reserved(&mut shop, &[("o", 2)]).await;
    let first = shop.act("/orders/o/ready-to-ship").await.expect(200);
    let again = shop.act("/v1/orders/o/ready-to-ship").await.expect(200);
    assert_eq!((first.header("idempotent-replayed"), again.header("idempotent-replayed")), ("", "true"));
    assert_eq!(first.header("etag"), again.header("etag"));
    let problem = shop.act("/orders/o/cancel").await.problem(409, "WRONG_TRANSITION");
    assert_eq!((problem.from.as_deref(), problem.to.as_deref()), (Some("READY_TO_SHIP"), Some("CANCELLED")));
    let order: Order = shop.get("/v1/orders/o").await.expect(200).json();
    assert_eq!((order.lines[0].picked, order.lines[0].packed), (2, 2));
    let problem = shop.act("/orders/none/ready-to-ship").await.problem(404, "UNKNOWN_ORDER");
    assert!(problem.detail.contains("none"));
}

#[tokio::test]
async fn ready_to_ship_is_refused_while_something_is_pending() {
    let shop = Shop::open().await;
    shop.post("/orders", tea("o", 2)).await.expect(202);
    let problem = shop.act("/orders/o/ready-to-ship").await.problem(409, "WRONG_TRANSITION");
    assert_eq!(problem.from.as_deref(), Some("RESERVATION_PENDING"));
    assert!(!problem.allowed.unwrap().contains(&"READY_TO_SHIP".to_owned()));
}

#[tokio::test]
async fn what_is_not_there_is_asked_for_elsewhere() {
    let mut shop = Shop::open().await;
    reserved(&mut shop, &[("o", 3)]).await;
    shop.house.inventory.receive("TEA", "north", 5);
    shop.act("/v1/pick-lists/o~1~main/release").await.expect(200);
    let short = shop.post("/v1/pick-lists/o~1~main/tasks/1/short", json!({ "quantity": 2 })).await.expect(200);
    assert_eq!(short.json::<PickListAnswer>().open, 1);
    shop.answered().await;
    let lists: OrderPickLists = shop.get("/v1/orders/o/pick-list").await.expect(200).json();
    let open: Vec<_> = lists.pick_lists.iter().map(|list| (list.pick_list_id.as_str(), list.tasks[0].open)).collect();
    assert_eq!(open, [("o~1~main", 1), ("o~2~north", 2)]);
    let list: PickList = shop.get("/v1/pick-lists/o~1~main").await.expect(200).json();
    assert_eq!((list.tasks[0].short, list.tasks[0].state.as_str()), (2, "OPEN"));
}

#[tokio::test]
async fn the_queue_is_in_the_order_of_urgency_and_a_hold_waits_at_its_end() {
    let mut shop = Shop::open().await;
    let orders = [
        ("slow", json!({ "priority": "ECONOMY" })),
        ("late", json!({ "promisedAt": "2026-03-09T00:00:00.000Z" })),
        ("soon", json!({ "promisedAt": "2026-03-03T00:00:00.000Z" })),
        ("held", json!({ "priority": "EXPRESS" })),
        ("fast", json!({ "priority": "EXPRESS" })),
        ("plain", json!({})),
    ];
    for (id, extra) in orders {
        let mut body = tea(id, 1);
        body.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        shop.post("/v1/orders", body).await.expect(202);
    }
    shop.answered().await;
    let held = shop.post("/v1/orders/held/hold", json!({ "reason": "fraud check" })).await.expect(200);
    let _ = shop.act("/v1/pick-lists/held~1~main/release").await.problem(409, "WRONG_TRANSITION");
    let page: Page<PickListSummary> =
        shop.get_after(&held, "/v1/pick-lists?location=main&status=DRAFT").await.expect(200).json();
    let ids: Vec<_> = page.items.iter().map(|list| list.order_id.as_str()).collect();
    assert_eq!(ids, ["fast", "soon", "late", "plain", "slow", "held"]);
    assert!(page.items[5].on_hold);
    let first: Page<PickListSummary> = shop.get("/v1/pick-lists?limit=4").await.expect(200).json();
    let next = format!("/v1/pick-lists?limit=4&cursor={}", first.next_cursor.unwrap());
    let rest: Page<PickListSummary> = shop.get(&next).await.expect(200).json();
    assert_eq!((first.items.len(), rest.items.len()), (4, 2));
    let elsewhere: Page<PickListSummary> = shop.get("/v1/pick-lists?location=north").await.expect(200).json();
    assert!(elsewhere.items.is_empty());
    let _ = shop.get("/v1/pick-lists?status=OPEN").await.problem(422, "INVALID_FIELDS");
    let _ = shop.get("/v1/pick-lists/o~01~main").await.problem(422, "INVALID_FIELDS");
}

#[tokio::test]
async fn a_wave_is_released_and_picked_stop_by_stop() {
    let mut shop = Shop::open().await;
    reserved(&mut shop, &[("a", 2), ("b", 3), ("c", 1)]).await;
    shop.post("/v1/orders/c/hold", json!({ "reason": "x" })).await.expect(200);
    let ids = ["a~1~main", "b~1~main", "c~1~main"];
    let body = json!({ "waveId": "w", "locationId": "main", "pickListIds": ids });
    let created = shop.post("/v1/waves", body.clone()).await.expect(201);
    assert_eq!(created.header("location"), "/v1/waves/w");
    let wave: WaveReleased = created.json();
    assert_eq!((wave.pick_list_ids.len(), wave.left_out[0].reason.as_str()), (2, "ORDER_ON_HOLD"));
    assert_eq!(shop.post("/v1/waves", body).await.expect(201).header("idempotent-replayed"), "true");
    let other = json!({ "waveId": "w", "locationId": "main", "pickListIds": ["a~1~main"] });
    let _ = shop.post("/v1/waves", other).await.problem(409, "ID_CONFLICT");
    let none = json!({ "locationId": "main", "pickListIds": ["a~1~main"] });
    let _ = shop.post("/v1/waves", none).await.problem(409, "NOTHING_TO_PICK");
    let wrong = json!({ "locationId": "north", "pickListIds": ["a~1~main"] });
    let problem = shop.post("/v1/waves", wrong).await.problem(422, "INVALID_FIELDS");
    assert_eq!(problem.errors[0].pointer, "/pickListIds/0");

    let found: Wave = shop.get_after(&created, "/v1/waves/w").await.expect(200).json();
    assert_eq!((found.stops.len(), found.stops[0].open, found.stops[0].split.len()), (1, 5, 2));
    shop.act("/v1/pick-lists/a~1~main/tasks/1/pick").await.expect(200);
    let last = shop.act("/v1/pick-lists/b~1~main/tasks/1/pick").await.expect(200);
    let board: Page<WaveSummary> = shop.get_after(&last, "/v1/waves?location=main").await.expect(200).json();
    let wave = &board.items[0];
    assert_eq!((wave.status.as_str(), wave.completed, wave.picked), ("COMPLETED", 2, 5));
    let lists: Page<PickListSummary> = shop.get("/v1/pick-lists?wave=w").await.expect(200).json();
    assert_eq!(lists.items.len(), 2);
    let _ = shop.get("/v1/waves/none").await.problem(404, "UNKNOWN_WAVE");
    let _ = shop.get("/v1/waves?limit=21").await.problem(422, "INVALID_FIELDS");
}
