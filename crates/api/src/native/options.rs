//! Request headers that several operations share: conditions, digests, content headers, metadata.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, IF_MATCH,
    IF_NONE_MATCH,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use parbuckle_engine::{BodyChecks, ChecksumAlgorithm, CustomerKey};
use parbuckle_model::{
    EtagCondition, ObjectAttributes, Preconditions, StorageTier, UserMetadata, VersionId,
};

use super::error::{NativeError, invalid, not_implemented};
use super::names::{
    CONTENT_MD5, OPC_CHECKSUM_ALGORITHM, OPC_CONTENT_CRC32C, OPC_CONTENT_SHA256,
    OPC_CONTENT_SHA384, OPC_META, OPC_SOURCE_SSE_CUSTOMER_ALGORITHM, OPC_SOURCE_SSE_CUSTOMER_KEY,
    OPC_SOURCE_SSE_CUSTOMER_KEY_SHA256, OPC_SSE_CUSTOMER_ALGORITHM, OPC_SSE_CUSTOMER_KEY,
    OPC_SSE_CUSTOMER_KEY_SHA256, OPC_SSE_KMS_KEY_ID, STORAGE_TIER,
};
use super::reply;
use crate::fields;
use crate::query::Query;

/// The conditions of a read: `if-none-match` takes etags only (wire reference 3.8).
pub(super) fn read_conditions(headers: &HeaderMap) -> Result<Preconditions, NativeError> {
    let conditions = conditions(headers)?;
    match conditions.if_none_match {
        Some(EtagCondition::Any) => Err(invalid("if-none-match must be an etag on reads, not *")),
        _ => Ok(conditions),
    }
}

/// The conditions of a write: `if-none-match` takes `*` only (wire reference 3.8).
pub(super) fn write_conditions(headers: &HeaderMap) -> Result<Preconditions, NativeError> {
    let conditions = conditions(headers)?;
    match conditions.if_none_match {
        Some(EtagCondition::OneOf(_)) => Err(invalid("if-none-match must be * on writes")),
        _ => Ok(conditions),
    }
}

fn conditions(headers: &HeaderMap) -> Result<Preconditions, NativeError> {
    Ok(Preconditions {
        if_match: fields::text(headers, &IF_MATCH)?.map(EtagCondition::parse),
        if_none_match: fields::text(headers, &IF_NONE_MATCH)?.map(EtagCondition::parse),
    })
}

/// What the client says about the digests of the body.
pub(super) fn body_checks(
    headers: &HeaderMap,
    signed_sha256: Option<[u8; 32]>,
) -> Result<BodyChecks, NativeError> {
    Ok(BodyChecks {
        md5: digest(headers, &CONTENT_MD5)?,
        crc32c: digest(headers, &OPC_CONTENT_CRC32C)?.map(u32::from_be_bytes),
        sha256: digest(headers, &OPC_CONTENT_SHA256)?,
        sha384: digest(headers, &OPC_CONTENT_SHA384)?,
        compute: checksum_algorithm(headers)?,
        signed_sha256,
    })
}

/// `opc-checksum-algorithm`.
pub(super) fn checksum_algorithm(
    headers: &HeaderMap,
) -> Result<Option<ChecksumAlgorithm>, NativeError> {
    let parse = |text| {
        ChecksumAlgorithm::parse(text)
            .ok_or_else(|| invalid("opc-checksum-algorithm must be CRC32C, SHA256 or SHA384"))
    };
    fields::text(headers, &OPC_CHECKSUM_ALGORITHM)?
        .map(parse)
        .transpose()
}

fn digest<const N: usize>(
    headers: &HeaderMap,
    name: &HeaderName,
) -> Result<Option<[u8; N]>, NativeError> {
    let Some(text) = fields::text(headers, name)? else {
        return Ok(None);
    };
    let bytes = STANDARD.decode(text).ok();
    match bytes.and_then(|bytes| <[u8; N]>::try_from(bytes).ok()) {
        Some(bytes) => Ok(Some(bytes)),
        None => Err(invalid(format!("{name} must be the base64 of {N} bytes"))),
    }
}

/// Content headers and user metadata of an object.
pub(super) fn attributes(headers: &HeaderMap) -> Result<ObjectAttributes, NativeError> {
    let text = |name| fields::text(headers, &name).map(|text| text.map(str::to_owned));
    Ok(ObjectAttributes {
        content_type: text(CONTENT_TYPE)?,
        content_language: text(CONTENT_LANGUAGE)?,
        content_encoding: text(CONTENT_ENCODING)?,
        content_disposition: text(CONTENT_DISPOSITION)?,
        cache_control: text(CACHE_CONTROL)?,
        metadata: header_metadata(headers)?,
    })
}

