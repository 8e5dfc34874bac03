//! Copying the bytes of an object as they are stored, encrypted or not: what a record says of them (digests, parts, the
//! key they are encrypted with) is true of the copy as well. Only where the copy must not be encrypted as the object is,
//! its bytes are written anew.

use bytes::Bytes;
use parbuckle_blob::BlobId;
use parbuckle_kv::Reader;
use parbuckle_model::BucketId;

use super::content::{blobs, crc32c, inline_bytes};
use super::find::{Place, inline_key};
use crate::collector::{Pin, WritePin};
use crate::encryption::{ObjectKey, recode_inline};
use crate::error::Error;
use crate::records::{Content, KeptBytes, ManifestRecord, ObjectRecord, PartBlob};
use crate::transact::Tx;
use crate::{Engine, ObjectPath, keys};

/// The stored bytes of an object, kept from the collector until they are copied.
pub(crate) struct SourceContent {
    bytes: Stored,
    _pin: Pin,
}

/// A copy of them: durable, and named by nothing until [`CopiedContent::attach`].
pub(crate) struct CopiedContent {
    bytes: Stored,
    /// The id of its manifest, if it has one.
    manifest: [u8; 16],
    _pins: Vec<WritePin>,
}

/// The keys under which bytes are and shall be; nothing where they are not encrypted.
#[derive(Clone)]
pub(crate) struct Recoding {
    pub(crate) from: Option<ObjectKey>,
    pub(crate) to: Option<ObjectKey>,
}

enum Stored {
    /// With their CRC32C.
    Inline(Bytes, u32),
    Blob(PartBlob),
    Parts(Vec<PartBlob>),
}

impl SourceContent {
    /// Number of bytes that are to be copied.
    pub(crate) fn len(&self) -> u64 {
        match &self.bytes {
            Stored::Inline(bytes, _) => bytes.len() as u64,
            Stored::Blob(blob) => blob.sealed().len,
            Stored::Parts(parts) => parts.iter().map(|part| part.sealed().len).sum(),
        }
    }

    /// What is kept of it for later: [`Engine::kept_content`].
    pub(crate) fn kept(&self) -> KeptBytes {
        match &self.bytes {
            Stored::Inline(bytes, crc) => KeptBytes::Inline(bytes.to_vec(), *crc),
            Stored::Blob(blob) => KeptBytes::Blob(*blob),
            Stored::Parts(parts) => KeptBytes::Parts(parts.clone()),
        }
    }
}

impl CopiedContent {
    /// What a record says that has this content.
    pub(crate) fn content(&self) -> Content {
        match &self.bytes {
            Stored::Inline(_, crc) => Content::Inline(*crc),
            Stored::Blob(blob) => Content::Blob(*blob),
            Stored::Parts(_) => Content::Manifest(self.manifest),
        }
    }

    /// Writes what the record's content names. Call it after [`Engine::place_object`], with the record's name.
    pub(crate) fn attach(&self, tx: &Tx, path: &ObjectPath, bucket: &BucketId) {
        let namespace = &path.bucket.namespace;
        match &self.bytes {
            Stored::Inline(bytes, _) => {
                let key = keys::inline_data(namespace, bucket, &path.object);
                tx.put_raw(key, bytes.clone());
            }
            // Its owner marker is written where the object is placed.
            Stored::Blob(_) => {}
            Stored::Parts(parts) => {
                for part in parts {
                    tx.put_raw(keys::blob_owner(part.id), Bytes::new());
                }
                let manifest = ManifestRecord {
                    parts: parts.clone(),
                };
                tx.put(keys::manifest(namespace, &self.manifest), &manifest);
            }
        }
    }
}

impl Engine {
    /// Finds the bytes of an object's record. `reader` is not needed any more once this has returned.
    pub(crate) async fn source_content(
        &self,
        reader: &dyn Reader,
        path: &ObjectPath,
        bucket: &BucketId,
        record: &ObjectRecord,
        place: Place,
    ) -> Result<SourceContent, Error> {
        let bytes = match &record.content {
            Content::Blob(blob) => Stored::Blob(*blob),
            Content::Inline(crc) => {
                let key = inline_key(path, bucket, place, &record.version_id);
                let found = reader.get_many(&[key]).await?.pop().flatten();
                Stored::Inline(inline_bytes(found, *crc, None)?, *crc)
            }
            Content::Manifest(_) => {
                Stored::Parts(blobs(reader, &path.bucket.namespace, record).await?)
            }
        };
        Ok(self.pinned(bytes))
    }

