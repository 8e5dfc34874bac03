//! Objects that expire.

use parbuckle_engine::swift::ObjectFields;
use parbuckle_engine::{BucketFields, ReadObject, RenameObject};
use parbuckle_model::{
    EtagCondition, ListObjectsQuery, ObjectFields as Asked, ObjectPrefix, PageLimit, Preconditions,
    StorageTier,
};

use crate::stage::{Stage, acls, outcome};
use crate::world::ALWAYS;

async fn stage() -> Stage {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    stage
        .put_with("c", "o", due_in(&stage, 60), b"hello")
        .await
        .unwrap();
    stage
}

fn due_in(stage: &Stage, seconds: i64) -> ObjectFields {
    ObjectFields {
        delete_at: Some(stage.seconds_from_now(seconds)),
        ..ObjectFields::default()
    }
}

async fn native_count(stage: &Stage) -> u64 {
    let fields = BucketFields {
        count: true,
        size: false,
    };
    let path = stage.container("c");
    let bucket = stage
        .engine()
        .bucket(&stage.world.admin, &path, fields, &ALWAYS)
        .await;
    bucket.unwrap().approximate_count.unwrap()
}

#[tokio::test]
async fn an_expired_object_is_gone_for_swift_at_once() {
    let stage = stage().await;
    stage.world.environment.advance(50);
    assert_eq!(stage.read_outcome(&stage.owner, "c", "o").await, "ok");
    stage.world.environment.advance(11);
    assert_eq!(
        stage.read_outcome(&stage.owner, "c", "o").await,
        "ObjectNotFound"
    );
    assert_eq!(
        stage.names("c", &Default::default()).await,
        Vec::<String>::new()
    );
    let path = stage.object("c", "o");
    let post = stage
        .engine()
        .swift_post_object(&stage.owner, &path, &ObjectFields::default())
        .await;
    assert_eq!(outcome(&post), "ObjectNotFound");
    let delete = stage
        .engine()
        .swift_delete_object(&stage.owner, &path)
        .await;
    assert_eq!(outcome(&delete), "ObjectToDeleteNotFound");
}

#[tokio::test]
async fn an_expired_object_is_gone_for_the_native_api_at_once() {
    let stage = stage().await;
    stage.world.environment.advance(61);
    let (admin, path) = (&stage.world.admin, stage.object("c", "o"));
    let read = stage
        .engine()
        .read_object(admin, &path, ReadObject::default())
        .await;
    assert_eq!(outcome(&read), "ObjectNotFound");
    let query = ListObjectsQuery {
        prefix: ObjectPrefix::parse(b"").unwrap(),
        start: None,
        start_after: None,
        end: None,
        delimited: false,
        limit: PageLimit::default(),
        fields: Asked::default(),
    };
    let listing = stage
        .engine()
        .list_objects(admin, &path.bucket, &query)
        .await
        .unwrap();
    assert!(listing.objects.is_empty());
}

#[tokio::test]
async fn the_background_removes_what_is_due_and_nothing_else() {
    let stage = stage().await;
    stage
        .put_with("c", "later", due_in(&stage, 600), b"x")
        .await
        .unwrap();
    stage.engine().expire_objects().await.unwrap();
    assert_eq!(native_count(&stage).await, 2);
    stage.world.environment.advance(61);
    stage.engine().expire_objects().await.unwrap();
    assert_eq!(native_count(&stage).await, 1);
    assert_eq!(stage.read_outcome(&stage.owner, "c", "later").await, "ok");
}

#[tokio::test]
async fn an_object_put_again_without_expiry_stays() {
    let stage = stage().await;
    stage.put("c", "o", b"again").await;
    stage.world.environment.advance(61);
    stage.engine().expire_objects().await.unwrap();
    assert_eq!(stage.read("c", "o").await, b"again");
}

#[tokio::test]
async fn a_post_sets_and_removes_the_expiry() {
    let stage = stage().await;
    let path = stage.object("c", "o");
    let post = |fields: ObjectFields| {
        let (stage, path) = (&stage, &path);
        async move {
            stage
                .engine()
                .swift_post_object(&stage.owner, path, &fields)
                .await
                .unwrap()
        }
    };
    post(ObjectFields::default()).await;
    stage.world.environment.advance(61);
    assert_eq!(stage.read_outcome(&stage.owner, "c", "o").await, "ok");
    post(due_in(&stage, 60)).await;
    stage.world.environment.advance(61);
    assert_eq!(
        stage.read_outcome(&stage.owner, "c", "o").await,
        "ObjectNotFound"
    );
    stage.engine().expire_objects().await.unwrap();
    assert_eq!(native_count(&stage).await, 0);
}

#[tokio::test]
async fn an_expiry_in_the_past_is_refused() {
    let stage = stage().await;
    let done = stage.put_with("c", "p", due_in(&stage, 0), b"x").await;
    assert_eq!(outcome(&done), "InvalidParameter");
}

#[tokio::test]
async fn the_name_of_an_expired_object_is_free() {
    let stage = stage().await;
    stage.world.environment.advance(61);
    let put = parbuckle_engine::swift::PutSwiftObject {
        only_new: true,
        ..Default::default()
    };
    let (path, body) = (stage.object("c", "o"), crate::stage::body(b"new"));
    stage
        .engine()
        .swift_put_object(&stage.owner, &path, put, body)
        .await
        .unwrap();
    assert_eq!(stage.read("c", "o").await, b"new");
}

#[tokio::test]
async fn expired_objects_do_not_keep_their_container() {
    let stage = stage().await;
    stage.world.environment.advance(61);
    let path = stage.container("c");
    let done = stage
        .engine()
        .swift_delete_container(&stage.owner, &path)
        .await;
    assert_eq!(outcome(&done), "ok");
}

#[tokio::test]
async fn an_expired_object_has_no_tier_and_its_name_is_free_for_a_renamed_one() {
    let stage = stage().await;
    stage
        .put_with("c", "new", ObjectFields::default(), b"new")
        .await
        .unwrap();
    stage.world.environment.advance(61);
    let (admin, path) = (&stage.world.admin, stage.object("c", "o"));
    let moved = stage
        .engine()
        .update_object_tier(admin, &path, None, StorageTier::InfrequentAccess)
        .await;
    assert_eq!(outcome(&moved), "ObjectNotFound");
    let rename = RenameObject {
        source: stage.object("c", "new").object,
        destination: path.object,
        source_if_match: None,
        preconditions: Preconditions {
            if_match: None,
            if_none_match: Some(EtagCondition::Any),
        },
    };
    let renamed = stage.engine().rename_object(admin, &path.bucket, rename);
    assert_eq!(outcome(&renamed.await), "ok");
}
