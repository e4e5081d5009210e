//! What the passing of time does to an order: answers that do not come, and stock that is asked for again.

use std::time::Duration;

use cqrs::{Timed, TimerChange, Timestamp};

use super::event::{LineUnits, OrderEvent, RejectedUnits, Wanted};
use super::next::{RESERVATION_TIMEOUT, TOO_MANY_ATTEMPTS};
use super::{AttemptState, Order, Policy};

/// How long an attempt waits for its answer: the first, the one after a time-out, and every one after that.
pub const ANSWER_WAITS: [Duration; 3] = [Duration::from_secs(60), Duration::from_secs(600), Duration::from_secs(3_600)];

/// How long units wait for stock before they are asked for again by themselves, by how often the order has asked.
///
/// News of stock comes much sooner than this. It can be missed, though (the stock came after a refusal and before the
/// order waited for it), so the first wait is short; and it is never the only thing an order waits for.
pub const ASK_AGAIN_WAITS: [Duration; 6] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(600),
    Duration::from_secs(3_600),
    Duration::from_secs(6 * 3_600),
    Duration::from_secs(24 * 3_600),
];

/// The most attempts of one order; what still waits after them is rejected.
pub const ATTEMPTS_MAX: u32 = 1_000;

/// Entry `count` of `waits`, or the last one.
fn wait(waits: &[Duration], count: u32) -> Duration {
    let place = usize::try_from(count).unwrap_or(usize::MAX).min(waits.len().saturating_sub(1));
    waits.get(place).copied().unwrap_or_default()
}

/// The timer for all that waits for stock.
const AGAIN: &str = "again";

/// The timer for the answer to one attempt.
fn answer(attempt: u32) -> String {
    format!("answer-{attempt}")
}

impl Timed for Order {
    const TIMERS: &'static str = "order_timers";

    fn timers(event: &OrderEvent) -> Vec<TimerChange> {
        match event {
            OrderEvent::ReservationRequested { attempt, answer_by, .. } => {
                vec![TimerChange::set(answer(*attempt), *answer_by)]
            }
            OrderEvent::Reserved { attempt, .. }
            | OrderEvent::ReservationRefused { attempt, .. }
            | OrderEvent::ReservationTimedOut { attempt } => vec![TimerChange::clear(answer(*attempt))],
            OrderEvent::ReleaseRequested { attempt, lines } if lines.is_empty() => {
                vec![TimerChange::clear(answer(*attempt))]
            }
            OrderEvent::LinesBackordered { again_at, .. } => vec![TimerChange::set(AGAIN, *again_at)],
            OrderEvent::NothingWaits => vec![TimerChange::clear(AGAIN)],
            _ => Vec::new(),
        }
    }
}

impl Order {
    /// When time alone next changes something of it.
    #[must_use]
    pub fn next_due(&self) -> Option<Timestamp> {
        let answers = self.attempts.iter().filter_map(|attempt| match attempt.state {
            AttemptState::Asked { answer_by } => Some(answer_by),
            _ => None,
        });
        answers.chain(self.again_at).min()
    }

    /// When what waits for stock is asked for again by itself.
    #[must_use]
    pub fn asks_again_at(&self) -> Option<Timestamp> {
        self.again_at
    }

    /// The next event that time has made true at `at`.
    ///
    /// It ends: a time-out closes an attempt, what it leaves is asked for or given up by one event, and what that asks
    /// for is due only later.
    pub(super) fn due_event(&self, at: Timestamp) -> Option<OrderEvent> {
        let late = self.attempts.iter().find(|attempt| match attempt.state {
            AttemptState::Asked { answer_by } => answer_by <= at,
            _ => false,
        });
        if let Some(attempt) = late {
            return Some(OrderEvent::ReservationTimedOut { attempt: attempt.number });
        }
        if self.timeouts > 0 {
            let left = self.unserved();
            if !left.is_empty() {
                return Some(self.after_time_out(left, at));
            }
        }
        self.again_at.filter(|again_at| *again_at <= at)?;
        let waiting: Vec<_> = self.lines.iter().filter(|line| line.backordered > 0).collect();
        if waiting.is_empty() {
            return Some(OrderEvent::NothingWaits);
        }
        let waiting = waiting.into_iter().map(|line| units(line, line.backordered)).collect();
        Some(self.request(waiting, at))
    }

