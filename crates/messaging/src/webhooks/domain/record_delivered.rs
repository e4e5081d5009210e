//! Record deliveries that succeeded: the webhook has been told up to a place in the log.

use std::sync::Arc;

use cqrs::{Command, Decision, States, Streams};

use super::endpoint::{Attempt, Endpoint, EndpointEvent, Standing};
use super::ids::WebhookId;

/// The most deliveries that one event records.
pub const ATTEMPTS_MAX: usize = 100;

/// Moves a webhook on.
#[derive(Clone, Debug)]
pub struct RecordDelivered {
    /// The webhook.
    pub webhook: WebhookId,
    /// Where it stood when these deliveries were begun.
    pub from: Option<Arc<str>>,
    /// Where it stands now.
    pub cursor: Arc<str>,
    /// What it was told, at most [`ATTEMPTS_MAX`].
    pub attempts: Vec<Attempt>,
}

/// The webhook is not what it was when the delivery began: look again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the webhook has changed: it stands elsewhere, or is told nothing any more")]
pub struct HasChanged;

impl HasChanged {
    /// The state of `webhook` if it is told and stands at `from`.
    pub(super) fn unless_at(
        states: &States<'_>,
        webhook: &WebhookId,
        from: Option<&Arc<str>>,
    ) -> Result<Arc<Endpoint>, Self> {
        let endpoint = states.of(&Endpoint::stream(webhook));
        let there = endpoint.standing == Standing::Enabled && endpoint.cursor.as_ref() == from;
        if there { Ok(endpoint) } else { Err(Self) }
    }
}

impl Command for RecordDelivered {
    const NAME: &'static str = "record-webhook-delivered";
    type Answer = ();
    type Rejection = HasChanged;

    fn streams(&self) -> Streams {
        Streams::one(&Endpoint::stream(&self.webhook))
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, HasChanged> {
        HasChanged::unless_at(states, &self.webhook, self.from.as_ref())?;
        let (cursor, attempts) = (Arc::clone(&self.cursor), self.attempts.clone());
        Ok(Decision::answer(()).record(&Endpoint::stream(&self.webhook), EndpointEvent::Delivered { cursor, attempts }))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::fixtures::{attempt, id, registered};
    use super::*;

    #[test]
    fn it_moves_on_from_where_it_stood_and_from_nowhere_else() {
        let stream = Endpoint::stream(&id());
        let attempts = vec![attempt(1, None)];
        let record = RecordDelivered { webhook: id(), from: Some("c0".into()), cursor: "c1".into(), attempts };
        let delivered = EndpointEvent::Delivered { cursor: "c1".into(), attempts: record.attempts.clone() };
        let _ = Given::nothing()
            .events(&stream, [registered()])
            .when(record.clone())
            .then_events(&stream, [delivered])
            .and_when(record.clone())
            .then_rejected(&HasChanged);
        let _ = Given::nothing()
            .events(&stream, [registered(), EndpointEvent::Deleted])
            .when(record)
            .then_rejected(&HasChanged);
    }
}
