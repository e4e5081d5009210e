//! The event store port: a partitioned log whose heads are the only lock.
//!
//! To put the log on another database, write an [`EventStore`]: its contract is in prose on the trait, and in tests in
//! [`event_store_contract!`](crate::event_store_contract!) of the test kit. [`memory`](crate::memory) has the reference in the least code. Nothing above
//! this port knows what stands below it.
//!
//! One append is all that a batch of commands changes, over any number of streams and partitions ([`Append`]). It names the heads it was
//! decided on, and fails as a whole if one of them has moved.
//!
//! Next: [`read_store`](crate::read_store), the other port.

mod tail;

use async_trait::async_trait;
use bytes::Bytes;

use crate::event::{BatchId, Epoch, PartitionId, Position, Recorded, StreamName, Version};
use crate::time::Timestamp;

pub use tail::Tail;

/// Where a partition's log ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The position of its last event; 0 when it is empty.
    pub position: Position,
    /// The log time of its last event.
    pub at: Timestamp,
}

/// All that one batch of commands changes: it becomes durable as a whole or not at all.
#[derive(Clone, Debug)]
pub struct Append {
    /// Carried by every event of the batch.
    pub id: BatchId,
    /// The head each partition that was read from must still have, ascending by partition.
    pub expected: Vec<(PartitionId, Position)>,
    /// The events, each with its final place: per partition gapless from the expected head on.
    pub events: Vec<Recorded>,
    /// First answers to keep, each under a key nobody holds yet.
    pub claims: Vec<Claim>,
}

/// A key taken for good, with the first answer given under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// The key, unique in its context.
    pub key: String,
    /// A digest of the request that took it.
    pub fingerprint: u64,
    /// The first answer as JSON.
    pub answer: Bytes,
}

/// The fold of a stream up to a version, kept so that a restart need not fold it all again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream.
    pub stream: StreamName,
    /// The partition it lives in.
    pub partition: PartitionId,
    /// How much of the stream it holds.
    pub version: Version,
    /// [`Aggregate::FOLD_VERSION`](crate::Aggregate::FOLD_VERSION) of the fold that made it.
    pub fold_version: u32,
    /// The state as JSON.
    pub state: Bytes,
}

/// Why the store did not do what it was asked.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    /// It may work later; nothing was changed.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The stored data or the disk is damaged: stop answering.
    #[error("the store is broken: {0}")]
    Broken(String),
}

/// Why a batch was not appended.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppendError {
    /// A head has moved, a new stream's name exists or a claim is taken: read what was missed and decide again.
    #[error("another writer was first")]
    Conflict,
    /// The connection was lost during the commit: resolve the batch before anything else.
    #[error("the outcome of the commit is unknown: {0}")]
    Unknown(String),
    /// Nothing was appended.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The reading half of an event store: for projections and queries, which cannot append.
///
/// # Contract
/// * A reader MUST see of each partition a prefix of its log: if it sees position `n` it sees `1..n`, for ever.
/// * What an append acknowledged MUST be visible to every read that starts afterwards.
///
/// ```
/// use cqrs::{LogReader, PartitionId, Recorded, StoreError};
///
/// /// Shows `each` event of one partition, in order, a page at a time.
/// async fn read_all(log: &dyn LogReader, partition: PartitionId, mut each: impl FnMut(&Recorded)) -> Result<(), StoreError> {
///     let mut read = 0;
///     loop {
///         let page = log.read_partition(partition, read, 1_000).await?;
///         let Some(last) = page.last() else { return Ok(()) };
///         read = last.position;
///         page.iter().for_each(&mut each);
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), StoreError> {
/// let mut events = 0;
/// read_all(&cqrs::memory::MemoryEventStore::new(1), PartitionId(0), |_| events += 1).await?;
/// assert_eq!(events, 0);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait LogReader: Send + Sync + 'static {
    /// The number of partitions, fixed when the log was created.
    fn partitions(&self) -> u16;

    /// The identity of this log.
    fn epoch(&self) -> Epoch;

    /// The head of every partition, in order.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn heads(&self) -> Result<Vec<Head>, StoreError>;

    /// At most `limit` events of `partition` after position `after`, in order.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn read_partition(
        &self,
        partition: PartitionId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError>;

    /// At most `limit` events of each stream after the version named with it, in order, in the order asked.
    ///
    /// A stream that does not exist gives an empty list. All streams are read in one round trip.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn read_streams(
        &self,
        streams: &[(StreamName, Version)],
        limit: usize,
    ) -> Result<Vec<Vec<Recorded>>, StoreError>;

    /// At most `limit` events of `stream` before version `before`, newest first.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn read_stream_back(
        &self,
        stream: &StreamName,
        before: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError>;

    /// The newest snapshot of each stream, in the order asked.
    ///
    /// # Errors
    /// [`StoreError`]; a snapshot that cannot be read is none.
    async fn snapshots(&self, streams: &[StreamName]) -> Result<Vec<Option<Snapshot>>, StoreError>;
}

