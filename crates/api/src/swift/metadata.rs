//! From headers to metadata, ACLs and the attributes of objects (Swift wire reference sections 6 and 7).

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES,
};
use http::{HeaderMap, HeaderName, StatusCode};
use parbuckle_engine::swift::{
    ContainerChange, METADATA_BYTES_MAX, MetadataChange, MetadataLevel, ObjectFields,
    check_metadata,
};
use parbuckle_model::{ObjectAttributes, ObjectName, UserMetadata};

use super::error::{SwiftError, bad_request};
use super::names::{
    X_CONTAINER_READ, X_CONTAINER_WRITE, X_DETECT_CONTENT_TYPE, X_REMOVE_CONTAINER_READ,
    X_REMOVE_CONTAINER_WRITE, X_ROBOTS_TAG,
};
use super::params::is_true;
use crate::fields;

pub(super) const ACCOUNT_META: &str = "x-account-meta-";
pub(super) const CONTAINER_META: &str = "x-container-meta-";
pub(super) const OBJECT_META: &str = "x-object-meta-";
const REMOVE_ACCOUNT_META: &str = "x-remove-account-meta-";
const REMOVE_CONTAINER_META: &str = "x-remove-container-meta-";

/// What a request changes of an account.
pub(super) fn account_change(headers: &HeaderMap) -> Result<MetadataChange, SwiftError> {
    change(
        headers,
        MetadataLevel::Account,
        ACCOUNT_META,
        REMOVE_ACCOUNT_META,
    )
}

/// What a request changes of a container.
pub(super) fn container_change(headers: &HeaderMap) -> Result<ContainerChange, SwiftError> {
    Ok(ContainerChange {
        metadata: change(
            headers,
            MetadataLevel::Container,
            CONTAINER_META,
            REMOVE_CONTAINER_META,
        )?,
        read_acl: acl(headers, &X_CONTAINER_READ, &X_REMOVE_CONTAINER_READ)?,
        write_acl: acl(headers, &X_CONTAINER_WRITE, &X_REMOVE_CONTAINER_WRITE)?,
    })
}

/// What a request says of an object besides its bytes. Metadata with an empty value is kept.
pub(super) fn object_fields(headers: &HeaderMap) -> Result<ObjectFields, SwiftError> {
    let owned = |name: &HeaderName| -> Result<Option<String>, SwiftError> {
        Ok(fields::text(headers, name)?.map(str::to_owned))
    };
    Ok(ObjectFields {
        attributes: ObjectAttributes {
            content_type: owned(&CONTENT_TYPE)?,
            content_language: owned(&CONTENT_LANGUAGE)?,
            content_encoding: owned(&CONTENT_ENCODING)?,
            content_disposition: owned(&CONTENT_DISPOSITION)?,
            cache_control: owned(&CACHE_CONTROL)?,
            metadata: user_metadata(headers)?,
        },
        expires: owned(&EXPIRES)?,
        robots: owned(&X_ROBOTS_TAG)?,
        delete_at: None,
        dynamic: None,
    })
}

/// The content type of a new object: the request's, or one that its name suggests.
pub(super) fn content_type(
    headers: &HeaderMap,
    sent: Option<String>,
    name: &ObjectName,
) -> Result<String, SwiftError> {
    let detect = fields::text(headers, &X_DETECT_CONTENT_TYPE)?.is_some_and(is_true);
    Ok(match sent.filter(|_| !detect) {
        Some(sent) => sent,
        None => guessed(name.as_str()).to_owned(),
    })
}

/// What the extension of a name stands for; of something packed, what is in it. The dot that begins a name begins no
/// extension.
fn guessed(name: &str) -> &'static str {
    let file = name.rsplit('/').next().unwrap_or_default();
    let file = file.trim_start_matches('.');
    let split = |file| str::rsplit_once(file, '.').unwrap_or((file, ""));
    let extension = match split(file) {
        (packed, extension) if is_packing(extension) => split(packed).1,
        (_, extension) => extension,
    };
    mime_guess::from_ext(extension)
        .first_raw()
        .unwrap_or("application/octet-stream")
}

/// Whether an extension says how a file is packed, and not what it is.
fn is_packing(extension: &str) -> bool {
    ["gz", "bz2", "xz", "br", "Z"].contains(&extension)
}

fn user_metadata(headers: &HeaderMap) -> Result<UserMetadata, SwiftError> {
    let items = items(headers, OBJECT_META)?;
    // Its sentences come before those of the type that keeps them.
    let pairs = items
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    check(MetadataLevel::Object, pairs)?;
    UserMetadata::within(METADATA_BYTES_MAX, items).map_err(|error| bad_request(error.0))
}

