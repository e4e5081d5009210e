//! Receipts: one by its id, read from its stream, and lists of them.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide, Version};

use super::page::{Page, PageRequest, page};
use crate::domain::ids::{LocationId, ReceiptId};
use crate::domain::receipt::{Receipt, ReceiptState, ReceiptView};
use crate::read_models::receipts::ReceiptRow;

/// Asks for one receipt.
#[derive(Clone, Debug)]
pub struct ReceiptById {
    /// Its id.
    pub receipt_id: ReceiptId,
}

impl Query for ReceiptById {
    const NAME: &'static str = "receipt-by-id";
    /// The receipt and the version of its stream; none if nobody named it.
    type Answer = Option<(ReceiptView, Version)>;

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let (found, version) = read.state(&Receipt::stream(&self.receipt_id)).await?;
        Ok(found.exists().then(|| (found.view(&self.receipt_id), version)))
    }
}

/// Asks for a part of all receipts, in the order of their ids.
#[derive(Clone, Debug)]
pub struct ListReceipts {
    /// Only those in this state.
    pub state: Option<ReceiptState>,
    /// Only those whose goods come here.
    pub location: Option<LocationId>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListReceipts {
    const NAME: &'static str = "list-receipts";
    type Answer = Page<ReceiptRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<ReceiptRow>, QueryError> {
        let mut select = self.page.select();
        if let Some(state) = self.state {
            select = select.with(ReceiptRow::BY_STATE, Compare::Equal, state.as_str());
        }
        if let Some(location) = &self.location {
            select = select.with(ReceiptRow::BY_LOCATION, Compare::Equal, location.as_str());
        }
        page(read, &select).await
    }
}
