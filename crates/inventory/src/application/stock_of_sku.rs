//! Stock of one SKU, without the holds that are over by now.

use std::sync::Arc;

use cqrs::{Query, QueryError, ReadSide, Timestamp};

use super::due::as_of_now;
use crate::domain::ids::Sku;
use crate::read_models::stock::StockRow;

/// Asks for one SKU's stock.
#[derive(Clone, Debug)]
pub struct StockOfSku {
    /// The SKU.
    pub sku: Sku,
}

/// One SKU's stock as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockView {
    /// Its counters, without the holds that have ended by now.
    pub row: Arc<StockRow>,
    /// When the last of those ended that the log does not speak of yet.
    pub ended_at: Option<Timestamp>,
}

impl Query for StockOfSku {
    const NAME: &'static str = "stock-of-sku";
    /// None if the SKU is not registered.
    type Answer = Option<StockView>;

    fn partition_key(&self) -> Option<&str> {
        Some(self.sku.as_str())
    }

    async fn answer(self, read: &ReadSide) -> Result<Option<StockView>, QueryError> {
        let Some(row) = read.row::<StockRow>(self.sku.as_str()).await? else { return Ok(None) };
        let (row, ended_at) = as_of_now(read, row).await?;
        Ok(Some(StockView { row, ended_at }))
    }
}