/// The event store port.
///
/// # Contract
/// * [`append`](EventStore::append) MUST compare every expected head and refuse all with [`AppendError::Conflict`]
///   unless all match; so too if a stream's version or a claim's key is taken, in whatever partition.
/// * It MUST return `Ok` only when the batch would survive a power cut.
/// * It MUST lock heads in the ascending order they are named, so that two appends cannot deadlock.
/// * With no events and no claims it compares the heads and MUST write nothing.
/// * After an I/O error whose effect on the disk is not known it MUST refuse every later append with
///   [`StoreError::Broken`].
///
/// The suite [`event_store_contract!`](crate::event_store_contract!) of the test kit holds every store to it.
///
/// ```
/// use cqrs::memory::MemoryEventStore;
/// use cqrs::{EventStore, LogReader};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryEventStore::new(4);
/// assert_eq!(store.heads().await?.len(), 4);
/// assert_eq!(store.claims(&["a key".into()]).await?, [None]);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait EventStore: LogReader {
    /// Appends a batch, durably, as a whole or not at all.
    ///
    /// # Errors
    /// [`AppendError`]
    async fn append(&self, batch: &Append) -> Result<(), AppendError>;

    /// Keeps every other writer out of `partitions` until the lock is dropped, so that a writer that has lost
    /// twice decides on heads that cannot move.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn lock(&self, partitions: &[PartitionId]) -> Result<Box<dyn HeadLock>, StoreError>;

    /// Whether batch `id`, whose commit had an unknown outcome, is in the log.
    ///
    /// It MUST wait out the lost attempt (by locking the heads of `partitions`), so that the answer is final.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn resolve(&self, id: BatchId, partitions: &[PartitionId]) -> Result<bool, StoreError>;

    /// The claim held under each key, in the order asked.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn claims(&self, keys: &[String]) -> Result<Vec<Option<Claim>>, StoreError>;

    /// Keeps a snapshot in place of the stream's older one. Losing it costs time only, so it need not be durable; it
    /// MUST NOT be found beside a log that does not hold what it folds.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), StoreError>;
}

/// Partitions that no other writer can move while this lives.
///
/// ```
/// use cqrs::memory::MemoryEventStore;
/// use cqrs::{Append, BatchId, EventStore, LogReader, PartitionId};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let store = MemoryEventStore::new(4);
/// let lock = store.lock(&[PartitionId(2)]).await?;
/// // Whatever is decided on this head now cannot lose: nobody else can append to partition 2.
/// let head = store.heads().await?[2];
/// let expected = vec![(PartitionId(2), head.position)];
/// lock.append(&Append { id: BatchId::generate(), expected, events: Vec::new(), claims: Vec::new() }).await?;
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait HeadLock: Send {
    /// Appends as [`EventStore::append`] does, and lets go.
    ///
    /// # Errors
    /// [`AppendError`]; a conflict is left only for partitions that were not locked, for names and for claims.
    async fn append(self: Box<Self>, batch: &Append) -> Result<(), AppendError>;
}
