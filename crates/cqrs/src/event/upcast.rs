//! Upcasting: an event that was stored in an older shape is brought to today's when it is read.

use serde_json::Value;

/// An event as it was stored, before anything has read it.
///
/// ```
/// use cqrs::StoredEvent;
///
/// let stored = StoredEvent::new(br#"{"opened":{"who":"Ann"}}"#);
/// assert_eq!(stored.variant(), Some("opened"));
/// assert_eq!(stored.content().unwrap()["who"], "Ann");
/// assert_eq!(StoredEvent::new(br#""closed""#).variant(), Some("closed"));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StoredEvent<'a>(&'a [u8]);

impl<'a> StoredEvent<'a> {
    /// An event whose stored JSON is `json`.
    #[must_use]
    pub fn new(json: &'a [u8]) -> Self {
        Self(json)
    }

    /// The name of its variant, found without parsing the rest; none if it is no variant of an enum.
    #[must_use]
    pub fn variant(&self) -> Option<&'a str> {
        let rest = self.0.strip_prefix(b"{").unwrap_or(self.0).strip_prefix(b"\"")?;
        let end = rest.iter().position(|byte| *byte == b'"')?;
        std::str::from_utf8(rest.get(..end)?).ok()
    }

    /// What its variant holds; none if it holds nothing.
    #[must_use]
    pub fn content(&self) -> Option<Value> {
        match self.value()? {
            Value::Object(mut event) => event.remove(self.variant()?),
            _ => None,
        }
    }

    /// All of it; none if it is no JSON.
    #[must_use]
    pub fn value(&self) -> Option<Value> {
        serde_json::from_slice(self.0).ok()
    }
}
