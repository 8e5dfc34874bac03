//! Static large objects: manifests put, shown and deleted (Swift wire reference section 10).

mod manifest;

use http::header::{CONTENT_LENGTH, CONTENT_RANGE};
use http::{Method, StatusCode};
use parbuckle_engine::swift::{
    BulkItem, BulkOutcome, ReadConditions, ReadOutcome, SEGMENTS_MAX, Segment, SegmentRefusal,
    StaticManifest, SwiftContent, SwiftObject, SwiftRefusal,
};
use parbuckle_engine::{Error, ErrorKind, ObjectBody, ObjectPath};
use parbuckle_model::ResolvedRange;

use super::error::{SwiftError, bad_request, status_of};
use super::listing::Form;
use super::names::{X_COPY_FROM, X_PARTS_COUNT};
use super::reply::Reply;
use super::report::{self, Report, status_line};
use super::{Call, bulk, conditional, object, range};
use crate::payload::{Payload, WholeError};

/// Longest manifest that can be put, in bytes.
pub(super) const MANIFEST_BYTES_MAX: u64 = 8 << 20;

/// `?multipart-manifest=put`. With `heartbeat=on` the answer is 202 and the outcome stands in the body.
pub(super) async fn put(
    call: &Call<'_>,
    path: &ObjectPath,
    payload: Payload,
) -> Result<Reply, SwiftError> {
    if call.headers().contains_key(X_COPY_FROM) {
        let text = "Multipart Manifest PUTs cannot be COPY requests";
        return Err(SwiftError::line(StatusCode::METHOD_NOT_ALLOWED, text));
    }
    let segments = manifest::parse(&whole(call, payload).await?, path)?;
    if segments.iter().filter(|s| s.inline.is_none()).count() > SEGMENTS_MAX {
        let text = format!("Number of object-backed segments must be <= {SEGMENTS_MAX}");
        return Err(SwiftError::Line(StatusCode::PAYLOAD_TOO_LARGE, text.into()));
    }
    let put = object::put_options(call, path)?;
    let done = call
        .engine()
        .swift_put_manifest(&call.caller, path, put, &segments, &manifest::shown)
        .await;
    let form = report::form(call.headers()).unwrap_or(Form::Text);
    match call.params.is_true("heartbeat")? {
        true => told(done, form),
        false => match done {
            Ok(object) => Ok(object::written(&object)),
            Err(error) => refused(error, form),
        },
    }
}

