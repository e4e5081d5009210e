//! A receipt: goods of a supplier, from the day they are announced until all of them have come or nobody waits any more.

pub mod cancel;
pub mod close;
pub mod expect;
pub mod opening;
pub mod receive;
pub mod receive_unannounced;
pub mod reschedule;
mod view;

use std::collections::BTreeMap;
use std::sync::Arc;

use cqrs::{Aggregate, Stream, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{DeliveryId, LineId, LocationId, ReceiptId, Sku};
use super::stock_item::{Arrival, Inbound};
pub use view::{ReceiptAnswer, ReceiptLineView, ReceiptState, ReceiptView, WrongTransition};

/// The most times that goods of one receipt come.
pub const DELIVERIES_MAX: usize = 200;

/// How many units more than expected may come, as a percentage of what was expected; rounded up.
const OVER_RECEIPT_PERCENT_MAX: i64 = 10;

/// What happens to a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum ReceiptEvent {
    /// Goods were announced.
    Expected {
        /// Where they are to come.
        location: LocationId,
        /// What the supplier calls it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        supplier_reference: Option<Arc<str>>,
        /// What is to come.
        lines: Vec<ExpectedLine>,
    },
    /// Goods came that nobody had announced: all of the receipt.
    Unannounced {
        /// Where they came.
        location: LocationId,
        /// What the supplier calls it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        supplier_reference: Option<Arc<str>>,
        /// What came.
        lines: Vec<UnannouncedLine>,
    },
    /// Goods that were announced came, all of them or some.
    Received {
        /// Which time that goods of it came.
        delivery: DeliveryId,
        /// What came.
        lines: Vec<ReceivedUnits>,
    },
    /// What has not come yet is expected at another time.
    Rescheduled {
        /// When which lines are expected now.
        lines: Vec<RescheduledLine>,
    },
    /// Nothing of it will come.
    Cancelled,
    /// What has not come yet will not.
    Closed,
}

/// One line as it was announced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ExpectedLine {
    /// Its id, unique in the receipt.
    pub line_id: LineId,
    /// What is to come.
    pub sku: Sku,
    /// How many units.
    pub quantity: i64,
    /// When.
    pub expected_at: Timestamp,
}

/// One line that came unannounced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UnannouncedLine {
    /// Its id, unique in the receipt.
    pub line_id: LineId,
    /// What came.
    pub sku: Sku,
    /// How many units.
    pub quantity: i64,
    /// How many of them are damaged.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub damaged: i64,
}

/// Units of one line that came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReceivedUnits {
    /// The line.
    pub line_id: LineId,
    /// How many units.
    pub quantity: i64,
    /// How many of them are damaged.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub damaged: i64,
}

/// A line that is expected at another time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct RescheduledLine {
    /// The line.
    pub line_id: LineId,
    /// When it is expected now.
    pub expected_at: Timestamp,
}

fn is_zero(units: &i64) -> bool {
    *units == 0
}

/// One line of a receipt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// Its id, unique in the receipt.
    pub line_id: LineId,
    /// What it is a line of.
    pub sku: Sku,
    /// Units that were announced; none if it came unannounced.
    pub expected: i64,
    /// When they were announced for, at first.
    announced_for: Option<Timestamp>,
    /// When what has not come yet is expected.
    pub expected_at: Option<Timestamp>,
    /// Units that have come.
    pub received: i64,
    /// How many of them are damaged.
    pub damaged: i64,
}

impl Line {
    /// Units that have not come yet.
    fn outstanding(&self) -> i64 {
        (self.expected - self.received).max(0)
    }

    /// The most units of it that may come in all.
    fn receivable(&self) -> i64 {
        self.expected + (self.expected * OVER_RECEIPT_PERCENT_MAX + 99) / 100
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Stage {
    /// Nobody has named it yet.
    #[default]
    New,
    Open,
    Cancelled,
    Closed,
}

/// One receipt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    stage: Stage,
    location: Option<LocationId>,
    supplier_reference: Option<Arc<str>>,
    lines: Vec<Line>,
    deliveries: BTreeMap<DeliveryId, Vec<ReceivedUnits>>,
}

impl Receipt {
    /// The stream of receipt `id`, wherever it was made.
    #[must_use]
    pub fn stream(id: &ReceiptId) -> Stream<Self> {
        Stream::new(id.as_str())
    }

