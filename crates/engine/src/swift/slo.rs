//! Static large objects: manifests that name their segments one by one (swift-v1-wire.md section 10).

use std::sync::Arc;

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_iam::permission::Operation;
use parbuckle_model::{ObjectName, RangeRequest, ResolvedRange};

use super::body::as_request;
use super::bulk::{BulkItem, BulkOutcome};
use super::conditions::ReadConditions;
use super::large::DEPTH_MAX;
use super::object::{PutSwiftObject, SwiftObject, container_name, hex, missing};
use super::read::{ReadOutcome, SwiftRead, dynamic_of};
use super::{SegmentRefusal, SwiftRefusal};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::object::ObjectBody;
use crate::records::{self, SegmentRecord, SegmentsRecord, StaticManifestRecord};
use crate::{BucketPath, Engine, ObjectPath};

/// Most segments of a manifest that are objects (Storage Classic; OpenStack Swift takes 1000).
pub const SEGMENTS_MAX: usize = 2048;

/// Writes a manifest as clients are shown it. What it writes for a stored manifest must never change: etags depend on it.
pub type ShowManifest = dyn Fn(&[Segment]) -> Vec<u8> + Send + Sync;

/// A segment as a client names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSegment {
    /// Its container, decoded.
    pub container: String,
    /// Its name, decoded.
    pub object: String,
    /// Both as the client wrote them, for refusals.
    pub spelled: String,
    /// The etag that it must have, without quotes.
    pub etag: Option<String>,
    /// The length that it must have.
    pub size: Option<u64>,
    /// What is used of it.
    pub range: Option<RangeRequest>,
    /// The bytes themselves, instead of all above.
    pub inline: Option<Bytes>,
}

/// A segment as the manifest keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Segment {
    /// Its container.
    pub container: String,
    /// Its name.
    pub object: String,
    /// Its etag, without quotes.
    pub etag: String,
    /// Its length.
    pub size: u64,
    /// First and last byte of what is used of it, both inclusive; nothing means all.
    pub range: Option<(u64, u64)>,
    /// Whether it is a large object itself.
    pub nested: bool,
    /// Its content type.
    pub content_type: String,
    /// When it was last changed.
    pub time_modified: Timestamp,
    /// The bytes themselves: then it is no object, and container and name are empty.
    pub inline: Option<Bytes>,
}

/// A static large object as it is stored.
#[derive(Debug)]
pub struct StaticManifest {
    /// The object: its etag and size are those of the manifest as clients are shown it.
    pub object: SwiftObject,
    /// Its segments, in order.
    pub segments: Vec<Segment>,
}

impl Engine {
    /// Puts a static large object. `put.md5` is compared with the etag of the whole
    /// ([`SwiftRefusal::EtagMismatch`]). Segments that can't be used are [`SwiftRefusal::SegmentsRefused`], all of them at
    /// once; more than [`SEGMENTS_MAX`] that are objects are [`ErrorKind::TooLarge`].
    ///
    /// Permissions: those of [`Engine::swift_put_object`], and on each segment those of [`Engine::swift_head_object`].
    pub async fn swift_put_manifest(
        self: &Arc<Self>,
        caller: &Caller,
        path: &ObjectPath,
        put: PutSwiftObject,
        segments: &[NewSegment],
        show: &ShowManifest,
    ) -> Result<SwiftObject, Error> {
        let found = self.usable_segments(caller, path, segments).await?;
        let whole = whole_of(&found, show);
        if put.md5.is_some_and(|md5| md5 != whole.etag) {
            return Err(SwiftRefusal::EtagMismatch.into());
        }
        let stored = records::encode(&SegmentsRecord { segments: found });
        let length = stored.len() as u64;
        let put = PutSwiftObject { md5: None, ..put };
        let body = as_request(ObjectBody::Bytes(stored), length);
        self.put_stored(caller, path, put, Some(whole), body).await
    }

    /// Whether these can be the segments of a static large object, for a request that is refused for something else if
    /// they can. The refusals are those of [`Engine::swift_put_manifest`].
    pub async fn swift_check_segments(
        self: &Arc<Self>,
        caller: &Caller,
        path: &ObjectPath,
        segments: &[NewSegment],
    ) -> Result<(), Error> {
        let found = self.usable_segments(caller, path, segments).await;
        found.map(|_| ())
    }

