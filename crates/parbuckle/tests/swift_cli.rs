//! The `swift` command line client (python-swiftclient) with version 1 authentication, each rule on a server of its own.

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

use std::fs;

use parbuckle_testkit::clients::Output;
use parbuckle_testkit::swift::swift_cli;
use parbuckle_testkit::{SignedClient, TestServer, pattern};

const MIB: usize = 1 << 20;

async fn server() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    (server, admin)
}

/// Runs `swift` to success in the scratch folder; words are split at spaces.
async fn run(server: &TestServer, line: &str) -> Output {
    swift_cli(server, line.split(' ')).run().await.success()
}

/// The value of a line `Name: value` of `swift stat`.
fn value(output: &Output, name: &str) -> String {
    let line = output.stdout.lines().find_map(|line| {
        let (found, value) = line.split_once(':')?;
        (found.trim() == name).then(|| value.trim().to_owned())
    });
    line.unwrap_or_else(|| panic!("no line {name:?}\n{output}"))
}

#[tokio::test]
async fn auth_prints_where_the_account_is_and_a_token() {
    let (server, _) = server().await;
    let auth = run(&server, "auth").await;
    let account = server.bootstrap().field("swift_account");
    let url = format!("{}/v1/{account}", server.endpoint());
    assert!(auth.stdout.contains(&url), "{auth}");
    assert!(auth.stdout.contains("OS_AUTH_TOKEN=AUTH_tk"), "{auth}");
}

#[tokio::test]
async fn a_wrong_password_is_refused() {
    let (server, _) = server().await;
    let refused = run_with_key(&server, "wrong", "stat").await.failure();
    assert!(refused.stderr.contains("401 Unauthorized"), "{refused}");
}

async fn run_with_key(server: &TestServer, key: &str, line: &str) -> Output {
    swift_cli(server, ["-K", key])
        .args(line.split(' '))
        .run()
        .await
}

#[tokio::test]
async fn stat_shows_account_container_and_object() {
    let (server, _) = server().await;
    server.scratch_file("a.txt", "hello");
    run(&server, "post c1 -m Color:blue").await;
    run(&server, "upload c1 a.txt").await;
    let account = run(&server, "stat").await;
    assert_eq!(value(&account, "Containers"), "1");
    assert_eq!(value(&account, "Objects"), "1");
    assert_eq!(value(&account, "Bytes"), "5");
    let container = run(&server, "stat c1").await;
    assert_eq!(value(&container, "Objects"), "1");
    assert_eq!(value(&container, "Meta Color"), "blue");
    let object = run(&server, "stat c1 a.txt").await;
    assert_eq!(value(&object, "Content Length"), "5");
    assert_eq!(value(&object, "Content Type"), "text/plain");
    assert_eq!(value(&object, "ETag"), "5d41402abc4b2a76b9719d911017c592");
}

#[tokio::test]
async fn list_shows_names_sizes_and_folders() {
    let (server, _) = server().await;
    for name in ["a.txt", "dir/b", "dir/c"] {
        server.scratch_file(name, "hello");
    }
    run(&server, "upload c1 a.txt dir").await;
    let containers = run(&server, "list").await;
    assert_eq!(containers.stdout, "c1\n");
    let names = run(&server, "list c1").await;
    assert_eq!(names.stdout, "a.txt\ndir/b\ndir/c\n");
    let folder = run(&server, "list c1 --prefix dir/").await;
    assert_eq!(folder.stdout, "dir/b\ndir/c\n");
    let top = run(&server, "list c1 --delimiter /").await;
    assert_eq!(top.stdout, "a.txt\ndir/\n");
    let long = run(&server, "list c1 --long").await;
    assert!(long.stdout.contains("text/plain a.txt"), "{long}");
    assert!(
        long.stdout
            .lines()
            .last()
            .is_some_and(|line| line.trim() == "15"),
        "{long}"
    );
}

#[tokio::test]
async fn post_sets_metadata_and_acls() {
    let (server, _) = server().await;
    server.scratch_file("a.txt", "hello");
    run(&server, "upload c1 a.txt").await;
    run(&server, "post c1 -r .r:*,.rlistings -w acme:joe").await;
    let container = run(&server, "stat c1").await;
    assert_eq!(value(&container, "Read ACL"), ".r:*,.rlistings");
    assert_eq!(value(&container, "Write ACL"), "acme:joe");
    run(&server, "post c1 a.txt -m Shape:round").await;
    let object = run(&server, "stat c1 a.txt").await;
    assert_eq!(value(&object, "Meta Shape"), "round");
    run(&server, "post -m Owner:me").await;
    assert_eq!(value(&run(&server, "stat").await, "Meta Owner"), "me");
}

#[tokio::test]
async fn what_is_uploaded_is_downloaded() {
    let (server, admin) = server().await;
    server.scratch_file("dir/odd name+é?.txt", "odd");
    let content = pattern(1, MIB + 3);
    server.scratch_file("dir/b.bin", &content);
    run(&server, "upload c1 dir").await;
    assert_eq!(admin.read_object("c1", "dir/odd name+é?.txt").await, "odd");
    run(&server, "download c1 -D back").await;
    let back = server.scratch().join("back/dir");
    assert!(fs::read(back.join("b.bin")).unwrap() == content);
    assert_eq!(
        fs::read_to_string(back.join("odd name+é?.txt")).unwrap(),
        "odd"
    );
    let words = ["download", "c1", "dir/odd name+é?.txt", "-o", "-"];
    let piped = swift_cli(&server, words).run().await.success();
    assert_eq!(piped.stdout, "odd");
}

