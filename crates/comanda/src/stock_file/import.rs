//! `comanda import`: makes a catalogue and its stock so, as a CSV file says, and names every row that cannot be so.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use comanda_contracts::{ImportAnswer, ReasonCode};
use comanda_load::Client;
use futures::stream::{self, StreamExt};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::{IntoDiagnostic, Result, WrapErr, miette};

use super::pages::{BadRow, Page, Pages};
use super::seen::Seen;
use super::send::{Sent, send};
use crate::asking::Server;
use crate::counted::counted;

/// Pages on their way at once.
const UNDER_WAY_MAX: usize = 4;

/// A page of a thousand new SKUs may take a busy server a while.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

/// Bad rows that are printed.
const PRINTED_MAX: usize = 50;

/// What the import can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// The CSV file; `-` for standard input. Its first line names the columns, of which only `sku` must be there: sku,
    /// name, safetyStock, backorderLimit, locationId, onHand, bin, damaged, qualityControl. A row with an empty field
    /// leaves that as it is. The file registers no location: `POST /v1/locations` does, for each that it names, before.
    file: PathBuf,
    #[command(flatten)]
    server: Server,
    /// Why stock on hand is not what it was: a reason code such as correction, received or cycle_count.
    #[arg(long, value_name = "CODE", default_value = "correction", value_parser = reason)]
    reason: ReasonCode,
    /// Where that is written down; shown in the ledger beside each change.
    #[arg(long, value_name = "TEXT")]
    reference: Option<String>,
    /// Print the report as one line of JSON.
    #[arg(long)]
    json: bool,
}

/// What became of a file.
#[derive(Default, serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    rows: u64,
    registered: u64,
    changed: u64,
    unchanged: u64,
    /// Rows that were not imported: bad ones, and those on the same page.
    left_out: u64,
    bad_rows: u64,
    elapsed_s: f64,
    #[serde(skip)]
    seen: Seen,
    #[serde(skip)]
    bad: Vec<BadRow>,
    /// The lines of each page that was left out.
    #[serde(skip)]
    pages_left_out: Vec<(u64, u64)>,
}

/// Imports a file into a running server. Exit code 1 if a row could not be imported.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    options.server.introduce()?;
    let (file, bytes) = open(&options.file)?;
    let name = options.file.display().to_string();
    let pages = Pages::of(file).map_err(|why| miette!("{name}, line 1: {why}"))?;
    let bar = bar(bytes)?;
    let (started, mut report) = (Instant::now(), Report::default());
    let clients: Vec<Client> = (0..UNDER_WAY_MAX).map(|_| options.server.client()).collect();
    let idle = std::sync::Mutex::new(clients);
    let sending = stream::iter(pages).map(|page| one(&idle, &options, page)).buffered(UNDER_WAY_MAX);
    tokio::pin!(sending);
    while let Some(done) = sending.next().await {
        let (page, read) = done?;
        report.add(page);
        bar.set_position(read);
        bar.set_message(counted(report.rows, "row"));
    }
    bar.finish_and_clear();
    let seen = std::mem::take(&mut report.seen).waited(&mut options.server.client()).await?;
    report.elapsed_s = started.elapsed().as_secs_f64();
    report.print(&name)?;
    if !seen {
        note!("All of that is stored, but the view of stock is still behind: a query may not show it yet.");
    }
    if options.json {
        say!("{}", serde_json::to_string(&report).into_diagnostic()?)?;
    }
    Ok(if report.bad_rows == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// A page's rows and lines, and what became of it.
struct Done {
    rows: u64,
    lines: (u64, u64),
    sent: Sent,
}

/// Sends a page over a connection that nobody uses.
async fn one(idle: &std::sync::Mutex<Vec<Client>>, options: &Options, page: Page) -> Result<(Done, u64)> {
    let pop = || idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).pop();
    let mut client = pop().unwrap_or_else(|| options.server.client()).with_timeout(ANSWER_WAIT);
    let (rows, lines, read) = ((page.rows.len() + page.bad.len()) as u64, page.lines(), page.read);
    let sent = send(&mut client, page, options.reason, options.reference.as_deref()).await;
    idle.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(client);
    let at = || format!("lines {} to {} may be imported or not; import the file again", lines.0, lines.1);
    Ok((Done { rows, lines, sent: sent.wrap_err_with(at)? }, read))
}

impl Report {
    fn add(&mut self, done: Done) {
        self.rows += done.rows;
        match done.sent {
            Sent::Imported(ImportAnswer { registered, changed, unchanged }, seen) => {
                self.seen.merge_with(seen);
                self.registered += registered;
                self.changed += changed;
                self.unchanged += unchanged;
            }
            Sent::LeftOut(bad) => {
                self.left_out += done.rows;
                self.bad_rows += bad.len() as u64;
                self.pages_left_out.push(done.lines);
                self.bad.extend(bad);
            }
        }
    }

    fn print(&self, name: &str) -> Result<()> {
        for BadRow { line, why } in self.bad.iter().take(PRINTED_MAX) {
            note!("{name}, line {line}: {why}");
        }
        if self.bad.len() > PRINTED_MAX {
            note!("… and {} more", self.bad.len() - PRINTED_MAX);
        }
        let Self { rows, registered, changed, unchanged, .. } = self;
        let rate = *rows as f64 / self.elapsed_s.max(1e-9);
        say!(
            "{} in {:.1} s ({rate:.0} a second): {} registered, {} changed, {} so already",
            counted(*rows, "row"),
            self.elapsed_s,
            counted(*registered, "SKU"),
            counted(*changed, "row"),
            if *unchanged == 1 { "1 was".to_owned() } else { format!("{unchanged} were") }
        )?;
        if self.bad_rows > 0 {
            let lines = |&(from, to): &(u64, u64)| if from == to { from.to_string() } else { format!("{from}–{to}") };
            let pages: Vec<_> = self.pages_left_out.iter().map(lines).collect();
            say!(
                "left out, for {}: {} {}. Mend what is wrong and import the file again: what is in already stays as it is.",
                counted(self.bad_rows, "bad row"),
                if self.left_out == 1 { "line" } else { "lines" },
                pages.join(", ")
            )?;
        }
        Ok(())
    }
}

fn open(path: &Path) -> Result<(Box<dyn Read>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path).into_diagnostic().wrap_err_with(|| format!("cannot read {}", path.display()))?;
    let bytes = file.metadata().ok().map(|metadata| metadata.len());
    Ok((Box::new(file), bytes))
}

fn bar(bytes: Option<u64>) -> Result<ProgressBar> {
    let bar = ProgressBar::with_draw_target(bytes, ProgressDrawTarget::stderr());
    let style = match bytes {
        Some(_) => "importing {bar:36} {percent} % {msg} ({eta} left)",
        None => "importing {spinner} {msg}",
    };
    bar.set_style(ProgressStyle::with_template(style).into_diagnostic()?);
    Ok(bar)
}

fn reason(code: &str) -> Result<ReasonCode, String> {
    let known = |_| "no such reason code; try correction, received, cycle_count, found, lost or other".to_owned();
    serde_json::from_value(serde_json::Value::String(code.to_owned())).map_err(known)
}
