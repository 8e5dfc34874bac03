//! Tiers: what moves where, and how what is archived becomes readable for a while (wire reference section 11).

use std::sync::Arc;
use std::time::Duration;

use parbuckle_engine::{
    Backends, Engine, NewBucket, NewRetentionRule, NewUpload, ObjectInfo, ObjectVersion, PutObject,
    Restoration, Settings,
};
use parbuckle_kv::CommitFault;
use parbuckle_model::{ArchivalState, Preconditions, StorageTier, VersionId, Versioning};

use super::shelf::Shelf;
use super::support::body::{body, sent_later};
use super::support::{kind_of, new_bucket, outcome};

const HOUR: Duration = Duration::from_secs(3600);

/// What the tests of tiers do with object `o` of bucket `b`.
struct Tiers(Shelf);

impl Tiers {
    /// The object is archived.
    async fn archived() -> Self {
        let tiers = Self(Shelf::new(Versioning::Disabled).await);
        tiers.0.put("o", b"bytes").await;
        assert_eq!(tiers.update(StorageTier::Archive).await, "ok");
        tiers
    }

    async fn update(&self, tier: StorageTier) -> String {
        self.update_version(tier, None).await
    }

    async fn update_version(&self, tier: StorageTier, version: Option<VersionId>) -> String {
        let (world, path) = (&self.0.world, self.0.world.object("b", "o"));
        let updated = world
            .engine
            .update_object_tier(&world.admin, &path, version, tier);
        outcome(&updated.await)
    }

    async fn restore(&self, hours: u32) -> Result<Restoration, String> {
        self.restore_by(&self.0.world.engine, hours).await
    }

    async fn restore_by(&self, engine: &Engine, hours: u32) -> Result<Restoration, String> {
        let (world, path) = (&self.0.world, self.0.world.object("b", "o"));
        let restored = engine.restore_object(&world.admin, &path, None, hours);
        restored.await.map_err(|error| kind_of(&error))
    }

    async fn head(&self) -> ObjectInfo {
        let (world, path) = (&self.0.world, self.0.world.object("b", "o"));
        let none = Preconditions::default();
        let info = world
            .engine
            .head_object(&world.admin, &path, &none, None, None);
        info.await.unwrap()
    }

    async fn state(&self) -> Option<ArchivalState> {
        let now = self.0.world.engine.environment().now();
        self.head().await.archival_state(now)
    }

    fn wait(&self, time: Duration) {
        self.0.world.environment.advance(time);
    }
}

#[tokio::test]
async fn an_object_moves_to_any_tier_and_keeps_everything_else() {
    let tiers = Tiers(Shelf::new(Versioning::Disabled).await);
    let before = tiers.0.put("o", b"bytes").await;
    tiers.wait(HOUR);
    for tier in [
        StorageTier::InfrequentAccess,
        StorageTier::Standard,
        StorageTier::Archive,
        StorageTier::Archive,
    ] {
        assert_eq!(tiers.update(tier).await, "ok", "{tier:?}");
        let moved = ObjectInfo {
            storage_tier: tier,
            ..before.clone()
        };
        assert_eq!(tiers.head().await, moved);
    }
    assert_eq!(tiers.0.counts().await, (1, 5));
}

#[tokio::test]
async fn a_version_that_is_not_current_moves_alone() {
    let tiers = Tiers(Shelf::new(Versioning::Enabled).await);
    let old = tiers.0.put("o", b"old").await.version_id;
    tiers.0.put("o", b"new!").await;
    let moved = tiers.update_version(StorageTier::Archive, Some(old)).await;
    assert_eq!(moved, "ok");
    let found = tiers.0.versions().await;
    let found = found.iter().map(|listed| match &listed.version {
        ObjectVersion::Object(info) => info.storage_tier,
        ObjectVersion::DeleteMarker { .. } => panic!("nothing was deleted"),
    });
    let expected = [StorageTier::Standard, StorageTier::Archive];
    assert_eq!(found.collect::<Vec<_>>(), expected);
    let read = tiers.0.read_version("o", old).await;
    assert_eq!(read.unwrap_err(), "ObjectArchived");
}

