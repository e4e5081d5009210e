//! What is kept of an API key: everything but its secret.

use std::num::NonZeroU32;

use comanda_web::Scopes;
use cqrs::Timestamp;
use serde::{Deserialize, Serialize};

/// The tenant of whoever names none.
pub(crate) const DEFAULT_TENANT: &str = "default";

/// The characters that a name of a key may have.
const NAME_CHARS_MAX: usize = 64;

/// The characters that a name of a tenant may have: it names a folder.
const TENANT_CHARS_MAX: usize = 32;

/// One API key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct KeyRecord {
    /// Finds it; a part of its text, and no secret.
    pub(super) id: String,
    /// Whom it is for. Two keys have one name while one takes over from the other.
    pub(super) name: String,
    /// Whose data it opens.
    pub(super) tenant: String,
    pub(super) scopes: Scopes,
    /// The SHA-256 of its secret.
    pub(super) hash: String,
    pub(super) created_at: Timestamp,
    /// It counts until then; without end if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked_at: Option<Timestamp>,
    /// Requests a second that whoever has it may send; without a bound if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rate: Option<NonZeroU32>,
    /// Units that it may hold at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) units_held_max: Option<u64>,
    /// Seconds that a hold of it may last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) hold_seconds_max: Option<u64>,
}

impl KeyRecord {
    /// Why it does not count at `now`, if it does not.
    pub(super) fn ended(&self, now: Timestamp) -> Option<&'static str> {
        if self.revoked_at.is_some() {
            Some("revoked")
        } else if self.expires_at.is_some_and(|end| end <= now) {
            Some("expired")
        } else {
            None
        }
    }

    /// Whether it is one of those that `name` of `tenant` comes in with at `now`.
    pub(super) fn is_active_for(&self, tenant: &str, name: &str, now: Timestamp) -> bool {
        self.tenant == tenant && self.name == name && self.ended(now).is_none()
    }
}

/// The name of a key, checked.
pub(super) fn key_name(text: &str) -> Result<String, String> {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let right = (1..=NAME_CHARS_MAX).contains(&text.len()) && text.bytes().all(known);
    if right {
        return Ok(text.to_owned());
    }
    Err(format!("a name is 1 to {NAME_CHARS_MAX} letters, digits, dots, underscores and hyphens"))
}

/// The name of a tenant, checked: it is the name of a folder as well.
pub(crate) fn tenant_name(text: &str) -> Result<String, String> {
    let known = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let right = (1..=TENANT_CHARS_MAX).contains(&text.len()) && text.bytes().all(known) && !text.starts_with('-');
    if right {
        return Ok(text.to_owned());
    }
    Err(format!("a tenant is 1 to {TENANT_CHARS_MAX} lower-case letters, digits and hyphens, a hyphen not first"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_cannot_name_anything_but_its_own_folder() {
        for right in ["default", "shop-7", "7"] {
            assert!(tenant_name(right).is_ok(), "{right}");
        }
        let long = "a".repeat(33);
        for wrong in ["", ".", "..", "a/b", "../a", "-a", "A", "a b", "ä", "a\0", &long] {
            assert!(tenant_name(wrong).is_err(), "{wrong}");
        }
    }
}
