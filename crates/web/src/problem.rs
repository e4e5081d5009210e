//! Problems: what an edge answers when it cannot do what was asked.

use std::borrow::Cow;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use comanda_contracts as contract;
use cqrs::{CommandError, Invalid, QueryError};

use crate::kinds::{self, Kind};

const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
/// When a client is told to ask again, unless something better is known.
const SOON_S: u64 = 1;

/// An error answer on its way, and in how many seconds to ask again. Boxed, so that a handler's result stays small.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem(Box<contract::Problem>, u64);

impl Problem {
    /// A problem of `kind`; `detail` says what was wrong this time, where, and what to do.
    #[must_use]
    pub fn new(kind: &'static Kind, detail: impl Into<String>) -> Self {
        let body = Box::new(contract::Problem {
            problem_type: Cow::Borrowed(kind.uri),
            title: Cow::Borrowed(kind.title),
            status: kind.status,
            detail: detail.into(),
            code: Cow::Borrowed(kind.code),
            ..contract::Problem::default()
        });
        Self(body, SOON_S)
    }

    /// Says in how many seconds a client should ask again, where it should at all.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        self.1 = seconds;
        self
    }

    /// A problem of `kind` with one field, parameter or header that is wrong.
    #[must_use]
    pub fn at(kind: &'static Kind, pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        let error = contract::FieldError { pointer: pointer.into(), detail: detail.into() };
        // An empty pointer means the whole body: then there is no name to begin with.
        let place = if error.pointer.is_empty() { String::new() } else { format!("{}: ", error.pointer) };
        let mut problem = Self::new(kind, format!("{place}{}", error.detail));
        problem.0.errors.push(error);
        problem
    }

    /// Fields whose shape is right and whose values are not.
    #[must_use]
    pub fn fields(errors: Vec<contract::FieldError>) -> Self {
        let detail: Vec<String> = errors.iter().map(|e| format!("{}: {}", e.pointer, e.detail)).take(3).collect();
        let more = if errors.len() > 3 { format!(" … and {} more", errors.len() - 3) } else { String::new() };
        let mut problem = Self::new(kinds::INVALID_FIELDS, format!("{}{more}", detail.join("; ")));
        problem.0.errors = errors;
        problem
    }

    /// Sets members that belong to this kind.
    #[must_use]
    pub fn with(mut self, set: impl FnOnce(&mut contract::Problem)) -> Self {
        set(&mut self.0);
        self
    }

    /// Its HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Its body: for an answer that carries several.
    #[must_use]
    pub fn into_body(self) -> contract::Problem {
        *self.0
    }

    /// Our fault: the log gets the cause, the client does not.
    #[must_use]
    pub fn internal(cause: &str) -> Self {
        tracing::error!(cause, "answered 500");
        Self::new(kinds::INTERNAL, "The request could not be answered. The log says why, under this correlation id.")
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.status();
        let Ok(body) = serde_json::to_vec(&self.0) else {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        };
        let mut response = (status, body).into_response();
        response.headers_mut().insert(CONTENT_TYPE, PROBLEM_JSON);
        if status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(self.1));
        }
        response
    }
}

impl From<Invalid> for Problem {
    fn from(Invalid(fields): Invalid) -> Self {
        let error = |field: cqrs::InvalidField| contract::FieldError { pointer: field.pointer, detail: field.detail };
        Self::fields(fields.into_iter().map(error).collect())
    }
}

