//! The projector: follows the log, folds it into every view of a context, commits rows and checkpoints together.
//!
//! A view has builds: sets of rows side by side, of which queries read the live one. The [`Builder`] folds a new one in the
//! shadow, from the start of the log and in large batches. Once it is next to the end it is handed to the projector, which
//! keeps both current in the same commits; so they can be compared as of one commit, and swapped between two.
//!
//! An event that a view cannot apply parks its stream in that view ([`ParkedStream`](crate::read_store::ParkedStream)):
//! everything else flows. Once the fold is mended, what waits is replayed, or the view is built anew.
//!
//! Run a [`Projector`] and its [`Builder`], each on a thread of its own; look after them at the [`ProjectionDesk`], which
//! says how far each view is, orders a rebuild, swaps back, and replays what is parked. The guides `docs/guides/rebuild-a-view.md`
//! and `docs/guides/parked-keys.md` show both as an operator sees them.
//!
//! Next: [`combine`](crate::combine), for rows that span partitions.

mod builder;
mod control;
mod desk;
mod fold;
mod following;
mod opening;
mod rebuild;
mod swapping;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use crate::context::Context;
use crate::event::{PartitionId, Position, Recorded};
use crate::event_store::{LogReader, StoreError, Tail};
use crate::query::Views;
use crate::read_store::ReadStore;
use control::{Control, Order};
use following::Folded;

pub use builder::Builder;
pub use desk::{ProjectionDesk, ProjectionDeskError, ProjectionStatus};
pub(crate) use fold::{AnyFold, AnyProjection, Fold, Poison};
pub use following::Replayed;
pub(crate) use following::{Following, ROUNDS_MAX};
pub(crate) use rebuild::Rebuild;
pub use rebuild::{Phase, Purpose, RebuildStatus};

/// Events folded and committed together, at the most.
const BATCH_EVENTS_MAX: usize = 8_192;

/// The longest pause after a commit under load.
const PAUSE_MAX: Duration = Duration::from_millis(10);

/// A commit of more events than this is followed at once by the next.
const PAUSE_EVENTS_MAX: u64 = 4_096;

/// A commit shorter than this is followed at once by the next.
const PAUSE_AFTER: Duration = Duration::from_micros(300);

/// How long a follower waits before it looks at the log by itself: another process may have appended.
const POLL: Duration = Duration::from_millis(250);

/// What the projector may be told and has not done yet.
const CONTROLS_MAX: usize = 64;

/// Keys that are named of those that differ between two builds.
const COMPARED_KEYS_MAX: usize = 20;

