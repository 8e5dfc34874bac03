//! What owners and the log are told of a decision: the same that was decided, and nothing of it to the client.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy.toml covers only test functions"
)]

#[allow(dead_code, reason = "shared with the tests of the identity service")]
#[path = "identity/world.rs"]
mod world;

use std::time::Duration;

use parbuckle_engine::{
    BucketChange, Caller, CapabilitiesChange, CreatedPar, Error, Explanation, NewPar, ObjectPath,
    Proof, PutObject, ReadObject, RequestBody, User,
};
use parbuckle_iam::permission::Operation;
use parbuckle_model::{AccessType, Expiry, ObjectName, Ocid, ParScope, PublicAccess};
use world::{ALWAYS, World, outcome, sentence};

const MANAGE: &str = "to manage object-family in tenancy";
const EXPIRES: &str = "2999-01-01T00:00:00Z";

#[tokio::test]
async fn an_allowed_operation_names_the_statement_that_allows_it() {
    let world = with_bucket().await;
    let (alice, ..) = world.worker("alice", "to read objects in tenancy").await;
    let told = explain(&world, &alice, Operation::GetObject, Some("a")).await;
    assert!(told.allowed);
    assert_eq!(
        told.reasons,
        [
            "GetObject has OBJECT_READ on object 'a', bucket 'photos', compartment 'own': policy alice-policy says \
             \"Allow group alice-group to read objects in tenancy\"."
        ]
    );
}

#[tokio::test]
async fn a_refused_operation_names_the_permission_and_the_statement_that_comes_close() {
    let world = with_bucket().await;
    let rest = "to manage objects in tenancy where target.object.name = 'in/*'";
    let (alice, ..) = world.worker("alice", rest).await;
    let told = explain(&world, &alice, Operation::DeleteObject, Some("a")).await;
    assert!(!told.allowed);
    assert_eq!(
        told.reasons,
        [
            "DeleteObject needs OBJECT_DELETE on object 'a', bucket 'photos', compartment 'own', and no statement allows \
             it. Close: policy alice-policy says \"Allow group alice-group to manage objects in tenancy where \
             target.object.name = 'in/*'\", but target.object.name = 'in/*' is false (it is 'a')."
        ]
    );
}

#[tokio::test]
async fn putting_an_object_asks_to_create_it_or_to_overwrite_it() {
    let world = with_bucket().await;
    put(&world, "there").await;
    let rest = "to {OBJECT_OVERWRITE} in tenancy";
    let (alice, ..) = world.worker("alice", rest).await;
    let put = Operation::PutObject;
    assert!(explain(&world, &alice, put, Some("there")).await.allowed);
    let told = explain(&world, &alice, put, Some("new")).await;
    assert!(!told.allowed);
    assert!(told.reasons[0].starts_with("PutObject needs OBJECT_CREATE on object 'new'"));
    let told = explain(&world, &alice, put, None).await;
    assert_eq!((told.allowed, told.reasons.len()), (false, 2));
}

#[tokio::test]
async fn one_of_two_permissions_is_enough_where_the_operation_says_so() {
    let world = with_bucket().await;
    let (alice, ..) = world.worker("alice", "to inspect objects in tenancy").await;
    let told = explain(&world, &alice, Operation::HeadObject, Some("a")).await;
    assert!(told.allowed);
    assert!(
        told.reasons
            .iter()
            .any(|r| r.contains("has OBJECT_INSPECT"))
    );
    assert!(told.reasons.iter().any(|r| r.contains("needs OBJECT_READ")));
}

#[tokio::test]
async fn a_user_who_may_not_act_is_told_of_before_any_policy() {
    let world = with_bucket().await;
    let (alice, ..) = world.worker("alice", MANAGE).await;
    let id = &alice.entity.id;
    let read = Operation::GetObject;
    block(&world, &alice).await;
    let told = explain(&world, &alice, read, None).await;
    assert!(!told.allowed);
    assert_eq!(told.reasons, [format!("The user {id} is blocked.")]);
    let (engine, admin) = (&world.engine, &world.admin);
    engine.delete_user(admin, id, &ALWAYS).await.unwrap();
    let told = explain(&world, &alice, read, None).await;
    assert_eq!(
        told.reasons,
        [format!("The user {id} does not exist any more.")]
    );
}

