//! One build of a view on its way along the log: its fold, how far it has read, and the streams parked in it.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::ProjectorError;
use super::fold::{AnyFold, AnyProjection, Poison};
use crate::event::{Epoch, PartitionId, Position, Recorded, StreamName};
use crate::event_store::{Head, LogReader, StoreError};
use crate::read_store::{Model, ModelChange, PARKED_STREAMS_MAX, ParkedStream, ReadStore};

/// How often a fold may ask for rows it had not named before: each round loads all that the last one missed.
pub(crate) const ROUNDS_MAX: usize = 64;

/// Events of a parked stream replayed in one step.
const REPLAY_EVENTS_MAX: usize = 4_096;

/// A build that follows the log.
pub(crate) struct Following {
    pub(super) fold: Box<dyn AnyFold>,
    /// The model in this build.
    pub(super) model: Model,
    /// Per partition, how far it has read.
    pub(super) read: Vec<Position>,
    /// The streams that wait.
    pub(super) parked: BTreeMap<StreamName, ParkedStream>,
}

/// What a batch of events comes to, beside the rows.
#[derive(Default)]
pub(super) struct Folded {
    pub(super) events: u64,
    checkpoints: Vec<(PartitionId, Position)>,
    parked: Vec<ParkedStream>,
}

impl Folded {
    /// Whether anything waits, or waits for something more.
    pub(super) fn parks(&self) -> bool {
        !self.parked.is_empty()
    }
}

/// What became of a parked stream that was replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// All that waited is applied.
    Whole {
        /// How many events.
        events: u64,
    },
    /// An event could not be applied: the stream waits from there on.
    Stuck {
        /// How many events were applied before it.
        events: u64,
        /// Where it stands now, and why.
        parked: ParkedStream,
    },
}

impl Following {
    /// `model`, from where its stored build stands.
    pub(super) async fn open(
        projection: &dyn AnyProjection,
        model: Model,
        store: &dyn ReadStore,
        log: &dyn LogReader,
        heads: &[Head],
    ) -> Result<Self, StoreError> {
        let mut read = vec![0; usize::from(log.partitions())];
        let checkpoints = store.checkpoints(model).await?;
        let fold = projection.start(checkpoints.is_empty());
        for (partition, position) in checkpoints {
            let head = heads.get(usize::from(partition.0)).map_or(0, |head| head.position);
            if position > head {
                return Err(StoreError::Broken(format!(
                    "view {model} has read partition {partition} up to {position}, but the log ends at {head}: \
                     the log has lost events, or is an older copy; delete views.db to build the views anew from it"
                )));
            }
            if let Some(slot) = read.get_mut(usize::from(partition.0)) {
                *slot = position;
            }
        }
        let parked = store.parked(model).await?.into_iter().map(|parked| (parked.stream.clone(), parked)).collect();
        Ok(Self { fold, model, read, parked })
    }

    /// How many events it has not read of a log that ends at `heads`.
    pub(super) fn behind(&self, heads: &[Head]) -> u64 {
        heads.iter().zip(&self.read).map(|(head, read)| head.position.saturating_sub(*read)).sum()
    }

    /// Folds those of `events` that it has not read yet, loading the rows it asks for. An event that cannot be applied parks
    /// its stream; later ones of a parked stream wait behind it.
    pub(super) async fn fold(&mut self, events: &[&Recorded], store: &dyn ReadStore) -> Result<Folded, ProjectorError> {
        let is_new =
            |event: &&Recorded| self.read.get(usize::from(event.partition.0)).is_some_and(|r| event.position > *r);
        let new: Vec<&Recorded> = events.iter().copied().filter(is_new).collect();
        let mut checkpoints = FxHashMap::default();
        for event in &new {
            checkpoints.insert(event.partition, event.position);
        }
        // Where each stream of this batch waits, if it does.
        let mut parked: BTreeMap<StreamName, ParkedStream> = BTreeMap::new();
        if !self.parked.is_empty() {
            let waiting = new.iter().filter_map(|event| self.parked.get(&event.stream));
            parked.extend(waiting.map(|waiting| (waiting.stream.clone(), waiting.clone())));
        }
        let mut rounds = 0;
        loop {
            let flows =
                |event: &&&Recorded| parked.get(&event.stream).is_none_or(|waits| event.position < waits.position);
            let flowing: Vec<&Recorded> =
                if parked.is_empty() { new.clone() } else { new.iter().filter(flows).copied().collect() };
            match self.fold.fold(&flowing) {
                Ok(absent) if absent.is_empty() => break,
                Ok(absent) => {
                    rounds += 1;
                    if rounds > ROUNDS_MAX {
                        return Err(ProjectorError::Restless { model: self.model.to_string() });
                    }
                    let rows = store.get(self.model, &absent).await?;
                    self.fold.load(absent, rows)?;
                }
                Err(Poison { at, cause }) => {
                    let Some(event) = flowing.get(at) else { continue };
                    tracing::error!(view = %self.model, stream = %event.stream, position = event.position, cause, "parked");
                    parked.insert(event.stream.clone(), ParkedStream::at(event, &cause));
                    let known = parked.keys().filter(|stream| !self.parked.contains_key(*stream)).count();
                    if self.parked.len() + known > PARKED_STREAMS_MAX {
                        return Err(ProjectorError::TooManyParked { model: self.model.to_string(), cause });
                    }
                }
            }
        }
        for event in &new {
            if let Some(waits) = parked.get_mut(&event.stream).filter(|waits| event.position >= waits.position) {
                waits.waiting += 1;
            }
        }
        let checkpoints = checkpoints.into_iter().collect();
        Ok(Folded { events: new.len() as u64, checkpoints, parked: parked.into_values().collect() })
    }