    /// The stream of receipt `id`, made in the partition of `sku`, its first line's.
    fn stream_beside(id: &ReceiptId, sku: Option<&Sku>) -> Stream<Self> {
        sku.map_or_else(|| Self::stream(id), |sku| Stream::in_partition_of(id.as_str(), sku))
    }

    /// Whether it was opened for this location, under this reference of the supplier.
    fn was_opened_as(&self, location: &LocationId, supplier_reference: Option<&Arc<str>>) -> bool {
        self.location.as_ref() == Some(location) && self.supplier_reference.as_ref() == supplier_reference
    }

    /// Where its goods come; nowhere for one that does not exist.
    #[must_use]
    pub fn location(&self) -> Option<&LocationId> {
        self.location.as_ref()
    }

    /// What is still to come of it, line by line.
    pub fn arrivals(&self, id: &ReceiptId) -> impl Iterator<Item = (&Sku, Arrival)> {
        let open = self.stage == Stage::Open;
        self.lines.iter().filter(move |line| open && line.outstanding() > 0).filter_map(move |line| {
            let arrival = self.arrival(id, line)?;
            Some((&line.sku, arrival))
        })
    }

    /// What is still to come of `line`, as the stock item keeps it.
    fn arrival(&self, id: &ReceiptId, line: &Line) -> Option<Arrival> {
        let (location, expected_at) = (self.location.clone()?, line.expected_at?);
        let (by, line_id) = (Inbound::Receipt(id.clone()), line.line_id.clone());
        Some(Arrival { by, line: line_id, location, quantity: line.outstanding(), expected_at })
    }

    fn line(&self, id: &LineId) -> Option<&Line> {
        self.lines.iter().find(|line| line.line_id == *id)
    }

    fn line_mut(&mut self, id: &LineId) -> Option<&mut Line> {
        self.lines.iter_mut().find(|line| line.line_id == *id)
    }

    fn open(&mut self, location: &LocationId, supplier_reference: Option<&Arc<str>>) {
        self.stage = Stage::Open;
        self.location = Some(location.clone());
        self.supplier_reference = supplier_reference.cloned();
    }
}

impl Aggregate for Receipt {
    const KIND: &'static str = "receipt";
    type Event = ReceiptEvent;

    fn apply(&mut self, event: &ReceiptEvent) {
        match event {
            ReceiptEvent::Expected { location, supplier_reference, lines } => {
                self.open(location, supplier_reference.as_ref());
                let line = |line: &ExpectedLine| Line {
                    line_id: line.line_id.clone(),
                    sku: line.sku.clone(),
                    expected: line.quantity,
                    announced_for: Some(line.expected_at),
                    expected_at: Some(line.expected_at),
                    received: 0,
                    damaged: 0,
                };
                self.lines = lines.iter().map(line).collect();
            }
            ReceiptEvent::Unannounced { location, supplier_reference, lines } => {
                self.open(location, supplier_reference.as_ref());
                let line = |line: &UnannouncedLine| Line {
                    line_id: line.line_id.clone(),
                    sku: line.sku.clone(),
                    expected: 0,
                    announced_for: None,
                    expected_at: None,
                    received: line.quantity,
                    damaged: line.damaged,
                };
                self.lines = lines.iter().map(line).collect();
            }
            ReceiptEvent::Received { delivery, lines } => {
                for units in lines {
                    if let Some(line) = self.line_mut(&units.line_id) {
                        line.received += units.quantity;
                        line.damaged += units.damaged;
                    }
                }
                self.deliveries.insert(delivery.clone(), lines.clone());
            }
            ReceiptEvent::Rescheduled { lines } => {
                for moved in lines {
                    if let Some(line) = self.line_mut(&moved.line_id) {
                        line.expected_at = Some(moved.expected_at);
                    }
                }
            }
            ReceiptEvent::Cancelled => self.stage = Stage::Cancelled,
            ReceiptEvent::Closed => self.stage = Stage::Closed,
        }
    }
}
