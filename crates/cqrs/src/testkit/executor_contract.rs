//! What the executor promises on every store, point by point.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use futures::future::join_all;

use super::tank::{Draw, Fill, Lend, Pour, Refused, Tank, TankEvent, tank};
use crate::aggregate::Aggregate;
use crate::bus::{CommandBus, Dispatch, command_bus};
use crate::command::{Answered, CommandError, Envelope, IdempotencyKey};
use crate::context::Context;
use crate::event::{BatchId, Epoch, PartitionId, Position, Recorded, StreamName, Version};
use crate::event_store::{
    Append, AppendError, Claim, EventStore, Head, HeadLock, LogReader, Snapshot, StoreError, Tail,
};
use crate::executor::{Executor, ExecutorSettings};
use crate::time::{ManualClock, Timestamp};

type Store = Arc<dyn EventStore>;

/// One process's executor, its loops running, on a clock of its own.
struct Process {
    bus: CommandBus,
    clock: Arc<ManualClock>,
    running: tokio::task::JoinHandle<Result<(), StoreError>>,
    snapshots: tokio::task::JoinHandle<()>,
}

impl Process {
    fn start(store: &Store) -> Self {
        Self::with(store, ExecutorSettings::default())
    }

    fn with(store: &Store, settings: ExecutorSettings) -> Self {
        let context = Context::named("tanks").aggregate::<Tank>();
        let context = context.command::<Fill>().command::<Draw>().command::<Lend>().command::<Pour>();
        let clock = Arc::new(ManualClock::at(Timestamp::from_millis(1_000)));
        let (executor, mut executor_loop) =
            Executor::new(Arc::new(context), Arc::clone(store), Arc::clone(&clock) as _, Tail::default(), settings);
        let snapshots = executor_loop.snapshots().expect("taken once");
        let running = tokio::spawn(executor_loop.run());
        let snapshots = tokio::spawn(snapshots.run());
        Self { bus: command_bus(executor, Duration::from_secs(60)), clock, running, snapshots }
    }

    async fn fill(&self, id: &str, litres: i64) -> Result<Answered<i64>, CommandError<Refused>> {
        self.bus.dispatch(Envelope::new(Fill { tank: id.into(), litres })).await
    }

    async fn draw(&self, id: &str, litres: i64) -> Result<Answered<i64>, CommandError<Refused>> {
        self.bus.dispatch(Envelope::new(Draw { tank: id.into(), litres })).await
    }

    /// Lets the loop finish; returns how it ended.
    async fn stop(self) -> Result<(), StoreError> {
        drop(self.bus);
        let ended = self.running.await.expect("the loop does not panic");
        self.snapshots.await.expect("the snapshot loop does not panic");
        ended
    }
}

async fn events_of(store: &Store, id: &str) -> Vec<TankEvent> {
    let streams = store.read_streams(&[(tank(id).name().clone(), 0)], 100_000).await.expect("read");
    let decode = |event: &Recorded| (*event.payload.decode::<Tank>().expect("a tank's event")).clone();
    streams[0].iter().map(decode).collect()
}

/// The tank as its stream says, checked at every prefix.
async fn folded(store: &Store, id: &str) -> Tank {
    let mut state = Tank::default();
    for event in events_of(store, id).await {
        state.apply(&event);
        assert!((0..=super::tank::CAPACITY).contains(&state.level), "tank {id} ran dry or over");
    }
    state
}

