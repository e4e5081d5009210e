//! `comanda load faults`: orders while both contexts die at random and their messages are harmed; nothing may be lost or stuck.

mod pair;
mod seed;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use comanda_load::{Entries, Entry, Order, OrderKind};
use indicatif::{ProgressBar, ProgressStyle};
use miette::{IntoDiagnostic, Result, miette};

use crate::load;
use seed::{Outcome, Sum, one};

/// Findings printed for a seed; of the others only the number is told.
const PRINTED_MAX: usize = 10;

/// What the fault test can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many times it is done, each time on a folder of its own.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    seeds: u32,
    /// The first seed: it decides who orders what, when a process dies, and what happens to which message.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Orders placed for each seed.
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    orders_per_seed: u32,
    /// How often a process is killed for each seed, both now and then at once.
    #[arg(long, value_name = "N", default_value_t = 6, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    kills: u32,
    /// The longest both live between two kills, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 1_500, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    life_ms_max: u64,
    /// Take the orders from this file (CSV, also .gz or .zst; columns order_id, ts, kind, ref_order_id, sku, qty) in
    /// place of made-up ones; each seed goes on where the one before it ended.
    #[arg(long, value_name = "FILE")]
    orders: Option<PathBuf>,
    /// Run both contexts in one process: messages go by its channel in place of the feeds.
    #[arg(long)]
    one_process: bool,
    /// A negative control: leave out one guard, and expect to catch it.
    #[arg(long, value_name = "GUARD", hide = cfg!(not(feature = "faults")))]
    control: Option<Control>,
}

/// A guard that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Control {
    /// A message that comes again has its effect again.
    DedupeOff,
    /// Nobody notices that a message is missing.
    GapCheckOff,
}

/// Places, kills, harms and judges. Exit code 1 if a promise was broken (or, in a control, if none was found broken).
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    if options.control.is_some() && cfg!(not(feature = "faults")) {
        return Err(miette!(help = "build it with `--features faults`", "this program has no faults to order"));
    }
    if cfg!(not(feature = "faults")) {
        say!("processes are killed; to harm messages as well, build with `--features faults`")?;
    }
    let mut history = options.orders.as_deref().map(|file| Entries::open(file, None)).transpose().into_diagnostic()?;
    let bar = ProgressBar::new(options.seeds.into());
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} seeds {msg}").into_diagnostic()?);
    let mut sum = Sum::default();
    for number in 0..u64::from(options.seeds) {
        let orders = match &mut history {
            Some(entries) => Some(next_orders(entries, options.orders_per_seed as usize)?),
            None => None,
        };
        if orders.as_ref().is_some_and(Vec::is_empty) {
            return Err(miette!(help = "use fewer seeds", "the file has no orders left for seed {}", number + 1));
        }
        let outcome = one(&options, options.seed + number, orders).await?;
        bar.suspend(|| print(&outcome))?;
        bar.inc(1);
        sum.add(&outcome);
        if !outcome.sound() {
            break;
        }
    }
    bar.finish_and_clear();
    say!("{sum}")?;
    let held = sum.findings == 0;
    match (held, options.control) {
        (true, None) => say!("every order is final, every message had one effect, and every hold has its order")?,
        (false, None) => say!("A PROMISE WAS BROKEN")?,
        (true, Some(control)) => say!("THE CONTROL WAS NOT CAUGHT: with {control:?} nothing was noticed")?,
        (false, Some(control)) => say!("the control was caught: {control:?} breaks a promise")?,
    }
    Ok(if held == options.control.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// The next orders of the file; cancellations are passed over, because the test makes its own.
fn next_orders(entries: &mut Entries, count: usize) -> Result<Vec<Order>> {
    let orders = entries.filter_map(|entry| match entry {
        Ok(Entry::Order(order)) if order.kind == OrderKind::Order => Some(Ok(order)),
        Ok(_) => None,
        Err(why) => Some(Err(why)),
    });
    orders.take(count).collect::<Result<_, _>>().into_diagnostic()
}

fn print(outcome: &Outcome) -> Result<()> {
    say!("{outcome}")?;
    if outcome.sound() {
        return Ok(());
    }
    if let Some(report) = &outcome.report {
        load::print_checks(&report.verdict.checks)?;
    }
    for finding in outcome.findings.iter().take(PRINTED_MAX) {
        say!("  differs: {finding}")?;
    }
    Ok(())
}