    /// What a manifest keeps of its segments.
    async fn usable_segments(
        self: &Arc<Self>,
        caller: &Caller,
        path: &ObjectPath,
        segments: &[NewSegment],
    ) -> Result<Vec<SegmentRecord>, Error> {
        let objects = segments.iter().filter(|segment| segment.inline.is_none());
        if objects.count() > SEGMENTS_MAX {
            return Err(ErrorKind::TooLarge {
                max: SEGMENTS_MAX as u64,
            }
            .into());
        }
        let (mut found, mut refused) = (Vec::with_capacity(segments.len()), Vec::new());
        for (at, segment) in segments.iter().enumerate() {
            let is_last = at + 1 == segments.len();
            match self.checked_segment(caller, path, segment, is_last).await? {
                Ok(segment) => found.push(segment),
                Err(reasons) => refused.extend(reasons.into_iter().map(|reason| SegmentRefusal {
                    path: segment.spelled.clone(),
                    reason,
                })),
            }
        }
        if !refused.is_empty() {
            return Err(SwiftRefusal::SegmentsRefused(refused).into());
        }
        Ok(found)
    }

    /// The manifest of a static large object; [`SwiftRefusal::NotStaticManifest`] of any other. Conditions are on the
    /// manifest. Permission: OBJECT_READ, or a read ACL.
    pub async fn swift_read_manifest(
        self: &Arc<Self>,
        caller: &Caller,
        path: &ObjectPath,
        conditions: &ReadConditions,
    ) -> Result<ReadOutcome<StaticManifest>, Error> {
        let read = SwiftRead {
            conditions: conditions.clone(),
            manifest: true,
            ..SwiftRead::default()
        };
        let found = self
            .looked_up(caller, path, Operation::GetObject, &read)
            .await?;
        if found.as_ref().is_some_and(|object| !object.is_static) {
            return Err(SwiftRefusal::NotStaticManifest.into());
        }
        let object = match self.judged(caller, path, &read, found).await? {
            ReadOutcome::Found(object) => object,
            ReadOutcome::NotModified(object) => return Ok(ReadOutcome::NotModified(object)),
            ReadOutcome::PreconditionFailed(object) => {
                return Ok(ReadOutcome::PreconditionFailed(object));
            }
            ReadOutcome::RangeUnsatisfiable(object) => {
                return Ok(ReadOutcome::RangeUnsatisfiable(object));
            }
        };
        let segments = self.segments(caller, path, &object).await?;
        let segments = segments.into_iter().map(Segment::from).collect();
        Ok(ReadOutcome::Found(StaticManifest { object, segments }))
    }

    /// The segments of a static large object.
    async fn manifest(&self, caller: &Caller, path: &ObjectPath) -> Result<Vec<Segment>, Error> {
        let found = self.find_object(caller, path, Operation::GetObject).await?;
        let object = found.ok_or_else(|| missing(path))?;
        if !object.is_static {
            return Err(SwiftRefusal::NotStaticManifest.into());
        }
        let segments = self.segments(caller, path, &object).await?;
        Ok(segments.into_iter().map(Segment::from).collect())
    }

    /// Deletes a static large object and all its segments, those of nested ones included. What is missing is counted, and
    /// what can't be deleted stays.
    pub async fn swift_delete_manifest(
        &self,
        caller: &Caller,
        path: &ObjectPath,
    ) -> Result<BulkOutcome, Error> {
        let mut items = Vec::new();
        let mut manifests = vec![(path.clone(), 0)];
        while let Some((manifest, depth)) = manifests.pop() {
            if depth > DEPTH_MAX {
                return Err(SwiftRefusal::LargeObjectBroken.into());
            }
            let segments = match self.manifest(caller, &manifest).await {
                Ok(segments) => segments,
                Err(error) if depth > 0 && is_no_manifest(&error) => Vec::new(),
                Err(error) => return Err(error),
            };
            for segment in segments.iter().filter(|segment| segment.inline.is_none()) {
                if let Some(inner) = segment.path(&path.bucket).filter(|_| segment.nested) {
                    manifests.push((inner, depth + 1));
                } else {
                    items.push(BulkItem {
                        container: segment.container.clone(),
                        object: Some(segment.object.clone()),
                    });
                }
            }
            items.push(BulkItem::of(&manifest));
        }
        // The manifest itself was named first and goes last: after a failure of the store a second try finds the rest.
        let own = BulkItem::of(path);
        items.retain(|item| *item != own);
        let mut outcome = self
            .delete_items(caller, &path.bucket.namespace, &items)
            .await?;
        let last = self
            .delete_items(caller, &path.bucket.namespace, &[own])
            .await?;
        outcome.absorb(last);
        Ok(outcome)
    }

