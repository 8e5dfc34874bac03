//! Nobody locks everybody out.

use parbuckle_engine::{CapabilitiesChange, PolicyChange, User};
use parbuckle_kv::CommitFault;

use crate::world::{ALWAYS, World, outcome, texts};

/// Every way to take the first administrator's rights, one after the other: what comes of each.
async fn attempts(world: &World) -> Vec<String> {
    let (engine, admin, id) = (&world.engine, &world.admin, &world.admin_id);
    let no_keys = CapabilitiesChange {
        api_keys: Some(false),
        ..CapabilitiesChange::default()
    };
    let key = engine
        .api_keys(admin, id)
        .await
        .unwrap()
        .remove(0)
        .fingerprint;
    let membership = world.membership(id).await;
    vec![
        outcome(engine.update_user_state(admin, id, true, &ALWAYS).await),
        outcome(
            engine
                .update_user_capabilities(admin, id, no_keys, &ALWAYS)
                .await,
        ),
        outcome(engine.delete_api_key(admin, id, &key).await),
        outcome(engine.remove_user_from_group(admin, &membership).await),
        outcome(engine.delete_user(admin, id, &ALWAYS).await),
    ]
}

async fn second_administrator(world: &World) -> User {
    let user = world.user("second").await;
    world.join(&user, &world.administrators().await).await;
    user
}

#[tokio::test]
async fn the_last_administrator_stays() {
    let world = World::new().await;
    assert_eq!(attempts(&world).await, ["LastAdministrator"; 5]);
}

#[tokio::test]
async fn a_second_administrator_who_can_not_sign_does_not_count() {
    let world = World::new().await;
    second_administrator(&world).await;
    assert_eq!(attempts(&world).await, ["LastAdministrator"; 5]);
}

#[tokio::test]
async fn one_of_two_administrators_can_go() {
    let world = World::new().await;
    let second = second_administrator(&world).await;
    let caller = world.signed(&second).await;
    let gone = world
        .engine
        .delete_user(&caller, &world.admin_id, &ALWAYS)
        .await;
    assert_eq!(outcome(gone), "ok");
    let last = world
        .engine
        .delete_user(&caller, &second.entity.id, &ALWAYS)
        .await;
    assert_eq!(outcome(last), "LastAdministrator");
}

#[tokio::test]
async fn two_administrators_who_delete_each_other_at_once_leave_one() {
    let world = World::new().await;
    let second = second_administrator(&world).await;
    let caller = world.signed(&second).await;
    // The first commit waits until both have seen two administrators.
    let wait = CommitFault::Delay(std::time::Duration::from_millis(20));
    world.faults.on_commit(1, wait);
    let (one, other) = tokio::join!(
        world.engine.delete_user(&caller, &world.admin_id, &ALWAYS),
        world
            .engine
            .delete_user(&world.admin, &second.entity.id, &ALWAYS),
    );
    // The other commits in between, and the one that waited is nobody any more.
    assert_eq!(
        [outcome(one), outcome(other)],
        ["NotAuthorizedOrNotFound", "ok"]
    );
}

#[tokio::test]
async fn the_group_of_administrators_stays() {
    let world = World::new().await;
    let group = world.administrators().await;
    let deleted = world
        .engine
        .delete_group(&world.admin, &group, &ALWAYS)
        .await;
    assert_eq!(outcome(deleted), "LastAdministrator");
}

#[tokio::test]
async fn the_policy_of_administrators_keeps_its_statements() {
    let world = World::new().await;
    let (engine, admin) = (&world.engine, &world.admin);
    let policies = engine
        .policies(admin, &world.root, &Default::default())
        .await
        .unwrap();
    let id = &policies.items[0].entity.id;
    assert_eq!(
        outcome(engine.delete_policy(admin, id, &ALWAYS).await),
        "LastAdministrator"
    );
    let change = PolicyChange {
        statements: Some(texts(&[
            "Allow group Administrators to read objects in tenancy",
        ])),
        ..PolicyChange::default()
    };
    let changed = engine.update_policy(admin, id, change, &ALWAYS).await;
    assert_eq!(outcome(changed), "LastAdministrator");
    let mut described = PolicyChange::default();
    described.common.description = Some("ours".to_owned());
    assert_eq!(
        outcome(engine.update_policy(admin, id, described, &ALWAYS).await),
        "ok"
    );
}
