//! What PARs of every type and secrets of uploads permit, and when they end.
//!
//! In the table `yes` is success, `404` is refused as if the bucket were not there, `401` is refused as if the PAR
//! were not there (wire reference 7.5).

use std::fmt::Write as _;
use std::time::Duration;

use parbuckle_engine::{BucketPath, Page, PutObject, ReadObject};
use parbuckle_model::{AccessType, ListingAction, ObjectName, PageLimit, Preconditions};

use super::place::{LIFETIME, Place, short};
use super::support::body::body;
use super::support::listing::everything;
use super::support::{new_bucket, outcome};

#[tokio::test]
async fn each_access_type_permits_what_its_table_says() {
    let place = Place::new().await;
    let mut table = String::new();
    let targets = [Some("dir/o"), Some("dir/"), None];
    let listings = [
        None,
        Some(ListingAction::Deny),
        Some(ListingAction::ListObjects),
    ];
    for access in AccessType::ALL {
        for target in targets {
            for listing in listings {
                // An object type has an object; any other is said once without it.
                let object = target == Some("dir/o");
                let pointless = listing == Some(ListingAction::Deny) && target.is_some();
                if access.is_single_object() != object || (object && listing.is_some()) || pointless
                {
                    continue;
                }
                let (par, token) = place.create_par(access, target, listing).await;
                let holder = place.world.par(&token).await;
                let on = place.rights(&holder, "dir/o").await;
                let off = place.rights(&holder, "other").await;
                let list = place.list(&holder).await;
                let delete = place.delete(&holder, "dir/o").await;
                let target = target.unwrap_or("-");
                let listing = listing.map_or("-", ListingAction::as_str);
                writeln!(
                    table,
                    "{:18} {target:5} {listing:11} | {on} | {off} | {} | {}",
                    access.as_str(),
                    short(&list),
                    short(&delete),
                )
                .unwrap();
                assert_eq!(place.delete_par(&par.id).await, "ok");
            }
        }
    }
    // Columns: read, head, put, start an upload of `dir/o`; the same of `other`; list; delete `dir/o`.
    let expected = "\
ObjectRead         dir/o -           | yes yes 404 404 | 401 401 401 401 | 404 | 404
ObjectWrite        dir/o -           | 404 404 yes yes | 401 401 401 401 | 404 | 404
ObjectReadWrite    dir/o -           | yes yes yes yes | 401 401 401 401 | 404 | 404
AnyObjectRead      dir/  -           | yes yes 404 404 | 401 401 401 401 | 404 | 404
AnyObjectRead      dir/  ListObjects | yes yes 404 404 | 401 401 401 401 | yes | 404
AnyObjectRead      -     -           | yes yes 404 404 | yes yes 404 404 | 404 | 404
AnyObjectRead      -     Deny        | yes yes 404 404 | yes yes 404 404 | 404 | 404
AnyObjectRead      -     ListObjects | yes yes 404 404 | yes yes 404 404 | yes | 404
AnyObjectWrite     dir/  -           | 404 404 yes yes | 401 401 401 401 | 404 | 404
AnyObjectWrite     dir/  ListObjects | 404 404 yes yes | 401 401 401 401 | 404 | 404
AnyObjectWrite     -     -           | 404 404 yes yes | 404 404 yes yes | 404 | 404
AnyObjectWrite     -     Deny        | 404 404 yes yes | 404 404 yes yes | 404 | 404
AnyObjectWrite     -     ListObjects | 404 404 yes yes | 404 404 yes yes | 404 | 404
AnyObjectReadWrite dir/  -           | yes yes yes yes | 401 401 401 401 | 404 | 404
AnyObjectReadWrite dir/  ListObjects | yes yes yes yes | 401 401 401 401 | yes | 404
AnyObjectReadWrite -     -           | yes yes yes yes | yes yes yes yes | 404 | 404
AnyObjectReadWrite -     Deny        | yes yes yes yes | yes yes yes yes | 404 | 404
AnyObjectReadWrite -     ListObjects | yes yes yes yes | yes yes yes yes | yes | 404
";
    assert_eq!(table, expected, "\n{table}");
}

