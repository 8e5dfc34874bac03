//! Rules that hold for both dialects: versioning, retention, expiry, lifecycle, tiers, encryption, PARs.

use std::time::UNIX_EPOCH;

use http::Method;
use parbuckle_testkit::{ParSpec, pattern};
use serde_json::{Value, json};

use crate::stage::Stage;

const DAY_SECS: u32 = 24 * 3600;

async fn update_bucket(stage: &Stage, change: Value) {
    let update = stage.admin.post(stage.admin.bucket_path("c")).json(&change);
    update.await.expect(200);
}

/// Names of the versions and whether they are delete markers, in their order.
async fn versions(stage: &Stage) -> Vec<(String, bool)> {
    let target = format!("{}/objectversions", stage.admin.bucket_path("c"));
    let listed = stage.admin.get(target).await.expect(200).json();
    let items = listed["items"].as_array().unwrap().clone();
    let version = |item: &Value| {
        let name = item["name"].as_str().unwrap().to_owned();
        (name, item["isDeleteMarker"] == true)
    };
    items.iter().map(version).collect()
}

#[tokio::test]
async fn a_bucket_that_keeps_versions_keeps_those_of_swift_and_a_post_makes_none() {
    let stage = Stage::new().await;
    update_bucket(&stage, json!({ "versioning": "Enabled" })).await;
    for body in ["one", "two"] {
        stage.swift(Method::PUT, "c/o").body(body).await.expect(201);
    }
    let post = stage.swift(Method::POST, "c/o");
    post.header("x-object-meta-color", "blue").await.expect(202);
    let object = || ("o".to_owned(), false);
    assert_eq!(versions(&stage).await, [object(), object()]);
    let native = stage.admin.get(stage.admin.object_path("c", "o")).await;
    assert_eq!(native.expect(200).required("opc-meta-color"), "blue");
    stage.swift(Method::DELETE, "c/o").await.expect(204);
    stage.swift(Method::GET, "c/o").await.expect(404);
    let marker = ("o".to_owned(), true);
    assert_eq!(versions(&stage).await, [marker, object(), object()]);
    // Versions keep the container.
    stage.swift(Method::DELETE, "c").await.expect(409);
}

#[tokio::test]
async fn a_retention_rule_refuses_swift_every_change_with_its_sentence() {
    let stage = Stage::new().await;
    let put = stage.swift(Method::PUT, "c/o").body("content");
    put.await.expect(201);
    let rules = format!("{}/retentionRules", stage.admin.bucket_path("c"));
    let rule = json!({
        "displayName": "r", "duration": { "timeAmount": 1, "timeUnit": "DAYS" },
    });
    stage.admin.post(rules).json(&rule).await.expect(200);
    for method in [Method::PUT, Method::POST, Method::DELETE] {
        let call = stage.swift(method.clone(), "c/o");
        let call = match method {
            Method::PUT => call.body("changed"),
            _ => call,
        };
        let refused = call.header("x-object-meta-color", "blue").await.expect(409);
        assert!(refused.text().contains("retention"), "{}", refused.text());
    }
    let read = stage.swift(Method::GET, "c/o").await.expect(200);
    assert_eq!(read.text(), "content");
    assert_eq!(read.header("x-object-meta-color"), None);
    stage
        .swift(Method::PUT, "c/new")
        .body("x")
        .await
        .expect(201);
}

#[tokio::test]
async fn a_pre_authenticated_request_keeps_a_container_until_it_is_deleted() {
    let stage = Stage::new().await;
    let par = stage.admin.create_par("c", ParSpec::any_read()).await;
    stage.swift(Method::DELETE, "c").await.expect(409);
    stage.admin.delete_par("c", &par).await;
    stage.swift(Method::DELETE, "c").await.expect(204);
}

