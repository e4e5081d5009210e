//! The problems of webhooks: what each rejection becomes over HTTP.

use comanda_web::{Problem, kinds};

use super::domain::ids::WebhookId;
use super::domain::redeliver::RedeliverRejection;
use super::domain::register::RegisterRejection;
use super::domain::update::UnknownWebhook;

kinds! {
    UNKNOWN_WEBHOOK = 404, "unknown-webhook", "The webhook is not known",
        "No webhook has this id, or it was deleted.";
    WEBHOOK_CONFLICT = 409, "webhook-conflict", "The webhook's id is taken",
        "Another webhook has, or had, this id. Repeat the first request unchanged, or take a new id.";
    TOO_MANY_WEBHOOKS = 409, "too-many-webhooks", "There are too many webhooks",
        "A context tells at most 100 addresses. Delete a webhook that is not used.";
    WEBHOOK_DISABLED = 409, "webhook-disabled", "The webhook is disabled",
        "It is told nothing at present. Enable it first.";
    TOO_MANY_REDELIVERIES = 409, "too-many-redeliveries", "Too many redeliveries wait",
        "A webhook has at most 100 redeliveries waiting. Ask again when they are through.";
}

/// The problem of a webhook that is not there.
pub(super) fn unknown(webhook: &WebhookId) -> Problem {
    Problem::new(UNKNOWN_WEBHOOK, format!("Webhook {webhook} does not exist."))
}

impl From<UnknownWebhook> for Problem {
    fn from(rejection: UnknownWebhook) -> Self {
        unknown(&rejection.webhook)
    }
}

impl From<RegisterRejection> for Problem {
    fn from(rejection: RegisterRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            RegisterRejection::Conflict { webhook } => Self::new(WEBHOOK_CONFLICT, detail)
                .with(|problem| problem.instance = Some(format!("/v1/webhooks/{webhook}"))),
            RegisterRejection::TooMany => Self::new(TOO_MANY_WEBHOOKS, detail),
        }
    }
}

impl From<RedeliverRejection> for Problem {
    fn from(rejection: RedeliverRejection) -> Self {
        let detail = rejection.to_string();
        match rejection {
            RedeliverRejection::Unknown { webhook } => unknown(&webhook),
            RedeliverRejection::Disabled { .. } => Self::new(WEBHOOK_DISABLED, detail),
            RedeliverRejection::TooMany => Self::new(TOO_MANY_REDELIVERIES, detail),
        }
    }
}
