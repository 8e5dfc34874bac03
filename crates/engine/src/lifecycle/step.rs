//! One object, version or upload at a time: whether it is due is decided in the transaction that changes it.

use jiff::Timestamp;
use parbuckle_kv::{Reader, Scan};
use parbuckle_model::{AutoTiering, ETag, ObjectName, StorageTier, UploadId, VersionId};

use super::rules::{Ages, Step};
use super::run::{Run, Terms};
use crate::error::{Error, ErrorKind};
use crate::object::{Found, Place, existing_object, find, with_blobs};
use crate::records::{
    self, BucketRecord, LastReadRecord, ObjectRecord, UpkeepCounts, VersionRecord,
};
use crate::{BucketPath, Engine, ObjectPath, UploadPath, keys};

/// Objects below this size stay where they are: auto-tiering gains nothing with them.
const AUTO_TIERED_BYTES_MIN: u64 = 1 << 20;

/// Seconds without a read after which auto-tiering moves an object.
const AUTO_TIERED_AFTER: u64 = 31 * 24 * 60 * 60;

/// What was done with something that may have been due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It was not due after all, or is no longer there.
    Nothing,
    /// The current object was deleted.
    Deleted,
    /// A previous version or a delete marker was deleted.
    VersionDeleted,
    /// It moved to this tier.
    MovedTo(StorageTier),
    /// The upload was aborted.
    Aborted,
}

impl Engine {
    /// Does what is due with a current object that still has this etag.
    pub(super) async fn step_object(
        &self,
        run: &Run<'_>,
        name: &ObjectName,
        etag: &ETag,
        ages: &Ages,
    ) -> Result<Outcome, Error> {
        let placement = &self.placement();
        let path = &run.object(name);
        self.transact("lifecycle_object", |tx| async move {
            let Some(bucket) = unchanged_bucket(tx.reader(), run).await? else {
                return Ok(Outcome::Nothing);
            };
            let found = existing_object(tx.reader(), path, &bucket.id).await?;
            let Some(existing) = found.filter(|existing| existing.etag() == etag) else {
                return Ok(Outcome::Nothing);
            };
            let record = existing.record();
            let age = seconds(record.time_modified, run.terms.now);
            match ages.step(age, record.storage_tier) {
                Some(Step::Delete) => {
                    self.remove_current(&tx, path, &bucket, &existing, placement)
                        .await?;
                    Ok(Outcome::Deleted)
                }
                Some(Step::MoveTo(tier)) => {
                    let change = &placement.change;
                    self.move_in_place(&tx, path, &bucket, (record, Place::Current), tier, change);
                    Ok(Outcome::MovedTo(tier))
                }
                None if is_idle(tx.reader(), run, path, record).await? => {
                    let tier = StorageTier::InfrequentAccess;
                    let change = &placement.change;
                    self.move_in_place(&tx, path, &bucket, (record, Place::Current), tier, change);
                    Ok(Outcome::MovedTo(tier))
                }
                None => Ok(Outcome::Nothing),
            }
        })
        .await
    }

    /// Does what is due with a version that is not current, or with a delete marker.
    pub(super) async fn step_version(
        &self,
        run: &Run<'_>,
        name: &ObjectName,
        version: &VersionId,
        ages: &Ages,
    ) -> Result<Outcome, Error> {
        let placement = &self.placement();
        let path = &run.object(name);
        self.transact("lifecycle_version", |tx| async move {
            let Some(bucket) = unchanged_bucket(tx.reader(), run).await? else {
                return Ok(Outcome::Nothing);
            };
            let found = find(tx.reader(), path, &bucket.id, Some(version)).await?;
            let previous_since = previous_since(tx.reader(), run, path, version).await?;
            match found {
                Some(Found::Object(record, place @ Place::Old)) => {
                    let Some(since) = previous_since else {
                        return Ok(Outcome::Nothing);
                    };
                    match ages.step(seconds(since, run.terms.now), record.storage_tier) {
                        Some(Step::Delete) => {
                            let dropped = with_blobs(tx.reader(), path, record).await?;
                            self.drop_version(&tx, path, &bucket, &dropped, place, placement)
                                .await?;
                            Ok(Outcome::VersionDeleted)
                        }
                        Some(Step::MoveTo(tier)) => {
                            let change = &placement.change;
                            self.move_in_place(&tx, path, &bucket, (&record, place), tier, change);
                            Ok(Outcome::MovedTo(tier))
                        }
                        None => Ok(Outcome::Nothing),
                    }
                }
                Some(Found::DeleteMarker(marker)) => {
                    let since = match previous_since {
                        Some(since) => since,
                        // It is the youngest: while it hides something, it has its use.
                        None if hides(tx.reader(), run, path, version).await? => {
                            return Ok(Outcome::Nothing);
                        }
                        None => marker.time,
                    };
                    if !ages.delete_at(seconds(since, run.terms.now)) {
                        return Ok(Outcome::Nothing);
                    }
                    self.drop_marker(&tx, path, &bucket, version, placement)
                        .await?;
                    Ok(Outcome::VersionDeleted)
                }
                Some(Found::Object(_, Place::Current)) | None => Ok(Outcome::Nothing),
            }
        })
        .await
    }

