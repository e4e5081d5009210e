//! Row 13: orders of two lines as fast as both contexts take them, beside bare axum that parses them and stores nothing.

use comanda_load::OrderSaturation;
use miette::{IntoDiagnostic, Result, miette};

use crate::bare_axum;
use crate::bench::{Bench, median, run};
use crate::process::Process;
use crate::raw_append::RawLog;
use crate::row::{Row, ms, per_s};

const ORDERS_PER_S_MIN: f64 = 5_000.0;
/// What the system it replaces is documented to do.
const ANCESTOR: &str = "45 to 50 orders/s";
/// Rows of one raw transaction.
const RAW_BATCH: usize = 1_000;

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let bare = bare_axum::start("{}").await?;
    let mut raw = RawLog::open(&bench.folder())?;
    let server = Process::comanda(&bench.folder()).await?;
    let load = |name: String, span| OrderSaturation::new(server.addr(), name, span);
    let warm_up = load("warm-up".to_owned(), bench.warm_up());
    warm_up.prepare().await.into_diagnostic()?;
    let connections = warm_up.connections;
    warm_up.run().await.into_diagnostic()?;
    run(&bare, connections, u64::MAX, bench.warm_up(), bench.ids.ordering()).await?;

    let (mut of_bare, mut of_raw, mut ours, mut p99s_us) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut backlogs = Vec::new();
    for round in 1..=bench.rounds() {
        let span = bench.warm_up();
        let posted = run(&bare, connections, u64::MAX, span, bench.ids.ordering()).await?;
        of_bare.push(posted.answered as f64 / posted.elapsed_s);
        let appended = tokio::task::spawn_blocking(move || raw.rate(RAW_BATCH, span).map(|rate| (raw, rate)));
        let rate;
        (raw, rate) = appended.await.into_diagnostic()??;
        of_raw.push(rate);
        let load = load(format!("r{round}"), bench.span());
        load.prepare().await.into_diagnostic()?;
        let report = load.run().await.into_diagnostic()?;
        if !report.ok || report.failed > 0 {
            return Err(miette!("not every order was reserved, or not as it must be: {report:?}"));
        }
        ours.push(report.sustained_per_s);
        p99s_us.push(report.latency.p99_us as f64);
        backlogs.push(format!("{} then {}", report.backlog_at_half, report.backlog_at_end));
    }
    let sustained = median(&ours);
    let ratio = median(&ours.iter().zip(&of_bare).map(|(ours, bare)| ours / bare).collect::<Vec<_>>());
    let row = Row::new(13, format!("sustained orders of two lines, {connections} connections, placed until reserved"))
        .comparator(format!("bare axum {}", per_s(median(&of_bare))))
        .ours(format!("{}, p99 {}", per_s(sustained), ms(median(&p99s_us) as u64)))
        .ratio(ratio)
        .bar(">= 5,000/s", sustained >= ORDERS_PER_S_MIN)
        .note(format!(
            "every order acknowledged was reserved, the drain counted in; open at half time and at the end: {}",
            backlogs.join(", ")
        ))
        .note(format!(
            "bare: parses an order and stores nothing; raw append of comparable rows, {RAW_BATCH} a transaction: {}; the \
             system this one replaces: {ANCESTOR}",
            per_s(median(&of_raw))
        ));
    Ok(vec![row])
}
