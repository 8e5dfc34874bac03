//! Records of retention rules and of a namespace's metadata.

use jiff::Timestamp;
use minicbor::{Decode, Encode};
use parbuckle_model::{ETag, Ocid, RetentionRuleId};

use super::StoredTime;
use super::codec;

/// How long a retention rule protects an object after its last modification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct RetentionDuration {
    /// So many units.
    #[n(0)]
    pub amount: u64,
    /// Of what.
    #[n(1)]
    pub unit: RetentionUnit,
}

/// A unit of time of retention rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum RetentionUnit {
    /// 24 hours.
    #[n(0)]
    Days,
    /// 365 days.
    #[n(1)]
    Years,
}

/// A retention rule. Its bucket is in the key.
#[derive(Debug, Clone, PartialEq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RetentionRuleRecord {
    #[cbor(n(0), with = "codec::retention_rule_id")]
    pub(crate) id: RetentionRuleId,
    #[n(1)]
    pub(crate) display_name: String,
    /// Nothing means for ever.
    #[n(2)]
    pub(crate) duration: Option<RetentionDuration>,
    #[cbor(n(3), with = "codec::etag")]
    pub(crate) etag: ETag,
    /// From then on it is locked.
    #[n(4)]
    pub(crate) time_locked: Option<StoredTime>,
    #[cbor(n(5), with = "codec::time")]
    pub(crate) time_created: Timestamp,
    #[cbor(n(6), with = "codec::time")]
    pub(crate) time_modified: Timestamp,
}

/// What is set for a namespace. The namespace is in the key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct NamespaceMetadataRecord {
    /// The compartment of buckets that come by way of the S3 interface.
    #[cbor(n(0), with = "codec::ocid")]
    pub(crate) s3_compartment: Ocid,
    /// The compartment of containers that come by way of Swift.
    #[cbor(n(1), with = "codec::ocid")]
    pub(crate) swift_compartment: Ocid,
    /// Of the last change.
    #[cbor(n(2), with = "codec::etag")]
    pub(crate) etag: ETag,
}
