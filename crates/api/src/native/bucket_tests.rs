//! Buckets: details in, models out.

use super::*;

fn path() -> BucketPath {
    BucketPath {
        namespace: Namespace::parse("ns1").unwrap(),
        bucket: BucketName::parse("b1").unwrap(),
    }
}

fn bucket() -> Bucket {
    Bucket {
        namespace: path().namespace,
        name: path().bucket,
        ocid: Ocid::parse("ocid1.bucket.oc1.local.aaaaaaaa").unwrap(),
        compartment: Ocid::parse("ocid1.compartment.oc1..c").unwrap(),
        created_by: Ocid::parse("ocid1.user.oc1..u").unwrap(),
        time_created: "2026-01-02T03:04:05.678Z".parse().unwrap(),
        etag: ETag::from_bytes([0x2f; 16]),
        public_access: PublicAccess::NoPublicAccess,
        storage_tier: StorageTier::Standard,
        object_events_enabled: false,
        metadata: Vec::new(),
        freeform_tags: vec![("a".to_owned(), "b".to_owned())],
        defined_tags: Vec::new(),
        versioning: Versioning::Disabled,
        auto_tiering: AutoTiering::Disabled,
        lifecycle_etag: None,
        replicates: false,
        read_only: false,
        approximate_count: None,
        approximate_size: None,
    }
}

fn create(body: &str) -> Result<NewBucket, NativeError> {
    json::parse::<BucketDetails>(body.as_bytes())?.into_new()
}

fn update(body: &str) -> Result<BucketChange, NativeError> {
    json::parse::<BucketDetails>(body.as_bytes())?.into_change(&path())
}

fn code<T: std::fmt::Debug>(result: Result<T, NativeError>) -> String {
    let (status, code) = result.unwrap_err().describe();
    format!("{} {code}", status.as_u16())
}

#[test]
fn a_bucket_has_every_field_of_the_sample() {
    let json = serde_json::to_string(&BucketModel::new(&bucket(), Shown::default())).unwrap();
    insta::assert_snapshot!(json, @r#"{"namespace":"ns1","name":"b1","compartmentId":"ocid1.compartment.oc1..c","metadata":{},"createdBy":"ocid1.user.oc1..u","timeCreated":"2026-01-02T03:04:05.678Z","etag":"2f2f2f2f-2f2f-2f2f-2f2f-2f2f2f2f2f2f","publicAccessType":"NoPublicAccess","storageTier":"Standard","objectEventsEnabled":false,"freeformTags":{"a":"b"},"definedTags":{},"kmsKeyId":null,"objectLifecyclePolicyEtag":null,"approximateCount":null,"approximateSize":null,"replicationEnabled":false,"isReadOnly":false,"id":"ocid1.bucket.oc1.local.aaaaaaaa","versioning":"Disabled","autoTiering":null}"#);
}

#[test]
fn a_summary_has_tags_only_when_asked_for() {
    let summary = |tags| serde_json::to_value(BucketSummary::new(&bucket(), tags)).unwrap();
    assert_eq!(summary(false)["freeformTags"], Value::Null);
    assert_eq!(summary(true)["freeformTags"]["a"], "b");
}

#[test]
fn what_the_cli_and_rclone_send_makes_a_bucket() {
    for body in [
        r#"{"name": "b1", "compartmentId": "ocid1.compartment.oc1..c"}"#,
        r#"{"compartmentId":"ocid1.compartment.oc1..c","name":"b1","publicAccessType":"NoPublicAccess"}"#,
    ] {
        let new = create(body).unwrap();
        assert_eq!(new.name.as_str(), "b1");
        assert_eq!(new.compartment.as_str(), "ocid1.compartment.oc1..c");
    }
}

#[test]
fn create_details_are_refused_each_with_its_code() {
    let with = |more: &str| create(&format!(r#"{{"name":"b1","compartmentId":"c",{more}}}"#));
    assert_eq!(
        code(create(r#"{"compartmentId":"c"}"#)),
        "400 MissingParameter"
    );
    assert_eq!(code(create(r#"{"name":"b1"}"#)), "400 MissingParameter");
    assert_eq!(
        code(create(r#"{"name":"b 1","compartmentId":"c"}"#)),
        "400 InvalidBucketName"
    );
    assert_eq!(code(create(r#"{"name":1}"#)), "400 CannotParseRequest");
    assert_eq!(
        code(with(r#""publicAccessType":"All""#)),
        "400 InvalidParameter"
    );
    assert_eq!(
        code(with(r#""metadata":{"a":1}"#)),
        "400 CannotParseRequest"
    );
    assert_eq!(
        code(with(r#""objectEventsEnabled":"yes""#)),
        "400 CannotParseRequest"
    );
}

#[test]
fn features_that_are_not_here_are_refused_and_their_absence_is_accepted() {
    let with = |more: &str| create(&format!(r#"{{"name":"b1","compartmentId":"c",{more}}}"#));
    for asked in [
        r#""kmsKeyId":"ocid1.key.oc1..k""#,
        r#""isBucketKeyEnabled":true"#,
        r#""bucketScope":"REGION""#,
    ] {
        assert_eq!(code(with(asked)), "501 NotImplemented", "{asked}");
    }
    for not_asked in [
        r#""versioning":"Disabled""#,
        r#""storageTier":"Standard""#,
        r#""autoTiering":"Disabled""#,
        r#""kmsKeyId":"""#,
        r#""isBucketKeyEnabled":false"#,
        r#""bucketScope":"NAMESPACE""#,
    ] {
        assert!(with(not_asked).is_ok(), "{not_asked}");
    }
}

#[test]
fn versioning_the_tier_archive_and_auto_tiering_are_taken() {
    let more = r#""versioning":"Enabled","storageTier":"Archive","autoTiering":"InfrequentAccess""#;
    let new = create(&format!(r#"{{"name":"b1","compartmentId":"c",{more}}}"#)).unwrap();
    assert_eq!(new.versioning, Versioning::Enabled);
    assert_eq!(new.storage_tier, StorageTier::Archive);
    assert_eq!(new.auto_tiering, AutoTiering::InfrequentAccess);
}

#[test]
fn an_update_keeps_what_it_does_not_name() {
    let change = update(r#"{"name":"b1","metadata":{"k":"v"}}"#).unwrap();
    assert_eq!(
        change.metadata,
        Some(vec![("k".to_owned(), "v".to_owned())])
    );
    let rest = BucketChange {
        metadata: None,
        ..change
    };
    assert_eq!(rest, BucketChange::default());
}

#[test]
fn an_update_can_not_rename() {
    assert_eq!(code(update(r#"{"name":"b2"}"#)), "400 InvalidParameter");
    assert_eq!(
        code(update(r#"{"namespace":"ns2"}"#)),
        "400 InvalidParameter"
    );
}

#[test]
fn field_lists_ignore_case_and_refuse_strangers() {
    let known = ["approximateCount", "approximateSize"];
    assert_eq!(
        field_list(Some("approximatesize,APPROXIMATECOUNT"), &known).unwrap(),
        ["approximateSize", "approximateCount"]
    );
    assert_eq!(
        code(field_list(Some("tags"), &known)),
        "400 InvalidParameter"
    );
}
