//! A running fold: a projection and the rows it works on, with their type erased.

use std::any::Any;
use std::cell::Cell;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use crate::event::Recorded;
use crate::event_store::StoreError;
use crate::projection::{Projection, Rows};
use crate::query::Views;
use crate::read_store::{Model, ReadModel, StoredRow};

/// Rows of one model kept in memory by the fold.
const ROWS_MAX: NonZeroUsize = NonZeroUsize::MIN.saturating_add(99_999);

/// Bytes of their keys and documents; in memory they take two or three times as many. Once a view keeps not all of its rows, as after a
/// restart, a batch that makes new ones is folded a second time, after it was looked whether they are stored.
const ROW_BYTES_MAX: usize = 32 << 20;

/// A projection with its row type erased, as a context lists it.
pub(crate) trait AnyProjection: Send + Sync {
    fn model(&self) -> Model;
    /// Whether the rows of a stream are those whose key begins with its id.
    fn keyed_by_stream(&self) -> bool;
    /// A fold of its own; `none_stored` says that it starts without any rows.
    fn start(&self, none_stored: bool) -> Box<dyn AnyFold>;
}

/// An event that a projection cannot apply.
#[derive(Debug)]
pub(crate) struct Poison {
    /// Its place among the events that were to be folded.
    pub(crate) at: usize,
    /// Why it cannot.
    pub(crate) cause: String,
}

/// A running fold: a projection and the rows it works on.
pub(crate) trait AnyFold: Send + Sync {
    fn model(&self) -> Model;
    /// Folds `events`; returns the keys of rows that must be loaded first, then nothing was changed.
    fn fold(&mut self, events: &[&Recorded]) -> Result<Vec<String>, Poison>;
    fn load(&mut self, keys: Vec<String>, rows: Vec<Option<StoredRow>>) -> Result<(), StoreError>;
    /// Says whether the events that come next can meet rows that are stored already.
    fn meets_stored(&mut self, stored: bool);
    /// Keeps what the last fold changed, to be stored with a later one; returns how many rows are not stored by now.
    fn keep(&mut self) -> usize;
    /// What is not stored yet: rows to write and keys to remove.
    fn changes(&mut self) -> Result<(Vec<StoredRow>, Vec<String>), StoreError>;
    /// The changes are stored.
    fn committed(&mut self, views: Option<&Views>);
}

/// How a projection is listed: it can be started more than once, each time with rows of its own.
pub(crate) struct Fold<P: Projection>(Arc<P>);

impl<P: Projection> Fold<P> {
    pub(crate) fn new(projection: P) -> Self {
        Self(Arc::new(projection))
    }
}

impl<P: Projection> AnyProjection for Fold<P> {
    fn model(&self) -> Model {
        Model::of::<P::Row>()
    }

    fn keyed_by_stream(&self) -> bool {
        P::Row::KEYED_BY_STREAM
    }

    fn start(&self, none_stored: bool) -> Box<dyn AnyFold> {
        Box::new(Running { projection: Arc::clone(&self.0), rows: Rows::new(ROWS_MAX, ROW_BYTES_MAX, none_stored) })
    }
}

struct Running<P: Projection> {
    projection: Arc<P>,
    rows: Rows<P::Row>,
}

impl<P: Projection> AnyFold for Running<P> {
    fn model(&self) -> Model {
        Model::of::<P::Row>()
    }

    fn fold(&mut self, events: &[&Recorded]) -> Result<Vec<String>, Poison> {
        self.rows.begin();
        let (projection, rows, at) = (&*self.projection, &mut self.rows, Cell::new(0));
        // A fold that panics has changed nothing but rows of this batch, and those are forgotten when the next one begins.
        let folded = catch_unwind(AssertUnwindSafe(|| {
            for (place, event) in events.iter().enumerate() {
                at.set(place);
                projection.fold(event, rows).map_err(|unreadable| unreadable.cause)?;
            }
            Ok(())
        }));
        let cause = match folded {
            Ok(Ok(())) => None,
            Ok(Err(cause)) => Some(cause),
            Err(panic) => Some(format!("the fold panicked: {}", message(panic.as_ref()))),
        };
        match cause {
            // What it could not apply was folded from too little: it may be able to once the rows are there.
            Some(cause) if !self.rows.has_missed() => Err(Poison { at: at.get(), cause }),
            _ => {
                let mut absent = self.rows.take_absent();
                absent.sort_unstable();
                absent.dedup();
                Ok(absent)
            }
        }
    }

    fn load(&mut self, keys: Vec<String>, rows: Vec<Option<StoredRow>>) -> Result<(), StoreError> {
        for (key, row) in keys.into_iter().zip(rows) {
            let bytes = row.as_ref().map_or(0, |row| row.document.len());
            let row = row.map(|row| serde_json::from_slice(&row.document)).transpose();
            let row = row.map_err(|cause| StoreError::Broken(format!("{} row {key}: {cause}", self.model())))?;
            self.rows.load(key, row.map(Arc::new), bytes);
        }
        Ok(())
    }

    fn meets_stored(&mut self, stored: bool) {
        self.rows.meets_stored(stored);
    }

    fn keep(&mut self) -> usize {
        self.rows.keep();
        self.rows.unstored()
    }

    fn changes(&mut self) -> Result<(Vec<StoredRow>, Vec<String>), StoreError> {
        let (mut upserts, mut deletes) = (Vec::new(), Vec::new());
        for (key, row) in self.rows.changed() {
            match row {
                None => deletes.push(key.clone()),
                Some(row) => {
                    let document = serde_json::to_vec(&**row);
                    let document =
                        document.map_err(|cause| StoreError::Broken(format!("{} row {key}: {cause}", self.model())))?;
                    upserts.push(StoredRow { key: key.clone(), document, indexes: row.indexes() });
                }
            }
        }
        self.rows.weigh(upserts.iter().map(|row| (row.key.as_str(), row.document.len())));
        // In the order of keys a store finds neighbours on one page, and touches each page once.
        upserts.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        Ok((upserts, deletes))
    }

    fn committed(&mut self, views: Option<&Views>) {
        if let Some(views) = views {
            for (key, row) in self.rows.changed() {
                views.refresh::<P::Row>(key, row.clone());
            }
        }
        self.rows.committed();
    }
}

/// What a panic said.
fn message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("it did not say why")
}
