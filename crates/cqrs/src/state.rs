//! States with their types erased: what lets one executor keep the aggregates of a whole context.

use std::any::Any;
use std::sync::Arc;

use crate::aggregate::Aggregate;
use crate::event::{PartitionId, Payload, Version};
use crate::time::Timestamp;

/// An aggregate's state behind a pointer: the same functions as [`Aggregate`], without its type.
pub(crate) trait AnyState: Send + Sync + 'static {
    fn apply_payload(&mut self, payload: &Payload) -> Result<(), serde_json::Error>;
    fn due_payload(&self, at: Timestamp) -> Option<Result<Payload, serde_json::Error>>;
    fn to_snapshot(&self) -> Result<Vec<u8>, serde_json::Error>;
    fn copy(&self) -> Arc<dyn AnyState>;
    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
}

impl<A: Aggregate> AnyState for A {
    fn apply_payload(&mut self, payload: &Payload) -> Result<(), serde_json::Error> {
        payload.decode::<A>().map(|event| self.apply(&event))
    }

    fn due_payload(&self, at: Timestamp) -> Option<Result<Payload, serde_json::Error>> {
        self.due(at).map(|event| Payload::new(Arc::new(event)))
    }

    fn to_snapshot(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(self)
    }

    fn copy(&self) -> Arc<dyn AnyState> {
        Arc::new(self.clone())
    }

    fn into_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }
}

/// Makes a state of a snapshot.
type Restore = fn(&[u8]) -> Result<Arc<dyn AnyState>, serde_json::Error>;

/// An aggregate's constructors, kept where its type is no longer known.
#[derive(Clone, Copy)]
pub(crate) struct Kind {
    pub(crate) name: &'static str,
    pub(crate) fold_version: u32,
    pub(crate) initial: fn() -> Arc<dyn AnyState>,
    pub(crate) restore: Restore,
}

impl Kind {
    pub(crate) fn of<A: Aggregate>() -> Self {
        Self {
            name: A::KIND,
            fold_version: A::FOLD_VERSION,
            initial: || Arc::new(A::default()),
            restore: |bytes| Ok(Arc::new(serde_json::from_slice::<A>(bytes)?)),
        }
    }
}

/// A stream's state in memory: a cache of the log, marked with how much of the stream it holds.
#[derive(Clone)]
pub(crate) struct Slot {
    pub(crate) kind: Kind,
    pub(crate) partition: PartitionId,
    pub(crate) version: Version,
    /// Whether it was read from the log, and not made by this process.
    pub(crate) from_log: bool,
    /// The version its newest snapshot holds.
    pub(crate) snapshot: Version,
    /// The number of the command that named it last: a state is read only by a command that has named it.
    pub(crate) named_by: u64,
    pub(crate) state: Arc<dyn AnyState>,
}

impl Slot {
    /// The slot of a stream that does not exist yet.
    pub(crate) fn empty(kind: Kind, partition: PartitionId) -> Self {
        Self { kind, partition, version: 0, from_log: false, snapshot: 0, named_by: 0, state: (kind.initial)() }
    }

    /// Folds the event that makes the stream `version` long; one the slot already holds changes nothing.
    pub(crate) fn apply(&mut self, version: Version, payload: &Payload) -> Result<(), serde_json::Error> {
        if version <= self.version {
            return Ok(());
        }
        // Shared with the cache or a snapshot under way: copy first, so that theirs stays as it is.
        if Arc::get_mut(&mut self.state).is_none() {
            self.state = self.state.copy();
        }
        if let Some(state) = Arc::get_mut(&mut self.state) {
            state.apply_payload(payload)?;
        }
        self.version = version;
        Ok(())
    }

    pub(crate) fn typed<A: Aggregate>(&self) -> Option<Arc<A>> {
        Arc::clone(&self.state).into_any().downcast::<A>().ok()
    }
}
