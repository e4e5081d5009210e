//! Secrets and signatures, as Standard Webhooks says.
//!
//! No secret is stored: each follows from the key, the webhook and the secret's id, so neither the log nor a view nor a
//! backup of them lets anybody sign.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cqrs::{EventId, Timestamp};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::domain::ids::{SecretId, WebhookId};

/// The bytes of the key and of each secret.
pub const KEY_BYTES: usize = 32;

/// What all secrets of webhooks follow from. Whoever has it can sign for every webhook: keep it in a file of its own.
#[derive(Clone)]
pub struct SigningKey([u8; KEY_BYTES]);

impl SigningKey {
    /// The key with these bytes, which MUST be random.
    #[must_use]
    pub fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// The secret `secret` of `webhook`.
    #[must_use]
    pub fn secret(&self, webhook: &WebhookId, secret: &SecretId) -> Secret {
        // An id holds no slash, so no two pairs of them read the same.
        let name = format!("comanda webhook/{webhook}/{secret}");
        Secret(digest(&self.0, &[name.as_bytes()]).to_vec())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

/// A secret that a webhook and its owner share.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Vec<u8>);

impl Secret {
    /// As its owner gets it: `whsec_` and base64. To be shown once.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }

    /// The signature of a delivery: `v1,` and base64.
    #[must_use]
    pub fn sign(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let signed = format!("{id}.{seconds}.");
        format!("v1,{}", STANDARD.encode(digest(&self.0, &[signed.as_bytes(), body])))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The id of a delivery: the same for every try, and without the dots that separate what is signed.
#[must_use]
pub fn delivery_id(event: &EventId) -> String {
    format!("evt_{}", event.to_string().replace('.', "_"))
}

/// The second of an instant, as a delivery's timestamp has it.
#[must_use]
pub(super) fn seconds(at: Timestamp) -> i64 {
    at.as_millis().div_euclid(1_000)
}

fn digest(key: &[u8], parts: &[&[u8]]) -> [u8; 32] {
    // HMAC takes keys of any length: the other case cannot come, and would sign nothing that anybody accepts.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else { return [0; 32] };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_signs_as_the_standard_does() {
        let secret = Secret(STANDARD.decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").unwrap());
        assert_eq!(secret.reveal(), "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = secret.sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, br#"{"test": 2432232314}"#);
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn each_secret_is_another_and_none_is_printed() {
        let key = SigningKey::new([7; KEY_BYTES]);
        let (webhook, id) = (|id| WebhookId::parse(id).unwrap(), |id| SecretId::parse(id).unwrap());
        let secret = key.secret(&webhook("erp"), &id("s"));
        assert_eq!(secret, key.secret(&webhook("erp"), &id("s")));
        assert_ne!(secret, key.secret(&webhook("erp"), &id("t")));
        assert_ne!(secret, key.secret(&webhook("crm"), &id("s")));
        assert_ne!(secret, SigningKey::new([8; KEY_BYTES]).secret(&webhook("erp"), &id("s")));
        assert_eq!(format!("{secret:?} {key:?}"), "Secret(…) SigningKey(…)");
    }
}
