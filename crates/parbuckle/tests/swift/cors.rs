//! Pages from elsewhere (Swift wire reference section 14).

use http::Method;
use parbuckle_testkit::{Call, Reply};

use crate::stage::Stage;

const ORIGIN: &str = "https://page.example";

/// A container `c` that the origin and another may use, with the object `o`.
async fn stage() -> Stage {
    let stage = Stage::with_container().await;
    let allowed = format!("https://other.example {ORIGIN}");
    let post = stage
        .post("c")
        .header("x-container-meta-access-control-allow-origin", &allowed);
    let post = post.header("x-container-meta-access-control-max-age", "60");
    let post = post.header("x-container-meta-access-control-expose-headers", "X-Own");
    post.await.expect(204);
    let put = stage.put("c/o").header("x-object-meta-a", "1");
    put.body("x").await.expect(201);
    stage
}

/// What a browser asks beforehand, without a token.
fn preflight(stage: &Stage, path: &str, origin: &str, method: &str) -> Call {
    let call = stage
        .anonymous(Method::OPTIONS, path)
        .header("origin", origin);
    call.header("access-control-request-method", method)
}

fn lists(reply: &Reply, header: &str, name: &str) -> bool {
    reply
        .required(header)
        .split(", ")
        .any(|there| there == name)
}

#[tokio::test]
async fn options_without_an_origin_tell_the_methods() {
    let stage = Stage::with_container().await;
    for (path, copies) in [("", false), ("c", false), ("c/o", true), ("none/o", true)] {
        let reply = stage.anonymous(Method::OPTIONS, path).await.expect(200);
        assert!(lists(&reply, "allow", "PUT"), "{path}");
        assert_eq!(lists(&reply, "allow", "COPY"), copies, "{path}");
        assert_eq!(reply.required("content-length"), "0");
    }
}

#[tokio::test]
async fn a_page_of_an_allowed_origin_may_ask_what_it_wants() {
    let stage = stage().await;
    let call = preflight(&stage, "c/o", ORIGIN, "PUT");
    let reply = call
        .header("access-control-request-headers", "x-a, X-B")
        .await
        .expect(200);
    assert_eq!(reply.required("access-control-allow-origin"), ORIGIN);
    assert_eq!(reply.required("access-control-allow-headers"), "x-a, X-B");
    assert_eq!(reply.required("access-control-max-age"), "60");
    assert_eq!(
        reply.required("vary"),
        "Origin, Access-Control-Request-Headers"
    );
    assert!(lists(&reply, "access-control-allow-methods", "PUT"));
    preflight(&stage, "c", ORIGIN, "GET").await.expect(200);
}

#[tokio::test]
async fn other_preflights_are_refused_alike() {
    let stage = stage().await;
    stage.put("closed").await.expect(201);
    for (path, origin, method) in [
        ("c/o", "https://evil.example", "GET"),
        ("c/o", ORIGIN, "FETCH"),
        ("c/o", ORIGIN, ""),
        ("closed/o", ORIGIN, "GET"),
        ("missing/o", ORIGIN, "GET"),
    ] {
        let reply = preflight(&stage, path, origin, method).await.expect(401);
        assert!(lists(&reply, "allow", "GET"), "{path}");
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[tokio::test]
async fn replies_tell_the_page_what_it_may_read() {
    let stage = stage().await;
    let reply = stage.get("c/o").header("origin", ORIGIN).await.expect(200);
    assert_eq!(reply.required("access-control-allow-origin"), ORIGIN);
    assert_eq!(reply.required("vary"), "Origin");
    for name in ["etag", "x-trans-id", "x-object-meta-a", "x-own"] {
        assert!(
            lists(&reply, "access-control-expose-headers", name),
            "{name}"
        );
    }
}

#[tokio::test]
async fn refusals_are_told_to_the_page_too() {
    let stage = stage().await;
    let missing = stage
        .get("c/none")
        .header("origin", ORIGIN)
        .await
        .expect(404);
    assert_eq!(missing.required("access-control-allow-origin"), ORIGIN);
    let call = stage.anonymous(Method::GET, "c/o").header("origin", ORIGIN);
    assert_eq!(
        call.await
            .expect(401)
            .required("access-control-allow-origin"),
        ORIGIN
    );
}

#[tokio::test]
async fn other_origins_are_answered_without_these_headers() {
    let stage = stage().await;
    let reply = stage
        .get("c/o")
        .header("origin", "https://evil.example")
        .await
        .expect(200);
    assert_eq!(reply.header("access-control-allow-origin"), None);
    assert_eq!(reply.header("access-control-expose-headers"), None);
}

#[tokio::test]
async fn a_star_allows_every_origin() {
    let stage = Stage::with_container().await;
    let post = stage
        .post("c")
        .header("x-container-meta-access-control-allow-origin", "*");
    post.await.expect(204);
    let reply = stage.get("c").header("origin", ORIGIN).await.expect(204);
    assert_eq!(reply.required("access-control-allow-origin"), "*");
}
