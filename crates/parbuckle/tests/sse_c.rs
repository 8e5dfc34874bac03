//! Encryption on the wire: keys of the customer's with `oci`, the Python SDK and curl, and keys of the server's.

#![allow(
    clippy::unwrap_used,
    reason = "helpers of tests; clippy.toml covers only test functions"
)]

use std::fs;
use std::path::Path;

use parbuckle_testkit::clients::{curl, oci, python};
use parbuckle_testkit::{Call, ParSpec, SignedClient, TestServer, pattern};
use serde_json::{Value, json};

const ANN: u8 = 1;
const BEN: u8 = 2;

const NAMES: [&str; 3] = [
    "opc-sse-customer-algorithm",
    "opc-sse-customer-key",
    "opc-sse-customer-key-sha256",
];

/// 32 bytes, each the owner's number, in base64.
fn key(owner: u8) -> String {
    match owner {
        ANN => "AQEB".repeat(10) + "AQE=",
        BEN => "AgIC".repeat(10) + "AgI=",
        _ => panic!("no such owner"),
    }
}

/// SHA-256 of the key, in base64.
fn key_sha256(owner: u8) -> &'static str {
    match owner {
        ANN => "cs1uhCLEB/ttCYaQ8RMLfe1+wvf14dML2dUh8BU2N5M=",
        BEN => "dYd7tB05O1+4RVzmDs2N2gAdBjFklrFN+n+JVlbuyko=",
        _ => panic!("no such owner"),
    }
}

fn with_key(call: Call, owner: u8) -> Call {
    call.header(NAMES[0], "AES256")
        .header(NAMES[1], &key(owner))
        .header(NAMES[2], key_sha256(owner))
}

async fn bucket() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b1").await;
    (server, admin)
}

/// An `oci os` command on the bucket `b1`; words are split at spaces.
fn os<'a>(server: &'a TestServer, line: &'a str) -> Vec<&'a str> {
    let place = ["-ns", server.bootstrap().namespace(), "-bn", "b1"];
    ["os"]
        .into_iter()
        .chain(line.split_whitespace())
        .chain(place)
        .collect()
}

fn key_file(server: &TestServer, owner: u8) -> String {
    let path = server.scratch_file(&format!("key-{owner}"), key(owner));
    path.display().to_string()
}

async fn sdk(rule: &str) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/encryption.py");
    python(&server, &script, [rule]).run().await.success();
}

#[tokio::test]
async fn the_cli_puts_heads_and_gets_an_object_with_a_key_file() {
    let (server, _) = bucket().await;
    let bytes = pattern(1, 200_000);
    let file = server.scratch_file("in", &bytes).display().to_string();
    let (key, out) = (key_file(&server, ANN), server.scratch().join("out"));
    let line = format!("object put --name o --file {file} --encryption-key-file {key} --force");
    oci(&server, os(&server, &line)).run().await.success();
    let line = format!("object head --name o --encryption-key-file {key}");
    let head = oci(&server, os(&server, &line))
        .run()
        .await
        .success()
        .json();
    assert_eq!(head["content-length"], "200000");
    let line = format!(
        "object get --name o --file {} --encryption-key-file {key}",
        out.display()
    );
    oci(&server, os(&server, &line)).run().await.success();
    assert_eq!(fs::read(&out).unwrap(), bytes);
}

#[tokio::test]
async fn the_cli_gets_no_object_with_another_key_file() {
    let (server, admin) = bucket().await;
    with_key(admin.put(admin.object_path("b1", "o")).body("bytes"), ANN)
        .await
        .expect(200);
    let (key, out) = (key_file(&server, BEN), server.scratch().join("out"));
    let line = format!(
        "object get --name o --file {} --encryption-key-file {key}",
        out.display()
    );
    let refused = oci(&server, os(&server, &line)).run().await.failure();
    // It begins with a HEAD, whose refusal has no body.
    assert_eq!(refused.service_error()["status"], 400);
}

#[tokio::test]
async fn the_cli_uploads_and_downloads_in_parts_with_a_key_file() {
    let (server, admin) = bucket().await;
    let bytes = pattern(1, (21 << 20) + 5);
    let file = server.scratch_file("in", &bytes).display().to_string();
    let (key, out) = (key_file(&server, ANN), server.scratch().join("out"));
    let line = format!(
        "object put --name o --file {file} --part-size 10 --encryption-key-file {key} --force"
    );
    oci(&server, os(&server, &line)).run().await.success();
    let head = with_key(admin.head(admin.object_path("b1", "o")), ANN)
        .await
        .expect(200);
    assert!(head.required("opc-multipart-md5").ends_with("-3"));
    let line = format!(
        "object get --name o --file {} --encryption-key-file {key}",
        out.display()
    );
    oci(&server, os(&server, &line)).run().await.success();
    assert!(fs::read(&out).unwrap() == bytes, "the same bytes");
}

