//! What a query waits for: its own views, and no others; and what it is told of a view that is built or lacks something.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{
    Aggregate, Ask, Command, CommandBus, Context, Decision, Dispatch, Envelope, Executor, ExecutorSettings, Inquire,
    LogReader, Model, ModelChange, Phase, Projection, Projector, Purpose, Query, QueryBus, QueryError, ReadModel,
    ReadSide, ReadStore, Recorded, Rows, Rowset, Select, States, StoredRow, Stream, Streams, SystemClock, Tail, Token,
    Unreadable, Version, Views, command_bus, query_bus,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Default, Serialize, Deserialize)]
struct Page;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Written {
    text: String,
}

impl Aggregate for Page {
    const KIND: &'static str = "page";
    type Event = Written;
    fn apply(&mut self, _: &Written) {}
}

struct Write {
    page: &'static str,
    text: &'static str,
}

impl Command for Write {
    const NAME: &'static str = "write";
    type Answer = ();
    type Rejection = Infallible;
    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Page>::new(self.page))
    }
    fn decide(&self, _: &States<'_>) -> Result<Decision<()>, Infallible> {
        let written = Written { text: self.text.into() };
        Ok(Decision::answer(()).record(&Stream::<Page>::new(self.page), written))
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Text(String);

impl ReadModel for Text {
    const NAME: &'static str = "texts";
    const VERSION: u32 = 1;
    const KEYED_BY_STREAM: bool = true;
}

/// Keeps the last text of a page; cannot read one that is a blot.
struct Texts;

impl Projection for Texts {
    type Row = Text;
    fn fold(&self, event: &Recorded, rows: &mut Rows<Text>) -> Result<(), Unreadable> {
        let Some(written) = event.as_event_of::<Page>()? else { return Ok(()) };
        if written.text == "blot" {
            return Err(Unreadable::of(event, &"a blot"));
        }
        rows.put(event.stream.id(), Text(written.text.clone()));
        Ok(())
    }
}

#[derive(Clone, Serialize, Deserialize)]
struct Length(usize);

impl ReadModel for Length {
    const NAME: &'static str = "lengths";
    const VERSION: u32 = 1;
}

struct Lengths;

impl Projection for Lengths {
    type Row = Length;
    fn fold(&self, event: &Recorded, rows: &mut Rows<Length>) -> Result<(), Unreadable> {
        if let Some(written) = event.as_event_of::<Page>()? {
            rows.put(event.stream.id(), Length(written.text.len()));
        }
        Ok(())
    }
}

struct TextOf(&'static str);

impl Query for TextOf {
    const NAME: &'static str = "text-of";
    type Answer = Option<String>;
    fn partition_key(&self) -> Option<&str> {
        Some(self.0)
    }
    async fn answer(self, read: &ReadSide) -> Result<Option<String>, QueryError> {
        Ok(read.row::<Text>(self.0).await?.map(|row| row.0.clone()))
    }
}

struct AllTexts;

impl Query for AllTexts {
    const NAME: &'static str = "all-texts";
    type Answer = Rowset<Text>;
    async fn answer(self, read: &ReadSide) -> Result<Rowset<Text>, QueryError> {
        read.select(&Select::first(10)).await
    }
}

/// The texts as they are once the view has read the newest event of a page.
struct TextsAfter(&'static str);

impl Query for TextsAfter {
    const NAME: &'static str = "texts-after";
    type Answer = Rowset<Text>;
    async fn answer(self, read: &ReadSide) -> Result<Rowset<Text>, QueryError> {
        let newest = read.history(Stream::<Page>::new(self.0).name(), Version::MAX, 1).await?.pop().expect("written");
        read.select_after(&newest, &Select::first(10)).await
    }
}

struct LengthOf(&'static str);

impl Query for LengthOf {
    const NAME: &'static str = "length-of";
    type Answer = Option<usize>;
    async fn answer(self, read: &ReadSide) -> Result<Option<usize>, QueryError> {
        Ok(read.row::<Length>(self.0).await?.map(|row| row.0))
    }
}

fn context() -> Context {
    let context = Context::named("book").aggregate::<Page>().command::<Write>();
    context.query::<TextOf>().query::<AllTexts>().query::<TextsAfter>().query::<LengthOf>().view(Texts)
}

struct Book {
    log: MemoryEventStore,
    rows: MemoryReadStore,
    commands: CommandBus,
}

impl Book {
    fn open() -> Self {
        let (log, tail) = (MemoryEventStore::new(1), Tail::default());
        let (context, settings) = (Arc::new(context()), ExecutorSettings::default());
        let (executor, running) = Executor::new(context, Arc::new(log.clone()), Arc::new(SystemClock), tail, settings);
        tokio::spawn(running.run());
        Self { log, rows: MemoryReadStore::default(), commands: command_bus(executor, Duration::from_secs(60)) }
    }

    async fn write(&self, page: &'static str, text: &'static str) -> Token {
        self.commands.dispatch(Envelope::new(Write { page, text })).await.expect("never refused").token
    }

    /// The views of `context`, and queries to them that wait `wait` for a token.
    async fn views(&self, context: Context, wait: Duration) -> (Projector, QueryBus) {
        let (log, views) = (Arc::new(self.log.clone()), Views::new(1, 100));
        let reader: Arc<dyn LogReader> = Arc::clone(&log) as _;
        let rows = Arc::new(self.rows.clone());
        let projector = Projector::open(&context, reader, rows.clone(), Tail::default(), views.clone()).await;
        let read = ReadSide::new(Arc::new(context), views, rows, log, Arc::new(SystemClock), wait);
        (projector.expect("open"), query_bus(read))
    }
}

const SOON: Duration = Duration::from_millis(20);

fn with<Q>(query: Q, token: &Token) -> Ask<Q> {
    Ask { query, token: Some(token.clone()) }
}

#[tokio::test]
async fn a_token_waits_for_the_views_that_are_read_and_no_others() {
    let book = Book::open();
    let (mut projector, _) = book.views(context(), SOON).await;
    let token = book.write("one", "some text").await;
    projector.catch_up().await.expect("catch up");
    // A version later there is one more view, which has no build yet.
    let (mut projector, queries) = book.views(context().view(Lengths), SOON).await;
    let told = queries.ask(with(TextOf("one"), &token)).await.expect("its own view has read that far");
    assert_eq!((told.answer.as_deref(), &told.token), (Some("some text"), &token));
    for ask in [Ask::new(LengthOf("one")), with(LengthOf("one"), &token)] {
        let refused = queries.ask(ask).await;
        let Err(QueryError::ViewBuilding { view: "lengths", events: 0, events_total: 1, ask_again_s: 1 }) = refused
        else {
            panic!("{refused:?}")
        };
    }
    projector.catch_up().await.expect("catch up");
    assert_eq!(queries.ask(with(LengthOf("one"), &token)).await.expect("built").answer, Some(9));
    let newer = book.write("one", "more").await;
    let late = queries.ask(with(LengthOf("one"), &newer)).await;
    assert!(matches!(late, Err(QueryError::ViewLagging { .. })), "{late:?}");
}

#[tokio::test]
async fn a_read_that_asks_for_what_is_parked_is_told_so_and_no_other_is() {
    let book = Book::open();
    let (mut projector, queries) = book.views(context(), SOON).await;
    let before = book.write("one", "clean").await;
    book.write("two", "clean too").await;
    let blotted = book.write("one", "blot").await;
    projector.catch_up().await.expect("a blot does not stop it");

    let refused = queries.ask(with(TextOf("one"), &blotted)).await;
    let Err(QueryError::ViewParked { view: "texts", parked }) = refused else { panic!("{refused:?}") };
    assert_eq!((parked.stream.as_str(), parked.position, parked.cause.as_str()), ("page/one", 3, "a blot"));
    let list = queries.ask(with(AllTexts, &blotted)).await;
    assert!(matches!(list, Err(QueryError::ViewParked { .. })), "a list may lack it: {list:?}");

    let other = queries.ask(with(TextOf("two"), &blotted)).await.expect("another stream's row");
    assert_eq!(other.answer.as_deref(), Some("clean too"));
    let earlier = queries.ask(with(TextOf("one"), &before)).await.expect("the token asks for less");
    assert_eq!(earlier.answer.as_deref(), Some("clean"));
    let none = queries.ask(Ask::new(TextOf("one"))).await.expect("without a token");
    assert_eq!(none.answer.as_deref(), Some("clean"));
    assert_eq!(queries.ask(Ask::new(AllTexts)).await.expect("without a token").answer.rows.len(), 2);
}

#[tokio::test]
async fn an_answer_that_rests_on_an_event_waits_for_the_view_to_read_it() {
    let book = Book::open();
    let (mut projector, queries) = book.views(context(), SOON).await;
    book.write("one", "some text").await;
    projector.catch_up().await.expect("catch up");
    assert_eq!(queries.ask(Ask::new(TextsAfter("one"))).await.expect("read").answer.rows.len(), 1);
    book.write("two", "more").await;
    assert_eq!(queries.ask(Ask::new(AllTexts)).await.expect("as it is").answer.rows.len(), 1);
    let late = queries.ask(Ask::new(TextsAfter("two"))).await;
    assert!(matches!(late, Err(QueryError::ViewLagging { .. })), "{late:?}");
    book.write("one", "blot").await;
    projector.catch_up().await.expect("catch up");
    assert_eq!(queries.ask(Ask::new(TextsAfter("two"))).await.expect("read").answer.rows.len(), 2);
    let parked = queries.ask(Ask::new(TextsAfter("one"))).await;
    assert!(matches!(parked, Err(QueryError::ViewParked { .. })), "{parked:?}");
}

#[tokio::test]
async fn a_swap_is_seen_though_the_row_was_in_memory() {
    let book = Book::open();
    let (mut projector, queries) = book.views(context(), SOON).await;
    let token = book.write("one", "true").await;
    projector.catch_up().await.expect("catch up");
    let lie = StoredRow { key: "one".into(), document: b"\"lie\"".to_vec(), indexes: Vec::new() };
    let change = ModelChange { upserts: vec![lie], ..ModelChange::none(Model::of::<Text>(), book.log.epoch()) };
    book.rows.commit(&[change]).await.expect("commit");
    // A process that starts has no row in memory, and reads the lie into it.
    let (mut projector, queries_now) = book.views(context(), SOON).await;
    drop(queries);
    assert_eq!(queries_now.ask(with(TextOf("one"), &token)).await.expect("read").answer.as_deref(), Some("lie"));
    let done = projector.rebuild_now("texts", Purpose::Rebuild { compare_only: false }).await.expect("rebuilt");
    assert!(matches!(done.phase, Phase::Done { swapped: true, compared: Some(c), .. } if c.keys == ["one"]));
    assert_eq!(queries_now.ask(with(TextOf("one"), &token)).await.expect("read").answer.as_deref(), Some("true"));
}
