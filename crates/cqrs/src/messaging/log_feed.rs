//! The feed of a context in this process: read from its log.

use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::outbox::{Covered, Outbox};
use crate::context::Context;
use crate::event::{PartitionId, Position, Recorded};
use crate::event_store::{LogReader, StoreError, Tail};
use crate::messaging::{Cursor, EventId, Feed, FeedError, FeedPage, FeedRequest, Message};
use crate::projection::Unreadable;

/// The most messages of one page.
pub const FEED_ITEMS_MAX: usize = 1_000;

/// The most stored events looked at for one page: a long stretch without a contract event ends in an empty page.
const EVENTS_MAX: usize = 20_000;

/// Events read at once from one partition.
const READ: usize = 1_024;

/// How often the log is looked at by itself: another process may have appended.
const POLL: Duration = Duration::from_millis(250);

/// A context's contract events, read from its log.
#[derive(Clone)]
pub struct LogFeed {
    outbox: Outbox,
    log: Arc<dyn LogReader>,
    tail: Tail,
}

impl LogFeed {
    /// The feed of `context`, whose events stand in `log`; `tail` says when this process has appended to it.
    ///
    /// A context that publishes nothing has an empty feed.
    #[must_use]
    pub fn new(context: &Context, log: Arc<dyn LogReader>, tail: Tail) -> Self {
        let publish = context.publisher().unwrap_or(|_| Ok(None));
        Self { outbox: Outbox { source: context.name().into(), epoch: log.epoch(), publish }, log, tail }
    }

    /// What is asked for and there now, and whether the log was read to its end. What lies before `passed` was read
    /// already and told nothing; the messages cover it all the same, from where they were asked for.
    ///
    /// Also returns an event of which no message can be made: it holds up its partition, and no other.
    async fn page(
        &self,
        request: &FeedRequest,
        passed: Option<Cursor>,
    ) -> Result<(FeedPage, Option<Unreadable>), FeedError> {
        let heads = self.log.heads().await?;
        let asked = self.start(request, &heads.iter().map(|head| head.position).collect::<Vec<_>>())?;
        let mut next = passed.unwrap_or_else(|| asked.clone());
        let mut messages: Vec<Arc<Message>> = Vec::new();
        let (limit, mut looked_at, mut more) = (request.limit.clamp(1, FEED_ITEMS_MAX), 0, false);
        let partitions = (0..).map(PartitionId).zip(&heads);
        let mut behind: Vec<(PartitionId, Position, Position, Covered)> = Vec::new();
        for (partition, head) in partitions.filter(|(p, _)| request.partition.is_none_or(|asked| asked == *p)) {
            // A relay has looked at what was appended lately, before it had to be read back and parsed.
            let at = self.tail.silent_up_to(partition, position(&next, partition)).min(head.position);
            if at > 0 {
                next.require(partition, at);
            }
            if at < head.position {
                let covered = Covered { up_to: position(&asked, partition), last: None };
                behind.push((partition, at, head.position, covered));
            }
        }
        let mut held_up = None;
        // Each gets its share, so that a long backlog of one does not keep the others waiting.
        let share = (limit / behind.len().max(1)).max(1);
        for (partition, mut read, head, mut covered) in behind {
            let (mut taken, mut silent_after) = (0, read);
            'partition: loop {
                let (known, events) = self.read(partition, read).await?;
                if covered.up_to > 0 && covered.last.is_none() {
                    let at_start = if read == covered.up_to {
                        known
                    } else {
                        self.log.read_partition(partition, covered.up_to - 1, 1).await?.pop()
                    };
                    covered.last = at_start.as_ref().map(EventId::of);
                }
                let full = events.len() >= READ - 1;
                for event in &events {
                    // A store may show what is committed before it counts it among the heads; a cursor that ran ahead of
                    // them would look like that of another log.
                    if event.position > head {
                        break 'partition;
                    }
                    if taken >= share || looked_at >= EVENTS_MAX || messages.len() >= limit {
                        more = true;
                        break 'partition;
                    }
                    looked_at += 1;
                    match self.outbox.message(event, &mut covered) {
                        Ok(Some(message)) => {
                            messages.push(message);
                            taken += 1;
                            silent_after = event.position;
                        }
                        Ok(None) => {}
                        Err(unreadable) => {
                            held_up = Some(unreadable);
                            break 'partition;
                        }
                    }
                    read = event.position;
                }
                if !full {
                    break;
                }
            }
            if read > silent_after {
                // For the next reader, and for this one when it asks again: where no relay runs, nobody else would say so.
                self.tail.note_silence(partition, silent_after, read);
            }
            next.require(partition, read);
        }
        Ok((FeedPage { messages, next, more }, held_up))
    }

    /// The page that is answered. Whoever asks for the very partition that is held up learns why; for the others the log tells.
    fn answer(
        &self,
        request: &FeedRequest,
        page: FeedPage,
        held_up: Option<Unreadable>,
    ) -> Result<FeedPage, FeedError> {
        let Some(unreadable) = held_up else { return Ok(page) };
        metrics::counter!("feed_held_up_total", "source" => self.outbox.source.to_string()).increment(1);
        tracing::error!(source = &*self.outbox.source, %unreadable, "the feed of its partition is held up");
        if page.messages.is_empty() && request.partition.is_some() { Err(unreadable.into()) } else { Ok(page) }
    }

    /// The event at `after`, if there is one, and events after it.
    async fn read(
        &self,
        partition: PartitionId,
        after: Position,
    ) -> Result<(Option<Recorded>, Vec<Recorded>), StoreError> {
        let mut events = self.log.read_partition(partition, after.saturating_sub(1), READ).await?;
        if after == 0 || events.is_empty() {
            return Ok((None, events));
        }
        let known = events.remove(0);
        Ok((Some(known), events))
    }

    /// Where the page begins.
    fn start(&self, request: &FeedRequest, heads: &[Position]) -> Result<Cursor, FeedError> {
        let Some(after) = &request.after else { return Ok(Cursor::new(self.outbox.epoch)) };
        let beyond = |(partition, position): &(PartitionId, Position)| {
            heads.get(usize::from(partition.0)).is_none_or(|head| position > head)
        };
        if after.epoch() != self.outbox.epoch || after.positions().iter().any(beyond) {
            return Err(FeedError::ForeignCursor);
        }
        Ok(after.clone())
    }
}

