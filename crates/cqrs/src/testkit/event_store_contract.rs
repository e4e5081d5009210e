//! The event store contract, point by point: what every store must do, whatever it stores on.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;

use crate::event::{BatchId, Metadata, PartitionId, Payload, Position, Recorded, StreamName, Version};
use crate::event_store::{Append, AppendError, Claim, EventStore, Head, Snapshot, StoreError};
use crate::time::Timestamp;

type Store = Arc<dyn EventStore>;

const A: PartitionId = PartitionId(0);
const B: PartitionId = PartitionId(1);

/// A batch under construction, on heads and versions the test knows.
struct Batch(Append);

impl Batch {
    fn new() -> Self {
        Self(Append { id: BatchId::generate(), expected: Vec::new(), events: Vec::new(), claims: Vec::new() })
    }

    fn expect(mut self, partition: PartitionId, position: Position) -> Self {
        self.0.expected.push((partition, position));
        self
    }

    fn event(mut self, partition: PartitionId, position: Position, stream: &str, version: Version) -> Self {
        let json = format!("{{\"stream\":\"{stream}\",\"version\":{version}}}");
        let at = Timestamp::from_millis(1_000 + i64::try_from(position).expect("small"));
        let metadata = Metadata { command: "test".into(), actor: Some("tester".into()), ..Metadata::default() };
        self.0.events.push(Recorded {
            partition,
            position,
            stream: StreamName::stored(stream),
            version,
            at,
            batch: self.0.id,
            metadata: Arc::new(metadata),
            payload: Payload::stored(Bytes::from(json)),
        });
        self
    }

    fn claim(mut self, key: &str, fingerprint: u64, answer: &str) -> Self {
        let answer = Bytes::copy_from_slice(answer.as_bytes());
        self.0.claims.push(Claim { key: key.into(), fingerprint, answer });
        self
    }

    async fn append(&self, store: &Store) -> Result<(), AppendError> {
        store.append(&self.0).await
    }
}

async fn heads(store: &Store) -> Vec<Head> {
    store.heads().await.expect("heads")
}

async fn all_of(store: &Store, partition: PartitionId) -> Vec<Recorded> {
    store.read_partition(partition, 0, 100_000).await.expect("a partition can be read")
}

fn is_conflict(result: &Result<(), AppendError>) -> bool {
    matches!(result, Err(AppendError::Conflict))
}

/// Positions count 1, 2, 3 per partition, versions per stream, and the heads say where they end.
pub async fn positions_are_gapless_and_versions_too(store: Store) {
    assert!(store.partitions() >= 4, "the contract needs four partitions");
    assert!(heads(&store).await.iter().all(|head| *head == Head::default()), "a fresh log is empty");
    Batch::new().expect(A, 0).event(A, 1, "s/1", 1).event(A, 2, "s/1", 2).append(&store).await.expect("first");
    Batch::new().expect(A, 2).event(A, 3, "s/2", 1).event(A, 4, "s/1", 3).append(&store).await.expect("second");
    let events = all_of(&store, A).await;
    assert_eq!(events.iter().map(|event| event.position).collect::<Vec<_>>(), [1, 2, 3, 4]);
    assert_eq!(heads(&store).await[0], Head { position: 4, at: Timestamp::from_millis(1_004) });
    assert_eq!(heads(&store).await[1], Head::default());
    // A place that leaves a gap is refused, whatever the heads say.
    let gap = Batch::new().expect(A, 4).event(A, 5, "s/1", 5).append(&store).await;
    assert!(gap.is_err(), "version 5 after version 3 was accepted");
    assert_eq!(all_of(&store, A).await.len(), 4);
}

/// Every field of an event comes back as it went in.
pub async fn what_was_stored_is_what_was_appended(store: Store) {
    let batch = Batch::new().expect(A, 0).event(A, 1, "kind/id", 1).event(A, 2, "kind/other", 1);
    batch.append(&store).await.expect("append");
    assert_eq!(all_of(&store, A).await, batch.0.events);
    assert_eq!(store.read_partition(A, 1, 1).await.expect("read"), batch.0.events[1..]);
    assert!(store.read_partition(A, 2, 10).await.expect("read").is_empty());
    assert!(store.read_partition(B, 0, 10).await.expect("read").is_empty());
}

