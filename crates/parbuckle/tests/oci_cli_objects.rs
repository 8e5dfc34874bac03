//! The `oci` CLI's commands for many and for large objects, with the options that change what goes over the wire. The
//! plain forms are in `oci_cli.rs`.

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

use std::fs;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use parbuckle_testkit::clients::{Output, oci};
use parbuckle_testkit::{ParSpec, SignedClient, TestServer, pattern};
use serde_json::{Value, json};

const MIB: usize = 1 << 20;

async fn bucket() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b1").await;
    (server, admin)
}

fn words<'a>(server: &'a TestServer, line: &'a str) -> impl Iterator<Item = &'a str> {
    let words = ["os", "object"].into_iter().chain(line.split_whitespace());
    words.chain(["-bn", "b1", "-ns", server.bootstrap().namespace()])
}

/// Runs `oci os object ...` in the scratch folder, on the bucket b1; words are split at spaces.
async fn object(server: &TestServer, line: &str) -> Output {
    oci(server, words(server, line)).run().await.success()
}

fn count(list: &Value) -> usize {
    let entries = list.as_object().map(serde_json::Map::len);
    entries.or(list.as_array().map(Vec::len)).unwrap_or(0)
}

/// The files below a folder, as paths relative to it.
fn files_below(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path.strip_prefix(folder).unwrap().display().to_string()),
            }
        }
    }
    found.sort();
    found
}

#[tokio::test]
async fn a_bulk_upload_takes_what_the_patterns_name_large_files_in_parts() {
    let (server, admin) = bucket().await;
    let large = pattern(1, 3 * MIB + 7);
    server.scratch_file("up/sub/large.bin", &large);
    for name in ["a.txt", "sub/b c+d%é.txt", "sub/skip.txt", "c.log"] {
        server.scratch_file(&format!("up/{name}"), name);
    }
    let line = "bulk-upload --src-dir up --object-prefix p/ --part-size 1 --verify-checksum \
                --include *.txt --include *.bin --exclude */skip.txt --content-type text/plain \
                --metadata {\"Color\":\"blue\"}";
    // The CLI takes either kind of pattern, not both.
    let refused = oci(&server, words(&server, line)).run().await.failure();
    assert!(refused.stderr.contains("include"), "{refused}");
    let line = line.replace("--exclude */skip.txt ", "");
    let printed = object(&server, &line).await.json();
    assert_eq!(printed["upload-failures"], json!({}));
    let names = [
        "p/a.txt",
        "p/sub/b c+d%é.txt",
        "p/sub/large.bin",
        "p/sub/skip.txt",
    ];
    assert_eq!(admin.list_names("b1", "").await, names);
    assert!(admin.read_object("b1", "p/sub/large.bin").await == large);
    let head = admin.head(admin.object_path("b1", "p/sub/large.bin")).await;
    assert_eq!(head.header("opc-meta-color"), Some("blue"));
    assert_eq!(head.header("content-type"), Some("text/plain"));
    assert!(head.required("opc-multipart-md5").ends_with("-4"));
}

#[tokio::test]
async fn a_bulk_upload_overwrites_when_told() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "a", "old").await;
    server.scratch_file("up/a", "new");
    server.scratch_file("up/b", "b");
    let kept = object(&server, "bulk-upload --src-dir up --no-overwrite").await;
    assert_eq!(count(&kept.json()["skipped-objects"]), 1);
    assert_eq!(admin.read_object("b1", "a").await, "old");
    object(&server, "bulk-upload --src-dir up --overwrite").await;
    assert_eq!(admin.read_object("b1", "a").await, "new");
}

