//! The audit finds what is wrong, and nothing where nothing is.

use std::sync::Arc;
use std::time::Duration;

use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{
    Aggregate, Command, Context, Decision, Dispatch, Envelope, EventStore, Executor, ExecutorSettings, Finding,
    LogReader, Model, ModelChange, PartitionId, Projection, Projector, ReadModel, ReadStore, Recorded, Rows, Snapshot,
    States, StoredRow, Stream, Streams, SystemClock, Tail, Unreadable, ViewReader, Views, audit_log, audit_views,
    command_bus,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Counter {
    n: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Counted;

impl Aggregate for Counter {
    const KIND: &'static str = "counter";
    type Event = Counted;
    fn apply(&mut self, _: &Counted) {
        self.n += 1;
    }
}

struct Count(&'static str);

impl Command for Count {
    const NAME: &'static str = "count";
    type Answer = u64;
    type Rejection = std::convert::Infallible;
    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Counter>::new(self.0))
    }
    fn decide(&self, states: &States<'_>) -> Result<Decision<u64>, Self::Rejection> {
        let stream = Stream::<Counter>::new(self.0);
        Ok(Decision::answer(states.of(&stream).n + 1).record(&stream, Counted))
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Count1 {
    n: u64,
}

impl ReadModel for Count1 {
    const NAME: &'static str = "counts";
    const VERSION: u32 = 1;
}

struct Counts;

impl Projection for Counts {
    type Row = Count1;
    fn fold(&self, event: &Recorded, rows: &mut Rows<Count1>) -> Result<(), Unreadable> {
        if event.as_event_of::<Counter>()?.is_some() {
            let n = rows.get(event.stream.id()).map_or(0, |row| row.n);
            rows.put(event.stream.id(), Count1 { n: n + 1 });
        }
        Ok(())
    }
}

/// A log with a few counts in it, and its view.
async fn counted() -> (Arc<Context>, MemoryEventStore, MemoryReadStore) {
    let context = Arc::new(Context::named("counters").aggregate::<Counter>().command::<Count>().view(Counts));
    let (log, rows, tail) = (MemoryEventStore::new(4), MemoryReadStore::default(), Tail::default());
    let settings = ExecutorSettings { snapshot_every_events: 3, ..ExecutorSettings::default() };
    let (executor, mut running) =
        Executor::new(Arc::clone(&context), Arc::new(log.clone()), Arc::new(SystemClock), tail.clone(), settings);
    let snapshots = tokio::spawn(running.snapshots().expect("taken once").run());
    let running = tokio::spawn(running.run());
    let bus = command_bus(executor, Duration::from_secs(60));
    for counter in ["a", "b", "a", "c", "a", "a", "b"] {
        bus.dispatch(Envelope::new(Count(counter))).await.expect("never refused");
    }
    drop(bus);
    running.await.expect("no panic").expect("ends well");
    snapshots.await.expect("no panic");
    let views = Views::new(4, 10);
    let projector = Projector::open(&context, Arc::new(log.clone()), Arc::new(rows.clone()), tail, views).await;
    projector.expect("open").catch_up().await.expect("catch up");
    (context, log, rows)
}

async fn audit(context: &Context, log: &dyn LogReader, rows: &MemoryReadStore) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen = 0;
    let events = audit_log(context, log, &mut found, |_| seen += 1).await.expect("the log is read");
    assert_eq!(events, seen);
    audit_views(context, log, rows, &mut found).await.expect("the views are read");
    found
}

#[tokio::test]
async fn a_whole_log_and_its_views_pass() {
    let (context, log, rows) = counted().await;
    assert_eq!(audit(&context, &log, &rows).await, []);
}

#[tokio::test]
async fn a_changed_a_missing_and_a_foreign_row_are_found() {
    let (context, log, rows) = counted().await;
    let row =
        |key: &str, n: u64| StoredRow { key: key.into(), document: format!("{{\"n\":{n}}}").into(), indexes: vec![] };
    let model = Model::of::<Count1>();
    let upserts = vec![row("a", 5), row("x", 1)];
    let change = ModelChange { upserts, deletes: vec!["c".into()], ..ModelChange::none(model, log.epoch()) };
    rows.commit(&[change]).await.expect("commit");
    let found: Vec<String> = audit(&context, &log, &rows).await.iter().map(ToString::to_string).collect();
    let expected = [
        "counts: row a is {\"n\":5}, the log says {\"n\":4}",
        "counts: row x is there, the log says it is not",
        "counts: row c is missing, the log says {\"n\":1}",
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_view_ahead_of_its_log_is_found() {
    let (context, log, rows) = counted().await;
    let checkpoints = vec![(PartitionId(0), 1_000)];
    let change = ModelChange { checkpoints, ..ModelChange::none(Model::of::<Count1>(), log.epoch()) };
    rows.commit(&[change]).await.expect("commit");
    let found = audit(&context, &log, &rows).await;
    assert!(found.iter().any(|finding| finding.detail.contains("has read partition 0 up to 1000")), "{found:?}");
}

#[tokio::test]
async fn a_snapshot_that_lies_is_found() {
    let (context, log, rows) = counted().await;
    let stream = Stream::<Counter>::new("a").name().clone();
    let saved = log.snapshots(std::slice::from_ref(&stream)).await.expect("read")[0].clone().expect("taken at 3");
    log.save_snapshot(Snapshot { state: bytes::Bytes::from_static(b"{\"n\":77}"), ..saved }).await.expect("save");
    let found = audit(&context, &log, &rows).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].subject, "snapshot");
}

#[tokio::test]
async fn rebuilt_views_equal_the_kept_ones() {
    let (context, log, rows) = counted().await;
    let select = cqrs::Select::first(100);
    let before = rows.select(Model::of::<Count1>(), &select).await.expect("select");
    Projector::clear(&context, &rows).await.expect("clear");
    assert!(rows.select(Model::of::<Count1>(), &select).await.expect("select").is_empty());
    let reader = Arc::new(log.clone());
    let projector = Projector::open(&context, reader, Arc::new(rows.clone()), Tail::default(), Views::new(4, 10)).await;
    assert_eq!(projector.expect("open").catch_up().await.expect("catch up"), 7);
    assert_eq!(rows.select(Model::of::<Count1>(), &select).await.expect("select"), before);
}
