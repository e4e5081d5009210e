//! A consumer at work: puts what arrives in order, and sends it to the executor.

use std::marker::PhantomData;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use tower::Service;

use super::answers::{Done, Outcome, Returned, dispatch};
use super::consumer::ConsumerError;
use super::lane::{Lane, about, backoff, read_inbox};
use super::log_feed::position;
use super::react::{Guard, leaves_out};
use super::sequencer::{Offered, Sequencer};
use crate::bus::CommandBus;
use crate::command::Envelope;
use crate::event::{Epoch, PartitionId, Position};
use crate::event_store::{LogReader, StoreError};
use crate::messaging::{Advance, Cursor, FeedPage, InboxId, Message, React, Receive};

/// Positions without business of the consumer after which its inbox says that it has read them.
const ADVANCE_AFTER: Position = 4_096;

pub(super) struct Running<R: React> {
    pub(super) source: Arc<str>,
    pub(super) commands: CommandBus,
    pub(super) log: Arc<dyn LogReader>,
    pub(super) epoch: Option<Epoch>,
    pub(super) lanes: Vec<Lane>,
    pub(super) in_flight: FuturesUnordered<BoxFuture<'static, Returned<R>>>,
    /// Failures in a row that may pass.
    pub(super) failures: u32,
}

impl<R: React> Running<R> {
    pub(super) fn forked(&self, what: impl Into<String>) -> ConsumerError {
        ConsumerError::Forked { consumer: R::NAME, source_name: self.source.to_string(), what: what.into() }
    }

    /// Where the feed is to go on. Lanes that rest are read again when they go on.
    pub(super) fn cursor(&self) -> Option<Cursor> {
        let mut cursor = Cursor::new(self.epoch?);
        for lane in &self.lanes {
            cursor.require(lane.inbox.partition, lane.sequencer.position());
        }
        Some(cursor)
    }

    /// Takes in a page of the feed that was asked for `from` there; returns whether something before it is missing.
    pub(super) async fn turn(&mut self, from: Option<&Cursor>, page: FeedPage) -> Result<bool, ConsumerError> {
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

    pub(super) async fn begin(&mut self, page: &FeedPage) -> Result<(), ConsumerError> {
        self.epoch = Some(page.next.epoch());
        self.ensure_lanes(&page.next).await
    }

    /// A lane for every partition that the source is known to have.
    pub(super) async fn ensure_lanes(&mut self, cursor: &Cursor) -> Result<(), ConsumerError> {
        let partitions = cursor.positions().iter().map(|(partition, _)| usize::from(partition.0) + 1).max();
        self.ensure(partitions.unwrap_or(1).max(1)).await
    }

    pub(super) async fn ensure(&mut self, partitions: usize) -> Result<(), ConsumerError> {
        while self.lanes.len() < partitions {
            let partition = PartitionId(u16::try_from(self.lanes.len()).unwrap_or(u16::MAX));
            let inbox = InboxId { consumer: R::NAME.into(), source: Arc::clone(&self.source), partition };
            self.lanes.push(Lane::new(inbox));
            self.restart(self.lanes.len() - 1).await?;
        }
        Ok(())
    }

    /// Begins a lane where its inbox stands.
    pub(super) async fn restart(&mut self, at: usize) -> Result<(), ConsumerError> {
        let Some(lane) = self.lanes.get(at) else { return Ok(()) };
        let inbox = match read_inbox(self.log.as_ref(), &lane.inbox).await {
            Ok(inbox) => inbox,
            Err(StoreError::Unavailable(why)) => {
                let pause = self.log_is_away(&why);
                self.rest(at, pause);
                return Ok(());
            }
            Err(why) => return Err(why.into()),
        };
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

    /// The context's own log could not be read; returns how long to leave it alone.
    pub(super) fn log_is_away(&mut self, why: &str) -> std::time::Duration {
        self.failures = self.failures.saturating_add(1);
        tracing::warn!(consumer = R::NAME, source = &*self.source, why, "the inbox is read again later");
        backoff(self.failures)
    }

    /// Offers messages to their lanes; returns whether one of them shows that something is missing.
    pub(super) fn offer_all(&mut self, messages: &[Arc<Message>]) -> Result<bool, ConsumerError> {
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
                    return Err(self.forked(format!("where {read} was read stands {named}")));
                }
            }
        }
        Ok(gap)
    }

    pub(super) fn send_all(&mut self, at: usize, run: Vec<Arc<Message>>) {
        for message in run {
            self.send(at, message);
        }
    }

    /// Sends a message to the executor, if it is any of the consumer's business. It is queued by the time this returns, so the
    /// executor decides a lane's messages in their order.
    pub(super) fn send(&mut self, at: usize, message: Arc<Message>) {
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
    pub(super) fn advance(&mut self, at: usize) {
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
}
