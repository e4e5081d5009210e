//! A new epoch for a log that was restored: what was told of the old one's end is not of this log.

use std::fs::TryLockError;
use std::path::Path;

use cqrs::Epoch;
use uuid::Uuid;

use super::error::OpenError;
use super::folder::{FolderLock, identity, log_file};

/// What a log's identity was, and is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewed {
    /// The epoch it had.
    pub from: Epoch,
    /// The epoch it has.
    pub to: Epoch,
    /// Its partitions.
    pub partitions: u16,
}

/// Gives the log in `dir`, which is there already, a new epoch, durably. Views and snapshots of the old one are dropped when
/// the folder is opened.
///
/// # Errors
/// [`OpenError`]
pub fn renew_epoch(dir: &Path) -> Result<Renewed, OpenError> {
    let _lock = FolderLock::take(dir)?;
    let file = log_file(dir);
    let failed = |cause| OpenError::sqlite(&file.path, cause);
    let mut connection = file.open()?;
    let (from, partitions) = identity(&mut connection, 1).map_err(failed)?;
    let to = Epoch(Uuid::new_v4());
    connection.execute("UPDATE log SET epoch = ?1", [to.0.into_bytes()]).map_err(failed)?;
    Ok(Renewed { from, to, partitions })
}

/// Whether a process has the data in `dir` open.
#[must_use]
pub fn is_in_use(dir: &Path) -> bool {
    let lock = std::fs::File::open(dir.join("comanda.lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock(), Err(TryLockError::WouldBlock)))
}
