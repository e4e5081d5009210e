//! What each holder of a credential holds back at this moment, so that nobody hoards: counted before a hold is decided.
//!
//! It is kept in memory by the process that decides, and only of those whose holds are bounded. Units are taken before the
//! decision and given back if it is a no, so that requests at the same time cannot pass the bound together. What is not known
//! to have ended counts until its time is over. After a restart the count begins at nothing: holds from before end by their
//! time, and are not held against anybody.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cqrs::Timestamp;

/// A reservation, and which of its items: the empty one where it is reserved as a whole.
pub type Item = (Arc<str>, Arc<str>);

/// The book. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct HoldBook(Arc<Mutex<Book>>);

#[derive(Debug, Default)]
struct Book {
    holds: BTreeMap<Item, Hold>,
    /// The same by the time they end.
    ends: BTreeSet<(Timestamp, Item)>,
    /// Units by holder.
    units: HashMap<Arc<str>, u64>,
}

#[derive(Clone, Debug)]
struct Hold {
    holder: Arc<str>,
    units: u64,
    ends: Timestamp,
    /// Requests for it that are not decided yet.
    pending: u32,
    /// Whether one was decided with a yes, or may have been.
    stands: bool,
}

/// The bound would be passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// Units held by now.
    pub held: u64,
}

/// Units taken for a request that is being decided. Dropped before that is known, they count until their time is over.
#[derive(Debug)]
pub struct Taken {
    book: HoldBook,
    item: Item,
    settled: bool,
}

impl HoldBook {
    /// Takes `units` for `item` of `holder`, until `ends` at the latest, if that leaves it with at most `units_max`.
    ///
    /// # Errors
    /// [`TooMany`]
    pub fn take(
        &self,
        holder: &Arc<str>,
        units_max: u64,
        item: Item,
        units: u64,
        ends: Timestamp,
        now: Timestamp,
    ) -> Result<Taken, TooMany> {
        let mut book = self.book();
        book.forget_ended(now);
        let held = book.units.get(holder).copied().unwrap_or(0);
        // A request that is repeated counts once; one that asks for more under the same id is counted at its most.
        let known = book.holds.get(&item).filter(|hold| hold.holder == *holder).cloned();
        let before = known.as_ref().map_or(0, |hold| hold.units);
        if held.saturating_sub(before).saturating_add(units.max(before)) > units_max.max(held) {
            return Err(TooMany { held });
        }
        let (pending, stands) = known.as_ref().map_or((0, false), |hold| (hold.pending, hold.stands));
        let ends = known.map_or(ends, |hold| hold.ends.max(ends));
        book.put(
            item.clone(),
            Hold { holder: Arc::clone(holder), units: units.max(before), ends, pending: pending + 1, stands },
        );
        Ok(Taken { book: self.clone(), item, settled: false })
    }

    /// Whether anything of `reservation` counts.
    pub fn knows(&self, reservation: &str) -> bool {
        let book = self.book();
        let first: Item = (reservation.into(), "".into());
        book.holds.range(first..).next().is_some_and(|(item, _)| *item.0 == *reservation)
    }

    /// `item` holds `units` until `ends` now: nothing of it counts any more if that is none.
    pub fn follow(&self, item: &Item, units: u64, ends: Timestamp) {
        let mut book = self.book();
        let Some(hold) = book.holds.get(item).cloned() else { return };
        if units == 0 {
            book.remove(item);
        } else {
            book.put(item.clone(), Hold { units, ends, ..hold });
        }
    }

    /// Nothing of `reservation` counts any more.
    pub fn ended(&self, reservation: &Arc<str>) {
        let mut book = self.book();
        let first: Item = (Arc::clone(reservation), "".into());
        let items: Vec<Item> =
            book.holds.range(first..).map(|(item, _)| item.clone()).take_while(|item| item.0 == *reservation).collect();
        for item in items {
            book.remove(&item);
        }
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        // Every change of it is whole before anything can panic.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Taken {
    /// It was decided with a yes: so much is held, until then.
    pub fn granted(mut self, units: u64, ends: Timestamp) {
        self.settled = true;
        let mut book = self.book.book();
        let Some(hold) = book.holds.get(&self.item).cloned() else { return };
        let pending = hold.pending.saturating_sub(1);
        if units == 0 && pending == 0 {
            book.remove(&self.item);
        } else {
            // Another request under the same id may still be decided: then it counts at its most.
            let units = if pending == 0 { units } else { units.max(hold.units) };
            book.put(self.item.clone(), Hold { units, ends, pending, stands: true, ..hold });
        }
    }

    /// It was decided with a no: nothing more is held than before.
    pub fn refused(mut self) {
        self.settled = true;
        let mut book = self.book.book();
        let Some(hold) = book.holds.get(&self.item).cloned() else { return };
        let pending = hold.pending.saturating_sub(1);
        if pending == 0 && !hold.stands {
            book.remove(&self.item);
        } else {
            book.put(self.item.clone(), Hold { pending, ..hold });
        }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        if !self.settled {
            let mut book = self.book.book();
            if let Some(hold) = book.holds.get(&self.item).cloned() {
                let pending = hold.pending.saturating_sub(1);
                book.put(self.item.clone(), Hold { pending, stands: true, ..hold });
            }
        }
    }
}

impl Book {
    fn put(&mut self, item: Item, hold: Hold) {
        self.remove(&item);
        *self.units.entry(Arc::clone(&hold.holder)).or_default() += hold.units;
        self.ends.insert((hold.ends, item.clone()));
        self.holds.insert(item, hold);
    }

