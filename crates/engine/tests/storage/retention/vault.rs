//! A bucket with an object in it, and its retention rules.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use parbuckle_engine::{
    BucketChange, Caller, Error, NewRetentionRule, NewUpload, PartSelection, PutObject,
    RenameObject, RetentionDuration, RetentionRule, RetentionRuleChange, RetentionUnit, UploadPart,
};
use parbuckle_model::{
    ObjectName, Preconditions, RetentionRuleId, UploadId, VersionId, Versioning,
};

use crate::support::body::body;
use crate::support::world::{Stores, World};
use crate::support::{new_bucket, outcome, part};

pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

pub(super) const RETAINED: &str = "ObjectRetained";

/// A service with bucket `b`, in it the object `o`.
pub(super) struct Vault(pub(super) World);

impl Vault {
    pub(super) async fn new() -> Self {
        let vault = Self(World::new(Stores::Memory, 1).await);
        let new = new_bucket(&vault.0, "b");
        let (engine, namespace) = (&vault.0.engine, &vault.0.namespace);
        engine
            .create_bucket(&vault.0.admin, namespace, new)
            .await
            .unwrap();
        assert_eq!(vault.put(&vault.0.admin, "o").await, "ok");
        vault
    }

    /// The same with a rule of one day.
    pub(super) async fn of_a_day() -> (Self, RetentionRule) {
        let vault = Self::new().await;
        let rule = vault.create(rule(days(1))).await.unwrap();
        (vault, rule)
    }

    pub(super) async fn create(&self, new: NewRetentionRule) -> Result<RetentionRule, Error> {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        engine
            .create_retention_rule(admin, &self.0.bucket("b"), new)
            .await
    }

    pub(super) async fn update(
        &self,
        id: &RetentionRuleId,
        change: RetentionRuleChange,
    ) -> Result<RetentionRule, Error> {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        engine
            .update_retention_rule(admin, &self.0.bucket("b"), id, change, &ALWAYS)
            .await
    }

    pub(super) async fn delete_rule(&self, id: &RetentionRuleId) -> String {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let path = self.0.bucket("b");
        outcome(
            &engine
                .delete_retention_rule(admin, &path, id, &ALWAYS)
                .await,
        )
    }

    pub(super) async fn rules(&self) -> Vec<RetentionRule> {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let path = self.0.bucket("b");
        engine.retention_rules(admin, &path).await.unwrap()
    }

    pub(super) async fn set_versioning(&self, versioning: Versioning) -> String {
        let change = BucketChange {
            versioning: Some(versioning),
            ..BucketChange::default()
        };
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let path = self.0.bucket("b");
        outcome(&engine.update_bucket(admin, &path, change, &ALWAYS).await)
    }

    pub(super) async fn put(&self, caller: &Caller, object: &str) -> String {
        let path = self.0.object("b", object);
        let put = self
            .0
            .engine
            .put_object(caller, &path, PutObject::default(), body(b"x", 1));
        outcome(&put.await)
    }

    pub(super) async fn delete(&self, object: &str, version: Option<VersionId>) -> String {
        let path = self.0.object("b", object);
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let deleted = engine.delete_object(admin, &path, &ALWAYS, version);
        outcome(&deleted.await)
    }

    pub(super) async fn version(&self, object: &str) -> VersionId {
        let path = self.0.object("b", object);
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let info = engine.head_object(admin, &path, &ALWAYS, None, None).await;
        info.unwrap().version_id
    }

    /// An upload of `object` with one part.
    pub(super) async fn upload(&self, object: &str) -> UploadId {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let path = self.0.object("b", object);
        let started = engine.create_upload(admin, &path, NewUpload::default());
        let id = started.await.unwrap().upload.id;
        let path = self.0.upload("b", object, id);
        let stored = engine.upload_part(
            admin,
            &path,
            part(1),
            &ALWAYS,
            UploadPart::default(),
            body(b"part", 1),
        );
        stored.await.unwrap();
        id
    }

    pub(super) async fn commit(&self, object: &str, upload: UploadId) -> String {
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let path = self.0.upload("b", object, upload);
        let committed = engine.commit_upload(admin, &path, PartSelection::All, &ALWAYS);
        outcome(&committed.await)
    }

    pub(super) async fn rename(&self, source: &str, destination: &str) -> String {
        let name = |text: &str| ObjectName::parse(text.as_bytes()).unwrap();
        let rename = RenameObject {
            source: name(source),
            destination: name(destination),
            source_if_match: None,
            preconditions: ALWAYS.clone(),
        };
        let (engine, admin) = (&self.0.engine, &self.0.admin);
        let path = self.0.bucket("b");
        outcome(&engine.rename_object(admin, &path, rename).await)
    }

    pub(super) fn advance(&self, by: Duration) {
        self.0.environment.advance(by);
    }

    pub(super) fn in_days(&self, days: i64) -> Timestamp {
        self.0.engine.environment().now() + SignedDuration::from_hours(24 * days)
    }
}

/// No conditions.
pub(super) static ALWAYS: Preconditions = Preconditions {
    if_match: None,
    if_none_match: None,
};

pub(super) fn days(amount: u64) -> Option<RetentionDuration> {
    Some(RetentionDuration {
        amount,
        unit: RetentionUnit::Days,
    })
}

pub(super) fn rule(duration: Option<RetentionDuration>) -> NewRetentionRule {
    NewRetentionRule {
        display_name: Some("r".to_owned()),
        duration,
        time_locked: None,
    }
}

pub(super) fn lasting(duration: Option<RetentionDuration>) -> RetentionRuleChange {
    RetentionRuleChange {
        duration: Some(duration),
        ..RetentionRuleChange::default()
    }
}

pub(super) fn locking(time: Option<Timestamp>) -> RetentionRuleChange {
    RetentionRuleChange {
        time_locked: Some(time),
        ..RetentionRuleChange::default()
    }
}
