//! How often whoever has a key may ask: so many times a second, told on every answer as the IETF draft for `RateLimit` headers says.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use axum::http::header::RETRY_AFTER;
use axum::http::{HeaderName, HeaderValue};
use comanda_web::{Caller, Problem, Refusal, kinds};
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use moka::sync::Cache;

const RATELIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATELIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// How many a second, as it is written on a command line.
pub(crate) fn per_second(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| "a whole number, 1 or more".to_owned())
}

/// What is left of a rate, whoever draws on it at the same time.
pub(crate) struct Rate {
    per_second: NonZeroU32,
    limiter: RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
    policy: HeaderValue,
}

impl Rate {
    /// So many requests a second, as many of them at once.
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        let limiter = RateLimiter::direct(Quota::per_second(per_second)).with_middleware();
        let policy = value(&format!("\"key\";q={per_second};w=1"));
        Self { per_second, limiter, clock: DefaultClock::default(), policy }
    }

    pub(super) fn per_second(&self) -> NonZeroU32 {
        self.per_second
    }

    /// Takes one request from it; what the answer says of it.
    ///
    /// # Errors
    /// 429 if nothing is left, with the time to wait.
    pub(crate) fn draw(&self) -> Result<Vec<(HeaderName, HeaderValue)>, Refusal> {
        match self.limiter.check() {
            Ok(left) => Ok(self.told(left.remaining_burst_capacity())),
            Err(until) => {
                // Whole seconds are all that the header can say, and none would be a lie.
                let wait = until.wait_time_from(self.clock.now()).as_secs_f64().ceil().max(1.0) as u64;
                let detail = format!(
                    "Your credential may send {} requests a second; nothing was done. Retry in {wait} s.",
                    self.per_second
                );
                let mut headers = self.told(0);
                headers.push((RETRY_AFTER, HeaderValue::from(wait)));
                Err(Refusal { problem: Problem::new(kinds::RATE_LIMITED, detail), headers })
            }
        }
    }

    fn told(&self, left: u32) -> Vec<(HeaderName, HeaderValue)> {
        vec![(RATELIMIT, value(&format!("\"key\";r={left};t=1"))), (RATELIMIT_POLICY, self.policy.clone())]
    }
}

/// Callers whose rates are kept at a time.
const CALLERS_MAX: u64 = 100_000;

/// How long the rate of somebody who does not ask is kept: after a second nothing of it is used any more.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// The same rate for each of many callers who are not known beforehand.
pub(crate) struct Rates {
    per_second: NonZeroU32,
    by_caller: Cache<String, Arc<Rate>>,
}

impl Rates {
    /// So many requests a second for each.
    pub(crate) fn new(per_second: NonZeroU32) -> Self {
        Self { per_second, by_caller: Cache::builder().max_capacity(CALLERS_MAX).time_to_idle(IDLE_MAX).build() }
    }

    /// The rate of `caller`, whichever credential it comes with.
    pub(crate) fn of(&self, caller: &Caller) -> Arc<Rate> {
        // No tenant's name has a slash.
        let name = format!("{}/{}", caller.tenant, caller.actor);
        self.by_caller.get_with(name, || Arc::new(Rate::new(self.per_second)))
    }
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_let_in_than_the_rate_whoever_asks_at_the_same_time() {
        let rate = Rate::new(NonZeroU32::new(50).unwrap());
        let started = std::time::Instant::now();
        let let_in: usize = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..8).map(|_| scope.spawn(|| (0..100).filter(|_| rate.draw().is_ok()).count())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).sum()
        });
        let refilled = (started.elapsed().as_secs_f64() * 50.0).ceil() as usize;
        assert!((50..=50 + refilled).contains(&let_in), "{let_in} were let in");
        let refused = loop {
            if let Err(refused) = rate.draw() {
                break refused;
            }
        };
        assert_eq!(refused.problem.status(), 429);
        let header = |name| refused.headers.iter().find(|(known, _)| known == name).unwrap().1.to_str().unwrap();
        assert_eq!(header(&RETRY_AFTER), "1");
        assert_eq!((header(&RATELIMIT), header(&RATELIMIT_POLICY)), ("\"key\";r=0;t=1", "\"key\";q=50;w=1"));
    }
}
