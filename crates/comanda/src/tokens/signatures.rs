//! Signatures of tokens, verified by `ring`, which TLS has brought along already: no second cryptography is linked.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result, new_error};
use jsonwebtoken::signature::{Error, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature::{self as of, RsaPublicKeyComponents, UnparsedPublicKey, VerificationAlgorithm};

/// The algorithms that are taken: asymmetric ones alone, so nobody can sign with what is published.
pub(super) const TAKEN: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// Nothing is signed here, and no key is made from another.
static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: never_signs,
    verifier_factory: verifier,
    key_utils: KeyUtils::new_unimplemented(),
};

/// Has tokens verified by `ring` in this process.
pub(super) fn install() {
    // There is no other provider: whoever was first has installed the same.
    let _same = PROVIDER.install_default();
}

fn never_signs(_: &Algorithm, _: &EncodingKey) -> Result<Box<dyn JwtSigner>> {
    Err(new_error(ErrorKind::UnsupportedAlgorithm))
}

fn verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>> {
    if key.family() != algorithm.family() || !TAKEN.contains(algorithm) {
        return Err(new_error(ErrorKind::InvalidAlgorithm));
    }
    Ok(Box::new(ByRing { algorithm: *algorithm, key: key.kind().clone() }))
}

struct ByRing {
    algorithm: Algorithm,
    key: DecodingKeyKind,
}

impl JwtVerifier for ByRing {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

impl Verifier<Vec<u8>> for ByRing {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> std::result::Result<(), Error> {
        let verified = match (&self.key, self.algorithm) {
            (DecodingKeyKind::RsaModulusExponent { n, e }, algorithm) => {
                let with = rsa(algorithm).ok_or_else(Error::new)?;
                RsaPublicKeyComponents { n, e }.verify(with, message, signature)
            }
            (DecodingKeyKind::SecretOrDer(point), algorithm) => {
                let with = curve(algorithm).ok_or_else(Error::new)?;
                UnparsedPublicKey::new(with, point).verify(message, signature)
            }
        };
        verified.map_err(|_unspecified| Error::new())
    }
}

/// Of keys with 2,048 bits at least.
fn rsa(algorithm: Algorithm) -> Option<&'static of::RsaParameters> {
    Some(match algorithm {
        Algorithm::RS256 => &of::RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &of::RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &of::RSA_PKCS1_2048_8192_SHA512,
        Algorithm::PS256 => &of::RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &of::RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &of::RSA_PSS_2048_8192_SHA512,
        _ => return None,
    })
}

fn curve(algorithm: Algorithm) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match algorithm {
        Algorithm::ES256 => &of::ECDSA_P256_SHA256_FIXED,
        Algorithm::ES384 => &of::ECDSA_P384_SHA384_FIXED,
        Algorithm::EdDSA => &of::ED25519,
        _ => return None,
    })
}
