//! The states kept from batch to batch: a bounded cache of the log, exact up to the heads the loop knows.

use std::num::NonZeroUsize;

use lru::LruCache;
use rustc_hash::FxBuildHasher;

use crate::event::{PartitionId, Recorded, StreamName};
use crate::state::Slot;

/// Stream states by name, the least recently used dropped first.
pub(super) struct Cache(LruCache<StreamName, Slot, FxBuildHasher>);

impl Cache {
    pub(super) fn new(streams_max: NonZeroUsize) -> Self {
        // Not `LruCache::with_hasher`: it would take memory for all of them at once.
        let mut cache = LruCache::unbounded_with_hasher(FxBuildHasher);
        cache.resize(streams_max);
        Self(cache)
    }

    pub(super) fn get(&mut self, stream: &StreamName) -> Option<Slot> {
        self.0.get(stream).cloned()
    }

    /// Keeps a state. One of a stream that does not exist is not kept: any process may create it, in any partition.
    pub(super) fn put(&mut self, stream: StreamName, slot: Slot) {
        if slot.version > 0 {
            self.0.put(stream, slot);
        }
    }

    /// Follows an event that another process wrote. A state that cannot follow is dropped and folded anew when needed.
    pub(super) fn follow(&mut self, event: &Recorded) {
        if let Some(slot) = self.0.peek_mut(&event.stream) {
            let follows = event.version <= slot.version + 1;
            if !follows || slot.apply(event.version, &event.payload).is_err() {
                self.0.pop(&event.stream);
            }
        }
    }

    /// Drops every state of `partition`.
    pub(super) fn forget(&mut self, partition: PartitionId) {
        let names: Vec<StreamName> =
            self.0.iter().filter(|(_, slot)| slot.partition == partition).map(|(name, _)| name.clone()).collect();
        for name in names {
            self.0.pop(&name);
        }
    }
}
