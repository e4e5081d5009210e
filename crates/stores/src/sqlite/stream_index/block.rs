//! Blocks: what a run's table is made of. A block has a few streams in the order of their names, each with its end; one row of the table
//! has one block, so that a run of a million streams is written as some sixty thousand rows.

use cqrs::Version;
use rusqlite::types::Type;
use rusqlite::{CachedStatement, Connection, OptionalExtension};

use super::End;

/// Bytes from which on a block takes no further stream: a page of the file has four such blocks, and none needs a second page.
const BLOCK_BYTES: usize = 840;

/// Streams that a block has at the least, unless their names are very long.
const STREAMS_PER_BLOCK: usize = 4;

/// The table of run `id`.
fn table(id: i64) -> String {
    format!("run_{id}")
}

pub(super) fn create(connection: &Connection, id: i64) -> rusqlite::Result<()> {
    let table = table(id);
    connection.execute_batch(&format!(
        "CREATE TABLE {table} (first TEXT PRIMARY KEY, streams BLOB NOT NULL) STRICT, WITHOUT ROWID"
    ))
}

/// Drops a portion of so many `streams` of the table of run `id`, and the table with the last: to drop a large one at once takes long.
pub(super) fn drop_some(connection: &Connection, id: i64, streams: usize) -> rusqlite::Result<()> {
    let (table, blocks) = (table(id), streams / STREAMS_PER_BLOCK);
    let sql = format!(
        "DELETE FROM {table} WHERE first <= (SELECT first FROM {table} ORDER BY first LIMIT 1 OFFSET {blocks})"
    );
    match connection.execute(&sql, [])? {
        0 => connection.execute_batch(&format!("DROP TABLE {table}")),
        _ => Ok(()),
    }
}

/// Writes the streams of a run, which come in the order of their names.
pub(super) struct Writer<'c> {
    insert: CachedStatement<'c>,
    first: String,
    block: Vec<u8>,
}

impl<'c> Writer<'c> {
    pub(super) fn new(connection: &'c Connection, id: i64) -> rusqlite::Result<Self> {
        let insert = connection.prepare_cached(&format!("INSERT INTO {} VALUES (?1, ?2)", table(id)))?;
        Ok(Self { insert, first: String::new(), block: Vec::new() })
    }

    pub(super) fn push(&mut self, name: &str, end: End) -> rusqlite::Result<()> {
        if self.block.len() + row_bytes(name) > BLOCK_BYTES {
            self.flush()?;
        }
        if self.block.is_empty() {
            name.clone_into(&mut self.first);
        }
        let length = u32::try_from(name.len()).map_err(|_| damaged("a name of four gigabytes"))?;
        self.block.extend_from_slice(&length.to_le_bytes());
        self.block.extend_from_slice(name.as_bytes());
        self.block.extend_from_slice(&end.version.to_le_bytes());
        self.block.extend_from_slice(&end.place.to_le_bytes());
        Ok(())
    }

    /// Writes the block that is begun; to be called at the end.
    pub(super) fn flush(&mut self) -> rusqlite::Result<()> {
        if !self.block.is_empty() {
            self.insert.execute((&self.first, &self.block))?;
            self.block.clear();
        }
        Ok(())
    }
}

fn row_bytes(name: &str) -> usize {
    size_of::<u32>() + name.len() + size_of::<Version>() + size_of::<i64>()
}

/// Where `name` ends, if run `id` has it.
pub(super) fn find(read: &mut CachedStatement<'_>, name: &str) -> rusqlite::Result<Option<End>> {
    let mut rows = read.query([name])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let mut rest = row.get_ref(1)?.as_blob()?;
    while !rest.is_empty() {
        let (found, end, after) = split_first(rest)?;
        if found == name {
            return Ok(Some(end));
        }
        rest = after;
    }
    Ok(None)
}

/// Prepares to [`find`] in run `id`: the block that would have a name begins with it, or is the last that begins before it.
pub(super) fn prepare_find(connection: &Connection, id: i64) -> rusqlite::Result<CachedStatement<'_>> {
    let table = table(id);
    connection
        .prepare_cached(&format!("SELECT first, streams FROM {table} WHERE first <= ?1 ORDER BY first DESC LIMIT 1"))
}

/// Reads the streams of a run in the order of their names.
pub(super) struct Cursor<'c> {
    next: CachedStatement<'c>,
    /// The name with which the block begins.
    first: String,
    block: Vec<u8>,
    /// Where in the block the stream after this one begins.
    offset: usize,
    name: String,
    end: Option<End>,
}

