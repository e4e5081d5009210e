//! List incoming: what is to come, by SKU and then by date.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide, Timestamp};

use super::page::{Page, PageRequest, page};
use crate::domain::ids::{LocationId, Sku};
use crate::read_models::incoming::IncomingRow;

/// Asks for a part of what is to come.
#[derive(Clone, Debug)]
pub struct ListIncoming {
    /// Only this SKU.
    pub sku: Option<Sku>,
    /// Only what comes here.
    pub location: Option<LocationId>,
    /// Only what is expected before then.
    pub before: Option<Timestamp>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListIncoming {
    const NAME: &'static str = "list-incoming";
    type Answer = Page<IncomingRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<IncomingRow>, QueryError> {
        let mut select = self.page.select();
        select.key_prefix = self.sku.map(|sku| format!("{sku}/"));
        if let Some(location) = &self.location {
            select = select.with(IncomingRow::BY_LOCATION, Compare::Equal, location.as_str());
        }
        if let Some(before) = self.before {
            let last = before.as_millis().saturating_sub(1);
            select = select.with(IncomingRow::BY_EXPECTED_AT, Compare::AtMost, last);
        }
        page(read, &select).await
    }
}
