//! One stream's events: from its last one back, along the chain that each event has to the one before it.

use cqrs::{Recorded, StoreError, StreamName, Version};
use rusqlite::Connection;

use super::error::in_log;
use super::log_file::{EventRows, events};
use super::stream_index::{End, StreamIndex};

/// At most `limit` events after version `after` of the stream that ends at `end`, in order.
pub(super) fn forward(
    connection: &Connection,
    rows: &mut EventRows,
    index: &StreamIndex,
    (stream, end): (&StreamName, End),
    after: Version,
    limit: usize,
) -> Result<Vec<Recorded>, StoreError> {
    if end.version <= after {
        return Ok(Vec::new());
    }
    let last_wanted = after.saturating_add(limit as Version);
    let start = start(index, stream, end, last_wanted)?;
    let mut found = Vec::new();
    let walked = walk(connection, rows, start, |event| {
        let wanted = event.version > after;
        if wanted && event.version <= last_wanted {
            found.push(event);
        }
        wanted
    });
    walked.map_err(in_log)?;
    found.reverse();
    Ok(found)
}

/// At most `limit` events before version `before` of the stream that ends at `end`, newest first.
pub(super) fn back(
    connection: &Connection,
    rows: &mut EventRows,
    index: &StreamIndex,
    (stream, end): (&StreamName, End),
    before: Version,
    limit: usize,
) -> Result<Vec<Recorded>, StoreError> {
    let start = start(index, stream, end, before.saturating_sub(1))?;
    let mut found = Vec::new();
    if limit > 0 {
        let walked = walk(connection, rows, start, |event| {
            if event.version < before {
                found.push(event);
            }
            found.len() < limit
        });
        walked.map_err(in_log)?;
    }
    Ok(found)
}

/// A place at or shortly after version `wanted`, to walk back from; 0 if there is nothing.
fn start(index: &StreamIndex, stream: &StreamName, end: End, wanted: Version) -> Result<i64, StoreError> {
    if end.version <= wanted {
        return Ok(end.place);
    }
    Ok(index.milestone(stream, wanted)?.unwrap_or(end.place))
}

/// Shows `visit` the event at `place` and those before it in its stream, until it has seen enough.
fn walk(
    connection: &Connection,
    rows: &mut EventRows,
    mut place: i64,
    mut visit: impl FnMut(Recorded) -> bool,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare_cached(events!("WHERE place = ?1"))?;
    while place != 0 {
        let (event, previous) = statement.query_row([place], |row| Ok((rows.event(row)?, row.get(7)?)))?;
        if !visit(event) {
            break;
        }
        place = previous;
    }
    Ok(())
}
