//! One store behind both dialects: what one side puts, rules or takes away, the other has (docs/classic.md, "Two worlds, one
//! store").

#![allow(
    clippy::unwrap_used,
    reason = "a test has nothing better to do than to stop there"
)]

#[path = "swift_one_store/rules.rs"]
mod rules;
#[path = "swift_one_store/stage.rs"]
mod stage;

use http::Method;
use parbuckle_testkit::{ParSpec, Reply};
use serde_json::{Value, json};

use stage::Stage;

/// MD5 of `content`, in hexadecimal digits and in base64.
const MD5_HEX: &str = "9a0364b9e99bb480dd25e1f0284c8555";
const MD5_BASE64: &str = "mgNkuembtIDdJeHwKEyFVQ==";

/// The etag of the parts `con` and `tent`: MD5 of their MD5s.
const MD5_OF_MD5S: &str = "\"25d3da5ac2c885baeb04aa542e1330b4-2\"";

/// Headers that both dialects call the same, and what they are sent with.
const SHARED: [(&str, &str); 5] = [
    ("content-type", "text/x-test; charset=utf-8"),
    ("content-encoding", "x-rot13"),
    ("content-disposition", "attachment; filename=\"f\""),
    ("content-language", "de"),
    ("cache-control", "max-age=7"),
];

#[track_caller]
fn assert_shared(reply: &Reply, metadata: &str) {
    for (name, value) in SHARED {
        assert_eq!(reply.required(name), value, "{name}\n{}", reply.dump());
    }
    assert_eq!(reply.required(metadata), "Blue", "{}", reply.dump());
    assert_eq!(reply.text(), "content");
}

#[tokio::test]
async fn what_swift_puts_the_native_api_and_pars_read_with_all_that_is_known_of_it() {
    let stage = Stage::new().await;
    let put = stage.swift(Method::PUT, "c/a/b c").body("content");
    let put = SHARED.iter().fold(put, |put, (n, v)| put.header(n, v));
    let put = put.header("X-Object-Meta-Color", "Blue").await.expect(201);
    assert_eq!(put.required("etag"), MD5_HEX);
    let native = stage.admin.get(stage.admin.object_path("c", "a/b c"));
    let par = stage.admin.create_par("c", ParSpec::any_read()).await;
    let by_par = stage.server.anonymous().get(par.path_for("a/b c"));
    for reply in [native.await.expect(200), by_par.await.expect(200)] {
        assert_shared(&reply, "opc-meta-color");
        assert_eq!(reply.required("content-md5"), MD5_BASE64);
    }
    assert_eq!(stage.admin.list_names("c", "").await, ["a/b c"]);
}

#[tokio::test]
async fn what_the_native_api_and_pars_put_swift_reads_with_all_that_is_known_of_it() {
    let stage = Stage::new().await;
    let par = stage.admin.create_par("c", ParSpec::any_write()).await;
    let puts = [
        (
            "native",
            stage.admin.put(stage.admin.object_path("c", "native")),
        ),
        ("par", stage.server.anonymous().put(par.path_for("par"))),
    ];
    for (name, put) in puts {
        let put = SHARED.iter().fold(put, |put, (n, v)| put.header(n, v));
        let put = put.header("opc-meta-Color", "Blue").body("content");
        put.await.expect(200);
        let read = stage.swift(Method::GET, &format!("c/{name}")).await;
        assert_shared(&read.clone().expect(200), "x-object-meta-color");
        assert_eq!(read.required("etag"), MD5_HEX);
    }
    let listed = stage.swift(Method::GET, "c?format=json").await.expect(200);
    for row in listed.json().as_array().unwrap() {
        assert_eq!(row["hash"], MD5_HEX);
        assert_eq!(row["content_type"], SHARED[0].1.replace("; ", ";"));
        assert_eq!(row["bytes"], 7);
    }
}