    /// Asks again for units that nobody has answered for. An order that may wait asks for as long as it may; others give up.
    ///
    /// It does not become a backorder: nobody has said that stock is missing, and whoever comes back answers what lies
    /// there at once.
    fn after_time_out(&self, left: Vec<LineUnits>, at: Timestamp) -> OrderEvent {
        let patience = u32::try_from(ANSWER_WAITS.len()).unwrap_or(u32::MAX);
        if self.timeouts < patience || self.policy() == Policy::Backorder {
            return self.request(left, at);
        }
        self.reject(left, RESERVATION_TIMEOUT)
    }

    /// Whose policy it was placed under.
    pub(super) fn policy(&self) -> Policy {
        self.placed.as_ref().map(|placed| placed.policy).unwrap_or_default()
    }

    /// The number of attempts so far: the last one's number.
    pub(super) fn attempts_made(&self) -> u32 {
        self.attempts.last().map_or(0, |attempt| attempt.number)
    }

    /// Units that no open attempt asks for and that do not wait: somebody has to decide about them.
    pub(super) fn unserved(&self) -> Vec<LineUnits> {
        let mut left: Vec<i64> = self.lines.iter().map(super::OrderLine::untouched).collect();
        if left.iter().all(|units| *units == 0) {
            return Vec::new();
        }
        for attempt in self.attempts.iter().filter(|attempt| attempt.is_open()) {
            for wanted in &attempt.wanted {
                let place = self.lines.iter().position(|line| line.line_id == wanted.line_id);
                if let Some(units) = place.and_then(|place| left.get_mut(place)) {
                    *units -= wanted.quantity;
                }
            }
        }
        let lines = self.lines.iter().zip(left);
        lines.filter(|(_, left)| *left > 0).map(|(line, left)| units(line, left)).collect()
    }

    /// Asks for `lines`; rejects them if it has asked too often already.
    pub(super) fn request(&self, lines: Vec<LineUnits>, at: Timestamp) -> OrderEvent {
        let attempt = self.attempts_made() + 1;
        if attempt > ATTEMPTS_MAX {
            return self.reject(lines, TOO_MANY_ATTEMPTS);
        }
        let wanted = lines.into_iter().filter_map(|units| {
            let line = self.line(&units.line_id)?;
            let exclude = line.missing_at.iter().cloned().collect();
            Some(Wanted { line_id: units.line_id, sku: line.sku.clone(), quantity: units.quantity, exclude })
        });
        OrderEvent::ReservationRequested {
            attempt,
            lines: wanted.collect(),
            allow_partial: self.policy() != Policy::ShipComplete,
            answer_by: at.saturating_add(wait(&ANSWER_WAITS, self.timeouts)),
        }
    }

    /// Lets `lines` wait for stock.
    pub(super) fn backorder(&self, lines: Vec<LineUnits>, at: Timestamp) -> OrderEvent {
        let again_at = at.saturating_add(wait(&ASK_AGAIN_WAITS, self.attempts_made().saturating_sub(1)));
        OrderEvent::LinesBackordered { lines, again_at }
    }

    /// Rejects `lines` for `code`.
    pub(super) fn reject(&self, lines: Vec<LineUnits>, code: &str) -> OrderEvent {
        let code: std::sync::Arc<str> = code.into();
        let rejected = lines.into_iter().map(|units| RejectedUnits {
            line_id: units.line_id,
            quantity: units.quantity,
            code: std::sync::Arc::clone(&code),
        });
        self.rejection(rejected.collect())
    }

    /// The event that rejects `lines`, which knows whether anything is left of the order then.
    pub(super) fn rejection(&self, lines: Vec<RejectedUnits>) -> OrderEvent {
        let open: i64 = self.lines.iter().map(super::OrderLine::open).sum();
        let complete = lines.iter().map(|units| units.quantity).sum::<i64>() == open;
        OrderEvent::LinesRejected { lines, complete }
    }
}

/// `quantity` units of `line`.
fn units(line: &super::OrderLine, quantity: i64) -> LineUnits {
    LineUnits { line_id: line.line_id.clone(), quantity }
}
