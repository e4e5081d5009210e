//! Row 3: the same with a million open holds on the SKU, and a restart on that data.

use std::path::PathBuf;
use std::time::Duration;

use comanda_load::Client;
use miette::{Result, miette};

use crate::bench::{Bench, hammer, median, reserved, run};
use crate::calls::{HOT, stock, stock_up};
use crate::process::Process;
use crate::row::{Row, grouped, per_s};

const HOLDS: u64 = 1_000_000;
const HOLDS_QUICK: u64 = 50_000;
const BATCH: usize = 1_000;
const BATCH_CONNECTIONS: usize = 4;
/// The holds are there by then, or something is wrong.
const FILL_WAIT_MAX: Duration = Duration::from_secs(300);

const RATIO_MIN: f64 = 0.9;
const RESTART_S_MAX: f64 = 3.0;

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let holds = bench.either(HOLDS, HOLDS_QUICK);
    let dir = held(bench).await?;
    let empty = Process::comanda(&bench.folder()).await?;
    stock_up(&empty, &[HOT]).await?;
    let full = Process::comanda(&dir).await?;
    let after_stop = full.ready_after().as_secs_f64();
    for server in [&empty, &full] {
        hammer(server, bench.warm_up(), bench.ids.reserving(HOT)).await?;
    }
    let (mut of_empty, mut of_full, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds() {
        let empty_rate = reserved(&hammer(&empty, bench.span(), bench.ids.reserving(HOT)).await?)?;
        let full_rate = reserved(&hammer(&full, bench.span(), bench.ids.reserving(HOT)).await?)?;
        ratios.push(full_rate / empty_rate);
        of_empty.push(empty_rate);
        of_full.push(full_rate);
    }
    let rss = full.rss_mib()?;
    full.kill().await?;
    let again = Process::comanda(&dir).await?;
    let after_kill = again.ready_after().as_secs_f64();
    again.stop().await?;

    let slower = after_stop.max(after_kill);
    let quick = if holds < HOLDS { "; fewer than the bar asks for" } else { "" };
    let throughput = Row::new(3, format!("the same with {} open holds", grouped(holds)))
        .comparator(format!("none open {}", per_s(median(&of_empty))))
        .ours(per_s(median(&of_full)))
        .ratio(median(&ratios))
        .bar(">= 0.9", median(&ratios) >= RATIO_MIN)
        .note(format!("memory of the server afterwards {rss:.0} MiB{quick}"));
    let restart = Row::new(3, "restart to ready on that data")
        .ours(format!("{slower:.2} s"))
        .bar("<= 3 s", slower <= RESTART_S_MAX)
        .note(format!(
            "{after_stop:.2} s after a clean stop, {after_kill:.2} s after kill -9 (the slower counts){quick}"
        ));
    Ok(vec![throughput, restart])
}

/// The data of a stopped server with that many open holds on the hot SKU, made once.
pub(crate) async fn held(bench: &mut Bench) -> Result<PathBuf> {
    if let Some(dir) = &bench.held {
        return Ok(dir.clone());
    }
    let (dir, holds) = (bench.folder(), bench.either(HOLDS, HOLDS_QUICK));
    let server = Process::comanda(&dir).await?;
    stock_up(&server, &[HOT]).await?;
    let batches = holds / BATCH as u64;
    run(&server, BATCH_CONNECTIONS, batches, FILL_WAIT_MAX, bench.ids.reserving_batches(HOT, BATCH)).await?;
    server.stop().await?;
    let server = Process::comanda(&dir).await?;
    let reserved = stock(&mut Client::new(server.addr()), HOT).await?.reserved;
    if reserved.unsigned_abs() != holds {
        return Err(miette!("{holds} holds were to be made; {reserved} units are reserved"));
    }
    server.stop().await?;
    bench.held = Some(dir.clone());
    Ok(dir)
}
