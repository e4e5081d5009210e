//! Inventory's half of an order's life, message by message: D3, D4, D7 and D9 among them. Given messages, when one is
//! received, then events, and what others are told.

use std::sync::Arc;

use comanda_contracts::events::{
    Disposition, RejectionCode, ReservationConsumed, ReservationReleased, StockBecameAvailable,
    StockReservationRejected, StockReserved,
};
use comanda_inventory::domain::location::{Location, LocationDetails, LocationEvent};
use comanda_inventory::domain::reservation::{Reservation, ReservationEvent, ReservationState};
use comanda_inventory::domain::stock_item::{Details, Level, StockEvent, StockItem};
use comanda_inventory::publish::publish;
use comanda_inventory::react::Orders;
use cqrs::testkit::Given;
use cqrs::{
    Aggregate, BatchId, CannotReact, LogReader, Message, PartitionId, Payload, React, Receive, Received, Recorded,
    Stream, Timestamp,
};
use serde_json::Value;

use crate::house::{House, place, reservation, sku};
use crate::messages::{Sender, again, consume, receive, release, request, returned};

/// Registered SKUs with so many units at a location each.
fn stocked(levels: &[(&str, &str, i64)]) -> Given {
    let mut given = Given::nothing();
    for &(id, location, quantity) in levels {
        let stream = StockItem::stream(&sku(id));
        if !given.state(&stream).is_registered() {
            given = given.events(&stream, [StockEvent::Registered(Details::default())]);
        }
        given = given
            .events(&Location::stream(&place(location)), [LocationEvent::Registered(LocationDetails::default())])
            .events(&stream, [StockEvent::Replenished { location: place(location), quantity }]);
    }
    given
}

fn level(given: &Given, id: &str) -> Level {
    given.state(&StockItem::stream(&sku(id))).total()
}

fn held(on_hand: i64, committed: i64) -> Level {
    Level { on_hand, committed, ..Level::default() }
}

fn of_order(order: &str) -> Stream<Reservation> {
    Reservation::stream(&reservation(&format!("{order}~1")))
}

fn state(given: &Given, order: &str) -> ReservationState {
    given.state(&of_order(order)).state(Timestamp::EPOCH)
}

#[track_caller]
fn done(given: Given, message: Receive<Orders>) -> Given {
    given.when(message).then_answer(&Received::Done).given()
}

#[track_caller]
fn parked(given: Given, message: Receive<Orders>) -> Given {
    given.when(message).then_answer(&Received::Parked).given()
}

/// What others are told of the events of `stream`: types and contents.
async fn told<A: Aggregate>(house: &House, stream: &Stream<A>) -> Vec<(&'static str, Value)> {
    let mut told = Vec::new();
    for event in house.events(stream).await {
        let recorded = Recorded {
            partition: PartitionId(0),
            position: 1,
            stream: stream.name().clone(),
            version: 1,
            at: Timestamp::EPOCH,
            batch: BatchId::generate(),
            metadata: Arc::default(),
            payload: Payload::new(Arc::new(event)).unwrap(),
        };
        told.extend(publish(&recorded).unwrap().map(|e| (e.kind, serde_json::from_slice(&e.data).unwrap())));
    }
    told
}

#[test]
fn d3_an_order_that_gives_up_gets_its_stock_back_on_the_shelf() {
    let mut sender = Sender::default();
    let stock = stocked(&[("TEA", "main", 5), ("MUG", "main", 5)]);
    let given = done(stock, sender.reserve(&request("o1", &[("TEA", 2), ("MUG", 1)])));
    assert_eq!((level(&given, "TEA"), level(&given, "MUG")), (held(5, 2), held(5, 1)));
    let given = done(given, sender.release(&release("o1", &[])));
    assert_eq!((level(&given, "TEA"), level(&given, "MUG")), (held(5, 0), held(5, 0)));
    assert_eq!(state(&given, "o1"), ReservationState::Released);
}

#[test]
fn d4_a_release_that_is_repeated_passes_and_leaks_nothing() {
    let mut sender = Sender::default();
    let given = done(stocked(&[("TEA", "main", 5)]), sender.reserve(&request("o1", &[("TEA", 2)])));
    let first = sender.release(&release("o1", &[]));
    let repeated = again(&first);
    let given = done(given, first);
    let given = given.when(repeated).then_nothing().then_answer(&Received::Repeated).given();
    let asked_anew = sender.release(&release("o1", &[]));
    let given = given.when(asked_anew).then_events(&of_order("o1"), []).given();
    assert_eq!(level(&given, "TEA"), held(5, 0));
}

