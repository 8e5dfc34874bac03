//! Namespace and buckets (wire reference 3.1, 3.2, 4.1).

use std::collections::BTreeMap;

use http::header::{ETAG, LOCATION};
use jiff::Timestamp;
use parbuckle_engine::{Bucket, BucketChange, BucketFields, BucketPath, NewBucket};
use parbuckle_model::{
    AutoTiering, BucketName, ETag, Namespace, Ocid, PublicAccess, StorageTier, Versioning,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::{FaceError, NativeError, invalid, not_implemented};
use super::options::{no_kms, read_conditions, write_conditions};
use super::reply::Reply;
use super::{Call, ok};
use crate::json::{self, StringMap, TagMap, required};

/// GetNamespace.
pub(super) async fn namespace(call: &Call<'_>) -> Result<Reply, NativeError> {
    let query = call.exchange.query()?;
    let compartment = query.value("compartmentId")?.map(ocid).transpose()?;
    let engine = call.exchange.engine();
    let namespace = engine.namespace(&call.caller, compartment.as_ref()).await?;
    Reply::json(&namespace.as_str())
}

/// CreateBucket.
pub(super) async fn create(
    call: &Call<'_>,
    namespace: Namespace,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let new = json::parse::<BucketDetails>(body)?.into_new()?;
    let engine = call.exchange.engine();
    let bucket = engine.create_bucket(&call.caller, &namespace, new).await?;
    let origin = call.exchange.origin().unwrap_or_default();
    let location = format!("{origin}/n/{namespace}/b/{}", bucket.name);
    Ok(shown(&bucket, Shown::default())?.with(LOCATION, location))
}

/// ListBuckets.
pub(super) async fn list(call: &Call<'_>, namespace: &Namespace) -> Result<Reply, NativeError> {
    let query = call.exchange.query()?;
    let compartment = required(query.value("compartmentId")?, "compartmentId")?;
    let compartment = ocid(compartment)?;
    let with_tags = field_list(query.value("fields")?, &["tags"])?.contains(&"tags");
    let (page, limit) = query.paging()?;
    let engine = call.exchange.engine();
    let buckets = engine
        .buckets(&call.caller, namespace, &compartment, page.as_ref(), limit)
        .await?;
    let summaries: Vec<_> = buckets
        .items
        .iter()
        .map(|bucket| BucketSummary::new(bucket, with_tags))
        .collect();
    Ok(Reply::json(&summaries)?.with_next_page(buckets.next.as_ref()))
}

/// GetBucket.
pub(super) async fn get(call: &Call<'_>, path: &BucketPath) -> Result<Reply, NativeError> {
    let query = call.exchange.query()?;
    let known = ["approximateCount", "approximateSize", "autoTiering"];
    let asked = field_list(query.value("fields")?, &known)?;
    let fields = BucketFields {
        count: asked.contains(&known[0]),
        size: asked.contains(&known[1]),
    };
    let conditions = read_conditions(call.exchange.headers())?;
    let engine = call.exchange.engine();
    let bucket = engine
        .bucket(&call.caller, path, fields, &conditions)
        .await?;
    let auto_tiering = asked.contains(&known[2]);
    shown(&bucket, Shown { auto_tiering })
}

/// HeadBucket.
pub(super) async fn head(call: &Call<'_>, path: &BucketPath) -> Result<Reply, NativeError> {
    let conditions = read_conditions(call.exchange.headers())?;
    let engine = call.exchange.engine();
    let etag = engine.head_bucket(&call.caller, path, &conditions).await?;
    Ok(ok().with(ETAG, etag.to_string()))
}

/// UpdateBucket.
pub(super) async fn update(
    call: &Call<'_>,
    path: &BucketPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let change = json::parse::<BucketDetails>(body)?.into_change(path)?;
    let conditions = write_conditions(call.exchange.headers())?;
    let engine = call.exchange.engine();
    let bucket = engine
        .update_bucket(&call.caller, path, change, &conditions)
        .await?;
    shown(&bucket, Shown::default())
}

/// DeleteBucket.
pub(super) async fn delete(call: &Call<'_>, path: &BucketPath) -> Result<Reply, NativeError> {
    let conditions = write_conditions(call.exchange.headers())?;
    let engine = call.exchange.engine();
    engine
        .delete_bucket(&call.caller, path, &conditions)
        .await?;
    Ok(Reply::no_content())
}

fn ocid(text: &str) -> Result<Ocid, NativeError> {
    Ocid::parse(text).map_err(|_| invalid(format!("{text:?} is not an OCID")))
}

/// The known names in a comma-separated list, which may hold no others; case does not matter.
fn field_list<'k>(list: Option<&str>, known: &[&'k str]) -> Result<Vec<&'k str>, NativeError> {
    let items = list.unwrap_or_default().split(',').map(str::trim);
    let fields = items.filter(|item| !item.is_empty()).map(|item| {
        let found = known.iter().find(|name| name.eq_ignore_ascii_case(item));
        found
            .copied()
            .ok_or_else(|| invalid(format!("{item:?} is not a field to ask for here")))
    });
    fields.collect()
}

