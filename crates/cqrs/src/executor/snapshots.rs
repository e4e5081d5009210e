//! Snapshots: made of copies, outside the loop, so that no command waits for one.

use std::sync::Arc;

use tokio::sync::mpsc;

use crate::event::{StreamName, Version};
use crate::event_store::{EventStore, Snapshot, StoreError};
use crate::state::Slot;

/// Snapshots that may wait to be written; more are skipped and taken at a later event.
const QUEUE_MAX: usize = 16;

/// Where the executor hands over the states to be kept.
pub(super) struct Snapshots {
    queue: mpsc::Sender<(StreamName, Slot)>,
    every_events: u64,
}

impl Snapshots {
    pub(super) fn new(every_events: u64, store: Arc<dyn EventStore>) -> (Self, SnapshotLoop) {
        let (queue, states) = mpsc::channel(QUEUE_MAX);
        (Self { queue, every_events: every_events.max(1) }, SnapshotLoop { states, store })
    }

    /// Hands over the state of `stream` if it has grown enough; returns the version of its newest snapshot.
    pub(super) fn offer(&self, stream: &StreamName, slot: &Slot) -> Version {
        // A long stream tends to have a large state: it is written when the stream has grown by a tenth.
        let step = self.every_events.max((slot.version / 10).min(self.every_events * 10));
        let due = slot.version - slot.snapshot >= step;
        // The slot shares its state; the loop's next event copies it first.
        if due && self.queue.try_send((stream.clone(), slot.clone())).is_ok() { slot.version } else { slot.snapshot }
    }
}

/// Writes the snapshots that an executor hands over. Without it running there are none, and restarts fold more.
pub struct SnapshotLoop {
    states: mpsc::Receiver<(StreamName, Slot)>,
    store: Arc<dyn EventStore>,
}

impl SnapshotLoop {
    /// Runs until the executor has stopped. May block in the store: give it a thread of its own.
    pub async fn run(mut self) {
        while let Some((stream, slot)) = self.states.recv().await {
            if let Err(cause) = self.save(&stream, &slot).await {
                tracing::warn!(%stream, %cause, "snapshot not saved");
            }
        }
    }

    async fn save(&self, stream: &StreamName, slot: &Slot) -> Result<(), StoreError> {
        let state = slot.state.to_snapshot().map_err(|cause| StoreError::Broken(cause.to_string()))?;
        let snapshot = Snapshot {
            stream: stream.clone(),
            partition: slot.partition,
            version: slot.version,
            fold_version: slot.kind.fold_version,
            state: state.into(),
        };
        self.store.save_snapshot(snapshot).await
    }
}
