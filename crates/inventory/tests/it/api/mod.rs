//! The HTTP interface over in-memory stores, without a socket: what a client sends, what it gets, what it changed.

mod bad_input;
mod conditions;
mod counts;
mod description;
mod headers;
mod history;
mod lists;
mod owners;
mod reservations;
mod shop;
mod short_paths;
mod sourcing;
mod stock;
