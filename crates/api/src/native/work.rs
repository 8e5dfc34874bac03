//! Work requests (wire reference 3.6, 4.5).

use http::StatusCode;
use http::header::RETRY_AFTER;
use jiff::Timestamp;
use parbuckle_engine::{
    BucketPath, ErrorKind, ObjectPath, StorageWork, StorageWorkRequest, WorkError, WorkLog,
    WorkStatus,
};
use parbuckle_model::{Ocid, WorkRequestId};
use serde::Serialize;

use super::Call;
use super::error::{NativeError, failure_code, invalid};
use super::reply::Reply;
use crate::json::{self, required};
use crate::percent::encode_path;

/// Seconds after which it is worth to ask again.
const RETRY_SECONDS: &str = "1";

/// ListWorkRequests.
pub(super) async fn list(call: &Call<'_>) -> Result<Reply, NativeError> {
    let query = call.exchange.query()?;
    let compartment = required(query.value("compartmentId")?, "compartmentId")?;
    let compartment =
        Ocid::parse(compartment).map_err(|_| invalid(format!("{compartment:?} is not an OCID")))?;
    let (page, limit) = query.paging()?;
    let engine = call.exchange.engine();
    let mut found = engine
        .work_requests(&call.caller, &compartment, page.as_ref(), limit)
        .await?;
    if query.value("privateEndpointName")?.is_some() {
        // There are no private endpoints, and so no work on any.
        (found.items, found.next) = (Vec::new(), None);
    }
    let region = engine.region();
    let items = found.items.iter();
    let models: Vec<_> = items.map(|work| WorkModel::new(work, region)).collect();
    Ok(Reply::json(&models)?.with_next_page(found.next.as_ref()))
}

/// GetWorkRequest.
pub(super) async fn get(call: &Call<'_>, id: &[u8]) -> Result<Reply, NativeError> {
    let engine = call.exchange.engine();
    let work = engine.work_request(&call.caller, &work_id(id)?).await?;
    let reply = Reply::json(&WorkModel::new(&work, engine.region()))?;
    Ok(reply.with(RETRY_AFTER, RETRY_SECONDS))
}

/// CancelWorkRequest.
pub(super) async fn cancel(call: &Call<'_>, id: &[u8]) -> Result<Reply, NativeError> {
    let engine = call.exchange.engine();
    let id = work_id(id)?;
    engine.cancel_work_request(&call.caller, &id).await?;
    Ok(Reply::new(StatusCode::ACCEPTED))
}

/// ListWorkRequestErrors.
pub(super) async fn errors(call: &Call<'_>, id: &[u8]) -> Result<Reply, NativeError> {
    let (page, limit) = call.exchange.query()?.paging()?;
    let (engine, id) = (call.exchange.engine(), work_id(id)?);
    let errors = engine
        .work_request_errors(&call.caller, &id, page.as_ref(), limit)
        .await?;
    let models: Vec<_> = errors.items.iter().map(ErrorModel::new).collect();
    Ok(Reply::json(&models)?.with_next_page(errors.next.as_ref()))
}

/// ListWorkRequestLogs.
pub(super) async fn logs(call: &Call<'_>, id: &[u8]) -> Result<Reply, NativeError> {
    let (page, limit) = call.exchange.query()?.paging()?;
    let (engine, id) = (call.exchange.engine(), work_id(id)?);
    let logs = engine
        .work_request_logs(&call.caller, &id, page.as_ref(), limit)
        .await?;
    let models: Vec<_> = logs.items.iter().map(LogModel::new).collect();
    Ok(Reply::json(&models)?.with_next_page(logs.next.as_ref()))
}

/// Text that is no id names none.
fn work_id(text: &[u8]) -> Result<WorkRequestId, NativeError> {
    let text = std::str::from_utf8(text).ok();
    let id = text.and_then(|text| WorkRequestId::parse(text).ok());
    id.ok_or_else(|| ErrorKind::NotAuthorizedOrNotFound.into())
}

/// Get and list show the same.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WorkModel<'a> {
    operation_type: &'static str,
    status: &'static str,
    id: String,
    compartment_id: &'a str,
    resources: Vec<ResourceModel<'a>>,
    percent_complete: f32,
    #[serde(serialize_with = "json::date")]
    time_accepted: Timestamp,
    #[serde(serialize_with = "json::optional_date")]
    time_started: Option<Timestamp>,
    #[serde(serialize_with = "json::optional_date")]
    time_finished: Option<Timestamp>,
}

