//! Command query responsibility segregation, small and whole: decide on states, append once, answer; read from views.
//!
//! Writing and reading are two sides with a log of events between them. On the writing side a *command* is decided, in memory,
//! on states that are folds of the log; what was decided is appended in one transaction and only then answered. On the
//! reading side *projections* fold the same log into rows that are shaped for the questions people ask; they are a few
//! milliseconds behind, and can be thrown away and built again.
//!
//! ```text
//! command ─► CommandBus ─► Executor ─► EventStore ─► Projector ─► ReadStore ─► ReadSide ─► QueryBus ─► answer
//!                             ▲  decide    │ append     fold │ commit
//!                             └── states ──┘                 └── rows and how far they have come, together
//! ```
//!
//! You write states, decisions, folds and questions, all of them plain values and pure functions. The crate decides in batches, never on
//! stale states, keeps views current and rebuilds them, and carries events to other contexts, each with its effect once. It
//! does no I/O of its own and knows no domain: stores and transports are ports, with their contracts as test suites.
//!
//! # When to take it, and when not
//!
//! Take it where
//!
//! * a rule must hold though many act at once: seats, stock, money, quotas. A decision never counts that saw less than the log;
//! * what happened matters as much as what is: for an audit, for a state as of last Tuesday, for a question nobody has asked yet;
//! * few writes are read in many shapes, and the reads must not slow the writes down;
//! * others must hear of every change, once, whatever fails in between.
//!
//! Leave it where
//!
//! * a form over a table is all there is. Rows and transactions do that with a tenth of the ideas;
//! * nobody can say which questions will be asked. A view is shaped for a question; a warehouse database is not;
//! * every reader must see every write at once. Here a reader waits for that with a [`Token`], one session at a time;
//! * what is written must be forgotten on demand. A log is kept for ever: keep what is personal outside, and store its key.
//!
//! What it costs: a stored event stays readable for ever ([`event`] says how it may change), one state must fit in memory, and who
//! reads without a token may read what was true some milliseconds ago.
//!
//! # A first whole example
//!
//! A guest book: an aggregate, a command, a row with its projection, a query, and all of it at work in memory. `cargo run -p
//! cqrs --example guest_book` runs it.
//!
//! ```
#![doc = include_str!("../examples/guest_book.rs")]
//! ```
//!
//! # The chapters
//!
//! Each page ends with the next one. Everything they show can also be named from the root: `use cqrs::{Aggregate, Command}`.
//!
//! **What you write**
//!
//! 1. [`aggregate`]: what can be. A state, its events, and a total `apply`.
//! 2. [`command`]: what can be asked for. A pure `decide`, to events or to a typed rejection.
//! 3. [`projection`]: what can be seen. Rows kept current from the log.
//! 4. [`query`]: what can be known. Answers at once, or not before a token says.
//! 5. [`context`]: the table of contents of a domain.
//! 6. [`testkit`]: given these events, when this command, then these events.
//!
//! **What runs it**
//!
//! 7. [`bus`]: the way in, in tower layers.
//! 8. [`executor`]: decides in batches; why it cannot oversell.
//! 9. [`projector`]: keeps views current, builds new ones beside them, parks what cannot be applied.
//! 10. [`combine`]: rows that span partitions.
//!
//! **More than one context**
//!
//! 11. [`messaging`]: contract events from one log to another, each with its effect once.
//! 12. [`process`]: what takes time and needs others.
//! 13. [`timers`]: what happens because time has passed.
//!
//! **Where it is stored**
//!
//! 14. [`event`]: what a log consists of, and how stored events change shape.
//! 15. [`event_store`]: the port for a log.
//! 16. [`read_store`]: the port for views.
//! 17. [`memory`]: both of them in memory, the reference.
//! 18. [`audit`]: proof that the log is whole and every view is what it says.
//!
//! To look things up: [`time`], [`id`]. More examples are in `crates/cqrs/examples`, step-by-step guides in `docs/guides`.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod aggregate;
pub mod audit;
pub mod bus;
pub mod combine;
pub mod command;
pub mod context;
pub mod event;
pub mod event_store;
pub mod executor;
pub mod id;
pub mod memory;
pub mod messaging;
pub mod process;
pub mod projection;
pub mod projector;
pub mod query;
pub mod read_store;
mod state;
#[cfg(any(doc, feature = "testkit"))]
pub mod testkit;
pub mod time;
pub mod timers;

