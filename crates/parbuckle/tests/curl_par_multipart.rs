//! Multipart uploads through a pre-authenticated request with curl (wire reference 7.1 and 3.4).

use parbuckle_testkit::clients::curl;
use parbuckle_testkit::{Par, ParSpec, Reply, SignedClient, TestServer, pattern};
use serde_json::json;

/// The answer to every request that the secret does not cover.
const DEAD: &str = "401 NotAuthenticated: PAR does not exist";

async fn bucket(spec: ParSpec) -> (TestServer, SignedClient, Par) {
    let server = TestServer::start(env!("CARGO_BIN_EXE_parbuckle")).await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    let par = admin.create_par("b", spec).await;
    (server, admin, par)
}

/// An upload in progress, as its uploader knows it.
struct Upload {
    endpoint: String,
    access_uri: String,
    id: String,
}

impl Upload {
    async fn start(server: &TestServer, par: &Par, object: &str, headers: &[&str]) -> Self {
        let reply = start(&par.url_for(object), headers).await.expect(200);
        let answer = reply.json();
        let text = |field: &str| {
            answer[field]
                .as_str()
                .expect("the answer is text")
                .to_owned()
        };
        Self {
            endpoint: server.endpoint().to_owned(),
            access_uri: text("accessUri"),
            id: text("uploadId"),
        }
    }

    fn url(&self) -> String {
        format!("{}{}", self.endpoint, self.access_uri)
    }

    fn token(&self) -> &str {
        self.access_uri
            .split('/')
            .nth(2)
            .expect("an access URI has a secret")
    }

    async fn put(&self, number: &str, content: &str) -> Reply {
        let url = format!("{}{number}", self.url());
        curl(["-X", "PUT", "--data-binary", content, &url]).await
    }

    async fn commit(&self) -> Reply {
        curl(["-X", "POST", &self.url()]).await
    }

    async fn commit_with(&self, body: serde_json::Value) -> Reply {
        let body = body.to_string();
        let kind = "content-type: application/json";
        curl([
            "-X",
            "POST",
            "-H",
            kind,
            "--data-binary",
            &body,
            &self.url(),
        ])
        .await
    }

    async fn abort(&self) -> Reply {
        curl(["-X", "DELETE", &self.url()]).await
    }
}

async fn start(url: &str, headers: &[&str]) -> Reply {
    let headers = headers.iter().flat_map(|header| ["-H", header]);
    let words = ["-X", "PUT", "-H", "opc-multipart: true"];
    curl(words.into_iter().chain(headers).chain([url])).await
}

async fn list(admin: &SignedClient) -> Vec<String> {
    admin.list_names("b", "").await
}

#[tokio::test]
async fn the_start_answers_with_the_upload_and_its_own_secret() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let reply = start(&par.url_for("dir/a b.bin"), &[]).await.expect(200);
    let answer = reply.json();
    assert_eq!(answer["namespace"], server.bootstrap().namespace());
    assert_eq!(answer["bucket"], "b");
    assert_eq!(answer["object"], "dir/a b.bin");
    assert_eq!(answer["storageTier"], "Standard");
    let (uri, id) = (
        answer["accessUri"].as_str().unwrap(),
        answer["uploadId"].as_str().unwrap(),
    );
    let tail = format!("/n/{}/b/b/u/dir/a%20b.bin/id/{id}/", admin.namespace());
    assert!(uri.starts_with("/p/") && uri.ends_with(&tail), "{uri}");
    assert!(
        !uri.contains(par.token()),
        "the upload has the PAR's own secret"
    );
}

#[tokio::test]
async fn parts_in_any_order_make_the_object_in_number_order() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    for (number, content) in [("3", "three"), ("1", "one,"), ("2", "two,")] {
        let reply = upload.put(number, content).await.expect(200);
        assert!(reply.header("etag").is_some(), "{}", reply.dump());
    }
    upload.commit().await.expect(200);
    assert_eq!(admin.read_object("b", "big").await, "one,two,three");
}

#[tokio::test]
async fn a_part_answers_with_its_md5() {
    let (server, _, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    let reply = upload.put("1", "hello").await.expect(200);
    assert_eq!(
        reply.required("opc-content-md5"),
        "XUFAKrxLKna5cZ2REBfFkg=="
    );
}

#[tokio::test]
async fn part_numbers_may_have_gaps_and_go_to_10000() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    for (number, content) in [("10000", "c"), ("7", "a"), ("1234", "b")] {
        upload.put(number, content).await.expect(200);
    }
    upload.commit().await.expect(200);
    assert_eq!(admin.read_object("b", "big").await, "abc");
}

