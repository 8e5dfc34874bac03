//! Static large objects: manifests put, shown and deleted (Swift wire reference section 10).

mod manifest;

use http::header::{CONTENT_LENGTH, CONTENT_RANGE, HeaderValue, TRANSFER_ENCODING};
use http::{Method, StatusCode};
use parbuckle_engine::swift::{
    BulkItem, BulkOutcome, Deed, NewSegment, PutSwiftObject, ReadConditions, ReadOutcome,
    SEGMENTS_MAX, Segment, SegmentRefusal, StaticManifest, SwiftContent, SwiftObject, SwiftRefusal,
};
use parbuckle_engine::{Error, ErrorKind, ObjectBody, ObjectPath};
use parbuckle_model::{RangeRequest, ResolvedRange};

use super::error::{SwiftError, bad_request, status_of};
use super::listing::Form;
use super::names::X_PARTS_COUNT;
use super::reply::Reply;
use super::report::{self, Report, status_line};
use super::{Call, bulk, caller, conditional, object, page, range};
use crate::payload::{Payload, WholeError};

/// Longest manifest that can be put, in bytes.
pub(super) const MANIFEST_BYTES_MAX: u64 = 8 << 20;

/// Most seconds between two signs of life while the segments of a manifest are looked at with `heartbeat=on`.
pub(super) const HEARTBEAT_SECONDS: u64 = 10;

/// The signs of life, and the end of them: an answer never takes so long that there is more than one.
const HEARTBEAT: &str = " \r\n\r\n";

/// The type of manifests as clients are shown them.
const JSON: &str = "application/json; charset=utf-8";

const PART_OF_RANGE: &str = "Range requests are not supported with part number queries";

const NO_PART_NUMBER: &str = "Part number must be an integer greater than 0";

/// `?multipart-manifest=put`. With `heartbeat=on` the answer is 202 and the outcome stands in the body.
pub(super) async fn put(
    call: &Call<'_>,
    path: &ObjectPath,
    payload: Payload,
) -> Result<Reply, SwiftError> {
    let segments = manifest::parse(&whole(call, payload).await?, path)?;
    if segments.iter().filter(|s| s.inline.is_none()).count() > SEGMENTS_MAX {
        let text = format!("Number of object-backed segments must be <= {SEGMENTS_MAX}");
        return Err(SwiftError::Line(StatusCode::PAYLOAD_TOO_LARGE, text.into()));
    }
    let form = report::form(call.headers()).unwrap_or(Form::Text);
    let heartbeat = call.params.is_true("heartbeat")?;
    match put_segments(call, path, &segments).await {
        done if heartbeat => told(call, done, form),
        Ok(object) => Ok(object::written(&object)),
        Err(error) => not_put(call, error),
    }
}

/// Puts a manifest. What is wrong with its segments is told before what is wrong with the rest of the request.
async fn put_segments(
    call: &Call<'_>,
    path: &ObjectPath,
    segments: &[NewSegment],
) -> Result<SwiftObject, SwiftError> {
    let (engine, user) = (call.engine(), &call.caller);
    let md5 = match conditional::announced_md5(call.headers()) {
        Ok(md5) => md5,
        Err(refusal) => {
            engine.swift_check_segments(user, path, segments).await?;
            return Err(refusal);
        }
    };
    let put = match object::put_options(call, path) {
        Ok(put) => PutSwiftObject { md5, ..put },
        Err(refusal) => {
            engine.swift_check_segments(user, path, segments).await?;
            return Err(caller::refused_deed(call, refusal, Deed::WriteObject(path)).await);
        }
    };
    let object = engine
        .swift_put_manifest(user, path, put, segments, &shown)
        .await?;
    Ok(object)
}

/// The refusal of a manifest that is no JSON.
pub(super) fn no_json() -> SwiftError {
    SwiftError::line(StatusCode::BAD_REQUEST, "Manifest must be valid JSON.\n")
}

