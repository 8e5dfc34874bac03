//! Many tasks on few names of one bucket that comes and goes, with the collector at work between them.

use std::sync::Arc;
use std::time::Duration;

use parbuckle_engine::{
    Error, NewUpload, ObjectInfo, ObjectMd5, ObjectPath, PartSelection, PutObject, ReadObject,
};
use parbuckle_model::{EtagCondition, PartNumber, Preconditions};
use tokio::sync::RwLock;

use super::collector::one_round;
use super::support::audit::audit;
use super::support::body::{body, content, read_all};
use super::support::environment::Random;
use super::support::world::{Stores, World};
use super::support::{kind_of, new_bucket, outcome, part};

const TASKS: u64 = 16;

const NAMES: [&str; 3] = ["a", "a/b", "é"];

/// Every part has this many bytes, so that a reader can check the MD5 of a multipart object.
const PART_BYTES: usize = 80;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contending_tasks_leave_counters_exact_and_every_blob_accounted_for() {
    contend(Stores::Memory, 120).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contending_tasks_leave_the_disk_in_order_too() {
    contend(Stores::Disk, 25).await;
}

async fn contend(stores: Stores, steps: usize) {
    let shared = Arc::new(Shared {
        world: World::new(stores, 1).await,
        clock: RwLock::new(()),
    });
    let collector = tokio::spawn(collect_all_the_time(Arc::clone(&shared)));
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let mut random = Random::new(task);
                let mut done = 0;
                for _ in 0..steps {
                    done += usize::from(shared.step(&mut random).await);
                }
                done
            })
        })
        .collect();
    let mut done = 0;
    for task in tasks {
        done += task.await.unwrap();
    }
    collector.abort();
    let _ = collector.await;
    // Were nearly all refused, the test would show nothing.
    assert!(
        done * 4 > steps * TASKS as usize,
        "only {done} calls succeeded"
    );
    audit(&shared.world).await;
}

struct Shared {
    world: World,
    /// Moves only under the write lock: no read takes minutes to begin.
    clock: RwLock<()>,
}

async fn collect_all_the_time(shared: Arc<Shared>) {
    loop {
        let clock = shared.clock.write().await;
        shared.world.environment.advance(Duration::from_secs(100));
        drop(clock);
        one_round(Arc::clone(&shared.world.engine)).await;
        tokio::task::yield_now().await;
    }
}

impl Shared {
    fn any_object(&self, random: &mut Random) -> ObjectPath {
        let name: &str = NAMES[random.below(NAMES.len())];
        self.world.object("b", name)
    }

    /// A random call. Returns whether it succeeded; a refusal must be one that contention explains.
    async fn step(&self, random: &mut Random) -> bool {
        let result = match random.below(12) {
            0 => self.create_bucket().await,
            1 => self.delete_bucket().await,
            2..=4 => self.put(random).await,
            5 => self.put_if_none(random).await,
            6 => self.delete(random).await,
            7 => self.delete_if_match(random).await,
            8..=9 => self.upload(random).await,
            _ => self.read(random).await,
        };
        let expected = [
            "BucketAlreadyExists",
            "BucketNotFound",
            "BucketNotEmpty",
            "ObjectNotFound",
            "ObjectToDeleteNotFound",
            "UploadNotFound",
            "IfMatchFailed",
            "IfNoneMatchFailed",
            "ConcurrentUpdate",
        ];
        if let Err(error) = &result {
            assert!(expected.contains(&kind_of(error).as_str()), "{error:?}");
        }
        result.is_ok()
    }

    async fn create_bucket(&self) -> Result<(), Error> {
        let (world, new) = (&self.world, new_bucket(&self.world, "b"));
        let made = world
            .engine
            .create_bucket(&world.admin, &world.namespace, new);
        made.await.map(drop)
    }

    /// Empties the bucket and deletes it, if nobody comes between.
    async fn delete_bucket(&self) -> Result<(), Error> {
        let (world, none) = (&self.world, Preconditions::default());
        for name in NAMES {
            let path = world.object("b", name);
            let deleted = world.engine.delete_object(&world.admin, &path, &none, None);
            if outcome(&deleted.await) == "BucketNotFound" {
                break;
            }
        }
        let path = world.bucket("b");
        world.engine.delete_bucket(&world.admin, &path, &none).await
    }

