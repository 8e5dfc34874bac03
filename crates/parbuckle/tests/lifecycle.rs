//! Lifecycle policies, tiers and restoring on a real server: the `oci` CLI, the Python SDK, and days that pass at once.

use std::path::Path;
use std::time::{Duration, Instant};

use parbuckle_testkit::clients::{Output, oci, python};
use parbuckle_testkit::{SignedClient, TestServer};
use serde_json::{Value, json};

const BINARY: &str = env!("CARGO_BIN_EXE_parbuckle");
const DAY_SECS: u32 = 24 * 3600;

/// A server whose clock can be moved, with bucket `b1`.
async fn bucket() -> (TestServer, SignedClient) {
    let server = TestServer::builder(BINARY).arg("--dev").start().await;
    let admin = server.admin();
    admin.create_bucket("b1").await;
    (server, admin)
}

/// Runs `oci os ...` in the namespace; words are split at spaces.
async fn os(server: &TestServer, line: &str) -> Output {
    let words = std::iter::once("os").chain(line.split_whitespace());
    let words = words.chain(["-ns", server.bootstrap().namespace()]);
    oci(server, words).run().await
}

async fn in_python(rule: &str) {
    let server = TestServer::start(BINARY).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/lifecycle.py");
    python(&server, &script, [rule]).run().await.success();
}

fn policy_path(admin: &SignedClient) -> String {
    format!("{}/l", admin.bucket_path("b1"))
}

/// Puts a policy of one rule about all objects.
async fn put_rule(admin: &SignedClient, action: &str, days: u32) {
    let rule = json!({
        "name": "r", "action": action, "timeAmount": days, "timeUnit": "DAYS", "isEnabled": true,
    });
    let body = json!({ "items": [rule] });
    admin.put(policy_path(admin)).json(&body).await.expect(200);
}

/// Everything that is due by now is done; the counts since the start of the server.
async fn upkeep(server: &TestServer) -> Value {
    let done = server.anonymous().post("/dev/upkeep").await;
    done.expect(200).json()
}

#[tokio::test]
async fn the_cli_puts_shows_and_deletes_a_policy() {
    let (server, admin) = bucket().await;
    let items = r#"[{"name":"r","action":"ARCHIVE","timeAmount":30,"timeUnit":"DAYS","isEnabled":true,"objectNameFilter":{"inclusionPatterns":["*.log"]}}]"#;
    let line = format!("object-lifecycle-policy put -bn b1 --force --items {items}");
    let put = os(&server, &line).await.success().json();
    let got = os(&server, "object-lifecycle-policy get -bn b1").await;
    let got = got.success().json();
    assert_eq!(got["data"], put["data"]);
    assert_eq!(got["etag"], put["etag"]);
    let item = &got["data"]["items"][0];
    assert_eq!(item["action"], "ARCHIVE");
    assert_eq!(item["target"], "objects");
    assert_eq!(item["time-amount"], 30);
    let patterns = &item["object-name-filter"]["inclusion-patterns"];
    assert_eq!(patterns, &json!(["*.log"]));
    let line = "object-lifecycle-policy delete -bn b1 --force";
    os(&server, line).await.success();
    let gone = admin.get(policy_path(&admin)).await.expect(404);
    assert_eq!(gone.code(), "LifecyclePolicyNotFound");
}

#[tokio::test]
async fn the_cli_restores_an_archived_object_and_asks_how_it_stands() {
    let (server, admin) = bucket().await;
    admin.put_object("b1", "o", "bytes").await;
    let line = "object update-storage-tier -bn b1 --object-name o --storage-tier Archive";
    os(&server, line).await.success();
    let refused = admin.get(admin.object_path("b1", "o")).await.expect(409);
    assert_eq!(refused.code(), "NotRestored");
    let status = "object restore-status -bn b1 --name o";
    let before = os(&server, status).await.success();
    assert!(said(&before).contains("Archived"), "{before}");
    let restored = os(&server, "object restore -bn b1 --name o --hours 2").await;
    let restored = restored.success();
    assert!(said(&restored).contains("restore"), "{restored}");
    let after = os(&server, status).await.success();
    assert!(said(&after).contains("Restored. You have"), "{after}");
    assert_eq!(admin.read_object("b1", "o").await, "bytes");
}

fn said(output: &Output) -> String {
    format!("{}{}", output.stdout, output.stderr)
}

#[tokio::test]
async fn the_python_sdk_gets_the_policy_that_it_put() {
    in_python("a_policy_comes_back").await;
}

#[tokio::test]
async fn the_python_sdk_replaces_a_policy_under_conditions() {
    in_python("a_policy_is_replaced_under_conditions").await;
}

#[tokio::test]
async fn a_policy_that_means_nothing_is_refused_to_the_python_sdk() {
    in_python("a_policy_that_means_nothing").await;
}

#[tokio::test]
async fn the_python_sdk_reads_an_archived_object_once_it_is_restored() {
    in_python("an_archived_object").await;
}

#[tokio::test]
async fn the_python_sdk_changes_a_tier() {
    in_python("a_change_of_tier").await;
}

