//! Signing in, and what a token is worth (Swift wire reference section 2, seed "Authentication").

use http::Method;
use parbuckle_testkit::TestServer;

use crate::PARBUCKLE;
use crate::stage::{Stage, page, sign_in};

#[tokio::test]
async fn signing_in_answers_every_header_of_the_documents_example() {
    let server = TestServer::start(PARBUCKLE).await;
    let (account, password) = (
        server.bootstrap().field("swift_account").to_owned(),
        server.bootstrap().field("admin_password").to_owned(),
    );
    let reply = sign_in(&server, &account, "admin", &password)
        .await
        .expect(200);
    let url = format!("{}/v1/{account}", server.endpoint());
    assert_eq!(reply.required("x-storage-url"), url);
    let token = reply.required("x-auth-token");
    assert_eq!(reply.required("x-storage-token"), token);
    let digits = token.strip_prefix("AUTH_tk").unwrap();
    assert!(
        digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()),
        "{token}"
    );
    for (name, value) in [
        ("content-length", "0"),
        ("cache-control", "no-cache"),
        ("pragma", "no-cache"),
        ("content-type", "text/plain"),
        ("content-language", "en"),
    ] {
        assert_eq!(reply.required(name), value, "{name}");
    }
    let seconds: u64 = reply.required("x-auth-token-expires").parse().unwrap();
    assert!((1700..=1800).contains(&seconds), "{seconds}");
    assert!(reply.required("x-trans-id").starts_with("tx"));
    assert_eq!(reply.text(), "");
}

#[tokio::test]
async fn the_documents_upload_answers_every_header_of_its_example() {
    let stage = Stage::with_container().await;
    let put = stage
        .put("c/myObject")
        .header("content-type", "application/x-www-form-urlencoded")
        .body("Hello, World!");
    let reply = put.await.expect(201);
    for (name, value) in [
        ("content-length", "0"),
        ("etag", "65a8e27d8879283831b664bd8b7f0ad4"),
        ("content-type", "text/html; charset=UTF-8"),
        ("cache-control", "no-cache"),
        ("pragma", "no-cache"),
        ("content-language", "en"),
    ] {
        assert_eq!(reply.required(name), value, "{name}");
    }
}

#[tokio::test]
async fn the_storage_url_follows_the_host_of_the_request_and_the_public_url() {
    let stage = Stage::new().await;
    let password = stage.server.bootstrap().field("admin_password").to_owned();
    let user = format!("{}:admin", stage.account);
    let ask = |server: &TestServer| {
        let call = server
            .anonymous()
            .get("/auth/v1.0")
            .header("host", "foo.example:81");
        call.header("x-storage-user", &user)
            .header("x-storage-pass", &password)
    };
    let reply = ask(&stage.server).await.expect(200);
    let url = format!("http://foo.example:81/v1/{}", stage.account);
    assert_eq!(reply.required("x-storage-url"), url);
    let public = TestServer::builder(PARBUCKLE).arg("--public-url=https://acme.example/");
    let public = Stage::on(public.start().await).await;
    let password = public.server.bootstrap().field("admin_password");
    let reply = sign_in(&public.server, &public.account, "admin", password).await;
    let url = format!("https://acme.example/v1/{}", public.account);
    assert_eq!(reply.required("x-storage-url"), url);
}

#[tokio::test]
async fn the_headers_of_other_clients_work_alone_and_mixed_and_win() {
    let stage = Stage::new().await;
    let password = stage.server.bootstrap().field("admin_password");
    let user = format!("{}:admin", stage.account);
    let ask = |headers: &[(&str, &str)]| {
        let call = stage.http().get("/auth/v1.0/");
        headers
            .iter()
            .fold(call, |call, (name, value)| call.header(name, value))
    };
    let (x_user, x_key) = (("x-auth-user", user.as_str()), ("x-auth-key", password));
    ask(&[x_user, x_key]).await.expect(200);
    ask(&[("x-storage-user", &user), x_key]).await.expect(200);
    ask(&[x_user, ("x-storage-pass", password)])
        .await
        .expect(200);
    ask(&[
        x_user,
        x_key,
        ("x-storage-user", "a:b"),
        ("x-storage-pass", "no"),
    ])
    .await
    .expect(200);
    ask(&[x_user, ("x-auth-key", "no"), ("x-storage-pass", password)])
        .await
        .expect(401);
}

#[tokio::test]
async fn an_account_in_the_sign_in_path_stands_for_the_one_before_the_colon() {
    let stage = Stage::new().await;
    let password = stage.server.bootstrap().field("admin_password");
    let call = stage.http().get(format!("/auth/v1/{}/auth", stage.account));
    let call = call
        .header("x-storage-user", "admin")
        .header("x-storage-pass", password);
    assert_eq!(call.await.expect(200).required("x-auth-token"), stage.token);
}

