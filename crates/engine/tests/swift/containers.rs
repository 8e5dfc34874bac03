//! Containers: put, metadata, quotas, delete, and what buckets have of them.

use std::time::Duration;

use parbuckle_engine::swift::{ContainerChange, MetadataChange, PutContainer};
use parbuckle_engine::{BucketFields, NewPar};
use parbuckle_model::{AccessType, Expiry, ParScope, StorageTier};

use crate::stage::{Stage, acls, chunked, metadata, outcome, pairs};
use crate::world::ALWAYS;

#[tokio::test]
async fn a_container_is_created_once_and_then_changed() {
    let stage = Stage::new().await;
    let path = stage.container("c");
    let put = |change| async {
        let change: ContainerChange = change;
        stage
            .engine()
            .swift_put_container(&stage.owner, &path, &change, StorageTier::Standard)
            .await
    };
    assert_eq!(
        put(metadata(&[("A", "1")])).await.unwrap(),
        PutContainer::Created
    );
    assert_eq!(
        put(metadata(&[("B", "2")])).await.unwrap(),
        PutContainer::Updated
    );
    let info = stage
        .engine()
        .swift_container(&stage.owner, &path)
        .await
        .unwrap();
    assert_eq!(info.metadata, pairs(&[("a", "1"), ("b", "2")]));
}

#[tokio::test]
async fn a_container_is_a_bucket_in_the_compartment_for_swift() {
    let stage = Stage::new().await;
    stage
        .put_container("c", metadata(&[("Color", "blue")]))
        .await;
    let (fields, path) = (BucketFields::default(), stage.container("c"));
    let bucket = stage
        .engine()
        .bucket(&stage.world.admin, &path, fields, &ALWAYS)
        .await
        .unwrap();
    assert_eq!(bucket.compartment, stage.world.root);
    assert_eq!(bucket.metadata, pairs(&[("color", "blue")]));
}

#[tokio::test]
async fn settings_and_keys_do_not_show_in_the_bucket() {
    let stage = Stage::new().await;
    let items = [
        ("Quota-Bytes", "9"),
        ("Temp-URL-Key", "k"),
        ("Access-Control-Allow-Origin", "*"),
    ];
    stage.put_container("c", metadata(&items)).await;
    let (fields, path) = (BucketFields::default(), stage.container("c"));
    let bucket = stage
        .engine()
        .bucket(&stage.world.admin, &path, fields, &ALWAYS)
        .await
        .unwrap();
    assert_eq!(bucket.metadata, Vec::new());
    let cors = stage.engine().swift_cors(&path).await.unwrap();
    assert_eq!(cors, pairs(&[("access-control-allow-origin", "*")]));
}

#[tokio::test]
async fn keys_and_acls_are_removed_by_empty_values() {
    let stage = Stage::new().await;
    stage.put_container("c", acls(".r:*", "own")).await;
    stage
        .put_container("c", metadata(&[("Temp-URL-Key", "k"), ("A", "1")]))
        .await;
    let change = ContainerChange {
        metadata: MetadataChange {
            set: pairs(&[("temp-url-key", "")]),
            remove: vec!["a".to_owned()],
        },
        ..acls("", "")
    };
    let path = stage.container("c");
    stage
        .engine()
        .swift_update_container(&stage.owner, &path, &change)
        .await
        .unwrap();
    let info = stage
        .engine()
        .swift_container(&stage.owner, &path)
        .await
        .unwrap();
    let acls = info.acls.unwrap();
    assert_eq!((acls.read.as_str(), acls.write.as_str()), ("", ""));
    assert!(info.keys.is_empty() && info.metadata.is_empty());
}

#[tokio::test]
async fn bad_acls_and_quotas_are_refused_and_nothing_changes() {
    let stage = Stage::new().await;
    for change in [
        acls(".r:", ""),
        acls("", ".r:*"),
        metadata(&[("Quota-Bytes", "many")]),
        metadata(&[("quota-count", "-1")]),
    ] {
        let path = stage.container("c");
        let put =
            stage
                .engine()
                .swift_put_container(&stage.owner, &path, &change, StorageTier::Standard);
        assert_eq!(outcome(&put.await), "InvalidParameter");
        assert_eq!(
            stage.list_outcome(&stage.owner, "c").await,
            "BucketNotFound"
        );
    }
}

