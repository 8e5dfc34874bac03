//! Who may set lifecycle policies, restore objects and change their tiers (wire reference 12.2).

use parbuckle_engine::{Caller, ObjectPath, Proof};
use parbuckle_iam::permission::{Operation, Permission, Requirement};
use parbuckle_model::{ObjectName, StorageTier};

use crate::world::{ALWAYS, World, outcome};

const OPERATIONS: [Operation; 5] = [
    Operation::PutObjectLifecyclePolicy,
    Operation::GetObjectLifecyclePolicy,
    Operation::DeleteObjectLifecyclePolicy,
    Operation::RestoreObjects,
    Operation::UpdateObjectStorageTier,
];

/// Calls an operation on the bucket `photos`, which has neither a policy nor objects.
async fn call(world: &World, caller: &Caller, operation: Operation) -> String {
    let (engine, bucket) = (&world.engine, world.bucket("photos"));
    let object = ObjectPath {
        bucket: bucket.clone(),
        object: ObjectName::parse(b"o").unwrap(),
    };
    match operation {
        Operation::PutObjectLifecyclePolicy => outcome(
            engine
                .put_lifecycle_policy(caller, &bucket, Vec::new(), &ALWAYS)
                .await,
        ),
        Operation::GetObjectLifecyclePolicy => {
            outcome(engine.lifecycle_policy(caller, &bucket).await)
        }
        Operation::DeleteObjectLifecyclePolicy => outcome(
            engine
                .delete_lifecycle_policy(caller, &bucket, &ALWAYS)
                .await,
        ),
        Operation::RestoreObjects => outcome(engine.restore_object(caller, &object, None, 1).await),
        _ => {
            let tier = StorageTier::Archive;
            outcome(engine.update_object_tier(caller, &object, None, tier).await)
        }
    }
}

fn needs(operation: Operation) -> Vec<Permission> {
    match operation.requires() {
        Requirement::AllOf(set) => set.iter().collect(),
        other => panic!("{operation:?} needs all of some permissions, not {other:?}"),
    }
}

#[tokio::test]
async fn each_asks_for_its_permissions_and_for_nothing_else() {
    let world = World::new().await;
    world.create_bucket("photos", &world.root).await;
    let (_, alice, policy) = world.worker("alice", "to manage buckets in tenancy").await;
    for operation in OPERATIONS {
        // The policy that is put is there for those who show and delete it.
        let done = match operation {
            Operation::RestoreObjects | Operation::UpdateObjectStorageTier => "ObjectNotFound",
            _ => "ok",
        };
        let grant = async |permissions: &[Permission]| {
            let list: Vec<&str> = permissions.iter().map(|p| p.as_str()).collect();
            let list = list.join(", ");
            let statement = format!("Allow group alice-group to {{{list}}} in tenancy");
            world.rewrite(&policy, &[&statement]).await;
        };
        let enough = needs(operation);
        for missing in &enough {
            let rest: Vec<Permission> = Permission::ALL
                .iter()
                .copied()
                .filter(|permission| permission != missing)
                .collect();
            grant(&rest).await;
            let refused = call(&world, &alice, operation).await;
            assert_eq!(
                refused, "BucketNotFound",
                "{operation:?} without {missing:?}"
            );
        }
        grant(&enough).await;
        assert_eq!(call(&world, &alice, operation).await, done, "{operation:?}");
    }
}

#[tokio::test]
async fn none_is_done_through_a_pre_authenticated_request() {
    let world = World::new().await;
    world.create_bucket("photos", &world.root).await;
    let par = world.par(&world.admin, "photos").await;
    let caller = world.engine.authenticate(Proof::ParSecret(par.expose()));
    let caller = caller.await.unwrap().caller;
    for operation in OPERATIONS {
        let refused = call(&world, &caller, operation).await;
        assert_eq!(refused, "BucketNotFound", "{operation:?}");
    }
}
