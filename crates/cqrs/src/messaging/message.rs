//! A message: a contract event on its way, in the shape of CloudEvents 1.0.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::event::{BatchId, Epoch, PartitionId, Position, Recorded};
use crate::time::Timestamp;

/// The name of one stored event, for ever: the append it was part of, and its place.
///
/// A log that was restored and written on has other names at the same places, which is how a fork is noticed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EventId {
    /// The append.
    pub batch: BatchId,
    /// The partition.
    pub partition: PartitionId,
    /// The place in the partition.
    pub position: Position,
}

impl EventId {
    /// The name of a stored event.
    #[must_use]
    pub fn of(event: &Recorded) -> Self {
        Self { batch: event.batch, partition: event.partition, position: event.position }
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.batch.0.as_simple(), self.partition, self.position)
    }
}

impl From<EventId> for String {
    fn from(id: EventId) -> Self {
        id.to_string()
    }
}

/// The text names no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event's id is <batch>.<partition>.<position>")]
pub struct NotAnEventId;

impl FromStr for EventId {
    type Err = NotAnEventId;

    fn from_str(text: &str) -> Result<Self, NotAnEventId> {
        let mut parts = text.splitn(3, '.');
        let mut part = || parts.next().ok_or(NotAnEventId);
        let batch = Uuid::try_parse(part()?).map_err(|_| NotAnEventId)?;
        let partition = part()?.parse().map_err(|_| NotAnEventId)?;
        let position = part()?.parse().map_err(|_| NotAnEventId)?;
        Ok(Self { batch: BatchId(batch), partition: PartitionId(partition), position })
    }
}

impl TryFrom<String> for EventId {
    type Error = NotAnEventId;

    fn try_from(text: String) -> Result<Self, NotAnEventId> {
        text.parse()
    }
}

/// A contract event, with its place in the log it comes from.
///
/// As JSON it is a CloudEvents 1.0 event: `id`, `source`, `type`, `subject`, `time`, `data`, and as extensions
/// `partitionkey`, `epoch`, `partition`, `sequence` (its position), `after` and `predecessor`, `correlationid`,
/// `causationid` and `traceparent`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Wire", into = "Wire")]
pub struct Message {
    /// The stored event it was made of.
    pub id: EventId,
    /// The context that owns it.
    pub source: Arc<str>,
    /// The log it stands in.
    pub epoch: Epoch,
    /// It covers the positions of its partition after this one, up to its own: none of the others is a contract event.
    pub after: Position,
    /// The event at `after`; none at the start of the log.
    pub predecessor: Option<EventId>,
    /// What happened: its type, with its version.
    pub kind: Arc<str>,
    /// What it happened to.
    pub subject: Arc<str>,
    /// Messages of one key stay in order.
    pub key: Arc<str>,
    /// When it was decided.
    pub at: Timestamp,
    /// What ties it to the request that caused it.
    pub correlation_id: Option<Arc<str>>,
    /// The message that caused it.
    pub causation_id: Option<Arc<str>>,
    /// The W3C trace context it belongs to.
    pub traceparent: Option<Arc<str>>,
    /// The content, as JSON.
    pub data: Bytes,
}

impl Message {
    /// The partition it stands in.
    #[must_use]
    pub fn partition(&self) -> PartitionId {
        self.id.partition
    }

    /// Its place in the partition.
    #[must_use]
    pub fn position(&self) -> Position {
        self.id.position
    }

    /// The content as `T`.
    ///
    /// # Errors
    /// If it is none.
    pub fn data_as<T: for<'de> Deserialize<'de>>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.data)
    }
}

/// A message as CloudEvents 1.0 writes it.
#[derive(Clone, Serialize, Deserialize)]
struct Wire {
    specversion: Arc<str>,
    id: EventId,
    source: Arc<str>,
    #[serde(rename = "type")]
    kind: Arc<str>,
    subject: Arc<str>,
    time: Arc<str>,
    datacontenttype: Arc<str>,
    partitionkey: Arc<str>,
    epoch: Uuid,
    partition: u16,
    /// Text, because it can exceed what a CloudEvents integer holds.
    sequence: String,
    after: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    predecessor: Option<EventId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    correlationid: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    causationid: Option<Arc<str>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    traceparent: Option<Arc<str>>,
    data: Box<RawValue>,
}

