//! Row 7: how long after its answer a reservation is seen in the stock, at seven tenths of capacity.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use comanda_load::{Client, Latencies, Latency, OpenModel};
use miette::{IntoDiagnostic, Result, miette};

use crate::bench::{Bench, CONNECTIONS};
use crate::calls::{HOT, Ids, metric, stock, stock_up};
use crate::process::Process;
use crate::row::{Row, latency, ms, per_s};

const SHARE: f64 = 0.7;
const P99_US_MAX: u64 = 50_000;
/// The SKU whose view is watched: only the observer reserves it, so its counter tells which reserve is seen.
const WATCHED: &str = "WATCHED-1";
const LOOK_EVERY: Duration = Duration::from_millis(1);
/// A reservation that is not seen by then is not waited for any longer.
const SEEN_WAIT_MAX: Duration = Duration::from_secs(10);

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let capacity = bench.capacity().await?;
    let server = Process::comanda(&bench.folder()).await?;
    stock_up(&server, &[HOT, WATCHED]).await?;
    let over = Arc::new(AtomicBool::new(false));
    let model = OpenModel {
        connections: CONNECTIONS,
        ..OpenModel::new(server.addr(), SHARE * capacity, bench.either(Duration::from_secs(15), Duration::from_secs(5)))
    };
    let observer = tokio::spawn(observe(Client::new(server.addr()), bench.ids.clone(), Arc::clone(&over)));
    let offered = model.run(bench.ids.reserving(HOT)).await;
    over.store(true, Ordering::Relaxed);
    let seen = observer.await.into_diagnostic()??;
    let offered = offered.into_diagnostic()?;
    let inside = metric(&server, "projector_lag_seconds{quantile=\"0.99\"}").await?.unwrap_or(f64::NAN);

    let valid = offered.invalid.is_none();
    let mut row = Row::new(7, "answer -> seen in the view, at 70 % of capacity")
        .ours(latency(&seen))
        .bar("p99 <= 50 ms", valid && seen.p99_us <= P99_US_MAX)
        .note(format!(
            "{} samples by a reader without a token (his own calls and naps of 1 ms included); the projector's own measure: \
             p99 {:.1} ms; {} offered, answered in {}, generator's lag p99 {}",
            seen.count,
            inside * 1e3,
            per_s(offered.offered_per_s),
            latency(&offered.latency),
            ms(offered.lag.p99_us)
        ));
    if let Some(why) = offered.invalid {
        row = row.note(format!("not valid: {why}"));
    }
    Ok(vec![row])
}

/// Reserves, and looks until it is seen; again and again until `over`.
async fn observe(mut client: Client, ids: Ids, over: Arc<AtomicBool>) -> Result<Latency> {
    let (mut latencies, mut made) = (Latencies::default(), 0);
    let reserve = ids.reserving(WATCHED);
    while !over.load(Ordering::Relaxed) {
        let answer = client.call(&reserve(made)).await.into_diagnostic()?;
        let answered = Instant::now();
        if answer.status != 201 {
            return Err(miette!("the observer's reserve was answered {}: {}", answer.status, answer.excerpt()));
        }
        made += 1;
        while stock(&mut client, WATCHED).await?.reserved.unsigned_abs() < made {
            if answered.elapsed() > SEEN_WAIT_MAX {
                return Err(miette!("a reservation was not seen within {SEEN_WAIT_MAX:?}"));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        latencies.record(answered.elapsed());
    }
    Ok(latencies.summary())
}
