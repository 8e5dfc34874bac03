//! Bytes that a released version has written must stay readable: each record kind with the bytes of format version 1.
//! A line may be added when a field is; none may change.

use std::fmt::Debug;

use bytes::Bytes;
use jiff::Timestamp;
use parbuckle_blob::BlobId;
use parbuckle_model::{
    AccessType, AutoTiering, BucketId, BucketName, ETag, ListingAction, Namespace,
    ObjectAttributes, ObjectName, Ocid, ParId, ParScope, PublicAccess, StorageTier, TokenHash,
    UploadId, UserMetadata, VersionId, Versioning,
};

use super::*;
use crate::credential::CredentialKind;

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub(super) fn unhex(text: &str) -> Bytes {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

/// The record is written as `golden`, and `golden` is read as the record.
#[track_caller]
pub(super) fn assert_golden<T>(record: &T, golden: &str)
where
    T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()> + PartialEq + Debug,
{
    let golden = unhex(golden);
    assert_eq!(&decode::<T>(&golden).unwrap(), record);
    assert_eq!(hex(&encode(record)), hex(&golden));
}

pub(super) fn time() -> Timestamp {
    Timestamp::from_millisecond(1_614_956_933_738).unwrap()
}

pub(super) fn ocid(kind: &str) -> Ocid {
    Ocid::parse(&format!("ocid1.{kind}.oc1..x")).unwrap()
}

fn object_name() -> ObjectName {
    ObjectName::parse("a/é".as_bytes()).unwrap()
}

fn attributes() -> AttributesRecord {
    let metadata = UserMetadata::new([("k".to_owned(), "v".to_owned())]).unwrap();
    ObjectAttributes {
        content_type: Some("text/plain".to_owned()),
        metadata,
        ..ObjectAttributes::default()
    }
    .into()
}

#[test]
fn a_bucket() {
    let record = BucketRecord {
        id: BucketId::from_bytes([1; 16]),
        name: BucketName::parse("b").unwrap(),
        ocid: ocid("bucket"),
        compartment: ocid("compartment"),
        created_by: ocid("user"),
        time_created: time(),
        etag: ETag::from_bytes([2; 16]),
        public_access: PublicAccess::ObjectRead,
        storage_tier: StorageTier::Standard,
        object_events_enabled: true,
        metadata: vec![("m".to_owned(), "1".to_owned())],
        freeform_tags: vec![("t".to_owned(), "2".to_owned())],
        defined_tags: vec![("n".to_owned(), "k".to_owned(), "3".to_owned())],
        versioning: Versioning::Disabled,
        auto_tiering: AutoTiering::Disabled,
        lifecycle_etag: None,
        retention: None,
        replicates: false,
        read_only: false,
        swift: None,
    };
    assert_golden(
        &record,
        "01ad00500101010101010101010101010101010101616202736f636964312e6275636b65742e6f63 \
         312e2e780378186f636964312e636f6d706172746d656e742e6f63312e2e7804716f636964312e75 \
         7365722e6f63312e2e78051b0000017802ef326a065002020202020202020202020202020202076a \
         4f626a6563745265616408685374616e6461726409f50a8182616d61310b8182617461320c818361 \
         6e616b6133",
    );
}

#[test]
fn objects_of_each_kind_of_content() {
    let record = |content, part_count| ObjectRecord {
        etag: ETag::from_bytes([1; 16]),
        version_id: VersionId::from_bytes([2; 16]),
        size: 70_000,
        md5: [3; 16],
        part_count,
        time_created: time(),
        time_modified: time(),
        storage_tier: StorageTier::Standard,
        attributes: attributes(),
        checksums: ChecksumsRecord {
            crc32c: Some(7),
            ..ChecksumsRecord::default()
        },
        content,
        encryption: None,
        restore: None,
        swift: None,
    };
    let blob = PartBlob {
        id: BlobId([4; 16]),
        len: 70_000,
        check: 9,
        salt: None,
    };
    assert_golden(
        &record(Content::Inline(5), None),
        "01aa005001010101010101010101010101010101015002020202020202020202020202020202021a \
         00011170035003030303030303030303030303030303051b0000017802ef326a061b0000017802ef \
         326a07685374616e6461726408a2006a746578742f706c61696e058182616b617609a100070a8200 \
         8105",
    );
    assert_golden(
        &record(Content::Blob(blob), None),
        "01aa005001010101010101010101010101010101015002020202020202020202020202020202021a \
         00011170035003030303030303030303030303030303051b0000017802ef326a061b0000017802ef \
         326a07685374616e6461726408a2006a746578742f706c61696e058182616b617609a100070a8201 \
         81a3005004040404040404040404040404040404011a000111700209",
    );
    assert_golden(
        &record(Content::Manifest([6; 16]), Some(3)),
        "01ab005001010101010101010101010101010101015002020202020202020202020202020202021a \
         000111700350030303030303030303030303030303030403051b0000017802ef326a061b00000178 \
         02ef326a07685374616e6461726408a2006a746578742f706c61696e058182616b617609a100070a \
         8202815006060606060606060606060606060606",
    );
    assert_golden(
        &ManifestRecord { parts: vec![blob] },
        "01a10081a3005004040404040404040404040404040404011a000111700209",
    );
}

#[test]
fn an_upload_its_secret_and_a_part() {
    let upload = UploadRecord {
        id: UploadId::from_bytes([1; 16]),
        object: object_name(),
        time_created: time(),
        storage_tier: StorageTier::Standard,
        attributes: attributes(),
        secret: Some(TokenHash([2; 32])),
        encryption: None,
        checksum: None,
    };
    assert_golden(
        &upload,
        "01a60050010101010101010101010101010101010164612fc3a9021b0000017802ef326a03685374 \
         616e6461726404a2006a746578742f706c61696e058182616b617605582002020202020202020202 \
         02020202020202020202020202020202020202020202",
    );
    let secret = UploadSecretRecord {
        par: TokenHash([3; 32]),
        object: object_name(),
        upload: UploadId::from_bytes([1; 16]),
    };
    assert_golden(
        &secret,
        "01a30058200303030303030303030303030303030303030303030303030303030303030303016461 \
         2fc3a9025001010101010101010101010101010101",
    );
    let part = PartRecord {
        etag: ETag::from_bytes([4; 16]),
        md5: [5; 16],
        blob: PartBlob {
            id: BlobId([6; 16]),
            len: 1,
            check: 2,
            salt: None,
        },
        checksums: None,
    };
    assert_golden(
        &part,
        "01a300500404040404040404040404040404040401500505050505050505050505050505050502a3 \
         00500606060606060606060606060606060601010202",
    );
}

#[test]
fn what_encryption_and_checksums_add() {
    let by_server = EncryptionRecord {
        by_customer: false,
        wrapped: vec![1; 60],
        salt: [2; 16],
        server_key: Some([3; 8].into()),
    };
    assert_golden(
        &by_server,
        "01a400f401583c010101010101010101010101010101010101010101010101010101010101010101 \
         01010101010101010101010101010101010101010101010101010102500202020202020202020202 \
         020202020203480303030303030303",
    );
    let by_customer = EncryptionRecord {
        by_customer: true,
        server_key: None,
        ..by_server
    };
    let blob = PartBlob {
        id: BlobId([6; 16]),
        len: 17,
        check: 2,
        salt: Some([7; 16].into()),
    };
    assert_golden(
        &ManifestRecord { parts: vec![blob] },
        "01a10081a40050060606060606060606060606060606060111020203500707070707070707070707 \
         0707070707",
    );
    let upload = UploadRecord {
        id: UploadId::from_bytes([1; 16]),
        object: object_name(),
        time_created: time(),
        storage_tier: StorageTier::Standard,
        attributes: AttributesRecord::default(),
        secret: None,
        encryption: Some(by_customer),
        checksum: Some(ChecksumRecord::Sha384),
    };
    assert_golden(
        &upload,
        "01a70050010101010101010101010101010101010164612fc3a9021b0000017802ef326a03685374 \
         616e6461726404a1058006a300f501583c0101010101010101010101010101010101010101010101 \
         01010101010101010101010101010101010101010101010101010101010101010101010101025002 \
         0202020202020202020202020202020702",
    );
    let checksums = ChecksumsRecord {
        crc32c: Some(8),
        sha256: Some([9; 32].into()),
        sha384: Some([10; 48].into()),
        of_parts: true,
    };
    let part = PartRecord {
        etag: ETag::from_bytes([4; 16]),
        md5: [5; 16],
        blob,
        checksums: Some(checksums),
    };
    assert_golden(
        &part,
        "01a400500404040404040404040404040404040401500505050505050505050505050505050502a4 \
         00500606060606060606060606060606060601110202035007070707070707070707070707070707 \
         03a40008015820090909090909090909090909090909090909090909090909090909090909090902 \
         58300a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a \
         0a0a0a0a0a0a0a0a0a0a03f5",
    );
}

#[test]
fn a_pre_authenticated_request() {
    let record = ParRecord {
        id: ParId::from_bytes([1; 48]),
        name: "par".to_owned(),
        namespace: Namespace::parse("ns").unwrap(),
        bucket: BucketId::from_bytes([2; 16]),
        creator: ocid("user"),
        credential: CredentialKind::ApiKey,
        scope: ParScope::new(
            AccessType::AnyObjectRead,
            Some("pre/"),
            Some(ListingAction::ListObjects),
        )
        .unwrap(),
        time_created: time(),
        time_expires: time().into(),
    };
    assert_golden(
        &record,
        "01a90058300101010101010101010101010101010101010101010101010101010101010101010101 \
         01010101010101010101010101016370617202626e73035002020202020202020202020202020202 \
         04716f636964312e757365722e6f63312e2e78050006836d416e794f626a65637452656164647072 \
         652f6b4c6973744f626a65637473071b0000017802ef326a081b0000017802ef326a",
    );
}

#[test]
fn trash_and_counters() {
    assert_golden(
        &TrashRecord {
            blobs: vec![TrashedBlob(BlobId([1; 16]))],
        },
        "01a100815001010101010101010101010101010101",
    );
    assert_golden(
        &CounterRecord {
            objects: -1,
            bytes: 70_000,
            ..CounterRecord::default()
        },
        "01a20020011a00011170",
    );
    assert_golden(
        &CounterFloorRecord {
            millis: 1_615_000_000_000,
        },
        "01a1001b0000017805805600",
    );
}

#[test]
fn a_record_of_a_newer_format_is_refused() {
    let error = decode::<CounterRecord>(&Bytes::from_static(&[2, 0xa0])).unwrap_err();
    assert!(error.cause().unwrap().contains("newer release"));
}

#[test]
fn a_damaged_record_is_refused() {
    let mut bytes = encode(&CounterRecord {
        objects: 1,
        bytes: 2,
        ..CounterRecord::default()
    })
    .to_vec();
    bytes.truncate(3);
    assert!(decode::<CounterRecord>(&bytes).is_err());
}
