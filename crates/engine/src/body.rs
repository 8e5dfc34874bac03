//! Taking in a request body: one pass over the bytes, digests and storage side by side.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use parbuckle_blob::{BlobId, Writer};

use crate::collector::WritePin;
use crate::encryption::{ObjectKey, Sealer, sealed_len};
use crate::error::{Digest, Error, ErrorKind};
use crate::records::{ChecksumRecord, ChecksumsRecord, PartBlob};
use crate::{BODY_BYTES_MAX, Engine};

mod digests;

use digests::{Digests, Taken};

/// Bytes handed to storage and digests at a time.
const CHUNK_BYTES: usize = 1 << 20;

/// A body as it comes from the client. It is not polled before the request has passed all checks, so that a client that
/// waits for 100-continue sends nothing in vain.
pub type BodyStream = Pin<Box<dyn Stream<Item = Result<Bytes, BodyError>> + Send>>;

/// Why no more of a body comes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The client went away.
    #[error("The connection ended before the body did: {0}")]
    Disconnected(String),
    /// Nothing came for too long.
    #[error("The body stalled")]
    Stalled,
    /// The framing or encoding is broken.
    #[error("The body is malformed: {0}")]
    Malformed(String),
}

/// A body and its announced length.
pub struct RequestBody {
    /// The bytes.
    pub stream: BodyStream,
    /// Length in bytes, if the client announced one.
    pub length: Option<u64>,
}

/// A checksum that a client can ask to be kept besides MD5 (`opc-checksum-algorithm`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChecksumAlgorithm {
    /// CRC32C
    Crc32c,
    /// SHA256
    Sha256,
    /// SHA384
    Sha384,
}

impl ChecksumAlgorithm {
    /// Parses OCI's spelling, in either case.
    pub fn parse(text: &str) -> Option<Self> {
        match text.to_ascii_uppercase().as_str() {
            "CRC32C" => Some(Self::Crc32c),
            "SHA256" => Some(Self::Sha256),
            "SHA384" => Some(Self::Sha384),
            _ => None,
        }
    }
}

impl From<ChecksumRecord> for ChecksumAlgorithm {
    fn from(record: ChecksumRecord) -> Self {
        match record {
            ChecksumRecord::Crc32c => Self::Crc32c,
            ChecksumRecord::Sha256 => Self::Sha256,
            ChecksumRecord::Sha384 => Self::Sha384,
        }
    }
}

impl From<ChecksumAlgorithm> for ChecksumRecord {
    fn from(algorithm: ChecksumAlgorithm) -> Self {
        match algorithm {
            ChecksumAlgorithm::Crc32c => Self::Crc32c,
            ChecksumAlgorithm::Sha256 => Self::Sha256,
            ChecksumAlgorithm::Sha384 => Self::Sha384,
        }
    }
}

/// What the client says about the body's digests. A digest that differs refuses the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct BodyChecks {
    /// `Content-MD5`
    pub md5: Option<[u8; 16]>,
    /// `opc-content-crc32c`
    pub crc32c: Option<u32>,
    /// `opc-content-sha256`
    pub sha256: Option<[u8; 32]>,
    /// `opc-content-sha384`
    pub sha384: Option<[u8; 48]>,
    /// `opc-checksum-algorithm`: compute and keep this one.
    pub compute: Option<ChecksumAlgorithm>,
    /// `x-content-sha256`, where it was signed.
    pub signed_sha256: Option<[u8; 32]>,
}

/// Digests that are kept besides MD5.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Checksums {
    /// CRC32C
    pub crc32c: Option<u32>,
    /// SHA-256
    pub sha256: Option<[u8; 32]>,
    /// SHA-384
    pub sha384: Option<[u8; 48]>,
    /// Whether the SHA digests are those of the parts' digests, as a multipart object has them.
    pub of_parts: bool,
}

