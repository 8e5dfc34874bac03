//! Encrypting what is there anew (wire reference 3.2, 3.3). Where an object has a key, only the wrapping of that key
//! changes; where it has none, or may have none afterwards, its bytes are written anew. Name, etag, times and digests stay.

use bytes::Bytes;
use parbuckle_blob::BlobId;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{BucketId, VersionId};

use super::recode::{Recoded, RecodedBytes};
use super::{CustomerKey, ObjectKey};
use crate::authority::{Access, Act, Need};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::object::{
    Found, Origin, Place, blobs, crc32c, find, inline_key, record_key, require_writable,
};
use crate::records::{Content, EncryptionRecord, ManifestRecord, ObjectRecord, VersionRecord};
use crate::transact::Tx;
use crate::{Engine, ObjectPath, keys};

/// How to encrypt an object anew.
#[derive(Debug, Clone, Default)]
pub struct Reencryption {
    /// This version, current or not.
    pub version: Option<VersionId>,
    /// The key it is encrypted with, where that is the customer's.
    pub source: Option<CustomerKey>,
    /// The key it shall be encrypted with; when not given, it will be as an object that is put without a key: encrypted
    /// with the server's key, or not at all if there is none.
    pub destination: Option<CustomerKey>,
}

/// What became of an object that was to be encrypted with the server's current key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reencrypted {
    /// It is now.
    Done,
    /// It was already.
    AlreadyCurrent,
    /// It is encrypted with a key of the customer's, which the server does not have.
    ByCustomer,
    /// It is not there any more.
    Gone,
}

/// A version as it was found, and what shall become of it.
struct Plan {
    found: ObjectRecord,
    encryption: Option<EncryptionRecord>,
    /// New bytes and the id of their manifest, if they have one.
    bytes: Option<(Recoded, [u8; 16])>,
}

impl Engine {
    /// Encrypts an object or a version of it anew. Retention rules do not stand in the way: what can be read stays.
    /// Errors among others: [`ErrorKind::CustomerKeyRefused`]; [`ErrorKind::ConcurrentUpdate`] when the object changed
    /// meanwhile.
    pub async fn reencrypt_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        how: Reencryption,
    ) -> Result<(), Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &path.bucket).await?;
        require_reencrypt(&access, path)?;
        let bucket = &access.bucket.id;
        let Some(Found::Object(record, place)) =
            find(&*reader, path, bucket, how.version.as_ref()).await?
        else {
            return Err(not_found(path));
        };
        if place == Place::Current && record.has_expired(self.now()) {
            return Err(not_found(path));
        }
        let keys = (how.source.as_ref(), how.destination.as_ref());
        let plan = self.plan(&*reader, path, bucket, (record, place), keys);
        let plan = &plan.await?;
        self.transact("reencrypt_object", |tx| async move {
            let access = self.enter(tx.reader(), caller, &path.bucket).await?;
            require_reencrypt(&access, path)?;
            match apply(&tx, path, &access.bucket.id, plan).await? {
                true => Ok(()),
                false => Err(not_found(path)),
            }
        })
        .await
    }

    /// Encrypts one version as it would be if it were put now without a key of the customer's. `permit` decides whether
    /// the caller may, on the snapshot that is read and in the transaction that writes.
    pub(crate) async fn reencrypt_to_current(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        bucket: &BucketId,
        version: &VersionId,
        permit: fn(&Access<'_>) -> Result<(), Error>,
    ) -> Result<Reencrypted, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &path.bucket).await?;
        permit(&access)?;
        if access.bucket.id != *bucket {
            return Ok(Reencrypted::Gone);
        }
        let Some(Found::Object(record, place)) =
            find(&*reader, path, bucket, Some(version)).await?
        else {
            return Ok(Reencrypted::Gone);
        };
        let encryption = record.encryption.as_ref();
        if encryption.is_some_and(|encryption| encryption.by_customer) {
            return Ok(Reencrypted::ByCustomer);
        }
        if self.is_current(encryption) {
            return Ok(Reencrypted::AlreadyCurrent);
        }
        let plan = self.plan(&*reader, path, bucket, (record, place), (None, None));
        let plan = &plan.await?;
        self.transact("reencrypt_to_current", |tx| async move {
            let access = self.enter(tx.reader(), caller, &path.bucket).await?;
            permit(&access)?;
            let here = access.bucket.id == *bucket;
            Ok(match here && apply(&tx, path, bucket, plan).await? {
                true => Reencrypted::Done,
                false => Reencrypted::Gone,
            })
        })
        .await
    }

    /// Keys and bytes for the new encryption, made before the transaction.
    async fn plan(
        &self,
        reader: &dyn Reader,
        path: &ObjectPath,
        bucket: &BucketId,
        (found, place): (ObjectRecord, Place),
        (source, destination): (Option<&CustomerKey>, Option<&CustomerKey>),
    ) -> Result<Plan, Error> {
        let from = self.object_key(found.encryption.as_ref(), source)?;
        if let Some(from) = &from
            && let Some(encryption) = self.wrap(from, destination)
        {
            return Ok(Plan {
                found,
                encryption: Some(encryption),
                bytes: None,
            });
        }
        let (to, encryption) = self.new_object_key(destination).unzip();
        let bytes = match (&from, &to) {
            (None, None) => None,
            _ => {
                let (from, to): (Option<&ObjectKey>, _) = (from.as_ref(), to.as_ref());
                let at = (&found, place);
                let recoded = self.recode(reader, path, bucket, at, from, to).await?;
                Some((recoded, self.random()))
            }
        };
        Ok(Plan {
            found,
            encryption,
            bytes,
        })
    }
}

