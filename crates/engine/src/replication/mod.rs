//! Replication between buckets of this server (wire reference 3.7, 4.6 and section 11).
//!
//! While a bucket is the source of a policy, whatever changes in it writes the object's name into a journal, in the same
//! transaction. [`Engine::replicate_bucket`] brings the destination in line with the source as it is by then, name by
//! name, and takes the entries out of the journal in the transaction that writes the destination. So it does not matter
//! how often a name stands in the journal, or how often the work is begun.

mod worker;

use jiff::Timestamp;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_kv::{Entry, Reader};
use parbuckle_model::{BucketId, BucketName, Namespace, PageLimit, PageToken, ReplicationPolicyId};

use crate::authority::{Act, Need};
use crate::bucket::{list_page, write_bucket};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::records::{self, BucketRecord, ReplicationPolicyRecord, ReplicationSourceRecord};
use crate::transact::Tx;
use crate::{BucketPath, Engine, Page, keys};

/// What it takes to have a policy between two buckets, in each of them (wire reference 12.2).
const REPLICATE: [Permission; 8] = [
    Permission::ObjectRead,
    Permission::ObjectCreate,
    Permission::ObjectOverwrite,
    Permission::ObjectInspect,
    Permission::ObjectDelete,
    Permission::ObjectRestore,
    Permission::BucketRead,
    Permission::BucketUpdate,
];

/// What it takes to release a destination.
const RELEASE: [Permission; 7] = [
    Permission::ObjectRead,
    Permission::ObjectCreate,
    Permission::ObjectOverwrite,
    Permission::ObjectInspect,
    Permission::ObjectDelete,
    Permission::BucketRead,
    Permission::BucketUpdate,
];

const LOOK: [Permission; 1] = [Permission::BucketRead];

/// Most bytes of a policy's name.
const NAME_BYTES_MAX: usize = 255;

/// Journal entries dropped in one transaction.
const DROPPED_AT_ONCE: usize = 1000;

/// A replication policy as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationPolicy {
    /// Its id.
    pub id: ReplicationPolicyId,
    /// Its name, which need not be unique.
    pub name: String,
    /// The region of the destination: this server's.
    pub destination_region: String,
    /// The bucket that it writes to, in the same namespace.
    pub destination_bucket: BucketName,
    /// When it was made. Only what changes after that is replicated.
    pub time_created: Timestamp,
    /// Whatever changed in the source before this time has been replicated.
    pub time_last_sync: Timestamp,
    /// Why it can't do its work now, in a sentence; nothing while it can.
    pub fault: Option<String>,
}

/// A policy to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewReplicationPolicy {
    /// Its name, which need not be unique.
    pub name: String,
    /// Must be this server's region.
    pub destination_region: String,
    /// A bucket of the same namespace, which becomes read-only. What is in it already stays until an object of the same
    /// name comes.
    pub destination_bucket: BucketName,
}

/// A policy as its destination sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReplicationSource {
    /// The policy's name.
    pub policy_name: String,
    /// The region of the source: this server's.
    pub source_region: String,
    /// The bucket that it reads.
    pub source_bucket: BucketName,
}

impl Engine {
    /// Makes a policy that replicates the bucket `path`. The caller needs the permissions of the operation in both buckets,
    /// and his rights at each time are what the policy works with. Refused with [`ErrorKind::BucketStateConflict`] when
    /// either bucket is a source or a destination already.
    pub async fn create_replication_policy(
        &self,
        caller: &Caller,
        path: &BucketPath,
        new: NewReplicationPolicy,
    ) -> Result<ReplicationPolicy, Error> {
        self.check_new_policy(path, &new)?;
        let id = ReplicationPolicyId::from_random(self.random());
        let now = self.now();
        let to = &BucketPath {
            namespace: path.namespace.clone(),
            bucket: new.destination_bucket.clone(),
        };
        loop {
            let made = self.try_policy(caller, (path, to), &new, id, now).await?;
            if let Some(made) = made {
                return Ok(made);
            }
        }
    }

