//! Blobs in memory, for tests: the semantics of [`LocalStore`](crate::LocalStore), and a power cut.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::ops::{Bound, Range};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::SystemTime;

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;

use crate::checksum::{CHUNK_BYTES, ChunkTable, Summer};
use crate::{Blob, BlobId, ByteStream, Clock, Error, Listed, Sealed, Store, Writer, range_error};

/// A store whose blobs end with it.
pub struct MemoryStore {
    shared: Arc<Shared>,
}

impl MemoryStore {
    /// An empty store.
    pub fn new(clock: Clock) -> Arc<Self> {
        Arc::new(Self {
            shared: Arc::new(Shared {
                entries: Mutex::default(),
                clock,
            }),
        })
    }

    /// What a power cut does to the disk: blobs that are not sealed vanish, and their writers die; sealed ones
    /// stay.
    pub fn power_cut(&self) {
        self.shared.lock().retain(|_, entry| entry.sealed.is_some());
    }

    /// Flips one bit of the byte at `offset` of a sealed blob, as bit rot would. Blobs that are open keep
    /// the good bytes. For tests.
    pub fn flip_bit(&self, id: BlobId, offset: u64) -> Result<(), Error> {
        let mut entries = self.shared.lock();
        let entry = entries.get_mut(&id).ok_or(Error::NotFound)?;
        let blob = entry.sealed.as_ref().ok_or(Error::NotFound)?;
        let mut bytes = blob.bytes.to_vec();
        let byte = usize::try_from(offset)
            .ok()
            .and_then(|at| bytes.get_mut(at));
        *byte.ok_or_else(|| Error::Io(io::ErrorKind::InvalidInput.into()))? ^= 1;
        entry.sealed = Some(Arc::new(MemoryBlob {
            bytes: bytes.into(),
            table: blob.table.clone(),
            sealed: blob.sealed,
        }));
        Ok(())
    }
}

struct Shared {
    entries: Mutex<BTreeMap<BlobId, Entry>>,
    clock: Clock,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<BlobId, Entry>> {
        // Every state between two statements under the lock is sound.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Entry {
    /// Known to its writer only, so that a writer outliving its blob cannot touch the next of the same id.
    owner: Arc<()>,
    written: SystemTime,
    sealed: Option<Arc<MemoryBlob>>,
}

#[async_trait]
impl Store for MemoryStore {
    async fn create(&self, id: BlobId, _len_hint: Option<u64>) -> Result<Box<dyn Writer>, Error> {
        let owner = Arc::new(());
        let entry = Entry {
            owner: owner.clone(),
            written: (self.shared.clock)(),
            sealed: None,
        };
        let mut entries = self.shared.lock();
        if entries.contains_key(&id) {
            return Err(Error::Io(io::ErrorKind::AlreadyExists.into()));
        }
        entries.insert(id, entry);
        Ok(Box::new(MemoryWriter {
            shared: self.shared.clone(),
            owner,
            id,
            bytes: Vec::new(),
        }))
    }

    async fn open(&self, id: BlobId, sealed: Sealed) -> Result<Arc<dyn Blob>, Error> {
        let entries = self.shared.lock();
        let entry = entries.get(&id).ok_or(Error::NotFound)?;
        match &entry.sealed {
            Some(blob) if blob.sealed == sealed => Ok(blob.clone()),
            Some(_) => Err(Error::Damaged("sealed with another content".into())),
            None => Err(Error::Damaged("not sealed".into())),
        }
    }

    async fn delete(&self, id: BlobId) -> Result<(), Error> {
        self.shared.lock().remove(&id);
        Ok(())
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<Listed>, Error> {
        let now = (self.shared.clock)();
        let entries = self.shared.lock();
        let rest = entries.range((
            after.map_or(Bound::Unbounded, Bound::Excluded),
            Bound::Unbounded,
        ));
        let listed = rest.take(limit).map(|(id, entry)| Listed {
            id: *id,
            age: now.duration_since(entry.written).unwrap_or_default(),
        });
        Ok(listed.collect())
    }
}

struct MemoryWriter {
    shared: Arc<Shared>,
    owner: Arc<()>,
    id: BlobId,
    bytes: Vec<u8>,
}

impl MemoryWriter {
    /// Marks the blob as written to just now; `change` does what else is to be done to it.
    fn touch(&self, change: impl FnOnce(&mut Entry)) -> Result<(), Error> {
        let now = (self.shared.clock)();
        let mut entries = self.shared.lock();
        let entry = entries.get_mut(&self.id);
        let entry = entry.filter(|entry| Arc::ptr_eq(&entry.owner, &self.owner));
        let entry = entry.ok_or(Error::NotFound)?;
        entry.written = now;
        change(entry);
        Ok(())
    }
}

#[async_trait]
impl Writer for MemoryWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        self.touch(|_| {})?;
        self.bytes.extend_from_slice(&bytes);
        Ok(())
    }

