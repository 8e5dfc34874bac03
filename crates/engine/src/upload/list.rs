//! Listing uploads and parts.

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_model::{PageLimit, PageToken};

use super::{PartInfo, Upload, part_number, the_upload};
use crate::authority::{Act, Need};
use crate::bucket::list_page;
use crate::caller::Caller;
use crate::error::Error;
use crate::records::{self, PartRecord, UploadRecord};
use crate::{BucketPath, Engine, Page, UploadPath, keys};

impl Engine {
    /// The uploads of a bucket, in order of object name.
    pub async fn uploads(
        &self,
        caller: &Caller,
        path: &BucketPath,
        page: Option<&PageToken>,
        limit: PageLimit,
    ) -> Result<Page<Upload>, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        access.require(
            Operation::ListMultipartUploads,
            Need::All(&[Permission::BucketRead]),
            Act::Manage,
        )?;
        let prefix = keys::uploads(&path.namespace, &access.bucket.id);
        let (entries, next) = list_page(&*reader, &prefix, page, limit).await?;
        let items = entries
            .iter()
            .map(|entry| Ok(records::decode::<UploadRecord>(&entry.value)?.into()));
        Ok(Page {
            items: items.collect::<Result<_, Error>>()?,
            next,
        })
    }

    /// The parts of an upload, in order of number.
    pub async fn parts(
        &self,
        caller: &Caller,
        path: &UploadPath,
        page: Option<&PageToken>,
        limit: PageLimit,
    ) -> Result<Page<PartInfo>, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &path.object.bucket).await?;
        let act = Act::ManageObject(&path.object.object);
        access.require(
            Operation::ListMultipartUploadParts,
            Need::All(&[Permission::ObjectInspect]),
            act,
        )?;
        the_upload(&*reader, path, &access.bucket.id).await?;
        let prefix = keys::parts(&path.object.bucket.namespace, &path.upload);
        let (entries, next) = list_page(&*reader, &prefix, page, limit).await?;
        let items = entries.iter().map(|entry| {
            let part: PartRecord = records::decode(&entry.value)?;
            Ok(PartInfo {
                number: part_number(&entry.key)?,
                etag: part.etag,
                md5: part.md5,
                size: part.blob.plain_len(),
            })
        });
        Ok(Page {
            items: items.collect::<Result<_, Error>>()?,
            next,
        })
    }
}
