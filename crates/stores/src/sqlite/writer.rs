//! The log's one writer: compares heads in memory, appends in one transaction, and stops for good if the disk fails.

use std::sync::{Arc, LazyLock};

use cqrs::{
    Append, AppendError, BatchId, Claim, Head, Metadata, PartitionId, Position, Recorded, StoreError, StreamName,
};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Statement, Transaction, TransactionBehavior};
use rustc_hash::FxHashMap;

use super::error::{disk_full, in_log, store_error};
use super::log_file::{LogFile, POSITION_MAX, place, whole};
use super::stream_index::{BatchNote, End, Keeper, Milestone, StreamIndex};
use super::wal::Wal;

/// Events inserted by one statement: it finds its way to the end of the table once for all of them.
const EVENTS_AT_ONCE: usize = 16;

/// Columns of an event.
const COLUMNS: usize = 8;

const INSERT_ONE: &str = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)";

static INSERT_MANY: LazyLock<String> =
    LazyLock::new(|| format!("{INSERT_ONE}{}", ", (?, ?, ?, ?, ?, ?, ?, ?)".repeat(EVENTS_AT_ONCE - 1)));

/// How many of a partition's last events are looked at for a batch whose outcome is not known.
const LOOK_BACK_MAX: Position = 65_536;

/// The one connection that writes the log.
pub(crate) struct Writer {
    connection: Connection,
    wal: Wal,
    /// Stores behind the writer what its appends do to streams.
    _keeper: Keeper,
    log: Arc<LogFile>,
}

