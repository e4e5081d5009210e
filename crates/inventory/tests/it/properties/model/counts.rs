//! Cycle counts in the model: a difference that was found is made good once, unless the books were put right meanwhile.

use super::Model;

/// A count of one SKU at one place that was found right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    sku: usize,
    place: usize,
    difference: i64,
    /// How often the books had been put right there.
    corrections: u64,
    applied: bool,
}

impl Model {
    /// Whether the count is a new one.
    pub(crate) fn count(&mut self, id: usize, sku: usize, place: usize, units: i64) -> bool {
        if self.counts.contains_key(&id) {
            return false;
        }
        let difference = units - self.shelves[sku].on_hand[place];
        let corrections = self.shelves[sku].corrections[place];
        self.counts.insert(id, Counted { sku, place, difference, corrections, applied: false });
        true
    }

    pub(crate) fn apply_count(&mut self, id: usize, done: bool) {
        let Some(counted) = self.counts.get(&id).copied() else {
            assert!(!done);
            return;
        };
        let Counted { sku, place, difference, corrections, applied } = counted;
        if applied || difference == 0 {
            assert!(done, "{counted:?}");
        } else {
            let untouched = self.shelves[sku].corrections[place] == corrections;
            let allowed = untouched && self.can_change(sku, place, difference);
            assert_eq!(done, allowed, "apply {counted:?} on {:?}", self.shelves);
            if done {
                self.shelves[sku].on_hand[place] += difference;
                self.shelves[sku].corrections[place] += 1;
                self.check_promise();
            }
        }
        if done && let Some(counted) = self.counts.get_mut(&id) {
            counted.applied = true;
        }
    }
}
