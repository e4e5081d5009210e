//! What writes `streams.db`: each note as a run of its own, and beside that, in portions, fewer and larger runs out of many small ones.

use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::block::Cursor;
use super::filter::{Filter, Hashed};
use super::runs::{self, Run, Runs};
use super::{End, Note, block};
use crate::sqlite::log_file::whole;
use crate::sqlite::wal;

/// Streams of one portion: as many as a note has, so that none takes longer than to store one.
const PORTION: usize = super::STREAMS_MAX;

/// Portions of tidying that are owed for each note that is stored, also if the next one waits: a name is written again fewer times than
/// this, so that the runs stay few.
pub(super) const PORTIONS_PER_NOTE: u32 = 10;

/// Portions after which the write-ahead log is copied and cut off: whoever reads for long is waited for once in so many.
const PORTIONS_UNSETTLED_MAX: u32 = 8;

/// The file, to write.
pub(super) struct StreamWriter {
    connection: Connection,
    runs: Arc<Runs>,
    /// The number of the next run.
    next: i64,
    /// The passes under way, each over newer runs than the one before.
    passes: Vec<Pass>,
    portion: usize,
    /// Portions since the write-ahead log was cut off.
    unsettled: u32,
}

/// A pass over the names of runs that is under way: to fill a filter, or to merge them into a new run. After a failure it goes on where
/// it was; what it wrote before the process ended is dropped at the next start, because no run is of it yet.
struct Pass {
    /// The runs that are read, the newest first.
    of: Vec<Run>,
    /// The run that they become, if they are merged.
    into: Option<i64>,
    filter: Option<Filter>,
    /// The name up to which they are read.
    after: String,
    /// Names read.
    streams: u64,
}

/// What a portion of a pass has read.
struct Portion {
    last: String,
    streams: u64,
    /// Whether nothing is left.
    ended: bool,
}

impl StreamWriter {
    pub(super) fn new(connection: Connection, runs: Arc<Runs>) -> rusqlite::Result<Self> {
        let left_over = unlisted(&connection)?.into_iter();
        let next = left_over.chain(runs.now().iter().map(|run| run.id)).max().unwrap_or(0) + 1;
        Ok(Self { connection, runs, next, passes: Vec::new(), portion: PORTION, unsettled: 0 })
    }

    /// Stores a note, all of it or nothing.
    pub(super) fn store(&mut self, note: &Note) -> rusqlite::Result<()> {
        let now = self.runs.now();
        let (id, streams) = (self.next, note.ends.len() as u64);
        let mut filter = runs::filter_for(streams, &now, &[], self.promised());
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut ends: Vec<(&str, &End)> = note.ends.iter().map(|(stream, end)| (stream.as_str(), end)).collect();
        ends.sort_unstable_by_key(|(name, _)| *name);
        block::create(&transaction, id)?;
        let mut run = block::Writer::new(&transaction, id)?;
        for (name, end) in ends {
            run.push(name, *end)?;
            if let Some(filter) = &mut filter {
                filter.add(Hashed::of_text(name));
            }
        }
        run.flush()?;
        drop(run);
        let run = Run { id, rank: id, streams, filter: filter.map(Arc::new) };
        list(&transaction, &run)?;
        insert_upkeep(&transaction, note)?;
        transaction.commit()?;
        self.next += 1;
        self.runs.replace(std::iter::once(run).chain(now.iter().cloned()).collect());
        wal::truncate(&self.connection)
    }

    /// Does a portion of what can be done beside storing: drops tables, fills filters, merges runs. Returns whether there may be more.
    pub(super) fn tidy(&mut self) -> rusqlite::Result<bool> {
        let more = self.drop_on()? || self.pass_on()?;
        self.unsettled += u32::from(more);
        if self.unsettled > if more { PORTIONS_UNSETTLED_MAX } else { 0 } {
            wal::truncate(&self.connection)?;
            self.unsettled = 0;
        }
        Ok(more)
    }

