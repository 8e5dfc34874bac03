//! Objects: put, get, head, delete (wire reference 3.3). Signed, anonymous and under a pre-authenticated request alike.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE,
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES, LAST_MODIFIED, RANGE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use jiff::Timestamp;
use parbuckle_engine::{
    Checksums, ObjectBody, ObjectInfo, ObjectMd5, ObjectPath, PutObject, ReadObject, RequestBody,
};
use parbuckle_model::{ArchivalState, RangeRequest, StorageTier, format_rfc3339_millis};

use super::error::{NativeError, invalid};
use super::names::{
    ARCHIVAL_STATE, CONTENT_MD5, IS_DELETE_MARKER, OPC_CONTENT_CRC32C, OPC_CONTENT_MD5,
    OPC_CONTENT_SHA256, OPC_CONTENT_SHA384, OPC_META, OPC_MULTIPART_MD5, OPC_MULTIPART_SHA256,
    OPC_MULTIPART_SHA384, STORAGE_TIER, TIME_OF_ARCHIVAL, VERSION_ID,
};
use super::options::{
    attributes, body_checks, customer_key, header_tier, put_customer_key, read_conditions, version,
    write_conditions,
};
use super::reply::{Reply, put_date, put_text};
use super::{Call, ok, reply};
use crate::body::Body;
use crate::fields;
use crate::query::Query;

/// PutObject.
pub(super) async fn put(
    call: &Call<'_>,
    path: ObjectPath,
    body: RequestBody,
) -> Result<Reply, NativeError> {
    let headers = call.exchange.headers();
    let key = customer_key(headers)?;
    let put = PutObject {
        attributes: attributes(headers)?,
        storage_tier: header_tier(headers)?,
        preconditions: write_conditions(headers)?,
        checks: body_checks(headers, call.signed_sha256)?,
        customer_key: key.clone(),
    };
    let engine = call.exchange.engine();
    let info = engine.put_object(&call.caller, &path, put, body).await?;
    let mut reply = written(&info);
    reply::put(&mut reply.headers, OPC_CONTENT_MD5, info.md5.to_text());
    put_customer_key(&mut reply.headers, key.as_ref());
    Ok(reply)
}

/// GetObject.
pub(super) async fn get(call: &Call<'_>, path: &ObjectPath) -> Result<Reply, NativeError> {
    let headers = call.exchange.headers();
    let key = customer_key(headers)?;
    let query = call.exchange.query()?;
    let overrides = Overrides::parse(&query)?;
    let options = ReadObject {
        range: fields::text(headers, &RANGE)?.and_then(RangeRequest::parse),
        preconditions: read_conditions(headers)?,
        version: version(&query)?,
        customer_key: key.clone(),
    };
    let engine = call.exchange.engine();
    let read = engine.read_object(&call.caller, path, options).await?;
    let size = read.info.size;
    let (status, length) = match &read.range {
        Some(range) => (StatusCode::PARTIAL_CONTENT, range.end - range.start),
        None => (StatusCode::OK, size),
    };
    let body = match read.body {
        ObjectBody::Bytes(bytes) => Body::bytes(bytes),
        ObjectBody::Stream(stream) => Body::stream(stream, length),
    };
    let mut reply = described(
        Reply::new(status),
        &read.info,
        length,
        engine.environment().now(),
    )
    .with_body(body);
    if let Some(range) = read.range {
        let text = format!("bytes {}-{}/{size}", range.start, range.end - 1);
        reply::put(&mut reply.headers, CONTENT_RANGE, text);
    }
    put_customer_key(&mut reply.headers, key.as_ref());
    overrides.apply(&mut reply.headers);
    Ok(reply)
}

/// HeadObject.
pub(super) async fn head(call: &Call<'_>, path: &ObjectPath) -> Result<Reply, NativeError> {
    let headers = call.exchange.headers();
    let key = customer_key(headers)?;
    let conditions = read_conditions(headers)?;
    let version = version(&call.exchange.query()?)?;
    let engine = call.exchange.engine();
    let info = engine
        .head_object(&call.caller, path, &conditions, version, key.as_ref())
        .await?;
    let now = engine.environment().now();
    let mut reply = described(ok(), &info, info.size, now);
    put_customer_key(&mut reply.headers, key.as_ref());
    Ok(reply)
}

