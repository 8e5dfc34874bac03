//! The dialects do not mix: credentials and headers of one mean nothing in the other.

use http::Method;
use parbuckle_testkit::encode;
use serde_json::json;

use crate::stage::{ACCOUNT_KEY, PAGE, Stage, sign_in};

#[tokio::test]
async fn a_native_signature_opens_nothing_here() {
    let stage = Stage::set().await;
    for rest in ["", "closed", "closed/o", "missing"] {
        stage.admin.get(stage.path(rest)).await.expect(401);
    }
    stage.admin.put(stage.path("new")).await.expect(401);
    stage.admin.delete(stage.path("closed/o")).await.expect(401);
}

#[tokio::test]
async fn the_secret_of_a_pre_authenticated_request_is_no_token_and_its_path_none_of_this_face() {
    let stage = Stage::set().await;
    let secret = &stage.par_secret;
    for token in [
        secret.clone(),
        format!("AUTH_{secret}"),
        format!("AUTH_tk{secret}"),
    ] {
        for header in ["x-auth-token", "x-storage-token"] {
            let call = stage.anonymous(Method::GET, "closed/o");
            call.header(header, &token).await.expect(401);
        }
    }
    let path = format!("/p/{secret}{}", stage.path("closed/o"));
    let reply = stage.server.anonymous().get(path).await;
    assert!(matches!(reply.status, 401 | 404), "{}", reply.dump());
}

#[tokio::test]
async fn a_token_opens_nothing_native() {
    let stage = Stage::set().await;
    let object = stage.admin.object_path("closed", "o");
    let http = stage.server.anonymous();
    let without = http.get(&object).await;
    let authorization = http
        .get(&object)
        .header("authorization", &stage.tokens["admin"]);
    authorization.await.expect(401);
    for header in ["x-auth-token", "x-storage-token"] {
        let reply = http
            .get(&object)
            .header(header, &stage.tokens["admin"])
            .await;
        assert_eq!(reply.status, without.status, "{}", reply.dump());
        assert_eq!(reply.code(), without.code());
    }
    let put = http
        .put(&object)
        .header("x-auth-token", &stage.tokens["admin"]);
    let refused = put.body("changed").await;
    assert!(matches!(refused.status, 401 | 404), "{}", refused.dump());
    assert_eq!(stage.admin.read_object("closed", "o").await, "content");
}

#[tokio::test]
async fn lists_of_containers_and_their_keys_grant_nothing_natively() {
    let stage = Stage::set().await;
    let object = stage.admin.object_path("open", "o");
    let http = stage.server.anonymous();
    let refused = http.get(&object).header("referer", PAGE).await;
    assert!(matches!(refused.status, 401 | 404), "{}", refused.dump());
    let query = parbuckle_testkit::temp_url_query(ACCOUNT_KEY, "GET", &object, 4_000_000_000);
    let refused = http.get(format!("{object}{query}")).await;
    assert!(matches!(refused.status, 401 | 404), "{}", refused.dump());
    let user = stage.admin.create_user_client("native-reader", &[]).await;
    let post = stage.call("admin", Method::POST, "closed");
    let list = format!("{}:native-reader", stage.account);
    post.header("x-container-read", &list).await.expect(204);
    let object = stage.admin.object_path("closed", "o");
    user.client.get(object).await.expect(404);
}

