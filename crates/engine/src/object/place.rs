//! Making objects current and taking them away, with all that hangs on it: versions, retention, counters, the owners
//! and the trash of their bytes, the journal of replication.

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_blob::BlobId;
use parbuckle_kv::{Reader, Scan};
use parbuckle_model::{BucketId, ETag, VersionId, Versioning};

use super::ObjectInfo;
use super::content::blobs;
use super::find::{Place, inline_key, record_key};
use crate::counters::Change;
use crate::error::{Error, ErrorKind};
use crate::records::{
    self, BucketRecord, Content, CounterRecord, DeleteMarkerRecord, ObjectRecord, VersionRecord,
};
use crate::transact::Tx;
use crate::{Engine, ObjectPath, keys};

/// Ids and times of a write, minted before the transaction.
#[derive(Debug, Clone)]
pub(crate) struct Placement {
    pub(crate) etag: ETag,
    /// Not yet that of the object: see [`Engine::place_object`].
    pub(crate) version_id: VersionId,
    pub(crate) time: Timestamp,
    pub(crate) change: Change,
    pub(crate) origin: Origin,
}

/// Who writes to a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A caller, or the service at the owner's wish.
    Request,
    /// A replication policy, which alone writes to its destination.
    Replication,
}

/// An object and the blobs that hold its bytes.
pub(crate) struct Replaced {
    pub(super) record: ObjectRecord,
    pub(super) blobs: Vec<BlobId>,
}

impl Engine {
    /// Ids and the time of a write.
    pub(crate) fn placement(&self) -> Placement {
        Placement {
            etag: ETag::from_random(self.random()),
            version_id: VersionId::new(self.now_millis(), self.random()),
            time: self.now(),
            change: self.new_change(),
            origin: Origin::Request,
        }
    }

    /// Makes `record` the current object, and returns it as it is written: its version is younger than all there are.
    /// What it replaces becomes an old version where the bucket keeps versions, and is dropped elsewhere, unless a
    /// retention rule protects it. Inline data is the caller's to write, after this.
    ///
    /// A body whose earlier run may have committed looks for its own work before it calls this; where it finds another's
    /// object instead, this refuses to place the same bytes twice.
    pub(crate) async fn place_object(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketRecord,
        mut record: ObjectRecord,
        replaced: Option<Replaced>,
        placement: &Placement,
    ) -> Result<ObjectRecord, Error> {
        require_writable(bucket, placement.origin)?;
        if tx.may_have_happened() && was_placed(tx.reader(), path, bucket, &record).await? {
            let text = "an earlier run has placed the object, and somebody else has written since";
            return Err(Error::from(ErrorKind::ConcurrentUpdate).because(text));
        }
        let youngest = match &replaced {
            Some(replaced) => Some(replaced.record.version_id),
            None => youngest_old_version(tx.reader(), path, bucket).await?,
        };
        record.version_id = version_after(placement.version_id, youngest);
        let mut difference = one(&record);
        if let Some(replaced) = replaced {
            let gone = one(&replaced.record);
            difference = difference.minus(&gone);
            if bucket.versioning == Versioning::Enabled {
                self.keep_version(tx, path, bucket, &replaced).await?;
                difference = difference.plus(&as_old(&gone));
            } else {
                require_unprotected(bucket, path, &replaced.record, placement.time)?;
                self.discard(tx, path, &bucket.id, &replaced, Place::Current);
            }
        }
        if let Content::Blob(blob) = &record.content {
            tx.put_raw(keys::blob_owner(blob.id), Bytes::new());
        }
        let key = keys::object(&path.bucket.namespace, &bucket.id, &path.object);
        tx.put(key, &record);
        self.schedule_expiry(tx, path, &record);
        self.changed(tx, path, bucket, &placement.change, difference)
            .await?;
        Ok(record)
    }

    /// Takes the current object away, as a deletion without a version does: where the bucket keeps versions, it becomes
    /// an old one under a delete marker, whose version is returned; elsewhere it is dropped, unless a retention rule
    /// protects it. While versioning is suspended the object is dropped too, and a marker hides the older versions.
    pub(crate) async fn remove_current(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketRecord,
        removed: &Replaced,
        placement: &Placement,
    ) -> Result<Option<VersionId>, Error> {
        if bucket.versioning != Versioning::Enabled {
            self.discard(tx, path, &bucket.id, removed, Place::Current);
        }
        self.hide_current(tx, path, bucket, removed, placement)
            .await
    }