/// `?multipart-manifest=get`: the manifest of a static large object, with `format=raw` as it could be put again; nothing of
/// any other object.
pub(super) async fn get(call: &Call<'_>, path: &ObjectPath) -> Result<Option<Reply>, SwiftError> {
    let conditions = conditional::of_read(call.headers())?;
    let engine = call.engine();
    let read = engine
        .swift_read_manifest(&call.caller, path, &conditions)
        .await;
    let StaticManifest {
        mut object,
        segments,
    } = match read {
        Ok(ReadOutcome::Found(manifest)) => manifest,
        Ok(ReadOutcome::NotModified(object)) => {
            return object::unread(ReadOutcome::NotModified(object)).map(Some);
        }
        Ok(ReadOutcome::PreconditionFailed(object)) => {
            return object::unread(ReadOutcome::PreconditionFailed(object)).map(Some);
        }
        Ok(ReadOutcome::RangeUnsatisfiable(object)) => {
            return object::unread(ReadOutcome::RangeUnsatisfiable(object)).map(Some);
        }
        Err(error) if is_no_manifest(&error) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let bytes = if call.params.text("format")? == Some("raw") {
        let raw = manifest::raw(&segments);
        object.etag.text = manifest::md5(&raw);
        raw
    } else {
        let json = "application/json; charset=utf-8";
        object.fields.attributes.content_type = Some(json.to_owned());
        manifest::shown(&segments)
    };
    object.size = bytes.len() as u64;
    sliced(call, object, bytes.into()).map(Some)
}

/// The part that `part-number` names of a HEAD; nothing if the object has no parts.
pub(super) async fn head_part(
    call: &Call<'_>,
    path: &ObjectPath,
    object: &SwiftObject,
    number: u64,
) -> Result<Option<Reply>, SwiftError> {
    if !object.is_static {
        return Ok(None);
    }
    let Some(segments) = segments(call, path).await? else {
        return Ok(None);
    };
    let mut reply = object::described(object, 0);
    reply.set_number(X_PARTS_COUNT, segments.len() as u64);
    let at = number
        .checked_sub(1)
        .and_then(|at| usize::try_from(at).ok());
    match at.and_then(|at| Some((at, segments.get(at)?))) {
        Some((at, segment)) => {
            let before: u64 = segments.iter().take(at).map(Segment::length).sum();
            let part = before..before + segment.length();
            reply.status = StatusCode::PARTIAL_CONTENT;
            reply.set_number(CONTENT_LENGTH, segment.length());
            reply.set(CONTENT_RANGE, &range::content_range(&part, object.size));
        }
        None => {
            reply.status = StatusCode::RANGE_NOT_SATISFIABLE;
            reply.set(CONTENT_RANGE, &format!("bytes */{}", object.size));
        }
    }
    Ok(Some(reply))
}

/// `part-number`. Of a static large object only a number from 1 on names a part; zero stands here for all that is none.
pub(super) fn part_number(call: &Call<'_>) -> Result<Option<u64>, SwiftError> {
    let number = call.params.text("part-number")?;
    let names_one = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    Ok(number.map(|text| match names_one(text) {
        true if text.is_empty() => 0,
        true => text.parse().unwrap_or(u64::MAX),
        false => 0,
    }))
}

/// How a part number of a static large object is refused that names no part.
pub(super) async fn no_part(
    call: &Call<'_>,
    path: &ObjectPath,
    object: &SwiftObject,
    number: u64,
) -> Result<Reply, SwiftError> {
    if number == 0 {
        return Err(bad_request("Part number must be an integer greater than 0"));
    }
    let text = "The requested part number is not satisfiable";
    let kind = object::kind(object);
    let mut reply = Reply::with_text(StatusCode::RANGE_NOT_SATISFIABLE, kind, text);
    object::describe(&mut reply, object);
    reply.set(CONTENT_RANGE, &format!("bytes */{}", object.size));
    if let Some(segments) = segments(call, path).await? {
        reply.set_number(X_PARTS_COUNT, segments.len() as u64);
    }
    Ok(reply)
}

/// `?multipart-manifest=delete`: the object with its segments. The answer is 200; what became of them stands in the body.
pub(super) async fn delete(call: &Call<'_>, path: &ObjectPath) -> Result<Reply, SwiftError> {
    let form = report::form(call.headers());
    if form.is_none() {
        let report = bulk::summary(StatusCode::NOT_ACCEPTABLE, "", &BulkOutcome::default());
        return Ok(report.reply(StatusCode::OK, form, "delete"));
    }
    let deleted = call
        .engine()
        .swift_delete_manifest(&call.caller, path)
        .await;
    let report = match deleted {
        Ok(outcome) => bulk::told(&outcome, std::iter::empty(), name_of),
        Err(error) => not_deleted(error, path)?,
    };
    Ok(report.reply(StatusCode::OK, form, "delete"))
}

/// The segments of an object, unless it has changed into another meanwhile.
async fn segments(call: &Call<'_>, path: &ObjectPath) -> Result<Option<Vec<Segment>>, SwiftError> {
    let (engine, always) = (call.engine(), ReadConditions::default());
    let read = engine.swift_read_manifest(&call.caller, path, &always);
    match Box::pin(read).await {
        Ok(ReadOutcome::Found(manifest)) => Ok(Some(manifest.segments)),
        Ok(_) => Ok(None),
        Err(error) if is_no_manifest(&error) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

async fn whole(call: &Call<'_>, mut payload: Payload) -> Result<bytes::Bytes, SwiftError> {
    if object::require_length(call).is_err() {
        return Err(SwiftError::Page(StatusCode::LENGTH_REQUIRED));
    }
    payload
        .whole(MANIFEST_BYTES_MAX)
        .await
        .map_err(|error| match error {
            WholeError::TooLarge { max } => {
                let text = format!("Manifest File > {max} bytes");
                SwiftError::Line(StatusCode::PAYLOAD_TOO_LARGE, text.into())
            }
            broken @ WholeError::Broken(_) => ErrorKind::from(broken).into(),
        })
}

/// The bytes of a manifest, or what ranges leave of them.
fn sliced(call: &Call<'_>, object: SwiftObject, bytes: bytes::Bytes) -> Result<Reply, SwiftError> {
    let asked = match *call.method() {
        Method::GET => range::parse(call.headers())?,
        _ => Vec::new(),
    };
    let parts = asked
        .iter()
        .filter_map(|range| match range.resolve(object.size) {
            ResolvedRange::Part { start, end } => Some(start..end),
            ResolvedRange::Unsatisfiable => None,
        });
    let ranges = Vec::from_iter(parts);
    if ranges.is_empty() && !asked.is_empty() {
        return object::unread(ReadOutcome::RangeUnsatisfiable(Box::new(object)));
    }
    let at = |offset: u64| usize::try_from(offset).map_or(bytes.len(), |at| at.min(bytes.len()));
    let slice = |range: &std::ops::Range<u64>| bytes.slice(at(range.start)..at(range.end));
    let bodies = match ranges.is_empty() {
        true => vec![ObjectBody::Bytes(bytes.clone())],
        false => ranges
            .iter()
            .map(|range| ObjectBody::Bytes(slice(range)))
            .collect(),
    };
    let content = SwiftContent {
        object,
        ranges,
        bodies,
        part_count: None,
    };
    Ok(object::content_reply(call, content))
}

/// A manifest that was not stored.
fn refused(error: Error, form: Form) -> Result<Reply, SwiftError> {
    let ErrorKind::Swift(SwiftRefusal::SegmentsRefused(segments)) = error.kind() else {
        return Err(error.into());
    };
    let mut report = Report::default();
    add_segments(&mut report, segments);
    Ok(report.reply(StatusCode::BAD_REQUEST, Some(form), "upload"))
}

/// The outcome under a status that was promised before.
fn told(done: Result<SwiftObject, Error>, form: Form) -> Result<Reply, SwiftError> {
    let mut report = Report::default();
    match done {
        Ok(object) => {
            let mut stored = object::written(&object);
            report.text("Response Status", status_line(StatusCode::CREATED));
            report.text("Etag", object.etag.to_string());
            stored.set_last_modified(object.time_modified);
            let modified = stored.headers.get(http::header::LAST_MODIFIED);
            let modified = modified.and_then(|value| value.to_str().ok());
            report.text("Last Modified", modified.unwrap_or_default());
            report.text("Response Body", "");
        }
        Err(error) => {
            let refusal = SwiftError::from(error);
            let (status, text) = refusal.describe();
            if status.is_server_error() {
                return Err(refusal);
            }
            report.text("Response Status", status_line(status));
            report.text("Response Body", text.line());
            if let SwiftError::Engine(error) = &refusal
                && let ErrorKind::Swift(SwiftRefusal::SegmentsRefused(segments)) = error.kind()
            {
                add_segments(&mut report, segments);
            }
        }
    }
    Ok(report.reply(StatusCode::ACCEPTED, Some(form), "upload"))
}

fn add_segments(report: &mut Report, segments: &[SegmentRefusal]) {
    for segment in segments {
        report.error(&segment.path, segment.reason);
    }
}

/// The report of a deletion that did not begin.
fn not_deleted(error: Error, path: &ObjectPath) -> Result<Report, SwiftError> {
    let name = format!("/{}/{}", path.bucket.bucket, path.object);
    let mut outcome = BulkOutcome::default();
    match error.kind() {
        ErrorKind::ObjectNotFound { .. } | ErrorKind::BucketNotFound { .. } => {
            outcome.not_found = 1;
            Ok(bulk::told(&outcome, std::iter::empty(), name_of))
        }
        ErrorKind::Unavailable | ErrorKind::Internal => Err(error.into()),
        _ => {
            let mut report = bulk::summary(StatusCode::BAD_REQUEST, "", &outcome);
            let why = match is_no_manifest(&error) {
                true => error.to_string(),
                false => status_line(status_of(&error)),
            };
            report.error(&name, why);
            Ok(report)
        }
    }
}

fn name_of(item: &BulkItem) -> Vec<u8> {
    let object = item.object.as_deref().unwrap_or_default();
    format!("/{}/{object}", item.container).into_bytes()
}

fn is_no_manifest(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Swift(SwiftRefusal::NotStaticManifest)
    )
}