/// DeleteObject.
pub(super) async fn delete(call: &Call<'_>, path: &ObjectPath) -> Result<Reply, NativeError> {
    let conditions = write_conditions(call.exchange.headers())?;
    let version = version(&call.exchange.query()?)?;
    let engine = call.exchange.engine();
    let deleted = engine
        .delete_object(&call.caller, path, &conditions, version)
        .await?;
    let mut reply = Reply::no_content();
    put_date(&mut reply.headers, LAST_MODIFIED, deleted.time);
    if deleted.delete_marker {
        let value = HeaderValue::from_static("true");
        reply.headers.insert(IS_DELETE_MARKER, value);
    }
    Ok(match deleted.version_id {
        Some(version) => reply.with(VERSION_ID, version.to_string()),
        None => reply,
    })
}

/// The headers after an object was written: by one put or by a commit.
pub(super) fn written(info: &ObjectInfo) -> Reply {
    let mut reply = ok()
        .with(ETAG, info.etag.to_string())
        .with(VERSION_ID, info.version_id.to_string());
    put_date(&mut reply.headers, LAST_MODIFIED, info.time_modified);
    put_checksums(&mut reply.headers, &info.checksums, &info.md5);
    reply
}

/// `opc-content-*` for the digests that there are; the SHA digests of a multipart object are those of its parts' digests,
/// with their number.
pub(super) fn put_checksums(headers: &mut HeaderMap, checksums: &Checksums, md5: &ObjectMd5) {
    let mut put = |name, digest: Option<&[u8]>, suffix: &str| {
        if let Some(digest) = digest {
            reply::put(headers, name, STANDARD.encode(digest) + suffix);
        }
    };
    let crc32c = checksums.crc32c.map(u32::to_be_bytes);
    put(
        OPC_CONTENT_CRC32C,
        crc32c.as_ref().map(|d| d.as_slice()),
        "",
    );
    let (sha256, sha384, suffix) = match md5 {
        ObjectMd5::Multipart { parts, .. } if checksums.of_parts => (
            OPC_MULTIPART_SHA256,
            OPC_MULTIPART_SHA384,
            format!("-{parts}"),
        ),
        _ => (OPC_CONTENT_SHA256, OPC_CONTENT_SHA384, String::new()),
    };
    put(
        sha256,
        checksums.sha256.as_ref().map(|d| d.as_slice()),
        &suffix,
    );
    put(
        sha384,
        checksums.sha384.as_ref().map(|d| d.as_slice()),
        &suffix,
    );
}

/// All of wire reference 3.3.1, for GET and HEAD. The headers go in nearly in order of name, which makes the list of
/// exposed names cheap to sort.
fn described(mut reply: Reply, info: &ObjectInfo, length: u64, now: Timestamp) -> Reply {
    let headers = &mut reply.headers;
    let attributes = &info.attributes;
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    let stored = [
        (CACHE_CONTROL, &attributes.cache_control),
        (CONTENT_DISPOSITION, &attributes.content_disposition),
        (CONTENT_ENCODING, &attributes.content_encoding),
        (CONTENT_LANGUAGE, &attributes.content_language),
    ];
    for (name, text) in stored {
        if let Some(text) = text {
            put_text(headers, name, text);
        }
    }
    headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(CONTENT_TYPE, OCTET_STREAM);
    if let Some(text) = &attributes.content_type {
        put_text(headers, CONTENT_TYPE, text);
    }
    let md5_header = match info.md5 {
        ObjectMd5::Whole(_) => CONTENT_MD5,
        ObjectMd5::Multipart { .. } => OPC_MULTIPART_MD5,
    };
    reply::put(headers, md5_header, info.md5.to_text());
    reply::put(headers, ETAG, info.etag.to_string());
    put_date(headers, LAST_MODIFIED, info.time_modified);
    put_checksums(headers, &info.checksums, &info.md5);
    for (name, text) in attributes.metadata.iter() {
        if let Ok(name) = HeaderName::try_from([OPC_META, name].concat()) {
            put_text(headers, name, text);
        }
    }
    headers.insert(STORAGE_TIER, tier_value(info.storage_tier));
    if let Some(state) = info.archival_state(now) {
        headers.insert(ARCHIVAL_STATE, HeaderValue::from_static(state.as_str()));
        if let (ArchivalState::Restored, Some(window)) = (state, &info.restored) {
            reply::put(headers, TIME_OF_ARCHIVAL, format_rfc3339_millis(window.end));
        }
    }
    reply::put(headers, VERSION_ID, info.version_id.to_string());
    reply
}

const OCTET_STREAM: HeaderValue = HeaderValue::from_static("application/octet-stream");

fn tier_value(tier: StorageTier) -> HeaderValue {
    HeaderValue::from_static(tier.as_str())
}

/// The `httpResponse…` parameters: headers that this one reply shall have instead of the stored ones.
#[derive(Debug, Default)]
struct Overrides(Vec<(HeaderName, HeaderValue)>);

