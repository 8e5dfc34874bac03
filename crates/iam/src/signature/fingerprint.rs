//! Fingerprints of API keys (wire reference 6.5).

use std::fmt;
use std::str::FromStr;

use super::KeyError;

/// The MD5 of a key's DER `SubjectPublicKeyInfo`, written as lower-case hex pairs with colons.
///
/// An identifier chosen by the protocol, not a protection: a key is found by tenancy, user and
/// fingerprint, and the signature is checked with the key itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 16]);

impl Fingerprint {
    /// Of a DER `SubjectPublicKeyInfo`.
    pub(super) fn of(spki_der: &[u8]) -> Self {
        Self(fast_md5::digest(spki_der))
    }

    /// The 16 bytes, for use in a stored key.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { ":" };
            write!(out, "{separator}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "Fingerprint({self})")
    }
}

impl FromStr for Fingerprint {
    type Err = KeyError;

    /// Accepts hex digits of either case.
    fn from_str(text: &str) -> Result<Self, KeyError> {
        let mut bytes = [0; 16];
        let mut pairs = text.split(':');
        for byte in &mut bytes {
            let pair = pairs.next().ok_or(KeyError::MalformedFingerprint)?;
            if pair.len() != 2 || !pair.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                return Err(KeyError::MalformedFingerprint);
            }
            *byte = u8::from_str_radix(pair, 16).map_err(|_| KeyError::MalformedFingerprint)?;
        }
        match pairs.next() {
            None => Ok(Self(bytes)),
            Some(_) => Err(KeyError::MalformedFingerprint),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fingerprint_prints_as_it_was_written() {
        let text = "09:71:aa:42:45:0d:54:3c:3d:5c:e4:01:96:e8:2e:ff";
        assert_eq!(text.parse::<Fingerprint>().unwrap().to_string(), text);
    }

    #[test]
    fn upper_case_hex_names_the_same_key() {
        let lower: Fingerprint = "09:71:aa:42:45:0d:54:3c:3d:5c:e4:01:96:e8:2e:ff"
            .parse()
            .unwrap();
        let upper: Fingerprint = "09:71:AA:42:45:0D:54:3C:3D:5C:E4:01:96:E8:2E:FF"
            .parse()
            .unwrap();
        assert_eq!(lower, upper);
    }

    #[test]
    fn anything_but_sixteen_hex_pairs_is_refused() {
        let fifteen = "71:aa:42:45:0d:54:3c:3d:5c:e4:01:96:e8:2e:ff";
        let seventeen = "00:09:71:aa:42:45:0d:54:3c:3d:5c:e4:01:96:e8:2e:ff";
        let signed = "+9:71:aa:42:45:0d:54:3c:3d:5c:e4:01:96:e8:2e:ff";
        let plain = "0971aa42450d543c3d5ce40196e82eff";
        for text in ["", fifteen, seventeen, signed, plain] {
            assert_eq!(
                text.parse::<Fingerprint>(),
                Err(KeyError::MalformedFingerprint),
                "{text}"
            );
        }
    }
}
