//! A copy takes its source as it was accepted, whatever becomes of the source's name; and what was kept for it goes with
//! its end.

use std::time::Duration;

use parbuckle_blob::Store as _;
use parbuckle_engine::{
    LifecycleAction, LifecycleRule, LifecycleTarget, LifecycleTimeUnit, Reencryption, RenameObject,
    WorkFailure, WorkStatus,
};
use parbuckle_kv::{CommitFault, ReadFault};
use parbuckle_model::{ObjectName, Preconditions, VersionId, Versioning};

use super::{Desk, if_absent, only_if};
use crate::shelf::Shelf;
use crate::support::audit::{all_keys, audit, census, collect};
use crate::support::body::content;
use crate::support::outcome;
use crate::support::world::Stores;

const KINDS: [Kind; 3] = [Kind::Inline, Kind::Blob, Kind::Parts];

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Where the bytes of an object are.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Inline,
    Blob,
    Parts,
}

/// The object `b/o`, and its bytes.
async fn desk(kind: Kind, stores: Stores, versioning: Versioning) -> (Desk, Vec<u8>) {
    let shelf = Shelf::over(stores, versioning).await;
    let bytes = put(&shelf, kind).await;
    (Desk::over(shelf).await, bytes)
}

async fn put(shelf: &Shelf, kind: Kind) -> Vec<u8> {
    let parts = [content(100_000, 1), content(70, 2)];
    let whole = match kind {
        Kind::Inline => content(10, 3),
        Kind::Blob => content(200_000, 4),
        Kind::Parts => parts.concat(),
    };
    match kind {
        Kind::Inline | Kind::Blob => shelf.put("o", &whole).await,
        Kind::Parts => shelf.put_parts("o", &[&parts[0], &parts[1]]).await,
    };
    whole
}

async fn plain_desk(kind: Kind) -> (Desk, Vec<u8>) {
    desk(kind, Stores::Memory, Versioning::Disabled).await
}

/// Asks for a copy, lets this become of the source, and lets the collector take all it can, before the worker begins. The
/// copy has the bytes all the same, also after a restart, and nothing is left over.
async fn assert_copied_after(fate: impl AsyncFn(&Desk)) {
    for kind in KINDS {
        for restart in [false, true] {
            let (mut desk, bytes) = plain_desk(kind).await;
            let id = desk.ask("o", desk.plain()).await.unwrap();
            fate(&desk).await;
            collect(&desk.world).await;
            if restart {
                desk = restarted(desk).await;
                collect(&desk.world).await;
            }
            desk.world.engine.work_once().await.unwrap();
            let label = format!("{kind:?}, restarted: {restart}");
            assert_eq!(
                desk.work(&id).await.status,
                WorkStatus::Completed,
                "{label}"
            );
            assert!(desk.read("c", "copy").await.unwrap().1 == bytes, "{label}");
            audit(&desk.world).await;
        }
    }
}

async fn restarted(desk: Desk) -> Desk {
    Desk {
        world: desk.world.restart().await,
    }
}

/// How many keys hold something for copies that have not ended: their sources, and blobs.
async fn kept(desk: &Desk) -> (usize, usize) {
    let counts = census(&all_keys(&desk.world).await);
    let count = |kind: &str| counts.get(kind).copied().unwrap_or(0);
    (count("G"), count("00 h"))
}

async fn blobs(desk: &Desk) -> usize {
    let found = desk.world.blobs.list(None, usize::MAX).await;
    found.unwrap().len()
}

async fn delete_bucket(desk: &Desk) {
    let (world, none) = (&desk.world, Preconditions::default());
    let path = world.bucket("b");
    let deleted = world.engine.delete_bucket(&world.admin, &path, &none);
    assert_eq!(outcome(&deleted.await), "ok");
}

#[tokio::test]
async fn a_source_that_is_deleted_is_copied() {
    assert_copied_after(async |desk| desk.delete("b", "o").await).await;
}

#[tokio::test]
async fn a_source_that_is_deleted_is_copied_from_disks_too() {
    for kind in KINDS {
        let (desk, bytes) = desk(kind, Stores::Disk, Versioning::Disabled).await;
        desk.ask("o", desk.plain()).await.unwrap();
        desk.delete("b", "o").await;
        let desk = restarted(desk).await;
        collect(&desk.world).await;
        desk.world.engine.work_once().await.unwrap();
        assert!(desk.read("c", "copy").await.unwrap().1 == bytes, "{kind:?}");
        audit(&desk.world).await;
    }
}

