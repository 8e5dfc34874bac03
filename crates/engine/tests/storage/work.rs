//! Copying objects by work requests: what a copy is, what is refused when, and how work requests are seen.

mod faults;
mod kept;
mod keys;

use std::time::Duration;

use parbuckle_engine::{
    CopyObject, Error, NewBucket, NewRetentionRule, ObjectInfo, ObjectMd5, ObjectPath, PutObject,
    ReadObject, StorageWork, StorageWorkRequest, WorkFailure, WorkStatus,
};
use parbuckle_model::{
    ETag, EtagCondition, ObjectAttributes, PageLimit, Preconditions, StorageTier, UserMetadata,
    VersionId, Versioning, WorkRequestId,
};

use super::shelf::Shelf;
use super::support::audit::audit;
use super::support::body::{body, content, read_all};
use super::support::listing::walk_pages;
use super::support::world::World;
use super::support::{new_bucket, outcome};

/// A service with the source bucket `b` and the destination bucket `c`.
struct Desk {
    world: World,
}

impl Desk {
    async fn new() -> Self {
        Self::over(Shelf::new(Versioning::Disabled).await).await
    }

    /// The shelf is bucket `b`.
    async fn over(shelf: Shelf) -> Self {
        let desk = Self { world: shelf.world };
        desk.create_bucket("c", |_| {}).await;
        desk
    }

    async fn create_bucket(&self, name: &str, change: impl FnOnce(&mut NewBucket)) {
        let (world, mut new) = (&self.world, new_bucket(&self.world, name));
        change(&mut new);
        let made = world
            .engine
            .create_bucket(&world.admin, &world.namespace, new);
        assert_eq!(outcome(&made.await), "ok");
    }

    async fn put(&self, bucket: &str, name: &str, bytes: &[u8]) -> ObjectInfo {
        self.put_with(bucket, name, bytes, PutObject::default())
            .await
    }

    async fn put_with(&self, bucket: &str, name: &str, bytes: &[u8], put: PutObject) -> ObjectInfo {
        let (world, path) = (&self.world, self.world.object(bucket, name));
        let stored = world
            .engine
            .put_object(&world.admin, &path, put, body(bytes, 1));
        stored.await.unwrap()
    }

    async fn delete(&self, bucket: &str, name: &str) {
        let (world, path) = (&self.world, self.world.object(bucket, name));
        let none = Preconditions::default();
        let deleted = world.engine.delete_object(&world.admin, &path, &none, None);
        assert_eq!(outcome(&deleted.await), "ok");
    }

    async fn read(&self, bucket: &str, name: &str) -> Option<(ObjectInfo, Vec<u8>)> {
        let (world, path) = (&self.world, self.world.object(bucket, name));
        let read = world
            .engine
            .read_object(&world.admin, &path, ReadObject::default());
        let read = read.await.ok()?;
        Some((read.info, read_all(read.body).await.unwrap()))
    }

    /// How to copy to `c/copy`.
    fn plain(&self) -> CopyObject {
        self.to(self.world.object("c", "copy"))
    }

    fn to(&self, destination: ObjectPath) -> CopyObject {
        CopyObject {
            source_version: None,
            source_if_match: None,
            destination_region: self.world.engine.region().to_owned(),
            destination,
            preconditions: Preconditions::default(),
            metadata: None,
            storage_tier: None,
            keys: Default::default(),
        }
    }

    /// Asks for a copy of `b/{source}`.
    async fn ask(&self, source: &str, copy: CopyObject) -> Result<WorkRequestId, Error> {
        let (world, source) = (&self.world, self.world.object("b", source));
        world.engine.copy_object(&world.admin, &source, copy).await
    }

    /// Asks for a copy and lets the worker do it.
    async fn copy(&self, source: &str, copy: CopyObject) -> StorageWorkRequest {
        let id = self.ask(source, copy).await.unwrap();
        self.world.engine.work_once().await.unwrap();
        self.work(&id).await
    }

    async fn work(&self, id: &WorkRequestId) -> StorageWorkRequest {
        let world = &self.world;
        world.engine.work_request(&world.admin, id).await.unwrap()
    }