#[tokio::test]
async fn the_cli_changes_the_key_of_an_object() {
    let (server, admin) = bucket().await;
    let path = admin.object_path("b1", "o");
    with_key(admin.put(path.clone()).body("bytes"), ANN)
        .await
        .expect(200);
    let line = format!(
        "object reencrypt --name o --source-encryption-key-file {} --encryption-key-file {}",
        key_file(&server, ANN),
        key_file(&server, BEN)
    );
    oci(&server, os(&server, &line)).run().await.success();
    assert_eq!(
        with_key(admin.get(path.clone()), BEN)
            .await
            .expect(200)
            .body,
        "bytes"
    );
    with_key(admin.get(path), ANN).await.expect(400);
}

#[tokio::test]
async fn the_sdk_puts_and_gets_an_encrypted_object() {
    sdk("an_encrypted_object").await;
}

#[tokio::test]
async fn upload_manager_encrypts_parallel_parts() {
    sdk("an_encrypted_upload_in_parallel_parts").await;
}

#[tokio::test]
async fn the_sdk_changes_the_key_of_an_object() {
    sdk("a_changed_key").await;
}

#[tokio::test]
async fn every_reply_names_the_key_by_its_hash_and_none_repeats_it() {
    let (_server, admin) = bucket().await;
    let path = admin.object_path("b1", "o");
    let put = with_key(admin.put(path.clone()).body("bytes"), ANN)
        .await
        .expect(200);
    let get = with_key(admin.get(path.clone()), ANN).await.expect(200);
    let head = with_key(admin.head(path), ANN).await.expect(200);
    for reply in [put, get, head] {
        assert_eq!(reply.required(NAMES[0]), "AES256");
        assert_eq!(reply.required(NAMES[2]), key_sha256(ANN));
        assert!(!reply.dump().contains(&key(ANN)));
    }
}

#[tokio::test]
async fn a_key_that_is_not_whole_is_refused_before_the_body_is_read() {
    let (_server, admin) = bucket().await;
    let (good, sha256) = (key(ANN), key_sha256(ANN));
    let short = "AQEB".repeat(10) + "AQ==";
    let bad: [[Option<&str>; 3]; 7] = [
        [None, Some(&good), Some(sha256)],
        [Some("AES256"), None, Some(sha256)],
        [Some("AES256"), Some(&good), None],
        [Some("AES128"), Some(&good), Some(sha256)],
        [Some("AES256"), Some("x"), Some(sha256)],
        [Some("AES256"), Some(&short), Some(sha256)],
        [Some("AES256"), Some(&good), Some(key_sha256(BEN))],
    ];
    for texts in bad {
        for call in [
            admin.put(admin.object_path("b1", "o")).body("bytes"),
            admin.get(admin.object_path("b1", "o")),
            admin
                .post(format!("{}/u", admin.bucket_path("b1")))
                .json(&json!({"object": "o"})),
        ] {
            let given = NAMES.into_iter().zip(texts);
            let given = given.filter_map(|(name, text)| Some((name, text?)));
            let call = given.fold(call, |call, (name, text)| call.header(name, text));
            let refused = call.await.expect(400);
            assert_eq!(refused.code(), "InvalidParameter", "{texts:?}");
            assert!(!refused.text().contains(&good));
        }
    }
    admin.get(admin.object_path("b1", "o")).await.expect(404);
}

#[tokio::test]
async fn a_key_of_a_key_management_service_is_not_implemented() {
    let (_server, admin) = bucket().await;
    let call = admin.put(admin.object_path("b1", "o")).body("bytes");
    let refused = call
        .header("opc-sse-kms-key-id", "ocid1.key.oc1..x")
        .await
        .expect(501);
    assert_eq!(refused.code(), "NotImplemented");
    let target = format!("{}/actions/reencrypt/o", admin.bucket_path("b1"));
    let refused = admin
        .post(target)
        .json(&json!({"kmsKeyId": "ocid1.key.oc1..x"}))
        .await;
    assert_eq!(refused.expect(501).code(), "NotImplemented");
}

#[tokio::test]
async fn the_holder_of_a_par_needs_the_key_as_well() {
    let (server, admin) = bucket().await;
    with_key(admin.put(admin.object_path("b1", "o")).body("bytes"), ANN)
        .await
        .expect(200);
    let par = admin.create_par("b1", ParSpec::object_read("o")).await;
    let refused = server.anonymous().get(par.path_for("o")).await.expect(400);
    assert_eq!(refused.code(), "InvalidSSECustomerKey");
    let ann = key(ANN);
    let headers = NAMES.into_iter().zip(["AES256", &ann, key_sha256(ANN)]);
    let headers: Vec<String> = headers
        .map(|(name, text)| format!("{name}: {text}"))
        .collect();
    let url = par.url_for("o");
    let args = headers
        .iter()
        .flat_map(|line| ["-H", line])
        .chain([url.as_str()]);
    assert_eq!(curl(args).await.expect(200).body, "bytes");
}

