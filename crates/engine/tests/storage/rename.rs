//! Renaming: bytes, metadata and versions of both names (wire reference 4.2, section 11).

use parbuckle_engine::{ObjectInfo, PutObject, RenameObject};
use parbuckle_kv::CommitFault;
use parbuckle_model::{
    ETag, EtagCondition, ObjectAttributes, ObjectName, Preconditions, StorageTier, UserMetadata,
    Versioning,
};

use super::shelf::Shelf;
use super::support::body::{body, content};
use super::support::world::Stores;
use super::support::{kind_of, outcome};

const EVERY: [Versioning; 3] = [
    Versioning::Disabled,
    Versioning::Enabled,
    Versioning::Suspended,
];

impl Shelf {
    async fn rename(&self, source: &str, destination: &str) -> Result<ObjectInfo, String> {
        self.rename_if(named(source, destination)).await
    }

    async fn rename_if(&self, rename: RenameObject) -> Result<ObjectInfo, String> {
        let (engine, admin) = (&self.world.engine, &self.world.admin);
        let renamed = engine.rename_object(admin, self.bucket(), rename).await;
        renamed.map_err(|error| kind_of(&error))
    }

    /// Puts `a`: small, large, or in parts.
    async fn put_kind(&self, kind: usize) -> Vec<u8> {
        let parts = [&content(70, 3)[..], &content(5, 4)];
        match kind {
            0 => self.put("a", &content(10, 1)).await,
            1 => self.put("a", &content(1000, 2)).await,
            _ => self.put_parts("a", &parts).await,
        };
        [content(10, 1), content(1000, 2), parts.concat()][kind].clone()
    }
}

fn named(source: &str, destination: &str) -> RenameObject {
    let name = |text: &str| ObjectName::parse(text.as_bytes()).unwrap();
    RenameObject {
        source: name(source),
        destination: name(destination),
        source_if_match: None,
        preconditions: Preconditions::default(),
    }
}

#[tokio::test]
async fn a_renamed_object_has_its_bytes_under_the_new_name_only() {
    for stores in [Stores::Memory, Stores::Disk] {
        for versioning in EVERY {
            for kind in 0..3 {
                let shelf = Shelf::over(stores, versioning).await;
                let bytes = shelf.put_kind(kind).await;
                shelf.rename("a", "b/c").await.unwrap();
                shelf.collected().await;
                let case = format!("{stores:?}, {versioning:?}, kind {kind}");
                assert_eq!(shelf.read("b/c").await.unwrap(), bytes, "{case}");
                assert_eq!(shelf.read("a").await.unwrap_err(), "ObjectNotFound");
                assert_eq!(shelf.names().await, ["b/c"], "{case}");
            }
        }
    }
}

#[tokio::test]
async fn without_kept_versions_no_byte_moves_and_nothing_is_left_of_the_old_name() {
    for versioning in [Versioning::Disabled, Versioning::Suspended] {
        for kind in 0..3 {
            let shelf = Shelf::new(versioning).await;
            shelf.put_kind(kind).await;
            let before = shelf.collected().await;
            let written = shelf
                .world
                .blobs
                .count(parbuckle_blob::faulty::Operation::Create);
            shelf.rename("a", "b").await.unwrap();
            assert_eq!(
                shelf
                    .world
                    .blobs
                    .count(parbuckle_blob::faulty::Operation::Create),
                written
            );
            assert_eq!(shelf.collected().await, before, "{versioning:?}, {kind}");
            shelf.delete("b").await;
            assert_eq!(shelf.collected().await, (0, 0), "{versioning:?}, {kind}");
        }
    }
}

#[tokio::test]
async fn a_renamed_object_keeps_what_belongs_to_its_bytes_and_is_new_otherwise() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    let pairs = [("colour".to_owned(), "red".to_owned())];
    let put = PutObject {
        attributes: ObjectAttributes {
            content_type: Some("text/plain".to_owned()),
            metadata: UserMetadata::new(pairs).unwrap(),
            ..ObjectAttributes::default()
        },
        storage_tier: Some(StorageTier::InfrequentAccess),
        checks: parbuckle_engine::BodyChecks {
            compute: Some(parbuckle_engine::ChecksumAlgorithm::Sha256),
            ..Default::default()
        },
        ..PutObject::default()
    };
    let (world, path) = (&shelf.world, shelf.world.object("b", "a"));
    let stored = world
        .engine
        .put_object(&world.admin, &path, put, body(b"bytes", 1));
    let before = stored.await.unwrap();
    world
        .environment
        .advance(std::time::Duration::from_secs(60));
    let after = shelf.rename("a", "b").await.unwrap();
    assert!(after.etag != before.etag && after.version_id > before.version_id);
    let now = parbuckle_engine::Environment::now(&*world.environment);
    let expected = ObjectInfo {
        etag: after.etag,
        version_id: after.version_id,
        time_created: now,
        time_modified: now,
        ..before
    };
    assert_eq!(after, expected);
    assert_eq!(shelf.info("b").await, expected);
}

