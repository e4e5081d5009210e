//! Tokens that were found right, by their SHA-256, so that a signature is verified once and not with every request.

use std::sync::Arc;
use std::time::Duration;

use comanda_web::Caller;
use cqrs::Timestamp;
use moka::sync::Cache;
use sha2::{Digest, Sha256};

/// Tokens that are remembered: those of so many users at a time.
const TOKENS_MAX: u64 = 10_000;

/// How long one is remembered that nobody comes with.
const IDLE_MAX: Duration = Duration::from_secs(600);

/// A token that was found right.
#[derive(Clone)]
pub(super) struct Accepted {
    pub(super) caller: Arc<Caller>,
    /// It counts before this instant.
    pub(super) until: Timestamp,
}

/// Tokens that were found right lately.
pub(super) struct Remembered {
    /// With the state of the issuer's keys that each was checked with.
    tokens: Cache<[u8; 32], (u64, Accepted)>,
}

impl Default for Remembered {
    fn default() -> Self {
        Self { tokens: Cache::builder().max_capacity(TOKENS_MAX).time_to_idle(IDLE_MAX).build() }
    }
}

impl Remembered {
    /// Who comes with `token`, if it was found right with the keys of `generation` and still counts at `now`.
    pub(super) fn find(&self, token: &str, generation: u64, now: Timestamp) -> Option<Arc<Caller>> {
        let (checked_with, accepted) = self.tokens.get(&digest(token))?;
        (checked_with == generation && now < accepted.until).then_some(accepted.caller)
    }

    pub(super) fn keep(&self, token: &str, generation: u64, accepted: Accepted) {
        self.tokens.insert(digest(token), (generation, accepted));
    }
}

/// The token itself is kept nowhere.
fn digest(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use comanda_web::{HoldLimits, Scopes};

    use super::*;

    #[test]
    fn a_token_is_remembered_until_it_ends_or_the_keys_change() {
        let remembered = Remembered::default();
        let caller = Arc::new(Caller {
            tenant: "t".into(),
            actor: "jwt:mia@issuer".into(),
            scopes: Scopes::all(),
            key_id: None,
            holds: HoldLimits::default(),
        });
        let at = Timestamp::from_millis;
        remembered.keep("token", 1, Accepted { caller: Arc::clone(&caller), until: at(1_000) });
        assert_eq!(remembered.find("token", 1, at(999)), Some(caller));
        assert_eq!(remembered.find("token", 1, at(1_000)), None);
        assert_eq!(remembered.find("token", 2, at(999)), None);
        assert_eq!(remembered.find("other", 1, at(999)), None);
    }
}
