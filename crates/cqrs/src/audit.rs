//! The audit: is the log whole, and is every view exactly what the log says?
//!
//! The log is the only truth, so everything else can be recomputed from it and compared: [`audit_log`] checks places, times,
//! readability and snapshots, and shows each event to you for what only your domain can judge; [`audit_views`] folds every view
//! a second time and compares row by row. Run both on a copy, or while nothing writes.
//!
//! ```
//! use cqrs::memory::{MemoryEventStore, MemoryReadStore};
//! use cqrs::{AuditError, Context, audit_log, audit_views};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), AuditError> {
//! let (context, log, views) = (Context::named("house"), MemoryEventStore::new(4), MemoryReadStore::default());
//! let mut found = Vec::new();
//! let events = audit_log(&context, &log, &mut found, |_| {}).await?;
//! let audited = audit_views(&context, &log, &views, &mut found).await?;
//! assert_eq!((events, audited.rows), (0, 0));
//! assert!(found.is_empty(), "{found:?}");
//! # Ok(())
//! # }
//! ```
//!
//! This is the last chapter. [`time`](crate::time) and [`id`](crate::id) are for looking things up.

use std::collections::BTreeMap;
use std::fmt;

use rustc_hash::FxHashMap;

use crate::context::Context;
use crate::event::{PartitionId, Position, Recorded, StreamName, Version};
use crate::event_store::{LogReader, StoreError};
use crate::projector::{AnyFold, Poison, ROUNDS_MAX};
use crate::read_store::{Model, ParkedStream, Select, StoredRow, ViewReader};
use crate::state::Slot;
use crate::time::Timestamp;

/// Events read per round trip.
const PAGE: usize = 4_096;

/// Something that is not as it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was checked: `log`, `stream`, `snapshot` or a view's name.
    pub subject: String,
    /// Where, what was expected and what is there.
    pub detail: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.subject, self.detail)
    }
}

fn finding(subject: impl Into<String>, detail: String) -> Finding {
    Finding { subject: subject.into(), detail }
}

