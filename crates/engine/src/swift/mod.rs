//! Storage Classic: what Swift v1 knows besides the native API, over the same buckets, objects and rights.
//!
//! A container is a bucket, an account is a namespace. What only Swift has (ACLs, quotas, CORS and TempURL keys of
//! containers, large objects) acts only here; an object's expiry holds for everybody. Facts: swift-v1-wire.md; how the
//! two worlds map is in docs/classic.md.
//!
//! Callers come from [`Engine::authenticate`](crate::Engine::authenticate) with
//! [`Proof::SwiftToken`](crate::Proof::SwiftToken), [`Proof::SwiftBasic`](crate::Proof::SwiftBasic),
//! [`Proof::SwiftAnonymous`](crate::Proof::SwiftAnonymous) or [`Proof::TempUrl`](crate::Proof::TempUrl). For such a caller every operation tells three refusals apart:
//! [`ErrorKind::NotAuthenticated`](crate::ErrorKind::NotAuthenticated) (sign in first),
//! [`SwiftRefusal::Forbidden`] (whether or not it exists), and the missing thing, for those with rights.

mod access;
mod account;
mod acl;
mod archive;
mod basic;
mod body;
mod bulk;
mod conditions;
mod container;
mod copy;
mod deed;
mod expiry;
mod failures;
mod large;
mod listing;
mod metadata;
mod name;
mod object;
mod octets;
mod read;
mod sign_in;
mod slo;
mod temp_url;

pub(crate) use access::{SwiftCaller, SwiftGrant, unauthenticated};
pub use account::{AccountInfo, AccountListing, AccountRow};
pub use acl::{AclKind, clean_acl};
pub use archive::RestoredObject;
pub use basic::BasicLogin;
pub use bulk::{BULK_DELETES_MAX, BulkItem, BulkOutcome};
pub use conditions::{EtagList, ReadConditions};
pub use container::{
    ContainerAcls, ContainerChange, ContainerInfo, ContainerRow, ObjectRow, PutContainer,
};
pub use copy::{CopiedObject, CopySwiftObject};
pub use deed::Deed;
pub(crate) use failures::SignInFailures;
pub use listing::{LISTING_LIMIT_MAX, ListQuery};
pub use metadata::{
    METADATA_BYTES_MAX, METADATA_ITEMS_MAX, METADATA_NAME_BYTES_MAX, METADATA_STORED_BYTES_MAX,
    METADATA_VALUE_BYTES_MAX, MetadataChange, MetadataLevel, check_metadata,
};
pub use name::{AccountName, LoginName};
pub use object::{
    DynamicManifest, OBJECT_BYTES_MAX, ObjectFields, PutSwiftObject, SwiftEtag, SwiftObject,
};
pub use octets::{bytes_of, text_of};
pub use read::{ReadOutcome, SwiftContent, SwiftRead};
pub use sign_in::SignedIn;
use sign_in::used_credential;
pub use slo::{NewSegment, SEGMENTS_MAX, Segment, ShowManifest, StaticManifest};
pub use temp_url::{TempUrl, TempUrlMethod};

/// What only Storage Classic refuses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SwiftRefusal {
    /// The caller has proven who he is, and may not do this.
    #[error("Access was denied to this resource.")]
    Forbidden,
    /// A quota of the container would be exceeded; nothing was stored.
    #[error("Upload exceeds quota.")]
    QuotaExceeded,
    /// Segments of a static large object can't be used; nothing was stored.
    #[error("Some segments can't be used")]
    SegmentsRefused(Vec<SegmentRefusal>),
    /// A segment of a large object is missing, changed or forbidden: the object can't be read.
    #[error("There was a conflict when trying to complete your request.")]
    LargeObjectBroken,
    /// The object is no static large object.
    #[error("Not an SLO manifest")]
    NotStaticManifest,
    /// The etag that the client expects is not that of the large object; nothing was stored.
    #[error("Unable to process the contained instructions")]
    EtagMismatch,
}

/// A segment that can't be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentRefusal {
    /// Its container and name, as the client wrote them.
    pub path: String,
    /// Why, such as `Etag Mismatch`.
    pub reason: &'static str,
}

impl From<SwiftRefusal> for crate::Error {
    fn from(refusal: SwiftRefusal) -> Self {
        crate::ErrorKind::Swift(refusal).into()
    }
}
