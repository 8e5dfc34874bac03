//! Where an object's bytes are.

use minicbor::{Decode, Encode};
use parbuckle_blob::{BlobId, Sealed};

use super::codec;

/// One blob and what it was sealed with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PartBlob {
    #[cbor(n(0), with = "codec::blob_id")]
    pub(crate) id: BlobId,
    #[n(1)]
    pub(crate) len: u64,
    #[n(2)]
    pub(crate) check: u32,
}

impl PartBlob {
    pub(crate) fn new(id: BlobId, sealed: Sealed) -> Self {
        Self {
            id,
            len: sealed.len,
            check: sealed.check,
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
