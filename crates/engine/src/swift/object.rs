//! Objects as Swift sees them: put, post, delete (swift-v1-wire.md section 7).

use std::fmt;

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_model::{
    BucketName, ETag, EtagCondition, ObjectAttributes, Preconditions, StorageTier,
};

use super::SwiftRefusal;
use super::body::{Excess, limited};
use super::metadata::{MetadataLevel, check_metadata};
use crate::authority::{Act, Need};
use crate::body::{BodyChecks, RequestBody};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::object::{
    Deleted, ObjectInfo, ObjectMd5, PutObject, existing_object, require_unprotected,
    require_writable,
};
use crate::records::{
    BucketRecord, DynamicManifestRecord, ObjectRecord, StaticManifestRecord, SwiftObjectRecord,
};
use crate::{Engine, ObjectPath, keys};

/// Largest object that one request can put: 5 GiB and 2 bytes, as Swift has it.
pub const OBJECT_BYTES_MAX: u64 = (5 << 30) + 2;

/// The settings of a container that limit its bytes and its objects.
const QUOTAS: [&str; 2] = ["quota-bytes", "quota-count"];

/// All about an object but its name and bytes.
#[derive(Debug, Clone, PartialEq)]
pub struct SwiftObject {
    /// What the client reads: of a large object that of the whole.
    pub etag: SwiftEtag,
    /// Length of what the client reads.
    pub size: u64,
    /// That of the object's own bytes: of a large object its manifest's, as clients are shown it.
    pub manifest_etag: SwiftEtag,
    /// Their length.
    pub manifest_size: u64,
    /// When it was last changed, in whole milliseconds (`X-Timestamp`; `Last-Modified` is that rounded up to seconds).
    pub time_modified: Timestamp,
    /// Headers and metadata.
    pub fields: ObjectFields,
    /// Whether it is a static large object.
    pub is_static: bool,
    /// Its tier.
    pub storage_tier: StorageTier,
    /// The etag of the native API, which changes with every write.
    pub(super) native: ETag,
    /// Length of the stored bytes, which of a static large object are not those that clients are shown.
    pub(super) stored_size: u64,
    pub(super) static_manifest: Option<StaticManifestRecord>,
}

/// What a client says of an object besides its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectFields {
    /// Content headers, and `X-Object-Meta-*` as user metadata. Make the metadata with
    /// [`UserMetadata::within`](parbuckle_model::UserMetadata::within) of
    /// [`METADATA_STORED_BYTES_MAX`](super::METADATA_STORED_BYTES_MAX).
    pub attributes: ObjectAttributes,
    /// `Expires`
    pub expires: Option<String>,
    /// `X-Robots-Tag`
    pub robots: Option<String>,
    /// From this second since 1970 on the object is gone (`X-Delete-At`).
    pub delete_at: Option<u64>,
    /// `X-Object-Manifest`: it stands for all objects of a container whose names begin so.
    pub dynamic: Option<DynamicManifest>,
}

/// What a dynamic large object consists of, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DynamicManifest {
    /// The container.
    pub container: String,
    /// What the names of the segments begin with.
    pub prefix: String,
    /// The header as it was sent, where it was not spelled as these two would be.
    pub sent: Option<String>,
}

/// An etag of Swift's: bare hexadecimal digits of a plain object, quoted of a large one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SwiftEtag {
    /// Without quotes.
    pub text: String,
    /// Whether the header carries it in quotes.
    pub quoted: bool,
}

/// How to put an object.
#[derive(Debug, Clone, Default)]
pub struct PutSwiftObject {
    /// Headers and metadata.
    pub fields: ObjectFields,
    /// The MD5 that the body must have (`ETag`); another is [`ErrorKind::ContentMismatch`], and nothing is stored.
    pub md5: Option<[u8; 16]>,
    /// Only where there is no such object (`If-None-Match: *`), else [`ErrorKind::IfNoneMatchFailed`].
    pub only_new: bool,
}

