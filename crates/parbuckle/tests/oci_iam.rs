//! The Identity API through the real clients: `oci iam` and the Python SDK's IdentityClient, whose script
//! `clients/iam.py` holds one function per rule.

use std::path::Path;

use parbuckle_testkit::clients::{Output, oci, python};
use parbuckle_testkit::{ParSpec, TestKey, TestServer};
use serde_json::{Value, json};

async fn server() -> TestServer {
    TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await
}

/// Runs `oci iam ...` to success; words are split at spaces.
async fn iam(server: &TestServer, line: &str) -> Output {
    iam_args(server, line, &[]).await.success()
}

/// The same with further arguments, which may hold spaces, and however it ends.
async fn iam_args(server: &TestServer, line: &str, more: &[&str]) -> Output {
    let words = std::iter::once("iam").chain(line.split_whitespace());
    oci(server, words.chain(more.iter().copied())).run().await
}

/// The `data` that a command prints.
async fn data(server: &TestServer, line: &str) -> Value {
    iam(server, line).await.json()["data"].clone()
}

fn text<'a>(data: &'a Value, field: &str) -> &'a str {
    data[field]
        .as_str()
        .unwrap_or_else(|| panic!("no text {field:?} in {data}"))
}

async fn python_rule(rule: &str) {
    let server = server().await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/iam.py");
    python(&server, &script, [rule]).run().await.success();
}

macro_rules! python_rules {
    ($($rule:ident)*) => {
        $(#[tokio::test]
        async fn $rule() {
            python_rule(stringify!($rule)).await;
        })*
    };
}

python_rules! {
    a_users_life
    a_name_is_taken_once
    if_match_guards_a_change
    a_retry_token_makes_one_user
    capabilities_have_two_spellings
    a_blocked_user_is_inactive
    a_federated_user_carries_his_provider
    credentials_are_shown_once
    a_membership_comes_and_goes
    a_policy_is_understood_when_it_is_written
    lists_have_pages
    a_compartment_is_deleted_through_a_work_request
    a_compartment_is_moved
    a_dynamic_groups_life
    the_tenancy_and_its_places
    the_last_administrator_stays
}

#[tokio::test]
async fn the_cli_gives_a_new_user_rights_that_his_own_key_can_use() {
    let server = server().await;
    server.admin().create_bucket("photos").await;
    let user = data(&server, "user create --name alice --description d").await;
    let group = data(&server, "group create --name readers --description d").await;
    let (user, group) = (text(&user, "id"), text(&group, "id"));
    iam(
        &server,
        &format!("group add-user --user-id {user} --group-id {group}"),
    )
    .await;
    let statements = json!(["Allow group readers to manage object-family in tenancy"]);
    let more = ["--statements", &statements.to_string()];
    let root = server.bootstrap().compartment_ocid();
    let line = format!("policy create -c {root} --name p --description d");
    iam_args(&server, &line, &more).await.success();

    let key = TestKey::generate();
    let pem = server.scratch_file("alice.pem", key.public_pem());
    let line = format!(
        "user api-key upload --user-id {user} --key-file {}",
        pem.display()
    );
    let uploaded = data(&server, &line).await;
    let signer =
        parbuckle_testkit::Signer::new(text(&uploaded, "key-id"), key, server.clock().clone());
    let alice = server.signed_by(signer);
    let par = alice.create_par("photos", ParSpec::any_read_write()).await;
    let put = server
        .anonymous()
        .put(par.path_for("a.txt"))
        .body("hello")
        .await;
    assert_eq!(put.status, 200, "{put}");

    let line = format!("group remove-user --user-id {user} --group-id {group} --force");
    iam(&server, &line).await;
    let got = server.anonymous().get(par.path_for("a.txt")).await;
    assert_eq!(got.status, 404, "{got}");
}

