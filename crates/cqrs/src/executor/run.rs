//! The loop: take what waits, decide, append once, answer; on a conflict read what was missed and decide again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::{FxHashMap, FxHashSet};
use tokio::sync::mpsc;

use super::ExecutorSettings;
use super::batch::{Batch, Ground};
use super::cache::Cache;
use super::job::{Failure, Job};
use super::snapshots::{SnapshotLoop, Snapshots};
use crate::event::{PartitionId, PayloadWriter, Position};
use crate::event_store::{AppendError, EventStore, Head, HeadLock, StoreError, Tail};
use crate::query::Token;
use crate::time::Clock;

/// Losses after which the next attempt locks the heads before it decides.
const LOSSES_BEFORE_LOCK: usize = 2;

/// Attempts at one batch. With its heads locked an attempt can lose only to a name or a partition it had not met.
const ATTEMPTS_MAX: usize = 16;

/// How long an unknown outcome is asked after before the loop stops answering.
const RESOLVE_WAIT_MAX: Duration = Duration::from_secs(30);

/// Events read per round trip while catching up.
const CATCH_UP_PAGE: usize = 1_024;

/// Events behind which a partition's cached states are dropped rather than followed.
const CATCH_UP_MAX: Position = 65_536;

/// The loop behind an [`Executor`](super::Executor).
pub struct ExecutorLoop {
    jobs: mpsc::Receiver<Box<dyn Job>>,
    ground: Ground,
    clock: Arc<dyn Clock>,
    tail: Tail,
    snapshots: Snapshots,
    snapshot_loop: Option<SnapshotLoop>,
    batch_commands_max: usize,
}

impl ExecutorLoop {
    pub(super) fn new(
        jobs: mpsc::Receiver<Box<dyn Job>>,
        store: Arc<dyn EventStore>,
        clock: Arc<dyn Clock>,
        tail: Tail,
        settings: ExecutorSettings,
    ) -> Self {
        let (snapshots, snapshot_loop) = Snapshots::new(settings.snapshot_every_events, Arc::clone(&store));
        let ground = Ground {
            store,
            cache: Cache::new(settings.cached_streams_max),
            heads: Vec::new(),
            reader: 0,
            batch_events_max: settings.batch_events_max.max(1),
            writer: PayloadWriter::default(),
            spare: FxHashMap::default(),
        };
        let batch_commands_max = settings.batch_commands_max.max(1);
        Self { jobs, ground, clock, tail, snapshots, snapshot_loop: Some(snapshot_loop), batch_commands_max }
    }

    /// The loop that writes this executor's snapshots; to be run beside it. `None` the second time.
    pub fn snapshots(&mut self) -> Option<SnapshotLoop> {
        self.snapshot_loop.take()
    }

    /// Runs until every handle is dropped and every queued command is answered.
    ///
    /// # Errors
    /// The store's error if nothing can be acknowledged any more. Every caller has then been told; the process should
    /// say why and exit, because what a damaged store shows on a second look may be no more than the page cache.
    pub async fn run(mut self) -> Result<(), StoreError> {
        self.snapshot_loop = None;
        self.ground.heads = self.ground.store.heads().await?;
        let mut waiting = Vec::with_capacity(self.batch_commands_max);
        while self.jobs.recv_many(&mut waiting, self.batch_commands_max).await > 0 {
            metrics::histogram!("executor_batch_commands").record(waiting.len() as f64);
            while !waiting.is_empty() {
                self.execute(&mut waiting).await?;
            }
        }
        Ok(())
    }

    /// Decides and appends a batch from the front of `waiting`, and answers it.
    async fn execute(&mut self, waiting: &mut Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        drop_late(waiting);
        let mut met = FxHashSet::default();
        for attempt in 0..ATTEMPTS_MAX {
            let attempted = match self.attempt(waiting, attempt >= LOSSES_BEFORE_LOCK, &mut met).await {
                Err(AppendError::Conflict) => {
                    metrics::counter!("executor_conflicts_total").increment(1);
                    match self.catch_up().await {
                        Ok(()) => continue,
                        Err(cause) => Err(AppendError::Store(cause)),
                    }
                }
                attempted => attempted,
            };
            match attempted {
                Ok(batch) => {
                    self.committed(batch, waiting);
                    return Ok(());
                }
                Err(AppendError::Conflict) => {}
                Err(AppendError::Unknown(cause)) => {
                    fail_all(waiting, &Failure::Unavailable(format!("outcome unknown: {cause}")));
                    return Err(StoreError::Unavailable(cause));
                }
                Err(AppendError::Store(StoreError::Unavailable(cause))) => {
                    fail_all(waiting, &Failure::Unavailable(cause));
                    return Ok(());
                }
                Err(AppendError::Store(StoreError::Broken(cause))) => {
                    fail_all(waiting, &Failure::Unavailable(format!("the store is broken: {cause}")));
                    return Err(StoreError::Broken(cause));
                }
            }
        }
        fail_all(waiting, &Failure::Unavailable(format!("other writers were first {ATTEMPTS_MAX} times")));
        Ok(())
    }