#[tokio::test]
async fn what_a_public_bucket_grants_is_explained_by_the_bucket() {
    let world = with_bucket().await;
    make_public(&world).await;
    let alice = world.user("alice").await;
    let told = explain(&world, &alice, Operation::GetObject, Some("a")).await;
    assert!(told.allowed);
    assert_eq!(
        told.reasons,
        ["GetObject has OBJECT_READ: the bucket is public."]
    );
}

#[tokio::test]
async fn explanations_are_for_those_who_may_read_policies() {
    let world = with_bucket().await;
    let (alice, caller, policy) = world.worker("alice", MANAGE).await;
    let nobody = Ocid::parse("ocid1.user.oc1..nobody").unwrap();
    // The same answer for everything, whether it exists or not.
    for caller in [&caller, &world.foreigner] {
        for user in [&alice.entity.id, &world.admin_id, &nobody] {
            for bucket in ["photos", "nothing"] {
                let told = ask(&world, caller, user, Operation::GetObject, bucket, None).await;
                assert_eq!(outcome(told), "NotAuthorizedOrNotFound");
            }
        }
    }
    world
        .rewrite(
            &policy,
            &["Allow group alice-group to inspect policies in tenancy"],
        )
        .await;
    let read = Operation::GetObject;
    let told = ask(&world, &caller, &world.admin_id, read, "photos", None).await;
    assert!(told.unwrap().allowed);
}

#[tokio::test]
async fn a_par_that_works_is_explained_by_target_expiry_creator_and_statement() {
    let world = with_bucket().await;
    let (alice, caller, _) = world.worker("alice", MANAGE).await;
    let par = create_par(&world, &caller, AccessType::ObjectRead, Some("a")).await;
    let told = explain_par(&world, &par, None).await;
    assert!(told.allowed);
    assert_eq!(
        told.reasons,
        [
            "It reads the object a.",
            "It expires at 2999-01-01T00:00:00.000Z.",
            &format!("It was made by {}, who may act.", alice.entity.id),
            "GetObject has OBJECT_READ on object 'a', bucket 'photos', compartment 'own': policy alice-policy says \
             \"Allow group alice-group to manage object-family in tenancy\".",
        ]
    );
}

#[tokio::test]
async fn each_thing_that_a_par_grants_is_explained() {
    let world = with_bucket().await;
    let (_, caller, policy) = world.worker("alice", MANAGE).await;
    let par = create_par(&world, &caller, AccessType::AnyObjectReadWrite, None).await;
    let group = "Allow group alice-group to";
    world
        .rewrite(&policy, &[&format!("{group} use objects in tenancy")])
        .await;
    let told = explain_par(&world, &par, None).await;
    assert!(!told.allowed);
    let starts = ["GetObject has", "PutObject needs", "PutObject has"];
    for (reason, start) in told.reasons[3..].iter().zip(starts) {
        assert!(reason.starts_with(start), "{reason}");
    }
    assert!(told.reasons[4].contains("OBJECT_CREATE"));
}

#[tokio::test]
async fn an_expired_par_is_explained_by_its_expiry() {
    let world = with_bucket().await;
    let new = NewPar {
        time_expires: Expiry::from(world.engine.environment().now() + Duration::from_secs(60)),
        ..new_par(AccessType::AnyObjectRead, None)
    };
    let bucket = world.bucket("photos");
    let par = world.engine.create_par(&world.admin, &bucket, new).await;
    let par = par.unwrap();
    world.environment.advance(60);
    let told = explain_par(&world, &par, None).await;
    assert!(!told.allowed);
    let last = told.reasons.last().unwrap();
    assert_eq!(*last, format!("It expired at {}.", par.par.time_expires));
    assert!(
        refusal(&world, &par)
            .await
            .cause()
            .unwrap()
            .contains("has expired")
    );
}

