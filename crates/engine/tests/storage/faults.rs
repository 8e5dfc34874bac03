//! Every call with every fault: it ends in done, not done or an error, and nothing is ever half-visible.

use std::pin::pin;
use std::slice::from_ref;
use std::task::Poll;

use parbuckle_blob::faulty::Operation;
use parbuckle_engine::{BodyError, Error, ErrorKind, NewUpload, PutObject, ReadObject};
use parbuckle_kv::{CommitFault, ReadFault};
use parbuckle_model::{AccessType, Preconditions};

use super::script::{By, Call, Story};
use super::support::audit::{State, audit, observe};
use super::support::body::{content, cut_short, read_all};
use super::support::{kind_of, part};

/// Tries of the engine's transaction loop.
const TRIES: u64 = 40;

/// A blob of several writes: the engine hands over 1 MiB at a time.
const LARGE: usize = (2 << 20) + 5;

/// A call, and what happened before it.
struct Case {
    before: Vec<Call>,
    call: Call,
}

/// Every kind of change, in each shape that takes another path through the engine.
fn cases() -> Vec<Case> {
    use By::{Admin, Par, Secret};
    let case = |before: &[Call], call: Call| Case {
        before: [&[Call::CreateBucket], before].concat(),
        call,
    };
    let (inline, blob) = (Call::Put(Admin, "o", 10), Call::Put(Admin, "o", 100));
    let any = Call::CreatePar(AccessType::AnyObjectReadWrite, "");
    let parts = |by| {
        [
            Call::StartUpload(by, "o"),
            Call::Part(Admin, 0, 1, 100),
            Call::Part(Admin, 0, 2, 0),
            Call::Part(Admin, 0, 7, 200),
        ]
    };
    let multipart = [&parts(Admin)[..], &[Call::CommitAll(Admin, 0)]].concat();
    let through_par = [from_ref(&any), &parts(Par(0))].concat();
    let over_blob = [from_ref(&blob), &parts(Admin)].concat();
    vec![
        Case {
            before: Vec::new(),
            call: Call::CreateBucket,
        },
        case(&[], Call::UpdateBucket),
        case(&[], Call::DeleteBucket),
        case(&[inline.clone(), Call::Delete("o")], Call::DeleteBucket),
        case(&[], inline.clone()),
        case(&[], blob.clone()),
        case(&[], Call::Put(Admin, "o", LARGE)),
        case(from_ref(&any), Call::Put(Par(0), "o", 100)),
        case(from_ref(&blob), Call::Overwrite("o", 10)),
        case(from_ref(&inline), Call::Overwrite("o", 100)),
        case(&multipart, Call::Overwrite("o", 100)),
        case(&[inline], Call::Delete("o")),
        case(&[blob], Call::Delete("o")),
        case(&multipart, Call::Delete("o")),
        case(&[], Call::StartUpload(Admin, "o")),
        case(from_ref(&any), Call::StartUpload(Par(0), "o")),
        case(&parts(Admin), Call::Part(Admin, 0, 3, 100)),
        case(&through_par, Call::Part(Secret(0), 0, 3, 100)),
        case(&parts(Admin), Call::ReplacePart(0, 7, 50)),
        case(&parts(Admin), Call::CommitAll(Admin, 0)),
        case(&over_blob, Call::CommitAll(Admin, 0)),
        case(&over_blob, Call::CommitSome(0, vec![1, 2])),
        case(&through_par, Call::CommitAll(Secret(0), 0)),
        case(&parts(Admin), Call::Abort(Admin, 0)),
        case(&through_par, Call::Abort(Secret(0), 0)),
        case(&[], any.clone()),
        case(&[], Call::CreatePar(AccessType::ObjectRead, "a/b")),
        case(&[any], Call::DeletePar(0)),
    ]
}

/// A case without faults: the states around the call, its reply, and how often it touched the stores.
struct Baseline {
    case: Case,
    before: State,
    with: State,
    reply: String,
    reads: u64,
    commits: u64,
    /// Creates, writes and seals of blobs.
    blob_calls: Vec<(Operation, u64)>,
}

