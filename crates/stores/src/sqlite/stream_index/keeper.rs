//! The thread that stores what was noted of streams, beside the log's writer, and keeps the file in few runs.

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use cqrs::StoreError;

use super::StreamIndex;
use super::writer::{PORTIONS_PER_NOTE, StreamWriter};
use crate::sqlite::error::in_streams;

/// How long a file that another program has locked is left alone.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// A running keeper. Dropping it stores what is left and ends its thread.
pub(crate) struct Keeper {
    index: Arc<StreamIndex>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread. A failure is told in `broken`: without it what is noted would grow without a bound.
    pub(super) fn start(
        index: Arc<StreamIndex>,
        writer: StreamWriter,
        broken: Arc<OnceLock<String>>,
    ) -> std::io::Result<Self> {
        let keep = {
            let index = Arc::clone(&index);
            move || keep(&index, writer, &broken)
        };
        let thread = std::thread::Builder::new().name("streams".to_owned()).spawn(keep)?;
        Ok(Self { index, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.index.end_storing();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn keep(index: &StreamIndex, mut writer: StreamWriter, broken: &OnceLock<String>) {
    // At a start there are filters to be filled.
    let (mut untidy, mut owed) = (true, 0_u32);
    loop {
        while untidy && index.has_time(owed > 0) {
            owed = owed.saturating_sub(1);
            let tidied = writer.tidy();
            if tidied.as_ref().is_err_and(is_disk_full) {
                // What was written so far makes room again. Whether it is enough for the next note, storing that will show.
                tracing::warn!("the disk is full: the runs of streams.db are merged later");
                writer.give_up_passes();
                (untidy, owed) = (false, 0);
                continue;
            }
            untidy = match tidied.map_err(in_streams) {
                Ok(more) => more,
                Err(StoreError::Unavailable(cause)) => {
                    // Another program has locked the file.
                    tracing::warn!(%cause, "where streams end is tidied later");
                    owed = 0;
                    index.ends_within(RETRY_AFTER);
                    true
                }
                Err(StoreError::Broken(cause)) => return give_up(index, cause, broken),
            };
        }
        let Some(note) = index.next_to_store() else { return writer.end() };
        match writer.store(&note).map_err(in_streams) {
            Ok(()) => {
                index.stored();
                (untidy, owed) = (true, PORTIONS_PER_NOTE);
            }
            Err(StoreError::Unavailable(cause)) => {
                // Another program has locked the file. At the end it is left as it is: the next start reads the log instead.
                tracing::warn!(%cause, "where streams end is stored later");
                if index.ends_within(RETRY_AFTER) {
                    return;
                }
            }
            Err(StoreError::Broken(cause)) => return give_up(index, cause, broken),
        }
    }
}

fn is_disk_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
}

fn give_up(index: &StreamIndex, cause: String, broken: &OnceLock<String>) {
    tracing::error!(%cause, "where streams end is not stored any more");
    let _ = broken.set(cause);
    index.end_storing();
}