#[tokio::test]
async fn a_missing_object_and_a_delete_marker_have_no_tier() {
    let tiers = Tiers(Shelf::new(Versioning::Enabled).await);
    let missing = "ObjectNotFound";
    assert_eq!(tiers.update(StorageTier::Archive).await, missing);
    tiers.0.put("o", b"bytes").await;
    let marker = tiers.0.delete("o").await.version_id;
    assert_eq!(tiers.update(StorageTier::Archive).await, missing);
    let moved = tiers.update_version(StorageTier::Archive, marker).await;
    assert_eq!(moved, missing);
    assert_eq!(tiers.restore(1).await.unwrap_err(), missing);
}

#[tokio::test]
async fn an_archived_object_is_read_only_while_it_is_restored() {
    let tiers = Tiers::archived().await;
    assert_eq!(tiers.state().await, Some(ArchivalState::Archived));
    assert_eq!(tiers.0.read("o").await.unwrap_err(), "ObjectArchived");
    assert_eq!(tiers.restore(2).await, Ok(Restoration::Started));
    assert_eq!(tiers.state().await, Some(ArchivalState::Restored));
    assert_eq!(tiers.0.read("o").await.unwrap(), b"bytes");
    tiers.wait(2 * HOUR - Duration::from_millis(1));
    assert_eq!(tiers.0.read("o").await.unwrap(), b"bytes");
    tiers.wait(Duration::from_millis(1));
    assert_eq!(tiers.state().await, Some(ArchivalState::Archived));
    assert_eq!(tiers.0.read("o").await.unwrap_err(), "ObjectArchived");
    assert_eq!(tiers.restore(1).await, Ok(Restoration::Started));
}

#[tokio::test]
async fn a_second_wish_prolongs_the_window_and_never_shortens_it() {
    let tiers = Tiers::archived().await;
    tiers.restore(2).await.unwrap();
    tiers.wait(HOUR);
    assert_eq!(tiers.restore(3).await, Ok(Restoration::Already));
    assert_eq!(tiers.restore(1).await, Ok(Restoration::Already));
    tiers.wait(3 * HOUR - Duration::from_millis(1));
    assert_eq!(tiers.state().await, Some(ArchivalState::Restored));
    tiers.wait(Duration::from_millis(1));
    assert_eq!(tiers.state().await, Some(ArchivalState::Archived));
}

#[tokio::test]
async fn a_delay_stands_before_the_window() {
    let tiers = Tiers::archived().await;
    let world = &tiers.0.world;
    let backends = Backends {
        kv: Arc::clone(&world.kv),
        blobs: Arc::clone(&world.blobs) as Arc<dyn parbuckle_blob::Store>,
    };
    let settings = Settings {
        archive_restore_delay: HOUR,
        ..Settings::default()
    };
    let environment = Arc::clone(&world.environment);
    let slow = Engine::open(backends, environment, settings).await.unwrap();
    let restored = tiers.restore_by(&slow, 1).await;
    assert_eq!(restored, Ok(Restoration::Started));
    let again = tiers.restore_by(&slow, 1).await;
    assert_eq!(again, Ok(Restoration::Already));
    for state in [ArchivalState::Restoring, ArchivalState::Restored] {
        assert_eq!(tiers.state().await, Some(state));
        let readable = state == ArchivalState::Restored;
        assert_eq!(tiers.0.read("o").await.is_ok(), readable);
        tiers.wait(HOUR);
    }
    assert_eq!(tiers.state().await, Some(ArchivalState::Archived));
}

