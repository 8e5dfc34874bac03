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
    /// the stream.
    pub(super) async fn object_body(
        &self,
        reader: &dyn Reader,
        namespace: &Namespace,
        record: &ObjectRecord,
        inline: Option<Bytes>,
        range: Range<u64>,
    ) -> Result<ObjectBody, Error> {
        let parts = match &record.content {
            Content::Inline(crc) => return inline_body(record, inline, *crc, range),
            Content::Blob(blob) => vec![*blob],
            Content::Manifest(id) => {
                let stored = reader
                    .get_many(&[keys::manifest(namespace, id)])
                    .await?
                    .pop()
                    .flatten();
                records::decode_optional::<ManifestRecord>(stored.as_ref())?
                    .ok_or_else(|| {
                        Error::from(ErrorKind::Internal).because("an object's manifest is missing")
                    })?
                    .parts
            }
        };
        let pieces = pieces(&parts, range);
        let mut stream = PartsStream {
            blobs: Arc::clone(&self.blobs),
            _pin: self.pins.pin(pieces.iter().map(|(part, _)| part.id)),
            waiting: pieces,
            at: At::Between,
        };
        stream.open_first().await?;
        Ok(ObjectBody::Stream(Box::pin(stream)))
    }
}

fn inline_body(
    record: &ObjectRecord,
    inline: Option<Bytes>,
    crc: u32,
    range: Range<u64>,
) -> Result<ObjectBody, Error> {
    let damaged = |what: &str| {
        Error::from(ErrorKind::Internal).because(format!("inline data of an object {what}"))
    };
    let bytes = inline.ok_or_else(|| damaged("is missing"))?;
    if bytes.len() as u64 != record.size || crc32c(&bytes) != crc {
        return Err(damaged("is damaged"));
    }
    let (Ok(start), Ok(end)) = (usize::try_from(range.start), usize::try_from(range.end)) else {
        return Err(damaged("has an impossible range"));
    };
    Ok(ObjectBody::Bytes(bytes.slice(start..end)))
}

/// CRC32C, as inline data is guarded with.
pub(super) fn crc32c(bytes: &[u8]) -> u32 {
    crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32Iscsi, bytes) as u32
}

/// The parts that hold `range`, each with the range within it.
fn pieces(parts: &[PartBlob], range: Range<u64>) -> VecDeque<(PartBlob, Range<u64>)> {
    let mut pieces = VecDeque::new();
    let mut offset = 0;
    for part in parts {
        let (start, end) = (range.start.max(offset), range.end.min(offset + part.len));
        if start < end {
            pieces.push_back((*part, start - offset..end - offset));
        }
        offset += part.len;
    }
    pieces
}

/// One part after the other; each is opened when the one before it has ended.
struct PartsStream {
    blobs: Arc<dyn parbuckle_blob::Store>,
    /// Replaced blobs stay while they are being read.
    _pin: BlobPin,
    waiting: VecDeque<(PartBlob, Range<u64>)>,
    at: At,
}

type Opening = Pin<Box<dyn Future<Output = Result<Arc<dyn Blob>, parbuckle_blob::Error>> + Send>>;

enum At {
    Between,
    Opening(Opening, Range<u64>),
    Reading(ByteStream),
}

impl PartsStream {
    async fn open_first(&mut self) -> Result<(), Error> {
        if let Some((part, range)) = self.waiting.pop_front() {
            let blob = self.blobs.open(part.id, part.sealed()).await?;
            self.at = At::Reading(blob.read(range));
        }
        Ok(())
    }

    fn next_part(&mut self) -> Option<At> {
        let (part, range) = self.waiting.pop_front()?;
        let blobs = Arc::clone(&self.blobs);
        Some(At::Opening(
            Box::pin(async move { blobs.open(part.id, part.sealed()).await }),
            range,
        ))
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
                At::Opening(opening, range) => match ready!(opening.as_mut().poll(cx)) {
                    Ok(blob) => this.at = At::Reading(blob.read(range.clone())),
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
