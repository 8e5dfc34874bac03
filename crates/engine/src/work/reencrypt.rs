//! Encrypting a whole bucket anew by a work request (wire reference 3.2): every object and old version gets the encryption
//! of one that is put now without a key of the customer's. What a customer's key encrypts stays as it is.

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::{Entry, Reader};
use parbuckle_model::{BucketId, ObjectName, VersionId, WorkRequestId};

use super::worker::Job;
use super::{close_work, find_work, open_work};
use crate::authority::{Access, Act, Need};
use crate::caller::Caller;
use crate::encryption::Reencrypted;
use crate::error::{Error, ErrorKind};
use crate::object::{Origin, require_writable};
use crate::records::{self, ObjectRecord, ReencryptRecord, TaskRecord, VersionRecord, WorkStatus};
use crate::{BucketPath, Engine, ObjectPath, keys};

/// Versions taken at a time.
const PAGE: usize = 256;

impl Engine {
    /// Accepts the new encryption of a bucket as a work request.
    pub async fn reencrypt_bucket(
        &self,
        caller: &Caller,
        path: &BucketPath,
    ) -> Result<WorkRequestId, Error> {
        let id = WorkRequestId::new(self.now_millis(), self.random());
        let now = self.now();
        self.transact("reencrypt_bucket", |tx| async move {
            // The worker may be at it already, or have done it.
            let known = tx.may_have_happened()
                && find_work(tx.reader(), &path.namespace, &id)
                    .await?
                    .is_some();
            if known {
                return Ok(());
            }
            let access = self.enter(tx.reader(), caller, path).await?;
            require_reencrypt(&access)?;
            let task = TaskRecord::Reencrypt(ReencryptRecord {
                namespace: path.namespace.clone(),
                bucket: path.bucket.clone(),
            });
            let compartment = access.bucket.compartment.clone();
            open_work(&tx, id, caller, compartment, task, now)
        })
        .await?;
        self.work_waits.notify_one();
        Ok(id)
    }

    /// Carries it out. Done again it finds most of it done.
    pub(super) async fn perform_reencrypt(
        &self,
        job: &Job,
        record: &ReencryptRecord,
    ) -> Result<(), Error> {
        let path = BucketPath::from(record);
        let reader = self.kv.snapshot().await?;
        let bucket = self.enter_to_reencrypt(&*reader, job, &path).await?;
        let sum = self.counted(&*reader, &path.namespace, &bucket).await?;
        drop(reader);
        let total = u64::try_from(sum.objects + sum.old_objects).unwrap_or(0);
        let progress = job.progress(total, 1);
        let mut left = 0;
        for prefix in [
            keys::objects(&path.namespace, &bucket),
            keys::versions(&path.namespace, &bucket),
        ] {
            let mut scan = keys::all(&prefix, PAGE);
            loop {
                let reader = self.kv.snapshot().await?;
                if self.enter_to_reencrypt(&*reader, job, &path).await? != bucket {
                    return Err(bucket_is_gone(&path));
                }
                let page = reader.scan(&scan).await?;
                drop(reader);
                for entry in &page {
                    let Some((object, version)) = version_in(entry, &prefix)? else {
                        continue;
                    };
                    let object = ObjectPath {
                        bucket: path.clone(),
                        object,
                    };
                    let permit = require_reencrypt;
                    let done =
                        self.reencrypt_to_current(&job.caller, &object, &bucket, &version, permit);
                    match done.await? {
                        Reencrypted::ByCustomer => left += 1,
                        Reencrypted::Done | Reencrypted::AlreadyCurrent | Reencrypted::Gone => {}
                    }
                }
                self.advance(job, &progress, page.len() as u64).await?;
                match page.last() {
                    Some(last) if page.len() == PAGE => {
                        scan.start = [&last.key[..], &[0]].concat();
                    }
                    _ => break,
                }
            }
        }
        self.complete_reencrypt(job, left).await
    }

    async fn complete_reencrypt(&self, job: &Job, left: u64) -> Result<(), Error> {
        let now = self.now();
        let message = match left {
            0 => "The bucket was encrypted anew".to_owned(),
            left => format!(
                "The bucket was encrypted anew; {left} objects stay under keys of the customer's"
            ),
        };
        let message = message.as_str();
        self.transact("complete_reencrypt", |tx| async move {
            match find_work(tx.reader(), &job.namespace, &job.id).await? {
                Some(work) if work.status == WorkStatus::InProgress => {
                    close_work(&tx, work, WorkStatus::Completed, message, now).await
                }
                Some(work) if work.status == WorkStatus::Completed => Ok(()),
                Some(_) | None => Err(ErrorKind::WorkRequestEnded.into()),
            }
        })
        .await
    }

    async fn enter_to_reencrypt(
        &self,
        reader: &dyn Reader,
        job: &Job,
        path: &BucketPath,
    ) -> Result<BucketId, Error> {
        let access = self.enter(reader, &job.caller, path).await?;
        require_reencrypt(&access)?;
        Ok(access.bucket.id)
    }
}

fn require_reencrypt(access: &Access<'_>) -> Result<(), Error> {
    access.require(
        Operation::ReencryptBucket,
        Need::All(&[Permission::BucketUpdate]),
        Act::Manage,
    )?;
    require_writable(&access.bucket, Origin::Request)
}

/// The object and version that an entry of either range holds; nothing of a delete marker.
fn version_in(entry: &Entry, prefix: &[u8]) -> Result<Option<(ObjectName, VersionId)>, Error> {
    let rest = &entry.key[prefix.len()..];
    // In the range of old versions a zero byte ends the name; names hold none.
    let (name, old) = match rest.iter().position(|byte| *byte == 0) {
        Some(end) => (&rest[..end], true),
        None => (rest, false),
    };
    let name = ObjectName::parse_classic(name).map_err(|error| {
        Error::from(ErrorKind::Internal).because(format!("the key of an object: {}", error.0))
    })?;
    let record = match old {
        false => Some(records::decode::<ObjectRecord>(&entry.value)?),
        true => match records::decode(&entry.value)? {
            VersionRecord::Object(record) => Some(record),
            VersionRecord::DeleteMarker(_) => None,
        },
    };
    Ok(record.map(|record| (name, record.version_id)))
}

fn bucket_is_gone(path: &BucketPath) -> Error {
    ErrorKind::BucketNotFound {
        namespace: path.namespace.clone(),
        bucket: path.bucket.clone(),
    }
    .into()
}
