//! Writing through a pre-authenticated request with curl (wire reference 7.2 and 3.3).

use std::time::Duration;

use insta::assert_snapshot;
use parbuckle_testkit::clients::curl;
use parbuckle_testkit::{Par, ParSpec, Reply, SignedClient, TestServer, pattern};

async fn bucket() -> (TestServer, SignedClient, Par) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    let par = admin.create_par("b", ParSpec::any_read_write()).await;
    (server, admin, par)
}

async fn put(url: &str, content: &str, headers: &[&str]) -> Reply {
    let headers = headers.iter().flat_map(|header| ["-H", header]);
    curl(
        ["-X", "PUT", "--data-binary", content]
            .into_iter()
            .chain(headers)
            .chain([url]),
    )
    .await
}

#[tokio::test]
async fn a_put_answers_with_what_it_stored() {
    let (_server, admin, par) = bucket().await;
    let reply = put(&par.url_for("a.txt"), "hello", &[]).await.expect(200);
    assert_eq!(
        reply.required("opc-content-md5"),
        "XUFAKrxLKna5cZ2REBfFkg=="
    );
    assert_eq!(reply.text(), "");
    let head = admin
        .head(admin.object_path("b", "a.txt"))
        .await
        .expect(200);
    for name in ["etag", "last-modified", "version-id"] {
        assert_eq!(reply.required(name), head.required(name), "{name}");
    }
    assert_eq!(admin.read_object("b", "a.txt").await, "hello");
}

#[tokio::test]
async fn curls_own_content_type_is_stored_and_served() {
    let (_server, _, par) = bucket().await;
    put(&par.url_for("a.txt"), "hello", &[]).await.expect(200);
    let reply = curl([&par.url_for("a.txt")]).await;
    assert_eq!(
        reply.required("content-type"),
        "application/x-www-form-urlencoded"
    );
}

#[tokio::test]
async fn content_headers_and_metadata_are_stored_and_served() {
    let (_server, _, par) = bucket().await;
    let sent = [
        ("content-type", "text/plain; charset=utf-8"),
        ("content-language", "en"),
        ("content-encoding", "identity"),
        ("content-disposition", "attachment; filename=\"x.txt\""),
        ("cache-control", "max-age=60"),
        ("opc-meta-color", "dark blue"),
        ("opc-meta-version", "2020May"),
    ];
    let headers: Vec<_> = sent
        .iter()
        .map(|(name, value)| format!("{name}: {value}"))
        .collect();
    let headers: Vec<_> = headers.iter().map(String::as_str).collect();
    put(&par.url_for("a.txt"), "hello", &headers)
        .await
        .expect(200);
    let reply = curl([&par.url_for("a.txt")]).await;
    for (name, value) in sent {
        assert_eq!(reply.required(name), value, "{name}");
    }
}

#[tokio::test]
async fn a_put_replaces_the_object_and_its_metadata() {
    let (_server, _, par) = bucket().await;
    let url = par.url_for("a.txt");
    let first = put(&url, "first", &["opc-meta-color: blue"])
        .await
        .expect(200);
    let second = put(&url, "second", &[]).await.expect(200);
    assert_ne!(first.required("etag"), second.required("etag"));
    let reply = curl([&url]).await.expect(200);
    assert_eq!(reply.text(), "second");
    assert_eq!(reply.header("opc-meta-color"), None);
}

#[tokio::test]
async fn an_empty_file_makes_an_empty_object() {
    let (server, admin, par) = bucket().await;
    let file = server.scratch_file("empty", "");
    let data = format!("@{}", file.display());
    let reply = curl(["-X", "PUT", "--data-binary", &data, &par.url_for("empty")])
        .await
        .expect(200);
    assert_eq!(
        reply.required("opc-content-md5"),
        "1B2M2Y8AsgTpgAmY7PhCfg=="
    );
    assert_eq!(admin.read_object("b", "empty").await, "");
}

#[tokio::test]
async fn a_large_file_is_stored_whole() {
    let (server, admin, par) = bucket().await;
    let content = pattern(3, 5 * 1024 * 1024 + 7);
    let file = server.scratch_file("big", &content);
    let data = format!("@{}", file.display());
    curl(["-X", "PUT", "--data-binary", &data, &par.url_for("big")])
        .await
        .expect(200);
    assert!(
        admin.read_object("b", "big").await == content,
        "another content was stored"
    );
}

