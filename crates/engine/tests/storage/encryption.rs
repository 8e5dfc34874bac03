//! Encryption with keys of the customer's and of the server's: who reads what, and what the stores hold.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use parbuckle_blob::Store as _;
use parbuckle_engine::{
    Backends, BucketChange, CustomerKey, Engine, NewRetentionRule, NewUpload, ObjectInfo,
    ObjectPath, PartSelection, PutObject, ReadObject, Reencryption, ServerKeys, Settings,
    UploadPart, UploadPath,
};
use parbuckle_kv::CommitFault;
use parbuckle_model::{PageLimit, Preconditions, RangeRequest, VersionId, Versioning};

use super::support::audit::TRASH_DELAY;
use super::support::body::{body, content, read_all};
use super::support::world::{INLINE_BYTES_MAX, Stores, World};
use super::support::{new_bucket, outcome, part};

/// Sizes of objects that live beside their record, in one chunk, and in several.
const SIZES: [usize; 5] = [0, INLINE_BYTES_MAX, 1_000, 65_536, 200_000];

const ANN: u8 = 1;
const BEN: u8 = 2;

fn key(owner: u8) -> CustomerKey {
    CustomerKey::new([owner; 32])
}

/// A service with the bucket `b`, perhaps with keys of its own.
struct Vault {
    world: World,
    engine: Arc<Engine>,
}

impl Vault {
    async fn new(stores: Stores, server_keys: &[u8]) -> Self {
        let world = World::new(stores, 1).await;
        let new = new_bucket(&world, "b");
        let made = world
            .engine
            .create_bucket(&world.admin, &world.namespace, new);
        made.await.unwrap();
        let engine = Arc::clone(&world.engine);
        let mut vault = Self { world, engine };
        if !server_keys.is_empty() {
            vault.start_with(server_keys).await;
        }
        vault
    }

    /// The service as it is after a start with these keys, the first for what is new.
    async fn start_with(&mut self, server_keys: &[u8]) {
        let lines: Vec<String> = server_keys
            .iter()
            .map(|key| format!("{key:02x}").repeat(32))
            .collect();
        let settings = Settings {
            region: self.engine.region().to_owned(),
            inline_bytes_max: INLINE_BYTES_MAX,
            server_keys: ServerKeys::parse(&lines.join("\n")).ok(),
            ..Settings::default()
        };
        let backends = Backends {
            kv: Arc::clone(&self.world.kv),
            blobs: Arc::clone(&self.world.blobs) as Arc<dyn parbuckle_blob::Store>,
        };
        let environment = Arc::clone(&self.world.environment);
        self.engine = Engine::open(backends, environment, settings).await.unwrap();
    }

    fn path(&self, name: &str) -> ObjectPath {
        self.world.object("b", name)
    }

    async fn put(&self, name: &str, bytes: &[u8], owner: Option<u8>) -> ObjectInfo {
        let put = PutObject {
            customer_key: owner.map(key),
            ..PutObject::default()
        };
        let (path, admin) = (self.path(name), &self.world.admin);
        let stored = self.engine.put_object(admin, &path, put, body(bytes, 3));
        stored.await.unwrap()
    }

    /// What the owner of a key reads, or why not.
    async fn read(&self, name: &str, owner: Option<u8>) -> Result<Vec<u8>, String> {
        self.read_with(name, owner, ReadObject::default()).await
    }

    async fn read_range(&self, name: &str, owner: u8, range: &Range<usize>) -> Vec<u8> {
        let text = format!("bytes={}-{}", range.start, range.end - 1);
        let options = ReadObject {
            range: RangeRequest::parse(&text),
            ..ReadObject::default()
        };
        self.read_with(name, Some(owner), options).await.unwrap()
    }

    async fn read_with(
        &self,
        name: &str,
        owner: Option<u8>,
        options: ReadObject,
    ) -> Result<Vec<u8>, String> {
        let options = ReadObject {
            customer_key: owner.map(key),
            ..options
        };
        let (path, admin) = (self.path(name), &self.world.admin);
        let read = self.engine.read_object(admin, &path, options).await;
        match read {
            Ok(read) => Ok(read_all(read.body)
                .await
                .map_err(|(_, error)| error)
                .unwrap()),
            Err(_) => Err(outcome(&read)),
        }
    }

