//! The consumer: brings a source's contract events to a context's executor, in order, each until it is received.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};

use super::lane::backoff;
use super::running::Running;
use crate::bus::CommandBus;
use crate::event_store::{LogReader, StoreError};
use crate::messaging::{Cursor, Feed, FeedError, FeedPage, FeedRequest, Message, React, Subscription};

/// Commands on their way at once.
const IN_FLIGHT_MAX: usize = 1_024;

/// Messages asked of the feed at once.
const PAGE: usize = 512;

/// How often the feed is asked whether the last message was lost.
const HEADS_EVERY: Duration = Duration::from_secs(1);

/// How long the feed may wait for something new where no transport carries messages.
const LONG_POLL: Duration = Duration::from_secs(20);

/// Why a consumer stopped: somebody must look.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    /// The source's log is not the one that was read so far, or was written on after it was restored.
    #[error(
        "{consumer} has read {source_name}'s log, and finds another one: {what}. Was it restored from a copy? \
        Bring back the newer log, or restore both contexts from copies of the same moment"
    )]
    Forked {
        /// Who reads.
        consumer: &'static str,
        /// Whose log it is.
        source_name: String,
        /// What does not fit.
        what: String,
    },
    /// The consumer's own log cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Receives what `R` reacts to, from one source.
///
/// Messages come from a [`Subscription`] if there is one, and whatever that loses from the [`Feed`]; without one the feed
/// is asked all the time. Each partition of the source is received in its order and many of them at once; the executor
/// decides them in batches.
pub struct Consumer<R: React> {
    commands: CommandBus,
    log: Arc<dyn LogReader>,
    feed: Arc<dyn Feed>,
    subscription: Option<Box<dyn Subscription>>,
    reaction: PhantomData<fn() -> R>,
}

impl<R: React> Consumer<R> {
    /// A consumer whose context takes commands by `commands` and has `log`; `feed` is the source's.
    #[must_use]
    pub fn new(
        commands: CommandBus,
        log: Arc<dyn LogReader>,
        feed: Arc<dyn Feed>,
        subscription: Option<Box<dyn Subscription>>,
    ) -> Self {
        Self { commands, log, feed, subscription, reaction: PhantomData }
    }

    /// Receives until `stop` resolves.
    ///
    /// # Errors
    /// [`ConsumerError`]: the source's log is another one, or the consumer's own cannot be read. A feed that cannot be reached is no
    /// error: it is asked again, with growing pauses.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), ConsumerError> {
        let Self { commands, log, feed, mut subscription, .. } = self;
        let mut running = Running::<R> {
            source: feed.source().into(),
            commands,
            log,
            epoch: None,
            lanes: Vec::new(),
            in_flight: FuturesUnordered::new(),
            failures: 0,
        };
        let mut asking: Option<BoxFuture<'static, Asked>> = None;
        let (mut ask_at, mut feed_failures) = (Some(Instant::now()), 0_u32);
        tokio::pin!(stop);
        loop {
            let room = running.in_flight.len() < IN_FLIGHT_MAX;
            if asking.is_none() && room && ask_at.is_some_and(|at| at <= Instant::now()) {
                let wait = if subscription.is_some() || running.lanes.is_empty() { Duration::ZERO } else { LONG_POLL };
                let request = FeedRequest { after: running.cursor(), partition: None, limit: PAGE, wait };
                let feed = Arc::clone(&feed);
                asking = Some(Box::pin(async move {
                    let page = feed.read(&request).await;
                    (request.after, page)
                }));
                ask_at = None;
            }
            let wake = [ask_at.filter(|_| asking.is_none() && room), running.next_wake()].into_iter().flatten().min();
            let wake = wake.unwrap_or_else(|| Instant::now() + HEADS_EVERY);
            tokio::select! {
                () = &mut stop => return Ok(()),
                Some(done) = running.in_flight.next(), if !running.in_flight.is_empty() => running.done(done).await?,
                (from, page) = pending(&mut asking) => {
                    asking = None;
                    match page {
                        Ok(page) => {
                            feed_failures = 0;
                            let more = page.more;
                            let gap = running.turn(from.as_ref(), page).await?;
                            let pause = if more || gap || subscription.is_none() { Duration::ZERO } else { HEADS_EVERY };
                            ask_at = Some(Instant::now() + pause);
                        }
                        Err(FeedError::ForeignCursor) => return Err(running.forked("its feed does not know our place")),
                        Err(why) => {
                            tracing::warn!(consumer = R::NAME, source = &*running.source, %why, "the feed is asked again later");
                            feed_failures += 1;
                            ask_at = Some(Instant::now() + backoff(feed_failures));
                        }
                    }
                }
                pushed = next(&mut subscription), if room && !running.lanes.is_empty() => match pushed {
                    Some(messages) => {
                        if running.offer_all(&messages)? {
                            ask_at = Some(Instant::now());
                        }
                    }
                    // The transport has closed: from now on the feed alone.
                    None => {
                        subscription = None;
                        ask_at = Some(Instant::now());
                    }
                },
                () = tokio::time::sleep_until(wake.into()) => {}
            }
            if running.wake().await? {
                ask_at = Some(Instant::now());
            }
        }
    }
}

/// Where the feed was asked to go on, and what it answered.
type Asked = (Option<Cursor>, Result<FeedPage, FeedError>);

/// What the feed answers, once it was asked.
async fn pending(asking: &mut Option<BoxFuture<'static, Asked>>) -> Asked {
    match asking {
        Some(asking) => asking.await,
        None => std::future::pending().await,
    }
}

async fn next(subscription: &mut Option<Box<dyn Subscription>>) -> Option<Vec<Arc<Message>>> {
    match subscription {
        Some(subscription) => subscription.next().await,
        None => std::future::pending().await,
    }
}
