//! The order process: what an order asks Inventory for, and what it makes of the answers.

use std::sync::Arc;

use super::event::{LineUnits, Placed, ReservedUnits, UnitsAt};

/// What an order can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OrderInput {
    /// Somebody has placed it: ask for its stock.
    Placed(Placed),
    /// Inventory has committed stock to an attempt, all of it or some.
    Reserved {
        /// The attempt.
        attempt: u32,
        /// Where the units are.
        lines: Vec<ReservedUnits>,
    },
    /// Inventory has refused an attempt.
    Refused {
        /// The attempt.
        attempt: u32,
        /// Why.
        code: Arc<str>,
    },
    /// Units that were backordered can be asked for now.
    StockCame {
        /// Which.
        lines: Vec<LineUnits>,
    },
    /// Somebody has cancelled units; all that has not left if none are named.
    Cancelled {
        /// Which.
        lines: Vec<LineUnits>,
        /// Why, if it was said.
        reason: Option<Arc<str>>,
    },
    /// A picker found units missing: give them back, and ask for others elsewhere.
    ShortPicked {
        /// Which.
        units: UnitsAt,
    },
}
