//! Renaming objects (wire reference 4.2, section 11): the object goes, and a new one with its bytes, metadata, checksums
//! and tier comes, in one transaction.
//!
//! Where the bucket keeps no versions the bytes stay where they are: the new record names the same blobs. With versioning
//! enabled the object stays readable as an old version under its old name, and no blob has two owners (invariant 3): so
//! the stored bytes are copied first, as CopyObject does, and the request takes as long as that takes.

use bytes::Bytes;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::Reader;
use parbuckle_model::{ETag, EtagCondition, ObjectName, Preconditions, Versioning};

use super::copy::CopiedContent;
use super::find::{Place, inline_key};
use super::{ObjectInfo, Placement, Replaced, existing_object, require_writable};
use crate::authority::{Access, Act, Need};
use crate::bucket::check_write;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::object::Origin;
use crate::records::{Content, ObjectRecord};
use crate::transact::Tx;
use crate::{BucketPath, Engine, ObjectPath, keys};

/// How to rename an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenameObject {
    /// Its name.
    pub source: ObjectName,
    /// Its new name, another one.
    pub destination: ObjectName,
    /// Condition on its etag.
    pub source_if_match: Option<EtagCondition>,
    /// Conditions on the object that has the new name.
    pub preconditions: Preconditions,
}

/// Both ends, and the ids and times of what happens there: two changes of the bucket, each with a name of its own.
struct Ends {
    source: ObjectPath,
    destination: ObjectPath,
    source_placement: Placement,
    placement: Placement,
}

/// The two objects as a snapshot or transaction has them.
struct Found {
    source: Replaced,
    destination: Option<Replaced>,
}

/// The bytes of the object that had this etag, copied.
struct Copied {
    of: ETag,
    content: CopiedContent,
}

impl Engine {
    /// Renames the current object. What has the new name is replaced as by a put. Errors among others:
    /// [`ErrorKind::RenameSourceNotFound`]; [`ErrorKind::ConcurrentUpdate`] when the object changed while its bytes
    /// were copied.
    pub async fn rename_object(
        &self,
        caller: &Caller,
        bucket: &BucketPath,
        rename: RenameObject,
    ) -> Result<ObjectInfo, Error> {
        if rename.source == rename.destination {
            let text = "the new name must not be the old one";
            return Err(ErrorKind::InvalidParameter(text.to_owned()).into());
        }
        let path = |object: &ObjectName| ObjectPath {
            bucket: bucket.clone(),
            object: object.clone(),
        };
        let ends = &Ends {
            source: path(&rename.source),
            destination: path(&rename.destination),
            source_placement: self.placement(),
            placement: self.placement(),
        };
        let copied = self.copy_for_rename(caller, ends, &rename).await?;
        let (rename, copied) = (&rename, copied.as_ref());
        self.transact("rename_object", |tx| async move {
            let access = self.enter(tx.reader(), caller, bucket).await?;
            if tx.may_have_happened() {
                let own =
                    existing_object(tx.reader(), &ends.destination, &access.bucket.id).await?;
                if let Some(own) = own.filter(|own| *own.etag() == ends.placement.etag) {
                    return Ok(own.info());
                }
            }
            let found = find_both(tx.reader(), &access, ends, rename).await?;
            self.move_object(&tx, &access, ends, found, copied).await
        })
        .await
    }

