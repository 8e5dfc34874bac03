//! RSA keys of test users: read from PEM, made fresh, used to sign.

use std::fmt;
use std::path::Path;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{KeyPair as _, RSA_PKCS1_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// An RSA private key.
pub struct TestKey {
    pair: KeyPair,
}

impl TestKey {
    /// Reads a PEM file holding a PKCS#8 or PKCS#1 RSA private key without a passphrase.
    pub fn read_pem(path: &Path) -> Self {
        let text = std::fs::read_to_string(path)
            .unwrap_or_else(|error| panic!("reading the key file {}: {error}", path.display()));
        Self::from_pem(&text)
            .unwrap_or_else(|reason| panic!("key file {}: {reason}", path.display()))
    }

    /// Makes a new 2048-bit key, the smallest that OCI accepts.
    pub fn generate() -> Self {
        let pair = KeyPair::generate(KeySize::Rsa2048).expect("2048-bit keys can always be made");
        Self { pair }
    }

    /// The RSASSA-PKCS1-v1_5 SHA-256 signature over `text`, in standard base64.
    pub fn sign(&self, text: &str) -> String {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .expect("the buffer has the size of the modulus");
        STANDARD.encode(signature)
    }

    /// The public half as the PEM text that UploadApiKey takes.
    pub fn public_pem(&self) -> String {
        let der: PublicKeyX509Der<'_> = self
            .pair
            .public_key()
            .as_der()
            .expect("a parsed key can be encoded");
        pem("PUBLIC KEY", der.as_ref())
    }

    /// The private half as PKCS#8 PEM text, for a client's key file.
    pub fn private_pem(&self) -> String {
        let der: Pkcs8V1Der<'_> = self.pair.as_der().expect("a parsed key can be encoded");
        pem("PRIVATE KEY", der.as_ref())
    }

    fn from_pem(text: &str) -> Result<Self, String> {
        let der = pem_body(text)?;
        // The two armour labels differ, but so do the encodings: trying both needs no label.
        let pair = KeyPair::from_pkcs8(&der)
            .or_else(|_| KeyPair::from_der(&der))
            .map_err(|reason| format!("neither PKCS#8 nor PKCS#1 RSA: {reason}"))?;
        Ok(Self { pair })
    }
}

impl fmt::Debug for TestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TestKey(..)")
    }
}

/// The decoded bytes between the first BEGIN and END lines. What follows is ignored: the OCI tools
/// add a label line below the key (wire reference 6.6).
fn pem_body(text: &str) -> Result<Vec<u8>, String> {
    let body: String = text
        .lines()
        .skip_while(|line| !line.starts_with("-----BEGIN "))
        .skip(1)
        .take_while(|line| !line.starts_with("-----END "))
        .map(str::trim)
        .collect();
    if body.is_empty() {
        return Err("no PEM block".to_owned());
    }
    STANDARD
        .decode(body)
        .map_err(|reason| format!("bad base64 in the PEM block: {reason}"))
}

fn pem(label: &str, der: &[u8]) -> String {
    let encoded = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for start in (0..encoded.len()).step_by(64) {
        text.push_str(&encoded[start..encoded.len().min(start + 64)]);
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_key_survives_its_pem_form_with_a_label_line_below() {
        let key = TestKey::generate();
        let text = format!("{}OCI_API_KEY\n", key.private_pem());
        let again = TestKey::from_pem(&text).unwrap();
        assert_eq!(key.sign("text"), again.sign("text"));
        assert_eq!(key.public_pem(), again.public_pem());
    }

    #[test]
    fn text_without_a_pem_block_is_refused_with_the_reason() {
        assert_eq!(TestKey::from_pem("hello\n").unwrap_err(), "no PEM block");
    }
}