    /// Why a work request failed.
    async fn failures(&self, id: &WorkRequestId) -> Vec<WorkFailure> {
        let (world, limit) = (&self.world, PageLimit::default());
        let errors = world
            .engine
            .work_request_errors(&world.admin, id, None, limit);
        let errors = errors.await.unwrap().items;
        assert!(errors.iter().all(|error| !error.message.is_empty()));
        errors.iter().map(|error| error.failure).collect()
    }

    async fn cancel(&self, id: &WorkRequestId) -> String {
        let world = &self.world;
        outcome(&world.engine.cancel_work_request(&world.admin, id).await)
    }

    /// Work requests, youngest first.
    async fn list(&self, limit: &str) -> Vec<WorkRequestId> {
        let (world, limit) = (&self.world, PageLimit::parse(limit).unwrap());
        let found = walk_pages(limit, async |page| {
            world
                .engine
                .work_requests(&world.admin, &world.compartment, page, limit)
                .await
        });
        found.await.unwrap().iter().map(|work| work.id).collect()
    }
}

fn only_if(etag: ETag) -> EtagCondition {
    EtagCondition::OneOf(vec![etag])
}

fn if_absent() -> Preconditions {
    Preconditions {
        if_match: None,
        if_none_match: Some(EtagCondition::Any),
    }
}

fn metadata(name: &str, value: &str) -> UserMetadata {
    UserMetadata::new([(name.to_owned(), value.to_owned())]).unwrap()
}

#[tokio::test]
async fn a_copy_has_the_bytes_and_digests_of_its_source_and_an_etag_of_its_own() {
    for size in [0, 10, 200_000] {
        let desk = Desk::new().await;
        let bytes = content(size, 1);
        let source = desk.put("b", "o", &bytes).await;
        desk.world.environment.advance(Duration::from_secs(5));
        let done = desk.copy("o", desk.plain()).await;
        assert_eq!((done.status, done.percent), (WorkStatus::Completed, 100));
        let (copy, copied) = desk.read("c", "copy").await.unwrap();
        assert!(copied == bytes, "{size}");
        assert_eq!((copy.size, copy.md5), (source.size, source.md5));
        assert_ne!(copy.etag, source.etag);
        assert_eq!(copy.time_modified, done.time_accepted);
        audit(&desk.world).await;
    }
}

#[tokio::test]
async fn a_copy_of_a_multipart_object_has_its_parts() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    let parts = [content(100_000, 1), content(70, 2), content(9, 3)];
    let parts: Vec<&[u8]> = parts.iter().map(Vec::as_slice).collect();
    let source = shelf.put_parts("o", &parts).await;
    let desk = Desk::over(shelf).await;
    desk.copy("o", desk.plain()).await;
    let (copy, bytes) = desk.read("c", "copy").await.unwrap();
    assert!(bytes == parts.concat());
    assert_eq!(copy.md5, source.md5);
    assert!(matches!(copy.md5, ObjectMd5::Multipart { parts: 3, .. }));
    desk.delete("b", "o").await;
    let state = audit(&desk.world).await;
    assert!(state["c"].objects["copy"].1 == bytes);
}

#[tokio::test]
async fn headers_and_metadata_are_inherited() {
    let desk = Desk::new().await;
    let put = PutObject {
        attributes: ObjectAttributes {
            content_type: Some("text/x".to_owned()),
            cache_control: Some("no-cache".to_owned()),
            metadata: metadata("a", "1"),
            ..ObjectAttributes::default()
        },
        ..PutObject::default()
    };
    let source = desk.put_with("b", "o", b"x", put).await;
    desk.copy("o", desk.plain()).await;
    let (copy, _) = desk.read("c", "copy").await.unwrap();
    assert_eq!(copy.attributes, source.attributes);
}

#[tokio::test]
async fn metadata_that_is_given_replaces_all_metadata_and_nothing_else() {
    let desk = Desk::new().await;
    let put = PutObject {
        attributes: ObjectAttributes {
            content_type: Some("text/x".to_owned()),
            metadata: metadata("a", "1"),
            ..ObjectAttributes::default()
        },
        ..PutObject::default()
    };
    desk.put_with("b", "o", b"x", put).await;
    let copy = CopyObject {
        metadata: Some(metadata("b", "2")),
        ..desk.plain()
    };
    desk.copy("o", copy).await;
    let (copy, _) = desk.read("c", "copy").await.unwrap();
    assert_eq!(copy.attributes.metadata, metadata("b", "2"));
    assert_eq!(copy.attributes.content_type.as_deref(), Some("text/x"));
}

