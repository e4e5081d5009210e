//! The tests of the stores, in one program.
#![allow(clippy::expect_used, clippy::panic)]

mod child;
mod contract;
mod durability;
mod opening;
mod streams;
mod support;
mod upcast;
mod views;
