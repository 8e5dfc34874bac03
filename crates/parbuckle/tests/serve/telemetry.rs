//! Health, metrics and the access log; no secret in any of them.

use std::time::{Duration, Instant};

use parbuckle_testkit::{Par, ParSpec, TestServer};
use serde_json::Value;

use crate::PARBUCKLE;

/// A server on which one object was put and read through a PAR.
async fn used_server() -> (TestServer, Par) {
    let server = TestServer::start(PARBUCKLE).await;
    let admin = server.admin();
    admin.create_bucket("bucket-name").await;
    let par = admin
        .create_par("bucket-name", ParSpec::any_read_write())
        .await;
    server
        .anonymous()
        .put(par.path_for("object-name"))
        .body("12345")
        .await
        .expect(200);
    server
        .anonymous()
        .get(par.path_for("object-name"))
        .await
        .expect(200);
    (server, par)
}

/// The access log as soon as it has `count` lines or more.
async fn access_lines(server: &TestServer, count: usize) -> Vec<Value> {
    let began = Instant::now();
    loop {
        let output = server.output();
        let lines: Vec<Value> = output
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|line: &Value| line["target"] == "access")
            .collect();
        if lines.len() >= count {
            return lines;
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{} of {count} lines\n{output}",
            lines.len()
        );
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn health_is_ok_while_the_server_serves() {
    let server = TestServer::start(PARBUCKLE).await;
    assert_eq!(
        server.anonymous().get("/healthz").await.expect(200).text(),
        "ok\n"
    );
    server.anonymous().head("/healthz").await.expect(200);
    server.anonymous().post("/healthz").await.expect(405);
}

#[tokio::test]
async fn every_request_is_one_line_with_its_route_template() {
    let (server, _) = used_server().await;
    let lines = access_lines(&server, 4).await;
    assert_eq!(lines.len(), 4, "{lines:#?}");
    let put = lines.iter().find(|line| line["method"] == "PUT").unwrap();
    let get = lines.iter().find(|line| line["method"] == "GET").unwrap();
    assert_eq!(put["received"], 5);
    assert_eq!(get["sent"], 5);
    for line in [put, get] {
        assert_eq!(line["status"], 200);
        assert!(line["route"].as_str().unwrap().contains("/b/{"), "{line}");
        assert!(
            line["request_id"].as_str().is_some_and(|id| !id.is_empty()),
            "{line}"
        );
        assert!(
            line["micros"].as_u64().is_some_and(|micros| micros > 0),
            "{line}"
        );
        assert!(
            line["peer"].as_str().unwrap().starts_with("127.0.0.1:"),
            "{line}"
        );
        assert!(line.get("aborted").is_none(), "{line}");
    }
}

#[tokio::test]
async fn the_logged_request_id_is_the_one_the_client_got() {
    let server = TestServer::start(PARBUCKLE).await;
    let reply = server.anonymous().get("/n").await;
    let line = &access_lines(&server, 1).await[0];
    assert_eq!(line["request_id"], reply.required("opc-request-id"));
    assert_eq!(line["status"], reply.status);
}

#[tokio::test]
async fn a_refusal_is_logged_with_its_cause() {
    let (server, par) = used_server().await;
    server.admin().delete_par("bucket-name", &par).await;
    let refused = server.anonymous().get(par.path_for("object-name")).await;
    assert!(refused.status >= 400, "{refused}");
    let lines = access_lines(&server, 6).await;
    let line = lines
        .iter()
        .find(|line| line["status"] == refused.status)
        .unwrap();
    assert!(
        line["cause"]
            .as_str()
            .is_some_and(|cause| !cause.is_empty()),
        "{line}"
    );
}

#[tokio::test]
async fn a_reader_who_leaves_is_logged_as_aborted() {
    let server = TestServer::start(PARBUCKLE).await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    admin.put_object("b", "big", vec![7; 64 << 20]).await;
    let par = admin.create_par("b", ParSpec::object_read("big")).await;
    let address = server.anonymous().address().to_owned();
    let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
    let request = format!("GET {} HTTP/1.1\r\nhost: {address}\r\n\r\n", par.access_uri);
    tokio::io::AsyncWriteExt::write_all(&mut stream, request.as_bytes())
        .await
        .unwrap();
    stream.readable().await.unwrap();
    drop(stream);
    let lines = access_lines(&server, 4).await;
    let line = lines.iter().find(|line| line["method"] == "GET").unwrap();
    assert_eq!(line["aborted"], true, "{line}");
    assert!(line["sent"].as_u64().unwrap() < 64 << 20, "{line}");
}

#[tokio::test]
async fn metrics_count_requests_by_route_template() {
    let (server, _) = used_server().await;
    let metrics = server.anonymous().get("/metrics").await.expect(200).text();
    let counted = |method: &str| {
        let label = format!("method=\"{method}\"");
        metrics.lines().any(|line| {
            line.starts_with("parbuckle_http_requests_total{")
                && line.contains("/b/{")
                && line.contains(&label)
                && line.contains("status=\"2xx\"")
        })
    };
    assert!(counted("GET") && counted("PUT"), "{metrics}");
    assert!(metrics.contains("parbuckle_connections_open "), "{metrics}");
}

#[tokio::test]
async fn no_secret_and_no_name_shows_in_logs_or_metrics() {
    let server = TestServer::builder(PARBUCKLE)
        .arg("--log-level=trace")
        .start()
        .await;
    let admin = server.admin();
    admin.create_bucket("bucket-name").await;
    let par = admin
        .create_par("bucket-name", ParSpec::any_read_write())
        .await;
    server
        .anonymous()
        .put(par.path_for("object-name"))
        .body("12345")
        .await
        .expect(200);
    server
        .anonymous()
        .get(par.path_for("missing-name"))
        .await
        .expect(404);
    server
        .anonymous()
        .call("TOKEN-METHOD".parse().unwrap(), par.path_for("object-name"))
        .await;
    access_lines(&server, 5).await;
    let metrics = server.anonymous().get("/metrics").await.expect(200).text();
    let output = server.output();
    let password = server.bootstrap().field("admin_password");
    for secret in [par.token(), password, "TOKEN-METHOD"] {
        assert!(!metrics.contains(secret), "{secret} stands in the metrics");
        assert!(!output.contains(secret), "{secret} stands in the log");
    }
    assert!(
        !metrics.contains("bucket-name") && !metrics.contains("object-name"),
        "{metrics}"
    );
}
