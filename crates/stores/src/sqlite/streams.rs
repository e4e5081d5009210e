//! One stream's events: from its last one back, along the chain that each event has to the one before it.

use cqrs::{Recorded, Version};
use rusqlite::{Connection, OptionalExtension};

use super::log_file::{EventRows, events, whole};

/// Every so many events of a stream its place is noted, so that a walk can begin in the middle.
pub(super) const MILESTONE_EVERY: Version = 256;

/// The version and place of a stream's last event, if it has one.
pub(super) fn stream_end(connection: &Connection, stream: &str) -> rusqlite::Result<Option<(Version, i64)>> {
    let mut statement = connection.prepare_cached("SELECT version, last FROM streams WHERE name = ?1")?;
    let end = |row: &rusqlite::Row<'_>| Ok((row.get::<_, i64>(0)?.unsigned_abs(), row.get(1)?));
    statement.query_row([stream], end).optional()
}

/// At most `limit` events after version `after`, in order.
pub(super) fn forward(
    connection: &Connection,
    rows: &mut EventRows,
    stream: &str,
    after: Version,
    limit: usize,
) -> rusqlite::Result<Vec<Recorded>> {
    let last_wanted = after.saturating_add(limit as Version);
    let Some(start) = start(connection, stream, after, last_wanted)? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    walk(connection, rows, start, |event| {
        let wanted = event.version > after;
        if wanted && event.version <= last_wanted {
            found.push(event);
        }
        wanted
    })?;
    found.reverse();
    Ok(found)
}

/// At most `limit` events before version `before`, newest first.
pub(super) fn back(
    connection: &Connection,
    rows: &mut EventRows,
    stream: &str,
    before: Version,
    limit: usize,
) -> rusqlite::Result<Vec<Recorded>> {
    let Some(start) = start(connection, stream, 0, before.saturating_sub(1))? else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    if limit > 0 {
        walk(connection, rows, start, |event| {
            if event.version < before {
                found.push(event);
            }
            found.len() < limit
        })?;
    }
    Ok(found)
}

/// A place at or shortly after version `wanted`, to walk back from; none if nothing comes after version `after`.
fn start(connection: &Connection, stream: &str, after: Version, wanted: Version) -> rusqlite::Result<Option<i64>> {
    let Some((version, last)) = stream_end(connection, stream)?.filter(|(version, _)| *version > after) else {
        return Ok(None);
    };
    if version <= wanted {
        return Ok(Some(last));
    }
    let sql = "SELECT place FROM milestones WHERE stream = ?1 AND version >= ?2 ORDER BY version LIMIT 1";
    let milestone = connection.prepare_cached(sql)?.query_row((stream, whole(wanted)), |row| row.get(0)).optional()?;
    Ok(Some(milestone.unwrap_or(last)))
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
