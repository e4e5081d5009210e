//! The closed loop: some connections, each sending its next call as soon as the last is answered.
//!
//! It measures capacity. Its latencies are those of the server at that capacity, not those a buyer would see at a
//! given rate: for these use [`OpenModel`](crate::OpenModel).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::task::JoinSet;

use crate::call::{Call, CallError};
use crate::client::Client;
use crate::open_model::connect;
use crate::tally::{Latency, Outcomes, Tally};

/// What to send to which server, until one of both bounds is reached.
#[derive(Clone, Debug)]
pub struct ClosedLoop {
    /// The server.
    pub addr: SocketAddr,
    /// How many connections, each with one call at a time.
    pub connections: usize,
    /// At most this many calls in all.
    pub calls_max: u64,
    /// No call starts after this time.
    pub time_max: Duration,
}

/// What came of a closed-loop run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ClosedReport {
    /// Calls answered per second, whatever the answer.
    pub answered_per_s: f64,
    /// Calls answered.
    pub answered: u64,
    /// Calls whose connection broke or that found no server.
    pub failed: u64,
    /// From the first send to the last answer, in seconds.
    pub elapsed_s: f64,
    /// Outcomes by status and problem code.
    pub outcomes: Outcomes,
    /// From the send to the answer.
    pub latency: Latency,
}

impl ClosedLoop {
    /// Sends the calls that `next` makes from their number.
    ///
    /// A connection that fails ten times in a row stops sending, so that a dead server ends the run.
    ///
    /// # Errors
    /// [`CallError`] when the first connections cannot be made.
    pub async fn run(&self, next: impl Fn(u64) -> Call + Send + Sync + 'static) -> Result<ClosedReport, CallError> {
        let clients = connect(self.addr, self.connections).await?;
        let start = Instant::now();
        let shared = Arc::new((AtomicU64::new(0), next, Mutex::new(Tally::default())));
        let mut workers = JoinSet::new();
        for client in clients {
            let (shared, until, calls_max) = (Arc::clone(&shared), start + self.time_max, self.calls_max);
            workers.spawn(async move {
                let (number, next, tally) = &*shared;
                let take = || Some(number.fetch_add(1, Ordering::Relaxed)).filter(|number| *number < calls_max);
                work(client, until, take, next, tally).await;
            });
        }
        while workers.join_next().await.is_some() {}
        let elapsed_s = start.elapsed().as_secs_f64();
        let tally = shared.2.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(ClosedReport {
            answered_per_s: tally.answered as f64 / elapsed_s,
            answered: tally.answered,
            failed: tally.failed,
            elapsed_s,
            outcomes: tally.outcomes.clone(),
            latency: tally.latencies.summary(),
        })
    }
}

async fn work(
    mut client: Client,
    until: Instant,
    take: impl Fn() -> Option<u64>,
    next: &impl Fn(u64) -> Call,
    tally: &Mutex<Tally>,
) {
    const FAILURES_IN_A_ROW_MAX: u32 = 10;
    let mut failures = 0;
    while Instant::now() < until && failures < FAILURES_IN_A_ROW_MAX {
        let Some(number) = take() else { return };
        let call = next(number);
        let sent = Instant::now();
        let result = client.call(&call).await;
        failures = if result.is_ok() { 0 } else { failures + 1 };
        tally.lock().unwrap_or_else(PoisonError::into_inner).record(&result, sent.elapsed());
    }
}
