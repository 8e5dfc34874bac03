//! Copying an object by a work request (wire reference 3.3, 4.2, section 11).
//!
//! What is cheap is checked at once: rights on both sides, the source, the conditions, what protects the destination. What
//! is copied is decided then too ([`super::kept`]). Rights and the destination are checked again on the snapshot that the
//! copy begins with, and once more in the transaction that places it.

use std::sync::Arc;

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{
    BucketId, EtagCondition, ObjectAttributes, Preconditions, StorageTier, UserMetadata, VersionId,
    Versioning, WorkRequestId,
};

use super::customer::{CopyKeys, Prepared, require_prepared};
use super::kept::{keep_source, kept_source, require_source};
use super::worker::Job;
use super::{close_work, find_work, open_work};
use crate::authority::{Access, Act, Need};
use crate::bucket::{check_read, check_write};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::object::{
    CopiedContent, Found, Origin, Place, Placement, Replaced, SourceContent, existing_object, find,
    require_restored, require_unprotected, require_writable, tier_in,
};
use crate::records::{
    BucketRecord, ConditionRecord, CopyRecord, CustomerCopyRecord, KeptSourceRecord, ObjectRecord,
    StoredTier, TaskRecord, WorkStatus,
};
use crate::{Engine, ObjectPath};

/// Bytes between two looks at the work request: has it been cancelled, how far is it.
const STRIDE: u64 = 16 << 20;

/// How to copy an object.
#[derive(Debug, Clone)]
pub struct CopyObject {
    /// This version, current or not; the current one if there is none.
    pub source_version: Option<VersionId>,
    /// A condition on the source.
    pub source_if_match: Option<EtagCondition>,
    /// The region of the destination: this server's.
    pub destination_region: String,
    /// Where the copy goes.
    pub destination: ObjectPath,
    /// Conditions on the object that is there.
    pub preconditions: Preconditions,
    /// In the place of the source's user metadata, which is inherited if there is none.
    pub metadata: Option<UserMetadata>,
    /// The copy's tier; the destination bucket's when not given.
    pub storage_tier: Option<StorageTier>,
    /// Keys of the customer's.
    pub keys: CopyKeys,
}

/// A copy as it is carried out.
struct Copying {
    source: ObjectPath,
    destination: ObjectPath,
    preconditions: Preconditions,
    metadata: Option<UserMetadata>,
    tier: Option<StorageTier>,
    customer: Option<CustomerCopyRecord>,
}

/// Where a copy goes, and what it would replace.
struct Destination<'p> {
    access: Access<'p>,
    existing: Option<Replaced>,
}

impl Engine {
    /// Accepts the copying of an object as a work request: of this object as it is now, whatever becomes of its name
    /// afterwards. Refused at once are among others a destination in another region ([`ErrorKind::InvalidParameter`]), a
    /// missing source, a condition that does not hold, an archived source.
    pub async fn copy_object(
        &self,
        caller: &Caller,
        source: &ObjectPath,
        copy: CopyObject,
    ) -> Result<WorkRequestId, Error> {
        self.check_region(&copy.destination_region)?;
        let id = WorkRequestId::new(self.now_millis(), self.random());
        let (now, asked) = (self.now(), &copy);
        let mut record = copy_record(source, asked);
        let (seen, prepared) = self
            .prepare_copy(caller, asked, &Copying::from(&record))
            .await?;
        record.customer = prepared.record;
        let (record, copy, seen) = (&record, &Copying::from(&record), &seen);
        if let Some(keys) = prepared.held {
            self.copy_keys.hold(id, keys);
        }
        let accepted = self.transact("copy_object", |tx| async move {
            let (reader, namespace) = (tx.reader(), &source.bucket.namespace);
            // The worker may be at it already, or have done it.
            if tx.may_have_happened() && find_work(reader, namespace, &id).await?.is_some() {
                return Ok(());
            }
            let found = self.check_copy(reader, caller, asked, copy, now).await?;
            let (bucket, object, place) = found;
            require_prepared(seen, &object, copy.customer.as_ref())?;
            let content = self.source_content(reader, source, &bucket.id, &object, place);
            let kept = KeptSourceRecord {
                bytes: content.await?.kept(),
                bucket: BucketRecord::clone(&bucket),
                object,
            };
            keep_source(&tx, namespace, &id, &kept);
            let compartment = kept.bucket.compartment;
            let task = TaskRecord::Copy(Box::new(record.clone()));
            open_work(&tx, id, caller, compartment, task, now)
        });
        if let Err(error) = accepted.await {
            self.copy_keys.drop_keys(&id);
            return Err(error);
        }
        self.work_waits.notify_one();
        Ok(id)
    }

