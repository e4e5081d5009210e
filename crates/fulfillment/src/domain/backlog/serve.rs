//! Tells orders what has happened and lets the backlogs follow, in one decision: what an order waits for, and who is next.

use std::collections::{BTreeMap, BTreeSet};

use cqrs::{Aggregate, Decision, Process, States};

use super::{Backlog, BacklogEvent, Waiter};
use crate::domain::ids::{LineId, OrderId, Sku};
use crate::domain::order::{LineUnits, Order, OrderEvent, OrderInput, OrderLine, Policy};

/// The most waiting lines that ask again in one decision. More go on when these are answered.
pub const WAKES_MAX: usize = 50;

/// Orders and backlogs as one decision leaves them, and its events.
pub struct Service<'s, 'a> {
    states: &'s States<'a>,
    orders: BTreeMap<OrderId, Order>,
    backlogs: BTreeMap<Sku, Backlog>,
    decision: Decision<()>,
}

impl<'s, 'a> Service<'s, 'a> {
    /// Nothing is decided yet.
    #[must_use]
    pub fn new(states: &'s States<'a>) -> Self {
        Self { states, orders: BTreeMap::new(), backlogs: BTreeMap::new(), decision: Decision::answer(()) }
    }

    /// All that was decided.
    #[must_use]
    pub fn decision(self) -> Decision<()> {
        self.decision
    }

    /// The order as this decision leaves it.
    #[must_use]
    pub fn order(&self, id: &OrderId) -> Order {
        self.orders.get(id).cloned().unwrap_or_else(|| self.states.of(&Order::stream(id)).as_ref().clone())
    }

    /// Records what somebody saw happen to the order `id`, before it is told what that means.
    pub fn happened(&mut self, id: &OrderId, event: OrderEvent) {
        let mut order = self.order(id);
        order.apply(&event);
        self.orders.insert(id.clone(), order);
        self.record(|decision| decision.record(&Order::stream(id), event));
    }

    /// Tells the order `id` what has happened, and records what follows.
    pub fn tell(&mut self, id: &OrderId, input: &OrderInput) {
        let before = self.order(id);
        let events = before.decide(input, self.states.at());
        if events.is_empty() {
            return;
        }
        let mut after = before.clone();
        events.iter().for_each(|event| after.apply(event));
        let touched = touched(&before, &after, &events);
        self.orders.insert(id.clone(), after.clone());
        self.record(|decision| decision.record_all(&Order::stream(id), events));
        let mut skus = BTreeSet::new();
        for line_id in touched {
            if let Some(line) = after.line(&line_id) {
                self.follow(id, &after, line);
                skus.insert(line.sku.clone());
            }
        }
        if let OrderInput::Reserved { attempt, .. } | OrderInput::Refused { attempt, .. } = input {
            self.go_on(&before, &after, *attempt, skus);
        }
    }

    /// Units of `sku` can be had: those whose turn it is ask for them.
    pub fn freed(&mut self, sku: &Sku, quantity: i64) {
        if quantity > 0 && !self.backlog(sku).is_empty() {
            self.change(sku, BacklogEvent::Freed { quantity });
            self.wake(sku);
        }
    }

    /// After an answer to lines that had waited: those who come next, if there was enough for these.
    fn go_on(&mut self, before: &Order, after: &Order, attempt: u32, skus: BTreeSet<Sku>) {
        let asked = before.attempt(attempt).map(|attempt| &*attempt.wanted).unwrap_or_default();
        for sku in skus {
            if self.backlog(&sku).free() == 0 {
                continue;
            }
            let waits_again = |wanted: &crate::domain::order::Wanted| {
                wanted.sku == sku && after.line(&wanted.line_id).is_some_and(|line| line.backordered > 0)
            };
            if asked.iter().any(waits_again) {
                self.change(&sku, BacklogEvent::Exhausted);
            } else {
                self.wake(&sku);
            }
        }
    }

