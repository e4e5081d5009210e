//! The read store: a table per model, rows and checkpoints in one transaction.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use async_trait::async_trait;
use cqrs::{Epoch, Model, ModelChange, PartitionId, Position, ReadStore, Select, StoreError, StoredRow, ViewReader};
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior};

use super::connection::{File, ReadPool};
use super::error::{OpenError, in_views};
use super::folder::FolderLock;
use super::log_file::whole;
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
    fn get(&self, model: Model, keys: &[String]) -> Result<Vec<Option<StoredRow>>, StoreError> {
        let table = ModelTable::of(model)?;
        self.readers.read(|connection| {
            // One transaction, so that all rows are of one commit.
            let transaction = connection.unchecked_transaction().map_err(in_views)?;
            table.get(&transaction, keys).map_err(in_views)
        })
    }

    fn select(&self, model: Model, select: &Select) -> Result<Vec<StoredRow>, StoreError> {
        let table = ModelTable::of(model)?;
        self.readers.read(|connection| table.select(connection, select))
    }

    fn checkpoints(&self, model: Model) -> Result<Vec<(PartitionId, Position)>, StoreError> {
        self.readers.read(|connection| {
            let sql =
                "SELECT partition, position FROM checkpoints WHERE model = ?1 AND version = ?2 ORDER BY partition";
            let mut statement = connection.prepare_cached(sql).map_err(in_views)?;
            let rows = statement.query_map((model.name, model.version), |row| {
                let position: i64 = row.get(1)?;
                Ok((PartitionId(row.get(0)?), position.unsigned_abs()))
            });
            rows.and_then(Iterator::collect).map_err(in_views)
        })
    }
}

/// Whose log a model's rows come from, and its declared indexes.
fn known(connection: &Connection, model: Model) -> rusqlite::Result<Option<([u8; 16], String)>> {
    let mut statement =
        connection.prepare_cached("SELECT epoch, indexes FROM models WHERE name = ?1 AND version = ?2")?;
    statement.query_row((model.name, model.version), |row| Ok((row.get(0)?, row.get(1)?))).optional()
}

/// Makes the model's table anew and forgets how far it was read.
fn reset(connection: &Connection, model: Model, table: &ModelTable, epoch: [u8; 16]) -> rusqlite::Result<()> {
    table.drop(connection)?;
    table.create(connection)?;
    connection.execute("DELETE FROM checkpoints WHERE model = ?1 AND version = ?2", (model.name, model.version))?;
    let row = (model.name, model.version, epoch, model.indexes.join(","));
    connection.execute("INSERT OR REPLACE INTO models VALUES (?1, ?2, ?3, ?4)", row)?;
    Ok(())
}

fn save_checkpoints(connection: &Connection, change: &ModelChange) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached("INSERT OR REPLACE INTO checkpoints VALUES (?1, ?2, ?3, ?4)")?;
    let Model { name, version, .. } = change.model;
    let mut save = |&(partition, position): &(PartitionId, Position)| {
        statement.execute((name, version, partition.0, whole(position)))
    };
    change.checkpoints.iter().try_for_each(|checkpoint| save(checkpoint).map(drop))
}

fn not_prepared(model: Model) -> StoreError {
    StoreError::Broken(format!("model {model} is written before it was prepared for this log: a fault of the caller"))
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
}

#[async_trait]
impl ReadStore for SqliteReadStore {
    async fn prepare(&self, model: Model, epoch: Epoch) -> Result<(), StoreError> {
        let (table, epoch) = (ModelTable::of(model)?, epoch.0.into_bytes());
        self.write(|transaction| match known(transaction, model).map_err(in_views)? {
            Some((of, indexes)) if of == epoch && indexes == model.indexes.join(",") => Ok(()),
            _ => reset(transaction, model, &table, epoch).map_err(in_views),
        })
    }

    async fn commit(&self, changes: &[ModelChange]) -> Result<(), StoreError> {
        self.write(|transaction| {
            for change in changes {
                let of = known(transaction, change.model).map_err(in_views)?;
                if of.is_none_or(|(epoch, _)| epoch != change.epoch.0.into_bytes()) {
                    return Err(not_prepared(change.model));
                }
                let table = ModelTable::of(change.model)?;
                table.delete(transaction, &change.deletes).map_err(in_views)?;
                table.upsert(transaction, &change.upserts)?;
                save_checkpoints(transaction, change).map_err(in_views)?;
            }
            Ok(())
        })
    }

    async fn clear(&self, model: Model) -> Result<(), StoreError> {
        let table = ModelTable::of(model)?;
        self.write(|transaction| match known(transaction, model).map_err(in_views)? {
            Some((epoch, _)) => reset(transaction, model, &table, epoch).map_err(in_views),
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
}
