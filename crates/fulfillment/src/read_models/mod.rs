//! The views of Fulfillment: rows shaped for its questions, folded from the log.

pub mod backorders;
pub mod demand;
pub mod orders;
pub mod pick_lists;
pub mod returns;
pub mod shipments;
pub mod waves;
