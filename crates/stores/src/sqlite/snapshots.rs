//! Snapshots: folded states in a file of their own, so that losing it costs time only.

use std::sync::{Mutex, PoisonError};

use cqrs::{Epoch, PartitionId, Snapshot, StoreError, StreamName};
use rusqlite::{Connection, OptionalExtension, Row};

use super::connection::File;
use super::error::{OpenError, in_snapshots};
use super::log_file::whole;

/// Pages in the write-ahead log after which a save copies them. Saves are rare: no thread is worth it here.
const CHECKPOINT_PAGES: u32 = 1_000;

/// `snapshots.db`. Its one user is the executor, which reads and saves on its own thread.
pub(crate) struct SnapshotFile(Mutex<Connection>);

impl SnapshotFile {
    /// Opens the file; what it folded from another log than `epoch` is dropped.
    pub(crate) fn open(file: &File, epoch: Epoch) -> Result<Self, OpenError> {
        let connection = file.open()?;
        belong_to(&connection, epoch).map_err(|cause| OpenError::sqlite(&file.path, cause))?;
        Ok(Self(Mutex::new(connection)))
    }

    /// The snapshot of each stream; one that cannot be read is none.
    pub(crate) fn read(&self, streams: &[StreamName]) -> Vec<Option<Snapshot>> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        streams
            .iter()
            .map(|stream| {
                read_one(&connection, stream).unwrap_or_else(|error| {
                    tracing::warn!(%stream, %error, "a snapshot cannot be read: the stream is folded anew");
                    None
                })
            })
            .collect()
    }

    /// Keeps `snapshot` unless a newer one of the same fold is there.
    pub(crate) fn save(&self, snapshot: &Snapshot) -> Result<(), StoreError> {
        let connection = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let sql = "INSERT INTO snapshots VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (stream) DO UPDATE SET \
                   partition = ?2, version = ?3, fold_version = ?4, state = ?5 \
                   WHERE fold_version <> ?4 OR version <= ?3";
        let mut statement = connection.prepare_cached(sql).map_err(in_snapshots)?;
        let values = (
            snapshot.stream.as_str(),
            snapshot.partition.0,
            whole(snapshot.version),
            snapshot.fold_version,
            &*snapshot.state,
        );
        statement.execute(values).map_err(in_snapshots)?;
        Ok(())
    }
}

fn belong_to(connection: &Connection, epoch: Epoch) -> rusqlite::Result<()> {
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    let transaction = connection.unchecked_transaction()?;
    let source: Option<[u8; 16]> =
        transaction.query_row("SELECT epoch FROM source", [], |row| row.get(0)).optional()?;
    if source != Some(epoch.0.into_bytes()) {
        transaction.execute("DELETE FROM snapshots", [])?;
        transaction.execute("INSERT OR REPLACE INTO source VALUES (1, ?1)", [epoch.0.into_bytes()])?;
    }
    transaction.commit()
}

fn read_one(connection: &Connection, stream: &StreamName) -> rusqlite::Result<Option<Snapshot>> {
    let sql = "SELECT partition, version, fold_version, state FROM snapshots WHERE stream = ?1";
    let read = |row: &Row<'_>| {
        let version: i64 = row.get(1)?;
        let state: Vec<u8> = row.get(3)?;
        Ok(Snapshot {
            stream: stream.clone(),
            partition: PartitionId(row.get(0)?),
            version: version.unsigned_abs(),
            fold_version: row.get(2)?,
            state: state.into(),
        })
    };
    connection.prepare_cached(sql)?.query_row([stream.as_str()], read).optional()
}