impl Writer {
    pub(crate) fn new(connection: Connection, wal: Wal, keeper: Keeper, log: Arc<LogFile>) -> Self {
        Self { connection, wal, _keeper: keeper, log }
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
        self.log.streams.wait_for_room();
        let chains = Chains::of(&self.log.streams, &batch.events)?;
        let note = write(&mut self.connection, batch, chains).map_err(|failure| self.judge(failure))?;
        // Both move while the heads are locked: whoever sees the new heads finds the events by their streams, and whoever finds
        // them so waits for the new heads.
        let mut known = self.log.heads();
        self.log.streams.add(note, &heads);
        *known = heads;
        drop(known);
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

    /// Whether batch `id`, which may have moved `partitions` lately, is in the log. Whoever asks holds the writer, so no append
    /// is under way.
    pub(crate) fn holds(&self, id: BatchId, partitions: &[PartitionId]) -> Result<bool, StoreError> {
        self.check_sound()?;
        self.finds(id, partitions).map_err(in_log)
    }

    fn finds(&self, id: BatchId, partitions: &[PartitionId]) -> rusqlite::Result<bool> {
        let id = id.0.into_bytes();
        if self.connection.prepare_cached("SELECT 1 FROM batches WHERE id = ?1")?.exists([id])? {
            return Ok(true);
        }
        let sql = "SELECT 1 FROM (SELECT batch FROM events WHERE place > ?1 AND place <= ?2 ORDER BY place DESC LIMIT ?3) \
                   WHERE batch = ?4 LIMIT 1";
        let mut statement = self.connection.prepare_cached(sql)?;
        for partition in partitions {
            let (first, last) = (place(*partition, 0), place(*partition, POSITION_MAX));
            let found = statement.query_row((first, last, whole(LOOK_BACK_MAX), id), |_| Ok(())).optional()?;
            if found.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
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

/// Writes a batch; returns what it has done to streams.
fn write(connection: &mut Connection, batch: &Append, chains: Chains<'_>) -> Result<BatchNote, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let note = insert(&transaction, batch, chains)?;
    transaction.commit().map_err(Failure::Commit)?;
    Ok(note)
}

/// Writes all of a batch but its commit.
fn insert(transaction: &Transaction<'_>, batch: &Append, chains: Chains<'_>) -> Result<BatchNote, Failure> {
    let id = batch.id.0.into_bytes();
    if batch.events.is_empty() {
        // Nothing else in the log would tell that this batch is in it.
        transaction.prepare_cached("INSERT INTO batches VALUES (?1)")?.execute([&id])?;
    }
    let note = insert_events(transaction, &batch.events, &id, chains)?;
    let mut claim = transaction.prepare_cached("INSERT INTO claims VALUES (?1, ?2, ?3)")?;
    for Claim { key, fingerprint, answer } in &batch.claims {
        claim.execute((key, fingerprint.cast_signed(), &**answer))?;
    }
    Ok(note)
}

fn insert_events(
    transaction: &Transaction<'_>,
    events: &[Recorded],
    batch: &[u8; 16],
    mut chains: Chains<'_>,
) -> Result<BatchNote, Failure> {
    let mut metadata = MetadataJson::default();
    let (many, rest) = events.as_chunks::<EVENTS_AT_ONCE>();
    let mut statement = transaction.prepare_cached(&INSERT_MANY)?;
    for events in many {
        insert_rows(&mut statement, events, batch, &mut chains, &mut metadata)?;
    }
    let mut statement = transaction.prepare_cached(INSERT_ONE)?;
    for event in rest {
        insert_rows(&mut statement, std::slice::from_ref(event), batch, &mut chains, &mut metadata)?;
    }
    Ok(chains.into_note())
}

/// Inserts `events` with a statement for as many rows.
fn insert_rows<'e>(
    statement: &mut Statement<'_>,
    events: &'e [Recorded],
    batch: &[u8; 16],
    chains: &mut Chains<'_>,
    metadata: &mut MetadataJson<'e>,
) -> Result<(), Failure> {
    for (row, event) in events.iter().enumerate() {
        let (place, first) = (place(event.partition, event.position), row * COLUMNS + 1);
        statement.raw_bind_parameter(first, place)?;
        statement.raw_bind_parameter(first + 1, event.stream.as_str())?;
        statement.raw_bind_parameter(first + 2, whole(event.version))?;
        statement.raw_bind_parameter(first + 3, chains.link(event, place)?)?;
        statement.raw_bind_parameter(first + 4, event.at.as_millis())?;
        statement.raw_bind_parameter(first + 5, batch)?;
        statement.raw_bind_parameter(first + 6, metadata.of(&event.metadata)?)?;
        statement.raw_bind_parameter(first + 7, &**event.payload.json())?;
    }
    statement.raw_execute()?;
    Ok(())
}

/// The streams a batch adds to, each with its end: as it was before the batch, and event by event as the batch leaves it.
struct Chains<'e> {
    ends: FxHashMap<&'e StreamName, End>,
    milestones: Vec<Milestone>,
    events: u64,
}

impl<'e> Chains<'e> {
    /// Looks up the ends of all streams that `events` are of.
    fn of(index: &StreamIndex, events: &'e [Recorded]) -> Result<Self, StoreError> {
        let mut before: FxHashMap<&StreamName, End> = FxHashMap::default();
        before.reserve(events.len());
        let mut streams = Vec::with_capacity(events.len());
        for event in events {
            before.entry(&event.stream).or_insert_with(|| {
                streams.push(&event.stream);
                End::default()
            });
        }
        for (stream, end) in streams.iter().zip(index.ends(&streams)?) {
            before.insert(stream, end);
        }
        Ok(Self { ends: before, milestones: Vec::new(), events: 0 })
    }

    /// Moves the end of the event's stream to `place`; returns where it was.
    fn link(&mut self, event: &Recorded, place: i64) -> Result<i64, Failure> {
        let mut unknown = End::default();
        let end = self.ends.get_mut(&event.stream).unwrap_or(&mut unknown);
        if event.version <= end.version {
            return Err(Failure::Taken);
        }
        if event.version != end.version + 1 {
            return Err(Failure::Versions(format!("{}@{}", event.stream, event.version)));
        }
        let previous = std::mem::replace(end, End { version: event.version, place }).place;
        self.events += 1;
        self.milestones.extend(Milestone::at(&event.stream, event.version, place));
        Ok(previous)
    }

    /// What the batch has done to streams.
    fn into_note(self) -> BatchNote {
        let ends = self.ends.into_iter().map(|(stream, end)| (stream.clone(), end)).collect();
        BatchNote { ends, milestones: self.milestones, events: self.events }
    }
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
