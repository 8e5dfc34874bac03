//! Runs a program on an engine and on the reference, and compares every answer.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parbuckle_engine::{
    BodyChecks, BodyError, Caller, ChecksumAlgorithm, Checksums, Error, RequestBody,
};
use parbuckle_model::{ETag, EtagCondition, ParTarget, Preconditions, VersionId};

use super::super::support::audit::audit;
use super::super::support::body::{body, content, cut_short, unannounced};
use super::super::support::kind_of;
use super::super::support::world::{Stores, World};
use super::copies::Pending;
use super::history::RefVersion;
use super::program::{
    BUCKETS, Condition, Flaw, Payload, Step, Tag, Target, Which, Who, object_names,
};
use super::reference::{Act, Holder, Kind, Reference};
use super::rules::newest_first;

/// What a body leaves behind when it is stored, or how it is refused.
pub(super) type Kept = Result<(Vec<u8>, Checksums), Kind>;

/// Whether engine and reference agreed.
pub(super) type Verdict = Result<(), String>;

/// Ends the program when the two disagree.
macro_rules! agree {
    ($engine:expr, $reference:expr, $what:expr) => {{
        let (engine, reference) = (&$engine, &$reference);
        if engine != reference {
            return Err(format!(
                "{}: the engine has {:?}, the reference {:?}",
                $what, engine, reference
            ));
        }
    }};
}
pub(super) use agree;

/// What a target prefers.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Aim {
    /// Names that are there and names that are not.
    Anything,
    /// Current objects.
    Current,
    /// Names that have versions, hidden ones included.
    Versioned,
}

impl Aim {
    /// What a step on this version prefers.
    pub(super) fn at(which: Which) -> Self {
        match which {
            Which::Current => Self::Current,
            Which::Youngest(_) | Which::Any(_) => Self::Versioned,
        }
    }
}

/// An engine and its reference.
pub(super) struct Run {
    pub(super) world: World,
    pub(super) reference: Reference,
    pub(super) names: Vec<String>,
    /// What waits for the worker.
    pub(super) pending_copy: Option<Pending>,
    /// By how much the clock was set back in all.
    set_back: Duration,
    /// Number of the step at work.
    pub(super) step: u64,
}

impl Run {
    /// Runs a program, and audits the stores at its end.
    pub(super) async fn program(stores: Stores, program: &[Step]) -> Verdict {
        let mut run = Self {
            world: World::new(stores, 1).await,
            reference: Reference::default(),
            names: object_names(),
            pending_copy: None,
            set_back: Duration::ZERO,
            step: 0,
        };
        for (number, step) in program.iter().enumerate() {
            run.step = number as u64;
            run.step(step)
                .await
                .map_err(|why| format!("step {number}, {step:?}: {why}"))?;
        }
        run.carry_out_copy().await?;
        run.end().await
    }