/// Six writers race over four partitions while a reader follows: it sees every event once, in order.
pub async fn no_event_is_lost_or_inverted_under_concurrent_writers_and_a_live_tail(store: Store) {
    const WRITERS: u64 = 6;
    const EACH: u64 = 40;
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| tokio::spawn(write_many(Arc::clone(&store), writer, EACH))).collect();
    let mut seen: HashMap<u16, Position> = HashMap::new();
    let mut total = 0;
    while total < 2 * WRITERS * EACH {
        for partition in (0..4).map(PartitionId) {
            let read = seen.entry(partition.0).or_default();
            for event in store.read_partition(partition, *read, 64).await.expect("read") {
                assert_eq!(event.position, *read + 1, "partition {partition} skipped or repeated an event");
                *read = event.position;
                total += 1;
            }
        }
        tokio::task::yield_now().await;
    }
    for writer in writers {
        writer.await.expect("a writer ends well");
    }
    let ends: Position = heads(&store).await.iter().map(|head| head.position).sum();
    assert_eq!((total, ends), (2 * WRITERS * EACH, 2 * WRITERS * EACH));
}

/// Appends `count` batches of two events to two partitions each, reading the heads again after each loss.
async fn write_many(store: Store, writer: u64, count: u64) {
    for n in 1..=count {
        let first = u16::try_from((writer + n) % 3).expect("small");
        let (p, q) = (PartitionId(first), PartitionId(first + 1));
        let (to_p, to_q) = (format!("w/{writer}-{n}-p"), format!("w/{writer}-{n}-q"));
        loop {
            let known = heads(&store).await;
            let (at_p, at_q) = (known[usize::from(p.0)].position, known[usize::from(q.0)].position);
            let batch = Batch::new().expect(p, at_p).expect(q, at_q);
            let batch = batch.event(p, at_p + 1, &to_p, 1).event(q, at_q + 1, &to_q, 1);
            match batch.append(&store).await {
                Ok(()) => break,
                Err(AppendError::Conflict | AppendError::Store(StoreError::Unavailable(_))) => {
                    tokio::task::yield_now().await
                }
                Err(other) => panic!("append: {other}"),
            }
        }
    }
}

/// A batch decided on an old head is refused, also where the head is one it only read.
pub async fn a_moved_head_is_a_conflict_even_where_nothing_is_appended(store: Store) {
    Batch::new().expect(A, 0).event(A, 1, "s/1", 1).append(&store).await.expect("first");
    assert!(is_conflict(&Batch::new().expect(A, 0).event(A, 1, "s/2", 1).append(&store).await));
    assert!(is_conflict(&Batch::new().expect(A, 0).expect(B, 0).event(B, 1, "s/3", 1).append(&store).await));
    assert_eq!(all_of(&store, A).await.len(), 1);
    assert!(all_of(&store, B).await.is_empty());
}

/// Streams and partitions of one batch are written together; a refused batch leaves no part of itself behind.
pub async fn a_batch_over_streams_and_partitions_is_atomic(store: Store) {
    let whole = Batch::new().expect(A, 0).expect(B, 0).event(A, 1, "s/1", 1).event(B, 1, "s/2", 1);
    whole.append(&store).await.expect("both");
    // The last event is impossible (version 3 after 1), the first ones are fine.
    let torn = Batch::new().expect(A, 1).expect(B, 1).event(A, 2, "s/1", 2).event(B, 2, "s/2", 3).claim("k", 1, "{}");
    assert!(torn.append(&store).await.is_err());
    assert_eq!((all_of(&store, A).await.len(), all_of(&store, B).await.len()), (1, 1));
    assert_eq!(store.claims(&["k".into()]).await.expect("claims"), [None]);
    assert!(!store.resolve(torn.0.id, &[A, B]).await.expect("resolve"));
}

/// The first to take a key has it; whoever comes later is told so, and finds the first answer.
pub async fn a_taken_claim_is_a_conflict_and_the_first_answer_stays(store: Store) {
    let first = Batch::new().expect(A, 0).event(A, 1, "s/1", 1).claim("key", 7, "{\"first\":true}");
    first.append(&store).await.expect("first");
    let second = Batch::new().expect(B, 0).event(B, 1, "s/2", 1).claim("key", 8, "{\"first\":false}");
    assert!(is_conflict(&second.append(&store).await));
    assert!(all_of(&store, B).await.is_empty());
    let held = store.claims(&["other".into(), "key".into()]).await.expect("claims");
    assert_eq!(held, [None, Some(first.0.claims[0].clone())]);
    // An accepted command that changes nothing may still have an answer to keep.
    Batch::new().expect(A, 1).claim("only", 9, "null").append(&store).await.expect("a claim alone");
    assert_eq!(
        store.claims(&["only".into()]).await.expect("claims")[0].as_ref().map(|claim| claim.fingerprint),
        Some(9)
    );
}

/// Two writers that create one stream in two partitions: the heads do not meet, the name does.
pub async fn a_streams_name_is_unique_whatever_its_partition(store: Store) {
    Batch::new().expect(A, 0).event(A, 1, "order/7", 1).append(&store).await.expect("first");
    assert!(is_conflict(&Batch::new().expect(B, 0).event(B, 1, "order/7", 1).append(&store).await));
    assert!(all_of(&store, B).await.is_empty());
}

