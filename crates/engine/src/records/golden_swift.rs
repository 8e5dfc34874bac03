//! Golden bytes of the records of Storage Classic: what was written once must stay readable.

use minicbor::bytes::ByteArray;
use parbuckle_model::{BucketName, Namespace, ObjectName};

use super::golden::{assert_golden, ocid, time};
use super::*;
use crate::credential::CredentialKind;

fn namespace() -> Namespace {
    Namespace::parse("acme").unwrap()
}

#[test]
fn what_swift_knows_of_a_bucket() {
    let record = SwiftBucketRecord {
        read_acl: ".r:*".to_owned(),
        write_acl: "acme:joe".to_owned(),
        settings: vec![("quota-count".to_owned(), "9".to_owned())],
        keys: vec![("temp-url-key".to_owned(), StoredSecret("k".to_owned()))],
        modified_millis: 1_614_956_933_738,
    };
    assert_golden(
        &record,
        "01a500642e723a2a016861636d653a6a6f650281826b71756f74612d636f756e746139038182 \
         6c74656d702d75726c2d6b6579616b041b0000017802ef326a",
    );
}

#[test]
fn what_swift_knows_of_an_object() {
    let record = SwiftObjectRecord {
        expires: Some("never".to_owned()),
        robots: Some("noindex".to_owned()),
        delete_at: Some(1_614_956_933),
        dynamic: Some(DynamicManifestRecord {
            container: "c".to_owned(),
            prefix: "p/".to_owned(),
            sent: None,
        }),
        static_manifest: Some(StaticManifestRecord {
            etag: [1; 16],
            size: 7,
            shown_md5: [2; 16],
            shown_size: 300,
        }),
    };
    assert_golden(
        &record,
        "01a500656e6576657201676e6f696e646578021a6042498503a20061630162702f04a4005001 \
         0101010101010101010101010101010107025002020202020202020202020202020202031901 \
         2c",
    );
}

#[test]
fn a_dynamic_large_object_whose_header_was_spelled_in_its_own_way() {
    let record = SwiftObjectRecord {
        dynamic: Some(DynamicManifestRecord {
            container: "c".to_owned(),
            prefix: "p/".to_owned(),
            sent: Some("c/p%2F".to_owned()),
        }),
        ..SwiftObjectRecord::default()
    };
    assert_golden(&record, "01a103a30061630162702f0266632f70253246");
}

#[test]
fn the_segments_of_a_static_large_object() {
    let record = SegmentsRecord {
        segments: vec![SegmentRecord {
            container: "c".to_owned(),
            object: "o".to_owned(),
            etag: "e".to_owned(),
            size: 9,
            range: Some((1, 3)),
            nested: true,
            content_type: "text/plain".to_owned(),
            modified: time(),
            inline: None,
        }],
    };
    assert_golden(
        &record,
        "01a10081a800616301616f02616503090482010305f5066a746578742f706c61696e071b0000 \
         017802ef326a",
    );
}

#[test]
fn an_account() {
    let record = SwiftAccountRecord {
        metadata: vec![("a".to_owned(), "1".to_owned())],
        keys: vec![("temp-url-key".to_owned(), StoredSecret("k".to_owned()))],
    };
    assert_golden(
        &record,
        "01a2008182616161310181826c74656d702d75726c2d6b6579616b",
    );
}

#[test]
fn a_token_and_its_session() {
    let token = SwiftTokenRecord {
        namespace: namespace(),
        user: ocid("user"),
        credential: UsedCredentialRecord {
            kind: CredentialKind::AuthToken,
            id: "t".to_owned(),
            proof: ByteArray::from([2; 32]),
        },
        expires: time(),
    };
    assert_golden(
        &token,
        "01a4006461636d6501716f636964312e757365722e6f63312e2e7802a3000201617402582002 \
         02020202020202020202020202020202020202020202020202020202020202031b0000017802 \
         ef326a",
    );
    let session = SwiftSessionRecord {
        nonce: [3; 16],
        expires: time(),
        proof: ByteArray::from([4; 32]),
    };
    assert_golden(
        &session,
        "01a3005003030303030303030303030303030303011b0000017802ef326a0258200404040404 \
         040404040404040404040404040404040404040404040404040404",
    );
}

#[test]
fn an_object_that_is_to_expire() {
    let record = ExpiringRecord {
        namespace: namespace(),
        bucket: BucketName::parse("b").unwrap(),
        object: ObjectName::parse(b"o").unwrap(),
        delete_at: 1_614_956_933,
    };
    assert_golden(&record, "01a4006461636d6501616202616f031a60424985");
}

#[test]
fn a_stored_secret_does_not_show() {
    let secret = StoredSecret("k".to_owned());
    assert_eq!(format!("{secret:?}"), "StoredSecret(…)");
}
