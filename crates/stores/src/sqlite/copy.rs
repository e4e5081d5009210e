//! Copies of logs that are in use: two of them as they stood at one moment, while their writers go on.
//!
//! # Why one lock is enough
//!
//! 1. No commit reaches the first log while its write lock is held: it stays as it stood when the lock was got.
//! 2. Within that time the second log's read transaction begins, at the moment *m*. Its writer is not held up.
//! 3. So the first log as it stands, and the second as of *m*, are both logs as they stood at *m*. What one had received from
//!    the other by then, the other had committed before, and so holds: a commit is seen by others only after it is on the disk.
//!
//! From then on two read transactions keep both as they are, and nobody waits.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use cqrs::{Epoch, Position};
use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ErrorCode, OpenFlags};
use uuid::Uuid;

use super::error::OpenError;
use super::folder::log_file;
use super::log_file::whole;
use super::{schema, tail};

/// How long the first log's write lock is waited for.
const LOCK_WAIT_MAX: Duration = Duration::from_secs(10);
/// How often it is tried: a busy writer lets go of it for some microseconds only.
const LOCK_EVERY: Duration = Duration::from_micros(100);
/// How long the lock is kept at the most while a read transaction does not begin.
const HOLD_MAX: Duration = Duration::from_millis(300);
/// How often the lock is taken before it is given up.
const TRIES_MAX: u32 = 5;
/// Pages copied between two reports.
const STEP_PAGES: i32 = 1_024;
/// The page cache of a copy, in KiB.
const CACHE_KIB: i64 = 8 * 1_024;

/// Why a log was not copied, or a copy is none.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] OpenError),
    /// Its writer did not let go of it, or its readers did not get in.
    #[error("{} was not free for {} s: its server is overloaded or hangs; try again", .file.display(), .waited.as_secs())]
    Busy {
        /// The log.
        file: PathBuf,
        /// How long it was tried.
        waited: Duration,
    },
    /// The log cannot be locked by whoever asks.
    #[error("{} cannot be locked: {cause}; run this as the user that the server runs as", .file.display())]
    NotOurs {
        /// The log.
        file: PathBuf,
        /// What SQLite said.
        cause: rusqlite::Error,
    },
    /// The copy cannot be written.
    #[error("cannot write {}: {cause}", .file.display())]
    Write {
        /// The copy.
        file: PathBuf,
        /// What SQLite or the system said.
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// There is no room for the copy.
    #[error("cannot write {}: the disk is full", .file.display())]
    Full {
        /// The copy.
        file: PathBuf,
    },
    /// The copy is not whole.
    #[error("{} is damaged: {what}", .file.display())]
    Damaged {
        /// The copy.
        file: PathBuf,
        /// What was found.
        what: String,
    },
}

/// Which log it is, and where it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogIdentity {
    /// Its epoch.
    pub epoch: Epoch,
    /// The newest migration that its file has had.
    pub schema: u32,
    /// The position of the last event of each partition.
    pub heads: Vec<Position>,
}

impl LogIdentity {
    /// How many events it has: positions have no gaps.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.heads.iter().sum()
    }
}

/// A log as it stood at one moment, for as long as this lives.
pub struct LogAtMoment {
    file: PathBuf,
    connection: Connection,
    identity: LogIdentity,
}

/// Two logs as they stood at one moment.
pub struct Moment {
    /// The one whose writer was held up.
    pub first: LogAtMoment,
    /// The other one.
    pub second: LogAtMoment,
    /// For how long the first one's writer was held up.
    pub held: Duration,
}

/// The logs in the folders `first` and `second` as they stand now. The first one's writer is held up meanwhile, for less than
/// a third of a second, and the second one's not at all.
///
/// # Errors
/// [`CopyError`]
pub fn at_one_moment(first: &Path, second: &Path) -> Result<Moment, CopyError> {
    let (first, second) = (log_file(first).path, log_file(second).path);
    let (lock, one, other) = (open(&first)?, open(&first)?, open(&second)?);
    for (connection, file) in [(&one, &first), (&other, &second)] {
        let ready = connection.busy_timeout(HOLD_MAX / 2).and_then(|()| look(connection));
        ready.map_err(|cause| OpenError::sqlite(file, cause))?;
    }
    let started = Instant::now();
    for _ in 0..TRIES_MAX {
        take_lock(&lock, &first)?;
        let began = Instant::now();
        let stands = stand_still(&one).and_then(|()| stand_still(&other));
        let let_go = lock.execute_batch("ROLLBACK");
        let held = began.elapsed();
        match stands {
            Ok(()) => {
                let_go.map_err(|cause| OpenError::sqlite(&first, cause))?;
                let (first, second) = (LogAtMoment::of(first, one)?, LogAtMoment::of(second, other)?);
                return Ok(Moment { first, second, held });
            }
            Err(cause) if is_busy(&cause) => {
                for connection in [&one, &other].into_iter().filter(|connection| !connection.is_autocommit()) {
                    connection.execute_batch("ROLLBACK").map_err(|cause| OpenError::sqlite(&first, cause))?;
                }
            }
            Err(cause) => return Err(OpenError::sqlite(&second, cause).into()),
        }
    }
    Err(CopyError::Busy { file: second, waited: started.elapsed() })
}

