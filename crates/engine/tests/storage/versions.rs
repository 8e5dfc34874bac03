//! Versions of objects: what is kept, what comes back, what is counted (wire reference section 11, "Versioning").

use parbuckle_engine::ReadObject;
use parbuckle_kv::CommitFault;
use parbuckle_model::{EtagCondition, Preconditions, Versioning};

use super::shelf::Shelf;
use super::support::body::{body, content};
use super::support::outcome;
use super::support::world::Stores;

const NOT_FOUND: &str = "ObjectNotFound";

#[tokio::test]
async fn overwriting_keeps_the_old_version() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let (old, new) = (shelf.put("o", b"old").await, shelf.put("o", b"new!").await);
    assert!(old.version_id < new.version_id && old.etag != new.etag);
    assert_eq!(shelf.read("o").await.unwrap(), b"new!");
    assert_eq!(
        shelf.read_version("o", old.version_id).await.unwrap(),
        b"old"
    );
    assert_eq!(
        shelf.read_version("o", new.version_id).await.unwrap(),
        b"new!"
    );
    assert_eq!(shelf.shape().await, "o:4 o:3");
    assert_eq!(shelf.names().await, ["o"]);
}

#[tokio::test]
async fn versions_stand_in_the_order_of_their_making_under_a_clock_that_stands_still() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    for size in 1..=20 {
        shelf.put("o", &content(size, 1)).await;
        if size % 5 == 0 {
            shelf.delete("o").await;
        }
    }
    let expected: Vec<String> = (1..=20)
        .rev()
        .flat_map(|size| {
            let marker = (size % 5 == 0).then(|| "o:x".to_owned());
            marker.into_iter().chain([format!("o:{size}")])
        })
        .collect();
    assert_eq!(shelf.shape().await, expected.join(" "));
}

#[tokio::test]
async fn the_id_of_a_deleted_version_is_not_given_again() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    shelf.put("o", b"first").await;
    let mut given = std::collections::BTreeSet::new();
    for _ in 0..50 {
        let latest = shelf.put("o", b"latest").await.version_id;
        assert!(given.insert(latest), "{latest} twice");
        shelf.delete_version("o", latest).await;
    }
}

#[tokio::test]
async fn a_deletion_hides_the_object_under_a_delete_marker() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let version = shelf.put("o", b"old").await.version_id;
    let deleted = shelf.delete("o").await;
    let marker = deleted.version_id.unwrap();
    assert!(deleted.delete_marker && marker > version);
    assert_eq!(shelf.read("o").await.unwrap_err(), NOT_FOUND);
    assert_eq!(
        shelf.read_version("o", marker).await.unwrap_err(),
        NOT_FOUND
    );
    assert_eq!(shelf.read_version("o", version).await.unwrap(), b"old");
    assert_eq!(shelf.names().await, [""; 0]);
    assert_eq!(shelf.shape().await, "o:x o:3");
}

#[tokio::test]
async fn a_hidden_object_can_not_be_deleted_again() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    shelf.put("o", b"old").await;
    shelf.delete("o").await;
    let refused = shelf.try_delete("o", None).await.unwrap_err();
    assert_eq!(refused, "ObjectToDeleteNotFound");
    assert_eq!(shelf.shape().await, "o:x o:3");
}

#[tokio::test]
async fn deleting_the_delete_marker_brings_the_object_back() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let before = shelf.put("o", b"old").await;
    let marker = shelf.delete("o").await.version_id.unwrap();
    let deleted = shelf.delete_version("o", marker).await;
    assert!(deleted.delete_marker && deleted.version_id == Some(marker));
    assert_eq!(shelf.info("o").await, before);
    assert_eq!(shelf.read("o").await.unwrap(), b"old");
    assert_eq!(shelf.shape().await, "o:3");
}

#[tokio::test]
async fn deleting_one_of_two_delete_markers_brings_nothing_back() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    shelf.put("o", b"1").await;
    shelf.delete("o").await;
    let current = shelf.put("o", b"22").await.version_id;
    let marker = shelf.delete("o").await.version_id.unwrap();
    shelf.delete_version("o", current).await;
    assert_eq!(shelf.shape().await, "o:x o:x o:1");
    shelf.delete_version("o", marker).await;
    assert_eq!(shelf.read("o").await.unwrap_err(), NOT_FOUND);
    assert_eq!(shelf.shape().await, "o:x o:1");
}

