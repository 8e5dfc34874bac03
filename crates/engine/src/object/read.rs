//! Reading an object and its metadata.

use std::ops::Range;

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{
    BucketId, Preconditions, RangeRequest, ResolvedRange, StorageTier, VersionId,
};

use super::find::{Found, Place, find, inline_key};
use super::{ObjectBody, ObjectInfo};
use crate::authority::{Act, Need};
use crate::bucket::check_read;
use crate::caller::{Caller, CallerIdentity};
use crate::encryption::CustomerKey;
use crate::error::{Error, ErrorKind};
use crate::records::{self, ObjectRecord, RestoreRecord};
use crate::{Engine, ObjectPath, keys};

/// How to read an object.
#[derive(Debug, Clone, Default)]
pub struct ReadObject {
    /// One byte range.
    pub range: Option<RangeRequest>,
    /// Conditions on its etag.
    pub preconditions: Preconditions,
    /// This version, current or not.
    pub version: Option<VersionId>,
    /// The key it is encrypted with, where that is the customer's.
    pub customer_key: Option<CustomerKey>,
}

/// An object that is being read.
pub struct ObjectRead {
    /// All about it.
    pub info: ObjectInfo,
    /// The bytes that were asked for (start inclusive, end exclusive); nothing when it is the whole object.
    pub range: Option<Range<u64>>,
    /// Those bytes, verified.
    pub body: ObjectBody,
}

impl Engine {
    /// Reads an object. A delete marker reads as [`ErrorKind::ObjectNotFound`]. Other errors, among more:
    /// [`ErrorKind::NotModified`], [`ErrorKind::IfMatchFailed`], [`ErrorKind::InvalidRange`], [`ErrorKind::CustomerKeyRefused`]; a version asked for through
    /// a pre-authenticated request is an [`ErrorKind::InvalidParameter`].
    pub async fn read_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        options: ReadObject,
    ) -> Result<ObjectRead, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &path.bucket).await?;
        access.require(
            Operation::GetObject,
            Need::All(&[Permission::ObjectRead]),
            Act::ReadObject(&path.object),
        )?;
        require_version_right(caller, options.version.as_ref())?;
        let (ns, bucket, now) = (&path.bucket.namespace, &access.bucket.id, self.now());
        let (record, inline) = match &options.version {
            None => current(&*reader, path, bucket, now).await?,
            Some(version) => of_version(&*reader, path, bucket, version, now).await?,
        };
        let key = self.object_key(record.encryption.as_ref(), options.customer_key.as_ref())?;
        check_read(&options.preconditions, &record.etag)?;
        require_restored(&record, path, now)?;
        let range = match options.range.map(|range| range.resolve(record.size)) {
            None => None,
            Some(ResolvedRange::Part { start, end }) => Some(start..end),
            Some(ResolvedRange::Unsatisfiable) => {
                return Err(ErrorKind::InvalidRange { size: record.size }.into());
            }
        };
        let bytes = range.clone().unwrap_or(0..record.size);
        let body = self
            .object_body(&*reader, ns, &record, inline, key, bytes)
            .await?;
        self.note_read(&access.bucket, path, &record);
        Ok(ObjectRead {
            info: record.into(),
            range,
            body,
        })
    }

    /// All about an object or a version of it, as [`Engine::read_object`] finds it. What is encrypted with a key of the
    /// customer's needs that key here too.
    pub async fn head_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        preconditions: &Preconditions,
        version: Option<VersionId>,
        customer_key: Option<&CustomerKey>,
    ) -> Result<ObjectInfo, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &path.bucket).await?;
        access.require(
            Operation::HeadObject,
            Need::Any(&[Permission::ObjectRead, Permission::ObjectInspect]),
            Act::ReadObject(&path.object),
        )?;
        require_version_right(caller, version.as_ref())?;
        match find(&*reader, path, &access.bucket.id, version.as_ref()).await? {
            Some(Found::Object(record, Place::Current)) if record.has_expired(self.now()) => {
                Err(not_found(path))
            }
            Some(Found::Object(record, _)) => {
                self.require_customer_key(record.encryption.as_ref(), customer_key)?;
                check_read(preconditions, &record.etag)?;
                Ok(record.into())
            }
            Some(Found::DeleteMarker(_)) | None => Err(not_found(path)),
        }
    }
}

/// A pre-authenticated request reads what is current (wire reference 15.14). To ignore the version would hand out other
/// bytes than were asked for.
fn require_version_right(caller: &Caller, version: Option<&VersionId>) -> Result<(), Error> {
    let through_par = matches!(
        caller.identity,
        CallerIdentity::Par(_) | CallerIdentity::Upload(_)
    );
    if through_par && version.is_some() {
        let text = "a pre-authenticated request reads the latest version: leave out versionId";
        return Err(ErrorKind::InvalidParameter(text.to_owned()).into());
    }
    Ok(())
}

/// The current object and its inline data, in one read.
async fn current(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketId,
    now: Timestamp,
) -> Result<(ObjectRecord, Option<Bytes>), Error> {
    let asked = [
        keys::object(&path.bucket.namespace, bucket, &path.object),
        keys::inline_data(&path.bucket.namespace, bucket, &path.object),
    ];
    let mut found = reader.get_many(&asked).await?.into_iter();
    let record = records::decode_optional::<ObjectRecord>(found.next().flatten().as_ref())?;
    let record = record.filter(|record| !record.has_expired(now));
    let record = record.ok_or_else(|| not_found(path))?;
    Ok((record, found.next().flatten()))
}

/// One version, current or not, and its inline data.
async fn of_version(
    reader: &dyn Reader,
    path: &ObjectPath,
    bucket: &BucketId,
    version: &VersionId,
    now: Timestamp,
) -> Result<(ObjectRecord, Option<Bytes>), Error> {
    let Some(Found::Object(record, place)) = find(reader, path, bucket, Some(version)).await?
    else {
        return Err(not_found(path));
    };
    if place == Place::Current && record.has_expired(now) {
        return Err(not_found(path));
    }
    let inline = inline_key(path, bucket, place, version);
    let inline = reader.get_many(&[inline]).await?.pop().flatten();
    Ok((record, inline))
}

/// Refuses to read an archived object that was not restored (wire reference section 11).
pub(crate) fn require_restored(
    record: &ObjectRecord,
    path: &ObjectPath,
    now: Timestamp,
) -> Result<(), Error> {
    let readable = |window: &RestoreRecord| (window.from..window.until).contains(&now);
    if record.storage_tier != StorageTier::Archive || record.restore.as_ref().is_some_and(readable)
    {
        return Ok(());
    }
    Err(ErrorKind::ObjectArchived {
        bucket: path.bucket.bucket.clone(),
        object: path.object.clone(),
    }
    .into())
}

fn not_found(path: &ObjectPath) -> Error {
    ErrorKind::ObjectNotFound {
        bucket: path.bucket.bucket.clone(),
        object: path.object.clone(),
    }
    .into()
}
