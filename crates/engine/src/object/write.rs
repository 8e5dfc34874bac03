//! Putting objects: a body becomes durable first, then one transaction makes it the current object.

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_blob::BlobId;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{
    BucketId, ETag, Namespace, ObjectAttributes, Preconditions, StorageTier, VersionId,
};

use super::ObjectInfo;
use super::content::crc32c;
use crate::authority::{Access, Act, Need};
use crate::body::{BodyChecks, Received, RequestBody, Stored};
use crate::bucket::check_write;
use crate::caller::Caller;
use crate::counters::Change;
use crate::error::{Error, ErrorKind};
use crate::records::{self, Content, ManifestRecord, ObjectRecord};
use crate::transact::Tx;
use crate::{Engine, ObjectPath, keys};

/// How to put an object.
#[derive(Debug, Clone, Default)]
pub struct PutObject {
    /// Content headers and user metadata.
    pub attributes: ObjectAttributes,
    /// Its tier; the bucket's when not given.
    pub storage_tier: Option<StorageTier>,
    /// Conditions on the object that is there.
    pub preconditions: Preconditions,
    /// Digests the body must have.
    pub checks: BodyChecks,
}

/// Ids and times of an object to be written, minted before the transaction.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    pub(crate) etag: ETag,
    pub(crate) version_id: VersionId,
    pub(crate) time: Timestamp,
    pub(crate) change: Change,
}

/// The object that a write replaces.
pub(crate) struct Replaced {
    record: ObjectRecord,
    blobs: Vec<BlobId>,
}

impl Engine {
    /// Puts an object, whole. The checks come before the first byte of the body is asked for, and again in the
    /// transaction that makes the object visible.
    pub async fn put_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        put: PutObject,
        body: RequestBody,
    ) -> Result<ObjectInfo, Error> {
        self.check_announced(&body)?;
        self.check_put(caller, path, &put.preconditions).await?;
        let received = self.receive(body, &put.checks, true).await?;
        let placement = self.placement();
        let (received, placement, put) = (&received, &placement, &put);
        self.transact("put_object", |tx| async move {
            let access = self.enter(tx.reader(), caller, &path.bucket).await?;
            let existing = existing_object(tx.reader(), path, &access.bucket.id).await?;
            let own = existing
                .as_ref()
                .filter(|existing| existing.record.etag == placement.etag);
            if let Some(own) = own {
                return Ok(own.record.clone().into());
            }
            require_put(&access, path, existing.is_some())?;
            check_write(
                &put.preconditions,
                existing.as_ref().map(|e| &e.record.etag),
            )?;
            let record = new_record(received, put, placement, &access, existing.as_ref());
            self.place_object(&tx, path, &access.bucket.id, &record, existing, placement);
            if let Stored::Inline(bytes) = &received.stored {
                tx.put_raw(
                    keys::inline_data(&path.bucket.namespace, &access.bucket.id, &path.object),
                    bytes.clone(),
                );
            }
            Ok(record.into())
        })
        .await
    }

    async fn check_put(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        preconditions: &Preconditions,
    ) -> Result<(), Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &path.bucket).await?;
        let existing = existing_etag(&*reader, path, &access.bucket.id).await?;
        require_put(&access, path, existing.is_some())?;
        check_write(preconditions, existing.as_ref())
    }

    /// Ids and the time of a write.
    pub(crate) fn placement(&self) -> Placement {
        Placement {
            etag: ETag::from_random(self.random()),
            version_id: VersionId::from_random(self.random()),
            time: self.now(),
            change: self.new_change(),
        }
    }

    /// Makes `record` the current object: its blobs get owners, those of the replaced object go to the trash, the
    /// bucket's counters change.
    pub(crate) fn place_object(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketId,
        record: &ObjectRecord,
        replaced: Option<Replaced>,
        placement: &Placement,
    ) {
        let namespace = &path.bucket.namespace;
        let (mut objects, mut bytes) = (1, signed(record.size));
        if let Some(replaced) = replaced {
            objects -= 1;
            bytes -= signed(replaced.record.size);
            self.discard(tx, path, bucket, &replaced);
        }
        if let Content::Blob(blob) = &record.content {
            tx.put_raw(keys::blob_owner(blob.id), Bytes::new());
        }
        tx.put(keys::object(namespace, bucket, &path.object), record);
        self.count(tx, (namespace, bucket), &placement.change, objects, bytes);
    }

    /// Removes an object and its counters.
    pub(super) fn remove_object(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketId,
        removed: &Replaced,
        change: &Change,
    ) {
        let namespace = &path.bucket.namespace;
        self.discard(tx, path, bucket, removed);
        tx.delete(keys::object(namespace, bucket, &path.object));
        self.count(
            tx,
            (namespace, bucket),
            change,
            -1,
            -signed(removed.record.size),
        );
    }

    /// Drops the bytes of an object: inline data and manifest at once, blobs by way of the trash.
    fn discard(&self, tx: &Tx, path: &ObjectPath, bucket: &BucketId, object: &Replaced) {
        let namespace = &path.bucket.namespace;
        match &object.record.content {
            Content::Inline(_) => tx.delete(keys::inline_data(namespace, bucket, &path.object)),
            Content::Blob(_) => tx.trash(&object.blobs),
            Content::Manifest(id) => {
                tx.delete(keys::manifest(namespace, id));
                tx.trash(&object.blobs);
            }
        }
    }
}

