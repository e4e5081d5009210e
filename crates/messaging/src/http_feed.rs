//! Another process's feed of contract events, read over HTTP.

use std::time::Duration;

use async_trait::async_trait;
use comanda_web::feed::END;
use cqrs::{Cursor, Feed, FeedError, FeedPage, FeedRequest, Message, PartitionId};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Response, StatusCode, Url};

use crate::http::{self, Overlong};

/// The most messages asked for at once.
const MESSAGES_MAX: usize = 1_000;

/// The longest wait asked of the owner, in seconds.
const WAIT_SECONDS_MAX: u64 = 30;

/// The bytes of a page that are taken; a longer one is asked for again in smaller parts.
const PAGE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The bytes of an error's answer that are read for its code.
const PROBLEM_BYTES_MAX: usize = 64 * 1024;

const BATCH: &str = "application/cloudevents-batch+json";

/// How long an [`HttpFeed`] waits.
#[derive(Clone, Copy, Debug)]
pub struct HttpFeedWaits {
    /// For a connection.
    pub connect: Duration,
    /// For an answer, beyond the time that the owner was asked to wait for a message.
    pub answer: Duration,
}

impl Default for HttpFeedWaits {
    /// 2 s and 10 s.
    fn default() -> Self {
        Self { connect: Duration::from_secs(2), answer: Duration::from_secs(10) }
    }
}

/// The feed of a context that runs in another process: `GET /v1/events` there.
///
/// It keeps connections open between reads and makes new ones as needed; when the owner cannot be reached it says
/// [`FeedError::Unavailable`], and the reader asks again later.
#[derive(Clone, Debug)]
pub struct HttpFeed {
    client: reqwest::Client,
    events: Url,
    source: String,
    waits: HttpFeedWaits,
    /// What the owner knows this process by.
    credential: Option<HeaderValue>,
}

/// The base address is no `http` or `https` URL, or no HTTP client could be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no feed can be read from {base}: {why}")]
pub struct NoFeedThere {
    /// The base address.
    pub base: String,
    /// Why.
    pub why: String,
}

impl HttpFeed {
    /// The feed of the context `source`, served at `base` (`http://127.0.0.1:8080`, with or without a path).
    ///
    /// # Errors
    /// [`NoFeedThere`]
    pub fn new(source: &str, base: &str, waits: HttpFeedWaits) -> Result<Self, NoFeedThere> {
        let no_feed = |why: String| NoFeedThere { base: base.to_owned(), why };
        let events = http::url_under(base, &["v1", "events"]).map_err(no_feed)?;
        let builder = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        let client = builder.connect_timeout(waits.connect).build().map_err(|cause| no_feed(http::told(&cause)))?;
        Ok(Self { client, events, source: source.to_owned(), waits, credential: None })
    }

    /// The same, asked for with `credential` (an API key or a token) where the owner wants one.
    ///
    /// # Errors
    /// [`NoFeedThere`] if it cannot stand in a header; it is not repeated.
    pub fn with_credential(mut self, credential: &str) -> Result<Self, NoFeedThere> {
        let no_header = |_| NoFeedThere {
            base: self.events.to_string(),
            why: "the credential has characters that no credential has".to_owned(),
        };
        let mut header = HeaderValue::from_str(&format!("Bearer {credential}")).map_err(no_header)?;
        header.set_sensitive(true);
        self.credential = Some(header);
        Ok(self)
    }

    async fn page(&self, request: &FeedRequest, wait: u64) -> Result<FeedPage, FeedError> {
        let mut limit = request.limit.clamp(1, MESSAGES_MAX);
        let after = request.after.as_ref().map(ToString::to_string);
        loop {
            let response = self.ask(after.clone(), request.partition, limit, wait).await?;
            let headers = response.headers().clone();
            match http::body(response, PAGE_BYTES_MAX).await {
                Ok(body) => return page(&headers, &body),
                Err(Overlong::Broken(cause)) => return Err(FeedError::Unavailable(cause)),
                Err(Overlong::TooLong) if limit > 1 => limit /= 2,
                Err(Overlong::TooLong) => {
                    return Err(FeedError::Broken(format!("one message has more than {PAGE_BYTES_MAX} bytes")));
                }
            }
        }
    }

