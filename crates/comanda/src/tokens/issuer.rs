//! The keys of an issuer at hand: fetched anew before they are too old, and at once when a token names one that is not among
//! them, by one task that has one fetch under way at a time.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use miette::{Result, miette};
use tokio::sync::{Notify, watch};

use super::key_set::KeySet;
use super::source::{Published, Source};

/// How often the issuer is asked at most because a token names a key that is not known.
pub(super) const ASK_EVERY: Duration = Duration::from_secs(5);

/// How long a request waits for the issuer's answer.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// The pauses before an issuer that did not answer is asked again.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

/// The keys of an issuer.
pub(super) struct Issuer {
    source: Source,
    /// How long keys count on when they should have been fetched anew and cannot be.
    stale_max: Duration,
    seen: watch::Sender<Seen>,
    /// Has the next fetch begin now.
    wanted: Notify,
    asked: Mutex<Asked>,
}

/// What was fetched so far. Fetches are numbered from 1.
#[derive(Clone, Default)]
pub(super) struct Seen {
    keys: Option<Arc<KeySet>>,
    /// Changes with the keys.
    generation: u64,
    /// Until when the keys count, whatever happens.
    until: Option<Instant>,
    begun: u64,
    ended: u64,
    /// Whether the last fetch was answered.
    answered: bool,
}

/// When the issuer was last asked because of a token, and by which fetch.
#[derive(Default)]
struct Asked {
    at: Option<Instant>,
    fetch: u64,
}

impl Seen {
    /// The keys, if there are any that are not too old.
    pub(super) fn usable(&self) -> Option<&KeySet> {
        self.keys.as_deref().filter(|_| self.until.is_some_and(|until| Instant::now() < until))
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the issuer has answered when it was last asked.
    pub(super) fn is_answered(&self) -> bool {
        self.answered
    }

    /// Takes over what was fetched; whether the keys are others than before.
    fn take(&mut self, keys: KeySet, until: Option<Instant>) -> bool {
        (self.until, self.answered) = (until, true);
        if self.keys.as_deref() == Some(&keys) {
            return false;
        }
        self.keys = Some(Arc::new(keys));
        self.generation += 1;
        true
    }
}

impl Issuer {
    /// The issuer whose keys are at `source`.
    ///
    /// # Errors
    /// They are in a file that cannot be read. An address may be out of reach for now.
    pub(super) fn open(source: Source, stale_max: Duration) -> Result<Self> {
        let mut seen = Seen::default();
        let found = source.read_if_file().map_err(|why| {
            miette!(
                help = "name a JWKS file (RFC 7517), or the address of one, with --jwt-jwks",
                "the keys of tokens at {source} cannot be read: {why}"
            )
        })?;
        if let Some(Published { keys, lifetime }) = found {
            seen.take(keys, Instant::now().checked_add(lifetime + stale_max));
        }
        Ok(Self { source, stale_max, seen: watch::Sender::new(seen), wanted: Notify::new(), asked: Mutex::default() })
    }

    /// What was fetched so far.
    pub(super) fn seen(&self) -> Seen {
        self.seen.borrow().clone()
    }

    /// Fetches the keys again and again.
    pub(super) async fn follow(self: Arc<Self>) {
        let mut retry = RETRY_MIN;
        let mut complained = false;
        loop {
            self.seen.send_modify(|seen| seen.begun += 1);
            let pause = match self.source.fetch().await {
                Ok(published) => {
                    if complained {
                        tracing::info!(source = %self.source, "the keys of tokens can be fetched again");
                    }
                    (retry, complained) = (RETRY_MIN, false);
                    self.took(published)
                }
                Err(why) => {
                    self.failed(&why, complained);
                    complained = true;
                    let pause = retry;
                    retry = (retry * 2).min(RETRY_MAX);
                    pause
                }
            };
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.wanted.notified() => {}
            }
        }
    }

    /// Returns when the keys are to be fetched again.
    fn took(&self, Published { keys, lifetime }: Published) -> Duration {
        metrics::counter!("jwks_fetches_total", "outcome" => "ok").increment(1);
        let (count, until) = (keys.len(), Instant::now().checked_add(lifetime + self.stale_max));
        let mut changed = false;
        self.seen.send_modify(|seen| {
            changed = seen.take(keys, until);
            seen.ended = seen.begun;
        });
        if changed {
            tracing::info!(source = %self.source, count, "the keys of tokens were taken over");
        }
        lifetime
    }

    fn failed(&self, why: &str, complained: bool) {
        metrics::counter!("jwks_fetches_total", "outcome" => "failed").increment(1);
        self.seen.send_modify(|seen| (seen.ended, seen.answered) = (seen.begun, false));
        // Once for as long as it lasts.
        if !complained {
            tracing::error!(source = %self.source, why, "the keys of tokens cannot be fetched: those at hand count on for a while");
        }
    }

    /// Has the keys fetched now, unless that was just done. Returns the number of the fetch that answers.
    pub(super) fn ask(&self) -> u64 {
        let begun = self.seen.borrow().begun;
        if self.seen.borrow().ended == 0 {
            // The first one is on its way whoever asks.
            return begun.max(1);
        }
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if asked.at.is_none_or(|at| at.elapsed() >= ASK_EVERY) {
            // One that is under way may have begun before the key was published.
            *asked = Asked { at: Some(Instant::now()), fetch: begun + 1 };
            self.wanted.notify_one();
        }
        asked.fetch
    }

    /// Waits, though not for long, until `fetch` has ended; whether it has.
    pub(super) async fn ended(&self, fetch: u64) -> bool {
        let mut seen = self.seen.subscribe();
        let ended = seen.wait_for(|seen| seen.ended >= fetch);
        tokio::time::timeout(WAIT_MAX, ended).await.is_ok_and(|ended| ended.is_ok())
    }
}
