//! The `oci` CLI against the server: namespace, buckets, objects, multipart, bulk commands. The PAR
//! commands are in `seed_pages.rs`.

use parbuckle_testkit::clients::{Output, oci};
use parbuckle_testkit::{ParSpec, SignedClient, TestServer, pattern};
use serde_json::{Value, json};
use std::fs::File;
use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

async fn server() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    (server, admin)
}

async fn bucket() -> (TestServer, SignedClient) {
    let (server, admin) = server().await;
    admin.create_bucket("b1").await;
    (server, admin)
}

/// Runs `oci os ...` to success; words are split at spaces.
async fn os(server: &TestServer, line: &str) -> Output {
    oci(server, words(line)).run().await.success()
}

fn words(line: &str) -> impl Iterator<Item = &str> {
    std::iter::once("os").chain(line.split_whitespace())
}

/// The same with the namespace given, as most commands want it.
fn in_namespace<'a>(server: &'a TestServer, line: &'a str) -> impl Iterator<Item = &'a str> {
    words(line).chain(["-ns", server.bootstrap().namespace()])
}

async fn os_ns(server: &TestServer, line: &str) -> Output {
    oci(server, in_namespace(server, line))
        .run()
        .await
        .success()
}

fn keys(list: &Value, key: &str) -> Vec<String> {
    let entries = list.as_array().expect("a list is printed");
    entries
        .iter()
        .map(|entry| entry[key].as_str().expect("text").to_owned())
        .collect()
}

#[tokio::test]
async fn the_namespace_is_the_one_of_the_first_start() {
    let (server, _) = server().await;
    let printed = os(&server, "ns get").await.json();
    assert_eq!(printed["data"], server.bootstrap().namespace());
}

#[tokio::test]
async fn a_bucket_is_created_with_its_defaults() {
    let (server, admin) = server().await;
    let line = format!("bucket create --name b1 -c {}", admin.compartment());
    let printed = os_ns(&server, &line).await.json();
    let data = &printed["data"];
    for (field, value) in [
        ("name", json!("b1")),
        ("namespace", json!(admin.namespace())),
        ("compartment-id", json!(admin.compartment())),
        (
            "created-by",
            json!(server.bootstrap().field("admin_user_ocid")),
        ),
        ("public-access-type", json!("NoPublicAccess")),
        ("storage-tier", json!("Standard")),
        ("versioning", json!("Disabled")),
        ("metadata", json!({})),
        ("object-events-enabled", json!(false)),
        ("replication-enabled", json!(false)),
        ("is-read-only", json!(false)),
    ] {
        assert_eq!(data[field], value, "{field}");
    }
    assert_eq!(data["etag"], printed["etag"]);
    admin.head(admin.bucket_path("b1")).await.expect(200);
}

#[tokio::test]
async fn creating_a_bucket_twice_is_refused() {
    let (server, admin) = bucket().await;
    let line = format!("bucket create --name b1 -c {}", admin.compartment());
    let error = oci(&server, in_namespace(&server, &line))
        .run()
        .await
        .failure()
        .service_error();
    assert_eq!(
        (&error["status"], &error["code"]),
        (&json!(409), &json!("BucketAlreadyExists"))
    );
}

#[tokio::test]
async fn buckets_are_listed_by_compartment() {
    let (server, admin) = server().await;
    for name in ["zebra", "apple", "Mango"] {
        admin.create_bucket(name).await;
    }
    let line = format!("bucket list -c {}", admin.compartment());
    let printed = os_ns(&server, &line).await.json();
    assert_eq!(keys(&printed["data"], "name"), ["Mango", "apple", "zebra"]);
    assert_eq!(printed["data"][0]["compartment-id"], admin.compartment());
}

#[tokio::test]
async fn a_bucket_is_shown_with_its_size_and_count() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "a", "12345").await;
    admin.put_object("b1", "b", "678").await;
    let line = "bucket get -bn b1 --fields approximateCount --fields approximateSize";
    let printed = os_ns(&server, line).await.json();
    assert_eq!(printed["data"]["approximate-count"], 2);
    assert_eq!(printed["data"]["approximate-size"], 8);
}

