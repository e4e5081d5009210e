//! Orders placed while servers die: mixed policies, duplicates, cancels and receipts, repeated until acknowledged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;

use super::chaos_judge::OrdersCase;
use super::chaos_worker::Worker;
use super::feed::Feed;
use crate::call::CallError;
use crate::judge::{Check, Verdict};
use crate::order::{Order, OrderKind, Product};
use crate::shop::ShopError;

/// A question is asked at most this often, some two minutes in all: the server may be killed and come back meanwhile.
pub(super) const ATTEMPTS_MAX: u32 = 70;
/// How long the feed is listened to before the orders that were not final are looked at again.
pub(super) const SETTLE_POLL: Duration = Duration::from_secs(1);

/// What to place, and how badly the network behaves on the sender's side.
#[derive(Clone, Debug)]
pub struct Chaos {
    /// The server; it may refuse connections for a while, and answers both contexts when it is up.
    pub addr: SocketAddr,
    /// Stands before every order id and idempotency key.
    pub name: String,
    /// Decides who does what.
    pub seed: u64,
    /// Connections, each with one call at a time.
    pub connections: usize,
    /// The share of commands that are sent once more after their success, 0 to 1.
    pub duplicates: f64,
    /// The share of orders that somebody cancels, 0 to 1.
    pub cancels: f64,
    /// The share of orders that are made ready to ship in the end, 0 to 1.
    pub ready: f64,
    /// How long a call is repeated, and how long all orders may take to become final after the last was placed.
    pub patience: Duration,
}

/// How much of what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChaosCounts {
    /// Orders placed.
    pub placed: u64,
    /// Commands sent once more on purpose.
    pub duplicates: u64,
    /// Cancellations acknowledged.
    pub cancelled: u64,
    /// Cancellations refused, because the order could only leave or was rejected.
    pub cancels_refused: u64,
    /// Receipts of stock.
    pub receipts: u64,
    /// Orders made ready to ship.
    pub ready: u64,
    /// Answers that must not occur, by kind.
    pub unexpected: BTreeMap<String, u64>,
    /// How many orders ended in which state.
    pub ended: BTreeMap<String, u64>,
}

/// What came of it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ChaosReport {
    /// How much of what happened.
    pub counts: ChaosCounts,
    /// Orders that were not final when the patience ended.
    pub stuck: Vec<String>,
    /// How long it took from the last order placed until all were final, in seconds.
    pub settled_s: f64,
    /// What the judge found.
    pub verdict: Verdict,
}

/// What the workers share.
pub(super) struct Run {
    pub(super) chaos: Chaos,
    orders: Vec<Order>,
    log: Mutex<Log>,
    next: Mutex<usize>,
}

#[derive(Default)]
pub(super) struct Log {
    pub(super) counts: ChaosCounts,
    pub(super) case: OrdersCase,
}

impl Chaos {
    /// Chaos at `addr` over 16 connections: a tenth of all commands twice, 15 % cancels, half of the rest made ready.
    #[must_use]
    pub fn new(addr: SocketAddr, name: impl Into<String>, seed: u64) -> Self {
        Self {
            addr,
            name: name.into(),
            seed,
            connections: 16,
            duplicates: 0.1,
            cancels: 0.15,
            ready: 0.5,
            patience: Duration::from_secs(120),
        }
    }

    /// Opens the shop with `products`, places `orders` (cancellations among them are left out: chaos makes its own),
    /// waits until each is final, and judges.
    ///
    /// # Errors
    /// [`ShopError`] when a call was not answered within the patience, or the judge cannot ask.
    pub async fn run(&self, products: &[Product], orders: Vec<Order>) -> Result<ChaosReport, ShopError> {
        let orders = orders.into_iter().filter(|order| order.kind == OrderKind::Order).collect();
        let run = Arc::new(Run { chaos: self.clone(), orders, log: Mutex::default(), next: Mutex::new(0) });
        run.prepare(products).await?;
        let mut workers = JoinSet::new();
        for number in 0..self.connections.max(1) {
            let run = Arc::clone(&run);
            workers.spawn(async move { Worker::new(&run, number as u64).work().await });
        }
        while let Some(worked) = workers.join_next().await {
            worked.map_err(|error| CallError::Malformed(format!("a worker ended: {error}")))??;
        }
        let placed = Instant::now();
        let mut last = Worker::new(&run, u64::MAX);
        last.receive_what_was_backordered().await?;
        let stuck = last.settle(placed).await?;
        let settled_s = placed.elapsed().as_secs_f64();
        last.make_ready().await?;
        let stuck_after = last.settle(Instant::now()).await?;
        let stuck = if stuck.is_empty() { stuck_after } else { stuck };
        let log = std::mem::take(&mut *run.log());
        self.report(log, stuck, settled_s).await
    }

    async fn report(&self, log: Log, stuck: Vec<String>, settled_s: f64) -> Result<ChaosReport, ShopError> {
        let Log { mut counts, case } = log;
        let (verdict, ended) = self.judge(&case).await?;
        counts.ended = ended;
        let wrong: u64 = counts.unexpected.values().sum();
        let verdict = verdict
            .and(Check {
                name: "every answer is one the contract foresees",
                ok: wrong == 0,
                detail: format!("{wrong} unexpected: {:?}", counts.unexpected),
            })
            .and(Check {
                name: "nothing waits past its time",
                ok: stuck.is_empty(),
                detail: format!("{} orders not final: {:?}", stuck.len(), stuck.iter().take(5).collect::<Vec<_>>()),
            });
        Ok(ChaosReport { counts, stuck, settled_s, verdict })
    }
}

impl Chaos {
    /// Judges again as long as something differs: what a cancelled order gives back may still be on its way.
    async fn judge(&self, case: &OrdersCase) -> Result<(Verdict, BTreeMap<String, u64>), ShopError> {
        let since = Instant::now();
        let mut feed = Feed::of(self.addr, "inventory").with_attempts(ATTEMPTS_MAX);
        loop {
            let judged = case.judge(self.addr).await?;
            if judged.0.ok || since.elapsed() > self.patience {
                return Ok(judged);
            }
            feed.skip_to_end().await?;
            feed.next(SETTLE_POLL).await?;
        }
    }
}

impl Run {
    pub(super) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next order to place, and its number.
    pub(super) fn take(&self) -> Option<(usize, Order)> {
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let order = self.orders.get(*next)?.clone();
        *next += 1;
        Some((*next, order))
    }

    /// Makes the products known and puts their opening stock on the shelves, over as many connections as orders come by.
    async fn prepare(self: &Arc<Self>, products: &[Product]) -> Result<(), ShopError> {
        let share = products.len().div_ceil(self.chaos.connections.max(1)).max(1);
        let mut workers = JoinSet::new();
        for products in products.chunks(share) {
            let (run, products) = (Arc::clone(self), products.to_vec());
            workers.spawn(async move { Worker::new(&run, u64::MAX).open(&products).await });
        }
        while let Some(opened) = workers.join_next().await {
            opened.map_err(|error| CallError::Malformed(format!("a worker ended: {error}")))??;
        }
        self.log().counts.receipts = 0;
        Ok(())
    }
}