    /// What a manifest keeps of a segment, or all that keeps it from being used.
    async fn checked_segment(
        self: &Arc<Self>,
        caller: &Caller,
        manifest: &ObjectPath,
        new: &NewSegment,
        is_last: bool,
    ) -> Result<Result<SegmentRecord, Vec<&'static str>>, Error> {
        if let Some(bytes) = &new.inline {
            return Ok(inline_record(bytes));
        }
        let (bucket, object) = (
            container_name(&new.container),
            ObjectName::parse_classic(new.object.as_bytes()),
        );
        let (Some(bucket), Ok(object)) = (bucket, object) else {
            return Ok(Err(vec!["404 Not Found"]));
        };
        let bucket = BucketPath {
            namespace: manifest.bucket.namespace.clone(),
            bucket,
        };
        let path = ObjectPath { bucket, object };
        let found = match self
            .find_object(&caller.of_segments(), &path, Operation::HeadObject)
            .await
        {
            Ok(found) => found,
            Err(error) => match error.kind() {
                ErrorKind::BucketNotFound { .. } => None,
                ErrorKind::NotAuthenticated(_) => return Ok(Err(vec!["401 Unauthorized"])),
                ErrorKind::Swift(SwiftRefusal::Forbidden) => {
                    return Ok(Err(vec!["403 Forbidden"]));
                }
                _ => return Err(error),
            },
        };
        let Some(mut segment) = found else {
            return Ok(Err(vec!["404 Not Found"]));
        };
        if let Some(dynamic) = dynamic_of(&segment) {
            let whole = self
                .dynamic_whole(caller, &path.bucket.namespace, dynamic)
                .await?;
            (segment.etag, segment.size) = (whole.etag, whole.size);
        }
        Ok(segment_record(new, &segment, is_last))
    }
}

impl Segment {
    /// Length of what is used of it.
    pub fn length(&self) -> u64 {
        match self.range {
            Some((first, last)) => (last + 1).saturating_sub(first),
            None => self.size,
        }
    }

    fn path(&self, manifest: &BucketPath) -> Option<ObjectPath> {
        Some(ObjectPath {
            bucket: BucketPath {
                namespace: manifest.namespace.clone(),
                bucket: container_name(&self.container)?,
            },
            object: ObjectName::parse_classic(self.object.as_bytes()).ok()?,
        })
    }
}

impl From<SegmentRecord> for Segment {
    fn from(record: SegmentRecord) -> Self {
        Self {
            container: record.container,
            object: record.object,
            etag: record.etag,
            size: record.size,
            range: record.range,
            nested: record.nested,
            content_type: record.content_type,
            time_modified: record.modified,
            inline: record.inline.map(|bytes| Vec::from(bytes).into()),
        }
    }
}

impl From<SegmentRecord> for NewSegment {
    /// The segment as it would have to be put again.
    fn from(record: SegmentRecord) -> Self {
        Self {
            spelled: format!("/{}/{}", record.container, record.object),
            container: record.container,
            object: record.object,
            etag: Some(record.etag),
            size: Some(record.size),
            range: record
                .range
                .map(|(first, last)| RangeRequest::FromTo(first, last)),
            inline: record.inline.map(|bytes| Vec::from(bytes).into()),
        }
    }
}

