//! Reservations of orders: what is stored of a request and of its answer, so that the answer can be told from the log alone.

use serde::{Deserialize, Serialize};

use super::{Line, LineUnits};
use crate::domain::ids::{Bin, LineId, LocationId, OrderId, Sku};
use crate::domain::stock_item::Allocation;

/// The order a reservation is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ForOrder {
    /// The order.
    pub order_id: OrderId,
    /// Which attempt to serve it, from 1.
    pub attempt: u32,
}

/// One line of an order, as asked for and as committed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommittedLine {
    /// Its id, unique in the order.
    pub line_id: LineId,
    /// What it is a line of.
    pub sku: Sku,
    /// Units asked for.
    pub requested: i64,
    /// Where its units are.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub from: Vec<PickFrom>,
    /// Why they are fewer than asked for, if so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub short: Option<Refusal>,
}

impl CommittedLine {
    /// Units committed.
    #[must_use]
    pub fn committed(&self) -> i64 {
        self.from.iter().map(|from| from.quantity).sum()
    }

    /// As the reservation keeps it.
    pub(super) fn line(&self) -> Line {
        let allocation = |from: &PickFrom| Allocation { location: from.location.clone(), quantity: from.quantity };
        Line {
            line_id: self.line_id.clone(),
            sku: self.sku.clone(),
            requested: self.requested,
            location: None,
            allocations: self.from.iter().map(allocation).collect(),
            beyond: 0,
            consumed: 0,
            released: false,
        }
    }
}

/// Units at one place of a warehouse.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PickFrom {
    /// The location.
    pub location: LocationId,
    /// The bin inside it, as it was then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bin: Option<Bin>,
    /// Units.
    pub quantity: i64,
}

/// Why an order, or a line of it, is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Refusal {
    /// There is not enough.
    InsufficientStock,
    /// A SKU is not registered.
    UnknownSku,
    /// It was released before it was asked for.
    AlreadyReleased,
    /// The attempt has reserved something else.
    Conflict,
    /// The request is wrong in itself.
    Invalid,
}

/// What one line of a refused request lacked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LineShortfall {
    /// The line.
    pub line_id: LineId,
    /// Its SKU.
    pub sku: Sku,
    /// Units asked for.
    pub requested: i64,
    /// Units there were for it, after the lines before it took theirs.
    pub available: i64,
}

/// Adds `quantity` units at `location` to those of `line_id`.
pub(super) fn add_units(lines: &mut Vec<LineUnits>, line_id: &LineId, location: &LocationId, quantity: i64) {
    let allocation = Allocation { location: location.clone(), quantity };
    match lines.iter_mut().find(|units| units.line_id == *line_id) {
        Some(units) => units.allocations.push(allocation),
        None => lines.push(LineUnits { line_id: line_id.clone(), allocations: vec![allocation] }),
    }
}
