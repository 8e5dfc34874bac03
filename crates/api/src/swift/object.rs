//! Objects: put, get, head, post, delete (Swift wire reference section 7).

use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE,
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_TYPE, ETAG, EXPIRES, HeaderValue, TRANSFER_ENCODING,
};
use http::{Method, StatusCode};
use parbuckle_engine::swift::{
    AccountName, Deed, OBJECT_BYTES_MAX, ObjectFields, PutSwiftObject, ReadOutcome, SwiftContent,
    SwiftObject, SwiftRead,
};
use parbuckle_engine::{Error, ErrorKind, ObjectPath, RequestBody, random};

use super::error::{SwiftError, bad_request};
use super::metadata::{self, OBJECT_META};
use super::names::{
    X_DELETE_AT, X_MANIFEST_ETAG, X_OBJECT_MANIFEST, X_PARTS_COUNT, X_ROBOTS_TAG,
    X_STATIC_LARGE_OBJECT,
};
use super::range;
use super::reply::{HTML, Reply};
use super::{Call, caller, conditional, content_type, copy, dlo, expiry, slo};
use crate::fields;
use crate::payload::Payload;

/// What an object takes.
pub(super) const METHODS: &[&str] = &["HEAD", "GET", "POST", "OPTIONS", "DELETE", "PUT", "COPY"];

/// The refusal of a header that only Swift itself sets.
pub(super) const RESERVED: &str = "X-Static-Large-Object is a reserved header. To create a static large object add query param multipart-manifest=put.";

const OCTET_STREAM: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Does what a request wants of an object.
pub(super) async fn act(
    call: &Call<'_>,
    account: &AccountName,
    path: &ObjectPath,
    payload: Payload,
) -> Result<Reply, SwiftError> {
    let manifest = call.params.text("multipart-manifest")?;
    let is_copy = *call.method() == Method::PUT && copy::is_asked(call.headers());
    let writes = [Method::PUT, Method::POST].contains(call.method()) && !is_copy;
    if writes && manifest != Some("put") && call.headers().contains_key(X_STATIC_LARGE_OBJECT) {
        return Err(bad_request(RESERVED));
    }
    match (call.method(), manifest) {
        (&Method::GET | &Method::HEAD, Some("get")) => {
            match Box::pin(slo::get(call, path)).await? {
                Some(reply) => Ok(reply),
                None if *call.method() == Method::GET => get(call, path, true).await,
                None => head(call, path, true).await,
            }
        }
        (&Method::GET, _) => get(call, path, false).await,
        (&Method::HEAD, _) => head(call, path, false).await,
        (&Method::PUT, _) if is_copy => Box::pin(copy::from(call, account, path, &payload)).await,
        (&Method::PUT, Some("put")) => Box::pin(slo::put(call, path, payload)).await,
        (&Method::PUT, _) => put(call, path, payload).await,
        (&Method::POST, _) => post(call, path).await,
        (&Method::DELETE, Some("delete")) => Box::pin(slo::delete(call, path)).await,
        (&Method::DELETE, _) => delete(call, path).await,
        (method, _) if method.as_str() == "COPY" => Box::pin(copy::to(call, account, path)).await,
        _ => Err(SwiftError::MethodNotAllowed(METHODS)),
    }
}

/// With `manifest`, a large object is read as it is stored.
async fn get(call: &Call<'_>, path: &ObjectPath, manifest: bool) -> Result<Reply, SwiftError> {
    let ranges = range::parse(call.headers())?;
    let part_number = slo::asked_part(call, &ranges)?;
    let read = SwiftRead {
        ranges,
        part_number,
        ..read_options(call, manifest)?
    };
    let engine = call.engine();
    match engine.swift_read_object(&call.caller, path, &read).await? {
        ReadOutcome::Found(content) => Ok(content_reply(call, content)),
        // No condition is looked at where no part can be meant.
        ReadOutcome::NotModified(object) | ReadOutcome::PreconditionFailed(Some(object))
            if part_number == Some(0) && object.is_static && !manifest =>
        {
            slo::no_part(call, path, &object, 0).await
        }
        ReadOutcome::NotModified(object) => unread(ReadOutcome::NotModified(object)),
        ReadOutcome::PreconditionFailed(object) => unread(ReadOutcome::PreconditionFailed(object)),
        ReadOutcome::RangeUnsatisfiable(object) => no_range(call, path, object, part_number).await,
    }
}

