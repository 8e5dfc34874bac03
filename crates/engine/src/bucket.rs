//! Buckets (wire reference 3.2, 4.1).

mod shown;

use bytes::Bytes;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{
    AutoTiering, BucketId, BucketName, ETag, Namespace, Ocid, PageLimit, PageToken, Preconditions,
    ReadVerdict, Versioning, WriteVerdict,
};

use crate::authority::{Act, Need};
use crate::caller::Caller;
use crate::counters::fold_page;
use crate::error::{Error, ErrorKind};
use crate::records::{self, BucketRecord};
use crate::transact::Tx;
use crate::{BucketPath, Engine, Page, keys};

pub use shown::{Bucket, BucketChange, BucketFields, NewBucket};

/// Most bytes of a bucket's metadata, names and values together.
const METADATA_BYTES_MAX: usize = 4096;

/// Keys of one kind that one transaction deletes with their bucket.
const DELETED_AT_ONCE: usize = 1000;

impl Engine {
    /// The namespace of the caller's tenancy. With a compartment, the caller must be allowed to read the namespace there.
    pub async fn namespace(
        &self,
        caller: &Caller,
        compartment: Option<&Ocid>,
    ) -> Result<Namespace, Error> {
        let Some(user) = caller.user() else {
            return Err(ErrorKind::NotAuthorizedOrNotFound.into());
        };
        if let Some(compartment) = compartment {
            let reader = self.kv.snapshot().await?;
            let permission = Permission::ObjectStorageNamespaceRead;
            self.permits_in_compartment(
                &*reader,
                caller,
                Operation::GetNamespace,
                permission,
                compartment,
            )
            .await?
            .map_err(|cause| Error::from(ErrorKind::NotAuthorizedOrNotFound).because(cause))?;
        }
        Ok(user.namespace.clone())
    }

    /// Makes a bucket. Refused with [`ErrorKind::BucketAlreadyExists`] when the name is taken or the caller may not make
    /// buckets there: the two look alike.
    pub async fn create_bucket(
        &self,
        caller: &Caller,
        namespace: &Namespace,
        new: NewBucket,
    ) -> Result<Bucket, Error> {
        check_metadata(&new.metadata)?;
        if new.versioning == Versioning::Suspended {
            let text = "versioning of a new bucket must be Enabled or Disabled";
            return Err(ErrorKind::InvalidParameter(text.to_owned()).into());
        }
        let (id, ocid) = (BucketId::from_random(self.random()), self.bucket_ocid());
        let (etag, now) = (ETag::from_random(self.random()), self.now());
        let (new, ocid) = (&new, &ocid);
        self.transact("create_bucket", |tx| async move {
            let created_by = self.require_create(&tx, caller, namespace, new).await?;
            let key = keys::bucket(namespace, &new.name);
            let existing = tx
                .reader()
                .get_many(std::slice::from_ref(&key))
                .await?
                .pop()
                .flatten();
            match records::decode_optional::<BucketRecord>(existing.as_ref())? {
                Some(bucket) if bucket.id == id => return Ok(bucket.shown(namespace)),
                Some(_) => return Err(already_exists(namespace, &new.name)),
                None => {}
            }
            let bucket = BucketRecord {
                id,
                name: new.name.clone(),
                ocid: ocid.clone(),
                compartment: new.compartment.clone(),
                created_by,
                time_created: now,
                etag,
                public_access: new.public_access,
                storage_tier: new.storage_tier,
                object_events_enabled: new.object_events_enabled,
                metadata: new.metadata.clone(),
                freeform_tags: new.freeform_tags.clone(),
                defined_tags: new.defined_tags.clone(),
                versioning: new.versioning,
                auto_tiering: new.auto_tiering,
                lifecycle_etag: None,
                retention: None,
                replicates: false,
                read_only: false,
                swift: None,
            };
            write_bucket(&tx, namespace, &bucket);
            tx.put_raw(
                keys::compartment_bucket(namespace, &new.compartment, &new.name),
                Bytes::new(),
            );
            Ok(bucket.shown(namespace))
        })
        .await
    }

