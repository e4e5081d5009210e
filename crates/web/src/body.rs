//! Reads request bodies: bounded in size and time, and friendly to a client that sends too much.

use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_LENGTH, EXPECT};
use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt;

use crate::kinds;
use crate::problem::Problem;

/// The bytes a body may have.
pub const BODY_BYTES_MAX: usize = 64 * 1024;

/// The bytes a body of many items may have.
pub const BULK_BODY_BYTES_MAX: usize = 256 * 1024;

/// Of a body that is too large so many bytes are read and dropped: a client that is still sending when its connection
/// closes would not see the answer.
const DRAINED_BYTES_MAX: usize = 2 * 1024 * 1024;

/// A body must have arrived after this time.
const BODY_WAIT: Duration = Duration::from_secs(10);

/// The whole body, at most `bytes_max` of it.
///
/// # Errors
/// 413 if it is larger, 408 if it does not arrive in time, 400 if the connection breaks.
pub(crate) async fn read(headers: &HeaderMap, body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()).and_then(|v| v.parse::<usize>().ok());
    if declared.is_some_and(|bytes| bytes > bytes_max) && headers.contains_key(EXPECT) {
        // The client waits for a go-ahead before it sends: say no at once.
        return Err(too_large(bytes_max));
    }
    match tokio::time::timeout(BODY_WAIT, collect(body, bytes_max)).await {
        Ok(read) => read,
        Err(_) => Err(Problem::new(
            kinds::REQUEST_TIMEOUT,
            format!("The body did not arrive within {} s; nothing was done.", BODY_WAIT.as_secs()),
        )),
    }
}

async fn collect(mut body: Body, bytes_max: usize) -> Result<Bytes, Problem> {
    let mut whole = Bytes::new();
    let mut joined = BytesMut::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|why| Problem::new(kinds::MALFORMED_JSON, format!("The body broke off: {why}")))?;
        let Ok(data) = frame.into_data() else { continue };
        seen += data.len();
        if seen > DRAINED_BYTES_MAX {
            break;
        }
        if seen > bytes_max {
            continue;
        }
        // Nearly every body comes in one piece: it is used as it is, without a copy.
        if whole.is_empty() && joined.is_empty() {
            whole = data;
        } else {
            if joined.is_empty() {
                joined.extend_from_slice(&std::mem::take(&mut whole));
            }
            joined.extend_from_slice(&data);
        }
    }
    if seen > bytes_max {
        return Err(too_large(bytes_max));
    }
    Ok(if joined.is_empty() { whole } else { joined.freeze() })
}

fn too_large(bytes_max: usize) -> Problem {
    Problem::new(kinds::BODY_TOO_LARGE, format!("This path takes at most {bytes_max} bytes at once. Send less."))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use http_body_util::StreamBody;

    use super::*;

    fn pieces(pieces: &[usize]) -> Body {
        let frames: Vec<_> = pieces
            .iter()
            .map(|&bytes| Ok::<_, std::io::Error>(hyper::body::Frame::data(Bytes::from(vec![b'a'; bytes]))))
            .collect();
        Body::new(StreamBody::new(futures::stream::iter(frames)))
    }

    #[tokio::test]
    async fn pieces_are_joined_in_order() {
        let body = Body::new(StreamBody::new(futures::stream::iter(
            ["ab", "", "cd", "e"].map(|piece| Ok::<_, std::io::Error>(hyper::body::Frame::data(Bytes::from(piece)))),
        )));
        assert_eq!(read(&HeaderMap::new(), body, 10).await.unwrap(), "abcde");
    }

    #[tokio::test]
    async fn the_last_allowed_byte_is_taken_and_the_next_refused() {
        assert_eq!(read(&HeaderMap::new(), pieces(&[6, 4]), 10).await.unwrap().len(), 10);
        assert_eq!(read(&HeaderMap::new(), pieces(&[6, 5]), 10).await.unwrap_err().status(), 413);
        assert_eq!(read(&HeaderMap::new(), pieces(&[3 * 1024 * 1024, 1]), 10).await.unwrap_err().status(), 413);
    }

    #[tokio::test]
    async fn a_client_that_asks_first_is_told_before_it_sends() {
        let headers = HeaderMap::from_iter([
            (EXPECT, HeaderValue::from_static("100-continue")),
            (CONTENT_LENGTH, HeaderValue::from_static("11")),
        ]);
        let never =
            Body::new(StreamBody::new(futures::stream::pending::<Result<hyper::body::Frame<Bytes>, std::io::Error>>()));
        assert_eq!(read(&headers, never, 10).await.unwrap_err().status(), 413);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_comes_is_not_waited_for_for_ever() {
        let never =
            Body::new(StreamBody::new(futures::stream::pending::<Result<hyper::body::Frame<Bytes>, std::io::Error>>()));
        assert_eq!(read(&HeaderMap::new(), never, 10).await.unwrap_err().status(), 408);
    }
}
