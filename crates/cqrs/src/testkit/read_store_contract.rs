//! The read store contract, point by point, and what the projector promises on every store.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::tank::{Draw, Fill, Tank, TankEvent};
use crate::bus::{Dispatch, command_bus};
use crate::command::Envelope;
use crate::context::Context;
use crate::event::{Epoch, PartitionId, Recorded};
use crate::event_store::LogReader;
use crate::executor::{Executor, ExecutorSettings};
use crate::memory::MemoryEventStore;
use crate::projection::{Projection, Rows, Unreadable};
use crate::projector::Projector;
use crate::read_store::{Compare, IndexValue, Model, ModelChange, ReadModel, ReadStore, Select, StoredRow};
use crate::tail::Tail;
use crate::time::SystemClock;
use crate::views::Views;

type Store = Arc<dyn ReadStore>;

const SHELF: Model = Model { name: "shelf", version: 1, indexes: &["room", "books"] };
const EPOCH: Epoch = Epoch(Uuid::nil());

fn row(key: &str, room: impl Into<IndexValue>, books: i64) -> StoredRow {
    StoredRow {
        key: key.into(),
        document: format!("{{\"key\":\"{key}\"}}").into_bytes(),
        indexes: vec![room.into(), books.into()],
    }
}

fn change(upserts: Vec<StoredRow>, deletes: &[&str], position: u64) -> ModelChange {
    ModelChange {
        model: SHELF,
        epoch: EPOCH,
        upserts,
        deletes: deletes.iter().map(ToString::to_string).collect(),
        checkpoints: vec![(PartitionId(2), position)],
    }
}

async fn filled(store: &Store) {
    store.prepare(SHELF, EPOCH).await.expect("prepare");
    let rows =
        vec![row("a/1", "hall", 3), row("a/2", "hall", 10), row("b/1", "attic", 10), row("b/2", IndexValue::Null, 7)];
    store.commit(&[change(rows, &[], 4)]).await.expect("commit");
}

async fn keys(store: &Store, select: &Select) -> Vec<String> {
    store.select(SHELF, select).await.expect("select").into_iter().map(|row| row.key).collect()
}

/// Rows, removals and checkpoints of one commit are seen together, and come back as they went in.
pub async fn rows_and_checkpoints_are_kept_together(store: Store) {
    store.prepare(SHELF, EPOCH).await.expect("prepare");
    assert!(store.checkpoints(SHELF).await.expect("checkpoints").is_empty());
    filled(&store).await;
    store.commit(&[change(vec![row("a/1", "hall", 4)], &["b/1"], 9)]).await.expect("commit");
    let got = store.get(SHELF, &["a/1".into(), "b/1".into(), "b/2".into()]).await.expect("get");
    assert_eq!(got, [Some(row("a/1", "hall", 4)), None, Some(row("b/2", IndexValue::Null, 7))]);
    assert_eq!(store.checkpoints(SHELF).await.expect("checkpoints"), [(PartitionId(2), 9)]);
    // One model of the commit was never prepared: nothing of the commit is kept.
    let stranger = ModelChange { model: Model { name: "stranger", ..SHELF }, ..change(Vec::new(), &[], 1) };
    assert!(store.commit(&[change(Vec::new(), &["a/1"], 10), stranger]).await.is_err());
    assert_eq!(store.checkpoints(SHELF).await.expect("checkpoints"), [(PartitionId(2), 9)]);
    assert!(store.get(SHELF, &["a/1".into()]).await.expect("get")[0].is_some());
    store.clear(SHELF).await.expect("clear");
    assert!(store.checkpoints(SHELF).await.expect("checkpoints").is_empty());
    assert_eq!(keys(&store, &Select::first(10)).await, [""; 0]);
}

/// Conditions hold together, order and cursor agree: pages joined are the whole.
pub async fn rows_are_selected_by_index_in_order_with_a_cursor(store: Store) {
    filled(&store).await;
    assert_eq!(keys(&store, &Select::first(3)).await, ["a/1", "a/2", "b/1"]);
    let many = Select::first(10).with(1, Compare::AtLeast, 7);
    assert_eq!(keys(&store, &many).await, ["a/2", "b/1", "b/2"]);
    assert_eq!(keys(&store, &many.clone().with(0, Compare::Equal, "hall")).await, ["a/2"]);
    assert_eq!(keys(&store, &Select::first(10).with(1, Compare::AtMost, 7)).await, ["a/1", "b/2"]);
    let mut by_books = Select { order: Some(1), ..Select::first(1) };
    let mut pages = Vec::new();
    while let Some(last) = store.select(SHELF, &by_books).await.expect("select").pop() {
        by_books.after = Some((last.indexes[1].clone(), last.key.clone()));
        pages.push(last.key);
        assert!(pages.len() <= 4, "the cursor does not move on: {pages:?}");
    }
    assert_eq!(pages, ["a/1", "b/2", "a/2", "b/1"]);
    let by_key = Select { after: Some((IndexValue::Null, "a/2".into())), ..Select::first(10) };
    assert_eq!(keys(&store, &by_key).await, ["b/1", "b/2"]);
}

/// A prefix is taken literally.
pub async fn keys_are_selected_by_prefix(store: Store) {
    filled(&store).await;
    store.commit(&[change(vec![row("a%/1", "hall", 1), row("a_/1", "hall", 1)], &[], 5)]).await.expect("commit");
    let prefix = |prefix: &str| Select { key_prefix: Some(prefix.into()), ..Select::first(10) };
    assert_eq!(keys(&store, &prefix("a/")).await, ["a/1", "a/2"]);
    assert_eq!(keys(&store, &prefix("a%")).await, ["a%/1"]);
    assert_eq!(keys(&store, &prefix("a_")).await, ["a_/1"]);
    assert_eq!(keys(&store, &prefix("c")).await, [""; 0]);
}

