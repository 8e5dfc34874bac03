//! The same as [`super::golden`] for work requests.

use parbuckle_blob::BlobId;
use parbuckle_model::{
    AutoTiering, BucketId, BucketName, ETag, EtagCondition, Namespace, ObjectAttributes,
    ObjectName, PublicAccess, StorageTier, VersionId, Versioning, WorkRequestId,
};

use super::golden::{assert_golden, ocid, time};
use super::*;
use crate::credential::CredentialKind;
use crate::{BucketPath, ObjectPath};

fn place(object: &str) -> PlaceRecord {
    let path = ObjectPath {
        bucket: BucketPath {
            namespace: Namespace::parse("ns").unwrap(),
            bucket: BucketName::parse("b").unwrap(),
        },
        object: ObjectName::parse(object.as_bytes()).unwrap(),
    };
    (&path).into()
}

fn waiting(task: TaskRecord) -> WorkRecord {
    WorkRecord {
        id: WorkRequestId::from_bytes([1; 16]),
        status: WorkStatus::Accepted,
        compartment: ocid("compartment"),
        requester: RequesterRecord {
            namespace: Namespace::parse("ns").unwrap(),
            user: ocid("user"),
            credential: CredentialKind::ApiKey,
        },
        task,
        time_accepted: time(),
        time_started: None,
        time_finished: None,
        percent: 0,
        logs: Vec::new(),
        errors: Vec::new(),
    }
}

#[test]
fn a_copy_that_waits() {
    let copy = CopyRecord {
        source: place("a"),
        destination: place("c"),
        if_match: None,
        if_none_match: None,
        metadata: None,
        tier: None,
        customer: None,
    };
    assert_golden(
        &waiting(TaskRecord::Copy(Box::new(copy))),
        "01a900500101010101010101010101010101010101000278186f636964312e636f6d706172746d65 \
         6e742e6f63312e2e7803a300626e7301716f636964312e757365722e6f63312e2e78020004820081 \
         a200a300626e7301616202616101a300626e73016162026163051b0000017802ef326a080009800a \
         80",
    );
}

#[test]
fn a_copy_with_everything_that_failed() {
    let etags = EtagCondition::OneOf(vec![ETag::from_bytes([2; 16])]);
    let copy = CopyRecord {
        source: place("a"),
        destination: place("c"),
        if_match: Some((&etags).into()),
        if_none_match: Some((&EtagCondition::Any).into()),
        metadata: Some(vec![("k".to_owned(), "v".to_owned())]),
        tier: Some(StoredTier(StorageTier::Archive)),
        customer: Some(CustomerCopyRecord {
            encryption: Some(EncryptionRecord {
                by_customer: true,
                wrapped: vec![6; 60],
                salt: [7; 16],
                server_key: None,
            }),
            recode: true,
        }),
    };
    let record = WorkRecord {
        status: WorkStatus::Failed,
        time_started: Some(StoredTime(time())),
        time_finished: Some(StoredTime(time())),
        percent: 50,
        logs: vec![WorkLogRecord {
            message: "m".to_owned(),
            time: time(),
        }],
        errors: vec![WorkErrorRecord {
            failure: WorkFailure::Internal,
            message: "m".to_owned(),
            time: time(),
        }],
        ..waiting(TaskRecord::Copy(Box::new(copy)))
    };
    assert_golden(
        &record,
        "01ab00500101010101010101010101010101010101020278186f636964312e636f6d706172746d65 \
         6e742e6f63312e2e7803a300626e7301716f636964312e757365722e6f63312e2e78020004820081 \
         a700a300626e7301616202616101a300626e73016162026163028201818150020202020202020202 \
         0202020202020203820080048182616b617605674172636869766506a200a300f501583c06060606 \
         06060606060606060606060606060606060606060606060606060606060606060606060606060606 \
         0606060606060606060606060606060602500707070707070707070707070707070701f5051b0000 \
         017802ef326a061b0000017802ef326a071b0000017802ef326a0818320981a200616d011b000001 \
         7802ef326a0a81a3000e01616d021b0000017802ef326a",
    );
}

#[test]
fn the_kept_source_of_a_copy() {
    let source = KeptSourceRecord {
        bucket: BucketRecord {
            id: BucketId::from_bytes([1; 16]),
            name: BucketName::parse("b").unwrap(),
            ocid: ocid("bucket"),
            compartment: ocid("compartment"),
            created_by: ocid("user"),
            time_created: time(),
            etag: ETag::from_bytes([2; 16]),
            public_access: PublicAccess::NoPublicAccess,
            storage_tier: StorageTier::Standard,
            object_events_enabled: false,
            metadata: Vec::new(),
            freeform_tags: Vec::new(),
            defined_tags: Vec::new(),
            versioning: Versioning::Disabled,
            auto_tiering: AutoTiering::Disabled,
            lifecycle_etag: None,
            retention: None,
            replicates: false,
            read_only: false,
            swift: None,
        },
        object: ObjectRecord {
            etag: ETag::from_bytes([3; 16]),
            version_id: VersionId::from_bytes([4; 16]),
            size: 3,
            md5: [5; 16],
            part_count: None,
            time_created: time(),
            time_modified: time(),
            storage_tier: StorageTier::Standard,
            attributes: ObjectAttributes::default().into(),
            checksums: ChecksumsRecord::default(),
            content: Content::Inline(6),
            encryption: None,
            restore: None,
            swift: None,
        },
        bytes: KeptBytes::Inline(vec![7; 3], 6),
    };
    assert_golden(
        &source,
        "01a300ad00500101010101010101010101010101010101616202736f636964312e6275636b65742e \
         6f63312e2e780378186f636964312e636f6d706172746d656e742e6f63312e2e7804716f63696431 \
         2e757365722e6f63312e2e78051b0000017802ef326a065002020202020202020202020202020202 \
         076e4e6f5075626c696341636365737308685374616e6461726409f40a800b800c8001aa00500303 \
         03030303030303030303030303030150040404040404040404040404040404040203035005050505 \
         050505050505050505050505051b0000017802ef326a061b0000017802ef326a07685374616e6461 \
         726408a1058009a00a82008106028200824307070706",
    );
}

#[test]
fn kept_bytes_of_each_kind() {
    let blob = PartBlob {
        id: BlobId([8; 16]),
        len: 9,
        check: 10,
        salt: None,
    };
    assert_golden(&KeptBytes::Inline(vec![7; 3], 6), "018200824307070706");
    assert_golden(
        &KeptBytes::Blob(blob),
        "01820181a30050080808080808080808080808080808080109020a",
    );
    assert_golden(
        &KeptBytes::Parts(vec![blob, blob]),
        "0182028182a30050080808080808080808080808080808080109020aa30050080808080808080808 \
         080808080808080109020a",
    );
}

#[test]
fn a_new_encryption_of_a_bucket() {
    let bucket = ReencryptRecord {
        namespace: Namespace::parse("ns").unwrap(),
        bucket: BucketName::parse("b").unwrap(),
    };
    assert_golden(&TaskRecord::Reencrypt(bucket), "01820181a200626e73016162");
}
