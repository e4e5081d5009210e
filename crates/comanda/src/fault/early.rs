//! A store that acknowledges a batch first and writes it a few batches later.

use std::collections::VecDeque;
use std::sync::Arc;

use async_trait::async_trait;
use cqrs::{
    Append, AppendError, BatchId, Claim, Epoch, EventStore, Head, HeadLock, LogReader, PartitionId, Position, Recorded,
    Snapshot, StoreError, StreamName, Version,
};
use tokio::sync::Mutex;

/// Batches acknowledged and not yet written.
const BEHIND: usize = 8;

pub(super) struct AnswersEarly {
    inner: Arc<dyn EventStore>,
    waiting: Mutex<VecDeque<Append>>,
}

impl AnswersEarly {
    pub(super) fn before(inner: Arc<dyn EventStore>) -> Arc<dyn EventStore> {
        Arc::new(Self { inner, waiting: Mutex::default() })
    }

    /// Writes all but the newest `keep` batches.
    async fn write(&self, keep: usize) -> Result<(), AppendError> {
        let mut waiting = self.waiting.lock().await;
        while waiting.len() > keep {
            let Some(batch) = waiting.pop_front() else { break };
            self.inner.append(&batch).await?;
        }
        Ok(())
    }

    async fn settle(&self) -> Result<(), StoreError> {
        self.write(0).await.map_err(|cause| StoreError::Broken(cause.to_string()))
    }
}

#[async_trait]
impl LogReader for AnswersEarly {
    fn partitions(&self) -> u16 {
        self.inner.partitions()
    }
    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }
    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.settle().await?;
        self.inner.heads().await
    }
    async fn read_partition(&self, p: PartitionId, after: Position, n: usize) -> Result<Vec<Recorded>, StoreError> {
        self.inner.read_partition(p, after, n).await
    }
    async fn read_streams(&self, s: &[(StreamName, Version)], n: usize) -> Result<Vec<Vec<Recorded>>, StoreError> {
        self.inner.read_streams(s, n).await
    }
    async fn read_stream_back(&self, s: &StreamName, v: Version, n: usize) -> Result<Vec<Recorded>, StoreError> {
        self.inner.read_stream_back(s, v, n).await
    }
    async fn snapshots(&self, streams: &[StreamName]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        self.inner.snapshots(streams).await
    }
}

#[async_trait]
impl EventStore for AnswersEarly {
    async fn append(&self, batch: &Append) -> Result<(), AppendError> {
        self.waiting.lock().await.push_back(batch.clone());
        self.write(BEHIND).await
    }
    async fn lock(&self, partitions: &[PartitionId]) -> Result<Box<dyn HeadLock>, StoreError> {
        self.settle().await?;
        self.inner.lock(partitions).await
    }
    async fn resolve(&self, id: BatchId, partitions: &[PartitionId]) -> Result<bool, StoreError> {
        self.settle().await?;
        self.inner.resolve(id, partitions).await
    }
    async fn claims(&self, keys: &[String]) -> Result<Vec<Option<Claim>>, StoreError> {
        self.settle().await?;
        self.inner.claims(keys).await
    }
    async fn save_snapshot(&self, _: Snapshot) -> Result<(), StoreError> {
        Ok(())
    }
}
