//! The sequencer: puts one partition's messages back into their order, whatever the transport did to them.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::event::Position;
use crate::messaging::{EventId, Message};

/// Messages kept that came too early; further ones are left to the feed.
const HELD_MAX: usize = 1_024;

/// How far one partition of a source was read, and what came too early.
#[derive(Debug, Default)]
pub(super) struct Sequencer {
    position: Position,
    /// The event at `position`, if it is known.
    last: Option<EventId>,
    held: BTreeMap<Position, Arc<Message>>,
}

/// What an offered message means.
#[derive(Debug, PartialEq)]
pub(super) enum Offered {
    /// These come next, in this order.
    Next(Vec<Arc<Message>>),
    /// It was read before, or is kept already.
    Repeated,
    /// Something is missing before it: the feed has it.
    Gap,
    /// What stands before it is not what was read: the log was forked.
    Forked {
        /// What was read.
        read: EventId,
        /// What the message says stands there.
        named: Option<EventId>,
    },
}

impl Sequencer {
    /// One that has read up to `position`.
    pub(super) fn at(position: Position, last: Option<EventId>) -> Self {
        Self { position, last, held: BTreeMap::new() }
    }

    pub(super) fn position(&self) -> Position {
        self.position
    }

    /// Takes in a message in whatever order it comes.
    pub(super) fn offer(&mut self, message: &Arc<Message>) -> Offered {
        if message.position() <= self.position {
            return Offered::Repeated;
        }
        if message.after > self.position {
            if self.held.len() < HELD_MAX {
                self.held.insert(message.position(), Arc::clone(message));
            }
            return Offered::Gap;
        }
        if message.after == self.position
            && let Some(read) = self.last
            && message.predecessor != Some(read)
        {
            return Offered::Forked { read, named: message.predecessor };
        }
        let mut run = vec![self.take(Arc::clone(message))];
        while let Some(next) = self.next_held() {
            run.push(self.take(next));
        }
        Offered::Next(run)
    }

    /// The feed says that no contract event lies between what was read and `position`.
    pub(super) fn pass(&mut self, position: Position) {
        if position > self.position {
            self.position = position;
            self.last = None;
        }
    }

    /// A message kept that comes next now, if its predecessor is the one that was read.
    pub(super) fn next_held(&mut self) -> Option<Arc<Message>> {
        loop {
            let (position, message) = self.held.first_key_value()?;
            if *position <= self.position {
                self.held.pop_first();
                continue;
            }
            let names = message.after < self.position || self.last.is_none() || message.predecessor == self.last;
            if message.after > self.position || !names {
                return None;
            }
            return self.held.pop_first().map(|(_, message)| message);
        }
    }

    fn take(&mut self, message: Arc<Message>) -> Arc<Message> {
        self.position = message.position();
        self.last = Some(message.id);
        message
    }
}
