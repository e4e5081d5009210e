//! A circuit breaker: who has failed often is left alone for a while, then tried by one caller.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// When a breaker opens, and for how long.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BreakerSettings {
    /// It opens after so many failures in a row.
    pub(crate) failures_max: u32,
    /// While it is open nobody calls; then one caller per such time tries, until one succeeds.
    pub(crate) open_for: Duration,
}

impl Default for BreakerSettings {
    /// 5 failures, 5 s.
    fn default() -> Self {
        Self { failures_max: 5, open_for: Duration::from_secs(5) }
    }
}

/// Closed until too much has failed. Time comes in as a value.
#[derive(Debug)]
pub(crate) struct Breaker {
    settings: BreakerSettings,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    failures: u32,
    /// Nobody calls before then.
    until: Option<Instant>,
}

impl Breaker {
    pub(crate) fn new(settings: BreakerSettings) -> Self {
        Self { settings, state: Mutex::default() }
    }

    /// Whether a call may be made now.
    ///
    /// # Errors
    /// How long to wait. A caller that is let through an open breaker closes the door behind it: should it never say
    /// how it fared, the next one is let through after the same time.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), Duration> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.failures < self.settings.failures_max {
            return Ok(());
        }
        match state.until.map(|until| until.saturating_duration_since(now)) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                state.until = now.checked_add(self.settings.open_for);
                Ok(())
            }
        }
    }

    /// Notes how a call went; returns whether this failure is the one that opens it.
    pub(crate) fn record(&self, succeeded: bool, now: Instant) -> bool {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if succeeded {
            *state = State::default();
            return false;
        }
        state.failures = state.failures.saturating_add(1);
        if state.failures >= self.settings.failures_max {
            state.until = now.checked_add(self.settings.open_for);
        }
        state.failures == self.settings.failures_max
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_FOR: Duration = Duration::from_secs(5);

    fn opened(now: Instant) -> Breaker {
        let breaker = Breaker::new(BreakerSettings { failures_max: 2, open_for: OPEN_FOR });
        breaker.record(false, now);
        assert_eq!(breaker.admit(now), Ok(()), "one failure opens nothing");
        breaker.record(false, now);
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row() {
        let now = Instant::now();
        assert_eq!(opened(now).admit(now + Duration::from_secs(2)), Err(Duration::from_secs(3)));
        let breaker = Breaker::new(BreakerSettings { failures_max: 2, open_for: OPEN_FOR });
        for succeeded in [false, true, false] {
            breaker.record(succeeded, now);
        }
        assert_eq!(breaker.admit(now), Ok(()), "a success between makes them count from one again");
    }

    #[test]
    fn half_open_it_lets_one_caller_through() {
        let now = Instant::now();
        let breaker = opened(now);
        let later = now + OPEN_FOR;
        assert_eq!(breaker.admit(later), Ok(()));
        assert_eq!(breaker.admit(later), Err(OPEN_FOR), "one at a time");
        breaker.record(false, later + Duration::from_secs(1));
        assert_eq!(breaker.admit(later + OPEN_FOR), Err(Duration::from_secs(1)), "its failure opens it anew");
        breaker.record(true, later);
        assert_eq!(breaker.admit(later), Ok(()), "a success closes it");
    }

    #[test]
    fn a_probe_that_never_reports_keeps_nobody_out_for_ever() {
        let now = Instant::now();
        let breaker = opened(now);
        assert_eq!(breaker.admit(now + OPEN_FOR), Ok(()));
        assert_eq!(breaker.admit(now + OPEN_FOR * 2), Ok(()));
    }
}
