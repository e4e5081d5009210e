//! Both sides: a guest book whose visits are counted in a view, and a query that sees what its session has written.

use std::sync::Arc;
use std::time::Duration;

use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{
    Aggregate, Ask, Command, Compare, Context, Decision, Dispatch, Envelope, Executor, ExecutorSettings, IndexValue,
    Inquire, Projection, Projector, Query, QueryError, ReadModel, ReadSide, Recorded, Rows, Select, States, Stream,
    Streams, SystemClock, Tail, Unreadable, Views, command_bus, query_bus,
};
use serde::{Deserialize, Serialize};

// What can be: a guest, who may sign the book.

#[derive(Clone, Default, Serialize, Deserialize)]
struct Guest {
    visits: i64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum GuestEvent {
    Signed { words: String },
}

impl Aggregate for Guest {
    const KIND: &'static str = "guest";
    type Event = GuestEvent;

    fn apply(&mut self, GuestEvent::Signed { .. }: &GuestEvent) {
        self.visits += 1;
    }
}

// What can be asked for.

struct Sign {
    guest: String,
    words: String,
}

impl Command for Sign {
    const NAME: &'static str = "sign";
    type Answer = i64;
    type Rejection = std::convert::Infallible;

    fn validate(&self) -> Result<(), cqrs::Invalid> {
        if self.words.trim().is_empty() {
            return Err(cqrs::Invalid::field("/words", "say something"));
        }
        Ok(())
    }

    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Guest>::new(&self.guest))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<i64>, Self::Rejection> {
        let guest = Stream::<Guest>::new(&self.guest);
        let visits = states.of(&guest).visits + 1;
        Ok(Decision::answer(visits).record(&guest, GuestEvent::Signed { words: self.words.clone() }))
    }
}

// What can be seen: a row per guest, found by its number of visits.

#[derive(Clone, Serialize, Deserialize)]
struct Page {
    visits: i64,
    last_words: String,
}

impl ReadModel for Page {
    const NAME: &'static str = "page";
    const VERSION: u32 = 1;
    const INDEXES: &'static [&'static str] = &["visits"];

    fn indexes(&self) -> Vec<IndexValue> {
        vec![self.visits.into()]
    }
}

struct Pages;

impl Projection for Pages {
    type Row = Page;

    fn fold(&self, event: &Recorded, rows: &mut Rows<Page>) -> Result<(), Unreadable> {
        if let Some(signed) = event.as_event_of::<Guest>()? {
            let GuestEvent::Signed { words } = &*signed;
            let visits = rows.get(event.stream.id()).map_or(0, |page| page.visits);
            rows.put(event.stream.id(), Page { visits: visits + 1, last_words: words.clone() });
        }
        Ok(())
    }
}

// What can be known.

struct Regulars {
    visits_min: i64,
}

impl Query for Regulars {
    const NAME: &'static str = "regulars";
    type Answer = Vec<(String, Page)>;

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let select = Select::first(50).with(0, Compare::AtLeast, self.visits_min);
        Ok(read.select::<Page>(&select).await?.rows)
    }
}

fn context() -> Arc<Context> {
    Arc::new(Context::named("guest-book").aggregate::<Guest>().command::<Sign>().query::<Regulars>().view(Pages))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (context, clock, tail) = (context(), Arc::new(SystemClock), Tail::default());
    let (log, rows, views) = (MemoryEventStore::new(4), MemoryReadStore::default(), Views::new(4, 1_000));

    let (executor, running) = Executor::new(
        Arc::clone(&context),
        Arc::new(log.clone()),
        Arc::clone(&clock) as _,
        tail.clone(),
        ExecutorSettings::default(),
    );
    let commands = command_bus(executor, Duration::from_secs(1));
    let projector =
        Projector::open(&context, Arc::new(log.clone()), Arc::new(rows.clone()), tail, views.clone()).await?;
    let read = ReadSide::new(context, views, Arc::new(rows), Arc::new(log), clock, Duration::from_secs(1));
    let queries = query_bus(read);

    let running = tokio::spawn(running.run());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let projecting = tokio::spawn(projector.run(async move { drop(stopped.await) }));

    let mut token = None;
    for (guest, words) in [("ada", "hello"), ("bo", "hi"), ("ada", "again")] {
        let sign = Sign { guest: guest.into(), words: words.into() };
        token = Some(commands.dispatch(Envelope::new(sign)).await?.token);
    }
    let told = queries.ask(Ask { query: Regulars { visits_min: 2 }, token }).await?;
    for (guest, page) in &told.answer {
        println!("{guest} came {} times and said last: {}", page.visits, page.last_words);
    }
    assert_eq!(told.answer.len(), 1, "the token made the query wait for all three visits");

    drop(commands);
    running.await??;
    drop(stop);
    projecting.await??;
    Ok(())
}
