//! The table of speeds: each figure beside its comparator, measured in the same run on the same cores.
//!
//! `cargo bench -p comanda --bench quality -- [--quick] [--only 1,4] [--json FILE]`. Server and comparators are processes
//! of their own, so that both share the cores with the generator alike. A bar that is missed is said, not a failure.

mod bare_axum;
mod bare_batches;
mod batches;
mod bench;
mod calls;
#[path = "../../src/disk.rs"]
mod disk;
mod hot_sku;
mod idle;
mod imports;
mod lag;
mod many_skus;
mod one_client;
mod open_holds;
mod orders_at_rate;
mod orders_sustained;
mod others;
mod overload;
mod process;
mod raw_append;
mod read_one;
mod rebuild;
mod row;
mod row_update;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use miette::{IntoDiagnostic, Result, WrapErr};
use serde_json::json;

use bench::Bench;
use others::Ticks;
use row::Row;

/// The same allocator as the program's, for the comparators too.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures Comanda against its bars on this machine.
#[derive(Debug, Parser)]
struct Cli {
    #[command(subcommand)]
    comparator: Option<Comparator>,
    /// Short runs, one round, fewer holds: a look, not a verdict.
    #[arg(long)]
    quick: bool,
    /// Measure only these rows of the table, by number.
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = clap::value_parser!(u8).range(1..=14))]
    only: Vec<u8>,
    /// Write the table as JSON as well.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

impl Cli {
    fn wants(&self, number: u8) -> bool {
        // 11 is measured in the rounds of 1, beside it.
        let asked = |number| self.only.contains(&number);
        self.only.is_empty() || asked(number) || number == 1 && asked(11)
    }
}

/// What this program is when it was started by itself.
#[derive(Debug, Subcommand)]
enum Comparator {
    /// Parses reservations and stores nothing.
    #[command(name = "serve-bare-axum", hide = true)]
    BareAxum {
        /// What it answers to a read of stock.
        stock: String,
    },
    /// Appends two rows per reservation of a batch, and knows no rule.
    #[command(name = "serve-bare-batches", hide = true)]
    BareBatches {
        /// Where its log is made.
        dir: PathBuf,
    },
    /// Reserves by a conditional UPDATE of a row.
    #[command(name = "serve-row-update", hide = true)]
    RowUpdate {
        /// Where its database is made.
        dir: PathBuf,
    },
}

fn main() -> Result<ExitCode> {
    let cli = Cli::parse();
    if cfg!(debug_assertions) {
        println!("nothing is measured in a debug build; use `cargo bench`");
        return Ok(ExitCode::SUCCESS);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().into_diagnostic()?;
    runtime.block_on(async {
        match cli.comparator {
            Some(Comparator::BareAxum { stock }) => bare_axum::serve(stock).await?,
            Some(Comparator::BareBatches { dir }) => bare_batches::serve(&dir).await?,
            Some(Comparator::RowUpdate { dir }) => row_update::serve(&dir).await?,
            None => table(&cli).await?,
        }
        Ok(ExitCode::SUCCESS)
    })
}

async fn table(cli: &Cli) -> Result<()> {
    let mut bench = Bench::new(cli.quick)?;
    let before = bench.fdatasync_per_s()?;
    println!("{}; disk: {before:.0} fdatasync/s", bench.describe());
    let (mut rows, mut busy) = (Vec::<Row>::new(), Vec::new());
    for number in (1..=10).chain(12..=14).filter(|number| cli.wants(*number)) {
        eprintln!("measuring row {number} ...");
        let started = Ticks::now();
        match measure(number, &mut bench).await {
            Ok(measured) => rows.extend(measured),
            Err(why) => rows.push(Row::failed(number, &why)),
        }
        let others = started.and_then(Ticks::others_since).unwrap_or(f64::NAN);
        busy.push(format!("{number}: {:.0} %", others * 100.0));
    }
    rows.sort_by_key(Row::number);
    let after = bench.fdatasync_per_s()?;
    println!("{}", row::render(&rows));
    println!("other processes used of this machine, by row: {}", busy.join(", "));
    println!("disk: {before:.0} fdatasync/s before, {after:.0} after; {}", bench.describe());
    if let Some(file) = &cli.json {
        let table = json!({
            "quick": cli.quick, "machine": bench.describe(), "fdatasyncPerS": [before, after], "othersByRow": busy,
            "rows": rows,
        });
        let text = serde_json::to_string_pretty(&table).into_diagnostic()?;
        std::fs::write(file, text).into_diagnostic().wrap_err_with(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}

async fn measure(number: u8, bench: &mut Bench) -> Result<Vec<Row>> {
    match number {
        1 => hot_sku::measure(bench).await,
        2 => many_skus::measure(bench).await,
        3 => open_holds::measure(bench).await,
        4 => one_client::measure(bench).await,
        5 => batches::measure(bench).await,
        6 => read_one::measure(bench).await,
        7 => lag::measure(bench).await,
        8 => rebuild::measure(bench).await,
        9 => idle::measure(bench).await,
        10 => overload::measure(bench).await,
        12 => orders_at_rate::measure(bench).await,
        13 => orders_sustained::measure(bench).await,
        _ => imports::measure(bench).await,
    }
}
