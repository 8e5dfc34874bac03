//! Large objects: what they consist of, and their bytes one segment after the other.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_model::{ETag, EtagCondition, Namespace, ObjectName, Preconditions, RangeRequest};

use super::SwiftRefusal;
use super::body::collect;
use super::container::current;
use super::listing::{Candidate, ListQuery, list_names};
use super::object::{DynamicManifest, SwiftEtag, SwiftObject, container_name, hex};
use super::read::dynamic_of;
use crate::authority::{Act, Need};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::object::{ObjectBody, ObjectRead, ReadObject};
use crate::records::{self, SegmentRecord, SegmentsRecord};
use crate::{BucketPath, Engine, ObjectPath, keys};

/// How deep static large objects may lie in one another.
pub(super) const DEPTH_MAX: usize = 10;

/// Most pieces of large objects that lie in one another. With 1000 segments in each, a few levels are more than any memory holds.
const NESTED_PIECES_MAX: usize = 100_000;

/// Bytes that are next to each other.
pub(super) enum Piece {
    /// Those of one stored object.
    Stored {
        path: ObjectPath,
        expected: Expected,
        /// Never empty.
        range: Range<u64>,
    },
    /// Those that stand in a manifest.
    Inline(Bytes),
}

/// What the object must still be.
pub(super) enum Expected {
    /// The same as when it was looked at.
    Unchanged(ETag),
    /// What the manifest says.
    AsListed { etag: String, size: u64 },
}

/// What a dynamic large object is as a whole.
pub(super) struct DynamicWhole {
    pub(super) etag: SwiftEtag,
    pub(super) size: u64,
    segments: Vec<(ObjectPath, SwiftObject)>,
}

impl Piece {
    /// A part of an object that must not have changed.
    pub(super) fn unchanged(path: ObjectPath, native: ETag, range: Range<u64>) -> Self {
        Self::Stored {
            path,
            expected: Expected::Unchanged(native),
            range,
        }
    }
}

