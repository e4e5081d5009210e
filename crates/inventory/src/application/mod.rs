//! The questions Inventory answers, one file each, and what a timer asks every second.

pub mod audit;
pub mod availability;
pub mod count_by_id;
mod due;
pub mod hold_book;
pub mod ledger;
pub mod list_capacity;
pub mod list_counts;
pub mod list_expiring_holds;
pub mod list_incoming;
pub mod list_locations;
pub mod list_low_stock;
pub mod list_movements;
pub mod list_stock;
pub mod list_stock_at_location;
pub mod page;
pub mod receipts;
pub mod reservation_by_id;
pub mod skus_in_bins;
pub mod stock_as_of;
pub mod stock_of_sku;
pub mod sum_movements;
pub mod sweep;
pub mod transfers;
