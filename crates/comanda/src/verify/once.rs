//! One effect per message: every message that one context owes the other is in its inbox once, however often it came.
//!
//! A message's effect and its line in the inbox are one append, so counting the lines counts the effects.

use std::collections::{HashMap, HashSet};

use cqrs::{EventId, Inbox, InboxEvent, PartitionId, Position, Publish, Recorded};

/// What one context owes the other, and what the other has received of it.
#[derive(Default)]
pub(super) struct Once {
    owed: HashSet<EventId>,
    received: HashMap<EventId, u32>,
    /// How far the other's inboxes have come.
    up_to: HashMap<PartitionId, Position>,
    /// Messages that waited in an inbox.
    parked: u64,
}

impl Once {
    /// Takes in an event of the owner's log; `kinds` are the messages that the other one reacts to.
    pub(super) fn published(&mut self, event: &Recorded, publish: Publish, kinds: &[&str]) {
        if let Ok(Some(told)) = publish(event)
            && kinds.contains(&told.kind)
        {
            self.owed.insert(EventId::of(event));
        }
    }

    /// Takes in an event of the other's log.
    pub(super) fn seen(&mut self, event: &Recorded) {
        let Ok(Some(happened)) = event.as_event_of::<Inbox>() else { return };
        match &*happened {
            InboxEvent::Received { id } => self.took(*id),
            InboxEvent::Parked(parked) => {
                self.parked += 1;
                self.took(parked.message.id);
            }
            InboxEvent::Advanced { to } => {
                let number = event.stream.id().rsplit_once('/').and_then(|(_, number)| number.parse().ok());
                if let Some(partition) = number {
                    self.came(PartitionId(partition), *to);
                }
            }
            _ => {}
        }
    }

    fn took(&mut self, id: EventId) {
        *self.received.entry(id).or_default() += 1;
        self.came(id.partition, id.position);
    }

    fn came(&mut self, partition: PartitionId, to: Position) {
        let up_to = self.up_to.entry(partition).or_default();
        *up_to = to.max(*up_to);
    }

    /// How many different messages were received.
    pub(super) fn messages(&self) -> u64 {
        self.received.len() as u64
    }

    /// How many of them waited before they had their effect.
    pub(super) fn parked(&self) -> u64 {
        self.parked
    }

    /// How many are published and not yet received.
    pub(super) fn on_their_way(&self) -> u64 {
        self.owed.iter().filter(|id| !self.passed(id)).count() as u64
    }

    fn passed(&self, id: &EventId) -> bool {
        self.up_to.get(&id.partition).is_some_and(|to| id.position <= *to)
    }

    /// What was received more than once, never, or never sent.
    pub(super) fn findings(&self, source: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (id, times) in &self.received {
            if *times > 1 {
                found.push(format!("message {id} of {source} had its effect {times} times"));
            }
            if !self.owed.contains(id) {
                found.push(format!("message {id} was received, and {source} has published none of that name"));
            }
        }
        for id in self.owed.iter().filter(|id| self.passed(id) && !self.received.contains_key(id)) {
            found.push(format!("message {id} of {source} was passed over: it had no effect"));
        }
        found.sort();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(position: Position) -> EventId {
        format!("00000000000000000000000000000007.0.{position}").parse().unwrap()
    }

    #[test]
    fn what_was_received_once_and_what_is_on_its_way_is_no_finding() {
        let mut once = Once { owed: [id(2), id(4), id(9)].into(), ..Once::default() };
        [2, 4].into_iter().for_each(|position| once.took(id(position)));
        once.came(PartitionId(0), 8);
        assert_eq!(once.findings("till"), Vec::<String>::new());
        assert_eq!((once.messages(), once.on_their_way()), (2, 1));
    }

    #[test]
    fn what_was_received_twice_or_never_or_not_sent_is_found() {
        let mut once = Once { owed: [id(2), id(3), id(4)].into(), ..Once::default() };
        [2, 4, 4, 5].into_iter().for_each(|position| once.took(id(position)));
        let found = once.findings("till");
        assert_eq!(found.len(), 3, "{found:?}");
        for (position, words) in [(3, "passed over"), (4, "2 times"), (5, "published none")] {
            let named = |text: &String| text.contains(&id(position).to_string()) && text.contains(words);
            assert!(found.iter().any(named), "{position}: {found:?}");
        }
    }
}
