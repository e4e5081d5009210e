//! `streams.db`: the ends of streams as far as they were stored.

use std::sync::Arc;

use cqrs::{Epoch, Position, StoreError, StreamName, Version};
use rusqlite::{CachedStatement, Connection, OptionalExtension, TransactionBehavior};

use super::filter::{Filter, Hashed};
use super::runs::{self, Run, Runs};
use super::writer::StreamWriter;
use super::{End, block};
use crate::sqlite::connection::{File, ReadPool};
use crate::sqlite::error::{OpenError, in_streams};
use crate::sqlite::log_file::whole;

/// The file, to read.
pub(super) struct StreamFile {
    readers: ReadPool,
    runs: Arc<Runs>,
}

/// Opens the file; what it says of another log than `epoch` is dropped. Returns also the position of each of `partitions` that
/// it has read up to.
pub(super) fn open(
    file: &File,
    epoch: Epoch,
    partitions: u16,
    readers: usize,
) -> Result<(StreamFile, StreamWriter, Vec<Position>), OpenError> {
    let mut connection = file.open()?;
    let failed = |cause| OpenError::sqlite(&file.path, cause);
    belong_to(&mut connection, epoch).map_err(failed)?;
    let read_up_to = read_up_to(&connection, partitions).map_err(failed)?;
    let runs = Arc::new(Runs::new(runs::stored(&connection).map_err(failed)?));
    let read = StreamFile { readers: file.readers(readers)?, runs: Arc::clone(&runs) };
    Ok((read, StreamWriter::new(connection, runs).map_err(failed)?, read_up_to))
}

fn belong_to(connection: &mut Connection, epoch: Epoch) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let source: Option<[u8; 16]> =
        transaction.query_row("SELECT epoch FROM source", [], |row| row.get(0)).optional()?;
    if source != Some(epoch.0.into_bytes()) {
        transaction.execute_batch("DELETE FROM runs; DELETE FROM milestones; DELETE FROM read_up_to")?;
        transaction.execute("INSERT OR REPLACE INTO source VALUES (1, ?1)", [epoch.0.into_bytes()])?;
    }
    transaction.commit()
}

fn read_up_to(connection: &Connection, partitions: u16) -> rusqlite::Result<Vec<Position>> {
    let mut statement = connection.prepare("SELECT position FROM read_up_to WHERE partition = ?1")?;
    let mut position = |partition| {
        let found = statement.query_row([partition], |row| row.get::<_, i64>(0)).optional()?;
        Ok(found.unwrap_or(0).unsigned_abs())
    };
    (0..partitions).map(&mut position).collect()
}

impl StreamFile {
    /// Leaves of `streams` those for which the file need be asked. Whoever asks has looked first at what is not in the file yet.
    pub(super) fn retain_possible(&self, streams: &mut Vec<(usize, &StreamName)>) {
        let runs = self.runs.now();
        streams.retain(|(_, stream)| runs::may_have(&runs, stream));
    }

    #[cfg(test)]
    pub(super) fn runs(&self) -> Arc<[Run]> {
        self.runs.now()
    }

    /// The ends of those of `streams` that the file has, each with the number it was asked under.
    pub(super) fn ends(&self, streams: &[(usize, &StreamName)]) -> Result<Vec<(usize, End)>, StoreError> {
        let runs = self.runs.now();
        self.readers.read(|connection| ends(connection, &runs, streams).map_err(in_streams))
    }

    /// The place of the first milestone of `stream` at or after `version`.
    pub(super) fn milestone(&self, stream: &StreamName, version: Version) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT place FROM milestones WHERE stream = ?1 AND version >= ?2 ORDER BY version LIMIT 1";
        let milestone = |connection: &Connection| {
            let asked = (stream.as_str(), whole(version));
            connection.prepare_cached(sql)?.query_row(asked, |row| row.get(0)).optional()
        };
        self.readers.read(|connection| milestone(connection).map_err(in_streams))
    }
}

/// Asks the runs that are in the file for `streams`; `known` has filters of most of them.
fn ends(
    connection: &Connection,
    known: &[Run],
    streams: &[(usize, &StreamName)],
) -> rusqlite::Result<Vec<(usize, End)>> {
    // One transaction: the file is locked once and not for each of them, and no run is merged into another meanwhile.
    let transaction = connection.unchecked_transaction()?;
    let mut readers: Vec<RunReader<'_>> = Vec::new();
    for Run { id, .. } in runs::stored(&transaction)? {
        let filter = known.iter().find(|run| run.id == id).and_then(|run| run.filter.as_deref());
        readers.push(RunReader { connection: &transaction, id, filter, statement: None });
    }
    let mut found = Vec::new();
    for (index, stream) in streams {
        let name = Hashed::of(stream);
        for run in &mut readers {
            if let Some(end) = run.end(stream, name)? {
                found.push((*index, end));
                break;
            }
        }
    }
    Ok(found)
}

/// One run, to ask for names.
struct RunReader<'c> {
    connection: &'c Connection,
    id: i64,
    filter: Option<&'c Filter>,
    /// Prepared once it is asked.
    statement: Option<CachedStatement<'c>>,
}

impl RunReader<'_> {
    fn end(&mut self, stream: &StreamName, name: Hashed) -> rusqlite::Result<Option<End>> {
        if self.filter.is_some_and(|filter| filter.excludes(name)) {
            return Ok(None);
        }
        let statement = match &mut self.statement {
            Some(statement) => statement,
            unprepared => unprepared.insert(block::prepare_find(self.connection, self.id)?),
        };
        block::find(statement, stream.as_str())
    }
}