// Each is explained in its chapter; here they are only at hand.
#[doc(hidden)]
pub use aggregate::{Aggregate, Stream};
#[doc(hidden)]
pub use audit::{AuditError, Finding, ViewsAudited, audit_log, audit_views};
#[doc(hidden)]
pub use bus::{
    CommandBus, Deadline, DeadlineLayer, Dispatch, Inquire, Measure, MeasureLayer, QueryBus, Validate, ValidateLayer,
    command_bus, query_bus,
};
#[doc(hidden)]
pub use combine::{Combine, Combined, part_key};
#[doc(hidden)]
pub use command::{
    Answered, Command, CommandError, Decision, Envelope, IdempotencyKey, Invalid, InvalidField, States, Streams,
};
#[doc(hidden)]
pub use context::Context;
#[doc(hidden)]
pub use event::{BatchId, Epoch, Metadata, PartitionId, Payload, Position, Recorded, StoredEvent, StreamName, Version};
#[doc(hidden)]
pub use event_store::{Append, AppendError, Claim, EventStore, Head, HeadLock, LogReader, Snapshot, StoreError, Tail};
#[doc(hidden)]
pub use executor::{Executor, ExecutorLoop, ExecutorSettings, SnapshotLoop};
#[doc(hidden)]
pub use id::{ID_LENGTH_MAX, InvalidId, ShortText, check_id};
#[doc(hidden)]
pub use messaging::{
    Advance, CannotReact, Channel, Consumer, ConsumerError, ContractEvent, Cursor, DEAD_LETTERS_PAGE_MAX, DeadLetter,
    DeadLetterById, DeadLetterDesk, DeadLetterId, DeadLetterPage, DeadLetterPlace, DeadLetters, DeadLettersOfInboxes,
    DeskError, Discard, EventId, FEED_ITEMS_MAX, Feed, FeedError, FeedPage, FeedRequest, Inbox, InboxEvent, InboxId,
    InboxRejection, LogFeed, Message, NotADeadLetterId, NotAnEventId, PARKED_MAX, Parked, Publish, RETRIES_MAX,
    RETRY_ALL_MAX, React, Reaction, Receive, Received, Relay, Reopen, Retried, RetriedAll, Retry, Subscription,
    Transport, TransportError,
};
#[doc(hidden)]
pub use process::Process;
#[doc(hidden)]
pub use projection::{Projection, Rows, Unreadable};
#[doc(hidden)]
pub use projector::{
    Builder, Phase, ProjectionDesk, ProjectionDeskError, ProjectionStatus, Projector, ProjectorError, Purpose,
    RebuildStatus, Replayed,
};
#[doc(hidden)]
pub use query::{Ask, NotAToken, Query, QueryError, ReadSide, Rowset, Token, Told, Views};
#[doc(hidden)]
pub use read_store::{
    Build, BuildInfo, Compare, Compared, Condition, IndexValue, Model, ModelChange, PARKED_STREAMS_MAX, ParkedStream,
    ReadModel, ReadStore, Role, Select, StoredRow, ViewReader,
};
#[doc(hidden)]
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
#[doc(hidden)]
pub use timers::{
    Alarm, DueTimers, NextTimer, TIMERS_PAGE_MAX, Timed, TimerChange, TimerRow, TimersOf, WAKE_STREAMS_MAX, Wake,
};
