//! The commands of an inbox: receive a message, move past what is nobody's business, retry or discard a parked one.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::react::{Guard, leaves_out};
use crate::command::{Command, Decision, Invalid, States, Streams};
use crate::event::{Epoch, Position};
use crate::messaging::{CannotReact, EventId, Inbox, InboxEvent, InboxId, Message, PARKED_MAX, Parked, React};

/// The longest cause or reason that is stored, in characters.
const CAUSE_LENGTH_MAX: usize = 500;

/// Tries after which a parked message waits until somebody asks for it.
pub const RETRIES_MAX: u32 = 8;

/// Receives one message: its effect and the inbox's new place, in one append.
pub struct Receive<R: React> {
    /// The message.
    pub message: Arc<Message>,
    /// The message as `R` reads it; or why it is parked instead of tried: it cannot be read, or its reaction panicked.
    pub what: Result<R::Input, CannotReact>,
    /// The place of the inbox before it, as the consumer knows it: whatever lies between is no business of `R`.
    pub follows: Position,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Received {
    /// It had its effect.
    Done,
    /// It had its effect before: nothing was recorded.
    Repeated,
    /// It waits in the inbox.
    Parked,
}

/// Why an inbox did not move.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum InboxRejection {
    /// Another consumer was faster, or something is missing in between: look where the inbox stands.
    #[error("the inbox stands at {position}, not at {follows}")]
    Moved {
        /// Where it stands.
        position: Position,
        /// Where the consumer thought it stood.
        follows: Position,
    },
    /// The message comes from another log than all before it: the source was restored. Somebody must look.
    #[error("the source's log is {found:?}, and was {expected:?}")]
    ForeignLog {
        /// The log read so far.
        expected: Epoch,
        /// The message's log.
        found: Epoch,
    },
    /// So many messages wait that no other may join them.
    #[error("{PARKED_MAX} messages wait in the inbox: retry or discard some")]
    Full,
    /// No such message waits in the inbox.
    #[error("no message {id} waits in the inbox")]
    NotParked {
        /// The message.
        id: EventId,
    },
    /// Another message of its key waits before it.
    #[error("message {first} of the same key waits before it")]
    NotFirst {
        /// The one to retry or discard first.
        first: EventId,
    },
}

/// The inbox of `R` for what `message` belongs to.
fn inbox_of<R: React>(message: &Message) -> InboxId {
    InboxId { consumer: R::NAME.into(), source: Arc::clone(&message.source), partition: message.partition() }
}

fn shortened(cause: &str) -> Arc<str> {
    match cause.char_indices().nth(CAUSE_LENGTH_MAX) {
        Some((end, _)) => format!("{}…", cause.get(..end).unwrap_or_default()).into(),
        None => cause.into(),
    }
}

impl<R: React> Receive<R> {
    fn parked(
        &self,
        inbox: &Inbox,
        why: &CannotReact,
        attempts: u32,
        states: &States<'_>,
    ) -> Result<InboxEvent, InboxRejection> {
        if inbox.parked_count() >= PARKED_MAX {
            return Err(InboxRejection::Full);
        }
        Ok(InboxEvent::Parked(Parked {
            message: Arc::clone(&self.message),
            cause: shortened(&why.to_string()),
            attempts,
            dead: matches!(why, CannotReact::Ever(_)),
            since: states.at(),
        }))
    }
}

impl<R: React> Command for Receive<R> {
    const NAME: &'static str = "receive";
    type Answer = Received;
    type Rejection = InboxRejection;

    fn streams(&self) -> Streams {
        let inbox = Streams::one(&inbox_of::<R>(&self.message).stream());
        match &self.what {
            Ok(input) => inbox.and_those_of(R::streams(input)),
            Err(_) => inbox,
        }
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<Received>, InboxRejection> {
        let message = &self.message;
        let stream = inbox_of::<R>(message).stream();
        let inbox = states.of(&stream);
        let opened = match inbox.epoch() {
            Some(expected) if expected != message.epoch => {
                return Err(InboxRejection::ForeignLog { expected, found: message.epoch });
            }
            Some(_) => None,
            None => Some(InboxEvent::Opened { epoch: message.epoch }),
        };
        let guarded = !leaves_out::<R>(Guard::Dedupe);
        if guarded && message.position() <= inbox.position() {
            return Ok(Decision::answer(Received::Repeated));
        }
        if guarded && inbox.position() != self.follows {
            return Err(InboxRejection::Moved { position: inbox.position(), follows: self.follows });
        }
        let blocked = inbox
            .first_of(&message.key)
            .map(|first| CannotReact::Yet(format!("waits behind {} of the same key", first.message.id)));
        let done = match (&blocked, &self.what) {
            (Some(behind), _) => Err((behind.clone(), 0)),
            (None, Err(cause)) => Err((cause.clone(), 1)),
            (None, Ok(input)) => R::react(input, message, states).map_err(|why| (why, 1)),
        };
        let (answer, decision, event) = match done {
            Ok(reaction) => (Received::Done, reaction, InboxEvent::Received { id: message.id }),
            Err((why, attempts)) => {
                (Received::Parked, Decision::answer(()), self.parked(&inbox, &why, attempts, states)?)
            }
        };
        Ok(decision.map(|()| answer).record_all(&stream, opened.into_iter().chain([event])))
    }
}

/// Moves an inbox past events that are no business of its consumer, so that a restart need not read them again.
#[derive(Clone, Debug)]
pub struct Advance {
    /// The inbox.
    pub inbox: InboxId,
    /// Where it stands, as the consumer knows it.
    pub follows: Position,
    /// Where it stands then.
    pub to: Position,
}

impl Command for Advance {
    const NAME: &'static str = "advance-inbox";
    type Answer = ();
    type Rejection = InboxRejection;