impl Baseline {
    async fn of(case: Case) -> Self {
        let mut story = Story::after(&case.before).await;
        let before = observe(&story.world).await;
        let counts = |story: &Story| {
            let count = |operation| (operation, story.world.blobs.count(operation));
            let blobs = [Operation::Create, Operation::Write, Operation::Seal].map(count);
            let faults = &story.world.kv_faults;
            (faults.reads(), faults.commits(), blobs)
        };
        let (reads, commits, blobs) = counts(&story);
        let reply = story.call(&case.call).await.unwrap();
        let (reads_then, commits_then, blobs_then) = counts(&story);
        let blob_calls = blobs.iter().zip(blobs_then);
        let with = audit(&story.world).await;
        assert_ne!(before, with, "{:?} changes nothing", case.call);
        Self {
            before,
            with,
            reply,
            reads: reads_then - reads,
            commits: commits_then - commits,
            blob_calls: blob_calls
                .map(|((operation, was), (_, is))| (*operation, is - was))
                .collect(),
            case,
        }
    }

    /// Runs the case with faults that `plan` makes right before the call, and checks that what the caller was told
    /// agrees with what is there. Returns the error, if it was one.
    async fn with_faults(&self, label: &str, plan: impl FnOnce(&Story)) -> Option<Error> {
        let mut story = Story::after(&self.case.before).await;
        plan(&story);
        let result = story.call(&self.case.call).await;
        // Faults that were planned and not met end with the engine.
        let state = audit(&story.world.restart().await).await;
        let what = format!("{:?} with {label}", self.case.call);
        match result {
            Ok(reply) => {
                assert_eq!(reply, self.reply, "{what}");
                assert_eq!(state, self.with, "{what} was called done");
                None
            }
            Err(error) => {
                let kind = kind_of(&error);
                let known = ["Unavailable", "Internal", "ConcurrentUpdate"];
                assert!(known.contains(&kind.as_str()), "{what}: {error:?}");
                let either = state == self.before || state == self.with;
                assert!(either, "{what}: half-visible: {state:#?}");
                if kind == "ConcurrentUpdate" {
                    assert_eq!(state, self.before, "{what} was called not done");
                }
                Some(error)
            }
        }
    }

    /// The same, where the fault must not be survived and nothing may have changed.
    async fn not_done(&self, label: &str, plan: impl FnOnce(&Story)) -> Error {
        let mut story = Story::after(&self.case.before).await;
        plan(&story);
        let what = format!("{:?} with {label}", self.case.call);
        let error = story.call(&self.case.call).await.expect_err(&what);
        assert_eq!(audit(&story.world).await, self.before, "{what}");
        error
    }
}

async fn for_each_case(mut check: impl AsyncFnMut(&Baseline)) {
    for case in cases() {
        check(&Baseline::of(case).await).await;
    }
}

