//! The consumer: brings a source's contract events to a context's executor, in order, each until it is received.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use tower::Service;
use uuid::Uuid;

use super::log_feed::position;
use super::react::{Guard, leaves_out};
use super::sequencer::{Offered, Sequencer};
use crate::bus::CommandBus;
use crate::command::{Answered, Command, CommandError, Envelope};
use crate::event::{Epoch, Metadata, PartitionId, Position};
use crate::event_store::{LogReader, StoreError};
use crate::executor::load_long;
use crate::messaging::{
    Advance, CannotReact, Cursor, EventId, Feed, FeedError, FeedPage, FeedRequest, Inbox, InboxId, InboxRejection,
    Message, React, Receive, Received, Retried, Retry, Subscription,
};

/// Commands on their way at once.
const IN_FLIGHT_MAX: usize = 1_024;

/// Messages asked of the feed at once.
const PAGE: usize = 512;

/// How often the feed is asked whether the last message was lost.
const HEADS_EVERY: Duration = Duration::from_secs(1);

/// How long the feed may wait for something new where no transport carries messages.
const LONG_POLL: Duration = Duration::from_secs(20);

/// Positions without business of the consumer after which its inbox says that it has read them.
const ADVANCE_AFTER: Position = 4_096;

/// Bounds of the pause after a failure that may pass.
const BACKOFF_MIN: Duration = Duration::from_millis(50);
const BACKOFF_MAX: Duration = Duration::from_secs(30);

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
    /// [`ConsumerError`]
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

/// A pause that grows with the number of failures in a row, with full jitter.
fn backoff(failures: u32) -> Duration {
    let ceiling = BACKOFF_MIN.saturating_mul(1 << failures.min(12)).min(BACKOFF_MAX);
    let [luck, ..] = Uuid::new_v4().into_bytes();
    BACKOFF_MIN + ceiling.mul_f64(f64::from(luck) / 255.0)
}

/// One partition of the source.
struct Lane {
    inbox: InboxId,
    sequencer: Sequencer,
    /// Where the inbox stands once all that is on its way has arrived.
    sent: Position,
    /// Raised when the lane starts again: what was sent before it does not count.
    generation: u64,
    on_their_way: usize,
    /// Set while it rests after a failure; what is offered meanwhile is left to the feed.
    rests_until: Option<Instant>,
    /// A message that must be parked instead of tried: its reaction panicked.
    park: Option<(Position, CannotReact)>,
    waiting: Vec<Waiting>,
}

/// A parked message that is first of its key.
struct Waiting {
    id: EventId,
    attempts: u32,
    dead: bool,
    next: Instant,
    trying: bool,
}

/// What became of a command.
struct Done {
    lane: usize,
    generation: u64,
    what: Outcome,
}

enum Outcome {
    Received(Position, Result<Answered<Received>, CommandError<InboxRejection>>),
    Advanced(Result<Answered<()>, CommandError<InboxRejection>>),
    Retried(EventId, Result<Answered<Retried>, CommandError<InboxRejection>>),
}

/// What came back, and to which reaction.
type Returned<R> = (Done, PhantomData<fn() -> R>);

struct Running<R: React> {
    source: Arc<str>,
    commands: CommandBus,
    log: Arc<dyn LogReader>,
    epoch: Option<Epoch>,
    lanes: Vec<Lane>,
    in_flight: FuturesUnordered<BoxFuture<'static, Returned<R>>>,
    /// Failures in a row that may pass.
    failures: u32,
}

impl<R: React> Running<R> {
    fn forked(&self, what: impl Into<String>) -> ConsumerError {
        ConsumerError::Forked { consumer: R::NAME, source_name: self.source.to_string(), what: what.into() }
    }

    /// Where the feed is to go on. Lanes that rest are read again when they go on.
    fn cursor(&self) -> Option<Cursor> {
        let mut cursor = Cursor::new(self.epoch?);
        for lane in &self.lanes {
            cursor.require(lane.inbox.partition, lane.sequencer.position());
        }
        Some(cursor)
    }