    /// Takes the current object away as [`Engine::remove_current`] does, but where it does not become an old version,
    /// its blobs and manifest are the caller's, who places them under another name in the same transaction. Inline data
    /// is gone: read it before this.
    pub(crate) async fn release_current(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketRecord,
        released: &Replaced,
        placement: &Placement,
    ) -> Result<Option<VersionId>, Error> {
        if bucket.versioning != Versioning::Enabled {
            match &released.record.content {
                Content::Inline(_) => {
                    let version = &released.record.version_id;
                    tx.delete(inline_key(path, &bucket.id, Place::Current, version));
                }
                // Its next owner writes it again.
                Content::Blob(blob) => tx.delete(keys::blob_owner(blob.id)),
                Content::Manifest(_) => {}
            }
        }
        self.hide_current(tx, path, bucket, released, placement)
            .await
    }

    /// The record of the current object goes, and with it what hangs on it besides its bytes.
    async fn hide_current(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketRecord,
        hidden: &Replaced,
        placement: &Placement,
    ) -> Result<Option<VersionId>, Error> {
        require_writable(bucket, placement.origin)?;
        let gone = one(&hidden.record);
        let mut difference = CounterRecord::default().minus(&gone);
        let marked = match bucket.versioning {
            Versioning::Disabled => false,
            Versioning::Enabled => true,
            Versioning::Suspended => {
                let youngest = youngest_old_version(tx.reader(), path, bucket).await?;
                youngest.is_some()
            }
        };
        if bucket.versioning == Versioning::Enabled {
            self.keep_version(tx, path, bucket, hidden).await?;
            difference = difference.plus(&as_old(&gone));
        } else {
            require_unprotected(bucket, path, &hidden.record, placement.time)?;
        }
        let (ns, object) = (&path.bucket.namespace, &path.object);
        tx.delete(keys::object(ns, &bucket.id, object));
        self.changed(tx, path, bucket, &placement.change, difference)
            .await?;
        if !marked {
            return Ok(None);
        }
        let version_id = version_after(placement.version_id, Some(hidden.record.version_id));
        let marker = VersionRecord::DeleteMarker(DeleteMarkerRecord {
            version_id,
            time: placement.time,
        });
        tx.put(keys::version(ns, &bucket.id, object, &version_id), &marker);
        Ok(Some(version_id))
    }

    /// Drops one version for good, current or old. When the current one goes, the next becomes current, unless a delete
    /// marker stands before it.
    pub(crate) async fn drop_version(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketRecord,
        dropped: &Replaced,
        place: Place,
        placement: &Placement,
    ) -> Result<(), Error> {
        require_writable(bucket, placement.origin)?;
        require_unprotected(bucket, path, &dropped.record, placement.time)?;
        let gone = match place {
            Place::Current => one(&dropped.record),
            Place::Old => as_old(&one(&dropped.record)),
        };
        let mut difference = CounterRecord::default().minus(&gone);
        self.discard(tx, path, &bucket.id, dropped, place);
        tx.delete(record_key(
            path,
            &bucket.id,
            place,
            &dropped.record.version_id,
        ));
        if place == Place::Current {
            difference = difference.plus(&self.promote(tx, path, bucket).await?);
        }
        self.changed(tx, path, bucket, &placement.change, difference)
            .await?;
        Ok(())
    }

    /// Drops a delete marker. If it was the youngest version, the next becomes current, unless that is a marker too.
    pub(crate) async fn drop_marker(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketRecord,
        marker: &VersionId,
        placement: &Placement,
    ) -> Result<(), Error> {
        require_writable(bucket, placement.origin)?;
        let current = existing_object(tx.reader(), path, &bucket.id).await?;
        let youngest = youngest_old_version(tx.reader(), path, bucket).await?;
        let (ns, object) = (&path.bucket.namespace, &path.object);
        tx.delete(keys::version(ns, &bucket.id, object, marker));
        if current.is_none() && youngest == Some(*marker) {
            let difference = self.promote(tx, path, bucket).await?;
            self.changed(tx, path, bucket, &placement.change, difference)
                .await?;
        }
        Ok(())
    }

