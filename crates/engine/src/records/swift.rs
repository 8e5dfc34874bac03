//! Records of Storage Classic, the Swift face of the service.

use std::fmt;

use jiff::Timestamp;
use minicbor::{Decode, Encode};
use parbuckle_model::{BucketName, Namespace, ObjectName, Ocid};

use super::codec;
use crate::credential::CredentialKind;

/// What Swift alone knows of a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SwiftBucketRecord {
    /// Cleaned; empty when there is none.
    #[n(0)]
    pub(crate) read_acl: String,
    /// Cleaned; empty when there is none.
    #[n(1)]
    pub(crate) write_acl: String,
    /// Metadata with a meaning (quotas, CORS), by lower-case name. Other metadata is the bucket's own.
    #[n(2)]
    pub(crate) settings: Vec<(String, String)>,
    /// TempURL keys, by lower-case name.
    #[n(3)]
    pub(crate) keys: Vec<(String, StoredSecret)>,
    /// When ACLs or metadata were last changed, in milliseconds since 1970.
    #[n(4)]
    pub(crate) modified_millis: i64,
}

/// What Swift alone knows of an object.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SwiftObjectRecord {
    /// `Expires`, kept and sent back.
    #[n(0)]
    pub(crate) expires: Option<String>,
    /// `X-Robots-Tag`, kept and sent back.
    #[n(1)]
    pub(crate) robots: Option<String>,
    /// From this second since 1970 on the object is gone, whoever asks.
    #[n(2)]
    pub(crate) delete_at: Option<u64>,
    /// It stands for all objects of a container whose names begin so.
    #[n(3)]
    pub(crate) dynamic: Option<DynamicManifestRecord>,
    /// Its bytes are a [`SegmentsRecord`].
    #[n(4)]
    pub(crate) static_manifest: Option<StaticManifestRecord>,
}

/// What a dynamic large object consists of.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct DynamicManifestRecord {
    #[n(0)]
    pub(crate) container: String,
    #[n(1)]
    pub(crate) prefix: String,
    /// The header as it was sent, where it was not spelled as these two would be.
    #[n(2)]
    pub(crate) sent: Option<String>,
}

/// What a static large object is as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct StaticManifestRecord {
    /// MD5 of the segments' etags.
    #[cbor(n(0), with = "codec::md5")]
    pub(crate) etag: [u8; 16],
    /// Bytes of all segments.
    #[n(1)]
    pub(crate) size: u64,
    /// MD5 of the manifest as clients are shown it.
    #[cbor(n(2), with = "codec::md5")]
    pub(crate) shown_md5: [u8; 16],
    /// Its length.
    #[n(3)]
    pub(crate) shown_size: u64,
}

/// The segments of a static large object.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SegmentsRecord {
    #[n(0)]
    pub(crate) segments: Vec<SegmentRecord>,
}

/// One of them, as it was when the manifest was put.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SegmentRecord {
    #[n(0)]
    pub(crate) container: String,
    #[n(1)]
    pub(crate) object: String,
    /// Of the whole object, as Swift's clients see it, without quotes.
    #[n(2)]
    pub(crate) etag: String,
    /// Of the whole object.
    #[n(3)]
    pub(crate) size: u64,
    /// First byte and last, both inclusive; nothing means all.
    #[n(4)]
    pub(crate) range: Option<(u64, u64)>,
    /// Whether it is a static large object itself.
    #[n(5)]
    pub(crate) nested: bool,
    #[n(6)]
    pub(crate) content_type: String,
    #[cbor(n(7), with = "codec::time")]
    pub(crate) modified: Timestamp,
    /// The bytes themselves; then it is no object, and container and object are empty.
    #[n(8)]
    pub(crate) inline: Option<minicbor::bytes::ByteVec>,
}

/// What Swift alone knows of an account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SwiftAccountRecord {
    /// By lower-case name.
    #[n(0)]
    pub(crate) metadata: Vec<(String, String)>,
    /// TempURL keys, by lower-case name.
    #[n(1)]
    pub(crate) keys: Vec<(String, StoredSecret)>,
}

/// A secret that must be known to be used. It never shows in Debug output.
#[derive(Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
pub(crate) struct StoredSecret(#[n(0)] pub(crate) String);

impl fmt::Debug for StoredSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredSecret(…)")
    }
}

/// A token, found by its SHA-256.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SwiftTokenRecord {
    #[cbor(n(0), with = "codec::namespace")]
    pub(crate) namespace: Namespace,
    #[cbor(n(1), with = "codec::ocid")]
    pub(crate) user: Ocid,
    #[n(2)]
    pub(crate) credential: UsedCredentialRecord,
    #[cbor(n(3), with = "codec::time")]
    pub(crate) expires: Timestamp,
}

/// The credential that somebody signed in with.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct UsedCredentialRecord {
    #[n(0)]
    pub(crate) kind: CredentialKind,
    /// Id of an auth token; empty for the password.
    #[n(1)]
    pub(crate) id: String,
    /// SHA-256 of the stored proof: another secret under the same id is another credential.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) proof: minicbor::bytes::ByteArray<32>,
}

/// The active token of a credential. The token itself follows from the credential's secret and the nonce.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct SwiftSessionRecord {
    #[cbor(n(0), with = "codec::bytes16")]
    pub(crate) nonce: [u8; 16],
    #[cbor(n(1), with = "codec::time")]
    pub(crate) expires: Timestamp,
    /// The credential's proof, see [`UsedCredentialRecord`].
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) proof: minicbor::bytes::ByteArray<32>,
}

/// An object that is due to be removed.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ExpiringRecord {
    #[cbor(n(0), with = "codec::namespace")]
    pub(crate) namespace: Namespace,
    #[cbor(n(1), with = "codec::bucket_name")]
    pub(crate) bucket: BucketName,
    #[cbor(n(2), with = "codec::object_name")]
    pub(crate) object: ObjectName,
    /// The second since 1970 that it had when this was written.
    #[n(3)]
    pub(crate) delete_at: u64,
}