    async fn put(&self, random: &mut Random) -> Result<(), Error> {
        self.put_on(random, Preconditions::default()).await
    }

    async fn put_if_none(&self, random: &mut Random) -> Result<(), Error> {
        let conditions = Preconditions {
            if_match: None,
            if_none_match: Some(EtagCondition::Any),
        };
        self.put_on(random, conditions).await
    }

    async fn put_on(&self, random: &mut Random, conditions: Preconditions) -> Result<(), Error> {
        let (world, path) = (&self.world, self.any_object(random));
        let size = *random.pick(&[0, 10, 64, 65, 300, 70_000]);
        let bytes = content(size, random.next());
        let put = PutObject {
            preconditions: conditions,
            ..PutObject::default()
        };
        let body = body(&bytes, random.next());
        let stored = world.engine.put_object(&world.admin, &path, put, body);
        stored.await.map(drop)
    }

    async fn delete(&self, random: &mut Random) -> Result<(), Error> {
        let (world, path) = (&self.world, self.any_object(random));
        let none = Preconditions::default();
        let deleted = world.engine.delete_object(&world.admin, &path, &none, None);
        deleted.await.map(drop)
    }

    async fn delete_if_match(&self, random: &mut Random) -> Result<(), Error> {
        let (world, path) = (&self.world, self.any_object(random));
        let (engine, none) = (&world.engine, Preconditions::default());
        let info = engine
            .head_object(&world.admin, &path, &none, None, None)
            .await?;
        let conditions = Preconditions {
            if_match: Some(EtagCondition::OneOf(vec![info.etag])),
            if_none_match: None,
        };
        let deleted = engine.delete_object(&world.admin, &path, &conditions, None);
        assert_eq!(deleted.await?.version_id, Some(info.version_id));
        Ok(())
    }

    /// Starts an upload, uploads parts (one of them twice), and commits all or some, or aborts.
    async fn upload(&self, random: &mut Random) -> Result<(), Error> {
        let (world, name) = (&self.world, *random.pick(&NAMES));
        let (engine, admin, none) = (&world.engine, &world.admin, Preconditions::default());
        let path = world.object("b", name);
        let started = engine
            .create_upload(admin, &path, NewUpload::default())
            .await?;
        let path = world.upload("b", name, started.upload.id);
        for number in [1, 2, 3, 2] {
            let bytes = content(PART_BYTES, random.next());
            let (body, checks) = (body(&bytes, random.next()), Default::default());
            engine
                .upload_part(admin, &path, part(number), &none, checks, body)
                .await?;
        }
        let some = |numbers: &[u16]| PartSelection::Listed {
            commit: numbers.iter().map(|n| (part(*n), None)).collect(),
            exclude: Vec::<PartNumber>::new(),
        };
        let selection = match random.below(4) {
            0 => return engine.abort_upload(admin, &path).await,
            1 => some(&[3, 1]),
            _ => PartSelection::All,
        };
        let committed = engine.commit_upload(admin, &path, selection, &none).await;
        if committed.is_err() {
            // A bucket with an upload in it could not go away any more.
            let ended = engine.abort_upload(admin, &path).await;
            assert!(["ok", "UploadNotFound"].contains(&outcome(&ended).as_str()));
        }
        committed.map(drop)
    }

    async fn read(&self, random: &mut Random) -> Result<(), Error> {
        let (world, path) = (&self.world, self.any_object(random));
        let clock = self.clock.read().await;
        let read = world
            .engine
            .read_object(&world.admin, &path, ReadObject::default())
            .await?;
        drop(clock);
        let bytes = read_all(read.body).await.map_err(|(_, error)| error)?;
        check_whole(&read.info, &bytes);
        Ok(())
    }
}

/// The bytes are those that were stored with this record, all of them.
fn check_whole(info: &ObjectInfo, bytes: &[u8]) {
    assert_eq!(bytes.len() as u64, info.size);
    match info.md5 {
        ObjectMd5::Whole(md5) => assert_eq!(fast_md5::digest(bytes), md5),
        ObjectMd5::Multipart { md5_of_md5s, parts } => {
            let md5s = bytes.chunks(PART_BYTES).map(fast_md5::digest);
            let md5s: Vec<u8> = md5s.flatten().collect();
            assert_eq!(md5s.len(), 16 * usize::from(parts));
            assert_eq!(fast_md5::digest(&md5s), md5_of_md5s);
        }
    }
}
