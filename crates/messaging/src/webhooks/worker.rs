//! The worker of one webhook: reads on from where it stands, tells it event by event, and waits when it is not heard.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs::{
    Ask, Command, CommandError, Cursor, Dispatch, Envelope, EventId, FeedError, FeedPage, FeedRequest, Inquire,
    Message, Timestamp,
};
use rand::RngExt;
use tokio::sync::watch;

use super::by_id::WebhookById;
use super::domain::breaker::Breaker;
use super::domain::disable::Disable;
use super::domain::endpoint::{Attempt, DisabledReason, Endpoint, Standing};
use super::domain::ids::WebhookId;
use super::domain::record_delivered::{ATTEMPTS_MAX, RecordDelivered};
use super::domain::record_failed::RecordFailed;
use super::domain::record_redelivered::RecordRedelivered;
use super::workers::Webhooks;

/// An endpoint that answers this wants no more.
const GONE: u16 = 410;

/// Messages that did not concern the endpoint and were passed, before its new place is recorded for them alone.
const PASSED_MAX: usize = 10_000;

/// What to do next.
enum Next {
    /// Look again at once.
    Look,
    /// Look again after this time, or when something was changed.
    Wait(Duration),
    /// It is told no more.
    End,
}

/// One webhook at work.
pub(super) struct Worker {
    webhooks: Arc<Webhooks>,
    webhook: WebhookId,
    changed: watch::Receiver<()>,
    /// Where the endpoint stood, and how far on it was found that nothing concerns it: not worth an event each time.
    passed: Option<(Option<Arc<str>>, Cursor, usize)>,
}

/// What was delivered of a page and not recorded yet.
struct Progress {
    from: Option<Arc<str>>,
    cursor: Cursor,
    attempts: Vec<Attempt>,
    passed: usize,
    since: Instant,
}

impl Worker {
    pub(super) fn new(webhooks: Arc<Webhooks>, webhook: WebhookId) -> Self {
        let changed = webhooks.changed.subscribe();
        Self { webhooks, webhook, changed, passed: None }
    }

    /// Works until the webhook is told no more.
    pub(super) async fn run(mut self) {
        loop {
            let next = match self.step().await {
                Ok(next) => next,
                Err(why) => {
                    tracing::warn!(webhook = %self.webhook, why, "a webhook waits");
                    Next::Wait(self.webhooks.settings.look_every)
                }
            };
            match next {
                Next::Look => {}
                Next::Wait(time) => {
                    let time = time.min(self.webhooks.settings.look_every);
                    // Either way it looks again; an error cannot come, as the sender lives as long as the webhooks.
                    let _either = tokio::time::timeout(time, self.changed.changed()).await;
                }
                Next::End => return,
            }
        }
    }

    async fn step(&mut self) -> Result<Next, String> {
        let told = self.webhooks.queries.ask(Ask::new(WebhookById { webhook: self.webhook.clone() })).await;
        let Some((endpoint, ..)) = told.map_err(|why| why.to_string())?.answer else { return Ok(Next::End) };
        if endpoint.standing != Standing::Enabled {
            return Ok(Next::End);
        }
        let now = self.webhooks.clock.now();
        let breaker = Breaker::of(endpoint.failures, endpoint.next_at, now, &self.webhooks.settings.pauses);
        // While it is not closed, the event that was not heard is the probe.
        if let Some(event) = endpoint.redeliveries.first().filter(|_| breaker == Breaker::Closed) {
            return self.redeliver(&endpoint, *event).await;
        }
        if let Some(wait) = endpoint.next_at.and_then(|next_at| until(now, next_at)) {
            return Ok(Next::Wait(wait));
        }
        self.deliver(endpoint).await
    }

    /// Reads a page and tells the endpoint what concerns it.
    async fn deliver(&mut self, mut endpoint: Endpoint) -> Result<Next, String> {
        let stands = endpoint.cursor.as_deref().map(str::parse::<Cursor>).transpose().map_err(|why| why.to_string())?;
        let passed = self.passed.take().filter(|(from, ..)| *from == endpoint.cursor);
        let (after, passed) = match passed {
            Some((_, cursor, passed)) => (Some(cursor), passed),
            None => (stands, 0),
        };
        let wait = self.webhooks.settings.look_every;
        let request = FeedRequest { after: after.clone(), partition: None, limit: ATTEMPTS_MAX, wait };
        let read = tokio::select! {
            read = self.webhooks.feed.read(&request) => read,
            _told = self.changed.changed() => return Ok(Next::Look),
        };
        let FeedPage { messages, next, .. } = match read {
            Ok(page) => page,
            Err(FeedError::ForeignCursor) => {
                return self.send(Disable { webhook: self.webhook.clone(), reason: DisabledReason::LogRestored }).await;
            }
            Err(why) => return Err(why.to_string()),
        };
        let start = after.unwrap_or_else(|| Cursor::new(next.epoch()));
        let mut progress = Progress::new(endpoint.cursor.clone(), start, passed);
        for message in &messages {
            if endpoint.kinds.pass(&message.kind) {
                let number = endpoint.failures.saturating_add(1);
                let attempt = self.attempt(&endpoint, message, number).await;
                if !attempt.succeeded() {
                    return self.failed(&endpoint, progress, attempt).await;
                }
                endpoint.failures = 0;
                progress.attempts.push(attempt);
            } else {
                progress.passed += 1;
            }
            progress.cursor.require(message.partition(), message.position());
            let late = progress.since.elapsed() >= self.webhooks.settings.record_every;
            if late && !progress.attempts.is_empty() {
                // It may have been changed meanwhile: the rest of the page is read again.
                return self.record(progress).await;
            }
        }
        progress.cursor.merge(&next);
        if progress.attempts.is_empty() && progress.passed < PASSED_MAX {
            self.passed = Some((progress.from, progress.cursor, progress.passed));
            return Ok(Next::Look);
        }
        self.record(progress).await
    }