fn segment_record(
    new: &NewSegment,
    segment: &SwiftObject,
    is_last: bool,
) -> Result<SegmentRecord, Vec<&'static str>> {
    let mut reasons = Vec::new();
    let mut range = None;
    match new.range.map(|range| range.resolve(segment.size)) {
        None => {}
        Some(ResolvedRange::Unsatisfiable) => reasons.push("Unsatisfiable Range"),
        Some(ResolvedRange::Part { start, end }) if end - start == segment.size => {}
        Some(ResolvedRange::Part { start, end }) => range = Some((start, end - 1)),
    }
    if segment.size == 0 && !is_last {
        reasons.push("Too small; each segment must be at least 1 byte.");
    }
    if new.size.is_some_and(|size| size != segment.size) {
        reasons.push("Size Mismatch");
    }
    let expected = new.etag.as_ref();
    if expected.is_some_and(|etag| *etag != segment.etag.text) {
        reasons.push("Etag Mismatch");
    }
    if !reasons.is_empty() {
        return Err(reasons);
    }
    let octets = || "application/octet-stream".to_owned();
    Ok(SegmentRecord {
        container: new.container.clone(),
        object: new.object.clone(),
        etag: segment.etag.text.clone(),
        size: segment.size,
        range,
        nested: segment.is_static || segment.fields.dynamic.is_some(),
        content_type: segment
            .fields
            .attributes
            .content_type
            .clone()
            .unwrap_or_else(octets),
        modified: segment.time_modified,
        inline: None,
    })
}

/// A segment whose bytes stand in the manifest.
fn inline_record(bytes: &Bytes) -> Result<SegmentRecord, Vec<&'static str>> {
    if bytes.is_empty() {
        return Err(vec!["Too small; each segment must be at least 1 byte."]);
    }
    Ok(SegmentRecord {
        container: String::new(),
        object: String::new(),
        etag: hex(&fast_md5::digest(bytes)),
        size: bytes.len() as u64,
        range: None,
        nested: false,
        content_type: String::new(),
        modified: Timestamp::UNIX_EPOCH,
        inline: Some(bytes.to_vec().into()),
    })
}

/// Etag and length of the whole and of what is shown of the manifest. A segment of which a part is used counts as
/// `{etag}:{first}-{last};`.
fn whole_of(segments: &[SegmentRecord], show: &ShowManifest) -> StaticManifestRecord {
    let mut md5 = fast_md5::Md5::new();
    for segment in segments {
        md5.update(segment.etag.as_bytes());
        if let Some((first, last)) = segment.range {
            md5.update(format!(":{first}-{last};").as_bytes());
        }
    }
    let told: Vec<Segment> = segments.iter().cloned().map(Segment::from).collect();
    let shown = show(&told);
    StaticManifestRecord {
        etag: md5.finalize(),
        size: segments
            .iter()
            .map(SegmentRecord::len)
            .fold(0, u64::saturating_add),
        shown_md5: fast_md5::digest(&shown),
        shown_size: shown.len() as u64,
    }
}

/// Whether what was a manifest once is none any more, or gone.
fn is_no_manifest(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::ObjectNotFound { .. }
            | ErrorKind::BucketNotFound { .. }
            | ErrorKind::Swift(SwiftRefusal::NotStaticManifest)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(etag: &str, size: u64, range: Option<(u64, u64)>) -> SegmentRecord {
        SegmentRecord {
            container: "c".to_owned(),
            object: "o".to_owned(),
            etag: etag.to_owned(),
            size,
            range,
            nested: false,
            content_type: String::new(),
            modified: Timestamp::UNIX_EPOCH,
            inline: None,
        }
    }

    #[test]
    fn the_etag_of_the_whole_is_the_md5_of_the_segments_etags() {
        let segments = [segment("a", 4, None), segment("b", 9, Some((2, 4)))];
        let whole = whole_of(&segments, &|_| b"shown".to_vec());
        assert_eq!(whole.shown_md5, fast_md5::digest(b"shown"));
        let mut md5 = fast_md5::Md5::new();
        md5.update(b"ab:2-4;");
        assert_eq!((hex(&whole.etag), whole.size), (hex(&md5.finalize()), 7));
    }
}
