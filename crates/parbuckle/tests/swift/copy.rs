//! Copies (Swift wire reference section 8).

use http::Method;
use parbuckle_testkit::{Call, Reply};

use crate::stage::Stage;

/// A container `c` with the object `o`, and the container `d`.
async fn stage() -> Stage {
    let stage = Stage::with_container().await;
    stage.put("d").await.expect(201);
    let put = stage.put("c/o").header("content-type", "text/plain");
    let put = put
        .header("x-object-meta-a", "1")
        .header("cache-control", "no-store");
    put.body("0123456789").await.expect(201);
    stage
}

fn copy(stage: &Stage, source: &str) -> Call {
    stage.call(Method::from_bytes(b"COPY").unwrap(), source)
}

async fn content(stage: &Stage, path: &str) -> Reply {
    stage.get(path).await.expect(200)
}

#[tokio::test]
async fn both_forms_copy_content_metadata_and_headers() {
    let stage = stage().await;
    let reply = copy(&stage, "c/o")
        .header("destination", "d/a%20b")
        .await
        .expect(201);
    assert_eq!(reply.required("x-copied-from"), "c/o");
    assert_eq!(reply.required("x-copied-from-account"), stage.account);
    assert_eq!(reply.required("x-object-meta-a"), "1");
    let source = content(&stage, "c/o").await;
    assert_eq!(
        reply.required("x-copied-from-last-modified"),
        source.required("last-modified")
    );
    assert_eq!(reply.required("etag"), source.required("etag"));
    stage
        .put("d/2")
        .header("x-copy-from", "/c/o")
        .await
        .expect(201);
    for path in ["d/a b", "d/2"] {
        let copy = content(&stage, path).await;
        assert_eq!(copy.text(), "0123456789");
        assert_eq!(copy.required("content-type"), "text/plain");
        assert_eq!(copy.required("cache-control"), "no-store");
        assert_eq!(copy.required("x-object-meta-a"), "1");
    }
}

#[tokio::test]
async fn what_the_request_brings_is_added_or_overrides() {
    let stage = stage().await;
    let call = copy(&stage, "c/o").header("destination", "c/o");
    let call = call
        .header("x-object-meta-b", "2")
        .header("content-type", "text/new");
    call.await.expect(201);
    let there = content(&stage, "c/o").await;
    assert_eq!(there.required("content-type"), "text/new");
    assert_eq!(there.required("x-object-meta-a"), "1");
    assert_eq!(there.required("x-object-meta-b"), "2");
}

#[tokio::test]
async fn fresh_metadata_is_only_what_the_request_brings() {
    let stage = stage().await;
    let call = copy(&stage, "c/o").header("destination", "c/2");
    let call = call
        .header("x-fresh-metadata", "true")
        .header("x-object-meta-b", "2");
    call.await.expect(201);
    let there = content(&stage, "c/2").await;
    assert_eq!(there.required("content-type"), "text/plain");
    assert_eq!(there.required("x-object-meta-b"), "2");
    assert_eq!(there.header("x-object-meta-a"), None);
    assert_eq!(there.header("cache-control"), None);
}

#[tokio::test]
async fn a_range_copies_that_part() {
    let stage = stage().await;
    let call = stage
        .put("c/2")
        .header("x-copy-from", "c/o")
        .header("range", "bytes=2-4");
    call.await.expect(201);
    assert_eq!(content(&stage, "c/2").await.text(), "234");
    let call = stage
        .put("c/3")
        .header("x-copy-from", "c/o")
        .header("range", "bytes=10-");
    assert_eq!(
        call.await.expect(416).required("content-range"),
        "bytes */10"
    );
}

#[tokio::test]
async fn conditions_are_those_of_the_source() {
    let stage = stage().await;
    let ask = |name: &str, value: &str| {
        let call = stage.put("c/2").header("x-copy-from", "c/o");
        call.header(name, value)
    };
    ask("if-match", "other").await.expect(412);
    ask("if-none-match", "*").await.expect(304);
    stage.get("c/2").await.expect(404);
    ask("if-match", "781e5e245d69b566979b86e28d23f2c7")
        .await
        .expect(201);
}

#[tokio::test]
async fn bad_requests_are_refused_in_swifts_words() {
    let stage = stage().await;
    let form = "header must be of the form <container name>/<object name>";
    let missing = copy(&stage, "c/o").await.expect(412);
    assert_eq!(missing.text(), "Destination header required");
    for value in ["d", "/d", "d/"] {
        let reply = copy(&stage, "c/o")
            .header("destination", value)
            .await
            .expect(412);
        assert_eq!(reply.text(), format!("Destination {form}"));
        let reply = stage
            .put("c/2")
            .header("x-copy-from", value)
            .await
            .expect(412);
        assert_eq!(reply.text(), format!("X-Copy-From {form}"));
    }
    let call = stage.put("c/2").header("x-copy-from", "c/o").body("x");
    assert_eq!(
        call.await.expect(400).text(),
        "Copy requests require a zero byte body"
    );
    copy(&stage, "c/o")
        .header("destination", "nope/o")
        .await
        .expect(404);
    copy(&stage, "c/nope")
        .header("destination", "c/2")
        .await
        .expect(404);
    stage
        .put("c/2")
        .header("x-copy-from", "nope/o")
        .await
        .expect(404);
}

#[tokio::test]
async fn other_accounts_need_rights_there() {
    let stage = stage().await;
    let call = copy(&stage, "c/o").header("destination", "c/2");
    call.header("destination-account", "Storage-nobody")
        .await
        .expect(403);
    let call = stage.put("c/2").header("x-copy-from", "c/o");
    let own = call.header("x-copy-from-account", &stage.account);
    own.await.expect(201);
}

#[tokio::test]
async fn a_user_without_rights_to_the_source_copies_nothing() {
    let stage = stage().await;
    let joe = stage.user("joe").await;
    let grant = format!("{}:joe", stage.account);
    stage
        .post("d")
        .header("x-container-write", &grant)
        .await
        .expect(204);
    let call = || joe.call(Method::PUT, "d/2").header("x-copy-from", "c/o");
    call().await.expect(403);
    stage
        .post("c")
        .header("x-container-read", &grant)
        .await
        .expect(204);
    call().await.expect(201);
}