#[tokio::test]
async fn a_bucket_is_shown_without_counters_unless_asked() {
    let (server, _) = bucket().await;
    let printed = os_ns(&server, "bucket get -bn b1").await.json();
    assert_eq!(printed["data"]["approximate-count"], Value::Null);
    assert_eq!(printed["data"]["approximate-size"], Value::Null);
}

#[tokio::test]
async fn a_missing_bucket_is_reported_as_the_service_does() {
    let (server, admin) = server().await;
    let line = "bucket get -bn nope";
    let error = oci(&server, in_namespace(&server, line))
        .run()
        .await
        .failure()
        .service_error();
    assert_eq!(
        (&error["status"], &error["code"]),
        (&json!(404), &json!("BucketNotFound"))
    );
    let message = format!(
        "Either the bucket named 'nope' does not exist in the namespace '{}' \
         or you are not authorized to access it",
        admin.namespace()
    );
    assert_eq!(error["message"], message);
}

#[tokio::test]
async fn an_update_changes_only_what_is_given() {
    let (server, admin) = server().await;
    admin
        .create_bucket_with("b1", json!({ "metadata": { "team": "blue" } }))
        .await;
    let line = "bucket update -bn b1 --public-access-type ObjectRead";
    let printed = os_ns(&server, line).await.json();
    assert_eq!(printed["data"]["public-access-type"], "ObjectRead");
    assert_eq!(printed["data"]["metadata"], json!({ "team": "blue" }));
}

#[tokio::test]
async fn an_empty_bucket_is_deleted() {
    let (server, admin) = bucket().await;
    os_ns(&server, "bucket delete -bn b1 --force").await;
    admin.head(admin.bucket_path("b1")).await.expect(404);
}

#[tokio::test]
async fn a_bucket_with_objects_is_not_deleted() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "a", "x").await;
    let line = "bucket delete -bn b1 --force";
    let error = oci(&server, in_namespace(&server, line))
        .run()
        .await
        .failure()
        .service_error();
    assert_eq!(
        (&error["status"], &error["code"]),
        (&json!(409), &json!("BucketNotEmpty"))
    );
}

#[tokio::test]
async fn a_bucket_with_a_par_is_not_deleted() {
    let (server, admin) = bucket().await;
    admin
        .create_par("b1", ParSpec::object_read("not-there"))
        .await;
    let line = "bucket delete -bn b1 --force";
    let error = oci(&server, in_namespace(&server, line))
        .run()
        .await
        .failure()
        .service_error();
    assert_eq!(error["status"], 409);
    assert_eq!(error["code"], "PreauthenticatedRequestStillExists");
}

#[tokio::test]
async fn delete_with_empty_clears_objects_uploads_and_pars_first() {
    let (server, admin) = bucket().await;
    for name in ["a", "dir/b", "dir/c"] {
        admin.put_object("b1", name, "x").await;
    }
    admin.create_par("b1", ParSpec::any_read()).await;
    admin.create_par("b1", ParSpec::object_read("dir/b")).await;
    start_upload(&admin, "unfinished").await;
    os_ns(&server, "bucket delete -bn b1 --empty --force").await;
    admin.head(admin.bucket_path("b1")).await.expect(404);
}

/// CreateMultipartUpload; returns the upload id.
async fn start_upload(admin: &SignedClient, object: &str) -> String {
    let target = format!("{}/u", admin.bucket_path("b1"));
    let answer = admin
        .post(target)
        .json(&json!({ "object": object }))
        .await
        .expect(200)
        .json();
    answer["uploadId"]
        .as_str()
        .expect("uploadId is text")
        .to_owned()
}

#[tokio::test]
async fn a_small_file_is_put_and_got_back() {
    let (server, _) = bucket().await;
    let file = server.scratch_file("h.txt", "hello\n");
    let line = format!("object put -bn b1 --file {}", file.display());
    let put = os_ns(&server, &line).await.json();
    assert_eq!(put["opc-content-md5"], "sZRqySSS0jR8YjW00mERhA==");
    os_ns(&server, "object get -bn b1 --name h.txt --file back.txt").await;
    let back = std::fs::read_to_string(server.scratch().join("back.txt")).unwrap();
    assert_eq!(back, "hello\n");
}

