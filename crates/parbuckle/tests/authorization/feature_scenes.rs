//! The scenes of `features.rs`.

use std::time::Duration;

use parbuckle_testkit::Reply;
use serde_json::{Value, json};

use super::row::{Names, Scene};
use super::scenes::text;
use super::stage::{BESIDE, BUCKET, OBJECT, Stage};

/// What is in the scene, if it is one of these.
pub(crate) async fn set(stage: &Stage, scene: Scene) -> Names {
    let admin = &stage.admin;
    match scene {
        Scene::Version => {
            let put = admin.put_object(BUCKET, OBJECT, "content").await;
            Names::from([("versionId", version(&put))])
        }
        Scene::OldVersion => {
            let (bucket, first) = versioned_object(stage).await;
            admin.put_object(&bucket, OBJECT, "younger").await;
            Names::from([("bucket", bucket), ("versionId", first)])
        }
        Scene::DeleteMarker => {
            let (bucket, _) = versioned_object(stage).await;
            let deleted = admin.delete_object(&bucket, OBJECT).await;
            Names::from([("bucket", bucket), ("versionId", version(&deleted))])
        }
        Scene::ArchivedObject => {
            let put = admin.put(admin.object_path(BUCKET, OBJECT));
            let put = put.header("storage-tier", "Archive").body("content");
            put.await.expect(200);
            Names::new()
        }
        Scene::TwoBuckets => {
            let (bucket, other) = (
                bucket(stage, json!({})).await,
                bucket(stage, json!({})).await,
            );
            Names::from([("bucket", bucket), ("otherBucket", other)])
        }
        Scene::Lifecycle => lifecycle(stage).await,
        Scene::RetentionRule => retention_rule(stage).await,
        Scene::ReplicationSource => {
            let (source, destination, id) = replication(stage).await;
            Names::from([("bucket", source), ("otherBucket", destination), ("id", id)])
        }
        Scene::ReplicationDestination => {
            let (source, destination, _) = replication(stage).await;
            Names::from([("bucket", destination), ("otherBucket", source)])
        }
        Scene::Copy => Names::from([("id", copy(stage).await)]),
        _ => Names::new(),
    }
}

fn version(reply: &Reply) -> String {
    reply.required("version-id").to_owned()
}

async fn bucket(stage: &Stage, fields: Value) -> String {
    let name = format!("bucket-{}-fresh", stage.next());
    stage.admin.create_bucket_with(&name, fields).await;
    name
}

/// A versioned bucket with the object in it, and the version of that.
async fn versioned_object(stage: &Stage) -> (String, String) {
    let bucket = bucket(stage, json!({ "versioning": "Enabled" })).await;
    let put = stage.admin.put_object(&bucket, OBJECT, "content").await;
    (bucket, version(&put))
}

async fn lifecycle(stage: &Stage) -> Names {
    let (admin, bucket) = (&stage.admin, bucket(stage, json!({})).await);
    let rule = json!({
        "name": "first",
        "action": "DELETE",
        "timeAmount": 1,
        "timeUnit": "YEARS",
        "isEnabled": true,
    });
    let put = admin.put(format!("{}/l", admin.bucket_path(&bucket)));
    put.json(&json!({ "items": [rule] })).await.expect(200);
    Names::from([("bucket", bucket)])
}

async fn retention_rule(stage: &Stage) -> Names {
    let (admin, bucket) = (&stage.admin, bucket(stage, json!({})).await);
    let create = admin.post(format!("{}/retentionRules", admin.bucket_path(&bucket)));
    let rule = create.json(&json!({ "displayName": "first" })).await;
    let id = text(&rule.expect(200).json(), "id");
    Names::from([("bucket", bucket), ("id", id)])
}

/// Source, destination and the policy's id.
async fn replication(stage: &Stage) -> (String, String, String) {
    let admin = &stage.admin;
    let (source, destination) = (
        bucket(stage, json!({})).await,
        bucket(stage, json!({})).await,
    );
    let create = admin.post(format!(
        "{}/replicationPolicies",
        admin.bucket_path(&source)
    ));
    let policy = create.json(&json!({
        "name": "first",
        "destinationRegionName": stage.server.bootstrap().field("region"),
        "destinationBucketName": destination,
    }));
    let id = text(&policy.await.expect(200).json(), "id");
    (source, destination, id)
}

/// Has the stage's object copied, and waits until it is; the id of the work request.
async fn copy(stage: &Stage) -> String {
    let admin = &stage.admin;
    admin.put_object(BUCKET, OBJECT, "content").await;
    let start = admin.post(format!("{}/actions/copyObject", admin.bucket_path(BUCKET)));
    let reply = start.json(&json!({
        "sourceObjectName": OBJECT,
        "destinationRegion": stage.server.bootstrap().field("region"),
        "destinationNamespace": admin.namespace(),
        "destinationBucket": BESIDE,
        "destinationObjectName": "copied",
    }));
    let reply = reply.await.expect(202);
    let id = reply.required("opc-work-request-id").to_owned();
    for _ in 0..2000 {
        let work = admin.get(format!("/workRequests/{id}")).await.expect(200);
        if work.json()["status"] == "COMPLETED" {
            return id;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("the copy {id} is not done");
}
