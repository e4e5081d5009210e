//! Commands: what someone wants done, decided on states, answered once its events are durable.
//!
//! A command is a struct with what the caller asks for, and one pure function: from the command and the states it names to a
//! [`Decision`] (an answer and events), or to a rejection of your own type. It reads no clock, draws no random number and
//! calls nobody; the instant it is decided at comes with its [`States`].
//!
//! Around it goes an [`Envelope`]: who asks, a deadline, the version he has read ([`Envelope::if_match`]), and a key that makes it safe
//! to repeat ([`IdempotencyKey`]). Back comes an [`Answered`], or a [`CommandError`] that says who must act.
//!
//! Next: [`projection`](crate::projection), which turns what was decided into rows to be read.

use std::any::Any;
use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use rustc_hash::FxHashMap;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::aggregate::{Aggregate, Stream};
use crate::event::{Metadata, PartitionId, Payload, PayloadWriter, StreamName, Version};
use crate::id::ShortText;
use crate::query::Token;
use crate::state::{Kind, Slot};
use crate::time::Timestamp;

/// A wish that the write side decides: to events and an answer, or to a typed rejection.
///
/// `decide` is pure: all it may look at are the command, the states and the log time it is given. It can be called more
/// than once for one command (a state it asked for had to be loaded first, or another process wrote in between); only
/// its last decision counts.
///
/// ```
/// use cqrs::{Aggregate, Command, Decision, States, Stream, Streams};
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Clone, Default, Serialize, Deserialize)]
/// struct Door { open: bool }
///
/// #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
/// enum DoorEvent { Opened }
///
/// impl Aggregate for Door {
///     const KIND: &'static str = "door";
///     type Event = DoorEvent;
///     fn apply(&mut self, _: &DoorEvent) { self.open = true; }
/// }
///
/// struct Open { door: String }
///
/// #[derive(Debug, thiserror::Error, PartialEq)]
/// #[error("the door is open already")]
/// struct AlreadyOpen;
///
/// impl Command for Open {
///     const NAME: &'static str = "open";
///     type Answer = ();
///     type Rejection = AlreadyOpen;
///
///     fn streams(&self) -> Streams {
///         Streams::one(&Stream::<Door>::new(&self.door))
///     }
///
///     fn decide(&self, states: &States<'_>) -> Result<Decision<()>, AlreadyOpen> {
///         let stream = Stream::<Door>::new(&self.door);
///         if states.of(&stream).open {
///             return Err(AlreadyOpen);
///         }
///         Ok(Decision::answer(()).record(&stream, DoorEvent::Opened))
///     }
/// }
/// ```
pub trait Command: Send + 'static {
    /// Its name in metadata, metrics and traces.
    const NAME: &'static str;

    /// What the caller gets when it is accepted. Kept as JSON where an idempotency key asks for the first answer again.
    type Answer: Clone + fmt::Debug + Serialize + DeserializeOwned + Send + 'static;

    /// Why the rules refuse it.
    type Rejection: std::error::Error + Send + 'static;

    /// Checks what can be checked without any state. Runs before the command is queued.
    ///
    /// # Errors
    /// [`Invalid`] names each field that is wrong.
    fn validate(&self) -> Result<(), Invalid> {
        Ok(())
    }

    /// The streams it knows it needs: loaded together with those of its whole batch.
    ///
    /// A state that only shows while deciding (the items of a reservation found by id) is asked for in `decide`, loaded,
    /// and decided again. The first stream named is the one `If-Match` speaks of and whose version the answer carries.
    fn streams(&self) -> Streams;

    /// The rule.
    ///
    /// It should ask for every state it may need before it first rejects: each round of asking loads all that was asked for, and a
    /// command has eight rounds.
    ///
    /// # Errors
    /// The typed rejection; nothing is recorded then.
    fn decide(&self, states: &States<'_>) -> Result<Decision<Self::Answer>, Self::Rejection>;
}

/// The fields of a command or query that are wrong in themselves.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Invalid(pub Vec<InvalidField>);

impl Invalid {
    /// One wrong field.
    #[must_use]
    pub fn field(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self(vec![InvalidField { pointer: pointer.into(), detail: detail.into() }])
    }
}

/// Where a request is wrong, and what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    /// An RFC 6901 JSON pointer into the request.
    pub pointer: String,
    /// What is wrong and what to do.
    pub detail: String,
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.pointer, self.detail)
    }
}

