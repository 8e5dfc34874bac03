//! RSA keys: what a user uploads, and what a client signs with.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, PublicKey as RsaPublicKey};
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256,
};
use zeroize::Zeroizing;

use super::{Fingerprint, KeyError, pem};

const SPKI_LABEL: &str = "PUBLIC KEY";
const PKCS1_LABEL: &str = "RSA PUBLIC KEY";
const PKCS8_LABEL: &str = "PRIVATE KEY";

/// A user's public API key: RSA, 2048 to 8192 bits. Parsed once; cloning shares it.
#[derive(Clone)]
pub struct PublicKey(Arc<Parsed>);

struct Parsed {
    verifier: ParsedPublicKey,
    spki_der: Box<[u8]>,
    fingerprint: Fingerprint,
}

impl PublicKey {
    /// Reads a `PUBLIC KEY` block (SPKI), or an `RSA PUBLIC KEY` block (PKCS#1).
    ///
    /// Text around the block is ignored.
    pub fn from_pem(text: &str) -> Result<Self, KeyError> {
        let der = pem::decode(text, SPKI_LABEL)
            .or_else(|| pem::decode(text, PKCS1_LABEL))
            .ok_or(KeyError::NotPem)??;
        Self::from_der(&der)
    }

    /// Reads a DER `SubjectPublicKeyInfo`, the form to store.
    pub fn from_spki_der(der: &[u8]) -> Result<Self, KeyError> {
        Self::from_der(der)
    }

    /// The DER `SubjectPublicKeyInfo`.
    pub fn spki_der(&self) -> &[u8] {
        &self.0.spki_der
    }

    /// The `PUBLIC KEY` block, with a final newline.
    pub fn to_pem(&self) -> String {
        pem::encode(&self.0.spki_der, SPKI_LABEL)
            .as_str()
            .to_owned()
    }

    /// The name of this key in key ids (wire reference 6.5).
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }

    /// Whether `signature` is an RSASSA-PKCS1-v1_5 signature with SHA-256 of `message`.
    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        self.0.verifier.verify_sig(message, signature).is_ok()
    }

    fn from_der(der: &[u8]) -> Result<Self, KeyError> {
        let key = RsaPublicKey::from_der(der).map_err(|_| KeyError::NotRsa)?;
        let spki: PublicKeyX509Der<'_> = key.as_der().map_err(|_| KeyError::Crypto)?;
        let spki_der: Box<[u8]> = spki.as_ref().into();
        // DER has one form per key. Another form would have another fingerprint than ours.
        if der != &*spki_der && der != key.as_ref() {
            return Err(KeyError::NotRsa);
        }
        let bits = modulus_bits(key.as_ref()).ok_or(KeyError::NotRsa)?;
        if !(2048..=8192).contains(&bits) {
            return Err(KeyError::UnsupportedSize { bits });
        }
        let verifier = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &spki_der)
            .map_err(|_| KeyError::NotRsa)?;
        let fingerprint = Fingerprint::of(&spki_der);
        Ok(Self(Arc::new(Parsed {
            verifier,
            spki_der,
            fingerprint,
        })))
    }
}

/// Length of the modulus in an `RSAPublicKey` (RFC 8017, A.1.1), without leading zero bits.
fn modulus_bits(pkcs1_der: &[u8]) -> Option<usize> {
    const SEQUENCE: u8 = 0x30;
    const INTEGER: u8 = 0x02;
    let modulus = der_content(der_content(pkcs1_der, SEQUENCE)?, INTEGER)?;
    let leading_zeros = modulus.iter().take_while(|byte| **byte == 0).count();
    let significant = &modulus[leading_zeros..];
    let unused_bits = significant.first()?.leading_zeros() as usize;
    Some(significant.len() * 8 - unused_bits)
}

/// The content of the DER value with that tag at the start of `bytes`.
fn der_content(bytes: &[u8], tag: u8) -> Option<&[u8]> {
    let (&[found, length], rest) = bytes.split_first_chunk()?;
    if found != tag {
        return None;
    }
    // Up to 127 the byte is the length itself; else it tells how many bytes of length follow.
    let (length, rest) = match length {
        0..0x80 => (usize::from(length), rest),
        0x80..=0xff => {
            let (digits, rest) = rest.split_at_checked(usize::from(length & 0x7f))?;
            let length = digits.iter().try_fold(0_usize, |sum, digit| {
                sum.checked_mul(256)?.checked_add(usize::from(*digit))
            })?;
            (length, rest)
        }
    };
    rest.get(..length)
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.spki_der == other.0.spki_der
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "PublicKey({})", self.0.fingerprint)
    }
}

/// A private API key, as a client has it. Debug shows only the fingerprint.
pub struct SigningKey {
    pair: KeyPair,
    public: PublicKey,
}

impl SigningKey {
    /// A new RSA-2048 key from the cryptographic library's own randomness.
    ///
    /// Searching the primes takes tens of milliseconds, sometimes several hundred: keep it off
    /// threads that serve requests.
    pub fn generate() -> Result<Self, KeyError> {
        KeyPair::generate(KeySize::Rsa2048)
            .map_err(|_| KeyError::Crypto)
            .and_then(Self::from_pair)
    }

    /// Reads an unencrypted `PRIVATE KEY` block (PKCS#8), the form of [`SigningKey::pkcs8_pem`].
    pub fn from_pkcs8_pem(text: &str) -> Result<Self, KeyError> {
        let der = pem::decode(text, PKCS8_LABEL).ok_or(KeyError::NotPem)??;
        KeyPair::from_pkcs8(&der)
            .map_err(|_| KeyError::NotRsa)
            .and_then(Self::from_pair)
    }

