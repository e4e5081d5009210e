//! Shelves in the model: units come, go and change their pile, but never those that are promised.

use super::Model;

impl Model {
    /// Whether what is on hand can change so: what is kept unsold stays, and so does what is promised.
    pub(super) fn can_change(&self, sku: usize, place: usize, delta: i64) -> bool {
        let shelf = &self.shelves[sku];
        let stays = shelf.on_hand[place] + delta >= 0 && (delta > 0 || shelf.sold(place) + delta >= 0);
        stays && (delta > 0 || self.free_anywhere(sku) + delta + shelf.limit >= 0)
    }

    /// Units come or go; `corrects` if the books were wrong rather than goods moved.
    pub(crate) fn adjust(&mut self, sku: usize, place: usize, delta: i64, corrects: bool, done: bool) {
        assert_eq!(done, self.can_change(sku, place, delta), "adjust {sku} at {place} by {delta}");
        if done {
            self.shelves[sku].on_hand[place] += delta;
            self.shelves[sku].corrections[place] += u64::from(corrects);
        }
    }

    /// Units go from one pile to another: 0 is sold, 1 damaged, 2 controlled, and 3 no pile at all.
    pub(crate) fn regrade(&mut self, sku: usize, place: usize, units: i64, (from, to): (usize, usize), done: bool) {
        let shelf = &self.shelves[sku];
        let there = match from {
            0 => self.free(sku, place).min(self.free_anywhere(sku)),
            1 => shelf.damaged[place],
            _ => shelf.in_control[place],
        };
        assert_eq!(done, from != to && units <= there, "regrade {units} of {sku} at {place} from {from} to {to}");
        if !done {
            return;
        }
        let shelf = &mut self.shelves[sku];
        for (pile, units) in [(from, -units), (to, units)] {
            match pile {
                1 => shelf.damaged[place] += units,
                2 => shelf.in_control[place] += units,
                3 => shelf.on_hand[place] -= units,
                _ => {}
            }
        }
        self.check_promise();
    }

    pub(crate) fn update(&mut self, sku: usize, safety: i64, limit: i64, done: bool) {
        assert_eq!(done, self.free_anywhere(sku) + limit >= 0, "update {sku}");
        if done {
            (self.shelves[sku].safety, self.shelves[sku].limit) = (safety, limit);
        }
    }
}
