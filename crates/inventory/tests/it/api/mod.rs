//! The HTTP interface over in-memory stores, without a socket: what a client sends, what it gets, what it changed.

mod backorders;
mod bad_input;
mod conditions;
mod counts;
mod description;
mod headers;
mod history;
mod hoarding;
mod lists;
mod movements;
mod owners;
mod receipts;
mod reservations;
mod shop;
mod short_paths;
mod sourcing;
mod stock;
mod transfers;
