//! `streams.db`: the ends of streams as far as they were stored.

use std::sync::Arc;

use cqrs::{Epoch, Position, StoreError, StreamName, Version};
use rusqlite::{Connection, OptionalExtension, Row, Transaction, TransactionBehavior};

use super::filter::Filter;
use super::{End, Note};
use crate::sqlite::connection::{File, ReadPool};
use crate::sqlite::error::{OpenError, in_streams};
use crate::sqlite::log_file::whole;
use crate::sqlite::wal;

/// Names read at once to learn which are in the file.
const NAMES_READ: i64 = 4_096;

/// The file, to read.
pub(super) struct StreamFile {
    readers: ReadPool,
    filter: Arc<Filter>,
}

/// The file, to write.
pub(super) struct StreamWriter {
    connection: Connection,
    filter: Arc<Filter>,
    /// The name up to which the file's names are in the filter; none once all are.
    filtered: Option<String>,
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
    let filter = Arc::new(Filter::default());
    let read = StreamFile { readers: file.readers(readers)?, filter: Arc::clone(&filter) };
    Ok((read, StreamWriter { connection, filter, filtered: Some(String::new()) }, read_up_to))
}

fn belong_to(connection: &mut Connection, epoch: Epoch) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let source: Option<[u8; 16]> =
        transaction.query_row("SELECT epoch FROM source", [], |row| row.get(0)).optional()?;
    if source != Some(epoch.0.into_bytes()) {
        transaction.execute_batch("DELETE FROM ends; DELETE FROM milestones; DELETE FROM read_up_to")?;
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
    /// Whether the file need be asked for `stream`.
    pub(super) fn may_have(&self, stream: &StreamName) -> bool {
        !self.filter.excludes(stream.as_str())
    }

    /// The ends of those of `streams` that the file has, each with the number it was asked under.
    pub(super) fn ends(&self, streams: &[(usize, &StreamName)]) -> Result<Vec<(usize, End)>, StoreError> {
        self.readers.read(|connection| ends(connection, streams).map_err(in_streams))
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

fn ends(connection: &Connection, streams: &[(usize, &StreamName)]) -> rusqlite::Result<Vec<(usize, End)>> {
    // One transaction, so that the file is locked once and not for each of them.
    let transaction = connection.unchecked_transaction()?;
    let mut statement = transaction.prepare_cached("SELECT version, place FROM ends WHERE name = ?1")?;
    let mut found = Vec::new();
    for (index, stream) in streams {
        let end = |row: &Row<'_>| Ok(End { version: row.get::<_, i64>(0)?.unsigned_abs(), place: row.get(1)? });
        if let Some(end) = statement.query_row([stream.as_str()], end).optional()? {
            found.push((*index, end));
        }
    }
    Ok(found)
}

impl StreamWriter {
    /// Stores a note, all of it or nothing.
    pub(super) fn store(&mut self, note: &Note) -> rusqlite::Result<()> {
        if !note.ends.keys().all(|stream| self.filter.add(stream.as_str())) {
            self.filtered = None;
        }
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        insert(&transaction, note)?;
        transaction.commit()?;
        wal::truncate(&self.connection)
    }
}

impl StreamWriter {
    /// Adds the next of the file's names to the filter; whether there may be more. After a failure it goes on where it was.
    pub(super) fn filter_on(&mut self) -> rusqlite::Result<bool> {
        let Some(after) = self.filtered.clone() else { return Ok(false) };
        let sql = "SELECT name FROM ends WHERE name > ?1 ORDER BY name LIMIT ?2";
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query((&after, NAMES_READ))?;
        let (mut read, mut last) = (0, after);
        while let Some(row) = rows.next()? {
            let name = row.get_ref(0)?.as_str()?;
            if !self.filter.add(name) {
                self.filtered = None;
                return Ok(false);
            }
            read += 1;
            name.clone_into(&mut last);
        }
        if read < NAMES_READ {
            self.filtered = None;
            self.filter.complete();
            return Ok(false);
        }
        self.filtered = Some(last);
        Ok(true)
    }
}

fn insert(transaction: &Transaction<'_>, note: &Note) -> rusqlite::Result<()> {
    let mut ends: Vec<_> = note.ends.iter().collect();
    // In order, so that each page is touched once.
    ends.sort_unstable_by(|(one, _), (other, _)| one.as_str().cmp(other.as_str()));
    let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO ends VALUES (?1, ?2, ?3)")?;
    for (stream, end) in ends {
        statement.execute((stream.as_str(), whole(end.version), end.place))?;
    }
    let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO milestones VALUES (?1, ?2, ?3)")?;
    for (stream, milestones) in &note.milestones {
        for (version, place) in milestones {
            statement.execute((stream.as_str(), whole(*version), place))?;
        }
    }
    let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO read_up_to VALUES (?1, ?2)")?;
    for (partition, position) in (0_u16..).zip(&note.read_up_to) {
        statement.execute((partition, whole(*position)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::connection::Durability;
    use crate::sqlite::schema;

    const EPOCH: Epoch = Epoch(uuid::Uuid::from_u128(1));

    #[test]
    fn the_filter_is_filled_from_where_a_failed_read_left_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("streams.db");
        let file = File { path, schema: schema::STREAMS, durability: Durability::Crash, cache_kib: 1_024 };
        let streams = usize::try_from(2 * NAMES_READ).unwrap();
        let name = |number: usize| StreamName::new("page", &number.to_string());
        {
            let (_, mut writer, _) = open(&file, EPOCH, 1, 1).unwrap();
            let mut note = Note::after(vec![1]);
            note.ends = (0..streams).map(|number| (name(number), End { version: 1, place: 1 })).collect();
            writer.store(&note).unwrap();
        }
        let (read, mut writer, _) = open(&file, EPOCH, 1, 1).unwrap();
        assert!(writer.filter_on().unwrap());
        writer.connection.execute_batch("ALTER TABLE ends RENAME TO elsewhere").unwrap();
        writer.filter_on().unwrap_err();
        writer.connection.execute_batch("ALTER TABLE elsewhere RENAME TO ends").unwrap();
        assert!(read.may_have(&name(streams)), "not every name is known");
        while writer.filter_on().unwrap() {}
        assert!(!read.may_have(&name(streams)), "all are");
        assert!((0..streams).all(|number| read.may_have(&name(number))));
    }
}
