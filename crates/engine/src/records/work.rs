//! Records of work requests (wire reference 3.6, 4.5).

use jiff::Timestamp;
use minicbor::{Decode, Encode};
use parbuckle_blob::BlobId;
use parbuckle_model::{
    BucketName, ETag, EtagCondition, Namespace, ObjectName, Ocid, StorageTier, WorkRequestId,
};

use super::codec;
use super::content::PartBlob;
use super::storage::{BucketRecord, EncryptionRecord, ObjectRecord, StoredETag};
use crate::credential::CredentialKind;
use crate::{BucketPath, ObjectPath};

/// A work request. It is open while [`crate::keys::open_work_request`] marks it.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct WorkRecord {
    #[cbor(n(0), with = "codec::work_request_id")]
    pub(crate) id: WorkRequestId,
    #[n(1)]
    pub(crate) status: WorkStatus,
    /// That of the bucket it works on, when it was accepted.
    #[cbor(n(2), with = "codec::ocid")]
    pub(crate) compartment: Ocid,
    #[n(3)]
    pub(crate) requester: RequesterRecord,
    #[n(4)]
    pub(crate) task: TaskRecord,
    #[cbor(n(5), with = "codec::time")]
    pub(crate) time_accepted: Timestamp,
    #[n(6)]
    pub(crate) time_started: Option<StoredTime>,
    #[n(7)]
    pub(crate) time_finished: Option<StoredTime>,
    /// 0 to 100.
    #[n(8)]
    pub(crate) percent: u8,
    #[n(9)]
    pub(crate) logs: Vec<WorkLogRecord>,
    #[n(10)]
    pub(crate) errors: Vec<WorkErrorRecord>,
}

/// Where a work request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum WorkStatus {
    /// It waits.
    #[n(0)]
    Accepted,
    /// It is at work.
    #[n(1)]
    InProgress,
    /// It ended without success, and has errors.
    #[n(2)]
    Failed,
    /// It ended with success.
    #[n(3)]
    Completed,
    /// It was cancelled and has not stopped yet.
    #[n(4)]
    Canceling,
    /// It was cancelled; nothing of it remains.
    #[n(5)]
    Canceled,
}

/// Who asked for the work, and acts in it: rights are his as they are when the work is done.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RequesterRecord {
    #[cbor(n(0), with = "codec::namespace")]
    pub(crate) namespace: Namespace,
    #[cbor(n(1), with = "codec::ocid")]
    pub(crate) user: Ocid,
    /// The kind of credential that he asked with.
    #[n(2)]
    pub(crate) credential: CredentialKind,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
pub(crate) enum TaskRecord {
    /// Copy an object.
    #[n(0)]
    Copy(#[n(0)] Box<CopyRecord>),
    /// Encrypt a bucket anew.
    #[n(1)]
    Reencrypt(#[n(0)] ReencryptRecord),
}

/// A copy of an object. What is copied is in a [`KeptSourceRecord`].
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct CopyRecord {
    #[n(0)]
    pub(crate) source: PlaceRecord,
    #[n(1)]
    pub(crate) destination: PlaceRecord,
    #[n(2)]
    pub(crate) if_match: Option<ConditionRecord>,
    #[n(3)]
    pub(crate) if_none_match: Option<ConditionRecord>,
    /// In the place of the source's user metadata.
    #[n(4)]
    pub(crate) metadata: Option<Vec<(String, String)>>,
    /// The destination bucket's when there is none.
    #[n(5)]
    pub(crate) tier: Option<StoredTier>,
    /// What a key of the customer's has to do with it.
    #[n(6)]
    pub(crate) customer: Option<CustomerCopyRecord>,
}

/// A copy from or to something that is encrypted with a key of the customer's. That key is never stored: what is needed of
/// it was done when the copy was accepted.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct CustomerCopyRecord {
    /// The copy's.
    #[n(0)]
    pub(crate) encryption: Option<EncryptionRecord>,
    /// Whether the bytes are written anew, with keys that only the process has that accepted the copy.
    #[n(1)]
    pub(crate) recode: bool,
}

/// The source of a copy as it was when the copy was accepted. It is kept apart from the work request, which is written and
/// listed more often, and until that has ended; as long, [`crate::keys::blob_hold`] keeps its blobs.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct KeptSourceRecord {
    #[n(0)]
    pub(crate) bucket: BucketRecord,
    #[n(1)]
    pub(crate) object: ObjectRecord,
    #[n(2)]
    pub(crate) bytes: KeptBytes,
}

/// Where the bytes of a kept object are, without anything that goes with the object's name.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum KeptBytes {
    /// Here, as they are stored, with their CRC32C.
    #[n(0)]
    Inline(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>, #[n(1)] u32),
    /// In one blob.
    #[n(1)]
    Blob(#[n(0)] PartBlob),
    /// In the blobs of a manifest, in order.
    #[n(2)]
    Parts(#[n(0)] Vec<PartBlob>),
}

/// Encrypting all objects of a bucket with the server's current key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ReencryptRecord {
    #[cbor(n(0), with = "codec::namespace")]
    pub(crate) namespace: Namespace,
    #[cbor(n(1), with = "codec::bucket_name")]
    pub(crate) bucket: BucketName,
}

/// The name of an object.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PlaceRecord {
    #[cbor(n(0), with = "codec::namespace")]
    pub(crate) namespace: Namespace,
    #[cbor(n(1), with = "codec::bucket_name")]
    pub(crate) bucket: BucketName,
    #[cbor(n(2), with = "codec::object_name")]
    pub(crate) object: ObjectName,
}

