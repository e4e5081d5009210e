//! The projector: follows the log, folds it into every view of a context, commits rows and checkpoints together.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use rustc_hash::FxHashMap;

use crate::context::Context;
use crate::event::{PartitionId, Position, Recorded};
use crate::event_store::{LogReader, StoreError};
use crate::projection::{Projection, Rows, Unreadable};
use crate::read_store::{Model, ModelChange, ReadModel, ReadStore, StoredRow};
use crate::tail::Tail;
use crate::views::Views;

/// Events folded and committed together, at the most.
const BATCH_EVENTS_MAX: usize = 8_192;

/// Rows of one model kept in memory by the fold.
const ROWS_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);

/// How often a fold may ask for rows it had not named before: each round loads all that the last one missed.
pub(crate) const ROUNDS_MAX: usize = 64;

/// The longest pause after a commit under load.
const PAUSE_MAX: Duration = Duration::from_millis(10);

/// A commit of more events than this is followed at once by the next.
const PAUSE_EVENTS_MAX: u64 = 4_096;

/// A commit shorter than this is followed at once by the next.
const PAUSE_AFTER: Duration = Duration::from_micros(300);

/// How long a follower waits before it looks at the log by itself: another process may have appended.
const POLL: Duration = Duration::from_millis(250);

/// A projection with its row type erased, as a context lists it.
pub(crate) trait AnyProjection: Send + Sync {
    fn model(&self) -> Model;
    fn start(&self) -> Box<dyn AnyFold>;
}

/// A running fold: a projection and the rows it works on.
pub(crate) trait AnyFold: Send + Sync {
    fn model(&self) -> Model;
    /// Folds `events`; returns the keys of rows that must be loaded first, then nothing was changed.
    fn fold(&mut self, events: &[&Recorded]) -> Result<Vec<String>, Unreadable>;
    fn load(&mut self, keys: Vec<String>, rows: Vec<Option<StoredRow>>) -> Result<(), StoreError>;
    /// What the fold changed: rows to write and keys to remove.
    fn changes(&self) -> Result<(Vec<StoredRow>, Vec<String>), StoreError>;
    /// The changes are stored.
    fn committed(&mut self, views: Option<&Views>);
}

/// How a projection is listed: it can be started more than once, each time with rows of its own.
pub(crate) struct Fold<P: Projection>(Arc<P>);

impl<P: Projection> Fold<P> {
    pub(crate) fn new(projection: P) -> Self {
        Self(Arc::new(projection))
    }
}

impl<P: Projection> AnyProjection for Fold<P> {
    fn model(&self) -> Model {
        Model::of::<P::Row>()
    }

    fn start(&self) -> Box<dyn AnyFold> {
        Box::new(Running { projection: Arc::clone(&self.0), rows: Rows::new(ROWS_MAX) })
    }
}

struct Running<P: Projection> {
    projection: Arc<P>,
    rows: Rows<P::Row>,
}

impl<P: Projection> AnyFold for Running<P> {
    fn model(&self) -> Model {
        Model::of::<P::Row>()
    }

    fn fold(&mut self, events: &[&Recorded]) -> Result<Vec<String>, Unreadable> {
        self.rows.begin();
        for event in events {
            self.projection.fold(event, &mut self.rows)?;
        }
        let mut absent = self.rows.take_absent();
        absent.sort_unstable();
        absent.dedup();
        Ok(absent)
    }

    fn load(&mut self, keys: Vec<String>, rows: Vec<Option<StoredRow>>) -> Result<(), StoreError> {
        for (key, row) in keys.into_iter().zip(rows) {
            let row = row.map(|row| serde_json::from_slice(&row.document)).transpose();
            let row = row.map_err(|cause| StoreError::Broken(format!("{} row {key}: {cause}", self.model())))?;
            self.rows.load(key, row.map(Arc::new));
        }
        Ok(())
    }

    fn changes(&self) -> Result<(Vec<StoredRow>, Vec<String>), StoreError> {
        let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
        for (key, row) in self.rows.changed() {
            match row {
                None => deletes.push(key.clone()),
                Some(row) => {
                    let document = serde_json::to_vec(&**row);
                    let document =
                        document.map_err(|cause| StoreError::Broken(format!("{} row {key}: {cause}", self.model())))?;
                    upserts.push(StoredRow { key: key.clone(), document, indexes: row.indexes() });
                }
            }
        }
        Ok((upserts, deletes))
    }

    fn committed(&mut self, views: Option<&Views>) {
        if let Some(views) = views {
            for (key, row) in self.rows.changed() {
                views.refresh::<P::Row>(key, row.clone());
            }
        }
        self.rows.committed();
    }
}