    /// The `PRIVATE KEY` block (PKCS#8, unencrypted), with a final newline.
    pub fn pkcs8_pem(&self) -> Result<Zeroizing<String>, KeyError> {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().map_err(|_| KeyError::Crypto)?;
        Ok(pem::encode(der.as_ref(), PKCS8_LABEL))
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// The RSASSA-PKCS1-v1_5 signature with SHA-256 of `message`.
    pub(super) fn signature_of(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message,
                &mut signature,
            )
            .map_err(|_| KeyError::Crypto)?;
        Ok(signature)
    }

    fn from_pair(pair: KeyPair) -> Result<Self, KeyError> {
        let public = PublicKey::from_der(pair.public_key().as_ref())?;
        Ok(Self { pair, public })
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "SigningKey({})", self.public.fingerprint())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the wire reference's test vectors (Appendix C).
    const VECTOR_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAp3zDkteD/2Xlb0v73/m0
ENG2cTapZPx1Q/phxySRDmcotl/yRk31Zhwaq57K/1YQdnppv9k3hC6rykUbf1zP
xGxdbvoAB3arYtN01QpoAfoZtaJmRURCa7508i4Tdp7TSLrf1LRpwUlzZdM8+QFD
3tdlBKetftxcccchA++kQ3EPjx09tAuy/8n7w2qnJ5odbH4K3LFey85oL46jke/V
Jc57D9NCf2btDGdGOuKEEnVu7sKOi6u65DsUZ+maNfTm0d9VM7CGTqpR2vOC5EZJ
auEQlvejzYvZ8o07kDOaHf565zxnyx9d6CeqNiWu7Re2KIaQo2YMF7t3BimI4cTx
qwIDAQAB
-----END PUBLIC KEY-----
";

    fn vector_key() -> PublicKey {
        PublicKey::from_pem(VECTOR_KEY).unwrap()
    }

    /// A well-formed RSA-1024 key: too short to accept.
    const SHORT_KEY: &str = "-----BEGIN PUBLIC KEY-----
MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDiCBZG1UsOxpTJ4hXFsQV62rta
IDfeJs9vL5cz4V44Gv/uF820zO5ZcvIA0mQkaJ7zC85Lj/wcXFH3G0uFNp2p/rNO
CaQRmrkhFRbvz37/7YYZth27H6eSddPtW4ywDlrOQ0MxwO60I3bg4Xj+duq0gPO4
S3VDjc+y+qi1CZ7ZpwIDAQAB
-----END PUBLIC KEY-----
";

    /// A P-256 key: not RSA.
    const CURVE_KEY: &str = "-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEbMswSMM9evqovGcQxZ7GhvvKKvds
Bo3ZTgZrWAXqLwNBfzKAaS862inMj8bYrtHaaOZJB5KKQss9aFNbShutZQ==
-----END PUBLIC KEY-----
";

    #[test]
    fn the_fingerprint_is_the_md5_of_the_spki() {
        let expected = "09:71:aa:42:45:0d:54:3c:3d:5c:e4:01:96:e8:2e:ff";
        assert_eq!(vector_key().fingerprint().to_string(), expected);
    }

    #[test]
    fn pem_and_stored_der_bring_back_the_same_key() {
        let key = vector_key();
        assert_eq!(key.to_pem(), VECTOR_KEY);
        assert_eq!(PublicKey::from_spki_der(key.spki_der()).unwrap(), key);
    }

    #[test]
    fn the_pkcs1_form_is_the_same_key_with_the_same_fingerprint() {
        let spki = vector_key();
        let inner = RsaPublicKey::from_der(spki.spki_der()).unwrap();
        let pem = pem::encode(inner.as_ref(), PKCS1_LABEL);
        let pkcs1 = PublicKey::from_pem(&pem).unwrap();
        assert_eq!(pkcs1, spki);
        assert_eq!(pkcs1.fingerprint(), spki.fingerprint());
    }

    #[test]
    fn a_short_key_is_refused_with_its_size() {
        let error = PublicKey::from_pem(SHORT_KEY).unwrap_err();
        assert_eq!(error, KeyError::UnsupportedSize { bits: 1024 });
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        assert_eq!(
            PublicKey::from_pem(CURVE_KEY).unwrap_err(),
            KeyError::NotRsa
        );
    }

    #[test]
    fn bytes_after_the_key_are_refused() {
        let mut der = vector_key().spki_der().to_vec();
        der.push(0);
        assert_eq!(
            PublicKey::from_spki_der(&der).unwrap_err(),
            KeyError::NotRsa
        );
    }

    #[test]
    fn text_without_a_public_key_block_is_not_pem() {
        let private = VECTOR_KEY.replace("PUBLIC", "PRIVATE");
        for text in ["", "ssh-rsa AAAA", private.as_str()] {
            assert_eq!(
                PublicKey::from_pem(text).unwrap_err(),
                KeyError::NotPem,
                "{text}"
            );
        }
    }

    #[test]
    fn a_private_key_comes_back_from_its_pem() {
        let key = SigningKey::generate().unwrap();
        let back = SigningKey::from_pkcs8_pem(&key.pkcs8_pem().unwrap()).unwrap();
        assert_eq!(back.public_key(), key.public_key());
        assert!(
            key.public_key()
                .verifies(b"text", &back.signature_of(b"text").unwrap())
        );
    }

    #[test]
    fn debug_output_of_a_private_key_is_its_fingerprint() {
        let key = SigningKey::generate().unwrap();
        assert_eq!(
            format!("{key:?}"),
            format!("SigningKey({})", key.public_key().fingerprint())
        );
    }
}
