//! The command line: what can be asked of the program, and how it says what went wrong.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::carrier::standin;
use crate::{crash, demo, documents, faults, keys, load, serve, telemetry, verify};

/// Holds stock for carts and orders, and cannot oversell.
///
/// Try `comanda demo` first: it starts a shop on an empty folder, holds a flash sale and proves that nothing was
/// oversold.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the HTTP API on a data folder, until a signal stops it.
    Serve(serve::Options),
    /// The whole thing in half a minute: a shop, its orders, a day in its warehouse, a flash sale, the proof. Then it stays
    /// up.
    Demo(demo::Options),
    /// Recompute every counter and view from the log and compare. Exit code 1 if anything differs.
    Verify(verify::Options),
    /// Make, list, rotate and revoke the API keys that open a server.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Print the OpenAPI document of the HTTP API.
    Openapi,
    /// Print the AsyncAPI document of the contract events.
    Asyncapi,
    /// A stand-in for a carrier, for trying out bookings: it can be slow, fail, and say yes unheard.
    ///
    /// Exit code 1 if a reference was booked twice.
    Carrier(standin::Options),
    /// Put load on a running server and judge what it answered.
    #[command(subcommand)]
    Load(Load),
}

#[derive(Debug, Subcommand)]
enum Load {
    /// Thousands of buyers at once for a few units of one SKU.
    FlashSale(load::FlashSaleOptions),
    /// Kill a server of its own with -9 again and again under load, and check what it acknowledged.
    Crash(crash::Options),
    /// Place orders while both contexts of its own are killed with -9 and their messages harmed; nothing may be lost,
    /// doubled or stuck.
    Faults(faults::Options),
}

/// Where the data lives.
#[derive(Debug, Args)]
pub(crate) struct DataFolder {
    /// The folder with the data; made if it does not exist. One process at a time can use it.
    #[arg(long = "data", value_name = "DIR", env = "COMANDA_DATA_DIR")]
    pub(crate) dir: PathBuf,
}

/// Where a server is reached.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// The server's address.
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) addr: SocketAddr,
}

/// Runs what was asked for; what goes wrong is told on standard error, and in the exit code: 1 for a check that
/// failed, 2 for something that could not be done.
pub(crate) fn run(cli: Cli) -> ExitCode {
    telemetry::log();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return complain(&miette::miette!("cannot start the runtime: {cause}")),
    };
    let done = match cli.command {
        Command::Serve(options) => runtime.block_on(serve::run(options)),
        Command::Demo(options) => runtime.block_on(demo::run(options)),
        Command::Verify(options) => runtime.block_on(verify::run(options)),
        Command::Keys(command) => keys::run(command),
        Command::Openapi => documents::print(documents::openapi()),
        Command::Asyncapi => documents::print(documents::asyncapi()),
        Command::Carrier(options) => runtime.block_on(standin::run(options)),
        Command::Load(Load::FlashSale(options)) => runtime.block_on(load::flash_sale(options)),
        Command::Load(Load::Crash(options)) => runtime.block_on(crash::run(options)),
        Command::Load(Load::Faults(options)) => runtime.block_on(faults::run(options)),
    };
    match done {
        Ok(code) => code,
        Err(report) => complain(&report),
    }
}

fn complain(report: &miette::Report) -> ExitCode {
    eprintln!("{report:?}");
    ExitCode::from(2)
}
