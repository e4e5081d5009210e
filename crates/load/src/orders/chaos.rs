//! Orders placed while servers die: mixed policies, duplicates, cancels and receipts, repeated until acknowledged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use comanda_contracts::{
    AdjustmentRequest, OrderPolicy, OrderPriority, PlaceOrderLine, PlaceOrderRequest, ReasonCode, RegisterSku,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use tokio::task::JoinSet;

use super::chaos_judge::{OrdersCase, is_final};
use super::feed::Feed;
use crate::call::{Answer, Call, CallError};
use crate::judge::{Check, Verdict};
use crate::order::{Order, OrderKind, Product};
use crate::shop::{Shop, ShopError, success};
use crate::tally::problem_code;

/// A worker may cancel one of this many latest orders of its own.
const REMEMBERED_MAX: usize = 32;
/// A question is asked at most this often, some two minutes in all: the server may be killed and come back meanwhile.
const ATTEMPTS_MAX: u32 = 70;
/// How long the feed is listened to before the orders that were not final are looked at again.
const SETTLE_POLL: Duration = Duration::from_secs(1);

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
struct Run {
    chaos: Chaos,
    orders: Vec<Order>,
    log: Mutex<Log>,
    next: Mutex<usize>,
}

#[derive(Default)]
struct Log {
    counts: ChaosCounts,
    case: OrdersCase,
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
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Option<(usize, Order)> {
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

struct Worker<'a> {
    run: &'a Run,
    shop: Shop,
    rng: ChaCha8Rng,
    latest: Vec<String>,
}

impl<'a> Worker<'a> {
    fn new(run: &'a Run, number: u64) -> Self {
        let seed = run.chaos.seed ^ number.rotate_left(40);
        Self { run, shop: Shop::new(run.chaos.addr), rng: ChaCha8Rng::seed_from_u64(seed), latest: Vec::new() }
    }

    async fn open(mut self, products: &[Product]) -> Result<(), ShopError> {
        for product in products {
            let sku = RegisterSku { sku: product.sku.clone(), ..RegisterSku::default() };
            let answer = self.until_answered(&Call::post_json("/v1/skus", &sku)?).await?;
            success("POST /v1/skus", answer)?;
            self.run.log().case.received.entry(product.sku.clone()).or_default();
            if product.opening > 0 {
                self.receive(&product.sku, product.opening, &format!("open:{}", product.sku)).await?;
            }
        }
        Ok(())
    }

    async fn work(mut self) -> Result<(), ShopError> {
        while let Some((number, order)) = self.run.take() {
            self.place(number, &order).await?;
            let cancels = self.run.chaos.cancels.clamp(0.0, 1.0);
            if self.rng.random_bool(cancels) && !self.latest.is_empty() {
                let which = self.rng.random_range(0..self.latest.len());
                let order_id = self.latest.swap_remove(which);
                self.cancel(&order_id).await?;
            }
        }
        Ok(())
    }

    async fn place(&mut self, number: usize, order: &Order) -> Result<(), ShopError> {
        // By number, so that who places it does not decide what it is.
        let policies = [OrderPolicy::ShipComplete, OrderPolicy::ShipAvailable, OrderPolicy::Backorder];
        let priorities = [OrderPriority::Express, OrderPriority::Standard, OrderPriority::Economy];
        let policy = policies.get(number % 3).copied();
        let order_id = format!("{}:{}", self.run.chaos.name, order.id);
        let lines = order.lines.iter().enumerate().map(|(place, line)| PlaceOrderLine {
            line_id: Some((place + 1).to_string()),
            sku: line.sku.clone(),
            quantity: line.quantity,
        });
        let request = PlaceOrderRequest {
            order_id: Some(order_id.clone()),
            lines: lines.collect(),
            policy,
            priority: priorities.get(number / 3 % 3).copied(),
            ..PlaceOrderRequest::default()
        };
        self.command(&Call::post_json("/v1/orders", &request)?, &[]).await?;
        {
            let mut log = self.run.log();
            log.counts.placed += 1;
            log.case.orders.insert(order_id.clone(), request);
        }
        if self.latest.len() == REMEMBERED_MAX {
            self.latest.swap_remove(0);
        }
        self.latest.push(order_id.clone());
        // Some goods come in while others are still ordering.
        if policy == Some(OrderPolicy::Backorder) && self.rng.random_bool(0.3) {
            for (place, line) in order.lines.iter().enumerate() {
                self.receive(&line.sku, line.quantity, &format!("receipt:{order_id}:{place}")).await?;
            }
        }
        Ok(())
    }

    async fn cancel(&mut self, order_id: &str) -> Result<(), ShopError> {
        let call = Call::post(format!("/v1/orders/{order_id}/cancel"), "");
        let done = self.command(&call, &["WRONG_TRANSITION"]).await?;
        let mut log = self.run.log();
        log.counts.cancelled += u64::from(done);
        log.counts.cancels_refused += u64::from(!done);
        if done {
            log.case.cancelled.insert(order_id.to_owned());
        }
        Ok(())
    }