#[test]
fn d7_one_sku_on_two_lines_is_committed_given_back_and_shipped_line_by_line() {
    let mut sender = Sender::default();
    let given = done(stocked(&[("TEA", "main", 5)]), sender.reserve(&request("o1", &[("TEA", 2), ("TEA", 3)])));
    assert_eq!(level(&given, "TEA"), held(5, 5));
    let given = done(given, sender.release(&release("o1", &[("2", 1, None)])));
    assert_eq!(level(&given, "TEA"), held(5, 4));
    let given = done(given, sender.consume(&consume("o1", "s1", &[("1", 2, "main"), ("2", 2, "main")])));
    assert_eq!(level(&given, "TEA"), held(1, 0));
    assert_eq!(state(&given, "o1"), ReservationState::Consumed);
}

#[test]
fn d9_one_refused_line_leaves_nothing_held_of_the_others() {
    let mut sender = Sender::default();
    let stock = stocked(&[("TEA", "main", 5), ("MUG", "main", 0)]);
    let given = done(stock, sender.reserve(&request("o1", &[("TEA", 2), ("MUG", 1)])));
    assert_eq!((level(&given, "TEA"), state(&given, "o1")), (held(5, 0), ReservationState::Rejected));
    let unknown = sender.reserve(&request("o2", &[("TEA", 2), ("NONE", 1)]));
    let given = done(given, unknown);
    assert_eq!((level(&given, "TEA"), state(&given, "o2")), (held(5, 0), ReservationState::Rejected));
    let partial = sender.reserve(&comanda_contracts::events::ReserveStockRequested {
        allow_partial: true,
        ..request("o3", &[("TEA", 2), ("NONE", 1)])
    });
    let given = done(given, partial);
    assert_eq!((level(&given, "TEA"), state(&given, "o3")), (held(5, 2), ReservationState::Confirmed));
}

#[test]
fn a_request_that_is_repeated_by_the_transport_or_its_sender_changes_nothing() {
    let mut sender = Sender::default();
    let first = sender.reserve(&request("o1", &[("TEA", 2)]));
    let repeated = again(&first);
    let given = done(stocked(&[("TEA", "main", 5)]), first);
    let given = given.when(repeated).then_nothing().then_answer(&Received::Repeated).given();
    let given = done(given, sender.reserve(&request("o1", &[("TEA", 2)])));
    assert_eq!(level(&given, "TEA"), held(5, 2));
}

#[test]
fn a_release_that_overtakes_its_request_bars_it() {
    let mut sender = Sender::default();
    let given = done(stocked(&[("TEA", "main", 5)]), sender.release(&release("o1", &[("1", 2, None)])));
    let given = done(given, sender.reserve(&request("o1", &[("TEA", 2)])));
    assert_eq!((level(&given, "TEA"), state(&given, "o1")), (held(5, 0), ReservationState::Released));
}

#[test]
fn what_cannot_be_done_as_asked_waits_for_somebody_to_look_and_other_orders_go_on() {
    let mut sender = Sender::default();
    let given = done(stocked(&[("TEA", "main", 5)]), sender.reserve(&request("o1", &[("TEA", 2)])));
    let given = parked(given, sender.consume(&consume("o1", "s1", &[("1", 3, "main")])));
    let given = parked(given, sender.release(&release("o1", &[])));
    assert_eq!(level(&given, "TEA"), held(5, 2), "the release waits behind the other message of its order");
    let given = done(given, sender.reserve(&request("o2", &[("TEA", 1)])));
    let given = parked(given, sender.returned(&returned("o3", &[("NONE", 1, "main", Disposition::Restock)])));
    let given = parked(given, sender.returned(&returned("o4", &[("TEA", 1, "nowhere", Disposition::Restock)])));
    assert_eq!(level(&given, "TEA"), held(5, 3));
}

