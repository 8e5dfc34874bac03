//! Archive containers and restoring what they hold (Swift wire reference section 15).

use http::Method;
use parbuckle_testkit::{Call, TestServer, temp_url_query};
use serde_json::json;

use crate::PARBUCKLE;
use crate::stage::{Stage, page};

/// How long a restoration takes on the stages that say so, in seconds.
const DELAY: u32 = 60;

/// A server with a clock that moves, where a restoration takes a while.
async fn slow_stage() -> Stage {
    let server = TestServer::builder(PARBUCKLE)
        .arg("--dev")
        .arg(format!("--archive-restore-delay={DELAY}"));
    Stage::on(server.start().await).await
}

/// With the archive container `a`, which holds `o`.
async fn with_archive(stage: Stage) -> Stage {
    archive(&stage, "a").await;
    stage.put("a/o").body("content").await.expect(201);
    stage
}

async fn archive(stage: &Stage, container: &str) {
    let put = stage.put(container).header("x-storage-class", "Archive");
    put.await.expect(201);
}

/// A request to `/v0`; what follows a `?` in `rest` is the query as it stands.
fn v0(stage: &Stage, method: Method, rest: &str) -> Call {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = stage.path(path).replacen("/v1/", "/v0/", 1);
    let call = stage.http().call(method, format!("{path}?{query}"));
    call.header("x-auth-token", &stage.token)
}

fn restore(stage: &Stage, rest: &str) -> Call {
    v0(stage, Method::POST, &format!("{rest}?restore"))
}

fn jobs(stage: &Stage, container: &str) -> Call {
    v0(stage, Method::GET, &format!("{container}?jobs"))
}

#[tokio::test]
async fn the_class_of_a_container_is_given_when_it_is_made_and_stays() {
    let stage = Stage::with_container().await;
    archive(&stage, "a").await;
    let class = async |container: &str| {
        let head = stage.head(container).await.expect(204);
        head.header("x-storage-class").map(str::to_owned)
    };
    assert_eq!(class("a").await.as_deref(), Some("Archive"));
    assert_eq!(class("c").await, None);
    stage.put("a").await.expect(202);
    let put = stage.put("c").header("x-storage-class", "Archive");
    put.await.expect(202);
    assert_eq!(class("a").await.as_deref(), Some("Archive"));
    assert_eq!(class("c").await, None);
    let admin = stage.server.admin();
    let bucket = admin.get(format!("{}/a", admin.buckets_path())).await;
    assert_eq!(bucket.expect(200).json()["storageTier"], "Archive");
}

#[tokio::test]
async fn an_archived_object_is_refused_until_it_is_restored() {
    let stage = with_archive(Stage::new().await).await;
    let refused = stage.get("a/o").await.expect(400);
    assert!(refused.text().contains("restore it first"), "{refused}");
    let ranged = stage.get("a/o").header("range", "bytes=0-1");
    ranged.await.expect(400);
    let started = restore(&stage, "a/o").await.expect(202);
    let accepted = page("Accepted", "The request is accepted for processing.");
    assert_eq!(started.text(), accepted);
    assert_eq!(stage.get("a/o").await.expect(200).text(), "content");
    let again = restore(&stage, "a/o").await.expect(200);
    assert_eq!(again.text(), "");
    let id = started.required("x-archive-restore-jobid");
    assert_eq!(again.required("x-archive-restore-jobid"), id);
}

#[tokio::test]
async fn a_restoration_takes_its_time_and_ends_after_a_day() {
    let stage = with_archive(slow_stage().await).await;
    restore(&stage, "a/o").await.expect(202);
    stage.get("a/o").await.expect(400);
    restore(&stage, "a/o").await.expect(200);
    stage.server.advance_clock(DELAY).await;
    stage.get("a/o").await.expect(200);
    stage.server.advance_clock(24 * 60 * 60).await;
    let password = stage.server.bootstrap().field("admin_password").to_owned();
    let again = crate::stage::sign_in(&stage.server, &stage.account, "admin", &password).await;
    let token = again.expect(200).required("x-auth-token").to_owned();
    let get = stage.anonymous(Method::GET, "a/o");
    get.header("x-auth-token", &token).await.expect(400);
}

