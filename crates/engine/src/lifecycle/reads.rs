//! When objects were last read, where auto-tiering asks. A read only notes it in memory; the upkeep writes it down, at
//! most once a day for each object. What a crash or a full memory forgets makes an object move too early, and come back
//! with its next read.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;
use parbuckle_model::{AutoTiering, BucketId, ObjectName};

use super::step::{is_auto_tiered, seconds};
use crate::error::Error;
use crate::records::{self, BucketRecord, LastReadRecord, ObjectRecord, UpkeepCounts};
use crate::{BucketPath, Engine, ObjectPath, keys};

/// Most objects that are noted between two rounds of the upkeep.
const NOTES_MAX: usize = 100_000;

/// Seconds for which a stored time is good enough.
const FRESH: u64 = 24 * 60 * 60;

/// Objects looked up at a time.
const PAGE: usize = 250;

/// What was read since the last round.
#[derive(Debug, Default)]
pub(crate) struct Reads(Mutex<HashMap<(BucketId, ObjectName), Timestamp>>);

/// The same, by bucket.
pub(crate) type NotedReads = BTreeMap<BucketId, Vec<(ObjectName, Timestamp)>>;

impl Reads {
    fn note(&self, bucket: BucketId, name: &ObjectName, time: Timestamp) {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() < NOTES_MAX {
            noted.insert((bucket, name.clone()), time);
        }
    }

    /// Takes all.
    pub(crate) fn take(&self) -> NotedReads {
        let taken = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        let mut by_bucket = NotedReads::new();
        for ((bucket, name), time) in taken {
            by_bucket.entry(bucket).or_default().push((name, time));
        }
        by_bucket
    }
}

impl Engine {
    /// Notes that an object is being read, where auto-tiering asks for it.
    pub(crate) fn note_read(
        &self,
        bucket: &BucketRecord,
        path: &ObjectPath,
        record: &ObjectRecord,
    ) {
        if bucket.auto_tiering != AutoTiering::Disabled && is_auto_tiered(record) {
            self.upkeep.reads.note(bucket.id, &path.object, self.now());
        }
    }

    /// Writes down when objects of a bucket were read, and brings those back that auto-tiering has moved.
    pub(crate) async fn keep_reads(
        &self,
        path: &BucketPath,
        bucket: &BucketRecord,
        noted: Vec<(ObjectName, Timestamp)>,
    ) -> Result<(), Error> {
        for (index, page) in noted.chunks(PAGE).enumerate() {
            if let Err(error) = self.keep_page_of_reads(path, bucket, page).await {
                for (name, time) in &noted[index * PAGE..] {
                    self.upkeep.reads.note(bucket.id, name, *time);
                }
                return Err(error);
            }
        }
        Ok(())
    }

    async fn keep_page_of_reads(
        &self,
        path: &BucketPath,
        bucket: &BucketRecord,
        page: &[(ObjectName, Timestamp)],
    ) -> Result<(), Error> {
        let ns = &path.namespace;
        let asked = page.iter().flat_map(|(name, _)| {
            [
                keys::object(ns, &bucket.id, name),
                keys::last_read(ns, &bucket.id, name),
            ]
        });
        let asked: Vec<Vec<u8>> = asked.collect();
        let found = self.kv.snapshot().await?.get_many(&asked).await?;
        for ((name, time), found) in page.iter().zip(found.chunks(2)) {
            let object = records::decode_optional::<ObjectRecord>(found[0].as_ref())?;
            let Some(object) = object else { continue };
            let stored = records::decode_optional::<LastReadRecord>(found[1].as_ref())?;
            let fresh = stored.is_some_and(|stored| seconds(stored.time, *time) < FRESH);
            let moved = object.storage_tier == parbuckle_model::StorageTier::InfrequentAccess;
            if (moved || !fresh) && self.step_read(path, bucket, name, *time).await? {
                self.upkeep.add(&UpkeepCounts {
                    standard: 1,
                    ..UpkeepCounts::default()
                });
            }
        }
        Ok(())
    }
}