#[tokio::test]
async fn an_expired_object_is_gone_for_both_dialects_and_for_pars() {
    let mut stage = Stage::new().await;
    let now = stage.server.clock().now().duration_since(UNIX_EPOCH);
    let end = now.unwrap().as_secs() + 60;
    let put = stage.swift(Method::PUT, "c/o").body("content");
    put.header("x-delete-at", &end.to_string())
        .await
        .expect(201);
    let par = stage.admin.create_par("c", ParSpec::any_read()).await;
    let native = stage.admin.object_path("c", "o");
    stage.admin.get(&native).await.expect(200);
    stage.server.advance_clock(61).await;
    stage.admin.get(&native).await.expect(404);
    stage.admin.head(&native).await.expect(404);
    stage.admin.delete(&native).await.expect(404);
    let by_par = stage.server.anonymous().get(par.path_for("o"));
    by_par.await.expect(404);
    stage.swift(Method::GET, "c/o").await.expect(404);
    assert_eq!(stage.admin.list_names("c", "").await, Vec::<String>::new());
    stage.swift(Method::GET, "c").await.expect(204);
    // Its name is free.
    let new = stage.admin.put(&native).header("if-none-match", "*");
    new.body("new").await.expect(200);
    stage.pass(60).await;
    let read = stage.swift(Method::GET, "c/o").await.expect(200);
    assert_eq!(read.text(), "new");
}

#[tokio::test]
async fn a_lifecycle_rule_deletes_what_swift_has_put() {
    let mut stage = Stage::new().await;
    stage
        .swift(Method::PUT, "c/o")
        .body("content")
        .await
        .expect(201);
    // The service itself has to be allowed to (wire reference, lifecycle).
    let region = stage.server.bootstrap().field("region").to_owned();
    let statement =
        format!("Allow service objectstorage-{region} to manage object-family in tenancy");
    stage.admin.create_policy("lifecycle", &[&statement]).await;
    let rule = json!({
        "name": "r", "action": "DELETE", "timeAmount": 1, "timeUnit": "DAYS", "isEnabled": true,
    });
    let target = format!("{}/l", stage.admin.bucket_path("c"));
    let put = stage.admin.put(target).json(&json!({ "items": [rule] }));
    put.await.expect(200);
    stage.pass(2 * DAY_SECS).await;
    stage.swift(Method::GET, "c/o").await.expect(404);
    stage.swift(Method::GET, "c").await.expect(204);
}

#[tokio::test]
async fn an_archived_object_is_described_and_not_read() {
    let stage = Stage::new().await;
    stage
        .swift(Method::PUT, "c/o")
        .body("content")
        .await
        .expect(201);
    let change = json!({ "objectName": "o", "storageTier": "Archive" });
    let target = format!(
        "{}/actions/updateObjectStorageTier",
        stage.admin.bucket_path("c")
    );
    stage.admin.post(target).json(&change).await.expect(200);
    stage.swift(Method::HEAD, "c/o").await.expect(200);
    let refused = stage.swift(Method::GET, "c/o").await;
    assert!((400..500).contains(&refused.status), "{}", refused.dump());
    assert!(!refused.text().contains("content"));
    stage.swift(Method::DELETE, "c/o").await.expect(204);
}

#[tokio::test]
async fn an_object_under_a_key_of_its_owner_is_not_read_without_it() {
    let stage = Stage::new().await;
    // 32 bytes of zero, and their SHA-256.
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let hash = "Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU=";
    let put = stage.admin.put(stage.admin.object_path("c", "o"));
    let put = put
        .header("opc-sse-customer-algorithm", "AES256")
        .header("opc-sse-customer-key", key)
        .header("opc-sse-customer-key-sha256", hash);
    put.body(pattern(1, 100)).await.expect(200);
    let get = stage.swift(Method::GET, "c/o");
    let refused = get
        .header("opc-sse-customer-algorithm", "AES256")
        .header("opc-sse-customer-key", key)
        .header("opc-sse-customer-key-sha256", hash);
    refused.await.expect(400);
}