/// Two processes share a log and sell the same last litres: exactly what is there goes, once.
pub async fn two_executors_on_one_log_never_oversell(store: Store) {
    let (one, two) = (Process::start(&store), Process::start(&store));
    // Each has the tank in memory before the race, and the first one's is old by then.
    one.fill("hot", 50).await.expect("there is room");
    two.fill("hot", 50).await.expect("there is room");
    let draws = (0..300).map(|n| {
        let process = if n % 2 == 0 { &one } else { &two };
        async move { process.draw("hot", 1).await }
    });
    let answers = join_all(draws).await;
    let accepted = answers.iter().filter(|answer| answer.is_ok()).count();
    let refused = |answer: &&Result<_, CommandError<Refused>>| {
        matches!(answer, Err(CommandError::Rejected(Refused::TooLittle { level: 0 })))
    };
    assert_eq!((accepted, answers.iter().filter(refused).count()), (100, 200));
    assert_eq!(folded(&store, "hot").await.level, 0);
    let mut left: Vec<i64> = answers.into_iter().flatten().map(|answered| answered.answer).collect();
    left.sort_unstable();
    assert_eq!(left, (0..100).collect::<Vec<_>>(), "every level was left exactly once");
    one.stop().await.expect("ends well");
    two.stop().await.expect("ends well");
}

/// Commands that are answered together are decided one after the other.
pub async fn a_rejection_leaves_its_neighbours_alone(store: Store) {
    let process = Process::start(&store);
    process.fill("t", 10).await.expect("there is room");
    let (a, b, c) = tokio::join!(process.draw("t", 6), process.draw("t", 6), process.draw("t", 4));
    assert_eq!(a.expect("6 of 10").answer, 4);
    assert!(matches!(b, Err(CommandError::Rejected(Refused::TooLittle { level: 4 }))));
    let c = c.expect("4 of 4");
    assert_eq!((c.answer, c.version), (0, 3));
    process.stop().await.expect("ends well");
}

/// A command that spans partitions changes all of them or none.
pub async fn a_command_over_partitions_is_all_or_nothing(store: Store) {
    let process = Process::start(&store);
    process.fill("source", 90).await.expect("room");
    process.fill("t3", 95).await.expect("room");
    let into = |n: usize| (0..n).map(|t| format!("t{t}")).collect::<Vec<_>>();
    let pour = |n, litres_each| Envelope::new(Pour { from: "source".into(), into: into(n), litres_each });
    let refused = process.bus.dispatch(pour(4, 10)).await;
    assert!(matches!(refused, Err(CommandError::Rejected(Refused::TooMuch { room: 5 }))), "{refused:?}");
    assert!(events_of(&store, "t0").await.is_empty());
    let poured = process.bus.dispatch(pour(3, 10)).await.expect("there is room in three");
    assert!(poured.token.positions().len() > 1, "the tanks are in one partition: {}", poured.token);
    for id in ["t0", "t1", "t2"] {
        assert_eq!(folded(&store, id).await.level, 10);
    }
    assert_eq!(folded(&store, "source").await.level, 60);
    process.stop().await.expect("ends well");
}

/// The same key and request get the first answer again, from any process; another request is refused.
pub async fn first_answers_are_replayed_and_reused_keys_refused(store: Store) {
    let process = Process::start(&store);
    process.fill("t", 50).await.expect("room");
    let keyed = |litres, fingerprint| Envelope {
        idempotency: Some(IdempotencyKey { key: "k-1".into(), fingerprint }),
        ..Envelope::new(Draw { tank: "t".into(), litres })
    };
    let (first, twin) = tokio::join!(process.bus.dispatch(keyed(5, 1)), process.bus.dispatch(keyed(5, 1)));
    let (first, twin) = (first.expect("accepted"), twin.expect("replayed"));
    assert_eq!((first.answer, first.replayed, twin.answer, twin.replayed), (45, false, 45, true));
    process.stop().await.expect("ends well");
    let process = Process::start(&store);
    process.draw("t", 1).await.expect("accepted");
    let again = process.bus.dispatch(keyed(5, 1)).await.expect("replayed");
    assert_eq!((again.answer, again.replayed), (45, true));
    let reused = process.bus.dispatch(keyed(6, 2)).await;
    assert!(matches!(reused, Err(CommandError::KeyReused)), "{reused:?}");
    assert_eq!(events_of(&store, "t").await.len(), 3, "filled, drawn once under the key, drawn once without");
    // A rejection is not kept: the same request may succeed later.
    let late = |litres| Envelope {
        idempotency: Some(IdempotencyKey { key: "k-2".into(), fingerprint: 3 }),
        ..Envelope::new(Draw { tank: "t".into(), litres })
    };
    assert!(process.bus.dispatch(late(50)).await.is_err());
    process.fill("t", 50).await.expect("room");
    assert!(!process.bus.dispatch(late(50)).await.expect("accepted now").replayed);
    process.stop().await.expect("ends well");
}

