//! The HTTP interface over in-memory stores, without a socket: what a client sends, what it gets, what it changed.

mod backorders;
mod bad_input;
mod description;
mod headers;
mod lists;
mod movements;
mod receipts;
mod reservations;
mod shop;
mod short_paths;
mod stock;
mod transfers;
