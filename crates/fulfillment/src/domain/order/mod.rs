//! An order: its lines, what is reserved for each and how far those units have come. The order process lives in its stream.

mod answers;
pub mod cancel;
mod event;
#[cfg(test)]
pub(crate) mod fixtures;
pub mod hold;
mod leaving;
mod line;
mod next;
pub mod pack;
mod packages;
pub mod place;
mod process;
pub mod ready_to_ship;
pub mod release_hold;
mod status;
mod timers;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use cqrs::{Aggregate, Stream, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{LineId, OrderId, PackageId, ReturnId, ShipmentId};
pub use event::{LineUnits, OrderEvent, PickFrom, Placed, PlacedLine, RejectedUnits, ReservedUnits, UnitsAt, Wanted};
pub use line::{OrderLine, Units};
pub use packages::Package;
pub use process::OrderInput;
pub use status::{LineStatus, OrderStatus, WrongTransition};
pub use timers::{ANSWER_WAITS, ASK_AGAIN_WAITS, ATTEMPTS_MAX};

/// The id of the reservation that attempt `attempt` of `order` asks for.
///
/// `~` occurs in no order's id, so two orders never share one.
#[must_use]
pub fn reservation_id(order: &str, attempt: u32) -> String {
    format!("{order}~{attempt}")
}

/// The most lines of one order.
pub const LINES_MAX: usize = 2_000;

/// What happens when a line is short.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Policy {
    /// All lines or none: one missing line rejects the order.
    ShipComplete,
    /// What is there is shipped, the rest is rejected.
    #[default]
    ShipAvailable,
    /// What is there is shipped, the rest waits for stock.
    Backorder,
}

/// How urgent an order is, from its service level.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Priority {
    /// Before all others.
    Express,
    /// As usual.
    #[default]
    Standard,
    /// When there is time.
    Economy,
}

/// One attempt to reserve stock for an order: a reservation of its own in Inventory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// Which, from 1.
    pub number: u32,
    /// What it asked for.
    pub wanted: Vec<Wanted>,
    /// Where it stands.
    pub state: AttemptState,
}

impl Attempt {
    /// Whether Inventory was asked and has neither answered nor been told to forget it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self.state, AttemptState::Asked { .. })
    }
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum AttemptState {
    /// Inventory was asked and has not answered.
    Asked {
        /// When the answer counts as missing.
        answer_by: Timestamp,
    },
    /// Inventory has reserved something.
    Reserved,
    /// Inventory has refused.
    Refused,
    /// Inventory was asked to give it all back, whether it has answered or not.
    GivenUp,
}

/// One order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Order {
    placed: Option<Arc<Placed>>,
    lines: Vec<OrderLine>,
    attempts: Vec<Attempt>,
    on_hold: Option<Arc<str>>,
    picking: bool,
    ready: bool,
    /// Attempts in a row that nobody has answered.
    timeouts: u32,
    /// When what waits for stock is asked for again.
    again_at: Option<Timestamp>,
    shipments: BTreeSet<ShipmentId>,
    /// Shipments that were planned and have neither left nor been voided.
    #[serde(default)]
    planned: BTreeSet<ShipmentId>,
    /// Returns that have not come yet, and what is to come with them.
    #[serde(default)]
    returns: BTreeMap<ReturnId, Vec<LineUnits>>,
    /// What was put into which package.
    #[serde(default)]
    packed: Vec<(PackageId, Arc<[UnitsAt]>)>,
}

impl Order {
    /// The stream of order `id`.
    #[must_use]
    pub fn stream(id: &OrderId) -> Stream<Self> {
        Stream::new(id.as_str())
    }

    /// How it was placed; none if there is no such order.
    #[must_use]
    pub fn placed(&self) -> Option<&Placed> {
        self.placed.as_deref()
    }

    /// Its lines, as placed.
    #[must_use]
    pub fn lines(&self) -> &[OrderLine] {
        &self.lines
    }

    /// The line `id`.
    #[must_use]
    pub fn line(&self, id: &LineId) -> Option<&OrderLine> {
        self.lines.iter().find(|line| line.line_id == *id)
    }

