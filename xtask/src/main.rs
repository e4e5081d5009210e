//! The house commands: `cargo xtask ci`, `test`, `tidy`, `interface`, `contracts`, `shapes`, `guards` and `bench`.

mod bench;
mod ci;
mod contracts;
mod end_to_end;
mod examples;
mod guards;
mod interface;
mod model;
mod needs;
mod sh;
mod shapes;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a maker of Comanda types.
#[derive(Parser)]
#[command(name = "cargo xtask", about = "The house commands of Comanda.", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Everything a change must pass: format, lints, all of `test`, documentation.
    Ci,
    /// Every test: the house rules, unit and integration tests, doc tests, examples, the release binary end to end.
    Test,
    /// The house rules alone: the invariants of the architecture and the shape of the repository (a second or two).
    Tidy,
    /// Write `docs/contracts` anew from the types; refused if anything released would break.
    Contracts {
        /// Also take today's schemas as released: later ones must be compatible with them.
        #[arg(long)]
        release: bool,
    },
    /// Take each guard against a known failure out of a copy of the source, and show that its test fails (half an hour).
    Guards {
        /// Only those whose name or test contains this.
        #[arg(default_value = "")]
        only: String,
    },
    /// Ask a real server, by schemathesis, whatever its OpenAPI document allows (three minutes).
    Interface {
        /// What is asked follows from it.
        #[arg(long)]
        seed: Option<u64>,
        /// Made-up requests of each operation.
        #[arg(long)]
        examples: Option<u64>,
    },
    /// Lock new stored events in `docs/events`; refused if one that is locked can no longer be read as it was written.
    Shapes,
    /// The table of speeds against their bars; arguments after `--` go to the bench.
    Bench {
        /// Passed on to the bench binary, for example `--only 5` for the rows of that number.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        args: Vec<String>,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().task {
        Task::Ci => ci::run(),
        Task::Test => test::run(),
        Task::Tidy => tidy::run(),
        Task::Contracts { release } => contracts::run(release),
        Task::Guards { only } => guards::run(&only),
        Task::Interface { seed, examples } => end_to_end::interface(seed, examples),
        Task::Shapes => shapes::run(),
        Task::Bench { args } => bench::run(&args),
    };
    if let Err(error) = result {
        // One line with every cause, and no backtrace: the way out is in the message.
        eprintln!("error: {error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
