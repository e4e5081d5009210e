//! The two little contexts that the transport contract joins: a till publishes its sales, a kitchen cooks each once.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::task::JoinHandle;

use crate::aggregate::{Aggregate, Stream};
use crate::bus::{CommandBus, Dispatch, command_bus, query_bus};
use crate::command::{Command, Decision, Envelope, States, Streams};
use crate::context::Context;
use crate::event::Recorded;
use crate::event_store::{EventStore, Tail};
use crate::executor::{Executor, ExecutorSettings};
use crate::memory::{MemoryEventStore, MemoryReadStore};
use crate::messaging::{
    CannotReact, Consumer, ContractEvent, DeadLetterDesk, Feed, LogFeed, Message, React, Reaction, Relay, Subscription,
    Transport,
};
use crate::projection::Unreadable;
use crate::projector::Projector;
use crate::query::{ReadSide, Views};
use crate::time::SystemClock;

/// Longer than anything here may take.
const WAIT_MAX: Duration = Duration::from_secs(30);

/// How often a log is looked at by itself.
const POLL: Duration = Duration::from_millis(50);

/// The numbers noted so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Numbers(pub Vec<u64>);

/// What is noted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Noted {
    /// A number: a sale at the till, a dish in the kitchen.
    Number(u64),
    /// Nobody else's business.
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

/// Notes nothing that anybody else hears of.
struct Rest(String);

impl Command for Rest {
    const NAME: &'static str = "rest";
    type Answer = ();
    type Rejection = std::convert::Infallible;

    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Numbers>::new(&self.0))
    }

    fn decide(&self, _: &States<'_>) -> Result<Decision<()>, Self::Rejection> {
        Ok(Decision::answer(()).record(&Stream::<Numbers>::new(&self.0), Noted::Private))
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

/// How an oven fares.
#[derive(Clone, Copy, PartialEq)]
pub enum Oven {
    /// It works.
    Works = 0,
    /// It is broken, and may be mended.
    Broken = 1,
    /// There is none: nothing can ever be cooked.
    Gone = 2,
}

/// The state of the oven for the keys of each test: a reaction is pure code without a place for settings.
static OVENS: Mutex<Vec<(String, Arc<AtomicU8>)>> = Mutex::new(Vec::new());

/// The oven for `key`; it works unless set otherwise.
fn oven(key: &str) -> Arc<AtomicU8> {
    let mut ovens = OVENS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, oven)) = ovens.iter().find(|(known, _)| known == key) {
        return Arc::clone(oven);
    }
    let oven = Arc::new(AtomicU8::new(Oven::Works as u8));
    ovens.push((key.to_owned(), Arc::clone(&oven)));
    oven
}

/// Lets the oven for `key` work, break or go.
pub fn set_oven(key: &str, state: Oven) {
    oven(key).store(state as u8, Ordering::SeqCst);
}

/// The kitchen's reaction to sales.
pub struct Cook;

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
        match oven(&message.key).load(Ordering::SeqCst) {
            0 => {}
            1 => return Err(CannotReact::Yet("the oven is broken".into())),
            _ => return Err(CannotReact::Ever("there is no oven".into())),
        }
        let dishes = Stream::<Numbers>::new(&message.key);
        let _ = states.of(&dishes);
        Ok(Decision::answer(()).record(&dishes, Noted::Number(*input)))
    }
}

/// A context at work in memory. What it runs ends with it.
pub struct Side {
    /// What it consists of.
    pub context: Arc<Context>,
    /// Its log.
    pub log: Arc<dyn EventStore>,
    /// The end of its log.
    pub tail: Tail,
    /// Its way in.
    pub bus: CommandBus,
    /// Its dead letters.
    pub desk: DeadLetterDesk,
    tasks: Vec<JoinHandle<()>>,
}

