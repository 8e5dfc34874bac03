//! Bad input is refused with a documented 4xx or a closed connection: never a 5xx, never a panic, and nothing of it can
//! be seen afterwards.

use std::time::Duration;

use parbuckle_testkit::{Http, Par, ParSpec, SignedClient, TestServer, pattern};
use serde_json::{Value, json};

const BUCKET: &str = "b";
const PATIENCE: Duration = Duration::from_millis(1500);

struct Scene {
    server: TestServer,
    admin: SignedClient,
    http: Http,
    par: Par,
}

impl Scene {
    async fn new() -> Self {
        let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
        let admin = server.admin();
        admin.create_bucket(BUCKET).await;
        admin.put_object(BUCKET, "there", "0123456789").await;
        let par = admin
            .create_par(BUCKET, ParSpec::any_read_write().listing())
            .await;
        let http = server.anonymous();
        Self {
            server,
            admin,
            http,
            par,
        }
    }

    /// Sends raw bytes; the status of the answer, or nothing when the connection was closed without one.
    async fn status(&self, raw: &[u8]) -> Option<u16> {
        let answer = self.http.send_raw(raw, PATIENCE).await;
        let line = String::from_utf8_lossy(&answer[..answer.len().min(64)]).into_owned();
        line.strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok())
    }

    /// The server still works, has not panicked, and holds nothing but what it held before.
    async fn assert_unharmed(&self) {
        assert_eq!(self.admin.list_names(BUCKET, "").await, ["there"]);
        assert_eq!(self.admin.read_object(BUCKET, "there").await, "0123456789");
        assert!(
            !self.server.output().contains("panicked"),
            "{}",
            self.server.output()
        );
    }
}

#[tokio::test]
async fn malformed_requests_are_refused() {
    let scene = Scene::new().await;
    let root = scene.par.root();
    let ok = "Host: x\r\nConnection: close\r\n";
    let long = "a".repeat(1025);
    let table = [
        (
            "an escape without digits",
            format!("GET {root}a%2 HTTP/1.1\r\n{ok}\r\n"),
        ),
        (
            "an escape with bad digits",
            format!("GET {root}a%zz HTTP/1.1\r\n{ok}\r\n"),
        ),
        (
            "a name that is not UTF-8",
            format!("PUT {root}a%ff HTTP/1.1\r\n{ok}Content-Length: 1\r\n\r\nx"),
        ),
        (
            "a name with a line feed",
            format!("PUT {root}a%0Ab HTTP/1.1\r\n{ok}Content-Length: 1\r\n\r\nx"),
        ),
        (
            "a name with NUL",
            format!("PUT {root}a%00b HTTP/1.1\r\n{ok}Content-Length: 1\r\n\r\nx"),
        ),
        (
            "a name that is too long",
            format!("PUT {root}{long} HTTP/1.1\r\n{ok}Content-Length: 1\r\n\r\nx"),
        ),
        (
            "no host",
            "GET /n HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
        ),
        ("no path", format!("GET  HTTP/1.1\r\n{ok}\r\n")),
        ("an unknown path", format!("GET /x/y HTTP/1.1\r\n{ok}\r\n")),
        (
            "an unknown verb",
            format!("BREW {root}a HTTP/1.1\r\n{ok}\r\n"),
        ),
        ("a broken request line", "GARBAGE\r\n\r\n".to_owned()),
        (
            "a header without a colon",
            format!("GET {root}there HTTP/1.1\r\nHost x\r\n{ok}\r\n"),
        ),
        (
            "a length that is no number",
            format!("PUT {root}a HTTP/1.1\r\n{ok}Content-Length: ten\r\n\r\n0123456789"),
        ),
        (
            "a negative length",
            format!("PUT {root}a HTTP/1.1\r\n{ok}Content-Length: -1\r\n\r\n"),
        ),
        (
            "two lengths that differ",
            format!("PUT {root}a HTTP/1.1\r\n{ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy"),
        ),
        (
            "a length beyond the limit",
            format!("PUT {root}a HTTP/1.1\r\n{ok}Content-Length: 53687091201\r\n\r\n"),
        ),
        ("no length", format!("PUT {root}a HTTP/1.1\r\n{ok}\r\n")),
        (
            "a chunk size that is no number",
            format!(
                "PUT {root}a HTTP/1.1\r\n{ok}Transfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n"
            ),
        ),
        (
            "an unknown transfer encoding",
            format!("PUT {root}a HTTP/1.1\r\n{ok}Transfer-Encoding: braids\r\n\r\nxx"),
        ),
        (
            "a digest that is not base64",
            format!("PUT {root}a HTTP/1.1\r\n{ok}Content-MD5: ???\r\nContent-Length: 1\r\n\r\nx"),
        ),
        (
            "a digest of the wrong length",
            format!("PUT {root}a HTTP/1.1\r\n{ok}Content-MD5: eHg=\r\nContent-Length: 1\r\n\r\nx"),
        ),
        (
            "a digest of another body",
            format!(
                "PUT {root}a HTTP/1.1\r\n{ok}Content-MD5: sZRqySSS0jR8YjW00mERhA==\r\nContent-Length: 1\r\n\r\nx"
            ),
        ),
        (
            "a condition that no write can have",
            format!("PUT {root}a HTTP/1.1\r\n{ok}If-None-Match: abc\r\nContent-Length: 1\r\n\r\nx"),
        ),
        (
            "a limit that is no number",
            format!("GET {root}?limit=x HTTP/1.1\r\n{ok}\r\n"),
        ),
        (
            "a limit beyond the range",
            format!("GET {root}?limit=1001 HTTP/1.1\r\n{ok}\r\n"),
        ),
        (
            "an unknown field",
            format!("GET {root}?fields=colour HTTP/1.1\r\n{ok}\r\n"),
        ),
        (
            "an unknown delimiter",
            format!("GET {root}?delimiter=x HTTP/1.1\r\n{ok}\r\n"),
        ),
        (
            "start and startAfter",
            format!("GET {root}?start=a&startAfter=b HTTP/1.1\r\n{ok}\r\n"),
        ),
        (
            "a part number of zero",
            format!(
                "PUT {} HTTP/1.1\r\n{ok}Content-Length: 1\r\n\r\nx",
                upload_uri(&scene, "u0").await + "0"
            ),
        ),
        (
            "a part number beyond the range",
            format!(
                "PUT {} HTTP/1.1\r\n{ok}Content-Length: 1\r\n\r\nx",
                upload_uri(&scene, "u1").await + "10001"
            ),
        ),
        (
            "a range past the end",
            format!("GET {root}there HTTP/1.1\r\n{ok}Range: bytes=10-\r\n\r\n"),
        ),
        (
            "an Authorization header that is none",
            format!("GET /n HTTP/1.1\r\n{ok}Authorization: Bearer x\r\n\r\n"),
        ),
    ];
    for (what, raw) in table {
        let status = scene.status(raw.as_bytes()).await;
        assert!(
            status.is_none_or(|status| (400..500).contains(&status)),
            "{what}: {status:?}"
        );
    }
    scene.assert_unharmed().await;
}