impl Engine {
    /// The segments of a dynamic large object as they are now. Static large objects among them are read as a whole, all
    /// others as they are stored.
    pub(super) async fn dynamic_whole(
        &self,
        caller: &Caller,
        namespace: &Namespace,
        dynamic: &DynamicManifest,
    ) -> Result<DynamicWhole, Error> {
        let mut whole = DynamicWhole {
            etag: SwiftEtag {
                text: String::new(),
                quoted: true,
            },
            size: 0,
            segments: Vec::new(),
        };
        let mut md5 = fast_md5::Md5::new();
        if let Some(bucket) = container_name(&dynamic.container) {
            let path = BucketPath {
                namespace: namespace.clone(),
                bucket,
            };
            let reader = self.kv.snapshot().await?;
            let caller = &caller.of_segments();
            let access = self.enter(&*reader, caller, &path).await?;
            let need = Need::All(&[Permission::ObjectInspect]);
            access.require(Operation::ListObjects, need, Act::ListObjects)?;
            let query = ListQuery {
                prefix: dynamic.prefix.clone(),
                limit: usize::MAX,
                ..ListQuery::default()
            };
            let (base, now) = (keys::objects(namespace, &access.bucket.id), self.now());
            let segment = |candidate: Candidate<'_>| {
                let Some(segment) = current(candidate.record, now)? else {
                    return Ok(false);
                };
                let segment = match segment.is_static {
                    true => segment,
                    false => segment.as_stored(),
                };
                md5.update(segment.etag.text.as_bytes());
                whole.size = whole.size.saturating_add(segment.size);
                let path = object_path(&path, candidate.text)?;
                whole.segments.push((path, segment));
                Ok(true)
            };
            list_names(&*reader, &base, &query, segment).await?;
        }
        whole.etag.text = hex(&md5.finalize());
        Ok(whole)
    }

    /// What lies in `range` of an object.
    pub(super) async fn pieces(
        self: &Arc<Self>,
        caller: &Caller,
        path: &ObjectPath,
        object: &SwiftObject,
        range: Range<u64>,
        depth: usize,
    ) -> Result<Vec<Piece>, Error> {
        let namespace = &path.bucket.namespace;
        if object.is_static {
            let segments = self.segments(caller, path, object).await?;
            return self
                .pieces_of_segments(caller, namespace, &segments, range, depth)
                .await;
        }
        if let Some(dynamic) = &object.fields.dynamic {
            self.require_restored_manifest(caller, path, object).await?;
            let whole = self.dynamic_whole(caller, namespace, dynamic).await?;
            let sizes: Vec<u64> = whole
                .segments
                .iter()
                .map(|(_, segment)| segment.size)
                .collect();
            let mut pieces = Vec::new();
            for ((path, segment), part) in whole
                .segments
                .into_iter()
                .zip(within(sizes.into_iter(), &range))
            {
                let Some(part) = part else { continue };
                if !segment.is_static {
                    pieces.push(Piece::unchanged(path, segment.native, part));
                    continue;
                }
                let caller = &caller.of_segments();
                // The depth is bounded, and so is the recursion.
                let inner = self.pieces(caller, &path, &segment, part, deeper(depth)?);
                add_nested(&mut pieces, Box::pin(inner).await?)?;
            }
            return Ok(pieces);
        }
        let piece =
            (!range.is_empty()).then(|| Piece::unchanged(path.clone(), object.native, range));
        Ok(Vec::from_iter(piece))
    }

    async fn pieces_of_segments(
        self: &Arc<Self>,
        caller: &Caller,
        namespace: &Namespace,
        segments: &[SegmentRecord],
        range: Range<u64>,
        depth: usize,
    ) -> Result<Vec<Piece>, Error> {
        let mut pieces = Vec::new();
        let sizes = segments.iter().map(SegmentRecord::len);
        for (segment, part) in segments.iter().zip(within(sizes, &range)) {
            let Some(part) = part else { continue };
            let offset = segment.range.map_or(0, |(first, _)| first);
            let part = part.start + offset..part.end + offset;
            if let Some(bytes) = &segment.inline {
                let bytes = Bytes::copy_from_slice(bytes);
                pieces.push(Piece::Inline(sliced(&bytes, &part)));
                continue;
            }
            let path = segment_path(namespace, segment)?;
            if !segment.nested {
                let expected = Expected::AsListed {
                    etag: segment.etag.clone(),
                    size: segment.size,
                };
                pieces.push(Piece::Stored {
                    path,
                    expected,
                    range: part,
                });
                continue;
            }
            let inner = self.nested(caller, &path, segment, depth).await?;
            let caller = &caller.of_segments();
            // The depth is bounded, and so is the recursion.
            let inner = Box::pin(self.pieces(caller, &path, &inner, part, depth + 1)).await?;
            add_nested(&mut pieces, inner)?;
        }
        Ok(pieces)
    }

    /// A large object that is a segment of another.
    async fn nested(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        segment: &SegmentRecord,
        depth: usize,
    ) -> Result<SwiftObject, Error> {
        deeper(depth)?;
        let found = self
            .find_object(&caller.of_segments(), path, Operation::GetObject)
            .await;
        let found = found.map_err(|error| broken(&error.to_string()))?;
        let mut object = found.ok_or_else(|| broken("a segment is missing"))?;
        if let Some(dynamic) = dynamic_of(&object) {
            let whole = self
                .dynamic_whole(caller, &path.bucket.namespace, dynamic)
                .await
                .map_err(|error| broken(&error.to_string()))?;
            (object.etag, object.size) = (whole.etag, whole.size);
        }
        if object.etag.text != segment.etag || object.size != segment.size {
            return Err(broken("a segment has changed"));
        }
        Ok(object)
    }

    /// The segments that a static large object names.
    pub(super) async fn segments(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        object: &SwiftObject,
    ) -> Result<Vec<SegmentRecord>, Error> {
        let options = ReadObject {
            preconditions: unchanged(object.native),
            ..ReadObject::default()
        };
        let read = self.read_object(caller, path, options).await?;
        let stored = collect(read.body).await?;
        Ok(records::decode::<SegmentsRecord>(&stored)?.segments)
    }

    /// Where each segment of a static large object lies in it.
    pub(super) async fn segment_ranges(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        object: &SwiftObject,
    ) -> Result<Vec<Range<u64>>, Error> {
        let mut at = 0;
        let segments = self.segments(caller, path, object).await?;
        Ok(segments
            .iter()
            .map(|segment| {
                let start = at;
                at += segment.len();
                start..at
            })
            .collect())
    }
}

