//! `GET /v1/events`: the contract events of the contexts served here, gap-free, as a CloudEvents batch; a long poll.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::header::{self, CACHE_CONTROL};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use comanda_contracts::events::CloudEvent;
use cqrs::{Cursor, Feed, FeedError, FeedPage, FeedRequest, PartitionId};
use serde::Deserialize;
use tokio::sync::watch;
use utoipa::OpenApi;

use crate::call::CONSISTENCY_TOKEN;
use crate::context_tokens::WHOSE;
use crate::kinds;
use crate::page::Params;
use crate::problem::Problem;

/// Where the feed is.
pub const PATH: &str = "/v1/events";

/// What `after` says to begin with what happens from now on.
pub const END: &str = "end";

/// The longest a poll may ask to wait.
pub const WAIT_MAX: Duration = Duration::from_secs(30);

/// Events of an answer at most.
pub const FEED_EVENTS_MAX: usize = 1_000;

/// Events of an answer at most, unless the client asks otherwise.
pub const FEED_EVENTS_DEFAULT: usize = 100;

/// An answer ends with the event that brings it to so many bytes; the rest comes with the next one.
pub const FEED_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Where to go on: send it back as `after`.
pub const FEED_NEXT: HeaderName = HeaderName::from_static("feed-next");

/// Whether there was more to read than was returned: `true` or `false`.
pub const FEED_MORE: HeaderName = HeaderName::from_static("feed-more");

/// What the feed is answered as.
pub const CONTENT_TYPE: &str = "application/cloudevents-batch+json";

const CLOUDEVENTS_BATCH: HeaderValue = HeaderValue::from_static(CONTENT_TYPE);
const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const TRUE: HeaderValue = HeaderValue::from_static("true");
const FALSE: HeaderValue = HeaderValue::from_static("false");

struct Feeds {
    feeds: Vec<Arc<dyn Feed>>,
    stopping: watch::Receiver<()>,
}

/// The route of the feed: one feed for each context served at this address.
///
/// Once `stopping` is sent a value, or its sender dropped, every poll that waits is answered: do it when the server is
/// told to stop, so that nobody's wait holds it up.
pub fn router(feeds: Vec<Arc<dyn Feed>>, stopping: watch::Receiver<()>) -> Router {
    Router::new().route(PATH, get(read)).with_state(Arc::new(Feeds { feeds, stopping }))
}

/// The description of the route: merge it into the document of a context, then [`complete`](crate::openapi::complete).
#[must_use]
pub fn openapi() -> utoipa::openapi::OpenApi {
    Description::openapi()
}

#[derive(OpenApi)]
#[openapi(paths(read), tags((name = "Events", description = "What the contexts tell each other, and you.")))]
struct Description;

/// What is asked of the feed.
#[derive(Debug, Default, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
struct FeedParams {
    /// Where to go on: the `Feed-Next` of the last answer, unchanged; or `end`, for what happens from now on. The start of
    /// the log unless given.
    after: Option<String>,
    /// Only this partition of the log, from 0.
    #[param(maximum = 65535)]
    partition: Option<u16>,
    /// Events of the answer at most.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<i64>,
    /// Seconds to wait for a first event if there is none.
    #[param(minimum = 0, maximum = 30, default = 0)]
    timeout: Option<i64>,
    /// Whose events: `inventory` or `fulfillment`. Needed only where one address serves both.
    context: Option<String>,
}

/// Reads the contract events of a context
///
/// They come gap-free and in order within each partition of the context's log, however often they are read. Go on with
/// the `Feed-Next` of each answer, also of an empty one; keep it together with what the events caused.
#[utoipa::path(get, path = PATH, operation_id = "readEvents", tag = "Events", params(FeedParams),
    responses(
        (status = 200, description = "The next events; none if there are none yet", body = Vec<CloudEvent>,
            content_type = "application/cloudevents-batch+json", headers(
                ("Feed-Next" = String, description = "Where to go on: send it back as `after`"),
                ("Feed-More" = bool, description = "Whether there was more to read than was returned"))),
        (status = 409, description = "FOREIGN_CURSOR"),
    ))]
async fn read(State(state): State<Arc<Feeds>>, params: Params<FeedParams>) -> Result<Response, Problem> {
    let feed = state.feed_of(params.0.context.as_deref())?;
    let mut request = params.0.request()?;
    if params.0.after.as_deref() == Some(END) {
        request.after = Some(feed.end().await?);
    }
    let page = match state.read_or_stop(feed, &request).await {
        Some(page) => page,
        // The server stops: what is there now, and where to go on.
        None => feed.read(&FeedRequest { wait: Duration::ZERO, ..request.clone() }).await,
    };
    answer(request.after, page?, feed.source())
}