impl<'a> WorkModel<'a> {
    fn new(work: &'a StorageWorkRequest, region: &'a str) -> Self {
        let (operation_type, resources) = match &work.work {
            StorageWork::Copy {
                source,
                destination,
            } => {
                let resources = vec![
                    ResourceModel::object("READ", source, region),
                    ResourceModel::object(written(work.status), destination, region),
                ];
                ("COPY_OBJECT", resources)
            }
            StorageWork::Reencrypt(bucket) => {
                let action = match work.status {
                    WorkStatus::Completed => "UPDATED",
                    status => written(status),
                };
                (
                    "REENCRYPT",
                    vec![ResourceModel::bucket(action, bucket, region)],
                )
            }
        };
        Self {
            operation_type,
            status: status(work.status),
            id: work.id.to_string(),
            compartment_id: work.compartment.as_str(),
            resources,
            percent_complete: f32::from(work.percent),
            time_accepted: work.time_accepted,
            time_started: work.time_started,
            time_finished: work.time_finished,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceModel<'a> {
    action_type: &'static str,
    entity_type: &'static str,
    identifier: &'a str,
    entity_uri: String,
    metadata: PlaceModel<'a>,
}

/// The names of OCI's metadata of a resource.
#[derive(Serialize)]
#[serde(rename_all = "UPPERCASE")]
struct PlaceModel<'a> {
    region: &'a str,
    namespace: &'a str,
    bucket: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    object: Option<&'a str>,
}

impl<'a> ResourceModel<'a> {
    fn object(action_type: &'static str, path: &'a ObjectPath, region: &'a str) -> Self {
        let (bucket, object) = (&path.bucket, path.object.as_str());
        Self {
            action_type,
            entity_type: "object",
            identifier: object,
            entity_uri: format!(
                "/n/{}/b/{}/o/{}",
                bucket.namespace,
                bucket.bucket,
                encode_path(object)
            ),
            metadata: PlaceModel {
                region,
                namespace: bucket.namespace.as_str(),
                bucket: bucket.bucket.as_str(),
                object: Some(object),
            },
        }
    }

    fn bucket(action_type: &'static str, path: &'a BucketPath, region: &'a str) -> Self {
        let (namespace, bucket) = (path.namespace.as_str(), path.bucket.as_str());
        Self {
            action_type,
            entity_type: "bucket",
            identifier: bucket,
            entity_uri: format!("/n/{namespace}/b/{bucket}"),
            metadata: PlaceModel {
                region,
                namespace,
                bucket,
                object: None,
            },
        }
    }
}

/// What has become of the object that the work writes.
fn written(status: WorkStatus) -> &'static str {
    match status {
        WorkStatus::Accepted | WorkStatus::InProgress | WorkStatus::Canceling => "IN_PROGRESS",
        WorkStatus::Completed => "WRITTEN",
        WorkStatus::Failed | WorkStatus::Canceled => "RELATED",
    }
}

fn status(status: WorkStatus) -> &'static str {
    match status {
        WorkStatus::Accepted => "ACCEPTED",
        WorkStatus::InProgress => "IN_PROGRESS",
        WorkStatus::Failed => "FAILED",
        WorkStatus::Completed => "COMPLETED",
        WorkStatus::Canceling => "CANCELING",
        WorkStatus::Canceled => "CANCELED",
    }
}

#[derive(Serialize)]
struct ErrorModel<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(serialize_with = "json::date")]
    timestamp: Timestamp,
}

impl<'a> ErrorModel<'a> {
    fn new(error: &'a WorkError) -> Self {
        Self {
            code: failure_code(error.failure),
            message: &error.message,
            timestamp: error.time,
        }
    }
}

#[derive(Serialize)]
struct LogModel<'a> {
    message: &'a str,
    #[serde(serialize_with = "json::date")]
    timestamp: Timestamp,
}

impl<'a> LogModel<'a> {
    fn new(line: &'a WorkLog) -> Self {
        Self {
            message: &line.message,
            timestamp: line.time,
        }
    }
}

#[cfg(test)]
mod tests {
    use parbuckle_model::{BucketName, Namespace, ObjectName};

    use super::*;

    fn path(object: &str) -> ObjectPath {
        ObjectPath {
            bucket: BucketPath {
                namespace: Namespace::parse("ns1").unwrap(),
                bucket: BucketName::parse("b1").unwrap(),
            },
            object: ObjectName::parse(object.as_bytes()).unwrap(),
        }
    }

    #[test]
    fn a_work_request_has_the_shape_of_the_sample() {
        let time = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let work = StorageWorkRequest {
            id: WorkRequestId::from_bytes([7; 16]),
            work: StorageWork::Copy {
                source: path("dir/a b"),
                destination: path("c"),
            },
            status: WorkStatus::Completed,
            compartment: Ocid::parse("ocid1.compartment.oc1..c").unwrap(),
            percent: 100,
            time_accepted: time,
            time_started: Some(time),
            time_finished: None,
        };
        insta::assert_snapshot!(serde_json::to_string(&WorkModel::new(&work, "r-1")).unwrap(), @r#"{"operationType":"COPY_OBJECT","status":"COMPLETED","id":"07070707-0707-0707-0707-070707070707","compartmentId":"ocid1.compartment.oc1..c","resources":[{"actionType":"READ","entityType":"object","identifier":"dir/a b","entityUri":"/n/ns1/b/b1/o/dir/a%20b","metadata":{"REGION":"r-1","NAMESPACE":"ns1","BUCKET":"b1","OBJECT":"dir/a b"}},{"actionType":"WRITTEN","entityType":"object","identifier":"c","entityUri":"/n/ns1/b/b1/o/c","metadata":{"REGION":"r-1","NAMESPACE":"ns1","BUCKET":"b1","OBJECT":"c"}}],"percentComplete":100.0,"timeAccepted":"2026-01-02T03:04:05.678Z","timeStarted":"2026-01-02T03:04:05.678Z","timeFinished":null}"#);
    }

    #[test]
    fn an_id_that_is_none_names_no_work_request() {
        for bad in [&b"x"[..], b"", b"\xff"] {
            let (status, code) = work_id(bad).unwrap_err().describe();
            assert_eq!((status.as_u16(), code), (404, "NotAuthorizedOrNotFound"));
        }
    }
}
