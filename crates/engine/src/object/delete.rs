//! Deleting objects.

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_model::{Preconditions, VersionId};

use super::existing_object;
use crate::authority::{Act, Need};
use crate::bucket::check_write;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::{Engine, ObjectPath};

/// What was deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deleted {
    /// The version that is gone.
    pub version_id: Option<VersionId>,
    /// When.
    pub time: Timestamp,
}

impl Engine {
    /// Deletes an object; a missing one is [`ErrorKind::ObjectToDeleteNotFound`]. With a version, only if it is that one.
    pub async fn delete_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        preconditions: &Preconditions,
        version: Option<VersionId>,
    ) -> Result<Deleted, Error> {
        let (change, time) = (self.new_change(), self.now());
        let change = &change;
        let (operation, permission) = match version {
            None => (Operation::DeleteObject, Permission::ObjectDelete),
            Some(_) => (
                Operation::DeleteObjectVersion,
                Permission::ObjectVersionDelete,
            ),
        };
        self.transact("delete_object", |tx| async move {
            let access = self.enter(tx.reader(), caller, &path.bucket).await?;
            access.require(
                operation,
                Need::All(&[permission]),
                Act::ManageObject(&path.object),
            )?;
            let existing = existing_object(tx.reader(), path, &access.bucket.id).await?;
            let existing =
                existing.filter(|e| version.is_none_or(|version| version == e.record().version_id));
            let Some(existing) = existing else {
                if tx.may_have_happened() {
                    return Ok(Deleted {
                        version_id: version,
                        time,
                    });
                }
                return Err(not_found(path));
            };
            check_write(preconditions, Some(existing.etag()))?;
            self.remove_object(&tx, path, &access.bucket.id, &existing, change);
            Ok(Deleted {
                version_id: Some(existing.record().version_id),
                time,
            })
        })
        .await
    }
}

fn not_found(path: &ObjectPath) -> Error {
    ErrorKind::ObjectToDeleteNotFound {
        namespace: path.bucket.namespace.clone(),
        bucket: path.bucket.bucket.clone(),
        object: path.object.clone(),
    }
    .into()
}
