//! The relay: follows a log and hands its contract events to a transport. It keeps nothing and writes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::outbox::{Covered, Outbox};
use crate::context::Context;
use crate::event::{PartitionId, Position, Recorded};
use crate::event_store::{LogReader, StoreError, Tail};
use crate::messaging::{Message, Transport};
use crate::projection::Unreadable;

/// Events turned into messages at once.
const BATCH_EVENTS_MAX: usize = 4_096;

/// How often the log is looked at by itself: another process may have appended.
const POLL: Duration = Duration::from_millis(250);

/// How long a log that cannot be read is left alone.
const PAUSE: Duration = Duration::from_millis(500);

/// Publishes a context's contract events as they are appended.
///
/// It begins at the heads it finds: whoever has missed something asks the feed. So it needs no place of its own, may be
/// killed at any moment and may run more than once.
pub struct Relay {
    outbox: Outbox,
    log: Arc<dyn LogReader>,
    tail: Tail,
    transport: Arc<dyn Transport>,
    /// The batch of the tail to look at next.
    tail_next: u64,
    read: Vec<Position>,
    covered: Vec<Covered>,
}

/// Why a part of the log was not published yet.
#[derive(Debug, thiserror::Error)]
enum RelayError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl Relay {
    /// A relay from `context`'s log to `transport`.
    #[must_use]
    pub fn new(context: &Context, log: Arc<dyn LogReader>, tail: Tail, transport: Arc<dyn Transport>) -> Self {
        let publish = context.publisher().unwrap_or(|_| Ok(None));
        let outbox = Outbox { source: context.name().into(), epoch: log.epoch(), publish };
        Self { outbox, log, tail, transport, tail_next: 0, read: Vec::new(), covered: Vec::new() }
    }

    /// Follows the log until `stop` resolves. What cannot be read or carried is told in the log of the process, and tried again.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut appended = self.tail.appended();
        tokio::pin!(stop);
        loop {
            appended.mark_unchanged();
            match self.step().await {
                Ok(0) => tokio::select! {
                    () = &mut stop => return,
                    _ = appended.changed() => {}
                    () = tokio::time::sleep(POLL) => {}
                },
                Ok(_) => {}
                Err(why) => {
                    tracing::warn!(source = &*self.outbox.source, %why, "the relay waits; consumers ask the feed");
                    metrics::counter!("relay_errors_total", "source" => self.outbox.source.to_string()).increment(1);
                    // Not sooner, whatever is appended: it would fail as often.
                    tokio::select! {
                        () = &mut stop => return,
                        () = tokio::time::sleep(PAUSE) => {}
                    }
                }
            }
        }
    }

    /// Publishes a part of what is new; returns how many events it looked at.
    async fn step(&mut self) -> Result<usize, RelayError> {
        if self.read.is_empty() {
            self.begin().await?;
        }
        let (batches, next) = self.tail.since(self.tail_next, BATCH_EVENTS_MAX);
        let events: Vec<&Recorded> = batches.iter().flat_map(|batch| &batch.events).collect();
        if !events.is_empty() && self.follows(&events) {
            let looked_at = events.len();
            // Also if a partition is held up: the others go on, and what was left out is read from the log.
            self.tail_next = next;
            self.publish(&events).await?;
            return Ok(looked_at);
        }
        let read = self.read_log().await?;
        if read.is_empty() {
            self.tail_next = next;
            return Ok(0);
        }
        self.publish(&read.iter().collect::<Vec<_>>()).await?;
        Ok(read.len())
    }

    async fn begin(&mut self) -> Result<(), StoreError> {
        let heads = self.log.heads().await?;
        let mut covered = Vec::with_capacity(heads.len());
        for (partition, head) in (0..).map(PartitionId).zip(&heads) {
            let last = self.log.read_partition(partition, head.position.saturating_sub(1), 1).await?;
            covered.push(last.first().map(Covered::at).unwrap_or_default());
        }
        self.read = covered.iter().map(|covered| covered.up_to).collect();
        self.covered = covered;
        Ok(())
    }

    fn follows(&self, events: &[&Recorded]) -> bool {
        let mut read = self.read.clone();
        events.iter().all(|event| match read.get_mut(usize::from(event.partition.0)) {
            Some(position) if event.position <= *position + 1 => {
                *position = event.position.max(*position);
                true
            }
            _ => false,
        })
    }

    async fn read_log(&self) -> Result<Vec<Recorded>, StoreError> {
        let heads = self.log.heads().await?;
        let mut events = Vec::new();
        for (partition, (read, head)) in (0..).map(PartitionId).zip(self.read.iter().zip(&heads)) {
            if *read < head.position {
                events.extend(
                    self.log.read_partition(partition, *read, BATCH_EVENTS_MAX / heads.len().max(1) + 1).await?,
                );
            }
        }
        Ok(events)
    }

    /// Publishes the messages among `events`. One that cannot be read holds up its partition and no other; it is told once the
    /// others are published.
    async fn publish(&mut self, events: &[&Recorded]) -> Result<(), RelayError> {
        let mut messages: Vec<Arc<Message>> = Vec::new();
        let mut held_up: Vec<(PartitionId, Unreadable)> = Vec::new();
        for event in events {
            let at = usize::from(event.partition.0);
            let (Some(read), Some(covered)) = (self.read.get_mut(at), self.covered.get_mut(at)) else { continue };
            if event.position <= *read || held_up.iter().any(|(partition, _)| *partition == event.partition) {
                continue;
            }
            match self.outbox.message(event, covered) {
                Ok(message) => messages.extend(message),
                Err(unreadable) => {
                    held_up.push((event.partition, unreadable));
                    continue;
                }
            }
            *read = event.position;
        }
        self.tell(&messages).await;
        match held_up.pop() {
            Some((_, unreadable)) => Err(unreadable.into()),
            None => Ok(()),
        }
    }

    async fn tell(&self, messages: &[Arc<Message>]) {
        for (partition, (read, covered)) in (0..).map(PartitionId).zip(self.read.iter().zip(&self.covered)) {
            if *read > covered.up_to {
                self.tail.note_silence(partition, covered.up_to, *read);
            }
        }
        if messages.is_empty() {
            return;
        }
        metrics::counter!("relay_messages_total", "source" => self.outbox.source.to_string())
            .increment(messages.len() as u64);
        if let Err(why) = self.transport.publish(messages).await {
            // Lost for the transport only: the consumers notice the gap and ask the feed.
            tracing::warn!(source = &*self.outbox.source, %why, lost = messages.len(), "the transport lost messages");
            metrics::counter!("relay_lost_total", "source" => self.outbox.source.to_string())
                .increment(messages.len() as u64);
        }
    }
}
