//! The same as [`super::golden`] for versions of objects, restored objects, and what buckets and counters have gained
//! with them; and the number of each value of a closed list.

use parbuckle_blob::BlobId;
use parbuckle_model::{
    AutoTiering, BucketId, BucketName, ETag, PublicAccess, StorageTier, VersionId, Versioning,
};

use super::golden::{assert_golden, hex, ocid, time};
use super::*;

fn object() -> ObjectRecord {
    ObjectRecord {
        etag: ETag::from_bytes([1; 16]),
        version_id: VersionId::from_bytes([2; 16]),
        size: 3,
        md5: [4; 16],
        part_count: None,
        time_created: time(),
        time_modified: time(),
        storage_tier: StorageTier::Archive,
        attributes: AttributesRecord::default(),
        checksums: ChecksumsRecord::default(),
        content: Content::Inline(5),
        encryption: None,
        restore: Some(RestoreRecord {
            from: time(),
            until: time(),
        }),
        swift: None,
    }
}

#[test]
fn an_old_version_that_is_restored() {
    assert_golden(
        &VersionRecord::Object(object()),
        "01820081ab0050010101010101010101010101010101010150020202020202020202020202020202 \
         020203035004040404040404040404040404040404051b0000017802ef326a061b0000017802ef32 \
         6a07674172636869766508a1058009a00a820081050ca2001b0000017802ef326a011b0000017802 \
         ef326a",
    );
}

#[test]
fn a_delete_marker() {
    let marker = DeleteMarkerRecord {
        version_id: VersionId::from_bytes([2; 16]),
        time: time(),
    };
    assert_golden(
        &VersionRecord::DeleteMarker(marker),
        "01820181a2005002020202020202020202020202020202011b0000017802ef326a",
    );
}

#[test]
fn an_encrypted_object_of_one_blob() {
    let record = ObjectRecord {
        storage_tier: StorageTier::InfrequentAccess,
        content: Content::Blob(PartBlob {
            id: BlobId([6; 16]),
            len: 19,
            check: 7,
            salt: Some([8; 16].into()),
        }),
        encryption: Some(EncryptionRecord {
            by_customer: true,
            wrapped: vec![9; 2],
            salt: [10; 16],
            server_key: None,
        }),
        restore: None,
        ..object()
    };
    assert_golden(
        &record,
        "01ab0050010101010101010101010101010101010150020202020202020202020202020202020203 \
         035004040404040404040404040404040404051b0000017802ef326a061b0000017802ef326a0770 \
         496e6672657175656e7441636365737308a1058009a00a820181a400500606060606060606060606 \
         0606060606011302070350080808080808080808080808080808080ba300f50142090902500a0a0a \
         0a0a0a0a0a0a0a0a0a0a0a0a0a",
    );
}

#[test]
fn a_bucket_with_all_that_it_can_have() {
    let record = BucketRecord {
        id: BucketId::from_bytes([1; 16]),
        name: BucketName::parse("b").unwrap(),
        ocid: ocid("bucket"),
        compartment: ocid("compartment"),
        created_by: ocid("user"),
        time_created: time(),
        etag: ETag::from_bytes([2; 16]),
        public_access: PublicAccess::ObjectReadWithoutList,
        storage_tier: StorageTier::Archive,
        object_events_enabled: false,
        metadata: Vec::new(),
        freeform_tags: Vec::new(),
        defined_tags: Vec::new(),
        versioning: Versioning::Suspended,
        auto_tiering: AutoTiering::InfrequentAccess,
        lifecycle_etag: Some(StoredETag(ETag::from_bytes([3; 16]))),
        retention: Some(RetentionRecord {
            seconds: Some(86_400),
        }),
        replicates: true,
        read_only: true,
        swift: None,
    };
    assert_golden(
        &record,
        "01b300500101010101010101010101010101010101616202736f636964312e6275636b65742e6f63 \
         312e2e780378186f636964312e636f6d706172746d656e742e6f63312e2e7804716f636964312e75 \
         7365722e6f63312e2e78051b0000017802ef326a0650020202020202020202020202020202020775 \
         4f626a65637452656164576974686f75744c69737408674172636869766509f40a800b800c800d69 \
         53757370656e6465640e70496e6672657175656e744163636573730f500303030303030303030303 \
         030303030310a1001a0001518011f512f5",
    );
    let for_ever = RetentionRecord { seconds: None };
    assert_golden(&for_ever, "01a0");
}

#[test]
fn counters_of_old_versions() {
    let record = CounterRecord {
        objects: 1,
        bytes: 2,
        old_objects: -3,
        old_bytes: -4,
    };
    assert_golden(&record, "01a40001010202220323");
}

/// What each of them is written as, one after the other.
fn written<T: minicbor::Encode<()>>(values: &[T]) -> String {
    let each = values.iter().map(|value| hex(&encode(value)));
    each.collect::<Vec<_>>().join(" ")
}

#[test]
fn values_of_closed_lists_keep_their_numbers() {
    use {WorkFailure as F, WorkStatus as W};
    let statuses = [
        W::Accepted,
        W::InProgress,
        W::Failed,
        W::Completed,
        W::Canceling,
        W::Canceled,
    ];
    assert_eq!(written(&statuses), "0100 0101 0102 0103 0104 0105");
    let failures = [
        F::NamespaceNotFound,
        F::BucketNotFound,
        F::ObjectNotFound,
        F::ObjectArchived,
        F::ObjectRetained,
        F::BucketReadOnly,
        F::BucketStateConflict,
        F::IfMatchFailed,
        F::IfNoneMatchFailed,
        F::CustomerKeyRefused,
        F::InvalidParameter,
        F::NotImplemented,
        F::ConcurrentUpdate,
        F::Unavailable,
        F::Internal,
    ];
    assert_eq!(
        written(&failures),
        "0100 0101 0102 0103 0104 0105 0106 0107 0108 0109 010a 010b 010c 010d 010e"
    );
    let phases = [
        Phase::Objects,
        Phase::Versions,
        Phase::Uploads,
        Phase::Reads,
    ];
    assert_eq!(written(&phases), "0100 0101 0102 0103");
    let checksums = [
        ChecksumRecord::Crc32c,
        ChecksumRecord::Sha256,
        ChecksumRecord::Sha384,
    ];
    assert_eq!(written(&checksums), "0100 0101 0102");
}
