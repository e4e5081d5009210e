//! Random days in the warehouse: whatever pickers, packers and customers do, no unit is lost and every view is right.

use std::collections::{BTreeMap, BTreeSet};

use comanda_fulfillment::application::list_pick_lists::ListPickLists;
use comanda_fulfillment::application::page::PageRequest;
use comanda_fulfillment::domain::ids::{LocationId, PackageId, Quantity, WaveId};
use comanda_fulfillment::domain::order::cancel::{CancelLine, CancelOrder};
use comanda_fulfillment::domain::order::hold::PutOnHold;
use comanda_fulfillment::domain::order::pack::{PackLine, PackUnits};
use comanda_fulfillment::domain::order::ready_to_ship::MakeReadyToShip;
use comanda_fulfillment::domain::order::{Order, OrderStatus, Policy};
use comanda_fulfillment::domain::pick_list::pick_task::PickUnits;
use comanda_fulfillment::domain::pick_list::release::ReleasePickList;
use comanda_fulfillment::domain::pick_list::short_task::MissUnits;
use comanda_fulfillment::domain::pick_list::{PickListId, Work, held, lists_of};
use comanda_fulfillment::domain::wave::release::ReleaseWave;
use cqrs::{Ask, Inquire};
use proptest::prelude::*;

use crate::house::{House, line_id, order_id, place};
use crate::properties::{check, check_the_end, come_to_rest};

const SKUS: [&str; 2] = ["TEA", "MUG"];
const PLACES: [&str; 2] = ["aachen", "berlin"];
const ORDERS: usize = 4;

#[derive(Clone, Debug)]
enum Step {
    Place(usize, Policy, Vec<(usize, i64)>),
    Release(usize),
    Wave(usize, usize),
    Pick(usize, usize, Option<i64>),
    Miss(usize, usize, Option<i64>),
    Pack(usize, usize, Option<i64>),
    Ready(usize),
    Cancel(usize, Option<(usize, Option<i64>)>),
    Hold(usize),
    GoOn(usize),
    Receive(usize, usize, i64),
    Answer,
}

