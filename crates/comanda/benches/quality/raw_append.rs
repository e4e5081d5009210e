//! Comparator: bare SQLite that appends rows like ours to one table and does nothing else.

use std::path::Path;
use std::time::{Duration, Instant};

use comanda_load::{Latencies, Latency};
use miette::{IntoDiagnostic, Result};
use rusqlite::Connection;

/// An event as ours are stored: a fact of a hold.
const PAYLOAD: &[u8] = br#"{"type":"held","reservation":"6b86b273ff34fce100000001","line":"1","location":"main","quantity":1,"expiresAt":1700000900000}"#;

/// What is stored about the command: 16 bytes of an id and its name.
const METADATA: &[u8] = br#"{"command":"reserve","correlationId":"00f067aa0ba902b74bf92f3577b34da6"}"#;

/// A table of events and the one connection that appends to it.
pub(crate) struct RawLog {
    connection: Connection,
    place: i64,
}

impl RawLog {
    /// A new log in `dir`: WAL, every commit synced.
    pub(crate) fn open(dir: &Path) -> Result<Self> {
        std::fs::create_dir_all(dir).into_diagnostic()?;
        let connection = Connection::open(dir.join("raw.db")).into_diagnostic()?;
        connection
            .execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE events (
                     place INTEGER PRIMARY KEY, stream TEXT NOT NULL, version INTEGER NOT NULL, at INTEGER NOT NULL,
                     batch BLOB NOT NULL, metadata BLOB, payload BLOB NOT NULL
                 ) STRICT;",
            )
            .into_diagnostic()?;
        Ok(Self { connection, place: 0 })
    }

    /// One transaction of so many events; on the disk when it returns.
    pub(crate) fn append(&mut self, events: usize) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        {
            let mut insert = transaction.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?;
            for _ in 0..events {
                self.place += 1;
                let (stream, batch) = ("stock-HOT-1", [7_u8; 16]);
                insert.execute((self.place, stream, self.place, 1_700_000_000_000_i64, batch, METADATA, PAYLOAD))?;
            }
        }
        transaction.commit()
    }

    /// One event per transaction for `span`: how long each append took.
    pub(crate) fn one_by_one(&mut self, span: Duration) -> Result<Latency> {
        let (started, mut latencies) = (Instant::now(), Latencies::default());
        while started.elapsed() < span {
            let sent = Instant::now();
            self.append(1).into_diagnostic()?;
            latencies.record(sent.elapsed());
        }
        Ok(latencies.summary())
    }

    /// `batch` events per transaction for `span`: events per second.
    pub(crate) fn rate(&mut self, batch: usize, span: Duration) -> Result<f64> {
        let (started, before) = (Instant::now(), self.place);
        while started.elapsed() < span {
            self.append(batch).into_diagnostic()?;
        }
        Ok((self.place - before) as f64 / started.elapsed().as_secs_f64())
    }
}
