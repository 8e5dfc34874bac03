//! Objects that expire: hidden from the second they are due, for every face, and removed by the background soon after.

use jiff::Timestamp;
use parbuckle_kv::Entry;
use parbuckle_model::TokenHash;

use crate::caller::token_hash;
use crate::error::{Error, ErrorKind};
use crate::object::{Replaced, existing_object};
use crate::records::{self, BucketRecord, ExpiringRecord, ObjectRecord, ObjectRowRecord};
use crate::transact::Tx;
use crate::{BucketPath, Engine, ObjectPath, keys};

/// Objects removed at a time.
const PAGE: usize = 256;

/// After how many milliseconds an object that a retention rule protects is looked at again.
const AGAIN_MILLIS: u64 = 60 * 60 * 1000;

impl ObjectRecord {
    /// Whether the object has expired: then it is gone for all, though its record may still be there.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        is_due(self.swift.as_ref().and_then(|swift| swift.delete_at), now)
    }
}

impl ObjectRowRecord<'_> {
    /// The same of a record of which only a row was read.
    pub(crate) fn has_expired(&self, now: Timestamp) -> bool {
        is_due(self.swift.as_ref().and_then(|swift| swift.delete_at), now)
    }
}

fn is_due(delete_at: Option<u64>, now: Timestamp) -> bool {
    delete_at.is_some_and(|due| u64::try_from(now.as_second()).is_ok_and(|now| now >= due))
}

impl Replaced {
    /// The object, unless it has expired: then there is nothing to read, rename or delete.
    pub(crate) fn unless_expired(self, now: Timestamp) -> Option<Self> {
        (!self.record().has_expired(now)).then_some(self)
    }
}

impl Engine {
    /// Notes for the background when `record`, which becomes current, is to be removed, if it ever is. A note that has
    /// become wrong does no harm: the record decides.
    pub(crate) fn schedule_expiry(&self, tx: &Tx, path: &ObjectPath, record: &ObjectRecord) {
        if let Some(delete_at) = record.swift.as_ref().and_then(|swift| swift.delete_at) {
            let note = ExpiringRecord {
                namespace: path.bucket.namespace.clone(),
                bucket: path.bucket.bucket.clone(),
                object: path.object.clone(),
                delete_at,
            };
            let due = delete_at.saturating_mul(1000);
            tx.put(keys::expiring(due, name_of_note(path, record)), &note);
        }
    }

    /// One round of the background: removes objects that have expired and tokens that have ended.
    pub(crate) async fn expire_once(&self) -> Result<(), Error> {
        let (objects, tokens) = (
            self.expire_objects().await,
            self.forget_ended_tokens().await,
        );
        objects.and(tokens)
    }

    /// Removes objects that have expired. What can't be removed for now does not keep the rest; the last error is returned at the
    /// end.
    pub async fn expire_objects(&self) -> Result<(), Error> {
        let mut failed = None;
        let mut scan = keys::expiring_due(self.now_millis(), PAGE);
        loop {
            let page = self.kv.snapshot().await?.scan(&scan).await?;
            for entry in &page {
                if let Err(error) = self.expire_object(entry).await {
                    failed = Some(error);
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => scan.start = [&last.key[..], &[0]].concat(),
                _ => return failed.map_or(Ok(()), Err),
            }
        }
    }

    async fn expire_object(&self, entry: &Entry) -> Result<(), Error> {
        let note: &ExpiringRecord = &records::decode(&entry.value)?;
        let path = &ObjectPath {
            bucket: BucketPath {
                namespace: note.namespace.clone(),
                bucket: note.bucket.clone(),
            },
            object: note.object.clone(),
        };
        let placement = &self.placement();
        let again = keys::expiring(
            self.now_millis().saturating_add(AGAIN_MILLIS),
            placement.change.random,
        );
        let again = &again;
        self.transact("expire_object", |tx| async move {
            tx.delete(entry.key.to_vec());
            let key = keys::bucket(&path.bucket.namespace, &path.bucket.bucket);
            let bucket = tx.reader().get_many(&[key]).await?.pop().flatten();
            let Some(bucket) = records::decode_optional::<BucketRecord>(bucket.as_ref())? else {
                return Ok(());
            };
            let Some(existing) = existing_object(tx.reader(), path, &bucket.id).await? else {
                return Ok(());
            };
            let due = existing.record().swift.as_ref().and_then(|s| s.delete_at);
            if due != Some(note.delete_at) {
                return Ok(());
            }
            match self
                .remove_current(&tx, path, &bucket, &existing, placement)
                .await
            {
                // It stays hidden until the rule lets it go.
                Err(error) if is_protection(&error) => {
                    tx.put(again.clone(), note);
                    Ok(())
                }
                removed => removed.map(|_| ()),
            }
        })
        .await
    }
}

/// The same for the same state of the same object, so that to note it again adds nothing.
fn name_of_note(path: &ObjectPath, record: &ObjectRecord) -> [u8; 8] {
    let (bucket, object) = (&path.bucket, &path.object);
    let state = format!(
        "{}\0{}\0{object}\0{}",
        bucket.namespace, bucket.bucket, record.etag
    );
    let TokenHash([a, b, c, d, e, f, g, h, ..]) = token_hash(&state);
    [a, b, c, d, e, f, g, h]
}

/// Whether what keeps the object is the owner's own rule. Nothing has been written then.
fn is_protection(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ObjectRetained { .. } | ErrorKind::BucketReadOnly(_)
    )
}
