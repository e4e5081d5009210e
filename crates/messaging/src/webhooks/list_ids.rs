//! The ids of all webhooks, as the log has them now.

use cqrs::{Query, QueryError, ReadSide};

use super::domain::directory::Directory;
use super::domain::ids::WebhookId;

/// Asks for the ids of all webhooks: there are never more than a hundred.
#[derive(Clone, Copy, Debug)]
pub struct ListWebhookIds;

impl Query for ListWebhookIds {
    const NAME: &'static str = "list-webhook-ids";
    type Answer = Vec<WebhookId>;

    async fn answer(self, read: &ReadSide) -> Result<Vec<WebhookId>, QueryError> {
        let (directory, _) = read.state(&Directory::stream()).await?;
        Ok(directory.ids().cloned().collect())
    }
}
