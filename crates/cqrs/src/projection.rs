//! Projections: folds from the log into the rows of a read model. They have no way to cause an effect.
//!
//! A view answers one question, or few. You write its row ([`ReadModel`]) in the shape of the answer, and a [`Projection`]
//! that says what each event changes in the rows. The [`projector`](crate::projector) does the rest: it follows the log,
//! commits rows and place together, and builds the rows anew when you raise [`ReadModel::VERSION`].
//!
//! Two rules make that possible. A fold looks at nothing but the event and the rows of its own view. And a row is written by events
//! of one partition only; what many partitions contribute to is kept in parts ([`combine`](crate::combine)).
//!
//! Next: [`query`](crate::query), which reads the rows.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;

use lru::LruCache;
use rustc_hash::{FxBuildHasher, FxHashMap};

use crate::aggregate::Aggregate;
use crate::event::Recorded;
use crate::read_store::ReadModel;

/// A fold of events into the rows of one read model.
///
/// The fold is pure and may be called again for the same event (a row it asked for had to be loaded first); all it can
/// do is change rows, so replaying a log is always safe. A row MUST be written by events of one partition only.
///
/// ```
/// use cqrs::{Aggregate, Projection, ReadModel, Recorded, Rows, Unreadable};
/// use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Default, Serialize, Deserialize)]
/// # struct Door { open: bool }
/// # #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// # enum DoorEvent { Opened }
/// # impl Aggregate for Door {
/// #     const KIND: &'static str = "door";
/// #     type Event = DoorEvent;
/// #     fn apply(&mut self, _: &DoorEvent) { self.open = true; }
/// # }
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Openings { times: u64 }
///
/// impl ReadModel for Openings {
///     const NAME: &'static str = "openings";
///     const VERSION: u32 = 1;
/// }
///
/// struct CountOpenings;
///
/// impl Projection for CountOpenings {
///     type Row = Openings;
///
///     fn fold(&self, event: &Recorded, rows: &mut Rows<Openings>) -> Result<(), Unreadable> {
///         if event.as_event_of::<Door>()?.is_some() {
///             let times = rows.get(event.stream.id()).map_or(0, |row| row.times);
///             rows.put(event.stream.id(), Openings { times: times + 1 });
///         }
///         Ok(())
///     }
/// }
/// ```
pub trait Projection: Send + Sync + 'static {
    /// The rows it writes.
    type Row: ReadModel;

    /// Folds one event.
    ///
    /// # Errors
    /// [`Unreadable`] if the event cannot be decoded.
    fn fold(&self, event: &Recorded, rows: &mut Rows<Self::Row>) -> Result<(), Unreadable>;
}

/// A stored event that this version cannot decode.
#[derive(Clone, Debug, thiserror::Error)]
#[error("event {stream}@{version} (partition {partition}, position {position}) cannot be read: {cause}")]
pub struct Unreadable {
    /// The event's stream.
    pub stream: String,
    /// Its version in it.
    pub version: u64,
    /// Its partition.
    pub partition: u16,
    /// Its position.
    pub position: u64,
    /// What the decoder said.
    pub cause: String,
}

impl Unreadable {
    /// That `event` cannot be read, and why.
    #[must_use]
    pub fn of(event: &Recorded, cause: &dyn fmt::Display) -> Self {
        Self {
            stream: event.stream.to_string(),
            version: event.version,
            partition: event.partition.0,
            position: event.position,
            cause: cause.to_string(),
        }
    }
}

impl Recorded {
    /// This event as one of aggregate `A`; `None` if it is of another kind.
    ///
    /// # Errors
    /// [`Unreadable`] if it is of that kind and cannot be decoded.
    pub fn as_event_of<A: Aggregate>(&self) -> Result<Option<Arc<A::Event>>, Unreadable> {
        if !self.stream.is_of(A::KIND) {
            return Ok(None);
        }
        self.payload.decode::<A>().map(Some).map_err(|cause| Unreadable::of(self, &cause))
    }
}

