//! JSON request bodies: parsed strictly, and refused with the place of what is wrong.

use axum::extract::{FromRequest, Request};
use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use bytes::Bytes;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::error::Category;
use serde_path_to_error::{Path, Segment};

use crate::body::{self, BODY_BYTES_MAX};
use crate::kinds;
use crate::problem::Problem;

/// A JSON body of at most `BYTES_MAX` bytes.
///
/// Refused are: another content type (415), more bytes (413), what is no JSON or nests deeper than 128 (400 with line and
/// column), and an unknown, missing or wrongly typed field (400 with its pointer).
#[derive(Debug)]
pub struct Json<T, const BYTES_MAX: usize = BODY_BYTES_MAX> {
    /// What was sent.
    pub value: T,
    /// As it was sent: what an idempotency key's fingerprint is made of.
    pub raw: Bytes,
}

/// A JSON body that may be left out.
#[derive(Debug)]
pub struct OptionalJson<T> {
    /// What was sent, if anything was.
    pub value: Option<T>,
    /// As it was sent.
    pub raw: Bytes,
}

/// The body of a request that has nothing to say: none at all, or `{}`.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl<T: DeserializeOwned, S: Sync, const BYTES_MAX: usize> FromRequest<S> for Json<T, BYTES_MAX> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let typed = is_json(&parts.headers);
        // The body is read first in any case: a client that is still sending would not see the answer.
        let raw = body::read(&parts.headers, body, BYTES_MAX).await?;
        typed?;
        let value = parse(&raw)?;
        Ok(Self { value, raw })
    }
}

impl<T: DeserializeOwned, S: Sync> FromRequest<S> for OptionalJson<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let raw = body::read(&parts.headers, body, BODY_BYTES_MAX).await?;
        if raw.is_empty() {
            return Ok(Self { value: None, raw });
        }
        is_json(&parts.headers)?;
        // `null` says as little as nothing does.
        let value = parse::<Option<T>>(&raw)?;
        Ok(Self { value, raw })
    }
}

fn is_json(headers: &HeaderMap) -> Result<(), Problem> {
    let sent = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = sent.split(';').next().unwrap_or_default().trim();
    if essence.eq_ignore_ascii_case("application/json") {
        return Ok(());
    }
    let found = if sent.is_empty() { "none" } else { essence };
    Err(Problem::at(
        kinds::UNSUPPORTED_MEDIA_TYPE,
        "Content-Type",
        format!("is {found}: send the body as `application/json`"),
    ))
}

fn parse<T: DeserializeOwned>(raw: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(raw).map_err(|error| refuse::<T>(raw, &error))
}

/// Parses once more, slowly, to learn where a shape is wrong: a good request never pays for it.
fn refuse<T: DeserializeOwned>(raw: &[u8], error: &serde_json::Error) -> Problem {
    if matches!(error.classify(), Category::Data) {
        let mut json = serde_json::Deserializer::from_slice(raw);
        if let Err(located) = serde_path_to_error::deserialize::<_, T>(&mut json) {
            let what = what_is_wrong(located.inner());
            return Problem::at(kinds::WRONG_SHAPE, pointer(located.path(), &what), what);
        }
    }
    if raw.is_empty() {
        return Problem::new(kinds::MALFORMED_JSON, "The body is empty: send a JSON object.");
    }
    Problem::new(kinds::MALFORMED_JSON, format!("The body is not JSON: {error}."))
}

/// The error without its line and column (the pointer says where), and in words for people who do not know Rust.
fn what_is_wrong(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let text = text.split(" at line ").next().unwrap_or(&text);
    // A list in place of an object is told with the type's name.
    let mut words = match text.split_once("expected struct ") {
        Some((before, _)) => format!("{before}expected an object"),
        None => text.to_owned(),
    };
    for (of_rust, of_json) in [
        ("expected i64", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("a sequence", "a list"),
    ] {
        words = words.replace(of_rust, of_json);
    }
    words
}

fn pointer(path: &Path, what: &str) -> String {
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => push(&mut pointer, &index.to_string()),
            Segment::Map { key } => push(&mut pointer, key),
            Segment::Enum { variant } => push(&mut pointer, variant),
            Segment::Unknown => {}
        }
    }
    // The path ends at the object; the field that it lacks is named only by the message.
    let missing = what.strip_prefix("missing field `").and_then(|rest| rest.split_once('`'));
    if let Some((field, _)) = missing {
        push(&mut pointer, field);
    }
    pointer
}

