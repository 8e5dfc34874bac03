//! What buckets ask the background for: replication, lifecycle policies, auto-tiering.

use std::sync::{Mutex, PoisonError};

use parbuckle_kv::Scan;
use parbuckle_model::AutoTiering;

use crate::error::Error;
use crate::lifecycle::{NotedReads, Reads};
use crate::records::{self, BucketRecord, UpkeepCounts};
use crate::{Engine, keys};

/// Buckets taken at a time.
const PAGE: usize = 1000;

/// What the upkeep holds in memory.
#[derive(Debug, Default)]
pub(crate) struct Upkeep {
    /// Held by the round that is under way: there is one at a time.
    turn: tokio::sync::Mutex<()>,
    /// Since the start of the process.
    totals: Mutex<UpkeepCounts>,
    /// Which objects were read since the last round.
    pub(crate) reads: Reads,
}

impl Engine {
    /// One round over all buckets that ask for something. What fails for one bucket does not keep the others; the last
    /// error is returned at the end. A bucket with much to do has its turn, and goes on in the next round, which then
    /// follows at once.
    pub async fn upkeep_once(&self) -> Result<(), Error> {
        if self.upkeep_round().await? {
            self.upkeep_waits.notify_one();
        }
        Ok(())
    }

    /// Rounds until nothing is left that can be done now. Returns [`Engine::upkeep_totals`].
    pub async fn upkeep_fully(&self) -> Result<UpkeepCounts, Error> {
        while self.upkeep_round().await? {}
        Ok(self.upkeep_totals())
    }

    /// What lifecycle policies and auto-tiering have done since the start of the process.
    pub fn upkeep_totals(&self) -> UpkeepCounts {
        *self.upkeep.totals()
    }

    /// Returns whether another round shall follow at once.
    async fn upkeep_round(&self) -> Result<bool, Error> {
        let _turn = self.upkeep.turn.lock().await;
        let mut reads = self.upkeep.reads.take();
        let mut scan = keys::all(&keys::kept_buckets(), PAGE);
        let (mut more, mut failed) = (false, None);
        loop {
            let page = self.kv.snapshot().await?.scan(&scan).await?;
            for entry in &page {
                match self.keep_bucket(&entry.value, &mut reads).await {
                    Ok(unfinished) => more |= unfinished,
                    Err(error) => failed = Some(error),
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => scan = after(&scan, &last.key),
                _ => return failed.map_or(Ok(more), Err),
            }
        }
    }

    /// Does one thing after the other; what fails does not keep the rest.
    async fn keep_bucket(&self, mark: &[u8], reads: &mut NotedReads) -> Result<bool, Error> {
        let Some(path) = keys::bucket_of_mark(mark) else {
            return Ok(false);
        };
        let key = keys::bucket(&path.namespace, &path.bucket);
        let found = self.kv.snapshot().await?.get_many(&[key]).await?;
        let found = found.into_iter().next().flatten();
        let Some(bucket) = records::decode_optional::<BucketRecord>(found.as_ref())? else {
            return Ok(false);
        };
        let replicated = self.replicate_bucket(&path, &bucket).await;
        // Only the replication writes to its destination.
        if bucket.read_only {
            return replicated.map(|()| false);
        }
        let noted = match bucket.auto_tiering {
            AutoTiering::Disabled => Ok(()),
            AutoTiering::InfrequentAccess => {
                let noted = reads.remove(&bucket.id).unwrap_or_default();
                self.keep_reads(&path, &bucket, noted).await
            }
        };
        let more = self.run_lifecycle(&path, &bucket).await;
        replicated.and(noted).and(more)
    }
}

impl Upkeep {
    /// Adds what has been done.
    pub(crate) fn add(&self, counts: &UpkeepCounts) {
        self.totals().add(counts);
    }

    fn totals(&self) -> std::sync::MutexGuard<'_, UpkeepCounts> {
        self.totals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn after(scan: &Scan, last: &[u8]) -> Scan {
    Scan {
        start: [last, &[0]].concat(),
        ..scan.clone()
    }
}
