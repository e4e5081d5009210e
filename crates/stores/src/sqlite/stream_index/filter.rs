//! Which names are surely not in `streams.db`: asked first, because most names that a writer asks for are of streams it is about
//! to make.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use xxhash_rust::xxh3::xxh3_128;

/// Names that the first layer has room for; each next one has four times as many.
const FIRST_LAYER_NAMES: usize = 262_144;
/// With so many layers there is room for 89 million names in 134 MB. A file with more is asked for every name.
const LAYERS_MAX: usize = 5;
/// Bits of a layer per name: with [`MARKS`] of them set for each, fewer than one in a hundred names is taken for one that is there.
const BITS_PER_NAME: usize = 12;
const MARKS: u32 = 6;

/// Bits of a block, which is what a processor fetches at once.
const BLOCK_BITS: u32 = 512;

#[derive(Default)]
#[repr(align(64))]
struct Block([AtomicU64; 8]);

/// A Bloom filter in blocks that grows by layers. One thread adds to it, any number ask it meanwhile.
#[derive(Default)]
pub(super) struct Filter(RwLock<Names>);

#[derive(Default)]
struct Names {
    layers: Vec<Layer>,
    knows: Knows,
}

/// Of which names the filter can say that the file does not have them.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Knows {
    /// Of none yet: not every name of the file is in it.
    #[default]
    Some,
    All,
    /// Of none any more: the file has more names than there is room for.
    TooMany,
}

struct Layer {
    blocks: Vec<Block>,
    room: AtomicUsize,
}

impl Filter {
    /// Whether `name` is surely not in the file.
    pub(super) fn excludes(&self, name: &str) -> bool {
        let hash = xxh3_128(name.as_bytes());
        let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
        names.knows == Knows::All && !names.have(hash)
    }

    /// Adds a name that is, or is about to be, in the file; whether there was room. One that is in it already takes none.
    pub(super) fn add(&self, name: &str) -> bool {
        let hash = xxh3_128(name.as_bytes());
        let layers = {
            let names = self.0.read().unwrap_or_else(PoisonError::into_inner);
            if names.knows == Knows::TooMany {
                return false;
            }
            if names.have(hash) {
                return true;
            }
            if let Some(newest) = names.layers.last().filter(|layer| layer.takes()) {
                newest.add(hash);
                return true;
            }
            names.layers.len()
        };
        if layers == LAYERS_MAX {
            // Freed once the lock is given back.
            let full = Names { layers: Vec::new(), knows: Knows::TooMany };
            let _full = std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), full);
            return false;
        }
        // Nobody else adds, and nobody who asks waits while a hundred megabytes are cleared.
        let layer = Layer::new(FIRST_LAYER_NAMES << (2 * layers));
        layer.takes();
        layer.add(hash);
        self.0.write().unwrap_or_else(PoisonError::into_inner).layers.push(layer);
        true
    }

    /// Every name that the file has is in it from now on.
    pub(super) fn complete(&self) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).knows = Knows::All;
    }

    #[cfg(test)]
    fn names_max() -> usize {
        (0..LAYERS_MAX).map(|layer| FIRST_LAYER_NAMES << (2 * layer)).sum()
    }
}

impl Names {
    fn have(&self, hash: u128) -> bool {
        self.layers.iter().any(|layer| layer.has(hash))
    }
}

impl Layer {
    fn new(names: usize) -> Self {
        let blocks = (names * BITS_PER_NAME).div_ceil(BLOCK_BITS as usize);
        Self { blocks: (0..blocks).map(|_| Block::default()).collect(), room: AtomicUsize::new(names) }
    }

    /// Takes the room for one more name, if there is any.
    fn takes(&self) -> bool {
        self.room.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |room| room.checked_sub(1)).is_ok()
    }

    fn add(&self, hash: u128) {
        if let Some(Block(words)) = self.block(hash) {
            for (word, mark) in marks(hash) {
                if let Some(word) = words.get(word) {
                    word.fetch_or(mark, Ordering::Relaxed);
                }
            }
        }
    }

    fn has(&self, hash: u128) -> bool {
        let Some(Block(words)) = self.block(hash) else { return false };
        marks(hash).all(|(word, mark)| words.get(word).is_some_and(|word| word.load(Ordering::Relaxed) & mark != 0))
    }

    /// The upper half of a hash says which block.
    fn block(&self, hash: u128) -> Option<&Block> {
        let upper = hash >> 64;
        let index = (upper * self.blocks.len() as u128) >> 64;
        self.blocks.get(usize::try_from(index).ok()?)
    }
}

/// The lower half of a hash says which bits of the block: nine of its bits for each.
fn marks(hash: u128) -> impl Iterator<Item = (usize, u64)> {
    (0..MARKS).map(move |mark| {
        let bit = (hash >> (9 * mark)) as u64 % u64::from(BLOCK_BITS);
        ((bit / 64) as usize, 1 << (bit % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: usize) -> String {
        format!("reservation/{number}")
    }

    #[test]
    fn no_name_that_was_added_is_excluded_and_hardly_another_is_not() {
        let filter = Filter::default();
        let names = FIRST_LAYER_NAMES * 2;
        for number in 0..names {
            assert!(filter.add(&name(number)));
        }
        assert!(!filter.excludes("reservation/none"), "as long as it is not complete");
        filter.complete();
        assert!((0..names).all(|number| !filter.excludes(&name(number))));
        let excluded = (names..2 * names).filter(|number| filter.excludes(&name(*number))).count();
        assert!(excluded * 100 > names * 98, "{excluded} of {names}");
    }

    #[test]
    fn one_that_is_full_excludes_nothing_any_more() {
        let filter = Filter::default();
        filter.complete();
        for layer in 0..LAYERS_MAX {
            assert!(filter.add(&name(layer)) && filter.add(&name(layer)));
            let names = filter.0.read().unwrap();
            assert_eq!(names.layers.len(), layer + 1);
            names.layers[layer].room.store(0, Ordering::Relaxed);
        }
        assert!(filter.excludes("reservation/none"));
        assert!(!filter.add("one too many"));
        assert!(!filter.excludes("reservation/none") && !filter.add("another"));
        assert!(filter.0.read().unwrap().layers.is_empty(), "its memory is given back");
        assert_eq!(Filter::names_max() / 1_000_000, 89);
    }
}
