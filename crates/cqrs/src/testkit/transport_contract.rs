//! The transport contract: two contexts joined by a transport, and nothing lost, doubled or out of order, whatever it does.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::till::{Cook, Oven, Side, set_oven};
use crate::bus::Inquire;
use crate::command::{CommandError, Envelope};
use crate::event_store::EventStore;
use crate::memory::MemoryEventStore;
use crate::messaging::{
    DeadLetter, DeadLetters, DeskError, InboxRejection, Message, React, Retried, Subscription, Transport,
};
use crate::query::Ask;

/// Within this a last message that was lost is found: the feed is asked every second.
const LOST_FOR_MAX: Duration = Duration::from_secs(5);

fn log() -> Arc<dyn EventStore> {
    Arc::new(MemoryEventStore::new(4))
}

async fn subscribe(transport: &Arc<dyn Transport>) -> Option<Box<dyn Subscription>> {
    Some(transport.subscribe("till").await.expect("subscribed"))
}

/// A till and a kitchen joined by `transport`.
async fn joined(transport: &Arc<dyn Transport>) -> (Side, Side) {
    let (mut till, mut kitchen) = (Side::till().await, Side::kitchen(log()).await);
    let pushed = subscribe(transport).await;
    kitchen.cook(till.feed(), pushed);
    till.relay(Arc::clone(transport));
    (till, kitchen)
}

fn numbers(count: u64) -> Vec<u64> {
    (0..count).collect()
}

/// Every message of every key has its effect once, in the order of its key.
pub async fn every_message_has_its_effect_once_and_in_the_order_of_its_key(transport: Arc<dyn Transport>) {
    let (till, kitchen) = joined(&transport).await;
    let keys = ["a", "b", "c", "d", "e", "f"];
    for round in 0..40 {
        for key in keys {
            till.sell(key, round * 5..round * 5 + 5).await;
        }
    }
    for key in keys {
        assert_eq!(kitchen.noted(key, 200).await, numbers(200), "{key}");
    }
}

/// A subscriber that sees nothing of a source's messages, or only some of them.
struct Deaf {
    inner: Box<dyn Subscription>,
    hears: fn(&Message) -> bool,
}

#[async_trait]
impl Subscription for Deaf {
    async fn next(&mut self) -> Option<Vec<Arc<Message>>> {
        loop {
            let heard: Vec<_> = self.inner.next().await?.into_iter().filter(|message| (self.hears)(message)).collect();
            if !heard.is_empty() {
                return Some(heard);
            }
        }
    }
}

/// What the transport lost is noticed by what comes after it, and fetched from the owner's feed.
pub async fn a_gap_is_noticed_and_fetched_from_the_feed(transport: Arc<dyn Transport>) {
    let (mut till, mut kitchen) = (Side::till().await, Side::kitchen(log()).await);
    let inner = transport.subscribe("till").await.expect("subscribed");
    // Two messages of three are lost.
    let hears = |message: &Message| message.position().is_multiple_of(3);
    kitchen.cook(till.feed(), Some(Box::new(Deaf { inner, hears })));
    till.relay(Arc::clone(&transport));
    till.sell("a", 0..150).await;
    assert_eq!(kitchen.noted("a", 150).await, numbers(150));
}

/// A last message that was lost is found without another one, within about a second.
pub async fn a_lost_last_message_is_found(transport: Arc<dyn Transport>) {
    let (mut till, mut kitchen) = (Side::till().await, Side::kitchen(log()).await);
    let inner = transport.subscribe("till").await.expect("subscribed");
    kitchen.cook(till.feed(), Some(Box::new(Deaf { inner, hears: |_| false })));
    till.relay(Arc::clone(&transport));
    till.sell("a", 0..3).await;
    let since = Instant::now();
    assert_eq!(kitchen.noted("a", 3).await, numbers(3));
    assert!(since.elapsed() < LOST_FOR_MAX, "it took {:?}", since.elapsed());
}

/// A consumer killed at any moment goes on where its inbox stands: what it sent and saw no answer to is not done twice.
pub async fn a_killed_consumer_goes_on_where_it_stood(transport: Arc<dyn Transport>) {
    a_consumer_killed_on(log(), transport).await;
}

/// As above, on a log of the caller's.
pub async fn a_consumer_killed_on(log: Arc<dyn EventStore>, transport: Arc<dyn Transport>) {
    let mut till = Side::till().await;
    till.relay(Arc::clone(&transport));
    for round in 0..6_u64 {
        let mut kitchen = Side::kitchen(Arc::clone(&log)).await;
        let pushed = subscribe(&transport).await;
        kitchen.cook(till.feed(), pushed);
        till.sell("a", round * 25..round * 25 + 25).await;
        // Dropped, executor and all, while some are on their way to the log and no answer to them was seen.
        kitchen.noted("a", usize::try_from(round * 25 + 5).expect("few")).await;
    }
    let mut kitchen = Side::kitchen(log).await;
    let pushed = subscribe(&transport).await;
    kitchen.cook(till.feed(), pushed);
    assert_eq!(kitchen.noted("a", 150).await, numbers(150));
}