#[tokio::test]
async fn a_par_whose_creator_may_not_act_is_explained_by_the_creator() {
    for (fate, words) in [
        (Fate::Blocked, "is blocked"),
        (
            Fate::Incapable,
            "has lost the capability for this kind of credential",
        ),
        (Fate::Deleted, "does not exist any more"),
    ] {
        let world = with_bucket().await;
        let (alice, caller, _) = world.worker("alice", MANAGE).await;
        let par = create_par(&world, &caller, AccessType::AnyObjectRead, None).await;
        fate.befalls(&world, &alice).await;
        let told = explain_par(&world, &par, None).await;
        let id = &alice.entity.id;
        let expected = format!("It was made by {id}, who {words}.");
        assert!(!told.allowed);
        assert_eq!(told.reasons.last(), Some(&expected));
    }
}

#[tokio::test]
async fn an_object_outside_of_a_pars_target_is_said_to_be_so() {
    let world = with_bucket().await;
    let par = create_par(&world, &world.admin, AccessType::AnyObjectRead, Some("in/")).await;
    assert!(explain_par(&world, &par, Some("in/a")).await.allowed);
    let told = explain_par(&world, &par, Some("out/a")).await;
    assert!(!told.allowed);
    assert_eq!(
        told.reasons,
        [
            "It reads objects whose names begin with in/.",
            "The object out/a is outside of that."
        ]
    );
}

#[tokio::test]
async fn a_condition_on_object_names_is_asked_about_the_object_in_question() {
    let world = with_bucket().await;
    let (_, caller, policy) = world.worker("alice", MANAGE).await;
    let par = create_par(&world, &caller, AccessType::AnyObjectRead, None).await;
    let rest = "to read objects in tenancy where target.object.name = 'in/*'";
    world
        .rewrite(&policy, &[&format!("Allow group alice-group {rest}")])
        .await;
    assert!(explain_par(&world, &par, Some("in/a")).await.allowed);
    assert!(!explain_par(&world, &par, Some("out/a")).await.allowed);
    let told = explain_par(&world, &par, None).await;
    assert!(!told.allowed);
    let last = told.reasons.last().unwrap();
    assert!(last.contains("(it does not apply here)"), "{last}");
}

#[tokio::test]
async fn a_public_bucket_does_not_help_a_par() {
    let world = with_bucket().await;
    let (_, caller, policy) = world.worker("alice", MANAGE).await;
    let par = create_par(&world, &caller, AccessType::AnyObjectRead, None).await;
    let id = &policy.entity.id;
    let (engine, admin) = (&world.engine, &world.admin);
    engine.delete_policy(admin, id, &ALWAYS).await.unwrap();
    make_public(&world).await;
    assert!(!world.reads(&par.token, "photos").await);
    assert!(!explain_par(&world, &par, None).await.allowed);
}

#[tokio::test]
async fn a_par_is_explained_to_those_who_may_see_it() {
    let world = with_bucket().await;
    let par = create_par(&world, &world.admin, AccessType::AnyObjectRead, None).await;
    let (engine, bucket) = (&world.engine, world.bucket("photos"));
    let (_, reader, _) = world.worker("rita", "to read objects in tenancy").await;
    let (_, seer, _) = world.worker("sam", "to read buckets in tenancy").await;
    let told = engine
        .explain_par(&reader, &bucket, &par.par.id, None)
        .await;
    assert_eq!(outcome(told), "BucketNotFound");
    let told = engine.explain_par(&world.foreigner, &bucket, &par.par.id, None);
    assert_eq!(outcome(told.await), "NamespaceNotFound");
    let told = engine.explain_par(&seer, &bucket, &par.par.id, None).await;
    assert!(told.unwrap().allowed);
}