    /// Checks a copy on a snapshot, and does what needs the keys of the request, for the source that it finds there.
    async fn prepare_copy(
        &self,
        caller: &Caller,
        asked: &CopyObject,
        copy: &Copying,
    ) -> Result<(ObjectRecord, Prepared), Error> {
        let (reader, now) = (self.kv.snapshot().await?, self.now());
        let found = self.check_copy(&*reader, caller, asked, copy, now).await?;
        let (_, source, _) = found;
        let prepared = self.prepare_customer(&source, &asked.keys)?;
        Ok((source, prepared))
    }

    /// All that is asked before a copy is accepted. Returns its source, and the bucket that this lies in.
    async fn check_copy(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        asked: &CopyObject,
        copy: &Copying,
        now: Timestamp,
    ) -> Result<(Arc<BucketRecord>, ObjectRecord, Place), Error> {
        let source = &copy.source;
        let from = self.enter(reader, caller, &source.bucket).await?;
        require_source(&from, source)?;
        self.check_destination(reader, caller, copy, now).await?;
        let found = asked.find_source(reader, source, &from.bucket.id, now);
        let (object, place) = found.await?;
        Ok((from.bucket, object, place))
    }

    /// Carries out a copy. The transaction that makes it visible also completes the work request.
    pub(super) async fn perform_copy(&self, job: &Job, record: &CopyRecord) -> Result<(), Error> {
        let copy = Copying::from(record);
        let (from, mut source, content) = self.open_source(job, &copy).await?;
        let (encryption, recoding) =
            self.encryption_of_copy(job, &source, copy.customer.as_ref())?;
        source.encryption = encryption;
        let progress = &job.progress(content.len(), STRIDE);
        let step = |bytes| self.advance(job, progress, bytes);
        let copied = match &recoding {
            Some(recoding) => self.recode_content(&content, recoding, step).await?,
            None => self.copy_content(&content, step).await?,
        };
        let placement = self.placement();
        let (copy, from, source) = (&copy, &from, &source);
        let (copied, placement) = (&copied, &placement);
        self.transact("place_copy", |tx| async move {
            let work = find_work(tx.reader(), &job.namespace, &job.id).await?;
            let work = match work {
                Some(work) if work.status == WorkStatus::InProgress => work,
                Some(work) if work.status == WorkStatus::Completed => return Ok(()),
                Some(_) | None => return Err(ErrorKind::WorkRequestEnded.into()),
            };
            let (reader, now) = (tx.reader(), placement.time);
            self.require_kept_source(reader, job, &copy.source, from)
                .await?;
            let to = self
                .check_destination(reader, &job.caller, copy, now)
                .await?;
            let record = copy.record(source, copied, placement, &to)?;
            let (path, bucket) = (&copy.destination, &to.access.bucket);
            self.place_object(&tx, path, bucket, record, to.existing, placement)
                .await?;
            copied.attach(&tx, path, &bucket.id);
            let message = "The object was copied";
            close_work(&tx, work, WorkStatus::Completed, message, now).await
        })
        .await
    }

    /// The source as it was accepted, with its bucket, if the requester may still read what has its name.
    /// [`ErrorKind::WorkRequestEnded`] when the work is done.
    async fn open_source(
        &self,
        job: &Job,
        copy: &Copying,
    ) -> Result<(BucketRecord, ObjectRecord, SourceContent), Error> {
        let (reader, now) = (self.kv.snapshot().await?, self.now());
        let kept = kept_source(&*reader, &job.namespace, &job.id).await?;
        let kept = kept.ok_or_else(|| {
            let text = "no source is kept for it any more";
            Error::from(ErrorKind::WorkRequestEnded).because(text)
        })?;
        self.require_kept_source(&*reader, job, &copy.source, &kept.bucket)
            .await?;
        self.check_destination(&*reader, &job.caller, copy, now)
            .await?;
        let content = self.kept_content(kept.bytes)?;
        Ok((kept.bucket, kept.object, content))
    }

