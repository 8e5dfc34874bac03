//! The checksums of a blob: CRC32C (Castagnoli) per chunk, and one over id, length and chunk table that
//! binds them to each other.

use crc_fast::{CrcAlgorithm, Digest};

use crate::{BlobId, Sealed};

/// Bytes under one checksum. The last chunk of a blob may be shorter.
pub(crate) const CHUNK_BYTES: usize = 64 * 1024;

/// The chunk checksums of one whole blob.
#[derive(Debug)]
pub(crate) struct ChunkTable {
    len: u64,
    sums: Vec<u32>,
}

impl ChunkTable {
    /// The sealed form of the blob `id` with this content.
    pub(crate) fn sealed(&self, id: BlobId) -> Sealed {
        let mut digest = Digest::new(CrcAlgorithm::Crc32Iscsi);
        digest.update(&id.0);
        digest.update(&self.len.to_le_bytes());
        digest.update(&self.encode());
        Sealed {
            len: self.len,
            check: digest.finalize() as u32,
        }
    }

    /// How many leading bytes of `bytes` lie in good chunks. `bytes` begin with chunk number `first` and end
    /// with a chunk.
    pub(crate) fn good_prefix(&self, first: u64, bytes: &[u8]) -> usize {
        (first..)
            .zip(bytes.chunks(CHUNK_BYTES))
            .take_while(|(number, chunk)| {
                self.sums.get(*number as usize) == Some(&crc_fast::crc32_iscsi(chunk))
            })
            .map(|(_, chunk)| chunk.len())
            .sum()
    }

    /// Four bytes per chunk, little-endian.
    pub(crate) fn encode(&self) -> Vec<u8> {
        self.sums.iter().flat_map(|sum| sum.to_le_bytes()).collect()
    }

    /// The reverse of [`ChunkTable::encode`], for a blob of `len` bytes.
    pub(crate) fn decode(len: u64, bytes: &[u8]) -> Self {
        let (sums, _) = bytes.as_chunks();
        Self {
            len,
            sums: sums.iter().map(|sum| u32::from_le_bytes(*sum)).collect(),
        }
    }
}

/// Size in bytes of the encoded chunk table of a blob of `len` bytes.
pub(crate) fn table_bytes(len: u64) -> u64 {
    len.div_ceil(CHUNK_BYTES as u64) * size_of::<u32>() as u64
}

/// Collects a [`ChunkTable`] from bytes as they come.
pub(crate) struct Summer {
    len: u64,
    sums: Vec<u32>,
    /// The chunk that is not complete yet.
    open: Digest,
}

impl Summer {
    pub(crate) fn new() -> Self {
        Self {
            len: 0,
            sums: Vec::new(),
            open: Digest::new(CrcAlgorithm::Crc32Iscsi),
        }
    }

    /// Bytes so far.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let filled = (self.len % CHUNK_BYTES as u64) as usize;
            let (now, rest) = bytes.split_at(bytes.len().min(CHUNK_BYTES - filled));
            self.len += now.len() as u64;
            if now.len() == CHUNK_BYTES {
                self.sums.push(crc_fast::crc32_iscsi(now));
            } else {
                self.open.update(now);
                if filled + now.len() == CHUNK_BYTES {
                    self.sums.push(self.open.finalize_reset() as u32);
                }
            }
            bytes = rest;
        }
    }

    pub(crate) fn finish(mut self) -> ChunkTable {
        if !self.len.is_multiple_of(CHUNK_BYTES as u64) {
            self.sums.push(self.open.finalize() as u32);
        }
        ChunkTable {
            len: self.len,
            sums: self.sums,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(pieces: &[&[u8]]) -> ChunkTable {
        let mut summer = Summer::new();
        pieces.iter().for_each(|piece| summer.update(piece));
        summer.finish()
    }

    #[test]
    fn the_checksum_is_crc32c() {
        // Check value of CRC-32/ISCSI in the catalogue of parametrised CRC algorithms.
        assert_eq!(table(&[b"1234", b"56789"]).sums, [0xe306_9283]);
    }

    #[test]
    fn the_split_of_the_writes_does_not_change_the_table() {
        let bytes: Vec<u8> = (0..3 * CHUNK_BYTES + 5).map(|i| (i / 7) as u8).collect();
        let whole = table(&[&bytes]);
        for cut in [
            1,
            CHUNK_BYTES - 1,
            CHUNK_BYTES,
            CHUNK_BYTES + 1,
            2 * CHUNK_BYTES,
        ] {
            assert_eq!(
                table(&[&bytes[..cut], &bytes[cut..]]).sums,
                whole.sums,
                "cut at {cut}"
            );
        }
    }

    #[test]
    fn the_check_depends_on_id_length_and_content() {
        let id = BlobId([1; 16]);
        let check = table(&[b"abc"]).sealed(id).check;
        assert_ne!(check, table(&[b"abc"]).sealed(BlobId([2; 16])).check);
        assert_ne!(check, table(&[b"abd"]).sealed(id).check);
        let mut longer = table(&[b"abc"]);
        longer.len += 1;
        assert_ne!(check, longer.sealed(id).check);
    }
}