impl From<ChecksumsRecord> for Checksums {
    fn from(r: ChecksumsRecord) -> Self {
        Self {
            crc32c: r.crc32c,
            sha256: r.sha256.map(Into::into),
            sha384: r.sha384.map(Into::into),
            of_parts: r.of_parts,
        }
    }
}

impl From<Checksums> for ChecksumsRecord {
    fn from(c: Checksums) -> Self {
        Self {
            crc32c: c.crc32c,
            sha256: c.sha256.map(Into::into),
            sha384: c.sha384.map(Into::into),
            of_parts: c.of_parts,
        }
    }
}

/// How a body is kept.
#[derive(Default)]
pub(crate) struct Keeping<'a> {
    /// Whether a small one may stay in memory.
    pub(crate) inline: bool,
    /// What it is encrypted with.
    pub(crate) key: Option<&'a ObjectKey>,
    /// A checksum to be kept besides those that the request names.
    pub(crate) checksum: Option<ChecksumAlgorithm>,
}

/// A body that has been taken in, checked and made durable, but is named by nothing yet. Size and digests are those of
/// the bytes as they came.
pub(crate) struct Received {
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) checksums: Checksums,
    pub(crate) stored: Stored,
}

/// Where it is.
pub(crate) enum Stored {
    /// In memory, encrypted if it shall be: to be written with the record.
    Inline(Bytes),
    /// In a blob, protected from the collector until its record is there.
    Blob { blob: PartBlob, _pin: WritePin },
}

impl Stored {
    /// The blob, if it is one.
    pub(crate) fn blob(&self) -> Option<PartBlob> {
        match self {
            Self::Inline(_) => None,
            Self::Blob { blob, .. } => Some(*blob),
        }
    }
}

impl Engine {
    /// Refuses a length that no body may have, before any of it is read.
    pub(crate) fn check_announced(&self, body: &RequestBody) -> Result<(), Error> {
        match body.length {
            Some(length) if length > BODY_BYTES_MAX => Err(ErrorKind::TooLarge {
                max: BODY_BYTES_MAX,
            }
            .into()),
            _ => Ok(()),
        }
    }

    /// Reads the whole body, checks length and digests, and stores it durably. After an error nothing of it remains.
    pub(crate) async fn receive(
        &self,
        body: RequestBody,
        checks: &BodyChecks,
        keeping: Keeping<'_>,
    ) -> Result<Received, Error> {
        let mut intake = Intake {
            body,
            taken: 0,
            ended: false,
        };
        let digests = Digests::new(checks, keeping.checksum);
        let small = self.settings.inline_bytes_max;
        let inline = keeping.inline
            && intake
                .body
                .length
                .is_none_or(|length| length <= small as u64);
        let first = intake
            .next_chunk(if inline { small + 1 } else { CHUNK_BYTES })
            .await?;
        if inline && first.len() <= small {
            let taken = digests.update(&first).finish();
            taken.check(checks)?;
            let stored = match keeping.key {
                Some(key) => key.inline_piece().seal(&first),
                None => first,
            };
            return Ok(received(taken, Stored::Inline(stored)));
        }
        let blob = BlobId(self.random());
        let pin = self.pins.pin_written(blob);
        let sealing = keeping.key.map(|key| {
            let salt = self.random();
            (salt, Sealer::new(key.piece(&salt)))
        });
        let stored_len = |length| match &sealing {
            Some(_) => sealed_len(length),
            None => length,
        };
        let length = intake.body.length.map(stored_len);
        let mut writer = self.blobs.create(blob, length).await?;
        let (salt, sealer) = sealing.unzip();
        let taken = pour(&mut intake, first, &mut writer, sealer, digests).await?;
        taken.check(checks)?;
        let blob = PartBlob::new(blob, writer.seal().await?);
        let blob = match salt {
            Some(salt) => blob.encrypted(salt),
            None => blob,
        };
        Ok(received(taken, Stored::Blob { blob, _pin: pin }))
    }
}

