//! Copies that are interrupted, cancelled or meet failures: they are done once, or not at all and leave nothing.

use std::time::Duration;

use parbuckle_blob::Store as _;
use parbuckle_blob::faulty::Operation;
use parbuckle_engine::{CopyObject, WorkFailure, WorkStatus};
use parbuckle_kv::{CommitFault, ReadFault};
use parbuckle_model::Versioning;

use super::{Desk, if_absent};
use crate::shelf::Shelf;
use crate::support::audit::audit;
use crate::support::body::content;
use crate::support::outcome;

/// Longer than all pauses between the tries of a work request.
const PATIENCE: Duration = Duration::from_secs(60);

/// A multipart object `b/o` of two parts; `c/copy` is there and will be replaced.
async fn desk() -> (Desk, Vec<u8>) {
    let shelf = Shelf::new(Versioning::Disabled).await;
    let parts = [content(100_000, 1), content(100, 2)];
    shelf.put_parts("o", &[&parts[0], &parts[1]]).await;
    let desk = Desk::over(shelf).await;
    desk.put("c", "copy", &content(100, 3)).await;
    (desk, parts.concat())
}

/// The copy is there, once, and nothing besides.
async fn assert_done(desk: &Desk, bytes: &[u8], label: &str) {
    let works = desk.list("1000").await;
    assert_eq!(works.len(), 1, "{label}");
    let status = desk.work(&works[0]).await.status;
    assert_eq!(status, WorkStatus::Completed, "{label}");
    let state = audit(&desk.world).await;
    assert!(state["c"].objects["copy"].1 == bytes, "{label}");
}

/// Lets the worker work until nothing waits.
async fn work(desk: &Desk) {
    for _ in 0..3 {
        // A failure that could not be written down ends a round.
        if desk.world.engine.work_once().await.is_ok() {
            return;
        }
    }
    panic!("the work does not end");
}