#[tokio::test]
async fn an_object_uploaded_in_parts_natively_is_whole_here() {
    let stage = Stage::new().await;
    let uploads = format!("{}/u", stage.admin.bucket_path("c"));
    let create = json!({ "object": "o", "metadata": { "opc-meta-color": "Blue" } });
    let created = stage.admin.post(&uploads).json(&create).await.expect(200);
    let id = created.json()["uploadId"].as_str().unwrap().to_owned();
    let mut parts = Vec::new();
    for (number, text) in [(1, "con"), (2, "tent")] {
        let target = format!("{uploads}/o?uploadId={id}&uploadPartNum={number}");
        let put = stage.admin.put(target).body(text).await.expect(200);
        parts.push(json!({ "partNum": number, "etag": put.required("etag") }));
    }
    let target = format!("{uploads}/o?uploadId={id}");
    let commit = json!({ "partsToCommit": parts });
    stage.admin.post(target).json(&commit).await.expect(200);
    let native = stage.admin.get(stage.admin.object_path("c", "o")).await;
    assert!(native.required("opc-multipart-md5").ends_with("-2"));
    let read = stage.swift(Method::GET, "c/o").await.expect(200);
    assert_eq!(read.text(), "content");
    assert_eq!(read.required("x-object-meta-color"), "Blue");
    let etag = read.required("etag");
    assert_eq!(etag, MD5_OF_MD5S);
    let range = stage.swift(Method::GET, "c/o").header("range", "bytes=2-4");
    assert_eq!(range.await.expect(206).text(), "nte");
    let listed = stage.swift(Method::GET, "c?format=json").await.expect(200);
    assert_eq!(listed.json()[0]["hash"], etag.trim_matches('"'));
    assert_eq!(listed.json()[0]["bytes"], 7);
}

#[tokio::test]
async fn containers_and_buckets_are_the_same_with_their_metadata() {
    let stage = Stage::new().await;
    let post = stage.swift(Method::POST, "c");
    post.header("x-container-meta-color", "Blue")
        .await
        .expect(204);
    let bucket = stage
        .admin
        .get(stage.admin.bucket_path("c"))
        .await
        .expect(200);
    assert_eq!(bucket.json()["metadata"]["color"], "Blue");
    stage.admin.create_bucket("native").await;
    stage.swift(Method::HEAD, "native").await.expect(204);
    stage.swift(Method::PUT, "native").await.expect(202);
    let listed = stage.swift(Method::GET, "").await.expect(200);
    assert_eq!(listed.text(), "c\nnative\n");
    stage
        .admin
        .delete(stage.admin.bucket_path("native"))
        .await
        .expect(204);
    stage.swift(Method::HEAD, "native").await.expect(404);
    stage.swift(Method::DELETE, "c").await.expect(204);
    stage
        .admin
        .get(stage.admin.bucket_path("c"))
        .await
        .expect(404);
}

#[tokio::test]
async fn what_one_side_renames_or_deletes_is_so_on_the_other() {
    let stage = Stage::new().await;
    stage
        .swift(Method::PUT, "c/o")
        .body("content")
        .await
        .expect(201);
    let rename = json!({ "sourceName": "o", "newName": "new" });
    let target = format!("{}/actions/renameObject", stage.admin.bucket_path("c"));
    stage.admin.post(target).json(&rename).await.expect(200);
    stage.swift(Method::GET, "c/o").await.expect(404);
    stage.swift(Method::GET, "c/new").await.expect(200);
    stage.swift(Method::DELETE, "c/new").await.expect(204);
    stage
        .admin
        .get(stage.admin.object_path("c", "new"))
        .await
        .expect(404);
}

