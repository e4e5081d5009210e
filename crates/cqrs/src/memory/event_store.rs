//! The event store in memory.

use std::collections::HashMap;
use std::sync::Arc;

use async_trait::async_trait;
use tokio::sync::{Mutex, OwnedMutexGuard};
use uuid::Uuid;

use crate::event::{BatchId, Epoch, PartitionId, Position, Recorded, StreamName, Version};
use crate::event_store::{Append, AppendError, Claim, EventStore, Head, HeadLock, LogReader, Snapshot, StoreError};

/// A log that lives as long as its process. Cloning it gives another handle to the same log.
#[derive(Clone)]
pub struct MemoryEventStore {
    epoch: Epoch,
    partitions: u16,
    log: Arc<Mutex<Log>>,
    /// Held by whoever appends; a head lock is this lock held longer. Readers do without.
    writers: Arc<Mutex<()>>,
}

#[derive(Default)]
struct Log {
    partitions: Vec<Vec<Recorded>>,
    /// Where each stream's events stand.
    streams: HashMap<StreamName, Vec<(PartitionId, usize)>>,
    claims: HashMap<String, Claim>,
    snapshots: HashMap<StreamName, Snapshot>,
}

impl MemoryEventStore {
    /// An empty log of `partitions` parts, at least one.
    #[must_use]
    pub fn new(partitions: u16) -> Self {
        let partitions = partitions.max(1);
        let log = Log { partitions: vec![Vec::new(); usize::from(partitions)], ..Log::default() };
        Self { epoch: Epoch(Uuid::now_v7()), partitions, log: Arc::new(Mutex::new(log)), writers: Arc::default() }
    }
}

impl Log {
    fn head(&self, partition: PartitionId) -> Head {
        let last = self.partitions.get(usize::from(partition.0)).and_then(|events| events.last());
        last.map_or_else(Head::default, |event| Head { position: event.position, at: event.at })
    }

    fn event(&self, (partition, index): (PartitionId, usize)) -> Option<&Recorded> {
        self.partitions.get(usize::from(partition.0))?.get(index)
    }

    fn append(&mut self, batch: &Append) -> Result<(), AppendError> {
        let moved = batch.expected.iter().any(|(partition, position)| self.head(*partition).position != *position);
        let taken = batch.claims.iter().any(|claim| self.claims.contains_key(&claim.key));
        if moved || taken || !self.versions_follow(&batch.events) {
            return Err(AppendError::Conflict);
        }
        for event in &batch.events {
            if event.position != self.head(event.partition).position + 1 {
                return Err(StoreError::Broken(format!(
                    "position {} leaves a gap: a fault of the caller",
                    event.position
                ))
                .into());
            }
            let place = usize::from(event.partition.0);
            let unknown = || StoreError::Broken(format!("the log has no partition {}", event.partition));
            let partition = self.partitions.get_mut(place).ok_or_else(unknown)?;
            partition.push(event.clone());
            let index = partition.len() - 1;
            self.streams.entry(event.stream.clone()).or_default().push((event.partition, index));
        }
        for claim in &batch.claims {
            self.claims.insert(claim.key.clone(), claim.clone());
        }
        Ok(())
    }

    /// Whether every event is the next one of its stream.
    fn versions_follow(&self, events: &[Recorded]) -> bool {
        let mut next: HashMap<&StreamName, Version> = HashMap::new();
        events.iter().all(|event| {
            let known = self.streams.get(&event.stream).map_or(0, |places| places.len() as Version);
            let version = next.entry(&event.stream).or_insert(known);
            *version += 1;
            event.version == *version
        })
    }

    fn stream(&self, stream: &StreamName) -> impl DoubleEndedIterator<Item = &Recorded> {
        self.streams.get(stream).into_iter().flatten().filter_map(|place| self.event(*place))
    }
}

#[async_trait]
impl LogReader for MemoryEventStore {
    fn partitions(&self) -> u16 {
        self.partitions
    }

    fn epoch(&self) -> Epoch {
        self.epoch
    }

    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let log = self.log.lock().await;
        Ok((0..self.partitions).map(|partition| log.head(PartitionId(partition))).collect())
    }

    async fn read_partition(
        &self,
        partition: PartitionId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        let log = self.log.lock().await;
        let events = log.partitions.get(usize::from(partition.0)).map(Vec::as_slice).unwrap_or_default();
        let after = usize::try_from(after).unwrap_or(usize::MAX);
        Ok(events.iter().skip(after).take(limit).cloned().collect())
    }

    async fn read_streams(
        &self,
        streams: &[(StreamName, Version)],
        limit: usize,
    ) -> Result<Vec<Vec<Recorded>>, StoreError> {
        let log = self.log.lock().await;
        let read = |(stream, after): &(StreamName, Version)| {
            log.stream(stream).filter(|event| event.version > *after).take(limit).cloned().collect()
        };
        Ok(streams.iter().map(read).collect())
    }

    async fn read_stream_back(
        &self,
        stream: &StreamName,
        before: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        let log = self.log.lock().await;
        Ok(log.stream(stream).rev().filter(|event| event.version < before).take(limit).cloned().collect())
    }

    async fn snapshots(&self, streams: &[StreamName]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        let log = self.log.lock().await;
        Ok(streams.iter().map(|stream| log.snapshots.get(stream).cloned()).collect())
    }
}

#[async_trait]
impl EventStore for MemoryEventStore {
    async fn append(&self, batch: &Append) -> Result<(), AppendError> {
        let _writer = self.writers.lock().await;
        self.log.lock().await.append(batch)
    }

    async fn lock(&self, _: &[PartitionId]) -> Result<Box<dyn HeadLock>, StoreError> {
        // Coarser than asked for: one lock for all partitions.
        let writer = Arc::clone(&self.writers).lock_owned().await;
        Ok(Box::new(WriterLock { _writer: writer, log: Arc::clone(&self.log) }))
    }

    async fn resolve(&self, id: BatchId, _: &[PartitionId]) -> Result<bool, StoreError> {
        let _writer = self.writers.lock().await;
        let log = self.log.lock().await;
        Ok(log.partitions.iter().flatten().any(|event| event.batch == id))
    }

    async fn claims(&self, keys: &[String]) -> Result<Vec<Option<Claim>>, StoreError> {
        let log = self.log.lock().await;
        Ok(keys.iter().map(|key| log.claims.get(key).cloned()).collect())
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), StoreError> {
        self.log.lock().await.snapshots.insert(snapshot.stream.clone(), snapshot);
        Ok(())
    }
}

struct WriterLock {
    _writer: OwnedMutexGuard<()>,
    log: Arc<Mutex<Log>>,
}

#[async_trait]
impl HeadLock for WriterLock {
    async fn append(self: Box<Self>, batch: &Append) -> Result<(), AppendError> {
        self.log.lock().await.append(batch)
    }
}
