//! Rotate a webhook's secret: a new one signs from now on, the others for a while beside it.

use std::time::Duration;

use cqrs::{Command, Decision, Invalid, States, Streams};
use serde::{Deserialize, Serialize};

use super::endpoint::{Endpoint, EndpointEvent};
use super::ids::{SecretId, WebhookId};
use super::update::UnknownWebhook;

/// The longest time that old secrets are used beside a new one.
pub const OVERLAP_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Gives a webhook a new secret.
#[derive(Clone, Debug)]
pub struct RotateSecret {
    /// The webhook.
    pub webhook: WebhookId,
    /// The new secret.
    pub secret: SecretId,
    /// For how long the others are still used, at most a week.
    pub overlap: Duration,
}

/// Which secret is the newest now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rotated(pub SecretId);

impl Command for RotateSecret {
    const NAME: &'static str = "rotate-webhook-secret";
    type Answer = Rotated;
    type Rejection = UnknownWebhook;

    fn validate(&self) -> Result<(), Invalid> {
        if self.overlap <= OVERLAP_MAX { Ok(()) } else { Err(Invalid::field("/overlapSeconds", "0 to 604,800")) }
    }

    fn streams(&self) -> Streams {
        Streams::one(&Endpoint::stream(&self.webhook))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<Rotated>, UnknownWebhook> {
        UnknownWebhook::unless_known(states, &self.webhook)?;
        let (secret, others_end_at) = (self.secret.clone(), states.at().saturating_add(self.overlap));
        Ok(Decision::answer(Rotated(secret.clone()))
            .record(&Endpoint::stream(&self.webhook), EndpointEvent::SecretRotated { secret, others_end_at }))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::Timestamp;
    use cqrs::testkit::Given;

    use super::super::fixtures::{id, registered, secret};
    use super::*;

    #[test]
    fn the_others_end_when_the_overlap_is_over() {
        let stream = Endpoint::stream(&id());
        let rotate = RotateSecret { webhook: id(), secret: secret("t"), overlap: Duration::from_secs(1) };
        let others_end_at = Timestamp::from_millis(1_005);
        let _ = Given::nothing()
            .at(Timestamp::from_millis(5))
            .events(&stream, [registered()])
            .when(rotate.clone())
            .then_events(&stream, [EndpointEvent::SecretRotated { secret: secret("t"), others_end_at }])
            .and_when(RotateSecret { overlap: OVERLAP_MAX + Duration::from_secs(1), ..rotate })
            .then_invalid("/overlapSeconds");
    }
}