/// Two consumers of one context side by side: one effect per message.
pub async fn two_consumers_of_one_context_have_one_effect_per_message(transport: Arc<dyn Transport>) {
    let (till, mut kitchen) = joined(&transport).await;
    let pushed = subscribe(&transport).await;
    kitchen.cook(till.feed(), pushed);
    till.sell("a", 0..150).await;
    till.sell("b", 0..50).await;
    assert_eq!(kitchen.noted("a", 150).await, numbers(150));
    assert_eq!(kitchen.noted("b", 50).await, numbers(50));
}

/// What fails for a while is tried again; its key waits in order, others flow.
pub async fn a_key_that_fails_for_a_while_waits_in_order_and_others_flow(transport: Arc<dyn Transport>) {
    let key = &fresh_key("broken");
    set_oven(key, Oven::Broken);
    let (till, kitchen) = joined(&transport).await;
    till.sell(key, 0..5).await;
    till.sell("b", 0..5).await;
    assert_eq!(kitchen.noted("b", 5).await, numbers(5));
    assert!(kitchen.noted(key, 0).await.is_empty());
    set_oven(key, Oven::Works);
    assert_eq!(kitchen.noted(key, 5).await, numbers(5));
}

/// What can never pass is a dead letter with its cause and place; once mended it passes, and those behind it follow.
pub async fn what_can_never_pass_is_a_dead_letter_and_passes_once_mended(transport: Arc<dyn Transport>) {
    let key = &fresh_key("gone");
    set_oven(key, Oven::Gone);
    let (till, kitchen) = joined(&transport).await;
    till.sell(key, 0..4).await;
    let letters = letters(&kitchen, 4).await;
    let (first, second) = (&letters[0], &letters[1]);
    assert_eq!((&*first.parked.cause, first.parked.attempts, first.parked.dead), ("there is no oven", 1, true));
    assert_eq!((&*first.consumer, &*first.parked.message.key), (Cook::NAME, key.as_str()));
    assert_eq!((first.parked.message.position(), second.parked.message.position()), (2, 4));
    assert_eq!((second.parked.attempts, second.parked.dead), (0, false));
    let early = kitchen.desk.retry(Envelope::new(second.id())).await;
    let not_first = InboxRejection::NotFirst { first: first.id().message };
    assert!(matches!(early, Err(DeskError::Command(CommandError::Rejected(why))) if why == not_first));
    let again = kitchen.desk.retry(Envelope::new(first.id())).await.expect("tried").answer;
    assert_eq!(again, Retried::Failed { cause: "there is no oven".into(), dead: true });
    set_oven(key, Oven::Works);
    let done = kitchen.desk.retry_all(Some("till.sold.v1"), 1_000, &Arc::default()).await.expect("tried");
    assert_eq!(done.failed, 0);
    assert_eq!(kitchen.noted(key, 4).await, numbers(4));
}

/// A dead letter that is given up has no effect; those behind it follow by themselves.
pub async fn a_discarded_message_has_no_effect_and_those_behind_it_follow(transport: Arc<dyn Transport>) {
    let key = &fresh_key("discarded");
    set_oven(key, Oven::Gone);
    let (till, kitchen) = joined(&transport).await;
    till.sell(key, 0..3).await;
    let first = letters(&kitchen, 3).await[0].id();
    set_oven(key, Oven::Works);
    let discard = |reason: &str| Envelope::new((first.clone(), Arc::from(reason)));
    assert!(matches!(kitchen.desk.discard(discard("")).await, Err(DeskError::Command(CommandError::Invalid(_)))));
    kitchen.desk.discard(discard("sold by mistake")).await.expect("discarded");
    assert_eq!(kitchen.noted_from(1, key, 2).await, [1, 2]);
    let twice = kitchen.desk.discard(discard("sold by mistake")).await;
    assert!(matches!(twice, Err(DeskError::Command(CommandError::Rejected(InboxRejection::NotParked { .. })))));
}

/// What waits in the kitchen's inboxes, once it is so much.
async fn letters(kitchen: &Side, count: usize) -> Vec<DeadLetter> {
    let mut appended = kitchen.tail.appended();
    let wait = async {
        loop {
            let query = DeadLetters { consumer: Some(Cook::NAME.into()), kind: None, after: None, limit: 200 };
            let letters = kitchen.desk.queries().ask(Ask::new(query)).await.expect("a page").answer.letters;
            if letters.len() >= count {
                return letters;
            }
            // The view may follow a moment after the append that was waited for: look again then, too.
            drop(tokio::time::timeout(Duration::from_millis(20), appended.changed()).await);
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.expect("they are parked")
}

/// A key no other test uses: the ovens are shared by all of a process.
fn fresh_key(name: &str) -> String {
    format!("{name}-{}", uuid::Uuid::now_v7().simple())
}