    /// Makes the youngest old version current, if it is an object.
    async fn promote(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketRecord,
    ) -> Result<CounterRecord, Error> {
        let Some(VersionRecord::Object(record)) = youngest(tx.reader(), path, &bucket.id).await?
        else {
            return Ok(CounterRecord::default());
        };
        let version = &record.version_id;
        move_inline(tx, path, &bucket.id, &record, Place::Old, Place::Current).await?;
        tx.delete(record_key(path, &bucket.id, Place::Old, version));
        let key = record_key(path, &bucket.id, Place::Current, version);
        tx.put(key, &record);
        self.schedule_expiry(tx, path, &record);
        Ok(one(&record).minus(&as_old(&one(&record))))
    }

    /// The current object becomes an old version.
    async fn keep_version(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketRecord,
        kept: &Replaced,
    ) -> Result<(), Error> {
        let record = &kept.record;
        move_inline(tx, path, &bucket.id, record, Place::Current, Place::Old).await?;
        let key = record_key(path, &bucket.id, Place::Old, &record.version_id);
        tx.put(key, &VersionRecord::Object(record.clone()));
        Ok(())
    }

    /// Drops the bytes of an object: inline data and manifest at once, blobs by way of the trash.
    fn discard(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketId,
        object: &Replaced,
        place: Place,
    ) {
        match &object.record.content {
            Content::Inline(_) => {
                tx.delete(inline_key(path, bucket, place, &object.record.version_id));
            }
            Content::Blob(_) => tx.trash(&object.blobs),
            Content::Manifest(id) => {
                tx.delete(keys::manifest(&path.bucket.namespace, id));
                tx.trash(&object.blobs);
            }
        }
    }

    /// Notes a change of a bucket: in its counters, and for replication.
    async fn changed(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketRecord,
        change: &Change,
        difference: CounterRecord,
    ) -> Result<(), Error> {
        let at = (&path.bucket.namespace, &bucket.id);
        self.count(tx, at, change, difference).await?;
        self.changed_in_place(tx, path, bucket, change);
        Ok(())
    }

    /// Notes a change that leaves count and bytes as they were: for replication.
    pub(crate) fn changed_in_place(
        &self,
        tx: &Tx,
        path: &ObjectPath,
        bucket: &BucketRecord,
        change: &Change,
    ) {
        if bucket.replicates {
            let namespace = &path.bucket.namespace;
            let key = keys::replication_change(namespace, &bucket.id, change.millis, change.random);
            let name = path.object.as_str().as_bytes();
            tx.put_raw(key, Bytes::copy_from_slice(name));
            tx.wake_upkeep();
        }
    }
}

impl Replaced {
    /// The record of the object.
    pub(crate) fn record(&self) -> &ObjectRecord {
        &self.record
    }

    /// The etag of the object.
    pub(crate) fn etag(&self) -> &ETag {
        &self.record.etag
    }

    /// When an object of this name was first made.
    pub(crate) fn time_created(&self) -> Timestamp {
        self.record.time_created
    }

    /// All about it.
    pub(crate) fn info(&self) -> ObjectInfo {
        self.record.clone().into()
    }
}

/// The current object and its blobs.
pub(crate) async fn existing_object(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketId,
) -> Result<Option<Replaced>, Error> {
    let key = keys::object(&path.bucket.namespace, bucket, &path.object);
    let stored = reader.get_many(&[key]).await?.pop().flatten();
    match records::decode_optional::<ObjectRecord>(stored.as_ref())? {
        Some(record) => with_blobs(reader, path, record).await.map(Some),
        None => Ok(None),
    }
}

/// An object with the blobs that hold its bytes.
pub(crate) async fn with_blobs(
    reader: &dyn Reader,
    path: &ObjectPath,
    record: ObjectRecord,
) -> Result<Replaced, Error> {
    let parts = blobs(reader, &path.bucket.namespace, &record).await?;
    let blobs = parts.iter().map(|part| part.id).collect();
    Ok(Replaced { record, blobs })
}

/// Refuses to write to the destination of a replication, unless it is the replication that writes.
pub(crate) fn require_writable(bucket: &BucketRecord, origin: Origin) -> Result<(), Error> {
    if bucket.read_only && origin == Origin::Request {
        return Err(ErrorKind::BucketReadOnly(bucket.name.clone()).into());
    }
    Ok(())
}