    /// Takes in a page of the feed that was asked for `from` there; returns whether something before it is missing.
    async fn turn(&mut self, from: Option<&Cursor>, page: FeedPage) -> Result<bool, ConsumerError> {
        if self.lanes.is_empty() {
            // The first page says which log it is and how many partitions may matter; the lanes begin where the inboxes stand.
            self.begin(&page).await?;
            return Ok(false);
        }
        self.ensure_lanes(&page.next).await?;
        let mut gap = self.offer_all(&page.messages)?;
        for at in 0..self.lanes.len() {
            let Some(lane) = self.lanes.get_mut(at) else { continue };
            // A lane that began again while the feed was asked stands before the page: what lies between has no effect yet.
            if lane.sequencer.position() < from.map_or(0, |from| position(from, lane.inbox.partition)) {
                gap = true;
                continue;
            }
            lane.sequencer.pass(position(&page.next, lane.inbox.partition));
            let mut run = Vec::new();
            while let Some(held) = lane.sequencer.next_held() {
                if let Offered::Next(next) = lane.sequencer.offer(&held) {
                    run.extend(next);
                }
            }
            self.send_all(at, run);
            self.advance(at);
        }
        Ok(gap)
    }

    async fn begin(&mut self, page: &FeedPage) -> Result<(), ConsumerError> {
        self.epoch = Some(page.next.epoch());
        self.ensure_lanes(&page.next).await
    }

    /// A lane for every partition that the source is known to have.
    async fn ensure_lanes(&mut self, cursor: &Cursor) -> Result<(), ConsumerError> {
        let partitions = cursor.positions().iter().map(|(partition, _)| usize::from(partition.0) + 1).max();
        self.ensure(partitions.unwrap_or(1).max(1)).await
    }

    async fn ensure(&mut self, partitions: usize) -> Result<(), ConsumerError> {
        while self.lanes.len() < partitions {
            let partition = PartitionId(u16::try_from(self.lanes.len()).unwrap_or(u16::MAX));
            let inbox = InboxId { consumer: R::NAME.into(), source: Arc::clone(&self.source), partition };
            self.lanes.push(Lane {
                inbox,
                sequencer: Sequencer::default(),
                sent: 0,
                generation: 0,
                on_their_way: 0,
                rests_until: None,
                park: None,
                waiting: Vec::new(),
            });
            self.restart(self.lanes.len() - 1).await?;
        }
        Ok(())
    }

    /// Begins a lane where its inbox stands.
    async fn restart(&mut self, at: usize) -> Result<(), ConsumerError> {
        let Some(lane) = self.lanes.get(at) else { return Ok(()) };
        let inbox = read_inbox(self.log.as_ref(), &lane.inbox).await?;
        if inbox.epoch().is_some_and(|read| Some(read) != self.epoch) {
            return Err(self.forked("another epoch"));
        }
        let Some(lane) = self.lanes.get_mut(at) else { return Ok(()) };
        lane.sequencer = Sequencer::at(inbox.position(), inbox.last());
        lane.sent = inbox.position();
        lane.generation += 1;
        lane.on_their_way = 0;
        lane.rests_until = None;
        lane.take_waiting(&inbox);
        Ok(())
    }

    /// Offers messages to their lanes; returns whether one of them shows that something is missing.
    fn offer_all(&mut self, messages: &[Arc<Message>]) -> Result<bool, ConsumerError> {
        let mut gap = false;
        for message in messages {
            if Some(message.epoch) != self.epoch {
                return Err(self.forked(format!("epoch {:?}", message.epoch)));
            }
            let at = usize::from(message.partition().0);
            // A partition never heard of: the feed brings it.
            let Some(lane) = self.lanes.get_mut(at) else {
                gap = true;
                continue;
            };
            if leaves_out::<R>(Guard::GapCheck) {
                lane.sequencer.pass(message.after);
            }
            match lane.sequencer.offer(message) {
                Offered::Next(run) => self.send_all(at, run),
                Offered::Repeated if leaves_out::<R>(Guard::Dedupe) => self.send(at, Arc::clone(message)),
                Offered::Repeated => {}
                Offered::Gap => gap = true,
                Offered::Forked { read, named } => {
                    let named = named.map_or_else(|| "nothing".to_owned(), |id| id.to_string());
                    return Err(self.forked(format!("after {read} comes one that names {named} before it")));
                }
            }
        }
        Ok(gap)
    }

    fn send_all(&mut self, at: usize, run: Vec<Arc<Message>>) {
        for message in run {
            self.send(at, message);
        }
    }

    /// Sends a message to the executor, if it is any of the consumer's business. It is queued by the time this returns, so the
    /// executor decides a lane's messages in their order.
    fn send(&mut self, at: usize, message: Arc<Message>) {
        let Some(lane) = self.lanes.get_mut(at) else { return };
        if lane.rests_until.is_some() {
            return;
        }
        let place = message.position();
        let parked = lane.park.take_if(|(position, _)| *position == place);
        let what = match (parked, R::read(&message)) {
            (Some((_, why)), _) | (None, Err(why)) => Err(why),
            (None, Ok(Some(input))) => Ok(input),
            (None, Ok(None)) => return,
        };
        let metadata = about(&message);
        let command = Receive::<R> { message, what, follows: lane.sent };
        lane.sent = place;
        lane.on_their_way += 1;
        let generation = lane.generation;
        let answer = self.commands.call(Envelope { metadata, ..Envelope::new(command) });
        self.in_flight.push(Box::pin(async move {
            (Done { lane: at, generation, what: Outcome::Received(place, answer.await) }, PhantomData)
        }));
    }

