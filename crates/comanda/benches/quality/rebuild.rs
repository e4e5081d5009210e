//! Row 8: the stock view built anew from the log.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use comanda_inventory::domain::{reservation::Reservation, stock_item::StockItem};
use comanda_inventory::read_models::stock::StockProjection;
use comanda_stores::sqlite::{SqliteFolder, SqliteOptions};
use cqrs::{Context, LogReader, Projector, ReadStore, Tail, Views};
use miette::{IntoDiagnostic, Result, miette};

use crate::bench::{Bench, median};
use crate::open_holds::held;
use crate::row::{Row, grouped, per_s};

const EVENTS_PER_S_MIN: f64 = 300_000.0;
const HOT_ROWS_MAX: u64 = 100_000;

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let dir = held(bench).await?;
    let stock =
        || Context::named("inventory").aggregate::<StockItem>().aggregate::<Reservation>().view(StockProjection);
    let (mut of_stock, mut of_all, mut events) = (Vec::new(), Vec::new(), 0);
    for _ in 0..bench.rounds() {
        let (folded, rate) = rebuilt(dir.clone(), stock()).await?;
        of_stock.push(rate);
        of_all.push(rebuilt(dir.clone(), comanda_inventory::context()).await?.1);
        events = folded;
    }
    let rate = median(&of_stock);
    let row = Row::new(8, "rebuild of the stock view, events")
        .ours(per_s(rate))
        .bar(">= 300,000/s", rate >= EVENTS_PER_S_MIN)
        .note(format!(
            "{} events of row 3's log; all views of the context together {}",
            grouped(events),
            per_s(median(&of_all))
        ));
    Ok(vec![row])
}

/// Drops the views of `context`, folds the whole log again, and says how many events there were and how many a second.
async fn rebuilt(dir: PathBuf, context: Context) -> Result<(u64, f64)> {
    // On a thread of its own: the projector blocks in the store.
    let work = move || tokio::runtime::Handle::current().block_on(rebuild(dir, context));
    tokio::task::spawn_blocking(work).await.into_diagnostic()?
}

async fn rebuild(dir: PathBuf, context: Context) -> Result<(u64, f64)> {
    let folder = SqliteFolder::open(&dir.join("inventory"), &SqliteOptions::default()).into_diagnostic()?;
    let (log, store) = (folder.event_store() as Arc<dyn LogReader>, folder.read_store() as Arc<dyn ReadStore>);
    let events: u64 = log.heads().await.into_diagnostic()?.iter().map(|head| head.position).sum();
    let started = Instant::now();
    Projector::clear(&context, store.as_ref()).await.into_diagnostic()?;
    let views = Views::new(log.partitions(), HOT_ROWS_MAX);
    let mut projector = Projector::open(&context, log, store, Tail::default(), views).await.into_diagnostic()?;
    let folded = projector.catch_up().await.into_diagnostic()?;
    let elapsed_s = started.elapsed().as_secs_f64();
    if folded != events {
        return Err(miette!("the log has {events} events, {folded} were folded"));
    }
    Ok((events, events as f64 / elapsed_s))
}