    /// Does a portion of the newest pass; whether there was one.
    fn pass_on(&mut self) -> rusqlite::Result<bool> {
        let next = self.next_pass();
        self.passes.extend(next);
        let Some(mut pass) = self.passes.pop() else { return Ok(false) };
        let read = self.read_on(&mut pass);
        if !matches!(read, Ok(true)) {
            self.passes.push(pass);
        }
        read.map(|_| true)
    }

    /// The room of filters that are being filled.
    fn promised(&self) -> u64 {
        self.passes.iter().filter_map(|pass| pass.filter.as_ref()).map(Filter::room).sum()
    }

    /// Forgets the passes under way; what they have written is dropped with the next portions.
    pub(super) fn give_up_passes(&mut self) {
        self.passes.clear();
    }

    /// Leaves no write-ahead log behind.
    pub(super) fn end(self) {
        if let Err(error) = wal::truncate(&self.connection) {
            tracing::warn!(%error, "streams.db keeps a write-ahead log");
        }
    }

    /// Does what is owed for a note.
    pub(super) fn tidy_for_a_note(&mut self) -> rusqlite::Result<()> {
        for _ in 0..PORTIONS_PER_NOTE {
            if !self.tidy()? {
                break;
            }
        }
        Ok(())
    }

    /// The pass that is due over runs newer than those of the passes under way: a large merge does not keep small runs from being merged.
    fn next_pass(&mut self) -> Option<Pass> {
        let all = self.runs.now();
        let under_way = self.passes.last().and_then(|pass| pass.of.first());
        let newer = under_way.map_or(Some(all.len()), |newest| all.iter().position(|run| run.id == newest.id))?;
        let now = all.get(..newer)?;
        let pass = |of: Vec<Run>, into, filter| Pass { of, into, filter, after: String::new(), streams: 0 };
        for run in now.iter().filter(|run| run.filter.is_none()) {
            if let Some(filter) = runs::filter_for(run.streams, &all, &[], self.promised()) {
                return Some(pass(vec![run.clone()], None, Some(filter)));
            }
        }
        let of = now.get(runs::due(now)?)?.to_vec();
        let merged: Vec<i64> = of.iter().map(|run| run.id).collect();
        let filter = runs::filter_for(of.iter().map(|run| run.streams).sum(), &all, &merged, self.promised());
        self.next += 1;
        Some(pass(of, Some(self.next - 1), filter))
    }

    /// Reads the next portion of a pass; whether that was the last.
    fn read_on(&mut self, pass: &mut Pass) -> rusqlite::Result<bool> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        if let (Some(id), true) = (pass.into, pass.after.is_empty()) {
            block::create(&transaction, id)?;
        }
        let Portion { last, streams, ended } = copy(&transaction, pass, self.portion)?;
        let merged = match (pass.into, pass.of.first()) {
            (Some(id), Some(newest)) if ended => {
                let run = Run { id, rank: newest.rank, streams: pass.streams + streams, filter: None };
                for run in &pass.of {
                    transaction.prepare_cached("DELETE FROM runs WHERE id = ?1")?.execute([run.id])?;
                }
                list(&transaction, &run)?;
                Some(run)
            }
            _ => None,
        };
        transaction.commit()?;
        pass.streams += streams;
        pass.after = last;
        if ended {
            self.put_in_place(pass, merged);
        }
        Ok(ended)
    }

    /// Shows to those who ask what a pass has made.
    fn put_in_place(&self, pass: &mut Pass, mut merged: Option<Run>) {
        let filter = pass.filter.take().map(Arc::new);
        let mut now = Vec::new();
        for run in self.runs.now().iter() {
            if !pass.of.iter().any(|read| read.id == run.id) {
                now.push(run.clone());
                continue;
            }
            // What they were merged into takes the place of the newest of them.
            let made = if pass.into.is_some() { merged.take() } else { Some(run.clone()) };
            now.extend(made.map(|made| Run { filter: filter.clone(), ..made }));
        }
        self.runs.replace(now);
    }

    /// Drops a portion of a table that is no run's any more, or was to become one; whether there was any. It comes before what is written, so that
    /// its pages are used again.
    fn drop_on(&mut self) -> rusqlite::Result<bool> {
        let written = |id: &i64| self.passes.iter().any(|pass| pass.into == Some(*id));
        let Some(id) = unlisted(&self.connection)?.into_iter().find(|id| !written(id)) else { return Ok(false) };
        block::drop_some(&self.connection, id, self.portion)?;
        Ok(true)
    }
}