#[tokio::test]
async fn part_numbers_outside_1_to_10000_are_refused() {
    let (server, _, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    for number in ["0", "10001", "-1", "99999999999999999999"] {
        let reply = upload.put(number, "x").await;
        assert_eq!(reply.status, 400, "{}", reply.dump());
    }
}

#[tokio::test]
async fn a_part_number_that_is_no_number_is_refused() {
    let (server, _, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    for number in ["x", "1/2", "+1", "1x"] {
        let reply = upload.put(number, "x").await;
        assert_eq!(
            (reply.status, reply.code().as_str()),
            (400, "InvalidUploadPart"),
            "{}",
            reply.dump()
        );
    }
}

#[tokio::test]
async fn a_part_sent_again_replaces_the_first() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    upload.put("1", "wrong").await.expect(200);
    upload.put("2", "-end").await.expect(200);
    upload.put("1", "right").await.expect(200);
    upload.commit().await.expect(200);
    assert_eq!(admin.read_object("b", "big").await, "right-end");
}

#[tokio::test]
async fn a_wrong_content_md5_keeps_the_part_that_was_there() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    upload.put("1", "good").await.expect(200);
    let header = "content-md5: 1B2M2Y8AsgTpgAmY7PhCfg==";
    let url = format!("{}1", upload.url());
    let reply = curl(["-X", "PUT", "-H", header, "--data-binary", "bad", &url])
        .await
        .expect(400);
    assert_eq!(reply.code(), "UnmatchedContentMD5");
    upload.commit().await.expect(200);
    assert_eq!(admin.read_object("b", "big").await, "good");
}

#[tokio::test]
async fn a_commit_body_selects_the_parts() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    let mut etags = Vec::new();
    for (number, content) in [("1", "one"), ("2", "two"), ("3", "three")] {
        let reply = upload.put(number, content).await.expect(200);
        etags.push(reply.required("etag").to_owned());
    }
    let body = json!({
        "partsToCommit": [
            { "partNum": 3, "etag": etags[2] },
            { "partNum": 1, "etag": etags[0], "progress": 1 },
        ],
        "partsToExclude": [2],
    });
    upload.commit_with(body).await.expect(200);
    assert_eq!(admin.read_object("b", "big").await, "onethree");
}

#[tokio::test]
async fn a_commit_that_names_a_missing_part_is_refused_and_can_be_mended() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    let one = upload.put("1", "one").await.expect(200);
    let etag = one.required("etag");
    let parts = json!([{ "partNum": 1, "etag": etag }, { "partNum": 2, "etag": etag }]);
    let refused = upload
        .commit_with(json!({ "partsToCommit": parts }))
        .await
        .expect(400);
    assert_eq!(refused.code(), "InvalidUploadPart");
    assert!(list(&admin).await.is_empty());

    upload.put("2", "two").await.expect(200);
    upload.commit().await.expect(200);
    assert_eq!(admin.read_object("b", "big").await, "onetwo");
}

#[tokio::test]
async fn a_commit_with_the_etag_of_a_replaced_part_is_refused() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    let old = upload.put("1", "old").await.expect(200);
    upload.put("1", "new").await.expect(200);
    let parts = json!([{ "partNum": 1, "etag": old.required("etag") }]);
    let refused = upload
        .commit_with(json!({ "partsToCommit": parts }))
        .await
        .expect(400);
    assert_eq!(refused.code(), "InvalidUploadPart");
    assert!(list(&admin).await.is_empty());
}

#[tokio::test]
async fn a_commit_without_parts_is_refused() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    let refused = upload.commit().await.expect(400);
    assert!(
        refused.text().contains("There are no parts to commit"),
        "{}",
        refused.dump()
    );
    assert!(list(&admin).await.is_empty());
}

#[tokio::test]
async fn a_commit_body_that_is_not_json_is_refused() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    upload.put("1", "one").await.expect(200);
    let reply = curl(["-X", "POST", "--data-binary", "{\"parts", &upload.url()])
        .await
        .expect(400);
    assert_eq!(reply.code(), "CannotParseRequest");
    assert!(list(&admin).await.is_empty());
}

#[tokio::test]
async fn the_object_appears_only_with_the_commit() {
    let (server, admin, par) = bucket(ParSpec::any_read_write()).await;
    admin.put_object("b", "big", "old").await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    upload.put("1", "new").await.expect(200);
    assert_eq!(curl([&par.url_for("big")]).await.expect(200).text(), "old");
    upload.commit().await.expect(200);
    assert_eq!(curl([&par.url_for("big")]).await.expect(200).text(), "new");
}