/// A condition on an etag.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum ConditionRecord {
    /// That there is one.
    #[n(0)]
    Any,
    /// That it is one of these.
    #[n(1)]
    OneOf(#[n(0)] Vec<StoredETag>),
}

/// A time that can be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct StoredTime(#[cbor(n(0), with = "codec::time")] pub(crate) Timestamp);

/// A tier that can be absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct StoredTier(#[cbor(n(0), with = "codec::storage_tier")] pub(crate) StorageTier);

/// One line of what has happened.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct WorkLogRecord {
    #[n(0)]
    pub(crate) message: String,
    #[cbor(n(1), with = "codec::time")]
    pub(crate) time: Timestamp,
}

/// Why a work request failed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct WorkErrorRecord {
    #[n(0)]
    pub(crate) failure: WorkFailure,
    #[n(1)]
    pub(crate) message: String,
    #[cbor(n(2), with = "codec::time")]
    pub(crate) time: Timestamp,
}

/// The kinds of errors that a work request can end with; each is one of [`crate::ErrorKind`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum WorkFailure {
    /// A namespace is missing or not the requester's.
    #[n(0)]
    NamespaceNotFound,
    /// A bucket is missing, or the requester may not do this there.
    #[n(1)]
    BucketNotFound,
    /// The object is missing.
    #[n(2)]
    ObjectNotFound,
    /// The object is archived.
    #[n(3)]
    ObjectArchived,
    /// A retention rule protects the object that would be replaced.
    #[n(4)]
    ObjectRetained,
    /// The bucket is the destination of a replication policy.
    #[n(5)]
    BucketReadOnly,
    /// The state of the bucket does not permit it.
    #[n(6)]
    BucketStateConflict,
    /// `if-match` does not hold.
    #[n(7)]
    IfMatchFailed,
    /// `if-none-match` does not hold.
    #[n(8)]
    IfNoneMatchFailed,
    /// The object is encrypted with another key of the customer's.
    #[n(9)]
    CustomerKeyRefused,
    /// Something that was asked for can't be used any more.
    #[n(10)]
    InvalidParameter,
    /// The service does not have this.
    #[n(11)]
    NotImplemented,
    /// Others wrote to the same place all the time.
    #[n(12)]
    ConcurrentUpdate,
    /// The stores could not do it.
    #[n(13)]
    Unavailable,
    /// The stores are broken or the service is.
    #[n(14)]
    Internal,
}

impl From<&ObjectPath> for PlaceRecord {
    fn from(path: &ObjectPath) -> Self {
        Self {
            namespace: path.bucket.namespace.clone(),
            bucket: path.bucket.bucket.clone(),
            object: path.object.clone(),
        }
    }
}

impl From<&PlaceRecord> for ObjectPath {
    fn from(record: &PlaceRecord) -> Self {
        Self {
            bucket: BucketPath {
                namespace: record.namespace.clone(),
                bucket: record.bucket.clone(),
            },
            object: record.object.clone(),
        }
    }
}

impl From<&ReencryptRecord> for BucketPath {
    fn from(record: &ReencryptRecord) -> Self {
        Self {
            namespace: record.namespace.clone(),
            bucket: record.bucket.clone(),
        }
    }
}

impl From<&EtagCondition> for ConditionRecord {
    fn from(condition: &EtagCondition) -> Self {
        match condition {
            EtagCondition::Any => Self::Any,
            EtagCondition::OneOf(etags) => {
                Self::OneOf(etags.iter().copied().map(StoredETag).collect())
            }
        }
    }
}

impl From<&ConditionRecord> for EtagCondition {
    fn from(record: &ConditionRecord) -> Self {
        match record {
            ConditionRecord::Any => Self::Any,
            ConditionRecord::OneOf(etags) => {
                let etags: Vec<ETag> = etags.iter().map(|etag| etag.0).collect();
                Self::OneOf(etags)
            }
        }
    }
}

impl KeptBytes {
    /// The blobs they are in; none when they are inline.
    pub(crate) fn blobs(&self) -> impl Iterator<Item = BlobId> {
        let blobs = match self {
            Self::Inline(..) => &[],
            Self::Blob(blob) => std::slice::from_ref(blob),
            Self::Parts(parts) => &parts[..],
        };
        blobs.iter().map(|blob| blob.id)
    }
}

impl WorkStatus {
    /// Whether nothing more happens.
    pub fn has_ended(self) -> bool {
        match self {
            Self::Failed | Self::Completed | Self::Canceled => true,
            Self::Accepted | Self::InProgress | Self::Canceling => false,
        }
    }
}
