//! A picture of everything there is, to compare what was before with what is after.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use parbuckle_testkit::{Connection, encode};
use serde_json::Value;

use super::row::Names;
use super::stage::{BESIDE, BUCKET, OBJECT, Stage};

const BASE: &str = "/20160918";
/// Bounds the wait for work that was accepted.
const PATIENCE: Duration = Duration::from_secs(20);
const POLL_INTERVAL: Duration = Duration::from_millis(5);

/// Everything that the administrators can see, and all of what is in the scene. Work that goes on is let to its end first.
pub(crate) async fn picture(stage: &Stage, names: &Names) -> String {
    let admin = &stage.admin;
    let mut targets = of_tenancy(stage);
    let buckets = BTreeSet::from([BUCKET, BESIDE, &names["bucket"], &names["otherBucket"]]);
    for bucket in buckets {
        targets.extend(of_bucket(&admin.bucket_path(bucket)));
    }
    if let Some(upload) = names.get("uploadId") {
        let object = format!("{}/u/{}", admin.bucket_path(BUCKET), encode(OBJECT));
        targets.push(format!("{object}?uploadId={upload}&limit=1000"));
    }
    if let Some(user) = names.get("userId") {
        for list in ["apiKeys", "authTokens", "customerSecretKeys", "uiPassword"] {
            targets.push(format!("{BASE}/users/{user}/{list}"));
        }
    }
    let other = &stage.other;
    let mut of_other = of_bucket(&format!("/n/{}/b/{BUCKET}", other.namespace));
    of_other.push(format!("/n/{}", other.namespace));
    let tenancy = &other.things["tenancyId"];
    of_other.push(format!("/workRequests?compartmentId={tenancy}"));
    let calls = targets.into_iter().map(|target| admin.get(target));
    let of_other = of_other.into_iter().map(|target| other.admin.get(target));
    let mut connection = admin.http().connect().await;
    settle(stage, &mut connection).await;
    let mut picture = String::new();
    for call in calls.chain(of_other) {
        let reply = connection.send(call).await.unwrap();
        // Some buckets have no lifecycle policy, some users no password.
        let is_whole = matches!(reply.status, 200 | 404) && reply.header("opc-next-page").is_none();
        assert!(is_whole, "what was there can't be seen\n{}", reply.dump());
        let body = without_time(&reply.request, reply.text());
        picture.push_str(&format!("{} {}\n{body}\n", reply.request, reply.status));
    }
    picture
}

fn of_tenancy(stage: &Stage) -> Vec<String> {
    let admin = &stage.admin;
    let (tenancy, compartment) = (admin.tenancy(), admin.compartment());
    let in_storage = [
        format!("/n/{}", admin.namespace()),
        format!(
            "{}?compartmentId={compartment}&limit=1000",
            admin.buckets_path()
        ),
        format!("/workRequests?compartmentId={compartment}&limit=1000"),
    ];
    let in_identity = [
        format!(
            "{BASE}/compartments?compartmentId={tenancy}&compartmentIdInSubtree=true&limit=1000"
        ),
        format!("{BASE}/tenancies/{tenancy}"),
    ];
    let lists = [
        "users",
        "groups",
        "userGroupMemberships",
        "policies",
        "dynamicGroups",
        "workRequests",
    ]
    .map(|list| format!("{BASE}/{list}?compartmentId={tenancy}&limit=1000"));
    [&in_storage[..], &in_identity, &lists].concat()
}

fn of_bucket(bucket: &str) -> Vec<String> {
    [
        "",
        "/objectversions?fields=name,size,etag,timeCreated,storageTier,archivalState&limit=1000",
        "/u?limit=1000",
        "/p?limit=1000",
        "/l",
        "/retentionRules",
        "/replicationPolicies",
        "/replicationSources",
    ]
    .map(|list| format!("{bucket}{list}"))
    .to_vec()
}

/// Waits until no work request goes on.
async fn settle(stage: &Stage, connection: &mut Connection) {
    let admin = &stage.admin;
    let target = format!(
        "/workRequests?compartmentId={}&limit=1000",
        admin.compartment()
    );
    let begin = Instant::now();
    loop {
        let call = admin.get(&target);
        let list = connection.send(call).await.unwrap().expect(200).json();
        let goes_on = |work: &Value| ["ACCEPTED", "IN_PROGRESS", "CANCELING"].contains(&text(work));
        if !list.as_array().unwrap().iter().any(goes_on) {
            return;
        }
        assert!(begin.elapsed() < PATIENCE, "work does not end: {list}");
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

fn text(work: &Value) -> &str {
    work["status"].as_str().unwrap()
}

/// What is up to date says so anew with each look.
fn without_time(request: &str, body: String) -> String {
    if !request.contains("/replicationPolicies") {
        return body;
    }
    let mut policies: Value = serde_json::from_str(&body).unwrap();
    for policy in policies.as_array_mut().into_iter().flatten() {
        policy["timeLastSync"].take();
    }
    policies.to_string()
}
