//! Buckets as a whole, and the work that goes on behind a reply, with the `oci` CLI and the Python SDK.

use std::path::Path;
use std::time::{Duration, Instant};

use parbuckle_testkit::clients::{Output, oci, python};
use parbuckle_testkit::{SignedClient, TestServer};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(20);

/// A server with the buckets `b1`, in it the object `a`, and `b2`.
async fn server() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b1").await;
    admin.create_bucket("b2").await;
    admin.put_object("b1", "a", "content").await;
    (server, admin)
}

/// Runs `oci os ...`; words are split at spaces.
async fn os(server: &TestServer, line: &str) -> Output {
    let words = std::iter::once("os").chain(line.split_whitespace());
    oci(server, words).run().await
}

/// The same with the namespace, to success; what was printed.
async fn os_ns(server: &TestServer, line: &str) -> Value {
    let line = format!("{line} -ns {}", server.bootstrap().namespace());
    let printed = os(server, &line).await.success();
    serde_json::from_str(&printed.stdout).unwrap_or_default()
}

async fn in_python(rule: &str) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/work.py");
    python(&server, &script, [rule]).run().await.success();
}

/// Asks for a copy of `b1/a` to `b2`; the id of its work request.
async fn copy(server: &TestServer, admin: &SignedClient) -> String {
    let target = format!("{}/actions/copyObject", admin.bucket_path("b1"));
    let start = admin.post(target).json(&json!({
        "sourceObjectName": "a",
        "destinationRegion": server.bootstrap().field("region"),
        "destinationNamespace": admin.namespace(),
        "destinationBucket": "b2",
        "destinationObjectName": "copy",
    }));
    let reply = start.await.expect(202);
    reply.required("opc-work-request-id").to_owned()
}

/// Polls a work request until it has ended; its status.
async fn ended(admin: &SignedClient, id: &str) -> String {
    let begin = Instant::now();
    loop {
        let work = admin.get(format!("/workRequests/{id}")).await.expect(200);
        let status = work.json()["status"].as_str().unwrap_or("").to_owned();
        if ["COMPLETED", "FAILED", "CANCELED"].contains(&status.as_str()) {
            return status;
        }
        assert!(begin.elapsed() < PATIENCE, "{status}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_bucket_is_reencrypted() {
    let (server, admin) = server().await;
    let printed = os_ns(&server, "bucket reencrypt -bn b1").await;
    let id = printed["opc-work-request-id"].as_str();
    let id = id.unwrap_or_else(|| panic!("it is printed: {printed}"));
    assert_eq!(ended(&admin, id).await, "COMPLETED");
    assert_eq!(admin.read_object("b1", "a").await, "content");
}

#[tokio::test]
async fn a_work_request_that_has_ended_is_not_cancelled() {
    let (server, admin) = server().await;
    let id = copy(&server, &admin).await;
    assert_eq!(ended(&admin, &id).await, "COMPLETED");
    let line = format!("work-request cancel --work-request-id {id} --force");
    let refused = os(&server, &line).await.failure().service_error();
    let refused = json!([refused["status"], refused["code"]]);
    assert_eq!(refused, json!([409, "WorkRequestEnded"]));
}

#[tokio::test]
async fn the_sdk_cancels_a_copy_which_leaves_nothing() {
    in_python("a_cancelled_copy").await;
}

#[tokio::test]
async fn the_sdk_asks_for_the_head_of_a_bucket() {
    in_python("the_head_of_a_bucket").await;
}

#[tokio::test]
async fn a_replication_policy_is_deleted() {
    let (server, admin) = server().await;
    let target = format!("{}/replicationPolicies", admin.bucket_path("b1"));
    let create = admin.post(&target).json(&json!({
        "name": "p1",
        "destinationRegionName": server.bootstrap().field("region"),
        "destinationBucketName": "b2",
    }));
    let made = create.await.expect(200).json();
    let id = made["id"].as_str().expect("an id");
    let line =
        format!("replication delete-replication-policy -bn b1 --replication-id {id} --force");
    os_ns(&server, &line).await;
    assert_eq!(admin.get(&target).await.expect(200).json(), json!([]));
}
