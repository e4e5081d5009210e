//! Row 8: the stock view built anew from the log: alone, and beside its live build, compared and swapped.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use comanda_inventory::domain::ids::{LineId, LocationId, ReservationId};
use comanda_inventory::domain::reservation::Reservation;
use comanda_inventory::domain::stock_item::{Details, Hold, StockEvent, StockItem};
use comanda_inventory::read_models::stock::{StockProjection, StockRow};
use comanda_stores::sqlite::{SqliteFolder, SqliteOptions};
use cqrs::{
    Append, BatchId, Context, EventStore, LogReader, Metadata, PartitionId, Payload, Phase, Projector, Purpose,
    ReadModel, ReadStore, Recorded, Stream, Tail, Timestamp, Views,
};
use miette::{IntoDiagnostic, Result, miette};

use crate::bench::{Bench, median};
use crate::open_holds::held;
use crate::row::{Row, grouped, per_s};

const EVENTS_PER_S_MIN: f64 = 300_000.0;
const HOT_ROWS_MAX: u64 = 100_000;

/// SKUs of the wide catalogue, and what happens to each.
const SKUS: u64 = 10_000;
const SKUS_QUICK: u64 = 2_000;
const EVENTS_PER_SKU: u64 = 100;
const APPEND_EVENTS: usize = 2_000;

pub(crate) async fn measure(bench: &mut Bench) -> Result<Vec<Row>> {
    let dir = held(bench).await?;
    let stock =
        || Context::named("inventory").aggregate::<StockItem>().aggregate::<Reservation>().view(StockProjection);
    let (mut of_stock, mut of_all, mut events, mut views) = (Vec::new(), Vec::new(), 0, 0);
    for _ in 0..bench.rounds() {
        let (folded, rate) = rebuilt(dir.clone(), stock()).await?;
        of_stock.push(rate);
        let (folded_by_all, rate) = rebuilt(dir.clone(), comanda_inventory::context()).await?;
        of_all.push(rate);
        (events, views) = (folded, folded_by_all / folded);
    }
    let rate = median(&of_stock);
    let row = Row::new(8, "rebuild of the stock view, events")
        .ours(per_s(rate))
        .bar(">= 300,000/s", rate >= EVENTS_PER_S_MIN)
        .note(format!(
            "{} events of row 3's log; all {views} views of the context, each made from the whole log, {}",
            grouped(events),
            per_s(median(&of_all))
        ));
    Ok(vec![row, beside_the_live_build(bench).await?])
}

/// A rebuild as an operator orders it, over a wide catalogue: folded, indexed, compared with the live build, swapped.
async fn beside_the_live_build(bench: &mut Bench) -> Result<Row> {
    let (dir, skus) = (bench.folder(), bench.either(SKUS, SKUS_QUICK));
    let (mut whole, mut folding, mut events) = (Vec::new(), Vec::new(), 0);
    for round in 0..bench.rounds() {
        let dir = dir.clone();
        let work = move || tokio::runtime::Handle::current().block_on(swapped(dir, skus, round == 0));
        let (folded, elapsed_s, fold_rate) = tokio::task::spawn_blocking(work).await.into_diagnostic()??;
        whole.push(folded as f64 / elapsed_s);
        folding.push(fold_rate);
        events = folded;
    }
    let rate = median(&whole);
    Ok(Row::new(8, format!("the same beside its live build, {} SKUs, compared and swapped", grouped(skus)))
        .ours(per_s(rate))
        .bar(">= 300,000/s", rate >= EVENTS_PER_S_MIN)
        .note(format!("{} events; the fold alone {}", grouped(events), per_s(median(&folding)))))
}

/// Rebuilds the stock view of `dir`, which is filled first if `fill`; returns events, seconds in all, and events folded a
/// second.
async fn swapped(dir: PathBuf, skus: u64, fill: bool) -> Result<(u64, f64, f64)> {
    let folder = SqliteFolder::open(&dir, &SqliteOptions::default()).into_diagnostic()?;
    if fill {
        filled(folder.event_store().as_ref(), skus).await?;
    }
    let context = Context::named("inventory").aggregate::<StockItem>().aggregate::<Reservation>().view(StockProjection);
    let (log, store) = (folder.event_store() as Arc<dyn LogReader>, folder.read_store() as Arc<dyn ReadStore>);
    let views = Views::new(log.partitions(), HOT_ROWS_MAX);
    let mut projector = Projector::open(&context, log, store, Tail::default(), views).await.into_diagnostic()?;
    projector.catch_up().await.into_diagnostic()?;
    let started = Instant::now();
    let purpose = Purpose::Rebuild { compare_only: false };
    let done = projector.rebuild_now(StockRow::NAME, purpose).await.into_diagnostic()?;
    let elapsed_s = started.elapsed().as_secs_f64();
    match done.phase {
        Phase::Done { compared: Some(compared), swapped: true, .. } if compared.same() && compared.rows == skus => {
            Ok((done.events, elapsed_s, done.events_per_s))
        }
        other => Err(miette!("the rebuild ended as {other:?}")),
    }
}

/// Registers `skus` SKUs and reserves and releases units of each in turn.
async fn filled(log: &dyn EventStore, skus: u64) -> Result<()> {
    let partitions = log.partitions();
    let mut heads = vec![0; usize::from(partitions)];
    let metadata = Arc::new(Metadata { command: "reserve".to_owned(), ..Metadata::default() });
    for version in 1..=EVENTS_PER_SKU {
        let numbers: Vec<u64> = (0..skus).collect();
        for part in numbers.chunks(APPEND_EVENTS) {
            let (id, expected) = (BatchId::generate(), (0..).map(PartitionId).zip(heads.clone()).collect());
            let mut events = Vec::with_capacity(part.len());
            for number in part {
                let sku = format!("SKU-{number:05}");
                let partition = PartitionId::of(&sku, partitions);
                let Some(head) = heads.get_mut(usize::from(partition.0)) else { continue };
                *head += 1;
                events.push(Recorded {
                    partition,
                    position: *head,
                    stream: Stream::<StockItem>::new(&sku).name().clone(),
                    version,
                    at: Timestamp::from_millis(1),
                    batch: id,
                    metadata: Arc::clone(&metadata),
                    payload: Payload::new(Arc::new(event(version)?)).into_diagnostic()?,
                });
            }
            log.append(&Append { id, expected, events, claims: Vec::new() }).await.into_diagnostic()?;
        }
    }
    Ok(())
}

/// What happens to a SKU at `version`.
fn event(version: u64) -> Result<StockEvent> {
    let hold = || -> Result<Hold> {
        Ok(Hold {
            reservation: ReservationId::parse(&format!("cart-{}", version / 2)).into_diagnostic()?,
            owner: None,
            line: LineId::parse("1").into_diagnostic()?,
            location: LocationId::main(),
            quantity: 1,
            expires_at: Some(Timestamp::from_millis(1_000_000)),
        })
    };
    Ok(match version {
        1 => StockEvent::Registered(Details::default()),
        2 => StockEvent::Replenished { location: LocationId::main(), quantity: 100 },
        _ if version.is_multiple_of(2) => StockEvent::HoldReleased(hold()?),
        _ => StockEvent::Held(hold()?),
    })
}

/// Drops the views of `context` and makes them again, each from the whole log; says how many events were folded and how many
/// a second.
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
    if folded == 0 || folded % events != 0 {
        return Err(miette!("the log has {events} events, but {folded} were folded: a view was made of a part"));
    }
    Ok((folded, folded as f64 / elapsed_s))
}
