//! Orders at a fixed rate: how long from the intended send until the feed shows them reserved.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::feed::Feed;
use super::sent::{Orders, Sent};
use crate::call::CallError;
use crate::open_model::{ACHIEVED_SHARE_MIN, OpenModel, OpenReport};
use crate::shop::{Shop, ShopError};
use crate::tally::Latency;

/// Orders of two lines at a rate.
#[derive(Clone, Debug)]
pub struct OpenOrderLoad {
    /// The rate, the duration, the connections and the grace.
    pub model: OpenModel,
    /// Begins every order id and SKU; it must be new to the server.
    pub name: String,
    /// Over how many SKUs the lines are spread.
    pub skus: u64,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderLoadReport {
    /// How the placing was answered.
    pub placing: OpenReport,
    /// Orders that the feed showed as reserved, both lines.
    pub reserved: u64,
    /// Orders reserved per second, from the first intended send to the last reserved (or the last intended send).
    pub reserved_per_s: f64,
    /// Answers in the feed that must not be: short orders, and orders reserved twice.
    pub wrong: u64,
    /// From the intended send to the instant the feed showed the order reserved.
    pub latency: Latency,
    /// Why the run proves nothing, if it does not.
    pub invalid: Option<String>,
}

impl OpenOrderLoad {
    /// `rate_per_s` orders a second for `duration` over 1,000 SKUs.
    #[must_use]
    pub fn new(addr: SocketAddr, name: impl Into<String>, rate_per_s: f64, duration: Duration) -> Self {
        Self { model: OpenModel::new(addr, rate_per_s, duration), name: name.into(), skus: 1_000 }
    }

    /// Registers the SKUs and puts ample stock on the shelves.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn prepare(&self) -> Result<(), ShopError> {
        self.orders().prepare(&mut Shop::new(self.model.addr)).await
    }

    /// Places the orders on schedule and waits, within the grace, until the feed has shown them all.
    ///
    /// # Errors
    /// [`ShopError`] when there is no such schedule, no connection or no feed.
    pub async fn run(&self) -> Result<OrderLoadReport, ShopError> {
        let mut feed = Feed::of(self.model.addr, "fulfillment");
        feed.skip_to_end().await?;
        let sent = Sent::new(self.orders());
        // The follower ends with this set.
        let mut follower = JoinSet::new();
        follower.spawn(Arc::clone(&sent).follow(feed));

        let start = Arc::new(OnceLock::<Instant>::new());
        let rate_per_s = self.model.rate_per_s;
        let (orders, noting, started) = (self.orders(), Arc::clone(&sent), Arc::clone(&start));
        let next = move |number: u64| {
            let start = started.get().copied().unwrap_or_else(Instant::now);
            noting.open(number, start + Duration::from_secs_f64(number as f64 / rate_per_s));
            orders.call(number)
        };
        let placing = self
            .model
            .run_from(next, |at| {
                let _ = start.set(at);
            })
            .await?;
        // What does not come in time is counted below.
        let _ = timeout(self.model.grace, sent.at_most(0)).await;
        if let Some(error) = sent.broken() {
            return Err(error);
        }
        let start = *start.get().ok_or_else(|| CallError::Malformed("the schedule never started".to_owned()))?;
        Ok(Self::report(placing, &sent, start))
    }

    fn report(placing: OpenReport, sent: &Sent, start: Instant) -> OrderLoadReport {
        let counted = sent.counted();
        let offered_s = placing.scheduled as f64 / placing.offered_per_s;
        let until_last = counted.last.map_or(0.0, |last| last.saturating_duration_since(start).as_secs_f64());
        let reserved_per_s = counted.reserved as f64 / until_last.max(offered_s);
        let wrong = counted.short + counted.unasked;
        let offered = placing.offered_per_s;
        let invalid = placing.invalid.clone().or_else(|| {
            let achieved = reserved_per_s >= ACHIEVED_SHARE_MIN * offered;
            (!achieved)
                .then(|| format!("{reserved_per_s:.0}/s of {offered:.0}/s offered orders were reserved, below 99 %"))
        });
        let latency = sent.latency();
        OrderLoadReport { placing, reserved: counted.reserved, reserved_per_s, wrong, latency, invalid }
    }

    fn orders(&self) -> Orders {
        Orders { name: self.name.clone(), skus: self.skus }
    }
}
