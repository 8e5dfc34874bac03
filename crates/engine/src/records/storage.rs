//! Records of buckets, objects, uploads and pre-authenticated requests.

use jiff::Timestamp;
use minicbor::{Decode, Encode};
use parbuckle_blob::BlobId;
use parbuckle_model::{
    AccessType, AutoTiering, BucketId, BucketName, ETag, Expiry, ListingAction, Namespace,
    ObjectAttributes, ObjectName, Ocid, ParId, ParScope, PublicAccess, StorageTier, TokenHash,
    UploadId, UserMetadata, VersionId, Versioning,
};

use super::codec;
use super::content::{Content, PartBlob};
use super::swift::{SwiftBucketRecord, SwiftObjectRecord};
use crate::credential::CredentialKind;

/// A bucket. Its name is in the key.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct BucketRecord {
    #[cbor(n(0), with = "codec::bucket_id")]
    pub(crate) id: BucketId,
    #[cbor(n(1), with = "codec::bucket_name")]
    pub(crate) name: BucketName,
    #[cbor(n(2), with = "codec::ocid")]
    pub(crate) ocid: Ocid,
    #[cbor(n(3), with = "codec::ocid")]
    pub(crate) compartment: Ocid,
    #[cbor(n(4), with = "codec::ocid")]
    pub(crate) created_by: Ocid,
    #[cbor(n(5), with = "codec::time")]
    pub(crate) time_created: Timestamp,
    #[cbor(n(6), with = "codec::etag")]
    pub(crate) etag: ETag,
    #[cbor(n(7), with = "codec::public_access")]
    pub(crate) public_access: PublicAccess,
    #[cbor(n(8), with = "codec::storage_tier")]
    pub(crate) storage_tier: StorageTier,
    #[n(9)]
    pub(crate) object_events_enabled: bool,
    #[n(10)]
    pub(crate) metadata: Vec<(String, String)>,
    #[n(11)]
    pub(crate) freeform_tags: Vec<(String, String)>,
    /// Namespace, key, value as JSON text.
    #[n(12)]
    pub(crate) defined_tags: Vec<(String, String, String)>,
    #[cbor(n(13), with = "codec::versioning", default, skip_if = "is_default")]
    pub(crate) versioning: Versioning,
    #[cbor(n(14), with = "codec::auto_tiering", default, skip_if = "is_default")]
    pub(crate) auto_tiering: AutoTiering,
    /// Of the lifecycle policy, if there is one.
    #[n(15)]
    pub(crate) lifecycle_etag: Option<StoredETag>,
    /// What all retention rules together say; nothing when there is no rule.
    #[n(16)]
    pub(crate) retention: Option<RetentionRecord>,
    /// Whether a replication policy takes its changes elsewhere.
    #[cbor(n(17), default, skip_if = "is_default")]
    pub(crate) replicates: bool,
    /// Whether it is the destination of a replication policy: then only the replication writes to it.
    #[cbor(n(18), default, skip_if = "is_default")]
    pub(crate) read_only: bool,
    /// What Swift alone knows of it.
    #[n(19)]
    pub(crate) swift: Option<SwiftBucketRecord>,
}

/// An etag of something beside the record's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct StoredETag(#[cbor(n(0), with = "codec::etag")] pub(crate) ETag);

/// How long the objects of a bucket are protected, counted from their last modification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RetentionRecord {
    /// The longest of the rules; nothing means for ever.
    #[n(0)]
    pub(crate) seconds: Option<u64>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A current object. Bucket and name are in the key.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ObjectRecord {
    #[cbor(n(0), with = "codec::etag")]
    pub(crate) etag: ETag,
    #[cbor(n(1), with = "codec::version_id")]
    pub(crate) version_id: VersionId,
    #[n(2)]
    pub(crate) size: u64,
    /// MD5 of the bytes, or for a multipart object of the parts' MD5s.
    #[cbor(n(3), with = "codec::md5")]
    pub(crate) md5: [u8; 16],
    /// Number of parts of a multipart object.
    #[n(4)]
    pub(crate) part_count: Option<u16>,
    #[cbor(n(5), with = "codec::time")]
    pub(crate) time_created: Timestamp,
    #[cbor(n(6), with = "codec::time")]
    pub(crate) time_modified: Timestamp,
    #[cbor(n(7), with = "codec::storage_tier")]
    pub(crate) storage_tier: StorageTier,
    #[n(8)]
    pub(crate) attributes: AttributesRecord,
    #[n(9)]
    pub(crate) checksums: ChecksumsRecord,
    #[n(10)]
    pub(crate) content: Content,
    /// How its bytes are encrypted, if they are.
    #[n(11)]
    pub(crate) encryption: Option<EncryptionRecord>,
    /// When an archived object may be read.
    #[n(12)]
    pub(crate) restore: Option<RestoreRecord>,
    /// What Swift alone knows of it.
    #[n(13)]
    pub(crate) swift: Option<SwiftObjectRecord>,
}

