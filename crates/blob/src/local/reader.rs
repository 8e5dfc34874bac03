//! Reading: a hit in the page cache is read at once, everything else where it may block.

use std::fs::File;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use rustix::io::ReadWriteFlags;
use tokio::task::JoinHandle;

use super::{Core, footer, from_io};
use crate::checksum::{CHUNK_BYTES, ChunkTable};
use crate::pool::{BUFFER_BYTES, Buffer, Pool};
use crate::{Blob, BlobId, ByteStream, Error, Sealed, range_error};

const CHUNK: u64 = CHUNK_BYTES as u64;

/// Largest footer in bytes that is read at once, and kept among the handles: that of a blob of 1 GiB.
const FOOTER_BYTES_CHEAP: u64 = 64 * 1024 + 44;

/// A blob whose footer has been checked.
pub(super) struct LocalBlob {
    file: File,
    sealed: Sealed,
    table: ChunkTable,
    pool: Arc<Pool>,
}

impl LocalBlob {
    /// Opens the blob; may block.
    pub(super) fn open(core: &Core, id: BlobId, sealed: Sealed) -> Result<Self, Error> {
        let file = core.shards.open_file(id).map_err(from_io)?;
        let mut footer = vec![0; footer_size(&file, sealed)? as usize];
        read(&file, &mut footer, sealed.len)?;
        Self::with_footer(core, id, sealed, file, &footer)
    }

    /// As [`LocalBlob::open`], but never waits for the disk: `None` means that it would have to.
    pub(super) fn open_now(core: &Core, id: BlobId, sealed: Sealed) -> Option<Result<Self, Error>> {
        let file = core.shards.open_file_now(id)?;
        let size = match footer_size(&file, sealed) {
            Ok(size) => size,
            Err(error) => return Some(Err(error)),
        };
        if size > FOOTER_BYTES_CHEAP {
            return None;
        }
        let mut footer = vec![0; size as usize];
        (read_now(&file, &mut footer, sealed.len) == footer.len())
            .then(|| Self::with_footer(core, id, sealed, file, &footer))
    }

    fn with_footer(
        core: &Core,
        id: BlobId,
        sealed: Sealed,
        file: File,
        footer: &[u8],
    ) -> Result<Self, Error> {
        Ok(Self {
            table: footer::decode(footer, id, sealed)?,
            file,
            sealed,
            pool: core.pool.clone(),
        })
    }

    /// This blob, if it was sealed as `sealed`.
    pub(super) fn matching(self: Arc<Self>, sealed: Sealed) -> Result<Arc<dyn Blob>, Error> {
        if self.sealed != sealed {
            return Err(Error::Damaged("sealed with another content".into()));
        }
        Ok(self)
    }

    /// Whether its footer is small enough to stay in memory.
    pub(super) fn is_cheap_to_keep(&self) -> bool {
        footer::footer_bytes(self.sealed.len) <= FOOTER_BYTES_CHEAP
    }

    /// Up to `len` bytes from `from`, the start of a chunk, as far as they are whole chunks and in the page
    /// cache; `None` if not even one chunk is.
    fn batch_now(&self, from: u64, len: usize) -> Option<Batch> {
        let mut buffer = self.pool.take(len);
        let read = read_now(&self.file, buffer.as_mut(), from);
        let whole = if read == len {
            len
        } else {
            read - read % CHUNK_BYTES
        };
        buffer.truncate(whole);
        (whole > 0).then(|| self.verified(from, buffer, true))
    }

    /// `len` bytes from `from`, the start of a chunk, to the end of a chunk; may block.
    fn batch(&self, from: u64, len: usize) -> Batch {
        if let Some(batch) = self.batch_now(from, len) {
            return batch;
        }
        let mut buffer = self.pool.take(len);
        match read(&self.file, buffer.as_mut(), from) {
            Ok(()) => self.verified(from, buffer, false),
            Err(error) => Batch::failed(error),
        }
    }

    fn verified(&self, from: u64, mut buffer: Buffer, cached: bool) -> Batch {
        let first = from / CHUNK;
        let good = self.table.good_prefix(first, buffer.as_ref());
        let bad = (good < buffer.as_ref().len()).then(|| first + good as u64 / CHUNK);
        buffer.truncate(good);
        Batch {
            bytes: buffer.freeze(),
            error: bad.map(|chunk| Error::Damaged(format!("checksum of chunk {chunk}"))),
            cached,
        }
    }
}

