//! Buckets as callers give and see them (wire reference 4.1).

use jiff::Timestamp;
use parbuckle_iam::policy::Tags;
use parbuckle_model::{
    AutoTiering, BucketName, ETag, Namespace, Ocid, PublicAccess, StorageTier, Versioning,
};

use crate::records::BucketRecord;

/// A bucket as its readers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: BucketName,
    /// Its OCID.
    pub ocid: Ocid,
    /// The compartment it lies in.
    pub compartment: Ocid,
    /// The user who made it.
    pub created_by: Ocid,
    /// When.
    pub time_created: Timestamp,
    /// Changes with every update.
    pub etag: ETag,
    /// What everybody may do.
    pub public_access: PublicAccess,
    /// The tier of objects that ask for none.
    pub storage_tier: StorageTier,
    /// Kept; no events are sent.
    pub object_events_enabled: bool,
    /// User metadata.
    pub metadata: Vec<(String, String)>,
    /// Free-form tags.
    pub freeform_tags: Vec<(String, String)>,
    /// Defined tags: namespace, key, value as JSON text.
    pub defined_tags: Vec<(String, String, String)>,
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// Whether objects change tiers by themselves.
    pub auto_tiering: AutoTiering,
    /// The etag of its lifecycle policy.
    pub lifecycle_etag: Option<ETag>,
    /// Whether a replication policy takes its changes elsewhere.
    pub replicates: bool,
    /// Whether it is the destination of a replication policy.
    pub read_only: bool,
    /// Number of objects, old versions included, when asked for.
    pub approximate_count: Option<u64>,
    /// Bytes of all objects, old versions included, when asked for.
    pub approximate_size: Option<u64>,
}

/// A bucket to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBucket {
    /// Its name.
    pub name: BucketName,
    /// The compartment it shall lie in.
    pub compartment: Ocid,
    /// What everybody may do.
    pub public_access: PublicAccess,
    /// The tier of objects that ask for none; never changes.
    pub storage_tier: StorageTier,
    /// Kept; no events are sent.
    pub object_events_enabled: bool,
    /// User metadata.
    pub metadata: Vec<(String, String)>,
    /// Free-form tags.
    pub freeform_tags: Vec<(String, String)>,
    /// Defined tags: namespace, key, value as JSON text.
    pub defined_tags: Vec<(String, String, String)>,
    /// Whether it keeps versions: not [`Versioning::Suspended`].
    pub versioning: Versioning,
    /// Whether objects change tiers by themselves.
    pub auto_tiering: AutoTiering,
}

/// A change of a bucket: what is absent stays, what is given replaces (wire reference 4.1).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BucketChange {
    /// Moves it.
    pub compartment: Option<Ocid>,
    /// What everybody may do.
    pub public_access: Option<PublicAccess>,
    /// Kept; no events are sent.
    pub object_events_enabled: Option<bool>,
    /// User metadata.
    pub metadata: Option<Vec<(String, String)>>,
    /// Free-form tags.
    pub freeform_tags: Option<Vec<(String, String)>>,
    /// Defined tags.
    pub defined_tags: Option<Vec<(String, String, String)>>,
    /// Whether it keeps versions; never back to [`Versioning::Disabled`].
    pub versioning: Option<Versioning>,
    /// Whether objects change tiers by themselves.
    pub auto_tiering: Option<AutoTiering>,
}

/// Fields of a bucket that cost something to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BucketFields {
    /// `approximateCount`
    pub count: bool,
    /// `approximateSize`
    pub size: bool,
}

impl BucketRecord {
    pub(super) fn shown(&self, namespace: &Namespace) -> Bucket {
        Bucket {
            namespace: namespace.clone(),
            name: self.name.clone(),
            ocid: self.ocid.clone(),
            compartment: self.compartment.clone(),
            created_by: self.created_by.clone(),
            time_created: self.time_created,
            etag: self.etag,
            public_access: self.public_access,
            storage_tier: self.storage_tier,
            object_events_enabled: self.object_events_enabled,
            metadata: self.metadata.clone(),
            freeform_tags: self.freeform_tags.clone(),
            defined_tags: self.defined_tags.clone(),
            versioning: self.versioning,
            auto_tiering: self.auto_tiering,
            lifecycle_etag: self.lifecycle_etag.map(|etag| etag.0),
            replicates: self.replicates,
            read_only: self.read_only,
            approximate_count: None,
            approximate_size: None,
        }
    }

    pub(super) fn changed(&self, change: &BucketChange, etag: ETag) -> Self {
        let change = change.clone();
        let was = self.clone();
        Self {
            etag,
            compartment: change.compartment.unwrap_or(was.compartment),
            public_access: change.public_access.unwrap_or(was.public_access),
            object_events_enabled: change
                .object_events_enabled
                .unwrap_or(was.object_events_enabled),
            metadata: change.metadata.unwrap_or(was.metadata),
            freeform_tags: change.freeform_tags.unwrap_or(was.freeform_tags),
            defined_tags: change.defined_tags.unwrap_or(was.defined_tags),
            versioning: change.versioning.unwrap_or(was.versioning),
            auto_tiering: change.auto_tiering.unwrap_or(was.auto_tiering),
            ..was
        }
    }
}

/// The bucket's defined tags, as policies ask for them. A value is JSON text; of a string without escapes its content.
impl Tags for BucketRecord {
    fn value(&self, namespace: &str, key: &str) -> Option<&str> {
        let same = |(ns, k, _): &&(String, String, String)| {
            ns.eq_ignore_ascii_case(namespace) && k.eq_ignore_ascii_case(key)
        };
        let (_, _, value) = self.defined_tags.iter().find(same)?;
        let content = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        Some(content.unwrap_or(value))
    }
}
