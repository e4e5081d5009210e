//! Replays a shop's history against a server: opens with its stock, then every order is a reservation that is confirmed.
//!
//! A cancellation that undoes a whole order releases that reservation; any other gives its units back as an adjustment.
//! What touches the same SKU keeps its order (see `pipeline.rs`). Every call may be repeated, so a lost answer changes nothing.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use comanda_contracts::RegisterLocation;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use hyper::header::HeaderValue;
use serde::Serialize;

use crate::order::{Entry, OpenOrders, OrderKind, Product};
use crate::orders_file::OrdersFileError;
use crate::pipeline::{Pipeline, StepId};
use crate::replay_step::{Done, Key, Step};
use crate::shop::{Shop, ShopError};
use crate::shortages::ShortLine;
use crate::tally::{Latencies, Latency};

/// How far the replay reads ahead of the oldest step that has not ended.
pub(crate) const WINDOW: usize = 2_048;

/// Where and how to replay.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The server.
    pub addr: SocketAddr,
    /// Stands before every reservation id and idempotency key, so that two replays do not meet.
    pub name: String,
    /// How many connections work at once.
    pub connections: usize,
    /// Over these locations the opening stock is spread evenly; the first also takes what is given back. Those other than
    /// `main` are registered. Never empty: an empty list means `main`.
    pub locations: Vec<String>,
}

/// What came of a replay.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReplayReport {
    /// SKUs registered.
    pub skus: u64,
    /// Orders sent.
    pub orders: u64,
    /// Their lines.
    pub lines: u64,
    /// Orders of which at least one line got something; all of them were confirmed.
    pub accepted: u64,
    /// Orders that got nothing.
    pub rejected: u64,
    /// Orders with a short line, the rejected ones included.
    pub short_orders: u64,
    /// Each line that did not get all it asked for, sorted by order and line.
    pub short_lines: Vec<ShortLine>,
    /// Cancellations.
    pub cancels: u64,
    /// Of these, how many released a reservation. The others gave units back by adjustment, or their order had got nothing.
    pub released: u64,
    /// Changes of stock.
    pub changes: u64,
    /// How long it took, in seconds.
    pub elapsed_s: f64,
    /// Of the reservations: from the send to the answer.
    pub latency: Latency,
}

/// Why a replay stopped.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The orders cannot be read on.
    #[error(transparent)]
    File(#[from] OrdersFileError),
    /// The server could not be asked, or refused what must not be refused.
    #[error("the replay stopped at {step}: {source}")]
    Shop {
        /// What it was doing.
        step: String,
        /// What went wrong.
        source: ShopError,
    },
    /// The feed did not tell in time what became of an order.
    #[error("the replay stopped at {step}: the feed has not told its outcome within {} s", .after.as_secs())]
    NoOutcome {
        /// What it waited for.
        step: String,
        /// How long.
        after: Duration,
    },
}

/// How far a replay is: steps that have ended, of how many, where the caller told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Products opened, orders, cancellations and changes done.
    pub done: u64,
    /// All of them, if known.
    pub total: Option<u64>,
}

type Ended = (StepId, Shop, Result<Done, ReplayError>);
type Running = FuturesUnordered<BoxFuture<'static, Ended>>;

/// What the steps so far have taught those to come.
#[derive(Default)]
struct Known {
    /// The token of the last command on each SKU: a change that must know what is available reads with it.
    tokens: HashMap<String, HeaderValue>,
    /// The orders that got nothing: there is no reservation to confirm or release.
    rejected: HashSet<String>,
}

impl Known {
    fn learn(&mut self, done: &Done, keys: Vec<Key>, shop: &Shop) {
        if let Done::Reserved { order_id, accepted: false, .. } = done {
            self.rejected.insert(order_id.clone());
        }
        let Some(token) = shop.token() else { return };
        for key in keys {
            if let Key::Sku(sku) = key {
                self.tokens.insert(sku, token.clone());
            }
        }
    }
}

impl Replay {
    /// A replay against `addr` over 16 connections with all stock at `main`.
    #[must_use]
    pub fn new(addr: SocketAddr, name: impl Into<String>) -> Self {
        Self { addr, name: name.into(), connections: 16, locations: vec!["main".to_owned()] }
    }

