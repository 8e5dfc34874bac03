//! The collector: deletes blobs that no record names any more, and never one that a record names.
//!
//! A blob is named by an owner marker from the transaction that stored its record until the collector has deleted
//! it. A transaction that drops a name writes a trash entry; when the entry is due the blob goes first, its marker and
//! the entry after, so that a crash in between only repeats work. A hold keeps a blob in the trash, across restarts too:
//! it is written by a transaction that finds the blob's name still there, for work that goes on when the name is gone. A
//! blob whose record was never written has no marker: what this process leaves (a refused commit, a client that went
//! away) it looks at again a little later; what a crash leaves the sweep finds.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use parbuckle_blob::BlobId;
use parbuckle_kv::{Entry, Reader};

use crate::background::ROUND;
use crate::error::{Error, chain};
use crate::records::{self, TrashRecord};
use crate::{Engine, keys};

/// Rounds between two sweeps: about six hours.
const ROUNDS_PER_SWEEP: u64 = 6 * 3600 / ROUND.as_secs();

/// Rounds after which every commit that was under way has ended: a minute.
const ROUNDS_TO_SETTLE: u64 = 60 / ROUND.as_secs();

/// Trash entries taken at a time.
const ENTRIES_MAX: usize = 64;

/// Blobs looked at in one step of a sweep.
const SWEEP_PAGE: usize = 1000;

/// Blobs in use: being written and not named yet, or being read.
#[derive(Debug, Default)]
pub(crate) struct Pins {
    counts: Mutex<HashMap<BlobId, usize>>,
    written: Mutex<Written>,
}

/// Blobs that this process has written and that may have stayed without a name: this time's, and those of the time
/// before, whose transactions have ended by now.
#[derive(Debug, Default)]
struct Written {
    fresh: Vec<BlobId>,
    settled: Vec<BlobId>,
}

/// Keeps a blob that is being written from the collector of this process while it lives. Afterwards the collector
/// looks whether the blob got a name.
#[derive(Debug)]
pub(crate) struct WritePin(Pin);

/// Keeps blobs from the collector of this process while it lives.
#[derive(Debug)]
pub(crate) struct Pin {
    pins: Arc<Pins>,
    blobs: Vec<BlobId>,
}

impl Pins {
    /// Pins blobs.
    pub(crate) fn pin(self: &Arc<Self>, blobs: impl IntoIterator<Item = BlobId>) -> Pin {
        let blobs: Vec<BlobId> = blobs.into_iter().collect();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        blobs
            .iter()
            .for_each(|blob| *counts.entry(*blob).or_default() += 1);
        drop(counts);
        Pin {
            pins: Arc::clone(self),
            blobs,
        }
    }

    /// Pins a blob that is about to be written.
    pub(crate) fn pin_written(self: &Arc<Self>, blob: BlobId) -> WritePin {
        WritePin(self.pin([blob]))
    }

    fn lock_written(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds(&self, blob: &BlobId) -> bool {
        self.counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .contains_key(blob)
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let mut counts = self
            .pins
            .counts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for blob in &self.blobs {
            if let Some(count) = counts.get_mut(blob) {
                *count -= 1;
                if *count == 0 {
                    counts.remove(blob);
                }
            }
        }
    }
}

impl Drop for WritePin {
    fn drop(&mut self) {
        let mut written = self.0.pins.lock_written();
        written.fresh.extend_from_slice(&self.0.blobs);
    }
}

impl Engine {
    /// One round of the collector's work in the background.
    pub(crate) async fn collect_once(
        &self,
        round: u64,
        started: jiff::Timestamp,
    ) -> Result<(), Error> {
        self.empty_trash().await?;
        self.fold_counters().await?;
        if round.is_multiple_of(ROUNDS_TO_SETTLE) {
            self.delete_unnamed().await?;
        }
        if round.is_multiple_of(ROUNDS_PER_SWEEP) {
            // Whatever this process writes is younger than it. What is older and has no marker is from before a crash.
            let age = self.environment.now().duration_since(started);
            self.sweep_orphans(Duration::try_from(age).unwrap_or_default())
                .await?;
        }
        Ok(())
    }

