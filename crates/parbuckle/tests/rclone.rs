//! rclone with its oracleobjectstorage backend against the server, each rule on a server of its own. Of large files it
//! compares no digests: this rclone does not read back the one that it stores with them.

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parbuckle_testkit::clients::{Output, rclone};
use parbuckle_testkit::{SignedClient, TestServer, pattern};
use serde_json::{Value, json};

const MIB: usize = 1 << 20;

async fn bucket() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b1").await;
    (server, admin)
}

/// Runs rclone to success in the scratch folder; words are split at spaces.
async fn run(server: &TestServer, line: &str) -> Output {
    rclone(server, line.split(' ')).run().await.success()
}

/// The files of the test below `src`, with a name that needs every escape.
fn tree(server: &TestServer) {
    for (name, content) in [
        ("a.txt", "a"),
        ("empty", ""),
        ("odd names/b c+d%&é?#[]'.txt", "odd"),
        ("sub/deep/b.bin", "bytes"),
    ] {
        server.scratch_file(&format!("src/{name}"), content);
    }
    for index in 0..30 {
        server.scratch_file(&format!("src/many/{index}"), index.to_string());
    }
}

/// Long before the server's own time, to the millisecond that rclone keeps.
fn long_ago() -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(981_173_106_789)
}

fn set_modified(path: &Path, time: SystemTime) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

/// What `rclone lsjson` says of one object.
async fn described(server: &TestServer, object: &str) -> Value {
    let line = format!("lsjson --stat --metadata admin:{object}");
    run(server, &line).await.json()
}

#[tokio::test]
async fn a_copied_tree_is_the_same_and_is_not_copied_again() {
    let (server, admin) = bucket().await;
    tree(&server);
    run(&server, "copy src admin:b1/dir").await;
    run(&server, "check src admin:b1/dir").await;
    run(&server, "check --download src admin:b1/dir").await;
    assert_eq!(admin.list_names("b1", "").await.len(), 34);
    let again = run(&server, "copy -v src admin:b1/dir").await;
    assert!(again.stderr.contains("nothing to transfer"), "{again}");
}

#[tokio::test]
async fn check_finds_what_differs() {
    let (server, admin) = bucket().await;
    tree(&server);
    run(&server, "copy src admin:b1").await;
    admin.put_object("b1", "a.txt", "b").await;
    let check = rclone(&server, ["check", "src", "admin:b1"])
        .run()
        .await
        .failure();
    assert!(check.stderr.contains("1 differences found"), "{check}");
}

#[tokio::test]
async fn a_copied_bucket_is_made_if_it_is_missing() {
    let (server, admin) = bucket().await;
    tree(&server);
    run(&server, "copy src admin:made").await;
    assert_eq!(admin.read_object("made", "a.txt").await, "a");
    let buckets = run(&server, "lsf admin:").await;
    assert_eq!(buckets.stdout, "b1/\nmade/\n");
}

#[tokio::test]
async fn sync_changes_and_deletes() {
    let (server, admin) = bucket().await;
    tree(&server);
    run(&server, "sync src admin:b1").await;
    let source = server.scratch().join("src");
    fs::remove_dir_all(source.join("many")).unwrap();
    server.scratch_file("src/a.txt", "changed");
    run(&server, "sync src admin:b1").await;
    run(&server, "check src admin:b1").await;
    assert_eq!(admin.read_object("b1", "a.txt").await, "changed");
    assert_eq!(admin.list_names("b1", "").await.len(), 4);
}

#[tokio::test]
async fn a_tree_comes_down_with_its_times() {
    let (server, _) = bucket().await;
    tree(&server);
    set_modified(&server.scratch().join("src/a.txt"), long_ago());
    run(&server, "copy src admin:b1").await;
    run(&server, "sync admin:b1 back").await;
    let back = server.scratch().join("back");
    assert_eq!(
        fs::read_to_string(back.join("sub/deep/b.bin")).unwrap(),
        "bytes"
    );
    let modified = fs::metadata(back.join("a.txt")).unwrap().modified();
    assert_eq!(modified.unwrap(), long_ago());
}

#[tokio::test]
async fn move_takes_the_source_away() {
    let (server, admin) = bucket().await;
    tree(&server);
    run(&server, "move --delete-empty-src-dirs src admin:b1").await;
    assert_eq!(admin.list_names("b1", "").await.len(), 34);
    let left = fs::read_dir(server.scratch().join("src")).unwrap().count();
    assert_eq!(left, 0);
}

