//! Copying objects: `COPY` and `X-Copy-From` (Swift wire reference section 8).

use http::header::HeaderName;
use http::{HeaderMap, StatusCode};
use parbuckle_engine::ObjectPath;
use parbuckle_engine::swift::{
    AccountName, CopiedObject, CopySwiftObject, Deed, ReadOutcome, SwiftRead,
};

use super::caller::refused_deed;
use super::error::{SwiftError, bad_request};
use super::metadata::{self, OBJECT_META};
use super::names::{
    DESTINATION, DESTINATION_ACCOUNT, X_COPIED_FROM, X_COPIED_FROM_ACCOUNT,
    X_COPIED_FROM_LAST_MODIFIED, X_COPY_FROM, X_COPY_FROM_ACCOUNT, X_DELETE_AT, X_FRESH_METADATA,
    X_STATIC_LARGE_OBJECT,
};
use super::params::is_true;
use super::reply::Reply;
use super::{
    Call, account_of, bucket_path, conditional, dlo, no_container, no_object, object, object_name,
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
    if let Err(refusal) = check_put(call) {
        return uncopied(call, source, refusal).await;
    }
    let mut fields = match object::fields(call) {
        Ok(fields) => fields,
        Err(refusal) => {
            let refusal = refused_deed(call, refusal, Deed::WriteObject(target)).await;
            return uncopied(call, source, refusal).await;
        }
    };
    if metadata::wants_detection(headers)? {
        let guessed = metadata::content_type(headers, None, &target.object)?;
        fields.attributes.content_type = Some(guessed);
    }
    let manifest = call.params.text("multipart-manifest")? == Some("get");
    let is_part = part_number.is_some() || !ranges.is_empty();
    let copy = CopySwiftObject {
        fields,
        fresh: fields::text(headers, &X_FRESH_METADATA)?.is_some_and(is_true),
        md5: announced_md5(call, source, is_part, manifest).await?,
        ranges,
        part_number,
        conditions: conditional::of_read(headers)?,
        manifest,
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

/// Refuses what no PUT takes. What is copied is no list of segments.
fn check_put(call: &Call<'_>) -> Result<(), SwiftError> {
    let headers = call.headers();
    if call.params.text("multipart-manifest")? == Some("put") {
        return Err(slo::no_json());
    }
    conditional::only_new(headers)?;
    dlo::check_new(headers)?;
    match headers.contains_key(X_STATIC_LARGE_OBJECT) {
        true => Err(bad_request(object::RESERVED)),
        false => Ok(()),
    }
}

/// What `ETag` says of the copy. One that is no MD5 is refused where it counts: of parts and of large objects.
async fn announced_md5(
    call: &Call<'_>,
    source: &ObjectPath,
    is_part: bool,
    manifest: bool,
) -> Result<Option<[u8; 16]>, SwiftError> {
    let refusal = match conditional::announced_md5(call.headers()) {
        Ok(md5) => return Ok(md5),
        Err(refusal) => refusal,
    };
    let read = SwiftRead {
        conditions: conditional::of_read(call.headers())?,
        manifest,
        ..SwiftRead::default()
    };
    let (engine, user) = (call.engine(), &call.caller);
    match Box::pin(engine.swift_head_object(user, source, &read)).await? {
        ReadOutcome::Found(object) => {
            let is_dynamic = object.fields.dynamic.is_some() && !manifest;
            match is_part || object.is_static || is_dynamic {
                true => Err(refusal),
                false => Ok(None),
            }
        }
        // The copy itself says so.
        _ => Ok(None),
    }
}

/// The reply to a copy with headers that no PUT takes: what is wrong with the source comes first.
async fn uncopied(
    call: &Call<'_>,
    source: &ObjectPath,
    refusal: SwiftError,
) -> Result<Reply, SwiftError> {
    let (engine, user) = (call.engine(), &call.caller);
    let read = SwiftRead {
        conditions: conditional::of_read(call.headers())?,
        ..SwiftRead::default()
    };
    match Box::pin(engine.swift_head_object(user, source, &read)).await? {
        ReadOutcome::Found(_) | ReadOutcome::RangeUnsatisfiable(_) => {
            Box::pin(engine.swift_may(user, Deed::ReadObject(source))).await?;
            Err(refusal)
        }
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
    // An empty one is refused of the target only.
    let is_target = *header == DESTINATION_ACCOUNT && call.headers().contains_key(header);
    if !is_target && !fields::is_given(call.headers(), header) {
        return Ok(own.clone());
    }
    let name = route::decoded(fields::text(call.headers(), header)?.unwrap_or_default())?;
    let refusal = match name.as_ref() {
        "" => "Account name cannot be empty",
        name if name.contains('/') => "Account name cannot contain slashes",
        name => return account_of(call, name),
    };
    Err(SwiftError::line(StatusCode::PRECONDITION_FAILED, refusal))
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
