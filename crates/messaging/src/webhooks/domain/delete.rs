//! Delete a webhook: it is told nothing any more, and its id stays taken.

use cqrs::{Command, Decision, States, Streams};

use super::directory::{Directory, DirectoryEvent};
use super::endpoint::{Endpoint, EndpointEvent, Standing};
use super::ids::WebhookId;
use super::update::UnknownWebhook;

/// Deletes a webhook. One that was deleted already stays so.
#[derive(Clone, Debug)]
pub struct Delete {
    /// The webhook.
    pub webhook: WebhookId,
}

impl Command for Delete {
    const NAME: &'static str = "delete-webhook";
    type Answer = ();
    type Rejection = UnknownWebhook;

    fn streams(&self) -> Streams {
        Streams::one(&Endpoint::stream(&self.webhook)).and(&Directory::stream())
    }

    fn decide(&self, states: &States<'_>) -> Result<Decision<()>, UnknownWebhook> {
        let stream = Endpoint::stream(&self.webhook);
        if states.of(&stream).standing == Standing::Deleted {
            return Ok(Decision::answer(()));
        }
        UnknownWebhook::unless_known(states, &self.webhook)?;
        Ok(Decision::answer(())
            .record(&stream, EndpointEvent::Deleted)
            .record(&Directory::stream(), DirectoryEvent::Removed(self.webhook.clone())))
    }
}

#[cfg(test)]
mod tests {
    use cqrs::testkit::Given;

    use super::super::fixtures::{id, registered};
    use super::*;

    #[test]
    fn it_is_gone_once_and_for_all() {
        let delete = Delete { webhook: id() };
        let stream = Endpoint::stream(&id());
        let _ = Given::nothing().when(delete.clone()).then_rejected(&UnknownWebhook { webhook: id() });
        let _ = Given::nothing()
            .events(&stream, [registered()])
            .when(delete.clone())
            .then_events(&stream, [EndpointEvent::Deleted])
            .then_events(&Directory::stream(), [DirectoryEvent::Removed(id())])
            .and_when(delete)
            .then_nothing();
    }
}
