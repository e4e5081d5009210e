//! Register a webhook: an address that is told from now on.

use std::sync::Arc;

use cqrs::{Command, Decision, States, Streams};
use serde::{Deserialize, Serialize};

use super::directory::{Directory, DirectoryEvent, WEBHOOKS_MAX};
use super::endpoint::{Endpoint, EndpointEvent, Standing};
use super::ids::{Kinds, SecretId, TargetUrl, WebhookId};

/// Makes a webhook. The same again changes nothing.
#[derive(Clone, Debug)]
pub struct Register {
    /// The webhook.
    pub webhook: WebhookId,
    /// Where events are posted to.
    pub url: TargetUrl,
    /// Which.
    pub kinds: Kinds,
    /// Its first secret.
    pub secret: SecretId,
    /// It is told of what comes after this; of everything if there is none.
    pub cursor: Option<Arc<str>>,
}

/// A webhook as it is registered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Registered {
    /// The webhook as it stands.
    pub endpoint: Endpoint,
    /// Whether nothing had to be changed.
    pub repeated: bool,
}

/// Why a webhook is not registered.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegisterRejection {
    /// Another one has, or had, this id.
    #[error("webhook {webhook} exists with another address or filter, or was deleted: choose another id")]
    Conflict {
        /// The webhook.
        webhook: WebhookId,
    },
    /// There are too many.
    #[error("there are {WEBHOOKS_MAX} webhooks already: delete one that is not used")]
    TooMany,
}

impl Command for Register {
    const NAME: &'static str = "register-webhook";
    type Answer = Registered;
    type Rejection = RegisterRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Endpoint::stream(&self.webhook)).and(&Directory::stream())
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<Registered>, RegisterRejection> {
        let stream = Endpoint::stream(&self.webhook);
        let (found, directory) = (states.of(&stream), states.of(&Directory::stream()));
        if found.standing != Standing::Unknown {
            let same = found.exists() && found.url.as_ref() == Some(&self.url) && found.kinds == self.kinds;
            return if same {
                Ok(Decision::answer(Registered { endpoint: (*found).clone(), repeated: true }))
            } else {
                Err(RegisterRejection::Conflict { webhook: self.webhook.clone() })
            };
        }
        if directory.is_full() {
            return Err(RegisterRejection::TooMany);
        }
        let Self { webhook, url, kinds, secret, cursor } = self.clone();
        let event = EndpointEvent::Registered { url, kinds, secret, cursor };
        let mut endpoint = (*found).clone();
        cqrs::Aggregate::apply(&mut endpoint, &event);
        Ok(Decision::answer(Registered { endpoint, repeated: false })
            .record(&stream, event)
            .record(&Directory::stream(), DirectoryEvent::Added(webhook)))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::fixtures::{id, kinds, registered, secret, url};
    use super::*;

    fn register(webhook: WebhookId) -> Register {
        Register { webhook, url: url(), kinds: Kinds::default(), secret: secret("s"), cursor: Some("c0".into()) }
    }

    #[test]
    fn the_same_again_changes_nothing_and_another_filter_is_a_conflict() {
        let again = Register { secret: secret("t"), ..register(id()) };
        let other = Register { kinds: kinds(&["a"]), ..register(id()) };
        let _ = Given::nothing()
            .when(register(id()))
            .then_events(&Endpoint::stream(&id()), [registered()])
            .then_events(&Directory::stream(), [DirectoryEvent::Added(id())])
            .and_when(again)
            .then_nothing()
            .and_when(other)
            .then_rejected(&RegisterRejection::Conflict { webhook: id() });
    }

    #[test]
    fn a_deleted_ones_id_stays_taken() {
        let _ = Given::nothing()
            .events(&Endpoint::stream(&id()), [registered(), EndpointEvent::Deleted])
            .when(register(id()))
            .then_rejected(&RegisterRejection::Conflict { webhook: id() });
    }

    #[test]
    fn their_number_has_a_bound() {
        let ids = (0..WEBHOOKS_MAX).map(|n| DirectoryEvent::Added(WebhookId::parse(&format!("w{n}")).unwrap()));
        let _ = Given::nothing()
            .events(&Directory::stream(), ids)
            .when(register(id()))
            .then_rejected(&RegisterRejection::TooMany);
    }
}
