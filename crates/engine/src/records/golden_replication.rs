//! The same as [`super::golden`] for retention rules, replication policies and the metadata of namespaces.

use super::golden::{assert_golden, ocid, time};
use super::*;
use crate::credential::CredentialKind;
use parbuckle_model::{BucketId, BucketName, ETag, ReplicationPolicyId, RetentionRuleId};

#[test]
fn retention_rules_with_and_without_an_end() {
    let rule = |duration, time_locked| RetentionRuleRecord {
        id: RetentionRuleId::from_bytes([1; 16]),
        display_name: "r".to_owned(),
        duration,
        etag: ETag::from_bytes([2; 16]),
        time_locked,
        time_created: time(),
        time_modified: time(),
    };
    let years = RetentionDuration {
        amount: 7,
        unit: RetentionUnit::Years,
    };
    assert_golden(
        &rule(Some(years), Some(StoredTime(time()))),
        "01a700500101010101010101010101010101010101617202a2000701010350020202020202020202 \
         02020202020202041b0000017802ef326a051b0000017802ef326a061b0000017802ef326a",
    );
    assert_golden(
        &rule(None, None),
        "01a50050010101010101010101010101010101010161720350020202020202020202020202020202 \
         02051b0000017802ef326a061b0000017802ef326a",
    );
}

#[test]
fn a_replication_policy_from_both_sides() {
    let policy = ReplicationPolicyRecord {
        id: ReplicationPolicyId::from_bytes([1; 16]),
        name: "p".to_owned(),
        destination: BucketName::parse("d").unwrap(),
        destination_id: BucketId::from_bytes([2; 16]),
        creator: ocid("user"),
        credential: CredentialKind::ApiKey,
        time_created: time(),
        fault: Some("f".to_owned()),
    };
    assert_golden(
        &policy,
        "01a80050010101010101010101010101010101010161700261640350020202020202020202020202 \
         0202020204716f636964312e757365722e6f63312e2e780500061b0000017802ef326a076166",
    );
    let source = ReplicationSourceRecord {
        source_id: BucketId::from_bytes([3; 16]),
        source: BucketName::parse("s").unwrap(),
        policy_name: "p".to_owned(),
    };
    assert_golden(
        &source,
        "01a3005003030303030303030303030303030303016173026170",
    );
}

#[test]
fn metadata_of_a_namespace() {
    let record = NamespaceMetadataRecord {
        s3_compartment: ocid("compartment"),
        swift_compartment: ocid("tenancy"),
        etag: ETag::from_bytes([1; 16]),
    };
    assert_golden(
        &record,
        "01a30078186f636964312e636f6d706172746d656e742e6f63312e2e7801746f636964312e74656e \
         616e63792e6f63312e2e78025001010101010101010101010101010101",
    );
}
