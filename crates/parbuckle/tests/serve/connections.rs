//! What a peer can make the server hold, and what an unusual but honest peer gets.

use std::time::{Duration, Instant};

use parbuckle_testkit::TestServer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::PARBUCKLE;

/// Longer than any time-out of these tests by an order, shorter than the defaults.
const PATIENCE: Duration = Duration::from_secs(20);
const HEALTH: &[u8] = b"GET /healthz HTTP/1.1\r\nhost: h\r\n\r\n";

async fn connect(server: &TestServer) -> TcpStream {
    TcpStream::connect(server.anonymous().address())
        .await
        .unwrap()
}

/// Reads until the server closes, which it must within [`PATIENCE`]. A reset is a close.
async fn until_closed(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut bytes))
        .await
        .expect("the server keeps the connection open");
    bytes
}

/// Reads one answer of `/healthz`.
async fn healthy(stream: &mut TcpStream) -> bool {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\nok\n") {
        match timeout(PATIENCE, stream.read_buf(&mut bytes)).await {
            Ok(Ok(1..)) => {}
            _ => return false,
        }
    }
    true
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_after_the_header_timeout() {
    let server = TestServer::builder(PARBUCKLE)
        .arg("--header-timeout=1")
        .start()
        .await;
    let began = Instant::now();
    assert_eq!(until_closed(&mut connect(&server).await).await, b"");
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn headers_that_drip_in_do_not_outlive_the_header_timeout() {
    let server = TestServer::builder(PARBUCKLE)
        .arg("--header-timeout=1")
        .start()
        .await;
    let mut stream = connect(&server).await;
    stream
        .write_all(b"GET /healthz HTTP/1.1\r\nhost: h\r\n")
        .await
        .unwrap();
    let (mut read, mut write) = stream.split();
    let drip = async {
        while write.write_all(b"x-drip: y\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let mut rest = Vec::new();
    tokio::select! {
        _ = read.read_to_end(&mut rest) => {}
        () = drip => {}
        () = tokio::time::sleep(PATIENCE) => panic!("the server keeps the connection open"),
    }
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn a_connection_at_rest_is_closed_after_the_idle_timeout() {
    let server = TestServer::builder(PARBUCKLE)
        .arg("--idle-timeout=1")
        .arg("--header-timeout=60")
        .start()
        .await;
    let mut stream = connect(&server).await;
    stream.write_all(HEALTH).await.unwrap();
    assert!(healthy(&mut stream).await);
    let began = Instant::now();
    assert_eq!(until_closed(&mut stream).await, b"");
    assert!(
        began.elapsed() >= Duration::from_millis(900),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_header_timeout_does_not_cut_a_connection_at_rest() {
    let server = TestServer::builder(PARBUCKLE)
        .arg("--header-timeout=1")
        .arg("--idle-timeout=60")
        .start()
        .await;
    let mut stream = connect(&server).await;
    for _ in 0..2 {
        stream.write_all(HEALTH).await.unwrap();
        assert!(healthy(&mut stream).await);
        tokio::time::sleep(Duration::from_millis(2500)).await;
    }
}

#[tokio::test]
async fn a_client_that_takes_no_answer_is_cut_after_the_write_timeout() {
    let server = TestServer::builder(PARBUCKLE)
        .arg("--write-timeout=1")
        .start()
        .await;
    let mut stream = connect(&server).await;
    // Answers pile up until the socket takes no more; then nothing moves.
    let flood = HEALTH.repeat(1000);
    let flooded = async { while stream.write_all(&flood).await.is_ok() {} };
    timeout(PATIENCE, flooded)
        .await
        .expect("the server keeps the connection open");
    let closed = r#"parbuckle_connections_closed_total{reason="write timeout"} 1"#;
    let metrics = server.anonymous().get("/metrics").await.expect(200).text();
    assert!(metrics.contains(closed), "{metrics}");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_a_free_place() {
    let server = TestServer::builder(PARBUCKLE)
        .arg("--max-connections=1")
        .start()
        .await;
    let mut first = connect(&server).await;
    first.write_all(HEALTH).await.unwrap();
    assert!(healthy(&mut first).await);
    let mut second = connect(&server).await;
    second.write_all(HEALTH).await.unwrap();
    let early = timeout(Duration::from_millis(300), second.readable()).await;
    assert!(
        early.is_err(),
        "the second connection was served beside the first"
    );
    drop(first);
    assert!(healthy(&mut second).await);
}

#[tokio::test]
async fn headers_beyond_the_size_limit_are_refused_with_431() {
    let server = TestServer::start(PARBUCKLE).await;
    let big = "x".repeat(40_000);
    let call = server.anonymous().get("/healthz").header("x-a", &big);
    call.clone().await.expect(200);
    call.header("x-b", &big).await.expect(431);
}

#[tokio::test]
async fn headers_beyond_the_count_limit_are_refused_with_431() {
    let server = TestServer::builder(PARBUCKLE)
        .arg("--max-headers=20")
        .start()
        .await;
    let with = |count: usize| {
        let call = server.anonymous().get("/healthz");
        (0..count).fold(call, |call, number| {
            call.header(&format!("x-{number}"), "y")
        })
    };
    with(15).await.expect(200);
    with(25).await.expect(431);
}

#[tokio::test]
async fn an_endless_header_is_refused_long_before_it_fills_memory() {
    let server = TestServer::start(PARBUCKLE).await;
    let mut stream = connect(&server).await;
    stream.write_all(b"GET / HTTP/1.1\r\nx: ").await.unwrap();
    let block = [b'x'; 64 * 1024];
    let mut sent = 0;
    while sent < 64 << 20 && stream.write_all(&block).await.is_ok() {
        sent += block.len();
    }
    assert!(
        sent < 64 << 20,
        "the server read {sent} bytes of one header"
    );
}

#[tokio::test]
async fn requests_in_one_packet_are_answered_in_order() {
    let server = TestServer::start(PARBUCKLE).await;
    let mut requests = HEALTH.repeat(2);
    requests.extend_from_slice(b"DELETE /healthz HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    let mut stream = connect(&server).await;
    stream.write_all(&requests).await.unwrap();
    let answers = String::from_utf8(until_closed(&mut stream).await).unwrap();
    let statuses: Vec<_> = answers
        .match_indices("HTTP/1.1 ")
        .map(|(at, found)| &answers[at + found.len()..][..3])
        .collect();
    assert_eq!(statuses, ["200", "200", "405"], "{answers}");
}

#[tokio::test]
async fn a_client_that_shuts_down_its_sending_side_gets_its_answer() {
    let server = TestServer::start(PARBUCKLE).await;
    let mut stream = connect(&server).await;
    stream.write_all(HEALTH).await.unwrap();
    stream.shutdown().await.unwrap();
    let answer = until_closed(&mut stream).await;
    assert!(
        answer.ends_with(b"ok\n"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test]
async fn a_client_that_sends_its_whole_body_first_still_gets_its_refusal() {
    let server = TestServer::start(PARBUCKLE).await;
    let mut stream = connect(&server).await;
    let length = 32 << 20;
    let head = format!(
        "PUT /p/no-such-token/n/x/b/y/o/z HTTP/1.1\r\nhost: h\r\ncontent-length: {length}\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream
        .write_all(&vec![0; length])
        .await
        .expect("the server resets the connection");
    let answer = until_closed(&mut stream).await;
    assert!(
        answer.starts_with(b"HTTP/1.1 4"),
        "{}",
        String::from_utf8_lossy(&answer)
    );
}

#[tokio::test]
async fn http_2_is_spoken_in_clear_text_to_those_who_know_it() {
    let server = TestServer::start(PARBUCKLE).await;
    let url = format!("{}/healthz", server.endpoint());
    let output = tokio::process::Command::new("curl")
        .args([
            "-q",
            "-sS",
            "--noproxy",
            "*",
            "--http2-prior-knowledge",
            "-w",
            "%{http_version}",
            &url,
        ])
        .output()
        .await
        .expect("curl is installed");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "ok\n2");
}
