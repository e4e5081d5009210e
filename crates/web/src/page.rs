//! Lists: how many items at once, and where the next page starts.

use axum::extract::rejection::QueryRejection;
use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::xxh3_64;

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
            Err(why) => Err(Problem::new(kinds::INVALID_PARAMETER, why.body_text())),
        }
    }
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

/// `place` as an opaque cursor: base64url of a checksum and JSON.
///
/// # Errors
/// 500 if `place` cannot be written as JSON.
pub fn encode_cursor<T: Serialize>(place: &T) -> Result<String, Problem> {
    let json = serde_json::to_vec(place).map_err(|why| Problem::internal(&format!("cursor: {why}")))?;
    let mut bytes = checksum(&json).to_vec();
    bytes.extend_from_slice(&json);
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// The place that a cursor stands for.
///
/// # Errors
/// 400 if it is none that an answer carried.
pub fn decode_cursor<T: DeserializeOwned>(cursor: &str) -> Result<T, Problem> {
    let place = URL_SAFE_NO_PAD.decode(cursor).ok().and_then(|bytes| {
        let (check, json) = bytes.split_at_checked(CHECK_BYTES)?;
        if check == checksum(json) { serde_json::from_slice(json).ok() } else { None }
    });
    place.ok_or_else(|| {
        let detail = "is not a cursor of this list: send back the `nextCursor` of a page, unchanged";
        Problem::at(kinds::INVALID_PARAMETER, "?cursor", detail)
    })
}

fn checksum(json: &[u8]) -> [u8; CHECK_BYTES] {
    let [a, b, c, d, ..] = xxh3_64(json).to_le_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_comes_back_as_it_was_and_not_otherwise() {
        let place = (7_i64, "TEA-01".to_owned());
        let cursor = encode_cursor(&place).unwrap();
        assert_eq!(decode_cursor::<(i64, String)>(&cursor).unwrap(), place);
        let status = |cursor: &str| decode_cursor::<(i64, String)>(cursor).unwrap_err().status().as_u16();
        for place in 0..cursor.len() {
            let mut tampered = cursor.clone().into_bytes();
            tampered[place] = if tampered[place] == b'A' { b'B' } else { b'A' };
            assert_eq!(status(&String::from_utf8(tampered).unwrap()), 400);
        }
        assert_eq!(status(""), 400);
        assert_eq!(status("§"), 400);
        assert_eq!(decode_cursor::<u64>(&cursor).unwrap_err().status(), 400, "of another list");
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