impl SegmentRecord {
    /// Length of what is used of it.
    pub(super) fn len(&self) -> u64 {
        match self.range {
            Some((first, last)) => (last + 1).saturating_sub(first),
            None => self.size,
        }
    }
}

/// The bytes of pieces, one after the other; each is opened when the one before it has ended.
pub(super) struct PiecesStream {
    engine: Arc<Engine>,
    caller: Caller,
    waiting: VecDeque<Piece>,
    at: At,
    failure: Option<Error>,
}

type Opening = Pin<Box<dyn Future<Output = Result<ObjectBody, Error>> + Send>>;

enum At {
    Between,
    Opening(Opening),
    Reading(ObjectBody),
}

impl PiecesStream {
    pub(super) fn new(engine: &Arc<Engine>, caller: &Caller, pieces: Vec<Piece>) -> Self {
        Self {
            engine: Arc::clone(engine),
            caller: caller.clone(),
            waiting: pieces.into(),
            at: At::Between,
            failure: None,
        }
    }

    /// Opens the first piece: what can't be read is refused before any byte.
    pub(super) async fn open_first(&mut self) -> Result<(), Error> {
        if let Some(piece) = self.waiting.pop_front() {
            let opened = open(Arc::clone(&self.engine), self.caller.clone(), piece).await;
            self.at = At::Reading(opened?);
        }
        Ok(())
    }