#[tokio::test]
async fn a_token_that_is_active_is_given_again_and_its_end_stays() {
    let stage = Stage::on(TestServer::builder(PARBUCKLE).arg("--dev").start().await).await;
    let password = stage.server.bootstrap().field("admin_password").to_owned();
    stage.server.advance_clock(600).await;
    let again = sign_in(&stage.server, &stage.account, "admin", &password).await;
    assert_eq!(again.required("x-auth-token"), stage.token);
    let seconds: u64 = again.required("x-auth-token-expires").parse().unwrap();
    assert!((1100..=1200).contains(&seconds), "{seconds}");
    stage.server.advance_clock(1300).await;
    stage.head("").await.expect(401);
    let new = sign_in(&stage.server, &stage.account, "admin", &password).await;
    assert_ne!(new.required("x-auth-token"), stage.token);
}

#[tokio::test]
async fn every_failure_to_sign_in_looks_alike_and_names_the_account_asked_for() {
    let stage = Stage::new().await;
    let unauthorized = page(
        "Unauthorized",
        "This server could not verify that you are authorized to access the document you requested.",
    );
    let account = stage.account.as_str();
    for (user, password, realm) in [
        (format!("{account}:admin"), "wrong", account),
        (format!("{account}:nobody"), "wrong", account),
        ("elsewhere:admin".to_owned(), "wrong", "elsewhere"),
        (format!("{account}:admin"), "", account),
        ("admin".to_owned(), "wrong", "unknown"),
        (String::new(), "", "unknown"),
    ] {
        let call = stage.http().get("/auth/v1.0");
        let call = call
            .header("x-storage-user", &user)
            .header("x-storage-pass", password);
        let reply = call.await.expect(401);
        let expected = format!("Swift realm=\"{realm}\"");
        assert_eq!(reply.required("www-authenticate"), expected, "{user}");
        assert_eq!(reply.text(), unauthorized);
        assert_eq!(reply.header("x-auth-token"), None);
    }
}

#[tokio::test]
async fn without_a_good_token_everything_is_unauthorized_whether_it_exists_or_not() {
    let stage = Stage::with_container().await;
    let realm = format!("Swift realm=\"{}\"", stage.account);
    for rest in ["", "c", "missing", "c/missing"] {
        for token in [
            None,
            Some("AUTH_tk00000000000000000000000000000000"),
            Some("garbage"),
        ] {
            let call = stage.anonymous(Method::GET, rest);
            let call = match token {
                Some(token) => call.header("x-auth-token", token),
                None => call,
            };
            let reply = call.await.expect(401);
            assert_eq!(reply.required("www-authenticate"), realm);
        }
    }
}

#[tokio::test]
async fn the_other_name_of_the_token_header_works() {
    let stage = Stage::new().await;
    let call = stage.anonymous(Method::HEAD, "");
    call.header("x-storage-token", &stage.token)
        .await
        .expect(204);
}

#[tokio::test]
async fn whoever_has_no_rights_is_forbidden_whether_it_exists_or_not() {
    let stage = Stage::with_container().await;
    let joe = stage.user("joe").await;
    for rest in ["", "c", "missing", "c/missing"] {
        let reply = joe.call(Method::GET, rest).await.expect(403);
        let expected = page("Forbidden", "Access was denied to this resource.");
        assert_eq!(reply.text(), expected, "{rest}");
    }
    stage
        .http()
        .get("/v1/Storage-other")
        .header("x-auth-token", &stage.token)
        .await
        .expect(403);
    stage
        .http()
        .get("/v1/Not%20An%20Account")
        .header("x-auth-token", &stage.token)
        .await
        .expect(403);
    stage.http().get("/v1/Not%20An%20Account").await.expect(401);
}

#[tokio::test]
async fn a_public_container_takes_no_token_or_a_good_one() {
    let stage = Stage::with_container().await;
    stage.put("c/o").body("x").await.expect(201);
    stage
        .post("c")
        .header("x-container-read", ".r:*")
        .await
        .expect(204);
    let get = || stage.anonymous(Method::GET, "c/o");
    get().await.expect(200);
    get().header("x-auth-token", &stage.token).await.expect(200);
    get()
        .header("x-auth-token", "no-token-at-all")
        .await
        .expect(200);
    get()
        .header("x-auth-token", "AUTH_tk00000000000000000000000000000000")
        .await
        .expect(401);
    // Without .rlistings only objects are read.
    stage.anonymous(Method::GET, "c").await.expect(401);
    stage
        .anonymous(Method::PUT, "c/o2")
        .body("x")
        .await
        .expect(401);
}

#[tokio::test]
async fn signing_in_takes_get_only() {
    let stage = Stage::new().await;
    for method in [Method::HEAD, Method::POST, Method::PUT] {
        let reply = stage.http().call(method, "/auth/v1.0").await.expect(405);
        assert_eq!(reply.required("allow"), "GET");
    }
}

#[tokio::test]
async fn a_token_is_not_written_to_the_log() {
    let mut stage = Stage::new().await;
    stage.get("").await.expect(204);
    stage
        .anonymous(Method::GET, "")
        .header("x-auth-token", "AUTH_tkdeadbeef")
        .await
        .expect(401);
    stage.server.terminate().await;
    let log = stage.server.output();
    assert!(log.contains("/v1/{account}"), "{log}");
    let secret = stage.token.strip_prefix("AUTH_tk").unwrap();
    assert!(!log.contains(secret) && !log.contains("deadbeef"), "{log}");
}