impl<'c> Cursor<'c> {
    /// Begins with the first stream after the name `after`.
    pub(super) fn open(connection: &'c Connection, id: i64, after: &str) -> rusqlite::Result<Self> {
        let begins = prepare_find(connection, id)?.query_row([after], block).optional()?;
        let sql = format!("SELECT first, streams FROM {} WHERE first > ?1 ORDER BY first LIMIT 1", table(id));
        let next = connection.prepare_cached(&sql)?;
        let (first, block) = begins.unwrap_or_default();
        let mut cursor = Self { next, first, block, offset: 0, name: String::new(), end: None };
        cursor.advance()?;
        while cursor.name().is_some_and(|name| name <= after) {
            cursor.advance()?;
        }
        Ok(cursor)
    }

    /// The name it stands on; none at the end.
    pub(super) fn name(&self) -> Option<&str> {
        self.end.map(|_| self.name.as_str())
    }

    /// The end of the stream it stands on, and goes on to the next, if `name` is what it stands on.
    pub(super) fn take(&mut self, name: &str) -> rusqlite::Result<Option<End>> {
        if self.name() != Some(name) {
            return Ok(None);
        }
        let end = self.end;
        self.advance()?;
        Ok(end)
    }

    fn advance(&mut self) -> rusqlite::Result<()> {
        if self.offset >= self.block.len() {
            match self.next.query_row([&self.first], block).optional()? {
                Some((first, block)) => (self.first, self.block, self.offset) = (first, block, 0),
                None => {
                    self.end = None;
                    return Ok(());
                }
            }
        }
        let (name, end, rest) = split_first(self.block.get(self.offset..).unwrap_or_default())?;
        name.clone_into(&mut self.name);
        self.end = Some(end);
        self.offset = self.block.len() - rest.len();
        Ok(())
    }
}

fn block(row: &rusqlite::Row<'_>) -> rusqlite::Result<(String, Vec<u8>)> {
    Ok((row.get(0)?, row.get(1)?))
}

/// The first stream of what is left of a block, and what is left after it.
fn split_first(rest: &[u8]) -> rusqlite::Result<(&str, End, &[u8])> {
    split(rest).ok_or_else(|| damaged("a block that is cut off or no text"))
}

fn split(rest: &[u8]) -> Option<(&str, End, &[u8])> {
    let (length, rest) = rest.split_first_chunk()?;
    let (name, rest) = rest.split_at_checked(usize::try_from(u32::from_le_bytes(*length)).ok()?)?;
    let (version, rest) = rest.split_first_chunk()?;
    let (place, rest) = rest.split_first_chunk()?;
    let end = End { version: Version::from_le_bytes(*version), place: i64::from_le_bytes(*place) };
    Some((std::str::from_utf8(name).ok()?, end, rest))
}

fn damaged(what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(1, Type::Blob, what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(version: Version) -> End {
        End { version, place: -3 }
    }

    fn run(names: &[String]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        create(&connection, 7).unwrap();
        let mut writer = Writer::new(&connection, 7).unwrap();
        for (version, name) in (1..).zip(names) {
            writer.push(name, end(version)).unwrap();
        }
        writer.flush().unwrap();
        drop(writer);
        connection
    }

    #[test]
    fn what_is_written_is_found_by_name_and_read_in_order() {
        // Of every length: short ones share a block, long ones have one each.
        let mut names: Vec<String> = (1..=60).map(|n| format!("{}/{n:02}", "ä".repeat(n * n % 700))).collect();
        names.sort();
        let connection = run(&names);
        let mut read = prepare_find(&connection, 7).unwrap();
        for (version, name) in (1..).zip(&names) {
            assert_eq!(find(&mut read, name).unwrap(), Some(end(version)), "{name}");
            assert_eq!(find(&mut read, &format!("{name}!")).unwrap(), None);
        }
        assert_eq!(find(&mut read, "").unwrap(), None);
        for skipped in 0..=names.len() {
            let after = skipped.checked_sub(1).map_or("", |last| &names[last]);
            let mut cursor = Cursor::open(&connection, 7, after).unwrap();
            for (version, name) in (1..).zip(&names).skip(skipped) {
                assert_eq!(cursor.take("another").unwrap(), None);
                assert_eq!(cursor.take(name).unwrap(), Some(end(version)), "{name} after {after}");
            }
            assert_eq!(cursor.name(), None);
        }
        let blocks: i64 = connection.query_row("SELECT count(*) FROM run_7", [], |row| row.get(0)).unwrap();
        assert!((10..50).contains(&blocks), "{blocks} blocks");
    }

    #[test]
    fn a_block_that_is_cut_off_is_an_error_and_not_an_end() {
        let connection = run(&["page/1".to_owned(), "page/2".to_owned()]);
        connection.execute_batch("UPDATE run_7 SET streams = substr(streams, 1, length(streams) - 1)").unwrap();
        find(&mut prepare_find(&connection, 7).unwrap(), "page/2").unwrap_err();
        let mut cursor = Cursor::open(&connection, 7, "").unwrap();
        cursor.take("page/1").unwrap_err();
    }
}
