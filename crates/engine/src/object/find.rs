//! Finding an object's record: the current one, or one version of it.

use parbuckle_kv::Reader;
use parbuckle_model::{BucketId, VersionId};

use crate::error::Error;
use crate::records::{self, DeleteMarkerRecord, ObjectRecord, VersionRecord};
use crate::{ObjectPath, keys};

/// Where a version is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// As the current object.
    Current,
    /// Among the versions that are not current.
    Old,
}

/// What has a version.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "most are objects; a box for each would cost more than the room of the few markers"
)]
pub(crate) enum Found {
    /// An object.
    Object(ObjectRecord, Place),
    /// The trace of a deletion.
    DeleteMarker(DeleteMarkerRecord),
}

/// The current object; with a version that one, current or not.
pub(crate) async fn find(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketId,
    version: Option<&VersionId>,
) -> Result<Option<Found>, Error> {
    let (ns, object) = (&path.bucket.namespace, &path.object);
    let mut asked = vec![keys::object(ns, bucket, object)];
    asked.extend(version.map(|version| keys::version(ns, bucket, object, version)));
    let mut found = reader.get_many(&asked).await?.into_iter();
    let current = records::decode_optional::<ObjectRecord>(found.next().flatten().as_ref())?
        .filter(|record| version.is_none_or(|version| record.version_id == *version));
    if let Some(record) = current {
        return Ok(Some(Found::Object(record, Place::Current)));
    }
    let old = records::decode_optional::<VersionRecord>(found.next().flatten().as_ref())?;
    Ok(old.map(|old| match old {
        VersionRecord::Object(record) => Found::Object(record, Place::Old),
        VersionRecord::DeleteMarker(marker) => Found::DeleteMarker(marker),
    }))
}

/// The key of a version's record. An old one holds a [`VersionRecord`], the current one an [`ObjectRecord`].
pub(crate) fn record_key(
    path: &ObjectPath,
    bucket: &BucketId,
    place: Place,
    version: &VersionId,
) -> Vec<u8> {
    let (ns, object) = (&path.bucket.namespace, &path.object);
    match place {
        Place::Current => keys::object(ns, bucket, object),
        Place::Old => keys::version(ns, bucket, object, version),
    }
}

/// The key of a version's inline data.
pub(crate) fn inline_key(
    path: &ObjectPath,
    bucket: &BucketId,
    place: Place,
    version: &VersionId,
) -> Vec<u8> {
    let (ns, object) = (&path.bucket.namespace, &path.object);
    match place {
        Place::Current => keys::inline_data(ns, bucket, object),
        Place::Old => keys::version_data(ns, bucket, object, version),
    }
}