    fn remove(&mut self, item: &Item) {
        let Some(hold) = self.holds.remove(item) else { return };
        self.ends.remove(&(hold.ends, item.clone()));
        if let Some(units) = self.units.get_mut(&hold.holder) {
            *units = units.saturating_sub(hold.units);
            if *units == 0 {
                self.units.remove(&hold.holder);
            }
        }
    }

    fn forget_ended(&mut self, now: Timestamp) {
        while let Some((ends, item)) = self.ends.first().cloned()
            && ends <= now
        {
            self.remove(&item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000);
    const LATER: Timestamp = Timestamp::from_millis(60_000);

    fn item(id: &str) -> Item {
        (id.into(), "".into())
    }

    fn take(book: &HoldBook, id: &str, units: u64, now: Timestamp) -> Result<Taken, TooMany> {
        book.take(&"key:a".into(), 10, item(id), units, LATER, now)
    }

    #[test]
    fn no_more_than_the_bound_is_taken_and_what_was_refused_is_given_back() {
        let book = HoldBook::default();
        take(&book, "r", 7, NOW).unwrap().granted(7, LATER);
        assert_eq!(take(&book, "s", 4, NOW).unwrap_err(), TooMany { held: 7 });
        take(&book, "s", 3, NOW).unwrap().refused();
        take(&book, "s", 3, NOW).unwrap().granted(2, LATER);
        assert_eq!(take(&book, "t", 2, NOW).unwrap_err(), TooMany { held: 9 });
        book.ended(&"r".into());
        take(&book, "t", 8, NOW).unwrap().granted(8, LATER);
        // Another holder has a bound of his own.
        assert!(book.take(&"key:b".into(), 10, item("u"), 10, LATER, NOW).is_ok());
    }

    #[test]
    fn what_is_not_known_counts_until_its_time_is_over() {
        let book = HoldBook::default();
        drop(take(&book, "r", 10, NOW).unwrap());
        assert_eq!(take(&book, "s", 1, NOW).unwrap_err(), TooMany { held: 10 });
        assert!(take(&book, "s", 10, LATER).is_ok());
    }

    #[test]
    fn a_repeated_request_counts_once_and_a_larger_one_under_its_id_at_its_most() {
        let book = HoldBook::default();
        let (first, second) = (take(&book, "r", 2, NOW).unwrap(), take(&book, "r", 6, NOW).unwrap());
        assert_eq!(take(&book, "s", 5, NOW).unwrap_err(), TooMany { held: 6 });
        assert_eq!(take(&book, "r", 11, NOW).unwrap_err(), TooMany { held: 6 });
        first.refused();
        assert_eq!(take(&book, "s", 5, NOW).unwrap_err(), TooMany { held: 6 }, "the other may still be a yes");
        second.granted(6, LATER);
        take(&book, "r", 6, NOW).unwrap().refused();
        assert_eq!(take(&book, "s", 5, NOW).unwrap_err(), TooMany { held: 6 }, "a no to a repetition ends nothing");
    }

    #[test]
    fn requests_at_the_same_time_cannot_pass_the_bound_together() {
        let book = HoldBook::default();
        let taken: usize = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|thread| {
                    let book = &book;
                    scope.spawn(move || {
                        let granted =
                            |n| take(book, &format!("{thread}-{n}"), 1, NOW).map(|taken| taken.granted(1, LATER));
                        (0..50).filter(|n| granted(*n).is_ok()).count()
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap_or(0)).sum()
        });
        assert_eq!(taken, 10);
    }
}
