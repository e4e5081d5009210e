//! The thread that stores what was noted of streams, beside the log's writer, and fills the filter of names at a start.

use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use cqrs::StoreError;

use super::StreamIndex;
use super::file::StreamWriter;
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
    let mut filters = true;
    loop {
        while filters && index.is_idle() {
            filters = match writer.filter_on().map_err(in_streams) {
                Ok(more) => more,
                Err(StoreError::Unavailable(_)) => {
                    // Another program has locked the file.
                    index.ends_within(RETRY_AFTER);
                    true
                }
                Err(StoreError::Broken(cause)) => {
                    tracing::warn!(%cause, "every name is looked up in streams.db, also those it does not have");
                    false
                }
            };
        }
        let Some(note) = index.next_to_store() else { return };
        match writer.store(&note).map_err(in_streams) {
            Ok(()) => index.stored(),
            Err(StoreError::Unavailable(cause)) => {
                // Another program has locked the file. At the end it is left as it is: the next start reads the log instead.
                tracing::warn!(%cause, "where streams end is stored later");
                if index.ends_within(RETRY_AFTER) {
                    return;
                }
            }
            Err(StoreError::Broken(cause)) => {
                tracing::error!(%cause, "where streams end is not stored any more");
                let _ = broken.set(cause);
                index.end_storing();
                return;
            }
        }
    }
}
