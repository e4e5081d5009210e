//! The end of the log in memory: what this process appended last, so that its projections need not read it back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use rustc_hash::FxHashMap;
use tokio::sync::watch;

use crate::event::{PartitionId, Position, Recorded};

/// A bounded ring of the batches appended last, and the wake-up of those who follow the log.
///
/// It is only a shortcut: a follower that finds a gap (it fell behind, another process wrote) reads the log.
#[derive(Clone)]
pub struct Tail(Arc<Inner>);

struct Inner {
    ring: Mutex<Ring>,
    events_max: usize,
    appended: watch::Sender<u64>,
    /// Per partition.
    silent: Mutex<FxHashMap<PartitionId, Silence>>,
}

/// A stretch of a partition in which no event tells other contexts anything.
#[derive(Clone, Copy)]
struct Silence {
    /// The position before its first event.
    after: Position,
    /// The position of its last event.
    up_to: Position,
}

/// A batch, and when it became durable.
pub(crate) struct Published {
    pub(crate) events: Vec<Recorded>,
    pub(crate) at: Instant,
}

#[derive(Default)]
struct Ring {
    batches: VecDeque<Arc<Published>>,
    /// The number of the batch at the front.
    first: u64,
    events: usize,
}

impl Tail {
    /// A ring that holds at most `events_max` events (the newest batch always).
    #[must_use]
    pub fn new(events_max: usize) -> Self {
        let appended = watch::Sender::new(0);
        Self(Arc::new(Inner { ring: Mutex::default(), events_max, appended, silent: Mutex::default() }))
    }

    /// Adds a batch that is durable by now, and wakes the followers.
    pub(crate) fn publish(&self, mut batch: Vec<Recorded>) {
        if batch.capacity() > 2 * batch.len() {
            // Room was made for what was then refused. The ring is bounded by events, so none of it may hold more.
            batch.shrink_to_fit();
        }
        let mut ring = self.0.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.events += batch.len();
        ring.batches.push_back(Arc::new(Published { events: batch, at: Instant::now() }));
        let mut dropped = Vec::new();
        while ring.events > self.0.events_max && ring.batches.len() > 1 {
            let oldest = ring.batches.pop_front();
            ring.events -= oldest.as_ref().map_or(0, |batch| batch.events.len());
            ring.first += 1;
            dropped.extend(oldest);
        }
        let end = ring.first + ring.batches.len() as u64;
        drop(ring);
        self.0.appended.send_replace(end);
        // Freed last: it takes long enough that nobody should wait for it.
        drop(dropped);
    }

    /// The batches from number `from` on that are still held, at most about `events_max` events of them, and the number
    /// of the batch after the last one returned.
    pub(crate) fn since(&self, from: u64, events_max: usize) -> (Vec<Arc<Published>>, u64) {
        let ring = self.0.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let skip = usize::try_from(from.saturating_sub(ring.first)).unwrap_or(usize::MAX);
        let mut taken = Vec::new();
        let mut events = 0;
        for batch in ring.batches.iter().skip(skip) {
            if events > 0 && events + batch.events.len() > events_max {
                break;
            }
            events += batch.events.len();
            taken.push(Arc::clone(batch));
        }
        let next = from.max(ring.first) + taken.len() as u64;
        (taken, next)
    }

    /// Notes that the events of `partition` after position `after`, up to position `up_to`, tell other contexts nothing: whoever looks
    /// for one that does need not read them.
    pub(crate) fn note_silence(&self, partition: PartitionId, after: Position, up_to: Position) {
        let mut silent = self.0.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = silent.entry(partition).or_insert(Silence { after, up_to });
        // Only the newest stretch is kept.
        if up_to > known.up_to {
            let joined = if after <= known.up_to { known.after.min(after) } else { after };
            *known = Silence { after: joined, up_to };
        }
    }

    /// The position up to which nothing after `position` of `partition` is known to tell other contexts anything.
    pub(crate) fn silent_up_to(&self, partition: PartitionId, position: Position) -> Position {
        let silent = self.0.silent.lock().unwrap_or_else(PoisonError::into_inner);
        let known = silent.get(&partition).filter(|known| (known.after..known.up_to).contains(&position));
        known.map_or(position, |known| known.up_to)
    }

    /// A receiver that changes whenever this process has appended; its value is the number that the next batch will have.
    #[must_use]
    pub fn appended(&self) -> watch::Receiver<u64> {
        self.0.appended.subscribe()
    }
}

impl Default for Tail {
    /// Room for 16,384 events: a projector is a few batches behind, and what lies longer in memory is cold.
    fn default() -> Self {
        Self::new(16_384)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{BatchId, Metadata, Payload, StreamName};
    use crate::time::Timestamp;

    fn recorded() -> Recorded {
        Recorded {
            partition: PartitionId(0),
            position: 1,
            stream: StreamName::new("page", "1"),
            version: 1,
            at: Timestamp::default(),
            batch: BatchId::generate(),
            metadata: Arc::new(Metadata::default()),
            payload: Payload::stored(bytes::Bytes::from_static(b"{}")),
        }
    }

    #[test]
    fn a_batch_takes_no_more_room_than_its_events() {
        let tail = Tail::default();
        let mut batch = Vec::with_capacity(1_000);
        batch.push(recorded());
        tail.publish(batch);
        let (held, _) = tail.since(0, 10);
        assert!(held[0].events.capacity() <= 2, "{}", held[0].events.capacity());
    }

    #[test]
    fn a_silence_is_passed_from_any_place_in_it_and_from_no_other() {
        let (tail, one, other) = (Tail::default(), PartitionId(0), PartitionId(1));
        tail.note_silence(one, 10, 20);
        assert_eq!([9, 10, 15, 19, 20, 21].map(|at| tail.silent_up_to(one, at)), [9, 20, 20, 20, 20, 21]);
        assert_eq!(tail.silent_up_to(other, 15), 15);
        tail.note_silence(one, 15, 30);
        assert_eq!([9, 10, 29, 30].map(|at| tail.silent_up_to(one, at)), [9, 30, 30, 30], "joined");
        tail.note_silence(one, 31, 40);
        assert_eq!([10, 30, 31, 39].map(|at| tail.silent_up_to(one, at)), [10, 30, 40, 40], "31 told something");
        tail.note_silence(one, 12, 14);
        assert_eq!(tail.silent_up_to(one, 12), 12, "an older one is not kept");
    }
}