#[tokio::test]
async fn everything_but_reading_works_on_an_archived_object() {
    let stage = with_archive(Stage::new().await).await;
    let head = stage.head("a/o").await.expect(200);
    assert_eq!(head.required("content-length"), "7");
    let etag = "9a0364b9e99bb480dd25e1f0284c8555";
    assert_eq!(head.required("etag"), etag);
    assert_eq!(stage.get("a").await.expect(200).text(), "o\n");
    let post = stage.post("a/o").header("x-object-meta-color", "red");
    post.await.expect(202);
    let head = stage.head("a/o").await.expect(200);
    assert_eq!(head.required("x-object-meta-color"), "red");
    stage.get("a/o").await.expect(400);
    stage.put("a/o").body("other").await.expect(201);
    let get = stage.get("a/o").header("if-none-match", "*");
    get.await.expect(304);
    stage.delete("a/o").await.expect(204);
    stage.head("a/o").await.expect(404);
}

#[tokio::test]
async fn replacing_a_restored_object_archives_it_again() {
    let stage = with_archive(Stage::new().await).await;
    restore(&stage, "a/o").await.expect(202);
    stage.put("a/o").body("other").await.expect(201);
    stage.get("a/o").await.expect(400);
    restore(&stage, "a/o").await.expect(202);
}

#[tokio::test]
async fn an_archived_object_is_copied_only_while_it_is_restored() {
    let stage = with_archive(Stage::with_container().await).await;
    let copy = || {
        let put = stage.put("c/copy");
        put.header("x-copy-from", "a/o")
    };
    copy().await.expect(400);
    let method = Method::from_bytes(b"COPY").unwrap();
    let call = stage.call(method, "a/o").header("destination", "c/copy");
    call.await.expect(400);
    stage.head("c/copy").await.expect(404);
    restore(&stage, "a/o").await.expect(202);
    copy().await.expect(201);
    assert_eq!(stage.get("c/copy").await.expect(200).text(), "content");
    let back = stage.put("a/back").header("x-copy-from", "c/copy");
    back.await.expect(201);
    stage.get("a/back").await.expect(400);
}

#[tokio::test]
async fn a_signed_url_reads_no_archived_object() {
    let stage = with_archive(Stage::new().await).await;
    let post = stage.post("a").header("x-container-meta-temp-url-key", "k");
    post.await.expect(204);
    let path = stage.path("a/o");
    let signed = || {
        let query = temp_url_query("k", "GET", &path, 4_000_000_000);
        stage.http().get(format!("{path}{query}"))
    };
    signed().await.expect(400);
    let query = temp_url_query("k", "POST", &path, 4_000_000_000);
    let path = path.replacen("/v1/", "/v0/", 1);
    let target = format!("{path}{query}&restore");
    stage.http().post(target).await.expect(401);
    restore(&stage, "a/o").await.expect(202);
    signed().await.expect(200);
}

#[tokio::test]
async fn in_a_standard_container_there_is_nothing_to_restore() {
    let stage = Stage::with_container().await;
    stage.put("c/o").body("x").await.expect(201);
    restore(&stage, "c/o").await.expect(400);
    restore(&stage, "c/missing").await.expect(404);
    restore(&stage, "missing/o").await.expect(404);
    assert_eq!(jobs(&stage, "c").await.expect(200).json(), json!([]));
    jobs(&stage, "missing").await.expect(404);
}

#[tokio::test]
async fn an_object_that_was_archived_natively_is_restored_in_any_container() {
    let stage = Stage::with_container().await;
    stage.put("c/o").body("content").await.expect(201);
    let admin = stage.server.admin();
    let target = admin.object_path("c", "o");
    let (bucket, _) = target.split_once("/o/").unwrap();
    let body = json!({ "objectName": "o", "storageTier": "Archive" });
    let target = format!("{bucket}/actions/updateObjectStorageTier");
    admin.post(target).json(&body).await.expect(200);
    stage.get("c/o").await.expect(400);
    restore(&stage, "c/o").await.expect(202);
    assert_eq!(stage.get("c/o").await.expect(200).text(), "content");
}

