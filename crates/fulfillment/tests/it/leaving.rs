//! Random lives of shipments and returns: from the shelf to the customer and back, no unit is lost or shipped twice.

use std::sync::Arc;
use std::time::Duration;

use comanda_fulfillment::domain::goods_return::Disposition;
use comanda_fulfillment::domain::goods_return::cancel::CancelReturn;
use comanda_fulfillment::domain::goods_return::receive::{ReceiveLine, ReceiveReturn};
use comanda_fulfillment::domain::goods_return::request::{RequestReturn, ReturnLine};
use comanda_fulfillment::domain::ids::{CarrierId, LocationId, PackageId, Quantity, ReturnId, ShipmentId};
use comanda_fulfillment::domain::order::cancel::{CancelLine, CancelOrder};
use comanda_fulfillment::domain::order::pack::PackUnits;
use comanda_fulfillment::domain::order::ready_to_ship::MakeReadyToShip;
use comanda_fulfillment::domain::order::{Order, Policy, reservation_id};
use comanda_fulfillment::domain::pick_list::lists_of;
use comanda_fulfillment::domain::pick_list::pick_task::PickUnits;
use comanda_fulfillment::domain::pick_list::release::ReleasePickList;
use comanda_fulfillment::domain::shipment::dispatch::Dispatch;
use comanda_fulfillment::domain::shipment::plan::{PlanLine, PlanShipment};
use comanda_fulfillment::domain::shipment::record_booking::{Outcome, RecordBooking};
use comanda_fulfillment::domain::shipment::start_booking::StartBooking;
use comanda_fulfillment::domain::shipment::track::Track;
use comanda_fulfillment::domain::shipment::void::VoidShipment;
use comanda_fulfillment::domain::shipment::{News, Tracked};
use cqrs::Timestamp;
use proptest::prelude::*;

use crate::house::{House, line_id, order_id, place};
use crate::properties::{check, come_to_rest};

const SKUS: [&str; 2] = ["TEA", "MUG"];
const ORDERS: usize = 3;
const SHIPMENTS: usize = 4;
const RETURNS: usize = 3;

#[derive(Clone, Debug)]
enum Step {
    Place(usize, Vec<(usize, i64)>),
    Pick(usize, usize, Option<i64>),
    Pack(usize),
    Ready(usize),
    Cancel(usize, usize),
    Plan(usize, usize, Option<(usize, i64)>),
    Book(usize, bool),
    Leave(usize),
    Track(usize, News),
    Void(usize),
    Ask(usize, usize, usize, i64),
    Back(usize, usize, i64, Disposition),
    Keep(usize),
    Receive(usize, i64),
    Answer,
}

