//! The read store port: read models as keyed documents with declared indexes, each with its own checkpoint.
//!
//! A row is a document under a key, with the values of its declared indexes beside it ([`ReadModel::INDEXES`]); nothing else can
//! be asked of it ([`Select`]). To put views on another database, write a [`ReadStore`]; [`read_store_contract!`](crate::read_store_contract!) of the test
//! kit holds it to its contract.
//!
//! Of each model a store keeps [builds](BuildInfo) side by side, of which queries read the live one, and the streams that are
//! [parked](ParkedStream) in it.
//!
//! Next: [`memory`](crate::memory), both ports in memory.

mod build;
mod parking;

use std::fmt;

use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::event::{Epoch, PartitionId, Position, StreamName};
use crate::event_store::StoreError;

pub use build::{Build, BuildInfo, Compared, Role};
pub use parking::{PARKED_STREAMS_MAX, ParkedStream};

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
    /// Whether the key of every row is, or begins with, the id of the one stream whose events write it.
    ///
    /// If so, an event that cannot be applied holds up the rows of its stream alone, and they can be replayed. If not,
    /// any row may lack it, and order among streams can be had again only by a rebuild.
    const KEYED_BY_STREAM: bool = false;

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

/// The identity of a read model in a store, and which of its builds is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Model {
    /// [`ReadModel::NAME`]
    pub name: &'static str,
    /// [`ReadModel::VERSION`]
    pub version: u32,
    /// [`ReadModel::INDEXES`]
    pub indexes: &'static [&'static str],
    /// Which set of its rows.
    pub build: Build,
}

impl Model {
    /// The identity of `R`; of its builds the live one.
    #[must_use]
    pub fn of<R: ReadModel>() -> Self {
        Self { name: R::NAME, version: R::VERSION, indexes: R::INDEXES, build: Build::Live }
    }

    /// The same model in its build number `number`.
    #[must_use]
    pub fn in_build(self, number: u32) -> Self {
        Self { build: Build::Number(number), ..self }
    }
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} v{}", self.name, self.version)?;
        match self.build {
            Build::Live => Ok(()),
            Build::Number(number) => write!(f, " build {number}"),
        }
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
    /// Streams that are parked now, each in place of what was known of it.
    pub parked: Vec<ParkedStream>,
    /// Streams that are parked no longer.
    pub released: Vec<StreamName>,
}

impl ModelChange {
    /// Nothing that changes yet in `model`, whose rows come from log `epoch`.
    #[must_use]
    pub fn none(model: Model, epoch: Epoch) -> Self {
        let (upserts, deletes, checkpoints) = (Vec::new(), Vec::new(), Vec::new());
        Self { model, epoch, upserts, deletes, checkpoints, parked: Vec::new(), released: Vec::new() }
    }
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
/// * A model of which no build is meant is read in its live one, whichever that is at the moment of the read; without one
///   it has no rows.
///
/// ```
/// use cqrs::{Model, ReadModel, StoreError, ViewReader};
///
/// /// How many events a view has read.
/// async fn events_read<R: ReadModel>(views: &dyn ViewReader) -> Result<u64, StoreError> {
///     let checkpoints = views.checkpoints(Model::of::<R>()).await?;
///     Ok(checkpoints.iter().map(|(_, position)| position).sum())
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), StoreError> {
/// let views = cqrs::memory::MemoryReadStore::default();
/// assert_eq!(events_read::<cqrs::DeadLetter>(&views).await?, 0);
/// # Ok(())
/// # }
/// ```
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

    /// The streams that wait because one of their events could not be applied, by name.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn parked(&self, model: Model) -> Result<Vec<ParkedStream>, StoreError>;

    /// Every build of the model's name, whatever its version, by version and number.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn builds(&self, model: Model) -> Result<Vec<BuildInfo>, StoreError>;
}

/// The read store port.
///
/// # Contract
/// * [`commit`](ReadStore::commit) MUST write the rows, checkpoints and parked streams of all its models together or not at
///   all.
/// * A commit MAY be lost in a power cut as a whole (the log has it all); it MUST NOT be torn.
/// * Of each name and version at most one build is live. [`swap`](ReadStore::swap) MUST change it in one step: a reader sees
///   the rows of one build or of the other.
///
/// The suite [`read_store_contract!`](crate::read_store_contract!) of the test kit holds every store to it.
///
/// ```
/// use cqrs::memory::MemoryReadStore;
/// use cqrs::{Epoch, Model, ModelChange, PartitionId, ReadStore, StoredRow, ViewReader};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), cqrs::StoreError> {
/// let (store, epoch) = (MemoryReadStore::default(), Epoch(uuid::Uuid::nil()));
/// let model = Model::of::<cqrs::DeadLetter>();
/// store.prepare(model, epoch).await?;
///
/// // A row, and how far the log was read for it: together or not at all.
/// let row = StoredRow { key: "a".into(), document: b"{}".to_vec(), indexes: vec!["till".into(), "sale".into(), "1".into()] };
/// let checkpoints = vec![(PartitionId(0), 7)];
/// store.commit(&[ModelChange { upserts: vec![row.clone()], checkpoints, ..ModelChange::none(model, epoch) }]).await?;
/// assert_eq!(store.get(model, &["a".into()]).await?, [Some(row)]);
/// assert_eq!(store.checkpoints(model).await?, [(PartitionId(0), 7)]);
/// # Ok(())
/// # }
/// ```
#[async_trait]
pub trait ReadStore: ViewReader {
    /// Makes sure that `model` has a live build with rows of log `epoch` and the declared indexes. Without one it gets an
    /// empty one, and a live build that is not so is dropped.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn prepare(&self, model: Model, epoch: Epoch) -> Result<(), StoreError>;

    /// Writes rows, checkpoints and parked streams, together.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn commit(&self, changes: &[ModelChange]) -> Result<(), StoreError>;

    /// Drops all rows, checkpoints and parked streams of `model`, so that it is filled anew.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn clear(&self, model: Model) -> Result<(), StoreError>;

    /// Makes an empty build in the shadow, which no query reads, and returns the model in that build. It need not be ready
    /// for [`select`](ViewReader::select) before [`finish`](ReadStore::finish).
    ///
    /// # Errors
    /// [`StoreError`]
    async fn begin(&self, model: Model, epoch: Epoch) -> Result<Model, StoreError>;

    /// The shadow build that `model` names is filled: makes it ready for queries.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn finish(&self, model: Model) -> Result<(), StoreError>;

    /// Compares `other` with `with`, row by row and as of one commit; names at most `keys_max` keys that differ. `None` if
    /// the two have not read equally far.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn compare(&self, with: Model, other: Model, keys_max: usize) -> Result<Option<Compared>, StoreError>;

    /// Makes the build that `model` names live. The one that was live until now is kept, and every other build of the name
    /// that is not under way is dropped.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn swap(&self, model: Model) -> Result<(), StoreError>;

    /// Drops the build that `model` names, with all that is in it.
    ///
    /// # Errors
    /// [`StoreError`]
    async fn discard(&self, model: Model) -> Result<(), StoreError>;
}
