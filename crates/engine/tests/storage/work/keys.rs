//! Copies and bucket-wide encryption where keys are in play.

use std::sync::Arc;
use std::time::Duration;

use parbuckle_engine::{
    Backends, CopyKeys, CopyObject, CustomerKey, Engine, NewReplicationPolicy, PutObject,
    ReadObject, ServerKeys, Settings, StorageWork, WorkFailure, WorkStatus,
};
use parbuckle_kv::{CommitFault, FaultyStore, ReadFault};
use parbuckle_model::{BucketName, Versioning};

use super::Desk;
use crate::shelf::Shelf;
use crate::support::audit::all_keys;
use crate::support::body::{content, read_all};
use crate::support::outcome;
use crate::support::world::INLINE_BYTES_MAX;

const SIZES: [usize; 3] = [0, 40, 200_000];

fn key(owner: u8) -> CustomerKey {
    CustomerKey::new([owner; 32])
}

/// An object under the key of its owner, if it has one.
async fn put(desk: &Desk, name: &str, bytes: &[u8], owner: Option<u8>) {
    let put = PutObject {
        customer_key: owner.map(key),
        ..PutObject::default()
    };
    desk.put_with("b", name, bytes, put).await;
}

/// What the owner of a key reads of the copy, or why not.
async fn read(desk: &Desk, owner: Option<u8>) -> Result<Vec<u8>, String> {
    let options = ReadObject {
        customer_key: owner.map(key),
        ..ReadObject::default()
    };
    let (world, path) = (&desk.world, desk.world.object("c", "copy"));
    let read = world.engine.read_object(&world.admin, &path, options).await;
    match read {
        Ok(read) => Ok(read_all(read.body).await.unwrap()),
        Err(_) => Err(outcome(&read)),
    }
}

fn with_keys(desk: &Desk, source: Option<u8>, destination: Option<u8>) -> CopyObject {
    CopyObject {
        keys: CopyKeys {
            source: source.map(key),
            destination: destination.map(key),
        },
        ..desk.plain()
    }
}

/// The service as it is after a start with these keys of its own, the first for what is new.
async fn start_with(desk: &mut Desk, server_keys: &[u8]) {
    let lines: Vec<String> = server_keys
        .iter()
        .map(|key| format!("{key:02x}").repeat(32))
        .collect();
    let world = &mut desk.world;
    let settings = Settings {
        region: world.engine.region().to_owned(),
        inline_bytes_max: INLINE_BYTES_MAX,
        server_keys: ServerKeys::parse(&lines.join("\n")).ok(),
        ..Settings::default()
    };
    let backends = Backends {
        kv: Arc::new(FaultyStore::new(
            Arc::clone(&world.kv),
            world.kv_faults.clone(),
        )),
        blobs: Arc::clone(&world.blobs) as Arc<dyn parbuckle_blob::Store>,
    };
    let environment = Arc::clone(&world.environment);
    world.engine = Engine::open(backends, environment, settings).await.unwrap();
}

#[tokio::test]
async fn a_copy_is_read_with_the_key_that_was_given_for_it() {
    for server_keys in [&[][..], &[7]] {
        for (source, destination) in [
            (Some(1), Some(2)),
            (Some(1), Some(1)),
            (Some(1), None),
            (None, Some(2)),
        ] {
            for size in SIZES {
                let mut desk = Desk::new().await;
                start_with(&mut desk, server_keys).await;
                let bytes = content(size, 1);
                put(&desk, "o", &bytes, source).await;
                let copy = with_keys(&desk, source, destination);
                let done = desk.copy("o", copy).await;
                let label = format!("{server_keys:?} {source:?} {destination:?} {size}");
                assert_eq!(done.status, WorkStatus::Completed, "{label}");
                assert!(read(&desk, destination).await == Ok(bytes), "{label}");
                let refused = Err("CustomerKeyRefused".to_owned());
                assert_eq!(read(&desk, Some(9)).await, refused, "{label}");
            }
        }
    }
}

#[tokio::test]
async fn a_multipart_object_is_copied_under_another_key() {
    let shelf = Shelf::new(Versioning::Disabled).await;
    let parts = [content(100_000, 1), content(70, 2)];
    shelf.put_parts("o", &[&parts[0], &parts[1]]).await;
    let desk = Desk::over(shelf).await;
    let copy = with_keys(&desk, None, Some(2));
    let done = desk.copy("o", copy).await;
    assert_eq!(done.status, WorkStatus::Completed);
    assert!(read(&desk, Some(2)).await == Ok(parts.concat()));
    assert_eq!(
        read(&desk, None).await,
        Err("CustomerKeyRefused".to_owned())
    );
}

