//! The flash sale: thousands of buyers at once for a few units of one SKU, retries and duplicates among them.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use comanda_contracts::{AdjustmentRequest, ReasonCode, RegisterSku, ReservationState, ReserveLine, ReserveRequest};
use hyper::header::HeaderValue;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::buyers::{Buyer, Told};
use crate::call::{Answer, Call, CallError};
use crate::judge::{Case, Check, Expected, Judge, Verdict};
use crate::open_model::connect;
use crate::shop::{Shop, ShopError};
use crate::tally::Latency;

/// A buyer who gives up waits this long for the answer before asking again.
const PATIENCE: Duration = Duration::from_millis(2);

/// A sale to hold.
///
/// ```no_run
/// # async fn example() -> Result<(), comanda_load::ShopError> {
/// let sale = comanda_load::FlashSale::new(([127, 0, 0, 1], 8080).into(), "CONCERT-TICKET");
/// sale.prepare().await?;
/// let report = sale.run().await?;
/// let verdict = sale.judge(&report).await?;
/// assert_eq!((report.accepted, verdict.oversold), (500, 0));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct FlashSale {
    /// The server.
    pub addr: SocketAddr,
    /// What is sold; it must be new, or be left from a sale of the same name.
    pub sku: String,
    /// Units on sale.
    pub stock: i64,
    /// Buyers, each wanting one unit.
    pub buyers: usize,
    /// Connections they come through.
    pub connections: usize,
    /// The share of buyers who ask again, half of them after the answer, half after giving up on it: 0 to 1.
    pub retries: f64,
    /// The share of buyers whose request arrives twice at the same time: 0 to 1.
    pub duplicates: f64,
    /// Who does what.
    pub seed: u64,
}

impl FlashSale {
    /// 500 units of `sku`, 5,000 buyers over 256 connections, one in five asking again, one in ten sent twice.
    #[must_use]
    pub fn new(addr: SocketAddr, sku: impl Into<String>) -> Self {
        let sku = sku.into();
        Self { addr, sku, stock: 500, buyers: 5_000, connections: 256, retries: 0.2, duplicates: 0.1, seed: 1 }
    }
}

/// What came of a sale, as its buyers saw it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct FlashSaleReport {
    /// What was sold.
    pub sku: String,
    /// Units that were on sale.
    pub stock: i64,
    /// Buyers.
    pub buyers: usize,
    /// Buyers who got a unit.
    pub accepted: usize,
    /// Buyers who were told that there is none left.
    pub rejected: usize,
    /// Buyers who have no answer, however often they asked.
    pub unanswered: usize,
    /// Second requests that were answered with the same success as the first.
    pub duplicates_answered_again: usize,
    /// Requests whose buyer did not wait for the answer, and asked again.
    pub given_up: usize,
    /// Answers that must not occur, by kind.
    pub unexpected: BTreeMap<String, usize>,
    /// Requests that were answered.
    pub answers: u64,
    /// From the opening of the sale to the last answer, in seconds.
    pub elapsed_s: f64,
    /// Answered requests per second.
    pub reservations_per_s: f64,
    /// From the send to the answer.
    pub latency: Latency,
    /// From the opening of the sale, when every buyer came, to the answer: the time in the queue counts.
    pub wait: Latency,
    /// What the judge needs to know.
    #[serde(skip)]
    pub case: Case,
}

/// How one request is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Manner {
    Once,
    AgainAfterAnswer,
    AgainAfterGivingUp,
}

/// What the connections of one sale share.
struct Sale {
    opened: Instant,
    calls: Vec<Call>,
    /// Which buyer's request goes next, and how.
    queue: Vec<(usize, Manner)>,
    next: AtomicUsize,
    told: Mutex<Told>,
}

