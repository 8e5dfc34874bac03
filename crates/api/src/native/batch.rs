//! BatchDeleteObjects (wire reference 4.2).

use jiff::Timestamp;
use parbuckle_engine::{BatchOutcome, BucketPath, ObjectToDelete};
use parbuckle_model::Preconditions;
use serde::{Deserialize, Serialize};

use super::Call;
use super::error::NativeError;
use super::rename::{condition, object_name};
use super::reply::Reply;
use crate::json::{self, required};

/// BatchDeleteObjects. What fails for one object does not keep the others.
pub(super) async fn delete(
    call: &Call<'_>,
    path: &BucketPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let details = json::parse::<BatchDeleteObjectsDetails>(body)?;
    let tell_deleted = !details.is_skip_deleted_result.unwrap_or(false);
    let objects = required(details.objects, "objects")?;
    let objects = objects.into_iter().map(ObjectDetails::into_object);
    let objects = objects.collect::<Result<_, _>>()?;
    let engine = call.exchange.engine();
    let outcomes = engine.delete_objects(&call.caller, path, objects).await?;
    Reply::json(&BatchDeleteObjectsResult::new(outcomes, tell_deleted))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BatchDeleteObjectsDetails {
    objects: Option<Vec<ObjectDetails>>,
    is_skip_deleted_result: Option<bool>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ObjectDetails {
    object_name: Option<String>,
    if_match: Option<String>,
}

impl ObjectDetails {
    fn into_object(self) -> Result<ObjectToDelete, NativeError> {
        Ok(ObjectToDelete {
            object: object_name(&required(self.object_name, "objectName")?)?,
            preconditions: Preconditions {
                if_match: condition(self.if_match),
                if_none_match: None,
            },
        })
    }
}

#[derive(Serialize)]
struct BatchDeleteObjectsResult {
    deleted: Vec<DeletedObject>,
    failed: Vec<FailedObject>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeletedObject {
    object_name: String,
    #[serde(serialize_with = "json::date")]
    time_last_modified: Timestamp,
}

/// As the deletion of this object alone would be answered.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct FailedObject {
    object_name: String,
    status_code: u16,
    error_message: String,
}

impl BatchDeleteObjectsResult {
    fn new(outcomes: Vec<BatchOutcome>, tell_deleted: bool) -> Self {
        let mut result = Self {
            deleted: Vec::new(),
            failed: Vec::new(),
        };
        for (object, outcome) in outcomes {
            let object_name = object.as_str().to_owned();
            match outcome {
                Ok(deleted) if tell_deleted => result.deleted.push(DeletedObject {
                    object_name,
                    time_last_modified: deleted.time,
                }),
                Ok(_) => {}
                Err(error) => {
                    let error = NativeError::from(error);
                    result.failed.push(FailedObject {
                        object_name,
                        status_code: error.describe().0.as_u16(),
                        error_message: error.message(),
                    });
                }
            }
        }
        result
    }
}

#[cfg(test)]
mod tests {
    use parbuckle_engine::{Deleted, Error, ErrorKind};
    use parbuckle_model::ObjectName;

    use super::*;

    fn outcomes() -> Vec<BatchOutcome> {
        let deleted = Deleted {
            version_id: None,
            delete_marker: false,
            time: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        };
        let name = |text: &str| ObjectName::parse(text.as_bytes()).unwrap();
        let refused = Error::from(ErrorKind::IfMatchFailed);
        vec![(name("a"), Ok(deleted)), (name("b"), Err(refused))]
    }

    #[test]
    fn each_object_is_told_in_its_list() {
        let result = BatchDeleteObjectsResult::new(outcomes(), true);
        insta::assert_snapshot!(serde_json::to_string(&result).unwrap(), @r#"{"deleted":[{"objectName":"a","timeLastModified":"2026-01-02T03:04:05.678Z"}],"failed":[{"objectName":"b","statusCode":412,"errorMessage":"The If-Match header does not match the ETag of the existing entity."}]}"#);
    }

    #[test]
    fn a_client_may_do_without_the_list_of_what_was_deleted() {
        let result = BatchDeleteObjectsResult::new(outcomes(), false);
        assert!(result.deleted.is_empty() && result.failed.len() == 1);
    }
}