    /// Lets those whose turn it is ask for what is free, as many as one decision may wake.
    fn wake(&mut self, sku: &Sku) {
        let backlog = self.backlog(sku).clone();
        let mut free = backlog.free();
        let mut asking: BTreeMap<OrderId, Vec<LineUnits>> = BTreeMap::new();
        for waiter in backlog.waiters().take(WAKES_MAX) {
            if free <= 0 {
                break;
            }
            let order = self.order(&waiter.order_id);
            let quantity = order.line(&waiter.line_id).map_or(0, |line| line.backordered);
            if quantity == 0 {
                // It asks already, because its time to ask again had come.
                let (order_id, line_id) = (waiter.order_id.clone(), waiter.line_id.clone());
                self.change(sku, BacklogEvent::Left { order_id, line_id, quantity: waiter.quantity });
                continue;
            }
            free -= quantity;
            self.change(sku, BacklogEvent::Offered { quantity });
            let line_id = waiter.line_id.clone();
            asking.entry(waiter.order_id.clone()).or_default().push(LineUnits { line_id, quantity });
        }
        for (order_id, lines) in asking {
            self.tell(&order_id, &OrderInput::StockCame { lines });
        }
    }

    /// Makes the backlog say what the line waits for.
    fn follow(&mut self, id: &OrderId, order: &Order, line: &OrderLine) {
        let Some(placed) = order.placed() else { return };
        let waits = line.backordered;
        let listed = self.backlog(&line.sku).waiter(id, &line.line_id).map(|waiter| waiter.quantity);
        if listed.unwrap_or_default() == waits {
            return;
        }
        let (order_id, line_id) = (id.clone(), line.line_id.clone());
        if let Some(quantity) = listed {
            let left = BacklogEvent::Left { order_id: order_id.clone(), line_id: line_id.clone(), quantity };
            self.change(&line.sku, left);
        }
        if waits > 0 {
            let (promised_at, placed_at) = (placed.promised_at, placed.placed_at);
            let waiter = Waiter { order_id, line_id, quantity: waits, promised_at, placed_at };
            self.change(&line.sku, BacklogEvent::Joined(waiter));
        }
    }

    fn backlog(&mut self, sku: &Sku) -> &Backlog {
        let states = self.states;
        let load = || states.of(&Backlog::stream(sku)).as_ref().clone();
        self.backlogs.entry(sku.clone()).or_insert_with(load)
    }

    fn change(&mut self, sku: &Sku, event: BacklogEvent) {
        self.backlog(sku);
        if let Some(backlog) = self.backlogs.get_mut(sku) {
            backlog.apply(&event);
        }
        self.record(|decision| decision.record(&Backlog::stream(sku), event));
    }

    fn record(&mut self, add: impl FnOnce(Decision<()>) -> Decision<()>) {
        let decision = std::mem::replace(&mut self.decision, Decision::answer(()));
        self.decision = add(decision);
    }
}

/// The lines of which a backlog may have to say something else after `events`. Of a first attempt none can be listed yet.
fn touched(before: &Order, after: &Order, events: &[OrderEvent]) -> BTreeSet<LineId> {
    let policy = after.placed().map(|placed| placed.policy);
    if policy != Some(Policy::Backorder) {
        return BTreeSet::new();
    }
    let answered = events.iter().filter_map(|event| match event {
        OrderEvent::Reserved { attempt, .. } | OrderEvent::ReservationRefused { attempt, .. } if *attempt > 1 => {
            before.attempt(*attempt)
        }
        _ => None,
    });
    let asked = answered.flat_map(|attempt| &attempt.wanted).map(|wanted| wanted.line_id.clone());
    let waited = before.lines().iter().chain(after.lines()).filter(|line| line.backordered > 0);
    let mut touched: BTreeSet<LineId> = waited.map(|line| line.line_id.clone()).collect();
    touched.extend(asked);
    for event in events {
        if let OrderEvent::LinesCancelled { lines, .. } = event {
            touched.extend(lines.iter().map(|units| units.line_id.clone()));
        }
    }
    touched
}
