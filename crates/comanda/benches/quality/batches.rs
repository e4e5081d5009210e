//! Row 5: events appended through the batch endpoint, beside raw appends of batches and beside a server that does nothing else.

use miette::{IntoDiagnostic, Result, miette};

use crate::bare_batches;
use crate::bench::{Bench, median, run};
use crate::calls::{HOT, Ids, metric, stock_up};
use crate::process::Process;
use crate::raw_append::RawLog;
use crate::row::{Row, per_s};

/// Events of one raw transaction.
const RAW_BATCH: usize = 1_000;
/// Reservations of one request.
const ITEMS: usize = 500;
const EVENTS_PER_ITEM: usize = 2;
const CONNECTIONS: usize = 8;
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
    let bare = bare_batches::start(&bench.folder()).await?;
    run(&bare, CONNECTIONS, u64::MAX, bench.warm_up(), any_ids.reserving_batches(HOT, ITEMS)).await?;
    let (mut of_raw, mut of_bare, mut of_ours) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..bench.rounds() {
        let span = bench.span();
        let appended = tokio::task::spawn_blocking(move || raw.rate(RAW_BATCH, span).map(|rate| (raw, rate)));
        let rate;
        (raw, rate) = appended.await.into_diagnostic()??;
        of_raw.push(rate);
        let report = run(&bare, CONNECTIONS, u64::MAX, span, any_ids.reserving_batches(HOT, ITEMS)).await?;
        of_bare.push(report.answered as f64 * (ITEMS * EVENTS_PER_ITEM) as f64 / report.elapsed_s);
        for ((server, ids), found) in ours.into_iter().zip(&mut of_ours) {
            found.push(appended_per_s(bench, server, ids).await?);
        }
    }
    let ratio_to = |others: &[f64], found: &[f64]| {
        median(&found.iter().zip(others).map(|(found, other)| found / other).collect::<Vec<_>>())
    };
    let row = |kind: &str, found: &[f64]| {
        let ratio = ratio_to(&of_raw, found);
        Row::new(5, format!("batch endpoint, events appended, {kind}"))
            .comparator(format!("raw append {}", per_s(median(&of_raw))))
            .ours(per_s(median(found)))
            .ratio(ratio)
            .bar(">= 0.5", ratio >= RATIO_MIN)
    };
    let [of_random, of_timed] = &of_ours;
    let limit = Row::new(5, "a bare server of batches: their JSON and as many raw rows, no rule and no views")
        .comparator(format!("raw append {}", per_s(median(&of_raw))))
        .ours(per_s(median(&of_bare)))
        .ratio(ratio_to(&of_raw, &of_bare));
    let note = format!(
        "{ITEMS} reservations of two events a request over {CONNECTIONS} connections; raw: {RAW_BATCH} comparable rows a \
         transaction, no further indexes; ours is {:.2} and {:.2} of the bare server",
        ratio_to(&of_bare, of_random),
        ratio_to(&of_bare, of_timed)
    );
    Ok(vec![row("random ids", of_random), row("ids that begin with their time", of_timed), limit.note(note)])
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