#[tokio::test]
async fn a_par_ends_at_the_instant_of_its_expiry() {
    let place = Place::new().await;
    let (_, token) = place
        .create_par(AccessType::AnyObjectRead, None, None)
        .await;
    let holder = place.world.par(&token).await;
    let step = Duration::from_millis(1);
    place.world.environment.advance(LIFETIME - step);
    assert_eq!(place.read(&holder, "dir/o").await, "ok");
    place.world.environment.advance(step);
    assert_eq!(place.read(&holder, "dir/o").await, "ParDoesNotExist");
}

#[tokio::test]
async fn a_deleted_par_is_dead_on_the_next_request() {
    let place = Place::new().await;
    let (par, token) = place
        .create_par(AccessType::AnyObjectRead, None, None)
        .await;
    let holder = place.world.par(&token).await;
    assert_eq!(place.read(&holder, "dir/o").await, "ok");
    assert_eq!(place.delete_par(&par.id).await, "ok");
    assert_eq!(place.read(&holder, "dir/o").await, "ParDoesNotExist");
}

#[tokio::test]
async fn an_expired_par_is_still_listed_and_keeps_the_bucket() {
    let place = Place::new().await;
    let (engine, admin) = (&place.world.engine, &place.world.admin);
    let (par, _) = place
        .create_par(AccessType::AnyObjectRead, None, None)
        .await;
    place.world.environment.advance(2 * LIFETIME);
    for name in ["dir/o", "other"] {
        assert_eq!(place.delete(admin, name).await, "ok");
    }
    let (bucket, none) = (place.world.bucket("b"), Preconditions::default());
    let listed = engine.pars(admin, &bucket, None, None, PageLimit::default());
    let Page { items, .. } = listed.await.unwrap();
    assert_eq!(items, std::slice::from_ref(&par));
    let deleted = engine.delete_bucket(admin, &bucket, &none).await;
    assert_eq!(outcome(&deleted), "ParStillExists");
    assert_eq!(place.delete_par(&par.id).await, "ok");
    let deleted = engine.delete_bucket(admin, &bucket, &none).await;
    assert_eq!(outcome(&deleted), "ok");
}

#[tokio::test]
async fn a_par_serves_an_object_that_was_deleted_and_made_again() {
    let place = Place::new().await;
    let (_, token) = place
        .create_par(AccessType::ObjectRead, Some("dir/o"), None)
        .await;
    let holder = place.world.par(&token).await;
    assert_eq!(place.delete(&place.world.admin, "dir/o").await, "ok");
    assert_eq!(place.read(&holder, "dir/o").await, "ObjectNotFound");
    assert_eq!(place.put(&place.world.admin, "dir/o").await, "ok");
    assert_eq!(place.read(&holder, "dir/o").await, "ok");
}

#[tokio::test]
async fn a_par_is_worth_nothing_on_another_bucket_or_namespace() {
    let place = Place::new().await;
    let world = &place.world;
    let listing = Some(ListingAction::ListObjects);
    let (_, token) = place
        .create_par(AccessType::AnyObjectReadWrite, None, listing)
        .await;
    let holder = world.par(&token).await;
    // The other tenancy has a bucket of the same name.
    let elsewhere = BucketPath {
        namespace: world.foreign_namespace.clone(),
        bucket: world.bucket("b").bucket,
    };
    let new = parbuckle_engine::NewBucket {
        compartment: world.foreign_compartment.clone(),
        ..new_bucket(world, "b")
    };
    let namespace = &world.foreign_namespace;
    let made = world.engine.create_bucket(&world.foreigner, namespace, new);
    assert_eq!(outcome(&made.await), "ok");
    for bucket in [world.bucket("c"), world.bucket("nowhere"), elsewhere] {
        let path = parbuckle_engine::ObjectPath {
            bucket: bucket.clone(),
            object: ObjectName::parse(b"dir/o").unwrap(),
        };
        let engine = &world.engine;
        let outcomes = [
            outcome(
                &engine
                    .read_object(&holder, &path, ReadObject::default())
                    .await,
            ),
            outcome(&engine.list_objects(&holder, &bucket, &everything()).await),
            outcome(
                &engine
                    .put_object(&holder, &path, PutObject::default(), body(b"x", 1))
                    .await,
            ),
        ];
        assert_eq!(outcomes, ["ParDoesNotExist"; 3], "{bucket:?}");
    }
}

