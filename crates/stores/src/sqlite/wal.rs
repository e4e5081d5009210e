//! Checkpoints: copies the write-ahead log into its database beside the writer, and bounds its size.

use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;

use super::connection::{BUSY_WAIT_MAX, File};
use super::error::{OpenError, store_error};

/// What a frame of the write-ahead log adds to its page.
const FRAME_HEADER_BYTES: u64 = 24;

/// Only counts.
const NOOP: &str = "PRAGMA wal_checkpoint(NOOP)";
/// Copies what it can without waiting for anyone.
const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";
/// Copies everything, waits for readers, and lets the next commit write from the file's start.
const RESTART: &str = "PRAGMA wal_checkpoint(RESTART)";
/// As RESTART, and cuts the file off.
const TRUNCATE: &str = "PRAGMA wal_checkpoint(TRUNCATE)";

/// How long the writer waits for readers before it lets the file grow on.
const RESTART_WAIT_MAX: Duration = Duration::from_millis(20);

/// When a write-ahead log is copied.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WalLimits {
    /// Beyond so many bytes not copied yet, the thread copies them beside the writer.
    pub(crate) copy_bytes: u64,
    /// Beyond so many bytes, the writer copies the rest itself and starts the file over. One batch may exceed it.
    pub(crate) bytes_max: u64,
}

/// What a file's writer has done since it was opened.
#[derive(Debug, Default)]
pub struct WalCounters {
    commits: AtomicU64,
    wal_bytes: AtomicU64,
    restarts: AtomicU64,
}

impl WalCounters {
    /// Commits; in `log.db` each of them is one sync of the disk.
    #[must_use]
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Bytes in the write-ahead log after the last commit.
    #[must_use]
    pub fn wal_bytes(&self) -> u64 {
        self.wal_bytes.load(Ordering::Relaxed)
    }

    /// How often the write-ahead log reached its bound and was started over.
    #[must_use]
    pub fn wal_restarts(&self) -> u64 {
        self.restarts.load(Ordering::Relaxed)
    }
}

/// The keeper of one file's write-ahead log. Dropping it ends its thread.
pub(crate) struct Wal {
    connection: Arc<Mutex<Connection>>,
    wake: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    frame_bytes: u64,
    limits: WalLimits,
    /// The size at which the file is started over: the limit, or more after a reader stood in the way.
    restart_at: AtomicU64,
    counters: Arc<WalCounters>,
}

impl Wal {
    /// Copies what an unclean end left, then starts the thread. A failure of the thread is told in `broken`.
    pub(crate) fn keep(
        file: &File,
        name: &'static str,
        limits: WalLimits,
        broken: Arc<OnceLock<String>>,
    ) -> Result<Self, OpenError> {
        let failed = |cause| OpenError::sqlite(&file.path, cause);
        let connection = file.open_again()?;
        checkpoint(&connection, TRUNCATE).map_err(failed)?;
        let page_bytes: u32 = connection.pragma_query_value(None, "page_size", |row| row.get(0)).map_err(failed)?;
        let connection = Arc::new(Mutex::new(connection));
        // One place is enough: a wake-up that finds it taken asks for what is about to happen anyway.
        let (wake, woken) = sync_channel(1);
        let thread = std::thread::Builder::new()
            .name(format!("checkpoint {name}"))
            .spawn({
                let connection = Arc::clone(&connection);
                move || copy_when_woken(&connection, name, &woken, &broken)
            })
            .map_err(|cause| OpenError::Io { action: "start a thread for", path: file.path.clone(), cause })?;
        Ok(Self {
            connection,
            wake: Some(wake),
            thread: Some(thread),
            frame_bytes: u64::from(page_bytes) + FRAME_HEADER_BYTES,
            limits,
            restart_at: AtomicU64::new(limits.bytes_max),
            counters: Arc::default(),
        })
    }

    pub(crate) fn counters(&self) -> Arc<WalCounters> {
        Arc::clone(&self.counters)
    }

