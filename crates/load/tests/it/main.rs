//! The load generator and judge, tested against small servers of the tests' own.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod chaos;
mod client;
mod crash;
mod fake_orders;
mod fake_shop;
mod files;
mod fixtures;
mod flash_sale;
mod generators;
mod order_load;
mod order_replay;
mod replay;
mod retail;
mod server;
mod warehouse;
