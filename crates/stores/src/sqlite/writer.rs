//! The log's one writer: compares heads in memory, appends in one transaction, and stops for good if the disk fails.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use cqrs::{Append, AppendError, BatchId, Claim, Head, Metadata, PartitionId, Recorded, StoreError, Version};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use rustc_hash::FxHashMap;

use super::error::{disk_full, in_log, store_error};
use super::log_file::{LogFile, POSITION_MAX, place, whole};
use super::streams::{MILESTONE_EVERY, stream_end};
use super::wal::Wal;

/// The one connection that writes the log.
pub(crate) struct Writer {
    connection: Connection,
    wal: Wal,
    log: Arc<LogFile>,
}

impl Writer {
    pub(crate) fn new(connection: Connection, wal: Wal, log: Arc<LogFile>) -> Self {
        Self { connection, wal, log }
    }

    /// Appends a batch; `Ok` once it is on the disk.
    pub(crate) fn append(&mut self, batch: &Append) -> Result<(), AppendError> {
        self.check_sound()?;
        // The writer is held: nobody else moves a head meanwhile.
        let mut heads = self.log.heads().clone();
        for (partition, expected) in &batch.expected {
            match heads.get(usize::from(partition.0)) {
                Some(head) if head.position == *expected => {}
                Some(_) => return Err(AppendError::Conflict),
                None => return Err(out_of_range(*partition).into()),
            }
        }
        if batch.events.is_empty() && batch.claims.is_empty() {
            return Ok(());
        }
        move_heads(&mut heads, batch)?;
        write(&mut self.connection, batch, &heads).map_err(|failure| self.judge(failure))?;
        *self.log.heads() = heads;
        // The batch is durable whatever becomes of the upkeep; only the next one may be refused.
        if let Err(error) = self.wal.committed(&self.connection) {
            self.settle(&error);
        }
        Ok(())
    }

    /// What a failed transaction means for the caller and for the store.
    fn judge(&self, failure: Failure) -> AppendError {
        match failure {
            Failure::Insert(error) if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) => {
                AppendError::Conflict
            }
            Failure::Taken => AppendError::Conflict,
            Failure::Insert(error) => self.settle(&error).into(),
            Failure::Versions(event) => StoreError::Broken(format!(
                "the batch puts {event} after a version that does not exist: a fault of the caller"
            ))
            .into(),
            Failure::Commit(error) => self.break_for_good(&error).into(),
        }
    }

    /// After an error whose effect on the disk is not known nothing is acknowledged any more: what a later read shows
    /// could be the page cache only.
    fn settle(&self, error: &rusqlite::Error) -> StoreError {
        match store_error("log.db", error) {
            StoreError::Broken(_) => self.break_for_good(error),
            passing @ StoreError::Unavailable(_) => passing,
        }
    }

    fn break_for_good(&self, error: &rusqlite::Error) -> StoreError {
        let cause = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => disk_full("log.db", error),
            _ => format!("log.db: {error}; check the disk, then start again"),
        };
        tracing::error!(%cause, "the log takes no more appends");
        StoreError::Broken(self.log.broken.get_or_init(|| cause).clone())
    }

    /// The connection, to read with between appends.
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Refuses if an earlier append has broken the log.
    pub(crate) fn check_sound(&self) -> Result<(), StoreError> {
        self.log.broken.get().map_or(Ok(()), |cause| Err(StoreError::Broken(cause.clone())))
    }

    /// Whether batch `id` is in the log. Whoever asks holds the writer, so no append is under way.
    pub(crate) fn holds(&self, id: BatchId) -> Result<bool, StoreError> {
        self.check_sound()?;
        let mut statement = self.connection.prepare_cached("SELECT 1 FROM batches WHERE id = ?1").map_err(in_log)?;
        statement.exists([id.0.into_bytes()]).map_err(in_log)
    }
}

/// Moves each head past the batch's events; refuses events that do not follow it.
fn move_heads(heads: &mut [Head], batch: &Append) -> Result<(), StoreError> {
    for event in &batch.events {
        let partition = event.partition;
        if !batch.expected.iter().any(|(named, _)| *named == partition) {
            return Err(StoreError::Broken(format!(
                "the batch has events in partition {partition}, but names no head for it: a fault of the caller"
            )));
        }
        let head = heads.get_mut(usize::from(partition.0)).ok_or_else(|| out_of_range(partition))?;
        if event.position != head.position + 1 || event.position > POSITION_MAX {
            return Err(StoreError::Broken(format!(
                "the batch puts position {} after {} in partition {partition}: a fault of the caller",
                event.position, head.position
            )));
        }
        *head = Head { position: event.position, at: event.at };
    }
    Ok(())
}

fn out_of_range(partition: PartitionId) -> StoreError {
    StoreError::Broken(format!("the batch names partition {partition}, which this log does not have"))
}

/// Where a transaction failed: before its commit it has surely changed nothing.
enum Failure {
    Insert(rusqlite::Error),
    /// An event's place in its stream is taken.
    Taken,
    /// The event, as `stream@version`, that leaves a gap in its stream.
    Versions(String),
    Commit(rusqlite::Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Insert(error)
    }
}

