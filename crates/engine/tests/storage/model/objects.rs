//! Steps on objects.

use parbuckle_engine::{ObjectInfo, ObjectMd5, PutObject, ReadObject};
use parbuckle_model::{
    ListObjectsQuery, ObjectAttributes, RangeRequest, StorageTier, UserMetadata, VersionId,
};

use super::super::support::body::read_all;
use super::super::support::listing::{everything, expected_rows, limit, prefix, walk_objects};
use super::history::{RefObject, RefVersion};
use super::program::{BUCKETS, Bytes, Condition, Listing, Payload, Target, Which, Who};
use super::reference::{Act, Holder, Kind, read_refusal, write_refusal};
use super::run::{Aim, Run, Verdict, agree, preconditions, same};

impl Run {
    pub(super) async fn put(
        &mut self,
        who: Who,
        target: Target,
        payload: Payload,
        condition: Condition,
    ) -> Verdict {
        let holder = self.holder(who);
        let (bucket, object) = self.resolve(holder, target, Aim::Anything);
        let existing = self.reference.object(&bucket, &object);
        let (body, checks, kept) = self.body(payload);
        let expected = self
            .judge(holder, &bucket, Act::Write(&object))
            .and_then(|()| write_refusal(condition, existing.is_some()))
            .and_then(|()| {
                let now = self.now();
                self.reference.replaceable(&bucket, &object, now)
            })
            .and(kept);
        let put = PutObject {
            attributes: attributes(payload.fill),
            storage_tier: None,
            preconditions: preconditions(condition, existing.map(|e| e.info.etag)),
            checks,
            ..PutObject::default()
        };
        let (caller, path) = (
            self.caller(holder).await,
            self.world.object(&bucket, &object),
        );
        let got = self.world.engine.put_object(&caller, &path, put, body);
        let Some(((bytes, checksums), info)) = same(expected, got.await)? else {
            return Ok(());
        };
        let now = self.now();
        let expected = ObjectInfo {
            etag: info.etag,
            version_id: info.version_id,
            size: bytes.len() as u64,
            md5: ObjectMd5::Whole(fast_md5::digest(&bytes)),
            time_created: existing.map_or(now, |existing| existing.info.time_created),
            time_modified: now,
            storage_tier: StorageTier::Standard,
            attributes: attributes(payload.fill),
            checksums,
            customer_key: false,
            restored: None,
        };
        agree!(info, expected, "what was put");
        self.place(&bucket, &object, info, bytes)
    }

    /// Makes an object current. Its etag and version never were before, and the version is the youngest of its name.
    pub(super) fn place(
        &mut self,
        bucket: &str,
        object: &str,
        info: ObjectInfo,
        bytes: Vec<u8>,
    ) -> Verdict {
        self.note_version(bucket, object, info.version_id)?;
        let new = self.reference.etags_ever.insert(info.etag);
        agree!(new, true, "the etag is new");
        let bucket = self.reference.buckets.get_mut(bucket).unwrap();
        bucket.put(object, RefObject { info, bytes });
        Ok(())
    }

    /// A version that was made just now.
    pub(super) fn note_version(
        &mut self,
        bucket: &str,
        object: &str,
        version: VersionId,
    ) -> Verdict {
        let last = self.reference.buckets[bucket].history(object).last();
        let younger = last.is_none_or(|last| last.id() < version);
        agree!(younger, true, "the version is younger than all others");
        let new = self.reference.versions_ever.insert(version);
        agree!(new, true, "the version is new");
        Ok(())
    }

    pub(super) async fn get(
        &mut self,
        who: Who,
        target: Target,
        bytes: Bytes,
        condition: Condition,
        which: Which,
    ) -> Verdict {
        let holder = self.holder(who);
        let (bucket, object) = self.resolve(holder, target, Aim::at(which));
        let (version, found) = self.which(&bucket, &object, which);
        let existing = found.and_then(RefVersion::object);
        let expected = self
            .judge_read(holder, &bucket, &object, version)
            .and_then(|()| existing.ok_or("ObjectNotFound"))
            .and_then(|existing| read_refusal(condition).and(Ok(existing)))
            .and_then(|existing| Ok((existing, slice(bytes, &existing.bytes)?)));
        let options = ReadObject {
            range: range(bytes),
            preconditions: preconditions(condition, existing.map(|e| e.info.etag)),
            version,
            ..ReadObject::default()
        };
        let (caller, path) = (
            self.caller(holder).await,
            self.world.object(&bucket, &object),
        );
        let got = self.world.engine.read_object(&caller, &path, options).await;
        let Some(((existing, wanted), read)) = same(expected, got)? else {
            return Ok(());
        };
        agree!(read.info, existing.info, "what is known of it");
        agree!(read.range.is_some(), range(bytes).is_some(), "a range");
        let got = read_all(read.body)
            .await
            .map_err(|(_, error)| format!("the body ends with {error:?}"))?;
        agree!(got == wanted, true, "the bytes are right");
        Ok(())
    }

