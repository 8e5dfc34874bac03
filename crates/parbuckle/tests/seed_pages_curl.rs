//! The curl commands of Oracle's page on pre-authenticated requests, typed as the page prints them:
//! put with metadata, put in parts, list with fields, head.

use page::{BUCKET, page, typed};
use parbuckle_testkit::clients::Output;
use parbuckle_testkit::{Par, ParSpec, TestServer};
use serde_json::Value;

#[path = "clients/page.rs"]
mod page;

/// MD5 of the three part MD5s of [`PARTS`], worked out by hand with another implementation.
const PARTS_MD5: &str = "8r6hZ22IKweKGcetRTB/8A==-3";
const PARTS: [&str; 3] = ["chapter 1", "chapter 2", "chapter 3"];

#[tokio::test]
async fn an_object_is_put_with_custom_metadata() {
    let (server, admin) = page().await;
    let name = "CorporateTerminologyUsageGuide.pdf";
    let par = admin
        .create_par(BUCKET, ParSpec::object_read_write(name))
        .await;
    server.scratch_file(name, "%PDF terms");
    typed(
        &server,
        &par.url(),
        r#"curl -X PUT -H "opc-meta-version:2020May" --data-binary '@CorporateTerminologyUsageGuide.pdf' $URL"#,
    )
    .await;
    let head = typed(&server, &par.url(), "curl --head $URL").await;
    assert_eq!(header(&head, "opc-meta-version"), Some("2020May"), "{head}");
    assert_eq!(
        typed(&server, &par.url(), "curl -X GET $URL").await.stdout,
        "%PDF terms"
    );
}

/// Starts the page's upload; returns its answer and the URL that parts go below.
async fn start_upload(server: &TestServer, par: &Par, line: &str) -> (Value, String) {
    let started = typed(server, &par.url(), line).await.json();
    let access_uri = started["accessUri"]
        .as_str()
        .expect("the answer has an accessUri");
    (
        started.clone(),
        format!("{}{access_uri}", server.endpoint()),
    )
}

async fn put_parts(server: &TestServer, upload_url: &str) {
    for (index, part) in PARTS.iter().enumerate() {
        server.scratch_file(&format!("data.{}", index + 1), part);
    }
    for line in [
        "curl -X PUT --data-binary '@data.1' ${URL}1",
        "curl -X PUT --data-binary '@data.2' ${URL}2",
        "curl -X PUT --data-binary '@data.3' ${URL}3",
    ] {
        assert_eq!(typed(server, upload_url, line).await.stdout, "");
    }
}

#[tokio::test]
async fn a_large_object_is_put_in_three_parts_and_committed() {
    let (server, admin) = page().await;
    let par = admin
        .create_par(BUCKET, ParSpec::object_read_write("OCI_User_Guide.pdf"))
        .await;
    let line = r#"curl -X PUT -H "opc-multipart:true" $URL"#;
    let (started, upload_url) = start_upload(&server, &par, line).await;
    assert_eq!(started["namespace"], server.bootstrap().namespace());
    assert_eq!(started["bucket"], BUCKET);
    assert_eq!(started["object"], "OCI_User_Guide.pdf");
    assert_eq!(started["storageTier"], "Standard");
    let upload_id = started["uploadId"].as_str().expect("uploadId is text");
    let tail = format!(
        "/n/{}/b/{BUCKET}/u/OCI_User_Guide.pdf/id/{upload_id}/",
        server.bootstrap().namespace()
    );
    assert!(upload_url.ends_with(&tail), "{upload_url}");
    assert!(
        !upload_url.contains(par.token()),
        "an upload has a secret of its own"
    );

    put_parts(&server, &upload_url).await;
    assert_eq!(
        typed(&server, &upload_url, "curl -X POST $URL")
            .await
            .stdout,
        ""
    );
    assert_eq!(
        typed(&server, &par.url(), "curl -X GET $URL").await.stdout,
        PARTS.concat()
    );
}

#[tokio::test]
async fn an_uncommitted_upload_is_deleted_with_its_parts() {
    let (server, admin) = page().await;
    let par = admin
        .create_par(BUCKET, ParSpec::object_read_write("OCI_User_Guide.pdf"))
        .await;
    let line = r#"curl -X PUT -H "opc-multipart:true" $URL"#;
    let (_, upload_url) = start_upload(&server, &par, line).await;
    put_parts(&server, &upload_url).await;
    assert_eq!(
        typed(&server, &upload_url, "curl -X DELETE $URL")
            .await
            .stdout,
        ""
    );
    let committed = typed(
        &server,
        &upload_url,
        "curl -s -w %{http_code} -o /dev/null -X POST $URL",
    )
    .await;
    assert_eq!(committed.stdout, "401", "{committed}");
    let read = typed(&server, &par.url(), "curl -X GET $URL").await;
    assert_eq!(read.json()["code"], "ObjectNotFound");
}

