//! Secrets: how they are made from random bytes, held in memory, kept as proofs and compared.
//!
//! Two ways to keep a secret that must only be recognised again:
//!
//! - [`TokenHash`]: the plain SHA-256, for random tokens that are *looked up* (a PAR's token);
//! - [`PasswordProof`]: HMAC-SHA-256 under a random salt, for random passwords and auth tokens that
//!   are *checked* against one user's record.
//!
//! Both are fast on purpose and therefore only for secrets with at least 128 random bits, which
//! nobody can guess however fast a guess is tried. What a person chose needs a slow hash instead.

use std::fmt;

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, Zeroizing};

/// Random bytes in a token (wire reference 10.2, newer form): 64 characters of text.
pub const TOKEN_BYTES: usize = 48;

/// Random bytes behind the unique part of an OCID; see [`ocid_unique`].
pub const OCID_RANDOM_BYTES: usize = 33;

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

/// The unique part of an OCID: 60 characters of `a-z2-7`, beginning with `aaaaaaaa` (wire reference
/// 10.1). The other 52 carry 260 of the given 264 bits.
pub fn ocid_unique(random: &[u8; OCID_RANDOM_BYTES]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    const RANDOM_CHARS: usize = 52;
    let digit = |index: usize| {
        let (byte, shift) = (index * 5 / 8, index * 5 % 8);
        let next = random.get(byte + 1).copied().unwrap_or(0);
        let window = u16::from_be_bytes([random[byte], next]);
        char::from(ALPHABET[usize::from((window >> (11 - shift)) & 31)])
    };
    "aaaaaaaa"
        .chars()
        .chain((0..RANDOM_CHARS).map(digit))
        .collect()
}

/// The SHA-256 of a high-entropy token: what is stored and looked up in its place.
///
/// Equality is constant-time. The order is not, and need not be: it is an order of hashes.
#[derive(Clone, Copy, PartialOrd, Ord)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Of the token's bytes as they stand in a URL or header.
    pub fn of(token: &[u8]) -> Self {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest::digest(&digest::SHA256, token).as_ref());
        Self(bytes)
    }

    /// From a stored hash.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The form to store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for TokenHash {
    fn eq(&self, other: &Self) -> bool {
        constant_time_eq(&self.0, &other.0)
    }
}

impl Eq for TokenHash {}

impl fmt::Debug for TokenHash {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("TokenHash(…)")
    }
}

/// HMAC-SHA-256 of a high-entropy password or auth token under a random salt.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordProof {
    salt: [u8; 16],
    tag: TokenHash,
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
        self.tag == tag_of(secret, &self.salt)
    }

    /// The form to store: salt, then tag.
    pub fn to_bytes(&self) -> [u8; 48] {
        let mut bytes = [0; 48];
        bytes[..16].copy_from_slice(&self.salt);
        bytes[16..].copy_from_slice(self.tag.as_bytes());
        bytes
    }

    /// From the stored form.
    pub fn from_bytes(bytes: &[u8; 48]) -> Self {
        let (mut salt, mut tag) = ([0; 16], [0; 32]);
        salt.copy_from_slice(&bytes[..16]);
        tag.copy_from_slice(&bytes[16..]);
        Self {
            salt,
            tag: TokenHash::from_bytes(tag),
        }
    }
}

impl fmt::Debug for PasswordProof {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("PasswordProof(…)")
    }
}

fn tag_of(secret: &[u8], salt: &[u8; 16]) -> TokenHash {
    let key = hmac::Key::new(hmac::HMAC_SHA256, salt);
    let mut bytes = [0; 32];
    bytes.copy_from_slice(hmac::sign(&key, secret).as_ref());
    TokenHash::from_bytes(bytes)
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
    fn a_token_hash_is_the_sha_256_of_the_text() {
        // FIPS 180-2, appendix B.1
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        let hex: String = TokenHash::of(b"abc")
            .as_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(hex, expected);
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
    fn the_unique_part_of_an_ocid_is_60_base32_characters_with_the_usual_start() {
        assert_eq!(ocid_unique(&[0; OCID_RANDOM_BYTES]), "a".repeat(60));
        assert_eq!(
            ocid_unique(&[0xff; OCID_RANDOM_BYTES]),
            format!("aaaaaaaa{}", "7".repeat(52))
        );
    }

    #[test]
    fn the_unique_part_is_rfc_4648_base32() {
        let mut random = [0; OCID_RANDOM_BYTES];
        random[..6].copy_from_slice(b"foobar");
        // RFC 4648, section 10: "foobar" is MZXW6YTBOI.
        assert!(ocid_unique(&random).starts_with("aaaaaaaamzxw6ytboi"));
    }

    #[test]
    fn debug_output_hides_every_secret() {
        let secret = SecretString::new("hunter2".into());
        let hash = TokenHash::of(b"hunter2");
        let proof = PasswordProof::new(b"hunter2", [7; 16]);
        let text = format!("{secret:?} {hash:?} {proof:?}");
        assert_eq!(text, "Secret(…) TokenHash(…) PasswordProof(…)");
    }
}
