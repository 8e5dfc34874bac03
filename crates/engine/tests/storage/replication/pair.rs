//! Two buckets, a policy between them, and what they hold.

use std::collections::BTreeMap;
use std::time::Duration;

use parbuckle_engine::{
    Caller, Error, NewReplicationPolicy, NewRetentionRule, ObjectInfo, PutObject, ReadObject,
    ReplicationPolicy, RetentionDuration, RetentionUnit,
};
use parbuckle_model::{PageLimit, Preconditions, ReplicationPolicyId, VersionId, Versioning};

use crate::support::audit::{all_keys, census};
use crate::support::body::{body, content, read_all};
use crate::support::listing::everything;
use crate::support::world::{Stores, World};
use crate::support::{new_bucket, outcome};

pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// A body that stays beside its record, and one that becomes a blob.
pub(super) const SIZES: [usize; 2] = [10, 100];

/// A service with the buckets `from` and `to`.
pub(super) struct Pair(pub(super) World);

impl Pair {
    /// Two empty buckets without a policy.
    pub(super) async fn unbound() -> Self {
        Self::of(Versioning::Disabled, Versioning::Disabled).await
    }

    pub(super) async fn of(from: Versioning, to: Versioning) -> Self {
        let pair = Self(World::new(Stores::Memory, 1).await);
        for (name, versioning) in [("from", from), ("to", to), ("other", Versioning::Disabled)] {
            let mut new = new_bucket(&pair.0, name);
            new.versioning = versioning;
            let (engine, namespace) = (&pair.0.engine, &pair.0.namespace);
            engine
                .create_bucket(&pair.0.admin, namespace, new)
                .await
                .unwrap();
        }
        pair
    }

    /// Two empty buckets; `from` is replicated to `to`.
    pub(super) async fn bound() -> (Self, ReplicationPolicy) {
        let pair = Self::unbound().await;
        let policy = pair.bind("from", "to").await.unwrap();
        (pair, policy)
    }

    pub(super) async fn bind(&self, from: &str, to: &str) -> Result<ReplicationPolicy, Error> {
        self.create(from, self.new_policy(to)).await
    }

    pub(super) fn new_policy(&self, to: &str) -> NewReplicationPolicy {
        NewReplicationPolicy {
            name: "p".to_owned(),
            destination_region: self.0.engine.region().to_owned(),
            destination_bucket: self.0.bucket(to).bucket,
        }
    }

    pub(super) async fn create(
        &self,
        from: &str,
        new: NewReplicationPolicy,
    ) -> Result<ReplicationPolicy, Error> {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        engine
            .create_replication_policy(admin, &self.0.bucket(from), new)
            .await
    }

    pub(super) async fn policy(&self, id: &ReplicationPolicyId) -> ReplicationPolicy {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let path = self.0.bucket("from");
        let found = engine.replication_policy(admin, &path, id).await;
        found.unwrap()
    }

    pub(super) async fn policies(&self) -> Vec<ReplicationPolicy> {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let (path, limit) = (self.0.bucket("from"), PageLimit::default());
        let page = engine.replication_policies(admin, &path, None, limit).await;
        page.unwrap().items
    }

    pub(super) async fn unbind(&self, id: &ReplicationPolicyId) -> String {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let path = self.0.bucket("from");
        let deleted = engine.delete_replication_policy(admin, &path, id).await;
        outcome(&deleted)
    }

    pub(super) async fn release(&self, bucket: &str) -> String {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let path = self.0.bucket(bucket);
        outcome(&engine.make_bucket_writable(admin, &path).await)
    }

    /// Puts an object of so many bytes, which differ from put to put.
    pub(super) async fn put(&self, bucket: &str, object: &str, len: usize) -> String {
        let bytes = content(len, self.0.kv_faults.commits());
        let done = self.put_bytes(
            &self.0.admin,
            (bucket, object),
            PutObject::default(),
            &bytes,
        );
        done.await
    }

    pub(super) async fn put_bytes(
        &self,
        caller: &Caller,
        (bucket, object): (&str, &str),
        put: PutObject,
        bytes: &[u8],
    ) -> String {
        let path = self.0.object(bucket, object);
        let done = self.0.engine.put_object(caller, &path, put, body(bytes, 1));
        outcome(&done.await)
    }

    pub(super) async fn delete(
        &self,
        bucket: &str,
        object: &str,
        version: Option<VersionId>,
    ) -> String {
        let path = self.0.object(bucket, object);
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let deleted = engine.delete_object(admin, &path, &ALWAYS, version);
        outcome(&deleted.await)
    }

    pub(super) async fn head(&self, bucket: &str, object: &str) -> Option<ObjectInfo> {
        let path = self.0.object(bucket, object);
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let info = engine.head_object(admin, &path, &ALWAYS, None, None).await;
        info.ok()
    }

    /// Gives a bucket a retention rule of a day.
    pub(super) async fn retain(&self, bucket: &str) {
        let day = NewRetentionRule {
            duration: Some(RetentionDuration {
                amount: 1,
                unit: RetentionUnit::Days,
            }),
            ..NewRetentionRule::default()
        };
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let path = self.0.bucket(bucket);
        let made = engine.create_retention_rule(admin, &path, day).await;
        assert_eq!(outcome(&made), "ok");
    }

    /// One round of the background, without errors.
    pub(super) async fn replicate(&self) {
        self.try_replicate().await.unwrap();
    }

    pub(super) async fn try_replicate(&self) -> Result<(), Error> {
        self.0.engine.upkeep_once().await.map(drop)
    }

    /// What a bucket holds: of each object what replication keeps.
    pub(super) async fn held(&self, bucket: &str) -> BTreeMap<String, Kept> {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let path = self.0.bucket(bucket);
        let listing = engine.list_objects(admin, &path, &everything()).await;
        let mut held = BTreeMap::new();
        for listed in listing.unwrap().objects {
            let path = self.0.object(bucket, &listed.name);
            let read = engine.read_object(admin, &path, ReadObject::default());
            let bytes = read_all(read.await.unwrap().body).await.unwrap();
            held.insert(listed.name, Kept::of(listed.info, bytes));
        }
        held
    }

    /// Checks that the destination holds what the source holds.
    pub(super) async fn assert_mirrored(&self) {
        assert_eq!(self.held("to").await, self.held("from").await);
        assert_eq!(self.waiting().await, 0, "changes that wait");
    }

    /// Number of entries in all journals.
    pub(super) async fn waiting(&self) -> usize {
        self.keys("J").await
    }

    pub(super) async fn keys(&self, kind: &str) -> usize {
        let census = census(&all_keys(&self.0).await);
        census.get(kind).copied().unwrap_or(0)
    }
}

/// What is the same at both ends.
#[derive(Debug, PartialEq)]
pub(super) struct Kept {
    pub(super) info: ObjectInfo,
    pub(super) bytes: Vec<u8>,
}

impl Kept {
    /// Without version and times, which are each bucket's own.
    pub(super) fn of(info: ObjectInfo, bytes: Vec<u8>) -> Self {
        let epoch = jiff::Timestamp::UNIX_EPOCH;
        let info = ObjectInfo {
            version_id: VersionId::new(0, [0; 10]),
            time_created: epoch,
            time_modified: epoch,
            ..info
        };
        Self { info, bytes }
    }
}

/// No conditions.
pub(super) static ALWAYS: Preconditions = Preconditions {
    if_match: None,
    if_none_match: None,
};
