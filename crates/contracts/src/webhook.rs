//! Webhooks: addresses that are told of contract events, signed as Standard Webhooks says.

use serde::{Deserialize, Serialize};

/// `POST /v1/webhooks`: tells an address of contract events from now on. The same request again gives the same answer,
/// without the secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RegisterWebhook {
    /// Its id; a new one unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "erp", pattern = "^[A-Za-z0-9._:-]{1,128}$"))]
    pub webhook_id: Option<String>,
    /// Where events are posted to: `http` or `https`, at most 2,048 characters, without user and fragment. It must not
    /// lead to a private address.
    #[cfg_attr(feature = "openapi", schema(example = "https://erp.example/hooks/stock"))]
    pub url: String,
    /// The types of events it is told of, at most 50; all of them if there is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub kinds: Vec<String>,
    /// Tell it of all that has happened before as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_start: bool,
}

/// `PATCH /v1/webhooks/{webhookId}`: what is given is changed, the rest stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateWebhook {
    /// Where events are posted to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The types of events it is told of; all of them if the list is empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(max_items = 50))]
    pub kinds: Option<Vec<String>>,
    /// Whether it is told at all. Once enabled again it goes on where it stopped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A webhook as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Its id.
    pub webhook_id: String,
    /// Where events are posted to.
    pub url: String,
    /// The types of events it is told of; all of them if there is none.
    pub kinds: Vec<String>,
    /// Whether it is told at all.
    pub enabled: bool,
    /// Why it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled_reason: Option<WebhookDisabledReason>,
    /// Whether it is called without waiting.
    pub breaker: WebhookBreaker,
    /// Deliveries that have failed since the last that succeeded.
    pub failures: u32,
    /// Since when every delivery has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_since: Option<String>,
    /// When the next delivery is tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<String>,
    /// The secrets that deliveries are signed with, newest first.
    pub secrets: Vec<WebhookSecretInfo>,
    /// The newest secret, told once: when the webhook is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))]
    pub secret: Option<String>,
}

/// Why a webhook is told nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookDisabledReason {
    /// Somebody asked for it.
    Requested,
    /// Every delivery has failed for too long.
    Failing,
    /// It answered 410: it wants no more.
    Gone,
    /// The log was restored: where it stood is not known any more.
    LogRestored,
}

/// Whether a webhook is called without waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WebhookBreaker {
    /// It is.
    Closed,
    /// It has failed too often: nothing is sent until `nextAttemptAt`.
    Open,
    /// One delivery is tried, to see whether it works again.
    HalfOpen,
}

/// A secret that deliveries are signed with, without the secret itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookSecretInfo {
    /// Its id.
    pub secret_id: String,
    /// When it stops being used; absent for the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<String>,
}

/// `POST /v1/webhooks/{webhookId}/rotate-secret`: a new secret; the others are still used for a while.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RotateWebhookSecret {
    /// For how long deliveries are signed with the old secrets as well: 0 to 604,800 seconds; a day unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(minimum = 0, maximum = 604_800))]
    pub overlap_seconds: Option<i64>,
}

/// A new secret, told once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookSecret {
    /// Its id.
    pub secret_id: String,
    /// The secret: `whsec_` and base64.
    #[cfg_attr(feature = "openapi", schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))]
    pub secret: String,
}

/// `POST /v1/webhooks/{webhookId}/redeliver`: sends one event again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RedeliverWebhook {
    /// The `id` of the event.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{32}\\.[0-9]{1,4}\\.[1-9][0-9]{0,17}$"))]
    pub event_id: String,
}

/// One try to tell a webhook of one event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookDelivery {
    /// The `id` of the event.
    pub event_id: String,
    /// Its type.
    pub kind: String,
    /// The how manieth try it was, from 1.
    pub attempt: u32,
    /// Whether somebody asked for it.
    pub redelivery: bool,
    /// When it was made.
    pub at: String,
    /// Whether the answer was a success.
    pub succeeded: bool,
    /// What was answered, if anything was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// How long it took, in milliseconds.
    pub ms: u32,
    /// What went wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}
