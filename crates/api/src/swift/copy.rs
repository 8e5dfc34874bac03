//! Copying objects: `COPY` and `X-Copy-From` (Swift wire reference section 8).

use http::header::HeaderName;
use http::{HeaderMap, StatusCode};
use parbuckle_engine::ObjectPath;
use parbuckle_engine::swift::{
    AccountName, CopiedObject, CopySwiftObject, Deed, ReadOutcome, SwiftRead,
};

use super::caller::refused_deed;
use super::error::SwiftError;
use super::metadata::OBJECT_META;
use super::names::{
    DESTINATION, DESTINATION_ACCOUNT, X_COPIED_FROM, X_COPIED_FROM_ACCOUNT,
    X_COPIED_FROM_LAST_MODIFIED, X_COPY_FROM, X_COPY_FROM_ACCOUNT, X_DELETE_AT, X_FRESH_METADATA,
};
use super::params::is_true;
use super::reply::Reply;
use super::{
    Call, account_of, bucket_path, conditional, no_container, no_object, object, object_name,
    range, route, slo,
};
use crate::payload::Payload;
use crate::{fields, percent};

/// `COPY` of an object of `account` to where `Destination` says.
pub(super) async fn to(
    call: &Call<'_>,
    account: &AccountName,
    source: &ObjectPath,
) -> Result<Reply, SwiftError> {
    let target_account = other_account(call, &DESTINATION_ACCOUNT, account)?;
    let (container, name) = names(call.headers(), &DESTINATION, "Destination")?;
    let target = match bucket_path(&target_account, &container) {
        Err(_) => Err(no_container(call, &target_account, &container, None).await),
        Ok(bucket) => match object_name(&name) {
            Err(refusal) => Err(no_object(call, &bucket, &name, Some(refusal)).await),
            Ok(object) => Ok(ObjectPath { bucket, object }),
        },
    };
    match target {
        Ok(target) => perform(call, account, source, &target).await,
        // The source is looked at first.
        Err(refusal) => Err(refused_deed(call, refusal, Deed::ReadObject(source)).await),
    }
}

/// Refuses a `COPY` that does not say where to, whatever it is of.
pub(super) fn require_destination(headers: &HeaderMap) -> Result<(), SwiftError> {
    match fields::text(headers, &DESTINATION)? {
        Some(_) => Ok(()),
        None => {
            let text = "Destination header required";
            Err(SwiftError::line(StatusCode::PRECONDITION_FAILED, text))
        }
    }
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
    let (container, name) = names(call.headers(), &X_COPY_FROM, "X-Copy-From")?;
    let Ok(bucket) = bucket_path(&source_account, &container) else {
        return Err(no_container(call, &source_account, &container, None).await);
    };
    let Ok(object) = object_name(&name) else {
        return Err(no_object(call, &bucket, &name, None).await);
    };
    let source = ObjectPath { bucket, object };
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
    let part_number = slo::asked_part(call, &ranges)?;
    if let Err(refusal) = conditional::only_new(headers) {
        return uncopied(call, source, refusal).await;
    }
    let fields = match object::fields(call) {
        Ok(fields) => fields,
        Err(refusal) => {
            let refusal = refused_deed(call, refusal, Deed::WriteObject(target)).await;
            return Err(refused_deed(call, refusal, Deed::ReadObject(source)).await);
        }
    };
    let copy = CopySwiftObject {
        fields,
        fresh: fields::text(headers, &X_FRESH_METADATA)?.is_some_and(is_true),
        range: match ranges.as_slice() {
            [range] => Some(*range),
            _ => None,
        },
        part_number,
        conditions: conditional::of_read(headers)?,
        manifest: call.params.text("multipart-manifest")? == Some("get"),
        // If-None-Match is about the source.
        only_new: false,
    };
    let engine = call.engine();
    let copied = engine
        .swift_copy_object(&call.caller, source, target, copy, &slo::shown)
        .await;
    let copied = match copied {
        Ok(copied) => copied,
        Err(error) => return slo::not_put(call, error.into()),
    };
    match copied {
        ReadOutcome::Found(copied) => Ok(reply(&copied, source_account, source)),
        ReadOutcome::NotModified(object) => object::unread(ReadOutcome::NotModified(object)),
        ReadOutcome::PreconditionFailed(object) => {
            object::unread(ReadOutcome::PreconditionFailed(object))
        }
        ReadOutcome::RangeUnsatisfiable(object) => {
            object::no_range(call, source, object, part_number).await
        }
    }
}

/// The reply to a copy with an `If-None-Match` that no PUT takes: what is wrong with the source comes first.
async fn uncopied(
    call: &Call<'_>,
    source: &ObjectPath,
    refusal: SwiftError,
) -> Result<Reply, SwiftError> {
    let (engine, user) = (call.engine(), &call.caller);
    Box::pin(engine.swift_may(user, Deed::ReadObject(source))).await?;
    let read = SwiftRead {
        conditions: conditional::of_read(call.headers())?,
        ..SwiftRead::default()
    };
    match Box::pin(engine.swift_head_object(user, source, &read)).await? {
        ReadOutcome::Found(_) | ReadOutcome::RangeUnsatisfiable(_) => Err(refusal),
        unmet => object::unread(unmet),
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

/// The container and the object that a header names; `shown` is the header's name as clients know it.
fn names(
    headers: &HeaderMap,
    header: &HeaderName,
    shown: &str,
) -> Result<(String, String), SwiftError> {
    let value = route::decoded(fields::text(headers, header)?.unwrap_or_default())?;
    let Some((container, object)) = parts(&value) else {
        let text = format!("{shown} header must be of the form <container name>/<object name>");
        return Err(SwiftError::Line(
            StatusCode::PRECONDITION_FAILED,
            text.into(),
        ));
    };
    Ok((container.to_owned(), object.to_owned()))
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
