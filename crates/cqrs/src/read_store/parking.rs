//! Parking: an event that a view cannot apply holds up its own stream there, and nothing else.

use std::fmt;

use crate::event::{PartitionId, Position, Recorded, StreamName, Version};

/// Streams that may be parked in one view: beyond it the fault is not one of single events.
pub const PARKED_STREAMS_MAX: usize = 1_000;

/// Characters of a cause that are kept.
const CAUSE_CHARS_MAX: usize = 500;

/// A stream that waits in one view, from an event on that could not be applied there.
///
/// What waits need not be kept: the log has the stream, and its events are replayed from there in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedStream {
    /// The stream.
    pub stream: StreamName,
    /// Its partition.
    pub partition: PartitionId,
    /// The position of the event that could not be applied.
    pub position: Position,
    /// The version of that event in its stream.
    pub version: Version,
    /// Why it could not.
    pub cause: String,
    /// How many events wait by now, with it.
    pub waiting: u64,
}

impl ParkedStream {
    /// The stream of `event`, which could not be applied because of `cause`. It is not counted as waiting yet.
    pub(crate) fn at(event: &Recorded, cause: &str) -> Self {
        Self {
            stream: event.stream.clone(),
            partition: event.partition,
            position: event.position,
            version: event.version,
            cause: cause.chars().take(CAUSE_CHARS_MAX).collect(),
            waiting: 0,
        }
    }

    /// Whether the row under `key` may lack what waits. `keyed` says that keys begin with the stream's id.
    pub(crate) fn may_touch(&self, keyed: bool, key: &str) -> bool {
        !keyed || is_of(key, self.stream.id())
    }

    /// Whether a row whose key begins with `prefix` may lack what waits.
    pub(crate) fn may_touch_below(&self, keyed: bool, prefix: &str) -> bool {
        self.may_touch(keyed, prefix) || self.stream.id().starts_with(prefix)
    }
}

/// Whether `key` is `id`, or begins with it and goes on with what no id has.
fn is_of(key: &str, id: &str) -> bool {
    let rest = key.strip_prefix(id);
    rest.is_some_and(|rest| {
        !rest.starts_with(|c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '-'))
    })
}

impl fmt::Display for ParkedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { stream, partition, position, version, cause, .. } = self;
        write!(f, "{stream}@{version} (partition {partition}, position {position}): {cause}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked(id: &str) -> ParkedStream {
        let stream = StreamName::new("tank", id);
        ParkedStream { stream, partition: PartitionId(0), position: 7, version: 3, cause: "odd".into(), waiting: 1 }
    }

    #[test]
    fn a_stream_holds_up_the_rows_under_its_id_and_no_neighbours() {
        let tea = parked("TEA");
        for (key, touched) in
            [("TEA", true), ("TEA/main", true), ("TEA ready", true), ("TEA-01", false), ("MUG", false)]
        {
            assert_eq!(tea.may_touch(true, key), touched, "{key}");
            assert!(tea.may_touch(false, key), "any row may lack it");
        }
        for (prefix, touched) in [("", true), ("TE", true), ("TEA/", true), ("TEA-", false), ("M", false)] {
            assert_eq!(tea.may_touch_below(true, prefix), touched, "{prefix}");
        }
    }
}
