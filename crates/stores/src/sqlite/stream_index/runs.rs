//! The sorted runs of `streams.db`: which there are, which of them may have a name, and which are to be merged.
//!
//! A tree of all names would be touched all over by every note that is stored, because new names fall anywhere: the more streams
//! there are, the more would be written for each. So a note becomes a table of its own, written in the order of its names, and
//! never changed again. From time to time several of them are merged into one; a name that is in more than one ends where the newest says.

use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use cqrs::StreamName;
use rusqlite::Connection;

use super::STREAMS_MAX;
use super::filter::{Filter, Hashed};

/// So many runs of one size are merged, with what lies between them.
const MERGED_FROM: usize = 8;

/// Names for which there is room in filters: 134 MB, and at most twice that while runs are merged. A run that finds no room is asked for
/// every name.
const FILTERED_MAX: u64 = 1 << 26;

/// One run.
#[derive(Clone)]
pub(super) struct Run {
    /// Its number, after which its table is named.
    pub(super) id: i64,
    /// A run of a higher rank has newer ends.
    pub(super) rank: i64,
    pub(super) streams: u64,
    /// Which names it surely does not have; none if that is not known.
    pub(super) filter: Option<Arc<Filter>>,
}

impl Run {
    fn may_have(&self, name: Hashed) -> bool {
        self.filter.as_ref().is_none_or(|filter| !filter.excludes(name))
    }

    /// Its size in notes, as the exponent of [`MERGED_FROM`]: 0 for one of fewer.
    fn level(&self) -> u32 {
        let notes = self.streams / STREAMS_MAX as u64;
        notes.checked_ilog(MERGED_FROM as u64).unwrap_or(0)
    }
}

/// The runs in the file, the newest first.
pub(super) fn stored(connection: &Connection) -> rusqlite::Result<Vec<Run>> {
    let mut statement = connection.prepare_cached("SELECT id, rank, streams FROM runs ORDER BY rank DESC")?;
    let run = |row: &rusqlite::Row<'_>| {
        Ok(Run { id: row.get(0)?, rank: row.get(1)?, streams: row.get::<_, i64>(2)?.unsigned_abs(), filter: None })
    };
    statement.query_map([], run)?.collect()
}

/// The runs as the keeper left them, the newest first: shared with those who ask.
pub(super) struct Runs(RwLock<Arc<[Run]>>);

impl Runs {
    pub(super) fn new(runs: Vec<Run>) -> Self {
        Self(RwLock::new(runs.into()))
    }

    /// The runs as they are now.
    pub(super) fn now(&self) -> Arc<[Run]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others in their place.
    pub(super) fn replace(&self, runs: Vec<Run>) {
        let old = std::mem::replace(&mut *self.0.write().unwrap_or_else(PoisonError::into_inner), runs.into());
        // Freed once the lock is given back.
        drop(old);
    }
}

/// Whether one of `runs` may have `stream`.
pub(super) fn may_have(runs: &[Run], stream: &StreamName) -> bool {
    let name = Hashed::of(stream);
    runs.iter().any(|run| run.may_have(name))
}

/// A filter for a run with room for `streams`, which takes the place of those of `runs` that are `replaced`; none if there is no room beside
/// theirs and what is `promised`.
pub(super) fn filter_for(streams: u64, runs: &[Run], replaced: &[i64], promised: u64) -> Option<Filter> {
    let kept = runs.iter().filter(|run| !replaced.contains(&run.id));
    let taken: u64 = kept.filter_map(|run| run.filter.as_ref()).map(|filter| filter.room()).sum();
    (promised + taken + streams <= FILTERED_MAX).then(|| Filter::new(streams))
}

/// Which of `runs`, the newest first, are to be merged next. They are neighbours, so that the one they become is in the order of age too.
pub(super) fn due(runs: &[Run]) -> Option<Range<usize>> {
    let highest = runs.iter().map(Run::level).max()?;
    (0..=highest).find_map(|level| {
        let first = runs.iter().position(|run| run.level() == level)?;
        let smaller = runs.iter().skip(first).take_while(|run| run.level() <= level).count();
        let window = runs.get(first..first + smaller)?;
        let of_level = window.iter().filter(|run| run.level() == level).count();
        // Of many the oldest first.
        let end = first + smaller;
        (of_level >= MERGED_FROM).then_some(first.max(end.saturating_sub(2 * MERGED_FROM))..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of so many notes each, the newest first.
    fn runs(notes: &[u64]) -> Vec<Run> {
        let run = |(id, notes): (i64, &u64)| Run { id, rank: -id, streams: notes * STREAMS_MAX as u64, filter: None };
        (1..).zip(notes).map(run).collect()
    }

    #[test]
    fn eight_of_a_size_are_merged_with_what_lies_between_them() {
        for (notes, expected) in [
            (&[][..], None),
            (&[1; 7][..], None),
            (&[1; 8], Some(0..8)),
            (&[0, 1, 7, 1, 2, 1, 1, 3, 8], Some(0..8)),
            (&[1, 1, 1, 1, 1, 1, 1, 1, 8, 8, 64], Some(0..8)),
            (&[1, 1, 8, 8, 8, 8, 8, 8, 8, 8, 64], Some(2..10)),
            (&[1, 8, 8, 8, 8, 1, 8, 8, 8, 8, 64], Some(1..10)),
            (&[1, 1, 1, 1, 8, 1, 1, 1, 1], None),
            (&[1; 40], Some(24..40)),
        ] {
            assert_eq!(due(&runs(notes)), expected, "{notes:?}");
        }
    }

    #[test]
    fn of_any_number_of_notes_few_runs_are_left_and_each_is_written_few_times() {
        let mut runs: Vec<Run> = Vec::new();
        let mut written = 0;
        for note in 1..=2_000 {
            let streams = STREAMS_MAX as u64;
            runs.insert(0, Run { id: note, rank: note, streams, filter: None });
            written += streams;
            while let Some(window) = due(&runs) {
                let streams = runs[window.clone()].iter().map(|run| run.streams).sum();
                written += streams;
                let newest = runs[window.start].clone();
                runs.splice(window, [Run { streams, ..newest }]);
            }
            assert!(runs.len() <= 28, "{} runs after {note} notes", runs.len());
            assert!(runs.is_sorted_by(|newer, older| newer.rank > older.rank));
        }
        let stored: u64 = runs.iter().map(|run| run.streams).sum();
        assert_eq!(stored, 2_000 * STREAMS_MAX as u64);
        assert!(written <= 5 * stored, "{written} rows were written for {stored}");
    }

    #[test]
    fn a_run_beyond_the_room_has_no_filter_and_may_have_every_name() {
        let full = [Run { id: 1, rank: 1, streams: 1, filter: Some(Arc::new(Filter::new(1))) }];
        assert!(filter_for(FILTERED_MAX, &full, &[], 0).is_none());
        assert!(filter_for(FILTERED_MAX, &full, &[1], 1).is_none());
        assert!(filter_for(FILTERED_MAX, &full, &[1], 0).is_some(), "it takes the other's place");
        let stream = StreamName::new("page", "1");
        assert!(!may_have(&full, &stream) && !may_have(&[], &stream));
        assert!(may_have(&runs(&[1]), &stream));
    }
}
