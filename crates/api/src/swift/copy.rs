//! Copying objects: `COPY` and `X-Copy-From` (Swift wire reference section 8).

use http::header::HeaderName;
use http::{HeaderMap, StatusCode};
use parbuckle_engine::ObjectPath;
use parbuckle_engine::swift::{AccountName, CopiedObject, CopySwiftObject, ReadOutcome};

use super::error::SwiftError;
use super::metadata::OBJECT_META;
use super::names::{
    DESTINATION, DESTINATION_ACCOUNT, X_COPIED_FROM, X_COPIED_FROM_ACCOUNT,
    X_COPIED_FROM_LAST_MODIFIED, X_COPY_FROM, X_COPY_FROM_ACCOUNT, X_DELETE_AT, X_FRESH_METADATA,
};
use super::params::is_true;
use super::reply::Reply;
use super::{Call, account_of, bucket_path, conditional, object, object_name, range, route};
use crate::payload::Payload;
use crate::{fields, percent};

/// `COPY` of an object of `account` to where `Destination` says.
pub(super) async fn to(
    call: &Call<'_>,
    account: &AccountName,
    source: &ObjectPath,
) -> Result<Reply, SwiftError> {
    if fields::text(call.headers(), &DESTINATION)?.is_none() {
        let text = "Destination header required";
        return Err(SwiftError::line(StatusCode::PRECONDITION_FAILED, text));
    }
    let target_account = other_account(call, &DESTINATION_ACCOUNT, account)?;
    let target = path(call.headers(), &DESTINATION, "Destination", &target_account)?;
    perform(call, account, source, &target).await
}

/// Whether a PUT is a copy.
pub(super) fn is_asked(headers: &HeaderMap) -> bool {
    fields::is_given(headers, &X_COPY_FROM)
}

/// `PUT` of an object of `account` with `X-Copy-From`.
pub(super) async fn from(
    call: &Call<'_>,
    account: &AccountName,
    target: &ObjectPath,
    payload: &Payload,
) -> Result<Reply, SwiftError> {
    if payload.length().is_some_and(|length| length > 0) {
        let text = "Copy requests require a zero byte body";
        return Err(SwiftError::plain(StatusCode::BAD_REQUEST, text));
    }
    let source_account = other_account(call, &X_COPY_FROM_ACCOUNT, account)?;
    let source = path(call.headers(), &X_COPY_FROM, "X-Copy-From", &source_account)?;
    perform(call, &source_account, &source, target).await
}

async fn perform(
    call: &Call<'_>,
    source_account: &AccountName,
    source: &ObjectPath,
    target: &ObjectPath,
) -> Result<Reply, SwiftError> {
    let headers = call.headers();
    let ranges = range::parse(headers)?;
    let copy = CopySwiftObject {
        fields: object::fields(call)?,
        fresh: fields::text(headers, &X_FRESH_METADATA)?.is_some_and(is_true),
        range: match ranges.as_slice() {
            [range] => Some(*range),
            _ => None,
        },
        conditions: conditional::of_read(headers)?,
        manifest: call.params.text("multipart-manifest")? == Some("get"),
        // If-None-Match is about the source.
        only_new: false,
    };
    let engine = call.engine();
    let copied = engine
        .swift_copy_object(&call.caller, source, target, copy)
        .await?;
    match copied {
        ReadOutcome::Found(copied) => Ok(reply(&copied, source_account, source)),
        ReadOutcome::NotModified(object) => object::unread(ReadOutcome::NotModified(object)),
        ReadOutcome::PreconditionFailed(object) => {
            object::unread(ReadOutcome::PreconditionFailed(object))
        }
        ReadOutcome::RangeUnsatisfiable(object) => {
            object::unread(ReadOutcome::RangeUnsatisfiable(object))
        }
    }
}

fn reply(copied: &CopiedObject, source_account: &AccountName, source: &ObjectPath) -> Reply {
    let mut reply = object::written(&copied.copy);
    let name = format!("{}/{}", source.bucket.bucket, source.object);
    reply.set(X_COPIED_FROM, &percent::encode_path(&name).to_string());
    let account = percent::encode_component(source_account.as_str()).to_string();
    reply.set(X_COPIED_FROM_ACCOUNT, &account);
    reply.set_full_second(X_COPIED_FROM_LAST_MODIFIED, copied.source.time_modified);
    let of_copy = &copied.copy.fields;
    reply.set_items(OBJECT_META, of_copy.attributes.metadata.iter());
    if let Some(end) = of_copy.delete_at {
        reply.set_number(X_DELETE_AT, end);
    }
    reply
}

/// The account that a header names, or else the request's.
fn other_account(
    call: &Call<'_>,
    header: &HeaderName,
    own: &AccountName,
) -> Result<AccountName, SwiftError> {
    match fields::text(call.headers(), header)? {
        Some(value) => account_of(call, &route::decoded(value)?),
        None => Ok(own.clone()),
    }
}

/// The object that a header names; `shown` is the header's name as clients know it.
fn path(
    headers: &HeaderMap,
    header: &HeaderName,
    shown: &str,
    account: &AccountName,
) -> Result<ObjectPath, SwiftError> {
    let value = route::decoded(fields::text(headers, header)?.unwrap_or_default())?;
    let Some((container, object)) = parts(&value) else {
        let text = format!("{shown} header must be of the form <container name>/<object name>");
        return Err(SwiftError::Line(
            StatusCode::PRECONDITION_FAILED,
            text.into(),
        ));
    };
    Ok(ObjectPath {
        bucket: bucket_path(account, container)?,
        object: object_name(object)?,
    })
}

/// Container and object; a slash in front does not count.
fn parts(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let (container, object) = path.split_once('/')?;
    (!container.is_empty() && !object.is_empty()).then_some((container, object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_a_container_and_an_object() {
        assert_eq!(parts("c/o"), Some(("c", "o")));
        assert_eq!(parts("/c/a/b/"), Some(("c", "a/b/")));
        assert_eq!(parts("c//o"), Some(("c", "/o")));
        for none in ["", "c", "/c", "c/", "//o", "/"] {
            assert_eq!(parts(none), None, "{none}");
        }
    }
}
