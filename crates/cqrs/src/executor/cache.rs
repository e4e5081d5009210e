//! The states kept from batch to batch: a bounded cache of the log, exact up to the heads the loop knows.

use std::num::NonZeroUsize;

use lru::LruCache;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::event::{PartitionId, Recorded, StreamName};
use crate::state::Slot;

/// Streams of one generation: the newest two are kept after one batch has made them and no other has used them.
const GENERATION_MAX: usize = 2_048;

/// Stream states by name, the least recently used dropped first.
///
/// Those that one batch has made and no other has used are kept apart, and for a short while: a flash sale makes streams by the
/// hundred thousand that hardly anybody asks for again. They would push out what every command needs, and they are not cheap to keep: memory that was
/// last touched so long ago is no longer in any cache of the processor when it is freed.
pub(super) struct Cache {
    again: LruCache<StreamName, Slot, FxBuildHasher>,
    once: Once,
}

/// The states that one batch has made, in two generations. A state is in one of them at the most.
struct Once {
    young: Generation,
    old: Generation,
    generation_max: usize,
}

type Generation = FxHashMap<StreamName, Slot>;

impl Cache {
    /// Room for `streams_max` streams that were used again after they were made.
    pub(super) fn new(streams_max: NonZeroUsize) -> Self {
        // Not `LruCache::with_hasher`: it would take memory for all of them at once.
        let mut again = LruCache::unbounded_with_hasher(FxBuildHasher);
        again.resize(streams_max);
        let generation_max = streams_max.get().min(GENERATION_MAX);
        Self { again, once: Once { young: Generation::default(), old: Generation::default(), generation_max } }
    }

    pub(super) fn get(&mut self, stream: &StreamName) -> Option<Slot> {
        if let Some(slot) = self.again.get(stream) {
            return Some(slot.clone());
        }
        let slot = self.once.take(stream)?;
        self.again.put(stream.clone(), slot.clone());
        Some(slot)
    }

    /// Keeps a state. One of a stream that does not exist is not kept: any process may create it, in any partition.
    pub(super) fn put(&mut self, stream: StreamName, slot: Slot) {
        if slot.version == 0 {
            return;
        }
        match self.again.get_mut(&stream) {
            Some(known) => *known = slot,
            // It existed before: this was not its first use.
            None if slot.from_log => drop(self.again.put(stream, slot)),
            None => self.once.put(stream, slot),
        }
    }

    /// Follows an event that another process wrote. A state that cannot follow is dropped and folded anew when needed.
    pub(super) fn follow(&mut self, event: &Recorded) {
        let stream = &event.stream;
        let known = self.again.peek_mut(stream).or_else(|| self.once.get_mut(stream));
        if let Some(slot) = known {
            let follows = event.version <= slot.version + 1;
            if !follows || slot.apply(event.version, &event.payload).is_err() {
                self.again.pop(stream);
                self.once.take(stream);
            }
        }
    }

    /// Drops every state of `partition`.
    pub(super) fn forget(&mut self, partition: PartitionId) {
        let names: Vec<StreamName> =
            self.again.iter().filter(|(_, slot)| slot.partition == partition).map(|(name, _)| name.clone()).collect();
        for name in names {
            self.again.pop(&name);
        }
        self.once.young.retain(|_, slot| slot.partition != partition);
        self.once.old.retain(|_, slot| slot.partition != partition);
    }
}

impl Once {
    fn take(&mut self, stream: &StreamName) -> Option<Slot> {
        self.young.remove(stream).or_else(|| self.old.remove(stream))
    }

    fn get_mut(&mut self, stream: &StreamName) -> Option<&mut Slot> {
        self.young.get_mut(stream).or_else(|| self.old.get_mut(stream))
    }

