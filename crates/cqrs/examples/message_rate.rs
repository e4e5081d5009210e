//! How many messages a second go from one context to another: relay, channel, consumer and executor, on stores in memory.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs::memory::MemoryEventStore;
use cqrs::{
    Aggregate, CannotReact, Channel, Command, CommandBus, Consumer, Context, ContractEvent, Decision, Dispatch,
    Envelope, EventStore, Executor, ExecutorSettings, LogFeed, LogReader, Message, React, Reaction, Recorded, Relay,
    States, Stream, Streams, SystemClock, Tail, Transport, Unreadable, command_bus,
};
use serde::{Deserialize, Serialize};

/// Sales made, over so many tills.
const SALES: u64 = 20_000;
const TILLS: u64 = 100;

/// How long it may take.
const WAIT_MAX: Duration = Duration::from_secs(60);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Counter {
    count: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Counted {
    One,
}

impl Aggregate for Counter {
    const KIND: &'static str = "counter";
    type Event = Counted;

    fn apply(&mut self, _: &Counted) {
        self.count += 1;
    }
}

/// Sells something at a till.
struct Sell(u64);

impl Command for Sell {
    const NAME: &'static str = "sell";
    type Answer = ();
    type Rejection = std::convert::Infallible;

    fn streams(&self) -> Streams {
        Streams::one(&Stream::<Counter>::new(&self.0.to_string()))
    }

    fn decide(&self, _: &States<'_>) -> Result<Decision<()>, Self::Rejection> {
        Ok(Decision::answer(()).record(&Stream::<Counter>::new(&self.0.to_string()), Counted::One))
    }
}

fn publish(event: &Recorded) -> Result<Option<ContractEvent>, Unreadable> {
    let till = event.stream.id();
    ContractEvent::new(event, "till.sold.v1", till, till, &1).map(Some)
}

/// The kitchen counts what each till has sold.
struct Count;

impl React for Count {
    const NAME: &'static str = "count";
    type Input = ();

    fn read(_: &Message) -> Result<Option<()>, CannotReact> {
        Ok(Some(()))
    }

    fn streams((): &()) -> Streams {
        Streams::none()
    }

    fn react((): &(), message: &Message, _: &States<'_>) -> Result<Reaction, CannotReact> {
        Ok(Decision::answer(()).record(&Stream::<Counter>::new(&message.key), Counted::One))
    }
}

struct Side {
    context: Arc<Context>,
    log: Arc<dyn EventStore>,
    tail: Tail,
    bus: CommandBus,
}

fn side(context: Context) -> Side {
    let (context, log, tail) = (Arc::new(context), Arc::new(MemoryEventStore::new(16)), Tail::default());
    let settings = ExecutorSettings::default();
    let (executor, running) =
        Executor::new(Arc::clone(&context), log.clone(), Arc::new(SystemClock), tail.clone(), settings);
    tokio::spawn(running.run());
    Side { context, log, tail, bus: command_bus(executor, WAIT_MAX) }
}

/// Returns once `log` has `events` events.
async fn until(side: &Side, events: u64) -> Result<(), Box<dyn std::error::Error>> {
    let mut appended = side.tail.appended();
    loop {
        appended.mark_unchanged();
        let heads = side.log.heads().await?;
        if heads.iter().map(|head| head.position).sum::<u64>() >= events {
            return Ok(());
        }
        appended.changed().await?;
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let till = side(Context::named("till").aggregate::<Counter>().command::<Sell>().publishes(publish));
    let kitchen = side(Context::named("kitchen").aggregate::<Counter>().reacts::<Count>());
    let channel: Arc<dyn Transport> = Arc::new(Channel::default());
    let log: Arc<dyn LogReader> = till.log.clone();
    let feed = Arc::new(LogFeed::new(&till.context, Arc::clone(&log), till.tail.clone()));
    let pushed = channel.subscribe("till").await?;
    let consumer = Consumer::<Count>::new(kitchen.bus.clone(), kitchen.log.clone(), feed, Some(pushed));
    tokio::spawn(consumer.run(std::future::pending()));
    tokio::spawn(Relay::new(&till.context, log, till.tail.clone(), channel).run(std::future::pending()));

    let began = Instant::now();
    let sellers = (0..TILLS).map(|number| {
        let bus = till.bus.clone();
        tokio::spawn(async move {
            for _ in 0..SALES / TILLS {
                if let Err(why) = bus.dispatch(Envelope::new(Sell(number))).await {
                    return Err(why.to_string());
                }
            }
            Ok(())
        })
    });
    for seller in sellers.collect::<Vec<_>>() {
        seller.await??;
    }
    // Each has an effect and a line in an inbox; the inboxes are opened besides, one for each partition.
    tokio::time::timeout(WAIT_MAX, until(&kitchen, 2 * SALES)).await??;
    let rate = SALES as f64 / began.elapsed().as_secs_f64();
    println!("{rate:.0} messages/s: sold, carried and received, in {:?}", began.elapsed());
    Ok(())
}