#[tokio::test]
async fn a_source_that_is_overwritten_is_copied_as_it_was() {
    for new in [5, 1000] {
        assert_copied_after(async |desk| {
            desk.put("b", "o", &content(new, 9)).await;
        })
        .await;
    }
}

#[tokio::test]
async fn a_source_that_is_renamed_and_then_deleted_is_copied() {
    assert_copied_after(async |desk| {
        let world = &desk.world;
        let name = |text: &str| ObjectName::parse(text.as_bytes()).unwrap();
        let rename = RenameObject {
            source: name("o"),
            destination: name("p"),
            source_if_match: None,
            preconditions: Preconditions::default(),
        };
        let bucket = world.bucket("b");
        let renamed = world.engine.rename_object(&world.admin, &bucket, rename);
        renamed.await.unwrap();
        desk.delete("b", "p").await;
    })
    .await;
}

/// As a folder is moved: its objects are copied, and all of it is removed.
#[tokio::test]
async fn a_source_whose_bucket_is_deleted_is_copied() {
    assert_copied_after(async |desk| {
        desk.delete("b", "o").await;
        delete_bucket(desk).await;
    })
    .await;
}

#[tokio::test]
async fn a_source_whose_bucket_is_another_by_now_is_copied() {
    assert_copied_after(async |desk| {
        desk.delete("b", "o").await;
        delete_bucket(desk).await;
        desk.create_bucket("b", |_| {}).await;
        desk.put("b", "o", b"another").await;
    })
    .await;
}

#[tokio::test]
async fn a_source_that_is_written_anew_under_another_key_is_copied_as_it_was() {
    assert_copied_after(async |desk| {
        let (world, path) = (&desk.world, desk.world.object("b", "o"));
        let how = Reencryption {
            destination: Some(parbuckle_engine::CustomerKey::new([1; 32])),
            ..Reencryption::default()
        };
        let done = world.engine.reencrypt_object(&world.admin, &path, how);
        done.await.unwrap();
        // The audit reads all there is.
        desk.delete("b", "o").await;
    })
    .await;
}

#[tokio::test]
async fn an_old_version_that_is_deleted_is_copied() {
    for kind in KINDS {
        let shelf = Shelf::new(Versioning::Enabled).await;
        let bytes = put(&shelf, kind).await;
        let version: VersionId = shelf.info("o").await.version_id;
        shelf.put("o", b"new").await;
        let desk = Desk::over(shelf).await;
        let mut copy = desk.plain();
        copy.source_version = Some(version);
        let id = desk.ask("o", copy).await.unwrap();
        let (world, path) = (&desk.world, desk.world.object("b", "o"));
        let none = Preconditions::default();
        let deleted = world
            .engine
            .delete_object(&world.admin, &path, &none, Some(version));
        assert_eq!(outcome(&deleted.await), "ok");
        collect(world).await;
        world.engine.work_once().await.unwrap();
        assert_eq!(desk.work(&id).await.status, WorkStatus::Completed);
        assert!(desk.read("c", "copy").await.unwrap().1 == bytes, "{kind:?}");
        audit(world).await;
    }
}

#[tokio::test]
async fn a_source_that_a_lifecycle_rule_deletes_is_copied() {
    for kind in KINDS {
        let (desk, bytes) = plain_desk(kind).await;
        let (world, bucket) = (&desk.world, desk.world.bucket("b"));
        let rule = LifecycleRule {
            name: "all".to_owned(),
            target: LifecycleTarget::Objects,
            action: LifecycleAction::Delete,
            time_amount: 1,
            time_unit: LifecycleTimeUnit::Days,
            enabled: true,
            filter: None,
        };
        let (engine, none) = (&world.engine, Preconditions::default());
        let put = engine.put_lifecycle_policy(&world.admin, &bucket, vec![rule], &none);
        put.await.unwrap();
        let id = desk.ask("o", desk.plain()).await.unwrap();
        for _ in 0..3 {
            world.environment.advance(DAY);
            engine.upkeep_fully().await.unwrap();
        }
        assert!(desk.read("b", "o").await.is_none(), "the rule has not run");
        collect(world).await;
        engine.work_once().await.unwrap();
        assert_eq!(desk.work(&id).await.status, WorkStatus::Completed);
        assert!(desk.read("c", "copy").await.unwrap().1 == bytes, "{kind:?}");
        assert_eq!(kept(&desk).await, (0, 0));
    }
}

