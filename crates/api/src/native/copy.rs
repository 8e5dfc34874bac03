//! Copying objects (wire reference 4.2).

use std::collections::BTreeMap;

use http::StatusCode;
use parbuckle_engine::{BucketPath, CopyKeys, CopyObject, ErrorKind, ObjectPath};
use parbuckle_model::{BucketName, EtagCondition, Namespace, ObjectName, Preconditions, VersionId};
use serde::Deserialize;

use super::Call;
use super::error::{FaceError, NativeError, invalid};
use super::names::OPC_WORK_REQUEST_ID;
use super::options::{customer_key, json_metadata, source_customer_key, tier};
use super::rename::{condition, object_name};
use super::reply::Reply;
use crate::json::{self, required};

/// CopyObject: what is cheap to check is checked, the rest is a work request's.
pub(super) async fn start(
    call: &Call<'_>,
    bucket: BucketPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let headers = call.exchange.headers();
    let keys = CopyKeys {
        source: source_customer_key(headers)?,
        destination: customer_key(headers)?,
    };
    let (object, copy) = json::parse::<CopyDetails>(body)?.into_copy(keys)?;
    let source = ObjectPath { bucket, object };
    let engine = call.exchange.engine();
    let id = engine.copy_object(&call.caller, &source, copy).await?;
    Ok(Reply::new(StatusCode::ACCEPTED).with(OPC_WORK_REQUEST_ID, id.to_string()))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CopyDetails {
    source_object_name: Option<String>,
    #[serde(rename = "sourceObjectIfMatchETag")]
    source_if_match: Option<String>,
    source_version_id: Option<String>,
    destination_region: Option<String>,
    destination_namespace: Option<String>,
    destination_bucket: Option<String>,
    destination_object_name: Option<String>,
    #[serde(rename = "destinationObjectIfMatchETag")]
    if_match: Option<String>,
    #[serde(rename = "destinationObjectIfNoneMatchETag")]
    if_none_match: Option<String>,
    destination_object_metadata: Option<BTreeMap<String, String>>,
    destination_object_storage_tier: Option<String>,
}

impl CopyDetails {
    /// The source's name, and how to copy it. Empty text counts as none.
    fn into_copy(self, keys: CopyKeys) -> Result<(ObjectName, CopyObject), NativeError> {
        let source = required(self.source_object_name, "sourceObjectName")?;
        let region = required(self.destination_region, "destinationRegion")?;
        let namespace = required(self.destination_namespace, "destinationNamespace")?;
        let bucket = required(self.destination_bucket, "destinationBucket")?;
        let object = required(self.destination_object_name, "destinationObjectName")?;
        let version = given(self.source_version_id).map(|text| {
            VersionId::parse(&text).map_err(|_| invalid("sourceVersionId is not a version id"))
        });
        let metadata = self
            .destination_object_metadata
            .filter(|map| !map.is_empty());
        let storage_tier = given(self.destination_object_storage_tier);
        let copy = CopyObject {
            source_version: version.transpose()?,
            source_if_match: condition(self.source_if_match),
            destination_region: region,
            destination: ObjectPath {
                bucket: BucketPath {
                    namespace: namespace_named(&namespace)?,
                    bucket: bucket_named(&bucket)?,
                },
                object: object_name(&object)?,
            },
            preconditions: Preconditions {
                if_match: condition(self.if_match),
                if_none_match: only_star(condition(self.if_none_match))?,
            },
            metadata: metadata.map(json_metadata).transpose()?,
            storage_tier: storage_tier.as_deref().map(tier).transpose()?,
            keys,
        };
        Ok((object_name(&source)?, copy))
    }
}

fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.is_empty())
}

fn only_star(condition: Option<EtagCondition>) -> Result<Option<EtagCondition>, NativeError> {
    match condition {
        Some(EtagCondition::OneOf(_)) => Err(invalid("destinationObjectIfNoneMatchETag must be *")),
        Some(EtagCondition::Any) | None => Ok(condition),
    }
}

/// Text that is no namespace names none that exists.
fn namespace_named(text: &str) -> Result<Namespace, NativeError> {
    Namespace::parse(text).map_err(|_| ErrorKind::NamespaceNotFound.into())
}

fn bucket_named(text: &str) -> Result<BucketName, NativeError> {
    BucketName::parse(text).map_err(|error| FaceError::InvalidBucketName(error.0).into())
}

#[cfg(test)]
mod tests {
    use parbuckle_model::StorageTier;

    use super::*;

    const LEAST: &str = r#""sourceObjectName": "f2.txt", "destinationRegion": "us-phoenix-1",
        "destinationNamespace": "testns", "destinationBucket": "b2", "destinationObjectName": "f3.txt""#;

    fn parsed(more: &str) -> Result<(ObjectName, CopyObject), NativeError> {
        let body = format!("{{{LEAST}{more}}}");
        json::parse::<CopyDetails>(body.as_bytes())?.into_copy(CopyKeys::default())
    }

    fn code(more: &str) -> String {
        let (status, code) = parsed(more).unwrap_err().describe();
        format!("{} {code}", status.as_u16())
    }

    #[test]
    fn what_the_cli_sends_is_a_copy_that_inherits() {
        let (source, copy) = parsed("").unwrap();
        assert_eq!(source.as_str(), "f2.txt");
        assert_eq!(copy.destination.bucket.bucket.as_str(), "b2");
        assert_eq!((copy.metadata, copy.storage_tier), (None, None));
    }

    #[test]
    fn empty_metadata_means_to_inherit() {
        let (_, copy) = parsed(r#", "destinationObjectMetadata": {}"#).unwrap();
        assert_eq!(copy.metadata, None);
    }

    #[test]
    fn metadata_names_lose_their_prefix() {
        let more = r#", "destinationObjectMetadata": {"opc-meta-A": "1"}, "destinationObjectStorageTier": "Archive""#;
        let (_, copy) = parsed(more).unwrap();
        assert_eq!(copy.metadata.unwrap().iter().next(), Some(("a", "1")));
        assert_eq!(copy.storage_tier, Some(StorageTier::Archive));
    }

    #[test]
    fn bad_fields_are_refused() {
        for bad in [
            r#", "destinationObjectIfNoneMatchETag": "9b9093ab-bdc6-49af-b261-b2d1d111d952""#,
            r#", "destinationObjectMetadata": {"a": "1"}"#,
            r#", "destinationObjectStorageTier": "Hot""#,
            r#", "sourceVersionId": "x""#,
        ] {
            assert_eq!(code(bad), "400 InvalidParameter", "{bad}");
        }
    }

    #[test]
    fn each_name_must_be_there_and_legal() {
        for (field, bad) in [
            ("sourceObjectName", "400 InvalidObjectName"),
            ("destinationNamespace", "404 NamespaceNotFound"),
            ("destinationBucket", "400 InvalidBucketName"),
            ("destinationObjectName", "400 InvalidObjectName"),
        ] {
            let mut fields: serde_json::Map<_, _> =
                serde_json::from_str(&format!("{{{LEAST}}}")).unwrap();
            let outcome = |fields: &serde_json::Map<_, _>| {
                let body = serde_json::to_vec(fields).unwrap();
                let copy = json::parse::<CopyDetails>(&body)
                    .unwrap()
                    .into_copy(CopyKeys::default());
                let (status, code) = copy.unwrap_err().describe();
                format!("{} {code}", status.as_u16())
            };
            fields.insert(field.to_owned(), "\n".into());
            assert_eq!(outcome(&fields), bad, "{field}");
            fields.remove(field);
            assert_eq!(outcome(&fields), "400 MissingParameter", "{field}");
        }
    }
}
