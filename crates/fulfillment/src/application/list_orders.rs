//! List orders, by age or by promise, all or those of one status, customer or time; and those that are late.

use std::sync::Arc;

use cqrs::{Compare, Invalid, Query, QueryError, ReadSide, Timestamp};

use super::page::{Page, PageRequest, page};
use crate::domain::order::OrderStatus;
use crate::read_models::orders::OrderRow;

/// In which order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The one placed first comes first.
    #[default]
    Age,
    /// The one promised for the first day comes first; what is promised for none comes last.
    Promise,
}

/// Asks for a part of all orders.
#[derive(Clone, Debug)]
pub struct ListOrders {
    /// Only those that are there.
    pub status: Option<OrderStatus>,
    /// Only this customer's.
    pub customer: Option<Arc<str>>,
    /// Only those placed at this instant or later.
    pub from: Option<Timestamp>,
    /// Only those placed before this instant.
    pub to: Option<Timestamp>,
    /// In which order.
    pub order: Order,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListOrders {
    const NAME: &'static str = "list-orders";
    type Answer = Page<OrderRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<OrderRow>, QueryError> {
        let mut select = self.page.select(Some(match self.order {
            Order::Age => OrderRow::BY_AGE,
            Order::Promise => OrderRow::BY_PROMISE,
        }));
        if let Some(status) = self.status {
            select = select.with(OrderRow::BY_STATUS, Compare::Equal, status.as_str());
        }
        if let Some(customer) = &self.customer {
            select = select.with(OrderRow::BY_CUSTOMER, Compare::Equal, &**customer);
        }
        if let Some(from) = self.from {
            select = select.with(OrderRow::BY_AGE, Compare::AtLeast, from.as_millis());
        }
        if let Some(to) = self.to {
            select = select.with(OrderRow::BY_AGE, Compare::AtMost, to.as_millis().saturating_sub(1));
        }
        page(read, &select).await
    }
}

/// Asks for a part of the orders whose promise has passed and of which something has still to leave; the latest first.
#[derive(Clone, Debug)]
pub struct ListLateOrders {
    /// Only those that are there.
    pub status: Option<OrderStatus>,
    /// Only this customer's.
    pub customer: Option<Arc<str>>,
    /// Which part.
    pub page: PageRequest,
}

impl Query for ListLateOrders {
    const NAME: &'static str = "list-late-orders";
    type Answer = Page<OrderRow>;

    fn validate(&self) -> Result<(), Invalid> {
        self.page.check()
    }

    async fn answer(self, read: &ReadSide) -> Result<Page<OrderRow>, QueryError> {
        let (due, now) = (OrderRow::BY_DUE, read.now().as_millis());
        // Nothing orders before every number: what is not due at all is left out by the lower end.
        let mut select =
            self.page.select(Some(due)).with(due, Compare::AtLeast, i64::MIN).with(due, Compare::AtMost, now);
        if let Some(status) = self.status {
            select = select.with(OrderRow::BY_STATUS, Compare::Equal, status.as_str());
        }
        if let Some(customer) = &self.customer {
            select = select.with(OrderRow::BY_CUSTOMER, Compare::Equal, &**customer);
        }
        page(read, &select).await
    }
}
