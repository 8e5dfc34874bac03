//! Open, checked blobs, kept so that a blob that is read again and again is opened once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::reader::LocalBlob;
use crate::BlobId;

/// Handles kept at most. Each holds a file descriptor, of which a process may have only 1024 by default.
pub(super) const HANDLES_MAX: usize = 128;

/// The most recently used handles.
#[derive(Default)]
pub(super) struct Handles {
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Each handle with the time of its last use, counted in uses.
    kept: HashMap<BlobId, (Arc<LocalBlob>, u64)>,
    uses: u64,
    /// Counts calls of `forget`.
    generation: u64,
}

impl Handles {
    pub(super) fn find(&self, id: BlobId) -> Option<Arc<LocalBlob>> {
        let mut inner = self.lock();
        inner.uses += 1;
        let now = inner.uses;
        let (blob, used) = inner.kept.get_mut(&id)?;
        *used = now;
        Some(blob.clone())
    }

    /// To be taken before the file is opened, and given to [`Handles::keep`].
    pub(super) fn generation(&self) -> u64 {
        self.lock().generation
    }

    /// Keeps `blob`, unless something was deleted since `generation`: it might have been this blob, whose
    /// handle would then stay for ever.
    pub(super) fn keep(&self, id: BlobId, blob: &Arc<LocalBlob>, generation: u64) {
        let mut inner = self.lock();
        if inner.generation != generation || !blob.is_cheap_to_keep() {
            return;
        }
        let oldest = inner.oldest_if_full();
        let evicted = oldest.and_then(|id| inner.kept.remove(&id));
        inner.uses += 1;
        let now = inner.uses;
        inner.kept.insert(id, (blob.clone(), now));
        drop(inner);
        drop(evicted); // closes a file, which the lock need not wait for
    }

    /// Drops the handle of a blob. To be called after its file was unlinked.
    pub(super) fn forget(&self, id: BlobId) {
        let mut inner = self.lock();
        inner.generation += 1;
        let forgotten = inner.kept.remove(&id);
        drop(inner);
        drop(forgotten);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        // No caller's code runs under the lock; every state between two statements is sound.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn oldest_if_full(&self) -> Option<BlobId> {
        if self.kept.len() < HANDLES_MAX {
            return None;
        }
        let oldest = self.kept.iter().min_by_key(|(_, (_, used))| *used);
        oldest.map(|(id, _)| *id)
    }
}
