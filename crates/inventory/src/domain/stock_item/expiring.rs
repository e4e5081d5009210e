//! Reserved quantities by the instant they come back: the one part of a stock item that grows with its holds.

use std::time::Duration;

use cqrs::Timestamp;
use imbl::OrdMap;
use serde::{Deserialize, Serialize};

use crate::domain::ids::LocationId;

/// Holds end at whole multiples of this, so that those of one moment share a bucket.
const EXPIRY_STEP_MS: i64 = 10;

/// The most buckets one event takes back.
const EXPIRED_BUCKETS_MAX: usize = 1_000;

/// When a hold of `ttl` taken at `at` ends: never early, at most 10 ms late.
#[must_use]
pub fn expiry(at: Timestamp, ttl: Duration) -> Timestamp {
    at.saturating_add(ttl).round_up(EXPIRY_STEP_MS)
}

/// Reserved units at one location that end at one instant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bucket {
    /// When they come back.
    pub expires_at: Timestamp,
    /// Where.
    pub location: LocationId,
    /// How many units.
    pub quantity: i64,
}

/// The reserved units that come back by themselves.
///
/// A persistent map: a batch's working copy of a stock item shares it and copies only the paths it changes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "Stored", into = "Stored")]
pub struct Expiring {
    buckets: OrdMap<(Timestamp, LocationId), i64>,
    /// Not later than the first bucket. It may be earlier (holds end otherwise as well): `due` then corrects it, so that
    /// readers of the log who cannot see the buckets, as the stock view, never trust a stale one for long.
    next: Option<Timestamp>,
}

impl Expiring {
    /// Nothing comes back before this instant.
    #[must_use]
    pub fn next(&self) -> Option<Timestamp> {
        self.next
    }

    /// The units that have come back by `at`, by location; an event need not have said so yet.
    pub fn ended(&self, at: Timestamp) -> impl Iterator<Item = (&LocationId, i64)> {
        let ended = self.buckets.iter().take_while(move |((expires_at, _), _)| *expires_at <= at);
        ended.map(|((_, location), units)| (location, *units))
    }

    /// All units that come back by themselves.
    #[must_use]
    pub fn total(&self) -> i64 {
        self.buckets.values().sum()
    }

    pub(super) fn add(&mut self, at: Timestamp, location: &LocationId, quantity: i64) {
        *self.buckets.entry((at, location.clone())).or_insert(0) += quantity;
        self.next = Some(self.next.map_or(at, |next| next.min(at)));
    }

    pub(super) fn take(&mut self, at: Timestamp, location: &LocationId, quantity: i64) {
        let key = (at, location.clone());
        let left = self.buckets.get(&key).map_or(0, |units| units - quantity);
        if left == 0 {
            self.buckets.remove(&key);
        } else {
            self.buckets.insert(key, left);
        }
    }

    pub(super) fn expire(&mut self, buckets: &[Bucket], next: Option<Timestamp>) {
        for bucket in buckets {
            self.take(bucket.expires_at, &bucket.location, bucket.quantity);
        }
        self.next = next;
    }

    /// What is due at `at`, and when the next is. The answer may be empty: then only `next` has to be corrected.
    pub(super) fn due(&self, at: Timestamp) -> Option<(Vec<Bucket>, Option<Timestamp>)> {
        if self.next? > at {
            return None;
        }
        let mut due = Vec::new();
        for ((expires_at, location), quantity) in &self.buckets {
            if *expires_at > at || due.len() == EXPIRED_BUCKETS_MAX {
                return Some((due, Some(*expires_at)));
            }
            due.push(Bucket { expires_at: *expires_at, location: location.clone(), quantity: *quantity });
        }
        Some((due, None))
    }
}

/// The form in snapshots.
#[derive(Serialize, Deserialize)]
struct Stored {
    next: Option<Timestamp>,
    buckets: Vec<(Timestamp, LocationId, i64)>,
}

impl From<Stored> for Expiring {
    fn from(stored: Stored) -> Self {
        let buckets = stored.buckets.into_iter().map(|(at, location, units)| ((at, location), units)).collect();
        Self { buckets, next: stored.next }
    }
}

impl From<Expiring> for Stored {
    fn from(expiring: Expiring) -> Self {
        let buckets = expiring.buckets.iter().map(|((at, location), units)| (*at, location.clone(), *units)).collect();
        Self { next: expiring.next, buckets }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millis(ms)
    }

    fn held(holds: &[(i64, i64)]) -> Expiring {
        let mut expiring = Expiring::default();
        for &(ms, units) in holds {
            expiring.add(at(ms), &LocationId::main(), units);
        }
        expiring
    }

    #[test]
    fn an_expiry_is_rounded_up_never_down() {
        assert_eq!(expiry(at(1), Duration::from_millis(1_000)), at(1_010));
        assert_eq!(expiry(at(0), Duration::from_millis(1_000)), at(1_000));
    }

    #[test]
    fn what_is_due_is_due_from_its_very_instant() {
        let expiring = held(&[(20, 3), (20, 2), (30, 1)]);
        assert_eq!(expiring.due(at(19)), None);
        let (due, next) = expiring.due(at(20)).unwrap();
        assert_eq!(due, [Bucket { expires_at: at(20), location: LocationId::main(), quantity: 5 }]);
        assert_eq!(next, Some(at(30)));
    }

    #[test]
    fn an_event_takes_back_a_thousand_buckets_and_the_next_one_the_rest() {
        let mut expiring = held(&(0..1_500).map(|i| (i * 10, 1)).collect::<Vec<_>>());
        let mut sizes = Vec::new();
        while let Some((due, next)) = expiring.due(at(1_000_000)) {
            sizes.push(due.len());
            expiring.expire(&due, next);
        }
        assert_eq!(sizes, [1_000, 500]);
        assert_eq!((expiring.total(), expiring.next()), (0, None));
    }

    #[test]
    fn a_bound_that_nothing_is_left_of_is_corrected_once() {
        let mut expiring = held(&[(20, 3), (90, 1)]);
        expiring.take(at(20), &LocationId::main(), 3);
        let (due, next) = expiring.due(at(20)).unwrap();
        assert_eq!((due.len(), next), (0, Some(at(90))));
        expiring.expire(&due, next);
        assert_eq!(expiring.due(at(20)), None);
    }

    #[test]
    fn a_snapshot_gives_the_same_back() {
        let expiring = held(&[(20, 3), (90, 1)]);
        let json = serde_json::to_string(&expiring).unwrap();
        assert_eq!(serde_json::from_str::<Expiring>(&json).unwrap(), expiring);
    }
}
