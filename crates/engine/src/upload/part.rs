//! Uploading a part.

use bytes::Bytes;
use parbuckle_blob::BlobId;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_model::{ETag, PartNumber, Preconditions};

use super::the_upload;
use crate::authority::{Access, Act, Need};
use crate::body::{BodyChecks, Checksums, Keeping, Received, RequestBody};
use crate::bucket::check_write;
use crate::caller::Caller;
use crate::encryption::CustomerKey;
use crate::error::{Error, ErrorKind};
use crate::records::{self, ChecksumsRecord, PartBlob, PartRecord, UploadRecord};
use crate::{Engine, UploadPath, keys};

/// How to upload a part.
#[derive(Debug, Clone, Default)]
pub struct UploadPart {
    /// Digests the body must have.
    pub checks: BodyChecks,
    /// The key that the upload was started with.
    pub customer_key: Option<CustomerKey>,
}

/// A part that has been stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredPart {
    /// Its etag.
    pub etag: ETag,
    /// MD5 of its bytes.
    pub md5: [u8; 16],
    /// Other digests that the client named, or asked for here or when the upload began.
    pub checksums: Checksums,
}

impl Engine {
    /// Stores a part. The last upload of a number wins. Errors among others: [`ErrorKind::CustomerKeyRefused`].
    pub async fn upload_part(
        &self,
        caller: &Caller,
        path: &UploadPath,
        number: PartNumber,
        preconditions: &Preconditions,
        upload: UploadPart,
        body: RequestBody,
    ) -> Result<StoredPart, Error> {
        self.check_announced(&body)?;
        let record = self.check_part(caller, path).await?;
        let (encryption, key) = (record.encryption.as_ref(), upload.customer_key.as_ref());
        let key = self.object_key(encryption, key)?;
        let keeping = Keeping {
            inline: false,
            key: key.as_ref(),
            checksum: record.checksum.map(Into::into),
        };
        let received = self.receive(body, &upload.checks, keeping).await?;
        let blob = received
            .stored
            .blob()
            .ok_or_else(|| Error::from(ErrorKind::Internal).because("a part is no blob"))?;
        let etag = ETag::from_random(self.random());
        let received = &received;
        self.transact("upload_part", |tx| async move {
            let access = self.enter(tx.reader(), caller, &path.object.bucket).await?;
            require_upload(&access, path, Operation::UploadPart)?;
            the_upload(tx.reader(), path, &access.bucket.id).await?;
            let key = keys::part(&path.object.bucket.namespace, &path.upload, number);
            let stored = tx
                .reader()
                .get_many(std::slice::from_ref(&key))
                .await?
                .pop()
                .flatten();
            let earlier = records::decode_optional::<PartRecord>(stored.as_ref())?;
            if earlier.as_ref().is_some_and(|earlier| earlier.etag == etag) {
                return Ok(stored_part(etag, received));
            }
            check_write(preconditions, earlier.as_ref().map(|earlier| &earlier.etag))?;
            write_part(
                &tx,
                key,
                &PartRecord {
                    etag,
                    md5: received.md5,
                    blob,
                    checksums: kept(received),
                },
                earlier.map(|e| e.blob),
            );
            Ok(stored_part(etag, received))
        })
        .await
    }

    async fn check_part(&self, caller: &Caller, path: &UploadPath) -> Result<UploadRecord, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &path.object.bucket).await?;
        require_upload(&access, path, Operation::UploadPart)?;
        the_upload(&*reader, path, &access.bucket.id).await
    }
}

/// Uploading a part and committing need both permissions, whether or not the object exists (wire reference 12.2).
pub(super) fn require_upload(
    access: &Access<'_>,
    path: &UploadPath,
    operation: Operation,
) -> Result<(), Error> {
    let needs = [Permission::ObjectCreate, Permission::ObjectOverwrite];
    access.require(
        operation,
        Need::All(&needs),
        Act::WorkOnUpload(&path.object.object, &path.upload),
    )
}

fn write_part(
    tx: &crate::transact::Tx,
    key: Vec<u8>,
    part: &PartRecord,
    replaced: Option<PartBlob>,
) {
    tx.put_raw(keys::blob_owner(part.blob.id), Bytes::new());
    tx.put(key, part);
    let replaced: Vec<BlobId> = replaced.into_iter().map(|blob| blob.id).collect();
    tx.trash(&replaced);
}

/// The checksums of a part, if it has any.
fn kept(received: &Received) -> Option<ChecksumsRecord> {
    let kept = ChecksumsRecord::from(received.checksums);
    (kept != ChecksumsRecord::default()).then_some(kept)
}

fn stored_part(etag: ETag, received: &Received) -> StoredPart {
    StoredPart {
        etag,
        md5: received.md5,
        checksums: received.checksums,
    }
}