    async fn failed(&self, endpoint: &Endpoint, progress: Progress, attempt: Attempt) -> Result<Next, String> {
        let gone = attempt.status == Some(GONE);
        let mut from = progress.from.clone();
        if !progress.attempts.is_empty() {
            from = Some(progress.cursor.to_string().into());
            if matches!(self.record(progress).await?, Next::Wait(_) | Next::End) {
                return Ok(Next::Look);
            }
        }
        let settings = &self.webhooks.settings;
        let longest = settings.pauses.after(endpoint.failures.saturating_add(1));
        let pause = longest.mul_f64(rand::rng().random_range(0.5..=1.0));
        tracing::warn!(webhook = %self.webhook, error = attempt.error.as_deref(), "a webhook was not delivered");
        let (webhook, give_up_after) = (self.webhook.clone(), settings.give_up_after);
        let recorded = self.send(RecordFailed { webhook, from, attempt, pause, give_up_after }).await?;
        if gone {
            return self.send(Disable { webhook: self.webhook.clone(), reason: DisabledReason::Gone }).await;
        }
        Ok(recorded)
    }

    /// Sends one event again. One that is not found in the log is noted as such.
    async fn redeliver(&self, endpoint: &Endpoint, event: EventId) -> Result<Next, String> {
        let found = self.find(endpoint, event).await?;
        let attempt = match found {
            Some(message) => self.attempt(endpoint, &message, 1).await,
            None => Attempt {
                event,
                kind: "".into(),
                number: 1,
                at: self.webhooks.clock.now(),
                status: None,
                ms: 0,
                error: Some("no contract event has this id".into()),
            },
        };
        self.send(RecordRedelivered { webhook: self.webhook.clone(), attempt }).await
    }

    async fn find(&self, endpoint: &Endpoint, event: EventId) -> Result<Option<Arc<Message>>, String> {
        let Some(before) = event.position.checked_sub(1) else { return Ok(None) };
        let stands = endpoint.cursor.as_deref().and_then(|cursor| cursor.parse::<Cursor>().ok());
        let after = stands.map(|cursor| Cursor::new(cursor.epoch()).with(event.partition, before));
        let Some(after) = after else { return Ok(None) };
        let request =
            FeedRequest { after: Some(after), partition: Some(event.partition), limit: 1, wait: Duration::ZERO };
        match self.webhooks.feed.read(&request).await {
            Ok(page) => Ok(page.messages.into_iter().find(|message| message.id == event)),
            // The log has no such place.
            Err(FeedError::ForeignCursor) => Ok(None),
            Err(why) => Err(why.to_string()),
        }
    }

    async fn attempt(&self, endpoint: &Endpoint, message: &Message, number: u32) -> Attempt {
        let attempt = self.webhooks.sender.send(&self.webhook, endpoint, message, number, self.webhooks.clock.now());
        attempt.await
    }

    async fn record(&self, progress: Progress) -> Result<Next, String> {
        let Progress { from, cursor, attempts, .. } = progress;
        let cursor = cursor.to_string().into();
        self.send(RecordDelivered { webhook: self.webhook.clone(), from, cursor, attempts }).await
    }

    /// Sends a command of this worker. What it refuses has been changed meanwhile: then it is time to look again.
    async fn send<C: Command<Answer = ()>>(&self, command: C) -> Result<Next, String> {
        match self.webhooks.commands.dispatch(Envelope::new(command)).await {
            Ok(_) => Ok(Next::Look),
            Err(CommandError::Rejected(_)) => Ok(Next::Wait(Duration::ZERO)),
            Err(why) => Err(why.to_string()),
        }
    }
}

impl Progress {
    fn new(from: Option<Arc<str>>, cursor: Cursor, passed: usize) -> Self {
        Self { from, cursor, attempts: Vec::new(), passed, since: Instant::now() }
    }
}

/// How long it is until `then`, if that is to come.
fn until(now: Timestamp, then: Timestamp) -> Option<Duration> {
    let ms = then.as_millis().saturating_sub(now.as_millis());
    u64::try_from(ms).ok().filter(|ms| *ms > 0).map(Duration::from_millis)
}