#[tokio::test]
async fn the_jobs_of_a_container_are_what_is_restored_or_being_restored() {
    let stage = with_archive(slow_stage().await).await;
    stage.put("a/p q").body("x").await.expect(201);
    stage.put("a/never").body("x").await.expect(201);
    let id = |reply: &parbuckle_testkit::Reply| {
        let id = reply.required("x-archive-restore-jobid");
        id.to_owned()
    };
    let first = id(&restore(&stage, "a/o").await.expect(202));
    stage.server.advance_clock(DELAY).await;
    let second = id(&restore(&stage, "a/p q").await.expect(202));
    let reply = jobs(&stage, "a").await.expect(200);
    let kind = reply.required("content-type");
    assert_eq!(kind, "application/json; charset=utf-8");
    let seen = reply.json();
    let seen = seen.as_array().unwrap();
    assert_eq!(seen.len(), 2, "{reply}");
    for (job, id, name, bytes, progress, percentage) in [
        (&seen[0], &first, "o", 7, "success", 100),
        (&seen[1], &second, "p q", 1, "processing", 0),
    ] {
        assert_eq!(job["jobId"], *id);
        assert_eq!(job["jobType"], "RestoreArchivedObject");
        assert_eq!(job["progress"], progress);
        assert_eq!(job["completed"], progress == "success");
        assert_eq!(job["completedPercentage"], percentage);
        assert_eq!(job["jobDetails"]["objectName"], name);
        assert_eq!(job["jobDetails"]["objectSizeInBytes"], bytes);
        let time = |text: &serde_json::Value| -> jiff::Timestamp {
            text.as_str().unwrap().parse().unwrap()
        };
        let (end, until) = (&job["endTime"], &job["jobDetails"]["readableUntil"]);
        let day = time(until).duration_since(time(end));
        assert_eq!(day.as_secs(), 24 * 60 * 60, "{job}");
    }
    assert_eq!(seen[0].get("intervalToPoll"), None);
    let wait = seen[1]["intervalToPoll"].as_u64().unwrap();
    assert!((1..=u64::from(DELAY)).contains(&wait), "{wait}");
}

#[tokio::test]
async fn jobs_come_in_pages() {
    let stage = with_archive(Stage::new().await).await;
    for name in ["a/p", "a/pp", "a/q"] {
        stage.put(name).body("x").await.expect(201);
        restore(&stage, name).await.expect(202);
    }
    let names = async |query: &str| -> Vec<String> {
        let call = v0(&stage, Method::GET, &format!("a?jobs&{query}"));
        let json = call.await.expect(200).json();
        let name =
            |job: &serde_json::Value| job["jobDetails"]["objectName"].as_str().map(str::to_owned);
        json.as_array().unwrap().iter().filter_map(name).collect()
    };
    assert_eq!(names("limit=2").await, ["p", "pp"]);
    assert_eq!(names("limit=2&marker=pp").await, ["q"]);
    assert_eq!(names("prefix=p").await, ["p", "pp"]);
    for bad in ["10001", "x", "-1"] {
        let call = v0(&stage, Method::GET, &format!("a?jobs&limit={bad}"));
        call.await.expect(400);
    }
}

#[tokio::test]
async fn one_job_is_asked_for_by_its_id() {
    let stage = with_archive(Stage::new().await).await;
    stage.put("a/oo").body("x").await.expect(201);
    restore(&stage, "a/oo").await.expect(202);
    let started = restore(&stage, "a/o").await.expect(202);
    let id = started.required("x-archive-restore-jobid");
    for query in [format!("jobs&jobid={id}"), format!("jobs={id}")] {
        let call = v0(&stage, Method::GET, &format!("a?{query}"));
        let job = call.await.expect(200).json();
        assert_eq!(job["jobId"], id);
        assert_eq!(job["jobDetails"]["objectName"], "o");
    }
    stage.put("a/o").body("other").await.expect(201);
    for id in [id, "", "x", "%25%25", "bmV2ZXI"] {
        let call = v0(&stage, Method::GET, &format!("a?jobs&jobid={id}"));
        call.await.expect(404);
    }
}

#[tokio::test]
async fn the_zeroth_version_has_nothing_else() {
    let stage = with_archive(Stage::new().await).await;
    for (method, rest) in [
        (Method::GET, ""),
        (Method::GET, "?jobs"),
        (Method::GET, "a"),
        (Method::PUT, "a"),
        (Method::GET, "a?restore"),
        (Method::GET, "a/o"),
        (Method::POST, "a/o"),
        (Method::POST, "a/o?jobs"),
        (Method::OPTIONS, "a/o"),
    ] {
        let reply = v0(&stage, method.clone(), rest).await;
        assert_eq!(reply.status, 400, "{method} {rest}: {}", reply.dump());
    }
    let reply = v0(&stage, Method::GET, "a/o?restore").await.expect(405);
    assert!(reply.required("allow").contains("POST"));
    let reply = v0(&stage, Method::DELETE, "a?jobs").await.expect(405);
    assert!(reply.required("allow").contains("GET"));
    // And these two are nowhere else.
    stage.post("a/o?restore").await.expect(202);
    assert_eq!(stage.get("a?jobs").await.expect(200).text(), "o\n");
    stage.get("a/o").await.expect(400);
}

