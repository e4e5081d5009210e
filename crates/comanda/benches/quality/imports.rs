//! Row 14: a catalogue of 100,000 SKUs with their stock, imported from a CSV file by the program, and imported again.

use std::fmt::Write;
use std::path::Path;

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use serde_json::Value;
use tokio::process::Command;

use crate::bench::{Bench, median};
use crate::calls::metric;
use crate::process::Process;
use crate::raw_append::RawLog;
use crate::row::{Row, grouped, per_s};

const ROWS: u64 = 100_000;
const ROWS_QUICK: u64 = 10_000;
/// "In seconds".
const SECONDS_MAX: f64 = 10.0;
/// Events of one raw transaction: those of one page of the file.
const RAW_BATCH: usize = 2_000;

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let rows = bench.either(ROWS, ROWS_QUICK);
    let home = bench.folder();
    std::fs::create_dir_all(&home).into_diagnostic()?;
    let file = home.join("catalogue.csv");
    std::fs::write(&file, catalogue(rows)?).into_diagnostic()?;
    let mut raw = RawLog::open(&bench.folder())?;
    let (mut new, mut again, mut of_raw, mut ratios) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut events = 0.0;
    for _ in 0..bench.rounds() {
        let span = bench.span();
        let appended = tokio::task::spawn_blocking(move || raw.rate(RAW_BATCH, span).map(|rate| (raw, rate)));
        let rate;
        (raw, rate) = appended.await.into_diagnostic()??;
        let server = Process::comanda(&bench.folder()).await?;
        let before = recorded(&server).await?;
        let elapsed_s = imported(&server, &file, "registered", rows).await?;
        events = recorded(&server).await? - before;
        ratios.push(events / elapsed_s / rate);
        of_raw.push(events / rate);
        new.push(elapsed_s);
        again.push(imported(&server, &file, "unchanged", rows).await?);
        server.stop().await?;
    }
    let (new, again) = (median(&new), median(&again));
    let measure = |what: &str| format!("import of {} rows from a CSV file, {what}", grouped(rows));
    Ok(vec![
        Row::new(14, measure("all new"))
            .comparator(format!("raw append {:.2} s", median(&of_raw)))
            .ours(format!("{new:.2} s, {}", per_s(rows as f64 / new)))
            .ratio(median(&ratios))
            .bar("<= 10 s", new <= SECONDS_MAX)
            .note(format!("raw: the {} events of the import alone, {RAW_BATCH} a transaction", grouped(events as u64))),
        Row::new(14, measure("the same again"))
            .ours(format!("{again:.2} s, {}", per_s(rows as f64 / again)))
            .bar("<= 10 s", again <= SECONDS_MAX)
            .note("nothing changes, so nothing is recorded"),
    ])
}

/// A file as a shop's own system would write it.
fn catalogue(rows: u64) -> Result<String> {
    let mut text = "sku,name,safetyStock,onHand,bin\n".to_owned();
    for row in 0..rows {
        let (on_hand, aisle, shelf) = (row % 500 + 1, row % 40, row % 25);
        writeln!(text, "SKU-{row:06},Article number {row},2,{on_hand},A{aisle:02}-{shelf:02}").into_diagnostic()?;
    }
    Ok(text)
}

/// Runs `comanda import`, of whose rows all must be `what`; returns its seconds.
async fn imported(server: &Process, file: &Path, what: &str, rows: u64) -> Result<f64> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_comanda"));
    command.arg("import").arg(file).args(["--addr", &server.addr().to_string(), "--json"]).kill_on_drop(true);
    let output = command.output().await.into_diagnostic()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    let complaint = || format!("the import said: {printed}{}", String::from_utf8_lossy(&output.stderr));
    let last = printed.lines().last().unwrap_or_default();
    let report: Value = serde_json::from_str(last).into_diagnostic().wrap_err_with(complaint)?;
    match report["elapsedS"].as_f64() {
        Some(elapsed_s) if output.status.success() && report[what] == rows => Ok(elapsed_s),
        _ => Err(miette!("not every row was {what}: {}", complaint())),
    }
}

async fn recorded(server: &Process) -> Result<f64> {
    // Not there before the first event.
    Ok(metric(server, "executor_events_total").await?.unwrap_or(0.0))
}