/// How far `cursor` has read `partition`.
pub(super) fn position(cursor: &Cursor, partition: PartitionId) -> Position {
    cursor.positions().iter().find(|(p, _)| *p == partition).map_or(0, |(_, position)| *position)
}

impl From<StoreError> for FeedError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Unavailable(why) => Self::Unavailable(why),
            StoreError::Broken(why) => Self::Broken(why),
        }
    }
}

impl From<Unreadable> for FeedError {
    fn from(unreadable: Unreadable) -> Self {
        Self::Broken(unreadable.to_string())
    }
}

#[async_trait]
impl Feed for LogFeed {
    fn source(&self) -> &str {
        &self.outbox.source
    }

    async fn end(&self) -> Result<Cursor, FeedError> {
        let heads = self.log.heads().await?;
        let mut end = Cursor::new(self.outbox.epoch);
        for (partition, head) in (0..).map(PartitionId).zip(&heads) {
            end.require(partition, head.position);
        }
        Ok(end)
    }

    async fn read(&self, request: &FeedRequest) -> Result<FeedPage, FeedError> {
        let give_up = Instant::now() + request.wait;
        let mut appended = self.tail.appended();
        let mut passed = None;
        loop {
            appended.mark_unchanged();
            let (page, held_up) = self.page(request, passed).await?;
            let left = give_up.saturating_duration_since(Instant::now());
            if !page.messages.is_empty() || left.is_zero() {
                return self.answer(request, page, held_up);
            }
            if !page.more {
                // An error means that nobody here appends any more; another process may.
                let _waited = tokio::time::timeout(left.min(POLL), appended.changed()).await;
            }
            passed = Some(page.next);
        }
    }
}