#[tokio::test]
async fn deleting_the_latest_version_makes_the_next_current() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let older = shelf.put("o", b"old").await;
    let latest = shelf.put("o", b"new!").await;
    let deleted = shelf.delete_version("o", latest.version_id).await;
    assert!(!deleted.delete_marker && deleted.version_id == Some(latest.version_id));
    assert_eq!(shelf.info("o").await, older);
    assert_eq!(shelf.read("o").await.unwrap(), b"old");
    assert_eq!(shelf.shape().await, "o:3");
}

#[tokio::test]
async fn what_lies_under_a_delete_marker_does_not_become_current_by_itself() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    shelf.put("o", b"old").await;
    shelf.delete("o").await;
    let latest = shelf.put("o", b"new!").await;
    shelf.delete_version("o", latest.version_id).await;
    assert_eq!(shelf.read("o").await.unwrap_err(), NOT_FOUND);
    assert_eq!(shelf.shape().await, "o:x o:3");
}

#[tokio::test]
async fn deleting_an_old_version_leaves_the_current_one() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let old = shelf.put("o", b"old").await.version_id;
    shelf.put("o", b"new!").await;
    shelf.delete_version("o", old).await;
    assert_eq!(shelf.read_version("o", old).await.unwrap_err(), NOT_FOUND);
    assert_eq!(shelf.read("o").await.unwrap(), b"new!");
    assert_eq!(shelf.shape().await, "o:4");
}

#[tokio::test]
async fn a_version_belongs_to_one_name() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let version = shelf.put("o", b"old").await.version_id;
    shelf.put("p", b"other").await;
    let refused = shelf.try_delete("p", Some(version)).await.unwrap_err();
    assert_eq!(refused, "ObjectToDeleteNotFound");
    assert_eq!(
        shelf.read_version("p", version).await.unwrap_err(),
        NOT_FOUND
    );
}

#[tokio::test]
async fn a_deletion_by_version_meets_the_etag_of_that_version() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let (old, new) = (shelf.put("o", b"old").await, shelf.put("o", b"new!").await);
    let path = shelf.world.object("b", "o");
    let delete = async |etag, version| {
        let conditions = Preconditions {
            if_match: Some(EtagCondition::OneOf(vec![etag])),
            if_none_match: None,
        };
        let (engine, admin) = (&shelf.world.engine, &shelf.world.admin);
        let deleted = engine.delete_object(admin, &path, &conditions, Some(version));
        outcome(&deleted.await)
    };
    assert_eq!(delete(new.etag, old.version_id).await, "IfMatchFailed");
    assert_eq!(shelf.shape().await, "o:4 o:3");
    assert_eq!(delete(old.etag, old.version_id).await, "ok");
    let marker = shelf.delete("o").await.version_id.unwrap();
    assert_eq!(delete(new.etag, marker).await, "IfMatchFailed");
}

#[tokio::test]
async fn without_versioning_nothing_is_kept() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    let old = shelf.put("o", b"old").await.version_id;
    shelf.put("o", b"new!").await;
    assert_eq!(shelf.read_version("o", old).await.unwrap_err(), NOT_FOUND);
    assert_eq!(shelf.shape().await, "o:4");
    let deleted = shelf.delete("o").await;
    assert!(!deleted.delete_marker);
    assert_eq!(shelf.shape().await, "");
    assert_eq!(shelf.collected().await, (0, 0));
}

#[tokio::test]
async fn without_versioning_the_only_version_is_deleted_by_its_id() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    let version = shelf.put("o", b"old").await.version_id;
    shelf.delete_version("o", version).await;
    assert_eq!(shelf.collected().await, (0, 0));
}

#[tokio::test]
async fn while_suspended_overwriting_replaces_the_latest_version_only() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    for size in 1..=2 {
        shelf.put("o", &content(size, 1)).await;
    }
    shelf.set(Versioning::Suspended).await;
    for size in 3..=4 {
        shelf.put("o", &content(size, 1)).await;
    }
    assert_eq!(shelf.shape().await, "o:4 o:1");
    shelf.set(Versioning::Enabled).await;
    shelf.put("o", &content(5, 1)).await;
    assert_eq!(shelf.shape().await, "o:5 o:4 o:1");
}