#[tokio::test]
async fn a_source_that_is_archived_after_the_copy_was_accepted_is_copied() {
    let (desk, bytes) = plain_desk(Kind::Blob).await;
    let id = desk.ask("o", desk.plain()).await.unwrap();
    let put = parbuckle_engine::PutObject {
        storage_tier: Some(parbuckle_model::StorageTier::Archive),
        ..Default::default()
    };
    desk.put_with("b", "o", b"cold", put).await;
    desk.world.engine.work_once().await.unwrap();
    assert_eq!(desk.work(&id).await.status, WorkStatus::Completed);
    assert!(desk.read("c", "copy").await.unwrap().1 == bytes);
}

/// The condition on the source was kept by accepting the copy.
#[tokio::test]
async fn a_source_that_changes_after_its_condition_held_is_copied_as_it_was() {
    let desk = Desk::new().await;
    let source = desk.put("b", "o", b"x").await;
    let mut copy = desk.plain();
    copy.source_if_match = Some(only_if(source.etag));
    let id = desk.ask("o", copy).await.unwrap();
    desk.put("b", "o", b"another").await;
    desk.world.engine.work_once().await.unwrap();
    assert_eq!(desk.work(&id).await.status, WorkStatus::Completed);
    assert_eq!(desk.read("c", "copy").await.unwrap().1, b"x");
}

#[tokio::test]
async fn blobs_stay_until_their_copy_has_ended_and_no_longer() {
    for (kind, number) in [(Kind::Blob, 1), (Kind::Parts, 2)] {
        let (desk, _) = plain_desk(kind).await;
        desk.ask("o", desk.plain()).await.unwrap();
        desk.delete("b", "o").await;
        for _ in 0..3 {
            collect(&desk.world).await;
            assert_eq!(blobs(&desk).await, number, "{kind:?}");
        }
        assert_eq!(kept(&desk).await, (1, number));
        desk.world.engine.work_once().await.unwrap();
        assert_eq!(kept(&desk).await, (0, 0));
        desk.delete("c", "copy").await;
        collect(&desk.world).await;
        assert_eq!(blobs(&desk).await, 0, "{kind:?}");
    }
}

#[tokio::test]
async fn what_was_kept_for_a_copy_that_is_cancelled_goes() {
    for kind in KINDS {
        let (desk, _) = plain_desk(kind).await;
        let id = desk.ask("o", desk.plain()).await.unwrap();
        desk.delete("b", "o").await;
        assert_eq!(desk.cancel(&id).await, "ok");
        audit(&desk.world).await;
        assert_eq!(blobs(&desk).await, 0, "{kind:?}");
    }
}

#[tokio::test]
async fn what_was_kept_for_a_copy_that_fails_goes() {
    for kind in KINDS {
        let (desk, _) = plain_desk(kind).await;
        let mut copy = desk.plain();
        copy.preconditions = if_absent();
        let id = desk.ask("o", copy).await.unwrap();
        desk.delete("b", "o").await;
        desk.put("c", "copy", b"meanwhile").await;
        desk.world.engine.work_once().await.unwrap();
        assert_eq!(desk.failures(&id).await, [WorkFailure::IfNoneMatchFailed]);
        audit(&desk.world).await;
        assert_eq!(blobs(&desk).await, 0, "{kind:?}");
    }
}

#[tokio::test]
async fn nothing_is_kept_for_a_copy_that_could_not_be_accepted() {
    for kind in KINDS {
        let (desk, _) = plain_desk(kind).await;
        desk.world.kv_faults.on_commit(1, CommitFault::NotDone);
        let refused = desk.ask("o", desk.plain()).await;
        assert_eq!(outcome(&refused), "Unavailable");
        desk.delete("b", "o").await;
        audit(&desk.world).await;
        assert_eq!(blobs(&desk).await, 0, "{kind:?}");
    }
}

