//! Row 12: from an order's intended send until the feed shows it reserved, at 1,000 orders a second through both contexts.

use comanda_load::{Latency, OpenOrderLoad};
use miette::{IntoDiagnostic, Result};

use crate::bench::{Bench, median};
use crate::process::Process;
use crate::raw_append::RawLog;
use crate::row::{Row, latency, ms, per_s};

const RATE_PER_S: f64 = 1_000.0;
const P99_US_MAX: f64 = 50_000.0;

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let mut raw = RawLog::open(&bench.folder())?;
    let server = Process::comanda(&bench.folder()).await?;
    let load = |name: String, span| OpenOrderLoad::new(server.addr(), name, RATE_PER_S, span);
    let warm_up = load("warm-up".to_owned(), bench.warm_up());
    warm_up.prepare().await.into_diagnostic()?;
    warm_up.run().await.into_diagnostic()?;

    let (mut raws, mut ours, mut rates, mut faults) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for round in 1..=bench.rounds() {
        let span = bench.warm_up();
        let appended = tokio::task::spawn_blocking(move || raw.one_by_one(span).map(|latency| (raw, latency)));
        let appended_in;
        (raw, appended_in) = appended.await.into_diagnostic()??;
        raws.push(appended_in);
        let load = load(format!("r{round}"), bench.span());
        load.prepare().await.into_diagnostic()?;
        let report = load.run().await.into_diagnostic()?;
        faults.extend(report.invalid.iter().map(|why| format!("round {round} proves nothing: {why}")));
        if report.wrong > 0 {
            faults.push(format!("round {round}: {} answers that must not be", report.wrong));
        }
        rates.push(report.reserved_per_s);
        ours.push(report.latency);
    }
    let p99_us = median_of(&ours, |latency| latency.p99_us);
    let row = Row::new(12, format!("an order of two lines, placed until the feed shows it reserved, at {}", per_s(RATE_PER_S)))
        .comparator(format!("raw append {}", typical(&raws)))
        .ours(typical(&ours))
        .ratio(p99_us / median_of(&raws, |latency| latency.p99_us))
        .bar("p99 <= 50 ms, >= 99 % of the rate", p99_us <= P99_US_MAX && faults.is_empty())
        .note(format!(
            "reserved {} (median); from the intended send; longest of all rounds {}; raw: one comparable row a transaction, \
             of which an order needs three in turn",
            per_s(median(&rates)),
            ms(ours.iter().map(|latency| latency.max_us).max().unwrap_or_default()),
        ));
    Ok(vec![faults.into_iter().fold(row, Row::note)])
}

fn median_of(found: &[Latency], figure: impl Fn(&Latency) -> u64) -> f64 {
    median(&found.iter().map(|latency| figure(latency) as f64).collect::<Vec<_>>())
}

/// The latencies of the round whose p99 is the median.
fn typical(found: &[Latency]) -> String {
    let p99_us = median_of(found, |latency| latency.p99_us) as u64;
    found.iter().find(|round| round.p99_us == p99_us).map(latency).unwrap_or_default()
}