#[tokio::test]
async fn a_bulk_download_takes_what_the_patterns_name_and_keeps_what_is_there() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "dir/a.txt", "a").await;
    admin.put_object("b1", "dir/sub/b c+d%é.txt", "odd").await;
    admin.put_object("b1", "dir/skip.log", "x").await;
    admin.put_object("b1", "other", "x").await;
    object(
        &server,
        "bulk-download --dest-dir down --prefix dir/ --exclude *.log",
    )
    .await;
    let down = server.scratch().join("down");
    assert_eq!(files_below(&down), ["dir/a.txt", "dir/sub/b c+d%é.txt"]);

    fs::write(down.join("dir/sub/b c+d%é.txt"), "mine").unwrap();
    let line = "bulk-download --dest-dir down --prefix dir/sub --no-overwrite";
    object(&server, line).await;
    let mine = fs::read_to_string(down.join("dir/sub/b c+d%é.txt"));
    assert_eq!(mine.unwrap(), "mine");
}

#[tokio::test]
async fn a_bulk_delete_takes_more_than_one_page() {
    const OBJECTS: usize = 1_003;
    let (server, admin) = bucket().await;
    let par = admin.create_par("b1", ParSpec::any_write()).await;
    let http = server.anonymous();
    let mut connection = http.connect().await;
    for index in 0..OBJECTS {
        let put = http.put(par.path_for(&format!("s/{index}"))).body("x");
        connection.send(put).await.unwrap().expect(200);
    }
    admin.put_object("b1", "t", "x").await;
    let deleted = object(&server, "bulk-delete --prefix s/ --force")
        .await
        .json();
    assert_eq!(count(&deleted["deleted-objects"]), OBJECTS);
    assert_eq!(admin.list_names("b1", "").await, ["t"]);
}

#[tokio::test]
async fn a_bulk_delete_takes_what_the_patterns_name() {
    let (server, admin) = bucket().await;
    for name in ["a.log", "a.txt", "dir/b.log", "dir/b.txt"] {
        admin.put_object("b1", name, "x").await;
    }
    let dry = object(&server, "bulk-delete --include *.log --dry-run").await;
    assert_eq!(count(&dry.json()["deleted-objects"]), 2);
    assert_eq!(admin.list_names("b1", "").await.len(), 4);
    object(&server, "bulk-delete --include *.log --force").await;
    assert_eq!(admin.list_names("b1", "").await, ["a.txt", "dir/b.txt"]);
}

#[tokio::test]
async fn sync_from_the_bucket_fetches_what_changed_and_deletes_what_is_gone() {
    let (server, admin) = bucket().await;
    for name in ["p/same", "p/changed", "p/sub/gone", "other"] {
        admin.put_object("b1", name, "old").await;
    }
    let line = "sync --prefix p/ --dest-dir mirror --delete";
    object(&server, line).await;
    let mirror = server.scratch().join("mirror");
    assert_eq!(files_below(&mirror), ["changed", "same", "sub/gone"]);

    // The CLI compares with last-modified, which has whole seconds: this one must look older than its object.
    let long_ago = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let changed = fs::File::options().write(true).open(mirror.join("changed"));
    changed.unwrap().set_modified(long_ago).unwrap();
    admin.put_object("b1", "p/changed", "new").await;
    admin.delete_object("b1", "p/sub/gone").await;
    server.scratch_file("mirror/mine", "x");
    object(&server, line).await;
    assert_eq!(files_below(&mirror), ["changed", "same"]);
    let changed = fs::read_to_string(mirror.join("changed"));
    assert_eq!(changed.unwrap(), "new");
}

#[tokio::test]
async fn sync_to_the_bucket_keeps_to_its_prefix_and_patterns() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "other", "x").await;
    admin.put_object("b1", "p/gone.txt", "x").await;
    for name in ["a.txt", "b.log", "sub/c.txt"] {
        server.scratch_file(&format!("src/{name}"), name);
    }
    let line = "sync --prefix p/ --src-dir src --include *.txt --delete";
    object(&server, &format!("{line} --dry-run")).await;
    assert_eq!(admin.list_names("b1", "").await, ["other", "p/gone.txt"]);
    object(&server, line).await;
    let names = ["other", "p/a.txt", "p/sub/c.txt"];
    assert_eq!(admin.list_names("b1", "").await, names);
}

