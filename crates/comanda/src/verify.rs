//! `comanda verify`: every counter and every view computed anew from the log, and compared.

mod between;
mod once;

use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use comanda_inventory::application::audit::Audit;
use cqrs::{Finding, Recorded, audit_log, audit_views};
use miette::{IntoDiagnostic, Result};
use serde::Serialize;

use crate::backup::manifest::refuse_backup;
use crate::cli::DataFolder;
use crate::compose::Data;
use crate::counted::counted;
use crate::platform::Contexts;
use crate::serve::{has_data, no_data_in};
use crate::tenants;
use between::Between;

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
#[derive(Clone, Debug, Default, Serialize)]
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
    /// Orders whose holds were compared with what Inventory says.
    pub(crate) orders: u64,
    /// Orders that were not compared, because a message about them was still on its way.
    pub(crate) orders_in_flight: u64,
    /// Messages that wait in an inbox for somebody to look.
    pub(crate) dead_letters: i64,
    /// Messages between the contexts, each received once.
    pub(crate) messages: u64,
    /// How many of them waited in an inbox before they had their effect.
    pub(crate) messages_parked: u64,
    /// Messages published and not yet received; they are at the next start.
    pub(crate) messages_in_flight: u64,
    /// Streams that wait in a view because an event of theirs could not be applied there: what waits was not compared.
    pub(crate) parked: Vec<String>,
    /// Everything that differs.
    pub(crate) findings: Vec<String>,
    /// How long it took, in seconds.
    pub(crate) elapsed_s: f64,
}

/// Verifies the data and prints what was found.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    // To open a log may migrate it.
    refuse_backup(&options.data.dir)?;
    let report = verify_all(&options.data.dir).await?;
    if options.json {
        say!("{}", serde_json::to_string(&report).into_diagnostic()?)?;
    } else {
        print(&report)?;
    }
    Ok(if report.ok { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Verifies the data in `dir`, which no other process may be using.
pub(crate) async fn verify(dir: &Path) -> Result<Report> {
    if !has_data(dir) {
        return Err(no_data_in(dir));
    }
    let there = |context: &str| dir.join(context).join("log.db").exists();
    let inventory = there("inventory").then(|| Data::open_inventory(dir, 1)).transpose().into_diagnostic()?;
    let fulfillment = there("fulfillment").then(|| Data::open_fulfillment(dir, 1)).transpose().into_diagnostic()?;
    verify_contexts(&Contexts { inventory, fulfillment }).await
}

/// Verifies the data in `dir`, and that of every other tenant below it.
pub(crate) async fn verify_all(dir: &Path) -> Result<Report> {
    let mut report = verify(dir).await?;
    for tenant in tenants::tenants_in(dir)? {
        report.add(&tenant, verify(&tenants::dir_of(dir, &tenant)).await?);
    }
    Ok(report)
}

/// Verifies each context by itself and, where both are there, what lies between them.
pub(crate) async fn verify_contexts(contexts: &Contexts) -> Result<Report> {
    let started = Instant::now();
    let mut report = Report::default();
    let mut between = Between::default();
    if let Some(inventory) = &contexts.inventory {
        let mut audit = Audit::default();
        let see = |event: &Recorded| {
            audit.see(event);
            between.see_inventory(event);
        };
        report.verify(inventory, see).await?;
        let books = audit.finish();
        (report.reservations, report.skus, report.oversold) = (books.reservations, books.skus, books.oversold);
        report.findings.extend(books.findings);
    }
    if let Some(fulfillment) = &contexts.fulfillment {
        report.verify(fulfillment, |event| between.see_fulfillment(event)).await?;
    }
    if contexts.inventory.is_some() && contexts.fulfillment.is_some() {
        let found = between.finish();
        (report.orders, report.orders_in_flight) = (found.orders, found.in_flight);
        report.dead_letters = found.dead_letters;
        (report.messages, report.messages_parked) = (found.messages, found.messages_parked);
        report.messages_in_flight = found.messages_in_flight;
        report.findings.extend(found.findings);
    }
    report.ok = report.findings.is_empty() && report.oversold == 0;
    report.elapsed_s = started.elapsed().as_secs_f64();
    Ok(report)
}

impl Report {
    /// Adds what was found of another tenant.
    fn add(&mut self, tenant: &str, other: Self) {
        self.ok &= other.ok;
        self.events += other.events;
        self.reservations += other.reservations;
        self.skus += other.skus;
        self.rows += other.rows;
        self.views_behind = self.views_behind.max(other.views_behind);
        self.oversold += other.oversold;
        self.orders += other.orders;
        self.orders_in_flight += other.orders_in_flight;
        self.dead_letters += other.dead_letters;
        self.messages += other.messages;
        self.messages_parked += other.messages_parked;
        self.messages_in_flight += other.messages_in_flight;
        self.findings.extend(other.findings.iter().map(|finding| format!("tenant {tenant}: {finding}")));
        self.elapsed_s += other.elapsed_s;
    }

    /// The log and the views of one context; `see` sees every event.
    async fn verify(&mut self, data: &Data, see: impl FnMut(&Recorded)) -> Result<()> {
        let mut found: Vec<Finding> = Vec::new();
        self.events += audit_log(&data.context, data.log(), &mut found, see).await.into_diagnostic()?;
        let views = audit_views(&data.context, data.log(), data.rows(), &mut found).await.into_diagnostic()?;
        self.rows += views.rows;
        self.views_behind = self.views_behind.max(views.behind_max);
        let parked = views.parked.iter().map(|(view, parked)| format!("{}: {view}: {parked}", data.context.name()));
        self.parked.extend(parked);
        self.findings.extend(found.iter().map(|finding| format!("{}: {finding}", data.context.name())));
        Ok(())
    }
}

pub(crate) fn print(report: &Report) -> Result<()> {
    let Report { events, reservations, skus, orders, rows, elapsed_s, .. } = report;
    say!(
        "verified {}, {}, {}, {} and {} of the views in {elapsed_s:.1} s",
        counted(*events, "event"),
        counted(*reservations, "reservation"),
        counted(*skus, "SKU"),
        counted(*orders, "order"),
        counted(*rows, "row"),
    )?;
    if report.orders_in_flight > 0 {
        let orders = counted(report.orders_in_flight, "order");
        say!("messages about {orders} are on their way: not compared; they go on at the next start")?;
    }
    if report.dead_letters > 0 {
        let messages = counted(report.dead_letters.unsigned_abs(), "message");
        say!("for somebody to look at (GET /v1/dead-letters): {messages}")?;
    }
    if report.views_behind > 0 {
        let events = counted(report.views_behind, "event");
        say!("the views are up to {events} behind the log; they catch up at the next start")?;
    }
    for parked in report.parked.iter().take(PRINTED_MAX) {
        say!("  parked, and not compared from there on: {parked}")?;
    }
    for finding in report.findings.iter().take(PRINTED_MAX) {
        say!("  differs: {finding}")?;
    }
    if let Some(more) = report.findings.len().checked_sub(PRINTED_MAX).filter(|more| *more > 0) {
        say!("  and {more} more")?;
    }
    if report.ok {
        say!("every counter, hold and view is what the log says; nothing was ever oversold")?;
    } else {
        let (findings, units) =
            (counted(report.findings.len() as u64, "finding"), counted(report.oversold.unsigned_abs(), "unit"));
        say!("NOT AS IT MUST BE: {findings}, {units} oversold")?;
    }
    Ok(())
}