#[tokio::test]
async fn an_object_is_written_to_standard_output() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "h.txt", "hello\n").await;
    let got = os_ns(&server, "object get -bn b1 --name h.txt --file -").await;
    assert_eq!(got.stdout, "hello\n");
}

#[tokio::test]
async fn a_put_over_an_existing_object_asks_first() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "h.txt", "old").await;
    let file = server.scratch_file("h.txt", "new");
    let line = format!("object put -bn b1 --file {}", file.display());
    oci(&server, in_namespace(&server, &line))
        .stdin("n\n")
        .run()
        .await
        .failure();
    assert_eq!(admin.read_object("b1", "h.txt").await, "old");
    oci(&server, in_namespace(&server, &line))
        .stdin("y\n")
        .run()
        .await
        .success();
    assert_eq!(admin.read_object("b1", "h.txt").await, "new");
}

#[tokio::test]
async fn a_large_file_is_put_in_parallel_parts_with_matching_checksums() {
    let (server, admin) = bucket().await;
    let content = pattern(1, 3_000_000);
    let file = server.scratch_file("big3m.bin", &content);
    let line = format!(
        "object put -bn b1 --file {} --name big --part-size 1 --force --verify-checksum",
        file.display()
    );
    let put = os_ns(&server, &line).await;
    assert!(
        put.stderr.contains("Split file into 3 parts for upload."),
        "{put}"
    );
    assert!(
        admin.read_object("b1", "big").await == content,
        "another content was stored"
    );
    let head = admin.head(admin.object_path("b1", "big")).await.expect(200);
    assert!(
        head.required("opc-multipart-md5").ends_with("-3"),
        "{}",
        head.dump()
    );
}

#[tokio::test]
async fn standard_input_is_put() {
    let (server, admin) = bucket().await;
    let line = "object put -bn b1 --file - --name stdin.txt --force";
    oci(&server, in_namespace(&server, line))
        .stdin("abc")
        .run()
        .await
        .success();
    assert_eq!(admin.read_object("b1", "stdin.txt").await, "abc");
}

#[tokio::test]
async fn empty_standard_input_makes_an_empty_object() {
    let (server, admin) = bucket().await;
    let line = "object put -bn b1 --file - --name stdin0.txt --force";
    oci(&server, in_namespace(&server, line))
        .run()
        .await
        .success();
    assert_eq!(admin.read_object("b1", "stdin0.txt").await, "");
    let uploads = admin
        .get(format!("{}/u", admin.bucket_path("b1")))
        .await
        .expect(200);
    assert_eq!(uploads.json(), json!([]));
}

#[tokio::test]
async fn metadata_and_content_headers_are_put_and_shown() {
    let (server, _) = bucket().await;
    let file = server.scratch_file("h.txt", "hello\n");
    let line = format!(
        "object put -bn b1 --file {} --name dir/a.txt --content-type text/plain \
         --cache-control no-cache --metadata {{\"Foo\":\"bar\"}}",
        file.display()
    );
    os_ns(&server, &line).await;
    let shown = os_ns(&server, "object head -bn b1 --name dir/a.txt")
        .await
        .json();
    assert_eq!(shown["content-type"], "text/plain");
    assert_eq!(shown["cache-control"], "no-cache");
    assert_eq!(shown["opc-meta-foo"], "bar");
    assert_eq!(shown["content-length"], "6");
    assert_eq!(shown["content-md5"], "sZRqySSS0jR8YjW00mERhA==");
}