#[tokio::test]
async fn while_suspended_a_deletion_drops_the_latest_and_hides_the_older() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    for size in 1..=2 {
        shelf.put("o", &content(size, 1)).await;
    }
    shelf.set(Versioning::Suspended).await;
    let deleted = shelf.delete("o").await;
    assert!(deleted.delete_marker);
    assert_eq!(shelf.shape().await, "o:x o:1");
    assert_eq!(shelf.read("o").await.unwrap_err(), NOT_FOUND);
    shelf.put("o", &content(3, 1)).await;
    assert_eq!(shelf.shape().await, "o:3 o:x o:1");
}

#[tokio::test]
async fn while_suspended_a_deletion_without_older_versions_leaves_nothing() {
    let shelf = Shelf::new(Versioning::Suspended).await;
    shelf.put("o", b"old").await;
    let deleted = shelf.delete("o").await;
    assert!(!deleted.delete_marker);
    assert_eq!(shelf.collected().await, (0, 0));
}

#[tokio::test]
async fn counters_count_old_versions_and_no_delete_markers() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let first = shelf.put("o", &content(100, 1)).await.version_id;
    shelf.put("o", &content(20, 1)).await;
    shelf.put("p", &content(3, 1)).await;
    assert_eq!(shelf.counts().await, (3, 123));
    let marker = shelf.delete("o").await.version_id.unwrap();
    assert_eq!(shelf.counts().await, (3, 123));
    shelf.delete_version("o", first).await;
    assert_eq!(shelf.counts().await, (2, 23));
    shelf.delete_version("o", marker).await;
    assert_eq!(shelf.counts().await, (2, 23));
    shelf.set(Versioning::Suspended).await;
    shelf.put("o", &content(1, 1)).await;
    shelf.delete("p").await;
    assert_eq!(shelf.counts().await, (1, 1));
}

#[tokio::test]
async fn inline_blob_and_multipart_versions_are_read_and_then_gone_with_their_bytes() {
    for stores in [Stores::Memory, Stores::Disk] {
        let shelf = Shelf::over(stores, Versioning::Enabled).await;
        let (inline, blob) = (content(10, 1), content(1000, 2));
        let parts = [&content(70, 3)[..], &content(5, 4)];
        let mut made = Vec::new();
        // Each kind is replaced by each other kind.
        for _ in 0..2 {
            made.push((shelf.put("o", &inline).await, inline.clone()));
            made.push((shelf.put("o", &blob).await, blob.clone()));
            made.push((shelf.put_parts("o", &parts).await, parts.concat()));
        }
        shelf.delete("o").await;
        let kept = shelf.collected().await;
        for (info, bytes) in &made {
            let read = shelf.read_version("o", info.version_id).await;
            assert_eq!(read.unwrap(), *bytes, "{stores:?}");
        }
        assert_eq!(kept.0, 6, "{stores:?}: blobs");
        for version in shelf.versions().await {
            let id = version.version.version_id();
            shelf.delete_version("o", id).await;
        }
        assert_eq!(shelf.collected().await, (0, 0), "{stores:?}");
        assert_eq!(shelf.counts().await, (0, 0));
    }
}

/// Promotion moves small bytes to where current ones lie, and back.
#[tokio::test]
async fn each_kind_of_version_comes_back_with_its_bytes() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let parts = [&content(70, 3)[..], &content(5, 4)];
    let bytes = [content(10, 1), content(1000, 2), parts.concat()];
    shelf.put("o", &bytes[0]).await;
    shelf.put("o", &bytes[1]).await;
    shelf.put_parts("o", &parts).await;
    for expected in bytes.iter().rev() {
        let marker = shelf.delete("o").await.version_id.unwrap();
        shelf.delete_version("o", marker).await;
        shelf.collected().await;
        assert_eq!(shelf.read("o").await.unwrap(), *expected);
        let current = shelf.info("o").await.version_id;
        shelf.delete_version("o", current).await;
    }
    assert_eq!(shelf.collected().await, (0, 0));
}

