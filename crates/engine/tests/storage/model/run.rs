//! Runs a program on an engine and on the reference, and compares every answer.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use parbuckle_engine::{
    BodyChecks, BodyError, BucketChange, BucketFields, Caller, ChecksumAlgorithm, Checksums, Error,
    RequestBody,
};
use parbuckle_model::{ETag, EtagCondition, ParTarget, Preconditions, PublicAccess};

use super::super::support::audit::audit;
use super::super::support::body::{body, content, cut_short, unannounced};
use super::super::support::listing::{limit, walk_pages};
use super::super::support::world::{Stores, World};
use super::super::support::{kind_of, new_bucket};
use super::program::{BUCKETS, Condition, Flaw, Payload, Step, Tag, Target, Who, object_names};
use super::reference::{Act, Holder, Kind, RefBucket, Reference, read_refusal, write_refusal};

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

/// An engine and its reference.
pub(super) struct Run {
    pub(super) world: World,
    pub(super) reference: Reference,
    pub(super) names: Vec<String>,
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
            step: 0,
        };
        for (number, step) in program.iter().enumerate() {
            run.step = number as u64;
            run.step(step)
                .await
                .map_err(|why| format!("step {number}, {step:?}: {why}"))?;
        }
        run.end().await
    }

    async fn step(&mut self, step: &Step) -> Verdict {
        match step.clone() {
            Step::CreateBucket(w, b, public) => self.create_bucket(w, b, public).await,
            Step::UpdateBucket(w, b, public, c) => self.update_bucket(w, b, public, c).await,
            Step::GetBucket(w, b, c) => self.read_bucket(w, b, c).await,
            Step::DeleteBucket(w, b, c) => self.delete_bucket(w, b, c).await,
            Step::ListBuckets(limit) => self.list_buckets(limit).await,
            Step::Put(w, t, payload, c) => self.put(w, t, payload, c).await,
            Step::Get(w, t, bytes, c) => self.get(w, t, bytes, c).await,
            Step::Head(w, t, c) => self.head(w, t, c).await,
            Step::Delete(w, t, c) => self.delete(w, t, c).await,
            Step::List(w, b, listing) => self.list(w, b, &listing).await,
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
            Step::Advance(secs) => {
                self.world.environment.advance(Duration::from_secs(secs));
                Ok(())
            }
            Step::EmptyTrash => done(self.world.engine.empty_trash().await),
            Step::Sweep => done(self.world.engine.sweep_orphans(Duration::ZERO).await),
            Step::Background => {
                super::super::collector::one_round(Arc::clone(&self.world.engine)).await;
                Ok(())
            }
        }
    }

    async fn create_bucket(&mut self, who: Who, b: usize, public: PublicAccess) -> Verdict {
        let (holder, name) = (self.holder(who), BUCKETS[b]);
        let mut new = new_bucket(&self.world, name);
        new.public_access = public;
        let expected = match holder {
            Holder::Admin if self.reference.buckets.contains_key(name) => {
                Err("BucketAlreadyExists")
            }
            Holder::Admin => Ok(()),
            _ => Err("NamespaceNotFound"),
        };
        let (caller, namespace) = (self.caller(holder).await, self.world.namespace.clone());
        let got = self.world.engine.create_bucket(&caller, &namespace, new);
        let Some(((), made)) = same(expected, got.await)? else {
            return Ok(());
        };
        agree!(made.public_access, public, "public access");
        agree!(made.time_created, self.now(), "time");
        let bucket = RefBucket {
            etag: made.etag,
            public,
            objects: Default::default(),
        };
        self.reference.buckets.insert(name.to_owned(), bucket);
        Ok(())
    }

    async fn update_bucket(
        &mut self,
        who: Who,
        b: usize,
        public: Option<PublicAccess>,
        condition: Condition,
    ) -> Verdict {
        let (holder, name) = (self.holder(who), BUCKETS[b]);
        let etag = self.reference.buckets.get(name).map(|bucket| bucket.etag);
        let expected = self
            .judge(holder, name, Act::Manage)
            .and_then(|()| write_refusal(condition, true));
        let change = BucketChange {
            public_access: public,
            ..BucketChange::default()
        };
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let preconditions = preconditions(condition, etag);
        let engine = &self.world.engine;
        let got = engine.update_bucket(&caller, &path, change, &preconditions);
        let Some(((), changed)) = same(expected, got.await)? else {
            return Ok(());
        };
        let bucket = self.reference.buckets.get_mut(name).unwrap();
        bucket.public = public.unwrap_or(bucket.public);
        agree!(changed.public_access, bucket.public, "public access");
        agree!(changed.etag == bucket.etag, false, "etag stays the same");
        bucket.etag = changed.etag;
        Ok(())
    }

    async fn read_bucket(&mut self, who: Who, b: usize, condition: Condition) -> Verdict {
        let (holder, name) = (self.holder(who), BUCKETS[b]);
        let bucket = self.reference.buckets.get(name);
        let expected = self
            .judge(holder, name, Act::Manage)
            .and_then(|()| read_refusal(condition));
        let preconditions = preconditions(condition, bucket.map(|bucket| bucket.etag));
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let fields = BucketFields {
            count: true,
            size: true,
        };
        let engine = &self.world.engine;
        let got = engine.bucket(&caller, &path, fields, &preconditions).await;
        let head = engine.head_bucket(&caller, &path, &preconditions).await;
        same(expected, head)?;
        let (Some(((), got)), Some(bucket)) = (same(expected, got)?, bucket) else {
            return Ok(());
        };
        let size: u64 = bucket.objects.values().map(|o| o.info.size).sum();
        agree!(
            got.approximate_count,
            Some(bucket.objects.len() as u64),
            "count"
        );
        agree!(got.approximate_size, Some(size), "size");
        agree!(got.etag, bucket.etag, "etag");
        agree!(got.public_access, bucket.public, "public access");
        Ok(())
    }

    async fn delete_bucket(&mut self, who: Who, b: usize, condition: Condition) -> Verdict {
        let (holder, name) = (self.holder(who), BUCKETS[b]);
        let etag = self.reference.buckets.get(name).map(|bucket| bucket.etag);
        let expected = self
            .judge(holder, name, Act::Manage)
            .and_then(|()| write_refusal(condition, true))
            .and_then(|()| self.reference.deletable(name));
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let preconditions = preconditions(condition, etag);
        let got = self
            .world
            .engine
            .delete_bucket(&caller, &path, &preconditions);
        if same(expected, got.await)?.is_some() {
            self.reference.buckets.remove(name);
        }
        Ok(())
    }

    async fn list_buckets(&mut self, page_limit: usize) -> Verdict {
        let (world, limit) = (&self.world, limit(page_limit));
        let got = walk_pages(limit, async |page| {
            let (namespace, compartment) = (&world.namespace, &world.compartment);
            let engine = &world.engine;
            engine
                .buckets(&world.admin, namespace, compartment, page, limit)
                .await
        });
        let Some(((), got)) = same(Ok(()), got.await)? else {
            return Ok(());
        };
        let got: Vec<&str> = got.iter().map(|bucket| bucket.name.as_str()).collect();
        let expected: Vec<&str> = self.reference.buckets.keys().map(String::as_str).collect();
        agree!(got, expected, "buckets");
        Ok(())
    }

    /// Every object reads back, and the stores hold what the reference holds and nothing else.
    async fn end(self) -> Verdict {
        let state = audit(&self.world).await;
        let (got, expected) = (state.keys(), self.reference.buckets.keys());
        agree!(got.eq(expected), true, "the same buckets at the end");
        for (name, bucket) in &self.reference.buckets {
            let seen = &state[name];
            let objects = seen.objects.keys().eq(bucket.objects.keys());
            agree!(objects, true, "the same objects at the end");
            for (object, (info, bytes)) in &seen.objects {
                agree!(*info, bucket.objects[object].info, object);
                agree!(*bytes == bucket.objects[object].bytes, true, object);
            }
            agree!(seen.pars, self.reference.pars_of(name), "PARs at the end");
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

    /// Bucket and object of a target. `existing` prefers what is there.
    pub(super) fn resolve(
        &self,
        holder: Holder,
        target: Target,
        existing: bool,
    ) -> (String, String) {
        let (mut bucket, mut covered) = (BUCKETS[target.bucket], None);
        if let (Holder::Par(Some(par)), true) = (holder, target.aim) {
            let par = &self.reference.pars[par];
            bucket = &par.bucket;
            covered = Some(par.par.scope.target());
        }
        let within = |name: &str| match covered {
            Some(ParTarget::Object(only)) => only.as_str() == name,
            Some(ParTarget::Prefix(prefix)) => name.starts_with(prefix.as_str()),
            Some(ParTarget::Bucket) | None => true,
        };
        let there: Vec<&String> = match self.reference.buckets.get(bucket) {
            Some(found) if target.aim => found.objects.keys().filter(|n| within(n)).collect(),
            _ => Vec::new(),
        };
        let all: Vec<&String> = self.names.iter().filter(|name| within(name)).collect();
        let name = if existing && !there.is_empty() {
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
