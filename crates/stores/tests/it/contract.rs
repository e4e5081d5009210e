//! The contract suites of `cqrs`, on SQLite.

use std::cell::RefCell;
use std::sync::Arc;

use comanda_stores::sqlite::SqliteFolder;
use tempfile::TempDir;

use crate::support::open;

thread_local! {
    /// Removed when the test's thread ends, after its stores.
    static FOLDERS: RefCell<Vec<TempDir>> = const { RefCell::new(Vec::new()) };
}

fn fresh() -> SqliteFolder {
    let dir = tempfile::tempdir().expect("a folder");
    let folder = open(dir.path());
    FOLDERS.with_borrow_mut(|folders| folders.push(dir));
    folder
}

async fn fresh_event_store() -> Arc<dyn cqrs::EventStore> {
    fresh().event_store()
}

async fn fresh_read_store() -> Arc<dyn cqrs::ReadStore> {
    fresh().read_store()
}

cqrs::event_store_contract!(fresh_event_store);
cqrs::read_store_contract!(fresh_read_store);