#[tokio::test]
async fn a_large_file_goes_up_in_parts_and_down_in_ranges() {
    let (server, admin) = bucket().await;
    let content = pattern(1, 37 * MIB + 5);
    server.scratch_file("src/large", &content);
    let limits = "--oos-upload-cutoff 5Mi --oos-chunk-size 5Mi --oos-upload-concurrency 8";
    run(&server, &format!("copy {limits} src admin:b1")).await;
    let head = admin.head(admin.object_path("b1", "large")).await;
    let md5 = head.required("opc-multipart-md5");
    assert!(md5.ends_with("-8"), "{md5}");
    let streams = "--multi-thread-cutoff 8Mi --multi-thread-streams 4";
    run(&server, &format!("copy {streams} admin:b1 back")).await;
    let back = fs::read(server.scratch().join("back/large")).unwrap();
    assert!(back == content, "other bytes came back");
}

#[tokio::test]
async fn a_stream_of_unknown_length_is_stored() {
    let (server, admin) = bucket().await;
    let content = pattern(2, 7 * MIB + 1);
    let args = ["rcat", "--streaming-upload-cutoff", "1Mi", "admin:b1/piped"];
    let sent = rclone(&server, args).stdin(content.clone());
    sent.run().await.success();
    let stored = admin.read_object("b1", "piped").await;
    assert!(stored == content, "other bytes were stored");
}

#[tokio::test]
async fn every_page_of_a_long_list_is_read() {
    let (server, admin) = bucket().await;
    for index in 0..1_005 {
        server.scratch_file(&format!("src/{index:04}"), "x");
    }
    run(&server, "copy --transfers 32 --checkers 32 src admin:b1").await;
    admin.put_object("b1", "dir/deep", "x").await;
    let listed = run(&server, "lsf -R --files-only admin:b1").await;
    assert_eq!(listed.stdout.lines().count(), 1_006);
    let top = run(&server, "lsf admin:b1").await;
    assert_eq!(top.stdout.lines().count(), 1_006);
    assert!(top.stdout.lines().any(|line| line == "dir/"));
}

#[tokio::test]
async fn a_part_of_an_object_is_read() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "o", "0123456789").await;
    let piece = run(&server, "cat --offset 3 --count 4 admin:b1/o").await;
    assert_eq!(piece.stdout, "3456");
}

#[tokio::test]
async fn delete_takes_what_the_filter_names() {
    let (server, admin) = bucket().await;
    for name in ["a.txt", "dir/b.txt", "dir/c.bin", "e.txt"] {
        admin.put_object("b1", name, "x").await;
    }
    run(&server, "delete --include *.txt admin:b1/dir").await;
    run(&server, "deletefile admin:b1/e.txt").await;
    assert_eq!(admin.list_names("b1", "").await, ["a.txt", "dir/c.bin"]);
}

#[tokio::test]
async fn purge_takes_a_folder_or_the_bucket() {
    let (server, admin) = bucket().await;
    for name in ["a", "dir/b", "dir/c"] {
        admin.put_object("b1", name, "x").await;
    }
    run(&server, "purge admin:b1/dir").await;
    assert_eq!(admin.list_names("b1", "").await, ["a"]);
    run(&server, "purge admin:b1").await;
    admin.head(admin.bucket_path("b1")).await.expect(404);
}

#[tokio::test]
async fn cleanup_aborts_the_uploads_that_are_old_enough() {
    let (server, admin) = bucket().await;
    let uploads = format!("{}/u", admin.bucket_path("b1"));
    let start = admin.post(&uploads).json(&json!({ "object": "large" }));
    start.await.expect(200);
    run(&server, "cleanup admin:b1").await; // a day is old enough
    let left = admin.get(&uploads).await.expect(200).json();
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    run(&server, "backend cleanup admin:b1 -o max-age=1ms").await;
    assert_eq!(admin.get(&uploads).await.expect(200).json(), json!([]));
}

