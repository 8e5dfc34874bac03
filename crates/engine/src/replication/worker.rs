//! The work of a replication policy: its journal, oldest entry first.

use parbuckle_iam::permission::Operation;
use parbuckle_kv::{Entry, Reader, Scan};
use parbuckle_model::{BucketId, ETag, ObjectName, StorageTier};

use super::{REPLICATE, policy_of};
use crate::authority::{Access, Act, Need};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::object::{
    CopiedContent, Found, Origin, Place, Placement, Replaced, existing_object, find,
};
use crate::records::{self, BucketRecord, ObjectRecord, ReplicationPolicyRecord, RequesterRecord};
use crate::transact::Tx;
use crate::{BucketPath, Engine, ObjectPath, keys};

/// Journal entries read at a time.
const PAGE: usize = 1000;

/// A policy at work.
struct Run<'a> {
    from: &'a BucketPath,
    from_id: BucketId,
    to: BucketPath,
    policy: ReplicationPolicyRecord,
    /// The policy's creator, with the rights that he has now.
    creator: Caller,
}

/// A name and the entries of the journal that hold it.
struct Change {
    name: ObjectName,
    entries: Vec<Vec<u8>>,
}

/// What is to be done at the destination.
enum Step {
    /// Place this there. The record is the source's.
    Place(Box<ObjectRecord>, CopiedContent),
    /// Move what is there to this tier.
    Move(StorageTier),
    /// Take away what is there.
    Remove,
    /// Nothing: it is there already, or never will be.
    Leave,
}

impl Engine {
    /// Takes the changes of a source bucket to its destination. What is refused (rights, retention) makes the policy
    /// faulty and waits; other changes go on. The last error of another kind is returned at the end.
    pub(crate) async fn replicate_bucket(
        &self,
        path: &BucketPath,
        bucket: &BucketRecord,
    ) -> Result<(), Error> {
        if !bucket.replicates {
            return Ok(());
        }
        let Some(run) = self.begin_run(path, bucket).await? else {
            return Ok(());
        };
        let (fault, failed) = match self.check_run(&run).await {
            Ok(()) => self.drain(&run).await?,
            Err(error) if is_refusal(&error) => (Some(error.to_string()), None),
            Err(error) => return Err(error),
        };
        self.note_fault(&run, fault).await?;
        failed.map_or(Ok(()), Err)
    }

