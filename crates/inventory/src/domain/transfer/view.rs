//! A transfer as both of its locations see it: its state, and what became of each line.

use std::fmt;

use cqrs::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Line, Stage, Transfer};
use crate::domain::ids::{LineId, LocationId, Sku, TransferId};

/// Where a transfer is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum TransferState {
    /// Nothing of it has left.
    Requested,
    /// All of it is in transit.
    Shipped,
    /// Some of it has come or is lost, the rest is in transit.
    PartiallyReceived,
    /// All of it has come, or is known to be lost.
    Received,
    /// Nothing of it has left, and nothing will.
    Cancelled,
}

impl TransferState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Requested, Self::Shipped, Self::PartiallyReceived, Self::Received, Self::Cancelled];

    /// The state's name, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Shipped => "SHIPPED",
            Self::PartiallyReceived => "PARTIALLY_RECEIVED",
            Self::Received => "RECEIVED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// The states that can follow.
    #[must_use]
    pub fn allowed(self) -> &'static [Self] {
        match self {
            Self::Requested => &[Self::Shipped, Self::Cancelled],
            Self::Shipped | Self::PartiallyReceived => &[Self::PartiallyReceived, Self::Received],
            Self::Received | Self::Cancelled => &[],
        }
    }

    /// Whether some of it is in transit.
    #[must_use]
    pub fn is_in_transit(self) -> bool {
        matches!(self, Self::Shipped | Self::PartiallyReceived)
    }
}

impl fmt::Display for TransferState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A transfer cannot go from one state to the other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a transfer that is {from} cannot become {to}")]
pub struct WrongTransition {
    /// The state it is in.
    pub from: TransferState,
    /// The state the command would lead to.
    pub to: TransferState,
}

/// What every command on a transfer answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransferAnswer {
    /// The transfer as the command leaves it.
    pub transfer: TransferView,
    /// Whether it had been done before and nothing had to be changed.
    pub repeated: bool,
}

/// A transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransferView {
    /// Its id.
    pub transfer_id: TransferId,
    /// Its state.
    pub state: TransferState,
    /// Where its goods were.
    pub from: LocationId,
    /// Where they go.
    pub to: LocationId,
    /// When they are expected, once they have left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_at: Option<Timestamp>,
    /// Its lines.
    pub lines: Vec<TransferLineView>,
}

/// One line of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TransferLineView {
    /// Its id in the transfer.
    pub line_id: LineId,
    /// What it is a line of.
    pub sku: Sku,
    /// Units that are to go, or have gone.
    pub quantity: i64,
    /// Units in transit.
    pub in_transit: i64,
    /// Units that have come.
    pub received: i64,
    /// How many of them damaged.
    pub damaged: i64,
    /// Units that were lost on the way.
    pub lost: i64,
}

impl Transfer {
    /// Whether somebody has named it.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.stage != Stage::New
    }

    /// Its state. One that nobody has named is requested.
    #[must_use]
    pub fn state(&self) -> TransferState {
        let started = self.lines.iter().any(|line| line.received + line.lost > 0);
        let missing = self.lines.iter().any(|line| line.outstanding() > 0);
        match self.stage {
            Stage::New | Stage::Requested => TransferState::Requested,
            Stage::Cancelled => TransferState::Cancelled,
            Stage::Shipped if !started => TransferState::Shipped,
            Stage::Shipped if missing => TransferState::PartiallyReceived,
            Stage::Shipped => TransferState::Received,
        }
    }

    /// As it is shown.
    #[must_use]
    pub fn view(&self, id: &TransferId) -> TransferView {
        let state = self.state();
        TransferView {
            transfer_id: id.clone(),
            state,
            from: self.from.clone().unwrap_or_else(LocationId::main),
            to: self.to.clone().unwrap_or_else(LocationId::main),
            expected_at: self.expected_at,
            lines: self.lines.iter().map(|line| line_view(line, state.is_in_transit())).collect(),
        }
    }
}

fn line_view(line: &Line, in_transit: bool) -> TransferLineView {
    TransferLineView {
        line_id: line.line_id.clone(),
        sku: line.sku.clone(),
        quantity: line.quantity,
        in_transit: if in_transit { line.outstanding() } else { 0 },
        received: line.received,
        damaged: line.damaged,
        lost: line.lost,
    }
}
