//! The pause after a failed delivery, and the breaker: who fails often is left alone, then tried once.

use std::time::Duration;

use cqrs::Timestamp;

/// The pauses between tries, and when the breaker opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pauses {
    /// After the first failure; it doubles with each further one.
    pub first: Duration,
    /// Never longer than this.
    pub longest: Duration,
    /// The breaker opens after so many failures in a row; until then redeliveries do not wait.
    pub breaker_failures: u32,
}

impl Default for Pauses {
    /// 5 s, 1 hour, 5 failures.
    fn default() -> Self {
        Self { first: Duration::from_secs(5), longest: Duration::from_secs(3_600), breaker_failures: 5 }
    }
}

impl Pauses {
    /// The pause after the `failures`th failure in a row, before chance has shortened it.
    #[must_use]
    pub fn after(&self, failures: u32) -> Duration {
        self.first.saturating_mul(1 << failures.saturating_sub(1).min(24)).min(self.longest)
    }
}

/// Whether an endpoint is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breaker {
    /// Without waiting.
    Closed,
    /// Not before the next try is due.
    Open,
    /// Once, to see whether it works again.
    HalfOpen,
}

impl Breaker {
    /// The breaker of an endpoint that has failed so often in a row, and is to be tried again at `next_at`.
    #[must_use]
    pub fn of(failures: u32, next_at: Option<Timestamp>, now: Timestamp, pauses: &Pauses) -> Self {
        match next_at {
            _ if failures < pauses.breaker_failures => Self::Closed,
            Some(next_at) if now < next_at => Self::Open,
            _ => Self::HalfOpen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let pauses = Pauses::default();
        let seconds: Vec<u64> = (1..=5).map(|failures| pauses.after(failures).as_secs()).collect();
        assert_eq!(seconds, [5, 10, 20, 40, 80]);
        assert_eq!(pauses.after(u32::MAX), pauses.longest);
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_tries_once_when_the_pause_is_over() {
        let (pauses, at) = (Pauses::default(), Timestamp::from_millis);
        let breaker = |failures, now| Breaker::of(failures, Some(at(100)), at(now), &pauses);
        assert_eq!(breaker(4, 50), Breaker::Closed);
        assert_eq!(breaker(5, 99), Breaker::Open);
        assert_eq!(breaker(5, 100), Breaker::HalfOpen);
    }
}
