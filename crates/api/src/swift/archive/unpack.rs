//! The bytes of an archive: decompressed as they are asked for, a bounded piece at a time.

use std::io::{ErrorKind, Write};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use bzip2::{Decompress, Status};
use flate2::write::MultiGzDecoder;
use parbuckle_engine::BodyStream;

/// Most bytes that one step decompresses.
const INPUT_BYTES: usize = 4096;

/// Room for what one step of bzip2 yields, in bytes.
const OUTPUT_BYTES: usize = 32 * 1024;

/// An archive that can't be read to its end, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Broken(pub(super) String);

/// How an archive is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Bzip2,
}

impl Compression {
    /// What `extract-archive` names.
    pub(super) fn named(kind: &str) -> Option<Self> {
        match kind.to_ascii_lowercase().trim_matches('.') {
            "tar" => Some(Self::None),
            "tar.gz" => Some(Self::Gzip),
            "tar.bz2" => Some(Self::Bzip2),
            _ => None,
        }
    }
}

/// A body on its way out of its compression.
pub(super) struct Unpacked {
    body: BodyStream,
    decoder: Decoder,
    /// What has come and is not decompressed.
    input: Bytes,
    /// Whether the body has ended.
    ended: bool,
    /// Whether nothing more can come out.
    done: bool,
}

enum Decoder {
    None,
    Gzip(Box<MultiGzDecoder<Vec<u8>>>),
    Bzip2 {
        state: Box<Decompress>,
        /// Whether it is within a stream, of which a file may hold several.
        within: bool,
    },
}

impl Unpacked {
    pub(super) fn new(body: BodyStream, compression: Compression) -> Self {
        Self {
            body,
            decoder: match compression {
                Compression::None => Decoder::None,
                Compression::Gzip => Decoder::Gzip(Box::new(MultiGzDecoder::new(Vec::new()))),
                Compression::Bzip2 => Decoder::Bzip2 {
                    state: Box::new(Decompress::new(false)),
                    within: false,
                },
            },
            input: Bytes::new(),
            ended: false,
            done: false,
        }
    }

    /// The next bytes, never none of them; nothing at the end, and after an error.
    pub(super) fn poll_piece(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            if self.done {
                return Poll::Ready(None);
            }
            let unpacked = if !self.input.is_empty() {
                self.decoder.step(&mut self.input)
            } else if self.ended {
                self.done = true;
                self.decoder.finish()
            } else {
                match ready!(self.body.as_mut().poll_next(cx)) {
                    Some(Ok(bytes)) => self.input = bytes,
                    Some(Err(error)) => {
                        self.done = true;
                        return Poll::Ready(Some(Err(Broken(error.to_string()))));
                    }
                    None => self.ended = true,
                }
                continue;
            };
            match unpacked {
                Ok(bytes) if bytes.is_empty() => {}
                Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                Err(broken) => {
                    self.done = true;
                    return Poll::Ready(Some(Err(broken)));
                }
            }
        }
    }

    /// Reads what is left of the body and forgets it, so that the connection can be used again.
    pub(super) async fn drain(mut self) {
        if self.ended {
            return;
        }
        while let Some(Ok(_)) = std::future::poll_fn(|cx| self.body.as_mut().poll_next(cx)).await {}
    }
}

impl Decoder {
    /// Decompresses some of the input, which is not empty.
    fn step(&mut self, input: &mut Bytes) -> Result<Bytes, Broken> {
        match self {
            Self::None => Ok(std::mem::take(input)),
            Self::Gzip(decoder) => {
                let some = &input[..input.len().min(INPUT_BYTES)];
                let used = decoder.write(some).map_err(|error| {
                    Broken(match error.kind() {
                        ErrorKind::InvalidInput => "not a gzip file".to_owned(),
                        _ => error.to_string(),
                    })
                })?;
                input.advance(used);
                Ok(std::mem::take(decoder.get_mut()).into())
            }
            Self::Bzip2 { state, within } => {
                let (before, mut output) = (state.total_in(), Vec::with_capacity(OUTPUT_BYTES));
                let status = unpacked(state.decompress_vec(input, &mut output))?;
                let used = usize::try_from(state.total_in() - before).unwrap_or(input.len());
                input.advance(used);
                *within = status != Status::StreamEnd;
                if !*within {
                    **state = Decompress::new(false);
                } else if used == 0 && output.is_empty() {
                    return Err(Broken("the compressed data makes no sense".to_owned()));
                }
                Ok(output.into())
            }
        }
    }

