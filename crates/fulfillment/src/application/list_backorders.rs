//! List backorders, the oldest promise first, and the demand that waits for each SKU.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide};

use super::page::{Page, PageRequest, page};
use crate::domain::ids::Sku;
use crate::read_models::backorders::BackorderRow;
use crate::read_models::demand::DemandRow;

/// Asks for a part of the lines that wait for stock. One that has just asked again waits for its answer, not for stock.
#[derive(Clone, Debug)]
pub struct ListBackorders {
    /// Only those that wait for this SKU.
    pub sku: Option<Sku>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListBackorders {
    const NAME: &'static str = "list-backorders";
    type Answer = Page<BackorderRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<BackorderRow>, QueryError> {
        let mut select = self.page.select(Some(BackorderRow::BY_TURN));
        if let Some(sku) = &self.sku {
            select = select.with(BackorderRow::BY_SKU, Compare::Equal, sku.as_str());
        }
        page(read, &select).await
    }
}

/// Asks for a part of the SKUs that order lines wait for, in the order of SKUs.
#[derive(Clone, Debug)]
pub struct ListDemand {
    /// Only SKUs that start so.
    pub prefix: Option<String>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListDemand {
    const NAME: &'static str = "list-demand";
    type Answer = Page<DemandRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<DemandRow>, QueryError> {
        let mut select = self.page.select(None);
        select.key_prefix = self.prefix;
        page(read, &select).await
    }
}
