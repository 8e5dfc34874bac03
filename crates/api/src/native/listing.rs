//! ListObjects (wire reference 3.3, 4.2, section 5), signed, anonymous and under a pre-authenticated request alike.

use jiff::Timestamp;
use parbuckle_engine::{BucketPath, ErrorKind, ListedObject, ObjectListing};
use parbuckle_model::{ETag, ListObjectsQuery, ObjectField, ObjectFields, ObjectPrefix};
use serde::{Serialize, Serializer};

use super::Call;
use super::error::{NativeError, invalid};
use super::reply::Reply;
use crate::json;
use crate::query::Query;

/// ListObjects.
pub(super) async fn list(call: &Call<'_>, path: &BucketPath) -> Result<Reply, NativeError> {
    let query = parse(&call.exchange.query()?)?;
    let engine = call.exchange.engine();
    let listing = engine.list_objects(&call.caller, path, &query).await?;
    let now = engine.environment().now();
    Reply::json(&ListObjects::new(&listing, &query, now))
}

pub(super) fn parse(query: &Query<'_>) -> Result<ListObjectsQuery, NativeError> {
    let name = |parameter| Ok::<_, NativeError>(query.value(parameter)?.map(str::to_owned));
    let delimited = match query.value("delimiter")? {
        None => false,
        Some("/") => true,
        Some(_) => return Err(invalid("delimiter can only be /")),
    };
    let prefix = query.value("prefix")?.unwrap_or_default();
    let prefix = ObjectPrefix::parse(prefix.as_bytes());
    let fields = query.value("fields")?.map(ObjectFields::parse).transpose();
    let parsed = ListObjectsQuery {
        prefix: prefix.map_err(|error| ErrorKind::InvalidParameter(error.0))?,
        start: name("start")?,
        start_after: name("startAfter")?,
        end: name("end")?,
        delimited,
        limit: query.limit()?,
        fields: fields
            .map_err(|error| ErrorKind::InvalidParameter(error.0))?
            .unwrap_or_default(),
    };
    if parsed.start.is_some() && parsed.start_after.is_some() {
        return Err(invalid("start and startAfter can't be used together"));
    }
    Ok(parsed)
}

/// What was not asked for and what does not apply is left out (wire reference section 1).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListObjects<'a> {
    objects: Objects<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefixes: Option<&'a [String]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_start_with: Option<&'a str>,
}

impl<'a> ListObjects<'a> {
    fn new(listing: &'a ObjectListing, query: &ListObjectsQuery, now: Timestamp) -> Self {
        Self {
            objects: Objects {
                list: &listing.objects,
                fields: query.fields,
                now,
            },
            prefixes: query.delimited.then_some(listing.prefixes.as_slice()),
            next_start_with: listing.next_start_with.as_deref(),
        }
    }
}

struct Objects<'a> {
    list: &'a [ListedObject],
    fields: ObjectFields,
    now: Timestamp,
}

impl Serialize for Objects<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let summary = |object| ObjectSummary::new(object, self.fields, self.now);
        serializer.collect_seq(self.list.iter().map(summary))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ObjectSummary<'a> {
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
    #[serde(
        skip_serializing_if = "Option::is_none",
        serialize_with = "json::optional_date"
    )]
    time_modified: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    storage_tier: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    archival_state: Option<&'static str>,
}

impl<'a> ObjectSummary<'a> {
    fn new(object: &'a ListedObject, fields: ObjectFields, now: Timestamp) -> Self {
        let info = &object.info;
        let asked = |field| fields.has(field);
        let state = info.archival_state(now).map(|state| state.as_str());
        Self {
            name: &object.name,
            size: asked(ObjectField::Size).then_some(info.size),
            md5: asked(ObjectField::Md5).then(|| info.md5.to_text()),
            etag: asked(ObjectField::Etag).then_some(info.etag),
            time_created: asked(ObjectField::TimeCreated).then_some(info.time_created),
            time_modified: asked(ObjectField::TimeModified).then_some(info.time_modified),
            storage_tier: asked(ObjectField::StorageTier).then_some(info.storage_tier.as_str()),
            archival_state: state.filter(|_| asked(ObjectField::ArchivalState)),
        }
    }
}

