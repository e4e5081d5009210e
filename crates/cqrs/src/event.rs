//! What the log stores: events, where they stand in it, and what came with the command that caused them.
//!
//! A log is a fixed number of partitions ([`PartitionId`]). A stream lives in one of them, so an event has two places: its
//! [`Position`] in the partition, by which it is followed, and its [`Version`] in the stream, by which it is decided on. Both
//! count 1, 2, 3 … without a gap.
//!
//! Events are stored as JSON and kept for ever. One that was stored in an older shape is brought to today's when it is read
//! ([`StoredEvent`]); `docs/guides/change-a-stored-event.md` has the whole way.
//!
//! Next: [`event_store`](crate::event_store), the port they are stored through.

mod upcast;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;
use uuid::Uuid;
use xxhash_rust::xxh3::xxh3_64;

use crate::aggregate::Aggregate;
use crate::id::ShortText;
use crate::time::Timestamp;

pub use upcast::StoredEvent;

/// A place in a partition's log: 1, 2, 3 … without a gap. 0 stands before the first event.
pub type Position = u64;

/// A place in a stream: 1, 2, 3 … without a gap. 0 is the version of a stream that does not exist.
pub type Version = u64;

/// One of the `P` parts of a context's log, 0-based; `P` is fixed when the log is created.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PartitionId(pub u16);

impl PartitionId {
    /// The partition of `key` in a log of `partitions` parts.
    ///
    /// Stored logs depend on it: the hash never changes.
    #[must_use]
    pub fn of(key: &str, partitions: u16) -> Self {
        let slot = xxh3_64(key.as_bytes()) % u64::from(partitions.max(1));
        Self(u16::try_from(slot).unwrap_or(0))
    }
}

impl fmt::Display for PartitionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Bytes of a stream's name for which no memory is taken while it is put together.
const NAME_BYTES_USUAL: usize = 128;

/// A stream's name, `kind/id`, unique in its context whatever partition it lives in.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StreamName(ShortText);

impl StreamName {
    /// The name of aggregate kind `kind`'s stream `id`.
    #[must_use]
    pub fn new(kind: &str, id: &str) -> Self {
        // Made several times per command, so on the stack: the shared text is then all that is allocated.
        let mut name: SmallVec<[u8; NAME_BYTES_USUAL]> = SmallVec::new();
        name.extend_from_slice(kind.as_bytes());
        name.push(b'/');
        name.extend_from_slice(id.as_bytes());
        // Put together of whole texts, it is one.
        Self(std::str::from_utf8(&name).unwrap_or_default().into())
    }

    /// A name as a store kept it.
    #[must_use]
    pub fn stored(name: &str) -> Self {
        Self(name.into())
    }

    /// The whole name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is of aggregate kind `kind`. Asked for every event and view.
    pub(crate) fn is_of(&self, kind: &str) -> bool {
        self.0.as_bytes().get(kind.len()) == Some(&b'/') && self.0.starts_with(kind)
    }

    /// The aggregate kind: what stands before the first `/`.
    #[must_use]
    pub fn kind(&self) -> &str {
        self.0.split_once('/').map_or(&*self.0, |(kind, _)| kind)
    }

    /// The id within the kind: what stands after the first `/`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.split_once('/').map_or("", |(_, id)| id)
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The id of one append: every event of a batch carries it, so that an unknown outcome can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BatchId(pub Uuid);

impl BatchId {
    /// A fresh id, ordered by time so that an index on it grows at its end.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::now_v7())
    }
}

/// The identity of one log, made when it is created or restored: a consistency token of another epoch is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Epoch(pub Uuid);

/// Who and what caused a command; stored with each of its events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Metadata {
    /// The command's name.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub command: String,
    /// Who sent it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// The id that ties together all that one request caused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub correlation_id: Option<String>,
    /// The id of the message that caused it, if it was no request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub causation_id: Option<String>,
    /// The W3C trace context of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

/// An event's content: its stored JSON and, where this process made it, the typed value as well.
///
/// The typed value spares a reader in the same process the parsing; it never differs from the JSON.
#[derive(Clone)]
pub struct Payload {
    json: Bytes,
    typed: Option<Arc<dyn Any + Send + Sync>>,
}

impl Payload {
    /// A payload as a store kept it.
    #[must_use]
    pub fn stored(json: Bytes) -> Self {
        Self { json, typed: None }
    }

    /// The payload of a new event.
    ///
    /// # Errors
    /// If the event's type cannot be written as JSON.
    pub fn new<E: Serialize + Send + Sync + 'static>(event: Arc<E>) -> Result<Self, serde_json::Error> {
        let json = serde_json::to_vec(&*event)?.into();
        Ok(Self { json, typed: Some(event) })
    }

    /// The payload of a new event, its JSON in memory that `writer` shares out.
    pub(crate) fn written<E: Serialize + Send + Sync + 'static>(
        event: Arc<E>,
        writer: &mut PayloadWriter,
    ) -> Result<Self, serde_json::Error> {
        let json = writer.write(&*event)?;
        Ok(Self { json, typed: Some(event) })
    }

    /// The stored form.
    #[must_use]
    pub fn json(&self) -> &Bytes {
        &self.json
    }

    /// The payload as an event of aggregate `A`, brought to today's shape if it was stored in an older one.
    ///
    /// # Errors
    /// If the stored JSON is no event of `A`.
    pub fn decode<A: Aggregate>(&self) -> Result<Arc<A::Event>, serde_json::Error> {
        let typed = self.typed.clone().and_then(|event| event.downcast::<A::Event>().ok());
        match typed {
            Some(event) => Ok(event),
            None => match A::upcast(StoredEvent::new(&self.json)) {
                None => serde_json::from_slice(&self.json).map(Arc::new),
                Some(today) => serde_json::from_value(today).map(Arc::new),
            },
        }
    }
}

/// Writes payloads one behind the other into large pieces of memory, each freed with the last payload in it: the events of a batch
/// come and go together, so that they cost one allocation and not several each.
#[derive(Default)]
pub(crate) struct PayloadWriter {
    one: Vec<u8>,
    all: BytesMut,
}

impl PayloadWriter {
    /// Bytes of one piece; a larger payload has one of its own.
    const PIECE: usize = 64 * 1024;

    fn write<T: Serialize>(&mut self, value: &T) -> Result<Bytes, serde_json::Error> {
        self.one.clear();
        serde_json::to_writer(&mut self.one, value)?;
        if self.all.capacity() < self.one.len() {
            self.all = BytesMut::with_capacity(self.one.len().max(Self::PIECE));
        }
        self.all.extend_from_slice(&self.one);
        Ok(self.all.split().freeze())
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.json))
    }
}

impl PartialEq for Payload {
    fn eq(&self, other: &Self) -> bool {
        self.json == other.json
    }
}

/// An event in the log, or about to be appended at exactly this place.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The partition it stands in.
    pub partition: PartitionId,
    /// Its place in the partition.
    pub position: Position,
    /// The stream it belongs to.
    pub stream: StreamName,
    /// Its place in the stream.
    pub version: Version,
    /// The log time of the decision that made it; never decreases within a partition.
    pub at: Timestamp,
    /// The append it was part of.
    pub batch: BatchId,
    /// What came with the command.
    pub metadata: Arc<Metadata>,
    /// The event itself.
    pub payload: Payload,
}