    async fn step(&mut self, step: &Step) -> Verdict {
        match step.clone() {
            Step::CreateBucket(w, b, public, v) => self.create_bucket(w, b, public, v).await,
            Step::UpdateBucket(w, b, change, c) => self.update_bucket(w, b, change, c).await,
            Step::GetBucket(w, b, c) => self.read_bucket(w, b, c).await,
            Step::DeleteBucket(w, b, c) => self.delete_bucket(w, b, c).await,
            Step::ListBuckets(limit) => self.list_buckets(limit).await,
            Step::Put(w, t, payload, c) => self.put(w, t, payload, c).await,
            Step::Get(w, t, bytes, c, v) => self.get(w, t, bytes, c, v).await,
            Step::Head(w, t, c, v) => self.head(w, t, c, v).await,
            Step::Delete(w, t, c, Which::Current) => self.delete(w, t, c).await,
            Step::Delete(w, t, c, v) => self.delete_version(w, t, c, v).await,
            Step::List(w, b, listing) => self.list(w, b, &listing).await,
            Step::ListVersions(w, b, listing) => self.list_versions(w, b, &listing).await,
            Step::Rename(w, plan) => self.rename(w, plan).await,
            Step::Copy(plan) => self.copy(plan).await,
            Step::CarryOutCopy => self.carry_out_copy().await,
            Step::CancelCopy => self.cancel_copy().await,
            Step::CreateUpload(w, t, c) => self.create_upload(w, t, c).await,
            Step::UploadPart(w, u, n, payload) => self.upload_part(w, u, n, payload).await,
            Step::Commit(w, u, selection, c) => self.commit(w, u, &selection, c).await,
            Step::Abort(w, u) => self.abort(w, u).await,
            Step::ListUploads(w, b, limit) => self.list_uploads(w, b, limit).await,
            Step::ListParts(w, u, limit) => self.list_parts(w, u, limit).await,
            Step::CreatePar(w, plan) => self.create_par(w, &plan).await,
            Step::GetPar(w, p, suffix) => self.get_par(w, p, suffix).await,
            Step::ListPars(w, b, prefix, limit) => self.list_pars(w, b, prefix, limit).await,
            Step::DeletePar(w, p) => self.delete_par(w, p).await,
            Step::CreateRule(w, b, plan) => self.create_rule(w, b, plan).await,
            Step::GetRule(w, r) => self.rule(w, r).await,
            Step::ListRules(w, b) => self.list_rules(w, b).await,
            Step::UpdateRule(w, r, plan, c) => self.update_rule(w, r, plan, c).await,
            Step::DeleteRule(w, r, c) => self.delete_rule(w, r, c).await,
            Step::Advance(secs) => {
                self.world.environment.advance(Duration::from_secs(secs));
                Ok(())
            }
            Step::SetBack(secs) => {
                let by = Duration::from_secs(secs);
                self.set_back += by;
                self.world.environment.set_back(by);
                Ok(())
            }
            Step::EmptyTrash => done(self.world.engine.empty_trash().await),
            Step::Sweep => done(self.world.engine.sweep_orphans(Duration::ZERO).await),
            Step::Background => {
                self.carry_out_copy().await?;
                super::super::collector::one_round(Arc::clone(&self.world.engine)).await;
                Ok(())
            }
        }
    }

    /// Every version reads back, and the stores hold what the reference holds and nothing else.
    async fn end(self) -> Verdict {
        // What waits in the trash waits that much longer.
        self.world.environment.advance(self.set_back);
        let state = audit(&self.world).await;
        let (got, expected) = (state.keys(), self.reference.buckets.keys());
        agree!(got.eq(expected), true, "the same buckets at the end");
        for (name, bucket) in &self.reference.buckets {
            let seen = &state[name];
            let current = seen.objects.iter();
            let current = current.map(|(name, (info, bytes))| (name, info, bytes));
            let expected = bucket.objects();
            let expected = expected.map(|(name, o)| (name, &o.info, &o.bytes));
            agree!(current.eq(expected), true, "the objects at the end");
            let old = seen.old_versions.iter();
            let old = old.map(|(name, version, bytes)| (name, version.clone(), &bytes[..]));
            let expected = bucket.old_versions();
            let expected = expected.map(|(name, version)| (name, version.shown(), version.bytes()));
            agree!(old.eq(expected), true, "the old versions at the end");
            agree!(seen.pars, self.reference.pars_of(name), "PARs at the end");
            let rules = newest_first(seen.rules.clone());
            agree!(rules, self.reference.rules_of(name), "rules at the end");
            let uploads: Vec<_> = seen.uploads.iter().map(|(upload, _)| upload.id).collect();
            let expected = self.reference.uploads_of(name);
            let expected: Vec<_> = expected.iter().map(|upload| upload.id).collect();
            agree!(uploads, expected, "uploads at the end");
        }
        Ok(())
    }
}

/// How steps name things.
impl Run {
    pub(super) fn now(&self) -> Timestamp {
        self.world.engine.environment().now()
    }

