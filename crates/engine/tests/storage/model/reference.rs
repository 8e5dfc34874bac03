//! The reference: what a service is, as ordered maps, and who may do what, as one match.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use parbuckle_engine::Par;
use parbuckle_model::{
    ETag, ObjectAttributes, ObjectName, PublicAccess, UploadId, VersionId, Versioning,
};

use super::history::{RefBucket, RefObject, RefVersion};
use super::program::{Condition, Tag};
use super::rules::RefRule;

/// The name of an error's kind.
pub(super) type Kind = &'static str;

/// Buckets by name, and all PARs, uploads, rules and ids there ever were.
#[derive(Debug, Default)]
pub(super) struct Reference {
    pub(super) buckets: BTreeMap<String, RefBucket>,
    pub(super) pars: Vec<RefPar>,
    pub(super) uploads: Vec<RefUpload>,
    pub(super) rules: Vec<RefRule>,
    pub(super) versions_ever: BTreeSet<VersionId>,
    pub(super) etags_ever: BTreeSet<ETag>,
}

#[derive(Debug)]
pub(super) struct RefPar {
    pub(super) bucket: String,
    pub(super) par: Par,
    pub(super) token: String,
    pub(super) deleted: bool,
}

#[derive(Debug)]
pub(super) struct RefUpload {
    pub(super) bucket: String,
    pub(super) object: String,
    pub(super) id: UploadId,
    pub(super) time_created: Timestamp,
    pub(super) attributes: ObjectAttributes,
    /// The PAR it was started through, and its secret.
    pub(super) secret: Option<(usize, String)>,
    pub(super) parts: BTreeMap<u16, (ETag, Vec<u8>)>,
    pub(super) ended: bool,
}

/// A caller: who he is once numbers are resolved. Nothing behind a PAR or secret means one that never was.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holder {
    Admin,
    Foreigner,
    Anonymous,
    Par(Option<usize>),
    Secret(Option<usize>),
}

