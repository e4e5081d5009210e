//! Connections: how each file is opened, and a small pool of read-only ones.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use cqrs::StoreError;
use rusqlite::{Connection, OpenFlags};

use super::error::OpenError;
use super::schema::Schema;

/// How long a connection waits for another of this process before it gives up.
pub(crate) const BUSY_WAIT_MAX: Duration = Duration::from_millis(1_000);
/// Statements a connection keeps prepared.
const STATEMENTS: usize = 64;

/// What a commit survives.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A power cut: the write-ahead log is synced by every commit.
    PowerCut,
    /// A crash of the process. After a power cut the newest commits may be missing as a whole, never torn: right for
    /// what is rebuilt from the log.
    Crash,
}

impl Durability {
    /// SQLite's number for it: 2 is FULL, 1 is NORMAL.
    fn synchronous(self) -> i64 {
        match self {
            Self::PowerCut => 2,
            Self::Crash => 1,
        }
    }
}

/// One of the folder's files.
pub(crate) struct File {
    pub(crate) path: PathBuf,
    pub(crate) schema: Schema,
    pub(crate) durability: Durability,
    /// The writer's page cache.
    pub(crate) cache_kib: u32,
}

impl File {
    /// Opens the writing connection: the file is made if it is new, recognised, set up and migrated.
    pub(crate) fn open(&self) -> Result<Connection, OpenError> {
        let path = &self.path;
        let failed = |cause| OpenError::sqlite(path, cause);
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
        self.schema.recognise(&connection, path)?;
        self.set_up(&connection)?;
        self.schema.migrate(&mut connection, path)?;
        Ok(connection)
    }

    /// Another writing connection to the file that [`File::open`] has made: for checkpoints.
    pub(crate) fn open_again(&self) -> Result<Connection, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&self.path, flags).map_err(|cause| OpenError::sqlite(&self.path, cause))?;
        self.set_up(&connection)?;
        Ok(connection)
    }

    fn set_up(&self, connection: &Connection) -> Result<(), OpenError> {
        self.set(connection).map_err(|cause| OpenError::sqlite(&self.path, cause))?;
        self.check(connection)
    }

    fn set(&self, connection: &Connection) -> rusqlite::Result<()> {
        connection.set_prepared_statement_cache_capacity(STATEMENTS);
        connection.busy_timeout(BUSY_WAIT_MAX)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", self.durability.synchronous())?;
        // Checkpoints are made by `wal`, off the writer's path.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "cache_size", -i64::from(self.cache_kib))?;
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "temp_store", "MEMORY")
    }

    /// Reads back what durability rests on: a setting that SQLite did not take is no error of its own.
    fn check(&self, connection: &Connection) -> Result<(), OpenError> {
        let failed = |cause| OpenError::sqlite(&self.path, cause);
        let wrong = |setting, found| Err(OpenError::Setting { file: self.path.clone(), setting, found });
        let mode: String = connection.pragma_query_value(None, "journal_mode", |row| row.get(0)).map_err(failed)?;
        if !mode.eq_ignore_ascii_case("wal") {
            return wrong("journal_mode=WAL", mode);
        }
        let found: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).map_err(failed)?;
        if found != self.durability.synchronous() {
            return wrong("synchronous", found.to_string());
        }
        Ok(())
    }

    /// A pool of `size` read-only connections.
    pub(crate) fn readers(&self, size: usize) -> Result<ReadPool, OpenError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut connections = Vec::with_capacity(size);
        for _ in 0..size.max(1) {
            let connection = Connection::open_with_flags(&self.path, flags)
                .and_then(|connection| {
                    connection.set_prepared_statement_cache_capacity(STATEMENTS);
                    connection.busy_timeout(BUSY_WAIT_MAX)?;
                    connection.pragma_update(None, "query_only", true)?;
                    Ok(connection)
                })
                .map_err(|cause| OpenError::sqlite(&self.path, cause))?;
            connections.push(Mutex::new(connection));
        }
        Ok(ReadPool { connections, next: AtomicUsize::new(0) })
    }
}

/// Flushes a folder's entries, so that files just made in it are found after a power cut.
pub(crate) fn sync_folder(dir: &Path) -> Result<(), OpenError> {
    let synced = std::fs::File::open(dir).and_then(|dir| dir.sync_all());
    synced.map_err(|cause| OpenError::Io { action: "sync", path: dir.to_owned(), cause })
}

/// Read-only connections, each used by one reader at a time.
pub(crate) struct ReadPool {
    connections: Vec<Mutex<Connection>>,
    next: AtomicUsize,
}

impl ReadPool {
    /// Reads on a connection that is free, or waits for one.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T, StoreError>) -> Result<T, StoreError> {
        let count = self.connections.len();
        let start = self.next.fetch_add(1, Ordering::Relaxed) % count.max(1);
        let mut in_turn = self.connections.iter().cycle().skip(start).take(count);
        if let Some(connection) = in_turn.clone().find_map(|connection| connection.try_lock().ok()) {
            return read(&connection);
        }
        match in_turn.next() {
            Some(connection) => read(&connection.lock().unwrap_or_else(PoisonError::into_inner)),
            None => Err(StoreError::Unavailable("no connection to read on".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Durability, File};
    use crate::sqlite::error::OpenError;
    use crate::sqlite::schema;

    #[test]
    fn a_log_that_does_not_sync_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.db");
        let file = File { path, schema: schema::LOG, durability: Durability::PowerCut, cache_kib: 64 };
        let connection = file.open().unwrap();
        assert!(file.check(&connection).is_ok());
        for weaker in ["OFF", "NORMAL"] {
            connection.pragma_update(None, "synchronous", weaker).unwrap();
            let refused = file.check(&connection).unwrap_err();
            assert!(matches!(refused, OpenError::Setting { setting: "synchronous", .. }), "{refused}");
        }
    }
}