#[tokio::test]
async fn metadata_given_with_the_first_request_is_kept_by_the_upload() {
    let (server, admin) = page().await;
    let par = admin
        .create_par(BUCKET, ParSpec::object_read_write("OCI_User_Guide.pdf"))
        .await;
    let line = r#"curl -X PUT -H "opc-multipart:true" -H "opc-meta-version:2020May" $URL"#;
    let (_, upload_url) = start_upload(&server, &par, line).await;
    put_parts(&server, &upload_url).await;
    typed(&server, &upload_url, "curl -X POST $URL").await;
    let head = typed(&server, &par.url(), "curl --head $URL").await;
    assert_eq!(header(&head, "opc-meta-version"), Some("2020May"), "{head}");
}

#[tokio::test]
async fn the_list_has_the_fields_that_the_page_asks_for() {
    let (server, admin) = page().await;
    let put = admin.put_object(BUCKET, "VPN.png", "hello").await;
    let par = admin
        .create_par(BUCKET, ParSpec::any_read().listing())
        .await;
    let line = r#"curl -X GET $URL?fields="name,etag,timeCreated,md5,timeModified,storageTier,archivalState""#;
    let listed = typed(&server, &par.url(), line).await.json();
    let object = &listed["objects"][0];
    assert_eq!(object["name"], "VPN.png");
    assert_eq!(object["etag"], put.required("etag"));
    assert_eq!(object["md5"], "XUFAKrxLKna5cZ2REBfFkg==");
    assert_eq!(object["storageTier"], "Standard");
    for time in ["timeCreated", "timeModified"] {
        // As on the page: 2021-04-01T14:27:13.039Z
        let shown = object[time].as_str().expect("times are text");
        assert_eq!((shown.len(), shown.ends_with('Z')), (24, true), "{shown}");
    }
    let names: Vec<_> = object
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    let mut expected = vec![
        "name",
        "timeCreated",
        "timeModified",
        "etag",
        "storageTier",
        "md5",
    ];
    expected.sort_unstable();
    let mut names = names;
    names.sort_unstable();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn the_head_of_a_multipart_object_has_every_header_of_the_page() {
    let (server, admin) = page().await;
    let par = admin
        .create_par(BUCKET, ParSpec::object_read_write("OCI_User_Guide.pdf"))
        .await;
    // curl's default content type, as in the page's sample, comes with any --data option.
    let line = r#"curl -X PUT -H "opc-multipart:true" --data-binary '' $URL"#;
    let (_, upload_url) = start_upload(&server, &par, line).await;
    put_parts(&server, &upload_url).await;
    typed(&server, &upload_url, "curl -X POST $URL").await;

    let head = typed(&server, &par.url(), "curl --head $URL").await;
    assert!(head.stdout.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    for (name, value) in [
        ("accept-ranges", "bytes"),
        ("content-length", "27"),
        ("opc-multipart-md5", PARTS_MD5),
        ("storage-tier", "Standard"),
        ("content-type", "application/x-www-form-urlencoded"),
        ("x-api-id", "native"),
        ("access-control-allow-origin", "*"),
        (
            "access-control-allow-methods",
            "POST,PUT,GET,HEAD,DELETE,OPTIONS",
        ),
        ("access-control-allow-credentials", "true"),
    ] {
        assert_eq!(header(&head, name), Some(value), "{name}\n{head}");
    }
    for name in ["etag", "version-id"] {
        // As on the page: 9b9093ab-bdc6-49af-b261-b2d1d111d952
        let value = header(&head, name).unwrap_or_default();
        let lengths: Vec<_> = value.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12], "{name}\n{head}");
    }
    for name in ["last-modified", "date"] {
        let value = header(&head, name).unwrap_or_default();
        assert_eq!(
            (value.len(), value.ends_with(" GMT")),
            (29, true),
            "{name}\n{head}"
        );
    }
    assert!(
        header(&head, "opc-request-id").is_some_and(|id| !id.is_empty()),
        "{head}"
    );
    assert_eq!(header(&head, "content-md5"), None, "{head}");
}

#[tokio::test]
async fn every_header_of_a_reply_is_exposed_to_browsers() {
    let (server, admin) = page().await;
    admin
        .put_object(BUCKET, "OCI_User_Guide.pdf", "%PDF guide")
        .await;
    let par = admin
        .create_par(BUCKET, ParSpec::object_read("OCI_User_Guide.pdf"))
        .await;
    let head = typed(&server, &par.url(), "curl --head $URL").await;
    let exposed = header(&head, "access-control-expose-headers").unwrap_or_default();
    let exposed: Vec<_> = exposed.split(',').map(str::trim).collect();
    for (name, _) in headers(&head) {
        let is_exposed = exposed.iter().any(|shown| shown.eq_ignore_ascii_case(name));
        assert!(
            is_exposed || name == "access-control-expose-headers",
            "{name}\n{head}"
        );
    }
}

/// The header lines that curl printed.
fn headers(printed: &Output) -> impl Iterator<Item = (&str, &str)> {
    let lines = printed
        .stdout
        .lines()
        .filter_map(|line| line.split_once(':'));
    lines.map(|(name, value)| (name, value.trim()))
}

fn header<'a>(printed: &'a Output, name: &str) -> Option<&'a str> {
    headers(printed)
        .find(|(shown, _)| shown.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}
