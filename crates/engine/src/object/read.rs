//! Reading an object and its metadata.

use std::ops::Range;

use bytes::Bytes;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_model::{Preconditions, RangeRequest, ResolvedRange, VersionId};

use super::{ObjectBody, ObjectInfo};
use crate::authority::{Act, Need};
use crate::bucket::check_read;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{self, ObjectRecord};
use crate::{Engine, ObjectPath, keys};

/// How to read an object.
#[derive(Debug, Clone, Default)]
pub struct ReadObject {
    /// One byte range.
    pub range: Option<RangeRequest>,
    /// Conditions on its etag.
    pub preconditions: Preconditions,
    /// This version and no other.
    pub version: Option<VersionId>,
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
    /// Reads an object. Errors among others: [`ErrorKind::NotModified`], [`ErrorKind::IfMatchFailed`],
    /// [`ErrorKind::InvalidRange`].
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
        let (ns, bucket) = (&path.bucket.namespace, &access.bucket.id);
        let asked = [
            keys::object(ns, bucket, &path.object),
            keys::inline_data(ns, bucket, &path.object),
        ];
        let mut found = reader.get_many(&asked).await?.into_iter();
        let record = current(found.next().flatten(), path, options.version)?;
        let inline = found.next().flatten();
        check_read(&options.preconditions, &record.etag)?;
        let range = match options.range.map(|range| range.resolve(record.size)) {
            None => None,
            Some(ResolvedRange::Part { start, end }) => Some(start..end),
            Some(ResolvedRange::Unsatisfiable) => {
                return Err(ErrorKind::InvalidRange { size: record.size }.into());
            }
        };
        let bytes = range.clone().unwrap_or(0..record.size);
        let body = self
            .object_body(&*reader, ns, &record, inline, bytes)
            .await?;
        Ok(ObjectRead {
            info: record.into(),
            range,
            body,
        })
    }

    /// All about an object.
    pub async fn head_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        preconditions: &Preconditions,
        version: Option<VersionId>,
    ) -> Result<ObjectInfo, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &path.bucket).await?;
        access.require(
            Operation::HeadObject,
            Need::Any(&[Permission::ObjectRead, Permission::ObjectInspect]),
            Act::ReadObject(&path.object),
        )?;
        let key = keys::object(&path.bucket.namespace, &access.bucket.id, &path.object);
        let record = current(
            reader.get_many(&[key]).await?.pop().flatten(),
            path,
            version,
        )?;
        check_read(preconditions, &record.etag)?;
        Ok(record.into())
    }
}

/// The current object, if it is there and of the version asked for.
fn current(
    bytes: Option<Bytes>,
    path: &ObjectPath,
    version: Option<VersionId>,
) -> Result<ObjectRecord, Error> {
    records::decode_optional::<ObjectRecord>(bytes.as_ref())?
        .filter(|record| version.is_none_or(|version| version == record.version_id))
        .ok_or_else(|| not_found(path))
}

fn not_found(path: &ObjectPath) -> Error {
    ErrorKind::ObjectNotFound {
        bucket: path.bucket.bucket.clone(),
        object: path.object.clone(),
    }
    .into()
}
