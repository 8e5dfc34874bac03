//! Writing an object's bytes anew under another encryption, or under none.

use bytes::Bytes;
use parbuckle_blob::BlobId;
use parbuckle_kv::Reader;
use parbuckle_model::BucketId;

use super::{ObjectKey, Sealer, sealed_len};
use crate::collector::WritePin;
use crate::error::Error;
use crate::object::{Place, blobs, inline_bytes, inline_key};
use crate::records::{Content, ObjectRecord, PartBlob};
use crate::{Engine, ObjectPath};

/// The bytes of an object, encrypted otherwise: durable, and named by nothing yet.
pub(crate) struct Recoded {
    pub(crate) bytes: RecodedBytes,
    _pins: Vec<WritePin>,
}

/// Where they are: as many blobs as the object had.
pub(crate) enum RecodedBytes {
    /// To be written with the record.
    Inline(Bytes),
    /// In one blob.
    Blob(PartBlob),
    /// In the blobs of a manifest.
    Parts(Vec<PartBlob>),
}

impl Engine {
    /// Writes the bytes of an object anew: `from` is the key of its encryption record, `to` the key for the new bytes.
    /// `reader` is the snapshot that the record was read from.
    pub(crate) async fn recode(
        &self,
        reader: &dyn Reader,
        path: &ObjectPath,
        bucket: &BucketId,
        (record, place): (&ObjectRecord, Place),
        from: Option<&ObjectKey>,
        to: Option<&ObjectKey>,
    ) -> Result<Recoded, Error> {
        if let Content::Inline(crc) = &record.content {
            let key = inline_key(path, bucket, place, &record.version_id);
            let stored = reader.get_many(&[key]).await?.pop().flatten();
            let bytes = inline_bytes(stored, *crc, from)?;
            return Ok(Recoded {
                bytes: RecodedBytes::Inline(recode_inline(bytes, to)),
                _pins: Vec::new(),
            });
        }
        let old = blobs(reader, &path.bucket.namespace, record).await?;
        let (mut new, mut pins) = (Vec::with_capacity(old.len()), Vec::new());
        for part in &old {
            let (part, pin) = self.recode_blob(part, from, to).await?;
            new.push(part);
            pins.push(pin);
        }
        let bytes = match (&record.content, &new[..]) {
            (Content::Blob(_), [blob]) => RecodedBytes::Blob(*blob),
            _ => RecodedBytes::Parts(new),
        };
        Ok(Recoded { bytes, _pins: pins })
    }

    /// The same for one blob.
    pub(crate) async fn recode_blob(
        &self,
        part: &PartBlob,
        from: Option<&ObjectKey>,
        to: Option<&ObjectKey>,
    ) -> Result<(PartBlob, WritePin), Error> {
        let len = part.plain_len();
        let mut stream = self.open_parts(&[*part], from.cloned(), 0..len).await?;
        let id = BlobId(self.random());
        let pin = self.pins.pin_written(id);
        let salt = self.random();
        let mut sealer = to.map(|key| Sealer::new(key.piece(&salt)));
        let stored_len = match &sealer {
            Some(_) => sealed_len(len),
            None => len,
        };
        let mut writer = self.blobs.create(id, Some(stored_len)).await?;
        while let Some(piece) = stream.next().await {
            let piece = piece?;
            let stored = match &mut sealer {
                Some(sealer) => sealer.seal(&piece),
                None => piece,
            };
            if !stored.is_empty() {
                writer.write(stored).await?;
            }
        }
        let encrypted = sealer.is_some();
        if let Some(sealer) = sealer {
            writer.write(sealer.finish()).await?;
        }
        let new = PartBlob::new(id, writer.seal().await?);
        Ok(match encrypted {
            true => (new.encrypted(salt), pin),
            false => (new, pin),
        })
    }
}

/// Inline data as it is stored under the key, or without one.
pub(crate) fn recode_inline(plain: Bytes, to: Option<&ObjectKey>) -> Bytes {
    match to {
        Some(key) => key.inline_piece().seal(&plain),
        None => plain,
    }
}
