//! What follows for an order: a copy that every recorded event is applied to at once, so that each step sees the one before.

use std::collections::BTreeMap;
use std::sync::Arc;

use cqrs::{Aggregate, Timestamp};

use super::event::{LineUnits, OrderEvent, Placed, UnitsAt};
use super::{AttemptState, Order, OrderLine, Policy};
use crate::domain::ids::LineId;

/// There is not enough of it.
pub(super) const INSUFFICIENT_STOCK: &str = "INSUFFICIENT_STOCK";
/// A picker did not find it, and there is none elsewhere.
pub(super) const SHORT_PICK: &str = "SHORT_PICK";
/// Inventory has not answered, three times.
pub(super) const RESERVATION_TIMEOUT: &str = "RESERVATION_TIMEOUT";
/// Another line of an order that ships complete is missing.
pub(super) const ORDER_INCOMPLETE: &str = "ORDER_INCOMPLETE";
/// It was asked for as often as an order may ask.
pub(super) const TOO_MANY_ATTEMPTS: &str = "TOO_MANY_ATTEMPTS";

/// The most locations where units of one line may be found missing before it is not asked for elsewhere any more.
pub(super) const SHORT_PICKS_MAX: usize = 5;

/// An order, and what was decided about it so far.
pub(super) struct Next {
    pub(super) order: Order,
    pub(super) at: Timestamp,
    events: Vec<OrderEvent>,
}

impl Next {
    pub(super) fn of(order: &Order, at: Timestamp) -> Self {
        Self { order: order.clone(), at, events: Vec::new() }
    }

    pub(super) fn record(&mut self, event: OrderEvent) {
        self.order.apply(&event);
        self.events.push(event);
    }

    /// All that was decided. If nothing waits for stock any more, the timer goes with it.
    pub(super) fn events(mut self) -> Vec<OrderEvent> {
        let waits = self.order.lines.iter().any(|line| line.backordered > 0);
        if !self.events.is_empty() && !waits && self.order.again_at.is_some() {
            self.record(OrderEvent::NothingWaits);
        }
        self.events
    }

    pub(super) fn placed(&mut self, placed: &Placed) {
        if self.order.placed.is_some() {
            return;
        }
        self.record(OrderEvent::Placed(placed.clone()));
        self.ask(self.order.unserved());
    }

    pub(super) fn stock_came(&mut self, lines: &[LineUnits]) {
        let waiting = summed(lines).into_iter().filter_map(|(line_id, quantity)| {
            let quantity = quantity.min(self.order.line(&line_id)?.backordered);
            (quantity > 0).then_some(LineUnits { line_id, quantity })
        });
        self.ask(waiting.collect());
    }

    pub(super) fn cancelled(&mut self, lines: &[LineUnits], reason: Option<&Arc<str>>) {
        let all = lines.is_empty();
        let named = summed(lines);
        let cancelled = self.order.lines.iter().filter_map(|line| {
            let wanted = if all { i64::MAX } else { named.get(&line.line_id).copied()? };
            let quantity = wanted.min(line.cancellable());
            (quantity > 0).then(|| LineUnits { line_id: line.line_id.clone(), quantity })
        });
        let lines: Vec<LineUnits> = cancelled.collect();
        if lines.is_empty() {
            return;
        }
        let open: i64 = self.order.lines.iter().map(OrderLine::open).sum();
        let complete = lines.iter().map(|units| units.quantity).sum::<i64>() == open;
        self.record(OrderEvent::LinesCancelled { lines, reason: reason.cloned(), complete });
        self.give_surplus_back();
        self.forget_needless_attempts();
    }

    /// The units are given back, and asked for at other places; where that makes no sense any more the policy decides.
    ///
    /// An order that ships complete keeps what is picked already: only these units are rejected if nobody has them.
    pub(super) fn short_picked(&mut self, missing: &UnitsAt) {
        let Some(line) = self.order.line_mut(&missing.line_id) else { return };
        let found = line.units.iter().find(|u| u.attempt == missing.attempt && u.location == missing.location);
        let quantity = found.map_or(0, |units| missing.quantity.min(units.reserved - units.picked));
        if quantity <= 0 {
            return;
        }
        // The event that says so may not be in this copy yet.
        line.missing_at.insert(missing.location.clone());
        let hopeless = line.missing_at.len() > SHORT_PICKS_MAX;
        let lines = vec![UnitsAt { quantity, ..missing.clone() }];
        self.record(OrderEvent::ReleaseRequested { attempt: missing.attempt, lines });
        if hopeless {
            self.settle(SHORT_PICK, &[]);
        } else {
            self.ask(self.order.unserved());
        }
    }

    /// Asks for `lines`, if there are any.
    fn ask(&mut self, lines: Vec<LineUnits>) {
        if !lines.is_empty() {
            self.record(self.order.request(lines, self.at));
        }
    }