/// Reads a portion of a pass, and copies it if the pass has a run to write.
fn copy(transaction: &Transaction<'_>, pass: &mut Pass, streams_max: usize) -> rusqlite::Result<Portion> {
    let cursors = pass.of.iter().map(|run| Cursor::open(transaction, run.id, &pass.after));
    let mut cursors = cursors.collect::<rusqlite::Result<Vec<_>>>()?;
    let mut write = pass.into.map(|id| block::Writer::new(transaction, id)).transpose()?;
    let (mut last, mut streams, mut ended) = (String::new(), 0, false);
    for _ in 0..streams_max {
        let Some(smallest) = cursors.iter().filter_map(Cursor::name).min() else {
            ended = true;
            break;
        };
        smallest.clone_into(&mut last);
        let mut newest = None;
        // The newest run comes first: what the others say of this stream was true before.
        for cursor in &mut cursors {
            newest = newest.or(cursor.take(&last)?);
        }
        if let Some(filter) = &mut pass.filter {
            filter.add(Hashed::of_text(&last));
        }
        if let (Some(write), Some(end)) = (&mut write, newest) {
            write.push(&last, end)?;
        }
        streams += 1;
    }
    if let Some(write) = &mut write {
        write.flush()?;
    }
    Ok(Portion { last, streams, ended })
}

/// The numbers of tables that no run is of.
fn unlisted(connection: &Connection) -> rusqlite::Result<Vec<i64>> {
    let sql = "SELECT CAST(substr(name, 5) AS INTEGER) AS number FROM sqlite_schema \
               WHERE type = 'table' AND name GLOB 'run_[0-9]*' AND number NOT IN (SELECT id FROM runs)";
    let mut statement = connection.prepare_cached(sql)?;
    statement.query_map([], |row| row.get(0))?.collect()
}

fn list(transaction: &Transaction<'_>, run: &Run) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached("INSERT INTO runs VALUES (?1, ?2, ?3)")?;
    statement.execute((run.id, run.rank, whole(run.streams))).map(|_| ())
}

