//! The contract shown to bark: stores that each leave out one guard, and the check that must catch it.

use std::sync::Arc;

use async_trait::async_trait;
use cqrs::memory::MemoryEventStore;
use cqrs::testkit::{event_store_contract, executor_contract, transport_contract};
use cqrs::{
    Aggregate, Append, AppendError, BatchId, Channel, Claim, Epoch, EventStore, Head, HeadLock, Inbox, InboxEvent,
    LogReader, PartitionId, Payload, Position, Recorded, Snapshot, StoreError, StreamName, Version,
};

/// What a careless store leaves out.
#[derive(Clone, Copy, PartialEq)]
enum Without {
    /// Takes whatever head is there for the expected one.
    HeadCheck,
    /// Forgets the claims of a batch.
    Claims,
    /// Finds every batch in the log.
    Resolution,
    /// Says yes, and stores nothing.
    Durability,
    /// Forgets which messages were received.
    Dedupe,
}

struct Careless {
    inner: MemoryEventStore,
    without: Without,
    one_at_a_time: tokio::sync::Mutex<()>,
}

impl Careless {
    fn store(without: Without) -> Arc<dyn EventStore> {
        Arc::new(Self { inner: MemoryEventStore::new(4), without, one_at_a_time: tokio::sync::Mutex::default() })
    }
}

#[async_trait]
impl LogReader for Careless {
    fn partitions(&self) -> u16 {
        self.inner.partitions()
    }
    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }
    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.inner.heads().await
    }
    async fn read_partition(&self, p: PartitionId, after: Position, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        self.inner.read_partition(p, after, limit).await
    }
    async fn read_streams(&self, s: &[(StreamName, Version)], limit: usize) -> Result<Vec<Vec<Recorded>>, StoreError> {
        self.inner.read_streams(s, limit).await
    }
    async fn read_stream_back(&self, s: &StreamName, before: Version, n: usize) -> Result<Vec<Recorded>, StoreError> {
        self.inner.read_stream_back(s, before, n).await
    }
    async fn snapshots(&self, streams: &[StreamName]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        self.inner.snapshots(streams).await
    }
}

#[async_trait]
impl EventStore for Careless {
    async fn append(&self, batch: &Append) -> Result<(), AppendError> {
        let _turn = self.one_at_a_time.lock().await;
        let mut batch = batch.clone();
        match self.without {
            Without::HeadCheck => self.move_to_the_end(&mut batch).await?,
            Without::Claims => batch.claims.clear(),
            Without::Durability => return Ok(()),
            Without::Dedupe => forget_what_was_received(&mut batch),
            Without::Resolution => {}
        }
        self.inner.append(&batch).await
    }
    async fn lock(&self, partitions: &[PartitionId]) -> Result<Box<dyn HeadLock>, StoreError> {
        self.inner.lock(partitions).await
    }
    async fn resolve(&self, id: BatchId, partitions: &[PartitionId]) -> Result<bool, StoreError> {
        Ok(self.without == Without::Resolution || self.inner.resolve(id, partitions).await?)
    }
    async fn claims(&self, keys: &[String]) -> Result<Vec<Option<Claim>>, StoreError> {
        self.inner.claims(keys).await
    }
    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), StoreError> {
        self.inner.save_snapshot(snapshot).await
    }
}

/// Every inbox stands at its beginning again.
fn forget_what_was_received(batch: &mut Append) {
    for event in batch.events.iter_mut().filter(|event| event.stream.kind() == Inbox::KIND) {
        event.payload = Payload::new(Arc::new(InboxEvent::Advanced { to: 0 })).unwrap();
    }
}

impl Careless {
    /// Renumbers a batch so that it fits wherever the log ends by now: the last writer wins.
    async fn move_to_the_end(&self, batch: &mut Append) -> Result<(), StoreError> {
        let heads = self.inner.heads().await?;
        for (partition, expected) in &mut batch.expected {
            let shift = heads[usize::from(partition.0)].position - *expected;
            *expected += shift;
            for event in batch.events.iter_mut().filter(|event| event.partition == *partition) {
                event.position += shift;
            }
        }
        let mut next: std::collections::HashMap<StreamName, Version> = std::collections::HashMap::new();
        for event in &mut batch.events {
            let version = match next.get(&event.stream) {
                Some(version) => version + 1,
                None => {
                    self.inner.read_streams(&[(event.stream.clone(), 0)], usize::MAX).await?[0].len() as Version + 1
                }
            };
            event.version = version;
            next.insert(event.stream.clone(), version);
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[should_panic(expected = "assertion")]
async fn without_the_head_check_two_executors_oversell() {
    executor_contract::two_executors_on_one_log_never_oversell(Careless::store(Without::HeadCheck)).await;
}

#[tokio::test]
#[should_panic(expected = "is_conflict")]
async fn without_the_head_check_a_stale_rejection_passes() {
    let store = Careless::store(Without::HeadCheck);
    event_store_contract::a_moved_head_is_a_conflict_even_where_nothing_is_appended(store).await;
}

#[tokio::test]
#[should_panic(expected = "assertion")]
async fn without_claims_a_repeated_command_is_done_twice() {
    executor_contract::first_answers_are_replayed_and_reused_keys_refused(Careless::store(Without::Claims)).await;
}

#[tokio::test]
#[should_panic(expected = "after the fault")]
async fn without_resolution_a_lost_commit_is_acknowledged() {
    executor_contract::an_unknown_commit_is_answered_once(Careless::store(Without::Resolution)).await;
}

#[tokio::test]
#[should_panic(expected = "resolved")]
async fn an_executor_that_answers_before_the_commit_is_found_out() {
    executor_contract::an_unknown_commit_is_answered_once(Careless::store(Without::Durability)).await;
}

#[tokio::test]
#[should_panic(expected = "assertion")]
async fn a_store_that_answers_before_the_commit_is_found_out() {
    event_store_contract::what_was_stored_is_what_was_appended(Careless::store(Without::Durability)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[should_panic(expected = "not each once and in order")]
async fn without_the_inbox_a_repeated_message_has_its_effect_twice() {
    let transport = Arc::new(Channel::default());
    transport_contract::a_consumer_killed_on(Careless::store(Without::Dedupe), transport).await;
}
