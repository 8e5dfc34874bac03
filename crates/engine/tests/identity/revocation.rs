//! A PAR, and a signature, are worth what their owner may do now.

use parbuckle_engine::{CapabilitiesChange, UserChange};
use parbuckle_model::Ocid;

use crate::world::{ALWAYS, World, outcome};

const READ: &str = "to read objects in tenancy";
const MANAGE: &str = "to manage object-family in tenancy";

/// A bucket with a PAR of a user who reads there by a policy.
async fn with_par() -> (World, parbuckle_engine::User, Made) {
    let world = World::new().await;
    world.create_bucket("photos", &world.root).await;
    let (user, caller, policy) = world.worker("alice", MANAGE).await;
    let par = world.par(&caller, "photos").await;
    assert!(world.reads(&par, "photos").await);
    (
        world,
        user,
        Made {
            caller,
            policy,
            par,
        },
    )
}

struct Made {
    caller: parbuckle_engine::Caller,
    policy: parbuckle_engine::Policy,
    par: parbuckle_iam::secret::SecretString,
}

async fn block(world: &World, user: &Ocid, blocked: bool) {
    let (engine, admin) = (&world.engine, &world.admin);
    engine
        .update_user_state(admin, user, blocked, &ALWAYS)
        .await
        .unwrap();
}

