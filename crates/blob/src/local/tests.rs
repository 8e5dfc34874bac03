//! Rules of the local backend alone: damage, syncs, handles, ages.

use std::os::unix::fs::PermissionsExt;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::sync::{Condvar, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tempfile::TempDir;

use super::*;
use crate::conformance::{content, put, read_all};

const ID: BlobId = BlobId([1; 16]);
const OTHER: BlobId = BlobId([2; 16]);
const CHUNK: u64 = 64 * 1024;

fn clock() -> Clock {
    Arc::new(|| SystemTime::UNIX_EPOCH)
}

fn open() -> (Arc<LocalStore>, TempDir) {
    let folder = TempDir::new().unwrap();
    (LocalStore::open(folder.path(), clock()).unwrap(), folder)
}

async fn assert_damaged(store: &LocalStore, id: BlobId, sealed: Sealed) {
    let opened = store.open(id, sealed).await.err();
    assert!(matches!(opened, Some(Error::Damaged(_))), "{opened:?}");
}

mod damage {
    use super::*;

    #[tokio::test]
    async fn a_bad_chunk_ends_the_stream_after_the_good_ones_before_it() {
        let (store, _folder) = open();
        let bytes = content(10 * CHUNK as usize + 5, 1);
        let sealed = put(&*store, ID, &bytes).await.unwrap();
        for chunk in [0, 1, 3, 4, 6, 10] {
            tamper::flip_bit(&store, ID, chunk * CHUNK + 3).unwrap();
            for cold in [false, true] {
                if cold {
                    tamper::evict(&store, ID).unwrap();
                }
                let blob = store.open(ID, sealed).await.unwrap();
                let (read, error) = read_all(blob, 0..sealed.len).await.unwrap_err();
                assert!(matches!(error, Error::Damaged(_)), "{error:?}");
                assert!(
                    read == bytes[..(chunk * CHUNK) as usize],
                    "chunk {chunk}, cold {cold}"
                );
            }
            tamper::flip_bit(&store, ID, chunk * CHUNK + 3).unwrap();
        }
    }

    #[tokio::test]
    async fn a_range_beside_a_bad_chunk_still_reads() {
        let (store, _folder) = open();
        let bytes = content(4 * CHUNK as usize, 1);
        let sealed = put(&*store, ID, &bytes).await.unwrap();
        tamper::flip_bit(&store, ID, CHUNK).unwrap();
        let blob = store.open(ID, sealed).await.unwrap();
        let read = read_all(blob, 2 * CHUNK..sealed.len).await.unwrap();
        assert!(read == bytes[2 * CHUNK as usize..]);
    }

    #[tokio::test]
    async fn a_range_is_refused_for_a_flip_outside_it_in_its_chunk() {
        let (store, _folder) = open();
        let sealed = put(&*store, ID, &content(2 * CHUNK as usize, 1))
            .await
            .unwrap();
        tamper::flip_bit(&store, ID, CHUNK - 1).unwrap();
        let blob = store.open(ID, sealed).await.unwrap();
        let (read, error) = read_all(blob, 10..20).await.unwrap_err();
        assert!(read.is_empty() && matches!(error, Error::Damaged(_)));
    }

    #[tokio::test]
    async fn a_flip_anywhere_in_the_footer_is_caught_on_open() {
        let (store, _folder) = open();
        let sealed = put(&*store, ID, &content(3 * CHUNK as usize, 1))
            .await
            .unwrap();
        for offset in sealed.len..tamper::file_bytes(&store, ID).unwrap() {
            tamper::flip_bit(&store, ID, offset).unwrap();
            assert_damaged(&store, ID, sealed).await;
            tamper::flip_bit(&store, ID, offset).unwrap();
        }
        assert!(store.open(ID, sealed).await.is_ok());
    }

    #[tokio::test]
    async fn a_file_of_another_size_is_caught_on_open() {
        let (store, _folder) = open();
        for (id, len) in [(ID, 0), (OTHER, 3 * CHUNK as usize)] {
            let sealed = put(&*store, id, &content(len, 1)).await.unwrap();
            let size = tamper::file_bytes(&store, id).unwrap();
            for other in [size + 1, size + CHUNK, size - 1, size / 2, 0] {
                tamper::set_file_bytes(&store, id, other).unwrap();
                assert_damaged(&store, id, sealed).await;
            }
        }
    }

    #[tokio::test]
    async fn a_file_cut_while_it_is_open_ends_the_stream() {
        let (store, _folder) = open();
        let bytes = content(8 * CHUNK as usize, 1);
        let sealed = put(&*store, ID, &bytes).await.unwrap();
        let blob = store.open(ID, sealed).await.unwrap();
        tamper::set_file_bytes(&store, ID, 5 * CHUNK + 9).unwrap();
        let (read, error) = read_all(blob, 0..sealed.len).await.unwrap_err();
        assert!(matches!(error, Error::Damaged(_)), "{error:?}");
        assert!(bytes.starts_with(&read) && read.len() as u64 <= 5 * CHUNK);
    }

    #[tokio::test]
    async fn swapped_files_are_caught_on_open() {
        let (store, _folder) = open();
        let bytes = content(1000, 1);
        let one = put(&*store, ID, &bytes).await.unwrap();
        let other = put(&*store, OTHER, &bytes).await.unwrap();
        tamper::swap(&store, ID, OTHER).unwrap();
        assert_damaged(&store, ID, one).await;
        assert_damaged(&store, OTHER, other).await;
    }

    #[tokio::test]
    async fn a_stale_file_is_caught_on_open() {
        let (store, folder) = open();
        put(&*store, ID, &content(1000, 1)).await.unwrap();
        let aside = folder.path().join("aside");
        std::fs::copy(store.core.shards.path(ID), &aside).unwrap();
        store.delete(ID).await.unwrap();
        let sealed = put(&*store, ID, &content(1000, 2)).await.unwrap();
        std::fs::copy(aside, store.core.shards.path(ID)).unwrap();
        assert_damaged(&store, ID, sealed).await;
    }

    #[tokio::test]
    async fn content_of_another_blob_is_caught_on_open() {
        let (store, _folder) = open();
        let sealed = put(&*store, ID, &content(1000, 1)).await.unwrap();
        put(&*store, OTHER, &content(1000, 2)).await.unwrap();
        tamper::overwrite(&store, OTHER, ID).unwrap();
        assert_damaged(&store, ID, sealed).await;
    }
}

mod syncs {
    use super::*;

    /// Counts syncs; fails them, or holds those of folders, while told so.
    #[derive(Default)]
    struct Probe {
        files: AtomicUsize,
        folders: AtomicUsize,
        fail_files: AtomicBool,
        fail_folders: AtomicBool,
        held: Mutex<bool>,
        released: Condvar,
    }

    impl Probe {
        fn hold(&self, held: bool) {
            *self.held.lock().unwrap() = held;
            self.released.notify_all();
        }

        fn outcome(fail: &AtomicBool) -> io::Result<()> {
            match fail.load(Ordering::SeqCst) {
                true => Err(rustix::io::Errno::IO.into()),
                false => Ok(()),
            }
        }
    }

    impl Syncs for Arc<Probe> {
        fn file(&self, _: &File) -> io::Result<()> {
            self.files.fetch_add(1, Ordering::SeqCst);
            Probe::outcome(&self.fail_files)
        }

        fn folder(&self, _: &File) -> io::Result<()> {
            self.folders.fetch_add(1, Ordering::SeqCst);
            let held = self.held.lock().unwrap();
            drop(self.released.wait_while(held, |held| *held).unwrap());
            Probe::outcome(&self.fail_folders)
        }
    }

    fn open() -> (Arc<LocalStore>, Arc<Probe>, TempDir) {
        let folder = TempDir::new().unwrap();
        let probe = Arc::new(Probe::default());
        let store = LocalStore::open_with(folder.path(), clock(), Box::new(probe.clone())).unwrap();
        (store, probe, folder)
    }

    #[tokio::test]
    async fn a_seal_syncs_its_file_and_its_folder_once() {
        let (store, probe, _folder) = open();
        put(&*store, ID, &content(3 * CHUNK as usize, 1))
            .await
            .unwrap();
        assert_eq!(probe.files.load(Ordering::SeqCst), 1);
        assert_eq!(probe.folders.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn writers_that_wait_for_one_folder_share_one_sync() {
        let (store, probe, _folder) = open();
        probe.hold(true);
        let seals = (0..17u8).map(|number| {
            let store = store.clone();
            let id = BlobId([1, number, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
            tokio::spawn(async move { put(&*store, id, b"abc").await })
        });
        let seals: Vec<_> = seals.collect();
        // All but the one that syncs are waiting: with their file synced, they can go nowhere else.
        while store.core.shards.waiting(ID) < 16 {
            tokio::task::yield_now().await;
        }
        probe.hold(false);
        for seal in seals {
            seal.await.unwrap().unwrap();
        }
        assert_eq!(probe.files.load(Ordering::SeqCst), 17);
        assert_eq!(probe.folders.load(Ordering::SeqCst), 2);
    }

    #[tokio::test]
    async fn a_failed_file_sync_kills_the_blob_and_ends_writing() {
        let (store, probe, _folder) = open();
        let sealed = put(&*store, OTHER, b"abc").await.unwrap();
        let mut writer = store.create(BlobId([3; 16]), None).await.unwrap();
        probe.fail_files.store(true, Ordering::SeqCst);
        assert!(matches!(
            put(&*store, ID, b"abc").await,
            Err(Error::ReadOnly)
        ));
        probe.fail_files.store(false, Ordering::SeqCst);

        assert!(matches!(
            store.create(ID, None).await.err(),
            Some(Error::ReadOnly)
        ));
        assert!(matches!(
            writer.write(Bytes::from_static(b"a")).await,
            Err(Error::ReadOnly)
        ));
        assert!(matches!(writer.seal().await, Err(Error::ReadOnly)));
        assert_eq!(
            probe.files.load(Ordering::SeqCst),
            2,
            "a failed sync is not repeated"
        );
        let listed = store.list(None, 9).await.unwrap();
        assert_eq!(
            listed.iter().map(|listed| listed.id).collect::<Vec<_>>(),
            [OTHER]
        );
        let blob = store.open(OTHER, sealed).await.unwrap();
        assert_eq!(read_all(blob, 0..3).await.unwrap(), b"abc");
    }

    #[tokio::test]
    async fn a_failed_folder_sync_ends_writing() {
        let (store, probe, _folder) = open();
        probe.fail_folders.store(true, Ordering::SeqCst);
        assert!(matches!(
            put(&*store, ID, b"abc").await,
            Err(Error::ReadOnly)
        ));
        assert!(matches!(
            store.create(OTHER, None).await.err(),
            Some(Error::ReadOnly)
        ));
        assert_eq!(probe.folders.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_seal_that_is_abandoned_removes_the_blob() {
        let (store, probe, _folder) = open();
        probe.hold(true);
        let writer = store.create(ID, None).await.unwrap();
        let seal = tokio::spawn(writer.seal());
        while probe.folders.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        seal.abort();
        assert!(seal.await.unwrap_err().is_cancelled());
        probe.hold(false);
        while !store.list(None, 9).await.unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_store_opened_anew_has_the_same_blobs() {
    let (store, folder) = open();
    let sealed = put(&*store, ID, b"abc").await.unwrap();
    drop(store);
    let store = LocalStore::open(folder.path(), clock()).unwrap();
    let blob = store.open(ID, sealed).await.unwrap();
    assert_eq!(read_all(blob, 0..3).await.unwrap(), b"abc");
}

#[test]
fn folders_above_are_made() {
    let folder = TempDir::new().unwrap();
    let deep = folder.path().join("a/b");
    LocalStore::open(&deep, clock()).unwrap();
    assert!(deep.join("3f").is_dir());
}

#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    let (store, _folder) = open();
    put(&*store, ID, b"abc").await.unwrap();
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o077;
    let path = store.core.shards.path(ID);
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0, 0));
}

#[tokio::test]
async fn files_of_foreign_names_are_not_listed() {
    let (store, _folder) = open();
    let shard = store.core.shards.path(ID);
    std::fs::write(shard.with_file_name("lost+found"), b"x").unwrap();
    assert_eq!(store.list(None, 9).await.unwrap(), []);
}

#[tokio::test]
async fn ages_count_from_the_last_write_and_are_never_negative() {
    let folder = TempDir::new().unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let store = LocalStore::open(folder.path(), Arc::new(move || now)).unwrap();
    for (id, written) in [
        (ID, now - Duration::from_secs(90)),
        (OTHER, now + Duration::from_secs(5)),
    ] {
        put(&*store, id, b"abc").await.unwrap();
        let file = File::options()
            .write(true)
            .open(store.core.shards.path(id))
            .unwrap();
        file.set_modified(written).unwrap();
    }
    let ages: Vec<_> = store
        .list(None, 9)
        .await
        .unwrap()
        .iter()
        .map(|l| l.age)
        .collect();
    assert_eq!(ages, [Duration::from_secs(90), Duration::ZERO]);
}

#[tokio::test]
async fn a_delete_closes_the_kept_handle() {
    let (store, _folder) = open();
    let sealed = put(&*store, ID, b"abc").await.unwrap();
    store.open(ID, sealed).await.unwrap();
    assert!(store.core.handles.find(ID).is_some());
    store.delete(ID).await.unwrap();
    assert!(store.core.handles.find(ID).is_none());
}

#[tokio::test]
async fn a_handle_opened_before_a_delete_is_not_kept_after_it() {
    let (store, _folder) = open();
    let sealed = put(&*store, ID, b"abc").await.unwrap();
    let generation = store.core.handles.generation();
    let blob = Arc::new(LocalBlob::open(&store.core, ID, sealed).unwrap());
    store.delete(ID).await.unwrap();
    store.core.handles.keep(ID, &blob, generation);
    assert!(store.core.handles.find(ID).is_none());
}

#[tokio::test]
async fn the_least_recently_used_handle_goes_first() {
    let (store, _folder) = open();
    let sealed = put(&*store, ID, b"abc").await.unwrap();
    let blob = Arc::new(LocalBlob::open(&store.core, ID, sealed).unwrap());
    let handles = Handles::default();
    let id = |number: usize| BlobId([number as u8; 16]);
    (0..handles::HANDLES_MAX).for_each(|number| handles.keep(id(number), &blob, 0));
    handles.find(id(0));
    handles.keep(id(255), &blob, 0);
    let kept = |number| handles.find(id(number)).is_some();
    assert_eq!(
        (kept(0), kept(1), kept(2), kept(255)),
        (true, false, true, true)
    );
}

#[test]
fn a_full_disk_is_told_from_other_failures() {
    use rustix::io::Errno;
    assert!(matches!(from_io(Errno::NOSPC.into()), Error::Full(_)));
    assert!(matches!(from_io(Errno::DQUOT.into()), Error::Full(_)));
    assert!(matches!(from_io(Errno::NOENT.into()), Error::NotFound));
    assert!(matches!(from_io(Errno::IO.into()), Error::Io(_)));
}
