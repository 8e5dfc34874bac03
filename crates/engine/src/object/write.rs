//! Putting objects: a body becomes durable first, then one transaction makes it the current object.

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{BucketId, ObjectAttributes, Preconditions, StorageTier, Versioning};

use super::content::crc32c;
use super::{
    ObjectInfo, Origin, Placement, Replaced, existing_object, require_unprotected,
    require_writable, tier_in,
};
use crate::authority::{Access, Act, Need};
use crate::body::{BodyChecks, Keeping, Received, RequestBody, Stored};
use crate::bucket::check_write;
use crate::caller::Caller;
use crate::encryption::CustomerKey;
use crate::error::Error;
use crate::records::{self, Content, ObjectRecord, SwiftObjectRecord};
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
    /// Encrypts the body; the server's key does when not given, if there is one.
    pub customer_key: Option<CustomerKey>,
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
        self.put_object_with(caller, path, put, None, body).await
    }

    /// The same for an object of which Swift knows more.
    pub(crate) async fn put_object_with(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        put: PutObject,
        swift: Option<SwiftObjectRecord>,
        body: RequestBody,
    ) -> Result<ObjectInfo, Error> {
        self.check_announced(&body)?;
        self.check_put(caller, path, &put).await?;
        let (key, encryption) = self.new_object_key(put.customer_key.as_ref()).unzip();
        let keeping = Keeping {
            inline: true,
            key: key.as_ref(),
            checksum: None,
        };
        let received = self.receive(body, &put.checks, keeping).await?;
        let placement = self.placement();
        let (received, placement, put, swift) = (&received, &placement, &put, &swift);
        let encryption = &encryption;
        self.transact("put_object", |tx| async move {
            let access = self.enter(tx.reader(), caller, &path.bucket).await?;
            let existing = existing_object(tx.reader(), path, &access.bucket.id).await?;
            let own = existing
                .as_ref()
                .filter(|existing| *existing.etag() == placement.etag);
            if let Some(own) = own {
                return Ok(own.info());
            }
            let there = existing
                .as_ref()
                .filter(|existing| !existing.record().has_expired(placement.time));
            require_put(&access, path, there.is_some())?;
            check_write(&put.preconditions, there.map(Replaced::etag))?;
            let tier = tier_in(&access.bucket, put.storage_tier)?;
            let record = ObjectRecord {
                encryption: encryption.clone(),
                swift: swift.clone(),
                ..new_record(received, put, placement, tier, there)
            };
            let record = self
                .place_object(&tx, path, &access.bucket, record, existing, placement)
                .await?;
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
        put: &PutObject,
    ) -> Result<(), Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &path.bucket).await?;
        let now = self.now();
        let existing = current_record(&*reader, path, &access.bucket.id, now).await?;
        require_put(&access, path, existing.is_some())?;
        check_write(&put.preconditions, existing.as_ref().map(|e| &e.etag))?;
        tier_in(&access.bucket, put.storage_tier)?;
        require_writable(&access.bucket, Origin::Request)?;
        match existing {
            Some(existing) if access.bucket.versioning != Versioning::Enabled => {
                require_unprotected(&access.bucket, path, &existing, now)
            }
            Some(_) | None => Ok(()),
        }
    }
}

async fn current_record(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketId,
    now: Timestamp,
) -> Result<Option<ObjectRecord>, Error> {
    let key = keys::object(&path.bucket.namespace, bucket, &path.object);
    let stored = reader.get_many(&[key]).await?.pop().flatten();
    let there = records::decode_optional::<ObjectRecord>(stored.as_ref())?;
    Ok(there.filter(|record| !record.has_expired(now)))
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
    storage_tier: StorageTier,
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
        storage_tier,
        attributes: put.attributes.clone().into(),
        checksums: received.checksums.into(),
        content: match &received.stored {
            Stored::Inline(bytes) => Content::Inline(crc32c(bytes)),
            Stored::Blob { blob, .. } => Content::Blob(*blob),
        },
        encryption: None,
        restore: None,
        swift: None,
    }
}
