//! Name and auth token with each request (Swift wire reference section 16).

use http::Method;
use parbuckle_testkit::{Call, TestServer, basic_authorization};
use serde_json::json;

use crate::PARBUCKLE;
use crate::stage::{Stage, page, sign_in};

/// So many failures are borne.
const FAILURES: usize = 10;

/// A request with a name and an auth token instead of a token.
fn basic(stage: &Stage, user: &str, secret: &str, method: Method, rest: &str) -> Call {
    let call = stage.anonymous(method, rest);
    call.header("authorization", &basic_authorization(user, secret))
}

/// A stage with the container `c` and an object in it, and an auth token of its administrator.
async fn with_auth_token() -> (Stage, String) {
    let stage = Stage::with_container().await;
    stage.put("c/o").body("content").await.expect(201);
    let secret = auth_token_of_admin(&stage).await;
    (stage, secret)
}

async fn auth_token_of_admin(stage: &Stage) -> String {
    let admin = stage.server.admin();
    let id = stage.server.bootstrap().field("admin_user_ocid").to_owned();
    admin.create_auth_token(&id).await.1
}

#[tokio::test]
async fn a_name_and_an_auth_token_do_what_a_token_does() {
    let stage = Stage::new().await;
    let secret = auth_token_of_admin(&stage).await;
    let call = |method, rest| basic(&stage, "admin", &secret, method, rest);
    call(Method::PUT, "c").await.expect(201);
    call(Method::PUT, "c/o").body("content").await.expect(201);
    let get = call(Method::GET, "c/o").await.expect(200);
    assert_eq!(get.text(), "content");
    assert_eq!(get.header("x-auth-token"), None);
    assert_eq!(get.header("set-cookie"), None);
    assert_eq!(call(Method::GET, "c").await.expect(200).text(), "o\n");
    call(Method::HEAD, "").await.expect(204);
    let copy = Method::from_bytes(b"COPY").unwrap();
    let copy = call(copy, "c/o").header("destination", "c/copy");
    copy.await.expect(201);
    call(Method::DELETE, "c/o").await.expect(204);
    call(Method::GET, "c/missing").await.expect(404);
}

#[tokio::test]
async fn every_name_of_the_account_and_every_case_of_the_user_work() {
    let (stage, secret) = with_auth_token().await;
    let namespace = stage.server.bootstrap().namespace().to_owned();
    for account in [namespace.clone(), format!("AUTH_{namespace}")] {
        for user in ["admin", "ADMIN"] {
            let header = basic_authorization(user, &secret).replacen("Basic", "basic", 1);
            let call = stage.http().get(format!("/v1/{account}/c/o"));
            call.header("authorization", &header).await.expect(200);
        }
    }
}

#[tokio::test]
async fn a_federated_user_comes_with_the_name_of_his_provider() {
    let stage = Stage::with_container().await;
    let name = "oracleidentitycloudservice/joe@example.com";
    let admin = stage.server.admin();
    let user = admin.create_user(name).await;
    let (_, secret) = admin.create_auth_token(&user.id).await;
    basic(&stage, name, &secret, Method::GET, "c")
        .await
        .expect(403);
    let read = format!("{}:{name}", stage.account);
    let post = stage.post("c").header("x-container-read", &read);
    post.await.expect(204);
    let get = basic(&stage, name, &secret, Method::GET, "c");
    get.await.expect(204);
    let joe = "joe@example.com";
    let get = basic(&stage, joe, &secret, Method::GET, "c");
    get.await.expect(401);
}

