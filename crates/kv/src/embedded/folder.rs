//! The store's folder: its lock, and a creation that a crash can not leave half done.
//!
//! ```text
//! <path>/in-use     locked (advisory, whole file) while a process has the store open; content unused
//! <path>/tree/      the fjall database
//! <path>/tree-new/  a database being created; removed when found
//! ```
//!
//! fjall locks its folder too, but it can't tell a database whose creation was cut short from a damaged one.
//! So a new database is made beside its place and moved there complete.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fjall::compaction::Leveled;
use fjall::config::BlockSizePolicy;
use fjall::{Database, Keyspace, KeyspaceCreateOptions};

use super::{EmbeddedOptions, read_error};
use crate::Error;

/// Bytes of writes collected in memory before they become a table. Each table costs several syncs, which the committer's
/// own wait behind, and a merge of tables rewrites what lies under them: larger ones are merged less often. With 4 KiB
/// values 8 MiB gave 13,000 durable puts a second, 32 MiB 18,000; 64 MiB saved a fifth of the bytes that 32 MiB wrote.
/// An idle store holds none of it.
const WRITE_BUFFER_BYTES: u64 = 64 * 1024 * 1024;

/// Written-out buffers that are merged at a time into the tables below. Until then every scan looks into each of them. Of 4, 8
/// and 16, 8 gave the most durable puts a second; a listing of 1000 names took the same with all.
const MERGED_AT_TABLES: u8 = 8;

/// Bytes of a table's block. A page of a listing reads some 350 KiB of records: fewer, larger blocks make that cheaper.
const BLOCK_BYTES: u32 = 16 * 1024;

/// With more than one, fjall's first worker hands every merge back to the queue while another one merges, and takes it out
/// again at once: it spins. One worker writes buffers out between merges; the committer bounds how long that may take.
const WORKER_COUNT: usize = 1;

/// With 10 the worker gets a tenth of a processor that requests keep busy. That writes out 8,000 objects of 4 KiB a second;
/// without, merges took a third of the rate of durable puts, while processors were idle.
#[cfg(target_os = "linux")]
const WORKER_NICENESS: i32 = 10;

/// The single keyspace of the database.
const KEYSPACE: &str = "records";

/// The store's folder is held by another store, in this process or another one.
#[derive(Debug, thiserror::Error)]
#[error("the folder {} is in use by another process", path.display())]
pub struct FolderInUse {
    /// The folder as it was named to [`EmbeddedStore::open`](super::EmbeddedStore::open).
    pub path: PathBuf,
}

/// An open database and what keeps others away from it.
pub(super) struct OpenedFolder {
    pub(super) database: Database,
    pub(super) keyspace: Keyspace,
    pub(super) lock: FolderLock,
}

/// Keeps the folder locked until it is dropped.
pub(super) struct FolderLock {
    _file: File,
}

pub(super) fn open(path: &Path, options: &EmbeddedOptions) -> Result<OpenedFolder, Error> {
    fs::create_dir_all(path).map_err(|error| unusable(path, error))?;
    let lock = lock(path)?;
    let tree = path.join("tree");
    if !tree.try_exists().map_err(|error| unusable(path, error))? {
        create(path, &tree, options)?;
    }
    let (database, keyspace) = open_database(&tree, options)?;
    Ok(OpenedFolder {
        database,
        keyspace,
        lock,
    })
}

fn lock(path: &Path) -> Result<FolderLock, Error> {
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.join("in-use"))
        .map_err(|error| unusable(path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(FolderLock { _file: file }),
        Err(TryLockError::WouldBlock) => {
            let in_use = FolderInUse {
                path: path.to_owned(),
            };
            Err(Error::Unavailable(
                "cannot open its folder".to_owned(),
                Some(Box::new(in_use)),
            ))
        }
        Err(TryLockError::Error(error)) => Err(unusable(path, error)),
    }
}

/// Makes an empty database beside `tree` and moves it there.
fn create(path: &Path, tree: &Path, options: &EmbeddedOptions) -> Result<(), Error> {
    let unfinished = path.join("tree-new");
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(unusable(path, error));
        }
        _ => {}
    }
    drop(open_database(&unfinished, options)?);
    fs::rename(&unfinished, tree)
        .and_then(|()| File::open(path)?.sync_all())
        .map_err(|error| unusable(path, error))
}

