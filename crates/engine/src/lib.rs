//! Every rule of the service: who may do what, and what then happens to buckets, objects, uploads and
//! pre-authenticated requests. The crate never knows HTTP, status codes, JSON or XML.
//!
//! The one idea is delegated authority: every request is *who* acts, *on whose authority*, *within which scope*.
//! [`Engine::authenticate`] turns a proof into a [`Caller`], and nothing else does; each operation takes one and asks
//! [`authority`] on the snapshot it reads, and again in the transaction that writes.

mod abreast;
mod authority;
mod background;
mod body;
mod bucket;
mod caller;
mod collector;
mod counters;
mod credential;
mod encryption;
mod environment;
mod error;
mod explain;
mod identity;
mod keys;
mod lifecycle;
mod namespace;
mod object;
mod par;
mod records;
mod replication;
mod retention;
pub mod swift;
mod transact;
mod upkeep;
mod upload;
mod work;

use std::sync::Arc;

use parbuckle_model::{BucketName, Namespace, ObjectName, PageToken, UploadId};

pub use body::{BodyChecks, BodyError, BodyStream, ChecksumAlgorithm, Checksums, RequestBody};
pub use bucket::{Bucket, BucketChange, BucketFields, NewBucket};
pub use caller::{Authenticated, Caller, Proof};
pub use credential::CredentialKind;
pub use encryption::{CustomerKey, Reencryption, ServerKeys, ServerKeysError};
pub use environment::{ControllableEnvironment, Environment, SystemEnvironment, random};
pub use error::{Digest, Error, ErrorKind};
pub use explain::Explanation;
pub use identity::{
    AccessLevel, ApiKey, AvailabilityDomain, CapabilitiesChange, CompartmentChange,
    DynamicGroupChange, EntityChange, EntityDetails, FaultDomain, IdentityDomain, LifecycleState,
    ListOptions, ListedCompartment, MembershipFilter, NewDynamicGroup, NewPassword, NewPolicy,
    NewUser, NewUserSecret, PasswordInfo, PolicyChange, Region, RegionSubscription, RetryToken,
    SecretKind, SortBy, SortOrder, Tenancy, TenancyPlan, UserChange, UserFilter, UserSecret,
    WorkRequest,
};
pub use lifecycle::LifecyclePolicy;
pub use namespace::{NamespaceMetadata, NamespaceMetadataChange};
pub use object::{
    BATCH_OBJECTS_MAX, BatchOutcome, Deleted, ListedObject, ListedVersion, ObjectBody, ObjectInfo,
    ObjectListing, ObjectMd5, ObjectRead, ObjectToDelete, ObjectVersion, PutObject, ReadObject,
    RenameObject, Restoration, VersionListing,
};
pub use par::{CreatedPar, NewPar, Par};
pub use records::{
    Capabilities, Compartment, DynamicGroup, Entity, Group, LifecycleAction, LifecycleRule,
    LifecycleTarget, LifecycleTimeUnit, Membership, ObjectNameFilter, Policy, PolicyStatement,
    RetentionDuration, RetentionUnit, UpkeepCounts, User, WorkFailure, WorkOperation, WorkStatus,
};
pub use replication::{NewReplicationPolicy, ReplicationPolicy, ReplicationSource};
pub use retention::{NewRetentionRule, RetentionRule, RetentionRuleChange};
pub use upload::{
    NewUpload, PartInfo, PartSelection, StartedUpload, StoredPart, Upload, UploadPart,
};
pub use work::{CopyKeys, CopyObject, StorageWork, StorageWorkRequest, WorkError, WorkLog};

/// Largest object that one request can put, and largest part: 50 GiB (wire reference section 9).
pub const BODY_BYTES_MAX: u64 = 50 << 30;

/// Largest object: 10 TiB (wire reference section 9).
pub const OBJECT_BYTES_MAX: u64 = 10 << 40;

/// The stores an engine works on.
#[derive(Clone)]
pub struct Backends {
    /// Records and small objects.
    pub kv: Arc<dyn parbuckle_kv::Store>,
    /// The bytes of large objects.
    pub blobs: Arc<dyn parbuckle_blob::Store>,
}

