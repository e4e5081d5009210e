//! Orders as lists show them: where each is and since when, by status, customer, age and promise.

use cqrs::{Aggregate, IndexValue, Projection, ReadModel, Recorded, Rows, ShortText, Timestamp, Unreadable, Version};
use serde::{Deserialize, Serialize};

use crate::domain::order::{Order, OrderLine, OrderStatus};

/// One order; the key is its id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderRow {
    /// Its id.
    pub order_id: ShortText,
    /// The order as of `version`.
    pub order: Order,
    /// Where it is.
    pub status: OrderStatus,
    /// Since when it is there.
    pub since: Timestamp,
    /// The version of its stream.
    pub version: Version,
}

impl OrderRow {
    /// The index of its status.
    pub const BY_STATUS: usize = 0;
    /// The index of its customer.
    pub const BY_CUSTOMER: usize = 1;
    /// The index of when it was placed, in milliseconds.
    pub const BY_AGE: usize = 2;
    /// The index of when it is promised, in milliseconds; last without a promise.
    pub const BY_PROMISE: usize = 3;
    /// The index of when it should have left, in milliseconds; nothing once all of it has, or without a promise.
    pub const BY_DUE: usize = 4;

    /// When it is promised, while some of it has still to leave.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        let left = |line: &OrderLine| line.shipped() >= line.open();
        let done = self.status.is_final() || self.order.lines().iter().all(left);
        self.order.placed()?.promised_at.filter(|_| !done)
    }
}

impl ReadModel for OrderRow {
    const NAME: &'static str = "orders";
    const VERSION: u32 = 1;
    const KEYED_BY_STREAM: bool = true;
    const INDEXES: &'static [&'static str] = &["status", "customer", "placed_at", "promised_at", "due_at"];

    fn indexes(&self) -> Vec<IndexValue> {
        let placed = self.order.placed();
        let customer = placed.and_then(|placed| placed.customer.as_deref());
        let promised = placed.and_then(|placed| placed.promised_at).unwrap_or(Timestamp::MAX);
        vec![
            self.status.as_str().into(),
            customer.map_or(IndexValue::Null, Into::into),
            placed.map_or(IndexValue::Null, |placed| placed.placed_at.as_millis().into()),
            promised.as_millis().into(),
            self.due().map_or(IndexValue::Null, |due| due.as_millis().into()),
        ]
    }
}

/// Folds order events into [`OrderRow`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct OrderProjection;

impl Projection for OrderProjection {
    type Row = OrderRow;

    fn fold(&self, event: &Recorded, rows: &mut Rows<OrderRow>) -> Result<(), Unreadable> {
        let Some(happened) = event.as_event_of::<Order>()? else { return Ok(()) };
        let order_id = event.stream.id();
        if rows.get(order_id).is_none() {
            let order = Order::default();
            let status = order.status();
            rows.put(order_id, OrderRow { order_id: order_id.into(), order, status, since: event.at, version: 0 });
        }
        rows.update(order_id, |row| {
            row.order.apply(&happened);
            row.version = event.version;
            let status = row.order.status();
            if status != row.status {
                row.status = status;
                row.since = event.at;
            }
        });
        Ok(())
    }
}
