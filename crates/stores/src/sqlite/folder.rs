//! A data folder: locked for one process, its files opened, checked and handed out.

use std::fs::TryLockError;
use std::path::Path;
use std::sync::{Arc, Mutex, OnceLock};

use cqrs::Epoch;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior};
use uuid::Uuid;

use super::connection::{Durability, File, sync_folder};
use super::error::OpenError;
use super::event_store::SqliteEventStore;
use super::log_file::LogFile;
use super::log_reader::SqliteLogReader;
use super::read_store::{SqliteReadStore, SqliteViewReader};
use super::snapshots::SnapshotFile;
use super::wal::{self, Wal, WalCounters, WalLimits};
use super::{schema, stream_index, tail};

const MIB: u64 = 1 << 20;

/// How a folder is opened.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// The number of partitions of a log that is made now; one that exists keeps its own. At least 1.
    pub partitions: u16,
    /// Read-only connections per file, at least 1.
    pub readers: usize,
    /// Bytes in the log's write-ahead log at which it is started over.
    pub wal_bytes_max: u64,
    /// The pages that `log.db` may have: a disk quota. `None` leaves it to the disk.
    pub log_pages_max: Option<u32>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self { partitions: 16, readers: 4, wal_bytes_max: 32 * MIB, log_pages_max: None }
    }
}

/// The folder's lock, held until every store of the folder is dropped.
pub(crate) struct FolderLock {
    _file: std::fs::File,
}

impl FolderLock {
    pub(crate) fn take(dir: &Path) -> Result<Self, OpenError> {
        let path = dir.join("comanda.lock");
        let io = |cause| OpenError::Io { action: "open", path: path.clone(), cause };
        let file = std::fs::File::options().create(true).truncate(false).write(true).open(&path).map_err(io)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { dir: dir.to_owned() }),
            Err(TryLockError::Error(cause)) => Err(OpenError::Io { action: "lock", path, cause }),
        }
    }
}

/// An open data folder. Its stores keep it open; it can be dropped before them.
pub struct SqliteFolder {
    event_store: Arc<SqliteEventStore>,
    read_store: Arc<SqliteReadStore>,
    log: Arc<LogFile>,
    counters: Arc<WalCounters>,
}

impl SqliteFolder {
    /// Opens `dir`, which is made if it does not exist, checks that the end of the log is whole, and drops what was
    /// folded from another log.
    ///
    /// # Errors
    /// [`OpenError`]; each says what to do.
    pub fn open(dir: &Path, options: &SqliteOptions) -> Result<Self, OpenError> {
        if options.partitions == 0 || options.readers == 0 {
            return Err(OpenError::Options("partitions and readers must be at least 1".to_owned()));
        }
        std::fs::create_dir_all(dir).map_err(|cause| OpenError::Io { action: "make", path: dir.to_owned(), cause })?;
        let lock = Arc::new(FolderLock::take(dir)?);
        let broken = Arc::new(OnceLock::new());

        let file = log_file(dir);
        let mut writer = file.open()?;
        let limits = WalLimits { copy_bytes: options.wal_bytes_max / 8, bytes_max: options.wal_bytes_max };
        let wal = Wal::keep(&file, "log.db", limits, Arc::clone(&broken))?;
        wal::reserve(&file.path, options.wal_bytes_max);
        let failed = |cause| OpenError::sqlite(&file.path, cause);
        if let Some(pages) = options.log_pages_max {
            writer.pragma_update(None, "max_page_count", pages).map_err(failed)?;
        }
        let (epoch, partitions) = identity(&mut writer, options.partitions).map_err(failed)?;
        let heads = tail::heads(&writer, partitions).map_err(failed)?;
        tail::verify(&writer, &file.path, &heads)?;
        let source = stream_index::Source { file: &file.path, connection: &writer, epoch, heads: &heads };
        let (streams, keeper) = stream_index::open(&streams_file(dir), &source, options.readers, Arc::clone(&broken))?;

        let log = Arc::new(LogFile {
            epoch,
            partitions,
            heads: Mutex::new(heads),
            broken,
            readers: file.readers(options.readers)?,
            streams,
            snapshots: SnapshotFile::open(&snapshots_file(dir), epoch)?,
            _lock: Arc::clone(&lock),
        });
        let read_store = Arc::new(SqliteReadStore::open(&views_file(dir), options.readers, lock)?);
        sync_folder(dir)?;
        let counters = wal.counters();
        let event_store = Arc::new(SqliteEventStore::new(writer, wal, keeper, Arc::clone(&log)));
        Ok(Self { event_store, read_store, log, counters })
    }

    /// The log, to append to: for the executor's and the projector's thread.
    #[must_use]
    pub fn event_store(&self) -> Arc<SqliteEventStore> {
        Arc::clone(&self.event_store)
    }

    /// The log, to read: for queries.
    #[must_use]
    pub fn log_reader(&self) -> SqliteLogReader {
        SqliteLogReader(Arc::clone(&self.log))
    }

    /// The views, to write: for the projector's thread.
    #[must_use]
    pub fn read_store(&self) -> Arc<SqliteReadStore> {
        Arc::clone(&self.read_store)
    }

    /// The views, to read: for queries.
    #[must_use]
    pub fn view_reader(&self) -> SqliteViewReader {
        self.read_store.reader()
    }

    /// What the log's writer has done since the folder was opened.
    #[must_use]
    pub fn log_counters(&self) -> Arc<WalCounters> {
        Arc::clone(&self.counters)
    }
}

pub(crate) fn log_file(dir: &Path) -> File {
    let path = dir.join("log.db");
    File { path, schema: schema::LOG, durability: Durability::PowerCut, cache_kib: 64 * 1024 }
}

fn streams_file(dir: &Path) -> File {
    let path = dir.join("streams.db");
    File { path, schema: schema::STREAMS, durability: Durability::Crash, cache_kib: 16 * 1024 }
}

fn views_file(dir: &Path) -> File {
    let path = dir.join("views.db");
    File { path, schema: schema::VIEWS, durability: Durability::Crash, cache_kib: 32 * 1024 }
}

fn snapshots_file(dir: &Path) -> File {
    let path = dir.join("snapshots.db");
    File { path, schema: schema::SNAPSHOTS, durability: Durability::Crash, cache_kib: 4 * 1024 }
}

/// The log's epoch and number of partitions: those it was made with, or new ones.
pub(crate) fn identity(connection: &mut Connection, partitions: u16) -> rusqlite::Result<(Epoch, u16)> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let known: Option<([u8; 16], u16)> = transaction
        .query_row("SELECT epoch, partitions FROM log", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((epoch, partitions)) = known {
        return Ok((Epoch(Uuid::from_bytes(epoch)), partitions));
    }
    let epoch = Uuid::new_v4();
    transaction.execute("INSERT INTO log VALUES (1, ?1, ?2)", (epoch.into_bytes(), partitions))?;
    transaction.commit()?;
    Ok((Epoch(epoch), partitions))
}