#[tokio::test]
async fn a_failed_read_leaves_everything_as_it_was() {
    for_each_case(async |case| {
        for nth in 1..=case.reads {
            for fault in [ReadFault::Unavailable, ReadFault::Damaged] {
                let label = format!("read {nth} {fault:?}");
                case.not_done(&label, |story| story.world.kv_faults.on_read(nth, fault))
                    .await;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_commit_that_is_not_done_leaves_everything_as_it_was() {
    for_each_case(async |case| {
        assert_eq!(case.commits, 1, "{:?}", case.case.call);
        let plan = |story: &Story| story.world.kv_faults.on_commit(1, CommitFault::NotDone);
        let error = case.not_done("commit not done", plan).await;
        assert!(matches!(error.kind(), ErrorKind::Unavailable), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn a_commit_of_unknown_outcome_is_answered_with_success_once() {
    for_each_case(async |case| {
        for fault in [CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
            for times in 1..=2 {
                let label = format!("{times} x {fault:?}");
                let error = case
                    .with_faults(&label, |story| {
                        (1..=times).for_each(|nth| story.world.kv_faults.on_commit(nth, fault));
                    })
                    .await;
                assert!(error.is_none(), "{:?} {label}: {error:?}", case.case.call);
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_fault_after_an_unknown_outcome_never_makes_a_false_answer() {
    for_each_case(async |case| {
        for unknown in [CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
            // To look again may take some reads more.
            for nth in 1..=case.reads + 4 {
                let label = format!("{unknown:?}, then read {nth} fails");
                case.with_faults(&label, |story| {
                    let faults = &story.world.kv_faults;
                    faults.on_commit(1, unknown);
                    faults.on_read(case.reads + nth, ReadFault::Unavailable);
                })
                .await;
            }
            let label = format!("{unknown:?}, then not done");
            case.with_faults(&label, |story| {
                story.world.kv_faults.on_commit(1, unknown);
                story.world.kv_faults.on_commit(2, CommitFault::NotDone);
            })
            .await;
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn conflicts_are_tried_again_until_the_tries_are_used_up() {
    for_each_case(async |case| {
        for conflicts in [1, 2, TRIES - 1] {
            let label = format!("{conflicts} conflicts");
            let error = case
                .with_faults(&label, |story| {
                    storm(story, conflicts, CommitFault::Conflict)
                })
                .await;
            assert!(error.is_none(), "{:?} {label}: {error:?}", case.case.call);
        }
        let plan = |story: &Story| storm(story, TRIES, CommitFault::Conflict);
        let error = case.not_done("a storm of conflicts", plan).await;
        assert!(matches!(error.kind(), ErrorKind::ConcurrentUpdate));
    })
    .await;
}

/// "Concurrent update" says that nothing was stored. Nobody knows that here.
#[tokio::test(start_paused = true)]
async fn a_storm_of_unknown_outcomes_ends_as_unavailable() {
    for_each_case(async |case| {
        let plan = |story: &Story| storm(story, TRIES, CommitFault::UnknownNotApplied);
        let error = case.not_done("a storm of unknown outcomes", plan).await;
        assert!(matches!(error.kind(), ErrorKind::Unavailable), "{error:?}");
    })
    .await;
}

#[tokio::test]
async fn a_failed_blob_leaves_everything_as_it_was() {
    use parbuckle_blob::Error as Blob;
    let errors: [fn() -> Blob; 3] = [
        || Blob::Full(std::io::ErrorKind::StorageFull.into()),
        || Blob::ReadOnly,
        || Blob::Io(std::io::ErrorKind::Other.into()),
    ];
    for_each_case(async |case| {
        for (operation, count) in &case.blob_calls {
            for nth in 1..=*count {
                for error in errors {
                    let label = format!("{operation:?} {nth}: {:?}", error());
                    let plan = |story: &Story| {
                        let blobs = &story.world.blobs;
                        blobs.fail(*operation, blobs.count(*operation) + nth, error());
                    };
                    let error = case.not_done(&label, plan).await;
                    assert!(matches!(error.kind(), ErrorKind::Unavailable), "{error:?}");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_dropped_at_any_point_is_done_or_not_done() {
    for_each_case(async |case| {
        for polls in 0.. {
            let mut story = Story::after(&case.case.before).await;
            let finished = {
                let mut call = pin!(story.call(&case.case.call));
                let mut left = polls;
                std::future::poll_fn(move |cx| {
                    if left == 0 {
                        return Poll::Ready(false);
                    }
                    left -= 1;
                    call.as_mut().poll(cx).map(|_| true)
                })
                .await
            };
            let state = audit(&story.world).await;
            let either = state == case.before || state == case.with;
            assert!(
                either,
                "{:?} after {polls} polls: {state:#?}",
                case.case.call
            );
            if finished {
                break;
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_call_that_is_dropped_while_its_commit_hangs_is_not_done() {
    for_each_case(async |case| {
        let mut story = Story::after(&case.case.before).await;
        story.world.kv_faults.on_commit(1, CommitFault::Never);
        let call = story.call(&case.case.call);
        let wait = std::time::Duration::from_millis(30);
        let result = tokio::time::timeout(wait, call).await;
        assert!(result.is_err(), "{:?}", case.case.call);
        assert_eq!(audit(&story.world).await, case.before);
    })
    .await;
}

#[tokio::test]
async fn a_body_cut_short_at_any_byte_leaves_nothing() {
    let story = Story::after(&[Call::CreateBucket, Call::Put(By::Admin, "o", 100)]).await;
    let world = &story.world;
    let (engine, admin, path) = (&world.engine, &world.admin, world.object("b", "o"));
    let started = engine
        .create_upload(admin, &path, NewUpload::default())
        .await;
    let upload = world.upload("b", "o", started.unwrap().upload.id);
    let before = observe(world).await;
    let gone = || BodyError::Disconnected("reset".to_owned());
    for size in [40, 64, 65, 100] {
        let bytes = content(size, 1);
        for sent in 0..size {
            let malformed = BodyError::Malformed("chunk size".to_owned());
            let ends = [
                None,
                Some(gone()),
                Some(BodyError::Stalled),
                Some(malformed),
            ];
            let end = ends[sent % ends.len()].clone();
            let body = || cut_short(&bytes, sent, end.clone(), sent as u64);
            let put = engine.put_object(admin, &path, PutObject::default(), body());
            let error = put.await.err().unwrap();
            assert!(
                matches!(error.kind(), ErrorKind::BodyUnusable(_)),
                "{error:?}"
            );
            let (none, checks) = (Preconditions::default(), Default::default());
            let stored = engine.upload_part(admin, &upload, part(1), &none, checks, body());
            let error = stored.await.err().unwrap();
            assert!(
                matches!(error.kind(), ErrorKind::BodyUnusable(_)),
                "{error:?}"
            );
        }
        assert_eq!(observe(world).await, before, "bodies of {size} bytes");
    }
    assert_eq!(audit(world).await, before);
}

#[tokio::test]
async fn a_failed_read_of_a_blob_never_makes_a_complete_body() {
    let before = multipart_of_three();
    let story = Story::after(&before).await;
    let (world, path) = (&story.world, story.world.object("b", "o"));
    let whole = observe(world).await["b"].objects["o"].1.clone();
    let counts = [Operation::Open, Operation::Read]
        .map(|operation| (operation, world.blobs.count(operation)));
    for (operation, calls) in counts {
        assert!(calls >= 3, "{operation:?}");
        for nth in 1..=calls {
            let error = parbuckle_blob::Error::Io(std::io::ErrorKind::Other.into());
            world
                .blobs
                .fail(operation, world.blobs.count(operation) + nth, error);
            let read = world
                .engine
                .read_object(&world.admin, &path, ReadObject::default());
            match read.await {
                Err(error) => assert!(matches!(error.kind(), ErrorKind::Unavailable)),
                Ok(read) => {
                    let (some, _) = read_all(read.body).await.unwrap_err();
                    assert!(some.len() < whole.len() && whole.starts_with(&some));
                }
            }
            let again = world
                .engine
                .read_object(&world.admin, &path, ReadObject::default());
            assert!(read_all(again.await.unwrap().body).await.unwrap() == whole);
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_ends_the_body_before_its_chunk() {
    use parbuckle_blob::Store as _;
    let story = Story::after(&multipart_of_three()).await;
    let world = &story.world;
    let whole = observe(world).await["b"].objects["o"].1.clone();
    for listed in world.blobs.list(None, 9).await.unwrap() {
        for offset in [0, 70_000] {
            world.flip_bit(listed.id, offset);
            let path = world.object("b", "o");
            let read = world
                .engine
                .read_object(&world.admin, &path, ReadObject::default());
            let error = match read.await {
                Err(error) => error,
                Ok(read) => {
                    let (some, error) = read_all(read.body).await.unwrap_err();
                    assert!(some.len() < whole.len() && whole.starts_with(&some));
                    error
                }
            };
            assert!(matches!(error.kind(), ErrorKind::Internal), "{error:?}");
            world.flip_bit(listed.id, offset);
        }
    }
}

/// An object of three parts with several chunks each.
fn multipart_of_three() -> Vec<Call> {
    let mut calls = vec![Call::CreateBucket, Call::StartUpload(By::Admin, "o")];
    calls.extend((1..=3).map(|number| Call::Part(By::Admin, 0, number, 150_000)));
    calls.push(Call::CommitAll(By::Admin, 0));
    calls
}

fn storm(story: &Story, length: u64, fault: CommitFault) {
    (1..=length).for_each(|nth| story.world.kv_faults.on_commit(nth, fault));
}
