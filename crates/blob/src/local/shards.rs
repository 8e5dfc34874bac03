//! The shard folders: names, files in them, and their shared syncs.

use std::fs::{self, DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use rustix::fs::{AtFlags, Mode, OFlags, ResolveFlags};

use crate::{BlobId, Error, Listed};

/// Number of shard folders. A power of two, so that a shard is a prefix of the id and a walk over the shards
/// keeps the order of ids. More folders would share fewer syncs and take longer to make on first open.
const SHARDS: usize = 64;

/// The shard folders of one store, held open.
pub(super) struct Shards {
    shards: Vec<Shard>,
}

impl Shards {
    /// Opens the shard folders below `root`. Makes what is missing, durably.
    pub(super) fn open(root: &Path) -> io::Result<Self> {
        make_folder(root)?;
        let shards = (0..SHARDS).map(|number| Shard::open(root.join(format!("{number:02x}"))));
        let shards = shards.collect::<io::Result<_>>()?;
        // Also when nothing is new: an earlier start may have been cut off before its sync.
        File::open(root)?.sync_all()?;
        Ok(Self { shards })
    }

    /// Makes the file of `id`; fails if there is one.
    pub(super) fn create(&self, id: BlobId) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::RUSR | Mode::WUSR;
        Ok(rustix::fs::openat(&self.of(id).folder, name(id), flags, mode)?.into())
    }

    /// Opens the file of `id` for reading. May block.
    pub(super) fn open_file(&self, id: BlobId) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(rustix::fs::openat(&self.of(id).folder, name(id), flags, Mode::empty())?.into())
    }

    /// As [`Shards::open_file`], but never waits for the disk: `None` means that it would have to.
    pub(super) fn open_file_now(&self, id: BlobId) -> Option<File> {
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        let cached = ResolveFlags::CACHED;
        rustix::fs::openat2(&self.of(id).folder, name(id), flags, Mode::empty(), cached)
            .ok()
            .map(File::from)
    }

    pub(super) fn unlink(&self, id: BlobId) -> io::Result<()> {
        Ok(rustix::fs::unlinkat(
            &self.of(id).folder,
            name(id),
            AtFlags::empty(),
        )?)
    }

    /// Returns after a sync of the folder of `id` that began after this call and succeeded; `sync` does it if
    /// no other caller's does.
    pub(super) fn sync_folder(
        &self,
        id: BlobId,
        sync: impl FnOnce(&File) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let shard = self.of(id);
        shard.sync.run(|| sync(&shard.folder))
    }

    /// Implements [`crate::Store::list`]; ages are counted back from `now`.
    pub(super) fn list(
        &self,
        after: Option<BlobId>,
        limit: usize,
        now: SystemTime,
    ) -> io::Result<Vec<Listed>> {
        let mut listed = Vec::new();
        for shard in &self.shards[after.map_or(0, shard_of)..] {
            let mut ids = shard.ids()?;
            ids.retain(|id| after.is_none_or(|after| *id > after));
            ids.sort_unstable();
            for id in ids {
                if listed.len() >= limit {
                    return Ok(listed);
                }
                if let Some(age) = shard.age(id, now)? {
                    listed.push(Listed { id, age });
                }
            }
        }
        Ok(listed)
    }

    /// How many callers wait for the folder of `id`.
    #[cfg(test)]
    pub(super) fn waiting(&self, id: BlobId) -> usize {
        let rounds = self.of(id).sync.rounds.lock();
        rounds.unwrap_or_else(PoisonError::into_inner).waiting
    }

    /// The path of the file of `id`.
    pub(super) fn path(&self, id: BlobId) -> PathBuf {
        self.of(id).path.join(name(id))
    }

    fn of(&self, id: BlobId) -> &Shard {
        &self.shards[shard_of(id)]
    }
}

struct Shard {
    path: PathBuf,
    folder: File,
    sync: SharedSync,
}

impl Shard {
    fn open(path: PathBuf) -> io::Result<Self> {
        ignore_existing(DirBuilder::new().mode(0o700).create(&path))?;
        let folder = File::open(&path)?;
        Ok(Self {
            path,
            folder,
            sync: SharedSync::default(),
        })
    }

