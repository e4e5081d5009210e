//! Which names are surely not in a run: asked first, because most names that a writer asks for are of streams it is about to make.

use cqrs::StreamName;
use xxhash_rust::xxh3::xxh3_128;

/// Bits per name: with [`MARKS`] of them set for each, about one in a thousand names is taken for one that is there.
const BITS_PER_NAME: usize = 16;
const MARKS: u32 = 8;

/// Bits of a block, which is what a processor fetches at once.
const BLOCK_BITS: usize = 512;

#[derive(Clone, Default)]
#[repr(align(64))]
struct Block([u64; 8]);

/// A Bloom filter in blocks.
pub(super) struct Filter {
    blocks: Vec<Block>,
    room: u64,
}

/// A name as filters look at it: asked of several, it is read once.
#[derive(Clone, Copy)]
pub(super) struct Hashed(u128);

impl Hashed {
    pub(super) fn of(stream: &StreamName) -> Self {
        Self::of_text(stream.as_str())
    }

    pub(super) fn of_text(name: &str) -> Self {
        Self(xxh3_128(name.as_bytes()))
    }
}

impl Filter {
    /// A filter with `room` for so many names.
    pub(super) fn new(room: u64) -> Self {
        let names = usize::try_from(room).unwrap_or(usize::MAX);
        let blocks = names.saturating_mul(BITS_PER_NAME).div_ceil(BLOCK_BITS).max(1);
        Self { blocks: vec![Block::default(); blocks], room }
    }

    /// The names for which there is room.
    pub(super) fn room(&self) -> u64 {
        self.room
    }

    pub(super) fn add(&mut self, name: Hashed) {
        let block = self.place(name);
        if let Some(Block(words)) = self.blocks.get_mut(block) {
            for (word, mark) in marks(name) {
                if let Some(word) = words.get_mut(word) {
                    *word |= mark;
                }
            }
        }
    }

    /// Whether `name` was surely not added.
    pub(super) fn excludes(&self, name: Hashed) -> bool {
        let Some(Block(words)) = self.blocks.get(self.place(name)) else { return false };
        marks(name).any(|(word, mark)| words.get(word).is_some_and(|word| word & mark == 0))
    }

    /// The upper half of a hash says which block.
    fn place(&self, Hashed(hash): Hashed) -> usize {
        let upper = hash >> 64;
        usize::try_from((upper * self.blocks.len() as u128) >> 64).unwrap_or(usize::MAX)
    }
}

/// The lower bits of a hash say which bits of the block: nine of them for each.
fn marks(Hashed(hash): Hashed) -> impl Iterator<Item = (usize, u64)> {
    (0..MARKS).map(move |mark| {
        let bit = (hash >> (9 * mark)) as usize % BLOCK_BITS;
        (bit / 64, 1 << (bit % 64))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(number: u64) -> Hashed {
        Hashed::of_text(&format!("reservation/{number}"))
    }

    #[test]
    fn no_name_that_was_added_is_excluded_and_hardly_another_is_not() {
        const NAMES: u64 = 100_000;
        let mut filter = Filter::new(NAMES);
        (0..NAMES).for_each(|number| filter.add(name(number)));
        assert!((0..NAMES).all(|number| !filter.excludes(name(number))));
        let taken = (NAMES..2 * NAMES).filter(|number| !filter.excludes(name(*number))).count();
        assert!(taken < 500, "{taken} of {NAMES} names that were not added");
    }

    #[test]
    fn one_without_names_excludes_all() {
        assert!(Filter::new(0).excludes(name(1)));
    }
}