/// The streams a command names.
#[derive(Clone, Default)]
pub struct Streams(pub(crate) Vec<Wanted>);

/// A stream to load, and what is needed to make it if it does not exist.
#[derive(Clone)]
pub(crate) struct Wanted {
    pub(crate) name: StreamName,
    pub(crate) home: Option<ShortText>,
    pub(crate) kind: Kind,
}

impl Wanted {
    /// The partition it is made in if it does not exist.
    pub(crate) fn home(&self, partitions: u16) -> PartitionId {
        PartitionId::of(self.home.as_deref().unwrap_or_else(|| self.name.id()), partitions)
    }
}

impl Streams {
    /// No stream yet.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// One stream.
    #[must_use]
    pub fn one<A: Aggregate>(stream: &Stream<A>) -> Self {
        Self::none().and(stream)
    }

    /// Another stream.
    #[must_use]
    pub fn and<A: Aggregate>(mut self, stream: &Stream<A>) -> Self {
        self.0.push(stream.wanted());
        self
    }

    /// All streams of `other` as well.
    #[must_use]
    pub fn and_those_of(mut self, other: Self) -> Self {
        self.0.extend(other.0);
        self
    }

    /// Many streams of one aggregate.
    #[must_use]
    pub fn and_all<A: Aggregate>(mut self, streams: impl IntoIterator<Item = Stream<A>>) -> Self {
        self.0.extend(streams.into_iter().map(|stream| stream.wanted()));
        self
    }
}

/// The states a command is decided on, as of one instant of log time.
pub struct States<'a> {
    at: Timestamp,
    slots: &'a FxHashMap<StreamName, Slot>,
    /// The number of the command that reads.
    reader: u64,
    unnamed: RefCell<Vec<Wanted>>,
}

impl<'a> States<'a> {
    pub(crate) fn new(at: Timestamp, slots: &'a FxHashMap<StreamName, Slot>, reader: u64) -> Self {
        Self { at, slots, reader, unnamed: RefCell::default() }
    }

    /// The log time of this decision: never earlier than any event it can see.
    #[must_use]
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The state of `stream`; the default state if the stream does not exist.
    ///
    /// A stream that the command has not named before reads as the default one too, but the decision is then dropped
    /// and made again with that stream loaded, its due events recorded and its partition's head compared: no decision
    /// that counts has seen less than the log.
    #[must_use]
    pub fn of<A: Aggregate>(&self, stream: &Stream<A>) -> Arc<A> {
        self.slot(stream).and_then(Slot::typed::<A>).unwrap_or_default()
    }

    /// The version of `stream`: 0 if it does not exist.
    #[must_use]
    pub fn version<A: Aggregate>(&self, stream: &Stream<A>) -> Version {
        self.slot(stream).map_or(0, |slot| slot.version)
    }

    fn slot<A: Aggregate>(&self, stream: &Stream<A>) -> Option<&Slot> {
        let slot = self.slots.get(stream.name()).filter(|slot| slot.named_by == self.reader);
        if slot.is_none() {
            self.unnamed.borrow_mut().push(stream.wanted());
        }
        slot
    }

    /// The streams that were read without having been named.
    pub(crate) fn into_unnamed(self) -> Vec<Wanted> {
        self.unnamed.into_inner()
    }
}

/// What was decided: the answer, and the events that make it true.
#[derive(Debug)]
pub struct Decision<T> {
    pub(crate) answer: T,
    pub(crate) events: Vec<Decided>,
}

/// Writes an event of a type that is known no longer.
type Encode = fn(Arc<dyn Any + Send + Sync>, &mut PayloadWriter) -> Result<Payload, serde_json::Error>;

/// An event that a decision records, before it has a place in the log.
pub(crate) struct Decided {
    pub(crate) wanted: Wanted,
    event: Arc<dyn Any + Send + Sync>,
    /// Writes the event as JSON: done once, for the decision that counts.
    encode: Encode,
}

impl Decided {
    fn new<A: Aggregate>(stream: &Stream<A>, event: A::Event) -> Self {
        let encode: Encode = |event, writer| match event.downcast::<A::Event>() {
            Ok(event) => Payload::written(event, writer),
            Err(_) => Err(serde::ser::Error::custom("an event of another aggregate")),
        };
        Self { wanted: stream.wanted(), event: Arc::new(event), encode }
    }

