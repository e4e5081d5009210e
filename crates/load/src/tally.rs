//! What a run counts: latencies in a histogram, outcomes by status and problem code.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use crate::call::{Answer, CallError};

/// Latencies above this are recorded as this: 10 minutes.
const LATENCY_US_MAX: u64 = 600_000_000;

/// The distribution of some latencies, in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Latency {
    /// How many were measured.
    pub count: u64,
    /// Half were at most this long.
    pub p50_us: u64,
    /// Nine in ten were at most this long.
    pub p90_us: u64,
    /// Ninety-nine in a hundred were at most this long.
    pub p99_us: u64,
    /// The longest.
    pub max_us: u64,
}

/// A histogram of latencies: three significant digits, from 1 µs to 10 minutes.
#[derive(Clone, Debug)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Self {
        // Bounds are given, not grown into: a histogram that resizes itself clamps what is recorded saturating.
        let bounds = Histogram::new_with_bounds(1, LATENCY_US_MAX, 3);
        Self(bounds.unwrap_or_else(|_| unreachable!("these bounds are allowed")))
    }
}

impl Latencies {
    /// Adds one latency.
    pub fn record(&mut self, latency: Duration) {
        let us = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX);
        self.0.saturating_record(us.max(1));
    }

    /// The figures so far; all zero when nothing was recorded.
    #[must_use]
    pub fn summary(&self) -> Latency {
        let at = |quantile| if self.0.is_empty() { 0 } else { self.0.value_at_quantile(quantile) };
        Latency { count: self.0.len(), p50_us: at(0.5), p90_us: at(0.9), p99_us: at(0.99), max_us: at(1.0) }
    }
}

/// How often each outcome occurred.
///
/// The name of an outcome is its status (`201`), its status and problem code (`409 INSUFFICIENT_STOCK`), or, where
/// no answer came, `unreachable`, `lost`, `timed out`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Outcomes(BTreeMap<String, u64>);

impl Outcomes {
    /// Counts one answer.
    pub fn answer(&mut self, answer: &Answer) {
        if answer.is_success() {
            self.count(success_name(answer.status));
        } else {
            self.count(&failure_name(answer));
        }
    }

    /// Counts one call without an answer.
    pub fn failure(&mut self, error: &CallError) {
        self.count(match error {
            CallError::Unreachable { .. } => "unreachable",
            CallError::NoTls { .. } => "no TLS",
            CallError::NotHttp { .. } => "no HTTP",
            CallError::Lost { .. } => "lost",
            CallError::TimedOut { .. } => "timed out",
            CallError::Malformed(_) => "malformed call",
            CallError::Unreadable { .. } => "unreadable answer",
        });
    }

    /// How often `name` occurred.
    #[must_use]
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(0)
    }

    /// Every outcome with its count, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// How many were neither a success nor a rejection that the contract foresees (409).
    #[must_use]
    pub fn errors(&self) -> u64 {
        self.iter().filter(|(name, _)| !name.starts_with('2') && !name.starts_with("409")).map(|(_, n)| n).sum()
    }

    fn count(&mut self, name: &str) {
        match self.0.get_mut(name) {
            Some(count) => *count += 1,
            None => {
                self.0.insert(name.to_owned(), 1);
            }
        }
    }
}

fn success_name(status: u16) -> &'static str {
    match status {
        200 => "200",
        201 => "201",
        202 => "202",
        204 => "204",
        _ => "2xx",
    }
}

fn failure_name(answer: &Answer) -> String {
    match problem_code(answer) {
        Some(code) => format!("{} {code}", answer.status),
        None => answer.status.to_string(),
    }
}

/// The stable `code` of a problem answer, if it carries one.
#[must_use]
pub fn problem_code(answer: &Answer) -> Option<String> {
    #[derive(Deserialize)]
    struct Coded {
        code: String,
    }
    serde_json::from_slice::<Coded>(&answer.body).ok().map(|problem| problem.code)
}

/// Latencies and outcomes of one run.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Of every call that was answered.
    pub latencies: Latencies,
    /// Of every call.
    pub outcomes: Outcomes,
    /// How many calls were answered, whatever the answer.
    pub answered: u64,
    /// How many were not.
    pub failed: u64,
}

impl Tally {
    /// Counts how one call ended that took `latency`.
    pub fn record(&mut self, result: &Result<Answer, CallError>, latency: Duration) {
        match result {
            Ok(answer) => {
                self.answered += 1;
                self.latencies.record(latency);
                self.outcomes.answer(answer);
            }
            Err(error) => {
                self.failed += 1;
                self.outcomes.failure(error);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Latencies, Latency};

    #[test]
    fn latencies_keep_three_digits_from_microseconds_to_minutes() {
        let mut latencies = Latencies::default();
        for ms in 1..=1_000 {
            latencies.record(Duration::from_millis(ms));
        }
        let summary = latencies.summary();
        for (is, should) in [
            (summary.p50_us, 500_000),
            (summary.p90_us, 900_000),
            (summary.p99_us, 990_000),
            (summary.max_us, 1_000_000),
        ] {
            assert!(is.abs_diff(should) <= should / 500, "{is} instead of {should}");
        }
        latencies.record(Duration::from_secs(3_600));
        assert!(latencies.summary().max_us >= 600_000_000);
        assert_eq!(Latencies::default().summary(), Latency::default());
    }
}
