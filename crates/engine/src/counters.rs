//! Object count and bytes of a bucket.
//!
//! A shared counter would make writers of one bucket wait for each other. Each change writes a small record of its own,
//! in its own transaction; the sum over all of them is exact at any snapshot. In the background many are folded into one.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};

use parbuckle_kv::{Reader, Scan};
use parbuckle_model::{BucketId, Namespace};

use crate::error::Error;
use crate::records::{self, CounterRecord};
use crate::transact::Tx;
use crate::{Engine, keys};

/// Records folded at a time.
const FOLD_MAX: usize = 1000;

/// Buckets with fewer records than this are left alone.
const FOLD_MIN: usize = 64;

/// Buckets whose counters this process has changed since they were last folded, and how far it has folded which.
#[derive(Debug, Default)]
pub(crate) struct Touched(Mutex<Folding>);

#[derive(Debug, Default)]
struct Folding {
    touched: HashSet<(Namespace, BucketId)>,
    /// Where the last sum of a bucket stands. Behind it lie only the traces of folded records, which the store may take
    /// long to step over, and changes that were named before it and committed after; a start folds those.
    sums: HashMap<BucketId, Vec<u8>>,
}

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
    pub(crate) fn count(
        &self,
        tx: &Tx,
        at: (&Namespace, &BucketId),
        change: &Change,
        difference: CounterRecord,
    ) {
        let (namespace, bucket) = at;
        if difference != CounterRecord::default() {
            let key = keys::counter(namespace, bucket, change.millis, change.random);
            tx.put(key, &difference);
            self.touch(namespace, bucket);
        }
    }

    /// Objects and bytes of a bucket.
    pub(crate) async fn counted(
        &self,
        reader: &dyn Reader,
        namespace: &Namespace,
        bucket: &BucketId,
    ) -> Result<CounterRecord, Error> {
        let prefix = keys::counters(namespace, bucket);
        let mut sum = CounterRecord::default();
        let mut scan = keys::all(&prefix, FOLD_MAX);
        loop {
            let page = reader.scan(&scan).await?;
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
        let touched: Vec<_> = self.counters.lock().touched.drain().collect();
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
        while self.fold_bucket(namespace, bucket).await? {}
        Ok(())
    }

    /// Folds the oldest records of a bucket into one. Returns whether there may be more to fold.
    async fn fold_bucket(&self, namespace: &Namespace, bucket: &BucketId) -> Result<bool, Error> {
        let mut scan = keys::all(&keys::counters(namespace, bucket), FOLD_MAX);
        if let Some(sum) = self.counters.lock().sums.get(bucket) {
            scan.start.clone_from(sum);
        }
        let scan = &scan;
        let folded = self
            .transact("fold_counters", |tx| async move {
                fold_page(&tx, scan, FOLD_MIN).await
            })
            .await?;
        let Some((sum, more)) = folded else {
            return Ok(false);
        };
        self.counters.lock().sums.insert(*bucket, sum);
        Ok(more)
    }

    fn touch(&self, namespace: &Namespace, bucket: &BucketId) {
        let entry = (namespace.clone(), *bucket);
        self.counters.lock().touched.insert(entry);
    }
}

/// Folds the records of a page into one, if there are at least so many. Returns where that stands, and whether the page
/// was full.
pub(crate) async fn fold_page(
    tx: &Tx,
    scan: &Scan,
    least: usize,
) -> Result<Option<(Vec<u8>, bool)>, Error> {
    let page = tx.reader().scan(scan).await?;
    let Some(last) = page.last().filter(|_| page.len() >= least) else {
        return Ok(None);
    };
    let mut sum = CounterRecord::default();
    for entry in &page {
        sum = sum.plus(&records::decode(&entry.value)?);
        tx.delete(entry.key.to_vec());
    }
    let place = first_of_its_millisecond(&last.key);
    tx.put(place.clone(), &sum);
    Ok(Some((place, page.len() == scan.limit)))
}

/// Where a sum up to this change stands: before all changes of the same millisecond, those to come included.
fn first_of_its_millisecond(key: &[u8]) -> Vec<u8> {
    let random = key.len().saturating_sub(8);
    [&key[..random], &[0; 8]].concat()
}

impl Touched {
    fn lock(&self) -> std::sync::MutexGuard<'_, Folding> {
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
