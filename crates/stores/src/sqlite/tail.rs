//! Where every partition ends, and the check at start that it is whole there: what an unclean end could have torn.

use std::path::Path;

use cqrs::{Head, PartitionId, Position, Timestamp};
use rusqlite::{Connection, OptionalExtension};

use super::error::OpenError;
use super::log_file::{POSITION_MAX, place, place_of};

/// How many positions of each partition are looked at.
const POSITIONS: u64 = 1_000;

/// Where each partition ends: at its last event.
pub(crate) fn heads(connection: &Connection, partitions: u16) -> rusqlite::Result<Vec<Head>> {
    let sql = "SELECT place, at FROM events WHERE place > ?1 AND place <= ?2 ORDER BY place DESC LIMIT 1";
    let mut statement = connection.prepare(sql)?;
    let mut head = |partition| {
        let last = statement.query_row((place(partition, 0), place(partition, POSITION_MAX)), |row| {
            Ok(Head { position: place_of(row.get(0)?).1, at: Timestamp::from_millis(row.get(1)?) })
        });
        last.optional().map(Option::unwrap_or_default)
    };
    (0..partitions).map(|partition| head(PartitionId(partition))).collect()
}

/// Checks that each partition ends at its head, and that its last [`POSITIONS`] have no gap.
pub(crate) fn verify(connection: &Connection, file: &Path, heads: &[Head]) -> Result<(), OpenError> {
    for (partition, head) in (0_u16..).zip(heads) {
        let first = head.position.saturating_sub(POSITIONS - 1).max(1);
        let found =
            positions(connection, PartitionId(partition), first).map_err(|cause| OpenError::sqlite(file, cause))?;
        // What stands behind the last position that is as it must be: nothing, if that is the head.
        let whole = (first..=head.position).zip(&found).take_while(|(expected, found)| expected == *found).count();
        let (after, next) = (first - 1 + whole as u64, found.get(whole).copied());
        if after != head.position || next.is_some() {
            let file = file.to_owned();
            return Err(OpenError::Tail { file, partition, head: head.position, after, found: next });
        }
    }
    Ok(())
}

/// The positions of a partition from `first` on, at most one more than are looked at.
fn positions(connection: &Connection, partition: PartitionId, first: Position) -> rusqlite::Result<Vec<Position>> {
    let sql = "SELECT place FROM events WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT ?3";
    let mut statement = connection.prepare_cached(sql)?;
    let bounds = (place(partition, first), place(partition, POSITION_MAX), i64::try_from(POSITIONS + 1).unwrap_or(0));
    let rows = statement.query_map(bounds, |row| Ok(place_of(row.get(0)?).1))?;
    rows.collect()
}
