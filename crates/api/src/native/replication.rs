//! Replication policies (wire reference 3.2, 3.7, 4.6).

use jiff::Timestamp;
use parbuckle_engine::{
    BucketPath, ErrorKind, NewReplicationPolicy, ReplicationPolicy, ReplicationSource,
};
use parbuckle_model::{BucketName, ReplicationPolicyId};
use serde::{Deserialize, Serialize};

use super::Call;
use super::error::{FaceError, NativeError};
use super::reply::Reply;
use crate::json::{self, required};

/// What `statusMessage` says of a policy that can do its work.
const WORKING: &str = "The policy is active";

/// CreateReplicationPolicy.
pub(super) async fn create(
    call: &Call<'_>,
    path: &BucketPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let new = json::parse::<CreateDetails>(body)?.into_new()?;
    let engine = call.exchange.engine();
    let policy = engine
        .create_replication_policy(&call.caller, path, new)
        .await?;
    Reply::json(&PolicyModel::new(&policy))
}

/// ListReplicationPolicies.
pub(super) async fn list(call: &Call<'_>, path: &BucketPath) -> Result<Reply, NativeError> {
    let query = call.exchange.query()?;
    let (page, limit) = query.paging()?;
    let engine = call.exchange.engine();
    let policies = engine
        .replication_policies(&call.caller, path, page.as_ref(), limit)
        .await?;
    let models: Vec<_> = policies.items.iter().map(PolicyModel::new).collect();
    Ok(Reply::json(&models)?.with_next_page(policies.next.as_ref()))
}

/// GetReplicationPolicy.
pub(super) async fn get(
    call: &Call<'_>,
    path: &BucketPath,
    id: &[u8],
) -> Result<Reply, NativeError> {
    let id = policy_id(path, id)?;
    let engine = call.exchange.engine();
    let policy = engine.replication_policy(&call.caller, path, &id).await?;
    Reply::json(&PolicyModel::new(&policy))
}

/// DeleteReplicationPolicy.
pub(super) async fn delete(
    call: &Call<'_>,
    path: &BucketPath,
    id: &[u8],
) -> Result<Reply, NativeError> {
    let id = policy_id(path, id)?;
    let engine = call.exchange.engine();
    engine
        .delete_replication_policy(&call.caller, path, &id)
        .await?;
    Ok(Reply::no_content())
}

/// ListReplicationSources.
pub(super) async fn sources(call: &Call<'_>, path: &BucketPath) -> Result<Reply, NativeError> {
    let query = call.exchange.query()?;
    let (page, limit) = query.paging()?;
    let engine = call.exchange.engine();
    let sources = engine
        .replication_sources(&call.caller, path, page.as_ref(), limit)
        .await?;
    let models: Vec<_> = sources.items.iter().map(SourceModel::new).collect();
    Ok(Reply::json(&models)?.with_next_page(sources.next.as_ref()))
}

/// MakeBucketWritable.
pub(super) async fn make_writable(
    call: &Call<'_>,
    path: &BucketPath,
) -> Result<Reply, NativeError> {
    let engine = call.exchange.engine();
    engine.make_bucket_writable(&call.caller, path).await?;
    Ok(Reply::no_content())
}

/// Text that is no id names no policy.
fn policy_id(path: &BucketPath, text: &[u8]) -> Result<ReplicationPolicyId, NativeError> {
    let id = std::str::from_utf8(text).ok();
    let id = id.and_then(|text| ReplicationPolicyId::parse(text).ok());
    id.ok_or_else(|| ErrorKind::ReplicationPolicyNotFound(path.bucket.clone()).into())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CreateDetails {
    name: Option<String>,
    destination_region_name: Option<String>,
    destination_bucket_name: Option<String>,
}

impl CreateDetails {
    fn into_new(self) -> Result<NewReplicationPolicy, NativeError> {
        let bucket = required(self.destination_bucket_name, "destinationBucketName")?;
        Ok(NewReplicationPolicy {
            name: required(self.name, "name")?,
            destination_region: required(self.destination_region_name, "destinationRegionName")?,
            destination_bucket: BucketName::parse(&bucket)
                .map_err(|error| FaceError::InvalidBucketName(error.0))?,
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicyModel<'a> {
    #[serde(serialize_with = "json::text")]
    id: ReplicationPolicyId,
    name: &'a str,
    destination_region_name: &'a str,
    destination_bucket_name: &'a str,
    #[serde(serialize_with = "json::date")]
    time_created: Timestamp,
    #[serde(serialize_with = "json::date")]
    time_last_sync: Timestamp,
    status: &'static str,
    status_message: &'a str,
}

impl<'a> PolicyModel<'a> {
    fn new(policy: &'a ReplicationPolicy) -> Self {
        let (status, message) = match &policy.fault {
            None => ("ACTIVE", WORKING),
            Some(fault) => ("CLIENT_ERROR", fault.as_str()),
        };
        Self {
            id: policy.id,
            name: &policy.name,
            destination_region_name: &policy.destination_region,
            destination_bucket_name: policy.destination_bucket.as_str(),
            time_created: policy.time_created,
            time_last_sync: policy.time_last_sync,
            status,
            status_message: message,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SourceModel<'a> {
    policy_name: &'a str,
    source_region_name: &'a str,
    source_bucket_name: &'a str,
}

impl<'a> SourceModel<'a> {
    fn new(source: &'a ReplicationSource) -> Self {
        Self {
            policy_name: &source.policy_name,
            source_region_name: &source.source_region,
            source_bucket_name: source.source_bucket.as_str(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(fault: Option<&str>) -> ReplicationPolicy {
        let created: Timestamp = "2026-01-02T03:04:05.678Z".parse().unwrap();
        ReplicationPolicy {
            id: ReplicationPolicyId::from_bytes([0; 16]),
            name: "p".to_owned(),
            destination_region: "home-lab-1".to_owned(),
            destination_bucket: BucketName::parse("copy").unwrap(),
            time_created: created,
            time_last_sync: created,
            fault: fault.map(str::to_owned),
        }
    }

    #[test]
    fn a_policy_at_work_is_active() {
        insta::assert_snapshot!(
            serde_json::to_string(&PolicyModel::new(&policy(None))).unwrap(),
            @r#"{"id":"00000000-0000-0000-0000-000000000000","name":"p","destinationRegionName":"home-lab-1","destinationBucketName":"copy","timeCreated":"2026-01-02T03:04:05.678Z","timeLastSync":"2026-01-02T03:04:05.678Z","status":"ACTIVE","statusMessage":"The policy is active"}"#
        );
    }

    #[test]
    fn a_policy_that_is_kept_from_its_work_says_why() {
        let faulty = policy(Some("no rights"));
        let model = PolicyModel::new(&faulty);
        assert_eq!(
            (model.status, model.status_message),
            ("CLIENT_ERROR", "no rights")
        );
    }

    #[test]
    fn details_are_refused_each_with_its_code() {
        for (body, want) in [
            ("{}", "400 MissingParameter"),
            (
                r#"{"name":"p","destinationBucketName":"b"}"#,
                "400 MissingParameter",
            ),
            (
                r#"{"name":"p","destinationRegionName":"r","destinationBucketName":"a b"}"#,
                "400 InvalidBucketName",
            ),
        ] {
            let details: CreateDetails = json::parse(body.as_bytes()).unwrap();
            let (status, code) = details.into_new().unwrap_err().describe();
            assert_eq!(format!("{} {code}", status.as_u16()), want, "{body}");
        }
    }
}
