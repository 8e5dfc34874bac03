//! Buckets (wire reference 3.2, 4.1).

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::policy::Tags;
use parbuckle_kv::Reader;
use parbuckle_model::{
    BucketId, BucketName, ETag, Namespace, Ocid, PageLimit, PageToken, Preconditions, PublicAccess,
    ReadVerdict, StorageTier, WriteVerdict,
};

use crate::authority::{Act, Need};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{self, BucketRecord};
use crate::transact::Tx;
use crate::{BucketPath, Engine, Page, keys};

/// Most bytes of a bucket's metadata, names and values together.
const METADATA_BYTES_MAX: usize = 4096;

/// A bucket as its readers see it.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: BucketName,
    /// Its OCID.
    pub ocid: Ocid,
    /// The compartment it lies in.
    pub compartment: Ocid,
    /// The user who made it.
    pub created_by: Ocid,
    /// When.
    pub time_created: Timestamp,
    /// Changes with every update.
    pub etag: ETag,
    /// What everybody may do.
    pub public_access: PublicAccess,
    /// The tier of objects that ask for none.
    pub storage_tier: StorageTier,
    /// Kept; no events are sent.
    pub object_events_enabled: bool,
    /// User metadata.
    pub metadata: Vec<(String, String)>,
    /// Free-form tags.
    pub freeform_tags: Vec<(String, String)>,
    /// Defined tags: namespace, key, value as JSON text.
    pub defined_tags: Vec<(String, String, String)>,
    /// Number of objects, when asked for.
    pub approximate_count: Option<u64>,
    /// Bytes of all objects, when asked for.
    pub approximate_size: Option<u64>,
}

/// A bucket to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewBucket {
    /// Its name.
    pub name: BucketName,
    /// The compartment it shall lie in.
    pub compartment: Ocid,
    /// What everybody may do.
    pub public_access: PublicAccess,
    /// The tier of objects that ask for none; never changes.
    pub storage_tier: StorageTier,
    /// Kept; no events are sent.
    pub object_events_enabled: bool,
    /// User metadata.
    pub metadata: Vec<(String, String)>,
    /// Free-form tags.
    pub freeform_tags: Vec<(String, String)>,
    /// Defined tags: namespace, key, value as JSON text.
    pub defined_tags: Vec<(String, String, String)>,
}

/// A change of a bucket: what is absent stays, what is given replaces (wire reference 4.1).
#[derive(Debug, Clone, PartialEq, Default)]
pub struct BucketChange {
    /// Moves it.
    pub compartment: Option<Ocid>,
    /// What everybody may do.
    pub public_access: Option<PublicAccess>,
    /// Kept; no events are sent.
    pub object_events_enabled: Option<bool>,
    /// User metadata.
    pub metadata: Option<Vec<(String, String)>>,
    /// Free-form tags.
    pub freeform_tags: Option<Vec<(String, String)>>,
    /// Defined tags.
    pub defined_tags: Option<Vec<(String, String, String)>>,
}

/// Fields of a bucket that cost something to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BucketFields {
    /// `approximateCount`
    pub count: bool,
    /// `approximateSize`
    pub size: bool,
}

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
            };
            tx.put(key, &bucket);
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
                .then_some(u64::try_from(sum.objects).unwrap_or(0));
            bucket.approximate_size = fields.size.then_some(u64::try_from(sum.bytes).unwrap_or(0));
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
            tx.put(keys::bucket(&path.namespace, &path.bucket), &bucket);
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
        self.transact("delete_bucket", |tx| async move {
            let access = match self.enter(tx.reader(), caller, path).await {
                Err(error) if tx.may_have_happened() && is_missing(&error) => return Ok(()),
                found => found?,
            };
            access.require(
                Operation::DeleteBucket,
                Need::All(&[Permission::BucketDelete]),
                Act::Manage,
            )?;
            check_write(preconditions, Some(&access.bucket.etag))?;
            let (ns, id) = (&path.namespace, &access.bucket.id);
            if !is_empty(&tx, &keys::objects(ns, id)).await?
                || !is_empty(&tx, &keys::uploads(ns, id)).await?
            {
                return Err(ErrorKind::BucketNotEmpty(path.bucket.clone()).into());
            }
            if !is_empty(&tx, &keys::bucket_pars(ns, id)).await? {
                return Err(ErrorKind::ParStillExists(path.bucket.clone()).into());
            }
            for entry in tx
                .reader()
                .scan(&keys::all(&keys::counters(ns, id), usize::MAX))
                .await?
            {
                tx.delete(entry.key.to_vec());
            }
            tx.delete(keys::compartment_bucket(
                ns,
                &access.bucket.compartment,
                &path.bucket,
            ));
            tx.delete(keys::bucket(ns, &path.bucket));
            Ok(())
        })
        .await
    }

    fn bucket_ocid(&self) -> Ocid {
        Ocid::new("bucket", &self.settings.region, self.random())
    }
}

impl BucketRecord {
    fn shown(&self, namespace: &Namespace) -> Bucket {
        Bucket {
            namespace: namespace.clone(),
            name: self.name.clone(),
            ocid: self.ocid.clone(),
            compartment: self.compartment.clone(),
            created_by: self.created_by.clone(),
            time_created: self.time_created,
            etag: self.etag,
            public_access: self.public_access,
            storage_tier: self.storage_tier,
            object_events_enabled: self.object_events_enabled,
            metadata: self.metadata.clone(),
            freeform_tags: self.freeform_tags.clone(),
            defined_tags: self.defined_tags.clone(),
            approximate_count: None,
            approximate_size: None,
        }
    }

    fn changed(&self, change: &BucketChange, etag: ETag) -> Self {
        let change = change.clone();
        let was = self.clone();
        Self {
            etag,
            compartment: change.compartment.unwrap_or(was.compartment),
            public_access: change.public_access.unwrap_or(was.public_access),
            object_events_enabled: change
                .object_events_enabled
                .unwrap_or(was.object_events_enabled),
            metadata: change.metadata.unwrap_or(was.metadata),
            freeform_tags: change.freeform_tags.unwrap_or(was.freeform_tags),
            defined_tags: change.defined_tags.unwrap_or(was.defined_tags),
            ..was
        }
    }
}

/// The bucket's defined tags, as policies ask for them. A value is JSON text; of a string without escapes its content.
impl Tags for BucketRecord {
    fn value(&self, namespace: &str, key: &str) -> Option<&str> {
        let same = |(ns, k, _): &&(String, String, String)| {
            ns.eq_ignore_ascii_case(namespace) && k.eq_ignore_ascii_case(key)
        };
        let (_, _, value) = self.defined_tags.iter().find(same)?;
        let content = value.strip_prefix('"').and_then(|v| v.strip_suffix('"'));
        Some(content.unwrap_or(value))
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
