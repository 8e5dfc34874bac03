//! Lifecycle policies and auto-tiering: what the daily run does and leaves alone (wire reference 4.6, section 11).

use std::time::Duration;

use parbuckle_engine::{
    BucketChange, LifecycleAction, LifecycleRule, LifecycleTarget, LifecycleTimeUnit,
    NewReplicationPolicy, NewRetentionRule, NewUpload, ObjectNameFilter, ReadObject,
    RetentionDuration, RetentionUnit, UpkeepCounts,
};
use parbuckle_kv::{CommitFault, ReadFault};
use parbuckle_model::{
    AutoTiering, BucketName, ETag, EtagCondition, Preconditions, StorageTier, UploadId, Versioning,
};

use super::shelf::Shelf;
use super::support::audit::{all_keys, census};
use super::support::body::content;
use super::support::{new_bucket, outcome};

pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// Large enough for auto-tiering.
pub(super) const LARGE: usize = 1 << 20;

/// A bucket `b` with a lifecycle policy, and days that pass.
pub(super) struct Keeper(pub(super) Shelf);

impl Keeper {
    async fn new(versioning: Versioning, rules: &[LifecycleRule]) -> Self {
        let keeper = Self(Shelf::new(versioning).await);
        keeper.put_policy(rules).await.unwrap();
        keeper
    }

    pub(super) async fn set_auto_tiering(&self, auto_tiering: AutoTiering) {
        let change = BucketChange {
            auto_tiering: Some(auto_tiering),
            ..BucketChange::default()
        };
        let (world, none) = (&self.0.world, Preconditions::default());
        let updated = world
            .engine
            .update_bucket(&world.admin, self.0.bucket(), change, &none);
        assert_eq!(outcome(&updated.await), "ok");
    }

    async fn put_policy(&self, rules: &[LifecycleRule]) -> Result<ETag, String> {
        self.put_policy_if(rules, Preconditions::default()).await
    }

    async fn put_policy_if(
        &self,
        rules: &[LifecycleRule],
        conditions: Preconditions,
    ) -> Result<ETag, String> {
        let (world, bucket) = (&self.0.world, self.0.bucket());
        let put = world
            .engine
            .put_lifecycle_policy(&world.admin, bucket, rules.to_vec(), &conditions)
            .await;
        put.map(|policy| policy.etag)
            .map_err(|error| outcome::<()>(&Err(error)))
    }

    async fn delete_policy_if(&self, conditions: Preconditions) -> String {
        let (world, bucket) = (&self.0.world, self.0.bucket());
        let deleted = world
            .engine
            .delete_lifecycle_policy(&world.admin, bucket, &conditions);
        outcome(&deleted.await)
    }

    /// Days pass, with the work of each.
    pub(super) async fn days(&self, days: u32) -> UpkeepCounts {
        let before = self.0.world.engine.upkeep_totals();
        for _ in 0..days {
            self.0.world.environment.advance(DAY);
            self.0.world.engine.upkeep_fully().await.unwrap();
        }
        let after = self.0.world.engine.upkeep_totals();
        UpkeepCounts {
            runs: after.runs - before.runs,
            deleted: after.deleted - before.deleted,
            versions_deleted: after.versions_deleted - before.versions_deleted,
            archived: after.archived - before.archived,
            infrequent: after.infrequent - before.infrequent,
            standard: after.standard - before.standard,
            uploads_aborted: after.uploads_aborted - before.uploads_aborted,
            protected: after.protected - before.protected,
            failed: after.failed - before.failed,
        }
    }

    async fn start_upload(&self, name: &str) -> UploadId {
        let (world, path) = (&self.0.world, self.0.world.object("b", name));
        let started = world
            .engine
            .create_upload(&world.admin, &path, NewUpload::default());
        started.await.unwrap().upload.id
    }

    async fn uploads(&self) -> Vec<String> {
        let (world, bucket) = (&self.0.world, self.0.bucket());
        let uploads = world
            .engine
            .uploads(&world.admin, bucket, None, Default::default());
        let uploads = uploads.await.unwrap().items;
        uploads.iter().map(|u| u.object.to_string()).collect()
    }

    pub(super) async fn tier(&self, name: &str) -> StorageTier {
        let (world, path) = (&self.0.world, self.0.world.object("b", name));
        let none = Preconditions::default();
        let info = world
            .engine
            .head_object(&world.admin, &path, &none, None, None);
        info.await.unwrap().storage_tier
    }

    /// Begins to read an object, which is what counts.
    pub(super) async fn open(&self, name: &str) {
        let (world, path) = (&self.0.world, self.0.world.object("b", name));
        let read = world
            .engine
            .read_object(&world.admin, &path, ReadObject::default());
        read.await.unwrap();
    }

