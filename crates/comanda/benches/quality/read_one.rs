//! Row 6: reading one SKU from its view, beside bare axum that answers a constant of the same size.

use comanda_load::{Call, Client};
use miette::{IntoDiagnostic, Result};

use crate::bare_axum;
use crate::bench::{Bench, CONNECTIONS, hammer, median};
use crate::calls::{HOT, stock_up};
use crate::process::Process;
use crate::row::{Row, ms, per_s};

const RATIO_MIN: f64 = 0.8;

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let server = Process::comanda(&bench.folder()).await?;
    stock_up(&server, &[HOT]).await?;
    let read = Call::get(format!("/v1/stock/{HOT}"));
    let body = Client::new(server.addr()).call(&read).await.into_diagnostic()?.body;
    let bare = bare_axum::start(&String::from_utf8_lossy(&body)).await?;
    let next = |call: &Call| {
        let call = call.clone();
        move |_| call.clone()
    };
    for server in [&bare, &server] {
        hammer(server, bench.warm_up(), next(&read)).await?;
    }
    let (mut of_bare, mut of_ours, mut ratios, mut p99s) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds() {
        let bare_rate = hammer(&bare, bench.span(), next(&read)).await?.answered_per_s;
        let report = hammer(&server, bench.span(), next(&read)).await?;
        ratios.push(report.answered_per_s / bare_rate);
        of_bare.push(bare_rate);
        of_ours.push(report.answered_per_s);
        p99s.push(report.latency.p99_us as f64);
    }
    let row = Row::new(6, format!("GET one SKU, {CONNECTIONS} connections"))
        .comparator(format!("bare axum {}", per_s(median(&of_bare))))
        .ours(format!("{}, p99 {}", per_s(median(&of_ours)), ms(median(&p99s) as u64)))
        .ratio(median(&ratios))
        .bar(">= 0.8", median(&ratios) >= RATIO_MIN)
        .note(format!("bare axum answers a constant of the same {} bytes", body.len()));
    Ok(vec![row])
}