impl Engine {
    /// Puts an object, and replaces all that was known of one of this name. The checks come before the first byte of the
    /// body is asked for. Permission: OBJECT_CREATE, or OBJECT_OVERWRITE where there is one, or a write ACL.
    ///
    /// Refused among others with [`ErrorKind::TooLarge`] beyond [`OBJECT_BYTES_MAX`] and with
    /// [`SwiftRefusal::QuotaExceeded`]. Quotas hold for what is put through Swift, and as far as they can be told when the
    /// body begins: of several that come at once, all may pass.
    pub async fn swift_put_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        put: PutSwiftObject,
        body: RequestBody,
    ) -> Result<SwiftObject, Error> {
        self.put_stored(caller, path, put, None, body).await
    }

    /// The same for any object, static large ones included.
    pub(super) async fn put_stored(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        put: PutSwiftObject,
        static_manifest: Option<StaticManifestRecord>,
        body: RequestBody,
    ) -> Result<SwiftObject, Error> {
        self.check_fields(&put.fields)?;
        let left = self.room(caller, path, body.length).await?;
        let (body, excess) = limited(body, OBJECT_BYTES_MAX, left)?;
        let swift = put.fields.record(static_manifest);
        let put = PutObject {
            attributes: put.fields.attributes,
            preconditions: Preconditions {
                if_match: None,
                if_none_match: put.only_new.then_some(EtagCondition::Any),
            },
            checks: BodyChecks {
                md5: put.md5,
                ..BodyChecks::default()
            },
            ..PutObject::default()
        };
        let done = self
            .put_object_with(caller, path, put, swift.clone(), body)
            .await;
        match (done, excess.found()) {
            (Ok(info), _) => Ok(SwiftObject::new(info, swift)),
            (Err(_), Some(Excess::Size)) => Err(ErrorKind::TooLarge {
                max: OBJECT_BYTES_MAX,
            }
            .into()),
            (Err(_), Some(Excess::Quota)) => Err(SwiftRefusal::QuotaExceeded.into()),
            (Err(error), None) => Err(error),
        }
    }

    /// Replaces an object's metadata and headers by `fields`; the content type stays if there is none among them, and so
    /// does what makes a static large object. Permission: OBJECT_OVERWRITE, or a write ACL. A retention rule that
    /// protects the object refuses it.
    pub async fn swift_post_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        fields: &ObjectFields,
    ) -> Result<(), Error> {
        self.check_fields(fields)?;
        let placement = &self.placement();
        self.transact("swift_post_object", |tx| async move {
            let access = self.enter(tx.reader(), caller, &path.bucket).await?;
            let need = Need::All(&[Permission::ObjectOverwrite]);
            access.require(Operation::PutObject, need, Act::WriteObject(&path.object))?;
            let bucket = &access.bucket;
            let existing = existing_object(tx.reader(), path, &bucket.id).await?;
            let existing =
                existing.filter(|existing| !existing.record().has_expired(placement.time));
            let existing = existing.ok_or_else(|| missing(path))?;
            let was = existing.record();
            if was.etag == placement.etag {
                return Ok(());
            }
            require_writable(bucket, placement.origin)?;
            require_unprotected(bucket, path, was, placement.time)?;
            let mut attributes = fields.attributes.clone();
            if attributes.content_type.is_none() {
                attributes.content_type =
                    ObjectAttributes::from(was.attributes.clone()).content_type;
            }
            let static_manifest = was.swift.as_ref().and_then(|swift| swift.static_manifest);
            let record = ObjectRecord {
                etag: placement.etag,
                time_modified: placement.time,
                attributes: attributes.into(),
                swift: fields.record(static_manifest),
                ..was.clone()
            };
            self.schedule_expiry(&tx, path, &record);
            tx.put(
                keys::object(&path.bucket.namespace, &bucket.id, &path.object),
                &record,
            );
            self.changed_in_place(&tx, path, bucket, &placement.change);
            Ok(())
        })
        .await
    }

    /// Deletes an object; of a large one the manifest only. Permission: OBJECT_DELETE, or a write ACL. A missing one is
    /// [`ErrorKind::ObjectToDeleteNotFound`].
    pub async fn swift_delete_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
    ) -> Result<Deleted, Error> {
        self.delete_object(caller, path, &Preconditions::default(), None)
            .await
    }

    /// The same of an object that is to end at this second since 1970 (`X-If-Delete-At`); any other, and a missing one, is
    /// refused with [`ErrorKind::IfMatchFailed`].
    pub async fn swift_delete_ending_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        end: u64,
    ) -> Result<Deleted, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &path.bucket).await?;
        let need = Need::All(&[Permission::ObjectDelete]);
        access.require(
            Operation::DeleteObject,
            need,
            Act::ManageObject(&path.object),
        )?;
        let existing = existing_object(&*reader, path, &access.bucket.id).await?;
        let ends = |record: &ObjectRecord| record.swift.as_ref()?.delete_at;
        let record = existing.as_ref().map(|existing| existing.record());
        let Some(record) = record.filter(|record| ends(record) == Some(end)) else {
            return Err(ErrorKind::IfMatchFailed.into());
        };
        let unchanged = Preconditions {
            if_match: Some(EtagCondition::OneOf(vec![record.etag])),
            if_none_match: None,
        };
        self.delete_object(caller, path, &unchanged, None).await
    }

    fn check_fields(&self, fields: &ObjectFields) -> Result<(), Error> {
        check_metadata(MetadataLevel::Object, fields.attributes.metadata.iter())?;
        let now = u64::try_from(self.now().as_second()).unwrap_or(0);
        if fields.delete_at.is_some_and(|at| at <= now) {
            return Err(ErrorKind::InvalidParameter("X-Delete-At in past".to_owned()).into());
        }
        Ok(())
    }

    /// How many more bytes the container takes; nothing where it has no quota. Only whoever may put learns it, and that a body
    /// of this length is too long.
    async fn room(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        length: Option<u64>,
    ) -> Result<Option<u64>, Error> {
        let reader = self.kv.snapshot().await?;
        let key = keys::bucket(&path.bucket.namespace, &path.bucket.bucket);
        let found = reader.get_many(&[key]).await?.pop().flatten();
        let bucket = self.hot_buckets.decode_optional(found.as_ref())?;
        let limited =
            bucket.is_some_and(|bucket| QUOTAS.iter().any(|name| quota(&bucket, name).is_some()));
        if !limited && length.is_none_or(|length| length <= OBJECT_BYTES_MAX) {
            // Nothing to refuse: the put itself asks for the rights, before it asks for the body.
            return Ok(None);
        }
        let access = self.enter(&*reader, caller, &path.bucket).await?;
        let need = Need::Any(&[Permission::ObjectCreate, Permission::ObjectOverwrite]);
        access.require(Operation::PutObject, need, Act::WriteObject(&path.object))?;
        let [bytes, count] = QUOTAS.map(|name| quota(&access.bucket, name));
        if bytes.is_none() && count.is_none() {
            return Ok(None);
        }
        let sum = self
            .counted(&*reader, &path.bucket.namespace, &access.bucket.id)
            .await?;
        let (used, objects) = (
            u64::try_from(sum.bytes).unwrap_or(0),
            u64::try_from(sum.objects).unwrap_or(0),
        );
        if count.is_some_and(|count| objects >= count) {
            return Err(SwiftRefusal::QuotaExceeded.into());
        }
        match bytes {
            None => Ok(None),
            Some(bytes) if used > bytes => Err(SwiftRefusal::QuotaExceeded.into()),
            Some(bytes) => Ok(Some(bytes - used)),
        }
    }
}

