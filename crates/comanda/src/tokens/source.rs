//! Where the keys of an issuer are published: an address, asked with bounds on time and size, or a file.

use std::fs::File;
use std::io::Read;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::header::{ACCEPT, CACHE_CONTROL};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use super::key_set::KeySet;
use crate::compose::told;

/// The bytes of a JWKS document.
const DOCUMENT_BYTES_MAX: usize = 256 * 1024;

/// How long the issuer may take to answer.
const ANSWER_WAIT_MAX: Duration = Duration::from_secs(5);

/// How long keys count before they are fetched anew: what `Cache-Control: max-age` says, within these bounds.
const LIFETIME_MIN: Duration = Duration::from_secs(5);
const LIFETIME_MAX: Duration = Duration::from_secs(15 * 60);

/// The same where the issuer says nothing of it.
const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// How often a file is read.
const READ_EVERY: Duration = Duration::from_secs(1);

/// Where the keys are.
pub(super) enum Source {
    At(Box<Url>, Client),
    In(PathBuf),
}

/// Keys as they were published, and how long they count.
pub(super) struct Published {
    pub(super) keys: KeySet,
    pub(super) lifetime: Duration,
}

impl Source {
    /// The document at `url`.
    ///
    /// # Errors
    /// Whoever is on the way could exchange it.
    pub(super) fn at(url: Url) -> Result<Self, String> {
        if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback(&url)) {
            return Err(
                "it is neither https nor http on this machine: anybody on the way could exchange the keys".to_owned()
            );
        }
        // Only what was named is asked: no other place that it points to, and none in between.
        let client = Client::builder().no_proxy().redirect(Policy::none()).timeout(ANSWER_WAIT_MAX);
        let client = client.connect_timeout(ANSWER_WAIT_MAX).build().map_err(|why| told(&why))?;
        Ok(Self::At(Box::new(url), client))
    }

    /// The keys as they are now.
    ///
    /// # Errors
    /// Why they cannot be had.
    pub(super) async fn fetch(&self) -> Result<Published, String> {
        match self {
            Self::At(url, client) => fetch(url, client).await,
            Self::In(path) => read(path),
        }
    }

    /// The keys, if they are in a file.
    ///
    /// # Errors
    /// They cannot be read.
    pub(super) fn read_if_file(&self) -> Result<Option<Published>, String> {
        match self {
            Self::At(..) => Ok(None),
            Self::In(path) => read(path).map(Some),
        }
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::At(url, _) => url.fmt(f),
            Self::In(path) => path.display().fmt(f),
        }
    }
}

async fn fetch(url: &Url, client: &Client) -> Result<Published, String> {
    let request = client.get(url.clone()).header(ACCEPT, "application/jwk-set+json, application/json");
    let mut response = request.send().await.map_err(|why| told(&why))?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(format!("it answers with status {}", response.status().as_u16()));
    }
    let lifetime = lifetime(&response);
    let mut document = Vec::new();
    while let Some(part) = response.chunk().await.map_err(|why| told(&why))? {
        if document.len() + part.len() > DOCUMENT_BYTES_MAX {
            return Err(too_large());
        }
        document.extend_from_slice(&part);
    }
    Ok(Published { keys: KeySet::read(&document)?, lifetime })
}

fn read(path: &Path) -> Result<Published, String> {
    let mut document = Vec::new();
    let file = File::open(path).map_err(|why| why.to_string())?;
    file.take(DOCUMENT_BYTES_MAX as u64 + 1).read_to_end(&mut document).map_err(|why| why.to_string())?;
    if document.len() > DOCUMENT_BYTES_MAX {
        return Err(too_large());
    }
    Ok(Published { keys: KeySet::read(&document)?, lifetime: READ_EVERY })
}

fn too_large() -> String {
    format!("it has more than {DOCUMENT_BYTES_MAX} bytes")
}

fn lifetime(response: &Response) -> Duration {
    let said = response.headers().get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
    let age = said.flat_map(|value| value.split(',')).find_map(max_age);
    age.map_or(LIFETIME, |age| age.clamp(LIFETIME_MIN, LIFETIME_MAX))
}

/// What one directive of `Cache-Control` says of how long an answer counts.
fn max_age(directive: &str) -> Option<Duration> {
    let directive = directive.trim().to_ascii_lowercase();
    if matches!(directive.as_str(), "no-store" | "no-cache") {
        return Some(Duration::ZERO);
    }
    directive.strip_prefix("max-age=")?.trim_matches('"').parse().ok().map(Duration::from_secs)
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_nobody_on_the_way_could_exchange_is_asked() {
        for (url, asked) in [
            ("https://login.example.org/jwks", true),
            ("http://127.0.0.1:8000/jwks", true),
            ("http://localhost/jwks", true),
            ("http://[::1]:8000/jwks", true),
            ("http://login.example.org/jwks", false),
            ("http://127.0.0.1.example.org/jwks", false),
            ("http://localhost.example.org/jwks", false),
            ("http://10.0.0.1/jwks", false),
            ("ftp://127.0.0.1/jwks", false),
            ("file:///jwks", false),
        ] {
            assert_eq!(Url::parse(url).is_ok_and(|url| Source::at(url).is_ok()), asked, "{url}");
        }
    }

    #[test]
    fn how_long_keys_count_is_what_the_issuer_says_within_bounds() {
        for (said, seconds) in [
            (None, 300),
            (Some("public"), 300),
            (Some("max-age=60"), 60),
            (Some("public, max-age=60, must-revalidate"), 60),
            (Some("Max-Age=\"60\""), 60),
            (Some("max-age=0"), 5),
            (Some("no-store"), 5),
            (Some("max-age=99999999"), 900),
            (Some("max-age=-1"), 300),
            (Some("s-maxage=60"), 300),
        ] {
            let answer = axum::http::Response::builder();
            let answer = said.into_iter().fold(answer, |answer, said| answer.header(CACHE_CONTROL, said));
            let answer = answer.body("").unwrap_or_default();
            assert_eq!(lifetime(&answer.into()).as_secs(), seconds, "{said:?}");
        }
    }
}
