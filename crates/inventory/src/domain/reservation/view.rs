//! A reservation as its owner sees it: its state as of an instant, and what its lines hold.

use std::fmt;

use cqrs::Timestamp;
use serde::{Deserialize, Serialize};

use super::sourcing::LineSourcing;
use super::{Line, Reservation, Stage};
use crate::domain::ids::{LineId, OwnerId, ReservationId, Sku};
use crate::domain::stock_item::Allocation;

/// Where a reservation is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReservationState {
    /// All that was asked for is reserved.
    Held,
    /// Some of what was asked for is reserved.
    PartiallyHeld,
    /// Committed: it does not expire any more.
    Confirmed,
    /// Some of it has left.
    PartiallyConsumed,
    /// All of it has left.
    Consumed,
    /// Given back.
    Released,
    /// Its time is over.
    Expired,
    /// An order asked for it and was refused.
    Rejected,
}

impl ReservationState {
    /// The state's name, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Held => "HELD",
            Self::PartiallyHeld => "PARTIALLY_HELD",
            Self::Confirmed => "CONFIRMED",
            Self::PartiallyConsumed => "PARTIALLY_CONSUMED",
            Self::Consumed => "CONSUMED",
            Self::Released => "RELEASED",
            Self::Expired => "EXPIRED",
            Self::Rejected => "REJECTED",
        }
    }

    /// The states that can follow.
    #[must_use]
    pub fn allowed(self) -> &'static [Self] {
        match self {
            Self::Held | Self::PartiallyHeld => &[Self::Confirmed, Self::Released, Self::Expired],
            Self::Confirmed | Self::PartiallyConsumed => &[Self::PartiallyConsumed, Self::Consumed, Self::Released],
            Self::Expired => &[Self::Confirmed, Self::Released],
            Self::Consumed | Self::Released | Self::Rejected => &[],
        }
    }

    /// Whether it still holds stock.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Held | Self::PartiallyHeld | Self::Confirmed | Self::PartiallyConsumed)
    }
}

impl fmt::Display for ReservationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A reservation cannot go from one state to the other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a reservation that is {from} cannot become {to}")]
pub struct WrongTransition {
    /// The state it is in.
    pub from: ReservationState,
    /// The state the command would lead to.
    pub to: ReservationState,
    /// The states that can follow `from`.
    pub allowed: &'static [ReservationState],
}

impl WrongTransition {
    pub(super) fn new(from: ReservationState, to: ReservationState) -> Self {
        Self { from, to, allowed: from.allowed() }
    }
}

/// What every command on a reservation answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReservationAnswer {
    /// The reservation as the command leaves it.
    pub reservation: ReservationView,
    /// Whether it had been done before and nothing had to be changed.
    pub repeated: bool,
    /// Why its lines are served from where they are, where that was asked and decided.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sourcing: Vec<LineSourcing>,
}

/// A reservation as of one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReservationView {
    /// Its id.
    pub reservation_id: ReservationId,
    /// Its state.
    pub state: ReservationState,
    /// When it ends, or ended, by itself; none if it does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// Whom it is for, if anybody said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<OwnerId>,
    /// Its lines; none for the tombstone of one that was released before it was reserved.
    pub lines: Vec<LineView>,
}

/// One line of a reservation as of one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineView {
    /// Its id in the reservation.
    pub line_id: LineId,
    /// What it is a line of.
    pub sku: Sku,
    /// Units asked for.
    pub requested: i64,
    /// Units reserved or committed now.
    pub held: i64,
    /// How many of those held were not there when they were promised.
    #[serde(default)]
    pub beyond: i64,
    /// Units that have left.
    pub consumed: i64,
    /// Where the held units are.
    pub allocations: Vec<Allocation>,
}

impl Reservation {
    /// Whether it, or its tombstone, is there.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.stage != Stage::New || !self.given_back.is_empty()
    }

    /// Its state at `at`. A tombstone is released.
    #[must_use]
    pub fn state(&self, at: Timestamp) -> ReservationState {
        let over = self.expires_at.is_some_and(|expires_at| expires_at <= at);
        match self.stage {
            Stage::New | Stage::Released => ReservationState::Released,
            Stage::Refused => ReservationState::Rejected,
            Stage::Reserved if over => ReservationState::Expired,
            Stage::Reserved if self.lines.iter().any(is_short) => ReservationState::PartiallyHeld,
            Stage::Reserved => ReservationState::Held,
            Stage::Committed => {
                let gone = self.lines.iter().any(|line| line.consumed > 0);
                let left = self.lines.iter().any(|line| line.held() > 0);
                match (gone, left) {
                    (false, _) => ReservationState::Confirmed,
                    (true, true) => ReservationState::PartiallyConsumed,
                    (true, false) => ReservationState::Consumed,
                }
            }
        }
    }

    /// As its owner sees it at `at`.
    #[must_use]
    pub fn view(&self, id: &ReservationId, at: Timestamp) -> ReservationView {
        let state = self.state(at);
        let lines = self.lines.iter().map(|line| line_view(line, state.is_open())).collect();
        ReservationView {
            reservation_id: id.clone(),
            state,
            expires_at: self.expires_at,
            owner: self.owner.clone(),
            lines,
        }
    }
}

fn is_short(line: &Line) -> bool {
    !line.released && line.held() < line.requested
}

fn line_view(line: &Line, open: bool) -> LineView {
    LineView {
        line_id: line.line_id.clone(),
        sku: line.sku.clone(),
        requested: line.requested,
        held: if open { line.held() } else { 0 },
        beyond: if open { line.beyond.min(line.held()) } else { 0 },
        consumed: line.consumed,
        allocations: if open { line.allocations.clone() } else { Vec::new() },
    }
}
