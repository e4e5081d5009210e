//! The log as readers see it: shared by the event store and by the readers of queries.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use bytes::Bytes;
use cqrs::{
    BatchId, Claim, Epoch, Head, Metadata, PartitionId, Payload, Position, Recorded, Snapshot, StoreError, StreamName,
    Timestamp, Version,
};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Row, Rows};
use uuid::Uuid;

use super::connection::ReadPool;
use super::error::in_log;
use super::folder::FolderLock;
use super::snapshots::SnapshotFile;
use super::stream_index::{End, StreamIndex};
use super::streams;

/// How many bits of a place are the position.
const POSITION_BITS: u32 = 47;
/// The last position a partition can have.
pub(crate) const POSITION_MAX: Position = (1 << POSITION_BITS) - 1;

/// A query for events, with the columns that [`EventRows`] reads.
macro_rules! events {
    ($which:literal) => {
        concat!("SELECT place, stream, version, at, batch, metadata, payload, previous FROM events ", $which)
    };
}
pub(super) use events;

/// `log.db`, its readers, and what every reader of this process shares.
pub(crate) struct LogFile {
    pub(crate) epoch: Epoch,
    pub(crate) partitions: u16,
    /// As of the last commit: moved by the writer alone, once the commit is on the disk.
    pub(crate) heads: Mutex<Vec<Head>>,
    /// Set once, by the first error whose effect on the disk is not known.
    pub(crate) broken: Arc<OnceLock<String>>,
    pub(crate) readers: ReadPool,
    /// Where streams end, as of the last commit. Moved together with the heads.
    pub(crate) streams: Arc<StreamIndex>,
    pub(crate) snapshots: SnapshotFile,
    /// Last, so that the folder is let go after its files are closed.
    pub(crate) _lock: Arc<FolderLock>,
}

impl LogFile {
    /// Where each partition ends.
    pub(crate) fn heads(&self) -> MutexGuard<'_, Vec<Head>> {
        self.heads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn read_partition(
        &self,
        partition: PartitionId,
        after: Position,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        // Not past the head that is known here: the event behind it may be on the disk before its stream is known to have it.
        let head = self.heads().get(usize::from(partition.0)).map_or(0, |head| head.position);
        self.readers.read(|connection| {
            let sql = events!("WHERE place > ?1 AND place <= ?2 ORDER BY place LIMIT ?3");
            let mut statement = connection.prepare_cached(sql).map_err(in_log)?;
            let (first, last) = (place(partition, after), place(partition, head));
            let rows = statement.query((first, last, rows_max(limit))).map_err(in_log)?;
            EventRows::default().collect(rows).map_err(in_log)
        })
    }

    pub(crate) fn read_streams(
        &self,
        streams: &[(StreamName, Version)],
        limit: usize,
    ) -> Result<Vec<Vec<Recorded>>, StoreError> {
        let ends = self.streams_to_read(streams)?;
        self.readers.read(|connection| self.read_ends(connection, streams, &ends, limit))
    }

    /// The ends of the streams that are asked for.
    pub(crate) fn streams_to_read(&self, streams: &[(StreamName, Version)]) -> Result<Vec<End>, StoreError> {
        let names: Vec<&StreamName> = streams.iter().map(|(name, _)| name).collect();
        self.streams.ends(&names)
    }

    /// Reads several streams, whose ends were looked up before, on one connection.
    pub(crate) fn read_ends(
        &self,
        connection: &Connection,
        streams: &[(StreamName, Version)],
        ends: &[End],
        limit: usize,
    ) -> Result<Vec<Vec<Recorded>>, StoreError> {
        let mut events = EventRows::default();
        let mut read = |((stream, after), end): (&(StreamName, Version), &End)| {
            streams::forward(connection, &mut events, &self.streams, (stream, *end), *after, limit)
        };
        streams.iter().zip(ends).map(&mut read).collect()
    }

    pub(crate) fn read_stream_back(
        &self,
        stream: &StreamName,
        before: Version,
        limit: usize,
    ) -> Result<Vec<Recorded>, StoreError> {
        let end = self.streams.end(stream)?;
        self.readers.read(|connection| {
            streams::back(connection, &mut EventRows::default(), &self.streams, (stream, end), before, limit)
        })
    }