    /// Rights at the destination, and whether it may be written.
    async fn check_destination<'p>(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        copy: &'p Copying,
        now: Timestamp,
    ) -> Result<Destination<'p>, Error> {
        let path = &copy.destination;
        let access = self.enter(reader, caller, &path.bucket).await?;
        access.require(
            Operation::CopyObject,
            Need::All(&[Permission::ObjectCreate, Permission::ObjectOverwrite]),
            Act::ManageObject(&path.object),
        )?;
        let bucket = &access.bucket;
        require_writable(bucket, Origin::Request)?;
        tier_in(bucket, copy.tier)?;
        let existing = existing_object(reader, path, &bucket.id).await?;
        let there = existing.as_ref();
        let there = there.filter(|existing| !existing.record().has_expired(now));
        check_write(&copy.preconditions, there.map(Replaced::etag))?;
        if let Some(existing) = &existing
            && bucket.versioning != Versioning::Enabled
        {
            require_unprotected(bucket, path, existing.record(), now)?;
        }
        Ok(Destination { access, existing })
    }

    fn check_region(&self, region: &str) -> Result<(), Error> {
        if region == self.settings.region {
            return Ok(());
        }
        Err(ErrorKind::InvalidParameter(format!(
            "Objects can be copied only within the region of this server, which is '{}'; destinationRegion is '{region}'",
            self.settings.region
        ))
        .into())
    }
}

impl CopyObject {
    /// The version to be copied, if it may be read now.
    async fn find_source(
        &self,
        reader: &dyn Reader,
        path: &ObjectPath,
        bucket: &BucketId,
        now: Timestamp,
    ) -> Result<(ObjectRecord, Place), Error> {
        let found = find(reader, path, bucket, self.source_version.as_ref()).await?;
        let expired =
            |place, record: &ObjectRecord| place == Place::Current && record.has_expired(now);
        let found = match found {
            Some(Found::Object(record, place)) if !expired(place, &record) => Some((record, place)),
            Some(Found::Object(..) | Found::DeleteMarker(_)) | None => None,
        };
        let (record, place) = found.ok_or_else(|| ErrorKind::ObjectNotFound {
            bucket: path.bucket.bucket.clone(),
            object: path.object.clone(),
        })?;
        let condition = Preconditions {
            if_match: self.source_if_match.clone(),
            if_none_match: None,
        };
        check_read(&condition, &record.etag)?;
        require_restored(&record, path, now)?;
        Ok((record, place))
    }
}

impl Copying {
    /// The copy's record: all that follows from the bytes is the source's.
    fn record(
        &self,
        source: &ObjectRecord,
        copied: &CopiedContent,
        placement: &Placement,
        to: &Destination<'_>,
    ) -> Result<ObjectRecord, Error> {
        let storage_tier = tier_in(&to.access.bucket, self.tier)?;
        let existing = to.existing.as_ref();
        let existing = existing.filter(|existing| !existing.record().has_expired(placement.time));
        let mut attributes = ObjectAttributes::from(source.attributes.clone());
        if let Some(metadata) = &self.metadata {
            attributes.metadata = metadata.clone();
        }
        Ok(ObjectRecord {
            etag: placement.etag,
            version_id: placement.version_id,
            time_created: existing.map_or(placement.time, Replaced::time_created),
            time_modified: placement.time,
            storage_tier,
            attributes: attributes.into(),
            content: copied.content(),
            restore: None,
            ..source.clone()
        })
    }
}

fn copy_record(source: &ObjectPath, copy: &CopyObject) -> CopyRecord {
    let condition =
        |condition: &Option<EtagCondition>| condition.as_ref().map(ConditionRecord::from);
    let pairs = |metadata: &UserMetadata| {
        let pairs = metadata.iter();
        pairs
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    CopyRecord {
        source: source.into(),
        destination: (&copy.destination).into(),
        if_match: condition(&copy.preconditions.if_match),
        if_none_match: condition(&copy.preconditions.if_none_match),
        metadata: copy.metadata.as_ref().map(pairs),
        tier: copy.storage_tier.map(StoredTier),
        customer: None,
    }
}

impl From<&CopyRecord> for Copying {
    fn from(record: &CopyRecord) -> Self {
        let condition =
            |condition: &Option<ConditionRecord>| condition.as_ref().map(EtagCondition::from);
        Self {
            source: (&record.source).into(),
            destination: (&record.destination).into(),
            preconditions: Preconditions {
                if_match: condition(&record.if_match),
                if_none_match: condition(&record.if_none_match),
            },
            // It was valid when it was accepted.
            metadata: record
                .metadata
                .clone()
                .map(|metadata| UserMetadata::new(metadata).unwrap_or_default()),
            tier: record.tier.map(|tier| tier.0),
            customer: record.customer.clone(),
        }
    }
}