#[tokio::test]
async fn each_of_several_copies_keeps_the_source_for_itself() {
    for kind in KINDS {
        let (desk, bytes) = plain_desk(kind).await;
        let mut ids = Vec::new();
        for number in 0..3 {
            let to = desk.world.object("c", &format!("copy{number}"));
            ids.push(desk.ask("o", desk.to(to)).await.unwrap());
        }
        desk.delete("b", "o").await;
        assert_eq!(desk.cancel(&ids[1]).await, "ok");
        collect(&desk.world).await;
        desk.world.engine.work_once().await.unwrap();
        let state = audit(&desk.world).await;
        let names: Vec<&String> = state["c"].objects.keys().collect();
        assert_eq!(names, ["copy0", "copy2"], "{kind:?}");
        assert!(state["c"].objects.values().all(|copy| copy.1 == bytes));
    }
}

#[tokio::test]
async fn a_blob_that_is_kept_does_not_keep_others() {
    let (desk, _) = plain_desk(Kind::Blob).await;
    desk.put("b", "other", &content(1000, 1)).await;
    desk.ask("o", desk.plain()).await.unwrap();
    desk.delete("b", "o").await;
    desk.delete("b", "other").await;
    assert_eq!(blobs(&desk).await, 2);
    collect(&desk.world).await;
    assert_eq!(blobs(&desk).await, 1);
}

#[tokio::test]
async fn an_object_is_copied_onto_itself_after_it_was_deleted() {
    for kind in KINDS {
        let (desk, bytes) = plain_desk(kind).await;
        let itself = desk.to(desk.world.object("b", "o"));
        desk.ask("o", itself).await.unwrap();
        desk.delete("b", "o").await;
        collect(&desk.world).await;
        desk.world.engine.work_once().await.unwrap();
        assert!(desk.read("b", "o").await.unwrap().1 == bytes, "{kind:?}");
        audit(&desk.world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_of_a_deleted_source_survives_a_power_cut_at_any_commit() {
    for kind in KINDS {
        for commits in 0..4 {
            let (desk, bytes) = plain_desk(kind).await;
            let id = desk.ask("o", desk.plain()).await.unwrap();
            desk.delete("b", "o").await;
            desk.world.kv_faults.cut_power_after(commits);
            // How it ends does not matter: the power is gone.
            let _ = desk.world.engine.work_once().await;
            let desk = restarted(desk).await;
            collect(&desk.world).await;
            desk.world.engine.work_once().await.unwrap();
            let label = format!("{kind:?}, {commits} commits");
            assert_eq!(
                desk.work(&id).await.status,
                WorkStatus::Completed,
                "{label}"
            );
            assert!(desk.read("c", "copy").await.unwrap().1 == bytes, "{label}");
            audit(&desk.world).await;
        }
    }
}

/// Each of the two is held at each of its reads in turn, while the other comes and goes.
#[tokio::test(start_paused = true)]
async fn a_copy_and_a_deletion_at_the_same_time_lose_nothing_that_was_accepted() {
    let (mut accepted, mut refused) = (0, 0);
    for (nth, copy_is_held) in (1..10).flat_map(|nth| [(nth, true), (nth, false)]) {
        let (desk, bytes) = plain_desk(Kind::Parts).await;
        let hold = ReadFault::Delay(Duration::from_secs(10));
        desk.world.kv_faults.on_read(nth, hold);
        let later = async |wait: bool| {
            if wait {
                tokio::time::sleep(Duration::from_secs(5)).await;
            }
        };
        let copy = async {
            later(!copy_is_held).await;
            desk.ask("o", desk.plain()).await
        };
        let delete = async {
            later(copy_is_held).await;
            desk.delete("b", "o").await;
        };
        let (asked, ()) = tokio::join!(copy, delete);
        collect(&desk.world).await;
        desk.world.engine.work_once().await.unwrap();
        match outcome(&asked).as_str() {
            "ok" => {
                assert!(desk.read("c", "copy").await.unwrap().1 == bytes, "{nth}");
                accepted += 1;
            }
            "ObjectNotFound" => refused += 1,
            other => panic!("{other}"),
        }
        audit(&desk.world).await;
    }
    assert!(accepted > 0 && refused > 0, "{accepted} {refused}");
}