    async fn head(&self, name: &str, owner: Option<u8>) -> Result<ObjectInfo, String> {
        let (path, none, key) = (self.path(name), Preconditions::default(), owner.map(key));
        let admin = &self.world.admin;
        let head = self
            .engine
            .head_object(admin, &path, &none, None, key.as_ref())
            .await;
        head.map_err(|error| super::support::kind_of(&error))
    }

    async fn start_upload(&self, name: &str, owner: Option<u8>) -> UploadPath {
        let new = NewUpload {
            customer_key: owner.map(key),
            ..NewUpload::default()
        };
        let object = self.path(name);
        let started = self.engine.create_upload(&self.world.admin, &object, new);
        let upload = started.await.unwrap().upload.id;
        UploadPath { object, upload }
    }

    async fn put_part(
        &self,
        upload: &UploadPath,
        n: u16,
        bytes: &[u8],
        owner: Option<u8>,
    ) -> String {
        let how = UploadPart {
            customer_key: owner.map(key),
            ..UploadPart::default()
        };
        let (none, admin) = (Preconditions::default(), &self.world.admin);
        let stored = self
            .engine
            .upload_part(admin, upload, part(n), &none, how, body(bytes, 5));
        outcome(&stored.await)
    }

    async fn commit(&self, upload: &UploadPath) -> ObjectInfo {
        let (none, admin) = (Preconditions::default(), &self.world.admin);
        let committed = self
            .engine
            .commit_upload(admin, upload, PartSelection::All, &none);
        committed.await.unwrap()
    }

    async fn reencrypt(&self, name: &str, from: Option<u8>, to: Option<u8>) -> String {
        let how = Reencryption {
            version: None,
            source: from.map(key),
            destination: to.map(key),
        };
        let (path, admin) = (self.path(name), &self.world.admin);
        outcome(&self.engine.reencrypt_object(admin, &path, how).await)
    }

    /// The blobs there are, after the collector has removed those that nothing names.
    async fn blobs(&self) -> Vec<parbuckle_blob::BlobId> {
        self.world.environment.advance(TRASH_DELAY);
        self.engine.empty_trash().await.unwrap();
        let listed = self.world.blobs.list(None, 100).await.unwrap();
        listed.iter().map(|blob| blob.id).collect()
    }
}

#[tokio::test]
async fn an_object_is_read_with_the_key_it_was_put_with_and_looks_as_it_would_without() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    for size in SIZES {
        let bytes = content(size, size as u64);
        let put = vault.put("o", &bytes, Some(ANN)).await;
        assert_eq!(vault.read("o", Some(ANN)).await.unwrap(), bytes, "{size}");
        let head = vault.head("o", Some(ANN)).await.unwrap();
        assert_eq!(head, put);
        assert!(head.customer_key && head.size == size as u64);
        let plain = vault.put("plain", &bytes, None).await;
        assert_eq!((head.md5, plain.customer_key), (plain.md5, false));
    }
}

#[tokio::test]
async fn any_range_of_an_encrypted_object_is_what_it_is_of_its_bytes() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    for size in [INLINE_BYTES_MAX, 200_000] {
        let bytes = content(size, 1);
        vault.put("o", &bytes, Some(ANN)).await;
        let ends = [0, 1, 40, 65_535, 65_536, 65_537, 131_072, 199_999];
        for start in ends.into_iter().filter(|start| *start < size) {
            for end in ends
                .into_iter()
                .map(|end| end + 1)
                .filter(|end| *end > start)
            {
                let range = start..end.min(size);
                let got = vault.read_range("o", ANN, &range).await;
                assert_eq!(got, bytes[range.clone()], "{range:?}");
            }
        }
    }
}

#[tokio::test]
async fn another_key_and_no_key_read_nothing() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    for size in SIZES {
        vault.put("o", &content(size, 1), Some(ANN)).await;
        for owner in [None, Some(BEN)] {
            assert_eq!(
                vault.read("o", owner).await.unwrap_err(),
                "CustomerKeyRefused"
            );
            assert_eq!(
                vault.head("o", owner).await.unwrap_err(),
                "CustomerKeyRefused"
            );
        }
    }
}