#[tokio::test]
async fn the_log_of_a_refused_par_names_par_creator_permission_and_what_comes_close() {
    let world = with_bucket().await;
    let (alice, caller, policy) = world.worker("alice", MANAGE).await;
    let par = create_par(&world, &caller, AccessType::AnyObjectRead, None).await;
    world
        .rewrite(
            &policy,
            &["Allow group alice-group to read objects in tenancy where target.bucket.name = 'films'"],
        )
        .await;
    let error = refusal(&world, &par).await;
    let cause = error.cause().unwrap();
    assert_eq!(
        cause,
        format!(
            "PAR {}, made by {}: GetObject needs OBJECT_READ on object 'nothing', bucket 'photos', compartment 'own', and \
             no statement allows it. Close: policy alice-policy says \"Allow group alice-group to read objects in tenancy \
             where target.bucket.name = 'films'\", but target.bucket.name = 'films' is false (it is 'photos').",
            par.par.id.to_text(None),
            alice.entity.id,
        )
    );
    assert!(!cause.contains(par.token.expose()));
}

#[tokio::test]
async fn the_log_of_a_par_whose_creator_may_not_act_names_him_and_why() {
    let world = with_bucket().await;
    let (alice, caller, _) = world.worker("alice", MANAGE).await;
    let par = create_par(&world, &caller, AccessType::AnyObjectRead, None).await;
    block(&world, &alice).await;
    let error = refusal(&world, &par).await;
    assert_eq!(
        error.cause().unwrap(),
        format!(
            "PAR {}, made by {}: its creator is blocked",
            par.par.id.to_text(None),
            alice.entity.id
        )
    );
}

#[tokio::test]
async fn the_log_of_a_par_used_beyond_its_scope_names_the_par() {
    let world = with_bucket().await;
    let par = create_par(
        &world,
        &world.admin,
        AccessType::AnyObjectWrite,
        Some("in/"),
    )
    .await;
    let named = format!(
        "PAR {}, made by {}: ",
        par.par.id.to_text(None),
        world.admin_id
    );
    for (object, words) in [
        ("in/a", "the PAR's access type does not permit this"),
        ("out", "the object lies outside the PAR's target"),
    ] {
        let error = read(&world, &par, object).await.unwrap_err();
        assert_eq!(error.cause().unwrap(), format!("{named}{words}"));
    }
}

#[tokio::test]
async fn the_reply_to_a_refused_par_does_not_tell_why() {
    for fate in [
        Fate::Blocked,
        Fate::Incapable,
        Fate::Deleted,
        Fate::Rightless,
    ] {
        let world = with_bucket().await;
        let (alice, caller, _) = world.worker("alice", MANAGE).await;
        let par = create_par(&world, &caller, AccessType::AnyObjectRead, None).await;
        fate.befalls(&world, &alice).await;
        let namespace = world.bucket("photos").namespace;
        assert_eq!(
            sentence(read(&world, &par, "a").await),
            format!(
                "Either the bucket named 'photos' does not exist in the namespace '{namespace}' or you are not authorized to \
                 access it"
            )
        );
    }
}

/// What can happen to the creator of a PAR.
#[derive(Clone, Copy)]
enum Fate {
    Blocked,
    Incapable,
    Deleted,
    Rightless,
}

impl Fate {
    async fn befalls(self, world: &World, user: &User) {
        let (engine, admin, id) = (&world.engine, &world.admin, &user.entity.id);
        match self {
            Self::Blocked => block(world, user).await,
            Self::Incapable => {
                let change = CapabilitiesChange {
                    api_keys: Some(false),
                    ..CapabilitiesChange::default()
                };
                let changed = engine.update_user_capabilities(admin, id, change, &ALWAYS);
                changed.await.unwrap();
            }
            Self::Deleted => engine.delete_user(admin, id, &ALWAYS).await.unwrap(),
            Self::Rightless => {
                let membership = world.membership(id).await;
                let removed = engine.remove_user_from_group(admin, &membership);
                removed.await.unwrap();
            }
        }
    }
}