/// The rows that a fold reads and writes: a batch of events works on them in memory.
pub struct Rows<R> {
    /// Rows as they are stored.
    known: LruCache<String, Known<R>, FxBuildHasher>,
    /// What all of `known` weighs.
    known_bytes: usize,
    bytes_max: usize,
    /// Whether `known` and `kept` are all the rows that can be met: then what they lack is known to be absent.
    all_known: bool,
    /// Rows as earlier batches left them that are not stored yet.
    kept: FxHashMap<String, Option<Arc<R>>>,
    /// Rows as this batch leaves them.
    changed: FxHashMap<String, Option<Arc<R>>>,
    /// What the changed rows weigh, as they are to be stored.
    weights: FxHashMap<String, usize>,
    /// Keys that were asked for and are not in memory.
    absent: Vec<String>,
}

/// A row as it is stored, or the knowledge that there is none.
struct Known<R> {
    row: Option<Arc<R>>,
    /// The length of its key and its document.
    bytes: usize,
}

impl<R: ReadModel> Rows<R> {
    /// No rows in memory yet; at most `rows_max` with keys and documents of `bytes_max` in all are kept from batch to batch.
    /// `none_stored` says that there are no others.
    pub(crate) fn new(rows_max: NonZeroUsize, bytes_max: usize, none_stored: bool) -> Self {
        Self {
            known: LruCache::with_hasher(rows_max, FxBuildHasher),
            known_bytes: 0,
            bytes_max,
            all_known: none_stored,
            kept: FxHashMap::default(),
            changed: FxHashMap::default(),
            weights: FxHashMap::default(),
            absent: Vec::new(),
        }
    }

    /// The row under `key`, if there is one.
    ///
    /// A row that is not in memory yet reads as none; the batch is folded again once it is loaded.
    pub fn get(&mut self, key: &str) -> Option<Arc<R>> {
        if let Some(row) = self.changed.get(key).or_else(|| self.kept.get(key)) {
            return row.clone();
        }
        if let Some(known) = self.known.get(key) {
            return known.row.clone();
        }
        if !self.all_known {
            self.absent.push(key.to_owned());
        }
        None
    }

    /// Writes the row under `key`.
    pub fn put(&mut self, key: &str, row: R) {
        self.set(key, Some(Arc::new(row)));
    }

    /// Removes the row under `key`.
    pub fn remove(&mut self, key: &str) {
        self.set(key, None);
    }

    /// Changes the row under `key` in place, if it exists.
    pub fn update(&mut self, key: &str, change: impl FnOnce(&mut R)) {
        if let Some(row) = self.changed.get_mut(key) {
            if let Some(row) = row {
                change(Arc::make_mut(row));
            }
        } else if let Some(mut row) = self.get(key) {
            change(Arc::make_mut(&mut row));
            self.changed.insert(key.to_owned(), Some(row));
        }
    }

    fn set(&mut self, key: &str, row: Option<Arc<R>>) {
        match self.changed.get_mut(key) {
            Some(slot) => *slot = row,
            None => drop(self.changed.insert(key.to_owned(), row)),
        }
    }

    /// A batch begins: what an earlier one changed without being kept or stored is forgotten.
    pub(crate) fn begin(&mut self) {
        self.changed.clear();
        self.absent.clear();
    }

    /// Whether this batch has missed a row: what it changed was folded from too little.
    pub(crate) fn has_missed(&self) -> bool {
        !self.absent.is_empty()
    }

    /// The keys that this batch missed. If there are any, what it changed was folded from too little and is dropped.
    pub(crate) fn take_absent(&mut self) -> Vec<String> {
        if !self.absent.is_empty() {
            self.changed.clear();
        }
        std::mem::take(&mut self.absent)
    }

    /// Puts a stored row into memory, whose document has so many `bytes`.
    pub(crate) fn load(&mut self, key: String, row: Option<Arc<R>>, bytes: usize) {
        self.know(key, row, bytes);
    }

    /// Says whether the rows that come next can be stored already. If not, what is known of stored ones is of no more use.
    pub(crate) fn meets_stored(&mut self, stored: bool) {
        self.all_known = !stored;
        if !stored {
            self.known.clear();
            self.known_bytes = 0;
        }
    }

    /// Keeps what this batch has changed, to be stored with a later one.
    pub(crate) fn keep(&mut self) {
        if self.kept.is_empty() {
            std::mem::swap(&mut self.kept, &mut self.changed);
        } else {
            self.kept.extend(self.changed.drain());
        }
        self.trim();
    }

