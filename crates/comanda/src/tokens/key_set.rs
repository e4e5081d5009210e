//! The keys of an issuer, as its JWKS document publishes them (RFC 7517), and which of them a token was signed with.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind};
use serde::Deserialize;
use serde_json::Value;

use super::signatures::TAKEN;

/// Keys of a document; an issuer has two or three.
const KEYS_MAX: usize = 100;

/// The bits that a modulus of RSA has at least and at most.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 2048 / 8..=8192 / 8;

/// Keys that can be used.
#[derive(Default)]
pub(super) struct KeySet {
    keys: Vec<Key>,
}

/// One key.
pub(super) struct Key {
    published: Jwk,
    /// What it can have signed: one algorithm, unless it is of RSA and does not say.
    algorithms: Vec<Algorithm>,
    pub(super) decoding: DecodingKey,
}

/// Why there is no key for a token.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoKey {
    /// There is none as it says: one may have been published since.
    Unknown,
    /// There is one, and it is not for this.
    Unfit(&'static str),
}

#[derive(Deserialize)]
struct Document {
    keys: Vec<Value>,
}

impl KeySet {
    /// The keys of a document. What is none that could be used is left out, as RFC 7517 wants it.
    ///
    /// # Errors
    /// It is no JWKS document, or has too many keys.
    pub(super) fn read(document: &[u8]) -> Result<Self, String> {
        let Document { keys } = serde_json::from_slice(document).map_err(|why| format!("it is no JWKS: {why}"))?;
        if keys.len() > KEYS_MAX {
            return Err(format!("it has {} keys, and at most {KEYS_MAX} are taken", keys.len()));
        }
        let (all, keys) = (keys.len(), keys.into_iter().filter_map(Key::read).collect::<Vec<_>>());
        if keys.len() < all {
            tracing::debug!(all, used = keys.len(), "keys of the issuer are not for signatures of tokens, or too weak");
        }
        Ok(Self { keys })
    }

