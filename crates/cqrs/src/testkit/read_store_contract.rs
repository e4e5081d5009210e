//! The read store contract, point by point, and what the projector promises on every store.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::tank::{Draw, Fill, Tank, TankEvent};
use crate::bus::{Dispatch, command_bus};
use crate::command::Envelope;
use crate::context::Context;
use crate::event::{Epoch, PartitionId, Recorded, StreamName};
use crate::event_store::{LogReader, Tail};
use crate::executor::{Executor, ExecutorSettings};
use crate::memory::MemoryEventStore;
use crate::projection::{Projection, Rows, Unreadable};
use crate::projector::Projector;
use crate::query::Views;
use crate::read_store::{
    Build, Compare, Compared, IndexValue, Model, ModelChange, ParkedStream, ReadModel, ReadStore, Role, Select,
    StoredRow,
};
use crate::time::SystemClock;

type Store = Arc<dyn ReadStore>;

const SHELF: Model = Model { name: "shelf", version: 1, indexes: &["room", "books"], build: Build::Live };
const EPOCH: Epoch = Epoch(Uuid::nil());

fn row(key: &str, room: impl Into<IndexValue>, books: i64) -> StoredRow {
    StoredRow {
        key: key.into(),
        document: format!("{{\"key\":\"{key}\"}}").into_bytes(),
        indexes: vec![room.into(), books.into()],
    }
}

