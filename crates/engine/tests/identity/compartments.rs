//! The tree of compartments.

use parbuckle_engine::{AccessLevel, Compartment, CompartmentChange, EntityDetails, Error};
use parbuckle_model::Ocid;

use crate::world::{ALWAYS, World, outcome};

async fn try_below(world: &World, parent: &Ocid, name: &str) -> Result<Compartment, Error> {
    let details = EntityDetails {
        compartment: parent.clone(),
        ..world.details(name)
    };
    world
        .engine
        .create_compartment(&world.admin, details, None)
        .await
}

async fn below(world: &World, parent: &Ocid, name: &str) -> Ocid {
    try_below(world, parent, name).await.unwrap().entity.id
}

async fn delete(world: &World, id: &Ocid) -> String {
    outcome(
        world
            .engine
            .delete_compartment(&world.admin, id, &ALWAYS)
            .await,
    )
}

async fn move_to(world: &World, id: &Ocid, to: &Ocid) -> String {
    outcome(
        world
            .engine
            .move_compartment(&world.admin, id, to, &ALWAYS, None)
            .await,
    )
}

#[tokio::test]
async fn a_name_is_unique_below_its_parent_only() {
    let world = World::new().await;
    let dev = below(&world, &world.root, "dev").await;
    let again = try_below(&world, &world.root, "DEV").await;
    assert_eq!(outcome(again), "CompartmentAlreadyExists");
    assert_eq!(outcome(try_below(&world, &dev, "dev").await), "ok");
}

#[tokio::test]
async fn a_renamed_compartment_frees_its_name_and_keeps_its_policies() {
    let world = World::new().await;
    let dev = below(&world, &world.root, "dev").await;
    world.create_bucket("photos", &dev).await;
    let statement = "to read objects in compartment dev";
    let (_, caller, _) = world.worker("alice", statement).await;
    let change = CompartmentChange {
        name: Some("prod".to_owned()),
        ..CompartmentChange::default()
    };
    world
        .engine
        .update_compartment(&world.admin, &dev, change, &ALWAYS)
        .await
        .unwrap();
    assert!(world.may_read(&caller, "photos").await);
    assert_eq!(outcome(try_below(&world, &world.root, "dev").await), "ok");
}

#[tokio::test]
async fn a_compartment_that_holds_something_is_not_deleted() {
    let world = World::new().await;
    let dev = below(&world, &world.root, "dev").await;
    let sub = below(&world, &dev, "sub").await;
    assert_eq!(delete(&world, &dev).await, "CompartmentNotEmpty");
    world.create_bucket("photos", &sub).await;
    assert_eq!(delete(&world, &sub).await, "CompartmentNotEmpty");
    let bucket = world.bucket("photos");
    world
        .engine
        .delete_bucket(&world.admin, &bucket, &ALWAYS)
        .await
        .unwrap();
    assert_eq!(delete(&world, &sub).await, "ok");
    assert_eq!(delete(&world, &dev).await, "ok");
}

#[tokio::test]
async fn a_compartment_with_a_policy_is_not_deleted() {
    let world = World::new().await;
    let dev = below(&world, &world.root, "dev").await;
    let mut new = world.new_policy("p", &["Allow any-user to read objects in compartment dev"]);
    new.details.compartment = dev.clone();
    world
        .engine
        .create_policy(&world.admin, new, None)
        .await
        .unwrap();
    assert_eq!(delete(&world, &dev).await, "CompartmentNotEmpty");
}

#[tokio::test]
async fn a_deleted_compartment_takes_nothing_new_and_can_be_recovered() {
    let world = World::new().await;
    let dev = below(&world, &world.root, "dev").await;
    assert_eq!(delete(&world, &dev).await, "ok");
    assert_eq!(
        outcome(try_below(&world, &dev, "sub").await),
        "NotAuthorizedOrNotFound"
    );
    assert_eq!(delete(&world, &dev).await, "Conflict");
    // Its name is free.
    below(&world, &world.root, "dev").await;
    let back = world
        .engine
        .recover_compartment(&world.admin, &dev, &ALWAYS)
        .await
        .unwrap();
    assert!(back.entity.name.starts_with("dev."));
    assert_eq!(outcome(try_below(&world, &dev, "sub").await), "ok");
}