    async fn require_create(
        &self,
        tx: &Tx,
        caller: &Caller,
        namespace: &Namespace,
        new: &NewBucket,
    ) -> Result<Ocid, Error> {
        let Some(user) = caller.user().filter(|user| user.namespace == *namespace) else {
            return Err(Error::from(ErrorKind::NamespaceNotFound)
                .because("the caller belongs to another tenancy"));
        };
        let (operation, permission) = (Operation::CreateBucket, Permission::BucketCreate);
        match self
            .permits_in_compartment(tx.reader(), caller, operation, permission, &new.compartment)
            .await?
        {
            Ok(_) => Ok(user.user.clone()),
            Err(cause) => {
                let kind = ErrorKind::RelatedNotAuthorizedOrNotFound(
                    "Either the compartment does not exist or you are not authorized to create buckets in it".to_owned(),
                );
                Err(Error::from(kind).because(cause))
            }
        }
    }

    /// The buckets of a compartment, by name.
    pub async fn buckets(
        &self,
        caller: &Caller,
        namespace: &Namespace,
        compartment: &Ocid,
        page: Option<&PageToken>,
        limit: PageLimit,
    ) -> Result<Page<Bucket>, Error> {
        let reader = self.kv.snapshot().await?;
        if caller
            .user()
            .is_none_or(|user| user.namespace != *namespace)
        {
            return Err(Error::from(ErrorKind::NamespaceNotFound)
                .because("the caller belongs to another tenancy"));
        }
        self.permits_in_compartment(
            &*reader,
            caller,
            Operation::ListBuckets,
            Permission::BucketInspect,
            compartment,
        )
        .await?
        .map_err(|cause| Error::from(ErrorKind::NotAuthorizedOrNotFound).because(cause))?;
        let prefix = keys::compartment_buckets(namespace, compartment);
        let (names, next) = list_page(&*reader, &prefix, page, limit).await?;
        let asked: Vec<Vec<u8>> = names
            .iter()
            .map(|entry| [&keys::buckets(namespace)[..], &entry.key[prefix.len()..]].concat())
            .collect();
        let found = reader.get_many(&asked).await?;
        let items = found
            .iter()
            .flatten()
            .map(|bytes| Ok(records::decode::<BucketRecord>(bytes)?.shown(namespace)));
        Ok(Page {
            items: items.collect::<Result<_, Error>>()?,
            next,
        })
    }

