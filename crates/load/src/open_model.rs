//! The open-model generator: calls leave on a schedule, whether or not the server keeps up.
//!
//! A closed loop slows down with the server and so hides the wait of everyone who would have come meanwhile. Here
//! each call has an intended send time and its latency counts from there.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout_at;

use crate::call::{Call, CallError};
use crate::client::Client;
use crate::tally::{Latencies, Latency, Outcomes, Tally};

/// A schedule holds at most this many calls.
pub const CALLS_MAX: u64 = 100_000_000;
/// A run achieves at least this share of the offered rate, or it is invalid.
pub(crate) const ACHIEVED_SHARE_MIN: f64 = 0.99;
/// The pacer sleeps no shorter than this: finer steps would cost the server its share of the processor.
const PACE_STEP: Duration = Duration::from_micros(200);

/// What to offer to which server.
#[derive(Clone, Debug)]
pub struct OpenModel {
    /// The server.
    pub addr: SocketAddr,
    /// Calls per second.
    pub rate_per_s: f64,
    /// How long calls are offered.
    pub duration: Duration,
    /// How many connections carry them: a call waits, its clock running, while all are busy.
    pub connections: usize,
    /// How long after the last intended send answers still count.
    pub grace: Duration,
    /// The generator was the limit if one in a hundred sends of an idle connection came later than this.
    pub lag_max: Duration,
}

impl OpenModel {
    /// `rate_per_s` calls a second to `addr` for `duration` over 64 connections.
    #[must_use]
    pub fn new(addr: SocketAddr, rate_per_s: f64, duration: Duration) -> Self {
        let lag_max = Duration::from_millis(10);
        Self { addr, rate_per_s, duration, connections: 64, grace: Duration::from_secs(10), lag_max }
    }
}

/// What came of an open-model run.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenReport {
    /// Calls per second that were to be sent.
    pub offered_per_s: f64,
    /// Calls per second that were answered, from the first intended send to the last answer (or the last intended send).
    pub achieved_per_s: f64,
    /// Calls on the schedule.
    pub scheduled: u64,
    /// Calls answered, whatever the answer.
    pub answered: u64,
    /// Calls whose connection broke or that found no server.
    pub failed: u64,
    /// Calls that were not answered, or not even sent, when the grace ended.
    pub unanswered: u64,
    /// Outcomes by status and problem code.
    pub outcomes: Outcomes,
    /// From the intended send to the answer.
    pub latency: Latency,
    /// From the intended send to the real one, where a connection stood idle: the generator's own share.
    pub lag: Latency,
    /// Why the run proves nothing, if it does not.
    pub invalid: Option<String>,
}

/// What the pacer and the workers share.
struct Run {
    start: Instant,
    rate_per_s: f64,
    scheduled: u64,
    /// One permit per call that is due.
    due: Semaphore,
    next: AtomicU64,
    over: AtomicBool,
    counts: Mutex<Counts>,
}

#[derive(Default)]
struct Counts {
    tally: Tally,
    lags: Latencies,
    last_answer: Option<Instant>,
}

impl Run {
    fn intended(&self, call: u64) -> Instant {
        self.start + Duration::from_secs_f64(call as f64 / self.rate_per_s)
    }

    /// Releases calls as they fall due. A thread of its own, since an async timer is a millisecond coarse.
    fn pace(&self, connections: usize) {
        std::thread::sleep(self.start.saturating_duration_since(Instant::now()));
        let mut released = 0;
        while released < self.scheduled && !self.over.load(Ordering::Relaxed) {
            let elapsed = self.start.elapsed().as_secs_f64();
            let due = ((elapsed * self.rate_per_s) as u64 + 1).min(self.scheduled);
            self.due.add_permits(usize::try_from(due.saturating_sub(released)).unwrap_or(0));
            released = due.max(released);
            let wait = self.intended(released).saturating_duration_since(Instant::now());
            // A bounded nap, so that a run given up ends its pacer too.
            std::thread::sleep(wait.clamp(PACE_STEP, Duration::from_millis(100)));
        }
        // One more for each worker: it wakes, finds nothing left on the schedule, and ends.
        self.due.add_permits(connections);
    }

    async fn work(&self, mut client: Client, next: &(impl Fn(u64) -> Call + Send + Sync)) {
        loop {
            let idle = self.due.available_permits() == 0;
            let Ok(permit) = self.due.acquire().await else { return };
            permit.forget();
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number >= self.scheduled {
                return;
            }
            let intended = self.intended(number);
            if idle {
                let lag = intended.elapsed();
                self.counts.lock().unwrap_or_else(PoisonError::into_inner).lags.record(lag);
            }
            let result = client.call(&next(number)).await;
            let now = Instant::now();
            let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
            counts.tally.record(&result, now.saturating_duration_since(intended));
            counts.last_answer = Some(now);
        }
    }
}