/// Why a projector stopped.
#[derive(Debug, thiserror::Error)]
pub enum ProjectorError {
    /// A store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// So many events cannot be applied that the fault is not one of single events.
    #[error(
        "view {model} has as many streams parked as it may, {max}: the latest because of {cause}",
        max = crate::read_store::PARKED_STREAMS_MAX
    )]
    TooManyParked {
        /// The view.
        model: String,
        /// What the last one said.
        cause: String,
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
    context: &'static str,
    /// The builds that queries read.
    live: Vec<Following>,
    /// Builds that are kept current beside them, to be compared and swapped in.
    shadows: Vec<Shadow>,
    /// Until it is given away.
    builder: Option<Builder>,
    log: Arc<dyn LogReader>,
    store: Arc<dyn ReadStore>,
    tail: Tail,
    views: Views,
    orders: mpsc::Sender<Order>,
    control: mpsc::Receiver<Control>,
    told: mpsc::Sender<Control>,
    keyed: Arc<[&'static str]>,
    /// The batch of the tail to look at next.
    tail_next: u64,
    /// How long the last commit took.
    last_commit: Duration,
}

/// A build that is not live yet.
struct Shadow {
    following: Following,
    rebuild: Rebuild,
    /// To be told once it stands where the live one does.
    done: Option<oneshot::Sender<()>>,
}

impl Projector {
    /// A projector for the views of `context`, each from where it stopped. A view that has no build of this version yet gets
    /// one from the [`Builder`]; where the log is empty it has one at once.
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
        opening::open(context, log, store, tail, views).await
    }

    /// Drops every build of this version of the views, so that they are built anew from the start of the log.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn clear(context: &Context, store: &dyn ReadStore) -> Result<(), StoreError> {
        for projection in context.projections() {
            let model = projection.model();
            for build in store.builds(model).await?.iter().filter(|build| build.version == model.version) {
                store.discard(model.in_build(build.number)).await?;
            }
        }
        Ok(())
    }

    /// What makes new builds, to be run beside this; once. If nobody takes it, [`catch_up`](Self::catch_up) makes the first
    /// builds itself, and nothing can be rebuilt from a [`desk`](Self::desk).
    pub fn builder(&mut self) -> Option<Builder> {
        self.builder.take()
    }

    /// Where somebody can look after the views while this and the builder run.
    #[must_use]
    pub fn desk(&self) -> ProjectionDesk {
        ProjectionDesk {
            context: self.context,
            views: self.views.clone(),
            log: Arc::clone(&self.log),
            keyed: Arc::clone(&self.keyed),
            builder: self.orders.clone(),
            projector: self.told.clone(),
        }
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
            while let Ok(told) = self.control.try_recv() {
                self.obey(told).await?;
            }
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
                Some(told) = self.control.recv() => self.obey(told).await?,
                () = tokio::time::sleep(POLL) => {}
            }
        }
        self.follow().await?;
        Ok(())
    }

    /// Folds all that is in the log by now; makes the builds first that a view lacks, unless a [`Builder`] was taken to do so.
    ///
    /// # Errors
    /// [`ProjectorError`]
    pub async fn catch_up(&mut self) -> Result<u64, ProjectorError> {
        let mut folded = 0;
        if let Some(mut builder) = self.builder.take() {
            while let Some(mut job) = builder.first.pop_front() {
                folded += builder.fold(&mut job.following, &job.rebuild).await?;
                self.adopt_first(job.following, &job.rebuild).await?;
            }
            self.builder = Some(builder);
        }
        Ok(folded + self.follow().await?)
    }

    async fn follow(&mut self) -> Result<u64, ProjectorError> {
        let mut folded = 0;
        loop {
            while let Ok(told) = self.control.try_recv() {
                self.obey(told).await?;
            }
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

    /// Whether `events` go on without a gap from where the slowest build stands.
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

    fn builds(&self) -> impl Iterator<Item = &Following> {
        self.live.iter().chain(self.shadows.iter().map(|shadow| &shadow.following))
    }

    fn slowest(&self) -> Vec<Position> {
        let mut slowest = vec![Position::MAX; usize::from(self.log.partitions())];
        for following in self.builds() {
            for (slow, read) in slowest.iter_mut().zip(&following.read) {
                *slow = (*slow).min(*read);
            }
        }
        if self.builds().next().is_none() { vec![0; slowest.len()] } else { slowest }
    }

    async fn read_log(&self) -> Result<Vec<Recorded>, StoreError> {
        if self.builds().next().is_none() {
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

    /// Folds `events` into every build that has not read them yet, and commits.
    async fn advance(&mut self, events: &[&Recorded]) -> Result<u64, ProjectorError> {
        let started = Instant::now();
        let (store, epoch) = (Arc::clone(&self.store), self.log.epoch());
        let (mut batches, mut changes) = (Vec::new(), Vec::new());
        for live in &mut self.live {
            let folded = live.fold(events, store.as_ref()).await?;
            changes.push(live.change(&folded, epoch)?);
            batches.push(folded);
        }
        self.fold_shadows(events, &mut batches, &mut changes).await?;
        let reaching = self.live.iter().zip(&batches).map(|(live, folded)| (live.model.name, live.reaching(folded)));
        self.views.begin_commit(&reaching.collect::<Vec<_>>());
        let committed = store.commit(&changes).await;
        if committed.is_ok() {
            self.committed(batches);
        }
        self.end_commit();
        committed?;
        self.greet_level();
        metrics::counter!("projector_events_total").increment(events.len() as u64);
        self.last_commit = started.elapsed();
        metrics::histogram!("projector_batch_seconds").record(self.last_commit.as_secs_f64());
        Ok(events.len() as u64)
    }

    fn committed(&mut self, batches: Vec<Folded>) {
        let mut batches = batches.into_iter();
        for (live, folded) in self.live.iter_mut().zip(&mut batches) {
            live.fold.committed(Some(&self.views));
            let parks = folded.parks();
            live.take_in(folded);
            if parks {
                let parked = Arc::new(live.parked.values().cloned().collect());
                self.views.change(live.model.name, |view| view.parked = parked);
            }
        }
        for (shadow, folded) in self.shadows.iter_mut().zip(batches) {
            shadow.following.fold.committed(None);
            shadow.following.take_in(folded);
        }
    }

    fn end_commit(&self) {
        self.views.end_commit(self.live.iter().map(|live| (live.model.name, live.read.as_slice())));
    }
}
