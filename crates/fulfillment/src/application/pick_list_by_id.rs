//! A pick list, or all of an order's, read from their own streams: no view has to catch up first.

use std::sync::Arc;

use cqrs::{Query, QueryError, ReadSide, Version};

use crate::domain::ids::OrderId;
use crate::domain::order::{Order, OrderStatus, Package};
use crate::domain::pick_list::{PickList, PickListId, Work, held, lists_of};

/// The most pick lists that one answer has; an order with more is read list by list.
pub const LISTS_OF_ORDER_MAX: usize = 100;

/// Asks for one pick list.
#[derive(Clone, Debug)]
pub struct PickListById {
    /// Its id.
    pub id: PickListId,
}

/// A pick list as of now.
#[derive(Clone, Debug)]
pub struct FoundPickList {
    /// Its id.
    pub id: PickListId,
    /// Its order.
    pub order: Arc<Order>,
    /// What has happened to it.
    pub list: Arc<PickList>,
    /// What is to be done.
    pub work: Work,
    /// The version of its stream: 0 until it is released.
    pub version: Version,
    /// The version of its order's stream.
    pub order_version: Version,
}

impl Query for PickListById {
    const NAME: &'static str = "pick-list-by-id";
    /// None if there is no such list.
    type Answer = Option<FoundPickList>;

    async fn answer(self, read: &ReadSide) -> Result<Option<FoundPickList>, QueryError> {
        let (order, version) = read.state(&Order::stream(&self.id.order_id)).await?;
        found(read, &order, version, self.id).await
    }
}

/// Asks for all pick lists of an order.
#[derive(Clone, Debug)]
pub struct PickListsOfOrder {
    /// The order.
    pub order_id: OrderId,
}

/// The pick lists of an order.
#[derive(Clone, Debug)]
pub struct FoundPickLists {
    /// Where the order is.
    pub status: OrderStatus,
    /// Its lists, by attempt and location: at most 100.
    pub lists: Vec<FoundPickList>,
}

impl Query for PickListsOfOrder {
    const NAME: &'static str = "pick-lists-of-order";
    /// None if there is no such order.
    type Answer = Option<FoundPickLists>;

    async fn answer(self, read: &ReadSide) -> Result<Option<FoundPickLists>, QueryError> {
        let (order, version) = read.state(&Order::stream(&self.order_id)).await?;
        if order.placed().is_none() {
            return Ok(None);
        }
        let mut lists = Vec::new();
        for id in lists_of(&self.order_id, &order).into_iter().take(LISTS_OF_ORDER_MAX) {
            lists.extend(found(read, &order, version, id).await?);
        }
        Ok(Some(FoundPickLists { status: order.status(), lists }))
    }
}

/// Asks for the packages of an order.
#[derive(Clone, Debug)]
pub struct PackagesOfOrder {
    /// The order.
    pub order_id: OrderId,
}

impl Query for PackagesOfOrder {
    const NAME: &'static str = "packages-of-order";
    /// The packages, as they were packed, and the version of the order; none if there is no such order.
    type Answer = Option<(Vec<Package>, Version)>;

    async fn answer(self, read: &ReadSide) -> Result<Self::Answer, QueryError> {
        let (order, version) = read.state(&Order::stream(&self.order_id)).await?;
        Ok(order.placed().map(|_| (order.packages(), version)))
    }
}

async fn found(
    read: &ReadSide,
    order: &Arc<Order>,
    order_version: Version,
    id: PickListId,
) -> Result<Option<FoundPickList>, QueryError> {
    let (list, version) = read.state(&PickList::stream(&id)).await?;
    let work = Work::of(&list, &held(order, &id));
    let order = Arc::clone(order);
    Ok(work.map(|work| FoundPickList { id, order, list, work, version, order_version }))
}
