//! `comanda verify`: every counter and every view computed anew from the log, and compared.

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use comanda_inventory::application::audit::Audit;
use cqrs::{Finding, audit_log, audit_views};
use miette::{IntoDiagnostic, Result, miette};
use serde::Serialize;

use crate::cli::DataFolder;
use crate::compose::Data;
use crate::serve::has_data;

/// Findings printed one by one; of the others only the number is told.
const PRINTED_MAX: usize = 50;

/// What `verify` can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    #[command(flatten)]
    data: DataFolder,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// What was found.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Nothing differs.
    pub(crate) ok: bool,
    /// Events read, from the first one on.
    pub(crate) events: u64,
    /// Reservations whose holds were added up.
    pub(crate) reservations: u64,
    /// SKUs whose counters were compared with their ledger and their holds.
    pub(crate) skus: u64,
    /// Rows of the views compared with the fold of the log.
    pub(crate) rows: u64,
    /// Events that the views had not read yet when the data was left; they are read at the next start.
    pub(crate) views_behind: u64,
    /// Units promised that were not there, over all SKUs and all moments.
    pub(crate) oversold: i64,
    /// Everything that differs.
    pub(crate) findings: Vec<String>,
    /// How long it took, in seconds.
    pub(crate) elapsed_s: f64,
}

/// Verifies the data and prints what was found.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    let report = verify(&options.data.dir).await?;
    if options.json {
        println!("{}", serde_json::to_string(&report).into_diagnostic()?);
    } else {
        print(&report);
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Verifies the data in `dir`, which no other process may be using.
pub(crate) async fn verify(dir: &Path) -> Result<Report> {
    if !has_data(dir) {
        return Err(miette!(
            help = "name the folder that `comanda serve --data` was given",
            "there is no data in {}",
            dir.display()
        ));
    }
    verify_data(&Data::open_inventory(dir, 1).into_diagnostic()?).await
}

pub(crate) async fn verify_data(data: &Data) -> Result<Report> {
    let started = Instant::now();
    let mut found: Vec<Finding> = Vec::new();
    let mut audit = Audit::default();
    let events = audit_log(&data.context, data.log(), &mut found, |event| audit.see(event)).await.into_diagnostic()?;
    let views = audit_views(&data.context, data.log(), data.rows(), &mut found).await.into_diagnostic()?;
    let books = audit.finish();
    let findings: Vec<String> = found.iter().map(ToString::to_string).chain(books.findings).collect();
    Ok(Report {
        ok: findings.is_empty() && books.oversold == 0,
        events,
        reservations: books.reservations,
        skus: books.skus,
        rows: views.rows,
        views_behind: views.behind_max,
        oversold: books.oversold,
        findings,
        elapsed_s: started.elapsed().as_secs_f64(),
    })
}

pub(crate) fn print(report: &Report) {
    let Report { events, reservations, skus, rows, elapsed_s, .. } = report;
    println!(
        "verified {events} events, {reservations} reservations, {skus} SKUs and {rows} rows of the views in {elapsed_s:.1} s"
    );
    if report.views_behind > 0 {
        println!("the views are up to {} events behind the log; they catch up at the next start", report.views_behind);
    }
    for finding in report.findings.iter().take(PRINTED_MAX) {
        println!("  differs: {finding}");
    }
    if let Some(more) = report.findings.len().checked_sub(PRINTED_MAX).filter(|more| *more > 0) {
        println!("  and {more} more");
    }
    if report.ok {
        println!("every counter, hold and view is what the log says; nothing was ever oversold");
    } else {
        println!("NOT AS IT MUST BE: {} findings, {} units oversold", report.findings.len(), report.oversold);
    }
}
