//! What can go wrong: when a folder is opened, and later.

use std::path::PathBuf;

use cqrs::{Position, StoreError};
use rusqlite::ErrorCode;

/// Why a data folder was not opened. Nothing in it was changed, but for migrations that succeeded.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process holds the folder's lock.
    #[error("another process uses {}; stop it or choose another --data", .dir.display())]
    InUse {
        /// The folder.
        dir: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} {}: {cause}; check that the path exists and is writable", .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        cause: std::io::Error,
    },
    /// The disk has no room left.
    #[error("cannot open {}: the disk is full; free space, then start again", .file.display())]
    Full {
        /// The file.
        file: PathBuf,
    },
    /// SQLite refused.
    #[error("cannot open {}: {cause}", .file.display())]
    Database {
        /// The file.
        file: PathBuf,
        /// What SQLite said.
        cause: rusqlite::Error,
    },
    /// The file is no SQLite database, or a damaged one.
    #[error("{} is damaged or no database ({cause}); {}", .file.display(), remedy(.file))]
    Damaged {
        /// The file.
        file: PathBuf,
        /// What was found.
        cause: String,
    },
    /// The file is a database of another program.
    #[error("{} belongs to another program; choose another --data", .file.display())]
    Foreign {
        /// The file.
        file: PathBuf,
    },
    /// The file was written by a newer version of this program.
    #[error("{} has schema {found}, this program knows up to {known}; use the newer program", .file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// The newest migration it has had.
        found: u32,
        /// The newest migration this program has.
        known: u32,
    },
    /// A migration that was applied to the file is not the one this program has under that number.
    #[error("{} was made with another migration {number}; use the program that wrote it", .file.display())]
    Changed {
        /// The file.
        file: PathBuf,
        /// The migration's number.
        number: u32,
    },
    /// A setting that durability rests on did not hold.
    #[error("{} does not keep `{setting}` (it reads {found}); use a local file system", .file.display())]
    Setting {
        /// The file.
        file: PathBuf,
        /// What was set.
        setting: &'static str,
        /// What was read back.
        found: String,
    },
    /// The end of a partition's log is not whole.
    #[error(
        "{}: partition {partition} should end at position {head} without a gap, but after position {after} comes {}; \
         restore the folder from a backup",
        .file.display(),
        .found.map_or_else(|| "nothing".to_owned(), |found| found.to_string())
    )]
    Tail {
        /// The file.
        file: PathBuf,
        /// The partition.
        partition: u16,
        /// Where its head says it ends.
        head: Position,
        /// The last position that is as it must be.
        after: Position,
        /// What stands behind it.
        found: Option<Position>,
    },
    /// An option is out of range.
    #[error("{0}")]
    Options(String),
}

/// What to do about a damaged file: only the log is the truth.
fn remedy(file: &std::path::Path) -> &'static str {
    if file.file_name().is_some_and(|name| name == "log.db") {
        "restore the folder from a backup"
    } else {
        "delete it with its -wal and -shm files: it is built again from the log"
    }
}

impl OpenError {
    /// Sorts an error of SQLite by who must act.
    pub(crate) fn sqlite(file: &std::path::Path, cause: rusqlite::Error) -> Self {
        match cause.sqlite_error_code() {
            // Without a code: what was read is not what this program writes.
            Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) | None => {
                Self::Damaged { file: file.to_owned(), cause: cause.to_string() }
            }
            Some(ErrorCode::DiskFull) => Self::Full { file: file.to_owned() },
            _ => Self::Database { file: file.to_owned(), cause },
        }
    }
}

/// Sorts an error of SQLite: it may pass, or the store is broken.
pub(crate) fn store_error(file: &'static str, error: &rusqlite::Error) -> StoreError {
    let message = format!("{file}: {error}");
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => StoreError::Broken(disk_full(file, error)),
        Some(
            ErrorCode::SystemIoFailure
            | ErrorCode::ReadOnly
            | ErrorCode::CannotOpen
            | ErrorCode::PermissionDenied
            | ErrorCode::FileLockingProtocolFailed
            | ErrorCode::InternalMalfunction,
        ) => StoreError::Broken(message),
        // Without a code: what was read is not what this program writes.
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) | None => {
            StoreError::Broken(format!("{message}; {}", remedy(std::path::Path::new(file))))
        }
        Some(_) => StoreError::Unavailable(message),
    }
}

/// A full disk is the operator's to mend, so it is told apart from a failing one.
pub(crate) fn disk_full(file: &str, error: &rusqlite::Error) -> String {
    format!("{file}: the disk is full ({error}); free space, then start again")
}

/// An error that concerns `log.db`.
pub(crate) fn in_log(error: rusqlite::Error) -> StoreError {
    store_error("log.db", &error)
}

/// An error that concerns `streams.db`.
pub(crate) fn in_streams(error: rusqlite::Error) -> StoreError {
    store_error("streams.db", &error)
}

/// An error that concerns `views.db`.
pub(crate) fn in_views(error: rusqlite::Error) -> StoreError {
    store_error("views.db", &error)
}

/// An error that concerns `snapshots.db`.
pub(crate) fn in_snapshots(error: rusqlite::Error) -> StoreError {
    store_error("snapshots.db", &error)
}
