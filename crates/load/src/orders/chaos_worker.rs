//! One worker of the chaos: places, cancels and receives, each command repeated until it is acknowledged.

use std::collections::BTreeMap;
use std::time::Instant;

use comanda_contracts::{
    AdjustmentRequest, OrderPolicy, OrderPriority, PlaceOrderLine, PlaceOrderRequest, ReasonCode, RegisterSku,
};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::chaos::{ATTEMPTS_MAX, Run, SETTLE_POLL};
use super::chaos_judge::is_final;
use super::feed::Feed;
use crate::call::{Answer, Call, CallError};
use crate::order::{Order, Product};
use crate::shop::{Shop, ShopError, success};
use crate::tally::problem_code;

/// A worker may cancel one of this many latest orders of its own.
const REMEMBERED_MAX: usize = 32;

/// One of those who place orders: a connection of its own, and lots of its own.
pub(super) struct Worker<'a> {
    run: &'a Run,
    shop: Shop,
    rng: ChaCha8Rng,
    latest: Vec<String>,
}

impl<'a> Worker<'a> {
    /// Worker `number` of `run`.
    pub(super) fn new(run: &'a Run, number: u64) -> Self {
        let seed = run.chaos.seed ^ number.rotate_left(40);
        Self { run, shop: Shop::new(run.chaos.addr), rng: ChaCha8Rng::seed_from_u64(seed), latest: Vec::new() }
    }

    /// Makes products known and puts their opening stock on the shelves.
    pub(super) async fn open(mut self, products: &[Product]) -> Result<(), ShopError> {
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

    /// Places orders until none is left, and cancels some of its own.
    pub(super) async fn work(mut self) -> Result<(), ShopError> {
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
    pub(super) async fn receive_what_was_backordered(&mut self) -> Result<(), ShopError> {
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
    pub(super) async fn settle(&mut self, since: Instant) -> Result<Vec<String>, ShopError> {
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

    /// Makes a share of all orders ready to ship.
    pub(super) async fn make_ready(&mut self) -> Result<(), ShopError> {
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
