//! Rows 1 and 11: durable reservations on one SKU, beside bare axum and beside the row a user would update.

use std::time::Instant;

use comanda_load::{Call, Client};
use miette::{IntoDiagnostic, Result, miette};

use crate::bench::{Bench, CONNECTIONS, hammer, median, reserved};
use crate::calls::{HOT, Ids, metric, stock, stock_up};
use crate::process::Process;
use crate::row::{Row, ms, per_s};
use crate::{bare_axum, row_update};

const RATIO_MIN: f64 = 0.40;
const RATIO_GOAL: f64 = 0.55;
const P99_US_MAX: f64 = 25_000.0;
/// Views that are behind by more when the load ends were not current.
const BEHIND_MS_MAX: f64 = 50.0;

/// What the rounds found out about one server.
#[derive(Default)]
struct Found {
    rates: Vec<f64>,
    p99s_us: Vec<f64>,
    behind_ms: Vec<f64>,
}

impl Found {
    async fn round(&mut self, bench: &Bench, server: &Process, ids: &Ids) -> Result<u64> {
        let report = hammer(server, bench.span(), ids.reserving(HOT)).await?;
        self.rates.push(reserved(&report)?);
        self.p99s_us.push(report.latency.p99_us as f64);
        Ok(report.answered)
    }

    fn figure(&self) -> String {
        format!("{}, p99 {}", per_s(median(&self.rates)), ms(median(&self.p99s_us) as u64))
    }

    /// The median of the rounds' ratios.
    fn ratio_to(&self, other: &Self) -> f64 {
        median(&self.rates.iter().zip(&other.rates).map(|(ours, theirs)| ours / theirs).collect::<Vec<_>>())
    }
}

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let bare = bare_axum::start("{}").await?;
    let row = row_update::start(&bench.folder()).await?;
    let (random, timed) = (Process::comanda(&bench.folder()).await?, Process::comanda(&bench.folder()).await?);
    let (any_ids, timed_ids) = (bench.ids.clone(), bench.ids.that_begin_with_time());
    let ours = [(&random, &any_ids), (&timed, &timed_ids)];
    let mut made = [0, 0];
    for server in [&bare, &row] {
        hammer(server, bench.warm_up(), any_ids.reserving(HOT)).await?;
    }
    for ((server, ids), made) in ours.into_iter().zip(&mut made) {
        stock_up(server, &[HOT]).await?;
        *made = hammer(server, bench.warm_up(), ids.reserving(HOT)).await?.answered;
    }
    let (mut of_bare, mut of_row, mut of_ours) =
        (Found::default(), Found::default(), [Found::default(), Found::default()]);
    for _ in 0..bench.rounds() {
        of_bare.round(bench, &bare, &any_ids).await?;
        of_row.round(bench, &row, &any_ids).await?;
        for (((server, ids), made), found) in ours.into_iter().zip(&mut made).zip(&mut of_ours) {
            *made += found.round(bench, server, ids).await? + 1;
            found.behind_ms.push(behind_ms(server, ids).await?);
        }
    }
    let [of_random, of_timed] = &of_ours;
    bench.capacity = Some(median(&of_random.rates));
    let mut table = Vec::new();
    for (((server, _), made), (found, kind)) in ours
        .into_iter()
        .zip(made)
        .zip([(of_random, "random ids (UUID v4)"), (of_timed, "ids that begin with their time (UUID v7)")])
    {
        check_books(server, made).await?;
        table.push(beside_bare(kind, found, &of_bare).note(insight(server, found, made).await?));
    }
    let beside = Row::new(11, "the same beside the row a user would UPDATE, random ids")
        .comparator(of_row.figure())
        .ours(of_random.figure())
        .ratio(of_random.ratio_to(&of_row))
        .note("axum + rusqlite: a conditional UPDATE and an INSERT, one transaction per request, synchronous=FULL");
    table.push(beside);
    Ok(table)
}

fn beside_bare(kind: &str, ours: &Found, bare: &Found) -> Row {
    let ratio = ours.ratio_to(bare);
    let current = median(&ours.behind_ms) <= BEHIND_MS_MAX;
    let met = ratio >= RATIO_MIN && median(&ours.p99s_us) <= P99_US_MAX && current;
    Row::new(1, format!("reservations on one SKU, {CONNECTIONS} connections, {kind}"))
        .comparator(format!("bare axum {}", bare.figure()))
        .ours(ours.figure())
        .ratio(ratio)
        .bar(format!(">= {RATIO_MIN:.2} (goal {RATIO_GOAL}), p99 <= 25 ms"), met)
}

async fn insight(server: &Process, found: &Found, made: u64) -> Result<String> {
    let of = async |name: &str| Ok::<f64, miette::Report>(metric(server, name).await?.unwrap_or(f64::NAN));
    Ok(format!(
        "no errors; when the load ended a reserve and a read with its token took {:.1} ms (views current: <= {BEHIND_MS_MAX} \
         ms), p99 of the projector's own measure {:.1} ms; p50 of a batch {:.0} commands, of its append {:.1} ms; all {made} \
         holds are in the stock afterwards",
        median(&found.behind_ms),
        of("projector_lag_seconds{quantile=\"0.99\"}").await? * 1e3,
        of("executor_batch_commands{quantile=\"0.5\"}").await?,
        of("executor_append_seconds{quantile=\"0.5\"}").await? * 1e3,
    ))
}

/// Reserves once more and reads the stock with its token: what the views need to show it right after the load.
async fn behind_ms(server: &Process, ids: &Ids) -> Result<f64> {
    let mut client = Client::new(server.addr());
    let started = Instant::now();
    let answer = client.call(&ids.reserving(HOT)(0)).await.into_diagnostic()?;
    let read = client.call(&Call::get(format!("/v1/stock/{HOT}")).with_token(answer.token)).await.into_diagnostic()?;
    if !read.is_success() {
        return Err(miette!("a read with a token was answered {}: {}", read.status, read.excerpt()));
    }
    Ok(started.elapsed().as_secs_f64() * 1e3)
}

/// What was acknowledged is in the stock, no more and no less.
async fn check_books(server: &Process, made: u64) -> Result<()> {
    let reserved = stock(&mut Client::new(server.addr()), HOT).await?.reserved;
    if reserved.unsigned_abs() != made {
        return Err(miette!("{made} reservations were acknowledged, but {reserved} units are reserved"));
    }
    Ok(())
}
