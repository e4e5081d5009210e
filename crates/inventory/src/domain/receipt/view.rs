//! A receipt as whoever waits for it sees it: its state, and what has come of each line.

use std::fmt;
use std::sync::Arc;

use cqrs::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Line, Receipt, Stage};
use crate::domain::ids::{LineId, LocationId, ReceiptId, Sku};

/// Where a receipt is in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReceiptState {
    /// Nothing of it has come yet.
    Expected,
    /// Some of it has come.
    PartiallyReceived,
    /// All of it has come.
    Received,
    /// Nothing of it will come.
    Cancelled,
    /// Some of it has come, and the rest will not.
    Closed,
}

impl ReceiptState {
    /// Every state.
    pub const ALL: [Self; 5] = [Self::Expected, Self::PartiallyReceived, Self::Received, Self::Cancelled, Self::Closed];

    /// The state's name, as in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Expected => "EXPECTED",
            Self::PartiallyReceived => "PARTIALLY_RECEIVED",
            Self::Received => "RECEIVED",
            Self::Cancelled => "CANCELLED",
            Self::Closed => "CLOSED",
        }
    }

    /// The states that can follow.
    #[must_use]
    pub fn allowed(self) -> &'static [Self] {
        match self {
            Self::Expected => &[Self::PartiallyReceived, Self::Received, Self::Cancelled],
            Self::PartiallyReceived => &[Self::PartiallyReceived, Self::Received, Self::Closed],
            Self::Received | Self::Cancelled | Self::Closed => &[],
        }
    }

    /// Whether something of it is still to come.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Expected | Self::PartiallyReceived)
    }
}

impl fmt::Display for ReceiptState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A receipt cannot go from one state to the other.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a receipt that is {from} cannot become {to}")]
pub struct WrongTransition {
    /// The state it is in.
    pub from: ReceiptState,
    /// The state the command would lead to.
    pub to: ReceiptState,
}

/// What every command on a receipt answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptAnswer {
    /// The receipt as the command leaves it.
    pub receipt: ReceiptView,
    /// Whether it had been done before and nothing had to be changed.
    pub repeated: bool,
}

/// A receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptView {
    /// Its id.
    pub receipt_id: ReceiptId,
    /// Its state.
    pub state: ReceiptState,
    /// Where its goods come.
    pub location: LocationId,
    /// What the supplier calls it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supplier_reference: Option<Arc<str>>,
    /// Its lines.
    pub lines: Vec<ReceiptLineView>,
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptLineView {
    /// Its id in the receipt.
    pub line_id: LineId,
    /// What it is a line of.
    pub sku: Sku,
    /// Units that were announced.
    pub expected: i64,
    /// When what has not come yet is expected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_at: Option<Timestamp>,
    /// Units that have come.
    pub received: i64,
    /// How many of them are damaged.
    pub damaged: i64,
    /// Units that are still to come.
    pub outstanding: i64,
}

impl Receipt {
    /// Whether somebody has named it.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.stage != Stage::New
    }

    /// Its state. One that nobody has named is expected.
    #[must_use]
    pub fn state(&self) -> ReceiptState {
        let started = self.lines.iter().any(|line| line.received > 0);
        let missing = self.lines.iter().any(|line| line.outstanding() > 0);
        match self.stage {
            Stage::Cancelled => ReceiptState::Cancelled,
            Stage::Closed => ReceiptState::Closed,
            Stage::New | Stage::Open if !started => ReceiptState::Expected,
            Stage::New | Stage::Open if missing => ReceiptState::PartiallyReceived,
            Stage::New | Stage::Open => ReceiptState::Received,
        }
    }

    /// As it is shown.
    #[must_use]
    pub fn view(&self, id: &ReceiptId) -> ReceiptView {
        let state = self.state();
        ReceiptView {
            receipt_id: id.clone(),
            state,
            location: self.location.clone().unwrap_or_else(LocationId::main),
            supplier_reference: self.supplier_reference.clone(),
            lines: self.lines.iter().map(|line| line_view(line, state.is_open())).collect(),
        }
    }
}

fn line_view(line: &Line, open: bool) -> ReceiptLineView {
    ReceiptLineView {
        line_id: line.line_id.clone(),
        sku: line.sku.clone(),
        expected: line.expected,
        expected_at: line.expected_at,
        received: line.received,
        damaged: line.damaged,
        outstanding: if open { line.outstanding() } else { 0 },
    }
}
