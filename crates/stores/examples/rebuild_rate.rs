//! Measures a rebuild on SQLite, step by step: the fold in the shadow, the comparison with the live build, the swap.
//! `rebuild_rate [SKUs] [events per SKU] [folder]`.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use comanda_stores::sqlite::{SqliteFolder, SqliteOptions};
use cqrs::{
    Aggregate, Append, BatchId, Context, EventStore, IndexValue, LogReader, Metadata, PartitionId, Payload, Projection,
    Projector, Purpose, ReadModel, Recorded, Rows, Stream, Tail, Timestamp, Unreadable, Views,
};
use serde::{Deserialize, Serialize};

/// Events in one append.
const APPEND_EVENTS: usize = 2_000;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Item;

/// As large as a stock item's events are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum Moved {
    Held { reservation: String, line: String, location: String, quantity: i64, expires_at: i64 },
    Released { reservation: String, line: String, location: String, quantity: i64 },
}

impl Aggregate for Item {
    const KIND: &'static str = "item";
    type Event = Moved;
    fn apply(&mut self, _: &Moved) {}
}

/// As large as a row of the stock view is.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stock {
    sku: Arc<str>,
    levels: BTreeMap<String, i64>,
    available: i64,
    version: u64,
    updated_at: Timestamp,
}

impl ReadModel for Stock {
    const NAME: &'static str = "stock";
    const VERSION: u32 = 1;
    const INDEXES: &'static [&'static str] = &["available", "updated_at"];
    const KEYED_BY_STREAM: bool = true;

    fn indexes(&self) -> Vec<IndexValue> {
        vec![self.available.into(), self.updated_at.as_millis().into()]
    }
}

struct Stocks;

impl Projection for Stocks {
    type Row = Stock;

    fn fold(&self, event: &Recorded, rows: &mut Rows<Stock>) -> Result<(), Unreadable> {
        let Some(moved) = event.as_event_of::<Item>()? else { return Ok(()) };
        let sku = event.stream.id();
        let (location, delta) = match &*moved {
            Moved::Held { location, quantity, .. } => (location, -quantity),
            Moved::Released { location, quantity, .. } => (location, *quantity),
        };
        if event.version == 1 {
            let (levels, updated_at) = (BTreeMap::new(), event.at);
            rows.put(sku, Stock { sku: sku.into(), levels, available: 0, version: 0, updated_at });
        }
        rows.update(sku, |row| {
            match row.levels.get_mut(location) {
                Some(level) => *level += delta,
                None => drop(row.levels.insert(location.clone(), delta)),
            }
            (row.available, row.version, row.updated_at) = (row.available + delta, event.version, event.at);
        });
        Ok(())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let argument = |place| std::env::args().nth(place).map(|text| text.parse::<u64>()).transpose();
    let (skus, each) = (argument(1)?.unwrap_or(10_000), argument(2)?.unwrap_or(100));
    let dir = std::env::args().nth(3).map_or_else(|| std::env::temp_dir().join("rebuild_rate"), PathBuf::from);
    let folder = SqliteFolder::open(&dir, &SqliteOptions::default())?;
    let log = folder.event_store();
    if log.heads().await?.iter().all(|head| head.position == 0) {
        fill(log.as_ref(), skus, each).await?;
    }
    let context = Context::named("shop").aggregate::<Item>().view(Stocks);
    let views = Views::new(log.partitions(), 100_000);
    let mut projector = Projector::open(&context, log, folder.read_store(), Tail::default(), views).await?;
    let started = Instant::now();
    let events = projector.catch_up().await?;
    println!("first build: {events} events in {:.2} s", started.elapsed().as_secs_f64());
    for _ in 0..3 {
        let started = Instant::now();
        let done = projector.rebuild_now(Stock::NAME, Purpose::Rebuild { compare_only: false }).await?;
        let elapsed = started.elapsed().as_secs_f64();
        println!(
            "rebuild: {} events in {elapsed:.2} s, {:.0}/s in all (folded, indexed, compared, swapped): {:?}",
            done.events,
            done.events as f64 / elapsed,
            done.phase
        );
    }
    Ok(())
}

async fn fill(log: &dyn EventStore, skus: u64, each: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut heads = vec![0; usize::from(log.partitions())];
    let metadata = Arc::new(Metadata { command: "reserve".into(), ..Metadata::default() });
    let numbers: Vec<u64> = (0..skus).collect();
    for version in 1..=each {
        for part in numbers.chunks(APPEND_EVENTS) {
            let (id, expected) = (BatchId::generate(), (0..).map(PartitionId).zip(heads.clone()).collect());
            let mut events = Vec::with_capacity(part.len());
            for number in part {
                let sku = format!("SKU-{number:06}");
                let partition = PartitionId::of(&sku, log.partitions());
                let Some(head) = heads.get_mut(usize::from(partition.0)) else { continue };
                *head += 1;
                let (reservation, line, location) = (format!("cart-{version}-{number}"), "1".into(), "main".into());
                let moved = match version % 2 {
                    0 => Moved::Released { reservation, line, location, quantity: 1 },
                    _ => Moved::Held { reservation, line, location, quantity: 1, expires_at: 900_000 },
                };
                events.push(Recorded {
                    partition,
                    position: *head,
                    stream: Stream::<Item>::new(&sku).name().clone(),
                    version,
                    at: Timestamp::from_millis(1),
                    batch: id,
                    metadata: Arc::clone(&metadata),
                    payload: Payload::new(Arc::new(moved))?,
                });
            }
            log.append(&Append { id, expected, events, claims: Vec::new() }).await?;
        }
    }
    Ok(())
}
