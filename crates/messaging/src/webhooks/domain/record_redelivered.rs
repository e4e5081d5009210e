//! Record a redelivery: it was tried once, whatever came of it.

use cqrs::{Command, Decision, States, Streams};

use super::endpoint::{Attempt, Endpoint, EndpointEvent, Standing};
use super::ids::WebhookId;
use super::record_delivered::HasChanged;

/// Notes that an event was sent again.
#[derive(Clone, Debug)]
pub struct RecordRedelivered {
    /// The webhook.
    pub webhook: WebhookId,
    /// How it was tried.
    pub attempt: Attempt,
}

impl Command for RecordRedelivered {
    const NAME: &'static str = "record-webhook-redelivered";
    type Answer = ();
    type Rejection = HasChanged;

    fn streams(&self) -> Streams {
        Streams::one(&Endpoint::stream(&self.webhook))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, HasChanged> {
        let stream = Endpoint::stream(&self.webhook);
        let endpoint = states.of(&stream);
        if endpoint.standing != Standing::Enabled || !endpoint.redeliveries.contains(&self.attempt.event) {
            return Err(HasChanged);
        }
        Ok(Decision::answer(()).record(&stream, EndpointEvent::Redelivered { attempt: self.attempt.clone() }))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::fixtures::{attempt, event, id, registered};
    use super::*;

    #[test]
    fn it_is_recorded_once() {
        let stream = Endpoint::stream(&id());
        let record = RecordRedelivered { webhook: id(), attempt: attempt(1, Some("no")) };
        let _ = Given::nothing()
            .events(&stream, [registered(), EndpointEvent::RedeliveryRequested { event: event() }])
            .when(record.clone())
            .then_events(&stream, [EndpointEvent::Redelivered { attempt: attempt(1, Some("no")) }])
            .and_when(record)
            .then_rejected(&HasChanged);
    }
}
