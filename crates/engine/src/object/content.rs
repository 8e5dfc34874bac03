//! From a record's content to verified bytes.

use std::collections::VecDeque;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use parbuckle_blob::{Blob, ByteStream};
use parbuckle_kv::Reader;
use parbuckle_model::Namespace;

use crate::collector::Pin as BlobPin;
use crate::encryption::{ObjectKey, opened};
use crate::error::{Error, ErrorKind};
use crate::records::{self, Content, ManifestRecord, ObjectRecord, PartBlob};
use crate::{Engine, keys};

/// The bytes of an object or of a range of it.
pub enum ObjectBody {
    /// All of them.
    Bytes(Bytes),
    /// In pieces; an error ends them early, and then the reply must not look complete.
    Stream(Pin<Box<dyn Stream<Item = Result<Bytes, Error>> + Send>>),
}

impl Engine {
    /// Opens the bytes of `range` (within the size) of an object. Damage at the beginning shows here, later damage in
    /// the stream. `key` is that of its encryption record ([`Engine::object_key`]).
    pub(super) async fn object_body(
        &self,
        reader: &dyn Reader,
        namespace: &Namespace,
        record: &ObjectRecord,
        inline: Option<Bytes>,
        key: Option<ObjectKey>,
        range: Range<u64>,
    ) -> Result<ObjectBody, Error> {
        let parts = match &record.content {
            Content::Inline(crc) => {
                let bytes = inline_bytes(inline, *crc, key.as_ref())?;
                return inline_body(&bytes, record.size, range);
            }
            Content::Blob(_) | Content::Manifest(_) => blobs(reader, namespace, record).await?,
        };
        let stream = self.open_parts(&parts, key, range).await?;
        Ok(ObjectBody::Stream(Box::pin(stream)))
    }

    /// Opens the bytes of `range` of these parts together. Each has a salt exactly if there is a key.
    pub(crate) async fn open_parts(
        &self,
        parts: &[PartBlob],
        key: Option<ObjectKey>,
        range: Range<u64>,
    ) -> Result<PartsStream, Error> {
        if parts
            .iter()
            .any(|part| part.salt.is_some() != key.is_some())
        {
            let text = "an object and its parts differ in whether they are encrypted";
            return Err(Error::from(ErrorKind::Internal).because(text));
        }
        let pieces = pieces(parts, range);
        let mut stream = PartsStream {
            blobs: Arc::clone(&self.blobs),
            _pin: self.pins.pin(pieces.iter().map(|(part, _)| part.id)),
            key,
            waiting: pieces,
            at: At::Between,
        };
        stream.open_first().await?;
        Ok(stream)
    }
}

/// The blobs of an object, in order; none of inline data.
pub(crate) async fn blobs(
    reader: &dyn Reader,
    namespace: &Namespace,
    record: &ObjectRecord,
) -> Result<Vec<PartBlob>, Error> {
    let id = match &record.content {
        Content::Inline(_) => return Ok(Vec::new()),
        Content::Blob(blob) => return Ok(vec![*blob]),
        Content::Manifest(id) => id,
    };
    let stored = reader
        .get_many(&[keys::manifest(namespace, id)])
        .await?
        .pop()
        .flatten();
    let manifest = records::decode_optional::<ManifestRecord>(stored.as_ref())?;
    let missing = || Error::from(ErrorKind::Internal).because("an object's manifest is missing");
    Ok(manifest.ok_or_else(missing)?.parts)
}

/// Inline data as it was before it was encrypted, checked.
pub(crate) fn inline_bytes(
    stored: Option<Bytes>,
    crc: u32,
    key: Option<&ObjectKey>,
) -> Result<Bytes, Error> {
    let bytes = stored.ok_or_else(|| damaged_inline("is missing"))?;
    if crc32c(&bytes) != crc {
        return Err(damaged_inline("is damaged"));
    }
    match key {
        Some(key) => key
            .inline_piece()
            .open(&bytes)
            .ok_or_else(|| damaged_inline("is not what was encrypted")),
        None => Ok(bytes),
    }
}

fn inline_body(bytes: &Bytes, size: u64, range: Range<u64>) -> Result<ObjectBody, Error> {
    if bytes.len() as u64 != size {
        return Err(damaged_inline("has another length"));
    }
    let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end)) else {
        return Err(damaged_inline("has an impossible range"));
    };
    Ok(ObjectBody::Bytes(bytes.slice(start..end)))
}

