//! The log for queries on async workers: reads on threads that may block.

use std::sync::Arc;

use async_trait::async_trait;
use cqrs::{Epoch, Head, LogReader, PartitionId, Position, Recorded, Snapshot, StoreError, StreamName, Version};

use super::log_file::LogFile;

/// Reads the log of a folder; every read runs on a thread of tokio's that may block, never on the async worker.
#[derive(Clone)]
pub struct SqliteLogReader(pub(crate) Arc<LogFile>);

/// Runs `work` on a thread that may block.
pub(crate) async fn off_worker<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, StoreError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(StoreError::Unavailable(format!("the read did not finish: {error}"))),
    }
}

#[async_trait]
impl LogReader for SqliteLogReader {
    fn partitions(&self) -> u16 {
        self.0.partitions
    }

    fn epoch(&self) -> Epoch {
        self.0.epoch
    }

    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        Ok(self.0.heads().clone())
    }

    async fn read_partition(
        &self,
        partition: PartitionId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        let log = Arc::clone(&self.0);
        off_worker(move || log.read_partition(partition, after, limit)).await
    }

    async fn read_streams(
        &self,
        streams: &[(StreamName, Version)],
        limit: usize,
    ) -> Result<Vec<Vec<Recorded>>, StoreError> {
        let (log, streams) = (Arc::clone(&self.0), streams.to_vec());
        off_worker(move || log.read_streams(&streams, limit)).await
    }

    async fn read_stream_back(
        &self,
        stream: &StreamName,
        before: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        let (log, stream) = (Arc::clone(&self.0), stream.clone());
        off_worker(move || log.read_stream_back(&stream, before, limit)).await
    }

    async fn snapshots(&self, streams: &[StreamName]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        let (log, streams) = (Arc::clone(&self.0), streams.to_vec());
        off_worker(move || log.snapshots(&streams)).await
    }
}