/// Refuses to touch an object that a retention rule protects (wire reference section 11).
pub(crate) fn require_unprotected(
    bucket: &BucketRecord,
    path: &ObjectPath,
    object: &ObjectRecord,
    now: Timestamp,
) -> Result<(), Error> {
    let Some(retention) = &bucket.retention else {
        return Ok(());
    };
    let age = now.duration_since(object.time_modified).as_secs();
    let over = |seconds: u64| u64::try_from(age).is_ok_and(|age| age >= seconds);
    if retention.seconds.is_some_and(over) {
        return Ok(());
    }
    Err(ErrorKind::ObjectRetained {
        bucket: bucket.name.clone(),
        object: path.object.clone(),
    }
    .into())
}

/// The version of the youngest old version or delete marker of a name; nothing in a bucket that has never kept any.
async fn youngest_old_version(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketRecord,
) -> Result<Option<VersionId>, Error> {
    if bucket.versioning == Versioning::Disabled {
        return Ok(None);
    }
    let youngest = youngest(reader, path, &bucket.id).await?;
    Ok(youngest.map(|version| version.version_id()))
}

/// The youngest version that is not current.
pub(super) async fn youngest(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketId,
) -> Result<Option<VersionRecord>, Error> {
    let prefix = keys::versions_of(&path.bucket.namespace, bucket, &path.object);
    let found = reader.scan(&keys::all(&prefix, 1)).await?;
    records::decode_optional(found.first().map(|entry| &entry.value))
}

/// Whether an earlier run of a body has placed this record, which is not current any more: as an old version, or gone
/// but for the owner marker of its blob.
async fn was_placed(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketRecord,
    record: &ObjectRecord,
) -> Result<bool, Error> {
    if let Content::Blob(blob) = &record.content {
        let marker = reader.get_many(&[keys::blob_owner(blob.id)]).await?;
        if marker.into_iter().flatten().next().is_some() {
            return Ok(true);
        }
    }
    let (ns, object) = (&path.bucket.namespace, &path.object);
    let since = Scan {
        start: keys::versions_of(ns, &bucket.id, object),
        // Younger versions come first, and none is older than its own minted id.
        end: [
            &keys::version(ns, &bucket.id, object, &record.version_id)[..],
            &[0],
        ]
        .concat(),
        limit: usize::MAX,
        reverse: false,
    };
    for entry in reader.scan(&since).await? {
        let version: VersionRecord = records::decode(&entry.value)?;
        if matches!(version, VersionRecord::Object(old) if old.etag == record.etag) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The bytes of a small object move with its record.
async fn move_inline(
    tx: &Tx,
    path: &ObjectPath,
    bucket: &BucketId,
    record: &ObjectRecord,
    from: Place,
    to: Place,
) -> Result<(), Error> {
    if !matches!(record.content, Content::Inline(_)) {
        return Ok(());
    }
    let from = inline_key(path, bucket, from, &record.version_id);
    let found = tx.reader().get_many(std::slice::from_ref(&from)).await?;
    let bytes = found.into_iter().next().flatten().ok_or_else(|| {
        Error::from(ErrorKind::Internal).because("inline data of an object is missing")
    })?;
    tx.delete(from);
    tx.put_raw(inline_key(path, bucket, to, &record.version_id), bytes);
    Ok(())
}

/// The version as it was minted, or one after the youngest there is: clocks go back, and stand still in tests.
fn version_after(minted: VersionId, youngest: Option<VersionId>) -> VersionId {
    match youngest {
        Some(youngest) if youngest >= minted => youngest.successor(&minted),
        _ => minted,
    }
}

/// What one current object counts.
fn one(record: &ObjectRecord) -> CounterRecord {
    CounterRecord {
        objects: 1,
        // Sizes stay far below 2^63.
        bytes: i64::try_from(record.size).unwrap_or(i64::MAX),
        ..CounterRecord::default()
    }
}

/// What the same counts as an old version.
fn as_old(current: &CounterRecord) -> CounterRecord {
    CounterRecord {
        old_objects: current.objects,
        old_bytes: current.bytes,
        ..CounterRecord::default()
    }
}

impl VersionRecord {
    /// Its version.
    pub(crate) fn version_id(&self) -> VersionId {
        match self {
            Self::Object(record) => record.version_id,
            Self::DeleteMarker(marker) => marker.version_id,
        }
    }
}
