//! The HTTP client and the curl wrapper, tried on a listener that answers with fixed bytes.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use parbuckle_testkit::Http;
use parbuckle_testkit::clients::curl;

/// Answers one connection with these bytes and closes; the receiver gets what was sent.
fn answering(bytes: &'static [u8]) -> (Http, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let address = listener
        .local_addr()
        .expect("a bound listener has an address");
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the test connects");
        let mut buffer = [0; 4096];
        let count = stream.read(&mut buffer).expect("the test sends a request");
        stream.write_all(bytes).expect("the test reads the answer");
        // The test may have stopped listening; then nobody wants to know.
        let _ = sender.send(String::from_utf8_lossy(&buffer[..count]).into_owned());
    });
    (Http::new(address.to_string()), receiver)
}

#[tokio::test]
async fn the_target_is_sent_as_it_is() {
    let (http, sent) = answering(b"HTTP/1.1 204 No Content\r\n\r\n");
    http.get("/o/a/../b%2f..?x=+%2B").await.expect(204);
    let request = sent.recv().unwrap();
    assert!(
        request.starts_with("GET /o/a/../b%2f..?x=+%2B HTTP/1.1\r\n"),
        "{request}"
    );
}

#[tokio::test]
async fn an_error_body_is_shown_on_one_line() {
    let (http, _) = answering(
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 29\r\n\r\n{\"code\":\"Gone\",\"message\":\"m\"}",
    );
    assert_eq!(http.get("/").await.to_string(), "404 Gone: m");
}

#[tokio::test]
async fn a_body_that_breaks_off_is_a_failure() {
    let (http, _) = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    let error = http.get("/").attempt().await.unwrap_err();
    assert!(error.sent && error.reason.contains("broke off"), "{error}");
}

#[tokio::test]
async fn a_refused_connection_is_known_to_have_sent_nothing() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    drop(listener);
    let error = Http::new(address).get("/").attempt().await.unwrap_err();
    assert!(!error.sent, "{error}");
}

#[tokio::test]
async fn raw_bytes_are_answered_with_raw_bytes() {
    let (http, sent) = answering(b"HTTP/1.1 400 Bad\r\n\r\n");
    let answer = http
        .send_raw(b"nonsense\r\n\r\n", Duration::from_secs(5))
        .await;
    assert_eq!(answer, b"HTTP/1.1 400 Bad\r\n\r\n");
    assert_eq!(sent.recv().unwrap(), "nonsense\r\n\r\n");
}

#[tokio::test]
async fn curl_gives_the_same_reply_as_the_client() {
    let (http, sent) = answering(b"HTTP/1.1 201 Made\r\ncontent-length: 2\r\nX-One: 1\r\n\r\nhi");
    let reply = curl([format!("http://{}/a/../b", http.address())])
        .await
        .expect(201);
    assert_eq!(
        (reply.text().as_str(), reply.required("x-one")),
        ("hi", "1")
    );
    assert!(sent.recv().unwrap().starts_with("GET /a/../b HTTP/1.1\r\n"));
}

#[tokio::test]
async fn curl_head_has_headers_and_no_body() {
    let (http, _) = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
    let reply = curl(["--head", &format!("http://{}/", http.address())])
        .await
        .expect(200);
    assert_eq!(
        (reply.body.len(), reply.required("content-length")),
        (0, "5")
    );
}

#[tokio::test]
#[should_panic(expected = "transfer closed")]
async fn curl_fails_on_a_body_that_breaks_off() {
    let (http, _) = answering(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf");
    curl([format!("http://{}/", http.address())]).await;
}
