//! The daily run over a bucket. It picks what may be due page by page, and can go on where it stopped: in the next round
//! of the upkeep, or after a restart.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use parbuckle_kv::{Entry, Scan};
use parbuckle_model::{AutoTiering, ETag, ObjectName, UploadId, VersionId};

use super::policy::stored_policy;
use super::rules::{Ages, Rules};
use super::step::{Outcome, may_be_idle, seconds, stored_bucket};
use crate::error::{Error, ErrorKind};
use crate::records::{
    self, BucketRecord, LifecycleTarget, ObjectRecord, Phase, RunRecord, StoredTime, UpkeepCounts,
    UpkeepRecord, UploadRecord, VersionRecord,
};
use crate::{BucketPath, Engine, ObjectPath, keys};

/// Things looked at at a time.
const PAGE: usize = 250;

/// Pages of one bucket before the others have their turn.
const PAGES_MAX: usize = 20;

/// A run over a bucket, as long as it has its turn.
pub(super) struct Run<'a> {
    pub(super) path: &'a BucketPath,
    pub(super) bucket: &'a BucketRecord,
    pub(super) terms: Arc<Terms>,
}

/// What decides whether something is due.
pub(super) struct Terms {
    pub(super) rules: Rules,
    pub(super) now: Timestamp,
    /// Nothing where auto-tiering is off.
    pub(super) auto_tiering_since: Option<Timestamp>,
}

/// Picks an entry, whose key has this rest behind the prefix, if it may be due.
type Pick<T> = fn(&Terms, &[u8], &Entry) -> Result<Option<T>, Error>;

impl Engine {
    /// Begins the run of a bucket when it is due, or goes on with it. Returns whether it is to go on at once, after other
    /// buckets had their turn.
    pub(crate) async fn run_lifecycle(
        &self,
        path: &BucketPath,
        bucket: &BucketRecord,
    ) -> Result<bool, Error> {
        let now = self.now();
        let key = keys::upkeep(&path.namespace, &bucket.id);
        let reader = self.kv.snapshot().await?;
        let found = reader.get_many(&[key]).await?.pop().flatten();
        let stored = records::decode_optional::<UpkeepRecord>(found.as_ref())?.unwrap_or_default();
        let mut state = self.seen(stored.clone(), bucket, now);
        let Some(mut run) = state.run.take() else {
            if state != stored {
                self.save_upkeep(path, bucket, &state).await?;
            }
            return Ok(false);
        };
        let policy = stored_policy(&*reader, &path.namespace, &bucket.id).await?;
        if policy.as_ref().map(|policy| policy.etag) != bucket.lifecycle_etag.map(|etag| etag.0) {
            // It was changed just now: the next round sees both.
            return Ok(false);
        }
        let rules = policy.map(|policy| policy.rules).unwrap_or_default();
        let rules =
            Rules::parse(&rules).map_err(|what| Error::from(ErrorKind::Internal).because(what))?;
        let terms = Arc::new(Terms {
            rules,
            now,
            auto_tiering_since: state.auto_tiering_since.map(|since| since.0),
        });
        let turn = Run {
            path,
            bucket,
            terms,
        };
        let ended = self.run_pages(&turn, &mut run).await;
        if let Ok(true) = ended {
            state.last_run = Some(StoredTime(run.started));
            self.upkeep.add(&UpkeepCounts {
                runs: 1,
                ..UpkeepCounts::default()
            });
            log(bucket, &run);
        } else {
            state.run = Some(run);
        }
        self.save_upkeep(path, bucket, &state).await?;
        ended.map(|ended| !ended)
    }

    /// The state of a bucket with what its owner wants now, and a run if one is due or under way.
    fn seen(&self, mut state: UpkeepRecord, bucket: &BucketRecord, now: Timestamp) -> UpkeepRecord {
        let tiers = bucket.auto_tiering != AutoTiering::Disabled;
        state.auto_tiering_since =
            tiers.then(|| state.auto_tiering_since.unwrap_or(StoredTime(now)));
        if !tiers && bucket.lifecycle_etag.is_none() {
            state.run = None;
            return state;
        }
        let interval = SignedDuration::try_from(self.settings.upkeep_interval).unwrap_or_default();
        // A clock that was put back must not keep runs waiting until it has caught up.
        let due = state.last_run.is_none_or(|last| {
            let ago = now.duration_since(last.0);
            ago >= interval || ago < SignedDuration::ZERO
        });
        if state.run.is_none() && due {
            state.run = Some(RunRecord {
                started: now,
                phase: Phase::Objects,
                position: Vec::new(),
                counts: UpkeepCounts::default(),
            });
        }
        state
    }