/// Opens a log that another process may be writing; what is no log of this program is refused.
fn open(file: &Path) -> Result<Connection, OpenError> {
    let failed = |cause| OpenError::sqlite(file, cause);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(file, flags).map_err(failed)?;
    schema::LOG.recognise(&connection, file)?;
    schema::LOG.known(&connection, file)?;
    // A reader does not copy the write-ahead log: that is the writer's own business.
    connection.pragma_update(None, "wal_autocheckpoint", 0).map_err(failed)?;
    Ok(connection)
}

/// Takes the log's write lock, which is not waited for in line: whoever looks at the right instant has it.
fn take_lock(connection: &Connection, file: &Path) -> Result<(), CopyError> {
    connection.busy_timeout(Duration::ZERO).map_err(|cause| OpenError::sqlite(file, cause))?;
    let started = Instant::now();
    loop {
        match connection.execute_batch("BEGIN IMMEDIATE") {
            Ok(()) => return Ok(()),
            Err(cause) if is_busy(&cause) => {}
            Err(cause) if cause.sqlite_error_code() == Some(ErrorCode::ReadOnly) => {
                return Err(CopyError::NotOurs { file: file.to_owned(), cause });
            }
            Err(cause) => return Err(OpenError::sqlite(file, cause).into()),
        }
        let waited = started.elapsed();
        if waited > LOCK_WAIT_MAX {
            return Err(CopyError::Busy { file: file.to_owned(), waited });
        }
        std::thread::sleep(LOCK_EVERY);
    }
}

/// Begins a read transaction: what it sees is fixed by its first read.
fn stand_still(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("BEGIN")?;
    look(connection)
}

fn look(connection: &Connection) -> rusqlite::Result<()> {
    connection.query_row("SELECT partitions FROM log", [], |_| Ok(()))
}

fn is_busy(cause: &rusqlite::Error) -> bool {
    matches!(cause.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

fn identity(connection: &Connection) -> rusqlite::Result<LogIdentity> {
    let (epoch, partitions): ([u8; 16], u16) =
        connection.query_row("SELECT epoch, partitions FROM log", [], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let schema = connection.query_row("SELECT max(number) FROM migrations", [], |row| row.get(0))?;
    let heads = tail::heads(connection, partitions)?.into_iter().map(|head| head.position).collect();
    Ok(LogIdentity { epoch: Epoch(Uuid::from_bytes(epoch)), schema, heads })
}

impl LogAtMoment {
    fn of(file: PathBuf, connection: Connection) -> Result<Self, OpenError> {
        let identity = identity(&connection).map_err(|cause| OpenError::sqlite(&file, cause))?;
        Ok(Self { file, connection, identity })
    }

    /// Which log it is, and where it ended.
    #[must_use]
    pub fn identity(&self) -> &LogIdentity {
        &self.identity
    }

    /// Copies the log as it stood into the empty file `to`, page by page, and syncs it. `moved` is told the bytes copied so far.
    ///
    /// # Errors
    /// [`CopyError`]
    pub fn copy_to(self, to: &Path, moved: &mut dyn FnMut(u64)) -> Result<(), CopyError> {
        let copied = self.pages_to(to, moved).map_err(|cause| match cause.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => CopyError::Full { file: to.to_owned() },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => OpenError::sqlite(&self.file, cause).into(),
            _ => CopyError::Write { file: to.to_owned(), cause: Box::new(cause) },
        });
        copied?;
        let synced = std::fs::File::open(to).and_then(|file| file.sync_all());
        synced.map_err(|cause| CopyError::Write { file: to.to_owned(), cause: Box::new(cause) })
    }

    fn pages_to(&self, to: &Path, moved: &mut dyn FnMut(u64)) -> rusqlite::Result<()> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let mut target = Connection::open_with_flags(to, flags)?;
        // A copy that does not come to its end is thrown away: it needs no journal, and one sync.
        target.pragma_update(None, "journal_mode", "OFF")?;
        target.pragma_update(None, "synchronous", 0)?;
        target.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let page_bytes: u64 = self.connection.pragma_query_value(None, "page_size", |row| row.get::<_, u32>(0))?.into();
        let backup = Backup::new(&self.connection, &mut target)?;
        loop {
            let step = backup.step(STEP_PAGES)?;
            let progress = backup.progress();
            let pages = progress.pagecount.saturating_sub(progress.remaining);
            moved(u64::try_from(pages).unwrap_or(0) * page_bytes);
            match step {
                StepResult::Done => return Ok(()),
                StepResult::More => {}
                // The copy is ours alone, and the log is read in a transaction that has begun: neither can happen.
                _ => {
                    return Err(rusqlite::Error::SqliteFailure(
                        rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_BUSY),
                        None,
                    ));
                }
            }
        }
    }
}

