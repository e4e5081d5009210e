//! Random lives of orders beside an Inventory that answers late, twice, in any order or not at all: nothing is lost.

use std::time::Duration;

use comanda_fulfillment::domain::ids::{OrderId, Quantity};
use comanda_fulfillment::domain::order::cancel::{CancelLine, CancelOrder};
use comanda_fulfillment::domain::order::hold::PutOnHold;
use comanda_fulfillment::domain::order::{Order, OrderEvent, OrderInput, OrderLine, Policy, UnitsAt, reservation_id};
use cqrs::{Command, Decision, Process, States, Streams};
use proptest::prelude::*;

use crate::house::{House, line_id, order_id};

const SKUS: [&str; 2] = ["TEA", "MUG"];
const PLACES: [&str; 2] = ["aachen", "berlin"];
const ORDERS: usize = 4;
/// The most hours in which everything must have come to rest.
const HOURS_MAX: usize = 400;

/// A picker finds units of a line missing.
struct Miss {
    order_id: OrderId,
    line: usize,
    quantity: i64,
}

#[derive(Debug, thiserror::Error)]
#[error("there is nothing to miss")]
struct NothingToMiss;

impl Command for Miss {
    const NAME: &'static str = "miss";
    type Answer = ();
    type Rejection = NothingToMiss;