/// What create and update take. Settings that this service can't honour are refused, not ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct BucketDetails {
    namespace: Option<String>,
    name: Option<String>,
    compartment_id: Option<String>,
    public_access_type: Option<String>,
    storage_tier: Option<String>,
    object_events_enabled: Option<bool>,
    metadata: Option<BTreeMap<String, String>>,
    freeform_tags: Option<BTreeMap<String, String>>,
    defined_tags: Option<BTreeMap<String, serde_json::Map<String, Value>>>,
    versioning: Option<String>,
    auto_tiering: Option<String>,
    kms_key_id: Option<String>,
    is_bucket_key_enabled: Option<bool>,
    bucket_scope: Option<String>,
}

impl BucketDetails {
    fn into_settings(self) -> Result<BucketChange, NativeError> {
        self.refuse_unsupported()?;
        let pairs = |map: BTreeMap<String, String>| map.into_iter().collect();
        let access = self.public_access_type.as_deref().map(|text| {
            PublicAccess::parse(text).ok_or_else(|| {
                invalid(
                    "publicAccessType must be NoPublicAccess, ObjectRead or ObjectReadWithoutList",
                )
            })
        });
        let versioning = self.versioning.as_deref().map(|text| {
            Versioning::parse(text)
                .ok_or_else(|| invalid("versioning must be Enabled, Suspended or Disabled"))
        });
        let auto_tiering = self.auto_tiering.as_deref().map(|text| {
            AutoTiering::parse(text)
                .ok_or_else(|| invalid("autoTiering must be Disabled or InfrequentAccess"))
        });
        Ok(BucketChange {
            versioning: versioning.transpose()?,
            auto_tiering: auto_tiering.transpose()?,
            compartment: self.compartment_id.as_deref().map(ocid).transpose()?,
            public_access: access.transpose()?,
            object_events_enabled: self.object_events_enabled,
            metadata: self.metadata.map(pairs),
            freeform_tags: self.freeform_tags.map(pairs),
            defined_tags: self.defined_tags.map(json::defined_tags),
        })
    }

    fn refuse_unsupported(&self) -> Result<(), NativeError> {
        match self.bucket_scope.as_deref() {
            None | Some("NAMESPACE") => {}
            Some("REGION") => return Err(not_implemented("The bucket scope REGION")),
            Some(_) => return Err(invalid("bucketScope must be NAMESPACE or REGION")),
        }
        let has_key = self.kms_key_id.as_deref().is_some_and(|id| !id.is_empty());
        if has_key || self.is_bucket_key_enabled == Some(true) {
            return Err(no_kms());
        }
        Ok(())
    }

    fn into_new(self) -> Result<NewBucket, NativeError> {
        let name = required(self.name.as_deref(), "name")?;
        let name = BucketName::parse(name).map_err(|e| FaceError::InvalidBucketName(e.0))?;
        let storage_tier = match self.storage_tier.as_deref() {
            None | Some("Standard") => StorageTier::Standard,
            Some("Archive") => StorageTier::Archive,
            Some(_) => return Err(invalid("storageTier must be Standard or Archive")),
        };
        let settings = self.into_settings()?;
        Ok(NewBucket {
            name,
            compartment: required(settings.compartment, "compartmentId")?,
            public_access: settings.public_access.unwrap_or_default(),
            storage_tier,
            versioning: settings.versioning.unwrap_or_default(),
            auto_tiering: settings.auto_tiering.unwrap_or_default(),
            object_events_enabled: settings.object_events_enabled.unwrap_or_default(),
            metadata: settings.metadata.unwrap_or_default(),
            freeform_tags: settings.freeform_tags.unwrap_or_default(),
            defined_tags: settings.defined_tags.unwrap_or_default(),
        })
    }

