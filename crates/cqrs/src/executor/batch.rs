//! One batch: every command decided in memory on the log as known, plus what the commands before it decided.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};
use smallvec::SmallVec;

use super::cache::Cache;
use super::job::{Failure, Job};
use super::load::load;
use crate::command::{Decided, States, Wanted};
use crate::event::{BatchId, Metadata, PartitionId, Payload, PayloadWriter, Position, Recorded, StreamName, Version};
use crate::event_store::{Append, Claim, EventStore, Head, StoreError};
use crate::query::Token;
use crate::state::Slot;
use crate::time::Timestamp;

/// How often one command may ask for streams it had not named. An order's lines are found in one round.
pub(crate) const ROUNDS_MAX: usize = 8;

/// How often one stream may have something due at one instant.
const DUE_MAX: usize = 100_000;

/// The log as the loop knows it: what a batch is decided on.
pub(super) struct Ground {
    pub(super) store: Arc<dyn EventStore>,
    pub(super) cache: Cache,
    /// The head of every partition; every cached state is exact up to them.
    pub(super) heads: Vec<Head>,
    /// The number of the command decided last.
    pub(super) reader: u64,
    pub(super) batch_events_max: usize,
    pub(super) writer: PayloadWriter,
    /// The emptied working set of the last batch: its room is used again.
    pub(super) spare: FxHashMap<StreamName, Slot>,
}

/// What a batch would change, none of it true before it is appended.
pub(super) struct Batch {
    pub(super) append: Append,
    pub(super) working: FxHashMap<StreamName, Slot>,
    /// The partitions that any decision read: the head it relies on, and the head after this batch.
    pub(super) heads: BTreeMap<PartitionId, (Position, Head)>,
    /// What to tell each decided command's caller beside its answer.
    pub(super) outcomes: Vec<Outcome>,
    claims: FxHashMap<String, Claim>,
    unreadable: FxHashMap<StreamName, String>,
}

/// The partitions of one command: of most there is one.
pub(super) type Partitions = SmallVec<[PartitionId; 4]>;

/// Where a decided command read, and what its first stream is.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) partitions: Partitions,
    pub(super) version: Version,
    /// Of a first answer given again: the token it was given with.
    pub(super) replayed: Option<Token>,
}

impl Batch {
    fn new(working: FxHashMap<StreamName, Slot>) -> Self {
        let append = Append { id: BatchId::generate(), expected: Vec::new(), events: Vec::new(), claims: Vec::new() };
        Self {
            append,
            working,
            heads: BTreeMap::new(),
            outcomes: Vec::new(),
            claims: FxHashMap::default(),
            unreadable: FxHashMap::default(),
        }
    }
}

impl Ground {
    /// Decides `jobs` in order, as many as the bound on events allows; the outcomes tell how many.
    pub(super) async fn decide(&mut self, jobs: &mut [Box<dyn Job>], now: Timestamp) -> Result<Batch, StoreError> {
        let mut batch = Batch::new(std::mem::take(&mut self.spare));
        batch.working.clear();
        // No more than one batch could record: the rest is named again when its turn comes.
        let mut streams = 0;
        let mut named: Vec<Vec<Wanted>> = Vec::new();
        for job in jobs.iter() {
            if streams >= self.batch_events_max {
                break;
            }
            let of_job = job.streams();
            streams += of_job.len();
            named.push(of_job);
        }
        // What most commands record, so that the list is not moved while it grows.
        batch.append.events.reserve(streams.min(self.batch_events_max));
        self.bring(&mut batch, named.iter().flatten()).await?;
        let idempotent = jobs.iter().take(named.len()).filter_map(|job| job.about().idempotency.as_ref());
        let keys: Vec<String> = idempotent.map(|key| key.key.clone()).collect();
        self.find_claims(&mut batch, keys).await?;
        for (job, streams) in jobs.iter_mut().zip(named) {
            let outcome = self.decide_one(&mut batch, job.as_mut(), streams, now).await?;
            batch.outcomes.push(outcome);
            if batch.append.events.len() >= self.batch_events_max {
                break;
            }
        }
        batch.append.expected = batch.heads.iter().map(|(partition, (expected, _))| (*partition, *expected)).collect();
        Ok(batch)
    }

