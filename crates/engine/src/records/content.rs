//! Where an object's bytes are.

use minicbor::bytes::ByteArray;
use minicbor::{Decode, Encode};
use parbuckle_blob::{BlobId, Sealed};

use super::codec;
use crate::encryption::{self, SALT_BYTES};

/// One blob and what it was sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PartBlob {
    #[cbor(n(0), with = "codec::blob_id")]
    pub(crate) id: BlobId,
    /// As it is stored: encryption adds to it.
    #[n(1)]
    pub(crate) len: u64,
    #[n(2)]
    pub(crate) check: u32,
    /// Makes its key from the object's; nothing when it is not encrypted.
    #[cbor(n(3), with = "minicbor::bytes")]
    pub(crate) salt: Option<ByteArray<16>>,
}

impl PartBlob {
    /// A blob that is not encrypted.
    pub(crate) fn new(id: BlobId, sealed: Sealed) -> Self {
        Self {
            id,
            len: sealed.len,
            check: sealed.check,
            salt: None,
        }
    }

    /// The same, encrypted with the key that this salt makes.
    pub(crate) fn encrypted(self, salt: [u8; SALT_BYTES]) -> Self {
        Self {
            salt: Some(salt.into()),
            ..self
        }
    }

    /// Length of its bytes before they were encrypted.
    pub(crate) fn plain_len(&self) -> u64 {
        match self.salt {
            None => self.len,
            Some(_) => encryption::plain_len(self.len),
        }
    }

    pub(crate) fn sealed(&self) -> Sealed {
        Sealed {
            len: self.len,
            check: self.check,
        }
    }
}

/// Where the bytes of an object or part are.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) enum Content {
    /// Under the inline key of the object's name, in the same commit as the record. Holds the CRC32C of the bytes.
    #[n(0)]
    Inline(#[n(0)] u32),
    /// In one blob.
    #[n(1)]
    Blob(#[n(0)] PartBlob),
    /// In the blobs of a manifest, whose id this is.
    #[n(2)]
    Manifest(#[cbor(n(0), with = "codec::bytes16")] [u8; 16]),
}

/// The blobs of a multipart object, in order.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct ManifestRecord {
    #[n(0)]
    pub(crate) parts: Vec<PartBlob>,
}
