//! Replication between buckets, as the `oci` CLI manages it.

use std::time::{Duration, Instant};

use parbuckle_testkit::clients::{Output, oci};
use parbuckle_testkit::{SignedClient, TestServer, pattern};
use serde_json::{Value, json};

/// Bounds the wait for what comes a moment later.
const PATIENCE: Duration = Duration::from_secs(30);

/// Empty buckets `from` and `to`.
async fn server() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    for name in ["from", "to"] {
        admin.create_bucket(name).await;
    }
    (server, admin)
}

/// Runs `oci os ...` with the namespace; words are split at spaces.
async fn os(server: &TestServer, line: &str) -> Output {
    let namespace = ["-ns", server.bootstrap().namespace()];
    let words = ["os"].into_iter().chain(line.split_whitespace());
    oci(server, words.chain(namespace)).run().await
}

async fn replication(server: &TestServer, line: &str) -> Value {
    let printed = os(server, &format!("replication {line}")).await.success();
    printed.json()["data"].take()
}

/// Makes a policy from `from` to `to`.
async fn bind(server: &TestServer) -> Value {
    let region = server.bootstrap().field("region");
    let line = format!(
        "create-replication-policy -bn from --name p1 --destination-region {region} --destination-bucket to"
    );
    replication(server, &line).await
}

/// Waits until an object is in `to` or is not.
async fn wait_for(admin: &SignedClient, object: &str, status: u16) {
    let begun = Instant::now();
    while admin.head(admin.object_path("to", object)).await.status != status {
        assert!(begun.elapsed() < PATIENCE, "{object} is not {status}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// `replicationEnabled` and `isReadOnly`.
async fn flags(server: &TestServer, bucket: &str) -> (Value, Value) {
    let printed = os(server, &format!("bucket get -bn {bucket}")).await;
    let mut printed = printed.success().json();
    let data = &mut printed["data"];
    (
        data["replication-enabled"].take(),
        data["is-read-only"].take(),
    )
}

fn code(output: Output) -> Value {
    output.failure().service_error()["code"].take()
}

#[tokio::test]
async fn a_policy_is_created_shown_and_listed_from_both_ends() {
    let (server, _) = server().await;
    let mut made = bind(&server).await;
    let region = server.bootstrap().field("region");
    for (field, value) in [
        ("name", "p1"),
        ("destination-bucket-name", "to"),
        ("destination-region-name", region),
        ("status", "ACTIVE"),
    ] {
        assert_eq!(made[field], value, "{field}");
    }
    let id = made["id"].as_str().expect("an id").to_owned();
    let line = format!("get-replication-policy -bn from --replication-id {id}");
    let mut shown = replication(&server, &line).await;
    let mut listed = replication(&server, "list-replication-policies -bn from").await;
    let mut listed = listed[0].take();
    // It moves on with the clock.
    for policy in [&mut made, &mut shown, &mut listed] {
        assert!(policy["time-last-sync"].take().is_string());
    }
    assert_eq!([&shown, &listed], [&made, &made]);
    let sources = replication(&server, "list-replication-sources -bn to").await;
    let source = json!({
        "policy-name": "p1", "source-bucket-name": "from", "source-region-name": region,
    });
    assert_eq!(sources, json!([source]));
    let (yes, no) = (json!(true), json!(false));
    assert_eq!(flags(&server, "from").await, (yes.clone(), no.clone()));
    assert_eq!(flags(&server, "to").await, (no, yes));
}

#[tokio::test]
async fn changes_come_to_the_destination() {
    let (server, admin) = server().await;
    bind(&server).await;
    let large = pattern(1, 3 << 20);
    admin.put_object("from", "small", "x").await;
    let put = admin.put_object("from", "large", large.clone()).await;
    wait_for(&admin, "small", 200).await;
    wait_for(&admin, "large", 200).await;
    let head = admin.head(admin.object_path("to", "large")).await;
    assert_eq!(head.header("etag"), put.header("etag"));
    assert_eq!(admin.read_object("to", "large").await, large);
    admin.delete_object("from", "small").await;
    wait_for(&admin, "small", 404).await;
}

#[tokio::test]
async fn what_was_changed_before_a_restart_comes_after_it() {
    let (mut server, admin) = server().await;
    bind(&server).await;
    for number in 0..50 {
        let name = format!("o{number}");
        admin
            .put_object("from", &name, pattern(number, 100_000))
            .await;
    }
    server.restart().await;
    let admin = server.admin();
    for number in 0..50 {
        wait_for(&admin, &format!("o{number}"), 200).await;
    }
}

#[tokio::test]
async fn a_destination_is_read_only_until_it_is_released() {
    let (server, admin) = server().await;
    bind(&server).await;
    let put = admin.put(admin.object_path("to", "a")).body("x").await;
    assert_eq!(put.expect(409).json()["code"], "BucketReadOnly");
    os(&server, "replication make-bucket-writable -bn to")
        .await
        .success();
    admin.put_object("to", "a", "x").await;
    let target = format!("{}/replicationPolicies", admin.bucket_path("from"));
    let listed = admin.get(target).await.expect(200);
    assert_eq!(listed.json(), json!([]));
}

#[tokio::test]
async fn the_cli_empties_and_deletes_a_source() {
    let (server, admin) = server().await;
    bind(&server).await;
    admin.put_object("from", "a", "x").await;
    let refused = os(&server, "bucket delete -bn from --force").await;
    assert_eq!(code(refused), "InvalidBucketState");
    os(&server, "bucket delete -bn from --empty --force")
        .await
        .success();
    admin.head(admin.bucket_path("from")).await.expect(404);
    // The destination is not free yet.
    let refused = os(&server, "bucket delete -bn to --force").await;
    assert_eq!(code(refused), "InvalidBucketState");
}

#[tokio::test]
async fn another_region_is_refused_with_a_sentence() {
    let (server, admin) = server().await;
    let target = format!("{}/replicationPolicies", admin.bucket_path("from"));
    let policy = json!({
        "name": "p1", "destinationRegionName": "no-where-1", "destinationBucketName": "to",
    });
    let refused = admin.post(target).json(&policy).await.expect(400);
    assert_eq!(refused.json()["code"], "InvalidParameter");
    let message = refused.json()["message"].to_string();
    assert!(
        message.contains(server.bootstrap().field("region")),
        "{message}"
    );
}

#[tokio::test]
async fn an_unknown_policy_is_not_found() {
    let (server, _) = server().await;
    for id in ["nope", "00000000-0000-4000-8000-000000000000"] {
        let line = format!("replication get-replication-policy -bn from --replication-id {id}");
        let refused = os(&server, &line).await;
        assert_eq!(code(refused), "ReplicationPolicyNotFound", "{id}");
    }
}
