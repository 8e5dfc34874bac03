//! The transaction of every backend that reads synchronously and validates optimistically.

use std::sync::{Arc, Mutex, MutexGuard};

use async_trait::async_trait;
use bytes::Bytes;

use crate::optimistic::ReadSet;
use crate::view::{Examined, Overlay, View, WriteSet, scan, scan_groups};
use crate::{
    CommitError, Entry, Error, GroupScan, KEY_BYTES_MAX, Reader, Row, Scan, Transaction,
    VALUE_BYTES_MAX,
};

/// What a transaction asks to be made true.
pub(crate) struct Proposal<S> {
    /// The state that was read.
    pub(crate) state: Arc<S>,
    pub(crate) reads: ReadSet,
    /// Never empty.
    pub(crate) writes: WriteSet,
}

/// Decides about proposals, one after the other.
#[async_trait]
pub(crate) trait Committer: Send + Sync {
    /// A state of the store.
    type State: View;

    /// Writes the proposal unless a commit since its state changed what it read.
    async fn commit(&self, proposal: Proposal<Self::State>) -> Result<(), CommitError>;
}

/// Collects reads and writes over one state and proposes them as a whole.
pub(crate) struct OptimisticTransaction<C: Committer> {
    state: Arc<C::State>,
    committer: Arc<C>,
    buffer: Mutex<Buffer>,
}

#[derive(Default)]
struct Buffer {
    reads: ReadSet,
    writes: WriteSet,
}

impl<C: Committer> OptimisticTransaction<C> {
    pub(crate) fn new(state: Arc<C::State>, committer: Arc<C>) -> Self {
        Self {
            state,
            committer,
            buffer: Mutex::default(),
        }
    }

    fn buffer(&self) -> MutexGuard<'_, Buffer> {
        self.buffer
            .lock()
            .expect("no code panics while it holds this lock")
    }

    /// Runs a range read over the state and the own writes, and notes what it covered.
    fn examine<T>(
        &self,
        read: impl FnOnce(&dyn View) -> Result<Examined<T>, Error>,
    ) -> Result<T, Error> {
        let mut buffer = self.buffer();
        let examined = read(&Overlay {
            base: &*self.state,
            writes: &buffer.writes,
        })?;
        buffer.reads.ranges.extend(examined.ranges);
        Ok(examined.answer)
    }
}

#[async_trait]
impl<C: Committer + 'static> Reader for OptimisticTransaction<C> {
    async fn get_many(&self, keys: &[Vec<u8>]) -> Result<Vec<Option<Bytes>>, Error> {
        let mut buffer = self.buffer();
        let mut values = Vec::with_capacity(keys.len());
        for key in keys {
            // An own write answers by itself: no other commit can change this answer.
            let value = match buffer.writes.get(key) {
                Some(written) => written.clone(),
                None => {
                    let value = self.state.value(key)?;
                    buffer.reads.keys.push(key.clone());
                    value
                }
            };
            values.push(value);
        }
        Ok(values)
    }

    async fn scan(&self, range: &Scan) -> Result<Vec<Entry>, Error> {
        self.examine(|view| scan(view, range))
    }

    async fn scan_groups(&self, range: &GroupScan) -> Result<Vec<Row>, Error> {
        self.examine(|view| scan_groups(view, range))
    }
}

#[async_trait]
impl<C: Committer + 'static> Transaction for OptimisticTransaction<C> {
    fn put(&self, key: Vec<u8>, value: Bytes) {
        self.buffer().writes.insert(key, Some(value));
    }

    fn delete(&self, key: Vec<u8>) {
        self.buffer().writes.insert(key, None);
    }

    async fn commit(&self) -> Result<(), CommitError> {
        let Buffer { reads, writes } = std::mem::take(&mut *self.buffer());
        if writes.is_empty() {
            return Ok(());
        }
        check_limits(&writes)?;
        let state = Arc::clone(&self.state);
        self.committer
            .commit(Proposal {
                state,
                reads,
                writes,
            })
            .await
    }
}

/// Refuses what some backend could not hold, so that all refuse the same.
fn check_limits(writes: &WriteSet) -> Result<(), CommitError> {
    let refuse = |text: String| Err(CommitError::NotDone(Error::Damaged(text, None)));
    for (key, value) in writes {
        if key.is_empty() || key.len() > KEY_BYTES_MAX {
            return refuse(format!(
                "a key has {} bytes; 1 to {KEY_BYTES_MAX} fit",
                key.len()
            ));
        }
        let value_len = value.as_ref().map_or(0, Bytes::len);
        if value_len > VALUE_BYTES_MAX {
            return refuse(format!(
                "a value has {value_len} bytes; {VALUE_BYTES_MAX} fit"
            ));
        }
    }
    Ok(())
}