    /// Goes through some pages. Returns whether the run has ended.
    async fn run_pages(&self, turn: &Run<'_>, run: &mut RunRecord) -> Result<bool, Error> {
        for _ in 0..PAGES_MAX {
            let (at, mut counts) = (&run.position, UpkeepCounts::default());
            let next = match run.phase {
                Phase::Objects => self.page_of_objects(turn, at, &mut counts).await,
                Phase::Versions => self.page_of_versions(turn, at, &mut counts).await,
                Phase::Uploads => self.page_of_uploads(turn, at, &mut counts).await,
                Phase::Reads => self.page_of_reads(turn, at).await,
            };
            run.counts.add(&counts);
            self.upkeep.add(&counts);
            match (next?, following(run.phase)) {
                (Some(position), _) => run.position = position,
                (None, Some(phase)) => (run.phase, run.position) = (phase, Vec::new()),
                (None, None) => return Ok(true),
            }
        }
        Ok(false)
    }

    async fn page_of_objects(
        &self,
        turn: &Run<'_>,
        at: &[u8],
        counts: &mut UpkeepCounts,
    ) -> Result<Option<Vec<u8>>, Error> {
        let terms = &turn.terms;
        if !terms.rules.concern(LifecycleTarget::Objects) && terms.auto_tiering_since.is_none() {
            return Ok(None);
        }
        let prefix = keys::objects(&turn.path.namespace, &turn.bucket.id);
        let page = self.page(&prefix, at, false).await?;
        let next = next_position(&page, prefix.len());
        for (name, etag, ages) in turn.pick(page, prefix.len(), pick_object, counts).await? {
            let done = self.step_object(turn, &name, &etag, &ages).await;
            Outcome::count(done, turn, counts)?;
        }
        Ok(next)
    }

    /// Backwards, so that of several versions of a name the oldest goes first, while the next younger is there to tell its
    /// age.
    async fn page_of_versions(
        &self,
        turn: &Run<'_>,
        at: &[u8],
        counts: &mut UpkeepCounts,
    ) -> Result<Option<Vec<u8>>, Error> {
        if !turn.terms.rules.concern(LifecycleTarget::PreviousVersions) {
            return Ok(None);
        }
        let prefix = keys::versions(&turn.path.namespace, &turn.bucket.id);
        let page = self.page(&prefix, at, true).await?;
        let next = next_position(&page, prefix.len());
        for (name, version, ages) in turn.pick(page, prefix.len(), pick_version, counts).await? {
            let done = self.step_version(turn, &name, &version, &ages).await;
            Outcome::count(done, turn, counts)?;
        }
        Ok(next)
    }

    async fn page_of_uploads(
        &self,
        turn: &Run<'_>,
        at: &[u8],
        counts: &mut UpkeepCounts,
    ) -> Result<Option<Vec<u8>>, Error> {
        if !turn.terms.rules.concern(LifecycleTarget::Uploads) {
            return Ok(None);
        }
        let prefix = keys::uploads(&turn.path.namespace, &turn.bucket.id);
        let page = self.page(&prefix, at, false).await?;
        let next = next_position(&page, prefix.len());
        for (name, upload) in turn.pick(page, prefix.len(), pick_upload, counts).await? {
            let done = self.step_upload(turn, &name, upload).await;
            Outcome::count(done, turn, counts)?;
        }
        Ok(next)
    }

    /// Drops the notes on objects that are gone, and all of them where auto-tiering is off.
    async fn page_of_reads(&self, turn: &Run<'_>, at: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let (ns, bucket) = (&turn.path.namespace, &turn.bucket.id);
        let prefix = keys::last_reads(ns, bucket);
        let page = &self.page(&prefix, at, false).await?;
        if page.is_empty() {
            return Ok(None);
        }
        let objects = keys::objects(ns, bucket);
        let objects = page
            .iter()
            .map(|note| [&objects[..], &note.key[prefix.len()..]].concat());
        let objects = &objects.collect::<Vec<_>>();
        self.transact("drop_last_reads", |tx| async move {
            let found = tx.reader().get_many(objects).await?;
            for (note, object) in page.iter().zip(found) {
                if object.is_none() || turn.terms.auto_tiering_since.is_none() {
                    tx.delete(note.key.to_vec());
                }
            }
            Ok(())
        })
        .await?;
        Ok(next_position(page, prefix.len()))
    }

    async fn page(&self, prefix: &[u8], at: &[u8], reverse: bool) -> Result<Vec<Entry>, Error> {
        let scan = match (at.is_empty(), reverse) {
            (true, _) => keys::all(prefix, PAGE),
            (false, false) => keys::all_after(prefix, at, PAGE),
            (false, true) => Scan {
                end: [prefix, at].concat(),
                ..keys::all(prefix, PAGE)
            },
        };
        let scan = Scan { reverse, ..scan };
        Ok(self.kv.snapshot().await?.scan(&scan).await?)
    }

    async fn save_upkeep(
        &self,
        path: &BucketPath,
        bucket: &BucketRecord,
        state: &UpkeepRecord,
    ) -> Result<(), Error> {
        self.transact("save_upkeep", |tx| async move {
            let found = stored_bucket(tx.reader(), path).await?;
            if found.is_some_and(|found| found.id == bucket.id) {
                tx.put(keys::upkeep(&path.namespace, &bucket.id), state);
            }
            Ok(())
        })
        .await
    }
}

