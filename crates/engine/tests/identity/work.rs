//! Work requests act with the rights that their requester has when the work is done.

use parbuckle_engine::{
    BodyStream, Caller, CapabilitiesChange, CopyObject, ObjectPath, PutObject, RequestBody,
    WorkFailure, WorkStatus,
};
use parbuckle_model::{ObjectName, PageLimit, Preconditions, WorkRequestId};

use crate::world::{ALWAYS, World, outcome};

const MANAGE: &str = "to manage objects in tenancy";

/// Buckets `from` with the object `o`, and `to`.
async fn world() -> World {
    let world = World::new().await;
    for bucket in ["from", "to"] {
        world.create_bucket(bucket, &world.root).await;
    }
    let body = RequestBody {
        stream: Box::pin(Nothing) as BodyStream,
        length: Some(0),
    };
    let (path, put) = (path(&world, "from", "o"), PutObject::default());
    let stored = world.engine.put_object(&world.admin, &path, put, body);
    stored.await.unwrap();
    world
}

struct Nothing;

impl futures_core::Stream for Nothing {
    type Item = Result<bytes::Bytes, parbuckle_engine::BodyError>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(None)
    }
}

fn path(world: &World, bucket: &str, object: &str) -> ObjectPath {
    ObjectPath {
        bucket: world.bucket(bucket),
        object: ObjectName::parse(object.as_bytes()).unwrap(),
    }
}

async fn ask(world: &World, caller: &Caller) -> Result<WorkRequestId, parbuckle_engine::Error> {
    let copy = CopyObject {
        source_version: None,
        source_if_match: None,
        destination_region: world.engine.region().to_owned(),
        destination: path(world, "to", "o"),
        preconditions: Preconditions::default(),
        metadata: None,
        storage_tier: None,
        keys: Default::default(),
    };
    let source = path(world, "from", "o");
    world.engine.copy_object(caller, &source, copy).await
}

/// How the work ends, and why it failed.
async fn worked(world: &World, id: &WorkRequestId) -> (WorkStatus, Option<WorkFailure>) {
    let (engine, admin) = (&world.engine, &world.admin);
    engine.work_once().await.unwrap();
    let work = engine.work_request(admin, id).await.unwrap();
    let errors = engine.work_request_errors(admin, id, None, PageLimit::default());
    let errors = errors.await.unwrap().items;
    (work.status, errors.first().map(|error| error.failure))
}

const NO_RIGHT: (WorkStatus, Option<WorkFailure>) =
    (WorkStatus::Failed, Some(WorkFailure::BucketNotFound));