#[tokio::test]
async fn a_policy_is_carried_out_when_its_day_has_come() {
    let (server, admin) = bucket().await;
    put_rule(&admin, "DELETE", 2).await;
    admin.put_object("b1", "old", "x").await;
    server.advance_clock(DAY_SECS + 60).await;
    admin.put_object("b1", "young", "x").await;
    upkeep(&server).await;
    assert_eq!(admin.list_names("b1", "").await, ["old", "young"]);
    server.advance_clock(DAY_SECS).await;
    let counts = upkeep(&server).await;
    assert_eq!(admin.list_names("b1", "").await, ["young"]);
    assert_eq!(counts["deleted"], 1);
    assert_eq!(counts["failed"], 0);
}

#[tokio::test]
async fn a_server_that_was_killed_carries_its_policies_out() {
    let (mut server, _) = bucket().await;
    let admin = server.admin();
    put_rule(&admin, "ARCHIVE", 1).await;
    admin.put_object("b1", "o", "bytes").await;
    upkeep(&server).await;
    server.kill9();
    server.restart().await;
    let admin = server.admin();
    server.advance_clock(DAY_SECS + 60).await;
    let counts = upkeep(&server).await;
    assert_eq!(
        (&counts["runs"], &counts["archived"]),
        (&json!(1), &json!(1))
    );
    let head = admin.head(admin.object_path("b1", "o")).await.expect(200);
    assert_eq!(head.required("storage-tier"), "Archive");
    assert_eq!(head.required("archival-state"), "Archived");
}

#[tokio::test]
async fn what_the_upkeep_does_is_seen_in_the_metrics_and_the_log() {
    let (server, admin) = bucket().await;
    put_rule(&admin, "DELETE", 1).await;
    for name in ["secret-name-1", "secret-name-2"] {
        admin.put_object("b1", name, "x").await;
    }
    server.advance_clock(DAY_SECS + 60).await;
    upkeep(&server).await;
    let metric = r#"parbuckle_bucket_upkeep_objects_total{outcome="deleted"} 2"#;
    let began = Instant::now();
    while !metrics(&server).await.lines().any(|line| line == metric) {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{}",
            metrics(&server).await
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let output = server.output();
    let lines = output
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    let runs =
        lines.filter(|line: &Value| line["message"] == "the daily upkeep of a bucket is done");
    let deleted: u64 = runs.filter_map(|line| line["deleted"].as_u64()).sum();
    assert_eq!(deleted, 2, "{output}");
    assert!(!output.contains("secret-name"), "{output}");
}

async fn metrics(server: &TestServer) -> String {
    server.anonymous().get("/metrics").await.expect(200).text()
}

#[tokio::test]
async fn a_tier_that_is_none_is_refused() {
    let (_server, admin) = bucket().await;
    admin.put_object("b1", "o", "x").await;
    let actions = format!("{}/actions", admin.bucket_path("b1"));
    let update = format!("{actions}/updateObjectStorageTier");
    for (body, code) in [
        (
            json!({ "objectName": "o", "storageTier": "Hot" }),
            "InvalidParameter",
        ),
        (json!({ "objectName": "o" }), "MissingParameter"),
        (json!({ "storageTier": "Archive" }), "MissingParameter"),
        (
            json!({ "objectName": "", "storageTier": "Archive" }),
            "InvalidObjectName",
        ),
        (
            json!({ "objectName": "o", "storageTier": "Archive", "versionId": "x" }),
            "InvalidParameter",
        ),
    ] {
        let refused = admin.post(update.clone()).json(&body).await.expect(400);
        assert_eq!(refused.code(), code, "{body}");
    }
    let restore = format!("{actions}/restoreObjects");
    for hours in [json!(0), json!(241), json!(-1), json!(1_i64 << 40)] {
        let body = json!({ "objectName": "o", "hours": hours });
        let refused = admin.post(restore.clone()).json(&body).await.expect(400);
        assert_eq!(refused.code(), "InvalidParameter", "{body}");
    }
}

#[tokio::test]
async fn with_a_delay_an_object_is_restoring_first() {
    let server = TestServer::builder(BINARY)
        .arg("--dev")
        .arg("--archive-restore-delay=3600")
        .start()
        .await;
    let admin = server.admin();
    admin
        .create_bucket_with("b1", json!({ "storageTier": "Archive" }))
        .await;
    admin.put_object("b1", "o", "bytes").await;
    let restore = format!("{}/actions/restoreObjects", admin.bucket_path("b1"));
    let body = json!({ "objectName": "o", "hours": 1 });
    admin.post(restore.clone()).json(&body).await.expect(200);
    admin.post(restore).json(&body).await.expect(202);
    let state = async || {
        let head = admin.head(admin.object_path("b1", "o")).await.expect(200);
        head.required("archival-state").to_owned()
    };
    assert_eq!(state().await, "Restoring");
    server.advance_clock(3600).await;
    assert_eq!(state().await, "Restored");
    assert_eq!(admin.read_object("b1", "o").await, "bytes");
    server.advance_clock(3660).await;
    assert_eq!(state().await, "Archived");
}
