//! Fulfillment from outside.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test may fail loudly")]

mod api;
mod backorders;
mod booking;
mod carrier;
mod failures;
mod house;
mod inventory;
mod leaving;
mod leaving_shapes;
mod locked_shapes;
mod properties;
mod shapes;
mod warehouse;
mod warehouse_shapes;
