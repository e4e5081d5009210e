//! Orders as fast as both contexts take them: what rate they sustain with a backlog that does not grow.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::feed::Feed;
use super::sent::{Orders, Sent};
use crate::client::Client;
use crate::open_model::connect;
use crate::shop::{Shop, ShopError};
use crate::tally::Latency;

/// How long the last orders may take once no more are placed.
const DRAIN_WAIT_MAX: Duration = Duration::from_secs(30);
/// A connection stops after so many failures in a row, so that a dead server ends the run.
const FAILURES_IN_A_ROW_MAX: u32 = 10;

/// A closed run of orders of two lines.
#[derive(Clone, Debug)]
pub struct OrderSaturation {
    /// The server.
    pub addr: SocketAddr,
    /// Begins every order id and SKU; it must be new to the server.
    pub name: String,
    /// Over how many SKUs the lines are spread.
    pub skus: u64,
    /// How many connections, each with one call at a time.
    pub connections: usize,
    /// Nothing is placed while more orders than this are placed and not reserved: this bounds the backlog.
    pub backlog_max: usize,
    /// How long orders are placed.
    pub duration: Duration,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SaturationReport {
    /// Orders whose placing was acknowledged.
    pub acknowledged: u64,
    /// Calls that were refused or not answered.
    pub failed: u64,
    /// Orders that the feed showed as reserved, both lines.
    pub reserved: u64,
    /// Answers in the feed that must not be: short orders, and orders reserved twice.
    pub wrong: u64,
    /// Orders placed and not reserved after half of the time.
    pub backlog_at_half: u64,
    /// The same at its end: at most the bound, and one more for each connection.
    pub backlog_at_end: u64,
    /// Orders reserved per second, from the first send to the last reserved, the drain included.
    pub sustained_per_s: f64,
    /// From the send to the instant the feed showed the order reserved.
    pub latency: Latency,
    /// Whether every acknowledged order was reserved by the end and nothing was wrong.
    pub ok: bool,
}

/// What the connections share.
struct Run {
    sent: Arc<Sent>,
    orders: Orders,
    next: AtomicU64,
    acknowledged: AtomicU64,
    failed: AtomicU64,
    backlog_max: usize,
    until: Instant,
}

impl OrderSaturation {
    /// 64 connections to `addr` for `duration` over 1,000 SKUs, with at most 2,000 orders open.
    #[must_use]
    pub fn new(addr: SocketAddr, name: impl Into<String>, duration: Duration) -> Self {
        Self { addr, name: name.into(), skus: 1_000, connections: 64, backlog_max: 2_000, duration }
    }

    /// Registers the SKUs and puts ample stock on the shelves.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn prepare(&self) -> Result<(), ShopError> {
        self.orders().prepare(&mut Shop::new(self.addr)).await
    }

    /// Places orders until the time is over, then waits until the feed has shown them all.
    ///
    /// # Errors
    /// [`ShopError`] when there is no connection or no feed.
    pub async fn run(&self) -> Result<SaturationReport, ShopError> {
        let mut feed = Feed::of(self.addr, "fulfillment");
        feed.skip_to_end().await?;
        let clients = connect(self.addr, self.connections.max(1)).await?;
        let sent = Sent::new(self.orders());
        let mut follower = JoinSet::new();
        follower.spawn(Arc::clone(&sent).follow(feed));
        let started = Instant::now();
        let run = Arc::new(Run {
            sent: Arc::clone(&sent),
            orders: self.orders(),
            next: AtomicU64::new(0),
            acknowledged: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            backlog_max: self.backlog_max.max(1),
            until: started + self.duration,
        });
        let mut workers = JoinSet::new();
        for client in clients {
            let run = Arc::clone(&run);
            workers.spawn(async move { run.work(client).await });
        }
        tokio::time::sleep_until((started + self.duration / 2).into()).await;
        let backlog_at_half = sent.backlog() as u64;
        while workers.join_next().await.is_some() {}
        let backlog_at_end = sent.backlog() as u64;
        // What does not come in time is counted below.
        let _ = timeout(DRAIN_WAIT_MAX, sent.at_most(0)).await;
        if let Some(error) = sent.broken() {
            return Err(error);
        }
        let counted = sent.counted();
        let elapsed_s = counted.last.unwrap_or(run.until).saturating_duration_since(started).as_secs_f64();
        let acknowledged = run.acknowledged.load(Ordering::Relaxed);
        let wrong = counted.short + counted.unasked;
        Ok(SaturationReport {
            acknowledged,
            failed: run.failed.load(Ordering::Relaxed),
            reserved: counted.reserved,
            wrong,
            backlog_at_half,
            backlog_at_end,
            sustained_per_s: counted.reserved as f64 / elapsed_s.max(f64::MIN_POSITIVE),
            latency: sent.latency(),
            ok: sent.backlog() == 0 && wrong == 0 && counted.reserved >= acknowledged,
        })
    }

    fn orders(&self) -> Orders {
        Orders { name: self.name.clone(), skus: self.skus }
    }
}

impl Run {
    async fn work(&self, mut client: Client) {
        let mut failures = 0;
        while failures < FAILURES_IN_A_ROW_MAX {
            let room = self.sent.at_most(self.backlog_max.saturating_sub(1));
            let in_time = tokio::time::timeout_at(self.until.into(), room).await.is_ok();
            if !in_time || Instant::now() >= self.until || self.sent.broken().is_some() {
                return;
            }
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            self.sent.open(number, Instant::now());
            match client.call(&self.orders.call(number)).await {
                Ok(answer) if answer.is_success() => {
                    failures = 0;
                    self.acknowledged.fetch_add(1, Ordering::Relaxed);
                }
                result => {
                    failures += 1;
                    self.failed.fetch_add(1, Ordering::Relaxed);
                    // An unknown outcome stays open: the order may be there, and then the feed shows it.
                    if result.is_ok() {
                        self.sent.refused(number);
                    }
                }
            }
        }
    }
}
