//! Steps on multipart uploads.

use std::collections::BTreeMap;

use parbuckle_engine::{
    NewUpload, ObjectInfo, ObjectMd5, PartInfo, PartSelection, Upload, UploadPart, UploadPath,
};
use parbuckle_model::{ETag, ObjectName, Preconditions, StorageTier, UploadId};

use super::super::support::listing::{limit, walk_pages};
use super::super::support::part;
use super::objects::attributes;
use super::program::{BUCKETS, Condition, Payload, Selection, Target, Who};
use super::reference::{Act, Holder, Kind, RefUpload, write_refusal};
use super::run::{Aim, Run, Verdict, agree, preconditions, same};

type Parts = BTreeMap<u16, (ETag, Vec<u8>)>;

impl Run {
    pub(super) async fn create_upload(
        &mut self,
        who: Who,
        target: Target,
        condition: Condition,
    ) -> Verdict {
        let holder = self.holder(who);
        let aim = match self.step.is_multiple_of(2) {
            true => Aim::Current,
            false => Aim::Anything,
        };
        let (bucket, object) = self.resolve(holder, target, aim);
        let etag = self.reference.object_etag(&bucket, &object);
        let expected = self
            .judge(holder, &bucket, Act::Write(&object))
            .and_then(|()| write_refusal(condition, etag.is_some()));
        let new = NewUpload {
            attributes: attributes(self.step),
            storage_tier: None,
            preconditions: preconditions(condition, etag),
            ..NewUpload::default()
        };
        let (caller, path) = (
            self.caller(holder).await,
            self.world.object(&bucket, &object),
        );
        let got = self.world.engine.create_upload(&caller, &path, new).await;
        let Some(((), started)) = same(expected, got)? else {
            return Ok(());
        };
        let secret = started.secret.map(|secret| secret.expose().clone());
        let via = match holder {
            Holder::Par(par) => par,
            _ => None,
        };
        agree!(secret.is_some(), via.is_some(), "a secret");
        agree!(started.upload.object.as_str(), object.as_str(), "object");
        let upload = RefUpload {
            bucket,
            object,
            id: started.upload.id,
            time_created: self.now(),
            attributes: attributes(self.step),
            secret: via.zip(secret),
            parts: Parts::new(),
            ended: false,
        };
        self.reference.uploads.push(upload);
        Ok(())
    }

    pub(super) async fn upload_part(
        &mut self,
        who: Who,
        upload: usize,
        number: u16,
        payload: Payload,
    ) -> Verdict {
        let Some((holder, upload, path)) = self.at_upload(who, upload) else {
            return Ok(());
        };
        let (body, checks, kept) = self.body(payload);
        let expected = self.judge_upload(holder, upload).and(kept);
        let (caller, none) = (self.caller(holder).await, Preconditions::default());
        let options = UploadPart {
            checks,
            ..UploadPart::default()
        };
        let engine = &self.world.engine;
        let got = engine.upload_part(&caller, &path, part(number), &none, options, body);
        let Some(((bytes, checksums), stored)) = same(expected, got.await)? else {
            return Ok(());
        };
        agree!(stored.md5, fast_md5::digest(&bytes), "MD5");
        agree!(stored.checksums, checksums, "checksums");
        let parts = &mut self.reference.uploads[upload].parts;
        if let Some((old, _)) = parts.insert(number, (stored.etag, bytes)) {
            agree!(old == stored.etag, false, "the etag stays the same");
        }
        Ok(())
    }

    pub(super) async fn commit(
        &mut self,
        who: Who,
        upload: usize,
        selection: &Selection,
        condition: Condition,
    ) -> Verdict {
        let Some((holder, upload, path)) = self.at_upload(who, upload) else {
            return Ok(());
        };
        let at = &self.reference.uploads[upload];
        let (bucket, object) = (at.bucket.clone(), at.object.clone());
        let existing = self.reference.object(&bucket, &object);
        let etag = existing.map(|existing| existing.info.etag);
        let created = existing.map(|existing| existing.info.time_created);
        let (asked, chosen) = select(&at.parts, selection);
        let expected = self
            .judge_upload(holder, upload)
            .and_then(|()| write_refusal(condition, etag.is_some()))
            .and(chosen)
            .and_then(|chosen| {
                let now = self.now();
                self.reference.replaceable(&bucket, &object, now)?;
                Ok(chosen)
            });
        let conditions = preconditions(condition, etag);
        let caller = self.caller(holder).await;
        let engine = &self.world.engine;
        let got = engine.commit_upload(&caller, &path, asked, &conditions);
        let Some((chosen, info)) = same(expected, got.await)? else {
            return Ok(());
        };
        let md5s: Vec<u8> = chosen
            .values()
            .flat_map(|(_, bytes)| fast_md5::digest(bytes))
            .collect();
        let bytes: Vec<u8> = chosen.values().flat_map(|(_, b)| b.clone()).collect();
        let expected = ObjectInfo {
            etag: info.etag,
            version_id: info.version_id,
            size: bytes.len() as u64,
            md5: ObjectMd5::Multipart {
                md5_of_md5s: fast_md5::digest(&md5s),
                parts: u16::try_from(chosen.len()).unwrap(),
            },
            time_created: created.unwrap_or(self.now()),
            time_modified: self.now(),
            storage_tier: StorageTier::Standard,
            attributes: self.reference.uploads[upload].attributes.clone(),
            // Those that all parts have: the tests of checksums say which.
            checksums: info.checksums,
            customer_key: false,
            restored: None,
        };
        agree!(info, expected, "what was committed");
        self.reference.uploads[upload].ended = true;
        self.place(&bucket, &object, info, bytes)
    }