    /// Says how far a lane has read, where nothing has been of its business for long.
    fn advance(&mut self, at: usize) {
        let Some(lane) = self.lanes.get_mut(at) else { return };
        let to = lane.sequencer.position();
        if lane.on_their_way > 0 || lane.rests_until.is_some() || to < lane.sent + ADVANCE_AFTER || lane.sent == 0 {
            return;
        }
        let command = Advance { inbox: lane.inbox.clone(), follows: lane.sent, to };
        lane.sent = to;
        lane.on_their_way += 1;
        let generation = lane.generation;
        let answer = dispatch(&mut self.commands, Envelope::new(command));
        self.in_flight.push(Box::pin(async move {
            (Done { lane: at, generation, what: Outcome::Advanced(answer.await) }, PhantomData)
        }));
    }

    /// A command was answered.
    async fn done(&mut self, (done, _): (Done, PhantomData<fn() -> R>)) -> Result<(), ConsumerError> {
        let Done { lane: at, generation, what } = done;
        if self.lanes.get(at).is_none_or(|lane| lane.generation != generation) {
            return Ok(());
        }
        if let Some(lane) = self.lanes.get_mut(at) {
            lane.on_their_way = lane.on_their_way.saturating_sub(1);
        }
        match what {
            Outcome::Received(place, answer) => match answer {
                Ok(answered) => {
                    self.failures = 0;
                    self.count(answered.answer);
                    if answered.answer == Received::Parked { self.look(at).await } else { Ok(()) }
                }
                Err(CommandError::Broken(why)) => {
                    let cause = CannotReact::Yet(why);
                    if let Some(lane) = self.lanes.get_mut(at) {
                        lane.park = Some((place, cause));
                    }
                    self.rest(at, Duration::ZERO);
                    Ok(())
                }
                Err(why) => self.failed(at, &why),
            },
            Outcome::Advanced(Ok(_)) => Ok(()),
            Outcome::Advanced(Err(why)) => self.failed(at, &why),
            Outcome::Retried(id, answer) => self.retried(at, id, answer).await,
        }
    }

    /// A lane's command failed: it rests, and starts again from where its inbox stands.
    fn failed(&mut self, at: usize, why: &CommandError<InboxRejection>) -> Result<(), ConsumerError> {
        match why {
            CommandError::Rejected(InboxRejection::ForeignLog { .. }) => return Err(self.forked(why.to_string())),
            // Another consumer was faster, or this lane's message before failed.
            CommandError::Rejected(InboxRejection::Moved { .. }) => self.rest(at, Duration::ZERO),
            CommandError::Rejected(InboxRejection::Full) => {
                tracing::warn!(consumer = R::NAME, source = &*self.source, partition = at, %why, "an inbox waits");
                self.rest(at, BACKOFF_MAX / 10);
            }
            _ => {
                self.failures = self.failures.saturating_add(1);
                tracing::debug!(consumer = R::NAME, source = &*self.source, %why, "received again later");
                self.rest(at, backoff(self.failures));
            }
        }
        Ok(())
    }

    fn rest(&mut self, at: usize, pause: Duration) {
        if let Some(lane) = self.lanes.get_mut(at) {
            lane.generation += 1;
            lane.on_their_way = 0;
            lane.rests_until = Some(Instant::now() + pause);
        }
    }

    /// When something is to be done that no answer brings about.
    fn next_wake(&self) -> Option<Instant> {
        let rests = self.lanes.iter().filter_map(|lane| lane.rests_until);
        let tries = self.lanes.iter().flat_map(|lane| &lane.waiting).filter(|w| !w.dead && !w.trying).map(|w| w.next);
        rests.chain(tries).min()
    }