    /// How many rows are kept and not stored.
    pub(crate) fn unstored(&self) -> usize {
        self.kept.len()
    }

    /// What is not stored yet: of earlier batches that were kept, and of this one.
    pub(crate) fn changed(&self) -> impl Iterator<Item = (&String, &Option<Arc<R>>)> {
        let earlier = self.kept.iter().filter(|(key, _)| !self.changed.contains_key(*key));
        earlier.chain(&self.changed)
    }

    /// The documents of the changed rows have so many bytes.
    pub(crate) fn weigh<'k>(&mut self, documents: impl Iterator<Item = (&'k str, usize)>) {
        self.weights.clear();
        self.weights.extend(documents.map(|(key, bytes)| (key.to_owned(), bytes)));
    }

    /// All is stored: its rows are the known ones now.
    pub(crate) fn committed(&mut self) {
        let (mut kept, mut changed) = (std::mem::take(&mut self.kept), std::mem::take(&mut self.changed));
        for (key, row) in kept.drain().chain(changed.drain()) {
            let bytes = self.weights.get(&key).copied().unwrap_or(0);
            self.know(key, row, bytes);
        }
        self.weights.clear();
        self.trim();
        // Emptied, they keep their room for the next batch.
        (self.kept, self.changed) = (kept, changed);
    }

    fn know(&mut self, key: String, row: Option<Arc<R>>, document_bytes: usize) {
        // Where there is no room, the row used least makes some, and is known no longer.
        if self.known.len() == self.known.cap().get() && !self.known.contains(&key) {
            self.forget_least();
        }
        let bytes = key.len() + document_bytes;
        self.known_bytes += bytes;
        if let Some(before) = self.known.put(key, Known { row, bytes }) {
            self.known_bytes -= before.bytes;
        }
    }

    /// Between batches only: one batch may need more rows than are kept.
    fn trim(&mut self) {
        while self.known_bytes > self.bytes_max {
            self.forget_least();
        }
    }

    fn forget_least(&mut self) {
        self.all_known = false;
        match self.known.pop_lru() {
            Some((_, least)) => self.known_bytes -= least.bytes,
            None => self.known_bytes = 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::*;

    #[derive(Clone, Serialize, Deserialize)]
    struct Page(String);

    impl ReadModel for Page {
        const NAME: &'static str = "pages";
        const VERSION: u32 = 1;
    }

    const WEIGHT: usize = 10;

    /// Changes the row under `key`, and stores it.
    fn store(rows: &mut Rows<Page>, key: &str) {
        rows.begin();
        rows.put(key, Page(key.to_owned()));
        rows.weigh([(key, WEIGHT - key.len())].into_iter());
        rows.committed();
    }

    fn rows(rows_max: usize, bytes_max: usize) -> Rows<Page> {
        Rows::new(NonZeroUsize::new(rows_max).unwrap(), bytes_max, true)
    }

    #[test]
    fn rows_are_kept_as_long_as_there_is_room_for_their_number_and_their_bytes() {
        for mut rows in [rows(3, usize::MAX), rows(1_000, 3 * WEIGHT)] {
            for key in ["a", "b", "a", "c", "d"] {
                store(&mut rows, key);
            }
            let known: Vec<&str> = ["a", "b", "c", "d"].into_iter().filter(|key| rows.known.contains(*key)).collect();
            assert_eq!((known, rows.known_bytes), (vec!["a", "c", "d"], 3 * WEIGHT), "b was used least");
            assert!(rows.get("b").is_none() && rows.has_missed(), "it may be stored");
        }
    }

    #[test]
    fn one_batch_may_meet_more_than_is_kept() {
        let mut rows = rows(100, WEIGHT);
        rows.meets_stored(true);
        for key in ["a", "b", "c"] {
            rows.load(key.to_owned(), Some(Arc::new(Page(key.to_owned()))), WEIGHT - key.len());
        }
        rows.begin();
        assert!(["a", "b", "c"].iter().all(|key| rows.get(key).is_some()));
        rows.keep();
        assert_eq!(rows.known_bytes, WEIGHT);
    }
}
