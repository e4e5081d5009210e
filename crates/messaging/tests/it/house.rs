//! A door with a bell, in memory: a context that tells of each ring, and has webhooks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{
    Aggregate, Command, CommandBus, Context, Cursor, Decision, Dispatch, Envelope, EventId, Executor, ExecutorSettings,
    Feed, FeedError, FeedPage, FeedRequest, LogReader, Message, PartitionId, Projector, QueryBus, ReadSide, Recorded,
    States, Stream, Streams, SystemClock, Tail, Views, command_bus, query_bus,
};
use serde::{Deserialize, Serialize};

/// Events of a partition that are read at once.
const EVENTS: usize = 1_000;

#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Bell {
    rings: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum BellEvent {
    Rung { ring: u64, loud: bool },
}

impl Aggregate for Bell {
    const KIND: &'static str = "bell";
    type Event = BellEvent;

    fn apply(&mut self, _: &BellEvent) {
        self.rings += 1;
    }
}

#[derive(Clone, Debug)]
struct Ring {
    loud: bool,
}

impl Command for Ring {
    const NAME: &'static str = "ring";
    type Answer = ();
    type Rejection = std::convert::Infallible;

    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Bell>::new("front"))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, Self::Rejection> {
        let stream = Stream::<Bell>::new("front");
        let ring = states.of(&stream).rings + 1;
        Ok(Decision::answer(()).record(&stream, BellEvent::Rung { ring, loud: self.loud }))
    }
}

/// Changes nothing; its answer's token says where the bell's partition stands.
#[derive(Clone, Debug)]
struct Look;

impl Command for Look {
    const NAME: &'static str = "look";
    type Answer = ();
    type Rejection = std::convert::Infallible;

    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Bell>::new("front"))
    }

    fn decide(&self, _: &States<'_>) -> Result<Decision<()>, Self::Rejection> {
        Ok(Decision::answer(()))
    }
}

/// The door.
#[derive(Clone)]
pub(crate) struct House {
    pub(crate) commands: CommandBus,
    pub(crate) queries: QueryBus,
    pub(crate) feed: Arc<BellFeed>,
    views: Views,
}

impl House {
    pub(crate) async fn open() -> Self {
        let log = MemoryEventStore::new(4);
        let bell = Context::named("bell").aggregate::<Bell>().command::<Ring>().command::<Look>();
        let context = Arc::new(comanda_messaging::webhooks::list_in(bell));
        let (tail, views) = (Tail::default(), Views::new(log.partitions(), 1_000));
        let (store, rows) = (Arc::new(log.clone()), MemoryReadStore::default());
        let settings = ExecutorSettings::default();
        let clock = Arc::new(SystemClock);
        let (executor, running) =
            Executor::new(Arc::clone(&context), store.clone(), clock.clone(), tail.clone(), settings);
        tokio::spawn(running.run());
        let projector = Projector::open(&context, store.clone(), Arc::new(rows.clone()), tail.clone(), views.clone());
        tokio::spawn(projector.await.unwrap().run(std::future::pending()));
        let wait = Duration::from_secs(10);
        let read = ReadSide::new(context, views.clone(), Arc::new(rows), store, clock, wait);
        let feed = Arc::new(BellFeed { log, tail, restored: AtomicBool::new(false) });
        Self { commands: command_bus(executor, wait), queries: query_bus(read), feed, views }
    }

    /// Rings so often.
    pub(crate) async fn ring(&self, times: usize) {
        for _ in 0..times {
            self.commands.dispatch(Envelope::new(Ring { loud: false })).await.unwrap();
        }
    }

    /// Returns once the views have read all rings so far.
    pub(crate) async fn views_have_read(&self) {
        let token = self.commands.dispatch(Envelope::new(Look)).await.unwrap().token;
        self.views.until_read(&token).await;
    }

    /// Rings once, loudly: another type of event.
    pub(crate) async fn ring_loudly(&self) {
        self.commands.dispatch(Envelope::new(Ring { loud: true })).await.unwrap();
    }
}

/// What the bell tells others.
pub(crate) struct BellFeed {
    log: MemoryEventStore,
    tail: Tail,
    /// Whether every cursor is of another log, as after a backup was restored.
    pub(crate) restored: AtomicBool,
}

impl BellFeed {
    async fn page(&self, request: &FeedRequest) -> Result<FeedPage, FeedError> {
        let mut next = request.after.clone().unwrap_or_else(|| Cursor::new(self.log.epoch()));
        if next.epoch() != self.log.epoch() || self.restored.load(Ordering::SeqCst) {
            return Err(FeedError::ForeignCursor);
        }
        let mut page = FeedPage { messages: Vec::new(), next: next.clone(), more: false };
        let partitions = (0..self.log.partitions()).map(PartitionId);
        for partition in partitions.filter(|partition| request.partition.is_none_or(|only| only == *partition)) {
            let place = next.positions().iter().find(|(at, _)| *at == partition).map_or(0, |(_, position)| *position);
            let events = self.log.read_partition(partition, place, EVENTS).await.unwrap();
            for event in events {
                if let Some(message) = message(&event) {
                    if page.messages.len() >= request.limit {
                        page.more = true;
                        break;
                    }
                    page.messages.push(Arc::new(message));
                }
                next.require(partition, event.position);
            }
        }
        page.next = next;
        Ok(page)
    }
}

fn message(event: &Recorded) -> Option<Message> {
    let rung = event.as_event_of::<Bell>().unwrap()?;
    let BellEvent::Rung { ring, loud } = &*rung;
    Some(Message {
        id: EventId::of(event),
        source: "bell".into(),
        epoch: cqrs::Epoch(uuid::Uuid::nil()),
        after: event.position - 1,
        predecessor: None,
        kind: if *loud { "bell.boomed.v1".into() } else { "bell.rung.v1".into() },
        subject: "front".into(),
        key: "front".into(),
        at: event.at,
        correlation_id: None,
        causation_id: None,
        traceparent: None,
        data: serde_json::to_vec(&serde_json::json!({ "ring": ring })).unwrap().into(),
    })
}

#[async_trait]
impl Feed for BellFeed {
    fn source(&self) -> &str {
        "bell"
    }

    async fn read(&self, request: &FeedRequest) -> Result<FeedPage, FeedError> {
        let mut appended = self.tail.appended();
        let deadline = tokio::time::Instant::now() + request.wait;
        loop {
            appended.borrow_and_update();
            let page = self.page(request).await?;
            let waited = tokio::time::timeout_at(deadline, appended.changed());
            if !page.messages.is_empty() || request.wait.is_zero() || waited.await.is_err() {
                return Ok(page);
            }
        }
    }
}
