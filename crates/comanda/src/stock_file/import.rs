//! `comanda import`: makes a catalogue and its stock so, as a CSV file says, and names every row that cannot be so.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use clap::Args;
use comanda_contracts::ReasonCode;
use comanda_load::Client;
use futures::stream::{self, StreamExt};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use miette::{IntoDiagnostic, Result, WrapErr, miette};

use super::pages::{Page, Pages};
use super::report::{Done, Report};
use super::send::send;
use crate::asking::Server;
use crate::counted::counted;

/// Pages on their way at once.
const UNDER_WAY_MAX: usize = 4;

/// A page of a thousand new SKUs may take a busy server a while.
const ANSWER_WAIT: Duration = Duration::from_secs(60);

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

/// What all pages share on their way.
struct Way<'a> {
    options: &'a Options,
    bar: &'a ProgressBar,
    /// Connections that nobody uses.
    idle: Mutex<Vec<Client>>,
    /// Whether it was said that the server is waited for.
    waits_told: AtomicBool,
    /// Once a page has failed no other is begun; those under way are waited for, so that it is known what became of them.
    stopped: AtomicBool,
}

/// Imports a file into a running server. Exit code 1 if a row could not be imported.
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    options.server.introduce()?;
    let (file, bytes) = open(&options.file)?;
    let name = options.file.display().to_string();
    let pages = Pages::of(file).map_err(|why| miette!("{name}, line 1: {why}"))?;
    let bar = bar(bytes)?;
    let (started, mut report) = (Instant::now(), Report::new());
    let idle = Mutex::new((0..UNDER_WAY_MAX).map(|_| options.server.client()).collect());
    let way = Way { options: &options, bar: &bar, idle, waits_told: false.into(), stopped: false.into() };
    let pages = pages.take_while(|_| !way.stopped.load(Ordering::Relaxed));
    let sending = stream::iter(pages).map(|page| way.send(page)).buffered(UNDER_WAY_MAX);
    tokio::pin!(sending);
    while let Some((page, read)) = sending.next().await {
        report.add(page);
        bar.set_position(read);
        bar.set_message(counted(report.rows, "row"));
    }
    bar.finish_and_clear();
    let failed = report.failure();
    if report.rows > 0 || failed.is_none() {
        let seen = std::mem::take(&mut report.seen);
        // A server that fails is not waited for once more.
        let seen = failed.is_some() || seen.waited(&mut options.server.client()).await?;
        report.elapsed_s = started.elapsed().as_secs_f64();
        report.print(&name)?;
        if !seen {
            note!("All of that is stored, but the view of stock is still behind: a query may not show it yet.");
        }
        if options.json {
            say!("{}", serde_json::to_string(&report).into_diagnostic()?)?;
        }
    }
    match failed {
        Some(why) => Err(why),
        None => Ok(if report.bad_rows == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }),
    }
}

impl Way<'_> {
    /// Sends a page over a connection that nobody uses.
    async fn send(&self, page: Page) -> (Done, u64) {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let client = idle().pop();
        let mut client = client.unwrap_or_else(|| self.options.server.client()).with_timeout(ANSWER_WAIT);
        let (rows, lines, read) = ((page.rows.len() + page.bad.len()) as u64, page.lines(), page.read);
        let waits = |why: &str| {
            if !self.waits_told.swap(true, Ordering::Relaxed) {
                self.bar.suspend(|| note!("waiting for the server, a quarter of a minute or longer: {why}"));
            }
        };
        let (reason, reference) = (self.options.reason, self.options.reference.as_deref());
        let sent = send(&mut client, page, reason, reference, waits).await;
        if sent.is_err() {
            self.stopped.store(true, Ordering::Relaxed);
        }
        idle().push(client);
        (Done { rows, lines, sent }, read)
    }
}

fn open(path: &Path) -> Result<(Box<dyn Read>, Option<u64>)> {
    if path == Path::new("-") {
        return Ok((Box::new(io::stdin()), None));
    }
    let file = File::open(path).into_diagnostic().wrap_err_with(|| format!("cannot read {}", path.display()))?;
    let found = file.metadata().ok();
    if found.as_ref().is_some_and(std::fs::Metadata::is_dir) {
        let help = "name a CSV file, or - for standard input";
        return Err(miette!(help = help, "{} is a folder", path.display()));
    }
    let bytes = found.map(|found| found.len());
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
