//! A transfer: goods that go from one location to another, and are in transit in between.

pub mod cancel;
pub mod receive;
pub mod request;
pub mod ship;
mod view;

use std::collections::BTreeMap;

use cqrs::{Aggregate, Stream, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{DeliveryId, LineId, LocationId, Sku, TransferId};
use super::stock_item::{Arrival, Inbound};
pub use view::{TransferAnswer, TransferLineView, TransferState, TransferView, WrongTransition};

/// What happens to a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum TransferEvent {
    /// Somebody wants goods elsewhere.
    Requested {
        /// Where they are.
        from: LocationId,
        /// Where they are to go.
        to: LocationId,
        /// What is to go.
        lines: Vec<RequestedLine>,
    },
    /// All of it has left, and is in transit.
    Shipped {
        /// When it is expected.
        expected_at: Timestamp,
    },
    /// Some of it has come, or is known to be lost.
    Received {
        /// Which time that goods of it came.
        delivery: DeliveryId,
        /// What came, and what did not.
        lines: Vec<ArrivedUnits>,
    },
    /// Nothing of it has left, and nothing will.
    Cancelled,
}

/// One line as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestedLine {
    /// Its id, unique in the transfer.
    pub line_id: LineId,
    /// What is to go.
    pub sku: Sku,
    /// How many units.
    pub quantity: i64,
}

/// Units of one line of which it is known what became.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArrivedUnits {
    /// The line.
    pub line_id: LineId,
    /// How many came.
    pub quantity: i64,
    /// How many of them damaged.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub damaged: i64,
    /// How many were lost on the way, beside those that came.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: i64,
}

fn is_zero(units: &i64) -> bool {
    *units == 0
}

/// One line of a transfer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Its id, unique in the transfer.
    pub line_id: LineId,
    /// What it is a line of.
    pub sku: Sku,
    /// Units that are to go, or have gone.
    pub quantity: i64,
    /// Units that have come.
    pub received: i64,
    /// How many of them damaged.
    pub damaged: i64,
    /// Units that were lost on the way.
    pub lost: i64,
}

impl Line {
    /// Units of which it is not known yet what became.
    fn outstanding(&self) -> i64 {
        self.quantity - self.received - self.lost
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stage {
    /// Nobody has named it yet.
    #[default]
    New,
    Requested,
    Shipped,
    Cancelled,
}

/// One transfer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Transfer {
    stage: Stage,
    from: Option<LocationId>,
    to: Option<LocationId>,
    expected_at: Option<Timestamp>,
    lines: Vec<Line>,
    deliveries: BTreeMap<DeliveryId, Vec<ArrivedUnits>>,
}

impl Transfer {
    /// The stream of transfer `id`, wherever it was made.
    #[must_use]
    pub fn stream(id: &TransferId) -> Stream<Self> {
        Stream::new(id.as_str())
    }

    /// The stream of transfer `id`, made in the partition of `sku`, its first line's.
    fn stream_beside(id: &TransferId, sku: Option<&Sku>) -> Stream<Self> {
        sku.map_or_else(|| Self::stream(id), |sku| Stream::in_partition_of(id.as_str(), sku))
    }

    /// Where its goods were; nowhere for one that does not exist.
    #[must_use]
    pub fn from(&self) -> Option<&LocationId> {
        self.from.as_ref()
    }

    /// Where its goods go.
    #[must_use]
    pub fn to(&self) -> Option<&LocationId> {
        self.to.as_ref()
    }

    /// What of it is in transit, line by line.
    pub fn arrivals(&self, id: &TransferId) -> impl Iterator<Item = (&Sku, Arrival)> {
        let shipped = self.stage == Stage::Shipped;
        self.lines.iter().filter(move |line| shipped && line.outstanding() > 0).filter_map(move |line| {
            let arrival = self.arrival(id, line, line.outstanding())?;
            Some((&line.sku, arrival))
        })
    }

    /// `quantity` units of `line` in transit, as the stock item keeps them.
    fn arrival(&self, id: &TransferId, line: &Line, quantity: i64) -> Option<Arrival> {
        let (location, expected_at) = (self.to.clone()?, self.expected_at?);
        let (by, line_id) = (Inbound::Transfer(id.clone()), line.line_id.clone());
        Some(Arrival { by, line: line_id, location, quantity, expected_at })
    }

    fn line(&self, id: &LineId) -> Option<&Line> {
        self.lines.iter().find(|line| line.line_id == *id)
    }

    fn line_mut(&mut self, id: &LineId) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.line_id == *id)
    }
}

impl Aggregate for Transfer {
    const KIND: &'static str = "transfer";
    type Event = TransferEvent;

    fn apply(&mut self, event: &TransferEvent) {
        match event {
            TransferEvent::Requested { from, to, lines } => {
                self.stage = Stage::Requested;
                (self.from, self.to) = (Some(from.clone()), Some(to.clone()));
                let line = |line: &RequestedLine| Line {
                    line_id: line.line_id.clone(),
                    sku: line.sku.clone(),
                    quantity: line.quantity,
                    received: 0,
                    damaged: 0,
                    lost: 0,
                };
                self.lines = lines.iter().map(line).collect();
            }
            TransferEvent::Shipped { expected_at } => {
                self.stage = Stage::Shipped;
                self.expected_at = Some(*expected_at);
            }
            TransferEvent::Received { delivery, lines } => {
                for units in lines {
                    if let Some(line) = self.line_mut(&units.line_id) {
                        line.received += units.quantity;
                        line.damaged += units.damaged;
                        line.lost += units.lost;
                    }
                }
                self.deliveries.insert(delivery.clone(), lines.clone());
            }
            TransferEvent::Cancelled => self.stage = Stage::Cancelled,
        }
    }
}
