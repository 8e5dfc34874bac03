//! What those may do who have no rights in a bucket: nobody known, administrators of another tenancy, and holders of a
//! PAR where only users act. None of them learns whether a bucket exists.

use std::fmt::Write as _;

use parbuckle_engine::{
    BucketChange, BucketPath, Caller, NewPar, NewUpload, Par, PartSelection, PutObject, ReadObject,
};
use parbuckle_model::{
    AccessType, ListingAction, PageLimit, Preconditions, PublicAccess, UploadId, VersionId,
};

use super::place::{Place, short};
use super::support::body::{body, read_all};
use super::support::listing::everything;
use super::support::world::World;
use super::support::{new_bucket, outcome, part};

#[tokio::test]
async fn nobody_known_may_do_what_the_public_access_of_the_bucket_says() {
    let place = Place::new().await;
    let (world, bucket) = (&place.world, place.world.bucket("b"));
    let mut table = String::new();
    for public in [
        PublicAccess::NoPublicAccess,
        PublicAccess::ObjectReadWithoutList,
        PublicAccess::ObjectRead,
    ] {
        let change = BucketChange {
            public_access: Some(public),
            ..BucketChange::default()
        };
        let none = Preconditions::default();
        let changed = world
            .engine
            .update_bucket(&world.admin, &bucket, change, &none);
        assert_eq!(outcome(&changed.await), "ok");
        let nobody = world.anonymous().await;
        let rights = place.rights(&nobody, "dir/o").await;
        let (list, delete) = (
            place.list(&nobody).await,
            place.delete(&nobody, "dir/o").await,
        );
        writeln!(
            table,
            "{:21} | {rights} | {} | {}",
            public.as_str(),
            short(&list),
            short(&delete)
        )
        .unwrap();
    }
    let expected = "\
NoPublicAccess        | 404 404 404 404 | 404 | 404
ObjectReadWithoutList | yes yes 404 404 | 404 | 404
ObjectRead            | yes yes 404 404 | yes | 404
";
    assert_eq!(table, expected, "\n{table}");
}

#[tokio::test]
async fn a_stranger_reads_a_public_bucket_like_anyone() {
    let place = Place::new().await;
    let (world, bucket) = (&place.world, place.world.bucket("b"));
    let change = BucketChange {
        public_access: Some(PublicAccess::ObjectRead),
        ..BucketChange::default()
    };
    let none = Preconditions::default();
    let changed = world
        .engine
        .update_bucket(&world.admin, &bucket, change, &none);
    assert_eq!(outcome(&changed.await), "ok");
    let path = world.object("b", "dir/o");
    let read = world
        .engine
        .read_object(&world.foreigner, &path, ReadObject::default());
    assert_eq!(read_all(read.await.unwrap().body).await.unwrap(), b"x");
    assert_eq!(place.list(&world.foreigner).await, "ok");
    assert_eq!(
        place.put(&world.foreigner, "dir/o").await,
        "NamespaceNotFound"
    );
}

#[tokio::test]
async fn a_stranger_cannot_tell_a_foreign_bucket_from_none() {
    let place = Place::new().await;
    let existing = every_operation(&place, &place.world.foreigner, "b").await;
    let missing = every_operation(&place, &place.world.foreigner, "nowhere").await;
    assert_eq!(existing, missing);
    for (operation, outcome) in existing {
        assert_eq!(outcome, "NamespaceNotFound", "{operation}");
    }
}

#[tokio::test]
async fn nobody_known_cannot_tell_a_private_bucket_from_none() {
    let place = Place::new().await;
    let nobody = place.world.anonymous().await;
    let existing = every_operation(&place, &nobody, "b").await;
    let missing = every_operation(&place, &nobody, "nowhere").await;
    assert_eq!(existing, missing);
    for (operation, outcome) in existing {
        let expected = match operation {
            "list buckets" | "create bucket" => "NamespaceNotFound",
            _ => "BucketNotFound",
        };
        assert_eq!(outcome, expected, "{operation}");
    }
}

#[tokio::test]
async fn the_holder_of_any_par_does_nothing_that_only_users_do() {
    let place = Place::new().await;
    let listing = Some(ListingAction::ListObjects);
    let (_, token) = place
        .create_par(AccessType::AnyObjectReadWrite, None, listing)
        .await;
    let holder = place.world.par(&token).await;
    for (operation, outcome) in every_operation(&place, &holder, "b").await {
        let expected = match operation {
            "read" | "head" | "put" | "list objects" | "start upload" => "ok",
            "list buckets" | "create bucket" => "NamespaceNotFound",
            _ => "BucketNotFound",
        };
        assert_eq!(outcome, expected, "{operation}");
    }
}