impl Blob for LocalBlob {
    fn read(self: Arc<Self>, range: Range<u64>) -> ByteStream {
        let error = range_error(&range, self.sealed.len);
        // Whole chunks, because only a whole one can be verified.
        let end = range.end.min(self.sealed.len);
        let end = end.next_multiple_of(CHUNK).min(self.sealed.len);
        Box::pin(Reading {
            next: range.start - range.start % CHUNK,
            end: if range.is_empty() { 0 } else { end },
            range,
            ahead: None,
            error,
            blob: self,
        })
    }
}

/// What one read brought: good bytes, then perhaps an error.
struct Batch {
    bytes: Bytes,
    error: Option<Error>,
    /// Whether all of it was in the page cache.
    cached: bool,
}

impl Batch {
    fn failed(error: Error) -> Self {
        Self {
            bytes: Bytes::new(),
            error: Some(error),
            cached: false,
        }
    }
}

/// The stream over a range.
struct Reading {
    blob: Arc<LocalBlob>,
    range: Range<u64>,
    /// Where the next read begins: the start of a chunk.
    next: u64,
    /// Where the last read ends: the end of a chunk.
    end: u64,
    /// The read at `next`, where one is running.
    ahead: Option<JoinHandle<Batch>>,
    /// To be delivered next, as the last item.
    error: Option<Error>,
}

impl Stream for Reading {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        loop {
            if let Some(error) = this.error.take() {
                this.end = 0;
                return Poll::Ready(Some(Err(error)));
            }
            if this.next >= this.end {
                return Poll::Ready(None);
            }
            let batch = match &mut this.ahead {
                Some(job) => {
                    let done = ready!(Pin::new(job).poll(context));
                    this.ahead = None;
                    done.unwrap_or_else(|gone| Batch::failed(Error::Io(io::Error::other(gone))))
                }
                None => match this.blob.batch_now(this.next, this.step()) {
                    Some(batch) => batch,
                    None => {
                        this.read_ahead();
                        continue;
                    }
                },
            };
            let bytes = this.accept(batch);
            if !bytes.is_empty() {
                return Poll::Ready(Some(Ok(bytes)));
            }
        }
    }
}

impl Reading {
    /// Size in bytes of the read at `next`.
    fn step(&self) -> usize {
        (self.end - self.next).min(BUFFER_BYTES as u64) as usize
    }

    fn read_ahead(&mut self) {
        let (blob, next, step) = (self.blob.clone(), self.next, self.step());
        self.ahead = Some(tokio::task::spawn_blocking(move || blob.batch(next, step)));
    }

    /// Takes the read at `next`, and returns what of it lies in the range.
    fn accept(&mut self, batch: Batch) -> Bytes {
        let (from, to) = (self.next, self.next + batch.bytes.len() as u64);
        self.next = to;
        self.error = batch.error;
        // The disk works on the next piece while the caller sends this one; with warm pages that would
        // only cost the change of thread.
        if !batch.cached && self.error.is_none() && self.next < self.end {
            self.read_ahead();
        }
        let start = self.range.start.clamp(from, to) - from;
        let end = self.range.end.clamp(from, to) - from;
        batch.bytes.slice(start as usize..end as usize)
    }
}

/// Size in bytes of the footer of `file`, which must have the right size for `sealed`.
fn footer_size(file: &File, sealed: Sealed) -> Result<u64, Error> {
    let actual = file.metadata().map_err(from_io)?.len();
    let footer = footer::footer_bytes(sealed.len);
    match sealed.len.checked_add(footer) {
        Some(expected) if expected == actual => Ok(footer),
        _ => Err(Error::Damaged(format!(
            "{actual} bytes of file for {} bytes of data",
            sealed.len
        ))),
    }
}

/// Fills `buffer` from `offset`; may block.
fn read(file: &File, buffer: &mut [u8], offset: u64) -> Result<(), Error> {
    file.read_exact_at(buffer, offset)
        .map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Error::Damaged("file is too short".into()),
            _ => from_io(error),
        })
}

/// Reads what the page cache holds at once of `buffer.len()` bytes from `offset`, and returns their number.
/// It is 0 on every error too, also where the file system has no such read: the blocking read will tell.
fn read_now(file: &File, buffer: &mut [u8], offset: u64) -> usize {
    let mut slices = [IoSliceMut::new(buffer)];
    rustix::io::preadv2(file, &mut slices, offset, ReadWriteFlags::NOWAIT).unwrap_or(0)
}
