//! Aggregates: the states that commands are decided on, each the fold of one stream of events.
//!
//! An aggregate is what must agree with itself at every moment: one seat and who has it, one SKU and what is held of it. You write
//! its state, what can happen to it, and `apply`, which folds one into the other. You never write how it is loaded, cached,
//! snapshotted or locked.
//!
//! Keep it small. Two things that need not agree at every moment are two aggregates, and a
//! [`Command`](crate::command::Command) may name both: all its events are stored in one append, or none.
//!
//! A [`Stream`] says which aggregate is meant: its kind, its id, and where its events are placed.
//!
//! Next: [`command`](crate::command), which decides on these states.

use std::fmt;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::command::Wanted;
use crate::event::{StoredEvent, StreamName};
use crate::id::ShortText;
use crate::state::Kind;
use crate::time::Timestamp;

/// A state folded from one stream of events.
///
/// `apply` is total: an event is a fact, so folding it cannot fail, reads no clock and causes nothing. `Clone` should
/// be cheap (a persistent map for anything that grows), because a batch works on copies that are dropped if its append
/// fails.
///
/// ```
/// use cqrs::{Aggregate, Timestamp};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Door { open: bool }
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// enum DoorEvent { Opened, Closed }
///
/// impl Aggregate for Door {
///     const KIND: &'static str = "door";
///     type Event = DoorEvent;
///
///     fn apply(&mut self, event: &DoorEvent) {
///         self.open = matches!(event, DoorEvent::Opened);
///     }
/// }
///
/// let mut door = Door::default();
/// door.apply(&DoorEvent::Opened);
/// assert!(door.open);
/// ```
pub trait Aggregate: Clone + Default + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The first part of its streams' names. Stored: never change it.
    const KIND: &'static str;

    /// The version of the state's shape and of `apply`. Raise it when either changes: older snapshots are then ignored.
    const FOLD_VERSION: u32 = 1;

    /// What can happen to it. Stored as JSON: an old event must stay readable.
    type Event: Clone + fmt::Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// Folds one event into the state.
    fn apply(&mut self, event: &Self::Event);

    /// An event that the passing of time alone makes true at `at`, if one is due.
    ///
    /// The executor records what is due before it decides a command that reads this state, and asks again until nothing
    /// is due. Applying the returned event MUST make it no longer due.
    fn due(&self, at: Timestamp) -> Option<Self::Event> {
        let _ = at;
        None
    }

    /// An event that was stored in an older shape, in today's; none if it has that already.
    ///
    /// Called for every event that is read from a store, so look at no more than is needed: the name of the variant costs
    /// next to nothing. The log itself is never changed. `docs/guides/change-a-stored-event.md` has the whole way.
    ///
    /// ```
    /// use cqrs::{Aggregate, Payload, StoredEvent};
    /// use serde::{Deserialize, Serialize};
    /// use serde_json::{Value, json};
    ///
    /// #[derive(Clone, Default, Serialize, Deserialize)]
    /// struct Tank { millilitres: i64 }
    ///
    /// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    /// enum TankEvent { Poured { millilitres: i64 } }
    ///
    /// impl Aggregate for Tank {
    ///     const KIND: &'static str = "tank";
    ///     type Event = TankEvent;
    ///
    ///     fn apply(&mut self, event: &TankEvent) {
    ///         let TankEvent::Poured { millilitres } = event;
    ///         self.millilitres += millilitres;
    ///     }
    ///
    ///     // Until last year it was `Filled`, in litres.
    ///     fn upcast(stored: StoredEvent<'_>) -> Option<Value> {
    ///         let litres = (stored.variant()? == "Filled").then(|| stored.content())??["litres"].as_i64()?;
    ///         Some(json!({"Poured": {"millilitres": litres * 1000}}))
    ///     }
    /// }
    ///
    /// let old = Payload::stored(br#"{"Filled":{"litres":2}}"#.as_slice().into());
    /// assert_eq!(*old.decode::<Tank>().unwrap(), TankEvent::Poured { millilitres: 2000 });
    /// ```
    fn upcast(stored: StoredEvent<'_>) -> Option<serde_json::Value> {
        let _ = stored;
        None
    }
}

/// A typed stream: which aggregate, which id, and the key that places it in a partition when it is created.
pub struct Stream<A> {
    name: StreamName,
    /// The key that places it; none for its own id.
    home: Option<ShortText>,
    aggregate: PhantomData<fn() -> A>,
}

impl<A: Aggregate> Stream<A> {
    /// The stream `id`, placed by its own id.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self { name: StreamName::new(A::KIND, id), home: None, aggregate: PhantomData }
    }

    /// The stream `id`, placed in the partition of `key` if it does not exist yet.
    ///
    /// A stream that exists stays where it was created, whatever `key` says.
    #[must_use]
    pub fn in_partition_of(id: &str, key: impl Into<ShortText>) -> Self {
        Self { name: StreamName::new(A::KIND, id), home: Some(key.into()), aggregate: PhantomData }
    }

    /// The stream's name.
    #[must_use]
    pub fn name(&self) -> &StreamName {
        &self.name
    }

    /// The key that places a new stream.
    #[must_use]
    pub fn home(&self) -> &str {
        self.home.as_deref().unwrap_or_else(|| self.name.id())
    }

    pub(crate) fn wanted(&self) -> Wanted {
        Wanted { name: self.name.clone(), home: self.home.clone(), kind: Kind::of::<A>() }
    }
}

impl<A> Clone for Stream<A> {
    fn clone(&self) -> Self {
        Self { name: self.name.clone(), home: self.home.clone(), aggregate: PhantomData }
    }
}

impl<A> fmt::Debug for Stream<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.name.fmt(f)
    }
}