    pub(super) async fn keys(&self, kind: &str) -> usize {
        let counts = census(&all_keys(&self.0.world).await);
        counts.get(kind).copied().unwrap_or(0)
    }
}

fn rule(action: LifecycleAction, days: u32) -> LifecycleRule {
    LifecycleRule {
        name: format!("{action:?} after {days}"),
        target: LifecycleTarget::Objects,
        action,
        time_amount: days,
        time_unit: LifecycleTimeUnit::Days,
        enabled: true,
        filter: None,
    }
}

fn previous(action: LifecycleAction, days: u32) -> LifecycleRule {
    LifecycleRule {
        name: format!("{action:?} of previous versions after {days}"),
        target: LifecycleTarget::PreviousVersions,
        ..rule(action, days)
    }
}

fn delete(days: u32) -> LifecycleRule {
    rule(LifecycleAction::Delete, days)
}

fn only_if(etag: ETag) -> Preconditions {
    Preconditions {
        if_match: Some(EtagCondition::OneOf(vec![etag])),
        ..Preconditions::default()
    }
}

#[tokio::test]
async fn an_object_goes_on_the_day_it_is_due() {
    let keeper = Keeper::new(Versioning::Disabled, &[delete(3)]).await;
    keeper.0.put("o", &content(200, 1)).await;
    assert_eq!(keeper.days(2).await.deleted, 0);
    assert_eq!(keeper.0.names().await, ["o"]);
    assert_eq!(keeper.days(1).await.deleted, 1);
    assert!(keeper.0.names().await.is_empty());
    assert_eq!(keeper.0.counts().await, (0, 0));
    assert_eq!(keeper.0.collected().await, (0, 0));
}

#[tokio::test]
async fn an_object_that_was_overwritten_is_young_again() {
    let keeper = Keeper::new(Versioning::Disabled, &[delete(3)]).await;
    keeper.0.put("o", b"old").await;
    keeper.days(2).await;
    keeper.0.put("o", b"new").await;
    assert_eq!(keeper.days(2).await.deleted, 0);
    assert_eq!(keeper.days(1).await.deleted, 1);
}

#[tokio::test]
async fn only_the_names_of_the_filter_are_concerned() {
    let filter = ObjectNameFilter {
        inclusion_prefixes: vec!["logs/".to_owned()],
        inclusion_patterns: vec!["*.tmp".to_owned()],
        exclusion_patterns: vec!["*/keep*".to_owned()],
    };
    let filtered = LifecycleRule {
        filter: Some(filter),
        ..delete(1)
    };
    let keeper = Keeper::new(Versioning::Disabled, &[filtered]).await;
    for name in ["a", "logs/a", "logs/keep", "x/keep.tmp", "x/y.tmp"] {
        keeper.0.put(name, b"x").await;
    }
    assert_eq!(keeper.days(1).await.deleted, 2);
    assert_eq!(keeper.0.names().await, ["a", "logs/keep", "x/keep.tmp"]);
}

#[tokio::test]
async fn objects_grow_cold_and_then_go() {
    use LifecycleAction as A;
    let rules = [rule(A::InfrequentAccess, 1), rule(A::Archive, 2), delete(3)];
    let keeper = Keeper::new(Versioning::Disabled, &rules).await;
    let before = keeper.0.put("o", b"bytes").await;
    assert_eq!(keeper.days(1).await.infrequent, 1);
    assert_eq!(keeper.tier("o").await, StorageTier::InfrequentAccess);
    assert_eq!(keeper.0.info("o").await.etag, before.etag);
    assert_eq!(keeper.days(1).await.archived, 1);
    assert_eq!(keeper.tier("o").await, StorageTier::Archive);
    assert_eq!(keeper.days(1).await.deleted, 1);
}

#[tokio::test]
async fn an_empty_bucket_and_a_disabled_rule_do_nothing() {
    let off = LifecycleRule {
        enabled: false,
        ..delete(1)
    };
    let keeper = Keeper::new(Versioning::Disabled, &[off]).await;
    let nothing = UpkeepCounts {
        runs: 2,
        ..UpkeepCounts::default()
    };
    assert_eq!(keeper.days(2).await, nothing);
    keeper.0.put("o", b"x").await;
    assert_eq!(keeper.days(2).await, nothing);
}

#[tokio::test]
async fn the_latest_version_goes_under_a_delete_marker() {
    let keeper = Keeper::new(Versioning::Enabled, &[delete(1)]).await;
    keeper.0.put("o", b"bytes").await;
    assert_eq!(keeper.days(3).await.deleted, 1);
    assert_eq!(keeper.0.shape().await, "o:x o:5");
}

