//! The schema of each file: numbered migrations, each applied once and remembered with its checksum.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};
use sha2::{Digest, Sha256};

use super::error::OpenError;

/// A file's migrations in order, and the mark that tells it from other programs' files.
pub(crate) struct Schema {
    application_id: i32,
    migrations: &'static [&'static str],
}

pub(crate) const LOG: Schema = Schema {
    application_id: 0x434d_4c01,
    migrations: &[include_str!("migrations/log_1.sql"), include_str!("migrations/log_2.sql")],
};
pub(crate) const STREAMS: Schema = Schema {
    application_id: 0x434d_4501,
    migrations: &[include_str!("migrations/streams_1.sql"), include_str!("migrations/streams_2.sql")],
};
pub(crate) const VIEWS: Schema = Schema {
    application_id: 0x434d_5601,
    migrations: &[include_str!("migrations/views_1.sql"), include_str!("migrations/views_2.sql")],
};
pub(crate) const SNAPSHOTS: Schema =
    Schema { application_id: 0x434d_5301, migrations: &[include_str!("migrations/snapshots_1.sql")] };

impl Schema {
    /// Refuses a file of another program before anything in it is changed.
    pub(crate) fn recognise(&self, connection: &Connection, file: &Path) -> Result<(), OpenError> {
        let failed = |cause| OpenError::sqlite(file, cause);
        let mark: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0)).map_err(failed)?;
        let objects: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(failed)?;
        if mark == self.application_id || (mark == 0 && objects == 0) {
            Ok(())
        } else {
            Err(OpenError::Foreign { file: file.to_owned() })
        }
    }

    /// Brings a recognised file to the newest schema, one transaction per migration.
    pub(crate) fn migrate(&self, connection: &mut Connection, file: &Path) -> Result<(), OpenError> {
        let failed = |cause| OpenError::sqlite(file, cause);
        let applied = self.known(connection, file)?;
        for (number, sql) in (1_u32..).zip(self.migrations).skip(applied) {
            self.apply(connection, number, sql).map_err(failed)?;
        }
        Ok(())
    }

    /// Refuses a file of a newer program, or of another history; returns how many migrations it has had.
    pub(crate) fn known(&self, connection: &Connection, file: &Path) -> Result<usize, OpenError> {
        let known = u32::try_from(self.migrations.len()).unwrap_or(u32::MAX);
        let applied = applied(connection).map_err(|cause| OpenError::sqlite(file, cause))?;
        for &(number, ref checksum) in &applied {
            let index = usize::try_from(number).unwrap_or(usize::MAX);
            let Some(sql) = self.migrations.get(index.wrapping_sub(1)) else {
                return Err(OpenError::Newer { file: file.to_owned(), found: number, known });
            };
            if *checksum != checksum_of(sql) {
                return Err(OpenError::Changed { file: file.to_owned(), number });
            }
        }
        Ok(applied.len())
    }

    fn apply(&self, connection: &mut Connection, number: u32, sql: &str) -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.pragma_update(None, "application_id", self.application_id)?;
        transaction.execute_batch(
            "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, checksum BLOB NOT NULL) STRICT",
        )?;
        transaction.execute_batch(sql)?;
        transaction.execute("INSERT INTO migrations VALUES (?1, ?2)", (number, checksum_of(sql)))?;
        transaction.commit()
    }
}

/// The migrations a file has had, in order.
fn applied(connection: &Connection) -> rusqlite::Result<Vec<(u32, Vec<u8>)>> {
    if !connection.table_exists(None, "migrations")? {
        return Ok(Vec::new());
    }
    let mut statement = connection.prepare("SELECT number, checksum FROM migrations ORDER BY number")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn checksum_of(sql: &str) -> Vec<u8> {
    Sha256::digest(sql.as_bytes()).to_vec()
}

#[cfg(test)]
mod tests {
    use cqrs::{Head, LogReader, StreamName, Timestamp};

    use super::{LOG, Schema};
    use crate::sqlite::connection::{Durability, File};
    use crate::sqlite::{SqliteFolder, SqliteOptions};

    #[tokio::test]
    async fn a_log_of_the_first_schema_is_opened_with_all_it_holds() {
        let dir = tempfile::tempdir().unwrap();
        let first = Schema { application_id: LOG.application_id, migrations: &LOG.migrations[..1] };
        let path = dir.path().join("log.db");
        let log = File { path, schema: first, durability: Durability::PowerCut, cache_kib: 64 }.open().unwrap();
        log.execute_batch(
            "INSERT INTO log VALUES (1, randomblob(16), 2);
             INSERT INTO heads VALUES (0, 2, 5), (1, 0, 0);
             INSERT INTO batches VALUES (randomblob(16));
             INSERT INTO events VALUES (1, 's/1', 1, 0, 4, zeroblob(16), NULL, x'7b7d'), (2, 's/1', 2, 1, 5, zeroblob(16), NULL, x'7b7d');
             INSERT INTO streams VALUES ('s/1', 2, 2);",
        )
        .unwrap();
        drop(log);
        for _ in 0..2 {
            let log = SqliteFolder::open(dir.path(), &SqliteOptions::default()).unwrap().log_reader();
            let last = Head { position: 2, at: Timestamp::from_millis(5) };
            assert_eq!(log.heads().await.unwrap(), [last, Head::default()]);
            let found = log.read_streams(&[(StreamName::stored("s/1"), 0)], 9).await.unwrap();
            assert_eq!(found[0].iter().map(|event| event.version).collect::<Vec<_>>(), [1, 2]);
        }
    }
}
