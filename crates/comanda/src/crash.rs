//! `comanda load crash`: a server of its own, killed with -9 at random moments under load; everything it acknowledged must stand.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Args;
use comanda_load::{CrashLoad, CrashLog, Verdict};
use indicatif::{ProgressBar, ProgressStyle};
use miette::{IntoDiagnostic, Result, miette};

use crate::lots::Lots;
use crate::victim::Victim;
use crate::{load, verify};

/// Every so many rounds the data is verified and everything is judged over HTTP; the last round always.
const JUDGE_EVERY: u32 = 10;

/// What the crash test can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A folder for the data; a temporary one by default. It must be empty or new.
    #[arg(long = "data", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How often the server is killed.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    kills: u32,
    /// Connections that keep sending.
    #[arg(long, value_name = "N", default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    connections: u16,
    /// The longest a server lives before it is killed, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    life_ms_max: u64,
    /// Decides what is sent and when the server dies.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The negative control: run the server so that it answers before it commits, and expect to catch it.
    #[arg(long, hide = cfg!(not(feature = "faults")))]
    control: bool,
}

/// Kills and judges. Exit code 1 if a promise was broken (or, in the control, if none was found broken).
pub(crate) async fn run(options: Options) -> Result<ExitCode> {
    if options.control && cfg!(not(feature = "faults")) {
        return Err(miette!(help = "build it with `--features faults`", "this program has no faults to order"));
    }
    let temporary = tempfile::tempdir().into_diagnostic()?;
    let dir = options.dir.clone().unwrap_or_else(|| temporary.path().join("data"));
    if verify_would_find(&dir) {
        return Err(miette!(help = "name a folder that is empty or new", "{} has data already", dir.display()));
    }
    let outcome = rounds(&options, &dir).await?;
    let Outcome { kills, log, verdict, findings, elapsed } = outcome;
    let counts = log.counts();
    say!(
        "{kills} kills in {:.0} s: {} commands acknowledged, {} refused, {} with an unknown outcome, {} sent twice",
        elapsed.as_secs_f64(),
        counts.acknowledged,
        counts.refused,
        counts.unknown,
        counts.duplicates
    )?;
    say!("{} reservations remembered", log.reservations().len())?;
    if let Some(verdict) = &verdict {
        say!("{} units oversold", verdict.oversold)?;
        load::print_checks(&verdict.checks)?;
    }
    for finding in findings.iter().take(10) {
        say!("  differs: {finding}")?;
    }
    let held = verdict.is_some_and(|verdict| verdict.ok) && findings.is_empty();
    match (held, options.control) {
        (true, false) => say!("every acknowledged command is there, once; every view is what the log says")?,
        (false, false) => say!("A PROMISE WAS BROKEN")?,
        (true, true) => say!("THE CONTROL WAS NOT CAUGHT: answering before the commit lost nothing that was noticed")?,
        (false, true) => say!("the control was caught: answering before the commit loses what was acknowledged")?,
    }
    Ok(if held == options.control { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn verify_would_find(dir: &Path) -> bool {
    crate::serve::has_data(dir)
}

struct Outcome {
    kills: u32,
    log: CrashLog,
    /// None if the server did not start again.
    verdict: Option<Verdict>,
    findings: Vec<String>,
    elapsed: Duration,
}

async fn rounds(options: &Options, dir: &Path) -> Result<Outcome> {
    let started = Instant::now();
    let bar = ProgressBar::new(options.kills.into());
    bar.set_style(ProgressStyle::with_template("{bar:40} {pos}/{len} kills {msg}").into_diagnostic()?);
    let mut server = start(dir, options).await?;
    let mut load = CrashLoad {
        addr: server.addr,
        connections: usize::from(options.connections),
        // One SKU is scarce, so that refusals occur as well.
        opening: BTreeMap::from([
            ("plenty".to_owned(), 100_000_000),
            ("some".to_owned(), 50_000),
            ("scarce".to_owned(), 300),
        ]),
        reservations_max: 2_000_000,
        seed: options.seed,
    };
    load.prepare().await.into_diagnostic()?;
    let mut log = CrashLog::default();
    let mut lots = Lots::of(options.seed);
    let mut kills = 0;
    loop {
        let running = load.start(log);
        tokio::time::sleep(Duration::from_millis(lots.between(1, options.life_ms_max))).await;
        server.kill().await?;
        kills += 1;
        log = running.stop().await;
        bar.inc(1);
        bar.set_message(format!("{} acknowledged", log.counts().acknowledged));
        let judged = kills == options.kills || kills.is_multiple_of(JUDGE_EVERY);
        let mut findings = if judged { verify::verify(dir).await?.findings } else { Vec::new() };
        let verdict = match start(dir, options).await {
            Ok(again) => {
                server = again;
                load.addr = server.addr;
                if judged { Some(load.judge(&log).await.into_diagnostic()?) } else { None }
            }
            Err(cause) => {
                findings.push(format!("the server did not start again: {cause}"));
                None
            }
        };
        let broken = !findings.is_empty() || verdict.as_ref().is_some_and(|verdict| !verdict.ok);
        if broken || kills == options.kills {
            bar.finish_and_clear();
            server.kill().await?;
            return Ok(Outcome { kills, log, verdict, findings, elapsed: started.elapsed() });
        }
    }
}

async fn start(dir: &Path, options: &Options) -> Result<Victim> {
    let faults: &[&str] = if options.control { &["--fault-answer-before-commit"] } else { &[] };
    Victim::start(dir, "127.0.0.1:0", faults).await
}