/// Nothing sorts before numbers, numbers before texts, texts byte by byte.
pub async fn values_order_as_nothing_numbers_texts(store: Store) {
    store.prepare(SHELF, EPOCH).await.expect("prepare");
    let rows = vec![
        row("1", "b", 0),
        row("2", "B", 0),
        row("3", 12, 0),
        row("4", -1, 0),
        row("5", IndexValue::Null, 0),
        row("6", "é", 0),
    ];
    store.commit(&[change(rows, &[], 1)]).await.expect("commit");
    let by_room = Select { order: Some(0), ..Select::first(10) };
    assert_eq!(keys(&store, &by_room).await, ["5", "4", "3", "2", "1", "6"]);
    let after = Select { after: Some((IndexValue::Int(12), "3".into())), ..by_room.clone() };
    assert_eq!(keys(&store, &after).await, ["2", "1", "6"]);
    let after_null = Select { after: Some((IndexValue::Null, "5".into())), ..by_room };
    assert_eq!(keys(&store, &after_null).await, ["4", "3", "2", "1", "6"]);
}

/// Rows that another log filled are of no use beside this one.
pub async fn rows_of_another_log_are_dropped(store: Store) {
    filled(&store).await;
    store.prepare(SHELF, EPOCH).await.expect("prepare");
    assert_eq!(keys(&store, &Select::first(10)).await.len(), 4, "the same log keeps its rows");
    store.prepare(SHELF, Epoch(Uuid::max())).await.expect("prepare");
    assert_eq!(keys(&store, &Select::first(10)).await, [""; 0]);
    assert!(store.checkpoints(SHELF).await.expect("checkpoints").is_empty());
}

/// Two versions of a model are two sets of rows.
pub async fn versions_of_a_model_are_apart(store: Store) {
    filled(&store).await;
    let next = Model { version: 2, indexes: &["books"], ..SHELF };
    store.prepare(next, EPOCH).await.expect("prepare");
    assert!(store.select(next, &Select::first(10)).await.expect("select").is_empty());
    assert_eq!(keys(&store, &Select::first(10)).await.len(), 4);
}

#[derive(Clone, Serialize, Deserialize)]
struct Gauge {
    level: i64,
    events: i64,
}

impl ReadModel for Gauge {
    const NAME: &'static str = "gauge";
    const VERSION: u32 = 1;
    const INDEXES: &'static [&'static str] = &["level"];

    fn indexes(&self) -> Vec<IndexValue> {
        vec![self.level.into()]
    }
}

struct Gauges;

impl Projection for Gauges {
    type Row = Gauge;

    fn fold(&self, event: &Recorded, rows: &mut Rows<Gauge>) -> Result<(), Unreadable> {
        let Some(tank_event) = event.as_event_of::<Tank>()? else { return Ok(()) };
        let key = event.stream.id();
        let mut gauge = rows.get(key).map_or(Gauge { level: 0, events: 0 }, |row| (*row).clone());
        gauge.events += 1;
        match *tank_event {
            TankEvent::Filled { litres } | TankEvent::Returned { litres } => gauge.level += litres,
            TankEvent::Drawn { litres } | TankEvent::Lent { litres, .. } => gauge.level -= litres,
        }
        rows.put(key, gauge);
        Ok(())
    }
}

/// A projector that is stopped, started again and fed by tail and log in turns applies every event once.
pub async fn a_projection_is_applied_exactly_once(store: Store) {
    let log = MemoryEventStore::new(4);
    let context = || Context::named("tanks").aggregate::<Tank>().command::<Fill>().command::<Draw>().view(Gauges);
    // A tail too short for all that is written: the projector must find the gap and read the log.
    let tail = Tail::new(8);
    let (executor, running) = Executor::new(
        Arc::new(context()),
        Arc::new(log.clone()),
        Arc::new(SystemClock),
        tail.clone(),
        ExecutorSettings::default(),
    );
    let running = tokio::spawn(running.run());
    let bus = command_bus(executor, Duration::from_secs(60));
    let reader: Arc<dyn LogReader> = Arc::new(log.clone());
    for round in 1..=5_i64 {
        let views = Views::new(4, 100);
        let mut projector =
            Projector::open(&context(), Arc::clone(&reader), Arc::clone(&store), tail.clone(), views.clone())
                .await
                .expect("open");
        for id in ["a", "b", "c"] {
            for _ in 0..10 {
                bus.dispatch(Envelope::new(Fill { tank: id.into(), litres: 2 })).await.expect("room");
                let drawn = bus.dispatch(Envelope::new(Draw { tank: id.into(), litres: 1 })).await.expect("there");
                if round % 2 == 0 {
                    projector.catch_up().await.expect("catch up");
                    assert!(views.has_read(&drawn.token), "read to the end, yet not so far as the token");
                }
            }
        }
        projector.catch_up().await.expect("catch up");
        for id in ["a", "b", "c"] {
            let row = store.get(Model::of::<Gauge>(), &[id.into()]).await.expect("get")[0].clone().expect("a row");
            let gauge: Gauge = serde_json::from_slice(&row.document).expect("a gauge");
            assert_eq!((gauge.level, gauge.events), (10 * round, 20 * round), "tank {id} in round {round}");
        }
        let full = Select::first(10).with(0, Compare::Equal, 10 * round);
        assert_eq!(store.select(Model::of::<Gauge>(), &full).await.expect("select").len(), 3);
    }
    drop(bus);
    running.await.expect("no panic").expect("ends well");
}