#[tokio::test]
async fn the_age_of_a_previous_version_counts_from_when_it_became_one() {
    let rules = [previous(LifecycleAction::Delete, 2)];
    let keeper = Keeper::new(Versioning::Enabled, &rules).await;
    keeper.0.put("o", b"1").await;
    keeper.days(5).await;
    keeper.0.put("o", b"22").await;
    assert_eq!(keeper.days(1).await.versions_deleted, 0);
    keeper.0.put("o", b"333").await;
    assert_eq!(keeper.0.shape().await, "o:3 o:2 o:1");
    assert_eq!(keeper.days(1).await.versions_deleted, 1);
    assert_eq!(keeper.0.shape().await, "o:3 o:2");
    assert_eq!(keeper.days(1).await.versions_deleted, 1);
    assert_eq!(keeper.0.shape().await, "o:3");
    assert_eq!(keeper.days(9).await.versions_deleted, 0);
}

#[tokio::test]
async fn several_versions_that_are_due_go_in_one_run() {
    let rules = [previous(LifecycleAction::Delete, 3)];
    let keeper = Keeper(Shelf::new(Versioning::Enabled).await);
    for name in ["a", "b"] {
        for size in 1..=5 {
            keeper.0.put(name, &content(size * 50, 1)).await;
        }
    }
    keeper.0.world.environment.advance(10 * DAY);
    keeper.put_policy(&rules).await.unwrap();
    let counts = keeper.0.world.engine.upkeep_fully().await.unwrap();
    assert_eq!(counts.versions_deleted, 8);
    assert_eq!(keeper.0.shape().await, "a:250 b:250");
    assert_eq!(keeper.0.counts().await, (2, 500));
}

#[tokio::test]
async fn previous_versions_change_tiers_in_their_place() {
    let rules = [previous(LifecycleAction::Archive, 1)];
    let keeper = Keeper::new(Versioning::Enabled, &rules).await;
    let old = keeper.0.put("o", b"old").await.version_id;
    keeper.0.put("o", b"new!").await;
    assert_eq!(keeper.days(2).await.archived, 1);
    assert_eq!(keeper.tier("o").await, StorageTier::Standard);
    let read = keeper.0.read_version("o", old).await;
    assert_eq!(read.unwrap_err(), "ObjectArchived");
    assert_eq!(keeper.0.shape().await, "o:4 o:3");
}

#[tokio::test]
async fn a_delete_marker_goes_when_it_hides_nothing_any_more() {
    let rules = [previous(LifecycleAction::Delete, 2)];
    let keeper = Keeper::new(Versioning::Enabled, &rules).await;
    keeper.0.put("o", b"bytes").await;
    keeper.0.delete("o").await;
    assert_eq!(keeper.days(1).await.versions_deleted, 0);
    assert_eq!(keeper.0.shape().await, "o:x o:5");
    assert_eq!(keeper.days(1).await.versions_deleted, 2);
    assert_eq!(keeper.0.shape().await, "");
    assert_eq!(keeper.0.delete_bucket().await, "ok");
}

#[tokio::test]
async fn a_delete_marker_that_hides_something_stays() {
    let not_this = ObjectNameFilter {
        exclusion_patterns: vec!["o".to_owned()],
        ..ObjectNameFilter::default()
    };
    let others = LifecycleRule {
        filter: Some(not_this),
        ..previous(LifecycleAction::Delete, 1)
    };
    let archive = previous(LifecycleAction::Archive, 1);
    let keeper = Keeper::new(Versioning::Enabled, &[others, archive]).await;
    keeper.0.put("o", b"bytes").await;
    keeper.0.delete("o").await;
    assert_eq!(keeper.days(5).await.versions_deleted, 0);
    assert_eq!(keeper.0.shape().await, "o:x o:5");
}

#[tokio::test]
async fn uploads_are_aborted_at_their_age() {
    let abort = LifecycleRule {
        target: LifecycleTarget::Uploads,
        action: LifecycleAction::Abort,
        ..delete(2)
    };
    let keeper = Keeper::new(Versioning::Disabled, &[abort]).await;
    keeper.start_upload("old").await;
    keeper.days(1).await;
    keeper.start_upload("young").await;
    assert_eq!(keeper.days(1).await.uploads_aborted, 1);
    assert_eq!(keeper.uploads().await, ["young"]);
}

