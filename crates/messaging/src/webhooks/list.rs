//! List webhooks, in the order of their ids.

use cqrs::{Compare, IndexValue, Invalid, Query, QueryError, ReadSide, Select, Timestamp};

use super::domain::endpoint::Endpoint;
use super::row::WebhookRow;

/// The most webhooks of one page.
pub(super) const PAGE_MAX: usize = 200;

/// Asks for a part of all webhooks.
#[derive(Clone, Debug)]
pub struct ListWebhooks {
    /// Only those that are told, or only those that are not.
    pub enabled: Option<bool>,
    /// Only what comes after this id.
    pub after: Option<String>,
    /// At most so many, 1 to 200.
    pub limit: usize,
}

/// A part of all webhooks.
#[derive(Clone, Debug)]
pub struct WebhookPage {
    /// Each with its id.
    pub webhooks: Vec<(String, Endpoint)>,
    /// The instant they were read at.
    pub at: Timestamp,
    /// Ask for what comes after this, if there may be more.
    pub next: Option<String>,
}

impl Query for ListWebhooks {
    const NAME: &'static str = "list-webhooks";
    type Answer = WebhookPage;

    fn validate(&self) -> Result<(), Invalid> {
        if (1..=PAGE_MAX).contains(&self.limit) { Ok(()) } else { Err(Invalid::field("?limit", "1 to 200")) }
    }

    async fn answer(self, read: &ReadSide) -> Result<WebhookPage, QueryError> {
        let after = self.after.map(|key| (IndexValue::Null, key));
        let mut select = Select { after, ..Select::first(self.limit) };
        if let Some(enabled) = self.enabled {
            select = select.with(WebhookRow::BY_ENABLED, Compare::Equal, enabled);
        }
        let found = read.select::<WebhookRow>(&select).await?;
        let webhooks = found.rows.into_iter().map(|(id, row)| (id, row.0)).collect();
        Ok(WebhookPage { webhooks, at: read.now(), next: found.next.map(|(_, key)| key) })
    }
}
