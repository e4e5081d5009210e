//! The rules of Inventory: pure decisions on stock, locations and reservations. Time and ids come in as values.

pub mod cycle_count;
#[cfg(test)]
mod fixtures;
pub mod ids;
pub mod location;
pub mod reason;
pub mod receipt;
pub mod reservation;
pub mod stock_item;
pub mod transfer;
