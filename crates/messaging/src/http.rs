//! What every HTTP client here needs: bounded bodies, addresses under a base, and errors told whole.

use std::error::Error;

use reqwest::{Response, Url};

/// Why a body was not read.
#[derive(Debug)]
pub(crate) enum Overlong {
    /// It has more bytes than are taken.
    TooLong,
    /// The connection broke, or the time was up.
    Broken(String),
}

/// The whole body, if it has at most `bytes_max` bytes; no more than that is ever kept.
pub(crate) async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, Overlong> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|cause| Overlong::Broken(told(&cause)))? {
        if body.len() + chunk.len() > bytes_max {
            return Err(Overlong::TooLong);
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// The address of `steps` under `base`.
pub(crate) fn url_under(base: &str, steps: &[&str]) -> Result<Url, String> {
    let mut url = Url::parse(base).map_err(|cause| cause.to_string())?;
    if !["http", "https"].contains(&url.scheme()) {
        return Err(format!("{} is neither http nor https", url.scheme()));
    }
    let path = url.path_segments_mut().map_err(|()| "it cannot have a path".to_owned());
    path?.pop_if_empty().extend(steps);
    Ok(url)
}

/// An error with all its causes, and without the address: it may hold a secret.
#[must_use]
pub fn told(error: &reqwest::Error) -> String {
    let mut text = match (error.is_timeout(), error.is_connect()) {
        (true, true) => "no connection in time".to_owned(),
        (true, false) => "no answer in time".to_owned(),
        (false, true) => "no connection".to_owned(),
        (false, false) => "the exchange failed".to_owned(),
    };
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_stand_under_the_base_whatever_it_ends_with() {
        for base in ["http://h:1", "http://h:1/"] {
            assert_eq!(url_under(base, &["v1", "events"]).unwrap().as_str(), "http://h:1/v1/events");
        }
        assert_eq!(url_under("https://h/a", &["b c"]).unwrap().as_str(), "https://h/a/b%20c");
        for wrong in ["ftp://h", "h:1", "", "mailto:a@b.c"] {
            assert!(url_under(wrong, &["v1"]).is_err(), "{wrong}");
        }
    }
}