async fn with_bucket() -> World {
    let world = World::new().await;
    world.create_bucket("photos", &world.root).await;
    world
}

async fn ask(
    world: &World,
    caller: &Caller,
    user: &Ocid,
    operation: Operation,
    bucket: &str,
    object: Option<&str>,
) -> Result<Explanation, Error> {
    let object = object.map(name);
    let path = world.bucket(bucket);
    let engine = &world.engine;
    engine
        .explain(caller, user, operation, &path, object.as_ref())
        .await
}

/// Why a user may do something in the bucket, as the administrator is told.
async fn explain(
    world: &World,
    user: &User,
    operation: Operation,
    object: Option<&str>,
) -> Explanation {
    let (admin, id) = (&world.admin, &user.entity.id);
    ask(world, admin, id, operation, "photos", object)
        .await
        .unwrap()
}

/// Why a PAR works or not, as the administrator is told.
async fn explain_par(world: &World, par: &CreatedPar, object: Option<&str>) -> Explanation {
    let (bucket, object) = (world.bucket("photos"), object.map(name));
    let engine = &world.engine;
    engine
        .explain_par(&world.admin, &bucket, &par.par.id, object.as_ref())
        .await
        .unwrap()
}

fn new_par(access: AccessType, object: Option<&str>) -> NewPar {
    NewPar {
        name: "a PAR".to_owned(),
        scope: ParScope::new(access, object, None).unwrap(),
        time_expires: Expiry::parse(EXPIRES).unwrap(),
    }
}

async fn create_par(
    world: &World,
    creator: &Caller,
    access: AccessType,
    object: Option<&str>,
) -> CreatedPar {
    let (engine, bucket) = (&world.engine, world.bucket("photos"));
    engine
        .create_par(creator, &bucket, new_par(access, object))
        .await
        .unwrap()
}

async fn read(world: &World, par: &CreatedPar, object: &str) -> Result<(), Error> {
    let proof = Proof::ParSecret(par.token.expose());
    let caller = world.engine.authenticate(proof).await?.caller;
    let path = ObjectPath {
        bucket: world.bucket("photos"),
        object: name(object),
    };
    let read = ReadObject::default();
    world
        .engine
        .read_object(&caller, &path, read)
        .await
        .map(drop)
}

/// The error that ends a read through a dead PAR.
async fn refusal(world: &World, par: &CreatedPar) -> Error {
    read(world, par, "nothing").await.unwrap_err()
}

async fn put(world: &World, object: &str) {
    let path = ObjectPath {
        bucket: world.bucket("photos"),
        object: name(object),
    };
    let body = RequestBody {
        length: Some(0),
        stream: Box::pin(Empty),
    };
    let (engine, admin) = (&world.engine, &world.admin);
    let made = engine.put_object(admin, &path, PutObject::default(), body);
    made.await.unwrap();
}

async fn block(world: &World, user: &User) {
    let (engine, admin, id) = (&world.engine, &world.admin, &user.entity.id);
    let blocked = engine.update_user_state(admin, id, true, &ALWAYS);
    blocked.await.unwrap();
}

async fn make_public(world: &World) {
    let change = BucketChange {
        public_access: Some(PublicAccess::ObjectRead),
        ..BucketChange::default()
    };
    let (engine, admin, bucket) = (&world.engine, &world.admin, world.bucket("photos"));
    let changed = engine.update_bucket(admin, &bucket, change, &ALWAYS);
    changed.await.unwrap();
}

fn name(text: &str) -> ObjectName {
    ObjectName::parse(text.as_bytes()).unwrap()
}

/// A body without bytes.
struct Empty;

impl futures_core::Stream for Empty {
    type Item = Result<bytes::Bytes, parbuckle_engine::BodyError>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(None)
    }
}
