//! Reading through a pre-authenticated request with curl (wire reference 7.2, 7.6 and 3.3.1).

use std::time::Duration;

use insta::assert_snapshot;
use parbuckle_testkit::clients::curl;
use parbuckle_testkit::{ParSpec, Reply, SignedClient, TestServer, encode, pattern};

async fn bucket() -> (TestServer, SignedClient) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    (server, admin)
}

/// A server with one object and the URL under a PAR that reads it.
async fn readable(content: &str) -> (TestServer, Reply, String) {
    let (server, admin) = bucket().await;
    let put = admin.put_object("b", "a.txt", content.to_owned()).await;
    let par = admin.create_par("b", ParSpec::object_read("a.txt")).await;
    (server, put, par.url())
}

#[tokio::test]
async fn a_get_returns_the_bytes_and_the_headers_of_the_object() {
    let (_server, put, url) = readable("hello").await;
    let reply = curl([&url]).await.expect(200);
    assert_eq!(reply.text(), "hello");
    assert_eq!(reply.required("content-length"), "5");
    assert_eq!(reply.required("content-md5"), "XUFAKrxLKna5cZ2REBfFkg==");
    assert_eq!(reply.required("accept-ranges"), "bytes");
    assert_eq!(reply.required("storage-tier"), "Standard");
    assert_eq!(reply.required("content-type"), "application/octet-stream");
    assert_eq!(reply.required("x-api-id"), "native");
    for name in ["etag", "version-id", "last-modified"] {
        assert_eq!(reply.required(name), put.required(name), "{name}");
    }
}

