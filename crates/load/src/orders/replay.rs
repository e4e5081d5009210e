//! Replays a shop's history as real orders through both contexts, in the history's order for each SKU.
//!
//! A document that shares a SKU with an earlier one waits until the feed has told what became of that one. A whole
//! cancellation cancels its order and ends when Inventory has taken the stock back; any other gives its units back as an
//! adjustment, exactly as the independent count has it.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use comanda_contracts::{OrderPolicy, PlaceOrderLine, PlaceOrderRequest};
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::feed::Feed;
use super::watch::{OrderOutcome, Told, Watch};
use crate::order::{Entry, OpenOrders, Order, Product};
use crate::orders_file::OrdersFileError;
use crate::pipeline::{Pipeline, StepId};
use crate::replay::{Progress, Replay, ReplayError, WINDOW, steps_of};
use crate::replay_step::{Done, Step};
use crate::shop::{Shop, ShopError};
use crate::shortages::ShortLine;
use crate::tally::{Latencies, Latency};

/// At most this many documents are under way at once; connections are held only while a call is.
const UNDER_WAY_MAX: usize = 512;
/// How long the feed may take to tell what became of an order.
const OUTCOME_WAIT_MAX: Duration = Duration::from_secs(120);

/// Where and how to replay orders.
#[derive(Clone, Debug)]
pub struct OrderReplay {
    /// The server, which serves both contexts.
    pub addr: SocketAddr,
    /// Stands before every order id and idempotency key, so that two replays do not meet.
    pub name: String,
    /// How many connections carry commands; two more follow the feeds.
    pub connections: usize,
    /// Over these locations the opening stock is spread evenly; the first also takes what is given back. An empty list
    /// means `main`.
    pub locations: Vec<String>,
    /// Whether each SKU gets a bin at each location when it is opened, so that pick lists have a route.
    pub bins: bool,
}

/// What came of a replay of orders.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderReplayReport {
    /// SKUs registered.
    pub skus: u64,
    /// Orders placed.
    pub placed: u64,
    /// Their lines.
    pub lines: u64,
    /// Orders of which every unit was reserved.
    pub reserved: u64,
    /// Orders of which some units were reserved.
    pub partially_reserved: u64,
    /// Orders of which nothing was reserved.
    pub rejected: u64,
    /// Orders of which units waited for stock.
    pub backordered: u64,
    /// Cancellations, of whole orders or parts.
    pub cancels: u64,
    /// Of these, how many cancelled an order. The others gave units back by adjustment, or their order had got nothing.
    pub cancelled: u64,
    /// Changes of stock.
    pub changes: u64,
    /// Orders with a short line, the rejected ones included.
    pub short_orders: u64,
    /// Each line that did not get all it asked for, sorted by order and line.
    pub short_lines: Vec<ShortLine>,
    /// How long it took, in seconds.
    pub elapsed_s: f64,
    /// Orders placed and answered for per second, the opening of the shop and all cancellations included in the time.
    pub orders_per_s: f64,
    /// From the intended send of an order to the instant the feed showed what became of it.
    pub latency: Latency,
}

/// What a document did.
enum Effect {
    Placed { order: Order, outcome: OrderOutcome, latency: Duration },
    Cancelled,
    Nothing,
    Stock(Done),
}

type Ended = (StepId, Result<Effect, ReplayError>);

/// What every document under way shares.
struct Run {
    replay: OrderReplay,
    watch: Watch,
    turns: Semaphore,
    idle: Mutex<Vec<Shop>>,
}

impl OrderReplay {
    /// A replay against `addr` over 32 connections with all stock at `main`.
    #[must_use]
    pub fn new(addr: SocketAddr, name: impl Into<String>) -> Self {
        Self { addr, name: name.into(), connections: 32, locations: vec!["main".to_owned()], bins: false }
    }

