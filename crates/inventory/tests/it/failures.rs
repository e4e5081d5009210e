//! The ways the ancestor and the well-known shops fail, by name: D1 to D7, and the nine patterns. None happens here.

use std::time::Duration;

use comanda_inventory::application::reservation_by_id::ReservationById;
use comanda_inventory::application::stock_of_sku::StockOfSku;
use comanda_inventory::domain::reason::Reason;
use comanda_inventory::domain::reservation::confirm::Confirm;
use comanda_inventory::domain::reservation::consume::Consume;
use comanda_inventory::domain::reservation::release::Release;
use comanda_inventory::domain::reservation::release_item::ReleaseItem;
use comanda_inventory::domain::reservation::reserve::{Reserve, ReserveRejection};
use comanda_inventory::domain::reservation::reserve_item::{ReserveItem, ReserveItemRejection};
use comanda_inventory::domain::reservation::{ReservationState, Shortfall};
use comanda_inventory::domain::stock_item::StockItem;
use comanda_inventory::domain::stock_item::adjust::{Adjust, AdjustRejection, Change};
use comanda_inventory::domain::stock_item::replenish::Replenish;
use futures::future::join_all;

use crate::house::{House, line, place, reservation, reserve, sku, units};

fn item(id: &str, quantity: i64) -> ReserveItem {
    ReserveItem { reservation_id: reservation(id), sku: sku("TEA"), quantity: units(quantity) }
}

fn release(id: &str) -> Release {
    Release { reservation_id: reservation(id) }
}

#[tokio::test]
async fn d1_fifty_at_once_for_ten_units_get_ten() {
    let house = House::open().await;
    house.stock("TEA", 10).await;
    let buyers: Vec<String> = (0..50).map(|buyer| format!("buyer-{buyer}")).collect();
    let outcomes = join_all(buyers.iter().map(|id| house.send(item(id, 1)))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 10);
    let none = Shortfall { sku: sku("TEA"), location: None, requested: 1, available: 0 };
    for refused in outcomes.into_iter().filter_map(Result::err) {
        assert_eq!(refused, ReserveItemRejection::InsufficientStock(none.clone()));
    }
    assert_eq!(house.total("TEA").await.reserved, 10);
}

#[tokio::test]
async fn d2_two_processes_on_one_log_never_sell_a_unit_twice() {
    let one = House::open().await;
    one.stock("TEA", 10).await;
    let two = House::on(one.log.clone()).await;
    let buyers: Vec<String> = (0..60).map(|buyer| format!("buyer-{buyer}")).collect();
    let at_once = buyers.iter().enumerate().map(|(place, id)| {
        let house = if place % 2 == 0 { &one } else { &two };
        house.send(item(id, 1))
    });
    let sold = join_all(at_once).await.into_iter().filter(Result::is_ok).count();
    assert_eq!((sold, one.total("TEA").await.reserved), (10, 10));
}

#[tokio::test]
async fn d3_a_release_gives_the_stock_back() {
    let house = House::open().await;
    house.stock("TEA", 2).await;
    house.send(item("r", 2)).await.unwrap();
    house.send(ReleaseItem { reservation_id: reservation("r"), sku: sku("TEA") }).await.unwrap();
    assert_eq!(house.total("TEA").await.reserved, 0);
    house.send(item("s", 2)).await.unwrap();
}

#[tokio::test]
async fn d4_a_release_that_is_repeated_succeeds_and_leaks_nothing() {
    let house = House::open().await;
    house.stock("TEA", 5).await;
    house.send(reserve("r", &[("TEA", 2)])).await.unwrap();
    let outcomes = join_all((0..3).map(|_| house.send(release("r")))).await;
    let repeated: Vec<bool> = outcomes.into_iter().map(|outcome| outcome.unwrap().repeated).collect();
    assert_eq!(repeated, [false, true, true]);
    assert_eq!(house.total("TEA").await.free(), 5);
}

#[tokio::test]
async fn d5_out_of_stock_and_unknown_skus_are_typed_refusals() {
    let house = House::open().await;
    house.stock("TEA", 1).await;
    let short = house.send(reserve("r", &[("TEA", 2)])).await.unwrap_err();
    let shortfalls = vec![Shortfall { sku: sku("TEA"), location: None, requested: 2, available: 1 }];
    assert_eq!(short, ReserveRejection::InsufficientStock { shortfalls });
    let unknown = house.send(reserve("s", &[("MUG", 1)])).await.unwrap_err();
    assert_eq!(unknown, ReserveRejection::UnknownSku { line: 0, sku: sku("MUG") });
}

