//! Versions, renaming and batches on a running server: with the `oci` CLI, the Python SDK (scripts in `clients/`) and raw
//! requests.

use std::path::Path;

use parbuckle_testkit::clients::{Output, oci, python};
use parbuckle_testkit::{ParSpec, SignedClient, TestServer};
use serde_json::{Value, json};

async fn server() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    (server, admin)
}

/// A server with bucket `b1`, which keeps versions.
async fn versioned() -> (TestServer, SignedClient) {
    let (server, admin) = server().await;
    admin
        .create_bucket_with("b1", json!({"versioning": "Enabled"}))
        .await;
    (server, admin)
}

async fn sdk(rule: &str) {
    let (server, _) = server().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/versions.py");
    python(&server, &script, [rule]).run().await.success();
}

/// Runs `oci os ...` on the server's namespace to success; words are split at spaces.
async fn os(server: &TestServer, line: &str) -> Output {
    let words = std::iter::once("os").chain(line.split_whitespace());
    let words = words.chain(["-ns", server.bootstrap().namespace()]);
    oci(server, words).run().await.success()
}

fn action(client: &SignedClient, action: &str) -> String {
    format!("{}/actions/{action}", client.bucket_path("b1"))
}

#[tokio::test]
async fn the_sdk_lists_versions_page_by_page() {
    sdk("versions_page_by_page").await;
}

#[tokio::test]
async fn the_sdk_lists_versions_with_fields_and_prefixes() {
    sdk("versions_with_fields_and_prefixes").await;
}

#[tokio::test]
async fn the_sdk_reads_and_deletes_a_version() {
    sdk("a_version_is_read_and_deleted").await;
}

#[tokio::test]
async fn the_sdk_renames_an_object_if_its_conditions_hold() {
    sdk("an_object_is_renamed_if").await;
}

#[tokio::test]
async fn the_sdk_deletes_a_batch() {
    sdk("a_batch_is_deleted").await;
}

#[tokio::test]
async fn the_cli_lists_reads_and_deletes_versions() {
    let (server, admin) = server().await;
    admin.create_bucket("b1").await;
    os(&server, "bucket update -bn b1 --versioning Enabled").await;
    let mut versions = Vec::new();
    for body in ["one", "two", "three"] {
        let put = admin.put_object("b1", "o", body).await;
        versions.insert(0, put.required("version-id").to_owned());
    }
    let listed = os(&server, "object list-object-versions -bn b1").await;
    let listed = listed.json();
    let items = listed["data"].as_array().unwrap();
    let ids: Vec<_> = items.iter().map(|item| &item["version-id"]).collect();
    assert_eq!(ids, versions.iter().collect::<Vec<_>>());
    assert_eq!(items[2]["size"], 3);
    let oldest = &versions[2];
    let line = format!("object get -bn b1 --name o --file got --version-id {oldest}");
    os(&server, &line).await;
    let got = std::fs::read(server.scratch().join("got")).unwrap();
    assert_eq!(got, b"one");
    let line = format!("object delete -bn b1 --name o --version-id {oldest} --force");
    os(&server, &line).await;
    os(&server, "object bulk-delete-versions -bn b1 --force").await;
    let target = format!("{}/objectversions", admin.bucket_path("b1"));
    let left = admin.get(target).await.expect(200).json();
    assert_eq!(left, json!({"items": []}));
}

#[tokio::test]
async fn the_cli_renames_an_object() {
    let (server, admin) = versioned().await;
    admin.put_object("b1", "a", "bytes").await;
    os(&server, "object rename -bn b1 --name a --new-name dir/b").await;
    assert_eq!(admin.read_object("b1", "dir/b").await, "bytes");
    assert_eq!(admin.list_names("b1", "").await, ["dir/b"]);
}

#[tokio::test]
async fn the_cli_empties_and_deletes_a_bucket_with_versions() {
    let (server, admin) = versioned().await;
    for name in ["a", "a", "b"] {
        admin.put_object("b1", name, "x").await;
    }
    admin.delete_object("b1", "a").await;
    os(&server, "bucket delete -bn b1 --empty --force").await;
    admin.head(admin.bucket_path("b1")).await.expect(404);
}

