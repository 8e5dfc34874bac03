//! TempURLs: a request signed with a key of the account or container (swift-v1-wire.md section 13).

use std::fmt;
use std::net::IpAddr;

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use parbuckle_iam::secret::constant_time_eq;
use parbuckle_kv::Reader;
use parbuckle_model::{BucketName, Namespace};

use super::access::{SwiftCaller, TempUrlGrant};
use super::octets::bytes_of;
use crate::caller::token_hash;
use crate::error::{Error, ErrorKind};
use crate::records::{self, BucketRecord, StoredSecret, SwiftAccountRecord};
use crate::{Engine, ObjectPath, keys};

/// What a signed request may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TempUrlMethod {
    /// Read the object.
    Get,
    /// Read what is known of it.
    Head,
    /// Put it.
    Put,
    /// Change its metadata.
    Post,
    /// Delete it.
    Delete,
}

/// A request with a signature.
pub struct TempUrl<'a> {
    /// What it wants to do.
    pub method: TempUrlMethod,
    /// The object that it is for.
    pub object: &'a ObjectPath,
    /// What stands before the container in the decoded path, without a slash at the end, such as `/v1/Storage-acme`.
    pub root: &'a str,
    /// The signature: hexadecimal digits, or the digest's name, a colon and base64 in either alphabet.
    pub signature: &'a str,
    /// Until when it holds, in seconds since 1970; at that second it has ended.
    pub expires: i64,
    /// It holds for all objects of the container whose names begin so.
    pub prefix: Option<&'a str>,
    /// It holds only for these addresses: one, or a network such as `192.0.2.0/24`.
    pub ip_range: Option<&'a str>,
    /// Where the request comes from.
    pub peer: IpAddr,
}

impl fmt::Debug for TempUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TempUrl")
            .field("object", &self.object)
            .finish_non_exhaustive()
    }
}

/// A signature, taken apart.
struct Signature {
    algorithm: hmac::Algorithm,
    tag: Vec<u8>,
}

impl Engine {
    /// The caller whom a signature makes. Keys never leave the engine; all comparisons take constant time.
    pub(crate) async fn verify_temp_url(&self, url: &TempUrl<'_>) -> Result<SwiftCaller, Error> {
        let invalid = |cause: &str| {
            Error::from(ErrorKind::NotAuthenticated("Temp URL invalid".to_owned())).because(cause)
        };
        let signature = Signature::parse(url.signature)
            .ok_or_else(|| invalid("the signature is none of sha1, sha256 and sha512"))?;
        if url.expires <= self.environment.now().as_second() {
            return Err(invalid("it has expired"));
        }
        if url
            .prefix
            .is_some_and(|prefix| !url.object.object.as_str().starts_with(prefix))
        {
            return Err(invalid("the object's name does not begin with the prefix"));
        }
        if url.ip_range.is_some_and(|range| !in_range(range, url.peer)) {
            return Err(invalid("the address is not in the range"));
        }
        let reader = self.kv.snapshot().await?;
        let found = keys_of(
            &*reader,
            &url.object.bucket.namespace,
            &url.object.bucket.bucket,
        )
        .await?;
        let messages = url.messages();
        let mut matching = None;
        for (container_key, key) in &found {
            for message in &messages {
                if signature.matches(&key.0, message) && matching.is_none() {
                    matching = Some((*container_key, key));
                }
            }
        }
        let (container_key, key) = matching.ok_or_else(|| invalid("no key made the signature"))?;
        Ok(SwiftCaller::TempUrl(TempUrlGrant {
            namespace: url.object.bucket.namespace.clone(),
            container: url.object.bucket.bucket.clone(),
            whole_account: !container_key,
            object: url
                .prefix
                .map_or(url.object.object.as_str(), |prefix| prefix)
                .to_owned(),
            is_prefix: url.prefix.is_some(),
            method: url.method,
            key: token_hash(&key.0),
            segments: false,
        }))
    }
}

impl TempUrl<'_> {
    /// What may have been signed: a HEAD is allowed by what was signed for a GET, PUT or POST.
    fn messages(&self) -> Vec<String> {
        let methods: &[&str] = match self.method {
            TempUrlMethod::Head => &["HEAD", "GET", "PUT", "POST"],
            TempUrlMethod::Get => &["GET"],
            TempUrlMethod::Put => &["PUT"],
            TempUrlMethod::Post => &["POST"],
            TempUrlMethod::Delete => &["DELETE"],
        };
        let object = self.prefix.unwrap_or(self.object.object.as_str());
        let path = format!("{}/{}/{object}", self.root, self.object.bucket.bucket);
        let scope = if self.prefix.is_some() { "prefix:" } else { "" };
        let range = self
            .ip_range
            .map(|range| format!("ip={range}\n"))
            .unwrap_or_default();
        let message = |method| format!("{range}{method}\n{}\n{scope}{path}", self.expires);
        methods.iter().map(message).collect()
    }
}

