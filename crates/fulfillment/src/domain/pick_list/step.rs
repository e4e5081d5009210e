//! A pick list beside its order, as a decision finds them and leaves them.

use std::sync::Arc;

use cqrs::{States, Streams};

use super::{Held, PickList, PickListId, Work, held};
use crate::domain::order::Order;

/// The streams of the list `id`: its own first, then its order's.
pub(super) fn streams(id: &PickListId) -> Streams {
    Streams::one(&PickList::stream(id)).and(&Order::stream(&id.order_id))
}

/// A pick list and its order.
pub(super) struct Found {
    pub(super) order: Arc<Order>,
    pub(super) list: Arc<PickList>,
}

impl Found {
    pub(super) fn new(states: &States<'_>, id: &PickListId) -> Self {
        Self { order: states.of(&Order::stream(&id.order_id)), list: states.of(&PickList::stream(id)) }
    }

    pub(super) fn held(&self, id: &PickListId) -> Vec<Held> {
        held(&self.order, id)
    }

    /// What is to be done; none if there is no such list.
    pub(super) fn work(&self, id: &PickListId) -> Option<Work> {
        Work::of(&self.list, &self.held(id))
    }
}
