//! The read store port: read models as keyed documents with declared indexes, each with its own checkpoint.

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::{Epoch, PartitionId, Position};
use crate::event_store::StoreError;

/// A row shaped for one question: declared once, kept by any read store.
///
/// ```
/// use cqrs::{IndexValue, ReadModel};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Serialize, Deserialize)]
/// struct Shelf { room: String, books: i64 }
///
/// impl ReadModel for Shelf {
///     const NAME: &'static str = "shelf";
///     const VERSION: u32 = 1;
///     const INDEXES: &'static [&'static str] = &["room", "books"];
///
///     fn indexes(&self) -> Vec<IndexValue> {
///         vec![self.room.as_str().into(), self.books.into()]
///     }
/// }
/// ```
pub trait ReadModel: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Its name, `[a-z_]+`; with the version it names the stored rows.
    const NAME: &'static str;
    /// Raise it when the row or its fold changes: the rows are then built anew from the log.
    const VERSION: u32;
    /// The names, `[a-z_]+`, of the fields a query may filter or sort by.
    const INDEXES: &'static [&'static str] = &[];

    /// The values of [`ReadModel::INDEXES`], in their order.
    fn indexes(&self) -> Vec<IndexValue> {
        Vec::new()
    }
}

/// A value of an indexed field. Orders as: nothing, numbers, texts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum IndexValue {
    /// No value.
    Null,
    /// A whole number.
    Int(i64),
    /// A text, compared byte by byte.
    Text(String),
}

impl From<i64> for IndexValue {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<bool> for IndexValue {
    fn from(value: bool) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for IndexValue {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

/// The identity of a read model in a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Model {
    /// [`ReadModel::NAME`]
    pub name: &'static str,
    /// [`ReadModel::VERSION`]
    pub version: u32,
    /// [`ReadModel::INDEXES`]
    pub indexes: &'static [&'static str],
}

impl Model {
    /// The identity of `R`.
    #[must_use]
    pub fn of<R: ReadModel>() -> Self {
        Self { name: R::NAME, version: R::VERSION, indexes: R::INDEXES }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)
    }
}

/// A row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// Its key, unique in its model.
    pub key: String,
    /// The row as JSON.
    pub document: Vec<u8>,
    /// The values of the model's indexes, in their order.
    pub indexes: Vec<IndexValue>,
}

/// What one batch of events changes in one model.
#[derive(Clone, Debug)]
pub struct ModelChange {
    /// The model.
    pub model: Model,
    /// The log these rows come from.
    pub epoch: Epoch,
    /// The rows to write.
    pub upserts: Vec<StoredRow>,
    /// The keys to remove.
    pub deletes: Vec<String>,
    /// How far each partition named has now been read.
    pub checkpoints: Vec<(PartitionId, Position)>,
}

/// A question to one model: which rows, in which order, from where on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Select {
    /// Conditions on indexed fields, all of which must hold.
    pub conditions: Vec<Condition>,
    /// The index to order by; by key without one. Ties are ordered by key.
    pub order: Option<usize>,
    /// Only rows after this place in that order.
    pub after: Option<(IndexValue, String)>,
    /// Only rows whose key starts with this.
    pub key_prefix: Option<String>,
    /// At most so many rows.
    pub limit: usize,
}

impl Select {
    /// The first `limit` rows by key.
    #[must_use]
    pub fn first(limit: usize) -> Self {
        Self { conditions: Vec::new(), order: None, after: None, key_prefix: None, limit }
    }

    /// Only rows whose index number `index` compares so with `value`.
    #[must_use]
    pub fn with(mut self, index: usize, compare: Compare, value: impl Into<IndexValue>) -> Self {
        self.conditions.push(Condition { index, compare, value: value.into() });
        self
    }
}

/// A condition on one indexed field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The field's place in [`ReadModel::INDEXES`].
    pub index: usize,
    /// How it must compare.
    pub compare: Compare,
    /// With what.
    pub value: IndexValue,
}

/// How an indexed field must compare with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compare {
    /// The same.
    Equal,
    /// At most.
    AtMost,
    /// At least.
    AtLeast,
}

/// The reading half of a read store: for queries.
///
/// # Contract
/// * Rows and checkpoint MUST be of one commit: a reader that sees a checkpoint sees all that was folded up to it.
#[async_trait]
pub trait ViewReader: Send + Sync + 'static {
    /// The rows under `keys`, in the order asked.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn get(&self, model: Model, keys: &[String]) -> Result<Vec<Option<StoredRow>>, StoreError>;

    /// The rows that `select` asks for.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn select(&self, model: Model, select: &Select) -> Result<Vec<StoredRow>, StoreError>;

    /// How far each partition has been read, as of now; partitions never read are left out.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn checkpoints(&self, model: Model) -> Result<Vec<(PartitionId, Position)>, StoreError>;
}

/// The read store port.
///
/// # Contract
/// * [`commit`](ReadStore::commit) MUST write the rows and checkpoints of all its models together or not at all.
/// * A commit MAY be lost in a power cut as a whole (the log has it all); it MUST NOT be torn.
///
/// The suite `read_store_contract!` of the test kit holds every store to it.
///
/// ```
/// use cqrs::memory::MemoryReadStore;
/// use cqrs::{ReadStore, Select, ViewReader};
///
/// fn reader_of(store: &MemoryReadStore) -> &dyn ViewReader {
///     store // the read store answers queries as well
/// }
/// # let _ = reader_of(&MemoryReadStore::default());
/// ```
#[async_trait]
pub trait ReadStore: ViewReader {
    /// Makes `model` ready to be written. If its stored rows come from another log than `epoch`, they are dropped.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn prepare(&self, model: Model, epoch: Epoch) -> Result<(), StoreError>;

    /// Writes rows and checkpoints, together.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn commit(&self, changes: &[ModelChange]) -> Result<(), StoreError>;

    /// Drops all rows and checkpoints of `model`, so that it is built anew.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn clear(&self, model: Model) -> Result<(), StoreError>;
}