fn header_metadata(headers: &HeaderMap) -> Result<UserMetadata, NativeError> {
    let mut pairs = Vec::new();
    for (name, value) in headers {
        if let Some(key) = name.as_str().strip_prefix(OPC_META) {
            let text = std::str::from_utf8(value.as_bytes())
                .map_err(|_| invalid(format!("the header {name} is not valid UTF-8")))?;
            pairs.push((key.to_owned(), text.trim().to_owned()));
        }
    }
    metadata(pairs)
}

/// User metadata from a JSON map, whose keys carry the prefix of the headers (wire reference 4.3).
pub(super) fn json_metadata(
    map: impl IntoIterator<Item = (String, String)>,
) -> Result<UserMetadata, NativeError> {
    let pairs = map.into_iter().map(
        |(name, value)| match name.split_at_checked(OPC_META.len()) {
            Some((prefix, key)) if prefix.eq_ignore_ascii_case(OPC_META) => {
                Ok((key.to_owned(), value))
            }
            _ => Err(invalid(format!(
                "metadata names begin with {OPC_META}; {name:?} does not"
            ))),
        },
    );
    metadata(pairs.collect::<Result<_, _>>()?)
}

fn metadata(pairs: Vec<(String, String)>) -> Result<UserMetadata, NativeError> {
    UserMetadata::new(pairs).map_err(|error| invalid(error.to_string()))
}

/// `storage-tier`.
pub(super) fn header_tier(headers: &HeaderMap) -> Result<Option<StorageTier>, NativeError> {
    fields::text(headers, &STORAGE_TIER)?.map(tier).transpose()
}

/// A tier.
pub(super) fn tier(text: &str) -> Result<StorageTier, NativeError> {
    match StorageTier::parse(text) {
        Some(tier) => Ok(tier),
        None => Err(invalid(
            "the storage tier must be Standard, InfrequentAccess or Archive",
        )),
    }
}

/// The key of the customer's (SSE-C) that a request brings: all three headers or none (wire reference 3.3). A key of a key
/// management service, which is not here, is refused: to ignore it would store what the client believes encrypted.
pub(super) fn customer_key(headers: &HeaderMap) -> Result<Option<CustomerKey>, NativeError> {
    if fields::is_given(headers, &OPC_SSE_KMS_KEY_ID) {
        return Err(no_kms());
    }
    const NAMES: [HeaderName; 3] = [
        OPC_SSE_CUSTOMER_ALGORITHM,
        OPC_SSE_CUSTOMER_KEY,
        OPC_SSE_CUSTOMER_KEY_SHA256,
    ];
    header_key(headers, &NAMES)
}

/// The same for the source of a copy.
pub(super) fn source_customer_key(headers: &HeaderMap) -> Result<Option<CustomerKey>, NativeError> {
    const NAMES: [HeaderName; 3] = [
        OPC_SOURCE_SSE_CUSTOMER_ALGORITHM,
        OPC_SOURCE_SSE_CUSTOMER_KEY,
        OPC_SOURCE_SSE_CUSTOMER_KEY_SHA256,
    ];
    header_key(headers, &NAMES)
}

fn header_key(
    headers: &HeaderMap,
    names: &[HeaderName; 3],
) -> Result<Option<CustomerKey>, NativeError> {
    let text = |name| fields::text(headers, name);
    let [algorithm, key, sha256] = names;
    match (text(algorithm)?, text(key)?, text(sha256)?) {
        (None, None, None) => Ok(None),
        (Some(algorithm), Some(key), Some(sha256)) => {
            parse_customer_key(algorithm, key, sha256).map(Some)
        }
        _ => Err(invalid(format!(
            "{algorithm}, {key} and {sha256} belong together"
        ))),
    }
}

/// A key of the customer's from its three texts. No refusal repeats any of them.
pub(super) fn parse_customer_key(
    algorithm: &str,
    key: &str,
    sha256: &str,
) -> Result<CustomerKey, NativeError> {
    if !algorithm.eq_ignore_ascii_case("AES256") {
        return Err(invalid("The algorithm of a customer's key must be AES256"));
    }
    let bytes = STANDARD.decode(key).ok();
    let key = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    let key = key.ok_or_else(|| invalid("A customer's key must be the base64 of 32 bytes"))?;
    let key = CustomerKey::new(key);
    match STANDARD.decode(sha256) {
        Ok(sha256) if sha256 == key.sha256() => Ok(key),
        _ => Err(invalid(
            "The SHA-256 of the customer's key is not that of the key, in base64",
        )),
    }
}

