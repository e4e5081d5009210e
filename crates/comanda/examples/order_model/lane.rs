//! What is on its way from one context to the other: the messages of one partition of a log, in the log's order.

use std::sync::Arc;

use cqrs::{BatchId, ContractEvent, Epoch, EventId, Message, PartitionId, Position, Timestamp};
use uuid::Uuid;

/// The most delivered messages that can come again.
const RECENT_MAX: usize = 2;

/// A message on its way.
#[derive(Clone)]
pub(crate) struct Letter {
    /// The message.
    pub(crate) message: Arc<Message>,
    /// The place of the one before it.
    pub(crate) follows: Position,
}

/// The messages of one partition.
#[derive(Clone)]
pub(crate) struct Lane {
    source: &'static str,
    partition: PartitionId,
    published: Position,
    /// Not delivered yet.
    pub(crate) waiting: Vec<Letter>,
    /// Delivered last.
    pub(crate) recent: Vec<Letter>,
}

impl Lane {
    /// The lane of partition `partition` of `source`'s log.
    pub(crate) fn of(source: &'static str, partition: u16) -> Self {
        let partition = PartitionId(partition);
        Self { source, partition, published: 0, waiting: Vec::new(), recent: Vec::new() }
    }

    /// The message that tells of `event`.
    pub(crate) fn letter(&self, event: &ContractEvent, at: Timestamp) -> Letter {
        let position = self.published + 1;
        let message = Message {
            id: EventId { batch: BatchId(Uuid::nil()), partition: self.partition, position },
            source: self.source.into(),
            epoch: Epoch(Uuid::nil()),
            after: self.published,
            predecessor: None,
            kind: event.kind.into(),
            subject: Arc::clone(&event.subject),
            key: Arc::clone(&event.key),
            at,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
            data: event.data.clone(),
        };
        Letter { message: Arc::new(message), follows: self.published }
    }

    /// Sends a message that was made by [`Lane::letter`] just now.
    pub(crate) fn send(&mut self, letter: Letter) {
        self.published = letter.message.position();
        self.waiting.push(letter);
    }

    /// Takes message `place` off those that wait.
    pub(crate) fn take(&mut self, place: usize) {
        let letter = self.waiting.remove(place);
        self.recent.insert(0, letter);
        self.recent.truncate(RECENT_MAX);
    }

    /// Writes the content of `letters`, in order.
    pub(crate) fn write(letters: &[Letter], into: &mut Vec<u8>) {
        for letter in letters {
            into.extend_from_slice(letter.message.kind.as_bytes());
            into.extend_from_slice(&letter.message.data);
        }
        // No JSON and no type contains it.
        into.push(0);
    }
}