impl<R: Into<Self>> From<CommandError<R>> for Problem {
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Rejected(rejection) => rejection.into(),
            CommandError::Invalid(invalid) => invalid.into(),
            CommandError::VersionMismatch { expected, actual } => Self::new(
                kinds::VERSION_MISMATCH,
                format!("If-Match names version {expected}, but it is at version {actual}: read it again."),
            )
            .with(|problem| {
                problem.expected = i64::try_from(expected).ok();
                problem.actual = i64::try_from(actual).ok();
            }),
            CommandError::KeyReused => Self::at(
                kinds::IDEMPOTENCY_KEY_REUSED,
                "Idempotency-Key",
                "was used for another request: take a new key, or repeat that request unchanged",
            ),
            CommandError::Overloaded => {
                Self::new(kinds::OVERLOADED, "The command queue is full; nothing was done. Retry in a second.")
            }
            CommandError::DeadlineExceeded => {
                Self::new(kinds::DEADLINE_EXCEEDED, "The command waited too long and was dropped undecided. Retry.")
            }
            CommandError::Unavailable(why) => {
                tracing::warn!(why, "the write side is unavailable");
                Self::new(kinds::UNAVAILABLE, "The write side cannot answer now; repeat the command with the same ids.")
            }
            CommandError::Broken(why) => Self::internal(&why),
        }
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        match error {
            QueryError::Invalid(invalid) => invalid.into(),
            QueryError::ViewLagging { waited_ms } => Self::new(
                kinds::VIEW_LAGGING,
                format!("The view did not reach the consistency token within {waited_ms} ms. Retry in a second."),
            ),
            QueryError::ViewBuilding { view, events, events_total, ask_again_s } => Self::new(
                kinds::VIEW_BUILDING,
                format!(
                    "The view {view} is being built from the log: {events} of {events_total} events. Retry in {ask_again_s} s."
                ),
            )
            .retry_after(ask_again_s),
            QueryError::ViewParked { view, parked } => Self::new(
                kinds::VIEW_PARKED,
                format!(
                    "The view {view} lacks events of {parked}. An operator must look: `GET /v1/projections/{view}/parked`. \
                     Without a consistency token it answers without them."
                ),
            ),
            QueryError::ForeignToken => {
                Self::at(kinds::FOREIGN_TOKEN, "Consistency-Token", "is of another log than this one: drop it")
            }
            QueryError::Unavailable(why) => {
                tracing::warn!(why, "the read side is unavailable");
                Self::new(kinds::UNAVAILABLE, "The read side cannot answer now. Retry in a second.")
            }
            QueryError::Broken(why) => Self::internal(&why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_that_is_being_built_says_when_to_ask_again() {
        let building = QueryError::ViewBuilding { view: "stock", events: 3, events_total: 10, ask_again_s: 7 };
        let problem = Problem::from(building);
        assert_eq!(problem.0.code, "VIEW_BUILDING");
        assert!(problem.0.detail.contains("stock") && problem.0.detail.contains("3 of 10"), "{}", problem.0.detail);
        assert_eq!(problem.into_response().headers()[RETRY_AFTER], "7");
        let lagging = Problem::from(QueryError::ViewLagging { waited_ms: 5 });
        assert_eq!(lagging.into_response().headers()[RETRY_AFTER], "1");
    }

    struct Refused;

    impl From<Refused> for Problem {
        fn from(_: Refused) -> Self {
            Self::new(kinds::NOT_FOUND, "refused")
        }
    }

    fn status(error: CommandError<Refused>) -> u16 {
        Problem::from(error).status().as_u16()
    }

    #[test]
    fn each_command_error_has_its_status() {
        assert_eq!(status(CommandError::Rejected(Refused)), 404);
        assert_eq!(status(CommandError::Invalid(Invalid::field("/a", "b"))), 422);
        assert_eq!(status(CommandError::VersionMismatch { expected: 1, actual: 2 }), 412);
        assert_eq!(status(CommandError::KeyReused), 422);
        assert_eq!(status(CommandError::Overloaded), 503);
        assert_eq!(status(CommandError::DeadlineExceeded), 503);
        assert_eq!(status(CommandError::Unavailable("disk".into())), 503);
        assert_eq!(status(CommandError::Broken("bug".into())), 500);
    }

    #[test]
    fn what_is_our_fault_is_hidden() {
        let body = Problem::from(CommandError::<Refused>::Broken("table t is gone".into())).into_body();
        assert!(!serde_json::to_string(&body).unwrap().contains("table t"));
    }

    #[test]
    fn later_says_when() {
        let response = Problem::new(kinds::OVERLOADED, "full").into_response();
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn many_wrong_fields_are_all_listed_and_the_detail_stays_short() {
        let errors: Vec<_> = (0..100)
            .map(|i| contract::FieldError { pointer: format!("/lines/{i}"), detail: "is wrong".into() })
            .collect();
        let body = Problem::fields(errors).into_body();
        assert_eq!(body.errors.len(), 100);
        assert!(body.detail.ends_with("and 97 more"));
    }
}
