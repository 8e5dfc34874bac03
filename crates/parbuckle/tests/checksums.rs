//! Checksums besides MD5 on the wire: named, asked for, refused, and those of multipart objects.

use std::path::Path;

use parbuckle_testkit::clients::python;
use parbuckle_testkit::{ParSpec, SignedClient, TestServer};
use serde_json::json;

/// CRC32C of "123456789", the check value of the algorithm's definition.
const CRC32C: &str = "4waSgw==";
/// Other digests of the same.
const SHA256: &str = "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=";
const SHA384: &str = "60VdVtLBpp3mToMgEfM5PUXz+jHWhC8hr5LS/kacSZ2l4xeYRzNKGEecjR3t6hvj";

async fn bucket() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b1").await;
    (server, admin)
}

#[tokio::test]
async fn each_algorithm_that_is_asked_for_is_told_by_put_head_and_get() {
    let (_server, admin) = bucket().await;
    let path = admin.object_path("b1", "o");
    for (algorithm, header, digest) in [
        ("CRC32C", "opc-content-crc32c", CRC32C),
        ("SHA256", "opc-content-sha256", SHA256),
        ("sha384", "opc-content-sha384", SHA384),
    ] {
        let put = admin.put(path.clone()).body("123456789");
        let put = put
            .header("opc-checksum-algorithm", algorithm)
            .await
            .expect(200);
        let head = admin.head(path.clone()).await.expect(200);
        let get = admin.get(path.clone()).await.expect(200);
        for reply in [put, head, get] {
            assert_eq!(reply.required(header), digest);
        }
    }
}

#[tokio::test]
async fn an_algorithm_that_is_not_known_is_refused() {
    let (_server, admin) = bucket().await;
    let put = admin.put(admin.object_path("b1", "o")).body("x");
    let refused = put
        .header("opc-checksum-algorithm", "CRC64")
        .await
        .expect(400);
    assert_eq!(refused.code(), "InvalidParameter");
    let start = admin
        .post(format!("{}/u", admin.bucket_path("b1")))
        .json(&json!({"object": "o"}));
    let refused = start
        .header("opc-checksum-algorithm", "CRC64")
        .await
        .expect(400);
    assert_eq!(refused.code(), "InvalidParameter");
}

#[tokio::test]
async fn a_checksum_that_differs_is_refused_with_its_code_and_stores_nothing() {
    let (_server, admin) = bucket().await;
    let path = admin.object_path("b1", "o");
    for (header, digest, code) in [
        ("opc-content-crc32c", CRC32C, "UnmatchedContentCRC32C"),
        ("opc-content-sha256", SHA256, "UnmatchedContentSHA256"),
        ("opc-content-sha384", SHA384, "UnmatchedContentSHA384"),
    ] {
        let put = admin
            .put(path.clone())
            .body("other bytes")
            .header(header, digest);
        assert_eq!(put.await.expect(400).code(), code);
        admin.head(path.clone()).await.expect(404);
    }
}

#[tokio::test]
async fn an_upload_through_a_par_combines_the_checksum_it_asks_for() {
    let (server, admin) = bucket().await;
    let par = admin.create_par("b1", ParSpec::object_write("o")).await;
    let start = server
        .anonymous()
        .put(par.path_for("o"))
        .header("opc-multipart", "true");
    let started = start
        .header("opc-checksum-algorithm", "CRC32C")
        .await
        .expect(200)
        .json();
    let uri = started["accessUri"].as_str().unwrap();
    for (number, bytes) in [(1, "1234"), (2, "56789")] {
        let part = server.anonymous().put(format!("{uri}{number}")).body(bytes);
        part.await.expect(200).required("opc-content-crc32c");
    }
    let commit = server.anonymous().post(uri).await.expect(200);
    assert_eq!(commit.required("opc-content-crc32c"), CRC32C);
}

#[tokio::test]
async fn the_sdk_gets_the_checksums_of_multipart_objects() {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/encryption.py");
    python(&server, &script, ["checksums_of_parts"])
        .run()
        .await
        .success();
}