#[tokio::test]
async fn nothing_but_an_auth_token_is_a_password_here() {
    let (stage, secret) = with_auth_token().await;
    let admin = stage.server.admin();
    let user = admin.create_user("joe").await.id;
    let (id, of_joe) = admin.create_auth_token(&user).await;
    let target = format!("/20160918/users/{user}/uiPassword");
    let password = admin.post(target).await.expect(200).json();
    let password = password["password"].as_str().unwrap().to_owned();
    sign_in(&stage.server, &stage.account, "joe", &password)
        .await
        .expect(200);
    let key = parbuckle_testkit::TestKey::generate();
    let uploaded = admin.upload_api_key(&user, &key.public_pem()).await.json();
    let fingerprint = uploaded["fingerprint"].as_str().unwrap();
    for wrong in [&password, fingerprint, &id, &secret, &stage.token, ""] {
        let call = basic(&stage, "joe", wrong, Method::HEAD, "");
        call.await.expect(401);
    }
    let call = basic(&stage, "joe", &of_joe, Method::HEAD, "");
    call.await.expect(403);
}

#[tokio::test]
async fn what_is_wrong_or_malformed_is_never_nobody() {
    let (stage, secret) = with_auth_token().await;
    let post = stage
        .post("c")
        .header("x-container-read", ".r:*,.rlistings");
    post.await.expect(204);
    stage.anonymous(Method::GET, "c/o").await.expect(200);
    let unauthorized = page(
        "Unauthorized",
        "This server could not verify that you are authorized to access the document you requested.",
    );
    let realm = format!("Swift realm=\"{}\"", stage.account);
    for header in [
        basic_authorization("admin", "wrong"),
        basic_authorization("nobody", "wrong"),
        basic_authorization("", &secret),
        "Basic YWRtaW4=".to_owned(),
        "Basic".to_owned(),
        "Basic %%%".to_owned(),
        "basic /w==".to_owned(),
    ] {
        for rest in ["c/o", "c/missing", "missing"] {
            let call = stage.anonymous(Method::GET, rest);
            let reply = call.header("authorization", &header).await.expect(401);
            assert_eq!(reply.text(), unauthorized, "{header}");
            assert_eq!(reply.required("www-authenticate"), realm);
        }
    }
    // Another scheme says nothing here, as before.
    let call = stage.anonymous(Method::GET, "c/o");
    call.header("authorization", "Bearer x").await.expect(200);
}

#[tokio::test]
async fn a_token_beside_it_decides() {
    let (stage, secret) = with_auth_token().await;
    let dead = "AUTH_tk00000000000000000000000000000000";
    let with = |secret: &str, header: &str, token: &str| {
        let call = basic(&stage, "admin", secret, Method::GET, "c/o");
        call.header(header, token)
    };
    for header in ["x-auth-token", "x-storage-token"] {
        with("wrong", header, &stage.token).await.expect(200);
        with(&secret, header, dead).await.expect(401);
        // What does not begin as tokens do is none.
        with(&secret, header, "no-token-at-all").await.expect(200);
    }
}

#[tokio::test]
async fn the_account_is_that_of_the_path() {
    let (stage, secret) = with_auth_token().await;
    for account in ["Storage-nobodysaccount", "Not%20An%20Account", "a%3Ab"] {
        let header = basic_authorization("admin", &secret);
        let call = stage.http().get(format!("/v1/{account}/c/o"));
        call.header("authorization", &header).await.expect(401);
    }
    let login = format!("{}:admin", stage.account);
    basic(&stage, &login, &secret, Method::GET, "c/o")
        .await
        .expect(401);
}

#[tokio::test]
async fn it_opens_no_other_face_and_is_no_sign_in() {
    let (stage, secret) = with_auth_token().await;
    let header = basic_authorization("admin", &secret);
    let with = |call: Call| call.header("authorization", &header);
    let admin = stage.server.admin();
    with(stage.http().get(admin.object_path("c", "o")))
        .await
        .expect(401);
    with(stage.http().get("/20160918/users")).await.expect(401);
    with(stage.http().get("/auth/v1.0")).await.expect(401);
}