    /// One attempt: decided, and appended unless something has moved.
    async fn attempt(
        &mut self,
        waiting: &mut [Box<dyn Job>],
        lock_first: bool,
        met: &mut FxHashSet<PartitionId>,
    ) -> Result<Batch, AppendError> {
        let lock = if lock_first { Some(self.lock(met).await?) } else { None };
        let batch = self.ground.decide(waiting, self.clock.now()).await?;
        met.extend(batch.heads.keys());
        let started = Instant::now();
        let appended = match lock {
            Some(lock) => lock.append(&batch.append).await,
            None => self.ground.store.append(&batch.append).await,
        };
        metrics::histogram!("executor_append_seconds").record(started.elapsed().as_secs_f64());
        match appended {
            Err(AppendError::Unknown(cause)) => self.resolve(batch, cause).await,
            appended => appended.map(|()| batch),
        }
    }

    /// Locks every partition met so far, and reads what was written before the lock.
    async fn lock(&mut self, met: &FxHashSet<PartitionId>) -> Result<Box<dyn HeadLock>, StoreError> {
        let mut partitions: Vec<PartitionId> = met.iter().copied().collect();
        partitions.sort_unstable();
        let lock = self.ground.store.lock(&partitions).await?;
        self.catch_up().await?;
        Ok(lock)
    }

    /// Finds out whether a batch whose commit was cut off is in the log.
    async fn resolve(&self, batch: Batch, cause: String) -> Result<Batch, AppendError> {
        let partitions: Vec<PartitionId> = batch.heads.keys().copied().collect();
        let give_up = Instant::now() + RESOLVE_WAIT_MAX;
        let mut pause = Duration::from_millis(10);
        loop {
            match self.ground.store.resolve(batch.append.id, &partitions).await {
                Ok(true) => return Ok(batch),
                // Final: it is not there and will not come. Decide again, on what is there now.
                Ok(false) => return Err(AppendError::Conflict),
                Err(StoreError::Broken(cause)) => return Err(StoreError::Broken(cause).into()),
                Err(StoreError::Unavailable(_)) if Instant::now() >= give_up => {
                    return Err(AppendError::Unknown(cause));
                }
                Err(StoreError::Unavailable(_)) => tokio::time::sleep(pause).await,
            }
            pause = (pause * 2).min(Duration::from_secs(1));
        }
    }

    /// Reads what other processes wrote, so that heads and cached states are those of the log again.
    async fn catch_up(&mut self) -> Result<(), StoreError> {
        let heads = self.ground.store.heads().await?;
        for (index, head) in heads.iter().enumerate() {
            let partition = PartitionId(u16::try_from(index).unwrap_or(u16::MAX));
            let known = self.ground.heads.get(index).copied().unwrap_or_default();
            if head.position < known.position {
                let (at, was) = (head.position, known.position);
                return Err(StoreError::Broken(format!("partition {partition} ended at {was} and now ends at {at}")));
            }
            if head.position.saturating_sub(known.position) > CATCH_UP_MAX {
                self.ground.cache.forget(partition);
            } else {
                self.follow(partition, known.position, *head).await?;
            }
        }
        self.ground.heads = heads;
        Ok(())
    }

    async fn follow(&mut self, partition: PartitionId, mut read: Position, head: Head) -> Result<(), StoreError> {
        while read < head.position {
            let events = self.ground.store.read_partition(partition, read, CATCH_UP_PAGE).await?;
            let Some(last) = events.last() else {
                return Err(StoreError::Broken(format!(
                    "partition {partition} ends at {read}, its head says {head:?}"
                )));
            };
            read = last.position;
            // An event past the head read above belongs to the next catch-up; states skip what they hold already.
            events.iter().filter(|event| event.position <= head.position).for_each(|e| self.ground.cache.follow(e));
        }
        Ok(())
    }

    /// The batch is durable: its callers are answered, its events published, its states become the known ones. In this order,
    /// because the callers have waited longest; nobody is served on the old states meanwhile.
    fn committed(&mut self, mut batch: Batch, waiting: &mut Vec<Box<dyn Job>>) {
        for (partition, (_, head)) in &batch.heads {
            if let Some(known) = self.ground.heads.get_mut(usize::from(partition.0)) {
                *known = *head;
            }
        }
        let epoch = self.ground.store.epoch();
        let decided = batch.outcomes.len();
        for (job, outcome) in waiting.drain(..decided).zip(batch.outcomes) {
            let mut token = Token::new(epoch);
            for partition in outcome.partitions {
                token.require(partition, batch.heads.get(&partition).map_or(0, |(_, head)| head.position));
            }
            if let Some(first) = outcome.replayed.filter(|first| first.epoch() == epoch) {
                token.merge(&first);
            }
            job.answer(token, outcome.version);
        }
        metrics::counter!("executor_events_total").increment(batch.append.events.len() as u64);
        if !batch.append.events.is_empty() {
            self.tail.publish(batch.append.events);
        }
        for (stream, mut slot) in batch.working.drain() {
            slot.snapshot = self.snapshots.offer(&stream, &slot);
            self.ground.cache.put(stream, slot);
        }
        self.ground.spare = batch.working;
    }
}

/// Drops the commands nobody waits for any more.
fn drop_late(waiting: &mut Vec<Box<dyn Job>>) {
    let now = Instant::now();
    let late = |job: &mut Box<dyn Job>| job.about().deadline.is_some_and(|deadline| deadline <= now);
    for job in waiting.extract_if(.., late) {
        fail(job, Failure::DeadlineExceeded);
    }
}

fn fail_all(waiting: &mut Vec<Box<dyn Job>>, failure: &Failure) {
    for job in waiting.drain(..) {
        fail(job, failure.clone());
    }
}

fn fail(mut job: Box<dyn Job>, failure: Failure) {
    job.fail(failure);
    job.answer(Token::new(crate::event::Epoch(uuid::Uuid::nil())), 0);
}