    /// What is left when the input has ended.
    fn finish(&mut self) -> Result<Bytes, Broken> {
        match self {
            Self::None => Ok(Bytes::new()),
            Self::Gzip(decoder) => {
                decoder
                    .try_finish()
                    .map_err(|error| Broken(error.to_string()))?;
                Ok(std::mem::take(decoder.get_mut()).into())
            }
            Self::Bzip2 { within: false, .. } => Ok(Bytes::new()),
            Self::Bzip2 { state, .. } => {
                // At most one block, which is below a megabyte.
                let mut all = Vec::new();
                loop {
                    let mut output = Vec::with_capacity(OUTPUT_BYTES);
                    let status = unpacked(state.decompress_vec(&[], &mut output))?;
                    all.extend_from_slice(&output);
                    if status == Status::StreamEnd {
                        return Ok(all.into());
                    }
                    if output.is_empty() {
                        return Err(Broken("the compressed data ends early".to_owned()));
                    }
                }
            }
        }
    }
}

fn unpacked(status: Result<Status, bzip2::Error>) -> Result<Status, Broken> {
    status.map_err(|error| {
        Broken(match error {
            bzip2::Error::DataMagic => "not a bzip2 file".to_owned(),
            _ => error.to_string(),
        })
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;
    use crate::swift::archive::tests::body;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        let mut encoder = flate2::read::GzEncoder::new(bytes, flate2::Compression::best());
        encoder.read_to_end(&mut packed).unwrap();
        packed
    }

    fn bzip2(bytes: &[u8]) -> Vec<u8> {
        let mut packed = Vec::new();
        let mut encoder = bzip2::read::BzEncoder::new(bytes, bzip2::Compression::best());
        encoder.read_to_end(&mut packed).unwrap();
        packed
    }

    /// All bytes, and the length of the longest piece.
    async fn unpack(packed: &[u8], kind: &str) -> Result<(Vec<u8>, usize), Broken> {
        let compression = Compression::named(kind).unwrap();
        let (mut all, mut longest) = (Vec::new(), 0);
        let mut unpacked = Unpacked::new(body(packed, 1000), compression);
        while let Some(piece) = std::future::poll_fn(|cx| unpacked.poll_piece(cx)).await {
            let piece = piece?;
            longest = longest.max(piece.len());
            all.extend_from_slice(&piece);
        }
        Ok((all, longest))
    }

    #[tokio::test]
    async fn both_compressions_are_undone_and_streams_may_follow_one_another() {
        let first: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        for (kind, pack) in [("tar.gz", gzip as fn(&[u8]) -> Vec<u8>), ("tar.bz2", bzip2)] {
            let packed = [pack(&first), pack(b"and more")].concat();
            let (unpacked, _) = unpack(&packed, kind).await.unwrap();
            assert!(unpacked == [&first[..], b"and more"].concat(), "{kind}");
        }
    }

    #[tokio::test]
    async fn what_grows_a_thousandfold_comes_in_small_pieces() {
        let zeros = vec![0; 8 << 20];
        for (kind, packed) in [("tar.gz", gzip(&zeros)), ("tar.bz2", bzip2(&zeros))] {
            let (unpacked, longest) = unpack(&packed, kind).await.unwrap();
            assert!(unpacked == zeros && longest <= 1 << 20, "{kind}: {longest}");
        }
    }

    #[tokio::test]
    async fn what_ends_early_or_is_no_such_thing_is_broken() {
        let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
        for (kind, packed) in [("tar.gz", gzip(&bytes)), ("tar.bz2", bzip2(&bytes))] {
            assert!(
                unpack(&packed[..packed.len() - 6], kind).await.is_err(),
                "{kind}"
            );
            assert!(
                unpack(b"plain text that is no archive", kind)
                    .await
                    .is_err(),
                "{kind}"
            );
        }
    }

    #[test]
    fn three_kinds_have_names() {
        assert_eq!(Compression::named("TAR"), Some(Compression::None));
        assert_eq!(Compression::named(".tar.gz"), Some(Compression::Gzip));
        assert_eq!(Compression::named("tar.bz2"), Some(Compression::Bzip2));
        for unknown in ["zip", "tgz", "", "tar.xz"] {
            assert_eq!(Compression::named(unknown), None, "{unknown}");
        }
    }
}
