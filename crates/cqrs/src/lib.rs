//! Command query responsibility segregation, small and whole.
#![cfg_attr(test, allow(clippy::unwrap_used))]

mod aggregate;
mod command;
mod event;
mod event_store;
mod projection;
mod read_store;
mod state;
#[cfg(feature = "testkit")]
pub mod testkit;
pub mod time;
mod token;

pub use aggregate::{Aggregate, Stream};
pub use command::{
    Answered, Command, CommandError, Decision, Envelope, IdempotencyKey, Invalid, InvalidField, States, Streams,
};
pub use event::{BatchId, Epoch, Metadata, PartitionId, Payload, Position, Recorded, StreamName, Version};
pub use event_store::{Append, AppendError, Claim, EventStore, Head, HeadLock, LogReader, Snapshot, StoreError};
pub use projection::{Projection, Rows, Unreadable};
pub use read_store::{
    Compare, Condition, IndexValue, Model, ModelChange, ReadModel, ReadStore, Select, StoredRow, ViewReader,
};
pub use time::{Clock, ManualClock, SystemClock, Timestamp};
pub use token::{NotAToken, Token};
