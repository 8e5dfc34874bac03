//! Deleting many objects at once (wire reference 4.2).

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_model::{ObjectName, Preconditions};

use super::Deleted;
use crate::abreast::{Work, abreast};
use crate::authority::{Act, Need};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::{BucketPath, Engine, ObjectPath};

/// Most objects that one request deletes (wire reference section 9).
pub const BATCH_OBJECTS_MAX: usize = 1000;

/// What every deletion of a batch asks for.
const ASKED: (Operation, Permission) = (Operation::BatchDeleteObjects, Permission::ObjectDelete);

/// An object to be deleted, with the conditions on its etag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectToDelete {
    /// Its name.
    pub object: ObjectName,
    /// Conditions.
    pub preconditions: Preconditions,
}

/// What became of one of them.
pub type BatchOutcome = (ObjectName, Result<Deleted, Error>);

impl Engine {
    /// Deletes 1 to [`BATCH_OBJECTS_MAX`] current objects, each in its own transaction as [`Engine::delete_object`] does,
    /// and tells of each what became of it, in the order given. A name that stands twice is deleted twice: one of the two
    /// finds nothing.
    ///
    /// Refused whole when the caller may delete none of them: then the bucket looks missing.
    pub async fn delete_objects(
        &self,
        caller: &Caller,
        path: &BucketPath,
        objects: Vec<ObjectToDelete>,
    ) -> Result<Vec<BatchOutcome>, Error> {
        if !(1..=BATCH_OBJECTS_MAX).contains(&objects.len()) {
            let text = format!("objects must hold 1 to {BATCH_OBJECTS_MAX} objects");
            return Err(ErrorKind::InvalidParameter(text).into());
        }
        self.require_some(caller, path, &objects).await?;
        let delete =
            |object| -> Work<'_, BatchOutcome> { Box::pin(self.delete_one(caller, path, object)) };
        Ok(abreast(objects, delete, |_| false).await)
    }

    /// Refuses a caller who may delete none of the objects, before any work.
    async fn require_some(
        &self,
        caller: &Caller,
        path: &BucketPath,
        objects: &[ObjectToDelete],
    ) -> Result<(), Error> {
        let (operation, permission) = ASKED;
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        let mut refusal = Ok(());
        for object in objects {
            let act = Act::ManageObject(&object.object);
            refusal = access.require(operation, Need::All(&[permission]), act);
            if refusal.is_ok() {
                break;
            }
        }
        refusal
    }

    async fn delete_one(
        &self,
        caller: &Caller,
        bucket: &BucketPath,
        object: ObjectToDelete,
    ) -> BatchOutcome {
        let path = ObjectPath {
            bucket: bucket.clone(),
            object: object.object,
        };
        let deleted = self
            .delete_as(ASKED, caller, &path, &object.preconditions, None)
            .await;
        if let Err(error) = &deleted
            && matches!(error.kind(), ErrorKind::Internal | ErrorKind::Unavailable)
        {
            let cause = error.cause().unwrap_or_default();
            tracing::warn!(cause, "an object of a batch could not be deleted: {error}");
        }
        (path.object, deleted)
    }
}
