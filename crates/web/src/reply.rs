//! Answers: JSON with the headers that every command's and query's answer has.

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use cqrs::Token;
use serde::Serialize;

use crate::call::{CONSISTENCY_TOKEN, IDEMPOTENT_REPLAYED};
use crate::problem::Problem;

const APPLICATION_JSON: HeaderValue = HeaderValue::from_static("application/json");
/// A cache may keep it but must ask whether it still holds: stock changes at any moment.
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
const TRUE: HeaderValue = HeaderValue::from_static("true");

/// An answer on its way.
#[derive(Debug)]
pub struct Reply(Response);

impl Reply {
    /// `body` as JSON.
    #[must_use]
    pub fn json<T: Serialize>(status: StatusCode, body: &T) -> Self {
        let mut json = Vec::with_capacity(512);
        match serde_json::to_writer(&mut json, body) {
            Ok(()) => Self::written(status, json),
            Err(why) => Self::problem(Problem::internal(&format!("an answer cannot be written: {why}"))),
        }
    }

    /// What was written as JSON before.
    pub(crate) fn written(status: StatusCode, json: Vec<u8>) -> Self {
        let mut response = Response::new(Body::from(json));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, APPLICATION_JSON);
        Self(response)
    }

    /// What went wrong where only an answer can be given.
    pub(crate) fn problem(problem: Problem) -> Self {
        Self(problem.into_response())
    }

    /// No body: 204 or 304.
    #[must_use]
    pub fn empty(status: StatusCode) -> Self {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        Self(response)
    }

    /// Says how far a later query must read to see this.
    #[must_use]
    pub fn token(mut self, token: &Token) -> Self {
        // A token is ASCII by its making, so the conversion holds.
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(token.to_string())) {
            self.0.headers_mut().insert(CONSISTENCY_TOKEN, value);
        }
        self
    }

    /// Says which version this is.
    #[must_use]
    pub fn etag(mut self, etag: HeaderValue) -> Self {
        self.0.headers_mut().insert(ETAG, etag);
        self.0.headers_mut().insert(CACHE_CONTROL, NO_CACHE);
        self
    }

    /// Says where what was created is found: `prefix` and an id that needs no escaping.
    #[must_use]
    pub fn location(mut self, prefix: &str, id: &str) -> Self {
        let mut path = String::with_capacity(prefix.len() + id.len());
        path.push_str(prefix);
        path.push_str(id);
        if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(path)) {
            self.0.headers_mut().insert(LOCATION, value);
        }
        self
    }

    /// Says whether the same answer was given before.
    #[must_use]
    pub fn replayed(mut self, replayed: bool) -> Self {
        if replayed {
            self.0.headers_mut().insert(IDEMPOTENT_REPLAYED, TRUE);
        }
        self
    }
}

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        self.0
    }
}
