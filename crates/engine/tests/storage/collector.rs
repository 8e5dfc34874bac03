//! The collector: what it removes, what it leaves alone, and how it goes on after a failure.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use parbuckle_blob::Store as _;
use parbuckle_blob::faulty::Operation;
use parbuckle_engine::{Engine, PutObject, ReadObject};
use parbuckle_kv::{CommitFault, ReadFault};

use super::script::{By, Call, Story};
use super::support::audit::{TRASH_DELAY, all_keys, audit, census, collect, observe};
use super::support::body::{content, read_all, sent_later};
use super::support::outcome;
use super::support::world::World;

/// One round of the background work: trash, counters, sweep.
pub(crate) async fn one_round(engine: Arc<Engine>) {
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let work = engine.run_background(stopped);
    tokio::join!(work, async move { stop.send(true).unwrap() });
}

#[tokio::test]
async fn a_replaced_blob_stays_five_minutes_for_those_who_just_found_it() {
    let story = Story::after(&replaced_blob()).await;
    let world = &story.world;
    for (wait, gone) in [(0, 0), (299, 0), (1, 1), (0, 0)] {
        world.environment.advance(Duration::from_secs(wait));
        assert_eq!(world.engine.empty_trash().await.unwrap(), gone);
    }
    assert_eq!(blobs(world).await, 1);
}

#[tokio::test]
async fn a_replaced_blob_stays_while_it_is_being_read() {
    let mut story = Story::after(&[Call::CreateBucket, Call::Put(By::Admin, "o", 200_000)]).await;
    let path = story.world.object("b", "o");
    let before = observe(&story.world).await;
    let engine = Arc::clone(&story.world.engine);
    let read = engine.read_object(&story.world.admin, &path, ReadObject::default());
    let read = read.await.unwrap();
    story.call(&Call::Put(By::Admin, "o", 100)).await.unwrap();
    story.world.environment.advance(TRASH_DELAY);
    assert_eq!(engine.empty_trash().await.unwrap(), 0);
    let bytes = read_all(read.body).await.unwrap();
    assert!(bytes == before["b"].objects["o"].1);
    assert_eq!(engine.empty_trash().await.unwrap(), 1);
    audit(&story.world).await;
}

#[tokio::test]
async fn a_body_on_its_way_in_is_not_swept() {
    const MIB: usize = 1 << 20;
    let story = Story::after(&[Call::CreateBucket]).await;
    let world = &story.world;
    let bytes = content(3 * MIB, 1);
    let (sender, body) = sent_later(bytes.len());
    let path = world.object("b", "o");
    let put = world
        .engine
        .put_object(&world.admin, &path, PutObject::default(), body);
    let others = async {
        // One frame fits into the channel: when the third does, the first has been written to the blob.
        for frame in bytes[..3 * MIB - 1].chunks(MIB) {
            sender.send(Bytes::copy_from_slice(frame)).await.unwrap();
        }
        assert_eq!(blobs(world).await, 1);
        world.environment.advance(Duration::from_secs(1_000_000));
        let swept = world.engine.sweep_orphans(Duration::ZERO).await;
        assert_eq!(swept.unwrap(), 0);
        let last = Bytes::copy_from_slice(&bytes[3 * MIB - 1..]);
        sender.send(last).await.unwrap();
    };
    let (stored, ()) = tokio::join!(put, others);
    assert_eq!(outcome(&stored), "ok");
    assert!(audit(world).await["b"].objects["o"].1 == bytes);
}

#[tokio::test]
async fn a_blob_without_a_record_is_swept_once_it_is_old_enough() {
    let mut story = Story::after(&[Call::CreateBucket]).await;
    orphan(&mut story).await;
    let world = &story.world;
    assert_eq!(blobs(world).await, 1);
    world.environment.advance(Duration::from_secs(60));
    for (age, gone) in [(61, 0), (60, 0), (59, 1), (0, 0)] {
        let age = Duration::from_secs(age);
        assert_eq!(world.engine.sweep_orphans(age).await.unwrap(), gone);
    }
    assert_eq!(blobs(world).await, 0);
}

#[tokio::test]
async fn a_blob_of_a_refused_write_goes_with_the_second_look() {
    let mut story = Story::after(&[Call::CreateBucket, Call::Put(By::Admin, "o", 100)]).await;
    orphan(&mut story).await;
    let engine = &story.world.engine;
    for gone in [0, 1, 0] {
        assert_eq!(engine.delete_unnamed().await.unwrap(), gone);
    }
    assert_eq!(blobs(&story.world).await, 1);
    audit(&story.world).await;
}

#[tokio::test]
async fn a_look_that_fails_is_made_again() {
    let mut story = Story::after(&[Call::CreateBucket]).await;
    orphan(&mut story).await;
    let world = &story.world;
    assert_eq!(world.engine.delete_unnamed().await.unwrap(), 0);
    world.kv_faults.on_read(1, ReadFault::Unavailable);
    let failed = world.engine.delete_unnamed().await;
    assert_eq!(outcome(&failed), "Unavailable");
    for _ in 0..2 {
        world.engine.delete_unnamed().await.unwrap();
    }
    assert_eq!(blobs(world).await, 0);
}