    /// Aborts an upload, which was due when it was picked: its age only grows.
    pub(super) async fn step_upload(
        &self,
        run: &Run<'_>,
        name: &ObjectName,
        upload: UploadId,
    ) -> Result<Outcome, Error> {
        let path = &UploadPath {
            object: run.object(name),
            upload,
        };
        self.transact("lifecycle_upload", |tx| async move {
            let Some(bucket) = unchanged_bucket(tx.reader(), run).await? else {
                return Ok(Outcome::Nothing);
            };
            match self.drop_upload(&tx, path, &bucket.id).await? {
                true => Ok(Outcome::Aborted),
                false => Ok(Outcome::Nothing),
            }
        })
        .await
    }

    /// Notes when an object was last read; if auto-tiering has moved it, it comes back. Whether it did.
    pub(super) async fn step_read(
        &self,
        path: &BucketPath,
        bucket: &BucketRecord,
        name: &ObjectName,
        time: Timestamp,
    ) -> Result<bool, Error> {
        let object = &ObjectPath {
            bucket: path.clone(),
            object: name.clone(),
        };
        let change = &self.new_change();
        self.transact("note_last_read", |tx| async move {
            let reader = tx.reader();
            let current = stored_bucket(reader, path).await?.filter(|current| {
                current.id == bucket.id
                    && current.auto_tiering != AutoTiering::Disabled
                    && !current.read_only
            });
            let found = find(reader, object, &bucket.id, None).await?;
            let (Some(bucket), Some(Found::Object(record, place))) = (current, found) else {
                return Ok(false);
            };
            let key = keys::last_read(&path.namespace, &bucket.id, name);
            tx.put(key, &LastReadRecord { time });
            let comes_back = record.storage_tier == StorageTier::InfrequentAccess;
            if comes_back {
                let tier = StorageTier::Standard;
                self.move_in_place(&tx, object, &bucket, (&record, place), tier, change);
            }
            Ok(comes_back)
        })
        .await
    }
}

impl Outcome {
    /// Counts it; an error that concerns this one thing only is counted as well, so that it does not keep the others.
    pub(super) fn count(
        result: Result<Self, Error>,
        run: &Run<'_>,
        counts: &mut UpkeepCounts,
    ) -> Result<(), Error> {
        let count = match result {
            Ok(Self::Nothing) => return Ok(()),
            Ok(Self::Deleted) => &mut counts.deleted,
            Ok(Self::VersionDeleted) => &mut counts.versions_deleted,
            Ok(Self::MovedTo(StorageTier::Archive)) => &mut counts.archived,
            Ok(Self::MovedTo(StorageTier::InfrequentAccess)) => &mut counts.infrequent,
            Ok(Self::MovedTo(StorageTier::Standard)) => &mut counts.standard,
            Ok(Self::Aborted) => &mut counts.uploads_aborted,
            Err(error) => match error.kind() {
                ErrorKind::Unavailable => return Err(error),
                ErrorKind::ObjectRetained { .. } => &mut counts.protected,
                kind => {
                    let cause = error.cause().unwrap_or_default();
                    let bucket = run.bucket.ocid.as_str();
                    tracing::warn!(bucket, cause, "the upkeep of one object failed: {kind}");
                    &mut counts.failed
                }
            },
        };
        *count += 1;
        Ok(())
    }
}

