//! Which names are surely not in `streams.db`: asked first, because most names that a writer asks for are of streams it is about
//! to make.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{PoisonError, RwLock};

use xxhash_rust::xxh3::xxh3_128;

/// Names that the first layer has room for; each next one has four times as many.
const FIRST_LAYER_NAMES: usize = 262_144;
/// With so many layers there is room for 89 million names in 134 MB. A file with more is asked for every name.
const LAYERS_MAX: usize = 5;
/// Bits of a layer per name: with [`MARKS`] of them set for each, fewer than one in a hundred names is taken for one that is there.
const BITS_PER_NAME: usize = 12;
const MARKS: u32 = 6;

/// Bits of a block, which is as large as what a processor fetches at once.
const BLOCK_BITS: u32 = 512;
type Block = [AtomicU64; 8];

/// A Bloom filter in blocks that grows by layers. One thread adds to it, any number ask it meanwhile.
#[derive(Default)]
pub(super) struct Filter {
    layers: RwLock<Vec<Layer>>,
    /// Whether every name of the file is in it.
    complete: AtomicBool,
}

struct Layer {
    blocks: Vec<Block>,
    room: AtomicUsize,
}

impl Filter {
    /// Whether `name` is surely not in the file.
    pub(super) fn excludes(&self, name: &str) -> bool {
        self.complete.load(Ordering::Acquire) && {
            let hash = xxh3_128(name.as_bytes());
            let layers = self.layers.read().unwrap_or_else(PoisonError::into_inner);
            !layers.iter().any(|layer| layer.has(hash))
        }
    }

    /// Adds a name that is, or is about to be, in the file; whether there was room. One that is in it already takes none.
    pub(super) fn add(&self, name: &str) -> bool {
        let hash = xxh3_128(name.as_bytes());
        {
            let layers = self.layers.read().unwrap_or_else(PoisonError::into_inner);
            if layers.iter().any(|layer| layer.has(hash)) {
                return true;
            }
            if let Some(newest) = layers.last().filter(|layer| layer.takes()) {
                newest.add(hash);
                return true;
            }
        }
        let mut layers = self.layers.write().unwrap_or_else(PoisonError::into_inner);
        if layers.len() == LAYERS_MAX {
            self.complete.store(false, Ordering::Release);
            return false;
        }
        let layer = Layer::new(FIRST_LAYER_NAMES << (2 * layers.len()));
        layer.takes();
        layer.add(hash);
        layers.push(layer);
        true
    }

    /// Every name that the file has is in it from now on.
    pub(super) fn complete(&self) {
        self.complete.store(true, Ordering::Release);
    }

    #[cfg(test)]
    fn names_max() -> usize {
        (0..LAYERS_MAX).map(|layer| FIRST_LAYER_NAMES << (2 * layer)).sum()
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
        if let Some(block) = self.block(hash) {
            for (word, mark) in marks(hash) {
                if let Some(word) = block.get(word) {
                    word.fetch_or(mark, Ordering::Relaxed);
                }
            }
        }
    }

    fn has(&self, hash: u128) -> bool {
        let Some(block) = self.block(hash) else { return false };
        marks(hash).all(|(word, mark)| block.get(word).is_some_and(|word| word.load(Ordering::Relaxed) & mark != 0))
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
            assert_eq!(filter.layers.read().unwrap().len(), layer + 1);
            let layers = filter.layers.read().unwrap();
            layers[layer].room.store(0, Ordering::Relaxed);
        }
        assert!(filter.excludes("reservation/none"));
        assert!(!filter.add("one too many"));
        assert!(!filter.excludes("reservation/none"));
        assert_eq!(Filter::names_max() / 1_000_000, 89);
    }
}
