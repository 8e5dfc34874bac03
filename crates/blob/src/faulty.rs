//! A store around another one that fails where a test says. Corruption belongs below the checks and is not
//! made here: see [`local::tamper`](crate::local::tamper) and [`MemoryStore`](crate::MemoryStore).

use std::ops::Range;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use async_trait::async_trait;
use bytes::Bytes;
use futures_core::Stream;

use crate::{Blob, BlobId, ByteStream, Error, Listed, Sealed, Store, Writer};

/// What can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// [`Store::create`].
    Create,
    /// [`Writer::write`].
    Write,
    /// [`Writer::seal`].
    Seal,
    /// [`Store::open`].
    Open,
    /// One item of a [`ByteStream`], end of stream not counted.
    Read,
    /// [`Store::delete`].
    Delete,
    /// [`Store::list`].
    List,
}

/// A store that counts operations and fails chosen ones. A failed operation does not reach the store within; its
/// writer or stream is dead.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    plan: Arc<Plan>,
}

impl FaultyStore {
    /// A wrapper without faults.
    pub fn new(inner: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            plan: Arc::default(),
        })
    }

    /// Lets the `nth` operation of this kind fail with `error`; the first ever is 1.
    pub fn fail(&self, operation: Operation, nth: u64, error: Error) {
        self.plan.lock().faults.push((operation, nth, error));
    }

    /// How many operations of this kind were begun, failed ones included.
    pub fn count(&self, operation: Operation) -> u64 {
        self.plan.lock().counts[operation as usize]
    }
}

#[derive(Default)]
struct Plan(Mutex<Progress>);

#[derive(Default)]
struct Progress {
    /// By [`Operation`].
    counts: [u64; Operation::List as usize + 1],
    faults: Vec<(Operation, u64, Error)>,
}