#[tokio::test]
async fn a_copy_has_the_tier_asked_for_or_that_of_its_bucket() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    desk.create_bucket("cold", |new| new.storage_tier = StorageTier::Archive)
        .await;
    desk.copy("o", desk.to(desk.world.object("cold", "copy")))
        .await;
    let asked = CopyObject {
        storage_tier: Some(StorageTier::InfrequentAccess),
        ..desk.plain()
    };
    desk.copy("o", asked).await;
    let (copy, _) = desk.read("c", "copy").await.unwrap();
    assert_eq!(copy.storage_tier, StorageTier::InfrequentAccess);
    let (world, none) = (&desk.world, Preconditions::default());
    let path = world.object("cold", "copy");
    let head = world
        .engine
        .head_object(&world.admin, &path, &none, None, None);
    assert_eq!(head.await.unwrap().storage_tier, StorageTier::Archive);
}

#[tokio::test]
async fn the_chosen_version_is_copied() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let old = shelf.put("o", b"old").await.version_id;
    shelf.put("o", &content(100, 1)).await;
    shelf.delete("o").await;
    let desk = Desk::over(shelf).await;
    let copy = CopyObject {
        source_version: Some(old),
        ..desk.plain()
    };
    desk.copy("o", copy).await;
    assert_eq!(desk.read("c", "copy").await.unwrap().1, b"old");
    assert_eq!(
        outcome(&desk.ask("o", desk.plain()).await),
        "ObjectNotFound"
    );
    let missing = CopyObject {
        source_version: Some(VersionId::from_bytes([9; 16])),
        ..desk.plain()
    };
    assert_eq!(outcome(&desk.ask("o", missing).await), "ObjectNotFound");
    audit(&desk.world).await;
}

#[tokio::test]
async fn an_object_can_be_copied_onto_itself() {
    let desk = Desk::new().await;
    for size in [10, 100_000] {
        let bytes = content(size, 1);
        let source = desk.put("b", "o", &bytes).await;
        let copy = CopyObject {
            metadata: Some(metadata("b", "2")),
            ..desk.to(desk.world.object("b", "o"))
        };
        desk.copy("o", copy).await;
        let (copy, copied) = desk.read("b", "o").await.unwrap();
        assert!(copied == bytes && copy.etag != source.etag);
        audit(&desk.world).await;
    }
}

#[tokio::test]
async fn what_a_copy_replaces_becomes_a_version_where_versions_are_kept() {
    let desk = Desk::new().await;
    desk.create_bucket("v", |new| new.versioning = Versioning::Enabled)
        .await;
    desk.put("v", "copy", b"before").await;
    desk.put("b", "o", b"x").await;
    desk.copy("o", desk.to(desk.world.object("v", "copy")))
        .await;
    let state = audit(&desk.world).await;
    assert_eq!(state["v"].objects["copy"].1, b"x");
    assert_eq!(state["v"].old_versions[0].2, b"before");
}

#[tokio::test]
async fn conditions_are_checked_when_the_copy_is_asked_for() {
    let desk = Desk::new().await;
    let source = desk.put("b", "o", b"x").await;
    let there = desk.put("c", "copy", b"y").await;
    let other = ETag::from_bytes([1; 16]);
    let on_source = |etag| CopyObject {
        source_if_match: Some(only_if(etag)),
        ..desk.plain()
    };
    let on_destination = |etag| CopyObject {
        preconditions: Preconditions {
            if_match: Some(only_if(etag)),
            if_none_match: None,
        },
        ..desk.plain()
    };
    let absent = CopyObject {
        preconditions: if_absent(),
        ..desk.plain()
    };
    for (copy, expected) in [
        (on_source(other), "IfMatchFailed"),
        (on_destination(other), "IfMatchFailed"),
        (absent, "IfNoneMatchFailed"),
        (on_source(source.etag), "ok"),
        (on_destination(there.etag), "ok"),
    ] {
        assert_eq!(outcome(&desk.ask("o", copy).await), expected);
    }
}