impl Replaced {
    pub(super) fn record(&self) -> &ObjectRecord {
        &self.record
    }

    /// The etag of the object.
    pub(crate) fn etag(&self) -> &ETag {
        &self.record.etag
    }

    /// When an object of this name was first made.
    pub(crate) fn time_created(&self) -> Timestamp {
        self.record.time_created
    }

    /// All about it.
    pub(crate) fn info(&self) -> ObjectInfo {
        self.record.clone().into()
    }
}

/// The current object and its blobs.
pub(crate) async fn existing_object(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketId,
) -> Result<Option<Replaced>, Error> {
    let namespace: &Namespace = &path.bucket.namespace;
    let stored = reader
        .get_many(&[keys::object(namespace, bucket, &path.object)])
        .await?
        .pop()
        .flatten();
    let Some(record) = records::decode_optional::<ObjectRecord>(stored.as_ref())? else {
        return Ok(None);
    };
    let blobs = match &record.content {
        Content::Inline(_) => Vec::new(),
        Content::Blob(blob) => vec![blob.id],
        Content::Manifest(id) => {
            let stored = reader
                .get_many(&[keys::manifest(namespace, id)])
                .await?
                .pop()
                .flatten();
            let manifest = records::decode_optional::<ManifestRecord>(stored.as_ref())?
                .ok_or_else(|| {
                    Error::from(ErrorKind::Internal).because("an object's manifest is missing")
                })?;
            manifest.parts.iter().map(|part| part.id).collect()
        }
    };
    Ok(Some(Replaced { record, blobs }))
}

async fn existing_etag(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketId,
) -> Result<Option<ETag>, Error> {
    let key = keys::object(&path.bucket.namespace, bucket, &path.object);
    let stored = reader.get_many(&[key]).await?.pop().flatten();
    Ok(records::decode_optional::<ObjectRecord>(stored.as_ref())?.map(|record| record.etag))
}

/// A new name asks for OBJECT_CREATE, an existing one for OBJECT_OVERWRITE (wire reference 12.2).
fn require_put(access: &Access<'_>, path: &ObjectPath, exists: bool) -> Result<(), Error> {
    let permission = if exists {
        Permission::ObjectOverwrite
    } else {
        Permission::ObjectCreate
    };
    access.require(
        Operation::PutObject,
        Need::All(&[permission]),
        Act::WriteObject(&path.object),
    )
}

fn new_record(
    received: &Received,
    put: &PutObject,
    placement: &Placement,
    access: &Access<'_>,
    existing: Option<&Replaced>,
) -> ObjectRecord {
    ObjectRecord {
        etag: placement.etag,
        version_id: placement.version_id,
        size: received.size,
        md5: received.md5,
        part_count: None,
        time_created: existing.map_or(placement.time, Replaced::time_created),
        time_modified: placement.time,
        storage_tier: put.storage_tier.unwrap_or(access.bucket.storage_tier),
        attributes: put.attributes.clone().into(),
        checksums: received.checksums.into(),
        content: match &received.stored {
            Stored::Inline(bytes) => Content::Inline(crc32c(bytes)),
            Stored::Blob { blob, .. } => Content::Blob(*blob),
        },
    }
}

/// Sizes stay far below 2^63.
fn signed(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