/// What has become true by the passing of time is in the log before any decision that follows it.
pub async fn what_is_due_is_recorded_before_the_decision(store: Store) {
    let process = Process::start(&store);
    process.fill("t", 10).await.expect("room");
    let lend = Envelope::new(Lend { tank: "t".into(), litres: 8, for_time: Duration::from_secs(1) });
    process.bus.dispatch(lend).await.expect("8 of 10");
    process.clock.advance(Duration::from_millis(999));
    assert!(process.draw("t", 3).await.is_err(), "still on loan one millisecond before its time");
    process.clock.advance(Duration::from_millis(1));
    process.draw("t", 9).await.expect("back at its time");
    let expected = [
        TankEvent::Filled { litres: 10 },
        TankEvent::Lent { litres: 8, until: Timestamp::from_millis(2_000) },
        TankEvent::Returned { litres: 8 },
        TankEvent::Drawn { litres: 9 },
    ];
    assert_eq!(events_of(&store, "t").await, expected);
    process.stop().await.expect("ends well");
}

/// A process whose clock is behind decides at the log's time, not at its own.
pub async fn log_time_never_goes_back(store: Store) {
    let (ahead, behind) = (Process::start(&store), Process::start(&store));
    behind.fill("t", 10).await.expect("room");
    ahead.clock.set(Timestamp::from_millis(50_000));
    let lend = |seconds| Envelope::new(Lend { tank: "t".into(), litres: 5, for_time: Duration::from_secs(seconds) });
    ahead.bus.dispatch(lend(10)).await.expect("lent");
    ahead.clock.set(Timestamp::from_millis(60_000));
    ahead.draw("t", 10).await.expect("returned at 60 s, then drawn");
    behind.fill("t", 7).await.expect("room");
    let until = behind.bus.dispatch(lend(1)).await.expect("lent").answer;
    assert_eq!(until, Timestamp::from_millis(61_000), "a loan counts from log time");
    let times: Vec<Timestamp> = {
        let read = store.read_streams(&[(tank("t").name().clone(), 0)], 100).await.expect("read");
        read[0].iter().map(|event| event.at).collect()
    };
    assert!(times.is_sorted(), "{times:?}");
    ahead.stop().await.expect("ends well");
    behind.stop().await.expect("ends well");
}

/// A process that starts from a snapshot decides as one that folds the whole stream; an old fold's snapshot is ignored.
pub async fn a_snapshot_equals_a_replay(store: Store) {
    let settings = ExecutorSettings { snapshot_every_events: 100, ..ExecutorSettings::default() };
    let process = Process::with(&store, settings);
    for _ in 0..350 {
        process.fill("t", 1).await.expect("room");
        process.draw("t", 1).await.expect("one is there");
    }
    process.fill("t", 42).await.expect("room");
    process.stop().await.expect("ends well");
    let stream = tank("t").name().clone();
    let saved = store.snapshots(std::slice::from_ref(&stream)).await.expect("snapshots")[0].clone();
    let saved = saved.expect("700 events make a snapshot every 100");
    let mut replayed = Tank::default();
    events_of(&store, "t")
        .await
        .iter()
        .take(usize::try_from(saved.version).expect("small"))
        .for_each(|e| replayed.apply(e));
    assert_eq!(serde_json::from_slice::<Tank>(&saved.state).expect("a tank"), replayed);

    let process = Process::with(&store, settings);
    assert_eq!(process.draw("t", 2).await.expect("42 are there").answer, 40);
    process.stop().await.expect("ends well");
    // A snapshot of another fold, and one that is ahead of the log, must not be used.
    for (fold_version, version) in [(Tank::FOLD_VERSION + 1, 1), (Tank::FOLD_VERSION, 1_000_000)] {
        let state = serde_json::to_vec(&Tank { level: 99, on_loan: None }).expect("JSON").into();
        store.save_snapshot(Snapshot { fold_version, version, state, ..saved.clone() }).await.expect("save");
        let process = Process::with(&store, settings);
        assert_eq!(process.draw("t", 1).await.expect("drawn").answer, if version == 1 { 39 } else { 38 });
        process.stop().await.expect("ends well");
    }
}

