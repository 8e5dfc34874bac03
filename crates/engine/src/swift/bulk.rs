//! Deleting many things with one request (swift-v1-wire.md section 11).

use parbuckle_model::{Namespace, ObjectName};

use super::deed::Deed;
use super::object::container_name;
use crate::abreast::{Work, abreast};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::{BucketPath, Engine, ObjectPath};

/// Most things that one request deletes.
pub const BULK_DELETES_MAX: usize = 10_000;

/// An object, or a container.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BulkItem {
    /// The container, decoded.
    pub container: String,
    /// The object in it, decoded; nothing means the container itself.
    pub object: Option<String>,
}

/// What became of them.
#[derive(Debug, Default)]
pub struct BulkOutcome {
    /// How many are gone.
    pub deleted: usize,
    /// How many were not there.
    pub not_found: usize,
    /// Which could not be deleted, and why: forbidden, not authenticated, not empty, retained.
    pub errors: Vec<(BulkItem, Error)>,
}

impl Engine {
    /// Deletes objects and empty containers, each container after all that stands before it. Each asks for its own
    /// permission. What fails does not keep the rest; only failures of the service itself end it. More than
    /// [`BULK_DELETES_MAX`] items are refused with [`ErrorKind::TooLarge`].
    pub async fn swift_bulk_delete(
        &self,
        caller: &Caller,
        namespace: &Namespace,
        items: &[BulkItem],
    ) -> Result<BulkOutcome, Error> {
        if items.len() > BULK_DELETES_MAX {
            let max = BULK_DELETES_MAX as u64;
            return Err(ErrorKind::TooLarge { max }.into());
        }
        self.delete_items(caller, namespace, items).await
    }

    /// The same for any number of items.
    pub(super) async fn delete_items(
        &self,
        caller: &Caller,
        namespace: &Namespace,
        items: &[BulkItem],
    ) -> Result<BulkOutcome, Error> {
        let mut outcome = BulkOutcome::default();
        // A container goes when all that stands before it has gone, or else it may not be empty yet.
        for run in items.chunk_by(|one, next| one.object.is_some() && next.object.is_some()) {
            self.delete_run(caller, namespace, run, &mut outcome)
                .await?;
        }
        Ok(outcome)
    }

    /// Deletes items that don't depend on each other.
    async fn delete_run(
        &self,
        caller: &Caller,
        namespace: &Namespace,
        run: &[BulkItem],
        outcome: &mut BulkOutcome,
    ) -> Result<(), Error> {
        let delete = |item| -> Work<'_, (&BulkItem, Result<bool, Error>)> {
            Box::pin(async move { (item, self.delete_item(caller, namespace, item).await) })
        };
        let failed =
            |(_, deleted): &(_, Result<bool, Error>)| deleted.as_ref().is_err_and(is_failure);
        for (item, deleted) in abreast(run, delete, failed).await {
            match deleted {
                Ok(true) => outcome.deleted += 1,
                Ok(false) => outcome.not_found += 1,
                Err(error) if is_failure(&error) => return Err(error),
                Err(error) => outcome.errors.push((item.clone(), error)),
            }
        }
        Ok(())
    }

    /// Whether it was there.
    async fn delete_item(
        &self,
        caller: &Caller,
        namespace: &Namespace,
        item: &BulkItem,
    ) -> Result<bool, Error> {
        let Some(bucket) = container_name(&item.container) else {
            self.swift_may(caller, Deed::SeeAccount(namespace)).await?;
            return Ok(false);
        };
        let bucket = BucketPath {
            namespace: namespace.clone(),
            bucket,
        };
        let done = match &item.object {
            None => self.swift_delete_container(caller, &bucket).await,
            Some(object) => match ObjectName::parse_classic(object.as_bytes()) {
                Ok(object) => {
                    let path = ObjectPath { bucket, object };
                    self.swift_delete_object(caller, &path).await.map(|_| ())
                }
                Err(_) => match self.swift_may(caller, Deed::SeeContainer(&bucket)).await {
                    Ok(()) => return Ok(false),
                    refused => refused,
                },
            },
        };
        match done {
            Ok(()) => Ok(true),
            Err(error) => match error.kind() {
                ErrorKind::BucketNotFound { .. } | ErrorKind::ObjectToDeleteNotFound { .. } => {
                    Ok(false)
                }
                _ => Err(error),
            },
        }
    }
}

impl BulkItem {
    /// The item of an object.
    pub(super) fn of(path: &ObjectPath) -> Self {
        Self {
            container: path.bucket.bucket.as_str().to_owned(),
            object: Some(path.object.as_str().to_owned()),
        }
    }
}

impl BulkOutcome {
    /// Both together.
    pub(super) fn absorb(&mut self, other: Self) {
        self.deleted += other.deleted;
        self.not_found += other.not_found;
        self.errors.extend(other.errors);
    }
}

/// Whether the service itself failed, so that to go on makes no sense.
fn is_failure(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::Unavailable | ErrorKind::Internal)
}
