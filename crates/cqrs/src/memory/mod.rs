//! In-memory adapters: the reference that says in the least code what a store must do, and fast tests need no disk.
//!
//! They pass the same contract suites as every other store. What they hold is gone with the process.
//!
//! ```
//! use cqrs::LogReader;
//! use cqrs::memory::MemoryEventStore;
//!
//! let log = MemoryEventStore::new(4);
//! let same = log.clone(); // another handle to the same log
//! assert_eq!((log.partitions(), log.epoch()), (4, same.epoch()));
//! ```
//!
//! Next: [`audit`](crate::audit), which checks what a store holds.

mod event_store;
mod read_store;

pub use event_store::MemoryEventStore;
pub use read_store::MemoryReadStore;