    pub(super) fn judge(&self, holder: Holder, bucket: &str, act: Act<'_>) -> Result<(), Kind> {
        self.reference.judge(holder, bucket, act, self.now())
    }

    pub(super) fn holder(&self, who: Who) -> Holder {
        match who {
            Who::Admin => Holder::Admin,
            Who::Foreigner => Holder::Foreigner,
            Who::Anonymous => Holder::Anonymous,
            Who::Par(number) => self.par_holder(number),
            Who::Secret(upload) => Holder::Secret(youngest(upload, self.reference.uploads.len())),
        }
    }

    pub(super) async fn caller(&self, holder: Holder) -> Caller {
        let world = &self.world;
        let none = "no secret of any kind";
        match holder {
            Holder::Admin => world.admin.clone(),
            Holder::Foreigner => world.foreigner.clone(),
            Holder::Anonymous => world.anonymous().await,
            Holder::Par(par) => {
                let token = par.map_or(none, |par| &self.reference.pars[par].token);
                world.par(token).await
            }
            Holder::Secret(upload) => {
                let secret = upload.and_then(|u| self.reference.uploads[u].secret.as_ref());
                let secret = secret.map_or(none, |(_, secret)| secret);
                world.upload_secret(secret).await
            }
        }
    }

    /// Bucket and object of a target, which prefers what is there as `aim` says.
    pub(super) fn resolve(&self, holder: Holder, target: Target, aim: Aim) -> (String, String) {
        let (mut bucket, mut covered) = (BUCKETS[target.bucket], None);
        if let (Holder::Par(Some(par)), true) = (holder, target.aim) {
            let par = &self.reference.pars[par];
            bucket = &par.bucket;
            covered = Some(par.par.scope.target());
        }
        let within = |name: &&String| match covered {
            Some(ParTarget::Object(only)) => only.as_str() == name.as_str(),
            Some(ParTarget::Prefix(prefix)) => name.starts_with(prefix.as_str()),
            Some(ParTarget::Bucket) | None => true,
        };
        let there: Vec<&String> = match self.reference.buckets.get(bucket) {
            Some(found) if target.aim && aim == Aim::Versioned => {
                found.names().filter(within).collect()
            }
            Some(found) if target.aim => found.objects().map(|(n, _)| n).filter(within).collect(),
            _ => Vec::new(),
        };
        let all: Vec<&String> = self.names.iter().filter(within).collect();
        let name = if aim != Aim::Anything && !there.is_empty() {
            there[target.object % there.len()]
        } else if target.object < there.len() {
            there[target.object]
        } else if all.is_empty() {
            &self.names[target.object]
        } else {
            all[target.object % all.len()]
        };
        (bucket.to_owned(), name.clone())
    }

    /// The version that a step names, and what the name has there: without one, the current object.
    pub(super) fn which(
        &self,
        bucket: &str,
        object: &str,
        which: Which,
    ) -> (Option<VersionId>, Option<&RefVersion>) {
        let found = self.reference.buckets.get(bucket);
        let history = found.map_or(&[][..], |found| found.history(object));
        let ever = &self.reference.versions_ever;
        let nth = |number: usize| ever.iter().nth(number % ever.len().max(1)).copied();
        let named = match which {
            Which::Current => None,
            Which::Youngest(number) => match youngest(number, history.len()) {
                Some(at) => Some(history[at].id()),
                None => nth(number),
            },
            Which::Any(number) => nth(number),
        };
        (named, self.reference.found(bucket, object, named))
    }

    /// The holder of a PAR: mostly of one that lives; the administrator before there is any.
    fn par_holder(&self, number: usize) -> Holder {
        let (pars, now) = (&self.reference.pars, self.now());
        let lives = |par: &usize| !pars[*par].deleted && pars[*par].par.time_expires > now;
        let living: Vec<usize> = (0..pars.len()).filter(lives).collect();
        match (youngest(number, living.len()), youngest(number, pars.len())) {
            (Some(found), _) if number < 5 => Holder::Par(Some(living[found])),
            (_, Some(any)) => Holder::Par(Some(any)),
            (_, None) if number < 5 => Holder::Admin,
            (_, None) => Holder::Par(None),
        }
    }