#[tokio::test]
async fn a_key_for_what_no_customers_key_encrypts_is_refused() {
    for server_keys in [&[][..], &[9]] {
        let vault = Vault::new(Stores::Memory, server_keys).await;
        vault.put("o", b"bytes", None).await;
        assert_eq!(
            vault.read("o", Some(ANN)).await.unwrap_err(),
            "CustomerKeyRefused"
        );
        assert_eq!(
            vault.head("o", Some(ANN)).await.unwrap_err(),
            "CustomerKeyRefused"
        );
        let upload = vault.start_upload("u", None).await;
        assert_eq!(
            vault.put_part(&upload, 1, b"x", Some(ANN)).await,
            "CustomerKeyRefused"
        );
    }
}

#[tokio::test]
async fn a_multipart_object_is_read_with_the_key_of_its_upload() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    let parts = [
        content(100_000, 1),
        Vec::new(),
        content(65_536, 2),
        content(7, 3),
    ];
    let upload = vault.start_upload("o", Some(ANN)).await;
    for (number, bytes) in (1..).zip(&parts) {
        assert_eq!(
            vault.put_part(&upload, number, b"earlier", Some(ANN)).await,
            "ok"
        );
        assert_eq!(
            vault.put_part(&upload, number, bytes, Some(ANN)).await,
            "ok"
        );
    }
    let info = vault.commit(&upload).await;
    let whole = parts.concat();
    assert_eq!((info.size, info.customer_key), (whole.len() as u64, true));
    assert_eq!(vault.read("o", Some(ANN)).await.unwrap(), whole);
    for range in [
        0..1,
        99_999..100_001,
        65_535..165_540,
        whole.len() - 8..whole.len(),
    ] {
        let got = vault.read_range("o", ANN, &range).await;
        assert_eq!(got, whole[range.clone()], "{range:?}");
    }
    assert_eq!(
        vault.read("o", Some(BEN)).await.unwrap_err(),
        "CustomerKeyRefused"
    );
}

#[tokio::test]
async fn a_part_needs_the_key_of_its_upload() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    let upload = vault.start_upload("o", Some(ANN)).await;
    assert_eq!(
        vault.put_part(&upload, 1, b"x", None).await,
        "CustomerKeyRefused"
    );
    assert_eq!(
        vault.put_part(&upload, 1, b"x", Some(BEN)).await,
        "CustomerKeyRefused"
    );
}

#[tokio::test]
async fn the_listed_size_of_an_encrypted_part_is_that_of_its_bytes() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    let upload = vault.start_upload("o", Some(ANN)).await;
    assert_eq!(
        vault
            .put_part(&upload, 1, &content(65_537, 1), Some(ANN))
            .await,
        "ok"
    );
    let admin = &vault.world.admin;
    let parts = vault
        .engine
        .parts(admin, &upload, None, PageLimit::default())
        .await;
    assert_eq!(parts.unwrap().items[0].size, 65_537);
}

#[tokio::test]
async fn an_old_version_keeps_its_key() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    let change = BucketChange {
        versioning: Some(Versioning::Enabled),
        ..BucketChange::default()
    };
    let (bucket, none) = (vault.world.bucket("b"), Preconditions::default());
    let changed = vault
        .engine
        .update_bucket(&vault.world.admin, &bucket, change, &none);
    changed.await.unwrap();
    let old = vault.put("o", b"old", Some(ANN)).await;
    vault.put("o", b"new", Some(BEN)).await;
    let of = |version: VersionId| ReadObject {
        version: Some(version),
        ..ReadObject::default()
    };
    let version = old.version_id;
    assert_eq!(
        vault.read_with("o", Some(ANN), of(version)).await.unwrap(),
        b"old"
    );
    let refused = vault.read_with("o", Some(BEN), of(version)).await;
    assert_eq!(refused.unwrap_err(), "CustomerKeyRefused");
    assert_eq!(vault.read("o", Some(BEN)).await.unwrap(), b"new");
}

#[tokio::test]
async fn another_key_of_the_customers_changes_nothing_but_who_reads() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    for size in SIZES {
        let bytes = content(size, 1);
        let before = vault.put("o", &bytes, Some(ANN)).await;
        let blobs = vault.blobs().await;
        assert_eq!(vault.reencrypt("o", Some(ANN), Some(BEN)).await, "ok");
        assert_eq!(vault.read("o", Some(BEN)).await.unwrap(), bytes);
        assert_eq!(
            vault.read("o", Some(ANN)).await.unwrap_err(),
            "CustomerKeyRefused"
        );
        assert_eq!(vault.head("o", Some(BEN)).await.unwrap(), before);
        assert_eq!(vault.blobs().await, blobs, "the bytes stay where they are");
    }
}

