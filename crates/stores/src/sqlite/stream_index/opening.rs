//! Opening the index: what it lacks is read from the log, in bounded portions.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use cqrs::{Epoch, Head, PartitionId, Position, StreamName};
use rusqlite::Connection;

use super::file;
use super::writer::StreamWriter;
use super::{Keeper, Note, StreamIndex};
use crate::sqlite::connection::File;
use crate::sqlite::error::OpenError;
use crate::sqlite::log_file::{place, place_of};

/// The log that is indexed.
pub(crate) struct Source<'a> {
    pub(crate) file: &'a Path,
    pub(crate) connection: &'a Connection,
    pub(crate) epoch: Epoch,
    pub(crate) heads: &'a [Head],
}

/// Opens `file` and brings it up to `log`.
pub(crate) fn open(
    file: &File,
    log: &Source<'_>,
    readers: usize,
    broken: Arc<OnceLock<String>>,
) -> Result<(Arc<StreamIndex>, Keeper), OpenError> {
    let partitions = u16::try_from(log.heads.len()).unwrap_or(u16::MAX);
    let (read, mut writer, read_up_to) = file::open(file, log.epoch, partitions, readers)?;
    not_ahead(log, &read_up_to)?;
    let note = catch_up(file, log, &mut writer, read_up_to)?;
    let index = Arc::new(StreamIndex::new(read, note));
    let keeper = Keeper::start(Arc::clone(&index), writer, broken).map_err(|cause| OpenError::Io {
        action: "start a thread for",
        path: file.path.clone(),
        cause,
    })?;
    Ok((index, keeper))
}

/// Only what was durable in the log was ever stored here: a log that ends before it has lost something.
fn not_ahead(log: &Source<'_>, read_up_to: &[Position]) -> Result<(), OpenError> {
    for ((partition, head), read) in (0_u16..).zip(log.heads).zip(read_up_to) {
        if *read > head.position {
            let file = log.file.to_owned();
            return Err(OpenError::Tail { file, partition, head: *read, after: head.position, found: None });
        }
    }
    Ok(())
}

/// Notes what the log has beyond `read_up_to`; whenever that is much, it is stored.
fn catch_up(
    file: &File,
    log: &Source<'_>,
    writer: &mut StreamWriter,
    read_up_to: Vec<Position>,
) -> Result<Note, OpenError> {
    let in_log = |cause| OpenError::sqlite(log.file, cause);
    let behind: u64 = log.heads.iter().zip(&read_up_to).map(|(head, read)| head.position - read).sum();
    if behind > 2 * super::EVENTS_MAX {
        tracing::info!(events = behind, file = %file.path.display(), "reading the log to find where its streams end");
    }
    let mut note = Note::after(read_up_to);
    let sql = "SELECT place, stream, version FROM events WHERE place > ?1 AND place <= ?2 ORDER BY place";
    let mut statement = log.connection.prepare(sql).map_err(in_log)?;
    for (partition, head) in (0_u16..).zip(log.heads) {
        let read = note.read_up_to.get(usize::from(partition)).copied().unwrap_or(0);
        let bounds = (place(PartitionId(partition), read), place(PartitionId(partition), head.position));
        let mut rows = statement.query(bounds).map_err(in_log)?;
        while let Some(row) = rows.next().map_err(in_log)? {
            let at = follow(&mut note, row).map_err(in_log)?;
            if let Some(read) = note.read_up_to.get_mut(usize::from(partition)) {
                *read = at;
            }
            if note.is_full(1) {
                let stored = writer.store(&note).and_then(|()| writer.tidy_for_a_note());
                stored.map_err(|cause| OpenError::sqlite(&file.path, cause))?;
                note = Note::after(note.read_up_to);
            }
        }
    }
    Ok(note)
}

/// Notes one event; returns its position.
fn follow(note: &mut Note, row: &rusqlite::Row<'_>) -> rusqlite::Result<Position> {
    let (at, version): (i64, i64) = (row.get(0)?, row.get(2)?);
    note.event(StreamName::stored(row.get_ref(1)?.as_str()?), version.unsigned_abs(), at);
    Ok(place_of(at).1)
}
