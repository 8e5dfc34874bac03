//! How one piece of data (inline bytes, a blob) is encrypted: cut into chunks of 64 KiB, each sealed with AES-256-GCM.
//!
//! A chunk's nonce is three zero bytes, its number (8 bytes, big-endian) and one byte that is 1 for the last chunk and 0
//! for the others: chunks that are moved, repeated or cut off do not open. A piece without bytes is one empty chunk.
//! This is the STREAM construction (Hoang, Reyhanitabar, Rogaway, Vizár 2015) with a key for each piece.

use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use aws_lc_rs::aead::{Aad, LessSafeKey, NONCE_LEN, Nonce};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use parbuckle_blob::{Blob, ByteStream};
use parbuckle_iam::secret::Secret;

use super::SALT_BYTES;
use super::keys::aes_key;

/// Plaintext of all chunks but the last.
const CHUNK_BYTES: usize = 64 << 10;
/// What encryption adds to a chunk.
const TAG_BYTES: usize = 16;
const SEALED_CHUNK_BYTES: usize = CHUNK_BYTES + TAG_BYTES;
/// Keeps the keys of pieces apart from any other key derived from an object's.
const PIECE: &[u8] = b"parbuckle: key of a piece, 1";

/// Length of the encrypted form of `plain` bytes.
pub(crate) fn sealed_len(plain: u64) -> u64 {
    plain + TAG_BYTES as u64 * plain.div_ceil(CHUNK_BYTES as u64).max(1)
}

/// Length of what has an encrypted form of `sealed` bytes.
pub(crate) fn plain_len(sealed: u64) -> u64 {
    sealed.saturating_sub(TAG_BYTES as u64 * chunks(sealed))
}

/// Number of chunks in an encrypted form of `sealed` bytes.
fn chunks(sealed: u64) -> u64 {
    sealed.div_ceil(SEALED_CHUNK_BYTES as u64).max(1)
}

/// The key of one piece. It seals one piece, ever: the nonces of all are the same.
pub(crate) struct PieceKey(LessSafeKey);

impl PieceKey {
    /// HKDF-SHA-256 of the object's key with the piece's salt (RFC 5869).
    pub(super) fn derive(object_key: &[u8; 32], salt: &[u8; SALT_BYTES]) -> Self {
        let mut key = [0; 32];
        Salt::new(HKDF_SHA256, salt)
            .extract(object_key)
            .expand(&[PIECE], HKDF_SHA256)
            .and_then(|okm| okm.fill(&mut key))
            .expect("HKDF-SHA-256 gives 32 bytes, the length of its hash");
        let key = Secret::new(key);
        Self(aes_key(key.expose()))
    }

    /// Seals a whole piece.
    pub(crate) fn seal(self, plain: &[u8]) -> Bytes {
        let mut sealer = Sealer::new(self);
        let mut sealed = BytesMut::from(&sealer.seal(plain)[..]);
        sealed.extend_from_slice(&sealer.finish());
        sealed.freeze()
    }

    /// Opens a whole piece; nothing when it is not what was sealed.
    pub(crate) fn open(&self, sealed: &[u8]) -> Option<Bytes> {
        let last = chunks(sealed.len() as u64) - 1;
        let mut plain = BytesMut::with_capacity(sealed.len());
        for number in 0..=last {
            let start = number as usize * SEALED_CHUNK_BYTES;
            let end = sealed.len().min(start + SEALED_CHUNK_BYTES);
            let chunk = BytesMut::from(&sealed[start..end]);
            plain.extend_from_slice(&self.open_chunk(chunk, number, number == last)?);
        }
        Some(plain.freeze())
    }

    fn seal_chunk(&self, plain: &[u8], number: u64, last: bool, sealed: &mut Vec<u8>) {
        let start = sealed.len();
        sealed.extend_from_slice(plain);
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce(number, last), Aad::empty(), &mut sealed[start..])
            .expect("AES-GCM refuses only texts of many GiB");
        sealed.extend_from_slice(tag.as_ref());
    }

    fn open_chunk(&self, mut chunk: BytesMut, number: u64, last: bool) -> Option<BytesMut> {
        let opened = self
            .0
            .open_in_place(nonce(number, last), Aad::empty(), &mut chunk);
        let len = opened.ok()?.len();
        chunk.truncate(len);
        Some(chunk)
    }
}

fn nonce(number: u64, last: bool) -> Nonce {
    let mut nonce = [0; NONCE_LEN];
    nonce[3..11].copy_from_slice(&number.to_be_bytes());
    nonce[11] = u8::from(last);
    Nonce::assume_unique_for_key(nonce)
}

/// Encrypts a piece as it comes in.
pub(crate) struct Sealer {
    key: PieceKey,
    number: u64,
    /// The bytes that may be the last chunk: at most a full one.
    held: Vec<u8>,
}

