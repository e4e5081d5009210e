//! Inventory as a whole, seen from outside.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod api;
mod as_of;
mod audit;
mod failures;
mod house;
mod messages;
mod orders;
mod properties;
mod shapes;
mod views;