/// What a step wants to do.
#[derive(Debug, Clone, Copy)]
pub(super) enum Act<'a> {
    Read(&'a str),
    Write(&'a str),
    List,
    /// Parts, commit and abort of this upload.
    Upload(usize),
    /// Everything that only users do.
    Manage,
}

impl Reference {
    /// Whether the caller may, and how he is refused if not. Existence of a bucket shows in nothing but success.
    pub(super) fn judge(
        &self,
        holder: Holder,
        bucket: &str,
        act: Act<'_>,
        now: Timestamp,
    ) -> Result<(), Kind> {
        let found = self.buckets.get(bucket);
        match holder {
            Holder::Admin => found.map(drop).ok_or("BucketNotFound"),
            Holder::Anonymous => public(found, act).ok_or("BucketNotFound"),
            Holder::Foreigner => public(found, act).ok_or("NamespaceNotFound"),
            Holder::Par(par) => self.judge_par(par, bucket, act, now),
            Holder::Secret(upload) => {
                let upload = upload.filter(|upload| !self.uploads[*upload].ended);
                let via = upload.and_then(|upload| self.uploads[upload].secret.as_ref());
                if !via.is_some_and(|(par, _)| self.par_lives(*par, bucket, now)) {
                    return Err("ParDoesNotExist");
                }
                match act {
                    Act::Upload(asked) if Some(asked) == upload => Ok(()),
                    Act::Upload(_) => Err("ParDoesNotExist"),
                    _ => Err("BucketNotFound"),
                }
            }
        }
    }

    fn judge_par(
        &self,
        par: Option<usize>,
        bucket: &str,
        act: Act<'_>,
        now: Timestamp,
    ) -> Result<(), Kind> {
        let Some(par) = par.filter(|par| self.par_lives(*par, bucket, now)) else {
            return Err("ParDoesNotExist");
        };
        let scope = &self.pars[par].par.scope;
        let covers = |name: &str| scope.covers(&ObjectName::parse(name.as_bytes()).unwrap());
        let permitted = match act {
            Act::Read(name) | Act::Write(name) if !covers(name) => return Err("ParDoesNotExist"),
            Act::Read(_) => scope.access().reads(),
            Act::Write(_) => scope.access().writes(),
            Act::List => scope.lists(),
            Act::Upload(_) | Act::Manage => false,
        };
        permitted.then_some(()).ok_or("BucketNotFound")
    }

    fn par_lives(&self, par: usize, bucket: &str, now: Timestamp) -> bool {
        let par = &self.pars[par];
        !par.deleted && par.par.time_expires > now && par.bucket == bucket
    }

    /// What a listing's caller is confined to.
    pub(super) fn listing_scope(&self, holder: Holder) -> &str {
        match holder {
            Holder::Par(Some(par)) => self.pars[par].par.scope.listing_prefix(),
            _ => "",
        }
    }

    /// The current object, if bucket and object are there.
    pub(super) fn object(&self, bucket: &str, object: &str) -> Option<&RefObject> {
        self.buckets.get(bucket)?.current(object)
    }

    /// The current object, or with a version that one.
    pub(super) fn found(
        &self,
        bucket: &str,
        object: &str,
        version: Option<VersionId>,
    ) -> Option<&RefVersion> {
        let bucket = self.buckets.get(bucket)?;
        match version {
            Some(version) => bucket.version(object, version),
            None => bucket
                .history(object)
                .last()
                .filter(|v| v.object().is_some()),
        }
    }

    /// Whether a bucket's versioning may become so, if that is asked.
    pub(super) fn changeable(&self, bucket: &str, wanted: Option<Versioning>) -> Result<(), Kind> {
        let retained = !self.rules_of(bucket).is_empty();
        wanted.map_or(Ok(()), |wanted| {
            self.buckets[bucket].may_become(wanted, retained)
        })
    }

    /// A bucket goes, and all its rules with it, locked ones too.
    pub(super) fn drop_bucket(&mut self, bucket: &str) {
        self.buckets.remove(bucket);
        let rules = self.rules.iter_mut();
        for rule in rules.filter(|rule| rule.bucket == bucket) {
            rule.deleted = true;
        }
    }

    /// How a rule keeps an object from being replaced: by a write without a version, which drops it unless versioning
    /// is enabled.
    pub(super) fn replaceable(
        &self,
        bucket: &str,
        object: &str,
        now: Timestamp,
    ) -> Result<(), Kind> {
        match self.buckets.get(bucket) {
            Some(found) if found.versioning != Versioning::Enabled => found
                .current(object)
                .map_or(Ok(()), |current| self.droppable(bucket, current, now)),
            _ => Ok(()),
        }
    }

    /// How a rule keeps an object from being dropped.
    pub(super) fn droppable(
        &self,
        bucket: &str,
        object: &RefObject,
        now: Timestamp,
    ) -> Result<(), Kind> {
        let modified = object.info.time_modified;
        let protects =
            |rule: &RefRule| !rule.deleted && rule.bucket == bucket && rule.protects(modified, now);
        match self.rules.iter().any(protects) {
            true => Err("ObjectRetained"),
            false => Ok(()),
        }
    }

    /// The etag of an object.
    pub(super) fn object_etag(&self, bucket: &str, object: &str) -> Option<ETag> {
        self.object(bucket, object).map(|object| object.info.etag)
    }

    /// The PARs of a bucket, oldest first.
    pub(super) fn pars_of(&self, bucket: &str) -> Vec<Par> {
        let mut pars: Vec<Par> = self
            .pars
            .iter()
            .filter(|par| !par.deleted && par.bucket == bucket)
            .map(|par| par.par.clone())
            .collect();
        pars.sort_by_key(|par| par.id);
        pars
    }

    /// The uploads of a bucket in progress, by object name and id.
    pub(super) fn uploads_of(&self, bucket: &str) -> Vec<&RefUpload> {
        let mut uploads: Vec<&RefUpload> = self
            .uploads
            .iter()
            .filter(|upload| !upload.ended && upload.bucket == bucket)
            .collect();
        uploads.sort_by_key(|upload| (upload.object.clone(), upload.id));
        uploads
    }

    /// Why a bucket can't be deleted.
    pub(super) fn deletable(&self, bucket: &str) -> Result<(), Kind> {
        if !self.buckets[bucket].is_empty() || !self.uploads_of(bucket).is_empty() {
            return Err("BucketNotEmpty");
        }
        if !self.pars_of(bucket).is_empty() {
            return Err("ParStillExists");
        }
        Ok(())
    }
}

/// What a public bucket permits to everyone.
fn public(bucket: Option<&RefBucket>, act: Act<'_>) -> Option<()> {
    let permitted = match (bucket?.public, act) {
        (PublicAccess::ObjectRead, Act::Read(_) | Act::List)
        | (PublicAccess::ObjectReadWithoutList, Act::Read(_)) => true,
        (
            PublicAccess::NoPublicAccess
            | PublicAccess::ObjectRead
            | PublicAccess::ObjectReadWithoutList,
            _,
        ) => false,
    };
    permitted.then_some(())
}

/// How conditions refuse a read of something that exists.
pub(super) fn read_refusal(condition: Condition) -> Result<(), Kind> {
    match (condition.if_match, condition.if_none_match) {
        (Tag::Stale, _) => Err("IfMatchFailed"),
        (_, Tag::Current | Tag::Any) => Err("NotModified"),
        (Tag::None | Tag::Current | Tag::Any, Tag::None | Tag::Stale) => Ok(()),
    }
}

/// How conditions refuse a write over something, or over nothing.
pub(super) fn write_refusal(condition: Condition, exists: bool) -> Result<(), Kind> {
    match (condition.if_match, condition.if_none_match, exists) {
        (Tag::Stale, _, _) | (Tag::Current | Tag::Any, _, false) => Err("IfMatchFailed"),
        (_, Tag::Current | Tag::Any, true) => Err("IfNoneMatchFailed"),
        _ => Ok(()),
    }
}
