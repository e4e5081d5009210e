//! In-memory adapters: the reference that says in the least code what a store must do, and fast tests need no disk.

mod event_store;
mod read_store;

pub use event_store::MemoryEventStore;
pub use read_store::MemoryReadStore;
