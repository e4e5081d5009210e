//! Load for crash tests: it keeps sending while the server dies and comes back, and remembers what was acknowledged.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use comanda_contracts::{ReservationState, ReserveLine, ReserveRequest};
use hyper::header::HeaderValue;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::call::{Answer, Call, CallError};
use crate::client::Client;
use crate::flash_sale::open_sku;
use crate::judge::{Case, Check, Expected, Judge, Verdict};
use crate::shop::{Shop, ShopError};
use crate::tally::problem_code;

/// How long a worker waits before it tries again to reach a server that is away, or that is too busy.
const PAUSE: Duration = Duration::from_millis(5);
/// A call is repeated at most this often after its outcome became unknown; then the worker goes on to the next.
const REPEATS_MAX: u32 = 50;

/// What to send, and for which SKUs.
#[derive(Clone, Debug)]
pub struct CrashLoad {
    /// The server.
    pub addr: SocketAddr,
    /// Connections, each with one call at a time.
    pub connections: usize,
    /// The SKUs with their opening stock. Let one be scarce, so that refusals occur too.
    pub opening: BTreeMap<String, i64>,
    /// A worker starts no further reservation once this many are remembered over all rounds.
    pub reservations_max: usize,
    /// Who does what.
    pub seed: u64,
}

/// What was sent and acknowledged, over as many rounds as were run.
#[derive(Clone, Debug, Default)]
pub struct CrashLog {
    reservations: Vec<Expected>,
    counts: CrashCounts,
    /// The last token of each worker for each SKU.
    tokens: BTreeMap<(String, u64), HeaderValue>,
    rounds: u64,
}

/// How much of what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CrashCounts {
    /// Commands whose success was acknowledged.
    pub acknowledged: u64,
    /// Reservations that were refused for want of stock.
    pub refused: u64,
    /// Commands whose connection broke or timed out: their outcome was unknown at first.
    pub unknown: u64,
    /// Acknowledged reservations that were sent a second time on purpose.
    pub duplicates: u64,
    /// Answers that must not occur, by kind.
    pub unexpected: BTreeMap<String, u64>,
}

impl CrashLog {
    /// Every reservation ever sent, with what must be true of it.
    #[must_use]
    pub fn reservations(&self) -> &[Expected] {
        &self.reservations
    }

    /// The counts over all rounds.
    #[must_use]
    pub fn counts(&self) -> &CrashCounts {
        &self.counts
    }
}

/// Load that is running; stop it to get its log.
#[derive(Debug)]
pub struct CrashRun {
    shared: Arc<Shared>,
    workers: JoinSet<()>,
}

#[derive(Debug)]
struct Shared {
    load: CrashLoad,
    round: u64,
    stop: AtomicBool,
    remembered: AtomicUsize,
    log: Mutex<CrashLog>,
}

impl CrashLoad {
    /// Registers the SKUs and puts their opening stock on the shelves.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn prepare(&self) -> Result<(), ShopError> {
        let mut shop = Shop::new(self.addr);
        for (sku, units) in &self.opening {
            open_sku(&mut shop, sku, *units).await?;
        }
        Ok(())
    }

    /// Starts sending; what comes of it is added to `log`.
    #[must_use]
    pub fn start(&self, mut log: CrashLog) -> CrashRun {
        log.rounds += 1;
        let shared = Arc::new(Shared {
            load: self.clone(),
            round: log.rounds,
            stop: AtomicBool::new(false),
            remembered: AtomicUsize::new(log.reservations.len()),
            log: Mutex::new(log),
        });
        let mut workers = JoinSet::new();
        for number in 0..self.connections.max(1) {
            let shared = Arc::clone(&shared);
            workers.spawn(async move { Worker::new(&shared, number as u64).work().await });
        }
        CrashRun { shared, workers }
    }

    /// Asks the server, alive again, whether all of `log` is as it was acknowledged and nothing is oversold.
    ///
    /// # Errors
    /// [`ShopError`] when it cannot be asked.
    pub async fn judge(&self, log: &CrashLog) -> Result<Verdict, ShopError> {
        let mut case = Case { opening: self.opening.clone(), expected: log.reservations.clone(), ..Case::default() };
        for ((sku, _), token) in &log.tokens {
            case.tokens.entry(sku.clone()).or_default().push(token.clone());
        }
        let verdict = Judge::of(self.addr).judge(&case).await?;
        let unexpected: u64 = log.counts.unexpected.values().sum();
        Ok(verdict.and(Check {
            name: "every answer is one the contract foresees",
            ok: unexpected == 0,
            detail: format!("{unexpected} unexpected: {:?}", log.counts.unexpected),
        }))
    }
}

