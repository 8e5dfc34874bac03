//! Steps that take objects and versions away, and the listing of versions.

use parbuckle_engine::Deleted;
use parbuckle_model::{ListObjectsQuery, VersionId};

use super::super::support::listing::{
    everything, expected_version_rows, limit, prefix, walk_versions,
};
use super::history::RefVersion;
use super::objects::query;
use super::program::{BUCKETS, Condition, Listing, Target, Which, Who};
use super::reference::{Act, write_refusal};
use super::run::{Aim, Run, Verdict, agree, preconditions, same};

impl Run {
    /// A deletion that names no version.
    pub(super) async fn delete(
        &mut self,
        who: Who,
        target: Target,
        condition: Condition,
    ) -> Verdict {
        let holder = self.holder(who);
        let (bucket, object) = self.resolve(holder, target, Aim::Current);
        let existing = self.reference.object(&bucket, &object);
        let now = self.now();
        let expected = self
            .judge(holder, &bucket, Act::Manage)
            .and_then(|()| existing.ok_or("ObjectToDeleteNotFound"))
            .and_then(|existing| write_refusal(condition, true).and(Ok(existing.info.version_id)))
            .and_then(|id| {
                self.reference.replaceable(&bucket, &object, now)?;
                Ok((id, self.reference.buckets[&bucket].marks(&object)))
            });
        let conditions = preconditions(condition, existing.map(|e| e.info.etag));
        let (caller, path) = (
            self.caller(holder).await,
            self.world.object(&bucket, &object),
        );
        let engine = &self.world.engine;
        let got = engine.delete_object(&caller, &path, &conditions, None);
        let Some(((version, marked), deleted)) = same(expected, got.await)? else {
            return Ok(());
        };
        agree!(deleted.delete_marker, marked, "a delete marker");
        agree!(deleted.time, now, "the time of a deletion");
        let marker = match (marked, deleted.version_id) {
            (true, Some(marker)) => {
                self.note_version(&bucket, &object, marker)?;
                Some((marker, now))
            }
            (_, got) => {
                agree!(got, Some(version), "the version that is gone");
                None
            }
        };
        let bucket = self.reference.buckets.get_mut(&bucket).unwrap();
        bucket.delete(&object, marker);
        Ok(())
    }

    pub(super) async fn delete_version(
        &mut self,
        who: Who,
        target: Target,
        condition: Condition,
        which: Which,
    ) -> Verdict {
        let holder = self.holder(who);
        let (bucket, object) = self.resolve(holder, target, Aim::Versioned);
        let (version, found) = self.which(&bucket, &object, which);
        let Some(version) = version else {
            return Ok(());
        };
        let (existing, now) = (found.and_then(RefVersion::object), self.now());
        let expected = self
            .judge(holder, &bucket, Act::Manage)
            .and(found.ok_or("ObjectToDeleteNotFound"))
            .and_then(|_| write_refusal(condition, existing.is_some()))
            .and_then(|()| match existing {
                Some(existing) => self.reference.droppable(&bucket, existing, now),
                None => Ok(()),
            });
        let marker = found.is_some() && existing.is_none();
        let conditions = preconditions(condition, existing.map(|e| e.info.etag));
        let (caller, path) = (
            self.caller(holder).await,
            self.world.object(&bucket, &object),
        );
        let engine = &self.world.engine;
        let got = engine.delete_object(&caller, &path, &conditions, Some(version));
        let Some(((), deleted)) = same(expected, got.await)? else {
            return Ok(());
        };
        let expected = Deleted {
            version_id: Some(version),
            delete_marker: marker,
            time: now,
        };
        agree!(deleted, expected, "what is gone");
        let bucket = self.reference.buckets.get_mut(&bucket).unwrap();
        bucket.delete_version(&object, version);
        Ok(())
    }

    pub(super) async fn list_versions(&mut self, who: Who, b: usize, listing: &Listing) -> Verdict {
        let (holder, name, query) = (self.holder(who), BUCKETS[b], query(listing));
        let expected = match query.start.is_some() && query.start_after.is_some() {
            true => Err("InvalidParameter"),
            false => self.judge(holder, name, Act::Manage),
        };
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let got = walk_versions(&self.world.engine, &caller, &path, &query).await;
        if let Some(((), rows)) = same(expected, got)? {
            let versions = self.reference.buckets[name].versions();
            let versions = versions.map(|(name, version)| (name.clone(), version.shown()));
            let expected = expected_version_rows(versions, &query);
            agree!(rows, expected, "the listing of versions");
        }
        Ok(())
    }

    /// The version of the youngest version of a name, delete markers included.
    pub(super) async fn youngest_version(
        &self,
        bucket: &str,
        object: &str,
    ) -> Result<VersionId, String> {
        let query = ListObjectsQuery {
            prefix: prefix(object),
            limit: limit(1),
            ..everything()
        };
        let (engine, path) = (&self.world.engine, self.world.bucket(bucket));
        let listing = engine.list_object_versions(&self.world.admin, &path, &query, None);
        let listing = listing.await.map_err(|error| format!("{error:?}"))?;
        let first = listing.versions.first().filter(|v| v.name == object);
        let first = first.ok_or_else(|| format!("no versions of {object:?} are listed"))?;
        Ok(first.version.version_id())
    }
}
