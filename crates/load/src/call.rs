//! A call and its answer: what goes out, what comes back, and why nothing may come back.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::http::response::Parts;
use hyper::{Method, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;

const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const FEED_NEXT: HeaderName = HeaderName::from_static("feed-next");
const FEED_MORE: HeaderName = HeaderName::from_static("feed-more");
const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");
/// One request, ready to be sent as often as need be.
#[derive(Clone, Debug)]
pub struct Call {
    method: Method,
    path: String,
    body: Bytes,
    token: Option<HeaderValue>,
    idempotency_key: Option<HeaderValue>,
}

impl Call {
    /// Reads `path` (with its query, if any).
    #[must_use]
    pub fn get(path: impl Into<String>) -> Self {
        Self { method: Method::GET, path: path.into(), body: Bytes::new(), token: None, idempotency_key: None }
    }

    /// Sends `body`, which is JSON already (or nothing), to `path`.
    #[must_use]
    pub fn post(path: impl Into<String>, body: impl Into<Bytes>) -> Self {
        Self { method: Method::POST, body: body.into(), ..Self::get(path) }
    }

    /// Sends `body` as JSON to `path`.
    ///
    /// # Errors
    /// [`CallError::Malformed`] when `body` cannot be written as JSON.
    pub fn post_json(path: impl Into<String>, body: &impl Serialize) -> Result<Self, CallError> {
        let body = serde_json::to_vec(body).map_err(|error| CallError::Malformed(error.to_string()))?;
        Ok(Self::post(path, body))
    }

    /// Puts `body`, as JSON, where `path` says.
    ///
    /// # Errors
    /// [`CallError::Malformed`] when `body` cannot be written as JSON.
    pub fn put_json(path: impl Into<String>, body: &impl Serialize) -> Result<Self, CallError> {
        Ok(Self { method: Method::PUT, ..Self::post_json(path, body)? })
    }

    /// Asks that the answer show at least what the answer with this token showed.
    #[must_use]
    pub fn with_token(mut self, token: Option<HeaderValue>) -> Self {
        self.token = token;
        self
    }

    /// Makes a repetition of this call safe: the server answers it as it did the first time.
    ///
    /// # Errors
    /// [`CallError::Malformed`] when `key` is not visible ASCII.
    pub fn with_idempotency_key(mut self, key: &str) -> Result<Self, CallError> {
        let key = HeaderValue::from_str(key)
            .map_err(|_| CallError::Malformed(format!("the idempotency key {key:?} is not visible ASCII")))?;
        self.idempotency_key = Some(key);
        Ok(self)
    }

    /// The call as a request to `host`.
    pub(crate) fn request(&self, host: &HeaderValue) -> Result<Request<Full<Bytes>>, CallError> {
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(self.path.as_str())
            .header(header::HOST, host.clone())
            .body(Full::new(self.body.clone()))
            .map_err(|error| CallError::Malformed(format!("{error} in the path {:?}", self.path)))?;
        let headers = request.headers_mut();
        if !self.body.is_empty() {
            headers.insert(header::CONTENT_TYPE, APPLICATION_JSON);
        }
        if let Some(token) = &self.token {
            headers.insert(CONSISTENCY_TOKEN, token.clone());
        }
        if let Some(key) = &self.idempotency_key {
            headers.insert(IDEMPOTENCY_KEY, key.clone());
        }
        Ok(request)
    }
}

/// What the server said: the status, the headers that this crate reads, the body.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// `Consistency-Token`: send it with a query to see at least this answer's effect.
    pub token: Option<HeaderValue>,
    /// `Idempotent-Replayed: true`: the answer was given before.
    pub replayed: bool,
    /// `Retry-After`, in seconds.
    pub retry_after_s: Option<u64>,
    /// `Feed-Next`: where to go on reading a feed.
    pub feed_next: Option<String>,
    /// `Feed-More: true`: the feed had more to read than was returned.
    pub feed_more: bool,
    /// The body, whole.
    pub body: Bytes,
}

impl Answer {
    pub(crate) fn new(head: &Parts, body: Bytes) -> Self {
        let text = |name: HeaderName| head.headers.get(name).and_then(|value| value.to_str().ok());
        Self {
            status: head.status.as_u16(),
            replayed: text(IDEMPOTENT_REPLAYED) == Some("true"),
            retry_after_s: text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok()),
            feed_next: text(FEED_NEXT).map(str::to_owned),
            feed_more: text(FEED_MORE) == Some("true"),
            token: head.headers.get(CONSISTENCY_TOKEN).cloned(),
            body,
        }
    }

    /// Whether the status is a 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body as JSON of type `T`.
    ///
    /// # Errors
    /// [`CallError::Unreadable`] with the start of the body.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, CallError> {
        serde_json::from_slice(&self.body).map_err(|error| CallError::Unreadable {
            status: self.status,
            reason: error.to_string(),
            body: self.excerpt(),
        })
    }

    /// The first 300 bytes of the body as text, for messages.
    #[must_use]
    pub fn excerpt(&self) -> String {
        let end = self.body.len().min(300);
        String::from_utf8_lossy(self.body.get(..end).unwrap_or_default()).into_owned()
    }
}

/// Why there is no answer, or none that can be read.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// No connection could be made, so nothing was sent.
    #[error("cannot connect to {addr}: {reason}; is the server running there?")]
    Unreachable {
        /// The server's address.
        addr: SocketAddr,
        /// What the operating system said.
        reason: String,
    },
    /// No encrypted connection could be made, so nothing was sent.
    #[error(
        "no TLS with {addr}: {reason}; whoever signed its certificate must be known here, and the name be that in it"
    )]
    NoTls {
        /// The server's address.
        addr: SocketAddr,
        /// What is wrong.
        reason: String,
    },
    /// What came back is not HTTP, so nothing was done.
    #[error(
        "what answers at {addr} does not speak HTTP; if it speaks TLS, write its address as https://NAME:PORT, with the name in its certificate"
    )]
    NotHttp {
        /// The server's address.
        addr: SocketAddr,
    },
    /// The connection broke after the request went out: whether the server acted on it is unknown.
    #[error("lost the connection to {addr} before the answer came ({reason}): the outcome is unknown, repeat the call")]
    Lost {
        /// The server's address.
        addr: SocketAddr,
        /// What the connection said.
        reason: String,
    },
    /// No answer in time: whether the server acted is unknown.
    #[error("no answer from {addr} within {} ms: the outcome is unknown, repeat the call", .after.as_millis())]
    TimedOut {
        /// The server's address.
        addr: SocketAddr,
        /// The time that was allowed.
        after: Duration,
    },
    /// The call itself cannot be put into HTTP.
    #[error("the call cannot be sent: {0}")]
    Malformed(String),
    /// The body is not what the contract says.
    #[error("the answer (status {status}) is not of the agreed shape: {reason}; it starts: {body}")]
    Unreadable {
        /// The HTTP status.
        status: u16,
        /// What did not fit.
        reason: String,
        /// The start of the body.
        body: String,
    },
}

impl CallError {
    /// Whether the same call may be answered a little later.
    #[must_use]
    pub fn may_pass(&self) -> bool {
        self.is_unknown_outcome() || matches!(self, Self::Unreachable { .. })
    }

    /// Whether the server may have acted on the call although no answer came.
    #[must_use]
    pub fn is_unknown_outcome(&self) -> bool {
        matches!(self, Self::Lost { .. } | Self::TimedOut { .. })
    }
}