/// The reply where no range or part that was asked for lies in the object.
pub(super) async fn no_range(
    call: &Call<'_>,
    path: &ObjectPath,
    object: Box<SwiftObject>,
    part_number: Option<u64>,
) -> Result<Reply, SwiftError> {
    match part_number.filter(|_| object.is_static) {
        Some(number) => slo::no_part(call, path, &object, number).await,
        None => unread(ReadOutcome::RangeUnsatisfiable(object)),
    }
}

async fn head(call: &Call<'_>, path: &ObjectPath, manifest: bool) -> Result<Reply, SwiftError> {
    let read = read_options(call, manifest)?;
    let engine = call.engine();
    let outcome = engine.swift_head_object(&call.caller, path, &read).await?;
    let ranges = range::parse(call.headers())?;
    let part_number = slo::asked_part(call, &ranges)?;
    let outcome = match (outcome, ranges.as_slice()) {
        // Of these the range counts, if none of it is there.
        (ReadOutcome::Found(object), [range])
            if is_dynamic_whole(&object) && range::is_beyond(*range, object.size) =>
        {
            ReadOutcome::RangeUnsatisfiable(Box::new(object))
        }
        (outcome, _) => outcome,
    };
    match (&outcome, part_number) {
        (ReadOutcome::Found(object), Some(number)) => {
            match Box::pin(slo::head_part(call, path, object, number)).await? {
                Some(reply) => Ok(reply),
                None => unread(outcome),
            }
        }
        (
            ReadOutcome::NotModified(object) | ReadOutcome::PreconditionFailed(Some(object)),
            Some(0),
        ) if object.is_static && !manifest => Err(slo::bad_part(call)?),
        _ => unread(outcome),
    }
}

async fn put(call: &Call<'_>, path: &ObjectPath, payload: Payload) -> Result<Reply, SwiftError> {
    // These two are told even to those without rights.
    dlo::check_new(call.headers())?;
    conditional::only_new(call.headers())?;
    let put = match require_length(call).and_then(|()| put_options(call, path)) {
        Ok(put) => put,
        Err(refusal) => {
            return Err(caller::refused_deed(call, refusal, Deed::WriteObject(path)).await);
        }
    };
    let md5 = match conditional::announced_md5(call.headers()) {
        Ok(md5) => md5,
        Err(refusal) => {
            let refusal = match payload.length() {
                Some(length) if length > OBJECT_BYTES_MAX => {
                    let max = OBJECT_BYTES_MAX;
                    Error::from(ErrorKind::TooLarge { max }).into()
                }
                _ => refusal,
            };
            let deed = match put.only_new {
                true => Deed::MakeObject(path),
                false => Deed::WriteObject(path),
            };
            return Err(caller::refused_deed(call, refusal, deed).await);
        }
    };
    let put = PutSwiftObject { md5, ..put };
    let object = call
        .engine()
        .swift_put_object(&call.caller, path, put, payload.into_request_body())
        .await?;
    Ok(written(&object))
}

async fn post(call: &Call<'_>, path: &ObjectPath) -> Result<Reply, SwiftError> {
    let fields = match changed_fields(call) {
        Ok(fields) => fields,
        Err(refusal) => {
            return Err(caller::refused_deed(call, refusal, Deed::WriteObject(path)).await);
        }
    };
    let dynamic = match dlo::manifest(call.headers()) {
        Ok(dynamic) => dynamic,
        Err(refusal) => {
            return Err(caller::refused_deed(call, refusal, Deed::ChangeObject(path)).await);
        }
    };
    let fields = ObjectFields { dynamic, ..fields };
    call.engine()
        .swift_post_object(&call.caller, path, &fields)
        .await?;
    Ok(Reply::page(StatusCode::ACCEPTED))
}

async fn delete(call: &Call<'_>, path: &ObjectPath) -> Result<Reply, SwiftError> {
    let end = match expiry::if_delete_at(call.headers()) {
        Ok(end) => end,
        Err(refusal) => {
            return Err(caller::refused_deed(call, refusal, Deed::DeleteObject(path)).await);
        }
    };
    let (engine, user) = (call.engine(), &call.caller);
    match end {
        Some(end) => engine
            .swift_delete_ending_object(user, path, end)
            .await
            .map_err(|error| match error.kind() {
                ErrorKind::IfMatchFailed => SwiftError::line(
                    StatusCode::PRECONDITION_FAILED,
                    "X-If-Delete-At and X-Delete-At do not match",
                ),
                _ => error.into(),
            })?,
        None => engine.swift_delete_object(user, path).await?,
    };
    Ok(Reply::empty(StatusCode::NO_CONTENT))
}

