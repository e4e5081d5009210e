//! `comanda load crash`: a server of its own, killed with -9 at random moments under load; everything it acknowledged must stand.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use clap::Args;
use comanda_load::{Call, Client, CrashLoad, CrashLog, Verdict};
use indicatif::{ProgressBar, ProgressStyle};
use miette::{IntoDiagnostic, Result, WrapErr, miette};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

use crate::{load, verify};

/// A server that does not answer by then has failed to start.
const START_WAIT_MAX: Duration = Duration::from_secs(60);

/// Every so many rounds the data is verified and everything is judged over HTTP; the last round always.
const JUDGE_EVERY: u32 = 10;

/// What the crash test can be told.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A folder for the data; a temporary one by default. It must be empty or new.
    #[arg(long = "data", value_name = "DIR")]
    dir: Option<PathBuf>,
    /// How often the server is killed.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    kills: u32,
    /// Connections that keep sending.
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    connections: u16,
    /// The longest a server lives before it is killed, in milliseconds.
    #[arg(long, default_value_t = 250, value_parser = clap::value_parser!(u64).range(1..=60_000))]
    life_ms_max: u64,
    /// Decides what is sent and when the server dies.
    #[arg(long, default_value_t = 1)]
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
    println!(
        "{kills} kills in {:.0} s: {} commands acknowledged, {} refused, {} with an unknown outcome, {} sent twice",
        elapsed.as_secs_f64(),
        counts.acknowledged,
        counts.refused,
        counts.unknown,
        counts.duplicates
    );
    println!("{} reservations remembered", log.reservations().len());
    if let Some(verdict) = &verdict {
        println!("{} units oversold", verdict.oversold);
        load::print_checks(&verdict.checks);
    }
    for finding in findings.iter().take(10) {
        println!("  differs: {finding}");
    }
    let held = verdict.is_some_and(|verdict| verdict.ok) && findings.is_empty();
    match (held, options.control) {
        (true, false) => println!("every acknowledged command is there, once; every view is what the log says"),
        (false, false) => println!("A PROMISE WAS BROKEN"),
        (true, true) => {
            println!("THE CONTROL WAS NOT CAUGHT: answering before the commit lost nothing that was noticed")
        }
        (false, true) => println!("the control was caught: answering before the commit loses what was acknowledged"),
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
    let mut server = Victim::start(dir, options).await?;
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
    let mut luck = options.seed;
    let mut kills = 0;
    loop {
        let running = load.start(log);
        luck = next(luck);
        tokio::time::sleep(Duration::from_millis(1 + luck % options.life_ms_max)).await;
        server.kill().await?;
        kills += 1;
        log = running.stop().await;
        bar.inc(1);
        bar.set_message(format!("{} acknowledged", log.counts().acknowledged));
        let judged = kills == options.kills || kills.is_multiple_of(JUDGE_EVERY);
        let mut findings = if judged { verify::verify(dir).await?.findings } else { Vec::new() };
        let verdict = match Victim::start(dir, options).await {
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

/// The next of a sequence of numbers that look random (SplitMix64).
fn next(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A server that will be killed.
struct Victim {
    child: Child,
    addr: SocketAddr,
}

impl Victim {
    /// Starts this very program as a server on `dir`, and waits until it is ready.
    async fn start(dir: &Path, options: &Options) -> Result<Self> {
        let program = std::env::current_exe().into_diagnostic()?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--data").arg(dir).args(["--listen", "127.0.0.1:0"]);
        if options.control {
            command.arg("--fault-answer-before-commit");
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().into_diagnostic()?;
        let addr = tokio::time::timeout(START_WAIT_MAX, address(&mut child)).await.into_diagnostic()??;
        Ok(Self { child, addr })
    }

    /// SIGKILL: no handler runs, nothing is flushed.
    async fn kill(&mut self) -> Result<()> {
        self.child.kill().await.into_diagnostic().wrap_err("the server could not be killed")
    }
}

/// Reads the address from the line the server prints once it listens, and asks until it is ready.
async fn address(child: &mut Child) -> Result<SocketAddr> {
    let stdout = child.stdout.take().ok_or_else(|| miette!("the server has no output"))?;
    let mut lines = BufReader::new(stdout).lines();
    let line = lines.next_line().await.into_diagnostic()?.ok_or_else(|| miette!("the server ended at its start"))?;
    let text = line.split("http://").nth(1).and_then(|rest| rest.split_whitespace().next());
    let addr = text.and_then(|text| text.parse().ok()).ok_or_else(|| miette!("the server printed `{line}`"))?;
    let mut client = Client::new(addr);
    loop {
        if client.call(&Call::get("/ready")).await.is_ok_and(|answer| answer.is_success()) {
            return Ok(addr);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
