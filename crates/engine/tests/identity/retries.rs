//! A request that is sent or run again does its work once.

use parbuckle_engine::{RetryToken, SecretKind};
use parbuckle_kv::CommitFault;

use crate::world::{ALWAYS, World, key, outcome};

fn token(text: &str, request: u8) -> RetryToken {
    RetryToken::new(text, [request; 32]).unwrap()
}

#[tokio::test]
async fn a_repeated_creation_answers_with_what_the_first_has_made() {
    let world = World::new().await;
    let (engine, admin, token) = (&world.engine, &world.admin, token("t", 1));
    let first = engine
        .create_user(admin, world.new_user("bob"), Some(&token))
        .await
        .unwrap();
    let again = engine
        .create_user(admin, world.new_user("bob"), Some(&token))
        .await
        .unwrap();
    assert_eq!(first, again);
}

#[tokio::test]
async fn a_retry_token_is_for_one_request_only() {
    let world = World::new().await;
    let (engine, admin) = (&world.engine, &world.admin);
    let (first, changed) = (token("t", 1), token("t", 2));
    engine
        .create_user(admin, world.new_user("bob"), Some(&first))
        .await
        .unwrap();
    let other_body = engine
        .create_user(admin, world.new_user("eve"), Some(&changed))
        .await;
    assert_eq!(outcome(other_body), "InvalidatedRetryToken");
    let other_operation = engine
        .create_group(admin, world.details("bob"), Some(&first))
        .await;
    assert_eq!(outcome(other_operation), "InvalidatedRetryToken");
}

#[tokio::test]
async fn a_retry_token_is_its_users_own() {
    let world = World::new().await;
    let (_, caller, _) = world.worker("alice", "to manage users in tenancy").await;
    let token = token("t", 1);
    let engine = &world.engine;
    engine
        .create_user(&world.admin, world.new_user("bob"), Some(&token))
        .await
        .unwrap();
    let made = engine
        .create_user(&caller, world.new_user("eve"), Some(&token))
        .await;
    assert_eq!(outcome(made), "ok");
}

#[tokio::test]
async fn a_retry_token_ends_after_a_day() {
    let world = World::new().await;
    let (engine, admin, token) = (&world.engine, &world.admin, token("t", 1));
    engine
        .create_user(admin, world.new_user("bob"), Some(&token))
        .await
        .unwrap();
    world.environment.advance(24 * 3600 - 60);
    let again = engine
        .create_user(admin, world.new_user("bob"), Some(&token))
        .await;
    assert_eq!(outcome(again), "ok");
    world.environment.advance(120);
    let late = engine
        .create_user(admin, world.new_user("bob"), Some(&token))
        .await;
    assert_eq!(outcome(late), "UserAlreadyExists");
}

#[tokio::test]
async fn what_was_deleted_since_is_not_made_again() {
    let world = World::new().await;
    let (engine, admin, token) = (&world.engine, &world.admin, token("t", 1));
    let bob = engine
        .create_user(admin, world.new_user("bob"), Some(&token))
        .await
        .unwrap();
    engine
        .delete_user(admin, &bob.entity.id, &ALWAYS)
        .await
        .unwrap();
    let again = engine
        .create_user(admin, world.new_user("bob"), Some(&token))
        .await;
    assert_eq!(outcome(again), "InvalidatedRetryToken");
}

#[tokio::test]
async fn a_repeated_request_for_a_secret_makes_it_anew_and_no_second_one() {
    let world = World::new().await;
    let (engine, admin, token) = (&world.engine, &world.admin, token("t", 1));
    let bob = world.user("bob").await.entity.id;
    let kind = SecretKind::AuthToken;
    let first = engine
        .create_user_secret(admin, kind, &bob, "x", Some(&token))
        .await
        .unwrap();
    let again = engine
        .create_user_secret(admin, kind, &bob, "x", Some(&token))
        .await
        .unwrap();
    assert_eq!(first.info.id, again.info.id);
    assert!(first.secret != again.secret);
    assert_eq!(
        engine.user_secrets(admin, kind, &bob).await.unwrap().len(),
        1
    );
}

#[tokio::test]
async fn a_retry_does_not_bring_rights_back() {
    let world = World::new().await;
    let (_, caller, policy) = world.worker("alice", "to manage users in tenancy").await;
    let (engine, token) = (&world.engine, token("t", 1));
    engine
        .create_user(&caller, world.new_user("bob"), Some(&token))
        .await
        .unwrap();
    engine
        .delete_policy(&world.admin, &policy.entity.id, &ALWAYS)
        .await
        .unwrap();
    let again = engine
        .create_user(&caller, world.new_user("bob"), Some(&token))
        .await;
    assert_eq!(outcome(again), "NotAuthorizedOrNotFound");
}