#[tokio::test]
async fn objects_are_listed_with_their_fields() {
    let (server, admin) = bucket().await;
    for name in ["a.txt", "dir/x", "dir/y", "e.txt"] {
        admin.put_object("b1", name, "hello\n").await;
    }
    let printed = os_ns(&server, "object list -bn b1").await.json();
    let data = &printed["data"];
    assert_eq!(keys(data, "name"), ["a.txt", "dir/x", "dir/y", "e.txt"]);
    assert_eq!(data[0]["size"], 6);
    assert_eq!(data[0]["md5"], "sZRqySSS0jR8YjW00mERhA==");
    assert_eq!(data[0]["storage-tier"], "Standard");
    assert!(data[0]["time-modified"].is_string(), "{data:#}");
}

#[tokio::test]
async fn a_delimiter_shows_prefixes() {
    let (server, admin) = bucket().await;
    for name in ["a.txt", "dir/x", "dir/y", "e.txt"] {
        admin.put_object("b1", name, "x").await;
    }
    let printed = os_ns(&server, "object list -bn b1 --delimiter /")
        .await
        .json();
    assert_eq!(keys(&printed["data"], "name"), ["a.txt", "e.txt"]);
    assert_eq!(printed["prefixes"], json!(["dir/"]));
}

#[tokio::test]
async fn list_all_follows_every_page() {
    let (server, admin) = bucket().await;
    let names: Vec<_> = (0..250).map(|index| format!("object-{index:03}")).collect();
    for name in &names {
        admin.put_object("b1", name, "x").await;
    }
    let printed = os_ns(&server, "object list -bn b1 --all").await.json();
    assert_eq!(keys(&printed["data"], "name"), names);
}

#[tokio::test]
async fn an_object_is_deleted() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "a b", "x").await;
    let args = [
        "os", "object", "delete", "-bn", "b1", "--force", "--name", "a b",
    ];
    let args = args.into_iter().chain(["-ns", admin.namespace()]);
    oci(&server, args).run().await.success();
    assert!(admin.list_names("b1", "").await.is_empty());
}

#[tokio::test]
async fn deleting_a_missing_object_is_an_error() {
    let (server, admin) = bucket().await;
    let line = "object delete -bn b1 --force --name nope";
    let error = oci(&server, in_namespace(&server, line))
        .run()
        .await
        .failure()
        .service_error();
    assert_eq!(
        (&error["status"], &error["code"]),
        (&json!(404), &json!("ObjectNotFound"))
    );
    let message = format!(
        "The object 'nope' does not exist in bucket 'b1' with namespace '{}'",
        admin.namespace()
    );
    assert_eq!(error["message"], message);
}

/// Writes a small tree below the scratch folder and returns its path.
fn tree(server: &TestServer, name: &str) -> String {
    server.scratch_file(&format!("{name}/s/y.txt"), "why");
    server.scratch_file(&format!("{name}/x.txt"), "x");
    server.scratch().join(name).display().to_string()
}