    /// Makes a policy. Nothing if it only dropped some of the journal that an earlier policy has left, which was too much
    /// for one transaction.
    async fn try_policy(
        &self,
        caller: &Caller,
        (path, to): (&BucketPath, &BucketPath),
        new: &NewReplicationPolicy,
        id: ReplicationPolicyId,
        now: Timestamp,
    ) -> Result<Option<ReplicationPolicy>, Error> {
        let namespace = &path.namespace;
        self.transact("create_replication_policy", |tx| async move {
            let operation = Operation::CreateReplicationPolicy;
            let source = self.enter(tx.reader(), caller, path).await?;
            source.require(operation, Need::All(&REPLICATE), Act::Manage)?;
            let destination = self.enter(tx.reader(), caller, to).await?;
            destination.require(operation, Need::All(&REPLICATE), Act::Manage)?;
            if let Some(own) = policy_of(tx.reader(), namespace, &source.bucket.id, &id).await? {
                return Ok(Some(self.shown(own, None, now)));
            }
            let Some(user) = caller.user() else {
                return Err(ErrorKind::NotAuthorizedOrNotFound.into());
            };
            check_free(&source.bucket)?;
            check_free(&destination.bucket)?;
            let journal = keys::replication_changes(namespace, &source.bucket.id);
            if drop_some(&tx, &journal).await? == DROPPED_AT_ONCE {
                return Ok(None);
            }
            let policy = ReplicationPolicyRecord {
                id,
                name: new.name.clone(),
                destination: new.destination_bucket.clone(),
                destination_id: destination.bucket.id,
                creator: source.acting_user()?.clone(),
                credential: user.credential,
                time_created: now,
                fault: None,
            };
            tie(&tx, namespace, &source.bucket, &destination.bucket, &policy);
            Ok(Some(self.shown(policy, None, now)))
        })
        .await
    }

    /// The policies of a source bucket: one or none. Asks for BUCKET_READ.
    pub async fn replication_policies(
        &self,
        caller: &Caller,
        path: &BucketPath,
        page: Option<&PageToken>,
        limit: PageLimit,
    ) -> Result<Page<ReplicationPolicy>, Error> {
        let reader = self.kv.snapshot().await?;
        let operation = Operation::ListReplicationPolicies;
        let access = self.enter(&*reader, caller, path).await?;
        access.require(operation, Need::All(&LOOK), Act::Manage)?;
        let prefix = keys::replication_policies(&path.namespace, &access.bucket.id);
        let (entries, next) = list_page(&*reader, &prefix, page, limit).await?;
        let waiting = oldest_change(&*reader, &path.namespace, &access.bucket.id).await?;
        let now = self.now();
        let shown = |entry: &Entry| Ok(self.shown(records::decode(&entry.value)?, waiting, now));
        let items = entries.iter().map(shown).collect::<Result<_, Error>>()?;
        Ok(Page { items, next })
    }