/// How a request wants an object read, without ranges.
fn read_options(call: &Call<'_>, manifest: bool) -> Result<SwiftRead, SwiftError> {
    Ok(SwiftRead {
        conditions: conditional::of_read(call.headers())?,
        manifest,
        ..SwiftRead::default()
    })
}

/// How a request wants an object put, without the MD5 that it must have.
pub(super) fn put_options(
    call: &Call<'_>,
    path: &ObjectPath,
) -> Result<PutSwiftObject, SwiftError> {
    let headers = call.headers();
    let only_new = conditional::only_new(headers)?;
    let mut fields = fields(call)?;
    let sent = fields.attributes.content_type.take();
    let kind = metadata::content_type(headers, sent, &path.object)?;
    fields.attributes.content_type = Some(kind);
    Ok(PutSwiftObject {
        fields,
        md5: None,
        only_new,
    })
}

/// What a request says of a new object besides its bytes.
pub(super) fn fields(call: &Call<'_>) -> Result<ObjectFields, SwiftError> {
    let headers = call.headers();
    let delete_at = expiry::delete_at(headers, call.engine().environment().now())?;
    let fields = metadata::object_fields(headers)?;
    if !metadata::wants_detection(headers)? {
        content_type::check(fields.attributes.content_type.as_deref())?;
    }
    Ok(ObjectFields {
        delete_at,
        dynamic: dlo::manifest(headers)?,
        ..fields
    })
}

/// What a request says of an object that is there, but what it stands for.
fn changed_fields(call: &Call<'_>) -> Result<ObjectFields, SwiftError> {
    let headers = call.headers();
    let mut fields = metadata::object_fields(headers)?;
    let sent = fields.attributes.content_type.take();
    fields.attributes.content_type = sent.map(content_type::without_size);
    Ok(ObjectFields {
        delete_at: expiry::delete_at(headers, call.engine().environment().now())?,
        ..fields
    })
}

/// The body of an upload, which must say where it ends.
pub(super) fn announced(call: &Call<'_>, payload: Payload) -> Result<RequestBody, SwiftError> {
    require_length(call)?;
    Ok(payload.into_request_body())
}

/// Refuses a body that does not say where it ends: it can't be told from the next request. A coding that nobody here knows
/// is refused with 501 (RFC 9112 section 6.1).
pub(super) fn require_length(call: &Call<'_>) -> Result<(), SwiftError> {
    let headers = call.headers();
    let coding = headers.get(TRANSFER_ENCODING);
    if coding.is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"chunked")) {
        return Err(SwiftError::plain(
            StatusCode::NOT_IMPLEMENTED,
            "Unsupported Transfer-Coding header value specified in Transfer-Encoding header",
        ));
    }
    let framed = headers.contains_key(CONTENT_LENGTH) || coding.is_some();
    if call.exchange.is_http1() && !framed {
        return Err(SwiftError::plain(
            StatusCode::LENGTH_REQUIRED,
            "Missing Content-Length header.",
        ));
    }
    Ok(())
}

/// The reply to an upload.
pub(super) fn written(object: &SwiftObject) -> Reply {
    let mut reply = Reply::empty(StatusCode::CREATED).uncached();
    reply.set(ETAG, &object.etag.to_string());
    reply.set_last_modified(object.time_modified);
    reply
}

/// The bytes that were read.
pub(super) fn content_reply(call: &Call<'_>, content: SwiftContent) -> Reply {
    let SwiftContent {
        object,
        ranges,
        bodies,
        part_count,
    } = content;
    let mut bodies = bodies.into_iter();
    let (kind, size) = (kind(&object), object.size);
    let mut reply = match ranges.as_slice() {
        [] => Reply::with_body(StatusCode::OK, kind, range::body(bodies.next(), size), size),
        [one] => {
            let length = one.end - one.start;
            let body = range::body(bodies.next(), length);
            let mut reply = Reply::with_body(StatusCode::PARTIAL_CONTENT, kind, body, length);
            reply.set(CONTENT_RANGE, &range::content_range(one, size));
            reply
        }
        several => {
            let boundary = u128::from_be_bytes(random(call.engine().environment()));
            let parts = range::multipart(several, bodies.collect(), &kind, size, boundary);
            let status = StatusCode::PARTIAL_CONTENT;
            Reply::with_body(status, parts.kind, parts.body, parts.length)
        }
    };
    describe(&mut reply, &object);
    if let Some(count) = part_count {
        reply.set_number(X_PARTS_COUNT, count as u64);
    }
    reply
}

