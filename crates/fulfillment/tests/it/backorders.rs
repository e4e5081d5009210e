//! Backorders: who waits is served when stock comes, the oldest promise first, and nobody waits for ever.

use std::time::Duration;

use comanda_fulfillment::application::list_backorders::{ListBackorders, ListDemand};
use comanda_fulfillment::application::page::PageRequest;
use comanda_fulfillment::domain::backlog::WAKES_MAX;
use comanda_fulfillment::domain::order::Policy;
use comanda_fulfillment::domain::order::cancel::CancelOrder;
use comanda_fulfillment::domain::order::place::PlaceOrder;
use cqrs::{Ask, Dispatch, Envelope, Inquire, Timestamp};

use crate::house::{House, order_id, place};

async fn tea() -> House {
    let mut house = House::open().await;
    house.inventory.register("TEA");
    house
}

#[tokio::test]
async fn the_oldest_promise_is_served_first_then_the_oldest_order() {
    let mut house = tea().await;
    for (id, promised) in [("late", Some(9_000)), ("soon", Some(1_000)), ("never", None)] {
        let promised_at = promised.map(Timestamp::from_millis);
        house.send(PlaceOrder { promised_at, ..place(id, Policy::Backorder, &[("TEA", 1)]) }).await.unwrap();
        house.settle().await;
        house.clock.advance(Duration::from_millis(1));
    }
    assert_eq!(house.waiters("TEA"), ["soon", "late", "never"]);
    for (served, left) in [("soon", 2), ("late", 1), ("never", 0)] {
        house.inventory.receive("TEA", "main", 1);
        house.settle().await;
        assert_eq!((house.status(served), house.waiters("TEA").len()), ("RESERVED", left));
    }
}

#[tokio::test]
async fn more_than_one_decision_may_wake_are_served_in_turn() {
    let mut house = tea().await;
    let orders = WAKES_MAX * 2 + 7;
    for number in 0..orders {
        house.place(&format!("o{number}"), Policy::Backorder, &[("TEA", 1)]).await;
    }
    house.settle().await;
    assert_eq!(house.waiters("TEA").len(), orders);
    house.inventory.receive("TEA", "main", i64::try_from(orders).unwrap() - 2);
    house.settle().await;
    assert_eq!(house.waiters("TEA").len(), 2);
    assert_eq!(house.inventory.free["TEA"]["main"], 0);
}

#[tokio::test]
async fn an_order_cancelled_while_it_waits_leaves_its_place_to_the_next() {
    let mut house = tea().await;
    for id in ["a", "b"] {
        house.place(id, Policy::Backorder, &[("TEA", 1)]).await;
    }
    house.settle().await;
    house.send(CancelOrder { order_id: order_id("a"), lines: Vec::new(), reason: None }).await.unwrap();
    assert_eq!(house.waiters("TEA"), ["b"]);
    house.inventory.receive("TEA", "main", 1);
    house.settle().await;
    assert_eq!((house.status("a"), house.status("b")), ("CANCELLED", "RESERVED"));
}

#[tokio::test]
async fn one_that_gets_less_than_it_waits_for_keeps_its_turn() {
    let mut house = tea().await;
    for id in ["a", "b"] {
        house.place(id, Policy::Backorder, &[("TEA", 3)]).await;
        house.settle().await;
        house.clock.advance(Duration::from_millis(1));
    }
    house.inventory.receive("TEA", "main", 2);
    house.settle().await;
    assert_eq!((house.status("a"), house.status("b")), ("PARTIALLY_RESERVED", "BACKORDERED"));
    assert_eq!(house.waiters("TEA"), ["a", "b"]);
    house.inventory.receive("TEA", "main", 4);
    house.settle().await;
    assert_eq!((house.status("a"), house.status("b")), ("RESERVED", "RESERVED"));
}

#[tokio::test]
async fn stock_that_came_between_the_refusal_and_the_wait_is_found_by_time() {
    let mut house = tea().await;
    house.place("o", Policy::Backorder, &[("TEA", 1)]).await;
    house.inventory.work(usize::MAX);
    let refusal = std::mem::take(&mut house.inventory.mail);
    house.inventory.receive("TEA", "main", 1);
    let news = std::mem::take(&mut house.inventory.mail);
    for mail in news.iter().chain(&refusal) {
        house.receive(mail).await;
    }
    assert_eq!(house.status("o"), "BACKORDERED");
    house.pass(Duration::from_secs(10)).await;
    house.settle().await;
    assert_eq!((house.status("o"), house.waiters("TEA").len()), ("RESERVED", 0));
}

#[tokio::test]
async fn what_waits_is_listed_by_turn_and_by_sku() {
    let mut house = tea().await;
    for (id, promised) in [("late", 9_000), ("soon", 1_000)] {
        let promised_at = Some(Timestamp::from_millis(promised));
        house.send(PlaceOrder { promised_at, ..place(id, Policy::Backorder, &[("TEA", 2)]) }).await.unwrap();
    }
    house.settle().await;
    let again = PlaceOrder {
        promised_at: Some(Timestamp::from_millis(9_000)),
        ..place("late", Policy::Backorder, &[("TEA", 2)])
    };
    let token = Some(house.commands.dispatch(Envelope::new(again)).await.unwrap().token);
    let query = ListBackorders { sku: None, page: PageRequest::first(10) };
    let found = house.queries.ask(Ask { query, token: token.clone() }).await.unwrap().answer;
    assert_eq!(found.items.iter().map(|row| row.waiter.order_id.as_str()).collect::<Vec<_>>(), ["soon", "late"]);
    let found = house
        .queries
        .ask(Ask { query: ListDemand { prefix: None, page: PageRequest::first(10) }, token })
        .await
        .unwrap();
    assert_eq!(found.answer.items.iter().map(|row| (row.units, row.lines)).collect::<Vec<_>>(), [(4, 2)]);
}
