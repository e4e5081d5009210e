//! List low stock: SKUs that are sold out down to their safety stock. Right within a second.
//!
//! It needs no view of its own: it is a part of the stock view, by the index on what is available.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide};

use super::page::{Page, PageRequest, page};
use crate::read_models::stock::StockRow;

/// Asks for a part of the SKUs of which nothing is available.
#[derive(Clone, Debug)]
pub struct ListLowStock {
    /// Only SKUs that start so.
    pub prefix: Option<String>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListLowStock {
    const NAME: &'static str = "list-low-stock";
    type Answer = Page<StockRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<StockRow>, QueryError> {
        let mut select = self.page.select();
        select.key_prefix = self.prefix;
        page(read, &select.with(StockRow::BY_AVAILABLE, Compare::AtMost, 0)).await
    }
}
