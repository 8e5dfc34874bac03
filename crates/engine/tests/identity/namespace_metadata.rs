//! Metadata of namespaces: where the buckets of other interfaces are made.

use parbuckle_engine::{Caller, Error, NamespaceMetadata, NamespaceMetadataChange};
use parbuckle_kv::CommitFault;
use parbuckle_model::Ocid;

use crate::world::{ALWAYS, World, outcome};

async fn metadata(world: &World, caller: &Caller) -> Result<NamespaceMetadata, Error> {
    let namespace = world.bucket("any").namespace;
    world.engine.namespace_metadata(caller, &namespace).await
}

async fn update(
    world: &World,
    caller: &Caller,
    change: NamespaceMetadataChange,
) -> Result<NamespaceMetadata, Error> {
    let namespace = world.bucket("any").namespace;
    let engine = &world.engine;
    engine
        .update_namespace_metadata(caller, &namespace, change)
        .await
}

fn swift(compartment: &Ocid) -> NamespaceMetadataChange {
    NamespaceMetadataChange {
        swift_compartment: Some(compartment.clone()),
        ..NamespaceMetadataChange::default()
    }
}

async fn compartment(world: &World, name: &str) -> Ocid {
    let (engine, details) = (&world.engine, world.details(name));
    let made = engine.create_compartment(&world.admin, details, None).await;
    made.unwrap().entity.id
}

#[tokio::test]
async fn both_are_the_root_compartment_at_first() {
    let world = World::new().await;
    let found = metadata(&world, &world.admin).await.unwrap();
    assert_eq!(found.s3_compartment, world.root);
    assert_eq!(found.swift_compartment, world.root);
}

#[tokio::test]
async fn what_is_not_given_stays() {
    let world = World::new().await;
    let (dev, ops) = (
        compartment(&world, "dev").await,
        compartment(&world, "ops").await,
    );
    update(&world, &world.admin, swift(&dev)).await.unwrap();
    let s3 = NamespaceMetadataChange {
        s3_compartment: Some(ops.clone()),
        ..NamespaceMetadataChange::default()
    };
    let changed = update(&world, &world.admin, s3).await.unwrap();
    assert_eq!(
        (&changed.s3_compartment, &changed.swift_compartment),
        (&ops, &dev)
    );
    assert_eq!(metadata(&world, &world.admin).await.unwrap(), changed);
}

#[tokio::test]
async fn only_existing_compartments_of_the_tenancy_are_taken() {
    let world = World::new().await;
    let gone = compartment(&world, "gone").await;
    let (engine, admin) = (&world.engine, &world.admin);
    engine
        .delete_compartment(admin, &gone, &ALWAYS)
        .await
        .unwrap();
    let unknown = Ocid::parse("ocid1.compartment.oc1..nope").unwrap();
    for compartment in [&unknown, &gone, &world.foreign_root] {
        let refused = update(&world, admin, swift(compartment)).await;
        assert_eq!(outcome(refused), "RelatedNotAuthorizedOrNotFound");
    }
    let found = metadata(&world, admin).await.unwrap();
    assert_eq!(found.swift_compartment, world.root);
}

#[tokio::test]
async fn each_operation_asks_for_its_own_permission() {
    let world = World::new().await;
    let nothing = NamespaceMetadataChange::default;
    let read = "to {OBJECTSTORAGE_NAMESPACE_READ} in tenancy";
    let (_, reader, _) = world.worker("reader", read).await;
    assert_eq!(outcome(metadata(&world, &reader).await), "ok");
    let refused = update(&world, &reader, nothing()).await;
    assert_eq!(outcome(refused), "NamespaceNotFound");
    let write = "to {OBJECTSTORAGE_NAMESPACE_UPDATE} in tenancy";
    let (_, writer, _) = world.worker("writer", write).await;
    assert_eq!(outcome(update(&world, &writer, nothing()).await), "ok");
    assert_eq!(
        outcome(metadata(&world, &writer).await),
        "NamespaceNotFound"
    );
}

#[tokio::test]
async fn to_strangers_the_namespace_does_not_exist() {
    let world = World::new().await;
    let refused = metadata(&world, &world.foreigner).await;
    assert_eq!(outcome(refused), "NamespaceNotFound");
    let refused = update(&world, &world.foreigner, swift(&world.foreign_root)).await;
    assert_eq!(outcome(refused), "NamespaceNotFound");
}

#[tokio::test]
async fn after_an_unknown_outcome_the_change_has_happened() {
    for fault in [CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
        let world = World::new().await;
        let dev = compartment(&world, "dev").await;
        world.faults.on_commit(1, fault);
        let changed = update(&world, &world.admin, swift(&dev)).await.unwrap();
        assert_eq!(changed.swift_compartment, dev, "{fault:?}");
        assert_eq!(metadata(&world, &world.admin).await.unwrap(), changed);
    }
}