#[tokio::test(start_paused = true)]
async fn a_copy_that_a_power_cut_interrupts_is_done_after_the_restart() {
    for commits in 0..4 {
        let (desk, bytes) = desk().await;
        desk.ask("o", desk.plain()).await.unwrap();
        desk.world.kv_faults.cut_power_after(commits);
        // How it ends does not matter: the power is gone.
        let _ = desk.world.engine.work_once().await;
        let desk = Desk {
            world: desk.world.restart().await,
        };
        work(&desk).await;
        assert_done(&desk, &bytes, &format!("{commits} commits")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_is_dropped_at_any_point_is_followed_by_another() {
    for polls in 0..40 {
        let (desk, bytes) = desk().await;
        desk.ask("o", desk.plain()).await.unwrap();
        {
            let mut work = std::pin::pin!(desk.world.engine.work_once());
            for _ in 0..polls {
                let done = std::future::poll_fn(|cx| {
                    std::task::Poll::Ready(work.as_mut().poll(cx).is_ready())
                });
                if done.await {
                    break;
                }
                tokio::task::yield_now().await;
            }
        }
        // Aborted tasks end before others begin.
        tokio::task::yield_now().await;
        work(&desk).await;
        assert_done(&desk, &bytes, &format!("{polls} polls")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_done_once_whatever_becomes_of_its_commits() {
    use CommitFault as F;
    for fault in [
        F::NotDone,
        F::Conflict,
        F::UnknownApplied,
        F::UnknownNotApplied,
    ] {
        // One takes the work up, one places the copy.
        for nth in 1..=2 {
            let (desk, bytes) = desk().await;
            desk.ask("o", desk.plain()).await.unwrap();
            desk.world.kv_faults.on_commit(nth, fault);
            work(&desk).await;
            assert_done(&desk, &bytes, &format!("{fault:?} at {nth}")).await;
        }
    }
}

/// A second try would find the object of the first, and refuse.
#[tokio::test(start_paused = true)]
async fn a_copy_that_was_placed_recognises_itself() {
    let (desk, bytes) = desk().await;
    desk.delete("c", "copy").await;
    let copy = CopyObject {
        preconditions: if_absent(),
        ..desk.plain()
    };
    desk.ask("o", copy).await.unwrap();
    desk.world
        .kv_faults
        .on_commit(2, CommitFault::UnknownApplied);
    work(&desk).await;
    assert_done(&desk, &bytes, "placed").await;
}

#[tokio::test]
async fn a_copy_is_asked_for_once_whatever_becomes_of_its_commit() {
    for fault in [
        CommitFault::Conflict,
        CommitFault::UnknownApplied,
        CommitFault::UnknownNotApplied,
    ] {
        let (desk, bytes) = desk().await;
        desk.world.kv_faults.on_commit(1, fault);
        desk.ask("o", desk.plain()).await.unwrap();
        work(&desk).await;
        assert_done(&desk, &bytes, &format!("{fault:?}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_survives_a_read_that_fails() {
    for nth in 1..30 {
        let (desk, bytes) = desk().await;
        desk.ask("o", desk.plain()).await.unwrap();
        desk.world.kv_faults.on_read(nth, ReadFault::Unavailable);
        let _ = desk.world.engine.work_once().await;
        work(&desk).await;
        // The fault may still lie ahead.
        while desk.world.kv_faults.reads() < 200 {
            let _ = desk.world.engine.work_once().await;
        }
        assert_done(&desk, &bytes, &format!("read {nth}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_survives_a_blob_that_fails_for_a_while() {
    for operation in [
        Operation::Create,
        Operation::Write,
        Operation::Seal,
        Operation::Open,
        Operation::Read,
    ] {
        for nth in 1..=2 {
            let (desk, bytes) = desk().await;
            desk.ask("o", desk.plain()).await.unwrap();
            let blobs = &desk.world.blobs;
            let error = parbuckle_blob::Error::Io(std::io::ErrorKind::Other.into());
            blobs.fail(operation, blobs.count(operation) + nth, error);
            work(&desk).await;
            assert_done(&desk, &bytes, &format!("{operation:?} {nth}")).await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_copy_fails_when_the_blobs_do_not_recover_and_leaves_nothing() {
    let (desk, _) = desk().await;
    let before = audit(&desk.world).await;
    let id = desk.ask("o", desk.plain()).await.unwrap();
    let (blobs, operation) = (&desk.world.blobs, Operation::Seal);
    for nth in 1..100 {
        let error = parbuckle_blob::Error::Io(std::io::ErrorKind::Other.into());
        blobs.fail(operation, blobs.count(operation) + nth, error);
    }
    work(&desk).await;
    assert_eq!(desk.work(&id).await.status, WorkStatus::Failed);
    assert_eq!(desk.failures(&id).await, [WorkFailure::Unavailable]);
    assert_eq!(audit(&desk.world).await, before);
}

#[tokio::test]
async fn a_damaged_source_fails_the_copy_and_leaves_nothing() {
    let desk = Desk::new().await;
    desk.put("b", "o", &content(200_000, 1)).await;
    let blob = desk.world.blobs.list(None, 9).await.unwrap()[0].id;
    desk.world.flip_bit(blob, 150_000);
    let id = desk.ask("o", desk.plain()).await.unwrap();
    desk.world.engine.work_once().await.unwrap();
    assert_eq!(desk.failures(&id).await, [WorkFailure::Internal]);
    assert!(desk.read("c", "copy").await.is_none());
    desk.world.flip_bit(blob, 150_000);
    audit(&desk.world).await;
}

/// The worker is held at each of its reads in turn; meanwhile the work request is cancelled.
#[tokio::test(start_paused = true)]
async fn a_cancelled_copy_ends_as_cancelled_and_leaves_nothing_or_was_done_before() {
    let (mut canceled, mut completed) = (0, 0);
    for nth in 1..20 {
        let (desk, bytes) = desk().await;
        let before = audit(&desk.world).await;
        let id = desk.ask("o", desk.plain()).await.unwrap();
        let hold = ReadFault::Delay(Duration::from_secs(10));
        desk.world.kv_faults.on_read(nth, hold);
        let cancel = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            desk.cancel(&id).await
        };
        let work = tokio::time::timeout(PATIENCE, desk.world.engine.work_once());
        let (worked, answer) = tokio::join!(work, cancel);
        assert_eq!(outcome(&worked.unwrap()), "ok");
        let after = audit(&desk.world).await;
        match desk.work(&id).await.status {
            WorkStatus::Canceled => {
                assert_eq!(answer, "ok");
                assert_eq!(after, before, "held at read {nth}");
                canceled += 1;
            }
            WorkStatus::Completed => {
                assert_eq!(answer, "WorkRequestEnded");
                assert!(after["c"].objects["copy"].1 == bytes);
                completed += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(canceled > 5 && completed > 0, "{canceled} {completed}");
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_a_restart_interrupts_is_finished() {
    let (desk, _) = desk().await;
    let before = audit(&desk.world).await;
    let id = desk.ask("o", desk.plain()).await.unwrap();
    // Begun, and no further: the second commit of the worker never comes.
    desk.world.kv_faults.on_commit(2, CommitFault::Never);
    let work_once = desk.world.engine.work_once();
    let worked = tokio::time::timeout(PATIENCE, work_once).await;
    assert!(worked.is_err());
    assert_eq!(desk.work(&id).await.status, WorkStatus::InProgress);
    assert_eq!(desk.cancel(&id).await, "ok");
    assert_eq!(desk.work(&id).await.status, WorkStatus::Canceling);
    let desk = Desk {
        world: desk.world.restart().await,
    };
    work(&desk).await;
    assert_eq!(desk.work(&id).await.status, WorkStatus::Canceled);
    assert_eq!(audit(&desk.world).await, before);
}

/// Three looks at the work request, one each 16 MiB, and then its commit, which never comes.
#[tokio::test(start_paused = true)]
async fn the_progress_of_a_long_copy_is_written_down() {
    let desk = Desk::new().await;
    desk.put("b", "o", &content(48 << 20, 1)).await;
    let id = desk.ask("o", desk.plain()).await.unwrap();
    desk.world.kv_faults.on_commit(5, CommitFault::Never);
    let work_once = desk.world.engine.work_once();
    let worked = tokio::time::timeout(PATIENCE, work_once).await;
    assert!(worked.is_err());
    let work = desk.work(&id).await;
    assert_eq!((work.status, work.percent), (WorkStatus::InProgress, 99));
}

#[tokio::test(start_paused = true)]
async fn a_long_copy_that_is_cancelled_does_not_go_on_to_its_end() {
    let desk = Desk::new().await;
    let blobs = &desk.world.blobs;
    desk.put("b", "o", &content(64 << 20, 1)).await;
    let id = desk.ask("o", desk.plain()).await.unwrap();
    // The first look at the work request takes its time.
    let hold = CommitFault::Delay(Duration::from_secs(10));
    desk.world.kv_faults.on_commit(2, hold);
    let cancel = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        desk.cancel(&id).await
    };
    let (worked, answer) = tokio::join!(desk.world.engine.work_once(), cancel);
    assert_eq!(
        (outcome(&worked), answer),
        ("ok".to_owned(), "ok".to_owned())
    );
    assert_eq!(desk.work(&id).await.status, WorkStatus::Canceled);
    // That of the source.
    assert_eq!(blobs.count(Operation::Seal), 1);
    assert!(desk.read("c", "copy").await.is_none());
}