#[tokio::test]
async fn the_secret_of_an_upload_works_on_that_upload_only() {
    let place = Place::new().await;
    let (_, upload, holder) = place.upload_through_par().await;
    let (_, other, _) = place.upload_through_par().await;
    for (object, upload) in [("dir/o", other), ("other", upload)] {
        let outcomes = [
            place.upload_part(&holder, object, upload).await,
            place.commit(&holder, object, upload).await,
            place.abort(&holder, object, upload).await,
        ];
        assert_eq!(outcomes, ["ParDoesNotExist"; 3], "{object}");
    }
    assert_eq!(place.rights(&holder, "dir/o").await, "404 404 404 404");
    assert_eq!(place.list(&holder).await, "BucketNotFound");
    let path = place.world.upload("b", "dir/o", upload);
    let limit = PageLimit::default();
    let parts = place.world.engine.parts(&holder, &path, None, limit).await;
    assert_eq!(outcome(&parts), "BucketNotFound");
    assert_eq!(place.upload_part(&holder, "dir/o", upload).await, "ok");
    assert_eq!(place.commit(&holder, "dir/o", upload).await, "ok");
}

#[tokio::test]
async fn the_secret_of_an_upload_ends_with_the_upload() {
    let place = Place::new().await;
    for commits in [true, false] {
        let (_, upload, holder) = place.upload_through_par().await;
        assert_eq!(place.upload_part(&holder, "dir/o", upload).await, "ok");
        let ended = if commits {
            place.commit(&holder, "dir/o", upload).await
        } else {
            place.abort(&holder, "dir/o", upload).await
        };
        assert_eq!(ended, "ok");
        let again = place.upload_part(&holder, "dir/o", upload).await;
        assert_eq!(again, "ParDoesNotExist");
        let admin = &place.world.admin;
        let again = place.upload_part(admin, "dir/o", upload).await;
        assert_eq!(again, "UploadNotFound");
    }
}

#[tokio::test]
async fn the_secret_of_an_upload_dies_with_its_par() {
    let place = Place::new().await;
    for expires in [true, false] {
        let (par, upload, holder) = place.upload_through_par().await;
        assert_eq!(place.upload_part(&holder, "dir/o", upload).await, "ok");
        if expires {
            place.world.environment.advance(LIFETIME);
        } else {
            assert_eq!(place.delete_par(&par).await, "ok");
        }
        let outcomes = [
            place.upload_part(&holder, "dir/o", upload).await,
            place.commit(&holder, "dir/o", upload).await,
            place.abort(&holder, "dir/o", upload).await,
        ];
        assert_eq!(outcomes, ["ParDoesNotExist"; 3]);
        // The owner can still finish it.
        let admin = &place.world.admin;
        assert_eq!(place.commit(admin, "dir/o", upload).await, "ok");
    }
}

#[tokio::test]
async fn a_par_secret_and_an_upload_secret_do_not_stand_for_each_other() {
    let place = Place::new().await;
    let (_, token) = place
        .create_par(AccessType::AnyObjectReadWrite, None, None)
        .await;
    let (upload, secret) = place.start_through(&token, "dir/o").await;
    let as_par = place.world.par(&secret).await;
    assert_eq!(place.read(&as_par, "dir/o").await, "ParDoesNotExist");
    let as_upload = place.world.upload_secret(&token).await;
    let stored = place.upload_part(&as_upload, "dir/o", upload).await;
    assert_eq!(stored, "ParDoesNotExist");
    let holder = place.world.par(&token).await;
    let stored = place.upload_part(&holder, "dir/o", upload).await;
    assert_eq!(stored, "BucketNotFound");
}
