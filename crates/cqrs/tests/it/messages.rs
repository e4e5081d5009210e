//! Two contexts that meet in messages: a till publishes its sales, a kitchen counts them, each once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use cqrs::memory::MemoryEventStore;
use cqrs::testkit::till::{Oven, Side, set_oven};
use cqrs::{
    Append, AppendError, BatchId, Channel, Claim, Epoch, EventStore, Feed, FeedError, FeedPage, FeedRequest, Head,
    HeadLock, LogFeed, LogReader, PartitionId, Payload, Position, Recorded, Relay, Snapshot, StoreError, StreamName,
    Tail, Token, Transport, Version,
};

fn log(partitions: u16) -> Arc<dyn EventStore> {
    Arc::new(MemoryEventStore::new(partitions))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_feed_alone_every_message_has_its_effect_once_and_in_order_also_after_a_restart() {
    let (till, mut kitchen) = (Side::till().await, Side::kitchen(log(4)).await);
    till.sell("a", 0..50).await;
    kitchen.cook(till.feed(), None);
    assert_eq!(kitchen.noted("a", 50).await, (0..50).collect::<Vec<_>>());
    till.sell("a", 50..60).await;
    let kept = Arc::clone(&kitchen.log);
    drop(kitchen);
    let mut again = Side::kitchen(kept).await;
    again.cook(till.feed(), None);
    again.cook(till.feed(), None);
    till.sell("a", 60..100).await;
    assert_eq!(again.noted("a", 100).await, (0..100).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_never_pushed_is_fetched_from_the_feed() {
    let (mut till, mut kitchen) = (Side::till().await, Side::kitchen(log(4)).await);
    let channel: Arc<dyn Transport> = Arc::new(Channel::default());
    let pushed = channel.subscribe("till").await.expect("subscribed");
    kitchen.cook(till.feed(), Some(pushed));
    till.sell("a", 0..20).await;
    till.relay(channel);
    till.sell("a", 20..200).await;
    assert_eq!(kitchen.noted("a", 200).await, (0..200).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_that_fails_waits_in_order_while_others_flow() {
    set_oven("stuck", Oven::Broken);
    let (till, mut kitchen) = (Side::till().await, Side::kitchen(log(1)).await);
    kitchen.cook(till.feed(), None);
    till.sell("stuck", 0..5).await;
    till.sell("b", 0..5).await;
    assert_eq!(kitchen.noted("b", 5).await, (0..5).collect::<Vec<_>>());
    assert!(kitchen.noted("stuck", 0).await.is_empty());
    set_oven("stuck", Oven::Works);
    assert_eq!(kitchen.noted("stuck", 5).await, (0..5).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_feed_pages_without_gaps_and_refuses_what_it_does_not_have() {
    let till = Side::till().await;
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
    request.after = Some(Token::new(till.log.epoch()).with(partition, 51));
    assert!(matches!(feed.read(&request).await, Err(FeedError::ForeignCursor)));
}

/// A log that can be told to refuse appends for a while; tells how often an inbox, and how many events of partitions were read.
struct Moody {
    inner: Arc<dyn EventStore>,
    refuses: AtomicBool,
    /// How many more times it cannot be read.
    away: AtomicUsize,
    looked_at: tokio::sync::watch::Sender<usize>,
    events_read: AtomicUsize,
    /// A partition whose events after a position are read as something else than was written.
    garbled: Mutex<Option<(PartitionId, Position)>>,
}

impl Moody {
    fn new() -> Self {
        Self::on(log(1))
    }

    fn on(inner: Arc<dyn EventStore>) -> Self {
        let (refuses, looked_at) = (AtomicBool::new(false), tokio::sync::watch::Sender::new(0));
        Self {
            inner,
            refuses,
            looked_at,
            away: AtomicUsize::new(0),
            events_read: AtomicUsize::new(0),
            garbled: Mutex::default(),
        }
    }
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
        let mut events = self.inner.read_partition(p, after, limit).await?;
        self.events_read.fetch_add(events.len(), Ordering::SeqCst);
        let garbled = *self.garbled.lock().expect("not poisoned");
        for event in &mut events {
            if garbled.is_some_and(|(partition, after)| event.partition == partition && event.position > after) {
                event.payload = Payload::stored(Bytes::from_static(b"{"));
            }
        }
        Ok(events)
    }
    async fn read_streams(&self, s: &[(StreamName, Version)], limit: usize) -> Result<Vec<Vec<Recorded>>, StoreError> {
        self.inner.read_streams(s, limit).await
    }
    async fn read_stream_back(&self, s: &StreamName, before: Version, n: usize) -> Result<Vec<Recorded>, StoreError> {
        self.inner.read_stream_back(s, before, n).await
    }
    async fn snapshots(&self, streams: &[StreamName]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        self.looked_at.send_modify(|times| *times += 1);
        if self.away.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |times| times.checked_sub(1)).is_ok() {
            return Err(StoreError::Unavailable("not now".into()));
        }
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
    let store = Arc::new(Moody::new());
    let (till, mut kitchen) = (Side::till().await, Side::kitchen(Arc::clone(&store) as _).await);
    kitchen.cook(till.feed(), None);
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_cannot_be_read_for_a_while_stops_no_consumer() {
    let store = Arc::new(Moody::new());
    let (till, mut kitchen) = (Side::till().await, Side::kitchen(Arc::clone(&store) as _).await);
    till.sell("a", 0..5).await;
    store.away.store(3, Ordering::SeqCst);
    kitchen.cook(till.feed(), None);
    assert_eq!(kitchen.noted("a", 5).await, [0, 1, 2, 3, 4]);
    assert_eq!(store.away.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_effect_names_its_message_also_when_it_was_tried_again() {
    set_oven("late", Oven::Broken);
    let (till, mut kitchen) = (Side::till().await, Side::kitchen(log(1)).await);
    kitchen.cook(till.feed(), None);
    till.sell("late", 0..2).await;
    till.sell("soon", 0..1).await;
    kitchen.noted("soon", 1).await;
    set_oven("late", Oven::Works);
    kitchen.noted("late", 2).await;
    let all = FeedRequest { after: None, partition: None, limit: 10, wait: Duration::ZERO };
    let sold = till.feed().read(&all).await.expect("a page").messages;
    let sold: BTreeSet<_> = sold.iter().map(|sale| sale.id.to_string()).collect();
    let events = kitchen.log.read_partition(PartitionId(0), 0, 1_000).await.expect("read");
    let noted = events.iter().filter(|event| event.stream.kind() == "numbers");
    let causes: BTreeSet<_> = noted.filter_map(|event| event.metadata.causation_id.clone()).collect();
    assert_eq!((causes.len(), &causes), (3, &sold));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_that_waited_covers_all_from_where_it_was_asked() {
    let till = Side::till().await;
    till.sell("a", 0..3).await;
    let partition = PartitionId::of("a", 4);
    let head = FeedRequest { after: None, partition: Some(partition), limit: 10, wait: Duration::ZERO };
    let last = till.feed().read(&head).await.expect("a page").messages.pop().expect("three sales");
    let after = Some(Token::new(till.log.epoch()).with(partition, last.position()));
    let (feed, request) = (till.feed(), FeedRequest { after, wait: Duration::from_secs(20), ..head });
    let waiting = tokio::spawn(async move { feed.read(&request).await });
    // It passes what is nobody's business while it waits, and then names what the reader knows, not what it has passed.
    till.rest("a").await;
    till.rest("a").await;
    till.sell("a", 3..4).await;
    let page = waiting.await.expect("it goes on").expect("a page");
    let named = page.messages.first().map(|message| (message.after, message.predecessor));
    assert_eq!(named, Some((last.position(), Some(last.id))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_feed_does_not_read_what_a_relay_has_found_to_tell_nothing() {
    let mut till = Side::till().await;
    let channel: Arc<dyn Transport> = Arc::new(Channel::default());
    let mut pushed = channel.subscribe("till").await.expect("subscribed");
    till.relay(channel);
    let mut sales = 0;
    // The relay begins at the end of the log, wherever that is by then.
    while tokio::time::timeout(Duration::from_millis(100), pushed.next()).await.is_err() {
        till.sell("a", sales..sales + 1).await;
        sales += 1;
    }
    let log = Arc::new(Moody::on(Arc::clone(&till.log)));
    let feed = LogFeed::new(&till.context, Arc::clone(&log) as _, till.tail.clone());
    let mut request = FeedRequest { after: None, partition: None, limit: 10, wait: Duration::ZERO };
    let page = feed.read(&request).await.expect("a page");
    let sold = page.messages.last().expect("a sale").id;
    request.after = Some(page.next);
    let partition = PartitionId::of("a", 4);
    let passed = async {
        loop {
            // A new one each time: what the feed has read once itself, it would pass without any relay.
            till.rest("a").await;
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            let end = head_of(&till, partition).await;
            log.events_read.store(0, Ordering::SeqCst);
            let page = feed.read(&request).await.expect("a page");
            assert!(page.messages.is_empty());
            assert!(page.next.positions().contains(&(partition, end)), "{:?}", page.next);
            if log.events_read.load(Ordering::SeqCst) == 0 {
                return end;
            }
        }
    };
    let end = tokio::time::timeout(Duration::from_secs(10), passed).await.expect("it is passed unread");
    let from_the_start = FeedRequest { after: None, limit: 1_000, ..request.clone() };
    let all = feed.read(&from_the_start).await.expect("a page").messages;
    assert_eq!(all.last().map(|sale| sale.id), Some(sold), "whoever stands before it is told all the same");
    till.sell("a", sales..sales + 1).await;
    let page = feed.read(&request).await.expect("a page");
    let told: Vec<_> = page.messages.iter().map(|message| (message.position() > end, message.predecessor)).collect();
    assert_eq!(told, [(true, Some(sold))], "what comes after it is told, and names what the reader knows");
}

#[tokio::test]
async fn an_event_that_cannot_be_read_holds_up_its_partition_and_no_other() {
    let (till, other) = (Side::till().await, key_beside("a"));
    for key in ["a", other] {
        till.sell(key, 0..3).await;
    }
    let log = Arc::new(Moody::on(Arc::clone(&till.log)));
    let feed = LogFeed::new(&till.context, Arc::clone(&log) as _, till.tail.clone());
    let mut request = FeedRequest { after: None, partition: None, limit: 100, wait: Duration::ZERO };
    let sales = |page: &FeedPage, of: &str| {
        page.messages.iter().filter(|sale| *sale.key == *of).map(|sale| sale.id).collect::<Vec<_>>()
    };
    let whole = feed.read(&request).await.expect("a page");
    let (of_a, of_other) = (sales(&whole, "a"), sales(&whole, other));
    assert_eq!((of_a.len(), of_other.len()), (3, 3));
    *log.garbled.lock().expect("not poisoned") = Some((of_a[0].partition, of_a[0].position));
    let page = feed.read(&request).await.expect("a page");
    assert_eq!((sales(&page, "a"), sales(&page, other)), (of_a[..1].to_vec(), of_other));
    request.after = Some(page.next);
    assert!(feed.read(&request).await.expect("the others go on").messages.is_empty());
    let alone = FeedRequest { partition: Some(PartitionId::of("a", 4)), ..request.clone() };
    let why = feed.read(&alone).await.expect_err("nothing else was asked for").to_string();
    assert!(why.contains("cannot be read") && why.contains("/a@"), "it says which: {why}");
    till.sell(other, 3..4).await;
    let page = feed.read(&request).await.expect("a page");
    assert_eq!((sales(&page, "a").len(), sales(&page, other).len()), (0, 1));
    request.after = Some(page.next);
    *log.garbled.lock().expect("not poisoned") = None;
    let page = feed.read(&request).await.expect("a page");
    assert_eq!(sales(&page, "a"), of_a[1..]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_that_cannot_be_read_keeps_a_relay_from_its_partition_and_no_other() {
    let (till, other, ours) = (Side::till().await, key_beside("a"), PartitionId::of("a", 4));
    let channel: Arc<dyn Transport> = Arc::new(Channel::default());
    let mut pushed = channel.subscribe("till").await.expect("subscribed");
    let log = Arc::new(Moody::on(Arc::clone(&till.log)));
    // Without the tail of those who append it reads all from the log, as what another process wrote.
    let relay = Relay::new(&till.context, Arc::clone(&log) as _, Tail::default(), channel);
    let relaying = tokio::spawn(relay.run(std::future::pending()));
    let mut sales = 0;
    // It begins at the end of the log, wherever that is by then.
    while tokio::time::timeout(Duration::from_millis(100), pushed.next()).await.is_err() {
        till.sell("a", sales..sales + 1).await;
        sales += 1;
    }
    *log.garbled.lock().expect("not poisoned") = Some((ours, head_of(&till, ours).await));
    till.sell("a", sales..sales + 1).await;
    till.sell(other, 0..3).await;
    let mut told = async |of: &str, count: usize| {
        let mut found = Vec::new();
        while found.len() < count {
            let next = tokio::time::timeout(Duration::from_secs(10), pushed.next()).await.expect("pushed in time");
            found.extend(next.expect("messages").into_iter().filter(|sale| *sale.key == *of).map(|sale| sale.id));
        }
        found
    };
    assert_eq!(told(other, 3).await.len(), 3);
    let held_up = head_of(&till, ours).await;
    *log.garbled.lock().expect("not poisoned") = None;
    while told("a", 1).await.iter().all(|sale| sale.position + 1 < held_up) {}
    relaying.abort();
}

/// A key whose partition of four is another than that of `key`.
fn key_beside(key: &str) -> &'static str {
    let other = ["b", "c", "d", "e"].into_iter().find(|other| PartitionId::of(other, 4) != PartitionId::of(key, 4));
    other.expect("not all in one partition")
}

async fn head_of(side: &Side, partition: PartitionId) -> Position {
    let heads = side.log.heads().await.expect("read");
    heads.get(usize::from(partition.0)).expect("a partition").position
}

#[tokio::test]
async fn without_a_relay_a_feed_reads_once_what_tells_nothing() {
    let till = Side::till().await;
    till.sell("a", 0..1).await;
    for _ in 0..50 {
        till.rest("a").await;
    }
    let log = Arc::new(Moody::on(Arc::clone(&till.log)));
    let feed = LogFeed::new(&till.context, Arc::clone(&log) as _, till.tail.clone());
    let mut request = FeedRequest { after: None, partition: None, limit: 10, wait: Duration::ZERO };
    let sale = feed.read(&request).await.expect("a page").messages.pop().expect("the sale");
    let again = feed.read(&request).await.expect("a page").messages;
    assert_eq!(
        again.iter().map(|again| again.id).collect::<Vec<_>>(),
        [sale.id],
        "it is told whoever stands before it"
    );
    let mut sold = Token::new(till.log.epoch());
    sold.require(PartitionId::of("a", 4), sale.position());
    request.after = Some(sold);
    log.events_read.store(0, Ordering::SeqCst);
    let page = feed.read(&request).await.expect("a page");
    assert!(page.messages.is_empty());
    assert_eq!(page.next.positions(), [(PartitionId::of("a", 4), head_of(&till, PartitionId::of("a", 4)).await)]);
    assert_eq!(log.events_read.load(Ordering::SeqCst), 0, "the first page has read it");
    till.sell("a", 1..2).await;
    let page = feed.read(&request).await.expect("a page");
    assert_eq!(page.messages.iter().map(|next| next.predecessor).collect::<Vec<_>>(), [Some(sale.id)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_while_the_feed_waits_and_passes_others_is_received() {
    let (till, mut kitchen) = (Side::till().await, Side::kitchen(log(4)).await);
    till.sell("a", 0..1).await;
    kitchen.cook(till.feed(), None);
    kitchen.noted("a", 1).await;
    for number in 1..20 {
        till.rest("a").await;
        till.sell("a", number..number + 1).await;
    }
    assert_eq!(kitchen.noted("a", 20).await, (0..20).collect::<Vec<_>>());
}
