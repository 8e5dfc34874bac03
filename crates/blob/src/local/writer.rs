//! Writing: buffers are summed and written on a blocking thread while the caller fills the next one.

use std::fs::File;
use std::io::{self, IoSlice, Write};
use std::mem;
use std::num::NonZeroU64;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use rustix::fs::Advice;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::{Core, blocking, footer, from_io};
use crate::checksum::Summer;
use crate::{BlobId, Error, Sealed, Writer};

/// Bytes that are collected before a thread is asked to write them. A blob smaller than this
/// is made, written and synced by one job, in `seal`.
const PENDING_BYTES: usize = 64 * 1024;

/// Buffers that are collected at most, however small: all of them go into one system call.
const PENDING_PIECES: usize = 256;

/// Bytes after which the kernel is told to begin writing to the disk, so that the sync in `seal` finds little
/// left to do: 64 MiB seal in 12 ms instead of 17 to 25. (Reserving the space in advance gained nothing.)
const WRITE_BACK_BYTES: u64 = 2 * 1024 * 1024;

/// A blob in the making.
pub(super) struct LocalWriter {
    core: Arc<Core>,
    pending: Vec<Bytes>,
    pending_bytes: usize,
    draft: State,
}

enum State {
    Idle(Box<Draft>),
    /// A thread is writing. The caller may fill `pending` meanwhile, so at most two large buffers wait.
    Busy(JoinHandle<Result<Box<Draft>, Error>>),
    Dead,
}

impl LocalWriter {
    pub(super) fn new(core: Arc<Core>, id: BlobId) -> Self {
        let draft = Draft {
            remains: None,
            summer: Summer::new(),
            handed_to_disk: 0,
            core: core.clone(),
            id,
        };
        Self {
            core,
            pending: Vec::new(),
            pending_bytes: 0,
            draft: State::Idle(Box::new(draft)),
        }
    }

    fn is_full(&self) -> bool {
        self.pending_bytes >= PENDING_BYTES || self.pending.len() >= PENDING_PIECES
    }

    /// Waits until no thread is writing.
    async fn settle(&mut self) -> Result<(), Error> {
        if let State::Busy(job) = &mut self.draft {
            let outcome = job.await;
            self.draft = State::Dead;
            let draft = outcome.unwrap_or_else(|gone| Err(Error::Io(io::Error::other(gone))))?;
            self.draft = State::Idle(draft);
        }
        Ok(())
    }

    /// The draft and what is still to be written to it; leaves the writer dead.
    fn take(&mut self) -> Result<(Box<Draft>, Vec<Bytes>), Error> {
        self.pending_bytes = 0;
        match mem::replace(&mut self.draft, State::Dead) {
            State::Idle(draft) => Ok((draft, mem::take(&mut self.pending))),
            State::Busy(_) | State::Dead => Err(dead()),
        }
    }

    /// Lets a thread write what is pending.
    async fn flush(&mut self) -> Result<(), Error> {
        self.settle().await?;
        let (mut draft, pieces) = self.take()?;
        self.draft = State::Busy(tokio::task::spawn_blocking(move || {
            draft.append(&pieces)?;
            Ok(draft)
        }));
        Ok(())
    }
}

#[async_trait]
impl Writer for LocalWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.core.health.check()?;
        if self.is_full() {
            self.flush().await?;
        }
        let idle = match &self.draft {
            State::Idle(_) => true,
            State::Busy(job) => job.is_finished(),
            State::Dead => return Err(dead()),
        };
        self.pending_bytes += bytes.len();
        self.pending.push(bytes);
        if idle && self.is_full() {
            self.flush().await?;
        }
        Ok(())
    }

    async fn seal(mut self: Box<Self>) -> Result<Sealed, Error> {
        self.core.health.check()?;
        self.settle().await?;
        let (draft, pieces) = self.take()?;
        let (sealed, remains) = blocking(move || draft.seal(pieces)).await?;
        // Only now: until the caller has the outcome, dropping it must remove the blob.
        remains.keep();
        Ok(sealed)
    }
}

