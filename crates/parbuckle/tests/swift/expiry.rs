//! Objects that end (Swift wire reference section 12).

use std::time::{Duration, Instant, UNIX_EPOCH};

use parbuckle_testkit::TestServer;

use crate::PARBUCKLE;
use crate::stage::Stage;

/// The second so far from now, for the server.
fn second_in(stage: &Stage, seconds: u64) -> u64 {
    let since = stage.server.clock().now().duration_since(UNIX_EPOCH);
    since.unwrap().as_secs() + seconds
}

#[tokio::test]
async fn an_object_tells_when_it_ends() {
    let stage = Stage::with_container().await;
    let at = second_in(&stage, 100).to_string();
    stage
        .put("c/o")
        .header("x-delete-at", &at)
        .body("x")
        .await
        .expect(201);
    assert_eq!(
        stage.head("c/o").await.expect(200).required("x-delete-at"),
        at
    );
    stage
        .put("c/2")
        .header("x-delete-after", "100")
        .await
        .expect(201);
    let reply = stage.get("c/2").await.expect(200);
    let end: u64 = reply.required("x-delete-at").parse().unwrap();
    let now = second_in(&stage, 0);
    assert!((now + 90..=now + 100).contains(&end), "{end} {now}");
    assert_eq!(reply.header("x-delete-after"), None);
}

#[tokio::test]
async fn an_object_is_gone_at_its_end_and_out_of_listings_soon_after() {
    let stage = Stage::on(TestServer::builder(PARBUCKLE).arg("--dev").start().await).await;
    stage.put("c").await.expect(201);
    stage
        .put("c/o")
        .header("x-delete-after", "60")
        .body("x")
        .await
        .expect(201);
    stage.get("c/o").await.expect(200);
    stage.server.advance_clock(60).await;
    stage.get("c/o").await.expect(404);
    stage.head("c/o").await.expect(404);
    stage.post("c/o").await.expect(404);
    stage.delete("c/o").await.expect(404);
    stage.get("c").await.expect(204);
    let begin = Instant::now();
    while stage.head("c").await.required("x-container-object-count") != "0" {
        assert!(
            begin.elapsed() < Duration::from_secs(20),
            "the object still counts"
        );
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_post_without_an_end_removes_it_and_a_copy_keeps_it() {
    let stage = Stage::with_container().await;
    let at = second_in(&stage, 100).to_string();
    stage
        .put("c/o")
        .header("x-delete-at", &at)
        .await
        .expect(201);
    let copied = stage
        .put("c/2")
        .header("x-copy-from", "c/o")
        .await
        .expect(201);
    assert_eq!(copied.required("x-delete-at"), at);
    assert_eq!(stage.head("c/2").await.required("x-delete-at"), at);
    stage.post("c/o").await.expect(202);
    assert_eq!(
        stage.head("c/o").await.expect(200).header("x-delete-at"),
        None
    );
    stage
        .post("c/o")
        .header("x-delete-at", &at)
        .await
        .expect(202);
    assert_eq!(stage.head("c/o").await.required("x-delete-at"), at);
    stage
        .post("c/o")
        .header("x-remove-delete-at", "x")
        .await
        .expect(202);
    assert_eq!(stage.head("c/o").await.header("x-delete-at"), None);
}

#[tokio::test]
async fn ends_that_can_not_be_are_refused_in_swifts_words() {
    let stage = Stage::with_container().await;
    for (name, value, sentence) in [
        ("x-delete-at", "0", "X-Delete-At in past"),
        ("x-delete-at", "-1", "X-Delete-At in past"),
        ("x-delete-at", "x", "Non-integer X-Delete-At"),
        ("x-delete-after", "0", "X-Delete-After in past"),
        ("x-delete-after", "*", "Non-integer X-Delete-After"),
    ] {
        for method in [http::Method::PUT, http::Method::POST] {
            let call = stage.call(method, "c/o").header(name, value);
            assert_eq!(call.await.expect(400).text(), sentence);
        }
    }
    stage.get("c/o").await.expect(404);
}

#[tokio::test]
async fn a_deletion_may_depend_on_when_the_object_ends() {
    let stage = Stage::with_container().await;
    let end = second_in(&stage, 3000).to_string();
    stage
        .put("c/o")
        .header("x-delete-at", &end)
        .await
        .expect(201);
    stage.put("c/other").await.expect(201);
    let delete = |path: &str, end: &str| stage.delete(path).header("x-if-delete-at", end);
    let refused = delete("c/o", "soon").await.expect(400);
    assert_eq!(refused.text(), "Bad X-If-Delete-At header value");
    for (path, end) in [("c/o", "1"), ("c/other", &end), ("c/missing", &end)] {
        let refused = delete(path, end).await.expect(412);
        assert_eq!(
            refused.text(),
            "X-If-Delete-At and X-Delete-At do not match"
        );
    }
    delete("c/o", &end).await.expect(204);
    stage.head("c/o").await.expect(404);
}
