//! SIGTERM: requests in flight are finished, within bounds.

use std::time::{Duration, Instant};

use parbuckle_testkit::{ParSpec, TestServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::PARBUCKLE;

const BODY: &[u8] = &[7; 300_000];

/// A PUT of [`BODY`] through a PAR of which half has been sent and read.
async fn half_a_put(server: &TestServer) -> (TcpStream, String) {
    let admin = server.admin();
    admin.create_bucket("b").await;
    let path = admin
        .create_par("b", ParSpec::any_read_write())
        .await
        .path_for("half");
    let address = server.anonymous().address().to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    let head = format!(
        "PUT {path} HTTP/1.1\r\nhost: {address}\r\nexpect: 100-continue\r\ncontent-length: {}\r\n\r\n",
        BODY.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    // The interim answer comes when the server has begun with the body.
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(&BODY[..BODY.len() / 2]).await.unwrap();
    (stream, path)
}

/// Asks until the server no longer accepts connections.
async fn listener_closed(address: &str) {
    let began = Instant::now();
    while TcpStream::connect(address).await.is_ok() {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "still listening after SIGTERM"
        );
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[tokio::test]
async fn a_request_in_flight_is_finished_and_kept() {
    let mut server = TestServer::start(PARBUCKLE).await;
    let (mut stream, path) = half_a_put(&server).await;
    let address = server.anonymous().address().to_owned();
    let finished = async {
        listener_closed(&address).await;
        stream.write_all(&BODY[BODY.len() / 2..]).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        reply
    };
    let (status, reply) = tokio::join!(server.terminate(), finished);
    assert!(reply.starts_with("HTTP/1.1 200 "), "{reply}");
    assert!(status.success(), "{}", server.output());
    server.restart().await;
    assert_eq!(server.anonymous().get(path).await.expect(200).body, BODY);
}

#[tokio::test]
async fn a_connection_at_rest_does_not_hold_the_server() {
    let mut server = TestServer::start(PARBUCKLE).await;
    let http = server.anonymous();
    let mut connection = http.connect().await;
    connection
        .send(http.get("/healthz"))
        .await
        .unwrap()
        .expect(200);
    let began = Instant::now();
    assert!(server.terminate().await.success());
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn a_request_that_does_not_end_is_cut_after_the_drain_time() {
    let mut server = TestServer::builder(PARBUCKLE)
        .arg("--drain-timeout=1")
        .start()
        .await;
    let (mut stream, _) = half_a_put(&server).await;
    assert!(server.terminate().await.success(), "{}", server.output());
    let mut rest = Vec::new();
    // Cut off: end of stream or a reset, and no answer.
    let _ = stream.read_to_end(&mut rest).await;
    assert_eq!(rest, b"");
    assert!(
        server.output().contains("the drain time is over"),
        "{}",
        server.output()
    );
}
