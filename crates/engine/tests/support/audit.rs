//! The whole state of a service as its administrator sees it, and the check that the stores hold that and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use parbuckle_blob::Store as _;
use parbuckle_engine::{
    Bucket, BucketFields, ObjectInfo, ObjectMd5, ObjectVersion, Par, PartInfo, ReadObject,
    RetentionRule, Upload,
};
use parbuckle_kv::{Entry, Scan};
use parbuckle_model::{PageLimit, Preconditions, VersionId};

use super::body::read_all;
use super::listing::{everything, walk_pages, walk_versions};
use super::world::{INLINE_BYTES_MAX, World};

/// Longer than replaced blobs wait for their readers.
pub(crate) const TRASH_DELAY: Duration = Duration::from_secs(6 * 60);

/// Everything that can be seen.
pub(crate) type State = BTreeMap<String, BucketState>;

/// A bucket and all in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BucketState {
    pub(crate) bucket: Bucket,
    pub(crate) objects: BTreeMap<String, (ObjectInfo, Vec<u8>)>,
    /// Versions that are not current, by name and then youngest first; a delete marker has no bytes.
    pub(crate) old_versions: Vec<(String, ObjectVersion, Vec<u8>)>,
    pub(crate) uploads: Vec<(Upload, Vec<PartInfo>)>,
    pub(crate) pars: Vec<Par>,
    pub(crate) rules: Vec<RetentionRule>,
}

/// Reads everything, and checks that the parts of the answer agree: listing, metadata, bytes, digests and counters.
pub(crate) async fn observe(world: &World) -> State {
    let (engine, admin) = (&world.engine, &world.admin);
    let limit = PageLimit::default();
    let buckets = walk_pages(limit, async |page| {
        let (namespace, compartment) = (&world.namespace, &world.compartment);
        engine
            .buckets(admin, namespace, compartment, page, limit)
            .await
    });
    let mut state = State::new();
    for bucket in buckets.await.unwrap() {
        let name = bucket.name.as_str().to_owned();
        let seen = observe_bucket(world, &name).await;
        state.insert(name, seen);
    }
    state
}

async fn observe_bucket(world: &World, name: &str) -> BucketState {
    let (engine, admin) = (&world.engine, &world.admin);
    let (path, limit) = (world.bucket(name), PageLimit::default());
    let fields = BucketFields {
        count: true,
        size: true,
    };
    let bucket = engine
        .bucket(admin, &path, fields, &Preconditions::default())
        .await
        .unwrap();
    let listing = engine.list_objects(admin, &path, &everything()).await;
    let listing = listing.unwrap();
    assert_eq!(listing.next_start_with, None, "too many objects to observe");
    let mut objects = BTreeMap::new();
    for listed in listing.objects {
        let bytes = observe_object(world, name, &listed.name, &listed.info, None).await;
        objects.insert(listed.name, (listed.info, bytes));
    }
    let old_versions = observe_old_versions(world, name, &objects).await;
    let old = old_versions.iter().filter_map(|(_, v, bytes)| match v {
        ObjectVersion::Object(_) => Some(bytes.len()),
        ObjectVersion::DeleteMarker { .. } => None,
    });
    let current = objects.values().map(|(_, bytes)| bytes.len());
    let sizes: Vec<usize> = current.chain(old).collect();
    assert_eq!(bucket.approximate_count, Some(sizes.len() as u64));
    let bytes: usize = sizes.iter().sum();
    assert_eq!(bucket.approximate_size, Some(bytes as u64));
    let mut uploads = Vec::new();
    let found = walk_pages(limit, async |page| {
        engine.uploads(admin, &path, page, limit).await
    });
    for upload in found.await.unwrap() {
        let upload_path = world.upload(name, upload.object.as_str(), upload.id);
        let parts = walk_pages(limit, async |page| {
            engine.parts(admin, &upload_path, page, limit).await
        });
        uploads.push((upload, parts.await.unwrap()));
    }
    let pars = walk_pages(limit, async |page| {
        engine.pars(admin, &path, None, page, limit).await
    });
    BucketState {
        bucket,
        objects,
        old_versions,
        uploads,
        pars: pars.await.unwrap(),
        rules: engine.retention_rules(admin, &path).await.unwrap(),
    }
}

/// Every version but the current ones, which stand first among those of their names.
async fn observe_old_versions(
    world: &World,
    bucket: &str,
    objects: &BTreeMap<String, (ObjectInfo, Vec<u8>)>,
) -> Vec<(String, ObjectVersion, Vec<u8>)> {
    let path = world.bucket(bucket);
    let rows = walk_versions(&world.engine, &world.admin, &path, &everything()).await;
    let (mut old, mut current) = (Vec::new(), BTreeMap::new());
    let mut last = String::new();
    for (name, version) in rows.unwrap() {
        let version = version.unwrap();
        let first = std::mem::replace(&mut last, name.clone()) != name;
        match version {
            ObjectVersion::Object(info) if first => {
                current.insert(name, info);
            }
            ObjectVersion::Object(info) => {
                let id = Some(info.version_id);
                let bytes = observe_object(world, bucket, &name, &info, id).await;
                old.push((name, ObjectVersion::Object(info), bytes));
            }
            marker @ ObjectVersion::DeleteMarker { .. } => old.push((name, marker, Vec::new())),
        }
    }
    let seen = objects.iter().map(|(name, (info, _))| (name, info));
    assert!(seen.eq(&current), "{objects:?} {current:?}");
    old
}

