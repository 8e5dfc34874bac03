//! Signed URLs (Swift wire reference section 13).

use std::time::UNIX_EPOCH;

use aws_lc_rs::hmac;
use http::Method;
use parbuckle_testkit::{Call, TestServer, encode};

use crate::PARBUCKLE;
use crate::stage::Stage;

const KEY: &str = "the key";
const INVALID: &str = "401 Unauthorized: Temp URL invalid\n";

/// A container `c` with a key, and in it the object `dir/o`.
async fn stage() -> Stage {
    on(Stage::new().await).await
}

async fn on(stage: Stage) -> Stage {
    stage.put("c").await.expect(201);
    let post = stage.post("c").header("x-container-meta-temp-url-key", KEY);
    post.await.expect(204);
    let put = stage.put("c/dir/o").header("x-object-meta-a", "1");
    let put = put.header("x-object-meta-public-a", "2");
    put.body("0123456789").await.expect(201);
    stage
}

fn end_in(stage: &Stage, seconds: u64) -> u64 {
    let since = stage.server.clock().now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs() + seconds
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn sign(algorithm: hmac::Algorithm, key: &str, message: &str) -> String {
    let key = hmac::Key::new(algorithm, key.as_bytes());
    hex(hmac::sign(&key, message.as_bytes()).as_ref())
}

/// The query of a signature with SHA-1, as Storage Classic documents it.
fn signed(stage: &Stage, key: &str, method: &str, path: &str) -> String {
    let end = end_in(stage, 60);
    let message = format!("{method}\n{end}\n/v1/{}/{path}", stage.account);
    let tag = sign(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key, &message);
    format!("temp_url_sig={tag}&temp_url_expires={end}")
}

fn ask(stage: &Stage, method: Method, path: &str, query: &str) -> Call {
    stage.anonymous(method, &format!("{path}?{query}"))
}

#[tokio::test]
async fn a_signature_downloads_without_a_token() {
    let stage = stage().await;
    let query = signed(&stage, KEY, "GET", "c/dir/o");
    let get = ask(&stage, Method::GET, "c/dir/o", &query)
        .await
        .expect(200);
    assert_eq!(get.text(), "0123456789");
    assert_eq!(
        get.required("content-disposition"),
        "attachment; filename=\"o\"; filename*=UTF-8''o"
    );
    assert!(get.required("expires").ends_with(" GMT"));
    assert_eq!(get.required("x-object-meta-public-a"), "2");
    assert_eq!(get.header("x-object-meta-a"), None);
    let head = ask(&stage, Method::HEAD, "c/dir/o", &query)
        .await
        .expect(200);
    assert_eq!(head.required("content-length"), "10");
    let named = format!("{query}&filename=my%20name&inline");
    let named = ask(&stage, Method::GET, "c/dir/o", &named)
        .await
        .expect(200);
    assert_eq!(
        named.required("content-disposition"),
        "inline; filename=\"my name\"; filename*=UTF-8''my%20name"
    );
    let part = ask(&stage, Method::GET, "c/dir/o", &query).header("range", "bytes=0-1");
    assert_eq!(part.await.expect(206).text(), "01");
}

#[tokio::test]
async fn all_three_digests_sign() {
    let stage = stage().await;
    let end = end_in(&stage, 60);
    let message = format!("GET\n{end}\n/v1/{}/c/dir/o", stage.account);
    for algorithm in [
        hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        hmac::HMAC_SHA256,
        hmac::HMAC_SHA512,
    ] {
        let tag = sign(algorithm, KEY, &message);
        let query = format!("temp_url_sig={tag}&temp_url_expires={end}");
        ask(&stage, Method::GET, "c/dir/o", &query)
            .await
            .expect(200);
    }
}

#[tokio::test]
async fn the_end_may_be_written_as_a_time() {
    let stage = stage().await;
    let end = end_in(&stage, 60);
    let message = format!("GET\n{end}\n/v1/{}/c/dir/o", stage.account);
    let tag = sign(hmac::HMAC_SHA256, KEY, &message);
    let time = jiff::Timestamp::from_second(i64::try_from(end).unwrap()).unwrap();
    let query = format!(
        "temp_url_sig={tag}&temp_url_expires={}",
        encode(&time.to_string())
    );
    ask(&stage, Method::GET, "c/dir/o", &query)
        .await
        .expect(200);
}

#[tokio::test]
async fn everything_that_is_wrong_looks_alike() {
    let stage = stage().await;
    let good = signed(&stage, KEY, "GET", "c/dir/o");
    let (sig, expires) = good.split_once('&').unwrap();
    let past = "temp_url_sig=00&temp_url_expires=1";
    for (method, path, query) in [
        (Method::GET, "c/dir/o", sig),
        (Method::GET, "c/dir/o", expires),
        (Method::GET, "c/dir/o", past),
        (Method::GET, "c/dir/other", good.as_str()),
        (Method::PUT, "c/dir/o", &good),
        (Method::DELETE, "c/dir/o", &good),
        (Method::GET, "c", &good),
        (Method::GET, "", &good),
        (Method::GET, "none/o", &good),
        (
            Method::GET,
            "c/dir/o",
            &signed(&stage, "other key", "GET", "c/dir/o"),
        ),
    ] {
        let call = ask(&stage, method.clone(), path, query);
        let reply = call.header("x-auth-token", &stage.token).await.expect(401);
        assert_eq!(reply.text(), INVALID, "{method} {path}?{query}");
        assert!(
            reply
                .required("www-authenticate")
                .starts_with("Swift realm=")
        );
    }
}

#[tokio::test]
async fn a_signature_ends_at_its_second() {
    let server = TestServer::builder(PARBUCKLE).arg("--dev").start().await;
    let stage = on(Stage::on(server).await).await;
    let query = signed(&stage, KEY, "GET", "c/dir/o");
    stage.server.advance_clock(60).await;
    ask(&stage, Method::GET, "c/dir/o", &query)
        .await
        .expect(401);
}

#[tokio::test]
async fn a_signature_uploads_changes_and_deletes() {
    let stage = stage().await;
    let query = |method| signed(&stage, KEY, method, "c/new");
    let put = query("PUT");
    ask(&stage, Method::PUT, "c/new", &put)
        .body("x")
        .await
        .expect(201);
    ask(&stage, Method::HEAD, "c/new", &put).await.expect(200);
    ask(&stage, Method::GET, "c/new", &put).await.expect(401);
    let post = ask(&stage, Method::POST, "c/new", &query("POST"));
    post.header("x-object-meta-b", "1").await.expect(202);
    assert_eq!(stage.head("c/new").await.required("x-object-meta-b"), "1");
    ask(&stage, Method::DELETE, "c/new", &query("DELETE"))
        .await
        .expect(204);
    stage.get("c/new").await.expect(404);
}

#[tokio::test]
async fn an_upload_can_not_point_at_what_was_not_signed() {
    let stage = stage().await;
    stage.put("secret").await.expect(201);
    stage.put("secret/o").body("x").await.expect(201);
    let query = signed(&stage, KEY, "PUT", "c/new");
    for (name, value) in [
        ("x-object-manifest", "secret/o"),
        ("x-copy-from", "secret/o"),
        ("x-symlink-target", "secret/o"),
    ] {
        let call = ask(&stage, Method::PUT, "c/new", &query).header(name, value);
        call.await.expect(400);
    }
    stage.get("c/new").await.expect(404);
}

#[tokio::test]
async fn what_was_not_signed_of_the_query_does_not_count() {
    let stage = stage().await;
    let manifest = r#"[{"path": "/c/dir/o"}]"#;
    let put = signed(&stage, KEY, "PUT", "c/slo") + "&multipart-manifest=put";
    ask(&stage, Method::PUT, "c/slo", &put)
        .body(manifest)
        .await
        .expect(201);
    let stored = stage.get("c/slo").await.expect(200);
    assert_eq!(
        (
            stored.text().as_str(),
            stored.header("x-static-large-object")
        ),
        (manifest, None)
    );
    stage
        .put("c/slo?multipart-manifest=put")
        .body(manifest)
        .await
        .expect(201);
    let delete = signed(&stage, KEY, "DELETE", "c/slo") + "&multipart-manifest=delete";
    ask(&stage, Method::DELETE, "c/slo", &delete)
        .await
        .expect(204);
    stage.get("c/dir/o").await.expect(200);
    let post = signed(&stage, KEY, "POST", "c/dir/o") + "&bulk-delete";
    ask(&stage, Method::POST, "c/dir/o", &post)
        .body("c/dir/o")
        .await
        .expect(202);
    stage.get("c/dir/o").await.expect(200);
}

#[tokio::test]
async fn a_prefix_opens_the_names_that_begin_so() {
    let stage = stage().await;
    let end = end_in(&stage, 60);
    let message = format!("GET\n{end}\nprefix:/v1/{}/c/dir/", stage.account);
    let tag = sign(hmac::HMAC_SHA256, KEY, &message);
    let query = format!("temp_url_sig={tag}&temp_url_expires={end}&temp_url_prefix=dir/");
    ask(&stage, Method::GET, "c/dir/o", &query)
        .await
        .expect(200);
    stage.put("c/other").await.expect(201);
    ask(&stage, Method::GET, "c/other", &query)
        .await
        .expect(401);
}

#[tokio::test]
async fn an_ip_range_binds_it_to_addresses() {
    let stage = stage().await;
    let end = end_in(&stage, 60);
    for (range, status) in [("127.0.0.0/8", 200), ("192.0.2.0/24", 401)] {
        let message = format!("ip={range}\nGET\n{end}\n/v1/{}/c/dir/o", stage.account);
        let tag = sign(hmac::HMAC_SHA256, KEY, &message);
        let range = encode(range);
        let query = format!("temp_url_sig={tag}&temp_url_expires={end}&temp_url_ip_range={range}");
        ask(&stage, Method::GET, "c/dir/o", &query)
            .await
            .expect(status);
    }
}

#[tokio::test]
async fn a_key_of_the_account_signs_too_and_ends_with_its_removal() {
    let stage = stage().await;
    stage
        .post("")
        .header("x-account-meta-temp-url-key-2", "account key")
        .await
        .expect(204);
    let query = signed(&stage, "account key", "GET", "c/dir/o");
    ask(&stage, Method::GET, "c/dir/o", &query)
        .await
        .expect(200);
    stage
        .post("")
        .header("x-remove-account-meta-temp-url-key-2", "x")
        .await
        .expect(204);
    ask(&stage, Method::GET, "c/dir/o", &query)
        .await
        .expect(401);
}

#[tokio::test]
async fn a_large_object_is_read_through_a_signature() {
    let stage = stage().await;
    let manifest = r#"[{"path": "/c/dir/o", "range": "0-1"}, {"path": "/c/dir/o", "range": "-1"}]"#;
    stage
        .put("c/slo?multipart-manifest=put")
        .body(manifest)
        .await
        .expect(201);
    let query = signed(&stage, KEY, "GET", "c/slo");
    let get = ask(&stage, Method::GET, "c/slo", &query).await.expect(200);
    assert_eq!(get.text(), "019");
}