#[tokio::test]
async fn what_had_the_new_name_is_replaced_and_its_bytes_are_collected() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    let bytes = shelf.put_kind(1).await;
    let one_object = shelf.collected().await;
    shelf
        .put_parts("b", &[&content(100, 7), &content(9, 8)])
        .await;
    shelf.rename("a", "b").await.unwrap();
    assert_eq!(shelf.collected().await, one_object);
    assert_eq!(shelf.read("b").await.unwrap(), bytes);
    assert_eq!(shelf.counts().await, (1, 1000));
}

#[tokio::test]
async fn where_versions_are_kept_both_names_have_the_bytes_and_each_its_own() {
    for kind in 0..3 {
        for first in ["a", "b"] {
            let shelf = Shelf::new(Versioning::Enabled).await;
            let bytes = shelf.put_kind(kind).await;
            let size = bytes.len() as u64;
            let old = shelf.info("a").await.version_id;
            let new = shelf.rename("a", "b").await.unwrap().version_id;
            assert_eq!(shelf.shape().await, format!("a:x a:{size} b:{size}"));
            assert_eq!(shelf.counts().await, (2, 2 * size));
            let (second, gone, left) = match first {
                "a" => ("b", old, new),
                _ => ("a", new, old),
            };
            shelf.delete_version(first, gone).await;
            shelf.collected().await;
            let read = shelf.read_version(second, left).await;
            assert_eq!(read.unwrap(), bytes, "kind {kind}, {first} first");
            for version in shelf.versions().await {
                let id = version.version.version_id();
                shelf.delete_version(&version.name, id).await;
            }
            assert_eq!(shelf.collected().await, (0, 0), "kind {kind}");
        }
    }
}

#[tokio::test]
async fn where_versions_are_kept_what_had_the_new_name_becomes_an_old_version() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let replaced = shelf.put("b", b"replaced").await.version_id;
    shelf.put("a", b"new").await;
    let renamed = shelf.rename("a", "b").await.unwrap();
    assert!(renamed.version_id > replaced);
    assert_eq!(shelf.shape().await, "a:x a:3 b:3 b:8");
    assert_eq!(
        shelf.read_version("b", replaced).await.unwrap(),
        b"replaced"
    );
}

#[tokio::test]
async fn while_suspended_older_versions_of_the_old_name_stay_hidden() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    shelf.put("a", b"1").await;
    shelf.put("a", b"22").await;
    shelf.set(Versioning::Suspended).await;
    shelf.rename("a", "b").await.unwrap();
    assert_eq!(shelf.shape().await, "a:x a:1 b:2");
    assert_eq!(shelf.counts().await, (2, 3));
}

#[tokio::test]
async fn an_object_is_not_renamed_to_its_own_name() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    shelf.put("a", b"bytes").await;
    let refused = shelf.rename("a", "a").await.unwrap_err();
    assert_eq!(refused, "InvalidParameter");
    assert_eq!(shelf.read("a").await.unwrap(), b"bytes");
}

#[tokio::test]
async fn a_missing_or_hidden_object_is_not_renamed() {
    for versioning in EVERY {
        let shelf = Shelf::new(versioning).await;
        let refused = shelf.rename("a", "b").await.unwrap_err();
        assert_eq!(refused, "RenameSourceNotFound");
        shelf.put("a", b"bytes").await;
        shelf.delete("a").await;
        let refused = shelf.rename("a", "b").await.unwrap_err();
        assert_eq!(refused, "RenameSourceNotFound");
        assert_eq!(shelf.names().await, [""; 0]);
    }
}