#[tokio::test]
async fn what_a_retention_rule_protects_is_left_and_the_rest_goes() {
    let keeper = Keeper::new(Versioning::Disabled, &[delete(1)]).await;
    keeper.0.put("old", b"x").await;
    let (world, bucket) = (&keeper.0.world, keeper.0.bucket());
    world.environment.advance(2 * DAY);
    keeper.0.put("young", b"x").await;
    let rule = NewRetentionRule {
        display_name: None,
        duration: Some(RetentionDuration {
            amount: 3,
            unit: RetentionUnit::Days,
        }),
        time_locked: None,
    };
    let made = world
        .engine
        .create_retention_rule(&world.admin, bucket, rule);
    assert_eq!(outcome(&made.await), "ok");
    let counts = keeper.days(1).await;
    assert_eq!((counts.deleted, counts.protected), (1, 1));
    assert_eq!(keeper.0.names().await, ["young"]);
    let counts = keeper.days(2).await;
    assert_eq!((counts.deleted, counts.protected, counts.failed), (1, 1, 0));
}

#[tokio::test]
async fn a_read_only_bucket_is_left_to_its_replication() {
    let keeper = Keeper::new(Versioning::Disabled, &[delete(1)]).await;
    keeper.0.put("o", b"x").await;
    let world = &keeper.0.world;
    let (engine, admin) = (&world.engine, &world.admin);
    let source = new_bucket(world, "source");
    let made = engine.create_bucket(admin, &world.namespace, source).await;
    assert_eq!(outcome(&made), "ok");
    let policy = NewReplicationPolicy {
        name: "p".to_owned(),
        destination_region: engine.region().to_owned(),
        destination_bucket: BucketName::parse("b").unwrap(),
    };
    let path = world.bucket("source");
    let made = engine.create_replication_policy(admin, &path, policy);
    assert_eq!(outcome(&made.await), "ok");
    let counts = keeper.days(3).await;
    assert_eq!((counts.runs, counts.failed), (0, 0));
    assert_eq!(keeper.0.names().await, ["o"]);
}

#[tokio::test]
async fn a_bucket_has_one_run_a_day_and_a_restart_makes_none() {
    let keeper = Keeper::new(Versioning::Disabled, &[delete(1)]).await;
    let runs = async |world: &super::support::world::World| {
        let before = world.engine.upkeep_totals().runs;
        world.engine.upkeep_fully().await.unwrap();
        world.engine.upkeep_totals().runs - before
    };
    let mut world = keeper.0.world;
    assert_eq!(runs(&world).await, 1);
    for _ in 0..2 {
        assert_eq!(runs(&world).await, 0);
        world.environment.advance(DAY - Duration::from_millis(1));
        world = world.restart().await;
        assert_eq!(runs(&world).await, 0);
        world.environment.advance(Duration::from_millis(1));
        assert_eq!(runs(&world).await, 1);
    }
}

#[tokio::test]
async fn a_run_goes_on_where_it_stopped_after_a_restart() {
    // More than the turn of one round.
    const OBJECTS: u64 = 5100;
    let keeper = Keeper::new(Versioning::Disabled, &[delete(1)]).await;
    for number in 0..OBJECTS {
        keeper.0.put(&format!("{number:04}"), b"").await;
    }
    let world = keeper.0.world;
    world.environment.advance(DAY);
    world.engine.upkeep_once().await.unwrap();
    let first = world.engine.upkeep_totals();
    assert_eq!((first.runs, first.deleted), (0, 5000));
    // Due by the time the run goes on, but it lies behind it.
    let path = world.object("b", "0000");
    let bytes = super::support::body::body(b"", 1);
    let put = world
        .engine
        .put_object(&world.admin, &path, Default::default(), bytes);
    assert_eq!(outcome(&put.await), "ok");
    let world = world.restart().await;
    world.environment.advance(DAY);
    let rest = world.engine.upkeep_fully().await.unwrap();
    assert_eq!((rest.runs, rest.deleted), (1, OBJECTS - 5000));
}

#[tokio::test]
async fn a_run_that_fails_anywhere_is_finished_the_next_time() {
    for nth in 1..30 {
        for fault in 0..4 {
            // There are fewer commits than reads.
            if fault > 0 && nth > 6 {
                continue;
            }
            let keeper = keeper_with_versions().await;
            let faults = &keeper.0.world.kv_faults;
            match fault {
                0 => faults.on_read(nth, ReadFault::Unavailable),
                1 => faults.on_commit(nth, CommitFault::NotDone),
                2 => faults.on_commit(nth, CommitFault::UnknownApplied),
                _ => faults.on_commit(nth, CommitFault::UnknownNotApplied),
            }
            let engine = &keeper.0.world.engine;
            for _ in 0..3 {
                keeper.0.world.environment.advance(DAY);
                if engine.upkeep_fully().await.is_err() {
                    engine.upkeep_fully().await.unwrap();
                }
            }
            assert_eq!(keeper.0.shape().await, "", "fault {fault} at {nth}");
            assert_eq!(keeper.0.collected().await, (0, 0), "fault {fault} at {nth}");
        }
    }
}

