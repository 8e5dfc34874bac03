//! Tokens outlive the server, and secrets stay secret.

use std::fs;
use std::path::Path;
use std::time::UNIX_EPOCH;

use http::Method;
use parbuckle_testkit::{TestServer, temp_url_query};

use crate::PARBUCKLE;
use crate::stage::{path_in, sign_in, token};

const KEY: &str = "key-that-signs-urls-2f9c";

#[tokio::test]
async fn a_token_survives_restarts_and_signing_in_gives_the_same_one() {
    let mut server = TestServer::start(PARBUCKLE).await;
    let account = server.bootstrap().field("swift_account").to_owned();
    let password = server.bootstrap().field("admin_password").to_owned();
    let login = format!("{account}:admin");
    let first = sign_in(&server, &login, &password).await.expect(200);
    let token = first.required("x-auth-token").to_owned();
    let left = |reply: &parbuckle_testkit::Reply| -> u64 {
        reply.required("x-auth-token-expires").parse().unwrap()
    };
    let call = |server: &TestServer| {
        let call = server.anonymous().head(path_in(&account, ""));
        call.header("x-auth-token", &token)
    };
    for graceful in [true, false] {
        if graceful {
            assert!(server.terminate().await.success());
        }
        server.restart().await;
        call(&server).await.expect(204);
        let again = sign_in(&server, &login, &password).await.expect(200);
        assert_eq!(again.required("x-auth-token"), token);
        assert!(left(&again) <= left(&first));
    }
}

#[tokio::test]
async fn what_ended_a_token_still_ends_it_after_a_restart() {
    let mut server = TestServer::start(PARBUCKLE).await;
    let account = server.bootstrap().field("swift_account").to_owned();
    let admin = server.admin();
    let user = admin.create_user("joe").await.id;
    let (_, secret) = admin.create_auth_token(&user).await;
    let token = token(&server, &account, "joe", &secret).await;
    crate::stage::remove_auth_tokens(&admin, &user).await;
    server.kill9();
    server.restart().await;
    let call = server.anonymous().head(path_in(&account, ""));
    call.header("x-auth-token", &token).await.expect(401);
    let login = format!("{account}:joe");
    sign_in(&server, &login, &secret).await.expect(401);
}

#[tokio::test]
async fn no_password_token_key_or_signature_is_found_where_it_must_not_be() {
    let mut server = TestServer::start(PARBUCKLE).await;
    let account = server.bootstrap().field("swift_account").to_owned();
    let admin = server.admin();
    let user = admin.create_user("joe").await.id;
    let (_, secret) = admin.create_auth_token(&user).await;
    let password = crate::stage::new_password(&admin, &user).await;
    let mut secrets = vec![secret.clone(), password.clone()];
    for credential in [&secret, &password] {
        let token = token(&server, &account, "joe", credential).await;
        secrets.push(token.strip_prefix("AUTH_tk").unwrap().to_owned());
    }
    let wrong = "wrong-password-7d1e";
    let login = format!("{account}:joe");
    sign_in(&server, &login, wrong).await.expect(401);
    // A password typed into the wrong field.
    sign_in(&server, wrong, &secret).await.expect(401);
    let unknown = "deadbeef00000000000000000000beef";
    let call = server.anonymous().get(path_in(&account, ""));
    let call = call.header("x-auth-token", &format!("AUTH_tk{unknown}"));
    call.await.expect(401);
    secrets.extend([wrong.to_owned(), unknown.to_owned()]);
    let signatures = signed_requests(&server, &account, &mut secrets).await;
    let metrics = server.anonymous().get("/metrics").await.expect(200).text();
    server.terminate().await;
    let log = server.output();
    assert!(log.contains("/v1/{account}/{container}/{object}"), "{log}");
    for hidden in secrets.iter().chain(&signatures).chain([&KEY.to_owned()]) {
        assert!(!log.contains(hidden), "{hidden} stands in the log:\n{log}");
        assert!(!metrics.contains(hidden), "{hidden} stands in the metrics");
    }
    // The administrator's own files hold his password, as they are meant to; keys of URLs are needed as they are.
    let admin_files = server.data_dir().join("admin");
    for hidden in secrets.iter().chain(&signatures) {
        let found = holding(server.data_dir(), &admin_files, hidden.as_bytes());
        assert!(found.is_empty(), "{hidden} stands in {found:?}");
    }
}

/// Requests with good and bad signatures; the signatures. The administrator's password and token join `secrets`.
async fn signed_requests(
    server: &TestServer,
    account: &str,
    secrets: &mut Vec<String>,
) -> Vec<String> {
    let password = server.bootstrap().field("admin_password").to_owned();
    let token = token(server, account, "admin", &password).await;
    let put = async |rest: &str| {
        let call = server.anonymous().call(Method::PUT, path_in(account, rest));
        let call = call.header("x-auth-token", &token);
        call.header("x-container-meta-temp-url-key", KEY)
            .await
            .expect(201);
    };
    put("c").await;
    put("c/o").await;
    secrets.extend([password, token.strip_prefix("AUTH_tk").unwrap().to_owned()]);
    let now = server.clock().now().duration_since(UNIX_EPOCH).unwrap();
    let end = i64::try_from(now.as_secs()).unwrap() + 600;
    let path = path_in(account, "c/o");
    let mut signatures = Vec::new();
    for (key, status) in [(KEY, 200), ("another", 401)] {
        let query = temp_url_query(key, "GET", &path, end);
        let target = format!("{path}{query}");
        server.anonymous().get(target).await.expect(status);
        let (_, rest) = query.split_once("temp_url_sig=").unwrap();
        signatures.push(rest.split('&').next().unwrap().to_owned());
    }
    signatures
}

/// The files below a folder, except those of `but`, that hold these bytes.
fn holding(folder: &Path, but: &Path, bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path == but {
            continue;
        }
        if path.is_dir() {
            found.extend(holding(&path, but, bytes));
        } else if let Ok(content) = fs::read(&path)
            && content.windows(bytes.len()).any(|window| window == bytes)
        {
            found.push(path.display().to_string());
        }
    }
    found
}