    /// One policy of a source bucket. Asks for BUCKET_READ.
    pub async fn replication_policy(
        &self,
        caller: &Caller,
        path: &BucketPath,
        id: &ReplicationPolicyId,
    ) -> Result<ReplicationPolicy, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        let operation = Operation::GetReplicationPolicy;
        access.require(operation, Need::All(&LOOK), Act::Manage)?;
        let (namespace, bucket) = (&path.namespace, &access.bucket.id);
        let policy = policy_of(&*reader, namespace, bucket, id).await?;
        let policy = policy.ok_or_else(|| missing(&path.bucket))?;
        let waiting = oldest_change(&*reader, namespace, bucket).await?;
        Ok(self.shown(policy, waiting, self.now()))
    }

    /// The policies that write to a bucket: one or none. Asks for BUCKET_READ.
    pub async fn replication_sources(
        &self,
        caller: &Caller,
        path: &BucketPath,
        page: Option<&PageToken>,
        limit: PageLimit,
    ) -> Result<Page<ReplicationSource>, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, path).await?;
        let operation = Operation::ListReplicationSources;
        access.require(operation, Need::All(&LOOK), Act::Manage)?;
        let prefix = keys::replication_sources(&path.namespace, &access.bucket.id);
        let (entries, next) = list_page(&*reader, &prefix, page, limit).await?;
        let shown = |entry: &Entry| {
            let source: ReplicationSourceRecord = records::decode(&entry.value)?;
            Ok(ReplicationSource {
                policy_name: source.policy_name,
                source_region: self.region().to_owned(),
                source_bucket: source.source,
            })
        };
        let items = entries.iter().map(shown).collect::<Result<_, Error>>()?;
        Ok(Page { items, next })
    }

    /// Deletes a policy. What is not replicated by then never is; the destination stays read-only until
    /// [`Engine::make_bucket_writable`].
    pub async fn delete_replication_policy(
        &self,
        caller: &Caller,
        path: &BucketPath,
        id: &ReplicationPolicyId,
    ) -> Result<(), Error> {
        let namespace = &path.namespace;
        let source = self
            .transact("delete_replication_policy", |tx| async move {
                let access = self.enter(tx.reader(), caller, path).await?;
                let operation = Operation::DeleteReplicationPolicy;
                access.require(operation, Need::All(&REPLICATE), Act::Manage)?;
                let source = access.bucket.id;
                match policy_of(tx.reader(), namespace, &source, id).await? {
                    Some(policy) => {
                        untie(&tx, namespace, &source, &policy.destination_id, id);
                        write_bucket(&tx, namespace, &no_source(&access.bucket));
                    }
                    None if tx.may_have_happened() => {}
                    None => return Err(missing(&path.bucket)),
                }
                Ok(source)
            })
            .await?;
        self.forget_changes(path, &source).await
    }

    /// Releases a destination: it can be written again, and the policy that wrote to it is gone (wire reference 3.2). A
    /// bucket that is writable stays so.
    pub async fn make_bucket_writable(
        &self,
        caller: &Caller,
        path: &BucketPath,
    ) -> Result<(), Error> {
        let namespace = &path.namespace;
        let released = self
            .transact("make_bucket_writable", |tx| async move {
                let access = self.enter(tx.reader(), caller, path).await?;
                let operation = Operation::MakeBucketWritable;
                access.require(operation, Need::All(&RELEASE), Act::Manage)?;
                let destination = &*access.bucket;
                if !destination.read_only {
                    return Ok(Vec::new());
                }
                let released = release_sources(&tx, namespace, destination).await?;
                let writable = BucketRecord {
                    read_only: false,
                    ..destination.clone()
                };
                write_bucket(&tx, namespace, &writable);
                Ok(released)
            })
            .await?;
        for (path, source) in released {
            self.forget_changes(&path, &source).await?;
        }
        Ok(())
    }

    fn check_new_policy(&self, path: &BucketPath, new: &NewReplicationPolicy) -> Result<(), Error> {
        let invalid = |text: String| Err(ErrorKind::InvalidParameter(text).into());
        let name = &new.name;
        if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains(char::is_control) {
            return invalid(format!(
                "The name of a replication policy has 1 to {NAME_BYTES_MAX} bytes and no control characters"
            ));
        }
        if new.destination_region != self.region() {
            return invalid(format!(
                "destinationRegionName must be {}, the only region of this server",
                self.region()
            ));
        }
        if new.destination_bucket == path.bucket {
            return invalid("A bucket can't be replicated to itself".to_owned());
        }
        Ok(())
    }

    fn shown(
        &self,
        policy: ReplicationPolicyRecord,
        waiting: Option<Timestamp>,
        now: Timestamp,
    ) -> ReplicationPolicy {
        ReplicationPolicy {
            id: policy.id,
            name: policy.name,
            destination_region: self.region().to_owned(),
            destination_bucket: policy.destination,
            time_created: policy.time_created,
            time_last_sync: waiting.unwrap_or(now).max(policy.time_created),
            fault: policy.fault,
        }
    }

    /// Drops the journal of a bucket that is no source any more.
    async fn forget_changes(&self, path: &BucketPath, id: &BucketId) -> Result<(), Error> {
        let namespace = &path.namespace;
        let journal = &keys::replication_changes(namespace, id);
        loop {
            let dropped = self
                .transact("forget_changes", |tx| async move {
                    let bucket = bucket_of(tx.reader(), path, id).await?;
                    if bucket.is_some_and(|bucket| bucket.replicates) {
                        return Ok(0);
                    }
                    drop_some(&tx, journal).await
                })
                .await?;
            if dropped < DROPPED_AT_ONCE {
                return Ok(());
            }
        }
    }
}

/// Drops entries of a journal, as many as go into one transaction. Returns how many.
async fn drop_some(tx: &Tx, journal: &[u8]) -> Result<usize, Error> {
    let scan = keys::all(journal, DROPPED_AT_ONCE);
    let entries = tx.reader().scan(&scan).await?;
    for entry in &entries {
        tx.delete(entry.key.to_vec());
    }
    Ok(entries.len())
}

/// One policy a source, one source a destination, and no chains (wire reference section 11).
fn check_free(bucket: &BucketRecord) -> Result<(), Error> {
    let name = &bucket.name;
    let text = if bucket.replicates {
        format!("The bucket '{name}' is already the source of a replication policy")
    } else if bucket.read_only {
        format!(
            "The bucket '{name}' is read-only as the destination of a replication policy: make it writable first"
        )
    } else {
        return Ok(());
    };
    Err(ErrorKind::BucketStateConflict(text).into())
}

