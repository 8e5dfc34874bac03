//! What a listing shows of an object's record, read where it lies: a listing has thousands of rows, and most of a record is
//! not in them.
//!
//! Read by hand, because what is derived takes three times as long, most of it to step over fields.

use jiff::Timestamp;
use minicbor::decode::Error;
use minicbor::{Decode, Decoder};

use super::swift::StaticManifestRecord;

/// Some fields of an [`ObjectRecord`](super::ObjectRecord).
#[derive(Debug)]
pub(crate) struct ObjectRowRecord<'b> {
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    pub(crate) part_count: Option<u16>,
    pub(crate) time_modified: Timestamp,
    pub(crate) content_type: Option<&'b str>,
    pub(crate) swift: Option<SwiftRowRecord>,
}

/// Some fields of a [`SwiftObjectRecord`](super::SwiftObjectRecord).
#[derive(Debug, Decode)]
#[cbor(map)]
pub(crate) struct SwiftRowRecord {
    #[n(2)]
    pub(crate) delete_at: Option<u64>,
    #[n(4)]
    pub(crate) static_manifest: Option<StaticManifestRecord>,
}

impl<'b, C> Decode<'b, C> for ObjectRowRecord<'b> {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, Error> {
        let mut values = Values(d.input().get(d.position()..).unwrap_or_default());
        let row = Self::read(&mut values).ok_or_else(|| Error::message("not a stored object"))?;
        d.set_position(d.input().len() - values.0.len());
        Ok(row)
    }
}

impl<'b> ObjectRowRecord<'b> {
    fn read(values: &mut Values<'b>) -> Option<Self> {
        let (mut size, mut md5, mut part_count, mut time_modified) = (None, None, None, None);
        let (mut content_type, mut swift) = (None, None);
        for _ in 0..values.count(MAP)? {
            match values.count(UNSIGNED)? {
                2 => size = Some(values.count(UNSIGNED)?),
                3 => md5 = Some(values.slice(BYTES)?.try_into().ok()?),
                4 => part_count = values.decode()?,
                6 => time_modified = Some(Timestamp::from_millisecond(values.integer()?).ok()?),
                8 => content_type = content_type_of(values)?,
                13 => swift = values.decode()?,
                _ => values.skip()?,
            }
        }
        Some(Self {
            size: size?,
            md5: md5?,
            part_count,
            time_modified: time_modified?,
            content_type,
            swift,
        })
    }
}

/// The one field of an `AttributesRecord` that a row has.
fn content_type_of<'b>(values: &mut Values<'b>) -> Option<Option<&'b str>> {
    let mut content_type = None;
    for _ in 0..values.count(MAP)? {
        match values.count(UNSIGNED)? {
            0 => content_type = values.text_or_null()?,
            _ => values.skip()?,
        }
    }
    Some(content_type)
}

/// Major types (RFC 8949, section 3.1).
const UNSIGNED: u8 = 0;
const NEGATIVE: u8 = 1;
const BYTES: u8 = 2;
const TEXT: u8 = 3;
const ARRAY: u8 = 4;
const MAP: u8 = 5;
const TAG: u8 = 6;
const SIMPLE: u8 = 7;

/// The simple value null (RFC 8949, section 3.3).
const NULL: u64 = 22;

/// CBOR values, one after the other. What can't be read gives nothing; records hold nothing of indefinite length.
struct Values<'b>(&'b [u8]);

impl<'b> Values<'b> {
    /// Major type and argument of what comes next.
    fn head(&mut self) -> Option<(u8, u64)> {
        let (first, behind) = self.0.split_first()?;
        let (major, info) = (first >> 5, first & 31);
        self.0 = behind;
        let argument = match info {
            0..24 => u64::from(info),
            24 => u64::from(u8::from_be_bytes(self.chunk()?)),
            25 => u64::from(u16::from_be_bytes(self.chunk()?)),
            26 => u64::from(u32::from_be_bytes(self.chunk()?)),
            27 => u64::from_be_bytes(self.chunk()?),
            _ => return None,
        };
        Some((major, argument))
    }

