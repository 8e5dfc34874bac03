//! A bucket whose versions can be made, listed and read in a word: what the tests of versions, renaming and batches share.

use std::time::Duration;

use parbuckle_engine::{
    BucketChange, BucketFields, BucketPath, Caller, Deleted, ListedVersion, NewBucket, NewPar,
    NewUpload, ObjectInfo, ObjectVersion, PartSelection, PutObject, ReadObject,
};
use parbuckle_model::{AccessType, ListingAction, ParScope, Preconditions, VersionId, Versioning};

use super::support::audit::{all_keys, census, collect};
use super::support::body::{body, read_all};
use super::support::listing::everything;
use super::support::world::{Stores, World};
use super::support::{expires_in, kind_of, new_bucket, outcome, part};

/// A service with bucket `b`.
pub(crate) struct Shelf {
    pub(crate) world: World,
    bucket: BucketPath,
}

impl Shelf {
    pub(crate) async fn new(versioning: Versioning) -> Self {
        Self::over(Stores::Memory, versioning).await
    }

    pub(crate) async fn over(stores: Stores, versioning: Versioning) -> Self {
        let world = World::new(stores, 1).await;
        let shelf = Self {
            bucket: world.bucket("b"),
            world,
        };
        let world = &shelf.world;
        // Versioning is suspended only where it was enabled.
        let new = NewBucket {
            versioning: match versioning {
                Versioning::Suspended => Versioning::Enabled,
                other => other,
            },
            ..new_bucket(world, "b")
        };
        let made = world
            .engine
            .create_bucket(&world.admin, &world.namespace, new);
        assert_eq!(outcome(&made.await), "ok");
        if versioning == Versioning::Suspended {
            shelf.set(Versioning::Suspended).await;
        }
        shelf
    }

    /// Enables or suspends versioning.
    pub(crate) async fn set(&self, versioning: Versioning) {
        let change = BucketChange {
            versioning: Some(versioning),
            ..BucketChange::default()
        };
        let (world, none) = (&self.world, Preconditions::default());
        let updated = world
            .engine
            .update_bucket(&world.admin, self.bucket(), change, &none);
        assert_eq!(outcome(&updated.await), "ok");
    }

    pub(crate) fn bucket(&self) -> &BucketPath {
        &self.bucket
    }

    pub(crate) async fn put(&self, name: &str, bytes: &[u8]) -> ObjectInfo {
        let (world, path) = (&self.world, self.world.object("b", name));
        let put = PutObject::default();
        let stored = world
            .engine
            .put_object(&world.admin, &path, put, body(bytes, 1));
        stored.await.unwrap()
    }

    /// A multipart object of these parts.
    pub(crate) async fn put_parts(&self, name: &str, parts: &[&[u8]]) -> ObjectInfo {
        let (engine, admin) = (&self.world.engine, &self.world.admin);
        let path = self.world.object("b", name);
        let started = engine.create_upload(admin, &path, NewUpload::default());
        let path = self
            .world
            .upload("b", name, started.await.unwrap().upload.id);
        let none = Preconditions::default();
        for (number, bytes) in (1..).zip(parts) {
            let (checks, body) = (Default::default(), body(bytes, 1));
            let stored = engine.upload_part(admin, &path, part(number), &none, checks, body);
            assert_eq!(outcome(&stored.await), "ok");
        }
        let committed = engine.commit_upload(admin, &path, PartSelection::All, &none);
        committed.await.unwrap()
    }

    pub(crate) async fn delete(&self, name: &str) -> Deleted {
        self.try_delete(name, None).await.unwrap()
    }

    pub(crate) async fn delete_version(&self, name: &str, version: VersionId) -> Deleted {
        self.try_delete(name, Some(version)).await.unwrap()
    }

    pub(crate) async fn try_delete(
        &self,
        name: &str,
        version: Option<VersionId>,
    ) -> Result<Deleted, String> {
        let (world, path) = (&self.world, self.world.object("b", name));
        let none = Preconditions::default();
        let deleted = world
            .engine
            .delete_object(&world.admin, &path, &none, version);
        deleted.await.map_err(|error| kind_of(&error))
    }

