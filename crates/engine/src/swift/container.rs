//! Containers: buckets as Swift sees them (swift-v1-wire.md sections 4 and 6).

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_iam::secret::SecretString;
use parbuckle_kv::Reader;
use parbuckle_model::{
    AutoTiering, BucketId, BucketName, ETag, Ocid, Preconditions, PublicAccess, StorageTier,
    Versioning,
};

use super::access::unauthenticated;
use super::listing::{ListQuery, list_names};
use super::metadata::{
    MetadataChange, MetadataLevel, check_all, check_metadata, is_showable, merge,
};
use super::object::SwiftObject;
use super::{AclKind, SwiftRefusal, clean_acl};
use crate::authority::{Access, Act, Need};
use crate::bucket::write_bucket;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::namespace::default_swift_compartment;
use crate::object::ObjectMd5;
use crate::records::{
    self, BucketRecord, ObjectRecord, ObjectRowRecord, StoredSecret, SwiftBucketRecord,
};
use crate::transact::Tx;
use crate::{BucketPath, Engine, keys};

/// Metadata of containers that has a meaning. It acts only here, and the native API does not see it.
const SETTINGS: [&str; 6] = [
    "quota-bytes",
    "quota-count",
    "access-control-allow-origin",
    "access-control-allow-headers",
    "access-control-expose-headers",
    "access-control-max-age",
];

/// Metadata of accounts and containers that only owners see.
pub(super) const KEYS: [&str; 2] = ["temp-url-key", "temp-url-key-2"];

/// What everybody with rights may know of a container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerInfo {
    /// Its name.
    pub name: BucketName,
    /// Number of current objects.
    pub object_count: u64,
    /// Their bytes; of a large object those of its manifest.
    pub bytes_used: u64,
    /// When it was made (`X-Timestamp`).
    pub time_created: Timestamp,
    /// When its metadata or ACLs were last changed through Swift; else when it was made.
    pub time_modified: Timestamp,
    /// Metadata by lower-case name without prefix, quotas and CORS settings included. It is empty for those who may list
    /// but not read the bucket.
    pub metadata: Vec<(String, String)>,
    /// TempURL keys by lower-case name without prefix, to be shown as metadata; none for those who are no owners.
    pub keys: Vec<(String, SecretString)>,
    /// What only owners see: whoever may update the bucket is one.
    pub acls: Option<ContainerAcls>,
    /// The tier of its objects.
    pub storage_tier: StorageTier,
}

/// The cleaned lists of a container; empty where there is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainerAcls {
    /// Who may read.
    pub read: String,
    /// Who may write.
    pub write: String,
}

/// A change of a container. What is absent stays.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContainerChange {
    /// Metadata, TempURL keys, quotas and CORS settings, by name without prefix.
    pub metadata: MetadataChange,
    /// The read ACL as it was sent; an empty one removes it.
    pub read_acl: Option<String>,
    /// The write ACL as it was sent; an empty one removes it.
    pub write_acl: Option<String>,
}

/// What became of a container that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PutContainer {
    /// It is new.
    Created,
    /// It was there; the change was merged in.
    Updated,
}

/// A row of a container's listing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ContainerRow<'r> {
    /// An object.
    Object(ObjectRow<'r>),
    /// What several names begin with, up to and including the delimiter.
    Subdir(&'r str),
}

/// An object in a listing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ObjectRow<'r> {
    /// Its name.
    pub name: &'r str,
    /// Its length; of a static large object that of all segments, of a dynamic one that of the manifest.
    pub bytes: u64,
    /// MD5 of the stored bytes, of a static large object that of its manifest as clients are shown it.
    pub hash: ObjectMd5,
    /// Nothing where none was given.
    pub content_type: Option<&'r str>,
    /// When it was last changed.
    pub time_modified: Timestamp,
    /// Of a static large object the MD5 that its etag is.
    pub slo_etag: Option<[u8; 16]>,
}