#[tokio::test]
async fn a_public_bucket_is_read_without_credentials() {
    let (server, admin) = bucket().await;
    let public = json!({ "publicAccessType": "ObjectRead" });
    admin.create_bucket_with("open", public).await;
    for bucket in ["open", "b1"] {
        admin.put_object(bucket, "dir/o", "hello").await;
    }
    run(&server, "copy public:open down").await;
    let copied = fs::read_to_string(server.scratch().join("down/dir/o")).unwrap();
    assert_eq!(copied, "hello");
    let hidden = rclone(&server, ["lsf", "public:b1"]).run().await.failure();
    assert!(hidden.stderr.contains("not found"), "{hidden}");
}

#[tokio::test]
async fn a_server_side_copy_keeps_content_time_and_type() {
    let (server, admin) = bucket().await;
    admin.create_bucket("b2").await;
    let source = server.scratch_file("a.html", "<p>");
    set_modified(&source, long_ago());
    run(&server, "copyto a.html admin:b1/dir/a.html").await;
    run(&server, "copy admin:b1/dir admin:b2/copied").await;
    assert_eq!(admin.read_object("b2", "copied/a.html").await, "<p>");
    let copied = described(&server, "b2/copied/a.html").await;
    assert_eq!(copied["Metadata"]["mtime"], "2001-02-03T04:05:06.789Z");
    assert_eq!(copied["MimeType"], "text/html; charset=utf-8");
}

#[tokio::test]
async fn a_server_side_move_takes_the_source_away() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "dir/a", "x").await;
    run(&server, "moveto admin:b1/dir/a admin:b1/moved").await;
    assert_eq!(admin.list_names("b1", "").await, ["moved"]);
    assert_eq!(admin.read_object("b1", "moved").await, "x");
}

#[tokio::test]
async fn a_large_object_is_copied_within_the_server() {
    let (server, admin) = bucket().await;
    let content = pattern(3, 12 * MIB);
    server.scratch_file("large", &content);
    run(
        &server,
        "copyto --oos-upload-cutoff 5Mi large admin:b1/large",
    )
    .await;
    run(&server, "copyto admin:b1/large admin:b1/again").await;
    let copied = admin.read_object("b1", "again").await;
    assert!(copied == content, "other bytes were copied");
}

#[tokio::test]
async fn touch_changes_the_time_that_is_kept_with_an_object() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "o", "x").await;
    run(&server, "touch -t 2001-02-03T04:05:06 admin:b1/o").await;
    let touched = described(&server, "b1/o").await;
    assert_eq!(touched["Metadata"]["mtime"], "2001-02-03T04:05:06Z");
}

#[tokio::test]
async fn settier_moves_an_object_between_tiers() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "o", "x").await;
    run(&server, "settier InfrequentAccess admin:b1/o").await;
    assert_eq!(described(&server, "b1/o").await["Tier"], "infrequentaccess");
    assert_eq!(admin.read_object("b1", "o").await, "x");
}

#[tokio::test]
async fn an_archived_object_is_restored() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "dir/o", "cold").await;
    run(&server, "settier Archive admin:b1/dir/o").await;
    let refused = rclone(&server, ["cat", "admin:b1/dir/o"]).run().await;
    let refused = refused.failure();
    assert!(refused.stderr.contains("NotRestored"), "{refused}");
    let restored = run(&server, "backend restore admin:b1/dir -o hours=1").await;
    let status = json!([{ "Object": "o", "Status": "RESTORED" }]);
    assert_eq!(restored.json(), status);
    let content = run(&server, "cat admin:b1/dir/o").await;
    assert_eq!(content.stdout, "cold");
}

#[tokio::test]
async fn files_are_encrypted_with_a_key_of_the_users() {
    let (server, admin) = bucket().await;
    tree(&server);
    server.scratch_file("src/large", pattern(4, 7 * MIB));
    let key = "--oos-sse-customer-algorithm AES256 \
               --oos-sse-customer-key a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2s= \
               --oos-sse-customer-key-sha256 XjGPjPnL4kmjCBK4yhMtaR3tepGZFBNVjbV1hXX14B8=";
    let copy = format!("copy {key} --oos-upload-cutoff 5Mi src admin:b1/in");
    run(&server, &copy).await;
    run(&server, &format!("copy {key} admin:b1/in admin:b1/again")).await;
    let check = format!("check --download {key} src admin:b1/again");
    run(&server, &check).await;
    let keyless = admin.get(admin.object_path("b1", "again/large")).await;
    assert_eq!(keyless.status, 400, "{}", keyless.dump());
}
