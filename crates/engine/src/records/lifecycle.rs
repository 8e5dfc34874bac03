//! Records of lifecycle policies and of the daily run that carries them out.

use jiff::Timestamp;
use minicbor::{Decode, Encode};
use parbuckle_model::ETag;

use super::{StoredTime, codec};

/// What a lifecycle rule does to which objects at which age (wire reference 4.6).
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct LifecycleRule {
    /// Unique in its policy.
    #[n(0)]
    pub name: String,
    /// What it is about.
    #[n(1)]
    pub target: LifecycleTarget,
    /// What it does.
    #[n(2)]
    pub action: LifecycleAction,
    /// The age in units, at least one. An object that is exactly so old is due.
    #[n(3)]
    pub time_amount: u32,
    /// The unit of the age.
    #[n(4)]
    pub time_unit: LifecycleTimeUnit,
    /// A rule that is not enabled does nothing.
    #[n(5)]
    pub enabled: bool,
    /// Which names it is about; all without a filter.
    #[n(6)]
    pub filter: Option<ObjectNameFilter>,
}

/// Which object names a rule is about. Without any inclusion all are, and what is excluded is not, whatever includes it.
/// Patterns match whole names: `*` any run of characters, `/` too; `?` one; `[a-z]` one of a group; `\` takes the next
/// character as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct ObjectNameFilter {
    /// Names that begin with one of these are included.
    #[n(0)]
    pub inclusion_prefixes: Vec<String>,
    /// Names that match one of these are included.
    #[n(1)]
    pub inclusion_patterns: Vec<String>,
    /// Names that match one of these are excluded.
    #[n(2)]
    pub exclusion_patterns: Vec<String>,
}

/// Makes an enum of texts that OCI spells, stored by number.
macro_rules! spelled {
    ($(#[$doc:meta])* $name:ident { $($(#[$line:meta])* $number:literal $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
        #[cbor(index_only)]
        pub enum $name {
            $($(#[$line])* #[n($number)] $variant,)*
        }

        impl $name {
            /// OCI's spelling.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }

            /// Parses OCI's spelling.
            pub fn parse(text: &str) -> Option<Self> {
                [$(Self::$variant),*].into_iter().find(|v| v.as_str() == text)
            }
        }
    };
}

spelled! {
    /// What a lifecycle rule is about.
    LifecycleTarget {
        /// Current objects. Age counts from their last modification.
        0 Objects = "objects",
        /// Uploads in progress. Age counts from their start.
        1 Uploads = "multipart-uploads",
        /// Versions that are not current. Age counts from the time of the next younger version.
        2 PreviousVersions = "previous-object-versions",
    }
}

spelled! {
    /// What a lifecycle rule does.
    LifecycleAction {
        /// Moves to the tier Archive.
        0 Archive = "ARCHIVE",
        /// Moves from Standard to the tier InfrequentAccess.
        1 InfrequentAccess = "INFREQUENT_ACCESS",
        /// Deletes. The current object of a bucket that keeps versions becomes an old one under a delete marker.
        2 Delete = "DELETE",
        /// Aborts; only uploads, for which there is no other action.
        3 Abort = "ABORT",
    }
}

spelled! {
    /// The unit of an age.
    LifecycleTimeUnit {
        /// Of 24 hours.
        0 Days = "DAYS",
        /// Of 365 days.
        1 Years = "YEARS",
    }
}

/// The lifecycle policy of a bucket. Namespace and bucket are in the key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LifecycleRecord {
    #[cbor(n(0), with = "codec::etag")]
    pub(crate) etag: ETag,
    #[cbor(n(1), with = "codec::time")]
    pub(crate) time_created: Timestamp,
    #[n(2)]
    pub(crate) rules: Vec<LifecycleRule>,
}

/// Where the upkeep of a bucket stands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub(crate) struct UpkeepRecord {
    /// When the last run that came to its end began.
    #[n(0)]
    pub(crate) last_run: Option<StoredTime>,
    /// The run that is under way.
    #[n(1)]
    pub(crate) run: Option<RunRecord>,
    /// Since when auto-tiering is on, as far as the upkeep has seen.
    #[n(2)]
    pub(crate) auto_tiering_since: Option<StoredTime>,
}

/// A run over everything in a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct RunRecord {
    #[cbor(n(0), with = "codec::time")]
    pub(crate) started: Timestamp,
    #[n(1)]
    pub(crate) phase: Phase,
    /// The rest of the last key behind the prefix of the phase; empty at its beginning.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub(crate) position: Vec<u8>,
    #[n(3)]
    pub(crate) counts: UpkeepCounts,
}

/// What a run goes through, in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum Phase {
    /// Current objects.
    #[n(0)]
    Objects,
    /// Versions that are not current, from the last name to the first and from the oldest to the youngest.
    #[n(1)]
    Versions,
    /// Uploads.
    #[n(2)]
    Uploads,
    /// Notes of when objects were last read.
    #[n(3)]
    Reads,
}

/// What the upkeep of buckets has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Encode, Decode)]
#[cbor(map)]
pub struct UpkeepCounts {
    /// Daily runs over a bucket that came to their end.
    #[cbor(n(0), default, skip_if = "is_zero")]
    pub runs: u64,
    /// Current objects that were deleted.
    #[cbor(n(1), default, skip_if = "is_zero")]
    pub deleted: u64,
    /// Previous versions and delete markers that were deleted.
    #[cbor(n(2), default, skip_if = "is_zero")]
    pub versions_deleted: u64,
    /// Objects and versions that moved to Archive.
    #[cbor(n(3), default, skip_if = "is_zero")]
    pub archived: u64,
    /// Objects and versions that moved to InfrequentAccess.
    #[cbor(n(4), default, skip_if = "is_zero")]
    pub infrequent: u64,
    /// Objects that came back to Standard because they were read.
    #[cbor(n(5), default, skip_if = "is_zero")]
    pub standard: u64,
    /// Uploads that were aborted.
    #[cbor(n(6), default, skip_if = "is_zero")]
    pub uploads_aborted: u64,
    /// Objects that were due and that a retention rule protects.
    #[cbor(n(7), default, skip_if = "is_zero")]
    pub protected: u64,
    /// Objects that were due and could not be changed; the next run tries again.
    #[cbor(n(8), default, skip_if = "is_zero")]
    pub failed: u64,
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// When an object was last read. Bucket and name are in the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct LastReadRecord {
    #[cbor(n(0), with = "codec::time")]
    pub(crate) time: Timestamp,
}