fn file(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[tokio::test]
async fn a_folder_is_uploaded_in_bulk_and_skipped_the_second_time() {
    let (server, admin) = bucket().await;
    let line = format!(
        "object bulk-upload -bn b1 --src-dir {}",
        tree(&server, "up")
    );
    let first = os_ns(&server, &line).await.json();
    assert_eq!(first["upload-failures"], json!({}));
    assert_eq!(admin.list_names("b1", "").await, ["s/y.txt", "x.txt"]);
    assert_eq!(admin.read_object("b1", "s/y.txt").await, "why");

    let again = os_ns(&server, &format!("{line} --no-overwrite"))
        .await
        .json();
    assert_eq!(again["uploaded-objects"], json!({}));
    assert_eq!(again["skipped-objects"].as_array().map(Vec::len), Some(2));
}

#[tokio::test]
async fn a_prefix_is_downloaded_in_bulk() {
    let (server, admin) = bucket().await;
    for name in ["x.txt", "s/y.txt", "s/t/z.txt"] {
        admin.put_object("b1", name, name.to_owned()).await;
    }
    let folder = server.scratch().join("down");
    let line = format!(
        "object bulk-download -bn b1 --prefix s/ --download-dir {}",
        folder.display()
    );
    os_ns(&server, &line).await;
    assert_eq!(file(&folder.join("s/y.txt")), "s/y.txt");
    assert_eq!(file(&folder.join("s/t/z.txt")), "s/t/z.txt");
    assert!(!folder.join("x.txt").exists());
}

#[tokio::test]
async fn a_prefix_is_deleted_in_bulk() {
    let (server, admin) = bucket().await;
    for name in ["keep", "s/1", "s/2", "s/t/3"] {
        admin.put_object("b1", name, "x").await;
    }
    let printed = os_ns(&server, "object bulk-delete -bn b1 --prefix s/ --force")
        .await
        .json();
    assert_eq!(printed["delete-failures"], json!({}));
    assert_eq!(admin.list_names("b1", "").await, ["keep"]);
}

#[tokio::test]
async fn sync_uploads_what_is_new_and_deletes_what_is_gone() {
    let (server, admin) = bucket().await;
    let folder = tree(&server, "sync");
    // The CLI compares with last-modified, which has whole seconds: a file of the same second may look newer.
    let long_ago = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let unchanged = File::open(Path::new(&folder).join("s/y.txt")).unwrap();
    unchanged.set_modified(long_ago).unwrap();
    let line = format!("object sync -bn b1 --src-dir {folder} --delete");
    os_ns(&server, &line).await;
    let etag = |reply: parbuckle_testkit::Reply| reply.required("etag").to_owned();
    let before = etag(admin.head(admin.object_path("b1", "s/y.txt")).await);

    std::fs::remove_file(Path::new(&folder).join("x.txt")).unwrap();
    std::fs::write(Path::new(&folder).join("new.txt"), "new").unwrap();
    os_ns(&server, &line).await;
    assert_eq!(admin.list_names("b1", "").await, ["new.txt", "s/y.txt"]);
    let after = etag(admin.head(admin.object_path("b1", "s/y.txt")).await);
    assert_eq!(before, after, "an unchanged file was uploaded again");
}

#[tokio::test]
async fn sync_downloads_what_is_missing() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "s/y.txt", "why").await;
    let folder = server.scratch().join("mirror");
    os_ns(
        &server,
        &format!("object sync -bn b1 --dest-dir {}", folder.display()),
    )
    .await;
    assert_eq!(file(&folder.join("s/y.txt")), "why");
}

#[tokio::test]
async fn an_interrupted_upload_is_resumed() {
    let (server, admin) = bucket().await;
    let content = pattern(2, 2_500_000);
    let source = server.scratch_file("big", &content);
    let upload_id = start_upload(&admin, "big").await;
    let target = format!(
        "{}/u/big?uploadId={upload_id}&uploadPartNum=2",
        admin.bucket_path("b1")
    );
    let second = content[1_048_576..2_097_152].to_vec();
    admin.put(target).body(second).await.expect(200);

    let line = format!(
        "object resume-put -bn b1 --name big --file {} --upload-id {upload_id} --part-size 1",
        source.display()
    );
    os_ns(&server, &line).await;
    assert!(
        admin.read_object("b1", "big").await == content,
        "another content was stored"
    );
}

#[tokio::test]
async fn open_uploads_are_listed() {
    let (server, admin) = bucket().await;
    let upload_id = start_upload(&admin, "dir/big").await;
    let printed = os_ns(&server, "multipart list -bn b1").await.json();
    assert_eq!(keys(&printed["data"], "upload-id"), [upload_id]);
    assert_eq!(printed["data"][0]["object"], "dir/big");
    assert_eq!(printed["data"][0]["bucket"], "b1");
}

#[tokio::test]
async fn an_open_upload_is_aborted_after_a_question() {
    let (server, admin) = bucket().await;
    let upload_id = start_upload(&admin, "dir/big").await;
    let line = format!("multipart abort -bn b1 --object-name dir/big --upload-id {upload_id}");
    oci(&server, in_namespace(&server, &line))
        .stdin("y\n")
        .run()
        .await
        .success();
    let uploads = admin
        .get(format!("{}/u", admin.bucket_path("b1")))
        .await
        .expect(200);
    assert_eq!(uploads.json(), json!([]));
}
