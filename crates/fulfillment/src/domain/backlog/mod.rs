//! A backlog: the order lines that wait for one SKU, in the order of their promises, and what became free for them.

mod serve;

use std::cmp::Ordering;

use cqrs::{Aggregate, Stream, Timestamp};
use imbl::{OrdMap, OrdSet};
use serde::{Deserialize, Serialize};

use super::ids::{LineId, OrderId, Sku};
pub use serve::{Service, WAKES_MAX};

/// What happens to a backlog. Stored for ever: a variant or field is only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum BacklogEvent {
    /// A line waits.
    Joined(Waiter),
    /// A line does not wait any more: it has asked again, was served, cancelled or rejected.
    Left {
        /// Its order.
        order_id: OrderId,
        /// The line.
        line_id: LineId,
        /// The units it waited for.
        quantity: i64,
    },
    /// Units can be had that nobody who waits has asked for yet.
    Freed {
        /// How many.
        quantity: i64,
    },
    /// So many of the free units were asked for.
    Offered {
        /// How many.
        quantity: i64,
    },
    /// One who asked got less than that: nothing is free any more.
    Exhausted,
}

/// A line that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiter {
    /// Its order.
    pub order_id: OrderId,
    /// The line.
    pub line_id: LineId,
    /// The units it waits for.
    pub quantity: i64,
    /// When the order is promised, if it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promised_at: Option<Timestamp>,
    /// When the order was placed.
    pub placed_at: Timestamp,
}

/// The turn of a line: the oldest promise first, then the order placed first. What is promised for no day comes last.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Turn {
    promised_at: Timestamp,
    placed_at: Timestamp,
    order_id: OrderId,
    line_id: LineId,
}

impl Ord for Turn {
    fn cmp(&self, other: &Self) -> Ordering {
        let key = |turn: &Self| (turn.promised_at, turn.placed_at);
        key(self)
            .cmp(&key(other))
            .then_with(|| self.order_id.cmp(&other.order_id))
            .then_with(|| self.line_id.cmp(&other.line_id))
    }
}

impl PartialOrd for Turn {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Waiter {
    fn turn(&self) -> Turn {
        Turn {
            promised_at: self.promised_at.unwrap_or(Timestamp::MAX),
            placed_at: self.placed_at,
            order_id: self.order_id.clone(),
            line_id: self.line_id.clone(),
        }
    }
}

/// The lines that wait for one SKU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Backlog {
    turns: OrdSet<Turn>,
    waiting: OrdMap<(OrderId, LineId), Waiter>,
    free: i64,
}

/// A backlog as a snapshot keeps it.
#[derive(Clone, Serialize, Deserialize)]
struct Stored {
    waiting: Vec<Waiter>,
    free: i64,
}

impl From<Stored> for Backlog {
    fn from(stored: Stored) -> Self {
        let mut backlog = Self { free: stored.free, ..Self::default() };
        stored.waiting.into_iter().for_each(|waiter| backlog.join(waiter));
        backlog
    }
}

impl From<Backlog> for Stored {
    fn from(backlog: Backlog) -> Self {
        Self { waiting: backlog.waiting.values().cloned().collect(), free: backlog.free }
    }
}

impl Backlog {
    /// The backlog of `sku`.
    #[must_use]
    pub fn stream(sku: &Sku) -> Stream<Self> {
        Stream::new(sku.as_str())
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Units that can be had, and that nobody who waits has asked for yet.
    #[must_use]
    pub fn free(&self) -> i64 {
        self.free
    }

    /// The line, if it waits here.
    #[must_use]
    pub fn waiter(&self, order_id: &OrderId, line_id: &LineId) -> Option<&Waiter> {
        self.waiting.get(&(order_id.clone(), line_id.clone()))
    }

    /// Who waits, whose turn it is first.
    pub fn waiters(&self) -> impl Iterator<Item = &Waiter> {
        self.turns.iter().filter_map(|turn| self.waiter(&turn.order_id, &turn.line_id))
    }

    fn join(&mut self, waiter: Waiter) {
        self.leave(&waiter.order_id, &waiter.line_id);
        self.turns.insert(waiter.turn());
        self.waiting.insert((waiter.order_id.clone(), waiter.line_id.clone()), waiter);
    }

    fn leave(&mut self, order_id: &OrderId, line_id: &LineId) {
        if let Some(waiter) = self.waiting.remove(&(order_id.clone(), line_id.clone())) {
            self.turns.remove(&waiter.turn());
        }
    }
}

impl Aggregate for Backlog {
    const KIND: &'static str = "backlog";
    type Event = BacklogEvent;

    fn apply(&mut self, event: &BacklogEvent) {
        match event {
            BacklogEvent::Joined(waiter) => self.join(waiter.clone()),
            BacklogEvent::Left { order_id, line_id, .. } => self.leave(order_id, line_id),
            BacklogEvent::Freed { quantity } => self.free = self.free.saturating_add(*quantity),
            BacklogEvent::Offered { quantity } => self.free = (self.free - quantity).max(0),
            BacklogEvent::Exhausted => self.free = 0,
        }
        if self.waiting.is_empty() {
            self.free = 0;
        }
    }
}
