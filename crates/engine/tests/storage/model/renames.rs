//! Renaming: within the bucket a new object comes, with bytes and metadata of the old one, and that goes.

use parbuckle_engine::{ObjectInfo, RenameObject};
use parbuckle_model::ObjectName;

use super::program::{Condition, RenamePlan, Target, Who};
use super::reference::{Act, Kind, write_refusal};
use super::run::{Aim, Run, Verdict, agree, preconditions, same};

impl Run {
    pub(super) async fn rename(&mut self, who: Who, plan: RenamePlan) -> Verdict {
        let (holder, now) = (self.holder(who), self.now());
        let (bucket, source) = self.resolve(holder, plan.source, Aim::Current);
        let within = Target {
            bucket: plan.source.bucket,
            ..plan.new
        };
        let (_, new) = self.resolve(holder, within, Aim::Anything);
        let expected = match source == new {
            true => Err("InvalidParameter"),
            false => self.judge(holder, &bucket, Act::Manage).and_then(|()| {
                self.may_rename(&bucket, &source, &new, plan.on_source, plan.condition)
            }),
        };
        let etag_of = |name| self.reference.object_etag(&bucket, name);
        let asked = RenameObject {
            source: ObjectName::parse(source.as_bytes()).unwrap(),
            destination: ObjectName::parse(new.as_bytes()).unwrap(),
            source_if_match: preconditions(plan.on_source, etag_of(&source)).if_match,
            preconditions: preconditions(plan.condition, etag_of(&new)),
        };
        let (caller, path) = (self.caller(holder).await, self.world.bucket(&bucket));
        let engine = &self.world.engine;
        let got = engine.rename_object(&caller, &path, asked).await;
        let Some(((), info)) = same(expected, got)? else {
            return Ok(());
        };
        let old = self.reference.object(&bucket, &source).unwrap().clone();
        let expected = ObjectInfo {
            etag: info.etag,
            version_id: info.version_id,
            time_created: now,
            time_modified: now,
            ..old.info
        };
        agree!(info, expected, "what has the new name");
        self.place(&bucket, &new, info, old.bytes)?;
        self.take_away(&bucket, &source).await
    }

    /// The object and what has its new name are there as the conditions say, and no rule protects either.
    fn may_rename(
        &self,
        bucket: &str,
        source: &str,
        new: &str,
        on_source: Condition,
        on_new: Condition,
    ) -> Result<(), Kind> {
        let (reference, now) = (&self.reference, self.now());
        if reference.object(bucket, source).is_none() {
            return Err("RenameSourceNotFound");
        }
        write_refusal(on_source, true)?;
        write_refusal(on_new, reference.object(bucket, new).is_some())?;
        reference.replaceable(bucket, source, now)?;
        reference.replaceable(bucket, new, now)
    }

    /// The source goes as by a deletion. If that leaves a delete marker, only the listing tells its version.
    async fn take_away(&mut self, bucket: &str, source: &str) -> Verdict {
        let now = self.now();
        let marker = match self.reference.buckets[bucket].marks(source) {
            false => None,
            true => {
                let version = self.youngest_version(bucket, source).await?;
                self.note_version(bucket, source, version)?;
                Some((version, now))
            }
        };
        let bucket = self.reference.buckets.get_mut(bucket).unwrap();
        bucket.delete(source, marker);
        Ok(())
    }
}
