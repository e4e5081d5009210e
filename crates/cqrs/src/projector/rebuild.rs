//! A build that is made beside the live one, as it is told: what for, how far, how fast, and what became of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::read_store::Compared;

/// What a build is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The view has none in this version yet: queries wait for it.
    First,
    /// Somebody wants it built anew.
    Rebuild {
        /// Only to be compared with the live one, then dropped.
        compare_only: bool,
    },
    /// The build that was live before is to be so again.
    SwapBack,
}

/// How far a build has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Others are made first.
    Waiting,
    /// It is folded from the log.
    Folding,
    /// It has caught up, and is compared with the live one.
    Comparing,
    /// It is over.
    Done {
        /// How it differed from the live one, if there was one.
        compared: Option<Compared>,
        /// Whether it is the live one now.
        swapped: bool,
        /// Streams that wait in it because an event could not be applied.
        parked: usize,
    },
    /// It could not be made, and was dropped.
    Failed {
        /// Why.
        cause: String,
    },
    /// The process ended before it was whole, and it was dropped at the next start. The live build was never touched.
    Dropped,
}

/// A build as it is at one moment.
#[derive(Clone, Debug, PartialEq)]
pub struct RebuildStatus {
    /// What for.
    pub purpose: Purpose,
    /// How far it has come.
    pub phase: Phase,
    /// Events folded so far, of this time.
    pub events: u64,
    /// Events that the log had when they were counted last.
    pub events_total: u64,
    /// Events folded per second.
    pub events_per_s: f64,
    /// How long it took, or has taken until now.
    pub elapsed: Duration,
    /// When it will have read the log, at the present rate; none before there is a rate and once it is over.
    pub eta: Option<Duration>,
}

/// A build under way, shared by who makes it and who asks about it.
#[derive(Clone, Debug)]
pub(crate) struct Rebuild(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    purpose: Purpose,
    /// Events that an earlier process had folded.
    before: AtomicU64,
    events: AtomicU64,
    total: AtomicU64,
    stage: Mutex<Stage>,
}

#[derive(Debug)]
struct Stage {
    phase: Phase,
    began: Instant,
    took: Option<Duration>,
}

impl Rebuild {
    pub(crate) fn new(purpose: Purpose, phase: Phase) -> Self {
        let (before, events, total) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
        let took = (phase == Phase::Dropped).then_some(Duration::ZERO);
        let stage = Mutex::new(Stage { phase, began: Instant::now(), took });
        Self(Arc::new(Shared { purpose, before, events, total, stage }))
    }

    pub(crate) fn purpose(&self) -> Purpose {
        self.0.purpose
    }

    /// Folding begins; `before` events were folded by an earlier process.
    pub(super) fn begin(&self, before: u64) {
        self.0.before.store(before, Ordering::Relaxed);
        let mut stage = self.stage();
        (stage.phase, stage.began) = (Phase::Folding, Instant::now());
    }

    pub(super) fn came(&self, events: u64, total: u64) {
        self.0.events.fetch_add(events, Ordering::Relaxed);
        self.0.total.store(total, Ordering::Relaxed);
    }

    pub(super) fn compares(&self) {
        self.stage().phase = Phase::Comparing;
    }

    pub(super) fn ends(&self, phase: Phase) {
        let mut stage = self.stage();
        stage.took = Some(stage.began.elapsed());
        stage.phase = phase;
    }

    /// Whether it is neither over nor given up.
    pub(crate) fn is_under_way(&self) -> bool {
        self.stage().took.is_none()
    }

    pub(crate) fn status(&self) -> RebuildStatus {
        let stage = self.stage();
        let elapsed = stage.took.unwrap_or_else(|| stage.began.elapsed());
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let (folded, events_total) = (count(&self.0.events), count(&self.0.total));
        let events = folded + count(&self.0.before);
        let events_per_s = folded as f64 / elapsed.as_secs_f64().max(f64::EPSILON);
        let left = events_total.saturating_sub(events) as f64;
        let known = stage.took.is_none() && stage.phase == Phase::Folding && folded > 0;
        let eta = known.then(|| Duration::try_from_secs_f64(left / events_per_s).ok()).flatten();
        let (purpose, phase) = (self.0.purpose, stage.phase.clone());
        RebuildStatus { purpose, phase, events, events_total, events_per_s, elapsed, eta }
    }

    fn stage(&self) -> std::sync::MutexGuard<'_, Stage> {
        self.0.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