impl Sealer {
    pub(crate) fn new(key: PieceKey) -> Self {
        Self {
            key,
            number: 0,
            held: Vec::new(),
        }
    }

    /// Takes the next bytes, and gives the encrypted form of what is known not to be the last chunk; may be empty.
    pub(crate) fn seal(&mut self, mut plain: &[u8]) -> Bytes {
        let mut sealed = Vec::with_capacity(sealed_len(plain.len() as u64) as usize);
        while self.held.len() + plain.len() > CHUNK_BYTES {
            let chunk;
            if self.held.is_empty() {
                (chunk, plain) = plain.split_at(CHUNK_BYTES);
                self.key.seal_chunk(chunk, self.number, false, &mut sealed);
            } else {
                (chunk, plain) = plain.split_at(CHUNK_BYTES - self.held.len());
                self.held.extend_from_slice(chunk);
                self.key
                    .seal_chunk(&self.held, self.number, false, &mut sealed);
                self.held.clear();
            }
            self.number += 1;
        }
        self.held.extend_from_slice(plain);
        sealed.into()
    }

    /// The encrypted form of the last chunk.
    pub(crate) fn finish(self) -> Bytes {
        let mut sealed = Vec::with_capacity(self.held.len() + TAG_BYTES);
        self.key
            .seal_chunk(&self.held, self.number, true, &mut sealed);
        sealed.into()
    }
}

/// The bytes of `range` (of the plaintext, within its length) of an encrypted blob of `sealed` bytes. No byte leaves
/// before its chunk was found to be what was sealed; [`parbuckle_blob::Error::Damaged`] ends the stream otherwise.
pub(crate) fn opened(
    key: PieceKey,
    blob: Arc<dyn Blob>,
    sealed: u64,
    range: Range<u64>,
) -> ByteStream {
    let (plain, whole) = (CHUNK_BYTES as u64, SEALED_CHUNK_BYTES as u64);
    let (first, after) = (range.start / plain, range.end.div_ceil(plain));
    let stored = (first * whole).min(sealed)..(after * whole).min(sealed);
    Box::pin(Opened {
        key,
        inner: blob.read(stored.start..stored.end.max(stored.start)),
        held: BytesMut::new(),
        number: first,
        sealed,
        // Less than a chunk.
        skip: (range.start - first * plain) as usize,
        left: range.end.saturating_sub(range.start),
    })
}

struct Opened {
    key: PieceKey,
    inner: ByteStream,
    /// Encrypted bytes that do not make a chunk yet.
    held: BytesMut,
    /// Of the next chunk.
    number: u64,
    /// Length of the whole encrypted form.
    sealed: u64,
    /// Bytes of the next chunk that nobody asked for.
    skip: usize,
    /// Bytes still to be given.
    left: u64,
}

impl Opened {
    /// Opens the next chunk if it is all there.
    fn next_chunk(&mut self) -> Option<Result<Bytes, parbuckle_blob::Error>> {
        let rest = self
            .sealed
            .saturating_sub(self.number * SEALED_CHUNK_BYTES as u64);
        let len = rest.min(SEALED_CHUNK_BYTES as u64) as usize;
        if self.held.len() < len || len == 0 {
            return None;
        }
        let (chunk, last) = (self.held.split_to(len), rest == len as u64);
        let Some(plain) = self.key.open_chunk(chunk, self.number, last) else {
            return Some(Err(damaged("a chunk is not what was encrypted")));
        };
        let plain = plain.freeze();
        let end = plain
            .len()
            .min(self.skip + usize::try_from(self.left).unwrap_or(usize::MAX));
        if end <= self.skip {
            return Some(Err(damaged("its encrypted form has another length")));
        }
        let wanted = plain.slice(self.skip..end);
        self.left -= wanted.len() as u64;
        self.skip = 0;
        self.number += 1;
        Some(Ok(wanted))
    }
}

impl Stream for Opened {
    type Item = Result<Bytes, parbuckle_blob::Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        while this.left > 0 {
            if let Some(chunk) = this.next_chunk() {
                if chunk.is_err() {
                    this.left = 0;
                }
                return Poll::Ready(Some(chunk));
            }
            match ready!(this.inner.as_mut().poll_next(cx)) {
                Some(Ok(bytes)) => this.held.extend_from_slice(&bytes),
                Some(Err(error)) => {
                    this.left = 0;
                    return Poll::Ready(Some(Err(error)));
                }
                None => {
                    this.left = 0;
                    return Poll::Ready(Some(Err(damaged("its encrypted form ends early"))));
                }
            }
        }
        Poll::Ready(None)
    }
}

fn damaged(how: &str) -> parbuckle_blob::Error {
    parbuckle_blob::Error::Damaged(how.to_owned())
}

#[cfg(test)]
mod tests;