#[tokio::test]
async fn names_that_can_not_be_are_missing_there_too() {
    let stage = with_archive(Stage::new().await).await;
    let long = "x".repeat(1025);
    restore(&stage, &format!("a/{long}")).await.expect(404);
    restore(&stage, &format!("{long}/o")).await.expect(404);
    jobs(&stage, &long).await.expect(404);
}

#[tokio::test]
async fn restoring_asks_for_a_right_and_hides_what_is_there() {
    let stage = with_archive(Stage::new().await).await;
    let joe = stage.user("joe").await;
    for rest in ["a/o", "a/missing", "missing/o"] {
        let target = format!("{}?restore", stage.path(rest).replacen("/v1/", "/v0/", 1));
        stage.http().post(target).await.expect(401);
        let rest = format!("{rest}?restore");
        joe.v0(Method::POST, &rest).await.expect(403);
    }
    joe.v0(Method::GET, "a?jobs").await.expect(403);
    // Who may read or write may not restore; who may list sees the jobs.
    let user = format!("{}:joe", stage.account);
    let post = stage.post("a").header("x-container-read", &user);
    let post = post.header("x-container-write", &user);
    post.await.expect(204);
    joe.v0(Method::POST, "a/o?restore").await.expect(403);
    joe.v0(Method::GET, "a?jobs").await.expect(200);
    stage.get("a/o").await.expect(400);
}

#[tokio::test]
async fn a_static_large_object_is_read_once_manifest_and_segments_are_restored() {
    let stage = with_archive(Stage::with_container().await).await;
    let manifest = json!([{ "path": "/a/o", "size_bytes": 7 }]).to_string();
    for large in ["c/large", "a/large"] {
        let put = stage.put(&format!("{large}?multipart-manifest=put"));
        put.body(manifest.clone()).await.expect(201);
        let head = stage.head(large).await.expect(200);
        assert_eq!(head.required("content-length"), "7");
        stage.get(large).await.expect(400);
    }
    let manifest = "a/large?multipart-manifest=get";
    stage.get(manifest).await.expect(400);
    let delete = stage.delete("a/large?multipart-manifest=delete");
    assert_ne!(delete.await.text().find("400 Bad Request"), None);
    restore(&stage, "a/large").await.expect(202);
    stage.get(manifest).await.expect(200);
    stage.get("a/large").await.expect(400);
    restore(&stage, "a/o").await.expect(202);
    for large in ["c/large", "a/large"] {
        assert_eq!(stage.get(large).await.expect(200).text(), "content");
    }
}

#[tokio::test]
async fn a_dynamic_large_object_is_read_once_manifest_and_segments_are_restored() {
    let stage = with_archive(Stage::with_container().await).await;
    stage.put("c/o").body("segment").await.expect(201);
    for (large, segments) in [("c/large", "a/o"), ("a/large", "c/o")] {
        let put = stage.put(large).header("x-object-manifest", segments);
        put.await.expect(201);
        let head = stage.head(large).await.expect(200);
        assert_eq!(head.required("content-length"), "7");
        stage.get(large).await.expect(400);
    }
    restore(&stage, "a/o").await.expect(202);
    assert_eq!(stage.get("c/large").await.expect(200).text(), "content");
    restore(&stage, "a/large").await.expect(202);
    assert_eq!(stage.get("a/large").await.expect(200).text(), "segment");
}

#[tokio::test]
async fn a_large_object_with_a_later_segment_archived_never_looks_complete() {
    let stage = with_archive(Stage::with_container().await).await;
    stage.put("c/o").body("segment").await.expect(201);
    let manifest = json!([{ "path": "/c/o" }, { "path": "/a/o" }]).to_string();
    let put = stage.put("c/large?multipart-manifest=put");
    put.body(manifest).await.expect(201);
    let read = stage.get("c/large").attempt().await;
    assert!(read.is_err(), "{}", read.unwrap());
    restore(&stage, "a/o").await.expect(202);
    let whole = stage.get("c/large").await.expect(200);
    assert_eq!(whole.text(), "segmentcontent");
}
