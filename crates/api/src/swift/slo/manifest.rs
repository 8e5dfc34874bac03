//! Manifests of static large objects as clients write and read them (Swift wire reference section 10).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use parbuckle_engine::ObjectPath;
use parbuckle_engine::swift::{NewSegment, Segment};
use parbuckle_model::{RangeRequest, ResolvedRange};
use serde_json::{Map, Value};

use crate::swift::error::SwiftError;

/// What a segment that is an object may say.
const OBJECT_KEYS: [&str; 4] = ["etag", "path", "range", "size_bytes"];

const TOO_SMALL: &str = "too small; each segment must be at least 1 byte.";

/// Reads a manifest for `target`. All that is wrong with it is told at once.
pub(super) fn parse(body: &[u8], target: &ObjectPath) -> Result<Vec<NewSegment>, SwiftError> {
    let refused = |text: &'static str| Err(SwiftError::line(StatusCode::BAD_REQUEST, text));
    let Ok(parsed) = serde_json::from_slice::<Value>(body) else {
        return Err(super::no_json());
    };
    let Value::Array(items) = parsed else {
        return refused("Manifest must be a list.\n");
    };
    let (mut segments, mut errors) = (Vec::with_capacity(items.len()), String::new());
    for (index, item) in items.iter().enumerate() {
        match segment(item, target, index + 1 == items.len()) {
            Ok(segment) => segments.push(segment),
            Err(error) => errors.push_str(&format!("Index {index}: {error}\n")),
        }
    }
    if !items.is_empty() && items.iter().all(|item| item.get("data").is_some()) {
        errors.push_str("Inline data segments require at least one object-backed segment.\n");
    }
    match errors.is_empty() {
        true => Ok(segments),
        false => Err(SwiftError::Plain(StatusCode::BAD_REQUEST, errors.into())),
    }
}

