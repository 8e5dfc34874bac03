//! The same as [`super::golden`] for the records of the identity service.

use super::golden::{assert_golden, hex, ocid, time, unhex};
use super::*;
use parbuckle_model::ETag;

fn entity(kind: &str) -> Entity {
    Entity {
        id: ocid(kind),
        compartment: ocid("tenancy"),
        name: "n".to_owned(),
        description: "d".to_owned(),
        time_created: time(),
        etag: ETag::from_bytes([1; 16]),
        freeform_tags: vec![("a".to_owned(), "b".to_owned())],
        defined_tags: vec![("n".to_owned(), "k".to_owned(), "1".to_owned())],
    }
}

#[test]
fn tenancy() {
    let record = TenancyRecord {
        ocid: ocid("tenancy"),
        name: "acme".to_owned(),
        namespace: parbuckle_model::Namespace::parse("ns").unwrap(),
        time_created: time(),
        administrators: ocid("group"),
        administrators_policy: ocid("policy"),
        deny_statements: true,
    };
    assert_golden(
        &record,
        "01a700746f636964312e74656e616e63792e6f63312e2e78016461636d6502626e73031b00000178 \
         02ef326a04726f636964312e67726f75702e6f63312e2e7805736f636964312e706f6c6963792e6f \
         63312e2e7806f5",
    );
}

#[test]
fn user() {
    let record = User {
        entity: entity("user"),
        blocked: false,
        capabilities: Capabilities {
            console_password: false,
            ..Capabilities::ALL
        },
        email: Some("e".to_owned()),
        db_user_name: None,
        identity_provider: Some("i".to_owned()),
        external_identifier: Some("x".to_owned()),
    };
    assert_golden(
        &record,
        "01a600a800716f636964312e757365722e6f63312e2e7801746f636964312e74656e616e63792e6f \
         63312e2e7802616e036164041b0000017802ef326a05500101010101010101010101010101010106 \
         818261616162078183616e616b613101f402a700f401f502f503f504f505f506f503616505616906 \
         6178",
    );
}

#[test]
fn groups_and_memberships() {
    let group = Group {
        entity: entity("group"),
    };
    assert_golden(
        &group,
        "01a100a800726f636964312e67726f75702e6f63312e2e7801746f636964312e74656e616e63792e \
         6f63312e2e7802616e036164041b0000017802ef326a055001010101010101010101010101010101 \
         06818261616162078183616e616b6131",
    );
    let dynamic = DynamicGroup {
        entity: entity("dynamicgroup"),
        matching_rule: "r".to_owned(),
    };
    assert_golden(
        &dynamic,
        "01a200a80078196f636964312e64796e616d696367726f75702e6f63312e2e7801746f636964312e \
         74656e616e63792e6f63312e2e7802616e036164041b0000017802ef326a05500101010101010101 \
         010101010101010106818261616162078183616e616b6131016172",
    );
    let membership = Membership {
        id: ocid("groupmembership"),
        compartment: ocid("tenancy"),
        user: ocid("user"),
        group: ocid("group"),
        time_created: time(),
    };
    assert_golden(
        &membership,
        "01a500781c6f636964312e67726f75706d656d626572736869702e6f63312e2e7801746f63696431 \
         2e74656e616e63792e6f63312e2e7802716f636964312e757365722e6f63312e2e7803726f636964 \
         312e67726f75702e6f63312e2e78041b0000017802ef326a",
    );
}

#[test]
fn policies_and_compartments() {
    let policy = Policy {
        entity: entity("policy"),
        statements: vec![PolicyStatement {
            text: "s".to_owned(),
            groups: vec!["g".to_owned()],
            compartment: "c".to_owned(),
        }],
        version_date: Some("2030-01-01".to_owned()),
    };
    assert_golden(
        &policy,
        "01a300a800736f636964312e706f6c6963792e6f63312e2e7801746f636964312e74656e616e6379 \
         2e6f63312e2e7802616e036164041b0000017802ef326a0550010101010101010101010101010101 \
         0106818261616162078183616e616b61310181a300617301816167026163026a323033302d30312d \
         3031",
    );
    let compartment = Compartment {
        entity: entity("compartment"),
        deleted: true,
    };
    assert_golden(
        &compartment,
        "01a200a80078186f636964312e636f6d706172746d656e742e6f63312e2e7801746f636964312e74 \
         656e616e63792e6f63312e2e7802616e036164041b0000017802ef326a0550010101010101010101 \
         0101010101010106818261616162078183616e616b613101f5",
    );
}

#[test]
fn api_key() {
    let record = ApiKeyRecord {
        spki: vec![1, 2],
        fingerprint: "aa:bb".to_owned(),
        time_created: time(),
    };
    assert_golden(&record, "01a300420102016561613a6262021b0000017802ef326a");
}

#[test]
fn work_request_and_retry_token() {
    let work = WorkRequestRecord {
        id: ocid("workrequest"),
        operation: WorkOperation::MoveCompartment,
        resource: ocid("compartment"),
        compartment: ocid("tenancy"),
        accepted_from: ocid("user"),
        time: time(),
    };
    assert_golden(
        &work,
        "01a60078186f636964312e776f726b726571756573742e6f63312e2e7801010278186f636964312e \
         636f6d706172746d656e742e6f63312e2e7803746f636964312e74656e616e63792e6f63312e2e78 \
         04716f636964312e757365722e6f63312e2e78051b0000017802ef326a",
    );
    let retry = RetryRecord {
        operation: "CreateUser".to_owned(),
        request: [1; 32].into(),
        made: "m".to_owned(),
        time: time(),
    };
    assert_golden(
        &retry,
        "01a4006a437265617465557365720158200101010101010101010101010101010101010101010101 \
         01010101010101010102616d031b0000017802ef326a",
    );
}

/// Records of secrets have no Debug output.
#[track_caller]
fn assert_golden_secret<T>(record: &T, golden: &str)
where
    T: minicbor::Encode<()> + for<'b> minicbor::Decode<'b, ()> + PartialEq,
{
    let golden = unhex(golden);
    assert!(decode::<T>(&golden).unwrap() == *record);
    assert_eq!(hex(&encode(record)), hex(&golden));
}

#[test]
fn passwords_and_secrets() {
    let password = PasswordRecord {
        proof: vec![1; 48],
        time_created: time(),
    };
    assert_golden_secret(
        &password,
        "01a20058300101010101010101010101010101010101010101010101010101010101010101010101 \
         01010101010101010101010101021b0000017802ef326a",
    );
    let secret = SecretRecord {
        id: "i".to_owned(),
        label: "l".to_owned(),
        proof: vec![2; 48],
        time_created: time(),
        etag: ETag::from_bytes([1; 16]),
    };
    assert_golden_secret(
        &secret,
        "01a500616901616c0258300202020202020202020202020202020202020202020202020202020202 \
         02020202020202020202020202020202020202031b0000017802ef326a0450010101010101010101 \
         01010101010101",
    );
}