/// Digests run on another thread than storage: with MD5 at some 0.6 GB/s they bound the rate. Encryption runs meanwhile
/// on this one.
async fn pour(
    intake: &mut Intake,
    first: Bytes,
    writer: &mut Box<dyn Writer>,
    mut sealer: Option<Sealer>,
    digests: Digests,
) -> Result<Taken, Error> {
    let mut chunk = first;
    let mut digesting = Digesting::Idle(Box::new(digests));
    while !chunk.is_empty() {
        digesting = Digesting::start(digesting.finish().await?, chunk.clone());
        let stored = match &mut sealer {
            Some(sealer) => sealer.seal(&chunk),
            None => chunk,
        };
        if !stored.is_empty() {
            writer.write(stored).await?;
        }
        chunk = if intake.ended {
            Bytes::new()
        } else {
            intake.next_chunk(CHUNK_BYTES).await?
        };
    }
    if let Some(sealer) = sealer {
        writer.write(sealer.finish()).await?;
    }
    Ok(digesting.finish().await?.finish())
}

/// Digests at rest, or at work on a chunk.
enum Digesting {
    Idle(Box<Digests>),
    Busy(tokio::task::JoinHandle<Box<Digests>>),
}

impl Digesting {
    fn start(digests: Box<Digests>, chunk: Bytes) -> Self {
        Self::Busy(tokio::task::spawn_blocking(move || {
            Box::new(digests.update(&chunk))
        }))
    }

    async fn finish(self) -> Result<Box<Digests>, Error> {
        match self {
            Self::Idle(digests) => Ok(digests),
            Self::Busy(task) => task
                .await
                .map_err(|e| Error::from(ErrorKind::Internal).because(format!("digest: {e}"))),
        }
    }
}

struct Intake {
    body: RequestBody,
    taken: u64,
    ended: bool,
}

impl Intake {
    /// The next bytes of the body, `size` of them unless it ends before.
    async fn next_chunk(&mut self, size: usize) -> Result<Bytes, Error> {
        let expected = self
            .body
            .length
            .map_or(size as u64, |length| length.saturating_sub(self.taken));
        let mut chunk =
            BytesMut::with_capacity(size.min(usize::try_from(expected).unwrap_or(size)));
        while chunk.len() < size && !self.ended {
            match std::future::poll_fn(|cx| self.body.stream.as_mut().poll_next(cx)).await {
                Some(Ok(bytes)) => {
                    self.taken += bytes.len() as u64;
                    if self.taken > BODY_BYTES_MAX {
                        return Err(ErrorKind::TooLarge {
                            max: BODY_BYTES_MAX,
                        }
                        .into());
                    }
                    // The only frame of a small body needs no copy.
                    if chunk.is_empty() && bytes.len() as u64 == expected && expected <= size as u64
                    {
                        self.ended = self.body.length == Some(self.taken);
                        if self.ended {
                            return Ok(bytes);
                        }
                    }
                    chunk.extend_from_slice(&bytes);
                    self.ended = self.body.length == Some(self.taken);
                }
                Some(Err(error)) => return Err(ErrorKind::BodyUnusable(error.to_string()).into()),
                None => self.end()?,
            }
        }
        Ok(chunk.freeze())
    }

    fn end(&mut self) -> Result<(), Error> {
        self.ended = true;
        match self.body.length {
            Some(length) if length != self.taken => Err(ErrorKind::BodyUnusable(format!(
                "The body has {} bytes, but {length} were announced",
                self.taken
            ))
            .into()),
            _ => Ok(()),
        }
    }
}

fn received(taken: Taken, stored: Stored) -> Received {
    Received {
        size: taken.size,
        md5: taken.md5,
        checksums: taken.kept,
        stored,
    }
}

/// The refusal for a digest that differs.
fn mismatch(digest: Digest, header: &'static str, computed: String, given: String) -> Error {
    ErrorKind::ContentMismatch {
        digest,
        header,
        computed,
        given,
    }
    .into()
}
