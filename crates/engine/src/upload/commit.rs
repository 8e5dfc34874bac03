//! Committing an upload: the parts become an object without moving a byte.

use std::collections::BTreeMap;

use parbuckle_blob::BlobId;
use parbuckle_iam::permission::Operation;
use parbuckle_kv::Reader;
use parbuckle_model::{BucketId, ETag, Namespace, PartNumber, Preconditions};

use super::checksums::of_object;
use super::part::require_upload;
use super::{PARTS_MAX, part_number, the_upload};
use crate::bucket::check_write;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::object::{ObjectInfo, Placement, Replaced, existing_object};
use crate::records::{
    self, BucketRecord, Content, ManifestRecord, ObjectRecord, PartBlob, PartRecord, UploadRecord,
};
use crate::transact::Tx;
use crate::{Engine, OBJECT_BYTES_MAX, ObjectPath, UploadPath, keys};

/// Which parts become the object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PartSelection {
    /// All that were uploaded.
    All,
    /// Those named. Parts that are neither named nor excluded are dropped as well.
    Listed {
        /// In any order. An etag, if given, must be the part's.
        commit: Vec<(PartNumber, Option<ETag>)>,
        /// Not these.
        exclude: Vec<PartNumber>,
    },
}

type Parts = BTreeMap<PartNumber, PartRecord>;

impl Engine {
    /// Makes the object of an upload. Everything that could have changed since the upload began is checked again in the
    /// transaction that makes the object visible.
    pub async fn commit_upload(
        &self,
        caller: &Caller,
        path: &UploadPath,
        selection: PartSelection,
        preconditions: &Preconditions,
    ) -> Result<ObjectInfo, Error> {
        let (placement, manifest) = (self.placement(), self.random());
        let (placement, selection) = (&placement, &selection);
        self.transact("commit_upload", |tx| async move {
            // An earlier run would have ended the upload, and with it the secret that lets the caller in.
            if tx.may_have_happened()
                && let Some(own) = own_object(tx.reader(), &path.object, &placement.etag).await?
            {
                return Ok(own);
            }
            let access = self.enter(tx.reader(), caller, &path.object.bucket).await?;
            require_upload(&access, path, Operation::CommitMultipartUpload)?;
            let bucket = &access.bucket.id;
            let existing = existing_object(tx.reader(), &path.object, bucket).await?;
            let upload = the_upload(tx.reader(), path, bucket).await?;
            let there = existing
                .as_ref()
                .filter(|existing| !existing.record().has_expired(placement.time));
            check_write(preconditions, there.map(Replaced::etag))?;
            let namespace = &path.object.bucket.namespace;
            let parts = uploaded_parts(&tx, namespace, path).await?;
            let chosen = select(&parts, selection)?;
            let record = assemble(&upload, &chosen, placement, manifest, there)?;
            tx.put(keys::manifest(namespace, &manifest), &manifest_of(&chosen));
            let record = self
                .place_object(
                    &tx,
                    &path.object,
                    &access.bucket,
                    record,
                    existing,
                    placement,
                )
                .await?;
            end_upload(&tx, namespace, bucket, &upload, &parts, |number| {
                !chosen.contains_key(number)
            });
            Ok(record.into())
        })
        .await
    }
}

/// The object that has this etag, which was minted for it: the work of an earlier run, if it is there.
async fn own_object(
    reader: &dyn Reader,
    path: &ObjectPath,
    etag: &ETag,
) -> Result<Option<ObjectInfo>, Error> {
    let key = keys::bucket(&path.bucket.namespace, &path.bucket.bucket);
    let stored = reader.get_many(&[key]).await?.pop().flatten();
    let Some(bucket) = records::decode_optional::<BucketRecord>(stored.as_ref())? else {
        return Ok(None);
    };
    let existing = existing_object(reader, path, &bucket.id).await?;
    let own = existing.filter(|existing| existing.etag() == etag);
    Ok(own.map(|own| own.info()))
}

