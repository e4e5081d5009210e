//! Row 5: events appended through the batch endpoint, beside raw appends of batches.

use miette::{IntoDiagnostic, Result, miette};

use crate::bench::{Bench, median, run};
use crate::calls::{HOT, Ids, metric, stock_up};
use crate::process::Process;
use crate::raw_append::RawLog;
use crate::row::{Row, per_s};

/// Events of one raw transaction.
const RAW_BATCH: usize = 1_000;
/// Reservations of one request: each appends two events.
const ITEMS: usize = 500;
const CONNECTIONS: usize = 4;
const RATIO_MIN: f64 = 0.5;

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let mut raw = RawLog::open(&bench.folder())?;
    let (any_ids, timed_ids) = (bench.ids.clone(), bench.ids.that_begin_with_time());
    let (random, timed) = (Process::comanda(&bench.folder()).await?, Process::comanda(&bench.folder()).await?);
    let ours = [(&random, &any_ids), (&timed, &timed_ids)];
    for (server, ids) in ours {
        stock_up(server, &[HOT]).await?;
        run(server, CONNECTIONS, u64::MAX, bench.warm_up(), ids.reserving_batches(HOT, ITEMS)).await?;
    }
    let (mut of_raw, mut of_ours) = (Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..bench.rounds() {
        let span = bench.span();
        let appended = tokio::task::spawn_blocking(move || raw.rate(RAW_BATCH, span).map(|rate| (raw, rate)));
        let rate;
        (raw, rate) = appended.await.into_diagnostic()??;
        of_raw.push(rate);
        for ((server, ids), found) in ours.into_iter().zip(&mut of_ours) {
            found.push(appended_per_s(bench, server, ids).await?);
        }
    }
    let row = |kind: &str, found: &[f64]| {
        let ratio = median(&found.iter().zip(&of_raw).map(|(ours, raw)| ours / raw).collect::<Vec<_>>());
        Row::new(5, format!("batch endpoint, events appended, {kind}"))
            .comparator(format!("raw append {}", per_s(median(&of_raw))))
            .ours(per_s(median(found)))
            .ratio(ratio)
            .bar(">= 0.5", ratio >= RATIO_MIN)
    };
    let [of_random, of_timed] = &of_ours;
    let note = format!(
        "{ITEMS} reservations of two events a request over {CONNECTIONS} connections; raw: {RAW_BATCH} comparable rows a \
         transaction, no further indexes"
    );
    Ok(vec![row("random ids", of_random), row("ids that begin with their time", of_timed).note(note)])
}

/// Events that batches of reservations append per second.
async fn appended_per_s(bench: &Bench, server: &Process, ids: &Ids) -> Result<f64> {
    let before = events(server).await?;
    let next = ids.reserving_batches(HOT, ITEMS);
    let report = run(server, CONNECTIONS, u64::MAX, bench.span(), next).await?;
    Ok((events(server).await? - before) / report.elapsed_s)
}

async fn events(server: &Process) -> Result<f64> {
    metric(server, "executor_events_total").await?.ok_or_else(|| miette!("the server does not count its events"))
}