#[tokio::test]
async fn a_condition_on_the_destination_that_no_longer_holds_fails_the_copy() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    let absent = CopyObject {
        preconditions: if_absent(),
        ..desk.plain()
    };
    let absent = desk.ask("o", absent).await.unwrap();
    desk.put("c", "copy", b"meanwhile").await;
    desk.world.engine.work_once().await.unwrap();
    assert_eq!(desk.work(&absent).await.status, WorkStatus::Failed);
    assert_eq!(
        desk.failures(&absent).await,
        [WorkFailure::IfNoneMatchFailed]
    );
    assert_eq!(desk.read("c", "copy").await.unwrap().1, b"meanwhile");
    audit(&desk.world).await;
}

#[tokio::test]
async fn places_that_are_not_there_or_not_here_are_refused_at_once() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    let region = CopyObject {
        destination_region: "elsewhere-1".to_owned(),
        ..desk.plain()
    };
    assert_eq!(outcome(&desk.ask("o", region).await), "InvalidParameter");
    let bucket = desk.to(desk.world.object("nope", "copy"));
    assert_eq!(outcome(&desk.ask("o", bucket).await), "BucketNotFound");
    let mut foreign = desk.plain();
    foreign.destination.bucket.namespace = desk.world.foreign_namespace.clone();
    assert_eq!(outcome(&desk.ask("o", foreign).await), "NamespaceNotFound");
    let missing = desk.ask("nope", desk.plain()).await;
    assert_eq!(outcome(&missing), "ObjectNotFound");
    assert_eq!(desk.list("1000").await, []);
}

#[tokio::test]
async fn callers_without_rights_find_no_bucket() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    let (world, source) = (&desk.world, desk.world.object("b", "o"));
    let nobody = world.anonymous().await;
    for (caller, expected) in [
        (&nobody, "BucketNotFound"),
        (&world.foreigner, "NamespaceNotFound"),
    ] {
        let asked = world.engine.copy_object(caller, &source, desk.plain());
        assert_eq!(outcome(&asked.await), expected);
    }
}

#[tokio::test]
async fn an_archived_source_is_refused() {
    let desk = Desk::new().await;
    let put = PutObject {
        storage_tier: Some(StorageTier::Archive),
        ..PutObject::default()
    };
    desk.put_with("b", "o", b"x", put).await;
    let asked = desk.ask("o", desk.plain()).await;
    assert_eq!(outcome(&asked), "ObjectArchived");
}

#[tokio::test]
async fn a_protected_object_is_not_replaced() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    desk.put("c", "copy", b"before").await;
    let early = desk.ask("o", desk.plain()).await.unwrap();
    let (world, bucket) = (&desk.world, desk.world.bucket("c"));
    let rule = NewRetentionRule {
        display_name: None,
        duration: None,
        time_locked: None,
    };
    let made = world
        .engine
        .create_retention_rule(&world.admin, &bucket, rule);
    made.await.unwrap();
    let late = desk.ask("o", desk.plain()).await;
    assert_eq!(outcome(&late), "ObjectRetained");
    world.engine.work_once().await.unwrap();
    assert_eq!(desk.failures(&early).await, [WorkFailure::ObjectRetained]);
    assert_eq!(desk.read("c", "copy").await.unwrap().1, b"before");
}

#[tokio::test]
async fn a_work_request_says_what_it_does_and_when() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    let id = desk.ask("o", desk.plain()).await.unwrap();
    let waiting = desk.work(&id).await;
    assert_eq!(waiting.status, WorkStatus::Accepted);
    assert_eq!((waiting.time_started, waiting.time_finished), (None, None));
    desk.world.environment.advance(Duration::from_secs(7));
    desk.world.engine.work_once().await.unwrap();
    let done = desk.work(&id).await;
    let work = StorageWork::Copy {
        source: desk.world.object("b", "o"),
        destination: desk.world.object("c", "copy"),
    };
    assert_eq!(done.work, work);
    assert_eq!(done.compartment, desk.world.compartment);
    let later = done.time_accepted + jiff::SignedDuration::from_secs(7);
    assert_eq!(done.time_finished, Some(later));
    let (world, limit) = (&desk.world, PageLimit::default());
    let logs = world
        .engine
        .work_request_logs(&world.admin, &id, None, limit);
    let logs = logs.await.unwrap().items;
    let messages: Vec<&str> = logs.iter().map(|line| line.message.as_str()).collect();
    assert_eq!(messages, ["Accepted", "Begun", "The object was copied"]);
}

