//! The views of Inventory: rows shaped for its questions, folded from the log.

pub mod capacity;
pub mod counts;
pub mod expiring_holds;
pub mod incoming;
pub mod incoming_then;
pub mod locations;
pub mod movement_log;
pub mod movement_sums;
pub mod movements;
pub mod receipts;
pub mod stock;
pub mod stock_at_location;
pub mod transfers;