impl Run<'_> {
    /// An object of the bucket.
    pub(super) fn object(&self, name: &ObjectName) -> ObjectPath {
        ObjectPath {
            bucket: self.path.clone(),
            object: name.clone(),
        }
    }

    /// What of a page may be due. A thousand rules with patterns take long, so another thread looks at them. What can't be
    /// read is logged and counted, and does not keep the rest.
    async fn pick<T: Send + 'static>(
        &self,
        page: Vec<Entry>,
        prefix_len: usize,
        pick: Pick<T>,
        counts: &mut UpkeepCounts,
    ) -> Result<Vec<T>, Error> {
        let terms = Arc::clone(&self.terms);
        let picking = tokio::task::spawn_blocking(move || {
            let picked = page.iter().map(|entry| {
                let rest = entry.key.get(prefix_len..).unwrap_or_default();
                pick(&terms, rest, entry)
            });
            picked.collect::<Vec<_>>()
        });
        let picked = picking.await.map_err(|error| {
            Error::from(ErrorKind::Internal).because(format!("lifecycle rules: {error}"))
        })?;
        let mut due = Vec::new();
        for picked in picked {
            match picked {
                Ok(picked) => due.extend(picked),
                error @ Err(_) => Outcome::count(error.map(|_| Outcome::Nothing), self, counts)?,
            }
        }
        Ok(due)
    }
}

impl UpkeepCounts {
    /// Adds what has been done besides.
    pub(crate) fn add(&mut self, more: &Self) {
        self.runs += more.runs;
        self.deleted += more.deleted;
        self.versions_deleted += more.versions_deleted;
        self.archived += more.archived;
        self.infrequent += more.infrequent;
        self.standard += more.standard;
        self.uploads_aborted += more.uploads_aborted;
        self.protected += more.protected;
        self.failed += more.failed;
    }
}

fn following(phase: Phase) -> Option<Phase> {
    match phase {
        Phase::Objects => Some(Phase::Versions),
        Phase::Versions => Some(Phase::Uploads),
        Phase::Uploads => Some(Phase::Reads),
        Phase::Reads => None,
    }
}

/// Where the next page begins; nothing after the last.
fn next_position(page: &[Entry], prefix_len: usize) -> Option<Vec<u8>> {
    let last = page.last().filter(|_| page.len() == PAGE)?;
    last.key.get(prefix_len..).map(<[u8]>::to_vec)
}

fn pick_object(
    terms: &Terms,
    rest: &[u8],
    entry: &Entry,
) -> Result<Option<(ObjectName, ETag, Ages)>, Error> {
    let record: ObjectRecord = records::decode(&entry.value)?;
    let name = object_name(rest)?;
    let age = seconds(record.time_modified, terms.now);
    let ages = terms
        .rules
        .ages(LifecycleTarget::Objects, name.as_str(), age);
    let due = ages.step(age, record.storage_tier).is_some() || may_be_idle(terms, &record);
    Ok(due.then_some((name, record.etag, ages)))
}

/// A version is at least as old as the time since it is not current.
fn pick_version(
    terms: &Terms,
    rest: &[u8],
    entry: &Entry,
) -> Result<Option<(ObjectName, VersionId, Ages)>, Error> {
    let record: VersionRecord = records::decode(&entry.value)?;
    let end = rest.iter().position(|byte| *byte == 0);
    let name = object_name(&rest[..end.unwrap_or(rest.len())])?;
    let made = match &record {
        VersionRecord::Object(record) => record.time_modified,
        VersionRecord::DeleteMarker(marker) => marker.time,
    };
    let age = seconds(made, terms.now);
    let target = LifecycleTarget::PreviousVersions;
    let ages = terms.rules.ages(target, name.as_str(), age);
    Ok((!ages.is_empty()).then(|| (name, record.version_id(), ages)))
}

fn pick_upload(
    terms: &Terms,
    _: &[u8],
    entry: &Entry,
) -> Result<Option<(ObjectName, UploadId)>, Error> {
    let record: UploadRecord = records::decode(&entry.value)?;
    let age = seconds(record.time_created, terms.now);
    let target = LifecycleTarget::Uploads;
    let ages = terms.rules.ages(target, record.object.as_str(), age);
    Ok(ages.abort_at(age).then_some((record.object, record.id)))
}

fn object_name(bytes: &[u8]) -> Result<ObjectName, Error> {
    ObjectName::parse_classic(bytes)
        .map_err(|_| Error::from(ErrorKind::Internal).because("a stored object name is not valid"))
}

/// One line for each bucket and run.
fn log(bucket: &BucketRecord, run: &RunRecord) {
    let counts = &run.counts;
    tracing::info!(
        bucket = bucket.ocid.as_str(),
        deleted = counts.deleted,
        versions_deleted = counts.versions_deleted,
        archived = counts.archived,
        infrequent = counts.infrequent,
        uploads_aborted = counts.uploads_aborted,
        protected = counts.protected,
        failed = counts.failed,
        "the daily upkeep of a bucket is done"
    );
}
