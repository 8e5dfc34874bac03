//! The checksums of a multipart object, from those of its parts (wire reference 3.3.1).

use aws_lc_rs::digest::{Algorithm, Context, SHA256, SHA384};
use crc_fast::CrcAlgorithm;

use crate::records::{ChecksumsRecord, PartRecord};

/// What an object has whose parts, in order, are these: each checksum that all of them have. The CRC32C is that of the
/// object's bytes; a SHA digest is that of the parts' binary digests, one after the other.
pub(super) fn of_object<'a>(parts: impl Iterator<Item = &'a PartRecord>) -> ChecksumsRecord {
    let parts: Vec<(ChecksumsRecord, u64)> = parts
        .map(|part| (part.checksums.unwrap_or_default(), part.blob.plain_len()))
        .collect();
    let sha256 = of_digests(&SHA256, parts.iter().map(|(part, _)| part.sha256));
    let sha384 = of_digests(&SHA384, parts.iter().map(|(part, _)| part.sha384));
    ChecksumsRecord {
        crc32c: combined_crc32c(&parts),
        of_parts: sha256.is_some() || sha384.is_some(),
        sha256,
        sha384,
    }
}

fn combined_crc32c(parts: &[(ChecksumsRecord, u64)]) -> Option<u32> {
    let mut all = 0;
    for (part, len) in parts {
        let next = u64::from(part.crc32c?);
        all = crc_fast::checksum_combine(CrcAlgorithm::Crc32Iscsi, all, next, *len);
    }
    // A CRC of 32 bits.
    Some(all as u32)
}

fn of_digests<const N: usize>(
    algorithm: &'static Algorithm,
    digests: impl Iterator<Item = Option<minicbor::bytes::ByteArray<N>>>,
) -> Option<minicbor::bytes::ByteArray<N>> {
    let mut context = Context::new(algorithm);
    for digest in digests {
        context.update(&<[u8; N]>::from(digest?));
    }
    let all: [u8; N] = context.finish().as_ref().try_into().ok()?;
    Some(all.into())
}

#[cfg(test)]
mod tests {
    use parbuckle_blob::BlobId;
    use parbuckle_model::ETag;
    use proptest::prelude::*;

    use super::*;
    use crate::records::PartBlob;

    fn part(bytes: &[u8], crc32c: Option<u32>, sha256: Option<[u8; 32]>) -> PartRecord {
        PartRecord {
            etag: ETag::from_bytes([0; 16]),
            md5: [0; 16],
            blob: PartBlob {
                id: BlobId([0; 16]),
                len: bytes.len() as u64,
                check: 0,
                salt: None,
            },
            checksums: Some(ChecksumsRecord {
                crc32c,
                sha256: sha256.map(Into::into),
                ..ChecksumsRecord::default()
            }),
        }
    }

    fn crc(bytes: &[u8]) -> u32 {
        crc_fast::checksum(CrcAlgorithm::Crc32Iscsi, bytes) as u32
    }

    proptest! {
        #[test]
        fn the_crc32c_of_parts_is_that_of_all_their_bytes(
            parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..6),
        ) {
            let records: Vec<_> =
                parts.iter().map(|bytes| part(bytes, Some(crc(bytes)), None)).collect();
            prop_assert_eq!(of_object(records.iter()).crc32c, Some(crc(&parts.concat())));
        }
    }

    #[test]
    fn a_checksum_that_one_part_lacks_is_not_the_objects() {
        let parts = [
            part(b"a", Some(1), Some([1; 32])),
            part(b"b", None, Some([2; 32])),
        ];
        let all = of_object(parts.iter());
        assert_eq!(all.crc32c, None);
        assert!(all.sha256.is_some() && all.of_parts);
        let none = [part(b"a", None, None)];
        assert_eq!(of_object(none.iter()), ChecksumsRecord::default());
    }

    #[test]
    fn the_sha256_of_parts_is_that_of_their_digests() {
        let parts = [
            part(b"a", None, Some([1; 32])),
            part(b"b", None, Some([2; 32])),
        ];
        let digests = [[1; 32], [2; 32]].concat();
        let expected = aws_lc_rs::digest::digest(&SHA256, &digests);
        let got: [u8; 32] = of_object(parts.iter()).sha256.unwrap().into();
        assert_eq!(got, expected.as_ref());
    }
}
