//! The end of the log in memory: what this process appended last, so that its projections need not read it back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::watch;

use crate::event::Recorded;

/// A bounded ring of the batches appended last, and the wake-up of those who follow the log.
///
/// It is only a shortcut: a follower that finds a gap (it fell behind, another process wrote) reads the log.
#[derive(Clone)]
pub struct Tail(Arc<Inner>);

struct Inner {
    ring: Mutex<Ring>,
    events_max: usize,
    appended: watch::Sender<u64>,
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
        Self(Arc::new(Inner { ring: Mutex::default(), events_max, appended }))
    }

    /// Adds a batch that is durable by now, and wakes the followers.
    pub(crate) fn publish(&self, batch: Vec<Recorded>) {
        let mut ring = self.0.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.events += batch.len();
        ring.batches.push_back(Arc::new(Published { events: batch, at: Instant::now() }));
        while ring.events > self.0.events_max && ring.batches.len() > 1 {
            let dropped = ring.batches.pop_front().map_or(0, |batch| batch.events.len());
            ring.events -= dropped;
            ring.first += 1;
        }
        let end = ring.first + ring.batches.len() as u64;
        drop(ring);
        self.0.appended.send_replace(end);
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

    /// A receiver that changes whenever this process has appended.
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