async fn observe_object(
    world: &World,
    bucket: &str,
    name: &str,
    info: &ObjectInfo,
    version: Option<VersionId>,
) -> Vec<u8> {
    let path = world.object(bucket, name);
    let options = ReadObject {
        version,
        ..ReadObject::default()
    };
    let read = world.engine.read_object(&world.admin, &path, options).await;
    let read = read.unwrap();
    assert_eq!(read.info, *info, "{name}");
    let bytes = read_all(read.body).await.unwrap();
    assert_eq!(bytes.len() as u64, info.size, "{name}");
    if let ObjectMd5::Whole(md5) = info.md5 {
        assert_eq!(fast_md5::digest(&bytes), md5, "{name}");
    }
    bytes
}

/// Lets the collector do all it can, and checks that the state is as before and that the stores hold nothing beyond it:
/// no blob too many or too few, no key that belongs to nothing.
pub(crate) async fn audit(world: &World) -> State {
    let state = observe(world).await;
    collect(world).await;
    assert_eq!(observe(world).await, state, "the collector took too much");
    let mut found = census(&all_keys(world).await);
    // The number of identity and counter records says nothing here, nor does that of work requests that have ended.
    found
        .retain(|kind, _| !["00 n", "00 o", "T", "E", "I", "C", "c", "K"].contains(&kind.as_str()));
    let mut expected = expected_census(&state);
    // Secrets of uploads can't be told from outside: there is at most one an upload.
    let secrets = found.get("00 u").copied().unwrap_or(0);
    let uploads = expected.get("U").copied().unwrap_or(0);
    assert!(secrets <= uploads, "{secrets} secrets, {uploads} uploads");
    expected.insert("00 u".to_owned(), secrets);
    expected.retain(|_, count| *count != 0);
    assert_eq!(found, expected, "keys by kind");
    let blobs = world.blobs.list(None, usize::MAX).await.unwrap();
    let owned = expected.get("00 b").copied().unwrap_or(0);
    assert_eq!(blobs.len(), owned, "blobs");
    state
}

/// Moves the clock past every delay, empties the trash and sweeps.
pub(crate) async fn collect(world: &World) {
    world.environment.advance(TRASH_DELAY);
    world.engine.empty_trash().await.unwrap();
    world.engine.sweep_orphans(Duration::ZERO).await.unwrap();
}

type Census = BTreeMap<String, usize>;

/// All keys of the store, whatever they are for.
pub(crate) async fn all_keys(world: &World) -> Vec<Entry> {
    let scan = Scan {
        start: Vec::new(),
        end: vec![0xff],
        limit: usize::MAX,
        reverse: false,
    };
    let reader = world.kv.snapshot().await.unwrap();
    reader.scan(&scan).await.unwrap()
}

/// How many keys of each kind there are (see the layout in the engine's `keys` module).
pub(crate) fn census(entries: &[Entry]) -> Census {
    let mut counts = Census::new();
    for entry in entries {
        let key = &entry.key[..];
        let kind = match key.split_first() {
            Some((0, rest)) => format!("00 {}", char::from(rest[0])),
            _ => {
                let end = key.iter().position(|byte| *byte == 0).unwrap();
                char::from(key[end + 1]).to_string()
            }
        };
        *counts.entry(kind).or_default() += 1;
    }
    counts
}

fn expected_census(state: &State) -> Census {
    let mut counts = Census::new();
    let mut add = |kind: &str, number: usize| *counts.entry(kind.to_owned()).or_default() += number;
    for bucket in state.values() {
        add("B", 1);
        add("L", 1);
        add("O", bucket.objects.len());
        for (info, bytes) in bucket.objects.values() {
            add_content(&mut add, info, bytes, "D");
        }
        add("V", bucket.old_versions.len());
        for (_, version, bytes) in &bucket.old_versions {
            if let ObjectVersion::Object(info) = version {
                add_content(&mut add, info, bytes, "W");
            }
        }
        add("U", bucket.uploads.len());
        for (_, parts) in &bucket.uploads {
            add("R", parts.len());
            add("00 b", parts.len());
        }
        add("P", bucket.pars.len());
        add("00 p", bucket.pars.len());
        add("Y", bucket.rules.len());
    }
    counts
}

/// What holds the bytes of an object; `inline` if they are few.
fn add_content(
    add: &mut impl FnMut(&str, usize),
    info: &ObjectInfo,
    bytes: &[u8],
    inline: &'static str,
) {
    match info.md5 {
        ObjectMd5::Whole(_) if bytes.len() <= INLINE_BYTES_MAX => add(inline, 1),
        ObjectMd5::Whole(_) => add("00 b", 1),
        ObjectMd5::Multipart { parts, .. } => {
            add("M", 1);
            add("00 b", usize::from(parts));
        }
    }
}