#[tokio::test]
async fn a_collector_that_fails_anywhere_finishes_the_next_time() {
    for nth in 1..12 {
        for fault in 0..6 {
            let mut story = Story::after(&replaced_blob()).await;
            story.call(&Call::Delete("o")).await.unwrap();
            story.call(&Call::Put(By::Admin, "p", 100)).await.unwrap();
            orphan(&mut story).await;
            let world = &story.world;
            let state = observe(world).await;
            world.environment.advance(TRASH_DELAY);
            let (kv, blobs) = (&world.kv_faults, &world.blobs);
            let fail = |operation| {
                let error = parbuckle_blob::Error::Io(std::io::ErrorKind::Other.into());
                blobs.fail(operation, blobs.count(operation) + nth, error);
            };
            match fault {
                0 => kv.on_read(nth, ReadFault::Unavailable),
                1 => kv.on_commit(nth, CommitFault::NotDone),
                2 => kv.on_commit(nth, CommitFault::UnknownApplied),
                3 => kv.on_commit(nth, CommitFault::UnknownNotApplied),
                4 => fail(Operation::Delete),
                _ => fail(Operation::List),
            }
            // Whether it reports the failure does not matter here.
            let _ = world.engine.empty_trash().await;
            let _ = world.engine.sweep_orphans(Duration::ZERO).await;
            let world = story.world.restart().await;
            assert_eq!(audit(&world).await, state, "fault {fault} at {nth}");
        }
    }
}

#[tokio::test]
async fn one_blob_that_can_not_be_deleted_does_not_keep_the_others() {
    let mut story = Story::after(&replaced_blob()).await;
    story.call(&Call::Delete("o")).await.unwrap();
    let world = &story.world;
    world.environment.advance(TRASH_DELAY);
    let error = parbuckle_blob::Error::Io(std::io::ErrorKind::Other.into());
    world.blobs.fail(Operation::Delete, 1, error);
    assert_eq!(outcome(&world.engine.empty_trash().await), "Unavailable");
    assert_eq!(blobs(world).await, 1);
    assert_eq!(world.engine.empty_trash().await.unwrap(), 1);
}

#[tokio::test]
async fn a_commit_that_replaces_an_object_and_drops_parts_leaves_no_blob_of_either() {
    let story = Story::after(&[
        Call::CreateBucket,
        Call::Put(By::Admin, "o", 100),
        Call::StartUpload(By::Admin, "o"),
        Call::Part(By::Admin, 0, 1, 100),
        Call::Part(By::Admin, 0, 2, 100),
        Call::CommitSome(0, vec![2]),
    ])
    .await;
    collect(&story.world).await;
    assert_eq!(blobs(&story.world).await, 1);
}

#[tokio::test]
async fn counters_stay_exact_while_they_are_folded() {
    let mut story = Story::after(&[Call::CreateBucket]).await;
    for _ in 0..3 {
        many_changes(&mut story).await;
        let before = observe(&story.world).await;
        one_round(Arc::clone(&story.world.engine)).await;
        assert_eq!(observe(&story.world).await, before);
        assert!(counter_keys(&story.world).await < 64);
    }
}

#[tokio::test]
async fn counters_that_could_not_be_folded_are_folded_in_the_next_round() {
    let mut story = Story::after(&[Call::CreateBucket]).await;
    many_changes(&mut story).await;
    story.world.kv_faults.on_commit(1, CommitFault::NotDone);
    one_round(Arc::clone(&story.world.engine)).await;
    assert!(counter_keys(&story.world).await >= 64);
    one_round(Arc::clone(&story.world.engine)).await;
    assert!(counter_keys(&story.world).await < 64);
    audit(&story.world).await;
}

#[tokio::test]
async fn counters_that_an_earlier_process_left_are_folded_once_somebody_asks() {
    let mut story = Story::after(&[Call::CreateBucket]).await;
    many_changes(&mut story).await;
    let world = story.world.restart().await;
    one_round(Arc::clone(&world.engine)).await;
    assert!(counter_keys(&world).await >= 64);
    observe(&world).await;
    one_round(Arc::clone(&world.engine)).await;
    assert!(counter_keys(&world).await < 64);
}

#[tokio::test]
async fn what_is_written_after_the_clock_was_set_back_behind_a_folding_is_counted() {
    let mut story = Story::after(&[Call::CreateBucket]).await;
    many_changes(&mut story).await;
    one_round(Arc::clone(&story.world.engine)).await;
    story.world.environment.set_back(Duration::from_secs(3600));
    story.call(&Call::Put(By::Admin, "p", 7)).await.unwrap();
    assert_eq!(observe(&story.world).await["b"].objects.len(), 2);
    many_changes(&mut story).await;
    one_round(Arc::clone(&story.world.engine)).await;
    audit(&story.world).await;
}

/// A hundred changes of the bucket's counters, of which one object remains.
async fn many_changes(story: &mut Story) {
    for size in 0..50 {
        story.call(&Call::Put(By::Admin, "o", size)).await.unwrap();
        story.call(&Call::Delete("o")).await.unwrap();
    }
    story.call(&Call::Put(By::Admin, "o", 50)).await.unwrap();
}

async fn counter_keys(world: &World) -> usize {
    let counts = census(&all_keys(world).await);
    counts.get("C").copied().unwrap_or(0)
}

fn replaced_blob() -> Vec<Call> {
    vec![
        Call::CreateBucket,
        Call::Put(By::Admin, "o", 100),
        Call::Put(By::Admin, "o", 200),
    ]
}

/// Leaves a sealed blob behind that no record names.
async fn orphan(story: &mut Story) {
    story.world.kv_faults.on_commit(1, CommitFault::NotDone);
    let put = story.call(&Call::Put(By::Admin, "orphan", 100)).await;
    assert_eq!(outcome(&put), "Unavailable");
}

async fn blobs(world: &World) -> usize {
    world.blobs.list(None, usize::MAX).await.unwrap().len()
}
