//! The in-memory adapters held to the contracts that every store must pass, the guards shown to bark, the audit,
//! processes and timers.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used, reason = "a test tells what it found by panicking")]

mod audit;
mod guards;
mod messages;
mod process;
mod reading;
mod shapes;
mod timers;
mod transports;

use std::sync::Arc;

use cqrs::memory::{MemoryEventStore, MemoryReadStore};
use cqrs::{EventStore, ReadStore};

async fn event_store() -> Arc<dyn EventStore> {
    Arc::new(MemoryEventStore::new(4))
}

async fn read_store() -> Arc<dyn ReadStore> {
    Arc::new(MemoryReadStore::default())
}

cqrs::event_store_contract!(event_store);
cqrs::read_store_contract!(read_store);
