//! Aborting an upload.

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::BucketId;

use super::commit::{end_upload, uploaded_parts};
use super::{find_upload, part};
use crate::authority::{Act, Need};
use crate::caller::{Caller, CallerIdentity};
use crate::error::{Error, ErrorKind};
use crate::transact::Tx;
use crate::{Engine, UploadPath, keys};

impl Engine {
    /// Ends an upload and drops its parts. A user needs OBJECT_DELETE; the holder of the upload's secret needs what
    /// uploading needs, because nothing but his own parts goes (seed "To put a large object").
    pub async fn abort_upload(&self, caller: &Caller, path: &UploadPath) -> Result<(), Error> {
        self.transact("abort_upload", |tx| async move {
            // An earlier run would have ended the upload, and with it the secret that lets the caller in.
            if tx.may_have_happened() && secret_is_gone(tx.reader(), caller).await? {
                return Ok(());
            }
            let access = self.enter(tx.reader(), caller, &path.object.bucket).await?;
            if matches!(caller.identity, CallerIdentity::Upload(_)) {
                part::require_upload(&access, path, Operation::AbortMultipartUpload)?;
            } else {
                let act = Act::ManageObject(&path.object.object);
                access.require(
                    Operation::AbortMultipartUpload,
                    Need::All(&[Permission::ObjectDelete]),
                    act,
                )?;
            }
            if self.drop_upload(&tx, path, &access.bucket.id).await? || tx.may_have_happened() {
                Ok(())
            } else {
                Err(ErrorKind::UploadNotFound.into())
            }
        })
        .await
    }

    /// Drops an upload with its parts and its secret. Whether there was one.
    pub(crate) async fn drop_upload(
        &self,
        tx: &Tx,
        path: &UploadPath,
        bucket: &BucketId,
    ) -> Result<bool, Error> {
        let Some(upload) = find_upload(tx.reader(), path, bucket).await? else {
            return Ok(false);
        };
        let namespace = &path.object.bucket.namespace;
        let parts = uploaded_parts(tx, namespace, path).await?;
        end_upload(tx, namespace, bucket, &upload, &parts, |_| true);
        Ok(true)
    }
}

/// Whether the caller came with the secret of an upload that has ended.
async fn secret_is_gone(reader: &dyn Reader, caller: &Caller) -> Result<bool, Error> {
    let CallerIdentity::Upload(token) = &caller.identity else {
        return Ok(false);
    };
    let found = reader.get_many(&[keys::upload_secret(token)]).await?;
    Ok(found.iter().all(Option::is_none))
}