fn change(upserts: Vec<StoredRow>, deletes: &[&str], position: u64) -> ModelChange {
    let deletes = deletes.iter().map(ToString::to_string).collect();
    ModelChange { upserts, deletes, checkpoints: vec![(PartitionId(2), position)], ..ModelChange::none(SHELF, EPOCH) }
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

async fn live(store: &Store) -> Vec<(u32, Role)> {
    store.builds(SHELF).await.expect("builds").iter().map(|build| (build.number, build.role)).collect()
}

/// What is filled beside the live build is read by nobody before the swap; then by everybody, with its checkpoint.
pub async fn a_build_in_the_shadow_is_read_only_once_it_is_swapped_in(store: Store) {
    filled(&store).await;
    let shadow = store.begin(SHELF, EPOCH).await.expect("begin");
    let in_shadow = |upserts, position| ModelChange { model: shadow, ..change(upserts, &[], position) };
    store.commit(&[in_shadow(vec![row("a/1", "cellar", 1), row("n", "cellar", 2)], 9)]).await.expect("commit");
    assert_eq!(keys(&store, &Select::first(10)).await, ["a/1", "a/2", "b/1", "b/2"]);
    assert_eq!(store.checkpoints(SHELF).await.expect("checkpoints"), [(PartitionId(2), 4)]);
    let of_shadow = store.get(shadow, &["n".into()]).await.expect("get");
    assert_eq!(of_shadow, [Some(row("n", "cellar", 2))]);
    store.finish(shadow).await.expect("finish");
    store.swap(shadow).await.expect("swap");
    assert_eq!(keys(&store, &Select::first(10)).await, ["a/1", "n"]);
    assert_eq!(keys(&store, &Select { order: Some(1), ..Select::first(10) }).await, ["a/1", "n"]);
    assert_eq!(store.checkpoints(SHELF).await.expect("checkpoints"), [(PartitionId(2), 9)]);
    store.prepare(SHELF, EPOCH).await.expect("prepare");
    assert_eq!(keys(&store, &Select::first(10)).await, ["a/1", "n"], "the live build is the one that was swapped in");
    assert_eq!(live(&store).await, [(1, Role::Kept), (2, Role::Live)]);
}

/// Of the builds that were live before, the last is kept; it can be swapped in again. An older version's stays live for
/// those who read it.
pub async fn a_swap_keeps_the_build_before_and_no_other(store: Store) {
    filled(&store).await;
    let shadow = store.begin(SHELF, EPOCH).await.expect("begin");
    store.swap(shadow).await.expect("swap");
    let another = store.begin(SHELF, EPOCH).await.expect("begin");
    let unfinished = store.begin(SHELF, EPOCH).await.expect("begin");
    store.swap(another).await.expect("swap");
    assert_eq!(live(&store).await, [(2, Role::Kept), (3, Role::Live), (4, Role::Shadow)]);
    store.discard(unfinished).await.expect("discard");
    store.swap(shadow).await.expect("swap back");
    assert_eq!(live(&store).await, [(2, Role::Live), (3, Role::Kept)]);

    let next = Model { version: 2, ..SHELF };
    let first = store.begin(next, EPOCH).await.expect("begin");
    store.swap(first).await.expect("swap");
    let versions = store.builds(next).await.expect("builds");
    let versions: Vec<_> = versions.iter().map(|build| (build.version, build.number, build.role)).collect();
    assert_eq!(versions, [(1, 2, Role::Live), (2, 1, Role::Live)], "version 1 is there to go back to");
    let second = store.begin(next, EPOCH).await.expect("begin");
    store.swap(second).await.expect("swap");
    let versions = store.builds(next).await.expect("builds");
    assert_eq!(versions.iter().map(|build| build.version).collect::<Vec<_>>(), [2, 2]);
    assert!(store.swap(Model { name: "stranger", ..shadow }).await.is_err());
}

/// Two builds that have read equally far are compared row by row; two that have not are not.
pub async fn builds_are_compared_where_both_have_read_equally_far(store: Store) {
    filled(&store).await;
    let shadow = store.begin(SHELF, EPOCH).await.expect("begin");
    let in_shadow =
        |upserts, deletes: &[&str], position| ModelChange { model: shadow, ..change(upserts, deletes, position) };
    let same = vec![row("a/1", "hall", 3), row("a/2", "hall", 10), row("b/2", IndexValue::Null, 7)];
    store.commit(&[in_shadow(same, &[], 3)]).await.expect("commit");
    assert_eq!(store.compare(SHELF, shadow, 9).await.expect("compare"), None);
    store.commit(&[in_shadow(vec![row("b/1", "attic", 10)], &[], 4)]).await.expect("commit");
    let whole = Compared { rows: 4, ..Compared::default() };
    assert_eq!(store.compare(SHELF, shadow, 9).await.expect("compare"), Some(whole));
    // One differs in its document, one in an index alone, one is gone, two are new.
    let other = StoredRow { document: b"{}".to_vec(), ..row("a/1", "hall", 3) };
    let upserts = vec![other, row("b/2", "loft", 7), row("0", "hall", 1), row("z", "hall", 1)];
    store.commit(&[in_shadow(upserts, &["a/2"], 4)]).await.expect("commit");
    let keys = ["0", "a/1", "a/2"].map(ToOwned::to_owned).to_vec();
    let found = Compared { rows: 6, only_live: 1, only_new: 2, different: 2, keys };
    assert_eq!(store.compare(SHELF, shadow, 3).await.expect("compare"), Some(found));
}

/// Parked streams come and go with the commit that says so, each build with its own.
pub async fn parked_streams_are_kept_with_their_commit(store: Store) {
    filled(&store).await;
    let parked = |id: &str, waiting| ParkedStream {
        stream: StreamName::new("book", id),
        partition: PartitionId(2),
        position: 7,
        version: 3,
        cause: "torn".into(),
        waiting,
    };
    let parks = |parked, position| ModelChange { parked, ..change(Vec::new(), &[], position) };
    store.commit(&[parks(vec![parked("b", 1), parked("a", 1)], 7)]).await.expect("commit");
    store.commit(&[parks(vec![parked("b", 2)], 8)]).await.expect("commit");
    assert_eq!(store.parked(SHELF).await.expect("parked"), [parked("a", 1), parked("b", 2)]);
    let shadow = store.begin(SHELF, EPOCH).await.expect("begin");
    assert_eq!(store.parked(shadow).await.expect("parked"), []);
    let released = vec![StreamName::new("book", "b")];
    let stranger = ModelChange { model: Model { name: "stranger", ..SHELF }, ..change(Vec::new(), &[], 1) };
    let release = ModelChange { released, ..change(Vec::new(), &[], 9) };
    assert!(store.commit(&[release.clone(), stranger]).await.is_err());
    assert_eq!(store.parked(SHELF).await.expect("parked").len(), 2, "a commit that failed released nothing");
    store.commit(&[release]).await.expect("commit");
    assert_eq!(store.parked(SHELF).await.expect("parked"), [parked("a", 1)]);
    store.clear(SHELF).await.expect("clear");
    assert_eq!(store.parked(SHELF).await.expect("parked"), []);
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