fn require_reencrypt(access: &Access<'_>, path: &ObjectPath) -> Result<(), Error> {
    access.require(
        Operation::ReencryptObject,
        Need::All(&[Permission::ObjectRead, Permission::ObjectOverwrite]),
        Act::ManageObject(&path.object),
    )?;
    require_writable(&access.bucket, Origin::Request)
}

/// Carries out a plan; `false` when the version is not there any more.
async fn apply(tx: &Tx, path: &ObjectPath, bucket: &BucketId, plan: &Plan) -> Result<bool, Error> {
    let version = &plan.found.version_id;
    let Some(Found::Object(mut record, place)) =
        find(tx.reader(), path, bucket, Some(version)).await?
    else {
        return Ok(false);
    };
    // An earlier run of this transaction has done it.
    if record.encryption == plan.encryption && plan.encryption != plan.found.encryption {
        return Ok(true);
    }
    if record.encryption != plan.found.encryption || record.content != plan.found.content {
        return Err(ErrorKind::ConcurrentUpdate.into());
    }
    record.encryption.clone_from(&plan.encryption);
    if let Some((recoded, manifest)) = &plan.bytes {
        record.content =
            replace_bytes(tx, path, bucket, (&record, place), recoded, *manifest).await?;
    }
    let key = record_key(path, bucket, place, version);
    match place {
        Place::Current => tx.put(key, &record),
        Place::Old => tx.put(key, &VersionRecord::Object(record)),
    }
    Ok(true)
}

/// Writes new bytes in the place of an object's, and gives the old ones to the collector.
async fn replace_bytes(
    tx: &Tx,
    path: &ObjectPath,
    bucket: &BucketId,
    (record, place): (&ObjectRecord, Place),
    recoded: &Recoded,
    manifest: [u8; 16],
) -> Result<Content, Error> {
    let namespace = &path.bucket.namespace;
    let old = blobs(tx.reader(), namespace, record).await?;
    let old: Vec<BlobId> = old.iter().map(|blob| blob.id).collect();
    tx.trash(&old);
    if let Content::Manifest(id) = &record.content {
        tx.delete(keys::manifest(namespace, id));
    }
    Ok(match &recoded.bytes {
        RecodedBytes::Inline(bytes) => {
            let key = inline_key(path, bucket, place, &record.version_id);
            tx.put_raw(key, bytes.clone());
            Content::Inline(crc32c(bytes))
        }
        RecodedBytes::Blob(blob) => {
            tx.put_raw(keys::blob_owner(blob.id), Bytes::new());
            Content::Blob(*blob)
        }
        RecodedBytes::Parts(parts) => {
            for part in parts {
                tx.put_raw(keys::blob_owner(part.id), Bytes::new());
            }
            let parts = parts.clone();
            tx.put(
                keys::manifest(namespace, &manifest),
                &ManifestRecord { parts },
            );
            Content::Manifest(manifest)
        }
    })
}

fn not_found(path: &ObjectPath) -> Error {
    ErrorKind::ObjectNotFound {
        bucket: path.bucket.bucket.clone(),
        object: path.object.clone(),
    }
    .into()
}