/// Current objects and a previous version, all due in a day.
async fn keeper_with_versions() -> Keeper {
    let rules = [delete(1), previous(LifecycleAction::Delete, 1)];
    let keeper = Keeper::new(Versioning::Enabled, &rules).await;
    keeper.0.put("a", &content(100, 1)).await;
    keeper.0.put("a", &content(200, 1)).await;
    keeper.0.put("b", &content(10, 1)).await;
    keeper
}

#[tokio::test]
async fn a_policy_is_put_shown_and_deleted_under_conditions() {
    let keeper = Keeper(Shelf::new(Versioning::Disabled).await);
    let (world, bucket) = (&keeper.0.world, keeper.0.bucket());
    let shown = async || world.engine.lifecycle_policy(&world.admin, bucket).await;
    assert_eq!(outcome(&shown().await), "LifecyclePolicyNotFound");
    let none = Preconditions::default();
    let missing = keeper.delete_policy_if(none.clone()).await;
    assert_eq!(missing, "LifecyclePolicyNotFound");

    let new_only = Preconditions {
        if_none_match: Some(EtagCondition::Any),
        ..Preconditions::default()
    };
    let first = keeper.put_policy_if(&[delete(1)], new_only.clone()).await;
    let first = first.unwrap();
    assert_eq!(shown().await.unwrap().rules, [delete(1)]);
    let again = keeper.put_policy_if(&[delete(2)], new_only).await;
    assert_eq!(again.unwrap_err(), "IfNoneMatchFailed");
    let second = keeper.put_policy_if(&[delete(2)], only_if(first)).await;
    let second = second.unwrap();
    assert_ne!(first, second);

    let bucket_now = world
        .engine
        .bucket(&world.admin, bucket, Default::default(), &none);
    assert_eq!(bucket_now.await.unwrap().lifecycle_etag, Some(second));
    assert_eq!(
        keeper.delete_policy_if(only_if(first)).await,
        "IfMatchFailed"
    );
    assert_eq!(keeper.delete_policy_if(only_if(second)).await, "ok");
    let bucket_now = world
        .engine
        .bucket(&world.admin, bucket, Default::default(), &none);
    assert_eq!(bucket_now.await.unwrap().lifecycle_etag, None);
    assert_eq!(outcome(&shown().await), "LifecyclePolicyNotFound");
}

#[tokio::test]
async fn a_policy_that_is_deleted_is_not_carried_out() {
    let keeper = Keeper::new(Versioning::Disabled, &[delete(1)]).await;
    keeper.0.put("o", b"x").await;
    assert_eq!(
        keeper.delete_policy_if(Preconditions::default()).await,
        "ok"
    );
    assert_eq!(keeper.days(3).await, UpkeepCounts::default());
    assert_eq!(keeper.0.names().await, ["o"]);
}

#[tokio::test]
async fn a_policy_of_unknown_outcome_is_there_in_the_end() {
    for fault in [CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
        let keeper = Keeper(Shelf::new(Versioning::Disabled).await);
        keeper.0.world.kv_faults.on_commit(1, fault);
        let etag = keeper.put_policy(&[delete(1)]).await.unwrap();
        keeper.0.world.kv_faults.on_commit(1, fault);
        assert_eq!(keeper.delete_policy_if(only_if(etag)).await, "ok");
    }
}

#[tokio::test]
async fn a_deleted_bucket_leaves_nothing_of_its_upkeep() {
    let keeper = Keeper::new(Versioning::Disabled, &[delete(32)]).await;
    keeper.set_auto_tiering(AutoTiering::InfrequentAccess).await;
    keeper.0.put("o", &content(LARGE, 1)).await;
    keeper.open("o").await;
    keeper.days(1).await;
    assert_eq!((keeper.keys("Z").await, keeper.keys("H").await), (1, 1));
    assert_eq!(keeper.keys("A").await, 1);
    keeper.0.delete("o").await;
    assert_eq!(keeper.0.delete_bucket().await, "ok");
    for kind in ["Z", "H", "A", "00 k"] {
        assert_eq!(keeper.keys(kind).await, 0, "{kind}");
    }
    assert_eq!(keeper.days(2).await, UpkeepCounts::default());
}
