//! Where every stream ends: what appends changed lately in memory, all that was before in `streams.db`.
//!
//! An append that also wrote an index would touch a page for every stream it makes, wherever its name happens to fall. So a
//! commit writes events alone. What it did to streams is noted in memory, and a thread of its own stores the notes beside the writer, each
//! as a sorted run. The file says how much of the log it has read: the rest is read at the next
//! start, and if the file is lost, all of it. Filters in memory say of most new names that the file does not have them.

mod block;
mod file;
mod filter;
mod keeper;
mod opening;
mod runs;
mod writer;

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cqrs::{Head, Position, StoreError, StreamName, Version};
use rustc_hash::FxHashMap;

use file::StreamFile;
pub(crate) use keeper::Keeper;
pub(crate) use opening::{Source, open};

/// Every so many events of a stream its place is noted, so that a walk can begin in the middle.
const MILESTONE_EVERY: Version = 256;

/// Streams in a note from which on it is stored.
const STREAMS_MAX: usize = 65_536;
/// Events in a note from which on it is stored: at most four times as many, and a batch, are read at a start after a crash.
const EVENTS_MAX: u64 = 262_144;

/// Streams whose ends in the file are known until the next append: the names of one batch.
const ASKED_MAX: usize = 8_192;

/// The last event of a stream; of none that exists, all zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) version: Version,
    pub(crate) place: i64,
}

/// What one batch did to streams.
pub(crate) struct BatchNote {
    /// Each stream once.
    pub(crate) ends: Vec<(StreamName, End)>,
    pub(crate) milestones: Vec<Milestone>,
    pub(crate) events: u64,
}

/// The place of an event from which a walk along its stream may begin.
pub(crate) struct Milestone {
    stream: StreamName,
    version: Version,
    place: i64,
}

impl Milestone {
    /// The one that version `version` of `stream` is, if it is one.
    pub(crate) fn at(stream: &StreamName, version: Version, place: i64) -> Option<Self> {
        version.is_multiple_of(MILESTONE_EVERY).then(|| Self { stream: stream.clone(), version, place })
    }
}

/// What some part of the log did to streams.
#[derive(Debug, Default)]
struct Note {
    ends: FxHashMap<StreamName, End>,
    milestones: FxHashMap<StreamName, Vec<(Version, i64)>>,
    events: u64,
    /// The last position of each partition that is in it, or was noted before.
    read_up_to: Vec<Position>,
}

impl Note {
    /// A note of what comes after `read_up_to`.
    fn after(read_up_to: Vec<Position>) -> Self {
        Self { read_up_to, ..Self::default() }
    }

    /// Takes in an event at `place`.
    fn event(&mut self, stream: StreamName, version: Version, place: i64) {
        let milestones = Milestone::at(&stream, version, place).into_iter().collect();
        self.add(BatchNote { ends: vec![(stream, End { version, place })], milestones, events: 1 });
    }

    fn add(&mut self, batch: BatchNote) {
        self.events += batch.events;
        self.ends.extend(batch.ends);
        for Milestone { stream, version, place } in batch.milestones {
            self.milestones.entry(stream).or_default().push((version, place));
        }
    }

    fn is_full(&self, times: u64) -> bool {
        self.ends.len() as u64 >= times * STREAMS_MAX as u64 || self.events >= times * EVENTS_MAX
    }

    /// The place of the first milestone at or after `version`.
    fn milestone(&self, stream: &StreamName, version: Version) -> Option<(Version, i64)> {
        self.milestones.get(stream)?.iter().copied().find(|(noted, _)| *noted >= version)
    }
}

/// The index, for one writer and many readers.
pub(crate) struct StreamIndex {
    recent: Mutex<Recent>,
    /// Told whenever `recent` has changed in a way that somebody may wait for.
    changed: Condvar,
    file: StreamFile,
}

/// What is not in the file yet.
#[derive(Default)]
struct Recent {
    /// What appends add to.
    young: Note,
    /// What is being stored.
    old: Option<Arc<Note>>,
    /// What the file was asked for since the last append. An executor asks for the streams it decides about, and the append
    /// asks again where they end.
    asked: FxHashMap<StreamName, End>,
    /// How many batches were taken in.
    batches: u64,
    /// The keeper is to store what there is, and to end; or it has failed.
    ends: bool,
}