#[tokio::test]
async fn metadata_and_content_headers_come_from_the_first_request() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let headers = [
        "content-type: video/mp4",
        "cache-control: no-cache",
        "opc-meta-color: blue",
    ];
    let upload = Upload::start(&server, &par, "big", &headers).await;
    upload.put("1", "one").await.expect(200);
    upload.commit().await.expect(200);
    let head = admin.head(admin.object_path("b", "big")).await.expect(200);
    assert_eq!(head.required("content-type"), "video/mp4");
    assert_eq!(head.required("cache-control"), "no-cache");
    assert_eq!(head.required("opc-meta-color"), "blue");
}

#[tokio::test]
async fn the_digest_of_the_object_is_that_of_its_part_digests() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    for (number, content) in [("1", "chapter 1"), ("2", "chapter 2"), ("3", "chapter 3")] {
        upload.put(number, content).await.expect(200);
    }
    let committed = upload.commit().await.expect(200);
    let head = admin.head(admin.object_path("b", "big")).await.expect(200);
    for reply in [&committed, &head] {
        assert_eq!(
            reply.required("opc-multipart-md5"),
            "8r6hZ22IKweKGcetRTB/8A==-3"
        );
    }
    assert_eq!(head.header("content-md5"), None);
    assert_eq!(committed.required("etag"), head.required("etag"));
}

#[tokio::test]
async fn a_range_may_span_parts() {
    let (server, _, par) = bucket(ParSpec::any_read_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    let content = pattern(5, 300_000);
    for (index, part) in content.chunks(100_000).enumerate() {
        let file = server.scratch_file("part", part);
        let data = format!("@{}", file.display());
        let url = format!("{}{}", upload.url(), index + 1);
        curl(["-X", "PUT", "--data-binary", &data, &url])
            .await
            .expect(200);
    }
    upload.commit().await.expect(200);
    let reply = curl(["-r", "99990-200009", &par.url_for("big")])
        .await
        .expect(206);
    assert!(
        reply.body == content[99_990..=200_009],
        "not the bytes of the range"
    );
}

#[tokio::test]
async fn an_aborted_upload_is_gone() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    upload.put("1", "one").await.expect(200);
    upload.abort().await.expect(204);
    for reply in [
        upload.put("2", "two").await,
        upload.commit().await,
        upload.abort().await,
    ] {
        assert_eq!(reply.to_string(), DEAD);
    }
    assert!(list(&admin).await.is_empty());
    let uploads = admin
        .get(format!("{}/u", admin.bucket_path("b")))
        .await
        .expect(200);
    assert_eq!(uploads.json(), json!([]));
}

#[tokio::test]
async fn a_committed_upload_takes_no_more() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    upload.put("1", "one").await.expect(200);
    upload.commit().await.expect(200);
    for reply in [
        upload.put("2", "two").await,
        upload.commit().await,
        upload.abort().await,
    ] {
        assert_eq!(reply.to_string(), DEAD);
    }
    assert_eq!(admin.read_object("b", "big").await, "one");
}

#[tokio::test]
async fn uploads_of_one_name_are_apart() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let first = Upload::start(&server, &par, "big", &[]).await;
    let second = Upload::start(&server, &par, "big", &[]).await;
    assert_ne!(first.token(), second.token());
    first.put("1", "first").await.expect(200);
    second.put("1", "second").await.expect(200);
    first.abort().await.expect(204);
    second.commit().await.expect(200);
    assert_eq!(admin.read_object("b", "big").await, "second");
}

#[tokio::test]
async fn an_upload_secret_opens_no_other_upload() {
    let (server, _, par) = bucket(ParSpec::any_write()).await;
    let mine = Upload::start(&server, &par, "big", &[]).await;
    let other = Upload::start(&server, &par, "big", &[]).await;
    let url = format!("{}1", other.url().replace(other.token(), mine.token()));
    let reply = curl(["-X", "PUT", "--data-binary", "x", &url]).await;
    assert_eq!(reply.to_string(), DEAD);
}

