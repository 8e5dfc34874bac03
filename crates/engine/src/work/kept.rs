//! The sources of copies: kept from the acceptance of a copy to its end, so that a copy takes its source as it was accepted
//! whatever becomes of the name meanwhile. Who moves an object deletes it as soon as its copy is accepted.

use bytes::Bytes;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::policy::Target;
use parbuckle_kv::Reader;
use parbuckle_model::{Namespace, WorkRequestId};

use super::worker::Job;
use crate::authority::{Access, Act, Concern, Need};
use crate::error::{Error, ErrorKind};
use crate::records::{self, BucketRecord, KeptSourceRecord, WorkRecord};
use crate::transact::Tx;
use crate::{Engine, ObjectPath, keys};

/// What a copy asks of its source.
const SOURCE_NEED: Need<'_> = Need::All(&[Permission::ObjectRead, Permission::ObjectInspect]);

/// Keeps a source, in the transaction that accepts its copy and has found it there: its blobs stay until
/// [`release_source`].
pub(super) fn keep_source(
    tx: &Tx,
    namespace: &Namespace,
    id: &WorkRequestId,
    kept: &KeptSourceRecord,
) {
    for blob in kept.bytes.blobs() {
        tx.put_raw(keys::blob_hold(blob, id), Bytes::new());
    }
    tx.put(keys::kept_source(namespace, id), kept);
}

/// The source of a copy; nothing when the copy has ended.
pub(super) async fn kept_source(
    reader: &dyn Reader,
    namespace: &Namespace,
    id: &WorkRequestId,
) -> Result<Option<KeptSourceRecord>, Error> {
    let key = keys::kept_source(namespace, id);
    records::decode_optional(reader.get_many(&[key]).await?.pop().flatten().as_ref())
}

/// Gives back what a copy has kept, in the transaction that ends it.
pub(super) async fn release_source(tx: &Tx, work: &WorkRecord) -> Result<(), Error> {
    let namespace = &work.requester.namespace;
    if let Some(kept) = kept_source(tx.reader(), namespace, &work.id).await? {
        for blob in kept.bytes.blobs() {
            tx.delete(keys::blob_hold(blob, &work.id));
        }
        tx.delete(keys::kept_source(namespace, &work.id));
    }
    Ok(())
}

/// Rights at the source, in its bucket.
pub(super) fn require_source(access: &Access<'_>, path: &ObjectPath) -> Result<(), Error> {
    let act = Act::ManageObject(&path.object);
    access.require(Operation::CopyObject, SOURCE_NEED, act)
}

impl Engine {
    /// Rights of the requester at the source of a copy that was accepted. They are asked for its name, whether or not the
    /// object is still there; and when its bucket is not there any more, for where that lay.
    pub(super) async fn require_kept_source(
        &self,
        reader: &dyn Reader,
        job: &Job,
        path: &ObjectPath,
        bucket: &BucketRecord,
    ) -> Result<(), Error> {
        match self.enter(reader, &job.caller, &path.bucket).await {
            Ok(access) if access.bucket.id == bucket.id => return require_source(&access, path),
            Ok(_) => {}
            Err(error) if matches!(error.kind(), ErrorKind::BucketNotFound { .. }) => {}
            Err(error) => return Err(error),
        }
        let refused = |cause: String| {
            Error::from(ErrorKind::BucketNotFound {
                namespace: path.bucket.namespace.clone(),
                bucket: path.bucket.bucket.clone(),
            })
            .because(cause)
        };
        let standing = self.standing(reader, &job.caller).await?.map_err(refused)?;
        let concern = Concern {
            target: Target {
                bucket_name: Some(bucket.name.as_str()),
                object_name: Some(path.object.as_str()),
                tags: Some(bucket),
                ..Target::default()
            },
            ..Concern::of(&bucket.compartment)
        };
        standing
            .holds(Operation::CopyObject, SOURCE_NEED, concern)
            .map_err(refused)
    }
}