impl Engine {
    /// Makes a container, or changes the one that is there, which counts as changed in any case. A new one lies in the compartment designated for Swift
    /// ([`Engine::update_namespace_metadata`]); its tier is `storage_tier`, which an existing one ignores.
    ///
    /// Permissions: BUCKET_CREATE there, or BUCKET_UPDATE on the bucket.
    pub async fn swift_put_container(
        &self,
        caller: &Caller,
        path: &BucketPath,
        change: &ContainerChange,
        storage_tier: StorageTier,
    ) -> Result<PutContainer, Error> {
        let change = &change.cleaned()?;
        let (id, etag) = (
            BucketId::from_random(self.random()),
            ETag::from_random(self.random()),
        );
        let ocid = &Ocid::new("bucket", &self.settings.region, self.random());
        let now = self.now();
        self.transact("swift_put_container", |tx| async move {
            let key = keys::bucket(&path.namespace, &path.bucket);
            let found = tx.reader().get_many(&[key]).await?.pop().flatten();
            if let Some(bucket) = records::decode_optional::<BucketRecord>(found.as_ref())? {
                if bucket.id == id {
                    return Ok(PutContainer::Created);
                }
                let done = self.change_container(&tx, caller, path, change, true, (etag, now));
                return match done.await {
                    // One that is hidden from the caller looks like one that he may not make.
                    Err(error) if matches!(error.kind(), ErrorKind::BucketNotFound { .. }) => {
                        Err(SwiftRefusal::Forbidden.into())
                    }
                    done => done.map(|()| PutContainer::Updated),
                };
            }
            let (compartment, created_by) = self
                .require_new_container(tx.reader(), caller, path)
                .await?;
            let bucket = BucketRecord {
                id,
                name: path.bucket.clone(),
                ocid: ocid.clone(),
                compartment,
                created_by,
                time_created: now,
                etag,
                public_access: PublicAccess::NoPublicAccess,
                storage_tier,
                object_events_enabled: false,
                metadata: Vec::new(),
                freeform_tags: Vec::new(),
                defined_tags: Vec::new(),
                versioning: Versioning::Disabled,
                auto_tiering: AutoTiering::Disabled,
                lifecycle_etag: None,
                retention: None,
                replicates: false,
                read_only: false,
                swift: None,
            };
            let bucket = changed(&bucket, change, etag, now)?;
            write_bucket(&tx, &path.namespace, &bucket);
            let listed =
                keys::compartment_bucket(&path.namespace, &bucket.compartment, &path.bucket);
            tx.put_raw(listed, Bytes::new());
            Ok(PutContainer::Created)
        })
        .await
    }

    /// Changes a container. Permission: BUCKET_UPDATE.
    pub async fn swift_update_container(
        &self,
        caller: &Caller,
        path: &BucketPath,
        change: &ContainerChange,
    ) -> Result<(), Error> {
        let change = &change.cleaned()?;
        let (etag, now) = (ETag::from_random(self.random()), self.now());
        self.transact("swift_update_container", |tx| async move {
            let touch = !change.is_empty();
            self.change_container(&tx, caller, path, change, touch, (etag, now))
                .await
        })
        .await
    }

