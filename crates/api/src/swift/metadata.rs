//! From headers to metadata, ACLs and the attributes of objects (Swift wire reference sections 6 and 7).

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES,
};
use http::{HeaderMap, HeaderName, StatusCode};
use parbuckle_engine::swift::{
    AclKind, ContainerChange, METADATA_STORED_BYTES_MAX, MetadataChange, MetadataLevel,
    ObjectFields, check_metadata, clean_acl, text_of,
};
use parbuckle_model::{ObjectAttributes, ObjectName, UserMetadata};

use super::error::{SwiftError, bad_request};
use super::names::{
    X_CONTAINER_META_QUOTA_BYTES, X_CONTAINER_META_QUOTA_COUNT, X_CONTAINER_READ,
    X_CONTAINER_WRITE, X_DETECT_CONTENT_TYPE, X_REMOVE_CONTAINER_READ, X_REMOVE_CONTAINER_WRITE,
    X_ROBOTS_TAG,
};
use super::params::is_true;
use super::{content_type, policy};
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
    // What is wrong with a list is told first.
    let read = [&X_CONTAINER_READ, &X_REMOVE_CONTAINER_READ];
    let write = [&X_CONTAINER_WRITE, &X_REMOVE_CONTAINER_WRITE];
    let read_acl = acl(headers, AclKind::Read, read)?;
    let write_acl = acl(headers, AclKind::Write, write)?;
    let metadata = change(
        headers,
        MetadataLevel::Container,
        CONTAINER_META,
        REMOVE_CONTAINER_META,
    )?;
    Ok(ContainerChange {
        metadata,
        read_acl,
        write_acl,
    })
}

/// Refuses quotas of a container that are no numbers. That is told before all else, even to those without rights.
pub(super) fn check_quotas(headers: &HeaderMap) -> Result<(), SwiftError> {
    let quotas = [
        (X_CONTAINER_META_QUOTA_BYTES, "Invalid bytes quota."),
        (X_CONTAINER_META_QUOTA_COUNT, "Invalid count quota."),
    ];
    for (name, refusal) in quotas {
        let mut values = headers.get_all(name).iter();
        if !values.all(|value| value.as_bytes().iter().all(u8::is_ascii_digit)) {
            return Err(bad_request(refusal));
        }
    }
    Ok(())
}

/// Whether a request says something of quotas of an account, in one of the many ways to do that.
pub(super) fn has_account_quota(headers: &HeaderMap) -> bool {
    let policy = format!("-policy-{}", policy::NAME.to_lowercase());
    headers.iter().any(|(name, value)| {
        let (rest, removes) = match name.as_str().strip_prefix("x-remove-account-") {
            Some(rest) => (rest, true),
            None => (
                name.as_str().strip_prefix("x-account-").unwrap_or(""),
                false,
            ),
        };
        let quota = rest.strip_suffix(policy.as_str()).unwrap_or(rest);
        let is_one = ["meta-quota-bytes", "quota-bytes", "quota-count"].contains(&quota);
        is_one && !(removes && value.is_empty())
    })
}