    async fn seal(mut self: Box<Self>) -> Result<Sealed, Error> {
        let bytes = Bytes::from(std::mem::take(&mut self.bytes));
        let mut summer = Summer::new();
        summer.update(&bytes);
        let table = summer.finish();
        let sealed = table.sealed(self.id);
        let blob = MemoryBlob {
            bytes,
            table: Arc::new(table),
            sealed,
        };
        self.touch(|entry| entry.sealed = Some(Arc::new(blob)))?;
        Ok(sealed)
    }
}

impl Drop for MemoryWriter {
    fn drop(&mut self) {
        let mut entries = self.shared.lock();
        let unsealed = entries
            .get(&self.id)
            .is_some_and(|entry| entry.sealed.is_none() && Arc::ptr_eq(&entry.owner, &self.owner));
        if unsealed {
            entries.remove(&self.id);
        }
    }
}

struct MemoryBlob {
    bytes: Bytes,
    table: Arc<ChunkTable>,
    sealed: Sealed,
}

impl Blob for MemoryBlob {
    fn read(self: Arc<Self>, range: Range<u64>) -> ByteStream {
        Box::pin(Items(match range_error(&range, self.sealed.len) {
            Some(error) => VecDeque::from([Err(error)]),
            None => self.verified(range.start as usize..range.end as usize),
        }))
    }
}

impl MemoryBlob {
    /// The pieces of `range`, each one chunk at most, up to the first bad chunk.
    fn verified(&self, range: Range<usize>) -> VecDeque<Result<Bytes, Error>> {
        let mut items = VecDeque::new();
        for number in range.start / CHUNK_BYTES..range.end.div_ceil(CHUNK_BYTES) {
            let from = number * CHUNK_BYTES;
            let chunk = self
                .bytes
                .slice(from..self.bytes.len().min(from + CHUNK_BYTES));
            if self.table.good_prefix(number as u64, &chunk) < chunk.len() {
                items.push_back(Err(Error::Damaged(format!("checksum of chunk {number}"))));
                break;
            }
            let (start, end) = (range.start.max(from), range.end.min(from + chunk.len()));
            if start < end {
                items.push_back(Ok(chunk.slice(start - from..end - from)));
            }
        }
        items
    }
}

/// A stream of items that are there already.
struct Items(VecDeque<Result<Bytes, Error>>);

impl Stream for Items {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.pop_front())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::conformance::{content, put, read_all};

    const ID: BlobId = BlobId([1; 16]);
    const OTHER: BlobId = BlobId([2; 16]);

    fn store() -> Arc<MemoryStore> {
        MemoryStore::new(Arc::new(|| SystemTime::UNIX_EPOCH))
    }

    #[tokio::test]
    async fn a_power_cut_leaves_the_sealed_blobs_only() {
        let store = store();
        let sealed = put(&*store, ID, b"abc").await.unwrap();
        let mut writer = store.create(OTHER, None).await.unwrap();
        store.power_cut();
        let listed = store.list(None, 9).await.unwrap();
        assert_eq!(
            listed.iter().map(|listed| listed.id).collect::<Vec<_>>(),
            [ID]
        );
        let blob = store.open(ID, sealed).await.unwrap();
        assert_eq!(read_all(blob, 0..3).await.unwrap(), b"abc");
        let bytes = Bytes::from_static(b"abc");
        assert!(matches!(writer.write(bytes).await, Err(Error::NotFound)));
        assert!(matches!(writer.seal().await, Err(Error::NotFound)));
    }

    #[tokio::test]
    async fn a_bad_chunk_ends_the_stream_after_the_good_ones_before_it() {
        let store = store();
        let bytes = content(3 * CHUNK_BYTES, 1);
        let sealed = put(&*store, ID, &bytes).await.unwrap();
        store.flip_bit(ID, CHUNK_BYTES as u64).unwrap();
        let blob = store.open(ID, sealed).await.unwrap();
        let (read, error) = read_all(blob, 0..sealed.len).await.unwrap_err();
        assert!(matches!(error, Error::Damaged(_)));
        assert!(read == bytes[..CHUNK_BYTES]);
    }

    #[tokio::test]
    async fn ages_count_from_the_last_write() {
        let now = Arc::new(Mutex::new(SystemTime::UNIX_EPOCH));
        let clock = now.clone();
        let store = MemoryStore::new(Arc::new(move || *clock.lock().unwrap()));
        let mut writer = store.create(ID, None).await.unwrap();
        *now.lock().unwrap() += Duration::from_secs(50);
        writer.write(Bytes::from_static(b"abc")).await.unwrap();
        *now.lock().unwrap() += Duration::from_secs(7);
        let listed = store.list(None, 9).await.unwrap();
        assert_eq!(listed[0].age, Duration::from_secs(7));
    }
}
