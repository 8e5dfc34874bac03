//! Reading objects, large ones as a whole (swift-v1-wire.md sections 7, 9 and 10).

use std::ops::Range;
use std::sync::Arc;

use parbuckle_iam::permission::{Operation, Permission};
use parbuckle_model::{EtagCondition, Preconditions, RangeRequest};

use super::conditions::{ReadConditions, Verdict, resolve};
use super::large::{Piece, PiecesStream};
use super::object::{DynamicManifest, SwiftObject, missing};
use crate::authority::{Act, Need};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::object::{Found, ObjectBody, Place, ReadObject, find};
use crate::{Engine, ObjectPath};

/// How often an object that changes while it is opened is looked at again.
const TRIES: usize = 5;

/// How to read an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SwiftRead {
    /// Conditions on etag and time.
    pub conditions: ReadConditions,
    /// The ranges asked for, in order; none means all. Several of a dynamic large object are as good as none.
    pub ranges: Vec<RangeRequest>,
    /// Read the manifest of a large object as it is stored, and not what it stands for.
    pub manifest: bool,
    /// Read this segment of a static large object, counted from 1, instead of ranges. Other objects ignore it.
    pub part_number: Option<u64>,
}

/// What became of a read. Where an object is part of it, its headers go into the answer.
#[derive(Debug)]
pub enum ReadOutcome<T> {
    /// It was read.
    Found(T),
    /// The client's copy is current.
    NotModified(Box<SwiftObject>),
    /// A condition does not hold; the object may be missing.
    PreconditionFailed(Option<Box<SwiftObject>>),
    /// No range lies in the object.
    RangeUnsatisfiable(Box<SwiftObject>),
}

/// An object that is being read.
pub struct SwiftContent {
    /// All about it.
    pub object: SwiftObject,
    /// The bytes of each body (start inclusive, end exclusive); nothing when it is the whole object.
    pub ranges: Vec<Range<u64>>,
    /// One body for each range, or one for the whole object. An error ends one early, and then the reply must not look
    /// complete.
    pub bodies: Vec<ObjectBody>,
    /// Number of segments, where one of them was asked for by number.
    pub part_count: Option<usize>,
}

impl Engine {
    /// All about an object, of a large one all about the whole. Ranges and part numbers are ignored. Permission:
    /// OBJECT_READ or OBJECT_INSPECT, or a read ACL.
    pub async fn swift_head_object(
        self: &Arc<Self>,
        caller: &Caller,
        path: &ObjectPath,
        read: &SwiftRead,
    ) -> Result<ReadOutcome<SwiftObject>, Error> {
        let found = self
            .looked_up(caller, path, Operation::HeadObject, read)
            .await?;
        self.judged(caller, path, read, found).await
    }

    /// Reads an object. Permission: OBJECT_READ, or a read ACL; for large objects on each segment, and for dynamic ones
    /// OBJECT_INSPECT on the segments' container besides.
    ///
    /// A large object whose first segment can't be read is refused with
    /// [`LargeObjectBroken`](super::SwiftRefusal::LargeObjectBroken); a later one ends the body early. An archived object is
    /// refused with [`ErrorKind::ObjectArchived`].
    pub async fn swift_read_object(
        self: &Arc<Self>,
        caller: &Caller,
        path: &ObjectPath,
        read: &SwiftRead,
    ) -> Result<ReadOutcome<SwiftContent>, Error> {
        for _ in 0..TRIES {
            let found = self
                .looked_up(caller, path, Operation::GetObject, read)
                .await?;
            let object = match self.judged(caller, path, read, found).await? {
                ReadOutcome::Found(object) => object,
                ReadOutcome::NotModified(object) => return Ok(ReadOutcome::NotModified(object)),
                ReadOutcome::PreconditionFailed(object) => {
                    return Ok(ReadOutcome::PreconditionFailed(object));
                }
                ReadOutcome::RangeUnsatisfiable(object) => {
                    return Ok(ReadOutcome::RangeUnsatisfiable(object));
                }
            };
            match self.opened(caller, path, read, object).await {
                // It has been replaced since it was looked at.
                Err(error) if matches!(error.kind(), ErrorKind::IfMatchFailed) => {}
                done => return done,
            }
        }
        Err(ErrorKind::ConcurrentUpdate.into())
    }

    /// The object as it is stored, if there is one. In a missing container there is none, where conditions ask for one.
    pub(super) async fn looked_up(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        operation: Operation,
        read: &SwiftRead,
    ) -> Result<Option<SwiftObject>, Error> {
        match self.find_object(caller, path, operation).await {
            Err(error)
                if read.conditions.need_existence()
                    && matches!(error.kind(), ErrorKind::BucketNotFound { .. }) =>
            {
                Ok(None)
            }
            found => found,
        }
    }

