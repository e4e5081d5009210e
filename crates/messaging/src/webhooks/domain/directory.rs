//! The directory: which webhooks there are, so that their number has a bound.

use std::collections::BTreeSet;

use cqrs::{Aggregate, Stream};
use serde::{Deserialize, Serialize};

use super::ids::WebhookId;

/// The most webhooks of one context.
pub const WEBHOOKS_MAX: usize = 100;

/// What happens to the directory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DirectoryEvent {
    /// A webhook was registered.
    Added(WebhookId),
    /// A webhook was deleted.
    Removed(WebhookId),
}

/// Every webhook that is registered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Directory(BTreeSet<WebhookId>);

impl Directory {
    /// The one stream of the directory.
    #[must_use]
    pub fn stream() -> Stream<Self> {
        Stream::new("all")
    }

    /// The webhooks, in order of their ids.
    pub fn ids(&self) -> impl Iterator<Item = &WebhookId> {
        self.0.iter()
    }

    /// Whether no more can be registered.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.len() >= WEBHOOKS_MAX
    }
}

impl Aggregate for Directory {
    const KIND: &'static str = "webhook-directory";
    type Event = DirectoryEvent;

    fn apply(&mut self, event: &DirectoryEvent) {
        match event {
            DirectoryEvent::Added(id) => drop(self.0.insert(id.clone())),
            DirectoryEvent::Removed(id) => drop(self.0.remove(id)),
        }
    }
}