#[test]
fn a_request_that_is_wrong_in_itself_is_answered_and_one_without_a_right_id_is_a_dead_letter() {
    let mut sender = Sender::default();
    for (order, lines) in [("o1", vec![("TEA", 0)]), ("o2", vec![("a b", 1)]), ("o3", vec![])] {
        let refused = sender.reserve(&request(order, &lines));
        let given = done(stocked(&[("TEA", "main", 5)]), refused);
        assert_eq!(state(&given, order), ReservationState::Rejected, "{order}");
        sender = Sender::default();
    }
    let good = sender.reserve(&request("o1", &[("TEA", 1)]));
    for (right, wrong) in [("o1~1", "o2~1"), ("o1~1", "o1"), ("o1~1", "o1~2"), ("\"lines\"", "\"lnes\"")] {
        let data = String::from_utf8(good.message.data.to_vec()).unwrap().replace(right, wrong);
        let message = Message { data: data.into(), ..(*good.message).clone() };
        assert!(matches!(receive(Arc::new(message)), Err(CannotReact::Ever(_))), "{wrong}");
    }
    let other = Message { kind: "comanda.fulfillment.order-placed.v1".into(), ..(*good.message).clone() };
    assert!(Orders::read(&other).unwrap().is_none());
}

#[tokio::test]
async fn a_request_of_two_lines_records_one_event_of_the_reservation_one_a_line_and_one_of_the_inbox() {
    let house = House::open().await;
    house.stock("TEA", 5).await;
    house.stock("MUG", 5).await;
    let mut sender = Sender::default();
    house.send(sender.reserve(&request("o1", &[("TEA", 1)]))).await.unwrap();
    let before = recorded(&house).await;
    house.send(sender.reserve(&request("o2", &[("TEA", 2), ("MUG", 1)]))).await.unwrap();
    assert_eq!(recorded(&house).await - before, 4);
}

/// How many events the log has.
async fn recorded(house: &House) -> u64 {
    house.log.heads().await.unwrap().iter().map(|head| head.position).sum()
}

#[tokio::test]
async fn everything_an_order_must_know_is_told_from_the_log() {
    let house = House::open().await;
    house.stock("TEA", 5).await;
    let mut sender = Sender::default();
    for message in [
        sender.reserve(&request("o1", &[("TEA", 3)])),
        sender.reserve(&request("o2", &[("TEA", 3)])),
        sender.release(&release("o1", &[("1", 1, None)])),
        sender.consume(&consume("o1", "s1", &[("1", 2, "main")])),
        sender.returned(&returned("o1", &[("TEA", 1, "main", Disposition::Restock)])),
    ] {
        assert_eq!(house.send(message).await.unwrap(), Received::Done);
    }
    let answers = told(&house, &of_order("o1")).await;
    let kinds: Vec<_> = answers.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [StockReserved::TYPE, ReservationReleased::TYPE, ReservationConsumed::TYPE]);
    let refused = told(&house, &of_order("o2")).await;
    assert_eq!(refused[0].0, StockReservationRejected::TYPE);
    let refused: StockReservationRejected = serde_json::from_value(refused[0].1.clone()).unwrap();
    assert_eq!((refused.code, refused.shortfalls[0].available), (RejectionCode::InsufficientStock, 2));
    let stock = told(&house, &StockItem::stream(&sku("TEA"))).await;
    let quantities: Vec<_> = stock
        .iter()
        .map(|(kind, data)| (*kind == StockBecameAvailable::TYPE, data["quantity"].as_i64().unwrap()))
        .collect();
    assert_eq!(quantities, [(true, 5), (true, 1), (true, 1)], "received, given back, returned");
}

#[tokio::test]
async fn an_order_asks_while_carts_buy_and_nothing_is_sold_twice() {
    let house = House::open().await;
    house.stock("TEA", 10).await;
    let carts: Vec<String> = (0..20).map(|cart| format!("cart-{cart}")).collect();
    let buying = carts.iter().map(|id| house.send(crate::house::reserve(id, &[("TEA", 1)])));
    let mut sender = Sender::default();
    let orders: Vec<_> = (0..20).map(|no| sender.reserve(&request(&format!("o{no}"), &[("TEA", 1)]))).collect();
    let asking = async {
        for message in orders {
            assert_eq!(house.send(message).await.unwrap(), Received::Done);
        }
    };
    let (_, ()) = tokio::join!(futures::future::join_all(buying), asking);
    assert_eq!(house.total("TEA").await.promised(), 10);
    let answered = house.events(&of_order("o19")).await;
    assert!(matches!(answered[..], [ReservationEvent::Committed { .. } | ReservationEvent::Refused { .. }]));
}