impl Feeds {
    fn feed_of(&self, context: Option<&str>) -> Result<&dyn Feed, Problem> {
        let found = match (context, self.feeds.as_slice()) {
            (Some(context), feeds) => feeds.iter().find(|feed| feed.source() == context),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        found.map(AsRef::as_ref).ok_or_else(|| {
            let names = self.feeds.iter().map(|feed| feed.source()).collect::<Vec<_>>().join(", ");
            Problem::at(kinds::INVALID_PARAMETER, "?context", format!("must be one of those served here: {names}"))
        })
    }

    /// None if the server was told to stop before there was an answer.
    async fn read_or_stop(&self, feed: &dyn Feed, request: &FeedRequest) -> Option<Result<FeedPage, FeedError>> {
        let mut stopping = self.stopping.clone();
        tokio::select! {
            biased;
            page = feed.read(request) => Some(page),
            _told = stopping.changed() => None,
        }
    }
}

impl FeedParams {
    fn request(&self) -> Result<FeedRequest, Problem> {
        // The end is only known by asking for it.
        let after = self.after.as_deref().filter(|after| *after != END).map(str::parse::<Cursor>).transpose().map_err(
            |_| {
                let detail =
                    "is not a cursor of this feed: send back the `Feed-Next` of an answer, unchanged, or `end`";
                Problem::at(kinds::INVALID_PARAMETER, "?after", detail)
            },
        )?;
        let limit = within("?limit", self.limit, 1, FEED_EVENTS_MAX as u64, FEED_EVENTS_DEFAULT as u64)?;
        let wait = Duration::from_secs(within("?timeout", self.timeout, 0, WAIT_MAX.as_secs(), 0)?);
        let limit = usize::try_from(limit).unwrap_or(FEED_EVENTS_MAX);
        Ok(FeedRequest { after, partition: self.partition.map(PartitionId), limit, wait })
    }
}

fn within(pointer: &str, asked: Option<i64>, min: u64, max: u64, default: u64) -> Result<u64, Problem> {
    let Some(asked) = asked else { return Ok(default) };
    u64::try_from(asked)
        .ok()
        .filter(|asked| (min..=max).contains(asked))
        .ok_or_else(|| Problem::at(kinds::INVALID_FIELDS, pointer, format!("is {asked}: it must be {min} to {max}")))
}

impl From<FeedError> for Problem {
    fn from(error: FeedError) -> Self {
        match error {
            FeedError::Unavailable(why) => {
                tracing::warn!(why, "the feed is unavailable");
                Self::new(kinds::UNAVAILABLE, "The feed cannot be read now. Retry in a second.")
            }
            FeedError::ForeignCursor => {
                Self::at(kinds::FOREIGN_CURSOR, "?after", "is of another log than this one: read it from the start")
            }
            FeedError::Broken(why) => Self::internal(&why),
        }
    }
}

fn answer(after: Option<Cursor>, page: FeedPage, owner: &str) -> Result<Response, Problem> {
    let FeedPage { messages, mut next, mut more } = page;
    let mut body = vec![b'['];
    let mut written = 0;
    for message in &messages {
        if body.len() >= FEED_BYTES_MAX {
            break;
        }
        if written > 0 {
            body.push(b',');
        }
        serde_json::to_writer(&mut body, message.as_ref())
            .map_err(|why| Problem::internal(&format!("an event cannot be written: {why}")))?;
        written += 1;
    }
    body.push(b']');
    if written < messages.len() {
        // Cut short: go on behind what was written, and not behind what was read.
        let mut place = after.unwrap_or_else(|| Cursor::new(next.epoch()));
        for message in messages.iter().take(written) {
            place.require(message.partition(), message.position());
        }
        (next, more) = (place, true);
    }
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, CLOUDEVENTS_BATCH);
    headers.insert(CACHE_CONTROL, NO_STORE);
    headers.insert(FEED_MORE, if more { TRUE } else { FALSE });
    // It is a consistency token too, of this context: with it a query sees at least what these events tell.
    headers.insert(CONSISTENCY_TOKEN, text_value(format!("{owner}{WHOSE}{next}"))?);
    headers.insert(FEED_NEXT, text_value(next.to_string())?);
    Ok(response)
}

fn text_value(text: String) -> Result<HeaderValue, Problem> {
    HeaderValue::from_maybe_shared(Bytes::from(text))
        .map_err(|why| Problem::internal(&format!("a cursor cannot be written: {why}")))
}