    /// The newest snapshots that fold what this log holds.
    pub(crate) fn snapshots(&self, streams: &[StreamName]) -> Result<Vec<Option<Snapshot>>, StoreError> {
        let mut found = self.snapshots.read(streams);
        for slot in &mut found {
            let Some(snapshot) = slot else { continue };
            let end = self.streams.end(&snapshot.stream)?;
            if end.version < snapshot.version || place_of(end.place).0 != snapshot.partition {
                *slot = None;
            }
        }
        Ok(found)
    }
}

/// Looks up several claims on one connection.
pub(crate) fn claims(connection: &Connection, keys: &[String]) -> Result<Vec<Option<Claim>>, StoreError> {
    let sql = "SELECT key, fingerprint, answer FROM claims WHERE key = ?1";
    let mut statement = connection.prepare_cached(sql).map_err(in_log)?;
    let mut read = |key: &String| statement.query_row([key], claim).optional();
    keys.iter().map(|key| read(key).map_err(in_log)).collect()
}

/// Where an event stands, as one number that orders by partition, then position.
pub(crate) fn place(partition: PartitionId, position: Position) -> i64 {
    (i64::from(partition.0) << POSITION_BITS) | whole(position.min(POSITION_MAX))
}

/// The partition and position that a place stands for.
pub(crate) fn place_of(place: i64) -> (PartitionId, Position) {
    let place = place.unsigned_abs();
    (PartitionId(u16::try_from(place >> POSITION_BITS).unwrap_or(u16::MAX)), place & POSITION_MAX)
}

/// A number as SQLite keeps it. Positions and versions never come near the limit.
pub(crate) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A limit as SQLite takes it.
pub(crate) fn rows_max(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn claim(row: &Row<'_>) -> rusqlite::Result<Claim> {
    let fingerprint: i64 = row.get(1)?;
    let answer: Vec<u8> = row.get(2)?;
    Ok(Claim { key: row.get(0)?, fingerprint: fingerprint.cast_unsigned(), answer: answer.into() })
}

/// Turns rows into events. Neighbours often share their metadata, so the last one is kept rather than parsed again.
#[derive(Default)]
pub(super) struct EventRows {
    metadata: Option<(Vec<u8>, Arc<Metadata>)>,
}

impl EventRows {
    fn collect(&mut self, mut rows: Rows<'_>) -> rusqlite::Result<Vec<Recorded>> {
        let mut events = Vec::new();
        while let Some(row) = rows.next()? {
            events.push(self.event(row)?);
        }
        Ok(events)
    }

    pub(crate) fn event(&mut self, row: &Row<'_>) -> rusqlite::Result<Recorded> {
        let (partition, position) = place_of(row.get(0)?);
        let version: i64 = row.get(2)?;
        Ok(Recorded {
            partition,
            position,
            stream: StreamName::stored(row.get_ref(1)?.as_str()?),
            version: version.unsigned_abs(),
            at: Timestamp::from_millis(row.get(3)?),
            batch: BatchId(Uuid::from_bytes(row.get(4)?)),
            metadata: self.metadata(row.get_ref(5)?.as_blob_or_null()?)?,
            payload: Payload::stored(Bytes::copy_from_slice(row.get_ref(6)?.as_blob()?)),
        })
    }

    /// Nothing is stored for empty metadata.
    fn metadata(&mut self, json: Option<&[u8]>) -> rusqlite::Result<Arc<Metadata>> {
        let json = json.unwrap_or(b"{}");
        if let Some((_, metadata)) = self.metadata.as_ref().filter(|(known, _)| known == json) {
            return Ok(Arc::clone(metadata));
        }
        let parsed = serde_json::from_slice::<Metadata>(json);
        let parsed = parsed.map_err(|e| rusqlite::Error::FromSqlConversionFailure(5, Type::Blob, Box::new(e)))?;
        let metadata = Arc::new(parsed);
        self.metadata = Some((json.to_vec(), Arc::clone(&metadata)));
        Ok(metadata)
    }
}
