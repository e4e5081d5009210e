//! Update a webhook: where it is, what it is told of, and whether it is told at all.

use std::sync::Arc;

use cqrs::{Aggregate, Command, Decision, States, Streams};

use super::endpoint::{DisabledReason, Endpoint, EndpointEvent, Standing};
use super::ids::{Kinds, TargetUrl, WebhookId};

/// Changes a webhook. What is not given stays.
#[derive(Clone, Debug)]
pub struct Update {
    /// The webhook.
    pub webhook: WebhookId,
    /// Where events are posted to.
    pub url: Option<TargetUrl>,
    /// Which.
    pub kinds: Option<Kinds>,
    /// Whether it is told.
    pub enabled: Option<bool>,
    /// Where it goes on if the place where it stopped is in no log that exists.
    pub now: Arc<str>,
}

/// No webhook has this id, or it was deleted.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("webhook {webhook} does not exist")]
pub struct UnknownWebhook {
    /// The id.
    pub webhook: WebhookId,
}

impl UnknownWebhook {
    /// The state of `webhook` if it exists.
    ///
    /// # Errors
    /// That it does not.
    pub(super) fn unless_known(states: &States<'_>, webhook: &WebhookId) -> Result<Arc<Endpoint>, Self> {
        let found = states.of(&Endpoint::stream(webhook));
        if found.exists() { Ok(found) } else { Err(Self { webhook: webhook.clone() }) }
    }
}

impl Command for Update {
    const NAME: &'static str = "update-webhook";
    type Answer = Endpoint;
    type Rejection = UnknownWebhook;

    fn streams(&self) -> Streams {
        Streams::one(&Endpoint::stream(&self.webhook))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<Endpoint>, UnknownWebhook> {
        let mut endpoint = (*UnknownWebhook::unless_known(states, &self.webhook)?).clone();
        let mut events = Vec::new();
        let kinds = self.kinds.as_ref().unwrap_or(&endpoint.kinds);
        if let Some(url) = self.url.as_ref().or(endpoint.url.as_ref())
            && (Some(url) != endpoint.url.as_ref() || *kinds != endpoint.kinds)
        {
            events.push(EndpointEvent::Updated { url: url.clone(), kinds: kinds.clone() });
        }
        match (self.enabled, endpoint.standing) {
            (Some(true), Standing::Disabled(reason)) => {
                let lost = reason == DisabledReason::LogRestored;
                events.push(EndpointEvent::Enabled { cursor: lost.then(|| Arc::clone(&self.now)) });
            }
            (Some(false), Standing::Enabled) => {
                events.push(EndpointEvent::Disabled { reason: DisabledReason::Requested });
            }
            _ => {}
        }
        for event in &events {
            endpoint.apply(event);
        }
        Ok(Decision::answer(endpoint).record_all(&Endpoint::stream(&self.webhook), events))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::fixtures::{id, kinds, registered, url};
    use super::*;

    fn nothing() -> Update {
        Update { webhook: id(), url: None, kinds: None, enabled: None, now: "now".into() }
    }

    #[test]
    fn what_is_given_is_changed_and_the_rest_stays() {
        let stream = Endpoint::stream(&id());
        let _ = Given::nothing()
            .events(&stream, [registered()])
            .when(Update { kinds: Some(kinds(&["a"])), ..nothing() })
            .then_events(&stream, [EndpointEvent::Updated { url: url(), kinds: kinds(&["a"]) }])
            .and_when(Update { url: Some(url()), kinds: Some(kinds(&["a"])), enabled: Some(true), ..nothing() })
            .then_nothing();
        let _ = Given::nothing().when(nothing()).then_rejected(&UnknownWebhook { webhook: id() });
    }

    #[test]
    fn it_goes_on_where_it_stopped_unless_that_place_is_gone() {
        let stream = Endpoint::stream(&id());
        let disabled = |reason| EndpointEvent::Disabled { reason };
        let enable = Update { enabled: Some(true), ..nothing() };
        let _ = Given::nothing()
            .events(&stream, [registered()])
            .when(Update { enabled: Some(false), ..nothing() })
            .then_events(&stream, [disabled(DisabledReason::Requested)])
            .and_when(enable.clone())
            .then_events(&stream, [EndpointEvent::Enabled { cursor: None }]);
        let _ = Given::nothing()
            .events(&stream, [registered(), disabled(DisabledReason::LogRestored)])
            .when(enable)
            .then_events(&stream, [EndpointEvent::Enabled { cursor: Some("now".into()) }]);
    }
}