    pub(crate) fn encode(&self, writer: &mut PayloadWriter) -> Result<Payload, serde_json::Error> {
        (self.encode)(Arc::clone(&self.event), writer)
    }
}

impl fmt::Debug for Decided {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.wanted.name, self.encode(&mut PayloadWriter::default()))
    }
}

impl<T> Decision<T> {
    /// An answer that changes nothing.
    #[must_use]
    pub fn answer(answer: T) -> Self {
        Self { answer, events: Vec::new() }
    }

    /// Records `event` in `stream`.
    #[must_use]
    pub fn record<A: Aggregate>(mut self, stream: &Stream<A>, event: A::Event) -> Self {
        self.add(stream, event);
        self
    }

    /// Records several events in `stream`, in order.
    #[must_use]
    pub fn record_all<A: Aggregate>(mut self, stream: &Stream<A>, events: impl IntoIterator<Item = A::Event>) -> Self {
        for event in events {
            self.add(stream, event);
        }
        self
    }

    /// The same events with another answer.
    #[must_use]
    pub fn map<U>(self, answer: impl FnOnce(T) -> U) -> Decision<U> {
        Decision { answer: answer(self.answer), events: self.events }
    }

    /// The answer.
    #[must_use]
    pub fn answered(&self) -> &T {
        &self.answer
    }

    /// The same answer, and `other`'s events after these.
    #[must_use]
    pub fn and<U>(mut self, other: Decision<U>) -> Self {
        self.events.extend(other.events);
        self
    }

    fn add<A: Aggregate>(&mut self, stream: &Stream<A>, event: A::Event) {
        self.events.push(Decided::new(stream, event));
    }
}

/// A command on its way, with what came along with it.
#[derive(Clone, Debug)]
pub struct Envelope<C> {
    /// The command.
    pub command: C,
    /// Stored with its events.
    pub metadata: Arc<Metadata>,
    /// A key under which the first answer is kept and given again.
    pub idempotency: Option<IdempotencyKey>,
    /// The version its first stream must have (`If-Match`).
    pub if_match: Option<Version>,
    /// After this instant nobody waits for it: it is dropped undecided.
    pub deadline: Option<Instant>,
}

impl<C> Envelope<C> {
    /// A command with nothing along.
    pub fn new(command: C) -> Self {
        Self { command, metadata: Arc::default(), idempotency: None, if_match: None, deadline: None }
    }
}

/// A key that makes a command safe to repeat: claimed by a row of its own, in the transaction of the first answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The client's key, with whatever scopes it (the caller, the operation).
    pub key: String,
    /// A digest of the request: the same key with another request is refused.
    pub fingerprint: u64,
}

/// An accepted command's answer.
#[derive(Clone, Debug)]
pub struct Answered<T> {
    /// The answer.
    pub answer: T,
    /// Where its events stand: a query that carries it sees them.
    pub token: Token,
    /// The version of the command's first stream, as this command left it.
    pub version: Version,
    /// Whether this is an earlier answer, given again for its idempotency key.
    pub replayed: bool,
}

/// Why a command was not accepted. Each variant says who must act.
#[derive(Debug, thiserror::Error)]
pub enum CommandError<R> {
    /// The rules refuse it: the client must ask for something else.
    #[error(transparent)]
    Rejected(R),
    /// It is wrong in itself: the client must mend it.
    #[error("invalid command: {0}")]
    Invalid(Invalid),
    /// The stream has moved on since the client read it: read again.
    #[error("expected version {expected}, found {actual}")]
    VersionMismatch {
        /// What the client named.
        expected: Version,
        /// What the stream has.
        actual: Version,
    },
    /// The idempotency key was used for another request: the client must take a new one.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// The queue is full: retry later.
    #[error("the command queue is full")]
    Overloaded,
    /// Nobody waits any more: nothing was decided.
    #[error("the deadline passed before the command was decided")]
    DeadlineExceeded,
    /// The store cannot be reached or is stopping, and the outcome may be unknown: repeat the same command under the
    /// same id.
    #[error("the write side is unavailable: {0}")]
    Unavailable(String),
    /// Our fault: log it and hide it.
    #[error("the command could not be decided: {0}")]
    Broken(String),
}
