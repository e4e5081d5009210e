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
    /// What stands before it, or in its place, is not what was read: the log was forked.
    Forked {
        /// What was read.
        read: EventId,
        /// What stands there as the message says, or itself does.
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
        if message.position() == self.position
            && let Some(read) = self.last
            && message.id != read
        {
            return Offered::Forked { read, named: Some(message.id) };
        }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::event::{BatchId, Epoch, PartitionId};
    use crate::time::Timestamp;

    fn id(position: Position) -> EventId {
        EventId { batch: BatchId(Uuid::from_u128(position.into())), partition: PartitionId(0), position }
    }

    fn message(after: Position, position: Position) -> Arc<Message> {
        Arc::new(Message {
            id: id(position),
            source: "till".into(),
            epoch: Epoch(Uuid::nil()),
            after,
            predecessor: (after > 0).then(|| id(after)),
            kind: "till.sold.v1".into(),
            subject: "s".into(),
            key: "k".into(),
            at: Timestamp::EPOCH,
            correlation_id: None,
            causation_id: None,
            traceparent: None,
            data: "{}".into(),
        })
    }

    #[test]
    fn what_comes_in_order_is_ready_at_once_and_only_once() {
        let mut sequencer = Sequencer::at(0, None);
        assert_eq!(sequencer.offer(&message(0, 2)), Offered::Next(vec![message(0, 2)]));
        assert_eq!(sequencer.offer(&message(0, 2)), Offered::Repeated);
        assert_eq!(sequencer.offer(&message(1, 3)), Offered::Next(vec![message(1, 3)]), "its cover overlaps");
    }

    #[test]
    fn what_comes_early_waits_for_what_is_before_it() {
        let mut sequencer = Sequencer::at(0, None);
        assert_eq!(sequencer.offer(&message(2, 3)), Offered::Gap);
        assert_eq!(sequencer.offer(&message(0, 2)), Offered::Next(vec![message(0, 2), message(2, 3)]));
        assert!(sequencer.held.is_empty());
    }

    #[test]
    fn the_window_is_bounded() {
        let mut sequencer = Sequencer::at(0, None);
        for position in 2..HELD_MAX as u64 + 10 {
            assert_eq!(sequencer.offer(&message(position - 1, position)), Offered::Gap);
        }
        assert_eq!(sequencer.held.len(), HELD_MAX);
    }

    #[test]
    fn another_name_where_one_was_read_is_a_fork() {
        let other = EventId { batch: BatchId(Uuid::from_u128(99)), ..id(3) };
        let mut sequencer = Sequencer::at(3, Some(other));
        assert_eq!(sequencer.offer(&message(3, 4)), Offered::Forked { read: other, named: Some(id(3)) });
        assert_eq!(sequencer.offer(&message(2, 3)), Offered::Forked { read: other, named: Some(id(3)) });
    }

    /// Every message's position, with private events between.
    fn log() -> impl Strategy<Value = Vec<Arc<Message>>> {
        proptest::collection::vec(1_u64..4, 1..60).prop_map(|steps| {
            let mut after = 0;
            let next = |step| {
                let position = after + step;
                message(std::mem::replace(&mut after, position), position)
            };
            steps.into_iter().map(next).collect()
        })
    }

    proptest! {
        #[test]
        fn any_mix_of_faults_yields_every_message_once_and_in_order(
            log in log(),
            arrivals in proptest::collection::vec((any::<proptest::sample::Index>(), 0_u8..10), 0..200),
        ) {
            let mut sequencer = Sequencer::at(0, None);
            let mut taken = Vec::new();
            let mut offer = |sequencer: &mut Sequencer, message: &Arc<Message>| match sequencer.offer(message) {
                Offered::Next(run) => taken.extend(run),
                Offered::Repeated | Offered::Gap => {}
                Offered::Forked { .. } => panic!("no log was forked"),
            };
            // Whatever is not among the arrivals was dropped; some arrive more than once, few in order.
            for (index, fault) in arrivals {
                offer(&mut sequencer, index.get(&log));
                // Now and then the feed is asked for what is missing, and at the end once more.
                if fault == 0 {
                    let from = sequencer.position();
                    log.iter().filter(|message| message.position() > from).for_each(|m| offer(&mut sequencer, m));
                }
            }
            log.iter().for_each(|message| offer(&mut sequencer, message));
            prop_assert_eq!(&taken, &log);
            prop_assert_eq!(sequencer.position(), log.last().map_or(0, |last| last.position()));
        }
    }
}
