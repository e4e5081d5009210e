//! The inbox: how far one consumer has come in one partition of a source's log, and which messages wait in it.

use std::sync::Arc;

use imbl::Vector;
use serde::{Deserialize, Serialize};

use crate::aggregate::{Aggregate, Stream};
use crate::event::{Epoch, PartitionId, Position};
use crate::messaging::{EventId, Message};
use crate::time::Timestamp;

/// The most messages parked in one inbox; then its partition waits until some have passed or been discarded.
pub const PARKED_MAX: usize = 1_000;

/// Names an inbox: one for each consumer, source and partition.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InboxId {
    /// The consumer: [`React::NAME`](crate::React::NAME).
    pub consumer: Arc<str>,
    /// The context whose log is read.
    pub source: Arc<str>,
    /// The partition of that log.
    pub partition: PartitionId,
}

impl InboxId {
    /// The inbox's stream in the consumer's log.
    #[must_use]
    pub fn stream(&self) -> Stream<Inbox> {
        Stream::new(&format!("{}/{}/{}", self.consumer, self.source, self.partition))
    }
}

/// What happens to an inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum InboxEvent {
    /// The source's log was met for the first time, or both logs were restored: from now on only this very log is read.
    Opened {
        /// The log.
        epoch: Epoch,
    },
    /// A message had its effect: the events appended together with this one.
    Received {
        /// The message.
        id: EventId,
    },
    /// Nothing up to this position was of the consumer's business.
    Advanced {
        /// The position.
        to: Position,
    },
    /// A message could not have its effect, or waits behind one of its key that could not.
    Parked(Parked),
    /// A parked message was tried again, in vain.
    RetryFailed {
        /// The message.
        id: EventId,
        /// Why.
        cause: Arc<str>,
        /// Whether it makes no sense to try again by itself.
        dead: bool,
    },
    /// A parked message had its effect: the events appended together with this one.
    Passed {
        /// The message.
        id: EventId,
    },
    /// A parked message was given up.
    Discarded {
        /// The message.
        id: EventId,
        /// Why.
        reason: Arc<str>,
    },
}

/// A message that waits in an inbox.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parked {
    /// The message.
    pub message: Arc<Message>,
    /// Why it has no effect yet.
    pub cause: Arc<str>,
    /// How often it was tried; 0 for one that waits behind another of its key.
    pub attempts: u32,
    /// Whether it is tried again only when somebody asks for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dead: bool,
    /// Since when.
    pub since: Timestamp,
}

impl Parked {
    pub(super) fn failed_again(&mut self, cause: &Arc<str>, dead: bool) {
        self.attempts += 1;
        self.cause = Arc::clone(cause);
        self.dead = dead;
    }
}

/// An inbox as it stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Inbox {
    /// How far it has read.
    position: Position,
    /// The last message it read, if it stood at `position`.
    last: Option<EventId>,
    /// The log it reads, once known.
    epoch: Option<Epoch>,
    /// What waits in it, by position.
    parked: Vector<Parked>,
}

impl Inbox {
    /// How far it has read.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// The log it reads, once it has met it.
    #[must_use]
    pub fn epoch(&self) -> Option<Epoch> {
        self.epoch
    }

    /// The message at its position, if one stood there.
    #[must_use]
    pub fn last(&self) -> Option<EventId> {
        self.last
    }

    /// What waits in it, by position.
    pub fn parked(&self) -> impl Iterator<Item = &Parked> {
        self.parked.iter()
    }

    /// How many messages wait in it.
    #[must_use]
    pub fn parked_count(&self) -> usize {
        self.parked.len()
    }

    /// The parked message `id`.
    #[must_use]
    pub fn find(&self, id: EventId) -> Option<&Parked> {
        self.parked.iter().find(|parked| parked.message.id == id)
    }

    /// The first parked message of `key`: those behind it wait for it.
    #[must_use]
    pub fn first_of(&self, key: &str) -> Option<&Parked> {
        self.parked.iter().find(|parked| &*parked.message.key == key)
    }

    fn forget(&mut self, id: EventId) {
        self.parked.retain(|parked| parked.message.id != id);
    }

    fn moved_to(&mut self, position: Position, last: Option<EventId>) {
        self.position = position;
        self.last = last;
    }
}

impl Aggregate for Inbox {
    const KIND: &'static str = "inbox";
    type Event = InboxEvent;

    fn apply(&mut self, event: &InboxEvent) {
        match event {
            InboxEvent::Opened { epoch } => self.epoch = Some(*epoch),
            InboxEvent::Received { id } => self.moved_to(id.position, Some(*id)),
            InboxEvent::Advanced { to } => self.moved_to(*to, None),
            InboxEvent::Parked(parked) => {
                self.moved_to(parked.message.position(), Some(parked.message.id));
                self.parked.push_back(parked.clone());
            }
            InboxEvent::RetryFailed { id, cause, dead } => {
                if let Some(parked) = self.parked.iter_mut().find(|parked| parked.message.id == *id) {
                    parked.failed_again(cause, *dead);
                }
            }
            InboxEvent::Passed { id } | InboxEvent::Discarded { id, .. } => self.forget(*id),
        }
    }
}
