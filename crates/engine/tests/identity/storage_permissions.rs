//! Storage operations: each is allowed by just its permissions (wire reference 12.2).

use parbuckle_engine::{
    NewRetentionRule, Policy, RetentionDuration, RetentionRuleChange, RetentionUnit, User,
};
use parbuckle_iam::permission::{Operation, Permission, Requirement};
use parbuckle_model::ObjectName;

use crate::world::{ALWAYS, World, outcome};

/// Operations included that no face serves yet: the decision is the one that all operations ask for.
#[tokio::test]
async fn every_storage_operation_is_allowed_by_just_its_permissions_and_by_nothing_else() {
    let world = World::new().await;
    world.create_bucket("photos", &world.root).await;
    let (alice, _, policy) = world
        .worker("alice", "to manage object-family in tenancy")
        .await;
    let all: Vec<Permission> = Permission::ALL.iter().copied().filter(is_storage).collect();
    let mut proven: Vec<Permission> = Vec::new();
    for operation in Operation::ALL.iter().copied() {
        for enough in ways_to_be_allowed(operation)
            .into_iter()
            .filter(|way| way.iter().all(is_storage))
        {
            grant(&world, &policy, &enough).await;
            assert!(
                allowed(&world, &alice, operation).await,
                "{operation:?}: {enough:?}"
            );
            // Without this one, and without the others that would do in its place.
            for missing in &enough {
                let instead = ways_to_be_allowed(operation)
                    .into_iter()
                    .filter(|way| way.len() == 1)
                    .flatten();
                let taken: Vec<Permission> = instead.chain([*missing]).collect();
                let rest: Vec<Permission> =
                    all.iter().copied().filter(|p| !taken.contains(p)).collect();
                grant(&world, &policy, &rest).await;
                assert!(
                    !allowed(&world, &alice, operation).await,
                    "{operation:?} without {missing:?}"
                );
            }
            proven.extend(&enough);
        }
    }
    // Asked besides, only where a retention rule is locked: a test of its own shows it.
    proven.push(Permission::RetentionRuleLock);
    let unproven: Vec<&Permission> = all.iter().filter(|p| !proven.contains(p)).collect();
    assert!(unproven.is_empty(), "no operation asks for {unproven:?}");
}

#[tokio::test]
async fn who_sets_moves_or_takes_back_the_lock_of_a_retention_rule_needs_a_permission_more() {
    let world = World::new().await;
    world.create_bucket("photos", &world.root).await;
    let manage = [Permission::BucketUpdate, Permission::RetentionRuleManage];
    let lock = [&manage[..], &[Permission::RetentionRuleLock]].concat();
    let (_, alice, policy) = world.worker("alice", "to manage buckets in tenancy").await;
    let (engine, path) = (&world.engine, world.bucket("photos"));
    let later =
        |days: i64| Some(engine.environment().now() + jiff::SignedDuration::from_hours(24 * days));
    let new = |time_locked| NewRetentionRule {
        display_name: None,
        duration: Some(RetentionDuration {
            amount: 1,
            unit: RetentionUnit::Days,
        }),
        time_locked,
    };
    let locking = |time_locked| RetentionRuleChange {
        time_locked: Some(time_locked),
        ..RetentionRuleChange::default()
    };
    grant(&world, &policy, &lock).await;
    let locked = engine.create_retention_rule(&alice, &path, new(later(20)));
    let locked = locked.await.unwrap();
    grant(&world, &policy, &manage).await;
    let refused = engine.create_retention_rule(&alice, &path, new(later(20)));
    assert_eq!(outcome(refused.await), "BucketNotFound");
    let free = engine.create_retention_rule(&alice, &path, new(None)).await;
    let free = free.unwrap();
    for (rule, change, wanted) in [
        (&free, locking(later(20)), "BucketNotFound"),
        (&locked, locking(later(30)), "BucketNotFound"),
        (&locked, locking(None), "BucketNotFound"),
        (&locked, locking(locked.time_locked), "ok"),
        (&locked, RetentionRuleChange::default(), "ok"),
    ] {
        let changed =
            engine.update_retention_rule(&alice, &path, &rule.id, change.clone(), &ALWAYS);
        assert_eq!(outcome(changed.await), wanted, "{change:?}");
    }
    grant(&world, &policy, &lock).await;
    let changed = engine.update_retention_rule(&alice, &path, &locked.id, locking(None), &ALWAYS);
    assert_eq!(outcome(changed.await), "ok");
}

fn is_storage(permission: &Permission) -> bool {
    let kinds = ["OBJECT", "BUCKET_", "PAR_", "RETENTION_"];
    kinds
        .iter()
        .any(|kind| permission.as_str().starts_with(kind))
}

/// Sets of permissions, each of which is enough for an operation on an object that is not there.
fn ways_to_be_allowed(operation: Operation) -> Vec<Vec<Permission>> {
    match operation.requires() {
        Requirement::Nothing => Vec::new(),
        Requirement::AllOf(set) => vec![set.iter().collect()],
        Requirement::AnyOf(set) => set.iter().map(|permission| vec![permission]).collect(),
        Requirement::ByExistence { always, create, .. } => {
            vec![always.iter().chain([create]).collect()]
        }
    }
}

async fn grant(world: &World, policy: &Policy, permissions: &[Permission]) {
    let list: Vec<&str> = permissions.iter().map(|p| p.as_str()).collect();
    let statement = format!(
        "Allow group alice-group to {{{}}} in tenancy",
        list.join(", ")
    );
    world.rewrite(policy, &[&statement]).await;
}

async fn allowed(world: &World, user: &User, operation: Operation) -> bool {
    let object = ObjectName::parse(b"a").unwrap();
    let (user, bucket) = (&user.entity.id, world.bucket("photos"));
    let told = world
        .engine
        .explain(&world.admin, user, operation, &bucket, Some(&object));
    told.await.unwrap().allowed
}