/// Stores of a note what is no end of a stream.
fn insert_upkeep(transaction: &Transaction<'_>, note: &Note) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO milestones VALUES (?1, ?2, ?3)")?;
    for (stream, milestones) in &note.milestones {
        for (version, place) in milestones {
            statement.execute((stream.as_str(), whole(*version), place))?;
        }
    }
    let mut statement = transaction.prepare_cached("INSERT OR REPLACE INTO read_up_to VALUES (?1, ?2)")?;
    for (partition, position) in (0_u16..).zip(&note.read_up_to) {
        statement.execute((partition, whole(*position)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use cqrs::{Epoch, StreamName};

    use super::super::file::{self, StreamFile};
    use super::*;
    use crate::sqlite::connection::{Durability, File};
    use crate::sqlite::schema;

    fn open(dir: &std::path::Path) -> (StreamFile, StreamWriter) {
        let path = dir.join("streams.db");
        let file = File { path, schema: schema::STREAMS, durability: Durability::Crash, cache_kib: 1_024 };
        let (read, writer, _) = file::open(&file, Epoch(uuid::Uuid::from_u128(1)), 1, 1).unwrap();
        (read, StreamWriter { portion: 10, ..writer })
    }

    fn name(number: i64) -> StreamName {
        StreamName::new("page", &number.to_string())
    }

    /// A note of the streams of `numbers`, each with `version` events.
    fn note(numbers: impl Iterator<Item = i64>, version: u64) -> Note {
        let mut note = Note::after(vec![version]);
        note.ends = numbers.map(|number| (name(number), End { version, place: number })).collect();
        note
    }

    fn version(file: &StreamFile, number: i64) -> Option<u64> {
        file.ends(&[(0, &name(number))]).unwrap().first().map(|(_, end)| end.version)
    }

    fn possible(file: &StreamFile, number: i64) -> bool {
        let name = name(number);
        let mut asked = vec![(0, &name)];
        file.retain_possible(&mut asked);
        !asked.is_empty()
    }

    fn tables(writer: &StreamWriter) -> i64 {
        let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name GLOB 'run_*'";
        writer.connection.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    /// Notes `1..=8`, each of 25 streams, 5 of which are in the next note too.
    fn store_eight(writer: &mut StreamWriter) {
        for at in 1..=8 {
            writer.store(&note(20 * at..20 * at + 25, at.unsigned_abs())).unwrap();
        }
    }

    #[track_caller]
    fn has_eight(file: &StreamFile) {
        for number in 20..185_i64 {
            let newest = (number / 20).min(8).unsigned_abs();
            assert_eq!(version(file, number), Some(newest), "{number}");
            assert!(possible(file, number), "{number}");
        }
        assert_eq!((version(file, 19), version(file, 185)), (None, None));
    }

    #[test]
    fn runs_are_merged_in_portions_and_every_stream_is_found_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        let (read, mut writer) = open(dir.path());
        store_eight(&mut writer);
        assert_eq!(tables(&writer), 8);
        let mut portions = 0;
        loop {
            has_eight(&read);
            assert!(!possible(&read, 185));
            if !writer.tidy().unwrap() {
                break;
            }
            portions += 1;
        }
        assert_eq!(portions, 17 + 8, "of at most ten streams, and eight tables");
        let runs = read.runs().to_vec();
        assert_eq!((runs.len(), runs[0].streams, runs[0].rank, tables(&writer)), (1, 165, 8, 1));
        writer.store(&note(20..22, 9)).unwrap();
        assert_eq!((version(&read, 20), version(&read, 22)), (Some(9), Some(1)), "a newer run is asked first");
    }

    #[test]
    fn who_asks_with_the_runs_of_before_a_merge_finds_every_stream() {
        let dir = tempfile::tempdir().unwrap();
        let (read, mut writer) = open(dir.path());
        store_eight(&mut writer);
        let before = read.runs().to_vec();
        while writer.tidy().unwrap() {}
        writer.runs.replace(before);
        has_eight(&read);
    }

    #[test]
    fn streams_are_found_by_others_while_runs_are_merged_and_dropped() {
        let dir = tempfile::tempdir().unwrap();
        let (read, mut writer) = open(dir.path());
        store_eight(&mut writer);
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    while !ended.load(Ordering::Relaxed) {
                        has_eight(&read);
                    }
                });
            }
            for round in 1..=60 {
                writer.store(&note(1_000 * round..1_000 * round + 30, 1)).unwrap();
                while writer.tidy().unwrap() {}
            }
            ended.store(true, Ordering::Relaxed);
        });
        assert!(read.runs().len() < 8 && tables(&writer) < 8);
    }

    #[test]
    fn small_runs_are_merged_while_a_larger_merge_is_under_way() {
        let mut ended = false;
        for cut_off_after in 0.. {
            if ended {
                assert!(cut_off_after > 25, "it was cut off {cut_off_after} times");
                break;
            }
            let dir = tempfile::tempdir().unwrap();
            let runs = {
                let (read, mut writer) = open(dir.path());
                store_eight(&mut writer);
                assert!(writer.tidy().unwrap() && writer.tidy().unwrap());
                // Eight more, over the streams of the first.
                for at in 1..=8 {
                    writer.store(&note(20 * at..20 * at + 1, 9)).unwrap();
                }
                assert!(writer.tidy().unwrap());
                assert_eq!(
                    (writer.passes.len(), read.runs().len()),
                    (1, 9),
                    "the newer eight are one before the older are"
                );
                ended = !(0..cut_off_after).all(|_| {
                    nine_over_eight(&read);
                    writer.tidy().unwrap()
                });
                read.runs().len()
            };
            assert!((1..=16).contains(&runs));
            let (read, mut writer) = open(dir.path());
            nine_over_eight(&read);
            while writer.tidy().unwrap() {}
            nine_over_eight(&read);
        }
    }

    /// As [`has_eight`], but the first stream of each note is of version 9.
    #[track_caller]
    fn nine_over_eight(file: &StreamFile) {
        for number in (20..185_i64).step_by(4) {
            let newest = if number % 20 == 0 && number <= 160 { 9 } else { (number / 20).min(8).unsigned_abs() };
            assert_eq!(version(file, number), Some(newest), "{number}");
        }
    }

    #[test]
    fn a_merge_that_was_cut_off_anywhere_begins_again() {
        let mut ended = false;
        for portions in 0.. {
            if ended {
                assert!(portions > 25, "it was cut off {portions} times");
                break;
            }
            let dir = tempfile::tempdir().unwrap();
            {
                let (_, mut writer) = open(dir.path());
                store_eight(&mut writer);
                ended = !(0..portions).all(|_| writer.tidy().unwrap());
            }
            let (read, mut writer) = open(dir.path());
            has_eight(&read);
            while writer.tidy().unwrap() {}
            has_eight(&read);
            assert_eq!((read.runs().len(), tables(&writer)), (1, 1), "nothing is left of what was cut off");
        }
    }

    #[test]
    fn a_portion_that_fails_is_done_again() {
        let dir = tempfile::tempdir().unwrap();
        let (read, mut writer) = open(dir.path());
        store_eight(&mut writer);
        for _ in 0..3 {
            assert!(writer.tidy().unwrap());
        }
        // In the middle of a portion, and where it begins to read.
        for (breaks, mends) in [
            ("CREATE TRIGGER breaks AFTER INSERT ON run_9 BEGIN SELECT RAISE(ABORT, 'no'); END", "DROP TRIGGER breaks"),
            ("ALTER TABLE run_2 RENAME TO elsewhere", "ALTER TABLE elsewhere RENAME TO run_2"),
        ] {
            writer.connection.execute_batch(breaks).unwrap();
            writer.tidy().unwrap_err();
            writer.connection.execute_batch(mends).unwrap();
            assert!(writer.tidy().unwrap());
        }
        while writer.tidy().unwrap() {}
        has_eight(&read);
        assert_eq!(read.runs()[0].streams, 165);
    }

    #[test]
    fn filters_are_filled_at_a_start_from_where_a_failed_read_left_them() {
        let dir = tempfile::tempdir().unwrap();
        {
            let (_, mut writer) = open(dir.path());
            writer.store(&note(0..25, 1)).unwrap();
        }
        let (read, mut writer) = open(dir.path());
        assert!(writer.tidy().unwrap());
        writer.connection.execute_batch("ALTER TABLE run_1 RENAME TO elsewhere").unwrap();
        writer.tidy().unwrap_err();
        writer.connection.execute_batch("ALTER TABLE elsewhere RENAME TO run_1").unwrap();
        assert!(possible(&read, 25), "not every name is known");
        while writer.tidy().unwrap() {}
        assert!(!possible(&read, 25), "all are");
        assert!((0..25).all(|number| possible(&read, number)));
    }
}