#[tokio::test]
async fn an_unchanged_file_is_skipped() {
    let (server, _) = server().await;
    server.scratch_file("a.txt", "hello");
    let sent = |output: &Output| output.stderr.contains("a.txt -X PUT");
    let line = "--debug upload --skip-identical c1 a.txt";
    assert!(sent(&run(&server, line).await));
    let again = run(&server, line).await;
    assert!(!sent(&again), "{again}");
}

/// Uploads 4 MiB and a bit in segments of 1 MiB, and brings it back.
async fn segmented(server: &TestServer, kind: &str) -> SignedClient {
    let content = pattern(1, 4 * MIB + 5);
    server.scratch_file("large", &content);
    run(server, &format!("upload -S {MIB} {kind} c1 large")).await;
    let admin = server.admin();
    let segments = admin.list_names("c1_segments", "").await;
    assert_eq!(segments.len(), 5, "{segments:?}");
    run(server, "download c1 large -o back").await;
    let back = fs::read(server.scratch().join("back")).unwrap();
    assert!(back == content, "other bytes came back");
    admin
}

#[tokio::test]
async fn a_large_file_goes_up_as_a_static_large_object() {
    let (server, _) = server().await;
    let admin = segmented(&server, "--use-slo").await;
    let object = run(&server, "stat c1 large").await;
    assert_eq!(value(&object, "Content Length"), "4194309");
    assert!(object.stdout.contains("X-Static-Large-Object"), "{object}");
    run(&server, "delete c1 large").await;
    let segments = admin.list_names("c1_segments", "").await;
    assert!(segments.is_empty(), "{segments:?}");
}

#[tokio::test]
async fn a_large_file_is_a_static_large_object_unless_told_otherwise() {
    let (server, _) = server().await;
    segmented(&server, "--segment-threads 2").await;
}

#[tokio::test]
async fn a_large_file_goes_up_as_a_dynamic_large_object() {
    let (server, _) = server().await;
    let admin = segmented(&server, "--use-dlo").await;
    let object = run(&server, "stat c1 large").await;
    assert!(value(&object, "Manifest").starts_with("c1_segments/large/"));
    run(&server, "delete c1 large").await;
    let segments = admin.list_names("c1_segments", "").await;
    assert!(segments.is_empty(), "{segments:?}");
}

#[tokio::test]
async fn copy_keeps_content_and_adds_metadata() {
    let (server, admin) = server().await;
    server.scratch_file("a.txt", "hello");
    run(&server, "upload c1 a.txt -H X-Object-Meta-Color:blue").await;
    run(&server, "copy c1 a.txt -d /c2/b.txt -m Shape:round").await;
    assert_eq!(admin.read_object("c2", "b.txt").await, "hello");
    let copied = run(&server, "stat c2 b.txt").await;
    assert_eq!(value(&copied, "Meta Color"), "blue");
    assert_eq!(value(&copied, "Meta Shape"), "round");
}

#[tokio::test]
async fn delete_takes_an_object_or_a_container_with_all_in_it() {
    let (server, admin) = server().await;
    for index in 0..20 {
        server.scratch_file(&format!("dir/{index}"), "x");
    }
    run(&server, "upload c1 dir").await;
    run(&server, "delete c1 dir/0").await;
    assert_eq!(admin.list_names("c1", "").await.len(), 19);
    run(&server, "delete c1").await;
    admin.head(admin.bucket_path("c1")).await.expect(404);
}

#[tokio::test]
async fn many_objects_are_deleted_at_once() {
    let (server, admin) = server().await;
    admin.create_bucket("c1").await;
    for index in 0..120 {
        admin.put_object("c1", &format!("o{index}"), "x").await;
    }
    let deleted = run(&server, "--debug delete c1").await;
    assert!(deleted.stderr.contains("bulk-delete"), "{deleted}");
    admin.head(admin.bucket_path("c1")).await.expect(404);
}

#[tokio::test]
async fn a_temporary_url_is_read_without_credentials() {
    let (server, _) = server().await;
    server.scratch_file("a.txt", "hello");
    run(&server, "upload c1 a.txt").await;
    run(&server, "post -m Temp-URL-Key:key").await;
    let account = server.bootstrap().field("swift_account");
    for digest in ["sha1", "sha256", "sha512"] {
        let line = format!("tempurl --digest {digest} GET 600 /v1/{account}/c1/a.txt key");
        let url = run(&server, &line).await.stdout;
        let reply = server.anonymous().get(url.trim()).await.expect(200);
        assert_eq!(reply.text(), "hello", "{digest}");
    }
}

#[tokio::test]
async fn capabilities_name_what_works() {
    let (server, _) = server().await;
    let capabilities = run(&server, "capabilities --json").await.json();
    for name in [
        "swift",
        "slo",
        "tempurl",
        "bulk_delete",
        "bulk_upload",
        "container_quotas",
    ] {
        assert!(
            capabilities[name].is_object(),
            "no {name} in {capabilities}"
        );
    }
    for name in [
        "versioned_writes",
        "staticweb",
        "symlink",
        "formpost",
        "ratelimit",
    ] {
        assert!(capabilities[name].is_null(), "{name} in {capabilities}");
    }
}

#[tokio::test]
async fn objects_that_expire_say_when() {
    let (server, _) = server().await;
    server.scratch_file("a.txt", "hello");
    run(&server, "upload c1 a.txt -H X-Delete-After:3000").await;
    let object = run(&server, "stat c1 a.txt").await;
    assert!(object.stdout.contains("X-Delete-At"), "{object}");
}