/// A commit whose outcome is lost is looked up: its callers get one answer and its events stand once.
pub async fn an_unknown_commit_is_answered_once(store: Store) {
    for committed in [true, false] {
        let id = if committed { "kept" } else { "lost" };
        let faulty: Store = Arc::new(Faulty::new(&store, Fault::Unknown { committed }));
        let process = Process::start(&faulty);
        process.fill(id, 10).await.expect("before the fault");
        assert_eq!(process.draw(id, 4).await.expect("resolved").answer, 6);
        assert_eq!(process.draw(id, 6).await.expect("after the fault").answer, 0);
        assert_eq!(events_of(&store, id).await.len(), 3);
        process.stop().await.expect("ends well");
    }
}

/// After an error that may have damaged the disk nothing is acknowledged any more, and the loop says why it ended.
pub async fn a_broken_store_answers_nobody_with_success(store: Store) {
    let faulty: Store = Arc::new(Faulty::new(&store, Fault::Broken));
    let process = Process::start(&faulty);
    process.fill("t", 10).await.expect("before the fault");
    let answers = join_all((0..20).map(|_| process.draw("t", 1))).await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(CommandError::Unavailable(_)))), "{answers:?}");
    assert!(matches!(process.draw("t", 1).await, Err(CommandError::Unavailable(_))));
    assert!(matches!(process.stop().await, Err(StoreError::Broken(_))));
    assert_eq!(events_of(&store, "t").await.len(), 1);
}

/// A version the client has read is compared with the first stream's, and the answer carries the new one.
pub async fn if_match_compares_the_first_stream(store: Store) {
    let process = Process::start(&store);
    let at_version =
        |expected| Envelope { if_match: Some(expected), ..Envelope::new(Fill { tank: "t".into(), litres: 1 }) };
    assert_eq!(process.bus.dispatch(at_version(0)).await.expect("new").version, 1);
    assert_eq!(process.bus.dispatch(at_version(1)).await.expect("current").version, 2);
    let stale = process.bus.dispatch(at_version(1)).await;
    assert!(matches!(stale, Err(CommandError::VersionMismatch { expected: 1, actual: 2 })), "{stale:?}");
    process.stop().await.expect("ends well");
}

/// A command nobody waits for any more changes nothing.
pub async fn late_commands_are_dropped_undecided(store: Store) {
    let process = Process::start(&store);
    let late = Envelope { deadline: Some(Instant::now()), ..Envelope::new(Fill { tank: "t".into(), litres: 1 }) };
    assert!(matches!(process.bus.dispatch(late).await, Err(CommandError::DeadlineExceeded)));
    assert!(events_of(&store, "t").await.is_empty());
    process.stop().await.expect("ends well");
}

/// Whoever has lost twice locks the heads first, and is sure to win.
pub async fn who_has_lost_twice_locks_first(store: Store) {
    let faulty: Store = Arc::new(Faulty::new(&store, Fault::AlwaysLate));
    let process = Process::start(&faulty);
    process.fill("t", 10).await.expect("before the fault");
    assert_eq!(process.draw("t", 4).await.expect("appended under the lock").answer, 6);
    assert_eq!(events_of(&store, "t").await.len(), 2);
    process.stop().await.expect("ends well");
}

