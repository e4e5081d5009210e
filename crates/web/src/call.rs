//! What comes along with a request in its headers: identity, idempotency, preconditions, consistency.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use cqrs::{Ask, Command, Envelope, IdempotencyKey, Metadata, Query, Token, Version};
use serde::Serialize;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use crate::caller::Caller;
use crate::correlation::{TRACEPARENT, X_CORRELATION_ID};
use crate::kinds;
use crate::preconditions::{self, content_etag};
use crate::problem::Problem;
use crate::reply::Reply;

/// How far a view must have read before it answers; every answer carries one to send back.
pub const CONSISTENCY_TOKEN: HeaderName = HeaderName::from_static("consistency-token");

/// A client's key that makes a command safe to repeat.
pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// `true` on an answer that was given before.
pub const IDEMPOTENT_REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

const IF_MATCH: HeaderName = axum::http::header::IF_MATCH;
const IF_NONE_MATCH: HeaderName = axum::http::header::IF_NONE_MATCH;

/// What comes along with a command.
#[derive(Clone, Debug)]
pub struct Call {
    metadata: Arc<Metadata>,
    caller: Option<Arc<Caller>>,
    key: Option<Key>,
    if_match: Option<Version>,
}

/// An idempotency key, and a digest of the method and path it came with.
#[derive(Clone, Debug)]
struct Key {
    key: String,
    operation: u64,
}

impl Call {
    /// `command` with what came along; `raw` is the body it was read from.
    pub fn envelope<C>(self, command: C, raw: &[u8]) -> Envelope<C> {
        let idempotency =
            self.key.map(|key| IdempotencyKey { fingerprint: xxh3_64_with_seed(raw, key.operation), key: key.key });
        Envelope { command, metadata: self.metadata, idempotency, if_match: self.if_match, deadline: None }
    }

    /// Who sent it, if that is known.
    #[must_use]
    pub fn actor(&self) -> Option<&str> {
        self.metadata.actor.as_deref()
    }

    /// Whoever sent it, with all that is known of it.
    #[must_use]
    pub fn caller(&self) -> Option<&Caller> {
        self.caller.as_deref()
    }

    /// Refuses a call without an idempotency key, for what nothing else makes safe to repeat.
    ///
    /// # Errors
    /// 400 INVALID_HEADER
    pub fn require_key(&self, why: &str) -> Result<(), Problem> {
        match &self.key {
            Some(_) => Ok(()),
            None => Err(Problem::at(kinds::INVALID_HEADER, "Idempotency-Key", format!("is missing: {why}"))),
        }
    }

    /// The call of a batch of `C` that was read from `raw`, for its items: what they have in common is made here, once for all of
    /// them.
    #[must_use]
    pub fn batch<C: Command>(mut self, raw: &[u8]) -> Self {
        C::NAME.clone_into(&mut Arc::make_mut(&mut self.metadata).command);
        if let Some(key) = &mut self.key {
            key.operation = xxh3_64_with_seed(raw, key.operation);
        }
        self
    }

    /// The command of item `index` of a [`batch`](Self::batch), whose idempotency key makes one for each item.
    pub fn item<C>(&self, index: usize, command: C) -> Envelope<C> {
        let mut item = self.clone();
        if let Some(key) = &mut item.key {
            key.key.push_str(&format!("/{index}"));
        }
        item.envelope(command, &[])
    }
}

impl<S: Sync> FromRequestParts<S> for Call {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let caller = parts.extensions.get::<Arc<Caller>>().cloned();
        let metadata = Metadata {
            // From the credential alone: what a client writes about itself is no evidence.
            actor: caller.as_ref().map(|caller| caller.actor.to_string()),
            correlation_id: text(&parts.headers, &X_CORRELATION_ID),
            // A trace that nobody samples can be found nowhere; it would be a third of every event's size.
            traceparent: text(&parts.headers, &TRACEPARENT).filter(|trace| !trace.ends_with("-00")),
            ..Metadata::default()
        };
        let if_match = parts.headers.get(IF_MATCH).map(preconditions::if_match).transpose()?.flatten();
        Ok(Self { metadata: Arc::new(metadata), caller, key: idempotency_key(parts)?, if_match })
    }
}

/// What comes along with a query.
#[derive(Clone, Debug, Default)]
pub struct Inquiry {
    token: Option<Token>,
    none_match: Option<HeaderValue>,
}

impl Inquiry {
    /// `query` with what came along.
    pub fn ask<Q: Query>(&self, query: Q) -> Ask<Q> {
        Ask { query, token: self.token.clone() }
    }

    /// `body` under an `ETag` made of its content, for what has no version of its own; 304 if the client has it already.
    pub fn by_content<T: Serialize>(&self, body: &T) -> Reply {
        let json = match serde_json::to_vec(body) {
            Ok(json) => json,
            Err(why) => return Reply::problem(Problem::internal(&format!("an answer cannot be written: {why}"))),
        };
        let tag = content_etag(&json);
        if self.has(&tag) {
            return Reply::empty(StatusCode::NOT_MODIFIED).etag(tag);
        }
        Reply::written(StatusCode::OK, json).etag(tag)
    }