    /// Opens with `products`, replays `entries` (their number, if known, is for `progress` alone) and counts.
    ///
    /// # Errors
    /// [`ReplayError`]; steps that were under way are abandoned.
    pub async fn run(
        &self,
        products: Vec<Product>,
        entries: impl Iterator<Item = Result<Entry, OrdersFileError>>,
        entry_count: Option<u64>,
        mut progress: impl FnMut(Progress),
    ) -> Result<ReplayReport, ReplayError> {
        let started = Instant::now();
        self.open_locations().await?;
        let total = entry_count.map(|entries| entries + products.len() as u64);
        let mut open = OpenOrders::default();
        let openings = products.into_iter().map(|product| Ok(Step::Open(product)));
        let mut steps = openings.chain(entries.flat_map(|entry| match entry {
            Ok(entry) => steps_of(entry, &mut open).into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        }));

        let mut pipeline = Pipeline::new();
        let mut idle: Vec<Shop> = (0..self.connections.max(1)).map(|_| Shop::new(self.addr)).collect();
        let mut running = Running::new();
        let mut known = Known::default();
        let mut report = ReplayReport::default();
        let mut latencies = Latencies::default();
        loop {
            while pipeline.len() < WINDOW {
                let Some(step) = steps.next().transpose()? else { break };
                let keys = step.keys();
                pipeline.push(step, keys);
            }
            while let Some(shop) = idle.pop() {
                let Some((id, step)) = pipeline.start() else {
                    idle.push(shop);
                    break;
                };
                running.push(self.start(id, step, shop, &known));
            }
            let Some((id, shop, result)) = running.next().await else { break };
            let done = result?;
            known.learn(&done, pipeline.end(id), &shop);
            report.add(done, &mut latencies);
            idle.push(shop);
            progress(Progress { done: report.entries(), total });
        }
        report.short_lines.sort_unstable();
        report.elapsed_s = started.elapsed().as_secs_f64();
        report.latency = latencies.summary();
        Ok(report)
    }

    fn start(&self, id: StepId, step: Step, mut shop: Shop, known: &Known) -> BoxFuture<'static, Ended> {
        let changed = if let Step::Change(change) = &step { known.tokens.get(&change.sku) } else { None };
        shop.see(changed.cloned());
        let nothing = step.settles().is_some_and(|order_id| known.rejected.contains(order_id));
        let (name, locations) = (self.name.clone(), self.locations.clone());
        Box::pin(async move {
            if nothing {
                let cancel = matches!(step, Step::Release { .. });
                return (id, shop, Ok(Done::Nothing { cancel }));
            }
            let result = step.run(&mut shop, &name, &locations).await;
            let result = result.map_err(|source| ReplayError::Shop { step: step.to_string(), source });
            (id, shop, result)
        })
    }

    pub(crate) async fn open_locations(&self) -> Result<(), ReplayError> {
        let mut shop = Shop::new(self.addr);
        for location in self.locations.iter().filter(|location| *location != "main") {
            let registration = RegisterLocation { location_id: location.clone(), ..RegisterLocation::default() };
            let step = format!("registering location {location}");
            shop.register_location(&registration).await.map_err(|source| ReplayError::Shop { step, source })?;
        }
        Ok(())
    }
}

pub(crate) fn steps_of(entry: Entry, open: &mut OpenOrders) -> Vec<Step> {
    let order = match entry {
        Entry::Change(change) => return vec![Step::Change(change)],
        Entry::Order(order) => order,
    };
    if order.kind == OrderKind::Order {
        open.placed(&order);
        let order_id = order.id.clone();
        return vec![Step::Reserve(order), Step::Confirm { order_id }];
    }
    if let Some(order_id) = open.undone_by(&order) {
        return vec![Step::Release { order_id, cancel: order }];
    }
    let count = order.lines.len();
    let line = |(place, line)| Step::GiveBack { cancel_id: order.id.clone(), place, line, last: place + 1 == count };
    order.lines.into_iter().enumerate().map(line).collect()
}

impl ReplayReport {
    /// Products and entries that are done.
    fn entries(&self) -> u64 {
        self.skus + self.orders + self.cancels + self.changes
    }

    fn add(&mut self, done: Done, latencies: &mut Latencies) {
        match done {
            Done::Opened => self.skus += 1,
            Done::Reserved { lines, latency, short, accepted, .. } => {
                self.orders += 1;
                self.lines += lines as u64;
                self.accepted += u64::from(accepted);
                self.rejected += u64::from(!accepted);
                self.short_orders += u64::from(!short.is_empty());
                self.short_lines.extend(short);
                latencies.record(latency);
            }
            Done::Confirmed => {}
            Done::Nothing { cancel } => self.cancels += u64::from(cancel),
            Done::Released => {
                self.cancels += 1;
                self.released += 1;
            }
            Done::GaveBack { last } => self.cancels += u64::from(last),
            Done::Changed => self.changes += 1,
        }
    }
}
