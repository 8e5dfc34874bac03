//! Putting, changing and deleting objects (Swift wire reference sections 6 and 7).

use std::time::Duration;

use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::stage::{Stage, page};

const PATIENCE: Duration = Duration::from_secs(5);

#[tokio::test]
async fn an_upload_replaces_content_and_all_metadata() {
    let stage = Stage::with_container().await;
    let put = stage.put("c/o").header("x-object-meta-a", "1");
    put.header("content-encoding", "gzip")
        .body("one")
        .await
        .expect(201);
    stage
        .put("c/o")
        .header("x-object-meta-b", "2")
        .body("two")
        .await
        .expect(201);
    let get = stage.get("c/o").await.expect(200);
    assert_eq!(get.text(), "two");
    assert_eq!(get.required("x-object-meta-b"), "2");
    assert_eq!(get.header("x-object-meta-a"), None);
    assert_eq!(get.header("content-encoding"), None);
}

#[tokio::test]
async fn the_stored_headers_come_back_and_others_do_not() {
    let stage = Stage::with_container().await;
    let stored = [
        ("content-type", "text/x-odd; charset=utf-8"),
        ("content-encoding", "gzip"),
        ("content-disposition", "attachment; filename=\"x\""),
        ("cache-control", "max-age=60"),
        ("content-language", "de"),
        ("expires", "Thu, 01 Dec 2033 16:00:00 GMT"),
        ("x-robots-tag", "noindex"),
        ("x-object-meta-empty", ""),
    ];
    let put = stage
        .put("c/o")
        .body("x")
        .header("x-timestamp", "1.00000")
        .header("x-other", "x");
    let put = stored
        .iter()
        .fold(put, |call, (name, value)| call.header(name, value));
    put.await.expect(201);
    for method in [Method::GET, Method::HEAD] {
        let reply = stage.call(method, "c/o").await.expect(200);
        for (name, value) in stored {
            assert_eq!(reply.required(name), value, "{name}");
        }
        assert_eq!(reply.header("x-other"), None);
        assert_ne!(reply.required("x-timestamp"), "1.00000");
        assert_eq!(reply.required("accept-ranges"), "bytes");
        assert_eq!(reply.required("content-length"), "1");
    }
}

#[tokio::test]
async fn without_a_type_it_is_guessed_from_the_name() {
    let stage = Stage::with_container().await;
    let kind = async |name: &str, headers: &[(&str, &str)]| {
        let call = stage.put(name).body("x");
        let call = headers
            .iter()
            .fold(call, |call, (name, value)| call.header(name, value));
        call.await.expect(201);
        stage.head(name).await.required("content-type").to_owned()
    };
    assert_eq!(kind("c/page.html", &[]).await, "text/html");
    assert_eq!(kind("c/page", &[]).await, "application/octet-stream");
    let sent = ("content-type", "text/css");
    assert_eq!(kind("c/page.html", &[sent]).await, "text/css");
    let detect = ("x-detect-content-type", "true");
    assert_eq!(kind("c/page.html", &[sent, detect]).await, "text/html");
}

#[tokio::test]
async fn an_upload_for_a_container_that_is_not_there_is_not_found() {
    let stage = Stage::new().await;
    stage.put("missing/o").body("x").await.expect(404);
}

#[tokio::test]
async fn an_etag_that_is_not_that_of_the_body_is_refused_and_nothing_stored() {
    let stage = Stage::with_container().await;
    let right = "5d41402abc4b2a76b9719d911017c592";
    for etag in [right.to_owned(), format!("\"{right}\"")] {
        stage
            .put("c/o")
            .header("etag", &etag)
            .body("hello")
            .await
            .expect(201);
    }
    let upper_case = right.to_uppercase();
    for etag in ["00000000000000000000000000000000", "odd", &upper_case] {
        let refused = stage
            .put("c/new")
            .header("etag", etag)
            .body("hello")
            .await
            .expect(422);
        let expected = page(
            "Unprocessable Entity",
            "Unable to process the contained instructions",
        );
        assert_eq!(refused.text(), expected);
        stage.head("c/new").await.expect(404);
    }
    let ignored = stage
        .put("c/o")
        .header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==");
    ignored.body("hello").await.expect(201);
}

#[tokio::test]
async fn a_body_says_where_it_ends_by_length_or_in_chunks() {
    let stage = Stage::with_container().await;
    let head = |headers: &str| {
        format!(
            "PUT {} HTTP/1.1\r\nHost: h\r\nConnection: close\r\nX-Auth-Token: {}\r\n{headers}\r\n",
            stage.path("c/o"),
            stage.token
        )
    };
    let send = async |request: String| {
        let answer = stage.http().send_raw(request.as_bytes(), PATIENCE).await;
        String::from_utf8(answer).unwrap()
    };
    let neither = send(head("")).await;
    assert!(neither.starts_with("HTTP/1.1 411 "), "{neither}");
    assert!(
        neither.ends_with("\r\n\r\nMissing Content-Length header."),
        "{neither}"
    );
    let odd = send(head("Content-Length: many\r\n")).await;
    assert!(odd.starts_with("HTTP/1.1 400 "), "{odd}");
    let chunked = format!(
        "{}3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        head("Transfer-Encoding: chunked\r\n")
    );
    let chunked = send(chunked).await;
    assert!(chunked.starts_with("HTTP/1.1 201 "), "{chunked}");
    assert_eq!(stage.get("c/o").await.expect(200).text(), "abcde");
}