    /// Opens with `products`, replays `entries` (their number, if known, is for `progress` alone) and counts.
    ///
    /// # Errors
    /// [`ReplayError`]; documents that were under way are abandoned.
    pub async fn run(
        &self,
        products: Vec<Product>,
        entries: impl Iterator<Item = Result<Entry, OrdersFileError>>,
        entry_count: Option<u64>,
        mut progress: impl FnMut(Progress),
    ) -> Result<OrderReplayReport, ReplayError> {
        let started = Instant::now();
        let total = entry_count.map(|entries| entries + products.len() as u64);
        // The followers end with this set.
        let mut followers = JoinSet::new();
        let run = Arc::new(self.open(&mut followers).await?);
        let mut open = OpenOrders::default();
        let openings = products.into_iter().map(|product| Ok(Step::Open(product)));
        let mut steps = openings.chain(entries.flat_map(|entry| match entry {
            Ok(entry) => steps_of(entry, &mut open).into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        }));
        let mut pipeline = Pipeline::new();
        let mut running: FuturesUnordered<BoxFuture<'static, Ended>> = FuturesUnordered::new();
        let mut rejected = HashSet::new();
        let (mut report, mut latencies) = (OrderReplayReport::default(), Latencies::default());
        loop {
            while pipeline.len() < WINDOW {
                let Some(step) = steps.next().transpose()? else { break };
                // An order commits its stock at once: there is nothing to confirm.
                if !matches!(step, Step::Confirm { .. }) {
                    let keys = step.keys();
                    pipeline.push(step, keys);
                }
            }
            while running.len() < UNDER_WAY_MAX {
                let Some((id, step)) = pipeline.start() else { break };
                let nothing = step.settles().is_some_and(|order_id| rejected.remove(order_id));
                running.push(Arc::clone(&run).start(id, step, nothing));
            }
            let Some((id, effect)) = running.next().await else { break };
            let effect = effect?;
            pipeline.end(id);
            if let Effect::Placed { order, outcome, .. } = &effect
                && outcome.reserved == 0
            {
                rejected.insert(order.id.clone());
            }
            report.add(effect, &mut latencies);
            progress(Progress { done: report.documents(), total });
        }
        report.short_lines.sort_unstable();
        report.elapsed_s = started.elapsed().as_secs_f64();
        report.orders_per_s = report.placed as f64 / report.elapsed_s;
        report.latency = latencies.summary();
        Ok(report)
    }

    async fn open(&self, followers: &mut JoinSet<()>) -> Result<Run, ReplayError> {
        let stock = Replay { locations: self.locations.clone(), ..Replay::new(self.addr, self.name.clone()) };
        stock.open_locations().await?;
        let watch = Watch::default();
        for context in ["inventory", "fulfillment"] {
            let mut feed = Feed::of(self.addr, context);
            let step = format!("reading the feed of {context}");
            feed.skip_to_end().await.map_err(|source| ReplayError::Shop { step, source })?;
            followers.spawn(watch.clone().follow(feed, context));
        }
        let connections = self.connections.max(1);
        let idle = Mutex::new((0..connections).map(|_| Shop::new(self.addr)).collect());
        Ok(Run { replay: self.clone(), watch, turns: Semaphore::new(connections), idle })
    }
}

impl Run {
    fn start(self: Arc<Self>, id: StepId, step: Step, nothing: bool) -> BoxFuture<'static, Ended> {
        let intended = Instant::now();
        Box::pin(async move {
            if nothing {
                return (id, Ok(Effect::Nothing));
            }
            let name = step.to_string();
            (id, self.act(step, intended, &name).await)
        })
    }

    async fn act(&self, step: Step, intended: Instant, name: &str) -> Result<Effect, ReplayError> {
        let failed = |source| ReplayError::Shop { step: name.to_owned(), source };
        match step {
            Step::Reserve(order) => {
                let request = self.request(&order);
                let units = order.lines.iter().map(|line| line.quantity).sum();
                let told = self.watch.outcome(self.order_id(&order.id), units);
                self.with_shop(async |shop| shop.place_order(&request).await.map(drop)).await.map_err(failed)?;
                let outcome = wait(told, name).await?;
                let latency = outcome.seen.saturating_duration_since(intended);
                Ok(Effect::Placed { order, outcome, latency })
            }
            Step::Release { order_id, .. } => {
                let order_id = self.order_id(&order_id);
                let told = self.watch.release(order_id.clone());
                self.with_shop(async |shop| shop.cancel_order(&order_id).await).await.map_err(failed)?;
                wait(told, name).await?;
                Ok(Effect::Cancelled)
            }
            step => {
                let done = self.with_shop(async |shop| self.change_stock(shop, &step).await).await.map_err(failed)?;
                Ok(Effect::Stock(done))
            }
        }
    }

    async fn change_stock(&self, shop: &mut Shop, step: &Step) -> Result<Done, ShopError> {
        if let Step::Change(change) = step
            && change.delta < 0
        {
            // What is available must be read as the orders before have left it: they were answered for by Inventory's
            // own events, so its feed up to now says enough.
            let mut feed = Feed::of(self.replay.addr, "inventory").after(self.watch.cursor("inventory"));
            shop.see(feed.skip_to_end().await?);
        }
        let done = step.run(shop, &self.replay.name, &self.replay.locations).await?;
        if let Step::Open(product) = step
            && self.replay.bins
        {
            for location in &self.replay.locations {
                shop.assign_bin(&product.sku, location, &bin_of(&product.sku)).await?;
            }
        }
        Ok(done)
    }

    /// Lends `act` a connection, in turn.
    async fn with_shop<T>(&self, act: impl AsyncFnOnce(&mut Shop) -> Result<T, ShopError>) -> Result<T, ShopError> {
        let _turn = self.turns.acquire().await;
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut shop = idle.unwrap_or_else(|| Shop::new(self.replay.addr));
        let result = act(&mut shop).await;
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(shop);
        result
    }

    fn order_id(&self, id: &str) -> String {
        format!("{}:{id}", self.replay.name)
    }

    fn request(&self, order: &Order) -> PlaceOrderRequest {
        let lines = order.lines.iter().enumerate().map(|(place, line)| PlaceOrderLine {
            line_id: Some((place + 1).to_string()),
            sku: line.sku.clone(),
            quantity: line.quantity,
        });
        PlaceOrderRequest {
            order_id: Some(self.order_id(&order.id)),
            lines: lines.collect(),
            policy: Some(OrderPolicy::ShipAvailable),
            ..PlaceOrderRequest::default()
        }
    }
}