pub(super) fn optional_etag<S: Serializer>(
    etag: &Option<ETag>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match etag {
        Some(etag) => serializer.collect_str(etag),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use parbuckle_engine::{Checksums, ObjectInfo, ObjectMd5};
    use parbuckle_model::{ObjectAttributes, StorageTier, VersionId};

    use super::*;

    fn query(raw: &str) -> Result<ListObjectsQuery, NativeError> {
        parse(&Query::parse(Some(raw)).unwrap())
    }

    fn rendered(raw: &str, next: Option<&str>) -> String {
        rendered_of_tier(raw, next, StorageTier::Standard)
    }

    fn rendered_of_tier(raw: &str, next: Option<&str>, storage_tier: StorageTier) -> String {
        let time = "2026-01-02T03:04:05.678Z".parse().unwrap();
        let info = ObjectInfo {
            etag: ETag::from_bytes([0xe5; 16]),
            version_id: VersionId::from_bytes([2; 16]),
            size: 6,
            md5: ObjectMd5::Whole([0; 16]),
            time_created: time,
            time_modified: time,
            storage_tier,
            attributes: ObjectAttributes::default(),
            checksums: Checksums::default(),
            customer_key: false,
            restored: None,
        };
        let name = "a.txt".to_owned();
        let listing = ObjectListing {
            objects: vec![ListedObject { name, info }],
            prefixes: Vec::new(),
            next_start_with: next.map(str::to_owned),
        };
        serde_json::to_string(&ListObjects::new(&listing, &query(raw).unwrap(), time)).unwrap()
    }

    #[test]
    fn a_plain_list_has_only_names() {
        insta::assert_snapshot!(rendered("", None), @r#"{"objects":[{"name":"a.txt"}]}"#);
    }

    #[test]
    fn a_list_with_everything_has_the_documented_fields() {
        let raw = "fields=name%2Csize,etag,timeCreated,md5,timeModified,storageTier,archivalState&delimiter=/";
        insta::assert_snapshot!(rendered(raw, Some("e.txt")), @r#"{"objects":[{"name":"a.txt","size":6,"md5":"AAAAAAAAAAAAAAAAAAAAAA==","etag":"e5e5e5e5-e5e5-e5e5-e5e5-e5e5e5e5e5e5","timeCreated":"2026-01-02T03:04:05.678Z","timeModified":"2026-01-02T03:04:05.678Z","storageTier":"Standard"}],"prefixes":[],"nextStartWith":"e.txt"}"#);
    }

    #[test]
    fn the_archival_state_is_that_of_archived_objects() {
        let raw = "fields=name,archivalState";
        insta::assert_snapshot!(rendered_of_tier(raw, None, StorageTier::Archive), @r#"{"objects":[{"name":"a.txt","archivalState":"Archived"}]}"#);
    }

    #[test]
    fn bad_parameters_are_refused() {
        for raw in [
            "limit=0",
            "limit=x",
            "fields=colour",
            "delimiter=x",
            "delimiter=%2F%2F",
            "start=a&startAfter=b",
            "prefix=a%00",
            "prefix=a&prefix=b",
        ] {
            let (status, code) = query(raw).unwrap_err().describe();
            assert_eq!((status.as_u16(), code), (400, "InvalidParameter"), "{raw}");
        }
    }

    #[test]
    fn parameters_combine() {
        let query = query("prefix=p%2F&start=a+b&end=z&limit=7&x=1").unwrap();
        assert_eq!(query.prefix.as_str(), "p/");
        assert_eq!(query.start.as_deref(), Some("a b"));
        assert_eq!(query.end.as_deref(), Some("z"));
        assert_eq!(query.limit.value(), 7);
        assert!(!query.delimited);
    }
}