impl Drop for LocalWriter {
    fn drop(&mut self) {
        // A running job drops the draft itself, on its own thread.
        if let State::Idle(draft) = mem::replace(&mut self.draft, State::Dead)
            && draft.remains.is_some()
            && let Ok(runtime) = Handle::try_current()
        {
            runtime.spawn_blocking(move || drop(draft));
        }
    }
}

/// The file behind a writer. Its methods block.
struct Draft {
    core: Arc<Core>,
    id: BlobId,
    summer: Summer,
    /// Length in bytes of the part whose way to the disk has begun.
    handed_to_disk: u64,
    /// The file, once there is one. Dropped with the draft.
    remains: Option<(File, Remains)>,
}

impl Draft {
    fn append(&mut self, pieces: &[Bytes]) -> Result<(), Error> {
        for piece in pieces {
            self.summer.update(piece);
        }
        let (file, remains) = match self.remains.take() {
            Some(made) => made,
            None => self.make()?,
        };
        let (file, _) = self.remains.insert((file, remains));
        write_all(file, pieces).map_err(from_io)?;
        let written = self.summer.len() / WRITE_BACK_BYTES * WRITE_BACK_BYTES;
        if let Some(fresh) = NonZeroU64::new(written - self.handed_to_disk) {
            // Linux begins to write the range back, and then drops its clean pages: there are none yet. A
            // refusal only means a longer sync later.
            let _ = rustix::fs::fadvise(file, self.handed_to_disk, Some(fresh), Advice::DontNeed);
            self.handed_to_disk = written;
        }
        Ok(())
    }

    /// Writes the rest and makes the blob durable.
    fn seal(mut self, mut pieces: Vec<Bytes>) -> Result<(Sealed, Remains), Error> {
        for piece in &pieces {
            self.summer.update(piece);
        }
        let table = mem::replace(&mut self.summer, Summer::new()).finish();
        let (footer, sealed) = footer::encode(self.id, &table);
        pieces.push(footer.into());
        let (file, remains) = match self.remains.take() {
            Some(made) => made,
            None => self.make()?,
        };
        write_all(&file, &pieces).map_err(from_io)?;
        self.core.sync(self.id, &file)?;
        if file.metadata().map_err(from_io)?.nlink() == 0 {
            return Err(Error::NotFound); // deleted meanwhile: it has no name that could be durable
        }
        // Another writer's sync may have failed in the same moment.
        self.core.health.check()?;
        Ok((sealed, remains))
    }

    fn make(&self) -> Result<(File, Remains), Error> {
        let file = self.core.shards.create(self.id).map_err(from_io)?;
        let remains = Remains {
            core: Some(self.core.clone()),
            id: self.id,
        };
        Ok((file, remains))
    }
}

/// Removes the file of an unsealed blob when dropped.
struct Remains {
    core: Option<Arc<Core>>,
    id: BlobId,
}

impl Remains {
    fn keep(mut self) {
        self.core = None;
    }
}

impl Drop for Remains {
    fn drop(&mut self) {
        if let Some(core) = &self.core
            && let Err(error) = core.remove(self.id)
        {
            tracing::warn!(%error, "an unsealed blob could not be removed, the collector will find it");
        }
    }
}

/// Writes all `pieces` at the end of `file`, in order.
fn write_all(mut file: &File, pieces: &[Bytes]) -> io::Result<()> {
    let mut slices: Vec<_> = pieces.iter().map(|piece| IoSlice::new(piece)).collect();
    let mut rest = slices.as_mut_slice();
    // Empty buffers alone would look like a full disk.
    IoSlice::advance_slices(&mut rest, 0);
    while !rest.is_empty() {
        match file.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn dead() -> Error {
    Error::Io(io::Error::other("an earlier write to this blob failed"))
}
