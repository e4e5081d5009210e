//! What lies between the contexts: no hold without an order, no order without its hold, nobody who waits for nothing.
//!
//! At any moment some messages are on their way, and the two logs differ by just those. An order is compared only when
//! nothing that concerns it is published and not yet received.

use std::collections::{BTreeMap, HashMap, HashSet};

use comanda_contracts::events::{
    ConsumeReservationRequested, GoodsReturned, ReleaseReservationRequested, ReserveStockRequested,
    StockBecameAvailable, StockReservationRejected, StockReserved,
};
use comanda_fulfillment::domain::order::{AttemptState, Order, reservation_id};
use comanda_inventory::domain::reservation::Reservation;
use cqrs::{Aggregate, EventId, Inbox, PartitionId, Position, Publish, Recorded, Timestamp};

use super::once::Once;

/// What Inventory reacts to.
const TOLD_TO_INVENTORY: [&str; 4] = [
    ReserveStockRequested::TYPE,
    ReleaseReservationRequested::TYPE,
    ConsumeReservationRequested::TYPE,
    GoodsReturned::TYPE,
];

/// What Fulfillment reacts to.
const TOLD_TO_FULFILLMENT: [&str; 3] =
    [StockReserved::TYPE, StockReservationRejected::TYPE, StockBecameAvailable::TYPE];

/// Which contract events a context waits for from the other.
type Wanted = fn(&str) -> bool;

/// Adds up what it sees of both logs; then [`finish`](Between::finish).
#[derive(Default)]
pub(super) struct Between {
    orders: HashMap<String, Order>,
    reservations: HashMap<String, Reservation>,
    fulfillment: Published,
    inventory: Published,
    orders_told: Once,
    stock_told: Once,
    /// The latest instant that either log knows.
    now: Timestamp,
}

/// What one context has published for the other, and how far the other has received it.
#[derive(Default)]
struct Published {
    /// Where the last contract event of each key stands, in each partition that has one.
    last: HashMap<String, BTreeMap<PartitionId, Position>>,
    /// How far the other has come in each partition.
    received: HashMap<PartitionId, Position>,
    /// Messages that wait in the other's inboxes, with their keys.
    waiting: HashMap<EventId, String>,
    /// Keys of messages that were given up: what they are about need not agree.
    given_up: HashSet<String>,
}

/// What was found between the contexts.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Orders whose holds were compared.
    pub(super) orders: u64,
    /// Orders with a message on its way: not compared.
    pub(super) in_flight: u64,
    /// Messages that wait in an inbox for somebody to look.
    pub(super) dead_letters: i64,
    /// Messages received, each counted once.
    pub(super) messages: u64,
    /// How many of them waited in an inbox first.
    pub(super) messages_parked: u64,
    /// Messages published and not yet received.
    pub(super) messages_in_flight: u64,
    /// Everything that does not agree.
    pub(super) findings: Vec<String>,
}

impl Between {
    /// Takes in an event of Fulfillment's log.
    pub(super) fn see_fulfillment(&mut self, event: &Recorded) {
        self.now = self.now.max(event.at);
        if let Ok(Some(happened)) = event.as_event_of::<Order>() {
            self.orders.entry(event.stream.id().to_owned()).or_default().apply(&happened);
        }
        self.fulfillment.publish(event, comanda_fulfillment::publish::publish, |kind| kind.ends_with("-requested.v1"));
        self.inventory.receive(event);
        self.orders_told.published(event, comanda_fulfillment::publish::publish, &TOLD_TO_INVENTORY);
        self.stock_told.seen(event);
    }

    /// Takes in an event of Inventory's log.
    pub(super) fn see_inventory(&mut self, event: &Recorded) {
        self.now = self.now.max(event.at);
        if let Ok(Some(happened)) = event.as_event_of::<Reservation>() {
            self.reservations.entry(event.stream.id().to_owned()).or_default().apply(&happened);
        }
        self.inventory.publish(event, comanda_inventory::publish::publish, |kind| kind.contains("stock-reserv"));
        self.fulfillment.receive(event);
        self.stock_told.published(event, comanda_inventory::publish::publish, &TOLD_TO_FULFILLMENT);
        self.orders_told.seen(event);
    }

