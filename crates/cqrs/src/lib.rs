//! Command query responsibility segregation, small and whole: decide on states, append once, answer; read from views.
//!
//! # The tour
//!
//! | you write | as | and get |
//! | --- | --- | --- |
//! | what can be | an [`Aggregate`]: state, events, a total `apply` | a fold of each stream, cached and snapshotted |
//! | what can be asked for | a [`Command`]: a pure `decide` to events or a typed rejection | durable answers, in batches |
//! | what can be seen | a [`ReadModel`] and its [`Projection`] | rows kept current, rebuilt beside the live ones at will, exactly once |
//! | what can be known | a [`Query`] | answers at once, or not before a [`Token`] says |
//! | what goes on elsewhere, and takes time | a [`Process`], [`Timed`]; [`React`] and [`Publish`] at its edges | requests, answers and time-outs, each once |
//! | the table of contents | a [`Context`] that lists them | buses that know nothing else |
//!
//! A command goes [`CommandBus`] → [`Executor`] → [`EventStore`]; a query goes [`QueryBus`] → [`ReadSide`] →
//! [`ViewReader`]; between them the [`Projector`] follows the log. Stores are ports, in prose and with a contract suite
//! (`testkit`): [`memory`] has the reference adapters. Nothing in this crate does I/O or knows a domain.
//!
//! How a batch is decided, and why it cannot oversell, is told in [`Executor`]'s module.
//!
//! # A light switch
//!
//! ```
#![doc = include_str!("../examples/light_switch.rs")]
//! ```
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod aggregate;
mod alarm;
mod audit;
mod build;
mod bus;
mod combine;
mod command;
mod context;
mod event;
mod event_store;
mod executor;
mod id;
pub mod memory;
mod messaging;
mod parking;
mod process;
mod projection;
mod projector;
mod query;
mod read_store;
mod state;
mod tail;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod time;
mod timers;
mod token;
mod upcast;
mod views;

pub use aggregate::{Aggregate, Stream};
pub use alarm::Alarm;
pub use audit::{AuditError, Finding, ViewsAudited, audit_log, audit_views};
pub use build::{Build, BuildInfo, Compared, Role};
pub use bus::{
    CommandBus, Deadline, DeadlineLayer, Dispatch, Inquire, Measure, MeasureLayer, QueryBus, Validate, ValidateLayer,
    command_bus, query_bus,
};
pub use combine::{Combine, Combined, part_key};
pub use command::{
    Answered, Command, CommandError, Decision, Envelope, IdempotencyKey, Invalid, InvalidField, States, Streams,
};
pub use context::Context;
pub use event::{BatchId, Epoch, Metadata, PartitionId, Payload, Position, Recorded, StreamName, Version};
pub use event_store::{Append, AppendError, Claim, EventStore, Head, HeadLock, LogReader, Snapshot, StoreError};
pub use executor::{Executor, ExecutorLoop, ExecutorSettings, SnapshotLoop};
pub use id::{ID_LENGTH_MAX, InvalidId, check_id};
pub use messaging::{
    Advance, CannotReact, Channel, Consumer, ConsumerError, ContractEvent, Cursor, DEAD_LETTERS_PAGE_MAX, DeadLetter,
    DeadLetterById, DeadLetterDesk, DeadLetterId, DeadLetterPage, DeadLetterPlace, DeadLetters, DeadLettersOfInboxes,
    DeskError, Discard, EventId, FEED_ITEMS_MAX, Feed, FeedError, FeedPage, FeedRequest, Inbox, InboxEvent, InboxId,
    InboxRejection, LogFeed, Message, NotADeadLetterId, NotAnEventId, PARKED_MAX, Parked, Publish, RETRIES_MAX,
    RETRY_ALL_MAX, React, Reaction, Receive, Received, Relay, Reopen, Retried, RetriedAll, Retry, Subscription,
    Transport, TransportError,
};
pub use parking::{PARKED_STREAMS_MAX, ParkedStream};
pub use process::Process;
pub use projection::{Projection, Rows, Unreadable};
pub use projector::{
    Builder, Phase, ProjectionDesk, ProjectionDeskError, ProjectionStatus, Projector, ProjectorError, Purpose,
    RebuildStatus, Replayed,
};
pub use query::{Ask, Query, QueryError, ReadSide, Rowset, Told};
pub use read_store::{
    Compare, Condition, IndexValue, Model, ModelChange, ReadModel, ReadStore, Select, StoredRow, ViewReader,
};
pub use tail::Tail;
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use timers::{
    DueTimers, NextTimer, TIMERS_PAGE_MAX, Timed, TimerChange, TimerRow, TimersOf, WAKE_STREAMS_MAX, Wake,
};
pub use token::{NotAToken, Token};
pub use upcast::StoredEvent;
pub use views::Views;
