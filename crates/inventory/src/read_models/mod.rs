//! The views of Inventory: rows shaped for its questions, folded from the log.

pub mod counts;
pub mod expiring_holds;
pub mod locations;
pub mod movements;
pub mod stock;
pub mod stock_at_location;