/// Tells the client which of his keys was used.
pub(super) fn put_customer_key(headers: &mut HeaderMap, key: Option<&CustomerKey>) {
    if let Some(key) = key {
        headers.insert(
            OPC_SSE_CUSTOMER_ALGORITHM,
            HeaderValue::from_static("AES256"),
        );
        let sha256 = STANDARD.encode(key.sha256());
        reply::put(headers, OPC_SSE_CUSTOMER_KEY_SHA256, sha256);
    }
}

/// The refusal of `opc-sse-kms-key-id` and `kmsKeyId`.
pub(super) fn no_kms() -> NativeError {
    not_implemented("Encryption with a key of a key management service")
}

/// `versionId`.
pub(super) fn version(query: &Query<'_>) -> Result<Option<VersionId>, NativeError> {
    let parse = |text| VersionId::parse(text).map_err(|_| invalid("versionId is not a version id"));
    query.value("versionId")?.map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn map(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        map
    }

    fn code<T: std::fmt::Debug>(result: Result<T, NativeError>) -> (u16, &'static str) {
        let (status, code) = result.unwrap_err().describe();
        (status.as_u16(), code)
    }

    #[test]
    fn if_none_match_takes_a_star_on_writes_and_etags_on_reads() {
        let star = map(&[("if-none-match", "*")]);
        let etag = map(&[("if-none-match", "9b9093ab-bdc6-49af-b261-b2d1d111d952")]);
        assert!(write_conditions(&star).is_ok() && read_conditions(&etag).is_ok());
        assert_eq!(code(write_conditions(&etag)), (400, "InvalidParameter"));
        assert_eq!(code(read_conditions(&star)), (400, "InvalidParameter"));
    }

    #[test]
    fn digests_are_base64_of_the_right_length() {
        let headers = map(&[
            ("content-md5", "sZRqySSS0jR8YjW00mERhA=="),
            ("opc-content-crc32c", "AAAAAQ=="),
            ("opc-checksum-algorithm", ""),
        ]);
        let checks = body_checks(&headers, None).unwrap();
        assert_eq!(checks.md5.unwrap()[..2], [0xb1, 0x94]);
        assert_eq!((checks.crc32c, checks.compute), (Some(1), None));
        for bad in ["x", "AAAA", "sZRqySSS0jR8YjW00mERhA", "===="] {
            let headers = map(&[("content-md5", bad)]);
            assert_eq!(code(body_checks(&headers, None)).0, 400, "{bad}");
        }
    }

    #[test]
    fn a_repeated_digest_is_refused() {
        let twice = "sZRqySSS0jR8YjW00mERhA==";
        let headers = map(&[("content-md5", twice), ("content-md5", twice)]);
        assert_eq!(code(body_checks(&headers, None)).0, 400);
    }

    #[test]
    fn metadata_headers_lose_their_prefix_and_keep_utf8() {
        let attributes =
            attributes(&map(&[("opc-meta-Foo", "bär"), ("content-type", "")])).unwrap();
        assert_eq!(attributes.metadata.iter().next(), Some(("foo", "bär")));
        assert_eq!(attributes.content_type, None);
    }

    #[test]
    fn json_metadata_needs_the_prefix_in_either_case() {
        let pair = |name: &str| [(name.to_owned(), "1".to_owned())];
        let metadata = json_metadata(pair("OPC-Meta-Foo")).unwrap();
        assert_eq!(metadata.iter().next(), Some(("foo", "1")));
        assert_eq!(code(json_metadata(pair("foo"))).0, 400);
    }

    #[test]
    fn what_is_not_here_is_said_and_not_ignored() {
        assert_eq!(code(tier("Hot")), (400, "InvalidParameter"));
        let kms = |id| map(&[("opc-sse-kms-key-id", id)]);
        assert_eq!(code(customer_key(&kms("x"))), (501, "NotImplemented"));
        assert!(customer_key(&kms("")).unwrap().is_none());
    }

    #[test]
    fn a_customers_key_comes_in_three_headers_or_not_at_all() {
        let whole = [
            ("opc-sse-customer-algorithm", "AES256"),
            (
                "opc-sse-customer-key",
                "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
            ),
            (
                "opc-sse-customer-key-sha256",
                "Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU=",
            ),
        ];
        let key = customer_key(&map(&whole)).unwrap().unwrap();
        assert_eq!(key.sha256()[..3], [0x66, 0x68, 0x7a]);
        assert!(source_customer_key(&map(&whole)).unwrap().is_none());
        for missing in 0..3 {
            let mut rest = whole.to_vec();
            rest.remove(missing);
            let refused = customer_key(&map(&rest));
            assert_eq!(code(refused), (400, "InvalidParameter"), "{missing}");
        }
    }
}