/// Writes the manifest that clients are shown. Etags depend on every byte of it: it must never change.
pub(super) fn shown(segments: &[Segment]) -> Vec<u8> {
    list(segments.iter().map(|segment| match &segment.inline {
        Some(bytes) => inline(bytes),
        None => {
            let time = segment.time_modified.strftime("%Y-%m-%dT%H:%M:%S%.6f");
            let mut text = format!(
                r#"{{"name": {}, "bytes": {}, "hash": {}, "content_type": {}, "last_modified": "{time}""#,
                name(segment),
                segment.size,
                quoted(&segment.etag),
                quoted(&segment.content_type),
            );
            if let Some((first, last)) = segment.range {
                text.push_str(&format!(r#", "range": "{first}-{last}""#));
            }
            if segment.nested {
                text.push_str(r#", "sub_slo": true"#);
            }
            text + "}"
        }
    }))
}

/// Writes a manifest as it could be put again.
pub(super) fn raw(segments: &[Segment]) -> Vec<u8> {
    list(segments.iter().map(|segment| match &segment.inline {
        Some(bytes) => inline(bytes),
        None => {
            let mut text = format!(
                r#"{{"etag": {}, "path": {}"#,
                quoted(&segment.etag),
                name(segment)
            );
            if let Some((first, last)) = segment.range {
                text.push_str(&format!(r#", "range": "{first}-{last}""#));
            }
            text + &format!(r#", "size_bytes": {}}}"#, segment.size)
        }
    }))
}

/// The MD5 of a manifest, in hexadecimal digits.
pub(super) fn md5(manifest: &[u8]) -> String {
    let digest = fast_md5::digest(manifest);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn list(items: impl Iterator<Item = String>) -> Vec<u8> {
    let items: Vec<String> = items.collect();
    format!("[{}]", items.join(", ")).into_bytes()
}

fn inline(bytes: &[u8]) -> String {
    format!(r#"{{"data": "{}"}}"#, STANDARD.encode(bytes))
}

fn name(segment: &Segment) -> String {
    quoted(&format!("/{}/{}", segment.container, segment.object))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// One item of a manifest, or what is wrong with it.
fn segment(item: &Value, target: &ObjectPath, is_last: bool) -> Result<NewSegment, String> {
    let Value::Object(item) = item else {
        return Err("not a JSON object".to_owned());
    };
    if let Some(data) = item.get("data") {
        refuse_others(item, &["data"])?;
        return inline_segment(data);
    }
    let Some(path) = item.get("path") else {
        return Err("expected keys to include one of 'data' or 'path'".to_owned());
    };
    refuse_others(item, &OBJECT_KEYS)?;
    let path = path.as_str().ok_or("\"path\" must be a string")?;
    let etag = match item.get("etag") {
        None | Some(Value::Null) => None,
        Some(Value::String(etag)) => Some(etag.clone()),
        Some(_) => return Err("\"etag\" must be a string or null (if provided)".to_owned()),
    };
    let no_object = "path does not refer to an object. Path must be of the form /container/object.";
    if !path.trim_matches('/').contains('/') {
        return Err(no_object.to_owned());
    }
    let (container, object) = path
        .trim_start_matches('/')
        .split_once('/')
        .ok_or(no_object)?;
    let size = size(item.get("size_bytes"))?;
    if size.is_some_and(|size| size < 1) && !is_last {
        return Err(TOO_SMALL.to_owned());
    }
    if container == target.bucket.bucket.as_str() && object == target.object.as_str() {
        return Err("manifest must not include itself as a segment".to_owned());
    }
    // A length below nothing is that of no object.
    let size = size.map(|size| u64::try_from(size).unwrap_or(u64::MAX));
    Ok(NewSegment {
        container: container.to_owned(),
        object: object.to_owned(),
        spelled: path.to_owned(),
        etag,
        size,
        range: range(item.get("range"), size)?,
        inline: None,
    })
}

fn refuse_others(item: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    let mut others: Vec<String> = item
        .keys()
        .filter(|key| !known.contains(&key.as_str()))
        .map(|key| quoted(key))
        .collect();
    others.sort();
    match others.is_empty() {
        true => Ok(()),
        false => Err(format!("extraneous keys {}", others.join(", "))),
    }
}

fn inline_segment(data: &Value) -> Result<NewSegment, String> {
    let bytes = data
        .as_str()
        .and_then(|text| STANDARD.decode(text.trim()).ok());
    let bytes = bytes.ok_or("data must be valid base64")?;
    if bytes.is_empty() {
        return Err(TOO_SMALL.to_owned());
    }
    Ok(NewSegment {
        container: String::new(),
        object: String::new(),
        spelled: String::new(),
        etag: None,
        size: None,
        range: None,
        inline: Some(bytes.into()),
    })
}

/// A whole number, or its digits as text.
fn size(value: Option<&Value>) -> Result<Option<i64>, String> {
    let number = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        Some(_) => None,
    };
    number
        .map(Some)
        .ok_or_else(|| "invalid size_bytes".to_owned())
}

fn range(value: Option<&Value>, size: Option<u64>) -> Result<Option<RangeRequest>, String> {
    let text = match value {
        None | Some(Value::Null) => return Ok(None),
        Some(Value::String(text)) if text.is_empty() => return Ok(None),
        Some(Value::String(text)) => text,
        Some(_) => return Err("invalid range".to_owned()),
    };
    let parse = |text: &str| RangeRequest::parse(&format!("bytes={text}"));
    let ranges: Option<Vec<RangeRequest>> = text.split(',').map(parse).collect();
    let range = match ranges.as_deref() {
        Some([range]) => *range,
        Some(_) => return Err("multiple ranges (only one allowed)".to_owned()),
        None => return Err("invalid range".to_owned()),
    };
    if size.is_some_and(|size| range.resolve(size) == ResolvedRange::Unsatisfiable) {
        return Err("unsatisfiable range".to_owned());
    }
    Ok(Some(range))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use parbuckle_engine::BucketPath;
    use parbuckle_model::{BucketName, Namespace, ObjectName};

    use super::*;

    fn target() -> ObjectPath {
        ObjectPath {
            bucket: BucketPath {
                namespace: Namespace::parse("acme").unwrap(),
                bucket: BucketName::parse("c").unwrap(),
            },
            object: ObjectName::parse(b"o").unwrap(),
        }
    }

    fn parsed(text: &str) -> Result<Vec<NewSegment>, String> {
        parse(text.as_bytes(), &target()).map_err(|error| {
            let (status, text) = error.describe();
            assert_eq!(status, StatusCode::BAD_REQUEST);
            text.line().to_owned()
        })
    }

    fn refusal(item: &str) -> String {
        let text = parsed(&format!(r#"[{item}, {{"path": "/c/last"}}]"#)).unwrap_err();
        let text = text.strip_prefix("Index 0: ").unwrap();
        text.trim_end().to_owned()
    }

    #[test]
    fn a_segment_names_an_object_and_what_it_must_be() {
        let text = r#"[{"path": "/s/a/b%20", "etag": "e", "size_bytes": "10", "range": "-2"},
            {"path": "s/c", "etag": null, "size_bytes": null, "range": null}]"#;
        let segments = parsed(text).unwrap();
        let expected = NewSegment {
            container: "s".to_owned(),
            object: "a/b%20".to_owned(),
            spelled: "/s/a/b%20".to_owned(),
            etag: Some("e".to_owned()),
            size: Some(10),
            range: Some(RangeRequest::Last(2)),
            inline: None,
        };
        assert_eq!(segments[0], expected);
        assert_eq!((segments[1].object.as_str(), segments[1].size), ("c", None));
        assert_eq!(parsed("[]").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_with_a_segment_is_told_with_its_place() {
        for (item, refused) in [
            ("5", "not a JSON object"),
            (
                r#"{"etag": "x"}"#,
                "expected keys to include one of 'data' or 'path'",
            ),
            (
                r#"{"path": "/c/1", "foo": 1, "bar": 2}"#,
                r#"extraneous keys "bar", "foo""#,
            ),
            (r#"{"path": 5}"#, r#""path" must be a string"#),
            (
                r#"{"path": "/c/1", "etag": 5}"#,
                r#""etag" must be a string or null (if provided)"#,
            ),
            (
                r#"{"path": "/c/1", "size_bytes": "many"}"#,
                "invalid size_bytes",
            ),
            (r#"{"path": "/c/1", "size_bytes": 0}"#, TOO_SMALL),
            (
                r#"{"path": "c/o"}"#,
                "manifest must not include itself as a segment",
            ),
            (r#"{"path": "/c/1", "range": "x"}"#, "invalid range"),
            (r#"{"path": "/c/1", "range": "3-1"}"#, "invalid range"),
            (
                r#"{"path": "/c/1", "range": "0-1,4-5"}"#,
                "multiple ranges (only one allowed)",
            ),
            (
                r#"{"path": "/c/1", "range": "5-", "size_bytes": 5}"#,
                "unsatisfiable range",
            ),
            (r#"{"data": "%"}"#, "data must be valid base64"),
            (r#"{"data": ""}"#, TOO_SMALL),
            (
                r#"{"data": "YQ==", "path": "/c/1"}"#,
                r#"extraneous keys "path""#,
            ),
        ] {
            assert_eq!(refusal(item), refused, "{item}");
        }
        assert!(refusal(r#"{"path": "/c/"}"#).starts_with("path does not refer to an object."));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once() {
        let text = parsed(r#"[1, {"path": "/c/1"}, 2]"#).unwrap_err();
        assert_eq!(
            text,
            "Index 0: not a JSON object\nIndex 2: not a JSON object\n"
        );
        assert_eq!(parsed("{}").unwrap_err(), "Manifest must be a list.\n");
        assert_eq!(parsed("").unwrap_err(), "Manifest must be valid JSON.\n");
        let inline = parsed(r#"[{"data": "YQ=="}]"#).unwrap_err();
        assert!(
            inline.starts_with("Inline data segments require"),
            "{inline}"
        );
    }

    #[test]
    fn the_last_segment_may_be_empty() {
        assert!(parsed(r#"[{"path": "/c/1", "size_bytes": 0}]"#).is_ok());
    }

    fn stored() -> [Segment; 2] {
        let segment = Segment {
            container: "s".to_owned(),
            object: "a\"é".to_owned(),
            etag: "e1".to_owned(),
            size: 10,
            range: Some((8, 9)),
            nested: true,
            content_type: "text/plain".to_owned(),
            time_modified: Timestamp::from_millisecond(1_795_310_678_880).unwrap(),
            inline: None,
        };
        let inline = Segment {
            inline: Some(bytes::Bytes::from_static(b"hello")),
            ..segment.clone()
        };
        [segment, inline]
    }

    #[test]
    fn a_manifest_is_shown_with_all_that_is_known_of_its_segments() {
        let text = String::from_utf8(shown(&stored())).unwrap();
        assert_eq!(
            text,
            r#"[{"name": "/s/a\"é", "bytes": 10, "hash": "e1", "content_type": "text/plain", "last_modified": "2026-11-22T01:24:38.880000", "range": "8-9", "sub_slo": true}, {"data": "aGVsbG8="}]"#
        );
        assert_eq!(shown(&[]), b"[]");
    }

    #[test]
    fn a_raw_manifest_can_be_put_again() {
        let text = String::from_utf8(raw(&stored())).unwrap();
        let again = parsed(&text).unwrap();
        assert_eq!(again[0].range, Some(RangeRequest::FromTo(8, 9)));
        assert_eq!(
            (again[0].size, again[0].etag.as_deref()),
            (Some(10), Some("e1"))
        );
        assert_eq!(again[1].inline.as_deref(), Some(&b"hello"[..]));
    }
}