/// Reads all of a copy: each page is whole, and no partition lacks an event before its last.
///
/// Nothing is written, not even a lock.
///
/// # Errors
/// [`CopyError`]
pub fn check_copy(file: &Path) -> Result<LogIdentity, CopyError> {
    let damaged = |what: String| CopyError::Damaged { file: file.to_owned(), what };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    let looked = Connection::open_with_flags(immutable(file), flags).and_then(|connection| {
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        let said: String = connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
        let events: i64 = connection.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
        Ok((said, events, identity(&connection)?))
    });
    let (said, events, identity) = looked.map_err(|cause| damaged(cause.to_string()))?;
    if said != "ok" {
        return Err(damaged(said));
    }
    if events != whole(identity.events()) {
        return Err(damaged(format!("it has {events} events, and should have {}", identity.events())));
    }
    Ok(identity)
}

/// The file as SQLite is told that nobody writes to it.
fn immutable(file: &Path) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(byte);
    let mut uri = "file:".to_owned();
    for byte in file.as_os_str().as_encoded_bytes() {
        if plain(byte) {
            uri.push(char::from(*byte));
        } else {
            uri.push_str(&format!("%{byte:02X}"));
        }
    }
    uri + "?immutable=1"
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::{SqliteFolder, SqliteOptions, is_in_use, renew_epoch};

    /// Records the next event in the only partition of a log.
    fn record(log: &Connection) {
        let sql = "BEGIN IMMEDIATE;
            INSERT INTO events SELECT count(*) + 1, 's', count(*) + 1, count(*), 0, x'00', NULL, x'7b7d' FROM events; COMMIT";
        log.execute_batch(sql).unwrap();
    }

    fn logs() -> (tempfile::TempDir, [PathBuf; 2], [Connection; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let dirs = ["orders # 1?", "stock"].map(|name| folder.path().join(name));
        for dir in &dirs {
            SqliteFolder::open(dir, &SqliteOptions { partitions: 1, ..SqliteOptions::default() }).unwrap();
        }
        let logs = dirs.each_ref().map(|dir| Connection::open(dir.join("log.db")).unwrap());
        logs.iter().for_each(record);
        (folder, dirs, logs)
    }

    #[test]
    fn a_copy_is_the_log_of_its_moment_though_writers_go_on() {
        let (folder, dirs, logs) = logs();
        let moment = at_one_moment(&dirs[0], &dirs[1]).unwrap();
        assert!(moment.held < HOLD_MAX, "{:?}", moment.held);
        logs.iter().for_each(record);
        for (log, stood) in logs.iter().zip([moment.first, moment.second]) {
            let copy = folder.path().join("copy #?.db");
            std::fs::write(&copy, "").unwrap();
            let (was, mut bytes) = (stood.identity().clone(), 0);
            assert_eq!(was.heads, [1]);
            stood.copy_to(&copy, &mut |done| bytes = done).unwrap();
            assert_eq!((check_copy(&copy).unwrap(), bytes), (was, std::fs::metadata(&copy).unwrap().len()));
            assert_eq!(identity(log).unwrap().heads, [2]);
            std::fs::remove_file(copy).unwrap();
        }
    }

    #[test]
    fn a_copy_that_lacks_an_event_or_is_cut_off_is_named() {
        let (_folder, dirs, logs) = logs();
        record(&logs[0]);
        logs[0].execute("DELETE FROM events WHERE place = 1", []).unwrap();
        drop(logs);
        let missed = check_copy(&dirs[0].join("log.db")).unwrap_err().to_string();
        assert!(missed.contains("1 events, and should have 2") && missed.contains("log.db"), "{missed}");
        let cut = dirs[1].join("log.db");
        let half = std::fs::metadata(&cut).unwrap().len() / 2;
        std::fs::File::options().write(true).open(&cut).unwrap().set_len(half).unwrap();
        assert!(matches!(check_copy(&cut), Err(CopyError::Damaged { .. })));
    }

    #[test]
    fn what_is_no_log_or_of_a_newer_program_is_refused() {
        let (folder, dirs, logs) = logs();
        let refused = at_one_moment(&dirs[0], folder.path()).err().unwrap();
        assert!(matches!(refused, CopyError::Log(_)), "{refused}");
        logs[1].execute("INSERT INTO migrations VALUES (99, x'00')", []).unwrap();
        let refused = at_one_moment(&dirs[0], &dirs[1]).err().unwrap();
        assert!(matches!(refused, CopyError::Log(OpenError::Newer { found: 99, .. })), "{refused}");
    }

    #[test]
    fn a_new_epoch_leaves_everything_else_and_needs_the_folder_alone() {
        let (_folder, dirs, logs) = logs();
        let before = identity(&logs[0]).unwrap();
        let renewed = renew_epoch(&dirs[0]).unwrap();
        assert_eq!((renewed.from, renewed.partitions), (before.epoch, 1));
        let after = identity(&logs[0]).unwrap();
        assert_eq!((after.epoch, &after.heads), (renewed.to, &before.heads));
        assert_ne!(before.epoch, after.epoch);
        assert!(!is_in_use(&dirs[0]));
        let open = SqliteFolder::open(&dirs[0], &SqliteOptions::default()).unwrap();
        assert!(is_in_use(&dirs[0]));
        assert!(matches!(renew_epoch(&dirs[0]), Err(OpenError::InUse { .. })));
        drop(open);
    }
}