    /// A bucket with the fields asked for.
    pub async fn bucket(
        &self,
        caller: &Caller,
        path: &BucketPath,
        fields: BucketFields,
        preconditions: &Preconditions,
    ) -> Result<Bucket, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        access.require(
            Operation::GetBucket,
            Need::All(&[Permission::BucketRead]),
            Act::Manage,
        )?;
        check_read(preconditions, &access.bucket.etag)?;
        let mut bucket = access.bucket.shown(&path.namespace);
        if fields.count || fields.size {
            let sum = self
                .counted(&*reader, &path.namespace, &access.bucket.id)
                .await?;
            bucket.approximate_count = fields
                .count
                .then_some(u64::try_from(sum.objects + sum.old_objects).unwrap_or(0));
            bucket.approximate_size = fields
                .size
                .then_some(u64::try_from(sum.bytes + sum.old_bytes).unwrap_or(0));
        }
        Ok(bucket)
    }

    /// The etag of a bucket that the caller may inspect.
    pub async fn head_bucket(
        &self,
        caller: &Caller,
        path: &BucketPath,
        preconditions: &Preconditions,
    ) -> Result<ETag, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        access.require(
            Operation::HeadBucket,
            Need::All(&[Permission::BucketInspect]),
            Act::Manage,
        )?;
        check_read(preconditions, &access.bucket.etag)?;
        Ok(access.bucket.etag)
    }

    /// Changes a bucket. Moving it needs the right to make buckets in the other compartment as well.
    pub async fn update_bucket(
        &self,
        caller: &Caller,
        path: &BucketPath,
        change: BucketChange,
        preconditions: &Preconditions,
    ) -> Result<Bucket, Error> {
        change
            .metadata
            .as_ref()
            .map_or(Ok(()), |metadata| check_metadata(metadata))?;
        let etag = ETag::from_random(self.random());
        let change = &change;
        self.transact("update_bucket", |tx| async move {
            let access = self.enter(tx.reader(), caller, path).await?;
            access.require(
                Operation::UpdateBucket,
                Need::All(&[Permission::BucketUpdate]),
                Act::Manage,
            )?;
            if access.bucket.etag == etag {
                return Ok(access.bucket.shown(&path.namespace));
            }
            check_write(preconditions, Some(&access.bucket.etag))?;
            check_versioning(&access.bucket, change.versioning)?;
            let bucket = access.bucket.changed(change, etag);
            if bucket.compartment != access.bucket.compartment {
                self.require_move(&tx, caller, &bucket.compartment).await?;
                tx.delete(keys::compartment_bucket(
                    &path.namespace,
                    &access.bucket.compartment,
                    &path.bucket,
                ));
                tx.put_raw(
                    keys::compartment_bucket(&path.namespace, &bucket.compartment, &path.bucket),
                    Bytes::new(),
                );
            }
            write_bucket(&tx, &path.namespace, &bucket);
            Ok(bucket.shown(&path.namespace))
        })
        .await
    }

    async fn require_move(&self, tx: &Tx, caller: &Caller, to: &Ocid) -> Result<(), Error> {
        let (operation, permission) = (Operation::UpdateBucket, Permission::BucketCreate);
        match self.permits_in_compartment(tx.reader(), caller, operation, permission, to).await? {
            Ok(_) => Ok(()),
            Err(cause) => Err(Error::from(ErrorKind::RelatedNotAuthorizedOrNotFound(
                "Either the compartment does not exist or you are not authorized to move buckets to it".to_owned(),
            ))
            .because(cause)),
        }
    }

    /// Deletes an empty bucket without uploads and pre-authenticated requests, expired ones included.
    pub async fn delete_bucket(
        &self,
        caller: &Caller,
        path: &BucketPath,
        preconditions: &Preconditions,
    ) -> Result<(), Error> {
        while !self.delete_emptied(caller, path, preconditions).await? {}
        Ok(())
    }

    /// Deletes a bucket, if not too much hangs on it for one transaction. Otherwise it only makes that less. Whether the
    /// bucket is gone.
    async fn delete_emptied(
        &self,
        caller: &Caller,
        path: &BucketPath,
        preconditions: &Preconditions,
    ) -> Result<bool, Error> {
        self.transact("delete_bucket", |tx| async move {
            let access = match self.enter(tx.reader(), caller, path).await {
                Err(error) if tx.may_have_happened() && is_missing(&error) => return Ok(true),
                found => found?,
            };
            access.require(
                Operation::DeleteBucket,
                Need::All(&[Permission::BucketDelete]),
                Act::Manage,
            )?;
            check_write(preconditions, Some(&access.bucket.etag))?;
            let (ns, id) = (&path.namespace, &access.bucket.id);
            if access.bucket.replicates || access.bucket.read_only {
                let text = format!(
                    "The bucket '{}' is part of a replication policy: delete that first, or make the bucket writable",
                    path.bucket
                );
                return Err(ErrorKind::BucketStateConflict(text).into());
            }
            if !is_empty(&tx, &keys::objects(ns, id)).await?
                || !is_empty(&tx, &keys::versions(ns, id)).await?
                || !is_empty(&tx, &keys::uploads(ns, id)).await?
            {
                return Err(ErrorKind::BucketNotEmpty(path.bucket.clone()).into());
            }
            if !is_empty(&tx, &keys::bucket_pars(ns, id)).await? {
                return Err(ErrorKind::ParStillExists(path.bucket.clone()).into());
            }
            // All this can go, or become less, before the bucket does: it is empty, and no source.
            let few = delete_some(&tx, &keys::replication_changes(ns, id)).await?
                & delete_some(&tx, &keys::last_reads(ns, id)).await?
                & (fold_page(&tx, (ns, id), DELETED_AT_ONCE, DELETED_AT_ONCE).await? == 0);
            if !few {
                return Ok(false);
            }
            delete_some(&tx, &keys::counters(ns, id)).await?;
            tx.delete(keys::counter_floor(ns, id));
            delete_some(&tx, &keys::retention_rules(ns, id)).await?;
            tx.delete(keys::lifecycle_policy(ns, id));
            tx.delete(keys::upkeep(ns, id));
            tx.delete(keys::kept_bucket(id));
            tx.delete(keys::compartment_bucket(
                ns,
                &access.bucket.compartment,
                &path.bucket,
            ));
            tx.delete(keys::bucket(ns, &path.bucket));
            Ok(true)
        })
        .await
    }

    fn bucket_ocid(&self) -> Ocid {
        Ocid::new("bucket", &self.settings.region, self.random())
    }
}

/// Writes a bucket's record, and marks whether the background looks after it.
pub(crate) fn write_bucket(tx: &Tx, namespace: &Namespace, bucket: &BucketRecord) {
    tx.put(keys::bucket(namespace, &bucket.name), bucket);
    let kept = bucket.lifecycle_etag.is_some()
        || bucket.auto_tiering != AutoTiering::Disabled
        || bucket.replicates;
    if kept {
        let mark = keys::kept_bucket_mark(namespace, &bucket.name);
        tx.put_raw(keys::kept_bucket(&bucket.id), mark);
    } else {
        tx.delete(keys::kept_bucket(&bucket.id));
        // Where it is kept again, everything begins anew.
        tx.delete(keys::upkeep(namespace, &bucket.id));
    }
}