    pub(super) async fn abort(&mut self, who: Who, upload: usize) -> Verdict {
        let Some((holder, upload, path)) = self.at_upload(who, upload) else {
            return Ok(());
        };
        let expected = self.judge_upload(holder, upload);
        let caller = self.caller(holder).await;
        let got = self.world.engine.abort_upload(&caller, &path).await;
        if same(expected, got)?.is_some() {
            self.reference.uploads[upload].ended = true;
        }
        Ok(())
    }

    pub(super) async fn list_uploads(&mut self, who: Who, b: usize, page: usize) -> Verdict {
        let (holder, name, limit) = (self.holder(who), BUCKETS[b], limit(page));
        let expected = self.judge(holder, name, Act::Manage);
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let engine = &self.world.engine;
        let got = walk_pages(limit, async |page| {
            engine.uploads(&caller, &path, page, limit).await
        });
        let Some(((), got)) = same(expected, got.await)? else {
            return Ok(());
        };
        let shown = |upload: &&RefUpload| Upload {
            object: ObjectName::parse(upload.object.as_bytes()).unwrap(),
            id: upload.id,
            time_created: upload.time_created,
            storage_tier: StorageTier::Standard,
        };
        let expected = self.reference.uploads_of(name);
        let expected: Vec<Upload> = expected.iter().map(shown).collect();
        agree!(got, expected, "uploads");
        Ok(())
    }

    pub(super) async fn list_parts(&mut self, who: Who, upload: usize, page: usize) -> Verdict {
        let Some((holder, upload, path)) = self.at_upload(who, upload) else {
            return Ok(());
        };
        let (at, limit) = (&self.reference.uploads[upload], limit(page));
        let expected = self
            .judge(holder, &at.bucket, Act::Manage)
            .and_then(|()| in_progress(at));
        let caller = self.caller(holder).await;
        let engine = &self.world.engine;
        let got = walk_pages(limit, async |page| {
            engine.parts(&caller, &path, page, limit).await
        });
        let Some(((), got)) = same(expected, got.await)? else {
            return Ok(());
        };
        let expected: Vec<PartInfo> = at
            .parts
            .iter()
            .map(|(number, (etag, bytes))| PartInfo {
                number: part(*number),
                etag: *etag,
                md5: fast_md5::digest(bytes),
                size: bytes.len() as u64,
            })
            .collect();
        agree!(got, expected, "parts");
        Ok(())
    }

    /// Who works on which upload. A secret is mostly the upload's own.
    fn at_upload(&self, who: Who, upload: usize) -> Option<(Holder, usize, UploadPath)> {
        let upload = self.upload(upload)?;
        let holder = match who {
            Who::Secret(number) if number < 4 => Holder::Secret(Some(upload)),
            other => self.holder(other),
        };
        let at = &self.reference.uploads[upload];
        let path = self.world.upload(&at.bucket, &at.object, at.id);
        Some((holder, upload, path))
    }

    fn judge_upload(&self, holder: Holder, upload: usize) -> Result<(), Kind> {
        let at = &self.reference.uploads[upload];
        self.judge(holder, &at.bucket, Act::Upload(upload))
            .and_then(|()| in_progress(at))
    }
}

fn in_progress(upload: &RefUpload) -> Result<(), Kind> {
    if upload.ended {
        return Err("UploadNotFound");
    }
    Ok(())
}

/// The selection as the engine takes it, and the parts it chooses.
fn select(parts: &Parts, selection: &Selection) -> (PartSelection, Result<Parts, Kind>) {
    let listed = |numbers: &[u16], exclude: &[u16], etag: &dyn Fn(u16) -> Option<ETag>| {
        PartSelection::Listed {
            commit: numbers.iter().map(|n| (part(*n), etag(*n))).collect(),
            exclude: exclude.iter().copied().map(part).collect(),
        }
    };
    let all: Vec<u16> = parts.keys().copied().collect();
    let etag_of = |number: u16| parts.get(&number).map(|(etag, _)| *etag);
    let (asked, numbers) = match selection {
        Selection::All => (PartSelection::All, Ok(all)),
        Selection::Without(excluded) => {
            let rest: Vec<u16> = all.into_iter().filter(|n| !excluded.contains(n)).collect();
            (listed(&rest, excluded, &etag_of), Ok(rest))
        }
        Selection::Numbers(numbers, etags) => {
            let mut once = numbers.clone();
            once.sort_unstable();
            once.dedup();
            let bad = once.len() < numbers.len() || once.iter().any(|n| !parts.contains_key(n));
            let asked = listed(numbers, &[], &|n| etag_of(n).filter(|_| *etags));
            let chosen = if bad {
                Err("InvalidUploadPart")
            } else {
                Ok(once)
            };
            (asked, chosen)
        }
        Selection::WrongEtag => {
            let first: Vec<u16> = all.first().copied().into_iter().collect();
            let foreign = ETag::from_bytes(*UploadId::from_random([3; 16]).as_bytes());
            let asked = listed(&first, &[], &|_| Some(foreign));
            let refused = !first.is_empty();
            (
                asked,
                if refused {
                    Err("InvalidUploadPart")
                } else {
                    Ok(first)
                },
            )
        }
        Selection::None => (listed(&[], &all, &etag_of), Ok(Vec::new())),
    };
    let chosen = numbers.and_then(|numbers| match numbers.is_empty() {
        true => Err("NoPartsToCommit"),
        false => Ok(numbers.iter().map(|n| (*n, parts[n].clone())).collect()),
    });
    (asked, chosen)
}
