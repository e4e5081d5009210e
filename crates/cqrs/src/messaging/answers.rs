//! What a consumer makes of the executor's answers: it goes on, rests, parks a message, or tries a parked one again.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::BoxFuture;
use tower::Service;

use super::consumer::ConsumerError;
use super::lane::{BACKOFF_MAX, backoff, read_inbox};
use super::running::Running;
use crate::bus::CommandBus;
use crate::command::{Answered, Command, CommandError, Envelope};
use crate::event::{Metadata, Position};
use crate::event_store::StoreError;
use crate::messaging::{CannotReact, EventId, InboxRejection, React, Received, Retried, Retry};

/// What became of a command.
pub(super) struct Done {
    pub(super) lane: usize,
    pub(super) generation: u64,
    pub(super) what: Outcome,
}

pub(super) enum Outcome {
    Received(Position, Result<Answered<Received>, CommandError<InboxRejection>>),
    Advanced(Result<Answered<()>, CommandError<InboxRejection>>),
    Retried(EventId, Result<Answered<Retried>, CommandError<InboxRejection>>),
}

/// What came back, and to which reaction.
pub(super) type Returned<R> = (Done, PhantomData<fn() -> R>);

impl<R: React> Running<R> {
    /// A command was answered.
    pub(super) async fn done(&mut self, (done, _): (Done, PhantomData<fn() -> R>)) -> Result<(), ConsumerError> {
        let Done { lane: at, generation, what } = done;
        if self.lanes.get(at).is_none_or(|lane| lane.generation != generation) {
            return Ok(());
        }
        if !matches!(what, Outcome::Retried(..))
            && let Some(lane) = self.lanes.get_mut(at)
        {
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
    pub(super) fn failed(&mut self, at: usize, why: &CommandError<InboxRejection>) -> Result<(), ConsumerError> {
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

    pub(super) fn rest(&mut self, at: usize, pause: Duration) {
        if let Some(lane) = self.lanes.get_mut(at) {
            lane.generation += 1;
            lane.on_their_way = 0;
            lane.rests_until = Some(Instant::now() + pause);
        }
    }

    /// When something is to be done that no answer brings about.
    pub(super) fn next_wake(&self) -> Option<Instant> {
        let rests = self.lanes.iter().filter_map(|lane| lane.rests_until);
        let tries = self.lanes.iter().flat_map(|lane| &lane.waiting).filter(|w| !w.dead && !w.trying).map(|w| w.next);
        let looks = self.lanes.iter().filter_map(|lane| lane.look_at);
        rests.chain(tries).chain(looks).min()
    }

    /// Does what is due: lanes that have rested go on, parked messages are tried. Returns whether the feed must be asked.
    pub(super) async fn wake(&mut self) -> Result<bool, ConsumerError> {
        let now = Instant::now();
        let mut ask = false;
        for at in 0..self.lanes.len() {
            if self.lanes.get(at).is_some_and(|lane| lane.rests_until.is_some_and(|until| until <= now)) {
                self.restart(at).await?;
                ask = true;
            }
            if self.lanes.get(at).is_some_and(|lane| lane.look_at.is_some_and(|look_at| look_at <= now)) {
                self.look(at).await?;
            }
            let Some(lane) = self.lanes.get_mut(at) else { continue };
            let due: Vec<(EventId, Arc<Metadata>)> = lane
                .waiting
                .iter_mut()
                .filter(|waiting| !waiting.dead && !waiting.trying && waiting.next <= now)
                .map(|waiting| {
                    waiting.trying = true;
                    (waiting.id, Arc::clone(&waiting.about))
                })
                .collect();
            for (id, about) in due {
                self.retry(at, id, about, None);
            }
        }
        Ok(ask)
    }

    pub(super) fn retry(&mut self, at: usize, id: EventId, about: Arc<Metadata>, failed: Option<CannotReact>) {
        let Some(lane) = self.lanes.get(at) else { return };
        let command = Retry::<R> { inbox: lane.inbox.clone(), id, failed, reaction: PhantomData };
        let generation = lane.generation;
        let envelope = Envelope { metadata: about, ..Envelope::new(command) };
        let answer = dispatch(&mut self.commands, envelope);
        self.in_flight.push(Box::pin(async move {
            (Done { lane: at, generation, what: Outcome::Retried(id, answer.await) }, PhantomData)
        }));
    }

    pub(super) async fn retried(
        &mut self,
        at: usize,
        id: EventId,
        answer: Result<Answered<Retried>, CommandError<InboxRejection>>,
    ) -> Result<(), ConsumerError> {
        match answer {
            Err(CommandError::Broken(why)) => {
                let waiting = self.lanes.get(at).and_then(|lane| lane.waiting.iter().find(|waiting| waiting.id == id));
                let about = waiting.map(|waiting| waiting.about.clone()).unwrap_or_default();
                self.retry(at, id, about, Some(CannotReact::Yet(why)));
                return Ok(());
            }
            Err(why) => tracing::debug!(consumer = R::NAME, %id, %why, "a parked message is tried again later"),
            Ok(_) => {}
        }
        self.look(at).await
    }

    /// Looks again what waits in a lane's inbox.
    pub(super) async fn look(&mut self, at: usize) -> Result<(), ConsumerError> {
        let Some(lane) = self.lanes.get(at) else { return Ok(()) };
        let inbox = match read_inbox(self.log.as_ref(), &lane.inbox).await {
            Ok(inbox) => inbox,
            Err(StoreError::Unavailable(why)) => {
                let pause = self.log_is_away(&why);
                if let Some(lane) = self.lanes.get_mut(at) {
                    lane.look_at = Some(Instant::now() + pause);
                }
                return Ok(());
            }
            Err(why) => return Err(why.into()),
        };
        if let Some(lane) = self.lanes.get_mut(at) {
            lane.take_waiting(&inbox);
        }
        Ok(())
    }

    pub(super) fn count(&self, received: Received) {
        let outcome = match received {
            Received::Done => "done",
            Received::Repeated => "repeated",
            Received::Parked => "parked",
        };
        metrics::counter!("consumer_messages_total", "consumer" => R::NAME, "source" => self.source.to_string(), "outcome" => outcome)
            .increment(1);
    }
}

/// What a command's sender is told.
pub(super) type Answer<C> = Result<Answered<<C as Command>::Answer>, CommandError<<C as Command>::Rejection>>;

/// Queues a command now; its answer comes later.
pub(super) fn dispatch<C: Command>(commands: &mut CommandBus, envelope: Envelope<C>) -> BoxFuture<'static, Answer<C>> {
    Box::pin(commands.call(envelope))
}
