//! Copying: accepted at once with the source as it is then, carried out by the worker when its step comes. The destination
//! is checked both times.

use parbuckle_engine::{CopyKeys, CopyObject, ObjectInfo, WorkStatus};
use parbuckle_model::{ETag, EtagCondition, Preconditions, UserMetadata, VersionId, WorkRequestId};

use super::history::{RefObject, RefVersion};
use super::program::CopyPlan;
use super::reference::{Act, Holder, Kind};
use super::run::{Aim, Run, Verdict, agree, preconditions, same};

/// A copy that has been accepted.
pub(super) struct Pending {
    id: WorkRequestId,
    copy: RefCopy,
    /// Its source as it was then.
    source: RefObject,
}

/// A copy that is asked for.
struct RefCopy {
    /// Bucket, name and, if that was named, the version.
    source: (String, String, Option<VersionId>),
    on_source: Option<EtagCondition>,
    destination: (String, String),
    on_destination: Preconditions,
    metadata: Option<UserMetadata>,
}

impl Run {
    pub(super) async fn copy(&mut self, plan: CopyPlan) -> Verdict {
        self.carry_out_copy().await?;
        let holder = self.holder(plan.who);
        let (bucket, object) = self.resolve(holder, plan.source, Aim::at(plan.which));
        let (version, found) = self.which(&bucket, &object, plan.which);
        let etag = found.and_then(RefVersion::object).map(|o| o.info.etag);
        let (to_bucket, to) = self.resolve(holder, plan.new, Aim::Anything);
        let existing = self.reference.object_etag(&to_bucket, &to);
        let metadata = [("copied", "yes")].map(|(name, value)| (name.to_owned(), value.to_owned()));
        let copy = RefCopy {
            source: (bucket, object, version),
            on_source: preconditions(plan.on_source, etag).if_match,
            destination: (to_bucket, to),
            on_destination: preconditions(plan.condition, existing),
            metadata: plan
                .new_metadata
                .then(|| UserMetadata::new(metadata).unwrap()),
        };
        let expected = self.copyable(holder, &copy);
        let asked = CopyObject {
            source_version: version,
            source_if_match: copy.on_source.clone(),
            destination_region: self.world.engine.region().to_owned(),
            destination: self.world.object(&copy.destination.0, &copy.destination.1),
            preconditions: copy.on_destination.clone(),
            metadata: copy.metadata.clone(),
            storage_tier: None,
            keys: CopyKeys::default(),
        };
        let caller = self.caller(holder).await;
        let path = self.world.object(&copy.source.0, &copy.source.1);
        let got = self.world.engine.copy_object(&caller, &path, asked).await;
        if let Some((source, id)) = same(expected, got)? {
            self.pending_copy = Some(Pending { id, copy, source });
        }
        Ok(())
    }

    /// Lets the worker do its work; the copy fails if its destination would be refused now.
    pub(super) async fn carry_out_copy(&mut self) -> Verdict {
        let Some(Pending { id, copy, source }) = self.pending_copy.take() else {
            return Ok(());
        };
        let expected = self.placeable(Holder::Admin, &copy);
        self.work().await?;
        if let Err(kind) = expected {
            return self.copy_failed(&id, kind).await;
        }
        agree!(self.status(&id).await?, WorkStatus::Completed, "the copy");
        let ((bucket, object), now) = (&copy.destination, self.now());
        let (engine, path) = (&self.world.engine, self.world.object(bucket, object));
        let none = Preconditions::default();
        let head = engine.head_object(&self.world.admin, &path, &none, None, None);
        let info = head.await.map_err(|error| format!("{error:?}"))?;
        let replaced = self.reference.object(bucket, object);
        let mut expected = ObjectInfo {
            etag: info.etag,
            version_id: info.version_id,
            time_created: replaced.map_or(now, |replaced| replaced.info.time_created),
            time_modified: now,
            ..source.info
        };
        if let Some(metadata) = copy.metadata {
            expected.attributes.metadata = metadata;
        }
        agree!(info, expected, "what was copied");
        self.place(bucket, object, info, source.bytes)
    }

    /// Of a copy that is cancelled before it begins nothing comes.
    pub(super) async fn cancel_copy(&mut self) -> Verdict {
        let Some(Pending { id, .. }) = self.pending_copy.take() else {
            return Ok(());
        };
        let (engine, admin) = (&self.world.engine, &self.world.admin);
        let got = engine.cancel_work_request(admin, &id).await;
        same(Ok(()), got.map(drop))?;
        self.work().await?;
        agree!(self.status(&id).await?, WorkStatus::Canceled, "the copy");
        Ok(())
    }

    async fn copy_failed(&self, id: &WorkRequestId, kind: Kind) -> Verdict {
        agree!(self.status(id).await?, WorkStatus::Failed, "the copy");
        let (engine, admin) = (&self.world.engine, &self.world.admin);
        let errors = engine.work_request_errors(admin, id, None, Default::default());
        let errors = errors.await.map_err(|error| format!("{error:?}"))?.items;
        let errors: Vec<String> = errors.iter().map(|e| format!("{:?}", e.failure)).collect();
        agree!(errors, [kind], "why the copy failed");
        Ok(())
    }

    async fn work(&self) -> Verdict {
        same(Ok(()), self.world.engine.work_once().await).map(drop)
    }

    async fn status(&self, id: &WorkRequestId) -> Result<WorkStatus, String> {
        let found = self.world.engine.work_request(&self.world.admin, id).await;
        Ok(found.map_err(|error| format!("{error:?}"))?.status)
    }

    /// The object to be copied, if the copy may be asked for as things are.
    fn copyable(&self, holder: Holder, copy: &RefCopy) -> Result<RefObject, Kind> {
        let (from, source, version) = &copy.source;
        self.judge(holder, from, Act::Manage)?;
        self.placeable(holder, copy)?;
        let found = self.reference.found(from, source, *version);
        let found = found.and_then(RefVersion::object).ok_or("ObjectNotFound")?;
        match holds(&copy.on_source, Some(found.info.etag)) {
            true => Ok(found.clone()),
            false => Err("IfMatchFailed"),
        }
    }

    /// Whether the copy may be written as things are.
    fn placeable(&self, holder: Holder, copy: &RefCopy) -> Result<(), Kind> {
        let (to, new) = &copy.destination;
        self.judge(holder, to, Act::Manage)?;
        let existing = self.reference.object_etag(to, new);
        if !holds(&copy.on_destination.if_match, existing) {
            return Err("IfMatchFailed");
        }
        let unwanted = &copy.on_destination.if_none_match;
        if unwanted.is_some() && holds(unwanted, existing) {
            return Err("IfNoneMatchFailed");
        }
        self.reference.replaceable(to, new, self.now())
    }
}

fn holds(condition: &Option<EtagCondition>, etag: Option<ETag>) -> bool {
    let held = condition.as_ref().map(|condition| met(condition, etag));
    held.is_none_or(|held| held)
}

fn met(condition: &EtagCondition, etag: Option<ETag>) -> bool {
    match condition {
        EtagCondition::Any => etag.is_some(),
        EtagCondition::OneOf(etags) => etag.is_some_and(|etag| etags.contains(&etag)),
    }
}