    /// The upload of a number: mostly one in progress, if there is any.
    pub(super) fn upload(&self, number: usize) -> Option<usize> {
        let uploads = &self.reference.uploads;
        let going: Vec<usize> = (0..uploads.len()).filter(|u| !uploads[*u].ended).collect();
        match youngest(number, going.len()).filter(|_| number < 5) {
            Some(found) => Some(going[found]),
            None => youngest(number, uploads.len()),
        }
    }

    /// The body of a payload, what shall be checked of it, and how it is refused or kept.
    pub(super) fn body(&self, payload: Payload) -> (RequestBody, BodyChecks, Kept) {
        let bytes = content(payload.size, payload.fill);
        let (split, half) = (self.step, payload.size / 2);
        let whole = if payload.announced {
            body(&bytes, split)
        } else {
            unannounced(&bytes, split)
        };
        let (mut checks, mut kept) = (BodyChecks::default(), Checksums::default());
        let (body, refusal) = match payload.flaw {
            Flaw::None => (whole, None),
            Flaw::RightMd5 => {
                checks.md5 = Some(fast_md5::digest(&bytes));
                (whole, None)
            }
            Flaw::WrongMd5 => {
                checks.md5 = Some([7; 16]);
                (whole, Some("ContentMismatch"))
            }
            Flaw::KeepSha256 => {
                checks.compute = Some(ChecksumAlgorithm::Sha256);
                kept.sha256 = Some(sha256(&bytes));
                (whole, None)
            }
            Flaw::CutShort if payload.size == 0 => (whole, None),
            Flaw::CutShort => (cut_short(&bytes, half, None, split), Some("BodyUnusable")),
            Flaw::Disconnected => {
                let error = BodyError::Disconnected("reset".to_owned());
                let body = cut_short(&bytes, half, Some(error), split);
                (body, Some("BodyUnusable"))
            }
        };
        (body, checks, refusal.map_or(Ok((bytes, kept)), Err))
    }
}

/// The `number`th youngest of so many.
pub(super) fn youngest(number: usize, count: usize) -> Option<usize> {
    (count > 0).then(|| count - 1 - number % count)
}

/// The conditions as the engine takes them.
pub(super) fn preconditions(condition: Condition, current: Option<ETag>) -> Preconditions {
    let stale = ETag::from_random([9; 16]);
    let meaning = |tag| match tag {
        Tag::None => None,
        Tag::Current => Some(EtagCondition::OneOf(vec![current.unwrap_or(stale)])),
        Tag::Stale => Some(EtagCondition::OneOf(vec![stale])),
        Tag::Any => Some(EtagCondition::Any),
    };
    Preconditions {
        if_match: meaning(condition.if_match),
        if_none_match: meaning(condition.if_none_match),
    }
}

/// Both succeeded, with these values; or both refused in the same way.
pub(super) fn same<X, T>(
    expected: Result<X, Kind>,
    got: Result<T, Error>,
) -> Result<Option<(X, T)>, String> {
    match (expected, got) {
        (Ok(expected), Ok(got)) => Ok(Some((expected, got))),
        (Err(expected), Err(got)) if kind_of(&got) == expected => Ok(None),
        (Err(expected), Ok(_)) => Err(format!("the engine succeeds, the reference has {expected}")),
        (expected, Err(got)) => Err(format!(
            "the engine has {:?} ({}), the reference {}",
            got.kind(),
            got.cause().unwrap_or_default(),
            expected.err().unwrap_or("success")
        )),
    }
}

fn done<T>(result: Result<T, Error>) -> Verdict {
    same(Ok(()), result).map(drop)
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes);
    digest.as_ref().try_into().unwrap()
}