impl Recent {
    fn hand_over(&mut self) {
        let mut next = Note::after(self.young.read_up_to.clone());
        if !self.ends {
            // It will be as large, and would be moved again and again while it grows.
            next.ends.reserve(self.young.ends.len());
        }
        self.old = Some(Arc::new(std::mem::replace(&mut self.young, next)));
    }

    /// The notes, the newest first.
    fn notes(&self) -> impl Iterator<Item = &Note> {
        std::iter::once(&self.young).chain(self.old.as_deref())
    }
}

impl StreamIndex {
    fn new(file: StreamFile, young: Note) -> Self {
        Self { recent: Mutex::new(Recent { young, ..Recent::default() }), changed: Condvar::new(), file }
    }

    /// Waits while a note is being stored and the next one is full twice over: memory is bounded, and so is what a start reads.
    pub(crate) fn wait_for_room(&self) {
        let full = |recent: &mut Recent| !recent.ends && recent.old.is_some() && recent.young.is_full(2);
        drop(self.changed.wait_while(self.recent(), full).unwrap_or_else(PoisonError::into_inner));
    }

    /// Takes in what a batch did, which is on the disk by now and ends at `heads`.
    pub(crate) fn add(&self, batch: BatchNote, heads: &[Head]) {
        let mut recent = self.recent();
        recent.batches += 1;
        recent.asked.clear();
        let young = &mut recent.young;
        young.add(batch);
        young.read_up_to.clear();
        young.read_up_to.extend(heads.iter().map(|head| head.position));
        if recent.old.is_none() && recent.young.is_full(1) {
            recent.hand_over();
            self.changed.notify_all();
        }
    }

    /// Where each of `streams` ends.
    pub(crate) fn ends(&self, streams: &[&StreamName]) -> Result<Vec<End>, StoreError> {
        let mut found = vec![End::default(); streams.len()];
        let (missing, batches) = self.look_up(streams, &mut found);
        if missing.is_empty() {
            return Ok(found);
        }
        for (index, end) in self.file.ends(&missing)? {
            if let Some(slot) = found.get_mut(index) {
                *slot = end;
            }
        }
        self.remember(&found, &missing, batches);
        Ok(found)
    }