    async fn decide_one(
        &mut self,
        batch: &mut Batch,
        job: &mut dyn Job,
        mut streams: Vec<Wanted>,
        now: Timestamp,
    ) -> Result<Outcome, StoreError> {
        self.reader += 1;
        for round in 0..ROUNDS_MAX {
            if round > 0 {
                // Found while deciding.
                self.bring(batch, streams.iter()).await?;
            }
            let partitions = self.name(batch, &streams)?;
            let version = streams.first().and_then(|first| batch.working.get(&first.name)).map_or(0, |s| s.version);
            if let Some(failure) = refusal(batch, job, &streams, (round == 0).then_some(version)) {
                job.fail(failure);
                return Ok(Outcome { partitions, version, replayed: None });
            }
            if let Some(first) = job.about().idempotency.as_ref().and_then(|key| batch.claims.get(&key.key)) {
                let kept = first.answer.clone();
                let (replayed, version) = job.replay(&kept).unwrap_or((None, version));
                return Ok(Outcome { partitions, version, replayed });
            }
            let at = partitions.iter().filter_map(|p| batch.heads.get(p)).map(|(_, head)| head.at).fold(now, Ord::max);
            for wanted in &streams {
                record_due(batch, &wanted.name, at, &job.about().metadata)?;
            }
            let states = States::new(at, &batch.working, self.reader);
            let events = job.decide(&states);
            let mut unnamed = states.into_unnamed();
            unnamed.extend(events.iter().map(|event| &event.wanted).filter(|w| !self.has_named(batch, w)).cloned());
            if unnamed.is_empty() {
                let first = streams.first().map(|first| &first.name);
                let version = self.accept(batch, job, events, at, first, &partitions)?;
                return Ok(Outcome { partitions, version, replayed: None });
            }
            streams.extend(unnamed);
        }
        job.fail(Failure::Broken(format!("it still asked for new streams after {ROUNDS_MAX} rounds")));
        Ok(Outcome::default())
    }

    /// Takes over a decision: the events of an accepted one into the working set and the append, its answer under its key.
    /// Returns the version of the stream `first`.
    fn accept(
        &mut self,
        batch: &mut Batch,
        job: &mut dyn Job,
        events: Vec<Decided>,
        at: Timestamp,
        first: Option<&StreamName>,
        partitions: &[PartitionId],
    ) -> Result<Version, StoreError> {
        // All are written before the first counts: one that cannot be leaves nothing of its command behind.
        let mut payloads: SmallVec<[Payload; 4]> = SmallVec::with_capacity(events.len());
        let written = events.iter().try_for_each(|event| {
            payloads.push(event.encode(&mut self.writer)?);
            Ok::<_, serde_json::Error>(())
        });
        match written {
            Err(cause) => job.fail(Failure::Broken(cause.to_string())),
            Ok(()) => {
                let metadata = &job.about().metadata;
                for (event, payload) in events.iter().zip(payloads) {
                    record(batch, &event.wanted.name, payload, at, metadata)?;
                }
            }
        }
        let version = first.and_then(|first| batch.working.get(first)).map_or(0, |slot| slot.version);
        if let Some(key) = job.about().idempotency.clone() {
            let mut token = Token::new(self.store.epoch());
            for partition in partitions {
                token.require(*partition, batch.heads.get(partition).map_or(0, |(_, head)| head.position));
            }
            match job.first_answer(&token, version) {
                None => {}
                Some(Err(cause)) => return Err(StoreError::Broken(format!("an answer cannot be kept: {cause}"))),
                Some(Ok(answer)) => {
                    let claim = Claim { key: key.key, fingerprint: key.fingerprint, answer };
                    batch.claims.insert(claim.key.clone(), claim.clone());
                    batch.append.claims.push(claim);
                }
            }
        }
        Ok(version)
    }

    fn has_named(&self, batch: &Batch, wanted: &Wanted) -> bool {
        batch.working.get(&wanted.name).is_some_and(|slot| slot.named_by == self.reader)
    }

    /// Marks `streams` as named by the command being decided, and their partitions as read by this batch.
    fn name(&self, batch: &mut Batch, streams: &[Wanted]) -> Result<Partitions, StoreError> {
        let mut partitions = Partitions::new();
        for wanted in streams {
            let Some(slot) = batch.working.get_mut(&wanted.name) else { continue };
            slot.named_by = self.reader;
            if slot.version == 0 {
                // Not created yet: whoever creates it says where.
                slot.partition = wanted.home(self.store.partitions());
            }
            let partition = slot.partition;
            if !partitions.contains(&partition) {
                partitions.push(partition);
                if let Entry::Vacant(unread) = batch.heads.entry(partition) {
                    let head = self.head(partition)?;
                    unread.insert((head.position, head));
                }
            }
        }
        Ok(partitions)
    }