#[tokio::test]
async fn an_upload_through_a_par_is_encrypted_with_the_key_it_brings() {
    let (server, admin) = bucket().await;
    let par = admin.create_par("b1", ParSpec::object_write("o")).await;
    let start = server
        .anonymous()
        .put(par.path_for("o"))
        .header("opc-multipart", "true");
    let started = with_key(start, ANN).await.expect(200).json();
    let uri = started["accessUri"].as_str().unwrap();
    let part = |n: u8| server.anonymous().put(format!("{uri}{n}")).body("bytes");
    part(1).await.expect(400);
    with_key(part(1), ANN).await.expect(200);
    server.anonymous().post(uri).await.expect(200);
    let path = admin.object_path("b1", "o");
    assert_eq!(
        with_key(admin.get(path), ANN).await.expect(200).body,
        "bytes"
    );
}

#[tokio::test]
async fn with_a_key_file_of_the_server_the_disk_holds_no_object_in_clear() {
    let files = tempfile::tempdir().unwrap();
    let keys = files.path().join("keys");
    fs::write(&keys, server_key(9)).unwrap();
    let mut server = start_with(&keys).await;
    let admin = server.admin();
    admin.create_bucket("b1").await;
    let marker = "a sentence that stands nowhere else";
    admin.put_object("b1", "small", marker).await;
    admin.put_object("b1", "large", marker.repeat(5_000)).await;
    server.terminate().await;
    assert!(!holds(server.data_dir(), marker.as_bytes()));
    // Rotated: the new key first, the old one behind it.
    fs::write(&keys, format!("{}\n{}\n", server_key(10), server_key(9))).unwrap();
    server.restart().await;
    let admin = server.admin();
    assert_eq!(admin.read_object("b1", "small").await, marker);
    assert_eq!(admin.read_object("b1", "large").await, marker.repeat(5_000));
}

#[tokio::test]
async fn a_key_file_that_holds_no_key_keeps_the_server_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("keys");
    fs::write(&keys, "not a key").unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_parbuckle"))
        .args(["serve", "--listen", "127.0.0.1:0", "--data-dir"])
        .arg(folder.path().join("data"))
        .arg("--encryption-key-file")
        .arg(&keys)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success());
    assert!(
        text.contains("line 1 is not a key") && !text.contains("not a key\""),
        "{text}"
    );
}

async fn start_with(keys: &Path) -> TestServer {
    TestServer::builder(env!("CARGO_BIN_EXE_parbuckle"))
        .arg("--encryption-key-file")
        .arg(keys.display().to_string())
        .start()
        .await
}

fn server_key(number: u8) -> String {
    format!("{number:02x}").repeat(32)
}

/// Whether a file in or below a folder holds these bytes.
fn holds(folder: &Path, wanted: &[u8]) -> bool {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .any(|path| match path.is_dir() {
            true => holds(&path, wanted),
            false => {
                let bytes = fs::read(&path).unwrap_or_default();
                bytes.windows(wanted.len()).any(|window| window == wanted)
            }
        })
}

#[tokio::test]
async fn all_of_a_bucket_is_encrypted_with_the_servers_current_key_but_what_customers_keys_encrypt()
{
    let files = tempfile::tempdir().unwrap();
    let keys = files.path().join("keys");
    fs::write(&keys, server_key(9)).unwrap();
    let mut server = start_with(&keys).await;
    let admin = server.admin();
    admin.create_bucket("b1").await;
    admin.put_object("b1", "o", "bytes").await;
    with_key(admin.put(admin.object_path("b1", "ann")).body("bytes"), ANN)
        .await
        .expect(200);
    fs::write(&keys, format!("{}\n{}\n", server_key(10), server_key(9))).unwrap();
    server.restart().await;
    let admin = server.admin();
    let reply = admin
        .post(format!("{}/actions/reencrypt", admin.bucket_path("b1")))
        .await;
    let id = reply.expect(202).required("opc-work-request-id").to_owned();
    assert_eq!(ended(&admin, &id).await["operationType"], "REENCRYPT");
    // The earlier key is not needed any more.
    fs::write(&keys, server_key(10)).unwrap();
    server.restart().await;
    let admin = server.admin();
    assert_eq!(admin.read_object("b1", "o").await, "bytes");
    let ann = with_key(admin.get(admin.object_path("b1", "ann")), ANN).await;
    assert_eq!(ann.expect(200).body, "bytes");
}

/// The work request when it is completed.
async fn ended(admin: &SignedClient, id: &str) -> Value {
    for _ in 0..400 {
        let work = admin
            .get(format!("/workRequests/{id}"))
            .await
            .expect(200)
            .json();
        match work["status"].as_str() {
            Some("COMPLETED") => return work,
            Some("ACCEPTED" | "IN_PROGRESS") => {}
            _ => panic!("{work}"),
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the work request {id} does not end");
}