#[tokio::test]
async fn the_key_of_the_source_must_be_the_one_and_only_where_there_is_one() {
    let desk = Desk::new().await;
    put(&desk, "locked", b"x", Some(1)).await;
    put(&desk, "open", b"x", None).await;
    for (name, source) in [("locked", None), ("locked", Some(2)), ("open", Some(1))] {
        let asked = desk.ask(name, with_keys(&desk, source, Some(3))).await;
        assert_eq!(outcome(&asked), "CustomerKeyRefused", "{name} {source:?}");
    }
    assert_eq!(desk.list("1000").await, []);
}

#[tokio::test]
async fn a_source_that_is_deleted_is_copied_with_the_keys_that_fitted_it() {
    for (source, destination) in [
        (Some(1), Some(2)),
        (Some(1), None),
        (None, Some(2)),
        (None, None),
    ] {
        for size in SIZES {
            let desk = Desk::new().await;
            let bytes = content(size, 1);
            put(&desk, "o", &bytes, source).await;
            let asked = with_keys(&desk, source, destination);
            let id = desk.ask("o", asked).await.unwrap();
            desk.delete("b", "o").await;
            put(&desk, "o", b"another", Some(3)).await;
            desk.world.engine.work_once().await.unwrap();
            let label = format!("{source:?} {destination:?} {size}");
            let status = desk.work(&id).await.status;
            assert_eq!(status, WorkStatus::Completed, "{label}");
            assert!(read(&desk, destination).await == Ok(bytes), "{label}");
        }
    }
}