#[tokio::test]
async fn d6_a_hot_sku_keeps_counters_not_holds() {
    let house = House::open().await;
    house.stock("TEA", 100_000).await;
    let ids: Vec<String> = (0..2_000).map(|hold| format!("r{hold}")).collect();
    let of = |id: &String| {
        let reserve = Reserve { ttl: Some(Duration::from_secs(900)), ..reserve(id, &[("TEA", 1)]) };
        house.send(reserve)
    };
    let stream = StockItem::stream(&sku("TEA"));
    let mut sizes = Vec::new();
    for thousand in ids.chunks(1_000) {
        assert!(join_all(thousand.iter().map(of)).await.iter().all(Result::is_ok));
        sizes.push(serde_json::to_string(&house.state(&stream).await).unwrap().len());
    }
    assert_eq!(sizes[0], sizes[1], "a thousand more holds that end together must not make the state grow");
}

#[tokio::test]
async fn d7_one_sku_on_two_lines_is_held_and_comes_back_whole() {
    let house = House::open().await;
    house.stock("TEA", 5).await;
    let answer = house.send(reserve("r", &[("TEA", 2), ("TEA", 3)])).await.unwrap();
    assert_eq!(answer.reservation.lines.iter().map(|line| line.held).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(house.total("TEA").await.reserved, 5);
    house.send(release("r")).await.unwrap();
    assert_eq!(house.total("TEA").await.reserved, 0);
}

#[tokio::test]
async fn lost_update_changes_at_once_all_count() {
    let house = House::open().await;
    house.stock("TEA", 0).await;
    let receipt = || Replenish { sku: sku("TEA"), location: None, quantity: units(1) };
    assert!(join_all((0..100).map(|_| house.send(receipt()))).await.iter().all(Result::is_ok));
    assert_eq!(house.total("TEA").await.on_hand, 100);
    let count = |to| Adjust {
        sku: sku("TEA"),
        location: place("main"),
        change: Change::Set { to, expected: 100 },
        reason: Reason::CycleCount,
        reference: None,
    };
    let (first, second) = (house.send(count(90)).await, house.send(count(80)).await);
    assert_eq!(first.unwrap().on_hand, 90);
    assert_eq!(second.unwrap_err(), AdjustRejection::StockChanged { expected: 100, actual: 90 });
}

#[tokio::test]
async fn check_and_allocate_are_one_decision_for_a_whole_cart() {
    let house = House::open().await;
    house.stock("TEA", 5).await;
    house.stock("MUG", 0).await;
    assert!(house.send(reserve("r", &[("TEA", 2), ("MUG", 1)])).await.is_err());
    assert_eq!(house.total("TEA").await.reserved, 0, "one missing line holds nothing");
}

#[tokio::test]
async fn lock_only_in_the_caller_every_way_to_take_stock_obeys_the_same_rule() {
    let one = House::open().await;
    one.stock("TEA", 9).await;
    let two = House::on(one.log.clone()).await;
    let (one, two) = (&one, &two);
    let ids: Vec<String> = (0..9).map(|taker| format!("r{taker}")).collect();
    let carts = join_all(
        ids.iter().map(|id| async move { one.send(reserve(&format!("cart-{id}"), &[("TEA", 1)])).await.is_ok() }),
    );
    let items = join_all(ids.iter().map(|id| async move { two.send(item(&format!("item-{id}"), 1)).await.is_ok() }));
    let losses = join_all(ids.iter().map(|_| async move {
        let (location, change) = (place("main"), Change::Delta(-1));
        two.send(Adjust { sku: sku("TEA"), location, change, reason: Reason::Lost, reference: None }).await.is_ok()
    }));
    let (carts, items, losses) = tokio::join!(carts, items, losses);
    let taken = carts.iter().chain(&items).chain(&losses).filter(|taken| **taken).count();
    assert_eq!((taken, one.total("TEA").await.free()), (9, 0));
}

#[tokio::test]
async fn one_sku_twice_in_a_batch_shares_its_stock() {
    let house = House::open().await;
    house.stock("TEA", 3).await;
    let shortfalls = vec![Shortfall { sku: sku("TEA"), location: None, requested: 4, available: 3 }];
    let refused = house.send(reserve("r", &[("TEA", 2), ("TEA", 2)])).await.unwrap_err();
    assert_eq!(refused, ReserveRejection::InsufficientStock { shortfalls });
    assert_eq!(house.total("TEA").await.reserved, 0);
}

#[tokio::test]
async fn deadlock_by_lock_order_carts_in_any_order_all_end() {
    let house = House::open().await;
    house.stock("TEA", 40).await;
    house.stock("MUG", 40).await;
    let there: Vec<String> = (0..20).map(|cart| format!("there-{cart}")).collect();
    let back: Vec<String> = (0..20).map(|cart| format!("back-{cart}")).collect();
    let one_way = join_all(there.iter().map(|id| house.send(reserve(id, &[("TEA", 1), ("MUG", 1)]))));
    let other_way = join_all(back.iter().map(|id| house.send(reserve(id, &[("MUG", 1), ("TEA", 1)]))));
    let (one_way, other_way) = tokio::join!(one_way, other_way);
    assert!(one_way.iter().chain(&other_way).all(Result::is_ok));
    assert_eq!((house.total("TEA").await.reserved, house.total("MUG").await.reserved), (40, 40));
}

#[tokio::test]
async fn a_payment_that_takes_long_holds_units_not_a_lock() {
    let house = House::open().await;
    house.stock("TEA", 5).await;
    house.send(Reserve { ttl: Some(Duration::from_secs(900)), ..reserve("paying", &[("TEA", 2)]) }).await.unwrap();
    house.send(reserve("other", &[("TEA", 3)])).await.unwrap();
    house.wait(600_000);
    house.send(Confirm { reservation_id: reservation("paying") }).await.unwrap();
    assert_eq!(house.total("TEA").await.committed, 2);
}

#[tokio::test]
async fn compensation_that_drifts_any_order_of_repeats_gives_back_once() {
    let house = House::open().await;
    house.stock("TEA", 9).await;
    house.send(reserve("r", &[("TEA", 3)])).await.unwrap();
    house.send(Confirm { reservation_id: reservation("r") }).await.unwrap();
    let left = Consume { reservation_id: reservation("r"), lines: Some(vec![(line("1"), units(1))]) };
    house.send(left).await.unwrap();
    for _ in 0..3 {
        house.send(release("r")).await.unwrap();
        assert!(house.send(reserve("r", &[("TEA", 3)])).await.is_err());
        assert!(house.send(Confirm { reservation_id: reservation("r") }).await.is_err());
    }
    let total = house.total("TEA").await;
    assert_eq!((total.on_hand, total.committed, total.reserved), (8, 0, 0));
}

#[tokio::test]
async fn an_expiry_counts_from_its_instant_though_no_job_ever_runs() {
    let mut house = House::open().await;
    house.stock("TEA", 5).await;
    house.send(Reserve { ttl: Some(Duration::from_secs(1)), ..reserve("r", &[("TEA", 5)]) }).await.unwrap();
    house.set_time(999);
    assert!(house.send(reserve("s", &[("TEA", 5)])).await.is_err());
    assert_eq!(house.ask(StockOfSku { sku: sku("TEA") }).await.unwrap().row.available, 0);
    house.set_time(1_000);
    let seen = house.ask(StockOfSku { sku: sku("TEA") }).await.unwrap();
    assert_eq!(
        (seen.row.available, seen.row.version, seen.ended_at),
        (5, 3, Some(cqrs::Timestamp::from_millis(1_000)))
    );
    house.send(reserve("s", &[("TEA", 5)])).await.unwrap();
    let found = house.ask(ReservationById { reservation_id: reservation("r") }).await.unwrap();
    assert_eq!(found.reservation.state, ReservationState::Expired);
    assert_eq!(house.total("TEA").await.reserved, 5);
}

#[tokio::test]
async fn a_clock_that_jumps_back_revives_no_hold() {
    let house = House::open().await;
    house.stock("TEA", 5).await;
    house.send(Reserve { ttl: Some(Duration::from_secs(1)), ..reserve("r", &[("TEA", 5)]) }).await.unwrap();
    house.set_time(1_000);
    house.send(reserve("s", &[("TEA", 5)])).await.unwrap();
    house.set_time(0);
    assert!(house.send(Confirm { reservation_id: reservation("r") }).await.is_err(), "its units are sold");
    assert_eq!(house.total("TEA").await.promised(), 5);
}

#[tokio::test]
async fn a_message_that_comes_twice_or_too_late_changes_nothing() {
    let house = House::open().await;
    house.stock("TEA", 5).await;
    let twice = join_all((0..2).map(|_| house.send(reserve("r", &[("TEA", 2)])))).await;
    assert!(twice.iter().all(Result::is_ok));
    assert_eq!(house.total("TEA").await.reserved, 2);
    house.send(release("late")).await.unwrap();
    let ended = ReserveRejection::Ended { reservation_id: reservation("late"), state: ReservationState::Released };
    assert_eq!(house.send(reserve("late", &[("TEA", 2)])).await.unwrap_err(), ended);
    assert_eq!(house.total("TEA").await.reserved, 2);
}

#[tokio::test]
async fn a_message_lost_on_its_way_back_is_answered_again() {
    let house = House::open().await;
    house.stock("TEA", 5).await;
    let mut lost = Box::pin(house.send(reserve("r", &[("TEA", 2)])));
    assert!(futures::poll!(&mut lost).is_pending());
    drop(lost);
    let again = house.send(reserve("r", &[("TEA", 2)])).await.unwrap();
    assert!(again.repeated, "what was sent is done, though nobody heard the answer");
    assert_eq!(house.total("TEA").await.reserved, 2);
}
