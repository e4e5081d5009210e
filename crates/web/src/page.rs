//! Lists: how many items at once, and where the next page starts.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::{Xxh3, xxh3_64_with_seed};

use crate::kinds;
use crate::problem::Problem;

/// Items of a page unless the client asks otherwise.
pub const PAGE_ITEMS_DEFAULT: usize = 50;

/// Items of a page at most.
pub const PAGE_ITEMS_MAX: usize = 200;

/// The bytes of the checksum that a cursor starts with.
const CHECK_BYTES: usize = 4;

/// The parameters of the query string, as one struct. A parameter that it does not know is refused (400).
#[derive(Clone, Copy, Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let read: Result<Query<T>, QueryRejection> = Query::from_request_parts(parts, state).await;
        match read {
            Ok(Query(params)) => Ok(Self(params)),
            Err(why) => Err(refused(&why)),
        }
    }
}

/// What is wrong with which parameter. Only the text of the error says, so a text of another shape is told as it is.
fn refused(why: &QueryRejection) -> Problem {
    let text = why.body_text();
    let what = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
    let quoted = ["missing field `", "duplicate field `", "unknown field `"];
    let quoted = quoted.iter().find_map(|start| what.strip_prefix(start)?.split_once('`')).map(|(name, _)| name);
    // What could not be read as a value stands behind the name of its parameter.
    let before = what.split_once(": ").filter(|(name, _)| is_name(name));
    match (quoted, before) {
        (_, Some((name, what))) => Problem::at(kinds::INVALID_PARAMETER, format!("?{name}"), what),
        (Some(name), None) => Problem::at(kinds::INVALID_PARAMETER, format!("?{name}"), what),
        (None, None) => Problem::new(kinds::INVALID_PARAMETER, what),
    }
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric())
}

/// How many items a page may have.
///
/// # Errors
/// 422 unless it is 1 to 200.
pub fn page_limit(asked: Option<i64>) -> Result<usize, Problem> {
    let Some(asked) = asked else { return Ok(PAGE_ITEMS_DEFAULT) };
    usize::try_from(asked).ok().filter(|limit| (1..=PAGE_ITEMS_MAX).contains(limit)).ok_or_else(|| {
        Problem::at(kinds::INVALID_FIELDS, "?limit", format!("is {asked}: it must be 1 to {PAGE_ITEMS_MAX}"))
    })
}

/// The list that is asked for: its path and its filters. A cursor belongs to one list, and no other takes it.
#[derive(Clone, Copy, Debug)]
pub struct List {
    /// Of the path and of every parameter but those that say which part of the list is meant.
    digest: u64,
}

impl<S: Send + Sync> FromRequestParts<S> for List {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Params(mut filters) = Params::<Vec<(String, String)>>::from_request_parts(parts, state).await?;
        filters.retain(|(name, _)| name != "limit" && name != "cursor");
        filters.sort();
        Ok(Self::new(parts.uri.path(), &filters))
    }
}

impl List {
    fn new(path: &str, filters: &[(String, String)]) -> Self {
        let mut digest = Xxh3::new();
        digest.update(path.as_bytes());
        for text in filters.iter().flat_map(|(name, value)| [name, value]) {
            // No text has a byte that UTF-8 does not: what stands on both sides of it cannot be shifted.
            digest.update(&[0xFF]);
            digest.update(text.as_bytes());
        }
        Self { digest: digest.digest() }
    }

