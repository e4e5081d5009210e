//! Returns: one by its id, read from its stream, and lists of them.

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide, Version};

use super::page::{Page, PageRequest, page};
use crate::domain::goods_return::{GoodsReturn, ReturnStatus};
use crate::domain::ids::{OrderId, ReturnId};
use crate::read_models::returns::ReturnRow;

/// Asks for one return.
#[derive(Clone, Debug)]
pub struct ReturnById {
    /// Its id.
    pub return_id: ReturnId,
}

impl Query for ReturnById {
    const NAME: &'static str = "return-by-id";
    /// The return and the version of its stream; none if there is no such return.
    type Answer = Option<(GoodsReturn, Version)>;

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let (goods, version) = read.state(&GoodsReturn::stream(&self.return_id)).await?;
        Ok(goods.requested().is_some().then(|| (goods.as_ref().clone(), version)))
    }
}

/// Asks for a part of all returns, in the order of their ids.
#[derive(Clone, Debug)]
pub struct ListReturns {
    /// Only those that are there.
    pub status: Option<ReturnStatus>,
    /// Only this order's.
    pub order_id: Option<OrderId>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListReturns {
    const NAME: &'static str = "list-returns";
    type Answer = Page<ReturnRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<ReturnRow>, QueryError> {
        let mut select = self.page.select(None);
        if let Some(status) = self.status {
            select = select.with(ReturnRow::BY_STATUS, Compare::Equal, status.as_str());
        }
        if let Some(order_id) = &self.order_id {
            select = select.with(ReturnRow::BY_ORDER, Compare::Equal, order_id.as_str());
        }
        page(read, &select).await
    }
}
