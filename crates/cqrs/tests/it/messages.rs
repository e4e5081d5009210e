//! Two contexts that meet in messages: a till publishes its sales, a kitchen counts them, each once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use cqrs::memory::MemoryEventStore;
use cqrs::{
    Aggregate, Append, AppendError, BatchId, CannotReact, Channel, Claim, Command, CommandBus, Consumer, Context,
    ContractEvent, Decision, Dispatch, Envelope, Epoch, EventId, EventStore, Executor, ExecutorSettings, Feed,
    FeedError, FeedPage, FeedRequest, Head, HeadLock, LogFeed, LogReader, Message, PartitionId, Position, React,
    Reaction, Recorded, Relay, Snapshot, States, StoreError, Stream, StreamName, Streams, Subscription, SystemClock,
    Tail, Transport, Unreadable, Version, command_bus,
};
use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Numbers(Vec<u64>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Noted {
    Number(u64),
    Private,
}

impl Aggregate for Numbers {
    const KIND: &'static str = "numbers";
    type Event = Noted;
    fn apply(&mut self, event: &Noted) {
        if let Noted::Number(number) = event {
            self.0.push(*number);
        }
    }
}

/// Notes a number, and something private before it.
struct Sell(String, u64);

impl Command for Sell {
    const NAME: &'static str = "sell";
    type Answer = ();
    type Rejection = std::convert::Infallible;
    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Numbers>::new(&self.0))
    }
    fn decide(&self, _: &States<'_>) -> Result<Decision<()>, Self::Rejection> {
        let stream = Stream::<Numbers>::new(&self.0);
        Ok(Decision::answer(()).record(&stream, Noted::Private).record(&stream, Noted::Number(self.1)))
    }
}

fn publish(event: &Recorded) -> Result<Option<ContractEvent>, Unreadable> {
    match event.as_event_of::<Numbers>()?.as_deref() {
        Some(Noted::Number(number)) => {
            let till = event.stream.id();
            ContractEvent::new(event, "till.sold.v1", till, till, number).map(Some)
        }
        _ => Ok(None),
    }
}

/// While it is set, the kitchen cannot cook what `stuck` sold.
static OVEN_BROKEN: AtomicBool = AtomicBool::new(false);

struct Cook;

impl React for Cook {
    const NAME: &'static str = "cook";
    type Input = u64;
    fn read(message: &Message) -> Result<Option<u64>, CannotReact> {
        message.data_as().map(Some).map_err(|cause| CannotReact::Ever(cause.to_string()))
    }
    fn streams(_: &u64) -> Streams {
        Streams::none()
    }
    fn react(input: &u64, message: &Message, states: &States<'_>) -> Result<Reaction, CannotReact> {
        if &*message.key == "stuck" && OVEN_BROKEN.load(Ordering::SeqCst) {
            return Err(CannotReact::Yet("the oven is broken".into()));
        }
        let dishes = Stream::<Numbers>::new(&message.key);
        let _ = states.of(&dishes);
        Ok(Decision::answer(()).record(&dishes, Noted::Number(*input)))
    }
}

struct Side {
    context: Arc<Context>,
    log: Arc<dyn EventStore>,
    tail: Tail,
    bus: CommandBus,
}

impl Side {
    fn start(context: Context, log: Arc<dyn EventStore>) -> Self {
        let (context, tail) = (Arc::new(context), Tail::default());
        let (executor, running) = Executor::new(
            Arc::clone(&context),
            Arc::clone(&log),
            Arc::new(SystemClock),
            tail.clone(),
            ExecutorSettings::default(),
        );
        tokio::spawn(running.run());
        Self { context, log, tail, bus: command_bus(executor, Duration::from_secs(10)) }
    }

    fn till() -> Self {
        let context = Context::named("till").aggregate::<Numbers>().command::<Sell>().publishes(publish);
        Self::start(context, Arc::new(MemoryEventStore::new(4)))
    }

    fn kitchen(log: Arc<dyn EventStore>) -> Self {
        Self::start(Context::named("kitchen").aggregate::<Numbers>().reacts::<Cook>(), log)
    }

