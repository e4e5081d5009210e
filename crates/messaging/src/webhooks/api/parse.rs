//! Reads webhooks out of requests, and writes them into answers.

use std::time::Duration;

use axum::http::HeaderValue;
use comanda_contracts as contract;
use comanda_web::{Fields, Problem, etag};
use cqrs::{EventId, Timestamp, Version};
use reqwest::Url;
use uuid::Uuid;

use super::super::domain::breaker::{Breaker, Pauses};
use super::super::domain::endpoint::{DisabledReason, Endpoint, Standing};
use super::super::domain::ids::{SecretId, TargetUrl, WebhookId};
use super::super::guard::Guard;

/// For how long old secrets are used beside a new one, unless the client says otherwise.
const OVERLAP_DEFAULT: Duration = Duration::from_secs(24 * 3_600);

/// The webhook that stood in the path.
pub(super) fn in_path(text: &str) -> Result<WebhookId, Problem> {
    let mut fields = Fields::default();
    let id = fields.take("{webhookId}", WebhookId::parse(text));
    fields.finish(id)
}

/// The address, unless it can be seen already that it may not be called.
pub(super) fn url(fields: &mut Fields, guard: Guard, text: &str) -> Option<TargetUrl> {
    let url = fields.take("/url", TargetUrl::parse(text))?;
    let parsed = fields.take("/url", Url::parse(url.as_str()))?;
    fields.take("/url", guard.check(&parsed)).map(|()| url)
}

/// A fresh id for a secret.
pub(super) fn new_secret_id() -> Result<SecretId, Problem> {
    SecretId::parse(&new_id()).map_err(|why| Problem::internal(&why.to_string()))
}

/// A fresh id, as text.
pub(super) fn new_id() -> String {
    Uuid::now_v7().hyphenated().to_string()
}

pub(super) fn overlap(fields: &mut Fields, seconds: Option<i64>) -> Option<Duration> {
    match seconds {
        None => Some(OVERLAP_DEFAULT),
        Some(seconds) => {
            let overlap = u64::try_from(seconds).map(Duration::from_secs).map_err(|_| "is 0 to 604,800 seconds");
            fields.take("/overlapSeconds", overlap)
        }
    }
}

pub(super) fn event_id(text: &str) -> Result<EventId, Problem> {
    let mut fields = Fields::default();
    let event = fields.take("/eventId", text.parse::<EventId>());
    fields.finish(event)
}

/// The webhook as the contract writes it, at `at`.
pub(super) fn written(id: &str, endpoint: &Endpoint, at: Timestamp, pauses: &Pauses) -> contract::Webhook {
    let secret = |secret: &super::super::domain::endpoint::SecretInUse| contract::WebhookSecretInfo {
        secret_id: secret.id.as_str().to_owned(),
        ends_at: secret.ends_at.map(Timestamp::to_rfc3339),
    };
    contract::Webhook {
        webhook_id: id.to_owned(),
        url: endpoint.url.as_ref().map_or("", TargetUrl::as_str).to_owned(),
        kinds: endpoint.kinds.named().iter().map(|kind| (**kind).to_owned()).collect(),
        enabled: endpoint.standing == Standing::Enabled,
        disabled_reason: match endpoint.standing {
            Standing::Disabled(reason) => Some(disabled(reason)),
            _ => None,
        },
        breaker: match breaker(endpoint, at, pauses) {
            Breaker::Closed => contract::WebhookBreaker::Closed,
            Breaker::Open => contract::WebhookBreaker::Open,
            Breaker::HalfOpen => contract::WebhookBreaker::HalfOpen,
        },
        failures: endpoint.failures,
        failing_since: endpoint.failing_since.map(Timestamp::to_rfc3339),
        next_attempt_at: endpoint.next_at.map(Timestamp::to_rfc3339),
        secrets: endpoint.secrets_at(at).map(secret).collect(),
        secret: None,
    }
}

/// The tag of a webhook at `at`. Time alone opens the breaker by half, and ends secrets: that counts as a suffix.
pub(super) fn tag(version: Version, endpoint: &Endpoint, at: Timestamp, pauses: &Pauses) -> HeaderValue {
    let breaker = match breaker(endpoint, at, pauses) {
        Breaker::Closed => 0,
        Breaker::Open => 10,
        Breaker::HalfOpen => 20,
    };
    etag(version, breaker + endpoint.secrets_at(at).count() as u64)
}

fn breaker(endpoint: &Endpoint, at: Timestamp, pauses: &Pauses) -> Breaker {
    Breaker::of(endpoint.failures, endpoint.next_at, at, pauses)
}

fn disabled(reason: DisabledReason) -> contract::WebhookDisabledReason {
    match reason {
        DisabledReason::Requested => contract::WebhookDisabledReason::Requested,
        DisabledReason::Failing => contract::WebhookDisabledReason::Failing,
        DisabledReason::Gone => contract::WebhookDisabledReason::Gone,
        DisabledReason::LogRestored => contract::WebhookDisabledReason::LogRestored,
    }
}