#[tokio::test]
async fn the_cli_lists_and_deletes_users_groups_and_policies() {
    let server = server().await;
    let user = data(&server, "user create --name alice --description d").await;
    let group = data(&server, "group create --name readers --description d").await;
    let statements = [
        "--statements",
        r#"["Allow group readers to read buckets in tenancy"]"#,
    ];
    let root = server.bootstrap().compartment_ocid();
    let line = format!("policy create -c {root} --name p --description d");
    let policy = iam_args(&server, &line, &statements).await.success().json();
    for (what, made, name) in [
        ("user", &user, "alice"),
        ("group", &group, "readers"),
        ("policy", &policy["data"], "p"),
    ] {
        let of = if what == "policy" {
            format!("-c {root}")
        } else {
            String::new()
        };
        let listed = data(&server, &format!("{what} list {of} --name {name} --all")).await;
        assert_eq!(listed[0]["id"], made["id"], "{what}");
        iam(
            &server,
            &format!("{what} delete --{what}-id {} --force", text(made, "id")),
        )
        .await;
        let again = format!("{what} get --{what}-id {}", text(made, "id"));
        let gone = iam_args(&server, &again, &[]).await.failure();
        assert!(gone.stderr.contains("NotAuthorizedOrNotFound"), "{gone}");
    }
}

#[tokio::test]
async fn the_cli_manages_credentials() {
    let server = server().await;
    let user = data(&server, "user create --name alice --description d").await;
    let user = text(&user, "id");
    let password = data(
        &server,
        &format!("user ui-password create-or-reset --user-id {user}"),
    )
    .await;
    assert!(!text(&password, "password").is_empty());
    let token = data(
        &server,
        &format!("auth-token create --user-id {user} --description d"),
    )
    .await;
    assert!(!text(&token, "token").is_empty());
    let key = format!("customer-secret-key create --user-id {user} --display-name d");
    assert!(!text(&data(&server, &key).await, "key").is_empty());
    let pem = server.scratch_file("k.pem", TestKey::generate().public_pem());
    let upload = format!(
        "user api-key upload --user-id {user} --key-file {}",
        pem.display()
    );
    let fingerprint = data(&server, &upload).await["fingerprint"].clone();
    let listed = data(&server, &format!("user api-key list --user-id {user}")).await;
    assert_eq!(listed[0]["fingerprint"], fingerprint);
    let fingerprint = fingerprint.as_str().expect("text").to_owned();
    let delete =
        format!("user api-key delete --user-id {user} --fingerprint {fingerprint} --force");
    iam(&server, &delete).await;
    let capabilities = format!(
        "user update-user-capabilities --user-id {user} --can-use-api-keys false --can-use-db-credentials false"
    );
    let capabilities = data(&server, &capabilities).await["capabilities"].clone();
    assert_eq!(capabilities["can-use-api-keys"], false);
    assert_eq!(capabilities["can-use-db-credentials"], false);
}

#[tokio::test]
async fn the_cli_makes_and_deletes_compartments() {
    let server = server().await;
    let root = server.bootstrap().compartment_ocid();
    let line = format!("compartment create -c {root} --name dev --description d");
    let made = data(&server, &line).await;
    let list = "compartment list --compartment-id-in-subtree true --access-level ACCESSIBLE --all";
    assert_eq!(data(&server, list).await[0]["id"], made["id"]);
    let line = format!(
        "compartment delete -c {} --force --wait-for-state SUCCEEDED",
        text(&made, "id")
    );
    let done = iam(&server, &line).await;
    assert!(done.stdout.contains("DELETE_COMPARTMENT"), "{done}");
}

#[tokio::test]
async fn the_cli_shows_regions_and_availability_domains() {
    let server = server().await;
    assert_eq!(data(&server, "region list").await[0]["key"], "LOC");
    let subscriptions = data(&server, "region-subscription list").await;
    assert_eq!(subscriptions[0]["is-home-region"], true);
    let domains = data(&server, "availability-domain list").await;
    assert!(text(&domains[0], "name").ends_with("LOC-AD-1"));
}
