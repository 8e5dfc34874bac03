//! ListObjectVersions (wire reference 3.3, 4.2, section 5).

use jiff::Timestamp;
use parbuckle_engine::{BucketPath, ListedVersion, ObjectInfo, ObjectVersion};
use parbuckle_model::{ETag, ObjectField, ObjectFields, VersionId};
use serde::Serialize;

use super::Call;
use super::error::NativeError;
use super::listing::{optional_etag, parse};
use super::reply::Reply;
use crate::json;

/// ListObjectVersions. Takes the parameters of ListObjects, and `page`.
pub(super) async fn list(call: &Call<'_>, path: &BucketPath) -> Result<Reply, NativeError> {
    let parameters = call.exchange.query()?;
    let query = parse(&parameters)?;
    let (page, _) = parameters.paging()?;
    let engine = call.exchange.engine();
    let listing = engine
        .list_object_versions(&call.caller, path, &query, page.as_ref())
        .await?;
    let now = engine.environment().now();
    let summary = |version| ObjectVersionSummary::new(version, query.fields, now);
    let collection = ObjectVersionCollection {
        items: listing.versions.iter().map(summary).collect(),
        prefixes: query.delimited.then_some(listing.prefixes.as_slice()),
    };
    Ok(Reply::json(&collection)?.with_next_page(listing.next.as_ref()))
}

#[derive(Serialize)]
struct ObjectVersionCollection<'a> {
    items: Vec<ObjectVersionSummary<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefixes: Option<&'a [String]>,
}

/// What was not asked for and what a delete marker has not is left out (wire reference section 1).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectVersionSummary<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    size: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    md5: Option<String>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "optional_etag"
    )]
    etag: Option<ETag>,
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "json::optional_date"
    )]
    time_created: Option<Timestamp>,
    #[serde(serialize_with = "json::date")]
    time_modified: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archival_state: Option<&'static str>,
    #[serde(serialize_with = "json::text")]
    version_id: VersionId,
    is_delete_marker: bool,
}

impl<'a> ObjectVersionSummary<'a> {
    fn new(listed: &'a ListedVersion, fields: ObjectFields, now: Timestamp) -> Self {
        match &listed.version {
            ObjectVersion::Object(info) => Self::object(&listed.name, info, fields, now),
            ObjectVersion::DeleteMarker { version_id, time } => Self {
                is_delete_marker: true,
                ..Self::bare(&listed.name, *version_id, *time)
            },
        }
    }

    fn object(name: &'a str, info: &ObjectInfo, fields: ObjectFields, now: Timestamp) -> Self {
        let asked = |field| fields.has(field);
        let state = info.archival_state(now).map(|state| state.as_str());
        Self {
            size: asked(ObjectField::Size).then_some(info.size),
            md5: asked(ObjectField::Md5).then(|| info.md5.to_text()),
            etag: asked(ObjectField::Etag).then_some(info.etag),
            time_created: asked(ObjectField::TimeCreated).then_some(info.time_created),
            storage_tier: asked(ObjectField::StorageTier).then_some(info.storage_tier.as_str()),
            archival_state: state.filter(|_| asked(ObjectField::ArchivalState)),
            ..Self::bare(name, info.version_id, info.time_modified)
        }
    }

    /// What every version has.
    fn bare(name: &'a str, version_id: VersionId, time_modified: Timestamp) -> Self {
        Self {
            name,
            size: None,
            md5: None,
            etag: None,
            time_created: None,
            time_modified,
            storage_tier: None,
            archival_state: None,
            version_id,
            is_delete_marker: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delete_marker_has_only_what_every_version_has() {
        let version = ListedVersion {
            name: "a.txt".to_owned(),
            version: ObjectVersion::DeleteMarker {
                version_id: VersionId::from_bytes([2; 16]),
                time: "2026-01-02T03:04:05.678Z".parse().unwrap(),
            },
        };
        let fields = ObjectFields::parse("size,etag,md5,storageTier").unwrap();
        let summary = ObjectVersionSummary::new(&version, fields, Timestamp::UNIX_EPOCH);
        insta::assert_snapshot!(serde_json::to_string(&summary).unwrap(), @r#"{"name":"a.txt","timeModified":"2026-01-02T03:04:05.678Z","versionId":"02020202-0202-0202-0202-020202020202","isDeleteMarker":true}"#);
    }
}
