//! Row 4: one client, one command at a time, beside one raw durable append.

use miette::{IntoDiagnostic, Result};

use crate::bench::{Bench, median, reserved, run};
use crate::calls::{HOT, stock_up};
use crate::process::Process;
use crate::raw_append::RawLog;
use crate::row::{Row, ms};

const RATIO_MAX: f64 = 1.6;

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let server = Process::comanda(&bench.folder()).await?;
    stock_up(&server, &[HOT]).await?;
    let mut raw = RawLog::open(&bench.folder())?;
    run(&server, 1, u64::MAX, bench.warm_up(), bench.ids.reserving(HOT)).await?;
    let (mut of_raw, mut of_ours, mut ratios, mut p99s) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds() {
        let span = bench.span();
        let appended = tokio::task::spawn_blocking(move || raw.one_by_one(span).map(|latency| (raw, latency)));
        let latency;
        (raw, latency) = appended.await.into_diagnostic()??;
        let report = run(&server, 1, u64::MAX, span, bench.ids.reserving(HOT)).await?;
        reserved(&report)?;
        ratios.push(report.latency.p50_us as f64 / latency.p50_us as f64);
        of_raw.push(latency.p50_us as f64);
        of_ours.push(report.latency.p50_us as f64);
        p99s.push(report.latency.p99_us as f64);
    }
    let row = Row::new(4, "one client, one command at a time, p50")
        .comparator(format!("raw append {}", ms(median(&of_raw) as u64)))
        .ours(format!("{}, p99 {}", ms(median(&of_ours) as u64), ms(median(&p99s) as u64)))
        .ratio(median(&ratios))
        .bar("<= 1.6", median(&ratios) <= RATIO_MAX)
        .note("raw: one INSERT of a comparable row into a table without further indexes, WAL, synchronous=FULL");
    Ok(vec![row])
}