impl Signature {
    fn parse(text: &str) -> Option<Self> {
        let (name, tag) = match text.split_once(':') {
            Some((name, encoded)) => (name, base64_bytes(encoded)?),
            None => {
                let tag = hex_bytes(text)?;
                let name = match tag.len() {
                    20 => "sha1",
                    32 => "sha256",
                    64 => "sha512",
                    _ => return None,
                };
                (name, tag)
            }
        };
        let algorithm = match name {
            "sha1" => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            "sha256" => hmac::HMAC_SHA256,
            "sha512" => hmac::HMAC_SHA512,
            _ => return None,
        };
        Some(Self { algorithm, tag })
    }

    fn matches(&self, key: &str, message: &str) -> bool {
        let key = hmac::Key::new(self.algorithm, &bytes_of(key));
        constant_time_eq(hmac::sign(&key, message.as_bytes()).as_ref(), &self.tag)
    }
}

/// The TempURL keys of a container and its account, with whether they are the container's.
pub(super) async fn keys_of(
    reader: &dyn Reader,
    namespace: &Namespace,
    container: &BucketName,
) -> Result<Vec<(bool, StoredSecret)>, Error> {
    let asked = [
        keys::swift_account(namespace),
        keys::bucket(namespace, container),
    ];
    let mut found = reader.get_many(&asked).await?.into_iter();
    let account = records::decode_optional::<SwiftAccountRecord>(found.next().flatten().as_ref())?;
    let bucket = records::decode_optional::<BucketRecord>(found.next().flatten().as_ref())?;
    let of_account = account.map(|account| account.keys).unwrap_or_default();
    let of_bucket = bucket
        .and_then(|bucket| bucket.swift)
        .map(|swift| swift.keys)
        .unwrap_or_default();
    let account_keys = of_account.into_iter().map(|(_, key)| (false, key));
    let container_keys = of_bucket.into_iter().map(|(_, key)| (true, key));
    Ok(account_keys.chain(container_keys).collect())
}

fn hex_bytes(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.bytes().all(is_small_hex) {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

/// Signatures are compared as text: one in capitals is another.
fn is_small_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'a'..=b'f')
}

fn base64_bytes(text: &str) -> Option<Vec<u8>> {
    let config =
        GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let standard = text.replace('-', "+").replace('_', "/");
    GeneralPurpose::new(&alphabet::STANDARD, config)
        .decode(standard)
        .ok()
}

/// Whether an address is the one given, or in the network given as `address/bits`.
fn in_range(range: &str, peer: IpAddr) -> bool {
    let bits_of = |address: IpAddr| match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)) << 96, 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    };
    let (address, length) = match range.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (range, None),
    };
    let Ok(network) = address.parse::<IpAddr>() else {
        return false;
    };
    let (network, peer) = (network.to_canonical(), peer.to_canonical());
    let ((net, width), (at, peer_width)) = (bits_of(network), bits_of(peer));
    let length = match length.map(str::parse::<u32>) {
        None => width,
        Some(Ok(length)) if length <= width => length,
        Some(_) => return false,
    };
    let mask = if length == 0 {
        0
    } else {
        u128::MAX << (128 - length)
    };
    width == peer_width && net & mask == at & mask
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_are_told_apart_by_their_length() {
        for (length, found) in [
            (40, true),
            (64, true),
            (128, true),
            (96, false),
            (41, false),
        ] {
            assert_eq!(
                Signature::parse(&"a".repeat(length)).is_some(),
                found,
                "{length}"
            );
        }
    }

    #[test]
    fn a_signature_in_capitals_is_none() {
        assert!(Signature::parse(&"A".repeat(40)).is_none());
        assert!(Signature::parse(&"aF".repeat(32)).is_none());
    }

    #[test]
    fn base64_signatures_name_their_digest_and_take_either_alphabet() {
        let tag = |text| Signature::parse(text).map(|s| s.tag);
        assert_eq!(tag("sha256:-_-_"), tag("sha256:+/+/"));
        assert_eq!(tag("sha1:YQ"), Some(b"a".to_vec()));
        assert_eq!(tag("md5:YQ=="), None);
    }

    #[test]
    fn a_known_signature_of_hmac_sha1_matches() {
        // RFC 2202, test case 2.
        let signature = Signature::parse("effcdf6ae5eb2fa2d27416d5f184df9c259a7c79").unwrap();
        assert!(signature.matches("Jefe", "what do ya want for nothing?"));
        assert!(!signature.matches("Jefe", "what do ya want for nothing"));
    }

    #[test]
    fn an_ip_range_is_an_address_or_a_network() {
        let inside = |range: &str, peer: &str| in_range(range, peer.parse().unwrap());
        assert!(inside("192.0.2.7", "192.0.2.7") && inside("192.0.2.0/24", "::ffff:192.0.2.9"));
        assert!(inside("2001:db8::/32", "2001:db8:1::1") && inside("0.0.0.0/0", "10.0.0.1"));
        for (range, peer) in [
            ("192.0.2.7", "192.0.2.8"),
            ("192.0.2.0/33", "192.0.2.0"),
            ("::/0", "192.0.2.1"),
            ("x", "192.0.2.1"),
            ("192.0.2.0/", "192.0.2.0"),
        ] {
            assert!(!inside(range, peer), "{range}");
        }
    }
}