#[tokio::test]
async fn a_container_that_no_bucket_can_be_called_works_here_and_is_refused_there_with_the_rule() {
    let stage = Stage::new().await;
    let buckets = format!(
        "{}?compartmentId={}",
        stage.admin.bucket_path("").trim_end_matches('/'),
        stage.admin.compartment()
    );
    for name in [
        "a b",
        "\u{fc}mlaut",
        "50%?&\"'<\n>",
        &"\u{4e2d}".repeat(256),
    ] {
        let put = stage.swift_at(Method::PUT, &[name]).await;
        put.expect(201);
        let put = stage.swift_at(Method::PUT, &[name, "o"]);
        put.body("content").await.expect(201);
        let get = stage.swift_at(Method::GET, &[name, "o"]).await;
        assert_eq!(get.expect(200).text(), "content", "{name:?}");
        let listed = stage.admin.get(&buckets).await.expect(200).json();
        let shown = |bucket: &Value| bucket["name"] == *name;
        assert!(
            listed.as_array().is_some_and(|list| list.iter().any(shown)),
            "{listed}"
        );
        for target in [
            stage.admin.bucket_path(name),
            stage.admin.object_path(name, "o"),
        ] {
            let refused = stage.admin.get(target).await.expect(400).json();
            assert_eq!(refused["code"], "InvalidBucketName");
        }
        stage
            .swift_at(Method::DELETE, &[name, "o"])
            .await
            .expect(204);
        stage.swift_at(Method::DELETE, &[name]).await.expect(204);
        stage.swift_at(Method::GET, &[name]).await.expect(404);
    }
}

#[tokio::test]
async fn an_object_that_no_native_object_can_be_called_works_here_and_is_refused_there_with_the_rule()
 {
    let stage = Stage::new().await;
    for name in ["a\nb", "a\rb", &"\u{e9}".repeat(1024)] {
        let put = stage
            .swift_at(Method::PUT, &["c", name])
            .body("content")
            .await;
        put.expect(201);
        let get = stage.swift_at(Method::GET, &["c", name]).await;
        assert_eq!(get.expect(200).text(), "content", "{name:?}");
        assert_eq!(stage.admin.list_names("c", "").await, [name]);
        let refused = stage
            .admin
            .get(stage.admin.object_path("c", name))
            .await
            .expect(400);
        assert_eq!(refused.json()["code"], "InvalidObjectName");
        stage
            .swift_at(Method::DELETE, &["c", name])
            .await
            .expect(204);
    }
    assert_eq!(stage.admin.list_names("c", "").await, Vec::<String>::new());
}

#[tokio::test]
async fn every_name_that_a_native_object_may_have_is_reached_here() {
    let stage = Stage::new().await;
    for name in [
        "a//b",
        "/lead",
        "dir/",
        "..",
        "a?b#c%25",
        "\u{1}é\u{10ffff}",
        "a+b&c",
    ] {
        stage.admin.put_object("c", name, "content").await;
        let get = stage.swift_at(Method::GET, &["c", name]).await;
        assert_eq!(get.expect(200).text(), "content", "{name:?}");
        stage
            .swift_at(Method::DELETE, &["c", name])
            .await
            .expect(204);
    }
    assert_eq!(stage.admin.list_names("c", "").await, Vec::<String>::new());
}

#[tokio::test]
async fn a_public_bucket_is_public_here_and_a_list_is_not_public_there() {
    let stage = Stage::new().await;
    stage
        .swift(Method::PUT, "c/o")
        .body("content")
        .await
        .expect(201);
    let anonymous = |rest: &str| stage.server.anonymous().get(stage.path(rest));
    anonymous("c/o").await.expect(401);
    let list = |list| {
        stage
            .swift(Method::POST, "c")
            .header("x-container-read", list)
    };
    list(".r:*,.rlistings").await.expect(204);
    anonymous("c/o").await.expect(200);
    let native = stage
        .server
        .anonymous()
        .get(stage.admin.object_path("c", "o"));
    native.await.expect(404);
    list("").await.expect(204);
    let public = json!({ "publicAccessType": "ObjectReadWithoutList" });
    let update = stage.admin.post(stage.admin.bucket_path("c")).json(&public);
    update.await.expect(200);
    anonymous("c/o").await.expect(200);
    anonymous("c").await.expect(401);
    let private = json!({ "publicAccessType": "NoPublicAccess" });
    let update = stage
        .admin
        .post(stage.admin.bucket_path("c"))
        .json(&private);
    update.await.expect(200);
    anonymous("c/o").await.expect(401);
}
