//! A bucket with two objects, and every call on it as a word: what the tests of rights share.

use std::time::Duration;

use parbuckle_engine::{Caller, NewPar, NewUpload, Par, PartSelection, PutObject, ReadObject};
use parbuckle_model::{AccessType, ListingAction, ParId, ParScope, Preconditions, UploadId};

use super::support::body::body;
use super::support::listing::everything;
use super::support::world::{Stores, World};
use super::support::{expires_in, new_bucket, outcome, part};

/// How long the PARs of these tests live.
pub(crate) const LIFETIME: Duration = Duration::from_secs(3600);

/// A service with bucket `b`, in it the object `dir/o`, and another one beside it.
pub(crate) struct Place {
    pub(crate) world: World,
}

impl Place {
    pub(crate) async fn new() -> Self {
        let world = World::new(Stores::Memory, 1).await;
        for name in ["b", "c"] {
            let new = new_bucket(&world, name);
            let made = world
                .engine
                .create_bucket(&world.admin, &world.namespace, new);
            assert_eq!(outcome(&made.await), "ok");
        }
        let place = Self { world };
        for name in ["dir/o", "other"] {
            assert_eq!(place.put(&place.world.admin, name).await, "ok");
        }
        place
    }

    pub(crate) async fn create_par(
        &self,
        access: AccessType,
        target: Option<&str>,
        listing: Option<ListingAction>,
    ) -> (Par, String) {
        let new = NewPar {
            name: "par".to_owned(),
            scope: ParScope::new(access, target, listing).unwrap(),
            time_expires: expires_in(&self.world, LIFETIME),
        };
        let (world, bucket) = (&self.world, self.world.bucket("b"));
        let made = world.engine.create_par(&world.admin, &bucket, new).await;
        let made = made.unwrap();
        (made.par, made.token.expose().clone())
    }

    pub(crate) async fn put(&self, caller: &Caller, object: &str) -> String {
        let path = self.world.object("b", object);
        let put = PutObject::default();
        let done = self
            .world
            .engine
            .put_object(caller, &path, put, body(b"x", 1));
        outcome(&done.await)
    }

    pub(crate) async fn read(&self, caller: &Caller, object: &str) -> String {
        let path = self.world.object("b", object);
        let options = ReadObject::default();
        outcome(&self.world.engine.read_object(caller, &path, options).await)
    }

    pub(crate) async fn head(&self, caller: &Caller, object: &str) -> String {
        let (path, none) = (self.world.object("b", object), Preconditions::default());
        outcome(
            &self
                .world
                .engine
                .head_object(caller, &path, &none, None, None)
                .await,
        )
    }

    async fn start_upload(&self, caller: &Caller, object: &str) -> String {
        let (path, new) = (self.world.object("b", object), NewUpload::default());
        outcome(&self.world.engine.create_upload(caller, &path, new).await)
    }

    pub(crate) async fn list(&self, caller: &Caller) -> String {
        let path = self.world.bucket("b");
        outcome(
            &self
                .world
                .engine
                .list_objects(caller, &path, &everything())
                .await,
        )
    }

    pub(crate) async fn delete(&self, caller: &Caller, object: &str) -> String {
        let (path, none) = (self.world.object("b", object), Preconditions::default());
        let deleted = self.world.engine.delete_object(caller, &path, &none, None);
        outcome(&deleted.await)
    }

    pub(crate) async fn delete_par(&self, id: &ParId) -> String {
        let (world, bucket) = (&self.world, self.world.bucket("b"));
        let deleted = world.engine.delete_par(&world.admin, &bucket, id, None);
        outcome(&deleted.await)
    }

    /// What a caller may do with an object: read, head, put, start an upload.
    pub(crate) async fn rights(&self, caller: &Caller, object: &str) -> String {
        let all = [
            self.read(caller, object).await,
            self.head(caller, object).await,
            self.put(caller, object).await,
            self.start_upload(caller, object).await,
        ];
        all.each_ref().map(|outcome| short(outcome)).join(" ")
    }

    /// An upload of `dir/o` through a PAR that writes anything, and the holder of its secret.
    pub(crate) async fn upload_through_par(&self) -> (ParId, UploadId, Caller) {
        let (par, token) = self
            .create_par(AccessType::AnyObjectWrite, None, None)
            .await;
        let (upload, secret) = self.start_through(&token, "dir/o").await;
        (par.id, upload, self.world.upload_secret(&secret).await)
    }

    pub(crate) async fn start_through(&self, token: &str, object: &str) -> (UploadId, String) {
        let (world, holder) = (&self.world, self.world.par(token).await);
        let path = world.object("b", object);
        let started = world
            .engine
            .create_upload(&holder, &path, NewUpload::default());
        let started = started.await.unwrap();
        (started.upload.id, started.secret.unwrap().expose().clone())
    }

    pub(crate) async fn upload_part(
        &self,
        caller: &Caller,
        object: &str,
        upload: UploadId,
    ) -> String {
        let path = self.world.upload("b", object, upload);
        let (none, checks) = (Preconditions::default(), Default::default());
        let (engine, body) = (&self.world.engine, body(b"part", 1));
        let stored = engine.upload_part(caller, &path, part(1), &none, checks, body);
        outcome(&stored.await)
    }

    pub(crate) async fn commit(&self, caller: &Caller, object: &str, upload: UploadId) -> String {
        let (path, none) = (
            self.world.upload("b", object, upload),
            Preconditions::default(),
        );
        let engine = &self.world.engine;
        let committed = engine.commit_upload(caller, &path, PartSelection::All, &none);
        outcome(&committed.await)
    }

    pub(crate) async fn abort(&self, caller: &Caller, object: &str, upload: UploadId) -> String {
        let path = self.world.upload("b", object, upload);
        outcome(&self.world.engine.abort_upload(caller, &path).await)
    }
}

/// `yes`, `401` or `404`.
pub(crate) fn short(outcome: &str) -> &str {
    match outcome {
        "ok" => "yes",
        "ParDoesNotExist" => "401",
        "BucketNotFound" => "404",
        other => other,
    }
}