/// What a request says of an object besides its bytes. Empty values are kept, but for that of `Content-Type`.
pub(super) fn object_fields(headers: &HeaderMap) -> Result<ObjectFields, SwiftError> {
    let owned = |name: &HeaderName| -> Result<Option<String>, SwiftError> {
        let text = fields::text(headers, name)?.map(str::to_owned);
        Ok(text.or_else(|| headers.contains_key(name).then(String::new)))
    };
    Ok(ObjectFields {
        attributes: ObjectAttributes {
            content_type: fields::text(headers, &CONTENT_TYPE)?.map(str::to_owned),
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

/// The content type of a new object: the request's, unless it wants one detected, or one that the object's name suggests.
pub(super) fn content_type(
    headers: &HeaderMap,
    sent: Option<String>,
    name: &ObjectName,
) -> Result<String, SwiftError> {
    let detects = wants_detection(headers)?;
    let sent = sent.filter(|_| !detects);
    Ok(content_type::of_new(sent, name.as_str()))
}

/// Whether a request wants the content type of its object guessed from the name, whatever type it sends.
pub(super) fn wants_detection(headers: &HeaderMap) -> Result<bool, SwiftError> {
    Ok(fields::text(headers, &X_DETECT_CONTENT_TYPE)?.is_some_and(is_true))
}

fn user_metadata(headers: &HeaderMap) -> Result<UserMetadata, SwiftError> {
    let items = items(headers, OBJECT_META);
    // Its sentences come before those of the type that keeps them.
    let pairs = items
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    check(MetadataLevel::Object, pairs)?;
    UserMetadata::within(METADATA_STORED_BYTES_MAX, items).map_err(|error| bad_request(error.0))
}

fn change(
    headers: &HeaderMap,
    level: MetadataLevel,
    set: &str,
    remove: &str,
) -> Result<MetadataChange, SwiftError> {
    require_utf8(headers, set)?;
    let removed = items(headers, remove).into_iter().map(|(name, _)| name);
    let set = items(headers, set);
    let pairs = set
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    check(level, pairs)?;
    Ok(MetadataChange {
        set,
        remove: removed.collect(),
    })
}

/// Refuses what is no UTF-8: only values of objects may be any bytes.
fn require_utf8(headers: &HeaderMap, prefix: &str) -> Result<(), SwiftError> {
    let of_prefix = |(name, _): &(&HeaderName, _)| name.as_str().starts_with(prefix);
    let mut values = headers.iter().filter(of_prefix).map(|(_, value)| value);
    match values.all(|value| std::str::from_utf8(value.as_bytes()).is_ok()) {
        true => Ok(()),
        false => Err(SwiftError::plain(
            StatusCode::BAD_REQUEST,
            "Metadata must be valid UTF-8",
        )),
    }
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

/// The list of a request, clean; several are one. An empty one removes; what is both set and removed is set.
fn acl(
    headers: &HeaderMap,
    kind: AclKind,
    [set, remove]: [&HeaderName; 2],
) -> Result<Option<String>, SwiftError> {
    if !headers.contains_key(set) {
        return Ok(headers.contains_key(remove).then(String::new));
    }
    let values = headers.get_all(set).iter();
    let texts = values.map(|value| std::str::from_utf8(value.as_bytes()));
    let texts: Vec<&str> = texts
        .collect::<Result<_, _>>()
        .map_err(|_| bad_request(format!("the header {set} is not UTF-8")))?;
    Ok(Some(clean_acl(kind, &texts.join(","))?))
}

/// All headers whose names begin so, by the rest of their names, where `_` is a dash as with Storage Classic. The values of
/// a repeated header are one list.
fn items(headers: &HeaderMap, prefix: &str) -> Vec<(String, String)> {
    let mut items: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let Some(rest) = name.as_str().strip_prefix(prefix) else {
            continue;
        };
        let rest = rest.replace('_', "-");
        let value = text_of(value.as_bytes());
        match items.iter_mut().find(|(there, _)| *there == rest) {
            Some((_, values)) => {
                values.push(',');
                values.push_str(&value);
            }
            None => items.push((rest, value)),
        }
    }
    items
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
    fn several_lists_are_one() {
        let lists = [("x-container-write", "a:b"), ("x-container-write", "c")];
        let change = container_change(&headers(&lists)).unwrap();
        assert_eq!(change.write_acl.as_deref(), Some("a:b,c"));
    }

    #[test]
    fn quotas_of_an_account_are_told_by_the_names_of_headers() {
        for name in [
            "x-account-meta-quota-bytes",
            "x-account-quota-count",
            "x-remove-account-quota-bytes",
            "x-account-quota-bytes-policy-policy-0",
        ] {
            assert!(has_account_quota(&headers(&[(name, "1")])), "{name}");
        }
        for (name, value) in [
            ("x-account-meta-quota-count", "1"),
            ("x-remove-account-quota-bytes", ""),
            ("x-account-quota-bytes-policy-other", "1"),
            ("x-container-meta-quota-bytes", "1"),
        ] {
            assert!(!has_account_quota(&headers(&[(name, value)])), "{name}");
        }
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
    fn metadata_of_objects_keeps_empty_values() {
        let fields = object_fields(&headers(&[("x-object-meta-empty", "")])).unwrap();
        let kept: Vec<_> = fields.attributes.metadata.iter().collect();
        assert_eq!(kept, [("empty", "")]);
    }

    #[test]
    fn a_type_that_is_sent_counts_unless_it_is_to_be_detected() {
        let name = ObjectName::parse(b"a.txt").unwrap();
        let kind = |detect| {
            let sent = headers(&[("x-detect-content-type", detect)]);
            content_type(&sent, Some("x/y".to_owned()), &name).unwrap()
        };
        assert_eq!(kind("no"), "x/y");
        assert_eq!(kind("true"), "text/plain");
    }

    #[test]
    fn headers_of_objects_keep_empty_values_but_types_do_not() {
        let sent = headers(&[("content-encoding", ""), ("content-type", "")]);
        let attributes = object_fields(&sent).unwrap().attributes;
        assert_eq!(attributes.content_encoding.as_deref(), Some(""));
        assert_eq!(attributes.content_disposition, None);
        assert_eq!(attributes.content_type, None);
    }
}