#[tokio::test]
async fn a_long_standard_input_is_put_in_parts() {
    let (server, admin) = bucket().await;
    let content = pattern(3, 25 * MIB);
    let line = "put --file - --name piped --force --metadata {\"Color\":\"blue\"}";
    let put = oci(&server, words(&server, line)).stdin(content.clone());
    put.run().await.success();
    assert!(admin.read_object("b1", "piped").await == content);
    let head = admin.head(admin.object_path("b1", "piped")).await;
    assert!(head.required("opc-multipart-md5").ends_with("-3"));
    assert_eq!(head.header("opc-meta-color"), Some("blue"));
}

#[tokio::test]
async fn a_large_object_is_got_in_parallel_ranges() {
    let (server, admin) = bucket().await;
    // The CLI gets what is smaller in one request, and never asks for shorter ranges.
    let mut content = vec![0; 129 * MIB];
    for (index, block) in content.chunks_mut(MIB).enumerate() {
        block[..8].copy_from_slice(&index.to_be_bytes());
    }
    let content = Bytes::from(content);
    admin.put_object("b1", "large", content.clone()).await;
    let line = "get --name large --file back --parallel-download-count 5";
    object(&server, line).await;
    assert!(fs::read(server.scratch().join("back")).unwrap() == content);
    let ranged = server.output().matches("\"status\":206").count();
    assert!(ranged >= 2, "{ranged} ranges were asked for");
}

#[tokio::test]
async fn a_range_of_an_object_is_got() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "o", "0123456789").await;
    let got = object(&server, "get --name o --file - --range bytes=2-5").await;
    assert_eq!(got.stdout, "2345");
}

#[tokio::test]
async fn a_put_checks_the_etag_and_the_digests_that_it_is_given() {
    let (server, admin) = bucket().await;
    let first = admin.put_object("b1", "o", "old").await;
    server.scratch_file("hello", "hello");
    let line = format!(
        "put --file hello --name o --force --if-match {} --content-md5 XUFAKrxLKna5cZ2REBfFkg== \
         --opc-checksum-algorithm SHA256 --opc-content-sha256 LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
        first.required("etag")
    );
    object(&server, &line).await;
    let head = admin.head(admin.object_path("b1", "o")).await;
    let digest = "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=";
    assert_eq!(head.header("opc-content-sha256"), Some(digest));
    // The etag is stale now.
    let refused = oci(&server, words(&server, &line)).run().await.failure();
    assert_eq!(refused.service_error()["code"], "IfMatchFailed");
}

#[tokio::test]
async fn a_list_has_the_bounds_and_fields_that_were_asked_for() {
    let (server, admin) = bucket().await;
    for name in ["p/a", "p/b", "p/c", "p/d", "q"] {
        admin.put_object("b1", name, "12345").await;
    }
    let line = "list --prefix p/ --start p/b --end p/d --limit 1 --fields size";
    let printed = object(&server, line).await.json();
    let listed = json!([{ "name": "p/b", "size": 5 }]);
    let shown = printed["data"].as_array().map(|list| {
        let known = |entry: &Value| json!({ "name": entry["name"], "size": entry["size"] });
        list.iter().map(known).collect::<Value>()
    });
    assert_eq!(shown, Some(listed), "{printed:#}");
    assert_eq!(printed["next-start-with"], "p/c");
}

#[tokio::test]
async fn an_archived_object_is_restored() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "o", "cold").await;
    let archive = "update-storage-tier --object-name o --storage-tier Archive";
    object(&server, archive).await;
    let get = "get --name o --file -";
    let refused = oci(&server, words(&server, get)).run().await.failure();
    assert_eq!(refused.service_error()["status"], 409);
    let archived = object(&server, "restore-status --name o").await;
    assert!(archived.stderr.starts_with("Archived"), "{archived}");

    let restore = object(&server, "restore --name o --hours 2").await;
    assert!(restore.stderr.contains("will be available"), "{restore}");
    let restored = object(&server, "restore-status --name o").await;
    assert!(restored.stderr.contains("1 hour"), "{restored}");
    assert_eq!(object(&server, get).await.stdout, "cold");
}
