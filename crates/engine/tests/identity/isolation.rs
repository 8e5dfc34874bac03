//! Two tenancies never see each other: what is foreign looks like what is missing.

use parbuckle_engine::{Caller, Engine};
use parbuckle_model::Ocid;

use crate::world::{ALWAYS, World, outcome, sentence};

/// What a caller is told about these ids, by every operation that takes one.
async fn told(engine: &Engine, caller: &Caller, ids: &Ids) -> Vec<String> {
    let options = Default::default();
    vec![
        sentence(engine.user(caller, &ids.user).await),
        sentence(engine.api_keys(caller, &ids.user).await),
        sentence(engine.delete_user(caller, &ids.user, &ALWAYS).await),
        sentence(
            engine
                .update_user_state(caller, &ids.user, true, &ALWAYS)
                .await,
        ),
        sentence(engine.create_or_reset_password(caller, &ids.user).await),
        sentence(engine.group(caller, &ids.group).await),
        sentence(engine.delete_group(caller, &ids.group, &ALWAYS).await),
        sentence(
            engine
                .add_user_to_group(caller, &ids.user, &ids.group, None)
                .await,
        ),
        sentence(engine.policy(caller, &ids.policy).await),
        sentence(engine.delete_policy(caller, &ids.policy, &ALWAYS).await),
        sentence(engine.compartment(caller, &ids.compartment).await),
        sentence(
            engine
                .delete_compartment(caller, &ids.compartment, &ALWAYS)
                .await,
        ),
        sentence(engine.groups(caller, &ids.compartment, &options).await),
        sentence(engine.tenancy(caller, &ids.compartment).await),
    ]
}

struct Ids {
    user: Ocid,
    group: Ocid,
    policy: Ocid,
    compartment: Ocid,
}

#[tokio::test]
async fn the_administrator_of_another_tenancy_is_told_what_he_is_told_of_nothing() {
    let world = World::new().await;
    let statements = &["Allow any-user to read objects in tenancy"];
    let there = Ids {
        user: world.user("bob").await.entity.id,
        group: world.group("readers").await.entity.id,
        policy: world.policy("p", statements).await.entity.id,
        compartment: world.root.clone(),
    };
    let nothing = Ids {
        user: Ocid::parse("ocid1.user.oc1..nothing").unwrap(),
        group: Ocid::parse("ocid1.group.oc1..nothing").unwrap(),
        policy: Ocid::parse("ocid1.policy.oc1..nothing").unwrap(),
        compartment: Ocid::parse("ocid1.tenancy.oc1..nothing").unwrap(),
    };
    let of_there = told(&world.engine, &world.foreigner, &there).await;
    assert_eq!(
        of_there,
        told(&world.engine, &world.foreigner, &nothing).await
    );
    let refusal = "Authorization failed or requested resource not found.";
    assert!(of_there.iter().all(|told| told == refusal), "{of_there:?}");
}

#[tokio::test]
async fn a_caller_without_rights_is_told_the_same_of_missing_and_forbidden() {
    let world = World::new().await;
    let (_, caller, _) = world.worker("mallory", "to read buckets in tenancy").await;
    let statements = &["Allow any-user to read buckets in tenancy"];
    let forbidden = Ids {
        user: world.user("bob").await.entity.id,
        group: world.group("readers").await.entity.id,
        policy: world.policy("p", statements).await.entity.id,
        compartment: world.root.clone(),
    };
    let missing = Ids {
        user: Ocid::parse("ocid1.user.oc1..nothing").unwrap(),
        group: Ocid::parse("ocid1.group.oc1..nothing").unwrap(),
        policy: Ocid::parse("ocid1.policy.oc1..nothing").unwrap(),
        compartment: Ocid::parse("ocid1.tenancy.oc1..nothing").unwrap(),
    };
    let of_forbidden = told(&world.engine, &caller, &forbidden).await;
    assert_eq!(of_forbidden, told(&world.engine, &caller, &missing).await);
}

#[tokio::test]
async fn a_name_taken_in_one_tenancy_is_free_in_another() {
    let world = World::new().await;
    world.user("bob").await;
    let mut foreign = world.new_user("bob");
    foreign.details.compartment = world.foreign_root.clone();
    let made = world
        .engine
        .create_user(&world.foreigner, foreign, None)
        .await;
    assert_eq!(outcome(made), "ok");
}

#[tokio::test]
async fn nothing_is_made_in_another_tenancy() {
    let world = World::new().await;
    let made = world
        .engine
        .create_user(&world.foreigner, world.new_user("eve"), None)
        .await;
    assert_eq!(outcome(made), "NotAuthorizedOrNotFound");
}