fn step() -> impl Strategy<Value = Step> {
    let order = 0..ORDERS;
    let policy = prop_oneof![Just(Policy::ShipComplete), Just(Policy::ShipAvailable), Just(Policy::Backorder)];
    let lines = prop::collection::vec((0..2_usize, 1..5_i64), 1..4);
    let part = prop_oneof![Just(None), (1..4_i64).prop_map(Some)];
    let line = prop::option::of((0..3_usize, part.clone()));
    prop_oneof![
        4 => (order.clone(), policy, lines).prop_map(|(id, policy, lines)| Step::Place(id, policy, lines)),
        6 => any::<usize>().prop_map(Step::Release),
        1 => (0..3_usize, 0..2_usize).prop_map(|(wave, place)| Step::Wave(wave, place)),
        9 => (any::<usize>(), 0..3_usize, part.clone()).prop_map(|(list, task, part)| Step::Pick(list, task, part)),
        2 => (any::<usize>(), 0..3_usize, part.clone()).prop_map(|(list, task, part)| Step::Miss(list, task, part)),
        4 => (order.clone(), 0..3_usize, part.clone()).prop_map(|(id, line, part)| Step::Pack(id, line, part)),
        2 => order.clone().prop_map(Step::Ready),
        2 => (order.clone(), line).prop_map(|(id, line)| Step::Cancel(id, line)),
        1 => order.clone().prop_map(Step::Hold),
        2 => order.prop_map(Step::GoOn),
        4 => (0..2_usize, 0..2_usize, 1..8_i64).prop_map(|(sku, place, units)| Step::Receive(sku, place, units)),
        6 => Just(Step::Answer),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_the_floor_does_no_unit_is_lost_and_the_queue_is_right(day in prop::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(live(day));
    }
}

async fn live(day: Vec<Step>) {
    let mut house = House::open().await;
    let mut came = [0; 2];
    for (number, sku) in SKUS.iter().enumerate() {
        house.inventory.register(sku);
        house.inventory.receive(sku, PLACES[0], 6);
        came[number] += 6;
    }
    for (number, step) in day.into_iter().enumerate() {
        let ready: BTreeMap<String, i64> = house.orders.iter().map(|(id, order)| (id.clone(), left(order))).collect();
        act(&mut house, &mut came, step, number).await;
        for (id, order) in &house.orders {
            check(order);
            check_counts(order);
            assert!(left(order) >= ready.get(id).copied().unwrap_or_default(), "ready units went: {order:#?}");
        }
        check_queue(&house).await;
    }
    come_to_rest(&mut house).await;
    check_queue(&house).await;
    check_the_end(&house, came);
}

/// Units that are ready to leave: these never become less here.
fn left(order: &Order) -> i64 {
    order.lines().iter().map(|line| line.ready()).sum()
}

async fn act(house: &mut House, came: &mut [i64; 2], step: Step, number: usize) {
    let units = |part: Option<i64>| part.map(|units| Quantity::parse(units).unwrap());
    let name = |number: usize| format!("o{number}");
    let id = |number: usize| order_id(&name(number));
    let line = |number: usize| line_id(&(number + 1).to_string());
    match step {
        Step::Place(number, policy, lines) => {
            let lines: Vec<_> = lines.iter().map(|(sku, units)| (SKUS[*sku], *units)).collect();
            let _ = house.send(place(&name(number), policy, &lines)).await;
        }
        Step::Release(which) => {
            if let Some(id) = any_list(house, which) {
                let _ = house.send(ReleasePickList { id }).await;
            }
        }
        Step::Wave(wave, place) => {
            let location = LocationId::parse(PLACES[place]).unwrap();
            let lists = all_lists(house).into_iter().filter(|id| id.location == location).collect();
            let wave_id = WaveId::parse(&format!("w{wave}")).unwrap();
            // Without a list of that location there is no wave: that is refused by its shape.
            let command = ReleaseWave { wave_id, location, lists };
            if !command.lists.is_empty() {
                let _ = house.send(command).await;
            }
        }
        Step::Pick(which, task, part) => {
            if let Some(id) = any_list(house, which) {
                let command = PickUnits { id, task: line(task), quantity: units(part) };
                twice(house, &command, |command| command.clone()).await;
            }
        }
        Step::Miss(which, task, part) => {
            if let Some(id) = any_list(house, which) {
                let command = MissUnits { id, task: line(task), quantity: units(part) };
                twice(house, &command, |command| command.clone()).await;
            }
        }
        Step::Pack(order, number_of_line, part) => {
            let lines = units(part).map(|quantity| PackLine { line_id: line(number_of_line), quantity });
            let package = PackageId::parse(&format!("p{number}")).unwrap();
            let command = PackUnits { order_id: id(order), package, lines: lines.into_iter().collect() };
            twice(house, &command, |command| command.clone()).await;
        }
        Step::Ready(order) => twice(house, &MakeReadyToShip { order_id: id(order) }, |command| command.clone()).await,
        Step::Cancel(order, named) => {
            let lines = named.map(|(number, part)| CancelLine { line_id: line(number), quantity: units(part) });
            let command = CancelOrder { order_id: id(order), lines: lines.into_iter().collect(), reason: None };
            let _ = house.send(command).await;
        }
        Step::Hold(order) => {
            let _ = house.send(PutOnHold { order_id: id(order), reason: "because".into() }).await;
        }
        Step::GoOn(order) => house.wake(&name(order)).await,
        Step::Receive(sku, place, quantity) => {
            came[sku] += quantity;
            house.inventory.receive(SKUS[sku], PLACES[place], quantity);
        }
        Step::Answer => house.settle().await,
    }
}

/// Sends a command and sends it again: the second time changes nothing.
async fn twice<C: cqrs::Command>(house: &mut House, command: &C, again: impl Fn(&C) -> C) {
    if house.send(again(command)).await.is_ok() {
        let (before, lists) = (house.events.len(), house.pick_lists.clone());
        assert!(house.send(again(command)).await.is_ok(), "{} was refused the second time", C::NAME);
        assert_eq!((house.events.len(), &house.pick_lists), (before, &lists), "{} did it twice", C::NAME);
    }
}

fn all_lists(house: &House) -> BTreeSet<PickListId> {
    let now = house.orders.iter().flat_map(|(id, order)| lists_of(&order_id(id), order));
    now.chain(house.pick_lists.keys().map(|id| PickListId::parse(id).unwrap())).collect()
}

fn any_list(house: &House, which: usize) -> Option<PickListId> {
    let lists = all_lists(house);
    lists.iter().nth(which % lists.len().max(1)).cloned()
}

/// Each count includes those after it, and packages hold what is packed.
fn check_counts(order: &Order) {
    let mut packed: BTreeMap<_, i64> = BTreeMap::new();
    for package in order.packages() {
        for at in package.lines {
            *packed.entry((at.line_id, at.attempt, at.location)).or_default() += at.quantity;
        }
    }
    for line in order.lines() {
        for units in &line.units {
            assert!(units.picked <= units.reserved && units.packed <= units.picked, "{order:#?}");
            assert!(units.ready <= units.packed && units.shipped <= units.ready, "{order:#?}");
            let key = (line.line_id.clone(), units.attempt, units.location.clone());
            let boxed = packed.remove(&key).unwrap_or_default();
            // Units of an implicit pick were never put into a package.
            assert!(boxed == units.packed || (boxed < units.packed && units.ready > 0), "{order:#?}");
        }
    }
    assert!(packed.is_empty(), "{packed:?} is in packages and nowhere else");
    if order.status() == OrderStatus::ReadyToShip {
        assert!(order.on_hold().is_none());
    }
}

/// The view has exactly the lists that the streams make, each as they make it.
async fn check_queue(house: &House) {
    let query = ListPickLists { location: None, status: None, wave: None, page: PageRequest::first(200) };
    let told = house.queries.ask(Ask { query, token: house.seen.clone() }).await.unwrap();
    let shown: BTreeMap<PickListId, Work> =
        told.answer.items.iter().map(|entry| (entry.id.clone(), entry.work().unwrap())).collect();
    let expected = all_lists(house).into_iter().filter_map(|id| {
        let list = house.pick_lists.get(&id.to_string()).cloned().unwrap_or_default();
        let work = Work::of(&list, &held(&house.orders[id.order_id.as_str()], &id))?;
        Some((id, work))
    });
    assert_eq!(shown, expected.collect());
}