#[tokio::test]
async fn a_head_has_the_headers_of_the_get() {
    let (_server, _, url) = readable("hello").await;
    let (get, head) = (curl([&url]).await, curl(["--head", &url]).await.expect(200));
    for name in get
        .headers
        .keys()
        .filter(|name| !["date", "opc-request-id"].contains(&name.as_str()))
    {
        assert_eq!(
            head.header(name.as_str()),
            get.header(name.as_str()),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_head_has_no_body() {
    let (server, _, url) = readable("hello").await;
    let path = url.strip_prefix(server.endpoint()).unwrap();
    let request = format!("HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    let answer = server
        .anonymous()
        .send_raw(request.as_bytes(), Duration::from_secs(10))
        .await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.ends_with("\r\n\r\n"),
        "{answer}"
    );
}

#[tokio::test]
async fn an_empty_object_is_served() {
    let (_server, _, url) = readable("").await;
    let reply = curl([&url]).await.expect(200);
    assert_eq!(
        (reply.text().as_str(), reply.required("content-length")),
        ("", "0")
    );
}

#[tokio::test]
async fn a_large_object_arrives_whole() {
    let (_server, admin) = bucket().await;
    let content = pattern(1, 5 * 1024 * 1024 + 1);
    admin.put_object("b", "big", content.clone()).await;
    let par = admin.create_par("b", ParSpec::object_read("big")).await;
    let reply = curl([&par.url()]).await.expect(200);
    assert!(
        reply.body == content,
        "{} bytes came back, not the same",
        reply.body.len()
    );
}

#[tokio::test]
async fn a_range_in_the_middle_gives_206_with_its_place() {
    let (_server, _, url) = readable("0123456789").await;
    let reply = curl(["-r", "2-4", &url]).await.expect(206);
    assert_eq!(
        (reply.text().as_str(), reply.required("content-range")),
        ("234", "bytes 2-4/10")
    );
}

#[tokio::test]
async fn a_range_of_the_last_bytes_gives_206_with_its_place() {
    let (_server, _, url) = readable("0123456789").await;
    let reply = curl(["-r", "-3", &url]).await.expect(206);
    assert_eq!(
        (reply.text().as_str(), reply.required("content-range")),
        ("789", "bytes 7-9/10")
    );
}

#[tokio::test]
async fn an_open_range_runs_to_the_end() {
    let (_server, _, url) = readable("0123456789").await;
    let reply = curl(["-r", "8-", &url]).await.expect(206);
    assert_eq!(
        (reply.text().as_str(), reply.required("content-range")),
        ("89", "bytes 8-9/10")
    );
}

#[tokio::test]
async fn a_range_beyond_the_end_gives_416_with_the_size() {
    let (_server, _, url) = readable("0123456789").await;
    let reply = curl(["-r", "10-12", &url]).await.expect(416);
    assert_eq!(
        (reply.code().as_str(), reply.required("content-range")),
        ("InvalidRange", "bytes */10")
    );
}

#[tokio::test]
async fn a_range_into_a_later_chunk_of_a_large_object_gives_its_bytes() {
    let (_server, admin) = bucket().await;
    let content = pattern(2, 200_000);
    admin.put_object("b", "big", content.clone()).await;
    let par = admin.create_par("b", ParSpec::object_read("big")).await;
    let reply = curl(["-r", "65530-131080", &par.url()]).await.expect(206);
    assert!(
        reply.body == content[65530..=131_080],
        "not the bytes of the range"
    );
}

#[tokio::test]
async fn an_unchanged_etag_gives_304_without_a_body() {
    let (_server, put, url) = readable("hello").await;
    let condition = format!("if-none-match: {}", put.required("etag"));
    let reply = curl(["-H", &condition, &url]).await.expect(304);
    assert_eq!(
        (reply.text().as_str(), reply.required("etag")),
        ("", put.required("etag"))
    );
}

#[tokio::test]
async fn another_etag_in_if_none_match_gives_the_object() {
    let (_server, _, url) = readable("hello").await;
    let condition = "if-none-match: 00000000-0000-0000-0000-000000000000";
    assert_eq!(
        curl(["-H", condition, &url]).await.expect(200).text(),
        "hello"
    );
}

#[tokio::test]
async fn another_etag_in_if_match_gives_412() {
    let (_server, _, url) = readable("hello").await;
    let condition = "if-match: 00000000-0000-0000-0000-000000000000";
    assert_eq!(
        curl(["-H", condition, &url]).await.expect(412).code(),
        "IfMatchFailed"
    );
}

#[tokio::test]
async fn the_query_overrides_the_content_headers() {
    let (_server, _, url) = readable("hello").await;
    let query = [
        ("httpResponseContentType", "text/csv"),
        (
            "httpResponseContentDisposition",
            "attachment; filename=\"a b.csv\"",
        ),
        ("httpResponseCacheControl", "no-store"),
        ("httpResponseContentLanguage", "de"),
        ("httpResponseContentEncoding", "gzip"),
        ("httpResponseExpires", "Thu, 01 Dec 2033 16:00:00 GMT"),
    ]
    .map(|(name, value)| format!("{name}={}", encode(value)))
    .join("&");
    let reply = curl([&format!("{url}?{query}")]).await.expect(200);
    assert_eq!(reply.required("content-type"), "text/csv");
    assert_eq!(
        reply.required("content-disposition"),
        "attachment; filename=\"a b.csv\""
    );
    assert_eq!(reply.required("cache-control"), "no-store");
    assert_eq!(reply.required("content-language"), "de");
    assert_eq!(reply.required("content-encoding"), "gzip");
    assert_eq!(reply.required("expires"), "Thu, 01 Dec 2033 16:00:00 GMT");
    assert_eq!(reply.text(), "hello");
}

#[tokio::test]
async fn a_preflight_is_answered_for_every_method() {
    let (_server, _, url) = readable("hello").await;
    let ask = [
        "-H",
        "origin: https://example.com",
        "-H",
        "access-control-request-method: PUT",
    ];
    let reply = curl(
        ["-X", "OPTIONS"]
            .into_iter()
            .chain(ask)
            .chain([url.as_str()]),
    )
    .await;
    assert_eq!(reply.status, 200, "{}", reply.dump());
    assert_eq!(reply.required("access-control-allow-origin"), "*");
    let methods = "POST,PUT,GET,HEAD,DELETE,OPTIONS";
    assert_eq!(reply.required("access-control-allow-methods"), methods);
    assert_eq!(reply.text(), "");
}

#[tokio::test]
async fn a_preflight_lets_a_page_send_the_headers_it_asks_for() {
    let (_server, _, url) = readable("hello").await;
    let reply = curl([
        "-X",
        "OPTIONS",
        "-H",
        "origin: https://example.com",
        "-H",
        "access-control-request-method: PUT",
        "-H",
        "access-control-request-headers: content-type,opc-meta-color",
        &url,
    ])
    .await;
    let allowed = reply
        .required("access-control-allow-headers")
        .to_ascii_lowercase();
    for name in ["content-type", "opc-meta-color"] {
        assert!(allowed.contains(name), "{}", reply.dump());
    }
}

#[tokio::test]
async fn a_refusal_can_be_read_by_a_page_too() {
    let (server, _, url) = readable("hello").await;
    let wrong = url.replace("/p/", "/p/x");
    let reply = curl(["-H", "origin: https://example.com", &wrong])
        .await
        .expect(401);
    assert_eq!(reply.required("access-control-allow-origin"), "*");
    drop(server);
}

#[tokio::test]
async fn a_slash_in_a_name_may_be_raw_or_encoded() {
    let (server, admin) = bucket().await;
    admin.put_object("b", "dir/a b.txt", "nested").await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    for spelling in [
        "dir/a%20b.txt",
        "dir%2Fa%20b.txt",
        "dir%2fa%20b.txt",
        "%64ir/a%20b.txt",
    ] {
        let url = format!("{}{}{spelling}", server.endpoint(), par.root());
        assert_eq!(
            curl([&url]).await.expect(200).text(),
            "nested",
            "{spelling}"
        );
    }
}

#[tokio::test]
async fn dots_and_slashes_in_names_are_never_resolved() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let names = [
        "..",
        ".",
        "a/../b",
        "b",
        "//x",
        "/lead",
        "a/./b",
        "end/",
        "../../../etc/passwd",
    ];
    for name in names {
        admin.put_object("b", name, format!("I am {name}")).await;
    }
    for name in names {
        let reply = curl([&par.url_for(name)]).await.expect(200);
        assert_eq!(reply.text(), format!("I am {name}"));
    }
}

#[tokio::test]
async fn a_plus_in_a_path_is_a_plus() {
    let (server, admin) = bucket().await;
    admin.put_object("b", "a+b", "plus").await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let url = format!("{}{}a+b", server.endpoint(), par.root());
    assert_eq!(curl([&url]).await.expect(200).text(), "plus");
}

#[tokio::test]
async fn names_in_any_script_are_served() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    for name in ["Ünïcode/日本語.txt", "🗄", "per%cent", "q?u#e&r=y"] {
        admin.put_object("b", name, name.to_owned()).await;
        assert_eq!(curl([&par.url_for(name)]).await.expect(200).text(), name);
    }
}

#[tokio::test]
async fn the_access_uri_of_an_object_keeps_its_slashes_and_encodes_the_rest() {
    let (_server, admin) = bucket().await;
    admin.put_object("b", "dir/a b.txt", "nested").await;
    let par = admin
        .create_par("b", ParSpec::object_read("dir/a b.txt"))
        .await;
    assert!(
        par.access_uri.ends_with("/b/b/o/dir/a%20b.txt"),
        "{:?}",
        par.access_uri
    );
    assert_eq!(curl([&par.url()]).await.expect(200).text(), "nested");
}

#[tokio::test]
async fn an_authorization_header_beside_the_secret_is_ignored() {
    let (_server, _, url) = readable("hello").await;
    let reply = curl(["-H", "authorization: Signature nonsense", &url])
        .await
        .expect(200);
    assert_eq!(reply.text(), "hello");
}

#[tokio::test]
async fn a_missing_object_gives_404_with_its_name() {
    let (_server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let reply = curl([&par.url_for("no/such")]).await;
    assert_snapshot!(reply, @"404 ObjectNotFound: The object 'no/such' was not found in the bucket 'b'");
    assert_eq!(reply.required("content-type"), "application/json");
}

#[tokio::test]
async fn the_head_of_a_missing_object_gives_404_without_body_or_type() {
    let (server, admin) = bucket().await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let reply = server
        .anonymous()
        .head(par.path_for("no/such"))
        .await
        .expect(404);
    assert_eq!(
        (reply.body.len(), reply.header("content-type")),
        (0, None),
        "{}",
        reply.dump()
    );
}

#[tokio::test]
async fn each_reply_has_its_own_request_id_and_echoes_the_clients() {
    let (_server, _, url) = readable("hello").await;
    let id = "opc-client-request-id: 0123456789ABCDEF0123456789ABCDEF";
    let (first, second) = (curl(["-H", id, &url]).await, curl(["-H", id, &url]).await);
    assert_ne!(
        first.required("opc-request-id"),
        second.required("opc-request-id")
    );
    let echoed = first.required("opc-client-request-id");
    assert_eq!(echoed, "0123456789ABCDEF0123456789ABCDEF");
}

#[tokio::test]
async fn many_requests_may_share_a_connection() {
    let (server, admin) = bucket().await;
    admin.put_object("b", "a.txt", "hello").await;
    let par = admin.create_par("b", ParSpec::any_read()).await;
    let http = server.anonymous();
    let mut connection = http.connect().await;
    for _ in 0..20 {
        let found = connection
            .send(http.get(par.path_for("a.txt")))
            .await
            .unwrap();
        assert_eq!(found.expect(200).text(), "hello");
        let missing = connection
            .send(http.get(par.path_for("none")))
            .await
            .unwrap();
        missing.expect(404);
    }
}
