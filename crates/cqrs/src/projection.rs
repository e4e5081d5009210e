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
    known: LruCache<String, Option<Arc<R>>, FxBuildHasher>,
    /// Whether `known` and `kept` are all the rows that can be met: then what they lack is known to be absent.
    all_known: bool,
    /// Rows as earlier batches left them that are not stored yet.
    kept: FxHashMap<String, Option<Arc<R>>>,
    /// Rows as this batch leaves them.
    changed: FxHashMap<String, Option<Arc<R>>>,
    /// Keys that were asked for and are not in memory.
    absent: Vec<String>,
}

impl<R: ReadModel> Rows<R> {
    /// No rows in memory yet; at most `capacity` are kept from batch to batch. `none_stored` says that there are no others.
    pub(crate) fn new(capacity: NonZeroUsize, none_stored: bool) -> Self {
        Self {
            known: LruCache::with_hasher(capacity, FxBuildHasher),
            all_known: none_stored,
            kept: FxHashMap::default(),
            changed: FxHashMap::default(),
            absent: Vec::new(),
        }
    }

    /// The row under `key`, if there is one.
    ///
    /// A row that is not in memory yet reads as none; the batch is folded again once it is loaded.
    pub fn get(&mut self, key: &str) -> Option<Arc<R>> {
        let here = self.changed.get(key).or_else(|| self.kept.get(key));
        if let Some(row) = here.or_else(|| self.known.get(key)) {
            return row.clone();
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

    /// Puts a stored row into memory.
    pub(crate) fn load(&mut self, key: String, row: Option<Arc<R>>) {
        self.know(key, row);
    }

    /// Says whether the rows that come next can be stored already. If not, what is known of stored ones is of no more use.
    pub(crate) fn meets_stored(&mut self, stored: bool) {
        self.all_known = !stored;
        if !stored {
            self.known.clear();
        }
    }

    /// Keeps what this batch has changed, to be stored with a later one.
    pub(crate) fn keep(&mut self) {
        if self.kept.is_empty() {
            std::mem::swap(&mut self.kept, &mut self.changed);
        } else {
            self.kept.extend(self.changed.drain());
        }
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

    /// All is stored: its rows are the known ones now.
    pub(crate) fn committed(&mut self) {
        let (mut kept, mut changed) = (std::mem::take(&mut self.kept), std::mem::take(&mut self.changed));
        for (key, row) in kept.drain().chain(changed.drain()) {
            self.know(key, row);
        }
        // Emptied, they keep their room for the next batch.
        (self.kept, self.changed) = (kept, changed);
    }

    fn know(&mut self, key: String, row: Option<Arc<R>>) {
        // Where there is no room, the row used least makes some, and is known no longer.
        if self.known.len() == self.known.cap().get() && !self.known.contains(&key) {
            self.all_known = false;
        }
        self.known.put(key, row);
    }
}
