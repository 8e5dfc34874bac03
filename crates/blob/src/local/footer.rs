//! The footer of a blob file; the layout is drawn in the module above.

use crate::checksum::{ChunkTable, table_bytes};
use crate::{BlobId, Error, Sealed};

const MAGIC: [u8; 8] = *b"PBKLBLOB";
const VERSION: [u8; 4] = 1u32.to_le_bytes();

/// Size of the trailer in bytes.
const TRAILER_BYTES: u64 = 44;

/// Size in bytes of the footer of a blob of `len` bytes.
pub(super) fn footer_bytes(len: u64) -> u64 {
    table_bytes(len) + TRAILER_BYTES
}

/// The footer of the blob `id`, and what its owner must keep.
pub(super) fn encode(id: BlobId, table: &ChunkTable) -> (Vec<u8>, Sealed) {
    let sealed = table.sealed(id);
    let mut footer = table.encode();
    footer.extend(fields(id, sealed).concat());
    footer.extend(crc_fast::crc32_iscsi(&footer).to_le_bytes());
    (footer, sealed)
}

/// The chunk table in `footer`, which must be the footer of the blob `id` sealed as `sealed`.
pub(super) fn decode(footer: &[u8], id: BlobId, sealed: Sealed) -> Result<ChunkTable, Error> {
    let (body, crc) = footer
        .split_last_chunk()
        .ok_or_else(|| damaged("footer is too short"))?;
    if crc_fast::crc32_iscsi(body) != u32::from_le_bytes(*crc) {
        return Err(damaged("checksum of the footer"));
    }
    let body = body.strip_suffix(fields(id, sealed).concat().as_slice());
    let body = body.ok_or_else(|| damaged("footer of another blob, content or format version"))?;
    let table = ChunkTable::decode(sealed.len, body);
    if body.len() as u64 != table_bytes(sealed.len) || table.sealed(id) != sealed {
        return Err(damaged("chunk table of another content"));
    }
    Ok(table)
}

/// The trailer fields before the last checksum.
fn fields(id: BlobId, sealed: Sealed) -> [Vec<u8>; 5] {
    [
        MAGIC.to_vec(),
        VERSION.to_vec(),
        id.0.to_vec(),
        sealed.len.to_le_bytes().to_vec(),
        sealed.check.to_le_bytes().to_vec(),
    ]
}

fn damaged(what: &str) -> Error {
    Error::Damaged(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::Summer;

    const ID: BlobId = BlobId(*b"0123456789abcdef");

    fn footer() -> (Vec<u8>, Sealed) {
        let mut summer = Summer::new();
        summer.update(b"123456789");
        encode(ID, &summer.finish())
    }

    #[test]
    fn the_bytes_on_disk_are_those_of_version_1() {
        let (footer, sealed) = footer();
        assert_eq!(footer.len() as u64, footer_bytes(9));
        let mut expected = Vec::new();
        expected.extend(0xe306_9283_u32.to_le_bytes());
        expected.extend(b"PBKLBLOB\x01\0\0\0");
        expected.extend(b"0123456789abcdef");
        expected.extend(b"\x09\0\0\0\0\0\0\0");
        expected.extend(sealed.check.to_le_bytes());
        expected.extend(crc_fast::crc32_iscsi(&expected).to_le_bytes());
        assert_eq!(footer, expected);
    }

    #[test]
    fn every_flipped_bit_is_caught() {
        let (footer, sealed) = footer();
        assert!(decode(&footer, ID, sealed).is_ok());
        for bit in 0..footer.len() * 8 {
            let mut bad = footer.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(
                matches!(decode(&bad, ID, sealed), Err(Error::Damaged(_))),
                "bit {bit}"
            );
        }
    }

    #[test]
    fn every_truncation_is_caught() {
        let (footer, sealed) = footer();
        for cut in 1..=footer.len() {
            assert!(
                matches!(decode(&footer[cut..], ID, sealed), Err(Error::Damaged(_))),
                "{cut}"
            );
        }
    }

    #[test]
    fn a_chunk_table_of_another_content_is_caught_though_its_own_checksum_is_right() {
        let (footer, sealed) = footer();
        let mut forged = footer[..footer.len() - 4].to_vec();
        forged[0] ^= 1;
        forged.extend(crc_fast::crc32_iscsi(&forged).to_le_bytes());
        assert!(matches!(
            decode(&forged, ID, sealed),
            Err(Error::Damaged(_))
        ));
    }
}