    fn streams(&self) -> Streams {
        Streams::one(&Order::stream(&self.order_id))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, NothingToMiss> {
        let stream = Order::stream(&self.order_id);
        let order = states.of(&stream);
        let line = order.lines().get(self.line).ok_or(NothingToMiss)?;
        let held = line.units.first().ok_or(NothingToMiss)?;
        let units = UnitsAt {
            line_id: line.line_id.clone(),
            attempt: held.attempt,
            location: held.location.clone(),
            quantity: held.reserved.min(self.quantity),
        };
        let follows = order.decide(&OrderInput::ShortPicked { units: units.clone() }, states.at());
        Ok(Decision::answer(()).record(&stream, OrderEvent::ShortPicked { units }).record_all(&stream, follows))
    }
}

#[derive(Clone, Debug)]
enum Step {
    Place(usize, Policy, Vec<(usize, i64)>),
    CancelAll(usize),
    CancelLine(usize, usize, Option<i64>),
    Hold(usize),
    Wake(usize),
    Miss(usize, usize, i64),
    Work(usize),
    Deliver { which: usize, again: bool },
    Receive(usize, usize, i64),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let order = 0..ORDERS;
    let policy = prop_oneof![Just(Policy::ShipComplete), Just(Policy::ShipAvailable), Just(Policy::Backorder)];
    // SKU number 2 is known to nobody.
    let lines = prop::collection::vec((prop_oneof![9 => 0..2_usize, 1 => Just(2)], 1..5_i64), 1..4);
    let part = prop_oneof![Just(None), (1..3_i64).prop_map(Some)];
    let seconds = prop_oneof![4 => 1..30_u64, 2 => Just(60), 1 => Just(600), 1 => Just(3_600)];
    prop_oneof![
        5 => (order.clone(), policy, lines).prop_map(|(id, policy, lines)| Step::Place(id, policy, lines)),
        1 => order.clone().prop_map(Step::CancelAll),
        3 => (order.clone(), 0..3_usize, part).prop_map(|(id, line, part)| Step::CancelLine(id, line, part)),
        1 => order.clone().prop_map(Step::Hold),
        2 => order.clone().prop_map(Step::Wake),
        2 => (order, 0..3_usize, 1..3_i64).prop_map(|(id, line, units)| Step::Miss(id, line, units)),
        6 => (1..3_usize).prop_map(Step::Work),
        9 => (any::<usize>(), prop::bool::weighted(0.2)).prop_map(|(which, again)| Step::Deliver { which, again }),
        3 => (0..2_usize, 0..2_usize, 1..5_i64).prop_map(|(sku, place, units)| Step::Receive(sku, place, units)),
        3 => seconds.prop_map(Step::Wait),
    ]
}

fn name(number: usize) -> String {
    format!("o{number}")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_no_unit_is_lost_and_nobody_waits_for_nothing(life in prop::collection::vec(step(), 1..80)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(live(life));
    }
}

async fn live(life: Vec<Step>) {
    let mut house = House::of(comanda_fulfillment::context().command::<Miss>()).await;
    let mut came = [0; 2];
    SKUS.iter().for_each(|sku| house.inventory.register(sku));
    for step in life {
        act(&mut house, &mut came, step).await;
        house.orders.values().for_each(check);
    }
    come_to_rest(&mut house).await;
    check_the_end(&house, came);
}

async fn act(house: &mut House, came: &mut [i64; 2], step: Step) {
    match step {
        Step::Place(id, policy, lines) => {
            let sku = |number: usize| SKUS.get(number).copied().unwrap_or("NONE");
            let lines: Vec<_> = lines.iter().map(|(number, units)| (sku(*number), *units)).collect();
            let _ = house.send(crate::house::place(&name(id), policy, &lines)).await;
        }
        Step::CancelAll(id) => {
            let cancel = CancelOrder { order_id: order_id(&name(id)), lines: Vec::new(), reason: None };
            let _ = house.send(cancel).await;
        }
        Step::CancelLine(id, line, part) => {
            let quantity = part.map(|units| Quantity::parse(units).unwrap());
            let lines = vec![CancelLine { line_id: line_id(&(line + 1).to_string()), quantity }];
            let _ = house.send(CancelOrder { order_id: order_id(&name(id)), lines, reason: None }).await;
        }
        Step::Hold(id) => {
            let _ = house.send(PutOnHold { order_id: order_id(&name(id)), reason: "because".into() }).await;
        }
        Step::Wake(id) => house.wake(&name(id)).await,
        Step::Miss(id, line, quantity) => {
            let _ = house.send(Miss { order_id: order_id(&name(id)), line, quantity }).await;
        }
        Step::Work(requests) => house.inventory.work(requests),
        Step::Deliver { which, again } => {
            let waiting = house.inventory.mail.len();
            if waiting > 0 {
                let mail = house.inventory.mail[which % waiting].clone();
                if !again {
                    house.inventory.mail.remove(which % waiting);
                }
                house.receive(&mail).await;
            }
        }
        Step::Receive(sku, place, units) => {
            came[sku] += units;
            house.inventory.receive(SKUS[sku], PLACES[place], units);
        }
        Step::Wait(seconds) => house.clock.advance(Duration::from_secs(seconds)),
    }
}

/// What is true of an order at every moment.
pub(crate) fn check(order: &Order) {
    for line in order.lines() {
        let (waits, asked) = (line.untouched(), order.asked(&line.line_id));
        assert!(waits >= 0 && line.backordered >= 0 && line.rejected >= 0 && line.cancelled >= 0, "{order:#?}");
        assert!(line.units.iter().all(|units| units.reserved > 0 && units.picked <= units.reserved), "{order:#?}");
        assert!(asked >= waits, "nobody asks for {} units: {order:#?}", waits - asked);
        assert!(line.backordered == 0 || order.asks_again_at().is_some(), "it waits for ever: {order:#?}");
    }
    assert!(order.lines().iter().all(|line| line.untouched() == 0) || order.next_due().is_some());
}

/// Everything is answered, and time passes until nothing but a lack of stock is waited for.
pub(crate) async fn come_to_rest(house: &mut House) {
    for _ in 0..HOURS_MAX {
        house.settle().await;
        let pending = |order: &Order| order.lines().iter().any(|line| line.untouched() > 0);
        let could_be_served = |line: &OrderLine| {
            let places = house.inventory.free.get(line.sku.as_str()).into_iter().flatten();
            let free: i64 = places
                .filter(|(place, _)| !line.missing_at.iter().any(|missing| missing.as_str() == place.as_str()))
                .map(|(_, free)| *free)
                .sum();
            line.backordered > 0 && free > 0
        };
        let waits = |order: &Order| pending(order) || order.lines().iter().any(could_be_served);
        if !house.orders.values().any(waits) {
            return;
        }
        house.pass(Duration::from_secs(3_600)).await;
    }
    panic!("it does not come to rest: {:#?}", house.orders);
}

/// Each order holds in Inventory exactly what it thinks it holds, and no unit has gone or come by itself.
pub(crate) fn check_the_end(house: &House, came: [i64; 2]) {
    for (sku, came) in SKUS.iter().zip(came) {
        assert_eq!(house.inventory.total(sku), came, "units of {sku}");
    }
    for (id, order) in &house.orders {
        for attempt in order.attempts() {
            for line in order.lines() {
                let thinks: i64 =
                    line.units.iter().filter(|units| units.attempt == attempt.number).map(|units| units.reserved).sum();
                let holds = house.inventory.held(&reservation_id(id, attempt.number), line.line_id.as_str());
                assert_eq!(holds, thinks, "attempt {} of {order:#?}", attempt.number);
            }
        }
    }
    let held = house.inventory.reservations.iter().filter(|(_, held)| held.iter().any(|held| held.units > 0));
    for (reservation, _) in held {
        let (id, attempt) = reservation.split_once('~').unwrap();
        let order = &house.orders[id];
        assert!(order.attempt(attempt.parse().unwrap()).is_some(), "{reservation} belongs to nobody");
    }
}
