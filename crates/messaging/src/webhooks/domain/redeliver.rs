//! Redeliver: sends one event to a webhook again, out of order.

use cqrs::{Command, Decision, EventId, States, Streams};

use super::endpoint::{Endpoint, EndpointEvent, REDELIVERIES_MAX, Standing};
use super::ids::WebhookId;

/// Asks for one event to be sent again. One that waits already is not sent twice.
#[derive(Clone, Debug)]
pub struct Redeliver {
    /// The webhook.
    pub webhook: WebhookId,
    /// The event.
    pub event: EventId,
}

/// Why an event is not sent again.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum RedeliverRejection {
    /// No webhook has this id.
    #[error("webhook {webhook} does not exist")]
    Unknown {
        /// The id.
        webhook: WebhookId,
    },
    /// It is told nothing at present.
    #[error("webhook {webhook} is disabled: enable it first")]
    Disabled {
        /// The webhook.
        webhook: WebhookId,
    },
    /// Too many wait.
    #[error("{REDELIVERIES_MAX} redeliveries wait already: ask again when they are through")]
    TooMany,
}

impl Command for Redeliver {
    const NAME: &'static str = "redeliver-to-webhook";
    type Answer = ();
    type Rejection = RedeliverRejection;

    fn streams(&self) -> Streams {
        Streams::one(&Endpoint::stream(&self.webhook))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, RedeliverRejection> {
        let stream = Endpoint::stream(&self.webhook);
        let endpoint = states.of(&stream);
        let webhook = self.webhook.clone();
        match endpoint.standing {
            Standing::Unknown | Standing::Deleted => Err(RedeliverRejection::Unknown { webhook }),
            Standing::Disabled(_) => Err(RedeliverRejection::Disabled { webhook }),
            Standing::Enabled if endpoint.redeliveries.contains(&self.event) => Ok(Decision::answer(())),
            Standing::Enabled if endpoint.redeliveries.len() >= REDELIVERIES_MAX => Err(RedeliverRejection::TooMany),
            Standing::Enabled => {
                Ok(Decision::answer(()).record(&stream, EndpointEvent::RedeliveryRequested { event: self.event }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::endpoint::DisabledReason;
    use super::super::fixtures::{event, id, registered};
    use super::*;

    fn redeliver(event: EventId) -> Redeliver {
        Redeliver { webhook: id(), event }
    }

    #[test]
    fn one_that_waits_is_not_sent_twice() {
        let stream = Endpoint::stream(&id());
        let _ = Given::nothing()
            .events(&stream, [registered()])
            .when(redeliver(event()))
            .then_events(&stream, [EndpointEvent::RedeliveryRequested { event: event() }])
            .and_when(redeliver(event()))
            .then_nothing();
    }

    #[test]
    fn they_are_refused_where_they_would_never_be_sent() {
        let stream = Endpoint::stream(&id());
        let nth = |position| EventId { position, ..event() };
        let waiting = (0..).take(REDELIVERIES_MAX).map(|n| EndpointEvent::RedeliveryRequested { event: nth(n + 10) });
        let _ = Given::nothing().when(redeliver(event())).then_rejected(&RedeliverRejection::Unknown { webhook: id() });
        let _ = Given::nothing()
            .events(&stream, [registered()])
            .events(&stream, waiting)
            .when(redeliver(event()))
            .then_rejected(&RedeliverRejection::TooMany);
        let _ = Given::nothing()
            .events(&stream, [registered(), EndpointEvent::Disabled { reason: DisabledReason::Requested }])
            .when(redeliver(event()))
            .then_rejected(&RedeliverRejection::Disabled { webhook: id() });
    }
}