#[tokio::test]
async fn encrypting_anew_needs_the_key_that_it_is_encrypted_with() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    vault.put("o", b"bytes", Some(ANN)).await;
    vault.put("plain", b"bytes", None).await;
    assert_eq!(
        vault.reencrypt("o", None, Some(BEN)).await,
        "CustomerKeyRefused"
    );
    assert_eq!(
        vault.reencrypt("o", Some(BEN), Some(BEN)).await,
        "CustomerKeyRefused"
    );
    assert_eq!(
        vault.reencrypt("plain", Some(ANN), Some(BEN)).await,
        "CustomerKeyRefused"
    );
    assert_eq!(
        vault.reencrypt("missing", None, Some(BEN)).await,
        "ObjectNotFound"
    );
}

#[tokio::test]
async fn an_object_is_encrypted_anew_once_though_the_outcome_is_unknown() {
    for fault in [CommitFault::UnknownApplied, CommitFault::UnknownNotApplied] {
        for from in [None, Some(BEN)] {
            let vault = Vault::new(Stores::Memory, &[]).await;
            let bytes = content(1_000, 1);
            vault.put("o", &bytes, from).await;
            vault.world.kv_faults.on_commit(1, fault);
            assert_eq!(vault.reencrypt("o", from, Some(ANN)).await, "ok");
            assert_eq!(vault.read("o", Some(ANN)).await.unwrap(), bytes);
            assert_eq!(vault.blobs().await.len(), 1);
        }
    }
}

#[tokio::test]
async fn a_retention_rule_does_not_stand_in_the_way_of_another_key() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    vault.put("o", b"bytes", None).await;
    let (bucket, admin) = (vault.world.bucket("b"), &vault.world.admin);
    let for_ever = NewRetentionRule {
        display_name: None,
        duration: None,
        time_locked: None,
    };
    let made = vault.engine.create_retention_rule(admin, &bucket, for_ever);
    made.await.unwrap();
    assert_eq!(vault.reencrypt("o", None, Some(ANN)).await, "ok");
    assert_eq!(vault.reencrypt("o", Some(ANN), Some(BEN)).await, "ok");
    assert_eq!(vault.read("o", Some(BEN)).await.unwrap(), b"bytes");
}

