//! The embedded store: one folder, one process, every commit on disk before it is answered.
//!
//! The data lives in one fjall keyspace. One thread, the committer, is its only writer: it takes all
//! waiting transactions, validates them in order, writes them as one batch and syncs once
//! ([`committer`]). After each batch it publishes the new state, which readers share ([`state`]). A
//! cache of point reads stands before the tree and is exact ([`cache`]).
//!
//! Reads run inline on the caller's thread and are not handed to a blocking pool: a warm read costs about as
//! much as such a hand-over, and a cold one is a few disk reads. Commits never block the runtime: the caller
//! awaits an answer from the committer.

mod cache;
mod committer;
mod folder;
mod state;

use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;

use crate::transaction::OptimisticTransaction;
use crate::{Error, Reader, Store, Transaction};

use committer::CommitterHandle;
pub use folder::FolderInUse;

/// How much memory an [`EmbeddedStore`] may use for caches. All sizes are upper bounds in bytes, reached only
/// by use. Write buffers come on top: up to three times 64 MiB under load, one of them kept afterwards.
#[derive(Debug, Clone)]
pub struct EmbeddedOptions {
    /// Blocks of the tables on disk, which serve scans and point reads.
    pub block_cache_bytes: u64,
    /// Keys and values of the hottest point reads, held apart from their blocks. Zero turns this cache off.
    pub hot_cache_bytes: u64,
}

impl Default for EmbeddedOptions {
    fn default() -> Self {
        Self {
            block_cache_bytes: 64 * 1024 * 1024,
            hot_cache_bytes: 8 * 1024 * 1024,
        }
    }
}

/// An ordered store in a folder of the local file system.
///
/// After a failed write or sync the store is read-only until it is opened again: the commits concerned were
/// answered `Unknown`, all later ones are `NotDone`.
pub struct EmbeddedStore {
    committer: Arc<CommitterHandle>,
}

impl EmbeddedStore {
    /// Opens the store in `path`, which is created if need be. Blocks while earlier commits are replayed.
    ///
    /// The folder belongs to this store until the store and all of its readers and transactions are dropped.
    /// While another process (or this one) holds it, this fails with [`Error::Unavailable`] whose source is
    /// [`FolderInUse`].
    pub fn open(path: &Path, options: EmbeddedOptions) -> Result<Arc<Self>, Error> {
        let opened = folder::open(path, &options)?;
        let committer = Arc::new(CommitterHandle::start(opened, &options)?);
        Ok(Arc::new(Self { committer }))
    }

    /// Finishes the commits that were handed in, then stops writing for good: later commits are `NotDone`.
    /// Reads go on. Blocks until the write thread has ended. Dropping the store does the same.
    pub fn shutdown(&self) {
        self.committer.shutdown();
    }
}

impl Drop for EmbeddedStore {
    fn drop(&mut self) {
        self.shutdown();
    }
}

#[async_trait]
impl Store for EmbeddedStore {
    async fn snapshot(&self) -> Result<Arc<dyn Reader>, Error> {
        Ok(self.committer.state())
    }

    async fn begin(&self) -> Result<Arc<dyn Transaction>, Error> {
        let state = self.committer.state();
        Ok(Arc::new(OptimisticTransaction::new(
            state,
            Arc::clone(&self.committer),
        )))
    }
}

/// Sorts a fjall error into the two kinds that callers can tell apart.
fn read_error(action: &str, error: fjall::Error) -> Error {
    match error {
        fjall::Error::Io(_) | fjall::Error::Locked | fjall::Error::Poisoned => {
            Error::Unavailable(action.to_owned(), Some(Box::new(error)))
        }
        fjall::Error::Storage(fjall::LsmError::Io(_)) => {
            Error::Unavailable(action.to_owned(), Some(Box::new(error)))
        }
        other => Error::Damaged(action.to_owned(), Some(Box::new(other))),
    }
}