impl Plan {
    /// Counts an operation, and fails it if the plan says so.
    fn begin(&self, operation: Operation) -> Result<(), Error> {
        let mut progress = self.lock();
        let count = &mut progress.counts[operation as usize];
        *count += 1;
        let now = *count;
        let due = |fault: &(Operation, u64, Error)| fault.0 == operation && fault.1 == now;
        match progress.faults.iter().position(due) {
            Some(index) => Err(progress.faults.swap_remove(index).2),
            None => Ok(()),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        // Counts and faults are sound between any two statements.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Store for FaultyStore {
    async fn create(&self, id: BlobId, len_hint: Option<u64>) -> Result<Box<dyn Writer>, Error> {
        self.plan.begin(Operation::Create)?;
        Ok(Box::new(FaultyWriter {
            inner: Some(self.inner.create(id, len_hint).await?),
            plan: self.plan.clone(),
        }))
    }

    async fn open(&self, id: BlobId, sealed: Sealed) -> Result<Arc<dyn Blob>, Error> {
        self.plan.begin(Operation::Open)?;
        Ok(Arc::new(FaultyBlob {
            inner: self.inner.open(id, sealed).await?,
            plan: self.plan.clone(),
        }))
    }

    async fn delete(&self, id: BlobId) -> Result<(), Error> {
        self.plan.begin(Operation::Delete)?;
        self.inner.delete(id).await
    }

    async fn list(&self, after: Option<BlobId>, limit: usize) -> Result<Vec<Listed>, Error> {
        self.plan.begin(Operation::List)?;
        self.inner.list(after, limit).await
    }
}

struct FaultyWriter {
    /// `None` after a failure.
    inner: Option<Box<dyn Writer>>,
    plan: Arc<Plan>,
}

impl FaultyWriter {
    /// The writer within, out of reach until the operation has succeeded.
    fn begin(&mut self, operation: Operation) -> Result<Box<dyn Writer>, Error> {
        let inner = self.inner.take();
        self.plan.begin(operation)?;
        inner.ok_or_else(|| Error::Io(std::io::Error::other("an earlier write failed")))
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl Writer for FaultyWriter {
    async fn write(&mut self, bytes: Bytes) -> Result<(), Error> {
        let mut inner = self.begin(Operation::Write)?;
        inner.write(bytes).await?;
        self.inner = Some(inner);
        Ok(())
    }

    async fn seal(mut self: Box<Self>) -> Result<Sealed, Error> {
        self.begin(Operation::Seal)?.seal().await
    }
}

struct FaultyBlob {
    inner: Arc<dyn Blob>,
    plan: Arc<Plan>,
}

#[deny(clippy::missing_trait_methods)]
impl Blob for FaultyBlob {
    fn read(self: Arc<Self>, range: Range<u64>) -> ByteStream {
        Box::pin(FaultyStream {
            inner: Some(self.inner.clone().read(range)),
            plan: self.plan.clone(),
        })
    }
}

struct FaultyStream {
    /// `None` after a failure.
    inner: Option<ByteStream>,
    plan: Arc<Plan>,
}

impl Stream for FaultyStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        let item = ready!(inner.as_mut().poll_next(context));
        if item.is_some()
            && let Err(error) = self.plan.begin(Operation::Read)
        {
            self.inner = None;
            return Poll::Ready(Some(Err(error)));
        }
        Poll::Ready(item)
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::MemoryStore;
    use crate::conformance::{content, put, read_all};

    const ID: BlobId = BlobId([1; 16]);

    fn store() -> Arc<FaultyStore> {
        FaultyStore::new(MemoryStore::new(Arc::new(|| SystemTime::UNIX_EPOCH)))
    }

    #[tokio::test]
    async fn the_chosen_operation_fails_once_with_the_chosen_error() {
        let store = store();
        store.fail(Operation::Delete, 2, Error::ReadOnly);
        assert!(store.delete(ID).await.is_ok());
        assert!(matches!(store.delete(ID).await, Err(Error::ReadOnly)));
        assert!(store.delete(ID).await.is_ok());
        assert_eq!(store.count(Operation::Delete), 3);
    }

    #[tokio::test]
    async fn a_failed_create_makes_nothing() {
        let store = store();
        store.fail(Operation::Create, 1, Error::ReadOnly);
        assert!(store.create(ID, None).await.is_err());
        assert_eq!(store.list(None, 9).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_failed_write_kills_the_blob() {
        let store = store();
        store.fail(Operation::Write, 1, Error::ReadOnly);
        let mut writer = store.create(ID, None).await.unwrap();
        assert!(matches!(
            writer.write(Bytes::from_static(b"a")).await,
            Err(Error::ReadOnly)
        ));
        assert!(matches!(
            writer.write(Bytes::from_static(b"b")).await,
            Err(Error::Io(_))
        ));
        assert!(matches!(writer.seal().await, Err(Error::Io(_))));
        assert_eq!(store.list(None, 9).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_failed_seal_leaves_no_blob() {
        let store = store();
        store.fail(Operation::Seal, 1, Error::ReadOnly);
        let writer = store.create(ID, None).await.unwrap();
        assert!(matches!(writer.seal().await, Err(Error::ReadOnly)));
        assert_eq!(store.list(None, 9).await.unwrap(), []);
    }

    #[tokio::test]
    async fn a_failed_read_ends_the_stream_after_the_items_before_it() {
        let store = store();
        let bytes = content(3 * 64 * 1024, 1);
        let sealed = put(&*store, ID, &bytes).await.unwrap();
        store.fail(Operation::Read, 2, Error::ReadOnly);
        let blob = store.open(ID, sealed).await.unwrap();
        let (read, error) = read_all(blob, 0..sealed.len).await.unwrap_err();
        assert!(matches!(error, Error::ReadOnly));
        assert!(!read.is_empty() && bytes.starts_with(&read));
    }

    #[tokio::test]
    async fn a_failed_open_is_followed_by_a_good_one() {
        let store = store();
        let sealed = put(&*store, ID, b"abc").await.unwrap();
        store.fail(Operation::Open, 1, Error::NotFound);
        assert!(matches!(
            store.open(ID, sealed).await.err(),
            Some(Error::NotFound)
        ));
        assert!(store.open(ID, sealed).await.is_ok());
    }
}
