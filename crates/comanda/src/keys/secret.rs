//! What an API key looks like: `cmd_<id>_<secret><checksum>`.
//!
//! The id finds the key. The secret is 256 random bits, so its plain SHA-256 is all that need be kept: there is nothing to
//! guess. The checksum tells a key that was mistyped or cut off from one that is unknown, and lets a scanner of leaked secrets
//! recognise one without asking.

use std::fmt::Write;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// What every key begins with: it is found in a leak by it.
const PREFIX: &str = "cmd_";

/// The characters of an id.
const ID_CHARS: usize = 8;

/// The bytes of a secret.
const SECRET_BYTES: usize = 32;

/// The bytes of a checksum.
const CHECK_BYTES: usize = 4;

/// The SHA-256 of a secret.
#[derive(Clone, Copy)]
pub(super) struct Hash([u8; 32]);

impl Hash {
    fn of(secret: &[u8; SECRET_BYTES]) -> Self {
        Self(Sha256::digest(secret).into())
    }

    /// Whether it is the same. How long that takes says nothing about where they differ.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub(super) fn to_hex(self) -> String {
        hex(&self.0)
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        unhex(text).map(Self)
    }
}

/// A new key: the only moment at which its whole text is known.
pub(super) struct Fresh {
    pub(super) id: String,
    pub(super) hash: Hash,
    pub(super) text: String,
}

impl Fresh {
    pub(super) fn new() -> Self {
        let mut number: u64 = rand::random();
        let id: String = (0..ID_CHARS)
            .map(|_| {
                let digit = u32::try_from(number % 36).unwrap_or_default();
                number /= 36;
                char::from_digit(digit, 36).unwrap_or('0')
            })
            .collect();
        let secret: [u8; SECRET_BYTES] = rand::random();
        let mut text = format!("{PREFIX}{id}_{}", hex(&secret));
        let check = checksum(&text);
        text.push_str(&check);
        Self { id, hash: Hash::of(&secret), text }
    }
}

/// The id of a key and the hash of its secret, if `text` is a key without a mistake.
pub(super) fn read(text: &str) -> Option<(&str, Hash)> {
    let (checked, check) = text.split_at_checked(text.len().checked_sub(2 * CHECK_BYTES)?)?;
    let (id, secret) = checked.strip_prefix(PREFIX)?.split_at_checked(ID_CHARS)?;
    let secret = unhex(secret.strip_prefix('_')?)?;
    (checksum(checked) == check).then(|| (id, Hash::of(&secret)))
}

/// Whether `text` could be the id of a key.
pub(super) fn is_id(text: &str) -> bool {
    text.len() == ID_CHARS && text.bytes().all(|byte| byte.is_ascii_digit() || byte.is_ascii_lowercase())
}

/// Whether `text` was meant to be a key.
pub(super) fn looks_like_one(text: &str) -> bool {
    text.starts_with(PREFIX)
}

fn checksum(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    let [a, b, c, d, ..] = digest;
    hex(&[a, b, c, d])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing into a string cannot fail.
        let _written = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    let mut bytes = [0; 32];
    if text.len() != 2 * bytes.len() {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = *pair else { return None };
        *byte = digit(high)? << 4 | digit(low)?;
    }
    Some(bytes)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_was_made_and_not_with_any_mistake() {
        let fresh = Fresh::new();
        let (id, hash) = read(&fresh.text).unwrap();
        assert_eq!(id, fresh.id);
        assert!(hash.is(&fresh.hash));
        assert_eq!(fresh.text.len(), 4 + 8 + 1 + 64 + 8);
        for place in 0..fresh.text.len() {
            let mut mistyped = fresh.text.clone().into_bytes();
            mistyped[place] = if mistyped[place] == b'1' { b'2' } else { b'1' };
            assert!(read(&String::from_utf8(mistyped).unwrap()).is_none(), "at {place}");
            assert!(read(&fresh.text[..place]).is_none(), "cut at {place}");
        }
        for other in ["", "cmd_", "cmd_ä", &format!("{}0", fresh.text), &fresh.text.to_uppercase()] {
            assert!(read(other).is_none(), "{other}");
        }
    }

    #[test]
    fn no_two_are_alike_and_the_hash_is_that_of_the_secret() {
        let (one, other) = (Fresh::new(), Fresh::new());
        assert_ne!(one.id, other.id);
        assert!(!one.hash.is(&other.hash));
        assert!(Hash::from_hex(&one.hash.to_hex()).unwrap().is(&one.hash));
        // Of the secret's bytes, as any other program would compute it.
        let zeros = Hash::of(&[0; 32]).to_hex();
        assert_eq!(zeros, "66687aadf862bd776c8fc18b8e9f8e20089714856ee233b3902a591d0d5f2925");
        assert!(!one.text.contains(&one.hash.to_hex()));
    }
}