#[tokio::test]
async fn what_was_not_encrypted_can_become_so_and_back() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    for size in SIZES {
        let bytes = content(size, 1);
        let before = vault.put("o", &bytes, None).await;
        let blobs = vault.blobs().await;
        assert_eq!(vault.reencrypt("o", None, Some(ANN)).await, "ok");
        assert_eq!(
            vault.read("o", None).await.unwrap_err(),
            "CustomerKeyRefused"
        );
        assert_eq!(vault.read("o", Some(ANN)).await.unwrap(), bytes);
        let now = vault.blobs().await;
        assert_eq!(now.len(), blobs.len(), "the old bytes are gone");
        assert!(now.iter().all(|blob| !blobs.contains(blob)));
        assert_eq!(vault.reencrypt("o", Some(ANN), None).await, "ok");
        assert_eq!(vault.read("o", None).await.unwrap(), bytes);
        assert_eq!(vault.head("o", None).await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_multipart_object_is_encrypted_anew_part_by_part() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    let parts = [content(70_000, 1), content(3, 2)];
    let upload = vault.start_upload("o", None).await;
    for (number, bytes) in (1..).zip(&parts) {
        assert_eq!(vault.put_part(&upload, number, bytes, None).await, "ok");
    }
    let before = vault.commit(&upload).await;
    assert_eq!(vault.reencrypt("o", None, Some(ANN)).await, "ok");
    assert_eq!(vault.read("o", Some(ANN)).await.unwrap(), parts.concat());
    let after = vault.head("o", Some(ANN)).await.unwrap();
    assert_eq!((after.md5, after.etag), (before.md5, before.etag));
    assert_eq!(vault.blobs().await.len(), 2);
    assert_eq!(vault.reencrypt("o", Some(ANN), None).await, "ok");
    assert_eq!(vault.read("o", None).await.unwrap(), parts.concat());
}

#[tokio::test]
async fn with_a_key_of_the_server_all_is_read_as_without() {
    let vault = Vault::new(Stores::Memory, &[9]).await;
    for size in SIZES {
        let bytes = content(size, 1);
        let put = vault.put("o", &bytes, None).await;
        assert_eq!(vault.read("o", None).await.unwrap(), bytes);
        assert!(!put.customer_key);
    }
    let upload = vault.start_upload("u", None).await;
    assert_eq!(
        vault.put_part(&upload, 1, &content(70_000, 2), None).await,
        "ok"
    );
    vault.commit(&upload).await;
    assert_eq!(vault.read("u", None).await.unwrap(), content(70_000, 2));
}

#[tokio::test]
async fn a_new_key_of_the_server_reads_what_earlier_ones_encrypted_as_long_as_they_are_there() {
    let mut vault = Vault::new(Stores::Memory, &[8]).await;
    vault.put("o", b"bytes", None).await;
    vault.start_with(&[9, 8]).await;
    assert_eq!(vault.read("o", None).await.unwrap(), b"bytes");
    vault.start_with(&[9]).await;
    assert_eq!(vault.read("o", None).await.unwrap_err(), "Internal");
    vault.start_with(&[9, 8]).await;
    assert_eq!(vault.reencrypt("o", None, None).await, "ok");
    vault.start_with(&[9]).await;
    assert_eq!(vault.read("o", None).await.unwrap(), b"bytes");
}

#[tokio::test]
async fn a_start_without_the_servers_keys_reads_only_what_they_did_not_encrypt() {
    let mut vault = Vault::new(Stores::Memory, &[]).await;
    vault.put("before", b"bytes", None).await;
    vault.start_with(&[9]).await;
    vault.put("with", b"bytes", None).await;
    vault.put("ann", b"bytes", Some(ANN)).await;
    vault.start_with(&[]).await;
    assert_eq!(vault.read("before", None).await.unwrap(), b"bytes");
    assert_eq!(vault.read("ann", Some(ANN)).await.unwrap(), b"bytes");
    assert_eq!(vault.read("with", None).await.unwrap_err(), "Internal");
    assert!(vault.head("with", None).await.is_ok());
}

#[tokio::test]
async fn the_stores_hold_neither_the_bytes_nor_the_key() {
    let marker = [0xa7u8; 40];
    let bytes = marker.repeat(3_000);
    let vault = Vault::new(Stores::Disk, &[9]).await;
    vault.put("small", &marker, Some(0x5a)).await;
    vault.put("large", &bytes, Some(0x5a)).await;
    vault.put("servers-small", &marker, None).await;
    vault.put("servers-large", &bytes, None).await;
    let upload = vault.start_upload("parts", Some(0x5a)).await;
    assert_eq!(vault.put_part(&upload, 1, &bytes, Some(0x5a)).await, "ok");
    let folder = vault.world.folder();
    for secret in [&marker[..], &[0x5a; 32], &[9; 32]] {
        assert!(!holds(folder, secret), "{secret:?}");
    }
    // What is not encrypted is found, so the search finds what there is.
    let plain = Vault::new(Stores::Disk, &[]).await;
    plain.put("small", &marker, None).await;
    assert!(holds(plain.world.folder(), &marker));
    let plain = Vault::new(Stores::Disk, &[]).await;
    plain.put("large", &bytes, None).await;
    assert!(holds(plain.world.folder(), &marker));
}

/// Whether a file in or below a folder holds these bytes.
fn holds(folder: &Path, wanted: &[u8]) -> bool {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().path()).any(|path| {
        if path.is_dir() {
            return holds(&path, wanted);
        }
        let bytes = std::fs::read(&path).unwrap();
        bytes.windows(wanted.len()).any(|window| window == wanted)
    })
}

#[tokio::test]
async fn flipped_bits_of_an_encrypted_object_never_give_wrong_bytes() {
    let vault = Vault::new(Stores::Memory, &[]).await;
    let bytes = content(150_000, 1);
    vault.put("o", &bytes, Some(ANN)).await;
    let blob = vault.blobs().await[0];
    vault.world.flip_bit(blob, 70_000);
    let options = ReadObject {
        customer_key: Some(key(ANN)),
        ..ReadObject::default()
    };
    let (path, admin) = (vault.path("o"), &vault.world.admin);
    let read = vault
        .engine
        .read_object(admin, &path, options)
        .await
        .unwrap();
    let (begun, _) = read_all(read.body).await.unwrap_err();
    assert!(bytes.starts_with(&begun) && begun.len() < bytes.len());
}
