//! Multipart uploads: details in, models out.

use parbuckle_model::{BucketName, Namespace, StorageTier};

use super::*;

fn object_path() -> ObjectPath {
    ObjectPath {
        bucket: BucketPath {
            namespace: Namespace::parse("ns1").unwrap(),
            bucket: BucketName::parse("b1").unwrap(),
        },
        object: ObjectName::parse("dir/a b.bin".as_bytes()).unwrap(),
    }
}

fn upload() -> Upload {
    Upload {
        object: object_path().object,
        id: UploadId::parse("b5bb4079-9d50-ac59-182e-4d133a962382").unwrap(),
        time_created: "2021-03-05T14:48:53.738Z".parse().unwrap(),
        storage_tier: StorageTier::Standard,
    }
}

fn selection(body: &str) -> Result<PartSelection, NativeError> {
    json::parse::<CommitDetails>(body.as_bytes())?.into_selection()
}

fn code<T: std::fmt::Debug>(result: Result<T, NativeError>) -> String {
    let (status, code) = result.unwrap_err().describe();
    format!("{} {code}", status.as_u16())
}

#[test]
fn an_upload_through_a_par_answers_as_documented() {
    let (path, upload) = (object_path(), upload());
    let uri = access_uri(&path, &upload, "TOKEN");
    let model = UploadModel::new(&path.bucket, &upload, Some(uri));
    insta::assert_snapshot!(serde_json::to_string(&model).unwrap(), @r#"{"namespace":"ns1","bucket":"b1","object":"dir/a b.bin","uploadId":"b5bb4079-9d50-ac59-182e-4d133a962382","timeCreated":"2021-03-05T14:48:53.738Z","storageTier":"Standard","accessUri":"/p/TOKEN/n/ns1/b/b1/u/dir/a%20b.bin/id/b5bb4079-9d50-ac59-182e-4d133a962382/"}"#);
}

#[test]
fn a_signed_upload_has_no_access_uri() {
    let path = object_path();
    let json = serde_json::to_string(&UploadModel::new(&path.bucket, &upload(), None)).unwrap();
    assert!(!json.contains("accessUri"));
}

#[test]
fn a_part_is_listed_with_part_number() {
    let part = PartInfo {
        number: PartNumber::parse("7").unwrap(),
        etag: ETag::from_bytes([1; 16]),
        md5: [0; 16],
        size: 5,
    };
    insta::assert_snapshot!(serde_json::to_string(&PartSummary::new(&part)).unwrap(), @r#"{"etag":"01010101-0101-0101-0101-010101010101","md5":"AAAAAAAAAAAAAAAAAAAAAA==","size":5,"partNumber":7}"#);
}

#[test]
fn parts_to_commit_come_in_any_order_with_unknown_fields() {
    let etag = ETag::from_bytes([1; 16]);
    let body = format!(
        r#"{{"partsToCommit":[{{"etag":"{etag}","partNum":4,"progress":{{}}}},{{"partNum":1}}],"partsToExclude":[2]}}"#
    );
    let number = |text| PartNumber::parse(text).unwrap();
    assert_eq!(
        selection(&body).unwrap(),
        PartSelection::Listed {
            commit: vec![(number("4"), Some(etag)), (number("1"), None)],
            exclude: vec![number("2")],
        }
    );
}

#[test]
fn a_commit_is_refused_with_the_code_of_its_fault() {
    for (body, want) in [
        ("", "400 CannotParseRequest"),
        ("{}", "400 MissingParameter"),
        (
            r#"{"partsToCommit":[{"etag":"x"}]}"#,
            "400 MissingParameter",
        ),
        (
            r#"{"partsToCommit":[{"partNum":1,"etag":"x"}]}"#,
            "400 InvalidUploadPart",
        ),
        (
            r#"{"partsToCommit":[{"partNum":0}]}"#,
            "400 InvalidUploadPart",
        ),
        (
            r#"{"partsToCommit":[{"partNum":10001}]}"#,
            "400 InvalidUploadPart",
        ),
        (
            r#"{"partsToCommit":[{"partNum":1.5}]}"#,
            "400 CannotParseRequest",
        ),
        (
            r#"{"partsToCommit":[],"partsToExclude":[0]}"#,
            "400 InvalidUploadPart",
        ),
    ] {
        assert_eq!(code(selection(body)), want, "{body}");
    }
}

#[test]
fn what_rclone_sends_starts_an_upload() {
    let body = r#"{"contentType":"application/octet-stream","metadata":{"opc-meta-mtime":"1795288221.4"},
        "object":"rc/big.bin","storageTier":"Standard"}"#;
    let details: CreateDetails = json::parse(body.as_bytes()).unwrap();
    let (object, new) = details.into_new().unwrap();
    assert_eq!(object.as_str(), "rc/big.bin");
    assert_eq!(
        new.attributes.metadata.iter().next(),
        Some(("mtime", "1795288221.4"))
    );
    assert_eq!(
        new.attributes.content_type.as_deref(),
        Some("application/octet-stream")
    );
}

#[test]
fn text_that_no_header_can_carry_is_refused() {
    let details: CreateDetails =
        json::parse(br#"{"object":"x","contentType":"a\r\nb: c"}"#).unwrap();
    assert_eq!(code(details.into_new()), "400 InvalidParameter");
    let details: CreateDetails = json::parse(br#"{"object":""}"#).unwrap();
    assert_eq!(code(details.into_new()), "400 InvalidObjectName");
}