impl SwiftObject {
    /// From what is known of an object natively, and what Swift knows besides. Of a dynamic large object etag and size
    /// are those of the manifest until its segments have been looked at.
    pub(super) fn new(info: ObjectInfo, swift: Option<SwiftObjectRecord>) -> Self {
        let swift = swift.unwrap_or_default();
        let stored = match info.md5 {
            ObjectMd5::Whole(md5) => SwiftEtag {
                text: hex(&md5),
                quoted: false,
            },
            ObjectMd5::Multipart { md5_of_md5s, parts } => SwiftEtag {
                text: format!("{}-{parts}", hex(&md5_of_md5s)),
                quoted: true,
            },
        };
        let own = match swift.static_manifest {
            Some(manifest) => {
                let text = hex(&manifest.shown_md5);
                let etag = SwiftEtag {
                    text,
                    quoted: false,
                };
                (etag, manifest.shown_size)
            }
            None => (stored, info.size),
        };
        let whole = swift.static_manifest.map(|manifest| {
            let text = hex(&manifest.etag);
            (SwiftEtag { text, quoted: true }, manifest.size)
        });
        let (etag, size) = whole.unwrap_or_else(|| own.clone());
        let (manifest_etag, manifest_size) = own;
        Self {
            etag,
            size,
            manifest_etag,
            manifest_size,
            time_modified: info.time_modified,
            is_static: swift.static_manifest.is_some(),
            storage_tier: info.storage_tier,
            native: info.etag,
            stored_size: info.size,
            static_manifest: swift.static_manifest,
            fields: ObjectFields {
                attributes: info.attributes,
                expires: swift.expires,
                robots: swift.robots,
                delete_at: swift.delete_at,
                dynamic: swift.dynamic.map(|dynamic| DynamicManifest {
                    container: dynamic.container,
                    prefix: dynamic.prefix,
                    sent: dynamic.sent,
                }),
            },
        }
    }

