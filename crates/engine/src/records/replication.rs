//! Records of replication policies.

use jiff::Timestamp;
use minicbor::{Decode, Encode};
use parbuckle_model::{BucketId, BucketName, Ocid, ReplicationPolicyId};

use super::codec;
use crate::credential::CredentialKind;

/// A replication policy. Its source bucket is in the key.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ReplicationPolicyRecord {
    #[cbor(n(0), with = "codec::replication_policy_id")]
    pub(crate) id: ReplicationPolicyId,
    #[n(1)]
    pub(crate) name: String,
    #[cbor(n(2), with = "codec::bucket_name")]
    pub(crate) destination: BucketName,
    /// A bucket of the same name that is made later is another one.
    #[cbor(n(3), with = "codec::bucket_id")]
    pub(crate) destination_id: BucketId,
    /// The user on whose authority it works.
    #[cbor(n(4), with = "codec::ocid")]
    pub(crate) creator: Ocid,
    /// The kind of credential that created it: it stops with the creator's capability for that kind.
    #[n(5)]
    pub(crate) credential: CredentialKind,
    #[cbor(n(6), with = "codec::time")]
    pub(crate) time_created: Timestamp,
    /// Why it can't do its work now, in words for its owner; nothing while it can.
    #[n(7)]
    pub(crate) fault: Option<String>,
}

/// The same policy, as its destination knows it. The destination is in the key.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ReplicationSourceRecord {
    #[cbor(n(0), with = "codec::bucket_id")]
    pub(crate) source_id: BucketId,
    #[cbor(n(1), with = "codec::bucket_name")]
    pub(crate) source: BucketName,
    #[n(2)]
    pub(crate) policy_name: String,
}
