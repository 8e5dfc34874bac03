//! Write-once byte streams under random ids, verified on every read.
//!
//! This crate never knows what a bucket, a user or an object's metadata is. Every backend passes the one
//! suite in [`conformance`].

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;

mod checksum;
pub mod conformance;
pub mod faulty;
pub mod local;
pub mod memory;
mod pool;

pub use faulty::FaultyStore;
pub use local::LocalStore;
pub use memory::MemoryStore;

/// Where a store takes the current time from; it uses it only for the ages in [`Store::list`].
pub type Clock = Arc<dyn Fn() -> SystemTime + Send + Sync>;

/// The random name of a blob. The caller mints it; it is never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobId(pub [u8; 16]);

/// What a sealed blob is: kept by its owner, and needed to open it. A blob whose bytes, id or length differ
/// from this (swapped, stale, torn, flipped) is refused with [`Error::Damaged`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sealed {
    /// Length in bytes.
    pub len: u64,
    /// Digest over the blob's id, length and per-chunk checksums.
    pub check: u32,
}

/// Verified bytes in order. The stream ends after the last byte of the range, or with one error; no
/// byte leaves it before the chunk that holds it was verified.
pub type ByteStream = Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>;

/// A store of blobs.
#[async_trait]
pub trait Store: Send + Sync {
    /// Starts a blob. `len_hint` is the expected length in bytes, if known; it need not hold.
    ///
    /// An id is used once. If a blob of this id exists, this or the writer fails, `seal` at the latest, with
    /// [`Error::Io`] of kind `AlreadyExists`; the blob that exists is untouched.
    async fn create(&self, id: BlobId, len_hint: Option<u64>) -> Result<Box<dyn Writer>, Error>;

    /// Opens a sealed blob for reading.
    async fn open(&self, id: BlobId, sealed: Sealed) -> Result<Arc<dyn Blob>, Error>;

    /// Deletes the blob, sealed or not. Deleting one that is already gone succeeds: the collector may
    /// repeat itself. Streams that are open keep working. A blob that was listed unsealed and is then
    /// deleted no longer seals. A power cut may bring a deleted blob back.
    async fn delete(&self, id: BlobId) -> Result<(), Error>;

    /// Up to `limit` blobs, sealed or not, in ascending order of id, beginning after `after`; fewer than
    /// `limit` only at the end. A blob made or deleted during a walk may or may not appear in it, and one in
    /// the making may not appear before it is sealed.
    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<Listed>, Error>;
}

/// One blob of a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// Its id.
    pub id: BlobId,
    /// Time since it was last written to.
    pub age: Duration,
}

/// A blob in the making. Dropped without `seal`, it is removed as far as possible; after a crash the
/// remains appear in [`Store::list`].
#[async_trait]
pub trait Writer: Send {
    /// Appends bytes. Large buffers (256 KiB to 1 MiB) are fastest: they are neither copied nor joined, and
    /// this returns while the last one or two are still being written. An error may therefore concern
    /// bytes of an earlier call. After an error the blob is dead: every later call fails.
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error>;

    /// Makes the blob durable, its name included: when this returns `Ok`, a power cut loses nothing. After
    /// an error, or when its future is dropped, the blob is removed as if the writer had been dropped.
    async fn seal(self: Box<Self>) -> Result<Sealed, Error>;
}

/// A sealed blob, open for reading.
pub trait Blob: Send + Sync {
    /// The bytes of `range` (start inclusive, end exclusive, within the length; a range beyond it yields
    /// [`Error::Io`] of kind `InvalidInput`). Poll the stream inside a tokio runtime.
    fn read(self: Arc<Self>, range: Range<u64>) -> ByteStream;
}

/// Why an operation on blobs failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No blob of this id.
    #[error("no such blob")]
    NotFound,
    /// The stored bytes are not those that were sealed. Nothing of the bad chunk was delivered.
    #[error("blob is damaged: {0}")]
    Damaged(String),
    /// There is no room left for the bytes.
    #[error("blob store is full")]
    Full(#[source] std::io::Error),
    /// A sync failed. What was written since the last good one is lost, and the store takes no more writes
    /// until it is opened again.
    #[error("blob store is read-only after a failed sync")]
    ReadOnly,
    /// The store failed otherwise; nothing can be said of the blob being written, other blobs are untouched.
    #[error("blob store failed")]
    Io(#[source] std::io::Error),
}

/// The error of reading `range` from a blob of `len` bytes, if it is one.
fn range_error(range: &Range<u64>, len: u64) -> Option<Error> {
    (range.start > range.end || range.end > len).then(|| {
        let text = format!("range {range:?} of a blob of {len} bytes");
        Error::Io(std::io::Error::new(std::io::ErrorKind::InvalidInput, text))
    })
}
