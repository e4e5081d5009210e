//! The read store: a table per build of a model, rows and checkpoints in one transaction.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use cqrs::{
    Build, BuildInfo, Compared, Epoch, Model, ModelChange, ParkedStream, PartitionId, Position, ReadStore, Select,
    StoreError, StoredRow, ViewReader,
};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::builds;
use super::connection::{File, ReadPool};
use super::error::{OpenError, in_views};
use super::folder::FolderLock;
use super::log_reader::off_worker;
use super::model_table::ModelTable;
use super::wal::{Wal, WalLimits};

/// How the write-ahead log of the views is bounded.
const LIMITS: WalLimits = WalLimits { copy_bytes: 8 << 20, bytes_max: 64 << 20 };

/// The views of a folder, to write and to read.
///
/// It does its work inline, blocking the thread that polls it: the projector runs on a thread of its own. Queries on
/// async workers read through [`SqliteViewReader`].
pub struct SqliteReadStore {
    writer: Mutex<Writer>,
    views: Arc<Views>,
}

/// The views of a folder, to read: every read runs on a thread that may block, never on the async worker.
#[derive(Clone)]
pub struct SqliteViewReader(Arc<Views>);

struct Writer {
    connection: Connection,
    wal: Wal,
}

/// What every reader shares.
struct Views {
    readers: ReadPool,
    /// Set by a checkpoint that failed: what is on the disk is then not known.
    broken: Arc<OnceLock<String>>,
    /// Last, so that the folder is let go after its files are closed.
    _lock: Arc<FolderLock>,
}

impl SqliteReadStore {
    pub(crate) fn open(file: &File, readers: usize, lock: Arc<FolderLock>) -> Result<Self, OpenError> {
        let connection = file.open()?;
        let broken = Arc::new(OnceLock::new());
        let wal = Wal::keep(file, "views.db", LIMITS, Arc::clone(&broken))?;
        let views = Arc::new(Views { readers: file.readers(readers)?, broken, _lock: lock });
        Ok(Self { writer: Mutex::new(Writer { connection, wal }), views })
    }

    pub(crate) fn reader(&self) -> SqliteViewReader {
        SqliteViewReader(Arc::clone(&self.views))
    }

    /// Runs `write` in a transaction of its own.
    fn write(&self, write: impl FnOnce(&Transaction<'_>) -> Result<(), StoreError>) -> Result<(), StoreError> {
        if let Some(cause) = self.views.broken.get() {
            return Err(StoreError::Broken(cause.clone()));
        }
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let transaction =
            writer.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(in_views)?;
        write(&transaction)?;
        transaction.commit().map_err(in_views)?;
        writer.wal.committed(&writer.connection).map_err(in_views)
    }
}

impl Views {
    /// Reads in one transaction, so that all is of one commit, from the build that `model` means.
    fn read<T: Default>(
        &self,
        model: Model,
        read: impl FnOnce(&Connection, u32, &ModelTable) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.readers.read(|connection| {
            let transaction = connection.unchecked_transaction().map_err(in_views)?;
            match builds::table(&transaction, model)? {
                Some((number, table)) => read(&transaction, number, &table),
                None => Ok(T::default()),
            }
        })
    }

    fn get(&self, model: Model, keys: &[String]) -> Result<Vec<Option<StoredRow>>, StoreError> {
        let found = self.read(model, |connection, _, table| table.get(connection, keys).map(Some).map_err(in_views))?;
        Ok(found.unwrap_or_else(|| vec![None; keys.len()]))
    }

    fn select(&self, model: Model, select: &Select) -> Result<Vec<StoredRow>, StoreError> {
        self.read(model, |connection, _, table| table.select(connection, select))
    }

    fn checkpoints(&self, model: Model) -> Result<Vec<(PartitionId, Position)>, StoreError> {
        self.read(model, |connection, number, _| builds::checkpoints(connection, model, number).map_err(in_views))
    }

    fn parked(&self, model: Model) -> Result<Vec<ParkedStream>, StoreError> {
        self.read(model, |connection, number, _| builds::parked(connection, model, number).map_err(in_views))
    }

    fn builds(&self, model: Model) -> Result<Vec<BuildInfo>, StoreError> {
        self.readers.read(|connection| builds::all(connection, model.name).map_err(in_views))
    }

    /// Reads both builds as of one commit.
    fn compare(&self, with: Model, other: Model, keys_max: usize) -> Result<Option<Compared>, StoreError> {
        self.readers.read(|connection| {
            let transaction = connection.unchecked_transaction().map_err(in_views)?;
            let ((live, table), (new, other_table)) =
                (builds::found(&transaction, with)?, builds::found(&transaction, other)?);
            let read = |model, number| builds::checkpoints(&transaction, model, number).map_err(in_views);
            if read(with, live)? != read(other, new)? {
                return Ok(None);
            }
            table.compare(&other_table, &transaction, keys_max).map(Some).map_err(in_views)
        })
    }
}

/// Whether the live build of `model` is of this log and has the declared indexes; `None` if there is none.
fn usable(connection: &Connection, model: Model, epoch: Epoch) -> rusqlite::Result<Option<bool>> {
    let sql = "SELECT epoch, indexes FROM builds WHERE name = ?1 AND version = ?2 AND role = 'live'";
    let known = connection.query_row(sql, (model.name, model.version), |row| {
        let (of, indexes): ([u8; 16], String) = (row.get(0)?, row.get(1)?);
        Ok(of == epoch.0.into_bytes() && indexes == model.indexes.join(","))
    });
    known.optional()
}

/// Whose log the rows of a build come from.
fn epoch_of(connection: &Connection, model: Model, number: u32) -> rusqlite::Result<[u8; 16]> {
    let sql = "SELECT epoch FROM builds WHERE name = ?1 AND version = ?2 AND build = ?3";
    connection.prepare_cached(sql)?.query_row((model.name, model.version, number), |row| row.get(0))
}

#[async_trait]
impl ViewReader for SqliteReadStore {
    async fn get(&self, model: Model, keys: &[String]) -> Result<Vec<Option<StoredRow>>, StoreError> {
        self.views.get(model, keys)
    }