    /// Checks everything on a snapshot, and copies the bytes where the transaction will need a copy.
    async fn copy_for_rename(
        &self,
        caller: &Caller,
        ends: &Ends,
        rename: &RenameObject,
    ) -> Result<Option<Copied>, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &ends.source.bucket).await?;
        let found = find_both(&*reader, &access, ends, rename).await?;
        require_writable(&access.bucket, Origin::Request)?;
        if access.bucket.versioning != Versioning::Enabled {
            return Ok(None);
        }
        let (record, bucket) = (found.source.record(), &access.bucket.id);
        let bytes = self
            .source_content(&*reader, &ends.source, bucket, record, Place::Current)
            .await?;
        drop(reader);
        Ok(Some(Copied {
            of: record.etag,
            content: self.copy_content(&bytes, async |_| Ok(())).await?,
        }))
    }

    async fn move_object(
        &self,
        tx: &Tx,
        access: &Access<'_>,
        ends: &Ends,
        found: Found,
        copied: Option<&Copied>,
    ) -> Result<ObjectInfo, Error> {
        let bucket = &access.bucket;
        let Found {
            source,
            destination,
        } = found;
        // While versioning is off or suspended, a copy that was made for nothing is left to the collector.
        let copied = copied.filter(|_| bucket.versioning == Versioning::Enabled);
        if bucket.versioning == Versioning::Enabled
            && copied.is_none_or(|copied| copied.of != *source.etag())
        {
            let text = "the object or the bucket's versioning changed while bytes were copied";
            return Err(Error::from(ErrorKind::ConcurrentUpdate).because(text));
        }
        let inline = inline_bytes(tx.reader(), &ends.source, access, source.record()).await?;
        self.release_current(tx, &ends.source, bucket, &source, &ends.source_placement)
            .await?;
        let placement = &ends.placement;
        let old = source.record();
        let record = ObjectRecord {
            etag: placement.etag,
            version_id: placement.version_id,
            time_created: placement.time,
            time_modified: placement.time,
            content: match copied {
                Some(copied) => copied.content.content(),
                None => old.content.clone(),
            },
            ..old.clone()
        };
        let path = &ends.destination;
        let record = self
            .place_object(tx, path, bucket, record, destination, placement)
            .await?;
        match (copied, inline) {
            (Some(copied), _) => copied.content.attach(tx, path, &bucket.id),
            (None, Some(bytes)) => {
                let key = keys::inline_data(&path.bucket.namespace, &bucket.id, &path.object);
                tx.put_raw(key, bytes);
            }
            (None, None) => {}
        }
        Ok(record.into())
    }
}

/// Asks for the right to both names, finds both objects and checks the conditions on them.
async fn find_both(
    reader: &dyn Reader,
    access: &Access<'_>,
    ends: &Ends,
    rename: &RenameObject,
) -> Result<Found, Error> {
    let permissions = [Permission::ObjectCreate, Permission::ObjectOverwrite];
    for object in [&rename.source, &rename.destination] {
        access.require(
            Operation::RenameObject,
            Need::All(&permissions),
            Act::ManageObject(object),
        )?;
    }
    let bucket = &access.bucket.id;
    let source = existing_object(reader, &ends.source, bucket).await?;
    let source = source.and_then(|source| source.unless_expired(ends.placement.time));
    let source = source.ok_or(ErrorKind::RenameSourceNotFound)?;
    let source_conditions = Preconditions {
        if_match: rename.source_if_match.clone(),
        if_none_match: None,
    };
    check_write(&source_conditions, Some(source.etag()))?;
    let destination = existing_object(reader, &ends.destination, bucket).await?;
    let there = destination
        .as_ref()
        .filter(|there| !there.record().has_expired(ends.placement.time));
    check_write(&rename.preconditions, there.map(Replaced::etag))?;
    Ok(Found {
        source,
        destination,
    })
}

/// The bytes of a small object.
async fn inline_bytes(
    reader: &dyn Reader,
    path: &ObjectPath,
    access: &Access<'_>,
    record: &ObjectRecord,
) -> Result<Option<Bytes>, Error> {
    if !matches!(record.content, Content::Inline(_)) {
        return Ok(None);
    }
    let key = inline_key(path, &access.bucket.id, Place::Current, &record.version_id);
    match reader.get_many(&[key]).await?.pop().flatten() {
        Some(bytes) => Ok(Some(bytes)),
        None => {
            Err(Error::from(ErrorKind::Internal).because("inline data of an object is missing"))
        }
    }
}
