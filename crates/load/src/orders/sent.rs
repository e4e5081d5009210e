//! The orders of a load run between their send and the feed's word that they are reserved.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use comanda_contracts::events::{OrderBackordered, OrderRejected, OrderReserved};
use comanda_contracts::{OrderPolicy, PlaceOrderLine, PlaceOrderRequest};
use tokio::sync::Notify;

use super::feed::Feed;
use crate::call::Call;
use crate::shop::{Shop, ShopError};
use crate::tally::{Latencies, Latency};

/// Lines of each order.
const LINES: u64 = 2;
/// Units each SKU opens with: more than any run can sell.
const AMPLE: i64 = 1_000_000_000;
/// How long the follower's poll waits for news.
const POLL_WAIT: Duration = Duration::from_secs(5);

/// The orders a load makes: numbered, two lines each, spread over some SKUs.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) name: String,
    pub(crate) skus: u64,
}

impl Orders {
    /// Opens every SKU with ample stock.
    pub(crate) async fn prepare(&self, shop: &mut Shop) -> Result<(), ShopError> {
        for number in 0..self.skus.max(1) {
            crate::flash_sale::open_sku(shop, &self.sku(number), AMPLE).await?;
        }
        Ok(())
    }

    /// The call that places order `number`.
    pub(crate) fn call(&self, number: u64) -> Call {
        let skus = self.skus.max(1);
        // Scattered, so that the neighbours in time are no neighbours in the catalogue.
        let start = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16;
        let line = |place: u64| PlaceOrderLine {
            line_id: Some((place + 1).to_string()),
            sku: self.sku((start + place) % skus),
            quantity: 1,
        };
        let request = PlaceOrderRequest {
            order_id: Some(format!("{}:{number}", self.name)),
            lines: (0..LINES).map(line).collect(),
            policy: Some(OrderPolicy::ShipAvailable),
            ..PlaceOrderRequest::default()
        };
        // Strings and numbers can always be written.
        Call::post("/v1/orders", serde_json::to_vec(&request).unwrap_or_default())
    }

    fn number(&self, order_id: &str) -> Option<u64> {
        order_id.strip_prefix(self.name.as_str())?.strip_prefix(':')?.parse().ok()
    }

    fn sku(&self, number: u64) -> String {
        format!("{}-{number}", self.name)
    }
}

/// How many orders stand where.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counted {
    /// Orders the feed showed as reserved whole, once each.
    pub(crate) reserved: u64,
    /// Orders that it showed as short: with ample stock there are none.
    pub(crate) short: u64,
    /// Orders it showed as reserved although nobody waited for them: twice, or never sent.
    pub(crate) unasked: u64,
    /// When the last was reserved.
    pub(crate) last: Option<Instant>,
}

#[derive(Default)]
struct State {
    /// When each open order was to be sent.
    open: HashMap<u64, Instant>,
    counted: Counted,
    latencies: Latencies,
    broken: Option<ShopError>,
}

/// What the senders and the follower share.
pub(crate) struct Sent {
    orders: Orders,
    state: Mutex<State>,
    /// Told whenever orders were reserved, or the feed broke.
    pub(crate) moved: Notify,
}

impl Sent {
    pub(crate) fn new(orders: Orders) -> Arc<Self> {
        Arc::new(Self { orders, state: Mutex::default(), moved: Notify::new() })
    }

    /// Notes an order that is about to be sent and was to be sent at `intended`.
    pub(crate) fn open(&self, number: u64, intended: Instant) {
        self.lock().open.insert(number, intended);
    }

    /// Forgets an order that was not taken.
    pub(crate) fn refused(&self, number: u64) {
        self.lock().open.remove(&number);
        self.moved.notify_waiters();
    }

    /// Orders that are sent and not reserved.
    pub(crate) fn backlog(&self) -> usize {
        self.lock().open.len()
    }

    pub(crate) fn counted(&self) -> Counted {
        self.lock().counted
    }

    /// From the intended send to the instant the feed showed the order reserved.
    pub(crate) fn latency(&self) -> Latency {
        self.lock().latencies.summary()
    }

    /// Why the feed cannot be read, if it cannot.
    pub(crate) fn broken(&self) -> Option<ShopError> {
        self.lock().broken.clone()
    }

    /// Waits until no more than `limit` orders are open, or the feed broke.
    pub(crate) async fn at_most(&self, limit: usize) {
        loop {
            let moved = self.moved.notified();
            tokio::pin!(moved);
            // Before the look, so that what moves meanwhile is not missed.
            moved.as_mut().enable();
            if self.backlog() <= limit || self.broken().is_some() {
                return;
            }
            moved.await;
        }
    }

    /// Follows the feed of Fulfillment for ever.
    pub(crate) async fn follow(self: Arc<Self>, mut feed: Feed) {
        loop {
            let read = match feed.next(POLL_WAIT).await {
                Ok(page) => self.note(&page).map_err(ShopError::from),
                Err(error) => Err(error),
            };
            if let Err(error) = read {
                self.lock().broken = Some(error);
                return self.moved.notify_waiters();
            }
        }
    }

    fn note(&self, page: &super::feed::FeedPage) -> Result<(), crate::call::CallError> {
        let mut state = self.lock();
        for event in &page.events {
            let Some(number) = self.orders.number(&event.subject) else { continue };
            match event.event_type.as_str() {
                OrderReserved::TYPE => {
                    let reserved: OrderReserved = event.data()?;
                    let units: i64 = reserved.lines.iter().map(|line| line.quantity).sum();
                    if !reserved.complete || units != LINES as i64 {
                        state.counted.short += 1;
                    } else if let Some(intended) = state.open.remove(&number) {
                        state.counted.reserved += 1;
                        state.counted.last = Some(page.seen);
                        state.latencies.record(page.seen.saturating_duration_since(intended));
                    } else {
                        state.counted.unasked += 1;
                    }
                }
                OrderRejected::TYPE | OrderBackordered::TYPE => state.counted.short += 1,
                _ => {}
            }
        }
        drop(state);
        self.moved.notify_waiters();
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
