//! Restoring objects and changing their tiers (wire reference 3.3, 4.2).

use http::StatusCode;
use parbuckle_engine::{BucketPath, ObjectPath, Restoration};
use parbuckle_model::VersionId;
use serde::Deserialize;

use super::error::{NativeError, invalid};
use super::options::tier;
use super::rename::object_name;
use super::reply::Reply;
use super::{Call, ok};
use crate::json::{self, required};

/// Hours for which an object is restored when none are given.
const HOURS_DEFAULT: i64 = 24;

/// RestoreObjects: 200 when the object is on its way, 202 when it was already.
pub(super) async fn restore(
    call: &Call<'_>,
    path: BucketPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let details = json::parse::<RestoreDetails>(body)?;
    let hours = u32::try_from(details.hours.unwrap_or(HOURS_DEFAULT));
    let hours = hours.map_err(|_| invalid("hours must be between 1 and 240"))?;
    let (object, version) = target(path, details.object_name, details.version_id)?;
    let engine = call.exchange.engine();
    let restoration = engine
        .restore_object(&call.caller, &object, version, hours)
        .await?;
    Ok(match restoration {
        Restoration::Started => ok(),
        Restoration::Already => Reply::new(StatusCode::ACCEPTED),
    })
}

/// UpdateObjectStorageTier.
pub(super) async fn update(
    call: &Call<'_>,
    path: BucketPath,
    body: &[u8],
) -> Result<Reply, NativeError> {
    let details = json::parse::<UpdateTierDetails>(body)?;
    let tier = tier(&required(details.storage_tier, "storageTier")?)?;
    let (object, version) = target(path, details.object_name, details.version_id)?;
    let engine = call.exchange.engine();
    engine
        .update_object_tier(&call.caller, &object, version, tier)
        .await?;
    Ok(ok())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RestoreDetails {
    object_name: Option<String>,
    hours: Option<i64>,
    version_id: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UpdateTierDetails {
    object_name: Option<String>,
    storage_tier: Option<String>,
    version_id: Option<String>,
}

fn target(
    bucket: BucketPath,
    object: Option<String>,
    version: Option<String>,
) -> Result<(ObjectPath, Option<VersionId>), NativeError> {
    let object = required(object, "objectName")?;
    let object = object_name(&object)?;
    let version = version.as_deref().filter(|text| !text.is_empty());
    let version = version
        .map(|text| VersionId::parse(text).map_err(|_| invalid("versionId is not a version id")));
    Ok((ObjectPath { bucket, object }, version.transpose()?))
}