#[tokio::test]
async fn an_upload_secret_with_an_unknown_upload_id_is_refused() {
    let (server, _, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    let unknown = "00000000-0000-0000-0000-000000000000";
    let url = format!("{}1", upload.url().replace(&upload.id, unknown));
    let reply = curl(["-X", "PUT", "--data-binary", "x", &url]).await;
    assert_eq!(reply.to_string(), DEAD);
}

#[tokio::test]
async fn an_upload_secret_reads_and_writes_no_objects() {
    let (server, admin, par) = bucket(ParSpec::any_read_write().listing()).await;
    admin.put_object("b", "big", "old").await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    let object = par.url_for("big").replace(par.token(), upload.token());
    let replies = [
        curl([&object]).await,
        curl(["-X", "PUT", "--data-binary", "x", &object]).await,
        curl([&par.url().replace(par.token(), upload.token())]).await,
        start(&object, &[]).await,
    ];
    for reply in replies {
        assert_eq!(reply.to_string(), DEAD);
    }
    assert_eq!(admin.read_object("b", "big").await, "old");
}

#[tokio::test]
async fn the_secret_of_an_upload_dies_with_its_par() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    upload.put("1", "one").await.expect(200);
    admin.delete_par("b", &par).await;
    for reply in [
        upload.put("2", "two").await,
        upload.commit().await,
        upload.abort().await,
    ] {
        assert_eq!(reply.to_string(), DEAD);
    }
    assert!(list(&admin).await.is_empty());
}

#[tokio::test]
async fn the_secret_of_an_upload_expires_with_its_par() {
    let builder = TestServer::builder(env!("CARGO_BIN_EXE_parbuckle")).arg("--dev");
    let server = builder.start().await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    let spec = ParSpec::any_write().expires(&server.clock().rfc3339_in(3600));
    let par = admin.create_par("b", spec).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    upload.put("1", "one").await.expect(200);
    server.advance_clock(3610).await;
    for reply in [upload.put("2", "two").await, upload.commit().await] {
        assert_eq!(reply.to_string(), DEAD);
    }
    assert!(list(&admin).await.is_empty());
}

#[tokio::test]
async fn an_upload_may_rest_for_days_and_over_a_kill_of_the_server() {
    let builder = TestServer::builder(env!("CARGO_BIN_EXE_parbuckle")).arg("--dev");
    let mut server = builder.start().await;
    let admin = server.admin();
    admin.create_bucket("b").await;
    let par = admin.create_par("b", ParSpec::any_write()).await;
    let mut upload = Upload::start(&server, &par, "big", &[]).await;
    upload.put("1", "one,").await.expect(200);

    server.restart().await;
    server.advance_clock(5 * 24 * 3600).await;
    upload.endpoint = server.endpoint().to_owned();
    upload.put("2", "two").await.expect(200);
    upload.commit().await.expect(200);
    assert_eq!(server.admin().read_object("b", "big").await, "one,two");
}

#[tokio::test]
async fn a_read_par_starts_no_upload() {
    let (_server, admin, par) = bucket(ParSpec::any_read()).await;
    let reply = start(&par.url_for("big"), &[]).await;
    assert_eq!(
        (reply.status, reply.code().as_str()),
        (404, "BucketNotFound"),
        "{}",
        reply.dump()
    );
    let uploads = admin
        .get(format!("{}/u", admin.bucket_path("b")))
        .await
        .expect(200);
    assert_eq!(uploads.json(), json!([]));
}

#[tokio::test]
async fn a_prefix_par_starts_no_upload_outside_its_prefix() {
    let (_server, _, par) = bucket(ParSpec::any_write().prefix("in/")).await;
    let reply = start(&par.url_for("out/big"), &[]).await;
    assert_eq!(reply.to_string(), DEAD);
}

#[tokio::test]
async fn an_upload_is_seen_by_the_owner_of_the_bucket() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    upload.put("1", "one").await.expect(200);
    let listed = admin
        .get(format!("{}/u", admin.bucket_path("b")))
        .await
        .expect(200);
    assert_eq!(listed.json()[0]["uploadId"], upload.id);
    assert!(
        !listed.text().contains(upload.token()),
        "the secret is listed"
    );
}

#[tokio::test]
async fn an_open_upload_keeps_its_bucket() {
    let (server, admin, par) = bucket(ParSpec::any_write()).await;
    let upload = Upload::start(&server, &par, "big", &[]).await;
    admin.delete_par("b", &par).await;
    admin.delete(admin.bucket_path("b")).await.expect(409);
    let target = format!("{}/u/big?uploadId={}", admin.bucket_path("b"), upload.id);
    admin.delete(target).await.expect(204);
    admin.delete(admin.bucket_path("b")).await.expect(204);
}