    /// Finds the ends that are in memory. Returns those for which the file is to be asked, each with its place in `streams`, and
    /// how many batches were taken in by now.
    fn look_up<'s>(&self, streams: &[&'s StreamName], found: &mut [End]) -> (Vec<(usize, &'s StreamName)>, u64) {
        // What is in no note by now was stored before, or is nowhere: a note is dropped only once the file has it.
        let mut missing = Vec::new();
        let recent = self.recent();
        for (index, (stream, end)) in streams.iter().zip(found).enumerate() {
            match recent.notes().find_map(|note| note.ends.get(*stream)).or_else(|| recent.asked.get(*stream)) {
                Some(known) => *end = *known,
                None => missing.push((index, *stream)),
            }
        }
        let batches = recent.batches;
        drop(recent);
        self.file.retain_possible(&mut missing);
        (missing, batches)
    }

    /// Remembers what the file said of `missing` when so many batches were taken in.
    fn remember(&self, found: &[End], missing: &[(usize, &StreamName)], batches: u64) {
        let mut recent = self.recent();
        // What was appended meanwhile may have moved them.
        if recent.batches == batches && recent.asked.len() + missing.len() <= ASKED_MAX {
            let ends = missing.iter().filter_map(|(index, stream)| Some(((*stream).clone(), *found.get(*index)?)));
            recent.asked.extend(ends);
        }
    }

    /// Where `stream` ends.
    pub(crate) fn end(&self, stream: &StreamName) -> Result<End, StoreError> {
        Ok(self.ends(&[stream])?.into_iter().next().unwrap_or_default())
    }

    /// The place of an event of `stream` at or shortly after `version`, if one is noted.
    pub(crate) fn milestone(&self, stream: &StreamName, version: Version) -> Result<Option<i64>, StoreError> {
        let recent = self.recent();
        let noted = recent.notes().filter_map(|note| note.milestone(stream, version)).min();
        drop(recent);
        // Those in the file are older than those in the notes.
        Ok(self.file.milestone(stream, version)?.or(noted.map(|(_, place)| place)))
    }

    /// Whether the keeper may do something else than store: nothing waits to be stored, or it is `owed` first.
    fn has_time(&self, owed: bool) -> bool {
        let recent = self.recent();
        (recent.old.is_none() || owed) && !recent.ends
    }

    /// The note to store next, once there is one; none if there is none left and no more will come.
    fn next_to_store(&self) -> Option<Arc<Note>> {
        let idle = |recent: &mut Recent| !recent.ends && recent.old.is_none();
        let mut recent = self.changed.wait_while(self.recent(), idle).unwrap_or_else(PoisonError::into_inner);
        if recent.old.is_none() && recent.young.events > 0 {
            recent.hand_over();
        }
        recent.old.clone()
    }

    /// The note that was handed over is in the file.
    fn stored(&self) {
        let mut recent = self.recent();
        recent.old = None;
        if recent.young.is_full(1) {
            recent.hand_over();
        }
        self.changed.notify_all();
    }

    /// Waits for `pause`, or for the end of storing; whether that has come.
    fn ends_within(&self, pause: Duration) -> bool {
        let goes_on = |recent: &mut Recent| !recent.ends;
        let waited = self.changed.wait_timeout_while(self.recent(), pause, goes_on);
        waited.unwrap_or_else(PoisonError::into_inner).0.ends
    }

    /// No more is stored than what there is now.
    fn end_storing(&self) {
        self.recent().ends = true;
        self.changed.notify_all();
    }

    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use cqrs::Epoch;
    use uuid::Uuid;

    use super::writer::StreamWriter;
    use super::*;
    use crate::sqlite::connection::{Durability, File};
    use crate::sqlite::schema;

    const FIRST: End = End { version: 1, place: 10 };
    const SECOND: End = End { version: 2, place: 20 };

    fn index(dir: &std::path::Path) -> (StreamIndex, StreamWriter) {
        let path = dir.join("streams.db");
        let file = File { path, schema: schema::STREAMS, durability: Durability::Crash, cache_kib: 1_024 };
        let (read, writer, read_up_to) = file::open(&file, Epoch(Uuid::from_u128(1)), 1, 1).unwrap();
        (StreamIndex::new(read, Note::after(read_up_to)), writer)
    }

    /// A batch after which `stream` ends at `end`.
    fn append(index: &StreamIndex, stream: &StreamName, end: End) {
        index.add(BatchNote { ends: vec![(stream.clone(), end)], milestones: Vec::new(), events: 1 }, &[]);
    }

    /// Stores what there is, as the keeper does.
    fn store(index: &StreamIndex, writer: &mut StreamWriter) {
        index.recent().hand_over();
        writer.store(&index.next_to_store().unwrap()).unwrap();
        index.stored();
    }

    #[test]
    fn what_the_file_was_asked_is_forgotten_with_the_next_append() {
        let dir = tempfile::tempdir().unwrap();
        let (index, mut writer) = index(dir.path());
        let stream = StreamName::new("page", "1");
        append(&index, &stream, FIRST);
        store(&index, &mut writer);
        assert_eq!(index.end(&stream).unwrap(), FIRST, "from the file");
        assert_eq!(index.recent().asked.get(&stream), Some(&FIRST));
        append(&index, &stream, SECOND);
        assert_eq!(index.end(&stream).unwrap(), SECOND, "from the note");
        store(&index, &mut writer);
        assert_eq!(index.end(&stream).unwrap(), SECOND, "from the file");
    }

    #[test]
    fn what_the_file_was_asked_before_an_append_is_not_kept_after_it() {
        let dir = tempfile::tempdir().unwrap();
        let (index, mut writer) = index(dir.path());
        let stream = StreamName::new("page", "1");
        append(&index, &stream, FIRST);
        store(&index, &mut writer);
        let (missing, batches) = index.look_up(&[&stream], &mut [End::default()]);
        let found: Vec<End> = index.file.ends(&missing).unwrap().into_iter().map(|(_, end)| end).collect();
        append(&index, &stream, SECOND);
        index.remember(&found, &missing, batches);
        store(&index, &mut writer);
        assert_eq!(index.end(&stream).unwrap(), SECOND);
    }
}
