//! What answers look like byte for byte, and what stands in no other grammar: header names, lengths, raw bytes.

use std::time::Duration;

use crate::stage::Stage;

/// Longer than any reply takes; a reply that closes the connection comes sooner.
const PATIENCE: Duration = Duration::from_secs(5);

/// The answer to a request whose head is given without its last lines; the connection closes behind it.
async fn answer(stage: &Stage, head: &[u8]) -> String {
    let token = &stage.token;
    let rest = format!("Host: h\r\nX-Auth-Token: {token}\r\nConnection: close\r\n\r\n");
    let request = [head, rest.as_bytes()].concat();
    let answer = stage.http().send_raw(&request, PATIENCE).await;
    String::from_utf8_lossy(&answer).into_owned()
}

/// The request line of a GET below the account.
fn get(stage: &Stage, rest: &[u8]) -> Vec<u8> {
    let path = stage.path("");
    [b"GET ", path.as_bytes(), rest, b" HTTP/1.1\r\n"].concat()
}

#[tokio::test]
async fn header_names_begin_with_capitals_as_the_documents_show_them() {
    let stage = Stage::with_container().await;
    stage.put("c/o").header("x-object-meta-color", "blue").await;
    let found = answer(&stage, &get(&stage, b"/c/o")).await;
    for line in [
        "\r\nX-Object-Meta-Color: blue\r\n",
        "\r\nEtag: ",
        "\r\nX-Trans-Id: tx",
    ] {
        assert!(found.contains(line), "{found}");
    }
}

#[tokio::test]
async fn the_native_apis_header_names_stay_in_lower_case() {
    let stage = Stage::new().await;
    let found = answer(&stage, b"GET /n HTTP/1.1\r\n").await;
    assert!(found.contains("\r\nopc-request-id: "), "{found}");
    assert!(!found.contains("\r\nContent-"), "{found}");
}

#[tokio::test]
async fn an_answer_without_content_tells_the_length_zero() {
    let stage = Stage::with_container().await;
    let head = String::from_utf8(get(&stage, b"/c"))
        .unwrap()
        .replace("GET", "HEAD");
    let post = String::from_utf8(get(&stage, b"/c"))
        .unwrap()
        .replace("GET", "POST");
    for line in [get(&stage, b"/c"), head.into(), post.into()] {
        let found = answer(&stage, &line).await;
        assert!(found.starts_with("HTTP/1.1 204 "), "{found}");
        assert!(found.contains("\r\nContent-Length: 0\r\n"), "{found}");
    }
}

#[tokio::test]
async fn whoever_asks_to_keep_the_connection_is_told_that_it_stays() {
    let stage = Stage::new().await;
    let asking = stage.http().get("/info").header("connection", "keep-alive");
    assert_eq!(asking.await.required("connection"), "keep-alive");
    assert!(
        stage
            .http()
            .get("/info")
            .await
            .header("connection")
            .is_none()
    );
}

#[tokio::test]
async fn a_path_of_raw_bytes_is_read_as_if_they_were_escaped() {
    let stage = Stage::with_container().await;
    stage.put("c/é").body("found").await.expect(201);
    let found = answer(&stage, &get(&stage, "/c/é".as_bytes())).await;
    assert!(found.ends_with("found"), "{found}");
    for path in [&b"/c/\xff"[..], b"/\xe9"] {
        let found = answer(&stage, &get(&stage, path)).await;
        assert!(found.starts_with("HTTP/1.1 412 "), "{found}");
        assert!(found.ends_with("Invalid UTF8 or contains NULL"), "{found}");
    }
}

#[tokio::test]
async fn more_headers_than_metadata_may_have_are_refused_by_their_number() {
    let stage = Stage::with_container().await;
    let mut put = stage.put("c/o");
    for number in 0..190 {
        put = put.header(&format!("x-object-meta-{number}"), "x");
    }
    let refused = put.await.expect(400);
    assert_eq!(refused.text(), "Too many metadata items; max 90");
}

#[tokio::test]
async fn values_of_object_metadata_are_bytes_and_those_of_containers_are_text() {
    let stage = Stage::with_container().await;
    let path = stage.path("/c/o").replace("//", "/");
    let token = &stage.token;
    let head = format!("PUT {path} HTTP/1.1\r\nHost: h\r\nX-Auth-Token: {token}\r\n");
    let rest = b"X-Object-Meta-Raw: a\xffb\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let put = stage
        .http()
        .send_raw(&[head.as_bytes(), rest].concat(), PATIENCE)
        .await;
    assert!(
        put.starts_with(b"HTTP/1.1 201 "),
        "{}",
        String::from_utf8_lossy(&put)
    );
    let request = format!("{}Connection: close\r\n\r\n", head.replace("PUT", "HEAD"));
    let found = stage.http().send_raw(request.as_bytes(), PATIENCE).await;
    let wanted = b"X-Object-Meta-Raw: a\xffb\r\n";
    assert!(found.windows(wanted.len()).any(|window| window == wanted));
    let post = head.replace("PUT", "POST").replace("/c/o", "/c");
    let rest = b"X-Container-Meta-Raw: a\xffb\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let post = stage
        .http()
        .send_raw(&[post.as_bytes(), rest].concat(), PATIENCE)
        .await;
    let post = String::from_utf8_lossy(&post);
    assert!(post.starts_with("HTTP/1.1 400 "), "{post}");
    assert!(post.ends_with("Metadata must be valid UTF-8"), "{post}");
}

#[tokio::test]
async fn a_name_of_metadata_that_is_no_ascii_is_kept_percent_encoded() {
    let stage = Stage::with_container().await;
    stage.put("c/o").await.expect(201);
    let post = get(&stage, b"/c/o");
    let post = [
        b"POST",
        &post[b"GET".len()..],
        "X-Object-Meta-Größe: groß\r\n".as_bytes(),
    ]
    .concat();
    let posted = answer(&stage, &post).await;
    assert!(posted.starts_with("HTTP/1.1 202 "), "{posted}");
    let found = answer(&stage, &get(&stage, b"/c/o")).await;
    assert!(
        found.contains("X-Object-Meta-Gr%c3%b6%c3%9fe: groß\r\n"),
        "{found}"
    );
}

#[tokio::test]
async fn a_coding_that_nobody_knows_is_refused_before_the_body() {
    let stage = Stage::with_container().await;
    let put = String::from_utf8(get(&stage, b"/c/o"))
        .unwrap()
        .replace("GET", "PUT");
    let head = format!("{put}Transfer-Encoding: gzip, chunked\r\n");
    let found = answer(&stage, head.as_bytes()).await;
    assert!(found.starts_with("HTTP/1.1 501 "), "{found}");
    stage.head("c/o").await.expect(404);
}

#[tokio::test]
async fn there_is_one_storage_policy_and_no_container_gets_another() {
    let stage = Stage::new().await;
    let info = stage.http().get("/info").await.expect(200).json();
    assert_eq!(info["swift"]["policies"][0]["name"], "Policy-0");
    let refused = stage.put("c").header("x-storage-policy", "gold").await;
    assert_eq!(
        refused.expect(400).text(),
        "Invalid X-Storage-Policy 'gold'"
    );
    stage.head("c").await.expect(404);
    stage
        .put("c")
        .header("x-storage-policy", "policy-0")
        .await
        .expect(201);
    assert_eq!(
        stage.head("c").await.required("x-storage-policy"),
        "Policy-0"
    );
    let account = stage.head("").await;
    let count = account.required("x-account-storage-policy-policy-0-container-count");
    assert_eq!(count, "1");
}