/// Writes a policy at both ends.
fn tie(
    tx: &Tx,
    namespace: &Namespace,
    source: &BucketRecord,
    destination: &BucketRecord,
    policy: &ReplicationPolicyRecord,
) {
    let id = &policy.id;
    tx.put(keys::replication_policy(namespace, &source.id, id), policy);
    let seen_from_there = ReplicationSourceRecord {
        source_id: source.id,
        source: source.name.clone(),
        policy_name: policy.name.clone(),
    };
    let key = keys::replication_source(namespace, &destination.id, id);
    tx.put(key, &seen_from_there);
    let source = BucketRecord {
        replicates: true,
        ..source.clone()
    };
    write_bucket(tx, namespace, &source);
    let destination = BucketRecord {
        read_only: true,
        ..destination.clone()
    };
    write_bucket(tx, namespace, &destination);
}

/// Removes a policy at both ends.
fn untie(
    tx: &Tx,
    namespace: &Namespace,
    source: &BucketId,
    destination: &BucketId,
    id: &ReplicationPolicyId,
) {
    tx.delete(keys::replication_policy(namespace, source, id));
    tx.delete(keys::replication_source(namespace, destination, id));
}

/// Ends all policies that write to a bucket; returns their sources.
async fn release_sources(
    tx: &Tx,
    namespace: &Namespace,
    destination: &BucketRecord,
) -> Result<Vec<(BucketPath, BucketId)>, Error> {
    let prefix = keys::replication_sources(namespace, &destination.id);
    let mut released = Vec::new();
    for entry in tx.reader().scan(&keys::all(&prefix, usize::MAX)).await? {
        let source: ReplicationSourceRecord = records::decode(&entry.value)?;
        let id = <[u8; 16]>::try_from(&entry.key[prefix.len()..]).map_err(|_| {
            Error::from(ErrorKind::Internal).because("a replication source has a damaged key")
        })?;
        let id = ReplicationPolicyId::from_bytes(id);
        untie(tx, namespace, &source.source_id, &destination.id, &id);
        let path = BucketPath {
            namespace: namespace.clone(),
            bucket: source.source,
        };
        if let Some(bucket) = bucket_of(tx.reader(), &path, &source.source_id).await? {
            write_bucket(tx, namespace, &no_source(&bucket));
        }
        released.push((path, source.source_id));
    }
    Ok(released)
}

fn no_source(bucket: &BucketRecord) -> BucketRecord {
    BucketRecord {
        replicates: false,
        ..bucket.clone()
    }
}

async fn policy_of(
    reader: &dyn Reader,
    namespace: &Namespace,
    source: &BucketId,
    id: &ReplicationPolicyId,
) -> Result<Option<ReplicationPolicyRecord>, Error> {
    let key = keys::replication_policy(namespace, source, id);
    let found = reader.get_many(&[key]).await?.pop().flatten();
    records::decode_optional(found.as_ref())
}

/// The bucket of that name, if it is still the one of this id.
async fn bucket_of(
    reader: &dyn Reader,
    path: &BucketPath,
    id: &BucketId,
) -> Result<Option<BucketRecord>, Error> {
    let key = keys::bucket(&path.namespace, &path.bucket);
    let found = reader.get_many(&[key]).await?.pop().flatten();
    let bucket = records::decode_optional::<BucketRecord>(found.as_ref())?;
    Ok(bucket.filter(|bucket| bucket.id == *id))
}

/// When the oldest change was made that waits to be replicated.
async fn oldest_change(
    reader: &dyn Reader,
    namespace: &Namespace,
    source: &BucketId,
) -> Result<Option<Timestamp>, Error> {
    let prefix = keys::replication_changes(namespace, source);
    let oldest = reader.scan(&keys::all(&prefix, 1)).await?;
    let millis = oldest.first().and_then(|entry| {
        let millis = entry.key.get(prefix.len()..prefix.len() + 8)?;
        Some(u64::from_be_bytes(millis.try_into().ok()?))
    });
    let time = |millis| Timestamp::from_millisecond(i64::try_from(millis).ok()?).ok();
    Ok(millis.and_then(time))
}

fn missing(bucket: &BucketName) -> Error {
    ErrorKind::ReplicationPolicyNotFound(bucket.clone()).into()
}

#[cfg(test)]
mod tests {
    use parbuckle_iam::permission::{PermissionSet, Requirement};

    use super::*;

    #[test]
    fn the_operations_ask_for_what_their_table_says() {
        let delete = Operation::DeleteReplicationPolicy;
        for (operation, asked) in [
            (Operation::CreateReplicationPolicy, &REPLICATE[..]),
            (delete, &REPLICATE),
            (Operation::MakeBucketWritable, &RELEASE),
            (Operation::GetReplicationPolicy, &LOOK),
            (Operation::ListReplicationPolicies, &LOOK),
            (Operation::ListReplicationSources, &LOOK),
        ] {
            let asked = Requirement::AllOf(PermissionSet::of(asked));
            assert_eq!(operation.requires(), asked, "{operation:?}");
        }
    }
}