/// Whether auto-tiering could ever move this object, were it idle.
pub(super) fn is_auto_tiered(record: &ObjectRecord) -> bool {
    record.size >= AUTO_TIERED_BYTES_MIN && record.storage_tier != StorageTier::Archive
}

/// Whether auto-tiering moves this object, unless it was read lately.
pub(super) fn may_be_idle(terms: &Terms, record: &ObjectRecord) -> bool {
    let long_ago = |time| seconds(time, terms.now) >= AUTO_TIERED_AFTER;
    record.storage_tier == StorageTier::Standard
        && is_auto_tiered(record)
        && long_ago(record.time_modified)
        && terms.auto_tiering_since.is_some_and(long_ago)
}

/// Whole seconds from one time to a later one; zero when it is not later.
pub(super) fn seconds(from: Timestamp, to: Timestamp) -> u64 {
    u64::try_from(to.duration_since(from).as_secs()).unwrap_or(0)
}

async fn is_idle(
    reader: &dyn Reader,
    run: &Run<'_>,
    path: &ObjectPath,
    record: &ObjectRecord,
) -> Result<bool, Error> {
    if !may_be_idle(&run.terms, record) {
        return Ok(false);
    }
    let key = keys::last_read(&run.path.namespace, &run.bucket.id, &path.object);
    let found = reader.get_many(&[key]).await?.pop().flatten();
    let read = records::decode_optional::<LastReadRecord>(found.as_ref())?;
    Ok(read.is_none_or(|read| seconds(read.time, run.terms.now) >= AUTO_TIERED_AFTER))
}

/// The bucket, if it is still the one of the run, and its owner still wants the same.
async fn unchanged_bucket(
    reader: &dyn Reader,
    run: &Run<'_>,
) -> Result<Option<BucketRecord>, Error> {
    let found = stored_bucket(reader, run.path).await?;
    Ok(found.filter(|found| {
        found.id == run.bucket.id
            && found.lifecycle_etag == run.bucket.lifecycle_etag
            && found.auto_tiering == run.bucket.auto_tiering
            && !found.read_only
    }))
}

pub(super) async fn stored_bucket(
    reader: &dyn Reader,
    path: &BucketPath,
) -> Result<Option<BucketRecord>, Error> {
    let key = keys::bucket(&path.namespace, &path.bucket);
    records::decode_optional(reader.get_many(&[key]).await?.pop().flatten().as_ref())
}

/// When a version ceased to be the youngest: the time of the next younger one, a delete marker too. Nothing for the
/// youngest.
async fn previous_since(
    reader: &dyn Reader,
    run: &Run<'_>,
    path: &ObjectPath,
    version: &VersionId,
) -> Result<Option<Timestamp>, Error> {
    let (ns, bucket) = (&run.path.namespace, &run.bucket.id);
    let younger = Scan {
        start: keys::versions_of(ns, bucket, &path.object),
        end: keys::version(ns, bucket, &path.object, version),
        limit: 1,
        reverse: true,
    };
    let younger = reader.scan(&younger).await?;
    match records::decode_optional(younger.first().map(|entry| &entry.value))? {
        Some(VersionRecord::Object(record)) => Ok(Some(record.time_modified)),
        Some(VersionRecord::DeleteMarker(marker)) => Ok(Some(marker.time)),
        None => {
            let key = keys::object(ns, bucket, &path.object);
            let current = reader.get_many(&[key]).await?.pop().flatten();
            let current = records::decode_optional::<ObjectRecord>(current.as_ref())?;
            Ok(current.map(|current| current.time_modified))
        }
    }
}

/// Whether there are versions older than this one.
async fn hides(
    reader: &dyn Reader,
    run: &Run<'_>,
    path: &ObjectPath,
    version: &VersionId,
) -> Result<bool, Error> {
    let prefix = keys::versions_of(&run.path.namespace, &run.bucket.id, &path.object);
    let older = keys::all_after(&prefix, version.descending_text().as_bytes(), 1);
    Ok(!reader.scan(&older).await?.is_empty())
}
