//! The kinds of problems an edge can answer with: each a stable code, documented at its `type`.

use axum::Router;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::problem::Problem;

/// One kind of problem. Its code never changes its meaning.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// The stable code, such as `MALFORMED_JSON`.
    pub code: &'static str,
    /// Where it is described: `/problems/malformed-json`.
    pub uri: &'static str,
    /// The HTTP status it is answered with.
    pub status: u16,
    /// What it is, in a few words.
    pub title: &'static str,
    /// When it is answered and what the client should do.
    pub meaning: &'static str,
}

impl Kind {
    /// All that there is to say about it, as JSON.
    #[must_use]
    pub fn describe(&self) -> serde_json::Value {
        let Self { code, uri, status, title, meaning } = self;
        serde_json::json!({ "type": uri, "code": code, "status": status, "title": title, "meaning": meaning })
    }
}

/// Declares kinds as constants, and the list of all of them.
#[macro_export]
macro_rules! kinds {
    ($( $code:ident = $status:literal, $slug:literal, $title:literal, $meaning:literal; )*) => {
        $(
            #[doc = $meaning]
            pub const $code: &$crate::Kind = &$crate::Kind {
                code: stringify!($code),
                uri: concat!("/problems/", $slug),
                status: $status,
                title: $title,
                meaning: $meaning,
            };
        )*
        /// Every kind declared here.
        pub const ALL: &[&$crate::Kind] = &[$($code),*];
    };
}

kinds! {
    MALFORMED_JSON = 400, "malformed-json", "The body is not JSON",
        "The body cannot be parsed. The detail names line and column.";
    WRONG_SHAPE = 400, "wrong-shape", "The body has the wrong shape",
        "The JSON is well formed, but a field is missing, not known or of the wrong type. `errors` points to it.";
    INVALID_PARAMETER = 400, "invalid-parameter", "A parameter cannot be read",
        "A query parameter, path parameter or cursor cannot be read. `errors` names it.";
    INVALID_HEADER = 400, "invalid-header", "A header cannot be read",
        "A request header has a value that cannot be read. `errors` names it.";
    INVALID_FIELDS = 422, "invalid-fields", "A value is out of its range",
        "The shape is right, but values are not. `errors` points to every one of them.";
    UNAUTHENTICATED = 401, "unauthenticated", "It is not known who asks",
        "There is no credential, or one that does not count (any more). Send `Authorization: Bearer` with an API key or a token.";
    FORBIDDEN = 403, "forbidden", "The credential does not open this",
        "It is known who asks, but the credential lacks the scope that this needs. `WWW-Authenticate` names it.";
    NOT_FOUND = 404, "not-found", "There is nothing here",
        "No resource has this path.";
    METHOD_NOT_ALLOWED = 405, "method-not-allowed", "The method is not allowed here",
        "The path exists, but not for this method. The header `Allow` lists those it has.";
    NOT_ACCEPTABLE = 406, "not-acceptable", "No answer would be accepted",
        "The header `Accept` leaves out the one media type that this path answers with. Nothing was done.";
    REQUEST_TIMEOUT = 408, "request-timeout", "The request took too long to arrive",
        "The body did not arrive in time; nothing was done. Send it again.";
    BODY_TOO_LARGE = 413, "body-too-large", "The body is too large",
        "The body has more bytes than this path takes. Send less at once.";
    URI_TOO_LONG = 414, "uri-too-long", "The URI is too long",
        "The request target has more bytes than the server takes.";
    UNSUPPORTED_MEDIA_TYPE = 415, "unsupported-media-type", "The body is of a type that is not taken",
        "Bodies are JSON: send `Content-Type: application/json`.";
    RATE_LIMITED = 429, "rate-limited", "The credential asks too often",
        "More requests came with the credential than it is allowed in a second; nothing was done. Retry after `Retry-After`.";
    HEADERS_TOO_LARGE = 431, "headers-too-large", "The headers are too large",
        "The headers have more bytes than the server takes.";
    VERSION_MISMATCH = 412, "version-mismatch", "It has changed since it was read",
        "`If-Match` names another version than there is. Read again, then decide again.";
    IDEMPOTENCY_KEY_REUSED = 422, "idempotency-key-reused", "The idempotency key was used for another request",
        "The same `Idempotency-Key` came with another request before. Take a new key for a new request.";
    FOREIGN_TOKEN = 400, "foreign-token", "The consistency token is of another log",
        "The log was restored or replaced since the token was given. Drop the token.";
    FOREIGN_CURSOR = 409, "foreign-cursor", "The cursor is of another log",
        "The log was restored or replaced since the cursor was given, or has not come that far. Read from the start.";
    OVERLOADED = 503, "overloaded", "Too many requests wait already",
        "The queue is full; nothing was done. Retry after the time in `Retry-After`.";
    DEADLINE_EXCEEDED = 503, "deadline-exceeded", "It took too long",
        "The request was given up. If it was a command its outcome is unknown: repeat it with the same ids.";
    UNAVAILABLE = 503, "unavailable", "The store cannot be reached",
        "If it was a command its outcome is unknown: repeat it with the same ids after the time in `Retry-After`.";
    VIEW_LAGGING = 503, "view-lagging", "The view has not read that far yet",
        "The view did not reach the consistency token in time. Retry after the time in `Retry-After`.";
    VIEW_BUILDING = 503, "view-building", "The view is being built",
        "This version of the view is being made from the log and is read by nobody before it is whole. Retry after the time in `Retry-After`.";
    VIEW_PARKED = 503, "view-parked", "The view lacks an event that could not be applied",
        "An event of the stream that the detail names waits in this view for somebody to look. Without a consistency token the view answers as far as it has read.";
    INTERNAL = 500, "internal", "Something is wrong on our side",
        "Our fault; the log says more under the correlation id of the answer.";
}

/// Serves the description of each kind at its `type`: `GET /problems` and `GET /problems/{slug}`.
pub fn problem_pages<S: Clone + Send + Sync + 'static>(kinds: Vec<&'static Kind>) -> Router<S> {
    let list = kinds.clone();
    Router::new()
        .route("/problems", get(move || async move { described(&list) }))
        .route("/problems/{slug}", get(move |Path(slug): Path<String>| async move { page(&kinds, &slug) }))
}

fn page(kinds: &[&'static Kind], slug: &str) -> Result<Response, Problem> {
    let found = kinds.iter().find(|kind| kind.uri.strip_prefix("/problems/") == Some(slug));
    match found {
        Some(kind) => Ok(axum::Json(kind.describe()).into_response()),
        None => Err(Problem::new(NOT_FOUND, "No kind of problem has this name: `GET /problems` lists them.")),
    }
}

fn described(kinds: &[&'static Kind]) -> Response {
    let items: Vec<_> = kinds.iter().map(|kind| kind.describe()).collect();
    axum::Json(serde_json::json!({ "items": items })).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_page_named_after_it() {
        for kind in ALL {
            let slug = kind.code.to_lowercase().replace('_', "-");
            assert_eq!(kind.uri, format!("/problems/{slug}"));
            assert!(page(ALL, &slug).is_ok());
        }
        assert!(page(ALL, "no-such-thing").is_err());
    }
}