#[tokio::test]
async fn work_requests_are_listed_youngest_first_page_by_page() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    let mut asked = Vec::new();
    for _ in 0..5 {
        asked.push(desk.ask("o", desk.plain()).await.unwrap());
        desk.world.environment.advance(Duration::from_millis(1));
    }
    desk.world.engine.work_once().await.unwrap();
    asked.reverse();
    for limit in ["1", "2", "5", "1000"] {
        assert_eq!(desk.list(limit).await, asked, "{limit}");
    }
}

#[tokio::test]
async fn work_requests_of_another_tenancy_look_like_missing_ones() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    let id = desk.ask("o", desk.plain()).await.unwrap();
    let missing = WorkRequestId::from_bytes([7; 16]);
    let (world, limit) = (&desk.world, PageLimit::default());
    let engine = &world.engine;
    for (caller, id) in [(&world.foreigner, &id), (&world.admin, &missing)] {
        let outcomes = [
            outcome(&engine.work_request(caller, id).await),
            outcome(&engine.work_request_errors(caller, id, None, limit).await),
            outcome(&engine.work_request_logs(caller, id, None, limit).await),
            outcome(&engine.cancel_work_request(caller, id).await),
        ];
        assert_eq!(outcomes, ["NotAuthorizedOrNotFound"; 4]);
    }
    let foreign = engine.work_requests(&world.foreigner, &world.compartment, None, limit);
    assert_eq!(outcome(&foreign.await), "NotAuthorizedOrNotFound");
}

#[tokio::test]
async fn a_work_request_that_waits_is_cancelled_at_once() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    let id = desk.ask("o", desk.plain()).await.unwrap();
    assert_eq!(desk.cancel(&id).await, "ok");
    assert_eq!(desk.work(&id).await.status, WorkStatus::Canceled);
    desk.world.engine.work_once().await.unwrap();
    assert_eq!(desk.work(&id).await.status, WorkStatus::Canceled);
    assert!(desk.read("c", "copy").await.is_none());
    audit(&desk.world).await;
}

#[tokio::test]
async fn a_work_request_that_has_ended_is_not_cancelled() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    let done = desk.copy("o", desk.plain()).await;
    assert_eq!(desk.cancel(&done.id).await, "WorkRequestEnded");
    assert_eq!(desk.work(&done.id).await.status, WorkStatus::Completed);
}

#[tokio::test]
async fn more_work_than_is_done_at_a_time_is_all_done() {
    let desk = Desk::new().await;
    desk.put("b", "o", &content(100, 1)).await;
    for number in 0..30 {
        let destination = desk.world.object("c", &format!("copy{number}"));
        desk.ask("o", desk.to(destination)).await.unwrap();
    }
    desk.world.engine.work_once().await.unwrap();
    assert_eq!(audit(&desk.world).await["c"].objects.len(), 30);
}

#[tokio::test]
async fn work_requests_are_forgotten_seven_days_after_their_end() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    let done = desk.copy("o", desk.plain()).await.id;
    let waiting = desk.ask("o", desk.plain()).await.unwrap();
    let (engine, environment) = (&desk.world.engine, &desk.world.environment);
    environment.advance(Duration::from_secs(7 * 24 * 3600));
    assert_eq!(engine.forget_work().await.unwrap(), 0);
    environment.advance(Duration::from_millis(1));
    assert_eq!(engine.forget_work().await.unwrap(), 1);
    assert_eq!(desk.list("1000").await, [waiting]);
    let gone = engine.work_request(&desk.world.admin, &done).await;
    assert_eq!(outcome(&gone), "NotAuthorizedOrNotFound");
}

/// The clock of the runtime stands still but for its sleeps, so that the time counted is what the worker waits.
#[tokio::test(start_paused = true)]
async fn the_background_takes_up_new_work_at_once() {
    let desk = Desk::new().await;
    desk.put("b", "o", b"x").await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let engine = std::sync::Arc::clone(&desk.world.engine);
    let background = tokio::spawn(engine.run_background(stopped));
    // The loops have found nothing to do, and wait.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let begin = tokio::time::Instant::now();
    let id = desk.ask("o", desk.plain()).await.unwrap();
    while desk.work(&id).await.status != WorkStatus::Completed {
        assert!(begin.elapsed() < Duration::from_secs(1), "it waits");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    stop.send(true).unwrap();
    background.await.unwrap();
}