    /// Every attempt to reserve for it, from the first on.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.attempts
    }

    /// Attempt `number`.
    #[must_use]
    pub fn attempt(&self, number: u32) -> Option<&Attempt> {
        self.attempts.iter().find(|attempt| attempt.number == number)
    }

    /// Why it rests, if it does.
    #[must_use]
    pub fn on_hold(&self) -> Option<&str> {
        self.on_hold.as_deref()
    }

    /// Whether picking has begun.
    #[must_use]
    pub fn is_picking(&self) -> bool {
        self.picking
    }

    /// Whether it was said to be ready to ship.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// The shipments that have left with units of it.
    #[must_use]
    pub fn shipments(&self) -> &BTreeSet<ShipmentId> {
        &self.shipments
    }

    /// Units of a line that an open attempt has asked for.
    #[must_use]
    pub fn asked(&self, line: &LineId) -> i64 {
        let open = self.attempts.iter().filter(|attempt| attempt.is_open());
        open.flat_map(|attempt| &attempt.wanted).filter(|wanted| wanted.line_id == *line).map(|w| w.quantity).sum()
    }

    fn line_mut(&mut self, id: &LineId) -> Option<&mut OrderLine> {
        self.lines.iter_mut().find(|line| line.line_id == *id)
    }

    fn on_line(&mut self, id: &LineId, change: impl FnOnce(&mut OrderLine)) {
        if let Some(line) = self.line_mut(id) {
            change(line);
        }
    }

    fn on_units(&mut self, at: &UnitsAt, change: impl FnOnce(&mut Units)) {
        self.on_line(&at.line_id, |line| {
            if let Some(units) = line.units.iter_mut().find(|u| u.attempt == at.attempt && u.location == at.location) {
                change(units);
            }
        });
    }

    fn set_attempt(&mut self, number: u32, state: AttemptState) {
        if let Some(attempt) = self.attempts.iter_mut().find(|attempt| attempt.number == number) {
            attempt.state = state;
        }
    }

    /// Takes units that were given back off the lines.
    fn give_back(&mut self, attempt: u32, lines: &[UnitsAt]) {
        if lines.is_empty() {
            self.set_attempt(attempt, AttemptState::GivenUp);
            for line in &mut self.lines {
                line.units.retain(|units| units.attempt != attempt);
            }
        }
        for at in lines {
            self.on_line(&at.line_id, |line| line.give_back(attempt, &at.location, at.quantity));
        }
    }

    fn reserved(&mut self, attempt: u32, lines: &[ReservedUnits]) {
        self.set_attempt(attempt, AttemptState::Reserved);
        self.timeouts = 0;
        for reserved in lines {
            // What has come now has to be picked first, whatever was ready before.
            self.ready &= reserved.from.is_empty();
            self.on_line(&reserved.line_id, |line| line.reserve(attempt, &reserved.from));
        }
    }
}

impl Aggregate for Order {
    const KIND: &'static str = "order";
    type Event = OrderEvent;

    fn apply(&mut self, event: &OrderEvent) {
        match event {
            OrderEvent::Placed(placed) => {
                self.lines = placed.lines.iter().map(OrderLine::placed).collect();
                self.placed = Some(Arc::new(placed.clone()));
            }
            OrderEvent::ReservationRequested { attempt, lines, answer_by, .. } => {
                for wanted in lines {
                    if self.line(&wanted.line_id).is_none_or(|line| line.backordered == 0) {
                        continue;
                    }
                    // What waited for stock does not wait any more: it is asked for. Units that nobody had asked for
                    // come first; they did not wait.
                    let asked = self.asked(&wanted.line_id);
                    self.on_line(&wanted.line_id, |line| {
                        let waited = wanted.quantity - (line.untouched() - asked).max(0);
                        line.backordered -= waited.clamp(0, line.backordered);
                    });
                }
                let state = AttemptState::Asked { answer_by: *answer_by };
                self.attempts.push(Attempt { number: *attempt, wanted: lines.clone(), state });
            }
            OrderEvent::Reserved { attempt, lines, .. } => self.reserved(*attempt, lines),
            OrderEvent::ReservationRefused { attempt, .. } => {
                self.set_attempt(*attempt, AttemptState::Refused);
                self.timeouts = 0;
            }
            OrderEvent::ReservationTimedOut { attempt } => {
                self.give_back(*attempt, &[]);
                self.timeouts += 1;
            }
            OrderEvent::LinesRejected { lines, .. } => {
                lines.iter().for_each(|units| self.on_line(&units.line_id, |l| l.reject(units.quantity, &units.code)));
            }
            OrderEvent::NothingWaits => self.again_at = None,
            OrderEvent::LinesBackordered { lines, again_at } => {
                self.again_at = Some(*again_at);
                for units in lines {
                    self.on_line(&units.line_id, |line| line.backordered += units.quantity);
                }
            }
            OrderEvent::LinesCancelled { lines, .. } => {
                for units in lines {
                    self.on_line(&units.line_id, |line| line.cancel(units.quantity));
                }
            }
            OrderEvent::ReleaseRequested { attempt, lines } => self.give_back(*attempt, lines),
            OrderEvent::PutOnHold { reason } => self.on_hold = Some(Arc::clone(reason)),
            OrderEvent::HoldReleased => self.on_hold = None,
            OrderEvent::PickingStarted => self.picking = true,
            OrderEvent::Picked { units: at } => {
                self.picking = true;
                self.on_units(at, |units| units.picked += at.quantity);
            }
            OrderEvent::ShortPicked { units: at } => {
                self.picking = true;
                self.on_units(at, |units| units.short += at.quantity);
                self.on_line(&at.line_id, |line| {
                    line.missing_at.insert(at.location.clone());
                });
            }
            OrderEvent::Packed { package, lines } => {
                self.packed.push((package.clone(), lines.as_slice().into()));
                lines.iter().for_each(|at| self.on_units(at, |u| u.packed += at.quantity));
            }
            OrderEvent::ReadyToShip { implicit } => {
                self.ready = true;
                self.lines.iter_mut().for_each(|line| line.make_ready(*implicit));
            }
            leaving => self.leave(leaving),
        }
    }

    fn due(&self, at: Timestamp) -> Option<OrderEvent> {
        self.due_event(at)
    }
}
