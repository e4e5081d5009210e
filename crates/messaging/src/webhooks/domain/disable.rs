//! Disable a webhook that cannot go on: it wants no more, or its place is in no log that exists.

use cqrs::{Command, Decision, States, Streams};

use super::endpoint::{DisabledReason, Endpoint, EndpointEvent, Standing};
use super::ids::WebhookId;
use super::update::UnknownWebhook;

/// Stops a webhook for `reason`. One that is stopped already stays as it is.
#[derive(Clone, Debug)]
pub struct Disable {
    /// The webhook.
    pub webhook: WebhookId,
    /// Why.
    pub reason: DisabledReason,
}

impl Command for Disable {
    const NAME: &'static str = "disable-webhook";
    type Answer = ();
    type Rejection = UnknownWebhook;

    fn streams(&self) -> Streams {
        Streams::one(&Endpoint::stream(&self.webhook))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, UnknownWebhook> {
        let endpoint = UnknownWebhook::unless_known(states, &self.webhook)?;
        let event = (endpoint.standing == Standing::Enabled).then_some(EndpointEvent::Disabled { reason: self.reason });
        Ok(Decision::answer(()).record_all(&Endpoint::stream(&self.webhook), event))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::fixtures::{id, registered};
    use super::*;

    #[test]
    fn the_first_reason_stays() {
        let stream = Endpoint::stream(&id());
        let disable = |reason| Disable { webhook: id(), reason };
        let _ = Given::nothing()
            .events(&stream, [registered()])
            .when(disable(DisabledReason::Gone))
            .then_events(&stream, [EndpointEvent::Disabled { reason: DisabledReason::Gone }])
            .and_when(disable(DisabledReason::LogRestored))
            .then_nothing();
    }
}
