//! Copying objects (swift-v1-wire.md section 8).

use std::sync::Arc;

use parbuckle_model::{RangeRequest, UserMetadata};

use super::METADATA_STORED_BYTES_MAX;
use super::body::as_request;
use super::conditions::ReadConditions;
use super::object::{ObjectFields, PutSwiftObject, SwiftObject};
use super::read::{ReadOutcome, SwiftContent, SwiftRead};
use super::slo::{NewSegment, ShowManifest};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind};
use crate::object::ObjectBody;
use crate::{Engine, ObjectPath};

/// How to copy an object.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CopySwiftObject {
    /// Headers and metadata that the request brings: they replace the source's, item by item.
    pub fields: ObjectFields,
    /// The copy has the request's headers and metadata only, and the source's content type. A copied manifest still stands
    /// for what the source stands for.
    pub fresh: bool,
    /// What is copied of it: the one of these that lies in it. None mean all, and so do several that lie in it.
    pub ranges: Vec<RangeRequest>,
    /// The segment of a static large object that is copied, counted from 1, instead of a range. Other objects ignore it.
    pub part_number: Option<u64>,
    /// Conditions on the source.
    pub conditions: ReadConditions,
    /// Copy the manifest of a large object, and not what it stands for.
    pub manifest: bool,
    /// Only where there is no object at the target.
    pub only_new: bool,
    /// The MD5 that the copy must have (`ETag`), or else [`ErrorKind::ContentMismatch`]; of a copied manifest, that of the
    /// whole ([`SwiftRefusal::EtagMismatch`](super::SwiftRefusal::EtagMismatch)). It does not count where a plain object is copied as a whole.
    pub md5: Option<[u8; 16]>,
}

/// A copy and its source.
#[derive(Debug)]
pub struct CopiedObject {
    /// The copy.
    pub copy: SwiftObject,
    /// The source.
    pub source: SwiftObject,
}

impl Engine {
    /// Copies an object; onto itself it changes its metadata. The content of a large object is copied into a plain one
    /// unless its manifest is asked for. Permissions: those of [`Engine::swift_read_object`] on the source and of
    /// [`Engine::swift_put_object`] on the target, whose refusals these are too. A copied manifest of a static large object
    /// is put like a new one: its segments must be there, in the target's account, as it has them
    /// ([`Engine::swift_put_manifest`], which also says what `show` is), and the target must be none of them.
    pub async fn swift_copy_object(
        self: &Arc<Self>,
        caller: &Caller,
        source: &ObjectPath,
        target: &ObjectPath,
        copy: CopySwiftObject,
        show: &ShowManifest,
    ) -> Result<ReadOutcome<CopiedObject>, Error> {
        let mut content = match self.to_copy(caller, source, &copy).await? {
            ReadOutcome::Found(content) => content,
            ReadOutcome::NotModified(object) => return Ok(ReadOutcome::NotModified(object)),
            ReadOutcome::PreconditionFailed(object) => {
                return Ok(ReadOutcome::PreconditionFailed(object));
            }
            ReadOutcome::RangeUnsatisfiable(object) => {
                return Ok(ReadOutcome::RangeUnsatisfiable(object));
            }
        };
        let whole = match copy.manifest {
            true => content.object.stored_size,
            false => content.object.size,
        };
        let length = content
            .ranges
            .first()
            .map_or(whole, |range| range.end - range.start);
        let body = content
            .bodies
            .pop()
            .unwrap_or(ObjectBody::Bytes(bytes::Bytes::new()));
        let object = content.object;
        let is_whole_manifest = copy.manifest && content.ranges.is_empty();
        let is_plain = !object.is_static && (copy.manifest || object.fields.dynamic.is_none());
        let mut fields = merged(&object.fields, &copy)?;
        if !is_whole_manifest {
            fields.dynamic = copy.fields.dynamic.clone();
        }
        let put = PutSwiftObject {
            fields,
            md5: copy.md5.filter(|_| !is_plain || !content.ranges.is_empty()),
            only_new: copy.only_new,
        };
        let made = if object.is_static && is_whole_manifest {
            let segments = self.segments(caller, source, &object).await?;
            let segments: Vec<_> = segments.into_iter().map(NewSegment::from).collect();
            refuse_loop(&segments, target)?;
            self.swift_put_manifest(caller, target, put, &segments, show)
                .await?
        } else {
            self.put_stored(caller, target, put, None, as_request(body, length))
                .await?
        };
        Ok(ReadOutcome::Found(CopiedObject {
            copy: made,
            source: object,
        }))
    }

    /// What is copied of an object.
    async fn to_copy(
        self: &Arc<Self>,
        caller: &Caller,
        source: &ObjectPath,
        copy: &CopySwiftObject,
    ) -> Result<ReadOutcome<SwiftContent>, Error> {
        let mut read = SwiftRead {
            conditions: copy.conditions.clone(),
            ranges: copy.ranges.clone(),
            manifest: copy.manifest,
            part_number: copy.part_number,
        };
        match self.swift_read_object(caller, source, &read).await? {
            ReadOutcome::Found(content) if content.ranges.len() > 1 => {
                read.ranges.clear();
                self.swift_read_object(caller, source, &read).await
            }
            found => Ok(found),
        }
    }
}

/// Refuses a manifest that would name itself.
fn refuse_loop(segments: &[NewSegment], target: &ObjectPath) -> Result<(), Error> {
    let (bucket, object) = (target.bucket.bucket.as_str(), target.object.as_str());
    let is_target = |segment: &NewSegment| segment.container == bucket && segment.object == object;
    let own = segments.iter().enumerate().filter(|(_, s)| is_target(s));
    let refusal: String = own
        .map(|(at, _)| format!("Index {at}: manifest must not include itself as a segment\n"))
        .collect();
    match refusal.is_empty() {
        true => Ok(()),
        false => Err(ErrorKind::InvalidParameter(refusal).into()),
    }
}

/// The source's headers and metadata with those of the request.
fn merged(source: &ObjectFields, copy: &CopySwiftObject) -> Result<ObjectFields, Error> {
    let (was, mut new) = (source, copy.fields.clone());
    let attributes = &mut new.attributes;
    attributes.content_type = attributes
        .content_type
        .take()
        .or(was.attributes.content_type.clone());
    new.dynamic = new.dynamic.or(was.dynamic.clone());
    if copy.fresh {
        return Ok(new);
    }
    let pairs = was
        .attributes
        .metadata
        .iter()
        .chain(copy.fields.attributes.metadata.iter());
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    attributes.metadata = UserMetadata::within(METADATA_STORED_BYTES_MAX, pairs)
        .map_err(|error| Error::from(ErrorKind::InvalidParameter(error.to_string())))?;
    let was_attributes = was.attributes.clone();
    attributes.content_language = attributes
        .content_language
        .take()
        .or(was_attributes.content_language);
    attributes.content_encoding = attributes
        .content_encoding
        .take()
        .or(was_attributes.content_encoding);
    attributes.content_disposition = attributes
        .content_disposition
        .take()
        .or(was_attributes.content_disposition);
    attributes.cache_control = attributes
        .cache_control
        .take()
        .or(was_attributes.cache_control);
    new.expires = new.expires.or(was.expires.clone());
    new.robots = new.robots.or(was.robots.clone());
    new.delete_at = new.delete_at.or(was.delete_at);
    Ok(new)
}