fn change(
    headers: &HeaderMap,
    level: MetadataLevel,
    set: &str,
    remove: &str,
) -> Result<MetadataChange, SwiftError> {
    let removed = items(headers, remove)?.into_iter().map(|(name, _)| name);
    let set = items(headers, set)?;
    let pairs = set
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    check(level, pairs)?;
    Ok(MetadataChange {
        set,
        remove: removed.collect(),
    })
}

/// Checks what a request brings. Swift announces this refusal as plain text.
fn check<'a>(
    level: MetadataLevel,
    items: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(), SwiftError> {
    check_metadata(level, items).map_err(|error| {
        let sentence = error.kind().to_string();
        SwiftError::Plain(StatusCode::BAD_REQUEST, sentence.into())
    })
}

/// The list of a request. An empty one removes; what is both set and removed is set.
fn acl(
    headers: &HeaderMap,
    set: &HeaderName,
    remove: &HeaderName,
) -> Result<Option<String>, SwiftError> {
    match (fields::text(headers, set)?, headers.contains_key(set)) {
        (Some(acl), _) => Ok(Some(acl.to_owned())),
        (None, emptied) if emptied || headers.contains_key(remove) => Ok(Some(String::new())),
        (None, _) => Ok(None),
    }
}

/// All headers whose names begin so, by the rest of their names, where `_` is a dash as with Storage Classic. The values of
/// a repeated header are one list.
fn items(headers: &HeaderMap, prefix: &str) -> Result<Vec<(String, String)>, SwiftError> {
    let mut items: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let Some(rest) = name.as_str().strip_prefix(prefix) else {
            continue;
        };
        let rest = rest.replace('_', "-");
        let value = std::str::from_utf8(value.as_bytes())
            .map_err(|_| bad_request("Metadata must be valid UTF-8"))?;
        match items.iter_mut().find(|(there, _)| *there == rest) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(value);
            }
            None => items.push((rest, value.to_owned())),
        }
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_bytes(value.as_bytes()).unwrap());
        }
        headers
    }

    fn pairs(items: &[(&str, &str)]) -> Vec<(String, String)> {
        items
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn an_empty_list_and_a_remove_header_both_remove_an_acl() {
        let read = |pairs: &[_]| container_change(&headers(pairs)).unwrap().read_acl;
        assert_eq!(read(&[]), None);
        assert_eq!(read(&[("x-container-read", "")]), Some(String::new()));
        let removed = ("x-remove-container-read", "");
        assert_eq!(read(&[removed]), Some(String::new()));
        let set = ("x-container-read", ".r:*");
        assert_eq!(read(&[removed, set]).as_deref(), Some(".r:*"));
    }

    #[test]
    fn an_underscore_in_a_metadata_name_is_a_dash() {
        let change = account_change(&headers(&[
            ("x-account-meta-a_b", "é"),
            ("x-remove-account-meta-c", ""),
        ]));
        let change = change.unwrap();
        assert_eq!(change.set, pairs(&[("a-b", "é")]));
        assert_eq!(change.remove, ["c"]);
    }

    #[test]
    fn a_content_type_is_guessed_from_the_extension_of_the_last_part() {
        for (name, kind) in [
            ("a/b.HTML", "text/html"),
            ("a.txt/", "application/octet-stream"),
            (".html", "application/octet-stream"),
            ("a.unknown-kind", "application/octet-stream"),
            ("photo.jpeg", "image/jpeg"),
            ("a.tar.gz", "application/x-tar"),
            ("a.gz", "application/octet-stream"),
        ] {
            assert_eq!(guessed(name), kind, "{name}");
        }
    }

    #[test]
    fn a_content_type_that_is_sent_counts_unless_it_is_to_be_detected() {
        let name = ObjectName::parse(b"a.txt").unwrap();
        let kind = |pairs: &[_]| {
            let sent = Some("x/y".to_owned());
            content_type(&headers(pairs), sent, &name).unwrap()
        };
        assert_eq!(kind(&[]), "x/y");
        assert_eq!(kind(&[("x-detect-content-type", "true")]), "text/plain");
    }

    #[test]
    fn metadata_of_objects_keeps_empty_values() {
        let fields = object_fields(&headers(&[("x-object-meta-empty", "")])).unwrap();
        let kept: Vec<_> = fields.attributes.metadata.iter().collect();
        assert_eq!(kept, [("empty", "")]);
    }
}
