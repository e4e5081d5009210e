//! The sweep: which SKUs have holds that are over and that the log does not speak of yet.
//!
//! A timer asks every second and sends an [`ExpireHolds`](crate::domain::stock_item::expire::ExpireHolds) for each.
//! Nothing depends on it being in time: decisions and single reads look at the clock themselves. It keeps lists and
//! filters right within a second.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide, Select};

use crate::domain::ids::Sku;
use crate::read_models::stock::StockRow;

/// The most SKUs of one sweep.
pub const SWEEP_MAX: usize = 1_000;

/// Asks for SKUs with something due by now, the longest due first.
#[derive(Clone, Copy, Debug)]
pub struct DueSkus {
    /// At most so many, 1 to 1,000.
    pub limit: usize,
}

impl Query for DueSkus {
    const NAME: &'static str = "due-skus";
    type Answer = Vec<Sku>;

    fn validate(&self) -> Result<(), Invalid> {
        if (1..=SWEEP_MAX).contains(&self.limit) { Ok(()) } else { Err(Invalid::field("?limit", "1 to 1,000")) }
    }

    async fn answer(self, read: &ReadSide) -> Result<Vec<Sku>, QueryError> {
        let select = Select { order: Some(StockRow::BY_NEXT_EXPIRY), ..Select::first(self.limit) };
        let due = select.with(StockRow::BY_NEXT_EXPIRY, Compare::AtMost, read.now().as_millis());
        let rows = read.select::<StockRow>(&due).await?.rows;
        Ok(rows.iter().filter_map(|(key, _)| Sku::parse(key).ok()).collect())
    }
}
