//! Starting an upload.

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::secret::{SecretString, token_text};
use parbuckle_model::{ObjectAttributes, Preconditions, StorageTier, UploadId};

use super::{Upload, find_upload};
use crate::authority::{Act, Need};
use crate::body::ChecksumAlgorithm;
use crate::bucket::check_write;
use crate::caller::{Caller, CallerIdentity, token_hash};
use crate::encryption::CustomerKey;
use crate::error::Error;
use crate::object::{Origin, Replaced, existing_object, require_writable, tier_in};
use crate::records::{UploadRecord, UploadSecretRecord};
use crate::{Engine, ObjectPath, UploadPath, keys};

/// How to start an upload.
#[derive(Debug, Clone, Default)]
pub struct NewUpload {
    /// Content headers and user metadata of the object.
    pub attributes: ObjectAttributes,
    /// Its tier; the bucket's when not given.
    pub storage_tier: Option<StorageTier>,
    /// Conditions on the object that is there.
    pub preconditions: Preconditions,
    /// A checksum that every part and the object get.
    pub checksum: Option<ChecksumAlgorithm>,
    /// Encrypts the parts, and comes with each of them again; the server's key does when not given, if there is one.
    pub customer_key: Option<CustomerKey>,
}

/// An upload that has just begun.
pub struct StartedUpload {
    /// The upload.
    pub upload: Upload,
    /// The secret for its parts, commit and abort, shown once: only when it was started through a PAR.
    pub secret: Option<SecretString>,
}

impl Engine {
    /// Starts an upload. Through a PAR it gets a secret, which dies with the PAR.
    pub async fn create_upload(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        new: NewUpload,
    ) -> Result<StartedUpload, Error> {
        let through_par = matches!(caller.identity, CallerIdentity::Par(_));
        let secret = through_par.then(|| token_text(&self.random()));
        let hash = secret.as_ref().map(|secret| token_hash(secret.expose()));
        let now = self.now();
        let encryption = self.new_object_key(new.customer_key.as_ref());
        let encryption = &encryption.map(|(_, record)| record);
        let upload = UploadPath {
            object: path.clone(),
            upload: UploadId::from_random(self.random()),
        };
        let (new, upload) = (&new, &upload);
        let started = self
            .transact("create_upload", |tx| async move {
                let access = self.enter(tx.reader(), caller, &path.bucket).await?;
                let needs = [Permission::ObjectCreate, Permission::ObjectOverwrite];
                access.require(
                    Operation::CreateMultipartUpload,
                    Need::All(&needs),
                    Act::WriteObject(&path.object),
                )?;
                if let Some(own) = find_upload(tx.reader(), upload, &access.bucket.id).await? {
                    return Ok(own);
                }
                let existing = existing_object(tx.reader(), path, &access.bucket.id).await?;
                let there = existing
                    .as_ref()
                    .filter(|existing| !existing.record().has_expired(now));
                check_write(&new.preconditions, there.map(Replaced::etag))?;
                require_writable(&access.bucket, Origin::Request)?;
                let record = UploadRecord {
                    id: upload.upload,
                    object: path.object.clone(),
                    time_created: now,
                    storage_tier: tier_in(&access.bucket, new.storage_tier)?,
                    attributes: new.attributes.clone().into(),
                    secret: hash,
                    encryption: encryption.clone(),
                    checksum: new.checksum.map(Into::into),
                };
                let bucket = &access.bucket.id;
                tx.put(
                    keys::upload(&path.bucket.namespace, bucket, &path.object, &upload.upload),
                    &record,
                );
                if let (Some(hash), CallerIdentity::Par(par)) = (&hash, &caller.identity) {
                    let narrowed = UploadSecretRecord {
                        par: *par,
                        object: path.object.clone(),
                        upload: upload.upload,
                    };
                    tx.put(keys::upload_secret(hash), &narrowed);
                }
                Ok(record)
            })
            .await?;
        Ok(StartedUpload {
            upload: started.into(),
            secret,
        })
    }
}
