//! An endpoint: an address that is told of contract events, and how far it has been told.

use std::sync::Arc;

use cqrs::{Aggregate, EventId, Stream, Timestamp};
use serde::{Deserialize, Serialize};

use super::ids::{Kinds, SecretId, TargetUrl, WebhookId};

/// The most secrets that deliveries are signed with at once.
pub const SECRETS_MAX: usize = 3;

/// The most redeliveries that wait at once.
pub const REDELIVERIES_MAX: usize = 100;

/// What happens to an endpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum EndpointEvent {
    /// It was registered.
    Registered {
        /// Where events are posted to.
        url: TargetUrl,
        /// Which.
        kinds: Kinds,
        /// Its first secret.
        secret: SecretId,
        /// It is told of what comes after this; of everything if there is none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<Arc<str>>,
    },
    /// Where and which was changed.
    Updated {
        /// Where events are posted to.
        url: TargetUrl,
        /// Which.
        kinds: Kinds,
    },
    /// It is told again.
    Enabled {
        /// From here on, if where it stood is not known any more.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cursor: Option<Arc<str>>,
    },
    /// It is told no more.
    Disabled {
        /// Why.
        reason: DisabledReason,
    },
    /// It has a new secret.
    SecretRotated {
        /// The new one.
        secret: SecretId,
        /// When the others stop being used.
        others_end_at: Timestamp,
    },
    /// It was told, up to a place in the log.
    Delivered {
        /// The place.
        cursor: Arc<str>,
        /// What it was told. What is not in here and before the place did not concern it.
        attempts: Vec<Attempt>,
    },
    /// It could not be told.
    Failed {
        /// How it was tried.
        attempt: Attempt,
        /// When it is tried again.
        next_at: Timestamp,
    },
    /// Somebody asked for an event to be sent again.
    RedeliveryRequested {
        /// The event.
        event: EventId,
    },
    /// That was tried.
    Redelivered {
        /// How.
        attempt: Attempt,
    },
    /// It was deleted. Nothing follows.
    Deleted,
}

/// Why an endpoint is told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DisabledReason {
    /// Somebody asked for it.
    Requested,
    /// Every delivery has failed for too long.
    Failing,
    /// It answered 410.
    Gone,
    /// The log was restored, and its place is in none that exists.
    LogRestored,
}

/// One try to deliver one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attempt {
    /// The event.
    pub event: EventId,
    /// Its type.
    pub kind: Arc<str>,
    /// The how manieth try it was, from 1.
    pub number: u32,
    /// When it was made.
    pub at: Timestamp,
    /// What was answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<u16>,
    /// How long it took, in milliseconds.
    pub ms: u32,
    /// What went wrong; nothing if it succeeded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Arc<str>>,
}

impl Attempt {
    /// Whether the event was delivered.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.error.is_none()
    }
}

/// A secret in use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SecretInUse {
    /// Which.
    pub id: SecretId,
    /// When it stops being used; never, for the newest.
    pub ends_at: Option<Timestamp>,
}

/// Whether an endpoint is there, and told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Standing {
    /// It was never registered.
    #[default]
    Unknown,
    /// It is told.
    Enabled,
    /// It is not.
    Disabled(DisabledReason),
    /// It was, once.
    Deleted,
}

/// One endpoint.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Endpoint {
    /// Whether it is there, and told.
    pub standing: Standing,
    /// Where events are posted to. There is one as long as it exists.
    pub url: Option<TargetUrl>,
    /// Which.
    pub kinds: Kinds,
    /// Its secrets, newest first.
    pub secrets: Vec<SecretInUse>,
    /// How far it has been told.
    pub cursor: Option<Arc<str>>,
    /// Deliveries that have failed since the last that succeeded.
    pub failures: u32,
    /// Since when.
    pub failing_since: Option<Timestamp>,
    /// When the next delivery is tried.
    pub next_at: Option<Timestamp>,
    /// Events to be sent again.
    pub redeliveries: Vec<EventId>,
}

impl Endpoint {
    /// The stream of `webhook`.
    #[must_use]
    pub fn stream(webhook: &WebhookId) -> Stream<Self> {
        Stream::new(webhook.as_str())
    }

    /// Whether it is registered and not deleted.
    #[must_use]
    pub fn exists(&self) -> bool {
        matches!(self.standing, Standing::Enabled | Standing::Disabled(_))
    }

    /// The secrets in use at `at`, newest first.
    pub fn secrets_at(&self, at: Timestamp) -> impl Iterator<Item = &SecretInUse> {
        self.secrets.iter().filter(move |secret| secret.ends_at.is_none_or(|end| at < end))
    }

    fn works(&mut self) {
        (self.failures, self.failing_since, self.next_at) = (0, None, None);
    }