    /// `place` as an opaque cursor: base64url of a checksum and JSON.
    ///
    /// # Errors
    /// 500 if `place` cannot be written as JSON.
    pub fn cursor<T: Serialize>(self, place: &T) -> Result<String, Problem> {
        let json = serde_json::to_vec(place).map_err(|why| Problem::internal(&format!("cursor: {why}")))?;
        let mut bytes = self.checksum(&json).to_vec();
        bytes.extend_from_slice(&json);
        Ok(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The place that a cursor stands for.
    ///
    /// # Errors
    /// 400 if it is none that an answer of this list carried.
    pub fn place<T: DeserializeOwned>(self, cursor: &str) -> Result<T, Problem> {
        let place = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| {
            let (check, json) = bytes.split_at_checked(CHECK_BYTES)?;
            if check == self.checksum(json) { serde_json::from_slice(json).ok() } else { None }
        });
        place.ok_or_else(|| {
            let detail = "is not a cursor of this list: send back the `nextCursor` of a page, unchanged, \
                          to the same path with the same filters";
            Problem::at(kinds::INVALID_PARAMETER, "?cursor", detail)
        })
    }

    fn checksum(self, json: &[u8]) -> [u8; CHECK_BYTES] {
        let [a, b, c, d, ..] = xxh3_64_with_seed(json, self.digest).to_le_bytes();
        [a, b, c, d]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(path: &str, filters: &[(&str, &str)]) -> List {
        let filters: Vec<_> = filters.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        List::new(path, &filters)
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_and_not_otherwise() {
        let list = list("/v1/things", &[("state", "OPEN")]);
        let place = (7_i64, "TEA-01".to_owned());
        let cursor = list.cursor(&place).unwrap();
        assert_eq!(list.place::<(i64, String)>(&cursor).unwrap(), place);
        let status = |cursor: &str| list.place::<(i64, String)>(cursor).unwrap_err().status().as_u16();
        for place in 0..cursor.len() {
            let mut tampered = cursor.clone().into_bytes();
            tampered[place] = if tampered[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(status(&String::from_utf8(tampered).unwrap()), 400);
        }
        assert_eq!(status(""), 400);
        assert_eq!(status("§"), 400);
        assert_eq!(list.place::<u64>(&cursor).unwrap_err().status(), 400, "of another shape");
    }

    #[test]
    fn a_cursor_of_another_list_is_refused() {
        let cursor = list("/v1/things", &[("state", "OPEN")]).cursor(&"TEA-01").unwrap();
        for other in [
            list("/v1/others", &[("state", "OPEN")]),
            list("/v1/things", &[]),
            list("/v1/things", &[("state", "SHUT")]),
            list("/v1/things", &[("stateO", "PEN")]),
        ] {
            assert_eq!(other.place::<String>(&cursor).unwrap_err().status(), 400, "{other:?}");
        }
    }

    #[tokio::test]
    async fn which_part_is_asked_for_makes_no_other_list() {
        let of = async |uri: &str| {
            let mut parts = axum::extract::Request::get(uri).body(()).unwrap().into_parts().0;
            List::from_request_parts(&mut parts, &()).await.unwrap().digest
        };
        let digest = of("/v1/things?state=OPEN&sku=TEA").await;
        assert_eq!(of("/v1/things?limit=7&sku=TEA&cursor=abc&state=OPEN").await, digest);
        assert_ne!(of("/v1/things?state=OPEN").await, digest);
    }

    #[derive(Debug, serde::Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether it can be read matters")]
    struct Filters {
        sku: String,
        only_available: Option<bool>,
    }

    #[tokio::test]
    async fn a_parameter_that_is_wrong_is_pointed_to() {
        for (query, pointer) in [
            ("onlyAvailable=true", "?sku"),
            ("sku=TEA&colour=red", "?colour"),
            ("sku=TEA&sku=MUG", "?sku"),
            ("sku=TEA&onlyAvailable=perhaps", "?onlyAvailable"),
        ] {
            let request = axum::extract::Request::get(format!("/v1/things?{query}")).body(()).unwrap();
            let read = Params::<Filters>::from_request_parts(&mut request.into_parts().0, &()).await;
            let problem = read.unwrap_err().into_body();
            assert_eq!((problem.status, problem.code.as_ref()), (400, "INVALID_PARAMETER"), "{query}");
            assert_eq!(problem.errors.first().map(|error| error.pointer.as_str()), Some(pointer), "{problem:?}");
            assert!(!problem.detail.contains("deserialize"), "{}", problem.detail);
        }
    }

    #[test]
    fn a_page_is_bounded() {
        assert_eq!(page_limit(None).unwrap(), 50);
        assert_eq!(page_limit(Some(200)).unwrap(), 200);
        for wrong in [0, -1, 201, i64::MAX] {
            assert_eq!(page_limit(Some(wrong)).unwrap_err().status(), 422);
        }
    }
}
