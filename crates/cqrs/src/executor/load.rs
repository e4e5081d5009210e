//! Loading: the states of streams, folded from the log.

use crate::command::Wanted;
use crate::event::{PartitionId, Position, Recorded, StreamName, Version};
use crate::event_store::{LogReader, StoreError};
use crate::state::Slot;

/// Events read per stream and round trip while folding one.
const LOAD_PAGE: usize = 512;

/// The state of each of `streams` in a log of `partitions`; the error says which event of it cannot be read.
pub(super) async fn load(
    store: &dyn LogReader,
    partitions: u16,
    streams: &[&Wanted],
) -> Result<Vec<Result<Slot, String>>, StoreError> {
    let asked: Vec<(StreamName, Version)> = streams.iter().map(|wanted| (wanted.name.clone(), 0)).collect();
    let found = store.read_streams(&asked, LOAD_PAGE).await?;
    let mut loaded = Vec::with_capacity(streams.len());
    for (wanted, events) in streams.iter().zip(found) {
        let home = events.first().map_or_else(|| wanted.home(partitions), |first| first.partition);
        let slot = if events.len() < LOAD_PAGE {
            fold(Slot::empty(wanted.kind, home), &events)
        } else {
            load_long(store, wanted, home).await?.map(|(slot, _)| slot)
        };
        loaded.push(slot.map(|slot| Slot { from_log: slot.version > 0, ..slot }));
    }
    Ok(loaded)
}

/// Folds `events` onto `slot`; the error says which event cannot be read.
fn fold(mut slot: Slot, events: &[Recorded]) -> Result<Slot, String> {
    for event in events {
        let unreadable = |cause| format!("{}@{} cannot be read: {cause}", event.stream, event.version);
        slot.apply(event.version, &event.payload).map_err(unreadable)?;
    }
    Ok(slot)
}

/// Folds a long stream, from its newest usable snapshot on. Returns also the position of its last event.
pub(crate) async fn load_long(
    store: &dyn LogReader,
    wanted: &Wanted,
    home: PartitionId,
) -> Result<Result<(Slot, Position), String>, StoreError> {
    let (mut slot, mut position) = match from_snapshot(store, wanted).await? {
        Some(found) => found,
        None => (Slot::empty(wanted.kind, home), 0),
    };
    loop {
        let page = store.read_streams(&[(wanted.name.clone(), slot.version)], LOAD_PAGE).await?;
        let events = page.into_iter().next().unwrap_or_default();
        if let Some(last) = events.last() {
            (slot.partition, position) = (last.partition, last.position);
        }
        slot = match fold(slot, &events) {
            Ok(slot) if events.len() < LOAD_PAGE => return Ok(Ok((slot, position))),
            Ok(slot) => slot,
            Err(cause) => return Ok(Err(cause)),
        };
    }
}

/// The state of the newest snapshot and the position of its last event, if this fold made it and the log has what it
/// folds.
async fn from_snapshot(store: &dyn LogReader, wanted: &Wanted) -> Result<Option<(Slot, Position)>, StoreError> {
    let snapshots = store.snapshots(std::slice::from_ref(&wanted.name)).await?;
    let Some(snapshot) = snapshots.into_iter().next().flatten() else { return Ok(None) };
    if snapshot.fold_version != wanted.kind.fold_version || snapshot.version == 0 {
        return Ok(None);
    }
    let asked = [(wanted.name.clone(), snapshot.version - 1)];
    let newest = store.read_streams(&asked, 1).await?.into_iter().next().and_then(|events| events.into_iter().next());
    let Some(newest) = newest.filter(|newest| newest.version == snapshot.version) else { return Ok(None) };
    let Ok(state) = (wanted.kind.restore)(&snapshot.state) else { return Ok(None) };
    let slot = Slot {
        kind: wanted.kind,
        partition: newest.partition,
        version: snapshot.version,
        from_log: true,
        snapshot: snapshot.version,
        named_by: 0,
        state,
    };
    Ok(Some((slot, newest.position)))
}
