//! Timers: what is due takes effect at its time, and the alarm wakes those that nobody asks about.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{
    Aggregate, Alarm, Append, Ask, BatchId, BuildInfo, Command, CommandBus, Context, Decision, Dispatch, DueTimers,
    Envelope, EventStore, Executor, ExecutorSettings, IndexValue, Inquire, LogReader, ManualClock, Metadata, Model,
    ModelChange, NextTimer, ParkedStream, PartitionId, Payload, Position, Projector, ReadModel, ReadSide, ReadStore,
    Recorded, Select, States, StoreError, StoredRow, Stream, Streams, Tail, Timed, TimerChange, TimerRow, Timestamp,
    Token, ViewReader, Views, WAKE_STREAMS_MAX, command_bus, query_bus,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Egg {
    ready_at: Option<Timestamp>,
    ready_since: Option<Timestamp>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum EggEvent {
    Boiling { ready_at: Timestamp },
    Ready { since: Timestamp },
    TakenOut,
}

impl Aggregate for Egg {
    const KIND: &'static str = "egg";
    type Event = EggEvent;

    fn apply(&mut self, event: &EggEvent) {
        *self = match event {
            EggEvent::Boiling { ready_at } => Self { ready_at: Some(*ready_at), ready_since: None },
            EggEvent::Ready { since } => Self { ready_at: None, ready_since: Some(*since) },
            EggEvent::TakenOut => Self::default(),
        };
    }

    fn due(&self, at: Timestamp) -> Option<EggEvent> {
        self.ready_at.filter(|ready| *ready <= at).map(|since| EggEvent::Ready { since })
    }
}

impl Timed for Egg {
    const TIMERS: &'static str = "egg_timers";

    fn timers(event: &EggEvent) -> Vec<TimerChange> {
        match event {
            EggEvent::Boiling { ready_at } => vec![TimerChange::set("ready", *ready_at)],
            EggEvent::Ready { .. } | EggEvent::TakenOut => vec![TimerChange::clear("ready")],
        }
    }
}

struct Boil {
    eggs: Vec<String>,
    ready_at: Timestamp,
}

impl Command for Boil {
    const NAME: &'static str = "boil";
    type Answer = ();
    type Rejection = Infallible;

    fn streams(&self) -> Streams {
        Streams::none().and_all(self.eggs.iter().map(|egg| Stream::<Egg>::new(egg)))
    }

    fn decide(&self, _: &States<'_>) -> Result<Decision<()>, Infallible> {
        Ok(self.eggs.iter().fold(Decision::answer(()), |decision, egg| {
            decision.record(&Stream::<Egg>::new(egg), EggEvent::Boiling { ready_at: self.ready_at })
        }))
    }
}

/// Takes an egg out; answers since when it was ready.
struct TakeOut(&'static str);

impl Command for TakeOut {
    const NAME: &'static str = "take-out";
    type Answer = Option<Timestamp>;
    type Rejection = Infallible;

    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Egg>::new(self.0))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<Option<Timestamp>>, Infallible> {
        let egg = Stream::<Egg>::new(self.0);
        Ok(Decision::answer(states.of(&egg).ready_since).record(&egg, EggEvent::TakenOut))
    }
}

/// A read store of which the first `faults_left` selections fail.
#[derive(Clone, Default)]
struct Shaky {
    rows: MemoryReadStore,
    faults_left: Arc<AtomicUsize>,
}

#[async_trait]
impl ViewReader for Shaky {
    async fn get(&self, model: Model, keys: &[String]) -> Result<Vec<Option<StoredRow>>, StoreError> {
        self.rows.get(model, keys).await
    }
    async fn select(&self, model: Model, select: &Select) -> Result<Vec<StoredRow>, StoreError> {
        let left = self.faults_left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if left.is_ok() {
            return Err(StoreError::Unavailable("out for a moment".into()));
        }
        self.rows.select(model, select).await
    }
    async fn checkpoints(&self, model: Model) -> Result<Vec<(PartitionId, Position)>, StoreError> {
        self.rows.checkpoints(model).await
    }
    async fn parked(&self, model: Model) -> Result<Vec<ParkedStream>, StoreError> {
        self.rows.parked(model).await
    }
    async fn builds(&self, model: Model) -> Result<Vec<BuildInfo>, StoreError> {
        self.rows.builds(model).await
    }
}

struct Kitchen {
    log: MemoryEventStore,
    rows: Shaky,
    clock: Arc<ManualClock>,
    commands: CommandBus,
    read: ReadSide,
}

impl Kitchen {
    /// A kitchen whose executor runs and whose views are kept current if `projected`.
    async fn open(projected: bool) -> Self {
        let context = Context::named("kitchen").timed::<Egg>().command::<Boil>().command::<TakeOut>();
        let (context, tail, clock) = (Arc::new(context), Tail::default(), Arc::new(ManualClock::default()));
        let (log, rows, views) = (MemoryEventStore::new(4), Shaky::default(), Views::new(4, 100));
        let (executor, running) = Executor::new(
            Arc::clone(&context),
            Arc::new(log.clone()),
            Arc::clone(&clock) as _,
            tail.clone(),
            ExecutorSettings::default(),
        );
        let _running = tokio::spawn(running.run());
        if projected {
            let (log, rows) = (Arc::new(log.clone()), Arc::new(rows.rows.clone()));
            let projector = Projector::open(&context, log, rows, tail, views.clone()).await.unwrap();
            let _projecting = tokio::spawn(projector.run(std::future::pending()));
        }
        let (reader, of_log) = (Arc::new(rows.clone()), Arc::new(log.clone()));
        let read = ReadSide::new(context, views, reader, of_log, Arc::clone(&clock) as _, Duration::from_secs(1));
        let commands = command_bus(executor, Duration::from_secs(5));
        Self { log, rows, clock, commands, read }
    }

    async fn boil(&self, eggs: &[String], ready_at: i64) -> Token {
        let boil = Boil { eggs: eggs.to_vec(), ready_at: Timestamp::from_millis(ready_at) };
        self.commands.dispatch(Envelope::new(boil)).await.unwrap().token
    }

    fn alarm(&self) -> Alarm<Egg> {
        Alarm::new(self.commands.clone(), self.read.clone())
    }

    async fn next_timer(&self, token: Token) -> Option<Timestamp> {
        let ask = Ask { query: NextTimer::<Egg>::default(), token: Some(token) };
        query_bus(self.read.clone()).ask(ask).await.unwrap().answer
    }

    async fn history(&self, egg: &str) -> Vec<(Timestamp, EggEvent)> {
        let mut events = self.read.history(Stream::<Egg>::new(egg).name(), u64::MAX, 100).await.unwrap();
        events.reverse();
        events.iter().map(|event| (event.at, (*event.as_event_of::<Egg>().unwrap().unwrap()).clone())).collect()
    }

    /// Waits until `egg` is ready in the log.
    async fn ready(&self, egg: &str) {
        let mut look = tokio::time::interval(Duration::from_millis(1));
        let watched = async {
            while self.read.state(&Stream::<Egg>::new(egg)).await.unwrap().0.ready_since.is_none() {
                look.tick().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(60), watched).await.expect("the alarm never rang");
    }
}

fn ms(ms: i64) -> Timestamp {
    Timestamp::from_millis(ms)
}

fn eggs(count: usize) -> Vec<String> {
    (0..count).map(|egg| format!("egg-{egg:04}")).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_due_takes_effect_at_its_time_though_no_alarm_rings() {
    let kitchen = Kitchen::open(true).await;
    kitchen.boil(&["a".into()], 100).await;
    kitchen.clock.set(ms(5_000));
    let taken = kitchen.commands.dispatch(Envelope::new(TakeOut("a"))).await.unwrap();
    assert_eq!(taken.answer, Some(ms(100)), "ready since its time, not since somebody looked");
    let expected = [
        (ms(0), EggEvent::Boiling { ready_at: ms(100) }),
        (ms(5_000), EggEvent::Ready { since: ms(100) }),
        (ms(5_000), EggEvent::TakenOut),
    ];
    assert_eq!(kitchen.history("a").await, expected);
    assert_eq!(kitchen.next_timer(taken.token).await, None);
}

#[tokio::test(start_paused = true)]
async fn before_its_time_nothing_is_due() {
    let kitchen = Kitchen::open(true).await;
    kitchen.boil(&["a".into()], 100).await;
    kitchen.clock.set(ms(99));
    let taken = kitchen.commands.dispatch(Envelope::new(TakeOut("a"))).await.unwrap();
    assert_eq!(taken.answer, None);
}

#[tokio::test(start_paused = true)]
async fn the_next_timer_is_the_earliest_that_is_set() {
    let kitchen = Kitchen::open(true).await;
    kitchen.boil(&["far".into()], 900).await;
    let token = kitchen.boil(&["near".into()], 300).await;
    assert_eq!(kitchen.next_timer(token).await, Some(ms(300)));
    let token = kitchen.boil(&["near".into()], 600).await;
    assert_eq!(kitchen.next_timer(token).await, Some(ms(600)), "set again: the earlier instant is forgotten");
    let token = kitchen.commands.dispatch(Envelope::new(TakeOut("near"))).await.unwrap().token;
    assert_eq!(kitchen.next_timer(token).await, Some(ms(900)));
}

#[tokio::test(start_paused = true)]
async fn due_timers_come_in_pages_the_longest_due_first() {
    let kitchen = Kitchen::open(true).await;
    for (egg, ready_at) in [("c", 30), ("a", 10), ("b", 20), ("d", 40)] {
        kitchen.boil(&[egg.into()], ready_at).await;
    }
    let mut token = Some(kitchen.boil(&["e".into()], 50).await);
    let mut page = DueTimers::<Egg>::first(ms(40), 3);
    let mut found = Vec::new();
    while let Ok(told) = query_bus(kitchen.read.clone()).ask(Ask { query: page.clone(), token: token.take() }).await {
        found.extend(told.answer.rows.into_iter().map(|(_, timer)| timer.stream.to_string()));
        match told.answer.next {
            Some(last) => page.after = Some(last),
            None => break,
        }
    }
    assert_eq!(found, ["a", "b", "c", "d"]);
}

#[tokio::test(start_paused = true)]
async fn the_alarm_wakes_what_nobody_asks_about_each_once() {
    let kitchen = Kitchen::open(true).await;
    let all = eggs(2 * WAKE_STREAMS_MAX + 1);
    let ringing = tokio::spawn(kitchen.alarm().run(std::future::pending()));
    kitchen.boil(&all, 1_000).await;
    kitchen.clock.set(ms(1_000));
    for egg in &all {
        kitchen.ready(egg).await;
        let expected =
            [(ms(0), EggEvent::Boiling { ready_at: ms(1_000) }), (ms(1_000), EggEvent::Ready { since: ms(1_000) })];
        assert_eq!(kitchen.history(egg).await, expected);
    }
    ringing.abort();
}

#[tokio::test(start_paused = true)]
async fn a_new_timer_does_not_wait_behind_a_later_one() {
    let kitchen = Kitchen::open(true).await;
    kitchen.boil(&["far".into()], 1_000_000).await;
    let ringing = tokio::spawn(kitchen.alarm().run(std::future::pending()));
    kitchen.boil(&["near".into()], 5).await;
    kitchen.clock.set(ms(5));
    kitchen.ready("near").await;
    assert_eq!(kitchen.history("far").await.len(), 1, "the later one is not due");
    ringing.abort();
}

#[tokio::test(start_paused = true)]
async fn the_alarm_goes_on_after_failures() {
    let kitchen = Kitchen::open(true).await;
    kitchen.boil(&["a".into()], 5).await;
    kitchen.clock.set(ms(5));
    kitchen.rows.faults_left.store(3, Ordering::SeqCst);
    let ringing = tokio::spawn(kitchen.alarm().run(std::future::pending()));
    kitchen.ready("a").await;
    assert_eq!(kitchen.rows.faults_left.load(Ordering::SeqCst), 0);
    ringing.abort();
}

#[tokio::test(start_paused = true)]
async fn the_alarm_stops_when_told() {
    let kitchen = Kitchen::open(true).await;
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let ringing = tokio::spawn(kitchen.alarm().run(async { drop(stopped.await) }));
    drop(stop);
    ringing.await.unwrap();
}

/// The row of a timer that ran out at 5 ms.
fn timer(egg: &str) -> StoredRow {
    let document = serde_json::json!({"stream": egg, "name": "ready", "at": 5});
    let document = serde_json::to_vec(&document).unwrap();
    StoredRow { key: format!("{egg} ready"), document, indexes: vec![IndexValue::Int(5)] }
}

/// An event of a version that does not exist yet, in the stream `egg`.
async fn of_a_newer_version(log: &MemoryEventStore, egg: &str) -> Append {
    let partition = PartitionId(0);
    let head = log.heads().await.unwrap()[0].position;
    let newer = Recorded {
        partition,
        position: head + 1,
        stream: Stream::<Egg>::new(egg).name().clone(),
        version: 1,
        at: ms(0),
        batch: BatchId::generate(),
        metadata: Arc::new(Metadata::default()),
        payload: Payload::stored(Bytes::from_static(br#"{"poached":{}}"#)),
    };
    Append { id: newer.batch, expected: vec![(partition, head)], events: vec![newer], claims: Vec::new() }
}

/// Neither timers that waking does not clear nor a stream that this version cannot read keep the others asleep.
#[tokio::test(start_paused = true)]
async fn streams_that_cannot_be_woken_do_not_keep_others_asleep() {
    let kitchen = Kitchen::open(false).await;
    kitchen.boil(&["good".into()], 5).await;
    kitchen.log.append(&of_a_newer_version(&kitchen.log, "bad").await).await.unwrap();
    let mut timers: Vec<StoredRow> = (0..WAKE_STREAMS_MAX).map(|egg| timer(&format!("absent-{egg}"))).collect();
    timers.extend(["bad", "good"].map(timer));
    let (model, epoch) = (Model::of::<TimerRow<Egg>>(), kitchen.log.epoch());
    kitchen.rows.rows.prepare(model, epoch).await.unwrap();
    let rows = ModelChange { upserts: timers, ..ModelChange::none(model, epoch) };
    kitchen.rows.rows.commit(&[rows]).await.unwrap();
    kitchen.clock.set(ms(5));
    let ringing = tokio::spawn(kitchen.alarm().run(std::future::pending()));
    kitchen.ready("good").await;
    ringing.abort();
}

#[test]
fn a_timer_row_is_stored_like_this() {
    assert_eq!(<TimerRow<Egg> as ReadModel>::NAME, "egg_timers");
    let stored = r#"{"stream":"a","name":"ready","at":5}"#;
    let row: TimerRow<Egg> = serde_json::from_str(stored).unwrap();
    assert_eq!(row.indexes(), [IndexValue::Int(5)]);
    assert_eq!(serde_json::to_string(&row).unwrap(), stored);
}
