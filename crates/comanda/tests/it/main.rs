//! The program seen from outside: its binary started as a user would, asked over HTTP, killed, and its data examined.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adjustments;
mod availability;
mod bad_input;
mod bad_request;
mod batches;
mod carrier;
mod consistency;
mod demo;
mod durability;
mod failures;
mod fixture;
mod full_disk;
mod gateway;
mod history;
mod hostile;
mod http;
mod keys;
mod lists;
mod operators;
mod orders;
mod process;
mod reservations;
mod server;
mod shop;
mod short_paths;
mod skus;
mod verify;
mod wait;