    /// The key with the id `id`, or without one the only one there is, for a token signed with `algorithm`.
    pub(super) fn find(&self, id: Option<&str>, algorithm: Algorithm) -> Result<&Key, NoKey> {
        let named = |key: &&Key| id.is_none() || key.published.common.key_id.as_deref() == id;
        let mut fit = self.keys.iter().filter(named).filter(|key| key.algorithms.contains(&algorithm));
        match (fit.next(), fit.next()) {
            (Some(key), None) => Ok(key),
            (Some(_), Some(_)) => {
                Err(NoKey::Unfit("The token does not say which of its issuer's keys signed it (`kid`)."))
            }
            (None, _) if id.is_some() && self.keys.iter().any(|key| named(&key)) => {
                Err(NoKey::Unfit("The key that the token names is not for its algorithm."))
            }
            (None, _) => Err(NoKey::Unknown),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.keys.len()
    }
}

impl PartialEq for KeySet {
    fn eq(&self, other: &Self) -> bool {
        self.keys.iter().map(|key| &key.published).eq(other.keys.iter().map(|key| &key.published))
    }
}

impl Key {
    fn read(value: Value) -> Option<Self> {
        let published: Jwk = serde_json::from_value(value).ok()?;
        let common = &published.common;
        if common.public_key_use.as_ref().is_some_and(|purpose| *purpose != PublicKeyUse::Signature) {
            return None;
        }
        if common.key_operations.as_ref().is_some_and(|operations| !operations.contains(&KeyOperations::Verify)) {
            return None;
        }
        let mut algorithms = fitting(&published.algorithm);
        if let Some(only) = common.key_algorithm {
            algorithms.retain(|algorithm| only == (*algorithm).into());
        }
        let decoding = decoding(&published)?;
        (!algorithms.is_empty()).then_some(Self { published, algorithms, decoding })
    }
}

/// The algorithms that a key of this type can be for. A shared secret is for none.
fn fitting(parameters: &AlgorithmParameters) -> Vec<Algorithm> {
    match parameters {
        AlgorithmParameters::RSA(_) => {
            TAKEN.into_iter().filter(|taken| taken.family() == jsonwebtoken::AlgorithmFamily::Rsa).collect()
        }
        AlgorithmParameters::EllipticCurve(on) if on.curve == EllipticCurve::P256 => vec![Algorithm::ES256],
        AlgorithmParameters::EllipticCurve(on) if on.curve == EllipticCurve::P384 => vec![Algorithm::ES384],
        AlgorithmParameters::OctetKeyPair(on) if on.curve == EllipticCurve::Ed25519 => vec![Algorithm::EdDSA],
        _ => Vec::new(),
    }
}

/// The key itself, if it is one that is strong enough.
fn decoding(published: &Jwk) -> Option<DecodingKey> {
    let key = DecodingKey::from_jwk(published).ok()?;
    let DecodingKeyKind::RsaModulusExponent { n, e } = key.kind() else { return Some(key) };
    // Some write a zero before it.
    let first = n.iter().position(|byte| *byte != 0)?;
    let modulus = n.get(first..)?;
    RSA_BYTES.contains(&modulus.len()).then(|| DecodingKey::from_rsa_raw_components(modulus, e))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    fn read(keys: &[Value]) -> KeySet {
        KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
    }

    fn bytes(count: usize) -> String {
        URL_SAFE_NO_PAD.encode(vec![0xc5; count])
    }

    fn rsa(id: &str, more: Value) -> Value {
        with(json!({"kty": "RSA", "kid": id, "n": bytes(256), "e": "AQAB"}), more)
    }

    fn curve(id: &str, more: Value) -> Value {
        with(json!({"kty": "EC", "crv": "P-256", "kid": id, "x": bytes(32), "y": bytes(32)}), more)
    }

    fn with(mut key: Value, more: Value) -> Value {
        key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        key
    }

    #[test]
    fn a_key_that_is_not_for_signatures_of_tokens_is_left_out() {
        for (why, key) in [
            ("to encrypt with", rsa("a", json!({"use": "enc"}))),
            ("not to verify with", rsa("a", json!({"key_ops": ["encrypt"]}))),
            ("for another algorithm than it can", curve("a", json!({"alg": "RS256"}))),
            ("for encryption", rsa("a", json!({"alg": "RSA-OAEP"}))),
            ("for a shared secret", rsa("a", json!({"alg": "HS256"}))),
            ("a shared secret", json!({"kty": "oct", "kid": "a", "k": bytes(32)})),
            ("a shared secret for its algorithm", json!({"kty": "oct", "kid": "a", "k": bytes(32), "alg": "HS256"})),
            ("on a curve that is not taken", curve("a", json!({"crv": "P-521"}))),
            ("on an unknown curve", curve("a", json!({"crv": "secp256k1"}))),
            ("of an unknown type", json!({"kty": "AKP", "kid": "a", "pub": bytes(32)})),
            ("without its parts", json!({"kty": "RSA", "kid": "a"})),
            ("too short", rsa("a", json!({"n": bytes(128)}))),
            ("too long", rsa("a", json!({"n": bytes(1025)}))),
            ("all zeros", rsa("a", json!({"n": "AAAA"}))),
            ("no key", json!("a")),
        ] {
            let set = read(&[key, curve("b", json!({}))]);
            assert_eq!(set.len(), 1, "{why}");
            assert_eq!(set.find(Some("a"), Algorithm::RS256).err(), Some(NoKey::Unknown), "{why}");
        }
    }

    #[test]
    fn a_key_is_found_by_its_id_and_only_for_its_algorithm() {
        let pss = rsa("pss", json!({"alg": "PS256", "use": "sig"}));
        let set = read(&[rsa("any", json!({})), pss, curve("ec", json!({"key_ops": ["verify"]}))]);
        for (id, algorithm) in
            [("any", Algorithm::RS256), ("any", Algorithm::PS512), ("pss", Algorithm::PS256), ("ec", Algorithm::ES256)]
        {
            assert!(set.find(Some(id), algorithm).is_ok(), "{id} {algorithm:?}");
        }
        for (id, algorithm) in [
            ("any", Algorithm::HS256),
            ("any", Algorithm::ES256),
            ("pss", Algorithm::RS256),
            ("ec", Algorithm::ES384),
            ("ec", Algorithm::HS256),
        ] {
            assert!(matches!(set.find(Some(id), algorithm), Err(NoKey::Unfit(_))), "{id} {algorithm:?}");
        }
        assert_eq!(set.find(Some("none"), Algorithm::RS256).err(), Some(NoKey::Unknown));
    }

    #[test]
    fn without_an_id_there_must_be_but_one_that_fits() {
        let set = read(&[rsa("a", json!({})), curve("b", json!({})), rsa("c", json!({"alg": "RS256"}))]);
        assert!(set.find(None, Algorithm::ES256).is_ok());
        assert!(set.find(None, Algorithm::PS256).is_ok());
        assert!(matches!(set.find(None, Algorithm::RS256), Err(NoKey::Unfit(_))));
        assert_eq!(set.find(None, Algorithm::EdDSA).err(), Some(NoKey::Unknown));
    }

    #[test]
    fn what_is_no_document_is_refused_and_an_empty_one_has_no_key() {
        for wrong in ["", "{}", "[]", "{\"keys\": {}}", "<html>"] {
            assert!(KeySet::read(wrong.as_bytes()).is_err(), "{wrong}");
        }
        assert_eq!(read(&[]).len(), 0);
        let many = json!({ "keys": vec![json!({}); KEYS_MAX + 1] }).to_string();
        assert!(KeySet::read(many.as_bytes()).err().unwrap().contains("101 keys"));
    }

    #[test]
    fn a_zero_before_the_modulus_is_not_part_of_it() {
        let padded = URL_SAFE_NO_PAD.encode([vec![0], vec![0xc5; 256]].concat());
        let set = read(&[rsa("a", json!({"n": padded}))]);
        let DecodingKeyKind::RsaModulusExponent { n, .. } = set.keys[0].decoding.kind() else { panic!("of RSA") };
        assert_eq!(n.len(), 256);
    }
}