    async fn select(&self, model: Model, select: &Select) -> Result<Vec<StoredRow>, StoreError> {
        self.views.select(model, select)
    }

    async fn checkpoints(&self, model: Model) -> Result<Vec<(PartitionId, Position)>, StoreError> {
        self.views.checkpoints(model)
    }

    async fn parked(&self, model: Model) -> Result<Vec<ParkedStream>, StoreError> {
        self.views.parked(model)
    }

    async fn builds(&self, model: Model) -> Result<Vec<BuildInfo>, StoreError> {
        self.views.builds(model)
    }
}

#[async_trait]
impl ReadStore for SqliteReadStore {
    async fn prepare(&self, model: Model, epoch: Epoch) -> Result<(), StoreError> {
        self.write(|transaction| {
            match usable(transaction, model, epoch).map_err(in_views)? {
                Some(true) => return Ok(()),
                Some(false) => {
                    let (number, _) = builds::found(transaction, Model { build: Build::Live, ..model })?;
                    builds::drop_build(transaction, model.name, model.version, number).map_err(in_views)?;
                }
                None => {}
            }
            let number = builds::add(transaction, model, epoch, "live")?;
            ModelTable::of(model, number)?.index(transaction).map_err(in_views)
        })
    }

    async fn commit(&self, changes: &[ModelChange]) -> Result<(), StoreError> {
        self.write(|transaction| {
            for change in changes {
                let (number, table) = builds::found(transaction, change.model)?;
                let of = epoch_of(transaction, change.model, number).map_err(in_views)?;
                if of != change.epoch.0.into_bytes() {
                    return Err(StoreError::Broken(format!(
                        "{} is of another log: a fault of the caller",
                        change.model
                    )));
                }
                table.delete(transaction, &change.deletes).map_err(in_views)?;
                table.upsert(transaction, &change.upserts)?;
                builds::save(transaction, change, number).map_err(in_views)?;
            }
            Ok(())
        })
    }

    async fn clear(&self, model: Model) -> Result<(), StoreError> {
        self.write(|transaction| {
            let Some((number, table)) = builds::table(transaction, model)? else { return Ok(()) };
            table.empty(transaction).map_err(in_views)?;
            builds::forget(transaction, model.name, model.version, number).map_err(in_views)
        })
    }

    async fn begin(&self, model: Model, epoch: Epoch) -> Result<Model, StoreError> {
        let mut number = 0;
        self.write(|transaction| {
            number = builds::add(transaction, model, epoch, "shadow")?;
            Ok(())
        })?;
        Ok(model.in_build(number))
    }

    async fn finish(&self, model: Model) -> Result<(), StoreError> {
        self.write(|transaction| builds::found(transaction, model)?.1.index(transaction).map_err(in_views))
    }

    async fn compare(&self, with: Model, other: Model, keys_max: usize) -> Result<Option<Compared>, StoreError> {
        self.views.compare(with, other, keys_max)
    }

    async fn swap(&self, model: Model) -> Result<(), StoreError> {
        self.write(|transaction| {
            let (number, _) = builds::found(transaction, model)?;
            builds::swap(transaction, model, number).map_err(in_views)
        })
    }

    async fn discard(&self, model: Model) -> Result<(), StoreError> {
        self.write(|transaction| match builds::number(transaction, model).map_err(in_views)? {
            Some(number) => builds::drop_build(transaction, model.name, model.version, number).map_err(in_views),
            None => Ok(()),
        })
    }
}

#[async_trait]
impl ViewReader for SqliteViewReader {
    async fn get(&self, model: Model, keys: &[String]) -> Result<Vec<Option<StoredRow>>, StoreError> {
        let (views, keys) = (Arc::clone(&self.0), keys.to_vec());
        off_worker(move || views.get(model, &keys)).await
    }

    async fn select(&self, model: Model, select: &Select) -> Result<Vec<StoredRow>, StoreError> {
        let (views, select) = (Arc::clone(&self.0), select.clone());
        off_worker(move || views.select(model, &select)).await
    }

    async fn checkpoints(&self, model: Model) -> Result<Vec<(PartitionId, Position)>, StoreError> {
        let views = Arc::clone(&self.0);
        off_worker(move || views.checkpoints(model)).await
    }

    async fn parked(&self, model: Model) -> Result<Vec<ParkedStream>, StoreError> {
        let views = Arc::clone(&self.0);
        off_worker(move || views.parked(model)).await
    }

    async fn builds(&self, model: Model) -> Result<Vec<BuildInfo>, StoreError> {
        let views = Arc::clone(&self.0);
        off_worker(move || views.builds(model)).await
    }
}