/// The reply where no bytes of an object are sent.
pub(super) fn unread(outcome: ReadOutcome<SwiftObject>) -> Result<Reply, SwiftError> {
    let empty = |status, object: &SwiftObject| {
        let mut reply = described(object, 0);
        reply.status = status;
        reply
    };
    match outcome {
        ReadOutcome::Found(object) => Ok(described(&object, object.size)),
        ReadOutcome::NotModified(object) => Ok(empty(StatusCode::NOT_MODIFIED, &object)),
        ReadOutcome::PreconditionFailed(Some(object)) => {
            let mut reply = empty(StatusCode::PRECONDITION_FAILED, &object);
            if !is_dynamic_whole(&object) {
                reply.headers.insert(CONTENT_TYPE, HTML);
                reply.headers.remove(ACCEPT_RANGES);
            }
            Ok(reply)
        }
        ReadOutcome::PreconditionFailed(None) => Ok(Reply::empty(StatusCode::PRECONDITION_FAILED)),
        ReadOutcome::RangeUnsatisfiable(object) => {
            let mut reply = Reply::page(StatusCode::RANGE_NOT_SATISFIABLE);
            if is_dynamic_whole(&object) {
                let bytes = HeaderValue::from_static("bytes");
                reply.headers.insert(ACCEPT_RANGES, bytes);
            } else {
                describe(&mut reply, &object);
                reply.headers.insert(CONTENT_TYPE, kind(&object));
            }
            reply.set(CONTENT_RANGE, &format!("bytes */{}", object.size));
            Ok(reply)
        }
    }
}

/// Whether a dynamic large object was read as what it stands for. Its refusals have other headers than those of other
/// objects.
fn is_dynamic_whole(object: &SwiftObject) -> bool {
    let is_dynamic = object.fields.dynamic.is_some() && !object.is_static;
    is_dynamic && object.etag != object.manifest_etag
}

/// All headers of an object and no body, which would have this length.
pub(super) fn described(object: &SwiftObject, length: u64) -> Reply {
    let mut reply = Reply::empty(StatusCode::OK);
    reply.headers.insert(CONTENT_TYPE, kind(object));
    reply.set_number(CONTENT_LENGTH, length);
    describe(&mut reply, object);
    reply
}

/// All headers of an object but those of its content's type and length.
pub(super) fn describe(reply: &mut Reply, object: &SwiftObject) {
    let of = &object.fields;
    let bytes = HeaderValue::from_static("bytes");
    reply.headers.insert(ACCEPT_RANGES, bytes);
    reply.set(ETAG, &object.etag.to_string());
    reply.set_last_modified(object.time_modified);
    reply.set_timestamp(object.time_modified);
    let stored = [
        (CACHE_CONTROL, &of.attributes.cache_control),
        (CONTENT_DISPOSITION, &of.attributes.content_disposition),
        (CONTENT_ENCODING, &of.attributes.content_encoding),
        (CONTENT_LANGUAGE, &of.attributes.content_language),
        (EXPIRES, &of.expires),
        (X_ROBOTS_TAG, &of.robots),
    ];
    for (name, text) in stored {
        if let Some(text) = text {
            reply.set(name, text);
        }
    }
    reply.set_items(OBJECT_META, of.attributes.metadata.iter());
    if let Some(time) = of.delete_at {
        reply.set_number(X_DELETE_AT, time);
    }
    if let Some(dynamic) = &of.dynamic {
        reply.set(X_OBJECT_MANIFEST, &dlo::header(dynamic));
    }
    if object.is_static {
        reply.set(X_STATIC_LARGE_OBJECT, "True");
        if object.etag != object.manifest_etag {
            reply.set(X_MANIFEST_ETAG, &object.manifest_etag.to_string());
        }
    }
}

pub(super) fn kind(object: &SwiftObject) -> HeaderValue {
    let stored = object.fields.attributes.content_type.as_deref();
    stored.and_then(fields::value).unwrap_or(OCTET_STREAM)
}
