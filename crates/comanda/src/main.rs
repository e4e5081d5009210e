//! Comanda: inventory reservation that cannot oversell. One binary; `comanda --help` says what it does.

// A closed pipe must not end the program in a panic.
#![warn(clippy::print_stdout, clippy::print_stderr)]

#[macro_use]
mod output;

mod address;
mod asking;
mod backup;
mod by_context;
mod carrier;
mod cli;
mod compose;
mod config;
mod counted;
mod crash;
mod demo;
mod disk;
mod documents;
mod door;
mod events;
mod examples;
mod fault;
mod faults;
mod gateway;
mod keys;
mod listen;
mod load;
mod lots;
mod ops;
mod outgoing;
mod platform;
mod projections;
mod restore;
mod routes;
mod serve;
mod site;
mod stock_file;
mod telemetry;
mod tenants;
mod tokens;
mod verify;
mod victim;
mod viewer;

use std::process::ExitCode;

/// Fewer page faults and less waiting between threads than the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::run()
}
