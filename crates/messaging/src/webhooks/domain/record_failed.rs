//! Record a delivery that failed: it is tried again after a pause, and given up when it has failed for too long.

use std::sync::Arc;
use std::time::Duration;

use cqrs::{Command, Decision, States, Streams};

use super::endpoint::{Attempt, DisabledReason, Endpoint, EndpointEvent};
use super::ids::WebhookId;
use super::record_delivered::HasChanged;

/// Notes a failure.
#[derive(Clone, Debug)]
pub struct RecordFailed {
    /// The webhook.
    pub webhook: WebhookId,
    /// Where it stands.
    pub from: Option<Arc<str>>,
    /// How it was tried.
    pub attempt: Attempt,
    /// The pause before the next try.
    pub pause: Duration,
    /// It is disabled once every delivery has failed for so long.
    pub give_up_after: Duration,
}

impl Command for RecordFailed {
    const NAME: &'static str = "record-webhook-failed";
    type Answer = ();
    type Rejection = HasChanged;

    fn streams(&self) -> Streams {
        Streams::one(&Endpoint::stream(&self.webhook))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, HasChanged> {
        let endpoint = HasChanged::unless_at(states, &self.webhook, self.from.as_ref())?;
        let since = endpoint.failing_since.unwrap_or(self.attempt.at);
        let next_at = states.at().saturating_add(self.pause);
        let given_up = since.saturating_add(self.give_up_after) <= states.at();
        let disabled = given_up.then_some(EndpointEvent::Disabled { reason: DisabledReason::Failing });
        let stream = Endpoint::stream(&self.webhook);
        Ok(Decision::answer(())
            .record(&stream, EndpointEvent::Failed { attempt: self.attempt.clone(), next_at })
            .record_all(&stream, disabled))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::Timestamp;
    use cqrs::testkit::Given;

    use super::super::fixtures::{attempt, id, registered};
    use super::*;

    #[test]
    fn what_has_failed_for_too_long_is_given_up() {
        let (stream, at) = (Endpoint::stream(&id()), Timestamp::from_millis);
        let failed = |next| EndpointEvent::Failed { attempt: attempt(1, Some("no")), next_at: at(next) };
        let record = RecordFailed {
            webhook: id(),
            from: Some("c0".into()),
            attempt: attempt(1, Some("no")),
            pause: Duration::from_millis(100),
            give_up_after: Duration::from_millis(1_000),
        };
        // The first one failed at 3 ms.
        let given = |now| Given::nothing().at(at(now)).events(&stream, [registered(), failed(103)]);
        let _ = given(1_002).when(record.clone()).then_events(&stream, [failed(1_102)]);
        let disabled = EndpointEvent::Disabled { reason: DisabledReason::Failing };
        let _ = given(1_003).when(record).then_events(&stream, [failed(1_103), disabled]);
    }
}
