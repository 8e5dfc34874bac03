//! A power cut at every moment: what was acknowledged is there afterwards, and nothing is torn.

use parbuckle_kv::CommitFault;
use parbuckle_model::AccessType;

use super::script::{By, Call, Story};
use super::support::audit::{State, audit, observe};
use super::support::world::Stores;

/// Every kind of change, one after the other.
fn story() -> Vec<Call> {
    use By::{Admin, Par, Secret};
    vec![
        Call::CreateBucket,
        Call::Put(Admin, "small", 10),
        Call::Put(Admin, "large", 5000),
        Call::CreatePar(AccessType::AnyObjectReadWrite, ""),
        Call::Put(Par(0), "small", 100),
        Call::StartUpload(Par(0), "large"),
        Call::StartUpload(Admin, "other"),
        Call::Part(Secret(0), 0, 1, 100),
        Call::Part(Secret(0), 0, 2, 100),
        Call::Part(Secret(0), 0, 1, 70),
        Call::Part(Admin, 1, 1, 100),
        Call::CommitAll(Secret(0), 0),
        Call::Delete("small"),
        Call::UpdateBucket,
        Call::DeletePar(0),
        Call::Abort(Admin, 1),
        Call::Delete("large"),
        Call::DeleteBucket,
    ]
}

#[tokio::test]
async fn a_power_cut_after_any_commit_loses_nothing_acknowledged() {
    let states = states().await;
    for commits in 0..states.len() as u64 {
        check_cut(Stores::Memory, &states, commits, false).await;
    }
}

#[tokio::test]
async fn a_power_cut_between_a_commit_and_its_answer_leaves_it_done_or_not_done() {
    let states = states().await;
    for commits in 1..states.len() as u64 {
        check_cut(Stores::Memory, &states, commits, true).await;
    }
}

#[tokio::test]
async fn what_was_acknowledged_is_on_disk() {
    let states = states().await;
    for commits in [0, 3, 7, 12, 17, 18] {
        check_cut(Stores::Disk, &states, commits, commits % 2 == 1).await;
    }
}

/// The states before, between and after the calls.
async fn states() -> Vec<State> {
    let mut told = Story::begin(Stores::Memory).await;
    let mut states = vec![observe(&told.world).await];
    for call in story() {
        told.call(&call).await.unwrap();
        states.push(observe(&told.world).await);
    }
    states
}

/// Tells the story until the power goes, starts anew, and compares. With `answer_lost` the last commit is written but
/// nobody learns of it.
async fn check_cut(stores: Stores, states: &[State], commits: u64, answer_lost: bool) {
    let mut told = Story::begin(stores).await;
    told.world.kv_faults.cut_power_after(commits);
    if answer_lost {
        let lost = CommitFault::UnknownApplied;
        told.world.kv_faults.on_commit(commits, lost);
    }
    let mut acknowledged = 0;
    for call in story() {
        if told.call(&call).await.is_err() {
            break;
        }
        acknowledged += 1;
    }
    let expected = if answer_lost { commits - 1 } else { commits };
    assert_eq!(acknowledged as u64, expected, "one commit a call");
    let world = told.world.restart().await;
    let found = observe(&world).await;
    let next = states.get(acknowledged + 1);
    assert!(
        found == states[acknowledged] || (answer_lost && Some(&found) == next),
        "after {acknowledged} calls: {found:#?}"
    );
    audit(&world).await;
}