impl Overrides {
    fn parse(query: &Query<'_>) -> Result<Self, NativeError> {
        const PARAMETERS: [(&str, HeaderName); 6] = [
            ("httpResponseCacheControl", CACHE_CONTROL),
            ("httpResponseContentDisposition", CONTENT_DISPOSITION),
            ("httpResponseContentEncoding", CONTENT_ENCODING),
            ("httpResponseContentLanguage", CONTENT_LANGUAGE),
            ("httpResponseContentType", CONTENT_TYPE),
            ("httpResponseExpires", EXPIRES),
        ];
        let mut overrides = Self::default();
        for (parameter, header) in PARAMETERS {
            if let Some(text) = query.value(parameter)? {
                let value = fields::value(text);
                let value =
                    value.ok_or_else(|| invalid(format!("{parameter} is no header value")))?;
                overrides.0.push((header, value));
            }
        }
        Ok(overrides)
    }

    fn apply(self, headers: &mut HeaderMap) {
        for (name, value) in self.0 {
            headers.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use parbuckle_model::{ETag, ObjectAttributes, UserMetadata, VersionId};

    use super::*;

    fn info(md5: ObjectMd5) -> ObjectInfo {
        let time = "2021-03-05T15:15:44.738Z".parse().unwrap();
        let pairs = [("foo".to_owned(), "bär".to_owned())];
        ObjectInfo {
            etag: ETag::from_bytes([1; 16]),
            version_id: VersionId::from_bytes([2; 16]),
            size: 27,
            md5,
            time_created: time,
            time_modified: time,
            storage_tier: StorageTier::Standard,
            attributes: ObjectAttributes {
                content_type: Some("text/plain".to_owned()),
                metadata: UserMetadata::new(pairs).unwrap(),
                ..ObjectAttributes::default()
            },
            checksums: Checksums {
                crc32c: Some(1),
                ..Checksums::default()
            },
            customer_key: false,
            restored: None,
        }
    }

    fn lines(headers: &HeaderMap) -> String {
        let line = |(name, value): (&HeaderName, &HeaderValue)| {
            format!("{name}: {}\n", String::from_utf8_lossy(value.as_bytes()))
        };
        headers.iter().map(line).collect()
    }

    #[test]
    fn an_object_is_described_with_the_documented_headers() {
        let reply = described(
            ok(),
            &info(ObjectMd5::Whole([0; 16])),
            27,
            Timestamp::UNIX_EPOCH,
        );
        insta::assert_snapshot!(lines(&reply.headers), @r"
        accept-ranges: bytes
        content-length: 27
        content-type: text/plain
        content-md5: AAAAAAAAAAAAAAAAAAAAAA==
        etag: 01010101-0101-0101-0101-010101010101
        last-modified: Fri, 05 Mar 2021 15:15:44 GMT
        opc-content-crc32c: AAAAAQ==
        opc-meta-foo: bär
        storage-tier: Standard
        version-id: 02020202-0202-0202-0202-020202020202
        ");
    }

    #[test]
    fn a_multipart_object_has_opc_multipart_md5_instead() {
        let md5 = ObjectMd5::Multipart {
            md5_of_md5s: [0; 16],
            parts: 3,
        };
        let reply = described(ok(), &info(md5), 27, Timestamp::UNIX_EPOCH);
        assert!(!reply.headers.contains_key(CONTENT_MD5));
        let text = reply.headers[OPC_MULTIPART_MD5].to_str().unwrap();
        assert!(text.ends_with("==-3"), "{text}");
    }

    #[test]
    fn an_object_without_a_type_is_an_octet_stream() {
        let mut info = info(ObjectMd5::Whole([0; 16]));
        info.attributes.content_type = None;
        let reply = described(ok(), &info, 27, Timestamp::UNIX_EPOCH);
        assert_eq!(reply.headers[CONTENT_TYPE], "application/octet-stream");
    }

    #[test]
    fn overrides_replace_stored_headers_and_can_not_inject_others() {
        let query = Query::parse(Some(
            "httpResponseContentType=text%2Fhtml&httpResponseExpires=0",
        ));
        let mut reply = described(
            ok(),
            &info(ObjectMd5::Whole([0; 16])),
            27,
            Timestamp::UNIX_EPOCH,
        );
        let overrides = Overrides::parse(&query.unwrap()).unwrap();
        overrides.apply(&mut reply.headers);
        assert_eq!(reply.headers[CONTENT_TYPE], "text/html");
        assert_eq!(reply.headers[EXPIRES], "0");
        let query = Query::parse(Some("httpResponseContentType=a%0D%0Ab:c")).unwrap();
        assert!(Overrides::parse(&query).is_err());
    }
}