    fn rotate(&mut self, secret: &SecretId, others_end_at: Timestamp) {
        for other in &mut self.secrets {
            other.ends_at = Some(other.ends_at.map_or(others_end_at, |end| end.min(others_end_at)));
        }
        self.secrets.insert(0, SecretInUse { id: secret.clone(), ends_at: None });
        self.secrets.truncate(SECRETS_MAX);
    }
}

impl Aggregate for Endpoint {
    const KIND: &'static str = "webhook";
    type Event = EndpointEvent;

    fn apply(&mut self, event: &EndpointEvent) {
        match event {
            EndpointEvent::Registered { url, kinds, secret, cursor } => {
                self.standing = Standing::Enabled;
                (self.url, self.kinds, self.cursor) = (Some(url.clone()), kinds.clone(), cursor.clone());
                self.secrets = vec![SecretInUse { id: secret.clone(), ends_at: None }];
            }
            EndpointEvent::Updated { url, kinds } => (self.url, self.kinds) = (Some(url.clone()), kinds.clone()),
            EndpointEvent::Enabled { cursor } => {
                self.standing = Standing::Enabled;
                self.works();
                if cursor.is_some() {
                    self.cursor.clone_from(cursor);
                }
            }
            EndpointEvent::Disabled { reason } => self.standing = Standing::Disabled(*reason),
            EndpointEvent::SecretRotated { secret, others_end_at } => self.rotate(secret, *others_end_at),
            EndpointEvent::Delivered { cursor, attempts } => {
                self.cursor = Some(Arc::clone(cursor));
                if !attempts.is_empty() {
                    self.works();
                }
            }
            EndpointEvent::Failed { attempt, next_at } => {
                self.failures = self.failures.saturating_add(1);
                self.failing_since = self.failing_since.or(Some(attempt.at));
                self.next_at = Some(*next_at);
            }
            EndpointEvent::RedeliveryRequested { event } => self.redeliveries.push(*event),
            EndpointEvent::Redelivered { attempt } => {
                self.redeliveries.retain(|event| *event != attempt.event);
                if attempt.succeeded() {
                    self.works();
                }
            }
            EndpointEvent::Deleted => *self = Self { standing: Standing::Deleted, ..Self::default() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::fixtures::{attempt, event, kinds, secret, url};
    use super::*;

    #[test]
    fn its_events_are_stored_like_this() {
        let stored = |event: EndpointEvent| {
            let json = serde_json::to_string(&event).unwrap();
            assert_eq!(serde_json::from_str::<EndpointEvent>(&json).unwrap(), event);
            json
        };
        let registered =
            EndpointEvent::Registered { url: url(), kinds: kinds(&["a"]), secret: secret("s"), cursor: None };
        assert_eq!(stored(registered), r#"{"registered":{"url":"https://erp.example/","kinds":["a"],"secret":"s"}}"#);
        assert_eq!(
            stored(EndpointEvent::Failed { attempt: attempt(1, Some("no")), next_at: Timestamp::from_millis(9) }),
            r#"{"failed":{"attempt":{"event":"00000000000000000000000000000007.1.4","kind":"a","number":1,"at":3,"status":500,"ms":2,"error":"no"},"nextAt":9}}"#
        );
        assert_eq!(
            stored(EndpointEvent::Disabled { reason: DisabledReason::LogRestored }),
            r#"{"disabled":{"reason":"logRestored"}}"#
        );
        assert_eq!(
            stored(EndpointEvent::SecretRotated { secret: secret("t"), others_end_at: Timestamp::from_millis(1) }),
            r#"{"secretRotated":{"secret":"t","othersEndAt":1}}"#
        );
        assert_eq!(
            stored(EndpointEvent::Delivered { cursor: "c".into(), attempts: vec![] }),
            r#"{"delivered":{"cursor":"c","attempts":[]}}"#
        );
        for (event, json) in [
            (EndpointEvent::Enabled { cursor: None }, r#"{"enabled":{}}"#),
            (
                EndpointEvent::RedeliveryRequested { event: event() },
                r#"{"redeliveryRequested":{"event":"00000000000000000000000000000007.1.4"}}"#,
            ),
            (EndpointEvent::Deleted, r#""deleted""#),
        ] {
            assert_eq!(stored(event), json);
        }
    }

    #[test]
    fn secrets_overlap_and_end() {
        let at = Timestamp::from_millis;
        let mut endpoint = Endpoint::default();
        endpoint.rotate(&secret("a"), at(0));
        endpoint.rotate(&secret("b"), at(100));
        let used = |endpoint: &Endpoint, now| -> Vec<String> {
            endpoint.secrets_at(at(now)).map(|secret| secret.id.to_string()).collect()
        };
        assert_eq!(used(&endpoint, 99), ["b", "a"]);
        assert_eq!(used(&endpoint, 100), ["b"]);
        for id in ["c", "d", "e"] {
            endpoint.rotate(&secret(id), at(1_000));
        }
        assert_eq!(used(&endpoint, 0), ["e", "d", "c"], "the oldest goes first when there are too many");
    }
}
