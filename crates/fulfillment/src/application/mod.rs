//! The questions this context answers, one query per file, and the ports it needs.

pub mod book_shipments;
pub mod carrier;
pub mod list_backorders;
pub mod list_orders;
pub mod list_pick_lists;
pub mod order_by_id;
pub mod page;
pub mod pick_list_by_id;
pub mod returns;
pub mod sentences;
pub mod shipments;
pub mod timeline;
pub mod waits;
pub mod waves;