/// The window in which an archived object may be read: start inclusive, end exclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RestoreRecord {
    #[cbor(n(0), with = "codec::time")]
    pub(crate) from: Timestamp,
    #[cbor(n(1), with = "codec::time")]
    pub(crate) until: Timestamp,
}

/// The key that an object's bytes are encrypted with, itself encrypted (wrapped) with another: the customer's, which
/// is never stored, or the server's.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct EncryptionRecord {
    /// Whether the customer's key wraps it.
    #[n(0)]
    pub(crate) by_customer: bool,
    /// AES-256-GCM nonce, ciphertext and tag of the object's key.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) wrapped: Vec<u8>,
    /// Makes the keys of several pieces of data under one object's key differ.
    #[cbor(n(2), with = "codec::bytes16")]
    pub(crate) salt: [u8; 16],
    /// Which of the server's keys wraps it.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(crate) server_key: Option<minicbor::bytes::ByteArray<8>>,
}

/// A version of an object that is not current.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[expect(
    clippy::large_enum_variant,
    reason = "most are objects; a box for each would cost more than the room of the few markers"
)]
pub(crate) enum VersionRecord {
    /// What was current once.
    #[n(0)]
    Object(#[n(0)] ObjectRecord),
    /// The trace of a deletion.
    #[n(1)]
    DeleteMarker(#[n(0)] DeleteMarkerRecord),
}

/// The trace of a deletion in a bucket that keeps versions. While it is the youngest version, there is no current one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct DeleteMarkerRecord {
    #[cbor(n(0), with = "codec::version_id")]
    pub(crate) version_id: VersionId,
    #[cbor(n(1), with = "codec::time")]
    pub(crate) time: Timestamp,
}

/// Digests that the client asked to keep besides MD5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ChecksumsRecord {
    #[n(0)]
    pub(crate) crc32c: Option<u32>,
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(crate) sha256: Option<minicbor::bytes::ByteArray<32>>,
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) sha384: Option<minicbor::bytes::ByteArray<48>>,
    /// Whether the SHA digests are those of the parts' digests.
    #[cbor(n(3), default, skip_if = "is_default")]
    pub(crate) of_parts: bool,
}

/// Content headers and user metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct AttributesRecord {
    #[n(0)]
    content_type: Option<String>,
    #[n(1)]
    content_language: Option<String>,
    #[n(2)]
    content_encoding: Option<String>,
    #[n(3)]
    content_disposition: Option<String>,
    #[n(4)]
    cache_control: Option<String>,
    #[n(5)]
    metadata: Vec<(String, String)>,
}

impl From<ObjectAttributes> for AttributesRecord {
    fn from(a: ObjectAttributes) -> Self {
        Self {
            content_type: a.content_type,
            content_language: a.content_language,
            content_encoding: a.content_encoding,
            content_disposition: a.content_disposition,
            cache_control: a.cache_control,
            metadata: a
                .metadata
                .iter()
                .map(|(n, v)| (n.to_owned(), v.to_owned()))
                .collect(),
        }
    }
}

impl From<AttributesRecord> for ObjectAttributes {
    fn from(r: AttributesRecord) -> Self {
        Self {
            content_type: r.content_type,
            content_language: r.content_language,
            content_encoding: r.content_encoding,
            content_disposition: r.content_disposition,
            cache_control: r.cache_control,
            metadata: UserMetadata::within(usize::MAX, r.metadata).unwrap_or_default(),
        }
    }
}

/// A multipart upload. Bucket, object and upload id are in the key.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct UploadRecord {
    #[cbor(n(0), with = "codec::upload_id")]
    pub(crate) id: UploadId,
    #[cbor(n(1), with = "codec::object_name")]
    pub(crate) object: ObjectName,
    #[cbor(n(2), with = "codec::time")]
    pub(crate) time_created: Timestamp,
    #[cbor(n(3), with = "codec::storage_tier")]
    pub(crate) storage_tier: StorageTier,
    #[n(4)]
    pub(crate) attributes: AttributesRecord,
    /// The hash of its own secret, when it was started through a PAR.
    #[cbor(n(5), with = "codec::token_hash_option")]
    pub(crate) secret: Option<TokenHash>,
    /// How the parts are encrypted, if they are.
    #[n(6)]
    pub(crate) encryption: Option<EncryptionRecord>,
    /// The checksum that all parts get.
    #[n(7)]
    pub(crate) checksum: Option<ChecksumRecord>,
}