fn write(connection: &mut Connection, batch: &Append, heads: &[Head]) -> Result<(), Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    insert(&transaction, batch, heads)?;
    transaction.commit().map_err(Failure::Commit)
}

/// Writes all of a batch but its commit.
fn insert(transaction: &Transaction<'_>, batch: &Append, heads: &[Head]) -> Result<(), Failure> {
    let id = batch.id.0.into_bytes();
    transaction.prepare_cached("INSERT INTO batches VALUES (?1)")?.execute([&id])?;
    insert_events(transaction, &batch.events, &id)?;
    let mut claim = transaction.prepare_cached("INSERT INTO claims VALUES (?1, ?2, ?3)")?;
    for Claim { key, fingerprint, answer } in &batch.claims {
        claim.execute((key, fingerprint.cast_signed(), &**answer))?;
    }
    let mut head = transaction.prepare_cached("UPDATE heads SET position = ?2, at = ?3 WHERE partition = ?1")?;
    for &(partition, before) in &batch.expected {
        if let Some(after) = heads.get(usize::from(partition.0)).filter(|after| after.position != before) {
            head.execute((partition.0, whole(after.position), after.at.as_millis()))?;
        }
    }
    Ok(())
}

fn insert_events(transaction: &Transaction<'_>, events: &[Recorded], batch: &[u8; 16]) -> Result<(), Failure> {
    let mut statement = transaction.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    let mut metadata = MetadataJson::default();
    let mut chains = Chains::new(transaction);
    for event in events {
        let place = place(event.partition, event.position);
        statement.raw_bind_parameter(1, place)?;
        statement.raw_bind_parameter(2, event.stream.as_str())?;
        statement.raw_bind_parameter(3, whole(event.version))?;
        statement.raw_bind_parameter(4, chains.link(event, place)?)?;
        statement.raw_bind_parameter(5, event.at.as_millis())?;
        statement.raw_bind_parameter(6, batch)?;
        statement.raw_bind_parameter(7, metadata.of(&event.metadata)?)?;
        statement.raw_bind_parameter(8, &**event.payload.json())?;
        statement.raw_execute()?;
    }
    chains.store()
}

/// The streams a batch adds to, each with its end as the batch leaves it.
struct Chains<'t, 'e> {
    transaction: &'t Transaction<'t>,
    ends: FxHashMap<&'e str, End>,
}

struct End {
    /// Whether the batch makes the stream.
    new: bool,
    version: Version,
    last: i64,
}

impl<'t, 'e> Chains<'t, 'e> {
    fn new(transaction: &'t Transaction<'t>) -> Self {
        Self { transaction, ends: FxHashMap::default() }
    }

    /// Moves the end of the event's stream to `place`; returns where it was.
    fn link(&mut self, event: &'e Recorded, place: i64) -> Result<i64, Failure> {
        let stream = event.stream.as_str();
        let end = match self.ends.entry(stream) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(stored_end(self.transaction, event)?),
        };
        if event.version <= end.version {
            return Err(Failure::Taken);
        }
        if event.version != end.version + 1 {
            return Err(Failure::Versions(format!("{stream}@{}", event.version)));
        }
        end.version = event.version;
        if event.version.is_multiple_of(MILESTONE_EVERY) {
            let sql = "INSERT INTO milestones VALUES (?1, ?2, ?3)";
            self.transaction.prepare_cached(sql)?.execute((stream, whole(event.version), place))?;
        }
        Ok(std::mem::replace(&mut end.last, place))
    }

    fn store(self) -> Result<(), Failure> {
        let mut insert = self.transaction.prepare_cached("INSERT INTO streams VALUES (?1, ?2, ?3)")?;
        let mut update =
            self.transaction.prepare_cached("UPDATE streams SET version = ?2, last = ?3 WHERE name = ?1")?;
        for (stream, end) in self.ends {
            let statement = if end.new { &mut insert } else { &mut update };
            statement.execute((stream, whole(end.version), end.last))?;
        }
        Ok(())
    }
}

/// Where the event's stream ends before the batch. One that the event begins is not looked up: if it exists, storing it
/// is refused by its name.
fn stored_end(transaction: &Transaction<'_>, event: &Recorded) -> rusqlite::Result<End> {
    if event.version > 1
        && let Some((version, last)) = stream_end(transaction, event.stream.as_str())?
    {
        return Ok(End { new: false, version, last });
    }
    Ok(End { new: true, version: 0, last: 0 })
}

/// Metadata as it is stored. The events of one command share it, so it is written once for all of them.
#[derive(Default)]
struct MetadataJson<'a> {
    of: Option<&'a Arc<Metadata>>,
    json: Option<Vec<u8>>,
}

impl<'a> MetadataJson<'a> {
    /// Nothing is stored for empty metadata.
    fn of(&mut self, metadata: &'a Arc<Metadata>) -> rusqlite::Result<Option<&[u8]>> {
        if !self.of.is_some_and(|known| Arc::ptr_eq(known, metadata)) {
            let json = serde_json::to_vec(&**metadata);
            let json = json.map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
            self.json = Some(json).filter(|json| json != b"{}");
            self.of = Some(metadata);
        }
        Ok(self.json.as_deref())
    }
}