    /// Deletes the blobs of all trash entries that are due. Returns how many blobs are gone. An entry that can't be emptied
    /// does not keep the others: it stays for the next time, and its error is returned at the end.
    pub async fn empty_trash(&self) -> Result<usize, Error> {
        let (mut gone, mut failed) = (0, None);
        let mut from = keys::trash_due(self.now_millis(), ENTRIES_MAX);
        loop {
            let reader = self.kv.snapshot().await?;
            let entries = reader.scan(&from).await?;
            for entry in &entries {
                match self.empty_entry(&*reader, entry).await {
                    Ok(blobs) => gone += blobs,
                    Err(error) => failed = Some(error),
                }
            }
            match entries.last() {
                Some(last) if entries.len() == ENTRIES_MAX => {
                    from.start = [&last.key[..], &[0]].concat()
                }
                _ => return failed.map_or(Ok(gone), Err),
            }
        }
    }

    /// `reader` is the snapshot that the entry was found on: nothing can be held any more that is not held there, for the
    /// name is gone.
    async fn empty_entry(&self, reader: &dyn Reader, entry: &Entry) -> Result<usize, Error> {
        let trash: TrashRecord = records::decode(&entry.value)?;
        if trash.blobs.iter().any(|blob| self.pins.holds(&blob.0)) {
            return Ok(0);
        }
        for blob in &trash.blobs {
            let hold = keys::all(&keys::blob_holds(blob.0), 1);
            if !reader.scan(&hold).await?.is_empty() {
                return Ok(0);
            }
        }
        for blob in &trash.blobs {
            self.blobs.delete(blob.0).await?;
        }
        let trash = &trash;
        self.transact("empty_trash", |tx| async move {
            tx.delete(entry.key.to_vec());
            trash
                .blobs
                .iter()
                .for_each(|blob| tx.delete(keys::blob_owner(blob.0)));
            Ok(())
        })
        .await?;
        Ok(trash.blobs.len())
    }

    /// Deletes blobs that this process wrote, at the latest before the previous call, and that no record names. Returns
    /// how many. After an error it looks at the same blobs again later.
    pub async fn delete_unnamed(&self) -> Result<usize, Error> {
        let settled = {
            let mut written = self.pins.lock_written();
            let fresh = std::mem::take(&mut written.fresh);
            std::mem::replace(&mut written.settled, fresh)
        };
        let (mut gone, mut failed) = (0, None);
        for page in settled.chunks(SWEEP_PAGE) {
            match self.delete_without_marker(page).await {
                Ok(blobs) => gone += blobs,
                Err(error) => {
                    self.pins.lock_written().fresh.extend_from_slice(page);
                    failed = Some(error);
                }
            }
        }
        failed.map_or(Ok(gone), Err)
    }

    /// Deletes blobs that have no owner marker, are not in use and were last written longer than `age` ago. Returns how
    /// many. One process at a time may write to the blob store when `age` is less than its longest upload.
    pub async fn sweep_orphans(&self, age: Duration) -> Result<usize, Error> {
        let mut gone = 0;
        let mut after = None;
        loop {
            let page = self.blobs.list(after, SWEEP_PAGE).await?;
            let old =
                |listed: &&parbuckle_blob::Listed| listed.age > age && !self.pins.holds(&listed.id);
            let candidates: Vec<BlobId> = page.iter().filter(old).map(|listed| listed.id).collect();
            gone += self.delete_without_marker(&candidates).await?;
            match page.last() {
                Some(last) if page.len() == SWEEP_PAGE => after = Some(last.id),
                _ => return Ok(gone),
            }
        }
    }

    async fn delete_without_marker(&self, blobs: &[BlobId]) -> Result<usize, Error> {
        let markers: Vec<Vec<u8>> = blobs.iter().map(|id| keys::blob_owner(*id)).collect();
        let owned = self.kv.snapshot().await?.get_many(&markers).await?;
        let mut gone = 0;
        for (id, _) in blobs
            .iter()
            .zip(owned)
            .filter(|(_, marker)| marker.is_none())
        {
            match self.blobs.delete(*id).await {
                Ok(()) => gone += 1,
                Err(error) => tracing::warn!(
                    cause = chain(&error),
                    "a blob without a name can't be deleted"
                ),
            }
        }
        Ok(gone)
    }
}