fn damaged_inline(how: &str) -> Error {
    Error::from(ErrorKind::Internal).because(format!("inline data of an object {how}"))
}

/// CRC32C, as inline data is guarded with.
pub(crate) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// The parts that hold `range`, each with the range within it; all of them before encryption.
fn pieces(parts: &[PartBlob], range: Range<u64>) -> VecDeque<(PartBlob, Range<u64>)> {
    let mut pieces = VecDeque::new();
    let mut offset = 0;
    for part in parts {
        let len = part.plain_len();
        let (start, end) = (range.start.max(offset), range.end.min(offset + len));
        if start < end {
            pieces.push_back((*part, start - offset..end - offset));
        }
        offset += len;
    }
    pieces
}

/// One part after the other; each is opened when the one before it has ended.
pub(crate) struct PartsStream {
    blobs: Arc<dyn parbuckle_blob::Store>,
    /// Replaced blobs stay while they are being read.
    _pin: BlobPin,
    key: Option<ObjectKey>,
    waiting: VecDeque<(PartBlob, Range<u64>)>,
    at: At,
}

type Opening = Pin<Box<dyn Future<Output = Result<Arc<dyn Blob>, parbuckle_blob::Error>> + Send>>;

enum At {
    Between,
    Opening(Opening, PartBlob, Range<u64>),
    Reading(ByteStream),
}

impl PartsStream {
    /// The next bytes.
    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Error>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }

    async fn open_first(&mut self) -> Result<(), Error> {
        if let Some((part, range)) = self.waiting.pop_front() {
            let blob = self.blobs.open(part.id, part.sealed()).await?;
            self.at = At::Reading(self.read(blob, &part, range));
        }
        Ok(())
    }

    fn next_part(&mut self) -> Option<At> {
        let (part, range) = self.waiting.pop_front()?;
        let blobs = Arc::clone(&self.blobs);
        Some(At::Opening(
            Box::pin(async move { blobs.open(part.id, part.sealed()).await }),
            part,
            range,
        ))
    }

    fn read(&self, blob: Arc<dyn Blob>, part: &PartBlob, range: Range<u64>) -> ByteStream {
        match (&self.key, part.salt) {
            (Some(key), Some(salt)) => opened(key.piece(&salt.into()), blob, part.len, range),
            _ => blob.read(range),
        }
    }
}

impl Stream for PartsStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            match &mut this.at {
                At::Between => match this.next_part() {
                    Some(opening) => this.at = opening,
                    None => return Poll::Ready(None),
                },
                At::Opening(opening, part, range) => match ready!(opening.as_mut().poll(cx)) {
                    Ok(blob) => {
                        let (part, range) = (*part, range.clone());
                        this.at = At::Reading(this.read(blob, &part, range));
                    }
                    Err(error) => return Poll::Ready(Some(Err(this.fail(error)))),
                },
                At::Reading(stream) => match ready!(stream.as_mut().poll_next(cx)) {
                    Some(Ok(bytes)) => return Poll::Ready(Some(Ok(bytes))),
                    Some(Err(error)) => return Poll::Ready(Some(Err(this.fail(error)))),
                    None => this.at = At::Between,
                },
            }
        }
    }
}

impl PartsStream {
    fn fail(&mut self, error: parbuckle_blob::Error) -> Error {
        self.waiting.clear();
        self.at = At::Between;
        error.into()
    }
}

#[cfg(test)]
mod tests {
    use parbuckle_blob::BlobId;

    use super::*;

    #[test]
    fn a_range_is_cut_into_the_parts_that_hold_it() {
        let part = |n: u8, len| PartBlob {
            id: BlobId([n; 16]),
            len,
            check: 0,
            salt: None,
        };
        let parts = [part(1, 10), part(2, 5), part(3, 0), part(4, 10)];
        let cut = |range| {
            pieces(&parts, range)
                .into_iter()
                .map(|(p, r)| (p.id.0[0], r))
                .collect::<Vec<_>>()
        };
        assert_eq!(cut(0..25), [(1, 0..10), (2, 0..5), (4, 0..10)]);
        assert_eq!(cut(10..15), [(2, 0..5)]);
        assert_eq!(cut(9..16), [(1, 9..10), (2, 0..5), (4, 0..1)]);
        assert!(cut(5..5).is_empty());
    }
}