#[tokio::test]
async fn a_moved_compartment_takes_the_rights_of_its_new_place() {
    let world = World::new().await;
    let dev = below(&world, &world.root, "dev").await;
    let prod = below(&world, &world.root, "prod").await;
    let app = below(&world, &dev, "app").await;
    world.create_bucket("photos", &app).await;
    let (_, caller, _) = world
        .worker("alice", "to read objects in compartment prod")
        .await;
    assert!(!world.may_read(&caller, "photos").await);
    assert_eq!(move_to(&world, &app, &prod).await, "ok");
    assert!(world.may_read(&caller, "photos").await);
}

#[tokio::test]
async fn a_compartment_is_not_moved_into_itself_or_below_itself_or_onto_a_namesake() {
    let world = World::new().await;
    let dev = below(&world, &world.root, "dev").await;
    let sub = below(&world, &dev, "sub").await;
    below(&world, &world.root, "sub").await;
    assert_eq!(move_to(&world, &dev, &dev).await, "InvalidParameter");
    assert_eq!(move_to(&world, &dev, &sub).await, "InvalidParameter");
    assert_eq!(
        move_to(&world, &sub, &world.root).await,
        "CompartmentAlreadyExists"
    );
}

#[tokio::test]
async fn compartments_are_nested_six_levels_deep_at_most() {
    let world = World::new().await;
    let mut at = world.root.clone();
    for level in 1..=6 {
        at = below(&world, &at, &format!("level-{level}")).await;
    }
    assert_eq!(
        outcome(try_below(&world, &at, "level-7").await),
        "InvalidParameter"
    );
    let (other, child) = (below(&world, &world.root, "other").await, "child");
    below(&world, &other, child).await;
    assert_eq!(move_to(&world, &other, &at).await, "InvalidParameter");
}

#[tokio::test]
async fn moving_asks_for_everything_on_the_lowest_shared_parent() {
    let world = World::new().await;
    let dev = below(&world, &world.root, "dev").await;
    let (a, b) = (
        below(&world, &dev, "a").await,
        below(&world, &dev, "b").await,
    );
    let statement = "to manage all-resources in compartment dev";
    let (_, caller, _) = world.worker("alice", statement).await;
    let within = world
        .engine
        .move_compartment(&caller, &a, &b, &ALWAYS, None)
        .await;
    assert_eq!(outcome(within), "ok");
    let outside = world
        .engine
        .move_compartment(&caller, &a, &world.root, &ALWAYS, None)
        .await;
    assert_eq!(outcome(outside), "NotAuthorizedOrNotFound");
}

#[tokio::test]
async fn accessible_compartments_are_those_to_inspect_and_all_above_them() {
    let world = World::new().await;
    let dev = below(&world, &world.root, "dev").await;
    below(&world, &world.root, "secret").await;
    below(&world, &dev, "app").await;
    let statement = "to inspect compartments in compartment dev:app";
    let (_, caller, _) = world.worker("alice", statement).await;
    let (level, options) = (AccessLevel::Accessible, Default::default());
    let found = world
        .engine
        .compartments(&caller, &world.root, true, level, &options);
    let found = found.await.unwrap().items;
    let names: Vec<&str> = found
        .iter()
        .map(|c| c.compartment.entity.name.as_str())
        .collect();
    assert_eq!(names, ["app", "dev"]);
    let all = world
        .engine
        .compartments(&caller, &world.root, true, AccessLevel::Any, &options);
    assert_eq!(outcome(all.await), "NotAuthorizedOrNotFound");
}

#[tokio::test]
async fn who_deletes_a_compartment_may_see_its_work_request() {
    let world = World::new().await;
    let dev = below(&world, &world.root, "dev").await;
    let (_, caller, _) = world
        .worker("alice", "to manage compartments in compartment dev")
        .await;
    let work = world
        .engine
        .delete_compartment(&caller, &dev, &ALWAYS)
        .await
        .unwrap();
    let seen = world
        .engine
        .identity_work_request(&caller, &work)
        .await
        .unwrap();
    assert_eq!(seen.resource, dev);
    let (_, other, _) = world.worker("bob", "to manage users in tenancy").await;
    let hidden = world.engine.identity_work_request(&other, &work).await;
    assert_eq!(outcome(hidden), "NotAuthorizedOrNotFound");
}
