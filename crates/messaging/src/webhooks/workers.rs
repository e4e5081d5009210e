//! The workers of a context: one for each webhook that is told, started and ended as webhooks come and go.

use std::collections::HashMap;
use std::sync::Arc;

use cqrs::{Ask, Clock, CommandBus, Feed, Inquire, QueryBus, SystemClock};
use tokio::sync::watch;
use tokio::task::{Id, JoinSet};

use super::domain::ids::WebhookId;
use super::list_ids::ListWebhookIds;
use super::sender::Sender;
use super::settings::WebhookSettings;
use super::signature::SigningKey;
use super::worker::Worker;
use crate::http;

/// The webhooks of one context.
pub struct Webhooks {
    pub(super) commands: CommandBus,
    pub(super) queries: QueryBus,
    pub(super) feed: Arc<dyn Feed>,
    pub(super) key: SigningKey,
    pub(super) settings: WebhookSettings,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) sender: Sender,
    /// Told when a webhook was changed here.
    pub(super) changed: watch::Sender<()>,
}

/// No HTTP client could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("webhooks cannot be delivered: {0}")]
pub struct NoClient(String);

impl Webhooks {
    /// The webhooks of the context that owns `feed` and has them [listed](super::list_in).
    ///
    /// # Errors
    /// [`NoClient`]
    pub fn new(
        commands: CommandBus,
        queries: QueryBus,
        feed: Arc<dyn Feed>,
        key: SigningKey,
        settings: WebhookSettings,
    ) -> Result<Self, NoClient> {
        let sender = Sender::new(settings, key.clone()).map_err(|cause| NoClient(http::told(&cause)))?;
        let (clock, changed) = (Arc::new(SystemClock), watch::Sender::default());
        Ok(Self { commands, queries, feed, key, settings, clock, sender, changed })
    }

    /// The context whose events are told.
    #[must_use]
    pub fn context(&self) -> &str {
        self.feed.source()
    }

    /// Delivers until `stop` completes. What is under way then is delivered again after the next start.
    ///
    /// One process per context should do so: several tell each endpoint several times.
    pub async fn run(self: Arc<Self>, stop: impl Future<Output = ()>) {
        let mut workers = JoinSet::new();
        tokio::select! {
            () = stop => {}
            () = self.look_after(&mut workers) => {}
        }
        // They hold the buses: whoever waits for this may count on it that they have let go.
        workers.shutdown().await;
    }

    /// Keeps one worker for each webhook. A worker ends by itself when its webhook is told no more.
    async fn look_after(self: &Arc<Self>, workers: &mut JoinSet<()>) {
        let mut working: HashMap<Id, WebhookId> = HashMap::new();
        let mut changed = self.changed.subscribe();
        loop {
            match self.queries.ask(Ask::new(ListWebhookIds)).await {
                Ok(told) => {
                    for webhook in told.answer {
                        if !working.values().any(|at_work| *at_work == webhook) {
                            let worker = Worker::new(Arc::clone(self), webhook.clone());
                            working.insert(workers.spawn(worker.run()).id(), webhook);
                        }
                    }
                }
                Err(why) => tracing::warn!(context = self.context(), %why, "webhooks cannot be listed now"),
            }
            let look = tokio::time::sleep(self.settings.look_every);
            tokio::pin!(look);
            loop {
                tokio::select! {
                    () = &mut look => break,
                    // The sender lives as long as `self`.
                    _told = changed.changed() => break,
                    Some(ended) = workers.join_next_with_id() => {
                        let id = match ended {
                            Ok((id, ())) => id,
                            Err(cause) => {
                                tracing::error!(%cause, "a webhook's worker broke: this is a bug");
                                cause.id()
                            }
                        };
                        working.remove(&id);
                    }
                }
            }
        }
    }
}
