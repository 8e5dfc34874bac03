//! Multipart uploads (wire reference 3.4, 7.1): started by a user, or through a PAR with a secret of their own.

mod abort;
mod checksums;
mod commit;
mod create;
mod list;
mod part;

use jiff::Timestamp;
use parbuckle_kv::Reader;
use parbuckle_model::{BucketId, ETag, ObjectName, PartNumber, StorageTier, UploadId};

use crate::error::{Error, ErrorKind};
use crate::records::{self, UploadRecord};
use crate::{UploadPath, keys};

pub use commit::PartSelection;
pub use create::{NewUpload, StartedUpload};
pub use part::{StoredPart, UploadPart};

/// Most parts of an upload, as a number of keys.
const PARTS_MAX: usize = PartNumber::MAX as usize;

/// An upload in progress.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// The object that it will become.
    pub object: ObjectName,
    /// Its id.
    pub id: UploadId,
    /// When it was started.
    pub time_created: Timestamp,
    /// The tier of the object.
    pub storage_tier: StorageTier,
}

/// An uploaded part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartInfo {
    /// Its number.
    pub number: PartNumber,
    /// Its etag.
    pub etag: ETag,
    /// MD5 of its bytes.
    pub md5: [u8; 16],
    /// Length in bytes.
    pub size: u64,
}

impl From<UploadRecord> for Upload {
    fn from(r: UploadRecord) -> Self {
        Self {
            object: r.object,
            id: r.id,
            time_created: r.time_created,
            storage_tier: r.storage_tier,
        }
    }
}

/// The upload, if it is there.
async fn find_upload(
    reader: &dyn Reader,
    path: &UploadPath,
    bucket: &BucketId,
) -> Result<Option<UploadRecord>, Error> {
    let key = keys::upload(
        &path.object.bucket.namespace,
        bucket,
        &path.object.object,
        &path.upload,
    );
    records::decode_optional(reader.get_many(&[key]).await?.pop().flatten().as_ref())
}

/// The upload; refused when it is not there.
async fn the_upload(
    reader: &dyn Reader,
    path: &UploadPath,
    bucket: &BucketId,
) -> Result<UploadRecord, Error> {
    find_upload(reader, path, bucket)
        .await?
        .ok_or_else(|| ErrorKind::UploadNotFound.into())
}

/// The number at the end of a part's key.
fn part_number(key: &[u8]) -> Result<PartNumber, Error> {
    let number = key
        .last_chunk::<2>()
        .map(|bytes| i64::from(u16::from_be_bytes(*bytes)));
    number
        .and_then(|number| PartNumber::new(number).ok())
        .ok_or_else(|| {
            Error::from(ErrorKind::Internal).because("a stored part has no valid number")
        })
}