    /// The object as it is stored, if there is one. Its rights are asked first.
    pub(super) async fn find_object(
        &self,
        caller: &Caller,
        path: &ObjectPath,
        operation: Operation,
    ) -> Result<Option<SwiftObject>, Error> {
        let reader = self.kv.snapshot().await?;
        let access = self.enter(&*reader, caller, &path.bucket).await?;
        let need = match operation {
            Operation::HeadObject => {
                Need::Any(&[Permission::ObjectRead, Permission::ObjectInspect])
            }
            _ => Need::All(&[Permission::ObjectRead]),
        };
        access.require(operation, need, Act::ReadObject(&path.object))?;
        let found = find(&*reader, path, &access.bucket.id, None).await?;
        Ok(match found {
            Some(Found::Object(record, Place::Current)) if !record.has_expired(self.now()) => {
                Some(record.into())
            }
            _ => None,
        })
    }

    /// The object as the client sees it, if the conditions let him.
    pub(super) async fn judged(
        self: &Arc<Self>,
        caller: &Caller,
        path: &ObjectPath,
        read: &SwiftRead,
        found: Option<SwiftObject>,
    ) -> Result<ReadOutcome<SwiftObject>, Error> {
        let Some(mut object) = found else {
            return match read.conditions.need_existence() {
                true => Ok(ReadOutcome::PreconditionFailed(None)),
                false => Err(missing(path)),
            };
        };
        if read.manifest {
            object = object.as_stored();
        } else if let Some(dynamic) = dynamic_of(&object) {
            let whole = self
                .dynamic_whole(caller, &path.bucket.namespace, dynamic)
                .await?;
            (object.etag, object.size) = (whole.etag, whole.size);
        }
        Ok(
            match read.conditions.judge(&object.etag, object.time_modified) {
                Verdict::Proceed => ReadOutcome::Found(object),
                Verdict::NotModified => ReadOutcome::NotModified(Box::new(object)),
                Verdict::Failed => ReadOutcome::PreconditionFailed(Some(Box::new(object))),
            },
        )
    }

    async fn opened(
        self: &Arc<Self>,
        caller: &Caller,
        path: &ObjectPath,
        read: &SwiftRead,
        object: SwiftObject,
    ) -> Result<ReadOutcome<SwiftContent>, Error> {
        let is_dynamic = dynamic_of(&object).is_some() && !read.manifest;
        let is_static = object.is_static && !read.manifest;
        let mut part_count = None;
        let ranges = match read.part_number.filter(|_| is_static) {
            Some(number) => {
                let parts = self.segment_ranges(caller, path, &object).await?;
                part_count = Some(parts.len());
                let at = number
                    .checked_sub(1)
                    .and_then(|at| usize::try_from(at).ok());
                at.and_then(|at| parts.get(at))
                    .map(|range| vec![range.clone()])
            }
            None if is_dynamic && read.ranges.len() > 1 => Some(Vec::new()),
            None => resolve(&read.ranges, object.size),
        };
        let Some(ranges) = ranges else {
            return Ok(ReadOutcome::RangeUnsatisfiable(Box::new(object)));
        };
        let bodies = if is_dynamic || is_static {
            self.large_bodies(caller, path, &object, &ranges).await?
        } else {
            self.plain_bodies(caller, path, &object, &ranges).await?
        };
        Ok(ReadOutcome::Found(SwiftContent {
            object,
            ranges,
            bodies,
            part_count,
        }))
    }

    async fn plain_bodies(
        self: &Arc<Self>,
        caller: &Caller,
        path: &ObjectPath,
        object: &SwiftObject,
        ranges: &[Range<u64>],
    ) -> Result<Vec<ObjectBody>, Error> {
        // The first is opened now, so that what can't be read is refused. The others wait for their turn.
        let (first, others) = match ranges.split_first() {
            None => (None, &[][..]),
            Some((first, others)) => (Some(first), others),
        };
        let options = ReadObject {
            range: first
                .map(|range| RangeRequest::FromTo(range.start, range.end.saturating_sub(1))),
            preconditions: Preconditions {
                if_match: Some(EtagCondition::OneOf(vec![object.native])),
                if_none_match: None,
            },
            ..ReadObject::default()
        };
        let mut bodies = vec![self.read_object(caller, path, options).await?.body];
        bodies.extend(others.iter().map(|range| {
            let piece = Piece::unchanged(path.clone(), object.native, range.clone());
            ObjectBody::Stream(Box::pin(PiecesStream::new(self, caller, vec![piece])))
        }));
        Ok(bodies)
    }

    async fn large_bodies(
        self: &Arc<Self>,
        caller: &Caller,
        path: &ObjectPath,
        object: &SwiftObject,
        ranges: &[Range<u64>],
    ) -> Result<Vec<ObjectBody>, Error> {
        let whole = 0..object.size;
        let ranges = if ranges.is_empty() {
            std::slice::from_ref(&whole)
        } else {
            ranges
        };
        let mut bodies = Vec::with_capacity(ranges.len());
        for range in ranges {
            let pieces = self.pieces(caller, path, object, range.clone(), 0).await?;
            let mut stream = PiecesStream::new(self, &caller.of_segments(), pieces);
            if bodies.is_empty() {
                stream.open_first().await?;
            }
            bodies.push(ObjectBody::Stream(Box::pin(stream)));
        }
        Ok(bodies)
    }
}

/// What a dynamic large object stands for. One that is static besides is static only.
pub(super) fn dynamic_of(object: &SwiftObject) -> Option<&DynamicManifest> {
    object.fields.dynamic.as_ref().filter(|_| !object.is_static)
}