#[tokio::test]
async fn a_file_sent_with_upload_option_is_stored_without_a_form_type() {
    let (server, admin, par) = bucket().await;
    let file = server.scratch_file("f", "hello");
    let path = file.to_str().expect("a temporary path is text");
    curl(["-T", path, &par.url_for("f")]).await.expect(200);
    let head = admin.head(admin.object_path("b", "f")).await.expect(200);
    assert_eq!(head.required("content-type"), "application/octet-stream");
}

#[tokio::test]
async fn an_object_name_may_come_with_raw_slashes() {
    let (_server, admin, par) = bucket().await;
    put(&par.url_for("dir/sub dir/x"), "nested", &[])
        .await
        .expect(200);
    assert_eq!(admin.read_object("b", "dir/sub dir/x").await, "nested");
}

#[tokio::test]
async fn a_wrong_content_md5_is_refused_and_nothing_is_stored() {
    let (_server, admin, par) = bucket().await;
    let header = "content-md5: 1B2M2Y8AsgTpgAmY7PhCfg==";
    let reply = put(&par.url_for("a.txt"), "hello", &[header])
        .await
        .expect(400);
    assert_snapshot!(reply, @"400 UnmatchedContentMD5: The computed MD5 of the request body (XUFAKrxLKna5cZ2REBfFkg==) does not match the Content-MD5 header (1B2M2Y8AsgTpgAmY7PhCfg==)");
    assert!(admin.list_names("b", "").await.is_empty());
}

#[tokio::test]
async fn a_wrong_content_md5_leaves_the_old_object() {
    let (_server, admin, par) = bucket().await;
    let url = par.url_for("a.txt");
    put(&url, "old", &[]).await.expect(200);
    put(&url, "new", &["content-md5: 1B2M2Y8AsgTpgAmY7PhCfg=="])
        .await
        .expect(400);
    assert_eq!(admin.read_object("b", "a.txt").await, "old");
}

#[tokio::test]
async fn a_right_content_md5_is_accepted() {
    let (_server, _, par) = bucket().await;
    let header = "content-md5: XUFAKrxLKna5cZ2REBfFkg==";
    put(&par.url_for("a.txt"), "hello", &[header])
        .await
        .expect(200);
}

#[tokio::test]
async fn if_none_match_star_protects_an_existing_object() {
    let (_server, admin, par) = bucket().await;
    let url = par.url_for("a.txt");
    put(&url, "first", &["if-none-match: *"]).await.expect(200);
    let reply = put(&url, "second", &["if-none-match: *"]).await.expect(412);
    assert_eq!(reply.code(), "IfNoneMatchFailed");
    assert_eq!(admin.read_object("b", "a.txt").await, "first");
}

#[tokio::test]
async fn a_stale_if_match_protects_the_newer_object() {
    let (_server, admin, par) = bucket().await;
    let url = par.url_for("a.txt");
    let first = put(&url, "first", &[]).await.expect(200);
    put(&url, "second", &[]).await.expect(200);
    let condition = format!("if-match: {}", first.required("etag"));
    let reply = put(&url, "third", &[&condition]).await.expect(412);
    assert_eq!(reply.code(), "IfMatchFailed");
    assert_eq!(admin.read_object("b", "a.txt").await, "second");
}

#[tokio::test]
async fn a_name_of_1025_bytes_is_refused_and_one_of_1024_stored() {
    let (_server, admin, par) = bucket().await;
    put(&par.url_for(&"n".repeat(1024)), "x", &[])
        .await
        .expect(200);
    let reply = put(&par.url_for(&"n".repeat(1025)), "x", &[])
        .await
        .expect(400);
    assert_eq!(reply.code(), "InvalidObjectName");
    assert_eq!(admin.list_names("b", "").await, ["n".repeat(1024)]);
}

#[tokio::test]
async fn a_name_with_a_line_break_or_nul_is_refused() {
    let (_server, admin, par) = bucket().await;
    for name in ["a\nb", "a\rb", "a\0b"] {
        let reply = put(&par.url_for(name), "x", &[]).await.expect(400);
        assert_eq!(reply.code(), "InvalidObjectName", "{name:?}");
    }
    assert!(admin.list_names("b", "").await.is_empty());
}

