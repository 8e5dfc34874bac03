//! Object count and bytes of a bucket.
//!
//! A shared counter would make writers of one bucket wait for each other. Each change writes a small record of its own,
//! in its own transaction; the sum over all of them is exact at any snapshot. In the background many are folded into one.
//!
//! A store may take long to step over what is left of folded records. So the bucket's floor tells where its oldest
//! record stands, the last sum. Every writer reads it in his transaction and writes at it or above, whatever his clock says:
//! nothing is ever written below.

use std::collections::HashSet;
use std::sync::{Mutex, PoisonError};

use parbuckle_kv::{Reader, Scan};
use parbuckle_model::{BucketId, Namespace};

use crate::error::Error;
use crate::records::{self, CounterFloorRecord, CounterRecord};
use crate::transact::Tx;
use crate::{Engine, keys};

/// Records folded at a time.
const FOLD_MAX: usize = 1000;

/// Buckets with fewer records than this are left alone.
const FOLD_MIN: usize = 64;

/// Buckets whose counters this process has changed since they were last folded.
#[derive(Debug, Default)]
pub(crate) struct Touched(Mutex<HashSet<(Namespace, BucketId)>>);

/// What a change of a bucket is called in its journals (counters, replication), minted before the transaction.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) millis: u64,
    pub(crate) random: [u8; 8],
}

impl Engine {
    /// Mints the name of a change of a bucket.
    pub(crate) fn new_change(&self) -> Change {
        Change {
            millis: self.now_millis(),
            random: self.random(),
        }
    }

    /// Writes a change: so much more or less.
    pub(crate) async fn count(
        &self,
        tx: &Tx,
        at: (&Namespace, &BucketId),
        change: &Change,
        difference: CounterRecord,
    ) -> Result<(), Error> {
        let (namespace, bucket) = at;
        if difference != CounterRecord::default() {
            let floor = floor(tx.reader(), namespace, bucket).await?;
            let millis = change.millis.max(floor);
            let key = keys::counter(namespace, bucket, millis, change.random);
            tx.put(key, &difference);
            self.touch(namespace, bucket);
        }
        Ok(())
    }

    /// Objects and bytes of a bucket. What an earlier process has left to fold is folded after this.
    pub(crate) async fn counted(
        &self,
        reader: &dyn Reader,
        namespace: &Namespace,
        bucket: &BucketId,
    ) -> Result<CounterRecord, Error> {
        let mut sum = CounterRecord::default();
        let mut scan = oldest(reader, namespace, bucket, FOLD_MAX).await?;
        loop {
            let page = reader.scan(&scan).await?;
            if page.len() >= FOLD_MIN {
                self.touch(namespace, bucket);
            }
            for entry in &page {
                sum = sum.plus(&records::decode(&entry.value)?);
            }
            match page.last() {
                Some(last) if page.len() == FOLD_MAX => scan.start = [&last.key[..], &[0]].concat(),
                _ => return Ok(sum),
            }
        }
    }

    /// Folds the counters of all buckets that were changed since the last call, and of those that could not be folded
    /// then.
    pub(crate) async fn fold_counters(&self) -> Result<(), Error> {
        let touched: Vec<_> = self.counters.lock().drain().collect();
        let mut failed = None;
        for (namespace, bucket) in touched {
            if let Err(error) = self.fold_whole_bucket(&namespace, &bucket).await {
                self.touch(&namespace, &bucket);
                failed = Some(error);
            }
        }
        failed.map_or(Ok(()), Err)
    }

    async fn fold_whole_bucket(
        &self,
        namespace: &Namespace,
        bucket: &BucketId,
    ) -> Result<(), Error> {
        loop {
            let folded = self.transact("fold_counters", |tx| async move {
                fold_page(&tx, (namespace, bucket), FOLD_MIN, FOLD_MAX).await
            });
            if folded.await? < FOLD_MAX {
                return Ok(());
            }
        }
    }

    fn touch(&self, namespace: &Namespace, bucket: &BucketId) {
        let entry = (namespace.clone(), *bucket);
        self.counters.lock().insert(entry);
    }
}

/// Folds the oldest records of a bucket, at most so many, into one, if there are at least `least`, and raises its floor
/// to where that stands. Returns how many were folded.
pub(crate) async fn fold_page(
    tx: &Tx,
    (namespace, bucket): (&Namespace, &BucketId),
    least: usize,
    most: usize,
) -> Result<usize, Error> {
    let scan = oldest(tx.reader(), namespace, bucket, most).await?;
    let page = tx.reader().scan(&scan).await?;
    let Some(last) = page.last().filter(|_| page.len() >= least) else {
        return Ok(0);
    };
    let mut sum = CounterRecord::default();
    for entry in &page {
        sum = sum.plus(&records::decode(&entry.value)?);
        tx.delete(entry.key.to_vec());
    }
    let millis = keys::counter_millis(&last.key);
    tx.put(keys::counter(namespace, bucket, millis, [0; 8]), &sum);
    let floor = CounterFloorRecord { millis };
    tx.put(keys::counter_floor(namespace, bucket), &floor);
    Ok(page.len())
}

/// The oldest records of a bucket.
async fn oldest(
    reader: &dyn Reader,
    namespace: &Namespace,
    bucket: &BucketId,
    limit: usize,
) -> Result<Scan, Error> {
    let floor = floor(reader, namespace, bucket).await?;
    let mut scan = keys::all(&keys::counters(namespace, bucket), limit);
    scan.start = keys::counter(namespace, bucket, floor, [0; 8]);
    Ok(scan)
}

/// The millisecond below which a bucket has no records, and never will.
async fn floor(
    reader: &dyn Reader,
    namespace: &Namespace,
    bucket: &BucketId,
) -> Result<u64, Error> {
    let key = keys::counter_floor(namespace, bucket);
    let stored = reader.get_many(&[key]).await?.pop().flatten();
    let floor: Option<CounterFloorRecord> = records::decode_optional(stored.as_ref())?;
    Ok(floor.map_or(0, |floor| floor.millis))
}

impl Touched {
    fn lock(&self) -> std::sync::MutexGuard<'_, HashSet<(Namespace, BucketId)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CounterRecord {
    /// Both together.
    pub(crate) fn plus(&self, other: &Self) -> Self {
        Self {
            objects: self.objects + other.objects,
            bytes: self.bytes + other.bytes,
            old_objects: self.old_objects + other.old_objects,
            old_bytes: self.old_bytes + other.old_bytes,
        }
    }

    /// Without the other.
    pub(crate) fn minus(&self, other: &Self) -> Self {
        Self {
            objects: self.objects - other.objects,
            bytes: self.bytes - other.bytes,
            old_objects: self.old_objects - other.old_objects,
            old_bytes: self.old_bytes - other.old_bytes,
        }
    }
}