fn open_database(tree: &Path, options: &EmbeddedOptions) -> Result<(Database, Keyspace), Error> {
    let failed = |error| read_error("cannot open its database", error);
    let open = || {
        Database::builder(tree)
            .cache_size(options.block_cache_bytes)
            .worker_threads(WORKER_COUNT)
            .open()
    };
    let database = in_the_background(open).map_err(failed)?;
    let create_options = || {
        KeyspaceCreateOptions::default()
            .max_memtable_size(WRITE_BUFFER_BYTES)
            .compaction_strategy(Arc::new(
                Leveled::default().with_l0_threshold(MERGED_AT_TABLES),
            ))
            .data_block_size_policy(BlockSizePolicy::all(BLOCK_BYTES))
    };
    let keyspace = database
        .keyspace(KEYSPACE, create_options)
        .map_err(failed)?;
    Ok((database, keyspace))
}

/// Calls `start` such that the threads it starts give way to others: to requests and to the committer, which must run
/// at once when its sync has ended. A niceness can't be taken back without privileges, so a thread is spent on it.
fn in_the_background<T: Send>(start: impl FnOnce() -> T + Send) -> T {
    let nice = || {
        // Linux alone has a niceness per thread, which its own threads inherit (setpriority(2), "C library/kernel
        // differences"); elsewhere this would slow the whole process down.
        #[cfg(target_os = "linux")]
        if let Err(error) = rustix::process::setpriority_process(None, WORKER_NICENESS) {
            tracing::debug!(%error, "the key-value store's worker keeps the usual priority");
        }
        start()
    };
    std::thread::scope(|scope| match scope.spawn(nice).join() {
        Ok(started) => started,
        Err(panic) => std::panic::resume_unwind(panic),
    })
}

fn unusable(path: &Path, error: io::Error) -> Error {
    Error::Unavailable(
        format!("cannot use the folder {}", path.display()),
        Some(Box::new(error)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_creation_cut_short_is_started_over() {
        let folder = tempfile::tempdir().unwrap();
        let unfinished = folder.path().join("tree-new");
        fs::create_dir_all(&unfinished).unwrap();
        // A journal without the version marker is what a kill in the middle leaves behind.
        fs::write(unfinished.join("0.jnl"), b"").unwrap();
        open(folder.path(), &EmbeddedOptions::default()).unwrap();
        assert!(!unfinished.exists());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_worker_gives_way_and_the_opener_keeps_its_priority() {
        let niceness = |thread: &Path| -> Option<(bool, i32)> {
            let stat = fs::read_to_string(thread.join("stat")).ok()?;
            let (name, fields) = stat.rsplit_once(") ")?;
            let niceness = fields.split(' ').nth(16)?.parse().ok()?;
            Some((name.ends_with("(fjall:worker"), niceness))
        };
        let own = || niceness(Path::new("/proc/thread-self")).unwrap();
        let before = own();
        let folder = tempfile::tempdir().unwrap();
        let _opened = open(folder.path(), &EmbeddedOptions::default()).unwrap();
        assert_eq!(own(), before);
        let threads = fs::read_dir("/proc/self/task").unwrap();
        let workers: Vec<i32> = threads
            .filter_map(|thread| niceness(&thread.ok()?.path()))
            .filter_map(|(is_worker, niceness)| is_worker.then_some(niceness))
            .collect();
        assert!(!workers.is_empty());
        assert!(workers.iter().all(|worker| *worker >= WORKER_NICENESS));
    }

    #[test]
    fn a_second_open_is_refused_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        let _first = open(folder.path(), &EmbeddedOptions::default()).unwrap();
        let refused = open(folder.path(), &EmbeddedOptions::default())
            .err()
            .unwrap();
        let Error::Unavailable(_, Some(source)) = refused else {
            panic!("{refused:?}")
        };
        assert_eq!(
            source.downcast_ref::<FolderInUse>().unwrap().path,
            folder.path()
        );
    }
}