#[tokio::test]
async fn only_archived_objects_are_restored_and_for_1_to_240_hours() {
    let tiers = Tiers(Shelf::new(Versioning::Disabled).await);
    tiers.0.put("o", b"bytes").await;
    let refused = "InvalidParameter";
    assert_eq!(tiers.restore(24).await.unwrap_err(), refused);
    tiers.update(StorageTier::Archive).await;
    assert_eq!(tiers.restore(0).await.unwrap_err(), refused);
    assert_eq!(tiers.restore(241).await.unwrap_err(), refused);
    assert_eq!(tiers.restore(240).await, Ok(Restoration::Started));
}

#[tokio::test]
async fn from_archive_only_what_is_restored_moves() {
    let tiers = Tiers::archived().await;
    let standard = StorageTier::Standard;
    assert_eq!(tiers.update(standard).await, "ObjectArchived");
    tiers.restore(1).await.unwrap();
    assert_eq!(tiers.update(standard).await, "ok");
    assert_eq!(tiers.head().await.restored, None);
    tiers.wait(2 * HOUR);
    assert_eq!(tiers.0.read("o").await.unwrap(), b"bytes");
}

#[tokio::test]
async fn an_archive_bucket_holds_only_archived_objects() {
    let tiers = Tiers(Shelf::new(Versioning::Disabled).await);
    let world = &tiers.0.world;
    let new = NewBucket {
        storage_tier: StorageTier::Archive,
        ..new_bucket(world, "cold")
    };
    let (engine, admin) = (&world.engine, &world.admin);
    let made = engine.create_bucket(admin, &world.namespace, new).await;
    assert_eq!(outcome(&made), "ok");
    let path = world.object("cold", "o");
    for tier in [StorageTier::Standard, StorageTier::InfrequentAccess] {
        let put = PutObject {
            storage_tier: Some(tier),
            ..PutObject::default()
        };
        // Nobody ever sends the body: it is not asked for.
        let (_sender, body) = sent_later(5);
        let put = engine.put_object(admin, &path, put, body).await;
        assert_eq!(outcome(&put), "InvalidParameter");
        let new = NewUpload {
            storage_tier: Some(tier),
            ..NewUpload::default()
        };
        let started = engine.create_upload(admin, &path, new).await;
        assert_eq!(outcome(&started), "InvalidParameter");
    }
    let put = engine.put_object(admin, &path, PutObject::default(), body(b"bytes", 1));
    assert_eq!(put.await.unwrap().storage_tier, StorageTier::Archive);
    engine.restore_object(admin, &path, None, 1).await.unwrap();
    let moved = engine.update_object_tier(admin, &path, None, StorageTier::Standard);
    assert_eq!(outcome(&moved.await), "InvalidParameter");
}

#[tokio::test]
async fn a_retention_rule_does_not_keep_an_object_in_its_tier() {
    let tiers = Tiers(Shelf::new(Versioning::Disabled).await);
    tiers.0.put("o", b"bytes").await;
    let (world, bucket) = (&tiers.0.world, tiers.0.bucket());
    let rule = NewRetentionRule {
        display_name: None,
        duration: None,
        time_locked: None,
    };
    let made = world
        .engine
        .create_retention_rule(&world.admin, bucket, rule);
    assert_eq!(outcome(&made.await), "ok");
    assert_eq!(tiers.update(StorageTier::Archive).await, "ok");
    assert_eq!(tiers.restore(1).await, Ok(Restoration::Started));
    let deleted = tiers.0.try_delete("o", None).await;
    assert_eq!(deleted.unwrap_err(), "ObjectRetained");
}

#[tokio::test]
async fn a_restoration_of_unknown_outcome_is_told_as_it_happened() {
    for fault in [CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
        let tiers = Tiers::archived().await;
        tiers.0.world.kv_faults.on_commit(1, fault);
        let restored = tiers.restore(1).await;
        assert_eq!(restored, Ok(Restoration::Started), "{fault:?}");
        tiers.0.world.kv_faults.on_commit(1, fault);
        assert_eq!(tiers.update(StorageTier::Standard).await, "ok");
        assert_eq!(tiers.head().await.storage_tier, StorageTier::Standard);
    }
}