    /// The same object as it is stored: a manifest is a plain object then.
    pub(super) fn as_stored(&self) -> Self {
        Self {
            etag: self.manifest_etag.clone(),
            size: self.manifest_size,
            ..self.clone()
        }
    }
}

impl From<ObjectRecord> for SwiftObject {
    fn from(mut record: ObjectRecord) -> Self {
        let swift = record.swift.take();
        Self::new(record.into(), swift)
    }
}

impl ObjectFields {
    /// What is stored of them besides the native attributes; nothing where there is nothing.
    pub(super) fn record(
        &self,
        static_manifest: Option<StaticManifestRecord>,
    ) -> Option<SwiftObjectRecord> {
        let record = SwiftObjectRecord {
            expires: self.expires.clone(),
            robots: self.robots.clone(),
            delete_at: self.delete_at,
            dynamic: self.dynamic.as_ref().map(|dynamic| DynamicManifestRecord {
                container: dynamic.container.clone(),
                prefix: dynamic.prefix.clone(),
                sent: dynamic.sent.clone(),
            }),
            static_manifest,
        };
        (record != SwiftObjectRecord::default()).then_some(record)
    }
}

impl fmt::Display for SwiftEtag {
    /// As the `Etag` header has it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let quote = if self.quoted { "\"" } else { "" };
        write!(f, "{quote}{}{quote}", self.text)
    }
}

pub(super) fn hex(bytes: &[u8]) -> String {
    // Not by `format!`, which would cost more than all else of a row of a listing.
    let digit = |value: u8| char::from(b"0123456789abcdef"[usize::from(value)]);
    let pairs = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    pairs.map(digit).collect()
}

/// A container of this name, if there can be one.
pub(super) fn container_name(name: &str) -> Option<BucketName> {
    BucketName::parse_classic(name).ok()
}

pub(super) fn missing(path: &ObjectPath) -> Error {
    ErrorKind::ObjectNotFound {
        bucket: path.bucket.bucket.clone(),
        object: path.object.clone(),
    }
    .into()
}

fn quota(bucket: &BucketRecord, name: &str) -> Option<u64> {
    let settings = &bucket.swift.as_ref()?.settings;
    let (_, value) = settings.iter().find(|(there, _)| there == name)?;
    value.parse().ok()
}