impl FlashSale {
    /// Registers the SKU and puts the stock on its shelf.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn prepare(&self) -> Result<(), ShopError> {
        let mut shop = Shop::new(self.addr);
        open_sku(&mut shop, &self.sku, self.stock).await
    }

    /// Lets every buyer in at once, and returns when each has had an answer or has given up for good.
    ///
    /// # Errors
    /// [`ShopError`] when the connections cannot be made.
    pub async fn run(&self) -> Result<FlashSaleReport, ShopError> {
        let calls = (0..self.buyers).map(|buyer| self.call(buyer)).collect::<Result<_, CallError>>()?;
        let told = Mutex::new(Told { buyers: vec![Buyer::default(); self.buyers], ..Told::default() });
        let clients = connect(self.addr, self.connections.max(1)).await?;
        let (queue, next) = (self.queue(), AtomicUsize::new(0));
        let sale = Arc::new(Sale { opened: Instant::now(), calls, queue, next, told });
        let mut workers = JoinSet::new();
        for client in clients {
            let sale = Arc::clone(&sale);
            workers.spawn(async move { sale.serve(Shop::over(client)).await });
        }
        while workers.join_next().await.is_some() {}
        let elapsed_s = sale.opened.elapsed().as_secs_f64();
        let told = std::mem::take(&mut *sale.told.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(self.report(told, elapsed_s))
    }

    /// Asks the server whether it has kept every promise of `report`.
    ///
    /// # Errors
    /// [`ShopError`] when it cannot be asked.
    pub async fn judge(&self, report: &FlashSaleReport) -> Result<Verdict, ShopError> {
        let verdict = Judge::of(self.addr).judge(&report.case).await?;
        let sold_max = usize::try_from(self.stock).unwrap_or(0).min(self.buyers);
        let sold_out = report.unanswered > 0 || report.accepted >= sold_max;
        let unexpected: usize = report.unexpected.values().sum();
        Ok(verdict
            .and(Check {
                name: "nothing is left unsold while buyers are turned away",
                ok: sold_out,
                detail: format!("{} of {sold_max} units sold", report.accepted),
            })
            .and(Check {
                name: "every answer is one the contract foresees",
                ok: unexpected == 0,
                detail: format!("{unexpected} unexpected: {:?}", report.unexpected),
            }))
    }

    fn id(&self, buyer: usize) -> String {
        format!("{}:{}:{buyer}", self.sku, self.seed)
    }

    fn call(&self, buyer: usize) -> Result<Call, CallError> {
        let line = ReserveLine { sku: self.sku.clone(), quantity: 1, ..ReserveLine::default() };
        let reservation_id = Some(self.id(buyer));
        let request = ReserveRequest { reservation_id, lines: vec![line], ..ReserveRequest::default() };
        Call::post_json("/v1/reservations", &request)
    }

    /// The buyers in the order they come; a duplicate follows at once, so that another connection carries it.
    fn queue(&self) -> Vec<(usize, Manner)> {
        let mut rng = ChaCha8Rng::seed_from_u64(self.seed);
        let mut queue = Vec::with_capacity(self.buyers * 2);
        for buyer in 0..self.buyers {
            let drawn = rng.random::<f64>();
            let manner = if drawn < self.retries / 2.0 {
                Manner::AgainAfterAnswer
            } else if drawn < self.retries {
                Manner::AgainAfterGivingUp
            } else {
                Manner::Once
            };
            queue.push((buyer, manner));
            if rng.random::<f64>() < self.duplicates {
                queue.push((buyer, Manner::Once));
            }
        }
        queue
    }

    fn report(&self, told: Told, elapsed_s: f64) -> FlashSaleReport {
        let accepted = told.buyers.iter().filter(|buyer| buyer.accepted.is_some()).count();
        let rejected = told.buyers.iter().filter(|buyer| buyer.accepted.is_none() && buyer.rejected).count();
        let expected = told.buyers.iter().enumerate().filter(|(_, buyer)| buyer.accepted.is_some() || !buyer.rejected);
        let expected = expected.map(|(number, buyer)| Expected {
            id: self.id(number),
            sku: self.sku.clone(),
            quantity: 1,
            states: vec![ReservationState::Held],
            may_be_absent: buyer.accepted.is_none(),
        });
        let opening = BTreeMap::from([(self.sku.clone(), self.stock)]);
        let tokens = BTreeMap::from([(self.sku.clone(), told.tokens)]);
        let case = Case { opening, expected: expected.collect(), tokens };
        let latency = told.latency.summary();
        FlashSaleReport {
            sku: self.sku.clone(),
            stock: self.stock,
            buyers: self.buyers,
            accepted,
            rejected,
            unanswered: self.buyers - accepted - rejected,
            duplicates_answered_again: told.repeated,
            given_up: told.given_up,
            unexpected: told.unexpected,
            answers: latency.count,
            elapsed_s,
            reservations_per_s: latency.count as f64 / elapsed_s,
            latency,
            wait: told.wait.summary(),
            case,
        }
    }
}

impl Sale {
    async fn serve(&self, mut shop: Shop) {
        let mut token = None;
        while let Some((buyer, manner)) = self.queue.get(self.next.fetch_add(1, Ordering::Relaxed)).copied() {
            let Some(call) = self.calls.get(buyer) else { continue };
            if manner == Manner::AgainAfterGivingUp {
                let sent = Instant::now();
                match tokio::time::timeout(PATIENCE, shop.ask(call)).await {
                    Ok(result) => self.note(buyer, sent, &result, &mut token),
                    Err(_) => self.told.lock().unwrap_or_else(PoisonError::into_inner).given_up += 1,
                }
            }
            let times = if manner == Manner::AgainAfterAnswer { 2 } else { 1 };
            for _ in 0..times {
                let sent = Instant::now();
                let result = shop.ask(call).await;
                self.note(buyer, sent, &result, &mut token);
            }
        }
        self.told.lock().unwrap_or_else(PoisonError::into_inner).tokens.extend(token);
    }

    fn note(&self, buyer: usize, sent: Instant, result: &Result<Answer, CallError>, token: &mut Option<HeaderValue>) {
        let now = Instant::now();
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(answer) = result else { return };
        told.latency.record(now.saturating_duration_since(sent));
        told.wait.record(now.saturating_duration_since(self.opened));
        if answer.status == 201 && answer.token.is_some() {
            token.clone_from(&answer.token);
        }
        if let Some(unexpected) = told.note(buyer, answer) {
            *told.unexpected.entry(unexpected).or_default() += 1;
        }
    }
}

/// Registers `sku` and puts `units` on its shelf, once.
///
/// # Errors
/// [`ShopError`]
pub(crate) async fn open_sku(shop: &mut Shop, sku: &str, units: i64) -> Result<(), ShopError> {
    shop.register_sku(&RegisterSku { sku: sku.to_owned(), ..RegisterSku::default() }).await?;
    let opening = AdjustmentRequest {
        sku: sku.to_owned(),
        location_id: None,
        delta: Some(units),
        set: None,
        expected: None,
        reason_code: ReasonCode::Received,
        reference_uri: None,
    };
    shop.adjust(&opening, &format!("open:{sku}")).await
}
