//! Parsed values of the object storage service: what a name, an id, a range or a condition *is*.
//!
//! Everything here is pure. The crate never knows I/O, async, wire formats or storage. Text is parsed into
//! these types once, at the edge; whoever holds one need not check it again.

mod attributes;
mod bucket;
mod expiry;
mod ids;
mod listing;
mod names;
mod par;
mod precondition;
mod range;
mod region;
mod time;

pub use attributes::{
    ArchivalState, AttributesError, METADATA_BYTES_MAX, ObjectAttributes, StorageTier, UserMetadata,
};
pub use bucket::{AutoTiering, PublicAccess, Versioning};
pub use expiry::Expiry;
pub use ids::{
    BucketId, ETag, InvalidId, Ocid, ParId, ReplicationPolicyId, RetentionRuleId, TokenHash,
    UploadId, VersionId, WorkRequestId,
};
pub use listing::{
    InvalidListing, LISTING_LIMIT_MAX, ListObjectsQuery, ObjectField, ObjectFields, PageLimit,
    PageToken,
};
pub use names::{BucketName, InvalidName, Namespace, ObjectName, ObjectPrefix, PartNumber};
pub use par::{AccessType, InvalidPar, ListingAction, PAR_BYTES_MAX, ParScope, ParTarget};
pub use precondition::{EtagCondition, Preconditions, ReadVerdict, WriteVerdict};
pub use range::{RangeRequest, ResolvedRange};
pub use region::region_key;
pub use time::{
    InvalidTime, format_http_date, format_rfc3339_millis, parse_http_date, parse_rfc3339,
};
