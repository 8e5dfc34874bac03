//! Records of buckets, objects, uploads and pre-authenticated requests.

use jiff::Timestamp;
use minicbor::{Decode, Encode};
use parbuckle_blob::BlobId;
use parbuckle_model::{
    AccessType, BucketId, BucketName, ETag, Expiry, ListingAction, Namespace, ObjectAttributes,
    ObjectName, Ocid, ParId, ParScope, PublicAccess, StorageTier, TokenHash, UploadId,
    UserMetadata, VersionId,
};

use super::codec;
use super::content::{Content, PartBlob};
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
            metadata: UserMetadata::new(r.metadata).unwrap_or_default(),
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