    pub(super) async fn head(
        &mut self,
        who: Who,
        target: Target,
        condition: Condition,
        which: Which,
    ) -> Verdict {
        let holder = self.holder(who);
        let (bucket, object) = self.resolve(holder, target, Aim::at(which));
        let (version, found) = self.which(&bucket, &object, which);
        let existing = found.and_then(RefVersion::object);
        let expected = self
            .judge_read(holder, &bucket, &object, version)
            .and_then(|()| existing.ok_or("ObjectNotFound"))
            .and_then(|existing| read_refusal(condition).and(Ok(existing)));
        let conditions = preconditions(condition, existing.map(|e| e.info.etag));
        let (caller, path) = (
            self.caller(holder).await,
            self.world.object(&bucket, &object),
        );
        let engine = &self.world.engine;
        let got = engine.head_object(&caller, &path, &conditions, version, None);
        if let Some((existing, info)) = same(expected, got.await)? {
            agree!(info, existing.info, "what is known of it");
        }
        Ok(())
    }

    /// Through a PAR only what is current is read (docs/choices.md).
    fn judge_read(
        &self,
        holder: Holder,
        bucket: &str,
        object: &str,
        version: Option<VersionId>,
    ) -> Result<(), Kind> {
        self.judge(holder, bucket, Act::Read(object))?;
        match (holder, version) {
            (Holder::Par(_), Some(_)) => Err("InvalidParameter"),
            _ => Ok(()),
        }
    }

    pub(super) async fn list(&mut self, who: Who, b: usize, listing: &Listing) -> Verdict {
        let (holder, name) = (self.holder(who), BUCKETS[b]);
        let query = query(listing);
        let both = query.start.is_some() && query.start_after.is_some();
        let expected = if both {
            Err("InvalidParameter")
        } else {
            self.judge(holder, name, Act::List)
        };
        let (caller, path) = (self.caller(holder).await, self.world.bucket(name));
        let got = walk_objects(&self.world.engine, &caller, &path, &query).await;
        let Some(((), rows)) = same(expected, got)? else {
            return Ok(());
        };
        let names = self.reference.buckets[name].objects().map(|(name, _)| name);
        let scope = self.reference.listing_scope(holder);
        let expected = expected_rows(names.map(String::as_str), scope, &query);
        agree!(rows, expected, "the listing");
        Ok(())
    }
}

/// Content headers and metadata that tell `fill` apart.
pub(super) fn attributes(fill: u64) -> ObjectAttributes {
    let metadata = (!fill.is_multiple_of(3)).then(|| ("fill".to_owned(), fill.to_string()));
    ObjectAttributes {
        content_type: fill.is_multiple_of(2).then(|| format!("text/x-{fill}")),
        content_language: fill.is_multiple_of(5).then(|| "pl".to_owned()),
        content_encoding: fill.is_multiple_of(7).then(|| "br".to_owned()),
        content_disposition: fill.is_multiple_of(11).then(|| "inline".to_owned()),
        cache_control: fill.is_multiple_of(13).then(|| "no-store".to_owned()),
        metadata: UserMetadata::new(metadata).unwrap(),
    }
}

fn range(bytes: Bytes) -> Option<RangeRequest> {
    match bytes {
        Bytes::All => None,
        Bytes::FromTo(first, last) => Some(RangeRequest::FromTo(first, last)),
        Bytes::From(first) => Some(RangeRequest::From(first)),
        Bytes::Last(count) => Some(RangeRequest::Last(count)),
    }
}

/// The bytes of a range, one at a time.
fn slice(bytes: Bytes, all: &[u8]) -> Result<Vec<u8>, Kind> {
    let len = all.len() as u64;
    let wanted = |at: u64| match bytes {
        Bytes::All => true,
        Bytes::FromTo(first, last) => first <= at && at <= last,
        Bytes::From(first) => first <= at,
        Bytes::Last(count) => len - at <= count,
    };
    let slice: Vec<u8> = (0..len)
        .zip(all)
        .filter(|(at, _)| wanted(*at))
        .map(|(_, byte)| *byte)
        .collect();
    if slice.is_empty() && range(bytes).is_some() {
        return Err("InvalidRange");
    }
    Ok(slice)
}

pub(super) fn query(listing: &Listing) -> ListObjectsQuery {
    ListObjectsQuery {
        prefix: prefix(listing.prefix),
        start: listing.start.map(str::to_owned),
        start_after: listing.start_after.map(str::to_owned),
        end: listing.end.map(str::to_owned),
        delimited: listing.delimited,
        limit: limit(listing.limit),
        ..everything()
    }
}
