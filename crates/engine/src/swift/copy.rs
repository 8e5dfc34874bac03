//! Copying objects (swift-v1-wire.md section 8).

use std::sync::Arc;

use parbuckle_model::{RangeRequest, UserMetadata};

use super::METADATA_STORED_BYTES_MAX;
use super::body::as_request;
use super::conditions::ReadConditions;
use super::object::{ObjectFields, PutSwiftObject, SwiftObject};
use super::read::{ReadOutcome, SwiftRead};
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
    /// The copy has the request's headers and metadata only, and the source's content type.
    pub fresh: bool,
    /// What is copied of it; nothing means all.
    pub range: Option<RangeRequest>,
    /// The segment of a static large object that is copied, counted from 1, instead of a range. Other objects ignore it.
    pub part_number: Option<u64>,
    /// Conditions on the source.
    pub conditions: ReadConditions,
    /// Copy the manifest of a large object, and not what it stands for.
    pub manifest: bool,
    /// Only where there is no object at the target.
    pub only_new: bool,
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
    /// ([`Engine::swift_put_manifest`], which also says what `show` is).
    pub async fn swift_copy_object(
        self: &Arc<Self>,
        caller: &Caller,
        source: &ObjectPath,
        target: &ObjectPath,
        copy: CopySwiftObject,
        show: &ShowManifest,
    ) -> Result<ReadOutcome<CopiedObject>, Error> {
        let read = SwiftRead {
            conditions: copy.conditions.clone(),
            ranges: Vec::from_iter(copy.range),
            manifest: copy.manifest,
            part_number: copy.part_number,
        };
        let mut content = match self.swift_read_object(caller, source, &read).await? {
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
        let is_whole_manifest = copy.manifest && copy.range.is_none();
        let mut fields = merged(&object.fields, &copy)?;
        if !is_whole_manifest {
            fields.dynamic = copy.fields.dynamic.clone();
        }
        let put = PutSwiftObject {
            fields,
            md5: None,
            only_new: copy.only_new,
        };
        let made = if object.is_static && is_whole_manifest {
            let segments = self.segments(caller, source, &object).await?;
            let segments: Vec<_> = segments.into_iter().map(NewSegment::from).collect();
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
}

/// The source's headers and metadata with those of the request.
fn merged(source: &ObjectFields, copy: &CopySwiftObject) -> Result<ObjectFields, Error> {
    let (was, mut new) = (source, copy.fields.clone());
    let attributes = &mut new.attributes;
    attributes.content_type = attributes
        .content_type
        .take()
        .or(was.attributes.content_type.clone());
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
    new.dynamic = new.dynamic.or(was.dynamic.clone());
    Ok(new)
}
