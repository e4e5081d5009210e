//! What Fulfillment can be asked, one query per file, and what is neither rule nor view.

pub mod carrier;
