//! Storage policies: there is one, under the name of Swift's first (`/info`, `X-Storage-Policy`).

use http::{HeaderMap, HeaderName, StatusCode};
use parbuckle_engine::swift::AccountInfo;
use serde_json::{Value, json};

use super::error::SwiftError;
use super::names::X_STORAGE_POLICY;
use super::reply::Reply;
use crate::fields;

/// The name of the policy that every container has.
pub(super) const NAME: &str = "Policy-0";

const CONTAINER_COUNT: HeaderName =
    HeaderName::from_static("x-account-storage-policy-policy-0-container-count");
const OBJECT_COUNT: HeaderName =
    HeaderName::from_static("x-account-storage-policy-policy-0-object-count");
const BYTES_USED: HeaderName =
    HeaderName::from_static("x-account-storage-policy-policy-0-bytes-used");

/// The policy as `/info` has it.
pub(super) fn described() -> Value {
    json!({"name": NAME, "aliases": NAME, "default": true})
}

/// Refuses a new container that wants another policy; names compare without case.
pub(super) fn check(headers: &HeaderMap) -> Result<(), SwiftError> {
    match fields::text(headers, &X_STORAGE_POLICY)? {
        Some(name) if !name.eq_ignore_ascii_case(NAME) => {
            let sentence = format!("Invalid X-Storage-Policy '{name}'");
            Err(SwiftError::Plain(StatusCode::BAD_REQUEST, sentence.into()))
        }
        _ => Ok(()),
    }
}

/// Adds the policy of a container to its reply.
pub(super) fn of_container(reply: &mut Reply) {
    reply.set(X_STORAGE_POLICY, NAME);
}

/// Adds what an account has under the policy: all that it has.
pub(super) fn of_account(reply: &mut Reply, info: &AccountInfo) {
    reply.set_number(CONTAINER_COUNT, info.container_count);
    reply.set_number(OBJECT_COUNT, info.object_count);
    reply.set_number(BYTES_USED, info.bytes_used);
}
