//! Measures the event store alone: batches like a flash sale's, with random and with ordered names of the new streams,
//! and single appends. `append_rate [batches] [folder]`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use comanda_stores::sqlite::{SqliteFolder, SqliteOptions};
use cqrs::{Append, BatchId, EventStore, LogReader, Metadata, PartitionId, Payload, Recorded, StreamName, Timestamp};
use uuid::Uuid;

/// Commands in a batch; each records one event in a hot stream and opens a stream of its own.
const COMMANDS: u64 = 250;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let batches: u64 = std::env::args().nth(1).map_or(Ok(2_000), |batches| batches.parse())?;
    let dir = std::env::args().nth(2).map_or_else(|| std::env::temp_dir().join("append_rate"), PathBuf::from);
    let folder = SqliteFolder::open(&dir, &SqliteOptions::default())?;
    let store = folder.event_store();
    let mut writer = Batches { position: store.heads().await?[0].position };

    let random = ("random", Uuid::new_v4 as fn() -> Uuid);
    let ordered = ("ordered", Uuid::now_v7 as fn() -> Uuid);
    for (commands, (names, name)) in [(COMMANDS, random), (COMMANDS, ordered), (1, ordered)] {
        let mut times = Vec::new();
        for _ in 0..batches {
            let batch = writer.next(commands, name);
            let start = Instant::now();
            store.append(&batch).await?;
            times.push(start.elapsed());
        }
        report(commands, names, &mut times);
    }
    let counters = folder.log_counters();
    println!(
        "commits {}, WAL {} bytes, restarts {}",
        counters.commits(),
        counters.wal_bytes(),
        counters.wal_restarts()
    );

    let (start, mut read, mut after) = (Instant::now(), 0, 0);
    loop {
        let events = store.read_partition(PartitionId(0), after, 4_096).await?;
        let Some(last) = events.last() else { break };
        after = last.position;
        read += events.len();
    }
    println!("read {read} events, {:.0}/s", read as f64 / start.elapsed().as_secs_f64());
    Ok(())
}

fn report(commands: u64, names: &str, times: &mut [Duration]) {
    let (count, total) = (times.len(), times.iter().sum::<Duration>());
    times.sort();
    let at = |share: f64| times[((count - 1) as f64 * share) as usize];
    let events = count as f64 * commands as f64 * 2.0;
    println!(
        "{commands:>4} commands a batch, {names:>7} names: {:>8.0} events/s, {:>6.0} ns/event; a batch p50 {:?}, p99 {:?}, max {:?}",
        events / total.as_secs_f64(),
        total.as_nanos() as f64 / events,
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

struct Batches {
    position: u64,
}

impl Batches {
    fn next(&mut self, commands: u64, name: fn() -> Uuid) -> Append {
        let (id, before, hot) = (BatchId::generate(), self.position, StreamName::new("stock", "sku-1"));
        let mut events = Vec::new();
        for _ in 0..commands {
            let metadata = Arc::new(Metadata {
                command: "reserve".into(),
                correlation_id: Some(Uuid::new_v4().to_string()),
                ..Metadata::default()
            });
            let own = StreamName::new("reservation", &name().to_string());
            let version = self.position / 2 + 1;
            for (stream, version) in [(hot.clone(), version), (own, 1)] {
                self.position += 1;
                events.push(Recorded {
                    partition: PartitionId(0),
                    position: self.position,
                    stream,
                    version,
                    at: Timestamp::from_millis(1_700_000_000_000),
                    batch: id,
                    metadata: Arc::clone(&metadata),
                    payload: payload(self.position),
                });
            }
        }
        Append { id, expected: vec![(PartitionId(0), before)], events, claims: Vec::new() }
    }
}

fn payload(n: u64) -> Payload {
    Payload::stored(format!(r#"{{"type":"Held","quantity":1,"expiresAt":1700000900000,"line":"line-{n:012}"}}"#).into())
}