    fn feed(&self) -> LogFeed {
        LogFeed::new(&self.context, Arc::clone(&self.log) as _, self.tail.clone())
    }

    async fn sell(&self, key: &str, numbers: std::ops::Range<u64>) {
        for number in numbers {
            self.bus.dispatch(Envelope::new(Sell(key.into(), number))).await.expect("sold");
        }
    }

    fn consume(&self, till: &Self, pushed: Option<Box<dyn Subscription>>) -> tokio::task::JoinHandle<()> {
        self.consume_from(Arc::new(till.feed()), pushed)
    }

    fn consume_from(&self, feed: Arc<dyn Feed>, pushed: Option<Box<dyn Subscription>>) -> tokio::task::JoinHandle<()> {
        let consumer = Consumer::<Cook>::new(self.bus.clone(), Arc::clone(&self.log) as _, feed, pushed);
        tokio::spawn(async move { consumer.run(std::future::pending()).await.expect("it goes on") })
    }

    /// The numbers noted under `key`, once there are so many.
    async fn noted(&self, key: &str, count: usize) -> Vec<u64> {
        let mut appended = self.tail.appended();
        let wait = async {
            loop {
                let stream = Stream::<Numbers>::new(key);
                let events = self.log.read_streams(&[(stream.name().clone(), 0)], 100_000).await.expect("read");
                let mut numbers = Numbers::default();
                events[0].iter().for_each(|event| numbers.apply(&event.payload.decode::<Numbers>().expect("a number")));
                if numbers.0.len() >= count {
                    return numbers.0;
                }
                appended.changed().await.expect("the tail lives");
            }
        };
        tokio::time::timeout(Duration::from_secs(20), wait).await.expect("everything arrives")
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_feed_alone_every_message_has_its_effect_once_and_in_order_also_after_a_restart() {
    let (till, kitchen) = (Side::till(), Side::kitchen(Arc::new(MemoryEventStore::new(4))));
    till.sell("a", 0..50).await;
    let consuming = kitchen.consume(&till, None);
    assert_eq!(kitchen.noted("a", 50).await, (0..50).collect::<Vec<_>>());
    till.sell("a", 50..60).await;
    consuming.abort();
    let again = Side::kitchen(kitchen.log.clone());
    let _consuming = (again.consume(&till, None), again.consume(&till, None));
    till.sell("a", 60..100).await;
    assert_eq!(again.noted("a", 100).await, (0..100).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_never_pushed_is_fetched_from_the_feed() {
    let (till, kitchen) = (Side::till(), Side::kitchen(Arc::new(MemoryEventStore::new(4))));
    let channel: Arc<dyn Transport> = Arc::new(Channel::default());
    let pushed = channel.subscribe("till").await.expect("subscribed");
    let _consuming = kitchen.consume(&till, Some(pushed));
    till.sell("a", 0..20).await;
    let log: Arc<dyn LogReader> = Arc::clone(&till.log) as _;
    let relay = Relay::new(&till.context, log, till.tail.clone(), channel);
    tokio::spawn(relay.run(std::future::pending()));
    till.sell("a", 20..200).await;
    assert_eq!(kitchen.noted("a", 200).await, (0..200).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_fails_waits_in_order_while_others_flow() {
    OVEN_BROKEN.store(true, Ordering::SeqCst);
    let (till, kitchen) = (Side::till(), Side::kitchen(Arc::new(MemoryEventStore::new(1))));
    let _consuming = kitchen.consume(&till, None);
    till.sell("stuck", 0..5).await;
    till.sell("b", 0..5).await;
    assert_eq!(kitchen.noted("b", 5).await, (0..5).collect::<Vec<_>>());
    assert!(kitchen.noted("stuck", 0).await.is_empty());
    OVEN_BROKEN.store(false, Ordering::SeqCst);
    assert_eq!(kitchen.noted("stuck", 5).await, (0..5).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_feed_pages_without_gaps_and_refuses_what_it_does_not_have() {
    let till = Side::till();
    till.sell("a", 0..25).await;
    let (feed, partition) = (till.feed(), PartitionId::of("a", 4));
    let mut request = FeedRequest { after: None, partition: Some(partition), limit: 10, wait: Duration::ZERO };
    let mut messages = Vec::new();
    loop {
        let page = feed.read(&request).await.expect("a page");
        assert!(page.messages.len() <= 10);
        messages.extend(page.messages);
        request.after = Some(page.next);
        if !page.more {
            break;
        }
    }
    assert_eq!(messages.len(), 25);
    for pair in messages.windows(2) {
        assert_eq!((pair[1].after, pair[1].predecessor), (pair[0].position(), Some(pair[0].id)));
    }
    request.after = Some(cqrs::Token::new(till.log.epoch()).with(partition, 51));
    assert!(matches!(feed.read(&request).await, Err(FeedError::ForeignCursor)));
}

/// A log that can be told to refuse appends for a while; tells how often an inbox was read.
struct Moody {
    inner: MemoryEventStore,
    refuses: AtomicBool,
    looked_at: tokio::sync::watch::Sender<usize>,
}

#[async_trait]
impl LogReader for Moody {
    fn partitions(&self) -> u16 {
        self.inner.partitions()
    }
    fn epoch(&self) -> Epoch {
        self.inner.epoch()
    }
    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        self.inner.heads().await
    }
    async fn read_partition(&self, p: PartitionId, after: Position, limit: usize) -> Result<Vec<Recorded>, StoreError> {
        self.inner.read_partition(p, after, limit).await
    }
    async fn read_streams(&self, s: &[(StreamName, Version)], limit: usize) -> Result<Vec<Vec<Recorded>>, StoreError> {
        self.inner.read_streams(s, limit).await
    }
    async fn read_stream_back(&self, s: &StreamName, before: Version, n: usize) -> Result<Vec<Recorded>, StoreError> {
        self.inner.read_stream_back(s, before, n).await
    }
    async fn snapshots(&self, streams: &[StreamName]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        self.looked_at.send_modify(|times| *times += 1);
        self.inner.snapshots(streams).await
    }
}

#[async_trait]
impl EventStore for Moody {
    async fn append(&self, batch: &Append) -> Result<(), AppendError> {
        if self.refuses.swap(false, Ordering::SeqCst) {
            return Err(StoreError::Unavailable("not now".into()).into());
        }
        self.inner.append(batch).await
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_failed_while_the_feed_was_asked_for_more_is_not_passed_over() {
    let (refuses, looked_at) = (AtomicBool::new(false), tokio::sync::watch::Sender::new(0));
    let store = Arc::new(Moody { inner: MemoryEventStore::new(1), refuses, looked_at });
    let (till, kitchen) = (Side::till(), Side::kitchen(Arc::clone(&store) as _));
    let _consuming = kitchen.consume(&till, None);
    till.sell("a", 0..1).await;
    kitchen.noted("a", 1).await;
    let mut looked_at = store.looked_at.subscribe();
    store.refuses.store(true, Ordering::SeqCst);
    // The effect of the second sale fails while the feed waits for a third; only then the third is made.
    till.sell("a", 1..2).await;
    looked_at.changed().await.expect("the inbox is read again");
    till.sell("a", 2..3).await;
    assert_eq!(kitchen.noted("a", 3).await, [0, 1, 2]);
}

/// A feed that waited before it answered, and had passed meanwhile whatever told nothing.
struct Waited(LogFeed);

#[async_trait]
impl Feed for Waited {
    fn source(&self) -> &str {
        self.0.source()
    }
    async fn read(&self, request: &FeedRequest) -> Result<FeedPage, FeedError> {
        let mut page = self.0.read(request).await?;
        for message in &mut page.messages {
            let message = Arc::make_mut(message);
            // What is private comes right before each number, in the same append.
            message.after = message.position() - 1;
            message.predecessor = Some(EventId { position: message.after, ..message.id });
        }
        Ok(page)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_came_after_the_feed_had_waited_and_passed_others_is_not_lost() {
    let (till, kitchen) = (Side::till(), Side::kitchen(Arc::new(MemoryEventStore::new(4))));
    let _consuming = kitchen.consume_from(Arc::new(Waited(till.feed())), None);
    till.sell("a", 0..20).await;
    assert_eq!(kitchen.noted("a", 20).await, (0..20).collect::<Vec<_>>());
}
