//! Dynamic large objects: what `X-Object-Manifest` says (Swift wire reference section 9).

use http::HeaderMap;
use parbuckle_engine::swift::DynamicManifest;

use super::error::{SwiftError, bad_request};
use super::names::X_OBJECT_MANIFEST;
use super::route;
use crate::{fields, percent};

/// What the object of a request stands for, if it stands for others.
pub(super) fn manifest(headers: &HeaderMap) -> Result<Option<DynamicManifest>, SwiftError> {
    match fields::text(headers, &X_OBJECT_MANIFEST)? {
        Some(value) => parsed(value).map(Some).ok_or_else(malformed),
        None => Ok(None),
    }
}

/// Refuses a new object that is said to stand for others without saying for which.
pub(super) fn check_new(headers: &HeaderMap) -> Result<(), SwiftError> {
    match manifest(headers)? {
        None if headers.contains_key(X_OBJECT_MANIFEST) => Err(malformed()),
        _ => Ok(()),
    }
}

/// As a header has it.
pub(super) fn header(manifest: &DynamicManifest) -> String {
    let (container, prefix) = (&manifest.container, &manifest.prefix);
    if let Some(sent) = &manifest.sent {
        return sent.clone();
    }
    let container = percent::encode_component(container);
    format!("{container}/{}", percent::encode_path(prefix))
}

fn parsed(value: &str) -> Option<DynamicManifest> {
    let decoded = route::decoded(value).ok()?;
    let (container, prefix) = decoded.split_once('/')?;
    let usable = !container.is_empty() && !prefix.is_empty() && !prefix.starts_with('/');
    let mut manifest = (usable && !value.contains(['?', '&'])).then(|| DynamicManifest {
        container: container.to_owned(),
        prefix: prefix.to_owned(),
        sent: None,
    })?;
    manifest.sent = (header(&manifest) != value).then(|| value.to_owned());
    Some(manifest)
}

fn malformed() -> SwiftError {
    bad_request("X-Object-Manifest must be in the format container/prefix")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_names_container_and_prefix_and_comes_back_as_it_was() {
        for (value, container, prefix) in [
            ("c/p", "c", "p"),
            ("c/a/b/", "c", "a/b/"),
            ("c/100%25%3F", "c", "100%?"),
            ("my%20c/%C3%A9%25", "my c", "é%"),
            ("my c/é%2f", "my c", "é/"),
        ] {
            let manifest = parsed(value).unwrap();
            assert_eq!(
                (manifest.container.as_str(), manifest.prefix.as_str()),
                (container, prefix)
            );
            assert_eq!(header(&manifest), value);
        }
    }

    #[test]
    fn what_names_no_container_and_prefix_is_none() {
        for value in [
            "c", "c/", "/c/p", "c//p", "c/p?x", "c/a&b", "c/%ff", "c/%00", "",
        ] {
            assert_eq!(parsed(value), None, "{value}");
        }
    }
}
