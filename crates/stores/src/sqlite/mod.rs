//! The embedded store: one folder, four SQLite files, one process.
//!
//! | file | holds | durable |
//! | --- | --- | --- |
//! | `log.db` | events, claims | when an append returns (`synchronous=FULL`) |
//! | `streams.db` | where each stream ends | read again from the log if lost |
//! | `views.db` | read models and their checkpoints | rebuilt from the log if lost |
//! | `snapshots.db` | folded states | folded again from the log if lost |
//! | `comanda.lock` | nothing: locked while a process uses the folder | |
//!
//! The log's one writer holds the heads in memory, because the folder's lock keeps every other process out: comparing
//! heads reads no disk and a batch of rejections, if nothing was due, writes nothing.

mod builds;
mod connection;
mod copy;
mod error;
mod event_store;
mod folder;
mod log_file;
mod log_reader;
mod model_table;
mod read_store;
mod renew;
mod schema;
mod snapshots;
mod stream_index;
mod streams;
mod tail;
mod wal;
mod writer;

pub use copy::{CopyError, LogAtMoment, LogIdentity, Moment, at_one_moment, check_copy};
pub use error::OpenError;
pub use event_store::SqliteEventStore;
pub use folder::{SqliteFolder, SqliteOptions};
pub use log_reader::SqliteLogReader;
pub use read_store::{SqliteReadStore, SqliteViewReader};
pub use renew::{Renewed, is_in_use, renew_epoch};
pub use wal::WalCounters;
