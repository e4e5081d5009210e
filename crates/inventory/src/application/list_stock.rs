//! List stock: SKUs with their stock, in the order of their ids. Right within a second: ended holds may still count.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide};

use super::page::{Page, PageRequest, page};
use crate::read_models::stock::StockRow;

/// Asks for a part of all SKUs.
#[derive(Clone, Debug)]
pub struct ListStock {
    /// Only SKUs that start so.
    pub prefix: Option<String>,
    /// Only SKUs of which something is available.
    pub only_available: bool,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListStock {
    const NAME: &'static str = "list-stock";
    type Answer = Page<StockRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<StockRow>, QueryError> {
        let mut select = self.page.select();
        select.key_prefix = self.prefix;
        if self.only_available {
            select = select.with(StockRow::BY_AVAILABLE, Compare::AtLeast, 1);
        }
        page(read, &select).await
    }
}