/// Names a checksum.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum ChecksumRecord {
    #[n(0)]
    Crc32c,
    #[n(1)]
    Sha256,
    #[n(2)]
    Sha384,
}

/// An uploaded part. Upload and number are in the key.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PartRecord {
    #[cbor(n(0), with = "codec::etag")]
    pub(crate) etag: ETag,
    #[cbor(n(1), with = "codec::md5")]
    pub(crate) md5: [u8; 16],
    #[n(2)]
    pub(crate) blob: PartBlob,
    #[n(3)]
    pub(crate) checksums: Option<ChecksumsRecord>,
}

/// The secret of an upload that was started through a PAR.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct UploadSecretRecord {
    /// The PAR that it narrows: the secret dies with it.
    #[cbor(n(0), with = "codec::token_hash")]
    pub(crate) par: TokenHash,
    #[cbor(n(1), with = "codec::object_name")]
    pub(crate) object: ObjectName,
    #[cbor(n(2), with = "codec::upload_id")]
    pub(crate) upload: UploadId,
}

/// A pre-authenticated request, found by the hash of its token.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ParRecord {
    #[cbor(n(0), with = "codec::par_id")]
    pub(crate) id: ParId,
    #[n(1)]
    pub(crate) name: String,
    #[cbor(n(2), with = "codec::namespace")]
    pub(crate) namespace: Namespace,
    #[cbor(n(3), with = "codec::bucket_id")]
    pub(crate) bucket: BucketId,
    #[cbor(n(4), with = "codec::ocid")]
    pub(crate) creator: Ocid,
    /// The kind of credential that created it: it dies with the creator's capability for that kind.
    #[n(5)]
    pub(crate) credential: CredentialKind,
    #[cbor(n(6), with = "par_scope")]
    pub(crate) scope: ParScope,
    #[cbor(n(7), with = "codec::time")]
    pub(crate) time_created: Timestamp,
    #[cbor(n(8), with = "codec::expiry")]
    pub(crate) time_expires: Expiry,
}

/// Blobs that no record names any more.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct TrashRecord {
    #[n(0)]
    pub(crate) blobs: Vec<TrashedBlob>,
}

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct TrashedBlob(#[cbor(n(0), with = "codec::blob_id")] pub(crate) BlobId);

/// A change of a bucket's counters, or the sum of earlier changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct CounterRecord {
    #[n(0)]
    pub(crate) objects: i64,
    #[n(1)]
    pub(crate) bytes: i64,
    /// Versions that are not current, delete markers excepted.
    #[cbor(n(2), default, skip_if = "is_default")]
    pub(crate) old_objects: i64,
    /// Their bytes.
    #[cbor(n(3), default, skip_if = "is_default")]
    pub(crate) old_bytes: i64,
}

/// Below which millisecond a bucket has no changes of its counters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct CounterFloorRecord {
    #[n(0)]
    pub(crate) millis: u64,
}

/// A PAR's scope as three fields: access type, object name or prefix, listing action.
mod par_scope {
    use super::*;
    use minicbor::decode::Error;

    pub(super) fn encode<C, W: minicbor::encode::Write>(
        scope: &ParScope,
        e: &mut minicbor::Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        e.array(3)?.str(scope.access().as_str())?;
        match scope.object_name() {
            Some(name) => e.str(name)?,
            None => e.null()?,
        };
        match scope.listing() {
            Some(listing) => e.str(listing.as_str())?.ok(),
            None => e.null()?.ok(),
        }
    }

    pub(super) fn decode<'b, C>(
        d: &mut minicbor::Decoder<'b>,
        _: &mut C,
    ) -> Result<ParScope, Error> {
        let bad = || Error::message("not a stored PAR scope");
        if d.array()? != Some(3) {
            return Err(bad());
        }
        let access = AccessType::parse(d.str()?).ok_or_else(bad)?;
        let object = d.decode::<Option<&str>>()?;
        let listing = d
            .decode::<Option<&str>>()?
            .map(|text| ListingAction::parse(text).ok_or_else(bad))
            .transpose()?;
        ParScope::new(access, object, listing).map_err(|_| bad())
    }
}