/// Why a projector stopped.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// An event cannot be decoded by this version.
    #[error("view {model}: {cause}")]
    Unreadable {
        /// The view.
        model: String,
        /// The event.
        cause: Unreadable,
    },
    /// A fold asks for new rows without end.
    #[error("view {model} still asked for new rows after {ROUNDS_MAX} rounds")]
    Restless {
        /// The view.
        model: String,
    },
}

/// Keeps the views of a context current.
pub struct Projector {
    folds: Vec<FoldState>,
    log: Arc<dyn LogReader>,
    store: Arc<dyn ReadStore>,
    tail: Tail,
    views: Views,
    /// The batch of the tail to look at next.
    tail_next: u64,
    /// How long the last commit took.
    last_commit: Duration,
}

struct FoldState {
    fold: Box<dyn AnyFold>,
    /// Per partition, how far it has read.
    read: Vec<Position>,
}

impl Projector {
    /// A projector for the views of `context`, each from where it stopped.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn open(
        context: &Context,
        log: Arc<dyn LogReader>,
        store: Arc<dyn ReadStore>,
        tail: Tail,
        views: Views,
    ) -> Result<Self, StoreError> {
        let mut folds = Vec::new();
        let heads = log.heads().await?;
        for projection in context.projections() {
            let model = projection.model();
            store.prepare(model, log.epoch()).await?;
            let mut read = vec![0; usize::from(log.partitions())];
            for (partition, position) in store.checkpoints(model).await? {
                let head = heads.get(usize::from(partition.0)).map_or(0, |head| head.position);
                if position > head {
                    return Err(StoreError::Broken(format!(
                        "view {model} has read partition {partition} up to {position}, but the log ends at {head}: \
                         the log has lost events, or is an older copy; clear the views to build them anew from it"
                    )));
                }
                if let Some(slot) = read.get_mut(usize::from(partition.0)) {
                    *slot = position;
                }
            }
            folds.push(FoldState { fold: projection.start(), read });
        }
        let projector = Self { folds, log, store, tail, views, tail_next: 0, last_commit: Duration::ZERO };
        projector.views.advance(projector.slowest());
        Ok(projector)
    }

    /// Drops every row and checkpoint, so that the views are built anew from the start of the log.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn clear(context: &Context, log: &dyn LogReader, store: &dyn ReadStore) -> Result<(), StoreError> {
        for projection in context.projections() {
            store.prepare(projection.model(), log.epoch()).await?;
            store.clear(projection.model()).await?;
        }
        Ok(())
    }

    /// Follows the log until `stop` resolves, then folds what is in the log by then. May block in the stores: give it a thread of its own.
    ///
    /// # Errors
    /// [`ProjectorError`]; the views then stand where they last committed, and queries with a newer token time out.
    pub async fn run(mut self, stop: impl Future<Output = ()>) -> Result<(), ProjectorError> {
        let mut appended = self.tail.appended();
        tokio::pin!(stop);
        loop {
            appended.mark_unchanged();
            match self.step().await? {
                0 => {}
                // Four times as long as the commit took: under load each commit then folds several batches, and a hot row or
                // page is written once for all of them. A backlog has large batches anyway, and is not kept waiting.
                events if events < PAUSE_EVENTS_MAX && self.last_commit >= PAUSE_AFTER => {
                    tokio::time::sleep((self.last_commit * 4).min(PAUSE_MAX)).await;
                    continue;
                }
                _ => continue,
            }
            tokio::select! {
                () = &mut stop => break,
                _ = appended.changed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
        self.catch_up().await?;
        Ok(())
    }

    /// Folds all that is in the log by now.
    ///
    /// # Errors
    /// [`ProjectorError`]
    pub async fn catch_up(&mut self) -> Result<u64, ProjectorError> {
        let mut folded = 0;
        loop {
            match self.step().await? {
                0 => return Ok(folded),
                events => folded += events,
            }
        }
    }

    /// Folds a part of what is in the log by now; returns how many events, none at the end.
    async fn step(&mut self) -> Result<u64, ProjectorError> {
        let (batches, next) = self.tail.since(self.tail_next, BATCH_EVENTS_MAX);
        let events: Vec<&Recorded> = batches.iter().flat_map(|batch| &batch.events).collect();
        if !events.is_empty() && self.follows(&events) {
            let folded = self.advance(&events).await?;
            self.tail_next = next;
            for batch in &batches {
                metrics::histogram!("projector_lag_seconds").record(batch.at.elapsed().as_secs_f64());
            }
            return Ok(folded);
        }
        // Nothing in the tail, or a gap before it: the log knows.
        let read = self.read_log().await?;
        if read.is_empty() {
            self.tail_next = next;
            return Ok(0);
        }
        self.advance(&read.iter().collect::<Vec<_>>()).await
    }

    /// Whether `events` go on without a gap from where the slowest view stands.
    fn follows(&self, events: &[&Recorded]) -> bool {
        let mut read = self.slowest();
        events.iter().all(|event| match read.get_mut(usize::from(event.partition.0)) {
            Some(position) if event.position <= *position + 1 => {
                *position = event.position.max(*position);
                true
            }
            _ => false,
        })
    }

    fn slowest(&self) -> Vec<Position> {
        let mut slowest = vec![Position::MAX; usize::from(self.log.partitions())];
        for state in &self.folds {
            for (slow, read) in slowest.iter_mut().zip(&state.read) {
                *slow = (*slow).min(*read);
            }
        }
        if self.folds.is_empty() { vec![0; slowest.len()] } else { slowest }
    }

    async fn read_log(&self) -> Result<Vec<Recorded>, StoreError> {
        if self.folds.is_empty() {
            return Ok(Vec::new());
        }
        let heads = self.log.heads().await?;
        let slowest = self.slowest();
        let behind = || {
            (0..).map(PartitionId).zip(slowest.iter().zip(&heads)).filter(|(_, (read, head))| **read < head.position)
        };
        // Each gets its share, so that a long backlog of one does not keep the others waiting.
        let share = (BATCH_EVENTS_MAX / behind().count().max(1)).max(1);
        let mut events = Vec::new();
        for (partition, (read, _)) in behind() {
            events.extend(self.log.read_partition(partition, *read, share).await?);
        }
        Ok(events)
    }

    /// Folds `events` into every view that has not read them yet, and commits.
    async fn advance(&mut self, events: &[&Recorded]) -> Result<u64, ProjectorError> {
        let started = Instant::now();
        let mut changes = Vec::with_capacity(self.folds.len());
        for state in &mut self.folds {
            changes.push(fold_one(state, events, self.store.as_ref(), self.log.epoch()).await?);
        }
        self.views.begin_commit(reaching(&self.folds, &changes));
        let committed = self.store.commit(&changes).await;
        if committed.is_ok() {
            for (state, change) in self.folds.iter_mut().zip(&changes) {
                state.fold.committed(Some(&self.views));
                for (partition, position) in &change.checkpoints {
                    if let Some(read) = state.read.get_mut(usize::from(partition.0)) {
                        *read = *position;
                    }
                }
            }
        }
        self.views.advance(self.slowest());
        committed?;
        metrics::counter!("projector_events_total").increment(events.len() as u64);
        self.last_commit = started.elapsed();
        metrics::histogram!("projector_batch_seconds").record(self.last_commit.as_secs_f64());
        Ok(events.len() as u64)
    }
}

/// How far some view will have read of each partition once `changes` are committed.
fn reaching(folds: &[FoldState], changes: &[ModelChange]) -> Vec<Position> {
    let mut reaching: Vec<Position> = Vec::new();
    let mut reach = |partition: usize, position: Position| {
        if reaching.len() <= partition {
            reaching.resize(partition + 1, 0);
        }
        if let Some(furthest) = reaching.get_mut(partition) {
            *furthest = position.max(*furthest);
        }
    };
    for state in folds {
        state.read.iter().enumerate().for_each(|(partition, position)| reach(partition, *position));
    }
    for (partition, position) in changes.iter().flat_map(|change| &change.checkpoints) {
        reach(usize::from(partition.0), *position);
    }
    reaching
}

/// Folds the events that one view has not read yet, loading the rows it asks for.
async fn fold_one(
    state: &mut FoldState,
    events: &[&Recorded],
    store: &dyn ReadStore,
    epoch: crate::event::Epoch,
) -> Result<ModelChange, ProjectorError> {
    let model = state.fold.model();
    let read = &state.read;
    let is_new = |event: &&&Recorded| read.get(usize::from(event.partition.0)).is_some_and(|r| event.position > *r);
    let new: Vec<&Recorded> = events.iter().filter(is_new).copied().collect();
    for _ in 0..ROUNDS_MAX {
        let unreadable = |cause| ProjectorError::Unreadable { model: model.to_string(), cause };
        let absent = state.fold.fold(&new).map_err(unreadable)?;
        if absent.is_empty() {
            let (upserts, deletes) = state.fold.changes()?;
            let mut checkpoints = FxHashMap::default();
            for event in &new {
                checkpoints.insert(event.partition, event.position);
            }
            let checkpoints = checkpoints.into_iter().collect();
            return Ok(ModelChange { model, epoch, upserts, deletes, checkpoints });
        }
        let rows = store.get(model, &absent).await?;
        state.fold.load(absent, rows)?;
    }
    Err(ProjectorError::Restless { model: model.to_string() })
}