    /// The bytes that were kept when the object was found, whatever has become of it since.
    pub(crate) fn kept_content(&self, kept: KeptBytes) -> Result<SourceContent, Error> {
        let bytes = match kept {
            KeptBytes::Inline(bytes, crc) => {
                Stored::Inline(inline_bytes(Some(bytes.into()), crc, None)?, crc)
            }
            KeptBytes::Blob(blob) => Stored::Blob(blob),
            KeptBytes::Parts(parts) => Stored::Parts(parts),
        };
        Ok(self.pinned(bytes))
    }

    fn pinned(&self, bytes: Stored) -> SourceContent {
        let pin = match &bytes {
            Stored::Inline(..) => self.pins.pin([]),
            Stored::Blob(blob) => self.pins.pin([blob.id]),
            Stored::Parts(parts) => self.pins.pin(parts.iter().map(|part| part.id)),
        };
        SourceContent { bytes, _pin: pin }
    }

    /// Copies those bytes, verified while they are read. `step` hears of each piece how many bytes it had, and ends the
    /// copy with its error. What a copy that is not attached has written, the collector removes.
    pub(crate) async fn copy_content<F, Fut>(
        &self,
        source: &SourceContent,
        step: F,
    ) -> Result<CopiedContent, Error>
    where
        F: Fn(u64) -> Fut,
        Fut: Future<Output = Result<(), Error>>,
    {
        let mut pins = Vec::new();
        let bytes = match &source.bytes {
            Stored::Inline(bytes, crc) => Stored::Inline(bytes.clone(), *crc),
            Stored::Blob(blob) => {
                let (copy, pin) = self.copy_blob(blob, &step).await?;
                pins.push(pin);
                Stored::Blob(copy)
            }
            Stored::Parts(parts) => {
                let mut copies = Vec::with_capacity(parts.len());
                for part in parts {
                    let (copy, pin) = self.copy_blob(part, &step).await?;
                    pins.push(pin);
                    copies.push(copy);
                }
                Stored::Parts(copies)
            }
        };
        Ok(self.copied(bytes, pins))
    }

    /// The same, encrypted otherwise than the source. `step` hears of each blob when it is written.
    pub(crate) async fn recode_content<F, Fut>(
        &self,
        source: &SourceContent,
        recoding: &Recoding,
        step: F,
    ) -> Result<CopiedContent, Error>
    where
        F: Fn(u64) -> Fut,
        Fut: Future<Output = Result<(), Error>>,
    {
        let (from, to) = (recoding.from.as_ref(), recoding.to.as_ref());
        let mut pins = Vec::new();
        let bytes = match &source.bytes {
            Stored::Inline(bytes, crc) => {
                let plain = inline_bytes(Some(bytes.clone()), *crc, from)?;
                let stored = recode_inline(plain, to);
                let crc = crc32c(&stored);
                Stored::Inline(stored, crc)
            }
            Stored::Blob(blob) => {
                let (copy, pin) = self.recode_blob(blob, from, to).await?;
                pins.push(pin);
                Stored::Blob(copy)
            }
            Stored::Parts(parts) => {
                let mut copies = Vec::with_capacity(parts.len());
                for part in parts {
                    let (copy, pin) = self.recode_blob(part, from, to).await?;
                    pins.push(pin);
                    copies.push(copy);
                    step(part.sealed().len).await?;
                }
                Stored::Parts(copies)
            }
        };
        Ok(self.copied(bytes, pins))
    }

    fn copied(&self, bytes: Stored, pins: Vec<WritePin>) -> CopiedContent {
        CopiedContent {
            bytes,
            manifest: self.random(),
            _pins: pins,
        }
    }

    async fn copy_blob<F, Fut>(
        &self,
        source: &PartBlob,
        step: &F,
    ) -> Result<(PartBlob, WritePin), Error>
    where
        F: Fn(u64) -> Fut,
        Fut: Future<Output = Result<(), Error>>,
    {
        let len = source.sealed().len;
        let blob = self.blobs.open(source.id, source.sealed()).await?;
        let id = BlobId(self.random());
        let pin = self.pins.pin_written(id);
        let mut writer = self.blobs.create(id, Some(len)).await?;
        let mut stream = blob.read(0..len);
        while let Some(piece) = std::future::poll_fn(|cx| stream.as_mut().poll_next(cx)).await {
            let piece = piece?;
            let bytes = piece.len() as u64;
            writer.write(piece).await?;
            step(bytes).await?;
        }
        let sealed = writer.seal().await?;
        // All else about the part holds for its copy.
        let mut copy = *source;
        (copy.id, copy.len, copy.check) = (id, sealed.len, sealed.check);
        Ok((copy, pin))
    }
}
