//! Tiers of objects: changing them, and restoring what is archived for a while (wire reference 3.3, 4.2, section 11).

use jiff::{SignedDuration, Timestamp};
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{ArchivalState, BucketId, StorageTier, VersionId};

use super::ObjectInfo;
use super::find::{Found, Place, find, record_key};
use super::place::{Origin, require_writable};
use super::read::require_restored;
use crate::authority::{Act, Need};
use crate::caller::Caller;
use crate::counters::Change;
use crate::error::{Error, ErrorKind};
use crate::records::{BucketRecord, ObjectRecord, RestoreRecord, VersionRecord};
use crate::transact::Tx;
use crate::{Engine, ObjectPath};

/// Hours for which an archived object can be restored (wire reference section 9).
const RESTORE_HOURS: std::ops::RangeInclusive<u32> = 1..=240;

/// What became of a wish to restore an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restoration {
    /// It has begun.
    Started,
    /// It had begun before; the object stays readable for as long as is now asked, if that is longer.
    Already,
}

impl Engine {
    /// Makes an archived object readable for so many hours (1 to 240), which begin after
    /// [`archive_restore_delay`](crate::Settings::archive_restore_delay). An object of another tier is refused with
    /// [`ErrorKind::InvalidParameter`]. Neither a retention rule nor a replication stands in the way: nothing is written.
    pub async fn restore_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        version: Option<VersionId>,
        hours: u32,
    ) -> Result<Restoration, Error> {
        if !RESTORE_HOURS.contains(&hours) {
            let (least, most) = (RESTORE_HOURS.start(), RESTORE_HOURS.end());
            let text = format!("hours must be between {least} and {most}");
            return Err(ErrorKind::InvalidParameter(text).into());
        }
        let now = self.now();
        let delay =
            SignedDuration::try_from(self.settings.archive_restore_delay).unwrap_or_default();
        let from = later(now, delay);
        let window = RestoreRecord {
            from,
            until: later(from, SignedDuration::from_hours(i64::from(hours))),
        };
        self.transact("restore_object", |tx| async move {
            let access = self.enter(tx.reader(), caller, &path.bucket).await?;
            access.require(
                Operation::RestoreObjects,
                Need::All(&[Permission::ObjectRestore]),
                Act::ManageObject(&path.object),
            )?;
            let bucket = &access.bucket.id;
            let (mut record, place) =
                existing(tx.reader(), path, bucket, version.as_ref(), now).await?;
            if tx.may_have_happened() && record.restore == Some(window) {
                return Ok(Restoration::Started);
            }
            let (restoration, window) = match ObjectInfo::from(record.clone()).archival_state(now) {
                None => {
                    let text = format!(
                        "The object '{}' is not in the tier Archive: it can be read without restoring it",
                        path.object
                    );
                    return Err(ErrorKind::InvalidParameter(text).into());
                }
                Some(ArchivalState::Archived) => (Restoration::Started, window),
                Some(ArchivalState::Restoring | ArchivalState::Restored) => {
                    (Restoration::Already, prolonged(record.restore, window))
                }
            };
            if record.restore != Some(window) {
                record.restore = Some(window);
                write_in_place(&tx, path, bucket, place, record);
            }
            Ok(restoration)
        })
        .await
    }

    /// Moves an object to a tier. Etag and times stay. From Archive only what is restored can move
    /// ([`ErrorKind::ObjectArchived`]), and in an Archive bucket everything stays there. A retention rule does not stand in
    /// the way (wire reference section 11).
    pub async fn update_object_tier(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        version: Option<VersionId>,
        tier: StorageTier,
    ) -> Result<(), Error> {
        let (now, change) = (self.now(), &self.new_change());
        self.transact("update_object_tier", |tx| async move {
            let access = self.enter(tx.reader(), caller, &path.bucket).await?;
            access.require(
                Operation::UpdateObjectStorageTier,
                Need::All(&[Permission::ObjectUpdateTier]),
                Act::ManageObject(&path.object),
            )?;
            require_writable(&access.bucket, Origin::Request)?;
            let tier = tier_in(&access.bucket, Some(tier))?;
            let bucket = &access.bucket.id;
            let (record, place) =
                existing(tx.reader(), path, bucket, version.as_ref(), now).await?;
            if record.storage_tier != tier {
                require_restored(&record, path, now)?;
                self.move_in_place(&tx, path, &access.bucket, (&record, place), tier, change);
            }
            Ok(())
        })
        .await
    }

    /// Moves a version to a tier, where it is and with everything else about it as before; what was restored of it is no
    /// longer. Of the current object the replication is told.
    pub(crate) fn move_in_place(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketRecord,
        (record, place): (&ObjectRecord, Place),
        tier: StorageTier,
        change: &Change,
    ) {
        let moved = ObjectRecord {
            storage_tier: tier,
            restore: None,
            ..record.clone()
        };
        write_in_place(tx, path, &bucket.id, place, moved);
        if place == Place::Current {
            self.changed_in_place(tx, path, bucket, change);
        }
    }
}

/// The tier of an object that asks for one or not. A bucket of the tier Archive holds no others.
pub(crate) fn tier_in(
    bucket: &BucketRecord,
    asked: Option<StorageTier>,
) -> Result<StorageTier, Error> {
    match asked {
        Some(tier)
            if bucket.storage_tier == StorageTier::Archive && tier != bucket.storage_tier =>
        {
            let text = format!(
                "The bucket '{}' is of the tier Archive, which holds objects of that tier only",
                bucket.name
            );
            Err(ErrorKind::InvalidParameter(text).into())
        }
        Some(tier) => Ok(tier),
        None => Ok(bucket.storage_tier),
    }
}

/// Writes the record of a version where it is, with everything else about it as before.
fn write_in_place(
    tx: &Tx,
    path: &ObjectPath,
    bucket: &BucketId,
    place: Place,
    record: ObjectRecord,
) {
    let key = record_key(path, bucket, place, &record.version_id);
    match place {
        Place::Current => tx.put(key, &record),
        Place::Old => tx.put(key, &VersionRecord::Object(record)),
    }
}

async fn existing(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketId,
    version: Option<&VersionId>,
    now: Timestamp,
) -> Result<(ObjectRecord, Place), Error> {
    let expired = |record: &ObjectRecord, place| place == Place::Current && record.has_expired(now);
    match find(reader, path, bucket, version).await? {
        Some(Found::Object(record, place)) if !expired(&record, place) => Ok((record, place)),
        Some(Found::Object(..) | Found::DeleteMarker(_)) | None => Err(ErrorKind::ObjectNotFound {
            bucket: path.bucket.bucket.clone(),
            object: path.object.clone(),
        }
        .into()),
    }
}

/// The window that there is, to the end of the one asked for.
fn prolonged(window: Option<RestoreRecord>, asked: RestoreRecord) -> RestoreRecord {
    window.map_or(asked, |window| RestoreRecord {
        until: window.until.max(asked.until),
        ..window
    })
}

fn later(time: Timestamp, by: SignedDuration) -> Timestamp {
    time.checked_add(by).unwrap_or(Timestamp::MAX)
}