/// `?multipart-manifest=get`: the manifest of a static large object, with `format=raw` as it could be put again; nothing of
/// any other object.
pub(super) async fn get(call: &Call<'_>, path: &ObjectPath) -> Result<Option<Reply>, SwiftError> {
    let conditions = conditional::of_read(call.headers())?;
    let is_raw = call.params.text("format")? == Some("raw");
    let engine = call.engine();
    let read = engine
        .swift_read_manifest(&call.caller, path, &conditions)
        .await;
    let StaticManifest {
        mut object,
        segments,
    } = match read {
        Ok(ReadOutcome::Found(manifest)) => manifest,
        Ok(ReadOutcome::NotModified(mut object)) => {
            if !is_raw {
                object.fields.attributes.content_type = Some(JSON.to_owned());
            }
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
    let bytes = if is_raw {
        let raw = manifest::raw(&segments);
        object.etag.text = manifest::md5(&raw);
        object.manifest_etag = object.etag.clone();
        raw
    } else {
        object.fields.attributes.content_type = Some(JSON.to_owned());
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
    if number == 0 {
        return Err(bad_part(call)?);
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

/// The part of a static large object that is asked for; zero where none can be meant. A part is no range of a part.
pub(super) fn asked_part(
    call: &Call<'_>,
    ranges: &[RangeRequest],
) -> Result<Option<u64>, SwiftError> {
    let number = part_number(call)?;
    Ok(number.map(|number| if ranges.is_empty() { number } else { 0 }))
}

/// The refusal of a request that can mean no part.
pub(super) fn bad_part(call: &Call<'_>) -> Result<SwiftError, SwiftError> {
    Ok(bad_request(match part_number(call)? {
        Some(1..) => PART_OF_RANGE,
        _ => NO_PART_NUMBER,
    }))
}

/// `part-number`. Of a static large object only a number from 1 on names a part; zero stands here for all that is none.
fn part_number(call: &Call<'_>) -> Result<Option<u64>, SwiftError> {
    let number = call.params.text("part-number")?;
    let names_one = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    Ok(number.map(|text| match names_one(text) {
        true if text.is_empty() => 0,
        true => text.parse().unwrap_or(u64::MAX),
        false => 0,
    }))
}

/// How a part number of a static large object is refused that names no part, or (then it is 0) stands beside a range.
pub(super) async fn no_part(
    call: &Call<'_>,
    path: &ObjectPath,
    object: &SwiftObject,
    number: u64,
) -> Result<Reply, SwiftError> {
    if number == 0 {
        return Err(bad_part(call)?);
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

/// Writes the manifest that clients are shown.
pub(super) fn shown(segments: &[Segment]) -> Vec<u8> {
    manifest::shown(segments)
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

/// The reply to a manifest that was not stored.
pub(super) fn not_put(call: &Call<'_>, error: SwiftError) -> Result<Reply, SwiftError> {
    let form = report::form(call.headers()).unwrap_or(Form::Text);
    let Some(segments) = refused_segments(&error) else {
        return Err(error);
    };
    let mut report = Report::default();
    add_segments(&mut report, segments);
    Ok(report.reply(StatusCode::BAD_REQUEST, Some(form), "upload"))
}

/// The outcome under a status that was promised before.
fn told(
    call: &Call<'_>,
    done: Result<SwiftObject, SwiftError>,
    form: Form,
) -> Result<Reply, SwiftError> {
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
        Err(refusal) => {
            let (status, text) = refusal.describe();
            if status.is_server_error() {
                return Err(refusal);
            }
            report.text("Response Status", status_line(status));
            let segments = refused_segments(&refusal);
            report.text(
                "Response Body",
                match (text.line(), segments) {
                    ("", _) | (_, Some(_)) => page::lines(status),
                    (line, None) => line.to_owned(),
                },
            );
            add_segments(&mut report, segments.unwrap_or_default());
        }
    }
    let mut reply = report.reply_after(HEARTBEAT, StatusCode::ACCEPTED, form, "upload");
    if call.exchange.is_http1() {
        // Whoever waits for a heartbeat is told that no length is known yet.
        let chunked = HeaderValue::from_static("chunked");
        reply.headers.remove(CONTENT_LENGTH);
        reply.headers.insert(TRANSFER_ENCODING, chunked);
    }
    Ok(reply)
}

fn refused_segments(error: &SwiftError) -> Option<&[SegmentRefusal]> {
    let SwiftError::Engine(error) = error else {
        return None;
    };
    match error.kind() {
        ErrorKind::Swift(SwiftRefusal::SegmentsRefused(segments)) => Some(segments),
        _ => None,
    }
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
            let why = match status_of(&error) {
                _ if is_no_manifest(&error) => error.to_string(),
                StatusCode::FORBIDDEN => "Unable to load SLO manifest or segment.".to_owned(),
                status => status_line(status),
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