#[tokio::test]
async fn native_requests_set_no_lists_keys_or_metadata_of_this_face() {
    let stage = Stage::set().await;
    let fields = json!({
        "name": "native",
        "compartmentId": stage.admin.compartment(),
        "metadata": {
            "temp-url-key": "k", "quota-bytes": "1", "web-index": "x",
            "access-control-allow-origin": "*",
        },
    });
    let create = stage.admin.post(stage.admin.buckets_path()).json(&fields);
    let create = create.header("x-container-read", ".r:*,.rlistings");
    create
        .header("x-container-meta-color", "blue")
        .await
        .expect(200);
    let put = stage.admin.put(stage.admin.object_path("native", "o"));
    let put = put
        .header("x-object-meta-color", "blue")
        .header("x-delete-after", "1")
        .header("x-object-manifest", "closed/o");
    put.body("longer than a byte").await.expect(200);
    let head = stage
        .call("admin", Method::HEAD, "native")
        .await
        .expect(204);
    for name in [
        "x-container-read",
        "x-container-meta-color",
        "x-container-meta-temp-url-key",
        "x-container-meta-quota-bytes",
        "x-container-meta-access-control-allow-origin",
    ] {
        assert_eq!(head.header(name), None, "{name}");
    }
    let object = stage
        .call("admin", Method::HEAD, "native/o")
        .await
        .expect(200);
    for name in ["x-object-meta-color", "x-delete-at", "x-object-manifest"] {
        assert_eq!(object.header(name), None, "{name}");
    }
    stage.anonymous(Method::GET, "native/o").await.expect(401);
    let put = stage
        .call("admin", Method::PUT, "native/o2")
        .body("many bytes");
    put.await.expect(201);
}

#[tokio::test]
async fn native_headers_mean_nothing_here() {
    let stage = Stage::set().await;
    let key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let put = stage.call("admin", Method::PUT, "closed/native-headers");
    let put = put
        .header("opc-meta-color", "blue")
        .header("opc-sse-customer-algorithm", "AES256")
        .header("opc-sse-customer-key", key)
        .header("opc-sse-customer-key-sha256", "x")
        .header("storage-tier", "Archive")
        .header("if-match", "no-etag-at-all")
        .header("opc-multipart", "true");
    put.body("plain").await.expect(201);
    let path = stage.admin.object_path("closed", "native-headers");
    let native = stage.admin.get(path).await.expect(200);
    assert_eq!(native.text(), "plain");
    for name in [
        "opc-meta-color",
        "opc-sse-customer-algorithm",
        "storage-tier",
    ] {
        let shown = native.header(name);
        assert!(
            shown.is_none_or(|tier| tier == "Standard"),
            "{name}: {shown:?}"
        );
    }
    let get = stage.call("admin", Method::GET, "closed/native-headers");
    let read = get.header("opc-sse-customer-algorithm", "AES256");
    assert_eq!(read.await.expect(200).text(), "plain");
}

#[tokio::test]
async fn if_none_match_of_a_put_takes_a_star_and_nothing_else() {
    let stage = Stage::set().await;
    let put = || stage.call("admin", Method::PUT, "closed/o").body("changed");
    put().header("if-none-match", "*").await.expect(412);
    let etag = "\"9a0364b9e99bb480dd25e1f0284c8555\"";
    put().header("if-none-match", etag).await.expect(400);
    assert_eq!(stage.admin.read_object("closed", "o").await, "content");
}

#[tokio::test]
async fn keys_of_other_kinds_are_no_passwords() {
    let stage = Stage::set().await;
    let admin = &stage.admin;
    let user = admin.create_user("joe").await.id;
    let key = parbuckle_testkit::TestKey::generate();
    let uploaded = admin.upload_api_key(&user, &key.public_pem()).await.json();
    let target = format!("/20160918/users/{}/customerSecretKeys", encode(&user));
    let body = json!({ "displayName": "made by a test" });
    let secret_key = admin.post(target).json(&body).await.expect(200).json();
    let text = |json: &serde_json::Value, name: &str| json[name].as_str().unwrap().to_owned();
    let tried = [
        text(&uploaded, "fingerprint"),
        text(&uploaded, "keyId"),
        text(&secret_key, "key"),
        text(&secret_key, "id"),
        user.clone(),
        String::new(),
    ];
    for secret in tried {
        let login = format!("{}:joe", stage.account);
        sign_in(&stage.server, &login, &secret).await.expect(401);
    }
}
