//! An event stored long ago, in a shape that no code has any more, is read in today's: by decisions, queries and views.

use std::sync::Arc;
use std::time::Duration;

use cqrs::memory::MemoryReadStore;
use cqrs::{
    Aggregate, Command, Context, Decision, Dispatch, Envelope, Executor, ExecutorSettings, LogReader, Model,
    Projection, Projector, ReadModel, Recorded, Rows, States, StoredEvent, Stream, Streams, SystemClock, Tail,
    Unreadable, ViewReader, Views, command_bus,
};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::open;

#[derive(Clone, Default, Serialize, Deserialize)]
struct Jug {
    millilitres: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
enum JugEvent {
    Poured { millilitres: i64 },
}

impl Aggregate for Jug {
    const KIND: &'static str = "jug";
    type Event = JugEvent;

    fn apply(&mut self, JugEvent::Poured { millilitres }: &JugEvent) {
        self.millilitres += millilitres;
    }

    /// Until last year it was `filled`, in litres.
    fn upcast(stored: StoredEvent<'_>) -> Option<Value> {
        let litres = (stored.variant()? == "filled").then(|| stored.content())??["litres"].as_i64()?;
        Some(json!({"poured": {"millilitres": litres * 1_000}}))
    }
}

/// Pours; answers how much there is then.
struct Pour(i64);

impl Command for Pour {
    const NAME: &'static str = "pour";
    type Answer = i64;
    type Rejection = std::convert::Infallible;
    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Jug>::new("a"))
    }
    fn decide(&self, states: &States<'_>) -> Result<Decision<i64>, Self::Rejection> {
        let jug = Stream::<Jug>::new("a");
        let there = states.of(&jug).millilitres + self.0;
        Ok(Decision::answer(there).record(&jug, JugEvent::Poured { millilitres: self.0 }))
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Poured(i64);

impl ReadModel for Poured {
    const NAME: &'static str = "poured";
    const VERSION: u32 = 1;
}

struct Pourings;

impl Projection for Pourings {
    type Row = Poured;
    fn fold(&self, event: &Recorded, rows: &mut Rows<Poured>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Jug>()? else { return Ok(()) };
        let JugEvent::Poured { millilitres } = *happened;
        let before = rows.get(event.stream.id()).map_or(0, |row| row.0);
        rows.put(event.stream.id(), Poured(before + millilitres));
        Ok(())
    }
}

#[tokio::test]
async fn an_old_stored_row_is_read_in_todays_shape() {
    let dir = tempfile::tempdir().expect("a folder");
    pour(dir.path(), 7).await;
    // As the program of last year stored it.
    let log = Connection::open(dir.path().join("log.db")).expect("the log");
    let old = br#"{"filled":{"litres":2}}"#.to_vec();
    assert_eq!(log.execute("UPDATE events SET payload = ?1", [old.clone()]).expect("update"), 1);
    drop(log);

    assert_eq!(pour(dir.path(), 5).await, 2_005, "a decision reads it");
    let folder = open(dir.path());
    let (rows, views, model) = (MemoryReadStore::default(), Views::new(16, 10), Model::of::<Poured>());
    let context = Context::named("kitchen").aggregate::<Jug>().command::<Pour>().view(Pourings);
    let log: Arc<dyn LogReader> = folder.event_store();
    let projector = Projector::open(&context, log, Arc::new(rows.clone()), Tail::default(), views).await;
    projector.expect("open").catch_up().await.expect("catch up");
    let row = rows.get(model, &["a".into()]).await.expect("get").remove(0).expect("a row");
    assert_eq!(row.document, b"2005", "a view reads it");
    let stored = folder.log_reader().read_streams(&[(Stream::<Jug>::new("a").name().clone(), 0)], 9).await;
    assert_eq!(stored.expect("read")[0][0].payload.json().as_ref(), old, "the log is as it was");
}

async fn pour(dir: &std::path::Path, millilitres: i64) -> i64 {
    let folder = open(dir);
    let context = Arc::new(Context::named("kitchen").aggregate::<Jug>().command::<Pour>());
    let (clock, settings) = (Arc::new(SystemClock), ExecutorSettings::default());
    let (executor, running) = Executor::new(context, folder.event_store(), clock, Tail::default(), settings);
    let running = tokio::spawn(running.run());
    let bus = command_bus(executor, Duration::from_secs(60));
    let answered = bus.dispatch(Envelope::new(Pour(millilitres))).await.expect("never refused");
    drop(bus);
    running.await.expect("no panic").expect("ends well");
    answered.answer
}
