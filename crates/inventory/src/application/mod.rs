//! The questions Inventory answers, one file each, and what a timer asks every second.

pub mod audit;
pub mod availability;
mod due;
pub mod hold_book;
pub mod ledger;
pub mod list_locations;
pub mod list_low_stock;
pub mod list_stock;
pub mod list_stock_at_location;
pub mod page;
pub mod reservation_by_id;
pub mod stock_of_sku;
pub mod sweep;