fn step() -> impl Strategy<Value = Step> {
    let (order, line, units) = (0..ORDERS, 0..3_usize, 1..4_i64);
    let (shipment, back) = (0..SHIPMENTS, 0..RETURNS);
    let lines = prop::collection::vec((0..2_usize, 1..5_i64), 1..4);
    let part = prop::option::of((line.clone(), units.clone()));
    let news = prop_oneof![Just(News::InTransit), Just(News::Delivered), Just(News::DeliveryFailed)];
    let disposition = prop_oneof![Just(Disposition::Restock), Just(Disposition::Damaged), Just(Disposition::Scrap)];
    prop_oneof![
        3 => (order.clone(), lines).prop_map(|(id, lines)| Step::Place(id, lines)),
        4 => (order.clone(), line.clone(), prop::option::of(units.clone())).prop_map(|(id, l, n)| Step::Pick(id, l, n)),
        3 => order.clone().prop_map(Step::Pack),
        6 => order.clone().prop_map(Step::Ready),
        1 => (order.clone(), line.clone()).prop_map(|(id, line)| Step::Cancel(id, line)),
        8 => (shipment.clone(), order.clone(), part).prop_map(|(s, id, part)| Step::Plan(s, id, part)),
        8 => (shipment.clone(), any::<bool>()).prop_map(|(s, yes)| Step::Book(s, yes)),
        8 => shipment.clone().prop_map(Step::Leave),
        6 => (shipment.clone(), news).prop_map(|(s, news)| Step::Track(s, news)),
        1 => shipment.prop_map(Step::Void),
        6 => (back.clone(), order, line.clone(), units.clone()).prop_map(|(r, id, l, n)| Step::Ask(r, id, l, n)),
        6 => (back.clone(), line, units, disposition).prop_map(|(r, l, n, d)| Step::Back(r, l, n, d)),
        1 => back.prop_map(Step::Keep),
        2 => (0..2_usize, 1..8_i64).prop_map(|(sku, units)| Step::Receive(sku, units)),
        5 => Just(Step::Answer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn from_the_shelf_to_the_customer_and_back_no_unit_is_lost_or_shipped_twice(
        life in prop::collection::vec(step(), 20..140)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(live(life));
    }
}

async fn live(life: Vec<Step>) {
    let mut house = House::open().await;
    let mut came = [12; 2];
    for sku in SKUS {
        house.inventory.register(sku);
        house.inventory.receive(sku, "main", 12);
    }
    // An order that has left whole, so that there is always something to come back.
    let first = [
        Step::Place(0, vec![(0, 3), (1, 2)]),
        Step::Answer,
        Step::Ready(0),
        Step::Plan(0, 0, None),
        Step::Book(0, true),
        Step::Leave(0),
    ];
    for (number, step) in first.into_iter().chain(life).enumerate() {
        act(&mut house, &mut came, step, number).await;
        for order in house.orders.values() {
            check(order);
            check_counts(order);
        }
    }
    assert_eq!(house.order("o0").lines().iter().map(|line| line.shipped()).min(), Some(2), "the first order left");
    come_to_rest(&mut house).await;
    check_the_end(&house, came);
}

async fn act(house: &mut House, came: &mut [i64; 2], step: Step, number: usize) {
    let name = |number: usize| format!("o{number}");
    let id = |number: usize| order_id(&name(number));
    let line = |number: usize| line_id(&(number + 1).to_string());
    let units = |units: i64| Quantity::parse(units).unwrap();
    let shipment = |number: usize| ShipmentId::parse(&format!("s{number}")).unwrap();
    let goods = |number: usize| ReturnId::parse(&format!("r{number}")).unwrap();
    let main = || LocationId::parse("main").unwrap();
    let wait = Duration::from_secs(60);
    match step {
        Step::Place(number, lines) => {
            let lines: Vec<_> = lines.iter().map(|(sku, units)| (SKUS[*sku], *units)).collect();
            let _ = house.send(place(&name(number), Policy::ShipAvailable, &lines)).await;
        }
        Step::Pick(order, task, part) => {
            let Some(found) = house.orders.get(&name(order)) else { return };
            let Some(list) = lists_of(&id(order), found).into_iter().next() else { return };
            let _ = house.send(ReleasePickList { id: list.clone() }).await;
            let _ = house.send(PickUnits { id: list, task: line(task), quantity: part.map(units) }).await;
        }
        Step::Pack(order) => {
            let package = PackageId::parse(&format!("p{number}")).unwrap();
            let _ = house.send(PackUnits { order_id: id(order), package, lines: Vec::new() }).await;
        }
        Step::Ready(order) => drop(house.send(MakeReadyToShip { order_id: id(order) }).await),
        Step::Cancel(order, number_of_line) => {
            let lines = vec![CancelLine { line_id: line(number_of_line), quantity: None }];
            let _ = house.send(CancelOrder { order_id: id(order), lines, reason: None }).await;
        }
        Step::Plan(number, order, part) => {
            let lines = part.map(|(number, quantity)| PlanLine { line_id: line(number), quantity: units(quantity) });
            let plan = || PlanShipment {
                shipment_id: shipment(number),
                order_id: id(order),
                carrier: CarrierId::parse("dhl").unwrap(),
                lines: lines.iter().cloned().collect(),
                from: Some(main()),
                packages: 1,
            };
            twice(house, plan).await;
        }
        Step::Book(number, yes) => {
            let start =
                StartBooking { shipment_id: shipment(number), by: "test".into(), answer_wait: wait, settle_wait: wait };
            let Ok(intent) = house.send(start).await else { return };
            let outcome = match yes {
                true => Outcome::Booked { tracking_number: format!("T-{number}").into() },
                false => Outcome::NotReached { reason: "nobody there".into() },
            };
            let record = || RecordBooking {
                shipment_id: shipment(number),
                attempt: intent.attempt,
                outcome: outcome.clone(),
                wait: Duration::from_millis(1),
            };
            house.send(record()).await.unwrap();
            house.clock.advance(Duration::from_millis(10));
        }
        Step::Leave(number) => twice(house, || Dispatch { shipment_id: shipment(number) }).await,
        Step::Track(shipped, news) => {
            let event_id: Arc<str> = format!("e{number}").into();
            let tracked = Tracked { event_id, news, text: None, happened_at: Timestamp::EPOCH };
            twice(house, || Track { shipment_id: shipment(shipped), tracked: tracked.clone() }).await;
        }
        Step::Void(number) => twice(house, || VoidShipment { shipment_id: shipment(number), reason: None }).await,
        Step::Ask(number, order, number_of_line, quantity) => {
            let lines = vec![ReturnLine { line_id: line(number_of_line), quantity: units(quantity) }];
            let ask =
                || RequestReturn { return_id: goods(number), order_id: id(order), lines: lines.clone(), reason: None };
            twice(house, ask).await;
        }
        Step::Back(number, number_of_line, quantity, disposition) => {
            let line_id = line(number_of_line);
            let lines = vec![ReceiveLine { line_id, quantity: units(quantity), location: main(), disposition }];
            twice(house, || ReceiveReturn { return_id: goods(number), lines: lines.clone() }).await;
        }
        Step::Keep(number) => twice(house, || CancelReturn { return_id: goods(number) }).await,
        Step::Receive(sku, quantity) => {
            came[sku] += quantity;
            house.inventory.receive(SKUS[sku], "main", quantity);
        }
        Step::Answer => house.settle().await,
    }
}

/// Sends a command twice: the second time it passes and changes nothing.
async fn twice<C: cqrs::Command>(house: &mut House, command: impl Fn() -> C) {
    if house.send(command()).await.is_ok() {
        let before = house.events.len();
        assert!(house.send(command()).await.is_ok(), "{} was refused the second time", C::NAME);
        assert_eq!(house.events.len(), before, "{} did it twice", C::NAME);
    }
}

/// Each count includes those after it, and what comes back had left.
fn check_counts(order: &Order) {
    for line in order.lines() {
        for units in &line.units {
            let way = [units.reserved, units.picked, units.packed, units.ready, units.planned, units.shipped];
            assert!(way.is_sorted_by(|before, after| before >= after), "{order:#?}");
            assert!((0..=units.shipped).contains(&units.delivered), "{order:#?}");
        }
        assert!((0..=line.shipped()).contains(&line.returned), "{order:#?}");
        assert!(order.returnable(&line.line_id) >= 0, "more is to come back than has left: {order:#?}");
    }
}

/// Every unit that ever came is free, held for whom it is reserved, or gone with a shipment.
fn check_the_end(house: &House, came: [i64; 2]) {
    for (sku, came) in SKUS.iter().zip(came) {
        let gone = house.inventory.gone.get(*sku).copied().unwrap_or_default();
        assert_eq!(house.inventory.total(sku) + gone, came, "units of {sku}");
    }
    for (id, order) in &house.orders {
        for line in order.lines() {
            for units in &line.units {
                let holds = house.inventory.held(&reservation_id(id, units.attempt), line.line_id.as_str());
                assert_eq!(holds, units.reserved - units.shipped, "{order:#?}");
            }
        }
    }
}