#[tokio::test]
async fn each_condition_must_hold_and_else_nothing_changes() {
    for versioning in EVERY {
        let shelf = Shelf::new(versioning).await;
        let (a, b) = (shelf.put("a", b"1").await, shelf.put("b", b"22").await);
        let of = |etag: ETag| Some(EtagCondition::OneOf(vec![etag]));
        let any = Some(EtagCondition::Any);
        let before = shelf.versions().await;
        for (source, new, free, expected) in [
            (of(b.etag), None, None, "IfMatchFailed"),
            (None, of(a.etag), None, "IfMatchFailed"),
            (None, None, any.clone(), "IfNoneMatchFailed"),
            (of(a.etag), of(b.etag), None, "ok"),
        ] {
            let rename = RenameObject {
                source_if_match: source,
                preconditions: Preconditions {
                    if_match: new,
                    if_none_match: free,
                },
                ..named("a", "b")
            };
            let renamed = shelf.rename_if(rename).await;
            let told = renamed.map_or_else(|kind| kind, |_| "ok".to_owned());
            assert_eq!(told, expected);
            let unchanged = shelf.versions().await == before;
            assert_eq!(unchanged, expected != "ok", "{versioning:?} {expected}");
        }
        let rename = RenameObject {
            preconditions: Preconditions {
                if_match: None,
                if_none_match: any,
            },
            ..named("b", "free")
        };
        assert!(shelf.rename_if(rename).await.is_ok());
    }
}

#[tokio::test]
async fn a_rename_of_unknown_outcome_happens_once() {
    for versioning in EVERY {
        for kind in 0..3 {
            let shelf = Shelf::new(versioning).await;
            let bytes = shelf.put_kind(kind).await;
            let faults = &shelf.world.kv_faults;
            faults.on_commit(1, CommitFault::UnknownApplied);
            let renamed = shelf.rename("a", "b").await.unwrap();
            assert_eq!(shelf.info("b").await, renamed);
            let kept = if versioning == Versioning::Enabled {
                3
            } else {
                1
            };
            assert_eq!(shelf.versions().await.len(), kept);
            faults.on_commit(1, CommitFault::UnknownNotApplied);
            shelf.rename("b", "c").await.unwrap();
            shelf.collected().await;
            assert_eq!(shelf.read("c").await.unwrap(), bytes);
            let copies = if versioning == Versioning::Enabled {
                3
            } else {
                1
            };
            assert_eq!(shelf.counts().await.0, copies);
        }
    }
}

/// What was copied is not what would be renamed.
#[tokio::test(start_paused = true)]
async fn a_change_while_bytes_are_copied_refuses_the_rename() {
    for begins in [Versioning::Enabled, Versioning::Disabled] {
        let shelf = Shelf::new(begins).await;
        shelf.put_kind(1).await;
        let faults = &shelf.world.kv_faults;
        // The loop of transactions waits only after its fourth try.
        for conflict in 1..=4 {
            faults.on_commit(conflict, CommitFault::Conflict);
        }
        let tried = faults.commits() + 4;
        let change = async {
            while faults.commits() < tried {
                tokio::task::yield_now().await;
            }
            match begins {
                Versioning::Enabled => drop(shelf.put("a", b"another").await),
                _ => shelf.set(Versioning::Enabled).await,
            }
        };
        let (renamed, ()) = tokio::join!(shelf.rename("a", "b"), change);
        assert_eq!(renamed.unwrap_err(), "ConcurrentUpdate", "{begins:?}");
        assert_eq!(shelf.names().await, ["a"]);
        assert!(shelf.rename("a", "b").await.is_ok());
    }
}

#[tokio::test]
async fn a_copy_that_came_to_nothing_is_collected() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    shelf.put_kind(2).await;
    let before = shelf.collected().await;
    shelf.world.kv_faults.on_commit(1, CommitFault::NotDone);
    assert_eq!(shelf.rename("a", "b").await.unwrap_err(), "Unavailable");
    assert_eq!(shelf.collected().await, before);
}

#[tokio::test]
async fn strangers_do_not_rename() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    shelf.put("a", b"bytes").await;
    let world = &shelf.world;
    for (caller, expected) in [
        (&shelf.par().await, "BucketNotFound"),
        (&world.anonymous().await, "BucketNotFound"),
        (&world.foreigner, "NamespaceNotFound"),
    ] {
        let renamed = world
            .engine
            .rename_object(caller, shelf.bucket(), named("a", "b"))
            .await;
        assert_eq!(outcome(&renamed), expected);
    }
    assert_eq!(shelf.names().await, ["a"]);
}
