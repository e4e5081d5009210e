//! The outbox that a log is: its stored events as messages, each naming what it covers.

use std::sync::Arc;

use crate::event::{Epoch, Position, Recorded};
use crate::messaging::{EventId, Message, Publish};
use crate::projection::Unreadable;

/// Makes messages of one log's events.
#[derive(Clone)]
pub(super) struct Outbox {
    pub(super) source: Arc<str>,
    pub(super) epoch: Epoch,
    pub(super) publish: Publish,
}

/// How far one partition was covered by messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Covered {
    pub(super) up_to: Position,
    pub(super) last: Option<EventId>,
}

impl Covered {
    pub(super) fn at(event: &Recorded) -> Self {
        Self { up_to: event.position, last: Some(EventId::of(event)) }
    }
}

impl Outbox {
    /// The message that `event` is, if it is one; it then covers all from `covered` on.
    pub(super) fn message(&self, event: &Recorded, covered: &mut Covered) -> Result<Option<Arc<Message>>, Unreadable> {
        let Some(told) = (self.publish)(event)? else { return Ok(None) };
        let metadata = &event.metadata;
        let message = Message {
            id: EventId::of(event),
            source: Arc::clone(&self.source),
            epoch: self.epoch,
            after: covered.up_to,
            predecessor: covered.last,
            kind: told.kind.into(),
            subject: told.subject,
            key: told.key,
            at: event.at,
            correlation_id: metadata.correlation_id.as_deref().map(Arc::from),
            causation_id: metadata.causation_id.as_deref().map(Arc::from),
            traceparent: metadata.traceparent.as_deref().map(Arc::from),
            data: told.data,
        };
        *covered = Covered::at(event);
        Ok(Some(Arc::new(message)))
    }
}