    fn chunk<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (chunk, behind) = self.0.split_first_chunk()?;
        self.0 = behind;
        Some(*chunk)
    }

    /// The number, or the number of items, of a value of this type.
    fn count(&mut self, major: u8) -> Option<u64> {
        let (found, argument) = self.head()?;
        (found == major).then_some(argument)
    }

    fn integer(&mut self) -> Option<i64> {
        let (found, argument) = self.head()?;
        let argument = i64::try_from(argument).ok()?;
        match found {
            UNSIGNED => Some(argument),
            NEGATIVE => Some(-1 - argument),
            _ => None,
        }
    }

    fn text_or_null(&mut self) -> Option<Option<&'b str>> {
        match self.head()? {
            (TEXT, len) => std::str::from_utf8(self.take(len)?).ok().map(Some),
            (SIMPLE, NULL) => Some(None),
            _ => None,
        }
    }

    fn slice(&mut self, major: u8) -> Option<&'b [u8]> {
        let len = self.count(major)?;
        self.take(len)
    }

    fn take(&mut self, len: u64) -> Option<&'b [u8]> {
        let (slice, behind) = self.0.split_at_checked(usize::try_from(len).ok()?)?;
        self.0 = behind;
        Some(slice)
    }

    /// What is rare enough to be derived.
    fn decode<T: Decode<'b, ()>>(&mut self) -> Option<T> {
        let mut decoder = Decoder::new(self.0);
        let value = decoder.decode().ok()?;
        self.0 = self.0.get(decoder.position()..)?;
        Some(value)
    }

    /// Steps over one value and all that is in it.
    fn skip(&mut self) -> Option<()> {
        let mut left = 1_u64;
        while left > 0 {
            let (major, argument) = self.head()?;
            let inside = match major {
                BYTES | TEXT => {
                    self.take(argument)?;
                    0
                }
                ARRAY => argument,
                MAP => argument.checked_mul(2)?,
                TAG => 1,
                _ => 0,
            };
            left = (left - 1).checked_add(inside)?;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use parbuckle_model::{ETag, ObjectAttributes, StorageTier, VersionId};

    use super::*;
    use crate::records::{
        ChecksumsRecord, Content, ObjectRecord, SwiftObjectRecord, decode, encode,
    };

    fn record() -> ObjectRecord {
        let time = |millis| Timestamp::from_millisecond(millis).unwrap();
        ObjectRecord {
            etag: ETag::from_bytes([1; 16]),
            version_id: VersionId::from_bytes([2; 16]),
            size: 70_000,
            md5: [3; 16],
            part_count: Some(4),
            time_created: time(5),
            time_modified: time(6),
            storage_tier: StorageTier::Standard,
            attributes: ObjectAttributes {
                content_type: Some("text/plain".to_owned()),
                content_language: Some("en".to_owned()),
                ..ObjectAttributes::default()
            }
            .into(),
            checksums: ChecksumsRecord::default(),
            content: Content::Inline(7),
            encryption: None,
            restore: None,
            swift: Some(SwiftObjectRecord {
                expires: Some("never".to_owned()),
                delete_at: Some(8),
                static_manifest: Some(StaticManifestRecord {
                    etag: [9; 16],
                    size: 10,
                    shown_md5: [11; 16],
                    shown_size: 12,
                }),
                ..SwiftObjectRecord::default()
            }),
        }
    }

    #[test]
    fn a_row_reads_what_the_whole_record_holds() {
        let record = record();
        let bytes = encode(&record);
        let row: ObjectRowRecord<'_> = decode(&bytes).unwrap();
        let swift = record.swift.as_ref().unwrap();
        let swift_row = row.swift.unwrap();
        assert_eq!(row.size, record.size);
        assert_eq!(row.md5, record.md5);
        assert_eq!(row.part_count, record.part_count);
        assert_eq!(row.time_modified, record.time_modified);
        assert_eq!(row.content_type, Some("text/plain"));
        assert_eq!(swift_row.delete_at, swift.delete_at);
        assert_eq!(swift_row.static_manifest, swift.static_manifest);
    }

    #[test]
    fn a_row_of_before_1970_is_read() {
        let bytes = encode(&ObjectRecord {
            time_modified: Timestamp::from_millisecond(-1).unwrap(),
            ..record()
        });
        let row: ObjectRowRecord<'_> = decode(&bytes).unwrap();
        assert_eq!(row.time_modified.as_millisecond(), -1);
    }

    #[test]
    fn a_row_of_a_record_with_nothing_optional_is_read() {
        let bytes = encode(&ObjectRecord {
            part_count: None,
            attributes: ObjectAttributes::default().into(),
            swift: None,
            ..record()
        });
        let row: ObjectRowRecord<'_> = decode(&bytes).unwrap();
        assert!(row.part_count.is_none() && row.swift.is_none());
        assert_eq!(row.content_type, None);
    }

    #[test]
    fn a_value_is_stepped_over_whatever_it_is() {
        let values = [
            &[0x17][..],
            &[0x18, 0x18],
            &[0x1b, 1, 2, 3, 4, 5, 6, 7, 8],
            &[0x39, 1, 0],
            &[0x43, 1, 2, 3],
            &[0x58, 1, 7],
            &[0x62, b'h', b'i'],
            &[0x80],
            &[0x83, 1, 0x82, 2, 3, 0x41, 9],
            &[0xa2, 1, 0xa1, 2, 3, 4, 0x60],
            &[0xc1, 0x1a, 1, 2, 3, 4],
            &[0xf6],
            &[0xfb, 1, 2, 3, 4, 5, 6, 7, 8],
        ];
        for value in values {
            let input = [value, &[0x0a]].concat();
            let mut values = Values(&input);
            assert!(values.skip().is_some(), "{value:x?}");
            assert_eq!(values.0, [0x0a], "{value:x?}");
            for cut in 0..value.len() {
                let cut = &value[..cut];
                assert!(Values(cut).skip().is_none(), "{cut:x?}");
            }
        }
    }

    #[test]
    fn lengths_beyond_the_record_are_refused() {
        for input in [
            &[0x5b, 255, 255, 255, 255, 255, 255, 255, 255][..],
            &[0xbb, 255, 255, 255, 255, 255, 255, 255, 255],
            &[0x5f, 0xff],
        ] {
            assert!(Values(input).skip().is_none(), "{input:x?}");
        }
    }
}
