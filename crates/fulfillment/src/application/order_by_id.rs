//! An order by its id, with what it waits for; read from its own stream: no view has to catch up first.

use cqrs::{Query, QueryError, ReadSide, Version};

use super::waits::{RECENT_MAX, WaitsFor, waits};
use crate::domain::ids::OrderId;
use crate::domain::order::{Order, OrderStatus};

/// Asks for one order.
#[derive(Clone, Debug)]
pub struct OrderById {
    /// Its id.
    pub order_id: OrderId,
}

/// An order as of now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundOrder {
    /// Its id.
    pub order_id: OrderId,
    /// The order.
    pub order: Order,
    /// What it waits for.
    pub waits: Vec<WaitsFor>,
    /// The version of its stream.
    pub version: Version,
}

impl Query for OrderById {
    const NAME: &'static str = "order-by-id";
    /// None if there is no such order.
    type Answer = Option<FoundOrder>;

    async fn answer(self, read: &ReadSide) -> Result<Option<FoundOrder>, QueryError> {
        let stream = Order::stream(&self.order_id);
        let (order, version) = read.state(&stream).await?;
        if order.placed().is_none() {
            return Ok(None);
        }
        let recent = read.history(stream.name(), version + 1, RECENT_MAX).await?;
        let waits = waits(&order, &recent)?;
        Ok(Some(FoundOrder { order_id: self.order_id, order: order.as_ref().clone(), waits, version }))
    }
}

/// Asks only where an order is.
#[derive(Clone, Debug)]
pub struct StatusOfOrder {
    /// Its id.
    pub order_id: OrderId,
}

impl Query for StatusOfOrder {
    const NAME: &'static str = "status-of-order";
    /// The status and the version of its stream; none if there is no such order.
    type Answer = Option<(OrderStatus, Version)>;

    async fn answer(self, read: &ReadSide) -> Result<Option<(OrderStatus, Version)>, QueryError> {
        let (order, version) = read.state(&Order::stream(&self.order_id)).await?;
        Ok(order.placed().map(|_| (order.status(), version)))
    }
}
