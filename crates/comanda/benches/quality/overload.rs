//! Row 10: three times what the server can do, for a minute: what it still gets done, and how it is afterwards.

use std::time::Duration;

use comanda_load::{Latency, OpenModel, OpenReport};
use miette::{IntoDiagnostic, Result};

use crate::bench::{Bench, CONNECTIONS};
use crate::calls::{HOT, stock_up};
use crate::process::Process;
use crate::row::{Row, latency, per_s};

const TIMES: f64 = 3.0;
/// More than the server's queue holds, so that it must refuse.
const CROWD: usize = 5_000;
const GOODPUT_MIN: f64 = 0.9;
const RSS_MIB_MAX: f64 = 512.0;
/// The load before and after, as a share of capacity.
const CALM: f64 = 0.5;
const CALM_FOR: Duration = Duration::from_secs(3);
/// So many such times are waited for latencies to be normal again.
const CALM_WINDOWS_MAX: u32 = 5;
/// Afterwards a call may take so many times as long as before, at p99, and this much more.
const RECOVERED_TIMES: u64 = 2;
const RECOVERED_US: u64 = 10_000;

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let capacity = bench.capacity().await?;
    let server = Process::comanda(&bench.folder()).await?;
    stock_up(&server, &[HOT]).await?;
    let before = calm(bench, &server, capacity).await?;
    let rss_before = server.rss_mib()?;

    let span = bench.either(Duration::from_secs(60), Duration::from_secs(10));
    let crowd = OpenModel {
        connections: CROWD,
        grace: Duration::from_secs(1),
        ..OpenModel::new(server.addr(), TIMES * capacity, span)
    };
    let (report, rss_peak) = watched(&server, crowd.run(bench.ids.reserving(HOT))).await?;
    let normal_us = RECOVERED_TIMES * before.p99_us + RECOVERED_US;
    let (mut after, mut windows) = (calm(bench, &server, capacity).await?, 1);
    while after.p99_us > normal_us && windows < CALM_WINDOWS_MAX {
        (after, windows) = (calm(bench, &server, capacity).await?, windows + 1);
    }
    let rss_after = server.rss_mib()?;

    let goodput = goodput_per_s(&report);
    let recovered = after.p99_us <= normal_us;
    let ratio = goodput / capacity;
    let row = Row::new(10, format!("overload: 3 x capacity for {} s, goodput", span.as_secs()))
        .comparator(format!("capacity {}", per_s(capacity)))
        .ours(per_s(goodput))
        .ratio(ratio)
        .bar(">= 0.9, recovers, memory bounded", ratio >= GOODPUT_MIN && recovered && rss_peak <= RSS_MIB_MAX)
        .note(format!("{CROWD} connections; answers: {}", outcomes(&report)))
        .note(format!(
            "at half capacity for {} s before: {}; in the same time no. {windows} afterwards: {}{}",
            CALM_FOR.as_secs(),
            latency(&before),
            latency(&after),
            if recovered { "" } else { ": NOT RECOVERED" }
        ))
        .note(format!(
            "memory {rss_before:.0} MiB before, {rss_peak:.0} MiB at most, {rss_after:.0} MiB afterwards (bound here: \
             {RSS_MIB_MAX:.0} MiB)"
        ));
    Ok(vec![row])
}

async fn calm(bench: &Bench, server: &Process, capacity: f64) -> Result<Latency> {
    let model = OpenModel { connections: CONNECTIONS, ..OpenModel::new(server.addr(), CALM * capacity, CALM_FOR) };
    Ok(model.run(bench.ids.reserving(HOT)).await.into_diagnostic()?.latency)
}

/// Runs the load and reads the server's memory ten times a second meanwhile.
async fn watched<E: std::error::Error + Send + Sync + 'static>(
    server: &Process,
    load: impl Future<Output = Result<OpenReport, E>>,
) -> Result<(OpenReport, f64)> {
    let mut peak = server.rss_mib()?;
    let mut every = tokio::time::interval(Duration::from_millis(100));
    tokio::pin!(load);
    loop {
        tokio::select! {
            report = &mut load => return Ok((report.into_diagnostic()?, peak)),
            _ = every.tick() => peak = peak.max(server.rss_mib()?),
        }
    }
}

/// Reservations made per second of the run.
fn goodput_per_s(report: &OpenReport) -> f64 {
    let share = report.outcomes.of("201") as f64 / report.answered.max(1) as f64;
    report.achieved_per_s * share
}

fn outcomes(report: &OpenReport) -> String {
    let counts: Vec<String> = report.outcomes.iter().map(|(name, count)| format!("{count} x {name}")).collect();
    format!("{}, and {} of {} not sent or not answered in time", counts.join(", "), report.unanswered, report.scheduled)
}