    /// The bytes of the current object, or the kind of the error.
    pub(crate) async fn read(&self, name: &str) -> Result<Vec<u8>, String> {
        self.read_by(name, None).await
    }

    /// The same of a version.
    pub(crate) async fn read_version(
        &self,
        name: &str,
        version: VersionId,
    ) -> Result<Vec<u8>, String> {
        self.read_by(name, Some(version)).await
    }

    async fn read_by(&self, name: &str, version: Option<VersionId>) -> Result<Vec<u8>, String> {
        let (world, path) = (&self.world, self.world.object("b", name));
        let options = ReadObject {
            version,
            ..ReadObject::default()
        };
        let read = world.engine.read_object(&world.admin, &path, options).await;
        let read = read.map_err(|error| kind_of(&error))?;
        Ok(read_all(read.body).await.unwrap())
    }

    /// Everything about the current object.
    pub(crate) async fn info(&self, name: &str) -> ObjectInfo {
        let (world, path) = (&self.world, self.world.object("b", name));
        let read = world
            .engine
            .read_object(&world.admin, &path, ReadObject::default());
        read.await.unwrap().info
    }

    /// The names of the current objects.
    pub(crate) async fn names(&self) -> Vec<String> {
        let (world, query) = (&self.world, everything());
        let listing = world
            .engine
            .list_objects(&world.admin, self.bucket(), &query);
        let objects = listing.await.unwrap().objects;
        objects.into_iter().map(|object| object.name).collect()
    }

    pub(crate) async fn versions(&self) -> Vec<ListedVersion> {
        let (world, query) = (&self.world, everything());
        let listing = world
            .engine
            .list_object_versions(&world.admin, self.bucket(), &query, None);
        let listing = listing.await.unwrap();
        assert_eq!(listing.next, None, "more than a page");
        listing.versions
    }

    /// The versions in order: each a name with the object's size, or `x` for a delete marker.
    pub(crate) async fn shape(&self) -> String {
        let one = |listed: &ListedVersion| match &listed.version {
            ObjectVersion::Object(info) => format!("{}:{}", listed.name, info.size),
            ObjectVersion::DeleteMarker { .. } => format!("{}:x", listed.name),
        };
        let versions = self.versions().await;
        versions.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    /// The bucket's approximate count and size.
    pub(crate) async fn counts(&self) -> (u64, u64) {
        let (world, none) = (&self.world, Preconditions::default());
        let fields = BucketFields {
            count: true,
            size: true,
        };
        let bucket = world
            .engine
            .bucket(&world.admin, self.bucket(), fields, &none)
            .await
            .unwrap();
        (
            bucket.approximate_count.unwrap(),
            bucket.approximate_size.unwrap(),
        )
    }

    /// Lets the collector do all it can; then how many blobs there are, and how many keys that objects hang on.
    pub(crate) async fn collected(&self) -> (usize, usize) {
        collect(&self.world).await;
        let keys = census(&all_keys(&self.world).await);
        let kinds = ["O", "D", "V", "W", "M", "U", "R", "00 b", "00 t"];
        let hanging = kinds.iter().filter_map(|kind| keys.get(*kind)).sum();
        let blobs = parbuckle_blob::Store::list(&*self.world.blobs, None, usize::MAX).await;
        (blobs.unwrap().len(), hanging)
    }

    pub(crate) async fn delete_bucket(&self) -> String {
        let (world, none) = (&self.world, Preconditions::default());
        let deleted = world
            .engine
            .delete_bucket(&world.admin, self.bucket(), &none);
        outcome(&deleted.await)
    }

    /// The holder of a PAR that reads and lists the whole bucket.
    pub(crate) async fn par(&self) -> Caller {
        let (world, listing) = (&self.world, Some(ListingAction::ListObjects));
        let new = NewPar {
            name: "par".to_owned(),
            scope: ParScope::new(AccessType::AnyObjectReadWrite, None, listing).unwrap(),
            time_expires: expires_in(world, Duration::from_secs(3600)),
        };
        let made = world.engine.create_par(&world.admin, self.bucket(), new);
        world.par(made.await.unwrap().token.expose()).await
    }
}
