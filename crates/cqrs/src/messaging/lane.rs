//! A lane: one partition of a source as a consumer reads it, and which parked messages of it are to be tried.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::sequencer::Sequencer;
use crate::event::{Metadata, Position};
use crate::event_store::{LogReader, StoreError};
use crate::executor::load_long;
use crate::messaging::{CannotReact, EventId, Inbox, InboxId, Message};

/// Bounds of the pause after a failure that may pass.
pub(super) const BACKOFF_MIN: Duration = Duration::from_millis(50);
pub(super) const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// How often it is looked whether somebody has retried or discarded a dead letter, so that those behind it go on.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// One partition of the source.
pub(super) struct Lane {
    pub(super) inbox: InboxId,
    pub(super) sequencer: Sequencer,
    /// Where the inbox stands once all that is on its way has arrived.
    pub(super) sent: Position,
    /// Raised when the lane starts again: what was sent before it does not count.
    pub(super) generation: u64,
    pub(super) on_their_way: usize,
    /// Set while it rests after a failure; what is offered meanwhile is left to the feed.
    pub(super) rests_until: Option<Instant>,
    /// A message that must be parked instead of tried: its reaction panicked.
    pub(super) park: Option<(Position, CannotReact)>,
    pub(super) waiting: Vec<Waiting>,
    /// When to look at the inbox again: somebody may have seen to what is dead in it.
    pub(super) look_at: Option<Instant>,
}

/// A parked message that is first of its key.
pub(super) struct Waiting {
    pub(super) id: EventId,
    /// What comes along when it is tried.
    pub(super) about: Arc<Metadata>,
    pub(super) attempts: u32,
    pub(super) dead: bool,
    pub(super) next: Instant,
    pub(super) trying: bool,
}

impl Lane {
    /// The lane of `inbox`, before it has begun.
    pub(super) fn new(inbox: InboxId) -> Self {
        Self {
            inbox,
            sequencer: Sequencer::default(),
            sent: 0,
            generation: 0,
            on_their_way: 0,
            rests_until: None,
            park: None,
            waiting: Vec::new(),
            look_at: None,
        }
    }

    /// The parked messages to be tried: the first of each key.
    pub(super) fn take_waiting(&mut self, inbox: &Inbox) {
        let before: HashMap<EventId, (u32, Instant)> =
            self.waiting.iter().map(|waiting| (waiting.id, (waiting.attempts, waiting.next))).collect();
        let firsts = inbox.parked().filter(|parked| {
            inbox.first_of(&parked.message.key).is_some_and(|first| first.message.id == parked.message.id)
        });
        self.waiting = firsts
            .map(|parked| {
                let id = parked.message.id;
                let known = before.get(&id).filter(|(attempts, _)| *attempts == parked.attempts);
                let pause = if parked.attempts == 0 { Duration::ZERO } else { backoff(parked.attempts) };
                let next = known.map_or_else(|| Instant::now() + pause, |(_, next)| *next);
                // One that has just failed in a way that does not count (a busy store) is not tried at once again.
                let next = if known.is_some() { next.max(Instant::now() + BACKOFF_MIN) } else { next };
                let about = about(&parked.message);
                Waiting { id, about, attempts: parked.attempts, dead: parked.dead, next, trying: false }
            })
            .collect();
        self.look_at = self.waiting.iter().any(|waiting| waiting.dead).then(|| Instant::now() + LOOK_EVERY);
    }
}

/// What comes along with a message.
pub(super) fn about(message: &Message) -> Arc<Metadata> {
    let text = |text: &Option<Arc<str>>| text.as_deref().map(ToOwned::to_owned);
    Arc::new(Metadata {
        actor: Some(message.source.to_string()),
        correlation_id: text(&message.correlation_id),
        causation_id: Some(message.id.to_string()),
        traceparent: text(&message.traceparent),
        ..Metadata::default()
    })
}

/// A pause that grows with the number of failures in a row, with full jitter.
pub(super) fn backoff(failures: u32) -> Duration {
    let ceiling = BACKOFF_MIN.saturating_mul(1 << failures.min(12)).min(BACKOFF_MAX);
    let [luck, ..] = Uuid::new_v4().into_bytes();
    BACKOFF_MIN + ceiling.mul_f64(f64::from(luck) / 255.0)
}

pub(super) async fn read_inbox(log: &dyn LogReader, id: &InboxId) -> Result<Arc<Inbox>, StoreError> {
    let wanted = id.stream().wanted();
    let home = wanted.home(log.partitions());
    let (slot, _) = load_long(log, &wanted, home).await?.map_err(StoreError::Broken)?;
    Ok(slot.typed::<Inbox>().unwrap_or_default())
}