    fn head(&self, partition: PartitionId) -> Result<Head, StoreError> {
        let head = self.heads.get(usize::from(partition.0)).copied();
        head.ok_or_else(|| StoreError::Broken(format!("the log has no partition {partition}")))
    }

    /// Brings states into the working set: from the cache, else all the others together from the store.
    async fn bring(&mut self, batch: &mut Batch, streams: impl Iterator<Item = &Wanted>) -> Result<(), StoreError> {
        let mut missing = Vec::new();
        for wanted in streams {
            if batch.working.contains_key(&wanted.name) {
                continue;
            }
            match self.cache.get(&wanted.name) {
                Some(slot) => drop(batch.working.insert(wanted.name.clone(), slot)),
                None => missing.push(wanted),
            }
        }
        self.load(batch, missing.into_iter()).await
    }

    /// Folds from the store what is not in the working set yet.
    async fn load(&self, batch: &mut Batch, streams: impl Iterator<Item = &Wanted>) -> Result<(), StoreError> {
        let mut seen = FxHashSet::default();
        let missing: Vec<&Wanted> = streams
            .filter(|wanted| !batch.working.contains_key(&wanted.name) && !batch.unreadable.contains_key(&wanted.name))
            .filter(|wanted| seen.insert(&wanted.name))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        let found = load(self.store.as_ref(), self.store.partitions(), &missing).await?;
        for (wanted, slot) in missing.into_iter().zip(found) {
            match slot {
                Ok(slot) => drop(batch.working.insert(wanted.name.clone(), slot)),
                Err(cause) => drop(batch.unreadable.insert(wanted.name.clone(), cause)),
            }
        }
        Ok(())
    }

    /// Looks up the idempotency keys of the batch, together.
    async fn find_claims(&self, batch: &mut Batch, keys: Vec<String>) -> Result<(), StoreError> {
        if keys.is_empty() {
            return Ok(());
        }
        let held = self.store.claims(&keys).await?;
        batch.claims.extend(held.into_iter().flatten().map(|claim| (claim.key.clone(), claim)));
        Ok(())
    }
}

/// Why a command is refused without being decided, if it is.
fn refusal(batch: &Batch, job: &dyn Job, streams: &[Wanted], version: Option<Version>) -> Option<Failure> {
    if !batch.unreadable.is_empty()
        && let Some(cause) = streams.iter().find_map(|wanted| batch.unreadable.get(&wanted.name))
    {
        return Some(Failure::Broken(cause.clone()));
    }
    let about = job.about();
    if let Some(key) = &about.idempotency
        && let Some(claim) = batch.claims.get(&key.key)
    {
        // A key that answered this very request replays it, whatever `If-Match` says by now.
        return (claim.fingerprint != key.fingerprint).then_some(Failure::KeyReused);
    }
    match (about.if_match, version) {
        (Some(expected), Some(actual)) if expected != actual => Some(Failure::VersionMismatch { expected, actual }),
        _ => None,
    }
}

/// Records what time alone has made true of `stream` by `at`.
fn record_due(
    batch: &mut Batch,
    stream: &StreamName,
    at: Timestamp,
    metadata: &Arc<Metadata>,
) -> Result<(), StoreError> {
    for _ in 0..DUE_MAX {
        let Some(due) = batch.working.get(stream).and_then(|slot| slot.state.due_payload(at)) else { return Ok(()) };
        let payload = due.map_err(|cause| StoreError::Broken(cause.to_string()))?;
        record(batch, stream, payload, at, metadata)?;
    }
    Err(StoreError::Broken(format!("{stream}: what is due stays due after it was recorded {DUE_MAX} times")))
}

/// Gives an event its place, and folds it into the working set.
fn record(
    batch: &mut Batch,
    stream: &StreamName,
    payload: Payload,
    at: Timestamp,
    metadata: &Arc<Metadata>,
) -> Result<(), StoreError> {
    let misplaced = || StoreError::Broken(format!("{stream} was recorded without being loaded"));
    let slot = batch.working.get_mut(stream).ok_or_else(misplaced)?;
    let (_, head) = batch.heads.get_mut(&slot.partition).ok_or_else(misplaced)?;
    let version = slot.version + 1;
    slot.apply(version, &payload).map_err(|cause| StoreError::Broken(cause.to_string()))?;
    head.position += 1;
    head.at = at;
    batch.append.events.push(Recorded {
        partition: slot.partition,
        position: head.position,
        stream: stream.clone(),
        version,
        at,
        batch: batch.append.id,
        metadata: Arc::clone(metadata),
        payload,
    });
    Ok(())
}
