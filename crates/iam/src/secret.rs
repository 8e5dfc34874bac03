//! Secrets: how they are made from random bytes, held in memory, kept as proofs and compared.
//!
//! A password or auth token that must only be recognised again is kept as a [`PasswordProof`]: HMAC-SHA-256 under a
//! random salt. It is fast on purpose and therefore only for secrets with at least 128 random bits, which nobody can
//! guess however fast a guess is tried. What a person chose needs a slow hash instead.

use std::fmt;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Random bytes in a token (wire reference 10.2, newer form): 64 characters of text.
pub const TOKEN_BYTES: usize = 48;

/// A secret in memory: zeroized on drop, redacted in Debug, without Display.
#[derive(Clone, Default)]
pub struct Secret<T: Zeroize>(Zeroizing<T>);

/// A secret text.
pub type SecretString = Secret<String>;

impl<T: Zeroize> Secret<T> {
    /// Takes the value in; the caller must not keep a copy.
    pub fn new(value: T) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself. Each call is a place to look at in a review.
    pub fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> From<T> for Secret<T> {
    fn from(value: T) -> Self {
        Self::new(value)
    }
}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Secret(…)")
    }
}

impl<T: Zeroize + AsRef<[u8]>> PartialEq for Secret<T> {
    /// In a time that depends on the lengths only.
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(self.0.as_ref(), other.0.as_ref())
    }
}

impl<T: Zeroize + AsRef<[u8]>> Eq for Secret<T> {}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
pub fn constant_time_eq(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// The text of a token: 64 base64url characters without padding (wire reference 10.2).
pub fn token_text(random: &[u8; TOKEN_BYTES]) -> SecretString {
    Secret::new(URL_SAFE_NO_PAD.encode(random))
}

/// HMAC-SHA-256 of a high-entropy password or auth token under a random salt.
#[derive(Clone)]
pub struct PasswordProof {
    salt: [u8; 16],
    tag: [u8; 32],
}

impl PasswordProof {
    /// The proof to store. `salt` is random and new for each secret.
    pub fn new(secret: &[u8], salt: [u8; 16]) -> Self {
        Self {
            salt,
            tag: tag_of(secret, &salt),
        }
    }

    /// Whether `secret` is the one behind this proof; the tags are compared in constant time.
    pub fn matches(&self, secret: &[u8]) -> bool {
        constant_time_eq(&self.tag, &tag_of(secret, &self.salt))
    }

    /// The form to store: salt, then tag.
    pub fn to_bytes(&self) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(&self.salt);
        bytes[16..].copy_from_slice(&self.tag);
        bytes
    }

    /// From the stored form.
    pub fn from_bytes(bytes: &[u8; 48]) -> Self {
        let (mut salt, mut tag) = ([0; 16], [0; 32]);
        salt.copy_from_slice(&bytes[..16]);
        tag.copy_from_slice(&bytes[16..]);
        Self { salt, tag }
    }
}

impl fmt::Debug for PasswordProof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PasswordProof(…)")
    }
}

fn tag_of(secret: &[u8], salt: &[u8; 16]) -> [u8; 32] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, salt);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hmac::sign(&key, secret).as_ref());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_64_base64url_characters() {
        let token = token_text(&[0xfb; TOKEN_BYTES]);
        assert_eq!(*token.expose(), "-_v7".repeat(16));
    }

    #[test]
    fn a_proof_matches_its_secret_only() {
        let proof = PasswordProof::new(b"secret", [7; 16]);
        assert!(proof.matches(b"secret"));
        assert!(!proof.matches(b"secreT"));
        assert!(!proof.matches(b""));
    }

    #[test]
    fn a_stored_proof_still_matches() {
        let proof = PasswordProof::new(b"secret", [7; 16]);
        assert!(PasswordProof::from_bytes(&proof.to_bytes()).matches(b"secret"));
    }

    #[test]
    fn one_secret_has_another_proof_under_another_salt() {
        let first = PasswordProof::new(b"secret", [7; 16]).to_bytes();
        let second = PasswordProof::new(b"secret", [8; 16]).to_bytes();
        assert_ne!(first[16..], second[16..]);
    }

    #[test]
    fn a_proof_is_hmac_sha_256_keyed_with_the_salt() {
        // Computed with `openssl dgst -sha256 -mac hmac`; the keys of RFC 4231 are not 16 bytes
        // long.
        let proof = PasswordProof::new(b"what do ya want for nothing?", *b"JefeJefeJefeJefe");
        let hex: String = proof.to_bytes()[16..]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(
            hex,
            "2ccd85dfc8d18cb5d84fef4b198554699fece6e8692c9147b0da983f5b7bd413"
        );
    }

    #[test]
    fn debug_output_hides_every_secret() {
        let secret = SecretString::new("hunter2".into());
        let proof = PasswordProof::new(b"hunter2", [7; 16]);
        let text = format!("{secret:?} {proof:?}");
        assert_eq!(text, "Secret(…) PasswordProof(…)");
    }
}