    /// Does what is due: lanes that have rested go on, parked messages are tried. Returns whether the feed must be asked.
    async fn wake(&mut self) -> Result<bool, ConsumerError> {
        let now = Instant::now();
        let mut ask = false;
        for at in 0..self.lanes.len() {
            if self.lanes.get(at).is_some_and(|lane| lane.rests_until.is_some_and(|until| until <= now)) {
                self.restart(at).await?;
                ask = true;
            }
            let Some(lane) = self.lanes.get_mut(at) else { continue };
            let due: Vec<EventId> = lane
                .waiting
                .iter_mut()
                .filter(|waiting| !waiting.dead && !waiting.trying && waiting.next <= now)
                .map(|waiting| {
                    waiting.trying = true;
                    waiting.id
                })
                .collect();
            for id in due {
                self.retry(at, id, None);
            }
        }
        Ok(ask)
    }

    fn retry(&mut self, at: usize, id: EventId, failed: Option<CannotReact>) {
        let Some(lane) = self.lanes.get(at) else { return };
        let command = Retry::<R> { inbox: lane.inbox.clone(), id, failed, reaction: PhantomData };
        let generation = lane.generation;
        let answer = dispatch(&mut self.commands, Envelope::new(command));
        self.in_flight.push(Box::pin(async move {
            (Done { lane: at, generation, what: Outcome::Retried(id, answer.await) }, PhantomData)
        }));
    }

    async fn retried(
        &mut self,
        at: usize,
        id: EventId,
        answer: Result<Answered<Retried>, CommandError<InboxRejection>>,
    ) -> Result<(), ConsumerError> {
        match answer {
            Err(CommandError::Broken(why)) => {
                self.retry(at, id, Some(CannotReact::Yet(why)));
                return Ok(());
            }
            Err(why) => tracing::debug!(consumer = R::NAME, %id, %why, "a parked message is tried again later"),
            Ok(_) => {}
        }
        self.look(at).await
    }

    /// Looks again what waits in a lane's inbox.
    async fn look(&mut self, at: usize) -> Result<(), ConsumerError> {
        let Some(lane) = self.lanes.get(at) else { return Ok(()) };
        let inbox = read_inbox(self.log.as_ref(), &lane.inbox).await?;
        if let Some(lane) = self.lanes.get_mut(at) {
            lane.take_waiting(&inbox);
        }
        Ok(())
    }

    fn count(&self, received: Received) {
        let outcome = match received {
            Received::Done => "done",
            Received::Repeated => "repeated",
            Received::Parked => "parked",
        };
        metrics::counter!("consumer_messages_total", "consumer" => R::NAME, "source" => self.source.to_string(), "outcome" => outcome)
            .increment(1);
    }
}

impl Lane {
    /// The parked messages to be tried: the first of each key.
    fn take_waiting(&mut self, inbox: &Inbox) {
        let before: HashMap<EventId, (u32, Instant)> =
            self.waiting.iter().map(|waiting| (waiting.id, (waiting.attempts, waiting.next))).collect();
        let firsts = inbox.parked().filter(|parked| {
            inbox.first_of(&parked.message.key).is_some_and(|first| first.message.id == parked.message.id)
        });
        self.waiting = firsts
            .map(|parked| {
                let id = parked.message.id;
                let known = before.get(&id).filter(|(attempts, _)| *attempts == parked.attempts);
                let pause = if parked.attempts == 0 { Duration::ZERO } else { backoff(parked.attempts) };
                let next = known.map_or_else(|| Instant::now() + pause, |(_, next)| *next);
                // One that has just failed in a way that does not count (a busy store) is not tried at once again.
                let next = if known.is_some() { next.max(Instant::now() + BACKOFF_MIN) } else { next };
                Waiting { id, attempts: parked.attempts, dead: parked.dead, next, trying: false }
            })
            .collect();
    }
}

async fn read_inbox(log: &dyn LogReader, id: &InboxId) -> Result<Arc<Inbox>, StoreError> {
    let wanted = id.stream().wanted();
    let home = wanted.home(log.partitions());
    let (slot, _) = load_long(log, &wanted, home).await?.map_err(StoreError::Broken)?;
    Ok(slot.typed::<Inbox>().unwrap_or_default())
}

/// What comes along with a message.
fn about(message: &Message) -> Metadata {
    let text = |text: &Option<Arc<str>>| text.as_deref().map(ToOwned::to_owned);
    Metadata {
        actor: Some(message.source.to_string()),
        correlation_id: text(&message.correlation_id),
        causation_id: Some(message.id.to_string()),
        traceparent: text(&message.traceparent),
        ..Metadata::default()
    }
}

/// What a command's sender is told.
type Answer<C> = Result<Answered<<C as Command>::Answer>, CommandError<<C as Command>::Rejection>>;

/// Queues a command now; its answer comes later.
fn dispatch<C: Command>(commands: &mut CommandBus, envelope: Envelope<C>) -> BoxFuture<'static, Answer<C>> {
    commands.call(envelope)
}