#[tokio::test]
async fn a_bucket_with_old_versions_or_delete_markers_is_not_deleted() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let version = shelf.put("o", b"old").await.version_id;
    let marker = shelf.delete("o").await.version_id.unwrap();
    assert_eq!(shelf.delete_bucket().await, "BucketNotEmpty");
    shelf.delete_version("o", version).await;
    assert_eq!(shelf.delete_bucket().await, "BucketNotEmpty");
    shelf.delete_version("o", marker).await;
    assert_eq!(shelf.delete_bucket().await, "ok");
}

#[tokio::test]
async fn a_put_of_unknown_outcome_makes_one_version() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    shelf.put("o", b"old").await;
    shelf
        .world
        .kv_faults
        .on_commit(1, CommitFault::UnknownApplied);
    shelf.put("o", b"new!").await;
    assert_eq!(shelf.shape().await, "o:4 o:3");
}

#[tokio::test]
async fn a_deletion_of_unknown_outcome_tells_of_its_delete_marker() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    shelf.put("o", b"old").await;
    shelf
        .world
        .kv_faults
        .on_commit(1, CommitFault::UnknownApplied);
    let deleted = shelf.delete("o").await;
    assert_eq!(shelf.shape().await, "o:x o:3");
    let marker = shelf.versions().await[0].version.version_id();
    assert!(deleted.delete_marker && deleted.version_id == Some(marker));
}

/// Else two versions would name one blob, and deleting one would take the bytes of the other.
#[tokio::test(start_paused = true)]
async fn a_put_of_unknown_outcome_is_not_repeated_when_it_was_overwritten_since() {
    for versioning in [
        Versioning::Disabled,
        Versioning::Enabled,
        Versioning::Suspended,
    ] {
        for size in [10, 100] {
            // Only with versions can it be told that small bytes were placed before.
            if size == 10 && versioning != Versioning::Enabled {
                continue;
            }
            let shelf = Shelf::new(versioning).await;
            let faults = &shelf.world.kv_faults;
            // The loop of transactions waits only after its fourth try.
            for conflict in 1..=3 {
                faults.on_commit(conflict, CommitFault::Conflict);
            }
            faults.on_commit(4, CommitFault::UnknownApplied);
            let tried = faults.commits() + 4;
            let (path, put) = (shelf.world.object("b", "o"), Default::default());
            let bytes = content(size, 2);
            let unsure = async {
                let (engine, admin) = (&shelf.world.engine, &shelf.world.admin);
                let body = body(&bytes, 1);
                outcome(&engine.put_object(admin, &path, put, body).await)
            };
            let other = async {
                while faults.commits() < tried {
                    tokio::task::yield_now().await;
                }
                shelf.put("o", b"another").await
            };
            let (unsure, _) = tokio::join!(unsure, other);
            let case = format!("{versioning:?}, {size} bytes");
            assert_eq!(unsure, "Unavailable", "{case}");
            shelf.collected().await;
            assert_eq!(shelf.read("o").await.unwrap(), b"another", "{case}");
            for version in shelf.versions().await {
                let id = version.version.version_id();
                assert!(shelf.read_version("o", id).await.is_ok(), "{case}");
            }
            let kept = if versioning == Versioning::Enabled {
                2
            } else {
                1
            };
            assert_eq!(shelf.versions().await.len(), kept, "{case}");
        }
    }
}

#[tokio::test]
async fn a_par_reads_the_latest_version_and_no_other() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let (old, new) = (shelf.put("o", b"old").await, shelf.put("o", b"new!").await);
    let holder = shelf.par().await;
    let (engine, path) = (&shelf.world.engine, shelf.world.object("b", "o"));
    for version in [old.version_id, new.version_id] {
        let options = ReadObject {
            version: Some(version),
            ..ReadObject::default()
        };
        let read = engine.read_object(&holder, &path, options).await;
        assert_eq!(outcome(&read), "InvalidParameter");
    }
    let read = engine.read_object(&holder, &path, ReadObject::default());
    assert_eq!(read.await.unwrap().info, new);
}