/// What an operator decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The region's name, such as `us-phoenix-1`.
    pub region: String,
    /// Bodies up to this many bytes live beside their records in the key-value store.
    pub inline_bytes_max: usize,
    /// How long a Swift token lives, from its first sign-in.
    pub swift_token_lifetime: std::time::Duration,
    /// From the wish to restore an archived object until it can be read.
    pub archive_restore_delay: std::time::Duration,
    /// From one run of a bucket's lifecycle policy and auto-tiering to the next.
    pub upkeep_interval: std::time::Duration,
    /// Encrypt what is new; without them only what comes with a key of the customer's is encrypted.
    pub server_keys: Option<ServerKeys>,
}

impl Settings {
    fn region_key(&self) -> String {
        parbuckle_model::region_key(&self.region)
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            region: "us-phoenix-1".to_owned(),
            inline_bytes_max: 16 << 10,
            swift_token_lifetime: std::time::Duration::from_secs(30 * 60),
            archive_restore_delay: std::time::Duration::ZERO,
            upkeep_interval: std::time::Duration::from_secs(24 * 60 * 60),
            server_keys: None,
        }
    }
}

/// The service, without its faces. All methods can be called from many tasks at once.
pub struct Engine {
    kv: Arc<dyn parbuckle_kv::Store>,
    blobs: Arc<dyn parbuckle_blob::Store>,
    environment: Arc<dyn Environment>,
    settings: Settings,
    identities: identity::IdentityCache,
    pins: Arc<collector::Pins>,
    counters: counters::Touched,
    /// Keys of customers' for copies that are under way.
    copy_keys: work::HeldKeys,
    /// Wakes the loop of work requests.
    work_waits: tokio::sync::Notify,
    /// Wakes the loop of what buckets ask for.
    upkeep_waits: tokio::sync::Notify,
    upkeep: upkeep::Upkeep,
    hot_buckets: records::Memo<records::BucketRecord>,
    hot_pars: records::Memo<records::ParRecord>,
    /// Failed sign-ins of late.
    sign_in_failures: swift::SignInFailures,
}

impl Engine {
    /// Opens the service on its stores.
    pub async fn open(
        backends: Backends,
        environment: Arc<dyn Environment>,
        settings: Settings,
    ) -> Result<Arc<Self>, Error> {
        Ok(Arc::new(Self {
            kv: backends.kv,
            blobs: backends.blobs,
            environment,
            settings,
            identities: identity::IdentityCache::default(),
            pins: Arc::default(),
            counters: counters::Touched::default(),
            copy_keys: work::HeldKeys::default(),
            work_waits: tokio::sync::Notify::new(),
            upkeep_waits: tokio::sync::Notify::new(),
            upkeep: upkeep::Upkeep::default(),
            hot_buckets: records::Memo::default(),
            hot_pars: records::Memo::default(),
            sign_in_failures: swift::SignInFailures::default(),
        }))
    }

    /// The clock and randomness that everything of this service uses.
    pub fn environment(&self) -> &dyn Environment {
        &*self.environment
    }

    /// The region's name.
    pub fn region(&self) -> &str {
        &self.settings.region
    }

    /// The time now, in whole milliseconds: no record or reply is finer.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        let now = self.environment.now();
        jiff::Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
    }

    /// The time now in milliseconds since 1970; zero before that.
    pub(crate) fn now_millis(&self) -> u64 {
        u64::try_from(self.environment.now().as_millisecond()).unwrap_or(0)
    }

    /// Random bytes.
    pub(crate) fn random<const N: usize>(&self) -> [u8; N] {
        environment::random(&*self.environment)
    }
}

/// A bucket by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketPath {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub bucket: BucketName,
}

/// An object by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectPath {
    /// Its bucket.
    pub bucket: BucketPath,
    /// Its name.
    pub object: ObjectName,
}

/// A multipart upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadPath {
    /// The object that it will become.
    pub object: ObjectPath,
    /// Its id.
    pub upload: UploadId,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// What is on it; may be empty though more follows.
    pub items: Vec<T>,
    /// Where the next page begins; nothing on the last.
    pub next: Option<PageToken>,
}