/// Adds one step, escaped as RFC 6901 says.
fn push(pointer: &mut String, step: &str) {
    pointer.push('/');
    pointer.push_str(&step.replace('~', "~0").replace('/', "~1"));
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::HeaderValue;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Order {
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Line {
        quantity: i64,
    }

    fn refused(json: &str) -> comanda_contracts::Problem {
        parse::<Order>(json.as_bytes()).unwrap_err().into_body()
    }

    fn pointer_of(json: &str) -> String {
        let problem = refused(json);
        assert_eq!((problem.status, problem.code.as_ref()), (400, "WRONG_SHAPE"), "{problem:?}");
        problem.errors[0].pointer.clone()
    }

    #[test]
    fn a_good_body_is_parsed() {
        assert_eq!(parse::<Order>(br#"{"lines":[{"quantity":3}]}"#).unwrap().lines[0].quantity, 3);
    }

    #[test]
    fn a_wrong_shape_is_pointed_to() {
        assert_eq!(pointer_of(r#"{"lines":[{"quantity":3},{"quantity":"4"}]}"#), "/lines/1/quantity");
        assert_eq!(pointer_of(r#"{"lines":[{"quantity":1.5}]}"#), "/lines/0/quantity");
        assert_eq!(pointer_of(r#"{"lines":[{"quantity":100000000000000000000}]}"#), "/lines/0/quantity");
        assert_eq!(pointer_of(r#"{"lines":[{"quantity":3,"a/b":1}]}"#), "/lines/0/a~1b");
        assert_eq!(pointer_of(r#"{"lines":[{}]}"#), "/lines/0/quantity");
        assert_eq!(pointer_of(r#"{"lines":[],"more":1}"#), "/more");
        assert_eq!(pointer_of("{}"), "/lines");
        assert_eq!(pointer_of("7"), "");
    }

    #[test]
    fn what_is_no_json_is_placed_by_line_and_column() {
        for json in ["{", "{\"lines\":[]} x", "{\"lines\":[],}", "\u{1}", "{'lines':[]}"] {
            let problem = refused(json);
            assert_eq!(problem.code, "MALFORMED_JSON", "{json}");
            assert!(problem.detail.contains("line 1 column"), "{}", problem.detail);
        }
        assert!(refused("").detail.contains("empty"));
    }

    #[test]
    fn deep_nesting_neither_parses_nor_overflows_the_stack() {
        let deep = format!("{{\"lines\":{}", "[".repeat(60_000));
        assert_eq!(refused(&deep).status, 400);
        let deep = "[".repeat(60_000);
        let error = parse::<serde_json::Value>(deep.as_bytes()).unwrap_err();
        assert!(error.into_body().detail.contains("recursion limit"));
    }

    #[tokio::test]
    async fn only_json_is_taken() {
        let request = |kind: Option<&'static str>| {
            let mut request = Request::new(Body::from(r#"{"lines":[]}"#));
            if let Some(kind) = kind {
                request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
            }
            request
        };
        for good in ["application/json", "Application/JSON; charset=utf-8"] {
            assert!(Json::<Order>::from_request(request(Some(good)), &()).await.is_ok(), "{good}");
        }
        for bad in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/jsonx")] {
            let refused = Json::<Order>::from_request(request(bad), &()).await.unwrap_err();
            assert_eq!(refused.status(), 415, "{bad:?}");
        }
    }

    #[tokio::test]
    async fn a_body_with_nothing_to_say_may_be_left_out() {
        let none = OptionalJson::<Nothing>::from_request(Request::new(Body::empty()), &()).await.unwrap();
        assert!(none.value.is_none());
        let mut null = Request::new(Body::from("null"));
        null.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert!(OptionalJson::<Nothing>::from_request(null, &()).await.unwrap().value.is_none());
        let mut request = Request::new(Body::from(r#"{"a":1}"#));
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        assert_eq!(OptionalJson::<Nothing>::from_request(request, &()).await.unwrap_err().status(), 400);
    }
}