#[tokio::test]
async fn a_copy_needs_its_rights_on_both_sides() {
    let world = world().await;
    for (number, (from, to, expected)) in [
        (
            "{OBJECT_READ, OBJECT_INSPECT}",
            "{OBJECT_CREATE, OBJECT_OVERWRITE}",
            "ok",
        ),
        (
            "{OBJECT_READ}",
            "{OBJECT_CREATE, OBJECT_OVERWRITE}",
            "BucketNotFound",
        ),
        (
            "{OBJECT_INSPECT}",
            "{OBJECT_CREATE, OBJECT_OVERWRITE}",
            "BucketNotFound",
        ),
        (
            "{OBJECT_READ, OBJECT_INSPECT}",
            "{OBJECT_CREATE}",
            "BucketNotFound",
        ),
        (
            "{OBJECT_READ, OBJECT_INSPECT}",
            "{OBJECT_OVERWRITE}",
            "BucketNotFound",
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let name = format!("user{number}");
        let on = |permissions: &str, bucket: &str| {
            format!("to {permissions} in tenancy where target.bucket.name = '{bucket}'")
        };
        let (_, caller, policy) = world.worker(&name, &on(from, "from")).await;
        let group = format!("Allow group {name}-group");
        let both = [
            format!("{group} {}", on(from, "from")),
            format!("{group} {}", on(to, "to")),
        ];
        world
            .rewrite(&policy, &both.each_ref().map(String::as_str))
            .await;
        assert_eq!(outcome(ask(&world, &caller).await), expected, "{from} {to}");
    }
}

#[tokio::test]
async fn a_copy_fails_when_the_policy_is_gone() {
    let world = world().await;
    let (_, caller, policy) = world.worker("alice", MANAGE).await;
    let id = ask(&world, &caller).await.unwrap();
    let rest = "Allow group alice-group to read objects in tenancy";
    world.rewrite(&policy, &[rest]).await;
    assert_eq!(worked(&world, &id).await, NO_RIGHT);
}

/// As a mover leaves it: the object is gone, and in the end its bucket too.
#[tokio::test]
async fn a_copy_whose_source_is_gone_needs_rights_on_its_name() {
    for bucket_is_gone in [false, true] {
        for (rest, expected) in [
            (MANAGE, (WorkStatus::Completed, None)),
            (
                "to manage objects in tenancy where target.bucket.name = 'to'",
                NO_RIGHT,
            ),
            (
                "to manage objects in tenancy where any {target.bucket.name = 'to', target.object.name = 'o'}",
                (WorkStatus::Completed, None),
            ),
        ] {
            let world = world().await;
            let (_, caller, policy) = world.worker("alice", MANAGE).await;
            let id = ask(&world, &caller).await.unwrap();
            let (engine, admin, none) = (&world.engine, &world.admin, Preconditions::default());
            let object = path(&world, "from", "o");
            let deleted = engine.delete_object(admin, &object, &none, None);
            deleted.await.unwrap();
            if bucket_is_gone {
                let deleted = engine.delete_bucket(admin, &object.bucket, &none);
                deleted.await.unwrap();
            }
            let statement = format!("Allow group alice-group {rest}");
            world.rewrite(&policy, &[&statement]).await;
            assert_eq!(
                worked(&world, &id).await,
                expected,
                "{bucket_is_gone} {rest}"
            );
        }
    }
}

#[tokio::test]
async fn a_copy_whose_source_bucket_is_gone_fails_when_its_requester_is() {
    let world = world().await;
    let (user, caller, _) = world.worker("alice", MANAGE).await;
    let id = ask(&world, &caller).await.unwrap();
    let (engine, admin, none) = (&world.engine, &world.admin, Preconditions::default());
    let object = path(&world, "from", "o");
    let deleted = engine.delete_object(admin, &object, &none, None);
    deleted.await.unwrap();
    let deleted = engine.delete_bucket(admin, &object.bucket, &none);
    deleted.await.unwrap();
    let deleted = engine.delete_user(admin, &user.entity.id, &ALWAYS);
    deleted.await.unwrap();
    assert_eq!(worked(&world, &id).await, NO_RIGHT);
}

#[tokio::test]
async fn a_copy_fails_when_its_requester_is_blocked_or_deleted() {
    for delete in [false, true] {
        let world = world().await;
        let (user, caller, _) = world.worker("alice", MANAGE).await;
        let id = ask(&world, &caller).await.unwrap();
        let (engine, admin, user) = (&world.engine, &world.admin, &user.entity.id);
        match delete {
            true => engine.delete_user(admin, user, &ALWAYS).await.unwrap(),
            false => {
                let blocked = engine.update_user_state(admin, user, true, &ALWAYS);
                blocked.await.unwrap();
            }
        }
        assert_eq!(worked(&world, &id).await, NO_RIGHT, "deleted: {delete}");
    }
}

#[tokio::test]
async fn a_copy_fails_when_its_requester_may_no_longer_use_that_kind_of_credential() {
    let world = world().await;
    let (user, caller, _) = world.worker("alice", MANAGE).await;
    let id = ask(&world, &caller).await.unwrap();
    let change = CapabilitiesChange {
        api_keys: Some(false),
        ..CapabilitiesChange::default()
    };
    let (engine, admin, user) = (&world.engine, &world.admin, &user.entity.id);
    let changed = engine.update_user_capabilities(admin, user, change, &ALWAYS);
    changed.await.unwrap();
    assert_eq!(worked(&world, &id).await, NO_RIGHT);
}

/// As a PAR outlives the key that its creator signed with.
#[tokio::test]
async fn a_copy_outlives_the_api_key_that_asked_for_it() {
    let world = world().await;
    let (user, caller, _) = world.worker("alice", MANAGE).await;
    let id = ask(&world, &caller).await.unwrap();
    let (engine, admin, user) = (&world.engine, &world.admin, &user.entity.id);
    let keys = engine.api_keys(admin, user).await.unwrap();
    let fingerprint = &keys[0].fingerprint;
    let deleted = engine.delete_api_key(admin, user, fingerprint);
    deleted.await.unwrap();
    assert_eq!(worked(&world, &id).await, (WorkStatus::Completed, None));
}

#[tokio::test]
async fn work_requests_are_seen_and_cancelled_with_rights_where_the_source_lies() {
    let world = world().await;
    let id = ask(&world, &world.admin).await.unwrap();
    for (number, (permission, expected)) in [
        ("OBJECT_READ", ["ok", "ok", "ok", "-", "-"]),
        ("OBJECT_INSPECT", ["-", "-", "-", "ok", "-"]),
        ("OBJECT_DELETE", ["-", "-", "-", "-", "ok"]),
        ("OBJECT_OVERWRITE", ["-"; 5]),
    ]
    .into_iter()
    .enumerate()
    {
        let rest = format!("to {{{permission}}} in tenancy");
        let (_, caller, _) = world.worker(&format!("user{number}"), &rest).await;
        let (engine, limit) = (&world.engine, PageLimit::default());
        let outcomes = [
            outcome(engine.work_request(&caller, &id).await),
            outcome(engine.work_request_errors(&caller, &id, None, limit).await),
            outcome(engine.work_request_logs(&caller, &id, None, limit).await),
            outcome(
                engine
                    .work_requests(&caller, &world.root, None, limit)
                    .await,
            ),
            outcome(engine.cancel_work_request(&caller, &id).await),
        ];
        let refused = "NotAuthorizedOrNotFound";
        let expected = expected.map(|word| if word == "-" { refused } else { word });
        assert_eq!(outcomes, expected, "{permission}");
    }
}

#[tokio::test]
async fn a_right_on_the_source_alone_shows_its_work_request() {
    let world = world().await;
    let id = ask(&world, &world.admin).await.unwrap();
    for (bucket, expected) in [("from", "ok"), ("to", "NotAuthorizedOrNotFound")] {
        let rest = format!("to read objects in tenancy where target.bucket.name = '{bucket}'");
        let (_, caller, _) = world.worker(&format!("{bucket}-user"), &rest).await;
        let seen = world.engine.work_request(&caller, &id).await;
        assert_eq!(outcome(seen), expected, "{bucket}");
    }
}

#[tokio::test]
async fn only_work_on_buckets_of_the_compartment_is_listed() {
    let world = world().await;
    ask(&world, &world.admin).await.unwrap();
    let (engine, admin, limit) = (&world.engine, &world.admin, PageLimit::default());
    let other = engine
        .create_compartment(admin, world.details("other"), None)
        .await
        .unwrap();
    let here = engine.work_requests(admin, &world.root, None, limit).await;
    assert_eq!(here.unwrap().items.len(), 1);
    let there = engine.work_requests(admin, &other.entity.id, None, limit);
    assert_eq!(there.await.unwrap().items.len(), 0);
}

#[tokio::test]
async fn a_bucket_is_encrypted_anew_with_bucket_update_and_only_as_long() {
    let world = world().await;
    let (_, caller, policy) = world.worker("alice", "to {BUCKET_UPDATE} in tenancy").await;
    let (engine, bucket) = (&world.engine, world.bucket("from"));
    let done = engine.reencrypt_bucket(&caller, &bucket).await.unwrap();
    assert_eq!(worked(&world, &done).await, (WorkStatus::Completed, None));
    let late = engine.reencrypt_bucket(&caller, &bucket).await.unwrap();
    let rest = "Allow group alice-group to manage objects in tenancy";
    world.rewrite(&policy, &[rest]).await;
    let refused = engine.reencrypt_bucket(&caller, &bucket).await;
    assert_eq!(outcome(refused), "BucketNotFound");
    assert_eq!(worked(&world, &late).await, NO_RIGHT);
}