const FAULTS: [CommitFault; 3] = [
    CommitFault::UnknownApplied,
    CommitFault::UnknownNotApplied,
    CommitFault::Conflict,
];

#[tokio::test]
async fn changes_of_users_whose_outcome_is_unknown_are_done_once() {
    for fault in FAULTS {
        let world = World::new().await;
        let (engine, admin) = (&world.engine, &world.admin);
        let bob = world.user("bob").await.entity.id;
        let (pem, label) = (key().public_key().to_pem(), Some("y"));
        let fingerprint = key().public_key().fingerprint().to_string();
        let kind = SecretKind::AuthToken;
        let strike = || world.faults.on_commit(1, fault);
        strike();
        engine
            .create_user(admin, world.new_user("eve"), None)
            .await
            .unwrap();
        strike();
        engine
            .update_user_state(admin, &bob, false, &ALWAYS)
            .await
            .unwrap();
        strike();
        engine
            .upload_api_key(admin, &bob, &pem, None)
            .await
            .unwrap();
        strike();
        engine
            .delete_api_key(admin, &bob, &fingerprint)
            .await
            .unwrap();
        strike();
        engine.create_or_reset_password(admin, &bob).await.unwrap();
        strike();
        let made = engine
            .create_user_secret(admin, kind, &bob, "x", None)
            .await
            .unwrap();
        let id = &made.info.id;
        strike();
        engine
            .update_user_secret(admin, kind, &bob, id, label, &ALWAYS)
            .await
            .unwrap();
        strike();
        engine
            .delete_user_secret(admin, kind, &bob, id, &ALWAYS)
            .await
            .unwrap();
        strike();
        engine.delete_user(admin, &bob, &ALWAYS).await.unwrap();
    }
}

#[tokio::test]
async fn changes_of_groups_and_policies_whose_outcome_is_unknown_are_done_once() {
    for fault in FAULTS {
        let world = World::new().await;
        let (engine, admin) = (&world.engine, &world.admin);
        let bob = world.user("bob").await.entity.id;
        let strike = || world.faults.on_commit(1, fault);
        strike();
        let readers = engine
            .create_group(admin, world.details("readers"), None)
            .await;
        let readers = readers.unwrap().entity.id;
        strike();
        let joined = engine
            .add_user_to_group(admin, &bob, &readers, None)
            .await
            .unwrap();
        strike();
        engine
            .remove_user_from_group(admin, &joined.id)
            .await
            .unwrap();
        strike();
        engine
            .update_group(admin, &readers, Default::default(), &ALWAYS)
            .await
            .unwrap();
        strike();
        engine.delete_group(admin, &readers, &ALWAYS).await.unwrap();
        let new = world.new_policy("p", &["Allow any-user to read buckets in tenancy"]);
        strike();
        let policy = engine
            .create_policy(admin, new, None)
            .await
            .unwrap()
            .entity
            .id;
        strike();
        engine
            .update_policy(admin, &policy, Default::default(), &ALWAYS)
            .await
            .unwrap();
        strike();
        engine.delete_policy(admin, &policy, &ALWAYS).await.unwrap();
    }
}

#[tokio::test]
async fn changes_of_compartments_whose_outcome_is_unknown_are_done_once() {
    for fault in FAULTS {
        let world = World::new().await;
        let (engine, admin) = (&world.engine, &world.admin);
        let other = engine
            .create_compartment(admin, world.details("other"), None)
            .await;
        let other = other.unwrap().entity.id;
        let strike = || world.faults.on_commit(1, fault);
        strike();
        let dev = engine
            .create_compartment(admin, world.details("dev"), None)
            .await;
        let dev = dev.unwrap().entity.id;
        strike();
        engine
            .move_compartment(admin, &dev, &other, &ALWAYS, None)
            .await
            .unwrap();
        strike();
        engine
            .delete_compartment(admin, &dev, &ALWAYS)
            .await
            .unwrap();
        strike();
        engine
            .recover_compartment(admin, &dev, &ALWAYS)
            .await
            .unwrap();
        let limit = parbuckle_model::PageLimit::default();
        let work = engine.identity_work_requests(admin, &world.root, Some(&dev), None, limit);
        let work = work.await.unwrap().items;
        // Its move; its deletion is with the compartment it had been moved to.
        assert_eq!(work.len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_caller_who_ends_his_own_key_learns_that_it_is_done() {
    let world = World::new().await;
    let (user, caller, _) = world.worker("alice", "to read buckets in tenancy").await;
    let fingerprint = key().public_key().fingerprint().to_string();
    world.faults.on_commit(1, CommitFault::UnknownApplied);
    let gone = world
        .engine
        .delete_api_key(&caller, &user.entity.id, &fingerprint)
        .await;
    assert_eq!(outcome(gone), "ok");
}
