//! One webhook, as the log has it now.

use cqrs::{Query, QueryError, ReadSide, Timestamp, Version};

use super::domain::endpoint::Endpoint;
use super::domain::ids::WebhookId;

/// Asks for one webhook.
#[derive(Clone, Debug)]
pub struct WebhookById {
    /// The webhook.
    pub webhook: WebhookId,
}

impl Query for WebhookById {
    const NAME: &'static str = "webhook-by-id";
    /// With its version, and the instant it was read at. None if there is none.
    type Answer = Option<(Endpoint, Version, Timestamp)>;

    fn partition_key(&self) -> Option<&str> {
        Some(self.webhook.as_str())
    }

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let (endpoint, version) = read.state(&Endpoint::stream(&self.webhook)).await?;
        Ok(endpoint.exists().then(|| ((*endpoint).clone(), version, read.now())))
    }
}
