//! JWTs of an issuer: checked with the keys it publishes, and remembered for as long as they count.

mod check;
mod issuer;
mod key_set;
mod options;
mod remembered;
mod signatures;
mod source;

use std::pin::Pin;
use std::sync::Arc;

use comanda_web::{Caller, Problem, Refusal};
use cqrs::{Clock, SystemClock};
use miette::Result;

use crate::keys::{Known, Rates};
use check::Checker;
use issuer::{Issuer, Seen};
use key_set::NoKey;
pub(crate) use options::Options;
use remembered::Remembered;

comanda_web::kinds! {
    ISSUER_UNAVAILABLE = 503, "issuer-unavailable", "The keys of the issuer cannot be had",
        "The token may be right, but the keys to check it with could not be fetched from its issuer. Nothing was done; retry after the time in `Retry-After`.";
}

/// When whoever has a token that cannot be checked is told to ask again: the issuer is asked no more often.
const RETRY_AFTER_S: u64 = issuer::ASK_EVERY.as_secs();

/// Checks tokens of one issuer.
pub(crate) struct Tokens {
    checker: Checker,
    issuer: Arc<Issuer>,
    remembered: Remembered,
    rates: Option<Rates>,
}

/// What is known of a token, or will be in a moment.
pub(crate) enum Checked {
    Now(Result<Known, Refusal>),
    /// Its key has to be fetched first.
    Later(Pin<Box<dyn Future<Output = Result<Known, Refusal>> + Send>>),
}

impl Tokens {
    /// As `options` say; none if they name no issuer.
    ///
    /// # Errors
    /// An option makes no sense, or the file with the keys cannot be read.
    pub(crate) fn of(options: &Options) -> Result<Option<Self>> {
        let Some(settings) = options.settings()? else { return Ok(None) };
        signatures::install();
        Ok(Some(Self {
            issuer: Arc::new(Issuer::open(settings.source, settings.stale_max)?),
            checker: Checker::new(settings.rules),
            remembered: Remembered::default(),
            rates: settings.rate.map(Rates::new),
        }))
    }

    /// Follows the keys of the issuer for as long as it is polled.
    pub(crate) fn watch(&self) -> impl Future<Output = ()> + Send + 'static {
        Arc::clone(&self.issuer).follow()
    }

    /// Who comes with `token`.
    pub(crate) fn caller(self: &Arc<Self>, token: &str) -> Checked {
        let seen = self.issuer.seen();
        if seen.usable().is_some()
            && let Some(caller) = self.remembered.find(token, seen.generation(), SystemClock.now())
        {
            return Checked::Now(Ok(self.known(caller)));
        }
        let fetch = match self.try_check(token, &seen) {
            Tried::Done(result) => return Checked::Now(result),
            // Asked for before anything waits, so that all who wait share one fetch.
            Tried::KeyIsMissing => self.issuer.ask(),
        };
        let (tokens, token) = (Arc::clone(self), token.to_owned());
        Checked::Later(Box::pin(async move {
            let in_time = tokens.issuer.ended(fetch).await;
            let seen = tokens.issuer.seen();
            match tokens.try_check(&token, &seen) {
                Tried::Done(result) => result,
                Tried::KeyIsMissing if in_time && seen.is_answered() => Err(Refusal::bad_credential(
                    "The token names a signing key that its issuer does not publish: get a new one.",
                )),
                Tried::KeyIsMissing => {
                    let detail = "The issuer of your token cannot be asked for its keys now; nothing was done.";
                    Err(Problem::new(ISSUER_UNAVAILABLE, detail).retry_after(RETRY_AFTER_S).into())
                }
            }
        }))
    }

    fn try_check(&self, token: &str, seen: &Seen) -> Tried {
        let head = match check::head(token) {
            Ok(head) => head,
            Err(why) => return Tried::refused(why),
        };
        let Some(keys) = seen.usable() else { return Tried::KeyIsMissing };
        let key = match keys.find(head.key_id(), head.algorithm()) {
            Ok(key) => key,
            Err(NoKey::Unknown) => return Tried::KeyIsMissing,
            Err(NoKey::Unfit(why)) => return Tried::refused(why),
        };
        match self.checker.check(token, &head, key) {
            Ok(accepted) => {
                self.remembered.keep(token, seen.generation(), accepted.clone());
                Tried::Done(Ok(self.known(accepted.caller)))
            }
            Err(why) => Tried::refused(&why),
        }
    }

    fn known(&self, caller: Arc<Caller>) -> Known {
        let rate = self.rates.as_ref().map(|rates| rates.of(&caller));
        Known { caller, rate }
    }
}

/// What a try with the keys at hand has led to.
enum Tried {
    Done(Result<Known, Refusal>),
    KeyIsMissing,
}

impl Tried {
    fn refused(why: &str) -> Self {
        Self::Done(Err(Refusal::bad_credential(why)))
    }
}
