//! Fixed sequences of calls, for tests that repeat the same story with another fault each time.
//!
//! All of it is in bucket `b`. With the same seed the same story makes the same ids, so whole states can be compared.

use std::time::Duration;

use parbuckle_engine::{
    BucketChange, Caller, Error, NewPar, NewUpload, PartSelection, PutObject, UploadPath,
};
use parbuckle_model::{AccessType, ETag, EtagCondition, ParId, ParScope, Preconditions};

use super::support::body::{body, content};
use super::support::world::{Stores, World};
use super::support::{expires_in, new_bucket, part};

/// Who makes a call. PARs and uploads are numbered from 0 in the order of their making.
#[derive(Debug, Clone, Copy)]
pub(crate) enum By {
    Admin,
    Par(usize),
    Secret(usize),
}

/// One call.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    CreateBucket,
    UpdateBucket,
    DeleteBucket,
    /// Puts an object of so many bytes.
    Put(By, &'static str, usize),
    /// The same, on condition that the object is the one that is there.
    Overwrite(&'static str, usize),
    Delete(&'static str),
    StartUpload(By, &'static str),
    Part(By, usize, u16, usize),
    /// The same, on condition that the part is the one that is there.
    ReplacePart(usize, u16, usize),
    CommitAll(By, usize),
    /// Commits these parts and drops the others.
    CommitSome(usize, Vec<u16>),
    Abort(By, usize),
    CreatePar(AccessType, &'static str),
    DeletePar(usize),
}

/// A service and what a story has made in it.
pub(crate) struct Story {
    pub(crate) world: World,
    uploads: Vec<(UploadPath, Option<String>)>,
    pars: Vec<(ParId, String)>,
    calls: u64,
}

impl Story {
    /// An empty service.
    pub(crate) async fn begin(stores: Stores) -> Self {
        Self {
            world: World::new(stores, 1).await,
            uploads: Vec::new(),
            pars: Vec::new(),
            calls: 0,
        }
    }

    /// The service after these calls, all of which succeed.
    pub(crate) async fn after(calls: &[Call]) -> Self {
        let mut story = Self::begin(Stores::Memory).await;
        for call in calls {
            story.call(call).await.unwrap();
        }
        story
    }

    /// Makes one call. The answer is the reply as text, secrets included.
    pub(crate) async fn call(&mut self, call: &Call) -> Result<String, Error> {
        self.calls += 1;
        match call {
            Call::CreateBucket | Call::UpdateBucket | Call::DeleteBucket => {
                self.call_bucket(call).await
            }
            Call::Put(by, object, size) => self.put(*by, object, *size, false).await,
            Call::Overwrite(object, size) => self.put(By::Admin, object, *size, true).await,
            Call::Delete(object) => {
                let (path, none) = (self.world.object("b", object), Preconditions::default());
                let engine = &self.world.engine;
                let deleted = engine.delete_object(&self.world.admin, &path, &none, None);
                // A deletion that has to look again does not know the version any more.
                Ok(format!("{:?}", deleted.await?.time))
            }
            Call::StartUpload(..) => self.start_upload(call).await,
            Call::Part(by, upload, number, size) => {
                let none = Preconditions::default();
                self.part(*by, *upload, *number, *size, none).await
            }
            Call::ReplacePart(upload, number, size) => {
                let etag = self.part_etag(*upload, *number).await;
                let conditions = only_if(etag);
                self.part(By::Admin, *upload, *number, *size, conditions)
                    .await
            }
            Call::CommitAll(by, upload) => self.commit(*by, *upload, PartSelection::All).await,
            Call::CommitSome(upload, numbers) => {
                let selection = PartSelection::Listed {
                    commit: numbers.iter().map(|n| (part(*n), None)).collect(),
                    exclude: Vec::new(),
                };
                self.commit(By::Admin, *upload, selection).await
            }
            Call::Abort(by, upload) => {
                let (caller, path) = (self.caller(*by).await, self.uploads[*upload].0.clone());
                let done = self.world.engine.abort_upload(&caller, &path).await;
                Ok(format!("{:?}", done?))
            }
            Call::CreatePar(access, object) => self.create_par(*access, object).await,
            Call::DeletePar(par) => {
                let (bucket, id) = (self.world.bucket("b"), self.pars[*par].0);
                let engine = &self.world.engine;
                let done = engine.delete_par(&self.world.admin, &bucket, &id, None);
                Ok(format!("{:?}", done.await?))
            }
        }
    }

    async fn call_bucket(&self, call: &Call) -> Result<String, Error> {
        let World {
            engine,
            admin,
            namespace,
            ..
        } = &self.world;
        let (path, none) = (self.world.bucket("b"), Preconditions::default());
        match call {
            Call::CreateBucket => {
                let new = new_bucket(&self.world, "b");
                let made = engine.create_bucket(admin, namespace, new).await?;
                Ok(format!("{made:?}"))
            }
            Call::UpdateBucket => {
                let change = BucketChange {
                    metadata: Some(vec![("k".to_owned(), "v".to_owned())]),
                    ..BucketChange::default()
                };
                let current = engine.head_bucket(admin, &path, &none).await?;
                let conditions = only_if(current);
                let changed = engine.update_bucket(admin, &path, change, &conditions);
                Ok(format!("{:?}", changed.await?))
            }
            _ => {
                let done = engine.delete_bucket(admin, &path, &none).await;
                Ok(format!("{:?}", done?))
            }
        }
    }

    async fn put(
        &self,
        by: By,
        object: &str,
        size: usize,
        only_current: bool,
    ) -> Result<String, Error> {
        let (engine, caller) = (&self.world.engine, self.caller(by).await);
        let (path, mut put) = (self.world.object("b", object), PutObject::default());
        if only_current {
            let none = Preconditions::default();
            let current = engine
                .head_object(&caller, &path, &none, None, None)
                .await?;
            put.preconditions = only_if(current.etag);
        }
        let bytes = content(size, self.calls);
        let info = engine.put_object(&caller, &path, put, body(&bytes, self.calls));
        Ok(format!("{:?}", info.await?))
    }

    async fn start_upload(&mut self, call: &Call) -> Result<String, Error> {
        let Call::StartUpload(by, object) = call else {
            unreachable!("only called for this");
        };
        let (caller, path) = (self.caller(*by).await, self.world.object("b", object));
        let engine = &self.world.engine;
        let started = engine.create_upload(&caller, &path, NewUpload::default());
        let started = started.await?;
        let secret = started.secret.map(|secret| secret.expose().clone());
        let reply = format!("{:?} {secret:?}", started.upload);
        let path = self.world.upload("b", object, started.upload.id);
        self.uploads.push((path, secret));
        Ok(reply)
    }

    async fn part(
        &self,
        by: By,
        upload: usize,
        number: u16,
        size: usize,
        conditions: Preconditions,
    ) -> Result<String, Error> {
        let (caller, path) = (self.caller(by).await, &self.uploads[upload].0);
        let bytes = content(size, self.calls);
        let (body, checks) = (body(&bytes, self.calls), Default::default());
        let engine = &self.world.engine;
        let stored = engine.upload_part(&caller, path, part(number), &conditions, checks, body);
        Ok(format!("{:?}", stored.await?))
    }

    async fn part_etag(&self, upload: usize, number: u16) -> ETag {
        let (engine, path) = (&self.world.engine, &self.uploads[upload].0);
        let parts = engine.parts(&self.world.admin, path, None, Default::default());
        let parts = parts.await.map(|page| page.items).unwrap_or_default();
        let found = parts.iter().find(|found| found.number == part(number));
        found.map_or(ETag::from_bytes([0; 16]), |found| found.etag)
    }

    async fn commit(
        &self,
        by: By,
        upload: usize,
        selection: PartSelection,
    ) -> Result<String, Error> {
        let (caller, path) = (self.caller(by).await, &self.uploads[upload].0);
        let none = Preconditions::default();
        let engine = &self.world.engine;
        let info = engine.commit_upload(&caller, path, selection, &none).await;
        Ok(format!("{:?}", info?))
    }

    async fn create_par(&mut self, access: AccessType, object: &str) -> Result<String, Error> {
        let lifetime = Duration::from_secs(100_000_000);
        let new = NewPar {
            name: "par".to_owned(),
            scope: ParScope::new(access, Some(object), None).unwrap(),
            time_expires: expires_in(&self.world, lifetime),
        };
        let bucket = self.world.bucket("b");
        let made = self
            .world
            .engine
            .create_par(&self.world.admin, &bucket, new);
        let made = made.await?;
        let token = made.token.expose().clone();
        let reply = format!("{:?} {token}", made.par);
        self.pars.push((made.par.id, token));
        Ok(reply)
    }

    async fn caller(&self, by: By) -> Caller {
        match by {
            By::Admin => self.world.admin.clone(),
            By::Par(par) => self.world.par(&self.pars[par].1).await,
            By::Secret(upload) => {
                let secret = self.uploads[upload].1.as_deref().unwrap();
                self.world.upload_secret(secret).await
            }
        }
    }
}

fn only_if(etag: ETag) -> Preconditions {
    Preconditions {
        if_match: Some(EtagCondition::OneOf(vec![etag])),
        if_none_match: None,
    }
}