#[tokio::test]
async fn a_user_makes_no_bucket_in_the_compartment_of_another_tenancy() {
    let place = Place::new().await;
    let world = &place.world;
    let new = new_bucket(world, "x");
    let namespace = &world.foreign_namespace;
    let made = world.engine.create_bucket(&world.foreigner, namespace, new);
    assert_eq!(outcome(&made.await), "RelatedNotAuthorizedOrNotFound");
}

/// The outcome of every operation on a bucket. In `b` everything they name is there.
async fn every_operation(
    place: &Place,
    caller: &Caller,
    bucket: &str,
) -> Vec<(&'static str, String)> {
    let world = &place.world;
    let engine = &world.engine;
    let (par, _) = place
        .create_par(AccessType::AnyObjectRead, None, None)
        .await;
    let started = world.object("b", "dir/o");
    let started = engine.create_upload(&world.admin, &started, NewUpload::default());
    let upload = started.await.unwrap().upload.id;
    assert_eq!(place.upload_part(&world.admin, "dir/o", upload).await, "ok");
    let mut outcomes = on_bucket(world, caller, &world.bucket(bucket), &par).await;
    outcomes.extend(on_object(world, caller, bucket, upload).await);
    assert_eq!(place.abort(&world.admin, "dir/o", upload).await, "ok");
    assert_eq!(place.delete_par(&par.id).await, "ok");
    outcomes
}

async fn on_bucket(
    world: &World,
    caller: &Caller,
    path: &BucketPath,
    par: &Par,
) -> Vec<(&'static str, String)> {
    let (engine, namespace) = (&world.engine, &world.namespace);
    let (none, limit) = (Preconditions::default(), PageLimit::default());
    let new_par = NewPar {
        name: "par".to_owned(),
        scope: par.scope.clone(),
        time_expires: par.time_expires,
    };
    let new = new_bucket(world, path.bucket.as_str());
    let buckets = engine.buckets(caller, namespace, &world.compartment, None, limit);
    let change = BucketChange::default();
    let fields = Default::default();
    vec![
        ("list buckets", outcome(&buckets.await)),
        (
            "create bucket",
            outcome(&engine.create_bucket(caller, namespace, new).await),
        ),
        (
            "get bucket",
            outcome(&engine.bucket(caller, path, fields, &none).await),
        ),
        (
            "head bucket",
            outcome(&engine.head_bucket(caller, path, &none).await),
        ),
        (
            "update bucket",
            outcome(&engine.update_bucket(caller, path, change, &none).await),
        ),
        (
            "delete bucket",
            outcome(&engine.delete_bucket(caller, path, &none).await),
        ),
        (
            "list objects",
            outcome(&engine.list_objects(caller, path, &everything()).await),
        ),
        (
            "list uploads",
            outcome(&engine.uploads(caller, path, None, limit).await),
        ),
        (
            "create par",
            outcome(&engine.create_par(caller, path, new_par).await),
        ),
        (
            "list pars",
            outcome(&engine.pars(caller, path, None, None, limit).await),
        ),
        (
            "filter pars",
            outcome(&engine.pars(caller, path, Some("a"), None, limit).await),
        ),
        (
            "get par",
            outcome(&engine.par(caller, path, &par.id, None).await),
        ),
        (
            "delete par",
            outcome(&engine.delete_par(caller, path, &par.id, None).await),
        ),
    ]
}

async fn on_object(
    world: &World,
    caller: &Caller,
    bucket: &str,
    upload: UploadId,
) -> Vec<(&'static str, String)> {
    let engine = &world.engine;
    let (path, none) = (world.object(bucket, "dir/o"), Preconditions::default());
    let (upload, limit) = (world.upload(bucket, "dir/o", upload), PageLimit::default());
    let read = engine.read_object(caller, &path, ReadObject::default());
    let put = engine.put_object(caller, &path, PutObject::default(), body(b"x", 1));
    let start = engine.create_upload(caller, &path, NewUpload::default());
    let checks = Default::default();
    let stored = engine.upload_part(caller, &upload, part(1), &none, checks, body(b"x", 1));
    let commit = engine.commit_upload(caller, &upload, PartSelection::All, &none);
    let version = VersionId::from_random([1; 16]);
    let delete_version = engine.delete_object(caller, &path, &none, Some(version));
    vec![
        ("read", outcome(&read.await)),
        (
            "head",
            outcome(&engine.head_object(caller, &path, &none, None, None).await),
        ),
        ("put", outcome(&put.await)),
        (
            "delete",
            outcome(&engine.delete_object(caller, &path, &none, None).await),
        ),
        ("delete version", outcome(&delete_version.await)),
        ("start upload", outcome(&start.await)),
        ("upload part", outcome(&stored.await)),
        (
            "list parts",
            outcome(&engine.parts(caller, &upload, None, limit).await),
        ),
        ("commit", outcome(&commit.await)),
        (
            "abort",
            outcome(&engine.abort_upload(caller, &upload).await),
        ),
    ]
}