    /// A container. Permission: BUCKET_READ, or a read ACL that names the caller, or `.rlistings` with a referrer that
    /// fits.
    pub async fn swift_container(
        &self,
        caller: &Caller,
        path: &BucketPath,
    ) -> Result<ContainerInfo, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        let need = Need::All(&[Permission::BucketRead]);
        access.require(Operation::GetBucket, need, Act::Manage)?;
        self.container_info(&*reader, &access, path).await
    }

    /// A container and a page of its objects, which are handed to `show` in the order of the listing; after an error some
    /// may have been. Permission: OBJECT_INSPECT, or an ACL as for [`Engine::swift_container`].
    pub async fn swift_list_container(
        &self,
        caller: &Caller,
        path: &BucketPath,
        query: &ListQuery,
        mut show: impl FnMut(ContainerRow<'_>) + Send,
    ) -> Result<ContainerInfo, Error> {
        query.check()?;
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        let need = Need::All(&[Permission::ObjectInspect]);
        access.require(Operation::ListObjects, need, Act::ListObjects)?;
        let info = self.container_info(&*reader, &access, path).await?;
        let base = keys::objects(&path.namespace, &access.bucket.id);
        let now = self.now();
        list_names(&*reader, &base, query, |candidate| {
            let record: ObjectRowRecord<'_> = records::decode(candidate.record)?;
            let is_seen = !record.has_expired(now);
            if is_seen && candidate.is_group {
                show(ContainerRow::Subdir(candidate.text));
            } else if is_seen {
                show(ContainerRow::Object(object_row(candidate.text, &record)));
            }
            Ok(is_seen)
        })
        .await?;
        Ok(info)
    }

    /// Deletes an empty container. Permission: BUCKET_DELETE. Refused with [`ErrorKind::BucketNotEmpty`] while there are
    /// objects, versions or uploads, and with [`ErrorKind::ParStillExists`] while it has pre-authenticated requests.
    pub async fn swift_delete_container(
        &self,
        caller: &Caller,
        path: &BucketPath,
    ) -> Result<(), Error> {
        let always = Preconditions::default();
        match self.delete_bucket(caller, path, &always).await {
            // What has expired is gone for the client, and so must not keep the container.
            Err(error) if matches!(error.kind(), ErrorKind::BucketNotEmpty(_)) => {
                self.expire_objects().await?;
                self.delete_bucket(caller, path, &always).await
            }
            done => done,
        }
    }

    /// The CORS settings of a container, by name without prefix; none if there is no such container. They are for
    /// browsers that ask before they send credentials, and so need no permission.
    pub async fn swift_cors(&self, path: &BucketPath) -> Result<Vec<(String, String)>, Error> {
        let key = keys::bucket(&path.namespace, &path.bucket);
        let found = self
            .kv
            .snapshot()
            .await?
            .get_many(&[key])
            .await?
            .pop()
            .flatten();
        let bucket = self.hot_buckets.decode_optional(found.as_ref())?;
        let swift = bucket
            .and_then(|bucket| bucket.swift.clone())
            .unwrap_or_default();
        let is_cors = |(name, _): &(String, String)| name.starts_with("access-control-");
        Ok(swift.settings.into_iter().filter(is_cors).collect())
    }

    /// With `touch` the container counts as changed, even by an empty change.
    async fn change_container(
        &self,
        tx: &Tx,
        caller: &Caller,
        path: &BucketPath,
        change: &ContainerChange,
        touch: bool,
        (etag, now): (ETag, Timestamp),
    ) -> Result<(), Error> {
        let access = self.enter_as_owner(tx.reader(), caller, path).await?;
        if access.bucket.etag != etag && touch {
            let bucket = changed(&access.bucket, change, etag, now)?;
            write_bucket(tx, &path.namespace, &bucket);
        }
        Ok(())
    }

    /// A container for whoever may change it.
    pub(super) async fn enter_as_owner<'p>(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        path: &'p BucketPath,
    ) -> Result<Access<'p>, Error> {
        let access = self.enter(reader, caller, path).await?;
        let need = Need::All(&[Permission::BucketUpdate]);
        access.require(Operation::UpdateBucket, need, Act::Manage)?;
        Ok(access)
    }

    /// The compartment of a new container, and who makes it.
    pub(super) async fn require_new_container(
        &self,
        reader: &dyn Reader,
        caller: &Caller,
        path: &BucketPath,
    ) -> Result<(Ocid, Ocid), Error> {
        let Some(user) = caller.user() else {
            return Err(unauthenticated());
        };
        if user.namespace != path.namespace {
            return Err(SwiftRefusal::Forbidden.into());
        }
        let compartment = default_swift_compartment(reader, &path.namespace).await?;
        let (operation, permission) = (Operation::CreateBucket, Permission::BucketCreate);
        self.permits_in_compartment(reader, caller, operation, permission, &compartment)
            .await?
            .map_err(|cause| Error::from(SwiftRefusal::Forbidden).because(cause))?;
        Ok((compartment, user.user.clone()))
    }

    async fn container_info(
        &self,
        reader: &dyn Reader,
        access: &Access<'_>,
        path: &BucketPath,
    ) -> Result<ContainerInfo, Error> {
        let bucket = &access.bucket;
        let sum = self.counted(reader, &path.namespace, &bucket.id).await?;
        let none = SwiftBucketRecord::default();
        let swift = bucket.swift.as_ref().unwrap_or(&none);
        let reads = access.owner_holds(Operation::GetBucket, Permission::BucketRead, None);
        let owns = access.owner_holds(Operation::UpdateBucket, Permission::BucketUpdate, None);
        let metadata = if reads {
            shown_metadata(bucket, swift)
        } else {
            Vec::new()
        };
        let modified = Timestamp::from_millisecond(swift.modified_millis).unwrap_or_default();
        Ok(ContainerInfo {
            name: bucket.name.clone(),
            object_count: u64::try_from(sum.objects).unwrap_or(0),
            bytes_used: u64::try_from(sum.bytes).unwrap_or(0),
            time_created: bucket.time_created,
            time_modified: modified.max(bucket.time_created),
            metadata,
            keys: if owns {
                shown_keys(&swift.keys)
            } else {
                Vec::new()
            },
            acls: owns.then(|| ContainerAcls {
                read: swift.read_acl.clone(),
                write: swift.write_acl.clone(),
            }),
            storage_tier: bucket.storage_tier,
        })
    }
}

impl ContainerChange {
    fn is_empty(&self) -> bool {
        self.metadata.is_empty() && self.read_acl.is_none() && self.write_acl.is_none()
    }