/// A bin that follows from the name of the SKU, `zone-aisle-bay-level`: neighbours in the catalogue lie apart.
fn bin_of(sku: &str) -> String {
    let mixed = sku.bytes().fold(7_u32, |mixed, byte| mixed.wrapping_mul(31).wrapping_add(u32::from(byte)));
    let zone = ["A", "B", "C", "D"].get(mixed as usize % 4).copied().unwrap_or("A");
    let (aisle, bay, level) = (mixed / 4 % 12 + 1, mixed / 48 % 20 + 1, mixed / 960 % 4 + 1);
    format!("{zone}-{aisle:02}-{bay:02}-{level}")
}

async fn wait<T>(told: Told<T>, step: &str) -> Result<T, ReplayError> {
    let missing = || ReplayError::NoOutcome { step: step.to_owned(), after: OUTCOME_WAIT_MAX };
    let told = timeout(OUTCOME_WAIT_MAX, told).await.map_err(|_| missing())?.map_err(|_| missing())?;
    told.map_err(|source| ReplayError::Shop { step: step.to_owned(), source })
}

impl OrderReplayReport {
    /// Products and entries that are done.
    fn documents(&self) -> u64 {
        self.skus + self.placed + self.cancels + self.changes
    }

    fn add(&mut self, effect: Effect, latencies: &mut Latencies) {
        match effect {
            Effect::Placed { order, outcome, latency } => {
                latencies.record(latency);
                self.placed += 1;
                self.lines += order.lines.len() as u64;
                let short = short_lines(&order, &outcome);
                self.reserved += u64::from(outcome.reserved > 0 && short.is_empty());
                self.partially_reserved += u64::from(outcome.reserved > 0 && !short.is_empty());
                self.rejected += u64::from(outcome.reserved == 0);
                self.backordered += u64::from(outcome.backordered > 0);
                self.short_orders += u64::from(!short.is_empty());
                self.short_lines.extend(short);
            }
            Effect::Cancelled => {
                self.cancels += 1;
                self.cancelled += 1;
            }
            Effect::Nothing => self.cancels += 1,
            Effect::Stock(Done::Opened) => self.skus += 1,
            Effect::Stock(Done::GaveBack { last }) => self.cancels += u64::from(last),
            Effect::Stock(Done::Changed) => self.changes += 1,
            Effect::Stock(_) => {}
        }
    }
}

/// The lines of `order` of which units were rejected.
fn short_lines(order: &Order, outcome: &OrderOutcome) -> Vec<ShortLine> {
    let mut short = Vec::new();
    for (place, line) in order.lines.iter().enumerate() {
        let id = (place + 1).to_string();
        let of_line = outcome.rejected.iter().filter(|rejected| rejected.line_id == id);
        let missing: i64 = of_line.map(|rejected| rejected.quantity).sum();
        if missing > 0 {
            let (order_id, sku, held) = (order.id.clone(), line.sku.clone(), line.quantity - missing);
            short.push(ShortLine { order_id, line: place + 1, sku, requested: line.quantity, held });
        }
    }
    short
}
