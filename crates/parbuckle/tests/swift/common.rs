//! What holds for every path and reply (Swift wire reference sections 1 and 15).

use std::time::Duration;

use http::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Stage, page};

/// Longer than any reply takes; a reply that closes the connection comes sooner.
const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn every_reply_has_a_transaction_id_that_the_client_may_lengthen() {
    let stage = Stage::new().await;
    for target in ["/auth/v1.0", "/info", "/v1/x", "/v1", "/v2/x"] {
        let reply = stage
            .http()
            .get(target)
            .header("x-trans-id-extra", "foo")
            .await;
        let id = reply.required("x-trans-id");
        let (random, rest) = id.strip_prefix("tx").unwrap().split_once('-').unwrap();
        let (time, extra) = rest.split_once('-').unwrap();
        assert_eq!((random.len(), time.len(), extra), (21, 10, "foo"), "{id}");
        let hex = |text: &str| text.bytes().all(|b| b.is_ascii_hexdigit());
        assert!(hex(random) && hex(time), "{id}");
        assert_eq!(reply.required("x-openstack-request-id"), id);
        assert!(reply.header("date").is_some());
    }
}

#[tokio::test]
async fn bad_paths_are_told_apart_by_status_and_sentence() {
    let stage = Stage::new().await;
    let not_found = page("Not Found", "The resource could not be found.");
    let bad = page(
        "Bad Request",
        "The server could not comply with the request since it is either malformed or otherwise incorrect.",
    );
    for (target, status, text) in [
        ("/v1", 412, "Bad URL"),
        ("/v1/", 412, "Bad URL"),
        ("/auth", 412, "Bad URL"),
        ("/v1//c", 404, &not_found),
        ("/auth/", 404, &not_found),
        ("/v2/x", 400, &bad),
        ("/infox", 412, "Bad URL"),
        ("/info%20x", 412, "Bad URL"),
        ("/info/x", 400, &bad),
        ("/auth/v2.0", 400, &bad),
        ("/v1/a/c/%ff", 412, "Invalid UTF8 or contains NULL"),
        ("/v1/a/c/a%00b", 412, "Invalid UTF8 or contains NULL"),
    ] {
        let reply = stage.http().get(target).await.expect(status);
        assert_eq!(reply.text(), text, "{target}");
        assert_eq!(reply.required("content-type"), "text/html; charset=UTF-8");
    }
}

#[tokio::test]
async fn a_refusal_of_head_has_no_body() {
    let stage = Stage::with_container().await;
    let reply = stage.head("c/missing").await.expect(404);
    assert_eq!(reply.required("content-length"), "0");
    assert!(reply.body.is_empty());
}

#[tokio::test]
async fn a_method_that_a_resource_does_not_know_is_refused_with_those_it_knows() {
    let stage = Stage::with_container().await;
    for (rest, method) in [("", "COPY"), ("c", "COPY"), ("c/o", "PATCH"), ("c", "FOO")] {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let reply = stage.anonymous(method, rest).await.expect(405);
        let allowed = reply.required("allow");
        for name in ["HEAD", "GET", "POST", "OPTIONS", "DELETE", "PUT"] {
            assert!(allowed.contains(name), "{rest}: {allowed}");
        }
        let expected = page(
            "Method Not Allowed",
            "The method is not allowed for this resource.",
        );
        assert_eq!(reply.text(), expected);
    }
}

#[tokio::test]
async fn options_without_an_origin_tells_the_methods_and_asks_no_token() {
    let stage = Stage::new().await;
    for rest in ["", "c", "c/o"] {
        let reply = stage.anonymous(Method::OPTIONS, rest).await.expect(200);
        assert!(reply.required("allow").contains("PUT"), "{rest}");
    }
}

#[tokio::test]
async fn a_header_line_beyond_8192_bytes_is_refused_and_the_connection_closed() {
    let stage = Stage::new().await;
    let line = |length: usize| "x".repeat(length - "x-long: \r\n".len());
    let call = |length| stage.http().get("/info").header("x-long", &line(length));
    call(8192).await.expect(200);
    let reply = call(8193).await.expect(400);
    assert_eq!(reply.required("connection"), "close");
}

#[tokio::test]
async fn capabilities_are_told_to_anybody() {
    let stage = Stage::new().await;
    let info = stage.http().get("/info").await.expect(200).json();
    for (name, value) in [
        ("max_file_size", json!(5_368_709_122_u64)),
        ("max_meta_name_length", json!(128)),
        ("max_meta_value_length", json!(256)),
        ("max_meta_count", json!(90)),
        ("max_meta_overall_size", json!(4096)),
        ("max_container_name_length", json!(256)),
        ("max_object_name_length", json!(1024)),
        ("container_listing_limit", json!(10_000)),
        ("account_listing_limit", json!(10_000)),
        ("strict_cors_mode", json!(true)),
    ] {
        assert_eq!(info["swift"][name], value, "{name}");
    }
    stage.http().head("/info").await.expect(200);
    stage.http().options("/info").await.expect(200);
    stage.http().post("/info").await.expect(405);
}