#[tokio::test]
async fn every_version_has_its_time_its_id_and_whether_it_is_a_delete_marker() {
    let (_server, admin) = versioned().await;
    admin.put_object("b1", "a/o", "x").await;
    admin.delete_object("b1", "a/o").await;
    let target = format!("{}/objectversions?fields=size", admin.bucket_path("b1"));
    let listed = admin.get(target).await.expect(200);
    assert_eq!(listed.header("opc-next-page"), None);
    let listed = listed.json();
    let keys = |item: &Value| {
        item.as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    let always = ["isDeleteMarker", "name", "timeModified", "versionId"];
    assert_eq!(keys(&listed["items"][0]), always);
    assert_eq!(listed["items"][0]["isDeleteMarker"], true);
    let with_size = [
        "isDeleteMarker",
        "name",
        "size",
        "timeModified",
        "versionId",
    ];
    assert_eq!(keys(&listed["items"][1]), with_size);
    assert_eq!(listed["items"][1]["isDeleteMarker"], false);
}

#[tokio::test]
async fn bad_parameters_of_a_listing_of_versions_are_refused() {
    let (_server, admin) = versioned().await;
    for query in [
        "limit=0",
        "delimiter=x",
        "fields=colour",
        "page=%21",
        "start=a&startAfter=b",
        "end=a%00b",
    ] {
        let target = format!("{}/objectversions?{query}", admin.bucket_path("b1"));
        let refused = admin.get(target).await.expect(400);
        assert_eq!(refused.code(), "InvalidParameter", "{query}");
    }
}

#[tokio::test]
async fn a_version_id_that_is_none_is_refused_and_an_unknown_one_not_found() {
    let (_server, admin) = versioned().await;
    admin.put_object("b1", "o", "x").await;
    let path = admin.object_path("b1", "o");
    let unknown = "01020304-0506-7708-890a-0b0c0d0e0f10";
    for (version, status) in [("x", 400), (unknown, 404)] {
        let target = format!("{path}?versionId={version}");
        admin.get(target.clone()).await.expect(status);
        admin.head(target.clone()).await.expect(status);
        admin.delete(target).await.expect(status);
    }
    assert_eq!(admin.read_object("b1", "o").await, "x");
}

#[tokio::test]
async fn a_par_refuses_a_version_id() {
    let (server, admin) = versioned().await;
    let put = admin.put_object("b1", "o", "x").await;
    let par = admin.create_par("b1", ParSpec::any_read()).await;
    let target = format!(
        "{}?versionId={}",
        par.path_for("o"),
        put.required("version-id")
    );
    let http = server.anonymous();
    let refused = http.get(target.clone()).await.expect(400);
    assert_eq!(refused.code(), "InvalidParameter");
    http.head(target).await.expect(400);
    http.get(par.path_for("o")).await.expect(200);
}

#[tokio::test]
async fn a_rename_needs_the_right_to_both_names() {
    let (_server, admin) = versioned().await;
    for name in ["mine/a", "other/a"] {
        admin.put_object("b1", name, "x").await;
    }
    let group = admin.create_group("renamers").await;
    let statement = "Allow group renamers to {OBJECT_CREATE, OBJECT_OVERWRITE} in tenancy where target.object.name = /mine*/";
    admin.create_policy("renaming", &[statement]).await;
    let user = admin.create_user_client("alice", &[&group]).await.client;
    let rename = async |source: &str, new: &str| {
        let body = json!({"sourceName": source, "newName": new});
        let reply = user.post(action(&user, "renameObject")).json(&body).await;
        reply.status
    };
    assert_eq!(rename("other/a", "mine/b").await, 404);
    assert_eq!(rename("mine/a", "other/b").await, 404);
    assert_eq!(admin.list_names("b1", "").await, ["mine/a", "other/a"]);
    assert_eq!(rename("mine/a", "mine/b").await, 200);
    assert_eq!(admin.list_names("b1", "").await, ["mine/b", "other/a"]);
}

#[tokio::test]
async fn a_batch_deletes_what_the_caller_may_delete() {
    let (_server, admin) = versioned().await;
    for name in ["mine/a", "other/a"] {
        admin.put_object("b1", name, "x").await;
    }
    let group = admin.create_group("cleaners").await;
    let statement =
        "Allow group cleaners to {OBJECT_DELETE} in tenancy where target.object.name = /mine*/";
    admin.create_policy("cleaning", &[statement]).await;
    let user = admin.create_user_client("alice", &[&group]).await.client;
    let batch = async |names: &[&str]| {
        let objects: Vec<_> = names.iter().map(|n| json!({"objectName": n})).collect();
        let body = json!({ "objects": objects });
        user.post(action(&user, "batchDeleteObjects"))
            .json(&body)
            .await
    };
    let refused = batch(&["other/a", "other/missing"]).await.expect(404);
    assert_eq!(refused.code(), "BucketNotFound");
    let told = batch(&["mine/a", "other/a", "other/missing"])
        .await
        .expect(200)
        .json();
    assert_eq!(told["deleted"][0]["objectName"], "mine/a");
    let failed = &told["failed"];
    // What may not be touched looks the same whether it is there or not.
    assert_eq!(failed[0]["statusCode"], 404);
    assert_eq!(failed[0]["errorMessage"], failed[1]["errorMessage"]);
    assert_eq!(admin.list_names("b1", "").await, ["other/a"]);
}

#[tokio::test]
async fn bodies_of_renames_and_batches_are_checked_before_anything_is_done() {
    let (_server, admin) = versioned().await;
    admin.put_object("b1", "a", "x").await;
    let too_many: Vec<_> = (0..1001)
        .map(|n| json!({"objectName": n.to_string()}))
        .collect();
    for (name, body, code) in [
        (
            "renameObject",
            json!({"sourceName": "a"}),
            "MissingParameter",
        ),
        (
            "renameObject",
            json!({"sourceName": "a", "newName": ""}),
            "InvalidObjectName",
        ),
        (
            "renameObject",
            json!({"sourceName": "a", "newName": "b", "newObjIfNoneMatchETag": "x"}),
            "InvalidParameter",
        ),
        ("batchDeleteObjects", json!({}), "MissingParameter"),
        (
            "batchDeleteObjects",
            json!({"objects": []}),
            "InvalidParameter",
        ),
        (
            "batchDeleteObjects",
            json!({ "objects": too_many }),
            "InvalidParameter",
        ),
        (
            "batchDeleteObjects",
            json!({"objects": [{"objectName": "a"}, {"objectName": "b\n"}]}),
            "InvalidObjectName",
        ),
        (
            "batchDeleteObjects",
            json!({"objects": [{"objectName": "a"}, {}]}),
            "MissingParameter",
        ),
    ] {
        let refused = admin.post(action(&admin, name)).json(&body).await;
        assert_eq!(refused.expect(400).code(), code, "{name} {body}");
    }
    assert_eq!(admin.list_names("b1", "").await, ["a"]);
}