    /// What the last fold changed, to be committed.
    pub(super) fn change(&mut self, folded: &Folded, epoch: Epoch) -> Result<ModelChange, StoreError> {
        let (upserts, deletes) = self.fold.changes()?;
        let (checkpoints, parked) = (folded.checkpoints.clone(), folded.parked.clone());
        Ok(ModelChange { upserts, deletes, checkpoints, parked, ..ModelChange::none(self.model, epoch) })
    }

    /// All that is not stored of what was folded and taken in so far.
    pub(super) fn whole_change(&mut self, epoch: Epoch) -> Result<ModelChange, StoreError> {
        let (upserts, deletes) = self.fold.changes()?;
        let checkpoints = (0..).map(PartitionId).zip(self.read.iter().copied()).filter(|(_, read)| *read > 0).collect();
        let parked = self.parked.values().cloned().collect();
        Ok(ModelChange { upserts, deletes, checkpoints, parked, ..ModelChange::none(self.model, epoch) })
    }

    /// Goes on from where `folded` ends.
    pub(super) fn take_in(&mut self, folded: Folded) {
        self.read = self.reaching(&folded);
        self.parked.extend(folded.parked.into_iter().map(|parked| (parked.stream.clone(), parked)));
    }

    /// How far it will have read once `folded` is committed.
    pub(super) fn reaching(&self, folded: &Folded) -> Vec<Position> {
        let mut reaching = self.read.clone();
        for (partition, position) in &folded.checkpoints {
            if let Some(read) = reaching.get_mut(usize::from(partition.0)) {
                *read = *position;
            }
        }
        reaching
    }

    /// Folds a part of what waits in the parked stream `stream`, as far as the view has read. Returns what is to be committed
    /// and what became of it; none if it is not parked.
    pub(super) async fn replay(
        &mut self,
        stream: &StreamName,
        store: &dyn ReadStore,
        log: &dyn LogReader,
    ) -> Result<Option<(ModelChange, Replay)>, ProjectorError> {
        let Some(waits) = self.parked.get(stream).cloned() else { return Ok(None) };
        let after = waits.version.saturating_sub(1);
        let page = log.read_streams(&[(stream.clone(), after)], REPLAY_EVENTS_MAX).await?;
        let page = page.into_iter().next().unwrap_or_default();
        let read = self.read.get(usize::from(waits.partition.0)).copied().unwrap_or(0);
        let events: Vec<&Recorded> = page.iter().filter(|event| event.position <= read).collect();
        let (mut end, mut rounds) = (events.len(), 0);
        let mut stuck: Option<ParkedStream> = None;
        // Until all of it, or all before what cannot be applied, is folded with every row it needs.
        loop {
            let part = events.get(..end).unwrap_or_default();
            match self.fold.fold(part) {
                Ok(absent) if absent.is_empty() => break,
                Ok(absent) => {
                    rounds += 1;
                    if rounds > ROUNDS_MAX {
                        return Err(ProjectorError::Restless { model: self.model.to_string() });
                    }
                    let rows = store.get(self.model, &absent).await?;
                    self.fold.load(absent, rows)?;
                }
                Err(Poison { at, cause }) => {
                    let left = waits.waiting.saturating_sub(at as u64);
                    stuck = part.get(at).map(|event| ParkedStream { waiting: left, ..ParkedStream::at(event, &cause) });
                    end = at;
                }
            }
        }
        let applied = end as u64;
        let more = stuck.is_none() && page.len() == REPLAY_EVENTS_MAX && events.len() == page.len();
        let left = if more {
            let (last, left) = (events.last(), waits.waiting.saturating_sub(applied));
            last.map(|last| ParkedStream {
                position: last.position + 1,
                version: last.version + 1,
                waiting: left,
                ..waits
            })
        } else {
            stuck.clone()
        };
        let mut change = self.change(&Folded::default(), log.epoch())?;
        match &left {
            Some(left) => change.parked.push(left.clone()),
            None => change.released.push(stream.clone()),
        }
        Ok(Some((change, Replay { stream: stream.clone(), applied, left, stuck: stuck.is_some() })))
    }

    /// The part that was replayed is committed.
    pub(super) fn replayed(&mut self, replay: &Replay) {
        match &replay.left {
            Some(left) => drop(self.parked.insert(replay.stream.clone(), left.clone())),
            None => drop(self.parked.remove(&replay.stream)),
        }
    }
}

/// A part of a parked stream that was folded.
pub(super) struct Replay {
    stream: StreamName,
    pub(super) applied: u64,
    /// Where the stream waits now, if it does.
    pub(super) left: Option<ParkedStream>,
    /// Whether that is because an event cannot be applied; else there is only more to fold.
    pub(super) stuck: bool,
}
