//! Faults between the contexts: messages repeated, out of order and lost, reactions that fail, and guards left out.

use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use clap::{Args, ValueEnum};
use cqrs::testkit::{FaultPlan, FaultyTransport, Guard};
use cqrs::{
    CannotReact, Context, Feed, FeedRequest, Message, React, Reaction, States, Streams, Subscription, Transport,
};

use super::Receiving;
use crate::compose::{self, Running};

/// Each message comes once, and so many times more.
const DUPLICATES: u32 = 2;
/// Messages among which the order is drawn by lot.
const WINDOW: usize = 64;
/// Of a hundred messages so many are lost with all their copies.
const DROP_PERCENT: u8 = 5;
/// Of a hundred tries of a reaction so many fail.
const FAIL_PERCENT: u64 = 10;
/// Messages read at once to be sent on.
const PAGE_MAX: usize = 512;
/// How long the feed may wait for a message to be sent on.
const WAIT: Duration = Duration::from_secs(5);
/// How long a feed that did not answer is left alone.
const PAUSE: Duration = Duration::from_millis(100);

/// Decides which try of a reaction fails.
static LUCK: AtomicU64 = AtomicU64::new(0);

/// Which of them.
#[derive(Clone, Debug, Default, Args)]
#[group(id = "fault-messages")]
pub(crate) struct Options {
    /// Harm messages and reactions, drawing lots from this seed.
    #[arg(long, hide = true, value_name = "SEED")]
    fault_messages: Option<u64>,
    /// Receive messages without this guard.
    #[arg(long, hide = true, requires = "fault_messages")]
    fault_without: Option<Without>,
}

/// A guard that can be left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Without {
    Dedupe,
    GapCheck,
}

impl Options {
    pub(super) fn on_the_way(&self, transport: Arc<dyn Transport>) -> Arc<dyn Transport> {
        let Some(seed) = self.fault_messages else { return transport };
        // Lost first and repeated then: a lost message has no copies.
        let lossy = FaultPlan { drop_percent: DROP_PERCENT, ..FaultPlan::default() };
        let mixed = FaultPlan { duplicates: DUPLICATES, window: WINDOW, drop_percent: 0 };
        let lossy = Arc::new(FaultyTransport::new(transport, seed, lossy));
        Arc::new(FaultyTransport::new(lossy, seed.rotate_left(32), mixed))
    }

    pub(super) fn receive<R: React>(
        &self,
        own: &Running,
        feed: Arc<dyn Feed>,
        pushed: Option<Box<dyn Subscription>>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Receiving {
        let Some(seed) = self.fault_messages else { return super::receive::<R>(own, feed, pushed, stop) };
        LUCK.store(seed, Ordering::Relaxed);
        let (faults, own) = (self.clone(), (own.commands.clone(), Arc::clone(&own.log)));
        Box::pin(async move {
            // Another process's messages come by its feed alone: they are sent on here, where they can be harmed.
            let transport = faults.on_the_way(compose::transport());
            let (pushed, sending) = match pushed {
                Some(pushed) => (Some(pushed), None),
                None => (transport.subscribe(feed.source()).await.ok(), Some(send_on(Arc::clone(&feed), transport))),
            };
            let (commands, log) = own;
            let receiving = match faults.fault_without {
                None => run::<Faulty<R, ALL>>(commands, log, feed, pushed, stop),
                Some(Without::Dedupe) => run::<Faulty<R, NO_DEDUPE>>(commands, log, feed, pushed, stop),
                Some(Without::GapCheck) => run::<Faulty<R, NO_GAP_CHECK>>(commands, log, feed, pushed, stop),
            };
            match sending {
                None => receiving.await,
                Some(sending) => tokio::select! {
                    received = receiving => received,
                    never = sending => match never {},
                },
            }
        })
    }
}

fn run<R: React>(
    commands: cqrs::CommandBus,
    log: Arc<dyn cqrs::LogReader>,
    feed: Arc<dyn Feed>,
    pushed: Option<Box<dyn Subscription>>,
    stop: impl Future<Output = ()> + Send + 'static,
) -> Receiving {
    Box::pin(cqrs::Consumer::<R>::new(commands, log, feed, pushed).run(stop))
}

/// Hands on what the feed tells from now on.
async fn send_on(feed: Arc<dyn Feed>, transport: Arc<dyn Transport>) -> std::convert::Infallible {
    let (mut after, mut at_the_end) = (None, false);
    loop {
        let wait = if at_the_end { WAIT } else { Duration::ZERO };
        let page = match feed.read(&FeedRequest { after: after.clone(), partition: None, limit: PAGE_MAX, wait }).await
        {
            Ok(page) => page,
            Err(_) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        if at_the_end && transport.publish(&page.messages).await.is_err() {
            tracing::warn!("messages were lost before they could be harmed");
        }
        at_the_end |= !page.more;
        after = Some(page.next);
    }
}

const ALL: u8 = 0;
const NO_DEDUPE: u8 = 1;
const NO_GAP_CHECK: u8 = 2;

/// The reaction `R`, failing now and then, received without what `LEFT_OUT` says.
struct Faulty<R, const LEFT_OUT: u8>(PhantomData<fn() -> R>);

impl<R: React, const LEFT_OUT: u8> React for Faulty<R, LEFT_OUT> {
    const NAME: &'static str = R::NAME;
    const WITHOUT: Option<Guard> = match LEFT_OUT {
        NO_DEDUPE => Some(Guard::Dedupe),
        NO_GAP_CHECK => Some(Guard::GapCheck),
        _ => None,
    };
    type Input = R::Input;

    fn read(message: &Message) -> Result<Option<R::Input>, CannotReact> {
        R::read(message)
    }

    fn streams(input: &R::Input) -> Streams {
        R::streams(input)
    }

    fn react(input: &R::Input, message: &Message, states: &States<'_>) -> Result<Reaction, CannotReact> {
        let lot = crate::lots::mixed(LUCK.fetch_add(1, Ordering::Relaxed));
        if lot % 100 < FAIL_PERCENT {
            return Err(CannotReact::Yet("ordered to fail".to_owned()));
        }
        R::react(input, message, states)
    }
}

/// A context with the faulty forms of `R`.
pub(super) fn list_in<R: React>(context: Context) -> Context {
    context.reacts::<Faulty<R, ALL>>().reacts::<Faulty<R, NO_DEDUPE>>().reacts::<Faulty<R, NO_GAP_CHECK>>()
}