    /// Asks once more for what nobody asks for.
    pub(super) fn ask_for_the_rest(&mut self) {
        self.ask(self.order.unserved());
    }

    /// Decides about units that nobody asks for, as the policy says: they were refused for `code`.
    ///
    /// Of an order that ships complete the lines that are not among `refused` are only missing the others.
    pub(super) fn settle(&mut self, code: &str, refused: &[LineId]) {
        let left = self.order.unserved();
        if left.is_empty() {
            return;
        }
        let may_come = matches!(code, INSUFFICIENT_STOCK | SHORT_PICK);
        match self.order.policy() {
            Policy::Backorder if may_come => self.record(self.order.backorder(left, self.at)),
            Policy::ShipComplete if !refused.is_empty() => {
                let event = match self.order.reject(left, code) {
                    OrderEvent::LinesRejected { mut lines, complete } => {
                        for units in lines.iter_mut().filter(|units| !refused.contains(&units.line_id)) {
                            units.code = ORDER_INCOMPLETE.into();
                        }
                        OrderEvent::LinesRejected { lines, complete }
                    }
                    other => other,
                };
                self.record(event);
            }
            _ => self.record(self.order.reject(left, code)),
        }
    }

    /// Gives back reserved units that no line has a use for any more: first what is not picked, of the latest attempts.
    pub(super) fn give_surplus_back(&mut self) {
        let mut back: BTreeMap<u32, Vec<UnitsAt>> = BTreeMap::new();
        for line in &self.order.lines {
            let mut surplus = -line.untouched();
            for picked in [false, true] {
                for units in line.units.iter().rev() {
                    let free = if picked { units.picked - units.ready } else { units.reserved - units.picked };
                    let quantity = surplus.min(free);
                    if quantity > 0 {
                        surplus -= quantity;
                        add(back.entry(units.attempt).or_default(), line, units, quantity);
                    }
                }
            }
        }
        for (attempt, lines) in back {
            let held: i64 = self
                .order
                .lines
                .iter()
                .flat_map(|line| &line.units)
                .filter(|u| u.attempt == attempt)
                .map(|u| u.reserved)
                .sum();
            let all = lines.iter().map(|at| at.quantity).sum::<i64>() == held;
            let lines = if all { Vec::new() } else { lines };
            self.record(OrderEvent::ReleaseRequested { attempt, lines });
        }
    }

    /// Takes open attempts back that ask for nothing but what is not wanted any more. What others bring too much is
    /// given back when it comes.
    fn forget_needless_attempts(&mut self) {
        let mut surplus: BTreeMap<LineId, i64> = BTreeMap::new();
        for wanted in self.order.attempts.iter().filter(|attempt| attempt.is_open()).flat_map(|a| &a.wanted) {
            *surplus.entry(wanted.line_id.clone()).or_default() += wanted.quantity;
        }
        for line in &self.order.lines {
            if let Some(surplus) = surplus.get_mut(&line.line_id) {
                *surplus -= line.untouched();
            }
        }
        let mut needless = Vec::new();
        for attempt in self.order.attempts.iter().rev().filter(|attempt| attempt.is_open()) {
            let spare = |line: &LineId| surplus.get(line).copied().unwrap_or_default();
            if attempt.wanted.iter().all(|wanted| wanted.quantity <= spare(&wanted.line_id)) {
                needless.push(attempt.number);
                for wanted in &attempt.wanted {
                    surplus.entry(wanted.line_id.clone()).and_modify(|surplus| *surplus -= wanted.quantity);
                }
            }
        }
        for attempt in needless {
            self.record(OrderEvent::ReleaseRequested { attempt, lines: Vec::new() });
        }
    }

    /// Whether attempt `number` still waits for its answer.
    pub(super) fn is_open(&self, number: u32) -> bool {
        self.order.attempt(number).is_some_and(|attempt| matches!(attempt.state, AttemptState::Asked { .. }))
    }
}

/// Adds `quantity` of `units` to what is given back; the same place may come twice, picked and not.
fn add(back: &mut Vec<UnitsAt>, line: &OrderLine, units: &super::Units, quantity: i64) {
    match back.iter_mut().find(|at| at.line_id == line.line_id && at.location == units.location) {
        Some(at) => at.quantity += quantity,
        None => back.push(UnitsAt {
            line_id: line.line_id.clone(),
            attempt: units.attempt,
            location: units.location.clone(),
            quantity,
        }),
    }
}

/// Units by line.
fn summed(lines: &[LineUnits]) -> BTreeMap<LineId, i64> {
    let mut sums: BTreeMap<LineId, i64> = BTreeMap::new();
    for units in lines {
        let sum = sums.entry(units.line_id.clone()).or_default();
        *sum = sum.saturating_add(units.quantity);
    }
    sums
}