#[tokio::test]
async fn health_is_told_to_anybody() {
    let stage = Stage::new().await;
    let reply = stage.http().get("/healthcheck").await.expect(200);
    assert_eq!(reply.text(), "OK");
}

#[tokio::test]
async fn names_are_decoded_once_and_never_normalised() {
    let stage = Stage::with_container().await;
    for (raw, name) in [
        ("a%252Fb", "a%2Fb"),
        ("a//b", "a//b"),
        ("p/../q", "p/../q"),
        ("/lead", "/lead"),
        ("dir/", "dir/"),
        ("x%2Fy", "x/y"),
        ("one+two", "one+two"),
        ("%C3%A9%01%09", "é\u{1}\t"),
    ] {
        let base = stage.path("c");
        let put = stage
            .http()
            .put(format!("{base}/{raw}"))
            .body(name.to_owned());
        put.header("x-auth-token", &stage.token).await.expect(201);
        assert_eq!(
            stage.get(&format!("c/{name}")).await.expect(200).text(),
            name
        );
    }
    let listed = stage.get("c").await.expect(200).text();
    assert_eq!(
        listed,
        "/lead\na%2Fb\na//b\ndir/\none+two\np/../q\nx/y\né\u{1}\t\n"
    );
}

#[tokio::test]
async fn names_that_are_too_long_are_refused_where_they_would_be_made() {
    let stage = Stage::with_container().await;
    let (container, object) = ("c".repeat(257), format!("c/{}", "o".repeat(1025)));
    assert_eq!(
        stage.put(&container).await.expect(400).text(),
        "Container name length of 257 longer than 256"
    );
    let put = stage.put(&object).body("x").await.expect(400);
    assert_eq!(put.text(), "Object name length of 1025 longer than 1024");
    stage.put(&container[1..]).await.expect(201);
    stage
        .put(&object[..object.len() - 1])
        .body("x")
        .await
        .expect(201);
    for rest in [container.as_str(), object.as_str()] {
        stage.get(rest).await.expect(404);
        stage.delete(rest).await.expect(404);
        stage.anonymous(Method::GET, rest).await.expect(401);
    }
}

#[tokio::test]
async fn a_slash_behind_a_container_does_not_count() {
    let stage = Stage::with_container().await;
    stage.head("c/").await.expect(204);
    stage
        .http()
        .get(format!("{}?format=json", stage.path("c/")))
        .header("x-auth-token", &stage.token)
        .await
        .expect(200);
}

#[tokio::test]
async fn other_versions_of_the_first_path_segment_reach_the_same_data() {
    let stage = Stage::with_container().await;
    let target = stage.path("c").replacen("/v1/", "/v1.0/", 1);
    stage
        .http()
        .head(target)
        .header("x-auth-token", &stage.token)
        .await
        .expect(204);
}

#[tokio::test]
async fn the_interim_continue_comes_only_once_the_request_was_accepted() {
    let stage = Stage::with_container().await;
    stage.put("c/there").body("x").await.expect(201);
    let head = |path: &str, headers: &str| {
        format!(
            "PUT {} HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n{headers}\r\n\r\n",
            stage.path(path)
        )
    };
    let token = format!("X-Auth-Token: {}", stage.token);
    for (path, headers, status) in [
        ("c/o", "Content-Length: 5".to_owned(), "401"),
        ("missing/o", format!("Content-Length: 5\r\n{token}"), "404"),
        (
            "c/o",
            format!("Content-Length: 5\r\n{token}\r\nIf-None-Match: x"),
            "400",
        ),
        (
            "c/there",
            format!("Content-Length: 5\r\n{token}\r\nIf-None-Match: *"),
            "412",
        ),
        (
            "c/o",
            format!("Content-Length: 5368709123\r\n{token}"),
            "413",
        ),
    ] {
        let head = head(path, &headers);
        let answer = stage.http().send_raw(head.as_bytes(), PATIENCE).await;
        let answer = String::from_utf8(answer).unwrap();
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{head}{answer}"
        );
    }
    let mut stream = TcpStream::connect(stage.http().address()).await.unwrap();
    let head = head(
        "c/o",
        &format!("Content-Length: 5\r\nConnection: close\r\n{token}"),
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 "), "{answer}");
}