async fn allow_api_keys(world: &World, user: &Ocid, allowed: bool) {
    let change = CapabilitiesChange {
        api_keys: Some(allowed),
        ..CapabilitiesChange::default()
    };
    let (engine, admin) = (&world.engine, &world.admin);
    engine
        .update_user_capabilities(admin, user, change, &ALWAYS)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_deleted_creators_par_is_dead_for_ever_also_with_a_namesake() {
    let (world, user, made) = with_par().await;
    world
        .engine
        .delete_user(&world.admin, &user.entity.id, &ALWAYS)
        .await
        .unwrap();
    assert!(!world.reads(&made.par, "photos").await);

    let namesake = world.user("alice").await;
    let group = world
        .engine
        .groups(&world.admin, &world.root, &Default::default())
        .await
        .unwrap();
    let group = group
        .items
        .iter()
        .find(|g| g.entity.name == "alice-group")
        .unwrap();
    world.join(&namesake, &group.entity.id).await;
    let namesake = world.signed(&namesake).await;
    assert!(world.may_read(&namesake, "photos").await);
    assert!(!world.reads(&made.par, "photos").await);
}

#[tokio::test]
async fn a_blocked_creators_par_rests_until_he_is_unblocked() {
    let (world, user, made) = with_par().await;
    block(&world, &user.entity.id, true).await;
    assert!(!world.reads(&made.par, "photos").await);
    block(&world, &user.entity.id, false).await;
    assert!(world.reads(&made.par, "photos").await);
}

#[tokio::test]
async fn a_par_rests_while_its_creator_may_not_use_the_kind_of_credential_it_was_made_with() {
    let (world, user, made) = with_par().await;
    allow_api_keys(&world, &user.entity.id, false).await;
    assert!(!world.reads(&made.par, "photos").await);
    allow_api_keys(&world, &user.entity.id, true).await;
    assert!(world.reads(&made.par, "photos").await);
}

#[tokio::test]
async fn other_capabilities_do_not_matter_to_a_par() {
    let (world, user, made) = with_par().await;
    let change = CapabilitiesChange {
        console_password: Some(false),
        auth_tokens: Some(false),
        ..CapabilitiesChange::default()
    };
    let (engine, id) = (&world.engine, &user.entity.id);
    engine
        .update_user_capabilities(&world.admin, id, change, &ALWAYS)
        .await
        .unwrap();
    assert!(world.reads(&made.par, "photos").await);
}

#[tokio::test]
async fn a_par_rests_while_its_creator_is_out_of_the_group() {
    let (world, user, made) = with_par().await;
    let membership = world.membership(&user.entity.id).await;
    let found = world
        .engine
        .membership(&world.admin, &membership)
        .await
        .unwrap();
    world
        .engine
        .remove_user_from_group(&world.admin, &membership)
        .await
        .unwrap();
    assert!(!world.reads(&made.par, "photos").await);
    world.join(&user, &found.group).await;
    assert!(world.reads(&made.par, "photos").await);
}

#[tokio::test]
async fn a_par_dies_with_the_policy_and_lives_again_with_another() {
    let (world, _, made) = with_par().await;
    let id = &made.policy.entity.id;
    world
        .engine
        .delete_policy(&world.admin, id, &ALWAYS)
        .await
        .unwrap();
    assert!(!world.reads(&made.par, "photos").await);
    world
        .policy(
            "again",
            &["Allow group alice-group to read objects in tenancy"],
        )
        .await;
    assert!(world.reads(&made.par, "photos").await);
}

#[tokio::test]
async fn a_par_follows_the_statements_of_its_policy() {
    let (world, _, made) = with_par().await;
    let group = "Allow group alice-group";
    world
        .rewrite(
            &made.policy,
            &[&format!("{group} to inspect objects in tenancy")],
        )
        .await;
    assert!(!world.reads(&made.par, "photos").await);
    world
        .rewrite(&made.policy, &[&format!("{group} {READ}")])
        .await;
    assert!(world.reads(&made.par, "photos").await);
}

#[tokio::test]
async fn a_namesake_of_a_deleted_group_inherits_nothing() {
    let (world, user, made) = with_par().await;
    let membership = world.membership(&user.entity.id).await;
    let group = world
        .engine
        .membership(&world.admin, &membership)
        .await
        .unwrap()
        .group;
    world
        .engine
        .delete_group(&world.admin, &group, &ALWAYS)
        .await
        .unwrap();
    let namesake = world.group("alice-group").await;
    world.join(&user, &namesake.entity.id).await;
    assert!(!world.reads(&made.par, "photos").await);
}

#[tokio::test]
async fn a_par_follows_its_buckets_compartment() {
    let (world, _, made) = with_par().await;
    let dev = world
        .engine
        .create_compartment(&world.admin, world.details("dev"), None);
    let dev = dev.await.unwrap().entity.id;
    world
        .rewrite(
            &made.policy,
            &["Allow group alice-group to read objects in compartment dev"],
        )
        .await;
    assert!(!world.reads(&made.par, "photos").await);
    let moved = parbuckle_engine::BucketChange {
        compartment: Some(dev),
        ..Default::default()
    };
    let bucket = world.bucket("photos");
    world
        .engine
        .update_bucket(&world.admin, &bucket, moved, &ALWAYS)
        .await
        .unwrap();
    assert!(world.reads(&made.par, "photos").await);
}

#[tokio::test]
async fn key_rotation_and_a_new_password_leave_a_par_alone() {
    let (world, user, made) = with_par().await;
    let id = &user.entity.id;
    let key = world
        .engine
        .api_keys(&world.admin, id)
        .await
        .unwrap()
        .remove(0);
    world
        .engine
        .delete_api_key(&world.admin, id, &key.fingerprint)
        .await
        .unwrap();
    assert!(world.reads(&made.par, "photos").await);
    world
        .engine
        .create_or_reset_password(&world.admin, id)
        .await
        .unwrap();
    assert!(world.reads(&made.par, "photos").await);
}

#[tokio::test]
async fn a_deleted_key_ends_the_callers_it_has_proven() {
    let (world, user, made) = with_par().await;
    assert!(world.may_read(&made.caller, "photos").await);
    let id = &user.entity.id;
    let key = world
        .engine
        .api_keys(&world.admin, id)
        .await
        .unwrap()
        .remove(0);
    world
        .engine
        .delete_api_key(&world.admin, id, &key.fingerprint)
        .await
        .unwrap();
    assert!(!world.may_read(&made.caller, "photos").await);
    assert_eq!(outcome(world.sign_in(id).await), "NotAuthenticated");
}

#[tokio::test]
async fn blocked_and_incapable_users_can_not_sign_in() {
    let (world, user, _) = with_par().await;
    let id = &user.entity.id;
    block(&world, id, true).await;
    assert_eq!(outcome(world.sign_in(id).await), "NotAuthenticated");
    block(&world, id, false).await;
    allow_api_keys(&world, id, false).await;
    assert_eq!(outcome(world.sign_in(id).await), "NotAuthenticated");
    allow_api_keys(&world, id, true).await;
    assert_eq!(outcome(world.sign_in(id).await), "ok");
}

#[tokio::test]
async fn a_changed_description_changes_no_rights() {
    let (world, user, made) = with_par().await;
    let mut change = UserChange::default();
    change.common.description = Some("another".to_owned());
    let (engine, id) = (&world.engine, &user.entity.id);
    engine
        .update_user(&world.admin, id, change, &ALWAYS)
        .await
        .unwrap();
    assert!(world.reads(&made.par, "photos").await);
}