    /// Ends with an error at the next turn: until then what came before it goes out to the client, who would else be left
    /// without any reply.
    fn fail(&mut self, error: Error, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Error>>> {
        self.waiting.clear();
        self.at = At::Between;
        self.failure = Some(error);
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

impl Stream for PiecesStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(error) = this.failure.take() {
            return Poll::Ready(Some(Err(error)));
        }
        loop {
            match &mut this.at {
                At::Between => match this.waiting.pop_front() {
                    None => return Poll::Ready(None),
                    Some(piece) => {
                        let (engine, caller) = (Arc::clone(&this.engine), this.caller.clone());
                        this.at = At::Opening(Box::pin(open(engine, caller, piece)));
                    }
                },
                At::Opening(opening) => match ready!(opening.as_mut().poll(cx)) {
                    Ok(body) => this.at = At::Reading(body),
                    Err(error) => return this.fail(error, cx),
                },
                At::Reading(ObjectBody::Bytes(bytes)) => {
                    let bytes = std::mem::take(bytes);
                    this.at = At::Between;
                    return Poll::Ready(Some(Ok(bytes)));
                }
                At::Reading(ObjectBody::Stream(stream)) => {
                    match ready!(stream.as_mut().poll_next(cx)) {
                        Some(Ok(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                        Some(Err(error)) => return this.fail(error, cx),
                        None => this.at = At::Between,
                    }
                }
            }
        }
    }
}

fn add_nested(pieces: &mut Vec<Piece>, nested: Vec<Piece>) -> Result<(), Error> {
    if pieces.len() + nested.len() > NESTED_PIECES_MAX {
        return Err(broken(
            "large objects in one another have too many segments",
        ));
    }
    pieces.extend(nested);
    Ok(())
}

/// The depth of what lies in a large object that lies so deep itself.
fn deeper(depth: usize) -> Result<usize, Error> {
    match depth < DEPTH_MAX {
        true => Ok(depth + 1),
        false => Err(broken("large objects lie too deep in one another")),
    }
}

/// The bytes of a piece, if the object is still what it must be.
async fn open(engine: Arc<Engine>, caller: Caller, piece: Piece) -> Result<ObjectBody, Error> {
    let (path, expected, range) = match piece {
        Piece::Inline(bytes) => return Ok(ObjectBody::Bytes(bytes)),
        Piece::Stored {
            path,
            expected,
            range,
        } => (path, expected, range),
    };
    let last = range.end.saturating_sub(1);
    let options = ReadObject {
        range: Some(RangeRequest::FromTo(range.start, last)),
        preconditions: match &expected {
            Expected::Unchanged(native) => unchanged(*native),
            Expected::AsListed { .. } => Preconditions::default(),
        },
        ..ReadObject::default()
    };
    let read = engine.read_object(&caller, &path, options).await;
    let read = read.map_err(|error| match error.kind() {
        ErrorKind::Unavailable | ErrorKind::Internal | ErrorKind::ObjectArchived { .. } => error,
        _ => broken(&format!("{}: {error}", path.object)),
    })?;
    if let Expected::AsListed { etag, size } = &expected
        && !is_as_listed(&read, etag, *size)
    {
        return Err(broken(&format!("{} has changed", path.object)));
    }
    Ok(read.body)
}

fn is_as_listed(read: &ObjectRead, etag: &str, size: u64) -> bool {
    let object = SwiftObject::new(read.info.clone(), None);
    object.etag.text == etag && object.size == size
}

/// Of segments with these lengths, in order, the part of each that lies in `range`; nothing where none does.
fn within(
    lengths: impl Iterator<Item = u64>,
    range: &Range<u64>,
) -> impl Iterator<Item = Option<Range<u64>>> {
    let (wanted, mut offset) = (range.clone(), 0_u64);
    lengths.map(move |length| {
        let (from, to) = (offset, offset.saturating_add(length));
        offset = to;
        let (start, end) = (wanted.start.max(from), wanted.end.min(to));
        (start < end).then(|| start - from..end - from)
    })
}

/// The bytes of a range that lies in them.
fn sliced(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    let at = |offset: u64| usize::try_from(offset).map_or(bytes.len(), |at| at.min(bytes.len()));
    bytes.slice(at(range.start)..at(range.end))
}

fn unchanged(native: ETag) -> Preconditions {
    Preconditions {
        if_match: Some(EtagCondition::OneOf(vec![native])),
        if_none_match: None,
    }
}

fn segment_path(namespace: &Namespace, segment: &SegmentRecord) -> Result<ObjectPath, Error> {
    let bucket = container_name(&segment.container);
    let bucket = BucketPath {
        namespace: namespace.clone(),
        bucket: bucket.ok_or_else(|| broken("a segment's container can't exist"))?,
    };
    object_path(&bucket, &segment.object)
}

fn object_path(bucket: &BucketPath, object: &str) -> Result<ObjectPath, Error> {
    Ok(ObjectPath {
        bucket: bucket.clone(),
        object: ObjectName::parse_classic(object.as_bytes())
            .map_err(|error| broken(&error.to_string()))?,
    })
}

fn broken(cause: &str) -> Error {
    Error::from(SwiftRefusal::LargeObjectBroken).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_is_cut_into_the_segments_that_hold_it() {
        let cut = |range: Range<u64>| within([4, 0, 3].into_iter(), &range).collect::<Vec<_>>();
        assert_eq!(cut(0..7), [Some(0..4), None, Some(0..3)]);
        assert_eq!(cut(3..5), [Some(3..4), None, Some(0..1)]);
        assert_eq!(cut(4..4), [None, None, None]);
    }
}
