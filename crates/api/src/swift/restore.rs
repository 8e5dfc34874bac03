//! Restoring archived objects, and the progress of that: Oracle's `/v0` (Swift wire reference section 15).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use jiff::Timestamp;
use parbuckle_engine::swift::{LISTING_LIMIT_MAX, ListQuery, RestoredObject};
use parbuckle_engine::{BucketPath, ObjectPath, Restoration};
use serde::Serialize;

use super::error::{SwiftError, bad_request};
use super::names::X_ARCHIVE_RESTORE_JOBID;
use super::params::Params;
use super::reply::Reply;
use super::route::Target;
use super::{Call, account_of, authenticated, bucket_path, no_container, no_object, object_name};
use crate::exchange::Exchange;

/// Hours for which a restored object can be read.
const HOURS: u32 = 24;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=utf-8");

/// A target of `/v0` as it is only with the query that belongs to it; without, it has the version that is not here.
pub(super) fn asked(target: Target, parts: &Parts) -> Result<Target, SwiftError> {
    let needed = match target {
        Target::Restore { .. } => "restore",
        Target::RestoreJobs { .. } => "jobs",
        _ => return Ok(target),
    };
    match Params::parse(parts.uri.query()).has(needed) {
        true => Ok(target),
        false => Err(SwiftError::UNKNOWN_VERSION),
    }
}

/// `POST ...?restore` of an object, `GET ...?jobs` of a container.
pub(super) async fn act(exchange: &Exchange<'_>, target: &Target) -> Result<Reply, SwiftError> {
    let params = Params::parse(exchange.parts.uri.query());
    let call = authenticated(exchange, target, params).await?;
    let (account, container, object) = target.names();
    let account = account_of(&call, account)?;
    let bucket = match bucket_path(&account, container.unwrap_or_default()) {
        Ok(bucket) => bucket,
        Err(_) => {
            let name = container.unwrap_or_default();
            return Err(no_container(&call, &account, name, None).await);
        }
    };
    match object.map(object_name) {
        None => jobs(&call, &bucket).await,
        Some(Ok(object)) => restore(&call, &ObjectPath { bucket, object }).await,
        Some(Err(_)) => {
            let name = object.unwrap_or_default();
            Err(no_object(&call, &bucket, name, None).await)
        }
    }
}

/// 202 when it has begun, 200 when it had before; then it can be read for as long again.
async fn restore(call: &Call<'_>, path: &ObjectPath) -> Result<Reply, SwiftError> {
    let restoration = call
        .engine()
        .restore_object(&call.caller, path, None, HOURS)
        .await?;
    let reply = match restoration {
        Restoration::Started => Reply::page(StatusCode::ACCEPTED),
        Restoration::Already => Reply::empty(StatusCode::OK),
    };
    let id = job_id(path.object.as_str());
    Ok(reply.with(X_ARCHIVE_RESTORE_JOBID, &id))
}

/// A list of all jobs of a container, or the one whose id is given as `jobid=` or as the value of `jobs`.
async fn jobs(call: &Call<'_>, path: &BucketPath) -> Result<Reply, SwiftError> {
    let params = &call.params;
    let wanted = match params.text("jobid")? {
        Some(id) => Some(id),
        None => params.text("jobs")?.filter(|id| !id.is_empty()),
    };
    let query = match wanted {
        Some(id) => only(&object_of(id).unwrap_or_default()),
        None => page(params)?,
    };
    let engine = call.engine();
    let found = engine
        .swift_restorations(&call.caller, path, &query)
        .await?;
    let now = engine.environment().now();
    let mut jobs = found.iter().map(|object| Job::of(object, now));
    let text = match wanted {
        None => serde_json::to_vec(&jobs.collect::<Vec<_>>()),
        Some(_) => match jobs.next() {
            Some(job) => serde_json::to_vec(&job),
            None => return Err(SwiftError::Page(StatusCode::NOT_FOUND)),
        },
    };
    let text = text.expect("text, numbers and yes or no are written as JSON");
    Ok(Reply::with_text(StatusCode::OK, JSON, text))
}

/// The restoration of an object, in the words of Storage Classic.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Job<'a> {
    job_id: String,
    job_type: &'static str,
    /// `processing` or `success`.
    progress: &'static str,
    completed: bool,
    completed_percentage: u8,
    /// When the object can be read, or could from.
    end_time: String,
    /// Seconds until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_to_poll: Option<i64>,
    job_details: JobDetails<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JobDetails<'a> {
    object_name: &'a str,
    object_size_in_bytes: u64,
    /// When it can be read no more.
    readable_until: String,
}

impl<'a> Job<'a> {
    fn of(object: &'a RestoredObject, now: Timestamp) -> Self {
        let (from, until) = (object.readable.start, object.readable.end);
        let completed = from <= now;
        let left = from.as_second().saturating_sub(now.as_second());
        Self {
            job_id: job_id(&object.name),
            job_type: "RestoreArchivedObject",
            progress: if completed { "success" } else { "processing" },
            completed,
            completed_percentage: if completed { 100 } else { 0 },
            end_time: date_time(from),
            interval_to_poll: (!completed).then_some(left.max(1)),
            job_details: JobDetails {
                object_name: &object.name,
                object_size_in_bytes: object.bytes,
                readable_until: date_time(until),
            },
        }
    }
}

fn date_time(time: Timestamp) -> String {
    format!("{time:.3}")
}

/// An object is restored once at a time, so its name tells the job.
fn job_id(object: &str) -> String {
    URL_SAFE_NO_PAD.encode(object)
}

fn object_of(job_id: &str) -> Option<String> {
    String::from_utf8(URL_SAFE_NO_PAD.decode(job_id).ok()?).ok()
}

/// What lists the object of this name and no other: no name has a NUL.
fn only(name: &str) -> ListQuery {
    ListQuery {
        prefix: name.to_owned(),
        end_marker: format!("{name}\0"),
        limit: 1,
        ..ListQuery::default()
    }
}

fn page(params: &Params) -> Result<ListQuery, SwiftError> {
    let text = |name| Ok::<_, SwiftError>(params.text(name)?.unwrap_or_default().to_owned());
    let limit = match params.text("limit")?.filter(|limit| !limit.is_empty()) {
        None => LISTING_LIMIT_MAX,
        Some(limit) => limit
            .parse()
            .map_err(|_| bad_request("limit is no number"))?,
    };
    Ok(ListQuery {
        prefix: text("prefix")?,
        marker: text("marker")?,
        limit,
        ..ListQuery::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_id_is_a_word_that_names_its_object() {
        for name in ["o", "a/b c", "é\n", "x?y=z&"] {
            let id = job_id(name);
            let legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            assert!(id.bytes().all(legal), "{id}");
            assert_eq!(object_of(&id).as_deref(), Some(name));
        }
        assert_eq!(object_of("not an id"), None);
    }

    #[test]
    fn a_job_is_done_from_the_moment_the_object_can_be_read() {
        let at = |seconds: i64| Timestamp::from_second(1_900_000_000 + seconds).unwrap();
        let object = RestoredObject {
            name: "o".to_owned(),
            bytes: 1,
            readable: at(60)..at(120),
        };
        let seen = |seconds| {
            let job = Job::of(&object, at(seconds));
            (job.progress, job.completed_percentage, job.interval_to_poll)
        };
        assert_eq!(seen(0), ("processing", 0, Some(60)));
        assert_eq!(seen(59), ("processing", 0, Some(1)));
        assert_eq!(seen(60), ("success", 100, None));
    }
}