impl From<Message> for Wire {
    fn from(message: Message) -> Self {
        let text = String::from_utf8(message.data.to_vec()).unwrap_or_default();
        Self {
            specversion: "1.0".into(),
            id: message.id,
            source: format!("/{}", message.source).into(),
            kind: message.kind,
            subject: message.subject,
            time: message.at.to_rfc3339().into(),
            datacontenttype: "application/json".into(),
            partitionkey: message.key,
            epoch: message.epoch.0,
            partition: message.id.partition.0,
            sequence: message.id.position.to_string(),
            after: message.after.to_string(),
            predecessor: message.predecessor,
            correlationid: message.correlation_id,
            causationid: message.causation_id,
            traceparent: message.traceparent,
            data: RawValue::from_string(text).unwrap_or_else(|_| RawValue::NULL.to_owned()),
        }
    }
}

impl TryFrom<Wire> for Message {
    type Error = String;

    fn try_from(wire: Wire) -> Result<Self, String> {
        let number = |name, text: &str| text.parse::<u64>().map_err(|_| format!("{name} is no position: {text}"));
        if &*wire.specversion != "1.0" {
            return Err(format!("CloudEvents {} is not understood, only 1.0", wire.specversion));
        }
        let position = number("sequence", &wire.sequence)?;
        if wire.id.position != position || wire.id.partition.0 != wire.partition {
            return Err(format!("id {} is not of partition {}, sequence {position}", wire.id, wire.partition));
        }
        let after = number("after", &wire.after)?;
        if after >= position {
            return Err(format!("after {after} is not before sequence {position}"));
        }
        let at = Timestamp::parse_rfc3339(&wire.time).ok_or_else(|| format!("time is no instant: {}", wire.time))?;
        Ok(Self {
            id: wire.id,
            source: wire.source.trim_start_matches('/').into(),
            epoch: Epoch(wire.epoch),
            after,
            predecessor: wire.predecessor,
            kind: wire.kind,
            subject: wire.subject,
            key: wire.partitionkey,
            at,
            correlation_id: wire.correlationid,
            causation_id: wire.causationid,
            traceparent: wire.traceparent,
            data: Bytes::from(Box::<str>::from(wire.data).into_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        Message {
            id: EventId { batch: BatchId(Uuid::from_u128(7)), partition: PartitionId(3), position: 41 },
            source: "kitchen".into(),
            epoch: Epoch(Uuid::from_u128(1)),
            after: 38,
            predecessor: Some(EventId { batch: BatchId(Uuid::from_u128(6)), partition: PartitionId(3), position: 38 }),
            kind: "kitchen.dish-served.v1".into(),
            subject: "table-4".into(),
            key: "table-4".into(),
            at: Timestamp::from_millis(1_772_357_400_007),
            correlation_id: Some("c".into()),
            causation_id: None,
            traceparent: None,
            data: Bytes::from_static(br#"{"dish":"soup"}"#),
        }
    }

    #[test]
    fn as_json_it_is_a_cloud_event() {
        let json = serde_json::to_value(message()).unwrap();
        assert_eq!(
            json,
            serde_json::json!({
                "specversion": "1.0", "id": "00000000000000000000000000000007.3.41", "source": "/kitchen",
                "type": "kitchen.dish-served.v1", "subject": "table-4", "time": "2026-03-01T09:30:00.007Z",
                "datacontenttype": "application/json", "partitionkey": "table-4",
                "epoch": "00000000-0000-0000-0000-000000000001", "partition": 3, "sequence": "41", "after": "38",
                "predecessor": "00000000000000000000000000000006.3.38", "correlationid": "c", "data": {"dish": "soup"},
            })
        );
        let text = serde_json::to_string(&message()).unwrap();
        assert_eq!(serde_json::from_str::<Message>(&text).unwrap(), message());
    }

    #[test]
    fn what_contradicts_itself_is_no_message() {
        let text = serde_json::to_string(&message()).unwrap();
        for (right, wrong) in [
            (r#""sequence":"41""#, r#""sequence":"42""#),
            (r#""after":"38""#, r#""after":"41""#),
            (r#""specversion":"1.0""#, r#""specversion":"0.3""#),
            (r#""partition":3"#, r#""partition":4"#),
            ("09:30:00.007Z", "half past nine"),
        ] {
            assert!(text.contains(right));
            assert!(serde_json::from_str::<Message>(&text.replace(right, wrong)).is_err(), "{wrong}");
        }
    }
}
