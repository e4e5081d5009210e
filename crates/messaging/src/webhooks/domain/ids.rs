//! Ids, addresses and filters of webhooks: values that are right by construction.

use std::fmt;
use std::sync::Arc;

use reqwest::Url;
use serde::{Deserialize, Serialize};

/// The longest address, in bytes.
pub const URL_BYTES_MAX: usize = 2_048;

/// The most types of events that one webhook names.
pub const KINDS_MAX: usize = 50;

/// The longest type of an event, in bytes.
pub const KIND_BYTES_MAX: usize = 200;

cqrs::text_id!(
    /// A webhook, named by its owner.
    WebhookId
);
cqrs::text_id!(
    /// A secret of a webhook. Not the secret itself, which follows from it and the key.
    SecretId
);

/// The text is no address that can be posted to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an address is an http or https URL of at most 2,048 characters, without user, password and fragment")]
pub struct InvalidTarget;

/// Where events are posted to.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Arc<str>")]
pub struct TargetUrl(Arc<str>);

impl TargetUrl {
    /// The address that `text` is, in its normal form.
    ///
    /// # Errors
    /// [`InvalidTarget`]
    pub fn parse(text: &str) -> Result<Self, InvalidTarget> {
        let url = Url::parse(text).ok().filter(|_| text.len() <= URL_BYTES_MAX).ok_or(InvalidTarget)?;
        let web = ["http", "https"].contains(&url.scheme()) && url.host_str().is_some_and(|host| !host.is_empty());
        let bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        (web && bare && url.as_str().len() <= URL_BYTES_MAX).then(|| Self(url.as_str().into())).ok_or(InvalidTarget)
    }

    /// The address as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<Arc<str>> for TargetUrl {
    type Error = InvalidTarget;

    fn try_from(text: Arc<str>) -> Result<Self, InvalidTarget> {
        Self::parse(&text)
    }
}

impl fmt::Debug for TargetUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// The texts are no filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a filter names at most 50 types of events, each of 1 to 200 characters")]
pub struct InvalidKinds;

/// Which types of events a webhook is told of: those named, or all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Kinds(Vec<Arc<str>>);

impl Kinds {
    /// The filter that names `kinds`, in order and each once; all types if there is none.
    ///
    /// # Errors
    /// [`InvalidKinds`]
    pub fn parse(kinds: &[String]) -> Result<Self, InvalidKinds> {
        let right = |kind: &String| (1..=KIND_BYTES_MAX).contains(&kind.len());
        if kinds.len() > KINDS_MAX || !kinds.iter().all(right) {
            return Err(InvalidKinds);
        }
        let mut named: Vec<Arc<str>> = kinds.iter().map(|kind| kind.as_str().into()).collect();
        named.sort_unstable();
        named.dedup();
        Ok(Self(named))
    }

    /// Whether events of `kind` pass.
    #[must_use]
    pub fn pass(&self, kind: &str) -> bool {
        self.0.is_empty() || self.0.iter().any(|named| &**named == kind)
    }

    /// The types it names.
    #[must_use]
    pub fn named(&self) -> &[Arc<str>] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_url_that_can_be_posted_to() {
        assert_eq!(TargetUrl::parse("HTTPS://Erp.Example:443/a?b=c").unwrap().as_str(), "https://erp.example/a?b=c");
        let long = format!("https://h/{}", "a".repeat(URL_BYTES_MAX));
        for wrong in
            ["", "erp.example", "ftp://h/", "https://u:p@h/", "https://u@h/", "https://h/#f", "file:///x", &long]
        {
            assert_eq!(TargetUrl::parse(wrong), Err(InvalidTarget), "{wrong}");
        }
    }

    #[test]
    fn a_filter_that_names_nothing_lets_all_pass() {
        let kinds = |named: &[&str]| Kinds::parse(&named.iter().map(|&kind| kind.to_owned()).collect::<Vec<_>>());
        assert!(kinds(&[]).unwrap().pass("a"));
        let two = kinds(&["b", "a", "b"]).unwrap();
        assert!(two.pass("a") && two.pass("b") && !two.pass("c"));
        assert_eq!(two.named().len(), 2);
        assert_eq!(kinds(&[""]), Err(InvalidKinds));
        assert_eq!(kinds(&["k"; KINDS_MAX + 1]), Err(InvalidKinds));
    }
}