#[tokio::test]
async fn headers_without_end_are_refused() {
    let scene = Scene::new().await;
    let mut raw = format!("GET {}there HTTP/1.1\r\nHost: x\r\n", scene.par.root()).into_bytes();
    for n in 0..20_000 {
        raw.extend_from_slice(format!("X-Filler-{n}: {}\r\n", "y".repeat(100)).as_bytes());
    }
    let status = scene.status(&raw).await;
    assert!(
        status.is_none_or(|status| (400..500).contains(&status)),
        "{status:?}"
    );
    scene.assert_unharmed().await;
}

#[tokio::test]
async fn an_upload_cut_off_at_any_byte_leaves_nothing() {
    let scene = Scene::new().await;
    let head = format!(
        "PUT {}cut HTTP/1.1\r\nHost: x\r\nContent-Length: 64\r\n\r\n",
        scene.par.root()
    );
    let raw = [head.as_bytes(), &pattern(1, 64)].concat();
    for end in 0..raw.len() {
        scene.http.send_and_close(&raw[..end]).await;
    }
    scene.assert_unharmed().await;
    assert_eq!(
        scene
            .http
            .put(scene.par.path_for("cut"))
            .body(pattern(1, 64))
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn a_large_or_chunked_upload_cut_off_leaves_nothing() {
    let scene = Scene::new().await;
    let body = pattern(2, 3 << 20);
    let root = scene.par.root();
    let fixed = format!(
        "PUT {root}large HTTP/1.1\r\nHost: x\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    let chunked = format!(
        "PUT {root}chunked HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n300000\r\n"
    );
    for head in [fixed, chunked] {
        for end in [
            0,
            1,
            16 << 10,
            (64 << 10) + 1,
            1 << 20,
            (2 << 20) + 77,
            body.len() - 1,
        ] {
            scene
                .http
                .send_and_close(&[head.as_bytes(), &body[..end]].concat())
                .await;
        }
    }
    scene.assert_unharmed().await;
}

#[tokio::test]
async fn bodies_that_are_not_the_json_expected_are_refused() {
    let scene = Scene::new().await;
    let ns = scene.admin.namespace().to_owned();
    let upload = upload_uri(&scene, "u").await;
    let id = upload.rsplit('/').nth(1).expect("an upload id").to_owned();
    let create_bucket = format!("/n/{ns}/b");
    let create_par = format!("/n/{ns}/b/{BUCKET}/p");
    let commit = format!("/n/{ns}/b/{BUCKET}/u/u?uploadId={id}");
    let expires = "2099-01-01T00:00:00Z";
    let par = |extra: Value| {
        let mut body = json!({"name": "p", "accessType": "AnyObjectRead", "timeExpires": expires});
        extra
            .as_object()
            .into_iter()
            .flatten()
            .for_each(|(field, value)| body[field] = value.clone());
        body.to_string()
    };
    let table = [
        (&create_bucket, "{".to_owned()),
        (&create_bucket, "[]".to_owned()),
        (&create_bucket, "null".to_owned()),
        (&create_bucket, "{}".to_owned()),
        (&create_bucket, json!({"name": 5, "compartmentId": scene.admin.compartment()}).to_string()),
        (&create_bucket, json!({"name": "a/b", "compartmentId": scene.admin.compartment()}).to_string()),
        (&create_bucket, json!({"name": "ok", "compartmentId": "no such"}).to_string()),
        (&create_bucket, json!({"name": "ok", "compartmentId": scene.admin.compartment(), "publicAccessType": "x"}).to_string()),
        (&create_par, "".to_owned()),
        (&create_par, par(json!({"accessType": "Everything"}))),
        (&create_par, par(json!({"accessType": "ObjectRead"}))),
        (&create_par, par(json!({"accessType": "ObjectRead", "objectName": "a", "bucketListingAction": "ListObjects"}))),
        (&create_par, par(json!({"bucketListingAction": "Maybe"}))),
        (&create_par, par(json!({"timeExpires": "tomorrow"}))),
        (&create_par, par(json!({"timeExpires": 1_900_000_000}))),
        (&create_par, par(json!({"timeExpires": "2001-01-01T00:00:00Z"}))),
        (&create_par, par(json!({"timeExpires": null}))),
        (&create_par, par(json!({"name": ""}))),
        (&create_par, par(json!({"objectName": "x".repeat(1025)}))),
        (&commit, "{}".to_owned()),
        (&commit, json!({"partsToCommit": []}).to_string()),
        (&commit, json!({"partsToCommit": [{"partNum": 0, "etag": "x"}]}).to_string()),
        (&commit, json!({"partsToCommit": [{"partNum": 1.5, "etag": "x"}]}).to_string()),
        (&commit, json!({"partsToCommit": [{"partNum": 7, "etag": "x"}]}).to_string()),
        (&commit, json!({"partsToCommit": "all"}).to_string()),
    ];
    for (target, body) in table {
        let reply = scene
            .admin
            .post(target.as_str())
            .header("content-type", "application/json")
            .body(body.clone())
            .await;
        assert_eq!(reply.status, 400, "{body}\n{}", reply.dump());
        assert!(!reply.code().is_empty(), "{body}\n{}", reply.dump());
    }
    scene.assert_unharmed().await;
}

#[tokio::test]
async fn a_json_body_beyond_the_limit_is_refused() {
    let scene = Scene::new().await;
    let target = scene.admin.buckets_path();
    let body = format!("{{\"name\":\"{}\"}}", "x".repeat(5 << 20));
    let reply = scene
        .admin
        .post(target)
        .header("content-type", "application/json")
        .body(body)
        .attempt()
        .await;
    assert!(
        reply.as_ref().map_or(true, |reply| reply.status == 413),
        "{reply:?}"
    );
    scene.assert_unharmed().await;
}

/// Starts an upload through the PAR; the URI its parts hang on.
async fn upload_uri(scene: &Scene, object: &str) -> String {
    let call = scene
        .http
        .put(scene.par.path_for(object))
        .header("opc-multipart", "true");
    call.await.expect(200).json()["accessUri"]
        .as_str()
        .expect("an access URI")
        .to_owned()
}
