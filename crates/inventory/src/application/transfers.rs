//! Transfers: one by its id, read from its stream, and lists of them.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide, Version};

use super::page::{Page, PageRequest, page};
use crate::domain::ids::{LocationId, TransferId};
use crate::domain::transfer::{Transfer, TransferState, TransferView};
use crate::read_models::transfers::TransferRow;

/// Asks for one transfer.
#[derive(Clone, Debug)]
pub struct TransferById {
    /// Its id.
    pub transfer_id: TransferId,
}

impl Query for TransferById {
    const NAME: &'static str = "transfer-by-id";
    /// The transfer and the version of its stream; none if nobody named it.
    type Answer = Option<(TransferView, Version)>;

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let (found, version) = read.state(&Transfer::stream(&self.transfer_id)).await?;
        Ok(found.exists().then(|| (found.view(&self.transfer_id), version)))
    }
}

/// Asks for a part of all transfers, in the order of their ids.
#[derive(Clone, Debug)]
pub struct ListTransfers {
    /// Only those in this state.
    pub state: Option<TransferState>,
    /// Only those that leave here.
    pub from: Option<LocationId>,
    /// Only those that go here.
    pub to: Option<LocationId>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListTransfers {
    const NAME: &'static str = "list-transfers";
    type Answer = Page<TransferRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<TransferRow>, QueryError> {
        let mut select = self.page.select();
        if let Some(state) = self.state {
            select = select.with(TransferRow::BY_STATE, Compare::Equal, state.as_str());
        }
        if let Some(from) = &self.from {
            select = select.with(TransferRow::BY_FROM, Compare::Equal, from.as_str());
        }
        if let Some(to) = &self.to {
            select = select.with(TransferRow::BY_TO, Compare::Equal, to.as_str());
        }
        page(read, &select).await
    }
}