#[tokio::test]
async fn what_ends_the_auth_token_ends_the_next_request() {
    let stage = Stage::with_container().await;
    let admin = stage.server.admin();
    let user = async |name: &str| {
        let id = admin.create_user(name).await.id;
        let (token, secret) = admin.create_auth_token(&id).await;
        let call = basic(&stage, name, &secret, Method::HEAD, "");
        call.await.expect(403);
        (id, token, secret)
    };
    let refused = async |name: &str, secret: &str| {
        let call = basic(&stage, name, secret, Method::HEAD, "");
        call.await.expect(401);
    };
    let (id, token, secret) = user("removed").await;
    let target = format!("/20160918/users/{id}/authTokens/{token}");
    admin.delete(target).await.expect(204);
    refused("removed", &secret).await;
    let (id, _, secret) = user("blocked").await;
    let target = format!("/20160918/users/{id}/state");
    let blocked = json!({ "blocked": true });
    admin.put(target).json(&blocked).await.expect(200);
    refused("blocked", &secret).await;
    let (id, _, secret) = user("incapable").await;
    let without = json!({ "canUseAuthTokens": false });
    admin.update_capabilities(&id, without).await;
    refused("incapable", &secret).await;
    let (id, _, secret) = user("deleted").await;
    admin.delete_user(&id).await;
    refused("deleted", &secret).await;
}

#[tokio::test]
async fn failures_count_together_with_those_of_signing_in() {
    let server = TestServer::builder(PARBUCKLE).arg("--dev");
    let stage = Stage::on(server.start().await).await;
    let admin = stage.server.admin();
    let mut secrets = Vec::new();
    for name in ["joe", "sue"] {
        let user = admin.create_user(name).await.id;
        secrets.push(admin.create_auth_token(&user).await.1);
    }
    let head = |name: &'static str, secret: &str| basic(&stage, name, secret, Method::HEAD, "");
    for _ in 0..FAILURES / 2 {
        head("joe", "wrong").await.expect(401);
        let reply = sign_in(&stage.server, &stage.account, "joe", "wrong").await;
        reply.expect(401);
    }
    head("joe", &secrets[0]).await.expect(401);
    let reply = sign_in(&stage.server, &stage.account, "joe", &secrets[0]).await;
    reply.expect(401);
    head("sue", &secrets[1]).await.expect(403);
    stage.server.advance_clock(61).await;
    head("joe", &secrets[0]).await.expect(403);
}

#[tokio::test]
async fn neither_the_header_nor_what_it_says_is_written_to_the_log() {
    let (mut stage, secret) = with_auth_token().await;
    let header = basic_authorization("admin", &secret);
    let encoded = header.strip_prefix("Basic ").unwrap();
    basic(&stage, "admin", &secret, Method::GET, "c/o")
        .await
        .expect(200);
    let wrong = "wrong-password-7d1e";
    basic(&stage, "admin", wrong, Method::GET, "c/o")
        .await
        .expect(401);
    stage.server.terminate().await;
    let log = stage.server.output();
    assert!(log.contains("/v1/{account}/{container}/{object}"), "{log}");
    for hidden in [secret.as_str(), encoded, wrong] {
        assert!(!log.contains(hidden), "{hidden}: {log}");
    }
}

#[tokio::test]
async fn curl_uploads_and_downloads_as_oracle_documents_it() {
    let (stage, secret) = with_auth_token().await;
    let namespace = stage.server.bootstrap().namespace();
    let url = format!("{}/v1/{namespace}/c/file", stage.server.endpoint());
    let user = format!("admin:{secret}");
    let file = stage.server.scratch_file("file", "from curl");
    let curl = |arguments: &[&str]| {
        let run = std::process::Command::new("curl")
            .args(["--silent", "--show-error", "--fail", "-u", &user])
            .args(arguments)
            .output()
            .unwrap();
        assert!(run.status.success(), "{run:?}");
        String::from_utf8(run.stdout).unwrap()
    };
    curl(&["-X", "PUT", "-T", file.to_str().unwrap(), &url]);
    assert_eq!(curl(&[&url]), "from curl");
    assert_eq!(stage.get("c/file").await.expect(200).text(), "from curl");
}
