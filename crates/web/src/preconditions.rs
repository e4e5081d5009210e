//! ETags and the headers that compare them: `If-Match` before a command, `If-None-Match` before a query's answer.

use axum::http::HeaderValue;
use bytes::Bytes;
use cqrs::Version;
use xxhash_rust::xxh3::xxh3_64;

use crate::kinds;
use crate::problem::Problem;

/// The ETag of a thing at `version`: `"12"`. A suffix, `"12-7"`, tells apart answers that differ at the same version.
#[must_use]
pub fn etag(version: Version, suffix: u64) -> HeaderValue {
    let tag = if suffix == 0 { format!("\"{version}\"") } else { format!("\"{version}-{suffix}\"") };
    HeaderValue::from_maybe_shared(Bytes::from(tag)).unwrap_or(HeaderValue::from_static("\"0\""))
}

/// The ETag of what has no version of its own: a digest of `content`. No version is written so, so `If-Match` never takes
/// it for one.
#[must_use]
pub fn content_etag(content: &[u8]) -> HeaderValue {
    let tag = format!("\"c{:016x}\"", xxh3_64(content));
    HeaderValue::from_maybe_shared(Bytes::from(tag)).unwrap_or(HeaderValue::from_static("\"c\""))
}

/// The ETag of a thing at `version`, of which more is shown than the version covers: told apart by its `content`.
#[must_use]
pub fn composed_etag(version: Version, content: &[u8]) -> HeaderValue {
    etag(version, xxh3_64(content))
}

/// The version that `If-Match` asks for; none if any will do (`*`).
///
/// # Errors
/// 400 if it is no ETag or names several, 412 if it is one that no version can match (a weak one, one not ours).
pub fn if_match(header: &HeaderValue) -> Result<Option<Version>, Problem> {
    let wrong = |detail| Problem::at(kinds::INVALID_HEADER, "If-Match", detail);
    let text = header.to_str().map_err(|_| wrong("must be an ETag as an answer carried it, such as \"12\""))?.trim();
    if text == "*" {
        return Ok(None);
    }
    if text.contains(',') {
        return Err(wrong("must name one ETag: the version you have read"));
    }
    let (weak, tag) = text.strip_prefix("W/").map_or((false, text), |tag| (true, tag));
    let tag = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    let tag = tag.ok_or_else(|| wrong("must be an ETag as an answer carried it, such as \"12\""))?;
    let version = tag.split('-').next().and_then(|version| version.parse().ok());
    match version {
        Some(version) if !weak => Ok(Some(version)),
        _ => Err(Problem::at(kinds::VERSION_MISMATCH, "If-Match", "matches no version: read it again for its ETag")),
    }
}

/// Whether `If-None-Match` names `etag`: then the client has this answer already (304).
#[must_use]
pub fn is_none_match(header: &HeaderValue, etag: &HeaderValue) -> bool {
    let (Ok(text), Ok(etag)) = (header.to_str(), etag.to_str()) else { return false };
    // Weak comparison, as RFC 9110 asks for here.
    text.trim() == "*" || text.split(',').any(|tag| tag.trim().trim_start_matches("W/") == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(header: &'static str) -> Result<Option<Version>, u16> {
        if_match(&HeaderValue::from_static(header)).map_err(|problem| problem.status().as_u16())
    }

    #[test]
    fn if_match_names_one_version() {
        assert_eq!(version("\"12\""), Ok(Some(12)));
        assert_eq!(version("\"12-99\""), Ok(Some(12)));
        assert_eq!(version("*"), Ok(None));
        assert_eq!(version("W/\"12\""), Err(412));
        assert_eq!(version("\"abc\""), Err(412));
        assert_eq!(version("\"c00000000000000ff\""), Err(412));
        assert_eq!(version("12"), Err(400));
        assert_eq!(version("\"1\", \"2\""), Err(400));
    }

    #[test]
    fn if_none_match_compares_weakly() {
        let tag = etag(12, 0);
        let matches = |header| is_none_match(&HeaderValue::from_static(header), &tag);
        assert!(matches("\"12\"") && matches("W/\"12\"") && matches("\"1\", W/\"12\"") && matches("*"));
        assert!(!matches("\"1\"") && !matches("\"12-7\"") && !matches("12"));
        assert_eq!(etag(12, 7), "\"12-7\"");
    }

    #[test]
    fn content_is_known_by_its_digest() {
        assert_eq!(content_etag(b"{}"), content_etag(b"{}"));
        assert_ne!(content_etag(b"{}"), content_etag(b"[]"));
        let tag = content_etag(b"{}");
        assert_eq!(if_match(&tag).unwrap_err().status(), 412, "{tag:?}");
    }
}
