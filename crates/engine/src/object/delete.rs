//! Deleting objects and versions of them.

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{BucketId, Preconditions, VersionId};

use super::find::{Found, find};
use super::place::{with_blobs, youngest};
use super::{Placement, existing_object};
use crate::authority::{Access, Act, Need};
use crate::bucket::check_write;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::VersionRecord;
use crate::transact::Tx;
use crate::{Engine, ObjectPath};

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// The version that is gone; of a deletion that left a delete marker, the marker's.
    pub version_id: Option<VersionId>,
    /// Whether that is a delete marker: one that was made, or one that is gone.
    pub delete_marker: bool,
    /// When.
    pub time: Timestamp,
}

impl Engine {
    /// Deletes the current object; a missing one is [`ErrorKind::ObjectToDeleteNotFound`]. Where the bucket keeps versions
    /// it becomes an old one, hidden by a delete marker (wire reference section 11).
    ///
    /// With a version, deletes that one for good, current or not, or a delete marker.
    pub async fn delete_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        preconditions: &Preconditions,
        version: Option<VersionId>,
    ) -> Result<Deleted, Error> {
        let (operation, permission) = match version {
            None => (Operation::DeleteObject, Permission::ObjectDelete),
            Some(_) => (
                Operation::DeleteObjectVersion,
                Permission::ObjectVersionDelete,
            ),
        };
        self.delete_as(
            (operation, permission),
            caller,
            path,
            preconditions,
            version,
        )
        .await
    }

    /// Deletes in the name of an operation, which asks for one permission.
    pub(super) async fn delete_as(
        &self,
        (operation, permission): (Operation, Permission),
        caller: &Caller,
        path: &ObjectPath,
        preconditions: &Preconditions,
        version: Option<VersionId>,
    ) -> Result<Deleted, Error> {
        let placement = &self.placement();
        self.transact("delete_object", |tx| async move {
            let access = self.enter(tx.reader(), caller, &path.bucket).await?;
            access.require(
                operation,
                Need::All(&[permission]),
                Act::ManageObject(&path.object),
            )?;
            let deleted = match &version {
                None => {
                    self.delete_current(&tx, path, &access, preconditions, placement)
                        .await?
                }
                Some(version) => {
                    self.delete_version(&tx, path, &access, version, preconditions, placement)
                        .await?
                }
            };
            match deleted {
                Some(deleted) => Ok(deleted),
                None if tx.may_have_happened() => {
                    let bucket = &access.bucket.id;
                    deleted_before(tx.reader(), path, bucket, version, placement).await
                }
                None => Err(not_found(path)),
            }
        })
        .await
    }

    async fn delete_current(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        access: &Access<'_>,
        preconditions: &Preconditions,
        placement: &Placement,
    ) -> Result<Option<Deleted>, Error> {
        let existing = existing_object(tx.reader(), path, &access.bucket.id).await?;
        let existing = existing.and_then(|existing| existing.unless_expired(placement.time));
        let Some(existing) = existing else {
            return Ok(None);
        };
        check_write(preconditions, Some(existing.etag()))?;
        let marker = self
            .remove_current(tx, path, &access.bucket, &existing, placement)
            .await?;
        Ok(Some(Deleted {
            version_id: marker.or(Some(existing.record().version_id)),
            delete_marker: marker.is_some(),
            time: placement.time,
        }))
    }

    async fn delete_version(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        access: &Access<'_>,
        version: &VersionId,
        preconditions: &Preconditions,
        placement: &Placement,
    ) -> Result<Option<Deleted>, Error> {
        let bucket = &access.bucket;
        let delete_marker = match find(tx.reader(), path, &bucket.id, Some(version)).await? {
            None => return Ok(None),
            Some(Found::Object(record, place)) => {
                check_write(preconditions, Some(&record.etag))?;
                let dropped = with_blobs(tx.reader(), path, record).await?;
                self.drop_version(tx, path, bucket, &dropped, place, placement)
                    .await?;
                false
            }
            Some(Found::DeleteMarker(_)) => {
                check_write(preconditions, None)?;
                self.drop_marker(tx, path, bucket, version, placement)
                    .await?;
                true
            }
        };
        Ok(Some(Deleted {
            version_id: Some(*version),
            delete_marker,
            time: placement.time,
        }))
    }
}

/// What an earlier run of a deletion has done, of which nothing is left to delete.
async fn deleted_before(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketId,
    version: Option<VersionId>,
    placement: &Placement,
) -> Result<Deleted, Error> {
    let marker = match (version, youngest(reader, path, bucket).await?) {
        (None, Some(VersionRecord::DeleteMarker(marker))) if marker.time == placement.time => {
            Some(marker.version_id)
        }
        _ => None,
    };
    Ok(Deleted {
        version_id: version.or(marker),
        delete_marker: marker.is_some(),
        time: placement.time,
    })
}

fn not_found(path: &ObjectPath) -> Error {
    ErrorKind::ObjectToDeleteNotFound {
        namespace: path.bucket.namespace.clone(),
        bucket: path.bucket.bucket.clone(),
        object: path.object.clone(),
    }
    .into()
}