/// Why an audit could not be made.
#[derive(Debug, thiserror::Error)]
pub enum AuditError {
    /// A store could not be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Reads the whole log once. Positions and versions must be gapless, time must not go back, every event must be
/// readable, every stream must be found by its name, and every snapshot must equal the fold of its stream. `each` sees
/// every event, for what only the domain can judge.
///
/// Returns the number of events read; what is wrong goes to `found`.
///
/// # Errors
/// [`AuditError`]
pub async fn audit_log(
    context: &Context,
    log: &dyn LogReader,
    found: &mut Vec<Finding>,
    mut each: impl FnMut(&Recorded),
) -> Result<u64, AuditError> {
    let mut streams: FxHashMap<StreamName, Slot> = FxHashMap::default();
    let mut versions: FxHashMap<StreamName, Version> = FxHashMap::default();
    let mut events = 0;
    for (partition, head) in (0..).map(PartitionId).zip(log.heads().await?) {
        let (mut read, mut at): (Position, Timestamp) = (0, Timestamp::from_millis(i64::MIN));
        loop {
            let page = log.read_partition(partition, read, PAGE).await?;
            for event in &page {
                events += 1;
                check_place(event, read, at, &mut versions, found);
                (read, at) = (event.position, event.at);
                fold(context, event, &mut streams, found);
                each(event);
            }
            if page.len() < PAGE {
                break;
            }
        }
        if read != head.position {
            found
                .push(finding("log", format!("partition {partition} ends at {read}, its head says {}", head.position)));
        }
    }
    audit_ends(log, versions, found).await?;
    audit_snapshots(log, &streams, found).await?;
    Ok(events)
}

fn check_place(
    event: &Recorded,
    before: Position,
    at: Timestamp,
    versions: &mut FxHashMap<StreamName, Version>,
    found: &mut Vec<Finding>,
) {
    let place = format!("partition {} position {}", event.partition, event.position);
    if event.position != before + 1 {
        found.push(finding("log", format!("{place} comes after position {before}")));
    }
    if event.at < at {
        found.push(finding("log", format!("{place} is of {}, the one before it of {at}", event.at)));
    }
    let version = versions.entry(event.stream.clone()).or_default();
    if event.version != *version + 1 {
        found.push(finding("stream", format!("{}@{} comes after version {version}", event.stream, event.version)));
    }
    *version = event.version;
}

/// A stream that is asked for by its name must end where the log does.
async fn audit_ends(
    log: &dyn LogReader,
    versions: FxHashMap<StreamName, Version>,
    found: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let before_last: Vec<(StreamName, Version)> =
        versions.into_iter().map(|(stream, last)| (stream, last.saturating_sub(1))).collect();
    for asked in before_last.chunks(PAGE) {
        for ((stream, before), events) in asked.iter().zip(log.read_streams(asked, 2).await?) {
            let versions: Vec<Version> = events.iter().map(|event| event.version).collect();
            if versions != [before + 1] {
                let detail =
                    format!("{stream} ends at version {}, asked for by name it has {versions:?} there", before + 1);
                found.push(finding("stream", detail));
            }
        }
    }
    Ok(())
}

fn fold(context: &Context, event: &Recorded, streams: &mut FxHashMap<StreamName, Slot>, found: &mut Vec<Finding>) {
    let Some(kind) = context.kind(event.stream.kind()) else {
        found.push(finding("stream", format!("{}: no aggregate of this kind is known", event.stream)));
        return;
    };
    let slot = streams.entry(event.stream.clone()).or_insert_with(|| Slot::empty(kind, event.partition));
    if slot.partition != event.partition {
        let (there, here) = (slot.partition, event.partition);
        found.push(finding(
            "stream",
            format!("{}@{} is in partition {here}, its beginning in {there}", event.stream, event.version),
        ));
    }
    if let Err(cause) = slot.apply(event.version, &event.payload) {
        found.push(finding("stream", format!("{}@{} cannot be read: {cause}", event.stream, event.version)));
    }
}

/// A snapshot of the current version must equal the fold; an older one is checked by what is folded on top of it.
async fn audit_snapshots(
    log: &dyn LogReader,
    streams: &FxHashMap<StreamName, Slot>,
    found: &mut Vec<Finding>,
) -> Result<(), StoreError> {
    let names: Vec<StreamName> = streams.keys().cloned().collect();
    for names in names.chunks(PAGE) {
        for snapshot in log.snapshots(names).await?.into_iter().flatten() {
            let Some(slot) = streams.get(&snapshot.stream) else { continue };
            if snapshot.partition != slot.partition {
                let (says, is) = (snapshot.partition, slot.partition);
                found.push(finding(
                    "snapshot",
                    format!("of {} says partition {says}, its stream is in {is}", snapshot.stream),
                ));
            }
            if snapshot.fold_version != slot.kind.fold_version {
                continue;
            }
            let state = (slot.kind.restore)(&snapshot.state);
            let Ok(mut restored) = state.map(|state| Slot { version: snapshot.version, state, ..slot.clone() }) else {
                found.push(finding("snapshot", format!("of {} cannot be read", snapshot.stream)));
                continue;
            };
            replay(log, &mut restored, &snapshot.stream).await?;
            if restored.state.to_snapshot().ok() != slot.state.to_snapshot().ok() {
                let at = snapshot.version;
                found.push(finding(
                    "snapshot",
                    format!("of {}@{at} differs from the fold of its stream", snapshot.stream),
                ));
            }
        }
    }
    Ok(())
}

async fn replay(log: &dyn LogReader, slot: &mut Slot, stream: &StreamName) -> Result<(), StoreError> {
    loop {
        let page = log.read_streams(&[(stream.clone(), slot.version)], PAGE).await?;
        let events = page.into_iter().next().unwrap_or_default();
        for event in &events {
            slot.apply(event.version, &event.payload).map_err(|cause| StoreError::Broken(cause.to_string()))?;
        }
        if events.len() < PAGE {
            return Ok(());
        }
    }
}

/// What [`audit_views`] has compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ViewsAudited {
    /// Rows compared.
    pub rows: u64,
    /// Events that the view furthest behind has not read yet of some partition: nothing was compared beyond it.
    pub behind_max: u64,
    /// Streams that wait in a view because one of their events could not be applied: what waits was left out. Each with its
    /// view.
    pub parked: Vec<(&'static str, ParkedStream)>,
}

/// Folds the log anew for every view, up to where that view has read, and compares row by row.
///
/// Nothing may write to the views meanwhile. What is wrong goes to `found`.
///
/// # Errors
/// [`AuditError`]
pub async fn audit_views(
    context: &Context,
    log: &dyn LogReader,
    views: &dyn ViewReader,
    found: &mut Vec<Finding>,
) -> Result<ViewsAudited, AuditError> {
    let mut audited = ViewsAudited::default();
    for projection in context.projections() {
        let model = projection.model();
        let checkpoints: BTreeMap<PartitionId, Position> = views.checkpoints(model).await?.into_iter().collect();
        let mut expected = BTreeMap::new();
        let parked: FxHashMap<StreamName, ParkedStream> =
            views.parked(model).await?.into_iter().map(|parked| (parked.stream.clone(), parked)).collect();
        for (partition, head) in (0..).map(PartitionId).zip(log.heads().await?) {
            let end = checkpoints.get(&partition).copied().unwrap_or(0);
            audited.behind_max = audited.behind_max.max(head.position.saturating_sub(end));
            if end > head.position {
                let detail = format!("has read partition {partition} up to {end}, the log ends at {}", head.position);
                found.push(finding(model.name, detail));
                continue;
            }
            let mut fold = projection.start(true);
            let flows = |event: &Recorded| {
                event.position <= end && parked.get(&event.stream).is_none_or(|waits| event.position < waits.position)
            };
            if let Err(cause) = fold_up_to(log, fold.as_mut(), (partition, end), flows, &mut expected).await? {
                found.push(finding(model.name, cause));
            }
        }
        audited.rows += compare(model, views, expected, found).await?;
        audited.parked.extend(parked.into_values().map(|parked| (model.name, parked)));
    }
    Ok(audited)
}

/// Folds what `flows` of one partition, up to its end, into `rows`. Rows of other partitions are of no concern: a row is written by one only.
async fn fold_up_to(
    log: &dyn LogReader,
    fold: &mut dyn AnyFold,
    (partition, end): (PartitionId, Position),
    flows: impl Fn(&Recorded) -> bool,
    rows: &mut BTreeMap<String, StoredRow>,
) -> Result<Result<(), String>, StoreError> {
    let mut read = 0;
    while read < end {
        let page = log.read_partition(partition, read, PAGE).await?;
        let Some(last) = page.last() else { break };
        read = last.position;
        let events: Vec<&Recorded> = page.iter().filter(|event| flows(event)).collect();
        let mut rounds = 0..ROUNDS_MAX;
        loop {
            let absent = match fold.fold(&events) {
                Ok(absent) if rounds.next().is_some() => absent,
                Ok(_) => return Ok(Err(format!("the fold still asked for new rows after {ROUNDS_MAX} rounds"))),
                Err(Poison { at, cause }) => {
                    let place = events.get(at).map(|event| format!("{}@{}", event.stream, event.version));
                    return Ok(Err(format!("event {} cannot be applied: {cause}", place.unwrap_or_default())));
                }
            };
            if absent.is_empty() {
                break;
            }
            let known = absent.iter().map(|key| rows.get(key).cloned()).collect();
            fold.load(absent, known)?;
        }
        let (upserts, deletes) = fold.changes()?;
        fold.committed(None);
        rows.extend(upserts.into_iter().map(|row| (row.key.clone(), row)));
        for key in deletes {
            rows.remove(&key);
        }
    }
    Ok(Ok(()))
}

/// Compares the stored rows of `model` with the expected ones, page by page.
async fn compare(
    model: Model,
    views: &dyn ViewReader,
    mut expected: BTreeMap<String, StoredRow>,
    found: &mut Vec<Finding>,
) -> Result<u64, StoreError> {
    let mut compared = 0;
    let mut select = Select::first(PAGE);
    loop {
        let page = views.select(model, &select).await?;
        for row in &page {
            compared += 1;
            match expected.remove(&row.key) {
                Some(same) if same == *row => {}
                Some(other) => {
                    let (is, should) = (text(&row.document), text(&other.document));
                    found.push(finding(model.name, format!("row {} is {is}, the log says {should}", row.key)));
                }
                None => found.push(finding(model.name, format!("row {} is there, the log says it is not", row.key))),
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => {
                select.after = Some((crate::read_store::IndexValue::Null, last.key.clone()));
            }
            _ => break,
        }
    }
    for (key, row) in expected {
        found.push(finding(model.name, format!("row {key} is missing, the log says {}", text(&row.document))));
    }
    Ok(compared)
}

fn text(document: &[u8]) -> String {
    String::from_utf8_lossy(document).into_owned()
}