/// All parts of an upload.
pub(super) async fn uploaded_parts(
    tx: &Tx,
    namespace: &Namespace,
    path: &UploadPath,
) -> Result<Parts, Error> {
    let entries = tx
        .reader()
        .scan(&keys::all(&keys::parts(namespace, &path.upload), PARTS_MAX))
        .await?;
    entries
        .iter()
        .map(|entry| Ok((part_number(&entry.key)?, records::decode(&entry.value)?)))
        .collect()
}

/// Removes an upload, its secret and its parts; the blobs of parts for which `drop_blob` holds go to the trash.
pub(super) fn end_upload(
    tx: &Tx,
    namespace: &Namespace,
    bucket: &BucketId,
    upload: &UploadRecord,
    parts: &Parts,
    drop_blob: impl Fn(&PartNumber) -> bool,
) {
    tx.delete(keys::upload(namespace, bucket, &upload.object, &upload.id));
    if let Some(secret) = &upload.secret {
        tx.delete(keys::upload_secret(secret));
    }
    for number in parts.keys() {
        tx.delete(keys::part(namespace, &upload.id, *number));
    }
    let dropped: Vec<BlobId> = parts
        .iter()
        .filter(|(number, _)| drop_blob(number))
        .map(|(_, part)| part.blob.id)
        .collect();
    tx.trash(&dropped);
}

/// The parts that become the object.
fn select(parts: &Parts, selection: &PartSelection) -> Result<Parts, Error> {
    let chosen = match selection {
        PartSelection::All => parts.clone(),
        PartSelection::Listed { commit, exclude } => {
            let mut chosen = Parts::new();
            for (number, etag) in commit {
                let part = parts
                    .get(number)
                    .ok_or_else(|| bad_part(*number, "was not uploaded"))?;
                if etag.is_some_and(|etag| etag != part.etag) {
                    return Err(bad_part(*number, "has another etag"));
                }
                if exclude.contains(number) {
                    return Err(bad_part(*number, "is both committed and excluded"));
                }
                if chosen.insert(*number, part.clone()).is_some() {
                    return Err(bad_part(*number, "is named twice"));
                }
            }
            chosen
        }
    };
    if chosen.is_empty() {
        return Err(ErrorKind::NoPartsToCommit.into());
    }
    Ok(chosen)
}

/// The object that the chosen parts make. Its MD5 is that of the parts' MD5s (wire reference 3.3.1). The key that it is
/// encrypted with is the upload's: committing moves no bytes and needs no key of the customer's.
fn assemble(
    upload: &UploadRecord,
    parts: &Parts,
    placement: &Placement,
    manifest: [u8; 16],
    existing: Option<&Replaced>,
) -> Result<ObjectRecord, Error> {
    let size: u64 = parts.values().map(|part| part.blob.plain_len()).sum();
    if size > OBJECT_BYTES_MAX {
        return Err(ErrorKind::TooLarge {
            max: OBJECT_BYTES_MAX,
        }
        .into());
    }
    let mut md5 = fast_md5::Md5::new();
    parts.values().for_each(|part| md5.update(&part.md5));
    Ok(ObjectRecord {
        etag: placement.etag,
        version_id: placement.version_id,
        size,
        md5: md5.finalize(),
        part_count: Some(u16::try_from(parts.len()).unwrap_or(PartNumber::MAX)),
        time_created: existing.map_or(placement.time, Replaced::time_created),
        time_modified: placement.time,
        storage_tier: upload.storage_tier,
        attributes: upload.attributes.clone(),
        checksums: of_object(parts.values()),
        content: Content::Manifest(manifest),
        encryption: upload.encryption.clone(),
        restore: None,
        swift: None,
    })
}

fn manifest_of(parts: &Parts) -> ManifestRecord {
    let blobs: Vec<PartBlob> = parts.values().map(|part| part.blob).collect();
    ManifestRecord { parts: blobs }
}

fn bad_part(number: PartNumber, what: &str) -> Error {
    ErrorKind::InvalidUploadPart(format!("Part {} {what}", number.value())).into()
}