impl CrashRun {
    /// How many commands have been acknowledged so far, over all rounds.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.shared.log.lock().unwrap_or_else(PoisonError::into_inner).counts.acknowledged
    }

    /// Stops: each worker ends its call (a dead server ends it too) and starts no other.
    pub async fn stop(mut self) -> CrashLog {
        self.shared.stop.store(true, Ordering::Relaxed);
        while self.workers.join_next().await.is_some() {}
        std::mem::take(&mut *self.shared.log.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What came of a command.
enum Outcome {
    Done,
    OutOfStock,
    /// Nothing is known of it, or it was answered with what must not occur.
    Open,
}

struct Worker<'a> {
    shared: &'a Shared,
    client: Client,
    rng: ChaCha8Rng,
    number: u64,
    /// The last token of the reservation at hand.
    token: Option<HeaderValue>,
}

impl<'a> Worker<'a> {
    fn new(shared: &'a Shared, number: u64) -> Self {
        let seed = shared.load.seed ^ (shared.round << 32) ^ (number << 16);
        let client = Client::new(shared.load.addr).with_timeout(Duration::from_secs(2));
        Self { shared, client, rng: ChaCha8Rng::seed_from_u64(seed), number, token: None }
    }

    async fn work(mut self) {
        let mut count = 0_u64;
        while !self.stopped() {
            if self.shared.remembered.fetch_add(1, Ordering::Relaxed) >= self.shared.load.reservations_max {
                break;
            }
            count += 1;
            let id = format!("crash:{}:{}:{}:{count}", self.shared.load.seed, self.shared.round, self.number);
            if let Some(expected) = self.life_of(id).await {
                let token = self.token.take().map(|token| ((expected.sku.clone(), self.number), token));
                self.log(|log| {
                    log.tokens.extend(token);
                    log.reservations.push(expected);
                });
            }
        }
    }

    /// Reserves, perhaps twice, then perhaps confirms, then perhaps releases; gives back what must be true afterwards.
    async fn life_of(&mut self, id: String) -> Option<Expected> {
        let skus = self.shared.load.opening.len().max(1);
        let sku = self.shared.load.opening.keys().nth(self.rng.random_range(0..skus))?.clone();
        let quantity = self.rng.random_range(1..=3);
        let line = ReserveLine { sku: sku.clone(), quantity, ..ReserveLine::default() };
        // The longest there is: no hold may end by itself before the judge has looked.
        let (reservation_id, ttl_seconds) = (Some(id.clone()), Some(604_800));
        let request = ReserveRequest { reservation_id, lines: vec![line], ttl_seconds, ..ReserveRequest::default() };
        let reserve = Call::post_json("/v1/reservations", &request).ok()?;

        let held = vec![ReservationState::Held];
        let mut expected = Expected { id, sku, quantity, states: held, may_be_absent: true };
        match self.send(&reserve).await {
            Outcome::Done => expected.may_be_absent = false,
            Outcome::OutOfStock => {
                expected.states.clear();
                return Some(expected);
            }
            Outcome::Open => return Some(expected),
        }
        if self.rng.random_bool(0.1) {
            self.log(|log| log.counts.duplicates += 1);
            if matches!(self.send(&reserve).await, Outcome::OutOfStock) {
                self.unexpected("a refusal after a success".to_owned());
            }
        }
        for (share, verb, state) in
            [(0.4, "confirm", ReservationState::Confirmed), (0.3, "release", ReservationState::Released)]
        {
            if self.stopped() || !self.rng.random_bool(share) {
                continue;
            }
            let call = Call::post(format!("/v1/reservations/{}/{verb}", expected.id), "");
            match self.send(&call).await {
                Outcome::Done => expected.states = vec![state],
                Outcome::OutOfStock | Outcome::Open => {
                    expected.states.push(state);
                    break;
                }
            }
        }
        Some(expected)
    }

    /// Sends one command. When its outcome becomes unknown it is repeated or, one time in two, left unknown.
    async fn send(&mut self, call: &Call) -> Outcome {
        for _ in 0..=REPEATS_MAX {
            match self.client.call(call).await {
                Ok(answer) if answer.is_success() => {
                    if answer.token.is_some() {
                        self.token.clone_from(&answer.token);
                    }
                    self.log(|log| log.counts.acknowledged += 1);
                    return Outcome::Done;
                }
                Ok(answer) if answer.status == 503 => tokio::time::sleep(PAUSE).await,
                Ok(answer) => return self.refused(&answer),
                Err(error @ (CallError::Malformed(_) | CallError::Unreadable { .. })) => {
                    self.unexpected(error.to_string());
                    return Outcome::Open;
                }
                Err(error) => {
                    if error.is_unknown_outcome() {
                        self.log(|log| log.counts.unknown += 1);
                        if self.rng.random_bool(0.5) {
                            return Outcome::Open;
                        }
                    }
                    tokio::time::sleep(PAUSE).await;
                }
            }
            if self.stopped() {
                return Outcome::Open;
            }
        }
        Outcome::Open
    }

    fn refused(&self, answer: &Answer) -> Outcome {
        let code = problem_code(answer).unwrap_or_default();
        if answer.status == 409 && code == "INSUFFICIENT_STOCK" {
            self.log(|log| log.counts.refused += 1);
            return Outcome::OutOfStock;
        }
        self.unexpected(format!("{} {code}", answer.status));
        Outcome::Open
    }

    fn unexpected(&self, what: String) {
        self.log(|log| *log.counts.unexpected.entry(what).or_default() += 1);
    }

    fn stopped(&self) -> bool {
        self.shared.stop.load(Ordering::Relaxed)
    }

    fn log(&self, change: impl FnOnce(&mut CrashLog)) {
        change(&mut self.shared.log.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