    /// Whether the client has the answer with this `etag` already.
    #[must_use]
    pub fn has(&self, etag: &HeaderValue) -> bool {
        self.none_match.as_ref().is_some_and(|header| preconditions::is_none_match(header, etag))
    }
}

impl<S: Sync> FromRequestParts<S> for Inquiry {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let token = parts.headers.get(CONSISTENCY_TOKEN).map(token).transpose()?;
        Ok(Self { token, none_match: parts.headers.get(IF_NONE_MATCH).cloned() })
    }
}

fn token(header: &HeaderValue) -> Result<Token, Problem> {
    let wrong = || {
        let detail = "is not a consistency token: send back one that an answer carried, unchanged";
        Problem::at(kinds::INVALID_HEADER, "Consistency-Token", detail)
    };
    header.to_str().map_err(|_| wrong())?.parse().map_err(|_| wrong())
}

fn idempotency_key(parts: &Parts) -> Result<Option<Key>, Problem> {
    let Some(header) = parts.headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = header.to_str().ok().filter(|key| (1..=255).contains(&key.len()));
    let Some(key) = key.filter(|key| key.bytes().all(|byte| byte.is_ascii_graphic())) else {
        let detail = "must be 1 to 255 visible ASCII characters";
        return Err(Problem::at(kinds::INVALID_HEADER, "Idempotency-Key", detail));
    };
    let mut operation = Xxh3::new();
    operation.update(parts.method.as_str().as_bytes());
    operation.update(b" ");
    operation.update(parts.uri.path().as_bytes());
    Ok(Some(Key { key: format!("idempotency-key/{key}"), operation: operation.digest() }))
}

fn text(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use axum::extract::Request;
    use cqrs::{Decision, States, Streams};

    use super::*;

    struct Nop;

    impl Command for Nop {
        const NAME: &'static str = "nop";
        type Answer = ();
        type Rejection = Infallible;
        fn streams(&self) -> Streams {
            Streams::none()
        }
        fn decide(&self, _: &States<'_>) -> Result<Decision<()>, Infallible> {
            Ok(Decision::answer(()))
        }
    }

    async fn call(path: &str, header: (HeaderName, &'static str)) -> Result<Call, Problem> {
        let request = Request::post(path).header(header.0, header.1).body(()).unwrap();
        Call::from_request_parts(&mut request.into_parts().0, &()).await
    }

    async fn key(path: &str, key: &'static str, body: &str) -> IdempotencyKey {
        call(path, (IDEMPOTENCY_KEY, key)).await.unwrap().envelope(Nop, body.as_bytes()).idempotency.unwrap()
    }

    #[tokio::test]
    async fn the_fingerprint_covers_path_and_body() {
        let first = key("/a", "k", "x").await;
        assert_eq!(first, key("/a", "k", "x").await);
        assert_eq!(first.key, key("/b", "k", "x").await.key);
        assert_ne!(first.fingerprint, key("/b", "k", "x").await.fingerprint);
        assert_ne!(first.fingerprint, key("/a", "k", "y").await.fingerprint);
    }

    #[tokio::test]
    async fn items_of_a_batch_have_keys_of_their_own() {
        let batch = async |raw| call("/a", (IDEMPOTENCY_KEY, "k")).await.unwrap().batch::<Nop>(raw);
        let (one, other) = (batch(b"x").await, batch(b"y").await);
        let key = |batch: &Call, index| batch.item(index, Nop).idempotency.unwrap();
        assert_ne!(key(&one, 0).key, key(&one, 1).key);
        assert_eq!(key(&one, 0).key, key(&other, 0).key);
        assert_ne!(key(&one, 0).fingerprint, key(&other, 0).fingerprint, "another body under the same key");
    }

    #[tokio::test]
    async fn headers_that_cannot_be_read_are_refused() {
        let status = |result: Result<Call, Problem>| result.unwrap_err().status().as_u16();
        assert_eq!(status(call("/", (IDEMPOTENCY_KEY, "")).await), 400);
        assert_eq!(status(call("/", (IDEMPOTENCY_KEY, "two words")).await), 400);
        assert_eq!(status(call("/", (IF_MATCH, "12")).await), 400);
        assert_eq!(call("/", (IF_MATCH, "\"12\"")).await.unwrap().envelope(Nop, b"").if_match, Some(12));
        let request = Request::get("/").header(CONSISTENCY_TOKEN, "mine").body(()).unwrap();
        let refused = Inquiry::from_request_parts(&mut request.into_parts().0, &()).await.unwrap_err();
        assert_eq!(refused.status(), 400);
    }
}
