//! Parsed values of the object storage service: what a name, an id, a range or a condition *is*.
//!
//! Everything here is pure. The crate never knows I/O, async, wire formats or storage. Text is parsed into
//! these types once, at the edge; whoever holds one need not check it again.

mod attributes;
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
    AttributesError, METADATA_BYTES_MAX, ObjectAttributes, StorageTier, UserMetadata,
};
pub use expiry::Expiry;
pub use ids::{BucketId, ETag, InvalidId, Ocid, ParId, TokenHash, UploadId, VersionId};
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

/// Public access of a bucket (wire reference 4.1, 11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PublicAccess {
    /// Only callers with rights.
    #[default]
    NoPublicAccess,
    /// Anyone reads and lists objects.
    ObjectRead,
    /// Anyone reads objects whose name he knows.
    ObjectReadWithoutList,
}

impl PublicAccess {
    /// OCI's spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NoPublicAccess => "NoPublicAccess",
            Self::ObjectRead => "ObjectRead",
            Self::ObjectReadWithoutList => "ObjectReadWithoutList",
        }
    }

    /// Parses OCI's spelling.
    pub fn parse(text: &str) -> Option<Self> {
        [
            Self::NoPublicAccess,
            Self::ObjectRead,
            Self::ObjectReadWithoutList,
        ]
        .into_iter()
        .find(|v| v.as_str() == text)
    }
}