#[tokio::test]
async fn a_body_that_is_announced_too_long_is_refused_unread() {
    let stage = Stage::with_container().await;
    let request = format!(
        "PUT {} HTTP/1.1\r\nHost: h\r\nX-Auth-Token: {}\r\nContent-Length: 5368709123\r\n\r\n",
        stage.path("c/o"),
        stage.token
    );
    let answer = stage.http().send_raw(request.as_bytes(), PATIENCE).await;
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(
        answer.ends_with("\r\n\r\nYour request is too large."),
        "{answer}"
    );
}

#[tokio::test]
async fn an_upload_that_ends_early_stores_nothing() {
    let stage = Stage::with_container().await;
    let request = format!(
        "PUT {} HTTP/1.1\r\nHost: h\r\nX-Auth-Token: {}\r\nContent-Length: 10\r\n\r\nabc",
        stage.path("c/o"),
        stage.token
    );
    let mut stream = TcpStream::connect(stage.http().address()).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.shutdown().await.unwrap();
    // The server has done with the upload when it closes, whatever it says.
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    assert!(!answer.starts_with(b"HTTP/1.1 2"), "{answer:?}");
    stage.head("c/o").await.expect(404);
}

#[tokio::test]
async fn an_upload_for_a_new_object_only_is_refused_where_there_is_one() {
    let stage = Stage::with_container().await;
    let put = || stage.put("c/o").header("if-none-match", "*").body("x");
    put().await.expect(201);
    put().await.expect(412);
    let other = stage
        .put("c/o")
        .header("if-none-match", "abc")
        .body("x")
        .await
        .expect(400);
    assert_eq!(other.text(), "If-None-Match only supports *");
    // If-Match means nothing to an upload.
    stage
        .put("c/o")
        .header("if-match", "abc")
        .body("x")
        .await
        .expect(201);
}

#[tokio::test]
async fn a_post_replaces_all_metadata_and_keeps_type_and_content() {
    let stage = Stage::with_container().await;
    let put = stage
        .put("c/o")
        .header("x-object-meta-a", "1")
        .header("content-type", "text/css");
    put.header("content-disposition", "inline")
        .body("hello")
        .await
        .expect(201);
    let before = stage.head("c/o").await;
    let post = stage
        .post("c/o")
        .header("x-object-meta-b", "2")
        .await
        .expect(202);
    let accepted = page("Accepted", "The request is accepted for processing.");
    assert_eq!(post.text(), accepted);
    let after = stage.head("c/o").await;
    assert_eq!(after.required("x-object-meta-b"), "2");
    assert_eq!(after.header("x-object-meta-a"), None);
    assert_eq!(after.header("content-disposition"), None);
    assert_eq!(after.required("content-type"), "text/css");
    assert_eq!(after.required("etag"), before.required("etag"));
    let started = std::time::Instant::now();
    // Times tell milliseconds: a POST within the one of the PUT does not show.
    while stage.head("c/o").await.required("x-timestamp") == before.required("x-timestamp") {
        assert!(started.elapsed() < PATIENCE, "a POST does not show");
        stage.post("c/o").await.expect(202);
    }
    stage
        .post("c/o")
        .header("content-type", "text/html")
        .await
        .expect(202);
    assert_eq!(
        stage.head("c/o").await.required("content-type"),
        "text/html"
    );
}

#[tokio::test]
async fn what_is_not_there_can_not_be_changed_or_deleted() {
    let stage = Stage::with_container().await;
    for method in [Method::GET, Method::HEAD, Method::POST, Method::DELETE] {
        let reply = stage.call(method.clone(), "c/missing").await.expect(404);
        if method != Method::HEAD {
            let expected = page("Not Found", "The resource could not be found.");
            assert_eq!(reply.text(), expected);
        }
        stage.call(method, "missing/o").await.expect(404);
    }
}

#[tokio::test]
async fn a_deleted_object_is_gone() {
    let stage = Stage::with_container().await;
    stage.put("c/o").body("x").await.expect(201);
    stage.delete("c/o").await.expect(204);
    stage.get("c/o").await.expect(404);
}

#[tokio::test]
async fn the_limits_of_metadata_are_refused_with_their_sentences() {
    let stage = Stage::with_container().await;
    for (name, value, sentence) in [
        (
            "x-object-meta-",
            "v".to_owned(),
            "Metadata name cannot be empty",
        ),
        (
            "x-object-meta-n",
            "v".repeat(257),
            "Metadata value longer than 256: x-object-meta-N",
        ),
    ] {
        for method in [Method::PUT, Method::POST] {
            let reply = stage
                .call(method, "c/o")
                .header(name, &value)
                .await
                .expect(400);
            assert_eq!(reply.text(), sentence);
        }
    }
    let large = (0..17).fold(stage.put("c/o"), |call, n| {
        call.header(&format!("x-object-meta-{n}"), &"v".repeat(250))
    });
    assert_eq!(
        large.await.expect(400).text(),
        "Total metadata too large; max 4096"
    );
}

#[tokio::test]
async fn a_container_over_its_quota_takes_no_more() {
    let stage = Stage::with_container().await;
    stage
        .post("c")
        .header("x-container-meta-quota-bytes", "5")
        .await
        .expect(204);
    stage.put("c/o").body("hello").await.expect(201);
    let refused = stage.put("c/p").body("!").await.expect(413);
    assert_eq!(refused.text(), "Upload exceeds quota.");
}
