//! Retention rules and the metadata of the namespace, as the `oci` CLI manages them.

use parbuckle_testkit::clients::{Output, oci};
use parbuckle_testkit::{SignedClient, TestServer};
use serde_json::{Value, json};

const DAY_SECS: i64 = 24 * 3600;

async fn server() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b1").await;
    (server, admin)
}

/// Runs `oci os ...` with the namespace; words are split at spaces, and `''` is the empty word.
async fn os(server: &TestServer, line: &str) -> Output {
    let words = line.split_whitespace();
    let words = words.map(|word| if word == "''" { "" } else { word });
    let namespace = ["-ns", server.bootstrap().namespace()];
    oci(server, ["os"].into_iter().chain(words).chain(namespace))
        .run()
        .await
}

async fn rule(server: &TestServer, line: &str) -> Value {
    let line = format!("retention-rule {line} -bn b1");
    let printed = os(server, &line).await.success();
    printed.json()["data"].take()
}

/// Status and code of a refusal.
fn refusal(output: Output) -> Value {
    let error = output.failure().service_error();
    json!([error["status"], error["code"]])
}

#[tokio::test]
async fn a_rule_is_created_shown_and_listed() {
    let (server, _) = server().await;
    let options = "--display-name r1 --time-amount 2 --time-unit DAYS";
    let made = rule(&server, &format!("create {options}")).await;
    assert_eq!(made["display-name"], "r1");
    let duration = json!({ "time-amount": 2, "time-unit": "DAYS" });
    assert_eq!(made["duration"], duration);
    assert_eq!(made["time-rule-locked"], Value::Null);
    let id = made["id"].as_str().expect("an id");
    let line = format!("get --retention-rule-id {id}");
    assert_eq!(rule(&server, &line).await, made);
    let forever = rule(&server, "create --display-name r2").await;
    assert_eq!(forever["duration"], Value::Null);
    let listed = rule(&server, "list").await;
    assert_eq!(listed["items"], json!([forever, made]));
}

#[tokio::test]
async fn an_empty_option_takes_duration_and_lock_away() {
    let (server, admin) = server().await;
    let time = cli_time(&server, 20 * DAY_SECS);
    let line = format!(
        "create --display-name r1 --time-amount 1 --time-unit YEARS --time-rule-locked {time}"
    );
    let made = rule(&server, &line).await;
    assert_ne!(made["time-rule-locked"], Value::Null);
    let id = made["id"].as_str().expect("an id");
    let line = format!(
        "update --retention-rule-id {id} --time-amount '' --time-rule-locked '' --display-name r2"
    );
    let changed = rule(&server, &line).await;
    assert_eq!(changed["duration"], Value::Null);
    assert_eq!(changed["time-rule-locked"], Value::Null);
    assert_eq!(changed["display-name"], "r2");
    let target = format!("{}/retentionRules/{id}", admin.bucket_path("b1"));
    let reply = admin.get(target).await.expect(200);
    assert_eq!(reply.header("etag"), changed["etag"].as_str());
    assert!(reply.header("last-modified").is_some());
}

/// The time `secs` from now as the CLI takes it: without fractions.
fn cli_time(server: &TestServer, secs: i64) -> String {
    let time = server.clock().rfc3339_in(secs);
    let seconds = time.split('.').next().expect("a time");
    format!("{}Z", seconds.trim_end_matches('Z'))
}

#[tokio::test]
async fn a_protected_object_is_neither_overwritten_nor_deleted() {
    let (server, admin) = server().await;
    admin.put_object("b1", "a", "x").await;
    let made = rule(&server, "create --time-amount 1 --time-unit DAYS").await;
    let retained = json!([409, "ObjectRetained"]);
    let delete = "object delete -bn b1 --name a --force";
    assert_eq!(refusal(os(&server, delete).await), retained);
    let put = admin.put(admin.object_path("b1", "a")).body("y").await;
    assert_eq!(put.expect(409).json()["code"], "ObjectRetained");
    assert_eq!(admin.read_object("b1", "a").await, "x");
    let id = made["id"].as_str().expect("an id");
    let line = format!("retention-rule delete --retention-rule-id {id} -bn b1 --force");
    os(&server, &line).await.success();
    os(&server, delete).await.success();
    let line = format!("retention-rule get --retention-rule-id {id} -bn b1");
    let missing = json!([404, "RetentionRuleNotFound"]);
    assert_eq!(refusal(os(&server, &line).await), missing);
}

#[tokio::test]
async fn a_locked_rule_can_not_be_deleted() {
    let server = TestServer::builder(env!("CARGO_BIN_EXE_parbuckle"))
        .arg("--dev")
        .start()
        .await;
    let admin = server.admin();
    admin.create_bucket("b1").await;
    let rules = format!("{}/retentionRules", admin.bucket_path("b1"));
    let new = json!({
        "duration": { "timeAmount": 1, "timeUnit": "DAYS" },
        "timeRuleLocked": server.clock().rfc3339_in(15 * DAY_SECS),
    });
    let made = admin.post(&rules).json(&new).await.expect(200).json();
    let target = format!("{rules}/{}", made["id"].as_str().expect("an id"));
    server.advance_clock(16 * 24 * 3600).await;
    let refused = admin.delete(&target).await.expect(409).json();
    assert_eq!(refused["code"], "RetentionRuleLocked");
    let shorter = json!({ "duration": null });
    let refused = admin.put(&target).json(&shorter).await.expect(409).json();
    assert_eq!(refused["code"], "RetentionRuleLocked");
}

#[tokio::test]
async fn versioning_is_refused_beside_rules() {
    let (server, _) = server().await;
    rule(&server, "create --time-amount 1 --time-unit DAYS").await;
    let line = "bucket update -bn b1 --versioning Enabled";
    let refused = json!([409, "InvalidBucketState"]);
    assert_eq!(refusal(os(&server, line).await), refused);
}

#[tokio::test]
async fn the_default_compartments_of_the_namespace_are_shown_and_changed() {
    let (server, admin) = server().await;
    let printed = os(&server, "ns get-metadata").await.success().json();
    let mut expected = json!({
        "namespace": admin.namespace(),
        "default-s3-compartment-id": admin.tenancy(),
        "default-swift-compartment-id": admin.tenancy(),
    });
    assert_eq!(printed["data"], expected);
    let line = format!(
        "iam compartment create --name dev --description d -c {}",
        admin.tenancy()
    );
    let made = oci(&server, line.split_whitespace()).run().await.success();
    let made = made.json();
    let dev = made["data"]["id"].as_str().expect("an OCID");
    let line = format!("ns update-metadata --default-swift-compartment-id {dev}");
    let printed = os(&server, &line).await.success().json();
    expected["default-swift-compartment-id"] = dev.into();
    assert_eq!(printed["data"], expected);
    let line = "ns update-metadata --default-s3-compartment-id ocid1.compartment.oc1..nope";
    let refused = json!([400, "RelatedResourceNotAuthorizedOrNotFound"]);
    assert_eq!(refusal(os(&server, line).await), refused);
}