    /// With its ACLs in the form they are stored in; refused when anything of it can't be.
    fn cleaned(&self) -> Result<Self, Error> {
        let items = self
            .metadata
            .set
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        check_metadata(MetadataLevel::Container, items)?;
        for (name, value) in &self.metadata.set {
            let number = value.is_empty() || value.bytes().all(|b| b.is_ascii_digit());
            let what = match name.to_lowercase().as_str() {
                "quota-bytes" if !number => "Invalid bytes quota.",
                "quota-count" if !number => "Invalid count quota.",
                _ if !value.is_empty() && !is_showable(name, value) => {
                    return Err(ErrorKind::InvalidParameter(format!(
                        "Metadata {name:?} can't be sent as a header"
                    ))
                    .into());
                }
                _ => continue,
            };
            return Err(ErrorKind::InvalidParameter(what.to_owned()).into());
        }
        let clean =
            |kind, acl: &Option<String>| acl.as_deref().map(|acl| clean_acl(kind, acl)).transpose();
        Ok(Self {
            metadata: self.metadata.clone(),
            read_acl: clean(AclKind::Read, &self.read_acl)?,
            write_acl: clean(AclKind::Write, &self.write_acl)?,
        })
    }
}

/// The bucket after a cleaned change.
fn changed(
    bucket: &BucketRecord,
    change: &ContainerChange,
    etag: ETag,
    now: Timestamp,
) -> Result<BucketRecord, Error> {
    let mut bucket = bucket.clone();
    let mut swift = bucket.swift.take().unwrap_or_default();
    for (name, value) in change.metadata.outcomes() {
        let value = value.map(str::to_owned);
        if KEYS.contains(&name.as_str()) {
            merge(&mut swift.keys, &name, value.map(StoredSecret));
        } else if SETTINGS.contains(&name.as_str()) {
            merge(&mut swift.settings, &name, value);
        } else {
            merge(&mut bucket.metadata, &name, value);
        }
    }
    let secrets = swift
        .keys
        .iter()
        .map(|(name, key)| (name.as_str(), key.0.as_str()));
    let open = swift.settings.iter().chain(&bucket.metadata);
    let open = open.map(|(name, value)| (name.as_str(), value.as_str()));
    if !change.metadata.set.is_empty() {
        check_all(open.chain(secrets))?;
    }
    swift.read_acl = change.read_acl.clone().unwrap_or(swift.read_acl);
    swift.write_acl = change.write_acl.clone().unwrap_or(swift.write_acl);
    swift.modified_millis = now.as_millisecond();
    bucket.swift = Some(swift);
    bucket.etag = etag;
    Ok(bucket)
}

/// Keys for their owner.
pub(super) fn shown_keys(keys: &[(String, StoredSecret)]) -> Vec<(String, SecretString)> {
    keys.iter()
        .map(|(name, key)| (name.clone(), key.0.clone().into()))
        .collect()
}

/// The bucket's own metadata, where a header can carry it, and the settings.
fn shown_metadata(bucket: &BucketRecord, swift: &SwiftBucketRecord) -> Vec<(String, String)> {
    let mut shown = swift.settings.clone();
    for (name, value) in &bucket.metadata {
        let name = name.to_lowercase();
        let special = SETTINGS.contains(&name.as_str()) || KEYS.contains(&name.as_str());
        if !special && is_showable(&name, value) {
            merge(&mut shown, &name, Some(value.clone()));
        }
    }
    shown
}

/// The object of a record as it is stored, unless it has expired.
pub(super) fn current(record: &[u8], now: Timestamp) -> Result<Option<SwiftObject>, Error> {
    let record: ObjectRecord = records::decode(record)?;
    Ok((!record.has_expired(now)).then(|| record.into()))
}

fn object_row<'r>(name: &'r str, record: &ObjectRowRecord<'r>) -> ObjectRow<'r> {
    let manifest = record
        .swift
        .as_ref()
        .and_then(|swift| swift.static_manifest);
    let (bytes, hash) = match (manifest, record.part_count) {
        (Some(manifest), _) => (manifest.size, ObjectMd5::Whole(manifest.shown_md5)),
        (None, None) => (record.size, ObjectMd5::Whole(record.md5)),
        (None, Some(parts)) => {
            let md5_of_md5s = record.md5;
            (record.size, ObjectMd5::Multipart { md5_of_md5s, parts })
        }
    };
    ObjectRow {
        name,
        bytes,
        hash,
        content_type: record.content_type,
        time_modified: record.time_modified,
        slo_etag: manifest.map(|manifest| manifest.etag),
    }
}