    fn streams(&self) -> Streams {
        Streams::one(&self.inbox.stream())
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, InboxRejection> {
        let stream = self.inbox.stream();
        let inbox = states.of(&stream);
        if inbox.position() != self.follows {
            return Err(InboxRejection::Moved { position: inbox.position(), follows: self.follows });
        }
        if self.to <= self.follows {
            return Ok(Decision::answer(()));
        }
        Ok(Decision::answer(()).record(&stream, InboxEvent::Advanced { to: self.to }))
    }
}

/// Tries a parked message again.
pub struct Retry<R: React> {
    /// Where it waits.
    pub inbox: InboxId,
    /// The message.
    pub id: EventId,
    /// Counts it as failed for this cause instead of trying: the reaction panicked.
    pub failed: Option<CannotReact>,
    /// Which reaction.
    pub reaction: PhantomData<fn() -> R>,
}

/// What became of a retry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Retried {
    /// It had its effect.
    Passed,
    /// It still waits.
    Failed {
        /// Why.
        cause: Arc<str>,
        /// Whether it makes no sense to try again by itself.
        dead: bool,
    },
}

impl<R: React> Command for Retry<R> {
    const NAME: &'static str = "retry-message";
    type Answer = Retried;
    type Rejection = InboxRejection;

    fn streams(&self) -> Streams {
        Streams::one(&self.inbox.stream())
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<Retried>, InboxRejection> {
        let stream = self.inbox.stream();
        let inbox = states.of(&stream);
        let parked = inbox.find(self.id).ok_or(InboxRejection::NotParked { id: self.id })?;
        let message = &parked.message;
        if let Some(first) = inbox.first_of(&message.key).filter(|first| first.message.id != self.id) {
            return Err(InboxRejection::NotFirst { first: first.message.id });
        }
        let reacted = match &self.failed {
            Some(why) => Err(why.clone()),
            None => R::read(message).and_then(|input| match input {
                Some(input) => R::react(&input, message, states),
                None => Ok(Decision::answer(())),
            }),
        };
        Ok(match reacted {
            Ok(reaction) => reaction.map(|()| Retried::Passed).record(&stream, InboxEvent::Passed { id: self.id }),
            Err(why) => {
                let cause = shortened(&why.to_string());
                let dead = matches!(why, CannotReact::Ever(_)) || parked.attempts + 1 >= RETRIES_MAX;
                let failed = InboxEvent::RetryFailed { id: self.id, cause: Arc::clone(&cause), dead };
                Decision::answer(Retried::Failed { cause, dead }).record(&stream, failed)
            }
        })
    }
}

/// Gives a parked message up: it will have no effect.
#[derive(Clone, Debug)]
pub struct Discard {
    /// Where it waits.
    pub inbox: InboxId,
    /// The message.
    pub id: EventId,
    /// Why, for whoever asks later: 1 to 500 characters.
    pub reason: Arc<str>,
}

impl Command for Discard {
    const NAME: &'static str = "discard-message";
    type Answer = ();
    type Rejection = InboxRejection;

    fn validate(&self) -> Result<(), Invalid> {
        let right = (1..=CAUSE_LENGTH_MAX).contains(&self.reason.chars().count());
        if right { Ok(()) } else { Err(Invalid::field("/reason", "1 to 500 characters")) }
    }

    fn streams(&self) -> Streams {
        Streams::one(&self.inbox.stream())
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, InboxRejection> {
        let stream = self.inbox.stream();
        if states.of(&stream).find(self.id).is_none() {
            return Err(InboxRejection::NotParked { id: self.id });
        }
        let discarded = InboxEvent::Discarded { id: self.id, reason: Arc::clone(&self.reason) };
        Ok(Decision::answer(()).record(&stream, discarded))
    }
}

impl<R: React> fmt::Debug for Receive<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "receive {} by {}", self.message.id, R::NAME)
    }
}

impl<R: React> fmt::Debug for Retry<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "retry {} by {}", self.id, R::NAME)
    }
}
