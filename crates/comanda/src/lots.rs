//! Numbers that look random and repeat with their seed: which moment a process dies at, which try fails.

/// A number that looks random, for a number that need not (the mixing of SplitMix64).
pub(crate) fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// A row of such numbers.
pub(crate) struct Lots(u64);

impl Lots {
    /// The row that `seed` makes.
    pub(crate) fn of(seed: u64) -> Self {
        Self(mixed(seed))
    }

    /// The next, from `least` to `most`.
    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        least + mixed(self.0) % (most.saturating_sub(least) + 1)
    }
}
