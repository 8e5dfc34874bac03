//! The rules of buckets hold for Swift too: retention and versions.

use parbuckle_engine::swift::ObjectFields;
use parbuckle_engine::{BucketChange, NewRetentionRule, ReadObject};
use parbuckle_model::Versioning;

use crate::stage::{Stage, acls, fields, outcome};
use crate::world::ALWAYS;

async fn retained(object: ObjectFields) -> Stage {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    stage.put_with("c", "o", object, b"hello").await.unwrap();
    let rule = NewRetentionRule {
        display_name: None,
        duration: None,
        time_locked: None,
    };
    let path = stage.container("c");
    let made = stage
        .engine()
        .create_retention_rule(&stage.world.admin, &path, rule);
    made.await.unwrap();
    stage
}

#[tokio::test]
async fn a_retained_object_is_neither_put_nor_posted_nor_deleted() {
    let stage = retained(ObjectFields::default()).await;
    assert_eq!(
        stage.put_outcome(&stage.owner, "c", "o").await,
        "ObjectRetained"
    );
    let path = stage.object("c", "o");
    let posted = fields(&[("A", "1")]);
    let post = stage
        .engine()
        .swift_post_object(&stage.owner, &path, &posted);
    assert_eq!(outcome(&post.await), "ObjectRetained");
    let delete = stage.engine().swift_delete_object(&stage.owner, &path);
    assert_eq!(outcome(&delete.await), "ObjectRetained");
    assert_eq!(stage.read("c", "o").await, b"hello");
}

#[tokio::test]
async fn a_retained_object_that_expires_is_hidden_and_stays_until_the_rule_goes() {
    let mut object = ObjectFields::default();
    let now = Stage::new().await.seconds_from_now(60);
    object.delete_at = Some(now);
    let stage = retained(object).await;
    stage.world.environment.advance(61);
    stage.engine().expire_objects().await.unwrap();
    assert_eq!(
        stage.read_outcome(&stage.owner, "c", "o").await,
        "ObjectNotFound"
    );
    let (admin, path) = (&stage.world.admin, stage.container("c"));
    assert_eq!(
        outcome(
            &stage
                .engine()
                .swift_delete_container(&stage.owner, &path)
                .await
        ),
        "BucketNotEmpty"
    );
    let rules = stage.engine().retention_rules(admin, &path);
    for rule in rules.await.unwrap() {
        stage
            .engine()
            .delete_retention_rule(admin, &path, &rule.id, &ALWAYS)
            .await
            .unwrap();
    }
    stage.world.environment.advance(60 * 60);
    let done = stage
        .engine()
        .swift_delete_container(&stage.owner, &path)
        .await;
    assert_eq!(outcome(&done), "ok");
}

/// A stage with a bucket that keeps versions.
async fn versioned() -> Stage {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    let change = BucketChange {
        versioning: Some(Versioning::Enabled),
        ..BucketChange::default()
    };
    let bucket = stage.container("c");
    let changed = stage
        .engine()
        .update_bucket(&stage.world.admin, &bucket, change, &ALWAYS);
    changed.await.unwrap();
    stage
}

#[tokio::test]
async fn what_swift_replaces_stays_as_a_version_where_the_bucket_keeps_them() {
    let stage = versioned().await;
    let (admin, path) = (&stage.world.admin, stage.object("c", "o"));
    stage.put("c", "o", b"first").await;
    let read = stage
        .engine()
        .read_object(admin, &path, ReadObject::default())
        .await;
    let first = ReadObject {
        version: Some(read.unwrap().info.version_id),
        ..ReadObject::default()
    };
    stage.put("c", "o", b"second").await;
    stage
        .engine()
        .swift_delete_object(&stage.owner, &path)
        .await
        .unwrap();
    let gone = stage.read_outcome(&stage.owner, "c", "o").await;
    assert_eq!(gone, "ObjectNotFound");
    let old = stage.engine().read_object(admin, &path, first).await;
    assert_eq!(old.unwrap().info.size, 5);
}

#[tokio::test]
async fn an_old_version_that_becomes_current_after_its_time_is_gone() {
    let stage = versioned().await;
    let (admin, path) = (&stage.world.admin, stage.object("c", "o"));
    let expiring = ObjectFields {
        delete_at: Some(stage.seconds_from_now(60)),
        ..ObjectFields::default()
    };
    stage.put_with("c", "o", expiring, b"first").await.unwrap();
    stage.put("c", "o", b"second").await;
    stage.world.environment.advance(61);
    stage.engine().expire_objects().await.unwrap();
    assert_eq!(stage.read("c", "o").await, b"second");
    let read = stage
        .engine()
        .read_object(admin, &path, ReadObject::default())
        .await;
    let second = Some(read.unwrap().info.version_id);
    let (engine, always) = (stage.engine(), &ALWAYS);
    engine
        .delete_object(admin, &path, always, second)
        .await
        .unwrap();
    let gone = stage.read_outcome(&stage.owner, "c", "o").await;
    assert_eq!(gone, "ObjectNotFound");
    stage.engine().expire_objects().await.unwrap();
    let container = stage.container("c");
    let info = stage
        .engine()
        .swift_container(&stage.owner, &container)
        .await
        .unwrap();
    assert_eq!(info.object_count, 0);
}
