//! The ways the system that this one replaces fails with orders, one test each: none of them happens here.

use std::time::Duration;

use comanda_fulfillment::domain::order::cancel::{CancelOrder, CancelRejection};
use comanda_fulfillment::domain::order::{OrderStatus, Policy, WrongTransition};

use crate::house::{House, order_id, place};
use crate::inventory::Mail;

fn cancel(id: &str) -> CancelOrder {
    CancelOrder { order_id: order_id(id), lines: Vec::new(), reason: None }
}

#[tokio::test]
async fn d7_one_sku_on_two_lines_does_not_stick() {
    let mut house = House::open().await;
    house.inventory.register("TEA");
    house.inventory.receive("TEA", "main", 3);
    house.place("o", Policy::ShipAvailable, &[("TEA", 2), ("TEA", 1)]).await;
    house.settle().await;
    assert_eq!(house.status("o"), "RESERVED");
}

#[tokio::test]
async fn d8_placing_an_order_again_never_drops_it_back() {
    let mut house = House::open().await;
    house.inventory.register("TEA");
    house.inventory.receive("TEA", "main", 5);
    house.place("o", Policy::ShipAvailable, &[("TEA", 2)]).await;
    house.settle().await;
    let events = house.events.len();
    let again = house.send(place("o", Policy::ShipAvailable, &[("TEA", 2)])).await.unwrap();
    assert_eq!((again.status, again.repeated), (OrderStatus::Reserved, true));
    house.settle().await;
    assert_eq!((house.status("o"), house.events.len()), ("RESERVED", events));
    house.send(cancel("o")).await.unwrap();
    let again = house.send(place("o", Policy::ShipAvailable, &[("TEA", 2)])).await.unwrap();
    assert_eq!(again.status, OrderStatus::Cancelled);
}

#[tokio::test]
async fn d9_one_rejected_line_leaks_nothing_of_the_others() {
    let mut house = House::open().await;
    for sku in ["TEA", "MUG"] {
        house.inventory.register(sku);
    }
    house.inventory.receive("TEA", "main", 5);
    house.place("all", Policy::ShipComplete, &[("TEA", 2), ("MUG", 1)]).await;
    house.place("some", Policy::ShipAvailable, &[("TEA", 2), ("MUG", 1), ("NONE", 1)]).await;
    house.settle().await;
    assert_eq!(house.status("all"), "REJECTED");
    assert_eq!(house.status("some"), "PARTIALLY_RESERVED");
    assert_eq!(house.order("some").line(&crate::house::line_id("1")).unwrap().reserved(), 2);
    assert_eq!(house.inventory.free["TEA"]["main"], 3);
    house.send(cancel("some")).await.unwrap();
    house.settle().await;
    assert_eq!((house.status("some"), house.inventory.free["TEA"]["main"]), ("CANCELLED", 5));
}

#[tokio::test]
async fn d11_two_answers_at_once_lose_nothing() {
    let mut house = House::open().await;
    for sku in ["TEA", "MUG"] {
        house.inventory.register(sku);
    }
    house.place("o", Policy::Backorder, &[("TEA", 2), ("MUG", 1)]).await;
    house.settle().await;
    house.inventory.receive("TEA", "main", 2);
    house.inventory.receive("MUG", "main", 1);
    for news in std::mem::take(&mut house.inventory.mail) {
        house.receive(&news).await;
    }
    // Both lines ask again, each in an attempt of its own, and both answers are there before either is read.
    house.inventory.work(usize::MAX);
    let answers: Vec<Mail> = std::mem::take(&mut house.inventory.mail);
    assert_eq!(answers.len(), 2);
    for answer in answers.iter().rev().chain(&answers) {
        house.receive(answer).await;
    }
    assert_eq!(house.status("o"), "RESERVED");
}

#[tokio::test]
async fn d12_an_order_that_is_ready_to_ship_is_not_cancelled() {
    use comanda_fulfillment::domain::order::{Order, OrderEvent};
    use cqrs::testkit::Given;
    let stream = Order::stream(&order_id("o"));
    let given = Given::nothing().when(place("o", Policy::ShipAvailable, &[("TEA", 2)])).given();
    let units = comanda_fulfillment::domain::order::PickFrom {
        location: comanda_fulfillment::domain::ids::LocationId::parse("main").unwrap(),
        bin: None,
        quantity: 2,
    };
    let line = comanda_fulfillment::domain::order::ReservedUnits {
        line_id: crate::house::line_id("1"),
        from: vec![units],
        code: None,
    };
    let events = [
        OrderEvent::Reserved { attempt: 1, lines: vec![line], complete: true },
        OrderEvent::ReadyToShip { implicit: true },
    ];
    let wrong = WrongTransition::new(OrderStatus::ReadyToShip, OrderStatus::Cancelled);
    let when = given.events(&stream, events).when(cancel("o")).then_nothing();
    let _ = when.then_rejected(&CancelRejection::WrongTransition(wrong));
}

#[tokio::test]
async fn an_answer_that_comes_after_its_time_is_given_back() {
    let mut house = House::open().await;
    house.inventory.register("TEA");
    house.inventory.receive("TEA", "main", 5);
    house.inventory.mail.clear();
    house.place("o", Policy::ShipAvailable, &[("TEA", 2)]).await;
    house.inventory.silent = true;
    for wait in [60, 600, 3_600] {
        house.pass(Duration::from_secs(wait)).await;
    }
    assert_eq!(house.status("o"), "REJECTED");
    house.inventory.silent = false;
    house.settle().await;
    assert_eq!((house.status("o"), house.inventory.free["TEA"]["main"]), ("REJECTED", 5));
}
