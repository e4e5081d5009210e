//! List stock at a location: what a place holds, in the order of SKUs. Right within a second.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide};

use super::page::{Page, PageRequest, page};
use crate::domain::ids::LocationId;
use crate::read_models::stock_at_location::StockAtLocationRow;

/// Asks for a part of what a location holds.
#[derive(Clone, Debug)]
pub struct ListStockAtLocation {
    /// The location.
    pub location: LocationId,
    /// Only SKUs that start so.
    pub prefix: Option<String>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListStockAtLocation {
    const NAME: &'static str = "list-stock-at-location";
    type Answer = Page<StockAtLocationRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<StockAtLocationRow>, QueryError> {
        let mut select = self.page.select();
        select.key_prefix = self.prefix;
        let location = self.location.as_str();
        page(read, &select.with(StockAtLocationRow::BY_LOCATION, Compare::Equal, location)).await
    }
}