#[tokio::test]
async fn a_quota_of_bytes_refuses_what_is_over_it_and_stores_nothing() {
    let stage = Stage::new().await;
    stage
        .put_container("c", metadata(&[("Quota-Bytes", "5")]))
        .await;
    stage.put("c", "a", b"123").await;
    let fields = parbuckle_engine::swift::ObjectFields::default;
    assert_eq!(
        outcome(&stage.put_with("c", "b", fields(), b"456").await),
        "QuotaExceeded"
    );
    assert_eq!(
        stage.read_outcome(&stage.owner, "c", "b").await,
        "ObjectNotFound"
    );
    assert_eq!(
        outcome(&stage.put_with("c", "b", fields(), b"45").await),
        "ok"
    );
}

#[tokio::test]
async fn a_quota_holds_for_bodies_of_unknown_length() {
    let stage = Stage::new().await;
    stage
        .put_container("c", metadata(&[("Quota-Bytes", "5")]))
        .await;
    let (path, put) = (stage.object("c", "a"), Default::default());
    let done = stage
        .engine()
        .swift_put_object(&stage.owner, &path, put, chunked(b"123456"))
        .await;
    assert_eq!(outcome(&done), "QuotaExceeded");
}

#[tokio::test]
async fn a_quota_of_objects_refuses_the_next_one() {
    let stage = Stage::new().await;
    stage
        .put_container("c", metadata(&[("Quota-Count", "1")]))
        .await;
    stage.put("c", "a", b"1").await;
    assert_eq!(
        stage.put_outcome(&stage.owner, "c", "b").await,
        "QuotaExceeded"
    );
}

#[tokio::test]
async fn a_container_with_objects_or_pars_stays() {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    stage.put("c", "o", b"x").await;
    let path = stage.container("c");
    let delete = || stage.engine().swift_delete_container(&stage.owner, &path);
    assert_eq!(outcome(&delete().await), "BucketNotEmpty");
    stage
        .engine()
        .swift_delete_object(&stage.owner, &stage.object("c", "o"))
        .await
        .unwrap();
    let par = NewPar {
        name: "p".to_owned(),
        scope: ParScope::new(AccessType::AnyObjectRead, None, None).unwrap(),
        time_expires: Expiry::parse("2999-01-01T00:00:00Z").unwrap(),
    };
    let par = stage
        .engine()
        .create_par(&stage.world.admin, &path, par)
        .await
        .unwrap()
        .par;
    assert_eq!(outcome(&delete().await), "ParStillExists");
    stage
        .engine()
        .delete_par(&stage.world.admin, &path, &par.id, None)
        .await
        .unwrap();
    assert_eq!(outcome(&delete().await), "ok");
    assert_eq!(outcome(&delete().await), "BucketNotFound");
}

#[tokio::test]
async fn a_change_of_metadata_is_the_last_modification() {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    let path = stage.container("c");
    let info = || stage.engine().swift_container(&stage.owner, &path);
    let before = info().await.unwrap();
    stage.world.environment.advance(10);
    stage.put_container("c", metadata(&[("A", "1")])).await;
    let after = info().await.unwrap();
    assert_eq!(before.time_created, after.time_created);
    let passed = after.time_modified.duration_since(before.time_modified);
    assert!(Duration::try_from(passed).unwrap() >= Duration::from_secs(10));
}

#[tokio::test]
async fn a_container_counts_its_objects_and_bytes() {
    let stage = Stage::new().await;
    stage.put_container("c", acls("", "")).await;
    stage.put("c", "a", b"123").await;
    stage.put("c", "a", b"1234").await;
    let path = stage.container("c");
    let info = stage
        .engine()
        .swift_container(&stage.owner, &path)
        .await
        .unwrap();
    assert_eq!((info.object_count, info.bytes_used), (1, 4));
}