    /// Brings in, per SKU, all that was ever ordered to be backordered: no backorder can then be left.
    async fn receive_what_was_backordered(&mut self) -> Result<(), ShopError> {
        let mut units = BTreeMap::<String, i64>::new();
        for order in self.run.log().case.orders.values().filter(|order| order.policy == Some(OrderPolicy::Backorder)) {
            for line in &order.lines {
                *units.entry(line.sku.clone()).or_default() += line.quantity;
            }
        }
        for (sku, units) in units {
            self.receive(&sku, units, &format!("receipt:{sku}")).await?;
        }
        Ok(())
    }

    /// Looks at every order until each is final; gives back those that are not in time.
    ///
    /// Goods keep coming for what still waits: an order may have missed the news of the last, and would wait long.
    async fn settle(&mut self, since: Instant) -> Result<Vec<String>, ShopError> {
        let addr = self.run.chaos.addr;
        let mut shop = Shop::new(addr).with_attempts(ATTEMPTS_MAX);
        let mut feed = Feed::of(addr, "fulfillment").with_attempts(ATTEMPTS_MAX);
        let mut left: Vec<String> = self.run.log().case.orders.keys().cloned().collect();
        for round in 0.. {
            shop.see(feed.skip_to_end().await?);
            let (mut waiting, mut wanted) = (Vec::new(), BTreeMap::<String, i64>::new());
            for order_id in left {
                // One that is not there cannot become final: the judge names it.
                if let Some(order) = shop.order(&order_id).await?.filter(|order| !is_final(order)) {
                    for line in order.lines.iter().filter(|line| line.backordered > 0) {
                        *wanted.entry(line.sku.clone()).or_default() += line.backordered;
                    }
                    waiting.push(order_id);
                }
            }
            left = waiting;
            if left.is_empty() || since.elapsed() > self.run.chaos.patience {
                break;
            }
            feed.next(SETTLE_POLL).await?;
            for (sku, units) in wanted {
                self.receive(&sku, units, &format!("again:{round}:{sku}")).await?;
            }
        }
        Ok(left)
    }

    async fn make_ready(&mut self) -> Result<(), ShopError> {
        let orders: Vec<String> = self.run.log().case.orders.keys().cloned().collect();
        for order_id in orders {
            if self.rng.random_bool(self.run.chaos.ready.clamp(0.0, 1.0)) {
                let call = Call::post(format!("/v1/orders/{order_id}/ready-to-ship"), "");
                let done = self.command(&call, &["WRONG_TRANSITION"]).await?;
                self.run.log().counts.ready += u64::from(done);
            }
        }
        Ok(())
    }

    async fn receive(&mut self, sku: &str, units: i64, key: &str) -> Result<(), ShopError> {
        let receipt = AdjustmentRequest {
            sku: sku.to_owned(),
            location_id: None,
            delta: Some(units),
            set: None,
            expected: None,
            reason_code: ReasonCode::Received,
            reference_uri: None,
        };
        let key = format!("{}:{key}", self.run.chaos.name);
        let call = Call::post_json("/v1/stock/adjustments", &receipt)?.with_idempotency_key(&key)?;
        if self.command(&call, &[]).await? {
            let mut log = self.run.log();
            log.counts.receipts += 1;
            *log.case.received.entry(sku.to_owned()).or_default() += units;
        }
        Ok(())
    }

    /// Sends a command until it is answered, and now and then once more: the success must be the same. False when it was
    /// refused; a refusal whose code is not among `foreseen` is noted.
    async fn command(&mut self, call: &Call, foreseen: &[&str]) -> Result<bool, ShopError> {
        let answer = self.until_answered(call).await?;
        if !answer.is_success() {
            let code = problem_code(&answer).unwrap_or_default();
            if !foreseen.contains(&code.as_str()) {
                self.unexpected(format!("{} {code}", answer.status));
            }
            return Ok(false);
        }
        if self.rng.random_bool(self.run.chaos.duplicates.clamp(0.0, 1.0)) {
            self.run.log().counts.duplicates += 1;
            let again = self.until_answered(call).await?;
            if again.status != answer.status {
                self.unexpected(format!("{} after {}", again.status, answer.status));
            }
        }
        Ok(true)
    }

    async fn until_answered(&mut self, call: &Call) -> Result<Answer, ShopError> {
        let deadline = Instant::now() + self.run.chaos.patience;
        loop {
            // Each ask repeats and pauses by itself.
            match self.shop.ask(call).await {
                Ok(answer) if answer.status != 503 => return Ok(answer),
                Err(error @ (CallError::Malformed(_) | CallError::Unreadable { .. })) => return Err(error.into()),
                Err(error) if Instant::now() > deadline => return Err(error.into()),
                Ok(answer) if Instant::now() > deadline => return success("a command", answer),
                _ => {}
            }
        }
    }

    fn unexpected(&self, what: String) {
        *self.run.log().counts.unexpected.entry(what).or_default() += 1;
    }
}