/// The request is held at each of its reads in turn.
#[tokio::test(start_paused = true)]
async fn a_source_that_changes_after_the_keys_were_tried_on_it_is_refused() {
    let mut refused = 0;
    for nth in 1..14 {
        let desk = Desk::new().await;
        put(&desk, "o", b"x", Some(1)).await;
        let hold = ReadFault::Delay(Duration::from_secs(10));
        desk.world.kv_faults.on_read(nth, hold);
        let change = async {
            tokio::time::sleep(Duration::from_secs(5)).await;
            put(&desk, "o", b"y", Some(1)).await;
        };
        let asked = with_keys(&desk, Some(1), Some(2));
        let (asked, ()) = tokio::join!(desk.ask("o", asked), change);
        desk.world.engine.work_once().await.unwrap();
        match outcome(&asked).as_str() {
            "ok" => {
                let copied = read(&desk, Some(2)).await.unwrap();
                assert!(copied == b"x" || copied == b"y", "{nth}");
            }
            "ConcurrentUpdate" => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!(refused > 0);
}

#[tokio::test]
async fn a_copy_is_under_the_servers_newest_key_when_the_source_was_kept_under_an_older_one() {
    for size in SIZES {
        let mut desk = Desk::new().await;
        start_with(&mut desk, &[7]).await;
        let bytes = content(size, 1);
        put(&desk, "o", &bytes, None).await;
        let id = desk.ask("o", desk.plain()).await.unwrap();
        desk.delete("b", "o").await;
        start_with(&mut desk, &[8, 7]).await;
        desk.world.engine.work_once().await.unwrap();
        assert_eq!(desk.work(&id).await.status, WorkStatus::Completed);
        start_with(&mut desk, &[8]).await;
        assert!(read(&desk, None).await == Ok(bytes), "{size}");
    }
}

/// It would be lost for ever, and a key can be found again.
#[tokio::test]
async fn a_copy_is_made_although_the_servers_key_is_missing_for_now() {
    let mut desk = Desk::new().await;
    start_with(&mut desk, &[7]).await;
    put(&desk, "o", b"x", None).await;
    let id = desk.ask("o", desk.plain()).await.unwrap();
    desk.delete("b", "o").await;
    start_with(&mut desk, &[8]).await;
    desk.world.engine.work_once().await.unwrap();
    assert_eq!(desk.work(&id).await.status, WorkStatus::Completed);
    assert_eq!(read(&desk, None).await, Err("Internal".to_owned()));
    start_with(&mut desk, &[8, 7]).await;
    assert_eq!(read(&desk, None).await, Ok(b"x".to_vec()));
}

/// There is no wrapped key that could wait with the work request, and the customer's is not kept.
#[tokio::test]
async fn a_copy_that_needs_a_held_key_fails_after_a_restart() {
    let mut desk = Desk::new().await;
    put(&desk, "o", b"x", None).await;
    let asked = with_keys(&desk, None, Some(2));
    let id = desk.ask("o", asked).await.unwrap();
    start_with(&mut desk, &[]).await;
    desk.world.engine.work_once().await.unwrap();
    assert_eq!(desk.failures(&id).await, [WorkFailure::CustomerKeyRefused]);
}

#[tokio::test]
async fn a_copy_under_a_wrapped_key_survives_a_restart() {
    let mut desk = Desk::new().await;
    let bytes = content(1000, 1);
    put(&desk, "o", &bytes, Some(1)).await;
    let asked = with_keys(&desk, Some(1), Some(2));
    let id = desk.ask("o", asked).await.unwrap();
    start_with(&mut desk, &[]).await;
    desk.world.engine.work_once().await.unwrap();
    assert_eq!(desk.work(&id).await.status, WorkStatus::Completed);
    assert_eq!(read(&desk, Some(2)).await, Ok(bytes));
}

#[tokio::test]
async fn no_key_of_a_customers_is_stored_with_the_work() {
    let desk = Desk::new().await;
    put(&desk, "locked", b"x", Some(0xa1)).await;
    put(&desk, "open", b"x", None).await;
    for (name, source) in [("locked", Some(0xa1)), ("open", None)] {
        let asked = with_keys(&desk, source, Some(0xa2));
        desk.ask(name, asked).await.unwrap();
    }
    for entry in all_keys(&desk.world).await {
        for owner in [0xa1, 0xa2] {
            let found = entry.value.windows(32).any(|bytes| bytes == [owner; 32]);
            assert!(!found, "{:?}", entry.key);
        }
    }
}

#[tokio::test]
async fn a_copy_is_encrypted_with_the_servers_key_where_there_is_one() {
    let mut desk = Desk::new().await;
    let bytes = content(1000, 1);
    put(&desk, "o", &bytes, None).await;
    start_with(&mut desk, &[7]).await;
    desk.copy("o", desk.plain()).await;
    assert_eq!(read(&desk, None).await, Ok(bytes));
    start_with(&mut desk, &[]).await;
    assert_eq!(read(&desk, None).await, Err("Internal".to_owned()));
}

#[tokio::test]
async fn a_bucket_is_encrypted_anew_whole_but_for_what_customers_keys_hold() {
    let shelf = Shelf::new(Versioning::Enabled).await;
    let bytes = content(1000, 1);
    for name in ["o", "o", "p"] {
        shelf.put(name, &bytes).await;
    }
    shelf.delete("p").await;
    let old = shelf.versions().await;
    let mut desk = Desk::over(shelf).await;
    put(&desk, "q", &bytes, Some(1)).await;
    start_with(&mut desk, &[7]).await;
    let (world, bucket) = (&desk.world, desk.world.bucket("b"));
    let id = world.engine.reencrypt_bucket(&world.admin, &bucket).await;
    let id = id.unwrap();
    world.engine.work_once().await.unwrap();
    let done = desk.work(&id).await;
    assert_eq!((done.status, done.percent), (WorkStatus::Completed, 100));
    assert_eq!(done.work, StorageWork::Reencrypt(bucket));
    let objects = old.len() - 1;
    // Without its key the server reads nothing of that; with it, all.
    for (server_keys, readable) in [(&[7][..], objects), (&[], 0)] {
        start_with(&mut desk, server_keys).await;
        let mut read = 0;
        for listed in &old {
            let options = ReadObject {
                version: Some(listed.version.version_id()),
                ..ReadObject::default()
            };
            let world = &desk.world;
            let path = world.object("b", &listed.name);
            let found = world.engine.read_object(&world.admin, &path, options).await;
            if let Ok(found) = found {
                assert!(read_all(found.body).await.unwrap() == bytes);
                read += 1;
            }
        }
        assert_eq!(read, readable, "{server_keys:?}");
    }
}

/// What is asked of a bucket before it is encrypted anew is asked of it at each commit too: here the bucket turns into the
/// destination of a replication while the first object's waits.
#[tokio::test(start_paused = true)]
async fn an_object_is_not_encrypted_anew_when_that_is_refused_by_the_time_of_its_commit() {
    let mut desk = Desk::new().await;
    let bytes = content(1000, 1);
    put(&desk, "o", &bytes, None).await;
    start_with(&mut desk, &[7]).await;
    let (world, bucket) = (&desk.world, desk.world.bucket("b"));
    let engine = &world.engine;
    let id = engine.reencrypt_bucket(&world.admin, &bucket).await;
    let id = id.unwrap();
    // The first takes the work up.
    let hold = CommitFault::Delay(Duration::from_secs(10));
    world.kv_faults.on_commit(2, hold);
    let change = async {
        tokio::time::sleep(Duration::from_secs(5)).await;
        let policy = NewReplicationPolicy {
            name: "p".to_owned(),
            destination_region: engine.region().to_owned(),
            destination_bucket: BucketName::parse("b").unwrap(),
        };
        let source = world.bucket("c");
        engine
            .create_replication_policy(&world.admin, &source, policy)
            .await
    };
    let (worked, changed) = tokio::join!(engine.work_once(), change);
    assert_eq!(
        (outcome(&worked), outcome(&changed)),
        ("ok".to_owned(), "ok".to_owned())
    );
    assert_eq!(desk.failures(&id).await, [WorkFailure::BucketReadOnly]);
    start_with(&mut desk, &[]).await;
    assert!(desk.read("b", "o").await.unwrap().1 == bytes);
}
