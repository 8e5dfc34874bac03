//! Ordered `bytes -> bytes` with serializable, durable transactions.
//!
//! This crate never knows what a bucket, a user or a JSON document is. Every backend passes the one
//! suite in [`conformance`]; what the suite does not test, no caller may rely on.

pub mod conformance;
mod embedded;
mod faulty;
mod memory;
mod optimistic;
mod transaction;
mod view;

use std::ops::ControlFlow;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

pub use embedded::{EmbeddedOptions, EmbeddedStore, FolderInUse};
pub use faulty::{CommitFault, Faults, FaultyStore, ReadFault};
pub use memory::MemoryStore;

/// Longest key in bytes. A key has at least one byte. (An index entry of a PostgreSQL b-tree holds no more
/// than 2,704 bytes.)
pub const KEY_BYTES_MAX: usize = 2_560;

/// Longest value in bytes. Values over some kilobytes are slow in every backend.
pub const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// One stored pair, as scans return it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The whole key.
    pub key: Bytes,
    /// The value last written under the key.
    pub value: Bytes,
}

/// A range of keys to read, in byte order.
#[derive(Debug, Clone)]
pub struct Scan {
    /// First key of the range, inclusive.
    pub start: Vec<u8>,
    /// End of the range, exclusive. An `end` at or below `start` makes an empty range.
    pub end: Vec<u8>,
    /// Most entries to return. Zero returns none.
    pub limit: usize,
    /// Read from the end of the range towards its start.
    pub reverse: bool,
}

/// A range to read in which runs of keys that share a group are skipped over.
///
/// A key belongs to a group when `delimiter` occurs in it at or after byte `prefix_len`; the group is
/// the key up to and including the first such delimiter.
#[derive(Debug, Clone)]
pub struct GroupScan {
    /// First key of the range, inclusive. It may lie inside a group: the group is still reported whole.
    pub start: Vec<u8>,
    /// End of the range, exclusive.
    pub end: Vec<u8>,
    /// Leading bytes of every key in which delimiters do not count.
    pub prefix_len: usize,
    /// The byte that ends a group.
    pub delimiter: u8,
    /// Most rows (entries and groups together) to return.
    pub limit: usize,
}

/// One row of a [`GroupScan`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Row {
    /// A key outside every group.
    Entry(Entry),
    /// A group that holds at least one key of the range, up to and including its delimiter. Each group
    /// appears once, at its place in key order, however many keys it holds.
    Group(Bytes),
}

/// What is shown keys with their values, and says whether to go on.
pub type Visit<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + Send + 'a;

/// Reads on one consistent state of the store.
#[async_trait]
pub trait Reader: Send + Sync {
    /// The values of `keys`, in their order; `None` for a key that is not there. One round trip.
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>, Error>;

    /// The entries of a range, in key order (or reversed), at most `scan.limit` of them.
    async fn scan(&self, scan: &Scan) -> Result<Vec<Entry>, Error>;

    /// Shows the entries that [`scan`](Self::scan) would return, in their order, until `visit` breaks. Made for long ranges
    /// of which little is kept: a backend that can shows its own bytes and copies nothing. After an error some may have
    /// been shown.
    async fn visit(&self, scan: &Scan, visit: &mut Visit<'_>) -> Result<(), Error> {
        for entry in self.scan(scan).await? {
            if visit(&entry.key, &entry.value).is_break() {
                break;
            }
        }
        Ok(())
    }

    /// The rows of a range with its groups collapsed. Cost grows with the rows returned, never with the
    /// keys inside a group.
    async fn scan_groups(&self, scan: &GroupScan) -> Result<Vec<Row>, Error>;
}

/// A serializable transaction: reads see one state plus this transaction's own writes; `commit` fails with
/// [`CommitError::Conflict`] when another transaction that committed since could have changed any answer
/// given, including "nothing is in this range".
///
/// Dropping it without `commit` leaves no trace.
#[async_trait]
pub trait Transaction: Reader {
    /// Writes `value` under `key` when the transaction commits. The last write of a key wins.
    fn put(&self, key: Vec<u8>, value: Bytes);

    /// Removes `key` when the transaction commits. Removing a missing key is no error.
    fn delete(&self, key: Vec<u8>);

    /// Makes the writes visible and durable, all or none. When this returns `Ok`, a power cut loses nothing.
    /// Call it once; what a second call does is not defined. A transaction that wrote nothing commits
    /// without I/O, and its reads were consistent with each other.
    ///
    /// A key that is empty or above [`KEY_BYTES_MAX`], or a value above [`VALUE_BYTES_MAX`], is the caller's
    /// mistake: nothing is committed, with [`CommitError::NotDone`] and [`Error::Damaged`].
    ///
    /// Once this future was polled, dropping it does not stop the commit: its outcome is then unknown.
    async fn commit(&self) -> Result<(), CommitError>;
}

/// An ordered key-value store.
#[async_trait]
pub trait Store: Send + Sync {
    /// The state after every commit that returned before this call, fixed for the life of the reader.
    async fn snapshot(&self) -> Result<Arc<dyn Reader>, Error>;

    /// Starts a transaction on such a state.
    async fn begin(&self) -> Result<Arc<dyn Transaction>, Error>;
}

/// Why a read failed. Every variant means that nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store can't be reached or refuses work for now (also: read-only after a failed sync). Trying
    /// again later may succeed.
    #[error("the key-value store is unavailable: {0}")]
    Unavailable(
        String,
        #[source] Option<Box<dyn std::error::Error + Send + Sync>>,
    ),
    /// The store's own files or answers make no sense, or the caller broke a limit. Trying again does not
    /// help; someone must look.
    #[error("the key-value store is damaged: {0}")]
    Damaged(
        String,
        #[source] Option<Box<dyn std::error::Error + Send + Sync>>,
    ),
}

/// The three ways in which a commit does not simply succeed.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Nothing was written: another transaction came between. Run the body again.
    #[error("another transaction changed what this one read")]
    Conflict,
    /// Nothing was written, for another reason.
    #[error("nothing was committed")]
    NotDone(#[source] Error),
    /// It may or may not have been written, now or a little later. Run the body again only if it
    /// recognises its own earlier success.
    #[error("it is unknown whether the commit took place")]
    Unknown(#[source] Error),
}