    async fn begin_run<'a>(
        &self,
        path: &'a BucketPath,
        bucket: &BucketRecord,
    ) -> Result<Option<Run<'a>>, Error> {
        let prefix = keys::replication_policies(&path.namespace, &bucket.id);
        let found = self.kv.snapshot().await?;
        let found = found.scan(&keys::all(&prefix, 1)).await?;
        let Some(entry) = found.first() else {
            return Ok(None);
        };
        let policy: ReplicationPolicyRecord = records::decode(&entry.value)?;
        let creator = Caller::of_work(&RequesterRecord {
            namespace: path.namespace.clone(),
            user: policy.creator.clone(),
            credential: policy.credential,
        });
        Ok(Some(Run {
            from: path,
            from_id: bucket.id,
            to: BucketPath {
                namespace: path.namespace.clone(),
                bucket: policy.destination.clone(),
            },
            creator,
            policy,
        }))
    }

    /// Whether the creator may do this at all.
    async fn check_run(&self, run: &Run<'_>) -> Result<(), Error> {
        let reader = self.kv.snapshot().await?;
        self.enter_run(&*reader, run, Act::Manage).await.map(drop)
    }

    /// The destination, if the creator may replicate to it from the source.
    async fn enter_run<'r>(
        &self,
        reader: &dyn Reader,
        run: &'r Run<'_>,
        act: Act<'_>,
    ) -> Result<Access<'r>, Error> {
        let operation = Operation::CreateReplicationPolicy;
        let source = self.enter(reader, &run.creator, run.from).await?;
        source.require(operation, Need::All(&REPLICATE), act)?;
        let destination = self.enter(reader, &run.creator, &run.to).await?;
        destination.require(operation, Need::All(&REPLICATE), act)?;
        let known = destination.bucket.id == run.policy.destination_id;
        if !known || !destination.bucket.read_only {
            let text = format!(
                "The bucket '{}' is not the destination of this policy any more",
                run.to.bucket
            );
            return Err(ErrorKind::BucketStateConflict(text).into());
        }
        Ok(destination)
    }

    /// Works once through the journal as it is now: what comes meanwhile waits for the next round, so that a bucket that is
    /// written all the time does not keep the others waiting. Returns the first refusal in words, and the last error of
    /// another kind.
    async fn drain(&self, run: &Run<'_>) -> Result<(Option<String>, Option<Error>), Error> {
        let journal = keys::replication_changes(&run.from.namespace, &run.from_id);
        let mut scan = keys::all(&journal, PAGE);
        let youngest = Scan {
            limit: 1,
            reverse: true,
            ..scan.clone()
        };
        let youngest = self.kv.snapshot().await?.scan(&youngest).await?;
        let (mut fault, mut failed) = (None, None);
        let Some(youngest) = youngest.first() else {
            return Ok((fault, failed));
        };
        scan.end = [&youngest.key[..], &[0]].concat();
        loop {
            let page = self.kv.snapshot().await?.scan(&scan).await?;
            for change in changes(&page)? {
                match self.replicate(run, &change).await {
                    Ok(()) => {}
                    Err(error) if is_refusal(&error) => {
                        fault.get_or_insert_with(|| error.to_string());
                    }
                    Err(error) if matches!(error.kind(), ErrorKind::Unavailable) => {
                        return Err(error);
                    }
                    Err(error) => failed = Some(error),
                }
            }
            match page.last() {
                Some(last) if page.len() == PAGE => scan.start = [&last.key[..], &[0]].concat(),
                _ => return Ok((fault, failed)),
            }
        }
    }

    /// Brings one name of the destination in line with the source.
    ///
    /// What is placed may be older than what the source has by the time of the commit: then the change that made the
    /// difference has an entry of its own, which stays. It is never older than what the destination has, because that
    /// must be the same as when the source was read.
    async fn replicate(&self, run: &Run<'_>, change: &Change) -> Result<(), Error> {
        let (from, to) = (
            object_of(run.from, &change.name),
            object_of(&run.to, &change.name),
        );
        let reader = self.kv.snapshot().await?;
        let act = Act::ManageObject(&change.name);
        let destination = self.enter_run(&*reader, run, act).await?;
        let there = existing_object(&*reader, &to, &destination.bucket.id).await?;
        let source = match find(&*reader, &from, &run.from_id, None).await? {
            Some(Found::Object(record, _)) => Some(record),
            Some(Found::DeleteMarker(_)) | None => None,
        };
        let known = |record: &ObjectRecord| {
            let there = there.as_ref().map(Replaced::record);
            there.and_then(|there| without_bytes(record, there, &destination.bucket))
        };
        let step = match source {
            None => Step::Remove,
            Some(record) if record.encryption.as_ref().is_some_and(|e| e.by_customer) => {
                Step::Leave
            }
            Some(record) => match known(&record) {
                Some(step) => step,
                None => {
                    let (bucket, place) = (&run.from_id, Place::Current);
                    let source = self
                        .source_content(&*reader, &from, bucket, &record, place)
                        .await?;
                    drop(reader);
                    let copied = self.copy_content(&source, |_| async { Ok(()) }).await?;
                    Step::Place(Box::new(record), copied)
                }
            },
        };
        let there = there.map(|there| *there.etag());
        self.settle(run, change, &to, there, &step).await
    }

    /// Takes a step, and takes its entries out of the journal.
    async fn settle(
        &self,
        run: &Run<'_>,
        change: &Change,
        to: &ObjectPath,
        there: Option<ETag>,
        step: &Step,
    ) -> Result<(), Error> {
        let placement = &Placement {
            origin: Origin::Replication,
            ..self.placement()
        };
        self.transact("replicate", |tx| async move {
            let found = tx.reader().get_many(&change.entries).await?;
            if found.iter().all(Option::is_none) {
                return Ok(());
            }
            let namespace = &run.from.namespace;
            let policy = policy_of(tx.reader(), namespace, &run.from_id, &run.policy.id).await?;
            if policy.is_none() {
                return Ok(());
            }
            let act = Act::ManageObject(&change.name);
            let destination = self.enter_run(tx.reader(), run, act).await?;
            let bucket = &*destination.bucket;
            let existing = existing_object(tx.reader(), to, &bucket.id).await?;
            if existing.as_ref().map(Replaced::etag) != there.as_ref() {
                return Ok(());
            }
            self.take(&tx, to, bucket, existing, placement, step)
                .await?;
            for entry in &change.entries {
                tx.delete(entry.clone());
            }
            Ok(())
        })
        .await
    }

    async fn take(
        &self,
        tx: &Tx,
        to: &ObjectPath,
        bucket: &BucketRecord,
        existing: Option<Replaced>,
        placement: &Placement,
        step: &Step,
    ) -> Result<(), Error> {
        match (step, existing) {
            (Step::Leave, _) | (Step::Remove | Step::Move(_), None) => {}
            (Step::Move(tier), Some(existing)) => {
                let there = (existing.record(), Place::Current);
                self.move_in_place(tx, to, bucket, there, *tier, &placement.change);
            }
            (Step::Remove, Some(existing)) => {
                self.remove_current(tx, to, bucket, &existing, placement)
                    .await?;
            }
            (Step::Place(source, copied), existing) => {
                let record = replica(source, copied, bucket, placement, existing.as_ref());
                self.place_object(tx, to, bucket, record, existing, placement)
                    .await?;
                copied.attach(tx, to, &bucket.id);
            }
        }
        Ok(())
    }

    /// Remembers whether the policy can do its work, where that has changed.
    async fn note_fault(&self, run: &Run<'_>, fault: Option<String>) -> Result<(), Error> {
        if run.policy.fault == fault {
            return Ok(());
        }
        let (namespace, id, fault) = (&run.from.namespace, &run.policy.id, &fault);
        self.transact("note_fault", |tx| async move {
            let Some(policy) = policy_of(tx.reader(), namespace, &run.from_id, id).await? else {
                return Ok(());
            };
            let key = keys::replication_policy(namespace, &run.from_id, id);
            let policy = ReplicationPolicyRecord {
                fault: fault.clone(),
                ..policy
            };
            tx.put(key, &policy);
            Ok(())
        })
        .await
    }
}

