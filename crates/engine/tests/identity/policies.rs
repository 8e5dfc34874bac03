//! What a policy may say when it is written.

use parbuckle_engine::{CapabilitiesChange, EntityDetails, NewPolicy};

use crate::world::{ALWAYS, World, outcome, sentence};

async fn write(world: &World, statement: &str) -> String {
    let new = world.new_policy("p", &[statement]);
    let made = world.engine.create_policy(&world.admin, new, None).await;
    if let Ok(policy) = &made {
        let id = &policy.entity.id;
        world
            .engine
            .delete_policy(&world.admin, id, &ALWAYS)
            .await
            .unwrap();
    }
    sentence(made)
}

#[tokio::test]
async fn groups_and_compartments_must_exist() {
    let world = World::new().await;
    assert_eq!(
        write(&world, "Allow group Ghosts to read objects in tenancy").await,
        "The group Ghosts specified in the policy statement does not exist under current compartment hierarchy."
    );
    assert_eq!(
        write(
            &world,
            "Allow group Administrators to read objects in compartment Nowhere"
        )
        .await,
        "The compartment Nowhere specified in the policy statement does not exist under current compartment hierarchy."
    );
    assert_eq!(
        write(
            &world,
            "Allow group 'default'/ADMINISTRATORS to read objects in tenancy"
        )
        .await,
        "ok"
    );
    assert_eq!(
        write(
            &world,
            "Allow dynamic-group Administrators to read objects in tenancy"
        )
        .await,
        "The group Administrators specified in the policy statement does not exist under current compartment hierarchy."
    );
}

#[tokio::test]
async fn one_bad_statement_refuses_the_whole_policy() {
    let world = World::new().await;
    let good = "Allow group Administrators to read objects in tenancy";
    let new = world.new_policy("p", &[good, "Allow nonsense"]);
    let made = world.engine.create_policy(&world.admin, new, None).await;
    assert_eq!(outcome(made), "InvalidParameter");
    let named = parbuckle_engine::ListOptions {
        name: Some("p".to_owned()),
        ..Default::default()
    };
    let found = world
        .engine
        .policies(&world.admin, &world.root, &named)
        .await
        .unwrap();
    assert!(found.items.is_empty());
}

#[tokio::test]
async fn a_policy_speaks_about_its_own_compartment_only() {
    let world = World::new().await;
    let dev = world
        .engine
        .create_compartment(&world.admin, world.details("dev"), None);
    let dev = dev.await.unwrap().entity.id;
    let new = |statement: &str| NewPolicy {
        details: EntityDetails {
            compartment: dev.clone(),
            ..world.details("p")
        },
        statements: vec![statement.to_owned()],
        version_date: None,
    };
    let outside = new("Allow group Administrators to read objects in tenancy");
    let made = world
        .engine
        .create_policy(&world.admin, outside, None)
        .await;
    assert_eq!(outcome(made), "InvalidParameter");
    let inside = new("Allow group Administrators to read objects in compartment dev");
    let made = world.engine.create_policy(&world.admin, inside, None).await;
    assert_eq!(outcome(made), "ok");
}

#[tokio::test]
async fn deny_statements_must_be_enabled_first() {
    let world = World::new().await;
    let deny = "Deny group Administrators to read objects in tenancy";
    assert_eq!(
        write(&world, deny).await,
        "Deny statements are not enabled in this tenancy"
    );
    let enabled = world
        .engine
        .enable_deny_statements(&world.admin, &world.root)
        .await;
    assert!(enabled.unwrap().deny_statements);
    assert_eq!(write(&world, deny).await, "ok");
}

#[tokio::test]
async fn only_administrators_write_deny_statements() {
    let world = World::new().await;
    world
        .engine
        .enable_deny_statements(&world.admin, &world.root)
        .await
        .unwrap();
    let (_, caller, _) = world
        .worker("mallory", "to manage policies in tenancy")
        .await;
    let deny = world.new_policy("d", &["Deny any-user to read objects in tenancy"]);
    let made = world.engine.create_policy(&caller, deny, None).await;
    assert_eq!(outcome(made), "NotAuthorizedOrNotFound");
    let allow = world.new_policy("a", &["Allow any-user to read objects in tenancy"]);
    let made = world
        .engine
        .create_policy(&caller, allow, None)
        .await
        .unwrap();
    let change = parbuckle_engine::PolicyChange {
        statements: Some(vec!["Deny any-user to read objects in tenancy".to_owned()]),
        ..Default::default()
    };
    let changed = world
        .engine
        .update_policy(&caller, &made.entity.id, change, &ALWAYS)
        .await;
    assert_eq!(outcome(changed), "NotAuthorizedOrNotFound");
}

#[tokio::test]
async fn a_deny_beats_every_allow_but_the_administrators() {
    let world = World::new().await;
    world.create_bucket("photos", &world.root).await;
    world
        .engine
        .enable_deny_statements(&world.admin, &world.root)
        .await
        .unwrap();
    let (_, caller, _) = world
        .worker("alice", "to manage object-family in tenancy")
        .await;
    world
        .policy("deny", &["Deny any-user to read objects in tenancy"])
        .await;
    assert!(!world.may_read(&caller, "photos").await);
    assert!(world.may_read(&world.admin, "photos").await);
}

#[tokio::test]
async fn target_variables_limit_an_administration_to_some_groups() {
    let world = World::new().await;
    let statement = "to use users in tenancy where target.group.name != 'Administrators'";
    let (_, caller, policy) = world.worker("helper", statement).await;
    let group = "Allow group helper-group to use groups in tenancy where target.group.name != 'Administrators'";
    world
        .rewrite(
            &policy,
            &[&format!("Allow group helper-group {statement}"), group],
        )
        .await;
    let (bob, readers) = (world.user("bob").await, world.group("readers").await);
    let (engine, bob) = (&world.engine, &bob.entity.id);
    let added = engine
        .add_user_to_group(&caller, bob, &readers.entity.id, None)
        .await;
    assert_eq!(outcome(added), "ok");
    let administrators = world.administrators().await;
    let added = engine
        .add_user_to_group(&caller, bob, &administrators, None)
        .await;
    assert_eq!(outcome(added), "NotAuthorizedOrNotFound");
}

#[tokio::test]
async fn target_user_names_one_user() {
    let world = World::new().await;
    let statement = "to use users in tenancy where target.user.name = 'bob'";
    let (_, caller, _) = world.worker("helper", statement).await;
    let (bob, eve) = (world.user("bob").await, world.user("eve").await);
    let change = CapabilitiesChange::default();
    for (user, expected) in [(bob, "ok"), (eve, "NotAuthorizedOrNotFound")] {
        let (engine, id) = (&world.engine, &user.entity.id);
        let changed = engine
            .update_user_capabilities(&caller, id, change, &ALWAYS)
            .await;
        assert_eq!(outcome(changed), expected);
    }
}

#[tokio::test]
async fn names_are_taken_without_regard_to_case() {
    let world = World::new().await;
    world
        .policy("Mine", &["Allow any-user to read objects in tenancy"])
        .await;
    let again = world.new_policy("mine", &["Allow any-user to read objects in tenancy"]);
    let made = world.engine.create_policy(&world.admin, again, None).await;
    assert_eq!(outcome(made), "PolicyAlreadyExists");
}
