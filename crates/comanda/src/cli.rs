//! The command line: what can be asked of the program, and how it says what went wrong.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};
use miette::{IntoDiagnostic, Result, miette};

use crate::carrier::standin;
use crate::config::{self, CommandLine};
use crate::stock_file::{export, import};
use crate::{
    backup, crash, demo, documents, events, examples, faults, keys, load, projections, restore, serve, telemetry,
    verify,
};

/// Holds stock for carts and orders, and cannot oversell.
///
/// Try `comanda demo` first: it starts a shop on an empty folder, holds a flash sale and proves that nothing was
/// oversold. `--help` behind a command shows its settings and examples.
///
/// Exit codes: 0 it is done; 1 a check has failed, or a part of it could not be; 2 it could not be done at all.
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
    /// Copy a data folder as it stands at one moment, while its server runs. Every log is read back and checked.
    ///
    /// For example: `comanda backup --data /srv/comanda --to /backups/monday`
    Backup(backup::Options),
    /// Make a data folder of a backup, and verify it. Exit code 1 if anything differs: then nothing is restored.
    ///
    /// For example: `comanda restore --from /backups/monday --data /srv/comanda`
    Restore(restore::Options),
    /// Bring the catalogue and the stock of a running server to what a CSV file says. Exit code 1 if a row cannot be applied.
    Import(import::Options),
    /// Write the catalogue and the stock of a running server as a CSV file.
    Export(export::Options),
    /// Print the settings that `serve` would run with, and where each comes from: a flag, the environment, a file, or the
    /// default.
    Config(config::Options),
    /// What the contexts tell each other, read from a running server.
    #[command(subcommand)]
    Events(Events),
    /// Make, list, rotate and revoke the API keys that open a server.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Print the OpenAPI document of the HTTP API.
    Openapi,
    /// Print the AsyncAPI document of the contract events.
    Asyncapi,
    /// Print the script that makes your shell complete this command line.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Look after the views: list them, build one anew, go back to the build before.
    #[command(subcommand)]
    Projections(projections::Command),
    /// A stand-in for a carrier, for trying out bookings: it can be slow, fail, and say yes unheard.
    ///
    /// Exit code 1 if a reference was booked twice.
    Carrier(standin::Options),
    /// Put load on a running server and judge what it answered.
    #[command(subcommand)]
    Load(Load),
}

#[derive(Debug, Subcommand)]
enum Events {
    /// Print contract events as they happen, a line each.
    Tail(events::TailOptions),
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
    /// The folder with the data; `serve` makes it if it does not exist. One process at a time can use it.
    #[arg(long = "data", value_name = "DIR", env = "COMANDA_DATA_DIR")]
    pub(crate) dir: PathBuf,
}

/// Runs what was asked for; what goes wrong is told on standard error, and in the exit code: 1 for a check that
/// failed, 2 for something that could not be done.
pub(crate) fn run() -> ExitCode {
    let line = match CommandLine::of(std::env::args_os().collect()) {
        Ok(line) => line,
        Err(report) => return complain(&report),
    };
    let matches = match examples::with_examples(Cli::command()).try_get_matches_from(&line.arguments) {
        Ok(matches) => matches,
        Err(wrong) => match line.complaint(&wrong) {
            Some(report) => return complain(&report),
            None => wrong.exit(),
        },
    };
    let cli = match Cli::from_arg_matches(&matches) {
        Ok(cli) => cli,
        Err(wrong) => return complain(&miette!("{wrong}")),
    };
    telemetry::log();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(cause) => return complain(&miette!("cannot start the runtime: {cause}")),
    };
    let done = match cli.command {
        Command::Serve(options) => runtime.block_on(serve::run(options)),
        Command::Demo(options) => runtime.block_on(demo::run(options)),
        Command::Verify(options) => runtime.block_on(verify::run(options)),
        Command::Backup(options) => backup::run(options),
        Command::Restore(options) => runtime.block_on(restore::run(options)),
        Command::Import(options) => runtime.block_on(import::run(options)),
        Command::Export(options) => runtime.block_on(export::run(options)),
        Command::Config(options) => match matches.subcommand() {
            Some((_, matches)) => line.print(&options, matches).map(|()| ExitCode::SUCCESS),
            None => Ok(ExitCode::SUCCESS),
        },
        Command::Events(Events::Tail(options)) => runtime.block_on(events::tail(options)),
        Command::Completions { shell } => documents::print(completions(shell)),
        Command::Keys(command) => keys::run(command),
        Command::Openapi => documents::print(documents::openapi()),
        Command::Asyncapi => documents::print(documents::asyncapi()),
        Command::Projections(command) => runtime.block_on(projections::run(command)),
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

/// The script that makes `shell` complete this command line.
fn completions(shell: clap_complete::Shell) -> Result<String> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "comanda", &mut script);
    String::from_utf8(script).into_diagnostic()
}

fn complain(report: &miette::Report) -> ExitCode {
    note!("{report:?}");
    ExitCode::from(2)
}