/// Ends the pacer however the run ends.
struct EndPacer(Arc<Run>);

impl Drop for EndPacer {
    fn drop(&mut self) {
        self.0.over.store(true, Ordering::Relaxed);
    }
}

impl OpenModel {
    /// Offers the calls that `next` makes from their number, and waits for the answers.
    ///
    /// # Errors
    /// [`CallError`] when the first connections cannot be made, or when the schedule is empty or above [`CALLS_MAX`].
    pub async fn run(&self, next: impl Fn(u64) -> Call + Send + Sync + 'static) -> Result<OpenReport, CallError> {
        self.run_from(next, |_| {}).await
    }

    /// The same; tells `started` the intended send of the first call before it is sent.
    pub(crate) async fn run_from(
        &self,
        next: impl Fn(u64) -> Call + Send + Sync + 'static,
        started: impl FnOnce(Instant) + Send,
    ) -> Result<OpenReport, CallError> {
        let scheduled = self.scheduled()?;
        let clients = connect(self.addr, self.connections).await?;
        let run = Arc::new(Run {
            start: Instant::now() + Duration::from_millis(5),
            rate_per_s: self.rate_per_s,
            scheduled,
            due: Semaphore::new(0),
            next: AtomicU64::new(0),
            over: AtomicBool::new(false),
            counts: Mutex::default(),
        });
        started(run.start);
        let next = Arc::new(next);
        let mut workers = JoinSet::new();
        for client in clients {
            let (run, next) = (Arc::clone(&run), Arc::clone(&next));
            workers.spawn(async move { run.work(client, &*next).await });
        }
        let _end_pacer = EndPacer(Arc::clone(&run));
        let (pacer, connections) = (Arc::clone(&run), self.connections);
        std::thread::Builder::new()
            .name("load-pacer".to_owned())
            .spawn(move || pacer.pace(connections))
            .map_err(|error| CallError::Malformed(format!("no thread for the pacer: {error}")))?;

        let deadline = (run.intended(scheduled) + self.grace).into();
        let drained = timeout_at(deadline, async { while workers.join_next().await.is_some() {} }).await;
        if drained.is_err() {
            workers.shutdown().await;
        }
        Ok(self.report(&run))
    }

    fn scheduled(&self) -> Result<u64, CallError> {
        let calls = self.rate_per_s * self.duration.as_secs_f64();
        if calls >= 1.0 && calls <= CALLS_MAX as f64 && self.connections > 0 {
            return Ok(calls as u64);
        }
        Err(CallError::Malformed(format!(
            "{} calls/s for {:?} over {} connections is no schedule: between 1 and {CALLS_MAX} calls are",
            self.rate_per_s, self.duration, self.connections
        )))
    }

    fn report(&self, run: &Run) -> OpenReport {
        let counts = run.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let Tally { latencies, outcomes, answered, failed } = &counts.tally;
        let end = run.intended(run.scheduled).max(counts.last_answer.unwrap_or(run.start));
        let achieved_per_s = *answered as f64 / end.saturating_duration_since(run.start).as_secs_f64();
        let lag = counts.lags.summary();
        let invalid = self.reason_against(achieved_per_s, &lag);
        OpenReport {
            offered_per_s: self.rate_per_s,
            achieved_per_s,
            scheduled: run.scheduled,
            answered: *answered,
            failed: *failed,
            unanswered: run.scheduled.saturating_sub(answered + failed),
            outcomes: outcomes.clone(),
            latency: latencies.summary(),
            lag,
            invalid,
        }
    }

    fn reason_against(&self, achieved_per_s: f64, lag: &Latency) -> Option<String> {
        let late = Duration::from_micros(lag.p99_us) > self.lag_max;
        if late {
            let (p99, max) = (lag.p99_us, self.lag_max.as_micros());
            return Some(format!(
                "the generator was the limit: idle connections sent {p99} µs late (p99; at most {max} µs are allowed); \
                 offer less, or give the generator a processor"
            ));
        }
        let offered = self.rate_per_s;
        (achieved_per_s < ACHIEVED_SHARE_MIN * offered).then(|| {
            format!("achieved {achieved_per_s:.0}/s of {offered:.0}/s offered, below 99 %: the server did not keep up")
        })
    }
}

/// `count` connected clients of `addr`.
///
/// # Errors
/// [`CallError`] of the first that could not connect.
pub(crate) async fn connect(addr: SocketAddr, count: usize) -> Result<Vec<Client>, CallError> {
    let mut clients = Vec::with_capacity(count);
    for _ in 0..count {
        let mut client = Client::new(addr);
        client.connect().await?;
        clients.push(client);
    }
    Ok(clients)
}