/// A batch of rejections is as fresh as any other, and leaves no trace.
pub async fn an_empty_append_compares_and_changes_nothing(store: Store) {
    Batch::new().expect(A, 0).event(A, 1, "s/1", 1).append(&store).await.expect("first");
    let before = heads(&store).await;
    Batch::new().expect(A, 1).expect(B, 0).append(&store).await.expect("heads as expected");
    assert!(is_conflict(&Batch::new().expect(A, 0).append(&store).await));
    assert_eq!(heads(&store).await, before);
}

/// Whether a cut-off commit happened can be told from its batch id.
pub async fn an_unknown_commit_is_resolved_by_its_batch_id(store: Store) {
    let batch = Batch::new().expect(A, 0).expect(B, 0).event(B, 1, "s/1", 1);
    assert!(!store.resolve(batch.0.id, &[A, B]).await.expect("resolve"));
    batch.append(&store).await.expect("append");
    assert!(store.resolve(batch.0.id, &[A, B]).await.expect("resolve"));
    // Also once others have written after it.
    Batch::new().expect(B, 1).event(B, 2, "s/1", 2).append(&store).await.expect("append");
    assert!(store.resolve(batch.0.id, &[A, B]).await.expect("resolve"));
}

/// Who has lost twice locks first: then no one else can win.
pub async fn a_lock_keeps_other_writers_out(store: Store) {
    let lock = store.lock(&[A, B]).await.expect("lock");
    let other = Batch::new().expect(A, 0).event(A, 1, "s/other", 1);
    let mut others = Box::pin(other.append(&store));
    assert!(futures::poll!(&mut others).is_pending(), "an append went past the lock");
    assert_eq!(heads(&store).await[0], Head::default(), "readers are not kept out");
    let batch = Batch::new().expect(A, 0).event(A, 1, "s/1", 1);
    lock.append(&batch.0).await.expect("the holder appends");
    assert!(is_conflict(&others.await));
    // Dropped without an append, it lets go as well.
    drop(store.lock(&[A]).await.expect("lock"));
    Batch::new().expect(A, 1).event(A, 2, "s/1", 2).append(&store).await.expect("free again");
}

/// Streams come in pages, several in one round trip, forwards and backwards.
pub async fn streams_are_read_in_pages_forwards_and_back(store: Store) {
    let mut batch = Batch::new().expect(A, 0);
    for n in 1..=5 {
        batch = batch.event(A, 2 * n - 1, "s/1", n).event(A, 2 * n, "s/2", n);
    }
    batch.append(&store).await.expect("append");
    let asked = [("s/2", 1), ("s/none", 0), ("s/1", 3)].map(|(name, after)| (StreamName::stored(name), after));
    let read = store.read_streams(&asked, 3).await.expect("read");
    let versions: Vec<Vec<Version>> = read.iter().map(|events| events.iter().map(|e| e.version).collect()).collect();
    assert_eq!(versions, [vec![2, 3, 4], vec![], vec![4, 5]]);
    assert!(read[0].iter().all(|event| event.stream.as_str() == "s/2"));
    let back = store.read_stream_back(&StreamName::stored("s/1"), 5, 3).await.expect("read");
    assert_eq!(back.iter().map(|event| event.version).collect::<Vec<_>>(), [4, 3, 2]);
    let newest = store.read_stream_back(&StreamName::stored("s/1"), Version::MAX, 1).await.expect("read");
    assert_eq!(newest.iter().map(|event| event.version).collect::<Vec<_>>(), [5]);
}

/// A newer snapshot takes the place of an older one.
pub async fn the_newest_snapshot_is_found(store: Store) {
    let stream = StreamName::stored("s/1");
    Batch::new().expect(A, 0).event(A, 1, "s/1", 1).event(A, 2, "s/1", 2).append(&store).await.expect("append");
    let snapshot = |version, state: &'static str| Snapshot {
        stream: stream.clone(),
        partition: A,
        version,
        fold_version: 3,
        state: Bytes::from_static(state.as_bytes()),
    };
    assert_eq!(store.snapshots(std::slice::from_ref(&stream)).await.expect("snapshots"), [None]);
    store.save_snapshot(snapshot(1, "{\"n\":1}")).await.expect("save");
    store.save_snapshot(snapshot(2, "{\"n\":2}")).await.expect("save");
    let found = store.snapshots(&[StreamName::stored("s/2"), stream.clone()]).await.expect("snapshots");
    assert_eq!(found, [None, Some(snapshot(2, "{\"n\":2}"))]);
}