    async fn ask(
        &self,
        after: Option<String>,
        partition: Option<PartitionId>,
        limit: usize,
        wait: u64,
    ) -> Result<Response, FeedError> {
        let mut query =
            vec![("context", self.source.clone()), ("limit", limit.to_string()), ("timeout", wait.to_string())];
        query.extend(after.map(|after| ("after", after)));
        query.extend(partition.map(|partition| ("partition", partition.to_string())));
        let deadline = self.waits.answer.saturating_add(Duration::from_secs(wait));
        let asking = self.client.get(self.events.clone()).query(&query).timeout(deadline);
        let asking = self.credential.iter().fold(asking, |asking, sent| asking.header(AUTHORIZATION, sent));
        let asked = asking.send().await;
        let response = asked.map_err(|cause| FeedError::Unavailable(http::told(&cause)))?;
        if response.status() == StatusCode::OK { Ok(response) } else { Err(refused(response).await) }
    }
}

#[async_trait]
impl Feed for HttpFeed {
    fn source(&self) -> &str {
        &self.source
    }

    async fn end(&self) -> Result<Cursor, FeedError> {
        let response = self.ask(Some(END.to_owned()), None, 1, 0).await?;
        let headers = response.headers().clone();
        match http::body(response, PAGE_BYTES_MAX).await {
            Ok(body) => Ok(page(&headers, &body)?.next),
            Err(Overlong::Broken(cause)) => Err(FeedError::Unavailable(cause)),
            Err(Overlong::TooLong) => Err(FeedError::Broken(format!("an answer has more than {PAGE_BYTES_MAX} bytes"))),
        }
    }

    async fn read(&self, request: &FeedRequest) -> Result<FeedPage, FeedError> {
        let seconds = request.wait.as_secs().min(WAIT_SECONDS_MAX);
        let page = self.page(request, seconds).await?;
        // The owner waits whole seconds; a shorter wait is spent here, so that nobody asks in a tight loop.
        if page.messages.is_empty() && seconds == 0 && !request.wait.is_zero() {
            tokio::time::sleep(request.wait).await;
            return self.page(request, 0).await;
        }
        Ok(page)
    }
}

/// What the owner answered, as a page.
fn page(headers: &HeaderMap, body: &[u8]) -> Result<FeedPage, FeedError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let kind = text(CONTENT_TYPE.as_str()).unwrap_or_default();
    if !kind.starts_with(BATCH) {
        return Err(FeedError::Broken(format!("the answer is {kind:?}, not {BATCH}")));
    }
    let next = text("feed-next").and_then(|cursor| cursor.parse().ok());
    let next = next.ok_or_else(|| FeedError::Broken("the answer has no Feed-Next cursor".to_owned()))?;
    let more = match text("feed-more") {
        Some("true") => true,
        Some("false") => false,
        other => return Err(FeedError::Broken(format!("Feed-More is {other:?}, neither true nor false"))),
    };
    let messages: Vec<Message> =
        serde_json::from_slice(body).map_err(|cause| FeedError::Broken(format!("no batch of CloudEvents: {cause}")))?;
    Ok(FeedPage { messages: messages.into_iter().map(Into::into).collect(), next, more })
}

/// Why there is no page, and whether another try can help.
async fn refused(response: Response) -> FeedError {
    let status = response.status();
    let body = http::body(response, PROBLEM_BYTES_MAX).await.unwrap_or_default();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let said = |member: &str| problem.get(member).and_then(serde_json::Value::as_str).unwrap_or_default();
    if said("code") == "FOREIGN_CURSOR" {
        return FeedError::ForeignCursor;
    }
    let why = format!("the owner answered {status} {} {}", said("code"), said("detail"));
    let passing = status.is_server_error() && status != StatusCode::INTERNAL_SERVER_ERROR;
    // A credential that does not count is mended by whoever runs the two, and nothing is lost until then.
    let later =
        [StatusCode::REQUEST_TIMEOUT, StatusCode::TOO_MANY_REQUESTS, StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN]
            .contains(&status);
    if passing || later { FeedError::Unavailable(why) } else { FeedError::Broken(why) }
}