/// The source's record as the destination has it: the same etag, digests and attributes; its own times, and no window in
/// which an archived object could be read (wire reference section 11).
fn replica(
    source: &ObjectRecord,
    copied: &CopiedContent,
    bucket: &BucketRecord,
    placement: &Placement,
    existing: Option<&Replaced>,
) -> ObjectRecord {
    ObjectRecord {
        content: copied.content(),
        storage_tier: tier(source, bucket),
        time_created: existing.map_or(placement.time, Replaced::time_created),
        time_modified: placement.time,
        restore: None,
        ..source.clone()
    }
}

/// The step where the destination has the source's object already, but for its tier: an old version was deleted, perhaps,
/// or the object was moved to another tier. With the etag the bytes are the same, however they are kept; what can change
/// beside it is compared.
fn without_bytes(
    source: &ObjectRecord,
    there: &ObjectRecord,
    bucket: &BucketRecord,
) -> Option<Step> {
    let as_there = ObjectRecord {
        version_id: there.version_id,
        time_created: there.time_created,
        time_modified: there.time_modified,
        storage_tier: there.storage_tier,
        content: there.content.clone(),
        encryption: there.encryption.clone(),
        restore: there.restore,
        ..source.clone()
    };
    let tier = tier(source, bucket);
    match as_there == *there {
        true if tier == there.storage_tier => Some(Step::Leave),
        true => Some(Step::Move(tier)),
        false => None,
    }
}

/// An Archive bucket holds only Archive objects (wire reference section 11).
fn tier(source: &ObjectRecord, bucket: &BucketRecord) -> StorageTier {
    match bucket.storage_tier {
        StorageTier::Archive => StorageTier::Archive,
        StorageTier::Standard | StorageTier::InfrequentAccess => source.storage_tier,
    }
}

/// The names of a page of the journal in order of their oldest entries.
fn changes(page: &[Entry]) -> Result<Vec<Change>, Error> {
    let mut changes: Vec<Change> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for entry in page {
        let at = *places.entry(&entry.value).or_insert(changes.len());
        if at == changes.len() {
            let name = ObjectName::parse_classic(&entry.value).map_err(|_| {
                Error::from(ErrorKind::Internal)
                    .because("a change to be replicated names no object")
            })?;
            changes.push(Change {
                name,
                entries: Vec::new(),
            });
        }
        changes[at].entries.push(entry.key.to_vec());
    }
    Ok(changes)
}

fn object_of(bucket: &BucketPath, name: &ObjectName) -> ObjectPath {
    ObjectPath {
        bucket: bucket.clone(),
        object: name.clone(),
    }
}

/// Whether the policy's owner can do something about it, and nobody else.
fn is_refusal(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::BucketNotFound { .. }
            | ErrorKind::NamespaceNotFound
            | ErrorKind::BucketStateConflict(_)
            | ErrorKind::ObjectRetained { .. }
    )
}