    /// The blobs in this folder, in no order.
    fn ids(&self) -> io::Result<Vec<BlobId>> {
        let entries = fs::read_dir(&self.path)?;
        let names = entries.map(|entry| Ok(entry?.file_name().to_str().and_then(parse_name)));
        names.filter_map(Result::transpose).collect()
    }

    /// Time since the file of `id` was written to; `None` if it is gone.
    fn age(&self, id: BlobId, now: SystemTime) -> io::Result<Option<Duration>> {
        match fs::symlink_metadata(self.path.join(name(id))) {
            Ok(metadata) => {
                // A clock that was set back makes the file look new, which keeps it safe from a collector.
                let age = now.duration_since(metadata.modified()?);
                Ok(Some(age.unwrap_or_default()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Lets callers that come while a sync is running share the next one.
#[derive(Default)]
struct SharedSync {
    rounds: Mutex<Rounds>,
    changed: Condvar,
}

/// Syncs are numbered from 1 in the order they began; one runs at a time.
#[derive(Default)]
struct Rounds {
    begun: u64,
    /// The last one that succeeded.
    done: u64,
    running: bool,
    failed: bool,
    /// Callers that wait for the running one to end.
    waiting: usize,
}

impl SharedSync {
    /// Returns after a sync that began after this call and succeeded. After a failed one, every call fails.
    fn run(&self, sync: impl FnOnce() -> Result<(), Error>) -> Result<(), Error> {
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = rounds.begun + 1;
        rounds.waiting += 1;
        rounds = (self.changed)
            .wait_while(rounds, |rounds| rounds.running && rounds.done < wanted)
            .unwrap_or_else(PoisonError::into_inner);
        rounds.waiting -= 1;
        if rounds.failed {
            return Err(Error::ReadOnly);
        }
        if rounds.done >= wanted {
            return Ok(());
        }
        rounds.begun += 1;
        rounds.running = true;
        let mine = rounds.begun;
        drop(rounds);
        let outcome = sync();
        let mut rounds = self.rounds.lock().unwrap_or_else(PoisonError::into_inner);
        rounds.running = false;
        match outcome {
            Ok(()) => rounds.done = mine,
            Err(_) => rounds.failed = true,
        }
        if rounds.waiting > 0 {
            self.changed.notify_all();
        }
        outcome
    }
}

fn shard_of(id: BlobId) -> usize {
    usize::from(id.0[0]) * SHARDS / 256
}

fn name(id: BlobId) -> String {
    format!("{:032x}", u128::from_be_bytes(id.0))
}

/// The reverse of [`name`]; `None` for a name it never makes.
fn parse_name(text: &str) -> Option<BlobId> {
    let id = BlobId(u128::from_str_radix(text, 16).ok()?.to_be_bytes());
    (name(id) == text).then_some(id)
}

/// Makes `path` and what is missing above it; each new name is durable on return.
fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let parent = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    make_folder(parent)?;
    ignore_existing(DirBuilder::new().mode(0o700).create(path))?;
    File::open(parent)?.sync_all()
}

fn ignore_existing(made: io::Result<()>) -> io::Result<()> {
    match made {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_the_hex_of_the_id() {
        let id = BlobId(*b"\x00\xff\x0123456789abcde");
        assert_eq!(name(id), "00ff0132333435363738396162636465".to_string());
        assert_eq!(parse_name(&name(id)), Some(id));
    }

    #[test]
    fn foreign_names_are_no_ids() {
        let upper = name(BlobId([0xab; 16])).to_uppercase();
        let signed = format!("+{}", &name(BlobId([1; 16]))[1..]);
        for foreign in [upper.as_str(), signed.as_str(), "", "00", "lost+found"] {
            assert_eq!(parse_name(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn a_walk_over_the_shards_is_a_walk_in_order_of_ids() {
        let shards: Vec<_> = (0..=255)
            .map(|first| shard_of(BlobId([first; 16])))
            .collect();
        assert!(shards.is_sorted());
        assert_eq!((shards[0], shards[255]), (0, SHARDS - 1));
    }
}
