//! The program seen from outside: its binary started as a user would, asked over HTTP, killed, and its data examined.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod adjustments;
mod availability;
mod bad_input;
mod bad_request;
mod batches;
mod carrier;
mod config;
mod consistency;
mod demo;
mod durability;
mod events;
mod failures;
mod fixture;
mod full_disk;
mod gateway;
mod history;
mod hostile;
mod http;
mod lists;
mod movements;
mod operators;
mod orders;
mod process;
mod projections;
mod receipts;
mod reservations;
mod server;
mod shop;
mod short_paths;
mod skus;
mod stock_file;
mod transfers;
mod verify;
mod viewer;
mod wait;
