//! Follows the contract events of one context over one connection, by long poll.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use hyper::header::HeaderValue;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::call::{Call, CallError};
use crate::shop::{Shop, ShopError, success};

/// Events asked for at once.
pub const FEED_EVENTS_MAX: usize = 1_000;
/// No poll waits longer than this: well below the time after which a call counts as lost.
const WAIT_S_MAX: u64 = 5;
/// Pages that are skipped at most on the way to the end: a hundred million events.
const SKIPPED_PAGES_MAX: u32 = 100_000;

/// A contract event: of its envelope only what is looked at, so that following a busy feed costs little.
#[derive(Debug, Deserialize)]
pub struct FeedEvent {
    /// What happened, with its version.
    #[serde(rename = "type")]
    pub event_type: String,
    /// What it happened to: the id of an order or a reservation, or a SKU.
    pub subject: String,
    data: Box<RawValue>,
}

impl FeedEvent {
    /// Its content as `T`, which must be the shape that its type names.
    ///
    /// # Errors
    /// [`CallError::Unreadable`]
    pub fn data<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_str(self.data.get()).map_err(|error| CallError::Unreadable {
            status: 200,
            reason: format!("{}: {error}", self.event_type),
            body: self.data.get().chars().take(300).collect(),
        })
    }
}

/// What one poll brought.
#[derive(Debug)]
pub struct FeedPage {
    /// The events, in order for each subject.
    pub events: Vec<FeedEvent>,
    /// Whether there was more to read.
    pub more: bool,
    /// With it, a query of that context sees at least what these events tell.
    pub token: Option<HeaderValue>,
    /// When the page was here.
    pub seen: Instant,
}

/// A place in the feed of one context.
#[derive(Debug)]
pub struct Feed {
    addr: SocketAddr,
    shop: Shop,
    context: String,
    after: Option<String>,
}

impl Feed {
    /// The feed of `context` (`inventory` or `fulfillment`) at `addr`, from its start.
    #[must_use]
    pub fn of(addr: SocketAddr, context: impl Into<String>) -> Self {
        Self { addr, shop: Shop::new(addr), context: context.into(), after: None }
    }

    /// Sends each call at most `attempts_max` times.
    #[must_use]
    pub fn with_attempts(mut self, attempts_max: u32) -> Self {
        self.shop = self.shop.with_attempts(attempts_max);
        self
    }

    /// The same feed, behind `cursor`.
    #[must_use]
    pub fn after(mut self, cursor: Option<String>) -> Self {
        self.after = cursor;
        self
    }

    /// Where it is: behind the last page.
    #[must_use]
    pub fn cursor(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Reads on; waits up to `wait`, in whole seconds and at most five, for a first event. A lost answer is asked for
    /// again from the same place, so nothing is skipped.
    ///
    /// # Errors
    /// [`ShopError`]
    pub async fn next(&mut self, wait: Duration) -> Result<FeedPage, ShopError> {
        let after = self.after.as_deref().map(|cursor| format!("&after={cursor}")).unwrap_or_default();
        let wait_s = wait.as_secs().min(WAIT_S_MAX);
        let path = format!("/v1/events?context={}&limit={FEED_EVENTS_MAX}&timeout={wait_s}{after}", self.context);
        let answer = success("GET /v1/events", self.shop.ask(&Call::get(path)).await?)?;
        let seen = Instant::now();
        let events = answer.json()?;
        if answer.feed_next.is_none() {
            let reason = "the header Feed-Next is missing".to_owned();
            return Err(CallError::Unreadable { status: answer.status, reason, body: answer.excerpt() }.into());
        }
        self.after = answer.feed_next;
        Ok(FeedPage { events, more: answer.feed_more, token: answer.token, seen })
    }

    /// Goes to where the feed ends now; gives back a token with which a query sees at least that much.
    ///
    /// # Errors
    /// [`ShopError`]; a feed that grows faster than it is read is [`CallError::TimedOut`] after as many pages as allowed.
    pub async fn skip_to_end(&mut self) -> Result<Option<HeaderValue>, ShopError> {
        let started = Instant::now();
        for _ in 0..SKIPPED_PAGES_MAX {
            let page = self.next(Duration::ZERO).await?;
            if !page.more {
                return Ok(page.token);
            }
        }
        Err(CallError::TimedOut { addr: self.addr, after: started.elapsed() }.into())
    }
}