#[tokio::test]
async fn a_name_that_is_not_utf8_is_refused() {
    let (server, _, par) = bucket().await;
    let url = format!("{}{}a%FFb", server.endpoint(), par.root());
    assert_eq!(
        put(&url, "x", &[]).await.expect(400).code(),
        "InvalidObjectName"
    );
}

#[tokio::test]
async fn a_body_of_unknown_length_may_come_in_chunks() {
    let (server, admin, par) = bucket().await;
    let content = pattern(5, 300_000);
    let file = server.scratch_file("stream", &content);
    let data = format!("@{}", file.display());
    put(
        &par.url_for("a.bin"),
        &data,
        &["transfer-encoding: chunked"],
    )
    .await
    .expect(200);
    assert!(
        admin.read_object("b", "a.bin").await == content,
        "another content was stored"
    );
}

#[tokio::test]
async fn a_put_that_does_not_say_where_its_body_ends_is_refused() {
    let (_server, admin, par) = bucket().await;
    let reply = curl(["-X", "PUT", &par.url_for("a.txt")]).await.expect(411);
    assert_eq!(reply.code(), "LengthRequired");
    assert!(admin.list_names("b", "").await.is_empty());
}

#[tokio::test]
async fn too_much_metadata_is_refused() {
    let (_server, admin, par) = bucket().await;
    let header = format!("opc-meta-long: {}", "x".repeat(4100));
    let reply = put(&par.url_for("a.txt"), "hello", &[&header]).await;
    assert_eq!(reply.status, 400, "{}", reply.dump());
    assert!(admin.list_names("b", "").await.is_empty());
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let (server, admin, par) = bucket().await;
    let head = format!(
        "PUT {} HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n",
        par.path_for("torn")
    );
    let mut request = head.into_bytes();
    request.extend(pattern(4, 50_000));
    // No answer may come before the body ends; closing then breaks the upload off.
    let answer = server
        .anonymous()
        .send_raw(&request, Duration::from_millis(300))
        .await;
    assert_eq!(String::from_utf8_lossy(&answer), "");
    curl([&par.url_for("torn")]).await.expect(404);
    assert!(admin.list_names("b", "").await.is_empty());
}

/// Sends an upload that asks before it sends its body, with the body right behind.
async fn ask_to_put(server: &TestServer, path: &str) -> String {
    let request = format!(
        "PUT {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\
         Connection: close\r\n\r\nhello"
    );
    let patience = Duration::from_secs(10);
    let answer = server
        .anonymous()
        .send_raw(request.as_bytes(), patience)
        .await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_refused_upload_is_not_invited_to_send_its_body() {
    let (server, _, par) = bucket().await;
    let path = par.path_for("a.txt").replace(par.token(), &"A".repeat(64));
    let answer = ask_to_put(&server, &path).await;
    assert!(answer.starts_with("HTTP/1.1 401 "), "{answer}");
}

#[tokio::test]
async fn an_allowed_upload_is_invited_to_send_its_body() {
    let (server, admin, par) = bucket().await;
    let answer = ask_to_put(&server, &par.path_for("a.txt")).await;
    assert!(
        answer.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n"),
        "{answer}"
    );
    assert_eq!(admin.read_object("b", "a.txt").await, "hello");
}

#[tokio::test]
async fn parallel_writers_leave_one_whole_object() {
    let (server, admin, par) = bucket().await;
    let url = par.url_for("contested");
    let files: Vec<_> = (0..8)
        .map(|seed| {
            let file = server.scratch_file(&format!("f{seed}"), pattern(seed, 150_000));
            format!("@{}", file.display())
        })
        .collect();
    let mut writers = tokio::task::JoinSet::new();
    for file in files {
        let url = url.clone();
        writers.spawn(async move { curl(["-X", "PUT", "--data-binary", &file, &url]).await });
    }
    while let Some(reply) = writers.join_next().await {
        reply.unwrap().expect(200);
    }
    let stored = admin.read_object("b", "contested").await;
    assert!(
        (0..8).any(|seed| stored == pattern(seed, 150_000)),
        "a mix of several writers"
    );
}