    fn put(&mut self, stream: StreamName, slot: Slot) {
        self.old.remove(&stream);
        self.young.insert(stream, slot);
        if self.young.len() >= self.generation_max {
            // Emptied, it keeps its room for the next one.
            self.old.clear();
            std::mem::swap(&mut self.young, &mut self.old);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::aggregate::Aggregate;
    use crate::event::{BatchId, Payload, Version};
    use crate::state::Kind;
    use crate::time::Timestamp;

    #[derive(Clone, Default, Serialize, Deserialize)]
    struct Page;

    impl Aggregate for Page {
        const KIND: &'static str = "page";
        type Event = ();
        fn apply(&mut self, (): &()) {}
    }

    fn name(number: usize) -> StreamName {
        StreamName::new("page", &number.to_string())
    }

    fn slot(partition: u16) -> Slot {
        Slot { version: 1, ..Slot::empty(Kind::of::<Page>(), PartitionId(partition)) }
    }

    fn written(stream: StreamName, version: Version) -> Recorded {
        Recorded {
            partition: PartitionId(0),
            position: version,
            stream,
            version,
            at: Timestamp::default(),
            batch: BatchId::generate(),
            metadata: Arc::default(),
            payload: Payload::stored(bytes::Bytes::from_static(b"null")),
        }
    }

    fn room(streams: usize) -> NonZeroUsize {
        NonZeroUsize::new(streams).unwrap()
    }

    #[test]
    fn what_is_used_once_does_not_push_out_what_is_used_again() {
        let mut cache = Cache::new(room(3));
        cache.put(name(0), slot(0));
        assert!(cache.get(&name(0)).is_some());
        for number in 1..=8 {
            cache.put(name(number), slot(0));
        }
        assert!(cache.get(&name(0)).is_some(), "used by two batches");
        assert!(cache.get(&name(3)).is_none(), "older than two generations of three");
        assert!(cache.get(&name(4)).is_some() && cache.get(&name(8)).is_some());
    }

    #[test]
    fn a_stream_is_kept_once_and_as_it_was_put_last() {
        let mut cache = Cache::new(room(3));
        cache.put(name(0), slot(0));
        assert_eq!(cache.get(&name(0)).unwrap().version, 1);
        cache.put(name(0), Slot { version: 2, ..slot(0) });
        assert_eq!(cache.get(&name(0)).unwrap().version, 2);
        assert_eq!((cache.once.young.len(), cache.once.old.len(), cache.again.len()), (0, 0, 1));
        for version in [1, 2] {
            // A new generation begins in between.
            cache.put(name(5), Slot { version, ..slot(0) });
            cache.put(name(6), slot(0));
            cache.put(name(7), slot(0));
        }
        assert_eq!(cache.get(&name(5)).unwrap().version, 2);
        assert!(cache.once.take(&name(5)).is_none(), "no older state is left behind");
        cache.put(name(1), Slot { version: 0, ..slot(0) });
        assert!(cache.get(&name(1)).is_none(), "it does not exist");
    }

    #[test]
    fn a_stream_that_was_there_before_is_kept_like_one_used_again() {
        let mut cache = Cache::new(room(3));
        cache.put(name(0), Slot { from_log: true, ..slot(0) });
        for number in 1..=8 {
            cache.put(name(number), slot(0));
        }
        assert!(cache.get(&name(0)).is_some());
    }

    #[test]
    fn what_another_process_wrote_is_followed_wherever_the_state_is() {
        let followed = |used_again: bool, version: Version| {
            let mut cache = Cache::new(room(3));
            cache.put(name(0), slot(0));
            if used_again {
                assert!(cache.get(&name(0)).is_some());
            }
            cache.follow(&written(name(0), version));
            cache.get(&name(0)).map(|slot| slot.version)
        };
        for used_again in [false, true] {
            assert_eq!(followed(used_again, 1), Some(1), "held already");
            assert_eq!(followed(used_again, 2), Some(2));
            assert_eq!(followed(used_again, 3), None, "one is missing in between: it is folded anew");
        }
    }

    #[test]
    fn a_partition_is_forgotten_wherever_its_streams_are() {
        let mut cache = Cache::new(room(4));
        for number in 0..4 {
            cache.put(name(number), slot(u16::from(number > 1)));
        }
        for number in [0, 2] {
            assert!(cache.get(&name(number)).is_some());
        }
        cache.forget(PartitionId(0));
        let kept: Vec<bool> = (0..4).map(|number| cache.get(&name(number)).is_some()).collect();
        assert_eq!(kept, [false, false, true, true]);
    }
}