    /// To be called by the writer after each commit, outside a transaction.
    pub(crate) fn committed(&self, writer: &Connection) -> rusqlite::Result<()> {
        self.counters.commits.fetch_add(1, Ordering::Relaxed);
        let Progress { frames, copied, .. } = checkpoint(writer, NOOP)?;
        let bytes = frames * self.frame_bytes;
        self.counters.wal_bytes.store(bytes, Ordering::Relaxed);
        if bytes >= self.restart_at.load(Ordering::Relaxed) {
            self.start_over(writer, bytes)?;
        } else if let Some(wake) = &self.wake
            && frames.saturating_sub(copied) * self.frame_bytes >= self.limits.copy_bytes
        {
            let _ = wake.try_send(());
        }
        Ok(())
    }

    /// Copies the rest and lets the next commit write from the file's start: syncing a file that does not grow is
    /// cheaper than truncating it. Done by the writer's own connection, whose page cache it would else invalidate.
    fn start_over(&self, writer: &Connection, bytes: u64) -> rusqlite::Result<()> {
        let _thread_pauses = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        // Short reads have ended by then; for a long one, a backup's, nobody is kept waiting.
        writer.busy_timeout(RESTART_WAIT_MAX)?;
        let restarted = checkpoint(writer, RESTART);
        writer.busy_timeout(BUSY_WAIT_MAX)?;
        if restarted?.busy {
            // Let the file grow on, rather than try it at every commit.
            tracing::warn!(bytes, "a long read keeps the write-ahead log from being started over");
            self.restart_at.store(bytes + self.limits.bytes_max / 4, Ordering::Relaxed);
        } else {
            self.restart_at.store(self.limits.bytes_max, Ordering::Relaxed);
            self.counters.restarts.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.wake = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        // After a good end the database file alone is the data. If it cannot be, the next start does it.
        let _ = checkpoint(&self.connection.lock().unwrap_or_else(PoisonError::into_inner), TRUNCATE);
    }
}

fn copy_when_woken(
    connection: &Mutex<Connection>,
    name: &'static str,
    woken: &Receiver<()>,
    broken: &OnceLock<String>,
) {
    while woken.recv().is_ok() {
        let copied = checkpoint(&connection.lock().unwrap_or_else(PoisonError::into_inner), PASSIVE);
        if let Err(error) = copied {
            let error = store_error(name, &error);
            tracing::error!(%error, "checkpoint failed");
            if let cqrs::StoreError::Broken(cause) = error {
                let _ = broken.set(cause);
                return;
            }
        }
    }
}

/// Writes the write-ahead log of `database`, empty by now, full of zeros: a sync of a file that grows also writes its size,
/// which takes half as long again. What is not a frame SQLite passes over.
///
/// Only a matter of speed: where there is no room for it, the file is left empty.
pub(crate) fn reserve(database: &Path, bytes: u64) {
    let mut path = database.as_os_str().to_owned();
    path.push("-wal");
    let fill = |file: &mut std::fs::File| {
        std::io::copy(&mut std::io::repeat(0).take(bytes), file)?;
        file.sync_all()
    };
    if let Ok(mut file) = std::fs::OpenOptions::new().write(true).open(path)
        && file.metadata().is_ok_and(|wal| wal.len() == 0)
        && let Err(cause) = fill(&mut file)
    {
        let emptied = file.set_len(0);
        tracing::info!(%cause, ?emptied, "the write-ahead log grows as it is written");
    }
}

/// Copies a whole write-ahead log into its database and cuts it off, unless a reader is in the way.
pub(crate) fn truncate(connection: &Connection) -> rusqlite::Result<()> {
    checkpoint(connection, TRUNCATE).map(|_| ())
}

/// What a checkpoint did.
struct Progress {
    /// Whether a reader kept it from finishing.
    busy: bool,
    /// Frames in the write-ahead log.
    frames: u64,
    /// How many of them are in the database.
    copied: u64,
}

fn checkpoint(connection: &Connection, sql: &str) -> rusqlite::Result<Progress> {
    connection.prepare_cached(sql)?.query_row([], |row| {
        let (busy, frames, copied): (bool, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let count = |frames| u64::try_from(frames).unwrap_or(0);
        Ok(Progress { busy, frames: count(frames), copied: count(copied) })
    })
}
