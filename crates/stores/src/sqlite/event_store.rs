//! The event store: one writer, one transaction per batch, synced before it answers.

use std::sync::Arc;

use async_trait::async_trait;
use cqrs::{
    Append, AppendError, BatchId, Claim, Epoch, EventStore, Head, HeadLock, LogReader, PartitionId, Position, Recorded,
    Snapshot, StoreError, StreamName, Version,
};
use rusqlite::Connection;
use tokio::sync::{Mutex, OwnedMutexGuard};

use super::log_file::{LogFile, claims};
use super::stream_index::Keeper;
use super::wal::Wal;
use super::writer::Writer;

/// The log of a folder, to append to and to read.
///
/// It does its work inline, blocking the thread that polls it: an executor and a projector each run on a thread of
/// their own, where a hand-over per batch would cost more than it spares. Queries on async workers read through
/// [`SqliteLogReader`](super::SqliteLogReader).
pub struct SqliteEventStore {
    writer: Arc<Mutex<Writer>>,
    log: Arc<LogFile>,
}

impl SqliteEventStore {
    pub(crate) fn new(connection: Connection, wal: Wal, keeper: Keeper, log: Arc<LogFile>) -> Self {
        let writer = Writer::new(connection, wal, keeper, Arc::clone(&log));
        Self { writer: Arc::new(Mutex::new(writer)), log }
    }

    /// Reads with the writer's connection while nothing is being appended, else with one of the readers'.
    ///
    /// An executor reads between its own appends. Every commit empties the page caches of all other connections, and what
    /// it looks up (is this stream new?) is what it is about to write: the writer has those pages, and needs them.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        match self.writer.try_lock() {
            Ok(writer) => read(writer.connection()),
            Err(_) => self.log.readers.read(read),
        }
    }
}

#[async_trait]
impl LogReader for SqliteEventStore {
    fn partitions(&self) -> u16 {
        self.log.partitions
    }

    fn epoch(&self) -> Epoch {
        self.log.epoch
    }

    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        Ok(self.log.heads().clone())
    }

    async fn read_partition(
        &self,
        partition: PartitionId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.log.read_partition(partition, after, limit)
    }

    async fn read_streams(
        &self,
        streams: &[(StreamName, Version)],
        limit: usize,
    ) -> Result<Vec<Vec<Recorded>>, StoreError> {
        // Most of what an executor asks for here does not exist yet: then there is nothing to read in the log.
        let ends = self.log.streams_to_read(streams)?;
        self.read(|connection| self.log.read_ends(connection, streams, &ends, limit))
    }

    async fn read_stream_back(
        &self,
        stream: &StreamName,
        before: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.log.read_stream_back(stream, before, limit)
    }

    async fn snapshots(&self, streams: &[StreamName]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        self.log.snapshots(streams)
    }
}

#[async_trait]
impl EventStore for SqliteEventStore {
    async fn append(&self, batch: &Append) -> Result<(), AppendError> {
        self.writer.lock().await.append(batch)
    }

    /// There is one writer, so its lock keeps every partition, not only those named.
    async fn lock(&self, _: &[PartitionId]) -> Result<Box<dyn HeadLock>, StoreError> {
        let writer = Arc::clone(&self.writer).lock_owned().await;
        writer.check_sound()?;
        Ok(Box::new(SqliteHeadLock(writer)))
    }

    async fn resolve(&self, id: BatchId, partitions: &[PartitionId]) -> Result<bool, StoreError> {
        self.writer.lock().await.holds(id, partitions)
    }

    async fn claims(&self, keys: &[String]) -> Result<Vec<Option<Claim>>, StoreError> {
        self.read(|connection| claims(connection, keys))
    }

    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), StoreError> {
        self.log.snapshots.save(&snapshot)
    }
}

struct SqliteHeadLock(OwnedMutexGuard<Writer>);

#[async_trait]
impl HeadLock for SqliteHeadLock {
    async fn append(mut self: Box<Self>, batch: &Append) -> Result<(), AppendError> {
        self.0.append(batch)
    }
}
