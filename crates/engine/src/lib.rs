//! Every rule of the service: who may do what, and what then happens to buckets, objects, uploads and
//! pre-authenticated requests. The crate never knows HTTP, status codes, JSON or XML.
//!
//! The one idea is delegated authority: every request is *who* acts, *on whose authority*, *within which scope*.
//! [`Engine::authenticate`] turns a proof into a [`Caller`], and nothing else does; each operation takes one and asks
//! [`authority`] on the snapshot it reads, and again in the transaction that writes.

mod authority;
mod body;
mod bucket;
mod caller;
mod collector;
mod counters;
mod credential;
mod environment;
mod error;
mod explain;
mod identity;
mod keys;
mod object;
mod par;
mod records;
mod transact;
mod upload;

use std::sync::Arc;

use parbuckle_model::{BucketName, Namespace, ObjectName, PageToken, UploadId};

pub use body::{BodyChecks, BodyError, BodyStream, ChecksumAlgorithm, Checksums, RequestBody};
pub use bucket::{Bucket, BucketChange, BucketFields, NewBucket};
pub use caller::{Authenticated, Caller, Proof};
pub use credential::CredentialKind;
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
pub use object::{
    Deleted, ListedObject, ObjectBody, ObjectInfo, ObjectListing, ObjectMd5, ObjectRead, PutObject,
    ReadObject,
};
pub use par::{CreatedPar, NewPar, Par};
pub use records::{
    Capabilities, Compartment, DynamicGroup, Entity, Group, Membership, Policy, PolicyStatement,
    User, WorkOperation,
};
pub use upload::{NewUpload, PartInfo, PartSelection, StartedUpload, StoredPart, Upload};

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
    hot_buckets: records::Memo<records::BucketRecord>,
    hot_pars: records::Memo<records::ParRecord>,
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
            hot_buckets: records::Memo::default(),
            hot_pars: records::Memo::default(),
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