impl Drop for Side {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

impl Side {
    async fn start(context: Context, log: Arc<dyn EventStore>) -> Self {
        let (context, tail) = (Arc::new(context), Tail::default());
        let clock = Arc::new(SystemClock);
        let (executor, running) = Executor::new(
            Arc::clone(&context),
            Arc::clone(&log),
            Arc::clone(&clock) as _,
            tail.clone(),
            ExecutorSettings::default(),
        );
        let (rows, views) = (MemoryReadStore::default(), Views::new(log.partitions(), 1_000));
        let reader = Arc::new(rows.clone());
        let projector =
            Projector::open(&context, Arc::clone(&log) as _, Arc::new(rows), tail.clone(), views.clone()).await;
        let projector = projector.expect("the projector opens");
        let read = ReadSide::new(Arc::clone(&context), views, reader, Arc::clone(&log) as _, clock, WAIT_MAX);
        let deciding = tokio::spawn(async move { running.run().await.expect("the executor goes on") });
        let projecting = tokio::spawn(async move {
            projector.run(std::future::pending()).await.expect("the projector goes on");
        });
        let bus = command_bus(executor, WAIT_MAX);
        let desk = DeadLetterDesk::new(Arc::clone(&context), bus.clone(), query_bus(read));
        Self { context, log, tail, bus, desk, tasks: vec![deciding, projecting] }
    }

    /// A till on a log of its own.
    pub async fn till() -> Self {
        let context =
            Context::named("till").aggregate::<Numbers>().command::<Sell>().command::<Rest>().publishes(publish);
        Self::start(context, Arc::new(MemoryEventStore::new(4))).await
    }

    /// A kitchen on `log`.
    pub async fn kitchen(log: Arc<dyn EventStore>) -> Self {
        Self::start(Context::named("kitchen").aggregate::<Numbers>().reacts::<Cook>(), log).await
    }

    /// Sells each of `numbers` under `key`, one after the other.
    pub async fn sell(&self, key: &str, numbers: std::ops::Range<u64>) {
        for number in numbers {
            self.bus.dispatch(Envelope::new(Sell(key.into(), number))).await.expect("sold");
        }
    }

    /// Notes something under `key` that the feed does not tell.
    pub async fn rest(&self, key: &str) {
        self.bus.dispatch(Envelope::new(Rest(key.into()))).await.expect("rested");
    }

    /// The feed of what it publishes.
    pub fn feed(&self) -> Arc<dyn Feed> {
        Arc::new(LogFeed::new(&self.context, Arc::clone(&self.log) as _, self.tail.clone()))
    }

    /// Hands what this context publishes to `transport`, from now on.
    pub fn relay(&mut self, transport: Arc<dyn Transport>) {
        let relay = Relay::new(&self.context, Arc::clone(&self.log) as _, self.tail.clone(), transport);
        self.tasks.push(tokio::spawn(relay.run(std::future::pending())));
    }

    /// Cooks what `feed` and `pushed` bring, until this context is dropped.
    pub fn cook(&mut self, feed: Arc<dyn Feed>, pushed: Option<Box<dyn Subscription>>) {
        let consumer = Consumer::<Cook>::new(self.bus.clone(), Arc::clone(&self.log) as _, feed, pushed);
        self.tasks.push(tokio::spawn(async move {
            consumer.run(std::future::pending()).await.expect("the consumer goes on");
        }));
    }

    /// The numbers noted under `key`, once there are so many. They begin with 0 and are in order, each once.
    pub async fn noted(&self, key: &str, count: usize) -> Vec<u64> {
        self.noted_from(0, key, count).await
    }

    /// As above, beginning with `first`.
    pub async fn noted_from(&self, first: u64, key: &str, count: usize) -> Vec<u64> {
        let mut appended = self.tail.appended();
        let wait = async {
            loop {
                appended.mark_unchanged();
                let stream = Stream::<Numbers>::new(key);
                let events = self.log.read_streams(&[(stream.name().clone(), 0)], 100_000).await.expect("read");
                let mut numbers = Numbers::default();
                events
                    .iter()
                    .flatten()
                    .for_each(|event| numbers.apply(&event.payload.decode::<Numbers>().expect("a number")));
                let in_order = (first..).zip(&numbers.0).all(|(expected, number)| expected == *number);
                assert!(in_order, "not each once and in order: {:?}", numbers.0);
                if numbers.0.len() >= count {
                    return numbers.0;
                }
                // A side that was killed may have appended to the same log meanwhile: of that this tail knows nothing.
                let _polled = tokio::time::timeout(POLL, appended.changed()).await;
            }
        };
        tokio::time::timeout(WAIT_MAX, wait).await.expect("everything arrives")
    }
}