/// A store that cannot be read for a moment fails the commands of that moment, not the loop.
pub async fn a_passing_fault_while_catching_up_passes(store: Store) {
    let faulty: Store = Arc::new(Faulty::new(&store, Fault::LateAndUnreadable));
    let process = Process::start(&faulty);
    process.fill("t", 10).await.expect("before the fault");
    assert!(matches!(process.draw("t", 4).await, Err(CommandError::Unavailable(_))));
    assert_eq!(process.draw("t", 3).await.expect("after the fault").answer, 7);
    process.stop().await.expect("ends well");
}

enum Fault {
    /// From the second append on another writer is always first, unless the heads are locked.
    AlwaysLate,
    /// At the second append another writer is first, and then the heads cannot be read once.
    LateAndUnreadable,
    /// The second append reports an unknown outcome, committed or not.
    Unknown { committed: bool },
    /// From the second append on the disk is gone.
    Broken,
}

/// A store with a fault in its second append.
struct Faulty {
    inner: Store,
    fault: Fault,
    appends: AtomicUsize,
    heads: AtomicUsize,
}

impl Faulty {
    fn new(inner: &Store, fault: Fault) -> Self {
        Self { inner: Arc::clone(inner), fault, appends: AtomicUsize::new(0), heads: AtomicUsize::new(0) }
    }
}

#[async_trait]
impl LogReader for Faulty {
    fn partitions(&self) -> u16 {
        self.inner.partitions()
    }
    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }
    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        let nth = self.heads.fetch_add(1, Ordering::SeqCst);
        if matches!(self.fault, Fault::LateAndUnreadable) && nth == 1 {
            return Err(StoreError::Unavailable("for a moment".into()));
        }
        self.inner.heads().await
    }
    async fn read_partition(&self, p: PartitionId, after: Position, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        self.inner.read_partition(p, after, limit).await
    }
    async fn read_streams(&self, s: &[(StreamName, Version)], limit: usize) -> Result<Vec<Vec<Recorded>>, StoreError> {
        self.inner.read_streams(s, limit).await
    }
    async fn read_stream_back(
        &self,
        s: &StreamName,
        before: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        self.inner.read_stream_back(s, before, limit).await
    }
    async fn snapshots(&self, streams: &[StreamName]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        self.inner.snapshots(streams).await
    }
}

#[async_trait]
impl EventStore for Faulty {
    async fn append(&self, batch: &Append) -> Result<(), AppendError> {
        let nth = self.appends.fetch_add(1, Ordering::SeqCst);
        match self.fault {
            Fault::AlwaysLate if nth >= 1 => Err(AppendError::Conflict),
            Fault::LateAndUnreadable if nth == 1 => Err(AppendError::Conflict),
            Fault::Broken if nth >= 1 => Err(StoreError::Broken("the disk is gone".into()).into()),
            Fault::Unknown { committed } if nth == 1 => {
                if committed {
                    self.inner.append(batch).await?;
                }
                Err(AppendError::Unknown("the connection was lost".into()))
            }
            _ => self.inner.append(batch).await,
        }
    }
    async fn lock(&self, partitions: &[PartitionId]) -> Result<Box<dyn HeadLock>, StoreError> {
        self.inner.lock(partitions).await
    }
    async fn resolve(&self, id: BatchId, partitions: &[PartitionId]) -> Result<bool, StoreError> {
        self.inner.resolve(id, partitions).await
    }
    async fn claims(&self, keys: &[String]) -> Result<Vec<Option<Claim>>, StoreError> {
        self.inner.claims(keys).await
    }
    async fn save_snapshot(&self, snapshot: Snapshot) -> Result<(), StoreError> {
        self.inner.save_snapshot(snapshot).await
    }
}
