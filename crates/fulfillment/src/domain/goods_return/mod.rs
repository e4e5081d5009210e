//! A return: units of one order that are to come back, come, and are inspected.

pub mod cancel;
pub mod receive;
pub mod request;

use std::fmt;
use std::sync::Arc;

use cqrs::{Aggregate, Stream, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{LineId, LocationId, OrderId, ReturnId, Sku};
use super::order::LineUnits;

/// The most returns of one order that have not come yet.
pub const OPEN_RETURNS_MAX: usize = 100;

/// The most lines of one return: a line can come back in several states.
pub const RETURN_LINES_MAX: usize = 2_000;

/// What happens to a return. Stored for ever: a variant or field is only ever added.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ReturnEvent {
    /// Units are to come back.
    Requested(Requested),
    /// They came, all that will, and were inspected.
    Received {
        /// The order.
        order_id: OrderId,
        /// What came.
        lines: Vec<ReceivedUnits>,
    },
    /// They will not come.
    Cancelled,
}

/// A return as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Requested {
    /// The order.
    pub order_id: OrderId,
    /// What is to come.
    pub lines: Vec<LineUnits>,
    /// Why, if it was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Arc<str>>,
    /// When it was asked for.
    pub requested_at: Timestamp,
}

/// Units of one line that came back in one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedUnits {
    /// The line.
    pub line_id: LineId,
    /// What was ordered with it.
    pub sku: Sku,
    /// Units.
    pub quantity: i64,
    /// Where they are now.
    pub location: LocationId,
    /// What becomes of them.
    pub disposition: Disposition,
}

/// What becomes of units that came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Disposition {
    /// They are sold again.
    Restock,
    /// They are kept, and not sold.
    Damaged,
    /// They are thrown away.
    Scrap,
}

/// Where a return is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReturnStatus {
    /// It is expected.
    #[default]
    Requested,
    /// It came and was inspected.
    Received,
    /// It will not come.
    Cancelled,
}

impl ReturnStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Requested, Self::Received, Self::Cancelled];

    /// Its name, as written everywhere.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "REQUESTED",
            Self::Received => "RECEIVED",
            Self::Cancelled => "CANCELLED",
        }
    }

    /// What a return can become from here.
    #[must_use]
    pub fn next(self) -> &'static [Self] {
        match self {
            Self::Requested => &[Self::Received, Self::Cancelled],
            Self::Received | Self::Cancelled => &[],
        }
    }
}

impl fmt::Display for ReturnStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The answer to a command on a return.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReturnAnswer {
    /// The return.
    pub return_id: ReturnId,
    /// Where it is.
    pub status: ReturnStatus,
    /// Whether it was so before.
    pub repeated: bool,
}

/// Why a command on a return is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReturnRejection {
    /// No such return.
    #[error("return {return_id} does not exist")]
    UnknownReturn {
        /// The id.
        return_id: ReturnId,
    },
    /// No such order.
    #[error("order {order_id} does not exist")]
    UnknownOrder {
        /// The id.
        order_id: OrderId,
    },
    /// The order, or the return, has no such line.
    #[error("there is no line {line_id}")]
    UnknownLine {
        /// The line.
        line_id: LineId,
        /// Its place in the command, from 0.
        place: usize,
    },
    /// Fewer units of the line can come back.
    #[error("line {line_id} has only {returnable} units that can come back")]
    LineHasLess {
        /// The line.
        line_id: LineId,
        /// Its place in the command, from 0.
        place: usize,
        /// How many can.
        returnable: i64,
    },
    /// Too many returns of the order have not come yet.
    #[error("an order has at most {OPEN_RETURNS_MAX} returns that have not come yet")]
    TooMany,
    /// It exists with other content, or has come with other content.
    #[error("return {return_id} exists with other content")]
    IdConflict {
        /// The id.
        return_id: ReturnId,
    },
    /// It cannot become that from where it is.
    #[error("a return that is {from} cannot become {to}")]
    WrongTransition {
        /// What it is.
        from: ReturnStatus,
        /// What it should have become.
        to: ReturnStatus,
    },
}

/// One return.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct GoodsReturn {
    requested: Option<Arc<Requested>>,
    received: Arc<[ReceivedUnits]>,
    status: ReturnStatus,
}

impl GoodsReturn {
    /// The stream of return `id`, which exists.
    #[must_use]
    pub fn stream(id: &ReturnId) -> Stream<Self> {
        Stream::new(id.as_str())
    }

    /// The stream of return `id` of `order`, made beside its order.
    #[must_use]
    pub fn stream_of(id: &ReturnId, order: &OrderId) -> Stream<Self> {
        Stream::in_partition_of(id.as_str(), order)
    }

    /// What was asked for; none if there is no such return.
    #[must_use]
    pub fn requested(&self) -> Option<&Requested> {
        self.requested.as_deref()
    }

    /// What came.
    #[must_use]
    pub fn received(&self) -> &[ReceivedUnits] {
        &self.received
    }

    /// Where it is.
    #[must_use]
    pub fn status(&self) -> ReturnStatus {
        self.status
    }
}

impl Aggregate for GoodsReturn {
    const KIND: &'static str = "return";
    type Event = ReturnEvent;

    fn apply(&mut self, event: &ReturnEvent) {
        match event {
            ReturnEvent::Requested(requested) => self.requested = Some(Arc::new(requested.clone())),
            ReturnEvent::Received { lines, .. } => {
                self.status = ReturnStatus::Received;
                self.received = lines.as_slice().into();
            }
            ReturnEvent::Cancelled => self.status = ReturnStatus::Cancelled,
        }
    }
}
