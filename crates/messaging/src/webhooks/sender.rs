//! Sends one event to one endpoint, once: guarded, signed, bounded.

use std::time::Instant;

use cqrs::{Message, Timestamp};
use reqwest::header::{CONTENT_TYPE, USER_AGENT};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode, Url};

use super::domain::endpoint::{Attempt, Endpoint};
use super::domain::ids::{TargetUrl, WebhookId};
use super::settings::WebhookSettings;
use super::signature::{SigningKey, delivery_id, seconds};
use crate::http;

/// The bytes of an answer that are taken; what it says is not read.
const ANSWER_BYTES_MAX: usize = 64 * 1024;

/// The characters of an error that are kept.
const ERROR_CHARS_MAX: usize = 300;

/// Posts events.
#[derive(Clone, Debug)]
pub(super) struct Sender {
    client: Client,
    settings: WebhookSettings,
    key: SigningKey,
}

impl Sender {
    pub(super) fn new(settings: WebhookSettings, key: SigningKey) -> Result<Self, reqwest::Error> {
        let client = Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(std::sync::Arc::new(settings.guard))
            .connect_timeout(settings.connect_wait)
            .timeout(settings.answer_wait)
            .build()?;
        Ok(Self { client, settings, key })
    }

    /// Tells `endpoint` of `message`, as try `number`, at `at`.
    pub(super) async fn send(
        &self,
        webhook: &WebhookId,
        endpoint: &Endpoint,
        message: &Message,
        number: u32,
        at: Timestamp,
    ) -> Attempt {
        let started = Instant::now();
        let (status, error) = match self.post(webhook, endpoint, message, at).await {
            Ok(status) if status.is_success() => (Some(status.as_u16()), None),
            Ok(status) if status.is_redirection() => (Some(status.as_u16()), Some("a redirect is not followed".into())),
            Ok(status) => (Some(status.as_u16()), Some(format!("it answered {status}"))),
            Err(why) => (None, Some(why)),
        };
        let error = error.map(|why| why.chars().take(ERROR_CHARS_MAX).collect::<String>().into());
        let ms = u32::try_from(started.elapsed().as_millis()).unwrap_or(u32::MAX);
        Attempt { event: message.id, kind: std::sync::Arc::clone(&message.kind), number, at, status, ms, error }
    }

    async fn post(
        &self,
        webhook: &WebhookId,
        endpoint: &Endpoint,
        message: &Message,
        at: Timestamp,
    ) -> Result<StatusCode, String> {
        let url = endpoint.url.as_ref().map_or("", TargetUrl::as_str);
        let url = Url::parse(url).map_err(|cause| cause.to_string())?;
        self.settings.guard.check(&url).map_err(|why| why.to_string())?;
        let body = serde_json::to_vec(message).map_err(|cause| cause.to_string())?;
        let (id, seconds) = (delivery_id(&message.id), seconds(at));
        let sign = |secret| self.key.secret(webhook, secret).sign(&id, seconds, &body);
        let signatures: Vec<String> = endpoint.secrets_at(at).map(|secret| sign(&secret.id)).collect();
        let request = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/cloudevents+json")
            .header(USER_AGENT, concat!("comanda/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", &id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", signatures.join(" "))
            .body(body);
        let response = request.send().await.map_err(|cause| http::told(&cause))?;
        let status = response.status();
        // Taken only so that the connection can be used again; whatever is wrong with it, the status has been said.
        drop(http::body(response, ANSWER_BYTES_MAX).await);
        Ok(status)
    }
}