    /// Compares every order that nothing is on its way for.
    pub(super) fn finish(mut self) -> Found {
        let waiting = self.fulfillment.waiting.len() + self.inventory.waiting.len();
        let dead_letters = i64::try_from(waiting).unwrap_or(i64::MAX);
        let mut found = Found { dead_letters, ..Found::default() };
        for (told, source) in [(&self.orders_told, "fulfillment"), (&self.stock_told, "inventory")] {
            found.messages += told.messages();
            found.messages_parked += told.parked();
            found.messages_in_flight += told.on_their_way();
            found.findings.extend(told.findings(source));
        }
        let orders: BTreeMap<String, Order> = self.orders.drain().collect();
        for (id, order) in &orders {
            if self.fulfillment.on_its_way(id) || self.inventory.on_its_way(id) {
                found.in_flight += 1;
                continue;
            }
            found.orders += 1;
            self.compare(id, order, &mut found.findings);
        }
        for (id, reservation) in &self.reservations {
            let Some((order, _)) = id.rsplit_once('~') else { continue };
            let held = reservation.lines().iter().any(|line| !line.allocations.is_empty());
            if held && !orders.contains_key(order) {
                found.findings.push(format!("reservation {id} holds stock for an order that does not exist"));
            }
        }
        found
    }

    fn compare(&self, id: &str, order: &Order, findings: &mut Vec<String>) {
        for attempt in order.attempts() {
            let reservation_id = reservation_id(id, attempt.number);
            if let AttemptState::Asked { answer_by } = attempt.state {
                let late = if answer_by < self.now { ", and its time is over" } else { "" };
                findings.push(format!("order {id} waits for an answer to {reservation_id} that nobody gives{late}"));
                continue;
            }
            let (wanted, held) = (expected(order, attempt.number), self.held(&reservation_id));
            if wanted != held {
                findings.push(format!("{reservation_id}: the order counts on {wanted:?}, Inventory holds {held:?}"));
            }
        }
    }

    /// What Inventory holds under `reservation_id`, by line and location.
    fn held(&self, reservation_id: &str) -> BTreeMap<(String, String), i64> {
        let lines = self.reservations.get(reservation_id).map(Reservation::lines).unwrap_or_default();
        let mut held = BTreeMap::new();
        for line in lines {
            for at in line.allocations.iter().filter(|at| at.quantity != 0) {
                *held.entry((line.line_id.to_string(), at.location.to_string())).or_default() += at.quantity;
            }
        }
        held
    }
}

/// What an order counts on of one attempt, by line and location: reserved, and not shipped yet.
fn expected(order: &Order, attempt: u32) -> BTreeMap<(String, String), i64> {
    let mut expected = BTreeMap::new();
    for line in order.lines() {
        for units in line.units.iter().filter(|units| units.attempt == attempt && units.reserved > units.shipped) {
            let place = (line.line_id.to_string(), units.location.to_string());
            *expected.entry(place).or_default() += units.reserved - units.shipped;
        }
    }
    expected
}

impl Published {
    fn publish(&mut self, event: &Recorded, publish: Publish, wanted: Wanted) {
        if let Ok(Some(told)) = publish(event)
            && wanted(told.kind)
        {
            self.last.entry(told.key.to_string()).or_default().insert(event.partition, event.position);
        }
    }

    /// Follows the other context's inboxes.
    fn receive(&mut self, event: &Recorded) {
        use cqrs::InboxEvent::{Advanced, Discarded, Parked, Passed, Received};
        let Ok(Some(happened)) = event.as_event_of::<Inbox>() else { return };
        let Some(partition) = event.stream.id().rsplit_once('/').and_then(|(_, number)| number.parse().ok()) else {
            return;
        };
        match &*happened {
            Received { id } => drop(self.received.insert(PartitionId(partition), id.position)),
            Advanced { to } => drop(self.received.insert(PartitionId(partition), *to)),
            Parked(parked) => {
                self.received.insert(PartitionId(partition), parked.message.position());
                self.waiting.insert(parked.message.id, parked.message.key.to_string());
            }
            Passed { id } => drop(self.waiting.remove(id)),
            Discarded { id, .. } => self.given_up.extend(self.waiting.remove(id)),
            _ => {}
        }
    }

    fn on_its_way(&self, key: &str) -> bool {
        let mut last = self.last.get(key).into_iter().flatten();
        let behind = last.any(|(partition, position)| self.received.get(partition).is_none_or(|to| to < position));
        behind || self.given_up.contains(key) || self.waiting.values().any(|waits| waits == key)
    }
}