/// Versioning once enabled is never disabled, and does not go with retention rules (wire reference section 11).
fn check_versioning(bucket: &BucketRecord, wanted: Option<Versioning>) -> Result<(), Error> {
    match (bucket.versioning, wanted) {
        (was, Some(wanted)) if was == wanted => Ok(()),
        (_, Some(Versioning::Enabled)) if bucket.retention.is_some() => {
            let text = "Versioning can't be enabled while the bucket has retention rules";
            Err(ErrorKind::BucketStateConflict(text.to_owned()).into())
        }
        (_, Some(Versioning::Disabled)) => {
            let text = "Versioning can be suspended, but not disabled again";
            Err(ErrorKind::InvalidParameter(text.to_owned()).into())
        }
        (Versioning::Disabled, Some(Versioning::Suspended)) => {
            let text = "Versioning can be suspended only where it was enabled";
            Err(ErrorKind::InvalidParameter(text.to_owned()).into())
        }
        (_, Some(Versioning::Enabled | Versioning::Suspended) | None) => Ok(()),
    }
}

/// One page of the keys behind `prefix`; the cursor is the rest of the last key.
pub(crate) async fn list_page(
    reader: &dyn Reader,
    prefix: &[u8],
    page: Option<&PageToken>,
    limit: PageLimit,
) -> Result<(Vec<parbuckle_kv::Entry>, Option<PageToken>), Error> {
    let more = limit.value() + 1;
    let scan = match page {
        Some(page) => keys::all_after(prefix, page.position(), more),
        None => keys::all(prefix, more),
    };
    let mut entries = reader.scan(&scan).await?;
    let next = (entries.len() == more).then(|| {
        entries.pop();
        entries
            .last()
            .map(|last| PageToken::new(last.key[prefix.len()..].to_vec()))
    });
    Ok((entries, next.flatten()))
}

/// The verdict on a read as an error.
pub(crate) fn check_read(preconditions: &Preconditions, etag: &ETag) -> Result<(), Error> {
    match preconditions.check_read(etag) {
        ReadVerdict::Proceed => Ok(()),
        ReadVerdict::NotModified => Err(ErrorKind::NotModified(*etag).into()),
        ReadVerdict::IfMatchFailed => Err(ErrorKind::IfMatchFailed.into()),
    }
}

/// The verdict on a write as an error.
pub(crate) fn check_write(
    preconditions: &Preconditions,
    current: Option<&ETag>,
) -> Result<(), Error> {
    match preconditions.check_write(current) {
        WriteVerdict::Proceed => Ok(()),
        WriteVerdict::IfMatchFailed => Err(ErrorKind::IfMatchFailed.into()),
        WriteVerdict::IfNoneMatchFailed => Err(ErrorKind::IfNoneMatchFailed.into()),
    }
}

/// Whether a user was told that there is no such bucket. (To find one asks for no permission yet.)
fn is_missing(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::BucketNotFound { .. })
}

async fn is_empty(tx: &Tx, prefix: &[u8]) -> Result<bool, Error> {
    Ok(tx.reader().scan(&keys::all(prefix, 1)).await?.is_empty())
}

/// Deletes what begins with `prefix`, as much as goes into one transaction. Whether that is all.
async fn delete_some(tx: &Tx, prefix: &[u8]) -> Result<bool, Error> {
    let found = tx
        .reader()
        .scan(&keys::all(prefix, DELETED_AT_ONCE))
        .await?;
    for entry in &found {
        tx.delete(entry.key.to_vec());
    }
    Ok(found.len() < DELETED_AT_ONCE)
}

fn check_metadata(metadata: &[(String, String)]) -> Result<(), Error> {
    let bytes: usize = metadata
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > METADATA_BYTES_MAX {
        return Err(ErrorKind::InvalidParameter(format!(
            "Bucket metadata has at most {METADATA_BYTES_MAX} bytes of names and values; this has {bytes}"
        ))
        .into());
    }
    Ok(())
}

fn already_exists(namespace: &Namespace, bucket: &BucketName) -> Error {
    ErrorKind::BucketAlreadyExists {
        namespace: namespace.clone(),
        bucket: bucket.clone(),
    }
    .into()
}