    fn into_change(self, path: &BucketPath) -> Result<BucketChange, NativeError> {
        let differs = |given: &Option<String>, own: &str| given.as_ref().is_some_and(|g| g != own);
        if differs(&self.name, path.bucket.as_str())
            || differs(&self.namespace, path.namespace.as_str())
        {
            return Err(invalid(
                "A bucket can't be renamed or moved to another namespace",
            ));
        }
        if self.storage_tier.is_some() {
            return Err(invalid("The storageTier of a bucket never changes"));
        }
        self.into_settings()
    }
}

/// What a reply shows of a bucket besides what it always shows.
#[derive(Clone, Copy, Default)]
struct Shown {
    auto_tiering: bool,
}

fn shown(bucket: &Bucket, shown: Shown) -> Result<Reply, NativeError> {
    let reply = Reply::json(&BucketModel::new(bucket, shown))?;
    Ok(reply.with(ETAG, bucket.etag.to_string()))
}

/// `kmsKeyId` is always null: there is no key management service here.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BucketModel<'a> {
    namespace: &'a str,
    name: &'a str,
    compartment_id: &'a str,
    metadata: StringMap<'a>,
    created_by: &'a str,
    #[serde(serialize_with = "json::date")]
    time_created: Timestamp,
    #[serde(serialize_with = "json::text")]
    etag: ETag,
    public_access_type: &'static str,
    storage_tier: &'static str,
    object_events_enabled: bool,
    freeform_tags: StringMap<'a>,
    defined_tags: TagMap<'a>,
    kms_key_id: Option<&'a str>,
    object_lifecycle_policy_etag: Option<String>,
    approximate_count: Option<u64>,
    approximate_size: Option<u64>,
    replication_enabled: bool,
    is_read_only: bool,
    id: &'a str,
    versioning: &'static str,
    auto_tiering: Option<&'static str>,
}

impl<'a> BucketModel<'a> {
    fn new(bucket: &'a Bucket, shown: Shown) -> Self {
        Self {
            namespace: bucket.namespace.as_str(),
            name: bucket.name.as_str(),
            compartment_id: bucket.compartment.as_str(),
            metadata: StringMap(&bucket.metadata),
            created_by: bucket.created_by.as_str(),
            time_created: bucket.time_created,
            etag: bucket.etag,
            public_access_type: bucket.public_access.as_str(),
            storage_tier: bucket.storage_tier.as_str(),
            object_events_enabled: bucket.object_events_enabled,
            freeform_tags: StringMap(&bucket.freeform_tags),
            defined_tags: TagMap(&bucket.defined_tags),
            kms_key_id: None,
            object_lifecycle_policy_etag: bucket.lifecycle_etag.map(|etag| etag.to_string()),
            approximate_count: bucket.approximate_count,
            approximate_size: bucket.approximate_size,
            replication_enabled: bucket.replicates,
            is_read_only: bucket.read_only,
            id: bucket.ocid.as_str(),
            versioning: bucket.versioning.as_str(),
            auto_tiering: shown.auto_tiering.then_some(bucket.auto_tiering.as_str()),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BucketSummary<'a> {
    namespace: &'a str,
    name: &'a str,
    compartment_id: &'a str,
    created_by: &'a str,
    #[serde(serialize_with = "json::date")]
    time_created: Timestamp,
    #[serde(serialize_with = "json::text")]
    etag: ETag,
    freeform_tags: Option<StringMap<'a>>,
    defined_tags: Option<TagMap<'a>>,
}

impl<'a> BucketSummary<'a> {
    fn new(bucket: &'a Bucket, with_tags: bool) -> Self {
        Self {
            namespace: bucket.namespace.as_str(),
            name: bucket.name.as_str(),
            compartment_id: bucket.compartment.as_str(),
            created_by: bucket.created_by.as_str(),
            time_created: bucket.time_created,
            etag: bucket.etag,
            freeform_tags: with_tags.then_some(StringMap(&bucket.freeform_tags)),
            defined_tags: with_tags.then_some(TagMap(&bucket.defined_tags)),
        }
    }
}

#[cfg(test)]
#[path = "bucket_tests.rs"]
mod tests;
